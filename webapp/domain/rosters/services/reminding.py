"""Reminders of shifts: the evening before and two hours before, each once, never at night."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.ids import new_public_id
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Shift, Signup
from webapp.domain.rosters.queries import places
from webapp.domain.rosters.rules import ShiftState, SignupState
from webapp.domain.rosters.services.placing import tell

_signups: Any = Signup.__table__
_shifts: Any = Shift.__table__

# The first reminder of a shift that ends the day goes out thirty hours before it.
_AHEAD = timedelta(hours=30)
_AT_ONCE = 100


def remind(*, now: datetime) -> int:
    """Write the reminders that are due; returns how many. Each shift in its own transaction."""
    if rules.is_night(clock.here(now)):
        return 0
    return sum(_remind_shift(shift_id=shift_id, now=now) for shift_id in _shifts_due(now))


@reading
def _shifts_due(now: datetime) -> list[int]:
    """Shifts of the coming hours on which somebody has not been reminded since the last time for it."""
    rows = db.connection().execute(
        select(
            _shifts.c.id,
            _shifts.c.starts_at,
            _signups.c.created_at,
            _signups.c.confirmed_at,
            _signups.c.reminded_at,
        )
        .join(_signups, _signups.c.shift_id == _shifts.c.id)
        .where(
            _shifts.c.starts_at > now,
            _shifts.c.starts_at <= now + _AHEAD,
            is_any(_shifts.c.state, ShiftState.OPEN),
            is_any(_signups.c.state, SignupState.PLACED),
            or_(
                _signups.c.reminded_at.is_(None),
                _signups.c.reminded_at < _shifts.c.starts_at,
            ),
        )
        .order_by(_shifts.c.id)
    )
    due: list[int] = []
    for row in rows:
        if row.id not in due and _is_due(row, now):
            due.append(row.id)
            if len(due) == _AT_ONCE:
                break
    return due


def _is_due(row: Any, now: datetime) -> bool:
    return rules.reminder_due(
        now=now,
        starts_at=row.starts_at,
        since=max(each for each in (row.created_at, row.confirmed_at) if each is not None),
        reminded_at=row.reminded_at,
        zone=clock.zone(),
    )


@writing
def _remind_shift(*, shift_id: int, now: datetime) -> int:
    """Remind the people of one shift; the row says that it was done, in the transaction that writes the message."""
    deed = Deed(actor=Actor.system("rosters.reminders"), client_id=new_public_id(), fingerprint="", now=now)
    shift = places.shift_now(shift_id=shift_id)
    connection = db.connection()
    rows = connection.execute(
        select(
            _signups.c.id,
            _signups.c.person_id,
            _signups.c.created_at,
            _signups.c.confirmed_at,
            _signups.c.reminded_at,
            _shifts.c.starts_at,
        )
        .join(_shifts, _shifts.c.id == _signups.c.shift_id)
        .where(_signups.c.shift_id == shift_id, is_any(_signups.c.state, SignupState.PLACED))
        .order_by(_signups.c.id)
        .with_for_update(of=_signups)
    ).all()
    due = [row for row in rows if _is_due(row, now)]
    for row in due:
        connection.execute(update(_signups).where(_signups.c.id == row.id).values(reminded_at=now))
    # Too late, the message is not sent at all: a reminder of a shift that runs already only frightens.
    tell(
        deed,
        "shift_reminder",
        [row.person_id for row in due],
        shift,
        until=shift.stretch.starts_at,
    )
    return len(due)
