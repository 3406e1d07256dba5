"""Printed rosters in the words of the page that prints them, and as rows of a workbook."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import url_for
from flask_babel import get_locale

from webapp.blueprints.rosters import said
from webapp.domain.rosters.queries import paper
from webapp.domain.rosters.rules import Copy, RosterSheetKind
from webapp.domain.rosters.sheets import (
    WALK_IN_ROWS,
    Said,
    Sheet,
    SignInRow,
    SignInSheet,
    TeamSheet,
    WeekCell,
    WeekRow,
    WeekSheet,
)
from webapp.web import words
from webapp.web.words import gettext
from webapp.web.workbooks import Page


def kinds() -> dict[RosterSheetKind, tuple[str, str]]:
    """What can be printed, with a word on it."""
    return {
        RosterSheetKind.WEEK: (gettext("Week roster"), gettext("All posts over seven days, for the wall.")),
        RosterSheetKind.SIGN_IN: (
            gettext("Sign-in sheet"),
            gettext("One post on one day: who comes, with boxes to sign."),
        ),
        RosterSheetKind.TEAM: (gettext("Week of a team"), gettext("Its members over seven days.")),
        RosterSheetKind.PERSON: (gettext("Week of one person"), gettext("All shifts of somebody.")),
    }


def copies() -> list[tuple[str, str, str]]:
    """The two copies, with what is on them."""
    return [
        (Copy.WALL, gettext("Wall copy"), gettext("Without phones of people; may hang for all to see.")),
        (
            Copy.WORKING,
            gettext("Working copy"),
            gettext("With phones, for whoever leads. It is written down who took it and what for."),
        ),
    ]


def name(given: Said) -> Any:
    """A name of our data in the reader's language."""
    return words.said(given.zh, given.en)


def line(printed: paper.PrintedLine, *, now: Any) -> dict[str, Any]:
    """A printed version as a row of the page."""
    is_wall = printed.copy is Copy.WALL
    return {
        "title": kinds()[printed.kind][0],
        "name": name(printed.name),
        "copy_name": copies()[0 if is_wall else 1][1],
        "version": gettext("version %(number)s", number=printed.version),
        "detail": gettext(
            "%(day)s · printed %(at)s by %(who)s",
            day=words.full_day(printed.first),
            at=words.moment(printed.printed_at, now=now),
            who=words.said(printed.printed_by),
        ),
        "url": url_for("rosters.show_sheet", public_id=printed.public_id),
    }


# --- workbooks ----------------------------------------------------------------------------------------------


def workbook_pages(sheet: Sheet) -> list[Page]:
    """The worksheets of a roster: the same columns as on paper."""
    if isinstance(sheet, WeekSheet):
        return list(_week_pages(sheet))
    if isinstance(sheet, SignInSheet):
        return [_sign_in_page(sheet)]
    if isinstance(sheet, TeamSheet):
        return [_team_page(sheet)]
    raise TypeError(sheet)


def _is_working(sheet: Sheet) -> bool:
    return sheet.facts.copy is Copy.WORKING


def _above(sheet: Sheet, title: str) -> list[str]:
    copy = copies()[1 if _is_working(sheet) else 0][1]
    lines = [title, f"{sheet.facts.unit_line} · {copy}"]
    if _is_working(sheet):
        lines.append(
            gettext(
                "Has people's numbers: give it back to the community after use; no photos, do not pass it on"
            )
        )
    return lines


def _to(given: Said) -> str:
    return given.to(str(get_locale()))


def _hours(row: WeekRow | SignInRow) -> str:
    end = gettext("next day %(time)s", time=row.ends) if row.is_next_day else row.ends
    return f"{row.starts}–{end}"


def _days(days: tuple[date, ...]) -> list[tuple[str, float]]:
    return [(f"{said.weekday(day.weekday())} {day.month}/{day.day}", 28.5) for day in days]


def _span(days: tuple[date, ...]) -> str:
    return f"{words.full_day(days[0])}—{words.full_day(days[-1])}"


def _week_pages(sheet: WeekSheet) -> Iterator[Page]:
    place = _to(sheet.facts.place) + (f" {_to(sheet.team)}" if sheet.team else "")
    title = gettext("%(place)s epidemic control duty roster %(span)s", place=place, span=_span(sheet.days))
    duties = [
        [label, small, *("\n".join(f"{each.name} {each.phone}".strip() for each in day) for day in days), ""]
        for label, small, days in (
            (gettext("Leader on duty"), gettext("(phone, 24 hours)"), sheet.leaders),
            (gettext("Duty phone"), "", sheet.hotlines),
        )
    ]
    has_several = len(sheet.overrides) > 1
    rows = [
        [
            "\n".join(filter(None, (_to(row.post), row.place, row.phone))),
            _hours(row),
            *(_cell(cell, has_several=has_several) for cell in row.cells),
            "",
        ]
        for row in sheet.rows
    ]
    yield Page(
        name=gettext("Week roster"),
        above=_above(sheet, title),
        columns=[
            (gettext("Post / place"), 32),
            (gettext("Shift"), 24),
            *_days(sheet.days),
            (gettext("Remarks"), 17.5),
        ],
        rows=[*duties, *rows],
        below=[
            gettext(
                "※%(mark)s %(name)s, %(day)s %(time)s %(post)s: exception — %(reason)s (%(by)s)",
                mark=each.mark if has_several else "",
                name=each.name,
                day=said.weekday(each.day.weekday()),
                time=each.starts,
                post=_to(each.post),
                reason=each.reason,
                by=each.by,
            )
            for each in sheet.overrides
        ],
    )
    if sheet.people:
        yield Page(
            name=gettext("Phone list"),
            above=_above(sheet, title),
            columns=[
                (gettext("No. in list"), 10),
                (gettext("Person's name"), 28),
                (gettext("Unit / team"), 45),
                (gettext("Contact phone"), 32),
                (gettext("Shifts of this week"), 140),
            ],
            rows=[
                [
                    str(number),
                    each.name,
                    _to(each.unit),
                    each.phone,
                    "; ".join(
                        f"{said.weekday(day.weekday())} {starts}–{ends} {_to(post)}"
                        for day, starts, ends, post in each.shifts
                    ),
                ]
                for number, each in enumerate(sheet.people, 1)
            ],
        )


def _cell(cell: WeekCell | None, *, has_several: bool) -> str:
    if cell is None:
        return ""
    if cell.is_cancelled:
        return gettext("cancelled")
    parts = [each.name + (f"※{each.mark if has_several else ''}" if each.mark else "") for each in cell.names]
    if cell.more:
        parts.append(f"+{cell.more}")
    if cell.missing:
        parts.append(gettext("%(count)s short", count=cell.missing))
    return " ".join(parts)


def _sign_in_page(sheet: SignInSheet) -> Page:
    is_working = _is_working(sheet)
    title = gettext(
        "%(place)s %(post)s duty sign-in sheet %(day)s",
        place=_to(sheet.facts.place),
        post=_to(sheet.post.name),
        day=words.full_day(sheet.facts.first),
    )
    phone = [(gettext("Contact phone"), 30.0)] if is_working else []
    rows = [
        [
            str(number),
            _hours(row),
            gettext("%(count)s short", count=row.missing) if row.missing else row.name,
            _to(row.unit),
            _to(row.task),
            *([row.phone] if is_working else []),
            "",
            "",
            "",
            "",
            f"※ {row.override} ({row.overridden_by})" if row.override else "",
        ]
        for number, row in enumerate(sheet.rows, 1)
    ]
    blank = [""] * (8 + len(phone))
    rows += [
        [str(len(sheet.rows) + number + 1), gettext("walk-in"), *blank] for number in range(WALK_IN_ROWS)
    ]
    return Page(
        name=gettext("Sign-in sheet"),
        above=_above(sheet, title),
        columns=[
            (gettext("No. in list"), 10),
            (gettext("Shift"), 24),
            (gettext("Person's name"), 20),
            (gettext("Unit / team"), 38),
            (gettext("Task"), 26),
            *phone,
            (gettext("Arrived"), 22),
            (gettext("Own signature"), 34 if is_working else 64),
            (gettext("Left"), 22),
            (gettext("Meal"), 14),
            (gettext("Remarks"), 33),
        ],
        rows=rows,
        below=[
            gettext(
                "Expected %(count)s · Present ______ · Meals ______ (halal ______) · Protective suits ______",
                count=sheet.due,
            ),
            gettext(
                "Handed over by (signature) ________________ · Taken over by (signature) ________________ · Time ____________"
            ),
        ],
    )


def _team_page(sheet: TeamSheet) -> Page:
    is_working = _is_working(sheet)
    title = gettext(
        "%(place)s %(team)s: shifts %(span)s",
        place=_to(sheet.facts.place),
        team=_to(sheet.team),
        span=_span(sheet.days),
    )
    return Page(
        name=gettext("Week of a team"),
        above=_above(sheet, title),
        columns=[
            (gettext("Person's name"), 26),
            *([(gettext("Contact phone"), 30.0)] if is_working else []),
            *_days(sheet.days),
            (gettext("Remarks"), 17.5),
        ],
        rows=[
            [
                row.name,
                *([row.phone] if is_working else []),
                *(
                    "\n".join(f"{starts}–{ends} {_to(post)}" for starts, ends, post in day)
                    for day in row.days
                ),
                "",
            ]
            for row in sheet.rows
        ],
    )
