"""What the pages of the day say: own shifts, roll call, the wall."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask import url_for

from webapp.base import clock
from webapp.blueprints.rosters import said
from webapp.domain.rosters.queries.day import DayShift, Line, Note, OwnShift, RollCall
from webapp.domain.rosters.queries.wall import Shown, Wall
from webapp.domain.rosters.rules import (
    CHECK_IN_OPENS,
    CHECK_OUT_CLOSES,
    Evidence,
    Mark,
)
from webapp.web import words
from webapp.web.words import gettext


def duration(minutes: int) -> str:
    """5 h 30 min."""
    if minutes < 0:
        return gettext("minus %(time)s", time=duration(-minutes))
    return gettext("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=minutes % 60)


def plain(name: str, name_en: str | None) -> str:
    """A name where no markup can stand, as in the label of what waits on the phone."""
    return name if words.is_chinese() or not name_en else name_en


def label(shift: DayShift) -> str:
    """A shift in the label of what waits on the phone; a name that the reader cannot read is left out."""
    name = shift.post_name if words.is_chinese() else shift.post_name_en or ""
    return f"{name} {words.clock_time(shift.starts_at)}".strip()


def notes(found: Iterable[Note], now: datetime) -> list[dict[str, Any]]:
    """Hand-over notes."""
    return [
        {
            "text": words.said(each.text),
            "by": words.said(each.written_by),
            "at": words.moment(each.written_at, now=now),
        }
        for each in found
    ]


def own_shift(own: OwnShift, now: datetime, *, code: str = "") -> dict[str, Any]:
    """A volunteer's shift with what can be pressed."""
    shift = own.shift
    state, tone = _own_state(own)
    can_leave = own.arrived_at is not None and (own.left_at is None or own.left_by_rule)
    return {
        "public_id": shift.public_id,
        "title": words.said(shift.post_name, shift.post_name_en),
        "plain": label(shift),
        "when": said.when(shift.starts_at, shift.ends_at, now=now),
        "place": words.said(shift.place),
        "instructions": words.said(shift.instructions) if shift.instructions else None,
        "protection": said.protection(shift.protection),
        "phone": shift.phone,
        "state": state,
        "tone": tone,
        "code": code,
        "check_in": url_for("rosters.check_in", public_id=shift.public_id),
        "check_out": url_for("rosters.check_out", public_id=shift.public_id),
        "note": url_for("rosters.write_note", public_id=shift.public_id),
        "opens": words.moment(shift.starts_at - CHECK_IN_OPENS, now=now),
        "is_open": shift.starts_at - CHECK_IN_OPENS <= now <= shift.ends_at,
        "can_arrive": own.arrived_at is None and now <= shift.ends_at,
        "can_leave": can_leave and now <= shift.ends_at + CHECK_OUT_CLOSES,
        # A page that is kept on the phone does not know yet that its reader will have arrived.
        "may_leave_later": own.arrived_at is None and now <= shift.ends_at,
        "is_over": now > shift.ends_at,
        "notes": notes(own.notes, now),
    }


def _own_state(own: OwnShift) -> tuple[str, str]:
    if own.left_at is not None and own.left_by_rule:
        return gettext("Checked out by rule at %(time)s", time=words.clock_time(own.left_at)), "warn"
    if own.left_at is not None:
        return gettext("Checked out %(time)s", time=words.clock_time(own.left_at)), "plain"
    if own.arrived_at is not None:
        return gettext("Checked in %(time)s", time=words.clock_time(own.arrived_at)), "good"
    return mark(own.mark)


def mark(value: Mark) -> tuple[str, str]:
    """What roll call says, as a word and a tone."""
    return {
        Mark.UNKNOWN: (gettext("Not known yet"), "plain"),
        Mark.PRESENT: (gettext("There"), "good"),
        Mark.ABSENT: (gettext("Not there"), "bad"),
    }[value]


def evidence(value: Evidence) -> str:
    """From where a time is known."""
    return {
        Evidence.CHECK_IN: gettext("check-in"),
        Evidence.ROLL_CALL: gettext("roll call"),
        Evidence.PAPER: gettext("paper"),
        Evidence.RULE: gettext("by rule"),
    }[value]


def key_of(shift: DayShift, line: Line) -> str:
    """What the fields of somebody on roll call are called."""
    return f"{shift.public_id}-{line.person}"


def roll_call(call: RollCall, now: datetime, typed: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The shifts of a roll call with their people; `typed` is what stands in the fields after a refusal."""
    return [
        {
            "public_id": shift.public_id,
            "title": words.said(shift.post_name, shift.post_name_en),
            "when": said.when(shift.starts_at, shift.ends_at, now=now),
            "span": said.span(shift.starts_at, shift.ends_at),
            "walk_ins": url_for("rosters.show_walk_ins", public_id=shift.public_id),
            "lines": [_line(shift, each, typed or {}) for each in call.lines_of(shift)],
            "count": _count(call.lines_of(shift)),
        }
        for shift in call.shifts
    ]


def _count(lines: list[Line]) -> str:
    marks = [each.mark for each in lines]
    return gettext(
        "%(all)s on the list · %(present)s there · %(absent)s not there · %(unknown)s not known yet",
        all=len(lines),
        present=marks.count(Mark.PRESENT),
        absent=marks.count(Mark.ABSENT),
        unknown=marks.count(Mark.UNKNOWN),
    )


def _line(shift: DayShift, line: Line, typed: Mapping[str, str]) -> dict[str, Any]:
    key = key_of(shift, line)
    arrived, left = _time(line.arrived_at), _time(line.left_at)
    return {
        "key": key,
        "name": words.said(line.name),
        "team": words.said(line.team_name) if line.team_name else None,
        "mark": typed.get(f"mark-{key}", str(line.mark)),
        "arrived": typed.get(f"arrived-{key}", arrived),
        "left": typed.get(f"left-{key}", left),
        "was": f"{line.mark}|{arrived}|{left}",
        "version": line.version,
        "is_unknown": line.mark is Mark.UNKNOWN,
        "remarks": _remarks(line),
    }


def _time(at: datetime | None) -> str:
    return "" if at is None else words.clock_time(at)


def _remarks(line: Line) -> list[tuple[str, str]]:
    """What is to be known of somebody, as words and tones."""
    found = []
    if line.arrived_at is not None and line.arrived_from is not None:
        source = evidence(line.arrived_from)
        found.append(
            (gettext("came %(time)s, %(source)s", time=_time(line.arrived_at), source=source), "plain")
        )
    if line.late_minutes:
        found.append((gettext("%(count)s minutes late", count=line.late_minutes), "warn"))
    if line.left_at is not None and line.left_from is not None:
        source = evidence(line.left_from)
        found.append((gettext("left %(time)s, %(source)s", time=_time(line.left_at), source=source), "plain"))
    if line.relieved_at is not None and line.left_at is None:
        found.append((gettext("relieved %(time)s", time=_time(line.relieved_at)), "info"))
    if line.stands_in_since is not None:
        found.append((gettext("stands in since %(time)s", time=_time(line.stands_in_since)), "info"))
    if line.is_walk_in:
        found.append((gettext("Joined on the spot"), "info"))
    if line.is_doubtful:
        found.append((gettext("The phone's clock was wrong: the time of arrival here counts"), "warn"))
    elif line.was_offline:
        found.append((gettext("Sent later by the phone"), "info"))
    if line.override_reason:
        found.append((gettext("※ %(reason)s", reason=words.said(line.override_reason)), "warn"))
    return found


def changed(line: Line) -> str:
    """What somebody else wrote meanwhile: 张三 到了 18:05."""
    parts = [line.name, mark(line.mark)[0], _time(line.arrived_at), _time(line.left_at)]
    return " ".join(part for part in parts if part)


def wall(found: Wall, now: datetime) -> dict[str, Any]:
    """The wall page of a post."""

    def people(shown: tuple[Shown, ...]) -> list[tuple[Any, str]]:
        return [(words.said(each.name), words.clock_time(each.at)) for each in shown]

    return {
        "title": words.said(found.name, found.name_en),
        "now": words.clock_time(now),
        "day": words.full_day(clock.day(now)),
        "here": people(found.here),
        "leaving": people(found.leaving),
        "arriving": people(found.arriving),
        "open": [(said.span(each.starts_at, each.ends_at), each.missing) for each in found.open_places],
    }
