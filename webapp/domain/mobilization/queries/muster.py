"""Reads of the muster 集结点名: the roll of a call-up, the code at the point, and what somebody sees who scanned it."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, literal, or_, select

from webapp.base import clock, crypto, db
from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, is_any, reading
from webapp.base.errors import Gone, NotFound
from webapp.base.ids import hash_token
from webapp.base.permissions import Permission
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, Summons
from webapp.domain.mobilization.queries import board, scope
from webapp.domain.mobilization.queries.board import RoleLine
from webapp.domain.mobilization.rules import CallUpState, Figures, Mark, MusterState, SummonsState
from webapp.domain.people.models import Person
from webapp.domain.people.rules import name_key
from webapp.domain.rosters import rules as roster_rules
from webapp.domain.rosters.queries import posts
from webapp.domain.rosters.queries.posts import Choice
from webapp.domain.rosters.rules import Evidence, Stretch
from webapp.domain.volunteers.models import Commitment, Organisation, Team, Volunteer
from webapp.domain.volunteers.rules import CommitmentKind, VolunteerState

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_reservists: Any = Reservist.__table__
_people: Any = Person.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__
_volunteers: Any = Volunteer.__table__
_commitments: Any = Commitment.__table__

FOUND = 8
NAME_BEGINS = 2


@dataclass(frozen=True)
class Line:
    """Somebody on the roll: what is known of them, under which version.

    `is_extra`: there without a place. `duty_minutes` is how long they have been on their feet within 24 hours,
    other duties of theirs included; `is_long` where that is ten hours or more.
    """

    id: int
    summons: str
    person_id: int
    name: str
    team: str | None
    role_id: int
    role: str
    role_name: str
    state: SummonsState
    muster: MusterState | None
    eta_at: datetime | None
    left_for_at: datetime | None
    arrived_at: datetime | None
    arrived_from: Evidence | None
    departed_at: datetime | None
    assigned_to: str | None
    welfare_due_at: datetime | None
    is_walk_in: bool
    is_overdue: bool
    duty_minutes: int
    version: int

    @property
    def is_extra(self) -> bool:
        """There, and no place was open."""
        return self.state is not SummonsState.COMING

    @property
    def mark(self) -> Mark:
        """What roll call says of them; by the clock alone nobody is marked as not there."""
        if self.arrived_at is not None:
            return Mark.PRESENT
        return Mark.ABSENT if self.muster is MusterState.OVERDUE else Mark.UNKNOWN

    @property
    def is_here(self) -> bool:
        """Came and has not left."""
        return self.arrived_at is not None and self.departed_at is None

    @property
    def is_long(self) -> bool:
        """Has been on duty for ten hours or more within a day."""
        return self.is_here and self.duty_minutes * timedelta(minutes=1) >= rules.LONG_DUTY


@dataclass(frozen=True)
class Muster:
    """The roll of a call-up, by role, then by name. A team's lead has only the team's lines, and no figures of others."""

    id: int
    public_id: str
    number: str
    title: str
    area_id: int
    area_path: str
    state: CallUpState
    is_drill: bool
    starts_at: datetime
    ends_at: datetime
    muster_point: str
    landmark: str
    code: str
    roles: tuple[RoleLine, ...]
    figures: Figures
    lines: tuple[Line, ...]
    is_whole: bool
    may_manage: bool


def lines_of(call_up_id: int, *, now: datetime, among: Any = None) -> list[Line]:
    """Everybody who has a place or is there, of those that the condition lets through; two statements."""
    s = _summonses.c
    statement = (
        select(
            s.id,
            s.public_id.label("summons"),
            s.person_id,
            s.role_id,
            _people.c.name,
            func.coalesce(_teams.c.name, _organisations.c.name, _reservists.c.unit).label("team"),
            _roles.c.public_id.label("role"),
            _roles.c.name.label("role_name"),
            s.state,
            s.muster,
            s.eta_at,
            s.left_for_at,
            s.arrived_at,
            s.arrived_from,
            s.departed_at,
            s.assigned_to,
            s.welfare_due_at,
            s.is_walk_in,
            s.version,
            _call_ups.c.starts_at,
        )
        .select_from(
            _summonses.join(_call_ups, _call_ups.c.id == s.call_up_id)
            .join(_people, _people.c.id == s.person_id)
            .join(_roles, _roles.c.id == s.role_id)
            .outerjoin(_reservists, _reservists.c.person_id == s.person_id)
            .outerjoin(_teams, _teams.c.id == _reservists.c.team_id)
            .outerjoin(_organisations, _organisations.c.id == _reservists.c.organisation_id)
        )
        .where(
            s.call_up_id == call_up_id,
            or_(is_any(s.state, SummonsState.COMING), s.arrived_at.is_not(None)),
        )
        .order_by(_roles.c.position, _roles.c.id, _people.c.pinyin_key, s.id)
    )
    if among is not None:
        statement = statement.where(among)
    rows = db.connection().execute(statement).all()
    worked = _worked(rows, now)
    return [_line(row, worked.get(row.person_id, 0), now) for row in rows]


def _line(row: Any, duty_minutes: int, now: datetime) -> Line:
    due = rules.due_at(eta_at=row.eta_at, starts_at=row.starts_at)
    values = {name: getattr(row, name) for name in Line.__dataclass_fields__ if hasattr(row, name)}
    is_coming = row.state is SummonsState.COMING
    late = is_coming and rules.is_overdue(due=due, arrived_at=row.arrived_at, now=now)
    return Line(**values, is_overdue=late, duty_minutes=duty_minutes)


def _worked(rows: Sequence[Any], now: datetime) -> dict[int, int]:
    """Minutes of duty within the last 24 hours of those who are there now, by person id; rosters' reckoning."""
    here = {row.person_id: row for row in rows if row.arrived_at is not None and row.departed_at is None}
    if not here:
        return {}
    since = now - roster_rules.DAY
    c = _commitments.c
    other: dict[int, list[Stretch]] = {}
    for row in db.connection().execute(
        select(c.person_id, c.starts_at, c.ends_at).where(
            c.person_id.in_(sorted(here)),
            c.ends_at > since,
            c.starts_at < now,
            c.kind != CommitmentKind.CALL_UP,
        )
    ):
        stretch = Stretch(max(row.starts_at, since), min(row.ends_at, now), clock.day(now))
        other.setdefault(row.person_id, []).append(stretch)
    return {
        person_id: _minutes_of([*other.get(person_id, []), _own(row, since, now)])
        for person_id, row in here.items()
    }


def _own(row: Any, since: datetime, now: datetime) -> Stretch:
    return Stretch(max(row.arrived_at, since), max(row.arrived_at, now), clock.day(now))


def _minutes_of(stretches: Sequence[Stretch]) -> int:
    """How long these take together, what lies over another counted once."""
    total, until = timedelta(), None
    for each in sorted(stretches):
        start = each.starts_at if until is None else max(each.starts_at, until)
        total += max(timedelta(), each.ends_at - start)
        until = each.ends_at if until is None else max(until, each.ends_at)
    return int(total / timedelta(minutes=1))


@reading
def get_muster(
    *, actor: Actor, public_id: str, now: datetime, team: str | None = None, as_printed: bool = False
) -> Muster:
    """The roll of a call-up for who may mark it: all of it, or the lines of the teams that the actor leads.

    `team` (a public id) leaves only the lines of that team; `as_printed` puts them as on the printed roster: by role,
    then team, then name.
    """
    row = scope.find_call_up(actor, public_id, Permission.MUSTER_MARK)
    if row.state is CallUpState.DRAFT:
        raise NotFound
    is_whole = scope.sees_whole(actor, row.id, Permission.MUSTER_MARK)
    among = None if is_whole else scope.visible_summonses(actor, Permission.MUSTER_MARK)
    if team is not None:
        members = _teams.c.public_id == team
        among = members if among is None else and_(among, members)
    lines = lines_of(row.id, now=now, among=among)
    if as_printed:
        # In the order of roles and names already: the sort keeps it among those of one team.
        places = {role: place for place, role in enumerate(dict.fromkeys(line.role for line in lines))}
        lines.sort(key=lambda line: (places[line.role], line.team or "\U0010ffff"))
    roles = tuple(board.role_lines(row.id, now)) if is_whole else ()
    return Muster(
        id=row.id,
        public_id=row.public_id,
        number=row.number,
        title=row.title,
        area_id=row.area_id,
        area_path=row.area_path,
        state=row.state,
        is_drill=row.is_drill,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        muster_point=row.muster_point,
        landmark=row.landmark,
        code=code_of(row.public_id, row.code_version),
        roles=roles,
        figures=sum((each.figures for each in roles), Figures()),
        lines=tuple(lines),
        is_whole=is_whole,
        may_manage=scope.may_manage(actor, row.area_path),
    )


# --- walk-ins -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """Somebody of the reserve who may be added on the spot."""

    reservist: str
    name: str
    phone_tail: str
    team: str | None


@reading
def find_reservists(*, actor: Actor, public_id: str, text: str) -> list[Candidate]:
    """Those whose name, pinyin or initials begin like this, near a call-up whose roll the actor may mark.

    Whoever marks a roll may find those of the call-up's area and of all that it may climb to; a team's lead the team.
    """
    row = scope.find_call_up(actor, public_id, Permission.MUSTER_MARK)
    key = name_key(text)
    if not key or (key.isascii() and len(key) < NAME_BEGINS):
        return []
    starts = or_(
        *(
            and_(column >= key, column < key + "\U0010ffff")
            for column in (_people.c.name_key, _people.c.pinyin_key, _people.c.initials_key)
        )
    )
    r = _reservists.c
    rows = db.connection().execute(
        select(r.public_id, _people.c.name, r.phone_tail, _teams.c.name.label("team"))
        .select_from(
            _reservists.join(_people, _people.c.id == r.person_id).outerjoin(_teams, _teams.c.id == r.team_id)
        )
        .where(starts, r.left_at.is_(None), near(actor, row))
        .order_by(_people.c.pinyin_key, r.id)
        .limit(FOUND)
    )
    return [Candidate(*each) for each in rows]


def near(actor: Actor, call_up: Any) -> Any:
    """The reservists whom this actor may add to this call-up's roll."""
    if scope.sees_whole(actor, call_up.id, Permission.MUSTER_MARK):
        return db.within(_reservists.c.area_path, call_up.widest_path)
    return _reservists.c.person_id.in_(scope.led_people(actor))


# --- the code at the point ----------------------------------------------------------------------------------


def code_of(call_up: str, version: int) -> str:
    """The check-in code 签到码 of a muster point: a keyed hash, short enough to type; as that of a post."""
    text = crypto.blind_index("muster", f"{call_up}\0{version}")
    return roster_rules.code_from(hashlib.sha256(text.encode()).digest())


def ensure_code(code: str, *, call_up: str, version: int) -> None:
    """NotFound for a forged code, Gone for one that was renewed since."""
    typed = roster_rules.typed_code(code).encode()
    if hmac.compare_digest(typed, code_of(call_up, version).encode()):
        return
    for older in range(version - 1, max(0, version - roster_rules.OLDEST_CODE), -1):
        if hmac.compare_digest(typed, code_of(call_up, older).encode()):
            raise Gone("code_renewed")
    raise NotFound("check_in_code_wrong")


@dataclass(frozen=True)
class CheckIn:
    """What somebody sees who scanned the code at the point; `own` is their line, if they are known and have one."""

    public_id: str
    number: str
    title: str
    area_path: str
    state: CallUpState
    is_drill: bool
    starts_at: datetime
    ends_at: datetime
    muster_point: str
    landmark: str
    own: Any
    may_join: bool


def find_by_code(call_up: str, code: str) -> Any:
    """The call-up whose code was scanned; see `ensure_code`. Gone once its books are closed."""
    row = db.connection().execute(select(_call_ups).where(_call_ups.c.public_id == call_up)).one_or_none()
    if row is None or row.state is CallUpState.DRAFT:
        raise NotFound("check_in_code_wrong")
    ensure_code(code, call_up=call_up, version=row.code_version)
    if row.state is CallUpState.CLOSED:
        raise Gone("call_up_closed")
    return row


def own_summons(
    call_up_id: int, *, person_id: int | None = None, token: str | None = None, slip: str = ""
) -> Any:
    """The summons of who checks in: signed in, by their link's token, or by the code on their slip; or None."""
    s = _summonses.c
    statement = select(_summonses).where(s.call_up_id == call_up_id)
    if token:
        statement = statement.where(s.token_hash == hash_token(token))
    elif slip:
        statement = statement.where(s.slip_code == slip)
    elif person_id is not None:
        statement = statement.where(s.person_id == person_id)
    else:
        return None
    return db.connection().execute(statement).one_or_none()


def may_join(person_id: int | None) -> bool:
    """Whether somebody who was not summoned may join on the spot by themselves: of the reserve, or an accepted volunteer."""
    if person_id is None:
        return False
    reservist = select(_reservists.c.id).where(
        _reservists.c.person_id == person_id, _reservists.c.left_at.is_(None)
    )
    volunteer = select(_volunteers.c.id).where(
        _volunteers.c.person_id == person_id, _volunteers.c.state == VolunteerState.ACCEPTED
    )
    connection = db.connection()
    return (
        connection.execute(reservist).first() is not None or connection.execute(volunteer).first() is not None
    )


@reading
def get_check_in(*, actor: Actor, call_up: str, code: str, token: str = "") -> CheckIn:
    """The page behind the code at the point. NotFound for a forged code, Gone for an old one or closed books."""
    row = find_by_code(call_up, code)
    own = own_summons(row.id, person_id=actor.person_id, token=token)
    return CheckIn(
        public_id=row.public_id,
        number=row.number,
        title=row.title,
        area_path=row.area_path,
        state=row.state,
        is_drill=row.is_drill,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        muster_point=row.muster_point,
        landmark=row.landmark,
        own=own,
        may_join=own is None and may_join(actor.person_id),
    )


@dataclass(frozen=True)
class PointCode:
    """The code at the point, for who shows or renews it."""

    public_id: str
    title: str
    area_path: str
    is_drill: bool
    muster_point: str
    landmark: str
    starts_at: datetime
    code: str
    may_manage: bool


@reading
def get_point_code(*, actor: Actor, public_id: str) -> PointCode:
    """The code at the muster point for who may mark the roll."""
    row = scope.find_call_up(actor, public_id, Permission.MUSTER_MARK)
    if row.state is CallUpState.DRAFT:
        raise NotFound
    return PointCode(
        public_id=row.public_id,
        title=row.title,
        area_path=row.area_path,
        is_drill=row.is_drill,
        muster_point=row.muster_point,
        landmark=row.landmark,
        starts_at=row.starts_at,
        code=code_of(row.public_id, row.code_version),
        may_manage=scope.may_manage(actor, row.area_path),
    )


# --- before a stand-down ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RoleToLetGo:
    """Of a role: whom a stand-down would let go, who is silent, who is there or near."""

    public_id: str
    name: str
    coming: int
    silent: int
    received: int


@dataclass(frozen=True)
class ToLetGo:
    """What a stand-down would do now."""

    public_id: str
    title: str
    area_path: str
    state: CallUpState
    is_drill: bool
    roles: tuple[RoleToLetGo, ...]


@reading
def get_to_let_go(*, actor: Actor, public_id: str, now: datetime) -> ToLetGo:
    """What a stand-down of this call-up would do now, for who steers it."""
    row = scope.managed_call_up(actor, public_id)
    if row.state is CallUpState.DRAFT:
        raise NotFound
    s, r = _summonses.c, _roles.c
    due = func.coalesce(s.eta_at, literal(row.starts_at, UtcDateTime))
    near = due.between(now - rules.GRACE, now + rules.NEARLY_THERE)
    is_coming = is_any(s.state, SummonsState.COMING)
    received = or_(
        s.arrived_at.is_not(None) & s.departed_at.is_(None), and_(is_coming, s.arrived_at.is_(None), near)
    )
    lets_go = and_(
        s.arrived_at.is_(None),
        or_(and_(is_coming, ~near), is_any(s.state, SummonsState.QUEUED)),
    )
    silent = and_(is_any(s.state, SummonsState.WAITING, SummonsState.LATER), s.reply_by > now)
    rows = db.connection().execute(
        select(
            r.public_id,
            r.name,
            func.count(s.id).filter(lets_go).label("coming"),
            func.count(s.id).filter(silent).label("silent"),
            func.count(s.id).filter(received).label("received"),
        )
        .select_from(_roles.outerjoin(_summonses, s.role_id == r.id))
        .where(r.call_up_id == row.id)
        .group_by(r.id, r.public_id, r.name, r.position)
        .order_by(r.position, r.id)
    )
    return ToLetGo(
        public_id=row.public_id,
        title=row.title,
        area_path=row.area_path,
        state=row.state,
        is_drill=row.is_drill,
        roles=tuple(RoleToLetGo(*each) for each in rows),
    )


# --- a shift of those who mustered --------------------------------------------------------------------------


@dataclass(frozen=True)
class ShiftTerms:
    """What a shift can be made of: who is here by role, and the posts that the actor rosters there."""

    public_id: str
    title: str
    area_path: str
    is_drill: bool
    muster_point: str
    here: tuple[tuple[str, str, int], ...]
    posts: tuple[Choice, ...]
    may_make_posts: bool


@reading
def get_shift_terms(*, actor: Actor, public_id: str, now: datetime) -> ShiftTerms:
    """For who steers the call-up. Without a community to roster there are no posts to choose."""
    row = scope.managed_call_up(actor, public_id)
    if row.state is CallUpState.DRAFT:
        raise NotFound
    here: dict[tuple[str, str], int] = {}
    for each in lines_of(row.id, now=now):
        if each.is_here and not each.is_extra:
            here[each.role, each.role_name] = here.get((each.role, each.role_name), 0) + 1
    try:
        terms = posts.get_terms_of(actor=actor, area_path=row.area_path)
    except NotFound:
        terms = None
    return ShiftTerms(
        public_id=row.public_id,
        title=row.title,
        area_path=row.area_path,
        is_drill=row.is_drill,
        muster_point=row.muster_point,
        here=tuple((role, name, count) for (role, name), count in here.items()),
        posts=posts.list_managed(actor=actor, area=terms.area) if terms else (),
        may_make_posts=terms is not None,
    )
