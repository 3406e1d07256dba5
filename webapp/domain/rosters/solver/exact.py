"""The proof: open places as a model of whole numbers, solved by CP-SAT."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from ortools.sat.python import cp_model

from webapp.domain.rosters.rules import MOST_DAYS_IN_A_ROW
from webapp.domain.rosters.solver.board import DAY_SECONDS, MOST_SECONDS, Slot, cliques, heaviest
from webapp.domain.rosters.solver.roster import Roster

Variable = cp_model.IntVar
Pair = tuple[int, int]
"""A place and a person, both by number."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long CP-SAT may work: seconds on the clock, its own repeatable measure of work, threads, and the seed."""

    seconds: float
    work: float
    workers: int
    seed: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What CP-SAT found: seats, their value, the bound of the value, and whether the two are proven to meet."""

    seats: list[Pair]
    value: int
    bound: float
    is_proven: bool


class Model:
    """Some shifts and people, free of new seats in `base`; what `base` has beside them stays as it is."""

    def __init__(self, base: Roster, shifts: Iterable[int], people: Collection[int] | None = None) -> None:
        self.base, self.board = base, base.board
        self.model = cp_model.CpModel()
        self.shifts = sorted(shift for shift in shifts if base.open[shift] > 0)
        self.seats: dict[Pair, Variable] = {}
        self.at_time: dict[int, dict[int, list[Variable]]] = defaultdict(lambda: defaultdict(list))
        for shift in self.shifts:
            for place in self.board.of_shift[shift]:
                for person in self.board.places[place].people if base.has_room(place) else ():
                    if (people is None or person in people) and base.fits(person, shift):
                        seat = self.model.new_bool_var("")
                        self.seats[place, person] = seat
                        self.at_time[person][self.board.time[shift]].append(seat)
        self._count_places()
        self._cliques: dict[int, list[int]] = {}
        for person in self.at_time:
            self._keep_time(person)

    def _count_places(self) -> None:
        """No kind of places and no shift beyond what is open."""
        self.in_place: dict[int, list[Variable]] = defaultdict(list)
        for (place, _), seat in self.seats.items():
            self.in_place[place].append(seat)
        self.in_shift: dict[int, list[Variable]] = {}
        for shift in self.shifts:
            places = self.board.of_shift[shift]
            for place in places:
                if len(self.in_place[place]) > self.base.room[place]:
                    self.model.add(sum(self.in_place[place]) <= self.base.room[place])
            self.in_shift[shift] = [seat for place in places for seat in self.in_place[place]]
            if sum(self.base.room[place] for place in places) > self.base.open[shift]:
                self.model.add(sum(self.in_shift[shift]) <= self.base.open[shift])

    def _keep_time(self, person: int) -> None:
        """Overlap, rest, ten hours in any 24, six days in a row: what ensure_time_allows says of every click."""
        board, at_time = self.board, self.at_time[person]
        for clique in self._together(sum(1 << time for time in at_time)):
            seats = [seat for time, seats in at_time.items() if clique >> time & 1 for seat in seats]
            if len(seats) > 1:
                self.model.add_at_most_one(seats)
        others = [board.slots[board.time[each]] for each in self.base.held[person]] + board.fixed[person]
        self._keep_windows(at_time, others)
        self._keep_days(at_time, {each.day for each in others})

    def _together(self, times: int) -> list[int]:
        """Sets of times (as bits) of which one at most can be done, and which hold every pair that clashes."""
        found = self._cliques.get(times)
        if found is None:
            found = self._cliques[times] = cliques(times, self.board.clashes)
        return found

    def _keep_windows(self, at_time: dict[int, list[Variable]], others: list[Slot]) -> None:
        slots = {time: self.board.slots[time] for time in at_time}
        every = [*slots.values(), *others]
        known = set()
        for start in sorted({each.start for each in every} | {each.end - DAY_SECONDS for each in every}):
            taken = sum(inside(each, start) for each in others)
            weights = {time: inside(slot, start) for time, slot in slots.items()}
            weights = {time: weight for time, weight in weights.items() if weight}
            key = (taken, tuple(weights.items()))
            if not weights or key in known:
                continue
            known.add(key)
            if taken > MOST_SECONDS:
                for time in weights:
                    self.model.add(sum(at_time[time]) == 0)
            elif taken + heaviest(weights, self.board.clashes) > MOST_SECONDS:
                terms = sum(weight * seat for time, weight in weights.items() for seat in at_time[time])
                self.model.add(terms <= MOST_SECONDS - taken)

    def _keep_days(self, at_time: dict[int, list[Variable]], standing: set[int]) -> None:
        on_day: dict[int, list[Variable]] = defaultdict(list)
        for time, seats in at_time.items():
            on_day[self.board.slots[time].day].extend(seats)
        works: dict[int, Variable] = {}
        for first in sorted({day - back for day in on_day for back in range(MOST_DAYS_IN_A_ROW + 1)}):
            week = range(first, first + MOST_DAYS_IN_A_ROW + 1)
            if not all(day in standing or day in on_day for day in week):
                continue
            new = [day for day in week if day not in standing]
            for day in new:
                if day not in works:
                    works[day] = self.model.new_bool_var("")
                    for seat in on_day[day]:
                        self.model.add_implication(seat, works[day])
            if new:
                self.model.add(sum(works[day] for day in new) <= len(new) - 1)

    def cover(self) -> None:
        """Aim at the minimum first, then at what is wanted, then at places for skills."""
        board = self.board
        skilled = [seat for (place, _), seat in self.seats.items() if board.places[place].skill is not None]
        skills = 1 + len(skilled)
        wanted = skills * (1 + sum(self.base.open[shift] for shift in self.shifts))
        terms = [sum(skilled), *(skills * seat for seat in self.seats.values())]
        for shift in self.shifts:
            short = self.base.short[shift]
            if short > 0:
                reached = self.model.new_int_var(0, short, "")
                self.model.add(reached <= sum(self.in_shift[shift]))
                terms.append(wanted * reached)
        self.model.maximize(sum(terms))

    def keep_filled(self, seats: Iterable[Pair]) -> None:
        """As many people on each kind of places as in these seats."""
        there: dict[int, int] = defaultdict(int)
        for place, _ in seats:
            there[place] += 1
        for place, variables in self.in_place.items():
            if variables:
                self.model.add(sum(variables) == there[place])

    @cached_property
    def price(self) -> cp_model.LinearExprT:
        """What the new minutes weigh: each person's load above the least, squared (see problem.Fairness)."""
        least = min((self.base.load[person] for person in self.at_time), default=0)
        weights = []
        for person, at_time in self.at_time.items():
            before = self.base.load[person] - least
            minutes = {time: self._minutes(time) for time in at_time}
            new = sum(minutes[time] * seat for time, seats in at_time.items() for seat in seats)
            sums = sorted(self._sums(minutes))
            weight = self.model.new_int_var(0, sums[-1] * (sums[-1] + 2 * before), "")
            for low, high in pairwise(sums):
                # The chord of (before + new)² - before² between two sums that can be: exact at every sum.
                slope = low + high + 2 * before
                self.model.add(weight >= slope * new - low * high)
            weights.append(weight)
        return sum(weights)

    def _minutes(self, time: int) -> int:
        slot = self.board.slots[time]
        return (slot.end - slot.start) // 60

    def _sums(self, minutes: dict[int, int]) -> set[int]:
        """All minutes that a person's new shifts may sum up to."""
        days = {self.board.slots[time].day for time in minutes}
        most = min(len(minutes), 2 * len(days))
        lengths = sorted(set(minutes.values()))
        found = now = {0}
        for _ in range(most):
            now = {each + length for each in now for length in lengths}
            found = found | now
        ceiling = 600 * (len(days) + 1)
        return {each for each in found if each <= ceiling}

    def minimise(self, goal: cp_model.LinearExprT) -> None:
        """Aim at the least of this."""
        self.model.minimize(goal)

    def solve(self, hint: Iterable[Pair], effort: Effort, *, gap: float = 0.0) -> Answer | None:
        """The best seats found, from those of `hint` on; None when the time was over before there were any."""
        start = set(hint)
        for pair, seat in self.seats.items():
            self.model.add_hint(seat, pair in start)
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(0.01, effort.seconds)
        solver.parameters.max_deterministic_time = effort.work
        solver.parameters.num_workers = effort.workers
        solver.parameters.random_seed = effort.seed
        solver.parameters.relative_gap_limit = gap
        status = solver.solve(self.model)
        if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            return None
        return Answer(
            seats=[pair for pair, seat in self.seats.items() if solver.boolean_value(seat)],
            value=round(solver.objective_value),
            bound=solver.best_objective_bound,
            is_proven=status == cp_model.OPTIMAL,
        )


def inside(slot: Slot, start: int) -> int:
    """Seconds of the slot in the 24 hours from `start`."""
    return max(0, min(slot.end, start + DAY_SECONDS) - max(slot.start, start))
