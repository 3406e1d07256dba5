"""What a volunteer does about shifts: take, wait, accept, confirm, leave; and the worker's tidying of offers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from webapp.base import audit, db, requests
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, Gone, LinliError, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Shift, Signup
from webapp.domain.rosters.queries import places
from webapp.domain.rosters.queries.places import ShiftNow, SignupNow
from webapp.domain.rosters.queries.takers import Me, load_me
from webapp.domain.rosters.queries.taking import ensure_sees
from webapp.domain.rosters.rules import ShiftState, SignupSource, SignupState
from webapp.domain.rosters.services.placing import (
    clear,
    count_in,
    free,
    full,
    insert_signup,
    is_on_duty,
    lock_people,
    place,
    place_locked,
    settle,
    tell,
)

__all__ = [
    "Standing",
    "accept_offer",
    "clear",
    "confirm_place",
    "free",
    "leave_shift",
    "place",
    "settle_shift",
    "take_shift",
    "tidy_offers",
    "wait_for_shift",
]

_shifts: Any = Shift.__table__
_signups: Any = Signup.__table__

GIVEN_BY_STAFF = frozenset({SignupSource.STAFF, SignupSource.SOLVER})
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Standing:
    """What came of it: the sign-up and how it stands now."""

    public_id: str
    shift_public_id: str
    state: SignupState


# --- what a volunteer does ----------------------------------------------------------------------------------


def _standing(signup_id: int) -> Standing:
    signup = places.signup_now(signup_id=signup_id)
    shift = places.shift_now(shift_id=signup.shift_id)
    return Standing(signup.public_id, shift.public_id, signup.state)


def _person_of(deed: Deed) -> int:
    if deed.actor.person_id is None:
        raise NotFound
    return deed.actor.person_id


def take_shift(*, deed: Deed, shift_public_id: str, or_wait: bool = False) -> Standing:
    """Take a place on a shift; with `or_wait` stand in its queue where none is left.

    The same key answers the same sign-up again. Raises what `rules.broken_rules` says; Conflict shift_full
    (whose `confirm` puts the person into the queue with one tap), already_on_it.
    """
    try:
        return _take_shift(deed=deed, shift_public_id=shift_public_id)
    except LinliError as refusal:
        if not or_wait or refusal.code not in rules.WAITED_FOR:
            raise
    return wait_for_shift(deed=deed, shift_public_id=shift_public_id)


@writing
def _take_shift(*, deed: Deed, shift_public_id: str) -> Standing:
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _standing(claim.object_id or 0)
    person_id = _person_of(deed)
    shift = places.shift_now(public_id=shift_public_id)
    if shift.waiting > 0 or shift.taken >= shift.maximum:
        shift = settle(deed, shift, person_id)
    else:
        lock_people(person_id)
    me = load_me(person_id=person_id, now=deed.now, since=shift.stretch.starts_at)
    ensure_sees(deed.actor, me, shift)
    try:
        signup = place_locked(
            deed,
            shift,
            person_id=person_id,
            source=SignupSource.SELF,
            is_confirmed=True,
            me=me,
            claim=claim,
        )
    except RuleBroken as broken:
        raise _with_queue(broken, shift) from broken
    return Standing(signup.public_id, shift.public_id, signup.state)


def _with_queue(broken: RuleBroken, shift: ShiftNow) -> LinliError:
    """The refusal, with one tap into the queue where that can help."""
    if broken.code == "shift_full":
        return full(shift)
    if broken.code in rules.WAITED_FOR and sum(each.needed for each in shift.skills) < shift.maximum:
        return RuleBroken(broken.code, **broken.params, confirm={"or_wait": "1"}, shift=shift.public_id)
    return broken


@writing
def wait_for_shift(*, deed: Deed, shift_public_id: str) -> Standing:
    """Stand in the queue 候补 of a full shift; where a place came free meanwhile, take it."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _standing(claim.object_id or 0)
    person_id = _person_of(deed)
    shift = places.shift_now(public_id=shift_public_id)
    settle(deed, shift, person_id)
    shift = places.lock_shift(shift.id)
    me = load_me(person_id=person_id, now=deed.now, since=shift.stretch.starts_at)
    ensure_sees(deed.actor, me, shift)
    standing = places.live_signup(shift_id=shift.id, person_id=person_id)
    if standing is None:
        standing = _queue_up(deed, shift, me)
    elif standing.state is SignupState.PLACED:
        raise Conflict("already_on_it")
    requests.settle(claim, outcome="waiting", object_id=standing.id)
    return _standing(standing.id)


def _queue_up(deed: Deed, shift: ShiftNow, me: Me) -> SignupNow:
    opening = shift.opening(me, from_at=deed.now)
    if rules.reason_against(me.taker, opening, me.taken, now=deed.now) is None:
        return place_locked(
            deed, shift, person_id=me.person_id, source=SignupSource.SELF, is_confirmed=True, me=me
        )
    rules.ensure_can_wait(me.taker, opening, me.taken, now=deed.now)
    signup_id = insert_signup.scalar(
        {
            "public_id": new_public_id(),
            "shift_id": shift.id,
            "person_id": me.person_id,
            "state": SignupState.WAITING,
            "source": SignupSource.SELF,
            "skill_code": None,
            "override_reason": None,
            "overridden_by": None,
            "created_at": deed.now,
            "confirmed_at": None,
            "waiting_since": deed.now,
            "accept_by": None,
        }
    )
    audit.record(
        deed, "wait_for_shift", "signup", signup_id, area_path=shift.area_path, shift=shift.public_id
    )
    if not count_in(shift, places_taken=0, waited=-1):
        raise Conflict("moved_on")
    return places.signup_now(signup_id=signup_id)


@writing
def accept_offer(*, deed: Deed, shift_public_id: str) -> Standing:
    """Say yes to a place that the queue offered. Gone offer_over once its time has passed."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _standing(claim.object_id or 0)
    shift, signup = _own_signup(deed, shift_public_id)
    if signup.state is SignupState.WAITING:
        raise Conflict("not_offered_yet")
    if signup.state is SignupState.OFFERED:
        changed = (
            db.connection()
            .execute(
                update(_signups)
                .where(
                    _signups.c.id == signup.id,
                    _signups.c.state == SignupState.OFFERED,
                    _signups.c.accept_by > deed.now,
                )
                .values(
                    state=SignupState.PLACED,
                    source=SignupSource.WAITLIST,
                    accept_by=None,
                    confirmed_at=deed.now,
                )
            )
            .rowcount
        )
        if not changed or shift.state is not ShiftState.OPEN:
            raise Gone("offer_over")
        audit.record(
            deed, "accept_offer", "signup", signup.id, area_path=shift.area_path, shift=shift.public_id
        )
    requests.settle(claim, outcome="accepted", object_id=signup.id)
    return _standing(signup.id)


def _own_signup(deed: Deed, shift_public_id: str) -> tuple[ShiftNow, SignupNow]:
    """The shift and the actor's live sign-up on it, with the actor locked."""
    person_id = _person_of(deed)
    shift = places.shift_now(public_id=shift_public_id)
    lock_people(person_id)
    return shift, _own_live(deed, shift, person_id)


def _own_live(deed: Deed, shift: ShiftNow, person_id: int) -> SignupNow:
    signup = places.live_signup(shift_id=shift.id, person_id=person_id)
    if signup is None:
        ensure_sees(deed.actor, load_me(person_id=person_id, now=deed.now), shift)
        raise Conflict("not_on_it")
    return signup


@writing
def confirm_place(*, deed: Deed, shift_public_id: str) -> Standing:
    """Say yes to a place that staff gave; saying it twice is saying it once."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _standing(claim.object_id or 0)
    shift, signup = _own_signup(deed, shift_public_id)
    if signup.state is not SignupState.PLACED:
        raise Conflict("not_offered_yet")
    db.connection().execute(
        update(_signups)
        .where(_signups.c.id == signup.id, _signups.c.confirmed_at.is_(None))
        .values(confirmed_at=deed.now)
    )
    audit.record(deed, "confirm_place", "signup", signup.id, area_path=shift.area_path, shift=shift.public_id)
    requests.settle(claim, outcome="confirmed", object_id=signup.id)
    return _standing(signup.id)


@writing
def leave_shift(*, deed: Deed, shift_public_id: str) -> Standing:
    """我来不了: give up the place, decline an offer or a place that staff gave, or leave the queue.

    Until `leave_by` without a word; after it the lead is told. Whatever falls free is offered to the queue.
    Raises RuleBroken on_duty (there is a button for being relieved) and shift_over.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _standing(claim.object_id or 0)
    person_id = _person_of(deed)
    shift = places.shift_now(public_id=shift_public_id)
    signup = _own_live(deed, shift, person_id)
    if shift.stretch.ends_at <= deed.now:
        raise RuleBroken("shift_over")
    if is_on_duty(shift.id, person_id):
        raise RuleBroken("on_duty")
    state = rules.state_after_leaving(
        signup.state,
        is_in_time=deed.now <= shift.leave_by,
        was_given=signup.source in GIVEN_BY_STAFF and signup.confirmed_at is None,
    )
    if free(deed, signup_id=signup.id, state=state) is None:
        raise Conflict("moved_on")
    audit.record(
        deed,
        "leave_shift",
        "signup",
        signup.id,
        area_path=shift.area_path,
        shift=shift.public_id,
        state=str(state),
    )
    if signup.state is SignupState.PLACED and deed.now > shift.leave_by:
        _tell_in_charge(deed, shift, person_id)
    requests.settle(claim, outcome=str(state), object_id=signup.id)
    return Standing(signup.public_id, shift.public_id, state)


def _tell_in_charge(deed: Deed, shift: ShiftNow, person_id: int) -> None:
    in_charge = [each for each in places.people_in_charge(shift, deed.now) if each != person_id]
    tell(deed, "shift_dropped", in_charge, shift, name=places.name_of(person_id))


# --- what the worker tidies ---------------------------------------------------------------------------------


def tidy_offers(*, now: datetime) -> int:
    """End offers whose time has passed and offer what is free to the next; close the queues of shifts that are over.

    Each shift in its own transaction: a worker that dies on the way loses nothing. Returns how many were looked at.
    """
    shifts = _shifts_to_settle(now)
    for shift_id in shifts:
        settle_shift(deed=_worker(now), shift_id=shift_id)
    _close_queues(now=now)
    return len(shifts)


def _worker(now: datetime) -> Deed:
    return Deed(actor=Actor.system("rosters.offers"), client_id=new_public_id(), fingerprint="", now=now)


@reading
def _shifts_to_settle(now: datetime) -> list[int]:
    """Shifts with an offer that has lapsed, and those that have a free place and a queue."""
    lapsed = select(_signups.c.shift_id).where(
        is_any(_signups.c.state, SignupState.OFFERED), _signups.c.accept_by <= now
    )
    queued = select(_shifts.c.id).where(
        _shifts.c.starts_at > now,
        _shifts.c.waiting_count > 0,
        _shifts.c.taken_count < _shifts.c.maximum_count,
        is_any(_shifts.c.state, ShiftState.OPEN),
    )
    found = db.connection().execute(lapsed.union(queued).limit(MOST_AT_ONCE)).scalars()
    return sorted(found)


@writing
def settle_shift(*, deed: Deed, shift_id: int) -> None:
    """Let the queue of a shift have what is free."""
    settle(deed, places.shift_now(shift_id=shift_id))


@writing
def _close_queues(*, now: datetime) -> int:
    """Nobody waits for a shift that is over."""
    connection = db.connection()
    over = (
        select(_shifts.c.id)
        .where(_shifts.c.waiting_count > 0, _shifts.c.ends_at <= now)
        .order_by(_shifts.c.id)
        .limit(MOST_AT_ONCE)
        .with_for_update()
    )
    ids = list(connection.execute(over).scalars())
    if not ids:
        return 0
    connection.execute(
        update(_signups)
        .where(_signups.c.shift_id.in_(ids), is_any(_signups.c.state, SignupState.WAITING))
        .values(state=SignupState.STOPPED_WAITING, ended_at=now)
    )
    connection.execute(update(_shifts).where(_shifts.c.id.in_(ids)).values(waiting_count=0))
    return len(ids)
