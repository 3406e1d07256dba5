"""Forms of volunteers: shape only. Choices are handed in; whether they are right is a question for the service."""

from flask_babel import lazy_gettext
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional

from webapp.web.forms import LinliForm

_l = lazy_gettext


class JoinForm(LinliForm):
    """The five questions and the two pledges."""

    name = StringField(
        _l("Your name"),
        [InputRequired(_l("Please write your name.")), Length(max=60)],
        render_kw={"autocomplete": "name"},
    )
    community = HiddenField()
    building = SelectField(_l("Building"), [Optional()], validate_choice=False)
    skills = SelectMultipleField(_l("What can you do?"), validate_choice=False)
    when = SelectMultipleField(_l("When can you come?"), validate_choice=False)
    age = RadioField(
        _l("How old are you?"), [InputRequired(_l("Please say how old you are."))], validate_choice=False
    )
    guardian_name = StringField(_l("Name of the parent who agrees"), [Optional(), Length(max=60)])
    health = BooleanField()
    confidentiality = BooleanField()
    invitation = HiddenField()


class SkillsForm(LinliForm):
    """Tasks or languages."""

    skills = SelectMultipleField(_l("What can you do?"), validate_choice=False)


class CertificateForm(LinliForm):
    """One certificate."""

    skill = SelectField(_l("For what?"), validate_choice=False)
    number = StringField(_l("Number of the certificate"), [Optional(), Length(max=60)])
    expires_on = DateField(_l("Valid until"), [Optional()], render_kw={"autocomplete": "off"})


class PledgesForm(LinliForm):
    """The two pledges."""

    health = BooleanField()
    confidentiality = BooleanField()


class AnswerForm(LinliForm):
    """The answer to a question of the office."""

    answer = TextAreaField(_l("Your answer"), [Optional(), Length(max=400)])


class DecisionForm(LinliForm):
    """A decision about a volunteer: the version that was looked at, and what they will read."""

    version = IntegerField(validators=[InputRequired()])
    reason = TextAreaField(_l("Why? The volunteer reads this."), [Optional(), Length(max=400)])
    question = TextAreaField(_l("Your question. The volunteer reads it."), [Optional(), Length(max=400)])


class PlaceForm(LinliForm):
    """Where a volunteer belongs."""

    version = IntegerField(validators=[InputRequired()])
    team = SelectField(_l("Team"), [Optional()], validate_choice=False)
    organisation = SelectField(_l("Organisation"), [Optional()], validate_choice=False)
    society = SelectField(_l("Society"), [Optional()], validate_choice=False)


class RevealForm(LinliForm):
    """Why somebody needs a number."""

    reason = StringField(_l("What do you need it for?"), [Optional(), Length(max=400)])


class NameForm(LinliForm):
    """What an organisation or a team is called."""

    area = SelectField(_l("Community"), [Optional()], validate_choice=False)
    name = StringField(_l("Name"), [InputRequired(_l("Please write a name.")), Length(max=200)])
    name_en = StringField(_l("English name"), [Optional(), Length(max=200)])
    society = SelectField(_l("Society"))
    organisation = SelectField(_l("Organisation"), [Optional()], validate_choice=False)


class LeadForm(LinliForm):
    """Who shall lead a team."""

    volunteer = SelectField(_l("Who leads it?"), validate_choice=False)


class InvitationForm(LinliForm):
    """For how long and how many an invitation is."""

    days = IntegerField(
        _l("Valid for how many days?"), [InputRequired(_l("Please write a number."))], default=7
    )
    use_limit = IntegerField(
        _l("For how many people?"), [InputRequired(_l("Please write a number."))], default=30
    )
