"""The outbox: messages written in the transaction of the deed that causes them, sent by the worker after it.

The table is the queue. A worker takes due rows by a conditional update with a lease; every message keeps one
stable public id for ever, which goes to the gateway as its idempotency id.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
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
from webapp.base.db import (
    Ciphertext,
    Id,
    Model,
    PublicId,
    UtcDateTime,
    is_any,
    partial_index,
    reading,
    word,
    writing,
)
from webapp.base.deed import Deed
from webapp.base.ids import new_public_id
from webapp.base.prepared import Prepared

LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=5)
_REFERENCES_AT_ONCE = 5000


class MessageState(StrEnum):
    """Where a message stands: waiting → sending → sent, or unknown, or failed for good."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Way(StrEnum):
    """By which way a message leaves: SMS, web push, or a staff channel (group robot, mail)."""

    SMS = "sms"
    PUSH = "push"
    STAFF = "staff"


class Rank(IntEnum):
    """Who goes first when many wait: somebody at the sign-in page, what was called for, all else."""

    CODE = 0
    CALL = 1
    OTHER = 5


# How long a message goes on waiting for a way out that is away. An SMS of yesterday still says what is so; what
# pops up on a screen or in a group hours later only confuses, and stands in the inbox anyway.
GIVE_UP_AFTER = {Way.SMS: timedelta(days=1), Way.PUSH: timedelta(hours=2), Way.STAFF: timedelta(hours=2)}
LONGEST_PAUSE: Mapping[int, timedelta] = {Rank.CODE: timedelta(seconds=20), Rank.CALL: timedelta(minutes=1)}
LONGEST_PAUSE_OF_OTHERS = timedelta(minutes=5)


def pause_after(attempt: int, *, rank: int) -> timedelta:
    """How long a message waits after so many tries: twice as long each time, up to what its hurry allows."""
    doublings: int = min(attempt - 1, 12)
    longest = LONGEST_PAUSE.get(rank, LONGEST_PAUSE_OF_OTHERS)
    return min(FIRST_PAUSE * (1 << doublings), longest)


def is_hopeless(attempt: int, *, way: Way, rank: int) -> bool:
    """Whether the pauses after so many tries add up to more than a message waits by this way.

    Reckoned from the tries and not from the clock: a clock that jumps gives nothing up.
    """
    waited = timedelta(0)
    for each in range(1, attempt + 1):
        waited += pause_after(each, rank=rank)
        if waited > GIVE_UP_AFTER[way]:
            return True
    return False


class OutboxMessage(Model):
    """A message on its way to one address (a phone, mostly): a template code with parameters, rendered when it is sent.

    `reference` names what it is about (summons:<public id>), `address_index` finds it by phone or subscription.
    `delivered_at` and `undelivered_at` come from the gateway's receipts, after it took the message.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_outbox_messages_due", "way", "state", "rank", "due_at"),
        Index("ix_outbox_messages_address_index", "address_index", "id"),
        partial_index("ix_outbox_messages_reference", "reference", where="reference IS NOT NULL"),
    )
    personal_columns = ("address", "address_index", "parameters", "secret")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    template: Mapped[str] = mapped_column(String(40))
    parameters: Mapped[str] = mapped_column(Text)
    secret: Mapped[bytes | None] = mapped_column(Ciphertext)
    way: Mapped[Way] = mapped_column(word(Way, "way"), default=Way.SMS)
    rank: Mapped[int] = mapped_column(Integer, default=int(Rank.OTHER))
    address: Mapped[bytes] = mapped_column(Ciphertext)
    address_index: Mapped[str | None] = mapped_column(String(22))
    reference: Mapped[str | None] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(10))
    state: Mapped[MessageState] = mapped_column(word(MessageState, "state"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempt_count: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(200))
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undelivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class DueMessage:
    """A message that this worker holds until `leased_until`; `secret` is in clear and must not be logged."""

    id: int
    public_id: str
    template: str
    parameters: dict[str, Any]
    secret: str | None
    way: Way
    rank: int
    address: str
    reference: str | None
    language: str
    attempt_count: int
    leased_until: datetime


@dataclass(frozen=True)
class Settled:
    """What became of a leased message; WAITING means try again later."""

    message: DueMessage
    state: MessageState
    error: str | None = None


@dataclass(frozen=True)
class Outgoing:
    """A message to put into the outbox: by which way, to which address, about what."""

    template: str
    address: str
    language: str
    way: Way = Way.SMS
    rank: Rank = Rank.OTHER
    reference: str | None = None
    due_at: datetime | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


_messages: Any = OutboxMessage.__table__
_insert = Prepared(
    _messages.insert().inline(),
    *(
        column.name
        for column in _messages.columns
        if column.name
        not in {"id", "leased_until", "sent_at", "last_error", "delivered_at", "undelivered_at"}
    ),
)


def address_index(way: Way, address: str) -> str:
    """How messages to this address are found: a keyed hash, for phones the same as `person_phones.phone_index`."""
    return crypto.blind_index("phone" if way is Way.SMS else str(way), address)


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
    """Put an SMS into the outbox of this transaction; returns its stable public id.

    `secret` (a one-time code) is stored encrypted and wiped when the message is sent or given up; such a message
    goes before all others.
    """
    outgoing = Outgoing(
        template=template,
        address=phone,
        language=language,
        rank=Rank.OTHER if secret is None else Rank.CODE,
        due_at=due_at,
        parameters=parameters,
    )
    row = _row(deed, outgoing)
    row["secret"] = None if secret is None else crypto.encrypt(secret)
    _insert.send(row)
    return str(row["public_id"])


def enqueue_many(deed: Deed, messages: Iterable[Outgoing]) -> list[str]:
    """Put many messages into the outbox of this transaction in one statement; returns their public ids in order."""
    rows = [_row(deed, each) for each in messages]
    if rows:
        db.connection().execute(_messages.insert().inline(), rows)
    return [str(row["public_id"]) for row in rows]


def _row(deed: Deed, message: Outgoing) -> dict[str, Any]:
    return {
        "public_id": new_public_id(),
        "template": message.template,
        "parameters": json.dumps(dict(message.parameters), ensure_ascii=False, default=str),
        "secret": None,
        "way": message.way,
        "rank": int(message.rank),
        "address": crypto.encrypt(message.address),
        "address_index": address_index(message.way, message.address),
        "reference": message.reference,
        "language": message.language,
        "state": MessageState.WAITING,
        "created_at": deed.now,
        "due_at": message.due_at or deed.now,
        "attempt_count": 0,
    }


def withdraw(public_id: str) -> None:
    """Take back a message of this transaction, which nobody can have seen."""
    db.connection().execute(delete(_messages).where(_messages.c.public_id == public_id))


def withdraw_unsent(template: str, references: Sequence[str]) -> set[str]:
    """Take back the messages of this template about these that still wait; returns about which none had gone out.

    Inside the caller's transaction: what a sender holds at this moment counts as gone.
    """
    connection = db.connection()
    c = _messages.c
    back: set[str] = set()
    gone: set[str] = set()
    for start in range(0, len(references), _REFERENCES_AT_ONCE):
        some = references[start : start + _REFERENCES_AT_ONCE]
        about = and_(c.template == template, c.reference.in_(some))
        waits = and_(c.state == MessageState.WAITING, c.attempt_count == 0)
        back |= set(
            connection.execute(delete(_messages).where(about, waits).returning(c.reference)).scalars()
        )
        gone |= set(connection.execute(select(c.reference).where(about).distinct()).scalars())
    return back - gone


@reading
def has_due(*, now: datetime, ways: Collection[Way] = tuple(Way)) -> bool:
    """Whether a message of these ways is due or its lease has run out: a cheap look before anybody asks to write."""
    c = _messages.c
    due = and_(_by(ways), c.state == MessageState.WAITING, c.due_at <= now)
    lapsed = and_(_by(ways), c.state == MessageState.SENDING, c.leased_until < now)
    found = db.connection().execute(select(or_(exists().where(due), exists().where(lapsed))))
    return bool(found.scalar_one())


def _by(ways: Collection[Way]) -> ColumnElement[bool]:
    # Written out, so that the index by way and state serves the statement and keeps its order.
    return is_any(_messages.c.way, *sorted(ways))


@writing
def take_due(
    *, now: datetime, limit: int, may_repeat: bool, ways: Collection[Way] = tuple(Way)
) -> list[DueMessage]:
    """Lease up to `limit` due messages of these ways to the caller, those in a hurry and the oldest first.

    A message whose lease ran out was perhaps sent: it is taken again only where the gateway removes
    duplicates (`may_repeat`), otherwise it becomes `unknown` for a person to look at.
    """
    return _take(now=now, limit=limit, may_repeat=may_repeat, ways=ways)


@writing
def settle_and_take(
    *, settled: Sequence[Settled], now: datetime, limit: int, may_repeat: bool, ways: Collection[Way]
) -> tuple[set[str], list[DueMessage]]:
    """`settle_all` and `take_due` in one transaction: a commit waits for the disk, and a busy sender waits once."""
    kept = _settle(settled, now)
    taken = _take(now=now, limit=limit, may_repeat=may_repeat, ways=ways) if limit else []
    return kept, taken


def _take(*, now: datetime, limit: int, may_repeat: bool, ways: Collection[Way]) -> list[DueMessage]:
    connection = db.connection()
    c = _messages.c
    lapsed = and_(_by(ways), c.state == MessageState.SENDING, c.leased_until < now)
    if may_repeat:
        # Back in the queue; the try that may have reached the gateway stays counted.
        values: dict[str, Any] = {"state": MessageState.WAITING, "leased_until": None}
    else:
        values = {
            "state": MessageState.UNKNOWN,
            "secret": None,
            "leased_until": None,
            "last_error": "lease lapsed",
        }
    connection.execute(update(_messages).where(lapsed).values(**values))
    chosen = (
        select(c.id)
        .where(_by(ways), c.state == MessageState.WAITING, c.due_at <= now)
        .order_by(c.rank, c.due_at, c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # Named, so that PostgreSQL runs it once: as a plain subquery of IN it may be run again for each row that
        # is looked at, each time over other rows, and more than `limit` would be taken.
        .cte("chosen")
    )
    until = now + LEASE
    rows = connection.execute(
        update(_messages)
        .where(c.id.in_(select(chosen.c.id)))
        .values(state=MessageState.SENDING, leased_until=until, attempt_count=c.attempt_count + 1)
        .returning(
            c.id,
            c.public_id,
            c.template,
            c.parameters,
            c.secret,
            c.way,
            c.rank,
            c.address,
            c.reference,
            c.language,
            c.attempt_count,
        )
    ).all()
    return [
        DueMessage(
            id=row.id,
            public_id=row.public_id,
            template=row.template,
            parameters=json.loads(row.parameters),
            secret=None if row.secret is None else crypto.decrypt(row.secret),
            way=row.way,
            rank=row.rank,
            address=crypto.decrypt(row.address),
            reference=row.reference,
            language=row.language,
            attempt_count=row.attempt_count,
            leased_until=until,
        )
        for row in sorted(rows, key=lambda row: (row.rank, row.id))
    ]


@writing
def settle(*, message: DueMessage, state: MessageState, now: datetime, error: str | None = None) -> bool:
    """Write what became of a leased message; False when the lease was lost to another worker meanwhile.

    WAITING means try again: the pause doubles, and a message that has waited too long is FAILED instead.
    """
    return bool(_settle([Settled(message, state, error)], now))


def _settle(settled: Sequence[Settled], now: datetime) -> set[str]:
    """Write what became of leased messages; the public ids of those whose lease still held."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    for each in settled:
        message, state = each.message, each.state
        if state is MessageState.WAITING and is_hopeless(
            message.attempt_count, way=message.way, rank=message.rank
        ):
            state = MessageState.FAILED
        due_at = now
        if state is MessageState.WAITING:
            due_at += pause_after(message.attempt_count, rank=message.rank)
        alike.setdefault((state, message.leased_until, each.error, due_at), []).append(message.id)
    c = _messages.c
    kept: set[str] = set()
    for (state, leased_until, error, due_at), ids in alike.items():
        values: dict[str, Any] = {
            "state": state,
            "leased_until": None,
            "last_error": error,
            "sent_at": now if state is MessageState.SENT else None,
            "due_at": due_at,
        }
        if state is not MessageState.WAITING:
            values["secret"] = None
        changed = db.connection().execute(
            update(_messages)
            .where(c.id.in_(ids), c.state == MessageState.SENDING, c.leased_until == leased_until)
            .values(**values)
            .returning(c.public_id)
        )
        kept.update(changed.scalars())
    return kept


@writing
def give_back(messages: Sequence[DueMessage]) -> None:
    """Put leased messages back that nobody has begun to send: they are due again, and the try does not count."""
    c = _messages.c
    for leased_until in {message.leased_until for message in messages}:
        ids = [message.id for message in messages if message.leased_until == leased_until]
        db.connection().execute(
            update(_messages)
            .where(c.id.in_(ids), c.state == MessageState.SENDING, c.leased_until == leased_until)
            .values(state=MessageState.WAITING, leased_until=None, attempt_count=c.attempt_count - 1)
        )


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
