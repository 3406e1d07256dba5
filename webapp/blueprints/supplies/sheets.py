"""Printing 总拣单, 分装单 and 配送单: made once per content, kept with a version, long ones by the worker."""

from typing import Any

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale

from webapp.base import clock, jobs
from webapp.base.errors import LinliError, NotFound
from webapp.base.jobs import JobState
from webapp.base.permissions import Permission
from webapp.blueprints.supplies import bp, round_views
from webapp.domain.areas import queries as areas
from webapp.domain.supplies import services
from webapp.domain.supplies.queries import head, paper
from webapp.domain.supplies.rules import RoundState, SheetKind
from webapp.domain.supplies.sheets import Printing
from webapp.web import pages, pdf, qr, words
from webapp.web.errors import SENTENCES, sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json
from webapp.web.words import gettext

LONGEST_HERE = 200
TEMPLATES = {
    SheetKind.PICKING: "supplies/pdf/picking.html",
    SheetKind.PACKING: "supplies/pdf/packing.html",
    SheetKind.RUN: "supplies/pdf/run_sheet.html",
}
PDF = "application/pdf"


def _kind(text: str) -> SheetKind:
    try:
        return SheetKind(text)
    except ValueError as error:
        raise NotFound from error


def _kind_words() -> dict[SheetKind, tuple[str, str]]:
    return {
        SheetKind.PICKING: (gettext("Picking list, by item"), gettext("What the whole round needs.")),
        SheetKind.PACKING: (gettext("Packing list, by building"), gettext("Which bags go to which door.")),
        SheetKind.RUN: (gettext("Run sheet, by building"), gettext("From door to door, for the courier.")),
    }


@bp.get("/rounds/<public_id>/sheets")
@requires(Permission.SHEET_PRINT)
def show_sheets(public_id: str):
    """What can be printed of a round, and what was."""
    return _page(public_id)


def _page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    actor, now = current_actor(), clock.now()
    view = head.get_round(actor=actor, public_id=public_id)
    printed = head.list_sheets(actor=actor, view=view)
    buildings = head.list_buildings(actor=actor, view=view, limit=2000).buildings
    pages.use_place(areas.get_place(view.area_path))
    kinds = _kind_words()
    page = {
        "title": round_views.title(
            view.number, words.delivery(view.delivers_on, view.delivery_window, now=now)
        ),
        "back": url_for("supplies.show_round", public_id=public_id),
        "action": url_for("supplies.print_sheet", public_id=public_id),
        "kinds": [(str(kind), *said) for kind, said in kinds.items()],
        "buildings": [
            ("", gettext("All buildings")),
            *(
                (each.public_id, words.said(f"{each.compound or ''}{each.name}"))
                for each in buildings
                if each.ordered_count
            ),
        ],
        "kind": request.form.get("kind", "picking"),
        "building": request.form.get("building", ""),
        "still_open": view.state is RoundState.OPEN,
    }
    sheets = [
        {
            "title": kinds[each.kind][0],
            "version": gettext("version %(number)s", number=each.version),
            "detail": gettext(
                "%(place)s · %(at)s",
                place=words.said(each.building) if each.is_building else gettext("All buildings"),
                at=words.moment(each.printed_at, now=now),
            ),
            "url": _pdf_url(public_id, each.kind, each.public_id if each.is_building else None, each.version),
        }
        for each in printed
    ]
    response = make_response(
        render_template(
            "supplies/sheets.html",
            page=page,
            sheets=sheets,
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


def _pdf_url(public_id: str, kind: str, building: str | None, version: int | None = None) -> str:
    return url_for(
        "supplies.show_pdf", public_id=public_id, kind=kind, building=building or None, version=version
    )


@bp.post("/rounds/<public_id>/sheets")
@requires(Permission.SHEET_PRINT)
def print_sheet(public_id: str):
    """Make a sheet, or find the version that says the same; a long one is made by the worker."""
    try:
        return _print(public_id)
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _page(public_id, status=error.status, error=error)


def _print(public_id: str) -> Response:
    kind, building = _kind(request.form.get("kind", "")), request.form.get("building") or None
    actor, language = current_actor(), str(get_locale())
    subject = paper.get_subject(actor=actor, round_public_id=public_id, kind=kind, building=building)
    address = f"{current_app.config['PUBLIC_URL']}/supplies/rounds/{public_id}"
    prepared = paper.prepare(
        subject=subject, language=language, window=words.window(subject.delivery_window), address=address
    )
    if prepared.made:
        version = prepared.made.version
    elif prepared.row_count > LONGEST_HERE:
        job = services.ask_for_sheet(
            deed=deed(), subject=subject, language=language, printed_by=paper.name_of(actor=actor)
        )
        return answer(otherwise=url_for("supplies.show_job", public_id=public_id, job=job))
    else:
        version = _make(prepared, language, address)
    return answer(otherwise=_pdf_url(public_id, kind, subject.building, version))


def _make(prepared: paper.Prepared, language: str, address: str) -> int:
    name = paper.name_of(actor=current_actor())
    printed = pdf.render(
        TEMPLATES[prepared.subject.kind],
        language=language,
        sheet=prepared.sheet,
        printing=Printing(prepared.next_version, clock.here(clock.now()), name),
        qr=qr.data_uri(address),
    )
    return services.record_sheet(
        deed=deed(), prepared=prepared, language=language, printed_by=name, pdf=printed.bytes
    )


@bp.get("/rounds/<public_id>/sheets/<kind>.pdf")
@requires(Permission.SHEET_PRINT)
def show_pdf(public_id: str, kind: str):
    """A sheet that was made: the newest version, or the one in the address."""
    version = request.args.get("version", "")
    subject = paper.get_subject(
        actor=current_actor(),
        round_public_id=public_id,
        kind=_kind(kind),
        building=request.args.get("building") or None,
    )
    number, content = paper.get_pdf(
        subject=subject,
        language=str(get_locale()),
        version=int(version) if version.isdecimal() and len(version) < 7 else None,
    )
    response = make_response(content)
    response.headers["Content-Type"] = PDF
    response.headers["Content-Disposition"] = (
        f'inline; filename="round-{subject.number}-{kind}-v{number}.pdf"'
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.get("/rounds/<public_id>/sheets/jobs/<job>")
@requires(Permission.SHEET_PRINT)
def show_job(public_id: str, job: str):
    """How far a long sheet is; when it is done, the sheet itself."""
    found = jobs.get(job, actor=current_actor())
    if found.kind != "supplies.sheet" or found.parameters.get("round") != public_id:
        raise NotFound
    if found.state is JobState.DONE and found.result:
        parameters = found.parameters
        target = _pdf_url(public_id, parameters["sheet"], parameters["building"], found.result["version"])
        if wants_fragment():
            response = make_response("")
            response.headers["HX-Redirect"] = target
            return response
        return redirect(target, 303)
    page: dict[str, Any] = {
        "url": url_for("supplies.show_job", public_id=public_id, job=job),
        "progress": found.progress,
        "said": _failure(found.error) if found.state is JobState.FAILED else None,
        "is_over": found.state is JobState.FAILED,
    }
    if wants_fragment():
        return render_template("supplies/_job.html", job=page)
    return render_template(
        "supplies/job.html", job=page, back=url_for("supplies.show_sheets", public_id=public_id)
    )


def _failure(error: dict[str, Any] | None) -> str:
    code = (error or {}).get("code", "server_error")
    if code not in SENTENCES:
        code = "server_error"
    return sentence(code, **(error or {}).get("params", {}))
