"""Web push (RFC 8030, 8291, 8292) by pywebpush: encrypted for one browser, signed with our key, sent to its service."""

import json
import re
from collections.abc import Mapping
from typing import Any

from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException

from webapp.base import clock
from webapp.base.outbox import Rank
from webapp.domain.notifications.rules import is_push_address
from webapp.jobs.gateways.letters import Letter, Outcome, Result
from webapp.jobs.gateways.line import TIMEOUT_SECONDS, Line

SENDERS = 8
LONGEST_PAYLOAD = 3_900
CLAIM_SECONDS = 3600
_DAY = 24 * 3600
_CALL = 3600
_SENDER = re.compile(r"((?:【[^】]*】|\[[^\]]*\])+)\s*(.+)", re.DOTALL)


class PushGateway:
    """One message to one browser. What comes twice carries the same tag, and the phone shows it once."""

    is_one_endpoint = False
    removes_duplicates = True
    senders = SENDERS

    def __init__(
        self,
        *,
        private_key: str,
        subject: str,
        hosts: tuple[str, ...],
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._key = Vapid02.from_string(private_key)
        self._subject = subject
        self._hosts = hosts
        self._timeout = timeout
        self._line = Line(may_repeat=True, lines=SENDERS, timeout=timeout)

    @classmethod
    def of(cls, config: Any) -> "PushGateway":
        """The gateway of these settings."""
        return cls(
            private_key=config["VAPID_PRIVATE_KEY"],
            subject=config["VAPID_SUBJECT"],
            hosts=config["PUSH_HOSTS"],
        )

    def send(self, letter: Letter) -> Outcome:
        """Try once. GONE: the browser took its subscription back, or it never was one."""
        try:
            subscription = json.loads(letter.address)
            endpoint = subscription["endpoint"]
        except (ValueError, KeyError, TypeError):
            return Outcome(Result.GONE, "no subscription")
        if not is_push_address(endpoint, hosts=self._hosts):
            return Outcome(Result.REFUSED, "host not allowed")
        wire = _Wire(self._line)
        try:
            WebPusher(subscription, requests_session=wire).send(
                payload(letter), self._headers(endpoint, letter), ttl=_time_to_live(letter)
            )
        except (WebPushException, ValueError, TypeError, AttributeError):
            # Keys of a wrong length or no points of the curve: no message can ever be encrypted for them.
            return Outcome(Result.GONE, "no usable keys")
        outcome = wire.outcome
        if outcome.detail in {"HTTP 404", "HTTP 410"}:
            return Outcome(Result.GONE, outcome.detail)
        return outcome

    def close(self) -> None:
        """Let go of the connections that are kept."""
        self._line.close()

    def _headers(self, endpoint: str, letter: Letter) -> dict[str, str]:
        # A dict of its own for each call: the library writes into the claims, and the next service refuses them.
        scheme, _, rest = endpoint.partition("://")
        claims = {
            "sub": self._subject,
            "aud": f"{scheme}://{rest.partition('/')[0]}",
            "exp": int(clock.now().timestamp()) + CLAIM_SECONDS,
        }
        return {
            **self._key.sign(claims),
            "Content-Type": "application/octet-stream",
            "Urgency": "high" if letter.rank <= Rank.CALL else "normal",
            # A repeated message replaces the one that still waits at the service.
            "Topic": letter.message_id,
        }


class _Wire:
    """Stands where the library expects a session of requests, and sends over our line with its limits."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.outcome = Outcome(Result.UNKNOWN, "nothing was sent")

    def post(self, url: str, *, data: bytes, headers: Mapping[str, str], **_more: Any) -> "_Answer":
        self.outcome = self._line.post(url, content=data, headers=dict(headers))
        return _Answer()


class _Answer:
    """What the library looks at after a call; the outcome is with the wire."""

    status_code = 201
    text = ""
    headers: Mapping[str, str] = {}


def payload(letter: Letter) -> bytes:
    """What the service worker shows: {"id", "title", "body", "page", "lang"}, at most 3,900 bytes.

    The title is the sender in the brackets that a message begins with.
    """
    found = _SENDER.fullmatch(letter.text)
    title, body = (found[1], found[2]) if found else ("", letter.text)
    said = {
        "id": letter.message_id,
        "title": title.replace("][", " · ").replace("】【", " · ").strip("【】[]"),
        "body": body,
        "page": letter.page or "/notifications",
        "lang": letter.language.replace("_", "-"),
    }
    while len(packed := json.dumps(said, ensure_ascii=False).encode()) > LONGEST_PAYLOAD:
        said["body"] = said["body"][: -max(1, (len(packed) - LONGEST_PAYLOAD) // 4 + 1)]
    return packed


def _time_to_live(letter: Letter) -> int:
    longest = _CALL if letter.rank <= Rank.CALL else _DAY
    if letter.until is None:
        return longest
    return int(min(max((letter.until - clock.now()).total_seconds(), 1), longest))
