"""A head's pages of bags: what is offered and what is in them."""

from flask import Response, make_response, render_template, request, url_for

from webapp.base.errors import LinliError, RuleBroken
from webapp.base.permissions import Permission
from webapp.blueprints.supplies import bp, round_views
from webapp.blueprints.supplies.forms import ITEM_ROWS, read_items
from webapp.domain.supplies import services
from webapp.domain.supplies.queries import head
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json


def _area() -> str | None:
    """The community in the address, or the only one that there is."""
    area = request.args.get("area")
    if area:
        return area
    communities = head.list_communities(actor=current_actor())
    return communities[0].public_id if len(communities) == 1 else None


def _choose(endpoint: str) -> str:
    communities = head.list_communities(actor=current_actor())
    return render_template(
        "supplies/choose_community.html",
        choices=[(each.name, url_for(endpoint, area=each.public_id)) for each in communities],
    )


@bp.get("/bags")
@requires(Permission.ROUND_MANAGE)
def list_bags():
    """The bags of my community, or first which community."""
    area = _area()
    if area is None:
        return _choose("supplies.list_bags")
    bags = head.list_bags(actor=current_actor(), area=area)
    return render_template(
        "supplies/bags.html",
        bags=[round_views.bag_line(bag) for bag in bags],
        new_url=url_for("supplies.new_bag", area=area),
    )


@bp.get("/bags/new")
@requires(Permission.ROUND_MANAGE)
def new_bag():
    """An empty form."""
    area = _area()
    if area is None:
        return _choose("supplies.new_bag")
    head.list_bags(actor=current_actor(), area=area)
    return render_template(
        "supplies/bag.html", form=round_views.bag_form(area, None, ITEM_ROWS, None), said=None, field=None
    )


@bp.post("/bags")
@requires(Permission.ROUND_MANAGE)
def make_bag():
    """Write a new bag."""
    return _save(None, request.form.get("area", ""))


@bp.get("/bags/<public_id>")
@requires(Permission.ROUND_MANAGE)
def edit_bag(public_id: str):
    """The form of a bag."""
    bag = head.get_bag(actor=current_actor(), public_id=public_id)
    return render_template(
        "supplies/bag.html", form=round_views.bag_form(bag.area, bag, ITEM_ROWS, None), said=None, field=None
    )


@bp.post("/bags/<public_id>")
@requires(Permission.ROUND_MANAGE)
def save_bag(public_id: str):
    """Change a bag."""
    bag = head.get_bag(actor=current_actor(), public_id=public_id)
    return _save(bag, bag.area)


def _save(bag: head.BagView | None, area: str) -> Response:
    form = request.form
    try:
        name = form.get("name", "").strip()[:40]
        if not name:
            raise RuleBroken("bag_name_missing", field="name")
        services.save_bag(
            deed=deed(),
            area_public_id=area,
            bag_public_id=bag.public_id if bag else None,
            name=name,
            name_en=form.get("name_en", "").strip()[:60] or None,
            is_basic=form.get("is_basic") == "1",
            is_offered=form.get("is_offered") == "1",
            items=read_items(form),
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        response = make_response(
            render_template(
                "supplies/bag.html",
                form=round_views.bag_form(area, bag, ITEM_ROWS, form),
                said=sentence(error.code, **error.params),
                field=error.field,
            ),
            error.status,
        )
        response.headers[ANSWER] = error.code
        return response
    return answer(otherwise=url_for("supplies.list_bags", area=area))
