"""What rosters and volunteers say also waits in the inbox, and leads to the page where it goes on."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.domain.accounts.models import User
from webapp.domain.notifications.models import InboxItem
from webapp.domain.rosters.services import shifts
from webapp.domain.volunteers import services as volunteers

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]

_items: Any = InboxItem.__table__
_users: Any = User.__table__


@db.reading
def inbox_of(person_id: int) -> list[tuple[str, str]]:
    rows = db.connection().execute(
        select(_items.c.template, _items.c.address)
        .where(_items.c.person_id == person_id)
        .order_by(_items.c.id)
    )
    return [tuple(row) for row in rows]


@db.reading
def unread(person_id: int) -> int:
    found = select(_users.c.unread_count).where(_users.c.person_id == person_id)
    return int(db.connection().execute(found).scalar_one())


def test_a_shift_that_is_called_off_stands_in_the_inbox(cast, make):
    shift = make.shift(make.post(cast.community), starts_at=clock.now() + timedelta(days=2))
    make.signup(shift, cast.people["vera"])
    shifts.cancel_shift(deed=make_deed(cast.actor("alice"), reason="卡口撤了"), shift=shift.public_id)
    vera = cast.people["vera"].person_id
    assert inbox_of(vera) == [("shift_cancelled", f"/rosters/shifts/{shift.public_id}")]
    assert unread(vera) == 1


def test_the_same_said_twice_of_a_shift_is_news_twice(cast, make):
    post = make.post(cast.community)
    shift = make.shift(post, starts_at=clock.now() + timedelta(days=2))
    other = make.shift(post, starts_at=clock.now() + timedelta(days=5))
    for each in (shift, other):
        make.signup(each, cast.people["vera"])
        shifts.cancel_shift(deed=make_deed(cast.actor("alice"), reason="卡口撤了"), shift=each.public_id)
    assert len(inbox_of(cast.people["vera"].person_id)) == 2


def test_a_volunteer_who_is_accepted_reads_it_in_the_app(cast):
    volunteers.accept(
        deed=make_deed(cast.actor("alice")), public_id=cast.volunteers["zoe"].public_id, version=1
    )
    assert inbox_of(cast.people["zoe"].person_id) == [("volunteer_accepted", "/volunteers/me")]
