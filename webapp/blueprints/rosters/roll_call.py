"""Roll call 点名 of a shift, of a sign-in sheet that came back, and who joins on the spot."""

import re
from collections.abc import Mapping

from flask import Response, make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import Conflict, LinliError, RuleBroken
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, day_views, said
from webapp.blueprints.rosters.day import KEEP, read_press
from webapp.domain.areas import queries as areas
from webapp.domain.rosters import services
from webapp.domain.rosters.queries import day
from webapp.domain.rosters.queries.day import RollCall
from webapp.domain.rosters.rules import Mark
from webapp.domain.rosters.services import Typed
from webapp.web import pages, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json
from webapp.web.words import gettext
from webapp.web.written import read_written_time

_KEY = re.compile(r"was-([0-9A-Za-z]{22})-([0-9A-Za-z]{22})")


def read_lines(form: Mapping[str, str], absent: list[str]) -> list[Typed]:
    """The lines that somebody changed. With `all` everybody not known yet came as planned, except who is ticked."""
    lines = []
    for name, text in form.items():
        found = _KEY.fullmatch(name)
        if found is None:
            continue
        key = name.removeprefix("was-")
        was, arrived_was, left_was = [*text.split("|"), "", ""][:3]
        if form.get("all") == "1":
            word = was if was != Mark.UNKNOWN else Mark.ABSENT if key in absent else Mark.PRESENT
            arrived, left = arrived_was, left_was
        else:
            word = form.get(f"mark-{key}", was)
            arrived = form.get(f"arrived-{key}", arrived_was).strip()
            left = form.get(f"left-{key}", left_was).strip()
        # A time that somebody wrote says that the person came.
        if word == Mark.UNKNOWN == was and (arrived or left):
            word = Mark.PRESENT
        if (word, arrived, left) == (was, arrived_was, left_was):
            continue
        version = form.get(f"version-{key}", "")
        try:
            mark = Mark(word)
        except ValueError as error:
            raise RuleBroken("bad_request") from error
        lines.append(
            Typed(
                shift=found[1],
                person=found[2],
                mark=mark,
                version=int(version) if version.isdecimal() and len(version) < 10 else 0,
                arrived=read_written_time(arrived) if mark is Mark.PRESENT else None,
                left=read_written_time(left) if mark is Mark.PRESENT else None,
            )
        )
    return lines


def _said_changed(error: LinliError) -> LinliError:
    """What somebody else wrote meanwhile, in words; and the versions with which one tap agrees to write over it."""
    if error.code != "roll_call_changed":
        return error
    changed = error.params.get("changed", ())
    shifts = {each.partition("-")[2].partition("-")[0] for each in request.form if _KEY.fullmatch(each)}
    keys = {
        f"version-{shift}-{line.person}": str(line.version)
        for line in changed
        for shift in shifts
        if f"was-{shift}-{line.person}" in request.form
    }
    return Conflict(
        "roll_call_changed",
        people=gettext("; ").join(day_views.changed(line) for line in changed)
        or gettext("somebody is no longer on the list"),
        people_ids=frozenset(line.person for line in changed),
        confirm=keys or None,
    )


@bp.get("/shifts/<public_id>/roll-call")
@requires(Permission.SHIFT_TAKE)
def show_roll_call(public_id: str):
    """点名: 到了 / 没到 / 还不知道. 没勾不等于没来."""
    return _page(public_id)


def _page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    call = day.get_roll_call(actor=current_actor(), public_id=public_id, now=clock.now())
    return _shown(
        call,
        "rosters/roll_call.html",
        url_for("rosters.save_roll_call", public_id=public_id),
        status=status,
        error=error,
    )


def _shown(call: RollCall, template: str, action: str, *, status: int, error: LinliError | None) -> Response:
    now = clock.now()
    first = call.shifts[0]
    pages.use_place(areas.get_place(first.area_path))
    typed = {}
    if error is not None:
        # What somebody else wrote stands; all other fields keep what was typed.
        overtaken = error.params.get("people_ids", frozenset())
        typed = {
            name: text for name, text in request.form.items() if name.rpartition("-")[2] not in overtaken
        }
    response = make_response(
        render_template(
            template,
            post=words.said(first.post_name, first.post_name_en),
            plain=day_views.label(first),
            time=words.clock_time(first.starts_at),
            day=words.full_day(first.day),
            shifts=day_views.roll_call(call, now, typed),
            action=action,
            notes=day_views.notes(call.notes, now),
            note=url_for("rosters.write_note", public_id=first.public_id),
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    else:
        response.headers.add(*KEEP)
    return response


@bp.post("/shifts/<public_id>/roll-call")
@requires(Permission.SHIFT_TAKE)
def save_roll_call(public_id: str):
    """保存点名."""
    try:
        lines = read_lines(request.form, request.form.getlist("absent"))
        services.save_roll_call(deed=deed(), shift=public_id, lines=lines)
    except LinliError as found:
        error = _said_changed(found)
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise error from found
        return _page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("rosters.show_roll_call", public_id=public_id), code="called")


@bp.get("/sheets/<public_id>/roll-call")
@requires(Permission.SHIFT_TAKE)
def show_sheet_roll_call(public_id: str):
    """What the code on a sign-in sheet opens: all shifts of that post and day, with the times as written."""
    return _sheet_page(public_id)


def _sheet_page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    call = day.get_sheet_roll_call(actor=current_actor(), sheet_public_id=public_id, now=clock.now())
    return _shown(
        call,
        "rosters/sheet_roll_call.html",
        url_for("rosters.save_sheet_roll_call", public_id=public_id),
        status=status,
        error=error,
    )


@bp.post("/sheets/<public_id>/roll-call")
@requires(Permission.SHIFT_TAKE)
def save_sheet_roll_call(public_id: str):
    """The sheet that came back, written down."""
    try:
        lines = read_lines(request.form, request.form.getlist("absent"))
        services.save_roll_call(deed=deed(), sheet=public_id, lines=lines)
    except LinliError as found:
        error = _said_changed(found)
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise error from found
        return _sheet_page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("rosters.show_sheet_roll_call", public_id=public_id), code="called")


@bp.get("/shifts/<public_id>/walk-ins")
@requires(Permission.SHIFT_TAKE)
def show_walk_ins(public_id: str):
    """现场加入: found by name, or written down with a phone."""
    return _walk_ins(public_id)


def _walk_ins(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    actor, now = current_actor(), clock.now()
    shift = day.get_led_shift(actor=actor, public_id=public_id)
    pages.use_place(areas.get_place(shift.area_path))
    text = request.values.get("find", "").strip()[:60]
    found = day.find_volunteers(actor=actor, public_id=public_id, text=text) if text else []
    response = make_response(
        render_template(
            "rosters/walk_ins.html",
            post=words.said(shift.post_name, shift.post_name_en),
            plain=day_views.label(shift),
            when=said.when(shift.starts_at, shift.ends_at, now=now),
            back=url_for("rosters.show_roll_call", public_id=public_id),
            action=url_for("rosters.add_walk_in", public_id=public_id),
            search=url_for("rosters.show_walk_ins", public_id=public_id),
            find=text,
            found=[
                (each.public_id, words.said(each.name), words.said(each.team_name) if each.team_name else "")
                for each in found
            ],
            is_paper=request.values.get("paper") == "1",
            is_full=shift.taken_count >= shift.maximum_count,
            may_override=day.may_override(actor=actor, shift=shift),
            typed={name: request.form.get(name, "") for name in ("name", "phone", "reason")},
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


@bp.post("/shifts/<public_id>/walk-ins")
@requires(Permission.SHIFT_TAKE)
def add_walk_in(public_id: str):
    """Put somebody who is there onto the shift."""
    form = request.form
    try:
        if not form.get("volunteer") and not (form.get("name", "").strip() and form.get("phone", "").strip()):
            raise RuleBroken("walk_in_missing")
        services.add_walk_in(
            deed=deed(),
            shift=public_id,
            volunteer=form.get("volunteer") or None,
            name=form.get("name", ""),
            phone=form.get("phone", ""),
            reason=form.get("reason", ""),
            phone_at=read_press(form.get("phone_at")),
            is_paper=form.get("paper") == "1",
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _walk_ins(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("rosters.show_roll_call", public_id=public_id), code="joined")
