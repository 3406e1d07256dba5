"""How messages reach me: my numbers, this phone, staff channels; trying each, and saying that it arrived."""

from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, make_response, render_template, url_for

from webapp.base.errors import LinliError
from webapp.base.outbox import MessageState
from webapp.base.permissions import Permission
from webapp.blueprints.notifications import bp
from webapp.blueprints.notifications.forms import ChannelForm
from webapp.domain.notifications import rules, services
from webapp.domain.notifications.queries import contacts
from webapp.domain.notifications.queries.contacts import OwnContact, OwnPhone
from webapp.domain.notifications.rules import ContactState
from webapp.web import words
from webapp.web.forms import refuse_form
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer
from webapp.web.words import gettext


@dataclass(frozen=True)
class ContactWords:
    """A number, subscription or channel in words."""

    title: Any
    detail: str | None
    state: str
    tone: str
    public_id: str | None = None
    tail: str | None = None
    said: str | None = None
    can_confirm: bool = False


@bp.get("/contacts")
@requires(Permission.INBOX_SEE)
def show_contacts():
    """My numbers and contacts; never kept on the phone, because their state changes without it."""
    return render_template("notifications/contacts.html", form=ChannelForm(None), **_page())


def _page():
    actor = current_actor()
    own = contacts.get_own(actor=actor)
    return {
        "phones": [_phone(each) for each in own.phones],
        "has_opted_out": own.has_opted_out,
        "devices": [_contact(each) for each in own.push],
        "channels": [_contact(each) for each in own.staff],
        "is_staff": actor.is_staff,
        "kinds": _kinds(),
        "push_key": current_app.config["VAPID_PUBLIC_KEY"],
        "is_full": len(own.staff) >= rules.CONTACTS_PER_CHANNEL,
    }


def _state(state: ContactState) -> tuple[str, str]:
    return {
        ContactState.VERIFIED: (gettext("arrives"), "good"),
        ContactState.PENDING: (gettext("not proved yet"), "warn"),
        ContactState.FAILING: (gettext("does not arrive lately"), "bad"),
        ContactState.OPTED_OUT: (gettext("stopped by you"), "plain"),
    }[state]


def _phone(phone: OwnPhone) -> ContactWords:
    word, tone = _state(phone.state)
    said = None
    if phone.state is ContactState.FAILING:
        said = gettext(
            "The network could not deliver there. If this is not your number any more, please tell us."
        )
    elif phone.state is ContactState.PENDING:
        said = gettext(
            "It stands in a list. It counts as proved once you sign in with it, or answer a message."
        )
    return ContactWords(
        title=phone.number,
        detail=gettext("You sign in with it") if phone.signs_in else None,
        state=word,
        tone=tone,
        said=said,
    )


def _contact(contact: OwnContact) -> ContactWords:
    word, tone = _state(contact.state)
    is_push = contact.channel is rules.Channel.PUSH
    said = {
        None: None,
        MessageState.WAITING: gettext("The test is on its way. Load this page again in a moment."),
        MessageState.SENDING: gettext("The test is on its way. Load this page again in a moment."),
        MessageState.FAILED: gettext("The test could not be delivered. Please look at the address."),
        MessageState.SENT: gettext("The test has left. Did you see it there?"),
        MessageState.UNKNOWN: gettext("The test has left. Did you see it there?"),
    }[contact.test]
    if contact.state is ContactState.VERIFIED and contact.test is not MessageState.FAILED:
        said = None
    return ContactWords(
        title=words.said(contact.label)
        if contact.label
        else (gettext("A phone or computer") if is_push else _kind(contact.shown)),
        detail=None if is_push else contact.shown,
        state=word,
        tone=tone,
        public_id=contact.public_id,
        tail=contact.shown if is_push else None,
        said=said,
        can_confirm=contact.state is not ContactState.VERIFIED
        and contact.test in {MessageState.SENT, MessageState.UNKNOWN},
    )


def _names() -> dict[str, str]:
    return {
        "wecombot": gettext("WeCom group robot"),
        "dingtalk": gettext("DingTalk group robot"),
        "feishu": gettext("Feishu group robot"),
        "lark": gettext("Lark group robot"),
        rules.MAIL: gettext("mail"),
    }


def _kind(shown: str) -> str:
    return _names().get(shown.partition("://")[0], gettext("mail"))


def _kinds() -> str:
    allowed = current_app.config["STAFF_CHANNELS"]
    has_mail = bool(current_app.config["MAIL_URL"])
    named = [name for kind, name in _names().items() if kind in allowed and (kind != rules.MAIL or has_mail)]
    return gettext(", ").join(named)


@bp.post("/contacts/stop")
@requires(Permission.INBOX_SEE)
def stop_sms():
    """No SMS any more."""
    services.stop_sms(deed=deed())
    return _shown("stopped")


@bp.post("/contacts/resume")
@requires(Permission.INBOX_SEE)
def resume_sms():
    """SMS again."""
    services.resume_sms(deed=deed())
    return _shown("resumed")


@bp.post("/contacts/channels")
@requires(Permission.INBOX_SEE)
def add_channel():
    """Add a group robot or mailbox of staff."""
    form = ChannelForm()
    if not form.is_good:
        return refuse_form("notifications/contacts.html", form=form, **_page())
    try:
        services.add_channel(
            deed=deed(),
            address=form.address.data or "",
            label=form.label.data or "",
            allowed=current_app.config["STAFF_CHANNELS"],
            has_mail=bool(current_app.config["MAIL_URL"]),
        )
    except LinliError as error:
        if error.status in {403, 404}:
            raise
        return refuse_form("notifications/contacts.html", form=form, error=error, **_page())
    return _shown("added")


@bp.post("/contacts/<public_id>/test")
@requires(Permission.INBOX_SEE)
def try_contact(public_id: str):
    """Send a test there."""
    services.try_contact(deed=deed(), public_id=public_id)
    return _shown("tested")


@bp.post("/contacts/<public_id>/confirm")
@requires(Permission.INBOX_SEE)
def confirm_contact(public_id: str):
    """I saw the test."""
    services.confirm_contact(deed=deed(), public_id=public_id)
    return _shown("confirmed")


@bp.post("/contacts/<public_id>/remove")
@requires(Permission.INBOX_SEE)
def remove_contact(public_id: str):
    """Nothing goes there any more."""
    services.remove_contact(deed=deed(), public_id=public_id)
    return _shown("removed")


def _shown(code: str) -> Response:
    return make_response(answer(otherwise=url_for("notifications.show_contacts"), code=code))
