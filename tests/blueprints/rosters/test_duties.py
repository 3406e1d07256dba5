"""Duty rosters: who is there now and tonight, what is red from 18:00 on this level and those above, what is refused."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.rosters.models import Duty
from webapp.domain.rosters.queries import duty
from webapp.domain.rosters.rules import DutyKind, monday_of
from webapp.domain.rosters.services.duty import DutyPlan, add_duty, copy_duties

pytestmark = pytest.mark.db
MONDAY = date(2026, 5, 11)
WEDNESDAY = MONDAY + timedelta(days=2)


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return clock.instant(datetime.combine(day, time(hour, minute)))


@pytest.fixture(autouse=True)
def _wednesday_noon(app):
    with clock.set_for_test(moment(WEDNESDAY, 12)):
        yield


def post(client, path, data=None, *, key=None):
    token = client.get("/session").json["csrf"]
    return client.post(path, data={"csrf_token": token, "_key": key or new_public_id()} | (data or {}))


def form(area, **changes):
    return {
        "area": area.public_id,
        "kind": "leader",
        "name": "张国强",
        "phone": "0826-3220110",
        "starts_on": WEDNESDAY.isoformat(),
        "starts_time": "08:00",
        "ends_on": (WEDNESDAY + timedelta(days=1)).isoformat(),
        "ends_time": "08:00",
        "days": "1",
    } | changes


def rows(cast) -> list[Any]:
    @db.reading
    def read():
        table = Duty.__table__
        return db.connection().execute(select(table).order_by(table.c.starts_at, table.c.id)).all()

    with cast.app.app_context():
        return read()


def put(cast, who, area, kind, start, end, *, days=1):
    with cast.app.app_context():
        plan = DutyPlan(kind, start, end, "李红梅", "0826-3220112", days=days)
        add_duty(deed=make_deed(cast.actor(who)), area=area.public_id, plan=plan)


def cover(cast, who, area, kinds=tuple(DutyKind), day=WEDNESDAY):
    for kind in kinds:
        put(cast, who, area, kind, moment(day, 8), moment(day + timedelta(days=1), 8))


def uncovered(cast, who, at, **more):
    with cast.app.app_context():
        found = duty.list_uncovered_tonight(actor=cast.actor(who), now=at, **more)
    return {each.name: set(each.kinds) for each in found}


def test_the_head_puts_somebody_on_duty_and_everybody_who_sees_rosters_can_call(cast):
    alice = cast.client("alice")
    assert post(alice, "/rosters/duties", form(cast.community)).status_code == 303
    (row,) = rows(cast)
    assert (row.starts_at, row.ends_at) == (moment(WEDNESDAY, 8), moment(WEDNESDAY + timedelta(days=1), 8))
    assert b"3220110" not in bytes(row.phone), "the number is encrypted"
    for who in ("alice", "bob", "dora", "tess"):
        page = cast.client(who).get(f"/rosters/duties?area={cast.community.public_id}").get_data(as_text=True)
        assert 'href="tel:08263220110"' in page
    assert cast.client("charlie").get(f"/rosters/duties?area={cast.community.public_id}").status_code == 404
    assert 'action="/rosters/duties"' not in cast.client("bob").get("/rosters/duties").get_data(as_text=True)


def test_the_numbers_of_the_levels_above_are_seen_and_not_changed(cast):
    cover(cast, "dora", cast.town, kinds=(DutyKind.HOTLINE,))
    page = cast.client("alice").get(f"/rosters/duties?area={cast.town.public_id}").get_data(as_text=True)
    assert 'href="tel:08263220112"' in page
    assert post(cast.client("alice"), "/rosters/duties", form(cast.town)).status_code == 403
    (row,) = rows(cast)
    assert cast.client("alice").get(f"/rosters/duties/{row.public_id}").status_code == 403


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"ends_on": WEDNESDAY.isoformat(), "ends_time": "07:00"}, "ends_time", "结束早于开始"),
        ({"ends_on": WEDNESDAY.isoformat(), "ends_time": "08:00"}, "ends_time", "结束早于开始"),
        ({"phone": ""}, "phone", "24小时有人接"),
        ({"phone": "call me"}, "phone", "call me"),
        ({"name": " "}, "name", "谁值班"),
        ({"ends_on": "2026-06-30"}, "ends_on", "最长7天"),
        ({"days": "0"}, "days", "1到7"),
        ({"days": "many"}, "days", "1到7"),
        ({"starts_on": "30.5."}, "starts_on", ""),
        ({"starts_time": "25:00"}, "starts_time", ""),
    ],
)
def test_what_cannot_be_is_answered_on_its_field_and_what_was_typed_stays(cast, changes, field, says):
    answer = post(cast.client("alice"), "/rosters/duties", form(cast.community, **changes))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in page
    assert f'href="#{field}"' in page
    typed = form(cast.community, **changes)
    assert f'value="{typed["starts_on"]}"' in page
    assert rows(cast) == []


def test_two_of_a_kind_never_overlap_and_kinds_do_not_disturb_each_other(cast):
    alice = cast.client("alice")
    post(alice, "/rosters/duties", form(cast.community))
    again = form(cast.community, starts_time="20:00", ends_time="20:00")
    answer = post(alice, "/rosters/duties", again)
    assert answer.status_code == 422
    assert "今天 08:00起" in answer.get_data(as_text=True)
    assert post(alice, "/rosters/duties", again | {"kind": "medical"}).status_code == 303
    after = form(
        cast.community,
        starts_on=(WEDNESDAY + timedelta(days=1)).isoformat(),
        ends_on=(WEDNESDAY + timedelta(days=2)).isoformat(),
        days="3",
    )
    assert post(alice, "/rosters/duties", after).status_code == 303
    assert [row.kind for row in rows(cast)].count(DutyKind.LEADER) == 4
    blocked = form(
        cast.community, starts_on=MONDAY.isoformat(), ends_on=(MONDAY + timedelta(days=1)).isoformat()
    )
    assert post(alice, "/rosters/duties", blocked | {"days": "5"}).status_code == 422
    assert len(rows(cast)) == 5, "all days or none"


def test_a_duty_is_changed_and_taken_out(cast):
    alice = cast.client("alice")
    post(alice, "/rosters/duties", form(cast.community))
    (row,) = rows(cast)
    page = alice.get(f"/rosters/duties/{row.public_id}").get_data(as_text=True)
    assert 'value="张国强"' in page
    changed = form(cast.community, name="赵敏", starts_time="09:00")
    assert post(alice, f"/rosters/duties/{row.public_id}", changed).status_code == 303
    (row,) = rows(cast)
    assert (row.name, row.starts_at) == ("赵敏", moment(WEDNESDAY, 9)), "it is not in its own way"
    wrong = form(cast.community, phone="")
    assert post(alice, f"/rosters/duties/{row.public_id}", wrong).status_code == 422
    assert post(alice, f"/rosters/duties/{row.public_id}/remove").status_code == 303
    assert rows(cast) == []


def test_the_same_press_twice_writes_once(cast):
    alice, key = cast.client("alice"), new_public_id()
    for _ in range(2):
        assert post(alice, "/rosters/duties", form(cast.community), key=key).status_code == 303
    assert len(rows(cast)) == 1


def test_a_week_is_copied_and_what_stands_there_stays(cast):
    cover(cast, "alice", cast.community, kinds=(DutyKind.LEADER, DutyKind.MEDICAL), day=MONDAY)
    cover(cast, "alice", cast.community, kinds=(DutyKind.LEADER,), day=MONDAY + timedelta(days=7))
    copied = {"area": cast.community.public_id, "from": (MONDAY + timedelta(days=7)).isoformat()}
    assert post(cast.client("alice"), "/rosters/duties/copy", copied).status_code == 303
    assert [(row.kind, row.starts_at) for row in rows(cast) if row.starts_at > moment(WEDNESDAY, 0)] == [
        (DutyKind.LEADER, moment(MONDAY + timedelta(days=7), 8)),
        (DutyKind.MEDICAL, moment(MONDAY + timedelta(days=7), 8)),
    ]
    empty = {"area": cast.community.public_id, "from": (MONDAY + timedelta(days=70)).isoformat()}
    answer = post(cast.client("alice"), "/rosters/duties/copy", empty)
    assert answer.status_code == 422
    assert "没有可照搬的" in answer.get_data(as_text=True)


def test_copying_over_a_change_of_the_clocks_keeps_the_hour(cast):
    clock.configure("Europe/Berlin")
    before = monday_of(date(2027, 3, 22))  # the clocks change on 28 March 2027
    put(
        cast,
        "alice",
        cast.community,
        DutyKind.LEADER,
        moment(before + timedelta(days=6), 8),
        moment(before + timedelta(days=7), 8),
    )
    with cast.app.app_context():
        deed = make_deed(cast.actor("alice"))
        assert copy_duties(deed=deed, area=cast.community.public_id, to=before + timedelta(days=7)) == 1
    assert {clock.here(row.starts_at).hour for row in rows(cast)} == {8}


# --- red from 18:00 -----------------------------------------------------------------------------------------


def test_by_day_nothing_is_red_and_from_18_what_is_empty_tonight_is(cast):
    assert uncovered(cast, "alice", moment(WEDNESDAY, 17, 59)) == {}
    assert uncovered(cast, "alice", moment(WEDNESDAY, 18)) == {"北辰社区": set(DutyKind)}
    cover(cast, "alice", cast.community, kinds=(DutyKind.LEADER, DutyKind.HOTLINE))
    assert uncovered(cast, "alice", moment(WEDNESDAY, 18)) == {"北辰社区": {DutyKind.MEDICAL}}
    assert uncovered(cast, "alice", moment(WEDNESDAY + timedelta(days=1), 7, 59)) == {
        "北辰社区": {DutyKind.MEDICAL}
    }, "until the morning"
    cover(cast, "alice", cast.community, kinds=(DutyKind.MEDICAL,))
    assert uncovered(cast, "alice", moment(WEDNESDAY, 18)) == {}


def test_a_night_with_a_hole_is_red_and_two_who_follow_each_other_are_not(cast):
    cover(cast, "alice", cast.community, kinds=(DutyKind.LEADER, DutyKind.HOTLINE))
    thursday = WEDNESDAY + timedelta(days=1)
    put(cast, "alice", cast.community, DutyKind.MEDICAL, moment(WEDNESDAY, 8), moment(thursday, 0))
    put(cast, "alice", cast.community, DutyKind.MEDICAL, moment(thursday, 1), moment(thursday, 8))
    assert uncovered(cast, "alice", moment(WEDNESDAY, 20)) == {"北辰社区": {DutyKind.MEDICAL}}
    put(cast, "alice", cast.community, DutyKind.MEDICAL, moment(thursday, 0), moment(thursday, 1))
    assert uncovered(cast, "alice", moment(WEDNESDAY, 20)) == {}


def test_it_is_red_on_the_own_level_and_on_the_two_above_and_nowhere_else(cast):
    evening = moment(WEDNESDAY, 19)
    cover(cast, "dora", cast.town)
    cover(cast, "erin", cast.county)
    cover(cast, "charlie", cast.other_community)
    cover(cast, "olga", cast.other_town)
    red = {"北辰社区": set(DutyKind)}
    assert uncovered(cast, "alice", evening) == red
    assert uncovered(cast, "dora", evening) == red
    assert uncovered(cast, "erin", evening) == red
    for who in ("charlie", "olga", "bob", "tess", "ruth", "adam"):
        assert uncovered(cast, who, evening) == {}
    assert uncovered(cast, "erin", evening, path=cast.other_town.path) == {}
    assert uncovered(cast, "charlie", evening, path=cast.community.path) == {}
    with clock.set_for_test(evening):
        for who, area in (("alice", cast.community), ("dora", cast.town), ("erin", cast.county)):
            page = cast.client(who).get(f"/rosters/duties?area={area.public_id}").get_data(as_text=True)
            assert "今晚没有人值班" in page
            assert "北辰社区" in page
        other = cast.client("charlie").get("/rosters/duties").get_data(as_text=True)
        assert "今晚没有人值班" not in other


def test_home_asks_one_statement_in_the_evening_and_none_by_day(cast, queries):
    actor = cast.actor("erin")
    with cast.app.app_context():
        for at, statements in ((moment(WEDNESDAY, 12), 0), (moment(WEDNESDAY, 19), 1)):
            queries.statements.clear()
            duty.list_uncovered_tonight(actor=actor, now=at)
            assert queries.count == statements


def test_tonight_stands_beside_now(cast):
    thursday = WEDNESDAY + timedelta(days=1)
    put(cast, "alice", cast.community, DutyKind.LEADER, moment(WEDNESDAY, 8), moment(WEDNESDAY, 20))
    page = cast.client("alice").get("/rosters/duties").get_data(as_text=True)
    leader = re.search(r"<strong>带班领导</strong>.*?</li>", page, re.DOTALL)[0]
    now, tonight = leader.split("今晚：")
    assert "李红梅" in now
    assert "没有人" in tonight
    put(cast, "alice", cast.community, DutyKind.LEADER, moment(WEDNESDAY, 20), moment(thursday, 8))
    page = cast.client("alice").get("/rosters/duties").get_data(as_text=True)
    leader = re.search(r"<strong>带班领导</strong>.*?</li>", page, re.DOTALL)[0]
    assert "李红梅" in leader.split("今晚：")[1]
