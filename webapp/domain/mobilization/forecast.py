"""出队预测: how many complete teams can be fielded from these people, hour by hour, and who is missing for the next.

Nobody counts twice: a team needs so many people for each of its roles, and a person fills one place. By Hall's
theorem k teams can be fielded if and only if for every set of roles the people who can do at least one of them
number k times what those roles need; so the most teams is the smallest of these quotients, rounded down. People
with the same skills are the same to it: a county is some sixteen numbers per hour, and the answer is exact.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from webapp.base.errors import RuleBroken

HOURS = 72
MOST_ROLES = 8
# How often somebody said yes in drills counts half of how often they did when it was real.
DRILL_WEIGHT = 0.5
# As many calls as what is known of everybody weighs beside a person's own answers.
PRIOR_CALLS = 4.0

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Need:
    """A role of a kind of team: so many people, who can do this (None: anybody). `key` is the role's position."""

    key: int
    skill: str | None
    count: int

    def is_met_by(self, skills: frozenset[str]) -> bool:
        """Whether somebody with these skills can fill the role."""
        return self.skill is None or self.skill in skills


@dataclass(frozen=True)
class People:
    """Who there is, one line each: to which group they belong, what they can do, in which hours they can come.

    `sets` are places in `skill_sets`; `free` is (people, hours); `chance` is permille, how likely they come when asked.
    """

    groups: Numbers
    sets: Numbers
    skill_sets: tuple[frozenset[str], ...]
    free: NDArray[np.bool_]
    chance: Numbers


@dataclass(frozen=True)
class Short:
    """还差几名: so many people, who could fill any of these roles, by key; several roles only where one is missing."""

    roles: tuple[int, ...]
    count: int


@dataclass(frozen=True)
class Teams:
    """What a group of people can field of one kind of team, hour by hour, and who is missing now for the next team.

    `expected` is the same with each person counted as often as they came so far: never more than `possible`.
    """

    possible: tuple[int, ...]
    expected: tuple[int, ...]
    short: tuple[Short, ...]

    @property
    def now(self) -> int:
        """Teams that could be fielded now."""
        return self.possible[0]

    @property
    def expected_now(self) -> int:
        """Teams that would come now, by what is known of answers so far."""
        return self.expected[0]


def ensure_needs(needs: Sequence[Need]) -> None:
    """A kind of team has one to eight roles and at least one person in each; RuleBroken roles_missing, roles_too_many."""
    if not needs or any(need.count < 1 for need in needs):
        raise RuleBroken("roles_missing", field="roles")
    if len(needs) > MOST_ROLES:
        raise RuleBroken("roles_too_many", field="roles", maximum=MOST_ROLES)


def hours_from(now: datetime) -> tuple[datetime, ...]:
    """The 73 edges of the 72 hours: now, then every full hour."""
    full = now.replace(minute=0, second=0, microsecond=0)
    return (now, *(full + timedelta(hours=number) for number in range(1, HOURS + 1)))


def _subsets(needs: Sequence[Need]) -> list[list[int]]:
    """All sets of roles but the empty one, in the order of their bits."""
    return [[place for place in range(len(needs)) if bits >> place & 1] for bits in range(1, 1 << len(needs))]


def _roles_of(needs: Sequence[Need], skills: frozenset[str]) -> int:
    """Which roles somebody can fill, as bits."""
    return sum(1 << place for place, need in enumerate(needs) if need.is_met_by(skills))


def _by_roles(needs: Sequence[Need], people: People, groups: int) -> tuple[Numbers, Numbers]:
    """How many people of each group can do just these roles, in each hour: (groups, 2^roles, hours).

    Once counting each as one, once as likely as they come, in permille.
    """
    width, hours = 1 << len(needs), people.free.shape[1]
    roles = np.array([_roles_of(needs, skills) for skills in people.skill_sets], dtype=np.int64)
    found = [np.zeros((groups * width, hours), dtype=np.int64) for _ in range(2)]
    if len(people.groups):
        keys = people.groups * width + roles[people.sets]
        order = np.argsort(keys, kind="stable")
        keys, free = keys[order], people.free[order].astype(np.int32)
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        found[0][keys[starts]] = np.add.reduceat(free, starts, axis=0)
        free *= people.chance[order, np.newaxis].astype(np.int32)
        found[1][keys[starts]] = np.add.reduceat(free, starts, axis=0)
    sure, likely = (each.reshape(groups, width, hours) for each in found)
    return sure, likely


def _who_can(by_roles: Numbers) -> Numbers:
    """How many people can do at least one role of each set of roles: (groups, 2^roles - 1, hours)."""
    groups, width, hours = by_roles.shape
    within = by_roles.copy()  # how many can do nothing beside each set of roles: summed up role by role
    for place in range(width.bit_length() - 1):
        halves = within.reshape(groups, -1, 2, 1 << place, hours)
        halves[:, :, 1] += halves[:, :, 0]
    others = (width - 1) ^ np.arange(1, width)
    who_can: Numbers = within[:, -1:] - within[:, others]
    return who_can


def _needed(needs: Sequence[Need]) -> Numbers:
    return np.array([sum(needs[place].count for place in places) for places in _subsets(needs)])


def _most(needs: Sequence[Need], who_can: Numbers) -> Numbers:
    """The most teams of each group in each hour."""
    most: Numbers = (who_can // _needed(needs)[:, np.newaxis]).min(axis=1)
    return most


def field_teams(needs: Sequence[Need], people: People, *, groups: int) -> tuple[Teams, ...]:
    """What each of the groups can field of this kind of team."""
    who_can, likely = (_who_can(each) for each in _by_roles(needs, people, groups))
    possible, expected = _most(needs, who_can), _most(needs, likely // 1000)
    return tuple(
        Teams(
            possible=tuple(possible[group].tolist()),
            expected=tuple(expected[group].tolist()),
            short=_missing(needs, who_can[group, :, 0].tolist(), int(possible[group, 0])),
        )
        for group in range(groups)
    )


def _missing(needs: Sequence[Need], who_can: list[int], teams: int) -> tuple[Short, ...]:
    """Who is missing for one team more: as few people as can be.

    As many are missing as the worst set of roles lacks. The sets that lack the most have roles in common, and
    somebody for any of those brings all of them one nearer. Where one person is enough, all such roles are named;
    else it is said for each role how many, the roles first that lack the most by themselves.
    """
    subsets, needed, who_can = _subsets(needs), _needed(needs).tolist(), list(who_can)
    found: Counter[int] = Counter()
    while True:
        lacks = [(teams + 1) * need - can for need, can in zip(needed, who_can, strict=True)]
        worst = max(lacks)
        if worst <= 0:
            return tuple(Short((needs[place].key,), found[place]) for place in sorted(found))
        common = set(range(len(needs))).intersection(
            *(places for places, lack in zip(subsets, lacks, strict=True) if lack == worst)
        )
        if worst == 1 and not found:
            return (Short(tuple(needs[place].key for place in sorted(common)), 1),)
        # The set of one role alone has the number of its bit.
        taken = max(sorted(common), key=lambda place: lacks[(1 << place) - 1])
        found[taken] += 1
        who_can = [can + (taken in places) for places, can in zip(subsets, who_can, strict=True)]


def chance_of(*, calls: int, yes: int, drills: int, drill_yes: int, rate: float) -> int:
    """How likely somebody comes when asked, in permille: their own answers, drills at half weight, and the pool's rate."""
    asked = calls + DRILL_WEIGHT * drills
    said_yes = yes + DRILL_WEIGHT * drill_yes
    return int(1000 * (said_yes + PRIOR_CALLS * rate) / (asked + PRIOR_CALLS))


def rate_of(answers: Iterable[tuple[int, int, int, int]]) -> float | None:
    """How often all of them said yes, from (calls, yes, drills, yes in drills) each; None where nobody was asked."""
    asked = said_yes = 0.0
    for calls, yes, drills, drill_yes in answers:
        asked += calls + DRILL_WEIGHT * drills
        said_yes += yes + DRILL_WEIGHT * drill_yes
    return said_yes / asked if asked else None


def spans_of(teams: Sequence[int], edges: Sequence[datetime]) -> tuple[tuple[datetime, datetime, int], ...]:
    """The same figures as stretches in which they do not change: (from, to, teams)."""
    found: list[tuple[datetime, datetime, int]] = []
    for count, start, end in zip(teams, edges, edges[1:], strict=False):
        if found and found[-1][2] == count:
            found[-1] = (found[-1][0], end, count)
        else:
            found.append((start, end, count))
    return tuple(found)
