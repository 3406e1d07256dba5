"""Call-ups with thousands of people who are asked, written in bulk through Core: invented, numbered, none of it the demo."""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert, select

from bench import load
from webapp.base import clock, crypto, db
from webapp.base.ids import hash_token, new_public_id
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import segment
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, Summons, Wave
from webapp.domain.mobilization.rules import (
    CallUpState,
    Category,
    Certainty,
    EnrolSource,
    Readiness,
    Stay,
    SummonsState,
)
from webapp.domain.people.models import Person, PersonPhone

AT_ONCE = 5_000


@dataclass(frozen=True)
class Asked:
    """Somebody who was asked: the secret of the link, and the number that messages go to."""

    summons_id: int
    token: str
    phone: str


@dataclass(frozen=True)
class Evening:
    """Call-ups of one evening and whom they asked; `asked` goes from one call-up to the next."""

    call_ups: tuple[int, ...]
    asked: tuple[Asked, ...]


def evening(app: Flask, *, call_ups: int, people: int, places: int) -> Evening:
    """So many communities call up at once: each asks so many people for so many places of one role."""
    with app.app_context():
        return db.writing(_fill)(call_ups, people, places)


def _write(model: Any, rows: Sequence[dict[str, Any]]) -> None:
    table = model.__table__
    defaults = {
        column.name: column.default.arg
        for column in table.columns
        if column.default is not None and column.default.is_scalar
    }
    for start in range(0, len(rows), AT_ONCE):
        db.connection().execute(insert(table), [{**defaults, **row} for row in rows[start : start + AT_ONCE]])


def _fill(call_ups: int, people: int, places: int) -> Evening:
    now = clock.now()
    county = _area("某县", "county", segment(1), None, 1)
    made = [_call_up(county, number, places, now) for number in range(1, call_ups + 1)]
    persons = [
        {
            "id": n,
            "public_id": new_public_id(),
            "name": f"队员{n}",
            "name_key": f"队员{n}",
            "pinyin_key": f"{n:06}",
            "initials_key": "",
            "is_invented": True,
            "created_at": now,
        }
        for n in range(1, call_ups * people + 1)
    ]
    _write(Person, persons)
    db.count_on(Person.__table__)
    asked, summonses, phones, reservists = [], [], [], []
    for person in persons:
        n = person["id"]
        place, call_up_id, role_id, wave_id = made[(n - 1) % call_ups]
        public_id, phone = new_public_id(), f"1380{n:07}"
        token = crypto.blind_index("summons", public_id)
        asked.append(Asked(n, token, phone))
        phones.append(
            {
                "person_id": n,
                "phone": crypto.encrypt(phone),
                "phone_index": crypto.blind_index("phone", phone),
                "phone_tail": phone[-4:],
                "position": 0,
            }
        )
        reservists.append(
            {
                "public_id": new_public_id(),
                "person_id": n,
                "name": person["name"],
                "pinyin_key": person["pinyin_key"],
                "phone_tail": phone[-4:],
                "category": Category.VOLUNTEER,
                "area_id": place.id,
                "area_path": place.path,
                "readiness": Readiness.READY,
                "source": EnrolSource.IMPORT,
                "enrolled_at": now,
            }
        )
        summonses.append(
            {
                "id": n,
                "public_id": public_id,
                "call_up_id": call_up_id,
                "role_id": role_id,
                "wave_id": wave_id,
                "person_id": n,
                "token_hash": hash_token(token),
                "state": SummonsState.WAITING,
                "channel": "sms",
                "sent_at": now,
                "reply_by": now + timedelta(minutes=30),
            }
        )
    _write(PersonPhone, phones)
    _write(Reservist, reservists)
    _write(Summons, summonses)
    db.count_on(Summons.__table__)
    return Evening(tuple(each[1] for each in made), tuple(asked))


def _area(name: str, level: str, path: str, parent: Any, number: int) -> Any:
    table: Any = Area.__table__
    there = db.connection().execute(select(table).where(table.c.path == path)).one_or_none()
    if there is not None:
        return there
    values = {
        "public_id": new_public_id(),
        "code": f"A{level}{number}",
        "name": name,
        "level": level,
        "parent_id": parent.id if parent is not None else None,
        "path": path,
        "sort_key": f"{number:06}",
    }
    return db.connection().execute(insert(table).returning(table), values).one()


def _call_up(county: Any, number: int, places: int, now: Any) -> tuple[Any, int, int, int]:
    place = _area(f"第{number}社区", "community", county.path + segment(number), county, number)
    connection = db.connection()
    starts_at = now + timedelta(hours=1)

    def write(model: Any, **values: Any) -> int:
        table = model.__table__
        defaults = {
            column.name: column.default.arg
            for column in table.columns
            if column.default is not None and column.default.is_scalar
        }
        row = {**defaults, "public_id": new_public_id(), **values}
        return int(connection.execute(insert(table).returning(table.c.id), row).scalar_one())

    call_up_id = write(
        CallUp,
        number=f"A{number:05}",
        code=f"{1000 + number}",
        area_id=place.id,
        area_path=place.path,
        title="搬运物资",
        state=CallUpState.RUNNING,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=4),
        muster_point="北门岗亭",
        stay=Stay.FREE,
        caller_name="艾丽",
        phone="0826-3220013",
        certainty=Certainty.NORMAL,
        reply_minutes=30,
        tier_path=place.path,
        widest_path=place.path,
        created_at=now,
        created_by="bench",
        started_at=now,
        next_at=now + timedelta(hours=3),
    )
    role_id = write(CallUpRole, call_up_id=call_up_id, position=1, name="搬运", wanted_count=places)
    wave_id = write(
        Wave,
        call_up_id=call_up_id,
        role_id=role_id,
        number=1,
        tier_path=place.path,
        open_count=places,
        asked_count=places,
        target_permille=850,
        chance_permille=850,
        sent_at=now,
        reply_by=now + timedelta(minutes=30),
    )
    return place, call_up_id, role_id, wave_id


def press(asked: Asked, *, reply: str = "coming", key: str | None = None) -> bytes:
    """The button behind a link, pressed in a browser that knows nothing of us."""
    body = f"reply={reply}&eta=20"
    return load.post(
        f"/mobilization/answer/{asked.token}", body, cookie="a=b", key=key or new_public_id(), csrf="none"
    )


def hook(asked: Asked, text: str, *, hook_key: str) -> bytes:
    """An SMS that came in, as a gateway that speaks our plain protocol hands it over, signed."""
    body = json.dumps(
        {"event": "received", "id": new_public_id(), "from": asked.phone, "text": text}, ensure_ascii=False
    )
    stamp = str(int(time.time()))
    signature = hmac.new(hook_key.encode(), (body + stamp).encode(), hashlib.sha256).hexdigest()
    lines = [
        "POST /notifications/hooks/sms HTTP/1.1",
        "Host: linli.test",
        "Content-Type: application/json",
        f"X-Timestamp: {stamp}",
        f"X-Signature: {signature}",
        f"Content-Length: {len(body.encode())}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
