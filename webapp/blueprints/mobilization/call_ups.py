"""召集, as its head works with it: the list, a new one in one page, what to see before anything is sent, how it runs."""

from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError, NotAllowed
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, call_up_views
from webapp.blueprints.mobilization.call_up_typed import read_call_up
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization.queries import call_ups as queries
from webapp.domain.mobilization.queries import links
from webapp.domain.mobilization.queries.call_ups import CallUpView, Terms
from webapp.domain.mobilization.rules import CallUpState, can_step
from webapp.domain.mobilization.services import call_ups as services
from webapp.domain.mobilization.services import engine
from webapp.web import messages, pages, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json


def refused(error: LinliError, page: Any) -> Response:
    """The page again with what was typed and why; raises where there is none to show."""
    if error.status in {403, 404} or wants_json() or wants_fragment():
        raise error
    response = make_response(page(error), error.status)
    response.headers[ANSWER] = error.code
    return response


# --- the list -----------------------------------------------------------------------------------------------


@bp.get("/call-ups")
@requires(Permission.CALL_UP_SEE)
def list_call_ups():
    """The call-ups that I see, those that run first."""
    now = clock.now()
    found = queries.list_call_ups(actor=current_actor(), before=request.args.get("before"))
    may_manage = current_actor().has(Permission.CALL_UP_MANAGE)
    return render_template(
        "mobilization/call_ups.html",
        call_ups=[call_up_views.line(each, now) for each in found.call_ups],
        older=found.older and url_for("mobilization.list_call_ups", before=found.older),
        may_manage=may_manage,
        forecast_url=call_up_views.there("mobilization.show_forecast")
        if current_actor().has(Permission.RESERVE_SEE)
        else None,
        reserve_url=call_up_views.there("mobilization.list_reservists")
        if current_actor().has(Permission.RESERVE_SEE)
        else None,
    )


# --- writing one --------------------------------------------------------------------------------------------


@bp.get("/call-ups/new")
@requires(Permission.CALL_UP_MANAGE)
def new_call_up():
    """The form; first which area, where there are several."""
    actor = current_actor()
    area = request.args.get("area")
    if not area:
        found = queries.list_areas(actor=actor)
        if len(found) != 1:
            return render_template(
                "mobilization/choose_call_up_area.html",
                choices=[
                    (
                        call_up_views.area(each),
                        url_for(
                            "mobilization.new_call_up", area=each.public_id, drill=request.args.get("drill")
                        ),
                    )
                    for each in found
                ],
            )
        area = found[0].public_id
    return _form_page(queries.get_terms(actor=actor, area=area))


def _form_page(terms: Terms, *, draft: CallUpView | None = None, error: LinliError | None = None) -> str:
    pages.use_place(areas.get_place(terms.area_path))
    form = call_up_views.form(
        terms,
        now=clock.now(),
        draft=draft,
        place=queries.get_place_choice(terms, draft) if draft else "",
        typed=request.form if error else None,
        error=error,
        team_type=request.args.get("team_type", ""),
        is_drill="drill" in request.args,
    )
    return render_template("mobilization/call_up_form.html", form=form)


@bp.post("/call-ups")
@requires(Permission.CALL_UP_MANAGE)
def make_call_up():
    """Write a draft; the check comes next, and nobody is told before it."""
    area = request.form.get("area", "")
    try:
        public_id = services.make_call_up(deed=deed(), area=area, plan=read_call_up(request.form))
    except LinliError as error:
        return refused(
            error,
            lambda refusal: _form_page(queries.get_terms(actor=current_actor(), area=area), error=refusal),
        )
    return answer(otherwise=url_for("mobilization.check_call_up", public_id=public_id), code="made")


def _draft(public_id: str) -> CallUpView:
    return queries.get_managed(actor=current_actor(), public_id=public_id, now=clock.now())


@bp.get("/call-ups/<public_id>/edit")
@requires(Permission.CALL_UP_MANAGE)
def edit_call_up(public_id: str):
    """The form of a draft; of a running one its numbers."""
    view = _draft(public_id)
    if view.state is CallUpState.DRAFT:
        return _form_page(queries.get_terms_of(actor=current_actor(), path=view.area_path), draft=view)
    if can_step("change", view.state):
        return redirect(url_for("mobilization.edit_numbers", public_id=public_id), 303)
    return redirect(url_for("mobilization.show_call_up", public_id=public_id), 303)


@bp.post("/call-ups/<public_id>")
@requires(Permission.CALL_UP_MANAGE)
def save_call_up(public_id: str):
    """Write a draft anew."""
    try:
        services.change_call_up(deed=deed(), call_up=public_id, plan=read_call_up(request.form))
    except LinliError as error:
        if error.status == 409:
            return refused(error, lambda refusal: show_page(public_id, refusal))
        view = _draft(public_id)
        return refused(
            error,
            lambda refusal: _form_page(
                queries.get_terms_of(actor=current_actor(), path=view.area_path), draft=view, error=refusal
            ),
        )
    return answer(otherwise=url_for("mobilization.check_call_up", public_id=public_id), code="changed")


@bp.post("/call-ups/<public_id>/discard")
@requires(Permission.CALL_UP_MANAGE)
def discard_call_up(public_id: str):
    """Throw a draft away."""
    try:
        services.discard_call_up(deed=deed(), call_up=public_id)
    except LinliError as error:
        return refused(error, lambda refusal: show_page(public_id, refusal))
    return answer(otherwise=url_for("mobilization.list_call_ups"), code="discarded")


# --- 发出前检查 ----------------------------------------------------------------------------------------------


@bp.get("/call-ups/<public_id>/check")
@requires(Permission.CALL_UP_MANAGE)
def check_call_up(public_id: str):
    """Who would be told, who cannot be and why, what it costs, how surely it fills. Nothing is sent."""
    return check_page(public_id)


def check_page(public_id: str, error: LinliError | None = None) -> Any:
    """The pre-flight of a draft; a call-up that was started has none."""
    now = clock.now()
    view = queries.get_managed(actor=current_actor(), public_id=public_id, now=now)
    if view.state is not CallUpState.DRAFT:
        return show_page(public_id, error) if error else redirect(_page_of(public_id), 303)
    pages.use_place(areas.get_place(view.area_path))
    plan = engine.plan(call_up_id=view.id, now=now)
    names = queries.names_of(actor=current_actor(), person_ids=[each.person_id for each in plan.by_phone])
    text, parts = _message(view)
    return render_template(
        "mobilization/call_up_check.html",
        call_up=view,
        facts=call_up_views.facts(view, now),
        choices=call_up_views.choices(view),
        check=call_up_views.check(view, plan, now=now, names=names, message=text, message_parts=parts),
        as_of=words.moment(now, now=now),
        said=sentence(error.code, **error.params) if error else None,
        field=error.field if error else None,
        quiet_reason=request.form.get("quiet_reason", ""),
        edit_url=url_for("mobilization.edit_call_up", public_id=public_id),
    )


def _message(view: CallUpView) -> tuple[str | None, int]:
    """The SMS as it would be read, for the first role, and of how many parts it is."""
    place = areas.get_place(view.area_path)
    parameters = {
        "community": place.community_name or place.area_name,
        "community_en": place.community_name_en,
        "hotline": place.hotline,
        "starts_at": view.starts_at.isoformat(),
        "point": view.muster_point,
        "caller": view.caller_name,
        "phone": view.phone,
        "stay": str(view.stay),
        "is_sealed": view.is_sealed,
        "is_drill": view.is_drill,
        "task": view.roles[0].name,
        "reply_code": None,
    }
    template = "call_up_drill" if view.is_drill else "call_up"
    text = messages.render(template, parameters, language="zh_Hans", now=clock.now())
    text = messages.with_page(text, links.SAMPLE, language="zh_Hans")
    return text, messages.parts(text)


_STEERED = ("pause", "resume", "hurry", "widen", "change", "end")


# --- the running page ---------------------------------------------------------------------------------------


def _page_of(public_id: str) -> str:
    return url_for("mobilization.show_call_up", public_id=public_id)


@bp.get("/call-ups/<public_id>")
@requires(Permission.CALL_UP_SEE)
def show_call_up(public_id: str):
    """The one screen for the next quarter of an hour; a draft shows its check."""
    return show_page(public_id)


def show_page(public_id: str, error: LinliError | None = None) -> Any:
    """The page of a call-up, with why something was refused."""
    now = clock.now()
    view = queries.get_call_up(actor=current_actor(), public_id=public_id, now=now)
    if view.state is CallUpState.DRAFT:
        return check_page(public_id, error)
    pages.use_place(areas.get_place(view.area_path))
    page = call_up_page(view, error)
    if not view.sees_whole:
        return page
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def call_up_page(view: CallUpView, error: LinliError | None = None) -> str:
    """The page as a text."""
    now = clock.now()
    word, tone = call_up_views.state(view.state)
    said, said_tone = call_up_views.now_line(view, now)
    return render_template(
        "mobilization/call_up.html",
        call_up=view,
        title=words.said(view.title),
        area=words.said(view.area_name, view.area_name_en),
        word=word,
        tone=tone,
        facts=call_up_views.facts(view, now),
        choices=call_up_views.choices(view),
        figures=call_up_views.figures(view),
        line=said,
        line_tone=said_tone,
        steps={step: view.may_manage and can_step(step, view.state) for step in _STEERED},
        is_open=any(each.is_open for each in view.roles),
        waves_seen=queries.count_waves(view.id),
        wider=call_up_views.area(view.next_tier) if view.next_tier else None,
        units=call_up_views.units(queries.list_units(call_up_id=view.id, now=now)) if view.sees_whole else [],
        may_list=current_actor().has(Permission.CALL_LIST),
        links=_links(view),
        said=sentence(error.code, **error.params) if error else None,
    )


# Where the lead of a team whose people were called finds them.
_LEADS_TOO = {"mobilization.show_muster", "mobilization.show_call_list", "mobilization.list_sheets"}


def _links(view: CallUpView) -> list[tuple[str, str, str]]:
    """The other pages of the call-up that are there: what, where, and the figure that matters."""
    actor = current_actor()
    wanted = [
        ("mobilization.show_board", words.gettext("Muster board"), Permission.CALL_UP_SEE, ""),
        ("mobilization.show_muster", words.gettext("Roll call"), Permission.MUSTER_MARK, ""),
        (
            "mobilization.show_call_list",
            words.gettext("Call list"),
            Permission.CALL_LIST,
            str(view.listed_count or ""),
        ),
        ("mobilization.list_sheets", words.gettext("Print"), Permission.CALL_UP_SEE, ""),
        ("mobilization.list_waves", words.gettext("Waves and timeline"), Permission.CALL_UP_SEE, ""),
        ("mobilization.show_report", words.gettext("Report"), Permission.CALL_UP_SEE, ""),
        ("mobilization.show_stand_down", words.gettext("Stand down"), Permission.CALL_UP_MANAGE, ""),
    ]
    return [
        (word, address, figure)
        for endpoint, word, permission, figure in wanted
        if actor.has(permission)
        and (
            view.sees_whole
            or endpoint
            in {"mobilization.show_muster", "mobilization.show_call_list", "mobilization.list_sheets"}
        )
        for address in [call_up_views.there(endpoint, public_id=view.public_id)]
        if address is not None
    ]


@bp.get("/call-ups/<public_id>/now")
@requires(Permission.CALL_UP_SEE)
def watch_call_up(public_id: str):
    """The figures for who looks on: 304 while nothing has changed, the page anew when it stands elsewhere."""
    seen = queries.glance(actor=current_actor(), public_id=public_id)
    if not wants_fragment():
        return redirect(_page_of(public_id), 303)
    now = clock.now()
    # The sentence speaks of the minute, and the reader's language is part of what is shown.
    tag = f"{seen.tag}-{now:%H%M}-{words.gettext('Paused')}"
    if request.if_none_match.contains_weak(_ascii(tag)):
        response = make_response("", 304)
    elif str(seen.state) != request.args.get("state"):
        response = make_response("")
        response.headers["HX-Redirect"] = _page_of(public_id)
    else:
        view = queries.get_call_up(actor=current_actor(), public_id=public_id, now=now)
        line, line_tone = call_up_views.now_line(view, now)
        response = make_response(
            render_template(
                "mobilization/_call_up_now.html",
                call_up=view,
                figures=call_up_views.figures(view),
                line=line,
                line_tone=line_tone,
            )
        )
    response.set_etag(_ascii(tag), weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("HX-Request")
    return response


def _ascii(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode()


@bp.get("/call-ups/<public_id>/next")
@requires(Permission.CALL_UP_MANAGE)
def show_next(public_id: str):
    """Whom the next wave would ask, if nobody else answers until then; asked for once the page stands."""
    now = clock.now()
    view = queries.get_managed(actor=current_actor(), public_id=public_id, now=now)
    if not wants_fragment():
        return redirect(_page_of(public_id), 303)
    said = None
    due = [view.latest[each.id].reply_by for each in view.roles if each.is_open and each.id in view.latest]
    if view.state is CallUpState.RUNNING and due and max(due) > now:
        plan = engine.plan(call_up_id=view.id, now=max(due))
        said = call_up_views.next_line(plan, view, queries.list_tiers(view))
    return render_template("mobilization/_call_up_next.html", call_up=view, next_line=said)


@bp.get("/call-ups/<public_id>/waves")
@requires(Permission.CALL_UP_SEE)
def list_waves(public_id: str):
    """The waves, whom they chose and why, why it is short, and what happened when."""
    now, actor = clock.now(), current_actor()
    view = queries.get_call_up(actor=actor, public_id=public_id, now=now)
    if not view.sees_whole:
        raise NotAllowed
    pages.use_place(areas.get_place(view.area_path))
    wave = request.args.get("wave")
    found = queries.list_waves(actor=actor, public_id=public_id, wave=wave, after=request.args.get("after"))
    roles = {each.id: call_up_views.role(each) for each in view.roles}
    return render_template(
        "mobilization/call_up_waves.html",
        call_up=view,
        title=words.said(view.title),
        waves=[call_up_views.wave(each, roles.get(each.role_id), found.tiers, now) for each in found.waves],
        wave=wave,
        chosen=[call_up_views.chosen(each, roles) for each in found.chosen],
        events=[call_up_views.event(each, roles, found, now) for each in found.events],
        shorts=[(each["name"], each["short"]) for each in call_up_views.figures(view) if each["short"]],
        later=found.after
        and url_for("mobilization.list_waves", public_id=public_id, wave=wave, after=found.after),
    )
