"""Taking a list of volunteers through the form: choose a file, read what it would do, then take it."""

from flask import current_app, render_template, url_for
from flask_babel import get_locale, gettext, lazy_gettext
from wtforms import SelectField

from webapp.base.permissions import Permission
from webapp.blueprints.volunteers import bp
from webapp.domain.volunteers.queries import imports as queries
from webapp.domain.volunteers.services import lists
from webapp.web import lists as web_lists
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer

_l = lazy_gettext


class VolunteerListForm(web_lists.ListForm):
    """A list of volunteers to take."""

    area = SelectField(_l("Community"), validate_choice=False)


def _column(name):
    """A column of the list in the reader's words."""
    return {
        "phone": gettext("phone"),
        "id_no": gettext("ID number"),
        "address": gettext("where they live"),
        "team": gettext("team"),
        "organisation": gettext("organisation"),
        "society": gettext("society"),
        "skills": gettext("what they can do"),
        "certificates": gettext("certificates"),
        "guardian_name": gettext("parent who agrees"),
        "note": gettext("note"),
        "age": gettext("age"),
        "state": gettext("accepted"),
    }[name]


@bp.get("/imports/new")
@requires(Permission.VOLUNTEER_DECIDE)
def new_import():
    """Ask for a file."""
    form = VolunteerListForm(None)
    return render_template("volunteers/new_import.html", form=form, **_form_context(form))


def _form_context(form):
    areas = queries.list_import_areas(actor=current_actor())
    web_lists.choose_area(form.area, areas)
    return {"areas": areas}


@bp.post("/imports")
@requires(Permission.VOLUNTEER_DECIDE)
def receive_list():
    """Keep the file and compare it; nothing is taken before it is confirmed."""
    form = VolunteerListForm()

    def take():
        public_id = lists.receive_list(
            deed=deed(),
            area_code=form.area.data or "",
            content=form.content,
            file_name=form.file_name,
            language=str(get_locale()),
            minors_allowed=current_app.config["VOLUNTEERS_FROM_16"],
        )
        lists.run_short(public_id=public_id, actor=current_actor(), say=web_lists.say)
        return public_id

    return web_lists.receive(
        form, take=take, show=_url, template="volunteers/new_import.html", context=_form_context
    )


def _url(public_id):
    return url_for("volunteers.show_import", public_id=public_id)


@bp.get("/imports/<public_id>")
@requires(Permission.VOLUNTEER_DECIDE)
def show_import(public_id):
    """How far it is; then what the list would do, or what came of it."""
    job = lists.get_import(actor=current_actor(), public_id=public_id)
    return web_lists.progress(
        "volunteers/import.html",
        "volunteers/_import.html",
        job,
        column=_column,
        outcome=web_lists.outcome,
    )


@bp.post("/imports/<public_id>/take")
@requires(Permission.VOLUNTEER_DECIDE)
def start_import(public_id):
    """Take the list that was compared."""
    new_id = lists.start_import(deed=deed(), public_id=public_id)
    lists.run_short(public_id=new_id, actor=current_actor(), say=web_lists.say)
    return answer(otherwise=_url(new_id), code="started")


@bp.get("/imports/<public_id>/errors.csv")
@requires(Permission.VOLUNTEER_DECIDE)
def show_errors(public_id):
    """The rows that are refused, as a file that can be corrected and taken again."""
    return web_lists.errors_file(lists.get_errors(actor=current_actor(), public_id=public_id), public_id)
