"""Rules of signing in: what a phone number is, how codes and passwords look, what is too often."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.base.errors import RuleBroken

LANGUAGES = ("zh_Hans", "en")
CODE_LENGTH = 6
CODE_LIFETIME = timedelta(minutes=5)
CODE_PAUSE = timedelta(seconds=60)
CODE_TRIES = 5
SIGN_IN_LIFETIME = timedelta(days=30)
# A browser sends a POST again by itself when its connection died; after this time a repeat is no repair.
REPEAT_WINDOW = timedelta(minutes=10)
# Setting a first password asks for a fresh sign-in: a phone left on a table must not yield a lasting key.
FRESH = timedelta(minutes=15)
PASSWORD_MINIMUM = 10
PASSWORD_MAXIMUM = 200
PASSWORD_VARIETY = 5


@dataclass(frozen=True)
class Limit:
    """At most `count` in each `window`."""

    count: int
    window: timedelta


CODES_PER_HOUR = Limit(5, timedelta(hours=1))
CODES_PER_DAY = Limit(10, timedelta(days=1))
WRONG_CODES_PER_ADDRESS = Limit(20, timedelta(hours=1))
WRONG_PASSWORDS = Limit(10, timedelta(minutes=15))
CODES_PER_ADDRESS_WINDOW = timedelta(hours=1)

# Mainland mobile numbers: 11 digits, a 1 and then 3 to 9.
_MOBILE = re.compile(r"1[3-9]\d{9}")
_FILLERS = re.compile(r"[\s\-‐-―()()·.]+")


def normalise_phone(text: str) -> str:
    """A mainland mobile number as 11 digits, from what people type: full-width digits, spaces, +86.

    Raises RuleBroken("phone_not_mobile") for anything else.
    """
    digits = _FILLERS.sub("", unicodedata.normalize("NFKC", text))
    for prefix in ("+86", "0086", "86"):
        if digits.startswith(prefix) and len(digits) == len(prefix) + 11:
            digits = digits.removeprefix(prefix)
            break
    if not _MOBILE.fullmatch(digits) or not digits.isascii():
        raise RuleBroken("phone_not_mobile", field="phone")
    return digits


def normalise_code(text: str) -> str:
    """What was typed as a code: digits in ASCII without spaces; anything else stays and will not fit."""
    return _FILLERS.sub("", unicodedata.normalize("NFKC", text))[:20]


def address_block(text: str) -> str:
    """What counts as one address for limits: an IPv4 address, or the /64 that one IPv6 customer holds."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def normalise_password(text: str) -> str:
    """The same password from any keyboard: in NFKC a full-width letter is the letter it looks like."""
    return unicodedata.normalize("NFKC", text)


def ensure_good_password(password: str, *, phone: str) -> None:
    """Refuse what is guessed first: too short, of few different characters, or the phone number."""
    if len(password) < PASSWORD_MINIMUM:
        raise RuleBroken("password_too_short", field="password", minimum=PASSWORD_MINIMUM)
    if len(password) > PASSWORD_MAXIMUM:
        raise RuleBroken("password_too_long", field="password", maximum=PASSWORD_MAXIMUM)
    if len(set(password)) < PASSWORD_VARIETY or phone in password or password in phone:
        raise RuleBroken("password_too_plain", field="password")


def ensure_fresh(*, signed_in_at: datetime, now: datetime) -> None:
    """Refuse a first password from a sign-in that is not of the last minutes."""
    if now - signed_in_at > FRESH:
        raise RuleBroken("sign_in_not_fresh")


def language_of(text: str | None) -> str:
    """A language that Linli speaks; Chinese for anything unknown."""
    return text if text in LANGUAGES else LANGUAGES[0]
