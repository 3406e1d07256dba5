"""A browser says where it takes push messages."""

import re

from flask import current_app, request, url_for

from webapp.base.permissions import Permission
from webapp.blueprints.notifications import bp
from webapp.domain.notifications import services
from webapp.web.guard import deed, requires
from webapp.web.htmx import answer

_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


@bp.post("/push")
@requires(Permission.INBOX_SEE)
def subscribe():
    """This browser receives notices; a test goes there at once, which proves it when it is seen."""
    public_id = services.add_push(
        deed=deed(),
        endpoint=request.form.get("endpoint", ""),
        p256dh=request.form.get("p256dh", ""),
        auth=request.form.get("auth", ""),
        label=_label(request.headers.get("User-Agent", "")),
        hosts=current_app.config["PUSH_HOSTS"],
    )
    return answer(otherwise=url_for("notifications.show_contacts", added=public_id), code="added")


def _label(agent: str) -> str:
    """What its owner knows it by: Android · Chrome."""
    system = next((each for each in _SYSTEMS if re.search(rf"\b{each}\b", agent)), "")
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    return " · ".join(each for each in (system.replace("Macintosh", "Mac"), browser) if each)
