"""A head's pages of rounds: plan, open, watch, close, send out."""

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.supplies import bp, round_views
from webapp.blueprints.supplies.forms import number, read_plan, read_yuan
from webapp.domain.areas import queries as areas
from webapp.domain.supplies import services
from webapp.domain.supplies.queries import head
from webapp.web import pages
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json


@bp.get("/rounds")
@requires(Permission.ROUND_SEE)
def list_rounds():
    """The rounds of my areas, latest delivery first."""
    now = clock.now()
    found = head.list_rounds(actor=current_actor(), before=request.args.get("before"))
    return render_template(
        "supplies/rounds.html",
        rounds=[round_views.line(each, now) for each in found.rounds],
        older=found.older and url_for("supplies.list_rounds", before=found.older),
        may_manage=current_actor().has(Permission.ROUND_MANAGE),
    )


@bp.get("/rounds/new")
@requires(Permission.ROUND_MANAGE)
def new_round():
    """The form of a new round, filled from the last one; first which community, where there are several."""
    area = request.args.get("area")
    if not area:
        communities = head.list_communities(actor=current_actor())
        if len(communities) != 1:
            return render_template(
                "supplies/choose_community.html",
                choices=[
                    (each.name, url_for("supplies.new_round", area=each.public_id)) for each in communities
                ],
            )
        area = communities[0].public_id
    return _form_page(area)


def _form_page(area: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    preset = head.get_preset(actor=current_actor(), area=area)
    response = make_response(
        render_template(
            "supplies/new_round.html",
            form=round_views.plan_form(
                preset, clock.now(), typed=request.form if error else None, error=error
            ),
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.post("/rounds")
@requires(Permission.ROUND_MANAGE)
def make_round():
    """Write the draft of a round."""
    try:
        public_id = services.make_round(deed=deed(), plan=read_plan(request.form))
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _form_page(request.form.get("area", ""), status=error.status, error=error)
    return answer(otherwise=url_for("supplies.show_round", public_id=public_id))


@bp.get("/rounds/<public_id>")
@requires(Permission.ROUND_SEE)
def show_round(public_id: str):
    """A round: how it fills, what comes next, building by building."""
    return _round_page(public_id)


def _round_page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    now = clock.now()
    view = head.get_round(actor=current_actor(), public_id=public_id)
    buildings = head.list_buildings(actor=current_actor(), view=view, after=request.args.get("after"))
    pages.use_place(areas.get_place(view.area_path))
    response = make_response(
        render_template(
            "supplies/round.html",
            round=round_views.round_words(view, now),
            watch=round_views.watch(view, buildings),
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.get("/rounds/<public_id>/watch")
@requires(Permission.ROUND_SEE)
def watch_round(public_id: str):
    """The figures of a round alone, asked for again and again; 304 while nothing has changed."""
    view = head.get_round(actor=current_actor(), public_id=public_id)
    buildings = head.list_buildings(actor=current_actor(), view=view, after=request.args.get("after"))
    if not wants_fragment():
        return redirect(url_for("supplies.show_round", public_id=public_id), 303)
    response = make_response(
        render_template("supplies/_watch.html", watch=round_views.watch(view, buildings))
    )
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)


@bp.get("/rounds/<public_id>/buildings/<building>")
@requires(Permission.ROUND_SEE)
def show_building(public_id: str, building: str):
    """The doors of a building: ordered, not yet."""
    view = head.get_round(actor=current_actor(), public_id=public_id)
    which = request.args.get("which", "not_yet")
    doors = head.list_doors(
        actor=current_actor(),
        view=view,
        building=building,
        has_ordered={"ordered": True, "not_yet": False}.get(which),
        after=request.args.get("after"),
    )
    pages.use_place(areas.get_place(view.area_path))
    return render_template("supplies/building.html", page=round_views.doors(view, doors, which, clock.now()))


def _step(public_id: str, service: Callable[..., Any]) -> Response:
    try:
        service(deed=deed(), round_public_id=public_id)
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _round_page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("supplies.show_round", public_id=public_id))


@bp.post("/rounds/<public_id>/open")
@requires(Permission.ROUND_MANAGE)
def open_round(public_id: str):
    """Let the households order."""
    return _step(public_id, services.open_round)


@bp.post("/rounds/<public_id>/close")
@requires(Permission.ROUND_MANAGE)
def close_round(public_id: str):
    """Cut off 截单."""
    return _step(public_id, services.close_round)


@bp.post("/rounds/<public_id>/pack")
@requires(Permission.ROUND_MANAGE)
def start_packing(public_id: str):
    """Begin to pack."""
    return _step(public_id, services.start_packing)


@bp.post("/rounds/<public_id>/send-out")
@requires(Permission.ROUND_MANAGE)
def send_out_round(public_id: str):
    """The bags are on their way."""
    return _step(public_id, services.send_out_round)


@bp.post("/rounds/<public_id>/finish")
@requires(Permission.ROUND_MANAGE)
def finish_round(public_id: str):
    """The round is done."""
    return _step(public_id, services.finish_round)


@bp.post("/rounds/<public_id>/discard")
@requires(Permission.ROUND_MANAGE)
def discard_round(public_id: str):
    """Throw a draft away."""
    return _step(public_id, services.discard_round)


@bp.post("/rounds/<public_id>/bags/<round_bag>")
@requires(Permission.ROUND_MANAGE)
def change_round_bag(public_id: str, round_bag: str):
    """Set the price and the capacity of a bag in the round."""
    try:
        capacity = request.form.get("capacity", "").strip()
        services.change_round_bag(
            deed=deed(),
            round_public_id=public_id,
            round_bag_public_id=round_bag,
            price_fen=read_yuan(request.form.get("price", ""), field="price"),
            capacity=number(capacity, code="count_wrong", field="capacity", longest=6) if capacity else None,
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _round_page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("supplies.show_round", public_id=public_id))
