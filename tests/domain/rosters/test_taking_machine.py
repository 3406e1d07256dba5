"""Any order of what volunteers, heads, the clock and the worker can do to shifts, and what must hold after each step."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from tests.conftest import empty
from tests.factories import Factory, MadeUser, make_deed
from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import LinliError
from webapp.base.permissions import Role
from webapp.domain.accounts.queries import load_signed_in
from webapp.domain.people.models import Person
from webapp.domain.rosters import services
from webapp.domain.rosters.models import Shift, ShiftSkill, Signup, StandIn
from webapp.domain.rosters.services import assigning
from webapp.domain.rosters.services import shifts as shift_services
from webapp.domain.volunteers.models import Commitment

pytestmark = pytest.mark.db

_signups: Any = Signup.__table__
_shifts: Any = Shift.__table__
_needs: Any = ShiftSkill.__table__
_stand_ins: Any = StandIn.__table__
_commitments: Any = Commitment.__table__
_people: Any = Person.__table__

PEOPLE = st.integers(0, 4)
SHIFTS = st.integers(0, 5)
NUMBER = st.integers(0, 7)
HOLDS = {"placed", "offered"}


class World:
    """A community with five volunteers and six shifts, some at the same time, one with a place kept for a skill."""

    def __init__(self, app: Flask, make: Factory) -> None:
        self.app = app
        town = make.area("鼎屏镇", level="town")
        community = make.area("北辰社区", level="community", parent=town)
        building = make.area("3栋", level="building", parent=community)
        self.head = self._actor(make.user("主任", roles={Role.COMMUNITY_HEAD: community}))
        self.users = [make.user(f"志愿{n}") for n in range(5)]
        team = make.team("红马甲", area=community)
        for n, user in enumerate(self.users):
            make.volunteer(user, area=building, team=team, certified=("sampling",) if n < 2 else ())
        self.actors = [self._actor(user) for user in self.users]
        post = make.post(community, name="北门卡口")
        today = clock.day(clock.now())
        self.now = clock.instant(datetime.combine(today + timedelta(days=1), time(10)))

        def at(days: int, hour: int) -> datetime:
            return clock.instant(datetime.combine(today + timedelta(days=days), time(hour)))

        self.shifts = [
            make.shift(post, starts_at=at(2, 14), hours=4, maximum_count=1, wanted_count=1),
            make.shift(post, starts_at=at(2, 16), hours=4, maximum_count=2, wanted_count=2),
            make.shift(
                post, starts_at=at(3, 14), hours=4, maximum_count=2, wanted_count=2, skills={"sampling": 1}
            ),
            make.shift(post, starts_at=at(3, 12), hours=4, maximum_count=1, wanted_count=1),
            make.shift(post, starts_at=at(4, 7), hours=5, maximum_count=1, wanted_count=1),
            make.shift(post, starts_at=at(4, 20), hours=3, maximum_count=3, wanted_count=2),
        ]

    def _actor(self, user: MadeUser) -> Actor:
        with self.app.app_context():
            found = load_signed_in(token=user.token, now=clock.now())
        assert found is not None
        return found.actor


def machine(app: Flask, make: Factory, refusals: Counter[str]) -> type[RuleBasedStateMachine]:
    """The machine for this application; a new world for each run of it. `refusals` counts what was said no to."""

    class Shifts(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            empty(app)
            self.world = World(app, make)

        def do(self, act: Callable[..., Any], actor: Actor, **values: Any) -> None:
            """Do it, or be refused: both are answers, and nothing may be half done."""
            with app.app_context():
                try:
                    act(deed=make_deed(actor, now=self.world.now), **values)
                except LinliError as refusal:
                    refusals[refusal.code] += 1
                else:
                    refusals[f"did {act.__name__}"] += 1

        def public(self, shift: int) -> str:
            return self.world.shifts[shift].public_id

        def rows(self, *columns: Any, **where: Any) -> list[Any]:
            @db.reading
            def read() -> list[Any]:
                statement = select(*columns)
                for name, value in where.items():
                    statement = statement.where(columns[0].table.c[name] == value)
                return list(db.connection().execute(statement.order_by(columns[0])))

            with app.app_context():
                return read()

        def held(self, number: int, *states: str) -> tuple[Actor, str, str] | None:
            """One of the sign-ups in these states: whose, its public id, and that of its shift."""
            found = [
                row
                for row in self.rows(
                    _signups.c.id,
                    _signups.c.public_id,
                    _signups.c.person_id,
                    _signups.c.shift_id,
                    _signups.c.state,
                )
                if row.state in states
            ]
            if not found:
                return None
            row = found[number % len(found)]
            shift = next(each for each in self.world.shifts if each.id == row.shift_id)
            return self.actor_of(row.person_id), row.public_id, shift.public_id

        def actor_of(self, person_id: int) -> Actor:
            people = [user.person_id for user in self.world.users]
            return self.world.actors[people.index(person_id)]

        def person_public_id(self, person: int) -> str:
            return str(self.rows(_people.c.public_id, id=self.world.users[person].person_id)[0].public_id)

        @rule(person=PEOPLE, shift=SHIFTS, or_wait=st.booleans())
        def take(self, person: int, shift: int, or_wait: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
            self.do(
                services.take_shift,
                self.world.actors[person],
                shift_public_id=self.public(shift),
                or_wait=or_wait,
            )

        @rule(person=PEOPLE, shift=SHIFTS)
        def wait(self, person: int, shift: int) -> None:
            self.do(services.wait_for_shift, self.world.actors[person], shift_public_id=self.public(shift))

        @rule(number=NUMBER)
        def leave(self, number: int) -> None:
            if found := self.held(number, "placed", "offered", "waiting"):
                self.do(services.leave_shift, found[0], shift_public_id=found[2])

        @rule(number=NUMBER, how=st.sampled_from(["accept_offer", "confirm_place"]))
        def answer_offer(self, number: int, how: str) -> None:
            if found := self.held(number, "offered", "placed"):
                self.do(getattr(services, how), found[0], shift_public_id=found[2])

        @rule(number=NUMBER, to=st.one_of(st.none(), PEOPLE))
        def ask_stand_in(self, number: int, to: int | None) -> None:
            if found := self.held(number, "placed"):
                other = None if to is None else self.person_public_id(to)
                self.do(services.ask_stand_in, found[0], signup_public_id=found[1], to=other)

        @rule(number=NUMBER, other=NUMBER)
        def ask_swap(self, number: int, other: int) -> None:
            found, wanted = self.held(number, "placed"), self.held(other, "placed")
            if found and wanted:
                self.do(services.ask_swap, found[0], signup_public_id=found[1], wanted_public_id=wanted[1])

        @rule(number=NUMBER)
        def ask_relief(self, number: int) -> None:
            if found := self.held(number, "placed"):
                self.do(services.ask_relief, found[0], signup_public_id=found[1])

        @rule(
            person=PEOPLE,
            number=st.integers(0, 3),
            how=st.sampled_from(["take_over"] * 3 + ["refuse_search"]),
        )
        def answer(self, person: int, number: int, how: str) -> None:
            found = self.rows(_stand_ins.c.id, _stand_ins.c.public_id, state="open")
            if found:
                public_id = found[number % len(found)].public_id
                self.do(getattr(services, how), self.world.actors[person], public_id=public_id)

        @rule(number=NUMBER, how=st.sampled_from(["take_over"] * 3 + ["refuse_search", "withdraw_search"]))
        def answer_as_asked(self, number: int, how: str) -> None:
            """By whom it was put to, or by who asks."""
            found = self.rows(
                _stand_ins.c.id,
                _stand_ins.c.public_id,
                _stand_ins.c.signup_id,
                _stand_ins.c.to_person_id,
                state="open",
            )
            if found:
                search = found[number % len(found)]
                person_id = search.to_person_id
                if how == "withdraw_search" or person_id is None:
                    person_id = self.rows(_signups.c.person_id, id=search.signup_id)[0].person_id
                self.do(getattr(services, how), self.actor_of(person_id), public_id=search.public_id)

        @rule(person=PEOPLE, shift=SHIFTS, reason=st.sampled_from([None, "没有别人"]))
        def assign(self, person: int, shift: int, reason: str | None) -> None:
            def assign(*, deed: Deed) -> None:
                assigning.assign(
                    deed=replace(deed, reason=reason),
                    shift=self.public(shift),
                    person=self.person_public_id(person),
                )

            self.do(assign, self.world.head)

        @rule(shift=SHIFTS)
        def cancel(self, shift: int) -> None:
            # Rarely: a shift that is called off takes nobody for the rest of the run.
            if len(self.rows(_shifts.c.id, state="cancelled")) < 2:

                def call_off(*, deed: Deed) -> None:
                    shift_services.cancel_shift(deed=replace(deed, reason="下雨"), shift=self.public(shift))

                self.do(call_off, self.world.head)

        @rule(hours=st.sampled_from([1, 3, 9, 20]))
        def time_passes(self, hours: int) -> None:
            self.world.now += timedelta(hours=hours)

        @rule()
        def tidy(self) -> None:
            with app.app_context():
                services.tidy_offers(now=self.world.now)
                services.tidy_searches(now=self.world.now)
                services.remind(now=self.world.now)

        @invariant()
        def counts_are_what_is_counted(self) -> None:
            signups = self.rows(
                _signups.c.id,
                _signups.c.shift_id,
                _signups.c.state,
                _signups.c.skill_code,
                _signups.c.override_reason,
            )
            needs = {
                row.shift_id: row
                for row in self.rows(_needs.c.shift_id, _needs.c.needed_count, _needs.c.taken_count)
            }
            for shift in self.rows(
                _shifts.c.id,
                _shifts.c.taken_count,
                _shifts.c.maximum_count,
                _shifts.c.waiting_count,
                _shifts.c.state,
            ):
                here = [row for row in signups if row.shift_id == shift.id]
                held = [row for row in here if row.state in HOLDS]
                assert shift.taken_count == len(held) <= shift.maximum_count
                assert shift.waiting_count == sum(row.state == "waiting" for row in here)
                if shift.state == "cancelled":
                    assert not held
                    assert shift.waiting_count == 0
                if shift.id in needs:
                    kept = [row for row in held if row.skill_code]
                    assert needs[shift.id].taken_count == len(kept) <= needs[shift.id].needed_count
                    assert len(held) - len(kept) <= shift.maximum_count - needs[shift.id].needed_count

        @invariant()
        def nobody_is_in_two_places(self) -> None:
            taken: dict[int, list[Any]] = {}
            for row in self.rows(
                _commitments.c.id, _commitments.c.person_id, _commitments.c.starts_at, _commitments.c.ends_at
            ):
                taken.setdefault(row.person_id, []).append(row)
            for rows in taken.values():
                for before, after in pairwise(sorted(rows, key=lambda row: row.starts_at)):
                    assert before.ends_at <= after.starts_at

        @invariant()
        def exactly_the_places_take_time(self) -> None:
            held = {row.id for row in self.rows(_signups.c.id, _signups.c.state) if row.state in HOLDS}
            relieved = {row.id for row in self.rows(_signups.c.id, _signups.c.state, state="replaced")}
            committed = {row.reference_id for row in self.rows(_commitments.c.reference_id)}
            # Who was relieved on duty has worked until then.
            assert held <= committed <= held | relieved

        @invariant()
        def a_search_is_for_a_place_that_is_held(self) -> None:
            placed = {row.id for row in self.rows(_signups.c.id, _signups.c.state, state="placed")}
            assert {row.signup_id for row in self.rows(_stand_ins.c.signup_id, state="open")} <= placed

    return Shifts


EVERYWHERE = {"did take_shift", "did leave_shift", "did take_over", "did ask_swap", "did assign"}
MOST_RUNS = 5


def test_whatever_is_done_to_shifts(app: Flask, make: Factory) -> None:
    said: Counter[str] = Counter()
    # A run that was refused everything would prove nothing: it goes on until it has been everywhere.
    for _ in range(MOST_RUNS):
        run_state_machine_as_test(
            machine(app, make, said),
            settings=settings(
                max_examples=30,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        if said.keys() >= EVERYWHERE:
            break
    assert said.keys() >= EVERYWHERE, said


def test_the_clock_of_the_machine_is_by_day(app: Flask, make: Factory) -> None:
    assert 8 <= clock.here(World(app, make).now).hour < 21
