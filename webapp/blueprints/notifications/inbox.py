"""The inbox 站内通知: what was said to me, newest first, and what of it I have not read."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import make_response, render_template, request, url_for
from flask_babel import get_locale
from markupsafe import Markup, escape

from webapp.base import clock
from webapp.base.permissions import Permission
from webapp.blueprints.notifications import bp
from webapp.domain.notifications import services
from webapp.domain.notifications.queries import inbox
from webapp.domain.people.rules import mask_name
from webapp.web import messages, words
from webapp.web.guard import current_actor, deed, requires, signed_in
from webapp.web.htmx import answer
from webapp.web.messages import MessageError
from webapp.web.redirects import own_page
from webapp.web.words import gettext

# Chinese names in an English sentence, for readers aloud.
_CHINESE = re.compile(r"[㐀-鿿][㐀-鿿·*]*")


@dataclass(frozen=True)
class ItemWords:
    """An item of the inbox in words."""

    public_id: str
    said: Any
    sender: Any
    at: str
    is_unread: bool
    is_drill: bool
    page: str | None


@bp.get("")
@requires(Permission.INBOX_SEE)
def list_notifications():
    """My messages; kept on the phone, where names of others are cut to the surname."""
    now = clock.now()
    page = inbox.list_items(actor=current_actor(), before=request.args.get("before"))
    user = signed_in()
    response = make_response(
        render_template(
            "notifications/inbox.html",
            items=[_in_words(each, now) for each in page.items],
            unread=max(user.unread_count if user else 0, sum(each.is_unread for each in page.items)),
            older=page.before and url_for("notifications.list_notifications", before=page.before),
            newer=request.args.get("before") and url_for("notifications.list_notifications"),
        )
    )
    response.headers["X-Offline"] = "keep"
    return response


def _in_words(item: inbox.Item, now: datetime) -> ItemWords:
    parameters = dict(item.parameters)
    if isinstance(parameters.get("name"), str):
        parameters["name"] = mask_name(parameters["name"])
    try:
        said = messages.render(
            item.template,
            parameters | {"is_drill": item.is_drill},
            language=str(get_locale()),
            now=now,
            by=messages.IN_APP,
        )
    except MessageError:
        # Written by a version of Linli that knew more words.
        said = gettext("This message cannot be shown any more. Please call your community office.")
    community = parameters.get("community")
    return ItemWords(
        public_id=item.public_id,
        said=_marked(said),
        sender=words.said(community, parameters.get("community_en")) if community else "",
        at=f"{words.full_day(clock.day(item.created_at))} {words.clock_time(item.created_at)}",
        is_unread=item.is_unread,
        is_drill=item.is_drill,
        page=own_page(item.address, otherwise="") or None,
    )


def _marked(said: str) -> Any:
    if words.is_chinese():
        return said
    return Markup(_CHINESE.sub(r'<span lang="zh-Hans">\g<0></span>', str(escape(said))))  # noqa: S704 - escaped before


@bp.post("/<public_id>/open")
@requires(Permission.INBOX_SEE)
def open_notification(public_id: str):
    """Read a message and go on to the page that it is about."""
    address = services.open_item(deed=deed(), public_id=public_id)
    return answer(
        otherwise=own_page(address, otherwise=url_for("notifications.list_notifications")), code="read"
    )


@bp.post("/read")
@requires(Permission.INBOX_SEE)
def read_notifications():
    """Mark all of them as read."""
    services.read_all(deed=deed())
    return answer(otherwise=url_for("notifications.list_notifications"), code="read")
