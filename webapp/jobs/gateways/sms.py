"""SMS gateways. Two protocols, both in docs/messages.md:

- Linli plain SMS, version 1: one POST, small enough to put in front of any provider.
- SMSGate (SMS Gateway for Android by capcom6, docs.sms-gate.app), its 3rdparty API v1: an Android phone with a
  SIM as gateway, which is what one laptop in a sealed county can have.
"""

import fcntl
import json
import os
import re
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from webapp.base import clock
from webapp.base.outbox import Rank
from webapp.jobs.gateways.letters import Letter, Outcome, Result
from webapp.jobs.gateways.line import TIMEOUT_SECONDS, Line

SENDERS = 8
CONSOLE_LINES = 50
CONSOLE_FILE = "console_sms.jsonl"
PLAIN_VERSION = "1"

# SMSGate: priorities from 100 on pass the limits and pauses that the phone keeps between messages.
_PRIORITIES = {Rank.CODE: 120, Rank.CALL: 100}
_SHORTEST_TTL = timedelta(seconds=5)
_LONGEST_TTL = timedelta(days=1)
_CHINESE_MOBILE = re.compile(r"1\d{10}")


def _credentials(token: str) -> dict[str, Any]:
    """A token is a bearer token; with a colon in it, it is user and password."""
    user, colon, password = token.partition(":")
    if colon:
        return {"auth": (user, password)}
    return {"headers": {"Authorization": f"Bearer {token}"}} if token else {}


class PlainGateway:
    """Linli plain SMS, version 1: POST {"id", "to", "text"}; the id is also the Idempotency-Key."""

    is_one_endpoint = True
    senders = SENDERS

    def __init__(
        self, *, url: str, token: str, removes_duplicates: bool, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self.removes_duplicates = removes_duplicates
        self._url = url
        self._line = Line(
            may_repeat=removes_duplicates, lines=SENDERS, timeout=timeout, **_credentials(token)
        )

    def send(self, letter: Letter) -> Outcome:
        """Try once; what came of it is judged by how far the message got."""
        return self._line.post(
            self._url,
            json={"id": letter.message_id, "to": letter.address, "text": letter.text},
            headers={"Idempotency-Key": letter.message_id, "Linli-SMS": PLAIN_VERSION},
        )

    def close(self) -> None:
        """Let go of the connections that are kept."""
        self._line.close()


class SmsGate:
    """SMSGate's 3rdparty API v1: POST /messages under the address of the API.

    The phone itself (http://192.168.1.8:8080) and the private server (https://…/3rdparty/v1) take the same body.
    The gateway knows each id once and answers a repeated one with 409: the message was taken before.
    """

    is_one_endpoint = True
    removes_duplicates = True
    senders = SENDERS

    def __init__(self, *, url: str, token: str, timeout: float = TIMEOUT_SECONDS) -> None:
        url = url.rstrip("/")
        self._url = url if url.endswith(("/message", "/messages")) else f"{url}/messages"
        self._line = Line(may_repeat=True, lines=SENDERS, timeout=timeout, **_credentials(token))

    def send(self, letter: Letter) -> Outcome:
        """Try once; what came of it is judged by how far the message got."""
        outcome = self._line.post(
            self._url,
            json={
                "id": letter.message_id,
                "textMessage": {"text": letter.text},
                "phoneNumbers": [_with_country(letter.address)],
                "withDeliveryReport": True,
                "priority": _PRIORITIES.get(letter.rank, 0),
                "ttl": _time_to_live(letter),
            },
        )
        if outcome.detail == "HTTP 409":
            return Outcome(Result.SENT, "HTTP 409, taken before")
        return outcome

    def close(self) -> None:
        """Let go of the connections that are kept."""
        self._line.close()


def _with_country(phone: str) -> str:
    """SMSGate asks for E.164: a Chinese mobile number gets its country, anything else goes as it is."""
    return f"+86{phone}" if _CHINESE_MOBILE.fullmatch(phone) else phone


def _time_to_live(letter: Letter) -> int:
    """Seconds after which the phone shall forget a message that it could not send: no call comes a day late."""
    left = letter.until - clock.now() if letter.until else _LONGEST_TTL
    return int(min(max(left, _SHORTEST_TTL), _LONGEST_TTL).total_seconds())


class ConsoleGateway:
    """Prints messages and keeps the last ones in a file, so that whoever tries Linli can read the code."""

    is_one_endpoint = True
    removes_duplicates = True
    senders = 1

    def __init__(self, directory: Path) -> None:
        self._path = directory / CONSOLE_FILE

    def send(self, letter: Letter) -> Outcome:
        """Print the message, once per id."""
        line = {
            "id": letter.message_id,
            "at": round(time.time(), 3),
            "to": letter.address,
            "text": letter.text,
        }
        with (self._path.with_suffix(".lock")).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lines = self._lines()
            if any(each["id"] == letter.message_id for each in lines):
                return Outcome(Result.SENT, "console, repeated")
            self._write([*lines, line][-CONSOLE_LINES:])
        sys.stdout.write(f"短信 SMS → {letter.address}: {letter.text}\n")
        sys.stdout.flush()
        return Outcome(Result.SENT, "console")

    def close(self) -> None:
        """There is nothing to let go of."""

    def _lines(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]

    def _write(self, lines: list[dict[str, Any]]) -> None:
        new = self._path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        new.replace(self._path)
