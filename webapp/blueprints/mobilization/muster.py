"""Roll call 点名 of a call-up, who joins on the spot, more places, replacement, welfare checks, the code at the point."""

import re
from collections.abc import Mapping

from flask import Response, current_app, make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import Conflict, LinliError, RuleBroken
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, muster_views
from webapp.blueprints.mobilization.check_in import read_press
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization.queries import muster as queries
from webapp.domain.mobilization.rules import Mark
from webapp.domain.mobilization.services import muster as services
from webapp.domain.mobilization.services import shift_making
from webapp.domain.mobilization.services.muster import Typed
from webapp.web import pages, qr, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json
from webapp.web.words import gettext
from webapp.web.written import read_written_time

KEEP = ("X-Offline", "keep")
_KEY = re.compile(r"was-([0-9A-Za-z]{22})")


def read_lines(form: Mapping[str, str]) -> list[Typed]:
    """The lines that somebody changed."""
    lines = []
    for name, text in form.items():
        found = _KEY.fullmatch(name)
        if found is None:
            continue
        key = found[1]
        was, arrived_was, left_was, post_was = [*text.split("|", 3), "", "", ""][:4]
        word = form.get(f"mark-{key}", was)
        arrived = form.get(f"arrived-{key}", arrived_was).strip()
        left = form.get(f"left-{key}", left_was).strip()
        post = form.get(f"post-{key}", post_was).strip()
        # A time that somebody wrote says that the person came.
        if word == was and word != Mark.PRESENT and (arrived or left):
            word = Mark.PRESENT
        if (word, arrived, left, post) == (was, arrived_was, left_was, post_was):
            continue
        version = form.get(f"version-{key}", "")
        try:
            mark = Mark(word)
        except ValueError as error:
            raise RuleBroken("bad_request") from error
        is_present = mark is Mark.PRESENT
        lines.append(
            Typed(
                summons=key,
                mark=mark,
                version=int(version) if version.isdecimal() and len(version) < 10 else 0,
                arrived=read_written_time(arrived) if is_present else None,
                left=read_written_time(left) if is_present else None,
                assigned_to=post,
            )
        )
    return lines


def _said_changed(error: LinliError) -> LinliError:
    """What somebody else wrote meanwhile, in words; and the versions with which one tap agrees to write over it."""
    if error.code != "muster_changed":
        return error
    changed = error.params.get("changed", ())
    return Conflict(
        "muster_changed",
        people=gettext("; ").join(muster_views.changed(line) for line in changed)
        or gettext("somebody is no longer on the list"),
        people_ids=frozenset(line.summons for line in changed),
        confirm={f"version-{line.summons}": str(line.version) for line in changed} or None,
    )


@bp.get("/call-ups/<public_id>/muster")
@requires(Permission.MUSTER_MARK)
def show_muster(public_id: str):
    """集结点名: 到了 / 没到 / 还不知道. 没勾不等于没来."""
    return _page(public_id)


def _of_sheet() -> dict[str, str | None]:
    """The code on a printed roster leads here with the sheet, and with the team that it is about."""
    return {name: request.args.get(name) or None for name in ("part", "sheet")}


def _page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    now = clock.now()
    given = _of_sheet()
    found = queries.get_muster(
        actor=current_actor(),
        public_id=public_id,
        now=now,
        team=given["part"] and given["part"].removeprefix("team:"),
        as_printed=given["sheet"] is not None,
    )
    pages.use_place(areas.get_place(found.area_path))
    typed = {}
    if error is not None:
        # What somebody else wrote stands; all other fields keep what was typed.
        overtaken = error.params.get("people_ids", frozenset())
        typed = {
            name: text for name, text in request.form.items() if name.rpartition("-")[2] not in overtaken
        }
    response = make_response(
        render_template(
            "mobilization/muster.html",
            muster=muster_views.muster(found, now, typed),
            call_up=url_for("mobilization.show_call_up", public_id=public_id),
            action=url_for("mobilization.save_muster", public_id=public_id, **_of_sheet()),
            walk_ins=url_for("mobilization.show_walk_ins", public_id=public_id),
            more=url_for("mobilization.raise_places", public_id=public_id),
            board=url_for("mobilization.show_board", public_id=public_id) if found.is_whole else None,
            point=url_for("mobilization.show_point_code", public_id=public_id),
            shift=url_for("mobilization.new_shift", public_id=public_id) if found.may_manage else None,
            stand_down=url_for("mobilization.show_stand_down", public_id=public_id)
            if found.may_manage
            else None,
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    else:
        response.headers.add(*KEEP)
    return response


@bp.post("/call-ups/<public_id>/muster")
@requires(Permission.MUSTER_MARK)
def save_muster(public_id: str):
    """保存点名."""
    try:
        services.save_muster(deed=deed(), call_up=public_id, lines=read_lines(request.form))
    except LinliError as found:
        error = _said_changed(found)
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise error from found
        return _page(public_id, status=error.status, error=error)
    target = url_for("mobilization.show_muster", public_id=public_id, **_of_sheet())
    return answer(otherwise=target, code="called")


@bp.post("/call-ups/<public_id>/places")
@requires(Permission.CALL_UP_MANAGE)
def raise_places(public_id: str):
    """再要 n 人: who is there without a place gets one first, the rest is called for."""
    count = request.form.get("count", "")
    try:
        services.raise_places(
            deed=deed(),
            call_up=public_id,
            role=request.form.get("role", "")[:22],
            count=int(count) if count.isdecimal() and len(count) < 5 else 0,
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("mobilization.show_muster", public_id=public_id), code="raised")


@bp.post("/summonses/<public_id>/replace")
@requires(Permission.MUSTER_MARK)
def replace_missing(public_id: str):
    """换人: the place of somebody who did not come is called for again."""
    call_up = services.replace_missing(deed=deed(), summons=public_id)
    return answer(otherwise=url_for("mobilization.show_muster", public_id=call_up), code="replaced")


@bp.post("/summonses/<public_id>/welfare")
@requires(Permission.MUSTER_MARK)
def check_welfare(public_id: str):
    """问候过了: somebody has seen that they are well."""
    call_up = services.check_welfare(deed=deed(), summons=public_id)
    return answer(otherwise=url_for("mobilization.show_muster", public_id=call_up), code="checked")


# --- walk-ins -----------------------------------------------------------------------------------------------


@bp.get("/call-ups/<public_id>/muster/walk-ins")
@requires(Permission.MUSTER_MARK)
def show_walk_ins(public_id: str):
    """现场加入: found by name in the reserve, by slip, or written down with a phone."""
    return _walk_ins(public_id)


def _walk_ins(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    actor, now = current_actor(), clock.now()
    muster = queries.get_muster(actor=actor, public_id=public_id, now=now)
    pages.use_place(areas.get_place(muster.area_path))
    text = request.values.get("find", "").strip()[:60]
    found = queries.find_reservists(actor=actor, public_id=public_id, text=text) if text else []
    shown = muster_views.muster(muster, now)
    response = make_response(
        render_template(
            "mobilization/walk_ins.html",
            muster=shown,
            roles=[("", gettext("Where they are needed"))]
            + [(each.public_id, words.said(each.name)) for each in muster.roles],
            back=url_for("mobilization.show_muster", public_id=public_id),
            action=url_for("mobilization.add_walk_in", public_id=public_id),
            search=url_for("mobilization.show_walk_ins", public_id=public_id),
            find=text,
            found=[
                (
                    each.reservist,
                    words.said(each.name),
                    each.phone_tail,
                    words.said(each.team) if each.team else "",
                )
                for each in found
            ],
            typed={name: request.form.get(name, "") for name in ("name", "phone", "slip", "role")},
            fields={error.field: sentence(error.code, **error.params)} if error and error.field else {},
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    elif not text:
        response.headers.add(*KEEP)
    return response


@bp.post("/call-ups/<public_id>/muster/walk-ins")
@requires(Permission.MUSTER_MARK)
def add_walk_in(public_id: str):
    """Put somebody who is there onto the roll."""
    form = request.form
    try:
        services.add_walk_in(
            deed=deed(),
            call_up=public_id,
            role=form.get("role", "")[:22],
            reservist=form.get("reservist", "")[:22],
            name=form.get("name", ""),
            phone=form.get("phone", ""),
            slip=form.get("slip", "")[:20],
            phone_at=read_press(form.get("phone_at")),
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _walk_ins(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("mobilization.show_muster", public_id=public_id), code="joined")


# --- the code at the point ----------------------------------------------------------------------------------


@bp.get("/call-ups/<public_id>/code")
@requires(Permission.MUSTER_MARK)
def show_point_code(public_id: str):
    """The code at the muster point: to show on a screen, or to print and hang; to renew."""
    now = clock.now()
    found = queries.get_point_code(actor=current_actor(), public_id=public_id)
    pages.use_place(areas.get_place(found.area_path))
    path = url_for("mobilization.show_check_in", public_id=found.public_id, code=found.code)
    return render_template(
        "mobilization/code.html",
        title=words.said(found.title),
        is_drill=found.is_drill,
        point=words.said(found.muster_point),
        landmark=words.said(found.landmark) if found.landmark else None,
        when=words.moment(found.starts_at, now=now),
        code=found.code,
        drawing=qr.svg(
            f"{current_app.config['PUBLIC_URL']}{path}", label=gettext("Check-in code of this muster point")
        ),
        renew=url_for("mobilization.renew_point_code", public_id=public_id) if found.may_manage else None,
        back=url_for("mobilization.show_muster", public_id=public_id),
    )


@bp.post("/call-ups/<public_id>/code")
@requires(Permission.CALL_UP_MANAGE)
def renew_point_code(public_id: str):
    """A new code: what hangs at the point no longer checks anybody in."""
    services.renew_code(deed=deed(), call_up=public_id)
    return answer(otherwise=url_for("mobilization.show_point_code", public_id=public_id), code="renewed")


# --- a shift of those who mustered --------------------------------------------------------------------------


@bp.get("/call-ups/<public_id>/shift")
@requires(Permission.CALL_UP_MANAGE)
def new_shift(public_id: str):
    """编班: a post, and whoever is here goes onto a shift of it, so that the hours count."""
    return _shift_page(public_id)


def _shift_page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    found = queries.get_shift_terms(actor=current_actor(), public_id=public_id, now=clock.now())
    pages.use_place(areas.get_place(found.area_path))
    total = sum(count for _, _, count in found.here)
    response = make_response(
        render_template(
            "mobilization/new_shift.html",
            title=words.said(found.title),
            is_drill=found.is_drill,
            total=total,
            roles=[("", gettext("Everybody who is here (%(count)s)", count=total))]
            + [(role, words.said(f"{name} ({count})")) for role, name, count in found.here],
            posts=[("", gettext("A new post"))]
            + [(each.public_id, words.said(each.name, each.name_en)) for each in found.posts],
            may_make_posts=found.may_make_posts,
            action=url_for("mobilization.make_shift", public_id=public_id),
            back=url_for("mobilization.show_muster", public_id=public_id),
            typed={name: request.form.get(name, "") for name in ("role", "post")}
            | {"new_post": request.form.get("new_post", found.muster_point)},
            fields={error.field: sentence(error.code, **error.params)} if error and error.field else {},
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.post("/call-ups/<public_id>/shift")
@requires(Permission.CALL_UP_MANAGE)
def make_shift(public_id: str):
    """Make the shift, or add who came since to the one that goes on."""
    form = request.form
    try:
        made = shift_making.make_shift(
            deed=deed(),
            call_up=public_id,
            role=form.get("role", "")[:22],
            post=form.get("post", "")[:22],
            new_post=form.get("new_post", "")[:200],
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _shift_page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("rosters.show_roll_call", public_id=made.shift), code="made")
