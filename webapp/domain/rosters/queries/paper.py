"""What stands on the printed rosters, who may print which copy, and which versions there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, select

from webapp.base import clock, crypto, db, files
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import get_place
from webapp.domain.areas.rules import ancestor_paths, short_name
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.rosters.models import Duty, Post, RosterSheet, Shift, Signup
from webapp.domain.rosters.queries import posts as post_queries
from webapp.domain.rosters.queries.duty import duty_day
from webapp.domain.rosters.queries.scope import staff_paths, visible
from webapp.domain.rosters.rules import (
    Copy,
    DutyKind,
    RosterSheetKind,
    ShiftState,
    SignupState,
    monday_of,
)
from webapp.domain.rosters.sheets import (
    DutyLine,
    Facts,
    Fingerprint,
    OnShift,
    Printing,
    Said,
    Sheet,
    SheetPost,
    SheetShift,
    days_from,
    differing,
    fingerprint,
    person_sheet,
    read_fingerprint,
    sign_in_sheet,
    team_sheet,
    version_hash,
    week_sheet,
)
from webapp.domain.volunteers.models import Organisation, Skill, Team, Volunteer
from webapp.domain.volunteers.queries.scope import led_teams, visible_volunteers
from webapp.domain.volunteers.rules import VolunteerState

_sheets: Any = RosterSheet.__table__
_posts: Any = Post.__table__
_shifts: Any = Shift.__table__
_signups: Any = Signup.__table__
_duties: Any = Duty.__table__
_areas: Any = Area.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__
_skills: Any = Skill.__table__

VERSIONS_LOOKED_AT = 30
SHEETS_LISTED = 20
# As many people as one statement asks phones of: below the parameters that SQLite takes.
AT_ONCE = 500


@dataclass(frozen=True)
class Ask:
    """Which sheet somebody wants: public ids of what it is about, `first` any day of the week, or the day."""

    kind: RosterSheetKind
    copy: Copy
    first: date
    area: str | None = None
    team: str | None = None
    post: str | None = None
    volunteer: str | None = None


@dataclass(frozen=True)
class Subject:
    """What a sheet is about, found and allowed. `key` names it among the printed ones."""

    ask: Ask
    key: str
    id: int
    area_path: str
    name: Said
    team_id: int | None = None
    person_id: int | None = None

    @property
    def kind(self) -> RosterSheetKind:
        """Which sheet."""
        return self.ask.kind

    @property
    def copy(self) -> Copy:
        """Which copy of it."""
        return self.ask.copy


@dataclass(frozen=True)
class Prepared:
    """A sheet as values with its fingerprint; `made` is the public id of the version that says the same, if any.

    `public_id` is what the new version will be called, because its code is printed on it.
    """

    subject: Subject
    sheet: Sheet
    fingerprint: Fingerprint
    content_hash: str
    public_id: str
    made: str | None
    next_version: int
    since: int
    changed: frozenset[str]
    gone: int

    def printing(self, *, at: datetime, by: str) -> Printing:
        """What this printing adds to the content."""
        return Printing(self.next_version, clock.here(at), by, self.since, self.changed, self.gone)


# --- who may print what -------------------------------------------------------------------------------------


@reading
def get_subject(*, actor: Actor, ask: Ask) -> Subject:
    """What the sheet is about; NotFound outside the actor's areas and teams.

    A working copy needs PHONES_PRINT there (NotAllowed), a wall copy that one sees the roster; one's own week
    is everybody's.
    """
    if ask.kind is not RosterSheetKind.SIGN_IN:
        ask = replace(ask, first=monday_of(ask.first))
    if ask.kind is RosterSheetKind.SIGN_IN:
        return _post_subject(actor, ask)
    if ask.kind is RosterSheetKind.PERSON:
        return _person_subject(actor, ask)
    if ask.kind is RosterSheetKind.TEAM or ask.team:
        return _team_subject(actor, ask)
    return _area_subject(actor, ask)


def _ensure_phones(ask: Ask, *, may: bool) -> None:
    if ask.copy is Copy.WORKING and not may:
        raise NotAllowed


def _post_subject(actor: Actor, ask: Ask) -> Subject:
    p = _posts.c
    phones = visible(actor, Permission.PHONES_PRINT, path=p.area_path, team_id=p.team_id)
    row = _one(
        select(
            p.id, p.public_id, p.area_path, p.name, p.name_en, case((phones, 1), else_=0).label("phones")
        ).where(p.public_id == ask.post, _see_posts(actor))
    )
    _ensure_phones(ask, may=bool(row.phones))
    return Subject(
        ask, f"sign_in:{row.public_id}:{ask.first}", row.id, row.area_path, Said(row.name, row.name_en)
    )


def _see_posts(actor: Actor) -> ColumnElement[bool]:
    if actor.is_system:
        return within(_posts.c.area_path, "")
    return post_queries.visible_to(actor)


def _team_subject(actor: Actor, ask: Ask) -> Subject:
    t = _teams.c
    see = visible(actor, Permission.ROSTER_SEE, path=t.area_path, team_id=t.id)
    phones = visible(actor, Permission.PHONES_PRINT, path=t.area_path, team_id=t.id)
    row = _one(
        select(
            t.id, t.public_id, t.area_path, t.name, t.name_en, case((phones, 1), else_=0).label("phones")
        ).where(t.public_id == ask.team, see)
    )
    _ensure_phones(ask, may=bool(row.phones))
    key = f"{ask.kind}:{row.public_id}:{ask.first}"
    if ask.kind is RosterSheetKind.WEEK:
        key = f"week:team:{row.public_id}:{ask.first}"
    return Subject(ask, key, row.id, row.area_path, Said(row.name, row.name_en), team_id=row.id)


def _area_subject(actor: Actor, ask: Ask) -> Subject:
    a = _areas.c
    grids = sorted(
        {each for path in staff_paths(actor, Permission.ROSTER_SEE) for each in ancestor_paths(path)}
    )
    community = and_(a.level == "community", a.path.in_(grids))
    row = _one(
        select(a.id, a.public_id, a.path, a.name, a.name_en).where(
            a.public_id == ask.area,
            or_(within(a.path, *staff_paths(actor, Permission.ROSTER_SEE)), community),
        )
    )
    may = any(row.path.startswith(path) for path in staff_paths(actor, Permission.PHONES_PRINT))
    _ensure_phones(ask, may=may)
    return Subject(
        ask, f"week:{row.public_id}:{ask.first}", row.id, row.path, Said(short_name(row.name), row.name_en)
    )


def _person_subject(actor: Actor, ask: Ask) -> Subject:
    v = _volunteers.c
    own = v.person_id == actor.person_id
    see = within(v.area_path, "") if actor.is_system else visible_volunteers(actor)
    staff = within(v.area_path, *staff_paths(actor, Permission.PHONES_PRINT))
    phones = or_(staff, v.team_id.in_(led_teams(actor)))
    row = _one(
        select(
            v.id, v.public_id, v.person_id, v.area_path, v.name, case((phones, 1), else_=0).label("phones")
        ).where(v.public_id == ask.volunteer, or_(own, see), v.state != VolunteerState.MERGED)
    )
    _ensure_phones(ask, may=bool(row.phones))
    return Subject(
        ask,
        f"person:{row.public_id}:{ask.first}",
        row.id,
        row.area_path,
        Said(row.name),
        person_id=row.person_id,
    )


def _one(statement: Any) -> Any:
    row = db.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


# --- what stands on it --------------------------------------------------------------------------------------


@reading
def prepare(*, subject: Subject, language: str, printed_by: str) -> Prepared:
    """The sheet as it stands now, and which printed version it is or will be.

    `printed_by` is the key of the actor who answers for a working copy. Raises RuleBroken("roster_empty") where
    there is nothing to print.
    """
    sheet = get_sheet(subject=subject)
    now = fingerprint(sheet, printed_by=printed_by if subject.copy is Copy.WORKING else "")
    s = _sheets.c
    rows = (
        db.connection()
        .execute(
            select(s.public_id, s.version, s.language, s.rows)
            .where(s.kind == subject.kind, s.copy == subject.copy, s.subject_key == subject.key)
            .order_by(s.version.desc())
            .limit(VERSIONS_LOOKED_AT)
        )
        .all()
    )
    made, since, changed, gone = None, 0, frozenset[str](), 0
    for row in rows:
        before = read_fingerprint(row.rows)
        if before.content != now.content:
            since = row.version
            changed, gone = differing(now, before)
            break
        if made is None and row.language == language and before.printed_by == now.printed_by:
            made = row.public_id
    return Prepared(
        subject=subject,
        sheet=sheet,
        fingerprint=now,
        content_hash=version_hash(now, since),
        public_id=new_public_id(),
        made=made,
        next_version=(rows[0].version if rows else 0) + 1,
        since=since,
        changed=changed,
        gone=gone,
    )


@reading
def get_sheet(*, subject: Subject) -> Sheet:
    """The sheet as values. Raises RuleBroken("roster_empty") where there is nothing to print."""
    ask = subject.ask
    place = get_place(subject.area_path)
    facts = Facts(
        copy=ask.copy,
        unit_line=place.unit_line or "",
        hotline=place.hotline or "",
        place=Said(place.community_name or place.area_name or "", place.community_name_en),
        first=ask.first,
    )
    days = (ask.first,) if ask.kind is RosterSheetKind.SIGN_IN else days_from(ask.first)
    found = _posts_of(subject, days)
    if ask.kind is RosterSheetKind.SIGN_IN:
        if not any(not shift.is_cancelled for post in found for shift in post.shifts):
            raise RuleBroken("roster_empty")
        leaders = _on_duty(subject, days, DutyKind.LEADER)[0]
        return sign_in_sheet(facts, found[0], leaders=leaders)
    if ask.kind is RosterSheetKind.TEAM:
        members = _members(subject)
        if not members:
            raise RuleBroken("roster_empty")
        return team_sheet(facts, subject.name, members, found)
    if not found:
        raise RuleBroken("roster_empty")
    if ask.kind is RosterSheetKind.PERSON:
        unit = next((each.unit for post in found for shift in post.shifts for each in shift.people), Said(""))
        return person_sheet(facts, subject.name.zh, unit, found)
    hotlines = _on_duty(subject, days, DutyKind.HOTLINE)
    if not any(hotlines) and facts.hotline:
        hotlines = ((DutyLine("", facts.hotline),),) * len(days)
    return week_sheet(
        facts,
        found,
        leaders=_on_duty(subject, days, DutyKind.LEADER),
        hotlines=hotlines,
        team=subject.name if subject.team_id else None,
    )


def _which_shifts(subject: Subject) -> ColumnElement[bool]:
    """The shifts that a sheet is about, whatever their day."""
    mine = _signups.alias("mine")
    if subject.kind is RosterSheetKind.SIGN_IN:
        return _condition(_posts.c.id == subject.id)
    if subject.kind is RosterSheetKind.WEEK:
        if subject.team_id:
            return _condition(_posts.c.team_id == subject.team_id)
        return within(_posts.c.area_path, subject.area_path)
    standing = select(mine.c.shift_id).where(mine.c.state == SignupState.PLACED)
    if subject.kind is RosterSheetKind.PERSON:
        return _condition(_shifts.c.id.in_(standing.where(mine.c.person_id == subject.person_id)))
    members = select(_volunteers.c.person_id).where(_volunteers.c.team_id == subject.team_id)
    return _condition(_shifts.c.id.in_(standing.where(mine.c.person_id.in_(members))))


def _condition(clause: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = clause
    return condition


def _posts_of(subject: Subject, days: Sequence[date]) -> list[SheetPost]:
    """The posts of a sheet with their shifts on these days and who stands on them."""
    p, s = _posts.c, _shifts.c
    rows = (
        db.connection()
        .execute(
            select(
                s.id,
                s.public_id,
                s.day,
                s.starts_at,
                s.ends_at,
                s.minimum_count,
                s.state,
                s.lead_person_id.label("shift_lead"),
                p.id.label("post_id"),
                p.public_id.label("post"),
                p.name,
                p.name_en,
                p.place,
                p.kind,
                p.instructions,
                p.protection,
                p.phone,
                p.lead_person_id,
            )
            .select_from(_shifts.join(_posts, p.id == s.post_id))
            .where(
                s.day >= days[0],
                s.day <= days[-1],
                is_any(s.state, ShiftState.OPEN, ShiftState.CANCELLED),
                _which_shifts(subject),
            )
            .order_by(p.area_path, p.position, p.name, p.id, s.starts_at, s.id)
        )
        .all()
    )
    people = _people_on(subject, days)
    leads = _leads_of(subject, rows)
    found: dict[int, tuple[Any, list[SheetShift]]] = {}
    for row in rows:
        found.setdefault(row.post_id, (row, []))[1].append(_shift(row, people.get(row.id, ())))
    return [_post(row, shifts, leads) for row, shifts in found.values()]


def _shift(row: Any, people: Iterable[OnShift]) -> SheetShift:
    starts, ends = clock.here(row.starts_at), clock.here(row.ends_at)
    until = f"{ends:%H:%M}"
    is_next_day = ends.date() > row.day
    if is_next_day and until == "00:00":
        until, is_next_day = "24:00", False
    return SheetShift(
        key=row.public_id,
        day=row.day,
        starts=f"{starts:%H:%M}",
        ends=until,
        is_next_day=is_next_day,
        minimum=row.minimum_count,
        people=tuple(people),
        is_cancelled=row.state is ShiftState.CANCELLED,
    )


def _post(row: Any, shifts: list[SheetShift], leads: dict[int, tuple[str, str]]) -> SheetPost:
    lead, lead_phone = leads.get(row.lead_person_id or row.shift_lead or 0, ("", ""))
    return SheetPost(
        key=row.post,
        name=Said(row.name, row.name_en),
        place=row.place,
        kind=row.kind,
        instructions=row.instructions,
        protection=row.protection,
        phone=row.phone or "",
        lead=lead,
        lead_phone=lead_phone,
        shifts=tuple(shifts),
    )


def _people_on(subject: Subject, days: Sequence[date]) -> dict[int, list[OnShift]]:
    """Who stands on the shifts of a sheet: shift → people. Only a person's own name stands on a person's sheet."""
    g, v, w = _signups.c, _volunteers.c, _people.c
    statement = (
        select(
            g.shift_id,
            g.person_id,
            g.override_reason,
            g.overridden_by,
            w.name,
            w.pinyin_key,
            *_unit_columns,
            _skills.c.name_zh,
            _skills.c.name_en,
        )
        .select_from(
            _units(
                _signups.join(_shifts, _shifts.c.id == g.shift_id)
                .join(_posts, _posts.c.id == _shifts.c.post_id)
                .join(_people, w.id == g.person_id)
                .outerjoin(_volunteers, v.person_id == w.id)
            ).outerjoin(_skills, _skills.c.code == g.skill_code)
        )
        .where(
            g.state == SignupState.PLACED,
            _shifts.c.day >= days[0],
            _shifts.c.day <= days[-1],
            _which_shifts(subject),
        )
    )
    if subject.kind is RosterSheetKind.PERSON:
        statement = statement.where(g.person_id == subject.person_id)
    elif subject.kind is RosterSheetKind.TEAM:
        statement = statement.where(v.team_id == subject.team_id)
    rows = db.connection().execute(statement.order_by(g.shift_id, w.pinyin_key, g.id)).all()
    phones = _phones_of(subject, {row.person_id for row in rows})
    found: dict[int, list[OnShift]] = {}
    for row in rows:
        found.setdefault(row.shift_id, []).append(
            OnShift(
                key=str(row.person_id),
                name=row.name,
                pinyin=row.pinyin_key,
                unit=_unit(row),
                task=Said(row.name_zh or "", row.name_en),
                phone=phones.get(row.person_id, ""),
                override=row.override_reason or "",
                overridden_by=row.overridden_by or "",
            )
        )
    return found


_unit_columns = (
    _teams.c.name.label("team"),
    _teams.c.name_en.label("team_en"),
    _organisations.c.name.label("organisation"),
    _organisations.c.name_en.label("organisation_en"),
)


def _units(joined: Any) -> Any:
    """With the team and the organisation of each volunteer."""
    return joined.outerjoin(_teams, _teams.c.id == _volunteers.c.team_id).outerjoin(
        _organisations, _organisations.c.id == _volunteers.c.organisation_id
    )


def _unit(row: Any) -> Said:
    """单位/队伍: the team, else the organisation."""
    if row.team:
        return Said(row.team, row.team_en)
    return Said(row.organisation or "", row.organisation_en)


def _members(subject: Subject) -> list[OnShift]:
    v = _volunteers.c
    rows = (
        db.connection()
        .execute(
            select(v.person_id, v.name, v.pinyin_key)
            .where(
                v.team_id == subject.team_id,
                is_any(v.state, VolunteerState.APPLIED, VolunteerState.ACCEPTED),
            )
            .order_by(v.pinyin_key, v.id)
        )
        .all()
    )
    phones = _phones_of(subject, {row.person_id for row in rows})
    return [
        OnShift(
            key=str(row.person_id),
            name=row.name,
            pinyin=row.pinyin_key,
            phone=phones.get(row.person_id, ""),
        )
        for row in rows
    ]


def _phones_of(subject: Subject, person_ids: set[int]) -> dict[int, str]:
    """The first number of each person, for working copies; a wall copy never even reads them."""
    if subject.copy is not Copy.WORKING:
        return {}
    found: dict[int, str] = {}
    ordered = sorted(person_ids)
    for start in range(0, len(ordered), AT_ONCE):
        rows = db.connection().execute(
            select(_phones.c.person_id, _phones.c.phone)
            .where(_phones.c.person_id.in_(ordered[start : start + AT_ONCE]))
            .order_by(_phones.c.person_id, _phones.c.position, _phones.c.id)
        )
        for row in rows:
            if row.person_id not in found:
                found[row.person_id] = crypto.decrypt(row.phone)
    return found


def _leads_of(subject: Subject, rows: Sequence[Any]) -> dict[int, tuple[str, str]]:
    """Name and number of those who lead the posts and shifts."""
    ids = {each for row in rows for each in (row.lead_person_id, row.shift_lead) if each}
    phones = _phones_of(subject, ids)
    found: dict[int, tuple[str, str]] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), AT_ONCE):
        names = db.connection().execute(
            select(_people.c.id, _people.c.name).where(_people.c.id.in_(ordered[start : start + AT_ONCE]))
        )
        found |= {row.id: (row.name, phones.get(row.id, "")) for row in names}
    return found


def _on_duty(subject: Subject, days: Sequence[date], kind: DutyKind) -> tuple[tuple[DutyLine, ...], ...]:
    """Who is on duty on each day, from the nearest area that has somebody of the kind in these days."""
    d = _duties.c
    rows = (
        db.connection()
        .execute(
            select(d.area_path, d.starts_at, d.ends_at, d.name, d.phone)
            .where(
                d.area_path.in_(ancestor_paths(subject.area_path)),
                d.kind == kind,
                d.ends_at > duty_day(days[0])[0],
                d.starts_at < duty_day(days[-1])[1],
            )
            .order_by(d.area_path.desc(), d.starts_at)
        )
        .all()
    )
    nearest = [row for row in rows if row.area_path == rows[0].area_path] if rows else []
    lines = []
    for day in days:
        since, until = duty_day(day)
        lines.append(
            tuple(
                dict.fromkeys(
                    DutyLine(row.name, crypto.decrypt(row.phone))
                    for row in nearest
                    if row.ends_at > since and row.starts_at < until
                )
            )
        )
    return tuple(lines)


# --- what was printed ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """A version that was printed. `is_newest`: nothing was printed of the same since."""

    public_id: str
    subject: Subject
    language: str
    version: int
    printed_at: datetime
    printed_by: str
    file_id: int
    newest: int

    @property
    def is_newest(self) -> bool:
        """Whether this is the latest printing."""
        return self.version == self.newest


def ask_of(key: str, kind: RosterSheetKind, copy: Copy) -> Ask:
    """The question that a subject key answers."""
    *what, day = key.split(":")
    first = date.fromisoformat(day)
    if kind is RosterSheetKind.SIGN_IN:
        return Ask(kind, copy, first, post=what[1])
    if kind is RosterSheetKind.PERSON:
        return Ask(kind, copy, first, volunteer=what[1])
    if kind is RosterSheetKind.TEAM:
        return Ask(kind, copy, first, team=what[1])
    if what[1] == "team":
        return Ask(kind, copy, first, team=what[2])
    return Ask(kind, copy, first, area=what[1])


@reading
def get_printed(*, actor: Actor, public_id: str) -> Printed:
    """A printed version; NotFound and NotAllowed as for printing it anew."""
    s = _sheets.c
    row = _one(select(_sheets).where(s.public_id == public_id))
    subject = get_subject(actor=actor, ask=ask_of(row.subject_key, row.kind, row.copy))
    newest = (
        db.connection()
        .execute(
            select(s.version)
            .where(s.kind == row.kind, s.copy == row.copy, s.subject_key == row.subject_key)
            .order_by(s.version.desc())
            .limit(1)
        )
        .scalar_one()
    )
    return Printed(
        row.public_id,
        subject,
        row.language,
        row.version,
        row.printed_at,
        row.printed_by,
        row.file_id,
        newest,
    )


@reading
def get_pdf(*, printed: Printed) -> bytes:
    """The bytes of a printed version that the actor has loaded."""
    return files.content(printed.file_id)


@dataclass(frozen=True)
class PrintedLine:
    """A printed version as a row of a list."""

    public_id: str
    kind: RosterSheetKind
    copy: Copy
    first: date
    name: Said
    version: int
    printed_at: datetime
    printed_by: str


@reading
def list_printed(*, actor: Actor) -> tuple[PrintedLine, ...]:
    """The last printed weeks and sign-in sheets of the actor's areas, or of the posts of the actor's teams."""
    s = _sheets.c
    here = within(s.area_path, *staff_paths(actor, Permission.ROSTER_SEE))
    rows = db.connection().execute(
        select(
            s.public_id,
            s.kind,
            s.copy,
            s.subject_key,
            s.version,
            s.printed_at,
            s.printed_by,
            _posts.c.name.label("post"),
            _posts.c.name_en.label("post_en"),
            _areas.c.name.label("area"),
            _areas.c.name_en.label("area_en"),
        )
        .select_from(
            _sheets.outerjoin(_posts, _posts.c.id == s.post_id).outerjoin(
                _areas, _areas.c.path == s.area_path
            )
        )
        .where(
            is_any(s.kind, RosterSheetKind.WEEK, RosterSheetKind.SIGN_IN),
            or_(here, and_(s.post_id.is_not(None), _see_posts(actor))),
        )
        .order_by(s.printed_at.desc(), s.id.desc())
        .limit(SHEETS_LISTED)
    )
    return tuple(
        PrintedLine(
            row.public_id,
            row.kind,
            row.copy,
            ask_of(row.subject_key, row.kind, row.copy).first,
            Said(row.post, row.post_en) if row.post else Said(short_name(row.area or ""), row.area_en),
            row.version,
            row.printed_at,
            row.printed_by,
        )
        for row in rows
    )


@reading
def name_of(*, actor: Actor) -> str:
    """The actor's own name, for 打印人."""
    name = db.connection().execute(select(_people.c.name).where(_people.c.id == actor.person_id)).scalar()
    return str(name or "")


@dataclass(frozen=True)
class Choices:
    """What can be printed by this actor: communities, posts and teams, each (public id, name)."""

    areas: tuple[tuple[str, Said], ...]
    posts: tuple[tuple[str, Said], ...]
    teams: tuple[tuple[str, Said], ...]


MOST_CHOICES = 400


@reading
def list_choices(*, actor: Actor, area: str | None = None) -> Choices:
    """What the actor may choose among on the page that prints; posts and teams of one area, where it is named."""
    p, t = _posts.c, _teams.c
    connection = db.connection()
    inside = connection.execute(select(_areas.c.path).where(_areas.c.public_id == area)).scalar() or ""
    areas = post_queries.list_communities(actor=actor) if staff_paths(actor, Permission.ROSTER_SEE) else ()
    posts = connection.execute(
        select(p.public_id, p.name, p.name_en)
        .where(
            post_queries.visible_to(actor),
            p.closed_at.is_(None),
            within(p.area_path, inside),
        )
        .order_by(p.area_path, p.position, p.name, p.id)
        .limit(MOST_CHOICES)
    )
    teams = connection.execute(
        select(t.public_id, t.name, t.name_en)
        .where(
            visible(actor, Permission.ROSTER_SEE, path=t.area_path, team_id=t.id),
            t.closed_at.is_(None),
            within(t.area_path, inside),
        )
        .order_by(t.area_path, t.name, t.id)
        .limit(MOST_CHOICES)
    )
    return Choices(
        areas=tuple((each.public_id, Said(each.name, each.name_en)) for each in areas),
        posts=tuple((row.public_id, Said(row.name, row.name_en)) for row in posts),
        teams=tuple((row.public_id, Said(row.name, row.name_en)) for row in teams),
    )


@reading
def find_own_volunteer(*, actor: Actor) -> str | None:
    """The public id of the actor's own volunteer row; None for who is no volunteer."""
    v = _volunteers.c
    found: str | None = (
        db.connection()
        .execute(
            select(v.public_id).where(
                v.person_id == actor.person_id,
                is_any(v.state, VolunteerState.APPLIED, VolunteerState.ACCEPTED),
            )
        )
        .scalar()
    )
    return found
