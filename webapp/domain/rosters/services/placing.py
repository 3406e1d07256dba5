"""Places given and freed inside a transaction: for whoever takes one, is assigned, proposed or walks in; the queue."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from webapp.base import audit, clock, db, requests
from webapp.base.db import UtcDateTime, is_any
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.prepared import Prepared, together
from webapp.domain.people.models import Person
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Attendance, Shift, ShiftSkill, Signup, StandIn
from webapp.domain.rosters.queries import places
from webapp.domain.rosters.queries.places import ShiftNow, SignupNow
from webapp.domain.rosters.queries.takers import Me, load_me
from webapp.domain.rosters.rules import (
    HOLDS_A_PLACE,
    LIVE,
    ShiftState,
    SignupSource,
    SignupState,
    StandInState,
)
from webapp.domain.rosters.services import telling
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind

_people: Any = Person.__table__
_shifts: Any = Shift.__table__
_needs: Any = ShiftSkill.__table__
_signups: Any = Signup.__table__
_stand_ins: Any = StandIn.__table__
_attendances: Any = Attendance.__table__
_commitments: Any = Commitment.__table__

# --- the hot statements -------------------------------------------------------------------------------------

_lock_person = Prepared(
    update(_people).where(_people.c.id == bindparam("person")).values(version=_people.c.version + 1)
)
insert_signup = Prepared(
    insert(_signups)
    .values(
        {
            name: bindparam(name)
            for name in (
                "public_id",
                "shift_id",
                "person_id",
                "state",
                "source",
                "skill_code",
                "override_reason",
                "overridden_by",
                "created_at",
                "confirmed_at",
                "waiting_since",
                "accept_by",
            )
        }
    )
    .returning(_signups.c.id)
)
_insert_commitment = Prepared(
    insert(_commitments)
    .values({name: bindparam(name) for name in ("person_id", "starts_at", "ends_at", "kind", "reference_id")})
    .inline()
)
_free_commitment = Prepared(
    delete(_commitments).where(
        _commitments.c.kind == CommitmentKind.SHIFT,
        _commitments.c.reference_id == bindparam("signup"),
    )
)
_shorten_commitment = Prepared(
    update(_commitments)
    .where(
        _commitments.c.kind == CommitmentKind.SHIFT,
        _commitments.c.reference_id == bindparam("signup"),
        _commitments.c.starts_at < bindparam("until", type_=UtcDateTime),
    )
    .values(ends_at=bindparam("until", type_=UtcDateTime))
)
_count_skill = Prepared(
    update(_needs)
    .where(_needs.c.shift_id == bindparam("shift"), _needs.c.skill_code == bindparam("skill"))
    .values(taken_count=_needs.c.taken_count + bindparam("change"))
)
# The last statement of whoever takes a place: it alone decides whether there was one.
_count = Prepared(
    update(_shifts)
    .where(
        _shifts.c.id == bindparam("shift"),
        is_any(_shifts.c.state, ShiftState.OPEN),
        # Whoever moves the shift in this moment would leave the person's time where it was.
        _shifts.c.starts_at == bindparam("starts_at", type_=UtcDateTime),
        _shifts.c.ends_at == bindparam("ends_at", type_=UtcDateTime),
        _shifts.c.taken_count + bindparam("places") <= _shifts.c.maximum_count,
    )
    .values(
        taken_count=_shifts.c.taken_count + bindparam("places"),
        waiting_count=_shifts.c.waiting_count - bindparam("waited"),
    )
)
_give_back = Prepared(
    update(_shifts)
    .where(_shifts.c.id == bindparam("shift"))
    .values(
        taken_count=_shifts.c.taken_count - bindparam("places"),
        waiting_count=_shifts.c.waiting_count - bindparam("waited"),
    )
)
_is_on_duty = Prepared(
    select(_attendances.c.id).where(
        _attendances.c.shift_id == bindparam("shift"),
        _attendances.c.person_id == bindparam("person"),
        _attendances.c.arrived_at.is_not(None),
        _attendances.c.left_at.is_(None),
    )
)


def lock_people(*person_ids: int) -> None:
    """Hold these people until the transaction ends, in ascending order: nobody else takes their time meanwhile."""
    for each in sorted(set(person_ids)):
        if not _lock_person.run({"person": each}):
            raise NotFound


def _commit_time(signup_id: int, person_id: int, shift: ShiftNow, now: datetime) -> None:
    _insert_commitment.send(
        {
            "person_id": person_id,
            # Who joins a shift that has begun gives the rest of it.
            "starts_at": min(max(shift.stretch.starts_at, now), shift.stretch.ends_at)
            if shift.stretch.ends_at > now
            else shift.stretch.starts_at,
            "ends_at": shift.stretch.ends_at,
            "kind": CommitmentKind.SHIFT,
            "reference_id": signup_id,
        }
    )


def count_in(shift: ShiftNow, *, places_taken: int, waited: int) -> bool:
    """Take so many places of the shift, if it is open, at the same time and has them; `waited` leave its queue."""
    return bool(_count.run(_counted(shift, places_taken, waited)))


def _counted(shift: ShiftNow, places_taken: int, waited: int) -> dict[str, Any]:
    return {
        "shift": shift.id,
        "starts_at": shift.stretch.starts_at,
        "ends_at": shift.stretch.ends_at,
        "places": places_taken,
        "waited": waited,
    }


def is_on_duty(shift_id: int, person_id: int) -> bool:
    """Whether the person has come to the shift and not left it."""
    return bool(_is_on_duty.all({"shift": shift_id, "person": person_id}))


# --- placing: for whoever takes, is given, or is proposed a place -------------------------------------------


def place(
    deed: Deed,
    *,
    shift_id: int,
    person_id: int,
    source: SignupSource,
    override_reason: str | None = None,
    is_confirmed: bool = False,
    waived: frozenset[str] = frozenset(),
) -> SignupNow:
    """Give this person a place on the shift, inside the caller's transaction; who waited for it leaves the queue.

    The caller has checked whether the actor may do so. Raises what `rules.broken_rules` says, Conflict
    shift_full and already_on_it. With `override_reason` a rule in `rules.OVERRIDABLE` gives way, and the
    sign-up says so (※) only where one had to. Codes in `waived` are not asked at all (walk-ins are there).
    """
    lock_people(person_id)
    return place_locked(
        deed,
        places.shift_now(shift_id=shift_id),
        person_id=person_id,
        source=source,
        override_reason=override_reason,
        is_confirmed=is_confirmed,
        waived=waived,
    )


def place_locked(
    deed: Deed,
    shift: ShiftNow,
    *,
    person_id: int,
    source: SignupSource,
    override_reason: str | None = None,
    is_confirmed: bool = False,
    waived: frozenset[str] = frozenset(),
    instead_of: SignupNow | None = None,
    giving_up: Sequence[int] = (),
    me: Me | None = None,
    claim: requests.Claim | None = None,
) -> SignupNow:
    """`place` for a person who is locked already; `instead_of` is the sign-up whose place this person takes over.

    `giving_up` are sign-ups of the person that end in the same transaction (a swap). `me` is the person where the
    caller has loaded them since they were locked. `claim` is settled with the rest, where the caller has no more to do.
    """
    if shift.skills:
        # Which places are left is a question of several rows: nobody changes them until this is decided.
        shift = places.lock_shift(shift.id)
    if me is None:
        me = load_me(person_id=person_id, now=deed.now, since=shift.stretch.starts_at)
    standing = places.live_signup(shift_id=shift.id, person_id=person_id)
    if standing is not None and standing.state is SignupState.PLACED:
        raise Conflict("already_on_it")
    taken = me.without(*giving_up, *((standing.id,) if standing else ()))
    opening = shift.opening(me, from_at=deed.now, without=[each for each in (instead_of, standing) if each])
    skill, is_overridden = _decide(me, opening, taken, deed.now, override_reason, waived)
    values = {
        "state": SignupState.PLACED,
        "skill_code": skill,
        "override_reason": override_reason if is_overridden else None,
        "overridden_by": deed.actor.key if is_overridden else None,
        "confirmed_at": deed.now if is_confirmed else None,
        "accept_by": None,
    }
    held = standing is not None and standing.holds_a_place
    signup = _write_placed(deed, shift, person_id, source, standing, values)
    over = [each.skill_code for each in (instead_of, standing) if each and each.holds_a_place]
    _recount_skills(shift.id, over, [skill])
    waited = 1 if standing is not None and standing.state is SignupState.WAITING else 0
    with together() as rest:
        if not held:
            _commit_time(signup.id, person_id, shift, deed.now)
        audit.record(
            deed,
            "take_shift" if source is SignupSource.SELF else "place_on_shift",
            "signup",
            signup.id,
            area_path=shift.area_path,
            shift=shift.public_id,
            source=str(source),
            override=is_overridden,
        )
        if claim is not None:
            requests.settle(claim, outcome="taken", object_id=signup.id)
        # Also where no place is added: a shift that is called off in this moment takes nobody.
        has_place = rest.end(_count, _counted(shift, 1 - held - (instead_of is not None), waited))
    if not has_place:
        raise full(shift)
    return signup


def _decide(
    me: Me,
    opening: rules.Opening,
    taken: Sequence[rules.Stretch],
    now: datetime,
    override_reason: str | None,
    waived: frozenset[str],
) -> tuple[str | None, bool]:
    """The place that the person gets (a skill or None), and whether a rule had to give way."""
    is_overridden = False
    for broken in rules.broken_rules(me.taker, opening, taken, now=now):
        if broken.code in waived:
            continue
        if broken.code not in rules.OVERRIDABLE or not override_reason:
            raise places.named(broken)
        is_overridden = True
    try:
        return rules.choose_place(me.taker, opening), is_overridden
    except RuleBroken as broken:
        if broken.code == "shift_full" and "shift_full" not in waived:
            raise
        # Somebody without the skill stands on the place that was kept for it: that is what was overridden.
        return next((each.code for each in opening.skills if each.free), None), is_overridden


def _write_placed(
    deed: Deed,
    shift: ShiftNow,
    person_id: int,
    source: SignupSource,
    standing: SignupNow | None,
    values: dict[str, Any],
) -> SignupNow:
    if standing is not None:
        changed = (
            db.connection()
            .execute(
                update(_signups)
                .where(_signups.c.id == standing.id, _signups.c.state == standing.state)
                .values(**values, source=source if source is not SignupSource.SELF else standing.source)
            )
            .rowcount
        )
        if not changed:
            raise Conflict("moved_on")
        return places.signup_now(signup_id=standing.id)
    public_id = new_public_id()
    signup_id = insert_signup.scalar(
        values
        | {
            "public_id": public_id,
            "shift_id": shift.id,
            "person_id": person_id,
            "source": source,
            "created_at": deed.now,
            "waiting_since": None,
        }
    )
    return SignupNow(
        id=signup_id,
        public_id=public_id,
        shift_id=shift.id,
        person_id=person_id,
        state=SignupState.PLACED,
        source=source,
        skill_code=values["skill_code"],
        confirmed_at=values["confirmed_at"],
        accept_by=None,
    )


def _recount_skills(shift_id: int, before: Sequence[str | None], after: Sequence[str | None]) -> None:
    changes: dict[str, int] = {}
    for code in before:
        if code is not None:
            changes[code] = changes.get(code, 0) - 1
    for code in after:
        if code is not None:
            changes[code] = changes.get(code, 0) + 1
    for code in sorted(code for code, change in changes.items() if change):
        _count_skill.run({"shift": shift_id, "skill": code, "change": changes[code]})


def full(shift: ShiftNow) -> Conflict:
    """The place was gone: one tap puts the person into the queue."""
    return Conflict("shift_full", confirm={"or_wait": "1"}, shift=shift.public_id)


# --- freeing, and offering what is free to the queue --------------------------------------------------------


def end(deed: Deed, signup: SignupNow, state: SignupState) -> bool:
    """Make a sign-up one that is over and give its time back; False where somebody else ended it meanwhile.

    Its place is still counted: `free` and `place_locked(instead_of=…)` do that.
    """
    changed = (
        db.connection()
        .execute(
            update(_signups)
            .where(_signups.c.id == signup.id, _signups.c.state == signup.state)
            .values(state=state, ended_at=deed.now, accept_by=None)
        )
        .rowcount
    )
    if not changed:
        return False
    if signup.holds_a_place:
        # Who was relieved on duty has worked until now; all others get their time back whole.
        was_there = state is SignupState.REPLACED
        if not was_there or not _shorten_commitment.run({"signup": signup.id, "until": deed.now}):
            _free_commitment.run({"signup": signup.id})
        db.connection().execute(
            update(_stand_ins)
            .where(_stand_ins.c.signup_id == signup.id, _stand_ins.c.state == StandInState.OPEN)
            .values(state=StandInState.OVER, answered_at=deed.now)
        )
    return True


def free(deed: Deed, *, signup_id: int, state: SignupState, offers: bool = True) -> SignupNow | None:
    """End a live sign-up inside the caller's transaction and offer its place to the queue; None if it was over.

    The caller has checked whether the actor may do so. `offers=False` where the shift itself is called off.
    """
    signup = places.signup_now(signup_id=signup_id)
    if not signup.is_live:
        return None
    shift = places.shift_now(shift_id=signup.shift_id)
    freed = [signup] if signup.holds_a_place else []
    line = _next_in_line(deed, shift, freed) if offers and freed else []
    lock_people(signup.person_id, *(each.person_id for each in line))
    signup = places.signup_now(signup_id=signup_id)
    if not signup.is_live or not end(deed, signup, state):
        return None
    _count_out(shift, [signup])
    if line:
        offer(deed, shift.id, line)
    return signup


def _count_out(shift: ShiftNow, signups: Sequence[SignupNow]) -> None:
    freed = [each for each in signups if each.holds_a_place]
    _recount_skills(shift.id, [each.skill_code for each in freed], [])
    _give_back.run({"shift": shift.id, "places": len(freed), "waited": len(signups) - len(freed)})


def clear(deed: Deed, *, shift_id: int) -> list[int]:
    """End every live sign-up of a shift that is called off, inside the caller's transaction; returns whom to tell."""
    connection = db.connection()
    places.lock_shift(shift_id)
    rows = connection.execute(
        select(_signups.c.id, _signups.c.person_id)
        .where(_signups.c.shift_id == shift_id, is_any(_signups.c.state, *LIVE))
        .order_by(_signups.c.id)
    ).all()
    mine = select(_signups.c.id).where(_signups.c.shift_id == shift_id)
    connection.execute(
        delete(_commitments).where(
            _commitments.c.kind == CommitmentKind.SHIFT,
            _commitments.c.reference_id.in_(mine.where(is_any(_signups.c.state, *HOLDS_A_PLACE))),
        )
    )
    connection.execute(
        update(_stand_ins)
        .where(_stand_ins.c.signup_id.in_(mine), _stand_ins.c.state == StandInState.OPEN)
        .values(state=StandInState.OVER, answered_at=deed.now)
    )
    connection.execute(
        update(_signups)
        .where(_signups.c.shift_id == shift_id, is_any(_signups.c.state, *LIVE))
        .values(state=SignupState.CANCELLED, ended_at=deed.now, accept_by=None)
    )
    connection.execute(update(_needs).where(_needs.c.shift_id == shift_id).values(taken_count=0))
    connection.execute(update(_shifts).where(_shifts.c.id == shift_id).values(taken_count=0, waiting_count=0))
    return sorted({row.person_id for row in rows})


def _offer_ends(shift: ShiftNow, now: datetime) -> datetime | None:
    return rules.accept_until(now=now, starts_at=shift.stretch.starts_at, zone=clock.zone())


def _next_in_line(deed: Deed, shift: ShiftNow, freed: Sequence[SignupNow]) -> list[SignupNow]:
    """Those of the queue to whom the free places fit, the first first; read before anybody is locked."""
    if shift.waiting <= 0 or shift.state is not ShiftState.OPEN or _offer_ends(shift, deed.now) is None:
        return []
    chosen: list[SignupNow] = []
    places_left = shift.maximum - shift.taken + len(freed)
    for waiting in places.queue(shift.id) if places_left > 0 else ():
        if len(chosen) == places_left:
            break
        me = load_me(person_id=waiting.person_id, now=deed.now, since=shift.stretch.starts_at)
        opening = shift.opening(me, without=freed, plus=len(chosen))
        if rules.reason_against(me.taker, opening, me.taken, now=deed.now) is None:
            chosen.append(waiting)
    return chosen


def offer(deed: Deed, shift_id: int, line: Sequence[SignupNow]) -> int:
    """Offer free places to these people of the queue, who are locked; those to whom none fits now are passed over."""
    shift = places.lock_shift(shift_id)
    until = _offer_ends(shift, deed.now)
    if until is None:
        return 0
    offered = 0
    for each in line:
        me = load_me(person_id=each.person_id, now=deed.now, since=shift.stretch.starts_at)
        try:
            skill = rules.ensure_can_take(me.taker, shift.opening(me), me.taken, now=deed.now)
        except RuleBroken:
            continue
        changed = (
            db.connection()
            .execute(
                update(_signups)
                .where(_signups.c.id == each.id, _signups.c.state == SignupState.WAITING)
                .values(state=SignupState.OFFERED, accept_by=until, skill_code=skill)
            )
            .rowcount
        )
        if not changed:
            continue
        _commit_time(each.id, each.person_id, shift, deed.now)
        _recount_skills(shift.id, [], [skill])
        if not count_in(shift, places_taken=1, waited=1):
            raise Conflict("moved_on")
        audit.record(deed, "offer_place", "signup", each.id, area_path=shift.area_path, shift=shift.public_id)
        tell(
            deed,
            "shift_offered",
            [each.person_id],
            shift,
            accept_by=until.isoformat(),
            due_at=rules.by_day(deed.now, zone=clock.zone()),
        )
        shift = places.shift_now(shift_id=shift.id)
        offered += 1
    return offered


def settle(deed: Deed, shift: ShiftNow, *also: int) -> ShiftNow:
    """Let the queue have what is free before anybody else: lapsed offers end, the next are offered their places.

    `also` are people whom the caller goes on to change; they are locked with those of the queue.
    """
    lapsed = places.lapsed_offers(shift_id=shift.id, now=deed.now)
    line = _next_in_line(deed, shift, lapsed)
    lock_people(*also, *(each.person_id for each in line))
    if not lapsed and not line:
        return shift
    ended = [each for each in lapsed if end(deed, each, SignupState.EXPIRED)]
    if ended:
        _count_out(shift, ended)
        for each in ended:
            audit.record(
                deed, "end_offer", "signup", each.id, area_path=shift.area_path, shift=shift.public_id
            )
    if line:
        offer(deed, shift.id, line)
    return places.shift_now(shift_id=shift.id)


# --- messages -----------------------------------------------------------------------------------------------


def tell(deed: Deed, template: str, person_ids: Iterable[int], shift: ShiftNow, **parameters: Any) -> None:
    """Write to these people about the shift; who has no phone is told by the office."""
    telling.tell(
        deed,
        template,
        {each: {} for each in person_ids},
        area_path=shift.area_path,
        address=telling.page_of(shift.public_id),
        post=shift.post,
        post_en=shift.post_en,
        starts_at=shift.stretch.starts_at.isoformat(),
        **parameters,
    )
