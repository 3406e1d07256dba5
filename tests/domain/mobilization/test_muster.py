"""The muster: who is there, who joins, who is overdue, who is replaced; and the shift that is made of them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.conftest import Cast
from tests.factories import Factory, MadeCallUp, MadeSummons, make_deed
from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.errors import Conflict, Gone, NotFound, RuleBroken
from webapp.base.outbox import OutboxMessage
from webapp.domain.mobilization.models import CallUp, CallUpRole, Summons
from webapp.domain.mobilization.queries import board as board_queries
from webapp.domain.mobilization.queries import muster as queries
from webapp.domain.mobilization.queries.muster import get_muster
from webapp.domain.mobilization.rules import (
    CallUpState,
    Figures,
    Mark,
    MusterState,
    SummonsState,
    curve,
    is_received,
)
from webapp.domain.mobilization.services import muster, shift_making
from webapp.domain.mobilization.services.muster import Typed
from webapp.domain.notifications.models import InboxItem
from webapp.domain.rosters.models import Attendance, HoursEntry, Shift, Signup
from webapp.domain.rosters.queries import day
from webapp.domain.rosters.rules import Evidence
from webapp.domain.rosters.services import evidence
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind

pytestmark = pytest.mark.db

COMING = SummonsState.COMING


@pytest.fixture(autouse=True)
def _in_app(in_app: Any) -> None:
    """Services and queries are called directly."""


@db.reading
def row(made: MadeSummons) -> Any:
    return db.connection().execute(select(Summons.__table__).where(Summons.id == made.id)).one()


@db.reading
def role_of(made: MadeCallUp, number: int = 0) -> Any:
    return (
        db.connection().execute(select(CallUpRole.__table__).where(CallUpRole.id == made.roles[number])).one()
    )


@db.reading
def all_of(statement: Any) -> list[Any]:
    return list(db.connection().execute(statement))


def person(cast: Cast, name: str) -> int:
    return cast.people[name].person_id


def deed_of(cast: Cast, name: str, **more: Any) -> Any:
    return make_deed(cast.actor(name), **more)


def code_of(made: MadeCallUp) -> str:
    return queries.code_of(made.public_id, 1)


def commitments(person_id: int) -> list[Any]:
    return all_of(select(Commitment.__table__).where(Commitment.person_id == person_id))


# --- rules --------------------------------------------------------------------------------------------------


def test_the_figures_add_up_and_say_of_what_they_are_a_share() -> None:
    found = Figures(wanted=60, expected=60, arrived=52, en_route=5)
    assert (found.silent, found.rate) == (3, 86)
    assert found.expected == found.arrived + found.en_route + found.silent
    assert Figures().rate is None
    assert Figures(expected=200, arrived=199).rate == 99, "100 only when all are there"


def test_a_curve_counts_in_steps_and_leaves_out_what_comes_after_its_end() -> None:
    start = clock.now()
    at = [start, start + timedelta(minutes=2), start + timedelta(minutes=2), start + timedelta(minutes=90)]
    found = curve(at, start=start, end=start + timedelta(minutes=10))
    assert found == [(0.0, 1), (2.0, 3), (10.0, 3)]
    assert curve([], start=start, end=start + timedelta(minutes=1)) == [(0.0, 0), (1.0, 0)]


@pytest.mark.parametrize(
    ("minutes_to_due", "received"), [(16, False), (15, True), (0, True), (-15, True), (-16, False)]
)
def test_a_stand_down_receives_who_is_near_and_not_who_is_overdue(minutes_to_due, received) -> None:
    now = clock.now()
    due = now + timedelta(minutes=minutes_to_due)
    assert is_received(due=due, arrived_at=None, now=now) is received
    assert is_received(due=due, arrived_at=now, now=now)


# --- on the way and at the point ----------------------------------------------------------------------------


def test_somebody_sets_out_checks_in_and_leaves(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    muster.set_out(deed=deed_of(cast, "vera"), public_id=vera.public_id)
    assert row(vera).muster is MusterState.EN_ROUTE
    done = muster.check_in(deed=deed_of(cast, "vera"), call_up=made.public_id, code=code_of(made))
    assert done.has_place
    found = row(vera)
    assert (found.muster, found.arrived_from) == (MusterState.ARRIVED, Evidence.CHECK_IN)
    assert found.welfare_due_at - found.arrived_at == timedelta(hours=4)
    assert role_of(made).taken_count == 1, "who had a place takes no second one"
    muster.check_out(deed=deed_of(cast, "vera"), call_up=made.public_id, code=code_of(made))
    assert row(vera).muster is MusterState.DEPARTED
    assert commitments(person(cast, "vera")) == [], "their time is their own again"


def test_setting_out_is_for_who_has_a_place(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    vera = make.summons(made, person(cast, "vera"), state=SummonsState.WAITING)
    with pytest.raises(Conflict, match="no_place"):
        muster.set_out(deed=deed_of(cast, "vera"), public_id=vera.public_id)
    with pytest.raises(NotFound):
        muster.set_out(deed=deed_of(cast, "viktor"), public_id=vera.public_id)
    with pytest.raises(NotFound):
        muster.set_out(deed=deed_of(cast, "vera"), token="forged")


def test_the_board_version_rises_with_what_it_shows(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    actor, now = cast.actor("alice"), clock.now()
    before = board_queries.get_board_tag(actor=actor, public_id=made.public_id, now=now)
    muster.set_out(deed=deed_of(cast, "vera"), token=vera.token)
    after = board_queries.get_board_tag(actor=actor, public_id=made.public_id, now=now)
    assert before != after
    late = board_queries.get_board_tag(actor=actor, public_id=made.public_id, now=now + timedelta(hours=1))
    assert late != after, "somebody is overdue by the clock alone"


def test_a_check_in_that_lay_on_the_phone_counts_from_its_press_and_once(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, started_at=clock.now() - timedelta(hours=1))
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    pressed = clock.now() - timedelta(minutes=20)
    deed = deed_of(cast, "vera")
    for _ in range(2):
        done = muster.check_in(deed=deed, call_up=made.public_id, code=code_of(made), phone_at=pressed)
        assert done.at == pressed
    found = row(vera)
    assert (found.arrived_at, found.version) == (pressed, 2)
    again = muster.check_in(deed=deed_of(cast, "vera"), call_up=made.public_id, code=code_of(made))
    assert again.at == pressed, "a second press changes nothing"


def test_a_forged_an_old_and_a_late_code_check_nobody_in(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    make.summons(made, person(cast, "vera"), state=COMING)
    with pytest.raises(NotFound, match="check_in_code_wrong"):
        muster.check_in(deed=deed_of(cast, "vera"), call_up=made.public_id, code="AAAAAA")
    old = code_of(made)
    muster.renew_code(deed=deed_of(cast, "alice"), call_up=made.public_id)
    with pytest.raises(Gone, match="code_renewed"):
        muster.check_in(deed=deed_of(cast, "vera"), call_up=made.public_id, code=old)
    closed = make.call_up(cast.community, state=CallUpState.CLOSED, closed_at=clock.now())
    with pytest.raises(Gone, match="call_up_closed"):
        muster.check_in(deed=deed_of(cast, "vera"), call_up=closed.public_id, code=code_of(closed))


def test_a_slip_checks_in_its_owner_without_signing_in(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    vera = make.summons(made, person(cast, "vera"), state=COMING, slip_code="A7K3P")
    slip = " a7k3p"
    visitor = make_deed(Actor.anonymous("somebody"))
    muster.check_in(deed=visitor, call_up=made.public_id, code=code_of(made), slip=slip)
    assert row(vera).arrived_at is not None
    with pytest.raises(NotFound, match="slip_unknown"):
        muster.check_in(
            deed=make_deed(Actor.anonymous("somebody")),
            call_up=made.public_id,
            code=code_of(made),
            slip="ZZZZZ",
        )


@pytest.mark.parametrize(
    "state",
    [
        SummonsState.WAITING,
        SummonsState.LATER,
        SummonsState.MISSED,
        SummonsState.CANNOT,
        SummonsState.DROPPED,
        SummonsState.QUEUED,
        SummonsState.STOOD_DOWN,
    ],
)
def test_whoever_is_there_is_received_whatever_they_answered(cast: Cast, make: Factory, state) -> None:
    made = make.call_up(cast.community)
    vera = make.summons(made, person(cast, "vera"), state=state)
    done = muster.check_in(deed=deed_of(cast, "vera"), call_up=made.public_id, code=code_of(made))
    found = row(vera)
    assert done.has_place
    assert (found.state, found.muster) == (COMING, MusterState.ARRIVED)
    assert found.slip_code
    assert role_of(made).taken_count == 1
    assert [each.kind for each in commitments(person(cast, "vera"))] == [CommitmentKind.CALL_UP]


def test_who_finds_no_place_is_counted_as_extra_and_the_head_is_told(cast: Cast, make: Factory) -> None:
    alice = cast.people["alice"]
    made = make.call_up(cast.community, roles=((None, 1),), created_by=f"user:{alice.id}")
    make.summons(made, person(cast, "vera"), state=COMING)
    viktor = make.summons(made, person(cast, "viktor"), state=SummonsState.MISSED)
    done = muster.check_in(deed=deed_of(cast, "viktor"), call_up=made.public_id, code=code_of(made))
    assert not done.has_place
    found = row(viktor)
    assert (found.state, found.muster) == (SummonsState.MISSED, None)
    assert found.arrived_at is not None
    assert role_of(made).taken_count == 1, "the places are never overfull"
    told = all_of(select(InboxItem.__table__).where(InboxItem.template == "muster_extra"))
    assert [each.person_id for each in told] == [alice.person_id]
    board = board_queries.get_board(actor=cast.actor("alice"), public_id=made.public_id, now=clock.now())
    assert (board.figures.expected, board.figures.arrived, board.figures.extra) == (1, 0, 1)
    seated = muster.raise_places(
        deed=deed_of(cast, "alice"), call_up=made.public_id, role=role_of(made).public_id, count=2
    )
    assert seated == 1
    assert (row(viktor).state, row(viktor).muster) == (COMING, MusterState.ARRIVED)
    assert (role_of(made).wanted_count, role_of(made).taken_count) == (3, 2)
    call_up = all_of(select(CallUp.__table__).where(CallUp.id == made.id))[0]
    assert call_up.next_at <= clock.now(), "the engine calls for the rest at once"


def test_somebody_on_another_duty_gets_no_second_place(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    other = make.shift(make.post(cast.community), starts_at=clock.now() + timedelta(hours=1))
    make.signup(other, cast.people["viktor"])
    done = muster.check_in(deed=deed_of(cast, "viktor"), call_up=made.public_id, code=code_of(made))
    assert not done.has_place
    assert [each.kind for each in commitments(person(cast, "viktor"))] == [CommitmentKind.SHIFT]


def test_only_the_reserve_and_volunteers_join_by_themselves(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    with pytest.raises(RuleBroken, match="not_summoned"):
        muster.check_in(deed=deed_of(cast, "ruth"), call_up=made.public_id, code=code_of(made))
    assert muster.check_in(deed=deed_of(cast, "viktor"), call_up=made.public_id, code=code_of(made)).has_place


# --- roll call ----------------------------------------------------------------------------------------------


def typed(made: MadeSummons, mark: Mark, **more: Any) -> Typed:
    return Typed(summons=made.public_id, mark=mark, version=more.pop("version", row(made).version), **more)


def test_roll_call_marks_takes_back_and_leaves_the_rest_alone(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, roles=((None, 3),))
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    viktor = make.summons(made, person(cast, "viktor"), state=COMING)
    bob = make.summons(made, person(cast, "bob"), state=COMING)
    lines = [typed(vera, Mark.PRESENT, assigned_to="北门 组长老王"), typed(viktor, Mark.ABSENT)]
    assert muster.save_muster(deed=deed_of(cast, "bob"), call_up=made.public_id, lines=lines) == 2
    assert (row(vera).muster, row(vera).assigned_to) == (MusterState.ON_DUTY, "北门 组长老王")
    assert row(viktor).muster is MusterState.OVERDUE
    assert row(bob).muster is None, "no tick is no no-show"
    muster.save_muster(deed=deed_of(cast, "alice"), call_up=made.public_id, lines=[typed(vera, Mark.UNKNOWN)])
    assert (row(vera).muster, row(vera).arrived_at) == (None, None)


def test_two_phones_do_not_overwrite_each_other_without_a_word(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    viktor = make.summons(made, person(cast, "viktor"), state=COMING)
    seen = row(vera).version
    muster.save_muster(deed=deed_of(cast, "alice"), call_up=made.public_id, lines=[typed(vera, Mark.PRESENT)])
    with pytest.raises(Conflict, match="muster_changed") as caught:
        muster.save_muster(
            deed=deed_of(cast, "bob"),
            call_up=made.public_id,
            lines=[typed(viktor, Mark.PRESENT), typed(vera, Mark.ABSENT, version=seen)],
        )
    assert [each.summons for each in caught.value.params["changed"]] == [vera.public_id]
    assert row(viktor).arrived_at is None, "nothing of it was saved"
    assert row(vera).arrived_at is not None


def test_times_are_read_as_the_latest_that_is_past(cast: Cast, make: Factory) -> None:
    now = clock.now()
    made = make.call_up(cast.community, started_at=now - timedelta(hours=3))
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    came = clock.here(now - timedelta(hours=2)).time().replace(second=0, microsecond=0)
    left = clock.here(now - timedelta(minutes=5)).time().replace(second=0, microsecond=0)
    muster.save_muster(
        deed=deed_of(cast, "alice"),
        call_up=made.public_id,
        lines=[typed(vera, Mark.PRESENT, arrived=came, left=left)],
    )
    found = row(vera)
    assert found.muster is MusterState.DEPARTED
    assert abs(found.arrived_at - (now - timedelta(hours=2))) < timedelta(minutes=1)
    before = clock.here(now - timedelta(hours=4)).time().replace(second=0, microsecond=0)
    with pytest.raises(RuleBroken, match="time_outside_muster"):
        muster.save_muster(
            deed=deed_of(cast, "alice"),
            call_up=made.public_id,
            lines=[typed(vera, Mark.PRESENT, arrived=before)],
        )
    with pytest.raises(RuleBroken, match="time_order"):
        muster.save_muster(
            deed=deed_of(cast, "alice"),
            call_up=made.public_id,
            lines=[typed(vera, Mark.PRESENT, arrived=left, left=came)],
        )


def test_a_teams_lead_marks_only_the_team(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, roles=((None, 3),))
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    viktor = make.summons(made, person(cast, "viktor"), state=COMING)
    tess = cast.actor("tess")
    found = queries.get_muster(actor=tess, public_id=made.public_id, now=clock.now())
    assert [each.name for each in found.lines] == ["薇拉"]
    assert found.roles == ()
    muster.save_muster(deed=make_deed(tess), call_up=made.public_id, lines=[typed(vera, Mark.PRESENT)])
    with pytest.raises(Conflict):
        muster.save_muster(deed=make_deed(tess), call_up=made.public_id, lines=[typed(viktor, Mark.PRESENT)])
    with pytest.raises(NotFound):
        queries.get_muster(actor=cast.actor("charlie"), public_id=made.public_id, now=clock.now())


def test_a_walk_in_is_found_or_written_down(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, roles=((None, 2),))
    found = queries.find_reservists(actor=cast.actor("alice"), public_id=made.public_id, text="维")
    assert [each.name for each in found] == ["维克"]
    done = muster.add_walk_in(
        deed=deed_of(cast, "alice"), call_up=made.public_id, reservist=found[0].reservist
    )
    assert done.has_place
    unknown = {"name": "路人甲", "phone": "13812345678"}
    assert muster.add_walk_in(deed=deed_of(cast, "alice"), call_up=made.public_id, **unknown).has_place
    with pytest.raises(Conflict, match="already_here"):
        muster.add_walk_in(deed=deed_of(cast, "alice"), call_up=made.public_id, **unknown)
    extra = muster.add_walk_in(
        deed=deed_of(cast, "alice"), call_up=made.public_id, name="路人乙", phone="13812345679"
    )
    assert not extra.has_place
    with pytest.raises(RuleBroken, match="walk_in_missing"):
        muster.add_walk_in(deed=deed_of(cast, "alice"), call_up=made.public_id, name="路人丙")
    with pytest.raises(RuleBroken, match="slip_unknown"):
        muster.add_walk_in(deed=deed_of(cast, "alice"), call_up=made.public_id, slip="ZZZZZ")


# --- replacement, welfare, overdue --------------------------------------------------------------------------


def test_who_does_not_come_is_replaced_and_still_received(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, roles=((None, 1),), next_at=clock.now() + timedelta(hours=1))
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    viktor = make.summons(made, person(cast, "viktor"), state=SummonsState.QUEUED)
    muster.replace_missing(deed=deed_of(cast, "alice"), summons=vera.public_id)
    assert row(vera).state is SummonsState.DROPPED
    assert row(viktor).state is COMING, "who waited gets the place at once"
    done = muster.check_in(deed=deed_of(cast, "vera"), call_up=made.public_id, code=code_of(made))
    assert not done.has_place
    muster.check_in(deed=deed_of(cast, "viktor"), call_up=made.public_id, code=code_of(made))
    with pytest.raises(RuleBroken, match="mustered_already"):
        muster.replace_missing(deed=deed_of(cast, "alice"), summons=viktor.public_id)


def test_a_freed_place_wakes_the_engine(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, roles=((None, 1),), next_at=clock.now() + timedelta(hours=1))
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    muster.replace_missing(deed=deed_of(cast, "alice"), summons=vera.public_id)
    call_up = all_of(select(CallUp.__table__).where(CallUp.id == made.id))[0]
    assert call_up.next_at <= clock.now()


def test_overdue_by_the_clock_is_read_at_once_and_told_once(cast: Cast, make: Factory) -> None:
    alice = cast.people["alice"]
    now = clock.now()
    made = make.call_up(
        cast.community,
        roles=((None, 3),),
        created_by=f"user:{alice.id}",
        started_at=now - timedelta(hours=1),
        starts_at=now - timedelta(minutes=16),
    )
    vera = make.summons(made, person(cast, "vera"), state=COMING)
    make.summons(made, person(cast, "viktor"), state=COMING, eta_at=now + timedelta(minutes=5))
    board = board_queries.get_board(actor=cast.actor("alice"), public_id=made.public_id, now=now)
    assert (board.figures.overdue, [each.name for each in board.overdue]) == (1, ["薇拉"])
    assert muster.tidy_muster(now=now) == 1
    assert row(vera).muster is MusterState.OVERDUE
    assert muster.tidy_muster(now=now) == 0
    told = all_of(select(InboxItem.__table__).where(InboxItem.template == "muster_overdue"))
    assert [each.person_id for each in told] == [alice.person_id]


def test_welfare_checks_come_due_climb_and_are_made_by_a_name(cast: Cast, make: Factory) -> None:
    alice = cast.people["alice"]
    now = clock.now()
    made = make.call_up(
        cast.community,
        created_by=f"user:{alice.id}",
        started_at=now - timedelta(hours=11),
        starts_at=now - timedelta(hours=11),
    )
    there = {
        "muster": MusterState.ON_DUTY,
        "arrived_at": now - timedelta(hours=11),
        "arrived_from": Evidence.ROLL_CALL,
        "welfare_due_at": now - timedelta(minutes=45),
    }
    vera = make.summons(made, person(cast, "vera"), state=COMING, **there)
    board = board_queries.get_board(actor=cast.actor("alice"), public_id=made.public_id, now=now)
    assert [each.name for each in board.welfare] == ["薇拉"]
    line = queries.get_muster(actor=cast.actor("alice"), public_id=made.public_id, now=now).lines[0]
    assert line.is_long
    muster.tidy_muster(now=now)
    muster.tidy_muster(now=now)
    templates = [each.template for each in all_of(select(InboxItem.__table__))]
    assert sorted(templates) == ["long_duty", "welfare_overdue"]
    muster.check_welfare(deed=deed_of(cast, "bob"), summons=vera.public_id)
    found = row(vera)
    assert found.welfare_checked_by == "鲍伯"
    assert found.welfare_due_at > now + timedelta(hours=3)
    board = board_queries.get_board(actor=cast.actor("alice"), public_id=made.public_id, now=now)
    assert board.welfare == ()


# --- shifts -------------------------------------------------------------------------------------------------


def _there(at: Any) -> dict[str, Any]:
    return {"muster": MusterState.ARRIVED, "arrived_at": at, "arrived_from": Evidence.CHECK_IN}


def test_a_shift_is_made_of_those_who_mustered_and_their_hours_count(cast: Cast, make: Factory) -> None:
    now = clock.now()
    made = make.call_up(
        cast.community,
        roles=((None, 3),),
        started_at=now - timedelta(hours=2),
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=3),
    )
    came = now - timedelta(hours=1)
    vera = make.summons(made, person(cast, "vera"), state=COMING, **_there(came))
    bob = make.summons(made, person(cast, "bob"), state=COMING, **_there(came))
    viktor = make.summons(made, person(cast, "viktor"), state=COMING)
    done = shift_making.make_shift(deed=deed_of(cast, "alice"), call_up=made.public_id, new_post="卸货点")
    assert (done.placed, done.refused) == (2, ())
    shift = all_of(select(Shift.__table__).where(Shift.public_id == done.shift))[0]
    assert (shift.taken_count, shift.maximum_count) == (2, 2)
    assert role_of(made).shift_id == shift.id
    for name in ("vera", "bob"):
        held = commitments(person(cast, name))
        assert [each.kind for each in held] == [CommitmentKind.SHIFT], "handed over, not booked twice"
    assert [each.kind for each in commitments(person(cast, "viktor"))] == [CommitmentKind.CALL_UP]
    assert row(vera).muster is MusterState.ON_DUTY
    assert row(vera).assigned_to == "卸货点"
    muster.check_in(deed=deed_of(cast, "viktor"), call_up=made.public_id, code=code_of(made))
    later = shift_making.make_shift(deed=deed_of(cast, "alice"), call_up=made.public_id)
    assert (later.shift, later.placed) == (done.shift, 1), "who comes later is added to the same shift"
    assert row(viktor).muster is MusterState.ON_DUTY
    with pytest.raises(RuleBroken, match="nobody_here"):
        shift_making.make_shift(deed=deed_of(cast, "alice"), call_up=made.public_id)
    muster.save_muster(
        deed=deed_of(cast, "alice"),
        call_up=made.public_id,
        lines=[typed(vera, Mark.PRESENT, left=clock.here(now).time().replace(second=0, microsecond=0))],
    )
    attendance = all_of(select(Attendance.__table__).where(Attendance.person_id == person(cast, "vera")))[0]
    assert attendance.left_at is not None
    _close(shift.id, deed_of(cast, "alice", now=shift.ends_at + timedelta(hours=3)))
    hours = {each.person_id: each.minutes for each in all_of(select(HoursEntry.__table__))}
    assert hours[person(cast, "vera")] in {59, 60}
    assert hours[person(cast, "bob")] == 240
    assert bob


@db.writing
def _close(shift_id: int, deed: Any) -> None:
    evidence.close(deed, day.lock_shift(shift_id))


def test_who_is_refused_by_a_rule_keeps_the_time_of_the_call_up(cast: Cast, make: Factory) -> None:
    now = clock.now()
    made = make.call_up(cast.community, started_at=now, starts_at=now, ends_at=now + timedelta(hours=3))
    make.summons(made, person(cast, "bob"), state=COMING, **_there(now))
    post = make.post(cast.community, handles_household_data=True)
    with pytest.raises(RuleBroken, match="nobody_placed"):
        shift_making.make_shift(deed=deed_of(cast, "alice"), call_up=made.public_id, post=post.public_id)
    assert [each.kind for each in commitments(person(cast, "bob"))] == [CommitmentKind.CALL_UP]
    assert all_of(select(Signup.__table__)) == []


def test_nobody_makes_shifts_where_they_do_not_roster(cast: Cast, make: Factory) -> None:
    now = clock.now()
    made = make.call_up(cast.community, started_at=now, starts_at=now)
    make.summons(made, person(cast, "vera"), state=COMING, **_there(now))
    with pytest.raises(NotFound):
        shift_making.make_shift(deed=deed_of(cast, "dora"), call_up=made.public_id, new_post="卸货点")


def test_a_roll_of_many_takes_as_many_statements_as_one_of_few(
    cast: Cast, make: Factory, queries: Any
) -> None:
    made = make.call_up(cast.community, roles=((None, 50),))
    counts = []
    for number in range(21):
        make.summons(made, make.user(f"某人{number}").person_id, state=COMING, **_there(clock.now()))
        if number in {0, 20}:
            queries.statements.clear()
            get_muster(actor=cast.actor("alice"), public_id=made.public_id, now=clock.now())
            counts.append(queries.count)
    assert counts[0] == counts[1]


def test_messages_of_a_drill_say_so(cast: Cast, make: Factory) -> None:
    alice = cast.people["alice"]
    made = make.call_up(cast.community, roles=((None, 1),), created_by=f"user:{alice.id}", is_drill=True)
    make.summons(made, person(cast, "vera"), state=COMING)
    muster.check_in(deed=deed_of(cast, "viktor"), call_up=made.public_id, code=code_of(made))
    said = [each.parameters for each in all_of(select(OutboxMessage.__table__))]
    assert said
    assert all('"is_drill": true' in each for each in said)
