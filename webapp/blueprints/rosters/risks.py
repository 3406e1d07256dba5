"""Shifts at risk: what the head must look at, each with one button."""

from flask import render_template, request, url_for

from webapp.base import clock
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, week_views
from webapp.domain.rosters.queries import risks as queries
from webapp.web.guard import current_actor, requires


@bp.get("/risks")
@requires(Permission.ROSTER_SEE)
def list_risks():
    """The shifts at risk of my areas or teams, the soonest first."""
    now, area = clock.now(), request.args.get("area")
    found = queries.list_risks(actor=current_actor(), now=now, area=area, after=request.args.get("after"))
    return render_template(
        "rosters/risks.html",
        lines=[week_views.risk_line(each, now) for each in found.shifts],
        older=found.after and url_for("rosters.list_risks", area=area, after=found.after),
        week_url=url_for("rosters.show_week", area=area),
    )
