"""Somebody is asked by SMS whether the number works; the "1" that comes back proves it, and nothing else does."""

from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from webapp.base import clock, crypto, db
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.models import Summons
from webapp.domain.mobilization.rules import SummonsState
from webapp.domain.mobilization.services import sms
from webapp.domain.notifications import services
from webapp.domain.notifications.models import SmsReply
from webapp.domain.notifications.queries import reach
from webapp.domain.notifications.rules import ContactState, ReplyState
from webapp.domain.notifications.services.replies import IncomingSms, store_replies
from webapp.domain.people.models import PersonPhone

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]

_phones: Any = PersonPhone.__table__
_replies: Any = SmsReply.__table__
_summonses: Any = Summons.__table__
NUMBER = "13712345678"


@db.reading
def rows(statement: Any) -> list[Any]:
    return list(db.connection().execute(statement).all())


@db.writing
def change(statement: Any) -> None:
    db.connection().execute(statement)


@pytest.fixture
def listed(cast, make):
    """vera's number stands in a list: nobody has answered from it."""
    person = cast.people["vera"].person_id
    index = crypto.blind_index("phone", NUMBER)
    change(
        update(_phones)
        .where(_phones.c.person_id == person)
        .values(phone=crypto.encrypt(NUMBER), phone_index=index, verified_at=None)
    )
    return person


def ask(cast, person: int) -> int:
    return services.ask_to_verify(
        deed=make_deed(cast.actor("alice")), people=[person], area_path=cast.community.path
    )


def write(text: str) -> Any:
    now = clock.now()
    store_replies(replies=[IncomingSms(new_public_id(), f"+86{NUMBER}", text)], now=now)
    sms.read_waiting(now=now)
    return rows(select(_replies).order_by(_replies.c.id.desc()))[0]


def state(person: int) -> ContactState | None:
    return reach.reach_of([person])[person].sms


def test_the_answer_proves_the_number(cast, listed):
    assert state(listed) is ContactState.PENDING
    assert ask(cast, listed) == 1
    reply = write("1")
    assert (reply.state, reply.about) == (ReplyState.DONE, "phone_check")
    assert state(listed) is ContactState.VERIFIED


def test_nobody_asked_so_it_comes_to_a_person(cast, listed):
    reply = write("1")
    assert reply.state == ReplyState.UNCLEAR
    assert state(listed) is ContactState.PENDING


def test_a_no_proves_nothing_by_itself(cast, listed):
    ask(cast, listed)
    assert write("2").state == ReplyState.UNCLEAR
    assert state(listed) is ContactState.PENDING


def test_with_an_open_summons_a_one_is_its_answer(cast, make, listed):
    ask(cast, listed)
    summons = make.summons(make.call_up(cast.community), listed)
    reply = write("1")
    assert reply.about == f"summons:{summons.public_id}"
    found = rows(select(_summonses.c.state).where(_summonses.c.id == summons.id))
    assert found[0][0] == SummonsState.COMING
