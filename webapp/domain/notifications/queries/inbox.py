"""Reads of the inbox: one's own, newest first, a page at a time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.domain.notifications.models import InboxItem

PAGE = 20

_items: Any = InboxItem.__table__


@dataclass(frozen=True)
class Item:
    """A message as it was written down; it becomes words in the language of whoever reads it."""

    public_id: str
    template: str
    parameters: Mapping[str, Any]
    address: str | None
    is_drill: bool
    created_at: datetime
    is_unread: bool


@dataclass(frozen=True)
class InboxPage:
    """Items, newest first; `before` leads to the next page, None on the last one."""

    items: tuple[Item, ...]
    before: str | None


@reading
def list_items(*, actor: Actor, before: str | None = None) -> InboxPage:
    """A page of the actor's own inbox, below the item `before`; an item that is not theirs shows the first page."""
    if actor.person_id is None:
        return InboxPage((), None)
    c = _items.c
    connection = db.connection()
    statement = select(_items).where(c.person_id == actor.person_id).order_by(c.id.desc()).limit(PAGE + 1)
    if before:
        last = connection.execute(
            select(c.id).where(c.public_id == before, c.person_id == actor.person_id)
        ).scalar()
        if last is not None:
            statement = statement.where(c.id < last)
    rows = connection.execute(statement).all()
    shown = rows[:PAGE]
    return InboxPage(
        items=tuple(
            Item(
                public_id=row.public_id,
                template=row.template,
                parameters=json.loads(row.parameters),
                address=row.address,
                is_drill=row.is_drill,
                created_at=row.created_at,
                is_unread=row.read_at is None,
            )
            for row in shown
        ),
        before=shown[-1].public_id if len(rows) > PAGE else None,
    )
