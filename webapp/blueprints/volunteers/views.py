"""Volunteers in words: states, societies, half-days, and the cards of a profile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext
from markupsafe import Markup

from webapp.base import clock
from webapp.domain.volunteers.queries.lists import VolunteerView
from webapp.domain.volunteers.queries.profile import CertificateRow, HalfDay, OwnVolunteer, SkillChoice
from webapp.domain.volunteers.queries.teams import InvitationRow
from webapp.domain.volunteers.rules import (
    AgeAnswer,
    Availability,
    Half,
    PledgeKind,
    SkillKind,
    Society,
    Stretch,
    VolunteerState,
)
from webapp.web import words
from webapp.web.words import gettext

_l = lazy_gettext

# In the office's words: (words, tone).
STATES: dict[VolunteerState, tuple[Any, str]] = {
    VolunteerState.APPLIED: (_l("To be decided"), "warn"),
    VolunteerState.ASKED_BACK: (_l("Asked back"), "info"),
    VolunteerState.ACCEPTED: (_l("Accepted"), "good"),
    VolunteerState.REFUSED: (_l("Was not accepted"), "bad"),
    VolunteerState.LEFT: (_l("Has left"), "plain"),
    VolunteerState.MERGED: (_l("Merged"), "plain"),
}
# In a volunteer's own words: (title, what it means, tone).
OWN_STATES: dict[VolunteerState, tuple[Any, Any, str]] = {
    VolunteerState.APPLIED: (
        _l("You have signed up"),
        _l(
            "You can take shifts that newcomers are welcome at right now. The community head looks at the rest."
        ),
        "info",
    ),
    VolunteerState.ASKED_BACK: (_l("Your community has a question"), "", "warn"),
    VolunteerState.ACCEPTED: (
        _l("You are a volunteer"),
        _l("You can take every shift that fits you."),
        "good",
    ),
    VolunteerState.REFUSED: (_l("You were not accepted"), "", "bad"),
    VolunteerState.LEFT: (
        _l("You are no volunteer any more"),
        _l("If you want to help again, sign up once more."),
        "plain",
    ),
    VolunteerState.MERGED: (_l("You were on the list twice"), _l("Please call your community."), "plain"),
}
SOCIETIES: dict[Society, Any] = {
    Society.COMMUNITY: _l("Community"),
    Society.SOCIAL_ORGANISATION: _l("Social organisation"),
    Society.SOCIAL_WORKER: _l("Social workers"),
    Society.VOLUNTEER: _l("Volunteers"),
    Society.CHARITY: _l("Charity"),
}
STRETCHES: dict[Stretch, Any] = {
    Stretch.WEEKDAY_MORNING: _l("Monday to Friday, mornings"),
    Stretch.WEEKDAY_AFTERNOON: _l("Monday to Friday, afternoons and evenings"),
    Stretch.WEEKEND_MORNING: _l("At weekends, mornings"),
    Stretch.WEEKEND_AFTERNOON: _l("At weekends, afternoons and evenings"),
}
HALVES: dict[Half, Any] = {Half.MORNING: _l("Morning"), Half.AFTERNOON: _l("Afternoon")}
SAID: dict[Availability, Any] = {
    Availability.UNKNOWN: _l("not known"),
    Availability.AVAILABLE: _l("can come"),
    Availability.NOT_AVAILABLE: _l("cannot"),
}
PLEDGES: dict[PledgeKind, tuple[Any, Any]] = {
    PledgeKind.HEALTH: (
        _l("My health"),
        _l("I am well. When I have a fever or feel ill, I stay at home and say so at once."),
    ),
    PledgeKind.CONFIDENTIALITY: (
        _l("What I learn stays with me"),
        _l("I pass on no names, doors, phones or pictures of the people I help."),
    ),
}
_WEEKDAYS = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)


def weekday(number: int) -> str:
    """Monday is 0."""
    return str(_WEEKDAYS[number])


def ages(*, minors_allowed: bool) -> list[tuple[str, str]]:
    """The answers to the question of age; where the county takes nobody under 18 there are two."""
    adult = (str(AgeAnswer.ADULT), gettext("18 or older"))
    if not minors_allowed:
        return [adult, (str(AgeAnswer.MINOR), gettext("Under 18"))]
    return [
        adult,
        (str(AgeAnswer.MINOR), gettext("16 or 17")),
        (str(AgeAnswer.CHILD), gettext("Under 16")),
    ]


def skill_options(skills: Sequence[SkillChoice]) -> list[tuple[str, Any]]:
    """Skills to tick, in the reader's language."""
    return [(each.code, words.said(each.name_zh, each.name_en)) for each in skills]


def names(pairs: Sequence[tuple[str, str]]) -> Any:
    """Skills by name, in a row."""
    return Markup(gettext(", ")).join(words.said(zh, en) for zh, en in pairs)  # noqa: S704 - our own catalogue


@dataclass(frozen=True)
class Card:
    """A card of the profile: what it is about, what it says so far, where it is filled in."""

    title: str
    says: Any
    url: str
    is_done: bool


def cards(
    own: OwnVolunteer,
    skills: Sequence[SkillChoice],
    certificates: Sequence[CertificateRow],
    half_days: Sequence[HalfDay],
) -> list[Card]:
    """The cards in the order in which somebody fills them."""
    nothing = gettext("Nothing yet")

    def chosen(kind: SkillKind) -> Any:
        return names([(e.name_zh, e.name_en) for e in skills if e.kind is kind and e.code in own.skills])

    said = sum(each.said is not Availability.UNKNOWN for each in half_days)
    made = [
        Card(
            gettext("What I can do"),
            chosen(SkillKind.TASK) or nothing,
            url_for("volunteers.edit_skills"),
            bool(chosen(SkillKind.TASK)),
        ),
        Card(
            gettext("When I can come"),
            gettext("%(count)s of 14 half-days", count=said) if said else nothing,
            url_for("volunteers.edit_when"),
            bool(said),
        ),
        Card(
            gettext("Languages"),
            chosen(SkillKind.LANGUAGE) or nothing,
            url_for("volunteers.edit_languages"),
            bool(chosen(SkillKind.LANGUAGE)),
        ),
        Card(
            gettext("Certificates"),
            names([(each.skill_zh, each.skill_en) for each in certificates if each.is_valid]) or nothing,
            url_for("volunteers.edit_certificates"),
            bool(certificates),
        ),
    ]
    if not own.pledges:
        made.insert(
            0,
            Card(gettext("My two pledges"), gettext("Still open"), url_for("volunteers.edit_pledges"), False),
        )
    return made


@dataclass(frozen=True)
class Cell:
    """A half-day of the grid: the name of its field, what was said, and the days on which time is taken."""

    name: str
    label: str
    said: str
    taken: str


def grid(half_days: Sequence[HalfDay], now: datetime) -> list[tuple[str, list[Cell]]]:
    """The week as rows of a day with its two halves."""
    rows: list[tuple[str, list[Cell]]] = [(weekday(number), []) for number in range(7)]
    for each in half_days:
        rows[each.weekday][1].append(
            Cell(
                name=f"slot-{each.weekday}-{each.half}",
                label=gettext("%(day)s, %(half)s", day=weekday(each.weekday), half=str(HALVES[each.half])),
                said=str(each.said),
                taken=gettext("taken: %(days)s", days=gettext(", ").join(_days(each.taken_on, now)))
                if each.taken_on
                else "",
            )
        )
    return rows


def _days(days: Sequence[date], now: datetime) -> list[str]:
    return [words.day(each, now=now) for each in days]


def facts(volunteer: VolunteerView, now: datetime) -> list[tuple[str, Any]]:
    """What a head reads of a volunteer."""
    place = f"{volunteer.parent_name or ''} {volunteer.area_name}".strip()
    found = [
        (gettext("Lives"), words.said(place)),
        (gettext("Can do"), names(volunteer.skills) or "–"),
        (
            gettext("Team"),
            words.said(volunteer.team_name, volunteer.team_name_en) if volunteer.team_name else "–",
        ),
        (
            gettext("Organisation"),
            words.said(volunteer.organisation_name, volunteer.organisation_name_en)
            if volunteer.organisation_name
            else "–",
        ),
        (gettext("Society"), str(SOCIETIES[volunteer.society])),
        (gettext("Signed up"), words.moment(volunteer.applied_at, now=now)),
    ]
    if volunteer.guardian_name:
        found.append((gettext("16 or 17; the parent who agrees"), words.said(volunteer.guardian_name)))
    return found


def invitation_state(row: InvitationRow, now: datetime) -> tuple[str, str]:
    """Whether somebody still comes through it: (words, tone)."""
    if row.revoked_at is not None:
        return gettext("Revoked"), "plain"
    if row.is_team_closed:
        return gettext("The team is closed"), "plain"
    if row.expires_at <= now:
        return gettext("Expired"), "plain"
    if row.used_count >= row.use_limit:
        return gettext("Used up"), "plain"
    return gettext("Valid"), "good"


def until(row: InvitationRow, now: datetime) -> str:
    """How far an invitation is: used, and until when."""
    return gettext(
        "%(used)s of %(all)s used, until %(until)s",
        used=row.used_count,
        all=row.use_limit,
        until=words.moment(row.expires_at, now=now),
    )


def today(now: datetime) -> date:
    """The county's day."""
    return clock.day(now)
