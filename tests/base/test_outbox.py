from datetime import timedelta

import pytest

from tests.factories import make_deed
from webapp.base import clock, db, outbox
from webapp.base.actor import Actor
from webapp.base.outbox import MessageState, OutboxMessage

pytestmark = pytest.mark.db
DEED = make_deed(Actor.system("test"))


def enqueue(**more) -> str:
    return db.writing(lambda: outbox.enqueue(DEED, "code", phone="13900000000", language="en", **more))()


def take(*, at=None, may_repeat=False, limit=10):
    return outbox.take_due(now=at or clock.now(), limit=limit, may_repeat=may_repeat)


@db.reading
def row():
    return db.session().query(OutboxMessage).one()


def test_a_message_is_taken_once(in_app):
    public_id = enqueue(place="x")
    (taken,) = take()
    assert (taken.public_id, taken.address, taken.parameters) == (public_id, "13900000000", {"place": "x"})
    assert take() == []


def test_a_message_of_a_deed_that_failed_does_not_exist(in_app):
    def fail() -> None:
        outbox.enqueue(DEED, "code", phone="1", language="en")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.writing(fail)()
    assert outbox.depth() == 0


def test_a_secret_is_encrypted_and_wiped_when_the_message_is_sent(in_app):
    enqueue(secret="123456")
    assert b"123456" not in row().secret
    (taken,) = take()
    assert taken.secret == "123456"
    assert outbox.settle(message=taken, state=MessageState.SENT, now=clock.now())
    assert row().secret is None
    assert row().state is MessageState.SENT


def test_a_message_that_must_wait_is_tried_again_later_and_at_last_given_up(in_app):
    enqueue()
    moment = clock.now()
    for _ in range(outbox.ATTEMPTS):
        (taken,) = take(at=moment)
        outbox.settle(message=taken, state=MessageState.WAITING, now=moment, error="503")
        assert take(at=moment) == []
        moment += timedelta(hours=1)
    assert row().state is MessageState.FAILED
    assert take(at=moment) == []


def test_a_lapsed_lease_is_unknown_where_the_gateway_does_not_remove_duplicates(in_app):
    enqueue(secret="1")
    take()
    assert take(at=clock.now() + outbox.LEASE * 2) == []
    assert row().state is MessageState.UNKNOWN
    assert row().secret is None


def test_a_lapsed_lease_is_taken_again_with_the_same_id_where_it_does(in_app):
    public_id = enqueue()
    (first,) = take()
    (second,) = take(at=clock.now() + outbox.LEASE * 2, may_repeat=True)
    assert second.public_id == public_id
    # The first worker comes back from the dead: its word no longer counts.
    assert not outbox.settle(message=first, state=MessageState.FAILED, now=clock.now())
    assert outbox.settle(message=second, state=MessageState.SENT, now=clock.now())


def test_a_message_for_later_is_not_taken_early(in_app):
    enqueue(due_at=clock.now() + timedelta(minutes=5))
    assert take() == []
    assert len(take(at=clock.now() + timedelta(minutes=6))) == 1
