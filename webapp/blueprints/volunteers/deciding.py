"""Volunteers as a head, a dispatcher or a team's lead sees them, and the head's decisions."""

from typing import Any

from flask import make_response, redirect, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.volunteers import bp, views
from webapp.blueprints.volunteers.forms import DecisionForm, PlaceForm, RevealForm
from webapp.domain.volunteers import services
from webapp.domain.volunteers.queries import lists, profile, teams
from webapp.domain.volunteers.queries.lists import Filter, VolunteerView
from webapp.domain.volunteers.rules import Decision, Society, VolunteerState
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import RECEIPT, answer, page_or_fragment, wants_fragment
from webapp.web.words import gettext


@bp.get("")
@requires(Permission.VOLUNTEER_SEE)
def list_volunteers():
    """The volunteers of the actor's areas or teams, or those that a search and the filters find."""
    actor = current_actor()
    wanted, arguments = _filter()
    after = request.args.get("after") or None
    page = lists.list_volunteers(actor=actor, wanted=wanted, after=after)
    return page_or_fragment(
        "volunteers/list.html",
        "volunteers/_rows.html",
        page=page,
        wanted=wanted,
        is_narrowed=bool(arguments),
        states=_states(actor),
        teams=[
            (each.public_id, _plain(each))
            for each in teams.list_teams_to_choose(actor=actor, permission=Permission.VOLUNTEER_SEE)
        ],
        skills=[
            (each.code, each.name_zh if words.is_chinese() else each.name_en)
            for each in profile.list_skills()
        ],
        older=url_for("volunteers.list_volunteers", **arguments, after=page.after) if page.after else None,
        newer=url_for("volunteers.list_volunteers", **arguments) if after else None,
        may_decide=lists.decides_anywhere(actor=actor),
        views=views,
        words=words,
    )


def _filter() -> tuple[Filter, dict[str, str]]:
    text = " ".join(request.args.get("q", "").split())[:60]
    state = request.args.get("state", "")
    arguments = {
        "q": text,
        "state": state if state in set(VolunteerState) else "",
        "team": request.args.get("team", "")[:30],
        "skill": request.args.get("skill", "")[:30],
    }
    wanted = Filter(
        text=text,
        state=VolunteerState(state) if arguments["state"] else None,
        team=arguments["team"] or None,
        skill=arguments["skill"] or None,
    )
    return wanted, {name: value for name, value in arguments.items() if value}


def _states(actor: Any) -> list[tuple[str, str]]:
    counts = lists.count_by_state(actor=actor)
    return [
        (str(state), gettext("%(state)s (%(count)s)", state=str(said), count=counts[state]))
        for state, (said, _tone) in views.STATES.items()
        if counts.get(state)
    ]


# --- one of them --------------------------------------------------------------------------------------------


@bp.get("/<public_id>")
@requires(Permission.VOLUNTEER_SEE)
def show_volunteer(public_id):
    """One volunteer; the link of one who was merged leads on."""
    volunteer = lists.get_volunteer(actor=current_actor(), public_id=public_id)
    if volunteer.public_id != public_id:
        return redirect(url_for("volunteers.show_volunteer", public_id=volunteer.public_id), 302)
    form = DecisionForm(None, version=volunteer.version)
    return render_template("volunteers/volunteer.html", form=form, **_context(volunteer))


def _context(volunteer: VolunteerView, place_form: PlaceForm | None = None) -> dict[str, Any]:
    actor, now = current_actor(), clock.now()
    if place_form is None:
        place_form = PlaceForm(
            None,
            version=volunteer.version,
            team=volunteer.team_public_id or "",
            organisation=volunteer.organisation_public_id or "",
            society=str(volunteer.society),
        )
    if volunteer.may_decide:
        none = ("", gettext("none"))
        place_form.team.choices = [
            none,
            *(
                (each.public_id, _plain(each))
                for each in teams.list_teams_to_choose(actor=actor, permission=Permission.VOLUNTEER_DECIDE)
            ),
        ]
        place_form.organisation.choices = [
            none,
            *((each.public_id, _plain(each)) for each in teams.list_organisations_to_choose(actor=actor)),
        ]
        place_form.society.choices = [(str(each), str(said)) for each, said in views.SOCIETIES.items()]
    return {
        "volunteer": volunteer,
        "place_form": place_form,
        "state": views.STATES[volunteer.state],
        "facts": views.facts(volunteer, now),
        "may": {str(each): volunteer.may(each) for each in Decision},
        "is_live": volunteer.state
        in {VolunteerState.APPLIED, VolunteerState.ASKED_BACK, VolunteerState.ACCEPTED},
        "phone": None,
        "phone_error": None,
        "words": words,
    }


def _plain(each: teams.Choice) -> str:
    return each.name if words.is_chinese() else each.name_en or each.name


def _decide(public_id: str, act: Any) -> Any:
    """Take a decision; a refusal shows the page with what was typed."""
    form = DecisionForm()
    error = None
    if form.is_good:
        try:
            act(form)
            return answer(otherwise=url_for("volunteers.show_volunteer", public_id=public_id), code="decided")
        except LinliError as refusal:
            if refusal.status not in {409, 422}:
                raise
            error = refusal
    volunteer = lists.get_volunteer(actor=current_actor(), public_id=public_id)
    # The next press is about what is shown now.
    form.version.data, form.version.raw_data = volunteer.version, None
    return refuse_form("volunteers/volunteer.html", form=form, error=error, **_context(volunteer))


@bp.post("/<public_id>/accept")
@requires(Permission.VOLUNTEER_DECIDE)
def accept(public_id):
    """Accept a volunteer."""
    return _decide(
        public_id,
        lambda form: services.accept(deed=deed(), public_id=public_id, version=form.version.data),
    )


@bp.post("/<public_id>/refuse")
@requires(Permission.VOLUNTEER_DECIDE)
def refuse(public_id):
    """Say no, and why."""
    return _decide(
        public_id,
        lambda form: services.refuse(
            deed=deed(), public_id=public_id, version=form.version.data, reason=form.reason.data or ""
        ),
    )


@bp.post("/<public_id>/ask-back")
@requires(Permission.VOLUNTEER_DECIDE)
def ask_back(public_id):
    """Ask the volunteer something."""
    return _decide(
        public_id,
        lambda form: services.ask_back(
            deed=deed(), public_id=public_id, version=form.version.data, question=form.question.data or ""
        ),
    )


@bp.post("/<public_id>/place")
@requires(Permission.VOLUNTEER_DECIDE)
def place_volunteer(public_id):
    """Put a volunteer into a team, an organisation, a society."""
    form = PlaceForm()
    error = None
    if form.is_good:
        try:
            services.place_volunteer(
                deed=deed(),
                public_id=public_id,
                version=form.version.data,
                team=form.team.data or "",
                organisation=form.organisation.data or "",
                society=Society(form.society.data) if form.society.data in set(Society) else None,
            )
            return answer(otherwise=url_for("volunteers.show_volunteer", public_id=public_id), code="placed")
        except LinliError as refusal:
            if refusal.status not in {409, 422}:
                raise
            error = refusal
    volunteer = lists.get_volunteer(actor=current_actor(), public_id=public_id)
    form.version.data, form.version.raw_data = volunteer.version, None
    context = _context(volunteer, form)
    decision = DecisionForm(None, version=volunteer.version)
    if error is not None and error.field in {"team", "organisation", "society"}:
        form[error.field].errors = [sentence(error.code, **error.params)]
    return refuse_form("volunteers/volunteer.html", form=decision, error=error, **context)


@bp.post("/<public_id>/reveal")
@requires(Permission.VOLUNTEER_SEE)
def reveal_phone(public_id):
    """Show the number to one who says what for; it is written down and not kept in any cache."""
    form = RevealForm()
    phone, error = None, None
    if form.is_good:
        try:
            phone = services.reveal_phone(
                deed=deed(), public_id=public_id, reason=form.reason.data or ""
            ).phone
        except LinliError as refusal:
            if refusal.status != 422:
                raise
            error = refusal
    volunteer = lists.get_volunteer(actor=current_actor(), public_id=public_id)
    said = sentence(error.code, **error.params) if error else None
    shown = _context(volunteer) | {"phone": phone, "phone_error": said}
    if wants_fragment():
        page = render_template("volunteers/_phone.html", **shown)
    else:
        decision = DecisionForm(None, version=volunteer.version)
        page = render_template("volunteers/volunteer.html", form=decision, **shown)
    response = make_response(page, 200 if phone else 422)
    response.headers["Cache-Control"] = "no-store"
    if phone:
        response.headers[RECEIPT] = request.headers.get("Idempotency-Key") or request.form.get("_key", "")
    else:
        response.headers["Linli-Answer"] = error.code if error else "invalid"
    return response
