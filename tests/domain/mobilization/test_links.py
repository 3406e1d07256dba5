"""The page that a message opens: for the one it goes to, without signing in, and never in a group."""

import pytest
from flask import current_app

from webapp.base import db
from webapp.base.ids import hash_token
from webapp.base.outbox import DueMessage, Rank, Way
from webapp.domain.mobilization.models import Summons
from webapp.domain.mobilization.queries import links
from webapp.jobs.worker import Sender
from webapp.web import messages

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]
SHORT = "【邻里·北辰社区】紧急召集。"


class Nowhere:
    removes_duplicates = True
    is_one_endpoint = True


def read(way: Way, summons, template="call_up_place"):
    """The letter that the worker would hand over."""
    message = DueMessage(
        id=1,
        public_id="m",
        template=template,
        parameters={
            "community": "北辰社区",
            "starts_at": "2026-05-12T13:00:00+00:00",
            "point": "北门",
            "slip": "NWR2J",
            "phone": "0826-3220013",
            "page": f"/mobilization/summonses/{summons.public_id}",
        },
        secret=None,
        way=way,
        rank=Rank.CALL,
        address="15400000000",
        reference=f"summons:{summons.public_id}",
        language="zh_Hans",
        attempt_count=1,
        leased_until=None,
    )
    sender = Sender.__new__(Sender)
    return sender._read(message)


@pytest.fixture
def summons(cast, make):
    return make.summons(make.call_up(cast.community), cast.people["vera"].person_id)


def test_the_page_of_a_summons_is_the_one_that_its_token_opens(summons):
    page = links.page_of(f"summons:{summons.public_id}")
    assert page == f"/mobilization/answer/{summons.token}"
    stored = db.reading(lambda: db.session().get(Summons, summons.id))()
    assert stored.token_hash == hash_token(page.rsplit("/", 1)[1])


@pytest.mark.parametrize("reference", [None, "", "summons:", "call_list:x", "order:x"])
def test_what_has_no_secret_page_gets_none(reference):
    assert links.page_of(reference) is None


def test_the_phone_of_the_person_opens_it_and_a_group_does_not(summons):
    assert read(Way.PUSH, summons).page == f"/mobilization/answer/{summons.token}"
    staff = read(Way.STAFF, summons)
    assert staff.page == f"/mobilization/summonses/{summons.public_id}"
    assert summons.token not in staff.text


def test_an_sms_carries_it_where_there_is_room_or_the_county_pays_for_it(summons, monkeypatch):
    address = f"{current_app.config['PUBLIC_URL']}/mobilization/answer/{summons.token}"
    assert address not in read(Way.SMS, summons).text
    monkeypatch.setitem(current_app.config, "SMS_LINKS", True)
    assert read(Way.SMS, summons).text.endswith(f" {address}")


def test_one_sms_is_kept_to_one_unless_there_is_room(monkeypatch):
    page = "/mobilization/answer/" + "x" * 22
    monkeypatch.setitem(current_app.config, "PUBLIC_URL", "http://l.cn")
    assert messages.with_page(SHORT, page, language="zh_Hans") == f"{SHORT} http://l.cn{page}"
    assert messages.with_page(SHORT * 2, page, language="zh_Hans") == SHORT * 2
    assert messages.with_page(SHORT, None, language="zh_Hans") == SHORT


@pytest.mark.parametrize(("length", "count"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)])
def test_a_long_sms_is_counted_as_the_networks_count_it(length, count):
    assert messages.parts("字" * length) == count
