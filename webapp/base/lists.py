"""Lists that come through a form 名单: kept as files, compared first, then taken; long ones by the worker.

What stands in the rows is the feature's business; that a list is kept once, shown before it changes anything, and
taken once, is the same for all of them.
"""

import io
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import Any, Protocol

from webapp.base import audit, clock, files, jobs, requests
from webapp.base.actor import Actor
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, Gone, LinliError, NotFound
from webapp.base.ids import new_public_id
from webapp.base.jobs import JobState, JobView

IN_THE_WORKER_FROM = 1000
# A list holds names, phones, perhaps ID numbers: it is needed between preview and import, and the rows that were
# not taken until somebody has corrected them.
KEPT = timedelta(days=1)

Report = Callable[[int], None]


class Area(Protocol):
    """The area that a list belongs to; whoever asks has found that the actor may bring one there."""

    @property
    def id(self) -> int:
        """Its id."""

    @property
    def path(self) -> str:
        """Its path."""


def is_long(rows: Iterable[Any]) -> bool:
    """Whether a list has more rows than are done while somebody waits; reads no further than that."""
    return sum(1 for _row in islice(rows, IN_THE_WORKER_FROM + 1)) > IN_THE_WORKER_FROM


def receive(
    *, deed: Deed, kind: str, verb: str, area: Area, content: bytes, file_kind: str, **parameters: Any
) -> str:
    """Keep the file of a list and ask for its preview; returns the public id of the job, the same for the same key."""
    return _receive(
        deed=deed,
        kind=kind,
        verb=verb,
        area=area,
        sha256=files.put(content),
        file_kind=file_kind,
        parameters=parameters,
    )


@writing
def _receive(
    *,
    deed: Deed,
    kind: str,
    verb: str,
    area: Area,
    sha256: str,
    file_kind: str,
    parameters: dict[str, Any],
) -> str:
    claim = requests.claim(deed)
    if claim.is_repeat and claim.outcome is not None:
        return claim.outcome
    file_id = files.register(deed, sha256=sha256, kind=file_kind, kept_until=deed.now + KEPT)
    public_id = jobs.enqueue(
        deed,
        kind,
        mode="preview",
        file_id=file_id,
        asked_by=deed.actor.key,
        row_count=0,
        **parameters,
    )
    audit.record(deed, verb, "area", area.id, area_path=area.path, file_id=file_id, job=public_id)
    requests.settle(claim, outcome=public_id, object_id=file_id)
    return public_id


def get_previewed(*, actor: Actor, kind: str, public_id: str) -> JobView:
    """The actor's finished preview. Raises NotFound, Conflict list_not_read_yet, Gone list_gone."""
    shown = jobs.get(public_id, actor=actor)
    if shown.kind != kind or shown.parameters["mode"] != "preview":
        raise NotFound
    if shown.state is not JobState.DONE or shown.result is None:
        raise Conflict("list_not_read_yet")
    content_of(shown)
    return shown


def content_of(job: JobView) -> io.BytesIO:
    """The file of a list; Gone list_gone when its time is over."""
    try:
        return io.BytesIO(files.content(job.parameters["file_id"]))
    except NotFound as error:
        raise Gone("list_gone") from error


@writing
def start_import(*, deed: Deed, preview: JobView, verb: str, area: Area) -> str:
    """Take a previewed list for good; returns the public id of the job that does it."""
    claim = requests.claim(deed)
    if claim.is_repeat and claim.outcome is not None:
        return claim.outcome
    row_count = (preview.result or {})["row_count"]
    parameters = preview.parameters | {"mode": "import", "row_count": row_count}
    public_id = jobs.enqueue(deed, preview.kind, **parameters)
    file_id = parameters["file_id"]
    audit.record(deed, verb, "area", area.id, area_path=area.path, file_id=file_id, job=public_id)
    requests.settle(claim, outcome=public_id, object_id=file_id)
    return public_id


def deed_of(job: JobView) -> Deed:
    """The deed of a list's job: checked when it was asked for, and done under the name of who asked."""
    return Deed(
        actor=Actor(kind="system", key=job.parameters["asked_by"]),
        client_id=new_public_id(),
        fingerprint=job.public_id,
        now=clock.now(),
        source="job",
    )


def run_short(*, public_id: str, actor: Actor, run: Callable[[JobView], dict[str, Any]]) -> None:
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
        result = run(taken)
    except LinliError as refusal:
        error = {"code": refusal.code, "params": refusal.params}
    except Exception:
        jobs.give_back(job_id=taken.id)
        raise
    jobs.finish(job_id=taken.id, now=clock.now(), result=result, error=error)


def get_import(*, actor: Actor, kind: str, public_id: str) -> JobView:
    """The actor's own import or preview; NotFound for anybody else's, and for other kinds of work."""
    job = jobs.get(public_id, actor=actor)
    if job.kind != kind:
        raise NotFound
    return job


def get_errors(*, actor: Actor, kind: str, public_id: str) -> bytes:
    """The rows that an import of the actor did not take; NotFound where there are none, Gone when not kept."""
    file_id = (get_import(actor=actor, kind=kind, public_id=public_id).result or {}).get("errors_file_id")
    if file_id is None:
        raise NotFound
    try:
        return files.content(file_id)
    except NotFound as error:
        raise Gone("list_gone") from error
