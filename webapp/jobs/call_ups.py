"""The thread of the worker that moves call-ups on: waves go out when they are due, whoever looks at a screen or not."""

import logging
import threading

from flask import Flask

from webapp.base import clock
from webapp.domain.mobilization.services import engine

log = logging.getLogger("linli.worker")

LOOK_SECONDS = 0.5
PAUSE_AFTER_ERROR_SECONDS = 2.0


class Waves:
    """Looks twice a second which call-ups have something due, and takes one step of each."""

    name = "waves"

    def __init__(self, app: Flask, stop: threading.Event) -> None:
        self._app = app
        self._stop = stop

    def run(self) -> None:
        """Move call-ups on until the worker stops; the step that is under way is finished."""
        pause = LOOK_SECONDS
        while not self._stop.wait(pause):
            try:
                with self._app.app_context():
                    engine.run_due(clock.now())
                pause = LOOK_SECONDS
            except Exception:
                log.exception("call_ups_unreadable")
                pause = PAUSE_AFTER_ERROR_SECONDS
