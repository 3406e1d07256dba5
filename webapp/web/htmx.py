"""One answer for three askers: htmx gets a fragment, the outbox JSON, a plain form a redirect."""

from typing import Any

from flask import Response, jsonify, make_response, redirect, render_template, request

from webapp.web.guard import key

RECEIPT = "Linli-Receipt"
ANSWER = "Linli-Answer"


def wants_json() -> bool:
    """Whether the asker is the outbox or another program."""
    return request.accept_mimetypes.best == "application/json"


def wants_fragment() -> bool:
    """Whether htmx wants a piece of the page; history restore and boosted requests want all of it."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def answer(fragment: str | None = None, *, otherwise: str, code: str = "done", **context: Any) -> Response:
    """The good answer to a POST: the fragment, JSON with `code` and `location`, or 303 to `otherwise`.

    Repeats the key in `Linli-Receipt`, which alone tells the outbox that the entry arrived.
    """
    if wants_json():
        response = jsonify(ok=True, code=code, location=otherwise)
    elif wants_fragment():
        response = make_response(render_template(fragment, **context) if fragment else "")
        if not fragment:
            response.headers["HX-Redirect"] = otherwise
    else:
        response = make_response(redirect(otherwise, 303))
    response.headers[RECEIPT] = key()
    return response


def page_or_fragment(page: str, fragment: str, /, *, status: int = 200, **context: Any) -> Response:
    """A GET with two faces: the fragment for htmx, the page for everybody else."""
    response = make_response(render_template(fragment if wants_fragment() else page, **context), status)
    response.vary.add("HX-Request")
    return response
