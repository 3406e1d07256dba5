"""Filling the roster: asked, solved, changed by hand, solved again around what is locked, published once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.outbox import OutboxMessage
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import Fill, FillCell, Shift, Signup
from webapp.domain.rosters.queries import fills as queries
from webapp.domain.rosters.rules import FillState, GapReason, ShiftState, SignupState, SolverStatus
from webapp.domain.rosters.services import fills
from webapp.domain.volunteers.models import Commitment

pytestmark = pytest.mark.db


def _rows(statement):
    return db.reading(lambda: db.connection().execute(statement).all())()


def _ask(cast, who="alice", posts=(), **overrides):
    tomorrow = clock.day(clock.now()) + timedelta(days=1)
    values = {
        "area_public_id": cast.community.public_id,
        "team_public_id": None,
        "from_on": tomorrow,
        "to_on": tomorrow + timedelta(days=6),
        "post_public_ids": [each.public_id for each in posts],
    } | overrides
    return fills.ask_for_fill(deed=make_deed(cast.actor(who)), **values)


def _solve(public_id):
    return fills.solve(
        public_id=public_id, now=clock.now(), limit_seconds=20, workers=1, progress=lambda _percent: None
    )


def _publish(public_id, by="user:1"):
    return fills.publish(public_id=public_id, by=by, now=clock.now(), progress=lambda _percent: None)


def _cells(cast, public_id):
    fill = queries.get_fill(actor=cast.actor("alice"), public_id=public_id)
    return {
        (shift.public_id, cell.name): cell
        for shift in queries.list_shifts(fill=fill).shifts
        for cell in shift.cells
    }


def _person(cast, name):
    person_id = cast.people[name].person_id
    return _rows(select(Person.public_id).where(Person.id == person_id))[0][0]


def test_a_proposal_is_solved_published_and_everybody_is_told_once(cast, make, in_app):
    post = make.post(cast.community)
    shifts = [
        make.shift(post, state=ShiftState.DRAFT),
        make.shift(post, starts_at=clock.now() + timedelta(days=3), state=ShiftState.DRAFT),
    ]
    public_id = _ask(cast, posts=[post])
    assert _solve(public_id) == SolverStatus.OPTIMAL
    view = queries.get_fill(actor=cast.actor("alice"), public_id=public_id)
    assert (view.state, view.solver_status, view.wanted_missing) == (
        FillState.PROPOSED,
        SolverStatus.OPTIMAL,
        0,
    )
    assert not _rows(select(Signup.id)), "nothing is real before it is published"
    fills.publish_fill(deed=make_deed(cast.actor("alice")), public_id=public_id)
    placed, refused = _publish(public_id)
    assert (placed, refused) == (4, 0)
    signups = _rows(select(Signup.shift_id, Signup.person_id, Signup.state, Signup.confirmed_at))
    assert {row.shift_id for row in signups} == {each.id for each in shifts}
    assert all(row.state is SignupState.PLACED and row.confirmed_at is None for row in signups)
    told = _rows(select(OutboxMessage.id).where(OutboxMessage.template == "rostered"))
    assert len(told) == len({row.person_id for row in signups})
    assert [row.state for row in _rows(select(Shift.state))] == [ShiftState.OPEN] * 2
    assert _publish(public_id) == (0, 0), "publishing again does nothing"
    assert len(_rows(select(Commitment.id))) == 4


def test_somebody_who_was_taken_meanwhile_is_marked_and_the_others_are_placed(cast, make, in_app):
    post = make.post(cast.community)
    shift = make.shift(post, minimum_count=2)
    public_id = _ask(cast, posts=[post])
    _solve(public_id)
    person_id = _rows(select(FillCell.person_id).order_by(FillCell.person_id))[0][0]
    user = next(each for each in cast.people.values() if each.person_id == person_id)
    make.signup(make.shift(make.post(cast.community)), user)
    fills.publish_fill(deed=make_deed(cast.actor("alice")), public_id=public_id)
    assert _publish(public_id) == (1, 1)
    cells = _rows(select(FillCell.person_id, FillCell.refused_code, FillCell.signup_id))
    assert {row.person_id: row.refused_code for row in cells}[person_id] == "overlaps"
    assert _rows(select(Shift.taken_count).where(Shift.id == shift.id))[0][0] == 1


def test_what_is_locked_stays_when_it_is_solved_again(cast, make, in_app):
    post = make.post(cast.community)
    shift = make.shift(post, minimum_count=1, wanted_count=1, maximum_count=1)
    public_id = _ask(cast, posts=[post])
    _solve(public_id)
    alice = cast.actor("alice")
    names = {"vera", "viktor", "zoe", "tess"}
    ((_, there),) = _cells(cast, public_id)
    chosen = next(name for name in names if _name(cast, name) != there)
    before = next(name for name in names if _name(cast, name) == there)
    for verb, name in ((fills.remove_cell, before), (fills.add_cell, chosen)):
        verb(
            deed=make_deed(alice),
            public_id=public_id,
            shift_public_id=shift.public_id,
            person_public_id=_person(cast, name),
        )
    fills.solve_again(deed=make_deed(alice), public_id=public_id)
    _solve(public_id)
    ((_, name), cell), *others = _cells(cast, public_id).items()
    assert (name, cell.is_locked, others) == (_name(cast, chosen), True, [])


def _name(cast, who):
    return _rows(select(Person.name).where(Person.id == cast.people[who].person_id))[0][0]


def test_a_rule_gives_way_to_a_reason_and_stands_on_the_signup(cast, make, in_app):
    post = make.post(cast.community)
    shift = make.shift(post, skills={"sampling": 1}, minimum_count=1, wanted_count=1, maximum_count=1)
    public_id = _ask(cast, posts=[post])
    _solve(public_id)
    alice = cast.actor("alice")
    fills.remove_cell(
        deed=make_deed(alice),
        public_id=public_id,
        shift_public_id=shift.public_id,
        person_public_id=_person(cast, "viktor"),
    )
    put_on = {
        "public_id": public_id,
        "shift_public_id": shift.public_id,
        "person_public_id": _person(cast, "vera"),
    }
    with pytest.raises(RuleBroken) as refused:
        fills.add_cell(deed=make_deed(alice), **put_on)
    assert refused.value.code == "skill_missing"
    fills.add_cell(deed=make_deed(alice, reason="只递管子"), **put_on)
    fills.publish_fill(deed=make_deed(alice), public_id=public_id)
    assert _publish(public_id, by=alice.key) == (1, 0)
    signup = _rows(select(Signup.override_reason, Signup.overridden_by, Signup.person_id))[0]
    assert tuple(signup) == ("只递管子", alice.key, cast.people["vera"].person_id)


def test_a_gap_says_why(cast, make, in_app):
    post = make.post(cast.community)
    make.shift(post, skills={"nursing": 1}, minimum_count=1, wanted_count=1, maximum_count=1)
    public_id = _ask(cast, posts=[post])
    _solve(public_id)
    fill = queries.get_fill(actor=cast.actor("alice"), public_id=public_id)
    (gap,) = queries.list_shifts(fill=fill, only_gaps=True).shifts[0].gaps
    assert (gap.reason, gap.missing, gap.skill_zh) == (GapReason.NOBODY_WITH_SKILL, 1, "医护")
    assert (fill.minimum_missing, fill.wanted_missing) == (1, 1)


def test_a_proposal_is_published_once(cast, make, in_app):
    post = make.post(cast.community)
    make.shift(post)
    public_id = _ask(cast, posts=[post])
    _solve(public_id)
    alice = cast.actor("alice")
    deed = make_deed(alice)
    fills.publish_fill(deed=deed, public_id=public_id)
    fills.publish_fill(deed=deed, public_id=public_id)
    with pytest.raises(Conflict) as refused:
        fills.publish_fill(deed=make_deed(alice), public_id=public_id)
    assert refused.value.code == "fill_moved_on"


def test_a_discarded_proposal_stays_so_when_the_solver_comes_back(cast, make, in_app):
    post = make.post(cast.community)
    make.shift(post)
    public_id = _ask(cast, posts=[post])
    fills.discard_fill(deed=make_deed(cast.actor("alice")), public_id=public_id)
    assert _solve(public_id) == "moved_on"
    assert _rows(select(Fill.state))[0][0] is FillState.DISCARDED
    assert not _rows(select(FillCell.fill_id))


def test_a_teams_lead_fills_only_the_team(cast, make, in_app):
    ours, heads = make.post(cast.community, team=cast.team), make.post(cast.community)
    make.shift(ours)
    make.shift(heads, starts_at=clock.now() + timedelta(days=3))
    with pytest.raises(NotFound):
        _ask(cast, "tess", posts=[heads])
    with pytest.raises(RuleBroken) as refused:
        _ask(cast, "tess", posts=[heads], team_public_id=cast.team.public_id)
    assert refused.value.code == "posts_missing"
    public_id = _ask(cast, "tess", posts=[ours], team_public_id=cast.team.public_id)
    _solve(public_id)
    people = {row.person_id for row in _rows(select(FillCell.person_id))}
    assert people == {cast.people[name].person_id for name in ("tess", "vera")}
    for outsider in ("charlie", "olga"):
        with pytest.raises(NotFound):
            queries.get_fill(actor=cast.actor(outsider), public_id=public_id)


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(3, 1, "fill_span_backwards"), (1, 15, "fill_span_too_long"), (30, 31, "no_shifts_to_fill")],
)
def test_a_span_that_cannot_be_filled_is_refused(cast, make, in_app, first, last, code):
    post = make.post(cast.community)
    make.shift(post)
    today = clock.day(clock.now())
    with pytest.raises(RuleBroken) as refused:
        _ask(
            cast,
            posts=[post],
            from_on=today + timedelta(days=first),
            to_on=today + timedelta(days=last),
        )
    assert refused.value.code == code


def test_who_cannot_is_listed_with_the_rule_after_who_can(cast, make, in_app):
    post = make.post(cast.community, newcomers_welcome=False)
    shift = make.shift(post, minimum_count=1, wanted_count=1, maximum_count=1)
    busy = make.shift(make.post(cast.community))
    make.signup(busy, cast.people["vera"])
    public_id = _ask(cast, posts=[post])
    fill = queries.get_fill(actor=cast.actor("alice"), public_id=public_id)
    found = queries.list_candidates(fill=fill, shift_public_id=shift.public_id, now=clock.now())
    codes = {each.person_id: each.code for each in found}
    assert codes == {
        cast.people["tess"].person_id: None,
        cast.people["viktor"].person_id: None,
        cast.people["vera"].person_id: "overlaps",
        cast.people["zoe"].person_id: "newcomer_not_yet",
    }
    assert [each.code is None for each in found] == [True, True, False, False]


def test_somebody_who_said_no_to_a_half_day_is_not_proposed(cast, make, in_app):
    from webapp.domain.volunteers.models import AvailabilitySlot  # noqa: PLC0415 - one row
    from webapp.domain.volunteers.rules import Availability, Half  # noqa: PLC0415 - one row

    post = make.post(cast.community)
    shift = make.shift(post, minimum_count=1, wanted_count=4, maximum_count=4)
    day = _rows(select(Shift.day).where(Shift.id == shift.id))[0][0]

    def say_no():
        db.session().add(
            AvailabilitySlot(
                volunteer_id=cast.volunteers["vera"].id,
                weekday=day.weekday(),
                half=Half.MORNING,
                state=Availability.NOT_AVAILABLE,
            )
        )

    db.writing(say_no)()
    public_id = _ask(cast, posts=[post])
    _solve(public_id)
    people = {row.person_id for row in _rows(select(FillCell.person_id))}
    assert people == {cast.people[name].person_id for name in ("tess", "viktor", "zoe")}


def test_nobody_is_proposed_across_the_cordon_and_what_was_reopened_inside_is_outside_again(
    cast, make, in_app
):
    from webapp.domain.areas import services as areas  # noqa: PLC0415 - two zones
    from webapp.domain.areas.queries import list_zone_classes  # noqa: PLC0415 - two zones

    classes = {choice.code: choice.id for choice in list_zone_classes()}
    for area, zone in ((cast.compound, "sealed"), (cast.building, "normal")):
        areas.set_zone(
            deed=make_deed(cast.actor("alice")),
            public_id=area.public_id,
            zone_class_id=classes[zone],
            reason="一例阳性",
            notice="第12号通告",
        )
    post = make.post(cast.community)
    make.shift(post, minimum_count=1, wanted_count=4, maximum_count=4)
    public_id = _ask(cast, posts=[post])
    _solve(public_id)
    people = {row.person_id for row in _rows(select(FillCell.person_id))}
    # tess and vera live in the reopened building, zoe somewhere in the community, viktor behind the cordon.
    assert people == {cast.people[name].person_id for name in ("tess", "vera", "zoe")}
