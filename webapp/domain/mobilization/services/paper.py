"""Printed sheets of a call-up: each content once, and each copy with phones counted, with who took it and why."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import audit, db, files, jobs, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, RuleBroken
from webapp.domain.mobilization.models import MobilizationSheet
from webapp.domain.mobilization.queries import paper
from webapp.domain.mobilization.rules import SheetCopy

_sheets: Any = MobilizationSheet.__table__
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

LONGEST_REASON = 200
JOB = "mobilization.sheet"


def ensure_reason(deed: Deed, copy: SheetCopy) -> None:
    """A working copy has people's numbers: whoever takes one says what for. Raises RuleBroken("reason_missing")."""
    if copy is SheetCopy.WORKING and not (deed.reason or "").strip():
        raise RuleBroken("reason_missing", field="reason")
    if len(deed.reason or "") > LONGEST_REASON:
        raise RuleBroken("text_too_long", field="reason", maximum=LONGEST_REASON)


@writing
def hand_out(*, deed: Deed, subject: paper.Subject, sheet: str, rows: int) -> None:
    """Write down that somebody takes a copy that was made before: `sheet` is its public id."""
    ensure_reason(deed, subject.copy)
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    requests.settle(claim, outcome="handed_out", object_id=subject.id)
    _note(deed, subject, "hand_out_mobilization_sheet", sheet=sheet, rows=rows)


@writing
def ask_for_sheet(*, deed: Deed, subject: paper.Subject, language: str, printed_by: str) -> str:
    """Ask the worker for a long sheet; returns the job's public id. The same key answers the same job."""
    ensure_reason(deed, subject.copy)
    claim = requests.claim(deed)
    if claim.is_repeat:
        return (claim.outcome or "").removeprefix("job:")
    job = jobs.enqueue(
        deed,
        JOB,
        call_up=subject.ask.call_up,
        sheet=str(subject.kind),
        copy=str(subject.copy),
        part=subject.ask.part,
        language=language,
        printed_by=printed_by,
        actor_key=deed.actor.key,
        reason=deed.reason,
    )
    requests.settle(claim, outcome=f"job:{job}", object_id=subject.id)
    _note(deed, subject, "ask_for_mobilization_sheet", language=language)
    return job


def record_sheet(*, deed: Deed, prepared: paper.Prepared, language: str, printed_by: str, pdf: bytes) -> str:
    """Store a printed sheet as the version that it carries; returns its public id.

    When somebody printed the same meanwhile theirs is answered; Conflict sheet_overtaken when it was other content.
    """
    ensure_reason(deed, prepared.subject.copy)
    sha256 = files.put(pdf)
    return _record_sheet(
        deed=deed, prepared=prepared, language=language, printed_by=printed_by, sha256=sha256
    )


@writing
def _record_sheet(
    *, deed: Deed, prepared: paper.Prepared, language: str, printed_by: str, sha256: str
) -> str:
    claim = requests.claim(deed)
    s, subject, connection = _sheets.c, prepared.subject, db.connection()
    if claim.is_repeat:
        return str(connection.execute(select(s.public_id).where(s.id == claim.object_id)).scalar_one())
    sheet_id = connection.execute(
        _INSERTS[connection.dialect.name](_sheets).on_conflict_do_nothing().returning(s.id),
        {
            "public_id": prepared.public_id,
            "call_up_id": subject.id,
            "kind": subject.kind,
            "copy": subject.copy,
            "part": subject.ask.part,
            "language": language,
            "version": prepared.next_version,
            "content_hash": prepared.content_hash,
            "reason": deed.reason,
            "file_id": files.register(deed, sha256=sha256, kind="mobilization"),
            "printed_at": deed.now,
            "printed_by": printed_by[:80],
        },
    ).scalar()
    public_id = prepared.public_id
    if sheet_id is None:
        same = connection.execute(
            select(s.id, s.public_id).where(
                s.call_up_id == subject.id,
                s.kind == subject.kind,
                s.copy == subject.copy,
                s.part == subject.ask.part,
                s.language == language,
                s.content_hash == prepared.content_hash,
            )
        ).one_or_none()
        if same is None:
            raise Conflict("sheet_overtaken")
        sheet_id, public_id = same
    requests.settle(claim, outcome="printed", object_id=sheet_id)
    _note(
        deed,
        subject,
        "print_mobilization_sheet",
        version=prepared.next_version,
        rows=prepared.sheet.row_count,
        sheet=public_id,
    )
    return public_id


def _note(deed: Deed, subject: paper.Subject, verb: str, **facts: Any) -> None:
    audit.record(
        deed,
        verb,
        "mobilization_sheet",
        subject.id,
        area_path=subject.area_path,
        printed=str(subject.kind),
        copy=str(subject.copy),
        part=subject.ask.part,
        **facts,
    )
