"""A shift as those who roster it see it: who is on it, who could be, and why the others cannot."""

from flask import Response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import assign_views, bp, said, shift_views
from webapp.blueprints.rosters.posts import refused
from webapp.domain.rosters.queries import candidates
from webapp.domain.rosters.queries import posts as post_queries
from webapp.domain.rosters.queries import shifts as queries
from webapp.domain.rosters.rules import ShiftState
from webapp.domain.rosters.services import assigning as services
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer


def page(public_id: str, error: LinliError | None = None) -> str:
    """The shift with its people and, where there is room, who could be put on it."""
    now, actor = clock.now(), current_actor()
    shift = queries.get_shift(actor=actor, public_id=public_id)
    skills = said.skill_names(post_queries.list_skills())
    name = request.values.get("name", "").strip()[:60]
    found = None
    head = shift_views.head(shift, now, skills)
    if head["may_change"] and shift.state is ShiftState.OPEN and not head["is_full"]:
        found = candidates.candidates_of(actor=actor, shift_id=shift.id, now=now, name=name or None)
    return render_template(
        "rosters/assign.html",
        shift=head,
        people=assign_views.people(shift, skills),
        candidates=assign_views.candidates(found, skills) if found is not None else None,
        name=name,
        said=said.reason(error, skills) if error else None,
        typed={"person": request.form.get("person", ""), "reason": request.form.get("reason", "")}
        if error
        else None,
        asked=request.args.get("asked", "") if request.args.get("asked", "").isdecimal() else None,
    )


@bp.get("/shifts/<public_id>/assign")
@requires(Permission.ROSTER_SEE)
def show_assign(public_id: str):
    """Who is on the shift, and who could be."""
    return page(public_id)


@bp.post("/shifts/<public_id>/assign")
@requires(Permission.TEAM_ROSTER)
def assign(public_id: str) -> Response:
    """Put somebody on the shift; against a rule only with a reason."""
    try:
        services.assign(
            deed=deed(reason=request.form.get("reason")),
            shift=public_id,
            person=request.form.get("person", ""),
        )
    except LinliError as error:
        return refused(error, lambda refusal: page(public_id, refusal))
    return answer(otherwise=url_for("rosters.show_assign", public_id=public_id))


@bp.post("/signups/<public_id>/remove")
@requires(Permission.TEAM_ROSTER)
def remove_signup(public_id: str) -> Response:
    """Take somebody off a shift; they are told."""
    shift = services.remove(deed=deed(), signup=public_id)
    return answer(otherwise=url_for("rosters.show_assign", public_id=shift))


@bp.post("/shifts/<public_id>/ask")
@requires(Permission.TEAM_ROSTER)
def ask_everybody(public_id: str) -> Response:
    """Ask everybody who fits, each by one message."""
    try:
        count = services.ask_everybody(deed=deed(), shift=public_id)
    except LinliError as error:
        return refused(error, lambda refusal: page(public_id, refusal))
    return answer(otherwise=url_for("rosters.show_assign", public_id=public_id, asked=count or None))
