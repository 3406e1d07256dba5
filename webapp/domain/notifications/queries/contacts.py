"""Reads of one's own numbers, subscriptions and channels, and what is known of each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, distinct, exists, func, literal, or_, select

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import NotFound
from webapp.base.outbox import MessageState, OutboxMessage
from webapp.domain.accounts.models import User
from webapp.domain.notifications.models import Contact
from webapp.domain.notifications.rules import Channel, ContactState
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import mask_phone

_contacts: Any = Contact.__table__
_phones: Any = PersonPhone.__table__
_people: Any = Person.__table__
_users: Any = User.__table__
_messages: Any = OutboxMessage.__table__
# The message that asks whether a number works.
CHECK = "phone_check"


@dataclass(frozen=True)
class OwnPhone:
    """One of the actor's numbers, masked, and what is known of it."""

    number: str
    state: ContactState
    signs_in: bool


@dataclass(frozen=True)
class OwnContact:
    """A subscription or channel of the actor. `test` is the state of the last test that was sent there.

    `shown` is the masked address of a channel, or the end of a subscription's, by which its browser knows it.
    """

    public_id: str
    channel: Channel
    label: str
    shown: str
    state: ContactState
    test: MessageState | None


@dataclass(frozen=True)
class OwnContacts:
    """All by which the actor is reached."""

    phones: tuple[OwnPhone, ...]
    push: tuple[OwnContact, ...]
    staff: tuple[OwnContact, ...]

    @property
    def has_opted_out(self) -> bool:
        """Whether no number of the actor wants SMS."""
        return bool(self.phones) and all(each.state is ContactState.OPTED_OUT for each in self.phones)


@reading
def get_own(*, actor: Actor) -> OwnContacts:
    """The actor's own numbers and contacts; nothing while nobody knows who the user is."""
    if actor.person_id is None:
        return OwnContacts((), (), ())
    connection = db.connection()
    signs_in = exists().where(
        _users.c.person_id == _phones.c.person_id, _users.c.phone_index == _phones.c.phone_index
    )
    phones = connection.execute(
        select(
            _phones.c.phone,
            _phones.c.verified_at,
            _phones.c.failing_since,
            _phones.c.opted_out_at,
            signs_in.label("signs_in"),
        )
        .where(_phones.c.person_id == actor.person_id)
        .order_by(signs_in.desc(), _phones.c.position, _phones.c.id)
    ).all()
    m = _messages.c
    last_test = (
        select(m.state)
        .where(m.reference == literal("contact:") + _contacts.c.public_id)
        .order_by(m.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(_contacts, last_test.label("test"))
        .where(_contacts.c.person_id == actor.person_id)
        .order_by(_contacts.c.id)
    ).all()
    found = [_contact(row) for row in rows]
    return OwnContacts(
        phones=tuple(_phone(row) for row in phones),
        push=tuple(each for each in found if each.channel is Channel.PUSH),
        staff=tuple(each for each in found if each.channel is Channel.STAFF),
    )


def _phone(row: Any) -> OwnPhone:
    if row.opted_out_at is not None:
        state = ContactState.OPTED_OUT
    elif row.failing_since is not None:
        state = ContactState.FAILING
    else:
        state = ContactState.VERIFIED if row.verified_at or row.signs_in else ContactState.PENDING
    return OwnPhone(mask_phone(crypto.decrypt(row.phone)), state, bool(row.signs_in))


def _contact(row: Any) -> OwnContact:
    channel = Channel(row.channel)
    address = crypto.decrypt(row.address)
    return OwnContact(
        public_id=row.public_id,
        channel=channel,
        label=row.label,
        shown=masked(address) if channel is Channel.STAFF else json.loads(address)["endpoint"][-12:],
        state=ContactState(row.state),
        test=None if row.test is None else MessageState(row.test),
    )


def masked(address: str) -> str:
    """A channel's address without its secret: wecombot://1a2b…; a mail address keeps its first letter and its domain."""
    kind, _, rest = address.partition(":")
    rest = rest.removeprefix("//")
    if kind == "mailto":
        user, _, domain = rest.rpartition("@")
        return f"{user[:1]}…@{domain}"
    # A robot's secret may stand before its key.
    return f"{kind}://{rest.rpartition('@')[2][:4]}…"


def find_own(*, actor: Actor, public_id: str) -> Any:
    """The row of one of the actor's own contacts, inside an open door; NotFound for any other."""
    row = (
        db.connection()
        .execute(
            select(_contacts).where(
                _contacts.c.public_id == public_id, _contacts.c.person_id == actor.person_id
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row


@dataclass(frozen=True)
class Unproved:
    """How many numbers nobody has answered from, or fail; how many of them were asked lately, and are to be asked."""

    numbers: int
    asked: int

    @property
    def to_ask(self) -> int:
        """Those that one press asks."""
        return self.numbers - self.asked


@reading
def count_unproved(*, people: Select[Any], since: datetime) -> Unproved:
    """The unproved numbers of the people of a query. One statement."""
    row = (
        db.connection()
        .execute(
            select(
                func.count(distinct(_phones.c.phone_index)),
                func.count(distinct(case((_was_asked(since), _phones.c.phone_index)))),
            )
            .select_from(_phones)
            .where(_is_unproved(people))
        )
        .one()
    )
    return Unproved(numbers=row[0], asked=row[1])


def list_to_verify(*, people: Sequence[int] | Select[Any], since: datetime, most: int) -> list[Any]:
    """Numbers of these people that are unproved and were not asked since then, inside an open door."""
    language = (
        select(_users.c.language)
        .where(_users.c.person_id == _phones.c.person_id, _users.c.blocked_at.is_(None))
        .order_by(_users.c.id)
        .limit(1)
        .scalar_subquery()
    )
    rows = db.connection().execute(
        select(_phones.c.phone, _phones.c.phone_index, _people.c.public_id, language.label("language"))
        .join(_people, _people.c.id == _phones.c.person_id)
        .where(_is_unproved(people), ~_was_asked(since))
        .order_by(_phones.c.id)
        .limit(most)
    )
    # A number that several share is asked once.
    return list({row.phone_index: row for row in rows}.values())


def _is_unproved(people: Sequence[int] | Select[Any]) -> Any:
    signs_in = exists().where(
        _users.c.person_id == _phones.c.person_id, _users.c.phone_index == _phones.c.phone_index
    )
    return and_(
        _phones.c.person_id.in_(people),
        _phones.c.opted_out_at.is_(None),
        or_(_phones.c.failing_since.is_not(None), and_(_phones.c.verified_at.is_(None), ~signs_in)),
    )


def _was_asked(since: datetime) -> Any:
    m = _messages.c
    return exists().where(m.address_index == _phones.c.phone_index, m.template == CHECK, m.created_at > since)
