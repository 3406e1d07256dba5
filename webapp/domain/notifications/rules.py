"""Rules of notifications: channels, states of a contact, replies by SMS. Pure."""

import re
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from webapp.base.errors import RuleBroken

# What a person copies out of a group robot's settings, and the address by which Apprise knows it.
_ROBOTS = (
    (re.compile(r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send/?\?key=([\w-]+)"), "wecombot"),
    (re.compile(r"https://oapi\.dingtalk\.com/robot/send/?\?access_token=(\w+)"), "dingtalk"),
    (re.compile(r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([\w-]+)/?"), "feishu"),
    (re.compile(r"https://open\.larksuite\.com/open-apis/bot/v2/hook/([\w-]+)/?"), "lark"),
)
_MAIL = re.compile(r"[\w.%+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}")
MAIL = "mail"
CONTACTS_PER_CHANNEL = 5
LABEL_LENGTH = 60
# How long the question whether a number works may be answered by SMS, and how soon it is asked again.
CHECK_ANSWERED_WITHIN = timedelta(days=7)
CHECK_AGAIN_AFTER = timedelta(days=1)
ASKED_AT_ONCE = 2000
TEST_AGAIN_AFTER = timedelta(seconds=30)


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


def is_push_address(url: str, *, hosts: tuple[str, ...]) -> bool:
    """Whether a push subscription leads to one of these services, over TLS.

    `*.example.org` stands for everything below it. A host with its port written out may be spoken to in the
    clear when it is this machine itself, as in tests.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except (ValueError, TypeError, AttributeError):
        return False
    if parts.username is not None or not host:
        return False
    if parts.scheme == "http":
        return host == "127.0.0.1" and f"{host}:{port}" in hosts
    if parts.scheme != "https" or port not in {None, 443}:
        return False
    return any(
        host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:])) for allowed in hosts
    )


def staff_address(text: str) -> str:
    """The address of a staff channel as it is stored, from what a person pastes: a robot's link or a mail address.

    Raises RuleBroken("staff_address_wrong").
    """
    text = text.strip()
    for pattern, kind in _ROBOTS:
        if found := pattern.fullmatch(text):
            return f"{kind}://{found[1]}"
    if _MAIL.fullmatch(text):
        return f"mailto:{text}"
    if re.fullmatch(r"(?:wecombot|dingtalk|feishu|lark)://[\w-]+(?:@\w+)?/?", text):
        return text
    raise RuleBroken("staff_address_wrong", field="address")


def staff_kind(address: str) -> str:
    """What kind of channel a stored address is: `mail`, or the scheme of Apprise (wecombot, dingtalk, feishu, …)."""
    scheme, colon, rest = address.partition(":")
    if not colon:
        return ""
    return MAIL if scheme == "mailto" and not rest.startswith("//") else scheme


_KEY = re.compile(r"[A-Za-z0-9_-]{16,120}={0,2}")
_LONGEST_ENDPOINT = 1000


def ensure_subscription(*, endpoint: str, p256dh: str, auth: str, hosts: tuple[str, ...]) -> None:
    """A subscription as browsers make it, at a push service that messages may go to; else RuleBroken."""
    keys_fit = _KEY.fullmatch(p256dh) and _KEY.fullmatch(auth)
    if len(endpoint) > _LONGEST_ENDPOINT or not endpoint.isprintable() or not keys_fit:
        raise RuleBroken("subscription_wrong")
    if not is_push_address(endpoint, hosts=hosts):
        raise RuleBroken("push_service_unknown")
