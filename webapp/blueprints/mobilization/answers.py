"""Answering a call-up without signing in, behind the link of a message. GET shows, the button answers."""

from typing import Any

from flask import Response, make_response, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.ids import hash_token
from webapp.blueprints.mobilization import bp, summons_views
from webapp.blueprints.mobilization.call_ups import refused
from webapp.domain.mobilization.queries import own_summonses as queries
from webapp.domain.mobilization.rules import ETA_MINUTES, Answer, AnswerSource, CannotReason, Reply
from webapp.domain.mobilization.services import answers as services
from webapp.web import pages
from webapp.web.errors import sentence
from webapp.web.extensions import csrf
from webapp.web.guard import deed, public
from webapp.web.htmx import answer as answered


def read_answer(form: MultiDict[str, str], *, reply: str | None = None) -> Answer:
    """The answer of a form; RuleBroken reply_missing where it says none. A reason nobody knows is left out."""
    try:
        said = Reply(reply or form.get("reply", ""))
    except ValueError:
        raise RuleBroken("reply_missing", field="reply") from None
    minutes, reason = form.get("eta", ""), form.get("reason", "")
    return Answer(
        reply=said,
        eta_minutes=int(minutes) if minutes in {str(each) for each in ETA_MINUTES} else None,
        reason=CannotReason(reason) if reason in set(CannotReason) else None,
        said=form.get("said", "").strip()[:200],
        knows_sealed=form.get("knows_sealed") == "1",
        role=form.get("role") or None,
    )


def shown(view: queries.SummonsView, addresses: dict[str, Any], error: LinliError | None = None) -> str:
    """The page of a summons, with the reason of a refusal."""
    pages.use_place(view.place)
    return render_template(
        "mobilization/summons.html",
        summons=summons_views.view(view, clock.now(), is_kept=addresses["is_own"]),
        error=error.code if error else None,
        said=sentence(error.code, **error.params) if error else None,
        typed=request.form if error else {},
        **addresses,
    )


def _page(token: str, error: LinliError | None = None) -> str:
    now = clock.now()
    view = queries.get_by_link(token=token, now=now)
    pages.use_place(view.place)
    queries.ensure_not_expired(view, now)
    addresses = {
        "is_own": False,
        "answer_url": url_for("mobilization.answer", token=token),
        "set_out_url": url_for("mobilization.set_out_by_link", token=token),
    }
    return shown(view, addresses, error)


def _private(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@bp.get("/answer/<token>")
@public
def show_answer(token: str):
    """What is asked and how it stands. A preview robot that looks here answers nothing."""
    return _private(make_response(_page(token)))


def _bearer(token: str) -> Actor:
    """Whoever bears this link, on whichever phone: the audit log shows the beginning of what is stored of it."""
    return Actor(kind="token", key=f"summons:{hash_token(token)[:16]}")


# The token in the address is the right to answer, and nobody can guess it: a page that was open all night, or in
# a browser that keeps no cookies, answers as well.
@bp.post("/answer/<token>")
@csrf.exempt
@public
def answer(token: str):
    """能来 / 来不了 / 晚点答复."""
    try:
        standing = services.answer(
            deed=deed(bearer=_bearer(token)),
            answer=read_answer(request.form),
            source=AnswerSource.LINK,
            token=token,
        )
    except LinliError as error:
        return _private(refused(error, lambda refusal: _page(token, refusal)))
    there = url_for("mobilization.show_answer", token=token)
    return _private(answered(otherwise=there, code=str(standing.state)))
