"""What the pages of posts and recurring shifts say, put into words before the template."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for

from webapp.base.errors import LinliError
from webapp.blueprints.rosters import said
from webapp.blueprints.rosters.typed import SKILL
from webapp.domain.rosters.queries.posts import (
    LeadChoice,
    PostLine,
    PostTerms,
    PostView,
    SkillChoice,
    TemplateView,
)
from webapp.domain.rosters.rules import PRESETS, PostKind, Protection
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.words import gettext


def line(post: PostLine) -> dict[str, Any]:
    """A post as a row of the list."""
    return {
        "url": url_for("rosters.show_post", public_id=post.public_id),
        "name": words.said(post.name, post.name_en),
        "kind": said.post_kind(post.kind),
        "place": words.said(post.place),
        "team": words.said(post.team, post.team_en) if post.team else None,
        "is_closed": post.is_closed,
    }


def page(post: PostView, skills: Sequence[SkillChoice]) -> dict[str, Any]:
    """A post in the office's words."""
    names = said.skill_names(skills)
    facts: list[tuple[str, Any]] = [
        (gettext("Kind of work"), said.post_kind(post.kind)),
        (gettext("Place"), words.said(post.place)),
    ]
    if post.instructions:
        facts.append((gettext("What to do"), words.said(post.instructions)))
    facts.append((gettext("Protection"), said.protection(post.protection)))
    if post.suit_minutes:
        facts.append(
            (gettext("In a suit at most"), gettext("%(count)s minutes at a time", count=post.suit_minutes))
        )
    facts.append((gettext("Lead"), words.said(post.lead_name) if post.lead_name else gettext("nobody yet")))
    if post.team_name:
        facts.append((gettext("Team"), words.said(post.team_name, post.team_name_en)))
    facts.append((gettext("Who may help"), _who(post)))
    return {
        "public_id": post.public_id,
        "title": words.said(post.name, post.name_en),
        "area": post.area,
        "area_name": words.said(post.area_name),
        "facts": facts,
        "phone": post.phone,
        "is_closed": post.is_closed,
        "may_manage": post.may_manage,
        "templates": [template_line(each, names) for each in post.templates],
    }


def _who(post: PostView) -> str:
    limits = []
    if post.handles_household_data:
        limits.append(gettext("only with the pledge to keep things confidential"))
    if post.adults_only:
        limits.append(gettext("adults only"))
    limits.append(gettext("newcomers too") if post.newcomers_welcome else gettext("accepted volunteers only"))
    return gettext("; ").join(limits)


def template_line(each: TemplateView, skills: Mapping[str, Any]) -> dict[str, Any]:
    """A recurring shift as a row."""
    return {
        "url": url_for("rosters.edit_template", public_id=each.public_id),
        "time": said.clock_span(each.start_minute, each.length_minutes),
        "days": said.weekdays(each.weekdays),
        "numbers": said.numbers(each.minimum_count, each.wanted_count, each.maximum_count),
        "skills": [(skills.get(code, code), count) for code, count in each.skills.items()],
    }


def post_form(
    terms: PostTerms,
    post: PostView | None,
    typed: Mapping[str, str] | None,
    error: LinliError | None = None,
    leads: Sequence[LeadChoice] = (),
) -> dict[str, Any]:
    """The form of a post: what was typed, else what stands, else sensible beginnings."""
    value: Mapping[str, Any]
    if typed is not None:
        value = typed
    elif post is not None:
        value = {
            "name": post.name,
            "name_en": post.name_en or "",
            "kind": str(post.kind),
            "place": post.place,
            "instructions": post.instructions,
            "protection": str(post.protection),
            "suit_minutes": post.suit_minutes or "",
            "lead": post.lead_name or "",
            "phone": post.phone or "",
            "team": post.team or "",
            "handles_household_data": "1" if post.handles_household_data else "",
            "adults_only": "1" if post.adults_only else "",
            "newcomers_welcome": "1" if post.newcomers_welcome else "",
        }
    else:
        value = {"kind": str(PostKind.GATE), "protection": str(Protection.NONE), "newcomers_welcome": "1"}
    teams = [(each.public_id, words.said(each.name, each.name_en)) for each in terms.teams]
    if not terms.is_team_only:
        teams.insert(0, ("", gettext("no team: for everybody")))
    return {
        "title": gettext("Change the post") if post else gettext("New post"),
        "action": url_for("rosters.save_post", public_id=post.public_id)
        if post
        else url_for("rosters.make_post"),
        "back": url_for("rosters.show_post", public_id=post.public_id)
        if post
        else url_for("rosters.list_posts", area=terms.area),
        "area": terms.area,
        "community": words.said(terms.community, terms.community_en),
        "value": {name: value.get(name, "") for name in _POST_FIELDS},
        "kinds": [(str(each), said.post_kind(each)) for each in PostKind],
        "protections": [(str(each), said.protection(each)) for each in Protection],
        "teams": teams,
        "places": [("", gettext("the whole community"))]
        + [(each.public_id, words.said(each.name, each.name_en)) for each in terms.places]
        if post is None
        else [],
        "leads": [
            (
                each.public_id,
                words.said(each.name),
                gettext("number ends in %(tail)s", tail=each.phone_tail) if each.phone_tail else "",
            )
            for each in leads
        ],
        "field": error.field if error else None,
        "said": sentence(error.code, **error.params) if error else None,
    }


_POST_FIELDS = (
    "name",
    "name_en",
    "kind",
    "place",
    "place_area",
    "instructions",
    "protection",
    "suit_minutes",
    "lead",
    "lead_choice",
    "phone",
    "team",
    "handles_household_data",
    "adults_only",
    "newcomers_welcome",
)


def times_and_numbers(
    value: Mapping[str, Any], skills: Sequence[SkillChoice], error: LinliError | None
) -> dict[str, Any]:
    """The part of a form that recurring shifts and single ones share: when, how many, which skills."""
    return {
        "presets": [(name, said.preset(name)) for name in PRESETS] + [("other", gettext("Other times"))],
        "value": {name: value.get(name, "") for name in _TIME_FIELDS},
        "skills": [
            (SKILL + each.code, words.said(each.name_zh, each.name_en), value.get(SKILL + each.code, ""))
            for each in skills
            if each.kind != "language"
        ],
        "languages": [
            (SKILL + each.code, words.said(each.name_zh, each.name_en), value.get(SKILL + each.code, ""))
            for each in skills
            if each.kind == "language"
        ],
        "field": error.field if error else None,
        "said": sentence(error.code, **error.params) if error else None,
    }


_TIME_FIELDS = ("when", "start", "end", "next_day", "minimum", "wanted", "maximum", "day", "lead", "version")


def times_of(start_minute: int, length_minutes: int) -> dict[str, str]:
    """The form's values for a wall-clock stretch."""
    end = start_minute + length_minutes
    named = next((name for name, times in PRESETS.items() if times == (start_minute, length_minutes)), None)
    return {
        "when": named or "other",
        "start": f"{start_minute // 60:02d}:{start_minute % 60:02d}",
        "end": f"{end // 60 % 24:02d}:{end % 60:02d}",
        "next_day": "1" if end >= 1440 else "",
    }


def template_form(
    post: PostView,
    template: TemplateView | None,
    skills: Sequence[SkillChoice],
    typed: Any,
    error: LinliError | None = None,
) -> dict[str, Any]:
    """The form of a recurring shift."""
    value: Mapping[str, Any]
    if typed is not None:
        value, days = typed, set(typed.getlist("weekdays"))
    elif template is not None:
        value = {
            "minimum": template.minimum_count,
            "wanted": template.wanted_count,
            "maximum": template.maximum_count,
            **times_of(template.start_minute, template.length_minutes),
            **{SKILL + code: count for code, count in template.skills.items()},
        }
        days = {str(number) for number in range(7) if template.weekdays >> number & 1}
    else:
        value = {"when": "morning", "minimum": 1, "wanted": 2, "maximum": 3}
        days = {str(number) for number in range(7)}
    return {
        "title": gettext("Change the recurring shift") if template else gettext("New recurring shift"),
        "action": url_for("rosters.save_template", public_id=template.public_id)
        if template
        else url_for("rosters.make_template", public_id=post.public_id),
        "end_url": url_for("rosters.end_template", public_id=template.public_id) if template else None,
        "post": words.said(post.name, post.name_en),
        "back": url_for("rosters.show_post", public_id=post.public_id),
        "weekdays": [(str(number), said.weekday(number)) for number in range(7)],
        "chosen": days,
        **times_and_numbers(value, skills, error),
    }
