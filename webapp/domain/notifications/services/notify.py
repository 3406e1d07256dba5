"""Telling people something: one item in the inbox of each, and copies by the ways that reach them.

Called inside the transaction of the deed that causes it. However many people: a handful of statements.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import crypto, db, outbox
from webapp.base.deed import Deed
from webapp.base.ids import new_public_id
from webapp.base.outbox import Outgoing, Rank, Way
from webapp.domain.accounts.models import User
from webapp.domain.areas import queries as areas
from webapp.domain.notifications.models import InboxItem
from webapp.domain.notifications.queries import reach
from webapp.domain.notifications.queries.reach import Receiver, is_one_of
from webapp.domain.notifications.rules import Channel, ContactState, WhyNot

_users: Any = User.__table__
_items: Any = InboxItem.__table__
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_WAYS = {Channel.PUSH: Way.PUSH, Channel.STAFF: Way.STAFF}
_PEOPLE_AT_ONCE = 20_000
_encoder = json.JSONEncoder(ensure_ascii=False, default=str)


@dataclass(frozen=True)
class Notice:
    """What one person is told: a template with its parameters, about what, and the page where it goes on.

    `reference` names what it is about (summons:<public id>): the same template about the same is told once.
    `address` is the path of that page in the app. Whatever `is_drill` begins with 【演练】. `until`: after it
    the copies are not sent any more. A `vital` one also goes by SMS to those who opted out: it follows from what
    they promised, or from a danger.
    """

    person_id: int
    template: str
    reference: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    address: str | None = None
    is_drill: bool = False
    is_vital: bool = False
    rank: Rank = Rank.OTHER
    due_at: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Told:
    """Whom a call of `notify` told, by person id.

    `told` have something new in their inbox (who had it before is left out and gets nothing). `sms`, `push` and
    `staff`: who gets a copy by that way. `without_sms`: why there is none; FAILING ones are tried all the same.
    """

    told: frozenset[int] = frozenset()
    sms: frozenset[int] = frozenset()
    push: frozenset[int] = frozenset()
    staff: frozenset[int] = frozenset()
    without_sms: Mapping[int, WhyNot] = field(default_factory=dict)


def notify(deed: Deed, notices: Iterable[Notice], *, area_path: str) -> Told:
    """Tell these people, in the language of each, in the name of the community of `area_path`.

    Inside the caller's transaction. Per notice one item in the inbox, one SMS (to the number they sign in with,
    else their first one), and copies to their push subscriptions and proved staff channels.
    """
    place = areas.get_place(area_path)
    said = {
        "community": place.community_name or place.area_name,
        "community_en": place.community_name_en,
        "hotline": place.hotline,
    }
    once = {(each.person_id, each.template, each.reference): each for each in notices}
    if not once:
        return Told()
    fresh = _into_inbox(deed, list(once.values()), said)
    if not fresh:
        return Told()
    _raise_unread(fresh)
    receivers = reach.receivers_of(each.person_id for each in fresh)
    messages: list[Outgoing] = []
    by: dict[Way, set[int]] = {Way.SMS: set(), Way.PUSH: set(), Way.STAFF: set()}
    without_sms: dict[int, WhyNot] = {}
    for notice in fresh:
        receiver = receivers.get(notice.person_id)
        because = _why_no_sms(receiver, notice)
        if because is not None:
            without_sms[notice.person_id] = because
        for message in _copies(receiver, notice, said, because):
            messages.append(message)
            by[message.way].add(notice.person_id)
    outbox.enqueue_many(deed, messages)
    return Told(
        told=frozenset(each.person_id for each in fresh),
        sms=frozenset(by[Way.SMS]),
        push=frozenset(by[Way.PUSH]),
        staff=frozenset(by[Way.STAFF]),
        without_sms=without_sms,
    )


def _into_inbox(deed: Deed, notices: Sequence[Notice], said: Mapping[str, Any]) -> list[Notice]:
    """Write the items, and answer with those notices that were not there before."""
    rows = [
        {
            "public_id": new_public_id(),
            "person_id": each.person_id,
            "template": each.template,
            "parameters": _encoder.encode({**said, **each.parameters}),
            "reference": each.reference,
            "address": each.address,
            "is_drill": each.is_drill,
            "created_at": deed.now,
        }
        for each in notices
    ]
    connection = db.connection()
    insert = _INSERTS[connection.dialect.name](_items)
    connection.execute(
        insert.on_conflict_do_nothing(index_elements=["person_id", "template", "reference"]).inline(), rows
    )
    # Asked for afterwards: an INSERT of thousands that also answers costs the driver more than both.
    ids: set[str] = set()
    people = sorted({each.person_id for each in notices})
    for start in range(0, len(people), _PEOPLE_AT_ONCE):
        found = select(_items.c.public_id).where(
            is_one_of(_items.c.person_id, people[start : start + _PEOPLE_AT_ONCE]),
            _items.c.created_at == deed.now,
        )
        ids.update(connection.execute(found).scalars())
    return [each for each, row in zip(notices, rows, strict=True) if row["public_id"] in ids]


def _raise_unread(notices: Sequence[Notice]) -> None:
    counts = Counter(each.person_id for each in notices)
    for count in sorted(set(counts.values())):
        people = sorted(person_id for person_id, how_many in counts.items() if how_many == count)
        for start in range(0, len(people), _PEOPLE_AT_ONCE):
            db.connection().execute(
                update(_users)
                .where(is_one_of(_users.c.person_id, people[start : start + _PEOPLE_AT_ONCE]))
                .values(unread_count=_users.c.unread_count + count)
            )


def _why_no_sms(receiver: Receiver | None, notice: Notice) -> WhyNot | None:
    if receiver is None or receiver.number is None:
        return WhyNot.NO_PHONE
    if receiver.number.state is ContactState.OPTED_OUT and not notice.is_vital:
        return WhyNot.OPTED_OUT
    return WhyNot.FAILING if receiver.number.state is ContactState.FAILING else None


def _copies(
    receiver: Receiver | None, notice: Notice, said: Mapping[str, Any], because: WhyNot | None
) -> Iterable[Outgoing]:
    if receiver is None:
        return
    parameters = {**said, **notice.parameters}
    if notice.until is not None:
        parameters["until"] = notice.until
    if notice.is_drill:
        parameters["is_drill"] = True

    def copy(way: Way, address: bytes, **more: Any) -> Outgoing:
        return Outgoing(
            template=notice.template,
            address=crypto.decrypt(address),
            language=receiver.language,
            way=way,
            rank=notice.rank,
            reference=notice.reference,
            due_at=notice.due_at,
            parameters=parameters | more,
        )

    if receiver.number is not None and because is not WhyNot.OPTED_OUT:
        yield copy(Way.SMS, receiver.number.phone)
    for each in receiver.addresses:
        # What is pressed there opens this page of the app.
        yield copy(_WAYS[each.channel], each.address, page=notice.address)
