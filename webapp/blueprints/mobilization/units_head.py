"""整队召集: calling a team as a unit, its lead's page behind a secret link, and what the lead says on the phone."""

from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.ids import hash_token
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, call_up_views
from webapp.blueprints.mobilization.call_up_typed import read_count
from webapp.blueprints.mobilization.call_ups import refused, show_page
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization.queries import call_ups as queries
from webapp.domain.mobilization.queries import units as unit_queries
from webapp.domain.mobilization.rules import MOST_PLACES, can_step
from webapp.domain.mobilization.services import units as services
from webapp.web import pages, words
from webapp.web.errors import sentence
from webapp.web.extensions import csrf
from webapp.web.guard import current_actor, deed, public, requires
from webapp.web.htmx import answer

# --- the head -----------------------------------------------------------------------------------------------


@bp.get("/call-ups/<public_id>/units")
@requires(Permission.CALL_UP_MANAGE)
def new_unit(public_id: str):
    """Which team, for which role, how many."""
    return _unit_form(public_id)


def _unit_form(public_id: str, error: LinliError | None = None) -> Any:
    now = clock.now()
    view = queries.get_managed(actor=current_actor(), public_id=public_id, now=now)
    if not can_step("change", view.state):
        if error is not None:
            return show_page(public_id, error)
        return redirect(url_for("mobilization.show_call_up", public_id=public_id), 303)
    pages.use_place(areas.get_place(view.area_path))
    typed = request.form if error else {}
    open_roles = [each for each in view.roles if each.is_open]
    return render_template(
        "mobilization/call_up_units.html",
        call_up=view,
        title=words.said(view.title),
        teams=call_up_views.teams(queries.list_teams_to_call(actor=current_actor(), call_up=view)),
        team=typed.get("team", request.args.get("team", "")),
        roles=[
            (
                each.public_id,
                call_up_views.role(each),
                words.gettext("%(count)s open", count=each.wanted - each.taken),
            )
            for each in open_roles
        ],
        role=typed.get("role", open_roles[0].public_id if open_roles else ""),
        count=typed.get("count", ""),
        units=call_up_views.units(queries.list_units(call_up_id=view.id, now=now)),
        field=error.field if error else None,
        said=sentence(error.code, **error.params) if error else None,
    )


@bp.post("/call-ups/<public_id>/units")
@requires(Permission.CALL_UP_MANAGE)
def ask_unit(public_id: str):
    """Ask the lead of a team."""
    try:
        services.ask_unit(
            deed=deed(),
            call_up=public_id,
            team=request.form.get("team", ""),
            role=request.form.get("role", ""),
            count=read_count(request.form.get("count", ""), field="count"),
        )
    except LinliError as error:
        return refused(error, lambda refusal: _unit_form(public_id, refusal))
    return answer(otherwise=url_for("mobilization.show_call_up", public_id=public_id), code="asked")


@bp.post("/call-ups/<public_id>/units/<unit>")
@requires(Permission.CALL_LIST)
def answer_unit_by_phone(public_id: str, unit: str):
    """What the lead said on the phone."""
    try:
        services.answer_unit_by_phone(deed=deed(), unit=unit, count=_count())
    except LinliError as error:
        return refused(error, lambda refusal: show_page(public_id, refusal))
    return answer(otherwise=url_for("mobilization.show_call_up", public_id=public_id), code="answered")


def _count() -> int:
    """How many come: a number, or nobody."""
    text = request.form.get("count", "").strip()
    if text == "0" or request.form.get("none") == "1":
        return 0
    return read_count(text, field="count")


# --- the team's lead ----------------------------------------------------------------------------------------


@bp.get("/units/<token>")
@public
def show_unit(token: str):
    """What is asked of the team. Looking answers nothing: the buttons do."""
    return _unit_page(token)


def _unit_page(token: str, error: LinliError | None = None) -> Response:
    now = clock.now()
    unit = unit_queries.get_unit(token=token, now=now)
    pages.use_place(areas.get_place(unit.area_path))
    typed = request.form if error else {}
    ticked = set(request.form.getlist("members")) if error else set()
    response = make_response(
        render_template(
            "mobilization/unit.html",
            unit=unit,
            team=words.said(unit.team, unit.team_en),
            title=words.said(unit.title),
            role=words.said(unit.role),
            when=call_up_views.span(unit.starts_at, unit.ends_at, now),
            facts=call_up_views.told(unit, now),
            reply_by=words.moment(unit.reply_by, now=now),
            is_late=unit.reply_by < now,
            count=typed.get("count", unit.promised or min(unit.asked, max(unit.open, 0)) or ""),
            most=min(MOST_PLACES, unit.promised + unit.open),
            members=[
                {
                    "public_id": each.public_id,
                    "name": words.said(each.name),
                    "word": call_up_views.member(each),
                    "is_named": each.is_named,
                    "may_tick": call_up_views.may_tick(each),
                    "is_ticked": each.public_id in ticked,
                }
                for each in unit.members
            ],
            field=error.field if error else None,
            said=sentence(error.code, **error.params) if error else None,
            left_out=_left_out(),
            token=token,
        )
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _left_out() -> int:
    """How many of those who were ticked just now could not be named; beside each name stands why."""
    text = request.args.get("left_out", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


def _bearer(token: str) -> Actor:
    """Whoever bears the lead's link, on whichever phone: the audit log shows the beginning of what is stored of it."""
    return Actor(kind="token", key=f"call_up_unit:{hash_token(token)[:16]}")


# The token in the address is the right to answer: a page that was open all night answers as well.
@bp.post("/units/<token>")
@csrf.exempt
@public
def answer_unit(token: str):
    """How many come."""
    try:
        services.answer_unit(deed=deed(bearer=_bearer(token)), token=token, count=_count())
    except LinliError as error:
        return refused(error, lambda refusal: _unit_page(token, refusal))
    return answer(otherwise=url_for("mobilization.show_unit", token=token), code="answered")


@bp.post("/units/<token>/members")
@csrf.exempt
@public
def name_members(token: str):
    """Who comes. Whoever could not be named is said, and nobody else is lost for it."""
    try:
        members = request.form.getlist("members")
        if not members:
            raise RuleBroken("nobody_ticked", field="members")
        named = services.name_members(
            deed=deed(bearer=_bearer(token)),
            token=token,
            members=members,
            knows_sealed=request.form.get("knows_sealed") == "1",
        )
    except LinliError as error:
        return refused(error, lambda refusal: _unit_page(token, refusal))
    left_out = len(named.refused) or None
    return answer(otherwise=url_for("mobilization.show_unit", token=token, left_out=left_out), code="named")
