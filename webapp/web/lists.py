"""Lists that come through a form, on the side of the browser: the file's field, how far a job is, the refused rows.

What stands in the rows is the feature's business; see base/lists.py for what becomes of a file.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Response
from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField

from webapp.base.errors import RuleBroken
from webapp.base.jobs import JobState, JobView
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.forms import LinliForm, refuse_form
from webapp.web.htmx import answer, page_or_fragment

_l = lazy_gettext


class ListForm(LinliForm):
    """A list to take. A form that asks for which community has a field beside it."""

    file = FileField(
        _l("The list as CSV or XLSX"),
        [FileRequired(_l("Please choose a file."))],
        render_kw={"accept": ".csv,.txt,.xlsx,text/csv"},
    )

    @property
    def content(self) -> bytes:
        """The file that was chosen."""
        content: bytes = self.file.data.stream.read()
        return content

    @property
    def file_name(self) -> str:
        """What the file was called."""
        return self.file.data.filename or ""


def say(code: str, params: Mapping[str, Any]) -> str:
    """What is wrong with a row, as a sentence in the reader's language."""
    return sentence(code, **params)


def choose_area(field: SelectField, areas: Sequence[Any]) -> None:
    """The communities to choose from, each with `code` and `name`; the first where none was chosen."""
    field.choices = [(each.code, each.name) for each in areas]
    if not field.data and areas:
        field.data = areas[0].code


def receive(
    form: ListForm,
    *,
    take: Callable[[], str],
    show: Callable[[str], str],
    template: str,
    context: Callable[[ListForm], Mapping[str, Any]],
) -> Response:
    """Keep the file and go to its page; a file that cannot be read is refused on the form.

    `take` returns the public id of the job, `show` the address of its page, `context` what the form needs.
    """
    error = None
    if form.is_good:
        try:
            return answer(otherwise=show(take()), code="received")
        except RuleBroken as refusal:
            error = refusal
    return refuse_form(template, form=form, error=error, **context(form))


def progress(page: str, fragment: str, job: JobView, **context: Any) -> Response:
    """How far a list is; then what it would do, or what came of it."""
    refusal = None
    if job.state is JobState.FAILED:
        error = job.error or {}
        refusal = sentence(error.get("code", "server_error"), **error.get("params", {}))
    return page_or_fragment(
        page,
        fragment,
        job=job,
        is_over=job.state in {JobState.DONE, JobState.FAILED},
        is_preview=job.parameters["mode"] == "preview",
        refusal=refusal,
        result=job.result,
        words=words,
        **context,
    )


def errors_file(content: bytes, public_id: str) -> Response:
    """The refused rows as a file that can be corrected and taken again."""
    response = Response(content, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="errors-{public_id[:6]}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def outcome(kind: str) -> tuple[str, str]:
    """What a row does, in the reader's words, and its tone."""
    return {
        "added": (gettext("new"), "good"),
        "changed": (gettext("changed"), "info"),
        "unchanged": (gettext("as before"), "plain"),
    }[kind]
