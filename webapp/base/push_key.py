"""The key pair by which push services know Linli (VAPID, RFC 8292): from the settings, or made once per data directory."""

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FILE = "vapid_key"
_BYTES = 32


@dataclass(frozen=True)
class PushKey:
    """Both halves in base64url without padding: the private number, and the public point that browsers ask for."""

    private: str
    public: str


def read(text: str) -> PushKey:
    """The pair of a private key in base64url (32 bytes); raises ValueError when it is none."""
    try:
        raw = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except binascii.Error as error:
        raise ValueError("no base64url") from error
    if len(raw) != _BYTES:
        raise ValueError("not 32 bytes")
    key = ec.derive_private_key(int.from_bytes(raw), ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return PushKey(_text(raw), _text(point))


def of_directory(directory: Path) -> PushKey:
    """The pair of this data directory, made when there is none: subscriptions live as long as it does."""
    path = directory / FILE
    if not path.exists():
        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        # Written aside and linked: of several processes that start at once one wins, and none reads half a key.
        new = directory / f"{FILE}.{uuid4().hex}"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(_text(number.to_bytes(_BYTES)))
        try:
            os.link(new, path)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return read(path.read_text(encoding="ascii"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
