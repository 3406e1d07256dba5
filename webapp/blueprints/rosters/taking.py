"""A volunteer's own pages of shifts: what fits, one shift, and all that can be done about it."""

from flask import Response, make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, taking_views
from webapp.domain.rosters import services
from webapp.domain.rosters.queries import taking
from webapp.web import pages
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json

# What one has promised, and a shift with its form, are there without a network too; how many are missing is not.
KEEP = ("X-Offline", "keep")

# Whoever reads everything reads it through: so many rows are 5 kB on the wire.
ALL_AT_ONCE = 150


@bp.get("/shifts")
@requires(Permission.SHIFT_TAKE)
def list_shifts():
    """可报名的班: what fits me, everything with the reason why it does not fit, or my own."""
    now, base = clock.now(), url_for("rosters.list_shifts")
    view = request.args.get("view")
    if view == "mine":
        own = taking.list_own_shifts(actor=current_actor(), now=now)
        pages.use_place(own.place)
        response = make_response(
            render_template(
                "rosters/own_shifts.html",
                reader=taking_views.reader(own.me),
                choices=taking_views.choices(base, "mine"),
                rows=taking_views.own_rows(own, now),
                asked=taking_views.asked_rows(own, now),
            )
        )
        response.headers.add(*KEEP)
        return response
    view = "all" if view == "all" else "fits"
    page = taking.list_shifts(
        actor=current_actor(),
        now=now,
        only_fitting=view == "fits",
        after=request.args.get("after"),
        limit=taking.PAGE if view == "fits" else ALL_AT_ONCE,
    )
    pages.use_place(page.place)
    return render_template(
        "rosters/shifts.html",
        reader=taking_views.reader(page.me),
        choices=taking_views.choices(base, view),
        days=taking_views.days(page, base, now),
        view=view,
        after=page.after and f"{base}?view={view}&after={page.after}",
    )


@bp.get("/shifts/<public_id>")
@requires(Permission.SHIFT_TAKE)
def show_shift(public_id: str):
    """One shift: how I stand to it and what I can do."""
    return _shown(public_id)


def _shown(public_id: str, error: LinliError | None = None) -> Response:
    now = clock.now()
    view = taking.get_shift(actor=current_actor(), public_id=public_id, now=now)
    pages.use_place(view.place)
    response = make_response(
        render_template(
            "rosters/shift.html",
            shift=taking_views.shift(view, now),
            public_id=public_id,
            stand_in=view.stand_in,
            signup=view.signup,
            why=taking_views.why(view),
            said=taking_views.reason(error) if error else None,
            confirm=dict(error.params.get("confirm") or {}) if error else {},
        ),
        error.status if error else 200,
    )
    if error:
        response.headers[ANSWER] = error.code
    else:
        response.headers.add(*KEEP)
    return response


def _done(public_id: str, act):
    """Do it and show the shift; a refusal shows it too, with the reason and what one tap agrees to."""
    try:
        standing = act()
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _shown(public_id, error)
    return answer(otherwise=url_for("rosters.show_shift", public_id=public_id), code=standing.state.value)


@bp.post("/shifts/<public_id>/take")
@requires(Permission.SHIFT_TAKE)
def take_shift(public_id: str):
    """报名这一班; with or_wait into its queue where no place is left."""
    or_wait = request.form.get("or_wait") == "1"
    return _done(
        public_id,
        lambda: services.take_shift(deed=deed(), shift_public_id=public_id, or_wait=or_wait),
    )


@bp.post("/shifts/<public_id>/wait")
@requires(Permission.SHIFT_TAKE)
def wait_for_shift(public_id: str):
    """候补: stand in the queue."""
    return _done(public_id, lambda: services.wait_for_shift(deed=deed(), shift_public_id=public_id))


@bp.post("/shifts/<public_id>/accept")
@requires(Permission.SHIFT_TAKE)
def accept_offer(public_id: str):
    """Say yes to the place that fell free."""
    return _done(public_id, lambda: services.accept_offer(deed=deed(), shift_public_id=public_id))


@bp.post("/shifts/<public_id>/confirm")
@requires(Permission.SHIFT_TAKE)
def confirm_place(public_id: str):
    """Say yes to a place that the community gave."""
    return _done(public_id, lambda: services.confirm_place(deed=deed(), shift_public_id=public_id))


@bp.post("/shifts/<public_id>/leave")
@requires(Permission.SHIFT_TAKE)
def leave_shift(public_id: str):
    """我来不了: give up the place, the offer or the queue."""
    return _done(public_id, lambda: services.leave_shift(deed=deed(), shift_public_id=public_id))
