"""Where to go next: only ever a page of our own."""

from flask import current_app, request
from werkzeug.exceptions import HTTPException


def own_page(text: str | None, *, otherwise: str = "/") -> str:
    """The path if it is one of our pages that can be fetched with GET, else `otherwise`.

    Addresses of other sites in any of the ways in which browsers read them (two slashes, a slash and a
    backslash, a control character between) are never followed.
    """
    if not text or not text.startswith("/") or "\\" in text or not text.isprintable() or len(text) > 500:
        return otherwise
    path, _question, query = text.partition("?")
    if path.startswith("//") or "#" in query:
        return otherwise
    try:
        current_app.create_url_adapter(request).match(path, method="GET")
    except HTTPException:
        return otherwise
    return text
