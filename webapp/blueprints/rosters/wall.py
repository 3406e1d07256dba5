"""The wall page of a post, behind a secret address that the head makes and takes back."""

from flask import Response, make_response, url_for

from webapp.base import clock
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, day_views
from webapp.domain.areas import queries as areas
from webapp.domain.rosters import services
from webapp.domain.rosters.queries.wall import get_wall
from webapp.domain.rosters.rules import LinkKind
from webapp.web import pages
from webapp.web.guard import deed, public, requires
from webapp.web.htmx import answer, page_or_fragment


@bp.get("/wall/<token>")
@public
def show_wall(token: str):
    """Who is here, leaves soon, arrives, and what is open; asks again every minute."""
    now = clock.now()
    found = get_wall(token=token, now=now)
    pages.use_place(areas.get_place(found.area_path))
    response: Response = page_or_fragment(
        "rosters/wall.html",
        "rosters/_wall.html",
        wall=day_views.wall(found, now),
        address=url_for("rosters.show_wall", token=token),
        text_size="xlarge",
        tabs=[],
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return make_response(response)


@bp.post("/posts/<public_id>/wall")
@requires(Permission.ROSTER_SEE)
def make_wall(public_id: str):
    """A new address of the wall page; the one before stops working."""
    services.make_link(deed=deed(), kind=LinkKind.WALL, subject=public_id)
    return answer(otherwise=url_for("rosters.show_code", public_id=public_id), code="made")


@bp.post("/posts/<public_id>/wall/revoke")
@requires(Permission.ROSTER_SEE)
def revoke_wall(public_id: str):
    """Take the address of the wall page back."""
    services.revoke_link(deed=deed(), kind=LinkKind.WALL, subject=public_id)
    return answer(otherwise=url_for("rosters.show_code", public_id=public_id), code="revoked")
