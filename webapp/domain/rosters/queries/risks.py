"""Shifts at risk: short, unconfirmed, without a lead, or with a drop-out's place still empty."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotFound
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import short_name
from webapp.domain.rosters.models import Post, Shift, Signup
from webapp.domain.rosters.queries.posts import managed_by, visible_to
from webapp.domain.rosters.rules import (
    DROP_OUT_GRACE,
    HOLDS_A_PLACE,
    RISK_HORIZON,
    Risk,
    RiskStep,
    ShiftState,
    SignupState,
    Standing,
    next_step,
    risks_of,
)

PAGE = 30

_shifts: Any = Shift.__table__
_signups: Any = Signup.__table__
_posts: Any = Post.__table__
_areas: Any = Area.__table__

_unconfirmed = (
    select(func.count())
    .select_from(_signups)
    .where(
        _signups.c.shift_id == _shifts.c.id,
        is_any(_signups.c.state, *HOLDS_A_PLACE),
        _signups.c.confirmed_at.is_(None),
    )
)
_dropped_out = select(func.max(_signups.c.ended_at)).where(
    _signups.c.shift_id == _shifts.c.id, is_any(_signups.c.state, SignupState.DROPPED_OUT)
)


def at_risk(now: datetime) -> ColumnElement[bool]:
    """The condition of `rules.risks_of` in SQL, over shifts joined with their posts."""
    emptied = _dropped_out.correlate(_shifts).scalar_subquery()
    return and_(
        is_any(_shifts.c.state, ShiftState.OPEN),
        _shifts.c.ends_at > now,
        _shifts.c.starts_at <= now + RISK_HORIZON,
        or_(
            _shifts.c.taken_count < _shifts.c.minimum_count,
            and_(
                emptied <= now - DROP_OUT_GRACE,
                _shifts.c.taken_count < _shifts.c.wanted_count,
            ),
            exists(_unconfirmed.with_only_columns(_signups.c.id).correlate(_shifts)),
            and_(_shifts.c.lead_person_id.is_(None), _posts.c.lead_person_id.is_(None)),
        ),
    )


@dataclass(frozen=True)
class RiskLine:
    """A shift at risk, why, and the one thing to do about it."""

    public_id: str
    post: str
    post_en: str | None
    community: str
    starts_at: datetime
    ends_at: datetime
    taken_count: int
    minimum_count: int
    wanted_count: int
    unconfirmed_count: int
    asked_at: datetime | None
    risks: tuple[Risk, ...]
    step: RiskStep
    may_manage: bool


@dataclass(frozen=True)
class RiskPage:
    """Shifts at risk, the soonest first; `after` continues."""

    shifts: tuple[RiskLine, ...]
    after: str | None


@reading
def list_risks(
    *, actor: Actor, now: datetime, area: str | None = None, after: str | None = None, limit: int = PAGE
) -> RiskPage:
    """The shifts at risk that the actor sees, by start; paged by key. Two statements."""
    key = (_shifts.c.starts_at, _shifts.c.id)
    statement = (
        select(
            _shifts,
            _posts.c.name,
            _posts.c.name_en,
            _posts.c.lead_person_id.label("post_lead"),
            _areas.c.name.label("area_name"),
            _unconfirmed.correlate(_shifts).scalar_subquery().label("unconfirmed"),
            _dropped_out.correlate(_shifts).scalar_subquery().label("emptied_at"),
            managed_by(actor).label("may_manage"),
        )
        .select_from(
            _shifts.join(_posts, _posts.c.id == _shifts.c.post_id).join(
                _areas, _areas.c.id == _posts.c.area_id
            )
        )
        .where(visible_to(actor), at_risk(now))
        .order_by(*key)
        .limit(limit + 1)
    )
    if area is not None:
        path = db.connection().execute(select(_areas.c.path).where(_areas.c.public_id == area)).scalar()
        if path is None:
            raise NotFound
        statement = statement.where(within(_shifts.c.area_path, path))
    if after is not None:
        last: Any = _shifts.alias("last")
        statement = statement.where(
            tuple_(*key)
            > select(last.c.starts_at, last.c.id).where(last.c.public_id == after).scalar_subquery()
        )
    rows = db.connection().execute(statement).all()
    return RiskPage(
        shifts=tuple(_line(row, now) for row in rows[:limit]),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
    )


def _line(row: Any, now: datetime) -> RiskLine:
    standing = Standing(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        minimum_count=row.minimum_count,
        wanted_count=row.wanted_count,
        taken_count=row.taken_count,
        unconfirmed_count=row.unconfirmed,
        has_lead=row.lead_person_id is not None or row.post_lead is not None,
        dropped_out_at=row.emptied_at,
        asked_at=row.asked_at,
    )
    risks = risks_of(standing, now=now)
    return RiskLine(
        public_id=row.public_id,
        post=row.name,
        post_en=row.name_en,
        community=short_name(row.area_name),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        taken_count=row.taken_count,
        minimum_count=row.minimum_count,
        wanted_count=row.wanted_count,
        unconfirmed_count=row.unconfirmed,
        asked_at=row.asked_at,
        risks=risks,
        step=next_step(standing, risks, now=now),
        may_manage=bool(row.may_manage),
    )
