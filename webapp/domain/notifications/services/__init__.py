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

__all__ = [
    "Notice",
    "Told",
    "add_channel",
    "add_push",
    "ask_to_verify",
    "confirm_contact",
    "notify",
    "open_item",
    "read_all",
    "remove_contact",
    "resume_sms",
    "stop_sms",
    "try_contact",
    "verify_phone_by_reply",
]
