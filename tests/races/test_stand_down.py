"""A stand-down that meets answers, check-ins and a wave in flight: afterwards everybody knows where they stand."""

import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from bench import fill
from tests.clients import at_once
from tests.factories import Factory
from tests.races.test_call_ups import area_of, press
from tests.races.test_orders import statuses
from webapp.base import clock, crypto, db
from webapp.domain.mobilization.models import CallUp, CallUpEvent, CallUpRole, Summons, Wave
from webapp.domain.mobilization.queries.muster import code_of
from webapp.domain.mobilization.services import engine
from webapp.domain.notifications.models import InboxItem
from webapp.domain.volunteers.models import Commitment

pytestmark = pytest.mark.db

RESERVE, PLACES, CHECK_INS = 60, 40, 10


@db.reading
def all_of(statement: Any) -> list[Any]:
    return list(db.connection().execute(statement))


def test_a_stand_down_meets_a_wave_answers_and_check_ins(
    in_app: Flask, make: Factory, ports: list[int], folder: Path
) -> None:
    community = fill.community(in_app, households=1)
    area = area_of(community)
    for number in range(RESERVE):
        make.reservist(make.user(f"队员{number}"), area=area)
    made = make.call_up(area, roles=((None, PLACES),), quiet_reason="夜里到货")
    assert engine.run_due(clock.now()) == 1
    asked = all_of(select(Summons.public_id).where(Summons.call_up_id == made.id).order_by(Summons.id))
    assert asked, "a wave went out"
    path = f"/mobilization/call-ups/{made.public_id}"
    with db.db.engine.connect() as connection:
        waves = len(connection.execute(select(Wave.id).where(Wave.call_up_id == made.id)).all())
    answers = [
        press(
            community.head,
            f"/mobilization/answer/{crypto.blind_index('summons', each.public_id)}",
            reply="coming",
        )
        for each in asked
    ]
    hurry = press(community.head, f"{path}/hurry", reason="人手急缺", seen=str(waves))
    stand_down = [press(community.head, f"{path}/stand-down", reason="货改走南门") for _ in range(4)]
    middle = len(answers) // 2
    over = threading.Event()
    engine_thread = threading.Thread(target=_keep_calling, args=(in_app, over))
    engine_thread.start()
    try:
        got = at_once(ports, [*answers[:middle], hurry, *stand_down, *answers[middle:]], folder)
    finally:
        over.set()
        engine_thread.join()
    assert not [each for each in statuses(got) if each >= 500]
    down = [each for each in got if middle < each.tag <= middle + 4]
    assert statuses(down) == {200: 1, 409: 3}
    assert engine.run_due(clock.now()) == 0, "nobody is called any more"
    _everybody_knows(made.id)


def _keep_calling(app: Flask, over: threading.Event) -> None:
    """The worker's thread, in a process that is none of the servers."""
    with app.app_context():
        while not over.wait(0.02):
            engine.run_due(clock.now())


def _everybody_knows(call_up_id: int) -> None:
    call_up = all_of(select(CallUp.__table__).where(CallUp.id == call_up_id))[0]
    assert call_up.state == "stood_down"
    (event,) = all_of(
        select(CallUpEvent.__table__).where(
            CallUpEvent.call_up_id == call_up_id, CallUpEvent.kind == "stood_down"
        )
    )
    found = all_of(select(Summons.__table__).where(Summons.call_up_id == call_up_id))
    assert all(each.sent_at <= event.at for each in found), "summoned after the stand-down"
    states = {str(each.state) for each in found}
    assert states <= {"stood_down", "cannot", "missed", "queued"}, states
    role = all_of(select(CallUpRole.__table__).where(CallUpRole.call_up_id == call_up_id))[0]
    assert role.taken_count == 0
    assert all_of(select(Commitment.__table__)) == [], "everybody has their time back"
    thanked = [
        each.reference for each in all_of(select(InboxItem.__table__)) if each.template == "stand_down"
    ]
    assert len(thanked) == len(set(thanked))
    said_yes = {
        f"summons:{each.public_id}" for each in found if each.state == "stood_down" and each.answered_at
    }
    assert said_yes <= set(thanked), "somebody who said yes was not told"


def test_the_last_place_is_given_once_to_those_who_stand_at_the_point(
    in_app: Flask, make: Factory, ports: list[int], folder: Path
) -> None:
    community = fill.community(in_app, households=1)
    made = make.call_up(area_of(community), roles=((None, 1),))
    code = code_of(made.public_id, 1)
    queued = []
    for number in range(CHECK_INS):
        user = make.user(f"队员{number}")
        summons = make.summons(made, user.person_id, state="missed", slip_code=f"A{number:04}")
        queued.append(summons)
    presses = [
        press(community.head, f"/mobilization/check-in/{made.public_id}/{code}", slip=f"A{number:04}")
        for number in range(CHECK_INS)
    ]
    got = at_once(ports, presses * 2, folder)
    assert statuses(got) == {200: CHECK_INS * 2}
    found = all_of(select(Summons.__table__).where(Summons.call_up_id == made.id))
    assert all(each.arrived_at is not None for each in found), "nobody is sent away"
    assert sum(each.state == "coming" for each in found) == 1
    role = all_of(select(CallUpRole.__table__).where(CallUpRole.call_up_id == made.id))[0]
    assert role.taken_count == 1
    assert len(all_of(select(Commitment.__table__))) == 1
