"""SMS that Linli did not understand 看不懂的短信: read and settled by a person of the area, in two taps."""

from flask import make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.deed import Deed
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Permission
from webapp.blueprints.notifications import bp, reply_views
from webapp.domain.mobilization.queries import replies as queries
from webapp.domain.mobilization.rules import Answer, Reply
from webapp.domain.mobilization.services import sms as services
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, wants_fragment, wants_json
from webapp.web.htmx import answer as answered


def _page(error: LinliError | None = None) -> str:
    now = clock.now()
    found = queries.list_unclear(actor=current_actor(), now=now)
    if found:
        # Looking shows the numbers, so looking is what is written down.
        looking = Deed(actor=current_actor(), client_id=new_public_id(), fingerprint="", now=now)
        services.note_opened(deed=looking, count=len(found))
    return render_template(
        "notifications/replies.html",
        rows=[reply_views.reply(each, now) for each in found],
        said=sentence(error.code, **error.params) if error else None,
    )


@bp.get("/replies")
@requires(Permission.CALL_LIST)
def list_replies():
    """What came in and nobody could read, the oldest first."""
    return _page()


@bp.post("/replies/<public_id>/settle")
@requires(Permission.CALL_LIST)
def settle_reply(public_id: str):
    """It was an answer to this call-up, or it was none."""
    summons = request.form.get("summons") or None
    try:
        services.settle_reply(
            deed=deed(), public_id=public_id, summons=summons, answer=_answer() if summons else None
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        response = make_response(_page(error), error.status)
        response.headers[ANSWER] = error.code
        return response
    return answered(otherwise=url_for("notifications.list_replies"), code="settled")


def _answer() -> Answer:
    try:
        reply = Reply(request.form.get("reply", ""))
    except ValueError:
        raise RuleBroken("reply_missing", field="reply") from None
    # Whoever presses has asked, or read it in the message.
    return Answer(reply, knows_sealed=request.form.get("knows_sealed") == "1")
