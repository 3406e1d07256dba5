"""What the deeds of accounts share: the account of a phone, a new sign-in, keys of counters."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import crypto, db, limits
from webapp.base.errors import NotAllowed, RuleBroken
from webapp.base.ids import hash_token, new_public_id, new_token
from webapp.domain.accounts import rules
from webapp.domain.accounts.models import SignIn, TextSize, Theme, User
from webapp.domain.accounts.rules import Limit

_users: Any = User.__table__
_sign_ins: Any = SignIn.__table__


@dataclass(frozen=True)
class NewSignIn:
    """A browser that is signed in now; `token` is in clear here and nowhere else."""

    token: str
    sign_in_id: int


@dataclass(frozen=True)
class Preferences:
    """How a person likes to read: None leaves as it is."""

    language: str | None = None
    text_size: TextSize | None = None
    theme: Theme | None = None

    @classmethod
    def of(
        cls, *, language: str | None = None, text_size: str | None = None, theme: str | None = None
    ) -> Self:
        """From what a form or a cookie said; what Linli does not know is None."""
        return cls(
            language=language if language in rules.LANGUAGES else None,
            text_size=TextSize(text_size) if text_size in list(TextSize) else None,
            theme=Theme(theme) if theme in list(Theme) else None,
        )


def ensure_user(*, phone: str, preferences: Preferences, now: datetime) -> int:
    """The user of this phone, made if there is none; raises NotAllowed for a blocked one.

    No deed of its own: for services that have claimed one.
    """
    connection = db.connection()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    phone_index = index_of_phone(phone)
    connection.execute(
        dialect.insert(_users)
        .values(
            public_id=new_public_id(),
            phone=crypto.encrypt(phone),
            phone_index=phone_index,
            phone_tail=phone[-4:],
            language=rules.language_of(preferences.language),
            text_size=preferences.text_size or TextSize.NORMAL,
            theme=preferences.theme or Theme.SYSTEM,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["phone_index"])
    )
    user = connection.execute(
        select(_users.c.id, _users.c.blocked_at).where(_users.c.phone_index == phone_index)
    ).one()
    if user.blocked_at is not None:
        raise NotAllowed("account_blocked")
    user_id: int = user.id
    return user_id


def write_sign_in(user_id: int, now: datetime) -> NewSignIn:
    """A new sign-in of the user, for a browser that has proved who it is."""
    token = new_token()
    sign_in_id: int = (
        db.connection()
        .execute(
            _sign_ins.insert().returning(_sign_ins.c.id),
            {
                "token_hash": hash_token(token),
                "user_id": user_id,
                "created_at": now,
                "expires_at": now + rules.SIGN_IN_LIFETIME,
            },
        )
        .scalar_one()
    )
    return NewSignIn(token=token, sign_in_id=sign_in_id)


def sign_in_again(sign_in_id: int | None, now: datetime) -> NewSignIn:
    """The same sign-in under a new token, for a browser that never saw the answer to its first try."""
    token = new_token()
    renewed = db.connection().execute(
        update(_sign_ins)
        .where(_sign_ins.c.id == sign_in_id, _sign_ins.c.created_at > now - rules.REPEAT_WINDOW)
        .values(token_hash=hash_token(token))
    )
    if sign_in_id is None or renewed.rowcount != 1:
        raise RuleBroken("code_wrong", field="code")
    return NewSignIn(token=token, sign_in_id=sign_in_id)


def index_of_phone(phone: str) -> str:
    """The keyed hash under which a phone is looked up."""
    return crypto.blind_index("phone", phone)


def key_of_address(what: str, address: str) -> str:
    """The counter's key of a network address, which is itself not stored."""
    return f"{what}:address:{crypto.blind_index('address', rules.address_block(address))}"


def spend(key: str, limit: Limit, now: datetime) -> None:
    """Count one more under the key; a deed that is refused after all has spent nothing."""
    limits.spend(key=key, limit=limit.count, window=limit.window, now=now)
