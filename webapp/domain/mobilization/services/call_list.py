"""The call list 电话通知单: who is put onto it and when, and what each call came to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from webapp.base import audit, db, requests
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.outbox import Rank
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallAttempt, CallUp, Reservist, Summons, Wave
from webapp.domain.mobilization.queries import answers as answer_queries
from webapp.domain.mobilization.queries import call_list as queries
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallResult,
    EventKind,
    Reply,
    SummonsState,
)
from webapp.domain.mobilization.services import answers
from webapp.domain.mobilization.services.board import touch_board
from webapp.domain.mobilization.services.timeline import note_event
from webapp.domain.notifications.services.notify import Notice, notify
from webapp.domain.people.models import PersonPhone
from webapp.domain.volunteers.models import Team, TeamLead

_call_ups: Any = CallUp.__table__
_waves: Any = Wave.__table__
_summonses: Any = Summons.__table__
_attempts: Any = CallAttempt.__table__
_reservists: Any = Reservist.__table__
_phones: Any = PersonPhone.__table__
_teams: Any = Team.__table__
_leads: Any = TeamLead.__table__

_SILENT = (SummonsState.WAITING, SummonsState.MISSED)
MOST_AT_ONCE = 100


# --- who is put onto it -------------------------------------------------------------------------------------


def list_silent(*, now: datetime) -> int:
    """Put everybody unreachable, and at half of the reply time everybody silent, onto the call list; how many.

    Each call-up in its own transaction, each person once.
    """
    listed = 0
    for call_up_id, waves in _due(now).items():
        deed = Deed(
            actor=Actor.system("mobilization.call_list"), client_id=new_public_id(), fingerprint="", now=now
        )
        listed += _list(deed=deed, call_up_id=call_up_id, waves=waves)
    return listed


_unlisted = (
    is_any(_summonses.c.state, *_SILENT),
    _summonses.c.listed_at.is_(None),
)


@reading
def _due(now: datetime) -> dict[int, list[int]]:
    """Live call-ups with somebody to be listed now, and their waves whose half-time is over."""
    found: dict[int, list[int]] = {}
    rows = db.connection().execute(
        select(
            _waves.c.id,
            _waves.c.call_up_id,
            _waves.c.sent_at,
            _waves.c.reply_by,
            select(_summonses.c.id)
            .where(_summonses.c.wave_id == _waves.c.id, *_unlisted, _summonses.c.channel.is_(None))
            .exists()
            .label("has_unreachable"),
        )
        .join(_call_ups, _call_ups.c.id == _waves.c.call_up_id)
        .where(
            is_any(_call_ups.c.state, *queries.LIVE),
            _call_ups.c.ends_at > now,
            select(_summonses.c.id).where(_summonses.c.wave_id == _waves.c.id, *_unlisted).exists(),
        )
        .order_by(_waves.c.id)
    )
    for row in rows:
        is_half_over = now >= row.sent_at + (row.reply_by - row.sent_at) / 2
        if is_half_over:
            found.setdefault(row.call_up_id, []).append(row.id)
        elif row.has_unreachable:
            found.setdefault(row.call_up_id, [])
    return dict(list(found.items())[:MOST_AT_ONCE])


@writing
def _list(*, deed: Deed, call_up_id: int, waves: list[int]) -> int:
    connection = db.connection()
    touch_board(call_up_id)
    # The lead of the person's own team, the longest-serving one; nobody calls themselves.
    lead = (
        select(_leads.c.person_id)
        .join(_teams, _teams.c.id == _leads.c.team_id)
        .join(_reservists, _reservists.c.team_id == _leads.c.team_id)
        .where(
            _reservists.c.person_id == _summonses.c.person_id,
            _leads.c.person_id != _summonses.c.person_id,
            _teams.c.closed_at.is_(None),
        )
        .order_by(_leads.c.since, _leads.c.person_id)
        .limit(1)
        .correlate(_summonses)
        .scalar_subquery()
    )
    rows = connection.execute(
        update(_summonses)
        .where(
            _summonses.c.call_up_id == call_up_id,
            *_unlisted,
            _summonses.c.wave_id.in_(waves) | _summonses.c.channel.is_(None),
        )
        .values(listed_at=deed.now, listed_to_id=lead)
        .returning(_summonses.c.listed_to_id)
    ).all()
    if not rows:
        return 0
    note_event(
        EventKind.LISTED,
        call_up_id=call_up_id,
        at=deed.now,
        by=deed.actor.key,
        count=len(rows),
        waves=len(waves),
    )
    leads = {row.listed_to_id for row in rows if row.listed_to_id is not None}
    if leads:
        _tell_leads(deed, call_up_id, leads)
    return len(rows)


def _tell_leads(deed: Deed, call_up_id: int, leads: set[int]) -> None:
    """Each lead is told once for each call-up that there are people to call."""
    call_up = db.connection().execute(select(_call_ups).where(_call_ups.c.id == call_up_id)).one()
    counts: dict[int, int] = dict(
        db.connection()
        .execute(
            select(_summonses.c.listed_to_id, func.count())
            .where(
                _summonses.c.call_up_id == call_up_id,
                _summonses.c.listed_to_id.in_(leads),
                is_any(_summonses.c.state, *rules.UNANSWERED),
            )
            .group_by(_summonses.c.listed_to_id)
        )
        .all()
    )
    notify(
        deed,
        [
            Notice(
                person_id=each,
                template="call_list",
                reference=f"call_list:{call_up.public_id}",
                parameters={"count": counts.get(each, 1), "phone": call_up.phone},
                address=f"/mobilization/call-ups/{call_up.public_id}/call-list",
                is_drill=call_up.is_drill,
                rank=Rank.CALL,
                until=call_up.ends_at,
            )
            for each in sorted(leads)
        ],
        area_path=call_up.area_path,
    )


# --- reading it, and calling --------------------------------------------------------------------------------


@writing
def note_opened(*, deed: Deed, view: queries.CallListView) -> None:
    """Numbers were shown to somebody: one line in the audit log for each time the page is opened."""
    audit.record(
        deed,
        "open_call_list",
        "call_up",
        view.call_up_id,
        area_path=view.area_path,
        count=sum(each.phone is not None for each in view.lines),
    )


@dataclass(frozen=True)
class Called:
    """What a call came to: how the summons stands, and whether the person had answered meanwhile themselves."""

    call_up: str
    state: SummonsState
    had_answered: bool


_REPLIES = {
    CallResult.COMING: Reply.COMING,
    CallResult.CANNOT: Reply.CANNOT,
    CallResult.LATER: Reply.LATER,
}


@writing
def record_call(
    *, deed: Deed, public_id: str, result: CallResult, answer: Answer | None = None, seen: int | None = None
) -> Called:
    """Write down a call and the answer it brought; exactly once, also when the phone sends it an hour later.

    `answer` carries the ETA, reason or tick that came with a yes or a no. `seen` is the version of the summons that
    the caller had before them: what the person has answered themselves since then stands. Raises NotFound for people
    whom the actor does not call, and what `answers.take_answer` raises.
    """
    claim = requests.claim(deed)
    row = queries.callable_summons(deed.actor, public_id)
    if claim.is_repeat:
        now = answer_queries.summons_now(summons_id=row.id)
        return Called(row.call_up, now.state, claim.outcome == "had_answered")
    summons = answers.lock_for_answer(answer_queries.summons_now(summons_id=row.id))
    reply = _REPLIES.get(result)
    had_answered = (
        reply is not None
        and seen is not None
        and seen != row.version
        and summons.state not in rules.UNANSWERED
    )
    state = summons.state
    if reply is not None and not had_answered:
        state = _take(deed, summons, answer or Answer(reply), result)
    elif result is CallResult.WRONG_NUMBER:
        _mark_failing(row.person_id, deed.now)
    _attempt(deed, row.id, result)
    audit.record(
        deed,
        "record_call",
        "summons",
        row.id,
        area_path=summons.area_path,
        result=str(result),
        state=str(state),
    )
    requests.settle(claim, outcome="had_answered" if had_answered else str(state), object_id=row.id)
    return Called(row.call_up, state, had_answered)


def _take(deed: Deed, summons: answer_queries.SummonsNow, answer: Answer, result: CallResult) -> SummonsState:
    try:
        return answers.take_answer(deed, summons, answer, source=AnswerSource.CALL_LIST, by=deed.actor.key)
    except RuleBroken as broken:
        # "Ask me later" after the window, or once they have answered, is a call like any other.
        if result is CallResult.LATER and broken.code in {"later_too_late", "answered_already"}:
            return summons.state
        raise


def _attempt(deed: Deed, summons_id: int, result: CallResult) -> None:
    connection = db.connection()
    number = connection.execute(
        select(func.coalesce(func.max(_attempts.c.number), 0) + 1).where(_attempts.c.summons_id == summons_id)
    ).scalar_one()
    connection.execute(
        insert(_attempts),
        {
            "summons_id": summons_id,
            "number": number,
            "result": result,
            "called_at": deed.now,
            "called_by": deed.actor.key,
        },
    )
    # The page of whoever calls after this one shows it.
    connection.execute(
        update(_summonses).where(_summonses.c.id == summons_id).values(version=_summonses.c.version + 1)
    )


def _mark_failing(person_id: int, now: datetime) -> None:
    """The number that the list showed reaches somebody else: it is looked after, and messages say so."""
    shown = queries.number_index(person_id)
    if shown is not None:
        db.connection().execute(
            update(_phones)
            .where(
                _phones.c.person_id == person_id,
                _phones.c.phone_index == shown,
                _phones.c.failing_since.is_(None),
            )
            .values(failing_since=now)
        )
