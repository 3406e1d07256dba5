"""Areas below one's own, with their zones; the page of an area with its history and the change of zone."""

from typing import Any

from flask import render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError, NotFound
from webapp.base.permissions import Permission
from webapp.blueprints.areas import bp
from webapp.blueprints.areas.forms import ZoneForm
from webapp.domain.areas import queries, services
from webapp.domain.areas.queries import AreaView
from webapp.domain.rosters.queries import duty
from webapp.web import words
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer


@bp.get("")
@requires(Permission.AREA_SEE)
def list_areas():
    """The areas where the actor holds a role; with one of them, what lies below it."""
    own = queries.list_own_areas(actor=current_actor())
    area, below = None, own
    if len(own.rows) == 1:
        area = queries.get_area(actor=current_actor(), public_id=own.rows[0].public_id)
        below = queries.list_below(actor=current_actor(), area=area, after=request.args.get("after"))
    return render_template(
        "areas/list.html",
        area=area,
        below=below,
        older=url_for("areas.list_areas", after=below.after) if below.after else None,
        newer=url_for("areas.list_areas") if request.args.get("after") else None,
        words=words,
    )


@bp.get("/<public_id>")
@requires(Permission.AREA_SEE)
def show_area(public_id):
    """One area: its zone, its history, what lies below, and the form that changes the zone."""
    area = queries.get_area(actor=current_actor(), public_id=public_id)
    history = queries.list_zones(area=area)
    form = ZoneForm(None, seen=_seen(history))
    return render_template("areas/show.html", form=form, **_context(area, form, history))


@bp.post("/<public_id>/zone")
@requires(Permission.ZONE_CHANGE)
def set_zone(public_id):
    """Give the area another zone class."""
    form = ZoneForm()
    error: LinliError | None = None
    if form.is_good:
        try:
            services.set_zone(
                deed=deed(reason=form.reason.data),
                public_id=public_id,
                zone_class_id=form.zone_class.data,
                reason=form.reason.data,
                notice=form.notice.data,
                seen=form.seen.data,
            )
        except NotFound:
            raise
        except LinliError as refusal:
            if refusal.status == 403:
                raise
            error = refusal
        else:
            return answer(otherwise=url_for("areas.show_area", public_id=public_id))
    area = queries.get_area(actor=current_actor(), public_id=public_id)
    history = queries.list_zones(area=area)
    if error is not None and error.status == 409:
        form.seen.data = _seen(history)
    return refuse_form("areas/show.html", form=form, error=error, **_context(area, form, history))


def _seen(history: tuple[queries.ZoneLine, ...]) -> str:
    """The start of the zone that holds now, for noticing that somebody else has changed it meanwhile."""
    return history[0].started_at.isoformat() if history and history[0].ended_at is None else ""


def _context(area: AreaView, form: ZoneForm, history: tuple[queries.ZoneLine, ...]) -> dict[str, Any]:
    after = request.args.get("after")
    below = queries.list_below(actor=current_actor(), area=area, after=after)
    url = url_for("areas.show_area", public_id=area.public_id)
    is_chinese = words.is_chinese()
    form.zone_class.choices = [
        (
            choice.id,
            f"{choice.name_zh} · {choice.rule_set_zh}"
            if is_chinese
            else f"{choice.name_en} · {choice.rule_set_en}",
        )
        for choice in queries.list_zone_classes()
    ]
    return {
        "area": area,
        "below": below,
        "history": history,
        "place": queries.get_place(area.path),
        "uncovered": duty.list_uncovered_tonight(actor=current_actor(), now=clock.now(), path=area.path),
        "may_change": current_actor().can(Permission.ZONE_CHANGE, area.path),
        "older": url_for("areas.show_area", public_id=area.public_id, after=below.after)
        if below.after
        else None,
        "newer": url if after else None,
        "now": clock.now(),
        "words": words,
    }
