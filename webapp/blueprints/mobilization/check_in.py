"""At the point: what the code opens, check in and out, and setting out from the page of one's summons."""

from datetime import datetime

from flask import Response, make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError, NotFound
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, muster_views
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization.queries import muster as queries
from webapp.domain.mobilization.services import muster as services
from webapp.web import pages, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, public, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json


def read_press(text: str | None) -> datetime | None:
    """When the phone says that a button was pressed; None where it says nothing that can be read."""
    try:
        pressed = datetime.fromisoformat((text or "")[:40])
    except ValueError:
        return None
    return pressed if pressed.tzinfo is not None else None


@bp.get("/check-in/<public_id>/<code>")
@public
def show_check_in(public_id: str, code: str):
    """What the code at the point opens: one button for who is known, the code of the slip for who is not."""
    return _page(public_id, code)


def _page(public_id: str, code: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    now = clock.now()
    found = queries.get_check_in(actor=current_actor(), call_up=public_id, code=code)
    pages.use_place(areas.get_place(found.area_path))
    response = make_response(
        render_template(
            "mobilization/check_in.html",
            title=words.said(found.title),
            plain=found.title if words.is_chinese() else found.number,
            is_drill=found.is_drill,
            point=words.said(found.muster_point),
            landmark=words.said(found.landmark) if found.landmark else None,
            when=muster_views.span(found.starts_at, found.ends_at, now=now),
            own=muster_views.own(found.own, now) if found.own is not None else None,
            is_known=current_actor().is_signed_in,
            may_join=found.may_join,
            action=url_for("mobilization.check_in", public_id=public_id, code=code),
            sign_in=url_for(
                "accounts.sign_in",
                next=url_for("mobilization.show_check_in", public_id=public_id, code=code),
            ),
            typed=request.form.get("slip", ""),
            done=_done() if error is None else None,
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    if error:
        response.headers[ANSWER] = error.code
    return response


def _done() -> str | None:
    """What a person without an account is told after the press: it stands in the address, and names nobody."""
    word = request.args.get("done")
    return word if word in {"in", "extra"} else None


@bp.post("/check-in/<public_id>/<code>")
@public
def check_in(public_id: str, code: str):
    """扫码签到, at once or from the phone's outbox; or leaving again."""
    form = request.form
    try:
        press = {"call_up": public_id, "code": code, "phone_at": read_press(form.get("phone_at"))}
        if form.get("leave") == "1":
            services.check_out(deed=deed(), **press)
            return answer(otherwise=_back(public_id, code), code="checked_out")
        slip = form.get("slip", "")[:20].strip()
        if not slip and not current_actor().is_signed_in:
            raise NotFound("slip_unknown")
        received = services.check_in(deed=deed(), slip=slip, **press)
    except LinliError as error:
        is_page = error.code == "slip_unknown" or error.status not in {403, 404, 410}
        if wants_json() or wants_fragment() or not is_page:
            raise
        return _page(public_id, code, status=error.status, error=error)
    done = None if current_actor().is_signed_in else "in" if received.has_place else "extra"
    return answer(otherwise=_back(public_id, code, done=done), code="checked_in")


def _back(public_id: str, code: str, done: str | None = None) -> str:
    return url_for("mobilization.show_check_in", public_id=public_id, code=code, done=done)


@bp.post("/summonses/<public_id>/set-out")
@requires(Permission.SUMMONS_ANSWER)
def set_out(public_id: str):
    """已出发, from one's own summons in the app."""
    services.set_out(deed=deed(), public_id=public_id)
    return answer(otherwise=url_for("mobilization.show_summons", public_id=public_id), code="set_out")


@bp.post("/answer/<token>/set-out")
@public
def set_out_by_link(token: str):
    """已出发, by the link of the summons."""
    services.set_out(deed=deed(), token=token)
    response = answer(otherwise=url_for("mobilization.show_answer", token=token), code="set_out")
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
