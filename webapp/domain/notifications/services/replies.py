"""SMS that come in: kept before anybody asks what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import crypto, db
from webapp.base.db import writing
from webapp.base.errors import RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.notifications.models import SmsReply
from webapp.domain.notifications.rules import ReplyState
from webapp.domain.people.rules import read_phones

LONGEST_TEXT = 2_000
LONGEST_PHONE = 40

_replies: Any = SmsReply.__table__
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class IncomingSms:
    """An SMS as a gateway hands it over; `gateway_id` is the same however often it is handed over."""

    gateway_id: str
    phone: str
    text: str


def store_replies(*, replies: Sequence[IncomingSms], now: datetime) -> int:
    """Keep each of them once, committed when this returns; answers how many are new.

    `received_at` is our clock at arrival. Reading them is somebody else's work: they are WAITING.
    """
    return _store([_row(each, now) for each in replies]) if replies else 0


@writing
def _store(rows: list[dict[str, Any]]) -> int:
    connection = db.connection()
    written = connection.execute(
        _INSERTS[connection.dialect.name](_replies)
        .on_conflict_do_nothing(index_elements=["gateway_id"])
        .returning(_replies.c.id),
        rows,
    )
    return len(written.all())


def _row(reply: IncomingSms, now: datetime) -> dict[str, Any]:
    phone = plain_phone(reply.phone)
    return {
        "public_id": new_public_id(),
        "gateway_id": reply.gateway_id,
        "phone": crypto.encrypt(phone),
        "phone_index": crypto.blind_index("phone", phone),
        "text": crypto.encrypt(reply.text[:LONGEST_TEXT]),
        "received_at": now,
        "state": ReplyState.WAITING,
    }


def plain_phone(phone: str) -> str:
    """A sender's number as lists have it: +86 138 0013 8000 is 13800138000. Short codes and names stay as they are."""
    try:
        numbers = read_phones(phone)
    except RuleBroken:
        return phone.strip()[:LONGEST_PHONE]
    return numbers[0] if len(numbers) == 1 else phone.strip()[:LONGEST_PHONE]
