"""Telling many people at once: one item each, copies by the ways that work, and who could not be reached."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from tests.conftest import Cast
from tests.factories import make_deed
from webapp.base import clock, crypto, db, outbox
from webapp.base.actor import Actor
from webapp.base.ids import new_public_id
from webapp.base.outbox import MessageState, OutboxMessage, Rank, Way
from webapp.domain.accounts.models import User
from webapp.domain.notifications.models import Contact, InboxItem
from webapp.domain.notifications.queries import reach
from webapp.domain.notifications.rules import Channel, ContactState, WhyNot
from webapp.domain.notifications.services import Notice, Told, notify
from webapp.domain.people.models import Person, PersonPhone

pytestmark = pytest.mark.db

_items: Any = InboxItem.__table__
_messages: Any = OutboxMessage.__table__
_users: Any = User.__table__
_phones: Any = PersonPhone.__table__
_contacts: Any = Contact.__table__
_people: Any = Person.__table__

ABOUT = "shift:one"


@db.writing
def tell(cast: Cast, *names: str, **more: Any) -> Told:
    given = {"template": "volunteer_accepted", "reference": ABOUT} | more
    return notify(
        make_deed(Actor.system("test")),
        [Notice(person_id=cast.people[name].person_id, **given) for name in names],
        area_path=cast.community.path,
    )


@db.writing
def change(statement: Any) -> None:
    db.connection().execute(statement)


def add_contact(
    cast: Cast, name: str, channel: Channel, address: str, state: ContactState = ContactState.VERIFIED
) -> None:
    row = {
        "public_id": new_public_id(),
        "person_id": cast.people[name].person_id,
        "channel": channel,
        "address": crypto.encrypt(address),
        "address_index": crypto.blind_index(str(channel), address),
        "label": "",
        "state": state,
        "made_at": clock.now(),
        "fail_count": 0,
    }
    change(insert(_contacts).values(row))


def of_phone(cast: Cast, name: str) -> Any:
    return update(_phones).where(_phones.c.person_id == cast.people[name].person_id)


@db.reading
def rows(statement: Any) -> list[Any]:
    return list(db.connection().execute(statement).all())


def messages() -> list[Any]:
    return rows(select(_messages).order_by(_messages.c.id))


def unread(cast: Cast, name: str) -> int:
    return rows(select(_users.c.unread_count).where(_users.c.id == cast.people[name].id))[0][0]


def test_one_item_and_one_sms_in_the_name_of_the_community(cast, in_app):
    told = tell(cast, "vera", address="/rosters/shifts?view=mine", parameters={"name": "某人"})
    vera = cast.people["vera"]
    assert told == Told(told=frozenset({vera.person_id}), sms=frozenset({vera.person_id}))
    (item,) = rows(select(_items))
    assert (item.person_id, item.template, item.reference) == (vera.person_id, "volunteer_accepted", ABOUT)
    assert item.address == "/rosters/shifts?view=mine"
    assert item.read_at is None
    assert '"community": "北辰社区"' in item.parameters
    assert '"hotline": "0826-3220013"' in item.parameters
    (message,) = messages()
    assert (message.way, message.rank, message.reference) == (Way.SMS, Rank.OTHER, ABOUT)
    assert crypto.decrypt(message.address) == vera.phone
    assert unread(cast, "vera") == 1
    assert unread(cast, "tess") == 0


def test_the_same_about_the_same_is_told_once(cast, in_app):
    tell(cast, "vera")
    again = tell(cast, "vera", "tess")
    assert again.told == {cast.people["tess"].person_id}
    assert len(messages()) == 2
    assert unread(cast, "vera") == 1
    tell(cast, "vera", reference="shift:another")
    assert unread(cast, "vera") == 2


def test_twice_in_one_call_is_once(cast, in_app):
    told = tell(cast, "vera", "vera")
    assert len(told.told) == 1
    assert len(messages()) == 1
    assert unread(cast, "vera") == 1


def test_each_reads_it_in_their_language(cast, in_app):
    change(update(_users).where(_users.c.id == cast.people["vera"].id).values(language="en"))
    tell(cast, "vera", "tess")
    assert {crypto.decrypt(row.address): row.language for row in messages()} == {
        cast.people["vera"].phone: "en",
        cast.people["tess"].phone: "zh_Hans",
    }


def test_who_wants_no_sms_gets_none_unless_it_is_vital(cast, in_app):
    change(of_phone(cast, "vera").values(opted_out_at=clock.now()))
    told = tell(cast, "vera")
    assert told.without_sms == {cast.people["vera"].person_id: WhyNot.OPTED_OUT}
    assert not told.sms
    assert not messages()
    assert unread(cast, "vera") == 1
    assert tell(cast, "vera", reference="vital", is_vital=True).sms == {cast.people["vera"].person_id}


def test_a_failing_number_is_tried_and_named(cast, in_app):
    change(of_phone(cast, "vera").values(failing_since=clock.now()))
    told = tell(cast, "vera")
    assert told.without_sms == {cast.people["vera"].person_id: WhyNot.FAILING}
    assert len(messages()) == 1


def test_another_number_that_works_is_taken_before_a_failing_one(cast, make, in_app):
    change(of_phone(cast, "vera").values(failing_since=clock.now()))
    make.phone(cast.people["vera"], "13700009999")
    told = tell(cast, "vera")
    assert told.without_sms == {}
    assert [crypto.decrypt(row.address) for row in messages()] == ["13700009999"]


def test_the_number_of_the_sign_in_goes_before_an_older_one(cast, make, in_app):
    make.phone(cast.people["vera"], "13700009999")
    change(of_phone(cast, "vera").values(position=5).where(_phones.c.verified_at.is_not(None)))
    tell(cast, "vera")
    assert [crypto.decrypt(row.address) for row in messages()] == [cast.people["vera"].phone]


def test_copies_go_to_subscriptions_and_proved_channels(cast, in_app):
    add_contact(cast, "alice", Channel.PUSH, '{"endpoint": "https://push.test/1"}', ContactState.PENDING)
    add_contact(cast, "alice", Channel.STAFF, "mailto://proved")
    add_contact(cast, "alice", Channel.STAFF, "mailto://unproved", ContactState.PENDING)
    add_contact(cast, "alice", Channel.STAFF, "mailto://failing", ContactState.FAILING)
    told = tell(cast, "alice", address="/rosters/week", rank=Rank.CALL)
    alice = {cast.people["alice"].person_id}
    assert (told.sms, told.push, told.staff) == (alice, alice, alice)
    found = messages()
    assert [(row.way, row.rank) for row in found] == [
        (Way.SMS, Rank.CALL),
        (Way.PUSH, Rank.CALL),
        (Way.STAFF, Rank.CALL),
    ]
    assert '"page": "/rosters/week"' in found[1].parameters
    assert crypto.decrypt(found[2].address) == "mailto://proved"


def test_without_phone_and_account_it_waits_in_the_inbox(cast, in_app):
    person_id = add_people(1, with_phone=False)[0]
    told = tell_all(cast, [person_id])
    assert told.told == {person_id}
    assert told.without_sms == {person_id: WhyNot.NO_PHONE}
    assert not messages()


def test_a_drill_says_so_and_copies_end_with_the_matter(cast, in_app):
    until = datetime(2026, 11, 24, 13, tzinfo=UTC)
    later = clock.now() + timedelta(hours=1)
    tell(cast, "vera", is_drill=True, until=until, due_at=later)
    (message,) = messages()
    assert '"is_drill": true' in message.parameters
    assert '"until": "2026-11-24 13:00:00+00:00"' in message.parameters
    assert message.due_at == later
    assert message.state == MessageState.WAITING
    assert rows(select(_items.c.is_drill))[0][0] is True


def test_nobody_to_tell_is_no_error(cast, in_app):
    assert tell(cast) == Told()
    assert not messages()


# --- thousands ----------------------------------------------------------------------------------------------


@db.writing
def add_people(count: int, *, with_phone: bool = True) -> list[int]:
    """People in bulk, half of them with an account; written as lists are imported."""
    now = clock.now()
    connection = db.connection()
    first = (connection.execute(select(func.max(_people.c.id))).scalar_one() or 0) + 1
    ids = list(range(first, first + count))
    connection.execute(
        insert(_people),
        [
            {
                "id": each,
                "public_id": new_public_id(),
                "name": "某人",
                "name_key": "某人",
                "pinyin_key": "",
                "initials_key": "",
                "version": 1,
                "is_invented": True,
                "created_at": now,
            }
            for each in ids
        ],
    )
    db.count_on(_people)
    if not with_phone:
        return ids
    numbers = {each: f"137{each:08d}" for each in ids}
    index = {each: crypto.blind_index("phone", number) for each, number in numbers.items()}
    common = {
        each: {
            "person_id": each,
            "phone": crypto.encrypt(numbers[each]),
            "phone_index": index[each],
            "phone_tail": numbers[each][-4:],
        }
        for each in ids
    }
    connection.execute(insert(_phones), [common[each] | {"position": 0, "verified_at": None} for each in ids])
    connection.execute(
        insert(_users),
        [
            common[each]
            | {
                "public_id": new_public_id(),
                "language": "zh_Hans",
                "text_size": "normal",
                "theme": "system",
                "created_at": now,
                "unread_count": 0,
            }
            for each in ids
            if each % 2
        ],
    )
    return ids


@db.writing
def tell_all(cast: Cast, person_ids: list[int]) -> Told:
    return notify(
        make_deed(Actor.system("test")),
        [Notice(person_id=each, template="volunteer_accepted", reference=ABOUT) for each in person_ids],
        area_path=cast.community.path,
    )


def test_two_thousand_are_told_in_a_handful_of_statements(cast, in_app, queries):
    ids = add_people(2000)
    queries.statements.clear()
    tell_all(cast, ids[:1])
    few = queries.count
    queries.statements.clear()
    started = time.perf_counter()
    told = tell_all(cast, ids)
    took = time.perf_counter() - started
    assert queries.count == few
    assert queries.count <= 8
    assert len(told.told) == 1999
    assert len(told.sms) == 1999
    print(f"2,000 notices: {took:.3f} s, {few} statements")
    assert outbox.depth() == 2000


def test_the_reach_of_a_county_is_read_at_once(cast, in_app, queries):
    ids = add_people(18_000)
    change(update(_phones).where(_phones.c.person_id.in_(ids[:10])).values(failing_since=clock.now()))
    change(update(_phones).where(_phones.c.person_id.in_(ids[10:30])).values(opted_out_at=clock.now()))
    queries.statements.clear()
    started = time.perf_counter()
    found = reach.reach_of(ids[:100])
    few = time.perf_counter() - started
    assert len(found) == 100
    assert queries.count == 3
    started = time.perf_counter()
    found = reach.reach_of(ids)
    took = time.perf_counter() - started
    print(f"reach of 18,000: {took:.3f} s, of 100: {few:.3f} s")
    assert len(found) == 18_000
    assert sum(each.because is WhyNot.FAILING for each in found.values()) == 10
    assert sum(each.because is WhyNot.OPTED_OUT for each in found.values()) == 20
    assert sum(Channel.IN_APP in each.channels for each in found.values()) == 9_000
    # A number that nobody has answered from is pending, the one that somebody signs in with is not.
    assert sum(each.sms is ContactState.PENDING for each in found.values()) == 9_000 - 15
    assert queries.count == 6


def test_the_reach_of_a_person(cast, in_app):
    vera, nobody = cast.people["vera"].person_id, add_people(1, with_phone=False)[0]
    add_contact(cast, "vera", Channel.PUSH, "{}")
    found = reach.reach_of([vera, nobody])
    assert found[vera].channels == {Channel.IN_APP, Channel.SMS, Channel.PUSH}
    assert (found[vera].sms, found[vera].because) == (ContactState.VERIFIED, None)
    assert found[vera].is_reached
    assert (found[vera].push, found[vera].staff) == (ContactState.VERIFIED, None)
    assert found[nobody] == reach.NOBODY
    assert not found[nobody].is_reached


def test_what_nobody_has_seen_a_message_at_does_not_count(cast, in_app):
    vera = cast.people["vera"].person_id
    add_contact(cast, "vera", Channel.PUSH, "{}", ContactState.PENDING)
    add_contact(cast, "vera", Channel.STAFF, "mailto:a", ContactState.FAILING)
    add_contact(cast, "vera", Channel.STAFF, "mailto:b", ContactState.PENDING)
    change(of_phone(cast, "vera").values(opted_out_at=clock.now()))
    found = reach.reach_of([vera])[vera]
    assert found.channels == {Channel.IN_APP}
    assert (found.push, found.staff) == (ContactState.PENDING, ContactState.PENDING)
    assert not found.is_reached


def test_a_blocked_account_is_no_way_in(cast, in_app):
    vera = cast.people["vera"]
    change(update(_users).where(_users.c.id == vera.id).values(blocked_at=clock.now()))
    assert reach.reach_of([vera.person_id])[vera.person_id].channels == {Channel.SMS}
