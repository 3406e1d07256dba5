"""SIGKILL to the worker while waves go out, two workers at a time: nobody is summoned twice, no wave goes out twice.

Both databases at the same time, each with workers as `make run` starts them and an SMS gateway that removes
duplicates. Seven call-ups on seven days call the same people; most of them are hurried, one is ended on the way.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bench.stage import KINDS, Stage, databases
from tests.factories import Factory, MadeCallUp, make_deed
from tests.gateway import calls, gateway
from tests.processes import start_worker
from webapp.base import clock, db, outbox
from webapp.base.actor import Actor
from webapp.base.errors import Conflict
from webapp.base.outbox import OutboxMessage
from webapp.domain.mobilization.models import CallUp, Summons, Wave
from webapp.domain.mobilization.services import steering

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

PEOPLE, CALL_UPS, PLACES, KILLS = 70, 7, 6, 6
# A message whose worker died is held by its lease for a minute.
DELIVERY_SECONDS = 120.0

_call_ups: Any = CallUp.__table__
_waves: Any = Wave.__table__
_summonses: Any = Summons.__table__
_messages: Any = OutboxMessage.__table__


@dataclass
class Outcome:
    """What was left after one run."""

    kills: int = 0
    hurried: int = 0
    ended: str = ""
    call_ups: dict[int, Any] = field(default_factory=dict)
    waves: list[Any] = field(default_factory=list)
    summonses: list[Any] = field(default_factory=list)
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
    """Waves of seven call-ups while workers die; then the wait for the last message."""
    outcome = Outcome()
    with databases(kind) as made, gateway(folder / "gateway.jsonl") as sms:
        stage = made.make("waves")
        call_ups = furnish(stage)
        settings = {"LINLI_SMS_URL": sms, "LINLI_SMS_DEDUPLICATES": "1"}
        workers = [start_worker(stage.url, stage.directory, more=settings) for _ in range(2)]
        try:
            wait_for_first_wave(stage)
            for number in range(KILLS):
                hurry(stage, call_ups[number], outcome)
                if number == KILLS // 2:
                    outcome.ended = end(stage, call_ups[number])
                before = summoned(stage)
                time.sleep(random.uniform(0.0, 0.6))
                workers[number % 2].kill()
                outcome.kills += 1
                workers[number % 2] = start_worker(stage.url, stage.directory, more=settings)
                wait_for(lambda before=before: summoned(stage) > before, seconds=4.0)
            wait_for(lambda: all_were_called(stage), seconds=60.0)
            wait_for_messages(stage)
        finally:
            for each in workers:
                each.stop()
        look(stage, outcome)
    outcome.calls = calls(folder / "gateway.jsonl")
    return outcome


def furnish(stage: Stage) -> list[MadeCallUp]:
    """A community with its reserve, and call-ups on seven days that are due one after the other."""
    make = Factory(stage.app)
    community = make.area("北辰社区", level="community")
    for number in range(PEOPLE):
        make.reservist(make.user(f"备{number}"), area=community)
    now = clock.now()
    return [
        make.call_up(
            community,
            roles=((None, PLACES),),
            quiet_reason="夜里也要",
            starts_at=now + timedelta(days=day, hours=2),
            ends_at=now + timedelta(days=day, hours=6),
            # Not all in the first moment: waves go out while workers die.
            next_at=now + timedelta(seconds=2 * day),
        )
        for day in range(CALL_UPS)
    ]


def deed(reason: str) -> Any:
    return make_deed(Actor.system("test"), reason=reason)


def hurry(stage: Stage, call_up: MadeCallUp, outcome: Outcome) -> None:
    """Ask for the next wave now, as a person would, who looks again when one went out meanwhile."""

    def pressed() -> bool:
        with stage.app.app_context():
            try:
                steering.hurry_call_up(deed=deed("快"), call_up=call_up.public_id, seen=waves_of(call_up))
            except (Conflict, OperationalError):
                # Another wave went out, or this machine is too busy to let anybody write: one presses again.
                return False
        return True

    outcome.hurried += wait_for(pressed, seconds=20.0)


def end(stage: Stage, call_up: MadeCallUp) -> str:
    with stage.app.app_context():
        steering.end_call_up(deed=deed("误发"), call_up=call_up.public_id)
    return call_up.public_id


@db.reading
def waves_of(call_up: MadeCallUp) -> int:
    return len(db.connection().execute(select(_waves.c.id).where(_waves.c.call_up_id == call_up.id)).all())


def wait_for(happened: Any, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.05)
    return False


def wait_for_first_wave(stage: Stage) -> None:
    assert wait_for(lambda: summoned(stage) > 0, seconds=60.0), "no worker sent a wave"


def summoned(stage: Stage) -> int:
    with stage.app.app_context(), db.db.engine.connect() as connection:
        return len(connection.execute(select(_summonses.c.id)).all())


def all_were_called(stage: Stage) -> bool:
    with stage.app.app_context(), db.db.engine.connect() as connection:
        return len(connection.execute(select(_waves.c.call_up_id).distinct()).all()) >= CALL_UPS - 1


def wait_for_messages(stage: Stage) -> None:
    """Until the outbox is empty; a lapsed lease is part of the wait."""

    def is_empty() -> bool:
        with stage.app.app_context():
            return outbox.depth() == 0

    assert wait_for(is_empty, seconds=DELIVERY_SECONDS), "messages were left"


def look(stage: Stage, outcome: Outcome) -> None:
    """Everything that the database holds in the end."""
    with stage.app.app_context(), db.db.engine.connect() as connection:
        outcome.call_ups = {row.id: row for row in connection.execute(select(_call_ups))}
        outcome.waves = list(connection.execute(select(_waves)))
        outcome.summonses = list(connection.execute(select(_summonses)))
        outcome.messages = list(connection.execute(select(_messages)))


def called(outcome: Outcome) -> list[Any]:
    """Who was summoned, without those whose message was taken back when the call-up was ended."""
    return [summons for summons in outcome.summonses if summons.state != "stood_down"]


@pytest.mark.parametrize("kind", KINDS)
def test_workers_were_killed_while_waves_went_out(outcomes: dict[str, Outcome], kind: str) -> None:
    outcome = outcomes[kind]
    assert outcome.kills == KILLS
    assert outcome.hurried >= KILLS // 2
    assert len(outcome.waves) >= CALL_UPS
    assert max(Counter(wave.role_id for wave in outcome.waves).values()) >= 2
    tries = Counter(call["id"] for call in outcome.calls)
    assert max(tries.values()) >= 2, "no message was sent again: nothing was proved"


@pytest.mark.parametrize("kind", KINDS)
def test_no_wave_is_there_twice_and_none_by_halves(outcomes: dict[str, Outcome], kind: str) -> None:
    outcome = outcomes[kind]
    asked = Counter(summons.wave_id for summons in outcome.summonses)
    assert asked == {wave.id: wave.asked_count for wave in outcome.waves}
    numbers: dict[int, list[int]] = {}
    for wave in sorted(outcome.waves, key=lambda each: each.id):
        numbers.setdefault(wave.role_id, []).append(wave.number)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_summoned_twice_and_each_has_one_message(outcomes: dict[str, Outcome], kind: str) -> None:
    outcome = outcomes[kind]
    pairs = Counter((summons.call_up_id, summons.person_id) for summons in outcome.summonses)
    assert set(pairs.values()) == {1}
    references = Counter(message.reference for message in outcome.messages)
    assert references == {f"summons:{summons.public_id}": 1 for summons in called(outcome)}
    assert Counter(message.state for message in outcome.messages) == {"sent": len(called(outcome))}


@pytest.mark.parametrize("kind", KINDS)
def test_each_phone_rings_once_for_each_call_up(outcomes: dict[str, Outcome], kind: str) -> None:
    outcome = outcomes[kind]
    rang: dict[str, tuple[str, str]] = {}
    for call in outcome.calls:
        assert call["key"] == call["id"]
        assert rang.setdefault(call["id"], (call["to"], call["text"])) == (call["to"], call["text"])
    assert rang.keys() == {message.public_id for message in outcome.messages}
    assert len(rang) == len(called(outcome))


@pytest.mark.parametrize("kind", KINDS)
def test_after_it_was_ended_a_call_up_summons_nobody(outcomes: dict[str, Outcome], kind: str) -> None:
    outcome = outcomes[kind]
    ended = next(row for row in outcome.call_ups.values() if row.public_id == outcome.ended)
    ended_at: datetime = ended.ended_at
    late = [
        summons
        for summons in outcome.summonses
        if summons.call_up_id == ended.id and summons.sent_at > ended_at
    ]
    assert late == []
    assert ended.next_at is None
