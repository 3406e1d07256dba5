"""The pages of who rosters over HTTP: a week from posts to published, bad input that keeps the typing, plain and htmx."""

import re
from datetime import timedelta

import pytest

from webapp.base import clock
from webapp.base.ids import new_public_id
from webapp.domain.rosters.rules import ShiftState

pytestmark = pytest.mark.db


def post(client, path, data=None, *, key=None, **headers):
    token = client.get("/session").json["csrf"]
    data = {"csrf_token": token, "_key": key or new_public_id()} | (data or {})
    return client.post(path, data=data, headers=headers)


def text(response):
    return response.get_data(as_text=True)


def day(number=1):
    return str(clock.day(clock.now()) + timedelta(days=number))


def post_form(cast, **changes):
    return {
        "area": cast.community.public_id,
        "name": "东门卡口",
        "kind": "gate",
        "place": "东门岗亭",
        "protection": "level_1",
        "newcomers_welcome": "1",
    } | changes


NUMBERS = {"minimum": "1", "wanted": "2", "maximum": "3"}


def test_a_heads_week_from_a_post_to_people_on_it(cast):
    alice, area = cast.client("alice"), cast.community.public_id
    made = post(alice, "/rosters/posts", post_form(cast, lead="薇拉"))
    assert made.status_code == 303, text(made)
    assert "薇拉" in text(alice.get(made.location))
    for when in ("morning", "night"):
        template = {"weekdays": ["0", "1", "2", "3", "4", "5", "6"], "when": when} | NUMBERS
        assert post(alice, f"{made.location}/templates", template).status_code == 303
    monday = clock.day(clock.now()) + timedelta(days=7 - clock.day(clock.now()).weekday())
    week = {"area": area, "first": str(monday), "last": str(monday + timedelta(days=6))}
    done = post(alice, "/rosters/week/make", week)
    assert done.status_code == 303
    seen = text(alice.get(done.location))
    assert "办好了：14 班" in seen
    assert "待发布 14" in seen
    assert "办好了：0 班" in text(alice.get(post(alice, "/rosters/week/make", week).location))
    assert post(alice, "/rosters/week/publish", week).status_code == 303
    gaps = text(alice.get(f"/rosters/week?from={monday}&area={area}&show=short"))
    assert "缺 1 人" in gaps
    shift = re.search(r'href="(/rosters/shifts/\w{22}/assign)"', gaps)[1]
    put = post(alice, shift, {"person": cast.people["vera"].person_public_id})
    assert put.status_code == 303, text(put)
    assert "薇拉" in text(alice.get(shift))
    copy = post(alice, "/rosters/week/copy", week | {"to": str(monday + timedelta(days=7))})
    assert "办好了：14 班" in text(alice.get(copy.location))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"when": "other", "start": "18:00", "end": "12:00"}, "ends_before_start"),
        ({"when": "other", "start": "25:00", "end": "12:00"}, "time_wrong"),
        ({"when": "other", "start": "８：００", "end": "9", "next_day": "1"}, "shift_too_long"),
        ({"maximum": "501"}, "too_many_places"),
        ({"minimum": "9"}, "counts_order"),
        ({"wanted": "viele"}, "places_wrong"),
        ({"skill-driving": "9"}, "skills_over_maximum"),
        ({"day": "2020-02-30"}, "time_wrong"),
        ({"day": "2020-02-28"}, "shift_in_the_past"),
    ],
)
def test_a_shift_that_is_refused_keeps_what_was_typed(cast, make, changes, code):
    wanted = {"post": make.post(cast.community).public_id, "day": day(), "when": "evening"} | NUMBERS
    refused = post(cast.client("alice"), "/rosters/shifts", wanted | {"skill-care": "1"} | changes)
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, code)
    page = text(refused)
    assert f'value="{(wanted | changes)["maximum"]}"' in page
    assert re.search(r'name="skill-care"[^>]*value="1"', page)
    assert 'role="alert"' in page


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "post_name_missing"),
        ({"lead": "没有人"}, "lead_unknown"),
        ({"suit_minutes": "lange"}, "suit_minutes_wrong"),
        ({"kind": "castle"}, "bad_request"),
        ({"phone": "打我吧"}, "phone_unclear"),
    ],
)
def test_a_post_that_is_refused_keeps_what_was_typed(cast, changes, code):
    refused = post(cast.client("alice"), "/rosters/posts", post_form(cast, place="很远的地方") | changes)
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, code)
    assert 'value="很远的地方"' in text(refused)


def test_two_of_one_name_are_offered_to_choose_from(cast, make):
    make.volunteer(make.user("薇拉"), area=cast.building)
    refused = post(cast.client("alice"), "/rosters/posts", post_form(cast, lead="薇拉"))
    assert refused.headers["Linli-Answer"] == "lead_ambiguous"
    choices = re.findall(r'name="lead_choice" value="(\w{22})"', text(refused))
    assert len(choices) == 2
    assert (
        post(
            cast.client("alice"), "/rosters/posts", post_form(cast, lead="薇拉", lead_choice=choices[1])
        ).status_code
        == 303
    )


def test_an_override_needs_a_reason_which_stands_under_the_week(cast, make):
    alice = cast.client("alice")
    shift = make.shift(make.post(cast.community), skills={"sampling": 2})
    path = f"/rosters/shifts/{shift.public_id}/assign"
    person = cast.people["vera"].person_public_id
    refused = post(alice, path, {"person": person})
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "skill_missing")
    assert post(alice, path, {"person": person, "reason": "护士带着做"}).status_code == 303
    seen = text(alice.get(f"/rosters/week?from={day()}"))
    assert "薇拉※" in re.sub(r"<[^>]+>", "", seen)
    assert "护士带着做（艾丽）" in seen


def test_a_new_time_for_people_on_the_shift_that_breaks_a_rule_says_for_whom(cast, make):
    place = make.post(cast.community)
    shift = make.shift(place)
    make.signup(shift, cast.people["vera"])
    late = clock.instant(clock.here(clock.now()).replace(tzinfo=None, hour=18, minute=0) + timedelta(days=1))
    other = make.shift(place, starts_at=late)
    make.signup(other, cast.people["vera"])
    moved = {"day": day(), "when": "evening", "version": "1"} | NUMBERS
    refused = post(cast.client("alice"), f"/rosters/shifts/{shift.public_id}/edit", moved)
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "times_harm")
    assert "薇拉" in text(refused)


def test_htmx_and_the_outbox_get_their_own_answers(cast, make):
    alice = cast.client("alice")
    draft = make.shift(make.post(cast.community), state=ShiftState.DRAFT)
    path = f"/rosters/shifts/{draft.public_id}"
    refused = post(alice, f"{path}/assign", {"person": "x"}, **{"HX-Request": "true"})
    assert refused.status_code == 422
    assert "<html" not in text(refused)
    told = post(alice, f"{path}/cancel", {"reason": ""}, Accept="application/json")
    assert (told.status_code, told.json["code"]) == (422, "reason_missing")
    key = new_public_id()
    for _ in range(2):
        done = post(alice, f"{path}/publish", key=key, Accept="application/json")
        assert (done.status_code, done.headers["Linli-Receipt"]) == (200, key)


def test_what_is_at_risk_has_one_button(cast, make):
    alice = cast.client("alice")
    shift = make.shift(make.post(cast.community), starts_at=clock.now() + timedelta(hours=5), minimum_count=2)
    seen = text(alice.get("/rosters/risks"))
    assert "缺 2 人" in seen
    assert "没有人带班" in seen
    asked = post(alice, f"/rosters/shifts/{shift.public_id}/ask")
    assert asked.status_code == 303
    assert "已问" in text(alice.get(asked.location))
    assert "安排人" in text(alice.get("/rosters/risks"))
    assert "有 1 班可能出问题" in text(alice.get("/rosters/week"))


@pytest.mark.parametrize("name", ["alice", "bob", "dora", "tess"])
def test_the_page_of_a_week_takes_at_most_five_statements(cast, make, queries, name):
    place = make.post(cast.community, team=cast.team)
    counts = []
    for number in range(1, 7):
        make.signup(make.shift(place, starts_at=clock.now() + timedelta(hours=number)), cast.people["vera"])
        if number in {1, 6}:
            client = cast.client(name)
            queries.statements.clear()
            seen = client.get(f"/rosters/week?area={cast.community.public_id}")
            assert seen.status_code == 200
            counts.append(queries.count)
    assert counts[0] == counts[1] <= 5


def test_who_looks_after_several_communities_chooses_one(cast):
    page = text(cast.client("dora").get("/rosters/week"))
    assert "北辰社区" in page
    assert "北街社区" in page
    assert "归您看的" in text(cast.client("olga").get("/rosters/week"))


def test_a_colleague_sees_and_changes_nothing(cast, make):
    shift = make.shift(make.post(cast.community))
    page = text(cast.client("bob").get(f"/rosters/shifts/{shift.public_id}/assign"))
    assert "取消这一班" not in page
    assert "谁能来" not in page


def test_a_short_address_leads_to_ones_own_shifts(cast):
    assert cast.client("vera").get("/rosters").location == "/rosters/shifts?view=mine"


def test_who_is_on_a_shift_can_call_its_lead_and_nobody_else_sees_the_number(cast, make):
    lead = cast.people["viktor"]
    shift = make.shift(make.post(cast.community, lead_person_id=lead.person_id, phone="0826-3221100"))
    make.signup(shift, cast.people["vera"])
    path = f"/rosters/shifts/{shift.public_id}"
    assert f'href="tel:{lead.phone}"' in text(cast.client("vera").get(path))
    other = text(cast.client("tess").get(path))
    assert "维克" in other
    assert lead.phone not in other
