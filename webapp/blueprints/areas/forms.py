"""Forms of areas: shape only."""

from flask_babel import lazy_gettext
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from webapp.web.forms import LinliForm

_l = lazy_gettext


class ZoneForm(LinliForm):
    """A change of zone; the classes are handed in."""

    zone_class = RadioField(
        _l("Class from now on"),
        [InputRequired(_l("Please choose one of the zone classes."))],
        coerce=int,
        validate_choice=False,
    )
    reason = TextAreaField(
        _l("Why"), [InputRequired(_l("Please write why the zone changes.")), Length(max=400)]
    )
    notice = StringField(
        _l("By which notice"),
        [InputRequired(_l("Please name the notice that decides it.")), Length(max=240)],
    )
    seen = HiddenField()
