"""Lists of households that come through the form: kept, previewed, then taken; see base/lists.py."""

import io
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from webapp.base import lists
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.jobs import JobView
from webapp.base.lists import Report
from webapp.base.rejected import Rejected, Say, as_shown
from webapp.domain.areas.services import Tally
from webapp.domain.households.queries import listing
from webapp.domain.households.services import imports

KIND = "households.import"


def receive_list(*, deed: Deed, community_code: str, content: bytes, file_name: str, language: str) -> str:
    """Keep an uploaded list and ask for its preview; returns the public id of the job.

    Raises RuleBroken for a file that cannot be read: nothing is kept then.
    """
    community = listing.get_community_for_import(actor=deed.actor, code=community_code)
    sheet = imports.open_list(io.BytesIO(content))
    return lists.receive(
        deed=deed,
        kind=KIND,
        verb="receive_list",
        area=community,
        content=content,
        file_kind="household_list",
        file_name=file_name[:120],
        community_code=community.code,
        community_name=community.name,
        building_word=community.building_word,
        language=language,
        is_long=lists.is_long(sheet.rows()),
    )


def start_import(*, deed: Deed, public_id: str) -> str:
    """Take the list of a finished preview for good; returns the public id of the job that does it."""
    shown = lists.get_previewed(actor=deed.actor, kind=KIND, public_id=public_id)
    community = listing.get_community_for_import(actor=deed.actor, code=shown.parameters["community_code"])
    return lists.start_import(deed=deed, preview=shown, verb="start_import", area=community)


def run_short(*, public_id: str, actor: Actor, say: Say) -> None:
    """Do the work of a short list at once; a long one, or one that the worker has, is left to the worker."""
    lists.run_short(
        public_id=public_id,
        actor=actor,
        run=lambda job: run(job=job, say=say, report=lambda _progress: None),
    )


def run(*, job: JobView, say: Say, report: Report) -> dict[str, Any]:
    """Do the work of a job: the preview, or the import with the file of the rows that were not taken."""
    parameters, content = job.parameters, lists.content_of(job)
    if parameters["mode"] == "preview":
        shown = imports.preview(file=content, building_word=parameters["building_word"], report=report)
        return asdict(shown) | {"problems": [as_shown(problem, say) for problem in shown.problems]}
    deed = lists.deed_of(job)
    with TemporaryDirectory() as directory:
        rejected = Rejected(Path(directory) / "errors.csv", say)
        tally = imports.import_households(
            deed=deed,
            community_code=parameters["community_code"],
            file=content,
            reject=rejected.add,
            report=report,
            row_count=parameters["row_count"],
        )
        errors_file_id = rejected.keep(deed, kind="household_errors", until=deed.now + lists.KEPT)
    return _result(tally, rejected, errors_file_id)


def _result(tally: Tally, rejected: Rejected, errors_file_id: int | None) -> dict[str, Any]:
    return asdict(tally) | {
        "problems": rejected.first,
        "problem_count": tally.rejected,
        "errors_file_id": errors_file_id,
    }


def get_import(*, actor: Actor, public_id: str) -> JobView:
    """The actor's own import or preview; NotFound for anybody else's, and for other kinds of work."""
    return lists.get_import(actor=actor, kind=KIND, public_id=public_id)


def get_errors(*, actor: Actor, public_id: str) -> bytes:
    """The rows that an import of the actor did not take; NotFound where there are none, Gone when not kept."""
    return lists.get_errors(actor=actor, kind=KIND, public_id=public_id)
