"""What it costs that a board asks every three seconds: bytes on the line and statements of a 304, for head and wall."""

from datetime import timedelta
from itertools import cycle

from flask import Flask
from sqlalchemy import event

from bench import fill, load
from bench.report import say
from bench.stage import Stage
from webapp.base import clock, db
from webapp.base.ids import hash_token, new_public_id
from webapp.domain.mobilization.models import CallUp, CallUpRole, Summons
from webapp.domain.mobilization.queries.board import wall_token
from webapp.domain.mobilization.rules import CallUpState, Certainty, Stay, SummonsState

PEOPLE, PLACES, SECONDS = 500, 60, 2.0


def measure(stage: Stage) -> dict[str, float]:
    """The dearer of the two boards of a call-up that asked 500 people; anything but a 304 fails the bench."""
    with stage.app.app_context():
        community = fill.community(stage.app, households=PEOPLE)
        public_id, token = db.writing(_call_up)(community)
    stage.analyze()
    web = stage.serve()
    boards = {
        "head": (f"/mobilization/call-ups/{public_id}/board", community.head.cookie),
        "wall": (f"/mobilization/wall/{token}", None),
    }
    found: dict[str, dict[str, float]] = {}
    for name, (path, cookie) in boards.items():
        wire = load.Wire(web.port)
        first = _ask(wire, _poll(path, cookie))
        if first.status != 200:
            raise SystemExit(f"the board of the {name} answered {first.status}: {first.text[:300]}")
        tag = _header(first.head, "etag")
        again = _poll(path, cookie, tag)
        stretch = load.run(web.port, cycle([again]), seconds=SECONDS)
        wrong = [each for each in stretch.answers if each.status != 304 or each.raw]
        if wrong:
            raise SystemExit(f"the board of the {name} answered {wrong[0].status}, not 304")
        found[name] = {
            "bytes": len(stretch.answers[0].head) + 4,
            "queries": count_queries(stage.app, path, cookie, tag),
            "per_second": stretch.per_second,
        }
        wire.close()
    say(f"{stage.kind}: {found}")
    return {
        "board_304_bytes": max(each["bytes"] for each in found.values()),
        "board_304_queries": max(each["queries"] for each in found.values()),
        "board_304_per_second": min(each["per_second"] for each in found.values()),
    }


def _call_up(community: fill.Community) -> tuple[str, str]:
    """A call-up of the community that asked each of its residents, with its wall open; public id and token."""
    now, session = clock.now(), db.session()
    call_up = CallUp(
        public_id=new_public_id(),
        number="B00001",
        code="4071",
        area_id=community.id,
        area_path=community.path,
        title="搬运物资",
        state=CallUpState.RUNNING,
        starts_at=now + timedelta(hours=1),
        ends_at=now + timedelta(hours=5),
        muster_point="北门岗亭",
        stay=Stay.FREE,
        caller_name="主任",
        phone="0826-3220013",
        certainty=Certainty.NORMAL,
        reply_minutes=30,
        tier_path=community.path,
        widest_path=community.path,
        created_at=now,
        created_by="bench",
        started_at=now,
        next_at=now + timedelta(hours=3),
        wall_number=1,
    )
    token = wall_token(call_up.public_id, 1)
    call_up.wall_token_hash = hash_token(token)
    session.add(call_up)
    session.flush()
    role = CallUpRole(
        public_id=new_public_id(), call_up_id=call_up.id, position=1, name="搬运", wanted_count=PLACES
    )
    session.add(role)
    session.flush()
    session.add_all(
        Summons(
            public_id=(public_id := new_public_id()),
            call_up_id=call_up.id,
            role_id=role.id,
            person_id=each.person_id,
            token_hash=hash_token(public_id),
            state=SummonsState.WAITING,
            channel="sms",
            sent_at=now,
            reply_by=now + timedelta(minutes=30),
        )
        for each in community.residents
    )
    return call_up.public_id, token


def _poll(path: str, cookie: str | None, tag: str | None = None) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: linli.test", "Accept: */*", "HX-Request: true"]
    lines += [f"Cookie: {cookie}"] if cookie else []
    lines += [f"If-None-Match: {tag}"] if tag else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _ask(wire: load.Wire, request: bytes) -> load.Answer:
    wire.send(request, 0)
    while True:
        answer = wire.read()
        if answer is not None:
            return answer


def _header(head: bytes, name: str) -> str:
    for line in head.decode().split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    raise SystemExit(f"no {name} in {head!r}")


def count_queries(app: Flask, path: str, cookie: str | None, tag: str) -> int:
    """Statements at the cursor for one 304, sign-in included."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")):
            statements.append(statement)

    with app.app_context():
        engine = db.db.engine
    headers = {"HX-Request": "true", "If-None-Match": tag} | ({"Cookie": cookie} if cookie else {})
    event.listen(engine, "before_cursor_execute", note)
    try:
        response = app.test_client(use_cookies=False).get(path, headers=headers)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    if response.status_code != 304:
        raise SystemExit(f"{path}: {response.status_code} in process, not 304")
    return len(statements)
