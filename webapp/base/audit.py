"""The audit log: every change leaves a line in the transaction that made it."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, bindparam, insert
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base.db import Id, Model, SortText, UtcDateTime
from webapp.base.deed import Deed
from webapp.base.prepared import Prepared


class AuditEntry(Model):
    """Who did what to which row, when, why, for whom and from where. Never changed, never deleted by a deed."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_object", "kind", "object_id", "id"),
        Index("ix_audit_entries_area_path", "area_path", "id"),
    )
    personal_columns = ("facts", "reason")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_key: Mapped[str] = mapped_column(String(80))
    on_behalf_of: Mapped[int | None] = mapped_column(Id)
    verb: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[int | None] = mapped_column(Id)
    area_path: Mapped[str | None] = mapped_column(SortText)
    reason: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(20))
    client_id: Mapped[str] = mapped_column(String(64))
    facts: Mapped[str] = mapped_column(Text)


_entries: Any = AuditEntry.__table__
_insert = Prepared(
    insert(_entries)
    .values({column.name: bindparam(column.name) for column in _entries.columns if column.name != "id"})
    .inline()
)


def record(
    deed: Deed, verb: str, kind: str, object_id: int | None, *, area_path: str | None = None, **facts: Any
) -> None:
    """Write the line of this deed. `facts` are small plain values; names, phones and illness stay out."""
    _insert.send(
        {
            "at": deed.now,
            "actor_key": deed.actor.key,
            "on_behalf_of": deed.on_behalf_of,
            "verb": verb,
            "kind": kind,
            "object_id": object_id,
            "area_path": area_path,
            "reason": deed.reason,
            "source": deed.source,
            "client_id": deed.client_id,
            "facts": json.dumps(facts, ensure_ascii=False, default=str, separators=(",", ":")),
        },
    )
