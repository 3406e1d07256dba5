"""A household's own pages: order, see, change, cancel."""

from dataclasses import replace
from datetime import datetime

from flask import Response, make_response, redirect, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.supplies import bp, views
from webapp.blueprints.supplies.forms import read_wishes
from webapp.domain.areas import queries as areas
from webapp.domain.supplies import services
from webapp.domain.supplies.queries import resident
from webapp.web import opened, pages
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json

KEEP = ("X-Offline", "keep")


@bp.get("/orders/new")
@requires(Permission.ORDER_PLACE)
def new_order():
    """The order page: of the round and household in the address, or of the only ones there are."""
    now = clock.now()
    wanted = request.args.get("round"), request.args.get("household")
    if all(wanted):
        form = resident.get_order_form(
            actor=current_actor(), round_public_id=wanted[0], household_public_id=wanted[1], now=now
        )
        return _order_page(form, now)
    forms, place = resident.list_own_order_forms(actor=current_actor(), now=now)
    if place is not None:
        pages.use_place(place)
    forms = [
        form for form in forms if wanted[0] in {None, form.round} and wanted[1] in {None, form.household}
    ]
    if len(forms) == 1:
        is_here = place is not None and place.path == forms[0].area_path
        return _order_page(forms[0], now, place=place if is_here else None)
    return render_template("supplies/choose.html", choices=[views.choice(form, now) for form in forms])


def _order_page(
    form: resident.OrderForm,
    now: datetime,
    *,
    status: int = 200,
    error: LinliError | None = None,
    opened_at: datetime | None = None,
    place: areas.Place | None = None,
) -> Response:
    """The order page; after a refusal with what was typed, the reason, and what one tap agrees to."""
    pages.use_place(place or areas.get_place(form.area_path))
    response = make_response(
        render_template(
            "supplies/new_order.html",
            page=views.order_page(form, now, typed=request.form if error else None, error=error),
            opened=opened.seal(opened_at or now),
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    elif not form.is_assisted:
        response.headers.add(*KEEP)
    return response


@bp.post("/orders")
@requires(Permission.ORDER_PLACE)
def place_order():
    """Order; or, where one tap agreed to it, make the order that stands what was asked for."""
    try:
        placed = _place()
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _refused(error)
    code = "late" if placed.is_late else "waiting" if placed.is_waiting else "ordered"
    return answer(otherwise=url_for("supplies.show_order", public_id=placed.public_id), code=code)


def _place() -> services.Placed:
    form = request.form
    lines, opened_at = read_wishes(form), opened.read(form.get(opened.FIELD))
    if form.get("order"):
        return services.change_order(
            deed=deed(),
            order_public_id=form["order"],
            version=_version(form.get("version")),
            lines=lines,
            opened_at=opened_at,
        )
    return services.place_order(
        deed=deed(),
        round_public_id=form.get("round", ""),
        household_public_id=form.get("household", ""),
        lines=lines,
        opened_at=opened_at,
    )


def _version(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def _refused(error: LinliError) -> Response:
    now = clock.now()
    form = resident.get_order_form(
        actor=current_actor(),
        round_public_id=request.form.get("round", ""),
        household_public_id=request.form.get("household", ""),
        now=now,
    )
    # The page keeps the time at which it was first opened: a refusal must not cost the cut-off.
    return _order_page(
        form,
        now,
        status=error.status,
        error=error,
        opened_at=opened.read(request.form.get(opened.FIELD)),
    )


@bp.get("/orders")
@requires(Permission.ORDER_PLACE)
def list_orders():
    """我订的菜: the present ones, or the former ones."""
    now, is_over = clock.now(), request.args.get("over") == "1"
    found = resident.list_orders(
        actor=current_actor(), is_over=is_over, now=now, before=request.args.get("before")
    )
    older = found.older and url_for("supplies.list_orders", over=1 if is_over else None, before=found.older)
    response = make_response(
        render_template(
            "supplies/orders.html",
            orders=[views.order(order, now) for order in found.orders],
            is_over=is_over,
            older=older,
        )
    )
    if not is_over:
        response.headers.add(*KEEP)
    return response


@bp.get("/orders/<public_id>")
@requires(Permission.ORDER_PLACE)
def show_order(public_id: str):
    """One order: how it stands, what can still be done."""
    now = clock.now()
    order = resident.get_order(actor=current_actor(), public_id=public_id, now=now)
    return _shown(order, now)


def _shown(
    order: resident.OrderView, now: datetime, *, status: int = 200, error: LinliError | None = None
) -> Response:
    pages.use_place(areas.get_place(order.area_path))
    response = make_response(
        render_template(
            "supplies/order.html",
            order=views.order(order, now),
            said=sentence(error.code, **error.params) if error else None,
            opened=opened.seal(now),
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.get("/orders/<public_id>/change")
@requires(Permission.ORDER_PLACE)
def edit_order(public_id: str):
    """The order form with what stands."""
    now = clock.now()
    order = resident.get_order(actor=current_actor(), public_id=public_id, now=now)
    if not order.can_change:
        return redirect(url_for("supplies.show_order", public_id=public_id), 303)
    return _change_page(order, now)


def _change_page(
    order: resident.OrderView,
    now: datetime,
    *,
    status: int = 200,
    error: LinliError | None = None,
    opened_at: datetime | None = None,
) -> Response:
    form = resident.get_order_form(
        actor=current_actor(), round_public_id=order.round, household_public_id=order.household, now=now
    )
    pages.use_place(areas.get_place(form.area_path))
    response = make_response(
        render_template(
            "supplies/edit_order.html",
            page=views.order_page(
                form, now, typed=request.form if error else views.standing(order), error=error
            ),
            order=views.order(order, now),
            opened=opened.seal(opened_at or now),
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.post("/orders/<public_id>/change")
@requires(Permission.ORDER_PLACE)
def change_order(public_id: str):
    """Make the order what is wished now."""
    opened_at = opened.read(request.form.get(opened.FIELD))
    try:
        placed = services.change_order(
            deed=deed(),
            order_public_id=public_id,
            version=_version(request.form.get("version")),
            lines=read_wishes(request.form),
            opened_at=opened_at,
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        now = clock.now()
        order = resident.get_order(actor=current_actor(), public_id=public_id, now=now)
        if not order.can_change:
            return _shown(order, now, status=error.status, error=error)
        return _change_page(order, now, status=error.status, error=error, opened_at=opened_at)
    return answer(otherwise=url_for("supplies.show_order", public_id=placed.public_id), code="changed")


@bp.post("/orders/<public_id>/cancel")
@requires(Permission.ORDER_PLACE)
def cancel_order(public_id: str):
    """Cancel the order; its bags go to the next in the queue."""
    reason = request.form.get("reason", "").strip()[:200] or None
    try:
        services.cancel_order(
            deed=replace(deed(), reason=reason),
            order_public_id=public_id,
            version=_version(request.form.get("version")) or None,
            opened_at=opened.read(request.form.get(opened.FIELD)),
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        now = clock.now()
        order = resident.get_order(actor=current_actor(), public_id=public_id, now=now)
        return _shown(order, now, status=error.status, error=error)
    return answer(otherwise=url_for("supplies.show_order", public_id=public_id), code="cancelled")
