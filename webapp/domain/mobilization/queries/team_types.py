"""Kinds of teams 队伍类型 with their roles: what a forecast counts, and what fills the roles of a new call-up."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, true

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.mobilization.forecast import Need
from webapp.domain.mobilization.models import TeamType, TeamTypeRole
from webapp.domain.volunteers.queries.scope import area_paths

_types: Any = TeamType.__table__
_roles: Any = TeamTypeRole.__table__
_areas: Any = Area.__table__


@dataclass(frozen=True)
class TypeRole:
    """A role of a kind of team; `skill_code` None: anybody."""

    position: int
    name: str
    name_en: str
    skill_code: str | None
    needed_count: int

    @property
    def need(self) -> Need:
        """As the forecast counts it."""
        return Need(self.position, self.skill_code, self.needed_count)


@dataclass(frozen=True)
class TypeView:
    """A kind of team."""

    id: int
    public_id: str
    name: str
    name_en: str
    roles: tuple[TypeRole, ...]
    is_closed: bool

    @property
    def size(self) -> int:
        """How many people one such team is."""
        return sum(role.needed_count for role in self.roles)

    @property
    def needs(self) -> tuple[Need, ...]:
        """As the forecast counts it."""
        return tuple(role.need for role in self.roles)


@reading
def list_team_types(*, with_closed: bool = False) -> tuple[TypeView, ...]:
    """All kinds of teams in their order. They hold for the whole county and name nobody: who may see is the guard's."""
    return _types_where(true() if with_closed else _types.c.closed_at.is_(None))


@reading
def get_team_type(*, public_id: str) -> TypeView:
    """One of them, open or closed; NotFound."""
    found = _types_where(_types.c.public_id == public_id)
    if not found:
        raise NotFound
    return found[0]


def _types_where(condition: ColumnElement[bool]) -> tuple[TypeView, ...]:
    connection = db.connection()
    types = connection.execute(select(_types).where(condition).order_by(_types.c.position, _types.c.id)).all()
    roles: dict[int, list[TypeRole]] = {}
    for row in connection.execute(
        select(_roles)
        .join(_types, _types.c.id == _roles.c.team_type_id)
        .where(condition)
        .order_by(_roles.c.team_type_id, _roles.c.position)
    ):
        roles.setdefault(row.team_type_id, []).append(
            TypeRole(row.position, row.name, row.name_en, row.skill_code, row.needed_count)
        )
    return tuple(
        TypeView(
            row.id,
            row.public_id,
            row.name,
            row.name_en,
            tuple(roles.get(row.id, ())),
            row.closed_at is not None,
        )
        for row in types
    )


@reading
def may_edit(*, actor: Actor) -> bool:
    """Whether the actor sets the kinds of teams: they hold for the whole county, so who dispatches all of it."""
    paths = area_paths(actor, Permission.RESERVE_MANAGE)
    if not paths:
        return False
    top = select(_areas.c.id).where(_areas.c.parent_id.is_(None), _areas.c.path.in_(paths)).limit(1)
    return db.connection().execute(top).scalar() is not None


def ensure_may_edit(actor: Actor) -> None:
    """Raises NotAllowed for everybody else."""
    if not may_edit(actor=actor):
        raise NotAllowed
