"""What the solver is asked and what it answers: plain frozen values, no table, no clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from webapp.domain.rosters.rules import GapReason, SolverStatus, Stretch

Progress = Callable[[int], None]
"""Told how far the work is, in per cent, never less than before."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift that is to be filled up to `wanted` people, first up to `minimum`.

    `skills` are (code, places): so many of the wanted places are kept for who has the skill, the others are for
    anybody. `half_days` are those that the shift touches (see `half_days`). Who may stand here: a person who is
    in one of `pools` (the community, the team, the town: any keys), has all of `traits` ("adult", "accepted",
    "confidentiality": any words) and is on the same `side` of the cordon (path of the sealed area, or empty).
    `area_path` is compared with homes.
    """

    id: int
    stretch: Stretch
    minimum: int
    wanted: int
    skills: tuple[tuple[str, int], ...] = ()
    pools: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    side: str = ""
    area_path: str = ""
    half_days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be given shifts.

    `skills` count for every day but those after their day in `lapses` (code, last day). `committed` is all the
    time that is taken, from eight days before the span to eight days after it, shifts that they took themselves
    included. Minutes are what fairness counts: of the past, of the last seven days, and planned (shifts already
    theirs included); what is proposed is added to their sum. `available` and `not_available` are half-days of
    the week, 0 (Monday morning) to 13 (Sunday afternoon); the second is a hard no.
    """

    id: int
    skills: frozenset[str] = frozenset()
    lapses: tuple[tuple[str, date], ...] = ()
    committed: tuple[Stretch, ...] = ()
    past_minutes: int = 0
    recent_minutes: int = 0
    planned_minutes: int = 0
    pools: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    side: str = ""
    home_path: str = ""
    available: frozenset[int] = frozenset()
    not_available: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, order=True)
class Seat:
    """A person on a shift, on a place for `skill` or (None) on one for anybody."""

    shift_id: int
    person_id: int
    skill: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """All that is to be solved together; ids are unique.

    `taken` are the people who are already on the shifts: they count as there, and their time stands in their
    `committed`. `locked` are seats of an earlier proposal that stay as they are, also where a rule would object:
    their time and minutes are added here. Both may name people who are not in `people`. With the same problem
    and `seed`, and a limit that is not reached, the answer is the same.
    """

    shifts: tuple[Shift, ...]
    people: tuple[Person, ...]
    taken: tuple[Seat, ...] = ()
    locked: tuple[Seat, ...] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Gap:
    """Places of a shift that stay empty, for who has `skill` or (None) for anybody, and why.

    A reason stands for itself and those before it in GapReason: ALL_TAKEN says that everybody who could do it
    and is on this side of the cordon is taken or resting. NOBODY_THERE: nobody may be asked at all.
    """

    shift_id: int
    skill: str | None
    missing: int
    reason: GapReason


@dataclass(frozen=True, slots=True)
class Fairness:
    """How evenly the work is spread: `price` is what the proposal's new minutes weigh.

    Each person's load L (hours past, recent, planned and new, above the least loaded one) weighs L², so that
    an hour costs more the more somebody has; `price` is what the new hours add to the sum. No proposal that
    fills the same places costs less than `bound`; `gap_permille` is the distance. Minutes are those of everybody
    who could have been given something: the least, the mean and the most, with what is proposed.
    """

    price: int
    bound: int
    gap_permille: int
    least_minutes: int
    mean_minutes: int
    most_minutes: int


@dataclass(frozen=True, slots=True)
class Solution:
    """A proposal: `seats` are new and locked ones, not those taken before.

    `status` is about who stands where: OPTIMAL, no proposal covers more (minimum places first, then wanted
    ones, then places for skills); FEASIBLE, it ended without that proof and at most `gap_permille` of the places
    that could be filled (`bound`, taken and locked ones included) are missing; NONE, there was not even time
    for a first proposal, and only locked seats are given. `filled` counts taken, locked and new seats up to the
    number wanted. `seconds` is the solver's own time.
    """

    seats: tuple[Seat, ...]
    gaps: tuple[Gap, ...]
    status: SolverStatus
    gap_permille: int
    filled: int
    bound: int
    minimum_missing: int
    wanted_missing: int
    skill_missing: int
    fairness: Fairness
    seconds: float


def half_days(stretch: Stretch, zone: tzinfo) -> frozenset[int]:
    """The half-days of the week that a stretch touches on the clocks of `zone`: 0 Monday morning to 13 Sunday afternoon."""
    first = _half(stretch.starts_at.astimezone(zone))
    # The last moment counts, not the end: until noon is the morning alone. Clocks that went back may show an
    # end before the start.
    last = max(first, _half((stretch.ends_at - timedelta(microseconds=1)).astimezone(zone)))
    return frozenset(number % 14 for number in range(first, last + 1))


def _half(local: datetime) -> int:
    """Half-days since the beginning of all Mondays."""
    return (local.toordinal() - 1) * 2 + (local.hour >= 12)
