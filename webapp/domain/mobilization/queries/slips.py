"""Slips 应召凭证 as gates and road checks verify them: who was called, for when and where, and whether it holds."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, select

from webapp.base import crypto
from webapp.base.db import UtcDateTime, reading
from webapp.base.errors import NotFound
from webapp.base.ids import PUBLIC_ID_LENGTH
from webapp.base.prepared import Prepared
from webapp.domain.areas import queries as areas
from webapp.domain.areas.queries import Place
from webapp.domain.mobilization.models import CallUp, CallUpRole, Summons
from webapp.domain.mobilization.rules import CallUpState, SummonsState
from webapp.domain.people.models import Person
from webapp.domain.people.rules import mask_name

_summonses: Any = Summons.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_people: Any = Person.__table__

# One sets out before the start and goes home after the end.
WAY_THERE = timedelta(hours=3)
WAY_BACK = timedelta(hours=3)


class SlipState(StrEnum):
    """What a road check reads: it holds, not yet, over, not needed any more, given back."""

    VALID = "valid"
    EARLY = "early"
    OVER = "over"
    STOOD_DOWN = "stood_down"
    GIVEN_BACK = "given_back"


@dataclass(frozen=True)
class SlipView:
    """A slip as somebody checks it: surname and *, no phone."""

    state: SlipState
    code: str
    name: str
    role: str
    title: str
    number: str
    is_drill: bool
    starts_at: datetime
    ends_at: datetime
    muster_point: str
    caller_name: str
    phone: str
    place: Place


def token_of(public_id: str) -> str:
    """What the QR code of a slip carries: which summons, and the signature that nobody can make up."""
    return public_id + crypto.blind_index("slip", public_id)


def slip_state(
    state: SummonsState, call_up: CallUpState, *, starts_at: datetime, ends_at: datetime, now: datetime
) -> SlipState:
    """Whether a slip holds now; on the way home after a stand-down it holds as well."""
    if now >= ends_at + WAY_BACK or call_up is CallUpState.CLOSED:
        return SlipState.OVER
    if state is SummonsState.STOOD_DOWN or call_up is CallUpState.STOOD_DOWN:
        return SlipState.STOOD_DOWN
    if state is not SummonsState.COMING:
        return SlipState.GIVEN_BACK
    return SlipState.EARLY if now < starts_at - WAY_THERE else SlipState.VALID


_select = select(
    _summonses.c.public_id,
    _summonses.c.state,
    _summonses.c.slip_code,
    _people.c.name,
    _roles.c.name.label("role"),
    _call_ups.c.state.label("call_up_state"),
    _call_ups.c.title,
    _call_ups.c.number,
    _call_ups.c.is_drill,
    _call_ups.c.starts_at,
    _call_ups.c.ends_at,
    _call_ups.c.muster_point,
    _call_ups.c.caller_name,
    _call_ups.c.phone,
    _call_ups.c.area_path,
).select_from(
    _summonses.join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
    .join(_roles, _roles.c.id == _summonses.c.role_id)
    .join(_people, _people.c.id == _summonses.c.person_id)
)
_by_public_id = Prepared(
    _select.where(_summonses.c.public_id == bindparam("summons"), _summonses.c.slip_code.is_not(None))
)
# The newest first: should a code come again after a million summonses, the old one is long over.
_by_code = Prepared(
    _select.where(
        _summonses.c.slip_code == bindparam("code"),
        _call_ups.c.ends_at > bindparam("since", type_=UtcDateTime),
    )
    .order_by(_summonses.c.id.desc())
    .limit(1)
)


def _slip(row: Any, now: datetime) -> SlipView:
    return SlipView(
        state=slip_state(
            SummonsState(row.state),
            CallUpState(row.call_up_state),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            now=now,
        ),
        code=row.slip_code,
        name=mask_name(row.name),
        role=row.role,
        title=row.title,
        number=row.number,
        is_drill=bool(row.is_drill),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        muster_point=row.muster_point,
        caller_name=row.caller_name,
        phone=row.phone,
        place=areas.get_place(row.area_path),
    )


@reading
def get_slip(*, token: str, now: datetime) -> SlipView:
    """The slip behind a QR code; NotFound where the signature is not ours or no place was ever given."""
    public_id, signature = token[:PUBLIC_ID_LENGTH], token[PUBLIC_ID_LENGTH:]
    if not hmac.compare_digest(signature.encode(), crypto.blind_index("slip", public_id).encode()):
        raise NotFound
    rows = _by_public_id.all({"summons": public_id})
    if not rows:
        raise NotFound
    return _slip(rows[0], now)


@reading
def find_by_code(*, code: str, now: datetime) -> SlipView:
    """The slip with this code, read aloud at a road check; NotFound where there is none of these days."""
    rows = _by_code.all({"code": code, "since": now - timedelta(days=2)})
    if not rows:
        raise NotFound
    return _slip(rows[0], now)
