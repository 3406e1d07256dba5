"""Evidence and the hours that follow from it. Inside the deeds of others: everything here runs under the shift's lock."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import audit, db
from webapp.base.db import is_any
from webapp.base.deed import Deed
from webapp.base.ids import new_public_id
from webapp.domain.people.models import Person
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Attendance, HoursEntry, Shift, Signup
from webapp.domain.rosters.queries.day import DayShift
from webapp.domain.rosters.rules import EntryKind, EntryState, Evidence, Mark, SignupState
from webapp.domain.volunteers.models import Volunteer

_shifts: Any = Shift.__table__
_signups: Any = Signup.__table__
_attendances: Any = Attendance.__table__
_entries: Any = HoursEntry.__table__
_volunteers: Any = Volunteer.__table__
_people: Any = Person.__table__

INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
# The reason of a correction that nobody asked for: the evidence itself was changed after the hours were written.
EVIDENCE_CHANGED = "evidence_changed"


def name_of(deed: Deed) -> str:
    """Who acts, as the evidence and the ledger keep it."""
    name = db.connection().execute(select(_people.c.name).where(_people.c.id == deed.actor.person_id))
    return str(name.scalar() or deed.actor.key)[:80]


def attendance_of(shift_id: int, person_id: int) -> Any:
    """The evidence of somebody at a shift, or None. The shift is locked."""
    return (
        db.connection()
        .execute(
            select(_attendances).where(
                _attendances.c.shift_id == shift_id, _attendances.c.person_id == person_id
            )
        )
        .one_or_none()
    )


def write_attendance(deed: Deed, shift_id: int, person_id: int, before: Any, **values: Any) -> int:
    """Write or change somebody's evidence; every change is a new version. Returns its id."""
    facts = {"marked_by": deed.actor.key[:80], "marked_at": deed.now} | values
    connection = db.connection()
    if before is not None:
        connection.execute(
            update(_attendances)
            .where(_attendances.c.id == before.id)
            .values(version=_attendances.c.version + 1, **facts)
        )
        return int(before.id)
    new_id: int = connection.execute(
        insert(_attendances).returning(_attendances.c.id),
        {
            "public_id": new_public_id(),
            "shift_id": shift_id,
            "person_id": person_id,
            "mark": Mark.UNKNOWN,
            "was_offline": False,
            "is_doubtful": False,
            "is_walk_in": False,
            "version": 1,
        }
        | facts,
    ).scalar_one()
    return new_id


def settle(deed: Deed, shift: DayShift, attendance_ids: Collection[int]) -> None:
    """After evidence was written: close the shift where it is complete, or bring a closed one's hours up to date."""
    if shift.closed_at is not None:
        _leave_by_rule(shift, deed.now)
        write_hours(deed, shift, attendance_ids)
    elif deed.now >= shift.ends_at and _is_complete(shift):
        close(deed, shift)


def _is_complete(shift: DayShift) -> bool:
    """Whether of everybody with a place it is known that they came or not, and of who came by a time when they left."""
    c = _attendances.c
    here = _attendances.alias("here")
    unknown = (
        select(1)
        .select_from(
            _signups.outerjoin(
                here, and_(here.c.shift_id == _signups.c.shift_id, here.c.person_id == _signups.c.person_id)
            )
        )
        .where(
            _signups.c.shift_id == shift.id,
            _signups.c.state == SignupState.PLACED,
            or_(here.c.id.is_(None), here.c.mark == Mark.UNKNOWN),
        )
    )
    still_here = select(1).where(c.shift_id == shift.id, c.arrived_at.is_not(None), c.left_at.is_(None))
    connection = db.connection()
    return (
        connection.execute(unknown.limit(1)).first() is None
        and connection.execute(still_here.limit(1)).first() is None
    )


def close(deed: Deed, shift: DayShift) -> bool:
    """Close a shift once: who forgot to check out left at its end, and the hours are written. The shift is locked."""
    closed = db.connection().execute(
        update(_shifts)
        .where(_shifts.c.id == shift.id, _shifts.c.closed_at.is_(None))
        .values(closed_at=deed.now)
    )
    if closed.rowcount == 0:
        return False
    forgotten = _leave_by_rule(shift, deed.now)
    written = write_hours(deed, shift, None)
    audit.record(
        deed,
        "close_shift",
        "shift",
        shift.id,
        area_path=shift.area_path,
        forgotten=forgotten,
        entries=written,
    )
    return True


def _leave_by_rule(shift: DayShift, now: datetime) -> int:
    """Two hours after the end, whoever has not checked out left at the end; returns how many."""
    if now < shift.ends_at + rules.CHECK_OUT_CLOSES:
        return 0
    c = _attendances.c
    return (
        db.connection()
        .execute(
            update(_attendances)
            .where(c.shift_id == shift.id, c.arrived_at.is_not(None), c.left_at.is_(None))
            .values(left_at=shift.ends_at, left_from=Evidence.RULE, version=c.version + 1)
        )
        .rowcount
    )


def write_hours(deed: Deed, shift: DayShift, attendance_ids: Collection[int] | None) -> int:
    """Bring the ledger to what the evidence says: a first line for each, then corrections; returns how many lines.

    None stands for everybody at the shift. Lines that people asked for are left as they are.
    """
    a, e, v = _attendances.c, _entries.c, _volunteers.c
    # What evidence has given so far; a correction that somebody asked for carries who decided it.
    given = (
        select(
            e.attendance_id,
            func.sum(e.minutes).filter(e.decided_by.is_(None)).label("minutes"),
            func.sum(e.minutes).label("standing"),
            # A correction belongs where the hours themselves were counted, whatever team the person is in now.
            func.max(e.team_id).label("team_id"),
            func.max(e.organisation_id).label("organisation_id"),
            func.max(e.society).label("society"),
        )
        .where(e.state == EntryState.STANDS)
        .group_by(e.attendance_id)
        .subquery("given")
    )
    statement = (
        select(
            a.id,
            a.person_id,
            a.mark,
            a.arrived_at,
            a.left_at,
            given.c.minutes,
            given.c.standing,
            case((given.c.minutes.is_not(None), given.c.team_id), else_=v.team_id).label("team_id"),
            case((given.c.minutes.is_not(None), given.c.organisation_id), else_=v.organisation_id).label(
                "organisation_id"
            ),
            case((given.c.minutes.is_not(None), given.c.society), else_=v.society).label("society"),
        )
        .select_from(
            _attendances.outerjoin(given, given.c.attendance_id == a.id).outerjoin(
                _volunteers, v.person_id == a.person_id
            )
        )
        .where(a.shift_id == shift.id)
        .order_by(a.id)
    )
    if attendance_ids is not None:
        statement = statement.where(a.id.in_(sorted(attendance_ids)))
    connection = db.connection()
    rows = []
    for row in connection.execute(statement).all():
        earned = rules.credited_minutes(
            mark=row.mark,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            arrived_at=row.arrived_at,
            left_at=row.left_at,
        )
        is_first = row.minutes is None
        # Nobody's hours fall below nothing, also where a correction took some of them before.
        change = earned if is_first else max(earned - row.minutes, -row.standing)
        if (is_first and row.mark is not Mark.PRESENT) or (not is_first and not change):
            continue
        rows.append(
            {
                "public_id": new_public_id(),
                "attendance_id": row.id,
                "person_id": row.person_id,
                "kind": EntryKind.EVIDENCE if is_first else EntryKind.CORRECTION,
                "state": EntryState.STANDS,
                "minutes": change,
                "worked_on": shift.day,
                "area_path": shift.area_path,
                "team_id": row.team_id,
                "organisation_id": row.organisation_id,
                "society": row.society,
                "reason": None if is_first else EVIDENCE_CHANGED,
                "written_by": deed.actor.key[:80],
                "written_at": deed.now,
            }
        )
    if not rows:
        return 0
    dialect = INSERTS[connection.dialect.name]
    # The unique index over the evidence lines is the last guard against hours that are written twice.
    return int(
        connection.execute(
            dialect(_entries).on_conflict_do_nothing(
                index_elements=["attendance_id"],
                index_where=is_any(e.kind, EntryKind.EVIDENCE.value),
            ),
            rows,
        ).rowcount
    )
