"""Somebody's own place in the reserve: join or leave with one tick, how ready, and when in the coming fortnight."""

from typing import Any

from flask import current_app, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp
from webapp.blueprints.mobilization import reserve_views as views
from webapp.blueprints.mobilization.reserve import (
    ReadinessForm,
    freeze,
    read_away,
    read_half,
    read_readiness,
    readiness_choices,
)
from webapp.domain.mobilization.queries import reserve_person as queries
from webapp.domain.mobilization.services import enrolling, reserve
from webapp.domain.volunteers.rules import Availability
from webapp.web import words
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer
from webapp.web.words import gettext

KEEP = ("X-Offline", "keep")


@bp.get("/me")
@requires(Permission.RESERVE_OWN)
def show_own_reserve():
    """My place in the reserve, or the tick to join it."""
    own = queries.get_own(actor=current_actor(), now=clock.now())
    page = render_template("mobilization/me.html", form=_form(own), **_context(own))
    return page, 200, (KEEP,)


def _form(own: queries.ReservistView | None) -> ReadinessForm:
    if own is None:
        return ReadinessForm(None)
    until = clock.day(own.away_until) if own.away_until else None
    return ReadinessForm(None, readiness=str(own.readiness), away_until=until)


def _context(own: queries.ReservistView | None) -> dict[str, Any]:
    actor, now = current_actor(), clock.now()
    if own is None:
        return {
            "own": None,
            "may_join": queries.own_standing(actor=actor, now=now) is not None,
            "words": words,
        }
    half_days = queries.list_half_days(reservist_id=own.id, person_id=own.person_id, now=now, freeze=freeze())
    return {
        "own": own,
        "may_join": False,
        "state": (views.readiness(own.readiness, own.away_until, now), views.READINESS[own.readiness][1]),
        "readiness_choices": readiness_choices(),
        "days": views.grid(half_days, now),
        "freeze_hours": current_app.config["RESERVE_FREEZE_HOURS"],
        "channels": views.channels(own.reach),
        "facts": [
            (gettext("Category"), str(views.CATEGORIES[own.category])),
            (gettext("Lives or works"), words.said(own.area_name)),
            (gettext("Team"), words.said(own.team_name, own.team_name_en) if own.team_name else "–"),
        ],
        "words": words,
    }


def _act(act: Any, code: str, form: ReadinessForm | None = None) -> Any:
    error = None
    if form is None or form.is_good:
        try:
            act()
            return answer(otherwise=url_for("mobilization.show_own_reserve"), code=code)
        except LinliError as refusal:
            if refusal.status not in {409, 422}:
                raise
            error = refusal
    own = queries.get_own(actor=current_actor(), now=clock.now())
    return refuse_form("mobilization/me.html", form=form or _form(own), error=error, **_context(own))


@bp.post("/me/join")
@requires(Permission.RESERVE_OWN)
def join_reserve():
    """Stand in the reserve from now on."""
    return _act(lambda: enrolling.join_reserve(deed=deed()), "joined")


@bp.post("/me/leave")
@requires(Permission.RESERVE_OWN)
def leave_reserve():
    """Be called no more."""
    return _act(lambda: reserve.leave_reserve(deed=deed()), "left")


@bp.post("/me/readiness")
@requires(Permission.RESERVE_OWN)
def set_own_readiness():
    """Say how ready I am."""
    form = ReadinessForm()
    return _act(
        lambda: reserve.set_own_readiness(
            deed=deed(),
            readiness=read_readiness(form.readiness.data),
            away_until=read_away(form.away_until.data),
        ),
        "set",
        form,
    )


@bp.post("/me/days")
@requires(Permission.RESERVE_OWN)
def set_own_days():
    """Say when I can be called: of the half-days that were shown, those that are ticked."""
    ticked = set(request.form.getlist("can"))
    said = {
        key: Availability.AVAILABLE if text in ticked else Availability.NOT_AVAILABLE
        for text in request.form.getlist("shown")
        if (key := read_half(text)) is not None
    }
    return _act(lambda: reserve.set_own_days(deed=deed(), said=said, freeze=freeze()), "set")
