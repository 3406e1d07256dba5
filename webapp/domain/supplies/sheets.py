"""The three printed sheets of a round as plain values, built from plain order rows.

总拣单 by item, 分装单 and 配送单 by building. Nothing here knows a table, a template or a clock. What must not
stand on paper (a price beside a bag, the kind of bag, a reason) is not in these values at all.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

GOODS_PER_SHEET = 6


@dataclass(frozen=True)
class KitItem:
    """What is in a bag: 品名, 规格, 单位, and how many of that unit in one bag."""

    name: str
    spec: str
    unit: str
    quantity: int


@dataclass(frozen=True)
class Kit:
    """A bag of the round as a goods column. A bag without a list of contents is picked as itself."""

    id: int
    name: str
    items: tuple[KitItem, ...] = ()


@dataclass(frozen=True)
class SheetLine:
    """So many of one bag that go to a household: what it was given, not what it waits for."""

    kit_id: int
    quantity: int
    no_substitute: bool = False


@dataclass(frozen=True)
class SheetOrder:
    """An order as the sheets need it.

    `*_sort` are compared as text with the numbers in them read as numbers, so that 3栋 comes before 10栋; empty,
    the name itself is compared. `floor` is None where a building has none. `delivery` 送法 is how to hand over,
    never why. `total_fen` is only looked at in a round that takes money at the door.
    """

    number: str
    building_name: str
    unit: str
    floor: int | None
    door: str
    short_door: str
    surname: str
    phone_tail: str
    lines: tuple[SheetLine, ...]
    building_sort: str = ""
    door_sort: str = ""
    delivery: str = ""
    total_fen: int = 0


@dataclass(frozen=True)
class RoundFacts:
    """What stands in the head and foot of each sheet.

    `unit_line` names the office, `window` is the part of the day in the reader's words, `hotline` whom to call when
    something is wrong, `dispatch_phone` whom the courier calls (empty: the hotline), `address` what the QR opens.
    """

    number: int
    delivers_on: date
    window: str
    unit_line: str
    hotline: str
    address: str
    dispatch_phone: str = ""
    takes_money_at_door: bool = False
    shows_surnames: bool = True
    top_down: bool = True


@dataclass(frozen=True)
class Printing:
    """What differs from one printing to the next: 第×版, 打印时间 in local time, 打印人."""

    version: int
    printed_at: datetime
    printed_by: str


@dataclass(frozen=True)
class KitCount:
    """How many of a bag."""

    name: str
    count: int


@dataclass(frozen=True)
class PickRow:
    """An item of the 总拣单 and how many must arrive."""

    position: int
    name: str
    spec: str
    unit: str
    due: int


@dataclass(frozen=True)
class PickSheet:
    """总拣单: what the whole round needs, by item."""

    facts: RoundFacts
    households: int
    pieces: int
    kits: tuple[KitCount, ...]
    rows: tuple[PickRow, ...]


@dataclass(frozen=True)
class PackRow:
    """A household of the 分装单: bags by column; `no_substitute` names the bags that must not be swapped."""

    position: int
    unit: str
    door: str
    surname: str
    counts: tuple[int, ...]
    pieces: int
    no_substitute: tuple[str, ...]
    is_all_without_substitute: bool


@dataclass(frozen=True)
class PackUnit:
    """A stairwell 单元 of the 分装单 with its subtotals."""

    name: str
    households: int
    counts: tuple[int, ...]
    pieces: int
    rows: tuple[PackRow, ...]


@dataclass(frozen=True)
class PackPart:
    """A sheet of a building: at most six goods columns; `number` of `count` sheets with the same households."""

    building: str
    number: int
    count: int
    goods: tuple[str, ...]
    households: int
    counts: tuple[int, ...]
    pieces: int
    units: tuple[PackUnit, ...]


@dataclass(frozen=True)
class PackSheet:
    """分装单: bags by building and door."""

    facts: RoundFacts
    parts: tuple[PackPart, ...]


@dataclass(frozen=True)
class RunStop:
    """A door of the 配送单, in full (3-2-501) and without the building (2-501), for buildings of long numbers.

    `due_fen` is None unless money is taken at the door.
    """

    position: int
    floor: int | None
    door: str
    door_in_building: str
    surname: str
    phone_tail: str
    goods: tuple[KitCount, ...]
    pieces: int
    delivery: str
    due_fen: int | None
    begins_floor: bool


@dataclass(frozen=True)
class RunUnit:
    """A stairwell 单元 of the 配送单 with its subtotals."""

    name: str
    households: int
    pieces: int
    due_fen: int | None
    stops: tuple[RunStop, ...]


@dataclass(frozen=True)
class RunBuilding:
    """A building of the 配送单, which one courier carries."""

    name: str
    households: int
    pieces: int
    due_fen: int | None
    units: tuple[RunUnit, ...]

    @property
    def doors(self) -> tuple[str, ...]:
        """All doors in full, on the way."""
        return tuple(stop.door for unit in self.units for stop in unit.stops)


@dataclass(frozen=True)
class RunSheet:
    """配送单: the way from door to door."""

    facts: RoundFacts
    buildings: tuple[RunBuilding, ...]


_DIGITS = re.compile(r"(\d+)")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that reads numbers as numbers: 3栋 before 10栋, 201 before 1001."""
    parts = (part for part in _DIGITS.split(text) if part)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def pick_sheet(facts: RoundFacts, kits: Sequence[Kit], orders: Iterable[SheetOrder]) -> PickSheet:
    """总拣单: the items of all bags added up, in the order in which the bags list them."""
    served = _served(kits, orders)
    counts = _counts(kits, served)
    due: dict[tuple[str, str, str], int] = {}
    for kit, count in zip(kits, counts, strict=True):
        if not count:
            continue
        for item in kit.items:
            key = (item.name, item.spec, item.unit)
            due[key] = due.get(key, 0) + item.quantity * count
        if not kit.items:
            due[(kit.name, "", "")] = due.get((kit.name, "", ""), 0) + count
    rows = tuple(PickRow(position, *key, amount) for position, (key, amount) in enumerate(due.items(), 1))
    named = tuple(KitCount(kit.name, count) for kit, count in zip(kits, counts, strict=True) if count)
    return PickSheet(facts, len(served), sum(counts), named, rows)


def pack_sheet(facts: RoundFacts, kits: Sequence[Kit], orders: Iterable[SheetOrder]) -> PackSheet:
    """分装单: per building and unit, a column for each bag that somebody of the round gets, six on a sheet."""
    served = _served(kits, orders)
    ordered = [kit for kit, count in zip(kits, _counts(kits, served), strict=True) if count]
    parts: list[PackPart] = []
    for name, building in _by_building(facts, served):
        chunks = [
            ordered[start : start + GOODS_PER_SHEET] for start in range(0, len(ordered), GOODS_PER_SHEET)
        ]
        numbered = list(enumerate(building, 1))
        for number, goods in enumerate(chunks, 1):
            units = tuple(
                _pack_unit(unit, goods, kits, list(rows))
                for unit, rows in groupby(numbered, key=lambda pair: pair[1].unit)
            )
            parts.append(
                PackPart(
                    building=name,
                    number=number,
                    count=len(chunks),
                    goods=tuple(kit.name for kit in goods),
                    households=len(building),
                    counts=_counts(goods, building),
                    pieces=_pieces(building),
                    units=units,
                )
            )
    return PackSheet(facts, tuple(parts))


def run_sheet(facts: RoundFacts, kits: Sequence[Kit], orders: Iterable[SheetOrder]) -> RunSheet:
    """配送单: per building, unit by unit, from the top floor down (or up, as the round says)."""
    names = {kit.id: kit.name for kit in kits}
    order_of = {kit.id: position for position, kit in enumerate(kits)}
    buildings = []
    for name, building in _by_building(facts, _served(kits, orders)):
        units, position = [], 0
        for unit, grouped in groupby(building, key=lambda order: order.unit):
            rows = list(grouped)
            stops = []
            for index, order in enumerate(rows):
                position += 1
                goods = sorted(_quantities(order).items(), key=lambda pair: order_of[pair[0]])
                stops.append(
                    RunStop(
                        position=position,
                        floor=order.floor,
                        door=order.short_door or order.door,
                        door_in_building=_without_building(order.short_door) or order.door,
                        surname=order.surname if facts.shows_surnames else "",
                        phone_tail=order.phone_tail,
                        goods=tuple(KitCount(names[kit_id], count) for kit_id, count in goods),
                        pieces=_pieces([order]),
                        delivery=order.delivery,
                        due_fen=order.total_fen if facts.takes_money_at_door else None,
                        begins_floor=index == 0 or rows[index - 1].floor != order.floor,
                    )
                )
            units.append(RunUnit(unit, len(rows), _pieces(rows), _due(facts, rows), tuple(stops)))
        buildings.append(
            RunBuilding(name, len(building), _pieces(building), _due(facts, building), tuple(units))
        )
    return RunSheet(facts, tuple(buildings))


def content_hash(sheet: PickSheet | PackSheet | RunSheet) -> str:
    """The same content has the same hash: 64 hexadecimal characters, whoever prints it and when."""
    return hashlib.sha256(repr(sheet).encode()).hexdigest()


def _served(kits: Sequence[Kit], orders: Iterable[SheetOrder]) -> list[SheetOrder]:
    """The orders that get something; raises ValueError for a bag that is not of the round."""
    known = {kit.id for kit in kits}
    served = []
    for order in orders:
        for line in order.lines:
            if line.kit_id not in known:
                raise ValueError(f"order {order.number} has a bag that is not of the round: {line.kit_id}")
        if _pieces([order]):
            served.append(order)
    return served


def _by_building(facts: RoundFacts, orders: Iterable[SheetOrder]) -> list[tuple[str, list[SheetOrder]]]:
    def way(order: SheetOrder) -> tuple[object, ...]:
        floor = order.floor if order.floor is not None else 0
        return (
            natural_key(order.building_sort or order.building_name),
            order.building_name,
            natural_key(order.unit),
            -floor if facts.top_down else floor,
            natural_key(order.door_sort or order.door),
            order.number,
        )

    return [
        (name, list(group))
        for name, group in groupby(sorted(orders, key=way), key=lambda order: order.building_name)
    ]


def _pack_unit(
    name: str, goods: Sequence[Kit], kits: Sequence[Kit], numbered: Sequence[tuple[int, SheetOrder]]
) -> PackUnit:
    orders = [order for _, order in numbered]
    rows = tuple(_pack_row(position, goods, kits, order) for position, order in numbered)
    return PackUnit(name, len(rows), _counts(goods, orders), _pieces(orders), rows)


def _pack_row(position: int, goods: Sequence[Kit], kits: Sequence[Kit], order: SheetOrder) -> PackRow:
    fixed = {line.kit_id for line in order.lines if line.no_substitute and line.quantity > 0}
    return PackRow(
        position=position,
        unit=order.unit,
        door=order.door,
        surname=order.surname,
        counts=_counts(goods, [order]),
        pieces=_pieces([order]),
        no_substitute=tuple(kit.name for kit in kits if kit.id in fixed),
        is_all_without_substitute=bool(fixed) and fixed == _quantities(order).keys(),
    )


def _quantities(order: SheetOrder) -> dict[int, int]:
    quantities: dict[int, int] = {}
    for line in order.lines:
        if line.quantity > 0:
            quantities[line.kit_id] = quantities.get(line.kit_id, 0) + line.quantity
    return quantities


def _counts(kits: Sequence[Kit], orders: Iterable[SheetOrder]) -> tuple[int, ...]:
    """How many of each bag, in the order of the bags."""
    totals = {kit.id: 0 for kit in kits}
    for order in orders:
        for kit_id, count in _quantities(order).items():
            if kit_id in totals:
                totals[kit_id] += count
    return tuple(totals[kit.id] for kit in kits)


def _pieces(orders: Iterable[SheetOrder]) -> int:
    """件数: the number of bags."""
    return sum(line.quantity for order in orders for line in order.lines if line.quantity > 0)


def _without_building(short_door: str) -> str:
    """2-501 of 3-2-501; other forms stay as they are."""
    return short_door.split("-", 1)[1] if short_door.count("-") >= 2 else short_door


def _due(facts: RoundFacts, orders: Iterable[SheetOrder]) -> int | None:
    return sum(order.total_fen for order in orders) if facts.takes_money_at_door else None
