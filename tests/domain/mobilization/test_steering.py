"""Steering a call-up: each press once, whoever presses second learns what holds, and every press leaves its lines."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken
from webapp.domain.mobilization.models import CallUp, CallUpEvent, CallUpRole
from webapp.domain.mobilization.queries import call_ups as queries
from webapp.domain.mobilization.rules import CallUpState, Certainty, SummonsState
from webapp.domain.mobilization.services import engine
from webapp.domain.mobilization.services import steering as services

pytestmark = pytest.mark.db

AUDIT = AuditEntry.__table__
CALL_UPS = CallUp.__table__
ROLES = CallUpRole.__table__
EVENTS = CallUpEvent.__table__

EVENING = datetime(2026, 11, 24, 12, 43, tzinfo=UTC)  # 20:43 in the county
NIGHT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # 23:00


@pytest.fixture(autouse=True)
def _evening():
    with clock.set_for_test(EVENING):
        yield


@db.reading
def row_of(made):
    return db.connection().execute(select(CALL_UPS).where(CALL_UPS.c.id == made.id)).one()


@db.reading
def events_of(made):
    rows = db.connection().execute(
        select(EVENTS.c.kind, EVENTS.c.facts).where(EVENTS.c.call_up_id == made.id).order_by(EVENTS.c.id)
    )
    return [(str(kind), json.loads(facts)) for kind, facts in rows]


@db.reading
def lines_of(made):
    rows = db.connection().execute(
        select(AUDIT.c.verb, AUDIT.c.reason)
        .where(AUDIT.c.kind == "call_up", AUDIT.c.object_id == made.id)
        .order_by(AUDIT.c.id)
    )
    return [tuple(each) for each in rows]


@db.reading
def wanted_of(made):
    return list(
        db.connection()
        .execute(select(ROLES.c.wanted_count).where(ROLES.c.call_up_id == made.id).order_by(ROLES.c.position))
        .scalars()
    )


def press(cast, service, made, name="alice", *, reason=None, **more):
    return service(deed=make_deed(cast.actor(name), reason=reason), call_up=made.public_id, **more)


def code_of(cast, service, made, name="alice", **more):
    with pytest.raises((Conflict, RuleBroken)) as caught:
        press(cast, service, made, name, **more)
    return caught.value.code


# --- start --------------------------------------------------------------------------------------------------


def test_starting_lets_the_engine_look_at_once(make, cast, in_app):
    made = make.call_up(cast.community, state=CallUpState.DRAFT)
    press(cast, services.start_call_up, made)
    row = row_of(made)
    assert (row.state, row.started_at, row.next_at) == (CallUpState.RUNNING, row.next_at, row.started_at)
    assert events_of(made) == [("started", {"places": 2, "overrides_quiet_hours": False})]
    assert lines_of(made) == [("start_call_up", None)]
    assert row.board_version == 2


def test_of_two_heads_one_starts_it_and_the_other_is_told(make, cast, in_app):
    made = make.call_up(cast.community, state=CallUpState.DRAFT)
    press(cast, services.start_call_up, made)
    assert code_of(cast, services.start_call_up, made, "dora") == "call_up_moved_on"
    assert [kind for kind, _facts in events_of(made)] == ["started"]
    assert row_of(made).version == 2


def test_the_same_press_sent_twice_is_one(make, cast, in_app):
    made = make.call_up(cast.community, state=CallUpState.DRAFT)
    deed = make_deed(cast.actor("alice"))
    for _ in range(2):
        services.start_call_up(deed=deed, call_up=made.public_id)
    assert [kind for kind, _facts in events_of(made)] == ["started"]


def test_a_draft_that_lay_too_long_does_not_start(make, cast, in_app):
    made = make.call_up(cast.community, state=CallUpState.DRAFT)
    with clock.set_for_test(EVENING + timedelta(minutes=25)):
        # 21:08: nobody could answer within ten minutes before 21:13.
        assert code_of(cast, services.start_call_up, made, quiet_reason="夜里到货") == "reply_after_start"
    with clock.set_for_test(EVENING + timedelta(minutes=31)):
        assert code_of(cast, services.start_call_up, made) == "start_in_the_past"


def test_at_night_somebody_says_why(make, cast, in_app):
    with clock.set_for_test(NIGHT):
        made = make.call_up(cast.community, state=CallUpState.DRAFT)
        assert code_of(cast, services.start_call_up, made) == "quiet_reason_missing"
        press(cast, services.start_call_up, made, quiet_reason="夜里到货,四点要送到")
        assert row_of(made).quiet_reason == "夜里到货,四点要送到"
        assert events_of(made)[0][1]["overrides_quiet_hours"] is True


def test_a_drill_wakes_nobody_even_with_a_reason(make, cast, in_app):
    with clock.set_for_test(NIGHT):
        made = make.call_up(cast.community, state=CallUpState.DRAFT, is_drill=True)
        assert code_of(cast, services.start_call_up, made, quiet_reason="拉动") == "drill_never_at_night"
        assert code_of(cast, services.start_call_up, made) == "drill_never_at_night"


def test_what_begins_after_the_quiet_hours_waits_for_the_morning(make, cast, in_app):
    with clock.set_for_test(NIGHT):
        made = make.call_up(
            cast.community,
            state=CallUpState.DRAFT,
            starts_at=NIGHT + timedelta(hours=12),
            ends_at=NIGHT + timedelta(hours=16),
        )
        press(cast, services.start_call_up, made)
        engine.run_due(clock.now())
        assert [kind for kind, _facts in events_of(made) if kind == "wave"] == []
        assert row_of(made).next_at == datetime(2026, 11, 25, 0, 0, tzinfo=UTC)


# --- pause, resume, hurry, widen, end -----------------------------------------------------------------------


def test_paused_it_calls_nobody_until_it_goes_on(make, cast, in_app):
    made = make.call_up(cast.community)
    press(cast, services.pause_call_up, made)
    assert (row_of(made).state, row_of(made).next_at) == (CallUpState.PAUSED, None)
    engine.run_due(clock.now())
    assert code_of(cast, services.pause_call_up, made, "dora") == "call_up_moved_on"
    press(cast, services.resume_call_up, made)
    engine.run_due(clock.now())
    assert [kind for kind, _facts in events_of(made)][:3] == ["paused", "resumed", "wave"]


def test_nothing_goes_on_after_its_end(make, cast, in_app):
    made = make.call_up(cast.community, state=CallUpState.PAUSED)
    with clock.set_for_test(EVENING + timedelta(hours=5)):
        assert code_of(cast, services.resume_call_up, made) == "call_up_time_over"


def waves(made):
    return [facts for kind, facts in events_of(made) if kind == "wave"]


def reserve_of(make, area, count):
    return [make.reservist(make.user(f"储备{number}"), area=area) for number in range(count)]


def test_a_hurry_sends_one_wave_however_many_press(make, cast, in_app):
    reserve_of(make, cast.community, 30)
    made = make.call_up(cast.community, roles=((None, 4),))
    engine.run_due(clock.now())
    assert len(waves(made)) == 1
    engine.run_due(clock.now())
    assert len(waves(made)) == 1
    press(cast, services.hurry_call_up, made, reason="人手急缺", seen=1)
    # The engine has not looked yet: the second press changes nothing.
    assert code_of(cast, services.hurry_call_up, made, "dora", reason="人手急缺", seen=1) == "wave_went_out"
    engine.run_due(clock.now())
    assert len(waves(made)) == 2
    assert code_of(cast, services.hurry_call_up, made, "dora", reason="人手急缺", seen=1) == "wave_went_out"
    assert ("hurry_call_up", "人手急缺") in lines_of(made)


def test_what_disturbs_people_needs_a_reason(make, cast, in_app):
    made = make.call_up(cast.community, next_at=EVENING + timedelta(hours=1))
    for service, more in (
        (services.hurry_call_up, {"seen": 0}),
        (services.widen_call_up, {"seen": cast.community.public_id}),
        (services.end_call_up, {}),
    ):
        assert code_of(cast, service, made, **more) == "reason_missing"
        assert code_of(cast, service, made, reason="  ", **more) == "reason_missing"
        assert code_of(cast, service, made, reason="长" * 201, **more) == "text_too_long"


def test_nobody_is_hurried_when_all_places_are_taken(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 1),), next_at=EVENING + timedelta(hours=1))
    make.summons(made, cast.reservists["vera"].person_id, state=SummonsState.COMING)
    assert code_of(cast, services.hurry_call_up, made, reason="急", seen=1) == "call_up_is_full"


def test_a_press_calls_nobody_in_the_quiet_hours_without_a_reason(make, cast, in_app):
    made = make.call_up(cast.community, next_at=NIGHT + timedelta(hours=1))
    drill = make.call_up(cast.community, next_at=NIGHT + timedelta(hours=1), is_drill=True)
    with clock.set_for_test(NIGHT):
        assert code_of(cast, services.hurry_call_up, made, reason="急", seen=0) == "quiet_now"
        seen = cast.community.public_id
        assert code_of(cast, services.widen_call_up, made, reason="急", seen=seen) == "quiet_now"
        assert code_of(cast, services.hurry_call_up, drill, reason="急", seen=0) == "drill_never_at_night"


def test_widening_climbs_one_step_and_asks_people_there(make, cast, in_app):
    reserve_of(make, cast.other_community, 20)
    made = make.call_up(cast.community, roles=((None, 10),))
    engine.run_due(clock.now())
    first = waves(made)[0]["asked"]
    press(cast, services.widen_call_up, made, reason="本地人手不够", seen=cast.community.public_id)
    row = row_of(made)
    assert (row.tier_path, row.widest_path) == (cast.town.path, cast.town.path)
    engine.run_due(clock.now())
    assert len(waves(made)) == 2
    assert waves(made)[1]["asked"] > 0
    assert first <= 4  # the cast's own people
    seen = cast.community.public_id
    assert code_of(cast, services.widen_call_up, made, reason="急", seen=seen) == "already_widened"
    press(cast, services.widen_call_up, made, reason="还不够", seen=cast.town.public_id)
    assert row_of(made).tier_path == cast.county.path
    seen = cast.county.public_id
    assert code_of(cast, services.widen_call_up, made, reason="急", seen=seen) == "widest_already"


def test_ended_it_calls_nobody_and_keeps_who_said_yes(make, cast, in_app):
    made = make.call_up(cast.community)
    make.summons(made, cast.reservists["vera"].person_id, state=SummonsState.COMING)
    press(cast, services.end_call_up, made, reason="人手已够")
    row = row_of(made)
    assert (row.state, row.next_at, row.end_reason) == (CallUpState.ENDED, None, "人手已够")
    engine.run_due(clock.now())
    assert waves(made) == []
    view = queries.get_call_up(actor=cast.actor("alice"), public_id=made.public_id, now=clock.now())
    assert view.roles[0].coming == 1
    assert code_of(cast, services.end_call_up, made, "dora", reason="够了") == "call_up_moved_on"


# --- numbers ------------------------------------------------------------------------------------------------


def roles_of(cast, made):
    view = queries.get_call_up(actor=cast.actor("alice"), public_id=made.public_id, now=clock.now())
    return [each.public_id for each in view.roles]


def test_more_places_let_the_engine_look_again(make, cast, in_app):
    made = make.call_up(cast.community, next_at=None)
    (role,) = roles_of(cast, made)
    press(
        cast,
        services.change_numbers,
        made,
        seen={role: 2},
        wanted={role: 5},
        certainty=Certainty.SURE,
    )
    row = row_of(made)
    assert (wanted_of(made), row.certainty) == ([5], Certainty.SURE)
    assert row.next_at is not None
    assert events_of(made) == [("changed", {"places": {"1": [2, 5]}, "certainty": "sure"})]


def test_never_fewer_than_have_said_yes(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 3),))
    for name in ("vera", "viktor"):
        make.summons(made, cast.reservists[name].person_id, state=SummonsState.COMING)
    (role,) = roles_of(cast, made)
    with pytest.raises(RuleBroken) as caught:
        press(
            cast, services.change_numbers, made, seen={role: 3}, wanted={role: 1}, certainty=Certainty.NORMAL
        )
    assert (caught.value.code, caught.value.params) == ("below_taken", {"taken": 2})
    press(cast, services.change_numbers, made, seen={role: 3}, wanted={role: 2}, certainty=Certainty.NORMAL)
    assert wanted_of(made) == [2]


def test_of_two_who_change_the_numbers_the_second_sees_the_first(make, cast, in_app):
    made = make.call_up(cast.community)
    (role,) = roles_of(cast, made)
    press(cast, services.change_numbers, made, seen={role: 2}, wanted={role: 4}, certainty=Certainty.NORMAL)
    more = {"seen": {role: 2}, "wanted": {role: 6}, "certainty": Certainty.NORMAL}
    assert code_of(cast, services.change_numbers, made, "dora", **more) == "numbers_changed"
    assert wanted_of(made) == [4]


def test_numbers_that_change_nothing_are_said_so(make, cast, in_app):
    made = make.call_up(cast.community)
    (role,) = roles_of(cast, made)
    more = {"seen": {role: 2}, "wanted": {role: 2}, "certainty": Certainty.NORMAL}
    assert code_of(cast, services.change_numbers, made, **more) == "nothing_changed"


# --- who ----------------------------------------------------------------------------------------------------


def test_a_grid_worker_looks_on_and_strangers_see_nothing(make, cast, in_app):
    made = make.call_up(cast.community, next_at=EVENING + timedelta(hours=1))
    presses = (
        (services.pause_call_up, {}),
        (services.hurry_call_up, {"seen": 0, "reason": "急"}),
        (services.widen_call_up, {"seen": cast.community.public_id, "reason": "急"}),
        (services.end_call_up, {"reason": "够了"}),
        (services.change_numbers, {"seen": {}, "wanted": {}, "certainty": Certainty.SURE}),
    )
    for service, more in presses:
        with pytest.raises(NotAllowed):
            press(cast, service, made, "bob", **more)
        for name in ("charlie", "olga", "tess"):
            with pytest.raises(NotFound):
                press(cast, service, made, name, **more)
    assert row_of(made).version == 1
