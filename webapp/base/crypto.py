"""Encrypted columns with key rotation, and keyed hashes for looking them up."""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
_KEY_ID = 4


def _derive(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"linli " + purpose).derive(secret.encode())


class Vault:
    """Encrypts with the newest key, decrypts with any, and hashes for look-ups.

    The look-up key is derived from the oldest secret, so that adding a newer encryption key leaves every
    blind index valid. A ciphertext is key id (4 bytes) + nonce (12) + AES-256-GCM.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        derived = [_derive(secret, b"column") for secret in secrets]
        self._ciphers = {hashlib.sha256(key).digest()[:_KEY_ID]: AESGCM(key) for key in derived}
        self._newest = hashlib.sha256(derived[0]).digest()[:_KEY_ID]
        self._index_key = _derive(secrets[-1], b"index")

    def encrypt(self, text: str) -> bytes:
        """The text as ciphertext under the newest key."""
        nonce = os.urandom(_NONCE)
        return self._newest + nonce + self._ciphers[self._newest].encrypt(nonce, text.encode(), None)

    def decrypt(self, ciphertext: bytes) -> str:
        """The text again; raises KeyError when its key is not configured, InvalidTag when it was changed."""
        cipher = self._ciphers[bytes(ciphertext[:_KEY_ID])]
        nonce = ciphertext[_KEY_ID : _KEY_ID + _NONCE]
        return cipher.decrypt(nonce, ciphertext[_KEY_ID + _NONCE :], None).decode()

    def is_newest(self, ciphertext: bytes) -> bool:
        """Whether the ciphertext is already under the newest key."""
        return bytes(ciphertext[:_KEY_ID]) == self._newest

    def blind_index(self, purpose: str, text: str) -> str:
        """A keyed hash (22 characters): equal texts give equal hashes, and nothing else can be read from it."""
        digest = hmac.new(self._index_key, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


_vault: Vault | None = None


def configure(secrets: Sequence[str]) -> None:
    """Set the process's keys, newest first; create_app calls this once."""
    global _vault  # noqa: PLW0603 - keys belong to the process, like its environment
    _vault = Vault(secrets)


def vault() -> Vault:
    """The process's vault; raises RuntimeError before `configure`."""
    if _vault is None:
        raise RuntimeError("crypto.configure was not called")
    return _vault


def encrypt(text: str) -> bytes:
    """Shorthand for `vault().encrypt`."""
    return vault().encrypt(text)


def decrypt(ciphertext: bytes) -> str:
    """Shorthand for `vault().decrypt`."""
    return vault().decrypt(ciphertext)


def blind_index(purpose: str, text: str) -> str:
    """Shorthand for `vault().blind_index`."""
    return vault().blind_index(purpose, text)
