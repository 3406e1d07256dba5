"""One's own summonses in the app, without a network too: answered once through the outbox, the slip kept."""

from flask import make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, summons_views
from webapp.blueprints.mobilization.answers import read_answer, shown
from webapp.blueprints.mobilization.call_ups import refused
from webapp.domain.mobilization.queries import own_summonses as queries
from webapp.domain.mobilization.rules import AnswerSource
from webapp.domain.mobilization.services import answers as services
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer as answered

KEEP = ("X-Offline", "keep")


@bp.get("/summonses")
@requires(Permission.SUMMONS_ANSWER)
def list_own_summonses():
    """我的召集: what asks for an answer first, then what was."""
    now = clock.now()
    found = queries.list_own(actor=current_actor(), now=now)
    response = make_response(
        render_template("mobilization/own_summonses.html", rows=summons_views.lines(found, now))
    )
    response.headers.add(*KEEP)
    return response


def _page(public_id: str, error: LinliError | None = None) -> str:
    view = queries.get_own(actor=current_actor(), public_id=public_id, now=clock.now())
    addresses = {
        "is_own": True,
        "answer_url": url_for("mobilization.answer_summons", public_id=public_id),
        "set_out_url": url_for("mobilization.set_out", public_id=public_id),
    }
    return shown(view, addresses, error)


@bp.get("/summonses/<public_id>")
@requires(Permission.SUMMONS_ANSWER)
def show_summons(public_id: str):
    """One summons with all that one must know, and the slip of who is coming."""
    response = make_response(_page(public_id))
    response.headers.add(*KEEP)
    return response


@bp.post("/summonses/<public_id>/answer")
@requires(Permission.SUMMONS_ANSWER)
def answer_summons(public_id: str):
    """能来 / 来不了 / 晚点答复."""
    try:
        standing = services.answer(
            deed=deed(),
            answer=read_answer(request.form),
            source=AnswerSource.APP,
            public_id=public_id,
        )
    except LinliError as error:
        return refused(error, lambda refusal: _page(public_id, refusal))
    there = url_for("mobilization.show_summons", public_id=public_id)
    return answered(otherwise=there, code=str(standing.state))
