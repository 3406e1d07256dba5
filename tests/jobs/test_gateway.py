"""The HTTP adapter against a gateway process that misbehaves, and the console."""

import json
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from webapp.base.outbox import Way
from webapp.jobs.gateways import ConsoleGateway, Letter, PlainGateway, Result, from_config


def send(url, *, timeout=1.0, token="a-token"):
    gateway = PlainGateway(url=url, token=token, removes_duplicates=False, timeout=timeout)
    with closing(gateway):
        return gateway.send(Letter("stable-id", "13800138000", "【邻里】你好"))


def test_a_message_goes_out_with_its_id_token_and_text(fake_gateway):
    assert send(fake_gateway.url("ok")).result is Result.SENT
    assert fake_gateway.received() == [
        {
            "id": "stable-id",
            "to": "13800138000",
            "text": "【邻里】你好",
            "key": "stable-id",
            "authorization": "Bearer a-token",
        }
    ]


@pytest.mark.parametrize(
    ("how", "result"),
    [
        ("status/200", Result.SENT),
        ("status/400", Result.REFUSED),
        ("status/404", Result.REFUSED),
        ("status/422", Result.REFUSED),
        ("status/408", Result.AGAIN),
        ("status/429", Result.AGAIN),
        ("status/503", Result.AGAIN),
        ("status/401", Result.AGAIN),
        ("status/403", Result.AGAIN),
        ("status/307", Result.AGAIN),
        ("status/500", Result.UNKNOWN),
        ("status/502", Result.UNKNOWN),
        ("status/504", Result.UNKNOWN),
        ("slow/5", Result.UNKNOWN),
        ("cut", Result.UNKNOWN),
        ("half", Result.UNKNOWN),
        ("drip", Result.UNKNOWN),
    ],
)
def test_each_answer_is_read_for_what_it_says_about_the_message(fake_gateway, how, result):
    assert send(fake_gateway.url(how)).result is result
    assert len(fake_gateway.received()) == 1


def test_a_gateway_that_is_not_there_means_again():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/").result is Result.AGAIN


def test_what_is_written_down_of_a_try_names_nobody(fake_gateway):
    for how in ("ok", "status/400", "cut", "slow/5"):
        detail = send(fake_gateway.url(how)).detail
        assert "138" not in detail
        assert "邻里" not in detail


def test_the_console_shows_a_message_once_and_keeps_the_last_fifty(tmp_path, capsys):
    gateway = ConsoleGateway(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        for number in range(60):
            pool.submit(gateway.send, Letter(f"id-{number}", "13800138000", f"text {number}"))
    for _ in range(3):
        gateway.send(Letter("again", "13800138000", "once"))
    path = tmp_path / "console_sms.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 50
    assert [line["text"] for line in lines].count("once") == 1
    assert capsys.readouterr().out.count("once") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_production_without_a_gateway_shows_messages_nowhere(session_app):
    config = session_app.config | {"SMS_URL": "", "IS_PRODUCTION": True}
    assert Way.SMS not in from_config(config)
    assert isinstance(from_config(config | {"IS_PRODUCTION": False})[Way.SMS], ConsoleGateway)
