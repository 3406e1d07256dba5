"""Reads of secret addresses: who stands behind a token, and which addresses there are of something."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import Gone, NotAllowed, NotFound
from webapp.base.ids import hash_token
from webapp.base.permissions import Permission
from webapp.domain.rosters.models import Post, SecretLink
from webapp.domain.rosters.queries.scope import visible
from webapp.domain.rosters.rules import LinkKind
from webapp.domain.volunteers.models import Team, Volunteer
from webapp.domain.volunteers.rules import VolunteerState

_links: Any = SecretLink.__table__
_posts: Any = Post.__table__
_teams: Any = Team.__table__
_volunteers: Any = Volunteer.__table__

# Longer ones cannot be tokens; they are not even hashed.
LONGEST_TOKEN = 64


@dataclass(frozen=True)
class FoundLink:
    """What a token opens: `subject_id` is a post, a team or a volunteer, as the kind says."""

    id: int
    public_id: str
    kind: LinkKind
    subject_id: int
    made_at: datetime


@dataclass(frozen=True)
class LinkSubject:
    """What an address is, or will be, about: the row, its area, and how it is called."""

    kind: LinkKind
    id: int
    public_id: str
    area_path: str
    name: str
    name_en: str | None


@dataclass(frozen=True)
class LinkView:
    """A live address as those who may make it see it. `token` is None where the keys were exchanged since."""

    public_id: str
    token: str | None
    made_by: str
    made_at: datetime


def token_of(public_id: str) -> str:
    """The token of the address with this public id: 128 bits under the server's key.

    So an address can be shown again to who may make it, and the database holds nothing but its hash.
    """
    return crypto.blind_index("roster_link", public_id)


@reading
def find_link(*, token: str, kind: LinkKind | None = None) -> FoundLink:
    """The live address behind a token; NotFound for a forged one or one of another kind, Gone for a revoked one."""
    if not token or len(token) > LONGEST_TOKEN:
        raise NotFound
    row = (
        db.connection()
        .execute(
            select(
                _links.c.id,
                _links.c.public_id,
                _links.c.kind,
                _links.c.subject_id,
                _links.c.made_at,
                _links.c.revoked_at,
            ).where(_links.c.token_hash == hash_token(token))
        )
        .one_or_none()
    )
    if row is None or (kind is not None and row.kind is not kind):
        raise NotFound
    if row.revoked_at is not None:
        raise Gone("link_revoked")
    return FoundLink(row.id, row.public_id, row.kind, row.subject_id, row.made_at)


@reading
def get_subject(*, actor: Actor, kind: LinkKind, public_id: str) -> LinkSubject:
    """The post, team or volunteer that the actor may make an address of.

    NotFound outside the actor's areas and teams, NotAllowed for who sees it and does not roster it. A
    volunteer's calendar is the volunteer's own: nobody else makes, renews or revokes it.
    """
    connection = db.connection()
    if kind is LinkKind.CALENDAR_VOLUNTEER:
        v = _volunteers.c
        row = connection.execute(
            select(v.id, v.public_id, v.area_path, v.name).where(
                v.public_id == public_id,
                v.person_id == actor.person_id,
                v.state.in_([VolunteerState.APPLIED, VolunteerState.ACCEPTED]),
            )
        ).one_or_none()
        if row is None:
            raise NotFound
        return LinkSubject(kind, row.id, row.public_id, row.area_path, row.name, None)
    table = _table(kind)
    team_id = table.c.id if table is _teams else table.c.team_id
    columns = (table.c.id, table.c.public_id, table.c.area_path, table.c.name, table.c.name_en)
    for permission, refusal in (
        (Permission.TEAM_ROSTER, None),
        (Permission.ROSTER_SEE, NotAllowed),
    ):
        row = connection.execute(
            select(*columns).where(
                table.c.public_id == public_id,
                visible(actor, permission, path=table.c.area_path, team_id=team_id),
            )
        ).one_or_none()
        if row is not None and refusal is not None:
            raise refusal
        if row is not None:
            return LinkSubject(kind, row.id, row.public_id, row.area_path, row.name, row.name_en)
    raise NotFound


def lock_subject(subject: LinkSubject) -> None:
    """Hold the row that an address is about until the transaction ends."""
    table = _table(subject.kind)
    db.connection().execute(select(table.c.id).where(table.c.id == subject.id).with_for_update())


def _table(kind: LinkKind) -> Any:
    return {LinkKind.CALENDAR_VOLUNTEER: _volunteers, LinkKind.CALENDAR_TEAM: _teams}.get(kind, _posts)


@reading
def get_live(*, subject: LinkSubject) -> LinkView | None:
    """The live address of a subject that the actor has loaded; None where there is none."""
    row = (
        db.connection()
        .execute(
            select(_links.c.public_id, _links.c.token_hash, _links.c.made_by, _links.c.made_at).where(
                _links.c.kind == subject.kind,
                _links.c.subject_id == subject.id,
                _links.c.revoked_at.is_(None),
            )
        )
        .one_or_none()
    )
    if row is None:
        return None
    token = token_of(row.public_id)
    return LinkView(
        row.public_id, token if hash_token(token) == row.token_hash else None, row.made_by, row.made_at
    )
