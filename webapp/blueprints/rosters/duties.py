"""Duty rosters 值班: who leads, who is the medic and who answers the hotline, round the clock, with a number."""

from datetime import date, datetime, timedelta
from typing import Any

from flask import Response, make_response, render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.permissions import Permission
from webapp.blueprints.rosters import bp, said
from webapp.blueprints.rosters.typed import read_day, read_monday, read_time
from webapp.domain.areas import queries as areas
from webapp.domain.rosters.queries import duty as queries
from webapp.domain.rosters.rules import DutyKind
from webapp.domain.rosters.services import duty as services
from webapp.web import pages, words
from webapp.web.errors import sentence
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import ANSWER, answer, wants_fragment, wants_json
from webapp.web.words import gettext

WEEK = timedelta(days=7)


def kind_words() -> dict[DutyKind, str]:
    """What the kinds of duty are called."""
    return {
        DutyKind.LEADER: gettext("Leader on duty"),
        DutyKind.MEDICAL: gettext("Medical duty"),
        DutyKind.HOTLINE: gettext("Hotline"),
    }


def _span(duty: queries.DutyView) -> str:
    start, end = clock.here(duty.starts_at), clock.here(duty.ends_at)
    if end.date() == start.date():
        return f"{start:%H:%M}–{end:%H:%M}"
    return f"{start:%H:%M}–{said.weekday(end.weekday())} {end:%H:%M}"


@bp.get("/duties")
@requires(Permission.ROSTER_SEE)
def list_duties():
    """The duty roster of an area: now, tonight, and the week."""
    return _page(request.args.get("area"))


def _page(area: str | None, *, status: int = 200, error: LinliError | None = None) -> Response:
    actor, now = current_actor(), clock.now()
    about = queries.get_area(actor=actor, public_id=area)
    monday = read_monday(request.args.get("from"), today=clock.day(now))
    since, until = queries.duty_day(monday)[0], queries.duty_day(monday + timedelta(days=6))[1]
    week = queries.list_duties(area_id=about.id, since=since, until=until)
    night = queries.list_duties(area_id=about.id, since=now, until=now + timedelta(hours=24))
    uncovered = queries.list_uncovered_tonight(actor=actor, now=now, path=about.path)
    pages.use_place(areas.get_place(about.path))
    response = make_response(
        render_template(
            "rosters/duties.html",
            page=_view(about, monday, now)
            | {
                "now": _now_and_tonight(night, now),
                "days": _days(week, monday, may_edit=about.may_edit),
                "red": [_red(each) for each in uncovered],
                "form": _form(monday, now),
                "others": [
                    (words.said(each.name, each.name_en), url_for("rosters.list_duties", area=each.public_id))
                    for each in queries.list_areas(actor=actor)
                    if each.id != about.id
                ],
            },
            said=sentence(error.code, **_params(error)) if error else None,
            field=error.field if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


def _params(error: LinliError) -> dict[str, Any]:
    """What a refusal says, with its time on the county's clocks."""
    at = error.params.get("at")
    if isinstance(at, datetime):
        return error.params | {"at": words.moment(at, now=clock.now())}
    return error.params


def _view(about: queries.DutyArea, monday: date, now: datetime) -> dict[str, Any]:
    def week(day: date) -> str:
        return url_for("rosters.list_duties", **{"area": about.public_id, "from": day.isoformat()})

    return {
        "name": words.said(about.name, about.name_en),
        "area": about.public_id,
        "may_edit": about.may_edit,
        "week": gettext(
            "%(first)s to %(last)s",
            first=words.full_day(monday),
            last=words.full_day(monday + timedelta(days=6)),
        ),
        "is_this_week": monday <= clock.day(now) < monday + WEEK,
        "earlier": week(monday - WEEK),
        "later": week(monday + WEEK),
        "monday": monday.isoformat(),
    }


def _now_and_tonight(duties: tuple[queries.DutyView, ...], now: datetime) -> list[dict[str, Any]]:
    """By kind: who is there now, and who tonight (22:00 of this evening, or now where it is night already)."""
    local = clock.here(now)
    evening = now
    if 8 <= local.hour < 22:
        evening = clock.instant(local.replace(hour=22, minute=0, second=0, microsecond=0, tzinfo=None))

    def there(kind: DutyKind, at: datetime) -> list[dict[str, Any]]:
        return [
            {"name": words.said(each.name), "phone": each.phone}
            for each in duties
            if each.kind is kind and each.starts_at <= at < each.ends_at
        ]

    return [
        {"title": title, "now": there(kind, now), "tonight": there(kind, evening)}
        for kind, title in kind_words().items()
    ]


def _days(
    duties: tuple[queries.DutyView, ...], monday: date, *, may_edit: bool
) -> list[tuple[str, list[dict[str, Any]]]]:
    titles = kind_words()
    days = []
    for number in range(7):
        day = monday + timedelta(days=number)
        since, until = queries.duty_day(day)
        days.append(
            (
                words.full_day(day),
                [
                    {
                        "kind": titles[each.kind],
                        "name": words.said(each.name),
                        "plain_name": each.name,
                        "phone": each.phone,
                        "span": "" if (each.starts_at, each.ends_at) == (since, until) else _span(each),
                        "edit_url": url_for("rosters.edit_duty", public_id=each.public_id)
                        if may_edit
                        else None,
                    }
                    for each in duties
                    if each.starts_at < until and each.ends_at > since
                ],
            )
        )
    return days


def _red(uncovered: queries.Uncovered) -> dict[str, Any]:
    titles = kind_words()
    return {
        "name": words.said(uncovered.name, uncovered.name_en),
        "kinds": gettext(", ").join(titles[kind] for kind in uncovered.kinds),
        "url": url_for("rosters.list_duties", area=uncovered.public_id),
    }


def _form(monday: date, now: datetime) -> dict[str, Any]:
    """What was typed, or a day and night from 08:00."""
    today = clock.day(now)
    first = today if monday <= today < monday + WEEK else monday
    typed = request.form
    return {
        "kinds": [(str(kind), title) for kind, title in kind_words().items()],
        "kind": typed.get("kind", str(DutyKind.LEADER)),
        "name": typed.get("name", ""),
        "phone": typed.get("phone", ""),
        "starts_on": typed.get("starts_on", first.isoformat()),
        "starts_time": typed.get("starts_time", "08:00"),
        "ends_on": typed.get("ends_on", (first + timedelta(days=1)).isoformat()),
        "ends_time": typed.get("ends_time", "08:00"),
        "days": typed.get("days", "1"),
    }


def _read_plan() -> services.DutyPlan:
    form = request.form
    try:
        kind = DutyKind(form.get("kind", ""))
    except ValueError as error:
        raise RuleBroken("bad_request") from error
    days = form.get("days", "1").strip() or "1"
    if not days.isdecimal() or len(days) > 3:
        raise RuleBroken("duty_days_wrong", field="days", maximum=services.MOST_DAYS)
    try:
        starts, ends = (
            clock.instant(
                datetime.combine(
                    read_day(form.get(f"{end}_on", ""), field=f"{end}_on"),
                    read_time(form.get(f"{end}_time", ""), field=f"{end}_time"),
                )
            )
            for end in ("starts", "ends")
        )
    except OverflowError as error:
        raise RuleBroken("time_wrong", field="starts_on") from error
    return services.DutyPlan(
        kind=kind,
        starts_at=starts,
        ends_at=ends,
        name=form.get("name", "").strip(),
        phone=form.get("phone", "").strip(),
        days=int(days),
    )


def _done(area: str | None) -> Response:
    week = request.form.get("from") or None
    return answer(otherwise=url_for("rosters.list_duties", **{"area": area, "from": week}))


@bp.post("/duties")
@requires(Permission.DUTY_EDIT)
def add_duty():
    """Write somebody into the roster."""
    area = request.form.get("area", "")
    try:
        services.add_duty(deed=deed(), area=area, plan=_read_plan())
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _page(area, status=error.status, error=error)
    return _done(area)


@bp.post("/duties/copy")
@requires(Permission.DUTY_EDIT)
def copy_duties():
    """Copy the week before into this one."""
    area = request.form.get("area", "")
    try:
        monday = read_monday(request.form.get("from"), today=clock.day(clock.now()))
        services.copy_duties(deed=deed(), area=area, to=monday)
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _page(area, status=error.status, error=error)
    return _done(area)


@bp.get("/duties/<public_id>")
@requires(Permission.DUTY_EDIT)
def edit_duty(public_id: str):
    """One duty, to be changed or taken out."""
    return _edit_page(public_id)


def _edit_page(public_id: str, *, status: int = 200, error: LinliError | None = None) -> Response:
    now = clock.now()
    about, duty = queries.get_duty(actor=current_actor(), public_id=public_id)
    start, end = clock.here(duty.starts_at), clock.here(duty.ends_at)
    form = _form(clock.day(now), now)
    if not error:
        form |= {
            "kind": str(duty.kind),
            "name": duty.name,
            "phone": duty.phone,
            "starts_on": start.date().isoformat(),
            "starts_time": f"{start:%H:%M}",
            "ends_on": end.date().isoformat(),
            "ends_time": f"{end:%H:%M}",
        }
    response = make_response(
        render_template(
            "rosters/duty.html",
            page={
                "name": words.said(about.name, about.name_en),
                "area": about.public_id,
                "form": form,
                "action": url_for("rosters.change_duty", public_id=public_id),
                "remove_url": url_for("rosters.remove_duty", public_id=public_id),
                "back": url_for(
                    "rosters.list_duties", **{"area": about.public_id, "from": start.date().isoformat()}
                ),
            },
            said=sentence(error.code, **_params(error)) if error else None,
            field=error.field if error else None,
        ),
        status,
    )
    if error:
        response.headers[ANSWER] = error.code
    return response


@bp.post("/duties/<public_id>")
@requires(Permission.DUTY_EDIT)
def change_duty(public_id: str):
    """Change a duty."""
    try:
        services.change_duty(deed=deed(), public_id=public_id, plan=_read_plan())
    except LinliError as error:
        if error.status in {403, 404} or wants_json() or wants_fragment():
            raise
        return _edit_page(public_id, status=error.status, error=error)
    return _done(request.form.get("area", "") or None)


@bp.post("/duties/<public_id>/remove")
@requires(Permission.DUTY_EDIT)
def remove_duty(public_id: str):
    """Take a duty out of the roster."""
    services.remove_duty(deed=deed(), public_id=public_id)
    return _done(request.form.get("area", "") or None)
