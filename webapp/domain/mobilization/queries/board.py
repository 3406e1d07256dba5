"""The live board 集结看板: for whoever steers the call-up, and for a wall behind a secret address, without phones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading
from webapp.base.errors import Gone, NotFound
from webapp.base.ids import hash_token
from webapp.base.permissions import Permission
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpRole, Summons, Unit
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.rules import CallUpState, Figures, MusterState, SummonsState, UnitState
from webapp.domain.people.models import Person
from webapp.domain.people.rules import mask_name

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_units: Any = Unit.__table__
_people: Any = Person.__table__

NAMES_SHOWN = 12


@dataclass(frozen=True)
class RoleLine:
    """A role on the board."""

    public_id: str
    name: str
    figures: Figures


@dataclass(frozen=True)
class Awaited:
    """Somebody who should have been there by now, or whose welfare check is due."""

    summons: str
    name: str
    role: str
    at: datetime
    assigned_to: str | None = None


@dataclass(frozen=True)
class Board:
    """What the board shows. `overdue` and `welfare` are the first names of them; the figures count all."""

    call_up_id: int
    public_id: str
    number: str
    title: str
    area_path: str
    state: CallUpState
    is_drill: bool
    starts_at: datetime
    ends_at: datetime
    muster_point: str
    figures: Figures
    roles: tuple[RoleLine, ...]
    overdue: tuple[Awaited, ...]
    welfare: tuple[Awaited, ...]
    welfare_count: int
    tag: str


def _due() -> Any:
    """When a summons is awaited, as `rules.due_at` has it."""
    return func.coalesce(_summonses.c.eta_at, _call_ups.c.starts_at)


def expected() -> Any:
    """Who has a place."""
    return is_any(_summonses.c.state, SummonsState.COMING)


def overdue(now: datetime) -> Any:
    """Who should be there by now, as `rules.is_overdue` has it."""
    return and_(expected(), _summonses.c.arrived_at.is_(None), _due() < now - rules.GRACE)


def here() -> Any:
    """Who came and has not left."""
    return and_(_summonses.c.arrived_at.is_not(None), _summonses.c.departed_at.is_(None))


def welfare_due(now: datetime) -> Any:
    """Whose welfare check is due."""
    return and_(here(), _summonses.c.welfare_due_at <= now)


def _count(condition: Any) -> Any:
    return func.count(case((condition, 1)))


def _tagged(now: datetime) -> Any:
    """A call-up with all of which what the board shows can follow: its versions, and who is late by the clock."""
    mine = _summonses.c.call_up_id == _call_ups.c.id
    return select(
        _call_ups.c.id,
        _call_ups.c.board_version,
        _call_ups.c.version,
        _call_ups.c.state,
        select(func.count()).where(mine, overdue(now)).scalar_subquery().label("overdue_count"),
        select(func.count()).where(mine, welfare_due(now)).scalar_subquery().label("welfare_count"),
    )


def _tag(row: Any) -> str:
    return f"{row.id}-{row.board_version}-{row.version}-{row.overdue_count}-{row.welfare_count}"


@reading
def get_board_tag(*, actor: Actor, public_id: str, now: datetime) -> str:
    """What changes whenever the board does; one statement. NotFound for a call-up that is not the actor's to see whole."""
    row = (
        db.connection()
        .execute(
            _tagged(now).where(
                _call_ups.c.public_id == public_id, scope.whole_call_ups(actor, Permission.CALL_UP_SEE)
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return _tag(row)


@reading
def get_wall_tag(*, token: str, now: datetime) -> str:
    """The same for the wall behind this token; NotFound for a forged one or one that was taken back, Gone when it is over."""
    row = (
        db.connection()
        .execute(_tagged(now).where(_call_ups.c.wall_token_hash == hash_token(token)))
        .one_or_none()
    )
    if row is None:
        raise NotFound
    if row.state is CallUpState.CLOSED:
        raise Gone("call_up_closed")
    return _tag(row)


@reading
def get_board(*, actor: Actor, public_id: str, now: datetime) -> Board:
    """The board of a call-up that the actor sees whole. Two to four statements, at any size."""
    row = (
        db.connection()
        .execute(
            _tagged(now)
            .add_columns(*_facts())
            .where(
                _call_ups.c.public_id == public_id,
                scope.whole_call_ups(actor, Permission.CALL_UP_SEE),
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return _board(row, now)


@reading
def get_wall(*, token: str, now: datetime) -> Board:
    """The board behind a secret address: surnames only; see `get_wall_tag`."""
    row = (
        db.connection()
        .execute(_tagged(now).add_columns(*_facts()).where(_call_ups.c.wall_token_hash == hash_token(token)))
        .one_or_none()
    )
    if row is None:
        raise NotFound
    if row.state is CallUpState.CLOSED:
        raise Gone("call_up_closed")
    return _board(row, now, is_wall=True)


def wall_token(public_id: str, number: int) -> str:
    """The token of a call-up's wall; a higher number makes those before it worthless."""
    return crypto.blind_index("call_up_wall", f"{public_id}:{number}")


def _facts() -> list[Any]:
    c = _call_ups.c
    return [
        c.public_id,
        c.number,
        c.title,
        c.area_path,
        c.is_drill,
        c.starts_at,
        c.ends_at,
        c.muster_point,
    ]


def _board(row: Any, now: datetime, *, is_wall: bool = False) -> Board:
    roles = role_lines(row.id, now)
    figures = sum((each.figures for each in roles), Figures())
    late = _awaited(row.id, overdue(now), _due(), is_wall=is_wall) if figures.overdue else ()
    due = (
        _awaited(row.id, welfare_due(now), _summonses.c.welfare_due_at, is_wall=is_wall)
        if row.welfare_count
        else ()
    )
    return Board(
        call_up_id=row.id,
        public_id=row.public_id,
        number=row.number,
        title=row.title,
        area_path=row.area_path,
        state=row.state,
        is_drill=row.is_drill,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        muster_point=row.muster_point,
        figures=figures,
        roles=tuple(roles),
        overdue=late,
        welfare=due,
        welfare_count=row.welfare_count,
        tag=_tag(row),
    )


def role_lines(call_up_id: int, now: datetime) -> list[RoleLine]:
    """The figures of each role of a call-up; one statement."""
    s, r, u = _summonses.c, _roles.c, _units.c
    counted = (
        select(
            s.role_id,
            _count(expected()).label("named"),
            _count(and_(expected(), s.arrived_at.is_not(None))).label("arrived"),
            _count(and_(expected(), s.arrived_at.is_(None), s.left_for_at.is_not(None))).label("en_route"),
            _count(overdue(now)).label("overdue"),
            _count(and_(expected(), s.departed_at.is_not(None))).label("departed"),
            _count(is_any(s.muster, MusterState.ON_DUTY)).label("on_duty"),
            _count(and_(s.arrived_at.is_not(None), s.state != SummonsState.COMING)).label("extra"),
        )
        .select_from(_summonses.join(_call_ups, _call_ups.c.id == s.call_up_id))
        .where(s.call_up_id == call_up_id)
        .group_by(s.role_id)
        .subquery("counted")
    )
    promised = (
        select(u.role_id, func.sum(u.promised_count - u.named_count).label("unnamed"))
        .where(u.call_up_id == call_up_id, is_any(u.state, UnitState.COMING))
        .group_by(u.role_id)
        .subquery("promised")
    )
    zero = [func.coalesce(each, 0).label(each.name) for each in counted.c if each.name != "role_id"]
    rows = db.connection().execute(
        select(
            r.public_id,
            r.name,
            r.wanted_count,
            *zero,
            func.coalesce(promised.c.unnamed, 0).label("unnamed"),
        )
        .select_from(
            _roles.outerjoin(counted, counted.c.role_id == r.id).outerjoin(
                promised, promised.c.role_id == r.id
            )
        )
        .where(r.call_up_id == call_up_id)
        .order_by(r.position, r.id)
    )
    return [
        RoleLine(
            public_id=row.public_id,
            name=row.name,
            figures=Figures(
                wanted=row.wanted_count,
                expected=row.named + int(row.unnamed),
                arrived=row.arrived,
                en_route=row.en_route,
                overdue=row.overdue,
                unnamed=int(row.unnamed),
                on_duty=row.on_duty,
                departed=row.departed,
                extra=row.extra,
            ),
        )
        for row in rows
    ]


def _awaited(call_up_id: int, condition: Any, at: Any, *, is_wall: bool) -> tuple[Awaited, ...]:
    s = _summonses.c
    rows: Sequence[Any] = (
        db.connection()
        .execute(
            select(
                s.public_id,
                _people.c.name,
                _roles.c.name.label("role"),
                at.label("at"),
                s.assigned_to,
            )
            .select_from(
                _summonses.join(_call_ups, _call_ups.c.id == s.call_up_id)
                .join(_people, _people.c.id == s.person_id)
                .join(_roles, _roles.c.id == s.role_id)
            )
            .where(s.call_up_id == call_up_id, condition)
            .order_by(at, s.id)
            .limit(NAMES_SHOWN)
        )
        .all()
    )
    return tuple(
        Awaited(
            row.public_id, mask_name(row.name) if is_wall else row.name, row.role, row.at, row.assigned_to
        )
        for row in rows
    )


@dataclass(frozen=True)
class WallAddress:
    """Whether a wall stands open, and behind which token."""

    token: str | None
    area_path: str
    is_drill: bool


@reading
def find_wall(*, actor: Actor, public_id: str) -> WallAddress:
    """The wall of a call-up, for who steers it."""
    row = scope.managed_call_up(actor, public_id)
    token = None if row.wall_token_hash is None else wall_token(row.public_id, row.wall_number)
    return WallAddress(token, row.area_path, row.is_drill)
