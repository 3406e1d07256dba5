"""Passwords of staff: signing in, changing, setting."""

import secrets
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import and_, delete, select, update

from webapp.base import audit, crypto, db, limits, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.domain.accounts import queries, rules
from webapp.domain.accounts.models import SignIn, User
from webapp.domain.accounts.services.parts import (
    NewSignIn,
    index_of_phone,
    key_of_address,
    sign_in_again,
    write_sign_in,
)

# RFC 9106 lets a small server choose less memory; these are OWASP's figures for 19 MiB. When they change, each
# password is hashed again at its next use.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Checked when there is no password to check, so that an unknown phone costs the same work.
_NO_PASSWORD = _hasher.hash(secrets.token_urlsafe(16))

_users: Any = User.__table__
_sign_ins: Any = SignIn.__table__


def sign_in_with_password(*, deed: Deed, phone: str, password: str, address: str) -> NewSignIn:
    """Sign a browser in by phone and password.

    Unknown phone, no password and wrong password are one answer, RuleBroken("password_wrong"), after the same
    statements and one argon2 check each.
    """
    number = rules.normalise_phone(phone)
    typed = rules.normalise_password(password)[: rules.PASSWORD_MAXIMUM]
    keys = (f"wrong_passwords:{index_of_phone(number)}", key_of_address("wrong_passwords", address))
    for key in keys:
        limits.hit(
            key=key, limit=rules.WRONG_PASSWORDS.count, window=rules.WRONG_PASSWORDS.window, now=deed.now
        )
    found = queries.find_password(phone_index=index_of_phone(number))
    if not _fits(found.password_hash if found else "", typed) or found is None:
        raise RuleBroken("password_wrong", field="password")
    better = _hasher.hash(typed) if _hasher.check_needs_rehash(found.password_hash) else None
    return _sign_in_with_password(deed=deed, user_id=found.user_id, better_hash=better, keys=keys)


def _fits(stored: str, typed: str) -> bool:
    try:
        return _hasher.verify(stored or _NO_PASSWORD, typed) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


@writing
def _sign_in_with_password(
    *, deed: Deed, user_id: int, better_hash: str | None, keys: tuple[str, str]
) -> NewSignIn:
    claim = requests.claim(deed)
    for key in keys:
        limits.give_back(key=key, window=rules.WRONG_PASSWORDS.window, now=deed.now)
    if claim.is_repeat:
        return sign_in_again(claim.object_id, deed.now)
    user = db.connection().execute(select(_users.c.blocked_at).where(_users.c.id == user_id)).one()
    if user.blocked_at is not None:
        raise NotAllowed("account_blocked")
    if better_hash:
        db.connection().execute(
            update(_users).where(_users.c.id == user_id).values(password_hash=better_hash)
        )
    sign_in = write_sign_in(user_id, deed.now)
    audit.record(deed, "sign_in", "user", user_id, by="password")
    requests.settle(claim, outcome="signed_in", object_id=sign_in.sign_in_id)
    return sign_in


def change_password(*, deed: Deed, sign_in_id: int, current: str, new: str) -> None:
    """Set the actor's own password and sign every other browser out.

    A known password must be typed first; for a first one the sign-in must be of the last minutes.
    """
    if not deed.actor.is_staff:
        raise NotAllowed
    if requests.is_claimed(deed):
        return
    user_id = deed.actor.user_id
    key = f"wrong_passwords:user:{user_id}"
    limits.hit(key=key, limit=rules.WRONG_PASSWORDS.count, window=rules.WRONG_PASSWORDS.window, now=deed.now)
    own = queries.get_own_password(actor=deed.actor, sign_in_id=sign_in_id)
    password = rules.normalise_password(new)
    rules.ensure_good_password(password, phone=crypto.decrypt(own.phone))
    if own.password_hash is None:
        rules.ensure_fresh(signed_in_at=own.signed_in_at, now=deed.now)
    elif not _fits(own.password_hash, rules.normalise_password(current)[: rules.PASSWORD_MAXIMUM]):
        raise RuleBroken("password_wrong", field="current")
    _change_password(
        deed=deed, user_id=own.user_id, password_hash=_hasher.hash(password), keep=sign_in_id, key=key
    )


@writing
def _change_password(*, deed: Deed, user_id: int, password_hash: str, keep: int | None, key: str) -> None:
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    connection = db.connection()
    connection.execute(update(_users).where(_users.c.id == user_id).values(password_hash=password_hash))
    others = _sign_ins.c.user_id == user_id
    if keep is not None:
        others = and_(others, _sign_ins.c.id != keep)
    connection.execute(delete(_sign_ins).where(others))
    limits.give_back(key=key, window=rules.WRONG_PASSWORDS.window, now=deed.now)
    audit.record(deed, "change_password", "user", user_id)
    requests.settle(claim, outcome="changed", object_id=user_id)


def hash_password(*, phone: str, password: str) -> str:
    """What is stored of a password that is good for this phone; takes its time, so never inside a transaction."""
    new = rules.normalise_password(password)
    rules.ensure_good_password(new, phone=rules.normalise_phone(phone))
    return _hasher.hash(new)


def set_password(*, deed: Deed, phone: str, password: str) -> None:
    """Set anybody's password from the shell and sign them out everywhere; NotFound for an unknown phone."""
    if not deed.actor.is_system:
        raise NotAllowed
    number = rules.normalise_phone(phone)
    new = rules.normalise_password(password)
    rules.ensure_good_password(new, phone=number)
    found = queries.find_password(phone_index=index_of_phone(number))
    if found is None:
        raise NotFound
    _change_password(
        deed=deed,
        user_id=found.user_id,
        password_hash=_hasher.hash(new),
        keep=None,
        key=f"wrong_passwords:{index_of_phone(number)}",
    )
