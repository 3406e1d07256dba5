"""Calendars 日历订阅: secret addresses of a volunteer's, a team's and a post's shifts, and the pages that make them."""

import hashlib
from typing import Any

from flask import Response, current_app, make_response, render_template, request, url_for
from flask_babel import force_locale

from webapp.base import clock
from webapp.base.errors import NotFound
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp
from webapp.domain.rosters.queries import feeds, links, paper
from webapp.domain.rosters.rules import LinkKind, Protection
from webapp.domain.rosters.services import links as services
from webapp.web import calendars, qr, words
from webapp.web.guard import current_actor, deed, public, requires
from webapp.web.htmx import answer
from webapp.web.words import gettext

KINDS = {
    "volunteer": LinkKind.CALENDAR_VOLUNTEER,
    "team": LinkKind.CALENDAR_TEAM,
    "post": LinkKind.CALENDAR_POST,
}
FEEDS = frozenset(KINDS.values())
LANGUAGES = {"zh": "zh_Hans", "en": "en"}


@bp.get("/calendars/<token>.ics")
@public
def show_calendar(token: str):
    """The feed behind a secret address, in the language of the address; 304 where nothing has changed."""
    link = links.find_link(token=token)
    if link.kind not in FEEDS:
        raise NotFound
    feed = feeds.get_feed(link=link, now=clock.now())
    with force_locale(LANGUAGES.get(request.args.get("lang", ""), "zh_Hans")):
        content = _text(feed)
    response = make_response(content)
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Content-Disposition"] = 'inline; filename="linli.ics"'
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    response.set_etag(hashlib.sha256(content).hexdigest()[:32])
    return response.make_conditional(request)


def _text(feed: feeds.Feed) -> bytes:
    """The feed as iCalendar text in the language of the moment."""
    community = _to(feed.community, feed.community_en)
    if feed.kind is LinkKind.CALENDAR_VOLUNTEER:
        title = gettext("My shifts · %(community)s", community=community)
    else:
        title = gettext(
            "%(name)s · shifts · %(community)s", name=_to(feed.name, feed.name_en), community=community
        )
    return calendars.calendar(title, [_event(feed, each) for each in feed.events])


def _to(zh: str, en: str | None) -> str:
    return zh if words.is_chinese() else en or zh


def _event(feed: feeds.Feed, event: feeds.FeedEvent) -> calendars.CalendarEvent:
    post = _to(event.post, event.post_en)
    lines = []
    if feed.kind is LinkKind.CALENDAR_VOLUNTEER:
        summary = gettext("On shift: %(post)s", post=post)
        if event.instructions:
            lines.append(event.instructions)
        if event.protection is not Protection.NONE:
            lines.append(gettext("Protection: %(level)s", level=_level(event.protection)))
    else:
        summary = gettext("%(post)s, %(count)s there", post=post, count=event.taken)
        if event.names:
            lines.append(gettext(", ").join(event.names))
        if feed.kind is LinkKind.CALENDAR_POST and event.taken < event.minimum:
            lines.append(gettext("%(count)s short", count=event.minimum - event.taken))
    if event.is_cancelled:
        summary = gettext("Cancelled: %(what)s", what=summary)
    host = current_app.config["PUBLIC_URL"]
    return calendars.CalendarEvent(
        uid=f"{event.uid}@linli",
        sequence=event.sequence,
        title=summary,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        changed_at=event.changed_at,
        place=event.place,
        text="\n".join(lines),
        address=f"{host}{url_for('rosters.show_shift', public_id=event.shift)}",
        is_cancelled=event.is_cancelled,
    )


def _level(level: Protection) -> str:
    return {
        Protection.NONE: gettext("Mask only"),
        Protection.LEVEL_1: gettext("level 1"),
        Protection.LEVEL_2: gettext("level 2"),
        Protection.LEVEL_3: gettext("level 3"),
    }[level]


# --- the pages that make the addresses ----------------------------------------------------------------------


def _kind(text: str) -> LinkKind:
    if text not in KINDS:
        raise NotFound
    return KINDS[text]


@bp.get("/calendars")
@requires(Permission.SHIFT_TAKE)
def show_own_calendar():
    """My own shifts in my calendar, and on paper."""
    own = paper.find_own_volunteer(actor=current_actor())
    return _page("volunteer", own) if own else render_template("rosters/calendar.html", page=None)


@bp.get("/calendars/<kind>/<public_id>")
@requires(Permission.SHIFT_TAKE)
def show_link(kind: str, public_id: str):
    """The calendar address of a team or a post, for who rosters it."""
    return _page(kind, public_id)


def _page(kind: str, public_id: str) -> str:
    subject = links.get_subject(actor=current_actor(), kind=_kind(kind), public_id=public_id)
    live, now = links.get_live(subject=subject), clock.now()
    address = webcal = None
    if live and live.token:
        language = "zh" if words.is_chinese() else "en"
        path = url_for("rosters.show_calendar", token=live.token, lang=language)
        address = f"{current_app.config['PUBLIC_URL']}{path}"
        webcal = f"webcal://{address.partition('://')[2]}"
    is_own = kind == "volunteer"
    page: dict[str, Any] = {
        "title": gettext("My shifts in my calendar") if is_own else gettext("Shifts in a calendar"),
        "name": None if is_own else words.said(subject.name, subject.name_en),
        "is_own": is_own,
        "volunteer": public_id if is_own else None,
        "address": address,
        "webcal": webcal,
        "is_live": live is not None,
        "made": words.moment(live.made_at, now=now) if live else None,
        "qr": qr.svg(address, label=gettext("Code of the calendar address")) if address else None,
        "make_url": url_for("rosters.make_calendar", kind=kind, public_id=public_id),
        "revoke_url": url_for("rosters.revoke_calendar", kind=kind, public_id=public_id),
        "week": clock.day(now).isoformat(),
    }
    return render_template("rosters/calendar.html", page=page)


def _back(kind: str, public_id: str) -> str:
    if kind == "volunteer":
        return url_for("rosters.show_own_calendar")
    return url_for("rosters.show_link", kind=kind, public_id=public_id)


@bp.post("/calendars/<kind>/<public_id>")
@requires(Permission.SHIFT_TAKE)
def make_calendar(kind: str, public_id: str):
    """Make the address, or a new one; the old one stops working at once."""
    services.make_link(deed=deed(), kind=_kind(kind), subject=public_id)
    return answer(otherwise=_back(kind, public_id))


@bp.post("/calendars/<kind>/<public_id>/revoke")
@requires(Permission.SHIFT_TAKE)
def revoke_calendar(kind: str, public_id: str) -> Response:
    """Take the address back."""
    services.revoke_link(deed=deed(), kind=_kind(kind), subject=public_id)
    return answer(otherwise=_back(kind, public_id))
