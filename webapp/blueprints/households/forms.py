"""Forms of households: shape only. Choices are handed in; whether they are right is a question for the service."""

from flask_babel import lazy_gettext
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from webapp.web.forms import LinliForm
from webapp.web.lists import ListForm

_l = lazy_gettext


class JoinForm(LinliForm):
    """Where somebody lives: a door of the list, or in their own words."""

    name = StringField(
        _l("Your name"),
        [InputRequired(_l("Please write your name.")), Length(max=60)],
        render_kw={"autocomplete": "name"},
    )
    community = HiddenField()
    building = SelectField(_l("Building"), [Optional()], validate_choice=False)
    unit = SelectField(_l("Stairwell"), [Optional()], validate_choice=False)
    number = SelectField(_l("Door number"), [Optional()], validate_choice=False)
    stated_door = StringField(_l("Where you live, in your own words"), [Optional(), Length(max=200)])


class DecisionForm(LinliForm):
    """A decision about a home: the door where it is another than was said, the reason where it is no."""

    building = SelectField(_l("Building"), [Optional()], validate_choice=False)
    door = StringField(_l("Stairwell and door"), [Optional(), Length(max=60)])
    into = HiddenField()
    reason = TextAreaField(_l("Why? The resident reads this."), [Optional(), Length(max=400)])


class HouseholdListForm(ListForm):
    """A household list to take."""

    community = SelectField(_l("Community"), validate_choice=False)
