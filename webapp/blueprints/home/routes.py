"""The home page of a visitor, a resident, and whoever leads something."""

from datetime import datetime
from typing import Any

from flask import make_response, render_template, request

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.permissions import Permission
from webapp.blueprints.home import bp, views
from webapp.domain.mobilization.queries import call_ups, own_summonses
from webapp.domain.rosters.queries import duty
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
    found = resident.get_home(actor=actor, household=request.args.get("household"), now=now)
    work = _work(actor, now) if actor.is_staff else []
    summonses = views.summons_lines(
        own_summonses.open_summons_of(person_id=actor.person_id, now=now) if actor.person_id else ()
    )
    if found is None:
        return render_template("home/no_home.html", work=work, summonses=summonses)
    pages.use_place(found.place)
    page = views.home_page(found.household, found.own, found.place, found.current, now)
    response = make_response(render_template("home/show.html", page=page, work=work, summonses=summonses))
    response.headers["X-Offline"] = "keep"
    return response


def _work(actor: Actor, now: datetime) -> list[dict[str, Any]]:
    return views.work_lines(
        actor,
        head.list_home_rounds(actor=actor),
        duty.list_uncovered_tonight(actor=actor, now=now),
        call_ups.count_running(actor=actor) if actor.has(Permission.CALL_UP_SEE) else 0,
        now,
    )
