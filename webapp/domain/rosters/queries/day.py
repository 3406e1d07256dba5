"""Reads of the day: a volunteer's own shifts, who leads one, roll call, a post's check-in code."""

import hashlib
import hmac
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading, within
from webapp.base.errors import Gone, NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.people.models import Person
from webapp.domain.people.rules import name_key
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Attendance, HandoverNote, Post, RosterSheet, Shift, Signup, StandIn
from webapp.domain.rosters.queries.scope import staff_paths, team_paths
from webapp.domain.rosters.rules import (
    Evidence,
    Mark,
    Protection,
    RosterSheetKind,
    ShiftState,
    SignupSource,
    SignupState,
    StandInKind,
    StandInState,
)
from webapp.domain.volunteers.models import Team, TeamLead, Volunteer
from webapp.domain.volunteers.rules import VolunteerState

_posts: Any = Post.__table__
_shifts: Any = Shift.__table__
_signups: Any = Signup.__table__
_attendances: Any = Attendance.__table__
_stand_ins: Any = StandIn.__table__
_notes: Any = HandoverNote.__table__
_sheets: Any = RosterSheet.__table__
_people: Any = Person.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_leads: Any = TeamLead.__table__

NOTES = 3
FOUND = 8
NAME_BEGINS = 2


@dataclass(frozen=True)
class DayShift:
    """A shift with its post, as the day needs it."""

    id: int
    public_id: str
    post_id: int
    post_public_id: str
    post_name: str
    post_name_en: str | None
    area_id: int
    area_path: str
    team_id: int | None
    place: str
    instructions: str
    protection: Protection
    phone: str | None
    handles_household_data: bool
    adults_only: bool
    code_version: int
    starts_at: datetime
    ends_at: datetime
    day: date
    state: ShiftState
    wanted_count: int
    maximum_count: int
    taken_count: int
    called_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True)
class Line:
    """Somebody on roll call: what is known of them, under which version. Leaving is as the rule has it now."""

    shift_id: int
    person_id: int
    person: str
    volunteer: str | None
    name: str
    team_name: str | None
    mark: Mark
    arrived_at: datetime | None
    arrived_from: Evidence | None
    left_at: datetime | None
    left_from: Evidence | None
    version: int
    is_walk_in: bool
    was_offline: bool
    is_doubtful: bool
    override_reason: str | None
    late_minutes: int
    relieved_at: datetime | None
    stands_in_since: datetime | None


@dataclass(frozen=True)
class Note:
    """A hand-over note 交接事项 and the shift that left it."""

    text: str
    written_by: str
    written_at: datetime


@dataclass(frozen=True)
class RollCall:
    """Roll call of one or, from a sheet, of several shifts of a post and day."""

    shifts: tuple[DayShift, ...]
    lines: tuple[Line, ...]
    notes: tuple[Note, ...]
    may_override: bool

    def lines_of(self, shift: DayShift) -> list[Line]:
        """The people of one of the shifts."""
        return [each for each in self.lines if each.shift_id == shift.id]


@dataclass(frozen=True)
class OwnShift:
    """A shift of the reader with what is known of their coming and going."""

    shift: DayShift
    mark: Mark
    arrived_at: datetime | None
    left_at: datetime | None
    left_by_rule: bool
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class PostCode:
    """A post with its check-in code."""

    id: int
    public_id: str
    name: str
    name_en: str | None
    area_path: str
    place: str
    code: str
    version: int
    may_manage: bool


def _me(actor: Actor) -> int:
    """The actor's person. Nobody has the id 0: a column compared with None would mean `IS NULL`."""
    return actor.person_id or 0


def shift_columns() -> list[Any]:
    """What a `DayShift` is made of, from shifts joined with posts."""
    s, p = _shifts.c, _posts.c
    return [
        s.id,
        s.public_id,
        s.post_id,
        p.public_id.label("post_public_id"),
        p.name.label("post_name"),
        p.name_en.label("post_name_en"),
        p.area_id,
        s.area_path,
        p.team_id,
        p.place,
        p.instructions,
        p.protection,
        p.phone,
        p.handles_household_data,
        p.adults_only,
        p.code_version,
        s.starts_at,
        s.ends_at,
        s.day,
        s.state,
        s.wanted_count,
        s.maximum_count,
        s.taken_count,
        s.called_at,
        s.closed_at,
    ]


_FIELDS = tuple(DayShift.__dataclass_fields__)


def to_shift(row: Any) -> DayShift:
    """A row of `shift_columns` as a value."""
    return DayShift(**{name: getattr(row, name) for name in _FIELDS})


def lead_columns(actor: Actor) -> list[Any]:
    """Whether the actor leads the shift, its post or the post's team."""
    leads_team = exists(
        select(1).where(_leads.c.team_id == _posts.c.team_id, _leads.c.person_id == _me(actor))
    )
    return [
        func.coalesce(_shifts.c.lead_person_id == _me(actor), False).label("leads_shift"),
        func.coalesce(_posts.c.lead_person_id == _me(actor), False).label("leads_post"),
        leads_team.label("leads_team"),
    ]


def _inside(path: str, paths: Collection[str]) -> bool:
    return any(path.startswith(each) for each in paths)


def may_roster(actor: Actor, row: Any) -> bool:
    """Whether the actor heads the area, or leads the team of the post (`leads_team`)."""
    if _inside(row.area_path, staff_paths(actor, Permission.ROSTER_MANAGE)):
        return True
    return bool(row.leads_team) and _inside(row.area_path, team_paths(actor, Permission.TEAM_ROSTER))


def may_lead(actor: Actor, row: Any) -> bool:
    """Whether the actor may call the roll: the shift's or post's lead, the team's lead, the head."""
    return may_roster(actor, row) or bool(row.leads_shift or row.leads_post)


def ensure_leads(actor: Actor, row: Any, *, is_on_it: bool = False) -> None:
    """NotFound for who cannot see the shift or post, NotAllowed for who sees it and leads nothing of it."""
    if may_lead(actor, row):
        return
    if is_on_it or _inside(row.area_path, staff_paths(actor, Permission.ROSTER_SEE)):
        raise NotAllowed
    raise NotFound


def _is_on_it(actor: Actor) -> Any:
    return exists(
        select(1).where(
            _signups.c.shift_id == _shifts.c.id,
            _signups.c.person_id == _me(actor),
            _signups.c.state.in_([SignupState.PLACED, SignupState.OFFERED, SignupState.WAITING]),
        )
    ).label("is_on_it")


def _shifts_for(actor: Actor) -> Select[Any]:
    return (
        select(*shift_columns(), *lead_columns(actor), _is_on_it(actor))
        .select_from(_shifts.join(_posts, _posts.c.id == _shifts.c.post_id))
        .where(_shifts.c.state != ShiftState.DRAFT)
    )


@reading
def get_led_shift(*, actor: Actor, public_id: str, for_update: bool = False) -> DayShift:
    """A shift whose roll the actor may call. NotFound, NotAllowed, or Gone where it was called off."""
    statement = _shifts_for(actor).where(_shifts.c.public_id == public_id)
    if for_update:
        statement = statement.with_for_update(of=_shifts)
    row = db.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    ensure_leads(actor, row, is_on_it=row.is_on_it)
    if row.state is ShiftState.CANCELLED:
        raise Gone("shift_cancelled")
    return to_shift(row)


@reading
def may_override(*, actor: Actor, shift: DayShift) -> bool:
    """Whether the actor may put somebody on the shift against a rule, with a reason: the head, the team's lead."""
    row = db.connection().execute(_shifts_for(actor).where(_shifts.c.id == shift.id)).one()
    return may_roster(actor, row)


def lock_shift(shift_id: int) -> DayShift:
    """A shift under its lock, for deeds that have already asked whether the actor may."""
    return to_shift(
        db.connection()
        .execute(
            select(*shift_columns())
            .select_from(_shifts.join(_posts, _posts.c.id == _shifts.c.post_id))
            .where(_shifts.c.id == shift_id)
            .with_for_update(of=_shifts)
        )
        .one()
    )


# --- roll call ----------------------------------------------------------------------------------------------


@reading
def get_roll_call(*, actor: Actor, public_id: str, now: datetime) -> RollCall:
    """Roll call of a shift for who leads it; see `get_led_shift`."""
    return _roll_call(actor, [get_led_shift(actor=actor, public_id=public_id)], now)


@reading
def get_sheet_roll_call(*, actor: Actor, sheet_public_id: str, now: datetime) -> RollCall:
    """Roll call of all shifts of a sign-in sheet's post and day, for who leads them."""
    sheet = (
        db.connection()
        .execute(
            select(_sheets.c.post_id, _sheets.c.day).where(
                _sheets.c.public_id == sheet_public_id, _sheets.c.kind == RosterSheetKind.SIGN_IN
            )
        )
        .one_or_none()
    )
    if sheet is None:
        raise NotFound
    rows = (
        db.connection()
        .execute(
            _shifts_for(actor)
            .where(
                _shifts.c.post_id == sheet.post_id,
                _shifts.c.day == sheet.day,
                _shifts.c.state == ShiftState.OPEN,
            )
            .order_by(_shifts.c.starts_at, _shifts.c.id)
        )
        .all()
    )
    if not rows:
        raise NotFound
    for row in rows:
        # Who leads one shift of the day holds its part of the sheet, and enters all of it.
        if may_lead(actor, row):
            return _roll_call(actor, [to_shift(each) for each in rows], now)
    ensure_leads(actor, rows[0], is_on_it=any(row.is_on_it for row in rows))
    raise NotFound


def _roll_call(actor: Actor, shifts: list[DayShift], now: datetime) -> RollCall:
    return RollCall(
        shifts=tuple(shifts),
        lines=tuple(lines_of(shifts, now=now)),
        notes=notes_before(shifts[0]),
        may_override=may_override(actor=actor, shift=shifts[0]),
    )


def lines_of(shifts: Collection[DayShift], *, now: datetime) -> list[Line]:
    """Everybody who has, or had, to do with these shifts: placed, relieved, or with evidence."""
    ids = [each.id for each in shifts]
    g, a, si = _signups.c, _attendances.c, _stand_ins.c
    relieved = select(_stand_ins.c.signup_id).where(
        si.signup_id == g.id, si.kind == StandInKind.RELIEF, si.state == StandInState.TAKEN
    )
    on_it = (
        select(g.shift_id, g.person_id)
        .where(g.shift_id.in_(ids), or_(g.state == SignupState.PLACED, exists(relieved)))
        .union(select(a.shift_id, a.person_id).where(a.shift_id.in_(ids)))
        .subquery("on_it")
    )
    relieved_at = (
        select(func.max(si.answered_at))
        .select_from(_stand_ins.join(_signups, g.id == si.signup_id))
        .where(
            g.shift_id == on_it.c.shift_id,
            g.person_id == on_it.c.person_id,
            si.kind == StandInKind.RELIEF,
            si.state == StandInState.TAKEN,
        )
        .scalar_subquery()
    )
    placed: Any = _signups.alias("placed")
    rows = db.connection().execute(
        select(
            on_it.c.shift_id,
            on_it.c.person_id,
            _people.c.public_id.label("person"),
            _people.c.name,
            _volunteers.c.public_id.label("volunteer"),
            _teams.c.name.label("team_name"),
            a.mark,
            a.arrived_at,
            a.arrived_from,
            a.left_at,
            a.left_from,
            a.version,
            a.is_walk_in,
            a.was_offline,
            a.is_doubtful,
            placed.c.override_reason,
            placed.c.source,
            placed.c.created_at.label("placed_at"),
            relieved_at.label("relieved_at"),
        )
        .select_from(
            on_it.join(_people, _people.c.id == on_it.c.person_id)
            .outerjoin(
                _attendances,
                and_(a.shift_id == on_it.c.shift_id, a.person_id == on_it.c.person_id),
            )
            .outerjoin(
                placed,
                and_(
                    placed.c.shift_id == on_it.c.shift_id,
                    placed.c.person_id == on_it.c.person_id,
                    placed.c.state == SignupState.PLACED,
                ),
            )
            .outerjoin(_volunteers, _volunteers.c.person_id == on_it.c.person_id)
            .outerjoin(_teams, _teams.c.id == _volunteers.c.team_id)
        )
        .order_by(_people.c.pinyin_key, _people.c.name_key, on_it.c.person_id)
    )
    known = {each.id: each for each in shifts}
    return [_line(row, known[row.shift_id], now) for row in rows]


def _line(row: Any, shift: DayShift, now: datetime) -> Line:
    left_at, by_rule = rules.leaving(
        arrived_at=row.arrived_at, left_at=row.left_at, ends_at=shift.ends_at, now=now
    )
    stood_in = row.source is SignupSource.STAND_IN and row.placed_at > shift.starts_at
    return Line(
        shift_id=row.shift_id,
        person_id=row.person_id,
        person=row.person,
        volunteer=row.volunteer,
        name=row.name,
        team_name=row.team_name,
        mark=row.mark or Mark.UNKNOWN,
        arrived_at=row.arrived_at,
        arrived_from=row.arrived_from,
        left_at=left_at,
        left_from=Evidence.RULE if by_rule else row.left_from,
        version=row.version or 0,
        is_walk_in=bool(row.is_walk_in),
        was_offline=bool(row.was_offline),
        is_doubtful=bool(row.is_doubtful),
        override_reason=row.override_reason,
        late_minutes=rules.late_minutes(starts_at=shift.starts_at, arrived_at=row.arrived_at),
        relieved_at=None if row.relieved_at is None else min(row.relieved_at, shift.ends_at),
        stands_in_since=row.placed_at if stood_in else None,
    )


def notes_before(shift: DayShift) -> tuple[Note, ...]:
    """What this shift, and those at the post before it, left to whoever comes next; the newest first."""
    rows = db.connection().execute(
        select(_notes.c.text, _notes.c.written_by, _notes.c.written_at)
        .select_from(_notes.join(_shifts, _shifts.c.id == _notes.c.shift_id))
        .where(
            _shifts.c.post_id == shift.post_id,
            _shifts.c.starts_at <= shift.starts_at,
            _notes.c.written_at >= shift.starts_at - rules.DAY,
        )
        .order_by(_notes.c.written_at.desc(), _notes.c.id.desc())
        .limit(NOTES)
    )
    return tuple(Note(row.text, row.written_by, row.written_at) for row in rows)


@dataclass(frozen=True)
class Candidate:
    """A volunteer who may be added to a shift on the spot."""

    public_id: str
    name: str
    phone_tail: str
    team_name: str | None


def volunteers_near(shift: DayShift) -> Iterator[Select[Any]]:
    """The volunteers that a lead may find for a shift: those of the post's team, then those of its area."""
    v = _volunteers.c
    statement = select(v.person_id, v.public_id, v.name, v.phone_tail, _teams.c.name.label("team_name"))
    statement = statement.select_from(
        _volunteers.join(_people, _people.c.id == v.person_id).outerjoin(_teams, _teams.c.id == v.team_id)
    ).where(v.state.in_([VolunteerState.APPLIED, VolunteerState.ASKED_BACK, VolunteerState.ACCEPTED]))
    if shift.team_id is not None:
        yield statement.where(v.team_id == shift.team_id)
    yield statement.where(within(v.area_path, shift.area_path))


@reading
def find_volunteers(*, actor: Actor, public_id: str, text: str) -> list[Candidate]:
    """Volunteers whose name, pinyin or initials begin like this, near a shift whose roll the actor may call."""
    shift = get_led_shift(actor=actor, public_id=public_id)
    key = name_key(text)
    if not key or (key.isascii() and len(key) < NAME_BEGINS):
        return []
    found: dict[str, Candidate] = {}
    starts = or_(
        *(
            and_(column >= key, column < key + "\U0010ffff")
            for column in (_people.c.name_key, _people.c.pinyin_key, _people.c.initials_key)
        )
    )
    for statement in volunteers_near(shift):
        rows = db.connection().execute(statement.where(starts).order_by(_people.c.pinyin_key).limit(FOUND))
        for row in rows:
            found[row.public_id] = Candidate(row.public_id, row.name, row.phone_tail, row.team_name)
    return list(found.values())[:FOUND]


# --- a volunteer's own day ----------------------------------------------------------------------------------


def _own_shifts(actor: Actor) -> Select[Any]:
    return (
        select(
            *shift_columns(),
            _attendances.c.mark,
            _attendances.c.arrived_at,
            _attendances.c.left_at,
            _signups.c.id.label("signup_id"),
        )
        .select_from(
            _shifts.join(_posts, _posts.c.id == _shifts.c.post_id)
            .outerjoin(
                _signups,
                and_(
                    _signups.c.shift_id == _shifts.c.id,
                    _signups.c.person_id == _me(actor),
                    _signups.c.state == SignupState.PLACED,
                ),
            )
            .outerjoin(
                _attendances,
                and_(_attendances.c.shift_id == _shifts.c.id, _attendances.c.person_id == _me(actor)),
            )
        )
        .where(
            _shifts.c.state == ShiftState.OPEN,
            or_(_signups.c.id.is_not(None), _attendances.c.id.is_not(None)),
        )
    )


@reading
def list_own_day(*, actor: Actor, now: datetime, post: str | None = None) -> list[OwnShift]:
    """The actor's shifts around now, from twelve hours after their end to a day before their start."""
    statement = _own_shifts(actor).where(
        _shifts.c.ends_at > now - rules.SHOWN_AFTER, _shifts.c.starts_at < now + rules.SHOWN_BEFORE
    )
    # A handful of rows of one person: from the person's own sign-ups and evidence, not from the county's shifts.
    own = (
        select(_signups.c.shift_id)
        .where(_signups.c.person_id == _me(actor), _signups.c.state == SignupState.PLACED)
        .union(select(_attendances.c.shift_id).where(_attendances.c.person_id == _me(actor)))
    )
    statement = statement.where(_shifts.c.id.in_(own))
    if post is not None:
        statement = statement.where(_posts.c.public_id == post)
    rows = db.connection().execute(statement.order_by(_shifts.c.starts_at, _shifts.c.id)).all()
    return [_own(row, now) for row in rows]


def _own(row: Any, now: datetime) -> OwnShift:
    shift = to_shift(row)
    left_at, by_rule = rules.leaving(
        arrived_at=row.arrived_at, left_at=row.left_at, ends_at=shift.ends_at, now=now
    )
    is_near = shift.starts_at - rules.CHECK_IN_OPENS <= now < shift.ends_at
    return OwnShift(
        shift=shift,
        mark=row.mark or Mark.UNKNOWN,
        arrived_at=row.arrived_at,
        left_at=left_at,
        left_by_rule=by_rule,
        notes=notes_before(shift) if is_near else (),
    )


@reading
def get_own_shift(*, actor: Actor, public_id: str, for_update: bool = False) -> DayShift:
    """A shift on which the actor has a place, or has been; NotFound for every other."""
    statement = _own_shifts(actor).where(_shifts.c.public_id == public_id)
    if for_update:
        statement = statement.with_for_update(of=_shifts)
    row = db.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return to_shift(row)


# --- the code at the post -----------------------------------------------------------------------------------


def code_of(post_public_id: str, version: int) -> str:
    """The check-in code of a post: a keyed hash of post and version, short enough to type."""
    text = crypto.blind_index("check_in", f"{post_public_id}\0{version}")
    return rules.code_from(hashlib.sha256(text.encode()).digest())


def ensure_code(code: str, *, post_public_id: str, version: int) -> None:
    """NotFound for a forged code, Gone for one that was renewed since."""
    typed = rules.typed_code(code).encode()
    if hmac.compare_digest(typed, code_of(post_public_id, version).encode()):
        return
    for older in range(version - 1, max(0, version - rules.OLDEST_CODE), -1):
        if hmac.compare_digest(typed, code_of(post_public_id, older).encode()):
            raise Gone("code_renewed")
    raise NotFound("check_in_code_wrong")


@dataclass(frozen=True)
class CheckInPlace:
    """The post whose code was scanned, and the reader's shifts there."""

    name: str
    name_en: str | None
    area_path: str
    place: str
    shifts: tuple[OwnShift, ...]


@reading
def get_check_in(*, actor: Actor, post: str, code: str, now: datetime) -> CheckInPlace:
    """What somebody sees who scanned the code of a post. NotFound for a forged code, Gone for an old one."""
    p = _posts.c
    row = (
        db.connection()
        .execute(
            select(p.public_id, p.name, p.name_en, p.area_path, p.place, p.code_version, p.closed_at).where(
                p.public_id == post
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound("check_in_code_wrong")
    ensure_code(code, post_public_id=post, version=row.code_version)
    if row.closed_at is not None:
        raise Gone("post_gone")
    own = list_own_day(actor=actor, now=now, post=post)
    return CheckInPlace(row.name, row.name_en, row.area_path, row.place, tuple(own))


def _led_posts(actor: Actor) -> Select[Any]:
    p = _posts.c
    leads_team = exists(
        select(1).where(_leads.c.team_id == p.team_id, _leads.c.person_id == _me(actor))
    ).label("leads_team")
    leads_post = func.coalesce(p.lead_person_id == _me(actor), False).label("leads_post")
    return select(
        p.id,
        p.public_id,
        p.name,
        p.name_en,
        p.area_path,
        p.place,
        p.code_version,
        leads_team,
        leads_post,
        leads_post.label("leads_shift"),
    )


@reading
def get_post_code(*, actor: Actor, public_id: str, for_update: bool = False) -> PostCode:
    """The check-in code of a post for who leads it or heads its area."""
    statement = _led_posts(actor).where(_posts.c.public_id == public_id)
    if for_update:
        statement = statement.with_for_update(of=_posts)
    row = db.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    ensure_leads(actor, row)
    return PostCode(
        id=row.id,
        public_id=row.public_id,
        name=row.name,
        name_en=row.name_en,
        area_path=row.area_path,
        place=row.place,
        code=code_of(row.public_id, row.code_version),
        version=row.code_version,
        may_manage=may_roster(actor, row),
    )
