"""召集花名册, 电话通知单 and the summary for the command as plain values: who stands on them, in which order.

Nothing here knows a table, a template or a clock. A wall copy 公示版 is built without phones, so that no template
can print one by mistake.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from webapp.domain.mobilization.rules import (
    AnswerSource,
    CallResult,
    Figures,
    SheetCopy,
    ShortBecause,
    Stay,
)
from webapp.domain.rosters.sheets import Said

WALK_IN_ROWS = 5
_HALF = 32


@dataclass(frozen=True)
class CallUpFacts:
    """What stands in the head and foot of each sheet of a call-up; times are the county's clocks.

    `part` is what the sheet is about, where it is not all of the call-up: a team, or who makes the calls.
    """

    copy: SheetCopy
    unit_line: str
    hotline: str
    place: Said
    number: str
    title: str
    caller: str
    phone: str
    starts_at: datetime
    ends_at: datetime
    point: str
    landmark: str
    bring: str
    stay: Stay
    sleeps: str
    eats: str
    is_drill: bool
    part: Said | None = None

    @property
    def is_working(self) -> bool:
        """Whether people's numbers stand on it."""
        return self.copy is SheetCopy.WORKING


@dataclass(frozen=True)
class Expected:
    """Somebody who has a place, or came without one. `pinyin` orders them; `place` is the role's place in the call-up.

    An empty name is a place that a unit has promised and not named yet.
    """

    key: str
    place: int
    role: str
    team: Said
    name: str = ""
    pinyin: str = ""
    phone: str = ""
    answered_at: datetime | None = None
    answered_by: AnswerSource | None = None
    eta_at: datetime | None = None
    arrived_at: datetime | None = None
    departed_at: datetime | None = None
    assigned_to: str = ""
    has_place: bool = True


@dataclass(frozen=True)
class RosterRow:
    """A line of the 花名册; `begins_role` where a new role begins."""

    person: Expected
    begins_role: bool


@dataclass(frozen=True)
class RosterSheet:
    """应急队伍召集花名册(集结点名签到表): by role, then team, then name. `due` 应到 have a place."""

    facts: CallUpFacts
    rows: tuple[RosterRow, ...]
    due: int

    @property
    def row_count(self) -> int:
        """How many lines are printed."""
        return len(self.rows) + WALK_IN_ROWS


def roster_sheet(facts: CallUpFacts, people: Iterable[Expected]) -> RosterSheet:
    """The sheet that is signed at the muster point."""
    ordered = sorted(
        people,
        key=lambda each: (
            each.place,
            each.team.zh or "\U0010ffff",
            not each.name,
            each.pinyin,
            each.name,
            each.key,
        ),
    )
    rows, before = [], None
    for each in ordered:
        person = each if facts.is_working else replace(each, phone="")
        rows.append(RosterRow(person, begins_role=each.place != before))
        before = each.place
    return RosterSheet(facts, tuple(rows), sum(each.has_place for each in ordered))


# --- 电话通知单 -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attempt:
    """A call that was made: when and with what result."""

    at: datetime
    result: CallResult


@dataclass(frozen=True)
class ToCall:
    """Somebody who is to be called, for which role, and the calls so far. `caller` orders: who calls them."""

    key: str
    name: str
    pinyin: str
    team: Said
    role: str
    phones: tuple[str, ...]
    caller: str
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class CallListSheet:
    """电话通知单: whom to call, in the order of who calls and of names."""

    facts: CallUpFacts
    rows: tuple[ToCall, ...]

    @property
    def row_count(self) -> int:
        """How many lines are printed."""
        return len(self.rows)


def call_list_sheet(facts: CallUpFacts, people: Iterable[ToCall]) -> CallListSheet:
    """The list for the phone; without numbers it is none."""
    if not facts.is_working:
        raise ValueError("a call list is a working copy")
    ordered = sorted(people, key=lambda each: (each.caller, each.pinyin, each.name, each.key))
    return CallListSheet(facts, tuple(ordered))


# --- the summary for the command ------------------------------------------------------------------------------


@dataclass(frozen=True)
class RoleSummary:
    """A role: its figures, how many were asked, the latest time somebody said they would be there, why it is short."""

    name: str
    figures: Figures
    asked: int
    latest_eta_at: datetime | None
    short_because: ShortBecause | None


@dataclass(frozen=True)
class TeamSummary:
    """A team that comes: how many have a place, how many are there, who leads it and their number."""

    name: Said
    expected: int
    arrived: int
    leads: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SummarySheet:
    """指挥部汇总: one page. `started_at` is when the calling began."""

    facts: CallUpFacts
    roles: tuple[RoleSummary, ...]
    teams: tuple[TeamSummary, ...]
    started_at: datetime | None

    @property
    def figures(self) -> Figures:
        """All roles together."""
        return sum((each.figures for each in self.roles), Figures())

    @property
    def asked(self) -> int:
        """How many people were asked."""
        return sum(each.asked for each in self.roles)

    @property
    def row_count(self) -> int:
        """How many lines are printed."""
        return len(self.roles) + len(self.teams)


# What one page holds: lines of roles, their sum, and teams of whom one lead is named.
ONE_PAGE, FEWEST_TEAMS, LEADS_NAMED = 13, 3, 1


def summary_sheet(
    facts: CallUpFacts,
    roles: Sequence[RoleSummary],
    teams: Sequence[TeamSummary],
    *,
    started_at: datetime | None,
) -> SummarySheet:
    """One page: the largest teams are named, the others put together."""
    ordered = [
        replace(each, leads=each.leads[:LEADS_NAMED])
        for each in sorted(teams, key=lambda each: (-each.expected, each.name.zh))
    ]
    if not facts.is_working:
        ordered = [replace(each, leads=tuple((name, "") for name, _phone in each.leads)) for each in ordered]
    most = max(FEWEST_TEAMS, ONE_PAGE - len(roles))
    shown, others = ordered[:most], ordered[most:]
    if others:
        shown.append(
            TeamSummary(
                Said(""), sum(each.expected for each in others), sum(each.arrived for each in others), ()
            )
        )
    return SummarySheet(facts, tuple(roles), tuple(shown), started_at)


# --- versions -------------------------------------------------------------------------------------------------

Sheet = RosterSheet | CallListSheet | SummarySheet


def content_of(sheet: object) -> str:
    """What a sheet says, whenever it is printed, in whatever language."""
    return hashlib.sha256(repr(sheet).encode()).hexdigest()[:_HALF]


def content_hash(content: str, *, printed_by: str, since: int) -> str:
    """What a version is unique by: its content, then who answers for it and the version that said something else."""
    return content + hashlib.sha256(f"{printed_by}/{since}".encode()).hexdigest()[:_HALF]


def says(content: str, stored_hash: str) -> bool:
    """Whether a stored version has this content."""
    return stored_hash.startswith(content)
