"""What shell commands share: the reader's language, and rows that were not taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click
from flask import current_app
from flask_babel import force_locale

from webapp.base.errors import LinliError
from webapp.base.tables import ErrorFile, Problem, Row, Sheet
from webapp.web.errors import sentence

SHOWN = 20
LANGUAGE = click.option(
    "--language", type=click.Choice(["zh_Hans", "en"]), default="zh_Hans", help="Language of the sentences."
)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Sentences in this language, also outside a request."""
    with current_app.test_request_context(), force_locale(language):
        yield


def refuse(error: LinliError) -> NoReturn:
    """End the command with the refusal's sentence."""
    raise click.ClickException(sentence(error.code, **error.params)) from error


def how_written(encoding: str, delimiter: str) -> str:
    """What a file was read as: GB18030, semicolon."""
    name = {",": "comma", ";": "semicolon", "\t": "tab"}.get(delimiter)
    return f"{encoding}, {name}" if name else encoding


class RejectedRows:
    """Writes rows that were not taken to a file as they come, and shows the first of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: TextIO | None = None
        self._file: ErrorFile | None = None
        self.count = 0

    def add(self, sheet: Sheet, row: Row, problem: Problem) -> None:
        """One row, what is wrong with it, and the sentence for it."""
        if self._file is None:
            self._stream = self._path.open("w", encoding="utf-8", newline="")
            self._file = ErrorFile(self._stream, heads=sheet.original_heads)
        said = sentence(problem.code, **problem.params)
        self._file.add(row.original, problem, said)
        self.count += 1
        if self.count <= SHOWN:
            click.echo(f"{problem.line}\t{problem.column or ''}\t{said}")

    def close(self) -> None:
        """Finish the file and say where it is."""
        if self._stream is not None:
            self._stream.close()
            click.echo(f"errors: {self._path}")


def say_columns(shown: Any) -> None:
    """How a compared list is written, what its columns were taken for, and which are not taken."""
    click.echo(how_written(shown.form, shown.delimiter))
    click.echo("columns: " + ", ".join(f"{head} → {name}" for name, head in shown.columns.items()))
    if shown.unknown:
        click.echo("not taken: " + ", ".join(shown.unknown))


def say_outcomes(shown: Any) -> None:
    """What each row of a compared list does, and the counts."""
    for outcome in shown.outcomes:
        remarks = "; ".join(
            f"{remark.text} – {said}" if remark.text else said
            for remark in outcome.remarks
            for said in [sentence(remark.code, **remark.params)]
        )
        what = f"{outcome.kind} {', '.join(outcome.changes)}".strip()
        click.echo(f"{outcome.line}\t{outcome.name}\t{outcome.phone}\t{what}\t{remarks}")
    click.echo(", ".join(f"{name} {count}" for name, count in shown.counts.items()))
