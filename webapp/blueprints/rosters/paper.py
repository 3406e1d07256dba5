"""Printing rosters: the week, sign-in sheets, a team's and a person's week; on the wall, or with phones and a reason."""

from datetime import date, timedelta
from typing import Any

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import force_locale, get_locale

from webapp.base import clock, jobs
from webapp.base.errors import LinliError, NotFound
from webapp.base.jobs import JobState
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, paper_views
from webapp.domain.rosters.queries import paper
from webapp.domain.rosters.rules import Copy, RosterSheetKind
from webapp.domain.rosters.services import paper as services
from webapp.web import handouts, pdf, qr, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json
from webapp.web.words import gettext
from webapp.web.workbooks import XLSX, workbook


def read_ask(given: Any) -> paper.Ask:
    """Which sheet a form or an address asks for; what is nonsense is nowhere to be found."""
    try:
        kind = RosterSheetKind(given.get("kind", ""))
        copy = Copy(given.get("copy") or Copy.WALL)
        first = date.fromisoformat(given.get("from") or clock.day(clock.now()).isoformat())
        first + timedelta(days=14)  # the end of all calendars has no week after it
        first - timedelta(days=14)
    except (ValueError, OverflowError) as error:
        raise NotFound from error
    return paper.Ask(
        kind,
        copy,
        first,
        area=given.get("area") or None,
        team=given.get("team") or None,
        post=given.get("post") or None,
        volunteer=given.get("volunteer") or None,
    )


@bp.get("/sheets")
@requires(Permission.ROSTER_SEE)
def list_sheets():
    """What can be printed, and what was."""
    return _page()


def _page(*, status: int = 200, error: LinliError | None = None) -> Response:
    actor, now = current_actor(), clock.now()
    given = request.form if error else request.args
    kinds = paper_views.kinds()
    kind = given.get("kind", "")
    if kind not in kinds:
        printed = paper.list_printed(actor=actor)
        html = render_template(
            "rosters/sheets.html",
            kinds=[
                (url_for("rosters.list_sheets", kind=each, **_kept(given)), *said)
                for each, said in kinds.items()
                if each is not RosterSheetKind.PERSON
            ],
            sheets=[paper_views.line(each, now=now) for each in printed],
            back=week_url(),
        )
        return make_response(html, status)
    choices = paper.list_choices(actor=actor, area=given.get("area") or None)
    of_one = {RosterSheetKind.SIGN_IN: "post", RosterSheetKind.TEAM: "team"}.get(RosterSheetKind(kind))
    if of_one and len(choices.areas) > 1 and not given.get("area") and not given.get(of_one):
        # Posts and teams of a whole county are no list to choose from.
        return make_response(
            render_template(
                "rosters/choose_community.html",
                choices=[
                    (
                        name.zh,
                        url_for("rosters.list_sheets", **(_kept(given) | {"kind": kind, "area": area})),
                    )
                    for area, name in choices.areas
                ],
            )
        )
    response = make_response(
        render_template(
            "rosters/print.html",
            page=_form(RosterSheetKind(kind), given, choices, now),
            said=sentence(error.code, **error.params) if error else None,
            field=error.field if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


def week_url() -> str | None:
    """The week on the screen, where these sheets are asked for."""
    has_week = "rosters.show_week" in current_app.view_functions
    return url_for("rosters.show_week") if has_week else None


def _kept(given: Any) -> dict[str, str]:
    """What an address says already, for the next one."""
    return {name: given[name] for name in ("from", "area", "team", "post", "volunteer") if given.get(name)}


def _form(kind: RosterSheetKind, given: Any, choices: paper.Choices, now: Any) -> dict[str, Any]:
    def options(pairs: Any) -> list[tuple[str, Any]]:
        return [(public_id, paper_views.name(name)) for public_id, name in pairs]

    person = None
    if kind is RosterSheetKind.PERSON:
        ask = paper.Ask(kind, Copy.WALL, clock.day(now), volunteer=given.get("volunteer") or None)
        person = paper.get_subject(actor=current_actor(), ask=ask).name.zh
    tomorrow = clock.day(now) + timedelta(days=1)
    return {
        "kind": str(kind),
        "title": paper_views.kinds()[kind][0],
        "is_day": kind is RosterSheetKind.SIGN_IN,
        "first": given.get("from") or tomorrow.isoformat(),
        "areas": options(choices.areas) if kind is RosterSheetKind.WEEK else [],
        "area": given.get("area", ""),
        "posts": options(choices.posts) if kind is RosterSheetKind.SIGN_IN else [],
        "post": given.get("post", ""),
        "teams": options(choices.teams)
        if kind is RosterSheetKind.TEAM or (kind is RosterSheetKind.WEEK and not choices.areas)
        else [],
        "team": given.get("team", ""),
        "person": words.said(person) if person else None,
        "volunteer": given.get("volunteer", ""),
        "copies": paper_views.copies() if current_actor().has(Permission.PHONES_PRINT) else [],
        "chosen_copy": given.get("copy") or str(Copy.WALL),
        "reason": given.get("reason", ""),
        "formats": [("pdf", "PDF"), ("xlsx", "XLSX")] if kind is not RosterSheetKind.PERSON else [],
        "format": given.get("format") or "pdf",
        "calendar_url": _calendar_url(kind, given),
        "language": given.get("language") or ("zh" if words.is_chinese() else "en"),
    }


def _calendar_url(kind: RosterSheetKind, given: Any) -> str | None:
    """Where the calendar of the same post or team is made, for who rosters it."""
    name = {RosterSheetKind.SIGN_IN: "post", RosterSheetKind.TEAM: "team"}.get(kind, "")
    if not given.get(name) or not current_actor().has(Permission.TEAM_ROSTER):
        return None
    return url_for("rosters.show_link", kind=name, public_id=given[name])


@bp.post("/sheets")
@requires(Permission.SHIFT_TAKE)
def print_sheet():
    """Make a sheet, or find the version that says the same; a long one is made by the worker."""
    try:
        return _print()
    except LinliError as error:
        can_ask = current_actor().has(Permission.ROSTER_SEE)
        if error.status in {403, 404} or wants_json() or wants_fragment() or not can_ask:
            raise
        return _page(status=error.status, error=error)


def _print() -> Response:
    actor, language = (
        current_actor(),
        handouts.LANGUAGES.get(request.form.get("language", ""), str(get_locale())),
    )
    subject = paper.get_subject(actor=actor, ask=read_ask(request.form))
    reason = request.form.get("reason", "").strip() if subject.copy is Copy.WORKING else None
    doing = deed(reason=reason or None)
    services.ensure_reason(doing, subject.copy)
    if request.form.get("format") == "xlsx" and subject.kind is not RosterSheetKind.PERSON:
        return _xlsx(doing, subject, language)
    name = paper.name_of(actor=actor)
    prepared = paper.prepare(subject=subject, language=language, printed_by=actor.key)
    if prepared.made:
        public_id = prepared.made
        services.hand_out(
            deed=doing, subject=subject, what="pdf", rows=prepared.sheet.row_count, sheet=public_id
        )
    elif prepared.sheet.row_count > handouts.LONGEST_HERE:
        job = services.ask_for_sheet(deed=doing, subject=subject, language=language, printed_by=name)
        return answer(otherwise=url_for("rosters.show_sheet_job", job=job))
    else:
        printed = pdf.render(
            f"rosters/pdf/{subject.kind}.html",
            language=language,
            sheet=prepared.sheet,
            printing=prepared.printing(at=doing.now, by=name),
            qr=qr.data_uri(_address(prepared)),
        )
        public_id = services.record_sheet(
            deed=doing, prepared=prepared, language=language, printed_by=name, pdf=printed.bytes
        )
    return answer(otherwise=_pdf_url(public_id, subject.copy))


def _address(prepared: paper.Prepared) -> str:
    """What the code on the sheet opens: the roll call of a sign-in sheet, else what is known of this version."""
    address = f"{current_app.config['PUBLIC_URL']}/rosters/sheets/{prepared.public_id}"
    return f"{address}/roll-call" if prepared.subject.kind is RosterSheetKind.SIGN_IN else address


def _xlsx(doing: Any, subject: paper.Subject, language: str) -> Response:
    sheet = paper.get_sheet(subject=subject)
    services.hand_out(deed=doing, subject=subject, what="xlsx", rows=sheet.row_count)
    with force_locale(language):
        content = workbook(paper_views.workbook_pages(sheet))
    response = make_response(content)
    response.headers["Content-Type"] = XLSX
    response.headers["Content-Disposition"] = (
        f'attachment; filename="{subject.kind.replace("_", "-")}-{subject.ask.first}.xlsx"'
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _pdf_url(public_id: str, copy: Copy) -> str:
    word = handouts.word_for(public_id) if copy is Copy.WORKING else None
    return url_for("rosters.show_sheet_pdf", public_id=public_id, **{"pass": word})


@bp.get("/sheets/<public_id>")
@requires(Permission.SHIFT_TAKE)
def show_sheet(public_id: str):
    """What the code on a printed sheet opens: which version it is, and whether it is still the newest."""
    printed = paper.get_printed(actor=current_actor(), public_id=public_id)
    subject, now = printed.subject, clock.now()
    is_wall = subject.copy is Copy.WALL
    again = url_for(
        "rosters.list_sheets",
        **{
            "kind": subject.kind,
            "copy": subject.copy,
            "from": subject.ask.first.isoformat(),
            "area": subject.ask.area,
            "team": subject.ask.team,
            "post": subject.ask.post,
            "volunteer": subject.ask.volunteer,
        },
    )
    return render_template(
        "rosters/sheet.html",
        sheet={
            "title": paper_views.kinds()[subject.kind][0],
            "name": paper_views.name(subject.name),
            "day": words.full_day(subject.ask.first),
            "copy_name": paper_views.copies()[0 if is_wall else 1][1],
            "version": printed.version,
            "newest": printed.newest,
            "is_newest": printed.is_newest,
            "printed": gettext(
                "%(at)s by %(who)s",
                at=words.moment(printed.printed_at, now=now),
                who=words.said(printed.printed_by),
            ),
            "pdf_url": _pdf_url(public_id, subject.copy) if is_wall else None,
            "again_url": again if current_actor().has(Permission.ROSTER_SEE) else None,
        },
    )


@bp.get("/sheets/<public_id>.pdf")
@requires(Permission.SHIFT_TAKE)
def show_sheet_pdf(public_id: str):
    """A printed roster. A working copy opens only just after its reason was given; later it is asked for again."""
    printed = paper.get_printed(actor=current_actor(), public_id=public_id)
    subject = printed.subject
    if subject.copy is Copy.WORKING and not handouts.is_open(public_id):
        return redirect(url_for("rosters.show_sheet", public_id=public_id), 303)
    name = f"{subject.kind.replace('_', '-')}-{subject.ask.first}-v{printed.version}.pdf"
    return handouts.pdf_response(paper.get_pdf(printed=printed), name)


@bp.get("/sheets/jobs/<job>")
@requires(Permission.SHIFT_TAKE)
def show_sheet_job(job: str):
    """How far a long sheet is; when it is done, the sheet itself."""
    found = jobs.get(job, actor=current_actor())
    if found.kind != services.JOB:
        raise NotFound
    if found.state is JobState.DONE and found.result:
        target = _pdf_url(found.result["sheet"], Copy(found.parameters["copy"]))
        if wants_fragment():
            response = make_response("")
            response.headers["HX-Redirect"] = target
            return response
        return redirect(target, 303)
    is_over = found.state is JobState.FAILED
    page: dict[str, Any] = {
        "url": url_for("rosters.show_sheet_job", job=job),
        "progress": found.progress,
        "said": handouts.failure(found.error) if is_over else None,
        "is_over": is_over,
    }
    template = "pdf/_job.html" if wants_fragment() else "rosters/sheet_job.html"
    return render_template(template, job=page)
