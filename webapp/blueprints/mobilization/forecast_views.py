"""The forecast in words, and its line over 72 hours as an SVG drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from webapp.base import clock
from webapp.domain.mobilization.forecast import Short, spans_of
from webapp.domain.mobilization.queries.forecast import Field, Forecast, Place
from webapp.domain.mobilization.queries.team_types import TypeView
from webapp.web import words
from webapp.web.words import gettext

LEFT, TOP, WIDTH, HEIGHT = 24, 8, 288, 64
_DAYS_SHOWN = 4
_INSIDE_SHOWN = 3


@dataclass(frozen=True)
class Day:
    """Where a day begins in the drawing, and its name."""

    x: float
    name: str


@dataclass(frozen=True)
class Line:
    """A step line over the hours: two paths, the highest figure, the days under it."""

    possible: str
    expected: str | None
    top: int
    days: tuple[Day, ...]


def name(place: Place) -> Any:
    """An area or team in the reader's language."""
    return words.said(place.name, place.name_en)


def kind_name(kind: TypeView) -> str:
    """A kind of team in the reader's language."""
    return kind.name if words.is_chinese() else kind.name_en


def role_name(kind: TypeView, position: int) -> str:
    """A role of it in the reader's language."""
    role = next(each for each in kind.roles if each.position == position)
    return role.name if words.is_chinese() else role.name_en


def make_up(kind: TypeView) -> str:
    """Who makes one such team: 采样 2、登记 2."""
    return gettext(", ").join(
        f"{role.name if words.is_chinese() else role.name_en} {role.needed_count}" for role in kind.roles
    )


def _missing(kind: TypeView, short: Sequence[Short]) -> str:
    """采样1人、登记或驾驶2人."""
    return gettext(", ").join(
        gettext(
            "%(count)s for %(role)s",
            count=each.count,
            role=gettext(" or ").join(role_name(kind, position) for position in each.roles),
        )
        for each in short
    )


def _steps(counts: Sequence[int], top: int) -> str:
    """A path that goes along each hour and up or down between them."""

    def y(count: int) -> float:
        return round(TOP + HEIGHT * (1 - count / top), 1)

    wide = WIDTH / len(counts)
    path, before = f"M{LEFT} {y(counts[0])}", counts[0]
    for number, count in enumerate(counts):
        if count != before:
            path += f"H{LEFT + number * wide:g}V{y(count)}"
            before = count
    return f"{path}H{LEFT + WIDTH}"


def line(field: Field, edges: Sequence[datetime], *, has_rate: bool, now: datetime) -> Line:
    """The drawing of one kind of team."""
    top = max(*field.own.possible, 1)
    wide = WIDTH / (len(edges) - 1)
    days = [Day(LEFT, words.day(clock.day(now), now=now))]
    for number, edge in enumerate(edges[1:-1], 1):
        here = clock.here(edge)
        if here.hour == 0:
            days.append(Day(round(LEFT + number * wide, 1), _short_day(edge)))
    # A name needs some room: the first day may be nearly over.
    shown = [
        day
        for day, after in zip(days, [*days[1:], None], strict=True)
        if after is None or after.x - day.x > 48
    ]
    return Line(
        possible=_steps(field.own.possible, top),
        expected=_steps(field.own.expected, top) if has_rate else None,
        top=top,
        days=tuple(shown[:_DAYS_SHOWN]),
    )


def _short_day(at: datetime) -> str:
    here = clock.here(at)
    return f"{here.month}/{here.day}"


def _spans(field: Field, edges: Sequence[datetime], *, now: datetime) -> list[tuple[str, str, int]]:
    return [
        (words.moment(start, now=now), words.moment(end, now=now), count)
        for start, end, count in spans_of(field.own.possible, edges)
    ]


def _alternative(field: Field, edges: Sequence[datetime]) -> str:
    """The drawing in words, for who does not see it."""
    spans = spans_of(field.own.possible, edges)
    return gettext(
        "%(kind)s over the next 72 hours: now %(now)s, at least %(least)s, at most %(most)s; %(count)s changes.",
        kind=kind_name(field.type),
        now=field.own.now,
        least=min(field.own.possible),
        most=max(field.own.possible),
        count=len(spans) - 1,
    )


def _inside(field: Field) -> dict[str, Any]:
    """What sealed places can field inside: the most first, and how many further ones there are."""
    ordered = sorted(field.inside, key=lambda each: -each[1].now)
    return {
        "inside": [(name(place), teams.now) for place, teams in ordered[:_INSIDE_SHOWN]],
        "inside_more": max(0, len(ordered) - _INSIDE_SHOWN),
    }


def field(found: Forecast, number: int, *, now: datetime) -> dict[str, Any]:
    """A kind of team as a card of the page."""
    each = found.fields[number]
    own, has_rate = each.own, found.rate is not None
    return {
        "name": kind_name(each.type),
        "size": gettext(
            "A team is %(size)s people: %(roles)s", size=each.type.size, roles=make_up(each.type)
        ),
        "now": own.now,
        "expected": own.expected_now if has_rate else None,
        "missing": _missing(each.type, own.short),
        "before": found.before[number].own.now if found.before else None,
        **_inside(each),
        "line": line(each, found.edges, has_rate=has_rate, now=now),
        "alternative": _alternative(each, found.edges),
        "spans": _spans(each, found.edges, now=now),
    }


def counted(found: Forecast) -> str:
    """Who is counted: 储备 60 人,现在能来 48:外出 4、休息 3."""
    count = found.counted
    because = [
        gettext("%(count)s away", count=count.away) if count.away else "",
        gettext("%(count)s resting", count=count.resting) if count.resting else "",
        gettext("%(count)s said they cannot", count=count.said_no) if count.said_no else "",
        gettext("%(count)s have something else", count=count.taken) if count.taken else "",
    ]
    said = gettext("%(all)s in the reserve, %(free)s can come now", all=count.all, free=count.free)
    reasons = gettext(", ").join(each for each in because if each)
    if count.limited:
        limited = gettext(
            "%(count)s of the reserve can do only some of it and are counted", count=count.limited
        )
        reasons = gettext(", ").join(each for each in (reasons, limited) if each)
    return (
        f"{said} ({reasons})"
        if reasons and not words.is_chinese()
        else f"{said}\uff08{reasons}\uff09"
        if reasons
        else said
    )


def sealed_choices(places: Sequence[Place], place: Place) -> list[tuple[str, Any]]:
    """What can be taken as sealed: the names, and for what lies deeper the names above them."""
    known = {each.path: each for each in places}
    found = []
    for each in places:
        above = [
            known[path]
            for path in sorted(known)
            if path != each.path and each.path.startswith(path) and path.startswith(place.path)
        ]
        found.append((each.public_id, Markup(" ").join(name(one) for one in (*above, each))))
    return found
