"""Taking shifts over HTTP: plain pages, the outbox, refusals that offer the next step, who sees what."""

import re
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.rosters.models import Signup
from webapp.domain.rosters.rules import Protection, SignupSource, SignupState, StandInKind

pytestmark = pytest.mark.db

_signups: Any = Signup.__table__


def at(days: int, hour: int) -> datetime:
    return clock.instant(datetime.combine(clock.day(clock.now()) + timedelta(days=days), time(hour)))


@pytest.fixture
def gate(cast, make):
    return make.post(
        cast.community,
        name="北门卡口",
        name_en="North gate",
        place="北门岗亭",
        instructions="查验通行证",
        protection=Protection.LEVEL_1,
        suit_minutes=150,
        phone="0826-3220014",
        lead_person_id=cast.people["bob"].person_id,
    )


@pytest.fixture
def shift(make, gate):
    return make.shift(gate, starts_at=at(4, 14), hours=4, maximum_count=1, wanted_count=1)


def post(client, path, data=None, *, key=None, **headers):
    """As a browser without JavaScript does."""
    token = client.get("/session").json["csrf"]
    return client.post(
        path, data={"csrf_token": token, "_key": key or new_public_id()} | (data or {}), headers=headers
    )


def reads(cast, who, language):
    """A browser of somebody who reads this language."""
    client = cast.client(who)
    post(client, "/accounts/preferences", {"language": language, "next": "/"})
    return client


def english(cast, who):
    return reads(cast, who, "en")


def text(response):
    return response.get_data(as_text=True)


def main(response):
    """What stands between the head and the foot, without tags."""
    inside = text(response).split("<main", 1)[1].split("</main>", 1)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", inside))


def states(cast):
    @db.reading
    def read():
        rows = db.connection().execute(select(_signups.c.state).order_by(_signups.c.id)).scalars()
        return [str(each) for each in rows]

    with cast.app.app_context():
        return read()


def url(shift, deed=""):
    return f"/rosters/shifts/{shift.public_id}" + (f"/{deed}" if deed else "")


def test_from_the_list_to_a_place_without_javascript(cast, shift):
    client = english(cast, "vera")
    page = client.get("/rosters/shifts")
    assert "薇拉" in main(page)
    assert "1 more needed" in main(page)
    assert url(shift) in text(page)
    page = client.get(url(shift))
    assert "Take this shift" in main(page)
    assert "North gate" in main(page)
    assert "2.5 hours" in main(page)
    assert 'href="tel:08263220014"' in text(page)
    done = post(client, url(shift, "take"))
    assert (done.status_code, done.headers["Location"]) == (303, url(shift))
    assert "Signed up" in main(client.get(url(shift)))
    assert "Signed up" in main(client.get("/rosters/shifts?view=mine"))
    assert states(cast) == ["placed"]


def test_the_words_in_chinese(cast, make, gate, shift):
    client = reads(cast, "vera", "zh_Hans")
    assert "还缺 1 人" in main(client.get("/rosters/shifts"))
    assert "报名这一班" in main(client.get(url(shift)))
    post(client, url(shift, "take"))
    shown = main(client.get(url(shift)))
    for words in ("已报名", "找人顶班", "换班", "我来不了"):
        assert words in shown
    make.shift(gate, starts_at=at(4, 16))
    make.shift(gate, starts_at=at(5, 4))
    everything = main(client.get("/rosters/shifts?view=all"))
    assert "和 14:00 的班重叠" in everything
    assert "离上一班不到 11 小时" in everything
    other = reads(cast, "viktor", "zh_Hans")
    post(other, url(shift, "wait"))
    assert "候补第 1 位" in main(other.get(url(shift)))
    assert "满了" in main(reads(cast, "zoe", "zh_Hans").get("/rosters/shifts?view=all"))


def test_the_outbox_gets_json_and_a_receipt(cast, shift):
    client, key = english(cast, "vera"), new_public_id()
    for _ in range(2):
        done = post(client, url(shift, "take"), key=key, Accept="application/json")
        assert done.status_code == 200
        assert done.headers["Linli-Receipt"] == key
        assert done.json == {"ok": True, "code": "placed", "location": url(shift)}
    assert states(cast) == ["placed"]


def test_full_is_409_and_one_tap_from_the_queue(cast, make, shift):
    make.signup(shift, cast.people["viktor"])
    client = english(cast, "vera")
    refused = post(client, url(shift, "take"), Accept="application/json")
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (409, "shift_full")
    assert refused.json["confirm"] == {"or_wait": "1"}
    page = post(client, url(shift, "take"))
    assert page.status_code == 409
    assert url(shift, "wait") in text(page)
    assert "Stand in the queue" in main(page)
    agreed = post(client, url(shift, "take"), {"or_wait": "1"}, Accept="application/json")
    assert agreed.json["code"] == "waiting"
    assert "Waiting, number 1" in main(client.get(url(shift)))


def test_a_reason_is_said_on_the_page_and_to_htmx(cast, make, gate, shift):
    make.signup(make.shift(gate, starts_at=at(4, 15)), cast.people["vera"])
    client = english(cast, "vera")
    assert "Overlaps with the shift at 15:00" in main(client.get(url(shift)))
    assert url(shift, "take") not in text(client.get(url(shift)))
    page = post(client, url(shift, "take"))
    assert page.status_code == 422
    assert "Overlaps with the shift at 15:00" in main(page)
    fragment = post(client, url(shift, "take"), **{"HX-Request": "true"})
    assert fragment.status_code == 422
    assert fragment.headers["HX-Retarget"] == "#said"


def test_a_skill_is_named_not_coded(cast, make, gate):
    shift = make.shift(gate, starts_at=at(4, 14), skills={"sampling": 2})
    client = english(cast, "vera")
    refused = post(client, url(shift, "take"), Accept="application/json")
    assert (refused.status_code, refused.json["code"]) == (422, "skill_missing")
    assert "take samples" in refused.json["message"]
    assert "take samples × 2" in main(client.get(url(shift)))


def test_who_is_no_volunteer_sees_how_to_become_one(cast, shift):
    client = english(cast, "ruth")
    page = client.get("/rosters/shifts")
    assert "/volunteers/join" in text(page)
    assert "not on the list of volunteers" in main(client.get("/rosters/shifts?view=all"))
    assert "not on the list of volunteers" in main(client.get(url(shift)))
    assert post(client, url(shift, "take")).status_code == 422


def test_nobody_at_home_anywhere_sees_an_empty_list(cast, shift):
    page = english(cast, "nora").get("/rosters/shifts?view=all")
    assert page.status_code == 200
    assert url(shift) not in text(page)


@pytest.mark.parametrize("deed", ["take", "wait", "leave", "accept", "confirm"])
def test_outsiders_find_nothing_and_the_signed_out_sign_in(cast, shift, deed):
    assert post(english(cast, "fern"), url(shift, deed)).status_code == 404
    assert post(cast.client(None), url(shift, deed)).status_code == 303
    assert post(cast.client(None), url(shift, deed), Accept="application/json").status_code == 401


def test_a_key_is_asked_for(cast, shift):
    client = english(cast, "vera")
    token = client.get("/session").json["csrf"]
    assert client.post(url(shift, "take"), data={"csrf_token": token}).status_code == 400
    key = new_public_id()
    post(client, url(shift, "take"), key=key)
    reused = post(client, url(shift, "take"), {"or_wait": "1"}, key=key)
    assert (reused.status_code, reused.headers["Linli-Answer"]) == (422, "key_reused")


def test_a_draft_is_not_there_and_a_cancelled_one_only_for_who_was_on_it(cast, make, gate):
    draft = make.shift(gate, starts_at=at(4, 14), state="draft")
    over = make.shift(
        gate, starts_at=at(5, 14), state="cancelled", cancelled_at=clock.now(), cancel_reason="下雨"
    )
    make.signup(over, cast.people["vera"], state=SignupState.CANCELLED)
    assert english(cast, "vera").get(url(draft)).status_code == 404
    assert english(cast, "viktor").get(url(over)).status_code == 404
    shown = english(cast, "vera").get(url(over))
    assert "Called off" in main(shown)
    assert "下雨" in main(shown)


def test_the_page_says_what_follows_before_the_button(cast, make, gate, shift):
    soon = make.shift(gate, starts_at=clock.now() + timedelta(hours=5))
    given = make.shift(gate, starts_at=at(6, 14))
    make.signup(shift, cast.people["vera"])
    make.signup(soon, cast.people["viktor"])
    make.signup(given, cast.people["tess"], source=SignupSource.STAFF, confirmed_at=None)
    assert "without a word" in main(english(cast, "vera").get(url(shift)))
    assert "told at once" in main(english(cast, "viktor").get(url(soon)))
    asked = main(english(cast, "tess").get(url(given)))
    assert "Nothing else happens" in asked
    assert "Put down for you" in asked


def test_an_offer_is_accepted_or_too_late(cast, make, gate, shift):
    make.signup(
        shift, cast.people["vera"], state=SignupState.OFFERED, accept_by=clock.now() + timedelta(hours=1)
    )
    late = make.shift(gate, starts_at=at(6, 14))
    make.signup(
        late, cast.people["vera"], state=SignupState.OFFERED, accept_by=clock.now() - timedelta(minutes=1)
    )
    client = english(cast, "vera")
    assert "kept for you until" in main(client.get(url(shift)))
    assert post(client, url(shift, "accept")).status_code == 303
    gone = post(client, url(late, "accept"))
    assert (gone.status_code, gone.headers["Linli-Answer"]) == (410, "offer_over")


# --- stand-ins ----------------------------------------------------------------------------------------------


def test_finding_a_stand_in_by_name_shows_no_phone(cast, make, shift):
    signup = make.signup(shift, cast.people["vera"])
    client, path = english(cast, "vera"), f"/rosters/signups/{signup.public_id}/stand-in"
    page = client.get(f"{path}?name=泰")
    assert "泰思" in main(page)
    assert cast.people["tess"].phone not in text(page)
    assert cast.people["tess"].phone[-4:] not in main(page)
    to = re.search(r'name="to" value="([^"]+)"', text(page)).group(1)
    done = post(client, path, {"to": to, "name": "泰"})
    assert done.status_code == 303
    assert "still yours" in main(client.get(url(shift)))
    assert "Can you stand in?" in main(english(cast, "tess").get("/rosters/shifts?view=mine"))
    theirs = done.headers["Location"]
    assert english(cast, "viktor").get(theirs).status_code == 404
    taken = post(english(cast, "tess"), f"{theirs}/take")
    assert (taken.status_code, taken.headers["Location"]) == (303, url(shift))
    assert states(cast) == ["replaced", "placed"]


def test_a_name_that_nobody_has_keeps_what_was_typed(cast, make, shift):
    signup = make.signup(shift, cast.people["vera"])
    path = f"/rosters/signups/{signup.public_id}/stand-in"
    page = english(cast, "vera").get(f"{path}?name=无人")
    assert 'value="无人"' in text(page)
    assert "nobody of that name" in main(page)
    refused = post(english(cast, "vera"), path, {"to": "x" * 22, "name": "泰"})
    assert refused.status_code == 422
    assert 'value="泰"' in text(refused)


def test_an_open_search_is_taken_from_the_list(cast, make, shift):
    search = make.stand_in(make.signup(shift, cast.people["vera"]))
    client = english(cast, "viktor")
    page = client.get("/rosters/shifts")
    assert "Somebody looks for a stand-in" in main(page)
    assert f"/rosters/stand-ins/{search.public_id}" in text(page)
    shown = client.get(f"/rosters/stand-ins/{search.public_id}")
    assert "薇拉" in main(shown)
    assert "I take this place" in main(shown)
    done = post(client, f"/rosters/stand-ins/{search.public_id}/take", Accept="application/json")
    assert done.json["code"] == "taken"
    again = post(english(cast, "tess"), f"/rosters/stand-ins/{search.public_id}/take")
    assert (again.status_code, again.headers["Linli-Answer"]) == (409, "stand_in_over")
    assert "Somebody has taken it" in main(again)


def test_a_swap_with_oneself_says_so(cast, make, gate, shift):
    signup = make.signup(shift, cast.people["vera"])
    other = make.signup(make.shift(gate, starts_at=at(6, 14)), cast.people["vera"])
    path = f"/rosters/signups/{signup.public_id}/swap"
    refused = post(english(cast, "vera"), path, {"wanted": other.public_id})
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "swap_with_oneself")
    assert "both your own shifts" in main(refused)


def test_a_swap_is_asked_for_and_agreed_to(cast, make, gate, shift):
    signup = make.signup(shift, cast.people["vera"])
    theirs = make.shift(gate, starts_at=at(6, 14), maximum_count=1, wanted_count=1)
    wanted = make.signup(theirs, cast.people["viktor"])
    client, path = english(cast, "vera"), f"/rosters/signups/{signup.public_id}/swap"
    assert "维克" in main(client.get(path))
    done = post(client, path, {"wanted": wanted.public_id})
    assert done.status_code == 303
    other = english(cast, "viktor")
    assert "Swap shifts?" in main(other.get("/rosters/shifts?view=mine"))
    assert "Agree to the swap" in main(other.get(done.headers["Location"]))
    assert post(other, done.headers["Location"] + "/take").status_code == 303
    assert states(cast) == ["replaced", "replaced", "placed", "placed"]


def test_nothing_chosen_to_swap_for(cast, make, shift):
    signup = make.signup(shift, cast.people["vera"])
    refused = post(english(cast, "vera"), f"/rosters/signups/{signup.public_id}/swap")
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "nothing_to_swap")


def test_relief_is_one_button_and_asks_nothing(cast, make, gate):
    shift = make.shift(gate, starts_at=clock.now() - timedelta(hours=1), maximum_count=1, wanted_count=1)
    signup = make.signup(shift, cast.people["vera"])
    client = english(cast, "vera")
    page = client.get(url(shift))
    assert "I need to be relieved" in main(page)
    assert 'name="reason"' not in text(page)
    done = post(client, f"/rosters/signups/{signup.public_id}/relief")
    assert done.status_code == 303
    assert "stay until somebody comes" in main(client.get(url(shift)))
    assert "Stop looking" in main(client.get(done.headers["Location"]))
    # Before and after the shift there is no such button.
    later = make.shift(gate, starts_at=at(4, 14))
    before = make.signup(later, cast.people["viktor"])
    assert "I need to be relieved" not in main(english(cast, "viktor").get(url(later)))
    refused = post(english(cast, "viktor"), f"/rosters/signups/{before.public_id}/relief")
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "not_on_duty")


@pytest.mark.parametrize("kind", list(StandInKind))
def test_each_search_says_what_it_is(cast, make, gate, shift, kind):
    signup = make.signup(shift, cast.people["vera"])
    wanted = make.signup(make.shift(gate, starts_at=at(6, 14)), cast.people["viktor"])
    is_swap = kind is StandInKind.SWAP
    search = make.stand_in(
        signup,
        kind=kind,
        to=cast.people["viktor"] if is_swap else None,
        wanted=wanted if is_swap else None,
    )
    for who in ("vera", "viktor"):
        shown = main(english(cast, who).get(f"/rosters/stand-ins/{search.public_id}"))
        assert {"stand_in": "Stand-in", "swap": "Swap shifts", "relief": "Relief on duty"}[kind] in shown


@pytest.mark.parametrize("rows", [1, 20])
def test_pages_ask_at_most_five_statements_at_any_length(cast, make, gate, queries, rows):
    for n in range(rows):
        shift = make.shift(gate, starts_at=at(3 + n, 14), skills={"sampling": 1})
        make.signup(shift, cast.people["vera" if n % 2 else "viktor"])
    client, counts = english(cast, "vera"), {}
    for view in ("fits", "all", "mine"):
        queries.statements.clear()
        assert client.get(f"/rosters/shifts?view={view}").status_code == 200
        counts[view] = queries.count
    queries.statements.clear()
    client.get(url(shift))
    counts["one"] = queries.count
    assert counts == {"fits": 4, "all": 5, "mine": 5, "one": 4}


def test_what_is_kept_on_the_phone(cast, make, shift):
    client = english(cast, "vera")
    assert client.get("/rosters/shifts?view=mine").headers.get("X-Offline") == "keep"
    assert client.get(url(shift)).headers.get("X-Offline") == "keep"
    # How many are missing is true now, and not tomorrow.
    assert "X-Offline" not in client.get("/rosters/shifts").headers
    assert '<p class="live"><span class="badge' in text(client.get(url(shift)))
