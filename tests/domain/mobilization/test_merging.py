"""Two volunteers who are one person: one reservist, one summons in each call-up, one inbox."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.ids import new_public_id
from webapp.domain.accounts.models import User
from webapp.domain.mobilization.models import (
    CallAttempt,
    CallUp,
    CallUpRole,
    ReserveDay,
    Reservist,
    ReservistSkill,
    Summons,
)
from webapp.domain.mobilization.rules import CallResult, MusterState, SummonsState
from webapp.domain.notifications.models import Contact, InboxItem
from webapp.domain.notifications.rules import Channel, ContactState
from webapp.domain.notifications.services import Notice, notify
from webapp.domain.people.models import PersonPhone
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import Availability, Half
from webapp.domain.volunteers.services import merging

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]

_reservists: Any = Reservist.__table__
_skills: Any = ReservistSkill.__table__
_days: Any = ReserveDay.__table__
_summonses: Any = Summons.__table__
_attempts: Any = CallAttempt.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_items: Any = InboxItem.__table__
_contacts: Any = Contact.__table__
_users: Any = User.__table__
_phones: Any = PersonPhone.__table__
_commitments: Any = Commitment.__table__


@db.reading
def rows(statement: Any) -> list[Any]:
    return list(db.connection().execute(statement).all())


@db.writing
def change(statement: Any) -> None:
    db.connection().execute(statement)


@pytest.fixture
def twin(cast, make):
    """vera once more, imported under another number; both stand in the reserve."""
    user = make.user("薇拉")
    volunteer = make.volunteer(user, area=cast.building)
    return user, volunteer


def merge(cast, twin) -> None:
    merging.merge_volunteers(
        deed=make_deed(cast.actor("alice")),
        stays=cast.volunteers["vera"].public_id,
        goes=twin[1].public_id,
    )


def test_one_reservist_with_what_both_have(cast, make, twin) -> None:
    now = clock.now()
    vera = cast.reservists["vera"]
    other = make.reservist(twin[0], area=cast.building, skills=("order", "delivery"))
    change(insert(_skills).values(reservist_id=vera.id, skill_code="order"))
    change(
        update(_reservists)
        .where(_reservists.c.id == vera.id)
        .values(call_count=3, yes_count=1, last_called_at=now - timedelta(days=9))
    )
    change(
        update(_reservists)
        .where(_reservists.c.id == other.id)
        .values(call_count=2, yes_count=2, drill_count=1, last_called_at=now - timedelta(days=2))
    )
    today = clock.day(now)
    later = today + timedelta(days=1)
    for reservist, day, half, state, said in (
        (vera.id, today, Half.MORNING, Availability.AVAILABLE, now - timedelta(days=2)),
        (other.id, today, Half.MORNING, Availability.NOT_AVAILABLE, now - timedelta(days=1)),
        (vera.id, today, Half.AFTERNOON, Availability.AVAILABLE, now - timedelta(hours=1)),
        (other.id, today, Half.AFTERNOON, Availability.NOT_AVAILABLE, now - timedelta(days=1)),
        (other.id, later, Half.MORNING, Availability.AVAILABLE, now - timedelta(days=1)),
    ):
        change(insert(_days).values(reservist_id=reservist, day=day, half=half, state=state, said_at=said))
    merge(cast, twin)
    [row] = rows(
        select(_reservists).where(
            _reservists.c.person_id.in_([twin[0].person_id, cast.people["vera"].person_id])
        )
    )
    assert (row.id, row.person_id) == (vera.id, cast.people["vera"].person_id)
    assert (row.call_count, row.yes_count, row.drill_count) == (5, 3, 1)
    assert row.last_called_at == now - timedelta(days=2)
    skills = {each.skill_code for each in rows(select(_skills).where(_skills.c.reservist_id == vera.id))}
    assert skills >= {"order", "delivery"}
    said = {(each.day, each.half): each.state for each in rows(select(_days))}
    assert said == {
        (today, Half.MORNING): Availability.NOT_AVAILABLE,
        (today, Half.AFTERNOON): Availability.AVAILABLE,
        (later, Half.MORNING): Availability.AVAILABLE,
    }


def test_a_reservist_only_of_who_goes_stays_in_the_reserve(cast, make, twin) -> None:
    change(_skills.delete().where(_skills.c.reservist_id == cast.reservists["vera"].id))
    change(_reservists.delete().where(_reservists.c.id == cast.reservists["vera"].id))
    other = make.reservist(twin[0], area=cast.building)
    merge(cast, twin)
    [row] = rows(select(_reservists.c.person_id).where(_reservists.c.id == other.id))
    assert row.person_id == cast.people["vera"].person_id


def test_of_two_summonses_the_one_that_got_further_stays(cast, make, twin) -> None:
    make.reservist(twin[0], area=cast.building)
    call_up = make.call_up(cast.community, roles=((None, 3),))
    weak = make.summons(call_up, cast.people["vera"].person_id, state=SummonsState.MISSED)
    strong = make.summons(call_up, twin[0].person_id, state=SummonsState.COMING)
    for summons, number in ((weak.id, 1), (strong.id, 1)):
        change(
            insert(_attempts).values(
                summons_id=summons,
                number=number,
                result=CallResult.NO_ANSWER,
                called_at=clock.now(),
                called_by="user:1",
            )
        )
    merge(cast, twin)
    [row] = rows(select(_summonses).where(_summonses.c.call_up_id == call_up.id))
    assert (row.id, row.person_id, row.state) == (
        strong.id,
        cast.people["vera"].person_id,
        SummonsState.COMING,
    )
    calls = rows(select(_attempts.c.summons_id, _attempts.c.number).order_by(_attempts.c.number))
    assert [tuple(each) for each in calls] == [(strong.id, 1), (strong.id, 2)]
    assert rows(select(_roles.c.taken_count).where(_roles.c.call_up_id == call_up.id))[0][0] == 1


def test_who_held_two_places_holds_one_and_the_engine_looks(cast, make, twin) -> None:
    make.reservist(twin[0], area=cast.building)
    call_up = make.call_up(cast.community, roles=((None, 2),))
    there = make.summons(
        call_up,
        cast.people["vera"].person_id,
        state=SummonsState.COMING,
        muster=MusterState.ARRIVED,
        arrived_at=clock.now(),
    )
    make.summons(call_up, twin[0].person_id, state=SummonsState.COMING)
    change(update(_call_ups).where(_call_ups.c.id == call_up.id).values(next_at=None))
    [before] = rows(select(_call_ups.c.board_version).where(_call_ups.c.id == call_up.id))
    merge(cast, twin)
    [row] = rows(select(_summonses.c.id).where(_summonses.c.call_up_id == call_up.id))
    assert row.id == there.id
    assert rows(select(_roles.c.taken_count).where(_roles.c.call_up_id == call_up.id))[0][0] == 1
    assert [each.reference_id for each in rows(select(_commitments.c.reference_id))] == [there.id]
    [after] = rows(select(_call_ups.c.board_version, _call_ups.c.next_at).where(_call_ups.c.id == call_up.id))
    assert after.board_version > before.board_version
    assert after.next_at is not None


def test_one_inbox_one_badge_and_each_phone_once(cast, make, twin) -> None:
    people = [cast.people["vera"].person_id, twin[0].person_id]
    tell(cast, people, "shift:one")
    tell(cast, people[1:], "shift:two")
    for person_id in people:
        change(
            insert(_contacts).values(
                public_id=new_public_id(),
                person_id=person_id,
                channel=Channel.STAFF,
                address=b"the same",
                address_index="the same",
                label="",
                state=ContactState.VERIFIED,
                made_at=clock.now(),
                fail_count=0,
            )
        )
    make.phone(cast.people["vera"], twin[0].phone)
    change(update(_phones).where(_phones.c.person_id == twin[0].person_id).values(opted_out_at=clock.now()))
    merge(cast, twin)
    items = rows(select(_items.c.person_id, _items.c.reference).order_by(_items.c.id))
    assert [tuple(each) for each in items] == [(people[0], "shift:one"), (people[0], "shift:two")]
    accounts = rows(select(_users.c.unread_count).where(_users.c.person_id == people[0]))
    assert [each.unread_count for each in accounts] == [2, 2]
    assert len(rows(select(_contacts))) == 1
    out = rows(
        select(_phones.c.opted_out_at.is_not(None))
        .where(_phones.c.person_id == people[0])
        .order_by(_phones.c.id)
    )
    assert sorted(each[0] for each in out) == [False, True]


@db.writing
def tell(cast, people, about) -> None:
    notify(
        make_deed(Actor.system("test")),
        [Notice(person_id=each, template="volunteer_accepted", reference=about) for each in people],
        area_path=cast.community.path,
    )
