"""Volunteers' lists of over a thousand rows, compared and taken by the worker."""

from typing import Any

from flask import current_app
from flask_babel import force_locale

from webapp.base import clock, jobs
from webapp.base.jobs import JobView
from webapp.domain.volunteers.services import lists
from webapp.web.errors import sentence


def run(job: JobView) -> dict[str, Any]:
    """Do the work of the job; sentences are in the language of the person who asked for it."""

    def report(progress: int) -> None:
        jobs.report(job_id=job.id, progress=progress, now=clock.now())

    with current_app.test_request_context(), force_locale(job.parameters["language"]):
        return lists.run(job=job, say=lambda code, params: sentence(code, **params), report=report)
