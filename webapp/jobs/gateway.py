"""The ways out for a message: an HTTP SMS gateway, or the console of somebody who develops."""

import fcntl
import json
import os
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import httpx

TIMEOUT_SECONDS = 10.0
LONGEST_ANSWER = 64 * 1024
CONSOLE_LINES = 50
CONSOLE_FILE = "console_sms.jsonl"


class Result(StrEnum):
    """What is known of one try."""

    SENT = "sent"
    REFUSED = "refused"
    AGAIN = "again"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome:
    """The result of one try with a word on why, without anything personal."""

    result: Result
    detail: str


class Gateway(Protocol):
    """A way out. `removes_duplicates` says whether an id that is sent twice reaches the phone once."""

    removes_duplicates: bool

    def send(self, *, message_id: str, phone: str, text: str) -> Outcome:
        """Try once to hand the message over."""


class HttpGateway:
    """One plain HTTP adapter: POST {"id", "to", "text"} with a bearer token; the id is the Idempotency-Key."""

    def __init__(
        self, *, url: str, token: str, removes_duplicates: bool, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self.removes_duplicates = removes_duplicates
        self._url = url
        self._timeout = timeout
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # No connection is used twice: one that the gateway closed meanwhile would look like a lost answer.
        self._client = httpx.Client(
            timeout=timeout,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers=headers,
            follow_redirects=False,
            trust_env=False,
        )

    def send(self, *, message_id: str, phone: str, text: str) -> Outcome:
        """Try once; what came of it is judged by how far the message got."""
        try:
            with self._client.stream(
                "POST",
                self._url,
                json={"id": message_id, "to": phone, "text": text},
                headers={"Idempotency-Key": message_id},
            ) as response:
                outcome = judge(response.status_code)
                if outcome.result is Result.SENT:
                    self._read(response)
                return outcome
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            return Outcome(Result.AGAIN, type(error).__name__)
        except httpx.HTTPError as error:
            # Everything else happens after the first byte went out: perhaps it was sent, perhaps not.
            return Outcome(Result.UNKNOWN, type(error).__name__)

    def _read(self, response: httpx.Response) -> None:
        """Read the answer to its end; one that breaks off, or drips, leaves the result unknown."""
        ends_at = time.monotonic() + self._timeout
        size = 0
        for piece in response.iter_raw():
            size += len(piece)
            if size > LONGEST_ANSWER or time.monotonic() > ends_at:
                raise httpx.ReadTimeout("the answer does not end", request=response.request)


def judge(status: int) -> Outcome:
    """What an HTTP status says about the message.

    401, 403 and redirects are about our settings and not about the message: it waits until they are right.
    5xx other than 503 come from in front of or inside a gateway that may have sent it.
    """
    detail = f"HTTP {status}"
    if 200 <= status < 300:
        return Outcome(Result.SENT, detail)
    if status in {401, 403, 408, 429, 503} or 300 <= status < 400:
        return Outcome(Result.AGAIN, detail)
    if 400 <= status < 500:
        return Outcome(Result.REFUSED, detail)
    return Outcome(Result.UNKNOWN, detail)


class ConsoleGateway:
    """Prints messages and keeps the last ones in a file, so that whoever tries Linli can read the code."""

    removes_duplicates = True

    def __init__(self, directory: Path) -> None:
        self._path = directory / CONSOLE_FILE

    def send(self, *, message_id: str, phone: str, text: str) -> Outcome:
        """Print the message, once per id."""
        line = {"id": message_id, "at": round(time.time(), 3), "to": phone, "text": text}
        with (self._path.with_suffix(".lock")).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lines = self._lines()
            if any(each["id"] == message_id for each in lines):
                return Outcome(Result.SENT, "console, repeated")
            self._write([*lines, line][-CONSOLE_LINES:])
        sys.stdout.write(f"短信 SMS → {phone}: {text}\n")
        sys.stdout.flush()
        return Outcome(Result.SENT, "console")

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


def from_config(config: Any) -> Gateway | None:
    """The gateway of the settings; None in production without one, where messages wait unseen."""
    if config["SMS_URL"]:
        return HttpGateway(
            url=config["SMS_URL"],
            token=config["SMS_TOKEN"],
            removes_duplicates=config["SMS_DEDUPLICATES"],
        )
    return None if config["IS_PRODUCTION"] else ConsoleGateway(config["DATA_DIR"])
