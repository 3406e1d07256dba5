"""What stays open after the quick way: the whole part as a model where it is small, neighbourhood by neighbourhood where not."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from webapp.domain.rosters.solver.board import Board
from webapp.domain.rosters.solver.exact import Effort, Model, Pair
from webapp.domain.rosters.solver.parts import Part, Score
from webapp.domain.rosters.solver.roster import Roster

# Pairs of a place and a person up to which CP-SAT looks at a part as a whole, and in a neighbourhood.
WHOLE_PAIRS = 30_000
NEAR_PAIRS = 5_000
WHOLE_WORK = 30.0
LEAST_WORK = 1.0
NEAR_WORK = 3.0


@dataclass(frozen=True, slots=True)
class Found:
    """Seats of a part, at least as good as before; `bound` is what no proposal exceeds."""

    seats: list[Pair]
    bound: Score
    is_proven: bool


class Improver:
    """Asks CP-SAT about parts of a board; parts share nothing, so that several may be asked at once."""

    def __init__(self, board: Board, *, ends: float, seed: int, parts: int) -> None:
        self.board, self.ends, self.seed = board, ends, seed
        # Shared out beforehand, so that the last parts get as much as the first, and the same in every run.
        self.work = max(LEAST_WORK, WHOLE_WORK / parts)

    @property
    def left(self) -> float:
        """Seconds until the limit."""
        return self.ends - time.perf_counter()

    def improve(self, part: Part, seats: list[Pair]) -> Found:
        """The part filled better, or proven; with what there was where the time is over."""
        if self.left <= 0:
            return Found(seats, part.bound, is_proven=False)
        if part.pairs <= WHOLE_PAIRS:
            return self._whole(part, seats)
        return self._bit_by_bit(part, seats)

    def _whole(self, part: Part, seats: list[Pair]) -> Found:
        model = Model(Roster(self.board), part.shifts)
        model.cover()
        answer = model.solve(seats, Effort(self.left, self.work, 1, self.seed))
        if answer is None:
            return Found(seats, part.bound, is_proven=False)
        old, new = self._score(part, seats), self._score(part, answer.seats)
        best = answer.seats if new > old else seats
        if answer.is_proven:
            return Found(best, max(old, new), is_proven=True)
        return Found(best, part.bound, is_proven=False)

    def _bit_by_bit(self, part: Part, seats: list[Pair]) -> Found:
        """Set free who could fill an empty place and whom they would have to change with, again and again."""
        roster = self._roster(seats)
        score, is_better = roster.score(part.shifts), True
        while is_better and score < part.bound and self.left > 0:
            is_better = False
            for place in [place for shift in part.shifts for place in self.board.of_shift[shift]]:
                if roster.room[place] <= 0 or self.left <= 0:
                    continue
                changed = self._around(roster, place)
                if changed is not None and changed.score(part.shifts) > score:
                    roster, is_better = changed, True
                    score = roster.score(part.shifts)
        return Found(roster.seats(), part.bound, is_proven=score == part.bound)

    def _around(self, roster: Roster, place: int) -> Roster | None:
        """The roster with the neighbourhood of one empty place filled as well as can be."""
        shifts, people = self._neighbours(roster, place)
        near = [
            pair
            for pair in roster.seats()
            if self.board.places[pair[0]].shift in shifts and pair[1] in people
        ]
        base = self._roster(set(roster.seats()) - set(near))
        model = Model(base, shifts, people)
        model.cover()
        answer = model.solve(near, Effort(self.left, NEAR_WORK, 1, self.seed))
        if answer is None:
            return None
        for pair in answer.seats:
            base.sit(*pair)
        return base

    def _neighbours(self, roster: Roster, place: int) -> tuple[set[int], set[int]]:
        board = self.board
        shifts, people = {board.places[place].shift}, set(board.places[place].people)
        ring, pairs = sorted(people), len(people)
        while ring:
            near = sorted({shift for person in ring for shift in roster.held[person]} - shifts)
            ring = []
            for shift in near:
                pairs += sum(len(board.places[each].people) for each in board.of_shift[shift])
                if pairs > NEAR_PAIRS:
                    return shifts, people
                shifts.add(shift)
                found = {p for each in board.of_shift[shift] for p in board.places[each].people}
                ring.extend(sorted(found - people))
                people |= found
        return shifts, people

    def _score(self, part: Part, seats: Iterable[Pair]) -> Score:
        return self._roster(seats).score(part.shifts)

    def _roster(self, seats: Iterable[Pair]) -> Roster:
        roster = Roster(self.board)
        for pair in seats:
            roster.sit(*pair)
        return roster
