"""出队预测 read from the tables: what an area can field, what the areas below it can, and what if a place is sealed."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import func, select

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import reading, within
from webapp.base.errors import NotFound
from webapp.base.permissions import Permission, Role
from webapp.domain.areas.models import Area, AreaLevel
from webapp.domain.areas.rules import ancestor_paths, cordons, side_of
from webapp.domain.mobilization import forecast
from webapp.domain.mobilization.forecast import People, Teams
from webapp.domain.mobilization.models import Reservist
from webapp.domain.mobilization.queries.pool import Pool, PoolPerson, load_pool
from webapp.domain.mobilization.queries.team_types import TypeView, list_team_types
from webapp.domain.mobilization.rules import Readiness
from webapp.domain.volunteers.models import Team
from webapp.domain.volunteers.queries.scope import area_paths, led_teams
from webapp.domain.volunteers.rules import NOON, Availability, Half

MOST_BELOW = 400

_areas: Any = Area.__table__
_levels: Any = AreaLevel.__table__
_reservists: Any = Reservist.__table__
_teams: Any = Team.__table__


@dataclass(frozen=True)
class Place:
    """An area (or, for its lead, a team) of which the forecast is asked."""

    public_id: str
    name: str
    name_en: str | None
    path: str
    level: str
    team_id: int | None = None


@dataclass(frozen=True)
class Counted:
    """Who is counted: all in the reserve, and of those how many cannot come now and why."""

    all: int
    away: int
    resting: int
    limited: int
    taken: int
    said_no: int
    free: int


@dataclass(frozen=True)
class Field:
    """What one kind of team looks like: on the area's own side of the cordon, and inside each sealed place."""

    type: TypeView
    own: Teams
    inside: tuple[tuple[Place, Teams], ...]


@dataclass(frozen=True)
class Below:
    """An area below with its teams now, in the order of the kinds of team: (possible, expected)."""

    place: Place
    now: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Forecast:
    """What an area can field over 72 hours. `sealed` is the place that is taken as sealed, if any; `fields` then
    counts with it and `before` as it is. `rate` is how often people come when asked; None where nobody ever was.
    """

    place: Place
    edges: tuple[datetime, ...]
    counted: Counted
    rate: float | None
    fields: tuple[Field, ...]
    below: tuple[Below, ...]
    sealed: Place | None
    before: tuple[Field, ...]


# --- which areas --------------------------------------------------------------------------------------------


_PLACE = (
    _areas.c.public_id,
    _areas.c.name,
    _areas.c.name_en,
    _areas.c.path,
    _areas.c.level,
)


def _place(row: Any) -> Place:
    return Place(row.public_id, row.name, row.name_en, row.path, row.level)


@reading
def list_own_places(*, actor: Actor) -> tuple[Place, ...]:
    """The areas where the actor sees the reserve; for who only leads teams, those teams."""
    connection = db.connection()
    paths = area_paths(actor, Permission.RESERVE_SEE)
    if paths:
        rows = connection.execute(select(*_PLACE).where(_areas.c.path.in_(paths)).order_by(_areas.c.path))
        return tuple(_place(row) for row in rows)
    rows = connection.execute(
        select(_teams.c.id, _teams.c.public_id, _teams.c.name, _teams.c.name_en, _teams.c.area_path)
        .where(_teams.c.id.in_(led_teams(actor)))
        .order_by(_teams.c.name, _teams.c.id)
    )
    return tuple(
        Place(row.public_id, row.name, row.name_en, row.area_path, Role.TEAM_LEAD, row.id) for row in rows
    )


def _find_place(actor: Actor, public_id: str) -> Place:
    """An area inside the actor's own, or a team that the actor leads; NotFound."""
    for own in list_own_places(actor=actor):
        if own.public_id == public_id:
            return own
    here = within(_areas.c.path, *area_paths(actor, Permission.RESERVE_SEE))
    row = db.connection().execute(select(*_PLACE).where(_areas.c.public_id == public_id, here)).one_or_none()
    if row is None:
        raise NotFound
    return _place(row)


@reading
def list_to_seal(*, place: Place) -> tuple[Place, ...]:
    """What can be taken as sealed in a scenario: communities in a county or town, all that lies in a community."""
    levels = ("town", "community") if place.level in {"county", "town"} else ("grid", "compound", "building")
    rows = db.connection().execute(
        select(*_PLACE)
        .where(within(_areas.c.path, place.path), _areas.c.level.in_(levels), _areas.c.path != place.path)
        .order_by(_areas.c.path)
        .limit(MOST_BELOW)
    )
    return tuple(_place(row) for row in rows)


def _below(place: Place) -> tuple[Place, ...]:
    """The next areas below that have a forecast of their own: towns of a county, communities of a town."""
    rank = select(_levels.c.rank).where(_levels.c.code == place.level).scalar_subquery()
    community = select(_levels.c.rank).where(_levels.c.code == "community").scalar_subquery()
    parent = select(_areas.c.id).where(_areas.c.path == place.path).scalar_subquery()
    rows = db.connection().execute(
        select(*_PLACE)
        .join(_levels, _levels.c.code == _areas.c.level)
        .where(_areas.c.parent_id == parent, rank < community, _levels.c.rank <= community)
        .order_by(_areas.c.sort_key, _areas.c.id)
        .limit(MOST_BELOW)
    )
    return tuple(_place(row) for row in rows)


# --- people as arrays ---------------------------------------------------------------------------------------


class Crowd:
    """The reserve of an area over 72 hours, read once; counted by whatever groups somebody asks for."""

    def __init__(self, pool: Pool, edges: Sequence[datetime], rate: float | None) -> None:
        self.pool = pool
        self.people = list(pool.people.values())
        self.edges = edges
        self.skill_sets = tuple({person.skills: None for person in self.people})
        places = {skills: place for place, skills in enumerate(self.skill_sets)}
        self._sets = np.array([places[person.skills] for person in self.people], dtype=np.int64)
        self._free = self._free_hours()
        self._chance = np.array([_chance(person, rate) for person in self.people], dtype=np.int64)

    def _free_hours(self) -> Any:
        """In which hours each can come: half-days, readiness, being away, and time that is taken."""
        count, hours = len(self.people), len(self.edges) - 1
        free = np.zeros((count, hours), dtype=np.bool_)
        if not count:
            return free
        halves = {half: place for place, half in enumerate(self.pool.halves)}
        half_of = [halves[_half(edge)] for edge in self.edges[:-1]]
        said: dict[tuple[Availability, ...], int] = {}
        lines = np.array([said.setdefault(person.halves, len(said)) for person in self.people])
        can = np.array([[word is not Availability.NOT_AVAILABLE for word in words] for words in said])
        free = can[:, half_of][lines]
        starts = np.array([edge.timestamp() for edge in self.edges[:-1]])
        ends = np.array([edge.timestamp() for edge in self.edges[1:]])
        for number, person in enumerate(self.people):
            if person.readiness is Readiness.RESTING:
                free[number] = False
            elif person.away_until is not None:
                free[number] &= starts >= person.away_until.timestamp()
            if person.is_committed:
                for begins, until in self.pool.taken[person.person_id]:
                    free[number] &= (ends <= begins.timestamp()) | (starts >= until.timestamp())
        return free

    def teams(
        self, types: Sequence[TypeView], group_of: Callable[[PoolPerson], int | None], *, groups: int
    ) -> list[tuple[Teams, ...]]:
        """What each group fields of each kind of team; whoever is in no group (None) is not counted."""
        chosen = [group_of(person) for person in self.people]
        groups_of = np.array([-1 if group is None else group for group in chosen], dtype=np.int64)
        keep = groups_of >= 0
        people = People(
            groups=groups_of[keep],
            sets=self._sets[keep],
            skill_sets=self.skill_sets,
            free=self._free[keep],
            chance=self._chance[keep],
        )
        return [forecast.field_teams(each.needs, people, groups=groups) for each in types]

    def counted(self) -> Counted:
        """Who is counted now, and why others are not."""
        now = self.edges[0]
        found: dict[str, int] = defaultdict(int)
        for person in self.people:
            found["limited"] += person.readiness is Readiness.LIMITED
            if person.readiness is Readiness.RESTING:
                found["resting"] += 1
            elif person.is_away(now):
                found["away"] += 1
            elif person.halves[0] is Availability.NOT_AVAILABLE:
                found["said_no"] += 1
        free = int(self._free[:, 0].sum())
        gone = found["resting"] + found["away"] + found["said_no"]
        return Counted(
            all=len(self.people),
            away=found["away"],
            resting=found["resting"],
            limited=found["limited"],
            taken=len(self.people) - free - gone,
            said_no=found["said_no"],
            free=free,
        )


def _half(at: datetime) -> tuple[date, Half]:
    here = clock.here(at)
    return here.date(), Half.MORNING if here.hour < NOON else Half.AFTERNOON


def _chance(person: PoolPerson, rate: float | None) -> int:
    return forecast.chance_of(
        calls=person.call_count,
        yes=person.yes_count,
        drills=person.drill_count,
        drill_yes=person.drill_yes_count,
        rate=1.0 if rate is None else rate,
    )


def load_crowd(*, tier_path: str, now: datetime, team_id: int | None = None) -> tuple[Crowd, float | None]:
    """The reserve of an area (of one team in it) with its 72 hours, and how often its people come when asked."""
    edges = forecast.hours_from(now)
    pool = load_pool(tier_path=tier_path, starts_at=edges[0], ends_at=edges[-1], now=now)
    if team_id is not None:
        mine = {number: person for number, person in pool.people.items() if person.team_id == team_id}
        pool = replace(pool, people=mine)
    rate = forecast.rate_of(
        (person.call_count, person.yes_count, person.drill_count, person.drill_yes_count)
        for person in pool.people.values()
    )
    return Crowd(pool, edges, rate), rate


# --- the page -----------------------------------------------------------------------------------------------


@reading
def get_forecast(*, actor: Actor, public_id: str, sealed: str | None, now: datetime) -> Forecast:
    """What this area (or team) can field now and in each of the next 72 hours, for all kinds of teams in use.

    `sealed` is the public id of a place inside it that is taken as sealed: who lives there counts as inside, and
    nobody else goes in. NotFound outside the actor's areas and teams.
    """
    place = _find_place(actor, public_id)
    chosen = next((each for each in list_to_seal(place=place) if each.public_id == sealed), None)
    if sealed and chosen is None:
        raise NotFound
    types = list_team_types()
    crowd, rate = load_crowd(tier_path=_tier(place), team_id=place.team_id, now=now)
    cordon = crowd.pool.cordon
    then = cordon if chosen is None else _sealing(cordon, chosen.path)
    return Forecast(
        place=place,
        edges=tuple(crowd.edges),
        counted=crowd.counted(),
        rate=rate,
        fields=_fields(crowd, types, place, then),
        below=() if place.team_id is not None else _fields_below(crowd, types, _below(place), then),
        sealed=chosen,
        before=() if chosen is None else _fields(crowd, types, place, cordon),
    )


def _tier(place: Place) -> str:
    """The area that holds everybody who is counted: a team's members may live beside the team's own area."""
    if place.team_id is None:
        return place.path
    first, last = (
        db.connection()
        .execute(
            select(func.min(_reservists.c.area_path), func.max(_reservists.c.area_path)).where(
                _reservists.c.team_id == place.team_id
            )
        )
        .one()
    )
    shared = [
        both
        for both in zip(ancestor_paths(first or ""), ancestor_paths(last or ""), strict=False)
        if both[0] == both[1]
    ]
    return shared[-1][0] if shared else place.path


def _sealing(cordon: Sequence[str], path: str) -> tuple[str, ...]:
    """The cordon with one more sealed place."""
    known = {each.lstrip("!"): not each.startswith("!") for each in cordon}
    return cordons((known | {path: True}).items())


def _side_finder(cordon: Sequence[str]) -> Callable[[str], str]:
    known: dict[str, str] = {}

    def side(path: str) -> str:
        if path not in known:
            known[path] = side_of(path, cordon)
        return known[path]

    return side


def _fields(
    crowd: Crowd, types: Sequence[TypeView], place: Place, cordon: Sequence[str]
) -> tuple[Field, ...]:
    """The teams of the place's own side, and of each sealed place in it where somebody lives: they work inside only."""
    side = _side_finder(cordon)
    own = side(place.path)
    inside = sorted({side(person.area_path) for person in crowd.people} - {own, ""})
    numbers = {path: number for number, path in enumerate((own, *inside))}
    rows = db.connection().execute(select(*_PLACE).where(_areas.c.path.in_(inside))) if inside else ()
    names = {row.path: _place(row) for row in rows}
    found = crowd.teams(types, lambda person: numbers.get(side(person.area_path)), groups=len(numbers))
    return tuple(
        Field(each, teams[0], tuple((names[path], teams[numbers[path]]) for path in inside))
        for each, teams in zip(types, found, strict=True)
    )


def _fields_below(
    crowd: Crowd, types: Sequence[TypeView], places: Sequence[Place], cordon: Sequence[str]
) -> tuple[Below, ...]:
    if not places:
        return ()
    side = _side_finder(cordon)
    numbers = {place.path: number for number, place in enumerate(places)}
    known: dict[str, int | None] = {}

    def group_of(person: PoolPerson) -> int | None:
        path = person.area_path
        if path not in known:
            above = next((each for each in ancestor_paths(path) if each in numbers), None)
            known[path] = numbers[above] if above is not None and side(path) == side(above) else None
        return known[path]

    found = crowd.teams(types, group_of, groups=len(places))
    return tuple(
        Below(place, tuple((teams[number].now, teams[number].expected_now) for teams in found))
        for number, place in enumerate(places)
    )
