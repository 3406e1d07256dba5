"""Reads of the households of an area for staff: pages by door, search by name, pinyin and door."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import reading, within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import get_place
from webapp.domain.areas.rules import short_name
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.people.models import Person, PersonPhone

PAGE = 50
LIVE_MEMBERS = (MemberState.LISTED, MemberState.WAITING, MemberState.CONFIRMED)
LIVE_HOUSEHOLDS = (HouseholdState.LISTED, HouseholdState.STATED)

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
