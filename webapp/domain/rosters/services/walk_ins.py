"""Walk-ins 现场加入: who is at the post and was not on the list, found by name or written down with a phone."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from webapp.base import audit, clock, crypto, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, LinliError, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.accounts.rules import normalise_phone
from webapp.domain.people import rules as people_rules
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Shift, Signup
from webapp.domain.rosters.queries import day
from webapp.domain.rosters.queries.day import DayShift
from webapp.domain.rosters.rules import (
    LIVE,
    Evidence,
    Mark,
    SignupSource,
    SignupState,
    Stretch,
)
from webapp.domain.rosters.services.evidence import attendance_of, name_of, settle, write_attendance
from webapp.domain.volunteers.models import Commitment, Pledge, Volunteer
from webapp.domain.volunteers.rules import (
    AgeGroup,
    CommitmentKind,
    PledgeKind,
    Society,
    VolunteerState,
)

_shifts: Any = Shift.__table__
_signups: Any = Signup.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_volunteers: Any = Volunteer.__table__
_pledges: Any = Pledge.__table__
_commitments: Any = Commitment.__table__

NAME_LENGTH = 60
REASON_LENGTH = 200
_MAY_HELP = frozenset({VolunteerState.APPLIED, VolunteerState.ASKED_BACK, VolunteerState.ACCEPTED})


@writing
def add_walk_in(
    *,
    deed: Deed,
    shift: str,
    volunteer: str | None = None,
    name: str = "",
    phone: str = "",
    reason: str = "",
    phone_at: datetime | None = None,
    is_paper: bool = False,
) -> str:
    """Put somebody who is there onto the shift and mark them present; returns the person's public id.

    A volunteer by public id, or name and phone: known ones are found by both, an unknown one is written down as
    applied. Two places at once, a missing pledge and an age cannot be overridden; a full shift and the rest rules
    can, with a reason, by the head or the team's lead: the shift's maximum then grows by one. Raises Conflict
    already_on_shift, RuleBroken shift_full, not_a_volunteer, pledge_missing, adults_only and those of
    `rules.ensure_time_allows`.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return (claim.outcome or "").removeprefix("person:")
    the_shift = day.get_led_shift(actor=deed.actor, public_id=shift)
    if deed.now < the_shift.starts_at - rules.CHECK_IN_OPENS:
        raise RuleBroken("roll_call_not_yet", at=the_shift.starts_at - rules.CHECK_IN_OPENS)
    person_id = (
        _volunteer(the_shift, volunteer) if volunteer else _by_name_and_phone(deed, the_shift, name, phone)
    )
    db.connection().execute(
        update(_people).where(_people.c.id == person_id).values(version=_people.c.version + 1)
    )
    reason = reason.strip()[:REASON_LENGTH]
    may = bool(reason) and day.may_override(actor=deed.actor, shift=the_shift)
    broken = _first_broken(the_shift, person_id)
    if broken is not None and not (may and broken.code in rules.OVERRIDABLE):
        raise broken
    the_shift = day.lock_shift(the_shift.id)
    signup_id, holds = _signup(
        deed, the_shift, person_id, typed=reason if may else "", is_against=broken is not None
    )
    _commit(the_shift, person_id, signup_id)
    told = rules.believed(
        phone_at=phone_at,
        now=deed.now,
        opens_at=the_shift.starts_at - rules.CHECK_IN_OPENS,
        closes_at=the_shift.ends_at,
    )
    is_timed = told is not None and not is_paper
    attendance_id = write_attendance(
        deed,
        the_shift.id,
        person_id,
        attendance_of(the_shift.id, person_id),
        mark=Mark.PRESENT,
        is_walk_in=True,
        arrived_at=told.at if told and is_timed else None,
        arrived_from=Evidence.ROLL_CALL if is_timed else None,
        was_offline=bool(is_timed and told and told.was_offline),
        is_doubtful=bool(is_timed and told and told.is_doubtful),
    )
    if not holds:
        db.connection().execute(
            update(_shifts).where(_shifts.c.id == the_shift.id).values(taken_count=_shifts.c.taken_count + 1)
        )
    settle(deed, the_shift, [attendance_id])
    person = db.connection().execute(select(_people.c.public_id).where(_people.c.id == person_id))
    public_id = str(person.scalar_one())
    requests.settle(claim, outcome=f"person:{public_id}", object_id=attendance_id)
    audit.record(
        deed,
        "add_walk_in",
        "shift",
        the_shift.id,
        area_path=the_shift.area_path,
        person_id=person_id,
        against=None if broken is None else broken.code,
        override=reason or None,
    )
    return public_id


def _volunteer(shift: DayShift, public_id: str) -> int:
    """The person of a volunteer that the lead may find for this shift."""
    for found in day.volunteers_near(shift):
        row = db.connection().execute(found.where(_volunteers.c.public_id == public_id)).one_or_none()
        if row is not None:
            return int(row.person_id)
    raise NotFound


def _by_name_and_phone(deed: Deed, shift: DayShift, name: str, phone: str) -> int:
    name = people_rules.clean_name(name)
    if not name:
        raise RuleBroken("name_missing", field="name")
    if len(name) > NAME_LENGTH:
        raise RuleBroken("text_too_long", field="name", maximum=NAME_LENGTH)
    number = normalise_phone(phone)
    index = crypto.blind_index("phone", number)
    connection = db.connection()
    person_id: int | None = connection.execute(
        select(_people.c.id)
        .join(_phones, _phones.c.person_id == _people.c.id)
        .where(
            _phones.c.phone_index == index,
            _people.c.name_key == people_rules.name_key(name),
            _people.c.merged_into_id.is_(None),
        )
        .order_by(_people.c.id)
        .limit(1)
    ).scalar()
    if person_id is None:
        person_id = _new_person(deed, name, number, index)
    if connection.execute(select(1).where(_volunteers.c.person_id == person_id)).first() is None:
        _new_volunteer(deed, shift, person_id, name, number)
    return person_id


def _new_person(deed: Deed, name: str, number: str, index: str) -> int:
    connection = db.connection()
    pinyin, initials = people_rules.pinyin_keys(name)
    person_id: int = connection.execute(
        insert(_people).returning(_people.c.id),
        {
            "public_id": new_public_id(),
            "name": name,
            "name_key": people_rules.name_key(name),
            "pinyin_key": pinyin,
            "initials_key": initials,
            "version": 1,
            "is_invented": False,
            "created_at": deed.now,
        },
    ).scalar_one()
    connection.execute(
        insert(_phones).inline(),
        {
            "person_id": person_id,
            "phone": crypto.encrypt(number),
            "phone_index": index,
            "phone_tail": number[-4:],
            "position": 0,
            "verified_at": None,
        },
    )
    return person_id


def _new_volunteer(deed: Deed, shift: DayShift, person_id: int, name: str, number: str) -> None:
    db.connection().execute(
        insert(_volunteers).inline(),
        {
            "public_id": new_public_id(),
            "person_id": person_id,
            "name": name,
            "pinyin_key": people_rules.pinyin_keys(name)[0],
            "phone_tail": number[-4:],
            "state": VolunteerState.APPLIED,
            "society": Society.VOLUNTEER,
            "area_id": shift.area_id,
            "area_path": shift.area_path,
            "age_group": AgeGroup.ADULT,
            "applied_at": deed.now,
            "version": 1,
        },
    )


def _first_broken(shift: DayShift, person_id: int) -> LinliError | None:
    """The first rule against this person at this shift; who is there already needs no skill and no forecast."""
    connection = db.connection()
    v = _volunteers.c
    row = connection.execute(select(v.id, v.state, v.age_group).where(v.person_id == person_id)).one_or_none()
    if row is None or row.state not in _MAY_HELP:
        return RuleBroken("not_a_volunteer")
    if shift.adults_only and row.age_group is not AgeGroup.ADULT:
        return RuleBroken("adults_only")
    if shift.handles_household_data:
        pledged = connection.execute(
            select(1).where(_pledges.c.volunteer_id == row.id, _pledges.c.kind == PledgeKind.CONFIDENTIALITY)
        ).first()
        if pledged is None:
            return RuleBroken("pledge_missing")
    c = _commitments.c
    near = connection.execute(
        select(c.starts_at, c.ends_at, c.kind, c.reference_id, _signups.c.shift_id)
        .select_from(_commitments.outerjoin(_signups, _signups.c.id == c.reference_id))
        .where(
            c.person_id == person_id,
            c.ends_at > shift.starts_at - rules.DAY * (rules.MOST_DAYS_IN_A_ROW + 1),
            c.starts_at < shift.ends_at + rules.DAY * (rules.MOST_DAYS_IN_A_ROW + 1),
        )
    )
    taken = [
        Stretch(each.starts_at, each.ends_at, clock.day(each.starts_at))
        for each in near
        if not (each.kind is CommitmentKind.SHIFT and each.shift_id == shift.id)
    ]
    try:
        rules.ensure_time_allows(Stretch(shift.starts_at, shift.ends_at, shift.day), taken)
    except RuleBroken as broken:
        return broken
    return None


def _signup(deed: Deed, shift: DayShift, person_id: int, *, typed: str, is_against: bool) -> tuple[int, bool]:
    """The place of a walk-in, new or from the queue; and whether it was counted already.

    `typed` is the reason of who may override; it is kept only where a rule stands against the place.
    """
    reason = typed if is_against else ""
    connection = db.connection()
    live = connection.execute(
        select(_signups.c.id, _signups.c.state).where(
            _signups.c.shift_id == shift.id,
            _signups.c.person_id == person_id,
            _signups.c.state.in_(sorted(LIVE)),
        )
    ).one_or_none()
    if live is not None and live.state is SignupState.PLACED:
        raise Conflict("already_on_shift")
    holds = live is not None and live.state is SignupState.OFFERED
    if not holds and shift.taken_count >= shift.maximum_count:
        if not typed or shift.maximum_count >= rules.MOST_PLACES:
            raise RuleBroken("shift_full")
        reason = typed
        connection.execute(
            update(_shifts).where(_shifts.c.id == shift.id).values(maximum_count=_shifts.c.maximum_count + 1)
        )
    facts: dict[str, Any] = {
        "state": SignupState.PLACED,
        "source": SignupSource.WALK_IN,
        "override_reason": reason or None,
        "overridden_by": name_of(deed) if reason else None,
        "confirmed_at": deed.now,
        "accept_by": None,
        "waiting_since": None,
    }
    if live is None:
        new = {"public_id": new_public_id(), "shift_id": shift.id, "person_id": person_id}
        signup_id: int = connection.execute(
            insert(_signups).returning(_signups.c.id), new | facts | {"created_at": deed.now}
        ).scalar_one()
        return signup_id, False
    connection.execute(update(_signups).where(_signups.c.id == live.id).values(**facts))
    if live.state is SignupState.WAITING:
        connection.execute(
            update(_shifts).where(_shifts.c.id == shift.id).values(waiting_count=_shifts.c.waiting_count - 1)
        )
    return int(live.id), holds


def _commit(shift: DayShift, person_id: int, signup_id: int) -> None:
    connection = db.connection()
    connection.execute(
        delete(_commitments).where(
            _commitments.c.kind == CommitmentKind.SHIFT, _commitments.c.reference_id == signup_id
        )
    )
    connection.execute(
        insert(_commitments).inline(),
        {
            "person_id": person_id,
            "starts_at": shift.starts_at,
            "ends_at": shift.ends_at,
            "kind": CommitmentKind.SHIFT,
            "reference_id": signup_id,
        },
    )
