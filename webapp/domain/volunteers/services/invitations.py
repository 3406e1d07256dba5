"""Invitations into teams: made and revoked by the head, counted when somebody comes through one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, Gone, SignInRequired
from webapp.base.ids import new_public_id
from webapp.domain.people.models import Person
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.models import TeamInvitation, Volunteer
from webapp.domain.volunteers.queries import teams as queries
from webapp.domain.volunteers.queries.teams import InvitationView
from webapp.domain.volunteers.rules import VolunteerState

_people: Any = Person.__table__
_volunteers: Any = Volunteer.__table__
_invitations: Any = TeamInvitation.__table__


@writing
def make_invitation(*, deed: Deed, team: str, days: int, use_limit: int) -> str:
    """An invitation into the team for so many days and people; returns its public id."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(claim.object_id)
    row = queries.find_team(actor=deed.actor, public_id=team, to_manage=True)
    if row.closed_at is not None:
        raise Conflict("team_closed")
    lasts = rules.ensure_invitation(days=days, use_limit=use_limit)
    public_id = new_public_id()
    invitation_id: int = (
        db.connection()
        .execute(
            _invitations.insert().returning(_invitations.c.id),
            {
                "public_id": public_id,
                "team_id": row.id,
                "expires_at": deed.now + lasts,
                "use_limit": use_limit,
                "used_count": 0,
                "made_by": deed.actor.key,
                "made_at": deed.now,
            },
        )
        .scalar_one()
    )
    audit.record(
        deed,
        "make_invitation",
        "team_invitation",
        invitation_id,
        area_path=row.area_path,
        team_id=row.id,
        expires_at=deed.now + lasts,
        use_limit=use_limit,
    )
    requests.settle(claim, outcome="made", object_id=invitation_id)
    return public_id


def _public_id(invitation_id: int | None) -> str:
    found: str = (
        db.connection()
        .execute(select(_invitations.c.public_id).where(_invitations.c.id == invitation_id))
        .scalar_one()
    )
    return found


@writing
def revoke_invitation(*, deed: Deed, team: str, public_id: str) -> None:
    """Nobody comes through this invitation any more; who came before stays."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    queries.find_team(actor=deed.actor, public_id=team, to_manage=True)
    view = queries.get_team(actor=deed.actor, public_id=team)
    queries.get_invitation_row(team=view, public_id=public_id)
    revoked = (
        db.connection()
        .execute(
            update(_invitations)
            .where(_invitations.c.public_id == public_id, _invitations.c.revoked_at.is_(None))
            .values(revoked_at=deed.now)
            .returning(_invitations.c.id)
        )
        .scalar()
    )
    if revoked is None:
        raise Gone("invitation_revoked")
    audit.record(
        deed, "revoke_invitation", "team_invitation", revoked, area_path=view.area_path, team_id=view.id
    )
    requests.settle(claim, outcome="revoked", object_id=revoked)


def use(invitation: InvitationView, now: datetime) -> None:
    """Count one more who comes through it, last in the deed: the row is hot, and its condition decides.

    Raises Gone with the reason when the last use was somebody else's, or it was revoked meanwhile.
    """
    c = _invitations.c
    connection = db.connection()
    counted = connection.execute(
        update(_invitations)
        .where(
            c.id == invitation.id,
            c.used_count < c.use_limit,
            c.revoked_at.is_(None),
            c.expires_at > now,
        )
        .values(used_count=c.used_count + 1)
    )
    if counted.rowcount == 1:
        return
    row = connection.execute(select(_invitations).where(c.id == invitation.id)).one()
    rules.ensure_invitation_holds(
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_count=row.used_count,
        use_limit=row.use_limit,
        is_team_closed=False,
        now=now,
    )
    raise Gone("invitation_used_up")


@dataclass(frozen=True)
class Joined:
    """Who came into a team: whether this deed did it, or they belonged to it already."""

    public_id: str
    is_new: bool


@writing
def join_team(*, deed: Deed, token: str) -> Joined:
    """A volunteer comes into the team that invites them, and is accepted.

    Raises Conflict("not_a_volunteer_yet") for who has not signed up, Conflict("in_another_team") for who belongs
    to another team (the head moves them), Conflict("volunteer_refused_before") for who was told no.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return Joined(_volunteer_public_id(claim.object_id), is_new=claim.outcome == "joined")
    if deed.actor.user_id is None:
        raise SignInRequired
    invitation = queries.get_invitation(token=token, now=deed.now)
    connection = db.connection()
    connection.execute(
        update(_people).where(_people.c.id == deed.actor.person_id).values(version=_people.c.version + 1)
    )
    row = connection.execute(
        select(_volunteers).where(_volunteers.c.person_id == deed.actor.person_id)
    ).one_or_none()
    if row is None or row.state in {VolunteerState.LEFT, VolunteerState.MERGED}:
        raise Conflict("not_a_volunteer_yet")
    joined = put_into(deed, row, invitation)
    requests.settle(claim, outcome="joined" if joined else "member", object_id=row.id)
    return Joined(row.public_id, is_new=joined)


def put_into(deed: Deed, row: Any, invitation: InvitationView) -> bool:
    """Put a volunteer whose person is locked into the inviting team; False when they belong to it already."""
    if row.state == VolunteerState.REFUSED:
        raise Conflict("volunteer_refused_before", reason=row.decision_note or "–")
    if row.team_id == invitation.team_id and row.state == VolunteerState.ACCEPTED:
        return False
    if row.team_id not in {None, invitation.team_id}:
        raise Conflict("in_another_team")
    db.connection().execute(
        update(_volunteers)
        .where(_volunteers.c.id == row.id)
        .values(
            state=VolunteerState.ACCEPTED,
            team_id=invitation.team_id,
            organisation_id=invitation.organisation_id,
            society=invitation.society,
            invitation_id=invitation.id,
            decided_at=deed.now,
            decided_by=f"invitation:{invitation.id}",
            version=row.version + 1,
        )
    )
    audit.record(
        deed,
        "join_team",
        "volunteer",
        row.id,
        area_path=row.area_path,
        team_id=invitation.team_id,
        invitation_id=invitation.id,
    )
    use(invitation, deed.now)
    return True


def _volunteer_public_id(volunteer_id: int | None) -> str:
    found: str = (
        db.connection()
        .execute(select(_volunteers.c.public_id).where(_volunteers.c.id == volunteer_id))
        .scalar_one()
    )
    return found
