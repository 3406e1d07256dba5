"""Lists that come through the form: kept as files, previewed, then taken; long ones by the worker."""

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
from webapp.base.rejected import Rejected, Say, as_shown
from webapp.domain.areas.services import Tally
from webapp.domain.households.queries import listing
from webapp.domain.households.queries.listing import CommunityRow
from webapp.domain.households.services import imports

KIND = "households.import"
IN_THE_WORKER_FROM = 1000
# The list holds names and phones: it is needed between the preview and the import, and the rows that were
# not taken until somebody has corrected them.
KEPT = timedelta(days=1)

Report = Callable[[int], None]


def receive_list(*, deed: Deed, community_code: str, content: bytes, file_name: str, language: str) -> str:
    """Keep an uploaded list and ask for its preview; returns the public id of the job.

    Raises RuleBroken for a file that cannot be read: nothing is kept then.
    """
    community = listing.get_community_for_import(actor=deed.actor, code=community_code)
    sheet = imports.open_list(io.BytesIO(content))
    row_count = sum(1 for _row in islice(sheet.rows(), IN_THE_WORKER_FROM + 1))
    sha256 = files.put(content)
    return _receive(
        deed=deed,
        community=community,
        sha256=sha256,
        file_name=file_name[:120],
        language=language,
        is_long=row_count > IN_THE_WORKER_FROM,
    )


@writing
def _receive(
    *, deed: Deed, community: CommunityRow, sha256: str, file_name: str, language: str, is_long: bool
) -> str:
    claim = requests.claim(deed)
    if claim.is_repeat and claim.outcome is not None:
        return claim.outcome
    file_id = files.register(deed, sha256=sha256, kind="household_list", kept_until=deed.now + KEPT)
    public_id = jobs.enqueue(
        deed,
        KIND,
        mode="preview",
        file_id=file_id,
        file_name=file_name,
        community_code=community.code,
        community_name=community.name,
        building_word=community.building_word,
        language=language,
        asked_by=deed.actor.key,
        is_long=is_long,
        row_count=0,
    )
    audit.record(
        deed, "receive_list", "area", community.id, area_path=community.path, file_id=file_id, job=public_id
    )
    requests.settle(claim, outcome=public_id, object_id=file_id)
    return public_id


def start_import(*, deed: Deed, public_id: str) -> str:
    """Take the list of a finished preview for good; returns the public id of the job that does it."""
    preview = jobs.get(public_id, actor=deed.actor)
    if preview.kind != KIND or preview.parameters["mode"] != "preview":
        raise NotFound
    if preview.state is not JobState.DONE or preview.result is None:
        raise Conflict("list_not_read_yet")
    community = listing.get_community_for_import(actor=deed.actor, code=preview.parameters["community_code"])
    try:
        files.content(preview.parameters["file_id"])
    except NotFound as error:
        raise Gone("list_gone") from error
    return _start(
        deed=deed,
        community=community,
        parameters=preview.parameters | {"mode": "import", "row_count": preview.result["row_count"]},
    )


@writing
def _start(*, deed: Deed, community: CommunityRow, parameters: dict[str, Any]) -> str:
    claim = requests.claim(deed)
    if claim.is_repeat and claim.outcome is not None:
        return claim.outcome
    public_id = jobs.enqueue(deed, KIND, **parameters)
    audit.record(
        deed,
        "start_import",
        "area",
        community.id,
        area_path=community.path,
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
    """Do the work of a job: the preview, or the import with the file of the rows that were not taken."""
    parameters = job.parameters
    try:
        content = files.content(parameters["file_id"])
    except NotFound as error:
        raise Gone("list_gone") from error
    if parameters["mode"] == "preview":
        shown = imports.preview(
            file=io.BytesIO(content), building_word=parameters["building_word"], report=report
        )
        return asdict(shown) | {"problems": [as_shown(problem, say) for problem in shown.problems]}
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
        tally = imports.import_households(
            deed=deed,
            community_code=parameters["community_code"],
            file=io.BytesIO(content),
            reject=rejected.add,
            report=report,
            row_count=parameters["row_count"],
        )
        errors_file_id = rejected.keep(deed, kind="household_errors", until=deed.now + KEPT)
    return _result(tally, rejected, errors_file_id)


def _result(tally: Tally, rejected: Rejected, errors_file_id: int | None) -> dict[str, Any]:
    return asdict(tally) | {
        "problems": rejected.first,
        "problem_count": tally.rejected,
        "errors_file_id": errors_file_id,
    }


def get_import(*, actor: Actor, public_id: str) -> JobView:
    """The actor's own import or preview; NotFound for anybody else's, and for other kinds of work."""
    job = jobs.get(public_id, actor=actor)
    if job.kind != KIND:
        raise NotFound
    return job


def get_errors(*, actor: Actor, public_id: str) -> bytes:
    """The rows that an import of the actor did not take; NotFound where there are none, Gone when not kept."""
    job = get_import(actor=actor, public_id=public_id)
    file_id = (job.result or {}).get("errors_file_id")
    if file_id is None:
        raise NotFound
    try:
        return files.content(file_id)
    except NotFound as error:
        raise Gone("list_gone") from error
