"""What nearly every page asks for and what changes a few times a day: remembered in this process for some seconds."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from webapp.base import db

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

SECONDS = 5.0
MOST = 5000
_seconds = SECONDS


def configure(seconds: float) -> None:
    """How long this process remembers; 0: not at all. create_app calls this once."""
    global _seconds  # noqa: PLW0603 - belongs to the process, like its keys
    _seconds = seconds


class Remembered(Generic[K, V]):
    """Answers by key, each at most `SECONDS` old. Whoever is writing always asks the database itself.

    For what pages show; a rule that decides something reads what is true now.
    """

    def __init__(self, load: Callable[[K], V]) -> None:
        self._load = load
        self._kept: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V:
        """The answer, loaded when there is none that is young enough."""
        if db.is_writing():
            return self._load(key)
        now = time.monotonic()
        found = self._kept.get(key)
        if found is not None and now < found[0]:
            return found[1]
        value = self._load(key)
        if _seconds:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = (now + _seconds, value)
        return value

    def forget(self) -> None:
        """Forget all of it: this process has just changed it."""
        self._kept.clear()
