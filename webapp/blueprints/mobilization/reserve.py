"""The reserve as a head or dispatcher leads it, and as a team's lead sees the team: list, person, who comes in."""

from datetime import date, datetime, time, timedelta
from typing import Any

from flask import current_app, make_response, render_template, request, url_for
from flask_babel import lazy_gettext
from wtforms import (
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, Length, Optional

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp
from webapp.blueprints.mobilization import reserve_views as views
from webapp.domain.mobilization.queries import enrolling, reserve, reserve_person
from webapp.domain.mobilization.queries.reserve import Filter
from webapp.domain.mobilization.queries.reserve_person import ReservistView
from webapp.domain.mobilization.rules import RESERVE_NOTE_LENGTH, UNIT_LENGTH, Category, Readiness
from webapp.domain.mobilization.services import enrolling as enrolment
from webapp.domain.mobilization.services import reserve as services
from webapp.domain.volunteers.rules import Availability, Half
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.forms import LinliForm, refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, RECEIPT, answer, page_or_fragment, wants_fragment
from webapp.web.words import gettext

_l = lazy_gettext
_SIDES = {"inside": True, "outside": False}
_REACHED = {"yes": True, "no": False}


class ReadinessForm(LinliForm):
    """How ready somebody is."""

    readiness = RadioField(_l("How ready?"), [InputRequired(_l("Please choose."))], validate_choice=False)
    away_until = DateField(_l("Away until"), [Optional()], render_kw={"autocomplete": "off"})
    reason = StringField(_l("Why?"), [Optional(), Length(max=200)])
    version = IntegerField(_l("Version"), [Optional()])


class ReasonForm(LinliForm):
    """Why something is done."""

    reason = StringField(_l("Why?"), [Optional(), Length(max=200)])


class FactsForm(LinliForm):
    """What is known of a reservist."""

    category = SelectField(_l("Category"), validate_choice=False)
    unit = StringField(_l("Unit"), [Optional(), Length(max=UNIT_LENGTH)])
    team = SelectField(_l("Team"), [Optional()], validate_choice=False)
    area = SelectField(_l("Lives or works"), [Optional()], validate_choice=False)
    skills = SelectMultipleField(_l("Can do besides"), validate_choice=False)
    note = StringField(_l("Note"), [Optional(), Length(max=RESERVE_NOTE_LENGTH)])
    version = IntegerField(_l("Version"), [Optional()])


class EnrolForm(LinliForm):
    """Who comes into the reserve."""

    area = HiddenField()
    people = SelectMultipleField(_l("Who comes in?"), validate_choice=False)
    everybody = HiddenField()


def freeze() -> timedelta:
    """How long before it begins a half-day stands as it was said."""
    return timedelta(hours=current_app.config["RESERVE_FREEZE_HOURS"])


def read_away(on: date | None) -> datetime | None:
    """Who is away until a day is back on its morning."""
    return None if on is None else clock.instant(datetime.combine(on, time()))


def read_readiness(text: str | None) -> Readiness:
    """The choice; one that no form offers counts as ready."""
    return Readiness(text) if text in set(Readiness) else Readiness.READY


def readiness_choices() -> list[tuple[str, str]]:
    """Each state with what it means."""
    return [
        (str(each), gettext("%(state)s: %(means)s", state=str(said), means=str(views.READINESS_MEANS[each])))
        for each, (said, _tone) in views.READINESS.items()
    ]


# --- the list -----------------------------------------------------------------------------------------------


@bp.get("/reserve")
@requires(Permission.RESERVE_SEE)
def list_reservists():
    """The reserve of the actor's areas or teams, or those whom a search and the filters find."""
    actor, now = current_actor(), clock.now()
    wanted, arguments = _filter()
    after = request.args.get("after") or None
    choices = reserve.list_choices(actor=actor, now=now)
    page = reserve.list_reservists(actor=actor, wanted=wanted, after=after, now=now, cordon=choices.cordon)
    return page_or_fragment(
        "mobilization/reserve.html",
        "mobilization/_reserve_rows.html",
        page=page,
        lines=[(row, views.detail(row, choices, now), _badge(row, now)) for row in page.rows],
        arguments=arguments,
        counts=_counts(page, arguments),
        choices=choices,
        categories=[(str(each), str(said)) for each, said in views.CATEGORIES.items()],
        readiness=[(str(each), str(said)) for each, (said, _tone) in views.READINESS.items()],
        older=url_for("mobilization.list_reservists", **arguments, after=page.after) if page.after else None,
        newer=url_for("mobilization.list_reservists", **arguments) if after else None,
        may_manage=actor.has(Permission.RESERVE_MANAGE),
        words=words,
    )


def _badge(row: reserve.ReserveRow, now: datetime) -> tuple[str, str]:
    return views.readiness(row.readiness, row.away_until, now), views.READINESS[row.readiness][1]


def _counts(page: reserve.ReservePage, arguments: dict[str, str]) -> list[tuple[str, int, str, bool]]:
    """How many are how ready, each with the list of just those."""
    others = {name: value for name, value in arguments.items() if name != "readiness"}
    return [
        (
            str(said),
            page.counts[each],
            url_for("mobilization.list_reservists", **others, readiness=str(each)),
            arguments.get("readiness") == each,
        )
        for each, (said, _tone) in views.READINESS.items()
    ]


def _filter() -> tuple[Filter, dict[str, str]]:
    text = " ".join(request.args.get("q", "").split())[:60]
    arguments = {"q": text}
    for name, known in (
        ("category", set(Category)),
        ("readiness", set(Readiness)),
        ("side", _SIDES.keys()),
        ("reached", _REACHED.keys()),
    ):
        value = request.args.get(name, "")
        arguments[name] = value if value in known else ""
    for name in ("skill", "team", "area"):
        arguments[name] = request.args.get(name, "")[:30]
    wanted = Filter(
        text=text,
        category=Category(arguments["category"]) if arguments["category"] else None,
        skill=arguments["skill"],
        readiness=Readiness(arguments["readiness"]) if arguments["readiness"] else None,
        team=arguments["team"],
        area=arguments["area"],
        inside=_SIDES.get(arguments["side"]),
        reachable=_REACHED.get(arguments["reached"]),
    )
    return wanted, {name: value for name, value in arguments.items() if value}


# --- one of them --------------------------------------------------------------------------------------------


@bp.get("/reserve/<public_id>")
@requires(Permission.RESERVE_SEE)
def show_reservist(public_id):
    """One reservist: what is known, how ready, when available, how reached, what came of earlier calls."""
    found = reserve_person.get_reservist(actor=current_actor(), public_id=public_id, now=clock.now())
    return render_template("mobilization/reservist.html", form=_readiness_form(found), **_context(found))


def _readiness_form(found: ReservistView) -> ReadinessForm:
    until = clock.day(found.away_until) if found.away_until else None
    return ReadinessForm(None, readiness=str(found.readiness), away_until=until, version=found.version)


def _context(found: ReservistView) -> dict[str, Any]:
    now = clock.now()
    half_days = reserve_person.list_half_days(
        reservist_id=found.id, person_id=found.person_id, now=now, freeze=freeze()
    )
    return {
        "reservist": found,
        "state": (
            views.readiness(found.readiness, found.away_until, now),
            views.READINESS[found.readiness][1],
        ),
        "facts": views.facts(found, now),
        "figures": views.figures(found, now),
        "channels": views.channels(found.reach),
        "days": views.grid(half_days, now),
        "halves": [str(each) for each in views.HALVES.values()],
        "said_options": [(str(each), str(said)) for each, said in views.SAID.items()],
        "history": views.history(
            reserve_person.list_history(actor=current_actor(), person_id=found.person_id), now
        ),
        "readiness_choices": readiness_choices(),
        "freeze_hours": current_app.config["RESERVE_FREEZE_HOURS"],
        "phone": None,
        "phone_error": None,
        "words": words,
    }


def _act(public_id: str, act: Any, code: str, form: Any = None) -> Any:
    """Do something to a reservist; a refusal shows the page with what was typed."""
    error = None
    if form is None or form.is_good:
        try:
            act()
            return answer(otherwise=url_for("mobilization.show_reservist", public_id=public_id), code=code)
        except LinliError as refusal:
            if refusal.status not in {409, 422}:
                raise
            error = refusal
    found = reserve_person.get_reservist(actor=current_actor(), public_id=public_id, now=clock.now())
    shown = form if isinstance(form, ReadinessForm) else _readiness_form(found)
    # The next press is about what is shown now.
    shown.version.data, shown.version.raw_data = found.version, None
    return refuse_form("mobilization/reservist.html", form=shown, error=error, **_context(found))


@bp.post("/reserve/<public_id>/readiness")
@requires(Permission.RESERVE_MANAGE)
def set_readiness(public_id):
    """Write how ready somebody is, and why."""
    form = ReadinessForm()
    return _act(
        public_id,
        lambda: services.set_readiness(
            deed=deed(),
            public_id=public_id,
            readiness=read_readiness(form.readiness.data),
            away_until=read_away(form.away_until.data),
            reason=form.reason.data or "",
            version=form.version.data,
        ),
        "set",
        form,
    )


def read_days(prefix: str = "day-") -> dict[tuple[date, Half], Availability]:
    """What was said of half-days, from fields `day-2026-11-27.morning`; what is no half-day is passed over."""
    known = set(views.SAID)
    found = {}
    for name, value in request.form.items():
        key = read_half(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if key is not None and value in known:
            found[key] = Availability(value)
    return found


def read_half(text: str) -> tuple[date, Half] | None:
    """`2026-11-27.morning`."""
    day, _dot, half = text.partition(".")
    try:
        return date.fromisoformat(day), Half(half)
    except ValueError:
        return None


@bp.post("/reserve/<public_id>/days")
@requires(Permission.RESERVE_MANAGE)
def set_days(public_id):
    """Write when somebody can come; near at hand with a reason."""
    return _act(
        public_id,
        lambda: services.set_days(
            deed=deed(),
            public_id=public_id,
            said=read_days(),
            reason=request.form.get("reason", ""),
            freeze=freeze(),
        ),
        "set",
    )


@bp.post("/reserve/<public_id>/leave")
@requires(Permission.RESERVE_MANAGE)
def take_out(public_id):
    """Take somebody out of the reserve, and say why."""
    form = ReasonForm()
    error = None
    try:
        services.take_out(deed=deed(), public_id=public_id, reason=form.reason.data or "")
        return answer(otherwise=url_for("mobilization.list_reservists"), code="left")
    except LinliError as refusal:
        if refusal.status not in {409, 422}:
            raise
        error = refusal
    found = reserve_person.get_reservist(actor=current_actor(), public_id=public_id, now=clock.now())
    return refuse_form(
        "mobilization/reservist.html", form=_readiness_form(found), error=error, **_context(found)
    )


@bp.post("/reserve/<public_id>/reveal")
@requires(Permission.RESERVE_MANAGE)
def reveal_reservist_phone(public_id):
    """Show the number to one who says what for; it is written down and kept in no cache."""
    form = ReasonForm()
    phone, error = None, None
    try:
        phone = services.reveal_reservist_phone(
            deed=deed(), public_id=public_id, reason=form.reason.data or ""
        )
    except LinliError as refusal:
        if refusal.status != 422:
            raise
        error = refusal
    found = reserve_person.get_reservist(actor=current_actor(), public_id=public_id, now=clock.now())
    said = sentence(error.code, **error.params) if error else None
    shown = _context(found) | {"phone": phone, "phone_error": said}
    if wants_fragment():
        page = render_template("mobilization/_reservist_phone.html", **shown)
    else:
        page = render_template("mobilization/reservist.html", form=_readiness_form(found), **shown)
    response = make_response(page, 200 if phone else 422)
    response.headers["Cache-Control"] = "no-store"
    if phone:
        response.headers[RECEIPT] = request.headers.get("Idempotency-Key") or request.form.get("_key", "")
    else:
        response.headers[ANSWER] = error.code if error else "invalid"
    return response


# --- what is known of them ----------------------------------------------------------------------------------


@bp.get("/reserve/<public_id>/edit")
@requires(Permission.RESERVE_MANAGE)
def edit_reservist(public_id):
    """The form of what is known of a reservist."""
    found = reserve_person.get_managed(actor=current_actor(), public_id=public_id, now=clock.now())
    form = FactsForm(
        None,
        category=str(found.category),
        unit=found.unit or "",
        team=found.team_public_id or "",
        area=found.area_public_id,
        skills=[each.code for each in found.skills if each.is_own],
        note=found.note or "",
        version=found.version,
    )
    return render_template("mobilization/edit_reservist.html", form=form, **_edit_context(form, found))


def _edit_context(form: FactsForm, found: ReservistView) -> dict[str, Any]:
    terms = reserve_person.list_terms(actor=current_actor(), reservist=found)
    form.category.choices = [(str(each), str(said)) for each, said in views.CATEGORIES.items()]
    form.team.choices = [("", gettext("none")), *((each.key, each.name) for each in terms.teams)]
    form.area.choices = [(each.key, each.name) for each in terms.areas]
    form.skills.choices = [
        (each.key, each.name if words.is_chinese() else each.name_en or each.name) for each in terms.skills
    ]
    with_volunteer = [(each.name_zh, each.name_en) for each in found.skills if not each.is_own]
    return {"reservist": found, "of_volunteer": with_volunteer, "words": words}


@bp.post("/reserve/<public_id>/edit")
@requires(Permission.RESERVE_MANAGE)
def save_reservist(public_id):
    """Write what is known of a reservist."""
    form = FactsForm()
    error = None
    if form.is_good:
        try:
            services.edit_reservist(
                deed=deed(),
                public_id=public_id,
                version=form.version.data,
                facts=services.Facts(
                    category=Category(form.category.data)
                    if form.category.data in set(Category)
                    else Category.VOLUNTEER,
                    unit=form.unit.data or "",
                    team=form.team.data or "",
                    area=form.area.data or "",
                    note=form.note.data or "",
                    skills=form.skills.data or (),
                ),
            )
            return answer(
                otherwise=url_for("mobilization.show_reservist", public_id=public_id), code="edited"
            )
        except LinliError as refusal:
            if refusal.status not in {409, 422}:
                raise
            error = refusal
    found = reserve_person.get_managed(actor=current_actor(), public_id=public_id, now=clock.now())
    form.version.data, form.version.raw_data = found.version, None
    return refuse_form(
        "mobilization/edit_reservist.html", form=form, error=error, **_edit_context(form, found)
    )


# --- who comes in -------------------------------------------------------------------------------------------


@bp.get("/reserve/enrol")
@requires(Permission.RESERVE_MANAGE)
def new_enrolment():
    """Who of an area fits: ticks for volunteers and appointed staff, or all in one go."""
    form = EnrolForm(None)
    return render_template(
        "mobilization/enrol.html", form=form, **_enrol_context(request.args.get("area", ""))
    )


def _enrol_context(area: str) -> dict[str, Any]:
    areas = enrolling.list_enrol_areas(actor=current_actor())
    chosen = next((each for each in areas if each.public_id == area), None)
    if chosen is None and len(areas) == 1:
        chosen = areas[0]
    return {
        "areas": areas,
        "area": chosen,
        "candidates": enrolling.list_candidates(area=chosen, now=clock.now()) if chosen else None,
        "categories": views.CATEGORIES,
        "words": words,
    }


@bp.post("/reserve/enrol")
@requires(Permission.RESERVE_MANAGE)
def enrol():
    """Take those who were ticked into the reserve, or all who fit."""
    form = EnrolForm()
    error = None
    if form.is_good:
        try:
            enrolment.enrol(
                deed=deed(),
                area=form.area.data or "",
                people=form.people.data or (),
                everybody=bool(form.everybody.data),
            )
            return answer(otherwise=url_for("mobilization.list_reservists"), code="enrolled")
        except LinliError as refusal:
            if refusal.status != 422:
                raise
            error = refusal
    return refuse_form(
        "mobilization/enrol.html", form=form, error=error, **_enrol_context(form.area.data or "")
    )
