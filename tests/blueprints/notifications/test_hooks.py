"""The gateway's door: what is signed lately is stored once, everything else changes nothing."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from webapp.base import clock, crypto, db, outbox
from webapp.base.actor import Actor
from webapp.base.outbox import MessageState, OutboxMessage, Way
from webapp.domain.notifications.models import SmsReply
from webapp.domain.notifications.rules import ReplyState
from webapp.domain.people.models import PersonPhone

pytestmark = pytest.mark.db
KEY = "a-key-of-the-hooks-of-the-tests"
PATH = "/notifications/hooks/sms"
DEED = make_deed(Actor.system("test"))
PHONE = "13800138000"


@pytest.fixture(params=["smsgate", "plain"])
def protocol(request, app, monkeypatch):
    monkeypatch.setitem(app.config, "SMS_PROTOCOL", request.param)
    return request.param


@pytest.fixture
def smsgate(app, monkeypatch):
    monkeypatch.setitem(app.config, "SMS_PROTOCOL", "smsgate")


@pytest.fixture(autouse=True)
def hook_key(app, monkeypatch):
    monkeypatch.setitem(app.config, "SMS_HOOK_KEY", KEY)


def signed(body: bytes, *, key: str = KEY, age: float = 0) -> dict[str, str]:
    stamp = str(int(clock.now().timestamp() - age))
    signature = hmac.new(key.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    return {"X-Timestamp": stamp, "X-Signature": signature}


def post(app, event: Any, *, headers: dict[str, str] | None = None, **more: Any) -> int:
    body = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
    response = app.test_client().post(
        PATH,
        data=body,
        content_type="application/json",
        headers=signed(body, **more) if headers is None else headers,
    )
    return response.status_code


def receipt(protocol: str, kind: str, message_id: str, reason: str = "Delivery result from SC +86138: 64"):
    if protocol == "plain":
        names = {"sent": "sent", "delivered": "delivered", "failed": "undelivered"}
        return {"event": names[kind], "id": message_id, "at": "2022-05-12T20:44:00+08:00"}
    at = {"sent": "sentAt", "delivered": "deliveredAt", "failed": "failedAt"}[kind]
    payload = {"messageId": message_id, "phoneNumber": f"+86{PHONE}", "simNumber": 1}
    payload[at] = "2022-05-12T20:44:00.000+08:00"
    if kind == "failed":
        payload["reason"] = reason
    return {"deviceId": "d", "event": f"sms:{kind}", "id": "Ey6ECg", "payload": payload, "webhookId": "w"}


def received(
    protocol: str, text: str, *, sms: str = "1", at: str = "20:45:11.000", phone: str = f"+86{PHONE}"
):
    if protocol == "plain":
        return {"event": "received", "id": f"sms-{sms}", "from": phone, "text": text}
    payload = {
        # Made from the contents by the phone, and so the same for two SMS that say the same.
        "messageId": "abc123",
        "message": text,
        "phoneNumber": phone,
        "sender": phone,
        "recipient": None,
        "simNumber": 1,
        "receivedAt": f"2022-05-12T{at}+08:00",
    }
    return {
        "deviceId": "d",
        "event": "sms:received",
        "id": f"hook-{sms}",
        "payload": payload,
        "webhookId": "w",
    }


def enqueue(state: MessageState = MessageState.SENT, phone: str = PHONE) -> str:
    @db.writing
    def write() -> str:
        public_id = outbox.enqueue(DEED, "confirmed", phone=phone, language="zh_Hans")
        table: Any = OutboxMessage.__table__
        db.connection().execute(
            update(table).where(table.c.public_id == public_id).values(state=state, sent_at=clock.now())
        )
        return public_id

    return write()


@db.reading
def message(public_id: str) -> OutboxMessage:
    return db.session().query(OutboxMessage).filter_by(public_id=public_id).one()


@db.reading
def fails(person_id: int) -> bool:
    phones: Any = PersonPhone.__table__
    found = db.connection().execute(
        select(phones.c.phone_tail, phones.c.failing_since).where(phones.c.person_id == person_id)
    )
    since = dict(map(tuple, found))
    this = since.pop(PHONE[-4:])
    assert list(since.values()) == [None]
    return this is not None


@db.reading
def replies() -> list[SmsReply]:
    return db.session().query(SmsReply).order_by(SmsReply.id).all()


@pytest.fixture
def person(make, in_app):
    """Somebody who has PHONE as a second number, which is the one that messages go to here."""
    user = make.user("张三")
    make.phone(user, PHONE)
    return user


# --- receipts -----------------------------------------------------------------------------------------------


def test_a_receipt_is_written_at_its_message(app, in_app, protocol, person):
    delivered, failed = enqueue(), enqueue()
    assert post(app, receipt(protocol, "sent", delivered)) == 204
    assert message(delivered).delivered_at is None
    assert post(app, receipt(protocol, "delivered", delivered)) == 204
    assert post(app, receipt(protocol, "failed", failed)) == 204
    assert message(delivered).delivered_at is not None
    assert message(delivered).undelivered_at is None
    assert message(failed).undelivered_at is not None


def test_a_number_fails_until_something_is_delivered_there(app, in_app, protocol, person):
    first, second = enqueue(), enqueue()
    post(app, receipt(protocol, "failed", first))
    assert fails(person.person_id)
    post(app, receipt(protocol, "delivered", second))
    assert not fails(person.person_id)


def test_receipts_in_any_order_and_number_say_the_same(app, in_app, protocol, person):
    first, second = enqueue(), enqueue()
    for kind in ("delivered", "failed", "sent", "delivered", "failed"):
        assert post(app, receipt(protocol, kind, second)) == 204
    before = message(second)
    assert (before.delivered_at is None, before.undelivered_at) == (False, None)
    assert not fails(person.person_id)
    # The failure of an older message that comes now says nothing of a number that took a later one.
    assert post(app, receipt(protocol, "failed", first)) == 204
    assert message(first).undelivered_at is not None
    assert not fails(person.person_id)
    # What was said to have failed and arrived all the same has arrived.
    assert post(app, receipt(protocol, "delivered", first)) == 204
    assert message(first).undelivered_at is None
    assert message(second).delivered_at == before.delivered_at


@pytest.mark.parametrize("reason", ["Send result: RESULT_ERROR_NO_SERVICE", "TTL expired"])
def test_a_gateway_without_signal_blames_no_number(app, in_app, smsgate, person, reason):
    public_id = enqueue()
    assert post(app, receipt("smsgate", "failed", public_id, reason)) == 204
    assert message(public_id).undelivered_at is not None
    assert not fails(person.person_id)


def test_a_receipt_ends_not_knowing(app, in_app, protocol):
    unknown, waiting, leased = (
        enqueue(each) for each in (MessageState.UNKNOWN, MessageState.WAITING, MessageState.SENDING)
    )
    post(app, receipt(protocol, "sent", unknown))
    post(app, receipt(protocol, "delivered", waiting))
    post(app, receipt(protocol, "delivered", leased))
    assert {message(each).state for each in (unknown, waiting, leased)} == {MessageState.SENT}


def test_receipts_of_nobodys_message_are_harmless(app, in_app, protocol):
    enqueue()
    for kind in ("sent", "delivered", "failed"):
        assert post(app, receipt(protocol, kind, "nobodys-message-id-000")) == 204
        assert post(app, receipt(protocol, kind, "x" * 3000)) == 204


def test_a_receipt_reaches_only_what_went_by_sms(app, in_app, protocol):
    @db.writing
    def push() -> str:
        message = outbox.Outgoing(template="x", address="{}", language="en", way=Way.PUSH)
        return outbox.enqueue_many(DEED, [message])[0]

    public_id = push()
    post(app, receipt(protocol, "delivered", public_id))
    assert message(public_id).state is MessageState.WAITING


# --- replies ------------------------------------------------------------------------------------------------


def test_a_reply_is_kept_encrypted_before_anybody_asks_what_it_means(app, in_app, protocol):
    assert post(app, received(protocol, "1 好的,马上到")) == 204
    (reply,) = replies()
    assert (crypto.decrypt(reply.phone), crypto.decrypt(reply.text)) == (PHONE, "1 好的,马上到")
    assert reply.phone_index == outbox.address_index(Way.SMS, PHONE)
    assert reply.state is ReplyState.WAITING
    assert abs(reply.received_at - clock.now()) < timedelta(minutes=1)
    assert PHONE.encode() not in reply.phone
    assert "138" not in reply.gateway_id


def test_a_reply_that_comes_twice_is_one_reply_and_two_that_say_the_same_are_two(app, in_app, protocol):
    for _ in range(3):
        assert post(app, received(protocol, "1", sms="1")) == 204
    assert len(replies()) == 1
    assert post(app, received(protocol, "1", sms="2", at="20:47:30.000")) == 204
    assert post(app, received(protocol, "1", sms="3", phone="+8613900139000")) == 204
    assert len(replies()) == 3


def test_the_phone_tells_an_sms_again_under_another_event_and_in_another_time_zone(app, in_app, smsgate):
    first = received("smsgate", "1", sms="1")
    again = received("smsgate", "1", sms="2")
    again["payload"]["receivedAt"] = "2022-05-12T12:45:11.000Z"
    assert [post(app, each) for each in (first, again)] == [204, 204]
    assert len(replies()) == 1


def test_a_batch_is_as_many_replies(app, in_app, smsgate):
    texts = ["1", "2", "1 4071"]
    events = [received("smsgate", text, at=f"20:45:1{n}.000")["payload"] for n, text in enumerate(texts)]
    batch = {"event": "sms:batch:received", "id": "b", "payload": {"messages": events}}
    assert post(app, batch) == 204
    assert [crypto.decrypt(each.text) for each in replies()] == texts


@pytest.mark.parametrize("sender", ["10086", "CMCC", "+44 20 7946 0000"])
def test_who_writes_from_no_number_of_ours_is_kept_too(app, in_app, protocol, sender):
    assert post(app, received(protocol, "您的余额…", phone=sender)) == 204
    assert crypto.decrypt(replies()[0].phone) == sender


# --- who may -------------------------------------------------------------------------------------------------


def test_forged_old_and_unsigned_hooks_change_nothing(app, in_app, protocol, person):
    public_id = enqueue()
    for event in (receipt(protocol, "delivered", public_id), received(protocol, "1")):
        body = json.dumps(event).encode()
        good = signed(body)
        assert post(app, event, headers={}) == 401
        assert post(app, event, key="another-key") == 401
        assert post(app, event, headers=signed(body + b" ")) == 401
        assert post(app, event, headers=good | {"X-Timestamp": str(int(good["X-Timestamp"]) + 1)}) == 401
        assert post(app, event, headers=good | {"X-Timestamp": "٣" * 10}) == 401
        assert post(app, event, headers=good | {"X-Signature": "é"}) == 401
        assert post(app, event, age=301) == 403
        assert post(app, event, age=-302) == 403
    assert message(public_id).delivered_at is None
    assert replies() == []
    # Within the five minutes, and written in capitals.
    body = json.dumps(received(protocol, "1")).encode()
    headers = signed(body, age=240)
    assert post(app, body, headers=headers | {"X-Signature": headers["X-Signature"].upper()}) == 204


def test_without_a_key_there_is_no_door(app, in_app, monkeypatch):
    monkeypatch.setitem(app.config, "SMS_HOOK_KEY", "")
    assert post(app, received("plain", "1"), key="") == 404
    assert replies() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1",
        b"[]",
        b"\xff\xfe",
        b'{"event": "sms:received"}',
        b'{"event": "sms:received", "payload": []}',
        b'{"event": "sms:received", "payload": {"phoneNumber": "", "message": "1", "receivedAt": "x"}}',
        b'{"event": "sms:batch:received", "payload": {"messages": 5}}',
        b'{"event": "sms:delivered", "payload": {"messageId": 7}}',
        b'{"event": "received", "id": "x"}',
        b'{"event": "delivered"}',
    ],
)
def test_what_cannot_be_read_is_said_so_and_nothing_breaks(app, in_app, protocol, body):
    is_other_protocol = (b"sms:" in body) is (protocol == "plain") and b"event" in body
    assert post(app, body) == (204 if is_other_protocol else 422)
    assert replies() == []


def test_events_of_no_use_are_answered_well(app, in_app, protocol):
    assert post(app, {"event": "system:ping", "id": "x", "payload": {"health": {}}}) == 204
    assert post(app, {"event": "mms:received", "id": "x", "payload": {"messageId": "1"}}) == 204


def test_a_flood_is_not_read(app, in_app, protocol):
    assert post(app, b"x" * (256 * 1024 + 1)) == 413


def test_a_nul_and_a_novel_are_kept_as_far_as_a_database_can(app, in_app, protocol):
    assert post(app, received(protocol, "1\0" + "长" * 5000)) == 204
    assert crypto.decrypt(replies()[0].text) == "1" + "长" * 1999
