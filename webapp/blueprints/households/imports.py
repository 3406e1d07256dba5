"""Taking a household list through the form: choose a file, read what was understood, then take it."""

from flask import Response, render_template, url_for
from flask_babel import get_locale

from webapp.base.errors import RuleBroken
from webapp.base.jobs import JobState
from webapp.base.permissions import Permission
from webapp.blueprints.households import bp
from webapp.blueprints.households.forms import ListForm
from webapp.domain.households.queries import listing
from webapp.domain.households.services import lists
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer, page_or_fragment


def _say(code, params):
    return sentence(code, **params)


@bp.get("/imports/new")
@requires(Permission.HOUSEHOLD_IMPORT)
def new_import():
    """Ask for a file."""
    form = ListForm(None)
    return render_template("households/new_import.html", form=form, **_form_context(form))


@bp.post("/imports")
@requires(Permission.HOUSEHOLD_IMPORT)
def receive_list():
    """Keep the file and read it; nothing is taken before it is confirmed."""
    form = ListForm()
    error = None
    if form.is_good:
        try:
            public_id = lists.receive_list(
                deed=deed(),
                community_code=form.community.data or "",
                content=form.file.data.stream.read(),
                file_name=form.file.data.filename or "",
                language=str(get_locale()),
            )
            lists.run_short(public_id=public_id, actor=current_actor(), say=_say)
            return answer(otherwise=url_for("households.show_import", public_id=public_id), code="received")
        except RuleBroken as refusal:
            error = refusal
    return refuse_form("households/new_import.html", form=form, error=error, **_form_context(form))


@bp.get("/imports/<public_id>")
@requires(Permission.HOUSEHOLD_IMPORT)
def show_import(public_id):
    """How far it is; then what was understood, or what came of it."""
    job = lists.get_import(actor=current_actor(), public_id=public_id)
    refusal = None
    if job.state is JobState.FAILED:
        error = job.error or {}
        refusal = sentence(error.get("code", "server_error"), **error.get("params", {}))
    return page_or_fragment(
        "households/import.html",
        "households/_import.html",
        job=job,
        is_over=job.state in {JobState.DONE, JobState.FAILED},
        is_preview=job.parameters["mode"] == "preview",
        refusal=refusal,
        result=job.result,
        words=words,
    )


@bp.post("/imports/<public_id>/take")
@requires(Permission.HOUSEHOLD_IMPORT)
def start_import(public_id):
    """Take the list that was previewed."""
    new_id = lists.start_import(deed=deed(), public_id=public_id)
    lists.run_short(public_id=new_id, actor=current_actor(), say=_say)
    return answer(otherwise=url_for("households.show_import", public_id=new_id), code="started")


@bp.get("/imports/<public_id>/errors.csv")
@requires(Permission.HOUSEHOLD_IMPORT)
def show_errors(public_id):
    """The rows that were not taken, as a file that can be corrected and taken again."""
    content = lists.get_errors(actor=current_actor(), public_id=public_id)
    response = Response(content, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="errors-{public_id[:6]}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _form_context(form):
    communities = listing.list_import_communities(actor=current_actor())
    form.community.choices = [(each.code, each.name) for each in communities]
    if not form.community.data and communities:
        form.community.data = communities[0].code
    return {"communities": communities, "words": words}
