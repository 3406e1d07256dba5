"""Reads of the hours ledger: a person's lines, what waits for a decision, totals over a span."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, String, and_, func, or_, select, type_coerce

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import NotFound
from webapp.base.permissions import Permission
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import Attendance, HoursEntry, Post, Shift
from webapp.domain.rosters.queries.scope import visible
from webapp.domain.rosters.rules import EntryKind, EntryState, Evidence
from webapp.domain.volunteers.models import Organisation, Team, Volunteer
from webapp.domain.volunteers.rules import Society

_entries: Any = HoursEntry.__table__
_attendances: Any = Attendance.__table__
_shifts: Any = Shift.__table__
_posts: Any = Post.__table__
_people: Any = Person.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__

PAGE = 20
TOTALS_PAGE = 50
EXPORTED_AT_ONCE = 1000


@dataclass(frozen=True)
class Entry:
    """A line of the ledger. `is_automatic`: the evidence was changed after the hours were written."""

    public_id: str
    kind: EntryKind
    state: EntryState
    minutes: int
    reason: str | None
    written_by: str
    decided_by: str | None
    is_automatic: bool


@dataclass(frozen=True)
class Worked:
    """One shift of somebody with its lines; `minutes` is what stands."""

    attendance: str
    post_name: str
    post_name_en: str | None
    starts_at: datetime
    ends_at: datetime
    arrived_at: datetime | None
    left_at: datetime | None
    arrived_from: Evidence | None
    left_from: Evidence | None
    minutes: int
    entries: tuple[Entry, ...]

    @property
    def waits(self) -> bool:
        """Whether a correction waits for a decision."""
        return any(each.state is EntryState.ASKED for each in self.entries)


@dataclass(frozen=True)
class Ledger:
    """Somebody's hours: all that stands, and a page of shifts, the newest first."""

    person_id: int
    name: str
    minutes: int
    shift_count: int
    first_on: date | None
    last_on: date | None
    worked: tuple[Worked, ...]
    older: str | None


@dataclass(frozen=True)
class Asked:
    """A correction that waits for the actor."""

    public_id: str
    name: str
    post_name: str
    post_name_en: str | None
    starts_at: datetime
    minutes: int
    standing_minutes: int
    reason: str
    written_by: str
    written_at: datetime
    is_own: bool


class By(StrEnum):
    """Over what hours are added up."""

    PEOPLE = "people"
    TEAMS = "teams"
    ORGANISATIONS = "organisations"
    SOCIETIES = "societies"


@dataclass(frozen=True)
class Total:
    """The hours of one person, team, organisation or society; without a name: those who belong to none."""

    key: str
    name: str | None
    name_en: str | None
    team_name: str | None
    minutes: int
    shift_count: int
    person_count: int


@dataclass(frozen=True)
class Totals:
    """A page of totals, in the order of their names."""

    rows: tuple[Total, ...]
    minutes: int
    after: str | None


# --- one person ---------------------------------------------------------------------------------------------


@reading
def get_own_hours(*, actor: Actor, before: str | None = None) -> Ledger:
    """The actor's own hours."""
    row = (
        db.connection()
        .execute(select(_people.c.id, _people.c.name).where(_people.c.id == (actor.person_id or 0)))
        .one_or_none()
    )
    if row is None:
        return Ledger(0, "", 0, 0, None, None, (), None)
    return _ledger(row.id, row.name, before, None)


@reading
def get_hours_of(*, actor: Actor, volunteer: str, before: str | None = None) -> Ledger:
    """A volunteer's hours for who sees the volunteer: staff of the area, the lead of the team."""
    v = _volunteers.c
    row = (
        db.connection()
        .execute(
            select(v.person_id, v.name).where(
                v.public_id == volunteer,
                visible(actor, Permission.VOLUNTEER_SEE, path=v.area_path, team_id=v.team_id),
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return _ledger(row.person_id, row.name, before, actor)


def _ledger(person_id: int, name: str, before: str | None, viewer: Actor | None) -> Ledger:
    """The ledger of a person; a viewer who is not the person sees the lines of their own areas and teams."""
    e = _entries.c
    condition = e.person_id == person_id
    if viewer is not None:
        condition = and_(
            condition, visible(viewer, Permission.VOLUNTEER_SEE, path=e.area_path, team_id=e.team_id)
        )
    connection = db.connection()
    per_shift = (
        select(
            e.attendance_id,
            func.max(e.worked_on).label("worked_on"),
            func.sum(e.minutes).filter(e.state == EntryState.STANDS).label("minutes"),
        )
        .where(condition)
        .group_by(e.attendance_id)
        .subquery("per_shift")
    )
    c = per_shift.c
    total = connection.execute(
        select(
            func.coalesce(func.sum(c.minutes), 0).label("minutes"),
            func.count().filter(c.minutes > 0).label("shift_count"),
            func.min(c.worked_on).filter(c.minutes > 0).label("first_on"),
            func.max(c.worked_on).filter(c.minutes > 0).label("last_on"),
        )
    ).one()
    statement = (
        select(
            c.attendance_id,
            c.worked_on,
            c.minutes,
            _attendances.c.public_id,
            _attendances.c.arrived_at,
            _attendances.c.left_at,
            _attendances.c.arrived_from,
            _attendances.c.left_from,
            _shifts.c.starts_at,
            _shifts.c.ends_at,
            _posts.c.name,
            _posts.c.name_en,
        )
        .select_from(
            per_shift.join(_attendances, _attendances.c.id == c.attendance_id)
            .join(_shifts, _shifts.c.id == _attendances.c.shift_id)
            .join(_posts, _posts.c.id == _shifts.c.post_id)
        )
        .order_by(c.worked_on.desc(), c.attendance_id.desc())
        .limit(PAGE + 1)
    )
    cursor = _read_cursor(before)
    if cursor is not None:
        on, attendance_id = cursor
        statement = statement.where(
            or_(c.worked_on < on, and_(c.worked_on == on, c.attendance_id < attendance_id))
        )
    rows = connection.execute(statement).all()
    older = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        older = f"{rows[-1].worked_on:%Y%m%d}-{rows[-1].attendance_id}"
    entries = _entries_of([row.attendance_id for row in rows])
    return Ledger(
        person_id=person_id,
        name=name,
        minutes=int(total.minutes),
        shift_count=total.shift_count,
        first_on=total.first_on,
        last_on=total.last_on,
        worked=tuple(
            Worked(
                attendance=row.public_id,
                post_name=row.name,
                post_name_en=row.name_en,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                arrived_at=row.arrived_at,
                left_at=row.left_at,
                arrived_from=row.arrived_from,
                left_from=row.left_from,
                minutes=int(row.minutes or 0),
                entries=tuple(entries.get(row.attendance_id, ())),
            )
            for row in rows
        ),
        older=older,
    )


def _read_cursor(text: str | None) -> tuple[date, int] | None:
    on, _dash, number = (text or "").partition("-")
    if len(on) != 8 or not on.isdecimal() or not number.isdecimal() or len(number) > 18:
        return None
    try:
        return date.fromisoformat(on), int(number)
    except ValueError:
        return None


def _entries_of(attendance_ids: list[int]) -> dict[int, list[Entry]]:
    e = _entries.c
    found: dict[int, list[Entry]] = {}
    rows = db.connection().execute(
        select(
            e.attendance_id,
            e.public_id,
            e.kind,
            e.state,
            e.minutes,
            e.reason,
            e.written_by,
            e.decided_by,
        )
        .where(e.attendance_id.in_(attendance_ids))
        .order_by(e.id)
    )
    for row in rows:
        found.setdefault(row.attendance_id, []).append(
            Entry(
                public_id=row.public_id,
                kind=row.kind,
                state=row.state,
                minutes=row.minutes,
                reason=row.reason,
                written_by=row.written_by,
                decided_by=row.decided_by,
                is_automatic=row.kind is EntryKind.CORRECTION
                and row.state is EntryState.STANDS
                and row.decided_by is None,
            )
        )
    return found


@reading
def list_asked(*, actor: Actor) -> list[Asked]:
    """The corrections that wait for who may confirm hours, the oldest first; one's own are shown and not decided."""
    e = _entries.c
    other: Any = _entries.alias("other")
    standing = (
        select(func.coalesce(func.sum(other.c.minutes), 0))
        .where(other.c.attendance_id == e.attendance_id, other.c.state == EntryState.STANDS)
        .scalar_subquery()
    )
    rows = db.connection().execute(
        select(
            e.public_id,
            e.person_id,
            e.minutes,
            e.reason,
            e.written_by,
            e.written_at,
            standing.label("standing"),
            _people.c.name,
            _posts.c.name.label("post_name"),
            _posts.c.name_en.label("post_name_en"),
            _shifts.c.starts_at,
        )
        .select_from(
            _entries.join(_people, _people.c.id == e.person_id)
            .join(_attendances, _attendances.c.id == e.attendance_id)
            .join(_shifts, _shifts.c.id == _attendances.c.shift_id)
            .join(_posts, _posts.c.id == _shifts.c.post_id)
        )
        .where(
            e.state == EntryState.ASKED,
            visible(actor, Permission.HOURS_CONFIRM, path=e.area_path, team_id=e.team_id),
        )
        .order_by(e.id)
        .limit(TOTALS_PAGE)
    )
    return [
        Asked(
            public_id=row.public_id,
            name=row.name,
            post_name=row.post_name,
            post_name_en=row.post_name_en,
            starts_at=row.starts_at,
            minutes=row.minutes,
            standing_minutes=int(row.standing),
            reason=row.reason or "",
            written_by=row.written_by,
            written_at=row.written_at,
            is_own=row.person_id == actor.person_id,
        )
        for row in rows
    ]


# --- totals -------------------------------------------------------------------------------------------------


def _totals(actor: Actor, by: By, from_on: date, to_on: date) -> Select[Any]:
    """The grouped statement; `sorted` is what its pages are ordered by and `id` breaks ties."""
    e = _entries.c
    key: Any
    order: Any
    if by is By.PEOPLE:
        key, order = e.person_id, func.coalesce(_volunteers.c.pinyin_key, _people.c.pinyin_key, "")
        source = (
            _entries.join(_people, _people.c.id == e.person_id)
            .outerjoin(_volunteers, _volunteers.c.person_id == e.person_id)
            .outerjoin(_teams, _teams.c.id == _volunteers.c.team_id)
        )
        labels = [
            func.coalesce(_volunteers.c.public_id, "").label("key"),
            _people.c.name.label("name"),
            _teams.c.name.label("team_name"),
        ]
    elif by is By.SOCIETIES:
        # As plain text: the column's own type knows no empty word.
        key = type_coerce(e.society, String)
        order = func.coalesce(key, "")
        source, labels = _entries, []
    else:
        table = _teams if by is By.TEAMS else _organisations
        key = e.team_id if by is By.TEAMS else e.organisation_id
        order = func.coalesce(table.c.name, "")
        source = _entries.outerjoin(table, table.c.id == key)
        labels = [table.c.public_id.label("key"), table.c.name, table.c.name_en]
    grouped = [*labels, order, key]
    return (
        select(
            key.label("id"),
            order.label("sorted"),
            *labels,
            func.sum(e.minutes).label("minutes"),
            func.count(e.attendance_id.distinct()).label("shift_count"),
            func.count(e.person_id.distinct()).label("person_count"),
        )
        .select_from(source)
        .where(
            e.state == EntryState.STANDS,
            e.worked_on >= from_on,
            e.worked_on <= to_on,
            visible(actor, Permission.VOLUNTEER_SEE, path=e.area_path, team_id=e.team_id),
        )
        .group_by(*grouped)
    )


@reading
def list_totals(
    *, actor: Actor, by: By, from_on: date, to_on: date, after: str | None = None, limit: int = TOTALS_PAGE
) -> Totals:
    """Hours of a span that the actor may see, added up; keyed pages. Hours count where and when they were worked."""
    e = _entries.c
    inner = _totals(actor, by, from_on, to_on).subquery("totals")
    c = inner.c
    outer = select(inner).order_by(c.sorted, func.coalesce(c.id, _least(by))).limit(limit + 1)
    if after:
        name, _bar, last = after.rpartition("|")
        if by is By.SOCIETIES or last.isdecimal():
            bound: Any = last if by is By.SOCIETIES else int(last or 0)
            outer = outer.where(
                or_(c.sorted > name, and_(c.sorted == name, func.coalesce(c.id, _least(by)) > bound))
            )
    connection = db.connection()
    rows = connection.execute(outer).all()
    all_minutes = connection.execute(
        select(func.coalesce(func.sum(e.minutes), 0)).where(
            e.state == EntryState.STANDS,
            e.worked_on >= from_on,
            e.worked_on <= to_on,
            visible(actor, Permission.VOLUNTEER_SEE, path=e.area_path, team_id=e.team_id),
        )
    ).scalar_one()
    more = None
    if len(rows) > limit:
        rows = rows[:limit]
        more = f"{rows[-1].sorted}|{rows[-1].id or _least(by)}"
    return Totals(tuple(_total(by, row) for row in rows), int(all_minutes), more)


def _least(by: By) -> Any:
    """What stands for "none" among the keys."""
    return "" if by is By.SOCIETIES else 0


def _total(by: By, row: Any) -> Total:
    if by is By.SOCIETIES:
        society = Society(row.id) if row.id else None
        key, name, name_en, team = (society.value if society else "", None, None, None)
    else:
        key, name = row.key or "", row.name
        name_en = row.name_en if by is not By.PEOPLE else None
        team = row.team_name if by is By.PEOPLE else None
    return Total(
        key=key,
        name=name,
        name_en=name_en,
        team_name=team,
        minutes=int(row.minutes),
        shift_count=row.shift_count,
        person_count=row.person_count,
    )


def every_total(*, actor: Actor, by: By, from_on: date, to_on: date) -> Iterator[Total]:
    """All totals of a span, page by page, for an export."""
    after: str | None = None
    while True:
        page = list_totals(
            actor=actor, by=by, from_on=from_on, to_on=to_on, after=after, limit=EXPORTED_AT_ONCE
        )
        yield from page.rows
        if page.after is None:
            return
        after = page.after
