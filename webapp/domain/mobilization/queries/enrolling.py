"""Who of an area could come into the reserve and does not stand in it yet: its volunteers and its appointed staff."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import reading, within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import short_name
from webapp.domain.mobilization.queries.reserve_person import (
    CALLED_STAFF,
    Standing,
    staff_standing,
    volunteers_standing,
)
from webapp.domain.people.models import Person
from webapp.domain.volunteers.models import Volunteer
from webapp.domain.volunteers.queries.scope import area_paths, can_at

# One page of ticks; whoever has more takes all who fit, or searches in the list of volunteers.
SHOWN = 200

_areas: Any = Area.__table__
_people: Any = Person.__table__
_volunteers: Any = Volunteer.__table__


@dataclass(frozen=True)
class EnrolArea:
    """An area whose people an actor may take into the reserve."""

    id: int
    public_id: str
    code: str
    name: str
    path: str


@dataclass(frozen=True)
class Candidate:
    """Somebody who fits; `person` is the public id of the person."""

    person: str
    standing: Standing


@dataclass(frozen=True)
class Candidates:
    """The first of those who fit, and how many there are."""

    volunteers: tuple[Candidate, ...]
    staff: tuple[Candidate, ...]
    count: int


@reading
def list_enrol_areas(*, actor: Actor) -> tuple[EnrolArea, ...]:
    """The communities whose people the actor may take in, and for a town or county those areas themselves."""
    rows = db.connection().execute(
        select(_areas.c.id, _areas.c.public_id, _areas.c.code, _areas.c.name, _areas.c.path)
        .where(
            _areas.c.level.in_(("county", "town", "community")),
            within(_areas.c.path, *area_paths(actor, Permission.RESERVE_MANAGE)),
        )
        .order_by(_areas.c.path)
    )
    return tuple(EnrolArea(row.id, row.public_id, row.code, short_name(row.name), row.path) for row in rows)


@reading
def find_area(*, actor: Actor, public_id: str = "", code: str = "") -> EnrolArea:
    """An area by public id or code; NotFound outside the actor's areas, NotAllowed without the right to lead there."""
    key = _areas.c.public_id == public_id if public_id else _areas.c.code == code
    row = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.public_id, _areas.c.code, _areas.c.name, _areas.c.path).where(key)
        )
        .one_or_none()
    )
    if row is None or not can_at(actor, Permission.RESERVE_SEE, row.path):
        raise NotFound("community_unknown")
    if not can_at(actor, Permission.RESERVE_MANAGE, row.path):
        raise NotAllowed
    return EnrolArea(row.id, row.public_id, row.code, short_name(row.name), row.path)


@reading
def list_candidates(*, area: EnrolArea, now: datetime, limit: int = SHOWN) -> Candidates:
    """Who fits, of an area that the actor leads: volunteers first, each by pinyin."""
    volunteers = volunteers_standing(within(_volunteers.c.area_path, area.path))
    there = {each.person_id for each in volunteers}
    staff = [
        each
        for each in staff_standing(within(_areas.c.path, area.path), roles=CALLED_STAFF, now=now)
        if each.person_id not in there
    ]
    shown = volunteers[:limit], staff[:limit]
    ids = [each.person_id for some in shown for each in some]
    public = {
        row.id: row.public_id
        for row in db.connection().execute(
            select(_people.c.id, _people.c.public_id).where(_people.c.id.in_(ids))
        )
    }
    found = [tuple(Candidate(public[each.person_id], each) for each in some) for some in shown]
    return Candidates(volunteers=found[0], staff=found[1], count=len(volunteers) + len(staff))


@reading
def all_who_fit(*, path: str, now: datetime, only: Collection[str] | None) -> list[Standing]:
    """Everybody of the area who fits, each once, a volunteer as one; with `only`, of these people (public ids)."""
    chosen = None if only is None else select(_people.c.id).where(_people.c.public_id.in_(sorted(set(only))))
    volunteers = volunteers_standing(
        within(_volunteers.c.area_path, path),
        *(() if chosen is None else (_volunteers.c.person_id.in_(chosen),)),
    )
    staff = staff_standing(
        within(_areas.c.path, path),
        *(() if chosen is None else (_people.c.id.in_(chosen),)),
        roles=CALLED_STAFF,
        now=now,
    )
    found = {each.person_id: each for each in (*staff, *volunteers)}
    return list(found.values())
