"""Notices to staff through Apprise: group robots of WeCom, DingTalk and Feishu, and mail. Never a one-time code."""

import logging
import re
import threading
from typing import Any

import apprise
from apprise.common import NotifyFormat

from webapp.domain.notifications.rules import MAIL, staff_kind
from webapp.jobs.gateways.letters import Letter, Outcome, Result, judge

SENDERS = 4
CONNECT_SECONDS, READ_SECONDS = 5, 10
_STATUS = re.compile(r"error=(\d{3})\b")
_NEVER_REACHED = ("NewConnectionError", "ConnectTimeout", "NameResolution", "Connection refused", "Errno -")
_library = logging.getLogger("apprise")


class _Ear(logging.Handler):
    """Hears what Apprise says on this thread while it sends: it answers only yes or no, and why is in its log.

    Nothing of it goes further, because addresses of robots are secrets.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._heard = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        lines = getattr(self._heard, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())

    def listen(self) -> list[str]:
        """Begin anew; what is said from now on is in the list."""
        self._heard.lines = []
        return self._heard.lines


_ear = _Ear()


def _hush() -> None:
    _library.propagate = False
    _library.setLevel(logging.DEBUG)
    if _ear not in _library.handlers:
        _library.addHandler(_ear)


class StaffGateway:
    """One notice to one channel. Robots do not remove duplicates: what was perhaps sent is not sent again."""

    is_one_endpoint = False
    removes_duplicates = False
    senders = SENDERS

    def __init__(self, *, kinds: tuple[str, ...], mail_url: str, public_url: str) -> None:
        _hush()
        self._kinds = kinds
        self._mail_url = mail_url
        self._public_url = public_url
        self._asset = apprise.AppriseAsset(
            app_id="Linli", app_desc="邻里 Linli", app_url=public_url, async_mode=False, secure_logging=True
        )

    @classmethod
    def of(cls, config: Any) -> "StaffGateway":
        """The gateway of these settings."""
        return cls(
            kinds=config["STAFF_CHANNELS"], mail_url=config["MAIL_URL"], public_url=config["PUBLIC_URL"]
        )

    def send(self, letter: Letter) -> Outcome:
        """Try once; GONE: the address is none that Apprise could ever send to."""
        kind = staff_kind(letter.address)
        if kind not in self._kinds:
            return Outcome(Result.REFUSED, "kind not allowed")
        if kind == MAIL and not self._mail_url:
            return Outcome(Result.AGAIN, "no mail server")
        url = self._mail_to(letter.address) if kind == MAIL else letter.address
        joined = "&" if "?" in url else "?"
        channel = apprise.Apprise.instantiate(
            f"{url}{joined}cto={CONNECT_SECONDS}&rto={READ_SECONDS}&redirect=no&overflow=truncate",
            asset=self._asset,
            suppress_exceptions=True,
        )
        if channel is None:
            return Outcome(Result.GONE, "no address")
        heard = _ear.listen()
        try:
            is_sent = channel.notify(
                body=self._body(letter), title=_title(letter, channel), body_format=NotifyFormat.TEXT
            )
        except Exception as error:  # noqa: BLE001 - dozens of plug-ins; what they raise says only that it broke
            return Outcome(Result.UNKNOWN, type(error).__name__)
        return Outcome(Result.SENT, channel.service_name) if is_sent else _judge(heard)

    def close(self) -> None:
        """Apprise keeps no connection."""

    def _mail_to(self, address: str) -> str:
        joined = "&" if "?" in self._mail_url else "?"
        return f"{self._mail_url}{joined}to={address.removeprefix('mailto:')}"

    def _body(self, letter: Letter) -> str:
        return f"{letter.text}\n{self._public_url}{letter.page}" if letter.page else letter.text


def _title(letter: Letter, channel: Any) -> str:
    """Mail has a subject; robots show one line more, which says nothing new."""
    return letter.text[:60] if channel.service_name == "E-Mail" else ""


def _judge(heard: list[str]) -> Outcome:
    """What Apprise's own words say of a try that failed; without a status, how far it got."""
    for line in heard:
        if found := _STATUS.search(line):
            return judge(int(found[1]))
    if any(word in line for line in heard for word in _NEVER_REACHED):
        return Outcome(Result.AGAIN, "not reached")
    return Outcome(Result.UNKNOWN, "no answer")
