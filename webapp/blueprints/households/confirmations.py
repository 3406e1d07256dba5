"""Who waits to be confirmed, and the three answers: into the list, a household of its own, or not."""

from typing import Any

from flask import render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import RuleBroken
from webapp.base.permissions import Permission
from webapp.blueprints.households import bp
from webapp.blueprints.households.forms import DecisionForm
from webapp.domain.households.queries import joining, listing
from webapp.domain.households.services import joining as services
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer


@bp.get("/confirmations")
@requires(Permission.RESIDENCE_CONFIRM)
def list_confirmations():
    """Everybody who waits in the actor's areas, oldest first."""
    after = request.args.get("after")
    page = joining.list_waiting(actor=current_actor(), after=after)
    return render_template(
        "households/confirmations.html",
        page=page,
        older=url_for("households.list_confirmations", after=page.after) if page.after else None,
        newer=url_for("households.list_confirmations") if after else None,
        now=clock.now(),
        words=words,
    )


@bp.get("/confirmations/<public_id>")
@requires(Permission.HOUSEHOLD_LIST)
def show_confirmation(public_id):
    """What one person stated, what the list says at that door, and the three answers."""
    form = DecisionForm(request.args if "door" in request.args else None)
    return render_template("households/confirmation.html", form=form, **_context(public_id, form))


@bp.post("/confirmations/<public_id>/confirm")
@requires(Permission.RESIDENCE_CONFIRM)
def confirm(public_id):
    """Confirm into the listed household that was chosen, or as a household of its own."""
    form = DecisionForm()
    error = None
    if form.is_good:
        try:
            if form.into.data:
                services.confirm_into(deed=deed(), public_id=public_id, into=form.into.data)
            else:
                services.confirm_own(
                    deed=deed(),
                    public_id=public_id,
                    building=form.building.data or "",
                    door=form.door.data or "",
                )
            return answer(otherwise=url_for("households.list_confirmations"), code="confirmed")
        except RuleBroken as refusal:
            error = refusal
    context = _context(public_id, form)
    return refuse_form("households/confirmation.html", form=form, error=error, **context)


@bp.post("/confirmations/<public_id>/refuse")
@requires(Permission.RESIDENCE_CONFIRM)
def refuse(public_id):
    """Say that the person does not live there, and why."""
    form = DecisionForm()
    error = None
    if form.is_good:
        reason = form.reason.data or ""
        try:
            services.refuse(deed=deed(reason=reason), public_id=public_id, reason=reason)
            return answer(otherwise=url_for("households.list_confirmations"), code="refused")
        except RuleBroken as refusal:
            error = refusal
    context = _context(public_id, form)
    return refuse_form("households/confirmation.html", form=form, error=error, **context)


def _context(public_id: str, form: DecisionForm) -> dict[str, Any]:
    actor = current_actor()
    waiting = joining.get_waiting(actor=actor, public_id=public_id)
    form.building.choices = [
        ("", "—"),
        *((each.public_id, each.name) for each in listing.list_buildings_to_confirm(actor=actor)),
    ]
    looked_up = None
    if form.door.data:
        try:
            looked_up = joining.look_up_door(
                actor=actor, building=form.building.data or "", door=form.door.data
            )
        except RuleBroken as refusal:
            field = form.building if refusal.field == "building" else form.door
            field.errors = [sentence(refusal.code, **refusal.params)]
    door_id = looked_up.door_id if looked_up else waiting.door_id
    return {
        "waiting": waiting,
        "looked_up": looked_up,
        "listed": joining.list_listed_at(actor=actor, door_id=door_id),
        "has_door": looked_up is not None or waiting.door_id is not None,
        "now": clock.now(),
        "words": words,
    }
