"""SIGKILL to servers and worker in mid-load: what was answered is there, nothing is there twice, every message arrives.

Both databases at the same time, each with the processes of `make run`, phones that repeat their key until they are
answered, and an SMS gateway that removes duplicates.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select

from bench import fill
from bench.stage import KINDS, Stage, databases
from tests.clients import Got, begin_stubborn, finish
from tests.gateway import calls, gateway
from tests.processes import Program, fixed_port, kill_hard, serve_all, wait_until_up
from webapp.base import db, outbox
from webapp.base.audit import AuditEntry
from webapp.base.outbox import OutboxMessage
from webapp.domain.supplies.models import Order, OrderLine, RoundBag

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

HOUSEHOLDS = 900
STOCK = 600
PHONES = 6
PAUSE = 0.08
LOAD_SECONDS = 90.0
# A message whose worker died is held by its lease for a minute.
DELIVERY_SECONDS = 110.0


@dataclass
class Outcome:
    """What was left after one run."""

    answers: list[Got]
    households: dict[int, int]
    """By tag: the household that ordered."""
    killed: Counter[str]
    orders: list[Any] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)
    taken: int = 0
    audited: int = 0
    messages: list[Any] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    """The same run on both databases, side by side."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    with ThreadPoolExecutor(len(KINDS)) as pool:
        running = {kind: pool.submit(play, kind, folder) for kind, folder in folders.items()}
        yield {kind: each.result() for kind, each in running.items()}


def play(kind: str, folder: Path) -> Outcome:
    """Orders of 900 households while processes die; then the wait for the last message."""
    with databases(kind) as made, gateway(folder / "gateway.jsonl") as sms:
        stage = made.make("crash")
        with stage.app.app_context():
            community = fill.community(stage.app, households=HOUSEHOLDS)
            round_ = fill.shelf(community, bags=[STOCK], number=1)
        settings = {"LINLI_SMS_URL": sms, "LINLI_SMS_DEDUPLICATES": "1"}
        program = serve_all(stage.url, stage.directory, port=fixed_port(), more=settings)
        try:
            wait_until_up(program)
            phones = begin_stubborn(
                program.port,
                [fill.order(each, round_) for each in community.residents],
                folder,
                processes=2,
                connections=PHONES,
                seconds=LOAD_SECONDS,
                pause=PAUSE,
            )
            killed = kill_one_after_the_other(program, stage)
            # The power cut: supervisor, servers and worker in one instant, and a new start on the same address.
            program.kill()
            killed["everything"] += 1
            program = serve_all(stage.url, stage.directory, port=program.port, more=settings)
            answers = finish(phones)
            households = {tag: each.household_id for tag, each in enumerate(community.residents)}
            outcome = Outcome(answers, households, killed)
            wait_for_messages(stage)
        finally:
            program.stop()
        look(stage, outcome)
        outcome.calls = calls(folder / "gateway.jsonl")
        return outcome


def kill_one_after_the_other(program: Program, stage: Stage) -> Counter[str]:
    """Kill a server process, the worker, the whole web server, each while orders are coming in."""
    killed: Counter[str] = Counter()
    for what in ("server process", "worker", "server process", "web server", "worker", "server process"):
        before = stored(stage)
        time.sleep(random.uniform(0.3, 1.0))
        deadline = time.monotonic() + 20
        while stored(stage) < before + 10 and time.monotonic() < deadline:
            time.sleep(0.02)
        victims = of_kind(program, what)
        for victim in victims:
            kill_hard(victim)
        killed[what] += bool(victims)
    return killed


def of_kind(program: Program, what: str) -> list[psutil.Process]:
    """The processes of this kind below the supervisor."""
    web = [each for each in psutil.Process(program.process.pid).children() if "gunicorn" in _words(each)]
    workers = [each for each in psutil.Process(program.process.pid).children() if " worker" in _words(each)]
    if what == "worker":
        return workers
    if what == "web server":
        return [each for master in web for each in (master, *master.children())]
    return [each for master in web for each in master.children()[:1]]


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def stored(stage: Stage) -> int:
    with stage.app.app_context(), db.db.engine.connect() as connection:
        return len(connection.execute(select(Order.__table__.c.id)).all())


def wait_for_messages(stage: Stage) -> None:
    """Until the outbox is empty; a lapsed lease is part of the wait."""
    deadline = time.monotonic() + DELIVERY_SECONDS
    while time.monotonic() < deadline:
        with stage.app.app_context():
            if outbox.depth() == 0:
                return
        time.sleep(0.5)


def look(stage: Stage, outcome: Outcome) -> None:
    """Everything that the database holds in the end."""
    orders, lines = Order.__table__, OrderLine.__table__
    with stage.app.app_context(), db.db.engine.connect() as connection:
        outcome.orders = list(connection.execute(select(orders)))
        outcome.lines = list(connection.execute(select(lines)))
        outcome.taken = connection.execute(select(RoundBag.__table__.c.taken_count)).scalar_one()
        audited = select(AuditEntry.__table__.c.object_id).where(AuditEntry.__table__.c.verb == "place_order")
        outcome.audited = len(connection.execute(audited).all())
        outcome.messages = list(connection.execute(select(OutboxMessage.__table__)))


@pytest.mark.parametrize("kind", KINDS)
def test_processes_were_killed_while_phones_were_waiting(outcomes: dict[str, Outcome], kind: str) -> None:
    outcome = outcomes[kind]
    assert outcome.killed == {"server process": 3, "worker": 2, "web server": 1, "everything": 1}
    assert sum(answer.tries > 1 for answer in outcome.answers) >= 3, (
        "no phone had to send twice: nothing was proved"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_answered_order_is_there_and_none_twice(outcomes: dict[str, Outcome], kind: str) -> None:
    outcome = outcomes[kind]
    assert Counter(answer.status for answer in outcome.answers) == {200: HOUSEHOLDS}
    stored = Counter(order.household_id for order in outcome.orders)
    assert stored == dict.fromkeys(outcome.households.values(), 1)
    keys = {order.client_id.rsplit(":", 1)[1] for order in outcome.orders}
    assert {answer.receipt for answer in outcome.answers} == keys
    assert outcome.audited == HOUSEHOLDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_stock_is_given_to_the_last_bag_and_not_beyond(outcomes: dict[str, Outcome], kind: str) -> None:
    outcome = outcomes[kind]
    assert outcome.taken == STOCK
    assert sum(line.given_count for line in outcome.lines) == STOCK
    assert sum(line.waiting_since is not None for line in outcome.lines) == HOUSEHOLDS - STOCK


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_has_one_id_and_rings_once(outcomes: dict[str, Outcome], kind: str) -> None:
    outcome = outcomes[kind]
    assert Counter(message.template for message in outcome.messages) == {
        "ordered": STOCK,
        "waiting": HOUSEHOLDS - STOCK,
    }
    assert Counter(message.state for message in outcome.messages) == {"sent": HOUSEHOLDS}
    ids = {message.public_id for message in outcome.messages}
    assert len(ids) == HOUSEHOLDS
    rang: dict[str, tuple[str, str]] = {}
    for call in outcome.calls:
        assert call["key"] == call["id"]
        # The same id always carries the same words to the same phone, so removing a repeat loses nothing.
        assert rang.setdefault(call["id"], (call["to"], call["text"])) == (call["to"], call["text"])
    assert rang.keys() == ids
    assert Counter(phone for phone, _text in rang.values()).most_common(1)[0][1] == 1
