"""Putting people on shifts and taking them off: what a head or a team's lead does about a gap."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from webapp.base import audit, db, requests
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.people.models import Person
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Shift, Signup
from webapp.domain.rosters.queries import candidates, places, shifts
from webapp.domain.rosters.queries.places import ShiftNow
from webapp.domain.rosters.rules import ShiftState, SignupSource, SignupState
from webapp.domain.rosters.services.placing import free, lock_people, place_locked
from webapp.domain.rosters.services.telling import page_of, tell

REASON_LENGTH = 200
MOST_ASKED = 200

_people: Any = Person.__table__
_shifts: Any = Shift.__table__
_signups: Any = Signup.__table__


def _reason(deed: Deed) -> str | None:
    reason = " ".join((deed.reason or "").split())
    if len(reason) > REASON_LENGTH:
        raise RuleBroken("text_too_long", field="reason", maximum=REASON_LENGTH)
    return reason or None


def _managed(actor: Actor, shift: str) -> ShiftNow:
    now = places.shift_now(shift_id=shifts.managed_id(actor, shift))
    if now.state is ShiftState.DRAFT:
        raise RuleBroken("publish_first")
    if now.state is ShiftState.CANCELLED:
        raise Conflict("shift_cancelled_already")
    return now


@writing
def assign(*, deed: Deed, shift: str, person: str) -> None:
    """Put a person on a shift; they are told and asked to say yes.

    A rule that is in `rules.OVERRIDABLE` gives way where `deed.reason` says why; the roster then shows ※. Raises
    what `rules.broken_rules` says, Conflict shift_full (never over the maximum) and already_on_it, NotFound for
    somebody who is not the actor's to roster.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    the_shift = _managed(deed.actor, shift)
    person_id = db.connection().execute(select(_people.c.id).where(_people.c.public_id == person)).scalar()
    if person_id is None:
        raise NotFound
    lock_people(person_id)
    _ensure_own(deed, the_shift, person_id)
    signup = place_locked(
        deed,
        the_shift,
        person_id=person_id,
        source=SignupSource.STAFF,
        override_reason=_reason(deed),
        # Who puts themselves on a shift has said yes.
        is_confirmed=person_id == deed.actor.person_id,
    )
    if person_id != deed.actor.person_id:
        _tell(deed, "shift_given", the_shift, person_id)
    requests.settle(claim, outcome="assigned", object_id=signup.id)


def _ensure_own(deed: Deed, shift: ShiftNow, person_id: int) -> None:
    if not candidates.is_own(actor=deed.actor, shift=shift, person_id=person_id):
        raise NotFound


def _tell(deed: Deed, template: str, shift: ShiftNow, *person_ids: int) -> int:
    return tell(
        deed,
        template,
        {each: {} for each in person_ids},
        area_path=shift.area_path,
        address=page_of(shift.public_id),
        post=shift.post,
        post_en=shift.post_en,
        starts_at=shift.stretch.starts_at.isoformat(),
    )


@writing
def remove(*, deed: Deed, signup: str) -> str:
    """Take a person off a shift and tell them; what falls free goes to the queue. Returns the shift's public id."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        row = places.signup_now(signup_id=claim.object_id or 0)
        return places.shift_now(shift_id=row.shift_id).public_id
    found = places.signup_now(public_id=signup)
    the_shift = places.shift_now(shift_id=found.shift_id)
    shifts.managed_id(deed.actor, the_shift.public_id)
    if the_shift.stretch.ends_at <= deed.now:
        raise RuleBroken("shift_over")
    if free(deed, signup_id=found.id, state=SignupState.REMOVED) is None:
        raise Conflict("shift_changed_meanwhile")
    if found.person_id != deed.actor.person_id:
        _tell(deed, "shift_removed", the_shift, found.person_id)
    requests.settle(claim, outcome="removed", object_id=found.id)
    audit.record(
        deed,
        "remove_from_shift",
        "signup",
        found.id,
        area_path=the_shift.area_path,
        shift=the_shift.public_id,
    )
    return the_shift.public_id


@writing
def ask_everybody(*, deed: Deed, shift: str) -> int:
    """Ask everybody who fits whether they can come, each by one message; returns how many were asked.

    Raises RuleBroken: shift_full, asked_already within three hours, nobody_fits.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return 0
    the_shift = _managed(deed.actor, shift)
    if the_shift.stretch.starts_at <= deed.now:
        raise RuleBroken("shift_begun")
    if the_shift.taken >= the_shift.maximum:
        raise RuleBroken("no_gap")
    connection = db.connection()
    asked = connection.execute(
        update(_shifts)
        .where(
            _shifts.c.id == the_shift.id,
            (_shifts.c.asked_at.is_(None)) | (_shifts.c.asked_at <= deed.now - rules.ASK_AGAIN_AFTER),
        )
        .values(asked_at=deed.now)
    )
    if not asked.rowcount:
        raise RuleBroken("asked_already", hours=int(rules.ASK_AGAIN_AFTER.total_seconds() // 3600))
    fitting = candidates.who_fits(
        candidates.list_candidates(actor=deed.actor, shift=the_shift, now=deed.now)
    )[:MOST_ASKED]
    if not fitting:
        raise RuleBroken("nobody_fits")
    _tell(deed, "shift_asked", the_shift, *(each.person_id for each in fitting))
    requests.settle(claim, outcome="asked", object_id=the_shift.id)
    audit.record(
        deed, "ask_for_shift", "shift", the_shift.id, area_path=the_shift.area_path, people=len(fitting)
    )
    return len(fitting)


# --- what the worker does -----------------------------------------------------------------------------------


def alarm_heads(*, now: datetime) -> int:
    """Tell those in charge of each drop-out whose place is still empty after an hour, once; returns how many places.

    Each in its own transaction: a worker that dies on the way loses nothing and repeats nothing.
    """
    return sum(_alarm(now=now, signup_id=each) for each in _still_empty(now=now))


@reading
def _still_empty(*, now: datetime) -> list[int]:
    rows = db.connection().execute(
        select(_signups.c.id)
        .join(_shifts, _shifts.c.id == _signups.c.shift_id)
        .where(
            is_any(_signups.c.state, SignupState.DROPPED_OUT),
            _signups.c.ended_at <= now - rules.DROP_OUT_GRACE,
            _signups.c.ended_at > now - rules.RISK_HORIZON,
            _signups.c.alarmed_at.is_(None),
            is_any(_shifts.c.state, ShiftState.OPEN),
            _shifts.c.ends_at > now,
            _shifts.c.taken_count < _shifts.c.wanted_count,
        )
        .order_by(_signups.c.id)
        .limit(MOST_ASKED)
    )
    return list(rows.scalars())


@writing
def _alarm(*, now: datetime, signup_id: int) -> int:
    deed = Deed(
        actor=Actor.system("rosters.risks"),
        client_id=new_public_id(),
        fingerprint="",
        now=now,
        source="worker",
    )
    done = db.connection().execute(
        update(_signups)
        .where(_signups.c.id == signup_id, _signups.c.alarmed_at.is_(None))
        .values(alarmed_at=now)
    )
    if not done.rowcount:
        return 0
    the_shift = places.shift_now(shift_id=places.signup_now(signup_id=signup_id).shift_id)
    _tell(deed, "shift_still_empty", the_shift, *places.heads_of(the_shift, now))
    audit.record(
        deed, "alarm_head", "signup", signup_id, area_path=the_shift.area_path, shift=the_shift.public_id
    )
    return 1
