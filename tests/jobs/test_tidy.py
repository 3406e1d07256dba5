"""What the worker removes each minute, and leases of long jobs."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import clock, db, jobs, limits, outbox, requests
from webapp.base.actor import Actor
from webapp.base.outbox import MessageState, OutboxMessage
from webapp.base.requests import Request
from webapp.domain.accounts.models import SignIn
from webapp.jobs import tidy

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]
DEED = make_deed(Actor.system("test"))


def count(model) -> int:
    return db.reading(lambda: db.connection().execute(select(func.count()).select_from(model)).scalar_one())()


def test_every_step_runs_and_what_is_still_good_stays(make) -> None:
    make.user("在")
    limits.hit(key="x", limit=5, window=timedelta(hours=1), now=clock.now())
    db.writing(lambda: requests.claim(DEED))()
    done = tidy.tidy(clock.now())
    assert set(done) == set(tidy.STEPS)
    assert set(done.values()) == {0}
    assert (count(SignIn), count(Request), count(limits.RateCounter)) == (1, 1, 1)


def test_what_is_over_goes(make) -> None:
    make.user("在")
    limits.hit(key="x", limit=5, window=timedelta(hours=1), now=clock.now())
    db.writing(lambda: requests.claim(DEED))()
    db.writing(lambda: [outbox.enqueue(DEED, "code", phone="13800000000", language="en") for _ in range(2)])()
    (message, _) = outbox.take_due(now=clock.now(), limit=9, may_repeat=False)
    outbox.settle(message=message, state=MessageState.SENT, now=clock.now())
    done = tidy.tidy(clock.now() + timedelta(days=100))
    assert (count(SignIn), count(Request), count(limits.RateCounter)) == (0, 0, 0)
    # What nobody has settled yet is not forgotten, however old.
    assert (count(OutboxMessage), done["messages"]) == (1, 1)


def test_a_step_that_fails_keeps_no_other_from_running(make, monkeypatch, caplog) -> None:
    make.user("在")
    monkeypatch.setitem(tidy.STEPS, "counters", lambda _now: 1 / 0)
    done = tidy.tidy(clock.now() + timedelta(days=100))
    assert set(done) == set(tidy.STEPS) - {"counters"}
    assert count(SignIn) == 0
    assert "tidy_failed" in caplog.text


def test_a_job_given_back_begins_anew_and_is_no_failed_attempt() -> None:
    db.writing(lambda: jobs.enqueue(DEED, "supplies.sheet"))()
    for _ in range(jobs.ATTEMPTS + 2):
        job = jobs.take(now=clock.now())
        assert job is not None
        assert jobs.take(now=clock.now()) is None
        jobs.give_back(job_id=job.id)
        assert jobs.has_waiting(now=clock.now())
    assert jobs.take(now=clock.now()) is not None


def test_a_job_whose_lease_is_kept_is_nobody_elses_and_one_whose_worker_died_is_taken_again() -> None:
    db.writing(lambda: jobs.enqueue(DEED, "supplies.sheet"))()
    start = clock.now()
    job = jobs.take(now=start)
    assert job is not None
    jobs.keep(job_id=job.id, now=start + jobs.LEASE / 2)
    assert not jobs.has_waiting(now=start + jobs.LEASE * 1.2)
    assert jobs.take(now=start + jobs.LEASE * 1.2) is None
    later = start + jobs.LEASE * 1.6
    assert jobs.has_waiting(now=later)
    again = jobs.take(now=later)
    assert again is not None
    assert again.id == job.id
