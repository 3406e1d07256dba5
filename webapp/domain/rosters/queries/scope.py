"""Whose rows are whose in rosters: staff see their areas and below, a team's lead the team's own, and nothing beside it."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, or_, select

from webapp.base.actor import Actor
from webapp.base.db import within
from webapp.base.permissions import ROLE_PERMISSIONS, Permission, Role
from webapp.domain.volunteers.models import TeamLead

_leads: Any = TeamLead.__table__


def staff_paths(actor: Actor, permission: Permission) -> tuple[str, ...]:
    """The areas where the actor holds the permission for all that is there, not only for a team."""
    if actor.is_system:
        return ("",)
    return tuple(
        sorted(
            {
                grant.area_path
                for grant in actor.grants
                if grant.role is not Role.TEAM_LEAD and permission in ROLE_PERMISSIONS[grant.role]
            }
        )
    )


def team_paths(actor: Actor, permission: Permission) -> tuple[str, ...]:
    """The areas where the actor holds the permission as the lead of teams."""
    return tuple(
        sorted(
            {
                grant.area_path
                for grant in actor.grants
                if grant.role is Role.TEAM_LEAD and permission in ROLE_PERMISSIONS[grant.role]
            }
        )
    )


def led_teams(actor: Actor) -> Select[Any]:
    """The ids of the teams that the actor leads, to stand in a condition."""
    return select(_leads.c.team_id).where(_leads.c.person_id == actor.person_id)


def visible(
    actor: Actor, permission: Permission, *, path: Column[Any], team_id: Column[Any]
) -> ColumnElement[bool]:
    """The rows (of posts, teams: an area path and a team) that the actor's permission reaches."""
    return or_(
        within(path, *staff_paths(actor, permission)),
        and_(within(path, *team_paths(actor, permission)), team_id.in_(led_teams(actor))),
    )
