"""What the pages of the muster, the board and the report say, put into words before the template."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import url_for

from webapp.base import clock
from webapp.blueprints.mobilization.call_up_views import state
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.queries.board import Awaited, Board, RoleLine
from webapp.domain.mobilization.queries.muster import Line, Muster, ToLetGo
from webapp.domain.mobilization.queries.report import Curve, EventLine, OrganisationLine, Report
from webapp.domain.mobilization.rules import (
    CallUpState,
    EventKind,
    Figures,
    Mark,
    MusterState,
    Score,
    SummonsState,
)
from webapp.domain.rosters.rules import Evidence
from webapp.web import words
from webapp.web.words import gettext


def span(starts_at: datetime, ends_at: datetime, *, now: datetime) -> str:
    """tonight 21:00–01:00."""
    return f"{words.moment(starts_at, now=now)}–{words.clock_time(ends_at)}"


# --- figures ------------------------------------------------------------------------------------------------


def figures(found: Figures) -> list[tuple[str, str]]:
    """应到 60 · 实到 52 · 在路上 5 · 没消息 3, as pairs."""
    return [
        (gettext("Expected"), str(found.expected)),
        (gettext("Came"), str(found.arrived)),
        (gettext("On the way"), str(found.en_route)),
        (gettext("No word"), str(found.silent)),
    ]


def one_line(found: Figures) -> str:
    """The same in one line, as under a heading."""
    return " · ".join(f"{word} {count}" for word, count in figures(found))


def rate(found: Figures) -> str:
    """到位率 87 %（实到 52 / 应到 60）: never without what it is of."""
    if found.rate is None:
        return gettext("Nobody has said yes yet")
    return gettext(
        "%(rate)s %% there (%(arrived)s of the %(expected)s who said yes)",
        rate=found.rate,
        arrived=found.arrived,
        expected=found.expected,
    )


def places(found: Figures) -> str:
    """要 60 人，60 人能来; and what else must be known to read the figures."""
    said = [gettext("%(wanted)s places, %(taken)s said yes", wanted=found.wanted, taken=found.expected)]
    if found.unnamed:
        said.append(gettext("%(count)s of them promised by units, without names yet", count=found.unnamed))
    if found.overdue:
        said.append(gettext("%(count)s overdue", count=found.overdue))
    if found.departed:
        said.append(gettext("%(count)s have left again", count=found.departed))
    if found.extra:
        said.append(gettext("%(count)s more are there without a place", count=found.extra))
    return gettext("; ").join(said)


def _role(line: RoleLine) -> dict[str, Any]:
    found = line.figures
    return {
        "public_id": line.public_id,
        "name": words.said(line.name),
        "expected": found.expected,
        "arrived": found.arrived,
        "en_route": found.en_route,
        "silent": found.silent,
        "wanted": found.wanted,
        "line": one_line(found),
        "short": max(0, found.wanted - found.expected),
    }


def _awaited(each: Awaited, now: datetime) -> dict[str, Any]:
    late = max(0, int((now - each.at).total_seconds() // 60))
    return {
        "name": words.said(each.name),
        "role": words.said(each.assigned_to or each.role),
        "at": words.clock_time(each.at),
        "late": gettext("%(count)s minutes overdue", count=late),
        "check": url_for("mobilization.check_welfare", public_id=each.summons),
    }


def board(found: Board, now: datetime) -> dict[str, Any]:
    """The board, for its head and for the wall."""
    word, tone = state(found.state)
    return {
        "title": words.said(found.title),
        "number": found.number,
        "is_drill": found.is_drill,
        "state": word,
        "tone": tone,
        "when": span(found.starts_at, found.ends_at, now=now),
        "point": words.said(found.muster_point),
        "figures": figures(found.figures),
        "rate": rate(found.figures),
        "places": places(found.figures),
        "roles": [_role(each) for each in found.roles],
        "overdue": [_awaited(each, now) for each in found.overdue],
        "overdue_count": found.figures.overdue,
        "welfare": [_awaited(each, now) for each in found.welfare],
        "welfare_count": found.welfare_count,
    }


# --- roll call ----------------------------------------------------------------------------------------------


def evidence(value: Evidence) -> str:
    """From where a time is known."""
    return {
        Evidence.CHECK_IN: gettext("check-in"),
        Evidence.ROLL_CALL: gettext("roll call"),
        Evidence.PAPER: gettext("paper"),
        Evidence.RULE: gettext("by rule"),
    }[value]


def where(line: Line) -> tuple[str, str]:
    """Where somebody has got to, as a word and a tone."""
    if line.departed_at is not None:
        return gettext("Gone since %(time)s", time=words.clock_time(line.departed_at)), "plain"
    if line.is_extra:
        return gettext("There, no place open"), "warn"
    if line.muster is MusterState.ON_DUTY:
        return gettext("On duty"), "good"
    if line.arrived_at is not None:
        return gettext("There since %(time)s", time=words.clock_time(line.arrived_at)), "good"
    if line.mark is Mark.ABSENT or line.is_overdue:
        return gettext("Should be there and is not"), "bad"
    if line.left_for_at is not None:
        return gettext("On the way since %(time)s", time=words.clock_time(line.left_for_at)), "info"
    return gettext("No word"), "plain"


def muster(found: Muster, now: datetime, typed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The roll, by role."""
    groups: dict[str, dict[str, Any]] = {}
    figures_of = {each.public_id: each for each in found.roles}
    for role in found.roles:
        groups[role.public_id] = {"role": _role(role), "name": words.said(role.name), "lines": []}
    for line in found.lines:
        group = groups.setdefault(line.role, {"role": None, "name": words.said(line.role_name), "lines": []})
        group["lines"].append(_line(line, now, typed or {}))
    word, tone = state(found.state)
    return {
        "public_id": found.public_id,
        "title": words.said(found.title),
        "plain": found.title if words.is_chinese() else found.number,
        "number": found.number,
        "is_drill": found.is_drill,
        "state": word,
        "tone": tone,
        "is_closed": found.state is CallUpState.CLOSED,
        "can_stand_down": rules.can_step("stand_down", found.state),
        "when": span(found.starts_at, found.ends_at, now=now),
        "point": words.said(found.muster_point),
        "landmark": words.said(found.landmark) if found.landmark else None,
        "code": found.code,
        "figures": one_line(found.figures) if figures_of else None,
        "rate": rate(found.figures) if figures_of else None,
        "places": places(found.figures) if figures_of else None,
        "groups": list(groups.values()),
        "has_lines": bool(found.lines),
        "has_missing": any(each.arrived_at is None for each in found.lines),
        "role_choices": [(each.public_id, words.said(each.name)) for each in found.roles],
        "here_count": sum(each.is_here and not each.is_extra for each in found.lines),
        "is_whole": found.is_whole,
        "may_manage": found.may_manage,
    }


def _line(line: Line, now: datetime, typed: Mapping[str, str]) -> dict[str, Any]:
    key = line.summons
    arrived, left = _time(line.arrived_at), _time(line.departed_at)
    assigned = line.assigned_to or ""
    word, tone = where(line)
    return {
        "key": key,
        "name": words.said(line.name),
        "team": words.said(line.team) if line.team else None,
        "where": word,
        "tone": tone,
        "mark": typed.get(f"mark-{key}", str(line.mark)),
        "arrived": typed.get(f"arrived-{key}", arrived),
        "left": typed.get(f"left-{key}", left),
        "assigned": typed.get(f"post-{key}", assigned),
        "was": f"{line.mark}|{arrived}|{left}|{assigned}",
        "version": line.version,
        "remarks": _remarks(line, now),
        "can_replace": line.arrived_at is None and not line.is_extra,
        "replace": url_for("mobilization.replace_missing", public_id=key),
        "check": url_for("mobilization.check_welfare", public_id=key)
        if line.is_here and line.welfare_due_at is not None and line.welfare_due_at <= now
        else None,
    }


def _time(at: datetime | None) -> str:
    return "" if at is None else words.clock_time(at)


def _remarks(line: Line, now: datetime) -> list[tuple[str, str]]:
    """What is to be known of somebody, as words and tones."""
    found = []
    if line.arrived_at is None and line.eta_at is not None:
        found.append((gettext("expected %(time)s", time=_time(line.eta_at)), "plain"))
    if line.arrived_at is not None and line.arrived_from is not None:
        source = evidence(line.arrived_from)
        came = gettext("came %(time)s, %(source)s", time=_time(line.arrived_at), source=source)
        # Where the state says since when, only the source is new.
        says_when = line.muster is MusterState.ARRIVED and not line.is_extra
        found.append((source if says_when else came, "plain"))
    if line.assigned_to:
        found.append((words.said(line.assigned_to), "info"))
    if line.is_walk_in:
        found.append((gettext("Joined on the spot"), "info"))
    if line.is_long:
        found.append((gettext("On duty for %(count)s hours", count=line.duty_minutes // 60), "bad"))
    if line.is_here and line.welfare_due_at is not None and line.welfare_due_at <= now:
        found.append((gettext("Welfare check due since %(time)s", time=_time(line.welfare_due_at)), "warn"))
    return found


def changed(line: Line) -> str:
    """What somebody else wrote meanwhile: 张三 到了 18:05."""
    return " ".join(part for part in (line.name, where(line)[0], _time(line.arrived_at)) if part)


# --- the person at the point --------------------------------------------------------------------------------


def own(summons: Any, now: datetime) -> dict[str, Any]:
    """Somebody's own line at the point, with what can be pressed."""
    is_here = summons.arrived_at is not None and summons.departed_at is None
    has_place = summons.state is SummonsState.COMING
    if is_here and has_place:
        word, tone = (
            gettext("You are checked in: %(time)s", time=words.clock_time(summons.arrived_at)),
            "good",
        )
    elif is_here:
        word, tone = (
            gettext(
                "You are checked in: %(time)s. All places are taken; please ask whoever leads here.",
                time=words.clock_time(summons.arrived_at),
            ),
            "warn",
        )
    elif summons.departed_at is not None:
        word, tone = (
            gettext("You left at %(time)s. Thank you.", time=words.clock_time(summons.departed_at)),
            "plain",
        )
    elif has_place:
        word, tone = gettext("You are on the list."), "info"
    else:
        word, tone = gettext("You are here: please check in, whatever you answered before."), "info"
    return {
        "is_here": is_here,
        "word": word,
        "tone": tone,
        "can_arrive": not is_here,
        "at": words.moment(now, now=now),
    }


def to_let_go(found: ToLetGo) -> dict[str, Any]:
    """What a stand-down would do."""
    word, tone = state(found.state)
    return {
        "title": words.said(found.title),
        "is_drill": found.is_drill,
        "state": word,
        "tone": tone,
        "can_stand_down": rules.can_step("stand_down", found.state),
        "can_close": rules.can_step("close", found.state),
        "is_running": found.state is CallUpState.RUNNING,
        "coming": sum(each.coming for each in found.roles),
        "silent": sum(each.silent for each in found.roles),
        "received": sum(each.received for each in found.roles),
        "roles": [(words.said(each.name), each.coming, each.silent, each.received) for each in found.roles],
    }


# --- report -------------------------------------------------------------------------------------------------

CHART_WIDTH, CHART_HEIGHT = 320, 170
_LEFT, _BOTTOM, _TOP, _RIGHT = 30, 22, 8, 8


def curve_name(name: str) -> str:
    """What a line of the chart is called."""
    return {
        "notified": gettext("Notified"),
        "acknowledged": gettext("Answered"),
        "mustered": gettext("Came"),
    }[name]


_DASHES = {"notified": "2 3", "acknowledged": "6 3", "mustered": ""}


def chart(curves: Sequence[Curve]) -> dict[str, Any]:
    """The curve as coordinates for the template's SVG, and in words for who cannot see it."""
    minutes = max((each.points[-1][0] for each in curves), default=1.0) or 1.0
    most = max((each.total for each in curves), default=0) or 1
    wide, high = CHART_WIDTH - _LEFT - _RIGHT, CHART_HEIGHT - _TOP - _BOTTOM

    def x(value: float) -> float:
        return round(_LEFT + wide * value / minutes, 1)

    def y(count: int) -> float:
        return round(_TOP + high * (1 - count / most), 1)

    def path(curve: Curve) -> str:
        steps, before = [], None
        for at, count in curve.points:
            if before is not None and before != count:
                steps.append(f"{x(at)},{y(before)}")
            steps.append(f"{x(at)},{y(count)}")
            before = count
        return " ".join(steps)

    return {
        "width": CHART_WIDTH,
        "height": CHART_HEIGHT,
        "left": _LEFT,
        "right": CHART_WIDTH - _RIGHT,
        "top": _TOP,
        "bottom": CHART_HEIGHT - _BOTTOM,
        "lines": [(curve_name(each.name), path(each), _DASHES[each.name], each.total) for each in curves],
        "across": [(x(at), str(round(at))) for at in (0, minutes / 2, minutes)],
        "up": [(y(count), str(count)) for count in sorted({0, most // 2, most})],
        "said": chart_said(curves),
    }


def chart_said(curves: Sequence[Curve]) -> str:
    """What the chart shows, in a sentence for each line: how many, and when half of them."""
    said = []
    for each in curves:
        half = next((at for at, count in each.points if count * 2 >= each.total), 0.0)
        said.append(
            gettext(
                "%(what)s: %(count)s, half of them by minute %(minute)s",
                what=curve_name(each.name),
                count=each.total,
                minute=round(half),
            )
            if each.total
            else gettext("%(what)s: nobody", what=curve_name(each.name))
        )
    return gettext("; ").join(said)


def percent(value: int | None) -> str:
    """87 %, or a dash where there is nothing to take it of."""
    return "–" if value is None else f"{value} %"


def score(found: Score) -> list[tuple[str, str, str]]:
    """Notification, answer, assembly: what, percent, and of what."""
    return [
        (
            gettext("Notified"),
            percent(found.notified_share),
            gettext("%(part)s of %(whole)s called", part=found.notified, whole=found.summoned),
        ),
        (
            gettext("Answered in time"),
            percent(found.acknowledged_share),
            gettext("%(part)s of %(whole)s notified", part=found.acknowledged, whole=found.notified),
        ),
        (
            gettext("Assembled"),
            percent(found.mustered_share),
            gettext("%(part)s of %(whole)s who said yes in time", part=found.mustered, whole=found.said_yes),
        ),
    ]


def event(line: EventLine) -> str:
    """A line of the timeline in words."""
    facts = line.facts
    said = {
        EventKind.STARTED: gettext("Calling began"),
        EventKind.WAVE: gettext("A wave of messages went out"),
        EventKind.TIER: gettext("Calling went on in the wider area"),
        EventKind.UNIT: gettext("A team was called as a unit"),
        EventKind.FULL: gettext("All places of this role were taken"),
        EventKind.REOPENED: gettext("A place fell open again"),
        EventKind.SHORT: gettext("There was nobody left to call"),
        EventKind.PAUSED: gettext("Paused"),
        EventKind.RESUMED: gettext("Went on"),
        EventKind.HURRIED: gettext("The next wave was sent early"),
        EventKind.WIDENED: gettext("The area was widened"),
        EventKind.LISTED: gettext("The rest went to the call list"),
        EventKind.ENDED: gettext("Calling was ended"),
        EventKind.CLOSED: gettext("Books closed"),
    }
    if line.kind is EventKind.STOOD_DOWN:
        return gettext(
            "Stood down: %(told)s told, %(received)s received",
            told=facts.get("told", 0),
            received=facts.get("received", 0),
        )
    if line.kind is EventKind.WAVE and "asked" in facts:
        return gettext("A wave of messages went out to %(count)s", count=facts["asked"])
    return said.get(line.kind) or gettext("The numbers were changed")


def organisation(line: OrganisationLine) -> dict[str, Any]:
    """A row of the table by organisation."""
    return {
        "name": words.said(line.name) if line.name else gettext("Without an organisation"),
        "summoned": line.summoned,
        "said_yes": line.said_yes,
        "mustered": line.mustered,
    }


def report(found: Report, now: datetime) -> dict[str, Any]:
    """The end report."""
    word, tone = state(found.state)
    return {
        "title": words.said(found.title),
        "number": found.number,
        "is_drill": found.is_drill,
        "announced": gettext("announced") if found.is_announced else gettext("not announced"),
        "state": word,
        "tone": tone,
        "is_final": found.is_final,
        "as_of": words.moment(found.as_of, now=now),
        "facts": [
            (gettext("Calling began"), words.moment(found.started_at, now=now)),
            (gettext("Muster time"), span(found.starts_at, found.ends_at, now=now)),
            (gettext("Muster point"), words.said(found.muster_point)),
            (gettext("Waves"), str(found.wave_count)),
            (gettext("Typical time to an answer"), minutes(found.answer_minutes)),
            (gettext("Typical time from the call to the muster"), minutes(found.muster_minutes)),
            (gettext("Thanked and let go"), str(found.stood_down)),
        ],
        "figures": figures(found.figures),
        "rate": rate(found.figures),
        "score": score(found.score),
        "chart": chart(found.curves),
        "roles": [
            {
                "name": words.said(each.name),
                "wanted": each.wanted,
                "said_yes": each.said_yes,
                "mustered": each.mustered,
                "stood_down": each.stood_down,
            }
            for each in found.roles
        ],
        "organisations": [organisation(each) for each in found.organisations],
        "events": [
            (
                words.clock_time(each.at),
                event(each),
                words.said(each.role) if each.role else None,
            )
            for each in found.events
        ],
        "earlier": [
            {
                "href": url_for("mobilization.show_report", public_id=each.public_id),
                "day": words.full_day(clock.day(each.started_at)),
                "notified": percent(each.score.notified_share),
                "acknowledged": percent(each.score.acknowledged_share),
                "mustered": percent(each.score.mustered_share),
                "summoned": each.score.summoned,
            }
            for each in found.earlier
        ],
    }


def minutes(value: float | None) -> str:
    """7 minutes; a dash of nothing."""
    return "–" if value is None else gettext("%(count)s minutes", count=round(value))
