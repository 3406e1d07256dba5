"""The reserve in words: categories, readiness, half-days, how somebody is reached, what became of their summonses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext
from markupsafe import Markup

from webapp.domain.mobilization.queries.reserve import Choices, ReserveRow
from webapp.domain.mobilization.queries.reserve_person import HalfDay, HistoryLine, ReservistView
from webapp.domain.mobilization.rules import Category, EnrolSource, MusterState, Readiness, SummonsState
from webapp.domain.notifications.queries.reach import Reach
from webapp.domain.notifications.rules import Channel, ContactState
from webapp.domain.volunteers.rules import Availability, CommitmentKind, Half
from webapp.web import words
from webapp.web.words import gettext

_l = lazy_gettext

CATEGORIES: dict[Category, Any] = {
    Category.CADRE: _l("Seconded cadres"),
    Category.COMMUNITY: _l("Community staff"),
    Category.SOCIAL_ORGANISATION: _l("Social organisation"),
    Category.SOCIAL_WORKER: _l("Social workers"),
    Category.VOLUNTEER: _l("Volunteers"),
    Category.CHARITY: _l("Charity"),
}
# Each in words, with its tone.
READINESS: dict[Readiness, tuple[Any, str]] = {
    Readiness.READY: (_l("Ready"), "good"),
    Readiness.LIMITED: (_l("Ready with limits"), "info"),
    Readiness.RESTING: (_l("Resting"), "warn"),
    Readiness.AWAY: (_l("Away"), "plain"),
}
# What each means, for whoever chooses.
READINESS_MEANS: dict[Readiness, Any] = {
    Readiness.READY: _l("can be called for anything"),
    Readiness.LIMITED: _l("for light work, or a few hours"),
    Readiness.RESTING: _l("needs rest after duty and is not called"),
    Readiness.AWAY: _l("is not called until that day"),
}
SOURCES: dict[EnrolSource, Any] = {
    EnrolSource.SELF: _l("joined by themselves"),
    EnrolSource.STAFF: _l("entered by the office"),
    EnrolSource.IMPORT: _l("came with a list"),
}
HALVES: dict[Half, Any] = {Half.MORNING: _l("Morning"), Half.AFTERNOON: _l("Afternoon")}
SAID: dict[Availability, Any] = {
    Availability.UNKNOWN: _l("not known"),
    Availability.AVAILABLE: _l("can come"),
    Availability.NOT_AVAILABLE: _l("cannot"),
}
STATES: dict[Availability, tuple[Any, str]] = {
    Availability.UNKNOWN: (_l("not known"), "plain"),
    Availability.AVAILABLE: (_l("can come"), "good"),
    Availability.NOT_AVAILABLE: (_l("cannot"), "bad"),
    Availability.COMMITTED: (_l("taken"), "info"),
}
TAKEN: dict[CommitmentKind, Any] = {
    CommitmentKind.SHIFT: _l("shift"),
    CommitmentKind.CALL_UP: _l("call-up"),
    CommitmentKind.ERRAND: _l("errand"),
    CommitmentKind.ESCORT: _l("escort"),
    CommitmentKind.TRIP: _l("trip"),
}
CONTACTS: dict[ContactState, tuple[Any, str]] = {
    ContactState.PENDING: (_l("not verified yet"), "warn"),
    ContactState.VERIFIED: (_l("verified"), "good"),
    ContactState.FAILING: (_l("does not arrive"), "bad"),
    ContactState.OPTED_OUT: (_l("wants no messages"), "bad"),
}
CHANNELS: dict[Channel, Any] = {
    Channel.IN_APP: _l("In the app"),
    Channel.SMS: _l("SMS"),
    Channel.PUSH: _l("Push"),
    Channel.STAFF: _l("Staff channel"),
}
OUTCOMES: dict[SummonsState, tuple[Any, str]] = {
    SummonsState.WAITING: (_l("no answer yet"), "plain"),
    SummonsState.LATER: (_l("answers later"), "plain"),
    SummonsState.COMING: (_l("coming"), "good"),
    SummonsState.QUEUED: (_l("in reserve for a place"), "info"),
    SummonsState.CANNOT: (_l("could not come"), "warn"),
    SummonsState.DROPPED: (_l("said yes, then could not"), "warn"),
    SummonsState.MISSED: (_l("did not answer in time"), "bad"),
    SummonsState.STOOD_DOWN: (_l("stood down"), "plain"),
}
MUSTERS: dict[MusterState, tuple[Any, str]] = {
    MusterState.EN_ROUTE: (_l("on the way"), "info"),
    MusterState.ARRIVED: (_l("arrived"), "good"),
    MusterState.ON_DUTY: (_l("on duty"), "good"),
    MusterState.DEPARTED: (_l("was there"), "good"),
    MusterState.OVERDUE: (_l("overdue"), "bad"),
}


def readiness(which: Readiness, until: datetime | None, now: datetime) -> str:
    """The state in words; away with until when."""
    said = str(READINESS[which][0])
    if which is Readiness.AWAY and until is not None:
        return gettext("Away until %(until)s", until=words.moment(until, now=now))
    return said


def skill_names(codes: Iterable[str], choices: Choices) -> Any:
    """Skills by name, in a row."""
    pairs = [choices.skill_names[code] for code in codes if code in choices.skill_names]
    return Markup(gettext(", ")).join(words.said(zh, en) for zh, en in pairs)  # noqa: S704 - our own catalogue


def detail(row: ReserveRow, choices: Choices, now: datetime) -> Any:
    """The small print of a line of the list."""
    calls = (
        gettext("called %(calls)s times, yes %(yeses)s times", calls=row.call_count, yeses=row.yes_count)
        if row.call_count
        else gettext("never called")
    )
    parts = [
        str(CATEGORIES[row.category]),
        words.said(row.unit) if row.unit else None,
        words.said(row.team_name, row.team_name_en) if row.team_name else None,
        words.said(f"{row.parent_name} {row.area_name}" if row.parent_name else row.area_name),
        skill_names(row.skills, choices) or None,
        calls,
        gettext("last %(when)s", when=words.moment(row.last_called_at, now=now))
        if row.last_called_at
        else None,
        gettext("inside the cordon") if row.is_inside else None,
        None if row.is_reachable else gettext("no message reaches them"),
        gettext("phone …%(tail)s", tail=row.phone_tail),
    ]
    return Markup(" · ").join(part for part in parts if part)


# --- one person ---------------------------------------------------------------------------------------------


def facts(reservist: ReservistView, now: datetime) -> list[tuple[str, Any]]:
    """What a head reads of a reservist."""
    place = f"{reservist.parent_name or ''} {reservist.area_name}".strip()
    pairs = [(each.name_zh, each.name_en) for each in reservist.skills]
    side = gettext("inside the cordon") if reservist.is_inside else gettext("outside the cordon")
    found: list[tuple[str, Any]] = [
        (gettext("Category"), str(CATEGORIES[reservist.category])),
        (gettext("Unit"), words.said(reservist.unit) if reservist.unit else "–"),
        (
            gettext("Organisation"),
            words.said(reservist.organisation_name, reservist.organisation_name_en)
            if reservist.organisation_name
            else "–",
        ),
        (
            gettext("Team"),
            words.said(reservist.team_name, reservist.team_name_en) if reservist.team_name else "–",
        ),
        (
            gettext("Lives or works"),
            Markup("{}{}{}").format(words.said(place), gettext(", "), side),
        ),
        (
            gettext("Can do"),
            Markup(gettext(", ")).join(words.said(zh, en) for zh, en in pairs) or "–",  # noqa: S704 - our own catalogue
        ),
        (
            gettext("In the reserve"),
            gettext(
                "since %(when)s, %(how)s",
                when=words.moment(reservist.enrolled_at, now=now),
                how=str(SOURCES[reservist.source]),
            ),
        ),
    ]
    if reservist.note:
        found.append((gettext("Note"), words.said(reservist.note)))
    return found


def figures(reservist: ReservistView, now: datetime) -> list[tuple[str, Any]]:
    """History in figures: calls and drills apart, because a drill says less."""

    def at(moment: datetime | None) -> str:
        return words.moment(moment, now=now) if moment else "–"

    return [
        (
            gettext("Called"),
            gettext(
                "%(calls)s times, yes %(yeses)s times", calls=reservist.call_count, yeses=reservist.yes_count
            ),
        ),
        (
            gettext("Drills"),
            gettext(
                "%(calls)s times, yes %(yeses)s times",
                calls=reservist.drill_count,
                yeses=reservist.drill_yes_count,
            ),
        ),
        (gettext("Called and not needed"), gettext("%(count)s times", count=reservist.stood_down_count)),
        (gettext("Last called"), at(reservist.last_called_at)),
        (gettext("Last answered"), at(reservist.last_answered_at)),
        (gettext("Last mustered"), at(reservist.last_mustered_at)),
        (gettext("Last drilled"), at(reservist.last_drilled_at)),
    ]


def channels(reach: Reach) -> list[tuple[str, str, str]]:
    """Each way to reach somebody with its state: (channel, words, tone)."""
    app = (
        (gettext("set up"), "good") if Channel.IN_APP in reach.channels else (gettext("not set up"), "plain")
    )
    states = {Channel.SMS: reach.sms, Channel.PUSH: reach.push, Channel.STAFF: reach.staff}
    found = [(str(CHANNELS[Channel.IN_APP]), *app)]
    for channel, state in states.items():
        if state is not None:
            said, tone = CONTACTS[state]
        elif channel is Channel.SMS:
            said, tone = gettext("no number known"), "bad"
        else:
            said, tone = gettext("not set up"), "plain"
        found.append((str(CHANNELS[channel]), str(said), tone))
    return found


@dataclass(frozen=True)
class Cell:
    """A half-day of a grid: its key in forms, its words, and what can be done with it."""

    key: str
    half: str
    label: str
    said: str
    state: str
    tone: str
    taken: str
    is_ticked: bool
    is_frozen: bool


def grid(half_days: Sequence[HalfDay], now: datetime) -> list[tuple[str, list[Cell]]]:
    """The coming days as rows of a day with its two halves."""
    rows: dict[Any, list[Cell]] = {}
    for each in half_days:
        day = words.day(each.day, now=now)
        state, tone = STATES[each.said]
        rows.setdefault(each.day, []).append(
            Cell(
                key=f"{each.day.isoformat()}.{each.half}",
                half=str(HALVES[each.half]),
                label=gettext("%(day)s, %(half)s", day=day, half=str(HALVES[each.half])),
                said=str(each.said),
                state=str(state),
                tone=tone,
                taken=gettext(
                    "taken: %(what)s", what=gettext(", ").join(str(TAKEN[kind]) for kind in each.taken)
                )
                if each.taken
                else "",
                is_ticked=each.said is Availability.AVAILABLE,
                is_frozen=each.is_frozen,
            )
        )
    return [(words.day(day, now=now), cells) for day, cells in rows.items()]


@dataclass(frozen=True)
class Past:
    """A summons as a line: what, when, what came of it."""

    title: Any
    url: str | None
    detail: Any
    state: str
    tone: str


def history(lines: Sequence[HistoryLine], now: datetime) -> list[Past]:
    """Summonses in words, newest first."""
    found = []
    for line in lines:
        state, tone = MUSTERS[line.muster] if line.muster else OUTCOMES[line.state]
        parts = [
            words.said(line.area_name),
            words.said(line.role),
            gettext("asked %(when)s", when=words.moment(line.sent_at, now=now)),
            gettext("answered %(when)s", when=words.moment(line.answered_at, now=now))
            if line.answered_at
            else None,
            gettext("there %(when)s", when=words.moment(line.arrived_at, now=now))
            if line.arrived_at
            else None,
        ]
        title = words.said(line.title)
        found.append(
            Past(
                title=Markup("{}{}").format(gettext("[DRILL] "), title) if line.is_drill else title,
                url=url_for("mobilization.show_call_up", public_id=line.call_up) if line.call_up else None,
                detail=Markup(" · ").join(part for part in parts if part),
                state=str(state),
                tone=tone,
            )
        )
    return found
