"""The worker as a process, against a gateway process: out within a second, each once, nothing lost."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from tests.processes import Program, start_worker
from webapp.base import clock, db, jobs, outbox
from webapp.base.actor import Actor
from webapp.base.outbox import MessageState, OutboxMessage

pytestmark = [pytest.mark.db, pytest.mark.crash]
DEED = make_deed(Actor.system("test"))


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start a worker on the test's database; all are stopped at the end."""
    started: list[Program] = []

    def begin(**more: str) -> Program:
        directory = tmp_path / "data"
        directory.mkdir(exist_ok=True)
        url = database_url.replace("+psycopg", "")
        program = start_worker(url, directory, more=more)
        started.append(program)
        return program

    yield begin
    for program in started:
        program.stop()


def enqueue(count: int = 1, *, template: str = "confirmed", **more: Any) -> list[str]:
    parameters = {"community": "北辰社区", "hotline": "0826-3220013", "door": "3-2-501"}

    def write() -> list[str]:
        return [
            outbox.enqueue(DEED, template, phone=f"138{number:08d}", language="zh_Hans", **parameters, **more)
            for number in range(count)
        ]

    return db.writing(write)()


@db.reading
def rows() -> list[Any]:
    columns = OutboxMessage.__table__.c
    return db.connection().execute(select(*columns).order_by(columns.id)).all()


def states() -> Counter:
    return Counter(row.state for row in rows())


def wait(until: Callable[[], bool], seconds: float = 90.0) -> float:
    """Wait for something and say how long it took."""
    began = time.monotonic()
    while not until():
        assert time.monotonic() - began < seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - began


def is_up(program: Program) -> bool:
    return "worker_started" in program.log.read_text(encoding="utf-8")


def let_leases_lapse() -> None:
    """What a minute of waiting does."""
    db.writing(
        lambda: db.connection().execute(
            update(OutboxMessage)
            .where(OutboxMessage.state == MessageState.SENDING)
            .values(leased_until=clock.now() - outbox.LEASE)
        )
    )()


def test_a_message_goes_out_within_a_second_of_its_commit(in_app, fake_gateway, start):
    worker = start(LINLI_SMS_URL=fake_gateway.url("ok"), LINLI_SMS_TOKEN="a-token")
    wait(lambda: is_up(worker))
    taken = []
    for _ in range(3):
        before = len(fake_gateway.received())
        enqueue()
        taken.append(wait(lambda before=before: len(fake_gateway.received()) > before))
        time.sleep(0.4)
    assert max(taken) < 1.0
    wait(lambda: states() == {MessageState.SENT: 3})


def test_a_code_overtakes_what_waits_and_is_wiped(in_app, fake_gateway, start):
    enqueue(60)
    (code,) = enqueue(
        template="code",
        secret="654321",
        due_at=clock.now() - outbox.LEASE * 5,
        until=clock.now() + outbox.LEASE,
    )
    start(LINLI_SMS_URL=fake_gateway.url("slow/0.05"))
    wait(lambda: states() == {MessageState.SENT: 61})
    order = [line["id"] for line in fake_gateway.received()]
    assert order.index(code) < 8
    assert "654321" in next(line["text"] for line in fake_gateway.received() if line["id"] == code)
    assert all(row.secret is None for row in rows())


def test_a_code_that_is_over_is_not_sent(in_app, fake_gateway, start):
    enqueue(template="code", secret="654321", until=clock.now() - outbox.LEASE)
    start(LINLI_SMS_URL=fake_gateway.url("ok"))
    wait(lambda: states() == {MessageState.FAILED: 1})
    assert fake_gateway.received() == []
    assert rows()[0].secret is None


def test_several_workers_send_each_message_once(in_app, fake_gateway, start):
    ids = enqueue(120)
    for _ in range(3):
        start(LINLI_SMS_URL=fake_gateway.url("slow/0.01"))
    wait(lambda: states() == {MessageState.SENT: 120})
    assert Counter(line["id"] for line in fake_gateway.received()) == Counter(ids)


@pytest.mark.parametrize(
    ("how", "deduplicates", "state", "times"),
    [
        ("status/400", "0", MessageState.FAILED, 1),
        ("cut", "0", MessageState.UNKNOWN, 1),
        ("first-cut", "1", MessageState.SENT, 2),
        ("first/503", "0", MessageState.SENT, 2),
    ],
)
def test_what_came_of_a_try_decides_whether_there_is_another(
    in_app, fake_gateway, start, how, deduplicates, state, times
):
    (public_id,) = enqueue()
    start(LINLI_SMS_URL=fake_gateway.url(how), LINLI_SMS_DEDUPLICATES=deduplicates)
    wait(lambda: states() == {state: 1})
    assert [line["key"] for line in fake_gateway.received()] == [public_id] * times


def test_a_gateway_that_is_away_is_tried_again(in_app, start, unused_tcp_port_of_nobody):
    enqueue()
    start(LINLI_SMS_URL=f"http://127.0.0.1:{unused_tcp_port_of_nobody}/")
    wait(lambda: rows()[0].attempt_count == 1 and rows()[0].state is MessageState.WAITING)
    assert rows()[0].last_error == "ConnectError"


@pytest.fixture
def unused_tcp_port_of_nobody() -> int:
    import socket  # noqa: PLC0415 - beside its one use

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("deduplicates", ["1", "0"])
def test_a_worker_killed_while_it_sends_loses_nothing_and_repeats_nothing_it_may_not(
    in_app, fake_gateway, start, deduplicates
):
    ids = enqueue(40)
    settings = {"LINLI_SMS_URL": fake_gateway.url("slow/0.3"), "LINLI_SMS_DEDUPLICATES": deduplicates}
    for part in (8, 24):
        worker = start(**settings)
        wait(lambda part=part: len(fake_gateway.received()) >= part)
        worker.kill()
        let_leases_lapse()
    start(**settings)
    wait(lambda: not {MessageState.WAITING, MessageState.SENDING} & states().keys())
    times = Counter(line["id"] for line in fake_gateway.received())
    if deduplicates == "1":
        assert set(times) == set(ids)
        # A gateway that removes duplicates delivers each id once, and every message has the one it began with.
        assert states() == {MessageState.SENT: 40}
        assert max(times.values()) > 1
        assert {row.public_id for row in rows()} == set(ids)
    else:
        # What was in its hands is marked for a person to look at, sent or not; nothing is sent twice or missing.
        assert set(times.values()) == {1}
        assert states()[MessageState.UNKNOWN] >= 1
        assert states()[MessageState.UNKNOWN] + states()[MessageState.SENT] == 40
        assert {row.public_id for row in rows() if row.state is MessageState.SENT} <= set(times)


def test_sigterm_finishes_what_is_being_sent_and_ends_well(in_app, fake_gateway, start):
    enqueue(3)
    worker = start(LINLI_SMS_URL=fake_gateway.url("slow/1"))
    wait(lambda: len(fake_gateway.received()) == 3)
    worker.process.terminate()
    assert worker.process.wait(10) == 0
    assert states() == {MessageState.SENT: 3}


def test_the_log_is_json_without_phones_codes_or_texts(in_app, fake_gateway, start):
    enqueue(template="code", secret="654321")
    enqueue()
    worker = start(LINLI_SMS_URL=fake_gateway.url("ok"))
    wait(lambda: states() == {MessageState.SENT: 2})
    worker.stop()
    text = worker.log.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"worker_started", "message", "worker_ended"} <= {line["event"] for line in lines}
    for secret in ("654321", "13800000000", "邻里", "a-token"):
        assert secret not in text


def test_without_a_gateway_the_console_file_tells_a_tester_the_code(in_app, start, tmp_path):
    enqueue(template="code", secret="654321")
    worker = start()
    wait(lambda: states() == {MessageState.SENT: 1})
    path = tmp_path / "data" / "console_sms.jsonl"
    (line,) = [json.loads(each) for each in path.read_text(encoding="utf-8").splitlines()]
    assert (line["to"], re.search(r"\d{6}", line["text"]).group()) == ("13800000000", "654321")
    assert "654321" in worker.log.read_text(encoding="utf-8")


def test_production_without_a_gateway_keeps_messages_waiting(in_app, start, tmp_path):
    enqueue(template="code", secret="654321")
    worker = start(LINLI_ENV="production")
    wait(lambda: is_up(worker))
    time.sleep(0.6)
    assert states() == {MessageState.WAITING: 1}
    assert "654321" not in worker.log.read_text(encoding="utf-8")
    assert "no_gateway" in worker.log.read_text(encoding="utf-8")
    assert not (tmp_path / "data" / "console_sms.jsonl").exists()


def test_huey_may_be_emptied_at_any_time(in_app, fake_gateway, start, tmp_path):
    worker = start(LINLI_SMS_URL=fake_gateway.url("ok"))
    wait(lambda: is_up(worker))
    for file in (tmp_path / "data").glob("huey.sqlite3*"):
        file.unlink()
    enqueue(5)
    wait(lambda: states() == {MessageState.SENT: 5})
    assert worker.process.poll() is None


def test_work_of_an_unknown_kind_fails_and_says_so(in_app, start):
    public_id = db.writing(lambda: jobs.enqueue(DEED, "no.such.kind"))()
    start()
    wait(lambda: jobs.get(public_id, actor=DEED.actor).state is jobs.JobState.FAILED)
    assert jobs.get(public_id, actor=DEED.actor).error == {"code": "server_error", "params": {}}
