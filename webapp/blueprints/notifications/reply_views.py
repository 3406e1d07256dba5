"""What the page of unclear SMS says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from markupsafe import Markup

from webapp.domain.mobilization.queries.replies import Candidate, UnclearReply
from webapp.domain.people.rules import mask_name
from webapp.web import words
from webapp.web.words import gettext


@dataclass(frozen=True, slots=True)
class CandidateWords:
    """A call-up that the SMS can be about."""

    key: str
    name: Any
    what: Any


@dataclass(frozen=True, slots=True)
class ReplyWords:
    """An SMS that waits for a person."""

    url: str
    key: str
    who: str
    phone: str
    text: Any
    at: str
    because: str
    candidates: list[CandidateWords]


def because(code: str) -> str:
    """Why nobody could say what it means."""
    return {
        "not_understood": gettext("It is neither a yes nor a no"),
        "several_call_ups": gettext("There are several call-ups that it can be about"),
        "several_people": gettext("Several people have this number"),
        "code_unknown": gettext("Its code belongs to no call-up of this number"),
        "unknown_sender": gettext("Nobody here has this number"),
        "nothing_open": gettext("Nothing is open that it could answer"),
        "call_up_overlap": gettext("They have promised to come to another call-up at that time"),
        "time_overlap": gettext("They have something else at that time"),
        "mustered_already": gettext("They have checked in already"),
        "answered_already": gettext("They have answered already"),
    }.get(code, gettext("It is neither a yes nor a no"))


def reply(found: UnclearReply, now: datetime) -> ReplyWords:
    """An unclear SMS in words."""
    return ReplyWords(
        url=url_for("notifications.settle_reply", public_id=found.public_id),
        key=found.public_id,
        who=found.name,
        phone=found.phone,
        text=words.said(found.text),
        at=words.moment(found.received_at, now=now),
        because=because(found.because),
        candidates=[_candidate(each, now) for each in found.candidates],
    )


def _candidate(each: Candidate, now: datetime) -> CandidateWords:
    mark = gettext("[DRILL]") + " " if each.is_drill else ""
    return CandidateWords(
        key=each.public_id,
        name=words.said(mask_name(each.name)),
        what=Markup("{}{} · {} · {}").format(
            mark, words.said(each.title), words.moment(each.starts_at, now=now), words.said(each.muster_point)
        ),
    )
