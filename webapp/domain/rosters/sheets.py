"""The printed rosters as plain values: the week, the sign-in sheet, a person's and a team's week; and what changed.

Nothing here knows a table, a template or a clock. A wall copy 公示版 is built without the phones of people, so that
no template can print one by mistake; the working copy 工作版 has them. Names stand in both languages where the data
have both, so that the same content in another language is the same version.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from webapp.domain.rosters.rules import Copy, PostKind, Protection

NAMES_IN_A_CELL = 3
WALK_IN_ROWS = 5
WEEK = 7


@dataclass(frozen=True)
class Said:
    """A name of our data in Chinese and, where there is one, in English."""

    zh: str
    en: str | None = None

    def to(self, language: str) -> str:
        """As the reader's language has it; the Chinese one where there is no other."""
        return self.zh if language.startswith("zh") else self.en or self.zh


@dataclass(frozen=True)
class Facts:
    """What stands in the head and foot of each sheet.

    `unit_line` names the office, `hotline` whom to call when something is wrong, `place` the community (or other
    area), `first` the Monday of the week or the day of the sheet.
    """

    copy: Copy
    unit_line: str
    hotline: str
    place: Said
    first: date


@dataclass(frozen=True)
class DutyLine:
    """Somebody on duty with the number that answers there."""

    name: str
    phone: str


@dataclass(frozen=True)
class OnShift:
    """Somebody with a place on a shift. `key` is the person's, for comparing printings.

    `phone` is only looked at for working copies. `override` 破例 is why a rule was set aside, `overridden_by` by whom.
    """

    key: str
    name: str
    pinyin: str = ""
    unit: Said = Said("")
    task: Said = Said("")
    phone: str = ""
    override: str = ""
    overridden_by: str = ""


@dataclass(frozen=True)
class SheetShift:
    """A shift as the sheets need it; times are the county's clocks, `is_next_day` where it ends after midnight."""

    key: str
    day: date
    starts: str
    ends: str
    is_next_day: bool
    minimum: int
    people: tuple[OnShift, ...]
    is_cancelled: bool = False

    @property
    def missing(self) -> int:
        """缺几人: how many the shift is short of its minimum."""
        return 0 if self.is_cancelled else max(0, self.minimum - len(self.people))


@dataclass(frozen=True)
class SheetPost:
    """A post as the sheets need it; `phone` is the post's own, `lead_phone` a person's."""

    key: str
    name: Said
    place: str
    kind: PostKind
    instructions: str
    protection: Protection
    phone: str = ""
    lead: str = ""
    lead_phone: str = ""
    shifts: tuple[SheetShift, ...] = ()


# --- 一周值班(排班)表 -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CellName:
    """A name in a cell; `mark` numbers the reason of an override ※ under the table, 0 without one."""

    name: str
    mark: int


@dataclass(frozen=True)
class WeekCell:
    """A post's shift on one day: at most three names, how many more there are, how many are missing."""

    names: tuple[CellName, ...]
    more: int
    missing: int
    is_cancelled: bool


@dataclass(frozen=True)
class WeekRow:
    """A post at one time of the day, over the seven days."""

    key: str
    post: Said
    place: str
    phone: str
    starts: str
    ends: str
    is_next_day: bool
    begins_post: bool
    cells: tuple[WeekCell | None, ...]


@dataclass(frozen=True)
class Override:
    """Why a rule was set aside ※: for whom, when, where, by whom."""

    mark: int
    name: str
    day: date
    starts: str
    post: Said
    reason: str
    by: str


@dataclass(frozen=True)
class Listed:
    """A person of the list of phones that goes with the working copy, with all their shifts of the week."""

    key: str
    name: str
    unit: Said
    phone: str
    shifts: tuple[tuple[date, str, str, Said], ...]


@dataclass(frozen=True)
class WeekSheet:
    """一周值班(排班)表: posts and times over seven days, who is on duty above them, the phone list behind them."""

    facts: Facts
    team: Said | None
    leaders: tuple[tuple[DutyLine, ...], ...]
    hotlines: tuple[tuple[DutyLine, ...], ...]
    rows: tuple[WeekRow, ...]
    overrides: tuple[Override, ...]
    people: tuple[Listed, ...]

    @property
    def days(self) -> tuple[date, ...]:
        """The seven days."""
        return days_from(self.facts.first)

    @property
    def row_count(self) -> int:
        """How many lines are printed."""
        return len(self.rows) + len(self.people)


def days_from(first: date) -> tuple[date, ...]:
    """Seven days."""
    return tuple(first + timedelta(days=number) for number in range(WEEK))


def week_sheet(
    facts: Facts,
    posts: Sequence[SheetPost],
    *,
    leaders: tuple[tuple[DutyLine, ...], ...],
    hotlines: tuple[tuple[DutyLine, ...], ...],
    team: Said | None = None,
) -> WeekSheet:
    """The week of these posts, in their order; rows by the time at which shifts begin."""
    overrides: list[Override] = []
    rows = [row for post in posts for row in _week_rows(facts, post, overrides)]
    people = _listed(posts) if facts.copy is Copy.WORKING else ()
    return WeekSheet(facts, team, leaders, hotlines, tuple(rows), tuple(overrides), people)


def _week_rows(facts: Facts, post: SheetPost, overrides: list[Override]) -> list[WeekRow]:
    slots: dict[tuple[str, str, bool], dict[date, list[SheetShift]]] = {}
    for shift in post.shifts:
        slots.setdefault((shift.starts, shift.ends, shift.is_next_day), {}).setdefault(shift.day, []).append(
            shift
        )
    rows = []
    for number, (starts, ends, is_next_day) in enumerate(sorted(slots)):
        by_day = slots[starts, ends, is_next_day]
        rows.append(
            WeekRow(
                key=f"{post.key}/{starts}-{ends}",
                post=post.name,
                place=post.place,
                phone=post.phone,
                starts=starts,
                ends=ends,
                is_next_day=is_next_day,
                begins_post=number == 0,
                cells=tuple(
                    _week_cell(by_day.get(day, []), post, overrides) for day in days_from(facts.first)
                ),
            )
        )
    return rows


def _week_cell(shifts: list[SheetShift], post: SheetPost, overrides: list[Override]) -> WeekCell | None:
    if not shifts:
        return None
    standing = [shift for shift in shifts if not shift.is_cancelled]
    names = []
    for shift in standing:
        for person in _in_order(shift.people):
            mark = 0
            if person.override:
                mark = len(overrides) + 1
                overrides.append(
                    Override(
                        mark,
                        person.name,
                        shift.day,
                        shift.starts,
                        post.name,
                        person.override,
                        person.overridden_by,
                    )
                )
            names.append(CellName(person.name, mark))
    # Whoever stands there by an override is named: the reason under the table is about them.
    names.sort(key=lambda each: not each.mark)
    shown = max(NAMES_IN_A_CELL, sum(1 for each in names if each.mark))
    return WeekCell(
        names=tuple(names[:shown]),
        more=max(0, len(names) - shown),
        missing=sum(shift.missing for shift in standing),
        is_cancelled=not standing,
    )


def _in_order(people: Iterable[OnShift]) -> list[OnShift]:
    return sorted(people, key=lambda person: (person.pinyin, person.name, person.key))


def _listed(posts: Sequence[SheetPost]) -> tuple[Listed, ...]:
    found: dict[str, tuple[OnShift, list[tuple[date, str, str, Said]]]] = {}
    for post in posts:
        for shift in post.shifts:
            if shift.is_cancelled:
                continue
            for person in shift.people:
                found.setdefault(person.key, (person, []))[1].append(
                    (shift.day, shift.starts, shift.ends, post.name)
                )
    ordered = _in_order(person for person, _ in found.values())
    return tuple(
        Listed(
            f"p:{person.key}",
            person.name,
            person.unit,
            person.phone,
            tuple(sorted(found[person.key][1], key=lambda each: each[:3])),
        )
        for person in ordered
    )


# --- 岗位签到表 -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SignInRow:
    """Somebody who is to sign: an empty name stands for `missing` places that nobody has."""

    key: str
    starts: str
    ends: str
    is_next_day: bool
    name: str
    unit: Said
    task: Said
    phone: str
    override: str
    overridden_by: str
    missing: int
    begins_shift: bool


@dataclass(frozen=True)
class SignInSheet:
    """岗位签到表 of a post and a day: who is to come, boxes to sign in, lines for who comes by."""

    facts: Facts
    post: SheetPost
    leaders: tuple[DutyLine, ...]
    due: int
    rows: tuple[SignInRow, ...]

    @property
    def row_count(self) -> int:
        """How many lines are printed."""
        return len(self.rows) + WALK_IN_ROWS


def sign_in_sheet(facts: Facts, post: SheetPost, *, leaders: tuple[DutyLine, ...]) -> SignInSheet:
    """The sheet of a post on one day, shift by shift, people in the order of their names."""
    rows: list[SignInRow] = []
    shifts = sorted(
        (shift for shift in post.shifts if not shift.is_cancelled),
        key=lambda shift: (shift.starts, shift.ends, shift.key),
    )
    for shift in shifts:
        first = len(rows)
        rows += [_sign_in_row(facts, shift, person) for person in _in_order(shift.people)]
        if shift.missing:
            rows.append(
                replace(_sign_in_row(facts, shift, OnShift(key="gap", name="")), missing=shift.missing)
            )
        if len(rows) > first:
            rows[first] = replace(rows[first], begins_shift=True)
    about = replace(post, shifts=(), lead_phone=post.lead_phone if facts.copy is Copy.WORKING else "")
    due = sum(len(shift.people) for shift in shifts)
    return SignInSheet(facts, about, leaders, due, tuple(rows))


def _sign_in_row(facts: Facts, shift: SheetShift, person: OnShift) -> SignInRow:
    return SignInRow(
        key=f"{shift.key}/{person.key}",
        starts=shift.starts,
        ends=shift.ends,
        is_next_day=shift.is_next_day,
        name=person.name,
        unit=person.unit,
        task=person.task,
        phone=person.phone if facts.copy is Copy.WORKING else "",
        override=person.override,
        overridden_by=person.overridden_by,
        missing=0,
        begins_shift=False,
    )


# --- a person's and a team's week -----------------------------------------------------------------------------


@dataclass(frozen=True)
class PersonRow:
    """A shift of somebody's week with what they need to know for it."""

    key: str
    day: date
    starts: str
    ends: str
    is_next_day: bool
    post: Said
    place: str
    instructions: str
    protection: Protection
    phone: str
    lead: str
    lead_phone: str
    override: str


@dataclass(frozen=True)
class PersonSheet:
    """One person's week 个人排班单."""

    facts: Facts
    name: str
    unit: Said
    rows: tuple[PersonRow, ...]

    @property
    def row_count(self) -> int:
        """How many lines are printed."""
        return len(self.rows)


def person_sheet(facts: Facts, name: str, unit: Said, posts: Sequence[SheetPost]) -> PersonSheet:
    """The shifts of these posts (already only the person's own) in the order of time."""
    is_working = facts.copy is Copy.WORKING
    rows = [
        PersonRow(
            key=shift.key,
            day=shift.day,
            starts=shift.starts,
            ends=shift.ends,
            is_next_day=shift.is_next_day,
            post=post.name,
            place=post.place,
            instructions=post.instructions,
            protection=post.protection,
            phone=post.phone,
            lead=post.lead,
            lead_phone=post.lead_phone if is_working else "",
            override=next((person.override for person in shift.people), ""),
        )
        for post in posts
        for shift in post.shifts
        if not shift.is_cancelled
    ]
    rows.sort(key=lambda row: (row.day, row.starts, row.key))
    return PersonSheet(facts, name, unit, tuple(rows))


@dataclass(frozen=True)
class TeamRow:
    """A member of a team and where they are on each of the seven days: (from, until, post)."""

    key: str
    name: str
    phone: str
    days: tuple[tuple[tuple[str, str, Said], ...], ...]


@dataclass(frozen=True)
class TeamSheet:
    """A team's week 队伍排班表: members over seven days."""

    facts: Facts
    team: Said
    rows: tuple[TeamRow, ...]

    @property
    def days(self) -> tuple[date, ...]:
        """The seven days."""
        return days_from(self.facts.first)

    @property
    def row_count(self) -> int:
        """How many lines are printed."""
        return len(self.rows)


def team_sheet(facts: Facts, team: Said, members: Sequence[OnShift], posts: Sequence[SheetPost]) -> TeamSheet:
    """All members, those without a shift too: their lines are empty, and somebody sees that they are free."""
    taken: dict[tuple[str, date], list[tuple[str, str, Said]]] = {}
    for post in posts:
        for shift in post.shifts:
            if not shift.is_cancelled:
                for person in shift.people:
                    taken.setdefault((person.key, shift.day), []).append(
                        (shift.starts, shift.ends, post.name)
                    )
    rows = tuple(
        TeamRow(
            key=member.key,
            name=member.name,
            phone=member.phone if facts.copy is Copy.WORKING else "",
            days=tuple(
                tuple(sorted(taken.get((member.key, day), ()), key=lambda each: each[:2]))
                for day in days_from(facts.first)
            ),
        )
        for member in _in_order(members)
    )
    return TeamSheet(facts, team, rows)


# --- versions -------------------------------------------------------------------------------------------------

Sheet = WeekSheet | SignInSheet | PersonSheet | TeamSheet


@dataclass(frozen=True)
class Printing:
    """What differs from one printing to the next: 第×版, 打印时间 in local time, 打印人, and what changed since.

    `changed` are keys of rows that are new or other than in version `since` (0: nothing was printed before), `gone`
    is how many of its rows are no longer there.
    """

    version: int
    printed_at: datetime
    printed_by: str
    since: int = 0
    changed: frozenset[str] = frozenset()
    gone: int = 0


@dataclass(frozen=True)
class Fingerprint:
    """What a printed version is compared by: the whole, who printed it (working copies), and each row."""

    content: str
    printed_by: str
    rows: tuple[tuple[str, str], ...]

    def as_text(self) -> str:
        """For storing."""
        return json.dumps(
            {"content": self.content, "by": self.printed_by, "rows": self.rows}, separators=(",", ":")
        )


def read_fingerprint(text: str) -> Fingerprint:
    """What `as_text` wrote."""
    read = json.loads(text)
    return Fingerprint(read["content"], read["by"], tuple((key, value) for key, value in read["rows"]))


def fingerprint(sheet: Sheet, *, printed_by: str = "") -> Fingerprint:
    """The same content has the same fingerprint, whenever it is printed, in whatever language.

    `printed_by` is who answers for a working copy: printed by somebody else it is another one.
    """
    content = hashlib.sha256(repr(sheet).encode()).hexdigest()
    rows = [(row.key, _digest(_bare(row))) for row in sheet.rows]
    if isinstance(sheet, WeekSheet):
        rows += [(row.key, _digest(row)) for row in sheet.people]
    return Fingerprint(content, printed_by, tuple(rows))


def _bare(row: WeekRow | SignInRow | PersonRow | TeamRow) -> object:
    """The row without what only follows from its neighbours: a mark's number, where a group begins."""
    if isinstance(row, WeekRow):
        cells = tuple(
            None
            if cell is None
            else (
                tuple((each.name, bool(each.mark)) for each in cell.names),
                cell.more,
                cell.missing,
                cell.is_cancelled,
            )
            for cell in row.cells
        )
        return (row.post, row.place, row.phone, row.starts, row.ends, cells)
    if isinstance(row, SignInRow):
        return replace(row, begins_shift=False)
    return row


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def differing(now: Fingerprint, before: Fingerprint) -> tuple[frozenset[str], int]:
    """The keys of rows that are new or other than before, and how many rows of before are gone."""
    known = dict(before.rows)
    changed = frozenset(key for key, digest in now.rows if known.get(key) != digest)
    return changed, len(known.keys() - {key for key, _ in now.rows})


def version_hash(now: Fingerprint, since: int) -> str:
    """What a version is unique by: its content, who answers for it, and what its marks compare it with."""
    return hashlib.sha256(f"{now.content}/{now.printed_by}/{since}".encode()).hexdigest()
