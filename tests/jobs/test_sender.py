"""The senders of the worker in this process, against endpoints that go away for long; the clock is turned on."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from webapp.base import clock, crypto, db, outbox
from webapp.base.actor import Actor
from webapp.base.ids import new_public_id
from webapp.base.outbox import MessageState, OutboxMessage, Outgoing, Rank, Way
from webapp.domain.notifications.models import Contact
from webapp.domain.notifications.rules import Channel, ContactState
from webapp.jobs.gateways import Gateway, SmsGate, StaffGateway
from webapp.jobs.worker import Sender

pytestmark = pytest.mark.db
DEED = make_deed(Actor.system("test"))
SAID = {"community": "北辰社区", "hotline": "0826-3220013", "door": "3-2-501"}


@contextmanager
def sending(app: Any, way: Way, gateway: Gateway) -> Iterator[None]:
    """Senders of one way at work."""
    stop = threading.Event()
    thread = threading.Thread(target=Sender(app, way, gateway, stop).run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def enqueue(count: int, *, way: Way = Way.SMS, address: str = "", template: str = "confirmed") -> list[str]:
    messages = [
        Outgoing(
            template=template,
            address=address or f"138{n:08d}",
            language="zh_Hans",
            way=way,
            rank=Rank.CALL,
            parameters=SAID,
        )
        for n in range(count)
    ]
    return db.writing(lambda: outbox.enqueue_many(DEED, messages))()


@db.reading
def rows() -> list[Any]:
    c = OutboxMessage.__table__.c
    return db.connection().execute(select(*c).order_by(c.id)).all()


def states() -> Counter:
    return Counter(row.state for row in rows())


def wait(until: Callable[[], bool], seconds: float = 40.0) -> None:
    ends_at = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.05)


def test_a_gateway_that_is_away_for_ten_minutes_loses_and_doubles_nothing(in_app, fake_ways):
    fake_ways.turn("status-503")
    ids = enqueue(150)
    began = clock.now()
    pauses = set()
    # Ten minutes of the clock, and senders that start anew at each step, as after a crash of the machine.
    for minute in (0.0, 0.1, 0.5, 1, 2, 4, 7, 10):
        with clock.set_for_test(began + timedelta(minutes=minute)):
            before = sum(row.attempt_count for row in rows())
            with sending(in_app, Way.SMS, SmsGate(url=fake_ways.url("lose"), token="")):
                wait(lambda before=before: sum(row.attempt_count for row in rows()) > before)
                wait(lambda: MessageState.SENDING not in states())
            pauses |= {row.due_at - clock.now() for row in rows() if row.attempt_count}
            assert states() == {MessageState.WAITING: 150}
    tries = [row.attempt_count for row in rows()]
    # Those that were on their way together when it shut, then one that knocks at a time: most were never tried.
    assert tries.count(0) > 75
    assert max(pauses) <= timedelta(minutes=1)
    assert fake_ways.received() == []
    fake_ways.turn("lose")  # it is back, and loses the first answer of each message
    with (
        clock.set_for_test(began + timedelta(minutes=12)),
        sending(in_app, Way.SMS, SmsGate(url=fake_ways.url("lose"), token="")),
    ):
        wait(lambda: states() == {MessageState.SENT: 150})
    calls = fake_ways.received()
    assert {call["id"] for call in calls} == set(ids)
    # Asked twice, as the first answer was lost; taken once.
    assert Counter(call["is_new"] for call in calls) == {True: 150, False: 150}


def test_what_is_leased_ahead_goes_back_untouched_when_the_gateway_shuts(in_app, fake_ways):
    enqueue(40)
    fake_ways.turn("status-503")
    with sending(in_app, Way.SMS, SmsGate(url=fake_ways.url("ok"), token="")):
        wait(lambda: any(row.attempt_count for row in rows()))
        wait(lambda: MessageState.SENDING not in states())
    tried = [row for row in rows() if row.attempt_count]
    assert 1 <= len(tried) < 20
    assert all(row.leased_until is None for row in rows())


@pytest.fixture
def robots() -> StaffGateway:
    return StaffGateway(kinds=("json",), mail_url="", public_url="http://linli.test")


def robot(fake_ways: Any, mode: str) -> str:
    return f"json://127.0.0.1:{fake_ways.port}/{mode}/robot"


@pytest.mark.parametrize("way", [Way.STAFF, Way.PUSH])
def test_a_secret_never_leaves_but_by_sms(in_app, fake_ways, robots, way):
    (public_id,) = enqueue(1, way=way, address=robot(fake_ways, "ok"))

    @db.writing
    def tamper() -> None:
        table: Any = OutboxMessage.__table__
        db.connection().execute(update(table).values(secret=crypto.encrypt("654321"), template="code"))

    tamper()
    with sending(in_app, way, robots):
        wait(lambda: states() == {MessageState.FAILED: 1})
    (row,) = rows()
    assert (row.public_id, row.secret, row.last_error) == (public_id, None, "a secret goes by SMS only")
    assert fake_ways.received() == []


def test_the_words_of_a_code_are_nothing_without_the_code(in_app, fake_ways, robots):
    enqueue(1, way=Way.STAFF, address=robot(fake_ways, "ok"), template="code")
    with sending(in_app, Way.STAFF, robots):
        wait(lambda: states() == {MessageState.FAILED: 1})
    assert fake_ways.received() == []


def test_a_robot_that_hangs_up_is_not_asked_twice(in_app, fake_ways, robots):
    enqueue(1, way=Way.STAFF, address=robot(fake_ways, "lose"))
    with sending(in_app, Way.STAFF, robots):
        wait(lambda: states() == {MessageState.UNKNOWN: 1})
    assert len(fake_ways.received()) == 1


@db.reading
def contacts() -> list[Contact]:
    return db.session().query(Contact).all()


def make_contact(person_id: int, address: str, channel: Channel, way: Way) -> None:
    @db.writing
    def write() -> None:
        db.session().add(
            Contact(
                public_id=new_public_id(),
                person_id=person_id,
                channel=channel,
                address=crypto.encrypt(address),
                address_index=outbox.address_index(way, address),
                state=ContactState.VERIFIED,
                made_at=clock.now(),
                verified_at=clock.now(),
            )
        )

    write()


def test_a_channel_that_refuses_three_times_fails_and_one_that_answers_is_well_again(
    in_app, make, fake_ways, robots
):
    address = robot(fake_ways, "ok")
    make_contact(make.user("张三").person_id, address, Channel.STAFF, Way.STAFF)
    fake_ways.turn("status-400")
    with sending(in_app, Way.STAFF, robots):
        for count in (1, 2, 3):
            enqueue(1, way=Way.STAFF, address=address)
            wait(lambda count=count: contacts()[0].fail_count == count)
            assert (contacts()[0].state is ContactState.FAILING) is (count == 3)
        assert contacts()[0].failing_since is not None
        fake_ways.turn("ok")
        enqueue(1, way=Way.STAFF, address=address)
        wait(lambda: contacts()[0].fail_count == 0)
    (contact,) = contacts()
    assert (contact.state, contact.failing_since) == (ContactState.VERIFIED, None)


def test_a_subscription_that_is_gone_is_deleted(in_app, make, fake_ways, tmp_path):
    from tests.jobs.test_ways import Browser  # noqa: PLC0415 - only here
    from webapp.base import push_key  # noqa: PLC0415 - only here
    from webapp.jobs.gateways import PushGateway  # noqa: PLC0415 - only here

    browsers = {mode: Browser(fake_ways.url(mode, "/push/x")).subscription for mode in ("ok", "status-410")}
    for address in browsers.values():
        make_contact(make.user("张三").person_id, address, Channel.PUSH, Way.PUSH)
        enqueue(1, way=Way.PUSH, address=address)
    gateway = PushGateway(
        private_key=push_key.of_directory(tmp_path).private,
        subject="mailto:linli@example.cn",
        hosts=(f"127.0.0.1:{fake_ways.port}",),
    )
    with sending(in_app, Way.PUSH, gateway):
        wait(lambda: states() == {MessageState.SENT: 1, MessageState.FAILED: 1})
        wait(lambda: len(contacts()) == 1)
    assert json.loads(crypto.decrypt(contacts()[0].address)) == json.loads(browsers["ok"])
