"""A thousand answers within a second, over HTTP from four client processes against two server processes."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from bench import fill_answers
from tests.clients import at_once
from tests.processes import Program, serve_web, start_worker, wait_until_up
from tests.races.test_orders import statuses
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.models import CallUpEvent, CallUpRole, Summons
from webapp.domain.mobilization.services import answers as services
from webapp.domain.notifications.models import SmsReply
from webapp.domain.volunteers.models import Commitment

pytestmark = pytest.mark.db

PEOPLE, PLACES = 1000, 300
# The specification: a thousand answers of one second are stored within ten.
READ_SECONDS = 60.0
HOOK_KEY = "a-hook-key-of-the-tests-0123456789"

_summonses: Any = Summons.__table__
_roles: Any = CallUpRole.__table__
_events: Any = CallUpEvent.__table__
_commitments: Any = Commitment.__table__
_replies: Any = SmsReply.__table__


@pytest.fixture(scope="session")
def hook_servers(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """Two servers that a gateway may hand SMS to."""
    folder = tmp_path_factory.mktemp("hooks")
    more = {"LINLI_SMS_HOOK_KEY": HOOK_KEY, "LINLI_SMS_PROTOCOL": "plain"}
    started = [
        serve_web(f"hook-{n}", database_url, folder, processes=1, threads=4, more=more) for n in (1, 2)
    ]
    try:
        wait_until_up(*started)
        yield [each.port for each in started]
    finally:
        for each in started:
            each.stop()


@pytest.fixture
def worker(database_url: str, folder: Path) -> Iterator[Program]:
    started = start_worker(database_url, folder)
    yield started
    started.stop()


@db.reading
def states() -> dict[str, int]:
    rows = db.connection().execute(select(_summonses.c.state, func.count()).group_by(_summonses.c.state))
    return {str(state): count for state, count in rows}


@db.reading
def taken() -> int:
    return int(db.connection().execute(select(func.sum(_roles.c.taken_count))).scalar_one())


@db.reading
def holds_as_committed() -> bool:
    """Whether exactly those who are coming have given their time."""
    connection = db.connection()
    held = set(connection.execute(select(_summonses.c.id).where(_summonses.c.state == "coming")).scalars())
    return held == set(connection.execute(select(_commitments.c.reference_id)).scalars())


@db.reading
def times_full() -> int:
    return int(
        db.connection()
        .execute(select(func.count()).select_from(_events).where(_events.c.kind == "full"))
        .scalar_one()
    )


@db.reading
def seconds_between(column: Any) -> float:
    """From the first that arrived to the last; the phones of the test themselves need seconds to start."""
    first, last = db.connection().execute(select(func.min(column), func.max(column))).one()
    return float((last - first).total_seconds())


def test_a_thousand_press_their_links_at_once_for_three_hundred_places(
    in_app: Flask, ports: list[int], folder: Path
) -> None:
    evening = fill_answers.evening(in_app, call_ups=1, people=PEOPLE, places=PLACES)
    requests = [fill_answers.press(each) for each in evening.asked]
    answers = at_once(ports, requests, folder, connections=64)
    assert statuses(answers) == {200: PEOPLE}
    assert all(answer.receipt for answer in answers)
    assert Counter(answer.body["code"] for answer in answers) == {
        "coming": PLACES,
        "queued": PEOPLE - PLACES,
    }
    assert states() == {"coming": PLACES, "queued": PEOPLE - PLACES}
    assert taken() == PLACES
    assert times_full() == 1
    assert holds_as_committed()
    print(f"a thousand answers: {seconds_between(_summonses.c.answered_at):.1f} s from the first to the last")


def test_the_same_press_fifty_times_is_one_answer(in_app: Flask, ports: list[int], folder: Path) -> None:
    evening = fill_answers.evening(in_app, call_ups=1, people=1, places=5)
    request = fill_answers.press(evening.asked[0], key=new_public_id())
    answers = at_once(ports, [request] * 50, folder)
    assert statuses(answers) == {200: 50}
    assert all(answer.body == answers[0].body for answer in answers)
    assert taken() == 1


def test_yes_and_no_of_the_same_people_at_once_leave_no_place_lost(
    in_app: Flask, ports: list[int], folder: Path
) -> None:
    evening = fill_answers.evening(in_app, call_ups=1, people=120, places=40)
    requests = [
        fill_answers.press(each, reply=reply)
        for each in evening.asked
        for reply in ("coming", "cannot", "coming")
    ]
    answers = at_once(ports, requests, folder)
    # A no that meets a place given in the same moment is told so; nothing else is refused, and nothing breaks.
    assert set(statuses(answers)) <= {200, 409}
    services.settle_queues(now=clock.now())
    found = states()
    assert found.get("coming", 0) == taken() <= 40
    assert taken() == 40 or found.get("queued", 0) == 0
    assert holds_as_committed()


def test_a_thousand_sms_of_one_second_are_stored_and_each_is_taken_once(
    in_app: Flask, hook_servers: list[int], worker: Program, folder: Path
) -> None:
    evening = fill_answers.evening(in_app, call_ups=1, people=PEOPLE, places=PLACES)
    requests = [fill_answers.hook(each, "1", hook_key=HOOK_KEY) for each in evening.asked]
    answers = at_once(hook_servers, requests, folder, connections=64)
    assert statuses(answers) == {204: PEOPLE}
    print(f"a thousand SMS: {seconds_between(_replies.c.received_at):.1f} s from the first to the last")
    assert _stored() == PEOPLE
    deadline = time.monotonic() + READ_SECONDS
    while _waiting() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _waiting() == 0, worker.log.read_text(encoding="utf-8")[-3000:]
    assert states() == {"coming": PLACES, "queued": PEOPLE - PLACES}
    assert taken() == PLACES
    assert holds_as_committed()


@db.reading
def _stored() -> int:
    return int(db.connection().execute(select(func.count()).select_from(_replies)).scalar_one())


@db.reading
def _waiting() -> int:
    found = select(func.count()).select_from(_replies).where(_replies.c.state == "waiting")
    return int(db.connection().execute(found).scalar_one())
