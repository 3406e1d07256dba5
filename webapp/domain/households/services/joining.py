"""Deeds of belonging: stating where one lives, and confirming or refusing it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from webapp.base import audit, crypto, db, limits, outbox, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, RuleBroken, SignInRequired
from webapp.base.ids import new_public_id
from webapp.domain.accounts.models import User
from webapp.domain.areas.queries import get_place
from webapp.domain.households import rules
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.households.queries import joining as queries
from webapp.domain.households.queries.joining import LookedUp, Waiting
from webapp.domain.households.rules.doors import read_door
from webapp.domain.people.models import Person
from webapp.domain.people.services import ensure_person

_doors: Any = Door.__table__
_households: Any = Household.__table__
_members: Any = Member.__table__
_people: Any = Person.__table__
_users: Any = User.__table__


# --- stating ------------------------------------------------------------------------------------------------


@writing
def state_household(
    *,
    deed: Deed,
    name: str,
    community: str,
    building: str = "",
    unit: str = "",
    number: str = "",
    stated_door: str = "",
) -> str:
    """Say where one lives: a building and door of the list, or in own words when it is not in the list.

    The household is STATED and the member WAITING until somebody confirms. Saying the same door again is the
    same household. Returns the household's public id; raises RuleBroken with the field that is not right.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(claim.object_id)
    if deed.actor.user_id is None:
        raise SignInRequired
    limits.spend(
        key=f"joins:{deed.actor.user_id}", limit=rules.JOINS_PER_DAY, window=timedelta(days=1), now=deed.now
    )
    place = queries.get_join_place(public_id=community)
    if place is None:
        raise RuleBroken("community_missing", field="community")
    area = queries.find_building(path=place.community_path, public_id=building) if building else None
    words = " ".join(stated_door.split())
    if len(words) > rules.STATED_LENGTH:
        raise RuleBroken("text_too_long", field="stated_door", maximum=rules.STATED_LENGTH)
    door = _said_door(area, unit=unit, number=number, words=words)
    name = rules.ensure_name(name)
    person_id = ensure_person(user_id=deed.actor.user_id, name=name, now=deed.now)
    area_id, area_path = (area.id, area.path) if area else (place.community_id, place.community_path)
    memberships = queries.list_memberships(person_id=person_id)
    for known in memberships:
        is_same = known.door_id == door.id if door else (known.area_id, known.stated_door) == (area_id, words)
        if is_same and known.member_state is MemberState.CONFIRMED:
            raise RuleBroken("already_in_household", field="stated_door" if words else "number")
        if is_same:
            requests.settle(claim, outcome="waiting_already", object_id=known.household_id)
            return known.household_public_id
    rules.ensure_can_wait(
        waiting_count=sum(known.member_state is MemberState.WAITING for known in memberships)
    )
    household_id, public_id = _insert_stated(
        deed, area_id=area_id, area_path=area_path, door=door, words=words
    )
    _insert_member(deed, household_id=household_id, person_id=person_id, state=MemberState.WAITING)
    audit.record(
        deed,
        "state_household",
        "household",
        household_id,
        area_path=area_path,
        door_id=door.id if door else None,
        person_id=person_id,
    )
    requests.settle(claim, outcome="stated", object_id=household_id)
    return public_id


def _public_id(household_id: int | None) -> str:
    found: str = (
        db.connection()
        .execute(select(_households.c.public_id).where(_households.c.id == household_id))
        .scalar_one()
    )
    return found


def _said_door(area: Any, *, unit: str, number: str, words: str) -> Any:
    """The door of the list that was chosen, or that the own words name; None where the words name none."""
    if words:
        if area is None:
            return None
        try:
            read = read_door(words, building=area.name)
        except RuleBroken:
            return None
        return queries.find_door(building_id=area.id, unit=read.unit, number=read.number, for_update=True)
    if area is None:
        raise RuleBroken("building_unknown" if number else "home_missing", field="building")
    if not number:
        raise RuleBroken("home_missing", field="number")
    door = queries.find_door(building_id=area.id, unit=unit, number=number, for_update=True)
    if door is None:
        label = rules.door_label(area.name, unit, number)
        raise RuleBroken("door_not_listed", field="stated_door", door=label)
    return door


def _insert_stated(deed: Deed, *, area_id: int, area_path: str, door: Any, words: str) -> tuple[int, str]:
    connection = db.connection()
    split_no = 1
    if door is not None:
        highest = connection.execute(
            select(func.max(_households.c.split_no)).where(_households.c.door_id == door.id)
        ).scalar()
        split_no = max(rules.STATED_SPLIT, (highest or 0) + 1)
    public_id = new_public_id()
    household_id: int = connection.execute(
        _households.insert().returning(_households.c.id),
        {
            "public_id": public_id,
            "area_id": area_id,
            "area_path": area_path,
            "door_id": door.id if door else None,
            "split_no": split_no,
            # Doors that nobody knows come after all others.
            "sort_key": door.sort_key if door else "~",
            "state": HouseholdState.STATED,
            "stated_door": words or None,
            "created_at": deed.now,
        },
    ).scalar_one()
    return household_id, public_id


def _insert_member(deed: Deed, *, household_id: int, person_id: int, state: MemberState) -> None:
    is_decided = state is MemberState.CONFIRMED
    db.connection().execute(
        _members.insert(),
        {
            "public_id": new_public_id(),
            "household_id": household_id,
            "person_id": person_id,
            "state": state,
            "position": 0,
            "joined_at": deed.now,
            "decided_at": deed.now if is_decided else None,
            "decided_by": deed.actor.key if is_decided else None,
        },
    )


# --- deciding -----------------------------------------------------------------------------------------------


def _to_decide(deed: Deed, public_id: str) -> Waiting:
    waiting = queries.get_waiting(actor=deed.actor, public_id=public_id, for_update=True)
    rules.ensure_not_own(person_ids=(waiting.person_id,), actor_person_id=deed.actor.person_id)
    return waiting


def _change_stated(waiting: Waiting, **values: Any) -> None:
    changed = db.connection().execute(
        update(_households)
        .where(_households.c.id == waiting.id, _households.c.state == HouseholdState.STATED)
        .values(**values)
    )
    if changed.rowcount != 1:
        raise Conflict("already_decided")


def _change_members(deed: Deed, waiting: Waiting, state: MemberState, reason: str | None = None) -> None:
    db.connection().execute(
        update(_members)
        .where(_members.c.household_id == waiting.id, _members.c.state == MemberState.WAITING)
        .values(state=state, decided_at=deed.now, decided_by=deed.actor.key, reason=reason)
    )


def _tell(deed: Deed, template: str, waiting: Waiting, *, area_path: str) -> None:
    """Tell the one who waited what was decided; who has no account is told at the door."""
    user = (
        db.connection()
        .execute(select(_users.c.phone, _users.c.language).where(_users.c.person_id == waiting.person_id))
        .one_or_none()
    )
    if user is None:
        return
    place = get_place(area_path)
    outbox.enqueue(
        deed,
        template,
        phone=crypto.decrypt(user.phone),
        language=user.language,
        community=place.community_name,
        hotline=place.hotline,
        door=waiting.door_text,
    )


@writing
def confirm_into(*, deed: Deed, public_id: str, into: str) -> None:
    """The one who waits belongs to a listed household: they become its confirmed member.

    The stated household becomes MERGED into it, and its orders follow. A member of the list with the same name
    and no account gives way to the confirmed one.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    waiting = _to_decide(deed, public_id)
    target = queries.get_listed(actor=deed.actor, public_id=into)
    connection = db.connection()
    person = connection.execute(select(_people.c.name_key).where(_people.c.id == waiting.person_id)).one()
    for member_id in queries.list_members_to_replace(household_id=target.id, name_key=person.name_key):
        connection.execute(
            update(_members)
            .where(_members.c.id == member_id)
            .values(state=MemberState.ENDED, decided_at=deed.now, decided_by=deed.actor.key)
        )
    _change_members(deed, waiting, MemberState.ENDED)
    taken = connection.execute(
        update(_members)
        .where(
            _members.c.household_id == target.id,
            _members.c.person_id == waiting.person_id,
            _members.c.state.in_([MemberState.LISTED, MemberState.WAITING, MemberState.CONFIRMED]),
        )
        .values(state=MemberState.CONFIRMED, decided_at=deed.now, decided_by=deed.actor.key)
    )
    if taken.rowcount == 0:
        _insert_member(deed, household_id=target.id, person_id=waiting.person_id, state=MemberState.CONFIRMED)
    _change_stated(waiting, state=HouseholdState.MERGED, merged_into_id=target.id)
    audit.record(
        deed,
        "confirm_into",
        "household",
        waiting.id,
        area_path=target.area_path,
        into=target.id,
        person_id=waiting.person_id,
    )
    _tell(deed, "confirmed", waiting, area_path=target.area_path)
    requests.settle(claim, outcome="confirmed", object_id=target.id)


@writing
def confirm_own(*, deed: Deed, public_id: str, building: str = "", door: str = "") -> None:
    """The one who waits is a household of its own, at the stated door or at the one that is given.

    A door that is not in the list yet is added to it.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    waiting = _to_decide(deed, public_id)
    connection = db.connection()
    if building or door or waiting.door_id is None:
        looked_up = queries.look_up_door(actor=deed.actor, building=building, door=door)
        found = _put_door(looked_up)
        area_id, area_path = looked_up.building_id, looked_up.building_path
    else:
        found = connection.execute(
            select(_doors).where(_doors.c.id == waiting.door_id).with_for_update()
        ).one()
        area_id, area_path = waiting.area_id, waiting.area_path
    taken = set(
        connection.execute(select(_households.c.split_no).where(_households.c.door_id == found.id)).scalars()
    )
    split_no = next(number for number in range(1, len(taken) + 2) if number not in taken)
    _change_stated(
        waiting,
        state=HouseholdState.LISTED,
        door_id=found.id,
        split_no=split_no,
        area_id=area_id,
        area_path=area_path,
        sort_key=found.sort_key,
    )
    _change_members(deed, waiting, MemberState.CONFIRMED)
    audit.record(
        deed,
        "confirm_own",
        "household",
        waiting.id,
        area_path=area_path,
        door_id=found.id,
        person_id=waiting.person_id,
    )
    _tell(deed, "confirmed", waiting, area_path=area_path)
    requests.settle(claim, outcome="confirmed", object_id=waiting.id)


def _put_door(looked_up: LookedUp) -> Any:
    read = looked_up.read
    if looked_up.door_id is None:
        db.connection().execute(
            _doors.insert(),
            {
                "public_id": new_public_id(),
                "building_id": looked_up.building_id,
                "unit": read.unit,
                "floor": read.floor,
                "number": read.number,
                "sort_key": rules.door_sort_key(read.unit, read.floor, read.number),
            },
        )
    return queries.find_door(
        building_id=looked_up.building_id, unit=read.unit, number=read.number, for_update=True
    )


@writing
def refuse(*, deed: Deed, public_id: str, reason: str) -> None:
    """The one who waits does not live there; they read the reason."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    waiting = _to_decide(deed, public_id)
    reason = rules.ensure_refusal_reason(reason)
    _change_stated(waiting, state=HouseholdState.REFUSED)
    _change_members(deed, waiting, MemberState.REFUSED, reason)
    audit.record(
        replace(deed, reason=reason),
        "refuse_residence",
        "household",
        waiting.id,
        area_path=waiting.area_path,
        person_id=waiting.person_id,
    )
    _tell(deed, "refused", waiting, area_path=waiting.area_path)
    requests.settle(claim, outcome="refused", object_id=waiting.id)
