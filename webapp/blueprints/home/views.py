"""The home page in words, made before the template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext
from markupsafe import Markup

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.permissions import Permission
from webapp.domain.areas.queries import Place
from webapp.domain.households.queries import OwnHousehold
from webapp.domain.mobilization.queries.own_summonses import SummonsLine
from webapp.domain.rosters.queries.duty import Uncovered
from webapp.domain.supplies.queries.head import HomeRound
from webapp.domain.supplies.queries.resident import Current, LineView, RoundCard
from webapp.domain.supplies.rules import Ordering, OrderPhase
from webapp.web import pages, words
from webapp.web.guard import signed_in
from webapp.web.words import gettext


@dataclass(frozen=True)
class RoundWords:
    """A delivery on the home page."""

    title: str
    when: str
    state: str | None
    tone: str
    bags: Any
    said: str
    url: str | None
    button: str
    is_primary: bool


@dataclass(frozen=True)
class HomePage:
    """What the home page says."""

    title: Any
    name: Any
    waiting: str | None
    zone_title: Any
    zone_means: str | None
    zone_source: Any
    rounds: tuple[RoundWords, ...]
    others: tuple[tuple[str, Any], ...]
    lead: Any
    lead_phone: str | None


def home_page(
    home: OwnHousehold, own: Sequence[OwnHousehold], place: Place, current: Current, now: datetime
) -> HomePage:
    """The page of one household; the person's others are a tap away."""
    zone = place.zone
    title: Any = f"{home.community_name} {home.door_text}"
    rounds = [_round(card, now) for card in current.rounds if card.household == home.public_id]
    # One primary button: the first delivery that can be ordered now.
    first = next((each for each in rounds if each is not None and each.is_primary), None)
    return HomePage(
        title=words.said(title),
        name=words.said(current.name),
        waiting=None
        if home.is_confirmed
        else gettext(
            "Your building lead still has to confirm your home. Until then you can order one basic bag."
        ),
        zone_title=None if zone is None else (zone.name_zh if words.is_chinese() else zone.name_en),
        zone_means=None if zone is None else (zone.means_zh if words.is_chinese() else zone.means_en),
        zone_source=None
        if zone is None
        else _joined(
            gettext("Since %(day)s, by", day=words.full_day(clock.day(zone.started_at))),
            words.said(zone.notice),
        ),
        rounds=tuple(_only_first(each, first) for each in rounds if each is not None),
        others=tuple(
            (
                url_for("home.show_home", household=each.public_id),
                words.said(f"{each.community_name} {each.door_text}"),
            )
            for each in own
            if each is not home
        ),
        lead=words.said(home.lead_name) if home.lead_name else None,
        lead_phone=home.lead_phone,
    )


def _joined(first: str, second: Any) -> Markup:
    return Markup("{} {}").format(first, second)


def _only_first(each: RoundWords, first: RoundWords | None) -> RoundWords:
    if each is first or not each.is_primary:
        return each
    return RoundWords(**{**each.__dict__, "is_primary": False})


def _round(card: RoundCard, now: datetime) -> RoundWords | None:
    when = words.delivery(card.delivers_on, card.delivery_window, now=now)
    title = gettext("Vegetables, %(when)s", when=when)
    full = words.full_delivery(card.delivers_on, card.delivery_window)
    until = gettext(
        "You can order and change until %(until)s.", until=words.moment(card.cuts_off_at, now=now)
    )
    if card.order is not None:
        state, tone = words.order_state(card.order.phase, number=card.order.number)
        return RoundWords(
            title=title,
            when=full,
            state=state,
            tone=tone,
            bags=Markup(" · ").join(_bag(line, card.order.phase) for line in card.order.lines),
            said=until if card.order.can_change else "",
            url=url_for("supplies.show_order", public_id=card.order.public_id),
            button=gettext("See, change or cancel") if card.order.can_change else gettext("See"),
            is_primary=False,
        )
    if not card.is_served:
        return None
    if card.ordering is Ordering.OVER:
        return None
    url = url_for("supplies.new_order", round=card.public_id, household=card.household)
    if card.ordering is Ordering.NOT_YET:
        said = gettext("You can order from %(at)s.", at=words.moment(card.opens_at, now=now))
        return RoundWords(title, full, None, "plain", "", said, None, "", is_primary=False)
    if card.ordering is Ordering.LATE:
        said = gettext("Time is up. You can still join the queue.")
        return RoundWords(
            title, full, None, "warn", "", said, url, gettext("Join the queue"), is_primary=False
        )
    return RoundWords(
        title,
        full,
        None,
        "plain",
        "",
        until,
        url,
        gettext("Order vegetables (%(when)s)", when=when),
        is_primary=True,
    )


def _bag(line: LineView, phase: OrderPhase) -> Markup:
    """A bag of an order; one that still waits says so, also where the others are sure."""
    said = Markup("{} × {}").format(words.said(line.bag, line.bag_en), line.wanted)
    if phase is OrderPhase.RECEIVED and line.given < line.wanted:
        return Markup("{} ({})").format(said, words.missing(line.given, line.wanted, is_over=False))
    return said


# What staff do besides rounds: endpoint, words, and the permission that shows it.
_WORK = (
    ("rosters.show_week", lazy_gettext("This week's roster"), Permission.ROSTER_SEE),
    ("rosters.list_risks", lazy_gettext("Shifts to watch"), Permission.TEAM_ROSTER),
    ("volunteers.list_volunteers", lazy_gettext("Volunteers"), Permission.VOLUNTEER_SEE),
    ("rosters.list_duties", lazy_gettext("Duty roster"), Permission.DUTY_EDIT),
    ("mobilization.list_call_ups", lazy_gettext("Call-ups and drills"), Permission.CALL_UP_SEE),
    ("mobilization.list_reservists", lazy_gettext("Reserve"), Permission.RESERVE_SEE),
    ("mobilization.show_forecast", lazy_gettext("Teams we can field"), Permission.RESERVE_SEE),
    ("notifications.list_replies", lazy_gettext("Unclear SMS replies"), Permission.CALL_LIST),
    ("households.list_confirmations", lazy_gettext("Residents to confirm"), Permission.RESIDENCE_CONFIRM),
    ("households.list_households", lazy_gettext("Households"), Permission.HOUSEHOLD_LIST),
    ("areas.list_areas", lazy_gettext("Areas and zones"), Permission.AREA_SEE),
)


def work_lines(
    actor: Actor, rounds: Sequence[HomeRound], uncovered: Sequence[Uncovered], running: int, now: datetime
) -> list[dict[str, Any]]:
    """What the reader looks after, as rows: call-ups that run, a night without duty, the rounds, then the lists.

    Empty for a resident.
    """
    links = [
        {"title": title, "detail": None, "state": None, "tone": "info", "url": url_for(endpoint)}
        for endpoint, title, permission in _WORK
        if actor.has(permission)
    ]
    nights = [_uncovered_line(uncovered)] if uncovered else []
    calls = [_running_line(running)] if running else []
    messages = [] if pages.has_inbox_tab() else [_messages_line()]
    return calls + nights + [_round_line(each, now) for each in rounds] + messages + links


def _running_line(running: int) -> dict[str, Any]:
    """People are being called at this moment: the first thing to look at."""
    return {
        "title": gettext("Call-ups under way"),
        "detail": None,
        "state": str(running),
        "tone": "warn",
        "url": url_for("mobilization.list_call_ups"),
    }


def _messages_line() -> dict[str, Any]:
    """The inbox of somebody whose tabs have no room for it."""
    user = signed_in()
    unread = user.unread_count if user else 0
    return {
        "title": gettext("Messages"),
        "detail": None,
        "state": gettext("%(count)s unread", count=unread) if unread else None,
        "tone": "info",
        "url": url_for(pages.INBOX),
    }


def summons_lines(found: Sequence[SummonsLine]) -> list[dict[str, Any]]:
    """What the reader is summoned to, as rows; what waits for an answer first."""
    return [
        {
            "title": Markup("{} {}").format(
                gettext("[DRILL] Call-up:") if each.is_drill else gettext("Call-up:"), words.said(each.title)
            ),
            "detail": Markup("{} · {}").format(
                words.full_day(clock.day(each.starts_at)) + " " + words.clock_time(each.starts_at),
                words.said(each.muster_point),
            ),
            "state": gettext("Please answer") if each.asks else None,
            "tone": "bad",
            "url": url_for("mobilization.show_summons", public_id=each.public_id),
        }
        for each in sorted(found, key=lambda one: not one.asks)
    ]


def _uncovered_line(uncovered: Sequence[Uncovered]) -> dict[str, Any]:
    """Where nobody is on duty tonight: one place by name, several by number."""
    first = uncovered[0]
    return {
        "title": gettext("Duty roster"),
        "detail": words.said(first.name, first.name_en)
        if len(uncovered) == 1
        else gettext("in %(count)s places", count=len(uncovered)),
        "state": gettext("nobody tonight"),
        "tone": "bad",
        "url": url_for("rosters.list_duties", area=first.public_id),
    }


def _round_line(each: HomeRound, now: datetime) -> dict[str, Any]:
    """A round that the reader leads, as a row."""
    return {
        "title": gettext(
            "Round %(number)s · %(when)s",
            number=each.number,
            when=words.delivery(each.delivers_on, each.delivery_window, now=now),
        ),
        "detail": words.said(each.community),
        "state": words.round_state(each.state)[0],
        "tone": "info",
        "url": url_for("supplies.show_round", public_id=each.public_id),
    }
