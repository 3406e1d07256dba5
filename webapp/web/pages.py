"""What every page carries: static files by hashed names, security headers, the names base.html needs."""

import base64
import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, request, url_for
from flask_babel import get_locale, gettext
from markupsafe import Markup
from whitenoise import WhiteNoise

from webapp.base.ids import new_public_id
from webapp.base.permissions import Permission
from webapp.web import guard
from webapp.web.extensions import TEXT_SIZE_COOKIE, THEME_COOKIE
from webapp.web.packing import Packer

log = logging.getLogger("linli.request")
HTML = "text/html"
_YEAR = 365 * 24 * 3600
_TEXT_SIZES = ("normal", "large", "xlarge")
_THEMES = ("system", "light", "dark")
_PACKED = frozenset({HTML, "application/json", "application/manifest+json"})
_WORTH_PACKING = 800


class Assets:
    """The built static files: names with hashes, and the style sheet that stands in each page."""

    def __init__(self, directory: Path) -> None:
        manifest = directory / "manifest.json"
        if not manifest.exists():
            raise RuntimeError("the static files are not built; run: make build")
        self.names: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))
        self.css = (directory / self.names["app.css"]).read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(self.css.encode()).digest()).decode()
        self.policy = (
            f"default-src 'self'; script-src 'self'; style-src 'self' 'sha256-{digest}'; "
            "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        self.markup = Markup(self.css)  # noqa: S704 - our own file, and the policy lets nothing else run

    def url(self, name: str) -> str:
        """The address of a built file; raises KeyError for a name that was not built."""
        return f"/static/dist/{self.names[name]}"


def use_place(place: Any) -> None:
    """Tell the page which community it stands in: name, hotline, exercise. Without it base.html asks once."""
    g.place = place


def _place() -> Any:
    if "place" not in g:
        g.place = current_app.extensions["linli_load_place"](actor=guard.current_actor())
    return g.place


_MAY_SHOW = (
    Permission.ROUND_SEE,
    Permission.HOUSEHOLD_LIST,
    Permission.RESIDENCE_CONFIRM,
    Permission.ROSTER_SEE,
)


INBOX = "notifications.list_notifications"
MOST_TABS = 5


def tabs() -> list[tuple[str, str, bool, int]]:
    """The bottom tabs of the signed-in user: address, words, whether it is the page that is shown, what is unread."""
    actor = guard.current_actor()
    if not actor.is_signed_in:
        return []
    rights = tuple(actor.has(each) for each in _MAY_SHOW)
    known = current_app.extensions["linli_tabs"]
    key = (str(get_locale()), rights, request.script_root)
    if key not in known:
        known[key] = _tabs(*rights)
    user = guard.signed_in()
    unread = user.unread_count if user else 0
    return [
        (url, words, request.endpoint == endpoint, unread if endpoint == INBOX else 0)
        for url, words, endpoint in known[key]
    ]


def has_inbox_tab() -> bool:
    """Whether the inbox is one of the tabs; where it is not, it is a row on the home page."""
    address = url_for(INBOX)
    return any(url == address for url, *_rest in tabs())


def _tabs(
    sees_rounds: bool,  # noqa: FBT001 - a row of rights
    lists_households: bool,  # noqa: FBT001
    confirms: bool,  # noqa: FBT001
    sees_rosters: bool,  # noqa: FBT001
) -> list[tuple[str, str, str]]:
    """At most five: what the thumb reaches; all else is a row on the home page."""
    shown = [("home.show_home", gettext("Home"))]
    if sees_rounds:
        shown.append(("supplies.list_rounds", gettext("Supplies")))
    else:
        shown.append(("supplies.list_orders", gettext("Vegetables")))
    if sees_rosters:
        shown.append(("rosters.show_week", gettext("Roster")))
    if lists_households:
        shown.append(("households.list_households", gettext("Households")))
    else:
        shown.append(("rosters.list_shifts", gettext("Help out")))
    if confirms and not sees_rosters:
        shown.append(("households.list_confirmations", gettext("To confirm")))
    if len(shown) < MOST_TABS - 1:
        shown.append((INBOX, gettext("Messages")))
    shown.append(("accounts.show_me", gettext("Me")))
    return [(url_for(endpoint), words, endpoint) for endpoint, words in shown]


def _choice(attribute: str, cookie: str, allowed: tuple[str, ...]) -> str:
    user = guard.signed_in()
    value = getattr(user, attribute) if user else request.cookies.get(cookie, allowed[0])
    return value if value in allowed else allowed[0]


def _context() -> dict[str, Any]:
    place = _place()
    user = guard.signed_in()
    return {
        "lang": str(get_locale()),
        "text_size": _choice("text_size", TEXT_SIZE_COOKIE, _TEXT_SIZES),
        "theme": _choice("theme", THEME_COOKIE, _THEMES),
        "tabs": tabs(),
        "exercise": place.is_exercise,
        "hotline": {
            "number": place.hotline,
            "label": gettext("Community hotline, 24 hours")
            if place.community_name
            else gettext("Hotline, 24 hours"),
        }
        if place.hotline
        else None,
        "community_name": place.community(str(get_locale())),
        "me": {"public_id": user.user_public_id} if user else None,
    }


def _before() -> None:
    g.request_id = new_public_id()
    g.started = time.perf_counter()


def _after(response: Response) -> Response:
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    # A page behind a secret address says no-referrer itself.
    headers.setdefault("Referrer-Policy", "same-origin")
    headers["X-Request-Id"] = g.request_id
    if response.mimetype == HTML:
        headers["Content-Security-Policy"] = current_app.extensions["linli_assets"].policy
        headers.setdefault("Cache-Control", "private, no-cache")
        _vary(response, "Cookie, HX-Request")
    _pack(response)
    log.info(
        "request",
        extra={
            "request_id": g.request_id,
            "method": request.method,
            # The rule, not the path: paths may hold secret tokens.
            "route": request.url_rule.rule if request.url_rule else None,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.started) * 1000, 1),
        },
    )
    return response


def _vary(response: Response, names: str) -> None:
    """Add to Vary as text; Werkzeug's set of headers costs more than packing the page."""
    before = response.headers.get("Vary")
    response.headers["Vary"] = f"{before}, {names}" if before else names


def _pack(response: Response) -> None:
    """Pages and their data go out compressed: a phone's link costs more than 0.2 ms of zlib."""
    headers = response.headers
    if response.mimetype not in _PACKED or response.direct_passthrough or "Content-Encoding" in headers:
        return
    _vary(response, "Accept-Encoding")
    body = response.get_data()
    if len(body) >= _WORTH_PACKING and "gzip" in request.accept_encodings:
        response.set_data(current_app.extensions["linli_packer"].pack(body))
        headers["Content-Encoding"] = "gzip"


def _file_headers(headers: Any, _path: str, url: str) -> None:
    if url.startswith("/static/dist/"):
        headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"


def init_app(app: Flask) -> None:
    """Serve static files, set headers, hand base.html its names."""
    directory = Path(app.static_folder or "") / "dist"
    assets = Assets(directory)
    app.extensions["linli_assets"] = assets
    app.extensions["linli_tabs"] = {}
    app.extensions["linli_packer"] = Packer(assets.css.encode())
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=app.static_folder,
        prefix="static/",
        max_age=3600,
        add_headers_function=_file_headers,
    )
    app.jinja_env.globals.update(
        asset=assets.url, inline_css=lambda: assets.markup, request_key=guard.request_key
    )
    # Before the csrf check: its refusal is answered and logged like everything else.
    app.before_request_funcs.setdefault(None, []).insert(0, _before)
    app.before_request(guard.check)
    app.after_request(_after)
    app.context_processor(_context)
