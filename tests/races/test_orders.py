"""Many households at once, over HTTP, from four client processes against two server processes."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from bench import fill, load
from bench.fill import Shelf
from tests.clients import Got, at_once
from webapp.base import db
from webapp.base.audit import AuditEntry
from webapp.base.ids import new_public_id
from webapp.base.outbox import OutboxMessage
from webapp.domain.supplies.models import Order, OrderLine, RoundBag

pytestmark = pytest.mark.db

_orders: Any = Order.__table__
_lines: Any = OrderLine.__table__
_bags: Any = RoundBag.__table__
_audit: Any = AuditEntry.__table__
_messages: Any = OutboxMessage.__table__


@db.reading
def stock(round_: Shelf) -> tuple[int, int]:
    """What is left of the round's first bag, and what its lines have been given."""
    connection = db.connection()
    bag = connection.execute(
        select(_bags.c.capacity, _bags.c.taken_count).where(_bags.c.id == round_.bag_ids[0])
    ).one()
    given = connection.execute(
        select(func.coalesce(func.sum(_lines.c.given_count), 0)).where(
            _lines.c.round_bag_id == round_.bag_ids[0]
        )
    ).scalar_one()
    return bag.capacity - bag.taken_count, int(given)


@db.reading
def live_lines(round_: Shelf) -> list[Any]:
    """The lines of the orders that stand, in the order of the queue."""
    return list(
        db.connection().execute(
            select(_lines.c.id, _lines.c.given_count, _lines.c.waiting_since, _orders.c.household_id)
            .join(_orders, _orders.c.id == _lines.c.order_id)
            .where(_orders.c.round_id == round_.id, _orders.c.state == "live")
            .order_by(_lines.c.id)
        )
    )


@db.reading
def count(table: Any, *conditions: Any) -> int:
    return int(
        db.connection().execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
    )


def statuses(answers: list[Got]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def test_two_hundred_households_and_one_bag(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=200)
    round_ = fill.shelf(community, bags=[1], number=1)
    answers = at_once(ports, [fill.order(each, round_) for each in community.residents], folder)
    assert statuses(answers) == {200: 200}
    assert all(answer.receipt for answer in answers)
    lines = live_lines(round_)
    assert len(lines) == 200
    assert len({line.household_id for line in lines}) == 200
    assert sum(line.given_count for line in lines) == 1
    assert sum(line.waiting_since is not None for line in lines) == 199
    assert stock(round_) == (0, 1)
    # Each household is told once, and one of them that the bag is hers.
    assert count(_messages, _messages.c.template == "ordered") == 1
    assert count(_messages, _messages.c.template == "waiting") == 199


def test_the_same_key_fifty_times_is_one_order(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=1)
    round_ = fill.shelf(community, bags=[100], number=1)
    request = fill.order(community.residents[0], round_, key=new_public_id())
    answers = at_once(ports, [request] * 50, folder)
    assert statuses(answers) == {200: 50}
    assert len({answer.receipt for answer in answers}) == 1
    assert all(answer.body == answers[0].body for answer in answers)
    assert count(_orders) == 1
    assert count(_messages) == 1
    assert count(_audit, _audit.c.verb == "place_order") == 1
    assert stock(round_) == (99, 1)


def test_one_order_per_household_whoever_of_it_orders(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=20)
    round_ = fill.shelf(community, bags=[100], number=1, limit=2)
    families = [
        (each, *(fill.another_member(in_app, each, serial=700_000 + 10 * n + m) for m in range(4)))
        for n, each in enumerate(community.residents)
    ]
    # Everybody of a family at the same moment, each with a key of their own, each the most that is allowed.
    requests = [fill.order(member, round_, count=2) for family in families for member in family]
    answers = at_once(ports, requests, folder)
    assert statuses(answers) == {200: 20, 409: 80}
    assert {answer.code for answer in answers if answer.status == 409} == {"already_ordered"}
    lines = live_lines(round_)
    assert Counter(line.household_id for line in lines) == dict.fromkeys(
        (each.household_id for each in community.residents), 1
    )
    assert stock(round_) == (60, 40)


def test_more_than_the_limit_is_refused_and_changes_nothing(
    in_app: Flask, ports: list[int], folder: Path
) -> None:
    community = fill.community(in_app, households=30)
    round_ = fill.shelf(community, bags=[100], number=1, limit=2)
    answers = at_once(ports, [fill.order(each, round_, count=3) for each in community.residents], folder)
    assert statuses(answers) == {422: 30}
    assert count(_orders) == 0
    assert count(_messages) == 0
    assert stock(round_) == (100, 0)


def test_what_is_given_back_is_given_on_exactly_once(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=60)
    round_ = fill.shelf(community, bags=[5], number=1)
    first, waiting, late = community.residents[:5], community.residents[5:40], community.residents[40:]
    assert statuses(at_once(ports, [fill.order(each, round_) for each in first], folder)) == {200: 5}
    assert statuses(at_once(ports, [fill.order(each, round_) for each in waiting], folder)) == {200: 35}
    lines_waiting = [line for line in live_lines(round_) if line.waiting_since is not None]
    # The queue goes by the moment a request arrived; two servers may write in another order than that.
    queue = [line.id for line in sorted(lines_waiting, key=lambda line: (line.waiting_since, line.id))]
    assert len(queue) == 35
    cancels = [cancel(each, _order_of(each.household_id)) for _ in range(4) for each in first]
    orders = [fill.order(each, round_) for each in late]
    answers = at_once(
        ports, [request for pair in zip(orders, cancels, strict=True) for request in pair], folder
    )
    # Each household cancels four times with keys of its own: once it is done, three times it was over before.
    assert statuses([answer for answer in answers if answer.tag % 2 == 0]) == {200: 20}
    ends = statuses([answer for answer in answers if answer.tag % 2])
    assert ends[200] >= 5
    assert set(ends) <= {200, 409}
    assert stock(round_) == (0, 5)
    lines = {line.id: line for line in live_lines(round_)}
    assert len(lines) == 55
    given = [line.id for line in lines.values() if line.given_count]
    assert sorted(given) == sorted(queue[:5]), "the first of the queue, nobody twice, nobody who came later"
    assert count(_messages, _messages.c.template == "given") == 5
    assert count(_audit, _audit.c.verb == "give_bag") == 5


def cancel(browser: fill.Browser, order: str) -> bytes:
    return load.post(
        f"/supplies/orders/{order}/cancel",
        "reason=x",
        cookie=browser.cookie,
        key=new_public_id(),
        csrf=browser.csrf,
    )


@db.reading
def _order_of(household_id: int) -> str:
    return str(
        db.connection()
        .execute(select(_orders.c.public_id).where(_orders.c.household_id == household_id))
        .scalar_one()
    )
