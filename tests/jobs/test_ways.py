"""SMSGate, web push and staff channels against an endpoint process that loses, delays and repeats."""

import base64
import json
import logging
import os
from contextlib import closing
from datetime import timedelta

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from webapp.base import clock, push_key
from webapp.base.outbox import Rank
from webapp.jobs.gateways import Letter, PushGateway, Result, SmsGate, StaffGateway
from webapp.jobs.gateways.push import LONGEST_PAYLOAD, payload

TEXT = "【邻里·北辰社区】紧急召集:今晚21点北门岗亭。能来回1,不能回2。"


def letter(**more) -> Letter:
    return Letter(**({"message_id": "0352whsanKdXMtL8VCA84q", "address": "13800138000", "text": TEXT} | more))


def by_smsgate(url: str, sent: Letter, *, token: str = "", timeout: float = 5.0):
    with closing(SmsGate(url=url, token=token, timeout=timeout)) as gateway:
        return gateway.send(sent)


# --- SMSGate ------------------------------------------------------------------------------------------------


def test_smsgate_gets_what_its_api_asks_for(fake_ways):
    sent = letter(rank=Rank.CALL, until=clock.now() + timedelta(minutes=10))
    assert by_smsgate(fake_ways.url("ok"), sent, token="user:password").result is Result.SENT
    (call,) = fake_ways.received()
    assert call["path"] == "/ok/messages"
    assert call["headers"]["authorization"] == "Basic " + base64.b64encode(b"user:password").decode()
    ttl = call["body"].pop("ttl")
    assert 590 <= ttl <= 600
    assert call["body"] == {
        "id": "0352whsanKdXMtL8VCA84q",
        "textMessage": {"text": TEXT},
        "phoneNumbers": ["+8613800138000"],
        "withDeliveryReport": True,
        "priority": 100,
    }


def test_smsgate_that_lost_its_answer_took_the_message_once(fake_ways):
    outcome = by_smsgate(fake_ways.url("lose"), letter(), token="a-token")
    assert (outcome.result, outcome.detail) == (Result.SENT, "HTTP 409, taken before")
    assert [call["is_new"] for call in fake_ways.received()] == [True, False]
    assert fake_ways.received()[0]["headers"]["authorization"] == "Bearer a-token"


@pytest.mark.parametrize(
    ("mode", "result"),
    [
        ("status-400", Result.REFUSED),
        ("status-401", Result.AGAIN),
        ("status-429", Result.AGAIN),
        ("status-500", Result.UNKNOWN),
        ("status-307", Result.AGAIN),
        ("late", Result.SENT),
    ],
)
def test_smsgate_is_read_like_every_gateway(fake_ways, mode, result):
    outcome = by_smsgate(fake_ways.url(mode), letter())
    assert outcome.result is result
    assert "138" not in outcome.detail


def test_a_slow_smsgate_leaves_the_result_open(fake_ways):
    outcome = by_smsgate(fake_ways.url("late"), letter(), timeout=0.2)
    assert (outcome.result, outcome.detail) == (Result.UNKNOWN, "ReadTimeout")


# --- web push -----------------------------------------------------------------------------------------------


class Browser:
    """What a browser keeps of its subscription."""

    def __init__(self, endpoint: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.subscription = json.dumps(
            {"endpoint": endpoint, "keys": {"p256dh": text(point), "auth": text(self.auth)}}
        )

    def read(self, call) -> dict[str, str]:
        raw = base64.b64decode(call["body"]["raw"])
        return json.loads(http_ece.decrypt(raw, private_key=self.key, auth_secret=self.auth))


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def push(fake_ways, tmp_path):
    key = push_key.of_directory(tmp_path)
    gateway = PushGateway(
        private_key=key.private,
        subject="mailto:linli@example.cn",
        hosts=(f"127.0.0.1:{fake_ways.port}", "*.push.example.cn"),
        timeout=2.0,
    )
    with closing(gateway):
        yield gateway


def test_a_push_is_read_by_the_browser_that_asked_for_it(fake_ways, push, tmp_path):
    for number in range(2):
        browser = Browser(fake_ways.url("ok", f"/push/{number}"))
        sent = letter(address=browser.subscription, page="/mobilization/summonses", rank=Rank.CALL)
        assert push.send(sent).result is Result.SENT
        call = fake_ways.received()[-1]
        assert browser.read(call) == {
            "id": sent.message_id,
            "title": "邻里·北辰社区",
            "body": TEXT.partition("】")[2],
            "page": "/mobilization/summonses",
            "lang": "zh-Hans",
        }
        headers = call["headers"]
        assert (headers["topic"], headers["urgency"], headers["ttl"]) == (sent.message_id, "high", "3600")
        assert Vapid02.verify(headers["authorization"])
        key = push_key.of_directory(tmp_path)
        assert headers["authorization"].endswith(f"k={key.public}")


@pytest.mark.parametrize(
    ("mode", "result"),
    [
        ("status-404", Result.GONE),
        ("status-410", Result.GONE),
        ("status-400", Result.REFUSED),
        ("status-413", Result.REFUSED),
        ("status-429", Result.AGAIN),
        ("status-302", Result.AGAIN),
        ("status-502", Result.UNKNOWN),
        ("lose", Result.SENT),
        ("late", Result.SENT),
    ],
)
def test_what_a_push_service_answers(fake_ways, push, mode, result):
    browser = Browser(fake_ways.url(mode, "/push/x"))
    assert push.send(letter(address=browser.subscription)).result is result


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example.com/push/x",
        "https://push.example.cn.evil.com/x",
        "https://push.example.cn/x",
        "http://a.push.example.cn/x",
        "https://a.push.example.cn:8443/x",
        "https://user@a.push.example.cn/x",
        "http://127.0.0.1:1/x",
        "https://127.0.0.1/x",
        "file:///etc/passwd",
        "https://[/x",
        7,
    ],
)
def test_nothing_is_pushed_to_hosts_that_are_not_allowed(fake_ways, push, endpoint):
    outcome = push.send(letter(address=Browser(endpoint).subscription))
    assert (outcome.result, outcome.detail) == (Result.REFUSED, "host not allowed")


@pytest.mark.parametrize("keys", [{}, {"p256dh": "AAAA", "auth": "AAAA"}, {"p256dh": 1, "auth": None}, None])
def test_keys_that_are_none_are_gone(fake_ways, push, keys):
    address = json.dumps({"endpoint": fake_ways.url("ok", "/push/x"), "keys": keys})
    assert push.send(letter(address=address)).result is Result.GONE
    assert push.send(letter(address="{")).result is Result.GONE
    assert fake_ways.received() == []


def test_a_payload_fits_and_keeps_whole_characters():
    packed = payload(letter(text="【演练】【邻里·北辰社区】" + "长" * 5000))
    assert LONGEST_PAYLOAD - 50 < len(packed) <= LONGEST_PAYLOAD
    assert json.loads(packed)["title"] == "演练 · 邻里·北辰社区"
    assert json.loads(payload(letter(text="no sender")))["title"] == ""


def test_a_key_is_made_once(tmp_path):
    first = push_key.of_directory(tmp_path)
    assert push_key.of_directory(tmp_path) == first == push_key.read(first.private)
    assert (tmp_path / push_key.FILE).stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / push_key.FILE]
    for wrong in ("", "AAAA", "*" * 43):
        with pytest.raises(ValueError):
            push_key.read(wrong)


# --- staff channels -----------------------------------------------------------------------------------------


@pytest.fixture
def staff():
    return StaffGateway(kinds=("json", "mail"), mail_url="", public_url="http://linli.test")


def robot(fake_ways, mode: str) -> str:
    return f"json://127.0.0.1:{fake_ways.port}/{mode}/robot"


def test_a_robot_gets_the_text_and_the_page(fake_ways, staff):
    assert staff.send(letter(address=robot(fake_ways, "ok"), page="/mobilization")).result is Result.SENT
    (call,) = fake_ways.received()
    assert call["body"]["message"] == f"{TEXT}\nhttp://linli.test/mobilization"


@pytest.mark.parametrize(
    ("mode", "result"),
    [
        ("status-400", Result.REFUSED),
        ("status-404", Result.REFUSED),
        ("status-429", Result.AGAIN),
        ("status-500", Result.UNKNOWN),
        ("lose", Result.UNKNOWN),
        ("late", Result.SENT),
    ],
)
def test_what_a_robot_answers(fake_ways, staff, mode, result):
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    try:
        outcome = staff.send(letter(address=robot(fake_ways, mode)))
    finally:
        logging.getLogger().removeHandler(handler)
    assert outcome.result is result
    assert len(fake_ways.received()) == 1
    # What Apprise logs names the robot's address, and goes nowhere.
    assert said == []
    assert "127.0.0.1" not in outcome.detail


def test_a_robot_that_is_not_there_is_tried_again(staff):
    assert staff.send(letter(address="json://127.0.0.1:1/robot")).result is Result.AGAIN


@pytest.mark.parametrize(
    "address", ["xml://127.0.0.1/x", "file:///tmp/x", "exec://x", "mailto://u:p@a.cn", ""]
)
def test_only_allowed_kinds_are_sent_to(staff, address):
    assert staff.send(letter(address=address)).result is Result.REFUSED


def test_mail_waits_for_a_mail_server(staff):
    outcome = staff.send(letter(address="mailto:grid@example.cn"))
    assert (outcome.result, outcome.detail) == (Result.AGAIN, "no mail server")
