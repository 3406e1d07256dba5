"""Reads of areas, levels, zones and rule sets."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, exists, func, select, tuple_

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, one_of, reading, values_of, within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.base.prepared import Prepared
from webapp.base.remembered import Remembered
from webapp.domain.areas import rules
from webapp.domain.areas.models import Area, AreaLevel, RuleSet, Zone, ZoneClass

PAGE = 50
# More levels than any county has: county, town, community, and four kinds of grid.
DEEPEST = 12

_areas: Any = Area.__table__
_levels: Any = AreaLevel.__table__
_sets: Any = RuleSet.__table__
_classes: Any = ZoneClass.__table__
_zones: Any = Zone.__table__

# Who may look at areas; a building lead and a grid worker are asked about doors, not about zones.
_SEEN_BY = (Permission.AREA_SEE, Permission.HOUSEHOLD_LIST, Permission.STAFF_MANAGE)


@dataclass(frozen=True)
class ZoneNow:
    """The zone class that holds at a place: since when, by which notice, set for which area."""

    class_code: str
    rank: int
    name_zh: str
    name_en: str
    means_zh: str
    means_en: str
    started_at: datetime
    reason: str
    notice: str
    area_name: str
    rule_set_zh: str
    rule_set_en: str

    def name(self, language: str) -> str:
        """The class in the reader's language."""
        return self.name_zh if language.startswith("zh") else self.name_en

    def means(self, language: str) -> str:
        """What it means today, in plain words in the reader's language."""
        return self.means_zh if language.startswith("zh") else self.means_en


@dataclass(frozen=True)
class Place:
    """What a page, a message or a sheet says about where it stands; empty above all known areas."""

    path: str
    community_name: str | None
    community_name_en: str | None
    community_path: str | None
    community_id: int | None
    area_name: str | None
    unit_line: str | None
    hotline: str | None
    building_word: str
    is_exercise: bool
    zone: ZoneNow | None

    def community(self, language: str) -> str | None:
        """The community as the reader's language calls it; the Chinese name where there is no other."""
        return (
            self.community_name
            if language.startswith("zh")
            else self.community_name_en or self.community_name
        )


NOWHERE = Place(
    path="",
    community_name=None,
    community_name_en=None,
    community_path=None,
    community_id=None,
    area_name=None,
    unit_line=None,
    hotline=None,
    building_word=rules.DEFAULT_BUILDING_WORD,
    is_exercise=True,
    zone=None,
)

_in_force = exists(select(1).where(_sets.c.enabled_at.is_not(None))).label("is_in_force")
# The area and all above it, each with its own open zone: one statement, built once, by unique paths.
_ancestors = (
    select(
        _areas.c.id,
        _areas.c.path,
        _areas.c.name,
        _areas.c.name_en,
        _areas.c.level,
        _areas.c.office_name,
        _areas.c.hotline_phone,
        _areas.c.building_word,
        _zones.c.started_at,
        _zones.c.reason,
        _zones.c.notice,
        _classes.c.code,
        _classes.c.rank,
        _classes.c.name_zh.label("class_zh"),
        _classes.c.name_en.label("class_en"),
        _classes.c.means_zh,
        _classes.c.means_en,
        _sets.c.name_zh.label("set_zh"),
        _sets.c.name_en.label("set_en"),
        _in_force,
    )
    .select_from(
        _areas.outerjoin(_zones, and_(_zones.c.area_id == _areas.c.id, _zones.c.ended_at.is_(None)))
        .outerjoin(_classes, _classes.c.id == _zones.c.zone_class_id)
        .outerjoin(_sets, _sets.c.id == _classes.c.rule_set_id)
    )
    .where(one_of(_areas.c.path, "path", DEEPEST))
    .order_by(_areas.c.path)
)

_ancestors_prepared = Prepared(_ancestors)


def get_place(path: str) -> Place:
    """The place of an area path: what its communities and offices are called, its zone.

    One statement, and for a page at most some seconds old.
    """
    return _places.get(path)


def forget_places() -> None:
    """Areas or zones have changed: pages of this process ask anew."""
    _places.forget()


@reading
def _load_place(path: str) -> Place:
    rows = _ancestors_prepared.all(values_of("path", rules.ancestor_paths(path), DEEPEST))
    if not rows:
        return _nowhere()
    return _place(path, rows)


_places = Remembered(_load_place)


def _nowhere() -> Place:
    """Above all communities; where one county is served, its hotline is the number to call."""
    roots = select(_areas.c.hotline_phone).where(_areas.c.parent_id.is_(None)).order_by(_areas.c.id).limit(2)
    phones = db.connection().execute(roots).scalars().all()
    return replace(NOWHERE, hotline=phones[0] if len(phones) == 1 else None, is_exercise=is_exercise())


def _place(path: str, rows: Any) -> Place:
    nearest = list(reversed(rows))
    community = next((row for row in nearest if row.level == "community"), None)
    zoned = next((row for row in nearest if row.started_at is not None), None)
    return Place(
        path=path,
        community_name=rules.short_name(community.name) if community else None,
        community_name_en=community.name_en if community else None,
        community_path=community.path if community else None,
        community_id=community.id if community else None,
        area_name=nearest[0].name,
        unit_line=next((row.office_name for row in nearest if row.office_name), None)
        or "".join(row.name for row in rows if row.level in {"county", "town", "community"}),
        hotline=next((row.hotline_phone for row in nearest if row.hotline_phone), None),
        building_word=next((row.building_word for row in nearest if row.building_word), None)
        or rules.DEFAULT_BUILDING_WORD,
        is_exercise=not rows[0].is_in_force,
        zone=None if zoned is None else _zone(zoned),
    )


def _zone(row: Any) -> ZoneNow:
    return ZoneNow(
        class_code=row.code,
        rank=row.rank,
        name_zh=row.class_zh,
        name_en=row.class_en,
        means_zh=row.means_zh,
        means_en=row.means_en,
        started_at=row.started_at,
        reason=row.reason,
        notice=row.notice,
        area_name=row.name,
        rule_set_zh=row.set_zh,
        rule_set_en=row.set_en,
    )


@reading
def is_exercise() -> bool:
    """Whether no authority has enabled a rule set yet: every page then says 演练."""
    return not db.connection().execute(select(_in_force)).scalar_one()


# --- the area pages -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AreaRow:
    """One area of a list, with the zone class set for it itself, if any."""

    public_id: str
    name: str
    name_en: str | None
    level_zh: str
    level_en: str
    zone_zh: str | None
    zone_en: str | None
    zone_rank: int | None
    zone_started_at: datetime | None


@dataclass(frozen=True)
class AreaPage:
    """A page of areas and the public id after which the next begins."""

    rows: tuple[AreaRow, ...]
    after: str | None


@dataclass(frozen=True)
class ZoneLine:
    """One line of an area's zone history."""

    name_zh: str
    name_en: str
    rank: int
    started_at: datetime
    ended_at: datetime | None
    reason: str
    notice: str


@dataclass(frozen=True)
class ClassChoice:
    """A zone class that can be chosen."""

    id: int
    code: str
    name_zh: str
    name_en: str
    means_zh: str
    means_en: str
    rule_set_zh: str
    rule_set_en: str


@dataclass(frozen=True)
class AreaView:
    """An area with what a head needs on its page."""

    id: int
    public_id: str
    code: str
    name: str
    name_en: str | None
    path: str
    level: str
    level_zh: str
    level_en: str
    parent_public_id: str | None
    parent_name: str | None
    parent_name_en: str | None


def _visible_to(actor: Actor) -> Any:
    """The areas that an actor may look at: those of the appointments and all below."""
    paths = {path for permission in _SEEN_BY for path in actor.paths(permission)}
    return within(_areas.c.path, *sorted(paths))


@reading
def get_area(*, actor: Actor, public_id: str) -> AreaView:
    """One area; NotFound when it is missing or outside the actor's areas."""
    parent: Any = _areas.alias("parent")
    row = (
        db.connection()
        .execute(
            select(
                _areas.c.id,
                _areas.c.public_id,
                _areas.c.code,
                _areas.c.name,
                _areas.c.name_en,
                _areas.c.path,
                _areas.c.level,
                _levels.c.name_zh.label("level_zh"),
                _levels.c.name_en.label("level_en"),
                parent.c.public_id.label("parent_public_id"),
                parent.c.name.label("parent_name"),
                parent.c.name_en.label("parent_name_en"),
                parent.c.path.label("parent_path"),
            )
            .select_from(
                _areas.join(_levels, _levels.c.code == _areas.c.level).outerjoin(
                    parent, parent.c.id == _areas.c.parent_id
                )
            )
            .where(_areas.c.public_id == public_id, _visible_to(actor))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    sees_parent = row.parent_path is not None and any(
        row.parent_path.startswith(path) for permission in _SEEN_BY for path in actor.paths(permission)
    )
    return AreaView(
        id=row.id,
        public_id=row.public_id,
        code=row.code,
        name=row.name,
        name_en=row.name_en,
        path=row.path,
        level=row.level,
        level_zh=row.level_zh,
        level_en=row.level_en,
        parent_public_id=row.parent_public_id if sees_parent else None,
        parent_name=row.parent_name if sees_parent else None,
        parent_name_en=row.parent_name_en if sees_parent else None,
    )


def _area_rows() -> Select[Any]:
    return select(
        _areas.c.id,
        _areas.c.public_id,
        _areas.c.name,
        _areas.c.name_en,
        _areas.c.sort_key,
        _levels.c.name_zh.label("level_zh"),
        _levels.c.name_en.label("level_en"),
        _classes.c.name_zh.label("zone_zh"),
        _classes.c.name_en.label("zone_en"),
        _classes.c.rank.label("zone_rank"),
        _zones.c.started_at,
    ).select_from(
        _areas.join(_levels, _levels.c.code == _areas.c.level)
        .outerjoin(_zones, and_(_zones.c.area_id == _areas.c.id, _zones.c.ended_at.is_(None)))
        .outerjoin(_classes, _classes.c.id == _zones.c.zone_class_id)
    )


def _page(statement: Select[Any], limit: int) -> AreaPage:
    rows = db.connection().execute(statement.limit(limit + 1)).all()
    return AreaPage(
        rows=tuple(
            AreaRow(
                public_id=row.public_id,
                name=row.name,
                name_en=row.name_en,
                level_zh=row.level_zh,
                level_en=row.level_en,
                zone_zh=row.zone_zh,
                zone_en=row.zone_en,
                zone_rank=row.zone_rank,
                zone_started_at=row.started_at,
            )
            for row in rows[:limit]
        ),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
    )


@reading
def list_own_areas(*, actor: Actor) -> AreaPage:
    """The areas at which the actor holds an appointment that shows areas."""
    paths = sorted({path for permission in _SEEN_BY for path in actor.paths(permission)})
    return _page(_area_rows().where(_areas.c.path.in_(paths or [""])).order_by(_areas.c.path), PAGE)


@reading
def list_below(*, actor: Actor, area: AreaView, after: str | None = None, limit: int = PAGE) -> AreaPage:
    """The areas one step below, as people count them; `after` is the last public id of the page before."""
    statement = _area_rows().where(_areas.c.parent_id == area.id, _visible_to(actor))
    if after is not None:
        last = _areas.alias("last")
        key = select(last.c.sort_key, last.c.id).where(last.c.public_id == after, last.c.parent_id == area.id)
        found = db.connection().execute(key).one_or_none()
        if found is None:
            raise NotFound
        statement = statement.where(tuple_(_areas.c.sort_key, _areas.c.id) > tuple_(*found))
    return _page(statement.order_by(_areas.c.sort_key, _areas.c.id), limit)


@reading
def list_zones(*, area: AreaView) -> tuple[ZoneLine, ...]:
    """The zone history of an area that the actor has loaded, newest first."""
    rows = db.connection().execute(
        select(
            _classes.c.name_zh,
            _classes.c.name_en,
            _classes.c.rank,
            _zones.c.started_at,
            _zones.c.ended_at,
            _zones.c.reason,
            _zones.c.notice,
        )
        .join(_classes, _classes.c.id == _zones.c.zone_class_id)
        .where(_zones.c.area_id == area.id)
        .order_by(_zones.c.started_at.desc(), _zones.c.id.desc())
        .limit(100)
    )
    return tuple(ZoneLine(*row) for row in rows)


@reading
def list_zone_classes() -> tuple[ClassChoice, ...]:
    """All zone classes, strictest first; of enabled rule sets only, once an authority has enabled one."""
    enabled = select(_sets.c.id).where(_sets.c.enabled_at.is_not(None))
    rows = db.connection().execute(
        select(
            _classes.c.id,
            _classes.c.code,
            _classes.c.name_zh,
            _classes.c.name_en,
            _classes.c.means_zh,
            _classes.c.means_en,
            _sets.c.name_zh.label("set_zh"),
            _sets.c.name_en.label("set_en"),
        )
        .join(_sets, _sets.c.id == _classes.c.rule_set_id)
        .where(_sets.c.id.in_(enabled) | ~exists(enabled))
        .order_by(_sets.c.valid_from, _classes.c.rank.desc())
    )
    return tuple(ClassChoice(*row) for row in rows)


@reading
def find_for_zone(*, actor: Actor, public_id: str) -> Any:
    """The row of an area whose zone is to change; NotFound outside, NotAllowed without the right."""
    row = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.path, _areas.c.name)
            .where(_areas.c.public_id == public_id, _visible_to(actor))
            .with_for_update()
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    if not actor.can(Permission.ZONE_CHANGE, row.path):
        raise NotAllowed
    return row


_strictest = (
    select(func.max(_classes.c.rank))
    .where(_classes.c.rule_set_id == _sets.c.id)
    .correlate(_sets)
    .scalar_subquery()
)
# Every area with a zone of its own, and whether that is the strictest class; parameter: now.
zoned = (
    select(_areas.c.path, case((_classes.c.rank == _strictest, 1), else_=0).label("is_sealed"))
    .select_from(
        _zones.join(_classes, _classes.c.id == _zones.c.zone_class_id)
        .join(_sets, _sets.c.id == _classes.c.rule_set_id)
        .join(_areas, _areas.c.id == _zones.c.area_id)
    )
    .where(_zones.c.ended_at.is_(None), _zones.c.started_at <= bindparam("now", type_=UtcDateTime))
)
_zoned_prepared = Prepared(zoned)


@reading
def sealed_paths(now: datetime) -> tuple[str, ...]:
    """The areas that are sealed now (the strictest class of their rule set), for `rules.side_of`."""
    return rules.cordons((row.path, bool(row.is_sealed)) for row in _zoned_prepared.all({"now": now}))
