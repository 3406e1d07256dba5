"""Reads of the households of an area for staff: pages by door, search by name, pinyin and door."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select, tuple_, union_all

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading, within
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import get_place
from webapp.domain.areas.rules import building_key, short_name
from webapp.domain.households import rules
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.households.rules.doors import read_door
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import mask_phone, name_key

PAGE = 50
BUILDINGS_TO_CHOOSE = 100
LIVE_MEMBERS = (MemberState.LISTED, MemberState.WAITING, MemberState.CONFIRMED)
# Said as what is left out: an index on the state would be chosen for the list, and all its rows sorted.
_GONE_HOUSEHOLDS = (HouseholdState.MERGED, HouseholdState.REFUSED, HouseholdState.CLOSED)

_areas: Any = Area.__table__
_doors: Any = Door.__table__
_households: Any = Household.__table__
_members: Any = Member.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__


@dataclass(frozen=True)
class CommunityRow:
    """A community into which a list is taken."""

    id: int
    code: str
    public_id: str
    name: str
    path: str
    building_word: str


@dataclass(frozen=True)
class MemberRow:
    """A member as staff of the area see them in a list: the name, the first phone masked."""

    name: str
    phone: str | None
    state: MemberState


@dataclass(frozen=True)
class HouseholdRow:
    """A household in a list."""

    public_id: str
    door_text: str
    door_short: str
    compound: str | None
    state: HouseholdState
    delivery_note: str | None
    members: tuple[MemberRow, ...]


@dataclass(frozen=True)
class HouseholdPage:
    """A page of households, the public id after which the next begins, and whether a search has more."""

    rows: tuple[HouseholdRow, ...]
    after: str | None
    has_more: bool = False


def _visible_to(actor: Actor) -> Any:
    return within(_households.c.area_path, *actor.paths(Permission.HOUSEHOLD_LIST))


@reading
def get_community_for_import(*, actor: Actor, code: str) -> CommunityRow:
    """The community of this code; NotFound outside the actor's areas, NotAllowed without the right to import."""
    row = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.code, _areas.c.public_id, _areas.c.name, _areas.c.path).where(
                _areas.c.code == code, _areas.c.level == "community"
            )
        )
        .one_or_none()
    )
    if row is None or not actor.can(Permission.HOUSEHOLD_LIST, row.path):
        raise NotFound("community_unknown")
    if not actor.can(Permission.HOUSEHOLD_IMPORT, row.path):
        raise NotAllowed
    return CommunityRow(
        id=row.id,
        code=row.code,
        public_id=row.public_id,
        name=short_name(row.name),
        path=row.path,
        building_word=get_place(row.path).building_word,
    )


@reading
def list_import_communities(*, actor: Actor) -> tuple[CommunityRow, ...]:
    """The communities into which the actor may take lists."""
    rows = db.connection().execute(
        select(_areas.c.id, _areas.c.code, _areas.c.public_id, _areas.c.name, _areas.c.path)
        .where(
            _areas.c.level == "community", within(_areas.c.path, *actor.paths(Permission.HOUSEHOLD_IMPORT))
        )
        .order_by(_areas.c.path)
    )
    return tuple(
        CommunityRow(row.id, row.code, row.public_id, short_name(row.name), row.path, "") for row in rows
    )


# --- pages --------------------------------------------------------------------------------------------------

_compound: Any = _areas.alias("compound")
_place_columns = (
    _households.c.id,
    _households.c.public_id,
    _households.c.state,
    _households.c.split_no,
    _households.c.stated_door,
    _households.c.delivery_note,
    _areas.c.name.label("building"),
    _areas.c.level,
    _doors.c.unit,
    _doors.c.number,
    _compound.c.name.label("compound"),
)
_placed = (
    _households.join(_areas, _areas.c.id == _households.c.area_id)
    .outerjoin(_doors, _doors.c.id == _households.c.door_id)
    .outerjoin(_compound, and_(_compound.c.id == _areas.c.parent_id, _compound.c.level == "compound"))
)


@reading
def list_households(
    *, actor: Actor, area: str | None = None, after: str | None = None, limit: int = PAGE
) -> HouseholdPage:
    """A page of the actor's households, building by building and floor by floor.

    `area` is the public id of an area to stay in, `after` the public id of the last household of the page
    before; NotFound for either when it is missing or outside. The cost does not grow with the area.
    """
    condition = _visible_to(actor)
    bounds = _bounds(actor=actor, area=area, after=after)
    if area is not None:
        condition = and_(condition, within(_households.c.area_path, bounds.area_path))
    if after is not None:
        key = (bounds.household_path, bounds.sort_key, bounds.id)
        condition = and_(
            condition,
            # Said twice: the first part lets the index begin there, the second is exact.
            _households.c.area_path >= bounds.household_path,
            tuple_(_households.c.area_path, _households.c.sort_key, _households.c.id) > tuple_(*key),
        )
    rows = (
        db.connection()
        .execute(
            select(*_place_columns)
            .select_from(_placed)
            .where(condition, _households.c.state.not_in(_GONE_HOUSEHOLDS))
            .order_by(_households.c.area_path, _households.c.sort_key, _households.c.id)
            .limit(limit + 1)
        )
        .all()
    )
    return HouseholdPage(
        rows=_with_members(rows[:limit]), after=rows[limit - 1].public_id if len(rows) > limit else None
    )


def _bounds(*, actor: Actor, area: str | None, after: str | None) -> Any:
    """Path of the area and key of the household, in one statement; NotFound when one is missing or outside."""
    if area is None and after is None:
        return None
    start = select(
        _areas.c.path.label("area_path"),
        _households.c.area_path.label("household_path"),
        _households.c.sort_key,
        _households.c.id,
    )
    if area is None:
        start = start.select_from(_households.join(_areas, _areas.c.id == _households.c.area_id))
    else:
        start = start.select_from(
            _areas.outerjoin(_households, _households.c.public_id == (after or ""))
        ).where(_areas.c.public_id == area)
    if after is not None:
        start = start.where(_households.c.public_id == after)
    found = db.connection().execute(start).one_or_none()
    if found is None or not all(
        actor.can(Permission.HOUSEHOLD_LIST, path)
        for path in (found.area_path, found.household_path)
        if path is not None
    ):
        raise NotFound
    return found


def _with_members(rows: Any) -> tuple[HouseholdRow, ...]:
    if not rows:
        return ()
    members: dict[int, dict[int, MemberRow]] = {row.id: {} for row in rows}
    found = db.connection().execute(
        select(_members.c.household_id, _members.c.id, _members.c.state, _people.c.name, _phones.c.phone)
        .select_from(
            _members.join(_people, _people.c.id == _members.c.person_id).outerjoin(
                _phones, _phones.c.person_id == _people.c.id
            )
        )
        .where(_members.c.household_id.in_(list(members)), _members.c.state.in_(LIVE_MEMBERS))
        .order_by(_members.c.household_id, _members.c.position, _members.c.id, _phones.c.position)
    )
    for row in found:
        if row.id not in members[row.household_id]:
            phone = mask_phone(crypto.decrypt(row.phone)) if row.phone is not None else None
            members[row.household_id][row.id] = MemberRow(row.name, phone, MemberState(row.state))
    return tuple(
        HouseholdRow(
            public_id=row.public_id,
            door_text=door_text(row),
            door_short=rules.door_short(row.building, row.unit, row.number, split_no=row.split_no)
            if row.number is not None
            else row.stated_door or "",
            compound=row.compound,
            state=HouseholdState(row.state),
            delivery_note=row.delivery_note,
            members=tuple(members[row.id].values()),
        )
        for row in rows
    )


def door_text(row: Any) -> str:
    """A household's door as people say it, or what was stated while nobody knows the door."""
    if row.number is not None:
        return rules.door_label(row.building, row.unit, row.number, split_no=row.split_no)
    return f"{row.building if row.level == 'building' else ''}{row.stated_door or ''}"


@reading
def search_households(*, actor: Actor, text: str, limit: int = PAGE) -> HouseholdPage:
    """Households by the beginning of a name, of its pinyin or initials, or by a door like 3-2-501."""
    text = " ".join(text.split())
    ids = (
        _by_door(actor, text, limit) if any(sign.isdigit() for sign in text) else _by_name(actor, text, limit)
    )
    rows = (
        db.connection()
        .execute(
            select(*_place_columns)
            .select_from(_placed)
            .where(_households.c.id.in_(ids[:limit]))
            .order_by(_households.c.area_path, _households.c.sort_key, _households.c.id)
        )
        .all()
    )
    return HouseholdPage(rows=_with_members(rows), after=None, has_more=len(ids) > limit)


def _by_name(actor: Actor, text: str, limit: int) -> list[int]:
    key = name_key(text)
    if not key:
        return []
    columns = (_people.c.pinyin_key, _people.c.initials_key) if key.isascii() else (_people.c.name_key,)
    parts = [
        select(_households.c.id)
        .select_from(
            _people.join(_members, _members.c.person_id == _people.c.id).join(
                _households, _households.c.id == _members.c.household_id
            )
        )
        .where(
            # A range, not LIKE: the index serves it on both databases, whatever their collation.
            column >= key,
            column < key + "\U0010ffff",
            _members.c.state.in_(LIVE_MEMBERS),
            _households.c.state.not_in(_GONE_HOUSEHOLDS),
            _visible_to(actor),
        )
        .order_by(column)
        .limit(limit + 1)
        .subquery()
        for column in columns
    ]
    found = db.connection().execute(union_all(*(select(part.c.id) for part in parts))).scalars()
    return list(dict.fromkeys(found))


def _by_door(actor: Actor, text: str, limit: int) -> list[int]:
    try:
        door = read_door(text)
    except RuleBroken:
        return []
    condition = and_(_visible_to(actor), _households.c.state.not_in(_GONE_HOUSEHOLDS))
    if door.building:
        wanted = building_key(door.building)
        buildings = db.connection().execute(
            select(_areas.c.id, _areas.c.name).where(
                _areas.c.level == "building", within(_areas.c.path, *actor.paths(Permission.HOUSEHOLD_LIST))
            )
        )
        same = [row.id for row in buildings if building_key(row.name) == wanted]
        condition = and_(condition, _doors.c.building_id.in_(same))
    if door.unit:
        condition = and_(condition, _doors.c.unit == door.unit)
    if door.number:
        condition = and_(condition, _doors.c.number == door.number)
    return list(
        db.connection()
        .execute(
            select(_households.c.id)
            .join(_doors, _doors.c.id == _households.c.door_id)
            .where(condition)
            .order_by(_households.c.area_path, _households.c.sort_key, _households.c.id)
            .limit(limit + 1)
        )
        .scalars()
    )


@dataclass(frozen=True)
class BuildingChoice:
    """A building to choose: its public id and what people call it."""

    public_id: str
    name: str


@reading
def list_buildings(*, path: str) -> tuple[BuildingChoice, ...]:
    """The buildings at or below a path, with the compound's name in front where there is one."""
    return _buildings(path)


def _buildings(*paths: str, limit: int | None = None) -> tuple[BuildingChoice, ...]:
    statement = (
        select(_areas.c.public_id, _areas.c.name, _compound.c.name.label("compound"))
        .select_from(
            _areas.outerjoin(
                _compound, and_(_compound.c.id == _areas.c.parent_id, _compound.c.level == "compound")
            )
        )
        .where(_areas.c.level == "building", within(_areas.c.path, *paths))
        .order_by(_areas.c.path)
    )
    return tuple(
        BuildingChoice(row.public_id, f"{row.compound} {row.name}" if row.compound else row.name)
        for row in db.connection().execute(statement.limit(limit) if limit else statement)
    )


@reading
def list_buildings_to_confirm(*, actor: Actor) -> tuple[BuildingChoice, ...]:
    """The buildings in which the actor may confirm somebody."""
    return _buildings(*actor.paths(Permission.RESIDENCE_CONFIRM))


@reading
def list_own_buildings(*, actor: Actor) -> tuple[BuildingChoice, ...]:
    """The buildings of the actor's areas, for staying in one of them; none where there are too many to choose."""
    found = _buildings(*actor.paths(Permission.HOUSEHOLD_LIST), limit=BUILDINGS_TO_CHOOSE + 1)
    return found if len(found) <= BUILDINGS_TO_CHOOSE else ()
