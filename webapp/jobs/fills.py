"""Proposals of the roster solver: worked out, and published, by the worker."""

from typing import Any

from webapp.base import clock, jobs
from webapp.base.jobs import JobView
from webapp.domain.rosters.services import fills

LIMIT_SECONDS = 60
WORKERS = 2


def run(job: JobView) -> dict[str, Any]:
    """Do what was asked of the proposal: solve it, or publish it."""

    def progress(percent: int) -> None:
        jobs.report(job_id=job.id, progress=min(percent, 99), now=clock.now())

    asked = job.parameters
    if asked["what"] == "publish":
        placed, refused = fills.publish(
            public_id=asked["fill"], by=asked["by"], now=clock.now(), progress=progress
        )
        return {"placed": placed, "refused": refused}
    status = fills.solve(
        public_id=asked["fill"],
        now=clock.now(),
        limit_seconds=LIMIT_SECONDS,
        workers=WORKERS,
        progress=progress,
    )
    return {"status": status}
