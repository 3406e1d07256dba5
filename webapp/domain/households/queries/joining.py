"""Reads for joining a household, and for those who confirm. Nothing here tells a resident who lives where."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, literal, select, tuple_

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, reading, within
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.base.permissions import Permission
from webapp.domain.accounts.models import User
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths, building_key, short_name
from webapp.domain.households import rules
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.households.queries.listing import LIVE_MEMBERS, door_text
from webapp.domain.households.rules.doors import ReadDoor, read_door
from webapp.domain.people.models import Person, PersonPhone

PAGE = 30

_areas: Any = Area.__table__
_doors: Any = Door.__table__
_households: Any = Household.__table__
_members: Any = Member.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_users: Any = User.__table__


# --- for the resident ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CommunityChoice:
    """A community to choose, with its town in front."""

    public_id: str
    name: str


@dataclass(frozen=True)
class JoinPlace:
    """Where somebody wants to join: the community, and the building where a poster named it."""

    community_id: int
    community_public_id: str
    community_name: str
    community_path: str
    building_public_id: str | None


@reading
def list_communities() -> tuple[CommunityChoice, ...]:
    """Every community, by town."""
    town: Any = _areas.alias("town")
    rows = db.connection().execute(
        select(_areas.c.public_id, _areas.c.name, town.c.name.label("town"))
        .select_from(_areas.outerjoin(town, town.c.id == _areas.c.parent_id))
        .where(_areas.c.level == "community")
        .order_by(_areas.c.path)
    )
    return tuple(
        CommunityChoice(row.public_id, " ".join(filter(None, (row.town, short_name(row.name)))))
        for row in rows
    )


@reading
def get_join_place(*, public_id: str) -> JoinPlace | None:
    """The community of an area, and the area itself where it is a building; None for an unknown one."""
    connection = db.connection()
    area = connection.execute(
        select(_areas.c.path, _areas.c.level, _areas.c.public_id).where(_areas.c.public_id == public_id)
    ).one_or_none()
    if area is None:
        return None
    community = connection.execute(
        select(_areas.c.id, _areas.c.public_id, _areas.c.name, _areas.c.path).where(
            _areas.c.path.in_(ancestor_paths(area.path)), _areas.c.level == "community"
        )
    ).one_or_none()
    if community is None:
        return None
    return JoinPlace(
        community_id=community.id,
        community_public_id=community.public_id,
        community_name=short_name(community.name),
        community_path=community.path,
        building_public_id=area.public_id if area.level == "building" else None,
    )


@reading
def list_door_parts(*, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stairwells and the door numbers that occur below a path, each once, as people count them."""
    rows = (
        db.connection()
        .execute(
            select(_doors.c.unit, _doors.c.number, _doors.c.floor)
            .distinct()
            .join(_areas, _areas.c.id == _doors.c.building_id)
            .where(within(_areas.c.path, path))
        )
        .all()
    )
    units = sorted({row.unit for row in rows}, key=lambda unit: unit.zfill(4))
    numbers = sorted({(row.floor or 0, row.number.zfill(8), row.number) for row in rows})
    return tuple(units), tuple(dict.fromkeys(number for _floor, _key, number in numbers))


@reading
def find_building(*, path: str, public_id: str) -> Any:
    """The building with this public id at or below the path; raises RuleBroken("building_unknown")."""
    row = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.path, _areas.c.name).where(
                _areas.c.public_id == public_id, _areas.c.level == "building", within(_areas.c.path, path)
            )
        )
        .one_or_none()
    )
    if row is None:
        raise RuleBroken("building_unknown", field="building")
    return row


@reading
def find_door(*, building_id: int, unit: str, number: str, for_update: bool = False) -> Any:
    """The door, or None."""
    statement = select(_doors).where(
        _doors.c.building_id == building_id, _doors.c.unit == unit, _doors.c.number == number
    )
    return db.connection().execute(statement.with_for_update() if for_update else statement).one_or_none()


@dataclass(frozen=True)
class OwnMembership:
    """A home that a person belongs to or waits for."""

    household_id: int
    household_public_id: str
    member_state: MemberState
    door_id: int | None
    area_id: int
    stated_door: str | None


@reading
def list_memberships(*, person_id: int) -> tuple[OwnMembership, ...]:
    """The live memberships of a person, for a service that knows whose they are."""
    rows = db.connection().execute(
        select(
            _households.c.id,
            _households.c.public_id,
            _members.c.state,
            _households.c.door_id,
            _households.c.area_id,
            _households.c.stated_door,
        )
        .join(_members, _members.c.household_id == _households.c.id)
        .where(
            _members.c.person_id == person_id,
            _members.c.state.in_([MemberState.WAITING, MemberState.CONFIRMED]),
            _households.c.state.in_([HouseholdState.LISTED, HouseholdState.STATED]),
        )
    )
    return tuple(OwnMembership(*row) for row in rows)


@dataclass(frozen=True)
class Refusal:
    """A home that was not confirmed, and why."""

    door_text: str
    reason: str
    decided_at: datetime


@reading
def list_refusals(*, actor: Actor, since: datetime) -> tuple[Refusal, ...]:
    """What the signed-in person was refused since the instant, newest first."""
    if actor.person_id is None:
        return ()
    rows = db.connection().execute(
        select(
            _areas.c.name.label("building"),
            _areas.c.level,
            _households.c.stated_door,
            _households.c.split_no,
            _doors.c.unit,
            _doors.c.number,
            _members.c.reason,
            _members.c.decided_at,
        )
        .select_from(
            _members.join(_households, _households.c.id == _members.c.household_id)
            .join(_areas, _areas.c.id == _households.c.area_id)
            .outerjoin(_doors, _doors.c.id == _households.c.door_id)
        )
        .where(
            _members.c.person_id == actor.person_id,
            _members.c.state == MemberState.REFUSED,
            _members.c.decided_at >= since,
        )
        .order_by(_members.c.decided_at.desc())
        .limit(5)
    )
    return tuple(Refusal(door_text(row), row.reason or "", row.decided_at) for row in rows)


# --- for those who confirm ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """A household that somebody stated and nobody has decided yet 待核实."""

    id: int
    public_id: str
    created_at: datetime
    area_id: int
    area_path: str
    compound: str | None
    door_text: str
    door_id: int | None
    person_id: int
    name: str
    phone: str | None
    is_phone_in_list: bool


@dataclass(frozen=True)
class WaitingPage:
    """A page of waiting households, oldest first."""

    rows: tuple[Waiting, ...]
    after: str | None


@dataclass(frozen=True)
class ListedHousehold:
    """What the office's list says at a door: names only, for staff of the area."""

    public_id: str
    door_text: str
    names: tuple[str, ...]


_compound: Any = _areas.alias("compound")
_listed: Any = _households.alias("listed")
_listed_members: Any = _members.alias("listed_members")
_is_phone_in_list = exists(
    select(1)
    .select_from(
        _listed.join(_listed_members, _listed_members.c.household_id == _listed.c.id).join(
            _phones, _phones.c.person_id == _listed_members.c.person_id
        )
    )
    .where(
        _listed.c.door_id == _households.c.door_id,
        _listed.c.state == HouseholdState.LISTED,
        _listed_members.c.state.in_(LIVE_MEMBERS),
        _phones.c.phone_index == _users.c.phone_index,
    )
    .correlate(_households, _users)
)
_waiting = select(
    _households.c.id,
    _households.c.public_id,
    _households.c.created_at,
    _households.c.state,
    _households.c.area_id,
    _households.c.area_path,
    _households.c.door_id,
    _households.c.split_no,
    _households.c.stated_door,
    _areas.c.name.label("building"),
    _areas.c.level,
    _compound.c.name.label("compound"),
    _doors.c.unit,
    _doors.c.number,
    _people.c.id.label("person_id"),
    _people.c.name,
    _users.c.phone,
    _is_phone_in_list.label("is_phone_in_list"),
).select_from(
    _households.join(_members, _members.c.household_id == _households.c.id)
    .join(_people, _people.c.id == _members.c.person_id)
    .join(_areas, _areas.c.id == _households.c.area_id)
    .outerjoin(_compound, and_(_compound.c.id == _areas.c.parent_id, _compound.c.level == "compound"))
    .outerjoin(_doors, _doors.c.id == _households.c.door_id)
    .outerjoin(_users, _users.c.person_id == _people.c.id)
)


def _visible_to(actor: Actor) -> Any:
    return within(
        _households.c.area_path,
        *sorted({*actor.paths(Permission.RESIDENCE_CONFIRM), *actor.paths(Permission.HOUSEHOLD_LIST)}),
    )


def _as_waiting(row: Any) -> Waiting:
    return Waiting(
        id=row.id,
        public_id=row.public_id,
        created_at=row.created_at,
        area_id=row.area_id,
        area_path=row.area_path,
        compound=row.compound,
        door_text=door_text(row),
        door_id=row.door_id,
        person_id=row.person_id,
        name=row.name,
        phone=crypto.decrypt(row.phone) if row.phone is not None else None,
        is_phone_in_list=bool(row.is_phone_in_list),
    )


@reading
def list_waiting(*, actor: Actor, after: str | None = None, limit: int = PAGE) -> WaitingPage:
    """Who waits for the actor's confirmation, oldest first; `after` is the last public id of the page before."""
    statement = _waiting.where(
        within(_households.c.area_path, *actor.paths(Permission.RESIDENCE_CONFIRM)),
        _households.c.state == HouseholdState.STATED,
        _members.c.state == MemberState.WAITING,
    )
    if after is not None:
        key = (
            db.connection()
            .execute(
                select(_households.c.created_at, _households.c.id).where(
                    _households.c.public_id == after, _visible_to(actor)
                )
            )
            .one_or_none()
        )
        if key is None:
            raise NotFound
        statement = statement.where(
            tuple_(_households.c.created_at, _households.c.id)
            > tuple_(literal(key.created_at, UtcDateTime), literal(key.id))
        )
    rows = (
        db.connection()
        .execute(statement.order_by(_households.c.created_at, _households.c.id).limit(limit + 1))
        .all()
    )
    return WaitingPage(
        rows=tuple(_as_waiting(row) for row in rows[:limit]),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
    )


@reading
def get_waiting(*, actor: Actor, public_id: str, for_update: bool = False) -> Waiting:
    """One waiting household. NotFound outside the actor's areas, NotAllowed without the right to confirm,
    Conflict("already_decided") when somebody was faster.
    """
    connection = db.connection()
    if for_update:
        connection.execute(
            select(_households.c.id).where(_households.c.public_id == public_id).with_for_update()
        )
    row = connection.execute(
        _waiting.where(_households.c.public_id == public_id, _visible_to(actor)).order_by(_members.c.id)
    ).first()
    if row is None:
        raise NotFound
    if not actor.can(Permission.RESIDENCE_CONFIRM, row.area_path):
        raise NotAllowed
    rules.ensure_undecided(state=row.state)
    return _as_waiting(row)


@reading
def list_listed_at(*, actor: Actor, door_id: int | None) -> tuple[ListedHousehold, ...]:
    """The listed households behind a door in the actor's areas, with the names of the list."""
    if door_id is None:
        return ()
    rows = db.connection().execute(
        select(
            _households.c.public_id,
            _households.c.split_no,
            _households.c.stated_door,
            _areas.c.name.label("building"),
            _areas.c.level,
            _doors.c.unit,
            _doors.c.number,
            _people.c.name,
        )
        .select_from(
            _households.join(_areas, _areas.c.id == _households.c.area_id)
            .join(_doors, _doors.c.id == _households.c.door_id)
            .outerjoin(
                _members,
                and_(_members.c.household_id == _households.c.id, _members.c.state.in_(LIVE_MEMBERS)),
            )
            .outerjoin(_people, _people.c.id == _members.c.person_id)
        )
        .where(
            _households.c.door_id == door_id,
            _households.c.state == HouseholdState.LISTED,
            within(_households.c.area_path, *actor.paths(Permission.RESIDENCE_CONFIRM)),
        )
        .order_by(_households.c.split_no, _members.c.position, _members.c.id)
    )
    found: dict[str, tuple[str, list[str]]] = {}
    for row in rows:
        names = found.setdefault(row.public_id, (door_text(row), []))[1]
        if row.name is not None:
            names.append(row.name)
    return tuple(ListedHousehold(key, text, tuple(names)) for key, (text, names) in found.items())


@dataclass(frozen=True)
class LookedUp:
    """A door that somebody who confirms has looked up; `door_id` is None where the list has no such door."""

    building_id: int
    building_path: str
    building_public_id: str
    read: ReadDoor
    text: str
    door_id: int | None


@reading
def look_up_door(*, actor: Actor, building: str, door: str) -> LookedUp:
    """The door that was written (2-501) in the building that was chosen among the actor's own.

    Raises RuleBroken with the field that was not understood.
    """
    row = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.path, _areas.c.name, _areas.c.public_id).where(
                _areas.c.public_id == building,
                _areas.c.level == "building",
                within(_areas.c.path, *actor.paths(Permission.RESIDENCE_CONFIRM)),
            )
        )
        .one_or_none()
    )
    if row is None:
        raise RuleBroken("door_needed", field="building")
    read = read_door(door, building=row.name)
    if not read.number or (read.building and building_key(read.building) != building_key(row.name)):
        raise RuleBroken("door_needed", field="door")
    found = find_door(building_id=row.id, unit=read.unit, number=read.number)
    return LookedUp(
        building_id=row.id,
        building_path=row.path,
        building_public_id=row.public_id,
        read=read,
        text=rules.door_label(row.name, read.unit, read.number),
        door_id=found.id if found else None,
    )


@reading
def get_listed(*, actor: Actor, public_id: str) -> Any:
    """A listed household into which the actor may confirm somebody, locked; NotFound outside."""
    row = (
        db.connection()
        .execute(
            select(_households.c.id, _households.c.public_id, _households.c.area_path)
            .where(
                _households.c.public_id == public_id,
                _households.c.state == HouseholdState.LISTED,
                within(_households.c.area_path, *actor.paths(Permission.RESIDENCE_CONFIRM)),
            )
            .with_for_update()
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row


@reading
def list_members_to_replace(*, household_id: int, name_key: str) -> tuple[int, ...]:
    """Members of the list with this name and no account: the person who was confirmed takes their place."""
    rows = db.connection().execute(
        select(_members.c.id)
        .select_from(
            _members.join(_people, _people.c.id == _members.c.person_id).outerjoin(
                _users, _users.c.person_id == _people.c.id
            )
        )
        .where(
            _members.c.household_id == household_id,
            _members.c.state == MemberState.LISTED,
            _people.c.name_key == name_key,
            _users.c.id.is_(None),
        )
    )
    return tuple(rows.scalars())
