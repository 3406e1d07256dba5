"""Secret addresses: making one revokes the one before it, so that a lost one can always be taken back."""

from typing import Any

from sqlalchemy import select, update

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.ids import hash_token, new_public_id
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import SecretLink
from webapp.domain.rosters.queries import links
from webapp.domain.rosters.rules import LinkKind

_links: Any = SecretLink.__table__
_people: Any = Person.__table__


@writing
def make_link(*, deed: Deed, kind: LinkKind, subject: str) -> str:
    """Make the address of a post, a team or the actor's own volunteer row (its public id); returns the token.

    An older address of the same kind stops working at once. The same key answers the same token.
    Raises NotFound and NotAllowed as `queries.links.get_subject`.
    """
    claim = requests.claim(deed)
    connection = db.connection()
    if claim.is_repeat:
        made = connection.execute(select(_links.c.public_id).where(_links.c.id == claim.object_id))
        return links.token_of(made.scalar_one())
    about = links.get_subject(actor=deed.actor, kind=kind, public_id=subject)
    links.lock_subject(about)  # two that are made at once follow each other, so that one of them stays
    _revoke(deed, kind, about.id)
    public_id = new_public_id()
    token = links.token_of(public_id)
    link_id = connection.execute(
        _links.insert().returning(_links.c.id),
        {
            "public_id": public_id,
            "kind": kind,
            "subject_id": about.id,
            "token_hash": hash_token(token),
            "token_start": token[:6],
            "made_by": _name(deed),
            "made_at": deed.now,
        },
    ).scalar_one()
    requests.settle(claim, outcome="made", object_id=link_id)
    audit.record(deed, "make_link", "roster_link", link_id, area_path=about.area_path, link=str(kind))
    return token


@writing
def revoke_link(*, deed: Deed, kind: LinkKind, subject: str) -> None:
    """Take the address of a post, a team or the actor's own volunteer row back; nothing happens where none is live."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    about = links.get_subject(actor=deed.actor, kind=kind, public_id=subject)
    revoked = _revoke(deed, kind, about.id)
    requests.settle(claim, outcome="revoked", object_id=about.id)
    if revoked:
        audit.record(deed, "revoke_link", "roster_link", revoked, area_path=about.area_path, link=str(kind))


def _revoke(deed: Deed, kind: LinkKind, subject_id: int) -> int | None:
    """End the live address; its id, or None."""
    link_id: int | None = (
        db.connection()
        .execute(
            update(_links)
            .where(_links.c.kind == kind, _links.c.subject_id == subject_id, _links.c.revoked_at.is_(None))
            .values(revoked_at=deed.now)
            .returning(_links.c.id)
        )
        .scalar()
    )
    return link_id


def _name(deed: Deed) -> str:
    name = db.connection().execute(select(_people.c.name).where(_people.c.id == deed.actor.person_id))
    return str(name.scalar() or deed.actor.key)[:80]
