"""The week of a community 本周排班: seen, made from recurring shifts, copied, published."""

from collections.abc import Callable
from typing import Any

from flask import Response, redirect, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, week_views
from webapp.blueprints.rosters.posts import choose_community, refused
from webapp.blueprints.rosters.typed import read_day, read_monday
from webapp.domain.rosters.queries import week as queries
from webapp.domain.rosters.queries.week import Show
from webapp.domain.rosters.services import shifts as services
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer


@bp.get("")
@requires(Permission.SHIFT_TAKE)
def show_start():
    """Where messages lead, in an address short enough for them: one's own shifts, to say yes or no."""
    return redirect(url_for("rosters.list_shifts", view="mine"), 303)


@bp.get("/week")
@requires(Permission.ROSTER_SEE)
def show_week():
    """The week of a community; first which community, where there are several."""
    return _page(
        area=request.args.get("area"),
        first=request.args.get("from"),
        post=request.args.get("post") or None,
        done=request.args.get("done"),
    )


def _page(
    *,
    area: str | None,
    first: str | None,
    post: str | None = None,
    done: str | None = None,
    error: LinliError | None = None,
) -> str:
    now = clock.now()
    show = request.args.get("show", "")
    week = queries.get_week(
        actor=current_actor(),
        monday=read_monday(first, today=clock.day(now)),
        now=now,
        area=area or None,
        post=post,
        show=Show(show) if show in set(Show) else Show.ALL,
        after=request.args.get("after"),
    )
    if week is None:
        return choose_community("rosters.show_week")
    return render_template(
        "rosters/week.html",
        week=week_views.page(week, now, post),
        said=sentence(error.code, **error.params) if error else None,
        field=error.field if error else None,
        typed=request.form.get("to", "") if error else "",
        made=int(done) if done and done.isdecimal() and len(done) < 6 else None,
    )


def _step(do: Callable[[str], tuple[Any, int]]) -> Response:
    """A deed about the whole week, then the week that it is about, saying how many shifts it was."""
    area = request.form.get("area", "")
    try:
        day, count = do(area)
    except LinliError as error:
        return refused(
            error, lambda refusal: _page(area=area, first=request.form.get("first"), error=refusal)
        )
    return answer(otherwise=url_for("rosters.show_week", **{"from": day.isoformat()}, area=area, done=count))


def _days() -> tuple[Any, Any]:
    return (
        read_day(request.form.get("first", ""), field="first"),
        read_day(request.form.get("last", ""), field="last"),
    )


@bp.post("/week/make")
@requires(Permission.TEAM_ROSTER)
def make_week():
    """Make drafts of the recurring shifts; what is there already stays."""

    def make(area: str) -> tuple[Any, int]:
        first, last = _days()
        made = services.make_shifts(deed=deed(), area=area, first=first, last=last)
        return first, made.made_count

    return _step(make)


@bp.post("/week/copy")
@requires(Permission.TEAM_ROSTER)
def copy_week():
    """Copy a day or a week to another, as drafts; what is there already stays."""

    def copy(area: str) -> tuple[Any, int]:
        first, last = _days()
        to = read_day(request.form.get("to", ""), field="to")
        made = services.copy_days(deed=deed(), area=area, first=first, last=last, to=to)
        return to, made.made_count

    return _step(copy)


@bp.post("/week/publish")
@requires(Permission.TEAM_ROSTER)
def publish_week():
    """Open all drafts of the week."""

    def publish(area: str) -> tuple[Any, int]:
        first, last = _days()
        return first, services.publish_days(deed=deed(), area=area, first=first, last=last)

    return _step(publish)
