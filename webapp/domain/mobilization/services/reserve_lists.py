"""Lists of reservists that come through the form: kept, compared, then taken; see base/lists.py."""

import io
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from webapp.base import clock, lists
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.jobs import JobView
from webapp.base.lists import Report
from webapp.base.rejected import Rejected, Say
from webapp.domain.mobilization.queries import enrolling
from webapp.domain.mobilization.services import reserve_imports as imports
from webapp.domain.mobilization.services.reserve_imports import Outcome, Setting

KIND = "mobilization.import"


def receive_list(
    *,
    deed: Deed,
    area_code: str,
    content: bytes,
    file_name: str,
    language: str,
) -> str:
    """Keep an uploaded list and ask for its dry run; returns the public id of the job.

    Raises RuleBroken for a file that cannot be read: nothing is kept then.
    """
    area = enrolling.find_area(actor=deed.actor, code=area_code)
    sheet = imports.open_list(io.BytesIO(content))
    return lists.receive(
        deed=deed,
        kind=KIND,
        verb="receive_reservists",
        area=area,
        content=content,
        file_kind="reserve_list",
        file_name=file_name[:120],
        area_code=area.code,
        area_name=area.name,
        language=language,
        is_long=lists.is_long(sheet.rows()),
    )


def start_import(*, deed: Deed, public_id: str) -> str:
    """Take the list of a finished dry run for good; returns the public id of the job that does it."""
    shown = lists.get_previewed(actor=deed.actor, kind=KIND, public_id=public_id)
    area = enrolling.find_area(actor=deed.actor, code=shown.parameters["area_code"])
    return lists.start_import(deed=deed, preview=shown, verb="start_reserve_import", area=area)


def run_short(*, public_id: str, actor: Actor, say: Say) -> None:
    """Do the work of a short list at once; a long one, or one that the worker has, is left to the worker."""
    lists.run_short(
        public_id=public_id,
        actor=actor,
        run=lambda job: run(job=job, say=say, report=lambda _progress: None),
    )


def run(*, job: JobView, say: Say, report: Report) -> dict[str, Any]:
    """Do the work of a job: the dry run or the import, each with the file of the rows that are refused."""
    parameters, content, deed = job.parameters, lists.content_of(job), lists.deed_of(job)
    with TemporaryDirectory() as directory:
        rejected = Rejected(Path(directory) / "errors.csv", say)
        if parameters["mode"] == "preview":
            shown = imports.preview(
                setting=Setting(
                    area=enrolling.find_area(actor=deed.actor, code=parameters["area_code"]),
                    is_invented=False,
                    today=clock.day(deed.now),
                ),
                file=content,
                reject=rejected.add,
                report=report,
                row_count=_count_rows(content) if parameters["is_long"] else 0,
            )
            counts = shown.counts
            result = asdict(shown) | {"outcomes": [_as_shown(outcome, say) for outcome in shown.outcomes]}
        else:
            tally = imports.import_reservists(
                deed=deed,
                area_code=parameters["area_code"],
                file=content,
                reject=rejected.add,
                report=report,
                row_count=parameters["row_count"],
            )
            counts = asdict(tally)
            result = {"counts": counts}
        errors_file_id = rejected.keep(deed, kind="reserve_errors", until=deed.now + lists.KEPT)
    return result | {
        "problems": rejected.first,
        "problem_count": counts["rejected"],
        "errors_file_id": errors_file_id,
    }


def _count_rows(content: io.BytesIO) -> int:
    count = sum(1 for _row in imports.open_list(content).rows())
    content.seek(0)
    return count


def _as_shown(outcome: Outcome, say: Say) -> dict[str, Any]:
    return {
        "line": outcome.line,
        "name": outcome.name,
        "phone": outcome.phone,
        "kind": outcome.kind,
        "changes": list(outcome.changes),
        "remarks": [[say(remark.code, remark.params), remark.text] for remark in outcome.remarks],
    }


def get_import(*, actor: Actor, public_id: str) -> JobView:
    """The actor's own import or dry run; NotFound for anybody else's, and for other kinds of work."""
    return lists.get_import(actor=actor, kind=KIND, public_id=public_id)


def get_errors(*, actor: Actor, public_id: str) -> bytes:
    """The rows that an import of the actor refuses; NotFound where there are none, Gone when not kept."""
    return lists.get_errors(actor=actor, kind=KIND, public_id=public_id)
