"""A call-up as its head typed it, read into a plan. A wrong shape is said on its field."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from werkzeug.datastructures import MultiDict

from webapp.base import clock
from webapp.base.errors import RuleBroken
from webapp.domain.mobilization.rules import (
    MOST_PLACES,
    MOST_ROLES,
    REPLY_MINUTES,
    Category,
    Certainty,
    Stay,
)
from webapp.domain.mobilization.services.call_ups import CallUpPlan, RolePlan

HOURS = (1, 2, 3, 4, 6, 8, 12, 24)
DRILL_ANNOUNCED, DRILL_UNANNOUNCED = "announced", "unannounced"
_QUARTER = timedelta(minutes=15)


def read_count(text: str, *, field: str) -> int:
    """A number of people. Raises RuleBroken call_up_places_wrong."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and 0 < int(text) <= MOST_PLACES):
        raise RuleBroken("call_up_places_wrong", field=field, maximum=MOST_PLACES)
    return int(text)


def _roles(form: Mapping[str, str]) -> tuple[RolePlan, ...]:
    """The rows that were filled in. Raises RuleBroken on the row that is half filled."""
    roles = []
    for row in range(1, MOST_ROLES + 1):
        name, skill = form.get(f"role_{row}", "").strip(), form.get(f"skill_{row}", "")
        count = form.get(f"count_{row}", "").strip()
        if count or name or skill:
            roles.append(
                RolePlan(name=name, skill=skill or None, count=read_count(count, field=f"count_{row}"))
            )
    return tuple(roles)


def _times(form: Mapping[str, str]) -> tuple[datetime, datetime]:
    try:
        day = date.fromisoformat(form.get("day", "").strip())
    except ValueError as error:
        raise RuleBroken("day_wrong", field="day") from error
    try:
        start = time.fromisoformat(form.get("start", "").strip()).replace(
            second=0, microsecond=0, tzinfo=None
        )
    except ValueError as error:
        raise RuleBroken("time_wrong", field="start") from error
    hours = form.get("hours", "").strip()
    if not (hours.isascii() and hours.isdecimal() and len(hours) <= 4):
        raise RuleBroken("call_up_ends_before_start", field="hours")
    try:
        starts_at = clock.instant(datetime.combine(day, start))
        return starts_at, starts_at + timedelta(hours=int(hours))
    except OverflowError as error:
        raise RuleBroken("day_wrong", field="day") from error


def read_call_up(form: MultiDict[str, str]) -> CallUpPlan:
    """The whole form. Raises RuleBroken on the field that it is about."""
    try:
        stay, certainty = Stay(form.get("stay", "")), Certainty(form.get("certainty", ""))
        categories = frozenset(Category(each) for each in form.getlist("categories"))
        reply_minutes = int(form.get("reply_minutes", "")[:5])
    except ValueError as error:
        raise RuleBroken("bad_request") from error
    starts_at, ends_at = _times(form)
    drill = form.get("drill", "")
    return CallUpPlan(
        title=form.get("title", ""),
        roles=_roles(form),
        starts_at=starts_at,
        ends_at=ends_at,
        place=form.get("place", ""),
        muster_point=form.get("muster_point", ""),
        landmark=form.get("landmark", ""),
        map_url=form.get("map_url", ""),
        bring=form.get("bring", ""),
        stay=stay,
        sleeps=form.get("sleeps", ""),
        eats=form.get("eats", ""),
        caller_name=form.get("caller_name", ""),
        phone=form.get("phone", ""),
        categories=categories,
        certainty=certainty,
        reply_minutes=reply_minutes,
        widest=form.get("widest", ""),
        is_drill=drill in {DRILL_ANNOUNCED, DRILL_UNANNOUNCED},
        is_announced=drill == DRILL_ANNOUNCED,
        quiet_reason=form.get("quiet_reason", ""),
    )


def usual_start(now: datetime) -> datetime:
    """When a call-up begins where nobody says otherwise: the next quarter of an hour that leaves 15 minutes."""
    soonest = clock.here(now + _QUARTER)
    past = timedelta(minutes=soonest.minute % 15, seconds=soonest.second, microseconds=soonest.microsecond)
    return soonest - past + (_QUARTER if past else timedelta())


def usual_reply(starts_at: datetime, now: datetime) -> int:
    """The longest time to answer that leaves room for three waves; at least the shortest."""
    third = (starts_at - now).total_seconds() / 180
    return max((each for each in REPLY_MINUTES[:3] if each <= third), default=REPLY_MINUTES[0])
