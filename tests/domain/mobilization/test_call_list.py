"""The call list: who is put onto it and when, split over leads and office, and what calls came to."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from webapp.base import clock, crypto, db
from webapp.base.errors import NotFound, RuleBroken
from webapp.domain.mobilization.models import CallAttempt, CallUpEvent, Summons
from webapp.domain.mobilization.queries import call_list as queries
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallResult,
    CallUpState,
    CannotReason,
    EventKind,
    Reply,
    SummonsState,
)
from webapp.domain.mobilization.services import answers, call_list
from webapp.domain.notifications.models import InboxItem
from webapp.domain.people.models import PersonPhone

pytestmark = pytest.mark.db

_summonses: Any = Summons.__table__
_attempts: Any = CallAttempt.__table__
_events: Any = CallUpEvent.__table__
_items: Any = InboxItem.__table__
_phones: Any = PersonPhone.__table__


@pytest.fixture
def world(cast, make, in_app):
    return World(cast, make)


class World:
    """vera is in tess's team, viktor in none; the window is ten minutes."""

    def __init__(self, cast, make):
        self.cast, self.make = cast, make
        self.call_up = make.call_up(cast.community, roles=((None, 3),))
        self.began = clock.now()

    def person(self, name):
        return self.cast.people[name].person_id

    def summon(self, name, **columns):
        return self.make.summons(self.call_up, self.person(name), **columns)

    def after(self, minutes):
        return self.began + timedelta(minutes=minutes)

    @db.reading
    def row(self, summons):
        return db.connection().execute(select(_summonses).where(_summonses.c.id == summons.id)).one()

    @db.reading
    def calls(self, summons):
        rows = db.connection().execute(
            select(_attempts).where(_attempts.c.summons_id == summons.id).order_by(_attempts.c.number)
        )
        return [(row.number, row.result, row.called_by) for row in rows]

    @db.reading
    def listed_events(self):
        rows = db.connection().execute(select(_events).where(_events.c.kind == EventKind.LISTED))
        return [json.loads(row.facts) for row in rows]

    def call(self, who, summons, result, *, key=None, now=None, **more):
        deed = make_deed(self.cast.actor(who), key=key, now=now or clock.now())
        return call_list.record_call(deed=deed, public_id=summons.public_id, result=result, **more)

    def list_of(self, who, **more):
        return queries.get_call_list(
            actor=self.cast.actor(who), public_id=self.call_up.public_id, now=clock.now(), **more
        )


def names(view):
    return [each.name for each in view.lines]


# --- who is put onto it -------------------------------------------------------------------------------------


def test_at_half_of_the_reply_time_who_is_silent_is_listed_once(world):
    silent, said_no = world.summon("vera"), world.summon("viktor", state=SummonsState.CANNOT)
    later = world.summon("bob", state=SummonsState.LATER)
    assert call_list.list_silent(now=world.after(4.9)) == 0
    now = world.after(5.1)
    assert call_list.list_silent(now=now) == 1
    assert world.row(silent).listed_at == now
    assert (world.row(said_no).listed_at, world.row(later).listed_at) == (None, None)
    assert call_list.list_silent(now=world.after(6)) == 0
    assert world.listed_events() == [{"count": 1, "waves": 1}]


def test_whom_no_message_reaches_is_listed_at_once(world):
    silent, unreachable = world.summon("vera"), world.summon("viktor", channel=None)
    assert call_list.list_silent(now=world.after(0.1)) == 1
    assert world.row(unreachable).listed_at is not None
    assert world.row(silent).listed_at is None


def test_a_paused_call_up_still_lists_and_an_ended_one_does_not(world):
    for state, listed in ((CallUpState.PAUSED, 1), (CallUpState.ENDED, 0)):
        call_up = world.make.call_up(world.cast.community, state=state)
        world.make.summons(call_up, world.person("fern"))
        assert call_list.list_silent(now=world.after(6)) == listed


def test_a_team_lead_gets_the_own_members_and_the_office_the_rest(world):
    vera, viktor, tess = world.summon("vera"), world.summon("viktor"), world.summon("tess")
    call_list.list_silent(now=world.after(6))
    assert world.row(vera).listed_to_id == world.person("tess")
    assert world.row(viktor).listed_to_id is None
    # Nobody is put down to call themselves.
    assert world.row(tess).listed_to_id is None
    assert set(names(world.list_of("alice"))) == {"维克", "泰思"}
    assert set(names(world.list_of("alice", part="all"))) == {"薇拉", "维克", "泰思"}
    # A lead sees the own people only, whatever they ask for.
    assert set(names(world.list_of("tess", part="all"))) == {"薇拉", "泰思"}


def test_the_lead_is_told_once_that_there_are_people_to_call(world):
    world.summon("vera")
    call_list.list_silent(now=world.after(6))
    with db.db.engine.connect() as connection:
        items = connection.execute(select(_items).where(_items.c.template == "call_list")).all()
    assert [(each.person_id, each.reference) for each in items] == [
        (world.person("tess"), f"call_list:{world.call_up.public_id}")
    ]
    assert json.loads(items[0].parameters)["count"] == 1


def test_an_outsider_and_who_holds_no_right_see_no_list(world):
    world.summon("vera")
    call_list.list_silent(now=world.after(6))
    for name in ("charlie", "olga", "vera"):
        with pytest.raises(NotFound):
            world.list_of(name)


def test_the_list_shows_the_number_that_messages_go_to(world):
    world.summon("viktor")
    call_list.list_silent(now=world.after(6))
    (line,) = world.list_of("alice").lines
    assert line.phone == world.cast.people["viktor"].phone


# --- what calls came to -------------------------------------------------------------------------------------


def test_a_yes_on_the_phone_is_the_same_yes_and_marked_by_whom(world):
    summons = world.summon("viktor", listed_at=clock.now())
    said = Answer(Reply.COMING, eta_minutes=20)
    called = world.call("alice", summons, CallResult.COMING, answer=said)
    row = world.row(summons)
    assert (called.state, row.state, row.answer_source) == (
        SummonsState.COMING,
        SummonsState.COMING,
        AnswerSource.CALL_LIST,
    )
    assert row.answered_by == world.cast.actor("alice").key
    assert world.calls(summons) == [(1, CallResult.COMING, world.cast.actor("alice").key)]


def test_a_no_on_the_phone_keeps_the_reason(world):
    summons = world.summon("viktor", listed_at=clock.now())
    world.call("alice", summons, CallResult.CANNOT, answer=Answer(Reply.CANNOT, reason=CannotReason.ILL))
    row = world.row(summons)
    assert (row.state, row.cannot_reason) == (SummonsState.CANNOT, CannotReason.ILL)


def test_who_was_not_reached_is_tried_again_after_the_others(world):
    first, second = (world.summon(name, listed_at=clock.now()) for name in ("viktor", "bob"))
    world.call("alice", first, CallResult.NO_ANSWER)
    view = world.list_of("alice")
    assert [each.public_id for each in view.lines] == [second.public_id, first.public_id]
    assert (view.lines[1].attempt_count, view.lines[1].last_result) == (1, CallResult.NO_ANSWER)
    assert world.row(first).state is SummonsState.WAITING
    world.call("alice", first, CallResult.NO_ANSWER)
    assert [each[0] for each in world.calls(first)] == [1, 2]


def test_a_call_that_the_phone_sends_twice_is_one_call(world):
    summons = world.summon("viktor", listed_at=clock.now())
    for _ in range(2):
        world.call("alice", summons, CallResult.NO_ANSWER, key="one-and-the-same")
    assert len(world.calls(summons)) == 1


def test_a_wrong_number_is_marked_as_failing(world):
    person = world.person("viktor")

    @db.writing
    def give_number():
        phone = world.cast.people["viktor"].phone
        index = crypto.blind_index("phone", phone)
        there = db.connection().execute(select(_phones.c.id).where(_phones.c.person_id == person)).first()
        if there is None:
            db.session().add(
                PersonPhone(
                    person_id=person, phone=crypto.encrypt(phone), phone_index=index, phone_tail=phone[-4:]
                )
            )

    give_number()
    summons = world.summon("viktor", listed_at=clock.now())
    now = clock.now()
    world.call("alice", summons, CallResult.WRONG_NUMBER, now=now)
    with db.db.engine.connect() as connection:
        failing = connection.execute(select(_phones.c.failing_since).where(_phones.c.person_id == person))
        assert failing.scalar_one() == now


def test_what_the_person_answered_meanwhile_stands(world):
    summons = world.summon("viktor", listed_at=clock.now())
    seen = world.row(summons).version
    from webapp.base.actor import Actor  # noqa: PLC0415

    answers.answer(
        deed=make_deed(Actor.token("summons", summons.id)),
        answer=Answer(Reply.COMING),
        source=AnswerSource.LINK,
        token=summons.token,
    )
    # The caller's phone was without a network when they noted a no.
    called = world.call("alice", summons, CallResult.CANNOT, answer=Answer(Reply.CANNOT), seen=seen)
    assert (called.state, called.had_answered) == (SummonsState.COMING, True)
    assert world.row(summons).answer_source is AnswerSource.LINK
    assert len(world.calls(summons)) == 1


def test_later_on_the_phone_after_the_window_is_a_call_like_any_other(world):
    summons = world.summon("viktor", listed_at=clock.now(), state=SummonsState.MISSED)
    called = world.call("alice", summons, CallResult.LATER, now=world.after(12))
    assert called.state is SummonsState.MISSED
    assert len(world.calls(summons)) == 1


def test_a_yes_that_cannot_stand_is_refused_and_no_call_is_noted(world):
    other = world.make.call_up(world.cast.community)
    world.make.summons(other, world.person("viktor"), state=SummonsState.COMING)
    summons = world.summon("viktor", listed_at=clock.now())
    with pytest.raises(RuleBroken) as refused:
        world.call("alice", summons, CallResult.COMING)
    assert refused.value.code == "call_up_overlap"
    assert world.calls(summons) == []


def test_a_lead_records_calls_to_the_own_people_only(world):
    vera, viktor = world.summon("vera", listed_at=clock.now()), world.summon("viktor", listed_at=clock.now())
    assert world.call("tess", vera, CallResult.COMING).state is SummonsState.COMING
    with pytest.raises(NotFound):
        world.call("tess", viktor, CallResult.COMING)
    with pytest.raises(NotFound):
        world.call("charlie", viktor, CallResult.COMING)


# --- later --------------------------------------------------------------------------------------------------


def test_who_said_later_is_asked_once_more_half_way_to_the_end(world):
    summons = world.summon("viktor")
    said_at = world.after(2)

    @db.writing
    def say_later():
        db.connection().execute(
            update(_summonses)
            .where(_summonses.c.id == summons.id)
            .values(state=SummonsState.LATER, answered_at=said_at)
        )

    say_later()
    assert answers.ask_again(now=world.after(5)) == 0
    assert answers.ask_again(now=world.after(6.1)) == 1
    assert answers.ask_again(now=world.after(7)) == 0
    with db.db.engine.connect() as connection:
        items = connection.execute(select(_items).where(_items.c.template == "call_up_again")).all()
    assert [each.person_id for each in items] == [world.person("viktor")]
