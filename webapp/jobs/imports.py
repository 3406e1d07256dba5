"""Lists of over a thousand rows, compared or read by the worker, then taken."""

import importlib
from typing import Any

from flask import current_app
from flask_babel import force_locale

from webapp.base import clock, jobs
from webapp.base.jobs import JobView
from webapp.web.lists import say

# Which feature does it; imported when the first such list comes.
_LISTS = {
    "households.import": "webapp.domain.households.services.lists",
    "mobilization.import": "webapp.domain.mobilization.services.reserve_lists",
    "volunteers.import": "webapp.domain.volunteers.services.lists",
}


def run(job: JobView) -> dict[str, Any]:
    """Do the work of the job; sentences are in the language of the person who asked for it."""

    def report(progress: int) -> None:
        jobs.report(job_id=job.id, progress=progress, now=clock.now())

    lists = importlib.import_module(_LISTS[job.kind])
    with current_app.test_request_context(), force_locale(job.parameters["language"]):
        result: dict[str, Any] = lists.run(job=job, say=say, report=report)
    return result
