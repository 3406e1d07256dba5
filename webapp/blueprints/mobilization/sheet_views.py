"""Printed sheets of a call-up in the words of the pages that ask for them."""

from typing import Any

from flask import url_for
from flask_babel import ngettext
from markupsafe import Markup

from webapp.domain.mobilization.queries import paper
from webapp.domain.mobilization.rules import SheetCopy, SheetKind
from webapp.domain.rosters.sheets import Said
from webapp.web import words
from webapp.web.words import gettext


def kinds() -> dict[SheetKind, tuple[str, str]]:
    """What can be printed, with a word on it."""
    return {
        SheetKind.ROSTER: (
            gettext("Call-up roster"),
            gettext("Who comes, to be signed at the muster point; by role, team and name."),
        ),
        SheetKind.CALL_LIST: (
            gettext("List for the phone"),
            gettext("Who did not answer or cannot be reached: whom to call, with boxes for what they say."),
        ),
        SheetKind.SUMMARY: (
            gettext("Summary for the command"),
            gettext("One page: roles, how full they are, times, who leads."),
        ),
        SheetKind.REPORT: (
            gettext("End report"),
            gettext("Timeline, who was asked, answered and came, with the chart."),
        ),
    }


def copies(kind: SheetKind) -> list[tuple[str, str, str]]:
    """The copies that there are of a sheet, with what is on them."""
    said = {
        SheetCopy.WALL: (gettext("Wall copy"), gettext("Without phones of people; may hang for all to see.")),
        SheetCopy.WORKING: (
            gettext("Working copy"),
            gettext("With phones, for whoever leads. It is written down who took it and what for."),
        ),
    }
    return [(copy, *said[copy]) for copy in paper.COPIES[kind]]


def name(given: Said) -> Any:
    """A name of our data in the reader's language."""
    return words.said(given.zh, given.en)


def about(call_up: Any) -> Any:
    """The number and what for of a call-up."""
    return Markup("{} · {}").format(call_up.number, words.said(call_up.title))


def parts(found: paper.Choices, kind: SheetKind) -> list[tuple[str, Any]]:
    """What a sheet may be about: all of the call-up, or one team, or who makes the calls."""
    every: list[tuple[str, Any]] = [("", gettext("All of it"))] if found.is_whole else []
    if kind is SheetKind.ROSTER:
        return [*every, *((part, name(team)) for part, team in found.teams)]
    if kind is SheetKind.CALL_LIST:
        return [*every, *((part, _calls(who, count)) for part, who, count in found.callers)]
    return []


def _calls(who: Said | None, count: int) -> Any:
    calls = ngettext("%(num)s call", "%(num)s calls", count)
    return Markup("{} · {}").format(name(who) if who else gettext("the office"), calls)


def line(printed: paper.PrintedLine, *, now: Any) -> dict[str, Any]:
    """A printed version as a row of the page."""
    copy_name = {copy: said for copy, said, _small in copies(printed.kind)}[printed.copy]
    return {
        "title": kinds()[printed.kind][0],
        "part": name(printed.part) if printed.part else None,
        "copy_name": copy_name,
        "version": gettext("version %(number)s", number=printed.version),
        "detail": gettext(
            "printed %(at)s by %(who)s", at=words.moment(printed.printed_at, now=now), who=printed.printed_by
        ),
        "url": url_for("mobilization.show_sheet", public_id=printed.public_id),
    }
