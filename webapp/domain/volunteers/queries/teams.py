"""Reads of organisations, teams, their leads, and invitations into teams."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, tuple_

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading, within
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.base.ids import PUBLIC_ID_LENGTH
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import short_name
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.models import Organisation, Team, TeamInvitation, TeamLead, Volunteer
from webapp.domain.volunteers.queries.scope import (
    area_paths,
    can_at,
    visible_organisations,
    visible_teams,
)
from webapp.domain.volunteers.rules import Society

PAGE = 50
TO_CHOOSE = 300
_SIGNATURE = 22

_areas: Any = Area.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_leads: Any = TeamLead.__table__
_organisations: Any = Organisation.__table__
_invitations: Any = TeamInvitation.__table__


@dataclass(frozen=True)
class Choice:
    """Something to choose by name."""

    public_id: str
    name: str
    name_en: str | None = None


@reading
def list_areas_to_manage(*, actor: Actor) -> tuple[Choice, ...]:
    """The communities in which the actor makes teams and organisations."""
    paths = area_paths(actor, Permission.VOLUNTEER_DECIDE)
    rows = db.connection().execute(
        select(_areas.c.public_id, _areas.c.name, _areas.c.name_en)
        .where(_areas.c.level == "community", within(_areas.c.path, *paths))
        .order_by(_areas.c.path)
        .limit(TO_CHOOSE)
    )
    return tuple(Choice(row.public_id, short_name(row.name), row.name_en) for row in rows)


@reading
def find_area_to_manage(*, actor: Actor, public_id: str) -> Any:
    """Id and path of an area where the actor makes teams; RuleBroken("area_missing") for any other."""
    row = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.path).where(
                _areas.c.public_id == public_id,
                within(_areas.c.path, *area_paths(actor, Permission.VOLUNTEER_DECIDE)),
            )
        )
        .one_or_none()
    )
    if row is None:
        raise RuleBroken("area_missing", field="area")
    return row


# --- organisations ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OrganisationRow:
    """An organisation in a list."""

    public_id: str
    name: str
    name_en: str | None
    society: Society
    area_name: str
    is_closed: bool
    team_count: int


@dataclass(frozen=True)
class OrganisationPage:
    """A page of organisations, and the public id after which the next begins."""

    rows: tuple[OrganisationRow, ...]
    after: str | None


@dataclass(frozen=True)
class OrganisationView:
    """An organisation on its page."""

    id: int
    public_id: str
    name: str
    name_en: str | None
    society: Society
    area_path: str
    area_name: str
    is_closed: bool
    may_manage: bool


@reading
def list_organisations(
    *,
    actor: Actor,
    text: str = "",
    with_closed: bool = False,
    after: str | None = None,
    limit: int = PAGE,
) -> OrganisationPage:
    """A page of the organisations that the actor sees, by area and name."""
    conditions = [visible_organisations(actor)]
    if not with_closed:
        conditions.append(_organisations.c.closed_at.is_(None))
    if text:
        conditions.append(_starts(_organisations.c.name, text))
    if after is not None:
        conditions.append(_beyond(_organisations, after, visible_organisations(actor)))
    teams = (
        select(func.count())
        .where(_teams.c.organisation_id == _organisations.c.id, _teams.c.closed_at.is_(None))
        .scalar_subquery()
    )
    rows = (
        db.connection()
        .execute(
            select(
                _organisations.c.public_id,
                _organisations.c.name,
                _organisations.c.name_en,
                _organisations.c.society,
                _areas.c.name.label("area_name"),
                _organisations.c.closed_at,
                teams.label("team_count"),
            )
            .join(_areas, _areas.c.id == _organisations.c.area_id)
            .where(*conditions)
            .order_by(_organisations.c.area_path, _organisations.c.name, _organisations.c.id)
            .limit(limit + 1)
        )
        .all()
    )
    return OrganisationPage(
        rows=tuple(
            OrganisationRow(
                public_id=row.public_id,
                name=row.name,
                name_en=row.name_en,
                society=Society(row.society),
                area_name=short_name(row.area_name),
                is_closed=row.closed_at is not None,
                team_count=row.team_count,
            )
            for row in rows[:limit]
        ),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
    )


def _starts(column: Any, text: str) -> ColumnElement[bool]:
    return and_(column >= text, column < text + "\U0010ffff")


def _beyond(table: Any, after: str, visible: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows after the one with this public id, by area and name; NotFound where that is not seen."""
    last = (
        db.connection()
        .execute(
            select(table.c.area_path, table.c.name, table.c.id).where(table.c.public_id == after, visible)
        )
        .one_or_none()
    )
    if last is None:
        raise NotFound
    return and_(
        # Said twice: the first part lets the index begin there, the second is exact.
        table.c.area_path >= last.area_path,
        tuple_(table.c.area_path, table.c.name, table.c.id) > tuple_(*last),
    )


@reading
def get_organisation(*, actor: Actor, public_id: str) -> OrganisationView:
    """One organisation; NotFound outside."""
    row = (
        db.connection()
        .execute(
            select(_organisations, _areas.c.name.label("area_name"))
            .join(_areas, _areas.c.id == _organisations.c.area_id)
            .where(_organisations.c.public_id == public_id, visible_organisations(actor))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return OrganisationView(
        id=row.id,
        public_id=row.public_id,
        name=row.name,
        name_en=row.name_en,
        society=Society(row.society),
        area_path=row.area_path,
        area_name=short_name(row.area_name),
        is_closed=row.closed_at is not None,
        may_manage=can_at(actor, Permission.VOLUNTEER_DECIDE, row.area_path),
    )


@reading
def find_organisation(*, actor: Actor, public_id: str, to_manage: bool = False) -> Any:
    """The row of an organisation; NotFound outside, NotAllowed to manage where the actor only sees it."""
    row = (
        db.connection()
        .execute(
            select(_organisations).where(
                _organisations.c.public_id == public_id, visible_organisations(actor)
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    if to_manage and not can_at(actor, Permission.VOLUNTEER_DECIDE, row.area_path):
        raise NotAllowed
    return row


@reading
def list_organisations_to_choose(*, actor: Actor) -> tuple[Choice, ...]:
    """The open organisations that the actor may put a team or a volunteer into."""
    rows = db.connection().execute(
        select(_organisations.c.public_id, _organisations.c.name, _organisations.c.name_en)
        .where(visible_organisations(actor), _organisations.c.closed_at.is_(None))
        .order_by(_organisations.c.area_path.desc(), _organisations.c.name)
        .limit(TO_CHOOSE)
    )
    return tuple(Choice(*row) for row in rows)


# --- teams --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TeamRow:
    """A team in a list."""

    public_id: str
    name: str
    name_en: str | None
    society: Society
    area_name: str
    organisation_name: str | None
    organisation_name_en: str | None
    is_closed: bool
    member_count: int
    lead_count: int


@dataclass(frozen=True)
class TeamPage:
    """A page of teams, and the public id after which the next begins."""

    rows: tuple[TeamRow, ...]
    after: str | None


@dataclass(frozen=True)
class LeadRow:
    """A lead of a team."""

    volunteer_public_id: str | None
    name: str
    since: datetime


@dataclass(frozen=True)
class TeamView:
    """A team on its page."""

    id: int
    public_id: str
    name: str
    name_en: str | None
    society: Society
    area_id: int
    area_path: str
    area_name: str
    organisation_public_id: str | None
    organisation_name: str | None
    organisation_name_en: str | None
    is_closed: bool
    member_count: int
    leads: tuple[LeadRow, ...]
    may_manage: bool


_members = (
    select(func.count())
    .where(_volunteers.c.team_id == _teams.c.id, _volunteers.c.state.in_(rules.LIVE_STATES))
    .scalar_subquery()
)


@reading
def list_teams(
    *,
    actor: Actor,
    text: str = "",
    organisation: str | None = None,
    with_closed: bool = False,
    after: str | None = None,
    limit: int = PAGE,
) -> TeamPage:
    """A page of the teams that the actor sees, by area and name; of one organisation where that is given."""
    conditions = [visible_teams(actor)]
    if not with_closed:
        conditions.append(_teams.c.closed_at.is_(None))
    if text:
        conditions.append(_starts(_teams.c.name, text))
    if organisation:
        conditions.append(_organisations.c.public_id == organisation)
    if after is not None:
        conditions.append(_beyond(_teams, after, visible_teams(actor)))
    leads = select(func.count()).where(_leads.c.team_id == _teams.c.id).scalar_subquery()
    rows = (
        db.connection()
        .execute(
            select(
                _teams.c.public_id,
                _teams.c.name,
                _teams.c.name_en,
                _teams.c.society,
                _areas.c.name.label("area_name"),
                _organisations.c.name.label("organisation_name"),
                _organisations.c.name_en.label("organisation_name_en"),
                _teams.c.closed_at,
                _members.label("member_count"),
                leads.label("lead_count"),
            )
            .select_from(
                _teams.join(_areas, _areas.c.id == _teams.c.area_id).outerjoin(
                    _organisations, _organisations.c.id == _teams.c.organisation_id
                )
            )
            .where(*conditions)
            .order_by(_teams.c.area_path, _teams.c.name, _teams.c.id)
            .limit(limit + 1)
        )
        .all()
    )
    return TeamPage(
        rows=tuple(
            TeamRow(
                public_id=row.public_id,
                name=row.name,
                name_en=row.name_en,
                society=Society(row.society),
                area_name=short_name(row.area_name),
                organisation_name=row.organisation_name,
                organisation_name_en=row.organisation_name_en,
                is_closed=row.closed_at is not None,
                member_count=row.member_count,
                lead_count=row.lead_count,
            )
            for row in rows[:limit]
        ),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
    )


@reading
def get_team(*, actor: Actor, public_id: str) -> TeamView:
    """One team with its leads; NotFound outside."""
    row = (
        db.connection()
        .execute(
            select(
                _teams,
                _areas.c.name.label("area_name"),
                _organisations.c.public_id.label("organisation_public_id"),
                _organisations.c.name.label("organisation_name"),
                _organisations.c.name_en.label("organisation_name_en"),
                _members.label("member_count"),
            )
            .select_from(
                _teams.join(_areas, _areas.c.id == _teams.c.area_id).outerjoin(
                    _organisations, _organisations.c.id == _teams.c.organisation_id
                )
            )
            .where(_teams.c.public_id == public_id, visible_teams(actor))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return TeamView(
        id=row.id,
        public_id=row.public_id,
        name=row.name,
        name_en=row.name_en,
        society=Society(row.society),
        area_id=row.area_id,
        area_path=row.area_path,
        area_name=short_name(row.area_name),
        organisation_public_id=row.organisation_public_id,
        organisation_name=row.organisation_name,
        organisation_name_en=row.organisation_name_en,
        is_closed=row.closed_at is not None,
        member_count=row.member_count,
        leads=_leads_of(row.id),
        may_manage=can_at(actor, Permission.VOLUNTEER_DECIDE, row.area_path),
    )


def _leads_of(team_id: int) -> tuple[LeadRow, ...]:
    rows = db.connection().execute(
        select(_volunteers.c.public_id, _volunteers.c.name, _leads.c.since)
        .select_from(_leads.join(_volunteers, _volunteers.c.person_id == _leads.c.person_id))
        .where(_leads.c.team_id == team_id)
        .order_by(_leads.c.since)
    )
    return tuple(LeadRow(*row) for row in rows)


@reading
def find_team(*, actor: Actor, public_id: str, to_manage: bool = False) -> Any:
    """The row of a team; NotFound outside, NotAllowed to manage where the actor only sees or leads it."""
    row = (
        db.connection()
        .execute(select(_teams).where(_teams.c.public_id == public_id, visible_teams(actor)))
        .one_or_none()
    )
    if row is None:
        raise NotFound
    if to_manage and not can_at(actor, Permission.VOLUNTEER_DECIDE, row.area_path):
        raise NotAllowed
    return row


@reading
def list_teams_to_choose(*, actor: Actor, permission: Permission) -> tuple[Choice, ...]:
    """The open teams where the actor holds the permission for everybody; for choosing one."""
    rows = db.connection().execute(
        select(_teams.c.public_id, _teams.c.name, _teams.c.name_en)
        .where(within(_teams.c.area_path, *area_paths(actor, permission)), _teams.c.closed_at.is_(None))
        .order_by(_teams.c.area_path, _teams.c.name)
        .limit(TO_CHOOSE)
    )
    return tuple(Choice(*row) for row in rows)


@reading
def list_possible_leads(*, team: TeamView) -> tuple[Choice, ...]:
    """Accepted members of a team whom the actor has loaded and who do not lead it yet."""
    leading = select(_leads.c.person_id).where(_leads.c.team_id == team.id)
    rows = db.connection().execute(
        select(_volunteers.c.public_id, _volunteers.c.name, _volunteers.c.phone_tail)
        .where(
            _volunteers.c.team_id == team.id,
            _volunteers.c.state == rules.VolunteerState.ACCEPTED,
            _volunteers.c.person_id.not_in(leading),
        )
        .order_by(_volunteers.c.pinyin_key, _volunteers.c.id)
        .limit(TO_CHOOSE)
    )
    return tuple(Choice(row.public_id, f"{row.name} {row.phone_tail}") for row in rows)


@reading
def list_led_teams(*, person_id: int) -> tuple[Any, ...]:
    """Id, area and closing time of the teams that a person leads, for a service."""
    rows = db.connection().execute(
        select(_teams.c.id, _teams.c.area_id, _teams.c.area_path, _teams.c.closed_at)
        .join(_leads, _leads.c.team_id == _teams.c.id)
        .where(_leads.c.person_id == person_id)
    )
    return tuple(rows)


# --- invitations --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InvitationRow:
    """An invitation on its team's page."""

    public_id: str
    expires_at: datetime
    use_limit: int
    used_count: int
    made_at: datetime
    revoked_at: datetime | None
    is_team_closed: bool


@dataclass(frozen=True)
class InvitationView:
    """What who was invited sees, and what a sign-up needs of it."""

    id: int
    public_id: str
    team_id: int
    team_name: str
    team_name_en: str | None
    society: Society
    organisation_id: int | None
    organisation_name: str | None
    organisation_name_en: str | None
    area_path: str
    area_name: str
    expires_at: datetime
    revoked_at: datetime | None
    used_count: int
    use_limit: int
    is_team_closed: bool


def token_of(public_id: str) -> str:
    """What the QR code of an invitation carries: its public id and a keyed hash of it, which nobody can make up."""
    return public_id + crypto.blind_index("team_invitation", public_id)


def _public_id_of(token: str) -> str:
    public_id, signature = token[:PUBLIC_ID_LENGTH], token[PUBLIC_ID_LENGTH:]
    wanted = crypto.blind_index("team_invitation", public_id)
    if len(signature) != _SIGNATURE or not hmac.compare_digest(signature.encode(), wanted.encode()):
        raise NotFound("invitation_forged")
    return public_id


@reading
def get_invitation(*, token: str, now: datetime) -> InvitationView:
    """The invitation that this token opens.

    Raises NotFound("invitation_forged") for a token that was not signed here, and Gone with the reason for one
    that is over: revoked, expired, used up, or the team was closed.
    """
    row: Any = (
        db.connection()
        .execute(
            select(
                _invitations.c.id,
                _invitations.c.public_id,
                _invitations.c.team_id,
                _teams.c.name.label("team_name"),
                _teams.c.name_en.label("team_name_en"),
                _teams.c.society,
                _teams.c.organisation_id,
                _organisations.c.name.label("organisation_name"),
                _organisations.c.name_en.label("organisation_name_en"),
                _teams.c.area_path,
                _areas.c.name.label("area_name"),
                _invitations.c.expires_at,
                _invitations.c.revoked_at,
                _invitations.c.used_count,
                _invitations.c.use_limit,
                _teams.c.closed_at.is_not(None).label("is_team_closed"),
            )
            .select_from(
                _invitations.join(_teams, _teams.c.id == _invitations.c.team_id)
                .join(_areas, _areas.c.id == _teams.c.area_id)
                .outerjoin(_organisations, _organisations.c.id == _teams.c.organisation_id)
            )
            .where(_invitations.c.public_id == _public_id_of(token))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound("invitation_forged")
    view = InvitationView(*row)
    rules.ensure_invitation_holds(
        expires_at=view.expires_at,
        revoked_at=view.revoked_at,
        used_count=view.used_count,
        use_limit=view.use_limit,
        is_team_closed=bool(view.is_team_closed),
        now=now,
    )
    return view


def _invitation_rows(team: TeamView) -> Any:
    return (
        select(
            _invitations.c.public_id,
            _invitations.c.expires_at,
            _invitations.c.use_limit,
            _invitations.c.used_count,
            _invitations.c.made_at,
            _invitations.c.revoked_at,
            _teams.c.closed_at.is_not(None).label("is_team_closed"),
        )
        .join(_teams, _teams.c.id == _invitations.c.team_id)
        .where(_invitations.c.team_id == team.id)
    )


@reading
def list_invitations(*, team: TeamView) -> tuple[InvitationRow, ...]:
    """The invitations of a team that the actor has loaded, newest first."""
    rows = db.connection().execute(_invitation_rows(team).order_by(_invitations.c.id.desc()).limit(PAGE))
    return tuple(InvitationRow(*row) for row in rows)


@reading
def get_invitation_row(*, team: TeamView, public_id: str) -> InvitationRow:
    """One invitation of a team that the actor has loaded; NotFound for one of another team."""
    row = (
        db.connection()
        .execute(_invitation_rows(team).where(_invitations.c.public_id == public_id))
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return InvitationRow(*row)
