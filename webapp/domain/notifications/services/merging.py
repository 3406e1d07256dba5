"""What becomes of messages and contacts when two people turn out to be one; inside the caller's transaction."""

from typing import Any

from sqlalchemy import delete, exists, update

from webapp.base import db
from webapp.domain.notifications.models import Contact, InboxItem

_items: Any = InboxItem.__table__
_contacts: Any = Contact.__table__


def unite_inboxes(*, kept_person_id: int, gone_person_id: int) -> None:
    """What was said to either stands in one inbox, each thing once, and each phone or channel is known once."""
    _move(_items, ("template", "reference"), kept_person_id, gone_person_id)
    _move(_contacts, ("channel", "address_index"), kept_person_id, gone_person_id)


def _move(table: Any, unique: tuple[str, ...], kept: int, gone: int) -> None:
    twin = table.alias("twin")
    same = [twin.c[name] == table.c[name] for name in unique]
    connection = db.connection()
    connection.execute(
        delete(table).where(table.c.person_id == gone, exists().where(twin.c.person_id == kept, *same))
    )
    connection.execute(update(table).where(table.c.person_id == gone).values(person_id=kept))
