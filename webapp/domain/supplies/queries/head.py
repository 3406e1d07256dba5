"""What those who lead a round see: rounds, how they fill, building by building and door by door, and bags."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths, short_name
from webapp.domain.households.models import Door, Household, HouseholdState
from webapp.domain.supplies.models import (
    Bag,
    BagItem,
    Order,
    OrderLine,
    PrintedSheet,
    Round,
    RoundArea,
    RoundBag,
    RoundBuilding,
)
from webapp.domain.supplies.queries.resident import ItemView, door_of
from webapp.domain.supplies.rules import (
    HAS_SHEETS,
    DeliveryWindow,
    OrderState,
    RoundKind,
    RoundState,
    SheetKind,
    Step,
    next_step,
)

PAGE = 30
DOORS = 60

_rounds: Any = Round.__table__
_round_areas: Any = RoundArea.__table__
_round_bags: Any = RoundBag.__table__
_round_buildings: Any = RoundBuilding.__table__
_bags: Any = Bag.__table__
_items: Any = BagItem.__table__
_orders: Any = Order.__table__
_lines: Any = OrderLine.__table__
_sheets: Any = PrintedSheet.__table__
_households: Any = Household.__table__
_doors: Any = Door.__table__
_areas: Any = Area.__table__


def _visible_to(actor: Actor) -> Any:
    """The rounds of the actor's areas, and those that come to them from above: a grid worker's community's."""
    paths = actor.paths(Permission.ROUND_SEE)
    above = sorted({each for path in paths for each in ancestor_paths(path)})
    return or_(within(_rounds.c.area_path, *paths), _rounds.c.area_path.in_(above))


@dataclass(frozen=True)
class HomeRound:
    """A round as one line."""

    public_id: str
    number: int
    community: str
    state: RoundState
    delivers_on: date
    delivery_window: DeliveryWindow
    cuts_off_at: datetime


def _line(row: Any) -> HomeRound:
    return HomeRound(
        public_id=row.public_id,
        number=row.number,
        community=short_name(row.name),
        state=row.state,
        delivers_on=row.delivers_on,
        delivery_window=row.delivery_window,
        cuts_off_at=row.cuts_off_at,
    )


_line_columns = (
    _rounds.c.id,
    _rounds.c.public_id,
    _rounds.c.number,
    _rounds.c.state,
    _rounds.c.delivers_on,
    _rounds.c.delivery_window,
    _rounds.c.cuts_off_at,
    _areas.c.name,
)


@reading
def list_home_rounds(*, actor: Actor, limit: int = 4) -> tuple[HomeRound, ...]:
    """The rounds under way that the actor looks after, soonest delivery first; nobody's without the right."""
    if not actor.has(Permission.ROUND_SEE):
        return ()
    under_way = [RoundState.DRAFT, RoundState.OPEN, RoundState.CLOSED, RoundState.PACKING, RoundState.OUT]
    rows = db.connection().execute(
        select(*_line_columns)
        .join(_areas, _areas.c.id == _rounds.c.area_id)
        .where(_visible_to(actor), _rounds.c.state.in_(under_way))
        .order_by(_rounds.c.delivers_on, _rounds.c.id)
        .limit(limit)
    )
    return tuple(_line(row) for row in rows)


@dataclass(frozen=True)
class RoundPage:
    """Rounds, newest first; `older` continues."""

    rounds: tuple[HomeRound, ...]
    older: str | None


@reading
def list_rounds(*, actor: Actor, before: str | None = None, limit: int = PAGE) -> RoundPage:
    """The rounds of the actor's areas, latest delivery first, paged by key."""
    statement = (
        select(*_line_columns)
        .join(_areas, _areas.c.id == _rounds.c.area_id)
        .where(_visible_to(actor))
        .order_by(_rounds.c.delivers_on.desc(), _rounds.c.id.desc())
        .limit(limit + 1)
    )
    connection = db.connection()
    if before:
        last = connection.execute(
            select(_rounds.c.delivers_on, _rounds.c.id).where(
                _rounds.c.public_id == before, _visible_to(actor)
            )
        ).one_or_none()
        if last is None:
            raise NotFound
        statement = statement.where(tuple_(_rounds.c.delivers_on, _rounds.c.id) < tuple_(*last))
    rows = connection.execute(statement).all()
    return RoundPage(
        rounds=tuple(_line(row) for row in rows[:limit]),
        older=rows[limit - 1].public_id if len(rows) > limit else None,
    )


@dataclass(frozen=True)
class BagStand:
    """A bag of a round: how many are taken, how many there are, how many are wanted beyond."""

    public_id: str
    bag: str
    name: str
    name_en: str | None
    price_fen: int
    capacity: int | None
    taken: int
    waiting: int
    household_limit: int


@dataclass(frozen=True)
class RoundView:
    """A round as its head sees it: what it is, how it fills, what can be done next."""

    id: int
    public_id: str
    number: int
    area_id: int
    area_path: str
    area: str
    community: str
    kind: RoundKind
    state: RoundState
    delivers_on: date
    delivery_window: DeliveryWindow
    opens_at: datetime
    cuts_off_at: datetime
    grace_seconds: int
    household_limit: int
    takes_money_at_door: bool
    bags: tuple[BagStand, ...]
    household_count: int
    ordered_count: int
    waiting_count: int
    served: tuple[str, ...]
    may_manage: bool
    may_print: bool
    may_assist: bool

    @property
    def not_yet_count(self) -> int:
        """How many households have not ordered."""
        return max(0, self.household_count - self.ordered_count)

    @property
    def step(self) -> Step | None:
        """What the head can do next."""
        return next_step(self.state) if self.may_manage else None

    @property
    def has_sheets(self) -> bool:
        """Whether there is something to print."""
        return self.state in HAS_SHEETS


def _round_row(actor: Actor, public_id: str) -> Any:
    row = (
        db.connection()
        .execute(
            select(_rounds, _areas.c.name.label("community"), _areas.c.public_id.label("area_public_id"))
            .join(_areas, _areas.c.id == _rounds.c.area_id)
            .where(_rounds.c.public_id == public_id, _visible_to(actor))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row


@reading
def get_round(*, actor: Actor, public_id: str) -> RoundView:
    """A round with its bags and figures; NotFound outside the actor's areas. Four statements at any size."""
    connection = db.connection()
    row = _round_row(actor, public_id)
    waiting = (
        select(
            _lines.c.round_bag_id,
            func.sum(_lines.c.wanted_count - _lines.c.given_count).label("missing"),
        )
        .join(_orders, _orders.c.id == _lines.c.order_id)
        .join(_round_bags, _round_bags.c.id == _lines.c.round_bag_id)
        .where(
            _round_bags.c.round_id == row.id,
            _lines.c.waiting_since.is_not(None),
            is_any(_orders.c.state, OrderState.LIVE),
        )
        .group_by(_lines.c.round_bag_id)
        .subquery()
    )
    bags = connection.execute(
        select(
            _round_bags,
            _bags.c.public_id.label("bag_public_id"),
            _bags.c.name,
            _bags.c.name_en,
            waiting.c.missing,
        )
        .join(_bags, _bags.c.id == _round_bags.c.bag_id)
        .outerjoin(waiting, waiting.c.round_bag_id == _round_bags.c.id)
        .where(_round_bags.c.round_id == row.id)
        .order_by(_round_bags.c.position, _round_bags.c.id)
    ).all()
    b = _round_buildings.c
    # Whoever looks after a part of the round sees the figures of that part.
    paths = actor.paths(Permission.ROUND_SEE)
    sees_all = actor.can(Permission.ROUND_SEE, row.area_path)
    waiting_orders = (
        select(func.count(func.distinct(_lines.c.order_id)))
        .join(_orders, _orders.c.id == _lines.c.order_id)
        .join(_households, _households.c.id == _orders.c.household_id)
        .join(_round_bags, _round_bags.c.id == _lines.c.round_bag_id)
        .where(
            within(_households.c.area_path, *paths),
            _round_bags.c.round_id == row.id,
            _lines.c.waiting_since.is_not(None),
            is_any(_orders.c.state, OrderState.LIVE),
        )
        .scalar_subquery()
    )
    totals = connection.execute(
        select(
            func.coalesce(func.sum(b.household_count), 0).label("households"),
            func.coalesce(func.sum(b.ordered_count), 0).label("ordered"),
            waiting_orders.label("waiting"),
        )
        .join(_areas, _areas.c.id == b.area_id)
        .where(b.round_id == row.id, within(_areas.c.path, *paths))
    ).one()
    served = connection.execute(
        select(_areas.c.public_id)
        .join(_round_areas, _round_areas.c.area_id == _areas.c.id)
        .where(_round_areas.c.round_id == row.id)
    ).scalars()
    return RoundView(
        id=row.id,
        public_id=row.public_id,
        number=row.number,
        area_id=row.area_id,
        area_path=row.area_path,
        area=row.area_public_id,
        community=short_name(row.community),
        kind=row.kind,
        state=row.state,
        delivers_on=row.delivers_on,
        delivery_window=row.delivery_window,
        opens_at=row.opens_at,
        cuts_off_at=row.cuts_off_at,
        grace_seconds=row.grace_seconds,
        household_limit=row.household_limit,
        takes_money_at_door=bool(row.takes_money_at_door),
        bags=tuple(
            BagStand(
                public_id=bag.public_id,
                bag=bag.bag_public_id,
                name=bag.name,
                name_en=bag.name_en,
                price_fen=bag.price_fen,
                capacity=bag.capacity,
                taken=bag.taken_count,
                waiting=bag.missing or 0,
                household_limit=bag.household_limit,
            )
            for bag in bags
            if sees_all
        ),
        household_count=totals.households,
        ordered_count=totals.ordered,
        waiting_count=totals.waiting,
        served=tuple(served),
        may_manage=actor.can(Permission.ROUND_MANAGE, row.area_path),
        may_print=actor.can(Permission.SHEET_PRINT, row.area_path),
        may_assist=actor.can(Permission.ORDER_ASSIST, row.area_path),
    )


@dataclass(frozen=True)
class BuildingLine:
    """A building in a round: how many have ordered, how many not yet."""

    public_id: str
    name: str
    compound: str | None
    household_count: int
    ordered_count: int

    @property
    def not_yet_count(self) -> int:
        """How many households have not ordered."""
        return max(0, self.household_count - self.ordered_count)


@dataclass(frozen=True)
class BuildingPage:
    """Buildings as people count them; `after` continues."""

    buildings: tuple[BuildingLine, ...]
    after: str | None


@reading
def list_buildings(
    *, actor: Actor, view: RoundView, after: str | None = None, limit: int = PAGE
) -> BuildingPage:
    """The buildings of a round that the actor has loaded, paged by key; of their own areas only."""
    compound: Any = aliased(Area.__table__, name="compound")
    b = _round_buildings.c
    statement = (
        select(
            _areas.c.public_id,
            _areas.c.name,
            _areas.c.level,
            compound.c.name.label("compound"),
            compound.c.level.label("compound_level"),
            b.household_count,
            b.ordered_count,
        )
        .select_from(
            _round_buildings.join(_areas, _areas.c.id == b.area_id).outerjoin(
                compound, compound.c.id == _areas.c.parent_id
            )
        )
        .where(b.round_id == view.id, within(_areas.c.path, *actor.paths(Permission.ROUND_SEE)))
        .order_by(b.sort_key, b.area_id)
        .limit(limit + 1)
    )
    connection = db.connection()
    if after:
        last = connection.execute(
            select(b.sort_key, b.area_id)
            .join(_areas, _areas.c.id == b.area_id)
            .where(b.round_id == view.id, _areas.c.public_id == after)
        ).one_or_none()
        if last is None:
            raise NotFound
        statement = statement.where(tuple_(b.sort_key, b.area_id) > tuple_(*last))
    rows = connection.execute(statement).all()
    return BuildingPage(
        buildings=tuple(
            BuildingLine(
                public_id=row.public_id,
                name=row.name,
                compound=row.compound
                if row.level == "building" and row.compound_level == "compound"
                else None,
                household_count=row.household_count,
                ordered_count=row.ordered_count,
            )
            for row in rows[:limit]
        ),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
    )


@dataclass(frozen=True)
class DoorLine:
    """A household of a building in a round, with its order if it has one."""

    household: str
    door: str
    is_confirmed: bool
    order: str | None
    number: str | None
    wanted: int
    given: int


@dataclass(frozen=True)
class DoorPage:
    """The doors of a building; `after` continues."""

    building: str
    building_public_id: str
    doors: tuple[DoorLine, ...]
    after: str | None


@reading
def list_doors(
    *,
    actor: Actor,
    view: RoundView,
    building: str,
    has_ordered: bool | None = None,
    after: str | None = None,
    limit: int = DOORS,
) -> DoorPage:
    """The households of a building: ordered, not yet, or all; paged by key.

    NotFound for a building outside the round's or the actor's areas.
    """
    connection = db.connection()
    compound: Any = aliased(Area.__table__, name="compound")
    place = connection.execute(
        select(
            _areas.c.id,
            _areas.c.name,
            _areas.c.path,
            compound.c.name.label("compound"),
            compound.c.level.label("compound_level"),
        )
        .outerjoin(compound, compound.c.id == _areas.c.parent_id)
        .where(
            _areas.c.public_id == building,
            within(_areas.c.path, view.area_path),
            within(_areas.c.path, *actor.paths(Permission.ROUND_SEE)),
        )
    ).one_or_none()
    if place is None:
        raise NotFound
    h = _households.c
    merged: Any = aliased(Household.__table__, name="merged")
    # An order of a household that was merged a moment ago stands at the door of the real one.
    standing = (
        select(
            _orders.c.id,
            _orders.c.public_id,
            _orders.c.number,
            func.coalesce(merged.c.merged_into_id, merged.c.id).label("household_id"),
            func.sum(_lines.c.wanted_count).label("wanted"),
            func.sum(_lines.c.given_count).label("given"),
        )
        .select_from(
            _orders.join(merged, merged.c.id == _orders.c.household_id).join(
                _lines, _lines.c.order_id == _orders.c.id
            )
        )
        .where(
            _orders.c.round_id == view.id,
            is_any(_orders.c.state, OrderState.LIVE),
            merged.c.area_path == place.path,
        )
        .group_by(_orders.c.id, _orders.c.public_id, _orders.c.number, merged.c.merged_into_id, merged.c.id)
        .subquery()
    )
    statement = (
        select(
            h.id,
            h.public_id,
            h.state,
            h.stated_door,
            h.split_no,
            _areas.c.name.label("building"),
            _areas.c.level,
            _doors.c.unit.label("door_unit"),
            _doors.c.number.label("door_number"),
            standing.c.public_id.label("order_public_id"),
            standing.c.number.label("order_number"),
            standing.c.wanted,
            standing.c.given,
        )
        .select_from(
            _households.join(_areas, _areas.c.id == h.area_id)
            .outerjoin(_doors, _doors.c.id == h.door_id)
            .outerjoin(standing, standing.c.household_id == h.id)
        )
        .where(
            h.area_path == place.path,
            # Who is not in the list is shown once they have ordered; who has not, waits on the page of confirmations.
            or_(
                h.state == HouseholdState.LISTED,
                and_(h.state == HouseholdState.STATED, standing.c.id.is_not(None)),
            ),
        )
        .order_by(h.sort_key, h.id)
        .limit(limit + 1)
    )
    if has_ordered is not None:
        statement = statement.where(standing.c.id.is_not(None) if has_ordered else standing.c.id.is_(None))
    if after:
        last = connection.execute(
            select(h.sort_key, h.id).where(h.public_id == after, h.area_path == place.path)
        ).one_or_none()
        if last is None:
            raise NotFound
        statement = statement.where(tuple_(h.sort_key, h.id) > tuple_(*last))
    rows = connection.execute(statement).all()
    return DoorPage(
        building=_with_compound(place),
        building_public_id=building,
        doors=tuple(
            DoorLine(
                household=row.public_id,
                door=door_of(row),
                is_confirmed=row.state == HouseholdState.LISTED,
                order=row.order_public_id,
                number=row.order_number,
                wanted=row.wanted or 0,
                given=row.given or 0,
            )
            for row in rows[:limit]
        ),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
    )


# --- planning a round and its bags ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """Something that can be chosen: a community or a building."""

    public_id: str
    name: str
    is_chosen: bool = True


@dataclass(frozen=True)
class BagView:
    """A bag that a community offers, with its contents."""

    public_id: str
    area: str
    name: str
    name_en: str | None
    is_basic: bool
    is_offered: bool
    items: tuple[ItemView, ...]


@reading
def list_communities(*, actor: Actor) -> tuple[Choice, ...]:
    """The communities whose rounds the actor manages."""
    rows = db.connection().execute(
        select(_areas.c.public_id, _areas.c.name)
        .where(_areas.c.level == "community", within(_areas.c.path, *actor.paths(Permission.ROUND_MANAGE)))
        .order_by(_areas.c.path)
        .limit(50)
    )
    return tuple(Choice(row.public_id, short_name(row.name)) for row in rows)


def _managed(actor: Actor, area: str) -> Any:
    row = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.path, _areas.c.name, _areas.c.public_id).where(
                _areas.c.public_id == area
            )
        )
        .one_or_none()
    )
    if row is None or not actor.can(Permission.ROUND_MANAGE, row.path):
        raise NotFound
    return row


@reading
def list_bags(*, actor: Actor, area: str, only_offered: bool = False) -> tuple[BagView, ...]:
    """The bags of a community with their contents, in one statement beyond the area's."""
    place = _managed(actor, area)
    statement = (
        select(
            _bags,
            _items.c.name.label("item"),
            _items.c.name_en.label("item_en"),
            _items.c.spec,
            _items.c.unit,
            _items.c.quantity,
        )
        .outerjoin(_items, _items.c.bag_id == _bags.c.id)
        .where(_bags.c.area_path == place.path)
        .order_by(_bags.c.position, _bags.c.id, _items.c.position)
    )
    if only_offered:
        statement = statement.where(_bags.c.is_offered)
    groups: dict[int, list[Any]] = {}
    for row in db.connection().execute(statement):
        groups.setdefault(row.id, []).append(row)
    return tuple(_bag_view(area, rows) for rows in groups.values())


def _bag_view(area: str, rows: Sequence[Any]) -> BagView:
    first = rows[0]
    return BagView(
        public_id=first.public_id,
        area=area,
        name=first.name,
        name_en=first.name_en,
        is_basic=bool(first.is_basic),
        is_offered=bool(first.is_offered),
        items=tuple(
            ItemView(name=row.item, name_en=row.item_en, spec=row.spec, unit=row.unit, quantity=row.quantity)
            for row in rows
            if row.item is not None
        ),
    )


@reading
def get_bag(*, actor: Actor, public_id: str) -> BagView:
    """A bag that the actor manages; NotFound for all others."""
    row = (
        db.connection()
        .execute(
            select(_areas.c.public_id)
            .join(_bags, _bags.c.area_id == _areas.c.id)
            .where(_bags.c.public_id == public_id)
        )
        .scalar()
    )
    if row is None:
        raise NotFound
    found = [bag for bag in list_bags(actor=actor, area=row) if bag.public_id == public_id]
    return found[0]


@dataclass(frozen=True)
class Preset:
    """What a new round starts from: the community, its bags and buildings, and the last round's terms."""

    area: str
    community: str
    bags: tuple[BagView, ...]
    buildings: tuple[Choice, ...]
    last: RoundView | None


@reading
def get_preset(*, actor: Actor, area: str) -> Preset:
    """What the form of a new round shows; NotFound for a community that the actor does not manage."""
    place = _managed(actor, area)
    connection = db.connection()
    last = connection.execute(
        select(_rounds.c.public_id)
        .where(_rounds.c.area_id == place.id, _rounds.c.state != RoundState.CANCELLED)
        .order_by(_rounds.c.number.desc())
        .limit(1)
    ).scalar()
    view = get_round(actor=actor, public_id=last) if last else None
    compound: Any = aliased(Area.__table__, name="compound")
    rows = connection.execute(
        select(_areas.c.public_id, _areas.c.name, compound.c.name.label("compound"), compound.c.level)
        .outerjoin(compound, compound.c.id == _areas.c.parent_id)
        .where(_areas.c.level == "building", within(_areas.c.path, place.path))
        .order_by(compound.c.sort_key, _areas.c.sort_key, _areas.c.id)
    )
    chosen = set(view.served) if view and area not in view.served else None
    return Preset(
        area=area,
        community=short_name(place.name),
        bags=list_bags(actor=actor, area=area, only_offered=True),
        buildings=tuple(
            Choice(
                row.public_id,
                f"{row.compound} {row.name}" if row.level == "compound" else row.name,
                chosen is None or row.public_id in chosen,
            )
            for row in rows
        ),
        last=view,
    )


# --- printed sheets ------------------------------------------------------------------------------------------


def _with_compound(row: Any) -> str:
    """北辰花园 3栋: many compounds have a 3栋."""
    return f"{row.compound} {row.name}" if row.compound_level == "compound" else str(row.name)


@dataclass(frozen=True)
class SheetLine:
    """A sheet that was printed."""

    kind: SheetKind
    building: str
    public_id: str
    is_building: bool
    version: int
    printed_at: datetime


@reading
def list_sheets(*, actor: Actor, view: RoundView, limit: int = 20) -> tuple[SheetLine, ...]:
    """What was printed of a round, latest first; NotAllowed for whoever may not print."""
    if not actor.can(Permission.SHEET_PRINT, view.area_path):
        raise NotAllowed
    compound: Any = aliased(Area.__table__, name="compound")
    rows = db.connection().execute(
        select(
            _sheets.c.kind,
            _sheets.c.area_id,
            _sheets.c.version,
            _sheets.c.printed_at,
            _areas.c.name,
            _areas.c.public_id,
            compound.c.name.label("compound"),
            compound.c.level.label("compound_level"),
        )
        .join(_areas, _areas.c.id == _sheets.c.area_id)
        .outerjoin(compound, compound.c.id == _areas.c.parent_id)
        .where(_sheets.c.round_id == view.id)
        .order_by(_sheets.c.printed_at.desc(), _sheets.c.id.desc())
        .limit(limit)
    )
    return tuple(
        SheetLine(
            kind=row.kind,
            building=_with_compound(row),
            public_id=row.public_id,
            is_building=row.area_id != view.area_id,
            version=row.version,
            printed_at=row.printed_at,
        )
        for row in rows
    )
