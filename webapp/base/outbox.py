"""The outbox: messages written in the transaction of the deed that causes them, sent by the worker after it.

The table is the queue. A worker takes due rows by a conditional update with a lease; every message keeps one
stable public id for ever, which goes to the gateway as its idempotency id.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base import crypto, db
from webapp.base.db import Ciphertext, Id, Model, PublicId, UtcDateTime, reading, word, writing
from webapp.base.deed import Deed
from webapp.base.ids import new_public_id
from webapp.base.prepared import Prepared

LEASE = timedelta(seconds=60)
ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=5)


class MessageState(StrEnum):
    """Where a message stands: waiting → sending → sent, or unknown, or failed for good."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"


class OutboxMessage(Model):
    """A message 短信 on its way to one phone: a template code with parameters, rendered when it is sent."""

    __tablename__ = "outbox_messages"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_outbox_messages_due", "state", "due_at"),
    )
    personal_columns = ("phone", "parameters", "secret")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    template: Mapped[str] = mapped_column(String(40))
    parameters: Mapped[str] = mapped_column(Text)
    secret: Mapped[bytes | None] = mapped_column(Ciphertext)
    phone: Mapped[bytes] = mapped_column(Ciphertext)
    language: Mapped[str] = mapped_column(String(10))
    state: Mapped[MessageState] = mapped_column(word(MessageState, "state"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempt_count: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(200))


@dataclass(frozen=True)
class DueMessage:
    """A message that this worker holds until `leased_until`; `secret` is in clear and must not be logged."""

    id: int
    public_id: str
    template: str
    parameters: dict[str, Any]
    secret: str | None
    phone: str
    language: str
    attempt_count: int
    leased_until: datetime


_messages: Any = OutboxMessage.__table__
_insert = Prepared(
    _messages.insert().inline(),
    *(
        column.name
        for column in _messages.columns
        if column.name not in {"id", "leased_until", "sent_at", "last_error"}
    ),
)


def enqueue(
    deed: Deed,
    template: str,
    *,
    phone: str,
    language: str,
    secret: str | None = None,
    due_at: datetime | None = None,
    **parameters: Any,
) -> str:
    """Put a message into the outbox of this transaction; returns its stable public id.

    `secret` (a one-time code) is stored encrypted and wiped when the message is sent or given up.
    """
    public_id = new_public_id()
    _insert.send(
        {
            "public_id": public_id,
            "template": template,
            "parameters": json.dumps(parameters, ensure_ascii=False, default=str),
            "secret": None if secret is None else crypto.encrypt(secret),
            "phone": crypto.encrypt(phone),
            "language": language,
            "state": MessageState.WAITING,
            "created_at": deed.now,
            "due_at": due_at or deed.now,
            "attempt_count": 0,
        },
    )
    return public_id


def withdraw(public_id: str) -> None:
    """Take back a message of this transaction, which nobody can have seen."""
    db.connection().execute(delete(_messages).where(_messages.c.public_id == public_id))


@reading
def has_due(*, now: datetime) -> bool:
    """Whether a message is due or its lease has run out: a cheap look before `take_due` asks to write."""
    c = _messages.c
    due = and_(c.state == MessageState.WAITING, c.due_at <= now)
    lapsed = and_(c.state == MessageState.SENDING, c.leased_until < now)
    found = db.connection().execute(select(or_(exists().where(due), exists().where(lapsed))))
    return bool(found.scalar_one())


@writing
def take_due(*, now: datetime, limit: int, may_repeat: bool) -> list[DueMessage]:
    """Lease up to `limit` due messages to the caller, oldest first.

    A message whose lease ran out was perhaps sent: it is taken again only where the gateway removes
    duplicates (`may_repeat`), otherwise it becomes `unknown` for a person to look at.
    """
    connection = db.connection()
    c = _messages.c
    lapsed = and_(c.state == MessageState.SENDING, c.leased_until < now)
    if not may_repeat:
        connection.execute(
            update(_messages)
            .where(lapsed)
            .values(state=MessageState.UNKNOWN, secret=None, leased_until=None, last_error="lease lapsed")
        )
    due = and_(c.state == MessageState.WAITING, c.due_at <= now)
    chosen = (
        select(c.id)
        .where(or_(due, lapsed) if may_repeat else due)
        .order_by(c.due_at, c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    until = now + LEASE
    rows = connection.execute(
        update(_messages)
        .where(c.id.in_(chosen))
        .values(state=MessageState.SENDING, leased_until=until, attempt_count=c.attempt_count + 1)
        .returning(
            c.id, c.public_id, c.template, c.parameters, c.secret, c.phone, c.language, c.attempt_count
        )
    ).all()
    return [
        DueMessage(
            id=row.id,
            public_id=row.public_id,
            template=row.template,
            parameters=json.loads(row.parameters),
            secret=None if row.secret is None else crypto.decrypt(row.secret),
            phone=crypto.decrypt(row.phone),
            language=row.language,
            attempt_count=row.attempt_count,
            leased_until=until,
        )
        for row in sorted(rows, key=lambda row: row.id)
    ]


@writing
def settle(*, message: DueMessage, state: MessageState, now: datetime, error: str | None = None) -> bool:
    """Write what became of a leased message; False when the lease was lost to another worker meanwhile.

    WAITING means try again: the pause doubles, and after the last attempt it is FAILED instead.
    """
    if state is MessageState.WAITING and message.attempt_count >= ATTEMPTS:
        state = MessageState.FAILED
    is_over = state is not MessageState.WAITING
    values: dict[str, Any] = {
        "state": state,
        "leased_until": None,
        "last_error": error,
        "sent_at": now if state is MessageState.SENT else None,
        "due_at": now if is_over else now + FIRST_PAUSE * 2 ** (message.attempt_count - 1),
    }
    if is_over:
        values["secret"] = None
    c = _messages.c
    changed = db.connection().execute(
        update(_messages)
        .where(c.id == message.id, c.state == MessageState.SENDING, c.leased_until == message.leased_until)
        .values(**values)
    )
    return changed.rowcount == 1


@writing
def sweep(*, before: datetime) -> int:
    """Delete messages that were settled and enqueued before the instant: a phone number is not kept for ever."""
    over = [MessageState.SENT, MessageState.UNKNOWN, MessageState.FAILED]
    gone = db.connection().execute(
        delete(_messages).where(_messages.c.state.in_(over), _messages.c.created_at < before)
    )
    return gone.rowcount


@reading
def depth() -> int:
    """How many messages wait or are being sent."""
    waiting = select(func.count()).where(_messages.c.state.in_([MessageState.WAITING, MessageState.SENDING]))
    count: int = db.connection().execute(waiting).scalar_one()
    return count
