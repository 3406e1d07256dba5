"""Reads of users, sign-ins and one-time codes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select

from webapp.base import db
from webapp.base.actor import Actor, Grant
from webapp.base.db import UtcDateTime, reading
from webapp.base.errors import NotFound
from webapp.base.ids import hash_token
from webapp.base.permissions import Role
from webapp.base.prepared import Prepared
from webapp.domain.accounts.models import Appointment, SignIn, User
from webapp.domain.areas.models import Area


@dataclass(frozen=True)
class SignedIn:
    """What a request needs to know of the one who is signed in."""

    user_public_id: str
    language: str
    text_size: str
    theme: str
    has_password: bool
    sign_in_id: int
    unread_count: int
    actor: Actor


@dataclass(frozen=True)
class FoundPassword:
    """What a password is checked against."""

    user_id: int
    password_hash: str


@dataclass(frozen=True)
class OwnPassword:
    """The actor's own password hash, phone and the age of this sign-in, for changing the password."""

    user_id: int
    phone: bytes
    password_hash: str | None
    signed_in_at: datetime


@dataclass(frozen=True)
class Profile:
    """The actor's own account as the page 我的 shows it."""

    phone_tail: str
    has_password: bool
    sign_in_count: int


_users: Any = User.__table__
_sign_ins: Any = SignIn.__table__
_appointments: Any = Appointment.__table__
_areas: Any = Area.__table__
_now = bindparam("now", type_=UtcDateTime)

# One statement, built once: it runs on every request. An appointment that is over, or not yet begun, is left
# out here and nowhere else, so nobody keeps a right by keeping a session.
_signed_in = (
    select(
        _sign_ins.c.id.label("sign_in_id"),
        _users.c.id.label("user_id"),
        _users.c.public_id,
        _users.c.person_id,
        _users.c.language,
        _users.c.text_size,
        _users.c.theme,
        _users.c.unread_count,
        _users.c.password_hash.is_not(None).label("has_password"),
        _appointments.c.role,
        _areas.c.id.label("area_id"),
        _areas.c.path.label("area_path"),
    )
    .select_from(
        _sign_ins.join(_users, _users.c.id == _sign_ins.c.user_id)
        .outerjoin(
            _appointments,
            and_(
                _appointments.c.user_id == _users.c.id,
                _appointments.c.ended_at.is_(None),
                _appointments.c.starts_at <= _now,
                or_(_appointments.c.ends_at.is_(None), _appointments.c.ends_at > _now),
            ),
        )
        .outerjoin(_areas, _areas.c.id == _appointments.c.area_id)
    )
    .where(
        _sign_ins.c.token_hash == bindparam("token_hash"),
        _sign_ins.c.expires_at > _now,
        _users.c.blocked_at.is_(None),
    )
)

_signed_in_prepared = Prepared(_signed_in)


@reading
def load_signed_in(*, token: str, now: datetime) -> SignedIn | None:
    """The one who holds this session token, with the appointments that hold now; None when it is over."""
    rows = _signed_in_prepared.all({"token_hash": hash_token(token), "now": now})
    if not rows:
        return None
    first = rows[0]
    grants = tuple(
        Grant(role=Role(row.role), area_id=row.area_id, area_path=row.area_path)
        for row in rows
        if row.role is not None
    )
    return SignedIn(
        user_public_id=first.public_id,
        language=first.language,
        text_size=str(first.text_size),
        theme=str(first.theme),
        has_password=bool(first.has_password),
        sign_in_id=first.sign_in_id,
        unread_count=first.unread_count,
        actor=Actor.user(first.user_id, first.person_id, grants),
    )


@reading
def find_password(*, phone_index: str) -> FoundPassword | None:
    """The user of a phone and the password's hash ("" when none is set); None when nobody has this phone."""
    row = (
        db.connection()
        .execute(select(_users.c.id, _users.c.password_hash).where(_users.c.phone_index == phone_index))
        .one_or_none()
    )
    return None if row is None else FoundPassword(user_id=row.id, password_hash=row.password_hash or "")


@reading
def get_own_password(*, actor: Actor, sign_in_id: int) -> OwnPassword:
    """What the actor's password change is checked against; NotFound when this sign-in is not the actor's."""
    row = (
        db.connection()
        .execute(
            select(_users.c.id, _users.c.phone, _users.c.password_hash, _sign_ins.c.created_at)
            .join(_sign_ins, _sign_ins.c.user_id == _users.c.id)
            .where(_users.c.id == actor.user_id, _sign_ins.c.id == sign_in_id)
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return OwnPassword(
        user_id=row.id, phone=row.phone, password_hash=row.password_hash, signed_in_at=row.created_at
    )


@reading
def get_profile(*, actor: Actor, now: datetime) -> Profile:
    """The actor's own account; raises NotFound for whoever is not signed in."""
    live = (
        select(func.count())
        .where(_sign_ins.c.user_id == _users.c.id, _sign_ins.c.expires_at > now)
        .scalar_subquery()
    )
    row = (
        db.connection()
        .execute(
            select(_users.c.phone_tail, _users.c.password_hash, live.label("sign_in_count")).where(
                _users.c.id == actor.user_id
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return Profile(
        phone_tail=row.phone_tail,
        has_password=row.password_hash is not None,
        sign_in_count=row.sign_in_count,
    )
