"""Rules of notifications: channels, states of a contact, replies by SMS. Pure."""

from enum import StrEnum


class Channel(StrEnum):
    """A way to reach somebody 渠道: the inbox in the app, SMS, web push, a staff channel (group robot or mail)."""

    IN_APP = "in_app"
    SMS = "sms"
    PUSH = "push"
    STAFF = "staff"


class ContactState(StrEnum):
    """What is known of a contact: nobody has answered from it yet, proved, lately undeliverable, not wanted."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILING = "failing"
    OPTED_OUT = "opted_out"


class WhyNot(StrEnum):
    """Why no SMS reaches somebody: no number is known, the gateway cannot deliver there, its owner wants none."""

    NO_PHONE = "no_phone"
    FAILING = "failing"
    OPTED_OUT = "opted_out"


class ReplyState(StrEnum):
    """An SMS that came in: WAITING to be read, DONE, UNCLEAR (a person reads it), SETTLED by that person."""

    WAITING = "waiting"
    DONE = "done"
    UNCLEAR = "unclear"
    SETTLED = "settled"
