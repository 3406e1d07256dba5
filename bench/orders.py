"""Orders per second through HTTP: 16 phones, each order by another household, every answer a placed order.

One hot bag against a hundred bags in rounds that are otherwise alike; nothing sells out while it is timed, and
afterwards the stock is counted line by line.
"""

import json
import statistics
from collections.abc import Iterator

from sqlalchemy import func, select

from bench import fill, load
from bench.fill import Community, Shelf
from bench.pages import run_reference
from bench.report import say
from bench.stage import KINDS, Databases, Stage, databases
from webapp.base import db
from webapp.domain.supplies.models import Order, OrderLine, RoundBag

HOUSEHOLDS = 3_000
PAIRS = 15
SECONDS = 0.7
PLENTY = 10**6
# A round serves each household once, so each kind of round exists several times: no pair runs out of households.
PLAIN_ROUNDS, HOT_ROUNDS, SPREAD_ROUNDS = 5, 5, 5
WEB_CONNECTIONS = 16


def run() -> dict[str, dict[str, float]]:
    """All figures, for both databases."""
    found: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        with databases(kind) as made:
            for name, value in _of(made).items():
                found.setdefault(name, {})[kind] = value
    return found


def _orders(community: Community, rounds: list[Shelf], *, is_spread: bool) -> Iterator[bytes]:
    """Every household once in every round: of the first bag, or of one bag after the other."""
    for round_ in rounds:
        for n, resident in enumerate(community.residents):
            yield fill.order(resident, round_, bag=n % len(round_.bags) if is_spread else 0)


def _of(made: Databases) -> dict[str, float]:
    stage = made.make("orders")
    with stage.app.app_context():
        community = fill.community(stage.app, households=HOUSEHOLDS)
        number = iter(range(1, 1000))
        plain = [fill.shelf(community, bags=[PLENTY] * 3, number=next(number)) for _ in range(PLAIN_ROUNDS)]
        hot = [fill.shelf(community, bags=[PLENTY] * 100, number=next(number)) for _ in range(HOT_ROUNDS)]
        spread = [
            fill.shelf(community, bags=[PLENTY] * 100, number=next(number)) for _ in range(SPREAD_ROUNDS)
        ]
    stage.analyze()
    web, one_query = stage.serve(), stage.serve_reference()
    kinds = {
        "plain": _orders(community, plain, is_spread=False),
        "hot": _orders(community, hot, is_spread=False),
        "spread": _orders(community, spread, is_spread=True),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ("one_query", *kinds)}
    waits: dict[str, list[float]] = {name: [] for name in kinds}
    placed, errors = 0, 0
    for warm in (True, *[False] * PAIRS):
        base = run_reference(one_query.port, SECONDS)
        if not warm:
            speeds["one_query"].append(base)
        for name, requests in kinds.items():
            stretch = load.run(web.port, requests, seconds=SECONDS, connections=WEB_CONNECTIONS)
            good = sum(_is_placed(answer) for answer in stretch.answers)
            placed += good
            errors += len(stretch.answers) - good
            if not warm:
                speeds[name].append(stretch.per_second)
                waits[name] += [answer.seconds for answer in stretch.answers]
    ratio = [each / base for each, base in zip(speeds["plain"], speeds["one_query"], strict=True)]
    against = [each / other for each, other in zip(speeds["hot"], speeds["spread"], strict=True)]
    found: dict[str, float] = {
        "order_vs_one_query": statistics.median(ratio),
        "hot_vs_spread": statistics.median(against),
        "oversold": _oversold(stage, placed),
        "errors": errors,
    }
    for name, each in speeds.items():
        found[f"{name}_per_second"] = statistics.median(each)
    for name, each in waits.items():
        cuts = statistics.quantiles(each, n=100)
        found[f"{name}_p50_ms"], found[f"{name}_p99_ms"] = cuts[49] * 1000, cuts[98] * 1000
    say(f"{made.kind}: {found}")
    return found


_shown = 0


def _is_placed(answer: load.Answer) -> bool:
    """2xx with a receipt, and the order is given, not queued."""
    global _shown  # noqa: PLW0603 - the first few refusals are shown, not thousands
    good = answer.status == 200 and b"linli-receipt:" in answer.head.lower()
    if not good and _shown < 5:
        _shown += 1
        say(f"refused: {answer.status} {answer.text[:300]}")
    return good


def _oversold(stage: Stage, placed: int) -> int:
    """Bags given beyond the stock, plus any difference between answers, orders, lines and the counted stock."""
    lines, bags, orders = OrderLine.__table__, RoundBag.__table__, Order.__table__
    with stage.app.app_context(), db.db.engine.connect() as connection:
        given = dict(
            connection.execute(
                select(lines.c.round_bag_id, func.sum(lines.c.given_count)).group_by(lines.c.round_bag_id)
            ).all()
        )
        wrong = 0
        for row in connection.execute(select(bags.c.id, bags.c.capacity, bags.c.taken_count)):
            wrong += abs(row.taken_count - int(given.get(row.id, 0)))
            wrong += max(0, row.taken_count - row.capacity)
        stored = connection.execute(select(func.count()).select_from(orders)).scalar_one()
    if stored != placed:
        say(f"{placed} orders were answered, {stored} are stored: {json.dumps(given)[:200]}")
    return wrong + abs(stored - placed)
