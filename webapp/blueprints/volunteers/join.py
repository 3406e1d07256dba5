"""Signing up: the phone first, then one page with what is left of the five questions, then straight to the shifts."""

from typing import Any

from flask import current_app, redirect, render_template, request, session, url_for

from webapp.base import clock
from webapp.base.errors import Gone, LinliError, NotFound
from webapp.base.ids import new_token
from webapp.base.permissions import Permission
from webapp.blueprints.volunteers import bp, views
from webapp.blueprints.volunteers.forms import JoinForm
from webapp.domain.households import queries as households
from webapp.domain.households.queries import joining, listing
from webapp.domain.volunteers import services
from webapp.domain.volunteers.queries import profile, teams
from webapp.domain.volunteers.queries.profile import LivingPlace
from webapp.domain.volunteers.queries.teams import InvitationView
from webapp.domain.volunteers.rules import AgeAnswer, SkillKind, Stretch, VolunteerState
from webapp.domain.volunteers.services import Answers
from webapp.web import guard, words
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, public, requires
from webapp.web.htmx import answer

_CAN_SIGN_UP = frozenset({VolunteerState.LEFT})


@bp.get("/join")
@public
def show_join():
    """Ask for the phone, then for the rest; who is on the list already is led to their own page."""
    actor = current_actor()
    token = request.args.get("invitation", "")
    invited = teams.get_invitation(token=token, now=clock.now()) if token else None
    if not actor.is_signed_in:
        know_browser()
        return render_template("volunteers/visitor.html", invited=invited, next=_here(token), words=words)
    own = profile.get_own(actor=actor)
    if own is not None and own.state not in _CAN_SIGN_UP:
        return redirect(
            url_for("volunteers.show_invitation", token=token)
            if invited and own.is_live
            else url_for("volunteers.show_me"),
            303,
        )
    place = _place(invited)
    if place is None:
        return render_template(
            "volunteers/choose_community.html",
            communities=joining.list_communities(),
            invitation=token,
        )
    form = JoinForm(
        None,
        name=profile.get_asker(actor=actor).name,
        building=place.building_public_id or "",
        invitation=token,
    )
    return render_template("volunteers/join.html", form=form, **_context(form, place, invited))


@bp.post("/join")
@requires(Permission.VOLUNTEER_APPLY)
def sign_up():
    """Keep the answers; the same person on another phone is answered with what stands there already."""
    form = JoinForm()
    error = None
    if form.is_good:
        try:
            services.sign_up(
                deed=deed(),
                answers=_answers(form),
                minors_allowed=current_app.config["VOLUNTEERS_FROM_16"],
                invitation=form.invitation.data or "",
            )
            return answer(otherwise=url_for("volunteers.show_joined"), code="signed_up")
        except LinliError as refusal:
            error = refusal
    invited = None
    if isinstance(error, Gone):
        # What was typed goes out as well without the invitation that is over.
        form.invitation.data = ""
    elif form.invitation.data:
        invited = teams.get_invitation(token=form.invitation.data, now=clock.now())
    place = profile.get_living_place(public_id=form.community.data or "")
    if place is None:
        raise error or NotFound()
    return refuse_form("volunteers/join.html", form=form, error=error, **_context(form, place, invited))


@bp.get("/joined")
@requires(Permission.VOLUNTEER_APPLY)
def show_joined():
    """Say what the sign-up came to, and lead on to the shifts."""
    own = profile.get_own(actor=current_actor())
    if own is None:
        return redirect(url_for("volunteers.show_join"), 303)
    title, means, _tone = views.OWN_STATES[own.state]
    return render_template("volunteers/joined.html", own=own, title=title, means=means, words=words)


def know_browser() -> None:
    """Give the browser its name before its first deed, so that a repeated POST is known as the same one."""
    if guard.BROWSER not in session:
        session[guard.BROWSER] = new_token()


def _here(token: str) -> str:
    """This page as the address to come back to after signing in."""
    return url_for("volunteers.show_join", invitation=token or None, area=request.args.get("area") or None)


def _place(invited: InvitationView | None) -> LivingPlace | None:
    """Where the person lives: as chosen, as the own household says, or as the inviting team lets suppose."""
    if chosen := request.args.get("area"):
        return profile.get_living_place(public_id=chosen)
    own = households.list_own(actor=current_actor())
    if own:
        return profile.find_living_place(path=own[0].area_path)
    return profile.find_living_place(path=invited.area_path) if invited else None


def _answers(form: JoinForm) -> Answers:
    return Answers(
        name=form.name.data or "",
        community=form.community.data or "",
        building=form.building.data or "",
        skills=form.skills.data or (),
        when=tuple(Stretch(each) for each in form.when.data or () if each in set(Stretch)),
        age=AgeAnswer(form.age.data) if form.age.data in set(AgeAnswer) else AgeAnswer.CHILD,
        guardian_name=form.guardian_name.data or "",
        health=form.health.data,
        confidentiality=form.confidentiality.data,
    )


def _context(form: JoinForm, place: LivingPlace, invited: InvitationView | None) -> dict[str, Any]:
    minors_allowed = current_app.config["VOLUNTEERS_FROM_16"]
    buildings = listing.list_buildings(path=place.community_path)
    form.community.data = place.community_public_id
    form.building.choices = [("", "—"), *((each.public_id, each.name) for each in buildings)]
    asker = profile.get_asker(actor=current_actor())
    return {
        "place": place,
        "asker": asker,
        "invited": invited,
        "has_buildings": bool(buildings),
        "skills": views.skill_options(profile.list_skills(SkillKind.TASK)),
        "stretches": [(str(each), str(said)) for each, said in views.STRETCHES.items()],
        "ages": views.ages(minors_allowed=minors_allowed),
        "minors_allowed": minors_allowed,
        "pledges": [(str(kind), *said) for kind, said in views.PLEDGES.items()],
        "words": words,
    }
