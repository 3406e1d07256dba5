"""Standing down 解除召集, closing the books, the end report."""

from flask import Response, make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, muster_views
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization.queries import muster as queries
from webapp.domain.mobilization.queries import report as reports
from webapp.domain.mobilization.services import closing
from webapp.domain.mobilization.services import stand_down as services
from webapp.web import pages, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json
from webapp.web.words import gettext


@bp.get("/call-ups/<public_id>/stand-down")
@requires(Permission.CALL_UP_MANAGE)
def show_stand_down(public_id: str):
    """Whom a stand-down would let go and whom it would receive, before it is pressed."""
    return _page(public_id)


def _page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    now = clock.now()
    found = queries.get_to_let_go(actor=current_actor(), public_id=public_id, now=now)
    pages.use_place(areas.get_place(found.area_path))
    response = make_response(
        render_template(
            "mobilization/stand_down.html",
            call_up=muster_views.to_let_go(found),
            action=url_for("mobilization.stand_down", public_id=public_id),
            close=url_for("mobilization.close_call_up", public_id=public_id),
            report=url_for("mobilization.show_report", public_id=public_id),
            back=url_for("mobilization.show_muster", public_id=public_id),
            roles=[("", gettext("The whole call-up"))]
            + [(each.public_id, words.said(each.name)) for each in found.roles if each.coming or each.silent],
            typed={name: request.form.get(name, "") for name in ("role", "reason")},
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.post("/call-ups/<public_id>/stand-down")
@requires(Permission.CALL_UP_MANAGE)
def stand_down(public_id: str):
    """解除召集."""
    reason = " ".join(request.form.get("reason", "").split())[:200] or None
    try:
        services.stand_down(
            deed=deed(reason=reason), call_up=public_id, role=request.form.get("role", "")[:22]
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("mobilization.show_muster", public_id=public_id), code="stood_down")


@bp.post("/call-ups/<public_id>/close")
@requires(Permission.CALL_UP_MANAGE)
def close_call_up(public_id: str):
    """结束这次召集: the books are closed, the history is written."""
    try:
        closing.close_call_up(deed=deed(), call_up=public_id)
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("mobilization.show_report", public_id=public_id), code="closed")


@bp.get("/call-ups/<public_id>/report")
@requires(Permission.CALL_UP_SEE)
def show_report(public_id: str):
    """结束报告: timeline, curve, fill by role and organisation; a drill with its score beside earlier ones."""
    now = clock.now()
    found = reports.get_report(actor=current_actor(), public_id=public_id, now=now)
    pages.use_place(areas.get_place(found.area_path))
    return render_template(
        "mobilization/report.html",
        report=muster_views.report(found, now),
        back=url_for("mobilization.show_board", public_id=public_id),
    )
