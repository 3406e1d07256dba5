"""Joining a household on a phone: at most two screens, nothing typed is lost, nobody learns who lives where."""

import pytest

from tests.lint import hidden_fields

pytestmark = pytest.mark.db
URL = "/households/join"


def page(browser, path=URL, status=200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def send(cast, browser, **fields):
    path = f"{URL}?area={cast.community.public_id}"
    return browser.post(URL, data=hidden_fields(page(browser, path), URL) | fields)


def test_first_the_community_unless_a_poster_names_it(cast) -> None:
    browser = cast.client("nora")
    first = page(browser)
    assert f'value="{cast.community.public_id}"' in first
    assert 'name="number"' not in first
    second = page(browser, f"{URL}?area={cast.community.public_id}")
    assert "北辰社区" in second
    assert f'value="{cast.building.public_id}"' in second
    assert f'value="{cast.foreign_building.public_id}"' not in second


def test_a_poster_of_a_building_has_chosen_it(cast) -> None:
    shown = page(cast.client("nora"), f"{URL}?area={cast.building.public_id}")
    assert f'<option selected value="{cast.building.public_id}">' in shown


def test_a_poster_that_nobody_knows_asks_for_the_community(cast) -> None:
    assert 'name="area"' in page(cast.client("nora"), f"{URL}?area=nothing")


def test_no_name_of_the_list_is_shown_to_a_resident(cast) -> None:
    shown = page(cast.client("nora"), f"{URL}?area={cast.building.public_id}")
    for name in ("如诗", "如富", "王等"):
        assert name not in shown


def test_whoever_states_a_home_comes_to_the_home_page_and_waits(cast) -> None:
    browser = cast.client("nora")
    answer = send(cast, browser, name="诺拉", building=cast.building.public_id, unit="2", number="501")
    assert (answer.status_code, answer.location) == (303, "/")
    assert answer.headers["Linli-Receipt"]
    assert "诺拉" in page(cast.client("lead"), "/households/confirmations")


def test_the_answer_does_not_tell_whether_somebody_lives_there(cast) -> None:
    occupied = send(
        cast, cast.client("nora"), name="诺拉", building=cast.building.public_id, unit="2", number="501"
    )
    unknown = send(
        cast, cast.client("rita"), name="丽塔", building=cast.building.public_id, stated_door="9单元999"
    )
    assert (occupied.status_code, occupied.location) == (unknown.status_code, unknown.location)


def test_a_door_that_is_not_listed_is_said_and_the_typing_stays(cast) -> None:
    browser = cast.client("nora")
    answer = send(cast, browser, name="诺拉甲", building=cast.building.public_id, unit="1", number="501")
    shown = answer.get_data(as_text=True)
    assert (answer.status_code, answer.headers["Linli-Answer"]) == (422, "door_not_listed")
    assert 'value="诺拉甲"' in shown
    assert f'<option selected value="{cast.building.public_id}">' in shown
    assert "3栋1单元501" in shown
    assert "<details open>" in shown
    again = send(cast, browser, name="诺拉甲", building=cast.building.public_id, stated_door="1单元501")
    assert again.status_code == 303


def test_an_empty_form_says_what_is_missing(cast) -> None:
    answer = send(cast, cast.client("nora"), name="")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.get_data(as_text=True)


def test_the_outbox_gets_its_answer_as_json(cast) -> None:
    browser = cast.client("nora")
    csrf = browser.get("/session").json["csrf"]
    headers = {"Accept": "application/json", "X-CSRFToken": csrf, "Idempotency-Key": "key-of-the-phone"}
    body = {"community": cast.community.public_id, "name": "诺拉", "stated_door": "老粮站后面"}
    for _ in range(2):
        answer = browser.post(URL, data=body, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (200, "waiting")
        assert answer.headers["Linli-Receipt"] == "key-of-the-phone"
    refused = browser.post(
        URL, data=body | {"name": ""}, headers=headers | {"Idempotency-Key": "another-key"}
    )
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "invalid")


def test_whoever_was_refused_reads_why(cast) -> None:
    send(cast, cast.client("nora"), name="诺拉", building=cast.building.public_id, unit="2", number="501")
    lead = cast.client("lead")
    listed = page(lead, "/households/confirmations")
    public_id = next(
        part.split('"')[0]
        for part in listed.split("/households/confirmations/")[1:]
        if "诺拉" in part.split("</li>")[0]
    )
    path = f"/households/confirmations/{public_id}"
    fields = hidden_fields(page(lead, path), f"{path}/refuse")
    empty = lead.post(f"{path}/refuse", data=fields)
    assert (empty.status_code, empty.headers["Linli-Answer"]) == (422, "refusal_reason_missing")
    assert lead.post(f"{path}/refuse", data=fields | {"reason": "房号不对"}).status_code == 303
    assert "房号不对" in page(cast.client("nora"))
