"""What a gateway gets and answers, and how an HTTP status is read."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from webapp.base.outbox import Rank


class Result(StrEnum):
    """What is known of one try."""

    SENT = "sent"
    REFUSED = "refused"
    GONE = "gone"
    AGAIN = "again"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome:
    """The result of one try with a word on why, without anything personal."""

    result: Result
    detail: str


@dataclass(frozen=True)
class Letter:
    """A message as it leaves: rendered, addressed, with its stable id.

    `page` is the path in the app that it leads to; after `until` it is of no use any more.
    """

    message_id: str
    address: str
    text: str
    language: str = "zh_Hans"
    rank: int = Rank.OTHER
    page: str | None = None
    until: datetime | None = None


class Gateway(Protocol):
    """A way out.

    `removes_duplicates`: an id that is sent twice reaches the phone once, so that a try whose result is unknown
    may be repeated. `is_one_endpoint`: all messages go to the same door, so that when it is shut nobody else
    need knock. `senders`: how many messages may be on their way at once.
    """

    removes_duplicates: bool
    is_one_endpoint: bool
    senders: int

    def send(self, letter: Letter) -> Outcome:
        """Try once to hand the message over."""

    def close(self) -> None:
        """Let go of its connections; nothing is sent after it."""


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
