"""Answers by SMS: each is understood and taken once, answered back where that helps, or left to a person.

Nobody's "1" is ever given to one of two call-ups by guessing, nor to one of two people who share a number.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from webapp.base import audit, db, outbox, requests
from webapp.base.actor import Actor
from webapp.base.db import is_any, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, Gone, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.outbox import Outgoing, Rank
from webapp.domain.areas import queries as areas
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.queries import answers as answer_queries
from webapp.domain.mobilization.queries import replies as queries
from webapp.domain.mobilization.queries.replies import Candidate, SmsNow
from webapp.domain.mobilization.rules import Answer, AnswerSource, Reply, SummonsState
from webapp.domain.mobilization.services import answers
from webapp.domain.notifications.models import SmsReply
from webapp.domain.notifications.rules import ReplyState
from webapp.domain.notifications.services import verify_phone_by_reply
from webapp.domain.people.models import PersonPhone

log = logging.getLogger("linli.replies")

_replies: Any = SmsReply.__table__
_phones: Any = PersonPhone.__table__

# A number that sends nonsense is asked back so often within the hour, then a person reads it.
MOST_ASKED_BACK, PER = 2, timedelta(hours=1)
MOST_AT_ONCE = 200

# Whose answer is still out, for a yes and for a no; then whoever changes their mind.
_MAY_MEAN: dict[Reply, tuple[frozenset[SummonsState], ...]] = {
    Reply.COMING: (
        rules.UNANSWERED,
        frozenset({SummonsState.CANNOT, SummonsState.DROPPED}),
        rules.SAID_YES,
    ),
    Reply.CANNOT: (
        rules.UNANSWERED | rules.SAID_YES,
        frozenset({SummonsState.CANNOT, SummonsState.DROPPED}),
    ),
}


def read_waiting(*, now: datetime, limit: int = MOST_AT_ONCE) -> int:
    """Read the SMS that wait, each in a transaction of its own; returns how many. Two workers read none twice."""
    done = 0
    for reply_id in queries.waiting(limit):
        deed = Deed(
            actor=Actor.system("mobilization.sms"),
            client_id=new_public_id(),
            fingerprint="",
            now=now,
            source="sms",
        )
        try:
            done += read_one(deed=deed, reply_id=reply_id)
        except Conflict:
            # The call-up changed in this moment; it waits for the next look.
            log.info("sms_reply_again", extra={"reply": reply_id})
    return done


@writing
def read_one(*, deed: Deed, reply_id: int) -> bool:
    """Read one SMS and do what it says; False when another worker has it."""
    taken = db.connection().execute(
        update(_replies)
        .where(_replies.c.id == reply_id, is_any(_replies.c.state, ReplyState.WAITING))
        .values(state=ReplyState.DONE)
    )
    if not taken.rowcount:
        return False
    sms = queries.sms_now(reply_id)
    _heard_from(sms)
    readings = rules.read_sms(sms.text)
    found = queries.candidates_of([sms.phone_index], now=deed.now).get(sms.phone_index, [])
    if not readings:
        _leave(deed, sms, "not_understood", found)
        return True
    if not found:
        if (Reply.COMING, None) in readings and verify_phone_by_reply(sms.phone_index, deed.now):
            # Nothing else is open: the number was asked whether it works.
            _note(sms, about="phone_check")
            return True
        _without_summons(deed, sms, [code for _reply, code in readings if code])
        return True
    meant = [
        (reply, each)
        for reply, code in readings
        for each in _meant(
            reply, [one for one in found if code in {None, one.code}], is_named=code is not None
        )
    ]
    if len(meant) == 1:
        _take(deed, sms, *meant[0])
    elif not meant:
        _leave(deed, sms, "code_unknown", found)
    elif len({each.person_id for _reply, each in meant}) > 1 and len({each.code for _r, each in meant}) == 1:
        _leave(deed, sms, "several_people", [each for _reply, each in meant])
    else:
        _leave(deed, sms, "several_call_ups", [each for _reply, each in meant], asks=meant[0][0])
    return True


def _meant(reply: Reply, found: Sequence[Candidate], *, is_named: bool) -> list[Candidate]:
    if is_named:
        return list(found)
    for states in _MAY_MEAN[reply]:
        some = [each for each in found if each.state in states]
        if some:
            return some
    return []


def _heard_from(sms: SmsNow) -> None:
    """Whoever writes from a number has it in hand: it does not fail."""
    db.connection().execute(
        update(_phones)
        .where(_phones.c.phone_index == sms.phone_index, _phones.c.failing_since.is_not(None))
        .values(failing_since=None)
    )


# --- what comes of it ---------------------------------------------------------------------------------------


def _note(sms: SmsNow, **values: Any) -> None:
    db.connection().execute(update(_replies).where(_replies.c.id == sms.id).values(**values))


def _about(each: Candidate) -> str:
    return f"summons:{each.public_id}"


def _take(deed: Deed, sms: SmsNow, reply: Reply, each: Candidate) -> None:
    """One summons is meant: answer it, and write back what the person must know."""
    _note(sms, about=_about(each), area_path=each.area_path, person_id=each.person_id)
    knows = reply is Reply.COMING and queries.was_told_sealed(sms.phone_index, _about(each))
    summons = answers.lock_for_answer(answer_queries.summons_now(summons_id=each.summons_id))
    before = summons.state
    try:
        state = answers.take_answer(deed, summons, Answer(reply, knows_sealed=knows), source=AnswerSource.SMS)
    except Gone:
        _say(deed, sms, "reply_over", each)
        return
    except RuleBroken as broken:
        _refuse(deed, sms, each, broken.code)
        return
    _settle_earlier(sms)
    if state is SummonsState.COMING:
        _say(
            deed,
            sms,
            "reply_coming",
            each,
            slip=answers.slip_code_of(each.summons_id),
            starts_at=each.starts_at.isoformat(),
            point=each.muster_point,
        )
    elif state is SummonsState.QUEUED:
        _say(deed, sms, "reply_full", each)
    elif before in rules.SAID_YES:
        _say(deed, sms, "reply_dropped", each)


def _settle_earlier(sms: SmsNow) -> None:
    """What was unclear from this number is clear now; nobody has to read it."""
    db.connection().execute(
        update(_replies)
        .where(
            _replies.c.phone_index == sms.phone_index,
            is_any(_replies.c.state, ReplyState.UNCLEAR),
            _replies.c.id < sms.id,
        )
        .values(state=ReplyState.DONE)
    )


def _refuse(deed: Deed, sms: SmsNow, each: Candidate, code: str) -> None:
    """A yes that cannot stand: say why, and let a person see it where it needs one."""
    if code == "sealed_tick":
        _note(sms, unclear_because="sealed_tick")
        _say(deed, sms, "reply_sealed", each)
        return
    _note(sms, state=ReplyState.UNCLEAR, unclear_because=code)
    if code in {"call_up_overlap", "time_overlap"}:
        _say(deed, sms, "reply_overlap", each)


def _without_summons(deed: Deed, sms: SmsNow, codes: Sequence[str]) -> None:
    """An answer to nothing that is open: to a call-up that is over, or from a number that nobody knows."""
    over = queries.lately_over(sms.phone_index, now=deed.now)
    if over is not None:
        _note(sms, about=_about(over), area_path=over.area_path, person_id=over.person_id)
        if queries.asked_back(sms.phone_index, since=deed.now - PER) < MOST_ASKED_BACK:
            _say(deed, sms, "reply_over", over)
        return
    path = queries.area_of_code(codes, now=deed.now) if codes else None
    because = "nothing_open" if queries.is_known(sms.phone_index) else "unknown_sender"
    _unclear(sms, because, path or queries.home_of(sms.phone_index) or queries.top_area())


def _unclear(sms: SmsNow, because: str, path: str | None) -> None:
    _note(sms, state=ReplyState.UNCLEAR, unclear_because=because, area_path=path)


def _leave(
    deed: Deed, sms: SmsNow, because: str, found: Sequence[Candidate], *, asks: Reply | None = None
) -> None:
    """Leave it to a person, and ask back by SMS where the sender can make it clear themselves."""
    is_asked = queries.asked_back(sms.phone_index, since=deed.now - PER) < MOST_ASKED_BACK
    path = found[0].area_path if found else queries.home_of(sms.phone_index) or queries.top_area()
    _unclear(sms, because, path)
    if len({each.person_id for each in found}) == 1 and len(found) == 1:
        _note(sms, about=_about(found[0]), person_id=found[0].person_id)
    if not is_asked or not found:
        return
    if because == "several_people":
        _say(deed, sms, "reply_whose", found[0])
    elif because == "not_understood" and len(found) == 1:
        _say(deed, sms, "reply_how", found[0])
    else:
        options = [
            {"code": each.code, "starts_at": each.starts_at.isoformat(), "point": each.muster_point}
            for each in {each.code: each for each in found}.values()
        ][:2]
        _say(deed, sms, "reply_which", found[0], options=options, no=asks is Reply.CANNOT)


def _say(deed: Deed, sms: SmsNow, template: str, each: Candidate, **parameters: Any) -> None:
    """Write back to the number that the SMS came from."""
    place = areas.get_place(each.area_path)
    outbox.enqueue_many(
        deed,
        [
            Outgoing(
                template=template,
                address=sms.phone,
                language=queries.language_of(sms.phone_index),
                rank=Rank.CALL,
                reference=_about(each),
                parameters={
                    "community": place.community_name or place.area_name,
                    "community_en": place.community_name_en,
                    "hotline": place.hotline,
                    "phone": each.caller_phone,
                    "is_drill": each.is_drill,
                    **parameters,
                },
            )
        ],
    )


# --- settled by a person ------------------------------------------------------------------------------------


@writing
def note_opened(*, deed: Deed, count: int) -> None:
    """Numbers were shown to somebody: one line in the audit log for each time the page is opened."""
    audit.record(deed, "open_sms_replies", "sms_reply", None, count=count)


@writing
def settle_reply(
    *, deed: Deed, public_id: str, summons: str | None = None, answer: Answer | None = None
) -> SummonsState | None:
    """What a person made of an unclear SMS: an answer to one of the summonses it can be about, or nothing.

    Raises NotFound outside of the actor's areas, for a summons that this number has nothing to do with, and what
    `answers.answer` raises.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return None
    sms = queries.unclear_for(deed.actor, public_id)
    if sms.state is ReplyState.SETTLED:
        raise Conflict("reply_settled")
    state = None
    values: dict[str, Any] = {}
    if summons is not None and answer is not None:
        found = queries.candidates_of([sms.phone_index], now=deed.now).get(sms.phone_index, [])
        each = next((one for one in found if one.public_id == summons), None)
        if each is None:
            raise NotFound
        now = answers.lock_for_answer(answer_queries.summons_now(summons_id=each.summons_id))
        state = answers.take_answer(deed, now, answer, source=AnswerSource.SMS, by=deed.actor.key)
        values = {"about": _about(each), "person_id": each.person_id}
        if state is SummonsState.COMING:
            _say(
                deed,
                sms,
                "reply_coming",
                each,
                slip=answers.slip_code_of(each.summons_id),
                starts_at=each.starts_at.isoformat(),
                point=each.muster_point,
            )
    _note(sms, state=ReplyState.SETTLED, settled_by=deed.actor.key, settled_at=deed.now, **values)
    audit.record(
        deed,
        "settle_reply",
        "sms_reply",
        sms.id,
        area_path=sms.area_path,
        state=str(state) if state else None,
    )
    requests.settle(claim, outcome="settled", object_id=sms.id)
    return state
