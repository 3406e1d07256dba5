"""Long printed sheets of a call-up, made by the worker with progress."""

from typing import Any

from flask import current_app

from webapp.base import clock, jobs
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import Conflict
from webapp.base.jobs import JobView
from webapp.domain.mobilization.queries import paper
from webapp.domain.mobilization.rules import SheetCopy, SheetKind
from webapp.domain.mobilization.services import paper as services
from webapp.web import pdf, qr

ATTEMPTS = 3


def run(job: JobView) -> dict[str, Any]:
    """Make the sheet that the job asks for; answers {"sheet": public id}. A repeat finds what is stored."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return {"sheet": _make(job, attempt)}
        except Conflict as error:
            # Printed at the same moment with other content: the next version is ours.
            if error.code != "sheet_overtaken" or attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _make(job: JobView, attempt: int) -> str:
    asked, now = job.parameters, clock.now()
    actor = Actor.system("mobilization")
    # Whoever asked was allowed to print; that was checked, and written down with the reason, when they asked.
    ask = paper.Ask(asked["call_up"], SheetKind(asked["sheet"]), SheetCopy(asked["copy"]), asked["part"])
    prepared = paper.prepare(
        actor=actor,
        subject=paper.get_subject(actor=actor, ask=ask),
        language=asked["language"],
        now=now,
        printed_by=asked["actor_key"],
    )
    if prepared.made:
        return prepared.made

    def progress(percent: int) -> None:
        jobs.report(job_id=job.id, progress=percent, now=clock.now())

    printed = pdf.render(
        f"mobilization/pdf/{ask.kind}.html",
        language=asked["language"],
        progress=progress,
        sheet=prepared.sheet,
        printing=prepared.printing(at=now, by=asked["printed_by"]),
        qr=qr.data_uri(f"{current_app.config['PUBLIC_URL']}{prepared.path}"),
    )
    deed = Deed(
        actor=actor,
        client_id=f"{job.public_id}-{attempt}",
        fingerprint=prepared.content_hash,
        now=now,
        reason=asked["reason"],
        source="worker",
    )
    return services.record_sheet(
        deed=deed,
        prepared=prepared,
        language=asked["language"],
        printed_by=asked["printed_by"],
        pdf=printed.bytes,
    )
