"""Deeds of notifications."""

from webapp.domain.notifications.services.contacts import (
    add_channel,
    add_push,
    ask_to_verify,
    confirm_contact,
    remove_contact,
    resume_sms,
    stop_sms,
    try_contact,
    verify_phone_by_reply,
)
from webapp.domain.notifications.services.inbox import open_item, read_all
from webapp.domain.notifications.services.notify import Notice, Told, notify
from webapp.domain.notifications.services.receipts import (
    Receipt,
    ReceiptKind,
    Tries,
    note_tries,
    take_receipts,
)
from webapp.domain.notifications.services.replies import IncomingSms, plain_phone, store_replies

__all__ = [
    "IncomingSms",
    "Notice",
    "Receipt",
    "ReceiptKind",
    "Told",
    "Tries",
    "add_channel",
    "add_push",
    "ask_to_verify",
    "confirm_contact",
    "note_tries",
    "notify",
    "open_item",
    "plain_phone",
    "read_all",
    "remove_contact",
    "resume_sms",
    "stop_sms",
    "store_replies",
    "take_receipts",
    "try_contact",
    "verify_phone_by_reply",
]
