"""Hours 服务时长: one's own, those of people, teams, organisations and societies, and the corrections that wait."""

import csv
import io
import re
import unicodedata
from datetime import date, timedelta
from typing import Any

from flask import Response, make_response, render_template, request, url_for
from openpyxl import Workbook

from webapp.base import clock
from webapp.base.errors import LinliError, NotFound, RuleBroken
from webapp.base.permissions import Permission
from webapp.base.tables import neutralise
from webapp.blueprints.rosters import bp, day_views, said
from webapp.domain.rosters import services
from webapp.domain.rosters.queries import hours
from webapp.domain.rosters.queries.hours import By, Ledger, Total, Worked
from webapp.domain.rosters.rules import EntryKind, EntryState
from webapp.domain.volunteers.rules import Society
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json
from webapp.web.words import gettext

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WRITTEN = re.compile(r"(\d{1,2})(?::(\d{1,2}))?")


def society(value: str) -> str:
    """What a society is called."""
    return {
        Society.COMMUNITY: gettext("Community"),
        Society.SOCIAL_ORGANISATION: gettext("Social organisations"),
        Society.SOCIAL_WORKER: gettext("Social workers"),
        Society.VOLUNTEER: gettext("Volunteers"),
        Society.CHARITY: gettext("Charity"),
        "": gettext("None"),
    }[Society(value) if value else ""]


def read_minutes(text: str) -> int:
    """Hours as they are typed: 5:30, 5.5, 5点半 is not; raises RuleBroken("hours_wrong")."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if re.fullmatch(r"\d{1,2}\.\d{1,2}", plain):
        return round(float(plain) * 60)
    found = _WRITTEN.fullmatch(plain)
    if found is None or int(found[2] or 0) > 59:
        raise RuleBroken("hours_wrong", field="hours")
    return int(found[1]) * 60 + int(found[2] or 0)


@bp.get("/hours")
@requires(Permission.SHIFT_TAKE)
def show_own_hours():
    """我的时长: what counts, from what evidence, and how to have it corrected."""
    return _own()


def _own(*, status: int = 200, error: LinliError | None = None) -> Response:
    ledger = hours.get_own_hours(actor=current_actor(), before=request.args.get("before"))
    older = ledger.older and url_for("rosters.show_own_hours", before=ledger.older)
    return _ledger_page("rosters/own_hours.html", ledger, older, status=status, error=error)


def _ledger_page(
    template: str, ledger: Ledger, older: str | None, *, status: int, error: LinliError | None, **more: Any
) -> Response:
    response = make_response(
        render_template(
            template,
            name=words.said(ledger.name),
            total=day_views.duration(ledger.minutes),
            has_hours=ledger.minutes > 0,
            shift_count=ledger.shift_count,
            worked=[_worked(each) for each in ledger.worked],
            older=older,
            said=sentence(error.code, **error.params) if error else None,
            typed=request.form if error else {},
            **more,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


def _worked(each: Worked) -> dict[str, Any]:
    arrived = each.arrived_from and gettext(
        "came %(time)s, %(source)s",
        time=words.clock_time(each.arrived_at),
        source=day_views.evidence(each.arrived_from),
    )
    left = each.left_from and gettext(
        "left %(time)s, %(source)s",
        time=words.clock_time(each.left_at),
        source=day_views.evidence(each.left_from),
    )
    return {
        "attendance": each.attendance,
        "title": words.said(each.post_name, each.post_name_en),
        "when": gettext(
            "%(day)s %(time)s",
            day=words.full_day(clock.day(each.starts_at)),
            time=said.span(each.starts_at, each.ends_at),
        ),
        "minutes": day_views.duration(each.minutes),
        "typed": f"{each.minutes // 60}:{each.minutes % 60:02d}",
        "evidence": [arrived or gettext("there by roll call, planned time"), *([left] if left else [])],
        "waits": each.waits,
        "lines": [
            {
                "minutes": day_views.duration(line.minutes),
                "what": _what(line),
                "reason": None if line.is_automatic else (words.said(line.reason) if line.reason else None),
            }
            for line in each.entries
            if len(each.entries) > 1
        ],
        "action": url_for("rosters.ask_correction", attendance=each.attendance),
    }


def _what(line: hours.Entry) -> str:
    if line.kind is EntryKind.EVIDENCE:
        return gettext("From evidence")
    if line.is_automatic:
        return gettext("The evidence was changed")
    return {
        EntryState.ASKED: gettext("Asked for, waits for an answer"),
        EntryState.STANDS: gettext("Corrected"),
        EntryState.REFUSED: gettext("Asked for and refused"),
    }[line.state]


@bp.post("/hours/attendances/<attendance>/corrections")
@requires(Permission.SHIFT_TAKE)
def ask_correction(attendance: str):
    """Ask that a shift counts otherwise, with the reason."""
    volunteer = request.form.get("volunteer") or None
    try:
        services.ask_correction(
            deed=deed(),
            attendance=attendance,
            minutes=read_minutes(request.form.get("hours", "")),
            reason=request.form.get("reason", ""),
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return (
            _person(volunteer, status=error.status, error=error)
            if volunteer
            else _own(status=error.status, error=error)
        )
    back = (
        url_for("rosters.show_hours_of", volunteer=volunteer)
        if volunteer
        else url_for("rosters.show_own_hours")
    )
    return answer(otherwise=back, code="asked")


# --- staff --------------------------------------------------------------------------------------------------


@bp.get("/hours/people/<volunteer>")
@requires(Permission.VOLUNTEER_SEE)
def show_hours_of(volunteer: str):
    """A volunteer's hours, for staff and the team's lead."""
    return _person(volunteer)


def _person(volunteer: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    actor = current_actor()
    ledger = hours.get_hours_of(actor=actor, volunteer=volunteer, before=request.args.get("before"))
    older = ledger.older and url_for("rosters.show_hours_of", volunteer=volunteer, before=ledger.older)
    return _ledger_page(
        "rosters/hours_of.html",
        ledger,
        older,
        status=status,
        error=error,
        volunteer=volunteer,
        may_correct=actor.has(Permission.HOURS_CONFIRM) and ledger.person_id != actor.person_id,
        may_certify=actor.has(Permission.ROSTER_MANAGE),
    )


def _by(text: str) -> By:
    try:
        return By(text)
    except ValueError as error:
        raise NotFound from error


def _span() -> tuple[date, date]:
    """The days of the address; without them the last thirty."""
    today = clock.day(clock.now())

    def read(name: str, otherwise: date) -> date:
        try:
            return date.fromisoformat(request.args.get(name, ""))
        except ValueError:
            return otherwise

    to_on = read("to", today)
    from_on = read("from", to_on - timedelta(days=30))
    return min(from_on, to_on), max(from_on, to_on)


def _tab(by: By) -> str:
    return {
        By.PEOPLE: gettext("People"),
        By.TEAMS: gettext("Teams"),
        By.ORGANISATIONS: gettext("Organisations"),
        By.SOCIETIES: gettext("Societies"),
    }[by]


def _name(by: By, row: Total) -> Any:
    if by is By.SOCIETIES:
        return society(row.key)
    return gettext("None") if row.name is None else words.said(row.name, row.name_en)


@bp.get("/hours/<by>")
@requires(Permission.VOLUNTEER_SEE)
def list_hours(by: str):
    """Totals over a span: per person, team, organisation or society."""
    chosen = _by(by)
    from_on, to_on = _span()
    found = hours.list_totals(
        actor=current_actor(), by=chosen, from_on=from_on, to_on=to_on, after=request.args.get("after")
    )
    days = {"from": from_on.isoformat(), "to": to_on.isoformat()}
    return render_template(
        "rosters/hours.html",
        by=chosen.value,
        tabs_here=[
            (_tab(each), url_for("rosters.list_hours", by=each.value, **days), each is chosen) for each in By
        ],
        days=days,
        total=day_views.duration(found.minutes),
        rows=[
            {
                "name": _name(chosen, row),
                "url": url_for("rosters.show_hours_of", volunteer=row.key)
                if chosen is By.PEOPLE and row.key
                else None,
                "team": words.said(row.team_name) if row.team_name else "",
                "minutes": day_views.duration(row.minutes),
                "shift_count": row.shift_count,
                "person_count": row.person_count,
            }
            for row in found.rows
        ],
        older=found.after and url_for("rosters.list_hours", by=by, after=found.after, **days),
        csv=url_for("rosters.export_hours", by=by, ending="csv", **days),
        xlsx=url_for("rosters.export_hours", by=by, ending="xlsx", **days),
        may_confirm=current_actor().has(Permission.HOURS_CONFIRM),
    )


@bp.get("/hours/<by>.<ending>")
@requires(Permission.VOLUNTEER_SEE)
def export_hours(by: str, ending: str):
    """The same as CSV or XLSX; names that look like formulas are made plain."""
    chosen = _by(by)
    if ending not in {"csv", "xlsx"}:
        raise NotFound
    from_on, to_on = _span()
    heads = [gettext("Name"), gettext("Team"), gettext("Hours"), gettext("Minutes"), gettext("Shifts")]
    if chosen is not By.PEOPLE:
        heads[1] = gettext("People")
    rows = [
        [
            neutralise(_plain_name(chosen, row)),
            neutralise(row.team_name or "") if chosen is By.PEOPLE else row.person_count,
            row.minutes // 60,
            row.minutes % 60,
            row.shift_count,
        ]
        for row in hours.every_total(actor=current_actor(), by=chosen, from_on=from_on, to_on=to_on)
    ]
    content = _csv(heads, rows) if ending == "csv" else _xlsx(_tab(chosen), heads, rows)
    response = make_response(content)
    response.headers["Content-Type"] = "text/csv; charset=utf-8" if ending == "csv" else XLSX
    response.headers["Content-Disposition"] = (
        f'attachment; filename="hours-{chosen}-{from_on:%Y%m%d}-{to_on:%Y%m%d}.{ending}"'
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _plain_name(by: By, row: Total) -> str:
    if by is By.SOCIETIES:
        return society(row.key)
    return gettext("None") if row.name is None else day_views.plain(row.name, row.name_en)


def _csv(heads: list[str], rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _xlsx(title: str, heads: list[str], rows: list[list[Any]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.append(heads)
    for row in rows:
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@bp.get("/hours/corrections")
@requires(Permission.HOURS_CONFIRM)
def list_corrections():
    """Corrections that wait for an answer."""
    return _corrections()


def _corrections(*, status: int = 200, error: LinliError | None = None) -> Response:
    now = clock.now()
    response = make_response(
        render_template(
            "rosters/corrections.html",
            asked=[
                {
                    "name": words.said(each.name),
                    "title": words.said(each.post_name, each.post_name_en),
                    "when": words.moment(each.starts_at, now=now),
                    "standing": day_views.duration(each.standing_minutes),
                    "wanted": day_views.duration(each.standing_minutes + each.minutes),
                    "reason": words.said(each.reason),
                    "by": words.said(each.written_by),
                    "is_own": each.is_own,
                    "action": url_for("rosters.decide_correction", entry=each.public_id),
                }
                for each in hours.list_asked(actor=current_actor())
            ],
            said=sentence(error.code, **error.params) if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.post("/hours/corrections/<entry>/decide")
@requires(Permission.HOURS_CONFIRM)
def decide_correction(entry: str):
    """Let a correction stand, or refuse it."""
    try:
        services.decide_correction(
            deed=deed(), entry=entry, is_accepted=request.form.get("answer") == "accept"
        )
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _corrections(status=error.status, error=error)
    return answer(otherwise=url_for("rosters.list_corrections"), code="decided")
