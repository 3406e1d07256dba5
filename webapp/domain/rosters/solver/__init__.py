"""The solver 自动排一版: who stands where, as well as it can be done, how sure that is, and why a place stays empty. Pure."""

from webapp.domain.rosters.solver.problem import (
    Fairness,
    Gap,
    Person,
    Problem,
    Progress,
    Seat,
    Shift,
    Solution,
    half_days,
)
from webapp.domain.rosters.solver.work import Work

__all__ = [
    "Fairness",
    "Gap",
    "Person",
    "Problem",
    "Progress",
    "Seat",
    "Shift",
    "Solution",
    "half_days",
    "solve",
]


def solve(
    problem: Problem, *, limit_seconds: float = 60, workers: int = 2, progress: Progress | None = None
) -> Solution:
    """The best proposal within `limit_seconds`, with proof or with how far it may be from the best.

    Goals, each before all that follow: minimum places covered; wanted places covered; places for skills covered
    (nobody with a needed skill stands on a general place while a place for it could be filled); load fair, and
    within 2 % of the fairest half-days that people said they can, and places near their homes. Never beyond
    `wanted`, never on a half-day somebody said no to, never against `rules.ensure_time_allows`. Raises ValueError
    for ids that are used twice or a seat for a skill on a shift that needs none.
    """
    return Work(problem, limit_seconds=limit_seconds, workers=workers, progress=progress).run()
