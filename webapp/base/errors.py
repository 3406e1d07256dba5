"""Refusals as values: each carries a code and parameters; `web/errors.py` turns them into sentences."""

from typing import Any


class LinliError(Exception):
    """A refusal with an answer. `code` names the sentence, `params` fill it, `status` is the HTTP status."""

    status = 400

    def __init__(self, code: str, *, field: str | None = None, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.params = params


class NotFound(LinliError):
    """Missing, or invisible to this actor: outsiders cannot tell the difference."""

    status = 404

    def __init__(self, code: str = "not_found", **params: Any) -> None:
        super().__init__(code, **params)


class NotAllowed(LinliError):
    """The actor sees the thing but has not the right to do this."""

    status = 403

    def __init__(self, code: str = "not_allowed", **params: Any) -> None:
        super().__init__(code, **params)


class SignInRequired(LinliError):
    """Nobody is signed in."""

    status = 401

    def __init__(self, code: str = "sign_in_required", **params: Any) -> None:
        super().__init__(code, **params)


class Conflict(LinliError):
    """The state has moved on since the person looked."""

    status = 409


class Gone(LinliError):
    """It was here and is over."""

    status = 410


class RuleBroken(LinliError):
    """A rule says no to this change; `field` names the form field that it is about."""

    status = 422


class TooMany(LinliError):
    """A limit is reached; `retry_after` is in seconds."""

    status = 429

    def __init__(self, code: str = "too_many", *, retry_after: int, **params: Any) -> None:
        super().__init__(code, retry_after=retry_after, **params)
        self.retry_after = retry_after
