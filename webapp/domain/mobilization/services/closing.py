"""Closing the books of a call-up: everybody who said yes ends mustered, let go or overdue; the history is written."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, literal, or_, select, update

from webapp.base import audit, db, requests
from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.ids import new_public_id
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, Summons, Unit
from webapp.domain.mobilization.queries import report, scope
from webapp.domain.mobilization.rules import CallUpState, EventKind, MusterState, SummonsState, UnitState
from webapp.domain.mobilization.services.board import touch_board
from webapp.domain.mobilization.services.stand_down import free_time, thank
from webapp.domain.mobilization.services.timeline import note_event

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_units: Any = Unit.__table__
_reservists: Any = Reservist.__table__

_LIVE = (CallUpState.RUNNING, CallUpState.PAUSED, CallUpState.ENDED, CallUpState.STOOD_DOWN)
_OVER = (CallUpState.ENDED, CallUpState.STOOD_DOWN)


@writing
def close_call_up(*, deed: Deed, call_up: str) -> None:
    """Close the books by a person's press; Conflict("call_up_moved_on") for a draft or where they are closed."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    found = scope.managed_call_up(deed.actor, call_up)
    row = _lock(found.id)
    rules.ensure_step("close", CallUpState(row.state))
    _close(deed, row)
    requests.settle(claim, outcome="closed", object_id=row.id)


def close_books(*, now: datetime) -> int:
    """Close the books of call-ups that are over: everybody has left, or twelve hours have passed since the end.

    Returns how many were closed; each in its own transaction.
    """
    return sum(_close_one(call_up_id=each, now=now) for each in _due(now))


@reading
def _due(now: datetime) -> list[int]:
    c, s = _call_ups.c, _summonses.c
    mine = s.call_up_id == c.id
    pending = or_(
        and_(
            is_any(s.state, SummonsState.COMING),
            s.departed_at.is_(None),
            or_(
                s.arrived_at.is_not(None),
                func.coalesce(s.eta_at, c.starts_at) >= now - rules.GRACE,
            ),
        ),
        and_(s.arrived_at.is_not(None), s.departed_at.is_(None)),
    )
    all_left = and_(
        is_any(c.state, *_OVER),
        c.starts_at < now,
        select(s.id).where(mine, s.arrived_at.is_not(None)).exists(),
        ~select(s.id).where(mine, pending).exists(),
    )
    late = and_(is_any(c.state, *_LIVE), c.ends_at < now - rules.BOOKS_CLOSE_AFTER)
    rows = db.connection().execute(select(c.id).where(or_(late, all_left)).order_by(c.id))
    return list(rows.scalars())


@writing
def _close_one(*, call_up_id: int, now: datetime) -> bool:
    deed = Deed(
        actor=Actor.system("mobilization.closing"), client_id=new_public_id(), fingerprint="", now=now
    )
    row = _lock(call_up_id)
    if not rules.can_step("close", CallUpState(row.state)):
        return False
    _close(deed, row)
    return True


def _lock(call_up_id: int) -> Any:
    return (
        db.connection()
        .execute(
            update(_call_ups)
            .where(_call_ups.c.id == call_up_id)
            .values(version=_call_ups.c.version + 1)
            .returning(_call_ups)
        )
        .one()
    )


def _close(deed: Deed, row: Any) -> None:
    now = deed.now
    connection = db.connection()
    s = _summonses.c
    mine = s.call_up_id == row.id
    queued = connection.execute(
        update(_summonses)
        .where(mine, is_any(s.state, SummonsState.QUEUED), s.arrived_at.is_(None))
        .values(state=SummonsState.STOOD_DOWN, stood_down_at=now, version=s.version + 1)
        .returning(s.id, s.public_id, s.person_id)
    ).all()
    connection.execute(
        update(_summonses)
        .where(mine, is_any(s.state, SummonsState.WAITING, SummonsState.LATER))
        .values(state=SummonsState.MISSED, version=s.version + 1)
    )
    missing = connection.execute(
        update(_summonses)
        .where(mine, is_any(s.state, SummonsState.COMING), s.arrived_at.is_(None))
        .values(muster=MusterState.OVERDUE, version=s.version + 1)
        .returning(s.id)
    ).all()
    left = literal(min(now, row.ends_at), UtcDateTime)
    # Nobody wrote when they left: at the end, or now where that is still to come; never before they came.
    connection.execute(
        update(_summonses)
        .where(mine, s.arrived_at.is_not(None), s.departed_at.is_(None))
        .values(
            departed_at=case((s.arrived_at > left, s.arrived_at), else_=left),
            muster=case((is_any(s.state, SummonsState.COMING), MusterState.DEPARTED.value), else_=None),
            welfare_due_at=None,
            version=s.version + 1,
        )
    )
    if now < row.ends_at:
        _give_rest_back(row.id)
        thank(deed, row, queued, was_enough=True)
    _close_units(row.id)
    score = report.score_of(row.id)
    _write_history(row)
    connection.execute(
        update(_call_ups)
        .where(_call_ups.c.id == row.id)
        .values(
            state=CallUpState.CLOSED,
            next_at=None,
            closed_at=now,
            ended_at=func.coalesce(_call_ups.c.ended_at, literal(now, UtcDateTime)),
            wall_token_hash=None,
        )
    )
    note_event(
        EventKind.CLOSED,
        call_up_id=row.id,
        at=now,
        by=deed.actor.key,
        summoned=score.summoned,
        notified=score.notified,
        acknowledged=score.acknowledged,
        said_yes=score.said_yes,
        mustered=score.mustered,
        overdue=len(missing),
    )
    audit.record(
        deed,
        "close_call_up",
        "call_up",
        row.id,
        area_path=row.area_path,
        overdue=len(missing),
        let_go=len(queued),
    )
    touch_board(row.id)


def _give_rest_back(call_up_id: int) -> None:
    """Closed before its end: nobody's time is held for what is over."""
    s = _summonses.c
    rows = db.connection().execute(select(s.id).where(s.call_up_id == call_up_id)).scalars()
    free_time(list(rows))


def _close_units(call_up_id: int) -> None:
    """Places that a unit held for people whose names nobody ever ticked are no places."""
    u, r = _units.c, _roles.c
    connection = db.connection()
    unnamed = (
        select(u.role_id, func.sum(u.promised_count - u.named_count).label("people"))
        .where(u.call_up_id == call_up_id, is_any(u.state, UnitState.COMING))
        .group_by(u.role_id)
    )
    for row in connection.execute(unnamed).all():
        connection.execute(
            update(_roles).where(r.id == row.role_id).values(taken_count=r.taken_count - int(row.people))
        )
    connection.execute(
        update(_units)
        .where(u.call_up_id == call_up_id, is_any(u.state, UnitState.COMING))
        .values(promised_count=u.named_count)
    )


def in_time() -> Any:
    """Whoever said yes within their time, whatever came of it afterwards but a no."""
    s = _summonses.c
    yes = is_any(s.state, SummonsState.COMING, SummonsState.QUEUED, SummonsState.STOOD_DOWN)
    return and_(yes, s.answered_at.is_not(None), s.answered_at <= s.reply_by)


def _write_history(row: Any) -> None:
    """What this call-up says of each reservist, in one statement: calls and yeses, or a drill's own pair, and instants.

    An answer after its window counts as missing. Who was let go before the window was over has not been asked to
    the end, and walk-ins were not asked at all: neither counts.
    """
    s, r = _summonses.c, _reservists.c
    mine = (
        select(func.count()).where(s.call_up_id == row.id, s.person_id == r.person_id).correlate(_reservists)
    )
    # Let go unanswered: `answered_at` is empty then.
    was_asked = and_(
        s.is_walk_in.is_(False),
        or_(s.state != SummonsState.STOOD_DOWN, s.answered_at.is_not(None)),
    )
    called = mine.where(was_asked).scalar_subquery()
    yes = mine.where(was_asked, in_time()).scalar_subquery()

    def latest(column: Any, before: Any, *conditions: Any) -> Any:
        found = (
            select(func.max(column))
            .where(s.call_up_id == row.id, s.person_id == r.person_id, column.is_not(None), *conditions)
            .correlate(_reservists)
            .scalar_subquery()
        )
        return case((or_(before.is_(None), found > before), func.coalesce(found, before)), else_=before)

    counts: dict[str, Any] = (
        {
            "drill_count": r.drill_count + called,
            "drill_yes_count": r.drill_yes_count + yes,
            "last_drilled_at": latest(s.sent_at, r.last_drilled_at, was_asked),
        }
        if row.is_drill
        else {
            "call_count": r.call_count + called,
            "yes_count": r.yes_count + yes,
            "last_called_at": latest(s.sent_at, r.last_called_at, was_asked),
        }
    )
    db.connection().execute(
        update(_reservists)
        .where(r.person_id.in_(select(s.person_id).where(s.call_up_id == row.id)))
        .values(
            last_answered_at=latest(s.answered_at, r.last_answered_at, s.is_walk_in.is_(False)),
            last_mustered_at=latest(s.arrived_at, r.last_mustered_at),
            **counts,
        )
    )
