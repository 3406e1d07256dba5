"""The time at which the server opened a form, signed, so that a phone cannot move it."""

from datetime import UTC, datetime

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

FIELD = "opened"


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="opened")


def seal(at: datetime) -> str:
    """The text that a form carries."""
    return str(_serializer().dumps(int(at.timestamp())))


def read(text: str | None) -> datetime | None:
    """When the form was opened; None where nothing, or something forged, came."""
    try:
        seconds = _serializer().loads(text or "")
        return datetime.fromtimestamp(seconds, UTC)
    except (BadSignature, TypeError, ValueError, OverflowError, OSError):
        return None
