"""Reads of people and their phones."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import NotFound
from webapp.domain.people.models import Person, PersonPhone

_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__


@dataclass(frozen=True)
class OwnPerson:
    """The person behind the signed-in user, with the numbers that a code has proved."""

    id: int
    name: str
    phones: tuple[str, ...]


@reading
def get_own(*, actor: Actor) -> OwnPerson:
    """The actor's own person; NotFound while nobody knows who the user is."""
    rows = (
        db.connection()
        .execute(
            select(_people.c.id, _people.c.name, _phones.c.phone)
            .select_from(
                _people.outerjoin(
                    _phones, (_phones.c.person_id == _people.c.id) & _phones.c.verified_at.is_not(None)
                )
            )
            .where(_people.c.id == actor.person_id)
            .order_by(_phones.c.position, _phones.c.id)
        )
        .all()
    )
    if not rows:
        raise NotFound
    return OwnPerson(
        rows[0].id, rows[0].name, tuple(crypto.decrypt(row.phone) for row in rows if row.phone is not None)
    )
