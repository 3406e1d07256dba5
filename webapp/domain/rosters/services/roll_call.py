"""Roll call 点名: three states, times where somebody wrote them down, and nothing overwritten that was not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import func, literal, update

from webapp.base import audit, clock, db, requests
from webapp.base.db import UtcDateTime, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, RuleBroken
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Shift
from webapp.domain.rosters.queries import day
from webapp.domain.rosters.queries.day import DayShift, Line
from webapp.domain.rosters.rules import Evidence, Mark
from webapp.domain.rosters.services.evidence import attendance_of, settle, write_attendance

_shifts: Any = Shift.__table__


@dataclass(frozen=True)
class Typed:
    """What somebody wrote for one person: the mark, wall-clock times or none, and the version that they had seen."""

    shift: str
    person: str
    mark: Mark
    version: int
    arrived: time | None = None
    left: time | None = None


@dataclass(frozen=True)
class Called:
    """What came of a roll call: how many are there, not there, not known yet."""

    present: int
    absent: int
    unknown: int


@writing
def save_roll_call(
    *, deed: Deed, lines: Sequence[Typed], shift: str | None = None, sheet: str | None = None
) -> Called:
    """Write the marks of a shift, or of all shifts on a returned sign-in sheet; only changed lines are handed in.

    No tick is no no-show: who is not among the lines stays as they are. Raises RuleBroken roll_call_not_yet,
    time_outside_shift, time_order, and Conflict roll_call_changed with `changed`, a tuple of `Line`s as they are
    now, where somebody else wrote meanwhile; nothing is saved then.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return Called(*map(int, (claim.outcome or "0 0 0").split()))
    shifts = _shifts_of(deed, shift, sheet)
    known = {each.public_id: each for each in shifts}
    now = {(each.shift_id, each.person): each for each in day.lines_of(shifts, now=deed.now)}
    source = Evidence.ROLL_CALL if sheet is None else Evidence.PAPER
    changes: list[tuple[DayShift, Line, dict[str, Any]]] = []
    overtaken: list[Line] = []
    for typed in lines:
        the_shift = known.get(typed.shift)
        line = None if the_shift is None else now.get((the_shift.id, typed.person))
        if the_shift is None or line is None:
            raise Conflict("roll_call_changed", changed=())
        values = _evidence(the_shift, line, typed, source, deed.now)
        if not values:
            continue
        if line.version != typed.version:
            overtaken.append(line)
        changes.append((the_shift, line, values))
    if overtaken:
        raise Conflict("roll_call_changed", changed=tuple(overtaken))
    touched: dict[int, list[int]] = {each.id: [] for each in shifts}
    for the_shift, line, values in changes:
        before = attendance_of(the_shift.id, line.person_id)
        touched[the_shift.id].append(write_attendance(deed, the_shift.id, line.person_id, before, **values))
    _called(deed, shifts, touched, changes, source)
    called = _count(day.lines_of(shifts, now=deed.now))
    requests.settle(
        claim, outcome=f"{called.present} {called.absent} {called.unknown}", object_id=shifts[0].id
    )
    return called


def _shifts_of(deed: Deed, shift: str | None, sheet: str | None) -> list[DayShift]:
    """The shifts under their locks, the lower id first."""
    if sheet is None:
        found = [day.get_led_shift(actor=deed.actor, public_id=shift or "", for_update=True)]
    else:
        on_sheet = day.get_sheet_roll_call(actor=deed.actor, sheet_public_id=sheet, now=deed.now)
        found = [day.lock_shift(each) for each in sorted(each.id for each in on_sheet.shifts)]
    opens_at = min(each.starts_at for each in found) - rules.CHECK_IN_OPENS
    if deed.now < opens_at:
        raise RuleBroken("roll_call_not_yet", at=opens_at)
    return found


def _called(
    deed: Deed,
    shifts: Sequence[DayShift],
    touched: dict[int, list[int]],
    changes: Sequence[tuple[DayShift, Line, dict[str, Any]]],
    source: Evidence,
) -> None:
    for each in shifts:
        db.connection().execute(
            update(_shifts)
            .where(_shifts.c.id == each.id)
            .values(called_at=func.coalesce(_shifts.c.called_at, literal(deed.now, UtcDateTime)))
        )
        audit.record(
            deed,
            "call_roll",
            "shift",
            each.id,
            area_path=each.area_path,
            source=source.value,
            marks={
                line.person_id: [line.mark.value, values["mark"].value]
                for shift, line, values in changes
                if shift.id == each.id
            },
        )
        settle(deed, each, touched[each.id])


def _count(lines: Sequence[Line]) -> Called:
    marks = [each.mark for each in lines]
    return Called(marks.count(Mark.PRESENT), marks.count(Mark.ABSENT), marks.count(Mark.UNKNOWN))


def _evidence(shift: DayShift, line: Line, typed: Typed, source: Evidence, now: datetime) -> dict[str, Any]:
    """What is to be written for a line; empty where it says what is known already."""
    if typed.mark is not Mark.PRESENT:
        if line.mark is typed.mark:
            return {}
        return {
            "mark": typed.mark,
            "arrived_at": None,
            "arrived_from": None,
            "left_at": None,
            "left_from": None,
            "was_offline": False,
            "is_doubtful": False,
        }
    arrived_at = _instant(shift, typed.arrived, line.arrived_at, "arrived")
    left_at = _instant(shift, typed.left, line.left_at, "left")
    if arrived_at is None:
        # Who stood in came when they took over; who was relieved was there from the start.
        began = line.stands_in_since or (shift.starts_at if left_at or line.relieved_at else None)
        arrived_at = began
    if left_at is None and line.relieved_at is not None:
        left_at = line.relieved_at
    if arrived_at and left_at and left_at < arrived_at:
        raise RuleBroken("time_order", name=line.name)
    if max(filter(None, (arrived_at, left_at)), default=now) > now:
        raise RuleBroken("time_in_future", name=line.name)
    if line.mark is Mark.PRESENT and (arrived_at, left_at) == (line.arrived_at, line.left_at):
        return {}
    same_arrival = arrived_at == line.arrived_at
    same_leaving = left_at == line.left_at
    return {
        "mark": Mark.PRESENT,
        "arrived_at": arrived_at,
        "arrived_from": None if arrived_at is None else line.arrived_from if same_arrival else source,
        "left_at": left_at,
        "left_from": None if left_at is None else line.left_from if same_leaving else source,
        "is_doubtful": line.is_doubtful and same_arrival,
    }


def _instant(shift: DayShift, written: time | None, known: datetime | None, field: str) -> datetime | None:
    """The instant of a written time; the known one where the paper says the same minute."""
    if written is None:
        return None
    if known is not None and clock.here(known).strftime("%H:%M") == written.strftime("%H:%M"):
        return known
    first = clock.day(shift.starts_at)
    candidates = [
        clock.instant(datetime.combine(first + timedelta(days=days), written.replace(fold=fold)))
        for days in (-1, 0, 1, 2)
        for fold in (0, 1)
    ]
    closes_at = shift.ends_at + (rules.CHECK_OUT_CLOSES if field == "left" else timedelta(0))
    found = rules.time_inside(
        candidates, opens_at=shift.starts_at - rules.CHECK_IN_OPENS, closes_at=closes_at
    )
    if found is None:
        raise RuleBroken("time_outside_shift", time=written.strftime("%H:%M"), which=field)
    return found
