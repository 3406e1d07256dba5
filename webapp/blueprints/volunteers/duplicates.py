"""Who is there twice: pairs with a phone in common, side by side, merged or told apart."""

from flask import Response, make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.volunteers import bp
from webapp.blueprints.volunteers.views import SOCIETIES, STATES
from webapp.domain.volunteers.queries import merging as queries
from webapp.domain.volunteers.services import merging
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer
from webapp.web.words import gettext


@bp.get("/duplicates")
@requires(Permission.VOLUNTEER_DECIDE)
def list_duplicates():
    """Pairs of volunteers who share a phone, until somebody has looked at them."""
    page = queries.list_duplicates(actor=current_actor(), after=request.args.get("after"))
    older = url_for("volunteers.list_duplicates", after=page.after) if page.after else None
    return render_template("volunteers/duplicates.html", pairs=page.pairs, older=older, words=words)


@bp.get("/duplicates/<first>/<second>")
@requires(Permission.VOLUNTEER_DECIDE)
def show_pair(first: str, second: str):
    """Two volunteers side by side."""
    return _shown(first, second)


def _shown(first: str, second: str, error: LinliError | None = None) -> Response:
    sides = queries.get_pair(actor=current_actor(), first=first, second=second, now=clock.now())
    response = make_response(
        render_template(
            "volunteers/pair.html",
            sides=sides,
            lines=_lines(sides),
            said=sentence(error.code, **error.params) if error else None,
            stays=request.form.get("stays", first),
            words=words,
        ),
        error.status if error else 200,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


def _lines(sides):
    """What is compared: (what, the one, the other)."""
    nothing = "–"
    both = {
        gettext("State"): [str(STATES[side.state][0]) for side in sides],
        gettext("Phones"): [" · ".join(side.phones) for side in sides],
        gettext("ID number"): [gettext("known") if side.has_id_number else nothing for side in sides],
        gettext("Born"): [words.full_day(side.born_on) if side.born_on else nothing for side in sides],
        gettext("Lives in"): [words.said(side.area_name) for side in sides],
        gettext("Team"): [
            words.said(side.team_name, side.team_name_en) if side.team_name else nothing for side in sides
        ],
        gettext("Organisation"): [
            words.said(side.organisation_name, side.organisation_name_en)
            if side.organisation_name
            else nothing
            for side in sides
        ],
        gettext("Society"): [str(SOCIETIES[side.society]) for side in sides],
        gettext("Can do"): [
            [words.said(name_zh, name_en) for name_zh, name_en in side.skills] or nothing for side in sides
        ],
        gettext("Certificates"): [side.certificate_count for side in sides],
        gettext("Coming shifts"): [side.coming_count for side in sides],
        gettext("Signs in"): [
            gettext("yes") if side.account_count else gettext("never so far") for side in sides
        ],
        gettext("Pledges"): [gettext("made") if side.has_pledged else gettext("not yet") for side in sides],
        gettext("Since"): [words.full_day(clock.day(side.applied_at)) for side in sides],
        gettext("Note"): [words.said(side.note) if side.note else nothing for side in sides],
    }
    return [(name, *values) for name, values in both.items()]


@bp.post("/duplicates/<first>/<second>/merge")
@requires(Permission.VOLUNTEER_DECIDE)
def merge_volunteers(first: str, second: str):
    """Make one of two; the form says who stays."""
    stays = second if request.form.get("stays") == second else first
    goes = first if stays == second else second
    try:
        merging.merge_volunteers(deed=deed(), stays=stays, goes=goes)
    except LinliError as error:
        if error.status != 422:
            raise
        return _shown(first, second, error)
    return answer(otherwise=url_for("volunteers.show_volunteer", public_id=stays), code="merged")


@bp.post("/duplicates/<first>/<second>/apart")
@requires(Permission.VOLUNTEER_DECIDE)
def keep_apart(first: str, second: str):
    """They are two people; the pair is not shown again."""
    merging.keep_apart(deed=deed(), first=first, second=second)
    return answer(otherwise=url_for("volunteers.list_duplicates"), code="apart")
