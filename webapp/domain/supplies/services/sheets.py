"""Printed sheets, each content once."""

from typing import Any

from sqlalchemy import select

from webapp.base import audit, db, files, jobs, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict
from webapp.domain.supplies.models import PrintedSheet
from webapp.domain.supplies.queries import paper
from webapp.domain.supplies.services.stock import INSERTS

_sheets: Any = PrintedSheet.__table__


@writing
def ask_for_sheet(*, deed: Deed, subject: paper.Subject, language: str, printed_by: str) -> str:
    """Ask the worker for a long sheet; returns the job's public id. The same key answers the same job."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return (claim.outcome or "").removeprefix("job:")
    job = jobs.enqueue(
        deed,
        "supplies.sheet",
        round=subject.round_public_id,
        sheet=str(subject.kind),
        building=subject.building,
        language=language,
        printed_by=printed_by,
    )
    requests.settle(claim, outcome=f"job:{job}", object_id=subject.round_id)
    audit.record(
        deed,
        "ask_for_sheet",
        "round",
        subject.round_id,
        area_path=subject.area_path,
        sheet=str(subject.kind),
        language=language,
    )
    return job


def record_sheet(*, deed: Deed, prepared: paper.Prepared, language: str, printed_by: str, pdf: bytes) -> int:
    """Store a printed sheet as the version that it carries; returns the version.

    Conflict sheet_overtaken when somebody printed this version with other content meanwhile.
    """
    sha256 = files.put(pdf)
    return _record_sheet(
        deed=deed, prepared=prepared, language=language, printed_by=printed_by, sha256=sha256
    )


@writing
def _record_sheet(
    *, deed: Deed, prepared: paper.Prepared, language: str, printed_by: str, sha256: str
) -> int:
    claim = requests.claim(deed)
    if claim.is_repeat:
        return claim.object_id or 0
    subject, connection = prepared.subject, db.connection()
    file_id = files.register(deed, sha256=sha256, kind="sheet")
    written = connection.execute(
        INSERTS[connection.dialect.name](_sheets).on_conflict_do_nothing().returning(_sheets.c.id),
        {
            "round_id": subject.round_id,
            "kind": subject.kind,
            "area_id": subject.area_id,
            "language": language,
            "version": prepared.next_version,
            "content_hash": prepared.content_hash,
            "file_id": file_id,
            "printed_at": deed.now,
            "printed_by": printed_by[:80],
        },
    ).scalar()
    version = prepared.next_version
    if written is None:
        same = connection.execute(
            select(_sheets.c.version).where(
                _sheets.c.round_id == subject.round_id,
                _sheets.c.kind == subject.kind,
                _sheets.c.area_id == subject.area_id,
                _sheets.c.language == language,
                _sheets.c.content_hash == prepared.content_hash,
            )
        ).scalar()
        if same is None:
            raise Conflict("sheet_overtaken")
        version = same
    requests.settle(claim, outcome="printed", object_id=version)
    audit.record(
        deed,
        "print_sheet",
        "round",
        subject.round_id,
        area_path=subject.area_path,
        sheet=str(subject.kind),
        version=version,
        rows=prepared.row_count,
    )
    return version
