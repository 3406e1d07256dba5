"""A volunteer's own page: where they stand, and one card at a time."""

from flask import redirect, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.volunteers import bp, views
from webapp.blueprints.volunteers.forms import AnswerForm, CertificateForm, PledgesForm, SkillsForm
from webapp.domain.volunteers import services
from webapp.domain.volunteers.queries import profile
from webapp.domain.volunteers.rules import Availability, Half, SkillKind
from webapp.web import words
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer

SLOT = "slot-{}-{}"


@bp.get("/me")
@requires(Permission.VOLUNTEER_APPLY)
def show_me():
    """Where I stand, and my cards; who never signed up is asked to."""
    own = profile.get_own(actor=current_actor())
    if own is None:
        return _to_sign_up()
    return render_template("volunteers/me.html", form=AnswerForm(None), **_own_page(own))


def _to_sign_up():
    return redirect(url_for("volunteers.show_join"), 303)


def _own_page(own):
    now = clock.now()
    title, means, tone = views.OWN_STATES[own.state]
    cards = []
    if own.is_live:
        cards = views.cards(
            own,
            profile.list_skills(),
            profile.list_certificates(volunteer_id=own.id, today=clock.day(now)),
            profile.list_half_days(volunteer_id=own.id, person_id=own.person_id, now=now),
        )
    return {
        "own": own,
        "title": title,
        "means": means,
        "tone": tone,
        "cards": cards,
        "next_card": next((each for each in cards if not each.is_done), None),
        "society": views.SOCIETIES[own.society],
        "words": words,
    }


@bp.post("/me/answer")
@requires(Permission.VOLUNTEER_APPLY)
def answer_question():
    """Answer what the community asked back."""
    form = AnswerForm()
    error = None
    if form.is_good:
        try:
            services.answer_question(deed=deed(), text=form.answer.data or "")
            return answer(otherwise=url_for("volunteers.show_me"), code="answered")
        except LinliError as refusal:
            error = refusal
    own = profile.get_own(actor=current_actor())
    if own is None:
        raise error
    return refuse_form("volunteers/me.html", form=form, error=error, **_own_page(own))


@bp.post("/me/leave")
@requires(Permission.VOLUNTEER_APPLY)
def leave():
    """Volunteer no more."""
    services.leave(deed=deed())
    return answer(otherwise=url_for("volunteers.show_me"), code="left")


# --- what I can do, languages -------------------------------------------------------------------------------


@bp.get("/me/skills")
@requires(Permission.VOLUNTEER_APPLY)
def edit_skills():
    """Show the six ticks."""
    return _show_skills(SkillKind.TASK)


@bp.post("/me/skills")
@requires(Permission.VOLUNTEER_APPLY)
def set_skills():
    """Keep the ticks."""
    return _set_skills(SkillKind.TASK)


@bp.get("/me/languages")
@requires(Permission.VOLUNTEER_APPLY)
def edit_languages():
    """Show the languages."""
    return _show_skills(SkillKind.LANGUAGE)


@bp.post("/me/languages")
@requires(Permission.VOLUNTEER_APPLY)
def set_languages():
    """Keep the languages."""
    return _set_skills(SkillKind.LANGUAGE)


def _show_skills(kind):
    own = profile.get_own(actor=current_actor())
    if own is None or not own.is_live:
        return _to_sign_up()
    form = SkillsForm(None, skills=list(own.skills))
    return render_template("volunteers/card_skills.html", form=form, **_skills_page(kind))


def _skills_page(kind):
    return {
        "is_task": kind is SkillKind.TASK,
        "options": views.skill_options(profile.list_skills(kind)),
    }


def _set_skills(kind):
    form = SkillsForm()
    error = None
    if form.is_good:
        try:
            services.set_skills(deed=deed(), kind=kind, codes=form.skills.data or ())
            return answer(otherwise=url_for("volunteers.show_me"), code="set")
        except LinliError as refusal:
            if refusal.status != 422:
                raise
            error = refusal
    return refuse_form("volunteers/card_skills.html", form=form, error=error, **_skills_page(kind))


# --- certificates -------------------------------------------------------------------------------------------


@bp.get("/me/certificates")
@requires(Permission.VOLUNTEER_APPLY)
def edit_certificates():
    """Show the certificates and a form for one more."""
    own = profile.get_own(actor=current_actor())
    if own is None or not own.is_live:
        return _to_sign_up()
    form = CertificateForm(None)
    return render_template("volunteers/card_certificates.html", form=form, **_certificates_page(form, own))


def _certificates_page(form, own):
    skills = profile.list_skills(SkillKind.CERTIFIED)
    form.skill.choices = [
        (each.code, each.name_zh if words.is_chinese() else each.name_en) for each in skills
    ]
    return {
        "certificates": profile.list_certificates(volunteer_id=own.id, today=clock.day(clock.now())),
        "words": words,
    }


@bp.post("/me/certificates")
@requires(Permission.VOLUNTEER_APPLY)
def add_certificate():
    """Add a certificate."""
    form = CertificateForm()
    error = None
    if form.is_good:
        try:
            services.add_certificate(
                deed=deed(),
                skill=form.skill.data or "",
                number=form.number.data or "",
                expires_on=form.expires_on.data,
            )
            return answer(otherwise=url_for("volunteers.edit_certificates"), code="added")
        except LinliError as refusal:
            if refusal.status != 422:
                raise
            error = refusal
    own = profile.get_own(actor=current_actor())
    if own is None:
        return _to_sign_up()
    return refuse_form(
        "volunteers/card_certificates.html", form=form, error=error, **_certificates_page(form, own)
    )


@bp.post("/me/certificates/<public_id>/remove")
@requires(Permission.VOLUNTEER_APPLY)
def remove_certificate(public_id):
    """Take a certificate off."""
    services.remove_certificate(deed=deed(), public_id=public_id)
    return answer(otherwise=url_for("volunteers.edit_certificates"), code="removed")


# --- when I can come ----------------------------------------------------------------------------------------


@bp.get("/me/when")
@requires(Permission.VOLUNTEER_APPLY)
def edit_when():
    """Show the week by half-days, with what the coming days already hold."""
    own = profile.get_own(actor=current_actor())
    if own is None or not own.is_live:
        return _to_sign_up()
    now = clock.now()
    half_days = profile.list_half_days(volunteer_id=own.id, person_id=own.person_id, now=now)
    return render_template(
        "volunteers/card_when.html",
        rows=views.grid(half_days, now),
        halves=[str(each) for each in views.HALVES.values()],
        said=[(str(each), str(words_)) for each, words_ in views.SAID.items()],
    )


@bp.post("/me/when")
@requires(Permission.VOLUNTEER_APPLY)
def set_when():
    """Keep what was said of the half-days."""
    known = set(views.SAID)
    said = {
        (weekday, half): Availability(chosen)
        for weekday in range(7)
        for half in Half
        if (chosen := request.form.get(SLOT.format(weekday, half), "")) in known
    }
    services.set_half_days(deed=deed(), said=said)
    return answer(otherwise=url_for("volunteers.show_me"), code="set")


# --- pledges ------------------------------------------------------------------------------------------------


@bp.get("/me/pledges")
@requires(Permission.VOLUNTEER_APPLY)
def edit_pledges():
    """Ask for the two pledges, of somebody who came from a list."""
    own = profile.get_own(actor=current_actor())
    if own is None or not own.is_live:
        return _to_sign_up()
    form = PledgesForm(None, health=bool(own.pledges), confidentiality=bool(own.pledges))
    return render_template("volunteers/card_pledges.html", form=form, pledges=_pledges())


def _pledges():
    return [(str(kind), *said) for kind, said in views.PLEDGES.items()]


@bp.post("/me/pledges")
@requires(Permission.VOLUNTEER_APPLY)
def make_pledges():
    """Keep both pledges."""
    form = PledgesForm()
    error = None
    if form.is_good:
        try:
            services.make_pledges(
                deed=deed(), health=form.health.data, confidentiality=form.confidentiality.data
            )
            return answer(otherwise=url_for("volunteers.show_me"), code="pledged")
        except LinliError as refusal:
            if refusal.status != 422:
                raise
            error = refusal
    return refuse_form("volunteers/card_pledges.html", form=form, error=error, pledges=_pledges())
