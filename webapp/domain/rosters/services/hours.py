"""The hours ledger: shifts closed when their time is over, corrections asked and decided, never by the person themself."""

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from webapp.base import audit, db, requests
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Permission
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Attendance, HoursEntry, Shift
from webapp.domain.rosters.queries import day
from webapp.domain.rosters.queries.scope import visible
from webapp.domain.rosters.rules import EntryKind, EntryState, ShiftState
from webapp.domain.rosters.services.evidence import close, name_of

log = logging.getLogger("linli.worker")

_shifts: Any = Shift.__table__
_attendances: Any = Attendance.__table__
_entries: Any = HoursEntry.__table__

LONGEST = 24 * 60
REASON_LENGTH = 200
CLOSED_AT_ONCE = 500


@writing
def ask_correction(*, deed: Deed, attendance: str, minutes: int, reason: str) -> str:
    """Ask that a shift counts `minutes` in all; returns the line's public id.

    The volunteer asks, or who leads the shift; where somebody may confirm hours and it is not their own, it
    stands at once. Raises RuleBroken reason_missing, hours_wrong, correction_unchanged, Conflict correction_waits.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return (claim.outcome or "").removeprefix("entry:")
    a, e = _attendances.c, _entries.c
    connection = db.connection()
    row = connection.execute(
        select(a.id, a.shift_id, a.person_id, _shifts.c.public_id.label("shift"))
        .join(_shifts, _shifts.c.id == a.shift_id)
        .where(a.public_id == attendance)
    ).one_or_none()
    if row is None:
        raise NotFound
    may_confirm = _ensure_may_ask(deed.actor, row)
    reason = reason.strip()[:REASON_LENGTH]
    if not reason:
        raise RuleBroken("reason_missing", field="reason")
    if not 0 <= minutes <= LONGEST:
        raise RuleBroken("hours_wrong", field="hours")
    shift = day.lock_shift(row.shift_id)
    first = connection.execute(
        select(e.team_id, e.organisation_id, e.society).where(
            e.attendance_id == row.id, is_any(e.kind, EntryKind.EVIDENCE.value)
        )
    ).one_or_none()
    if first is None:
        raise Conflict("hours_not_yet")
    waits = select(1).where(e.attendance_id == row.id, e.state == EntryState.ASKED)
    if connection.execute(waits).first() is not None:
        raise Conflict("correction_waits")
    difference = minutes - _standing(row.id)
    if difference == 0:
        raise RuleBroken("correction_unchanged", field="hours")
    public_id = new_public_id()
    who = name_of(deed)
    connection.execute(
        insert(_entries).inline(),
        {
            "public_id": public_id,
            "attendance_id": row.id,
            "person_id": row.person_id,
            "kind": EntryKind.CORRECTION,
            "state": EntryState.STANDS if may_confirm else EntryState.ASKED,
            "minutes": difference,
            "worked_on": shift.day,
            "area_path": shift.area_path,
            "team_id": first.team_id,
            "organisation_id": first.organisation_id,
            "society": first.society,
            "reason": reason,
            "written_by": who,
            "written_at": deed.now,
            "decided_by": who if may_confirm else None,
            "decided_at": deed.now if may_confirm else None,
        },
    )
    requests.settle(claim, outcome=f"entry:{public_id}", object_id=row.id)
    audit.record(
        deed,
        "correct_hours" if may_confirm else "ask_correction",
        "attendance",
        row.id,
        area_path=shift.area_path,
        person_id=row.person_id,
        minutes=difference,
    )
    return public_id


def _ensure_may_ask(actor: Actor, row: Any) -> bool:
    """Whether what the actor writes stands at once; NotFound for who may not even ask."""
    if row.person_id == actor.person_id:
        return False
    e = _entries.c
    confirms = (
        db.connection()
        .execute(
            select(1)
            .where(
                e.attendance_id == row.id,
                visible(actor, Permission.HOURS_CONFIRM, path=e.area_path, team_id=e.team_id),
            )
            .limit(1)
        )
        .first()
    )
    if confirms is not None:
        return True
    day.get_led_shift(actor=actor, public_id=row.shift)
    return False


def _standing(attendance_id: int) -> int:
    e = _entries.c
    return int(
        db.connection()
        .execute(
            select(func.coalesce(func.sum(e.minutes), 0)).where(
                e.attendance_id == attendance_id, e.state == EntryState.STANDS
            )
        )
        .scalar_one()
    )


@writing
def decide_correction(*, deed: Deed, entry: str, is_accepted: bool) -> None:
    """Let a correction stand or refuse it: who may confirm hours there, and never the person themself.

    Raises Conflict already_decided, RuleBroken hours_below_zero.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    e = _entries.c
    connection = db.connection()
    row = connection.execute(
        select(e.id, e.person_id, e.attendance_id, e.minutes, e.area_path, _attendances.c.shift_id)
        .join(_attendances, _attendances.c.id == e.attendance_id)
        .where(
            e.public_id == entry,
            visible(deed.actor, Permission.HOURS_CONFIRM, path=e.area_path, team_id=e.team_id),
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    if row.person_id == deed.actor.person_id:
        raise NotAllowed("own_hours")
    day.lock_shift(row.shift_id)
    if is_accepted and _standing(row.attendance_id) + row.minutes < 0:
        raise RuleBroken("hours_below_zero")
    decided = connection.execute(
        update(_entries)
        .where(e.id == row.id, e.state == EntryState.ASKED)
        .values(
            state=EntryState.STANDS if is_accepted else EntryState.REFUSED,
            decided_by=name_of(deed),
            decided_at=deed.now,
        )
    )
    if decided.rowcount == 0:
        raise Conflict("already_decided")
    requests.settle(claim, outcome="decided", object_id=row.id)
    audit.record(
        deed,
        "accept_correction" if is_accepted else "refuse_correction",
        "attendance",
        row.attendance_id,
        area_path=row.area_path,
        person_id=row.person_id,
        minutes=row.minutes,
    )


def tidy_shifts(*, now: datetime) -> int:
    """Close the shifts that ended two hours ago: forgotten check-outs by rule, hours written. Returns how many."""
    return sum(_close_one(shift_id, now) for shift_id in _due(now))


@reading
def _due(now: datetime) -> list[int]:
    c = _shifts.c
    return list(
        db.connection()
        .execute(
            select(c.id)
            .where(
                c.ends_at <= now - rules.CHECK_OUT_CLOSES,
                c.closed_at.is_(None),
                c.state == ShiftState.OPEN,
            )
            .order_by(c.ends_at, c.id)
            .limit(CLOSED_AT_ONCE)
        )
        .scalars()
    )


@writing
def _close_one(shift_id: int, now: datetime) -> bool:
    shift = day.lock_shift(shift_id)
    if shift.closed_at is not None or shift.state is not ShiftState.OPEN:
        return False
    deed = Deed(
        actor=Actor.system("tidy"),
        client_id=f"close-{shift.public_id}",
        fingerprint="close",
        now=now,
        source="worker",
    )
    return close(deed, shift)
