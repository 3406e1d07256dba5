"""What no proposal can exceed: the places as a flow, with days instead of hours."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count
from math import gcd

from ortools.graph.python import min_cost_flow

from webapp.domain.rosters.rules import MOST_DAYS_IN_A_ROW
from webapp.domain.rosters.solver.board import Board, bits, heaviest

FINEST_STEP = 15


def most(board: Board, shifts: Sequence[int]) -> tuple[int, int, int]:
    """Minimum places, wanted places and places for skills that can be filled at most in these shifts, in this order.

    A person does at most so many shifts a day as go together there, and has one free day in seven; the rest
    between days is left out. So no proposal is better, and one that reaches it is the best.
    """
    flow = _Flow(board)
    for shift in shifts:
        flow.add(shift)
    return flow.solve()


class _Flow:
    """Source, person, person's day, kind of places, shift, sink."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.graph = min_cost_flow.SimpleMinCostFlow()
        self.nodes = 2
        self.days: dict[tuple[int, int], int] = {}
        self.times: dict[tuple[int, int], int] = defaultdict(int)
        self.minimum_arcs: list[int] = []
        self.skill_arcs: list[int] = []
        self.weight = 1 + sum(board.open)
        self.most_in_a_day: dict[int, int] = {}

    def _node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def _arc(self, tail: int, head: int, capacity: int, gain: int = 0) -> int:
        return int(self.graph.add_arc_with_capacity_and_unit_cost(tail, head, capacity, -gain))

    def add(self, shift: int) -> None:
        """The places of a shift, and an arc from everybody who could be there."""
        board = self.board
        if not board.open[shift]:
            return
        here = self._node()
        self.minimum_arcs.append(self._arc(here, 1, board.short[shift], self.weight))
        self._arc(here, 1, board.open[shift] - board.short[shift])
        day = board.slots[board.time[shift]].day
        for number in board.of_shift[shift]:
            place = board.places[number]
            if not place.open:
                continue
            kind = self._node()
            arc = self._arc(kind, here, place.open, place.skill is not None)
            if place.skill is not None:
                self.skill_arcs.append(arc)
            for person in place.people:
                node = self.days.get((person, day))
                if node is None:
                    node = self.days[person, day] = self._node()
                self.times[person, day] |= 1 << board.time[shift]
                self._arc(node, kind, 1)

    def solve(self) -> tuple[int, int, int]:
        """The most that flows."""
        by_person: dict[int, dict[int, int]] = defaultdict(dict)
        for (person, day), times in self.times.items():
            by_person[person][day] = self._together(times)
        for person, days in by_person.items():
            own = self._node()
            self._arc(0, own, self._in_all(person, days))
            for day, capacity in days.items():
                self._arc(own, self.days[person, day], capacity)
        if not by_person:
            return 0, 0, 0
        everything = sum(self.board.open)
        self.graph.set_node_supply(0, everything)
        self.graph.set_node_supply(1, -everything)
        if self.graph.solve_max_flow_with_min_cost() != self.graph.OPTIMAL:
            raise AssertionError("a flow that is bounded and may be empty has an optimum")
        return (
            sum(self.graph.flow(arc) for arc in self.minimum_arcs),
            self.graph.maximum_flow(),
            sum(self.graph.flow(arc) for arc in self.skill_arcs),
        )

    def _together(self, times: int) -> int:
        """How many of the times (bits) somebody can do, if only pairs are looked at."""
        found = self.most_in_a_day.get(times)
        if found is None:
            found = self.most_in_a_day[times] = self._count_together(times)
        return found

    def _count_together(self, times: int) -> int:
        if times.bit_count() <= 1:
            return times.bit_count()
        if times.bit_count() > 12:
            return self._apart(times)
        first = times & -times
        rest = times ^ first
        clashes = self.board.clashes[first.bit_length() - 1]
        with_first = 1 + self._together(rest & ~clashes)
        return with_first if not rest & clashes else max(with_first, self._together(rest))

    def _apart(self, times: int) -> int:
        """As many as do not overlap: those that end first."""
        board, count, until = self.board, 0, 0
        chosen = (board.slots[number] for number in range(len(board.slots)) if times >> number & 1)
        for slot in sorted(chosen, key=lambda each: each.end):
            if slot.start >= until:
                count, until = count + 1, slot.end
        return count

    def _in_all(self, person: int, days: dict[int, int]) -> int:
        """The most shifts of the span: where seven days follow each other, one of them stays free."""
        everything = sum(days.values())
        standing = {each.day for each in self.board.fixed[person]}
        for day in sorted(days):
            week = range(day, day + MOST_DAYS_IN_A_ROW + 1)
            if all(each in days or each in standing for each in week):
                own = [days[each] for each in week if each in days and each not in standing]
                # With none of its own the days stand already, and nobody could be added to them.
                return everything - min(own, default=0)
        return everything


def least_price(board: Board, filled: dict[int, int], least: int) -> int:
    """What the minutes of `filled` (people by number of the place) weigh at least, whoever sits there.

    The weight is that of problem.Fairness, over `least` minutes. Minutes flow in any parts from people over
    their days into the places that they could take; a person's sum counts in steps of the shifts' common
    divisor, so that the chords are exact at every sum that can be.
    """
    lengths = {board.minutes[board.places[place].shift] for place in filled}
    step = gcd(*lengths)
    # Where lengths have nothing in common the steps would be countless: wider ones, from below.
    step, is_exact = (step, True) if step >= FINEST_STEP else (FINEST_STEP, False)
    graph = min_cost_flow.SimpleMinCostFlow()
    nodes = count(1)
    days: dict[tuple[int, int], int] = {}
    times: dict[tuple[int, int], int] = defaultdict(int)
    everything = 0

    def arc(tail: int, head: int, capacity: int, cost: int) -> None:
        graph.add_arc_with_capacity_and_unit_cost(tail, head, capacity, cost)

    for place, seats in filled.items():
        shift = board.places[place].shift
        minutes, day = board.minutes[shift], board.slots[board.time[shift]].day
        here = next(nodes)
        graph.set_node_supply(here, -seats * minutes)
        everything += seats * minutes
        for person in board.places[place].people:
            if (person, day) not in days:
                days[person, day] = next(nodes)
            times[person, day] |= 1 << board.time[shift]
            arc(days[person, day], here, minutes, 0)
    by_person: dict[int, list[tuple[int, int]]] = defaultdict(list)
    most: dict[int, int] = {}
    for (person, day), mask in times.items():
        if mask not in most:
            most[mask] = (
                heaviest({t: board.slots[t].end - board.slots[t].start for t in bits(mask)}, board.clashes)
                // 60
            )
        by_person[person].append((days[person, day], most[mask]))
    for person, own in by_person.items():
        node = next(nodes)
        for day_node, capacity in own:
            arc(node, day_node, capacity, 0)
        before = board.load[person] - least
        for low in range(0, sum(capacity for _, capacity in own), step):
            arc(0, node, step, 2 * (before + low) + (step if is_exact else 0))
    graph.set_node_supply(0, everything)
    if graph.solve() != graph.OPTIMAL:
        raise AssertionError("seats that somebody sits on can be filled")
    return int(graph.optimal_cost())
