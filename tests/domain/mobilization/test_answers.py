"""Answers to a summons: places given once, the queue, a change of mind, what stands against a yes, and the slip."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, Gone, NotFound, RuleBroken
from webapp.base.ids import is_number
from webapp.domain.areas import services as areas
from webapp.domain.areas.queries import list_zone_classes
from webapp.domain.mobilization.models import CallUp, CallUpEvent, CallUpRole, Summons
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallUpState,
    CannotReason,
    EventKind,
    MusterState,
    Reply,
    SummonsState,
)
from webapp.domain.mobilization.services import answers
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind

pytestmark = pytest.mark.db

_summonses: Any = Summons.__table__
_roles: Any = CallUpRole.__table__
_call_ups: Any = CallUp.__table__
_events: Any = CallUpEvent.__table__
_commitments: Any = Commitment.__table__
_audit: Any = AuditEntry.__table__

YES = Answer(Reply.COMING, eta_minutes=20)
NO = Answer(Reply.CANNOT, reason=CannotReason.WORK, said="夜班")
LATER = Answer(Reply.LATER)


@pytest.fixture
def world(cast, make, in_app):
    return World(cast, make)


class World:
    def __init__(self, cast, make):
        self.cast, self.make = cast, make

    def person(self, name):
        return self.cast.people[name].person_id

    def summon(self, call_up, name, **columns):
        return self.make.summons(call_up, self.person(name), **columns)

    def answer(self, summons, said, *, source=AnswerSource.LINK, key=None, now=None):
        deed = make_deed(Actor.token("summons", summons.id), key=key, now=now or clock.now())
        return answers.answer(deed=deed, answer=said, source=source, token=summons.token)

    @db.reading
    def row(self, summons):
        return db.connection().execute(select(_summonses).where(_summonses.c.id == summons.id)).one()

    @db.reading
    def taken(self, call_up, role=0):
        found = select(_roles.c.taken_count).where(_roles.c.id == call_up.roles[role])
        return db.connection().execute(found).scalar_one()

    @db.reading
    def call_up(self, call_up):
        return db.connection().execute(select(_call_ups).where(_call_ups.c.id == call_up.id)).one()

    @db.reading
    def events(self, call_up):
        found = select(_events.c.kind).where(_events.c.call_up_id == call_up.id).order_by(_events.c.id)
        return [EventKind(each) for each in db.connection().execute(found).scalars()]

    @db.reading
    def time_taken(self, name):
        found = (
            select(_commitments.c.starts_at, _commitments.c.ends_at)
            .where(
                _commitments.c.person_id == self.person(name),
                _commitments.c.kind == CommitmentKind.CALL_UP,
            )
            .order_by(_commitments.c.id)
        )
        return [tuple(row) for row in db.connection().execute(found)]

    def change(self, table, row_id, **values):
        @db.writing
        def write():
            db.connection().execute(update(table).where(table.c.id == row_id).values(**values))

        write()

    def seal(self, area):
        classes = {each.code: each.id for each in list_zone_classes()}
        areas.set_zone(
            deed=make_deed(self.cast.actor("alice")),
            public_id=area.public_id,
            zone_class_id=classes["sealed"],
            reason="一例阳性",
            notice="第12号通告",
        )


def code_of(call, *values, **more):
    with pytest.raises((RuleBroken, Conflict, Gone)) as refused:
        call(*values, **more)
    return refused.value.code


# --- yes ----------------------------------------------------------------------------------------------------


def test_a_yes_takes_the_place_and_the_persons_time_and_gives_a_slip(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 2),))
    summons = world.summon(call_up, "vera")
    now = clock.now()
    before = world.call_up(call_up).board_version

    standing = world.answer(summons, YES, now=now)

    row = world.row(summons)
    assert (standing.state, row.state) == (SummonsState.COMING, SummonsState.COMING)
    assert row.eta_at == now + timedelta(minutes=20)
    assert (row.answered_at, row.answer_source, row.answered_by) == (now, AnswerSource.LINK, None)
    assert is_number(row.slip_code)
    assert world.taken(call_up) == 1
    the_call_up = world.call_up(call_up)
    assert world.time_taken("vera") == [(the_call_up.starts_at, the_call_up.ends_at)]
    assert the_call_up.board_version == before + 1


def test_every_answer_leaves_a_line_in_the_audit_log(world):
    summons = world.summon(world.make.call_up(world.cast.community), "vera")
    world.answer(summons, YES)
    with db.db.engine.connect() as connection:
        line = connection.execute(select(_audit).where(_audit.c.verb == "answer_call_up")).one()
    assert (line.object_id, line.actor_key) == (summons.id, f"summons:{summons.id}")
    assert '"state":"coming"' in line.facts


def test_the_same_press_twice_is_one_answer(world):
    call_up = world.make.call_up(world.cast.community)
    summons = world.summon(call_up, "vera")
    first = world.answer(summons, YES, key="the-same-key")
    again = world.answer(summons, YES, key="the-same-key")
    assert first == again
    assert world.taken(call_up) == 1


def test_the_last_place_is_given_once_and_the_next_is_thanked_and_waits(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 1),))
    first, second = world.summon(call_up, "vera"), world.summon(call_up, "viktor")
    assert world.answer(first, YES).state is SummonsState.COMING
    assert world.answer(second, YES).state is SummonsState.QUEUED
    assert world.taken(call_up) == 1
    assert world.row(second).slip_code is None
    assert world.time_taken("viktor") == []
    assert world.events(call_up) == [EventKind.FULL]


def test_who_waits_and_says_yes_again_keeps_the_turn(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 1),))
    world.answer(world.summon(call_up, "vera"), YES)
    waiting = world.summon(call_up, "viktor")
    world.answer(waiting, YES)
    at = world.row(waiting).answered_at
    assert world.answer(waiting, YES).state is SummonsState.QUEUED
    assert world.row(waiting).answered_at == at


def test_a_second_yes_changes_only_when_they_come(world):
    call_up = world.make.call_up(world.cast.community)
    summons = world.summon(call_up, "vera")
    world.answer(summons, YES)
    first = world.row(summons)
    now = clock.now()
    world.answer(summons, Answer(Reply.COMING, eta_minutes=45), now=now)
    row = world.row(summons)
    assert row.eta_at == now + timedelta(minutes=45)
    assert (row.answered_at, row.slip_code) == (first.answered_at, first.slip_code)
    assert world.taken(call_up) == 1


def test_coming_at_the_start_is_expected_at_the_start(world):
    call_up = world.make.call_up(world.cast.community)
    summons = world.summon(call_up, "vera")
    world.answer(summons, Answer(Reply.COMING))
    assert world.row(summons).eta_at == world.call_up(call_up).starts_at


# --- no, later, a change of mind ----------------------------------------------------------------------------


def test_a_no_keeps_the_reason_and_wakes_the_engine(world):
    call_up = world.make.call_up(world.cast.community, next_at=clock.now() + timedelta(minutes=8))
    summons = world.summon(call_up, "vera")
    now = clock.now()
    assert world.answer(summons, NO, now=now).state is SummonsState.CANNOT
    row = world.row(summons)
    assert (row.cannot_reason, row.said, row.slip_code) == (CannotReason.WORK, "夜班", None)
    assert world.call_up(call_up).next_at == now


def test_a_paused_call_up_is_not_woken_by_a_no(world):
    call_up = world.make.call_up(world.cast.community, state=CallUpState.PAUSED)
    world.answer(world.summon(call_up, "vera"), NO)
    assert world.call_up(call_up).next_at is None


def test_a_yes_that_becomes_a_no_gives_the_place_and_the_time_back(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 1),))
    summons = world.summon(call_up, "vera")
    world.answer(summons, YES)
    assert world.answer(summons, NO).state is SummonsState.DROPPED
    assert world.taken(call_up) == 0
    assert world.time_taken("vera") == []
    assert world.events(call_up) == [EventKind.FULL, EventKind.REOPENED]


def test_a_no_that_becomes_a_yes_takes_a_place_with_the_same_slip(world):
    call_up = world.make.call_up(world.cast.community)
    summons = world.summon(call_up, "vera")
    world.answer(summons, YES)
    slip = world.row(summons).slip_code
    world.answer(summons, NO)
    assert world.answer(summons, YES).state is SummonsState.COMING
    row = world.row(summons)
    assert (row.slip_code, row.cannot_reason, row.said) == (slip, None, None)
    assert world.taken(call_up) == 1


def test_a_freed_place_goes_to_the_first_who_waits(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 1),))
    first = world.summon(call_up, "vera")
    second, third = world.summon(call_up, "viktor"), world.summon(call_up, "bob")
    for each in (first, second, third):
        world.answer(each, YES)
    world.answer(first, NO)
    assert [world.row(each).state for each in (first, second, third)] == [
        SummonsState.DROPPED,
        SummonsState.COMING,
        SummonsState.QUEUED,
    ]
    assert world.taken(call_up) == 1
    row = world.row(second)
    assert is_number(row.slip_code)
    assert row.eta_at >= clock.now() + timedelta(minutes=29)
    assert len(world.time_taken("viktor")) == 1


def test_who_waits_and_has_promised_their_time_elsewhere_is_passed_over(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 1),))
    first = world.summon(call_up, "vera")
    second, third = world.summon(call_up, "viktor"), world.summon(call_up, "bob")
    for each in (first, second, third):
        world.answer(each, YES)
    other = world.make.call_up(world.cast.community)
    world.summon(other, "viktor", state=SummonsState.COMING)
    world.answer(first, NO)
    assert world.row(second).state is SummonsState.QUEUED
    assert world.row(third).state is SummonsState.COMING


def test_a_role_that_grows_takes_in_who_waits(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 1),))
    world.answer(world.summon(call_up, "vera"), YES)
    waiting = world.summon(call_up, "viktor")
    world.answer(waiting, YES)
    assert answers.settle_queues(now=clock.now()) == 0
    world.change(_roles, call_up.roles[0], wanted_count=2)
    assert answers.settle_queues(now=clock.now()) == 1
    assert world.row(waiting).state is SummonsState.COMING
    assert answers.settle_queues(now=clock.now()) == 0


def test_who_has_arrived_cannot_say_no_by_a_link(world):
    call_up = world.make.call_up(world.cast.community)
    summons = world.summon(
        call_up, "vera", state=SummonsState.COMING, muster=MusterState.ARRIVED, arrived_at=clock.now()
    )
    assert code_of(world.answer, summons, NO) == "mustered_already"
    assert world.taken(call_up) == 1


def test_who_is_on_the_way_and_turns_back_is_no_longer_on_the_way(world):
    call_up = world.make.call_up(world.cast.community)
    summons = world.summon(
        call_up, "vera", state=SummonsState.COMING, muster=MusterState.EN_ROUTE, left_for_at=clock.now()
    )
    assert world.answer(summons, NO).state is SummonsState.DROPPED
    row = world.row(summons)
    assert (row.muster, row.left_for_at) == (None, None)


def test_later_is_kept_until_the_window_ends_and_not_after_a_yes(world):
    call_up = world.make.call_up(world.cast.community)
    summons, other = world.summon(call_up, "vera"), world.summon(call_up, "viktor")
    assert world.answer(summons, LATER).state is SummonsState.LATER
    assert world.answer(summons, YES).state is SummonsState.COMING
    assert code_of(world.answer, summons, LATER) == "answered_already"
    assert code_of(world.answer, other, LATER, now=clock.now() + timedelta(minutes=11)) == "later_too_late"


# --- late, over, foreign ------------------------------------------------------------------------------------


def test_a_late_yes_is_kept_and_takes_what_is_open(world):
    call_up = world.make.call_up(world.cast.community)
    summons = world.summon(call_up, "vera", state=SummonsState.MISSED)
    now = clock.now() + timedelta(minutes=15)
    assert world.answer(summons, YES, now=now).state is SummonsState.COMING
    row = world.row(summons)
    assert row.answered_at > row.reply_by


def test_a_yes_after_the_calling_was_ended_is_kept_and_takes_no_place(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 3),), state=CallUpState.ENDED)
    summons = world.summon(call_up, "vera")
    assert world.answer(summons, YES).state is SummonsState.QUEUED
    assert world.taken(call_up) == 0
    assert answers.settle_queues(now=clock.now()) == 0


def test_nothing_is_answered_once_nobody_is_needed_or_all_is_over(world):
    community = world.cast.community
    stood_down = world.make.call_up(community, state=CallUpState.STOOD_DOWN)
    closed = world.make.call_up(community, state=CallUpState.CLOSED)
    running = world.make.call_up(community)
    assert code_of(world.answer, world.summon(stood_down, "vera"), YES) == "call_up_stood_down"
    assert code_of(world.answer, world.summon(closed, "vera"), YES) == "link_expired"
    summons = world.summon(running, "vera")
    ends_at = world.call_up(running).ends_at
    assert code_of(world.answer, summons, YES, now=ends_at) == "call_up_over"
    assert code_of(world.answer, summons, YES, now=ends_at + timedelta(days=7)) == "link_expired"
    let_go = world.summon(running, "viktor", state=SummonsState.STOOD_DOWN, stood_down_at=clock.now())
    assert code_of(world.answer, let_go, YES) == "call_up_stood_down"
    assert world.taken(running) == 0


def test_a_forged_link_and_somebody_elses_summons_answer_nothing(world):
    call_up = world.make.call_up(world.cast.community)
    summons = world.summon(call_up, "vera")
    forged = make_deed(Actor.token("summons", summons.id))
    for said in (YES, NO):
        with pytest.raises(NotFound):
            answers.answer(deed=forged, answer=said, source=AnswerSource.LINK, token=summons.token[::-1])
        with pytest.raises(NotFound):
            answers.answer(
                deed=make_deed(world.cast.actor("viktor")),
                answer=said,
                source=AnswerSource.APP,
                public_id=summons.public_id,
            )
    assert world.row(summons).state is SummonsState.WAITING


def test_one_answers_ones_own_summons_in_the_app(world):
    call_up = world.make.call_up(world.cast.community)
    summons = world.summon(call_up, "vera")
    standing = answers.answer(
        deed=make_deed(world.cast.actor("vera")),
        answer=YES,
        source=AnswerSource.APP,
        public_id=summons.public_id,
    )
    assert standing.state is SummonsState.COMING
    assert world.row(summons).answer_source is AnswerSource.APP


# --- what stands against a yes ------------------------------------------------------------------------------


def test_nobody_holds_places_in_two_call_ups_at_the_same_time(world):
    first, second = (world.make.call_up(world.cast.community) for _ in range(2))
    world.answer(world.summon(first, "vera"), YES)
    other = world.summon(second, "vera")
    assert code_of(world.answer, other, YES) == "call_up_overlap"
    assert world.row(other).state is SummonsState.WAITING
    assert world.taken(second) == 0


def test_a_call_up_after_the_other_is_no_overlap(world):
    first = world.make.call_up(world.cast.community)
    over = world.call_up(first).ends_at
    second = world.make.call_up(world.cast.community, starts_at=over, ends_at=over + timedelta(hours=4))
    world.answer(world.summon(first, "vera"), YES)
    assert world.answer(world.summon(second, "vera"), YES).state is SummonsState.COMING


def test_a_shift_at_that_time_refuses_with_its_time(world):
    call_up = world.make.call_up(world.cast.community)
    post = world.make.post(world.cast.community)
    starts_at = world.call_up(call_up).starts_at + timedelta(hours=1)
    shift = world.make.shift(post, starts_at=starts_at, hours=4)
    world.make.signup(shift, world.cast.people["vera"])
    summons = world.summon(call_up, "vera")
    with pytest.raises(RuleBroken) as refused:
        world.answer(summons, YES)
    assert (refused.value.code, refused.value.params["at"]) == ("time_overlap", starts_at)


def test_a_sealed_place_needs_the_second_tick_from_outside_and_not_from_inside(world):
    call_up = world.make.call_up(world.cast.compound)
    world.seal(world.cast.compound)
    inside, outside = world.summon(call_up, "vera"), world.summon(call_up, "bob")
    assert code_of(world.answer, outside, YES) == "sealed_tick"
    ticked = Answer(Reply.COMING, eta_minutes=20, knows_sealed=True)
    assert world.answer(outside, ticked).state is SummonsState.COMING
    assert world.row(outside).knows_sealed_at is not None
    assert world.answer(inside, YES).state is SummonsState.COMING


# --- another role -------------------------------------------------------------------------------------------


def test_where_the_own_role_is_full_another_one_can_be_taken(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 1), ("delivery", 1), ("sampling", 1)))
    world.answer(world.summon(call_up, "viktor"), YES)
    vera = world.summon(call_up, "vera")
    assert world.answer(vera, YES).state is SummonsState.QUEUED
    with db.db.engine.connect() as connection:
        names = dict(connection.execute(select(_roles.c.id, _roles.c.public_id)).all())
    delivery, sampling = names[call_up.roles[1]], names[call_up.roles[2]]
    cannot_do = Answer(Reply.COMING, role=sampling)
    assert code_of(world.answer, vera, cannot_do) == "role_not_for_you"
    assert world.answer(vera, Answer(Reply.COMING, role=delivery)).state is SummonsState.COMING
    assert world.row(vera).role_id == call_up.roles[1]
    assert (world.taken(call_up, 0), world.taken(call_up, 1)) == (1, 1)


def test_slip_codes_of_one_call_up_differ_and_can_be_read_aloud(world):
    codes = [answers.slip_code_of(number) for number in range(1, 3001)]
    assert len(set(codes)) == len(codes)
    assert all(is_number(each) for each in codes)
