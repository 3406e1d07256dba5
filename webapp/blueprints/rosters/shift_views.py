"""What the pages of single shifts say to those who roster them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from markupsafe import Markup

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.blueprints.rosters import post_views, said
from webapp.blueprints.rosters.typed import SKILL
from webapp.domain.rosters.queries.posts import Choice, SkillChoice
from webapp.domain.rosters.queries.shifts import ShiftView
from webapp.domain.rosters.rules import CHECK_IN_OPENS, HOLDS_A_PLACE, ShiftState
from webapp.web import words
from webapp.web.words import gettext


def shift_form(
    posts: Sequence[Choice],
    shift: ShiftView | None,
    skills: Sequence[SkillChoice],
    now: datetime,
    *,
    start: Mapping[str, Any],
    typed: Mapping[str, str] | None,
    error: LinliError | None = None,
) -> dict[str, Any]:
    """The form of a shift: what was typed, what stands, or a sensible beginning (`start`: post and day)."""
    value: Mapping[str, Any]
    if typed is not None:
        value = typed
    elif shift is not None:
        value = _standing(shift)
    else:
        tomorrow = (clock.here(now) + timedelta(days=1)).date()
        value = {"when": "morning", "minimum": 1, "wanted": 2, "maximum": 3, "day": tomorrow.isoformat()}
        value = {**value, **{name: text for name, text in start.items() if text}}
    return {
        "title": gettext("Change the shift") if shift else gettext("New shift"),
        "intro": words.said(shift.post_name, shift.post_name_en) if shift else None,
        "action": url_for("rosters.save_shift", public_id=shift.public_id)
        if shift
        else url_for("rosters.make_shift"),
        "back": url_for("rosters.show_assign", public_id=shift.public_id)
        if shift
        else url_for("rosters.show_week", **{"from": value.get("day", "")}, post=value.get("post") or None),
        "posts": [(each.public_id, words.said(each.name, each.name_en)) for each in posts],
        "post": value.get("post", ""),
        "day": value.get("day", ""),
        "version": value.get("version", ""),
        "leads": _leads(shift),
        "lead": value.get("lead", ""),
        "is_taken": bool(shift and shift.taken_count),
        **post_views.times_and_numbers(value, skills, error),
    }


def _standing(shift: ShiftView) -> dict[str, Any]:
    start, end = clock.here(shift.starts_at), clock.here(shift.ends_at)
    start_minute = start.hour * 60 + start.minute
    length = (end.date() - start.date()).days * 1440 + end.hour * 60 + end.minute - start_minute
    return {
        "day": shift.day.isoformat(),
        "minimum": shift.minimum_count,
        "wanted": shift.wanted_count,
        "maximum": shift.maximum_count,
        "lead": shift.lead_person or "",
        "version": shift.version,
        **post_views.times_of(start_minute, length),
        **{SKILL + each.code: each.needed for each in shift.skills},
    }


def _leads(shift: ShiftView | None) -> list[tuple[str, Any]]:
    """Who can lead a shift: the post's own lead, and whoever is on it."""
    if shift is None:
        return []
    own = gettext("the post's lead: %(name)s", name=shift.post_lead) if shift.post_lead else gettext("nobody")
    found: list[tuple[str, Any]] = [("", own)]
    if shift.lead_person and shift.lead:
        found.append((shift.lead_person, shift.lead))
    found += [
        (each.person, each.name)
        for each in shift.people
        if each.state in HOLDS_A_PLACE and each.person != shift.lead_person
    ]
    return found


def head(shift: ShiftView, now: datetime, skills: Mapping[str, Any]) -> dict[str, Any]:
    """A shift in the office's words: what it is, how it is filled, what can be done."""
    is_draft = shift.state is ShiftState.DRAFT
    word, tone = said.gap(
        minimum=shift.minimum_count, wanted=shift.wanted_count, taken=shift.taken_count, is_draft=is_draft
    )
    if shift.state is ShiftState.CANCELLED:
        word, tone = gettext("Called off"), "plain"
    is_over = shift.ends_at <= now
    facts: list[tuple[str, Any]] = [
        (gettext("Day"), words.full_day(shift.day)),
        (gettext("Time"), said.span(shift.starts_at, shift.ends_at)),
        (gettext("Numbers"), said.numbers(shift.minimum_count, shift.wanted_count, shift.maximum_count)),
        (gettext("Lead"), words.said(shift.lead or shift.post_lead or "") or gettext("nobody yet")),
    ]
    if shift.skills:
        facts.append((gettext("Skills"), _skills(shift, skills)))
    if shift.waiting_count:
        facts.append((gettext("In the queue"), str(shift.waiting_count)))
    if shift.cancel_reason:
        facts.append((gettext("Why"), words.said(shift.cancel_reason)))
    may_change = shift.may_manage and not is_over and shift.state is not ShiftState.CANCELLED
    return {
        "public_id": shift.public_id,
        "title": words.said(shift.post_name, shift.post_name_en),
        "when": said.when(shift.starts_at, shift.ends_at, now=now),
        "gap": word,
        "tone": tone,
        "is_draft": is_draft,
        "facts": facts,
        "phone": shift.post_phone,
        "may_change": may_change,
        "may_call": shift.may_manage
        and shift.state is ShiftState.OPEN
        and shift.starts_at - CHECK_IN_OPENS <= now,
        "is_full": shift.taken_count >= shift.maximum_count,
        "taken": shift.taken_count,
        "maximum": shift.maximum_count,
        "day": shift.day.isoformat(),
        "next_day": (shift.day + timedelta(days=1)).isoformat(),
        "week_url": url_for("rosters.show_week", **{"from": shift.day.isoformat()}, post=shift.post),
    }


def _skills(shift: ShiftView, skills: Mapping[str, Any]) -> Markup:
    return Markup(", ").join(
        Markup("{} {}/{}").format(skills.get(each.code, each.code), each.taken, each.needed)
        for each in shift.skills
    )
