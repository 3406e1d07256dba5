"""Joining a household, and the list of households of an area."""

from datetime import timedelta

from flask import render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError, NotFound
from webapp.base.permissions import Permission
from webapp.blueprints.households import bp
from webapp.blueprints.households.forms import JoinForm
from webapp.domain.households.queries import joining, listing
from webapp.domain.households.queries.joining import JoinPlace
from webapp.domain.households.services import joining as services
from webapp.domain.people import queries as people
from webapp.web import words
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer, page_or_fragment

REFUSALS_SHOWN_FOR = timedelta(days=14)


# --- joining ------------------------------------------------------------------------------------------------


@bp.get("/join")
@requires(Permission.HOUSEHOLD_JOIN)
def new_join():
    """Ask where the person lives: the community first, unless a poster's QR code has named it."""
    place = joining.get_join_place(public_id=request.args.get("area", ""))
    refusals = joining.list_refusals(actor=current_actor(), since=clock.now() - REFUSALS_SHOWN_FOR)
    if place is None:
        return render_template(
            "households/choose_community.html",
            communities=joining.list_communities(),
            refusals=refusals,
            words=words,
        )
    form = JoinForm(None, name=_known_name(), building=place.building_public_id)
    return render_template("households/join.html", form=form, **_join_context(form, place))


@bp.post("/join")
@requires(Permission.HOUSEHOLD_JOIN)
def join_household():
    """Keep what the person said and let it wait for confirmation."""
    form = JoinForm()
    error = None
    if form.is_good:
        try:
            services.state_household(
                deed=deed(),
                name=form.name.data,
                community=form.community.data or "",
                building=form.building.data or "",
                unit=form.unit.data or "",
                number=form.number.data or "",
                stated_door=form.stated_door.data or "",
            )
            return answer(otherwise=url_for("home.show_home"), code="waiting")
        except LinliError as refusal:
            error = refusal
    place = joining.get_join_place(public_id=form.community.data or "")
    if place is None:
        raise error or NotFound()
    return refuse_form("households/join.html", form=form, error=error, **_join_context(form, place))


def _known_name() -> str:
    try:
        return people.get_own(actor=current_actor()).name
    except NotFound:
        return ""


def _join_context(form: JoinForm, place: JoinPlace) -> dict[str, object]:
    units, numbers = joining.list_door_parts(path=place.community_path)
    buildings = listing.list_buildings(path=place.community_path)
    form.community.data = place.community_public_id
    form.building.choices = [("", "—"), *((each.public_id, each.name) for each in buildings)]
    form.unit.choices = [("", "—"), *((unit, unit) for unit in units if unit)]
    form.number.choices = [("", "—"), *((number, number) for number in numbers)]
    return {"place": place, "has_list": bool(buildings), "words": words}


# --- the list -----------------------------------------------------------------------------------------------


@bp.get("")
@requires(Permission.HOUSEHOLD_LIST)
def list_households():
    """The households of the actor's areas, or those that a search finds."""
    actor = current_actor()
    text = request.args.get("q", "").strip()[:60]
    area, after = request.args.get("area") or None, request.args.get("after") or None
    if text:
        page = listing.search_households(actor=actor, text=text)
    else:
        page = listing.list_households(actor=actor, area=area, after=after)
    return page_or_fragment(
        "households/list.html",
        "households/_rows.html",
        page=page,
        text=text,
        area=area,
        buildings=listing.list_own_buildings(actor=actor) if not after and not text else (),
        older=url_for("households.list_households", area=area, after=page.after) if page.after else None,
        newer=url_for("households.list_households", area=area) if after else None,
        may_import=actor.has(Permission.HOUSEHOLD_IMPORT),
        words=words,
    )
