"""What gateways tell of messages after they took them: reached, not reached; and of addresses: gone, refusing.

Receipts come late, twice, in any order and of messages that nobody knows any more; each of those is harmless.
What is known is written at the message; whether a phone number works is written at the number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import case, delete, exists, func, select, update

from webapp.base import db, outbox
from webapp.base.db import reading, writing
from webapp.base.outbox import MessageState, OutboxMessage, Way
from webapp.domain.notifications.models import Contact
from webapp.domain.notifications.rules import ContactState
from webapp.domain.people.models import PersonPhone

# A subscription or robot that refuses once may have had a bad moment.
REFUSALS_UNTIL_FAILING = 3

_messages: Any = OutboxMessage.__table__
_phones: Any = PersonPhone.__table__
_contacts: Any = Contact.__table__


class ReceiptKind(StrEnum):
    """What a gateway says of a message: it left, it arrived, it will not arrive."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Receipt:
    """One receipt. `is_about_phone`: the number did not take it, and not the gateway's own radio or time limit."""

    message_id: str
    kind: ReceiptKind
    is_about_phone: bool = True


@dataclass(frozen=True)
class Tries:
    """What came of tries to reach addresses of one way: they are gone, they refused, they took it."""

    way: Way
    gone: Sequence[str] = field(default_factory=tuple)
    refused: Sequence[str] = field(default_factory=tuple)
    reached: Sequence[str] = field(default_factory=tuple)


@writing
def take_receipts(*, receipts: Sequence[Receipt], now: datetime) -> None:
    """Write down what the SMS gateway says; a receipt that says nothing new changes nothing."""
    for receipt in receipts:
        if receipt.kind is ReceiptKind.FAILED:
            _not_delivered(receipt, now)
            continue
        _was_sent(receipt, now)
        if receipt.kind is ReceiptKind.DELIVERED:
            _delivered(receipt, now)


def _was_sent(receipt: Receipt, now: datetime) -> None:
    """The gateway has it, whatever became of its answer: it is not sent again, and nobody needs to look."""
    c = _messages.c
    states = [MessageState.UNKNOWN]
    if receipt.kind is ReceiptKind.DELIVERED:
        states += [MessageState.WAITING, MessageState.SENDING]
    db.connection().execute(
        update(_messages)
        .where(c.public_id == receipt.message_id, c.way == Way.SMS, c.state.in_(states))
        .values(
            state=MessageState.SENT,
            sent_at=func.coalesce(c.sent_at, now, type_=c.sent_at.type),
            leased_until=None,
            last_error=None,
            secret=None,
        )
    )


def _delivered(receipt: Receipt, now: datetime) -> None:
    c, p = _messages.c, _phones.c
    index = (
        db.connection()
        .execute(
            update(_messages)
            .where(c.public_id == receipt.message_id, c.way == Way.SMS, c.delivered_at.is_(None))
            # Said to have failed before: some networks try again, and what arrived has arrived.
            .values(delivered_at=now, undelivered_at=None)
            .returning(c.address_index)
        )
        .scalar_one_or_none()
    )
    if index is not None:
        db.connection().execute(
            update(_phones)
            .where(p.phone_index == index, p.failing_since.is_not(None))
            .values(failing_since=None)
        )


def _not_delivered(receipt: Receipt, now: datetime) -> None:
    c, p = _messages.c, _phones.c
    connection = db.connection()
    failed = connection.execute(
        update(_messages)
        .where(
            c.public_id == receipt.message_id,
            c.way == Way.SMS,
            c.delivered_at.is_(None),
            c.undelivered_at.is_(None),
        )
        .values(undelivered_at=now)
        .returning(c.id, c.address_index)
    ).one_or_none()
    if failed is None or failed.address_index is None or not receipt.is_about_phone:
        return
    # A receipt that was long on its way says nothing of a number that took a later message.
    works_since = exists().where(
        c.address_index == failed.address_index, c.id > failed.id, c.delivered_at.is_not(None)
    )
    if connection.execute(select(works_since)).scalar_one():
        return
    connection.execute(
        update(_phones)
        .where(p.phone_index == failed.address_index, p.failing_since.is_(None))
        .values(failing_since=now)
    )


def note_tries(*, tries: Tries, now: datetime) -> None:
    """Write down how subscriptions and channels behaved: what is gone is deleted, what refuses again and again fails."""
    if tries.gone or tries.refused or (tries.reached and _some_refused(tries.way)):
        _note_tries(tries, now)


@reading
def _some_refused(way: Way) -> bool:
    c = _contacts.c
    refused = exists().where(c.channel == way.value, c.fail_count > 0)
    return bool(db.connection().execute(select(refused)).scalar_one())


@writing
def _note_tries(tries: Tries, now: datetime) -> None:
    c = _contacts.c
    connection = db.connection()

    def those(addresses: Sequence[str]) -> Any:
        return (c.channel == tries.way.value) & c.address_index.in_(
            sorted({outbox.address_index(tries.way, each) for each in addresses})
        )

    if tries.gone:
        connection.execute(delete(_contacts).where(those(tries.gone)))
    if tries.refused:
        fails = c.fail_count + 1 >= REFUSALS_UNTIL_FAILING
        connection.execute(
            update(_contacts)
            .where(those(tries.refused))
            .values(
                fail_count=c.fail_count + 1,
                state=case((fails, ContactState.FAILING.value), else_=c.state),
                failing_since=case(
                    (fails, func.coalesce(c.failing_since, now, type_=c.failing_since.type)),
                    else_=c.failing_since,
                ),
            )
        )
    if tries.reached:
        connection.execute(
            update(_contacts)
            .where(those(tries.reached), c.fail_count > 0)
            .values(
                fail_count=0,
                failing_since=None,
                state=case(
                    (c.state != ContactState.FAILING.value, c.state),
                    (c.verified_at.is_(None), ContactState.PENDING.value),
                    else_=ContactState.VERIFIED.value,
                ),
            )
        )
