"""What the services need to see inside their transaction, in few statements that are built once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.base.prepared import Prepared
from webapp.domain.accounts.models import User
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import short_name
from webapp.domain.households.models import Household, HouseholdState, Member, MemberState
from webapp.domain.people.models import PersonPhone
from webapp.domain.supplies.models import (
    Bag,
    Order,
    OrderLine,
    Round,
    RoundArea,
    RoundBag,
)
from webapp.domain.supplies.rules import (
    DeliveryWindow,
    Offer,
    Ordering,
    OrderState,
    RoundKind,
    RoundState,
    ordering_state,
)

_rounds: Any = Round.__table__
_round_areas: Any = RoundArea.__table__
_round_bags: Any = RoundBag.__table__
_bags: Any = Bag.__table__
_orders: Any = Order.__table__
_lines: Any = OrderLine.__table__
_households: Any = Household.__table__
_members: Any = Member.__table__
_users: Any = User.__table__
_phones: Any = PersonPhone.__table__
_areas: Any = Area.__table__

_asked: Any = aliased(Household.__table__, name="asked")
_merged: Any = aliased(Household.__table__, name="merged")
_town: Any = aliased(Area.__table__, name="town")
_county: Any = aliased(Area.__table__, name="county")

SEES_ORDERS = (Permission.ORDER_ASSIST, Permission.ROUND_SEE)


@dataclass(frozen=True)
class Receiver:
    """Whom to write to: the number in clear and the language they read."""

    phone: str
    language: str


@dataclass(frozen=True)
class RoundNow:
    """A round as it stands inside this transaction, with the words a message about it needs."""

    id: int
    public_id: str
    area_id: int
    area_path: str
    number: int
    kind: RoundKind
    state: RoundState
    delivers_on: date
    delivery_window: DeliveryWindow
    opens_at: datetime
    cuts_off_at: datetime
    grace_seconds: int
    household_limit: int
    community: str
    community_en: str | None
    hotline: str | None

    def ordering(self, *, now: datetime, opened_at: datetime | None) -> Ordering:
        """What becomes of an order that arrives now."""
        return ordering_state(
            state=self.state,
            opens_at=self.opens_at,
            cuts_off_at=self.cuts_off_at,
            grace_seconds=self.grace_seconds,
            now=now,
            opened_at=opened_at,
        )


@dataclass(frozen=True)
class HouseholdNow:
    """The household that orders, after merging, and what the actor is to it."""

    id: int
    public_id: str
    area_id: int
    area_path: str
    state: HouseholdState
    is_own: bool
    is_assisted: bool

    @property
    def is_confirmed(self) -> bool:
        """Whether the office knows this household."""
        return self.state is HouseholdState.LISTED


@dataclass(frozen=True)
class OrderingContext:
    """All that placing or changing an order looks at before it writes."""

    round: RoundNow
    household: HouseholdNow
    is_served: bool
    merged_order_id: int | None
    offers: tuple[Offer, ...]
    receiver: Receiver | None


_round_columns = (
    _rounds.c.id.label("round_id"),
    _rounds.c.public_id.label("round_public_id"),
    _rounds.c.area_id.label("round_area_id"),
    _rounds.c.area_path.label("round_area_path"),
    _rounds.c.number.label("round_number"),
    _rounds.c.kind.label("round_kind"),
    _rounds.c.state.label("round_state"),
    _rounds.c.delivers_on,
    _rounds.c.delivery_window,
    _rounds.c.opens_at,
    _rounds.c.cuts_off_at,
    _rounds.c.grace_seconds,
    _rounds.c.household_limit.label("round_limit"),
    _areas.c.name.label("community"),
    _areas.c.name_en.label("community_en"),
    func.coalesce(_areas.c.hotline_phone, _town.c.hotline_phone, _county.c.hotline_phone).label("hotline"),
)
_with_place = (
    _rounds.join(_areas, _areas.c.id == _rounds.c.area_id)
    .outerjoin(_town, _town.c.id == _areas.c.parent_id)
    .outerjoin(_county, _county.c.id == _town.c.parent_id)
)


def serves(area_path: Any) -> Any:
    """Whether the round of the outer statement serves this path: a range, as everywhere."""
    return exists(
        select(literal(1)).where(
            _round_areas.c.round_id == _rounds.c.id,
            area_path >= _round_areas.c.area_path,
            area_path < _round_areas.c.area_path + "~",
        )
    )


_merged_order = (
    select(_orders.c.id)
    .where(
        _orders.c.round_id == _rounds.c.id,
        # Said as IN: joined, SQLite walks over all orders of the round.
        _orders.c.household_id.in_(
            select(_merged.c.id)
            .where(_merged.c.merged_into_id == _households.c.id)
            .correlate(_households)
            .scalar_subquery()
        ),
        is_any(_orders.c.state, OrderState.LIVE),
    )
    .limit(1)
    .correlate(_households, _rounds)
    .scalar_subquery()
)
_joined_context = (
    _with_place.join(_asked, literal(True))
    .join(_households, _households.c.id == func.coalesce(_asked.c.merged_into_id, _asked.c.id))
    .outerjoin(
        _members,
        and_(
            # Whoever belonged to the household that was merged still holds its address on their phone.
            or_(_members.c.household_id == _households.c.id, _members.c.household_id == _asked.c.id),
            _members.c.person_id == bindparam("person"),
            is_any(_members.c.state, MemberState.CONFIRMED, MemberState.WAITING),
        ),
    )
    .outerjoin(_users, _users.c.id == bindparam("user"))
)
_context_columns = (
    *_round_columns,
    _households.c.id.label("household_id"),
    _households.c.public_id.label("household_public_id"),
    _households.c.area_id.label("household_area_id"),
    _households.c.area_path.label("household_area_path"),
    _households.c.state.label("household_state"),
    _members.c.id.label("member_id"),
    _members.c.state.label("member_state"),
    serves(_households.c.area_path).label("is_served"),
    _merged_order.label("merged_order_id"),
    _users.c.phone.label("user_phone"),
    _users.c.language.label("user_language"),
)
_context = Prepared(
    select(*_context_columns)
    .select_from(_joined_context)
    .where(_rounds.c.public_id == bindparam("round"), _asked.c.public_id == bindparam("household"))
    .order_by(_members.c.state)
    .limit(1)
)
_context_by_ids = Prepared(
    select(*_context_columns)
    .select_from(_joined_context)
    .where(_rounds.c.id == bindparam("round"), _asked.c.id == bindparam("household"))
    .order_by(_members.c.state)
    .limit(1)
)
_offer_columns = (
    _round_bags.c.id,
    _round_bags.c.public_id,
    _round_bags.c.price_fen,
    _round_bags.c.price_version,
    _round_bags.c.household_limit,
    _bags.c.name,
    _bags.c.is_basic,
)
# Mostly one bag is chosen, and then it comes along.
_context_and_bag = Prepared(
    select(*_context_columns, *(each.label(f"bag_{each.name}") for each in _offer_columns))
    .select_from(
        _joined_context.outerjoin(
            _round_bags.join(_bags, _bags.c.id == _round_bags.c.bag_id),
            and_(_round_bags.c.round_id == _rounds.c.id, _round_bags.c.public_id == bindparam("bag")),
        )
    )
    .where(_rounds.c.public_id == bindparam("round"), _asked.c.public_id == bindparam("household"))
    .order_by(_members.c.state)
    .limit(1)
)
# In a statement of its own: a round may have a hundred bags, and each would repeat all of the above.
_offers = Prepared(
    select(*_offer_columns)
    .join(_bags, _bags.c.id == _round_bags.c.bag_id)
    .where(_round_bags.c.round_id == bindparam("round"))
    .order_by(_round_bags.c.id)
)


def _round_of(row: Any) -> RoundNow:
    return RoundNow(
        id=row.round_id,
        public_id=row.round_public_id,
        area_id=row.round_area_id,
        area_path=row.round_area_path,
        number=row.round_number,
        kind=row.round_kind,
        state=row.round_state,
        delivers_on=row.delivers_on,
        delivery_window=row.delivery_window,
        opens_at=row.opens_at,
        cuts_off_at=row.cuts_off_at,
        grace_seconds=row.grace_seconds,
        household_limit=row.round_limit,
        community=short_name(row.community),
        community_en=row.community_en,
        hotline=row.hotline,
    )


def _offers_of(round_id: int) -> tuple[Offer, ...]:
    return tuple(
        Offer(
            id=row.id,
            public_id=row.public_id,
            name=row.name,
            price_fen=row.price_fen,
            price_version=row.price_version,
            household_limit=row.household_limit,
            is_basic=bool(row.is_basic),
        )
        for row in _offers.all({"round": round_id})
    )


def _offer_along(row: Any) -> tuple[Offer, ...]:
    if row.bag_id is None:
        return ()
    return (
        Offer(
            id=row.bag_id,
            public_id=row.bag_public_id,
            name=row.bag_name,
            price_fen=row.bag_price_fen,
            price_version=row.bag_price_version,
            household_limit=row.bag_household_limit,
            is_basic=bool(row.bag_is_basic),
        ),
    )


def _context_of(rows: Any, actor: Actor, *, has_offer_along: bool = False) -> OrderingContext:
    if not rows:
        raise NotFound
    first = rows[0]
    path = first.household_area_path
    if not path.startswith(first.round_area_path) or first.round_state == RoundState.DRAFT:
        raise NotFound
    is_own = first.member_id is not None
    is_assisted = not is_own and actor.can(Permission.ORDER_ASSIST, path)
    if not is_own and not is_assisted:
        raise NotAllowed if any(actor.can(each, path) for each in SEES_ORDERS) else NotFound
    state = HouseholdState(first.household_state)
    if is_own and first.member_state == MemberState.WAITING and state is HouseholdState.LISTED:
        raise NotAllowed("not_confirmed_yet")
    if state in {HouseholdState.CLOSED, HouseholdState.REFUSED}:
        raise NotFound
    receiver = None
    if is_own and first.user_phone is not None:
        receiver = Receiver(phone=crypto.decrypt(first.user_phone), language=first.user_language)
    return OrderingContext(
        round=_round_of(first),
        household=HouseholdNow(
            id=first.household_id,
            public_id=first.household_public_id,
            area_id=first.household_area_id,
            area_path=path,
            state=state,
            is_own=is_own,
            is_assisted=is_assisted,
        ),
        is_served=bool(first.is_served),
        merged_order_id=first.merged_order_id,
        offers=_offer_along(first) if has_offer_along else _offers_of(first.round_id),
        receiver=receiver,
    )


def ordering_context(
    *, actor: Actor, round_public_id: str, household_public_id: str, bags: Collection[str]
) -> OrderingContext:
    """The round, the household, the actor's standing in it, and the bags: one statement for one bag, else two.

    `bags` are the public ids of those that are asked for; the offers hold at least what of them the round has.
    NotFound for a round of another community, a household that is not the actor's, or a draft;
    NotAllowed for staff who may look but not order, and for members nobody has confirmed.
    """
    values = {
        "round": round_public_id,
        "household": household_public_id,
        "person": actor.person_id,
        "user": actor.user_id,
    }
    if len(bags) == 1:
        rows = _context_and_bag.all(values | {"bag": next(iter(bags))})
        return _context_of(rows, actor, has_offer_along=True)
    return _context_of(_context.all(values), actor)


@dataclass(frozen=True)
class OrderNow:
    """An order inside this transaction."""

    id: int
    public_id: str
    number: str
    state: OrderState
    version: int
    round_id: int
    household_id: int
    placed_by_person_id: int | None


@dataclass(frozen=True)
class LineNow:
    """A line of an order inside this transaction."""

    id: int
    round_bag_id: int
    wanted: int
    given: int
    price_fen: int
    price_version: int
    no_substitute: bool
    waiting_since: datetime | None


_order_columns = (
    _orders.c.id,
    _orders.c.public_id,
    _orders.c.number,
    _orders.c.state,
    _orders.c.version,
    _orders.c.round_id,
    _orders.c.household_id,
    _orders.c.placed_by_person_id,
)
_order_by_public_id = select(*_order_columns).where(_orders.c.public_id == bindparam("order"))
_order_by_id = select(*_order_columns).where(_orders.c.id == bindparam("order"))
_order_that_stands = select(*_order_columns).where(
    or_(
        _orders.c.client_id == bindparam("client"),
        and_(
            _orders.c.round_id == bindparam("round"),
            _orders.c.household_id == bindparam("household"),
            is_any(_orders.c.state, OrderState.LIVE),
        ),
    )
)
_lines_of_order = (
    select(
        _lines.c.id,
        _lines.c.round_bag_id,
        _lines.c.wanted_count,
        _lines.c.given_count,
        _lines.c.price_fen,
        _lines.c.price_version,
        _lines.c.no_substitute,
        _lines.c.waiting_since,
    )
    .where(_lines.c.order_id == bindparam("order"))
    .order_by(_lines.c.round_bag_id)
)


def _order_of(row: Any) -> OrderNow:
    return OrderNow(
        id=row.id,
        public_id=row.public_id,
        number=row.number,
        state=OrderState(row.state),
        version=row.version,
        round_id=row.round_id,
        household_id=row.household_id,
        placed_by_person_id=row.placed_by_person_id,
    )


def order_by_id(order_id: int) -> OrderNow:
    """An order that a claim points to."""
    return _order_of(db.connection().execute(_order_by_id, {"order": order_id}).one())


def order_in_the_way(*, client_id: str, round_id: int, household_id: int) -> OrderNow | None:
    """The order for which a new one was not written: the same key, or the one that stands."""
    row = (
        db.connection()
        .execute(_order_that_stands, {"client": client_id, "round": round_id, "household": household_id})
        .first()
    )
    return None if row is None else _order_of(row)


def order_context(*, actor: Actor, order_public_id: str) -> tuple[OrderNow, OrderingContext]:
    """An order that the actor may act on, with its round and household; NotFound and NotAllowed as above."""
    connection = db.connection()
    row = connection.execute(_order_by_public_id, {"order": order_public_id}).one_or_none()
    if row is None:
        raise NotFound
    rows = _context_by_ids.all(
        {
            "round": row.round_id,
            "household": row.household_id,
            "person": actor.person_id,
            "user": actor.user_id,
        }
    )
    return _order_of(row), _context_of(rows, actor)


def lines_of(order_id: int) -> list[LineNow]:
    """The lines of an order by round bag; read after the bags are locked, promotion may have moved them."""
    return [
        LineNow(
            id=row.id,
            round_bag_id=row.round_bag_id,
            wanted=row.wanted_count,
            given=row.given_count,
            price_fen=row.price_fen,
            price_version=row.price_version,
            no_substitute=bool(row.no_substitute),
            waiting_since=row.waiting_since,
        )
        for row in db.connection().execute(_lines_of_order, {"order": order_id})
    ]


@dataclass(frozen=True)
class Stock:
    """A bag of a round, locked until the transaction ends."""

    id: int
    capacity: int | None
    taken: int


def lock_bags(round_bag_ids: list[int]) -> dict[int, Stock]:
    """Lock these bags in ascending order and say what is left of them."""
    c = _round_bags.c
    rows = db.connection().execute(
        select(c.id, c.capacity, c.taken_count)
        .where(c.id.in_(round_bag_ids))
        .order_by(c.id)
        .with_for_update(key_share=True)
    )
    return {row.id: Stock(id=row.id, capacity=row.capacity, taken=row.taken_count) for row in rows}


@dataclass(frozen=True)
class QueuedLine:
    """A line in the queue with what telling the household about it needs."""

    line_id: int
    order_id: int
    order_number: str
    household_id: int
    placed_by_person_id: int | None
    bag_name: str
    missing: int


_queue = (
    select(
        _lines.c.id.label("line_id"),
        _orders.c.id.label("order_id"),
        _orders.c.number,
        _orders.c.household_id,
        _orders.c.placed_by_person_id,
        _bags.c.name.label("bag_name"),
        (_lines.c.wanted_count - _lines.c.given_count).label("missing"),
    )
    .join(_orders, _orders.c.id == _lines.c.order_id)
    .join(_round_bags, _round_bags.c.id == _lines.c.round_bag_id)
    .join(_bags, _bags.c.id == _round_bags.c.bag_id)
    .where(
        _lines.c.round_bag_id == bindparam("round_bag"),
        _lines.c.waiting_since.is_not(None),
        is_any(_orders.c.state, OrderState.LIVE),
    )
    .order_by(_lines.c.waiting_since, _lines.c.id)
    .limit(bindparam("most"))
)


def queue(round_bag_id: int, *, most: int) -> list[QueuedLine]:
    """The first `most` lines that wait for a bag; the bag is locked before."""
    return [
        QueuedLine(
            line_id=row.line_id,
            order_id=row.order_id,
            order_number=row.number,
            household_id=row.household_id,
            placed_by_person_id=row.placed_by_person_id,
            bag_name=row.bag_name,
            missing=row.missing,
        )
        for row in db.connection().execute(_queue, {"round_bag": round_bag_id, "most": most})
    ]


def receiver_of(*, household_id: int, person_id: int | None) -> Receiver | None:
    """Whom to tell about a household's order: whoever placed it, else its first member with a phone."""
    connection = db.connection()
    if person_id is not None:
        row = connection.execute(
            select(_users.c.phone, _users.c.language).where(_users.c.person_id == person_id)
        ).one_or_none()
        if row is not None:
            return Receiver(phone=crypto.decrypt(row.phone), language=row.language)
    row = connection.execute(
        select(func.coalesce(_users.c.phone, _phones.c.phone).label("phone"), _users.c.language)
        .select_from(
            _members.outerjoin(_users, _users.c.person_id == _members.c.person_id).outerjoin(
                _phones, _phones.c.person_id == _members.c.person_id
            )
        )
        .where(
            _members.c.household_id == household_id,
            _members.c.state.in_([MemberState.CONFIRMED, MemberState.LISTED, MemberState.WAITING]),
            or_(_users.c.id.is_not(None), _phones.c.id.is_not(None)),
        )
        .order_by(
            case((_members.c.state == MemberState.CONFIRMED, 0), else_=1),
            _members.c.position,
            _members.c.id,
            _phones.c.position,
        )
        .limit(1)
    ).first()
    if row is None:
        return None
    return Receiver(phone=crypto.decrypt(row.phone), language=row.language or "zh_Hans")


_round_by_public_id: Select[Any] = (
    select(*_round_columns).select_from(_with_place).where(_rounds.c.public_id == bindparam("round"))
)
_round_by_id: Select[Any] = (
    select(*_round_columns).select_from(_with_place).where(_rounds.c.id == bindparam("round"))
)


def round_for(*, actor: Actor, permission: Permission, round_public_id: str) -> RoundNow:
    """A round for staff; NotFound outside their area, NotAllowed where they may look but not do this."""
    row = db.connection().execute(_round_by_public_id, {"round": round_public_id}).one_or_none()
    if row is None:
        raise NotFound
    path = row.round_area_path
    if not actor.can(permission, path):
        sees = any(path.startswith(own) or own.startswith(path) for own in actor.paths(Permission.ROUND_SEE))
        raise NotAllowed if sees else NotFound
    return _round_of(row)


def round_by_id(round_id: int) -> RoundNow:
    """A round that the transaction already knows."""
    return _round_of(db.connection().execute(_round_by_id, {"round": round_id}).one())


def bag_ids_of(round_id: int) -> list[int]:
    """The round's bags in ascending order."""
    return list(
        db.connection()
        .execute(
            select(_round_bags.c.id).where(_round_bags.c.round_id == round_id).order_by(_round_bags.c.id)
        )
        .scalars()
    )


@dataclass(frozen=True)
class MergedOrder:
    """A live order of a household that turned out to be another one."""

    id: int
    round_id: int
    household_id: int
    into_id: int
    placed_by_person_id: int | None
    has_own: bool


def household_by_id(household_id: int) -> HouseholdNow:
    """A household that the transaction already knows, without anybody's standing in it."""
    c = _households.c
    row = (
        db.connection()
        .execute(select(c.id, c.public_id, c.area_id, c.area_path, c.state).where(c.id == household_id))
        .one()
    )
    return HouseholdNow(
        id=row.id,
        public_id=row.public_id,
        area_id=row.area_id,
        area_path=row.area_path,
        state=row.state,
        is_own=False,
        is_assisted=False,
    )


def merged_orders(
    *, round_id: int | None = None, is_packing: bool = False, limit: int = 500
) -> list[MergedOrder]:
    """Live orders, in rounds not yet packed, of households that were merged into another."""
    own: Any = aliased(Order.__table__, name="own")
    has_own = exists(
        select(literal(1)).where(
            own.c.round_id == _orders.c.round_id,
            own.c.household_id == _merged.c.merged_into_id,
            is_any(own.c.state, OrderState.LIVE),
        )
    )
    statement = (
        select(
            _orders.c.id,
            _orders.c.round_id,
            _orders.c.household_id,
            _merged.c.merged_into_id.label("into_id"),
            _orders.c.placed_by_person_id,
            has_own.label("has_own"),
        )
        .select_from(
            _merged.join(_orders, _orders.c.household_id == _merged.c.id).join(
                _rounds, _rounds.c.id == _orders.c.round_id
            )
        )
        .where(
            _merged.c.merged_into_id.is_not(None),
            is_any(_orders.c.state, OrderState.LIVE),
            _rounds.c.state.in_([RoundState.PACKING] if is_packing else [RoundState.OPEN, RoundState.CLOSED]),
        )
        .order_by(_orders.c.id)
        .limit(limit)
    )
    if round_id is not None:
        statement = statement.where(_orders.c.round_id == round_id)
    return [
        MergedOrder(
            id=row.id,
            round_id=row.round_id,
            household_id=row.household_id,
            into_id=row.into_id,
            placed_by_person_id=row.placed_by_person_id,
            has_own=bool(row.has_own),
        )
        for row in db.connection().execute(statement)
    ]


@reading
def rounds_to_count(*, now: datetime) -> list[int]:
    """Registration rounds that were closed early, whose grace is over and whose bags are not yet counted."""
    rows = db.connection().execute(
        select(_rounds.c.id, _rounds.c.cuts_off_at, _rounds.c.grace_seconds)
        .join(_round_bags, _round_bags.c.round_id == _rounds.c.id)
        .where(_rounds.c.state == RoundState.CLOSED, _round_bags.c.capacity.is_(None))
        .distinct()
    )
    return [row.id for row in rows if (now - row.cuts_off_at).total_seconds() > row.grace_seconds]


@reading
def rounds_past_grace(*, now: datetime) -> list[int]:
    """Open rounds whose cut-off and grace are over."""
    rows = db.connection().execute(
        select(_rounds.c.id, _rounds.c.cuts_off_at, _rounds.c.grace_seconds).where(
            _rounds.c.state == RoundState.OPEN, _rounds.c.cuts_off_at < now
        )
    )
    return [row.id for row in rows if (now - row.cuts_off_at).total_seconds() > row.grace_seconds]
