"""How one is reached: wanting SMS or not, push subscriptions, staff channels, and whether each of them works."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, func, insert, literal, select, update

from webapp.base import audit, crypto, db, limits, outbox, requests
from webapp.base.db import UtcDateTime, writing
from webapp.base.deed import Deed
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.outbox import MessageState, OutboxMessage, Outgoing, Rank, Way
from webapp.domain.accounts.models import User
from webapp.domain.areas import queries as areas
from webapp.domain.notifications import rules
from webapp.domain.notifications.models import Contact
from webapp.domain.notifications.queries import contacts as queries
from webapp.domain.notifications.queries import reach
from webapp.domain.notifications.rules import Channel, ContactState
from webapp.domain.people.models import Person, PersonPhone

_contacts: Any = Contact.__table__
_phones: Any = PersonPhone.__table__
_people: Any = Person.__table__
_users: Any = User.__table__
_messages: Any = OutboxMessage.__table__

PAGE = "/notifications/contacts"
TEST = "contact_test"
_WAYS = {Channel.PUSH: Way.PUSH, Channel.STAFF: Way.STAFF}


# --- SMS ----------------------------------------------------------------------------------------------------


@writing
def stop_sms(*, deed: Deed) -> None:
    """No SMS any more to any of the actor's numbers, but sign-in codes and what their own promises cause."""
    _set_opted_out(deed, "stop_sms", deed.now)


@writing
def resume_sms(*, deed: Deed) -> None:
    """SMS again to the actor's numbers."""
    _set_opted_out(deed, "resume_sms", None)


def _set_opted_out(deed: Deed, verb: str, at: datetime | None) -> None:
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    person_id = _person(deed)
    db.connection().execute(update(_phones).where(_phones.c.person_id == person_id).values(opted_out_at=at))
    audit.record(deed, verb, "person", person_id)
    requests.settle(claim, outcome=verb, object_id=person_id)


def _person(deed: Deed) -> int:
    if deed.actor.person_id is None:
        raise NotFound
    return deed.actor.person_id


@writing
def ask_to_verify(*, deed: Deed, people: Sequence[int] | Select[Any], area_path: str) -> int:
    """Ask by SMS, at numbers that nobody has answered from or that fail, whether they work: "reply 1".

    Returns how many numbers are asked; one that was asked within a day is left in peace, as is who opted out.
    `people` are ids, or a query for them; whose people these are is for the caller to know.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return claim.object_id or 0
    place = areas.get_place(area_path)
    since = deed.now - rules.CHECK_AGAIN_AFTER
    asked = [
        Outgoing(
            template=queries.CHECK,
            address=crypto.decrypt(row.phone),
            language=row.language or reach.DEFAULT_LANGUAGE,
            reference=f"verify:{row.public_id}",
            parameters={
                "community": place.community_name or place.area_name,
                "community_en": place.community_name_en,
                "hotline": place.hotline,
            },
        )
        for row in queries.list_to_verify(people=people, since=since, most=rules.ASKED_AT_ONCE)
    ]
    outbox.enqueue_many(deed, asked)
    audit.record(deed, "ask_to_verify", "person", None, area_path=area_path, count=len(asked))
    requests.settle(claim, outcome="asked", object_id=len(asked))
    return len(asked)


def verify_phone_by_reply(phone_index: str, now: datetime) -> bool:
    """Somebody replied "1" from this number: if it was asked whether it works, it does, for all who have it.

    Inside the caller's transaction; False when nobody asked within the week, so that the reply means something else.
    """
    c = _messages.c
    was_asked = exists().where(
        c.address_index == phone_index,
        c.template == queries.CHECK,
        c.created_at >= now - rules.CHECK_ANSWERED_WITHIN,
    )
    changed = db.connection().execute(
        update(_phones)
        .where(_phones.c.phone_index == phone_index, was_asked)
        .values(
            verified_at=func.coalesce(_phones.c.verified_at, literal(now, UtcDateTime)), failing_since=None
        )
    )
    return changed.rowcount > 0


# --- push and staff channels --------------------------------------------------------------------------------


@writing
def add_push(*, deed: Deed, endpoint: str, p256dh: str, auth: str, label: str, hosts: tuple[str, ...]) -> str:
    """This browser receives notices to the actor; returns the contact's public id.

    Who received here before does not any more: a phone has one owner at a time. Raises RuleBroken:
    subscription_wrong, push_service_unknown, contacts_too_many.
    """
    claim = requests.claim(deed)
    rules.ensure_subscription(endpoint=endpoint, p256dh=p256dh, auth=auth, hosts=hosts)
    address = json.dumps(
        {"endpoint": endpoint, "keys": {"auth": auth, "p256dh": p256dh}}, separators=(",", ":")
    )
    connection = db.connection()
    index = outbox.address_index(Way.PUSH, address)
    connection.execute(
        delete(_contacts).where(
            _contacts.c.channel == Channel.PUSH,
            _contacts.c.address_index == index,
            _contacts.c.person_id != _person(deed),
        )
    )
    public_id = _add(deed, Channel.PUSH, address, label)
    if not claim.is_repeat:
        _send_test(deed, public_id, Channel.PUSH, address)
        requests.settle(claim, outcome="added", object_id=None)
    return public_id


@writing
def add_channel(*, deed: Deed, address: str, label: str, allowed: Collection[str], has_mail: bool) -> str:
    """A member of staff also receives notices at a group robot or by mail, once they have seen a test there.

    `has_mail`: the office has a mail server. Raises NotAllowed for who holds no appointment; RuleBroken:
    staff_address_wrong, channel_not_allowed, mail_not_set_up, contacts_too_many.
    """
    claim = requests.claim(deed)
    if not deed.actor.is_staff:
        raise NotAllowed
    stored = rules.staff_address(address)
    kind = rules.staff_kind(stored)
    if kind not in allowed:
        raise RuleBroken("channel_not_allowed", field="address")
    if kind == rules.MAIL and not has_mail:
        raise RuleBroken("mail_not_set_up", field="address")
    if kind != rules.MAIL:
        _ensure_known(stored)
    public_id = _add(deed, Channel.STAFF, stored, label)
    if not claim.is_repeat:
        requests.settle(claim, outcome="added", object_id=None)
    return public_id


def _ensure_known(address: str) -> None:
    """Whether Apprise, which sends it, can read the address."""
    from apprise import Apprise  # noqa: PLC0415 - a big library that only few pages need

    if Apprise.instantiate(address, suppress_exceptions=True) is None:
        raise RuleBroken("staff_address_wrong", field="address")


def _add(deed: Deed, channel: Channel, address: str, label: str) -> str:
    connection = db.connection()
    person_id = _person(deed)
    c = _contacts.c
    # One's own row is the lock: two presses at once do not add a sixth.
    connection.execute(select(_people.c.id).where(_people.c.id == person_id).with_for_update())
    index = outbox.address_index(_WAYS[channel], address)
    own = connection.execute(
        select(c.public_id, c.address_index).where(c.person_id == person_id, c.channel == channel)
    ).all()
    for row in own:
        if row.address_index == index:
            return str(row.public_id)
    if len(own) >= rules.CONTACTS_PER_CHANNEL:
        raise RuleBroken("contacts_too_many", maximum=rules.CONTACTS_PER_CHANNEL)
    public_id = new_public_id()
    connection.execute(
        insert(_contacts).values(
            public_id=public_id,
            person_id=person_id,
            channel=channel,
            address=crypto.encrypt(address),
            address_index=index,
            label=label.strip()[: rules.LABEL_LENGTH],
            state=ContactState.PENDING,
            made_at=deed.now,
            fail_count=0,
        )
    )
    audit.record(deed, "add_contact", "person", person_id, channel=channel.value)
    return public_id


@writing
def remove_contact(*, deed: Deed, public_id: str) -> None:
    """Nothing goes there any more; NotFound for somebody else's."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    contact = queries.find_own(actor=deed.actor, public_id=public_id)
    db.connection().execute(delete(_contacts).where(_contacts.c.id == contact.id))
    audit.record(deed, "remove_contact", "person", contact.person_id, channel=str(contact.channel))
    requests.settle(claim, outcome="removed", object_id=contact.id)


@writing
def try_contact(*, deed: Deed, public_id: str) -> None:
    """Send a test there, ahead of what has time; NotFound for somebody else's, TooMany within half a minute."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    contact = queries.find_own(actor=deed.actor, public_id=public_id)
    limits.spend(key=f"contact:{contact.id}", limit=1, window=rules.TEST_AGAIN_AFTER, now=deed.now)
    _send_test(deed, public_id, Channel(contact.channel), crypto.decrypt(contact.address))
    requests.settle(claim, outcome="tested", object_id=contact.id)


def _send_test(deed: Deed, public_id: str, channel: Channel, address: str) -> None:
    language = (
        db.connection()
        .execute(select(_users.c.language).where(_users.c.id == deed.actor.user_id))
        .scalar_one_or_none()
    )
    outgoing = Outgoing(
        template=TEST,
        address=address,
        language=language or reach.DEFAULT_LANGUAGE,
        way=_WAYS[channel],
        rank=Rank.CALL,
        reference=f"contact:{public_id}",
        parameters={"page": PAGE},
    )
    outbox.enqueue_many(deed, [outgoing])


@writing
def confirm_contact(*, deed: Deed, public_id: str) -> None:
    """The actor has seen the test there: from now on notices go there too.

    NotFound for somebody else's; RuleBroken("test_not_sent") before a test has left.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    contact = queries.find_own(actor=deed.actor, public_id=public_id)
    c = _messages.c
    was_sent = exists().where(
        c.reference == f"contact:{public_id}",
        c.state.in_([MessageState.SENT, MessageState.UNKNOWN]),
    )
    changed = db.connection().execute(
        update(_contacts)
        .where(_contacts.c.id == contact.id, was_sent)
        .values(state=ContactState.VERIFIED, verified_at=deed.now, failing_since=None, fail_count=0)
    )
    if not changed.rowcount:
        raise RuleBroken("test_not_sent")
    audit.record(deed, "confirm_contact", "person", contact.person_id, channel=str(contact.channel))
    requests.settle(claim, outcome="confirmed", object_id=contact.id)
