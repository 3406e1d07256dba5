"""Reads of duty rosters 值班: a week of an area, who is there now and tonight, and where nobody is."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, select

from webapp.base import clock, crypto, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths
from webapp.domain.rosters.models import Duty
from webapp.domain.rosters.queries.scope import staff_paths
from webapp.domain.rosters.rules import DUTY_CHANGES, DutyKind, Stretch, is_covered, night_of

_duties: Any = Duty.__table__
_areas: Any = Area.__table__

# The levels that keep a duty roster round the clock.
KEEP_DUTY = ("county", "town", "community")


@dataclass(frozen=True)
class DutyArea:
    """An area with a duty roster; `may_edit` says whether this actor writes in it."""

    id: int
    public_id: str
    path: str
    name: str
    name_en: str | None
    level: str
    may_edit: bool


@dataclass(frozen=True)
class DutyView:
    """Somebody on duty: what, from when to when, who, and the number that answers there."""

    id: int
    public_id: str
    kind: DutyKind
    starts_at: datetime
    ends_at: datetime
    name: str
    phone: str


@dataclass(frozen=True)
class Uncovered:
    """An area where tonight, or for a part of it, nobody is on duty, and for what."""

    public_id: str
    path: str
    name: str
    name_en: str | None
    level: str
    kinds: tuple[DutyKind, ...]


def duty_day(day: date) -> tuple[datetime, datetime]:
    """The 24 hours of a day's duty: from 08:00 to 08:00, as the county's clocks show them."""
    begins = time(DUTY_CHANGES)
    return (
        clock.instant(datetime.combine(day, begins)),
        clock.instant(datetime.combine(day + timedelta(days=1), begins)),
    )


def _visible_to(actor: Actor) -> Any:
    """The areas whose duty numbers the actor may know: the own ones, those below, and those above, whom one calls."""
    paths = sorted(set(actor.paths(Permission.ROSTER_SEE)) | set(actor.paths(Permission.DUTY_EDIT)))
    above = sorted({each for path in paths for each in ancestor_paths(path)})
    return within(_areas.c.path, *paths) | _areas.c.path.in_(above)


@reading
def list_areas(*, actor: Actor) -> tuple[DutyArea, ...]:
    """The areas above and of the actor's own that keep a duty roster, from the widest; not those below."""
    paths = sorted(set(actor.paths(Permission.ROSTER_SEE)) | set(actor.paths(Permission.DUTY_EDIT)))
    near = sorted({each for path in paths for each in ancestor_paths(path)})
    rows = db.connection().execute(
        _area_columns()
        .where(_areas.c.path.in_(near), is_any(_areas.c.level, *KEEP_DUTY))
        .order_by(_areas.c.path)
    )
    return tuple(_area(actor, row) for row in rows)


@reading
def get_area(*, actor: Actor, public_id: str | None) -> DutyArea:
    """The area whose duty roster is asked for, by default the actor's own; NotFound where there is none to see."""
    if public_id is None:
        own = list_areas(actor=actor)
        mine = [area for area in own if area.may_edit]
        if not own:
            raise NotFound
        return mine[0] if mine else own[-1]
    row = (
        db.connection()
        .execute(
            _area_columns().where(
                _areas.c.public_id == public_id, is_any(_areas.c.level, *KEEP_DUTY), _visible_to(actor)
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return _area(actor, row)


def _area_columns() -> Any:
    a = _areas.c
    return select(a.id, a.public_id, a.path, a.name, a.name_en, a.level)


def _area(actor: Actor, row: Any) -> DutyArea:
    return DutyArea(
        id=row.id,
        public_id=row.public_id,
        path=row.path,
        name=row.name,
        name_en=row.name_en,
        level=row.level,
        may_edit=actor.can(Permission.DUTY_EDIT, row.path),
    )


@reading
def list_duties(*, area_id: int, since: datetime, until: datetime) -> tuple[DutyView, ...]:
    """The duties of an area that the actor has loaded which touch the span, in the order of time."""
    rows = db.connection().execute(
        _columns()
        .where(_duties.c.area_id == area_id, _duties.c.ends_at > since, _duties.c.starts_at < until)
        .order_by(_duties.c.starts_at, _duties.c.id)
    )
    return tuple(_view(row) for row in rows)


def _columns() -> Any:
    d = _duties.c
    return select(d.id, d.public_id, d.kind, d.starts_at, d.ends_at, d.name, d.phone, d.area_id, d.area_path)


def _view(row: Any) -> DutyView:
    return DutyView(
        row.id, row.public_id, row.kind, row.starts_at, row.ends_at, row.name, crypto.decrypt(row.phone)
    )


@reading
def get_duty(*, actor: Actor, public_id: str) -> tuple[DutyArea, DutyView]:
    """A duty that the actor may change, and its area; NotFound outside, NotAllowed for who only sees it."""
    row = (
        db.connection()
        .execute(
            _columns()
            .join(_areas, _areas.c.id == _duties.c.area_id)
            .where(_duties.c.public_id == public_id, _visible_to(actor))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    if not actor.can(Permission.DUTY_EDIT, row.area_path):
        raise NotAllowed
    area = db.connection().execute(_area_columns().where(_areas.c.id == row.area_id)).one()
    return _area(actor, area), _view(row)


@reading
def list_uncovered_tonight(*, actor: Actor, now: datetime, path: str | None = None) -> tuple[Uncovered, ...]:
    """From 18:00 until the morning: where the night has a time without leader, medical duty or hotline.

    The areas are those where the actor may write duties, and all below; with `path` only that one and below.
    One statement, and none by day or for who writes no duties.
    """
    night = night_of(clock.here(now))
    paths = staff_paths(actor, Permission.DUTY_EDIT)
    if path is not None:
        paths = (path,) if any(path.startswith(each) for each in paths) else ()
    if night is None or not paths:
        return ()
    start, end = now, clock.instant(night[1].replace(tzinfo=None))
    d, a = _duties.c, _areas.c
    rows = db.connection().execute(
        select(a.public_id, a.path, a.name, a.name_en, a.level, d.kind, d.starts_at, d.ends_at)
        .select_from(
            _areas.outerjoin(_duties, and_(d.area_path == a.path, d.ends_at > start, d.starts_at < end))
        )
        .where(within(a.path, *paths), is_any(a.level, *KEEP_DUTY))
        .order_by(a.path)
    )
    areas: dict[str, Any] = {}
    stretches: dict[tuple[str, DutyKind], list[Stretch]] = {}
    for row in rows:
        areas[row.path] = row
        if row.kind is not None:
            stretches.setdefault((row.path, row.kind), []).append(
                Stretch(row.starts_at, row.ends_at, clock.day(row.starts_at))
            )
    uncovered = []
    for row in areas.values():
        kinds = tuple(
            kind for kind in DutyKind if not is_covered(start, end, stretches.get((row.path, kind), ()))
        )
        if kinds:
            uncovered.append(Uncovered(row.public_id, row.path, row.name, row.name_en, row.level, kinds))
    return tuple(uncovered)
