"""Signed-in pages against the one-query page, their queries, and whether the head's lists grow with the households."""

import statistics
from collections.abc import Iterator, Sequence
from itertools import cycle

from flask import Flask
from sqlalchemy import event

from bench import fill, load
from bench.fill import Browser, Community, Shelf
from bench.reference import BYTES, GROUPS
from bench.report import say
from bench.stage import KINDS, Databases, Stage, databases
from webapp.base import db

PAIRS = 15
SECONDS = 0.8
GROWTH_PAIRS = 7
GROWTH_SECONDS = 0.5
SIZES = (10, 3_000, 30_000)
HOME, ORDER_PAGE = "/", "/supplies/orders/new"
BAGS = (10**6, 10**6, 10**6)


def run() -> dict[str, dict[str, float]]:
    """All figures, for both databases."""
    found: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        with databases(kind) as made:
            for name, value in _of(made).items():
                found.setdefault(name, {})[kind] = value
    return found


def _of(made: Databases) -> dict[str, float]:
    found: dict[str, float] = {}
    counts: dict[str, set[int]] = {HOME: set(), ORDER_PAGE: set()}
    stages: dict[int, tuple[Stage, Community, Shelf]] = {}
    for size in SIZES:
        stage = made.make(f"of_{size}")
        with stage.app.app_context():
            community = fill.community(stage.app, households=size)
            round_ = fill.shelf(community, bags=BAGS, number=11)
            fill.orders(community, round_, share=0.6)
        stage.analyze()
        stages[size] = stage, community, round_
        for path, count in counts.items():
            for resident in (community.residents[0], community.residents[-1]):
                count.add(count_queries(stage.app, path, resident))
        say(f"{made.kind}: {size} households filled; queries {counts}")
    found["queries_home"] = max(counts[HOME])
    found["queries_order"] = max(counts[ORDER_PAGE])
    found["queries_spread"] = max(max(each) - min(each) for each in counts.values())
    found |= _ratios(*stages[3_000][:2])
    found |= _growth(stages[3_000], stages[30_000])
    return found


def count_queries(app: Flask, path: str, browser: Browser) -> int:
    """Statements at the cursor for one page, sign-in included; the second visit, when nothing is new to the process."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")):
            statements.append(statement)

    with app.app_context():
        engine = db.db.engine
    for _ in range(2):
        statements.clear()
        event.listen(engine, "before_cursor_execute", note)
        try:
            response = app.test_client(use_cookies=False).get(path, headers={"Cookie": browser.cookie})
        finally:
            event.remove(engine, "before_cursor_execute", note)
        text = response.get_data(as_text=True)
        if response.status_code != 200 or browser.name not in text:
            raise SystemExit(f"{path} of {browser.name}: {response.status_code}, {text[:300]}")
    return len(statements)


def requests(path: str, browsers: Sequence[Browser]) -> Iterator[bytes]:
    """The same page for one person after the other, without end."""
    return cycle([load.get(path, cookie=browser.cookie) for browser in browsers])


def check(path: str, answers: Sequence[load.Answer], browsers: Sequence[Browser]) -> None:
    """A page that is signed out, empty or somebody else's is no page."""
    for answer in answers:
        name = browsers[answer.tag % len(browsers)].name
        text = answer.text
        if answer.status != 200 or name not in text or "<h1" not in text:
            raise SystemExit(f"{path} of {name} answered {answer.status} {answer.head!r}: {text[:300]}")


def reference_requests() -> Iterator[bytes]:
    """The one-query page, shelf by shelf."""
    return cycle([load.get(f"/{shelf}") for shelf in range(GROUPS)])


def run_reference(port: int, seconds: float) -> float:
    """Pages per second of the one-query page, each of them looked at."""
    stretch = load.run(port, reference_requests(), seconds=seconds)
    for answer in stretch.answers:
        if answer.status != 200 or len(answer.raw) != BYTES:
            raise SystemExit(f"the one-query page answered {answer.status} with {len(answer.raw)} bytes")
    return stretch.per_second


def _ratios(stage: Stage, community: Community) -> dict[str, float]:
    web, one_query = stage.serve(), stage.serve_reference()
    browsers = community.residents[:: len(community.residents) // 300]
    pages = {"home": HOME, "order_page": ORDER_PAGE}
    ratios: dict[str, list[float]] = {name: [] for name in pages}
    speeds: dict[str, list[float]] = {name: [] for name in ("one_query", *pages)}
    for warm in (True, *[False] * PAIRS):
        base = run_reference(one_query.port, SECONDS)
        for name, path in pages.items():
            stretch = load.run(web.port, requests(path, browsers), seconds=SECONDS)
            check(path, stretch.answers, browsers)
            if not warm:
                ratios[name].append(stretch.per_second / base)
                speeds[name].append(stretch.per_second)
        if not warm:
            speeds["one_query"].append(base)
    found = {f"{name}_vs_one_query": statistics.median(each) for name, each in ratios.items()}
    for name, each in speeds.items():
        found[f"{name}_per_second"] = statistics.median(each)
    say(f"{stage.kind}: {found}")
    return found


def _growth(small: tuple[Stage, Community, Shelf], large: tuple[Stage, Community, Shelf]) -> dict[str, float]:
    """How much longer the head's lists take with ten times the households, page by page."""
    ports = [each[0].serve().port for each in (small, large)]
    paths = {
        "round": lambda round_: f"/supplies/rounds/{round_.public_id}",
        "households": lambda _round: "/households",
    }
    found: dict[str, float] = {}
    for name, path_of in paths.items():
        growth = []
        for warm in (True, *[False] * GROWTH_PAIRS):
            speeds = []
            for port, (_stage, community, round_) in zip(ports, (small, large), strict=True):
                heads = [community.head]
                stretch = load.run(
                    port, requests(path_of(round_), heads), seconds=GROWTH_SECONDS, connections=8
                )
                for answer in stretch.answers:
                    if answer.status != 200 or community.name not in answer.text:
                        raise SystemExit(f"{path_of(round_)} answered {answer.status}: {answer.text[:300]}")
                speeds.append(stretch.per_second)
            if not warm:
                growth.append(speeds[0] / speeds[1])
        found[f"growth_10x_{name}"] = statistics.median(growth)
    found["growth_10x"] = max(found.values())
    say(f"{small[0].kind}: {found}")
    return found
