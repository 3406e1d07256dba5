"""The way from a problem to a proposal: fill, prove, mend, even out."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil

from webapp.domain.rosters.rules import SolverStatus
from webapp.domain.rosters.solver.board import Board
from webapp.domain.rosters.solver.gaps import gaps
from webapp.domain.rosters.solver.parts import Part, parts
from webapp.domain.rosters.solver.problem import Fairness, Problem, Progress, Solution
from webapp.domain.rosters.solver.roster import Roster
from webapp.domain.rosters.solver.search import Search

FAIR_ENOUGH = 1.02
# The part of the time after which nothing more is mended: evening out has to fit in as well.
MENDING = 0.8


class Work:
    """One call of `solve`."""

    def __init__(
        self, problem: Problem, *, limit_seconds: float, workers: int, progress: Progress | None
    ) -> None:
        self.began = time.perf_counter()
        self.ends = self.began + limit_seconds
        self.mended_by = self.began + MENDING * limit_seconds
        self.workers = max(1, workers)
        self.tell = progress or (lambda _: None)
        self.told = 0
        self.board = Board(problem)
        self.roster = Roster(self.board)
        self.search = Search(self.board, self.is_over)
        self.parts = parts(self.board)
        self.price = self.price_bound = 0

    def is_over(self) -> bool:
        """Whether the limit is reached."""
        return time.perf_counter() >= self.ends

    def run(self) -> Solution:
        """All steps, as far as the time allows."""
        has_started = not self.is_over()
        self._progress(5)
        for done, part in enumerate(self.parts, 1):
            self.search.fill(self.roster, part.shifts)
            self._progress(5 + 35 * done // len(self.parts))
        self._prove()
        for done, part in enumerate(self.parts, 1):
            self._even_out(part)
            self._progress(75 + 24 * done // len(self.parts))
        solution = self._solution(has_started=has_started)
        self._progress(100)
        return solution

    def _progress(self, percent: int) -> None:
        if percent > self.told:
            self.told = percent
            self.tell(percent)

    def _prove(self) -> None:
        """Compare each part with its flow; where that does not settle it, ask CP-SAT, several parts at a time."""
        # The optimiser takes memory and a third of a second that a web process need not spend to start.
        from webapp.domain.rosters.solver import flow  # noqa: PLC0415

        doubtful = []
        for done, part in enumerate(self.parts, 1):
            part.bound = flow.most(self.board, part.shifts)
            part.is_proven = self.roster.score(part.shifts) == part.bound
            if not part.is_proven:
                doubtful.append(part)
            self._progress(40 + 10 * done // len(self.parts))
        if doubtful and not self.is_over():
            self._mend(doubtful)

    def _mend(self, doubtful: Sequence[Part]) -> None:
        from webapp.domain.rosters.solver.improve import Improver  # noqa: PLC0415 - as in _prove

        improver = Improver(
            self.board, ends=self.mended_by, seed=self.board.problem.seed, parts=len(doubtful)
        )
        before = [self.roster.seats(part.shifts) for part in doubtful]
        with ThreadPoolExecutor(self.workers) as pool:
            answers = pool.map(improver.improve, doubtful, before)
            for done, (part, old, found) in enumerate(zip(doubtful, before, answers, strict=True), 1):
                for pair in old:
                    self.roster.rise(*pair)
                for pair in found.seats:
                    self.roster.sit(*pair)
                part.bound, part.is_proven = found.bound, found.is_proven
                self._progress(50 + 25 * done // len(doubtful))

    def _even_out(self, part: Part) -> None:
        """Fair, and as people wish; where the wishes cost more than two in a hundred, fair alone."""
        from webapp.domain.rosters.solver import flow  # noqa: PLC0415 - as in _prove

        seats = self.roster.seats(part.shifts)
        if not seats:
            return
        least = min(self.board.load[person] for person in part.people)
        bound = flow.least_price(self.board, Counter(place for place, _ in seats), least)
        self.search.even_out(self.roster, part.shifts, with_wishes=True)
        price = self.roster.price(part.people, least)
        if price > FAIR_ENOUGH * bound:
            self.search.even_out(self.roster, part.shifts, with_wishes=False)
            self.search.relay(
                self.roster,
                part.shifts,
                lambda: self.roster.price(part.people, least) <= FAIR_ENOUGH * bound,
            )
            price = self.roster.price(part.people, least)
        self.price += price
        self.price_bound += bound

    def _solution(self, *, has_started: bool) -> Solution:
        board, roster = self.board, self.roster
        every = range(len(board.shifts))
        reached = roster.score(every)
        bound = tuple(sum(part.bound[goal] for part in self.parts) for goal in range(3))
        status, gap = SolverStatus.OPTIMAL, 0
        if not all(part.is_proven for part in self.parts):
            status = SolverStatus.FEASIBLE if has_started else SolverStatus.NONE
            gap = max(1, *(permille(most, some, of=most) for most, some in zip(bound, reached, strict=True)))
        loads = [roster.load[person] for part in self.parts for person in part.people] or [0]
        return Solution(
            seats=tuple(
                sorted([*set(board.problem.locked), *(board.seat(*pair) for pair in roster.seats())])
            ),
            gaps=tuple(gaps(roster)),
            status=status,
            gap_permille=gap,
            filled=board.filled + reached[1],
            bound=board.filled + bound[1],
            minimum_missing=sum(max(0, each) for each in roster.short),
            wanted_missing=sum(roster.open),
            skill_missing=sum(
                room for room, place in zip(roster.room, board.places, strict=True) if place.skill is not None
            ),
            fairness=Fairness(
                price=self.price,
                bound=self.price_bound,
                gap_permille=permille(self.price, self.price_bound, of=self.price_bound),
                least_minutes=min(loads),
                mean_minutes=sum(loads) // len(loads),
                most_minutes=max(loads),
            ),
            seconds=time.perf_counter() - self.began,
        )


def permille(most: int, some: int, *, of: int) -> int:
    """By how many thousandths `of` a number the two differ, rounded up."""
    return ceil(1000 * (most - some) / of) if most > some else 0
