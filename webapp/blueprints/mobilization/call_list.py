"""The call list 电话通知单 on screen: whom to call next, five buttons, also in a corridor without a network."""

from flask import make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.deed import Deed
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, call_list_views
from webapp.blueprints.mobilization.answers import read_answer
from webapp.blueprints.mobilization.call_ups import refused
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization.queries import call_list as queries
from webapp.domain.mobilization.rules import CallResult
from webapp.domain.mobilization.services import call_list as services
from webapp.web import pages
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer as answered

KEEP = ("X-Offline", "keep")
PARTS = frozenset({"mine", "all"})


def _page(public_id: str, error: LinliError | None = None) -> str:
    now = clock.now()
    part = request.args.get("part", "mine")
    view = queries.get_call_list(
        actor=current_actor(),
        public_id=public_id,
        now=now,
        part=part if part in PARTS else "mine",
        after=request.args.get("after"),
    )
    if any(each.phone for each in view.lines):
        # Looking is what shows the numbers, so looking is what is written down.
        services.note_opened(
            deed=Deed(actor=current_actor(), client_id=new_public_id(), fingerprint="", now=now), view=view
        )
    pages.use_place(areas.get_place(view.area_path))
    return render_template(
        "mobilization/call_list.html",
        view=view,
        words=call_list_views.words_of(view, now),
        rows=call_list_views.rows(view, now),
        choices=call_list_views.choices(view, part),
        after=view.after
        and url_for("mobilization.show_call_list", public_id=public_id, part=part, after=view.after),
        said=sentence(error.code, **error.params) if error else None,
    )


@bp.get("/call-ups/<public_id>/call-list")
@requires(Permission.CALL_LIST)
def show_call_list(public_id: str):
    """Everybody unreachable or silent whom the actor calls, with their numbers."""
    response = make_response(_page(public_id))
    response.headers.add(*KEEP)
    return response


@bp.post("/summonses/<public_id>/calls")
@requires(Permission.CALL_LIST)
def record_call(public_id: str):
    """What a call came to; the answer is marked by whom."""
    try:
        result = _result()
        called = services.record_call(
            deed=deed(),
            public_id=public_id,
            result=result,
            answer=read_answer(request.form, reply=str(result)) if str(result) in _ANSWERS else None,
            seen=_seen(),
        )
    except LinliError as error:
        return refused(error, lambda refusal: _page(request.form.get("call_up", ""), refusal))
    there = url_for("mobilization.show_call_list", public_id=called.call_up, part=_part())
    return answered(otherwise=there, code="had_answered" if called.had_answered else "called")


_ANSWERS = frozenset({"coming", "cannot", "later"})


def _result() -> CallResult:
    try:
        return CallResult(request.form.get("result", ""))
    except ValueError:
        raise RuleBroken("reply_missing", field="result") from None


def _part() -> str | None:
    part = request.form.get("part")
    return part if part in PARTS else None


def _seen() -> int | None:
    text = request.form.get("seen", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None
