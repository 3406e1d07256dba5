from datetime import timedelta

import pytest

from tests.factories import make_deed
from webapp.base import clock, db, outbox
from webapp.base.actor import Actor
from webapp.base.outbox import MessageState, OutboxMessage, Outgoing, Rank, Settled, Way

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


@pytest.mark.parametrize(
    ("way", "rank", "longest"),
    [
        (Way.SMS, Rank.CODE, timedelta(seconds=20)),
        (Way.SMS, Rank.CALL, timedelta(minutes=1)),
        (Way.SMS, Rank.OTHER, timedelta(minutes=5)),
        (Way.PUSH, Rank.CALL, timedelta(minutes=1)),
        (Way.STAFF, Rank.OTHER, timedelta(minutes=5)),
    ],
)
def test_a_message_that_must_wait_is_tried_again_after_growing_pauses_and_at_last_given_up(
    in_app, monkeypatch, way, rank, longest
):
    # A day of pauses is thousands of tries; two hours tell as much.
    monkeypatch.setitem(outbox.GIVE_UP_AFTER, way, timedelta(hours=2))
    enqueue_one(way=way, rank=rank)
    began = moment = clock.now()
    pauses = []
    while row().state is not MessageState.FAILED:
        (taken,) = take(at=moment)
        outbox.settle(message=taken, state=MessageState.WAITING, now=moment, error="503")
        assert take(at=moment) == []
        pauses.append(row().due_at - moment)
        moment = row().due_at
        assert len(pauses) < 10_000
    *waited, _given_up = pauses
    assert waited == sorted(waited)
    assert waited[:2] == [timedelta(seconds=5), timedelta(seconds=10)]
    assert waited[-1] == longest
    # Ten minutes without a gateway, even an hour, lose nothing.
    assert moment - began > outbox.GIVE_UP_AFTER[way] - longest
    assert take(at=moment + timedelta(days=1)) == []


def enqueue_one(**more) -> str:
    message = Outgoing(template="code", address="13900000000", language="en", **more)
    return db.writing(lambda: outbox.enqueue_many(DEED, [message]))()[0]


def test_ways_are_taken_apart(in_app):
    ids = {way: enqueue_one(way=way) for way in Way}
    assert outbox.has_due(now=clock.now(), ways=(Way.PUSH,))
    (taken,) = outbox.take_due(now=clock.now(), limit=9, may_repeat=True, ways=(Way.PUSH,))
    assert (taken.public_id, taken.way) == (ids[Way.PUSH], Way.PUSH)
    assert not outbox.has_due(now=clock.now(), ways=(Way.PUSH,))
    assert {each.public_id for each in take()} == {ids[Way.SMS], ids[Way.STAFF]}


def test_what_was_begun_by_nobody_is_given_back_as_if_untouched(in_app):
    enqueue(secret="1")
    before = row()
    taken = take()
    outbox.give_back(taken)
    after = row()
    assert (after.state, after.attempt_count, after.due_at) == (before.state, 0, before.due_at)
    assert take()[0].secret == "1"


def test_many_are_settled_and_taken_at_once_and_a_lost_lease_stays_lost(in_app):
    ids = [enqueue() for _ in range(6)]
    now = clock.now()
    early = take(at=now, limit=1)
    first = early + take(at=now + outbox.LEASE / 2, limit=2)
    late = now + outbox.LEASE * 1.2
    (again,) = take(at=late, may_repeat=True, limit=1)
    assert again.public_id == early[0].public_id
    states = [MessageState.SENT, MessageState.WAITING, MessageState.FAILED]
    settled = [Settled(each, state, state.value) for each, state in zip(first, states, strict=True)]
    kept, taken = outbox.settle_and_take(settled=settled, now=late, limit=2, may_repeat=True, ways=(Way.SMS,))
    # The lease of one was over and another worker has it: what is said of it now does not count.
    assert kept == {each.public_id for each in first} - {again.public_id}
    assert {each.public_id for each in taken} < set(ids)
    assert len(taken) == 2
    assert outbox.settle(message=again, state=MessageState.SENT, now=late)


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
