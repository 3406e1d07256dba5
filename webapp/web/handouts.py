"""Copies with people's numbers: a word in the address opens one for a moment after its reason was given.

An address alone never does: it stands in histories, and whoever comes back with it is asked what for again.
"""

from datetime import timedelta

from flask import Response, make_response, request

from webapp.base import clock, crypto
from webapp.web.errors import SENTENCES, sentence
from webapp.web.guard import current_actor

MINUTES = 10
# Longer sheets are made by the worker.
LONGEST_HERE = 200
LANGUAGES = {"zh": "zh_Hans", "en": "en"}


def word_for(public_id: str, *, minutes_ago: int = 0) -> str:
    """The word that opens a sheet now: bound to the actor, the sheet and the time."""
    moment = clock.now() - timedelta(minutes=minutes_ago)
    slot = int(moment.timestamp()) // (MINUTES * 60)
    return crypto.blind_index("roster_pass", f"{current_actor().key}/{public_id}/{slot}")


def is_open(public_id: str) -> bool:
    """Whether the address that was asked for carries the word of this moment, or of the one before."""
    return request.args.get("pass") in {word_for(public_id), word_for(public_id, minutes_ago=MINUTES)}


def pdf_response(content: bytes, name: str) -> Response:
    """A printed sheet for the reader's eyes and no cache."""
    response = make_response(content)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def failure(error: dict | None) -> str:
    """Why a job could not make a sheet, in the reader's words."""
    code = (error or {}).get("code", "server_error")
    if code not in SENTENCES:
        code = "server_error"
    return sentence(code, **(error or {}).get("params", {}))
