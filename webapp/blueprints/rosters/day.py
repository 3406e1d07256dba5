"""The day of a volunteer: my shift, the code at the post, check in and out, the hand-over note."""

from datetime import datetime

from flask import Response, current_app, make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, day_views
from webapp.domain.areas import queries as areas
from webapp.domain.rosters import services
from webapp.domain.rosters.queries import day, links
from webapp.domain.rosters.rules import LinkKind
from webapp.web import pages, pdf, qr, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json

KEEP = ("X-Offline", "keep")
PDF = "application/pdf"


def read_press(text: str | None) -> datetime | None:
    """When the phone says that a button was pressed; None where it says nothing that can be read."""
    try:
        pressed = datetime.fromisoformat((text or "")[:40])
    except ValueError:
        return None
    return pressed if pressed.tzinfo is not None else None


@bp.get("/my-shift")
@requires(Permission.SHIFT_TAKE)
def show_my_shift():
    """我的班: today's and tonight's, with the buttons to come and go; kept on the phone."""
    return _my_shift()


def _my_shift(*, status: int = 200, error: LinliError | None = None) -> Response:
    now = clock.now()
    own = day.list_own_day(actor=current_actor(), now=now)
    if own:
        pages.use_place(areas.get_place(own[0].shift.area_path))
    response = make_response(
        render_template(
            "rosters/my_shift.html",
            shifts=[day_views.own_shift(each, now) for each in own],
            typed=request.form.get("code", "") if error else "",
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    else:
        response.headers.add(*KEEP)
    return response


@bp.get("/check-in/<post>/<code>")
@requires(Permission.SHIFT_TAKE)
def show_check_in(post: str, code: str):
    """What the code on the poster opens: the reader's shift at this post, and one button."""
    return _check_in_page(post, code)


def _check_in_page(post: str, code: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    now = clock.now()
    found = day.get_check_in(actor=current_actor(), post=post, code=code, now=now)
    pages.use_place(areas.get_place(found.area_path))
    response = make_response(
        render_template(
            "rosters/check_in.html",
            post=words.said(found.name, found.name_en),
            place=words.said(found.place),
            shifts=[day_views.own_shift(each, now, code=code) for each in found.shifts],
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.post("/shifts/<public_id>/check-in")
@requires(Permission.SHIFT_TAKE)
def check_in(public_id: str):
    """签到: with the code of the post, at once or from the phone's outbox."""
    try:
        services.check_in(
            deed=deed(),
            shift=public_id,
            code=request.form.get("code", "")[:200],
            phone_at=read_press(request.form.get("phone_at")),
        )
    except LinliError as error:
        return _refused(error)
    return answer(otherwise=url_for("rosters.show_my_shift"), code="checked_in")


@bp.post("/shifts/<public_id>/check-out")
@requires(Permission.SHIFT_TAKE)
def check_out(public_id: str):
    """签退."""
    try:
        services.check_out(
            deed=deed(),
            shift=public_id,
            code=request.form.get("code", "")[:200] or None,
            phone_at=read_press(request.form.get("phone_at")),
        )
    except LinliError as error:
        return _refused(error)
    return answer(otherwise=url_for("rosters.show_my_shift"), code="checked_out")


@bp.post("/shifts/<public_id>/notes")
@requires(Permission.SHIFT_TAKE)
def write_note(public_id: str):
    """Leave a hand-over note; whoever leads the shift comes back to roll call, everybody else to their shift."""
    try:
        services.write_note(deed=deed(), shift=public_id, text=request.form.get("text", ""))
    except LinliError as error:
        return _refused(error)
    came_from = request.form.get("from")
    back = (
        url_for("rosters.show_roll_call", public_id=public_id)
        if came_from == "roll-call"
        else url_for("rosters.show_my_shift")
    )
    return answer(otherwise=back, code="noted")


def _refused(error: LinliError) -> Response:
    """The page of one's shift with the reason; a wrong code is a typing mistake there, not a page that is missing."""
    is_code = error.code in {"check_in_code_wrong", "code_renewed"}
    if wants_json() or wants_fragment() or (error.status in {403, 404} and not is_code):
        raise error
    return _my_shift(status=error.status, error=error)


# --- the code at the post -----------------------------------------------------------------------------------


def _check_in_url(post: day.PostCode) -> str:
    path = url_for("rosters.show_check_in", post=post.public_id, code=post.code)
    return f"{current_app.config['PUBLIC_URL']}{path}"


@bp.get("/posts/<public_id>/code")
@requires(Permission.SHIFT_TAKE)
def show_code(public_id: str):
    """The check-in code of a post for who leads it: to show, to print, to renew; and its wall page."""
    post = day.get_post_code(actor=current_actor(), public_id=public_id)
    pages.use_place(areas.get_place(post.area_path))
    wall = None
    if post.may_manage:
        subject = links.get_subject(actor=current_actor(), kind=LinkKind.WALL, public_id=public_id)
        live = links.get_live(subject=subject)
        wall = {
            "is_live": live is not None,
            "url": f"{current_app.config['PUBLIC_URL']}{url_for('rosters.show_wall', token=live.token)}"
            if live and live.token
            else None,
        }
    return render_template(
        "rosters/code.html",
        post=words.said(post.name, post.name_en),
        place=words.said(post.place),
        code=post.code,
        drawing=qr.svg(_check_in_url(post), label=words.gettext("Check-in code of this post")),
        poster=url_for("rosters.show_poster", public_id=public_id),
        renew=url_for("rosters.renew_code", public_id=public_id) if post.may_manage else None,
        wall=wall,
        make_wall=url_for("rosters.make_wall", public_id=public_id),
        revoke_wall=url_for("rosters.revoke_wall", public_id=public_id),
    )


@bp.get("/posts/<public_id>/code.pdf")
@requires(Permission.SHIFT_TAKE)
def show_poster(public_id: str):
    """The poster with the code, A4, to hang at the post."""
    post = day.get_post_code(actor=current_actor(), public_id=public_id)
    place = areas.get_place(post.area_path)
    address = _check_in_url(post)
    printed = pdf.render(
        "rosters/pdf/code.html",
        language="zh_Hans",
        name=post.name,
        place=post.place,
        office=place.unit_line or "",
        hotline=place.hotline or "",
        code=post.code,
        address=current_app.config["PUBLIC_URL"].partition("://")[2],
        qr=qr.data_uri(address),
    )
    response = make_response(printed.bytes)
    response.headers["Content-Type"] = PDF
    response.headers["Content-Disposition"] = f'inline; filename="check-in-{post.version}.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.post("/posts/<public_id>/code/renew")
@requires(Permission.SHIFT_TAKE)
def renew_code(public_id: str):
    """A new code: the posters with the old one no longer check anybody in."""
    services.renew_code(deed=deed(), post=public_id)
    return answer(otherwise=url_for("rosters.show_code", public_id=public_id), code="renewed")
