"""Teams called as units: places held for a promise, names that take them, never more than the role wants."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.errors import Conflict, Gone, NotAllowed, NotFound, RuleBroken
from webapp.base.outbox import OutboxMessage
from webapp.domain.areas import services as area_services
from webapp.domain.areas.queries import list_zone_classes
from webapp.domain.mobilization.models import CallUpRole, Summons, Unit
from webapp.domain.mobilization.queries import call_ups as call_up_queries
from webapp.domain.mobilization.queries import units as queries
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallUpState,
    CannotReason,
    Reply,
    SummonsState,
    UnitState,
)
from webapp.domain.mobilization.services import answers, engine
from webapp.domain.mobilization.services import units as services
from webapp.domain.notifications.models import InboxItem
from webapp.domain.volunteers.models import Commitment

pytestmark = pytest.mark.db

ROLES = CallUpRole.__table__
UNITS = Unit.__table__
SUMMONSES = Summons.__table__
COMMITMENTS = Commitment.__table__
INBOX = InboxItem.__table__
OUTBOX = OutboxMessage.__table__
EVENING = datetime(2026, 11, 24, 12, 43, tzinfo=UTC)  # 20:43 in the county


@pytest.fixture(autouse=True)
def _evening():
    with clock.set_for_test(EVENING):
        yield


@db.reading
def role_id_of(made, number=0):
    return (
        db.connection()
        .execute(select(ROLES.c.public_id).where(ROLES.c.id == made.roles[number]))
        .scalar_one()
    )


@db.reading
def taken_of(made, number=0):
    return (
        db.connection()
        .execute(select(ROLES.c.taken_count).where(ROLES.c.id == made.roles[number]))
        .scalar_one()
    )


@db.reading
def unit_of(public_id):
    return db.connection().execute(select(UNITS).where(UNITS.c.public_id == public_id)).one()


@db.reading
def summons_of(made, name, cast):
    person_id = cast.people[name].person_id
    return (
        db.connection()
        .execute(
            select(SUMMONSES).where(SUMMONSES.c.call_up_id == made.id, SUMMONSES.c.person_id == person_id)
        )
        .one_or_none()
    )


@db.reading
def told(template):
    rows = db.connection().execute(
        select(INBOX.c.person_id, INBOX.c.parameters, INBOX.c.address)
        .where(INBOX.c.template == template)
        .order_by(INBOX.c.id)
    )
    return [tuple(each) for each in rows]


def ask(cast, made, *, name="alice", team=None, count=2, number=0):
    return services.ask_unit(
        deed=make_deed(cast.actor(name)),
        call_up=made.public_id,
        team=(team or cast.team).public_id,
        role=role_id_of(made, number),
        count=count,
    )


def by_link():
    return make_deed(Actor.anonymous("lead"))


def promise(unit, count):
    services.answer_unit(deed=by_link(), token=services.token_of(unit), count=count)


def members(unit):
    found = queries.get_unit(token=services.token_of(unit), now=clock.now()).members
    return {each.name: each for each in found}


def name(unit, *names, **more):
    known = members(unit)
    return services.name_members(
        deed=by_link(),
        token=services.token_of(unit),
        members=[known[each].public_id for each in names],
        **more,
    )


def test_the_lead_is_asked_once_and_finds_the_way(make, cast, in_app):
    made = make.call_up(cast.community)
    unit = ask(cast, made)
    ((person_id, parameters, address),) = told("call_unit")
    assert person_id == cast.people["tess"].person_id
    assert json.loads(parameters)["count"] == 2
    assert address == f"/mobilization/units/{services.token_of(unit)}"
    with pytest.raises(Conflict) as caught:
        ask(cast, made, name="dora")
    assert caught.value.code == "unit_asked_already"
    page = queries.get_unit(token=services.token_of(unit), now=clock.now())
    assert (page.state, page.asked, page.open, set(members(unit))) == (
        UnitState.WAITING,
        2,
        2,
        {"泰思", "薇拉"},
    )


def test_places_are_held_for_a_promise_and_given_back(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 3),))
    unit = ask(cast, made)
    assert taken_of(made) == 0
    promise(unit, 2)
    assert (taken_of(made), unit_of(unit).state) == (2, UnitState.COMING)
    promise(unit, 3)
    assert taken_of(made) == 3
    promise(unit, 1)
    assert taken_of(made) == 1
    promise(unit, 0)
    assert (taken_of(made), unit_of(unit).state) == (0, UnitState.CANNOT)


def test_a_unit_never_overfills_a_role(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 3),))
    make.summons(made, cast.reservists["viktor"].person_id, state=SummonsState.COMING)
    unit = ask(cast, made, count=12)
    with pytest.raises(RuleBroken) as caught:
        promise(unit, 12)
    assert (caught.value.code, caught.value.params) == ("unit_too_many", {"open": 2})
    assert (taken_of(made), unit_of(unit).state) == (1, UnitState.WAITING)
    promise(unit, 2)
    assert taken_of(made) == 3


def test_names_take_the_places_that_are_held(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 5),))
    unit = ask(cast, made)
    promise(unit, 3)
    assert name(unit, "薇拉").count == 1
    summons = summons_of(made, "vera", cast)
    assert (summons.state, summons.answer_source) == (SummonsState.COMING, AnswerSource.UNIT)
    assert summons.slip_code
    assert summons.unit_id == unit_of(unit).id
    assert (taken_of(made), unit_of(unit).promised_count, unit_of(unit).named_count) == (3, 3, 1)
    assert committed() == {(cast.people["vera"].person_id, summons.id)}
    ((person_id, _parameters, address),) = told("call_named")
    assert (person_id, address) == (
        cast.people["vera"].person_id,
        f"/mobilization/summonses/{summons.public_id}",
    )
    with pytest.raises(RuleBroken) as caught:
        promise(unit, 0)
    assert (caught.value.code, caught.value.params) == ("below_named", {"named": 1})


@db.reading
def committed():
    rows = db.connection().execute(select(COMMITMENTS.c.person_id, COMMITMENTS.c.reference_id))
    return {tuple(each) for each in rows}


def test_more_names_than_promised_take_open_places_or_none(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 2),))
    unit = ask(cast, made)
    promise(unit, 1)
    assert name(unit, "薇拉", "泰思").count == 2
    assert (taken_of(made), unit_of(unit).promised_count) == (2, 2)
    full = make.call_up(cast.community, roles=((None, 1),), starts_at=at(9), ends_at=at(12))
    other = ask(cast, full)
    with pytest.raises(RuleBroken) as caught:
        name(other, "薇拉", "泰思")
    assert (caught.value.code, caught.value.params) == ("unit_too_many", {"open": 1})
    assert (taken_of(full), summons_of(full, "vera", cast)) == (0, None)


def at(hours):
    return EVENING + timedelta(hours=hours)


def test_who_was_asked_already_comes_with_the_team_and_is_counted_once(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 2), ("order", 2)))
    before = make.summons(made, cast.reservists["vera"].person_id, role=1)
    unit = ask(cast, made)
    name(unit, "薇拉")
    summons = summons_of(made, "vera", cast)
    assert (summons.public_id, summons.state, summons.role_id) == (
        before.public_id,
        SummonsState.COMING,
        made.roles[0],
    )
    assert (taken_of(made), taken_of(made, 1)) == (1, 0)


def test_who_said_no_or_is_busy_is_left_out_and_named(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 5),))
    elsewhere = make.call_up(cast.community)
    make.summons(elsewhere, cast.reservists["tess"].person_id, state=SummonsState.COMING)
    make.summons(
        made, cast.reservists["vera"].person_id, state=SummonsState.CANNOT, cannot_reason=CannotReason.ILL
    )
    unit = ask(cast, made)
    known = members(unit)
    assert known["泰思"].is_busy
    done = name(unit, "薇拉", "泰思")
    assert (done.count, {(each.name, each.code) for each in done.refused}) == (
        0,
        {("薇拉", "said_no_already"), ("泰思", "busy_elsewhere")},
    )
    # Nobody keeps a summons that was never theirs to answer.
    assert summons_of(made, "tess", cast) is None
    assert summons_of(made, "vera", cast).state == SummonsState.CANNOT
    assert taken_of(made) == 0
    with in_app.app_context():
        assert count_named() == 0


@db.reading
def count_named():
    return (
        db.connection()
        .execute(select(func.count()).select_from(INBOX).where(INBOX.c.template == "call_named"))
        .scalar_one()
    )


def test_one_who_was_named_and_drops_out_frees_one_place(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 2),))
    unit = ask(cast, made)
    promise(unit, 2)
    name(unit, "薇拉", "泰思")
    answers.answer(
        deed=make_deed(cast.actor("vera")),
        answer=Answer(Reply.CANNOT, reason=CannotReason.ILL),
        source=AnswerSource.APP,
        public_id=summons_of(made, "vera", cast).public_id,
    )
    row = unit_of(unit)
    assert (taken_of(made), row.promised_count, row.named_count) == (1, 1, 1)


def test_the_engine_asks_fewer_while_a_team_is_awaited_and_none_when_it_fills(make, cast, in_app):
    for number in range(40):
        make.reservist(make.user(f"储备{number}"), area=cast.community)
    made = make.call_up(cast.community, roles=((None, 4),))
    unit = ask(cast, made, count=4)
    promise(unit, 4)
    engine.run_due(clock.now())
    assert count_summoned(made) == 0
    promise(unit, 0)
    engine.run_due(clock.now())
    assert count_summoned(made) > 0


@db.reading
def count_summoned(made):
    return (
        db.connection()
        .execute(select(func.count()).select_from(SUMMONSES).where(SUMMONSES.c.call_up_id == made.id))
        .scalar_one()
    )


def test_nobody_is_asked_beside_their_lead(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 10),))
    unit = ask(cast, made, count=2)
    engine.run_due(clock.now())
    assert count_summoned(made) == 2  # viktor and bob; tess and vera belong to the team
    assert summons_of(made, "vera", cast) is None
    promise(unit, 0)
    with clock.set_for_test(EVENING + timedelta(minutes=11)):
        engine.run_due(clock.now())
        assert summons_of(made, "vera", cast) is not None


def test_after_half_the_time_a_silent_lead_is_to_be_called(make, cast, in_app):
    made = make.call_up(cast.community)
    ask(cast, made)

    def to_call(minutes):
        (found,) = call_up_queries.list_units(call_up_id=made.id, now=at(minutes / 60))
        return found.is_to_call, found.phone

    assert to_call(4) == (False, None)
    is_to_call, phone = to_call(6)
    assert is_to_call
    assert phone
    view = call_up_queries.get_call_up(actor=cast.actor("alice"), public_id=made.public_id, now=at(0.1))
    assert view.listed_count == 1


def test_what_the_lead_says_on_the_phone_is_written_down_by_who_calls(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 3),))
    unit = ask(cast, made)
    answered = services.answer_unit_by_phone(deed=make_deed(cast.actor("bob")), unit=unit, count=2)
    assert answered == made.public_id
    assert taken_of(made) == 2
    for outsider in ("charlie", "tess", "ruth"):
        with pytest.raises(NotFound):
            services.answer_unit_by_phone(deed=make_deed(cast.actor(outsider)), unit=unit, count=1)


def test_an_ended_call_up_takes_names_for_its_promise_and_no_more(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 4),))
    unit = ask(cast, made)
    promise(unit, 1)
    set_state(made, CallUpState.ENDED, ended_at=clock.now(), next_at=None)
    with pytest.raises(Conflict) as caught:
        promise(unit, 2)
    assert caught.value.code == "call_up_ended"
    assert name(unit, "薇拉").count == 1
    with pytest.raises(Conflict):
        name(unit, "泰思")


@db.writing
def set_state(made, state, **values):
    table = services._call_ups
    db.connection().execute(table.update().where(table.c.id == made.id).values(state=state, **values))


def test_a_forged_link_is_nothing_and_an_old_one_is_over(make, cast, in_app):
    made = make.call_up(cast.community)
    unit = ask(cast, made)
    with pytest.raises(NotFound):
        queries.get_unit(token="A" * 22, now=clock.now())
    with pytest.raises(NotFound):
        services.answer_unit(deed=by_link(), token="A" * 22, count=1)
    with clock.set_for_test(at(5)):
        with pytest.raises(Gone):
            promise(unit, 1)
        assert queries.get_unit(token=services.token_of(unit), now=clock.now()).is_over
    with clock.set_for_test(EVENING + timedelta(days=8)), pytest.raises(Gone):
        queries.get_unit(token=services.token_of(unit), now=clock.now())
    set_state(made, CallUpState.STOOD_DOWN, next_at=None)
    with pytest.raises(Gone):
        promise(unit, 1)


def test_only_members_of_the_team_can_be_named(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 4),))
    unit = ask(cast, made)
    with pytest.raises(NotFound):
        services.name_members(
            deed=by_link(), token=services.token_of(unit), members=[cast.people["viktor"].person_public_id]
        )


def test_into_a_sealed_area_only_with_the_second_tick(make, cast, in_app):
    sealed = {each.code: each.id for each in list_zone_classes()}["sealed"]
    compound = make.area("封控小区", level="compound", parent=cast.community)
    area_services.set_zone(
        deed=make_deed(cast.actor("alice")),
        public_id=compound.public_id,
        zone_class_id=sealed,
        reason="一例阳性",
        notice="第12号通告",
    )
    made = make.call_up(compound, roles=((None, 4),), tier_path=cast.community.path)
    unit = ask(cast, made)
    with pytest.raises(RuleBroken) as caught:
        name(unit, "薇拉")
    assert caught.value.code == "sealed_tick"
    assert name(unit, "薇拉", knows_sealed=True).count == 1
    assert summons_of(made, "vera", cast).knows_sealed_at is not None


def test_who_may_call_a_team_and_which(make, cast, in_app):
    made = make.call_up(cast.community)
    with pytest.raises(NotAllowed):
        ask(cast, made, name="bob")
    with pytest.raises(NotFound):
        ask(cast, made, name="charlie")
    foreign = make.team("别社区的队", area=cast.other_community, leads=(cast.people["fern"],))
    with pytest.raises(NotFound):
        ask(cast, made, team=foreign)
    without = make.team("没人带的队", area=cast.community)
    with pytest.raises(RuleBroken) as caught:
        ask(cast, made, team=without)
    assert caught.value.code == "team_without_lead"
    (choice, *_rest) = call_up_queries.list_teams_to_call(
        actor=cast.actor("alice"),
        call_up=call_up_queries.get_call_up(
            actor=cast.actor("alice"), public_id=made.public_id, now=clock.now()
        ),
    )
    assert (choice.name, choice.members, choice.lead) == ("红马甲", 2, "泰思")


def test_no_team_is_called_in_the_quiet_hours_without_a_reason(make, cast, in_app):
    with clock.set_for_test(at(2)):
        made = make.call_up(cast.community)
        with pytest.raises(RuleBroken) as caught:
            ask(cast, made)
        assert caught.value.code == "quiet_now"
        assert ask(cast, make.call_up(cast.community, quiet_reason="夜里到货"))
