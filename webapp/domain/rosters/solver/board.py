"""A problem made ready: who may stand where, whose times go together, what is still open."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from webapp.base.errors import RuleBroken
from webapp.domain.rosters.rules import (
    DAY,
    MOST_DAYS_IN_A_ROW,
    MOST_IN_A_DAY,
    Stretch,
    ensure_time_allows,
)
from webapp.domain.rosters.solver.problem import Person, Problem, Seat, Shift

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_SECONDS = int(MOST_IN_A_DAY.total_seconds())
DAY_SECONDS = int(DAY.total_seconds())


def time_allows(new: Stretch, taken: Iterable[Stretch]) -> bool:
    """Whether the rules of a click let somebody whose time is `taken` do `new`."""
    try:
        ensure_time_allows(new, taken)
    except RuleBroken:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch in whole numbers: seconds since 1970 and the number of its working day."""

    stretch: Stretch
    start: int
    end: int
    day: int


def slot_of(stretch: Stretch) -> Slot:
    """The stretch in whole numbers."""
    return Slot(
        stretch,
        int((stretch.starts_at - EPOCH) // timedelta(seconds=1)),
        int((stretch.ends_at - EPOCH) // timedelta(seconds=1)),
        stretch.day.toordinal(),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Places of one kind on a shift: `skill` or anybody (None), `open` of them, and who (indices of people) could."""

    shift: int
    skill: str | None
    open: int
    people: tuple[int, ...]


class Board:
    """People and shifts by index, in an order that does not depend on the order in which they were given.

    `places[k]` are kinds of places, `of_shift[s]` their numbers; `open[s]` places of shift s may still be filled
    in all, `short[s]` of them for its minimum. `slots` are the different times; `clashes[a]` has a bit for each
    time that nobody can do together with time a. `fixed[p]` is the time of a person that stands, as slots.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.shifts = sorted(problem.shifts, key=lambda shift: (shift.stretch, shift.id))
        self.people = sorted(problem.people, key=lambda person: person.id)
        _ensure_unique([shift.id for shift in self.shifts])
        _ensure_unique([person.id for person in self.people])
        self.shift_number = {shift.id: number for number, shift in enumerate(self.shifts)}
        self.person_number = {person.id: number for number, person in enumerate(self.people)}
        self.minutes = [int(shift.stretch.length // timedelta(minutes=1)) for shift in self.shifts]
        self._number_times()
        self._count_open()
        self._fix_time()
        self._find_candidates()

    def _number_times(self) -> None:
        stretches = sorted({shift.stretch for shift in self.shifts})
        number = {stretch: each for each, stretch in enumerate(stretches)}
        self.slots = [slot_of(stretch) for stretch in stretches]
        self.time = [number[shift.stretch] for shift in self.shifts]
        self.clashes = [1 << each for each in range(len(self.slots))]
        for first, one in enumerate(self.slots):
            for second in range(first + 1, len(self.slots)):
                other = self.slots[second]
                if (
                    other.start >= one.start + 2 * DAY_SECONDS + MOST_SECONDS
                    and other.start >= one.end + DAY_SECONDS
                ):
                    break
                if not time_allows(one.stretch, [other.stretch]) or not time_allows(
                    other.stretch, [one.stretch]
                ):
                    self.clashes[first] |= 1 << second
                    self.clashes[second] |= 1 << first

    def _count_open(self) -> None:
        there: dict[int, set[int]] = defaultdict(set)
        with_skill: dict[tuple[int, str | None], int] = defaultdict(int)
        for seat in {*self.problem.taken, *self.problem.locked}:
            shift = self.shifts[self.shift_number[seat.shift_id]]
            if seat.skill is not None and seat.skill not in dict(shift.skills):
                raise ValueError(f"shift {seat.shift_id} has no place for {seat.skill}")
            if seat.person_id not in there[shift.id]:
                with_skill[shift.id, seat.skill] += 1
            there[shift.id].add(seat.person_id)
        self.there = there
        self.open: list[int] = []
        self.short: list[int] = []
        self.kinds: list[list[tuple[str | None, int]]] = []
        for shift in self.shifts:
            present = len(there[shift.id])
            self.open.append(max(0, shift.wanted - present))
            self.short.append(max(0, min(shift.minimum, shift.wanted) - present))
            kinds: list[tuple[str | None, int]] = [
                (skill, max(0, needed - with_skill[shift.id, skill]))
                for skill, needed in sorted(shift.skills)
            ]
            general = shift.wanted - sum(needed for _, needed in shift.skills) - with_skill[shift.id, None]
            self.kinds.append([*kinds, (None, max(0, general))])

    def _fix_time(self) -> None:
        standing: list[set[Stretch]] = [set(person.committed) for person in self.people]
        self.load = [
            person.past_minutes + person.recent_minutes + person.planned_minutes for person in self.people
        ]
        for seat in sorted(set(self.problem.locked)):
            person = self.person_number.get(seat.person_id)
            shift = self.shift_number[seat.shift_id]
            if person is not None:
                self.load[person] += self.minutes[shift]
        for seat in {*self.problem.taken, *self.problem.locked}:
            person = self.person_number.get(seat.person_id)
            if person is not None:
                standing[person].add(self.shifts[self.shift_number[seat.shift_id]].stretch)
        self.standing = [sorted(stretches) for stretches in standing]
        self.fixed = [[slot_of(stretch) for stretch in stretches] for stretches in self.standing]
        alone = [time_allows(slot.stretch, ()) for slot in self.slots]
        self.free = [self._free_times(person, alone) for person in range(len(self.people))]

    def _free_times(self, person: int, alone: Sequence[bool]) -> int:
        """A bit for each time that the person could do beside what stands, and nothing else."""
        fixed, free = self.fixed[person], 0
        many_days = len({each.day for each in fixed}) >= MOST_DAYS_IN_A_ROW
        for number, slot in enumerate(self.slots):
            near = any(
                each.start < slot.end + DAY_SECONDS and slot.start < each.end + DAY_SECONDS for each in fixed
            )
            good = alone[number]
            if good and (near or many_days):
                good = time_allows(slot.stretch, self.standing[person])
            free |= good << number
        return free

    def _find_candidates(self) -> None:
        in_pool: dict[str, list[int]] = defaultdict(list)
        for number, person in enumerate(self.people):
            for pool in person.pools:
                in_pool[pool].append(number)

        @cache
        def asked(pools: frozenset[str], traits: frozenset[str]) -> tuple[int, ...]:
            found = {number for pool in pools for number in in_pool[pool]}
            return tuple(sorted(number for number in found if traits <= self.people[number].traits))

        self.asked = asked
        self.places: list[Place] = []
        self.of_shift: list[list[int]] = []
        for number, shift in enumerate(self.shifts):
            able: tuple[int, ...] = ()
            if self.open[number]:
                able = tuple(
                    each
                    for each in asked(shift.pools, shift.traits)
                    if self.people[each].side == shift.side
                    and self.free[each] >> self.time[number] & 1
                    and not self.people[each].not_available & shift.half_days
                )
            numbers = []
            for skill, places in self.kinds[number]:
                numbers.append(len(self.places))
                people = able if skill is None else tuple(p for p in able if self.has_skill(p, skill, shift))
                self.places.append(Place(number, skill, min(places, self.open[number]), people))
            self.of_shift.append(numbers)

    def has_skill(self, person: int, skill: str, shift: Shift) -> bool:
        """Whether the skill counts on the day of the shift."""
        return skill_counts(self.people[person], skill, shift.stretch.day)

    def seat(self, place: int, person: int) -> Seat:
        """The seat of the person with that index on a place of that number."""
        kind = self.places[place]
        return Seat(self.shifts[kind.shift].id, self.people[person].id, kind.skill)

    @property
    def filled(self) -> int:
        """How many of the wanted places are filled by those who stand there already."""
        return sum(shift.wanted - places for shift, places in zip(self.shifts, self.open, strict=True))


def skill_counts(person: Person, skill: str, day: date) -> bool:
    """Whether the person has the skill and it has not lapsed by that day."""
    return skill in person.skills and all(day <= last for code, last in person.lapses if code == skill)


def _ensure_unique(ids: Sequence[int]) -> None:
    if len(set(ids)) != len(ids):
        raise ValueError("ids are used twice")


def heaviest(weights: dict[int, int], clashes: list[int]) -> int:
    """The most that times of these weights can sum up to if only pairs are looked at (or more, where many)."""
    if len(weights) > 12:
        return sum(weights.values())
    times = sorted(weights)

    def best(rest: list[int]) -> int:
        if not rest:
            return 0
        first, others = rest[0], rest[1:]
        apart = [each for each in others if not clashes[first] >> each & 1]
        with_first = weights[first] + best(apart)
        return with_first if len(apart) == len(others) else max(with_first, best(others))

    return best(times)


def bits(mask: int) -> Iterable[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def cliques(times: int, clashes: list[int]) -> list[int]:
    """Sets (bits) of times that all clash with each other, so that every clash of two is in one of them."""
    found = []
    open_pairs = {time: clashes[time] & times & ~(1 << time) for time in bits(times)}
    for time in bits(times):
        while open_pairs[time]:
            clique, common = 1 << time, clashes[time] & times & ~(1 << time)
            wish = open_pairs[time]
            while common:
                choice = wish & common or common
                other = (choice & -choice).bit_length() - 1
                clique |= 1 << other
                common &= clashes[other] & ~(1 << other)
            for each in bits(clique):
                open_pairs[each] &= ~clique
            found.append(clique)
        if not clashes[time] & times & ~(1 << time):
            found.append(1 << time)
    return found
