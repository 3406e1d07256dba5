"""Deeds of supplies: orders with their waitlist, rounds from draft to done, bags, printed sheets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from webapp.base import audit, clock, db, files, jobs, outbox, requests
from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, is_any, within, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_number, new_public_id
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.households.models import Household, HouseholdState
from webapp.domain.supplies import rules
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
from webapp.domain.supplies.queries import loads, paper
from webapp.domain.supplies.rules import (
    BagPlan,
    DeliveryWindow,
    OrderChannel,
    Ordering,
    OrderState,
    RoundKind,
    RoundState,
    Step,
    Waiting,
    Wish,
)

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
_areas: Any = Area.__table__

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
NUMBER_ATTEMPTS = 6


@dataclass(frozen=True)
class Placed:
    """What came of an order: its number and whether it must wait. `is_late` came after the cut-off."""

    public_id: str
    number: str
    is_waiting: bool
    is_late: bool


# --- statements of the hot path, built once -----------------------------------------------------------------

_insert_order = {
    name: build(_orders).on_conflict_do_nothing().returning(_orders.c.id) for name, build in _INSERTS.items()
}
_count_building = {
    name: build(_round_buildings)
    .values(
        round_id=bindparam("round"),
        area_id=bindparam("area"),
        sort_key=select(_areas.c.sort_key).where(_areas.c.id == bindparam("area")).scalar_subquery(),
        household_count=1,
        ordered_count=1,
    )
    .on_conflict_do_update(
        index_elements=["round_id", "area_id"],
        set_={
            "ordered_count": _round_buildings.c.ordered_count + 1,
            "household_count": _round_buildings.c.household_count + bindparam("unlisted"),
        },
    )
    for name, build in _INSERTS.items()
}
_uncount_building = (
    update(_round_buildings)
    .where(
        _round_buildings.c.round_id == bindparam("round"),
        _round_buildings.c.area_id == bindparam("area"),
        _round_buildings.c.ordered_count > 0,
    )
    .values(
        ordered_count=_round_buildings.c.ordered_count - 1,
        household_count=_round_buildings.c.household_count - bindparam("unlisted"),
    )
)
_take = (
    update(_round_bags)
    .where(
        _round_bags.c.id == bindparam("bag"),
        or_(
            _round_bags.c.capacity.is_(None),
            _round_bags.c.taken_count + bindparam("count") <= _round_bags.c.capacity,
        ),
    )
    .values(taken_count=_round_bags.c.taken_count + bindparam("count"))
)
_put_back = (
    update(_round_bags)
    .where(_round_bags.c.id == bindparam("bag"))
    .values(taken_count=_round_bags.c.taken_count - bindparam("count"))
)
_insert_line = insert(_lines).inline()
_give_line = (
    update(_lines)
    .where(_lines.c.id == bindparam("line"))
    .values(
        given_count=_lines.c.given_count + bindparam("count"),
        # Still short: keeps its place in the queue. Complete: leaves it.
        waiting_since=case(
            (_lines.c.given_count + bindparam("count") < _lines.c.wanted_count, _lines.c.waiting_since),
            else_=None,
        ),
    )
)


# --- orders -------------------------------------------------------------------------------------------------


@writing
def place_order(
    *,
    deed: Deed,
    round_public_id: str,
    household_public_id: str,
    lines: Sequence[Wish],
    opened_at: datetime | None = None,
) -> Placed:
    """Write a household's order and take the stock for it; what is not left waits in the queue 候补.

    `opened_at` is when the server opened the form (signed by the web floor); None means now. The same key
    answers the same order again. Refusals: see `rules`; Conflict already_ordered names the order that stands,
    order_changed_since a repeat whose order was changed meanwhile.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _again(claim)
    context = loads.ordering_context(
        actor=deed.actor, round_public_id=round_public_id, household_public_id=household_public_id
    )
    return _place(deed, claim, context, lines, opened_at)


def _again(claim: requests.Claim) -> Placed:
    order = loads.order_by_id(claim.object_id or 0)
    if order.state is OrderState.CANCELLED or (claim.outcome or "") != _outcome(order.version):
        raise Conflict("order_changed_since", number=order.number, order=order.public_id)
    return _placed(order.id)


def _outcome(version: int) -> str:
    return f"version:{version}"


def _placed(order_id: int) -> Placed:
    row = (
        db.connection()
        .execute(
            select(
                _orders.c.public_id,
                _orders.c.number,
                _orders.c.is_late,
                func.sum(_lines.c.wanted_count - _lines.c.given_count).label("missing"),
            )
            .join(_lines, _lines.c.order_id == _orders.c.id)
            .where(_orders.c.id == order_id)
            .group_by(_orders.c.id, _orders.c.public_id, _orders.c.number, _orders.c.is_late)
        )
        .one()
    )
    return Placed(
        public_id=row.public_id, number=row.number, is_waiting=row.missing > 0, is_late=bool(row.is_late)
    )


def _place(
    deed: Deed,
    claim: requests.Claim,
    context: loads.OrderingContext,
    wishes: Sequence[Wish],
    opened_at: datetime | None,
) -> Placed:
    the_round, household = context.round, context.household
    ordering = the_round.ordering(now=deed.now, opened_at=opened_at)
    rules.ensure_takes_orders(ordering)
    if not context.is_served:
        raise RuleBroken("round_does_not_serve")
    if context.merged_order_id is not None:
        raise _already_ordered(loads.order_by_id(context.merged_order_id))
    lines = rules.lines_of(
        wishes,
        context.offers,
        round_limit=the_round.household_limit,
        is_confirmed=household.is_confirmed,
    )
    is_late = ordering is Ordering.LATE
    order_id, public_id, number = _insert(deed, context, lines, is_late=is_late)
    requests.settle(claim, outcome=_outcome(1), object_id=order_id)
    audit.record(
        deed,
        "place_order",
        "order",
        order_id,
        area_path=household.area_path,
        number=number,
        lines={line.offer.public_id: line.count for line in lines},
        is_late=is_late,
        is_assisted=household.is_assisted,
    )
    _count(the_round.id, household)
    given = {line.offer.id: 0 if is_late else _take_up_to(line.offer.id, line.count) for line in lines}
    missing = sum(line.count - given[line.offer.id] for line in lines)
    db.connection().execute(
        _insert_line,
        [
            {
                "order_id": order_id,
                "round_bag_id": line.offer.id,
                "wanted_count": line.count,
                "given_count": given[line.offer.id],
                "price_fen": line.price_fen,
                "price_version": line.price_version,
                "no_substitute": line.no_substitute,
                "waiting_since": deed.now if given[line.offer.id] < line.count else None,
            }
            for line in lines
        ],
    )
    if is_late and the_round.state is RoundState.CLOSED:
        # What was left over goes by the queue, of which this order is now the end.
        _promote(deed, the_round, [line.offer.id for line in lines], untold=order_id)
        missing = _missing(order_id)
    receiver = context.receiver or loads.receiver_of(household_id=household.id, person_id=None)
    _tell(deed, "waiting" if missing else "ordered", receiver, the_round, number=number, bags=_counted(lines))
    return Placed(public_id=public_id, number=number, is_waiting=missing > 0, is_late=is_late)


def _insert(
    deed: Deed, context: loads.OrderingContext, lines: Sequence[rules.Line], *, is_late: bool
) -> tuple[int, str, str]:
    connection = db.connection()
    public_id = new_public_id()
    values: dict[str, Any] = {
        "public_id": public_id,
        "client_id": f"{deed.actor.key}:{deed.client_id}",
        "area_id": context.round.area_id,
        "numbered_on": clock.day(deed.now),
        "round_id": context.round.id,
        "household_id": context.household.id,
        "state": OrderState.LIVE,
        "channel": OrderChannel.ASSISTED if context.household.is_assisted else OrderChannel.APP,
        "is_late": is_late,
        "placed_by": deed.actor.key,
        "placed_by_person_id": deed.actor.person_id if context.household.is_own else None,
        "placed_at": deed.now,
        "total_fen": sum(line.count * line.price_fen for line in lines),
        "version": 1,
    }
    for _ in range(NUMBER_ATTEMPTS):
        number = new_number()
        order_id = connection.execute(
            _insert_order[connection.dialect.name], values | {"number": number}
        ).scalar()
        if order_id is not None:
            return order_id, public_id, number
        standing = loads.order_in_the_way(
            client_id=values["client_id"], round_id=context.round.id, household_id=context.household.id
        )
        if standing is not None:
            raise _already_ordered(standing)
    raise Conflict("number_taken")


def _already_ordered(standing: loads.OrderNow) -> Conflict:
    # One tap makes the standing order what was asked for now; nothing is ever added silently.
    confirm = {"order": standing.public_id, "version": str(standing.version)}
    return Conflict(
        "already_ordered",
        number=standing.number,
        order=standing.public_id,
        version=standing.version,
        confirm=confirm,
    )


def _count(round_id: int, household: loads.HouseholdNow) -> None:
    connection = db.connection()
    connection.execute(
        _count_building[connection.dialect.name],
        {"round": round_id, "area": household.area_id, "unlisted": 0 if household.is_confirmed else 1},
    )


def _uncount(round_id: int, household: loads.HouseholdNow) -> None:
    db.connection().execute(
        _uncount_building,
        {"round": round_id, "area": household.area_id, "unlisted": 0 if household.is_confirmed else 1},
    )


def _take_up_to(round_bag_id: int, count: int) -> int:
    """Take `count` of the bag, or what is left of it. The conditional update is the sale."""
    connection = db.connection()
    if connection.execute(_take, {"bag": round_bag_id, "count": count}).rowcount:
        return count
    # The row is locked before it is read again: a bag that somebody gives back in this moment is either seen
    # here, or its giver sees this line in the queue. Without the lock both would look away.
    stock = loads.lock_bags([round_bag_id])[round_bag_id]
    left = rules.free_count(capacity=stock.capacity, taken=stock.taken, wanted=count)
    if left:
        connection.execute(_take, {"bag": round_bag_id, "count": left})
    return left


def _missing(order_id: int) -> int:
    return sum(line.wanted - line.given for line in loads.lines_of(order_id))


def _counted(lines: Sequence[rules.Line]) -> list[list[Any]]:
    return [[line.offer.name, line.count] for line in lines]


def _tell(
    deed: Deed,
    template: str,
    receiver: loads.Receiver | None,
    the_round: loads.RoundNow,
    **parameters: Any,
) -> None:
    """Put a message about an order into the outbox; a household without any phone is told at the door."""
    if receiver is None:
        return
    outbox.enqueue(
        deed,
        template,
        phone=receiver.phone,
        language=receiver.language,
        community=the_round.community,
        community_en=the_round.community_en,
        hotline=the_round.hotline,
        delivers_on=the_round.delivers_on.isoformat(),
        delivery_window=str(the_round.delivery_window),
        cuts_off_at=the_round.cuts_off_at.isoformat(),
        **parameters,
    )


def _promote(
    deed: Deed, the_round: loads.RoundNow, round_bag_ids: Sequence[int], *, untold: int | None = None
) -> int:
    """Give what is free of these bags to the first in the queue and tell them; returns how many bags.

    `untold` is the order that is being placed: it is told by its own message.
    """
    connection = db.connection()
    dealt = 0
    for stock in loads.lock_bags(sorted(round_bag_ids)).values():
        if stock.capacity is None:
            # A registration round that is still open: nobody waits for stock, only those who came too late.
            continue
        free = stock.capacity - stock.taken
        if free <= 0:
            continue
        queued = {line.line_id: line for line in loads.queue(stock.id, most=free)}
        given = rules.deal([Waiting(line.line_id, line.missing) for line in queued.values()], free)
        for line_id, count in given:
            connection.execute(_give_line, {"line": line_id, "count": count})
            line = queued[line_id]
            if line.order_id != untold:
                receiver = loads.receiver_of(
                    household_id=line.household_id, person_id=line.placed_by_person_id
                )
                _tell(
                    deed,
                    "given",
                    receiver,
                    the_round,
                    number=line.order_number,
                    bags=[[line.bag_name, count]],
                )
            audit.record(
                deed,
                "give_bag",
                "order",
                line.order_id,
                area_path=the_round.area_path,
                bag=stock.id,
                count=count,
            )
        total = sum(count for _, count in given)
        if total:
            connection.execute(_take, {"bag": stock.id, "count": total})
            dealt += total
    return dealt


@writing
def change_order(
    *,
    deed: Deed,
    order_public_id: str,
    version: int,
    lines: Sequence[Wish],
    opened_at: datetime | None = None,
) -> Placed:
    """Make a standing order what is wished now; what is given back goes to the first in the queue.

    `version` is the order as the person saw it: another one means that somebody changed it meanwhile, and
    Conflict changed_meanwhile says so. Until the cut-off; staff until packing.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _again(claim)
    order, context = loads.order_context(actor=deed.actor, order_public_id=order_public_id)
    the_round, household = context.round, context.household
    if order.state is OrderState.CANCELLED:
        raise Conflict("order_cancelled", number=order.number)
    if order.version != version:
        raise _changed_meanwhile(order)
    ordering = the_round.ordering(now=deed.now, opened_at=opened_at)
    rules.ensure_takes_orders(ordering)
    rules.ensure_can_change(ordering, is_assisted=household.is_assisted)
    connection = db.connection()
    changed = connection.execute(
        update(_orders)
        .where(
            _orders.c.id == order.id, _orders.c.version == version, is_any(_orders.c.state, OrderState.LIVE)
        )
        .values(version=_orders.c.version + 1, changed_at=deed.now)
    ).rowcount
    if not changed:
        raise _changed_meanwhile(loads.order_by_id(order.id))
    stock = loads.lock_bags([offer.id for offer in context.offers])
    before = {line.round_bag_id: line for line in loads.lines_of(order.id)}
    wished = rules.lines_of(
        lines,
        context.offers,
        round_limit=the_round.household_limit,
        is_confirmed=household.is_confirmed,
        standing={
            id_: rules.Standing(line.wanted, line.price_fen, line.price_version)
            for id_, line in before.items()
        },
    )
    freed = _write_lines(deed, order.id, before, wished, stock, is_late=ordering is Ordering.LATE)
    connection.execute(
        update(_orders)
        .where(_orders.c.id == order.id)
        .values(total_fen=sum(line.count * line.price_fen for line in wished))
    )
    requests.settle(claim, outcome=_outcome(version + 1), object_id=order.id)
    audit.record(
        deed,
        "change_order",
        "order",
        order.id,
        area_path=household.area_path,
        number=order.number,
        before={str(id_): line.wanted for id_, line in before.items()},
        after={str(line.offer.id): line.count for line in wished},
        is_assisted=household.is_assisted,
    )
    open_to_queue = list(stock) if the_round.state is RoundState.CLOSED else freed
    if open_to_queue:
        _promote(deed, the_round, open_to_queue, untold=order.id)
    missing = _missing(order.id)
    receiver = context.receiver or loads.receiver_of(
        household_id=household.id, person_id=order.placed_by_person_id
    )
    template = "waiting" if missing else "ordered"
    _tell(deed, template, receiver, the_round, number=order.number, bags=_counted(wished))
    return _placed(order.id)


def _changed_meanwhile(order: loads.OrderNow) -> Conflict:
    if order.state is OrderState.CANCELLED:
        return Conflict("order_cancelled", number=order.number)
    return Conflict(
        "changed_meanwhile",
        number=order.number,
        order=order.public_id,
        confirm={"version": str(order.version)},
    )


def _write_lines(
    deed: Deed,
    order_id: int,
    before: dict[int, loads.LineNow],
    wished: Sequence[rules.Line],
    stock: dict[int, loads.Stock],
    *,
    is_late: bool,
) -> list[int]:
    """Bring the lines to what is wished, under the lock of the bags; returns the bags of which some are free.

    A line that grows goes to the end of the queue for what it lacks: asking for more overtakes nobody.
    """
    connection = db.connection()
    freed: list[int] = []
    after = {line.offer.id: line for line in wished}
    for id_ in sorted(before.keys() | after.keys()):
        old, new = before.get(id_), after.get(id_)
        old_given = old.given if old else 0
        wanted = new.count if new else 0
        given = min(old_given, wanted)
        grows = wanted > (old.wanted if old else 0)
        waits_already = old is not None and old.waiting_since is not None
        if wanted > given and grows and not waits_already and not is_late:
            left = stock[id_]
            given += rules.free_count(capacity=left.capacity, taken=left.taken, wanted=wanted - given)
        if given != old_given:
            statement = _take if given > old_given else _put_back
            connection.execute(statement, {"bag": id_, "count": abs(given - old_given)})
        if given < old_given:
            freed.append(id_)
        if new is None:
            connection.execute(
                delete(_lines).where(_lines.c.order_id == order_id, _lines.c.round_bag_id == id_)
            )
            continue
        waiting_since = None
        if given < wanted:
            keeps_place = old is not None and old.waiting_since is not None and not grows
            waiting_since = old.waiting_since if keeps_place and old else deed.now
        values = {
            "wanted_count": wanted,
            "given_count": given,
            "price_fen": new.price_fen,
            "price_version": new.price_version,
            "no_substitute": new.no_substitute,
            "waiting_since": waiting_since,
        }
        if old is None:
            connection.execute(_insert_line, {"order_id": order_id, "round_bag_id": id_} | values)
        else:
            connection.execute(update(_lines).where(_lines.c.id == old.id).values(**values))
    return freed


@writing
def cancel_order(
    *, deed: Deed, order_public_id: str, version: int | None = None, opened_at: datetime | None = None
) -> Placed:
    """Cancel a standing order and give its bags to the first in the queue.

    Members until the cut-off; staff until packing, with `deed.reason`. Cancelling what is cancelled is done.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _placed(claim.object_id or 0)
    order, context = loads.order_context(actor=deed.actor, order_public_id=order_public_id)
    the_round, household = context.round, context.household
    if order.state is OrderState.CANCELLED:
        raise Conflict("order_cancelled", number=order.number)
    if version is not None and order.version != version:
        raise _changed_meanwhile(order)
    if household.is_assisted and not (deed.reason or "").strip():
        raise RuleBroken("reason_missing", field="reason")
    ordering = the_round.ordering(now=deed.now, opened_at=opened_at)
    rules.ensure_takes_orders(ordering)
    rules.ensure_can_change(ordering, is_assisted=household.is_assisted)
    _cancel(deed, order, the_round, household)
    requests.settle(claim, outcome="cancelled", object_id=order.id)
    receiver = context.receiver or loads.receiver_of(
        household_id=household.id, person_id=order.placed_by_person_id
    )
    _tell(deed, "order_cancelled", receiver, the_round, number=order.number)
    return _placed(order.id)


def _cancel(
    deed: Deed, order: loads.OrderNow, the_round: loads.RoundNow, household: loads.HouseholdNow
) -> None:
    connection = db.connection()
    changed = connection.execute(
        update(_orders)
        .where(
            _orders.c.id == order.id,
            _orders.c.version == order.version,
            is_any(_orders.c.state, OrderState.LIVE),
        )
        .values(
            state=OrderState.CANCELLED,
            cancelled_at=deed.now,
            cancel_reason=(deed.reason or None) and (deed.reason or "")[:200],
            version=_orders.c.version + 1,
        )
    ).rowcount
    if not changed:
        raise _changed_meanwhile(loads.order_by_id(order.id))
    _uncount(the_round.id, household)
    audit.record(
        deed,
        "cancel_order",
        "order",
        order.id,
        area_path=household.area_path,
        number=order.number,
        is_assisted=household.is_assisted,
    )
    # Locked first, read after: a promotion that was under way is seen.
    loads.lock_bags(loads.bag_ids_of(the_round.id))
    lines = loads.lines_of(order.id)
    for line in lines:
        if line.given:
            connection.execute(_put_back, {"bag": line.round_bag_id, "count": line.given})
    connection.execute(
        update(_lines).where(_lines.c.order_id == order.id).values(given_count=0, waiting_since=None)
    )
    freed = [line.round_bag_id for line in lines if line.given]
    if freed:
        _promote(deed, the_round, freed)


# --- rounds -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RoundPlan:
    """A round as the head plans it. `areas` are public ids of what it serves; empty: the whole community."""

    area: str
    kind: RoundKind
    delivers_on: date
    delivery_window: DeliveryWindow
    opens_at: datetime | None
    cuts_off_at: datetime
    household_limit: int
    bags: tuple[BagPlan, ...]
    areas: tuple[str, ...] = ()
    takes_money_at_door: bool = False


@writing
def make_round(*, deed: Deed, plan: RoundPlan) -> str:
    """Write a draft of a round with its bags and what it serves; returns its public id.

    NotFound for an area, bag or building that is not the actor's to manage.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _round_public_id(claim.object_id)
    connection = db.connection()
    area = _managed_area(deed.actor, plan.area)
    opens_at = plan.opens_at or deed.now
    rules.ensure_round_plan(
        kind=plan.kind, opens_at=opens_at, cuts_off_at=plan.cuts_off_at, now=deed.now, bags=plan.bags
    )
    bag_ids = _bag_ids(area.path, [each.bag for each in plan.bags])
    served = _served_areas(area, plan.areas)
    public_id = new_public_id()
    round_id = connection.execute(
        insert(_rounds).returning(_rounds.c.id),
        {
            "public_id": public_id,
            "area_id": area.id,
            "area_path": area.path,
            "number": _next_number(area.id),
            "kind": plan.kind,
            "state": RoundState.DRAFT,
            "delivers_on": plan.delivers_on,
            "delivery_window": plan.delivery_window,
            "opens_at": opens_at,
            "cuts_off_at": plan.cuts_off_at,
            "grace_seconds": GRACE_SECONDS,
            "household_limit": plan.household_limit,
            "takes_money_at_door": plan.takes_money_at_door,
            "created_at": deed.now,
        },
    ).scalar_one()
    connection.execute(
        insert(_round_areas).inline(),
        [{"round_id": round_id, "area_id": each.id, "area_path": each.path} for each in served],
    )
    connection.execute(
        insert(_round_bags).inline(),
        [
            {
                "public_id": new_public_id(),
                "round_id": round_id,
                "bag_id": bag_ids[each.bag],
                "position": position,
                "price_fen": each.price_fen,
                "price_version": 1,
                "capacity": each.capacity if plan.kind is RoundKind.LIMITED else None,
                "taken_count": 0,
                "household_limit": each.household_limit,
            }
            for position, each in enumerate(plan.bags)
        ],
    )
    requests.settle(claim, outcome="made", object_id=round_id)
    audit.record(deed, "make_round", "round", round_id, area_path=area.path, round_kind=str(plan.kind))
    return public_id


GRACE_SECONDS = 300


def _round_public_id(round_id: int | None) -> str:
    public_id: str = (
        db.connection().execute(select(_rounds.c.public_id).where(_rounds.c.id == round_id)).scalar_one()
    )
    return public_id


def _managed_area(actor: Actor, public_id: str) -> Any:
    row = (
        db.connection()
        .execute(select(_areas.c.id, _areas.c.path, _areas.c.level).where(_areas.c.public_id == public_id))
        .one_or_none()
    )
    if row is None or not actor.can(Permission.ROUND_MANAGE, row.path):
        raise NotFound
    return row


def _bag_ids(area_path: str, public_ids: Sequence[str]) -> dict[str, int]:
    rows = db.connection().execute(
        select(_bags.c.public_id, _bags.c.id).where(
            _bags.c.public_id.in_(public_ids), _bags.c.area_path == area_path
        )
    )
    found = {row.public_id: row.id for row in rows}
    if set(public_ids) != found.keys() or len(set(public_ids)) != len(public_ids):
        raise NotFound
    return found


def _served_areas(area: Any, public_ids: Sequence[str]) -> list[Any]:
    if not public_ids:
        return [area]
    rows = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.path).where(
                _areas.c.public_id.in_(public_ids), within(_areas.c.path, area.path)
            )
        )
        .all()
    )
    if len(rows) != len(set(public_ids)):
        raise NotFound
    return list(rows)


def _next_number(area_id: int) -> int:
    # The area's row is locked, so that two heads who press at once get two numbers.
    connection = db.connection()
    connection.execute(
        select(_areas.c.id).where(_areas.c.id == area_id).with_for_update(key_share=True)
    ).one()
    highest = connection.execute(
        select(func.max(_rounds.c.number)).where(_rounds.c.area_id == area_id)
    ).scalar()
    return (highest or 0) + 1


def _step(
    deed: Deed, round_public_id: str, step: Step, values: dict[str, Any]
) -> tuple[loads.RoundNow, requests.Claim] | None:
    """Take the round one step further, once; None when this key already did it."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return None
    the_round = loads.round_for(
        actor=deed.actor, permission=Permission.ROUND_MANAGE, round_public_id=round_public_id
    )
    if not _advance(the_round.id, step, values):
        raise Conflict("round_state_wrong")
    requests.settle(claim, outcome=str(step), object_id=the_round.id)
    audit.record(deed, f"{step}_round", "round", the_round.id, area_path=the_round.area_path)
    return the_round, claim


def _advance(round_id: int, step: Step, values: dict[str, Any]) -> bool:
    before, after = rules.STEPS[step]
    changed = db.connection().execute(
        update(_rounds)
        .where(_rounds.c.id == round_id, _rounds.c.state == before)
        .values(state=after, **values)
    )
    return changed.rowcount == 1


@writing
def open_round(*, deed: Deed, round_public_id: str) -> None:
    """Let the households order, and write down how many live in each building that is served."""
    done = _step(deed, round_public_id, Step.OPEN, {})
    if done is None:
        return
    the_round, _ = done
    if the_round.cuts_off_at <= deed.now:
        raise RuleBroken("cut_off_in_the_past")
    _tally(the_round.id)


@writing
def close_round(*, deed: Deed, round_public_id: str) -> None:
    """Cut off 截单; before the cut-off it moves the cut-off to now.

    What was registered is what is bought, counted once the grace is over: a form that was opened before the
    cut-off still counts.
    """
    cut = case(
        (_rounds.c.cuts_off_at > deed.now, literal(deed.now, UtcDateTime)), else_=_rounds.c.cuts_off_at
    )
    done = _step(deed, round_public_id, Step.CLOSE, {"closed_at": deed.now, "cuts_off_at": cut})
    if done is None:
        return
    the_round, _ = done
    if the_round.opens_at >= deed.now:
        raise Conflict("not_open_yet")
    grace_ends = min(the_round.cuts_off_at, deed.now) + timedelta(seconds=the_round.grace_seconds)
    _close(deed, the_round, is_counted=deed.now > grace_ends)


def _close(deed: Deed, the_round: loads.RoundNow, *, is_counted: bool) -> None:
    _move_merged_orders(deed, loads.merged_orders(round_id=the_round.id))
    bags = loads.bag_ids_of(the_round.id)
    loads.lock_bags(bags)
    if is_counted:
        _count_capacity(the_round.id)
    _promote(deed, the_round, bags)
    _tally(the_round.id)


def _count_capacity(round_id: int) -> None:
    """What was registered is what is bought; the bags are locked."""
    db.connection().execute(
        update(_round_bags)
        .where(_round_bags.c.round_id == round_id, _round_bags.c.capacity.is_(None))
        .values(capacity=_round_bags.c.taken_count)
    )


@writing
def start_packing(*, deed: Deed, round_public_id: str) -> None:
    """The bags are being packed 分拣: from now on no order changes."""
    done = _step(deed, round_public_id, Step.PACK, {"packing_at": deed.now})
    if done is not None:
        round_id = done[0].id
        _move_merged_orders(deed, loads.merged_orders(round_id=round_id, is_packing=True))
        loads.lock_bags(loads.bag_ids_of(round_id))
        _count_capacity(round_id)
        _tally(round_id)


@writing
def send_out_round(*, deed: Deed, round_public_id: str) -> None:
    """The bags are on their way 配送."""
    _step(deed, round_public_id, Step.SEND_OUT, {"out_at": deed.now})


@writing
def finish_round(*, deed: Deed, round_public_id: str) -> None:
    """The round is done."""
    _step(deed, round_public_id, Step.FINISH, {"done_at": deed.now})


@writing
def discard_round(*, deed: Deed, round_public_id: str) -> None:
    """Throw away a draft that nobody could order from yet."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    the_round = loads.round_for(
        actor=deed.actor, permission=Permission.ROUND_MANAGE, round_public_id=round_public_id
    )
    changed = db.connection().execute(
        update(_rounds)
        .where(_rounds.c.id == the_round.id, _rounds.c.state == RoundState.DRAFT)
        .values(state=RoundState.CANCELLED)
    )
    if not changed.rowcount:
        raise Conflict("round_state_wrong")
    requests.settle(claim, outcome="discarded", object_id=the_round.id)
    audit.record(deed, "discard_round", "round", the_round.id, area_path=the_round.area_path)


def _tally(round_id: int) -> None:
    """Count again, building by building, what each order has counted so far."""
    connection = db.connection()
    real: Any = aliased(Household.__table__, name="real")
    connection.execute(
        select(_round_buildings.c.area_id)
        .where(_round_buildings.c.round_id == round_id)
        .order_by(_round_buildings.c.area_id)
        .with_for_update(key_share=True)
    ).all()
    compound: Any = aliased(Area.__table__, name="compound")
    served = (
        select(
            literal(round_id),
            _areas.c.id,
            func.coalesce(compound.c.sort_key, "") + "/" + _areas.c.sort_key,
            literal(0),
            literal(0),
        )
        .select_from(
            _rounds.join(_round_areas, _round_areas.c.round_id == _rounds.c.id)
            .join(
                _areas,
                and_(
                    _areas.c.path >= _round_areas.c.area_path,
                    _areas.c.path < _round_areas.c.area_path + "~",
                    _areas.c.level == "building",
                ),
            )
            .outerjoin(compound, compound.c.id == _areas.c.parent_id)
        )
        .where(_rounds.c.id == round_id)
        .distinct()
    )
    names = ["round_id", "area_id", "sort_key", "household_count", "ordered_count"]
    connection.execute(
        _INSERTS[connection.dialect.name](_round_buildings)
        .from_select(names, served)
        .on_conflict_do_update(
            index_elements=["round_id", "area_id"], set_={"sort_key": literal_column("excluded.sort_key")}
        )
    )
    ordered = (
        select(func.count())
        .select_from(
            _orders.join(_households, _households.c.id == _orders.c.household_id).join(
                real, real.c.id == func.coalesce(_households.c.merged_into_id, _households.c.id)
            )
        )
        .where(
            _orders.c.round_id == round_id,
            is_any(_orders.c.state, OrderState.LIVE),
            real.c.area_id == _round_buildings.c.area_id,
        )
    )
    listed = (
        select(func.count())
        .select_from(_households)
        .where(
            _households.c.area_id == _round_buildings.c.area_id, _households.c.state == HouseholdState.LISTED
        )
    )
    # Who is not in the office's list counts only while they have an order, so that "not yet" stays true.
    stated = ordered.where(real.c.state != HouseholdState.LISTED)
    connection.execute(
        update(_round_buildings)
        .where(_round_buildings.c.round_id == round_id)
        .values(
            ordered_count=ordered.correlate(_round_buildings).scalar_subquery(),
            household_count=listed.correlate(_round_buildings).scalar_subquery()
            + stated.correlate(_round_buildings).scalar_subquery(),
        )
    )


@writing
def change_round_bag(
    *,
    deed: Deed,
    round_public_id: str,
    round_bag_public_id: str,
    price_fen: int,
    capacity: int | None,
) -> None:
    """Set the price and the capacity of a bag in a round that is not yet packed.

    A new price raises the price version, so that whoever read the old one is asked. More capacity goes to
    the queue at once; less than is taken is refused. A registration round has no capacity until it closes.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    the_round = loads.round_for(
        actor=deed.actor, permission=Permission.ROUND_MANAGE, round_public_id=round_public_id
    )
    if the_round.state not in {RoundState.DRAFT, RoundState.OPEN, RoundState.CLOSED}:
        raise Conflict("round_state_wrong")
    is_counted = the_round.kind is RoundKind.LIMITED or the_round.state is RoundState.CLOSED
    if is_counted and capacity is None:
        raise RuleBroken("capacity_missing", field="capacity")
    connection = db.connection()
    c = _round_bags.c
    before = connection.execute(
        select(c.id, c.price_fen, c.capacity, c.taken_count)
        .where(c.public_id == round_bag_public_id, c.round_id == the_round.id)
        .with_for_update(key_share=True)
    ).one_or_none()
    if before is None:
        raise NotFound
    if is_counted and capacity is not None and capacity < before.taken_count:
        raise RuleBroken("capacity_below_taken", field="capacity", taken=before.taken_count)
    if the_round.state is RoundState.CLOSED and price_fen != before.price_fen:
        raise RuleBroken("price_after_cut_off", field="price")
    connection.execute(
        update(_round_bags)
        .where(c.id == before.id)
        .values(
            price_fen=price_fen,
            price_version=c.price_version + (1 if price_fen != before.price_fen else 0),
            capacity=capacity if is_counted else None,
        )
    )
    requests.settle(claim, outcome="changed", object_id=before.id)
    audit.record(
        deed,
        "change_round_bag",
        "round_bag",
        before.id,
        area_path=the_round.area_path,
        price_fen=[before.price_fen, price_fen],
        capacity=[before.capacity, capacity],
    )
    if is_counted and the_round.state is not RoundState.DRAFT:
        _promote(deed, the_round, [before.id])


# --- merged households and the worker's tidying --------------------------------------------------------------


def _move_merged_orders(deed: Deed, merged: Sequence[loads.MergedOrder]) -> int:
    """Give each order to the household that its own was merged into, or cancel it where that one has one."""
    connection = db.connection()
    for each in merged:
        order = loads.order_by_id(each.id)
        the_round = loads.round_by_id(each.round_id)
        stated, real = loads.household_by_id(each.household_id), loads.household_by_id(each.into_id)
        if each.has_own:
            why = replace(deed, reason="merged")
            _cancel(why, order, the_round, stated)
            receiver = loads.receiver_of(household_id=real.id, person_id=each.placed_by_person_id)
            _tell(deed, "order_merged", receiver, the_round, number=order.number)
            continue
        connection.execute(update(_orders).where(_orders.c.id == order.id).values(household_id=real.id))
        _uncount(the_round.id, stated)
        _count(the_round.id, real)
        audit.record(
            deed, "move_order", "order", order.id, area_path=real.area_path, of=stated.id, to=real.id
        )
    return len(merged)


def _system_deed(job: str, now: datetime) -> Deed:
    return Deed(actor=Actor.system(job), client_id=new_public_id(), fingerprint="", now=now, source="worker")


@writing
def tidy_merged_orders(*, now: datetime) -> int:
    """Move the orders of merged households to the real ones; returns how many. Repeating changes nothing."""
    return _move_merged_orders(_system_deed("tidy_merged_orders", now), loads.merged_orders())


@writing
def _tidy_round(round_id: int, now: datetime) -> bool:
    if not _advance(round_id, Step.CLOSE, {"closed_at": now}):
        return False
    deed = _system_deed("tidy_rounds", now)
    the_round = loads.round_by_id(round_id)
    audit.record(deed, "close_round", "round", round_id, area_path=the_round.area_path)
    _close(deed, the_round, is_counted=True)
    return True


@writing
def _tidy_counts(round_id: int) -> None:
    loads.lock_bags(loads.bag_ids_of(round_id))
    _count_capacity(round_id)


def tidy_rounds(*, now: datetime) -> int:
    """Close each round whose cut-off and grace are over; returns how many. Each in its own transaction.

    Rounds that a head closed early are counted when their grace is over.
    """
    for round_id in loads.rounds_to_count(now=now):
        _tidy_counts(round_id)
    return sum(_tidy_round(round_id, now) for round_id in loads.rounds_past_grace(now=now))


# --- bags ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ItemPlan:
    """One line of what is in a bag."""

    name: str
    spec: str
    unit: str
    quantity: int
    name_en: str | None = None


@writing
def save_bag(
    *,
    deed: Deed,
    area_public_id: str,
    bag_public_id: str | None,
    name: str,
    name_en: str | None,
    is_basic: bool,
    is_offered: bool,
    items: Sequence[ItemPlan],
) -> str:
    """Write a bag with its contents, or change it; returns its public id."""
    claim = requests.claim(deed)
    connection = db.connection()
    c = _bags.c
    if claim.is_repeat:
        public_id: str = connection.execute(select(c.public_id).where(c.id == claim.object_id)).scalar_one()
        return public_id
    area = _managed_area(deed.actor, area_public_id)
    if not items:
        raise RuleBroken("bag_is_empty", field="items")
    values = {"name": name, "name_en": name_en, "is_basic": is_basic, "is_offered": is_offered}
    if bag_public_id is None:
        public_id = new_public_id()
        highest = connection.execute(select(func.max(c.position)).where(c.area_path == area.path)).scalar()
        bag_id = connection.execute(
            insert(_bags).returning(c.id),
            {
                "public_id": public_id,
                "area_id": area.id,
                "area_path": area.path,
                "position": 0 if highest is None else highest + 1,
                "created_at": deed.now,
            }
            | values,
        ).scalar_one()
    else:
        public_id = bag_public_id
        bag_id = _bag_ids(area.path, [public_id])[public_id]
        connection.execute(update(_bags).where(c.id == bag_id).values(**values))
        connection.execute(delete(_items).where(_items.c.bag_id == bag_id))
    connection.execute(
        insert(_items).inline(),
        [
            {
                "bag_id": bag_id,
                "position": position,
                "name": item.name,
                "name_en": item.name_en,
                "spec": item.spec,
                "unit": item.unit,
                "quantity": item.quantity,
            }
            for position, item in enumerate(items)
        ],
    )
    requests.settle(claim, outcome="saved", object_id=bag_id)
    audit.record(deed, "save_bag", "bag", bag_id, area_path=area.path, items=len(items))
    return public_id


# --- printed sheets -----------------------------------------------------------------------------------------


@writing
def ask_for_sheet(*, deed: Deed, subject: paper.Subject, language: str, printed_by: str) -> str:
    """Ask the worker for a long sheet; returns the job's public id. The same key answers the same job."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return (claim.outcome or "").removeprefix("job:")
    job = jobs.enqueue(
        deed,
        "supplies.sheet",
        round=subject.round_public_id,
        sheet=str(subject.kind),
        building=subject.building,
        language=language,
        printed_by=printed_by,
    )
    requests.settle(claim, outcome=f"job:{job}", object_id=subject.round_id)
    audit.record(
        deed,
        "ask_for_sheet",
        "round",
        subject.round_id,
        area_path=subject.area_path,
        sheet=str(subject.kind),
        language=language,
    )
    return job


def record_sheet(*, deed: Deed, prepared: paper.Prepared, language: str, printed_by: str, pdf: bytes) -> int:
    """Store a printed sheet as the version that it carries; returns the version.

    Conflict sheet_overtaken when somebody printed this version with other content meanwhile.
    """
    sha256 = files.put(pdf)
    return _record_sheet(
        deed=deed, prepared=prepared, language=language, printed_by=printed_by, sha256=sha256
    )


@writing
def _record_sheet(
    *, deed: Deed, prepared: paper.Prepared, language: str, printed_by: str, sha256: str
) -> int:
    claim = requests.claim(deed)
    if claim.is_repeat:
        return claim.object_id or 0
    subject, connection = prepared.subject, db.connection()
    file_id = files.register(deed, sha256=sha256, kind="sheet")
    written = connection.execute(
        _INSERTS[connection.dialect.name](_sheets).on_conflict_do_nothing().returning(_sheets.c.id),
        {
            "round_id": subject.round_id,
            "kind": subject.kind,
            "area_id": subject.area_id,
            "language": language,
            "version": prepared.next_version,
            "content_hash": prepared.content_hash,
            "file_id": file_id,
            "printed_at": deed.now,
            "printed_by": printed_by[:80],
        },
    ).scalar()
    version = prepared.next_version
    if written is None:
        same = connection.execute(
            select(_sheets.c.version).where(
                _sheets.c.round_id == subject.round_id,
                _sheets.c.kind == subject.kind,
                _sheets.c.area_id == subject.area_id,
                _sheets.c.language == language,
                _sheets.c.content_hash == prepared.content_hash,
            )
        ).scalar()
        if same is None:
            raise Conflict("sheet_overtaken")
        version = same
    requests.settle(claim, outcome="printed", object_id=version)
    audit.record(
        deed,
        "print_sheet",
        "round",
        subject.round_id,
        area_path=subject.area_path,
        sheet=str(subject.kind),
        version=version,
        rows=prepared.row_count,
    )
    return version
