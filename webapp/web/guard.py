"""The door of each view: who is asking, may they do this kind of thing, and under which key.

A view is marked `@requires(Permission.X)` or `@public`; the application refuses to start when one is not.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from flask import Flask, current_app, g, request, session
from flask_login import current_user
from werkzeug.exceptions import BadRequest

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import NotAllowed, SignInRequired
from webapp.base.ids import new_public_id, new_token
from webapp.base.permissions import Permission
from webapp.web.extensions import login_manager

View = TypeVar("View", bound=Callable[..., Any])
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
# What changes with each rendering and says nothing about the deed.
_NOT_IN_FINGERPRINT = frozenset({"csrf_token", "_key", "opened"})
BROWSER = "browser"


class SignedIn(Protocol):
    """What the guard needs of a signed-in user; `accounts.queries.load_signed_in` answers with one."""

    user_public_id: str
    language: str
    text_size: str
    theme: str
    actor: Actor


class WebUser:
    """Flask-Login's view of a signed-in browser: its id is the session token."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, token: str, signed_in: SignedIn) -> None:
        self.token = token
        self.signed_in = signed_in

    def get_id(self) -> str:
        """The token that Flask-Login keeps in the signed cookie."""
        return self.token


@login_manager.user_loader
def _load(token: str) -> WebUser | None:
    found = current_app.extensions["linli_load_signed_in"](token=token, now=clock.now())
    return WebUser(token, found) if found else None


def signed_in() -> SignedIn | None:
    """Who is signed in at this request, with their settings; None for a visitor."""
    user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's documented way past the proxy
    return user.signed_in if isinstance(user, WebUser) else None


def current_actor() -> Actor:
    """The actor of this request, made once."""
    if "actor" not in g:
        user = signed_in()
        g.actor = user.actor if user else Actor.anonymous(session.get(BROWSER, "new"))
    actor: Actor = g.actor
    return actor


def requires(permission: Permission) -> Callable[[View], View]:
    """Mark a view as open to actors that hold the permission somewhere."""

    def mark(view: View) -> View:
        view.linli_permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def public(view: View) -> View:
    """Mark a view as open to everybody."""
    view.linli_public = True  # type: ignore[attr-defined]
    return view


def check() -> None:
    """Before each request: signed out → 401 (or the sign-in page), without the right → 403."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or getattr(view, "linli_public", False) or request.endpoint == "static":
        return
    actor = current_actor()
    if not actor.is_signed_in:
        raise SignInRequired
    if not actor.has(view.linli_permission):
        raise NotAllowed


def ensure_marked(app: Flask) -> None:
    """Refuse to start while a view is marked neither `@requires` nor `@public`."""
    unmarked = [
        endpoint
        for endpoint, view in app.view_functions.items()
        if endpoint != "static"
        and not hasattr(view, "linli_permission")
        and not hasattr(view, "linli_public")
    ]
    if unmarked:
        raise RuntimeError(f"views without @requires or @public: {', '.join(sorted(unmarked))}")


def request_key() -> str:
    """A new key for a form that is rendered; with JavaScript the phone makes its own at each submit."""
    return new_public_id()


def key() -> str:
    """The key of this changing request; 400 when it carries none."""
    text = request.headers.get("Idempotency-Key") or request.form.get("_key", "")
    if not _KEY.fullmatch(text):
        raise BadRequest("key_missing")
    return text


def _fingerprint() -> str:
    digest = hmac.new(current_app.secret_key.encode(), digestmod=hashlib.sha256)  # type: ignore[union-attr]
    digest.update(f"{request.method} {request.path}".encode())
    for name in sorted(request.form):
        if name not in _NOT_IN_FINGERPRINT:
            for value in request.form.getlist(name):
                digest.update(f"\0{name}\0{value}".encode())
    for name in sorted(request.files):
        for file in request.files.getlist(name):
            digest.update(f"\0{name}\0{file.filename}\0".encode())
            for block in iter(lambda file=file: file.stream.read(1 << 16), b""):
                digest.update(block)
            file.stream.seek(0)
    return digest.hexdigest()


def deed(*, reason: str | None = None, on_behalf_of: int | None = None, bearer: Actor | None = None) -> Deed:
    """The change that this request asks for, as a value for a service.

    `bearer` is who acts by a secret link: whoever holds it, signed in or not, on whichever phone.
    """
    if bearer is None and not current_actor().is_signed_in and BROWSER not in session:
        session[BROWSER] = new_token()
        g.pop("actor")
    return Deed(
        actor=bearer or current_actor(),
        client_id=key(),
        fingerprint=_fingerprint(),
        now=clock.now(),
        on_behalf_of=on_behalf_of,
        reason=reason,
        source="web",
    )
