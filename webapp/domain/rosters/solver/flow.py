"""What no proposal can exceed: the places as a flow, with days instead of hours."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count
from math import gcd

from ortools.graph.python import min_cost_flow

from webapp.domain.rosters.rules import MOST_DAYS_IN_A_ROW
from webapp.domain.rosters.solver.board import Board, bits, cliques, heaviest

FINEST_STEP = 15


def most(board: Board, shifts: Sequence[int]) -> tuple[int, int, int]:
    """Minimum places, wanted places and places for skills that can be filled at most in these shifts, in this order.

    The times that somebody could take fall into groups of which each allows one; six shifts in a row of seven
    days; what else keeps a person from doing two of them is left out. So no proposal is better, and one that
    reaches it is the best.
    """
    flow = _Flow(board)
    for shift in shifts:
        flow.collect(shift)
    return flow.solve()


class _Flow:
    """Source, person, group of the person's times, kind of places, shift, sink."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.graph = min_cost_flow.SimpleMinCostFlow()
        self.nodes = count(2)
        self.wishes: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.minimum_arcs: list[int] = []
        self.skill_arcs: list[int] = []
        self.weight = 1 + sum(board.open)
        self.grouped: dict[int, list[int]] = {}

    def _arc(self, tail: int, head: int, capacity: int, gain: int = 0) -> int:
        return int(self.graph.add_arc_with_capacity_and_unit_cost(tail, head, capacity, -gain))

    def collect(self, shift: int) -> None:
        """The places of a shift, and who could be there."""
        board = self.board
        here = next(self.nodes)
        self.minimum_arcs.append(self._arc(here, 1, board.short[shift], self.weight))
        self._arc(here, 1, board.open[shift] - board.short[shift])
        for number in board.of_shift[shift]:
            place = board.places[number]
            if place.open:
                kind = next(self.nodes)
                arc = self._arc(kind, here, place.open, place.skill is not None)
                if place.skill is not None:
                    self.skill_arcs.append(arc)
                for person in place.people:
                    self.wishes[person].append((board.time[shift], kind))

    def solve(self) -> tuple[int, int, int]:
        """The most that flows."""
        if not self.wishes:
            return 0, 0, 0
        for person, wishes in self.wishes.items():
            groups = self._groups(sum(1 << time for time in {time for time, _ in wishes}))
            own = next(self.nodes)
            self._arc(0, own, self._in_all(person, groups))
            for group in groups:
                node = next(self.nodes)
                self._arc(own, node, 1)
                for time, kind in wishes:
                    if group >> time & 1:
                        self._arc(node, kind, 1)
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

    def _groups(self, times: int) -> list[int]:
        """The times (bits) in groups of which one at most can be done, few and large."""
        found = self.grouped.get(times)
        if found is None:
            found = self.grouped[times] = apart(times, self.board.clashes)
        return found

    def _in_all(self, person: int, groups: list[int]) -> int:
        """The most shifts of the span: where seven days follow each other, one of them stays free."""
        slots = self.board.slots
        on = [{slots[time].day for time in bits(group)} for group in groups]
        own = set().union(*on)
        standing = {each.day for each in self.board.fixed[person]}
        for day in sorted(own | standing):
            week = range(day, day + MOST_DAYS_IN_A_ROW + 1)
            if all(each in own or each in standing for each in week):
                # Without a day that could be free the week stands already, and nobody could be added to it.
                could_be_free = [each for each in week if each not in standing]
                return max(
                    (sum(days != {each} for days in on) for each in could_be_free), default=len(groups)
                )
        return len(groups)


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
    wishes: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    everything = 0

    def arc(tail: int, head: int, capacity: int, cost: int = 0) -> None:
        graph.add_arc_with_capacity_and_unit_cost(tail, head, capacity, cost)

    for place, seats in filled.items():
        shift = board.places[place].shift
        here = next(nodes)
        graph.set_node_supply(here, -seats * board.minutes[shift])
        everything += seats * board.minutes[shift]
        for person in board.places[place].people:
            wishes[person, board.slots[board.time[shift]].day].append((board.time[shift], here))
    of_person: dict[int, int] = {}
    most: dict[int, int] = defaultdict(int)
    groups: dict[int, list[int]] = {}
    heavy: dict[int, int] = {}
    minutes = [(slot.end - slot.start) // 60 for slot in board.slots]
    for (person, _), kinds in wishes.items():
        times = sum(1 << time for time in {time for time, _ in kinds})
        if times not in heavy:
            heavy[times] = heaviest({time: minutes[time] for time in bits(times)}, board.clashes)
            groups[times] = apart(times, board.clashes)
        if person not in of_person:
            of_person[person] = next(nodes)
        day = next(nodes)
        arc(of_person[person], day, heavy[times])
        most[person] += heavy[times]
        for group in groups[times]:
            node = next(nodes)
            arc(day, node, max(minutes[time] for time in bits(group)))
            for time, here in kinds:
                if group >> time & 1:
                    arc(node, here, minutes[time])
    for person, node in of_person.items():
        before = board.load[person] - least
        for low in range(0, most[person], step):
            arc(0, node, step, 2 * (before + low) + (step if is_exact else 0))
    graph.set_node_supply(0, everything)
    if graph.solve() != graph.OPTIMAL:
        raise AssertionError("seats that somebody sits on can be filled")
    return int(graph.optimal_cost())


def apart(times: int, clashes: list[int]) -> list[int]:
    """The times (bits) in groups of which one at most can be done, few and large."""
    found = []
    while times:
        found.append(max(cliques(times, clashes), key=int.bit_count))
        times &= ~found[-1]
    return found
