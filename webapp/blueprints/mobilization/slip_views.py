"""What the page of a slip says to whoever checks it."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp.base import clock
from webapp.blueprints.mobilization.summons_views import drill_mark, joined, kept_span
from webapp.domain.mobilization.queries.slips import SlipState, SlipView
from webapp.web import words
from webapp.web.words import gettext

LONGEST_CODE = 12


def tidy_code(typed: str) -> str:
    """A code as it was typed or dictated, without spaces and dots, in capitals."""
    plain = unicodedata.normalize("NFKC", typed).upper()
    return "".join(sign for sign in plain if sign.isalnum())[:LONGEST_CODE]


@dataclass(frozen=True)
class SlipWords:
    """A slip in words: whether it holds comes first."""

    verdict: str
    tone: str
    is_drill: bool
    facts: list[tuple[str, Any]]
    phone: str


def slip(found: SlipView, now: datetime) -> SlipWords:
    """A slip for a gate or a road check."""
    verdict, tone = {
        SlipState.VALID: (gettext("This slip holds"), "good"),
        SlipState.EARLY: (gettext("This slip holds later, at the time below"), "warn"),
        SlipState.OVER: (gettext("This slip has expired"), "bad"),
        SlipState.STOOD_DOWN: (
            gettext("This slip does not hold any more: the call-up was stood down"),
            "bad",
        ),
        SlipState.GIVEN_BACK: (
            gettext("This slip does not hold: the person said that they cannot come"),
            "bad",
        ),
    }[found.state]
    if found.is_drill:
        verdict = drill_mark() + verdict
    return SlipWords(
        verdict=verdict,
        tone=tone,
        is_drill=found.is_drill,
        facts=[
            (gettext("Code"), found.code),
            (gettext("Who is called"), words.said(found.name)),
            (gettext("Call-up"), joined(found.number, words.said(found.title), words.said(found.role))),
            (gettext("Valid"), kept_span(found.starts_at, found.ends_at)),
            (gettext("Where"), words.said(found.muster_point)),
            (gettext("Who calls"), words.said(found.caller_name)),
            (gettext("Checked at"), f"{words.full_day(clock.day(now))} {words.clock_time(now)}"),
        ],
        phone=found.phone,
    )
