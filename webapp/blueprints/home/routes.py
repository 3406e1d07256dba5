"""The home page of a visitor, a resident, and whoever leads something."""

from flask import make_response, render_template, request

from webapp.base import clock
from webapp.blueprints.home import bp, views
from webapp.domain.areas import queries as areas
from webapp.domain.households import queries as households
from webapp.domain.supplies.queries import head, resident
from webapp.web import pages
from webapp.web.guard import current_actor, public


@bp.get("/")
@public
def show_home():
    """Home: what a person finds first; kept on the phone, and without stock."""
    actor, now = current_actor(), clock.now()
    if not actor.is_signed_in:
        return render_template("home/welcome.html")
    own = households.list_own(actor=actor)
    work = views.work_lines(actor, head.list_home_rounds(actor=actor), now) if actor.is_staff else []
    if not own:
        return render_template("home/no_home.html", work=work)
    home = next((each for each in own if each.public_id == request.args.get("household")), own[0])
    place = areas.get_place(home.area_path)
    pages.use_place(place)
    current = resident.get_current(actor=actor, paths=[home.area_path], now=now)
    page = views.home_page(home, own, place, current, now)
    response = make_response(
        render_template("home/show.html", page=page, work=work)
    )
    response.headers["X-Offline"] = "keep"
    return response
