"""What the week of a community says, put into words before the template: by day for a phone, as a matrix for a laptop."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import url_for

from webapp.base import clock
from webapp.blueprints.rosters import said
from webapp.domain.rosters.queries.risks import RiskLine
from webapp.domain.rosters.queries.week import Name, Show, Week, WeekShift
from webapp.domain.rosters.rules import RiskStep, ShiftState
from webapp.web import words
from webapp.web.words import gettext


@dataclass(frozen=True)
class NameWords:
    """Somebody on a shift: the name with its marks, and what the marks mean for who cannot see them."""

    name: Any
    mark: str
    note: str


@dataclass(frozen=True)
class ShiftWords:
    """A shift as a row of the day or a cell of the matrix."""

    url: str
    time: str
    post: Any
    names: list[NameWords]
    word: str
    tone: str
    waiting: str


def _name(each: Name) -> NameWords:
    mark, notes = "", []
    if each.is_override:
        mark += "※"
    if each.is_newcomer:
        notes.append(gettext("newcomer"))
    if each.is_offered:
        notes.append(gettext("offered"))
    elif not each.is_confirmed:
        notes.append(gettext("not confirmed"))
    return NameWords(words.said(each.name), mark, gettext(", ").join(notes))


def _shift(each: WeekShift) -> ShiftWords:
    word, tone = said.gap(
        minimum=each.minimum_count,
        wanted=each.wanted_count,
        taken=each.taken_count,
        is_draft=each.state is ShiftState.DRAFT,
    )
    return ShiftWords(
        url=url_for("rosters.show_assign", public_id=each.public_id),
        time=said.span(each.starts_at, each.ends_at),
        post=words.said(each.post_name, each.post_name_en),
        names=[_name(name) for name in each.names],
        word=word,
        tone=tone,
        waiting=gettext("%(count)s in the queue", count=each.waiting_count) if each.waiting_count else "",
    )


def overrides(shifts: Iterable[WeekShift], now: datetime) -> list[str]:
    """The lines under the table: who stands there against which rule, why, and who decided it."""
    return [
        gettext(
            "※ %(name)s, %(when)s: %(reason)s (%(by)s)",
            name=name.name,
            when=said.when(shift.starts_at, shift.ends_at, now=now),
            reason=name.override_reason,
            by=name.overridden_by or gettext("an office"),
        )
        for shift in shifts
        for name in shift.names
        if name.is_override
    ]


def page(week: Week, now: datetime, post: str | None) -> dict[str, Any]:
    """The week with its tabs, days, matrix and what can be done."""
    shown = [(each, _shift(each)) for each in week.shifts]
    days = [week.monday + timedelta(days=number) for number in range(7)]
    sunday = days[-1]
    return {
        "area": week.area,
        "community": words.said(week.community, week.community_en),
        "span": gettext(
            "%(first)s to %(last)s", first=words.full_day(week.monday), last=words.full_day(sunday)
        ),
        "monday": week.monday.isoformat(),
        "sunday": sunday.isoformat(),
        "next_monday": (week.monday + timedelta(days=7)).isoformat(),
        "before_url": _url(week, post, monday=week.monday - timedelta(days=7)),
        "after_url": _url(week, post, monday=week.monday + timedelta(days=7)),
        "is_this_week": week.monday <= clock.day(now) <= sunday,
        "this_url": url_for("rosters.show_week", area=week.area, post=post),
        "tabs": _tabs(week, post),
        "days": [
            {
                "title": gettext("%(day)s, today", day=words.full_day(day))
                if day == clock.day(now)
                else words.full_day(day),
                "shifts": [shift for each, shift in shown if each.day == day],
            }
            for day in days
            if any(each.day == day for each in week.shifts)
        ],
        "heads": [_head(day) for day in days],
        "matrix": _matrix(shown, days),
        "overrides": overrides(week.shifts, now),
        "more_url": _url(week, post, monday=week.monday, after=week.after, show=week.show)
        if week.after
        else None,
        "risk_count": week.risk_count,
        "draft_count": week.draft_count,
        "risks_url": url_for("rosters.list_risks", area=week.area),
        "may_manage": week.may_manage,
        "has_posts": bool(week.post_count),
        "has_templates": bool(week.template_count),
        "is_empty": not (week.short_count + week.filled_count + week.draft_count),
        "last_day": (week.monday - timedelta(days=7)).isoformat(),
    }


def _head(day: date) -> str:
    return gettext("%(weekday)s %(day)s", weekday=said.weekday(day.weekday()), day=f"{day.month}/{day.day}")


def _url(week: Week, post: str | None, *, monday: date, **values: Any) -> str:
    return url_for("rosters.show_week", **({"from": monday.isoformat()} | values), area=week.area, post=post)


def _tabs(week: Week, post: str | None) -> list[tuple[str, str, bool]]:
    named = [
        (Show.ALL, gettext("All"), None),
        (Show.SHORT, gettext("Gaps"), week.short_count),
        (Show.FILLED, gettext("Filled"), week.filled_count),
        (Show.DRAFT, gettext("To be published"), week.draft_count),
    ]
    return [
        (
            _url(week, post, monday=week.monday, **({} if show is Show.ALL else {"show": str(show)})),
            label if count is None else f"{label} {count}",
            show is week.show,
        )
        for show, label, count in named
    ]


def _matrix(shown: list[tuple[WeekShift, ShiftWords]], days: list[date]) -> list[dict[str, Any]]:
    posts: dict[str, dict[str, Any]] = {}
    for each, shift in shown:
        row = posts.setdefault(
            each.post,
            {
                "name": words.said(each.post_name, each.post_name_en),
                "url": url_for("rosters.show_post", public_id=each.post),
                "cells": [[] for _ in days],
            },
        )
        if each.day in days:
            row["cells"][days.index(each.day)].append(shift)
    return list(posts.values())


def risk_line(line: RiskLine, now: datetime) -> dict[str, Any]:
    """A shift at risk: why, and the one button."""
    step = None
    if line.may_manage:
        step = {
            RiskStep.ASK: (gettext("Ask everybody who fits"), "ask"),
            RiskStep.ASSIGN: (gettext("Put somebody on it"), "assign"),
            RiskStep.CANCEL: (gettext("Call it off"), "cancel"),
        }[line.step]
    asked = None
    if line.asked_at is not None:
        asked = gettext("Everybody who fits was asked at %(time)s", time=words.clock_time(line.asked_at))
    return {
        "public_id": line.public_id,
        "title": words.said(line.post, line.post_en),
        "when": said.when(line.starts_at, line.ends_at, now=now),
        "community": words.said(line.community),
        "risks": [said.risk(each, line=line) for each in line.risks],
        "asked": asked,
        "step": step[1] if step else None,
        "button": step[0] if step else None,
        "url": url_for("rosters.show_assign", public_id=line.public_id),
    }
