"""Rows of a list that were not taken: the first to show, all of them as a file that re-imports as it is."""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from webapp.base import files, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.ids import new_public_id
from webapp.base.tables import ErrorFile, Problem, Row, Sheet

PROBLEMS_SHOWN = 100

Say = Callable[[str, Mapping[str, Any]], str]


def as_shown(problem: Problem, say: Say) -> dict[str, Any]:
    """A problem as a result keeps it: where it is and the sentence for it."""
    return {
        "line": problem.line,
        "column": problem.column or "",
        "code": problem.code,
        "said": say(problem.code, problem.params),
    }


class Rejected:
    """Collects rows as they are refused; `path` is where the file grows until it is stored."""

    def __init__(self, path: Path, say: Say) -> None:
        self._path = path
        self._say = say
        self._stream: io.TextIOWrapper | None = None
        self._file: ErrorFile | None = None
        self.first: list[dict[str, Any]] = []

    def add(self, sheet: Sheet, row: Row, problem: Problem) -> None:
        """One row and what is wrong with it."""
        if self._file is None:
            self._stream = self._path.open("w", encoding="utf-8", newline="")
            self._file = ErrorFile(self._stream, heads=sheet.original_heads)
        self._file.add(row.original, problem, self._say(problem.code, problem.params))
        if len(self.first) < PROBLEMS_SHOWN:
            self.first.append(as_shown(problem, self._say))

    def keep(self, deed: Deed, *, kind: str, until: datetime) -> int | None:
        """Store the file under its kind; None where every row was taken."""
        if self._stream is None:
            return None
        self._stream.close()
        sha256 = files.put(self._path.read_bytes())
        return _keep(deed=replace(deed, client_id=new_public_id()), sha256=sha256, kind=kind, until=until)


@writing
def _keep(*, deed: Deed, sha256: str, kind: str, until: datetime) -> int:
    claim = requests.claim(deed)
    file_id = files.register(deed, sha256=sha256, kind=kind, kept_until=until)
    requests.settle(claim, outcome="kept", object_id=file_id)
    return file_id
