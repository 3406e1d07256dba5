"""Lists of volunteers that come through the form: kept as files, compared, then taken; long ones by the worker."""

import io
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from webapp.base import audit, clock, files, jobs, requests
from webapp.base.actor import Actor
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, Gone, LinliError, NotFound
from webapp.base.ids import new_public_id
from webapp.base.jobs import JobState, JobView
from webapp.base.rejected import Rejected, Say
from webapp.domain.volunteers.queries import imports as queries
from webapp.domain.volunteers.queries.imports import ImportArea
from webapp.domain.volunteers.services import imports
from webapp.domain.volunteers.services.imports import Outcome, Setting

KIND = "volunteers.import"
IN_THE_WORKER_FROM = 1000
# The list holds names, phones and ID numbers: it is needed between the dry run and the import, and the rows that
# were not taken until somebody has corrected them.
KEPT = timedelta(days=1)

Report = Callable[[int], None]


def receive_list(
    *,
    deed: Deed,
    area_code: str,
    content: bytes,
    file_name: str,
    language: str,
    minors_allowed: bool,
) -> str:
    """Keep an uploaded list and ask for its dry run; returns the public id of the job.

    Raises RuleBroken for a file that cannot be read: nothing is kept then.
    """
    area = queries.get_area_for_import(actor=deed.actor, code=area_code)
    sheet = imports.open_list(io.BytesIO(content))
    row_count = sum(1 for _row in islice(sheet.rows(), IN_THE_WORKER_FROM + 1))
    sha256 = files.put(content)
    return _receive(
        deed=deed,
        area=area,
        sha256=sha256,
        file_name=file_name[:120],
        language=language,
        minors_allowed=minors_allowed,
        is_long=row_count > IN_THE_WORKER_FROM,
    )


@writing
def _receive(
    *,
    deed: Deed,
    area: ImportArea,
    sha256: str,
    file_name: str,
    language: str,
    minors_allowed: bool,
    is_long: bool,
) -> str:
    claim = requests.claim(deed)
    if claim.is_repeat and claim.outcome is not None:
        return claim.outcome
    file_id = files.register(deed, sha256=sha256, kind="volunteer_list", kept_until=deed.now + KEPT)
    public_id = jobs.enqueue(
        deed,
        KIND,
        mode="preview",
        file_id=file_id,
        file_name=file_name,
        area_code=area.code,
        area_name=area.name,
        language=language,
        minors_allowed=minors_allowed,
        asked_by=deed.actor.key,
        is_long=is_long,
        row_count=0,
    )
    audit.record(
        deed, "receive_volunteers", "area", area.id, area_path=area.path, file_id=file_id, job=public_id
    )
    requests.settle(claim, outcome=public_id, object_id=file_id)
    return public_id


def start_import(*, deed: Deed, public_id: str) -> str:
    """Take the list of a finished dry run for good; returns the public id of the job that does it."""
    shown = jobs.get(public_id, actor=deed.actor)
    if shown.kind != KIND or shown.parameters["mode"] != "preview":
        raise NotFound
    if shown.state is not JobState.DONE or shown.result is None:
        raise Conflict("list_not_read_yet")
    area = queries.get_area_for_import(actor=deed.actor, code=shown.parameters["area_code"])
    try:
        files.content(shown.parameters["file_id"])
    except NotFound as error:
        raise Gone("list_gone") from error
    return _start(
        deed=deed,
        area=area,
        parameters=shown.parameters | {"mode": "import", "row_count": shown.result["row_count"]},
    )


@writing
def _start(*, deed: Deed, area: ImportArea, parameters: dict[str, Any]) -> str:
    claim = requests.claim(deed)
    if claim.is_repeat and claim.outcome is not None:
        return claim.outcome
    public_id = jobs.enqueue(deed, KIND, **parameters)
    audit.record(
        deed,
        "start_volunteers_import",
        "area",
        area.id,
        area_path=area.path,
        file_id=parameters["file_id"],
        job=public_id,
    )
    requests.settle(claim, outcome=public_id, object_id=parameters["file_id"])
    return public_id


def run_short(*, public_id: str, actor: Actor, say: Say) -> None:
    """Do the work of a short list at once; a long one, or one that the worker has, is left to the worker."""
    job = jobs.get(public_id, actor=actor)
    if job.parameters["is_long"]:
        return
    taken = jobs.take(now=clock.now(), public_id=public_id)
    if taken is None:
        return
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    try:
        result = run(job=taken, say=say, report=lambda _progress: None)
    except LinliError as refusal:
        error = {"code": refusal.code, "params": refusal.params}
    except Exception:
        jobs.give_back(job_id=taken.id)
        raise
    jobs.finish(job_id=taken.id, now=clock.now(), result=result, error=error)


def run(*, job: JobView, say: Say, report: Report) -> dict[str, Any]:
    """Do the work of a job: the dry run or the import, each with the file of the rows that are refused."""
    parameters = job.parameters
    try:
        content = files.content(parameters["file_id"])
    except NotFound as error:
        raise Gone("list_gone") from error
    # Checked when it was asked for; what is done stands under the name of the person who asked.
    deed = Deed(
        actor=Actor(kind="system", key=parameters["asked_by"]),
        client_id=new_public_id(),
        fingerprint=job.public_id,
        now=clock.now(),
        source="job",
    )
    with TemporaryDirectory() as directory:
        rejected = Rejected(Path(directory) / "errors.csv", say)
        if parameters["mode"] == "preview":
            shown = imports.preview(
                setting=Setting(
                    area=queries.get_area_for_import(actor=deed.actor, code=parameters["area_code"]),
                    minors_allowed=parameters["minors_allowed"],
                    is_invented=False,
                    today=clock.day(deed.now),
                ),
                file=io.BytesIO(content),
                reject=rejected.add,
                report=report,
                row_count=_count_rows(content) if parameters["is_long"] else 0,
            )
            counts = shown.counts
            result = asdict(shown) | {"outcomes": [_as_shown(outcome, say) for outcome in shown.outcomes]}
        else:
            tally = imports.import_volunteers(
                deed=deed,
                area_code=parameters["area_code"],
                file=io.BytesIO(content),
                reject=rejected.add,
                minors_allowed=parameters["minors_allowed"],
                report=report,
                row_count=parameters["row_count"],
            )
            counts = asdict(tally)
            result = {"counts": counts}
        errors_file_id = rejected.keep(deed, kind="volunteer_errors", until=deed.now + KEPT)
    return result | {
        "problems": rejected.first,
        "problem_count": counts["rejected"],
        "errors_file_id": errors_file_id,
    }


def _count_rows(content: bytes) -> int:
    return sum(1 for _row in imports.open_list(io.BytesIO(content)).rows())


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
    job = jobs.get(public_id, actor=actor)
    if job.kind != KIND:
        raise NotFound
    return job


def get_errors(*, actor: Actor, public_id: str) -> bytes:
    """The rows that an import of the actor refuses; NotFound where there are none, Gone when not kept."""
    job = get_import(actor=actor, public_id=public_id)
    file_id = (job.result or {}).get("errors_file_id")
    if file_id is None:
        raise NotFound
    try:
        return files.content(file_id)
    except NotFound as error:
        raise Gone("list_gone") from error
