"""Whatever people, heads, clocks and the engine do in whatever order: places, time and yeses stay true.

Two call-ups at overlapping times and one on another day draw on one reserve. Everything goes through the services.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from tests.conftest import empty
from tests.factories import Factory, make_deed
from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.errors import LinliError
from webapp.domain.mobilization.models import CallUp, CallUpRole, Summons, Wave
from webapp.domain.mobilization.queries.pool import LIVE_CALL_UPS
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallUpState,
    CannotReason,
    Certainty,
    Mark,
    MusterState,
    Reply,
    SummonsState,
)
from webapp.domain.mobilization.services import answers, closing, engine, muster, stand_down, steering
from webapp.domain.mobilization.services.muster import Typed
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind

pytestmark = [pytest.mark.db, pytest.mark.timeout(400)]

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_waves: Any = Wave.__table__
_summonses: Any = Summons.__table__
_commitments: Any = Commitment.__table__

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
PEOPLE = 9
HOLDS_TIME = {SummonsState.WAITING, SummonsState.LATER, SummonsState.COMING, SummonsState.QUEUED}
WHICH = st.integers(0, 2)


class Mobilization(RuleBasedStateMachine):
    """The state is the database; what the machine itself remembers is who ever said yes, and when calling stopped."""

    app: Any = None

    @initialize(places=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)))
    def begin(self, places: tuple[int, int, int]) -> None:
        """A reserve of nine, two of whom can drive, three call-ups, and the first waves."""
        self.make = Factory(self.app)
        self.now = NOON
        self.said_yes: set[int] = set()
        self.stopped: dict[int, datetime] = {}
        self.seen: set[int] = set()
        county = self.make.area("邻水县", level="county")
        community = self.make.area("北辰社区", level="community", parent=county)
        self.area = community.public_id
        self.people = []
        for number in range(PEOPLE):
            user = self.make.user(f"备{number}")
            self.make.reservist(
                user, area=community, skills=("driving",) if number < 2 else (), call_count=6, yes_count=4
            )
            self.people.append(user.person_id)
        self.call_ups = [
            self.make.call_up(
                community,
                roles=((None, count), ("driving", 1)),
                starts_at=NOON + timedelta(days=days, hours=3),
                ends_at=NOON + timedelta(days=days, hours=8),
                next_at=NOON,
                started_at=NOON,
                quiet_reason="夜里也要",
                certainty=Certainty.GENTLE,
            )
            for days, count in zip((0, 0, 1), places, strict=True)
        ]
        self.look()

    # --- what happens ---

    def _try(self, call: Any, **more: Any) -> Any:
        """A deed that may be refused; a refusal must leave nothing behind, which the invariants see."""
        try:
            return call(**more)
        except LinliError:
            return None

    def deed(self, actor: Actor | None = None) -> Any:
        return make_deed(actor or Actor.system("test"), now=self.now, reason="演示")

    @rule(seconds=st.sampled_from((1, 30, 200, 400, 700, 3600, 4 * 3600)))
    def time_passes(self, seconds: int) -> None:
        """The worker looks, as it does twice a second."""
        self.now += timedelta(seconds=seconds)
        self.look()

    @rule(hours=st.sampled_from((-2, 5)))
    def the_clock_jumps(self, hours: int) -> None:
        """A server's clock is set, wrongly or right."""
        self.now += timedelta(hours=hours)
        self.look()

    @rule()
    def look(self) -> None:
        """What the worker does: waves, queues, the muster."""
        before = self.live()
        engine.run_due(self.now)
        for row in self.rows(_summonses):
            if row.id not in self.seen:
                self.seen.add(row.id)
                self.summoned(row, before)
        answers.settle_queues(now=self.now)
        muster.tidy_muster(now=self.now)

    def summoned(self, row: Any, before: dict[int, set[int]]) -> None:
        """Somebody was summoned in this look: might they be?"""
        call_up = self.by_id()[row.call_up_id]
        stopped = self.stopped.get(row.call_up_id)
        assert stopped is None or row.sent_at < stopped, "summoned after it was stopped"
        for other in before.get(row.person_id, ()):
            assert not self.overlap(call_up, self.by_id()[other]), "summoned to places whose times overlap"

    @rule(
        person=st.integers(0, PEOPLE - 1),
        which=WHICH,
        reply=st.sampled_from((Reply.COMING, Reply.COMING, Reply.CANNOT, Reply.LATER)),
        minutes=st.sampled_from((10, 45, None)),
    )
    def somebody_answers(self, person: int, which: int, reply: Reply, minutes: int | None) -> None:
        """By the link, in any state that the summons may be in."""
        row = self.summons_of(which, person)
        if row is None:
            return
        said = Answer(
            reply,
            eta_minutes=minutes,
            reason=CannotReason.WORK if reply is Reply.CANNOT else None,
            knows_sealed=True,
        )
        done = self._try(
            answers.answer,
            deed=self.deed(Actor.token("summons", row.id)),
            answer=said,
            source=AnswerSource.LINK,
            token=crypto.blind_index("summons", row.public_id),
        )
        if done is not None and done.state is SummonsState.COMING:
            self.said_yes.add(row.id)

    @rule(which=WHICH, pick=st.integers(0, PEOPLE - 1), reply=st.sampled_from((Reply.CANNOT, Reply.COMING)))
    def somebody_changes_their_mind(self, which: int, pick: int, reply: Reply) -> None:
        """Who had a place drops out; who had said no can come after all."""
        was = {SummonsState.COMING} if reply is Reply.CANNOT else {SummonsState.CANNOT, SummonsState.DROPPED}
        found = [
            row
            for row in self.rows(_summonses, _summonses.c.call_up_id == self.call_ups[which].id)
            if row.state in was
        ]
        if found:
            person = self.people.index(found[pick % len(found)].person_id)
            self.somebody_answers(person=person, which=which, reply=reply, minutes=10)

    @rule(which=WHICH)
    def everybody_who_is_silent_says_yes(self, which: int) -> None:
        """The storm after a wave."""
        for person in range(PEOPLE):
            row = self.summons_of(which, person)
            if row is not None and row.state in {SummonsState.WAITING, SummonsState.MISSED}:
                self.somebody_answers(person=person, which=which, reply=Reply.COMING, minutes=10)

    @rule(person=st.integers(0, PEOPLE - 1), which=WHICH, mark=st.sampled_from(list(Mark)))
    def the_roll_is_called(self, person: int, which: int, mark: Mark) -> None:
        """The lead ticks somebody."""
        row = self.summons_of(which, person)
        if row is not None:
            self._try(
                muster.save_muster,
                deed=self.deed(),
                call_up=self.call_ups[which].public_id,
                lines=[Typed(row.public_id, mark, row.version)],
            )

    @rule(which=WHICH, step=st.sampled_from(("pause", "resume", "hurry", "widen")))
    def somebody_steers(self, which: int, step: str) -> None:
        public_id = self.call_ups[which].public_id
        call_up = self.by_id()[self.call_ups[which].id]
        if step == "pause":
            self._try(steering.pause_call_up, deed=self.deed(), call_up=public_id)
        elif step == "resume":
            self._try(steering.resume_call_up, deed=self.deed(), call_up=public_id)
        elif step == "hurry":
            waves = len(self.rows(_waves, _waves.c.call_up_id == call_up.id))
            self._try(steering.hurry_call_up, deed=self.deed(), call_up=public_id, seen=waves)
        else:
            self._try(steering.widen_call_up, deed=self.deed(), call_up=public_id, seen=self.area)

    @rule(which=WHICH, count=st.integers(1, 6))
    def other_numbers_are_wanted(self, which: int, count: int) -> None:
        role = self.rows(_roles, _roles.c.id == self.call_ups[which].roles[0])[0]
        self._try(
            steering.change_numbers,
            deed=self.deed(),
            call_up=self.call_ups[which].public_id,
            seen={role.public_id: role.wanted_count},
            wanted={role.public_id: count},
            certainty=Certainty.GENTLE,
        )

    @rule(which=WHICH)
    @precondition(lambda self: len(self.stopped) < 2)
    def it_is_ended(self, which: int) -> None:
        call_up = self.call_ups[which]
        before = self.by_id()[call_up.id].state
        self._try(steering.end_call_up, deed=self.deed(), call_up=call_up.public_id)
        if self.by_id()[call_up.id].state is not before:
            self.stopped.setdefault(call_up.id, self.now)

    @rule(which=WHICH)
    @precondition(lambda self: len(self.stopped) < 2)
    def it_is_stood_down(self, which: int) -> None:
        call_up = self.call_ups[which]
        if self._try(stand_down.stand_down, deed=self.deed(), call_up=call_up.public_id) is not None:
            self.stopped.setdefault(call_up.id, self.now)

    # --- what stays true ---

    @invariant()
    def no_role_is_over_filled_and_the_count_is_that_of_those_who_come(self) -> None:
        coming: dict[int, int] = {}
        for row in self.rows(_summonses, _summonses.c.state == SummonsState.COMING):
            coming[row.role_id] = coming.get(row.role_id, 0) + 1
        for role in self.rows(_roles):
            assert 0 <= role.taken_count <= role.wanted_count
            assert role.taken_count == coming.get(role.id, 0)

    @invariant()
    def nobody_holds_two_places_at_once_and_each_place_takes_its_time(self) -> None:
        held = self.rows(_commitments, _commitments.c.kind == CommitmentKind.CALL_UP)
        by_summons = {row.reference_id: row for row in held}
        call_ups = self.by_id()
        for row in self.rows(_summonses, _summonses.c.state == SummonsState.COMING):
            if row.departed_at is None and call_ups[row.call_up_id].state in LIVE_CALL_UPS:
                assert row.id in by_summons
                assert row.slip_code
        for one in held:
            for other in held:
                if one.id < other.id and one.person_id == other.person_id:
                    assert one.ends_at <= other.starts_at or other.ends_at <= one.starts_at

    @invariant()
    def nobody_is_asked_twice_by_one_call_up_and_waves_are_whole(self) -> None:
        rows = self.rows(_summonses, _summonses.c.wave_id.is_not(None))
        pairs = [(row.call_up_id, row.person_id) for row in rows]
        assert len(pairs) == len(set(pairs))
        asked: dict[int, int] = {}
        for row in rows:
            asked[row.wave_id] = asked.get(row.wave_id, 0) + 1
        for wave in self.rows(_waves):
            assert wave.asked_count == asked[wave.id]

    def teardown(self) -> None:
        """In the end the books are closed: every yes is mustered, stood down, taken back or overdue."""
        if not hasattr(self, "call_ups"):
            return
        try:
            for call_up in self.call_ups:
                self._try(closing.close_call_up, deed=self.deed(), call_up=call_up.public_id)
            self.now += timedelta(days=3)
            closing.close_books(now=self.now)
            states = {row.state for row in self.rows(_call_ups)}
            assert states == {CallUpState.CLOSED}
            for row in self.rows(_summonses):
                assert row.state not in {SummonsState.WAITING, SummonsState.LATER, SummonsState.QUEUED}
                if row.state is SummonsState.COMING:
                    assert row.muster in {MusterState.DEPARTED, MusterState.OVERDUE}
                elif row.id in self.said_yes:
                    assert row.state in {
                        SummonsState.STOOD_DOWN,
                        SummonsState.DROPPED,
                        SummonsState.CANNOT,
                    }
            before = len(self.rows(_summonses))
            engine.run_due(self.now)
            assert len(self.rows(_summonses)) == before
        finally:
            empty(self.app)

    # --- looking ---

    @staticmethod
    def rows(table: Any, *where: Any) -> list[Any]:
        statement = select(table).where(*where).order_by(table.c.id)
        found: list[Any] = db.reading(lambda: db.connection().execute(statement).all())()
        return found

    def by_id(self) -> dict[int, Any]:
        return {row.id: row for row in self.rows(_call_ups)}

    def summons_of(self, which: int, person: int) -> Any:
        found = self.rows(
            _summonses,
            _summonses.c.call_up_id == self.call_ups[which].id,
            _summonses.c.person_id == self.people[person],
        )
        return found[0] if found else None

    def live(self) -> dict[int, set[int]]:
        """By person: the live call-ups that have asked them and may still count on them."""
        call_ups = self.by_id()
        found: dict[int, set[int]] = {}
        for row in self.rows(_summonses):
            if row.state in HOLDS_TIME and call_ups[row.call_up_id].state in LIVE_CALL_UPS:
                found.setdefault(row.person_id, set()).add(row.call_up_id)
        return found

    @staticmethod
    def overlap(one: Any, other: Any) -> bool:
        return bool(one.id != other.id and one.starts_at < other.ends_at and other.starts_at < one.ends_at)


def test_whatever_happens_places_time_and_yeses_stay_true(in_app):
    class Here(Mobilization):
        app = in_app

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            # Shrinking a run of thirty steps on a database takes minutes; the long one says enough.
            phases=[Phase.generate],
        ),
    )
