"""Orders placed, changed and cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from webapp.base import audit, clock, db, outbox, requests
from webapp.base.db import is_any, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, RuleBroken
from webapp.base.ids import new_number, new_public_id
from webapp.base.prepared import Prepared, together
from webapp.domain.supplies import rules
from webapp.domain.supplies.models import Order, OrderLine
from webapp.domain.supplies.queries import loads
from webapp.domain.supplies.rules import OrderChannel, Ordering, OrderState, RoundState, Wish
from webapp.domain.supplies.services.stock import (
    INSERTS,
    count_order,
    promote,
    put_back,
    take,
    take_up_to,
    tell,
    uncount_order,
)

_orders: Any = Order.__table__
_lines: Any = OrderLine.__table__


NUMBER_ATTEMPTS = 6


@dataclass(frozen=True)
class Placed:
    """What came of an order: its number and whether it must wait. `is_late` came after the cut-off."""

    public_id: str
    number: str
    is_waiting: bool
    is_late: bool


_insert_order = Prepared(
    {
        name: build(_orders).on_conflict_do_nothing().returning(_orders.c.id)
        for name, build in INSERTS.items()
    },
    "public_id",
    "client_id",
    "area_id",
    "numbered_on",
    "number",
    "round_id",
    "household_id",
    "state",
    "channel",
    "is_late",
    "placed_by",
    "placed_by_person_id",
    "placed_at",
    "total_fen",
    "version",
)

_insert_line = Prepared(
    insert(_lines).inline(),
    "order_id",
    "round_bag_id",
    "wanted_count",
    "given_count",
    "price_fen",
    "price_version",
    "no_substitute",
    "waiting_since",
)

_fall_short = Prepared(
    update(_lines)
    .where(_lines.c.order_id == bindparam("order"), _lines.c.round_bag_id == bindparam("bag"))
    .values(given_count=bindparam("given"), waiting_since=bindparam("since"))
)


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
        actor=deed.actor,
        round_public_id=round_public_id,
        household_public_id=household_public_id,
        bags={wish.round_bag for wish in lines if wish.count},
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
    receiver = context.receiver or loads.receiver_of(household_id=household.id, person_id=None)
    said = {"number": number, "bags": _counted(lines)}
    # The hot rows last, building and then bags: everybody else who orders waits for them until the commit.
    single = lines[0] if len(lines) == 1 and not is_late else None
    with together() as rest:
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
        for line in lines:
            _insert_line.send(
                {
                    "order_id": order_id,
                    "round_bag_id": line.offer.id,
                    "wanted_count": line.count,
                    "given_count": 0 if is_late else line.count,
                    "price_fen": line.price_fen,
                    "price_version": line.price_version,
                    "no_substitute": line.no_substitute,
                    "waiting_since": deed.now if is_late else None,
                }
            )
        message = None if is_late else tell(deed, "ordered", receiver, the_round, **said)
        count_order(the_round.id, household)
        has_taken = single is not None and bool(
            rest.end(take, {"bag": single.offer.id, "count": single.count})
        )
    if is_late:
        missing = sum(line.count for line in lines)
        if the_round.state is RoundState.CLOSED:
            # What was left over goes by the queue, of which this order is now the end.
            promote(deed, the_round, [line.offer.id for line in lines], untold=order_id)
            missing = _missing(order_id)
    else:
        missing = 0 if has_taken else sum(_take(deed, order_id, line) for line in lines)
    if missing or is_late:
        if message is not None:
            outbox.withdraw(message)
        tell(deed, "waiting" if missing else "ordered", receiver, the_round, **said)
    return Placed(public_id=public_id, number=number, is_waiting=missing > 0, is_late=is_late)


def _take(deed: Deed, order_id: int, line: rules.Line) -> int:
    """Take the stock of a line that was written as if there were enough; returns how many bags are missing."""
    given = take_up_to(line.offer.id, line.count)
    if given < line.count:
        _fall_short.run({"order": order_id, "bag": line.offer.id, "given": given, "since": deed.now})
    return line.count - given


def _insert(
    deed: Deed, context: loads.OrderingContext, lines: Sequence[rules.Line], *, is_late: bool
) -> tuple[int, str, str]:
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
        order_id = _insert_order.scalar(values | {"number": number})
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


def _missing(order_id: int) -> int:
    return sum(line.wanted - line.given for line in loads.lines_of(order_id))


def _counted(lines: Sequence[rules.Line]) -> list[list[Any]]:
    return [[line.offer.name, line.count] for line in lines]


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
        promote(deed, the_round, open_to_queue, untold=order.id)
    missing = _missing(order.id)
    receiver = context.receiver or loads.receiver_of(
        household_id=household.id, person_id=order.placed_by_person_id
    )
    template = "waiting" if missing else "ordered"
    tell(deed, template, receiver, the_round, number=order.number, bags=_counted(wished))
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
            statement = take if given > old_given else put_back
            statement.run({"bag": id_, "count": abs(given - old_given)})
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
            _insert_line.run({"order_id": order_id, "round_bag_id": id_} | values)
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
    cancel_standing(deed, order, the_round, household)
    requests.settle(claim, outcome="cancelled", object_id=order.id)
    receiver = context.receiver or loads.receiver_of(
        household_id=household.id, person_id=order.placed_by_person_id
    )
    tell(deed, "order_cancelled", receiver, the_round, number=order.number)
    return _placed(order.id)


def cancel_standing(
    deed: Deed, order: loads.OrderNow, the_round: loads.RoundNow, household: loads.HouseholdNow
) -> None:
    """Cancel a standing order and give what it held to the first in the queue."""
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
    uncount_order(the_round.id, household)
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
            put_back.run({"bag": line.round_bag_id, "count": line.given})
    connection.execute(
        update(_lines).where(_lines.c.order_id == order.id).values(given_count=0, waiting_since=None)
    )
    freed = [line.round_bag_id for line in lines if line.given]
    if freed:
        promote(deed, the_round, freed)
