"""Looking for somebody who takes a place: stand-in 找人顶班, swap 换班, relief 我需要换下来.

The place stays with its person until somebody has taken it. People are locked in ascending order, before shifts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from webapp.base import audit, db, requests
from webapp.base.db import is_any, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.rosters.models import Shift, Signup, StandIn
from webapp.domain.rosters.queries import places, stand_ins
from webapp.domain.rosters.queries.places import ShiftNow, SignupNow
from webapp.domain.rosters.queries.stand_ins import StandInNow
from webapp.domain.rosters.queries.takers import Me, load_me
from webapp.domain.rosters.queries.taking import ensure_sees
from webapp.domain.rosters.rules import (
    ShiftState,
    SignupSource,
    SignupState,
    StandInKind,
    StandInState,
)
from webapp.domain.rosters.services.day import check_out_for_relief
from webapp.domain.rosters.services.placing import end, lock_people, place_locked, tell

_stand_ins: Any = StandIn.__table__
_signups: Any = Signup.__table__
_shifts: Any = Shift.__table__


@dataclass(frozen=True)
class Search:
    """A search for a stand-in and how it stands now."""

    public_id: str
    shift_public_id: str
    state: StandInState


def _search(stand_in_id: int) -> Search:
    row = (
        db.connection()
        .execute(
            select(_stand_ins.c.public_id, _stand_ins.c.state, _shifts.c.public_id.label("shift"))
            .join(_signups, _signups.c.id == _stand_ins.c.signup_id)
            .join(_shifts, _shifts.c.id == _signups.c.shift_id)
            .where(_stand_ins.c.id == stand_in_id)
        )
        .one()
    )
    return Search(row.public_id, row.shift, StandInState(row.state))


# --- asking -------------------------------------------------------------------------------------------------


def _own(deed: Deed, signup_public_id: str) -> tuple[SignupNow, ShiftNow]:
    """The actor's own place and its shift; NotFound for anybody else's."""
    signup = places.signup_now(public_id=signup_public_id)
    if deed.actor.person_id is None or signup.person_id != deed.actor.person_id:
        raise NotFound
    return signup, places.shift_now(shift_id=signup.shift_id)


def _ensure_held(signup: SignupNow, shift: ShiftNow) -> None:
    if signup.state is not SignupState.PLACED or shift.state is not ShiftState.OPEN:
        raise Conflict("not_on_it")


def _ensure_before(shift: ShiftNow, now: datetime) -> None:
    if shift.stretch.starts_at <= now:
        raise RuleBroken("shift_has_begun")


def _insert(
    deed: Deed,
    signup: SignupNow,
    kind: StandInKind,
    *,
    to_person_id: int | None = None,
    wanted_signup_id: int | None = None,
) -> int:
    if stand_ins.open_search(signup.id) is not None:
        raise Conflict("already_asked")
    stand_in_id: int = (
        db.connection()
        .execute(
            insert(_stand_ins)
            .values(
                public_id=new_public_id(),
                signup_id=signup.id,
                kind=kind,
                state=StandInState.OPEN,
                to_person_id=to_person_id,
                wanted_signup_id=wanted_signup_id,
                asked_at=deed.now,
            )
            .returning(_stand_ins.c.id)
        )
        .scalar_one()
    )
    return stand_in_id


@writing
def ask_stand_in(*, deed: Deed, signup_public_id: str, to: str | None = None) -> Search:
    """Look for a stand-in: among all, or ask one person (their public id) of the team or the post.

    Raises RuleBroken stand_in_is_oneself, person_unknown, other_cannot, shift_has_begun; Conflict already_asked.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _search(claim.object_id or 0)
    signup, shift = _own(deed, signup_public_id)
    lock_people(signup.person_id)
    signup = places.signup_now(signup_id=signup.id)
    _ensure_held(signup, shift)
    _ensure_before(shift, deed.now)
    to_person_id = _asked(deed, signup_public_id, signup, shift, to) if to else None
    stand_in_id = _insert(deed, signup, StandInKind.STAND_IN, to_person_id=to_person_id)
    _record(deed, "ask_stand_in", stand_in_id, shift, is_open=to_person_id is None)
    if to_person_id is not None:
        tell(deed, "stand_in_asked", [to_person_id], shift, name=places.name_of(signup.person_id))
    requests.settle(claim, outcome="asked", object_id=stand_in_id)
    return _search(stand_in_id)


def _asked(deed: Deed, signup_public_id: str, signup: SignupNow, shift: ShiftNow, to: str) -> int:
    """The person who is asked, whom the rules allow to take the place."""
    if places.person_id_of(to) == signup.person_id:
        raise RuleBroken("stand_in_is_oneself", field="to")
    own = stand_ins.get_own_place(actor=deed.actor, signup_public_id=signup_public_id, now=deed.now)
    other = stand_ins.colleague(own, to, deed.now)
    me = load_me(person_id=other.person_id, now=deed.now, since=shift.stretch.starts_at)
    if stand_ins.against(me, shift, signup, now=deed.now) is not None:
        raise RuleBroken("other_cannot", field="to", name=other.name)
    return other.person_id


@writing
def ask_swap(*, deed: Deed, signup_public_id: str, wanted_public_id: str | None) -> Search:
    """Ask somebody to give their place for one's own; both must be able to have the other's.

    Raises RuleBroken nothing_to_swap, swap_with_oneself, the reasons of `rules.broken_rules`, other_cannot; Conflict swap_gone.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _search(claim.object_id or 0)
    signup, shift = _own(deed, signup_public_id)
    if wanted_public_id is None:
        raise RuleBroken("nothing_to_swap", field="wanted")
    wanted = places.signup_now(public_id=wanted_public_id)
    if wanted.person_id == signup.person_id:
        raise RuleBroken("swap_with_oneself", field="wanted")
    lock_people(signup.person_id, wanted.person_id)
    signup = places.signup_now(signup_id=signup.id)
    wanted = places.signup_now(signup_id=wanted.id)
    other_shift = places.shift_now(shift_id=wanted.shift_id)
    _ensure_held(signup, shift)
    _ensure_before(shift, deed.now)
    me = load_me(person_id=signup.person_id, now=deed.now)
    ensure_sees(deed.actor, me, other_shift)
    _ensure_swap(deed, me, signup, shift, wanted, other_shift)
    stand_in_id = _insert(
        deed, signup, StandInKind.SWAP, to_person_id=wanted.person_id, wanted_signup_id=wanted.id
    )
    _record(deed, "ask_swap", stand_in_id, shift, wanted=wanted.id)
    tell(deed, "swap_asked", [wanted.person_id], shift, name=places.name_of(signup.person_id))
    requests.settle(claim, outcome="asked", object_id=stand_in_id)
    return _search(stand_in_id)


def _ensure_swap(
    deed: Deed, me: Me, signup: SignupNow, shift: ShiftNow, wanted: SignupNow, other_shift: ShiftNow
) -> None:
    if (
        wanted.state is not SignupState.PLACED
        or other_shift.stretch.starts_at <= deed.now
        or other_shift.id == shift.id
    ):
        raise Conflict("swap_gone")
    mine = stand_ins.against(me, other_shift, wanted, now=deed.now, giving_up=[signup.id])
    if mine is not None:
        raise mine
    other = load_me(person_id=wanted.person_id, now=deed.now)
    if stand_ins.against(other, shift, signup, now=deed.now, giving_up=[wanted.id]) is not None:
        raise RuleBroken("other_cannot", field="wanted", name=places.name_of(wanted.person_id))


@writing
def ask_relief(*, deed: Deed, signup_public_id: str) -> Search:
    """我需要换下来: on duty, now, without a reason. The lead and the nearest people who could come are told at once.

    A search for a stand-in that was still open becomes this one. Raises RuleBroken not_on_duty.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _search(claim.object_id or 0)
    signup, shift = _own(deed, signup_public_id)
    lock_people(signup.person_id)
    signup = places.signup_now(signup_id=signup.id)
    _ensure_held(signup, shift)
    if not shift.stretch.starts_at <= deed.now < shift.stretch.ends_at:
        raise RuleBroken("not_on_duty")
    before = stand_ins.open_search(signup.id)
    if before is not None and before.kind is StandInKind.RELIEF:
        raise Conflict("already_asked")
    if before is not None:
        _close(deed, before, StandInState.OVER)
    stand_in_id = _insert(deed, signup, StandInKind.RELIEF)
    called = stand_ins.nearest(shift, signup, deed.now)
    in_charge = [
        each for each in places.people_in_charge(shift, deed.now) if each not in {signup.person_id, *called}
    ]
    name = places.name_of(signup.person_id)
    tell(deed, "relief_needed", in_charge, shift, name=name)
    tell(deed, "relief_asked", called, shift)
    _record(deed, "ask_relief", stand_in_id, shift, called=len(called))
    requests.settle(claim, outcome="asked", object_id=stand_in_id)
    return _search(stand_in_id)


# --- answering ----------------------------------------------------------------------------------------------


def _close(deed: Deed, search: StandInNow, state: StandInState, taken_signup_id: int | None = None) -> None:
    changed = (
        db.connection()
        .execute(
            update(_stand_ins)
            .where(_stand_ins.c.id == search.id, _stand_ins.c.state == StandInState.OPEN)
            .values(state=state, answered_at=deed.now, taken_signup_id=taken_signup_id)
        )
        .rowcount
    )
    if not changed:
        raise Conflict("stand_in_over")


def _record(deed: Deed, verb: str, stand_in_id: int, shift: ShiftNow, **facts: Any) -> None:
    audit.record(
        deed, verb, "stand_in", stand_in_id, area_path=shift.area_path, shift=shift.public_id, **facts
    )


@writing
def withdraw_search(*, deed: Deed, public_id: str) -> Search:
    """Stop looking; the place stays with its person."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _search(claim.object_id or 0)
    search = stand_ins.stand_in_now(public_id)
    signup = places.signup_now(signup_id=search.signup_id)
    if signup.person_id != deed.actor.person_id:
        raise NotFound
    lock_people(signup.person_id)
    _close(deed, search, StandInState.WITHDRAWN)
    _record(deed, "withdraw_search", search.id, places.shift_now(shift_id=signup.shift_id))
    requests.settle(claim, outcome="withdrawn", object_id=search.id)
    return _search(search.id)


@writing
def refuse_search(*, deed: Deed, public_id: str) -> Search:
    """Say no to a stand-in or swap that was put to oneself; who asked is told, and keeps the place."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _search(claim.object_id or 0)
    search = stand_ins.stand_in_now(public_id)
    if search.to_person_id is None or search.to_person_id != deed.actor.person_id:
        raise NotFound
    signup = places.signup_now(signup_id=search.signup_id)
    shift = places.shift_now(shift_id=signup.shift_id)
    lock_people(signup.person_id, search.to_person_id)
    _close(deed, search, StandInState.REFUSED)
    _record(deed, "refuse_search", search.id, shift)
    tell(deed, "stand_in_refused", [signup.person_id], shift, name=places.name_of(search.to_person_id))
    requests.settle(claim, outcome="refused", object_id=search.id)
    return _search(search.id)


@writing
def take_over(*, deed: Deed, public_id: str) -> Search:
    """Take the place that somebody looks for a stand-in for, or agree to their swap.

    Raises RuleBroken stand_in_is_oneself and the reasons of `rules.broken_rules`; Conflict stand_in_over.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _search(claim.object_id or 0)
    search = stand_ins.stand_in_now(public_id)
    held = places.signup_now(signup_id=search.signup_id)
    shift = places.shift_now(shift_id=held.shift_id)
    person_id = _ensure_may_answer(deed, search, held, shift)
    lock_people(held.person_id, person_id)
    search = stand_ins.stand_in_now(public_id)
    held = places.signup_now(signup_id=search.signup_id)
    if search.state is not StandInState.OPEN or held.state is not SignupState.PLACED:
        raise Conflict("stand_in_over")
    if search.kind is StandInKind.SWAP:
        _swap(deed, search, held, shift)
    else:
        _replace(deed, search, held, shift, person_id)
    requests.settle(claim, outcome="taken", object_id=search.id)
    return _search(search.id)


def _ensure_may_answer(deed: Deed, search: StandInNow, held: SignupNow, shift: ShiftNow) -> int:
    person_id = deed.actor.person_id
    if person_id is None:
        raise NotFound
    if held.person_id == person_id:
        raise RuleBroken("stand_in_is_oneself")
    if search.to_person_id is None:
        ensure_sees(deed.actor, load_me(person_id=person_id, now=deed.now), shift)
    elif search.to_person_id != person_id:
        raise NotFound
    return person_id


def _replace(deed: Deed, search: StandInNow, held: SignupNow, shift: ShiftNow, person_id: int) -> None:
    signup = place_locked(
        deed,
        shift,
        person_id=person_id,
        source=SignupSource.STAND_IN,
        is_confirmed=True,
        instead_of=held,
    )
    _close(deed, search, StandInState.TAKEN, signup.id)
    if not end(deed, held, SignupState.REPLACED):
        raise Conflict("stand_in_over")
    _record(deed, "take_over", search.id, shift, signup=signup.id)
    name = places.name_of(person_id)
    tell(deed, "stand_in_found", [held.person_id], shift, name=name)
    if search.kind is StandInKind.RELIEF:
        in_charge = [
            each
            for each in places.people_in_charge(shift, deed.now)
            if each not in {held.person_id, person_id}
        ]
        tell(deed, "relief_found", in_charge, shift, name=name)
        check_out_for_relief(deed=deed, shift_id=shift.id, person_id=held.person_id)


def _swap(deed: Deed, search: StandInNow, held: SignupNow, shift: ShiftNow) -> None:
    """Both places change hands in one transaction, each checked as if the other were given up already."""
    wanted = places.signup_now(signup_id=search.wanted_signup_id)
    other_shift = places.shift_now(shift_id=wanted.shift_id)
    if (
        wanted.state is not SignupState.PLACED
        or wanted.person_id != search.to_person_id
        or min(shift.stretch.starts_at, other_shift.stretch.starts_at) <= deed.now
    ):
        raise Conflict("swap_gone")
    moves = {shift.id: (shift, wanted, held), other_shift.id: (other_shift, held, wanted)}
    made: dict[int, SignupNow] = {}
    for shift_id in sorted(moves):
        where, mover, leaver = moves[shift_id]
        try:
            made[shift_id] = place_locked(
                deed,
                where,
                person_id=mover.person_id,
                source=SignupSource.SWAP,
                is_confirmed=True,
                instead_of=leaver,
                giving_up=[mover.id],
            )
        except RuleBroken as broken:
            if mover.person_id == deed.actor.person_id:
                raise
            raise RuleBroken("other_cannot", name=places.name_of(mover.person_id)) from broken
    _close(deed, search, StandInState.TAKEN, made[shift.id].id)
    for each in (held, wanted):
        if not end(deed, each, SignupState.REPLACED):
            raise Conflict("swap_gone")
    _record(deed, "swap", search.id, shift, with_shift=other_shift.public_id)
    tell(deed, "swap_done", [held.person_id], other_shift, name=places.name_of(wanted.person_id))


@writing
def tidy_searches(*, now: datetime) -> int:
    """Close the searches of shifts that are over, and of places that ended otherwise. Returns how many."""
    over = (
        select(_stand_ins.c.id)
        .join(_signups, _signups.c.id == _stand_ins.c.signup_id)
        .join(_shifts, _shifts.c.id == _signups.c.shift_id)
        .where(is_any(_stand_ins.c.state, StandInState.OPEN), _shifts.c.ends_at <= now)
    )
    return (
        db.connection()
        .execute(
            update(_stand_ins)
            .where(_stand_ins.c.id.in_(over), _stand_ins.c.state == StandInState.OPEN)
            .values(state=StandInState.OVER, answered_at=now)
        )
        .rowcount
    )
