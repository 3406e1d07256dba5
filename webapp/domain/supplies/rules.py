"""What a round allows, over plain values: when, how many, at what price, and who is next in the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from webapp.base.errors import Conflict, RuleBroken


class RoundKind(StrEnum):
    """Registration 登记轮: the purchase follows the count. Limited 限量轮: a fixed stock."""

    REGISTRATION = "registration"
    LIMITED = "limited"


class RoundState(StrEnum):
    """Where a round stands. That ordering is over is decided by `cuts_off_at`, not by this word."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    PACKING = "packing"
    OUT = "out"
    DONE = "done"
    CANCELLED = "cancelled"


class DeliveryWindow(StrEnum):
    """The part of the day in which the bags come."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


class OrderState(StrEnum):
    """Whether an order stands. Whether it waits is read from its lines."""

    LIVE = "live"
    CANCELLED = "cancelled"


class OrderChannel(StrEnum):
    """How an order came: the resident's own phone, or staff for the household."""

    APP = "app"
    ASSISTED = "assisted"


class SheetKind(StrEnum):
    """The printed sheets: 总拣单, 分装单, 配送单."""

    PICKING = "picking"
    PACKING = "packing"
    RUN = "run"


class Ordering(StrEnum):
    """What becomes of an order that arrives now.

    OPEN takes it. GRACE takes it while something is left: the form was opened before the cut-off. LATE keeps
    it in the queue 候补. NOT_YET and OVER refuse it.
    """

    NOT_YET = "not_yet"
    OPEN = "open"
    GRACE = "grace"
    LATE = "late"
    OVER = "over"


class Step(StrEnum):
    """What a head does to a round, in this order."""

    OPEN = "open"
    CLOSE = "close"
    PACK = "pack"
    SEND_OUT = "send_out"
    FINISH = "finish"


# Each step leads from one state to one other; there is no way back.
STEPS: Mapping[Step, tuple[RoundState, RoundState]] = {
    Step.OPEN: (RoundState.DRAFT, RoundState.OPEN),
    Step.CLOSE: (RoundState.OPEN, RoundState.CLOSED),
    Step.PACK: (RoundState.CLOSED, RoundState.PACKING),
    Step.SEND_OUT: (RoundState.PACKING, RoundState.OUT),
    Step.FINISH: (RoundState.OUT, RoundState.DONE),
}
TAKES_ORDERS = frozenset({RoundState.OPEN, RoundState.CLOSED})
HAS_SHEETS = frozenset(
    {RoundState.OPEN, RoundState.CLOSED, RoundState.PACKING, RoundState.OUT, RoundState.DONE}
)


def next_step(state: RoundState) -> Step | None:
    """What the head can do next in this state; None when the round is over."""
    return next((step for step, (before, _) in STEPS.items() if before is state), None)


def ordering_state(
    *,
    state: RoundState,
    opens_at: datetime,
    cuts_off_at: datetime,
    grace_seconds: int,
    now: datetime,
    opened_at: datetime | None = None,
) -> Ordering:
    """What becomes of an order that arrives `now` from a form that the server opened at `opened_at`.

    The cut-off is an instant: the state only says whether packing has begun. A head who closes early moves
    the instant.
    """
    if state not in TAKES_ORDERS:
        return Ordering.NOT_YET if state is RoundState.DRAFT else Ordering.OVER
    if now < opens_at:
        return Ordering.NOT_YET
    if now <= cuts_off_at:
        return Ordering.OPEN
    in_grace = now <= cuts_off_at + timedelta(seconds=grace_seconds)
    if in_grace and opened_at is not None and opened_at <= cuts_off_at:
        return Ordering.GRACE
    return Ordering.LATE


def ensure_takes_orders(ordering: Ordering) -> None:
    """Raises NOT_YET and OVER as refusals."""
    if ordering is Ordering.NOT_YET:
        raise Conflict("not_open_yet")
    if ordering is Ordering.OVER:
        raise Conflict("round_over")


def can_change(ordering: Ordering, *, is_assisted: bool) -> bool:
    """Whether an order may still be changed or cancelled: until the cut-off, by staff until packing."""
    if ordering in {Ordering.OPEN, Ordering.GRACE}:
        return True
    return is_assisted and ordering is Ordering.LATE


def ensure_can_change(ordering: Ordering, *, is_assisted: bool) -> None:
    """Raises Conflict("too_late_to_change")."""
    if not can_change(ordering, is_assisted=is_assisted):
        raise Conflict("too_late_to_change")


@dataclass(frozen=True)
class Wish:
    """One line of an order as it was asked for; `price_version` is the price that the person read."""

    round_bag: str
    count: int
    price_version: int
    no_substitute: bool = False


@dataclass(frozen=True)
class Offer:
    """One bag of a round as it stands now."""

    id: int
    public_id: str
    name: str
    price_fen: int
    price_version: int
    household_limit: int
    is_basic: bool


@dataclass(frozen=True)
class Line:
    """A wish that the rules let through, at the price that holds."""

    offer: Offer
    count: int
    price_fen: int
    price_version: int
    no_substitute: bool


@dataclass(frozen=True)
class Standing:
    """A line of the order that stands: how many at which price."""

    count: int
    price_fen: int
    price_version: int


BASIC_LIMIT = 1


def lines_of(
    wishes: Sequence[Wish],
    offers: Sequence[Offer],
    *,
    round_limit: int,
    is_confirmed: bool,
    standing: Mapping[int, Standing] | None = None,
) -> list[Line]:
    """The wished lines, in the order of the bags' ids, each at the price that the person read.

    A household that nobody has confirmed may have one basic bag. Where the order stands already (`standing`,
    by round bag id), a line that does not grow keeps the price it was ordered at.
    Raises RuleBroken: nothing_chosen, bag_not_in_round, over_bag_limit, over_round_limit, only_basic_bag;
    Conflict: price_changed.
    """
    by_public_id = {offer.public_id: offer for offer in offers}
    wanted = [wish for wish in wishes if wish.count]
    if not wanted:
        raise RuleBroken("nothing_chosen")
    if any(wish.count < 0 for wish in wanted):
        raise RuleBroken("count_wrong")
    names = [wish.round_bag for wish in wanted]
    if len(set(names)) != len(names) or not set(names) <= by_public_id.keys():
        raise RuleBroken("bag_not_in_round")
    for wish in wanted:
        offer = by_public_id[wish.round_bag]
        if not is_confirmed and not offer.is_basic:
            raise RuleBroken("only_basic_bag", field=f"count-{offer.public_id}")
        if wish.count > offer.household_limit:
            raise RuleBroken("over_bag_limit", field=f"count-{offer.public_id}", limit=offer.household_limit)
    total = sum(wish.count for wish in wanted)
    if not is_confirmed and total > BASIC_LIMIT:
        raise RuleBroken("only_basic_bag")
    if total > round_limit:
        raise RuleBroken("over_round_limit", limit=round_limit)
    priced = [(wish, by_public_id[wish.round_bag]) for wish in wanted]
    _ensure_prices_read(priced, standing or {})
    lines = [_priced(wish, offer, standing or {}) for wish, offer in priced]
    return sorted(lines, key=lambda line: line.offer.id)


def _keeps_price(wish: Wish, before: Standing | None) -> bool:
    return before is not None and wish.count <= before.count


def _ensure_prices_read(priced: Sequence[tuple[Wish, Offer]], standing: Mapping[int, Standing]) -> None:
    changed = [
        offer
        for wish, offer in priced
        if wish.price_version != offer.price_version and not _keeps_price(wish, standing.get(offer.id))
    ]
    if changed:
        # What one tap must send to agree: the versions of the prices that hold now.
        confirm = {f"price_version-{offer.public_id}": str(offer.price_version) for offer in changed}
        raise Conflict("price_changed", price=yuan(changed[0].price_fen), confirm=confirm)


def yuan(fen: int) -> str:
    """Fen as yuan with two places: 3050 is 30.50."""
    return f"{fen // 100}.{fen % 100:02d}"


def _priced(wish: Wish, offer: Offer, standing: Mapping[int, Standing]) -> Line:
    before = standing.get(offer.id)
    price_fen, version = offer.price_fen, offer.price_version
    if before is not None and _keeps_price(wish, before):
        price_fen, version = before.price_fen, before.price_version
    return Line(
        offer=offer,
        count=wish.count,
        price_fen=price_fen,
        price_version=version,
        no_substitute=wish.no_substitute,
    )


def free_count(*, capacity: int | None, taken: int, wanted: int) -> int:
    """How many of `wanted` can still be given."""
    return wanted if capacity is None else max(0, min(wanted, capacity - taken))


@dataclass(frozen=True)
class Waiting:
    """A line in the queue 候补, in the order of the queue."""

    line_id: int
    missing: int


def deal(queue: Sequence[Waiting], free: int) -> list[tuple[int, int]]:
    """Who gets how many of what became free: (line id, count), the first in the queue first."""
    given: list[tuple[int, int]] = []
    for waiting in queue:
        if free <= 0:
            break
        count = min(free, waiting.missing)
        given.append((waiting.line_id, count))
        free -= count
    return given


@dataclass(frozen=True)
class BagPlan:
    """One bag of a round as the head plans it."""

    bag: str
    price_fen: int
    capacity: int | None
    household_limit: int


def ensure_round_plan(
    *, kind: RoundKind, opens_at: datetime, cuts_off_at: datetime, now: datetime, bags: Sequence[BagPlan]
) -> None:
    """Raises RuleBroken: cut_off_in_the_past, cut_off_before_opening, no_bags, capacity_missing."""
    if cuts_off_at <= now:
        raise RuleBroken("cut_off_in_the_past", field="cuts_off_time")
    if cuts_off_at <= opens_at:
        raise RuleBroken("cut_off_before_opening", field="cuts_off_time")
    if not bags:
        raise RuleBroken("no_bags")
    if kind is RoundKind.LIMITED and any(plan.capacity is None for plan in bags):
        raise RuleBroken("capacity_missing")


class OrderPhase(StrEnum):
    """What a household reads about its order."""

    RECEIVED = "received"
    WAITING = "waiting"
    PACKING = "packing"
    OUT = "out"
    DONE = "done"
    NOT_GIVEN = "not_given"
    CANCELLED = "cancelled"


_PHASES = {
    RoundState.PACKING: OrderPhase.PACKING,
    RoundState.OUT: OrderPhase.OUT,
    RoundState.DONE: OrderPhase.DONE,
}


def order_phase(*, order: OrderState, round_state: RoundState, wanted: int, given: int) -> OrderPhase:
    """The words for an order: never more than a person or the stock has made true.

    Something given goes with the round; nothing given waits, and once the bags are being packed without it,
    it was not given: nothing comes back from then on.
    """
    if order is OrderState.CANCELLED or round_state is RoundState.CANCELLED:
        return OrderPhase.CANCELLED
    if wanted and not given:
        return OrderPhase.NOT_GIVEN if round_state in _PHASES else OrderPhase.WAITING
    return _PHASES.get(round_state, OrderPhase.RECEIVED)
