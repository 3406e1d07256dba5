"""What stands on the printed sheets of a round, and which versions there are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import aliased

from webapp.base import db, files
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import get_place
from webapp.domain.households.models import Door, Household, Member, MemberState
from webapp.domain.households.rules import door_label, door_short, unit_label
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import surname
from webapp.domain.supplies.models import (
    Bag,
    BagItem,
    Order,
    OrderLine,
    PrintedSheet,
    Round,
    RoundBag,
)
from webapp.domain.supplies.rules import HAS_SHEETS, DeliveryWindow, OrderState, SheetKind
from webapp.domain.supplies.sheets import (
    Kit,
    KitItem,
    PackSheet,
    PickSheet,
    RoundFacts,
    RunSheet,
    SheetLine,
    SheetOrder,
    content_hash,
    pack_sheet,
    pick_sheet,
    run_sheet,
)

_rounds: Any = Round.__table__
_round_bags: Any = RoundBag.__table__
_bags: Any = Bag.__table__
_items: Any = BagItem.__table__
_orders: Any = Order.__table__
_lines: Any = OrderLine.__table__
_sheets: Any = PrintedSheet.__table__
_households: Any = Household.__table__
_members: Any = Member.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_doors: Any = Door.__table__
_areas: Any = Area.__table__
_stated: Any = aliased(Household.__table__, name="stated")
_compound: Any = aliased(Area.__table__, name="compound")

_BUILDERS: dict[SheetKind, Callable[..., PickSheet | PackSheet | RunSheet]] = {
    SheetKind.PICKING: pick_sheet,
    SheetKind.PACKING: pack_sheet,
    SheetKind.RUN: run_sheet,
}


@dataclass(frozen=True)
class Subject:
    """What a sheet is about: a round, a kind, and one building or all."""

    round_id: int
    round_public_id: str
    number: int
    delivers_on: date
    delivery_window: DeliveryWindow
    takes_money_at_door: bool
    area_path: str
    kind: SheetKind
    area_id: int
    place_path: str
    building: str | None


@dataclass(frozen=True)
class Made:
    """A version of a sheet that was printed."""

    version: int
    file_id: int


@dataclass(frozen=True)
class Prepared:
    """A sheet as values with its fingerprint; `made` is the version that says the same, if there is one."""

    subject: Subject
    sheet: PickSheet | PackSheet | RunSheet
    content_hash: str
    row_count: int
    made: Made | None
    next_version: int


@reading
def get_subject(*, actor: Actor, round_public_id: str, kind: SheetKind, building: str | None) -> Subject:
    """The round and place of a sheet; NotFound outside the actor's areas, NotAllowed without the right to print."""
    connection = db.connection()
    row = connection.execute(select(_rounds).where(_rounds.c.public_id == round_public_id)).one_or_none()
    if row is None:
        raise NotFound
    if not actor.can(Permission.SHEET_PRINT, row.area_path):
        raise NotAllowed if actor.can(Permission.ROUND_SEE, row.area_path) else NotFound
    area_id, path = row.area_id, row.area_path
    # What is to be bought is one list for the round; packing and carrying go by building.
    if building and kind is not SheetKind.PICKING:
        place = connection.execute(
            select(_areas.c.id, _areas.c.path).where(
                _areas.c.public_id == building,
                _areas.c.level == "building",
                within(_areas.c.path, row.area_path),
            )
        ).one_or_none()
        if place is None:
            raise NotFound
        area_id, path = place.id, place.path
    else:
        building = None
    if row.state not in HAS_SHEETS:
        raise Conflict("round_state_wrong")
    return Subject(
        round_id=row.id,
        round_public_id=row.public_id,
        number=row.number,
        delivers_on=row.delivers_on,
        delivery_window=row.delivery_window,
        takes_money_at_door=bool(row.takes_money_at_door),
        area_path=row.area_path,
        kind=kind,
        area_id=area_id,
        place_path=path,
        building=building,
    )


@reading
def prepare(*, subject: Subject, language: str, window: str, address: str) -> Prepared:
    """The sheet as it stands now. `window` is the part of the day in words, `address` what the QR opens."""
    place = get_place(subject.area_path)
    facts = RoundFacts(
        number=subject.number,
        delivers_on=subject.delivers_on,
        window=window,
        unit_line=place.unit_line or "",
        hotline=place.hotline or "",
        address=address,
        takes_money_at_door=subject.takes_money_at_door,
    )
    orders = _sheet_orders(subject)
    if not orders:
        raise RuleBroken("sheet_empty")
    sheet = _BUILDERS[subject.kind](facts, _kits(subject.round_id), orders)
    fingerprint = content_hash(sheet)
    same, highest = _versions(subject, language, fingerprint)
    return Prepared(
        subject=subject,
        sheet=sheet,
        content_hash=fingerprint,
        row_count=len(sheet.rows) if isinstance(sheet, PickSheet) else len(orders),
        made=same,
        next_version=highest + 1,
    )


def _versions(subject: Subject, language: str, fingerprint: str) -> tuple[Made | None, int]:
    s = _sheets.c
    of_subject = and_(s.round_id == subject.round_id, s.kind == subject.kind, s.area_id == subject.area_id)
    connection = db.connection()
    same = connection.execute(
        select(s.version, s.file_id).where(of_subject, s.language == language, s.content_hash == fingerprint)
    ).one_or_none()
    highest = connection.execute(select(func.max(s.version)).where(of_subject)).scalar()
    return (None if same is None else Made(same.version, same.file_id)), highest or 0


def _kits(round_id: int) -> list[Kit]:
    rows = db.connection().execute(
        select(
            _round_bags.c.id,
            _bags.c.name,
            _items.c.name.label("item"),
            _items.c.spec,
            _items.c.unit,
            _items.c.quantity,
        )
        .select_from(
            _round_bags.join(_bags, _bags.c.id == _round_bags.c.bag_id).outerjoin(
                _items, _items.c.bag_id == _bags.c.id
            )
        )
        .where(_round_bags.c.round_id == round_id)
        .order_by(_round_bags.c.position, _round_bags.c.id, _items.c.position)
    )
    names: dict[int, str] = {}
    items: dict[int, list[KitItem]] = {}
    for row in rows:
        names[row.id] = row.name
        found = items.setdefault(row.id, [])
        if row.item is not None:
            found.append(KitItem(row.item, row.spec, row.unit, row.quantity))
    return [Kit(id_, name, tuple(items[id_])) for id_, name in names.items()]


def _standing() -> Any:
    """The orders of the subject at the doors of the real households, merged ones included."""
    return (
        _orders.join(_stated, _stated.c.id == _orders.c.household_id)
        .join(_households, _households.c.id == func.coalesce(_stated.c.merged_into_id, _stated.c.id))
        .join(_areas, _areas.c.id == _households.c.area_id)
    )


def _of(subject: Subject) -> Any:
    return and_(
        _orders.c.round_id == subject.round_id,
        is_any(_orders.c.state, OrderState.LIVE),
        within(_households.c.area_path, subject.place_path),
    )


def _sheet_orders(subject: Subject) -> list[SheetOrder]:
    rows = db.connection().execute(
        select(
            _orders.c.id,
            _orders.c.number,
            _orders.c.placed_by_person_id,
            _households.c.id.label("household_id"),
            _households.c.stated_door,
            _households.c.split_no,
            _households.c.delivery_note,
            _households.c.sort_key,
            _areas.c.name.label("building"),
            _areas.c.level,
            _areas.c.sort_key.label("building_key"),
            _compound.c.name.label("compound"),
            _compound.c.level.label("compound_level"),
            _compound.c.sort_key.label("compound_key"),
            _doors.c.unit,
            _doors.c.floor,
            _doors.c.number.label("door_number"),
            _lines.c.round_bag_id,
            _lines.c.given_count,
            _lines.c.price_fen,
            _lines.c.no_substitute,
        )
        .select_from(
            _standing()
            .outerjoin(_compound, _compound.c.id == _areas.c.parent_id)
            .outerjoin(_doors, _doors.c.id == _households.c.door_id)
            .join(_lines, _lines.c.order_id == _orders.c.id)
        )
        .where(_of(subject), _lines.c.given_count > 0)
        .order_by(_orders.c.id, _lines.c.id)
    )
    groups: dict[int, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.id, []).append(row)
    receivers = _receivers(subject)
    return [_sheet_order(group, receivers) for group in groups.values()]


def _receivers(subject: Subject) -> dict[int, dict[int, tuple[str, str]]]:
    """Who may receive: household → person → (surname, phone tail), the confirmed and the first ones first."""
    rows = db.connection().execute(
        select(_members.c.household_id, _members.c.person_id, _people.c.name, _phones.c.phone_tail)
        .select_from(
            _members.join(_people, _people.c.id == _members.c.person_id).outerjoin(
                _phones, _phones.c.person_id == _people.c.id
            )
        )
        .where(
            _members.c.household_id.in_(
                select(_households.c.id).select_from(_standing()).where(_of(subject))
            ),
            _members.c.state.in_([MemberState.CONFIRMED, MemberState.LISTED, MemberState.WAITING]),
        )
        .order_by(
            _members.c.household_id,
            case((_members.c.state == MemberState.CONFIRMED, 0), else_=1),
            _members.c.position,
            _members.c.id,
            _phones.c.position,
        )
    )
    found: dict[int, dict[int, tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row.household_id, {}).setdefault(
            row.person_id, (surname(row.name), row.phone_tail or "")
        )
    return found


def _sheet_order(rows: list[Any], receivers: dict[int, dict[int, tuple[str, str]]]) -> SheetOrder:
    first = rows[0]
    people = receivers.get(first.household_id, {})
    whose, tail = people.get(first.placed_by_person_id) or next(iter(people.values()), ("", ""))
    building = first.building if first.level == "building" else ""
    # Many compounds have a 3栋: on paper the compound goes before it.
    if building and first.compound_level == "compound":
        building = f"{first.compound}{building}"
    if first.door_number is None:
        door = short = first.stated_door or ""
    else:
        door = door_label("", "", first.door_number, split_no=first.split_no)
        short = door_short(first.building, first.unit, first.door_number, split_no=first.split_no)
    return SheetOrder(
        number=first.number,
        building_name=building or first.building,
        unit=unit_label(first.unit or ""),
        floor=first.floor,
        door=door,
        short_door=short,
        surname=whose,
        phone_tail=tail,
        lines=tuple(
            SheetLine(row.round_bag_id, row.given_count, no_substitute=bool(row.no_substitute))
            for row in rows
        ),
        building_sort=f"{first.compound_key or ''}/{first.building_key}",
        door_sort=first.sort_key,
        delivery=first.delivery_note or "",
        total_fen=sum(row.given_count * row.price_fen for row in rows),
    )


@reading
def get_pdf(*, subject: Subject, language: str, version: int | None = None) -> tuple[int, bytes]:
    """The newest version of a sheet (in this language if there is one), or the one asked for; NotFound if none."""
    s = _sheets.c
    statement = (
        select(s.version, s.file_id)
        .where(s.round_id == subject.round_id, s.kind == subject.kind, s.area_id == subject.area_id)
        .order_by(case((s.language == language, 0), else_=1), s.version.desc())
        .limit(1)
    )
    if version is not None:
        statement = statement.where(s.version == version)
    row = db.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row.version, files.content(row.file_id)


@reading
def name_of(*, actor: Actor) -> str:
    """The actor's own name, for 打印人."""
    name = db.connection().execute(select(_people.c.name).where(_people.c.id == actor.person_id)).scalar()
    return str(name or "")
