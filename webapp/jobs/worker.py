"""The worker: sends what waits in the outbox, does long jobs, tidies up.

The database tables are the queues, looked at four times a second; huey only carries the periodic work and may
be emptied at any time. Several workers at once are safe: every row is leased by a conditional update.
"""

import heapq
import logging
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from huey import SqliteHuey, crontab
from huey.consumer import Consumer

from webapp.base import clock, jobs, outbox
from webapp.base.errors import LinliError
from webapp.base.jobs import JobView
from webapp.base.outbox import DueMessage, MessageState, Settled, Way
from webapp.domain.mobilization.queries import links
from webapp.domain.notifications import services as notifications
from webapp.domain.notifications.services import Tries
from webapp.jobs import gateways, registry, tidy
from webapp.jobs.call_ups import Waves
from webapp.jobs.gateways import Gateway, Letter, Outcome, Result
from webapp.jobs.replies import Replies
from webapp.web import messages

log = logging.getLogger("linli.worker")

POLL_SECONDS = 0.25
PAUSE_AFTER_ERROR_SECONDS = 2.0
# How many messages each sender has waiting behind the one it sends, where an id may be sent twice.
AHEAD = 4
# A message is not begun when its lease ends before a slow gateway would answer.
LEASE_LEFT = timedelta(seconds=25)
SHORTEST_KNOCK_SECONDS, LONGEST_KNOCK_SECONDS = 0.5, 10.0
KEEP_LEASE_SECONDS = 30.0
# The supervisor insists after 20 seconds; a gateway may take 10.
GRACE_SECONDS = 15.0

_STATES = {
    Result.SENT: MessageState.SENT,
    Result.REFUSED: MessageState.FAILED,
    Result.GONE: MessageState.FAILED,
    Result.AGAIN: MessageState.WAITING,
    Result.UNKNOWN: MessageState.UNKNOWN,
}


def run(app: Flask) -> None:
    """Work until SIGTERM or SIGINT, then finish what is being sent and return."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.getLogger("huey").setLevel(logging.WARNING)
    ways = gateways.from_config(app.config)
    senders = [Sender(app, way, out, stop) for way, out in ways.items()]
    worker = JobWorker(app, stop)
    threads = [threading.Thread(target=worker.run, name="jobs", daemon=True)]
    threads += [threading.Thread(target=each.run, name=each.name, daemon=True) for each in senders]
    for each in (Waves(app, stop), Replies(app, stop)):
        threads.append(threading.Thread(target=each.run, name=each.name, daemon=True))
    if Way.SMS not in ways:
        log.error("no_gateway", extra={"setting": "LINLI_SMS_URL"})
    consumer = _periodic(app)
    consumer.start()
    for thread in threads:
        thread.start()
    log.info("worker_started", extra={"gateway": type(ways.get(Way.SMS)).__name__, "pid": os.getpid()})
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


@dataclass(frozen=True)
class _Tried:
    """A try that is over and not yet written down."""

    settled: Settled
    outcome: Outcome | None
    milliseconds: int


class _Door:
    """The one door of a gateway: when it is shut, one message knocks now and then and all others wait untouched."""

    def __init__(self) -> None:
        self._misses = 0
        self._knock_at = 0.0

    def is_shut(self) -> bool:
        """Whether the last try did not get through."""
        return self._misses > 0

    def is_time_to_knock(self) -> bool:
        """Whether the pause since then is over."""
        return time.monotonic() >= self._knock_at

    def heard(self, result: Result) -> None:
        """Take note of a try; those that were on their way together count once."""
        if result not in {Result.AGAIN, Result.UNKNOWN}:
            self._misses = 0
        elif self.is_time_to_knock():
            pause = SHORTEST_KNOCK_SECONDS * 2 ** min(self._misses, 10)
            self._misses += 1
            self._knock_at = time.monotonic() + min(pause, LONGEST_KNOCK_SECONDS)


class Sender:
    """Takes due messages of one way as fast as they leave, and writes down what became of each.

    One thread leases and settles, many at once in one transaction; the others send. Where the gateway removes
    duplicates some messages are leased ahead; elsewhere only as many as are sent at once, because what is leased
    when the power fails was perhaps sent.
    """

    def __init__(self, app: Flask, way: Way, out: Gateway, stop: threading.Event) -> None:
        self.name = f"outbox-{way}"
        self._app = app
        self._way = way
        self._gateway = out
        self._stop = stop
        self._at_once = out.senders * (1 + AHEAD) if out.removes_duplicates else out.senders
        self._door = _Door()
        lock = threading.Lock()
        self._work = threading.Condition(lock)
        self._news = threading.Condition(lock)
        self._queue: list[tuple[int, int, DueMessage]] = []
        self._tried: list[_Tried] = []
        self._untouched: list[DueMessage] = []
        self._busy = 0
        self._is_ending = False

    def run(self) -> None:
        """Send until the worker stops, then wait for what is on its way."""
        threads = [
            threading.Thread(target=self._send_all, name=f"{self.name}-{number}", daemon=True)
            for number in range(self._gateway.senders)
        ]
        for thread in threads:
            thread.start()
        while not self._stop.is_set():
            self._turn()
        with self._work:
            self._is_ending = True
            self._give_back_queue()
            self._work.notify_all()
        for thread in threads:
            thread.join()
        self._turn()
        self._gateway.close()

    # --- the thread that leases and settles ---

    def _turn(self) -> None:
        with self._news:
            self._news.wait_for(self._has_news, 0 if self._is_ending else POLL_SECONDS)
            tried, self._tried = self._tried, []
            untouched, self._untouched = self._untouched, []
            room = self._room()
        try:
            with self._app.app_context():
                self._write_down(tried, untouched, room)
        except Exception:
            # Nothing of it is lost: it is written down when the database answers, or the leases run out.
            log.exception("outbox_unreadable")
            with self._news:
                self._tried = tried + self._tried
                self._untouched = untouched + self._untouched
            self._stop.wait(PAUSE_AFTER_ERROR_SECONDS)

    def _has_news(self) -> bool:
        """Whether it is worth a transaction: some are over and somebody has nothing to do, or many are over."""
        if self._untouched or self._stop.is_set():
            return True
        idle = len(self._queue) + self._busy < self._gateway.senders * 2
        return bool(self._tried) and (idle or len(self._tried) >= self._gateway.senders * 2)

    def _room(self) -> int:
        held = len(self._queue) + self._busy
        if self._is_ending or self._stop.is_set():
            return 0
        if self._door.is_shut():
            return 1 if held == 0 and self._door.is_time_to_knock() else 0
        return self._at_once - held

    def _write_down(self, tried: list[_Tried], untouched: list[DueMessage], room: int) -> None:
        now = clock.now()
        if untouched:
            outbox.give_back(untouched)
        if not tried and not (room and outbox.has_due(now=now, ways=(self._way,))):
            return
        kept, taken = outbox.settle_and_take(
            settled=[each.settled for each in tried],
            now=now,
            limit=room,
            may_repeat=self._gateway.removes_duplicates,
            ways=(self._way,),
        )
        with self._work:
            for message in taken:
                heapq.heappush(self._queue, (message.rank, message.id, message))
            self._work.notify(len(taken))
        for each in tried:
            self._log(each, is_kept=each.settled.message.public_id in kept)
        if self._way is not Way.SMS:
            self._note(tried, now)

    def _note(self, tried: list[_Tried], now: datetime) -> None:
        """Subscriptions and channels remember how they behaved; phone numbers learn it from receipts."""

        def those(result: Result) -> tuple[str, ...]:
            return tuple(
                each.settled.message.address
                for each in tried
                if each.outcome and each.outcome.result is result
            )

        tries = Tries(
            self._way, gone=those(Result.GONE), refused=those(Result.REFUSED), reached=those(Result.SENT)
        )
        try:
            notifications.note_tries(tries=tries, now=now)
        except Exception:
            # The messages are settled; the next try at the address tells the same.
            log.exception("tries_not_noted")

    def _log(self, tried: _Tried, *, is_kept: bool) -> None:
        message = tried.settled.message
        log.info(
            "message",
            extra={
                "message_id": message.public_id,
                "way": message.way.value,
                "template": message.template,
                "attempt": message.attempt_count,
                "state": tried.settled.state.value if is_kept else "lease_lost",
                "detail": tried.outcome.detail if tried.outcome else tried.settled.error,
                "milliseconds": tried.milliseconds,
            },
        )

    def _give_back_queue(self) -> None:
        """What is leased and not begun goes back; called with the lock."""
        self._untouched += [message for _rank, _id, message in self._queue]
        self._queue.clear()

    # --- the threads that send ---

    def _send_all(self) -> None:
        with self._app.app_context():
            while True:
                with self._work:
                    self._work.wait_for(lambda: self._queue or self._is_ending)
                    if not self._queue:
                        return
                    message = heapq.heappop(self._queue)[2]
                    self._busy += 1
                self._send(message)

    def _send(self, message: DueMessage) -> None:
        tried: _Tried | None = None
        is_begun = True
        try:
            is_begun = message.leased_until - clock.now() > LEASE_LEFT
            if is_begun:
                tried = self._try(message)
        except Exception:
            # The lease runs out and the message is taken again, or becomes `unknown`.
            log.exception("message_not_sent", extra={"message_id": message.public_id})
        with self._news:
            self._busy -= 1
            if tried:
                self._tried.append(tried)
                if tried.outcome and self._gateway.is_one_endpoint:
                    self._door.heard(tried.outcome.result)
                    if self._door.is_shut():
                        self._give_back_queue()
            elif not is_begun:
                self._untouched.append(message)
            if self._has_news():
                self._news.notify()

    def _try(self, message: DueMessage) -> _Tried:
        started = time.perf_counter()
        read = self._read(message)
        if isinstance(read, str):
            return _Tried(Settled(message, MessageState.FAILED, read), None, 0)
        outcome = self._gateway.send(read)
        state = _STATES[outcome.result]
        if outcome.result is Result.UNKNOWN and self._gateway.removes_duplicates:
            state = MessageState.WAITING
        error = None if state is MessageState.SENT else outcome.detail
        return _Tried(Settled(message, state, error), outcome, round((time.perf_counter() - started) * 1000))

    def _read(self, message: DueMessage) -> Letter | str:
        """The message as it leaves, or the word on why it never will."""
        now = clock.now()
        if message.secret is not None and message.way is not Way.SMS:
            return "a secret goes by SMS only"
        until = message.parameters.get("until")
        ends_at = datetime.fromisoformat(until) if until else None
        if ends_at is not None and now > ends_at:
            return "too late"
        try:
            text = messages.render(
                message.template,
                message.parameters,
                language=message.language,
                secret=message.secret,
                now=now,
                by=message.way.value,
            )
        except messages.MessageError as error:
            log.exception("message_unreadable", extra={"message_id": message.public_id})
            return str(error)[:200]
        # A robot speaks to a whole group: only the person's own phone is given the page that opens by itself.
        page = None if message.way is Way.STAFF else links.page_of(message.reference)
        if message.way is Way.SMS and message.template in links.ASKING:
            text = messages.with_page(text, page, language=message.language)
        return Letter(
            message_id=message.public_id,
            address=message.address,
            text=text,
            language=message.language,
            rank=message.rank,
            page=page or message.parameters.get("page"),
            until=ends_at,
        )


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
