"""Answers by SMS: understood however they are typed, never guessed, settled by a person where nobody can know."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from webapp.base import clock, crypto, db
from webapp.base.errors import NotFound
from webapp.base.outbox import OutboxMessage
from webapp.domain.areas import services as areas
from webapp.domain.areas.queries import list_zone_classes
from webapp.domain.mobilization.models import CallUp, Summons
from webapp.domain.mobilization.queries import replies as queries
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallUpState,
    Reply,
    SummonsState,
    read_sms,
)
from webapp.domain.mobilization.services import sms
from webapp.domain.notifications.models import SmsReply
from webapp.domain.notifications.rules import ReplyState
from webapp.domain.people.models import PersonPhone

_summonses: Any = Summons.__table__
_call_ups: Any = CallUp.__table__
_replies: Any = SmsReply.__table__
_messages: Any = OutboxMessage.__table__
_phones: Any = PersonPhone.__table__

YES, NO = Reply.COMING, Reply.CANNOT


# --- what the text means ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1",
        " 1 ",
        "1。",
        "1.",
        "1!",
        "\uff11",
        "回1",
        "回复1",
        "能来",
        "能来。",
        "我能来",
        "1能来",
        "能 来",
        "YES",
        "1\n",
        "“1”",
    ],
)
def test_a_yes_is_a_yes_however_it_is_typed(text):
    assert read_sms(text) == ((YES, None),)


@pytest.mark.parametrize(
    "text", ["2", "2。", "\uff12", "不能来", "来不了", "我来不了", "去不了", "没空", "2来不了", "回2"]
)
def test_a_no_is_a_no(text):
    assert read_sms(text) == ((NO, None),)


@pytest.mark.parametrize(
    "text", ["1 4071", "\uff11\u3000\uff14\uff10\uff17\uff11", "1,4071", "1。4071。", "能来4071", "回1 4071"]
)
def test_a_code_says_which_call_up(text):
    assert (YES, "4071") in read_sms(text)
    assert all(code == "4071" for _reply, code in read_sms(text))


def test_five_figures_in_a_row_can_be_read_both_ways():
    assert read_sms("14071") == ((YES, "4071"), (YES, "1407"))
    assert read_sms("24072") == ((NO, "4072"), (NO, "2407"))
    assert read_sms("4071 2") == ((NO, "4071"),)


@pytest.mark.parametrize(
    "text",
    ["", "3", "12", "1 2", "你好", "我看看", "21", "1407", "4071", "能来吗", "谁不能来", "11", "1 40711"],
)
def test_anything_else_is_left_to_a_person(text):
    assert read_sms(text) == ()


# --- what is done with it -----------------------------------------------------------------------------------


class World:
    def __init__(self, cast, make):
        self.cast, self.make = cast, make

    def summon(self, name, call_up=None, **columns):
        call_up = call_up or self.make.call_up(self.cast.community)
        return self.make.summons(call_up, self.cast.people[name].person_id, **columns)

    def receive(self, text, *, name="vera", phone=None, now=None):
        phone = phone or self.cast.people[name].phone
        made = self.make.sms_reply(text=text, phone=phone, state=ReplyState.WAITING)
        assert sms.read_waiting(now=now or clock.now()) == 1
        return self.reply(made)

    @db.reading
    def reply(self, made):
        return db.connection().execute(select(_replies).where(_replies.c.id == made.id)).one()

    @db.reading
    def row(self, summons):
        return db.connection().execute(select(_summonses).where(_summonses.c.id == summons.id)).one()

    @db.reading
    def said(self):
        rows = db.connection().execute(
            select(_messages.c.template, _messages.c.parameters, _messages.c.address).order_by(_messages.c.id)
        )
        return [(row.template, json.loads(row.parameters), crypto.decrypt(row.address)) for row in rows]

    def change(self, table, condition, **values):
        @db.writing
        def write():
            db.connection().execute(update(table).where(condition).values(**values))

        write()

    def share_number(self, name, other):
        """`other` has the number of `name` too."""

        @db.writing
        def write():
            phone = self.cast.people[name].phone
            db.session().add(
                PersonPhone(
                    person_id=self.cast.people[other].person_id,
                    phone=crypto.encrypt(phone),
                    phone_index=crypto.blind_index("phone", phone),
                    phone_tail=phone[-4:],
                    position=1,
                )
            )

        write()


@pytest.fixture
def world(cast, make, in_app):
    return World(cast, make)


@pytest.mark.db
def test_a_1_is_a_yes_and_the_slip_comes_back(world):
    summons = world.summon("vera")
    reply = world.receive("1。")
    row = world.row(summons)
    assert (row.state, row.answer_source) == (SummonsState.COMING, AnswerSource.SMS)
    assert (reply.state, reply.about) == (ReplyState.DONE, f"summons:{summons.public_id}")
    ((template, said, to),) = world.said()
    assert (template, said["slip"], to) == ("reply_coming", row.slip_code, world.cast.people["vera"].phone)


@pytest.mark.db
def test_a_2_is_a_no_and_costs_no_message(world):
    summons = world.summon("vera")
    assert world.receive("2").state == ReplyState.DONE
    assert world.row(summons).state is SummonsState.CANNOT
    assert world.said() == []


@pytest.mark.db
def test_a_2_after_a_1_gives_the_place_back_and_says_so(world):
    summons = world.summon("vera")
    world.receive("1")
    world.receive("2")
    assert world.row(summons).state is SummonsState.DROPPED
    assert [each[0] for each in world.said()] == ["reply_coming", "reply_dropped"]


@pytest.mark.db
def test_an_sms_is_read_once(world):
    world.summon("vera")
    made = world.make.sms_reply(text="1", phone=world.cast.people["vera"].phone, state=ReplyState.WAITING)
    deed = make_deed(world.cast.actor("alice"))
    assert sms.read_one(deed=deed, reply_id=made.id) is True
    assert sms.read_one(deed=deed, reply_id=made.id) is False
    assert len(world.said()) == 1


@pytest.mark.db
def test_a_late_1_is_kept_and_takes_what_is_open(world):
    summons = world.summon("vera", state=SummonsState.MISSED)
    world.receive("1", now=clock.now() + timedelta(minutes=20))
    assert world.row(summons).state is SummonsState.COMING


@pytest.mark.db
def test_full_is_said_with_thanks(world):
    call_up = world.make.call_up(world.cast.community, roles=((None, 1),))
    world.summon("viktor", call_up, state=SummonsState.COMING)
    summons = world.summon("vera", call_up)
    world.receive("1")
    assert world.row(summons).state is SummonsState.QUEUED
    assert [each[0] for each in world.said()] == ["reply_full"]


@pytest.mark.db
def test_a_bare_1_from_somebody_with_two_open_summonses_answers_neither(world):
    first, second = world.summon("vera"), world.summon("vera")
    reply = world.receive("1")
    assert world.row(first).state is SummonsState.WAITING
    assert world.row(second).state is SummonsState.WAITING
    assert (reply.state, reply.unclear_because) == (ReplyState.UNCLEAR, "several_call_ups")
    assert reply.area_path == world.cast.community.path
    ((template, said, _to),) = world.said()
    assert template == "reply_which"
    assert len({each["code"] for each in said["options"]}) == 2


@pytest.mark.db
def test_with_the_code_the_right_one_is_answered_and_nobody_has_to_read_it(world):
    one, other = (world.make.call_up(world.cast.community) for _ in range(2))
    first, second = world.summon("vera", one), world.summon("vera", other)
    unclear = world.receive("1")
    world.receive(f"1 {other.code}")
    assert world.row(first).state is SummonsState.WAITING
    assert world.row(second).state is SummonsState.COMING
    with db.db.engine.connect() as connection:
        state = connection.execute(select(_replies.c.state).where(_replies.c.id == unclear.id)).scalar_one()
    assert state == ReplyState.DONE


@pytest.mark.db
def test_a_code_without_a_gap_is_read_by_what_is_open(world):
    call_up = world.make.call_up(world.cast.community, code="4071")
    summons = world.summon("vera", call_up)
    world.receive("14071")
    assert world.row(summons).state is SummonsState.COMING


@pytest.mark.db
def test_a_code_of_another_call_up_answers_nothing(world):
    world.make.call_up(world.cast.community, code="5032")
    call_up = world.make.call_up(world.cast.community, code="4071")
    summons = world.summon("vera", call_up)
    reply = world.receive("1 5032")
    assert reply.unclear_because == "code_unknown"
    assert world.row(summons).state is SummonsState.WAITING


@pytest.mark.db
def test_a_number_of_two_people_is_never_guessed(world):
    world.share_number("vera", "viktor")
    call_up = world.make.call_up(world.cast.community)
    vera, viktor = world.summon("vera", call_up), world.summon("viktor", call_up)
    reply = world.receive(f"1 {call_up.code}")
    assert reply.unclear_because == "several_people"
    assert {world.row(vera).state, world.row(viktor).state} == {SummonsState.WAITING}
    assert [each[0] for each in world.said()] == ["reply_whose"]


@pytest.mark.db
def test_a_number_of_two_people_of_whom_one_is_summoned_is_clear(world):
    world.share_number("vera", "viktor")
    summons = world.summon("vera")
    world.receive("1")
    assert world.row(summons).state is SummonsState.COMING


@pytest.mark.db
def test_a_yes_that_overlaps_is_refused_and_seen_by_a_person(world):
    world.summon("vera", state=SummonsState.COMING)
    second = world.summon("vera")
    reply = world.receive("1")
    assert (reply.state, reply.unclear_because) == (ReplyState.UNCLEAR, "call_up_overlap")
    assert world.row(second).state is SummonsState.WAITING
    assert [each[0] for each in world.said()] == ["reply_overlap"]


@pytest.mark.db
def test_a_sealed_place_is_asked_about_once_more_and_the_second_1_is_the_tick(world):
    classes = {each.code: each.id for each in list_zone_classes()}
    areas.set_zone(
        deed=make_deed(world.cast.actor("alice")),
        public_id=world.cast.compound.public_id,
        zone_class_id=classes["sealed"],
        reason="一例阳性",
        notice="第12号通告",
    )
    summons = world.summon("fern", world.make.call_up(world.cast.compound))
    world.receive("1", name="fern")
    assert world.row(summons).state is SummonsState.WAITING
    world.receive("1", name="fern")
    row = world.row(summons)
    assert row.state is SummonsState.COMING
    assert row.knows_sealed_at is not None
    assert [each[0] for each in world.said()] == ["reply_sealed", "reply_coming"]


@pytest.mark.db
def test_a_reply_to_what_is_over_is_thanked(world):
    call_up = world.make.call_up(world.cast.community, state=CallUpState.STOOD_DOWN)
    world.summon("vera", call_up)
    assert world.receive("1").state == ReplyState.DONE
    assert [each[0] for each in world.said()] == ["reply_over"]


@pytest.mark.db
def test_an_unknown_number_comes_to_the_county_and_with_a_code_to_the_call_up(world):
    assert world.receive("1", phone="13999999999").area_path == world.cast.county.path
    call_up = world.make.call_up(world.cast.community)
    reply = world.receive(f"1 {call_up.code}", phone="13999999999")
    assert (reply.unclear_because, reply.area_path) == ("unknown_sender", world.cast.community.path)
    assert world.said() == []


@pytest.mark.db
def test_nonsense_is_asked_back_twice_and_then_only_read(world):
    world.summon("vera")
    for text in ("你好", "在吗", "什么", "谁呀"):
        assert world.receive(text).state == ReplyState.UNCLEAR
    assert [each[0] for each in world.said()] == ["reply_how", "reply_how"]


@pytest.mark.db
def test_who_writes_has_the_number_in_hand(world):
    world.summon("vera")
    index = crypto.blind_index("phone", world.cast.people["vera"].phone)
    world.share_number("vera", "vera") if not _has_phone(world, index) else None
    world.change(_phones, _phones.c.phone_index == index, failing_since=clock.now())
    world.receive("1")
    with db.db.engine.connect() as connection:
        found = connection.execute(select(_phones.c.failing_since).where(_phones.c.phone_index == index))
        assert set(found.scalars()) == {None}


def _has_phone(world, index):
    with db.db.engine.connect() as connection:
        return connection.execute(select(_phones.c.id).where(_phones.c.phone_index == index)).first()


# --- settled by a person ------------------------------------------------------------------------------------


@pytest.mark.db
def test_a_person_settles_an_unclear_one_with_an_answer(world):
    first, second = world.summon("vera"), world.summon("vera")
    unclear = world.receive("1")
    (shown,) = queries.list_unclear(actor=world.cast.actor("alice"), now=clock.now())
    assert {each.public_id for each in shown.candidates} == {first.public_id, second.public_id}
    deed = make_deed(world.cast.actor("alice"))
    sms.settle_reply(
        deed=deed, public_id=shown.public_id, summons=second.public_id, answer=Answer(Reply.COMING)
    )
    row = world.row(second)
    assert (row.state, row.answered_by) == (SummonsState.COMING, world.cast.actor("alice").key)
    assert world.row(first).state is SummonsState.WAITING
    with db.db.engine.connect() as connection:
        settled = connection.execute(select(_replies).where(_replies.c.id == unclear.id)).one()
    assert (settled.state, settled.settled_by) == (ReplyState.SETTLED, world.cast.actor("alice").key)
    assert queries.list_unclear(actor=world.cast.actor("alice"), now=clock.now()) == ()


@pytest.mark.db
def test_unclear_ones_are_seen_in_their_area_and_settled_there_only(world):
    made = world.make.sms_reply(world.cast.community)
    for name, sees in {"alice": 1, "charlie": 0, "dora": 1, "erin": 1, "olga": 0}.items():
        assert queries.count_unclear(actor=world.cast.actor(name)) == sees, name
    with pytest.raises(NotFound):
        sms.settle_reply(deed=make_deed(world.cast.actor("charlie")), public_id=made.public_id)


@pytest.mark.db
def test_a_summons_that_the_number_has_nothing_to_do_with_is_not_answered_by_it(world):
    foreign = world.summon("viktor")
    made = world.make.sms_reply(world.cast.community, phone=world.cast.people["vera"].phone)
    with pytest.raises(NotFound):
        sms.settle_reply(
            deed=make_deed(world.cast.actor("alice")),
            public_id=made.public_id,
            summons=foreign.public_id,
            answer=Answer(Reply.COMING),
        )
    assert world.row(foreign).state is SummonsState.WAITING
