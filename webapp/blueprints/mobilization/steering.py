"""Steering a call-up: start, 暂停, 加快, 扩大范围, other numbers, 结束. Each is one press; what disturbs people asks why."""

from collections.abc import Callable
from typing import Any

from flask import Response, redirect, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, call_up_views
from webapp.blueprints.mobilization.call_up_typed import read_count
from webapp.blueprints.mobilization.call_ups import check_page, refused, show_page
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization.queries import call_ups as queries
from webapp.domain.mobilization.rules import Certainty, can_step
from webapp.domain.mobilization.services import steering as services
from webapp.web import pages, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer

# What is chosen with one tap, as it is written down: data for people, like what they type.
_REASONS = {
    "sooner": "人手急缺",
    "not_enough": "本地人手不够",
    "changed": "情况变化",
    "enough": "人手已够",
}


def _reason() -> str:
    """What was typed, or else chosen."""
    chosen = _REASONS.get(request.form.get("reason", ""), "")
    return request.form.get("reason_text", "").strip() or chosen


def _step(
    public_id: str, service: Callable[..., Any], *, code: str, why: str | None = None, **more: Any
) -> Response:
    try:
        service(deed=deed(reason=why), call_up=public_id, **more)
    except LinliError as error:
        return refused(error, lambda refusal: show_page(public_id, refusal))
    return answer(otherwise=url_for("mobilization.show_call_up", public_id=public_id), code=code)


@bp.post("/call-ups/<public_id>/start")
@requires(Permission.CALL_UP_MANAGE)
def start_call_up(public_id: str):
    """Begin to call, after the check."""
    try:
        services.start_call_up(
            deed=deed(), call_up=public_id, quiet_reason=request.form.get("quiet_reason", "")
        )
    except LinliError as error:
        return refused(error, lambda refusal: check_page(public_id, refusal))
    return answer(otherwise=url_for("mobilization.show_call_up", public_id=public_id), code="started")


@bp.post("/call-ups/<public_id>/pause")
@requires(Permission.CALL_UP_MANAGE)
def pause_call_up(public_id: str):
    """Ask nobody more for now."""
    return _step(public_id, services.pause_call_up, code="paused")


@bp.post("/call-ups/<public_id>/resume")
@requires(Permission.CALL_UP_MANAGE)
def resume_call_up(public_id: str):
    """Go on calling."""
    return _step(public_id, services.resume_call_up, code="resumed")


@bp.post("/call-ups/<public_id>/hurry")
@requires(Permission.CALL_UP_MANAGE)
def hurry_call_up(public_id: str):
    """The next wave now."""
    seen = request.form.get("seen", "")
    return _step(
        public_id,
        services.hurry_call_up,
        code="hurried",
        why=_reason(),
        seen=int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 6 else -1,
    )


@bp.post("/call-ups/<public_id>/widen")
@requires(Permission.CALL_UP_MANAGE)
def widen_call_up(public_id: str):
    """Call in the next wider area too, now."""
    return _step(
        public_id, services.widen_call_up, code="widened", why=_reason(), seen=request.form.get("seen", "")
    )


@bp.post("/call-ups/<public_id>/end")
@requires(Permission.CALL_UP_MANAGE)
def end_call_up(public_id: str):
    """Call nobody any more; who said yes still comes."""
    return _step(public_id, services.end_call_up, code="ended", why=_reason())


@bp.get("/call-ups/<public_id>/numbers")
@requires(Permission.CALL_UP_MANAGE)
def edit_numbers(public_id: str):
    """Other numbers while it runs."""
    return _numbers_page(public_id)


def _numbers_page(public_id: str, error: LinliError | None = None) -> Any:
    now = clock.now()
    view = queries.get_managed(actor=current_actor(), public_id=public_id, now=now)
    if not can_step("change", view.state):
        if error is not None:
            return show_page(public_id, error)
        return redirect(url_for("mobilization.edit_call_up", public_id=public_id), 303)
    pages.use_place(areas.get_place(view.area_path))
    # After a conflict the form asks about what stands now, and keeps what was typed.
    typed = request.form if error else {}
    return render_template(
        "mobilization/call_up_numbers.html",
        call_up=view,
        title=words.said(view.title),
        roles=[
            {
                "public_id": each.public_id,
                "name": call_up_views.role(each),
                "seen": each.wanted,
                "value": typed.get(f"wanted_{each.public_id}", each.wanted),
                "taken": each.taken,
            }
            for each in view.roles
        ],
        certainties=[(str(each), call_up_views.certainty(each)) for each in Certainty],
        certainty=typed.get("certainty", str(view.certainty)),
        field=error.field if error else None,
        said=sentence(error.code, **error.params) if error else None,
    )


@bp.post("/call-ups/<public_id>/numbers")
@requires(Permission.CALL_UP_MANAGE)
def change_numbers(public_id: str):
    """Change how many are wanted, and how surely."""
    try:
        wanted = {
            name.removeprefix("wanted_"): read_count(text, field=name)
            for name, text in request.form.items()
            if name.startswith("wanted_")
        }
        seen = {
            name.removeprefix("seen_"): read_count(text, field=name)
            for name, text in request.form.items()
            if name.startswith("seen_")
        }
        try:
            certainty = Certainty(request.form.get("certainty", ""))
        except ValueError as error:
            raise RuleBroken("bad_request") from error
        services.change_numbers(deed=deed(), call_up=public_id, seen=seen, wanted=wanted, certainty=certainty)
    except LinliError as error:
        return refused(error, lambda refusal: _numbers_page(public_id, refusal))
    return answer(otherwise=url_for("mobilization.show_call_up", public_id=public_id), code="changed")
