"""The form of a staff channel."""

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from webapp.web.forms import LinliForm


class ChannelForm(LinliForm):
    """Where a group robot or mailbox is, and what its owner calls it."""

    address = StringField(_l("Address"), [InputRequired(_l("Please paste the address.")), Length(max=500)])
    label = StringField(_l("What do you call it?"), [Length(max=60)])
