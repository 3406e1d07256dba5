"""What the call list says, put into words before the template."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from webapp.blueprints.mobilization.summons_views import cannot_choices, eta_choices, joined, kept_span
from webapp.domain.mobilization.queries.call_list import CallLine, CallListView
from webapp.domain.mobilization.rules import CallResult, SummonsState
from webapp.web import words
from webapp.web.words import gettext


@dataclass(frozen=True, slots=True)
class CallRow:
    """Somebody to call."""

    url: str
    key: str
    seen: int
    name: Any
    who: Any
    phone: str | None
    word: str
    tone: str
    calls: str
    is_open: bool
    outbox: str


@dataclass(frozen=True, slots=True)
class CallWords:
    """What the caller tells, and how far the list has got."""

    title: Any
    progress: str
    facts: list[tuple[str, Any]]
    etas: list[tuple[str, str]]
    eta: str
    reasons: list[tuple[str, str]]


def result(came: CallResult) -> str:
    """What a call came to."""
    return {
        CallResult.COMING: gettext("Coming"),
        CallResult.CANNOT: gettext("Cannot"),
        CallResult.LATER: gettext("Answers later"),
        CallResult.NO_ANSWER: gettext("Not reached"),
        CallResult.WRONG_NUMBER: gettext("Wrong number"),
    }[came]


def _state(line: CallLine) -> tuple[str, str]:
    return {
        SummonsState.WAITING: (gettext("Not answered"), "warn"),
        SummonsState.MISSED: (gettext("Not answered in time"), "warn"),
        SummonsState.LATER: (gettext("Answers later"), "warn"),
        SummonsState.COMING: (gettext("Coming"), "good"),
        SummonsState.QUEUED: (gettext("Could come, all is full"), "info"),
        SummonsState.CANNOT: (gettext("Cannot"), "plain"),
        SummonsState.DROPPED: (gettext("Cannot after all"), "plain"),
        SummonsState.STOOD_DOWN: (gettext("Stood down"), "plain"),
    }[line.state]


def rows(view: CallListView, now: datetime) -> list[CallRow]:
    """The people of the list; who still has to be called comes first."""
    return [_row(each, now) for each in view.lines]


def _row(line: CallLine, now: datetime) -> CallRow:
    word, tone = _state(line)
    calls = ""
    if line.last_result is not None and line.last_at is not None:
        calls = gettext(
            "Call %(count)s at %(time)s: %(result)s",
            count=line.attempt_count,
            time=words.moment(line.last_at, now=now),
            result=result(line.last_result),
        )
    elif line.is_unreachable:
        calls = gettext("No message reaches them")
    return CallRow(
        url=url_for("mobilization.record_call", public_id=line.public_id),
        key=line.public_id,
        seen=line.version,
        name=words.said(line.name),
        who=joined(
            words.said(line.team, line.team_en) if line.team else "",
            words.said(line.role),
            words.said(line.caller) if line.caller else "",
        ),
        phone=line.phone,
        word=word,
        tone=tone,
        calls=calls,
        is_open=line.is_open,
        outbox=line.name,
    )


def words_of(view: CallListView, now: datetime) -> CallWords:
    """What is said on the phone, and how far the list has got."""
    choices = eta_choices(view.starts_at, now)
    facts = [
        (gettext("What"), words.said(view.title)),
        (gettext("When"), kept_span(view.starts_at, view.ends_at)),
        (
            gettext("Where"),
            joined(words.said(view.muster_point), words.said(view.landmark) if view.landmark else ""),
        ),
    ]
    if view.bring:
        facts.append((gettext("Bring"), words.said(view.bring)))
    return CallWords(
        title=words.said(view.title),
        progress=gettext(
            "%(open)s still to call, %(done)s have answered", open=view.open_count, done=view.done_count
        ),
        facts=facts,
        etas=choices,
        eta=choices[0][0],
        reasons=[("", gettext("Reason not said")), *cannot_choices()],
    )


def choices(view: CallListView, part: str) -> list[tuple[str, str, bool]]:
    """Whose part of the list: mine, or everybody's; only where one sees the whole."""
    if not view.is_whole:
        return []
    base = url_for("mobilization.show_call_list", public_id=view.public_id)
    return [
        (base, gettext("Mine and the office's"), part != "all"),
        (f"{base}?part=all", gettext("Everybody's"), part == "all"),
    ]
