"""Bags, two rounds and their orders, placed as a head and residents place them: through the services.

Each deed has a key that is the same each time, so a load that was interrupted goes on where it stopped.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.deed import Deed
from webapp.base.errors import Conflict
from webapp.demo.community import SEED
from webapp.domain.supplies import services
from webapp.domain.supplies.models import Bag, Round, RoundBag
from webapp.domain.supplies.rules import BagPlan, DeliveryWindow, RoundKind, Wish

BAGS = json.loads((Path(__file__).parent / "bags.json").read_text(encoding="utf-8"))
HOUSEHOLD_LIMIT = 4
# How many households in a hundred take a bag, by its place in bags.json.
TASTE = (50, 45, 22, 45, 20)


@dataclass(frozen=True)
class Customer:
    """A household that orders, through one of its members or through the office."""

    household: str
    actor: Actor
    is_confirmed: bool = True


@dataclass(frozen=True)
class OfferedBag:
    """A bag of a round as an order names it."""

    public_id: str
    price_version: int
    household_limit: int
    is_basic: bool


def deed(actor: Actor, key: str, now: datetime) -> Deed:
    """A deed of the demo under a key that names it."""
    return Deed(actor=actor, client_id=f"demo-{key}", fingerprint="demo", now=now, source="demo")


def save_bags(*, head: Actor, area: str, now: datetime) -> dict[str, str]:
    """The bags that the community offers: name → public id."""
    return {
        bag["name"]: services.save_bag(
            deed=deed(head, f"bag-{position}", now),
            area_public_id=area,
            bag_public_id=None,
            name=bag["name"],
            name_en=bag["name_en"],
            is_basic=bag["is_basic"],
            is_offered=True,
            items=[services.ItemPlan(**item) for item in bag["items"]],
        )
        for position, bag in enumerate(BAGS)
    }


def deliver_today(
    *, head: Actor, area: str, bags: dict[str, str], customers: Sequence[Customer], now: datetime
) -> None:
    """A registration round that was ordered yesterday and is on its way this morning."""
    today = clock.day(now)
    opens_at = _at(today - timedelta(days=1), 9)
    cuts_off_at = _at(today - timedelta(days=1), 20)
    plan = _plan(
        area=area,
        bags=bags,
        kind=RoundKind.REGISTRATION,
        delivers_on=today,
        delivery_window=DeliveryWindow.MORNING,
        opens_at=opens_at,
        cuts_off_at=cuts_off_at,
    )
    round_id = services.make_round(deed=deed(head, "first-round", opens_at), plan=plan)
    services.open_round(deed=deed(head, "first-round-open", opens_at), round_public_id=round_id)
    _place(round_id, customers, opens_at=opens_at, until=cuts_off_at, key="first")
    services.close_round(deed=deed(head, "first-round-close", cuts_off_at), round_public_id=round_id)
    packing_at = min(_at(today, 6), now - timedelta(minutes=20))
    services.start_packing(deed=deed(head, "first-round-pack", packing_at), round_public_id=round_id)
    out_at = min(_at(today, 8), now - timedelta(minutes=10))
    services.send_out_round(deed=deed(head, "first-round-out", out_at), round_public_id=round_id)


def take_orders_for_tomorrow(
    *, head: Actor, area: str, bags: dict[str, str], customers: Sequence[Customer], now: datetime
) -> None:
    """A limited round that is open now: some have ordered, and there are fewer eggs than are wanted."""
    opens_at, cuts_off_at, window = open_round_times(now)
    plan = _plan(
        area=area,
        bags=bags,
        kind=RoundKind.LIMITED,
        delivers_on=clock.day(now) + timedelta(days=1),
        delivery_window=window,
        opens_at=opens_at,
        cuts_off_at=cuts_off_at,
    )
    round_id = services.make_round(deed=deed(head, "second-round", opens_at), plan=plan)
    services.open_round(deed=deed(head, "second-round-open", opens_at), round_public_id=round_id)
    _place(round_id, customers, opens_at=opens_at, until=now, key="second")


def open_round_times(now: datetime) -> tuple[datetime, datetime, DeliveryWindow]:
    """When tomorrow's round opens and cuts off, and when it comes: hours are left to order, whenever it is now."""
    today = clock.day(now)
    opens_at = min(_at(today, 8), now - timedelta(hours=1))
    if clock.here(now).hour >= 16:
        return opens_at, _at(today + timedelta(days=1), 11), DeliveryWindow.AFTERNOON
    return opens_at, _at(today, 20), DeliveryWindow.MORNING


def _at(day: date, hour: int) -> datetime:
    return clock.instant(datetime.combine(day, time(hour)))


def _plan(*, area: str, bags: dict[str, str], **facts: Any) -> services.RoundPlan:
    return services.RoundPlan(
        area=area,
        household_limit=HOUSEHOLD_LIMIT,
        bags=tuple(
            BagPlan(
                bag=bags[bag["name"]],
                price_fen=bag["price_fen"],
                capacity=bag["capacity"] if facts["kind"] is RoundKind.LIMITED else None,
                household_limit=bag["household_limit"],
            )
            for bag in BAGS
        ),
        **facts,
    )


def _place(
    round_id: str, customers: Sequence[Customer], *, opens_at: datetime, until: datetime, key: str
) -> None:
    """One order for each customer, spread over the time in which the round was open."""
    random = Random(f"{SEED} {key}")  # noqa: S311 - the same orders each time
    offered = _offered(round_id)
    span = until - opens_at
    moments = sorted(opens_at + span * random.random() for _ in customers)
    for number, (customer, moment) in enumerate(zip(customers, moments, strict=True)):
        try:
            services.place_order(
                deed=deed(customer.actor, f"{key}-order-{number}", moment),
                round_public_id=round_id,
                household_public_id=customer.household,
                lines=list(_basket(random, offered, is_confirmed=customer.is_confirmed)),
            )
        except Conflict:
            # Somebody has played with the demo between two halves of its loading: what stands, stands.
            continue


@reading
def _offered(round_public_id: str) -> list[OfferedBag]:
    rows = db.connection().execute(
        select(RoundBag.public_id, RoundBag.price_version, RoundBag.household_limit, Bag.is_basic)
        .join(Round, Round.id == RoundBag.round_id)
        .join(Bag, Bag.id == RoundBag.bag_id)
        .where(Round.public_id == round_public_id)
        .order_by(RoundBag.position)
    )
    return [OfferedBag(*row) for row in rows]


def _basket(random: Random, offered: Sequence[OfferedBag], *, is_confirmed: bool) -> Iterator[Wish]:
    """What a household takes; whoever waits to be confirmed gets the one basic bag."""
    left = HOUSEHOLD_LIMIT
    wanted = [random.random() * 100 < taste for taste in TASTE]
    if not any(wanted) or not is_confirmed:
        wanted = [bag.is_basic for bag in offered]
    for bag, is_wanted in zip(offered, wanted, strict=True):
        second = random.random() < 0.15
        no_substitute = random.random() < 0.2
        if is_wanted and left:
            count = min(2 if second else 1, bag.household_limit, left)
            left -= count
            yield Wish(
                round_bag=bag.public_id,
                count=count,
                price_version=bag.price_version,
                no_substitute=no_substitute,
            )
