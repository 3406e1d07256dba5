"""Small problems for the solver, the best answers by trying everything, and the check of every proposal."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import chain, combinations

from webapp.base.errors import RuleBroken
from webapp.domain.rosters.rules import Stretch, ensure_time_allows
from webapp.domain.rosters.solver import Person, Problem, Seat, Shift

MONDAY = date(2026, 11, 30)
HERE = frozenset({"here"})
HOURS = ((7, 5), (12, 6), (18, 5), (23, 8))


def stretch(day: int, hour: int, hours: float) -> Stretch:
    """From an hour of a day of the week that begins on MONDAY, on the clocks of UTC."""
    on = MONDAY + timedelta(days=day)
    start = datetime(on.year, on.month, on.day, tzinfo=UTC) + timedelta(hours=hour)
    return Stretch(start, start + timedelta(hours=hours), on)


def make_shift(id: int, at: Stretch, **overrides) -> Shift:  # noqa: A002 - as the field is called
    return Shift(**{"id": id, "stretch": at, "minimum": 1, "wanted": 1, "pools": HERE} | overrides)


def make_person(id: int, *skills: str, **overrides) -> Person:  # noqa: A002 - as the field is called
    return Person(**{"id": id, "skills": frozenset(skills), "pools": HERE} | overrides)


def make_problem(shifts, people, **overrides) -> Problem:
    return Problem(tuple(shifts), tuple(people), **overrides)


def any_problem(seed: int, *, shifts: int = 5, people: int = 4) -> Problem:
    """A problem small enough to try everything, from its seed."""
    dice = random.Random(seed)
    days = dice.choice([1, 2, 3])
    made = []
    for number in range(shifts):
        if dice.random() < 0.6:
            at = stretch(dice.randrange(days), *dice.choice(HOURS))
        else:
            at = stretch(dice.randrange(days), dice.randrange(24), dice.choice([1, 2, 3, 4, 5.5, 9, 11]))
        wanted = dice.choice([1, 1, 2, 3])
        skills = tuple((skill, 1) for skill in ("a", "b") if dice.random() < 0.35)
        made.append(
            make_shift(
                number,
                at,
                wanted=wanted,
                minimum=dice.randint(0, wanted),
                skills=skills,
                pools=frozenset(dice.sample(["here", "there"], dice.choice([1, 1, 2]))),
                traits=frozenset({"adult"} if dice.random() < 0.2 else ()),
                side=dice.choice(["", "", "", "sealed"]),
                half_days=frozenset(dice.sample(range(4), 1)),
            )
        )
    helpers = [
        make_person(
            100 + number,
            *(skill for skill in ("a", "b") if dice.random() < 0.5),
            committed=tuple(
                stretch(dice.randrange(days), dice.randrange(24), dice.choice([1, 3, 6]))
                for _ in range(dice.choice([0, 0, 1]))
            ),
            past_minutes=dice.choice([0, 0, 60, 600]),
            pools=frozenset(dice.choice([{"here"}, {"here"}, {"there"}, {"here", "there"}])),
            traits=frozenset({"adult"} if dice.random() < 0.7 else ()),
            side=dice.choice(["", "", "", "sealed"]),
            not_available=frozenset(dice.sample(range(4), dice.choice([0, 0, 1]))),
        )
        for number in range(people)
    ]
    return make_problem(made, helpers, seed=seed)


def may(person: Person, shift: Shift, skill: str | None) -> bool:
    """Whether the person may have such a place, whatever else they do."""
    return (
        bool(person.pools & shift.pools)
        and shift.traits <= person.traits
        and person.side == shift.side
        and not person.not_available & shift.half_days
        and (skill is None or skill in person.skills)
        and all(shift.stretch.day <= day for code, day in person.lapses if code == skill)
    )


def time_allows(new: list[Stretch], standing: list[Stretch]) -> bool:
    """Whether each of the new ones could be clicked beside all the others."""
    try:
        for number, each in enumerate(new):
            ensure_time_allows(each, [*standing, *new[:number], *new[number + 1 :]])
    except RuleBroken:
        return False
    return True


def places_of(shift: Shift) -> list[tuple[str | None, int]]:
    """The kinds of places of a shift and how many there are."""
    kept = sum(count for _, count in shift.skills)
    return [*shift.skills, (None, max(0, shift.wanted - kept))]


def best_score(problem: Problem, *, each: int = 4) -> tuple[int, int, int]:
    """Minimum, wanted and skill places of the best proposal, by trying everything up to so many shifts a person."""
    kinds = [(shift, skill, count) for shift in problem.shifts for skill, count in places_of(shift)]
    states = {(0,) * len(kinds)}
    for person in problem.people:
        choices = [k for k, (shift, skill, _) in enumerate(kinds) if may(person, shift, skill)]
        weeks = [
            chosen
            for chosen in chain.from_iterable(combinations(choices, size) for size in range(each + 1))
            if time_allows([kinds[k][0].stretch for k in chosen], list(person.committed))
        ]
        states |= {
            tuple(count + (k in chosen) for k, count in enumerate(state))
            for state in states
            for chosen in weeks
        }
        states = {state for state in states if is_within(state, kinds)}
    return max(score(state, kinds) for state in states)


def is_within(state, kinds) -> bool:
    there = Counter()
    for count, (shift, _, most) in zip(state, kinds, strict=True):
        there[shift] += count
        if count > most:
            return False
    return all(count <= shift.wanted for shift, count in there.items())


def score(state, kinds) -> tuple[int, int, int]:
    there = Counter()
    for count, (shift, _, _) in zip(state, kinds, strict=True):
        there[shift] += count
    skilled = sum(count for count, (_, skill, _) in zip(state, kinds, strict=True) if skill is not None)
    return sum(min(shift.minimum, count) for shift, count in there.items()), there.total(), skilled


def score_of(problem: Problem, seats) -> tuple[int, int, int]:
    """The same of some seats."""
    kinds = [(shift, skill, count) for shift in problem.shifts for skill, count in places_of(shift)]
    sat = Counter((seat.shift_id, seat.skill) for seat in seats)
    return score([sat[shift.id, skill] for shift, skill, _ in kinds], kinds)


def ensure_holds(problem: Problem, solution) -> None:
    """Each seat of a proposal against the rules of a click, the skills, the counts, the locks and the gaps."""
    shifts = {shift.id: shift for shift in problem.shifts}
    people = {person.id: person for person in problem.people}
    assert len(set(solution.seats)) == len(solution.seats)
    assert set(problem.locked) <= set(solution.seats)
    new = [seat for seat in solution.seats if seat not in problem.locked]
    for person_id in {seat.person_id for seat in new}:
        person = people[person_id]
        own = [seat for seat in new if seat.person_id == person_id]
        stands = set(person.committed) | {
            shifts[seat.shift_id].stretch
            for seat in (*problem.taken, *problem.locked)
            if seat.person_id == person_id
        }
        taken = [shifts[seat.shift_id].stretch for seat in own]
        for number, seat in enumerate(own):
            ensure_time_allows(taken[number], [*stands, *taken[:number], *taken[number + 1 :]])
            assert may(person, shifts[seat.shift_id], seat.skill), seat
    missing = Counter()
    for gap in solution.gaps:
        assert gap.missing > 0
        missing[gap.shift_id] += gap.missing
    empty = short = 0
    for shift in problem.shifts:
        all_there = {
            (seat.person_id, seat.skill)
            for seat in (*problem.taken, *solution.seats)
            if seat.shift_id == shift.id
        }
        fresh = Counter(seat.skill for seat in new if seat.shift_id == shift.id)
        there = Counter(skill for _, skill in all_there)
        for skill, count in places_of(shift):
            assert not fresh[skill] or there[skill] <= count
        assert not fresh or there.total() <= shift.wanted
        assert missing[shift.id] == max(0, shift.wanted - there.total())
        empty += missing[shift.id]
        short += max(0, min(shift.minimum, shift.wanted) - there.total())
    assert (solution.wanted_missing, solution.minimum_missing) == (empty, short)
    assert solution.filled == sum(shift.wanted for shift in problem.shifts) - empty
    assert solution.filled <= solution.bound


def seats_of(solution, person_id: int) -> list[Seat]:
    return [seat for seat in solution.seats if seat.person_id == person_id]
