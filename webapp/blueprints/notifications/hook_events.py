"""The bodies of a gateway's hooks, read into values. Two protocols, both in docs/messages.md."""

import json
from datetime import UTC, datetime
from typing import Any

from webapp.base import crypto
from webapp.domain.notifications.services.receipts import Receipt, ReceiptKind
from webapp.domain.notifications.services.replies import IncomingSms

MOST_AT_ONCE = 500
_LONGEST_ID = 200

_SMSGATE_RECEIPTS = {
    "sms:sent": ReceiptKind.SENT,
    "sms:delivered": ReceiptKind.DELIVERED,
    "sms:failed": ReceiptKind.FAILED,
}
_SMSGATE_RECEIVED = frozenset({"sms:received", "sms:batch:received"})
# SMSGate's reasons that are about its own SIM, radio or clock and say nothing of the number.
_SMSGATE_OWN_FAULTS = ("send result", "ttl expired", "no sims found")

_PLAIN_RECEIPTS = {
    "sent": ReceiptKind.SENT,
    "delivered": ReceiptKind.DELIVERED,
    "undelivered": ReceiptKind.FAILED,
    "expired": ReceiptKind.FAILED,
}


class Unreadable(Exception):
    """A signed body that is not what the protocol says."""


def read(body: bytes, protocol: str) -> tuple[list[Receipt], list[IncomingSms]]:
    """The receipts and the SMS of a hook's body; both empty for events that are of no use here."""
    try:
        event = json.loads(body)
    except ValueError as error:
        raise Unreadable from error
    if not isinstance(event, dict):
        raise Unreadable
    return (_smsgate if protocol == "smsgate" else _plain)(event)


def _smsgate(event: dict[str, Any]) -> tuple[list[Receipt], list[IncomingSms]]:
    """SMSGate: {"event", "id", "deviceId", "webhookId", "payload": {…}}, batches as {"payload": {"messages": […]}}."""
    name, payload = event.get("event"), event.get("payload")
    if name in _SMSGATE_RECEIPTS:
        payload = _dict(payload)
        reason = str(payload.get("reason") or "").casefold()
        return [
            Receipt(
                message_id=_text(payload, "messageId"),
                kind=_SMSGATE_RECEIPTS[name],
                is_about_phone=not reason.startswith(_SMSGATE_OWN_FAULTS),
            )
        ], []
    if name in _SMSGATE_RECEIVED:
        payload = _dict(payload)
        many = payload.get("messages", [payload])
        if not isinstance(many, list) or len(many) > MOST_AT_ONCE:
            raise Unreadable
        return [], [_smsgate_sms(_dict(each)) for each in many]
    return [], []


def _smsgate_sms(payload: dict[str, Any]) -> IncomingSms:
    """An SMS of SMSGate, under an id that we derive.

    `messageId` is made from the contents and may repeat; the event's own id changes when a second hook is
    registered or the inbox is exported anew. Sender, time on the phone, text and messageId together stay the
    same for one SMS, and no second SMS has them: a sender's two "1" arrive at two times.
    """
    phone = str(payload.get("sender") or "") or _text(payload, "phoneNumber")
    text = _text(payload, "message", may_be_empty=True)
    at = _text(payload, "receivedAt")
    parts = (phone, _instant(at), text, str(payload.get("messageId") or ""))
    return IncomingSms(f"smsgate:{crypto.blind_index('sms_reply', chr(0).join(parts))}", phone, text)


def _plain(event: dict[str, Any]) -> tuple[list[Receipt], list[IncomingSms]]:
    """Linli plain SMS, version 1: {"event", "id", …}."""
    name = event.get("event")
    if name in _PLAIN_RECEIPTS:
        return [
            Receipt(
                message_id=_text(event, "id"),
                kind=_PLAIN_RECEIPTS[name],
                is_about_phone=name == "undelivered",
            )
        ], []
    if name == "received":
        given = _text(event, "id")
        return [], [
            IncomingSms(
                f"plain:{crypto.blind_index('sms_reply', given)}",
                _text(event, "from"),
                _text(event, "text", may_be_empty=True),
            )
        ]
    return [], []


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable
    return value


def _text(values: dict[str, Any], name: str, *, may_be_empty: bool = False) -> str:
    value = values.get(name)
    if not isinstance(value, str) or (not value.strip() and not may_be_empty):
        raise Unreadable
    # A NUL cannot be stored in PostgreSQL, and no phone can write one.
    return value.replace("\0", "") if may_be_empty else value.replace("\0", "")[:_LONGEST_ID]


def _instant(text: str) -> str:
    """The same instant in the same words, whatever time zone the phone was in when it told us."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at.tzinfo else text
