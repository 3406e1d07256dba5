"""Signed cookies and form tokens as Flask and Flask-WTF make them, without doing the same work at each page."""

import time
from typing import Any

from flask import Flask, Request, current_app, g, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf
from itsdangerous import URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode

REMEMBERED_SECONDS = 60.0
MOST_REMEMBERED = 5000
FIELD = "csrf_token"


class RememberedSessions(SecureCookieSessionInterface):
    """Flask's signed cookies; one whose signature this process has checked is not checked again for a minute.

    Who is signed in is not remembered here: the cookie names a session, and its row is read at each request.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of the request's cookie; a copy, so that what a view writes stays its own."""
        cookie = request.cookies.get(self.get_cookie_name(app), "")
        known = self._known.get(cookie)
        now = time.monotonic()
        if known is not None and known[0] > now:
            return self.session_class(known[1])
        opened = super().open_session(app, request)
        if opened and all(isinstance(value, (str, bool)) for value in opened.values()):
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[cookie] = now + REMEMBERED_SECONDS, dict(opened)
        return opened


class _Plain(URLSafeTimedSerializer):
    """Flask-WTF's serializer, without trying to compress forty random characters."""

    def dump_payload(self, obj: Any) -> bytes:
        return base64_encode(self.serializer.dumps(obj, separators=(",", ":")).encode())


def csrf_token() -> str:
    """The token that Flask-WTF checks, once per request."""
    if FIELD in g:
        return str(g.csrf_token)
    raw = session.get(FIELD)
    if raw is None:
        return str(generate_csrf())
    g.csrf_token = current_app.extensions["linli_csrf"].dumps(raw)
    return str(g.csrf_token)


def begin_anew() -> None:
    """Forget all that this browser's session holds, and give it its form token at once.

    Two pages that are asked for at the same time would otherwise each make one; the later cookie wins, and the
    form of the other page is refused.
    """
    session.clear()
    g.pop(FIELD, None)
    csrf_token()


def init_app(app: Flask) -> None:
    """Take the place of the two originals; after Flask-WTF."""
    app.session_interface = RememberedSessions()
    app.extensions["linli_csrf"] = _Plain(app.secret_key or "", salt="wtf-csrf-token")
    app.jinja_env.globals[FIELD] = csrf_token
    app.context_processor(lambda: {FIELD: csrf_token})
