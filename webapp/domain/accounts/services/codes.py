"""Signing in by one-time code."""

import hmac
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import audit, crypto, db, limits, outbox, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import RuleBroken, TooMany
from webapp.domain.accounts import rules
from webapp.domain.accounts.models import SignInCode
from webapp.domain.accounts.services.parts import (
    NewSignIn,
    Preferences,
    ensure_user,
    index_of_phone,
    key_of_address,
    sign_in_again,
    spend,
    write_sign_in,
)

_codes: Any = SignInCode.__table__


def request_code(*, deed: Deed, phone: str, language: str, address: str, per_address: int) -> str:
    """Send a one-time code to the phone, known or not, and return the number as it is stored.

    Nothing here looks a user up, so nobody learns by answer, word or work whether the number has an account.
    `per_address` is how many codes one address may ask for in an hour; codes that are used do not count.
    """
    number = rules.normalise_phone(phone)
    if not requests.is_claimed(deed):
        limits.hit(
            key=key_of_address("codes", address),
            limit=per_address,
            window=rules.CODES_PER_ADDRESS_WINDOW,
            now=deed.now,
        )
    _request_code(deed=deed, phone=number, language=language)
    return number


@writing
def _request_code(*, deed: Deed, phone: str, language: str) -> None:
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    phone_index = index_of_phone(phone)
    code = f"{secrets.randbelow(10**rules.CODE_LENGTH):0{rules.CODE_LENGTH}d}"
    _replace_code(phone_index, _code_hash(phone, code), deed.now)
    spend(f"codes:{phone_index}:hour", rules.CODES_PER_HOUR, deed.now)
    spend(f"codes:{phone_index}:day", rules.CODES_PER_DAY, deed.now)
    audit.record(deed, "request_code", "sign_in_code", None)
    outbox.enqueue(
        deed,
        "code",
        phone=phone,
        language=rules.language_of(language),
        secret=code,
        # Before anything that is due now: somebody stands at the door and waits.
        due_at=deed.now - rules.CODE_LIFETIME,
        until=deed.now + rules.CODE_LIFETIME,
    )
    requests.settle(claim, outcome="code_sent", object_id=None)


def _replace_code(phone_index: str, code_hash: str, now: datetime) -> None:
    """The phone's one live code is this one now; raises TooMany within a minute of the one before."""
    connection = db.connection()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = {
        "code_hash": code_hash,
        "created_at": now,
        "expires_at": now + rules.CODE_LIFETIME,
        "try_count": 0,
        "used_at": None,
    }
    replaced = connection.execute(
        dialect.insert(_codes)
        .values(phone_index=phone_index, **values)
        .on_conflict_do_update(
            index_elements=["phone_index"],
            set_=values,
            where=or_(_codes.c.created_at <= now - rules.CODE_PAUSE, _codes.c.used_at.is_not(None)),
        )
        .returning(_codes.c.phone_index)
    ).scalar()
    if replaced is None:
        before = connection.execute(
            select(_codes.c.created_at).where(_codes.c.phone_index == phone_index)
        ).scalar_one()
        left = (before + rules.CODE_PAUSE - now).total_seconds()
        raise TooMany("code_sent_already", retry_after=max(1, round(left)))


def sign_in_with_code(
    *, deed: Deed, phone: str, code: str, address: str, preferences: Preferences
) -> NewSignIn:
    """Sign a browser in by the code that its phone received; the account begins with the first one.

    A wrong, used, replaced or expired code is RuleBroken("code_wrong"), always in the same words.
    """
    number = rules.normalise_phone(phone)
    code_hash = _code_hash(number, rules.normalise_code(code))
    address_key = key_of_address("wrong_codes", address)
    fits = requests.is_claimed(deed) or _try_code(
        phone_index=index_of_phone(number), code_hash=code_hash, address_key=address_key, now=deed.now
    )
    # Looked at once more: the same request, sent twice at once, may have used the code in between.
    if not fits and not requests.is_claimed(deed):
        raise RuleBroken("code_wrong", field="code")
    return _sign_in_with_code(
        deed=deed,
        phone=number,
        code_hash=code_hash,
        address_keys=(address_key, key_of_address("codes", address)),
        preferences=preferences,
    )


@writing
def _try_code(*, phone_index: str, code_hash: str, address_key: str, now: datetime) -> bool:
    """Count a try and say whether the code fits; a transaction of its own, so wrong tries stay counted."""
    spend(address_key, rules.WRONG_CODES_PER_ADDRESS, now)
    stored = (
        db.connection()
        .execute(
            update(_codes)
            .where(_is_live(phone_index, now), _codes.c.try_count < rules.CODE_TRIES)
            .values(try_count=_codes.c.try_count + 1)
            .returning(_codes.c.code_hash)
        )
        .scalar()
    )
    return hmac.compare_digest(stored or "-", code_hash)


@writing
def _sign_in_with_code(
    *, deed: Deed, phone: str, code_hash: str, address_keys: tuple[str, str], preferences: Preferences
) -> NewSignIn:
    claim = requests.claim(deed)
    if claim.is_repeat:
        return sign_in_again(claim.object_id, deed.now)
    # The counters first, in the order in which _try_code takes them.
    for key in address_keys:
        limits.give_back(key=key, window=rules.CODES_PER_ADDRESS_WINDOW, now=deed.now)
    used = db.connection().execute(
        update(_codes)
        .where(_is_live(index_of_phone(phone), deed.now), _codes.c.code_hash == code_hash)
        .values(used_at=deed.now)
    )
    if used.rowcount != 1:
        raise RuleBroken("code_wrong", field="code")
    user_id = ensure_user(phone=phone, preferences=preferences, now=deed.now)
    sign_in = write_sign_in(user_id, deed.now)
    audit.record(deed, "sign_in", "user", user_id, by="code")
    requests.settle(claim, outcome="signed_in", object_id=sign_in.sign_in_id)
    return sign_in


def _is_live(phone_index: str, now: datetime) -> Any:
    return and_(_codes.c.phone_index == phone_index, _codes.c.used_at.is_(None), _codes.c.expires_at > now)


def _code_hash(phone: str, code: str) -> str:
    return crypto.blind_index("sign_in_code", f"{phone}\0{code}")
