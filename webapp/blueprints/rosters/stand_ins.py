"""Finding somebody for a place: stand-in, swap, relief; and the answers of those who are asked."""

from flask import Response, make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, taking_views
from webapp.domain.rosters import services
from webapp.domain.rosters.queries import stand_ins
from webapp.web import pages
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json


def _is_passed_on(error: LinliError) -> bool:
    return error.status in {403, 404} or wants_json() or wants_fragment()


def _refused(response: Response, error: LinliError | None) -> Response:
    if error is not None:
        response.status_code = error.status
        response.headers[ANSWER] = error.code
    return response


def _own_place(public_id: str):
    own = stand_ins.get_own_place(actor=current_actor(), signup_public_id=public_id, now=clock.now())
    pages.use_place(own.place)
    return own


def _search_page(public_id: str, error: LinliError | None = None) -> Response:
    own, name = _own_place(public_id), request.values.get("name", "").strip()[:60]
    found = stand_ins.find_colleagues(own=own, name=name, now=clock.now()) if name else ()
    return _refused(
        make_response(
            render_template(
                "rosters/new_stand_in.html",
                public_id=public_id,
                shift=taking_views.own_place(own, clock.now()),
                name=name,
                found=taking_views.people(found),
                said=taking_views.reason(error) if error else None,
            )
        ),
        error,
    )


@bp.get("/signups/<public_id>/stand-in")
@requires(Permission.SHIFT_TAKE)
def new_stand_in(public_id: str):
    """找人顶班: ask everybody, or one person found by name."""
    return _search_page(public_id)


@bp.post("/signups/<public_id>/stand-in")
@requires(Permission.SHIFT_TAKE)
def ask_stand_in(public_id: str):
    """Look for a stand-in."""
    try:
        search = services.ask_stand_in(
            deed=deed(), signup_public_id=public_id, to=request.form.get("to") or None
        )
    except LinliError as error:
        if _is_passed_on(error):
            raise
        return _search_page(public_id, error)
    return answer(otherwise=url_for("rosters.show_stand_in", public_id=search.public_id), code="asked")


def _swap_page(public_id: str, error: LinliError | None = None) -> Response:
    own, now = _own_place(public_id), clock.now()
    return _refused(
        make_response(
            render_template(
                "rosters/new_swap.html",
                public_id=public_id,
                shift=taking_views.own_place(own, now),
                choices=taking_views.swaps(stand_ins.list_swaps(own=own, now=now), now),
                chosen=request.form.get("wanted", ""),
                said=taking_views.reason(error) if error else None,
            )
        ),
        error,
    )


@bp.get("/signups/<public_id>/swap")
@requires(Permission.SHIFT_TAKE)
def new_swap(public_id: str):
    """换班: choose whose place one would like for one's own."""
    return _swap_page(public_id)


@bp.post("/signups/<public_id>/swap")
@requires(Permission.SHIFT_TAKE)
def ask_swap(public_id: str):
    """Ask for a swap."""
    try:
        search = services.ask_swap(
            deed=deed(), signup_public_id=public_id, wanted_public_id=request.form.get("wanted") or None
        )
    except LinliError as error:
        if _is_passed_on(error):
            raise
        return _swap_page(public_id, error)
    return answer(otherwise=url_for("rosters.show_stand_in", public_id=search.public_id), code="asked")


@bp.post("/signups/<public_id>/relief")
@requires(Permission.SHIFT_TAKE)
def ask_relief(public_id: str):
    """我需要换下来: no reason is asked."""
    search = services.ask_relief(deed=deed(), signup_public_id=public_id)
    return answer(otherwise=url_for("rosters.show_stand_in", public_id=search.public_id), code="asked")


def _shown(public_id: str, error: LinliError | None = None) -> Response:
    now = clock.now()
    view = stand_ins.get_stand_in(actor=current_actor(), public_id=public_id, now=now)
    pages.use_place(view.place)
    return _refused(
        make_response(
            render_template(
                "rosters/stand_in.html",
                search=taking_views.search(view, now),
                public_id=public_id,
                said=taking_views.reason(error) if error else None,
            )
        ),
        error,
    )


@bp.get("/stand-ins/<public_id>")
@requires(Permission.SHIFT_TAKE)
def show_stand_in(public_id: str):
    """A search for a stand-in, for who asks and for who could take it."""
    return _shown(public_id)


def _answered(public_id: str, act) -> Response:
    try:
        search = act(deed=deed(), public_id=public_id)
    except LinliError as error:
        if _is_passed_on(error):
            raise
        return _shown(public_id, error)
    return answer(
        otherwise=url_for("rosters.show_shift", public_id=search.shift_public_id)
        if search.state == "taken"
        else url_for("rosters.list_shifts", view="mine"),
        code=search.state.value,
    )


@bp.post("/stand-ins/<public_id>/take")
@requires(Permission.SHIFT_TAKE)
def take_over(public_id: str):
    """Take the place, or agree to the swap."""
    return _answered(public_id, services.take_over)


@bp.post("/stand-ins/<public_id>/refuse")
@requires(Permission.SHIFT_TAKE)
def refuse_search(public_id: str):
    """Say no to what was put to oneself."""
    return _answered(public_id, services.refuse_search)


@bp.post("/stand-ins/<public_id>/withdraw")
@requires(Permission.SHIFT_TAKE)
def withdraw_search(public_id: str):
    """Stop looking."""
    return _answered(public_id, services.withdraw_search)
