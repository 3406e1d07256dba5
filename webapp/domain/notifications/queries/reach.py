"""By which ways people are reached, in bulk: numbers, subscriptions and channels of thousands in three statements."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, bindparam, literal_column, select

from webapp.base import db
from webapp.base.db import reading
from webapp.domain.accounts.models import User
from webapp.domain.notifications.models import Contact
from webapp.domain.notifications.rules import Channel, ContactState, WhyNot
from webapp.domain.people.models import PersonPhone

DEFAULT_LANGUAGE = "zh_Hans"
# People in one statement; their ids stand in it as figures.
_CHUNK = 20_000

_users: Any = User.__table__
_phones: Any = PersonPhone.__table__
_contacts: Any = Contact.__table__

_NO_ADDRESS = literal_column("''", type_=String).label("no_address")

_BEST = [ContactState.VERIFIED, ContactState.PENDING, ContactState.FAILING, ContactState.OPTED_OUT]
_WHY_NOT = {
    None: WhyNot.NO_PHONE,
    ContactState.FAILING: WhyNot.FAILING,
    ContactState.OPTED_OUT: WhyNot.OPTED_OUT,
}


@dataclass(frozen=True, slots=True)
class Number:
    """A phone number of a person, still encrypted, and what is known of it."""

    phone: bytes
    state: ContactState


@dataclass(frozen=True, slots=True)
class Address:
    """A push subscription or a staff channel, still encrypted."""

    channel: Channel
    address: bytes


@dataclass(frozen=True, slots=True)
class Receiver:
    """How to write to a person: the number to choose (None: no phone is known), and the other ways."""

    language: str
    has_account: bool
    number: Number | None
    addresses: tuple[Address, ...] = ()
    push: ContactState | None = None
    staff: ContactState | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """By which channels a message would surely reach a person now, and what is known of each (None: there is none).

    `because`: why no SMS. A subscription that nobody has seen a message at gets copies, and counts for nothing.
    """

    channels: frozenset[Channel]
    sms: ContactState | None
    language: str
    because: WhyNot | None
    push: ContactState | None = None
    staff: ContactState | None = None

    @property
    def is_reached(self) -> bool:
        """Whether anything rings: what only waits in the app is read when it is opened."""
        return bool(self.channels - {Channel.IN_APP})


NOBODY = Reach(frozenset(), None, DEFAULT_LANGUAGE, WhyNot.NO_PHONE)


@reading
def reach_of(person_ids: Iterable[int]) -> dict[int, Reach]:
    """How each of these people is reached; everybody who was asked for is in the answer. Three statements."""
    wanted = sorted(set(person_ids))
    found: dict[int, Reach] = dict.fromkeys(wanted, NOBODY)
    for chunk in _chunks(wanted):
        found.update(_reach(chunk))
    return found


def _reach(people: Sequence[int]) -> dict[int, Reach]:
    known: dict[tuple[Any, ...], Reach] = {}
    found: dict[int, Reach] = {}
    for person_id, receiver in receivers(people, with_addresses=False).items():
        state = receiver.number.state if receiver.number else None
        key = (receiver.language, receiver.has_account, state, receiver.push, receiver.staff)
        reach = known.get(key)
        if reach is None:
            reach = known[key] = _reach_by(receiver, state)
        found[person_id] = reach
    return found


def _reach_by(receiver: Receiver, state: ContactState | None) -> Reach:
    channels = set()
    if receiver.push is ContactState.VERIFIED:
        channels.add(Channel.PUSH)
    if receiver.staff is ContactState.VERIFIED:
        channels.add(Channel.STAFF)
    because = _WHY_NOT.get(state)
    if because is None:
        channels.add(Channel.SMS)
    if receiver.has_account:
        channels.add(Channel.IN_APP)
    return Reach(
        frozenset(channels), state, receiver.language, because, push=receiver.push, staff=receiver.staff
    )


def receivers(people: Sequence[int], *, with_addresses: bool = True) -> dict[int, Receiver]:
    """How to write to each of these people, inside an open door; three statements. Who has nothing is left out.

    Without their addresses, which stay empty then, thousands are read faster.

    The number is the one they sign in with, else the first in order: before others one that works and is wanted,
    then one that fails, then one whose owner wants no messages.
    """
    connection = db.connection()

    def chosen(column: Any) -> Any:
        return is_one_of(column, people)

    def address_of(column: Any) -> Any:
        return column if with_addresses else _NO_ADDRESS

    accounts: dict[int, tuple[str, str, bytes]] = {}
    for person_id, phone_index, phone, language in connection.execute(
        select(_users.c.person_id, _users.c.phone_index, address_of(_users.c.phone), _users.c.language)
        .where(chosen(_users.c.person_id), _users.c.blocked_at.is_(None))
        .order_by(_users.c.id)
    ):
        accounts.setdefault(person_id, (phone_index, language, phone))
    best: dict[int, tuple[tuple[int, bool, int, int], Number]] = {}
    for person_id, phone_id, index, phone, position, is_verified, fails, is_out in connection.execute(
        select(
            _phones.c.person_id,
            _phones.c.id,
            _phones.c.phone_index,
            address_of(_phones.c.phone),
            _phones.c.position,
            _phones.c.verified_at.is_not(None),
            _phones.c.failing_since.is_not(None),
            _phones.c.opted_out_at.is_not(None),
        ).where(chosen(_phones.c.person_id))
    ):
        account = accounts.get(person_id)
        signs_in = account is not None and account[0] == index
        if is_out:
            state, rank = ContactState.OPTED_OUT, 2
        elif fails:
            state, rank = ContactState.FAILING, 1
        else:
            state, rank = ContactState.VERIFIED if is_verified or signs_in else ContactState.PENDING, 0
        order = (rank, not signs_in, position, phone_id)
        before = best.get(person_id)
        if before is None or order < before[0]:
            best[person_id] = (order, Number(phone, state))
    ways: dict[int, list[Address]] = defaultdict(list)
    known: dict[tuple[int, Channel], ContactState] = {}
    for person_id, channel, state, address in connection.execute(
        select(_contacts.c.person_id, _contacts.c.channel, _contacts.c.state, address_of(_contacts.c.address))
        .where(chosen(_contacts.c.person_id))
        .order_by(_contacts.c.id)
    ):
        way = (person_id, Channel(channel))
        known[way] = min(known.get(way, state), state, key=_BEST.index)
        if _is_used(Channel(channel), state):
            ways[person_id].append(Address(Channel(channel), address))
    found: dict[int, Receiver] = {}
    for person_id in accounts.keys() | best.keys() | {each for each, _channel in known}:
        account = accounts.get(person_id)
        number = best[person_id][1] if person_id in best else None
        if number is None and account is not None:
            # A number that somebody signs in with is known, whatever lists say.
            number = Number(account[2], ContactState.VERIFIED)
        found[person_id] = Receiver(
            language=account[1] if account else DEFAULT_LANGUAGE,
            has_account=account is not None,
            number=number,
            addresses=tuple(ways.get(person_id, ())),
            push=known.get((person_id, Channel.PUSH)),
            staff=known.get((person_id, Channel.STAFF)),
        )
    return found


def is_one_of(column: Any, ids: Sequence[int]) -> Any:
    """`column IN (…)` with the ids written out: the drivers take much longer over thousands of bound values."""
    return column.in_(bindparam("ids", list(ids), expanding=True, literal_execute=True, unique=True))


def _is_used(channel: Channel, state: ContactState) -> bool:
    """A staff channel once its owner has seen a message there; a subscription as long as it does not fail."""
    return state is ContactState.VERIFIED or (channel is Channel.PUSH and state is ContactState.PENDING)


def _chunks(person_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(person_ids), _CHUNK):
        yield person_ids[start : start + _CHUNK]


def receivers_of(person_ids: Iterable[int]) -> dict[int, Receiver]:
    """`receivers` for any number of ids."""
    found: dict[int, Receiver] = {}
    for chunk in _chunks(sorted(set(person_ids))):
        found.update(receivers(chunk))
    return found
