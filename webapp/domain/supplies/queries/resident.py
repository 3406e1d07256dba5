"""What a household sees: the rounds it can order from, the order form, its orders. Only its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, literal, or_, select
from sqlalchemy.orm import aliased

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, one_of, reading, values_of
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.base.prepared import Prepared
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import Place, get_place
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.households.queries import (
    COMMUNITY_ID,
    IS_OWN,
    OWN_COLUMNS,
    OWN_ORDER,
    OwnHousehold,
    own_homes,
    own_homes_with_leads,
    own_households,
)
from webapp.domain.households.rules import door_label
from webapp.domain.people.models import Person
from webapp.domain.supplies.models import Bag, BagItem, Order, OrderLine, Round, RoundBag
from webapp.domain.supplies.queries.loads import SEES_ORDERS, serves
from webapp.domain.supplies.rules import (
    BASIC_LIMIT,
    DeliveryWindow,
    OrderChannel,
    Ordering,
    OrderPhase,
    OrderState,
    RoundState,
    can_change,
    order_phase,
    ordering_state,
)

_rounds: Any = Round.__table__
_round_bags: Any = RoundBag.__table__
_bags: Any = Bag.__table__
_items: Any = BagItem.__table__
_orders: Any = Order.__table__
_lines: Any = OrderLine.__table__
_households: Any = Household.__table__
_members: Any = Member.__table__
_people: Any = Person.__table__
_areas: Any = Area.__table__
_doors: Any = Door.__table__

_IS_MEMBER = is_any(_members.c.state, MemberState.CONFIRMED, MemberState.WAITING)
_CURRENT = (RoundState.OPEN, RoundState.CLOSED, RoundState.PACKING, RoundState.OUT)
PAGE = 20
# Order pages to choose from, of one person.
MOST_FORMS = 12


@dataclass(frozen=True)
class LineView:
    """A line of an order as its household reads it."""

    round_bag: str
    bag: str
    bag_en: str | None
    wanted: int
    given: int
    price_fen: int
    no_substitute: bool


@dataclass(frozen=True)
class OrderView:
    """An order as its household reads it, with the round that it belongs to.

    `placed_by` is a name when another member placed it, None when it was the reader or the office.
    """

    public_id: str
    number: str
    version: int
    household: str
    household_id: int
    area_path: str
    round: str
    delivers_on: date
    delivery_window: DeliveryWindow
    opens_at: datetime
    cuts_off_at: datetime
    phase: OrderPhase
    is_late: bool
    is_own_deed: bool
    is_own_home: bool
    is_assisted: bool
    placed_by: str | None
    placed_at: datetime
    can_change: bool
    takes_money_at_door: bool
    lines: tuple[LineView, ...]

    @property
    def to_pay_fen(self) -> int:
        """What the bags that were given cost."""
        return sum(line.given * line.price_fen for line in self.lines)


@dataclass(frozen=True)
class RoundCard:
    """A round on a household's home page: what can be done now, and the order that stands."""

    public_id: str
    household: str
    state: RoundState
    ordering: Ordering
    delivers_on: date
    delivery_window: DeliveryWindow
    opens_at: datetime
    cuts_off_at: datetime
    is_served: bool
    order: OrderView | None


_order_columns = (
    _orders.c.id.label("order_id"),
    _orders.c.public_id.label("order_public_id"),
    _orders.c.number.label("order_number"),
    _orders.c.version.label("order_version"),
    _orders.c.state.label("order_state"),
    _orders.c.channel,
    _orders.c.is_late,
    _orders.c.placed_by_person_id,
    _orders.c.placed_at,
    _people.c.name.label("placed_by_name"),
    _lines.c.wanted_count,
    _lines.c.given_count,
    _lines.c.price_fen,
    _lines.c.no_substitute,
    _round_bags.c.public_id.label("round_bag"),
    _bags.c.name.label("bag"),
    _bags.c.name_en.label("bag_en"),
)
_round_columns = (
    _rounds.c.public_id.label("round_public_id"),
    _rounds.c.state.label("round_state"),
    _rounds.c.delivers_on,
    _rounds.c.delivery_window,
    _rounds.c.opens_at,
    _rounds.c.cuts_off_at,
    _rounds.c.grace_seconds,
    _rounds.c.takes_money_at_door,
)
_household_columns = (
    _households.c.id.label("household_id"),
    _households.c.public_id.label("household_public_id"),
    _households.c.area_path.label("household_path"),
)
_merged: Any = aliased(Household.__table__, name="merged")


def _with_lines(joined: Any) -> Any:
    return (
        joined.outerjoin(_people, _people.c.id == _orders.c.placed_by_person_id)
        .outerjoin(_lines, _lines.c.order_id == _orders.c.id)
        .outerjoin(_round_bags, _round_bags.c.id == _lines.c.round_bag_id)
        .outerjoin(_bags, _bags.c.id == _round_bags.c.bag_id)
    )


_me: Any = aliased(Person.__table__, name="me")
_standing_order = and_(
    _orders.c.round_id == _rounds.c.id,
    _orders.c.household_id == _households.c.id,
    is_any(_orders.c.state, OrderState.LIVE),
)
# What is over stays on the home page until the day after the delivery.
_is_current = or_(
    is_any(_rounds.c.state, *_CURRENT),
    and_(is_any(_rounds.c.state, RoundState.DONE), _rounds.c.delivers_on >= bindparam("since")),
)
_home = Prepared(
    select(
        _me.c.name.label("my_name"),
        *OWN_COLUMNS,
        *_household_columns,
        *_round_columns,
        serves(_households.c.area_path).label("is_served"),
        *_order_columns,
    )
    .select_from(
        _with_lines(
            own_homes_with_leads()
            .join(_me, _me.c.id == _members.c.person_id)
            .outerjoin(_rounds, and_(_rounds.c.area_id == COMMUNITY_ID, _is_current))
            .outerjoin(_orders, _standing_order)
        )
    )
    .where(IS_OWN)
    .order_by(*OWN_ORDER, _rounds.c.delivers_on, _rounds.c.cuts_off_at, _rounds.c.id, _lines.c.id)
)


def _ordering(row: Any, now: datetime) -> Ordering:
    return ordering_state(
        state=row.round_state,
        opens_at=row.opens_at,
        cuts_off_at=row.cuts_off_at,
        grace_seconds=row.grace_seconds,
        now=now,
    )


def _order_view(actor: Actor, rows: Sequence[Any], now: datetime, *, is_own_home: bool = True) -> OrderView:
    first = rows[0]
    lines = tuple(
        LineView(
            round_bag=row.round_bag,
            bag=row.bag,
            bag_en=row.bag_en,
            wanted=row.wanted_count,
            given=row.given_count,
            price_fen=row.price_fen,
            no_substitute=bool(row.no_substitute),
        )
        for row in rows
        if row.wanted_count is not None
    )
    is_own_deed = first.placed_by_person_id is not None and first.placed_by_person_id == actor.person_id
    is_staff = actor.can(Permission.ORDER_ASSIST, first.household_path)
    is_live = first.order_state == OrderState.LIVE
    return OrderView(
        public_id=first.order_public_id,
        number=first.order_number,
        version=first.order_version,
        household=first.household_public_id,
        household_id=first.household_id,
        area_path=first.household_path,
        round=first.round_public_id,
        delivers_on=first.delivers_on,
        delivery_window=first.delivery_window,
        opens_at=first.opens_at,
        cuts_off_at=first.cuts_off_at,
        phase=order_phase(
            order=first.order_state,
            round_state=first.round_state,
            wanted=sum(line.wanted for line in lines),
            given=sum(line.given for line in lines),
        ),
        is_late=bool(first.is_late),
        is_own_deed=is_own_deed,
        is_own_home=is_own_home,
        is_assisted=first.channel == OrderChannel.ASSISTED,
        placed_by=None if is_own_deed else first.placed_by_name,
        placed_at=first.placed_at,
        can_change=is_live and can_change(_ordering(first, now), is_assisted=is_staff),
        takes_money_at_door=bool(first.takes_money_at_door),
        lines=lines,
    )


@dataclass(frozen=True)
class Current:
    """What a person finds at home: their own name and the rounds of the household."""

    name: str
    rounds: tuple[RoundCard, ...]


@dataclass(frozen=True)
class Home:
    """All that a home page shows: the household it is about, the person's others, the place, the rounds."""

    household: OwnHousehold
    own: tuple[OwnHousehold, ...]
    place: Place
    current: Current


@reading
def get_home(*, actor: Actor, household: str | None, now: datetime) -> Home | None:
    """The home page of the actor's household with this public id, else of the first; None without any.

    Two statements through one door; the rounds come soonest delivery first.
    """
    if actor.person_id is None:
        return None
    rows = _home.all({"person": actor.person_id, "now": now, "since": clock.day(now)})
    own = own_households(rows)
    if not own:
        return None
    chosen = next((each for each in own if each.public_id == household), own[0])
    mine = [row for row in rows if row.household_id == chosen.id]
    rounds: dict[str, list[Any]] = {}
    for row in mine:
        # A building with two leads would double the lines.
        if row.round_public_id is not None and row.lead_id == mine[0].lead_id:
            rounds.setdefault(row.round_public_id, []).append(row)
    cards = tuple(_card(actor, group, now) for group in rounds.values())
    current = Current(name=rows[0].my_name, rounds=cards)
    return Home(household=chosen, own=own, place=get_place(chosen.area_path), current=current)


def _card(actor: Actor, rows: Sequence[Any], now: datetime) -> RoundCard:
    first = rows[0]
    return RoundCard(
        public_id=first.round_public_id,
        household=first.household_public_id,
        state=first.round_state,
        ordering=_ordering(first, now),
        delivers_on=first.delivers_on,
        delivery_window=first.delivery_window,
        opens_at=first.opens_at,
        cuts_off_at=first.cuts_off_at,
        is_served=bool(first.is_served),
        order=_order_view(actor, rows, now) if first.order_id is not None else None,
    )


@dataclass(frozen=True)
class ItemView:
    """What is in a bag."""

    name: str
    name_en: str | None
    spec: str
    unit: str
    quantity: int


@dataclass(frozen=True)
class BagChoice:
    """A bag on the order form. `left` is the stock; None where the purchase follows the orders."""

    public_id: str
    name: str
    name_en: str | None
    price_fen: int
    price_version: int
    limit: int
    left: int | None
    items: tuple[ItemView, ...]


@dataclass(frozen=True)
class OrderForm:
    """All that the order page shows, for a household that may order."""

    round: str
    household: str
    area_path: str
    ordering: Ordering
    delivers_on: date
    delivery_window: DeliveryWindow
    opens_at: datetime
    cuts_off_at: datetime
    household_limit: int
    is_served: bool
    is_confirmed: bool
    is_assisted: bool
    takes_money_at_door: bool
    bags: tuple[BagChoice, ...]
    order: str | None
    order_number: str | None
    my_name: str | None
    door: str


_form_columns = (
    _rounds.c.id.label("round_id"),
    *_round_columns,
    _rounds.c.area_path.label("round_path"),
    _rounds.c.household_limit.label("round_limit"),
    *_household_columns,
    _households.c.state.label("household_state"),
    _households.c.stated_door,
    _households.c.split_no,
    _areas.c.name.label("building"),
    _areas.c.level,
    _doors.c.unit.label("door_unit"),
    _doors.c.number.label("door_number"),
    _members.c.state.label("member_state"),
    _me.c.name.label("my_name"),
    serves(_households.c.area_path).label("is_served"),
    _orders.c.public_id.label("order_public_id"),
    _orders.c.number.label("order_number"),
)
_form = Prepared(
    select(*_form_columns)
    .select_from(
        _rounds.join(_merged, literal(True))
        .join(_households, _households.c.id == func.coalesce(_merged.c.merged_into_id, _merged.c.id))
        .join(_areas, _areas.c.id == _households.c.area_id)
        .outerjoin(_doors, _doors.c.id == _households.c.door_id)
        .outerjoin(
            _members,
            and_(
                or_(_members.c.household_id == _households.c.id, _members.c.household_id == _merged.c.id),
                _members.c.person_id == bindparam("person"),
                _IS_MEMBER,
            ),
        )
        .outerjoin(_me, _me.c.id == _members.c.person_id)
        .outerjoin(_orders, _standing_order)
    )
    .where(_rounds.c.public_id == bindparam("round"), _merged.c.public_id == bindparam("household"))
    .order_by(_members.c.state)
    .limit(1)
)
_own_forms = Prepared(
    select(*_form_columns)
    .select_from(
        own_homes()
        .join(
            _rounds,
            and_(
                _rounds.c.area_id == COMMUNITY_ID,
                is_any(_rounds.c.state, RoundState.OPEN, RoundState.CLOSED),
            ),
        )
        .join(_me, _me.c.id == _members.c.person_id)
        .outerjoin(_orders, _standing_order)
    )
    .where(
        IS_OWN, or_(_members.c.state == MemberState.CONFIRMED, _households.c.state == HouseholdState.STATED)
    )
    .order_by(_rounds.c.delivers_on, _rounds.c.cuts_off_at, _rounds.c.id, _households.c.id)
)
# In a statement of its own: three bags of three things would repeat all of the above nine times.
_bags_of_rounds: Select[Any] = (
    select(
        _round_bags.c.round_id,
        _round_bags.c.public_id.label("round_bag"),
        _round_bags.c.price_fen,
        _round_bags.c.price_version,
        _round_bags.c.capacity,
        _round_bags.c.taken_count,
        _round_bags.c.household_limit.label("bag_limit"),
        _bags.c.name.label("bag"),
        _bags.c.name_en.label("bag_en"),
        _bags.c.is_basic,
        _items.c.name.label("item"),
        _items.c.name_en.label("item_en"),
        _items.c.spec,
        _items.c.unit,
        _items.c.quantity,
    )
    .select_from(
        _round_bags.join(_bags, _bags.c.id == _round_bags.c.bag_id).outerjoin(
            _items, _items.c.bag_id == _bags.c.id
        )
    )
    .order_by(_round_bags.c.round_id, _round_bags.c.position, _round_bags.c.id, _items.c.position)
)
# One round is what is nearly always asked for: said so, the index is taken without counting how many they might be.
_bags_of = {
    most: Prepared(_bags_of_rounds.where(one_of(_round_bags.c.round_id, "round", most)))
    for most in (1, MOST_FORMS)
}


@reading
def get_order_form(
    *, actor: Actor, round_public_id: str, household_public_id: str, now: datetime
) -> OrderForm:
    """The order page of a household in a round, in two statements.

    NotFound unless it is the actor's household or one that they may order for.
    """
    rows = _form.all({"round": round_public_id, "household": household_public_id, "person": actor.person_id})
    if not rows:
        raise NotFound
    return _order_forms(actor, rows, now)[0]


@reading
def list_own_order_forms(*, actor: Actor, now: datetime) -> tuple[list[OrderForm], Place | None]:
    """The order pages that the actor could use now, soonest delivery first, and the place of the first.

    Three statements, one door.
    """
    if actor.person_id is None:
        return [], None
    rows = _own_forms.all({"person": actor.person_id})
    forms = _order_forms(actor, [row for row in rows if row.is_served][:MOST_FORMS], now)
    return forms, get_place(forms[0].area_path) if forms else None


def _order_forms(actor: Actor, rows: Sequence[Any], now: datetime) -> list[OrderForm]:
    if not rows:
        return []
    bags: dict[int, list[Any]] = {}
    rounds = sorted({row.round_id for row in rows})
    most = 1 if len(rounds) == 1 else MOST_FORMS
    for bag in _bags_of[most].all(values_of("round", rounds, most)):
        bags.setdefault(bag.round_id, []).append(bag)
    return [_order_form(actor, row, bags.get(row.round_id, []), now) for row in rows]


def _order_form(actor: Actor, first: Any, rows: Sequence[Any], now: datetime) -> OrderForm:
    path = first.household_path
    is_confirmed = first.household_state == HouseholdState.LISTED
    is_assisted = first.member_state is None and actor.can(Permission.ORDER_ASSIST, path)
    if not path.startswith(first.round_path) or first.round_state == RoundState.DRAFT:
        raise NotFound
    if first.member_state is None and not is_assisted:
        raise NotAllowed if any(actor.can(each, path) for each in SEES_ORDERS) else NotFound
    if first.member_state == MemberState.WAITING and is_confirmed:
        raise NotAllowed("not_confirmed_yet")
    bags: dict[str, list[Any]] = {}
    for row in rows:
        if is_confirmed or row.is_basic:
            bags.setdefault(row.round_bag, []).append(row)
    return OrderForm(
        round=first.round_public_id,
        household=first.household_public_id,
        area_path=path,
        ordering=_ordering(first, now),
        delivers_on=first.delivers_on,
        delivery_window=first.delivery_window,
        opens_at=first.opens_at,
        cuts_off_at=first.cuts_off_at,
        household_limit=first.round_limit if is_confirmed else BASIC_LIMIT,
        is_served=bool(first.is_served),
        is_confirmed=is_confirmed,
        is_assisted=is_assisted,
        takes_money_at_door=bool(first.takes_money_at_door),
        bags=tuple(
            _choice(group, is_confirmed=is_confirmed, round_limit=first.round_limit)
            for group in bags.values()
        ),
        order=first.order_public_id,
        order_number=first.order_number,
        my_name=first.my_name,
        door=door_of(first),
    )


def door_of(row: Any) -> str:
    """3栋2单元501, or what a household wrote whose door is not known yet."""
    if row.door_number is None:
        return f"{row.building if row.level == 'building' else ''}{row.stated_door or ''}"
    return door_label(row.building, row.door_unit, row.door_number, split_no=row.split_no)


def _choice(rows: Sequence[Any], *, is_confirmed: bool, round_limit: int) -> BagChoice:
    first = rows[0]
    items = {
        (row.item, row.spec): ItemView(
            name=row.item, name_en=row.item_en, spec=row.spec, unit=row.unit, quantity=row.quantity
        )
        for row in rows
        if row.item is not None
    }
    return BagChoice(
        public_id=first.round_bag,
        name=first.bag,
        name_en=first.bag_en,
        price_fen=first.price_fen,
        price_version=first.price_version,
        limit=min(first.bag_limit, round_limit) if is_confirmed else BASIC_LIMIT,
        left=None if first.capacity is None else max(0, first.capacity - first.taken_count),
        items=tuple(items.values()),
    )


_one: Select[Any] = (
    select(
        *_household_columns,
        *_round_columns,
        _members.c.id.label("member_id"),
        *_order_columns,
    )
    .select_from(
        _with_lines(
            _orders.join(_rounds, _rounds.c.id == _orders.c.round_id)
            .join(_merged, _merged.c.id == _orders.c.household_id)
            .join(_households, _households.c.id == func.coalesce(_merged.c.merged_into_id, _merged.c.id))
            .outerjoin(
                _members,
                and_(
                    or_(_members.c.household_id == _households.c.id, _members.c.household_id == _merged.c.id),
                    _members.c.person_id == bindparam("person"),
                    _IS_MEMBER,
                ),
            )
        )
    )
    .where(_orders.c.public_id == bindparam("order"))
    .order_by(_lines.c.id)
)


@reading
def get_order(*, actor: Actor, public_id: str, now: datetime) -> OrderView:
    """An order of the actor's household, or of one that they see as staff; NotFound for all others."""
    rows = db.connection().execute(_one, {"order": public_id, "person": actor.person_id}).all()
    if not rows:
        raise NotFound
    first = rows[0]
    if first.member_id is None and not any(actor.can(each, first.household_path) for each in SEES_ORDERS):
        raise NotFound
    # Two members' rows of a merged household would double the lines.
    lines = [row for row in rows if row.member_id == first.member_id]
    return _order_view(actor, lines, now, is_own_home=first.member_id is not None)


@dataclass(frozen=True)
class OrderPage:
    """Orders, newest first; `older` continues where this page ends."""

    orders: tuple[OrderView, ...]
    older: str | None


@reading
def list_orders(
    *, actor: Actor, is_over: bool, now: datetime, before: str | None = None, limit: int = PAGE
) -> OrderPage:
    """The orders of the actor's households, 现在的 or 以前的, newest first, paged by key."""
    over = or_(
        _orders.c.state == OrderState.CANCELLED,
        _rounds.c.state.in_([RoundState.DONE, RoundState.CANCELLED]),
    )
    chosen = (
        select(_orders.c.id)
        .select_from(
            _members.join(_orders, _orders.c.household_id == _members.c.household_id).join(
                _rounds, _rounds.c.id == _orders.c.round_id
            )
        )
        .where(_members.c.person_id == actor.person_id, _IS_MEMBER, over if is_over else ~over)
        .order_by(_orders.c.public_id.desc())
        .limit(limit + 1)
    )
    if before:
        chosen = chosen.where(_orders.c.public_id < before)
    statement = (
        select(*_household_columns, *_round_columns, *_order_columns)
        .select_from(
            _with_lines(
                _orders.join(_rounds, _rounds.c.id == _orders.c.round_id)
                .join(_merged, _merged.c.id == _orders.c.household_id)
                .join(_households, _households.c.id == func.coalesce(_merged.c.merged_into_id, _merged.c.id))
            )
        )
        .where(_orders.c.id.in_(chosen))
        .order_by(_orders.c.public_id.desc(), _lines.c.id)
    )
    groups: dict[int, list[Any]] = {}
    for row in db.connection().execute(statement):
        groups.setdefault(row.order_id, []).append(row)
    views = [_order_view(actor, group, now) for group in groups.values()]
    return OrderPage(
        orders=tuple(views[:limit]), older=views[limit - 1].public_id if len(views) > limit else None
    )
