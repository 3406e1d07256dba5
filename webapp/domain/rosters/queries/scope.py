"""Whose rows are whose in rosters: staff see their areas and below, a team's lead the team's own, and nothing beside it."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from webapp.base.actor import Actor
from webapp.base.db import within
from webapp.base.permissions import ROLE_PERMISSIONS, Permission, Role
from webapp.domain.volunteers.queries.scope import area_paths, led_teams


def staff_paths(actor: Actor, permission: Permission) -> tuple[str, ...]:
    """The areas where the actor holds the permission for all that is there, not only for a team."""
    return area_paths(actor, permission)


def team_paths(actor: Actor, permission: Permission) -> tuple[str, ...]:
    """The areas where the actor holds the permission as the lead of teams."""
    if permission not in ROLE_PERMISSIONS[Role.TEAM_LEAD]:
        return ()
    return tuple(sorted({grant.area_path for grant in actor.grants if grant.role is Role.TEAM_LEAD}))


def visible(actor: Actor, permission: Permission, *, path: Any, team_id: Any) -> ColumnElement[bool]:
    """The rows (of posts, of teams: an area path and a team) that the actor's permission reaches.

    As the lead of a team it reaches what belongs to the team.
    """
    here = within(path, *staff_paths(actor, permission))
    if not team_paths(actor, permission):
        return here
    return or_(here, and_(team_id.is_not(None), team_id.in_(led_teams(actor))))
