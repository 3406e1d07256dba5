"""The board on a wall, behind a secret address that whoever steers the call-up makes and takes back. No phones, surnames only."""

from flask import Response, current_app, make_response, render_template, url_for

from webapp.base import clock
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, muster_views
from webapp.blueprints.mobilization.board import polled
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization.queries import board as queries
from webapp.domain.mobilization.services import board as services
from webapp.web import pages, qr
from webapp.web.guard import current_actor, deed, public, requires
from webapp.web.htmx import answer, wants_fragment
from webapp.web.words import gettext


@bp.get("/wall/<token>")
@public
def show_wall(token: str):
    """The board in large type; a change is on it within five seconds."""
    now = clock.now()
    address = url_for("mobilization.show_wall", token=token)
    if wants_fragment():
        response: Response = polled(
            queries.get_wall_tag(token=token, now=now),
            lambda: queries.get_wall(token=token, now=now),
            address,
            is_wall=True,
        )
    else:
        found = queries.get_wall(token=token, now=now)
        pages.use_place(areas.get_place(found.area_path))
        response = make_response(
            render_template(
                "mobilization/wall.html",
                board=muster_views.board(found, now),
                address=address,
                is_wall=True,
                text_size="xlarge",
                tabs=[],
            )
        )
        response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.get("/call-ups/<public_id>/wall")
@requires(Permission.CALL_UP_MANAGE)
def show_wall_address(public_id: str):
    """The secret address of the wall, to open on the screen at the point; to make anew, to take back."""
    wall = queries.find_wall(actor=current_actor(), public_id=public_id)
    pages.use_place(areas.get_place(wall.area_path))
    address = (
        f"{current_app.config['PUBLIC_URL']}{url_for('mobilization.show_wall', token=wall.token)}"
        if wall.token
        else None
    )
    response = make_response(
        render_template(
            "mobilization/wall_address.html",
            is_drill=wall.is_drill,
            address=address,
            drawing=qr.svg(address, label=gettext("Address of the wall board")) if address else None,
            make=url_for("mobilization.make_wall", public_id=public_id),
            revoke=url_for("mobilization.revoke_wall", public_id=public_id),
            back=url_for("mobilization.show_board", public_id=public_id),
        )
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.post("/call-ups/<public_id>/wall")
@requires(Permission.CALL_UP_MANAGE)
def make_wall(public_id: str):
    """A new address; the one before shows nothing any more."""
    services.make_wall(deed=deed(), call_up=public_id)
    return answer(otherwise=url_for("mobilization.show_wall_address", public_id=public_id), code="made")


@bp.post("/call-ups/<public_id>/wall/revoke")
@requires(Permission.CALL_UP_MANAGE)
def revoke_wall(public_id: str):
    """Take the address back."""
    services.revoke_wall(deed=deed(), call_up=public_id)
    return answer(otherwise=url_for("mobilization.show_wall_address", public_id=public_id), code="revoked")
