"""Invitations into a team: made, shown as a QR code and a poster, revoked; and the page that the code opens."""

from typing import Any

from flask import Response, current_app, render_template, url_for
from flask_babel import get_locale

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.base.permissions import Permission
from webapp.blueprints.volunteers import bp, views
from webapp.blueprints.volunteers.forms import InvitationForm
from webapp.blueprints.volunteers.join import know_browser
from webapp.domain.areas.queries import get_place
from webapp.domain.volunteers import services
from webapp.domain.volunteers.queries import profile, teams
from webapp.web import pdf, qr, words
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, public, requires
from webapp.web.htmx import answer
from webapp.web.words import gettext

# --- for the head and the team's lead -----------------------------------------------------------------------


@bp.get("/teams/<public_id>/invitations")
@requires(Permission.VOLUNTEER_SEE)
def list_invitations(public_id):
    """The invitations of a team, and a form for one more."""
    form = InvitationForm(None)
    return render_template("volunteers/invitations.html", form=form, **_invitations_page(public_id))


def _invitations_page(public_id: str) -> dict[str, Any]:
    now = clock.now()
    view = teams.get_team(actor=current_actor(), public_id=public_id)
    return {
        "view": view,
        "rows": [
            (each, *views.invitation_state(each, now), views.until(each, now))
            for each in teams.list_invitations(team=view)
        ],
        "words": words,
    }


@bp.post("/teams/<public_id>/invitations")
@requires(Permission.VOLUNTEER_DECIDE)
def make_invitation(public_id):
    """Make an invitation and show it."""
    form = InvitationForm()
    error = None
    if form.is_good:
        try:
            invitation = services.make_invitation(
                deed=deed(), team=public_id, days=form.days.data, use_limit=form.use_limit.data
            )
            shown = url_for("volunteers.show_own_invitation", public_id=public_id, invitation=invitation)
            return answer(otherwise=shown, code="made")
        except LinliError as refusal:
            if refusal.status not in {409, 422}:
                raise
            error = refusal
    return refuse_form("volunteers/invitations.html", form=form, error=error, **_invitations_page(public_id))


@bp.get("/teams/<public_id>/invitations/<invitation>")
@requires(Permission.VOLUNTEER_SEE)
def show_own_invitation(public_id, invitation):
    """The QR code to be held out, and the link to be sent."""
    view, row, address = _invitation(public_id, invitation)
    now = clock.now()
    state, tone = views.invitation_state(row, now)
    return render_template(
        "volunteers/invitation.html",
        view=view,
        row=row,
        state=state,
        tone=tone,
        detail=views.until(row, now),
        address=address,
        code=qr.svg(address, label=gettext("QR code of the invitation")) if tone == "good" else None,
        words=words,
    )


def _invitation(public_id: str, invitation: str) -> tuple[teams.TeamView, teams.InvitationRow, str]:
    view = teams.get_team(actor=current_actor(), public_id=public_id)
    row = teams.get_invitation_row(team=view, public_id=invitation)
    path = url_for("volunteers.show_invitation", token=teams.token_of(row.public_id))
    return view, row, current_app.config["PUBLIC_URL"] + path


@bp.get("/teams/<public_id>/invitations/<invitation>/poster.pdf")
@requires(Permission.VOLUNTEER_SEE)
def show_poster(public_id, invitation):
    """The invitation as an A4 poster."""
    view, row, address = _invitation(public_id, invitation)
    place = get_place(view.area_path)
    made = pdf.render(
        "volunteers/pdf/poster.html",
        language=str(get_locale()),
        team=view.name,
        unit_line=place.unit_line or "",
        hotline=place.hotline or "",
        until=clock.day(row.expires_at),
        address=address,
        code=qr.data_uri(address),
    )
    response = Response(made.bytes, mimetype="application/pdf")
    response.headers["Content-Disposition"] = 'inline; filename="invitation.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/teams/<public_id>/invitations/<invitation>/revoke")
@requires(Permission.VOLUNTEER_DECIDE)
def revoke_invitation(public_id, invitation):
    """Let nobody in through it any more."""
    services.revoke_invitation(deed=deed(), team=public_id, public_id=invitation)
    return answer(otherwise=url_for("volunteers.list_invitations", public_id=public_id), code="revoked")


# --- for who was invited ------------------------------------------------------------------------------------


@bp.get("/invitations/<token>")
@public
def show_invitation(token):
    """Who invites, and the next step: the phone, the sign-up, or one press of somebody who is a volunteer."""
    invited = teams.get_invitation(token=token, now=clock.now())
    actor = current_actor()
    own = profile.get_own(actor=actor) if actor.is_signed_in else None
    if not actor.is_signed_in:
        know_browser()
    return render_template(
        "volunteers/invited.html",
        invited=invited,
        token=token,
        own=own if own is not None and own.is_live else None,
        is_signed_in=actor.is_signed_in,
        next=url_for("volunteers.show_join", invitation=token),
        words=words,
    )


@bp.post("/invitations/<token>")
@requires(Permission.VOLUNTEER_APPLY)
def join_team(token):
    """A volunteer comes into the team."""
    services.join_team(deed=deed(), token=token)
    return answer(otherwise=url_for("volunteers.show_joined"), code="joined")
