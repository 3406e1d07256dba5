"""The thread of the worker that reads SMS, fills places from the queue, and puts who is silent onto the call list."""

import logging
import threading

from flask import Flask

from webapp.base import clock
from webapp.domain.mobilization.services import answers, call_list, sms

log = logging.getLogger("linli.worker")

LOOK_SECONDS = 0.25
PAUSE_AFTER_ERROR_SECONDS = 2.0
# The queue and the call list are looked at each so many looks: nobody waits for them to the quarter of a second.
SELDOM = 4


class Replies:
    """Reads what waits, again and again until the worker stops."""

    name = "replies"

    def __init__(self, app: Flask, stop: threading.Event) -> None:
        self._app = app
        self._stop = stop

    def run(self) -> None:
        """Read until the worker stops; the one that is being read is finished."""
        pause, looks = LOOK_SECONDS, 0
        while not self._stop.wait(pause):
            pause = LOOK_SECONDS
            try:
                with self._app.app_context():
                    while sms.read_waiting(now=clock.now()) and not self._stop.is_set():
                        pass
                    if looks % SELDOM == 0:
                        now = clock.now()
                        answers.settle_queues(now=now)
                        answers.ask_again(now=now)
                        call_list.list_silent(now=now)
                looks += 1
            except Exception:
                log.exception("replies_unreadable")
                pause = PAUSE_AFTER_ERROR_SECONDS
