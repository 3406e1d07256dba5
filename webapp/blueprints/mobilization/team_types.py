"""Kinds of teams: looked at by whoever sees the reserve, set by who dispatches the whole county."""

from typing import Any

from flask import Response, make_response, render_template, request, url_for

from webapp.base.errors import LinliError, NotAllowed, RuleBroken
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, forecast_views
from webapp.domain.mobilization.forecast import MOST_ROLES
from webapp.domain.mobilization.queries import team_types as queries
from webapp.domain.mobilization.services import team_types as services
from webapp.domain.rosters.queries import posts
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json
from webapp.web.words import gettext

EMPTY_LINES = 2
Typed = dict[str, Any]


@bp.get("/team-types")
@requires(Permission.RESERVE_SEE)
def list_team_types():
    """The kinds of teams in use, and those that were put out of use."""
    may_edit = queries.may_edit(actor=current_actor())
    found = queries.list_team_types(with_closed=True)
    return render_template(
        "mobilization/team_types.html",
        types=[
            {
                "name": forecast_views.kind_name(each),
                "size": each.size,
                "roles": forecast_views.make_up(each),
                "is_closed": each.is_closed,
                "url": url_for("mobilization.edit_team_type", public_id=each.public_id) if may_edit else None,
            }
            for each in found
        ],
        may_edit=may_edit,
    )


def _ensure_may_edit() -> None:
    if not queries.may_edit(actor=current_actor()):
        raise NotAllowed


@bp.get("/team-types/new")
@requires(Permission.RESERVE_MANAGE)
def new_team_type():
    """The form of a new kind of team."""
    _ensure_may_edit()
    return _page(None, {"name": "", "name_en": "", "roles": [], "is_closed": False})


@bp.get("/team-types/<public_id>")
@requires(Permission.RESERVE_MANAGE)
def edit_team_type(public_id: str):
    """A kind of team with its roles."""
    _ensure_may_edit()
    found = queries.get_team_type(public_id=public_id)
    roles = [
        {
            "name": role.name,
            "name_en": role.name_en,
            "skill": role.skill_code or "",
            "count": str(role.needed_count),
        }
        for role in found.roles
    ]
    typed = {"name": found.name, "name_en": found.name_en, "roles": roles, "is_closed": found.is_closed}
    return _page(public_id, typed)


def _page(public_id: str | None, typed: Typed, error: LinliError | None = None) -> Response:
    lines = [
        *typed["roles"],
        *({"name": "", "name_en": "", "skill": "", "count": ""} for _ in range(EMPTY_LINES)),
    ]
    response = make_response(
        render_template(
            "mobilization/edit_team_type.html",
            title=(typed["name"] if words.is_chinese() else typed["name_en"] or typed["name"])
            if public_id
            else gettext("New kind of team"),
            action=url_for("mobilization.save_team_type", public_id=public_id)
            if public_id
            else url_for("mobilization.make_team_type"),
            close_url=url_for("mobilization.close_team_type", public_id=public_id) if public_id else None,
            typed=typed,
            lines=lines[:MOST_ROLES],
            skills=[("", gettext("Anybody")), *((each.code, _skill(each)) for each in posts.list_skills())],
            field=error.field if error else None,
            said=sentence(error.code, **error.params) if error else None,
        ),
        error.status if error else 200,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


def _skill(each: posts.SkillChoice) -> str:
    return each.name_zh if words.is_chinese() else each.name_en


def _typed() -> Typed:
    """What was typed, lines without a name left out."""
    form = request.form
    lines = [
        {
            "name": form.get(f"role-{number}", "").strip(),
            "name_en": form.get(f"role_en-{number}", "").strip(),
            "skill": form.get(f"skill-{number}", ""),
            "count": form.get(f"count-{number}", "").strip(),
        }
        for number in range(MOST_ROLES)
    ]
    return {
        "name": form.get("name", ""),
        "name_en": form.get("name_en", ""),
        "roles": [each for each in lines if each["name"] or each["count"]],
        "is_closed": False,
    }


def _plans(typed: Typed) -> list[services.RolePlan]:
    plans = []
    for number, each in enumerate(typed["roles"]):
        if not each["count"].isdecimal() or len(each["count"]) > 4:
            raise RuleBroken("places_wrong", field=f"count-{number}")
        plans.append(services.RolePlan(each["name"], each["name_en"], each["skill"], int(each["count"])))
    return plans


def _save(public_id: str | None) -> Response:
    typed = _typed()
    try:
        services.save_team_type(
            deed=deed(),
            public_id=public_id,
            name=typed["name"],
            name_en=typed["name_en"],
            roles=_plans(typed),
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _page(public_id, typed, error)
    return answer(otherwise=url_for("mobilization.list_team_types"))


@bp.post("/team-types")
@requires(Permission.RESERVE_MANAGE)
def make_team_type():
    """Make a kind of team."""
    _ensure_may_edit()
    return _save(None)


@bp.post("/team-types/<public_id>")
@requires(Permission.RESERVE_MANAGE)
def save_team_type(public_id: str):
    """Change it."""
    _ensure_may_edit()
    return _save(public_id)


@bp.post("/team-types/<public_id>/close")
@requires(Permission.RESERVE_MANAGE)
def close_team_type(public_id: str):
    """Put it out of use, or into use again."""
    services.close_team_type(deed=deed(), public_id=public_id, is_closed=request.form.get("open") != "1")
    return answer(otherwise=url_for("mobilization.list_team_types"))
