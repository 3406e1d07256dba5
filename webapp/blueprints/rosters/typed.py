"""The shape of what is typed for posts, recurring shifts and shifts."""

import unicodedata
from collections.abc import Mapping
from datetime import date, time

from werkzeug.datastructures import MultiDict

from webapp.base.errors import RuleBroken
from webapp.domain.rosters.rules import (
    MINUTES_IN_A_DAY,
    MOST_SUIT_MINUTES,
    PRESETS,
    Numbers,
    PostKind,
    Protection,
    monday_of,
    typed_recurrence,
    typed_stretch,
)
from webapp.domain.rosters.services.posts import PostPlan, TemplatePlan
from webapp.domain.rosters.services.shifts import ShiftPlan

SKILL = "skill-"


def number(text: str, *, field: str, longest: int = 6) -> int:
    """A whole number in any script's digits; raises RuleBroken("places_wrong") for all else."""
    text = text.strip()
    if not text.isdecimal() or len(text) > longest:
        raise RuleBroken("places_wrong", field=field)
    return int(text)


def read_day(text: str, *, field: str) -> date:
    """A day as a date field sends it; raises RuleBroken("time_wrong")."""
    try:
        return date.fromisoformat(unicodedata.normalize("NFKC", text).strip())
    except ValueError as error:
        raise RuleBroken("time_wrong", field=field) from error


def read_time(text: str, *, field: str) -> time:
    """A time of day as it is typed: 7:00, 07:00, ０７：００; raises RuleBroken("time_wrong")."""
    hour, colon, minute = unicodedata.normalize("NFKC", text).strip().partition(":")
    minute = minute.partition(":")[0]
    if not hour.isdecimal() or (colon and not minute.isdecimal()):
        raise RuleBroken("time_wrong", field=field)
    try:
        return time(int(hour), int(minute or 0))
    except ValueError as error:
        raise RuleBroken("time_wrong", field=field) from error


def read_monday(text: str | None, *, today: date) -> date:
    """The Monday of the week that an address names; this week's where it names none, or nonsense."""
    try:
        return monday_of(date.fromisoformat(text or ""))
    except (ValueError, OverflowError):
        return monday_of(today)


def read_post(form: Mapping[str, str]) -> PostPlan:
    """A post as the head typed it."""
    try:
        kind, protection = PostKind(form.get("kind", "")), Protection(form.get("protection", ""))
    except ValueError as error:
        raise RuleBroken("bad_request") from error
    suit = form.get("suit_minutes", "").strip()
    if suit and not suit.isdecimal():
        raise RuleBroken("suit_minutes_wrong", field="suit_minutes", maximum=MOST_SUIT_MINUTES)
    return PostPlan(
        name=form.get("name", ""),
        name_en=form.get("name_en", ""),
        kind=kind,
        place=form.get("place", ""),
        place_area=form.get("place_area", ""),
        instructions=form.get("instructions", ""),
        protection=protection,
        suit_minutes=int(suit[:6]) if suit else None,
        lead=form.get("lead", "")[:60],
        lead_choice=form.get("lead_choice", ""),
        phone=form.get("phone", ""),
        team=form.get("team", ""),
        handles_household_data=form.get("handles_household_data") == "1",
        adults_only=form.get("adults_only") == "1",
        newcomers_welcome=form.get("newcomers_welcome") == "1",
    )


def read_numbers(form: Mapping[str, str]) -> Numbers:
    """How many are needed, wanted and taken at most, and of them how many by skill; an empty skill is none."""
    skills = {
        name.removeprefix(SKILL): number(text, field=name)
        for name, text in form.items()
        if name.startswith(SKILL) and text.strip()
    }
    return Numbers(
        minimum=number(form.get("minimum", ""), field="minimum"),
        wanted=number(form.get("wanted", ""), field="wanted"),
        maximum=number(form.get("maximum", ""), field="maximum"),
        skills={code: count for code, count in skills.items() if count},
    )


def _times(form: Mapping[str, str]) -> tuple[time, time, bool]:
    """Start, end, and whether it ends the next day: one of the office's four shifts, or what was typed."""
    preset = PRESETS.get(form.get("when", ""))
    if preset is not None:
        start, length = preset
        end = start + length
        return time(start // 60, start % 60), time(end // 60 % 24, end % 60), end >= MINUTES_IN_A_DAY
    start_at = read_time(form.get("start", ""), field="start")
    end_at = read_time(form.get("end", ""), field="end")
    return start_at, end_at, form.get("next_day") == "1"


def read_template(form: MultiDict[str, str]) -> TemplatePlan:
    """A recurring shift as the head typed it."""
    start, end, ends_next_day = _times(form)
    start_minute, length = typed_recurrence(start=start, end=end, ends_next_day=ends_next_day)
    days = {int(text) for text in form.getlist("weekdays") if text.isdecimal() and len(text) == 1}
    return TemplatePlan(
        weekdays=sum(1 << day for day in days if day < 7),
        start_minute=start_minute,
        length_minutes=length,
        numbers=read_numbers(form),
    )


def read_shift(form: Mapping[str, str]) -> ShiftPlan:
    """A single shift as the head typed it."""
    day = read_day(form.get("day", ""), field="day")
    start, end, ends_next_day = _times(form)
    return ShiftPlan(
        stretch=typed_stretch(day, start=start, end=end, ends_next_day=ends_next_day),
        numbers=read_numbers(form),
        lead=form.get("lead", ""),
    )
