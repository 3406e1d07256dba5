"""Taking a list of reservists through the form: choose a file, read what it would do, then take it."""

from flask import render_template, url_for
from flask_babel import get_locale, gettext, lazy_gettext
from wtforms import SelectField

from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp
from webapp.domain.mobilization.queries import enrolling as queries
from webapp.domain.mobilization.services import reserve_lists as lists
from webapp.web import lists as web_lists
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer

_l = lazy_gettext


class ReserveListForm(web_lists.ListForm):
    """A list of reservists to take."""

    area = SelectField(_l("Area"), validate_choice=False)


def _column(name):
    """A column of the list in the reader's words."""
    return {
        "phone": gettext("phone"),
        "id_no": gettext("ID number"),
        "category": gettext("category"),
        "unit": gettext("unit"),
        "team": gettext("team"),
        "area": gettext("where they live or work"),
        "skills": gettext("what they can do"),
        "note": gettext("note"),
        "reserve": gettext("back in the reserve"),
    }[name]


@bp.get("/reserve/imports/new")
@requires(Permission.RESERVE_MANAGE)
def new_import():
    """Ask for a file."""
    form = ReserveListForm(None)
    return render_template("mobilization/new_import.html", form=form, **_form_context(form))


def _form_context(form):
    areas = queries.list_enrol_areas(actor=current_actor())
    web_lists.choose_area(form.area, areas)
    return {"areas": areas}


@bp.post("/reserve/imports")
@requires(Permission.RESERVE_MANAGE)
def receive_list():
    """Keep the file and compare it; nothing is taken before it is confirmed."""
    form = ReserveListForm()

    def take():
        public_id = lists.receive_list(
            deed=deed(),
            area_code=form.area.data or "",
            content=form.content,
            file_name=form.file_name,
            language=str(get_locale()),
        )
        lists.run_short(public_id=public_id, actor=current_actor(), say=web_lists.say)
        return public_id

    return web_lists.receive(
        form, take=take, show=_url, template="mobilization/new_import.html", context=_form_context
    )


def _url(public_id):
    return url_for("mobilization.show_import", public_id=public_id)


@bp.get("/reserve/imports/<public_id>")
@requires(Permission.RESERVE_MANAGE)
def show_import(public_id):
    """How far it is; then what the list would do, or what came of it."""
    job = lists.get_import(actor=current_actor(), public_id=public_id)
    return web_lists.progress(
        "mobilization/import.html",
        "mobilization/_import.html",
        job,
        column=_column,
        outcome=web_lists.outcome,
    )


@bp.post("/reserve/imports/<public_id>/take")
@requires(Permission.RESERVE_MANAGE)
def start_import(public_id):
    """Take the list that was compared."""
    new_id = lists.start_import(deed=deed(), public_id=public_id)
    lists.run_short(public_id=new_id, actor=current_actor(), say=web_lists.say)
    return answer(otherwise=_url(new_id), code="started")


@bp.get("/reserve/imports/<public_id>/errors.csv")
@requires(Permission.RESERVE_MANAGE)
def show_errors(public_id):
    """The rows that are refused, as a file that can be corrected and taken again."""
    return web_lists.errors_file(lists.get_errors(actor=current_actor(), public_id=public_id), public_id)
