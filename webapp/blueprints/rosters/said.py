"""What rosters call their things, in the reader's language."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.domain.rosters.queries.posts import SkillChoice
from webapp.domain.rosters.rules import PostKind, Protection, Risk
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.words import gettext


def post_kind(kind: PostKind) -> str:
    """What is done at a post."""
    return {
        PostKind.GATE: gettext("Gate"),
        PostKind.DELIVERY: gettext("Delivery"),
        PostKind.SAMPLING: gettext("Sampling queue"),
        PostKind.HOTLINE: gettext("Hotline"),
        PostKind.DISINFECTION: gettext("Disinfection"),
        PostKind.SUPPLIES: gettext("Supplies"),
        PostKind.CARE: gettext("Care"),
        PostKind.OTHER: gettext("Something else"),
    }[kind]


def protection(level: Protection) -> str:
    """The level of protection."""
    return {
        Protection.NONE: gettext("Mask only"),
        Protection.LEVEL_1: gettext("Protection level 1"),
        Protection.LEVEL_2: gettext("Protection level 2"),
        Protection.LEVEL_3: gettext("Protection level 3"),
    }[level]


def weekday(number: int) -> str:
    """Monday is 0."""
    return (
        gettext("Mon"),
        gettext("Tue"),
        gettext("Wed"),
        gettext("Thu"),
        gettext("Fri"),
        gettext("Sat"),
        gettext("Sun"),
    )[number]


def weekdays(bits: int) -> str:
    """Mon, Wed, Fri; every day."""
    if bits == 127:
        return gettext("every day")
    return gettext(", ").join(weekday(number) for number in range(7) if bits >> number & 1)


def preset(name: str) -> str:
    """One of the office's four shifts."""
    return {
        "morning": gettext("Morning 7–12"),
        "afternoon": gettext("Afternoon 12–18"),
        "evening": gettext("Evening 18–23"),
        "night": gettext("Night 23–7, on call"),
    }[name]


def clock_span(start_minute: int, length_minutes: int) -> str:
    """07:00–12:00; 23:00–07:00 (next day)."""
    end = start_minute + length_minutes
    text = f"{start_minute // 60:02d}:{start_minute % 60:02d}–{end // 60 % 24:02d}:{end % 60:02d}"
    return gettext("%(span)s (next day)", span=text) if end >= 1440 else text


def span(starts_at: datetime, ends_at: datetime) -> str:
    """The same of a shift, on the county's clocks."""
    start, end = clock.here(starts_at), clock.here(ends_at)
    text = f"{start:%H:%M}–{end:%H:%M}"
    return gettext("%(span)s (next day)", span=text) if end.date() > start.date() else text


def when(starts_at: datetime, ends_at: datetime, *, now: datetime) -> str:
    """tomorrow 07:00–12:00."""
    day = words.day(clock.day(starts_at), now=now)
    return gettext("%(day)s %(time)s", day=day, time=span(starts_at, ends_at))


def gap(*, minimum: int, wanted: int, taken: int, is_draft: bool) -> tuple[str, str]:
    """How a shift is filled, as a word and a tone: 缺 2 人, 还可以来 1 人, 人够了."""
    if is_draft:
        return gettext("To be published"), "plain"
    if taken < minimum:
        return gettext("Short of %(count)s", count=minimum - taken), "bad"
    if taken < wanted:
        return gettext("Room for %(count)s", count=wanted - taken), "warn"
    return gettext("Enough people"), "good"


def risk(what: Risk, *, line: Any) -> tuple[str, str]:
    """Why a shift is at risk, as a word and a tone."""
    return {
        Risk.SHORT: (gettext("Short of %(count)s", count=line.minimum_count - line.taken_count), "bad"),
        Risk.DROPPED_OUT: (gettext("Somebody dropped out, still empty"), "bad"),
        Risk.UNCONFIRMED: (gettext("%(count)s not confirmed", count=line.unconfirmed_count), "warn"),
        Risk.LEAD_MISSING: (gettext("Nobody leads it"), "warn"),
    }[what]


def skill_names(skills: Iterable[SkillChoice]) -> dict[str, Any]:
    """What skills are called, by code."""
    return {each.code: words.said(each.name_zh, each.name_en) for each in skills}


def numbers(minimum: int, wanted: int, maximum: int) -> str:
    """1 needed, 2 wanted, 3 at most."""
    return gettext(
        "%(minimum)s needed, %(wanted)s wanted, %(maximum)s at most",
        minimum=minimum,
        wanted=wanted,
        maximum=maximum,
    )


def reason(broken: LinliError, skills: Mapping[str, Any]) -> str:
    """Why somebody cannot have a place, as those read it who would put them there."""
    params = dict(broken.params)
    if "skill" in params:
        params["skill"] = skills.get(params["skill"], params["skill"])
    if isinstance(params.get("at"), datetime):
        params["at"] = words.clock_time(params["at"])
    about = {
        "certificate_over": gettext("The certificate is missing or over on that day."),
        "outside_cordon": gettext("Lives inside a sealed area, the post lies outside it."),
        "inside_cordon": gettext("Lives outside, the post lies inside a sealed area."),
        "pledge_missing": gettext("Has not made the pledge that this post asks for."),
        "newcomer_not_yet": gettext("Is not accepted as a volunteer yet."),
        "not_a_volunteer": gettext("Is not on the list of volunteers."),
        "already_on_it": gettext("Is on this shift already."),
        "shift_full": gettext("All places are taken. Nobody is ever put beyond the maximum."),
    }
    return about.get(broken.code) or sentence(broken.code, **params)
