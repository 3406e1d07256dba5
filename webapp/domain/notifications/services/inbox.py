"""Reading the inbox: an item that was opened is read, and the badge follows."""

from typing import Any

from sqlalchemy import case, func, select, update

from webapp.base import db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import NotFound
from webapp.domain.accounts.models import User
from webapp.domain.notifications.models import InboxItem

_users: Any = User.__table__
_items: Any = InboxItem.__table__


@writing
def open_item(*, deed: Deed, public_id: str) -> str | None:
    """Mark an own item as read; returns the path of the page it is about. NotFound for somebody else's."""
    claim = requests.claim(deed)
    connection = db.connection()
    c = _items.c
    item = connection.execute(
        select(c.id, c.address).where(c.public_id == public_id, c.person_id == deed.actor.person_id)
    ).one_or_none()
    if item is None:
        raise NotFound
    if not claim.is_repeat:
        read = connection.execute(
            update(_items).where(c.id == item.id, c.read_at.is_(None)).values(read_at=deed.now)
        )
        if read.rowcount:
            _lower_unread(deed.actor.person_id)
        requests.settle(claim, outcome="read", object_id=item.id)
    address: str | None = item.address
    return address


@writing
def read_all(*, deed: Deed) -> None:
    """Mark all own items as read that are there now."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    connection = db.connection()
    c = _items.c
    connection.execute(
        update(_items)
        .where(c.person_id == deed.actor.person_id, c.read_at.is_(None), c.created_at <= deed.now)
        .values(read_at=deed.now)
    )
    recount(deed.actor.person_id)
    requests.settle(claim, outcome="read", object_id=deed.actor.user_id)


def _lower_unread(person_id: int | None) -> None:
    # Relative, so that what is told meanwhile is not forgotten; never below nothing.
    count = _users.c.unread_count
    db.connection().execute(
        update(_users)
        .where(_users.c.person_id == person_id)
        .values(unread_count=case((count > 0, count - 1), else_=0))
    )


def recount(person_id: int | None) -> None:
    """Let the badge say again what the inbox holds; inside a writing door."""
    connection = db.connection()
    # The accounts are locked before the items are counted: who tells something meanwhile waits and then adds one.
    connection.execute(select(_users.c.id).where(_users.c.person_id == person_id).with_for_update())
    unread = select(func.count()).where(_items.c.person_id == person_id, _items.c.read_at.is_(None))
    connection.execute(
        update(_users).where(_users.c.person_id == person_id).values(unread_count=unread.scalar_subquery())
    )
