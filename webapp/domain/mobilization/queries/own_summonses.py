"""One's own summonses 应召: behind the link of a message, in the app, and the line of them on the home page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, is_any, reading
from webapp.base.errors import Gone, NotFound
from webapp.base.ids import hash_token
from webapp.base.prepared import Prepared
from webapp.domain.areas import queries as areas
from webapp.domain.areas.queries import Place, sealed_paths
from webapp.domain.areas.rules import side_of
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, Summons
from webapp.domain.mobilization.queries.answers import OpenRole, roles_for
from webapp.domain.mobilization.rules import (
    LINK_LASTS,
    CallUpState,
    CannotReason,
    MusterState,
    Stay,
    SummonsState,
)
from webapp.domain.people.models import Person

_summonses: Any = Summons.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_people: Any = Person.__table__
_reservists: Any = Reservist.__table__

MOST_SHOWN = 60


@dataclass(frozen=True)
class SummonsLine:
    """A summons in a list: what, when, where, and how it stands."""

    public_id: str
    state: SummonsState
    muster: MusterState | None
    title: str
    role: str
    starts_at: datetime
    ends_at: datetime
    reply_by: datetime
    muster_point: str
    is_drill: bool
    call_up_state: CallUpState
    is_over: bool

    @property
    def asks(self) -> bool:
        """Whether it still waits for an answer that counts."""
        return (
            self.state in {SummonsState.WAITING, SummonsState.LATER, SummonsState.MISSED}
            and self.call_up_state in {CallUpState.RUNNING, CallUpState.PAUSED}
            and not self.is_over
        )


_lines = (
    select(
        _summonses.c.public_id,
        _summonses.c.state,
        _summonses.c.muster,
        _summonses.c.reply_by,
        _call_ups.c.title,
        _call_ups.c.starts_at,
        _call_ups.c.ends_at,
        _call_ups.c.muster_point,
        _call_ups.c.is_drill,
        _call_ups.c.state.label("call_up_state"),
        _roles.c.name.label("role"),
    )
    .select_from(
        _summonses.join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id).join(
            _roles, _roles.c.id == _summonses.c.role_id
        )
    )
    .where(_summonses.c.person_id == bindparam("person"))
    .order_by(_summonses.c.id.desc())
    .limit(MOST_SHOWN)
)
_all_of = Prepared(_lines)
_open_of = Prepared(
    _lines.where(
        is_any(
            _summonses.c.state,
            SummonsState.WAITING,
            SummonsState.LATER,
            SummonsState.MISSED,
            SummonsState.COMING,
            SummonsState.QUEUED,
        ),
        is_any(_call_ups.c.state, CallUpState.RUNNING, CallUpState.PAUSED, CallUpState.ENDED),
        _call_ups.c.ends_at > bindparam("now", type_=UtcDateTime),
    )
)


def _line(row: Any, now: datetime) -> SummonsLine:
    return SummonsLine(
        public_id=row.public_id,
        state=SummonsState(row.state),
        muster=None if row.muster is None else MusterState(row.muster),
        title=row.title,
        role=row.role,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reply_by=row.reply_by,
        muster_point=row.muster_point,
        is_drill=bool(row.is_drill),
        call_up_state=CallUpState(row.call_up_state),
        is_over=row.ends_at <= now,
    )


@reading
def open_summons_of(*, person_id: int, now: datetime) -> tuple[SummonsLine, ...]:
    """What a person is summoned to now: to be answered, or promised and not over; one statement, newest first."""
    return tuple(_line(row, now) for row in _open_of.all({"person": person_id, "now": now}))


@reading
def list_own(*, actor: Actor, now: datetime) -> tuple[SummonsLine, ...]:
    """All summonses of the person who is signed in, the newest first."""
    if actor.person_id is None:
        return ()
    return tuple(_line(row, now) for row in _all_of.all({"person": actor.person_id}))


@dataclass(frozen=True)
class SummonsView:
    """A summons on its own page, with all that somebody woken by an SMS must know to decide."""

    id: int
    public_id: str
    person_id: int
    person: str
    state: SummonsState
    muster: MusterState | None
    reply_by: datetime
    answered_at: datetime | None
    eta_at: datetime | None
    cannot_reason: CannotReason | None
    slip_code: str | None
    role: str
    is_full: bool
    call_up_state: CallUpState
    is_drill: bool
    title: str
    number: str
    starts_at: datetime
    ends_at: datetime
    muster_point: str
    landmark: str
    map_url: str | None
    bring: str
    stay: Stay
    sleeps: str
    eats: str
    caller_name: str
    phone: str
    is_sealed: bool
    others: tuple[OpenRole, ...]
    place: Place


_view = select(
    _summonses.c.id,
    _summonses.c.public_id,
    _summonses.c.person_id,
    _summonses.c.state,
    _summonses.c.muster,
    _summonses.c.reply_by,
    _summonses.c.answered_at,
    _summonses.c.eta_at,
    _summonses.c.cannot_reason,
    _summonses.c.slip_code,
    _summonses.c.role_id,
    _summonses.c.call_up_id,
    _roles.c.name.label("role"),
    _roles.c.taken_count,
    _roles.c.wanted_count,
    _people.c.name.label("person"),
    _reservists.c.area_path.label("home_path"),
    _call_ups.c.state.label("call_up_state"),
    _call_ups.c.area_path,
    *(
        _call_ups.c[name]
        for name in (
            "is_drill",
            "title",
            "number",
            "starts_at",
            "ends_at",
            "muster_point",
            "landmark",
            "map_url",
            "bring",
            "stay",
            "sleeps",
            "eats",
            "caller_name",
            "phone",
        )
    ),
).select_from(
    _summonses.join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
    .join(_roles, _roles.c.id == _summonses.c.role_id)
    .join(_people, _people.c.id == _summonses.c.person_id)
    .outerjoin(_reservists, _reservists.c.person_id == _summonses.c.person_id)
)
_by_token = Prepared(_view.where(_summonses.c.token_hash == bindparam("token")))
_own = Prepared(
    _view.where(_summonses.c.public_id == bindparam("summons"), _summonses.c.person_id == bindparam("person"))
)


def _seen(rows: Sequence[Any], now: datetime) -> SummonsView:
    if not rows:
        raise NotFound
    row = rows[0]
    is_full = row.taken_count >= row.wanted_count
    cordon = sealed_paths(now)
    sealed = side_of(row.area_path, cordon)
    others: tuple[OpenRole, ...] = ()
    if is_full and row.state != SummonsState.COMING:
        found = roles_for(call_up_id=row.call_up_id, person_id=row.person_id, now=now)
        others = tuple(each for each in found if each.id != row.role_id and each.taken < each.wanted)
    return SummonsView(
        id=row.id,
        public_id=row.public_id,
        person_id=row.person_id,
        person=row.person,
        state=SummonsState(row.state),
        muster=None if row.muster is None else MusterState(row.muster),
        reply_by=row.reply_by,
        answered_at=row.answered_at,
        eta_at=row.eta_at,
        cannot_reason=None if row.cannot_reason is None else CannotReason(row.cannot_reason),
        slip_code=row.slip_code,
        role=row.role,
        is_full=is_full,
        call_up_state=CallUpState(row.call_up_state),
        is_drill=bool(row.is_drill),
        title=row.title,
        number=row.number,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        muster_point=row.muster_point,
        landmark=row.landmark,
        map_url=row.map_url,
        bring=row.bring,
        stay=Stay(row.stay),
        sleeps=row.sleeps,
        eats=row.eats,
        caller_name=row.caller_name,
        phone=row.phone,
        is_sealed=bool(sealed) and sealed != side_of(row.home_path or "", cordon),
        others=others,
        place=areas.get_place(row.area_path),
    )


@reading
def get_by_link(*, token: str, now: datetime) -> SummonsView:
    """The summons behind a link; NotFound for a forged one."""
    return _seen(_by_token.all({"token": hash_token(token)}), now)


def ensure_not_expired(view: SummonsView, now: datetime) -> None:
    """Raises Gone link_expired once the books are closed, or a week after the end."""
    if view.call_up_state is CallUpState.CLOSED or now >= view.ends_at + LINK_LASTS:
        raise Gone("link_expired")


@reading
def get_own(*, actor: Actor, public_id: str, now: datetime) -> SummonsView:
    """One of the actor's own summonses; NotFound for anybody else's."""
    if actor.person_id is None:
        raise NotFound
    return _seen(_own.all({"summons": public_id, "person": actor.person_id}), now)
