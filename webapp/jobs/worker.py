"""The worker: sends what waits in the outbox, does long jobs, tidies up.

The database tables are the queues, looked at four times a second; huey only carries the periodic work and may
be emptied at any time. Several workers at once are safe: every row is leased by a conditional update.
"""

import logging
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flask import Flask
from huey import SqliteHuey, crontab
from huey.consumer import Consumer

from webapp.base import clock, jobs, outbox
from webapp.base.errors import LinliError
from webapp.base.jobs import JobView
from webapp.base.outbox import DueMessage, MessageState
from webapp.jobs import gateway, registry, tidy
from webapp.jobs.gateway import Gateway, Result
from webapp.web import messages

log = logging.getLogger("linli.worker")

POLL_SECONDS = 0.25
PAUSE_AFTER_ERROR_SECONDS = 2.0
SENDERS = 8
KEEP_LEASE_SECONDS = 30.0
# The supervisor insists after 20 seconds; a gateway may take 10.
GRACE_SECONDS = 15.0

_STATES = {
    Result.SENT: MessageState.SENT,
    Result.REFUSED: MessageState.FAILED,
    Result.AGAIN: MessageState.WAITING,
    Result.UNKNOWN: MessageState.UNKNOWN,
}


def run(app: Flask) -> None:
    """Work until SIGTERM or SIGINT, then finish what is being sent and return."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.getLogger("huey").setLevel(logging.WARNING)
    out = gateway.from_config(app.config)
    sender = Sender(app, out, stop) if out else None
    worker = JobWorker(app, stop)
    threads = [threading.Thread(target=worker.run, name="jobs", daemon=True)]
    if sender:
        threads.append(threading.Thread(target=sender.run, name="outbox", daemon=True))
    else:
        log.error("no_gateway", extra={"setting": "LINLI_SMS_URL"})
    consumer = _periodic(app)
    consumer.start()
    for thread in threads:
        thread.start()
    log.info("worker_started", extra={"gateway": type(out).__name__, "pid": os.getpid()})
    stop.wait()
    consumer.stop()
    _end(threads, worker)


def _end(threads: list[threading.Thread], worker: "JobWorker") -> None:
    deadline = time.monotonic() + GRACE_SECONDS
    for thread in reversed(threads):
        thread.join(max(0.0, deadline - time.monotonic()))
    worker.give_back()
    log.info("worker_ended")


# --- messages -----------------------------------------------------------------------------------------------


class Sender:
    """Takes due messages as fast as senders are free, and writes down what became of each."""

    def __init__(self, app: Flask, out: Gateway, stop: threading.Event) -> None:
        self._app = app
        self._gateway = out
        self._stop = stop
        self._free = SENDERS
        self._changed = threading.Condition()

    def run(self) -> None:
        """Send until the worker stops, then wait for what is on its way."""
        with ThreadPoolExecutor(SENDERS, thread_name_prefix="sender") as pool:
            while not self._stop.is_set():
                try:
                    taken = self._take()
                except Exception:
                    log.exception("outbox_unreadable")
                    self._stop.wait(PAUSE_AFTER_ERROR_SECONDS)
                    continue
                for message in taken:
                    pool.submit(self._send, message)
                if not taken:
                    with self._changed:
                        self._changed.wait(POLL_SECONDS)

    def _take(self) -> list[DueMessage]:
        with self._changed:
            free = self._free
        if not free:
            return []
        with self._app.app_context():
            now = clock.now()
            if not outbox.has_due(now=now):
                return []
            taken = outbox.take_due(now=now, limit=free, may_repeat=self._gateway.removes_duplicates)
        with self._changed:
            self._free -= len(taken)
        return taken

    def _send(self, message: DueMessage) -> None:
        try:
            with self._app.app_context():
                self._deliver(message)
        except Exception:
            # The lease runs out and the message is taken again, or becomes `unknown`.
            log.exception("message_not_settled", extra={"message_id": message.public_id})
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify()

    def _deliver(self, message: DueMessage) -> None:
        started = time.perf_counter()
        state, detail = self._try(message)
        kept = outbox.settle(
            message=message,
            state=state,
            now=clock.now(),
            error=None if state is MessageState.SENT else detail,
        )
        log.info(
            "message",
            extra={
                "message_id": message.public_id,
                "template": message.template,
                "attempt": message.attempt_count,
                "state": state.value if kept else "lease_lost",
                "detail": detail,
                "milliseconds": round((time.perf_counter() - started) * 1000),
            },
        )

    def _try(self, message: DueMessage) -> tuple[MessageState, str]:
        now = clock.now()
        until = message.parameters.get("until")
        if until and now.isoformat(" ") > until:
            return MessageState.FAILED, "too late"
        try:
            text = messages.render(
                message.template,
                message.parameters,
                language=message.language,
                secret=message.secret,
                now=now,
            )
        except messages.MessageError as error:
            log.exception("message_unreadable", extra={"message_id": message.public_id})
            return MessageState.FAILED, str(error)[:200]
        outcome = self._gateway.send(message_id=message.public_id, phone=message.address, text=text)
        if outcome.result is Result.UNKNOWN and self._gateway.removes_duplicates:
            return MessageState.WAITING, outcome.detail
        return _STATES[outcome.result], outcome.detail


# --- long jobs ----------------------------------------------------------------------------------------------


class JobWorker:
    """Does one long job at a time and keeps its lease meanwhile."""

    def __init__(self, app: Flask, stop: threading.Event) -> None:
        self._app = app
        self._stop = stop
        self._job: JobView | None = None

    def run(self) -> None:
        """Do jobs until the worker stops."""
        while not self._stop.is_set():
            try:
                with self._app.app_context():
                    now = clock.now()
                    self._job = jobs.take(now=now) if jobs.has_waiting(now=now) else None
                    if self._job:
                        self._do(self._job)
            except Exception:
                log.exception("jobs_unreadable")
                self._stop.wait(PAUSE_AFTER_ERROR_SECONDS)
                continue
            finally:
                if not self._stop.is_set():
                    self._job = None
            self._stop.wait(POLL_SECONDS)

    def give_back(self) -> None:
        """Leave an unfinished job to the next worker; called when this one ends."""
        if self._job:
            with self._app.app_context():
                jobs.give_back(job_id=self._job.id)

    def _do(self, job: JobView) -> None:
        log.info("job_started", extra={"job": job.public_id, "kind": job.kind})
        is_over = threading.Event()
        keeper = threading.Thread(target=self._keep_lease, args=(job.id, is_over), daemon=True)
        keeper.start()
        result: dict[str, Any] | None = None
        error: dict[str, Any] | None = None
        try:
            result = registry.handler_of(job.kind)(job)
        except LinliError as refusal:
            error = {"code": refusal.code, "params": refusal.params}
        except Exception:
            log.exception("job_broke", extra={"job": job.public_id, "kind": job.kind})
            error = {"code": "server_error", "params": {}}
        finally:
            is_over.set()
            keeper.join()
        jobs.finish(job_id=job.id, now=clock.now(), result=result, error=error)
        self._job = None
        log.info(
            "job_ended",
            extra={"job": job.public_id, "kind": job.kind, "error": error["code"] if error else None},
        )

    def _keep_lease(self, job_id: int, is_over: threading.Event) -> None:
        while not is_over.wait(KEEP_LEASE_SECONDS):
            try:
                with self._app.app_context():
                    jobs.keep(job_id=job_id, now=clock.now())
            except Exception:
                log.exception("lease_not_kept")


# --- periodic work ------------------------------------------------------------------------------------------


class _Periodic(Consumer):
    """huey's consumer, without its own idea of signals."""

    def _set_signal_handlers(self) -> None:
        """The worker has set its own."""


def _periodic(app: Flask) -> Consumer:
    """A consumer that tidies every minute."""
    huey = _open(app.config["DATA_DIR"] / "huey.sqlite3")

    @huey.periodic_task(crontab(minute="*"))
    def tidy_up() -> None:
        with app.app_context():
            tidy.tidy(clock.now())

    return _Periodic(huey, workers=1, periodic=True, scheduler_interval=15)


def _open(path: Path) -> SqliteHuey:
    """Open huey's file; two workers that make it at the same moment may lock each other out briefly."""
    return _patiently(lambda: SqliteHuey("linli", filename=str(path), results=False, utc=True))


def _patiently(make: Callable[[], SqliteHuey]) -> SqliteHuey:
    for _ in range(20):
        try:
            return make()
        except sqlite3.OperationalError:
            time.sleep(0.1)
    return make()
