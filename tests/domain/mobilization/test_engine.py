"""The engine on real rows: who is asked, when nobody is, tiers, quiet hours, two at once, and clocks that jump."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.ids import hash_token
from webapp.base.outbox import OutboxMessage, Rank
from webapp.domain.areas import services as areas
from webapp.domain.areas.queries import list_zone_classes
from webapp.domain.mobilization.models import CallUp, CallUpEvent, CallUpRole, Reservist, Summons, Unit, Wave
from webapp.domain.mobilization.queries import engine as queries
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    Because,
    CallUpState,
    Category,
    Certainty,
    EventKind,
    NotAsked,
    Readiness,
    Reply,
    ShortBecause,
    Stay,
    SummonsState,
    UnitState,
)
from webapp.domain.mobilization.services import answers, engine, steering
from webapp.domain.notifications.models import InboxItem
from webapp.domain.notifications.rules import Channel
from webapp.domain.people.models import PersonPhone
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind
from webapp.web.messages import LONGEST, render

pytestmark = pytest.mark.db

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_waves: Any = Wave.__table__
_summonses: Any = Summons.__table__
_events: Any = CallUpEvent.__table__
_reservists: Any = Reservist.__table__
_messages: Any = OutboxMessage.__table__
_items: Any = InboxItem.__table__

AFTERNOON = datetime(2026, 11, 24, 7, tzinfo=UTC)  # 15:00 in the county
EVENING = datetime(2026, 11, 24, 12, 43, tzinfo=UTC)  # 20:43
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(cast, make, in_app):
    return World(cast, make)


class World:
    """A community with as many reservists as a test asks for, a call-up, and what the engine made of it."""

    def __init__(self, cast, make):
        self.cast, self.make = cast, make
        self.now = AFTERNOON
        self.write(
            update(_reservists).values(readiness=Readiness.RESTING)
        )  # The cast looks on; each test brings its own people.

    @staticmethod
    def write(statement):
        db.writing(lambda: db.connection().execute(statement))()

    @staticmethod
    def rows(table, *where, order=None):
        statement = select(table).where(*where).order_by(table.c.id if order is None else order)
        return db.reading(lambda: db.connection().execute(statement).all())()

    def people(self, count, *, area=None, skills=(), **columns):
        """So many people with a phone who are ready; their person ids."""
        made = []
        for number in range(count):
            user = self.make.user(f"备{number}")
            self.make.reservist(user, area=area or self.cast.community, skills=skills, **columns)
            made.append(user.person_id)
        return made

    def call_up(self, *, roles=((None, 2),), widest=None, **columns):
        values = {
            "starts_at": self.now + 60 * MINUTE,
            "ends_at": self.now + 300 * MINUTE,
            "next_at": self.now,
            "started_at": self.now,
        } | columns
        return self.make.call_up(self.cast.community, roles=roles, widest=widest, **values)

    def step(self, later=timedelta(0)):
        """One look of the worker, so much later; how many call-ups moved."""
        self.now += later
        return engine.run_due(self.now)

    def of(self, call_up):
        return self.rows(_call_ups, _call_ups.c.id == call_up.id)[0]

    def asked(self, call_up, role=None):
        found = self.rows(_summonses, _summonses.c.call_up_id == call_up.id)
        return [each.person_id for each in found if role is None or each.role_id == call_up.roles[role]]

    def waves(self, call_up, role=0):
        return self.rows(_waves, _waves.c.role_id == call_up.roles[role])

    def events(self, call_up, kind):
        found = self.rows(_events, _events.c.call_up_id == call_up.id, _events.c.kind == kind)
        return [json.loads(each.facts) for each in found]

    def answer(self, call_up, person_id, reply=Reply.COMING):
        row = self.rows(
            _summonses, _summonses.c.call_up_id == call_up.id, _summonses.c.person_id == person_id
        )[0]
        return answers.answer(
            deed=make_deed(Actor.token("summons", row.id), now=self.now),
            answer=Answer(reply, eta_minutes=20 if reply is Reply.COMING else None, knows_sealed=True),
            source=AnswerSource.LINK,
            token=self.token(row),
        ).state

    @staticmethod
    def token(row):
        from webapp.base import crypto  # noqa: PLC0415 - one use

        return crypto.blind_index("summons", row.public_id)

    def plan(self, call_up):
        return engine.plan(call_up_id=call_up.id, now=self.now)

    def seal(self, area):
        classes = {each.code: each.id for each in list_zone_classes()}
        areas.set_zone(
            deed=make_deed(self.cast.actor("erin")),
            public_id=area.public_id,
            zone_class_id=classes["sealed"],
            reason="一例阳性",
            notice="第12号通告",
        )


# --- one wave -----------------------------------------------------------------------------------------------


def test_a_wave_summons_who_was_planned_and_leaves_everything_that_belongs_to_it(world):
    people = world.people(30)
    call_up = world.call_up()
    planned = [each.person_id for each in world.plan(call_up).roles[0].chosen]

    assert world.step() == 1

    assert world.asked(call_up) == planned
    assert 4 < len(planned) < 20
    assert set(planned) <= set(people)
    wave = world.waves(call_up)[0]
    assert (wave.number, wave.open_count, wave.asked_count) == (1, 2, len(planned))
    assert wave.chance_permille >= wave.target_permille == 800
    assert wave.reply_by == world.now + 10 * MINUTE
    summons = world.rows(_summonses)[0]
    assert summons.token_hash == hash_token(world.token(summons))
    assert (summons.state, summons.channel, summons.listed_at) == (SummonsState.WAITING, Channel.SMS, None)
    assert summons.because.split(",") == [Because.LIVES_HERE, Because.READY, Because.NEVER_CALLED]
    messages = world.rows(_messages)
    assert {each.reference for each in messages} == {
        f"summons:{each.public_id}" for each in world.rows(_summonses)
    }
    assert {(each.template, each.rank) for each in messages} == {("call_up", Rank.CALL)}
    assert len(world.rows(_items)) == len(planned)
    assert world.events(call_up, EventKind.WAVE)[0]["asked"] == len(planned)
    called = world.rows(_reservists, _reservists.c.last_called_at == world.now)
    assert {each.person_id for each in called} == set(planned)


def test_the_first_wave_is_larger_when_only_the_history_changes(world):
    people = world.people(60, call_count=6, yes_count=4)
    call_up = world.call_up(roles=((None, 5),))
    often = world.plan(call_up).asked
    world.write(update(_reservists).where(_reservists.c.person_id.in_(people)).values(yes_count=1))
    seldom = world.plan(call_up).asked
    assert often < 20
    assert seldom > 2 * often


def test_a_step_that_is_not_due_does_nothing(world):
    world.people(10)
    call_up = world.call_up(next_at=world.now + MINUTE)
    assert world.step() == 0
    assert not engine.advance(public_id=call_up.public_id, now=world.now)
    assert world.asked(call_up) == []


@pytest.mark.parametrize(
    "state", [CallUpState.DRAFT, CallUpState.PAUSED, CallUpState.ENDED, CallUpState.STOOD_DOWN]
)
def test_only_a_running_call_up_calls(world, state):
    world.people(10)
    more = {"started_at": None} if state is CallUpState.DRAFT else {}
    call_up = world.call_up(state=state, **more)
    assert not engine.advance(public_id=call_up.public_id, now=world.now)
    assert world.asked(call_up) == []


def test_of_two_who_read_the_same_one_sends_the_wave(world):
    world.people(30)
    call_up = world.call_up()
    first = engine._look(public_id=call_up.public_id, now=world.now)
    second = engine._look(public_id=call_up.public_id, now=world.now)
    done = [engine._advance(call_up=now, made=made, now=world.now) for now, made in (first, second)]
    assert done == [True, False]
    assert len(world.waves(call_up)) == 1
    assert len(world.asked(call_up)) == len(set(world.asked(call_up)))


def test_what_is_ended_between_the_look_and_the_wave_calls_nobody(world):
    world.people(30)
    call_up = world.call_up()
    now, made = engine._look(public_id=call_up.public_id, now=world.now)
    steering.end_call_up(
        deed=make_deed(world.cast.actor("alice"), now=world.now, reason="误发"), call_up=call_up.public_id
    )
    assert not engine._advance(call_up=now, made=made, now=world.now)
    assert world.asked(call_up) == []
    assert world.rows(_messages) == []


def test_whoever_is_taken_between_the_look_and_the_wave_is_replaced_by_the_next(world):
    world.people(40)
    call_up = world.call_up()
    now, made = engine._look(public_id=call_up.public_id, now=world.now)
    chosen = [each.person_id for each in made.roles[0].chosen]
    spare = made.roles[0].spare[0].person_id
    elsewhere = world.call_up(state=CallUpState.PAUSED)
    world.make.summons(elsewhere, chosen[1])
    world.write(
        Commitment.__table__.insert().values(
            person_id=chosen[0],
            starts_at=world.now,
            ends_at=world.now + 90 * MINUTE,
            kind=CommitmentKind.SHIFT,
            reference_id=1,
        )
    )
    assert engine._advance(call_up=now, made=made, now=world.now)
    asked = world.asked(call_up)
    assert chosen[0] not in asked
    assert chosen[1] not in asked
    assert spare in asked
    assert len(asked) == len(chosen)


def test_places_that_were_taken_meanwhile_are_not_called_for(world):
    world.people(60)
    call_up = world.call_up(roles=((None, 8),))
    now, made = engine._look(public_id=call_up.public_id, now=world.now)
    world.write(update(_roles).values(taken_count=6))
    assert engine._advance(call_up=now, made=made, now=world.now)
    assert world.waves(call_up)[0].open_count == 2
    assert len(world.asked(call_up)) < len(made.roles[0].chosen) / 2


# --- wave after wave ----------------------------------------------------------------------------------------


def test_the_next_wave_goes_out_by_itself_at_the_reply_by_and_asks_nobody_twice(world):
    world.people(60)
    call_up = world.call_up()
    world.step()
    first = world.asked(call_up)
    assert world.step(9 * MINUTE) in (0, 1)
    before = len(world.waves(call_up))
    world.step(MINUTE)
    assert len(world.waves(call_up)) > min(before, 1)
    asked = world.asked(call_up)
    assert len(asked) == len(set(asked)) > len(first)
    lapsed = world.rows(_summonses, _summonses.c.person_id.in_(first))
    assert {each.state for each in lapsed} == {SummonsState.MISSED}


def test_a_wave_that_is_going_well_is_left_to_go_on(world):
    world.people(60)
    call_up = world.call_up(roles=((None, 6),))
    world.step()
    asked = world.asked(call_up)
    for each in asked[:5]:
        world.answer(call_up, each)
    for _ in range(9):
        world.step(MINUTE)
    assert world.asked(call_up) == asked


def test_a_wave_is_topped_up_early_once_the_answers_show_that_it_will_not_do(world):
    world.people(60)
    call_up = world.call_up(roles=((None, 4),))
    world.step()
    asked = world.asked(call_up)
    for each in asked[:-3]:
        world.answer(call_up, each, Reply.CANNOT)
    world.step(MINUTE)
    assert world.asked(call_up) == asked, "not in the first third of the window"
    world.step(3 * MINUTE)
    assert len(world.asked(call_up)) > len(asked)
    assert world.waves(call_up)[1].sent_at < world.waves(call_up)[0].reply_by


def test_a_full_role_calls_nobody_more_and_the_other_goes_on(world):
    world.people(40)
    call_up = world.call_up(roles=((None, 1), (None, 1)))
    world.step()
    world.answer(call_up, world.asked(call_up, role=0)[0])
    first = len(world.asked(call_up, role=0))
    world.step(11 * MINUTE)
    assert len(world.asked(call_up, role=0)) == first
    assert len(world.waves(call_up, role=1)) == 2


def test_all_places_full_means_that_nothing_is_due_but_the_silent_who_lapse(world):
    world.people(20)
    call_up = world.call_up(roles=((None, 1),))
    world.step()
    person = world.asked(call_up)[0]
    world.answer(call_up, person)
    world.step(MINUTE)
    assert world.of(call_up).next_at == world.waves(call_up)[0].reply_by
    world.step(10 * MINUTE)
    assert world.of(call_up).next_at is None
    assert len(world.waves(call_up)) == 1
    # Who drops out opens the place, and the engine calls again by itself.
    world.answer(call_up, person, Reply.CANNOT)
    world.step(timedelta(seconds=1))
    assert len(world.waves(call_up)) == 2


def test_a_unit_that_is_asked_counts_until_its_reply_by(world):
    world.people(60)
    call_up = world.call_up(roles=((None, 6),))
    alone = world.plan(call_up).asked
    world.write(
        Unit.__table__.insert().values(
            public_id="u" * 22,
            call_up_id=call_up.id,
            role_id=call_up.roles[0],
            team_id=world.cast.team.id,
            person_id=world.cast.people["tess"].person_id,
            token_hash="t" * 64,
            state=UnitState.WAITING,
            asked_count=6,
            promised_count=0,
            named_count=0,
            sent_at=world.now,
            reply_by=world.now + 5 * MINUTE,
        )
    )
    assert world.plan(call_up).asked < alone
    world.now += 6 * MINUTE
    assert world.plan(call_up).asked == alone


# --- who is not asked ---------------------------------------------------------------------------------------


def test_why_somebody_is_not_asked_is_said_for_each(world):
    ready = world.people(1)[0]
    world.people(1, readiness=Readiness.RESTING)
    world.people(1, readiness=Readiness.AWAY, away_until=world.now + timedelta(days=2))
    world.people(2, category=Category.CADRE)
    busy, summoned = world.people(2)
    call_up = world.call_up(roles=((None, 1),))
    world.write(
        Commitment.__table__.insert().values(
            person_id=busy,
            starts_at=world.now + 60 * MINUTE,
            ends_at=world.now + 90 * MINUTE,
            kind=CommitmentKind.SHIFT,
            reference_id=1,
        )
    )
    world.make.summons(world.call_up(state=CallUpState.PAUSED), summoned)
    from webapp.domain.mobilization.models import CallUpCategory  # noqa: PLC0415 - one use

    for category in (Category.VOLUNTEER, Category.COMMUNITY):
        world.write(CallUpCategory.__table__.insert().values(call_up_id=call_up.id, category=category))
    role = world.plan(call_up).roles[0]
    assert [each.person_id for each in role.chosen] == [ready]
    assert dict(role.not_asked) == {
        NotAsked.CATEGORY: 2,
        # With four of the cast, who rest; the fifth lives in the other community.
        NotAsked.RESTING: 5,
        NotAsked.AWAY: 1,
        NotAsked.BUSY: 1,
        NotAsked.SUMMONED: 1,
    }


def test_two_call_ups_at_once_never_take_the_same_person(world):
    world.people(40)
    one, other = world.call_up(), world.call_up()
    world.step()
    first, second = set(world.asked(one)), set(world.asked(other))
    assert first
    assert second
    assert not first & second
    # A call-up at another time may ask them again.
    later = world.call_up(
        starts_at=world.now + timedelta(days=1), ends_at=world.now + timedelta(days=1, hours=3)
    )
    world.step()
    assert set(world.asked(later)) & first


def test_who_is_inside_a_sealed_area_is_not_called_out_of_it(world):
    inside = world.people(3, area=world.cast.building)
    outside = world.people(3, area=world.cast.other_community)
    world.seal(world.cast.building)
    call_up = world.call_up(widest=world.cast.town)
    role = world.plan(call_up).roles[0]
    assert {each.person_id for each in role.chosen} == set(outside)
    assert role.not_asked[NotAsked.WRONG_SIDE] >= len(inside)


def test_who_comes_into_a_sealed_area_may_be_called_and_reads_that_first(world):
    world.people(3, area=world.cast.other_community)
    world.seal(world.cast.community)
    call_up = world.call_up(widest=world.cast.town)
    world.step()
    assert len(world.asked(call_up)) == 3
    message = world.rows(_messages)[0]
    text = render(message.template, json.loads(message.parameters), language="zh_Hans", now=world.now)
    assert "封控" in text
    assert text.index("封控") < text.index("北门岗亭")


def test_whom_no_message_reaches_stands_on_the_call_list_and_does_not_count(world):
    people = world.people(30)
    call_up = world.call_up(roles=((None, 2),))
    reached = world.plan(call_up)
    silent = people[0]
    world.write(
        update(PersonPhone.__table__)
        .where(PersonPhone.__table__.c.person_id == silent)
        .values(opted_out_at=world.now)
    )
    plan = world.plan(call_up)
    assert plan.asked == reached.asked == plan.sms_count
    assert [each.person_id for each in plan.by_phone] == [silent]
    world.step()
    listed = world.rows(_summonses, _summonses.c.listed_at.is_not(None))
    assert [(each.person_id, each.channel) for each in listed] == [(silent, None)]
    assert Because.BY_PHONE in listed[0].because.split(",")
    assert world.waves(call_up)[0].asked_count == reached.asked + 1


# --- skills -------------------------------------------------------------------------------------------------


def test_the_sampler_is_kept_for_sampling(world):
    samplers = world.people(2, skills=("delivery",))
    carriers = world.people(30)
    call_up = world.call_up(roles=((None, 1), ("delivery", 1)))
    world.step()
    assert set(world.asked(call_up, role=1)) == set(samplers)
    assert set(world.asked(call_up, role=0)) <= set(carriers)


def test_a_role_that_nobody_can_says_so(world):
    world.people(5)
    call_up = world.call_up(roles=(("nursing", 2),))
    world.step()
    assert world.asked(call_up) == []
    role = world.rows(_roles)[0]
    assert role.short_because == ShortBecause.NOBODY_CAN
    assert world.events(call_up, EventKind.SHORT) == [{"because": "nobody_can", "open": 2}]
    # It is said once, and looked at again now and then: somebody may join.
    world.step(5 * MINUTE)
    world.step(5 * MINUTE)
    assert len(world.events(call_up, EventKind.SHORT)) == 1
    world.people(3, skills=("order",))
    assert world.of(call_up).next_at is not None


def test_more_places_than_people_asks_all_and_says_why_it_is_not_enough(world):
    people = world.people(6)
    call_up = world.call_up(roles=((None, 40),))
    world.step()
    assert set(world.asked(call_up)) == set(people)
    assert world.rows(_roles)[0].short_because == ShortBecause.ALL_RESTING
    assert world.waves(call_up)[0].chance_permille == 0


def test_a_role_that_fills_is_short_no_more(world):
    people = world.people(2)
    call_up = world.call_up(roles=((None, 2),))
    world.step()
    assert world.rows(_roles)[0].short_because is not None
    for each in people:
        world.answer(call_up, each)
    world.step(11 * MINUTE)
    assert world.rows(_roles)[0].short_because is None


# --- tiers --------------------------------------------------------------------------------------------------


def test_the_calling_climbs_only_as_far_as_it_must(world):
    near = world.people(25)
    world.people(25, area=world.cast.other_community)
    far = world.people(25, area=world.cast.other_town)
    call_up = world.call_up(roles=((None, 2),), widest=world.cast.county)
    world.step()
    assert set(world.asked(call_up)) <= set(near)
    assert world.of(call_up).tier_path == world.cast.community.path
    assert world.waves(call_up)[0].tier_path == world.cast.community.path

    large = world.call_up(roles=((None, 4),), widest=world.cast.county)
    world.step()
    assert not set(world.asked(large)) & set(far)
    assert world.of(large).tier_path == world.cast.town.path
    assert world.events(large, EventKind.TIER) == [{"tier": world.cast.town.path}]
    # The nearest stand first.
    asked = world.asked(large)
    assert set(asked[:5]) <= set(near)


def test_it_does_not_climb_beyond_what_may_be_called_and_a_person_can_widen_it(world):
    world.people(3)
    beyond = world.people(20, area=world.cast.other_community)
    call_up = world.call_up(roles=((None, 4),))
    world.step()
    assert not set(world.asked(call_up)) & set(beyond)
    steering.widen_call_up(
        deed=make_deed(world.cast.actor("dora"), now=world.now + MINUTE, reason="人手不够"),
        call_up=call_up.public_id,
        seen=world.cast.community.public_id,
    )
    world.step(2 * MINUTE)
    assert set(world.asked(call_up)) & set(beyond)
    assert len(world.asked(call_up)) == len(set(world.asked(call_up)))


def test_hurry_sends_the_next_wave_at_once_and_only_once(world):
    world.people(80)
    call_up = world.call_up(roles=((None, 3),))
    world.step()
    before = len(world.asked(call_up))
    world.now += MINUTE / 2
    steering.hurry_call_up(
        deed=make_deed(world.cast.actor("alice"), now=world.now, reason="车快到了"),
        call_up=call_up.public_id,
        seen=1,
    )
    world.step()
    hurried = len(world.asked(call_up))
    assert hurried > before
    for _ in range(2):
        world.step(MINUTE)
    assert len(world.asked(call_up)) == hurried


# --- quiet hours, ends, clocks ------------------------------------------------------------------------------


def test_from_nine_in_the_evening_nobody_is_called_and_at_eight_it_goes_on(world):
    world.people(60)
    world.now = EVENING
    call_up = world.call_up(
        starts_at=EVENING + timedelta(hours=14), ends_at=EVENING + timedelta(hours=18), reply_minutes=10
    )
    world.step()
    first = world.asked(call_up)
    assert first
    for _ in range(40):
        world.step(MINUTE)
    asked = world.asked(call_up)
    at = datetime(2026, 11, 25, 0, tzinfo=UTC)  # 8:00
    assert world.of(call_up).next_at == at
    assert world.rows(_roles)[0].short_because == ShortBecause.QUIET_HOURS
    world.step(timedelta(hours=5))
    assert world.asked(call_up) == asked
    world.now = at
    world.step()
    assert len(world.asked(call_up)) > len(asked)
    assert world.rows(_roles)[0].short_because != ShortBecause.QUIET_HOURS


def test_a_reason_lifts_the_quiet_hours_but_not_for_a_drill(world):
    world.people(60)
    world.now = EVENING + 30 * MINUTE
    urgent = world.call_up(quiet_reason="封控区转运")
    drill = world.call_up(
        quiet_reason="练一练",
        is_drill=True,
        starts_at=world.now + timedelta(days=1),
        ends_at=world.now + timedelta(days=1, hours=2),
    )
    world.step()
    assert world.asked(urgent)
    assert world.asked(drill) == []


def test_shortly_before_the_end_nobody_is_called(world):
    world.people(20)
    call_up = world.call_up(starts_at=world.now - 60 * MINUTE, ends_at=world.now + 10 * MINUTE)
    world.step()
    assert world.asked(call_up) == []
    assert world.rows(_roles)[0].short_because == ShortBecause.NO_TIME
    assert world.of(call_up).next_at is None


def test_a_clock_that_jumps_ahead_sends_one_wave_and_not_all_that_were_missed(world):
    world.people(120)
    call_up = world.call_up(
        roles=((None, 3),), starts_at=world.now + timedelta(hours=20), ends_at=world.now + timedelta(hours=30)
    )
    world.step()
    world.step(timedelta(hours=4))
    assert [each.number for each in world.waves(call_up)] == [1, 2]
    for _ in range(5):
        world.step(timedelta(seconds=1))
    assert [each.number for each in world.waves(call_up)] == [1, 2]


def test_a_clock_that_jumps_back_neither_stops_the_calling_nor_storms(world):
    world.people(120)
    call_up = world.call_up(
        roles=((None, 3),), starts_at=world.now + timedelta(hours=60), ends_at=world.now + timedelta(hours=70)
    )
    ahead = timedelta(hours=24)
    world.step()
    world.step(ahead)
    waves = len(world.waves(call_up))
    asked = world.asked(call_up)
    world.now -= ahead
    for _ in range(10):
        world.step(timedelta(seconds=1))
    assert len(world.waves(call_up)) <= waves + 1
    # With the clock right again people who say no are replaced as ever.
    for each in asked:
        world.answer(call_up, each, Reply.CANNOT)
    world.step(MINUTE)
    assert len(world.asked(call_up)) > len(asked)
    assert len(world.asked(call_up)) == len(set(world.asked(call_up)))


def test_a_call_up_that_breaks_stops_no_other(world, monkeypatch):
    world.people(40)
    broken, sound = world.call_up(), world.call_up()
    world.write(update(_call_ups).where(_call_ups.c.id == broken.id).values(widest_path="no such path"))
    world.write(update(_roles).where(_roles.c.call_up_id == broken.id).values(skill_code=None))
    real = queries.load_call_up

    def load(*, public_id=None, call_up_id=None, now):
        if public_id == broken.public_id:
            raise ZeroDivisionError
        return real(public_id=public_id, call_up_id=call_up_id, now=now)

    monkeypatch.setattr(queries, "load_call_up", load)
    assert world.step() == 1
    assert world.asked(sound)
    assert world.of(broken).next_at > world.now


# --- drills, learning, messages -----------------------------------------------------------------------------


def test_a_drill_says_so_and_counts_as_one(world):
    world.people(20)
    call_up = world.call_up(is_drill=True)
    world.step()
    message = world.rows(_messages)[0]
    text = render(message.template, json.loads(message.parameters), language="zh_Hans", now=world.now)
    assert text.startswith("【演练】")
    assert {each.is_drill for each in world.rows(_items)} == {True}
    drilled = world.rows(_reservists, _reservists.c.last_drilled_at == world.now)
    assert {each.person_id for each in drilled} == set(world.asked(call_up))
    assert all(each.last_called_at is None for each in drilled)


def test_closed_call_ups_teach_how_fast_people_answer_and_how_many_come(world):
    people = world.people(40)
    past = world.call_up(roles=((None, 40),), state=CallUpState.CLOSED, closed_at=world.now)
    for number, each in enumerate(people):
        is_yes = number % 2 == 0
        world.make.summons(
            past,
            each,
            state=SummonsState.QUEUED if is_yes else SummonsState.MISSED,
            chance_permille=500,
            sent_at=world.now - 60 * MINUTE,
            reply_by=world.now - 50 * MINUTE,
            answered_at=world.now - 60 * MINUTE + timedelta(seconds=30) if is_yes else None,
        )
    learned = queries.learn(widest_path=world.cast.county.path, is_drill=False)
    assert learned.tempo.median < 120
    assert learned.tempo.window == 600
    usual = queries.learn(widest_path=world.cast.county.path, is_drill=True)
    assert usual.tempo.median == pytest.approx(240)
    assert learned.evening_spread < usual.evening_spread


def test_a_phone_with_two_open_call_ups_gets_the_code(world):
    people = world.people(12)
    phones = PersonPhone.__table__
    first = world.rows(phones, phones.c.person_id == people[0])[0]
    # Husband and wife, one telephone.
    world.write(
        update(phones)
        .where(phones.c.person_id == people[1])
        .values(phone=first.phone, phone_index=first.phone_index)
    )
    call_up = world.call_up(roles=((None, 4),), certainty=Certainty.SURE)
    world.step()
    assert {people[0], people[1]} <= set(world.asked(call_up))
    codes = {}
    for summons in world.rows(_summonses):
        message = world.rows(_messages, _messages.c.reference == f"summons:{summons.public_id}")[0]
        codes[summons.person_id] = json.loads(message.parameters)["reply_code"]
    assert codes.pop(people[0]) == codes.pop(people[1]) == call_up.code
    assert set(codes.values()) == {None}


CALL = {
    "community": "北辰社区",
    "community_en": "Beichen Community",
    "starts_at": "2026-11-28T06:00:00+00:00",
    "point": "北辰花园东大门值守岗亭",
    "task": "核酸采样辅助",
    "caller": "欧阳娜娜",
    "phone": "0826-3220013",
}


@pytest.mark.parametrize("language", ["zh_Hans", "en"])
@pytest.mark.parametrize("template", ["call_up", "call_up_drill"])
@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize("code", [None, "4071"])
@pytest.mark.parametrize("stay", list(Stay))
def test_the_message_is_one_sms_in_every_variant(in_app, language, template, is_sealed, code, stay):
    said = CALL | {"is_sealed": is_sealed, "reply_code": code, "stay": stay}
    is_drill = template == "call_up_drill"
    text = render(template, said | {"is_drill": is_drill}, language=language, now=AFTERNOON)
    assert len(text) <= LONGEST[language], text
    assert text.endswith("0826-3220013")
    assert "1" in text
    if code:
        assert text.count(code) == 2
    marks = {"zh_Hans": "【演练】", "en": "[DRILL]"}
    assert text.startswith(marks[language]) is is_drill
    for way in ("push", "staff", "in_app"):
        other = render(template, said | {"is_drill": is_drill}, language=language, now=AFTERNOON, by=way)
        assert "4071" not in other


# --- how many statements ------------------------------------------------------------------------------------


def test_a_wave_of_many_takes_as_many_statements_as_one_of_few(world, queries):
    def statements(places: int) -> int:
        world.write(update(_call_ups).values(state=CallUpState.CLOSED))
        call_up = world.call_up(roles=((None, places),))
        queries.statements.clear()
        world.step()
        assert world.asked(call_up)
        return queries.count

    world.people(80)
    few = statements(1)
    many = statements(8)
    assert abs(many - few) <= 1
    assert many <= 60


def test_what_is_ended_while_its_messages_wait_takes_them_back(world):
    world.people(30)
    call_up = world.call_up()
    world.step()
    asked = world.asked(call_up)
    gone = world.rows(_messages)[0]
    world.write(update(_messages).where(_messages.c.id == gone.id).values(state="sent", sent_at=world.now))
    steering.end_call_up(
        deed=make_deed(world.cast.actor("alice"), now=world.now, reason="误发"), call_up=call_up.public_id
    )
    left = world.rows(_messages)
    assert [each.id for each in left] == [gone.id]
    states = {each.public_id: each.state for each in world.rows(_summonses)}
    assert states.pop(gone.reference.removeprefix("summons:")) == SummonsState.WAITING
    assert set(states.values()) == {SummonsState.STOOD_DOWN}
    assert len(states) == len(asked) - 1
