"""The page 我的 and the password of staff."""

import pytest

from tests.lint import hidden_fields

pytestmark = pytest.mark.db

GOOD = "Apfelbaum im Garten 7"


def page(browser, path="/accounts/me") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def change_password(browser, **fields):
    shown = hidden_fields(page(browser, "/accounts/password"), "/accounts/password")
    return browser.post("/accounts/password", data=shown | fields)


def test_it_shows_the_tail_of_the_number_and_the_home_and_nothing_of_others(cast):
    shown = page(cast.client("ruth"))
    ruth = cast.people["ruth"]
    assert ruth.phone[-4:] in shown
    assert ruth.phone not in shown
    assert "3栋2单元501" in shown
    assert "1203" not in shown


def test_who_waits_is_told_so_and_who_has_no_home_is_asked(cast):
    assert 'class="badge warn"' in page(cast.client("wang"))
    assert "/households/join" in page(cast.client("nora"))


def test_a_visitor_is_sent_to_sign_in_and_comes_back(app):
    answer = app.test_client().get("/accounts/me")
    assert (answer.status_code, answer.location) == (303, "/accounts/sign-in?next=/accounts/me")


def test_only_staff_see_a_password(cast):
    assert "/accounts/password" not in page(cast.client("ruth"))
    assert "/accounts/password" in page(cast.client("alice"))
    token = cast.client("ruth").get("/session").json["csrf"]
    assert token


def test_staff_set_and_change_their_password(cast):
    browser = cast.client("alice")
    assert 'name="current"' not in page(browser, "/accounts/password")
    assert change_password(browser, password=GOOD, again="other than that").status_code == 422
    weak = change_password(browser, password="short", again="short")
    assert (weak.status_code, weak.headers["Linli-Answer"]) == (422, "password_too_short")
    assert change_password(browser, password=GOOD, again=GOOD).status_code == 303
    assert 'name="current"' in page(browser, "/accounts/password")
    refused = change_password(browser, current="not that one", password=GOOD, again=GOOD)
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "password_wrong")
    assert GOOD not in refused.get_data(as_text=True)


def test_a_resident_cannot_set_a_password(cast):
    refused = change_password(cast.client("ruth"), password=GOOD, again=GOOD)
    assert refused.status_code == 403


def test_the_page_costs_the_same_with_one_home_or_more(cast, queries):
    browser = cast.client("ruth")
    queries.statements.clear()
    page(browser)
    assert queries.count <= 5
