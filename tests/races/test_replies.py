"""A thousand replies within a second, over HTTP against two server processes: each is kept once, and soon."""

import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from tests.clients import at_once
from tests.processes import Program, serve_web, wait_until_up
from webapp.base import crypto, db
from webapp.domain.notifications.models import SmsReply

pytestmark = pytest.mark.db
KEY = "a-key-of-the-hooks-of-the-tests"
PEOPLE = 1_000
TOLD_TWICE = 200


@pytest.fixture(scope="module")
def doors(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Program]]:
    """Two servers that know the gateway's key."""
    folder = tmp_path_factory.mktemp("doors")
    settings = {"LINLI_SMS_HOOK_KEY": KEY, "LINLI_SMS_PROTOCOL": "smsgate"}
    started = [serve_web(f"door-{n}", database_url, folder, threads=4, more=settings) for n in (1, 2)]
    try:
        wait_until_up(*started)
        yield started
    finally:
        for program in started:
            program.stop()


def hook(number: int, *, again: bool = False) -> bytes:
    """Somebody's "1", as SMSGate tells it; told again, it is another event about the same SMS."""
    payload = {
        "messageId": "1b2c",
        "message": "1" if number % 3 else "2",
        "phoneNumber": f"+86138{number:08d}",
        "simNumber": 1,
        "receivedAt": f"2022-05-12T20:45:{number % 60:02d}.{number % 1000:03d}+08:00",
    }
    event = {"event": "sms:received", "id": f"{number}-{again}", "deviceId": "d", "payload": payload}
    body = json.dumps(event).encode()
    stamp = str(int(time.time()))
    signature = hmac.new(KEY.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    head = [
        "POST /notifications/hooks/sms HTTP/1.1",
        "Host: linli.test",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Timestamp: {stamp}",
        f"X-Signature: {signature}",
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


@db.reading
def stored() -> list[SmsReply]:
    return list(db.session().execute(select(SmsReply)).scalars())


def test_a_thousand_replies_at_once_are_all_kept_once_within_ten_seconds(
    in_app: Flask, doors: list[Program], folder: Path
) -> None:
    requests = [hook(number) for number in range(PEOPLE)]
    requests += [hook(number, again=True) for number in range(TOLD_TWICE)]
    answers = at_once([each.port for each in doors], requests, folder)
    assert Counter(answer.status for answer in answers) == {204: PEOPLE + TOLD_TWICE}
    replies = stored()
    assert Counter(crypto.decrypt(each.phone) for each in replies) == {
        f"138{number:08d}": 1 for number in range(PEOPLE)
    }
    assert Counter(crypto.decrypt(each.text) for each in replies) == {"1": 666, "2": 334}
    arrived = sorted(each.received_at for each in replies)
    assert arrived[-1] - arrived[0] < timedelta(seconds=10)
