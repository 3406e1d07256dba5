"""Names of rows: public ids for URLs, short numbers for reading aloud, tokens for secret links."""

import hashlib
import os
import secrets
import time

from stdnum.iso7064 import mod_37_36

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PUBLIC_ID_LENGTH = 22

# 0/O and 1/I are left out because numbers are read over a bad telephone line.
_ALOUD = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
NUMBER_LENGTH = 5


def new_public_id() -> str:
    """A UUIDv7 (RFC 9562) in 22 base-62 characters; sorts by the millisecond it was made."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    characters = []
    for _ in range(PUBLIC_ID_LENGTH):
        value, remainder = divmod(value, 62)
        characters.append(_BASE62[remainder])
    return "".join(reversed(characters))


def new_number() -> str:
    """Four random characters and an ISO 7064 check character (hybrid system over 32 characters)."""
    return number_of(secrets.randbelow(len(_ALOUD) ** (NUMBER_LENGTH - 1)))


def number_of(value: int) -> str:
    """The number with this value, from 0 to a million or so (32⁴ - 1), and its check character."""
    body = ""
    for _ in range(NUMBER_LENGTH - 1):
        value, place = divmod(value, len(_ALOUD))
        body += _ALOUD[place]
    return body + str(mod_37_36.calc_check_digit(body, _ALOUD))


def is_number(text: str) -> bool:
    """Whether the text is a number that `new_number` could have made."""
    return len(text) == NUMBER_LENGTH and bool(mod_37_36.is_valid(text, _ALOUD))


def new_token() -> str:
    """128 random bits for a secret link or a session."""
    return secrets.token_urlsafe(16)


def hash_token(token: str) -> str:
    """What is stored of a token: it has 128 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
