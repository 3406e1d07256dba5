"""Organisations and teams: lists, making, renaming, closing, and who leads a team."""

from typing import Any

from flask import render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.volunteers import bp, views
from webapp.blueprints.volunteers.forms import LeadForm, NameForm
from webapp.domain.volunteers import services
from webapp.domain.volunteers.queries import lists, teams
from webapp.domain.volunteers.queries.lists import Filter
from webapp.domain.volunteers.rules import Society
from webapp.domain.volunteers.services import Name
from webapp.web import words
from webapp.web.forms import LinliForm, refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer
from webapp.web.words import gettext


def _text() -> str:
    return " ".join(request.args.get("q", "").split())[:60]


def _pages(endpoint: str, page: Any, after: str | None, **arguments: Any) -> dict[str, str | None]:
    kept = {name: value for name, value in arguments.items() if value}
    return {
        "older": url_for(endpoint, **kept, after=page.after) if page.after else None,
        "newer": url_for(endpoint, **kept) if after else None,
    }


def _plain(each: teams.Choice) -> str:
    return each.name if words.is_chinese() else each.name_en or each.name


def _form_page(form: NameForm, *, with_organisation: bool) -> dict[str, Any]:
    actor = current_actor()
    areas = teams.list_areas_to_manage(actor=actor)
    form.area.choices = [(each.public_id, _plain(each)) for each in areas]
    if not form.area.data and areas:
        form.area.data = areas[0].public_id
    if with_organisation:
        form.organisation.choices = [
            ("", gettext("none")),
            *((each.public_id, _plain(each)) for each in teams.list_organisations_to_choose(actor=actor)),
        ]
    return {"areas": areas, "with_organisation": with_organisation}


def _name_form(*arguments: Any, **values: Any) -> NameForm:
    form = NameForm(*arguments, **values)
    form.society.choices = [(str(each), str(said)) for each, said in views.SOCIETIES.items()]
    return form


def _named(form: NameForm) -> Name:
    return Name(
        name=form.name.data or "", name_en=form.name_en.data or "", society=Society(form.society.data)
    )


# --- organisations ------------------------------------------------------------------------------------------


@bp.get("/organisations")
@requires(Permission.VOLUNTEER_SEE)
def list_organisations():
    """The organisations of the actor's areas and of those above."""
    actor, text, after = current_actor(), _text(), request.args.get("after") or None
    closed = request.args.get("closed") == "1"
    page = teams.list_organisations(actor=actor, text=text, with_closed=closed, after=after)
    return render_template(
        "volunteers/organisations.html",
        page=page,
        text=text,
        closed=closed,
        may_make=lists.decides_anywhere(actor=actor),
        views=views,
        words=words,
        **_pages("volunteers.list_organisations", page, after, q=text, closed="1" if closed else ""),
    )


@bp.get("/organisations/new")
@requires(Permission.VOLUNTEER_DECIDE)
def new_organisation():
    """Ask what it is called."""
    form = _name_form(None, society=str(Society.SOCIAL_ORGANISATION))
    return render_template(
        "volunteers/new_organisation.html", form=form, **_form_page(form, with_organisation=False)
    )


@bp.post("/organisations")
@requires(Permission.VOLUNTEER_DECIDE)
def make_organisation():
    """Make it."""
    form = _name_form()
    error = None
    if form.is_good:
        try:
            public_id = services.make_organisation(deed=deed(), area=form.area.data or "", named=_named(form))
            return answer(otherwise=url_for("volunteers.show_organisation", public_id=public_id), code="made")
        except LinliError as refusal:
            error = refusal
    context = _form_page(form, with_organisation=False)
    return refuse_form("volunteers/new_organisation.html", form=form, error=error, **context)


@bp.get("/organisations/<public_id>")
@requires(Permission.VOLUNTEER_SEE)
def show_organisation(public_id):
    """An organisation with its teams."""
    view = teams.get_organisation(actor=current_actor(), public_id=public_id)
    form = _name_form(None, name=view.name, name_en=view.name_en or "", society=str(view.society))
    return render_template("volunteers/organisation.html", form=form, **_organisation_page(view))


def _organisation_page(view: teams.OrganisationView) -> dict[str, Any]:
    after = request.args.get("after") or None
    page = teams.list_teams(actor=current_actor(), organisation=view.public_id, after=after)
    endpoint = "volunteers.show_organisation"
    return {
        "view": view,
        "page": page,
        "older": url_for(endpoint, public_id=view.public_id, after=page.after) if page.after else None,
        "newer": url_for(endpoint, public_id=view.public_id) if after else None,
        "views": views,
        "words": words,
    }


@bp.post("/organisations/<public_id>")
@requires(Permission.VOLUNTEER_DECIDE)
def rename_organisation(public_id):
    """Another name or society."""
    form = _name_form()
    error = None
    if form.is_good:
        try:
            services.rename_organisation(deed=deed(), public_id=public_id, named=_named(form))
            return answer(otherwise=url_for("volunteers.show_organisation", public_id=public_id))
        except LinliError as refusal:
            if refusal.status != 422:
                raise
            error = refusal
    view = teams.get_organisation(actor=current_actor(), public_id=public_id)
    return refuse_form("volunteers/organisation.html", form=form, error=error, **_organisation_page(view))


@bp.post("/organisations/<public_id>/close")
@requires(Permission.VOLUNTEER_DECIDE)
def close_organisation(public_id):
    """Close it, or open it again."""
    services.close_organisation(deed=deed(), public_id=public_id, is_closed=_closes())
    return answer(otherwise=url_for("volunteers.show_organisation", public_id=public_id))


def _closes() -> bool:
    return request.form.get("open") != "1"


# --- teams --------------------------------------------------------------------------------------------------


@bp.get("/teams")
@requires(Permission.VOLUNTEER_SEE)
def list_teams():
    """The teams of the actor's areas, or those that the actor leads."""
    actor, text, after = current_actor(), _text(), request.args.get("after") or None
    closed = request.args.get("closed") == "1"
    page = teams.list_teams(actor=actor, text=text, with_closed=closed, after=after)
    return render_template(
        "volunteers/teams.html",
        page=page,
        text=text,
        closed=closed,
        may_make=lists.decides_anywhere(actor=actor),
        views=views,
        words=words,
        **_pages("volunteers.list_teams", page, after, q=text, closed="1" if closed else ""),
    )


@bp.get("/teams/new")
@requires(Permission.VOLUNTEER_DECIDE)
def new_team():
    """Ask what it is called and to whom it belongs."""
    form = _name_form(
        None,
        society=str(Society.VOLUNTEER),
        organisation=request.args.get("organisation", ""),
    )
    return render_template("volunteers/new_team.html", form=form, **_form_page(form, with_organisation=True))


@bp.post("/teams")
@requires(Permission.VOLUNTEER_DECIDE)
def make_team():
    """Make it."""
    form = _name_form()
    error = None
    if form.is_good:
        try:
            public_id = services.make_team(
                deed=deed(),
                area=form.area.data or "",
                named=_named(form),
                organisation=form.organisation.data or "",
            )
            return answer(otherwise=url_for("volunteers.show_team", public_id=public_id), code="made")
        except LinliError as refusal:
            error = refusal
    context = _form_page(form, with_organisation=True)
    return refuse_form("volunteers/new_team.html", form=form, error=error, **context)


@bp.get("/teams/<public_id>")
@requires(Permission.VOLUNTEER_SEE)
def show_team(public_id):
    """A team with its members; for its lead this is all there is."""
    view = teams.get_team(actor=current_actor(), public_id=public_id)
    form = _name_form(
        None,
        name=view.name,
        name_en=view.name_en or "",
        society=str(view.society),
        organisation=view.organisation_public_id or "",
    )
    return render_template("volunteers/team.html", form=form, **_team_page(view, form))


def _team_page(view: teams.TeamView, form: LinliForm) -> dict[str, Any]:
    actor, after = current_actor(), request.args.get("after") or None
    page = lists.list_volunteers(actor=actor, wanted=Filter(team=view.public_id), after=after)
    if not isinstance(form, NameForm):
        form = _name_form(
            None,
            name=view.name,
            name_en=view.name_en or "",
            society=str(view.society),
            organisation=view.organisation_public_id or "",
        )
    lead_form = LeadForm(None)
    if view.may_manage:
        _form_page(form, with_organisation=True)
        lead_form.volunteer.choices = [
            (each.public_id, each.name) for each in teams.list_possible_leads(team=view)
        ]
    endpoint = "volunteers.show_team"
    return {
        "view": view,
        "page": page,
        "name_form": form,
        "lead_form": lead_form,
        "older": url_for(endpoint, public_id=view.public_id, after=page.after) if page.after else None,
        "newer": url_for(endpoint, public_id=view.public_id) if after else None,
        "views": views,
        "now": clock.now(),
        "words": words,
    }


@bp.post("/teams/<public_id>")
@requires(Permission.VOLUNTEER_DECIDE)
def rename_team(public_id):
    """Another name, society or organisation."""
    form = _name_form()
    error = None
    if form.is_good:
        try:
            services.rename_team(
                deed=deed(),
                public_id=public_id,
                named=_named(form),
                organisation=form.organisation.data or "",
            )
            return answer(otherwise=url_for("volunteers.show_team", public_id=public_id))
        except LinliError as refusal:
            if refusal.status != 422:
                raise
            error = refusal
    view = teams.get_team(actor=current_actor(), public_id=public_id)
    return refuse_form("volunteers/team.html", form=form, error=error, **_team_page(view, form))


@bp.post("/teams/<public_id>/close")
@requires(Permission.VOLUNTEER_DECIDE)
def close_team(public_id):
    """Close it, or open it again."""
    services.close_team(deed=deed(), public_id=public_id, is_closed=_closes())
    return answer(otherwise=url_for("volunteers.show_team", public_id=public_id))


@bp.post("/teams/<public_id>/leads")
@requires(Permission.VOLUNTEER_DECIDE)
def name_lead(public_id):
    """An accepted member leads it from now on."""
    form = LeadForm()
    error = None
    if form.is_good:
        try:
            services.name_lead(deed=deed(), team=public_id, volunteer=form.volunteer.data or "")
            return answer(otherwise=url_for("volunteers.show_team", public_id=public_id))
        except LinliError as refusal:
            if refusal.status not in {409, 422}:
                raise
            error = refusal
    view = teams.get_team(actor=current_actor(), public_id=public_id)
    return refuse_form("volunteers/team.html", form=form, error=error, **_team_page(view, form))


@bp.post("/teams/<public_id>/leads/<volunteer>/end")
@requires(Permission.VOLUNTEER_DECIDE)
def end_lead(public_id, volunteer):
    """A lead leads it no more."""
    services.end_lead(deed=deed(), team=public_id, volunteer=volunteer)
    return answer(otherwise=url_for("volunteers.show_team", public_id=public_id))
