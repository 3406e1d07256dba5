"""Printing a call-up: the roster to sign, the list for the phone, the summary, the report."""

from typing import Any

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import force_locale, get_locale

from webapp.base import clock, jobs
from webapp.base.errors import LinliError, NotFound
from webapp.base.jobs import JobState
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, muster_views, sheet_views
from webapp.domain.mobilization.queries import paper
from webapp.domain.mobilization.rules import SheetCopy, SheetKind
from webapp.domain.mobilization.services import paper as services
from webapp.web import handouts, pdf, qr, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json
from webapp.web.words import gettext


@bp.get("/call-ups/<public_id>/sheets")
@requires(Permission.CALL_UP_SEE)
def list_sheets(public_id: str):
    """What can be printed of a call-up, and what was."""
    return _page(public_id)


def _page(public_id: str, *, error: LinliError | None = None) -> Response:
    now, given = clock.now(), request.form if error else request.args
    found = paper.list_choices(actor=current_actor(), public_id=public_id)
    kinds = {each: sheet_views.kinds()[each] for each in found.kinds}
    call_up = {
        "about": sheet_views.about(found.call_up),
        "is_drill": found.call_up.is_drill,
        "url": url_for("mobilization.list_sheets", public_id=public_id),
    }
    kind = given.get("kind", "")
    if kind in kinds:
        html = render_template(
            "mobilization/print.html",
            call_up=call_up,
            page=_form(public_id, SheetKind(kind), given, found),
            said=sentence(error.code, **error.params) if error else None,
            field=error.field if error else None,
        )
    else:
        html = render_template(
            "mobilization/sheets.html",
            call_up=call_up,
            back=_call_up_url(public_id),
            kinds=[
                (url_for("mobilization.list_sheets", public_id=public_id, kind=each), *said)
                for each, said in kinds.items()
            ],
            sheets=[sheet_views.line(each, now=now) for each in found.printed],
            said=sentence(error.code, **error.params) if error else None,
        )
    response = make_response(html, error.status if error else 200)
    if error:
        response.headers[ANSWER] = error.code
    return response


def _call_up_url(public_id: str) -> str | None:
    """The page of the call-up itself."""
    return url_for("mobilization.show_call_up", public_id=public_id)


def _form(public_id: str, kind: SheetKind, given: Any, found: paper.Choices) -> dict[str, Any]:
    copies = sheet_views.copies(kind)
    if not found.may_take_phones:
        copies = [each for each in copies if each[0] != SheetCopy.WORKING]
    return {
        "action": url_for("mobilization.print_sheet", public_id=public_id),
        "kind": str(kind),
        "title": sheet_views.kinds()[kind][0],
        "parts": sheet_views.parts(found, kind),
        "part": given.get("part", ""),
        "copies": copies,
        "chosen_copy": given.get("copy") or str(copies[0][0]),
        "reason": given.get("reason", ""),
        "has_reason": any(each[0] == SheetCopy.WORKING for each in copies),
        "language": given.get("language") or ("zh" if words.is_chinese() else "en"),
    }


@bp.post("/call-ups/<public_id>/sheets")
@requires(Permission.CALL_UP_SEE)
def print_sheet(public_id: str):
    """Make a sheet, or find the version that says the same; a long one is made by the worker."""
    try:
        return _print(public_id)
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _page(public_id, error=error)


def _ask(public_id: str) -> paper.Ask:
    """Which sheet the form asks for; what is nonsense is nowhere to be found."""
    try:
        kind = SheetKind(request.form.get("kind", ""))
        copy = SheetCopy(request.form.get("copy") or paper.COPIES[kind][0])
    except ValueError as error:
        raise NotFound from error
    return paper.Ask(public_id, kind, copy, request.form.get("part", ""))


def _print(public_id: str) -> Response:
    actor = current_actor()
    language = handouts.LANGUAGES.get(request.form.get("language", ""), str(get_locale()))
    subject = paper.get_subject(actor=actor, ask=_ask(public_id))
    reason = request.form.get("reason", "").strip() if subject.copy is SheetCopy.WORKING else None
    doing = deed(reason=reason or None)
    services.ensure_reason(doing, subject.copy)
    name = paper.name_of(actor=actor)
    prepared = paper.prepare(actor=actor, subject=subject, language=language, now=doing.now)
    if prepared.made:
        sheet = prepared.made
        services.hand_out(deed=doing, subject=subject, sheet=sheet, rows=prepared.sheet.row_count)
    elif prepared.sheet.row_count > handouts.LONGEST_HERE and subject.kind is not SheetKind.REPORT:
        job = services.ask_for_sheet(deed=doing, subject=subject, language=language, printed_by=name)
        return answer(otherwise=url_for("mobilization.show_sheet_job", job=job))
    else:
        printed = pdf.render(
            f"mobilization/pdf/{subject.kind}.html",
            language=language,
            sheet=prepared.sheet,
            told=_told(prepared.sheet, language),
            printing=prepared.printing(at=doing.now, by=name),
            qr=qr.data_uri(f"{current_app.config['PUBLIC_URL']}{prepared.path}"),
        )
        sheet = services.record_sheet(
            deed=doing, prepared=prepared, language=language, printed_by=name, pdf=printed.bytes
        )
    return answer(otherwise=_pdf_url(sheet, subject.copy))


def _told(sheet: paper.Sheet, language: str) -> dict[str, Any] | None:
    """A report in the words of the screen, in the language of the sheet."""
    if not isinstance(sheet, paper.ReportSheet):
        return None
    with force_locale(language):
        return muster_views.report(sheet.report, clock.now())


def _pdf_url(public_id: str, copy: SheetCopy) -> str:
    word = handouts.word_for(public_id) if copy is SheetCopy.WORKING else None
    return url_for("mobilization.show_sheet_pdf", public_id=public_id, **{"pass": word})


@bp.get("/sheets/<public_id>")
@requires(Permission.CALL_UP_SEE)
def show_sheet(public_id: str):
    """What the code on a printed sheet opens: which version it is, whether it is the newest, and the roll call."""
    printed = paper.get_printed(actor=current_actor(), public_id=public_id)
    subject, now = printed.subject, clock.now()
    ask, row = subject.ask, subject.row
    return render_template(
        "mobilization/sheet.html",
        sheet={
            "title": sheet_views.kinds()[subject.kind][0],
            "part": sheet_views.name(subject.part) if subject.part else None,
            "call_up": sheet_views.about(row),
            "is_drill": row.is_drill,
            "copy_name": {copy: said for copy, said, _small in sheet_views.copies(subject.kind)}[
                subject.copy
            ],
            "version": printed.version,
            "newest": printed.newest,
            "is_newest": printed.is_newest,
            "printed": gettext(
                "%(at)s by %(who)s",
                at=words.moment(printed.printed_at, now=now),
                who=words.said(printed.printed_by),
            ),
            "pdf_url": _pdf_url(public_id, subject.copy) if subject.copy is SheetCopy.WALL else None,
            "again_url": url_for(
                "mobilization.list_sheets",
                public_id=ask.call_up,
                kind=subject.kind,
                copy=subject.copy,
                part=ask.part or None,
            ),
        },
    )


@bp.get("/sheets/<public_id>/muster")
@requires(Permission.MUSTER_MARK)
def show_sheet_muster(public_id: str):
    """What the code on a roster opens: the roll call of that sheet, so that paper comes back into the ledger."""
    printed = paper.get_printed(actor=current_actor(), public_id=public_id)
    if printed.subject.kind is not SheetKind.ROSTER:
        raise NotFound
    ask = printed.subject.ask
    return redirect(
        url_for("mobilization.show_muster", public_id=ask.call_up, part=ask.part or None, sheet=public_id),
        303,
    )


@bp.get("/sheets/<public_id>.pdf")
@requires(Permission.CALL_UP_SEE)
def show_sheet_pdf(public_id: str):
    """A printed sheet. A working copy opens only just after its reason was given; later it is asked for again."""
    printed = paper.get_printed(actor=current_actor(), public_id=public_id)
    subject = printed.subject
    if subject.copy is SheetCopy.WORKING and not handouts.is_open(public_id):
        return redirect(url_for("mobilization.show_sheet", public_id=public_id), 303)
    name = f"{str(subject.kind).replace('_', '-')}-{subject.row.number}-v{printed.version}.pdf"
    return handouts.pdf_response(paper.get_pdf(printed=printed), name)


@bp.get("/sheets/jobs/<job>")
@requires(Permission.CALL_UP_SEE)
def show_sheet_job(job: str):
    """How far a long sheet is; when it is done, the sheet itself."""
    found = jobs.get(job, actor=current_actor())
    if found.kind != services.JOB:
        raise NotFound
    if found.state is JobState.DONE and found.result:
        target = _pdf_url(found.result["sheet"], SheetCopy(found.parameters["copy"]))
        if wants_fragment():
            response = make_response("")
            response.headers["HX-Redirect"] = target
            return response
        return redirect(target, 303)
    is_over = found.state is JobState.FAILED
    page: dict[str, Any] = {
        "url": url_for("mobilization.show_sheet_job", job=job),
        "progress": found.progress,
        "said": handouts.failure(found.error) if is_over else None,
        "is_over": is_over,
    }
    if wants_fragment():
        return render_template("pdf/_job.html", job=page)
    back = url_for("mobilization.list_sheets", public_id=found.parameters["call_up"])
    return render_template("mobilization/sheet_job.html", job=page, back=back)
