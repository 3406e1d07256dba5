"""Changes of users, sign-ins, codes, passwords and appointments."""

import hmac
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import audit, crypto, db, limits, outbox, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import NotAllowed, NotFound, RuleBroken, TooMany
from webapp.base.ids import hash_token, new_public_id, new_token
from webapp.base.permissions import Permission, Role
from webapp.domain.accounts import queries, rules
from webapp.domain.accounts.models import Appointment, SignIn, SignInCode, TextSize, Theme, User
from webapp.domain.accounts.rules import Limit
from webapp.domain.areas.models import Area

# RFC 9106 lets a small server choose less memory; these are OWASP's figures for 19 MiB. When they change, each
# password is hashed again at its next use.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Checked when there is no password to check, so that an unknown phone costs the same work.
_NO_PASSWORD = _hasher.hash(secrets.token_urlsafe(16))

_users: Any = User.__table__
_sign_ins: Any = SignIn.__table__
_codes: Any = SignInCode.__table__
_appointments: Any = Appointment.__table__
_areas: Any = Area.__table__


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


# --- one-time codes -----------------------------------------------------------------------------------------


def request_code(*, deed: Deed, phone: str, language: str, address: str, per_address: int) -> str:
    """Send a one-time code to the phone, known or not, and return the number as it is stored.

    Nothing here looks a user up, so nobody learns by answer, word or work whether the number has an account.
    `per_address` is how many codes one address may ask for in an hour; codes that are used do not count.
    """
    number = rules.normalise_phone(phone)
    if not requests.is_claimed(deed):
        limits.hit(
            key=_address_key("codes", address),
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
    phone_index = _phone_index(phone)
    code = f"{secrets.randbelow(10**rules.CODE_LENGTH):0{rules.CODE_LENGTH}d}"
    _replace_code(phone_index, _code_hash(phone, code), deed.now)
    _spend(f"codes:{phone_index}:hour", rules.CODES_PER_HOUR, deed.now)
    _spend(f"codes:{phone_index}:day", rules.CODES_PER_DAY, deed.now)
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
    address_key = _address_key("wrong_codes", address)
    fits = requests.is_claimed(deed) or _try_code(
        phone_index=_phone_index(number), code_hash=code_hash, address_key=address_key, now=deed.now
    )
    # Looked at once more: the same request, sent twice at once, may have used the code in between.
    if not fits and not requests.is_claimed(deed):
        raise RuleBroken("code_wrong", field="code")
    return _sign_in_with_code(
        deed=deed,
        phone=number,
        code_hash=code_hash,
        address_keys=(address_key, _address_key("codes", address)),
        preferences=preferences,
    )


@writing
def _try_code(*, phone_index: str, code_hash: str, address_key: str, now: datetime) -> bool:
    """Count a try and say whether the code fits; a transaction of its own, so wrong tries stay counted."""
    _spend(address_key, rules.WRONG_CODES_PER_ADDRESS, now)
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
        return _sign_in_again(claim.object_id, deed.now)
    # The counters first, in the order in which _try_code takes them.
    for key in address_keys:
        limits.give_back(key=key, window=rules.CODES_PER_ADDRESS_WINDOW, now=deed.now)
    used = db.connection().execute(
        update(_codes)
        .where(_is_live(_phone_index(phone), deed.now), _codes.c.code_hash == code_hash)
        .values(used_at=deed.now)
    )
    if used.rowcount != 1:
        raise RuleBroken("code_wrong", field="code")
    user_id = ensure_user(phone=phone, preferences=preferences, now=deed.now)
    sign_in = _write_sign_in(user_id, deed.now)
    audit.record(deed, "sign_in", "user", user_id, by="code")
    requests.settle(claim, outcome="signed_in", object_id=sign_in.sign_in_id)
    return sign_in


def _is_live(phone_index: str, now: datetime) -> Any:
    return and_(_codes.c.phone_index == phone_index, _codes.c.used_at.is_(None), _codes.c.expires_at > now)


def _sign_in_again(sign_in_id: int | None, now: datetime) -> NewSignIn:
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


def _write_sign_in(user_id: int, now: datetime) -> NewSignIn:
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


def ensure_user(*, phone: str, preferences: Preferences, now: datetime) -> int:
    """The user of this phone, made if there is none; raises NotAllowed for a blocked one.

    No deed of its own: for services that have claimed one.
    """
    connection = db.connection()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    phone_index = _phone_index(phone)
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


# --- passwords ----------------------------------------------------------------------------------------------


def sign_in_with_password(*, deed: Deed, phone: str, password: str, address: str) -> NewSignIn:
    """Sign a browser in by phone and password.

    Unknown phone, no password and wrong password are one answer, RuleBroken("password_wrong"), after the same
    statements and one argon2 check each.
    """
    number = rules.normalise_phone(phone)
    typed = rules.normalise_password(password)[: rules.PASSWORD_MAXIMUM]
    keys = (f"wrong_passwords:{_phone_index(number)}", _address_key("wrong_passwords", address))
    for key in keys:
        limits.hit(
            key=key, limit=rules.WRONG_PASSWORDS.count, window=rules.WRONG_PASSWORDS.window, now=deed.now
        )
    found = queries.find_password(phone_index=_phone_index(number))
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
        return _sign_in_again(claim.object_id, deed.now)
    user = db.connection().execute(select(_users.c.blocked_at).where(_users.c.id == user_id)).one()
    if user.blocked_at is not None:
        raise NotAllowed("account_blocked")
    if better_hash:
        db.connection().execute(
            update(_users).where(_users.c.id == user_id).values(password_hash=better_hash)
        )
    sign_in = _write_sign_in(user_id, deed.now)
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
    found = queries.find_password(phone_index=_phone_index(number))
    if found is None:
        raise NotFound
    _change_password(
        deed=deed,
        user_id=found.user_id,
        password_hash=_hasher.hash(new),
        keep=None,
        key=f"wrong_passwords:{_phone_index(number)}",
    )


# --- a person's own account ---------------------------------------------------------------------------------


@writing
def sign_out(*, deed: Deed, sign_in_id: int) -> None:
    """Sign this browser of the actor out."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    db.connection().execute(
        delete(_sign_ins).where(_sign_ins.c.id == sign_in_id, _sign_ins.c.user_id == deed.actor.user_id)
    )
    audit.record(deed, "sign_out", "user", deed.actor.user_id)
    requests.settle(claim, outcome="signed_out", object_id=deed.actor.user_id)


@writing
def sign_out_everywhere(*, deed: Deed) -> None:
    """Sign every browser of the actor out."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    gone = db.connection().execute(delete(_sign_ins).where(_sign_ins.c.user_id == deed.actor.user_id))
    audit.record(deed, "sign_out_everywhere", "user", deed.actor.user_id, count=gone.rowcount)
    requests.settle(claim, outcome="signed_out", object_id=deed.actor.user_id)


@writing
def change_preferences(*, deed: Deed, preferences: Preferences) -> None:
    """Keep in the actor's profile how they like to read."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    values = {name: value for name, value in asdict(preferences).items() if value is not None}
    if values:
        db.connection().execute(update(_users).where(_users.c.id == deed.actor.user_id).values(**values))
        audit.record(deed, "change_preferences", "user", deed.actor.user_id, **values)
    requests.settle(claim, outcome="changed", object_id=deed.actor.user_id)


# --- staff --------------------------------------------------------------------------------------------------


def write_appointment(
    deed: Deed, *, user_id: int, role: Role, area_id: int, unit: str | None, ends_at: datetime | None
) -> int:
    """A role at an area in a deed that somebody has claimed; the same again changes its end and unit."""
    connection = db.connection()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    written: int = connection.execute(
        dialect.insert(_appointments)
        .values(
            public_id=new_public_id(),
            user_id=user_id,
            role=role,
            area_id=area_id,
            unit=unit,
            starts_at=deed.now,
            ends_at=ends_at,
            made_by=deed.actor.key,
        )
        .on_conflict_do_update(
            index_elements=["user_id", "role", "area_id"],
            index_where=_appointments.c.ended_at.is_(None),
            set_={"unit": unit, "ends_at": ends_at},
        )
        .returning(_appointments.c.id)
    ).scalar_one()
    return written


@writing
def end_appointment(*, deed: Deed, phone: str, role: Role, area_code: str) -> None:
    """End a role now; NotFound when the user of this phone does not hold it there."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    area = area_to_manage(deed, area_code)
    user_id = select(_users.c.id).where(_users.c.phone_index == _phone_index(rules.normalise_phone(phone)))
    ended: int | None = (
        db.connection()
        .execute(
            update(_appointments)
            .where(
                _appointments.c.user_id == user_id.scalar_subquery(),
                _appointments.c.role == role,
                _appointments.c.area_id == area.id,
                _appointments.c.ended_at.is_(None),
            )
            .values(ended_at=deed.now)
            .returning(_appointments.c.id)
        )
        .scalar()
    )
    if ended is None:
        raise NotFound
    audit.record(deed, "end_appointment", "appointment", ended, area_path=area.path, role=role.value)
    requests.settle(claim, outcome="ended", object_id=ended)


def area_to_manage(deed: Deed, area_code: str) -> Any:
    """Id and path of the area; NotFound when it is missing or the actor may not manage staff there."""
    area = (
        db.connection()
        .execute(select(_areas.c.id, _areas.c.path).where(_areas.c.code == area_code))
        .one_or_none()
    )
    if area is None or not deed.actor.can(Permission.STAFF_MANAGE, area.path):
        raise NotFound
    return area


# --- keeping house ------------------------------------------------------------------------------------------


@writing
def tidy_sign_ins(*, now: datetime) -> int:
    """Delete sign-ins and codes that are over; readers ignore them already. Returns how many."""
    connection = db.connection()
    sign_ins = connection.execute(delete(_sign_ins).where(_sign_ins.c.expires_at <= now)).rowcount
    codes = connection.execute(delete(_codes).where(_codes.c.expires_at <= now - rules.CODE_PAUSE)).rowcount
    count: int = sign_ins + codes
    return count


# --- keys ---------------------------------------------------------------------------------------------------


def _phone_index(phone: str) -> str:
    return crypto.blind_index("phone", phone)


def _code_hash(phone: str, code: str) -> str:
    return crypto.blind_index("sign_in_code", f"{phone}\0{code}")


def _address_key(what: str, address: str) -> str:
    return f"{what}:address:{crypto.blind_index('address', rules.address_block(address))}"


def _spend(key: str, limit: Limit, now: datetime) -> None:
    limits.spend(key=key, limit=limit.count, window=limit.window, now=now)
