from datetime import timedelta

import pytest

from tests.factories import make_deed
from webapp.base import clock, db, files, jobs
from webapp.base.actor import Actor
from webapp.base.errors import NotFound
from webapp.base.jobs import JobState

pytestmark = pytest.mark.db
ALICE, BOB = Actor.user(1, 1, ()), Actor.user(2, 2, ())


def enqueue() -> str:
    return db.writing(lambda: jobs.enqueue(make_deed(ALICE), "test.kind", rows=3))()


def test_the_same_content_is_stored_once_and_found_by_its_row(in_app):
    sha256 = files.put("菜".encode())
    assert files.put("菜".encode()) == sha256
    first = db.writing(lambda: files.register(make_deed(ALICE), sha256=sha256, kind="pdf"))()
    second = db.writing(lambda: files.register(make_deed(BOB), sha256=sha256, kind="pdf"))()
    assert first == second
    assert files.content(first) == "菜".encode()


def test_a_file_that_nobody_registered_is_not_found(in_app):
    with pytest.raises(NotFound):
        files.content(12345)


def test_a_job_is_seen_by_its_owner_only(in_app):
    public_id = enqueue()
    assert jobs.get(public_id, actor=ALICE).state is JobState.WAITING
    with pytest.raises(NotFound):
        jobs.get(public_id, actor=BOB)


def test_a_job_is_taken_once_and_its_result_is_kept(in_app):
    public_id = enqueue()
    taken = jobs.take(now=clock.now())
    assert taken is not None
    assert taken.parameters == {"rows": 3}
    assert jobs.take(now=clock.now()) is None
    jobs.report(job_id=taken.id, progress=40, now=clock.now())
    assert jobs.get(public_id, actor=ALICE).progress == 40
    jobs.finish(job_id=taken.id, now=clock.now(), result={"added": 3})
    done = jobs.get(public_id, actor=ALICE)
    assert (done.state, done.progress, done.result) == (JobState.DONE, 100, {"added": 3})


def test_a_job_whose_worker_died_is_taken_again_and_given_up_at_last(in_app):
    public_id = enqueue()
    moment = clock.now()
    for _ in range(jobs.ATTEMPTS):
        assert jobs.take(now=moment) is not None
        moment += jobs.LEASE + timedelta(seconds=1)
    assert jobs.take(now=moment) is None
    found = jobs.get(public_id, actor=ALICE)
    assert (found.state, found.error) == (JobState.FAILED, {"code": "job_died"})


def put(text: str, kind: str, kept_until) -> int:
    sha256 = files.put(text.encode())
    return db.writing(
        lambda: files.register(make_deed(ALICE), sha256=sha256, kind=kind, kept_until=kept_until)
    )()


def test_files_are_forgotten_when_their_time_is_over_and_no_earlier(in_app):
    now = clock.now()
    soon = now + timedelta(hours=2)
    list_id, errors_id = put("list", "list", soon), put("list", "errors", None)
    other = put("other", "list", soon)
    assert files.sweep(now=now + timedelta(hours=1)) == 0
    assert files.sweep(now=now + timedelta(hours=3)) == 2
    for gone in (list_id, other):
        with pytest.raises(NotFound):
            files.content(gone)
    # The same bytes stand under another row that is kept.
    assert files.content(errors_id) == b"list"


def test_a_file_that_comes_again_is_kept_longer(in_app):
    now = clock.now()
    first = put("again", "list", now + timedelta(hours=2))
    assert put("again", "list", now + timedelta(hours=9)) == first
    assert put("again", "list", now + timedelta(hours=1)) == first
    assert files.sweep(now=now + timedelta(hours=5)) == 0
    assert files.content(first) == b"again"
    assert put("again", "list", None) == first
    assert files.sweep(now=now + timedelta(days=900)) == 0


def test_what_was_stored_a_moment_ago_is_not_swept(in_app):
    now = clock.now()
    put("fresh", "list", now - timedelta(minutes=1))
    assert files.sweep(now=now) == 0


def test_jobs_are_forgotten_some_time_after_they_ended(in_app):
    waiting, done = enqueue(), enqueue()
    now = clock.now()
    jobs.finish(job_id=jobs.take(now=now, public_id=done).id, now=now, result={"name": "somebody"})
    assert jobs.sweep(before=now - timedelta(days=1)) == 0
    assert jobs.sweep(before=now + timedelta(days=1)) == 1
    assert jobs.get(waiting, actor=ALICE).state is JobState.WAITING
    with pytest.raises(NotFound):
        jobs.get(done, actor=ALICE)
