"""One wave of the full county: chosen from 18,000 people, sized, written with summonses, inbox and messages."""

import statistics
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, update

from bench.fill_reserve import VOLUNTEERS, County, fill_county
from bench.stage import Stage
from webapp.base import clock, crypto, db
from webapp.base.ids import new_public_id
from webapp.base.outbox import OutboxMessage
from webapp.domain.areas.models import Area
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, Summons
from webapp.domain.mobilization.rules import CallUpState, Certainty, Stay
from webapp.domain.mobilization.services import engine
from webapp.domain.people.models import PersonPhone

RUNS = 5
PLACES = {"sampling": 20, "driving": 40, None: 240}

_call_ups: Any = CallUp.__table__
_summonses: Any = Summons.__table__
_messages: Any = OutboxMessage.__table__


def measure(stage: Stage) -> dict[str, float]:
    """Seconds of the whole step, and of its transaction alone, in which nobody else writes to SQLite."""
    county = fill_county(stage)
    with stage.app.app_context():
        db.writing(_phones)()
        stage.analyze()
        whole, held, asked = [], [], []
        for number in range(RUNS):
            call_up_id, public_id = db.writing(_call_up)(county, number)
            now = clock.now()
            began = time.perf_counter()
            call_up, made = engine._look(public_id=public_id, now=now)  # noqa: SLF001 - both halves of `advance`
            chosen = time.perf_counter()
            if made is None or not engine._advance(call_up=call_up, made=made, now=now):  # noqa: SLF001
                raise AssertionError("no wave went out")
            ended = time.perf_counter()
            whole.append(ended - began)
            held.append(ended - chosen)
            asked.append(db.reading(_asked)(call_up_id))
            db.writing(_close)(call_up_id)
    return {
        "rank_18000_s": statistics.median(whole),
        "rank_18000_writing_s": statistics.median(held),
        "rank_18000_asked": statistics.median(asked),
    }


def _phones() -> None:
    """Every volunteer has a number; the cadres stay at their desks, so that 18,000 are left."""
    connection = db.connection()
    rows = []
    for person_id in range(1, VOLUNTEERS + 1):
        phone = f"139{person_id:08d}"
        rows.append(
            {
                "person_id": person_id,
                "phone": crypto.encrypt(phone),
                "phone_index": crypto.blind_index("phone", phone),
                "phone_tail": phone[-4:],
                "position": 0,
            }
        )
    connection.execute(insert(PersonPhone.__table__), rows)
    reservists = Reservist.__table__
    connection.execute(
        update(reservists).where(reservists.c.person_id > VOLUNTEERS).values(left_at=clock.now())
    )


def _call_up(county: County, number: int) -> tuple[int, str]:
    connection = db.connection()
    area = connection.execute(
        select(Area.__table__.c.id).where(Area.__table__.c.path == county.path)
    ).scalar_one()
    now, public_id = clock.now(), new_public_id()
    values = {
        "public_id": public_id,
        "number": f"Z{number}",
        "code": f"{1000 + number}",
        "area_id": area,
        "area_path": county.path,
        "title": "全县采样",
        "state": CallUpState.RUNNING,
        "is_drill": False,
        "is_announced": False,
        "starts_at": now + timedelta(hours=1),
        "ends_at": now + timedelta(hours=5),
        "muster_point": "体育馆",
        "landmark": "",
        "bring": "",
        "stay": Stay.FREE,
        "sleeps": "",
        "eats": "",
        "caller_name": "张三",
        "phone": "0826-3220013",
        "certainty": Certainty.NORMAL,
        "reply_minutes": 10,
        "tier_path": county.path,
        "widest_path": county.path,
        "quiet_reason": "夜里也测",
        "created_at": now,
        "created_by": "bench",
        "started_at": now,
        "next_at": now,
        "wall_number": 0,
        "code_version": 1,
        "version": 1,
        "board_version": 1,
    }
    call_up_id: int = connection.execute(
        insert(_call_ups).values(values).returning(_call_ups.c.id)
    ).scalar_one()
    connection.execute(
        insert(CallUpRole.__table__),
        [
            {
                "public_id": new_public_id(),
                "call_up_id": call_up_id,
                "position": position,
                "name": skill or "搬运",
                "skill_code": skill,
                "wanted_count": places,
                "taken_count": 0,
            }
            for position, (skill, places) in enumerate(PLACES.items())
        ],
    )
    return call_up_id, public_id


def _asked(call_up_id: int) -> int:
    """How many were summoned; each of them by one message."""
    connection = db.connection()
    found = connection.execute(
        select(_summonses.c.public_id).where(_summonses.c.call_up_id == call_up_id)
    ).scalars()
    references = {f"summons:{each}" for each in found}
    sent = connection.execute(select(_messages.c.reference).where(_messages.c.created_at.is_not(None)))
    if not references <= set(sent.scalars()):
        raise AssertionError("somebody was summoned without a message")
    return len(references)


def _close(call_up_id: int) -> None:
    """So that the next call-up may ask the same people."""
    db.connection().execute(
        update(_call_ups)
        .where(_call_ups.c.id == call_up_id)
        .values(state=CallUpState.STOOD_DOWN, next_at=None)
    )
