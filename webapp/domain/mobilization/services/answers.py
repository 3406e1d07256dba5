"""Answering a summons: yes, no, later, a change of mind; places given once; the queue; what is freed goes on.

Whoever answers for somebody (a unit's lead, the call list, the muster) calls `take_answer` inside an own
transaction, after `lock_for_answer`. Locks: person → call-up (its board) → role → summons; the call-up comes
before the rows below it because the engine and the stand-down take them in that order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, insert, or_, select, update

from webapp.base import audit, crypto, db, ids, requests
from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, Gone, NotFound, RuleBroken
from webapp.base.ids import hash_token, new_public_id
from webapp.base.outbox import Rank
from webapp.base.prepared import Prepared, together
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpEvent, CallUpRole, Summons, Unit
from webapp.domain.mobilization.queries import answers as queries
from webapp.domain.mobilization.queries.answers import Hindrance, SummonsNow
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallUpState,
    EventKind,
    MusterState,
    Reply,
    SummonsState,
)
from webapp.domain.notifications.services.notify import Notice, notify
from webapp.domain.people.models import Person
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind

_people: Any = Person.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_units: Any = Unit.__table__
_events: Any = CallUpEvent.__table__
_commitments: Any = Commitment.__table__

# Who may still be given a place: calls go on, or rest, or every place is taken.
_GIVES_PLACES = frozenset({CallUpState.RUNNING, CallUpState.PAUSED})
MOST_AT_ONCE = 200

# --- the hot statements -------------------------------------------------------------------------------------

_version = _people.c.version + 1
_lock_by_token = Prepared(
    update(_people)
    .where(
        _people.c.id
        == select(_summonses.c.person_id)
        .where(_summonses.c.token_hash == bindparam("token"))
        .scalar_subquery()
    )
    .values(version=_version)
)
_lock_by_id = Prepared(update(_people).where(_people.c.id == bindparam("person")).values(version=_version))
_raised = _call_ups.c.board_version + 1
_touch = Prepared(
    update(_call_ups).where(_call_ups.c.id == bindparam("call_up")).values(board_version=_raised)
)
_touch_by_token = Prepared(
    update(_call_ups)
    .where(
        _call_ups.c.id
        == select(_summonses.c.call_up_id)
        .where(_summonses.c.token_hash == bindparam("token"))
        .scalar_subquery()
    )
    .values(board_version=_raised)
)
_touch_by_public_id = Prepared(
    update(_call_ups)
    .where(
        _call_ups.c.id
        == select(_summonses.c.call_up_id)
        .where(_summonses.c.public_id == bindparam("summons"))
        .scalar_subquery()
    )
    .values(board_version=_raised)
)
_touch_as_read = Prepared(
    update(_call_ups)
    .where(
        _call_ups.c.id == bindparam("call_up"),
        _call_ups.c.state == bindparam("state", type_=_call_ups.c.state.type),
    )
    .values(board_version=_call_ups.c.board_version + 1)
)
# Something fell open: the engine looks at once.
_wake = Prepared(
    update(_call_ups)
    .where(_call_ups.c.id == bindparam("call_up"))
    .values(
        board_version=_call_ups.c.board_version + 1,
        next_at=case(
            (
                and_(
                    is_any(_call_ups.c.state, CallUpState.RUNNING),
                    or_(
                        _call_ups.c.next_at.is_(None),
                        _call_ups.c.next_at > bindparam("now", type_=UtcDateTime),
                    ),
                ),
                bindparam("now", type_=UtcDateTime),
            ),
            else_=_call_ups.c.next_at,
        ),
    )
)
# It alone decides whether there was a place.
_take_place = Prepared(
    update(_roles)
    .where(_roles.c.id == bindparam("role"), _roles.c.taken_count < _roles.c.wanted_count)
    .values(taken_count=_roles.c.taken_count + 1)
    .returning(_roles.c.taken_count, _roles.c.wanted_count)
)
# The same where nobody waits for the figures; the last statement of whoever presses 能来.
_count_in = Prepared(
    update(_roles)
    .where(_roles.c.id == bindparam("role"), _roles.c.taken_count < _roles.c.wanted_count)
    .values(taken_count=_roles.c.taken_count + 1)
)
_give_back = Prepared(
    update(_roles)
    .where(_roles.c.id == bindparam("role"), _roles.c.taken_count > 0)
    .values(taken_count=_roles.c.taken_count - 1)
    .returning(_roles.c.taken_count, _roles.c.wanted_count)
)
_answer_columns = (
    "state",
    "role_id",
    "answered_at",
    "answer_source",
    "answered_by",
    "eta_at",
    "cannot_reason",
    "said",
    "muster",
)
_write = Prepared(
    update(_summonses)
    .where(_summonses.c.id == bindparam("summons"))
    .values(
        {name: bindparam(f"new_{name}", type_=_summonses.c[name].type) for name in _answer_columns}
        | {
            "slip_code": func.coalesce(
                bindparam("new_slip_code", type_=_summonses.c.slip_code.type), _summonses.c.slip_code
            ),
            "knows_sealed_at": func.coalesce(
                bindparam("sealed_at", type_=UtcDateTime), _summonses.c.knows_sealed_at
            ),
            "left_for_at": None,
            "version": _summonses.c.version + 1,
        }
    )
)
_commit_time = Prepared(
    insert(_commitments)
    .values({name: bindparam(name) for name in ("person_id", "starts_at", "ends_at", "kind", "reference_id")})
    .inline()
)
_free_time = Prepared(
    delete(_commitments).where(
        is_any(_commitments.c.kind, CommitmentKind.CALL_UP),
        _commitments.c.reference_id == bindparam("summons"),
    )
)
_event = Prepared(
    insert(_events)
    .values({name: bindparam(name) for name in ("call_up_id", "at", "kind", "role_id", "by", "facts")})
    .inline()
)
_leave_unit = Prepared(
    update(_units)
    .where(_units.c.id == bindparam("unit"), _units.c.named_count > 0)
    .values(named_count=_units.c.named_count - 1, promised_count=_units.c.promised_count - 1)
)


# --- the slip's code ----------------------------------------------------------------------------------------

_HALF = 1 << 10


def slip_code_of(summons_id: int) -> str:
    """The code on the slip 应召凭证, to be read aloud: a keyed shuffle of the summons' number.

    One summons has one code for ever, and no two of the last million share one, so nothing is drawn or compared
    while a thousand answer at once.
    """
    left, right = divmod(summons_id % (_HALF * _HALF), _HALF)
    for turn in range(4):
        mixed = crypto.blind_index("slip code", f"{turn}:{right}")
        left, right = right, left ^ (int.from_bytes(mixed.encode()[:6], "big") % _HALF)
    return ids.number_of(left * _HALF + right)


# --- answering ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """What came of it: the summons and how it stands now."""

    public_id: str
    state: SummonsState
    call_up: str


def answer(
    *,
    deed: Deed,
    answer: Answer,
    source: AnswerSource,
    token: str | None = None,
    public_id: str | None = None,
) -> Standing:
    """Answer a summons by its link's `token`, or in the app by its `public_id` as the person who was summoned.

    Yes: the place is theirs (COMING), or everything is full (QUEUED). The same key answers the same again. Raises
    NotFound for a forged link or somebody else's summons, Gone link_expired, call_up_stood_down, call_up_over;
    RuleBroken sealed_tick, call_up_overlap, shift_overlap, mustered_already, answered_already, later_too_late.
    """
    if answer.reply is Reply.CANNOT:
        return _answer_no(deed=deed, answer=answer, source=source, token=token, public_id=public_id)
    return _answer(deed=deed, answer=answer, source=source, token=token, public_id=public_id)


def _standing(claim: requests.Claim) -> Standing:
    now = queries.summons_now(summons_id=claim.object_id)
    return Standing(now.public_id, now.state, now.call_up)


@writing
def _answer(
    *, deed: Deed, answer: Answer, source: AnswerSource, token: str | None, public_id: str | None
) -> Standing:
    """Yes or later: six statements, of which a thousand go through one call-up in a few seconds."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _standing(claim)
    with together() as block:
        if token is not None:
            hashed = hash_token(token)
            _lock_by_token.send({"token": hashed})
            is_there = block.end(_touch_by_token, {"token": hashed})
        else:
            _lock_by_id.send({"person": _own_person(deed.actor)})
            is_there = block.end(_touch_by_public_id, {"summons": public_id})
    if not is_there:
        raise NotFound
    summons, hindrance = queries.pressed(token=token, public_id=public_id, now=deed.now)
    if token is None:
        ensure_own(deed.actor, summons)
    if answer.reply is not Reply.COMING or summons.is_coming or answer.role is not None:
        state = take_answer(deed, summons, answer, source=source, claim=claim)
        return Standing(summons.public_id, state, summons.call_up)
    ensure_open(summons, deed.now)
    _ensure_can_come(hindrance, answer)
    is_open = summons.has_room and summons.call_up_state in _GIVES_PLACES
    state = SummonsState.COMING if is_open else SummonsState.QUEUED
    if state is summons.state:
        requests.settle(claim, outcome=str(state), object_id=summons.id)
        return Standing(summons.public_id, state, summons.call_up)
    values = _values(deed, summons, state, answer, source, None)
    with together() as block:
        _finish(deed, summons, values, claim)
        if state is SummonsState.COMING:
            _commit_time.send(_time_of(summons, deed.now))
            if summons.taken + 1 == summons.wanted:
                _tell_timeline(deed, summons, EventKind.FULL)
            # Whoever changes a role holds the call-up, as this does: a place that was there is there.
            if not block.end(_count_in, {"role": summons.role_id}):
                raise Conflict("moved_on")
    return Standing(summons.public_id, state, summons.call_up)


@writing
def _answer_no(
    *, deed: Deed, answer: Answer, source: AnswerSource, token: str | None, public_id: str | None
) -> Standing:
    """A no may free a place for somebody who waits: both are locked, in one order."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _standing(claim)
    summons = queries.summons_now(token=token, public_id=public_id)
    if token is None:
        ensure_own(deed.actor, summons)
    state = take_answer(deed, lock_for_answer(summons), answer, source=source, claim=claim)
    return Standing(summons.public_id, state, summons.call_up)


def _own_person(actor: Actor) -> int:
    if actor.person_id is None:
        raise NotFound
    return actor.person_id


def ensure_own(actor: Actor, summons: SummonsNow) -> None:
    """Raises NotFound unless the summons is the actor's own."""
    if summons.person_id != _own_person(actor):
        raise NotFound


def lock_people(person_ids: Iterable[int]) -> None:
    """Hold these people until the transaction ends, in ascending order: nobody else takes their time meanwhile."""
    for each in sorted(set(person_ids)):
        if not _lock_by_id.run({"person": each}):
            raise NotFound


def lock_for_answer(summons: SummonsNow) -> SummonsNow:
    """The summons again, with its person held, and with those of the queue whom its place may go to."""
    waiting = queries.queue(summons.role_id) if summons.is_coming else []
    lock_people([summons.person_id, *(each.person_id for each in waiting)])
    again = queries.summons_now(summons_id=summons.id)
    if again.is_coming and not summons.is_coming:
        # They got a place while this no was on its way; the queue is not held.
        raise Conflict("moved_on")
    return again


def ensure_open(summons: SummonsNow, now: datetime) -> None:
    """Raises Gone where nothing is to be answered any more: expired, stood down, over."""
    if summons.call_up_state is CallUpState.CLOSED or now >= summons.ends_at + rules.LINK_LASTS:
        raise Gone("link_expired")
    if summons.call_up_state is CallUpState.STOOD_DOWN or summons.state is SummonsState.STOOD_DOWN:
        raise Gone("call_up_stood_down")
    if now >= summons.ends_at:
        raise Gone("call_up_over")


def take_answer(
    deed: Deed,
    summons: SummonsNow,
    answer: Answer,
    *,
    source: AnswerSource,
    claim: requests.Claim | None = None,
    by: str | None = None,
    has_place: bool = False,
    waived: frozenset[str] = frozenset(),
) -> SummonsState:
    """Take an answer inside the caller's transaction; the person is locked and the summons was read after that.

    `by` names who wrote it down for somebody else. `has_place`: a unit holds a place for this person already, so
    none is counted. Codes in `waived` are not asked (somebody who walks in knows where they are). With `claim`
    the request is settled here, in the same round trip.
    """
    ensure_open(summons, deed.now)
    if answer.reply is Reply.CANNOT:
        return _take_no(deed, summons, answer, source=source, claim=claim, by=by)
    if answer.reply is Reply.LATER:
        rules.ensure_may_say_later(summons.state, now=deed.now, reply_by=summons.reply_by)
        values = _values(deed, summons, SummonsState.LATER, answer, source, by)
        _touch.run({"call_up": summons.call_up_id})
        with together():
            _finish(deed, summons, values, claim)
        return SummonsState.LATER
    return _take_yes(
        deed, summons, answer, source=source, claim=claim, by=by, has_place=has_place, waived=waived
    )


def _values(
    deed: Deed,
    summons: SummonsNow,
    state: SummonsState,
    answer: Answer,
    source: AnswerSource,
    by: str | None,
) -> dict[str, Any]:
    is_yes = state in rules.SAID_YES
    return {
        "summons": summons.id,
        "sealed_at": deed.now if answer.knows_sealed and is_yes else None,
        "new_state": state,
        "new_role_id": summons.role_id,
        "new_answered_at": deed.now,
        "new_answer_source": source,
        "new_answered_by": by,
        "new_eta_at": rules.eta_of(answer.eta_minutes, now=deed.now, starts_at=summons.starts_at)
        if is_yes
        else None,
        "new_cannot_reason": None if is_yes else answer.reason,
        "new_said": answer.said or None,
        "new_slip_code": slip_code_of(summons.id) if state is SummonsState.COMING else None,
        "new_muster": None,
    }


def _finish(deed: Deed, summons: SummonsNow, values: dict[str, Any], claim: requests.Claim | None) -> None:
    """What nobody waits for: the summons, the audit's line, the request."""
    _write.send(values)
    audit.record(
        deed,
        "answer_call_up",
        "summons",
        summons.id,
        area_path=summons.area_path,
        state=str(values["new_state"]),
        source=str(values["new_answer_source"]),
    )
    if claim is not None:
        requests.settle(claim, outcome=str(values["new_state"]), object_id=summons.id)


# --- yes ----------------------------------------------------------------------------------------------------


def _ensure_can_come(hindrance: Hindrance, answer: Answer, waived: frozenset[str] = frozenset()) -> None:
    if hindrance.taken and "overlap" not in waived:
        kind, _reference, at = min(hindrance.taken, key=lambda each: each[2])
        code = "call_up_overlap" if kind == CommitmentKind.CALL_UP else "time_overlap"
        raise RuleBroken(code, at=at)
    if hindrance.sealed and not answer.knows_sealed and "sealed" not in waived:
        raise RuleBroken("sealed_tick", field="knows_sealed", confirm={"knows_sealed": "1"})


def _take_yes(
    deed: Deed,
    summons: SummonsNow,
    answer: Answer,
    *,
    source: AnswerSource,
    claim: requests.Claim | None,
    by: str | None,
    has_place: bool,
    waived: frozenset[str],
) -> SummonsState:
    _ensure_can_come(queries.hindrance_of(summons, now=deed.now), answer, waived)
    if summons.is_coming:
        return _change_eta(deed, summons, answer, source=source, claim=claim, by=by)
    if answer.role is not None:
        summons = queries.in_role(summons, answer.role, now=deed.now)
    if not _touch_as_read.run({"call_up": summons.call_up_id, "state": summons.call_up_state}):
        # It was ended or stood down in this moment: a place that fell free by that is none to give.
        raise Conflict("moved_on")
    is_full = False
    state = SummonsState.COMING
    if not has_place:
        counts = _take_place.all({"role": summons.role_id}) if summons.call_up_state in _GIVES_PLACES else []
        state = SummonsState.COMING if counts else SummonsState.QUEUED
        is_full = bool(counts) and counts[0].taken_count == counts[0].wanted_count
    if state is SummonsState.QUEUED is summons.state:
        # They wait already; they keep their turn.
        if claim is not None:
            requests.settle(claim, outcome=str(state), object_id=summons.id)
        return state
    values = _values(deed, summons, state, answer, source, by)
    with together():
        if state is SummonsState.COMING:
            _commit_time.send(_time_of(summons, deed.now))
        if is_full:
            _tell_timeline(deed, summons, EventKind.FULL)
        _finish(deed, summons, values, claim)
    return state


def _time_of(summons: SummonsNow, now: datetime) -> dict[str, Any]:
    return {
        "person_id": summons.person_id,
        "starts_at": max(now, summons.starts_at),
        "ends_at": summons.ends_at,
        "kind": CommitmentKind.CALL_UP,
        "reference_id": summons.id,
    }


def _change_eta(
    deed: Deed,
    summons: SummonsNow,
    answer: Answer,
    *,
    source: AnswerSource,
    claim: requests.Claim | None,
    by: str | None,
) -> SummonsState:
    """They said so before; only when they come is new. The time of their first yes stands."""
    _touch.run({"call_up": summons.call_up_id})
    if summons.muster in {None, MusterState.EN_ROUTE, MusterState.OVERDUE}:
        db.connection().execute(
            update(_summonses)
            .where(_summonses.c.id == summons.id)
            .values(
                eta_at=rules.eta_of(answer.eta_minutes, now=deed.now, starts_at=summons.starts_at),
                version=_summonses.c.version + 1,
            )
        )
    audit.record(
        deed,
        "answer_call_up",
        "summons",
        summons.id,
        area_path=summons.area_path,
        state="eta",
        source=str(source),
        by=by,
    )
    if claim is not None:
        requests.settle(claim, outcome="coming", object_id=summons.id)
    return SummonsState.COMING


# --- no, and what it frees ----------------------------------------------------------------------------------


def _take_no(
    deed: Deed,
    summons: SummonsNow,
    answer: Answer,
    *,
    source: AnswerSource,
    claim: requests.Claim | None,
    by: str | None,
) -> SummonsState:
    state = rules.ensure_may_say_no(summons.state, summons.muster)
    _wake.run({"call_up": summons.call_up_id, "now": deed.now})
    values = _values(deed, summons, state, answer, source, by)
    if summons.is_coming:
        free_place(deed, summons)
    _finish(deed, summons, values, claim)
    if summons.is_coming:
        fill_from_queue(deed, summons.role_id)
    return state


def free_place(deed: Deed, summons: SummonsNow) -> None:
    """Give the place and the time of somebody who was coming back, inside the caller's transaction.

    The caller writes the new state, has raised the board and lets the queue have the place.
    """
    counts = _give_back.all({"role": summons.role_id})
    _free_time.run({"summons": summons.id})
    if summons.unit_id is not None:
        _leave_unit.run({"unit": summons.unit_id})
    if counts and counts[0].taken_count == counts[0].wanted_count - 1:
        _tell_timeline(deed, summons, EventKind.REOPENED)


def _tell_timeline(deed: Deed, summons: SummonsNow, kind: EventKind) -> None:
    _event.send(
        {
            "call_up_id": summons.call_up_id,
            "at": deed.now,
            "kind": kind,
            "role_id": summons.role_id,
            "by": deed.actor.key,
            "facts": "{}",
        }
    )


def fill_from_queue(deed: Deed, role_id: int) -> list[SummonsNow]:
    """Give what is free to the first who said yes when all was full; inside the caller's transaction.

    The caller holds the people of `queries.answers.queue(role_id)` and the call-up. Somebody whose time is taken by
    now keeps their turn and is passed over. Returns who got a place.
    """
    placed = []
    for waiting in queries.queue(role_id):
        if waiting.call_up_state not in _GIVES_PLACES or deed.now >= waiting.ends_at:
            break
        if queries.hindrance_of(waiting, now=deed.now).taken:
            continue
        counts = _take_place.all({"role": role_id})
        if not counts:
            break
        eta = max(waiting.starts_at, deed.now + rules.ETA_FROM_THE_QUEUE)
        db.connection().execute(
            update(_summonses)
            .where(_summonses.c.id == waiting.id)
            .values(
                state=SummonsState.COMING,
                eta_at=eta,
                slip_code=slip_code_of(waiting.id),
                version=_summonses.c.version + 1,
            )
        )
        _commit_time.run(_time_of(waiting, deed.now))
        if counts[0].taken_count == counts[0].wanted_count:
            _tell_timeline(deed, waiting, EventKind.FULL)
        audit.record(
            deed,
            "fill_from_queue",
            "summons",
            waiting.id,
            area_path=waiting.area_path,
            call_up=waiting.call_up,
        )
        placed.append(waiting)
    if placed:
        _tell_placed(deed, placed)
    return placed


def _tell_placed(deed: Deed, placed: Sequence[SummonsNow]) -> None:
    """They were told that they need not come; now they are needed."""
    said = queries.said_of(placed[0].call_up_id)
    notify(
        deed,
        [
            Notice(
                person_id=each.person_id,
                template="call_up_place",
                reference=f"summons:{each.public_id}",
                parameters={
                    "starts_at": each.starts_at.isoformat(),
                    "point": said.muster_point,
                    "slip": slip_code_of(each.id),
                    "phone": said.phone,
                },
                address=f"/mobilization/summonses/{each.public_id}",
                is_drill=each.is_drill,
                is_vital=True,
                rank=Rank.CALL,
                until=each.ends_at,
            )
            for each in placed
        ],
        area_path=placed[0].area_path,
    )


def ask_again(*, now: datetime) -> int:
    """Ask those who said "later" once more, half-way to the end of their window; returns how many were asked."""
    due = _later(now)
    if not due:
        return 0
    deed = Deed(actor=Actor.system("mobilization.later"), client_id=new_public_id(), fingerprint="", now=now)
    return sum(_ask(deed=deed, call_up_id=each) for each in due)


@reading
def _later(now: datetime) -> list[int]:
    return sorted({each.call_up_id for each in queries.later_due(now)})


@writing
def _ask(*, deed: Deed, call_up_id: int) -> int:
    """One call-up; whoever was asked in this moment by another worker is in the inbox already and left out."""
    due = [each for each in queries.later_due(deed.now) if each.call_up_id == call_up_id]
    if not due:
        return 0
    said = queries.said_of(call_up_id)
    told = notify(
        deed,
        [
            Notice(
                person_id=each.person_id,
                template="call_up_again",
                reference=f"summons:{each.public_id}",
                parameters={
                    "starts_at": said.starts_at.isoformat(),
                    "point": said.muster_point,
                    "phone": said.phone,
                    "reply_code": said.code,
                },
                address=f"/mobilization/summonses/{each.public_id}",
                is_drill=said.is_drill,
                rank=Rank.CALL,
                until=each.reply_by,
            )
            for each in due
        ],
        area_path=said.area_path,
    )
    return len(told.told)


def settle_queues(*, now: datetime) -> int:
    """Give places that fell open in any other way (a role grew, somebody was let go) to who waits for them.

    Returns how many got one. Each role in its own transaction.
    """
    deed = Deed(actor=Actor.system("mobilization.queues"), client_id=new_public_id(), fingerprint="", now=now)
    return sum(settle_queue(deed=deed, role_id=each) for each in _roles_with_queue(now))


@reading
def _roles_with_queue(now: datetime) -> list[int]:
    """Roles of live call-ups with a free place and somebody who waits for it."""
    found = db.connection().execute(
        select(_roles.c.id)
        .join(_call_ups, _call_ups.c.id == _roles.c.call_up_id)
        .where(
            is_any(_call_ups.c.state, *_GIVES_PLACES),
            _call_ups.c.ends_at > now,
            _roles.c.taken_count < _roles.c.wanted_count,
            select(_summonses.c.id)
            .where(_summonses.c.role_id == _roles.c.id, is_any(_summonses.c.state, SummonsState.QUEUED))
            .exists(),
        )
        .order_by(_roles.c.id)
        .limit(MOST_AT_ONCE)
    )
    return list(found.scalars())


@writing
def settle_queue(*, deed: Deed, role_id: int) -> int:
    """Let the queue of a role have what is free; returns how many got a place."""
    waiting = queries.queue(role_id)
    if not waiting:
        return 0
    lock_people(each.person_id for each in waiting)
    _touch.run({"call_up": waiting[0].call_up_id})
    return len(fill_from_queue(deed, role_id))
