"""自动排一版: ask for a proposal, look at it, change it, publish it."""

from dataclasses import replace
from datetime import date, timedelta

from flask import Response, make_response, redirect, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, fill_views
from webapp.domain.areas import queries as areas
from webapp.domain.rosters.queries import fills
from webapp.domain.rosters.services import fills as services
from webapp.web import pages
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json


@bp.get("/fills")
@requires(Permission.ROSTER_FILL)
def list_fills():
    """The proposals so far, and the way to a new one."""
    found = fills.list_fills(actor=current_actor(), before=request.args.get("before"))
    now = clock.now()
    return render_template(
        "rosters/fills.html",
        fills=[fill_views.line(each, now) for each in found.fills],
        older=found.older and url_for("rosters.list_fills", before=found.older),
    )


@bp.get("/fills/new")
@requires(Permission.ROSTER_FILL)
def new_fill():
    """Which days and posts."""
    return _new_page()


def _new_page(*, status: int = 200, error: LinliError | None = None) -> Response:
    actor, values = current_actor(), request.values
    choices = fills.list_fill_areas(actor=actor)
    places = fill_views.area_choices(choices)
    known = [each for each, _name in places]
    place = values.get("place") or (known[0] if known else "")
    if place not in known and not fills.may_fill(actor=actor, area_public_id=place):
        # A team's lead comes from the week of the whole community.
        place = known[0] if known else ""
    area, _slash, team = place.partition("/")
    posts = fills.list_posts(actor=actor, area_public_id=area, team_public_id=team or None) if place else ()
    monday = clock.day(clock.now()) + timedelta(days=1)
    response = make_response(
        render_template(
            "rosters/new_fill.html",
            places=places,
            place=place,
            posts=fill_views.post_choices(posts),
            chosen=values.getlist("posts") if error else [each.public_id for each in posts],
            from_on=values.get("from_on") or monday.isoformat(),
            to_on=values.get("to_on") or (monday + timedelta(days=6)).isoformat(),
            field=error.field if error else None,
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


def _day(name: str) -> date:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError as error:
        raise RuleBroken("day_wrong", field=name) from error


@bp.post("/fills")
@requires(Permission.ROSTER_FILL)
def ask_for_fill():
    """Ask the worker; the page that follows shows how far it is."""
    area, _slash, team = request.form.get("place", "").partition("/")
    try:
        public_id = services.ask_for_fill(
            deed=deed(),
            area_public_id=area,
            team_public_id=team or None,
            from_on=_day("from_on"),
            to_on=_day("to_on"),
            post_public_ids=request.form.getlist("posts"),
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _new_page(status=error.status, error=error)
    return answer(otherwise=url_for("rosters.show_fill", public_id=public_id))


@bp.get("/fills/<public_id>")
@requires(Permission.ROSTER_FILL)
def show_fill(public_id: str):
    """A proposal: how sure it is, what stays empty and why, who would stand where."""
    return _fill_page(public_id)


def _fill_page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    fill = fills.get_fill(actor=current_actor(), public_id=public_id)
    page = fill_views.page(fill)
    only_gaps = request.args.get("which") == "gaps"
    shown = fills.list_shifts(fill=fill, only_gaps=only_gaps, after=request.args.get("after"))
    pages.use_place(areas.get_place(fill.area_path))
    _every, placed, refused = fills.count_cells(fill_id=fill.id)
    response = make_response(
        render_template(
            "rosters/fill.html",
            fill=page,
            days=fill_views.days(fill, shown.shifts),
            only_gaps=only_gaps,
            placed=placed,
            refused=refused,
            later=shown.later
            and url_for(
                "rosters.show_fill",
                public_id=public_id,
                which="gaps" if only_gaps else None,
                after=shown.later,
            ),
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.get("/fills/<public_id>/progress")
@requires(Permission.ROSTER_FILL)
def watch_fill(public_id: str):
    """How far the worker is; htmx asks again and again and is sent to the page when it is done."""
    page = fill_views.page(fills.get_fill(actor=current_actor(), public_id=public_id))
    target = url_for("rosters.show_fill", public_id=public_id)
    if not wants_fragment():
        return redirect(target, 303)
    if page.is_at_work:
        return render_template("rosters/_fill_progress.html", fill=page)
    response = make_response("")
    response.headers["HX-Redirect"] = target
    return response


@bp.get("/fills/<public_id>/shifts/<shift>")
@requires(Permission.ROSTER_FILL)
def show_fill_shift(public_id: str, shift: str):
    """One shift of a proposal: keep, take off, put on."""
    return _shift_page(public_id, shift)


def _shift_page(
    public_id: str, shift: str, *, status: int = 200, error: LinliError | None = None
) -> Response:
    fill = fills.get_fill(actor=current_actor(), public_id=public_id)
    page = fill_views.page(fill)
    found = fills.get_shift(fill=fill, shift_public_id=shift)
    candidates = (
        fills.list_candidates(fill=fill, shift_public_id=shift, now=clock.now()) if page.is_proposed else ()
    )
    skills = fill_views.skill_names(fills.list_skill_names())
    pages.use_place(areas.get_place(fill.area_path))
    response = make_response(
        render_template(
            "rosters/fill_shift.html",
            fill=page,
            shift=fill_views.shift(fill, found),
            fitting=[fill_views.candidate(each, skills) for each in candidates if each.code is None],
            others=[fill_views.candidate(each, skills) for each in candidates if each.code is not None],
            asked=request.form.get("person", ""),
            reason=request.form.get("reason", ""),
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


def _change_cell(public_id: str, service, **more) -> Response:
    shift = request.form.get("shift", "")
    try:
        service(
            deed=replace(deed(), reason=request.form.get("reason", "").strip()[:200] or None),
            public_id=public_id,
            shift_public_id=shift,
            person_public_id=request.form.get("person", ""),
            **more,
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _shift_page(public_id, shift, status=error.status, error=error)
    return answer(otherwise=url_for("rosters.show_fill_shift", public_id=public_id, shift=shift))


@bp.post("/fills/<public_id>/lock")
@requires(Permission.ROSTER_FILL)
def lock_cell(public_id: str):
    """Keep somebody where they are."""
    return _change_cell(public_id, services.lock_cell, is_locked=True)


@bp.post("/fills/<public_id>/unlock")
@requires(Permission.ROSTER_FILL)
def unlock_cell(public_id: str):
    """Let somebody be moved again."""
    return _change_cell(public_id, services.lock_cell, is_locked=False)


@bp.post("/fills/<public_id>/remove")
@requires(Permission.ROSTER_FILL)
def remove_cell(public_id: str):
    """Take somebody off."""
    return _change_cell(public_id, services.remove_cell)


@bp.post("/fills/<public_id>/add")
@requires(Permission.ROSTER_FILL)
def add_cell(public_id: str):
    """Put somebody on, by a reason against a rule if need be."""
    return _change_cell(public_id, services.add_cell)


def _step(public_id: str, service) -> Response:
    try:
        service(deed=deed(), public_id=public_id)
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _fill_page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("rosters.show_fill", public_id=public_id))


@bp.post("/fills/<public_id>/solve")
@requires(Permission.ROSTER_FILL)
def solve_again(public_id: str):
    """Work it out again around the locked places."""
    return _step(public_id, services.solve_again)


@bp.post("/fills/<public_id>/publish")
@requires(Permission.ROSTER_FILL)
def publish_fill(public_id: str):
    """Publish, once."""
    return _step(public_id, services.publish_fill)


@bp.post("/fills/<public_id>/discard")
@requires(Permission.ROSTER_FILL)
def discard_fill(public_id: str):
    """Put the proposal aside."""
    return _step(public_id, services.discard_fill)
