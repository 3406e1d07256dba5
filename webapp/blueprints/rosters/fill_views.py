"""The pages of a proposal in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext
from markupsafe import Markup

from webapp.base.jobs import JobState
from webapp.domain.rosters.queries.fills import (
    Candidate,
    CellView,
    FillArea,
    FillLine,
    FillShift,
    FillView,
    GapView,
    PostChoice,
)
from webapp.domain.rosters.rules import FillState, GapReason, SolverStatus
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.words import gettext

STATES = {
    FillState.ASKED: (lazy_gettext("Asked for"), "info"),
    FillState.SOLVING: (lazy_gettext("Being worked out"), "info"),
    FillState.PROPOSED: (lazy_gettext("Proposal"), "warn"),
    FillState.PUBLISHING: (lazy_gettext("Going out"), "info"),
    FillState.PUBLISHED: (lazy_gettext("Published"), "good"),
    FillState.DISCARDED: (lazy_gettext("Put aside"), "plain"),
    FillState.FAILED: (lazy_gettext("Did not work"), "bad"),
}
_AT_WORK = frozenset({FillState.ASKED, FillState.SOLVING, FillState.PUBLISHING})


def span(from_on: date, to_on: date) -> str:
    """5月9日（周一） to 5月15日（周日）."""
    if from_on == to_on:
        return words.full_day(from_on)
    return gettext("%(first)s to %(last)s", first=words.full_day(from_on), last=words.full_day(to_on))


def line(fill: FillLine, now: datetime) -> dict[str, Any]:
    """A proposal as a row of the list."""
    state, tone = STATES[fill.state]
    return {
        "title": span(fill.from_on, fill.to_on),
        "place": words.said(fill.team or fill.area),
        "asked": words.moment(fill.asked_at, now=now),
        "state": state,
        "tone": tone,
        "url": url_for("rosters.show_fill", public_id=fill.public_id),
    }


@dataclass(frozen=True)
class FillPage:
    """What the page of a proposal says about it."""

    public_id: str
    title: str
    place: Any
    state: Any
    tone: str
    is_at_work: bool
    is_proposed: bool
    is_published: bool
    has_failed: bool
    progress: int
    sure: str | None
    missing: str | None
    missing_tone: str


def page(fill: FillView) -> FillPage:
    """The head of a proposal's page."""
    state, tone = STATES[fill.state]
    has_failed = fill.state is FillState.FAILED or (
        fill.state in _AT_WORK and fill.job_state is JobState.FAILED
    )
    return FillPage(
        public_id=fill.public_id,
        title=span(fill.from_on, fill.to_on),
        place=words.said(fill.team or fill.area),
        state=STATES[FillState.FAILED][0] if has_failed else state,
        tone="bad" if has_failed else tone,
        is_at_work=fill.state in _AT_WORK and not has_failed,
        is_proposed=fill.state is FillState.PROPOSED,
        is_published=fill.state is FillState.PUBLISHED,
        has_failed=has_failed,
        progress=fill.progress or 0,
        sure=_sure(fill),
        missing=_missing(fill),
        missing_tone="bad" if fill.minimum_missing else "warn" if fill.wanted_missing else "good",
    )


def _sure(fill: FillView) -> str | None:
    """How sure the solver is of it."""
    if fill.solver_status is None:
        return None
    if fill.solver_status is SolverStatus.OPTIMAL:
        return gettext("No roster covers more: proven in %(seconds)s s.", seconds=fill.seconds or 1)
    if fill.solver_status is SolverStatus.FEASIBLE:
        return gettext(
            "The time was up after %(seconds)s s. At most %(percent)s %% of the places could still be filled.",
            seconds=fill.seconds or 1,
            percent=f"{(fill.gap_permille or 0) / 10:g}",
        )
    return gettext(
        "The time was up before anything was found. Please choose fewer days or posts and ask again."
    )


def _missing(fill: FillView) -> str | None:
    if fill.wanted_missing is None:
        return None
    if fill.minimum_missing:
        return gettext(
            "%(minimum)s places below the minimum stay empty, %(wanted)s of the wanted ones.",
            minimum=fill.minimum_missing,
            wanted=fill.wanted_missing,
        )
    if fill.wanted_missing:
        return gettext(
            "Every minimum is covered; %(wanted)s wanted places stay empty.", wanted=fill.wanted_missing
        )
    return gettext("Every wanted place is covered.")


def days(fill: FillView, shifts: Sequence[FillShift]) -> list[dict[str, Any]]:
    """The shifts of a proposal, day by day."""
    return [
        {"day": words.full_day(day), "shifts": [shift(fill, each) for each in group]}
        for day, group in groupby(shifts, key=lambda each: each.day)
    ]


def times(each: FillShift) -> str:
    """07:00–12:00 on the county's clocks."""
    return f"{words.clock_time(each.starts_at)}–{words.clock_time(each.ends_at)}"


def shift(fill: FillView, each: FillShift) -> dict[str, Any]:
    """One shift of a proposal."""
    empty = max(0, each.wanted - len(each.taken) - sum(cell.refused_code is None for cell in each.cells))
    return {
        "public_id": each.public_id,
        "post": words.said(each.post, each.post_en),
        "day": words.full_day(each.day),
        "times": times(each),
        "taken": [words.said(name) for name in each.taken] if not _is_out(fill) else [],
        "cells": [_cell(cell) for cell in each.cells],
        "short": gettext("short of %(count)s", count=empty) if empty and not _is_out(fill) else None,
        "is_below": len(each.taken) + len(each.cells) < each.minimum,
        "gaps": [_gap(gap) for gap in each.gaps] if not _is_out(fill) else [],
        "url": url_for("rosters.show_fill_shift", public_id=fill.public_id, shift=each.public_id),
    }


def _is_out(fill: FillView) -> bool:
    """Once it went out, those placed by it stand on the shift like everybody else."""
    return fill.state is FillState.PUBLISHED


def _cell(cell: CellView) -> dict[str, Any]:
    return {
        "person": cell.person,
        "name": words.said(cell.name),
        "skill": words.said(cell.skill_zh, cell.skill_en) if cell.skill_zh else None,
        "is_newcomer": cell.is_newcomer,
        "is_locked": cell.is_locked,
        "override": words.said(cell.override_reason) if cell.override_reason else None,
        "refused": sentence(cell.refused_code) if cell.refused_code else None,
    }


def _gap(gap: GapView) -> str:
    skill = words.said(gap.skill_zh, gap.skill_en) if gap.skill_zh else None
    reason = {
        GapReason.NOBODY_WITH_SKILL: gettext("nobody can do this"),
        GapReason.OTHER_SIDE_OF_CORDON: gettext("all are on the other side of the cordon"),
        GapReason.ALL_RESTING: gettext("all are resting"),
        GapReason.ALL_TAKEN: gettext("all are on other shifts"),
        GapReason.NOT_AVAILABLE: gettext("those left said they cannot at this time"),
        GapReason.NOBODY_THERE: gettext("nobody here may be asked for this post"),
        GapReason.TIME_LIMIT: gettext("the time for working it out was up"),
    }[gap.reason]
    if skill:
        # The sentence is ours; what is filled in is escaped by Markup.
        return Markup(gettext("%(count)s empty (%(skill)s): %(reason)s")) % {  # noqa: S704
            "count": gap.missing,
            "skill": skill,
            "reason": reason,
        }
    return gettext("%(count)s empty: %(reason)s", count=gap.missing, reason=reason)


def candidate(each: Candidate, skills: dict[str, Any]) -> dict[str, Any]:
    """Somebody who could be put on the shift, or why not."""
    return {
        "person": each.public_id,
        "name": words.said(each.name),
        "load": gettext("%(hours)s h so far", hours=f"{each.planned_minutes / 60:.0f}"),
        "code": each.code,
        "reason": _reason(each, skills) if each.code else None,
    }


def _reason(each: Candidate, skills: dict[str, Any]) -> str:
    params = dict(each.params)
    if "skill" in params:
        params["skill"] = skills.get(params["skill"], params["skill"])
    return sentence(each.code or "", **params)


def area_choices(areas: Sequence[FillArea]) -> list[tuple[str, Any]]:
    """Where a proposal can be asked for: "area" or "area/team" with its name."""
    return [
        (
            each.area_public_id + (f"/{each.team_public_id}" if each.team_public_id else ""),
            words.said(each.team or each.area),
        )
        for each in areas
    ]


def post_choices(posts: Sequence[PostChoice]) -> list[tuple[str, Any, Any]]:
    """The posts as large ticks."""
    return [(each.public_id, words.said(each.name, each.name_en), words.said(each.area)) for each in posts]


def skill_names(skills: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """What each skill is called."""
    return {code: words.said(*names) for code, names in skills.items()}
