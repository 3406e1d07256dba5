"""What an SMS can be about: whose number it is, what they are summoned to; and the unclear ones, for a person to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotFound
from webapp.base.permissions import Permission
from webapp.domain.accounts.models import User
from webapp.domain.areas.models import Area
from webapp.domain.mobilization.models import CallUp, CallUpRole, Summons
from webapp.domain.mobilization.rules import CallUpState, SummonsState
from webapp.domain.notifications.models import SmsReply
from webapp.domain.notifications.rules import ReplyState
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import mask_name
from webapp.domain.volunteers.queries.scope import area_paths

_replies: Any = SmsReply.__table__
_users: Any = User.__table__
_phones: Any = PersonPhone.__table__
_people: Any = Person.__table__
_areas: Any = Area.__table__
_summonses: Any = Summons.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__

_LIVE = (CallUpState.RUNNING, CallUpState.PAUSED, CallUpState.ENDED)
# Somebody answers a call-up that was let go of this lately.
LATELY = timedelta(hours=24)
MOST_SHOWN = 60


@dataclass(frozen=True)
class SmsNow:
    """An SMS that came in, in clear; not to be logged."""

    id: int
    public_id: str
    phone: str
    phone_index: str
    text: str
    received_at: datetime
    state: ReplyState
    area_path: str | None


@dataclass(frozen=True)
class Candidate:
    """A summons that an SMS from this number could be about."""

    summons_id: int
    public_id: str
    person_id: int
    name: str
    state: SummonsState
    call_up_id: int
    code: str
    title: str
    role: str
    muster_point: str
    starts_at: datetime
    area_path: str
    is_drill: bool
    caller_phone: str


def sms_now(reply_id: int) -> SmsNow:
    """The SMS; NotFound where there is none."""
    row = db.connection().execute(select(_replies).where(_replies.c.id == reply_id)).one_or_none()
    if row is None:
        raise NotFound
    return _sms(row)


def _sms(row: Any) -> SmsNow:
    return SmsNow(
        id=row.id,
        public_id=row.public_id,
        phone=crypto.decrypt(row.phone),
        phone_index=row.phone_index,
        text=crypto.decrypt(row.text),
        received_at=row.received_at,
        state=ReplyState(row.state),
        area_path=row.area_path,
    )


@reading
def waiting(limit: int) -> list[int]:
    """The SMS that nobody has read yet, the oldest first."""
    found = select(_replies.c.id).where(is_any(_replies.c.state, ReplyState.WAITING))
    return list(db.connection().execute(found.order_by(_replies.c.id).limit(limit)).scalars())


def _owners(indexes: Sequence[str]) -> Any:
    """Who has one of these numbers, as a subquery: pairs of number and person."""
    return (
        select(_phones.c.phone_index, _phones.c.person_id)
        .where(_phones.c.phone_index.in_(indexes))
        .union(
            select(_users.c.phone_index, _users.c.person_id).where(
                _users.c.phone_index.in_(indexes), _users.c.person_id.is_not(None)
            )
        )
        .subquery("owners")
    )


def language_of(phone_index: str) -> str:
    """What whoever signs in with the number reads; Chinese where nobody does."""
    found = select(_users.c.language).where(_users.c.phone_index == phone_index).limit(1)
    return db.connection().execute(found).scalar() or "zh_Hans"


def is_known(phone_index: str) -> bool:
    """Whether anybody has this number."""
    owners = _owners([phone_index])
    return db.connection().execute(select(owners.c.person_id).limit(1)).scalar() is not None


def candidates_of(indexes: Sequence[str], *, now: datetime) -> dict[str, list[Candidate]]:
    """What the people with each of these numbers are summoned to now; two call-ups never mix. One statement."""
    owners = _owners(indexes)
    rows = db.connection().execute(
        _about(owners)
        .where(is_any(_call_ups.c.state, *_LIVE), _call_ups.c.ends_at > now)
        .order_by(_call_ups.c.starts_at, _summonses.c.id)
    )
    found: dict[str, list[Candidate]] = {}
    for row in rows:
        if row.state != SummonsState.STOOD_DOWN:
            found.setdefault(row.phone_index, []).append(_candidate(row))
    return found


def lately_over(phone_index: str, *, now: datetime) -> Candidate | None:
    """The last call-up of somebody with this number that is over or let them go, if it was lately."""
    owners = _owners([phone_index])
    row = (
        db.connection()
        .execute(
            _about(owners).where(_call_ups.c.ends_at > now - LATELY).order_by(_summonses.c.id.desc()).limit(1)
        )
        .one_or_none()
    )
    return _candidate(row) if row is not None else None


def _about(owners: Any) -> Any:
    return select(
        owners.c.phone_index,
        _summonses.c.id,
        _summonses.c.public_id,
        _summonses.c.person_id,
        _summonses.c.state,
        _people.c.name,
        _call_ups.c.id.label("call_up_id"),
        _call_ups.c.code,
        _call_ups.c.title,
        _call_ups.c.muster_point,
        _call_ups.c.starts_at,
        _call_ups.c.area_path,
        _call_ups.c.is_drill,
        _call_ups.c.phone,
        _roles.c.name.label("role"),
    ).select_from(
        owners.join(_summonses, _summonses.c.person_id == owners.c.person_id)
        .join(_people, _people.c.id == _summonses.c.person_id)
        .join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
        .join(_roles, _roles.c.id == _summonses.c.role_id)
    )


def _candidate(row: Any) -> Candidate:
    return Candidate(
        summons_id=row.id,
        public_id=row.public_id,
        person_id=row.person_id,
        name=row.name,
        state=SummonsState(row.state),
        call_up_id=row.call_up_id,
        code=row.code,
        title=row.title,
        role=row.role,
        muster_point=row.muster_point,
        starts_at=row.starts_at,
        area_path=row.area_path,
        is_drill=bool(row.is_drill),
        caller_phone=row.phone,
    )


def area_of_code(codes: Sequence[str], *, now: datetime) -> str | None:
    """The area of a live call-up with one of these codes, for an SMS from a number that nobody knows."""
    found = select(_call_ups.c.area_path).where(
        _call_ups.c.code.in_(codes), is_any(_call_ups.c.state, *_LIVE), _call_ups.c.ends_at > now
    )
    return db.connection().execute(found.limit(1)).scalar()


def home_of(phone_index: str) -> str | None:
    """The area of the last summons of anybody with this number."""
    owners = _owners([phone_index])
    found = (
        select(_call_ups.c.area_path)
        .select_from(
            owners.join(_summonses, _summonses.c.person_id == owners.c.person_id).join(
                _call_ups, _call_ups.c.id == _summonses.c.call_up_id
            )
        )
        .order_by(_summonses.c.id.desc())
        .limit(1)
    )
    return db.connection().execute(found).scalar()


def top_area() -> str | None:
    """The path of the county: whoever answers there reads what belongs to nobody below."""
    return (
        db.connection().execute(select(_areas.c.path).order_by(func.length(_areas.c.path)).limit(1)).scalar()
    )


def asked_back(phone_index: str, *, since: datetime) -> int:
    """How many SMS of this number were unclear since the instant: we do not ask for ever."""
    found = (
        select(func.count())
        .select_from(_replies)
        .where(
            _replies.c.phone_index == phone_index,
            _replies.c.received_at >= since,
            _replies.c.unclear_because.is_not(None),
        )
    )
    return int(db.connection().execute(found).scalar_one())


def was_told_sealed(phone_index: str, about: str) -> bool:
    """Whether this number said yes to this summons before and was asked back whether they know that it is sealed."""
    found = select(_replies.c.id).where(
        _replies.c.phone_index == phone_index,
        _replies.c.about == about,
        _replies.c.unclear_because == "sealed_tick",
    )
    return db.connection().execute(found.limit(1)).scalar() is not None


# --- for the person who reads them --------------------------------------------------------------------------


@dataclass(frozen=True)
class UnclearReply:
    """An SMS that Linli did not understand, with what it could be about."""

    public_id: str
    phone: str
    name: str
    text: str
    received_at: datetime
    because: str
    candidates: tuple[Candidate, ...]


def _visible_to(actor: Actor) -> Any:
    return within(_replies.c.area_path, *area_paths(actor, Permission.CALL_LIST))


@reading
def list_unclear(*, actor: Actor, now: datetime) -> tuple[UnclearReply, ...]:
    """Unclear SMS of the actor's areas, the oldest first: somebody waits for an answer."""
    rows = (
        db.connection()
        .execute(
            select(_replies)
            .where(is_any(_replies.c.state, ReplyState.UNCLEAR), _visible_to(actor))
            .order_by(_replies.c.id)
            .limit(MOST_SHOWN)
        )
        .all()
    )
    about = candidates_of(sorted({row.phone_index for row in rows}), now=now) if rows else {}
    mine = area_paths(actor, Permission.CALL_LIST)
    found = []
    for row in rows:
        # What the same person was called to by another community is not theirs to see.
        seen = tuple(
            each
            for each in about.get(row.phone_index, ())
            if any(each.area_path.startswith(path) for path in mine)
        )
        names = dict.fromkeys(each.name for each in seen)
        found.append(
            UnclearReply(
                public_id=row.public_id,
                phone=crypto.decrypt(row.phone),
                name="、".join(mask_name(each) for each in names),
                text=crypto.decrypt(row.text),
                received_at=row.received_at,
                because=row.unclear_because or "",
                candidates=seen,
            )
        )
    return tuple(found)


@reading
def count_unclear(*, actor: Actor) -> int:
    """How many unclear SMS wait for somebody in the actor's areas."""
    found = (
        select(func.count())
        .select_from(_replies)
        .where(is_any(_replies.c.state, ReplyState.UNCLEAR), _visible_to(actor))
    )
    return int(db.connection().execute(found).scalar_one())


def unclear_for(actor: Actor, public_id: str) -> SmsNow:
    """The SMS that the actor settles; NotFound outside of the actor's areas."""
    row = (
        db.connection()
        .execute(
            select(_replies).where(
                _replies.c.public_id == public_id,
                or_(
                    is_any(_replies.c.state, ReplyState.UNCLEAR), is_any(_replies.c.state, ReplyState.SETTLED)
                ),
                _visible_to(actor),
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return _sms(row)
