"""Certificates of service 志愿服务证明, and the public page on which anybody can check one."""

from dataclasses import replace
from datetime import date

from flask import Response, current_app, make_response, render_template, request, url_for
from flask_babel import get_locale

from webapp.base import clock
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.ids import new_number, new_public_id
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, day_views
from webapp.domain.rosters import services
from webapp.domain.rosters.queries import certificates
from webapp.domain.rosters.queries.certificates import CertificateView, Draft
from webapp.web import pdf, qr, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, public, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json

PDF = "application/pdf"


def _facts(view: CertificateView) -> dict[str, object]:
    return {
        "number": view.number,
        "name": words.said(view.name),
        "office": words.said(view.office_name),
        "total": day_views.duration(view.minutes),
        "shift_count": view.shift_count,
        "from_on": words.full_day(view.from_on),
        "to_on": words.full_day(view.to_on),
        "year": view.to_on.year,
        "years": (view.from_on.year, view.to_on.year),
        "issued": f"{clock.day(view.issued_at):%Y-%m-%d}",
        "span": f"{view.from_on:%Y-%m-%d} – {view.to_on:%Y-%m-%d}",
        "is_revoked": view.revoked_at is not None,
    }


@bp.get("/certificates")
@requires(Permission.SHIFT_TAKE)
def list_certificates():
    """志愿服务证明: make one over a span, and those that were made."""
    return _own_page()


def _own_page(*, status: int = 200, error: LinliError | None = None) -> Response:
    made = certificates.list_own_certificates(actor=current_actor())
    response = make_response(
        render_template(
            "rosters/certificates.html",
            made=[
                _facts(each) | {"url": url_for("rosters.show_certificate", public_id=each.public_id)}
                for each in made
            ],
            typed=request.form if error else {},
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


def _day(name: str) -> date | None:
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RuleBroken("time_wrong", field=name) from error


@bp.post("/certificates")
@requires(Permission.SHIFT_TAKE)
def make_certificate():
    """Make a certificate, or find the one that says the same."""
    volunteer = request.form.get("volunteer") or None
    try:
        draft = certificates.draft(
            actor=current_actor(),
            volunteer=volunteer,
            from_on=_day("from_on"),
            to_on=_day("to_on"),
            language=str(get_locale()),
        )
        public_id = draft.same or _issue(draft)
    except LinliError as error:
        if volunteer or error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _own_page(status=error.status, error=error)
    return answer(otherwise=url_for("rosters.show_certificate", public_id=public_id), code="issued")


def _issue(draft: Draft) -> str:
    now = clock.now()
    public_id = new_public_id()
    number = f"{clock.day(now):%Y%m%d}-{new_number()}"
    printed = pdf.render(
        "rosters/pdf/certificate.html",
        language=draft.language,
        certificate=draft,
        number=number,
        issued_on=clock.day(now),
        hours=draft.minutes // 60,
        minutes=draft.minutes % 60,
        address=current_app.config["PUBLIC_URL"].partition("://")[2],
        qr=qr.data_uri(_verify_url(certificates.token_of(public_id))),
    )
    return services.issue_certificate(
        deed=deed(), draft=draft, public_id=public_id, number=number, pdf=printed.bytes
    )


def _verify_url(token: str) -> str:
    return f"{current_app.config['PUBLIC_URL']}{url_for('rosters.verify_certificate', token=token)}"


@bp.get("/certificates/<public_id>")
@requires(Permission.SHIFT_TAKE)
def show_certificate(public_id: str):
    """A certificate: what it says, its PDF, its public page."""
    return _page(public_id)


def _page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    view = certificates.get_certificate(actor=current_actor(), public_id=public_id)
    response = make_response(
        render_template(
            "rosters/certificate.html",
            certificate=_facts(view),
            pdf=url_for("rosters.show_certificate_pdf", public_id=public_id),
            verify=url_for("rosters.verify_certificate", token=view.token),
            revoke=url_for("rosters.revoke_certificate", public_id=public_id)
            if view.may_revoke and view.revoked_at is None
            else None,
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.get("/certificates/<public_id>.pdf")
@requires(Permission.SHIFT_TAKE)
def show_certificate_pdf(public_id: str):
    """The PDF as it was made."""
    number, content = certificates.get_pdf(actor=current_actor(), public_id=public_id)
    response = make_response(content)
    response.headers["Content-Type"] = PDF
    response.headers["Content-Disposition"] = f'inline; filename="certificate-{number}.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.post("/certificates/<public_id>/revoke")
@requires(Permission.ROSTER_MANAGE)
def revoke_certificate(public_id: str):
    """Take a certificate back, with the reason."""
    reason = request.form.get("reason", "").strip()[:200]
    try:
        if not reason:
            raise RuleBroken("reason_missing", field="reason")
        services.revoke_certificate(deed=replace(deed(), reason=reason), certificate=public_id)
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _page(public_id, status=error.status, error=error)
    return answer(otherwise=url_for("rosters.show_certificate", public_id=public_id), code="revoked")


@bp.get("/verify/<token>")
@public
def verify_certificate(token: str):
    """What the certificate says and whether it holds, for whoever holds it; nothing else."""
    view = certificates.verify(token=token)
    response = make_response(render_template("rosters/verify.html", certificate=_facts(view), tabs=[]))
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
