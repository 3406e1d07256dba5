"""Posts and their recurring shifts: the pages of those who roster them."""

from typing import Any

from flask import Response, make_response, render_template, request, url_for

from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, post_views
from webapp.blueprints.rosters.typed import read_post, read_template
from webapp.domain.rosters.queries import posts as queries
from webapp.domain.rosters.services import posts as services
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json


def refused(error: LinliError, page: Any) -> Response:
    """The page again with what was typed; raises where there is none to show."""
    if error.status in {403, 404} or wants_json() or wants_fragment():
        raise error
    response = make_response(page(error), error.status)
    response.headers[ANSWER] = error.code
    return response


def choose_community(endpoint: str, permission: Permission = Permission.ROSTER_SEE, **values: Any) -> str:
    """Which community, where the actor has several; the page says so where there is none."""
    found = queries.list_communities(actor=current_actor(), permission=permission)
    return render_template(
        "rosters/choose_community.html",
        choices=[(each.name, url_for(endpoint, area=each.public_id, **values)) for each in found],
    )


@bp.get("/posts")
@requires(Permission.ROSTER_SEE)
def list_posts():
    """The posts of my areas or teams."""
    found = queries.list_posts(
        actor=current_actor(), area=request.args.get("area"), after=request.args.get("after")
    )
    return render_template(
        "rosters/posts.html",
        posts=[post_views.line(each) for each in found.posts],
        older=found.after and url_for("rosters.list_posts", area=request.args.get("area"), after=found.after),
        new_url=url_for("rosters.new_post", area=request.args.get("area"))
        if current_actor().has(Permission.TEAM_ROSTER)
        else None,
    )


@bp.get("/posts/new")
@requires(Permission.TEAM_ROSTER)
def new_post():
    """The form of a new post; first which community, where there are several."""
    area = request.args.get("area")
    if not area:
        found = queries.list_communities(actor=current_actor(), permission=Permission.ROSTER_MANAGE)
        if len(found) != 1:
            return choose_community("rosters.new_post", Permission.ROSTER_MANAGE)
        area = found[0].public_id
    return _post_page(queries.get_terms(actor=current_actor(), area=area), None)


def _post_page(
    terms: queries.PostTerms, post: queries.PostView | None, error: LinliError | None = None
) -> str:
    leads: tuple[queries.LeadChoice, ...] = ()
    if error is not None and error.code == "lead_ambiguous":
        leads = queries.find_leads(area_path=terms.area_path, name=request.form.get("lead", ""))
    form = post_views.post_form(terms, post, request.form if error else None, error, leads)
    return render_template("rosters/edit_post.html", form=form)


@bp.post("/posts")
@requires(Permission.TEAM_ROSTER)
def make_post():
    """Write a new post."""
    area = request.form.get("area", "")
    try:
        public_id = services.make_post(deed=deed(), area=area, plan=read_post(request.form))
    except LinliError as error:
        return refused(
            error,
            lambda refusal: _post_page(queries.get_terms(actor=current_actor(), area=area), None, refusal),
        )
    return answer(otherwise=url_for("rosters.show_post", public_id=public_id))


@bp.get("/posts/<public_id>")
@requires(Permission.ROSTER_SEE)
def show_post(public_id: str):
    """A post: where, what, who leads, its recurring shifts."""
    return _show(public_id)


def _show(public_id: str, error: LinliError | None = None) -> str:
    post = queries.get_post(actor=current_actor(), public_id=public_id)
    return render_template(
        "rosters/post.html",
        post=post_views.page(post, queries.list_skills()),
        said=sentence(error.code, **error.params) if error else None,
    )


def _managed_terms(post: queries.PostView) -> queries.PostTerms:
    return queries.get_terms_of(actor=current_actor(), area_path=post.area_path)


@bp.get("/posts/<public_id>/edit")
@requires(Permission.TEAM_ROSTER)
def edit_post(public_id: str):
    """The form of a post."""
    post = queries.get_managed_post(actor=current_actor(), public_id=public_id)
    return _post_page(_managed_terms(post), post)


@bp.post("/posts/<public_id>")
@requires(Permission.TEAM_ROSTER)
def save_post(public_id: str):
    """Change a post."""
    try:
        services.change_post(deed=deed(), post=public_id, plan=read_post(request.form))
    except LinliError as error:
        post = queries.get_managed_post(actor=current_actor(), public_id=public_id)
        return refused(error, lambda refusal: _post_page(_managed_terms(post), post, refusal))
    return answer(otherwise=url_for("rosters.show_post", public_id=public_id))


@bp.post("/posts/<public_id>/close")
@requires(Permission.TEAM_ROSTER)
def close_post(public_id: str):
    """Close a post that has no shifts to come."""
    return _step(services.close_post, public_id)


@bp.post("/posts/<public_id>/reopen")
@requires(Permission.TEAM_ROSTER)
def reopen_post(public_id: str):
    """Use a closed post again."""
    return _step(services.reopen_post, public_id)


def _step(service: Any, public_id: str) -> Response:
    try:
        service(deed=deed(), post=public_id)
    except LinliError as error:
        return refused(error, lambda refusal: _show(public_id, refusal))
    return answer(otherwise=url_for("rosters.show_post", public_id=public_id))


# --- recurring shifts ---------------------------------------------------------------------------------------


def _template_page(
    post: queries.PostView, template: queries.TemplateView | None, error: LinliError | None = None
) -> str:
    form = post_views.template_form(
        post, template, queries.list_skills(), request.form if error else None, error
    )
    return render_template("rosters/edit_template.html", form=form)


@bp.get("/posts/<public_id>/templates/new")
@requires(Permission.TEAM_ROSTER)
def new_template(public_id: str):
    """The form of a new recurring shift."""
    return _template_page(queries.get_managed_post(actor=current_actor(), public_id=public_id), None)


@bp.post("/posts/<public_id>/templates")
@requires(Permission.TEAM_ROSTER)
def make_template(public_id: str):
    """Write a recurring shift."""
    try:
        services.make_template(deed=deed(), post=public_id, plan=read_template(request.form))
    except LinliError as error:
        post = queries.get_managed_post(actor=current_actor(), public_id=public_id)
        return refused(error, lambda refusal: _template_page(post, None, refusal))
    return answer(otherwise=url_for("rosters.show_post", public_id=public_id))


@bp.get("/templates/<public_id>")
@requires(Permission.TEAM_ROSTER)
def edit_template(public_id: str):
    """The form of a recurring shift."""
    post, template = queries.get_template(actor=current_actor(), public_id=public_id)
    return _template_page(post, template)


@bp.post("/templates/<public_id>")
@requires(Permission.TEAM_ROSTER)
def save_template(public_id: str):
    """Change a recurring shift; what was made from it stays."""
    try:
        post = services.change_template(deed=deed(), template=public_id, plan=read_template(request.form))
    except LinliError as error:
        return refused(
            error,
            lambda refusal: _template_page(
                *queries.get_template(actor=current_actor(), public_id=public_id), refusal
            ),
        )
    return answer(otherwise=url_for("rosters.show_post", public_id=post))


@bp.post("/templates/<public_id>/end")
@requires(Permission.TEAM_ROSTER)
def end_template(public_id: str):
    """Make no more shifts from it."""
    post = services.end_template(deed=deed(), template=public_id)
    return answer(otherwise=url_for("rosters.show_post", public_id=post))
