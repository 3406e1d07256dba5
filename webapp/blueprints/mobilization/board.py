"""The live board 集结看板 for whoever steers the call-up: asked for every three seconds, 304 while nothing changed."""

from collections.abc import Callable

from flask import Response, make_response, render_template, request, url_for
from flask_babel import get_locale

from webapp.base import clock
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, muster_views
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization.queries import board as queries
from webapp.domain.mobilization.queries.board import Board
from webapp.web import pages
from webapp.web.guard import current_actor, requires
from webapp.web.htmx import wants_fragment


@bp.get("/call-ups/<public_id>/board")
@requires(Permission.CALL_UP_SEE)
def show_board(public_id: str):
    """应到 · 实到 · 在路上 · 没消息 · 到位率, by role, and who is overdue."""
    actor, now = current_actor(), clock.now()
    if wants_fragment():
        return polled(
            queries.get_board_tag(actor=actor, public_id=public_id, now=now),
            lambda: queries.get_board(actor=actor, public_id=public_id, now=now),
            url_for("mobilization.show_board", public_id=public_id),
        )
    found = queries.get_board(actor=actor, public_id=public_id, now=now)
    pages.use_place(areas.get_place(found.area_path))
    return render_template(
        "mobilization/board.html",
        board=muster_views.board(found, now),
        call_up=url_for("mobilization.show_call_up", public_id=public_id),
        address=url_for("mobilization.show_board", public_id=public_id),
        muster=url_for("mobilization.show_muster", public_id=public_id),
        report=url_for("mobilization.show_report", public_id=public_id),
        wall=url_for("mobilization.show_wall_address", public_id=public_id)
        if actor.can(Permission.CALL_UP_MANAGE, found.area_path)
        else None,
        is_wall=False,
    )


def polled(tag: str, load: Callable[[], Board], address: str, *, is_wall: bool = False) -> Response:
    """The fragment, or 304 without a body and without headers that say nothing new where the asker has this tag."""
    etag = f"{tag}-{get_locale()}"
    if request.if_none_match.contains(etag):
        response = Response(status=304)
        del response.headers["Content-Type"]
    else:
        now = clock.now()
        response = make_response(
            render_template(
                "mobilization/_board.html",
                board=muster_views.board(load(), now),
                address=address,
                is_wall=is_wall,
            )
        )
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
