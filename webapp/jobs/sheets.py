"""Long printed sheets, made by the worker with progress."""

from typing import Any

from flask import current_app
from flask_babel import force_locale

from webapp.base import clock, jobs
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import Conflict
from webapp.base.jobs import JobView
from webapp.domain.supplies import services
from webapp.domain.supplies.queries import paper
from webapp.domain.supplies.rules import SheetKind
from webapp.domain.supplies.sheets import Printing
from webapp.web import pdf, qr, words

TEMPLATES = {
    SheetKind.PICKING: "supplies/pdf/picking.html",
    SheetKind.PACKING: "supplies/pdf/packing.html",
    SheetKind.RUN: "supplies/pdf/run_sheet.html",
}
ATTEMPTS = 3


def run(job: JobView) -> dict[str, Any]:
    """Make the sheet that the job asks for; answers {"version": …}. A repeat finds what is stored."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return {"version": _make(job, attempt)}
        except Conflict as error:
            # Printed at the same moment with other content: the next version is ours.
            if error.code != "sheet_overtaken" or attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _make(job: JobView, attempt: int) -> int:
    asked = job.parameters
    actor = Actor.system("sheet")
    language = asked["language"]
    address = f"{current_app.config['PUBLIC_URL']}/supplies/rounds/{asked['round']}"
    # Whoever asked was allowed to print; that was checked, and written down, when they asked.
    subject = paper.get_subject(
        actor=actor,
        round_public_id=asked["round"],
        kind=SheetKind(asked["sheet"]),
        building=asked["building"],
    )
    with force_locale(language):
        window = words.window(subject.delivery_window)
    prepared = paper.prepare(subject=subject, language=language, window=window, address=address)
    if prepared.made:
        return prepared.made.version
    now = clock.now()

    def progress(percent: int) -> None:
        jobs.report(job_id=job.id, progress=percent, now=clock.now())

    printed = pdf.render(
        TEMPLATES[subject.kind],
        language=language,
        progress=progress,
        sheet=prepared.sheet,
        printing=Printing(prepared.next_version, clock.here(now), asked["printed_by"]),
        qr=qr.data_uri(address),
    )
    deed = Deed(
        actor=actor,
        client_id=f"{job.public_id}-{attempt}",
        fingerprint=f"{prepared.content_hash}",
        now=now,
        source="worker",
    )
    return services.record_sheet(
        deed=deed, prepared=prepared, language=language, printed_by=asked["printed_by"], pdf=printed.bytes
    )
