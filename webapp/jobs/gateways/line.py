"""One line to HTTP endpoints: how far a try got decides what is known of it."""

import time
from collections.abc import Mapping
from typing import Any

import httpx

from webapp.jobs.gateways.letters import Outcome, Result, judge

TIMEOUT_SECONDS = 10.0
LONGEST_ANSWER = 64 * 1024
_BEFORE_THE_FIRST_BYTE = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
_HUNG_UP = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class Line:
    """Posts to endpoints; safe to use from several threads.

    Without `may_repeat` no connection is used twice: one that the other side closed meanwhile would look like a
    lost answer, and the message could not be sent again. With it connections are kept, and where the other side
    hung up the message goes once more over a fresh one, at once.
    """

    def __init__(
        self,
        *,
        may_repeat: bool,
        lines: int,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._may_repeat = may_repeat
        self._timeout = timeout
        self._client = httpx.Client(
            timeout=timeout,
            limits=httpx.Limits(
                max_connections=lines,
                max_keepalive_connections=lines if may_repeat else 0,
                keepalive_expiry=timeout,
            ),
            headers=dict(headers or {}),
            auth=auth,
            follow_redirects=False,
            trust_env=False,
        )

    def post(self, url: str, **content: Any) -> Outcome:
        """Try once; `content` is what httpx takes (json, content, headers)."""
        try:
            return self._post(url, content)
        except _HUNG_UP as error:
            if not self._may_repeat:
                return Outcome(Result.UNKNOWN, type(error).__name__)
        except _BEFORE_THE_FIRST_BYTE as error:
            return Outcome(Result.AGAIN, type(error).__name__)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Everything else happens after the first byte went out: perhaps it was sent, perhaps not.
            return Outcome(Result.UNKNOWN, type(error).__name__)
        try:
            return self._post(url, content)
        except _BEFORE_THE_FIRST_BYTE as error:
            return Outcome(Result.AGAIN, type(error).__name__)
        except httpx.HTTPError as error:
            return Outcome(Result.UNKNOWN, type(error).__name__)

    def close(self) -> None:
        """Let go of the connections that are kept."""
        self._client.close()

    def _post(self, url: str, content: dict[str, Any]) -> Outcome:
        with self._client.stream("POST", url, **content) as response:
            # Read to its end also where it is a refusal: the connection is used again.
            self._read(response)
            return judge(response.status_code)

    def _read(self, response: httpx.Response) -> None:
        """Read the answer to its end; one that breaks off, or drips, leaves the result unknown."""
        ends_at = time.monotonic() + self._timeout
        size = 0
        for piece in response.iter_raw():
            size += len(piece)
            if size > LONGEST_ANSWER or time.monotonic() > ends_at:
                raise httpx.ReadTimeout("the answer does not end", request=response.request)
