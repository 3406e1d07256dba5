"""Taking a household list through the form: choose a file, read what was understood, then take it."""

from flask import render_template, url_for
from flask_babel import get_locale

from webapp.base.permissions import Permission
from webapp.blueprints.households import bp
from webapp.blueprints.households.forms import HouseholdListForm
from webapp.domain.households.queries import listing
from webapp.domain.households.services import lists
from webapp.web import lists as web_lists
from webapp.web import words
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer


@bp.get("/imports/new")
@requires(Permission.HOUSEHOLD_IMPORT)
def new_import():
    """Ask for a file."""
    form = HouseholdListForm(None)
    return render_template("households/new_import.html", form=form, **_form_context(form))


def _form_context(form):
    communities = listing.list_import_communities(actor=current_actor())
    web_lists.choose_area(form.community, communities)
    return {"communities": communities, "words": words}


@bp.post("/imports")
@requires(Permission.HOUSEHOLD_IMPORT)
def receive_list():
    """Keep the file and read it; nothing is taken before it is confirmed."""
    form = HouseholdListForm()

    def take():
        public_id = lists.receive_list(
            deed=deed(),
            community_code=form.community.data or "",
            content=form.content,
            file_name=form.file_name,
            language=str(get_locale()),
        )
        lists.run_short(public_id=public_id, actor=current_actor(), say=web_lists.say)
        return public_id

    return web_lists.receive(
        form, take=take, show=_url, template="households/new_import.html", context=_form_context
    )


def _url(public_id):
    return url_for("households.show_import", public_id=public_id)


@bp.get("/imports/<public_id>")
@requires(Permission.HOUSEHOLD_IMPORT)
def show_import(public_id):
    """How far it is; then what was understood, or what came of it."""
    job = lists.get_import(actor=current_actor(), public_id=public_id)
    return web_lists.progress("households/import.html", "households/_import.html", job)


@bp.post("/imports/<public_id>/take")
@requires(Permission.HOUSEHOLD_IMPORT)
def start_import(public_id):
    """Take the list that was previewed."""
    new_id = lists.start_import(deed=deed(), public_id=public_id)
    lists.run_short(public_id=new_id, actor=current_actor(), say=web_lists.say)
    return answer(otherwise=_url(new_id), code="started")


@bp.get("/imports/<public_id>/errors.csv")
@requires(Permission.HOUSEHOLD_IMPORT)
def show_errors(public_id):
    """The rows that were not taken, as a file that can be corrected and taken again."""
    return web_lists.errors_file(lists.get_errors(actor=current_actor(), public_id=public_id), public_id)
