"""Shifts: made, changed, published, copied and called off by those who roster them."""

from flask import Response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, shift_views
from webapp.blueprints.rosters.posts import refused
from webapp.blueprints.rosters.typed import number, read_day, read_shift
from webapp.domain.rosters.queries import posts as post_queries
from webapp.domain.rosters.queries import shifts as queries
from webapp.domain.rosters.services import shifts as services
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer


def _form_page(shift: queries.ShiftView | None, error: LinliError | None = None) -> str:
    actor = current_actor()
    posts = () if shift else post_queries.list_managed(actor=actor, area=request.values.get("area"))
    form = shift_views.shift_form(
        posts,
        shift,
        post_queries.list_skills(),
        clock.now(),
        start={"post": request.args.get("post"), "day": request.args.get("day")},
        typed=request.form if error else None,
        error=error,
    )
    return render_template("rosters/edit_shift.html", form=form)


@bp.get("/shifts/new")
@requires(Permission.TEAM_ROSTER)
def new_shift():
    """The form of a new shift."""
    return _form_page(None)


@bp.post("/shifts")
@requires(Permission.TEAM_ROSTER)
def make_shift():
    """Write a draft of a shift."""
    try:
        public_id = services.make_shift(
            deed=deed(), post=request.form.get("post", ""), plan=read_shift(request.form)
        )
    except LinliError as error:
        return refused(error, lambda refusal: _form_page(None, refusal))
    return answer(otherwise=url_for("rosters.show_assign", public_id=public_id))


@bp.get("/shifts/<public_id>/edit")
@requires(Permission.TEAM_ROSTER)
def edit_shift(public_id: str):
    """The form of a shift."""
    return _form_page(queries.get_managed_shift(actor=current_actor(), public_id=public_id))


@bp.post("/shifts/<public_id>/edit")
@requires(Permission.TEAM_ROSTER)
def save_shift(public_id: str):
    """Change a shift; whoever is on it is told of new times."""
    try:
        version = number(request.form.get("version", ""), field="version", longest=9)
        services.change_shift(deed=deed(), shift=public_id, version=version, plan=read_shift(request.form))
    except LinliError as error:
        shift = queries.get_managed_shift(actor=current_actor(), public_id=public_id)
        return refused(error, lambda refusal: _form_page(shift, refusal))
    return answer(otherwise=url_for("rosters.show_assign", public_id=public_id))


@bp.post("/shifts/<public_id>/publish")
@requires(Permission.TEAM_ROSTER)
def publish_shift(public_id: str):
    """Open a draft."""
    services.publish_shift(deed=deed(), shift=public_id)
    return answer(otherwise=url_for("rosters.show_assign", public_id=public_id))


@bp.post("/shifts/<public_id>/cancel")
@requires(Permission.TEAM_ROSTER)
def cancel_shift(public_id: str):
    """Call a shift off with a reason; everybody on it is told."""
    services.cancel_shift(deed=deed(reason=request.form.get("reason", "")), shift=public_id)
    return answer(otherwise=url_for("rosters.show_assign", public_id=public_id))


@bp.post("/shifts/<public_id>/copy")
@requires(Permission.TEAM_ROSTER)
def copy_shift(public_id: str) -> Response:
    """The same shift on another day, as a draft."""
    made = services.copy_shift(
        deed=deed(), shift=public_id, to=read_day(request.form.get("to", ""), field="to")
    )
    return answer(otherwise=url_for("rosters.show_assign", public_id=made))
