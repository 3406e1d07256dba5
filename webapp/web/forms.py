"""Forms: shape only. A rule that needed the database is shown on the field it is about."""

from typing import Any

from flask import Response, jsonify, make_response, render_template
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm

from webapp.base.errors import LinliError
from webapp.web.errors import sentence
from webapp.web.htmx import ANSWER, wants_json


class LinliForm(FlaskForm):
    """A form in the reader's language; the csrf token and the key are printed by the macro `form_open`."""

    class Meta(FlaskForm.Meta):
        """CSRF is checked once, before the view, for every changing request."""

        csrf = False

    @property
    def is_good(self) -> bool:
        """Whether what was typed has the right shape; call once."""
        return bool(self.validate())


INVALID = lazy_gettext("Please look at the marked places. What you typed is still there.")


def refuse_form(
    template: str, *, form: FlaskForm, error: LinliError | None = None, **context: Any
) -> Response:
    """The page again with what was typed and why it was refused: 422 for shape, else the refusal's status."""
    said = None
    if error is not None:
        said = sentence(error.code, **error.params)
        field = getattr(form, error.field, None) if error.field else None
        if field is not None:
            field.errors = [*field.errors, said]
    status = error.status if error else 422
    code = error.code if error else "invalid"
    if wants_json():
        fields = {name: [str(each) for each in errors] for name, errors in form.errors.items() if name}
        response = make_response(
            jsonify(
                code=code,
                message=str(said or INVALID),
                fields=fields,
                location=None,
                confirm=error.params.get("confirm") if error else None,
            ),
            status,
        )
    else:
        response = make_response(
            render_template(template, form=form, said=said or INVALID, **context), status
        )
    response.headers[ANSWER] = code
    return response
