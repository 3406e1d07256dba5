"""Long work as rows: what it is, how far it is, what came of it. The worker takes them; the page polls."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    and_,
    delete,
    exists,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import Id, Model, PublicId, UtcDateTime, reading, word, writing
from webapp.base.deed import Deed
from webapp.base.errors import NotFound
from webapp.base.ids import new_public_id

LEASE = timedelta(minutes=2)
ATTEMPTS = 3


class JobState(StrEnum):
    """Where long work stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Model):
    """A piece of long work 后台任务 with its owner, progress in per cent and result."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_jobs_state", "state", "id"),
        CheckConstraint("progress >= 0 AND progress <= 100", name="progress"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    kind: Mapped[str] = mapped_column(String(40))
    parameters: Mapped[str] = mapped_column(Text)
    owner_key: Mapped[str] = mapped_column(String(80))
    state: Mapped[JobState] = mapped_column(word(JobState, "state"))
    progress: Mapped[int] = mapped_column(Integer, default=0)
    result: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    attempt_count: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class JobView:
    """A job as its owner and the worker see it; `result` is what the work answered, or None."""

    id: int
    public_id: str
    kind: str
    parameters: dict[str, Any]
    state: JobState
    progress: int
    result: dict[str, Any] | None
    error: dict[str, Any] | None


_jobs: Any = Job.__table__
_columns = (
    _jobs.c.id,
    _jobs.c.public_id,
    _jobs.c.kind,
    _jobs.c.parameters,
    _jobs.c.state,
    _jobs.c.progress,
    _jobs.c.result,
    _jobs.c.error,
)


def _view(row: Any) -> JobView:
    return JobView(
        id=row.id,
        public_id=row.public_id,
        kind=row.kind,
        parameters=json.loads(row.parameters),
        state=JobState(row.state),
        progress=row.progress,
        result=None if row.result is None else json.loads(row.result),
        error=None if row.error is None else json.loads(row.error),
    )


def enqueue(deed: Deed, kind: str, **parameters: Any) -> str:
    """Ask for long work in this transaction; returns the job's public id."""
    public_id = new_public_id()
    db.connection().execute(
        _jobs.insert().inline(),
        {
            "public_id": public_id,
            "kind": kind,
            "parameters": json.dumps(parameters, ensure_ascii=False, default=str),
            "owner_key": deed.actor.key,
            "state": JobState.WAITING,
            "progress": 0,
            "attempt_count": 0,
            "created_at": deed.now,
        },
    )
    return public_id


@reading
def get(public_id: str, *, actor: Actor) -> JobView:
    """The actor's own job; raises NotFound for anybody else's."""
    row = (
        db.connection()
        .execute(select(*_columns).where(_jobs.c.public_id == public_id, _jobs.c.owner_key == actor.key))
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return _view(row)


@reading
def has_waiting(*, now: datetime) -> bool:
    """Whether `take` would find work: a cheap look before it asks to write."""
    c = _jobs.c
    lapsed = and_(c.state == JobState.RUNNING, c.leased_until < now)
    found = db.connection().execute(
        select(or_(exists().where(c.state == JobState.WAITING), exists().where(lapsed)))
    )
    return bool(found.scalar_one())


@writing
def take(*, now: datetime, public_id: str | None = None) -> JobView | None:
    """Lease the oldest waiting job, or one whose worker died; None when there is nothing to do.

    With `public_id` only that one, for short work that the asker waits for.
    """
    c = _jobs.c
    lapsed = and_(c.state == JobState.RUNNING, c.leased_until < now)
    connection = db.connection()
    connection.execute(
        update(_jobs)
        .where(lapsed, c.attempt_count >= ATTEMPTS)
        .values(state=JobState.FAILED, finished_at=now, error=json.dumps({"code": "job_died"}))
    )
    chosen = (
        select(c.id)
        .where(or_(c.state == JobState.WAITING, lapsed), c.public_id == public_id if public_id else true())
        .order_by(c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = connection.execute(
        update(_jobs)
        .where(c.id == chosen)
        .values(state=JobState.RUNNING, leased_until=now + LEASE, attempt_count=c.attempt_count + 1)
        .returning(*_columns)
    ).one_or_none()
    return None if row is None else _view(row)


@writing
def report(*, job_id: int, progress: int, now: datetime) -> None:
    """Say how far a running job is (0–100) and keep its lease."""
    db.connection().execute(
        update(_jobs)
        .where(_jobs.c.id == job_id, _jobs.c.state == JobState.RUNNING)
        .values(progress=progress, leased_until=now + LEASE)
    )


@writing
def keep(*, job_id: int, now: datetime) -> None:
    """Keep the lease of a job that is still being worked on."""
    db.connection().execute(
        update(_jobs)
        .where(_jobs.c.id == job_id, _jobs.c.state == JobState.RUNNING)
        .values(leased_until=now + LEASE)
    )


@writing
def give_back(*, job_id: int) -> None:
    """Let another worker begin this job anew, because this one is being stopped; it is no failed attempt."""
    db.connection().execute(
        update(_jobs)
        .where(_jobs.c.id == job_id, _jobs.c.state == JobState.RUNNING)
        .values(state=JobState.WAITING, leased_until=None, attempt_count=_jobs.c.attempt_count - 1)
    )


@writing
def finish(
    *, job_id: int, now: datetime, result: dict[str, Any] | None = None, error: dict[str, Any] | None = None
) -> None:
    """Write what came of a running job: `result`, or `error` with a code and parameters."""
    db.connection().execute(
        update(_jobs)
        .where(_jobs.c.id == job_id, _jobs.c.state == JobState.RUNNING)
        .values(
            state=JobState.FAILED if error else JobState.DONE,
            progress=100,
            leased_until=None,
            finished_at=now,
            result=None if result is None else json.dumps(result, ensure_ascii=False, default=str),
            error=None if error is None else json.dumps(error, ensure_ascii=False, default=str),
        )
    )


@writing
def sweep(*, before: datetime) -> int:
    """Delete jobs that ended before the instant: what they answered may name people. Returns how many."""
    ended = _jobs.c.state.in_([JobState.DONE, JobState.FAILED])
    return db.connection().execute(delete(_jobs).where(ended, _jobs.c.finished_at < before)).rowcount
