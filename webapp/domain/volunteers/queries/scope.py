"""Who of the volunteers, teams and organisations an actor sees: by area, or by the teams that they lead."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select

from webapp.base.actor import Actor
from webapp.base.db import within
from webapp.base.permissions import Permission, Role
from webapp.domain.areas.rules import ancestor_paths
from webapp.domain.volunteers.models import Organisation, Team, TeamLead, Volunteer

_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_leads: Any = TeamLead.__table__
_organisations: Any = Organisation.__table__


def area_paths(actor: Actor, permission: Permission) -> tuple[str, ...]:
    """The areas where the actor holds this permission for everybody, not as the lead of a team."""
    grants = tuple(grant for grant in actor.grants if grant.role is not Role.TEAM_LEAD)
    return replace(actor, grants=grants).paths(permission)


def can_at(actor: Actor, permission: Permission, *paths: str | None) -> bool:
    """Whether the actor holds this permission for everybody at one of these areas."""
    held = area_paths(actor, permission)
    return any(path.startswith(each) for path in paths if path is not None for each in held)


def led_teams(actor: Actor) -> Any:
    """Ids of the open teams that the actor leads, as a subquery; both the row and the appointment are needed."""
    paths = sorted({grant.area_path for grant in actor.grants if grant.role is Role.TEAM_LEAD})
    return (
        select(_teams.c.id)
        .join(_leads, _leads.c.team_id == _teams.c.id)
        .where(
            _leads.c.person_id == actor.person_id,
            _teams.c.closed_at.is_(None),
            within(_teams.c.area_path, *paths),
        )
    )


def _leads_any(actor: Actor) -> bool:
    return actor.person_id is not None and any(grant.role is Role.TEAM_LEAD for grant in actor.grants)


def visible_volunteers(actor: Actor) -> ColumnElement[bool]:
    """Those who live in the actor's areas or belong to a team there, and those of the teams that the actor leads."""
    paths = area_paths(actor, Permission.VOLUNTEER_SEE)
    conditions: list[ColumnElement[bool]] = []
    if paths:
        here = select(_teams.c.id).where(within(_teams.c.area_path, *paths))
        conditions += [within(_volunteers.c.area_path, *paths), _volunteers.c.team_id.in_(here)]
    if _leads_any(actor):
        conditions.append(_volunteers.c.team_id.in_(led_teams(actor)))
    return or_(*conditions) if conditions else false()


def visible_teams(actor: Actor) -> ColumnElement[bool]:
    """The teams of the actor's areas, and those that the actor leads."""
    paths = area_paths(actor, Permission.VOLUNTEER_SEE)
    conditions: list[ColumnElement[bool]] = []
    if paths:
        conditions.append(within(_teams.c.area_path, *paths))
    if _leads_any(actor):
        conditions.append(_teams.c.id.in_(led_teams(actor)))
    return or_(*conditions) if conditions else false()


def visible_organisations(actor: Actor) -> ColumnElement[bool]:
    """The organisations of the actor's areas, and those of the areas above, whose teams work here too."""
    paths = area_paths(actor, Permission.VOLUNTEER_SEE)
    if not paths:
        return false()
    above = sorted({each for path in paths for each in ancestor_paths(path)})
    return or_(within(_organisations.c.area_path, *paths), _organisations.c.area_path.in_(above))
