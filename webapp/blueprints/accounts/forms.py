"""Forms of signing in: shape only."""

from flask_babel import lazy_gettext
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from webapp.web.forms import LinliForm

_l = lazy_gettext


class PhoneForm(LinliForm):
    """A mobile number."""

    phone = StringField(
        _l("Mobile number"),
        [InputRequired(_l("Please write your mobile number.")), Length(max=40)],
        render_kw={"type": "tel", "inputmode": "tel", "autocomplete": "tel"},
    )


class CodeForm(LinliForm):
    """The code that the phone received."""

    code = StringField(
        _l("Code from the message"),
        [InputRequired(_l("Please write the 6 digits from the message.")), Length(max=40)],
        render_kw={"inputmode": "numeric", "autocomplete": "one-time-code"},
    )


class PasswordSignInForm(PhoneForm):
    """Phone and password, for staff."""

    password = PasswordField(
        _l("Password"),
        [InputRequired(_l("Please write your password.")), Length(max=400)],
        render_kw={"autocomplete": "current-password"},
    )


class NewPasswordForm(LinliForm):
    """A new password twice, and the one that holds now where there is one."""

    current = PasswordField(
        _l("Present password"), [Length(max=400)], render_kw={"autocomplete": "current-password"}
    )
    password = PasswordField(
        _l("New password"),
        [InputRequired(_l("Please write a new password.")), Length(max=400)],
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        _l("New password once more"),
        [
            InputRequired(_l("Please write it once more.")),
            EqualTo("password", _l("The two are not the same.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )
