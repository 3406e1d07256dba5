"""Taking a list of volunteers through the form: choose a file, read what it would do, then take it."""

from flask import Response, current_app, render_template, url_for
from flask_babel import get_locale, gettext, lazy_gettext
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField

from webapp.base.errors import RuleBroken
from webapp.base.jobs import JobState
from webapp.base.permissions import Permission
from webapp.blueprints.volunteers import bp
from webapp.domain.volunteers.queries import imports as queries
from webapp.domain.volunteers.services import lists
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.forms import LinliForm, refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer, page_or_fragment

_l = lazy_gettext


class VolunteerListForm(LinliForm):
    """A list of volunteers to take."""

    area = SelectField(_l("Community"), validate_choice=False)
    file = FileField(
        _l("The list as CSV or XLSX"),
        [FileRequired(_l("Please choose a file."))],
        render_kw={"accept": ".csv,.txt,.xlsx,text/csv"},
    )


def _say(code, params):
    return sentence(code, **params)


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


def _outcome(kind):
    """What a row does, in the reader's words, and its tone."""
    return {
        "added": (gettext("new"), "good"),
        "changed": (gettext("changed"), "info"),
        "unchanged": (gettext("as before"), "plain"),
    }[kind]


@bp.get("/imports/new")
@requires(Permission.VOLUNTEER_DECIDE)
def new_import():
    """Ask for a file."""
    form = VolunteerListForm(None)
    return render_template("volunteers/new_import.html", form=form, **_form_context(form))


@bp.post("/imports")
@requires(Permission.VOLUNTEER_DECIDE)
def receive_list():
    """Keep the file and compare it; nothing is taken before it is confirmed."""
    form = VolunteerListForm()
    error = None
    if form.is_good:
        try:
            public_id = lists.receive_list(
                deed=deed(),
                area_code=form.area.data or "",
                content=form.file.data.stream.read(),
                file_name=form.file.data.filename or "",
                language=str(get_locale()),
                minors_allowed=current_app.config["VOLUNTEERS_FROM_16"],
            )
            lists.run_short(public_id=public_id, actor=current_actor(), say=_say)
            return answer(otherwise=url_for("volunteers.show_import", public_id=public_id), code="received")
        except RuleBroken as refusal:
            error = refusal
    return refuse_form("volunteers/new_import.html", form=form, error=error, **_form_context(form))


@bp.get("/imports/<public_id>")
@requires(Permission.VOLUNTEER_DECIDE)
def show_import(public_id):
    """How far it is; then what the list would do, or what came of it."""
    job = lists.get_import(actor=current_actor(), public_id=public_id)
    refusal = None
    if job.state is JobState.FAILED:
        error = job.error or {}
        refusal = sentence(error.get("code", "server_error"), **error.get("params", {}))
    return page_or_fragment(
        "volunteers/import.html",
        "volunteers/_import.html",
        job=job,
        is_over=job.state in {JobState.DONE, JobState.FAILED},
        is_preview=job.parameters["mode"] == "preview",
        refusal=refusal,
        result=job.result,
        column=_column,
        outcome=_outcome,
        words=words,
    )


@bp.post("/imports/<public_id>/take")
@requires(Permission.VOLUNTEER_DECIDE)
def start_import(public_id):
    """Take the list that was compared."""
    new_id = lists.start_import(deed=deed(), public_id=public_id)
    lists.run_short(public_id=new_id, actor=current_actor(), say=_say)
    return answer(otherwise=url_for("volunteers.show_import", public_id=new_id), code="started")


@bp.get("/imports/<public_id>/errors.csv")
@requires(Permission.VOLUNTEER_DECIDE)
def show_errors(public_id):
    """The rows that are refused, as a file that can be corrected and taken again."""
    content = lists.get_errors(actor=current_actor(), public_id=public_id)
    response = Response(content, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="errors-{public_id[:6]}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _form_context(form):
    areas = queries.list_import_areas(actor=current_actor())
    form.area.choices = [(each.code, each.name) for each in areas]
    if not form.area.data and areas:
        form.area.data = areas[0].code
    return {"areas": areas}
