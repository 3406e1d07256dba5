"""Whose rows are whose in the mobilization: call-ups by area, reservists by home or team, summonses by both.

Staff see the call-ups of their areas whole. A grid worker sees those of the community. A team's lead sees of a
call-up only the lines of the team, once its people were called. A draft is seen by those who may start it: an
unannounced drill is no secret if the grid reads it first.
"""

from typing import Any

from sqlalchemy import ColumnElement, false, or_, select

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import ROLE_PERMISSIONS, Permission, Role
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths
from webapp.domain.mobilization.models import CallUp, Reservist, Summons, Unit
from webapp.domain.mobilization.rules import CallUpState
from webapp.domain.volunteers.models import Team, Volunteer
from webapp.domain.volunteers.queries.scope import area_paths, can_at, led_teams

_call_ups: Any = CallUp.__table__
_reservists: Any = Reservist.__table__
_summonses: Any = Summons.__table__
_units: Any = Unit.__table__
_areas: Any = Area.__table__
_teams: Any = Team.__table__
_volunteers: Any = Volunteer.__table__


def may_manage(actor: Actor, path: str) -> bool:
    """Whether the actor makes and steers call-ups at this area."""
    return can_at(actor, Permission.CALL_UP_MANAGE, path)


def _communities_of_grids(actor: Actor) -> Any:
    """Paths of the communities in whose grids the actor works, as a subquery; None without a grid."""
    grids = [grant.area_path for grant in actor.grants if grant.role is Role.GRID_WORKER]
    above = sorted({path for grid in grids for path in ancestor_paths(grid)})
    return (
        select(_areas.c.path).where(_areas.c.level == "community", _areas.c.path.in_(above))
        if above
        else None
    )


def whole_call_ups(actor: Actor, permission: Permission = Permission.CALL_UP_SEE) -> ColumnElement[bool]:
    """The call-ups of which the actor may see every line with this permission."""
    conditions = [within(_call_ups.c.area_path, *area_paths(actor, permission))]
    communities = _communities_of_grids(actor)
    if communities is not None and permission in ROLE_PERMISSIONS[Role.GRID_WORKER]:
        conditions.append(_call_ups.c.area_path.in_(communities))
    started = _call_ups.c.state != CallUpState.DRAFT
    drafts = within(_call_ups.c.area_path, *area_paths(actor, Permission.CALL_UP_MANAGE))
    return or_(*conditions) & or_(started, drafts)


def led_people(actor: Actor) -> Any:
    """Person ids of the teams that the actor leads, as a subquery: reservists and volunteers."""
    teams = led_teams(actor)
    return (
        select(_reservists.c.person_id)
        .where(_reservists.c.team_id.in_(teams))
        .union(select(_volunteers.c.person_id).where(_volunteers.c.team_id.in_(teams)))
    )


def _leads(actor: Actor, permission: Permission) -> bool:
    return (
        actor.person_id is not None
        and permission in ROLE_PERMISSIONS[Role.TEAM_LEAD]
        and any(grant.role is Role.TEAM_LEAD for grant in actor.grants)
    )


def visible_call_ups(actor: Actor, permission: Permission = Permission.CALL_UP_SEE) -> ColumnElement[bool]:
    """The call-ups that the actor sees: those seen whole, and as a team's lead those that called the team's people.

    Of the latter only the lines of the team are shown: join with `visible_summonses`.
    """
    whole = whole_call_ups(actor, permission)
    if not _leads(actor, permission):
        return whole
    called = (
        select(_summonses.c.call_up_id)
        .where(_summonses.c.person_id.in_(led_people(actor)))
        .union(select(_units.c.call_up_id).where(_units.c.team_id.in_(led_teams(actor))))
    )
    return or_(whole, _call_ups.c.id.in_(called))


def visible_summonses(actor: Actor, permission: Permission = Permission.CALL_UP_SEE) -> ColumnElement[bool]:
    """The summonses that the actor sees, in a statement that joins `call_ups`."""
    whole = whole_call_ups(actor, permission)
    if not _leads(actor, permission):
        return whole
    return or_(whole, _summonses.c.person_id.in_(led_people(actor)))


def sees_whole(actor: Actor, call_up_id: int, permission: Permission = Permission.CALL_UP_SEE) -> bool:
    """Whether the actor sees every line of the call-up, and not only those of a team."""
    found = select(_call_ups.c.id).where(_call_ups.c.id == call_up_id, whole_call_ups(actor, permission))
    return db.connection().execute(found).scalar() is not None


def visible_reservists(actor: Actor, permission: Permission = Permission.RESERVE_SEE) -> ColumnElement[bool]:
    """Those who live or work in the actor's areas or belong to a team there, and those of the actor's own teams."""
    paths = area_paths(actor, permission)
    conditions: list[ColumnElement[bool]] = []
    if paths:
        here = select(_teams.c.id).where(within(_teams.c.area_path, *paths))
        conditions += [within(_reservists.c.area_path, *paths), _reservists.c.team_id.in_(here)]
    if _leads(actor, permission):
        conditions.append(_reservists.c.team_id.in_(led_teams(actor)))
    return or_(*conditions) if conditions else false()


def find_call_up(actor: Actor, public_id: str, permission: Permission = Permission.CALL_UP_SEE) -> Any:
    """The row of a call-up that the actor sees: NotFound outside, NotAllowed where it is seen without this permission."""
    connection = db.connection()
    if permission is not Permission.CALL_UP_MANAGE:
        row = connection.execute(
            select(_call_ups).where(_call_ups.c.public_id == public_id, visible_call_ups(actor, permission))
        ).one_or_none()
        if row is not None:
            return row
    row = connection.execute(
        select(_call_ups).where(_call_ups.c.public_id == public_id, visible_call_ups(actor))
    ).one_or_none()
    if row is None:
        raise NotFound
    if permission is Permission.CALL_UP_MANAGE and may_manage(actor, row.area_path):
        return row
    raise NotAllowed


def managed_call_up(actor: Actor, public_id: str) -> Any:
    """The row of a call-up that the actor steers: NotFound outside, NotAllowed for who only sees it."""
    return find_call_up(actor, public_id, Permission.CALL_UP_MANAGE)
