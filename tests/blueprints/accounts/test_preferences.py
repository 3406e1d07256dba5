"""Text size, language and theme: stored, in cookies, and back to the page one came from."""

import pytest

from tests.lint import hidden_fields

pytestmark = pytest.mark.db


def change(browser, *, page="/accounts/sign-in", **fields):
    shown = browser.get(page).get_data(as_text=True)
    return browser.post("/accounts/preferences", data=hidden_fields(shown, "/accounts/preferences") | fields)


def attribute(browser, name, page="/accounts/sign-in"):
    tag = browser.get(page).get_data(as_text=True).split("<html", 1)[1].split(">", 1)[0]
    return tag.split(f'{name}="', 1)[1].split('"', 1)[0] if f'{name}="' in tag else None


def test_a_visitor_chooses_before_signing_in(app):
    browser = app.test_client()
    done = change(browser, text_size="xlarge")
    assert (done.status_code, done.location) == (303, "/accounts/sign-in")
    change(browser, language="en")
    change(browser, theme="dark")
    assert attribute(browser, "data-text-size") == "xlarge"
    assert attribute(browser, "lang") == "en"
    assert attribute(browser, "data-theme") == "dark"


def test_nonsense_changes_nothing(app):
    browser = app.test_client()
    change(browser, text_size="huge", language="tlh", theme="pink")
    assert attribute(browser, "data-text-size") == "normal"
    assert attribute(browser, "lang") == "zh-Hans"
    assert browser.get_cookie("linli_text_size") is None


@pytest.mark.parametrize("back", ["//example.com/", "https://example.com/", "/accounts/sign-out", "/\\x"])
def test_it_leads_back_to_our_own_pages_only(app, back):
    assert change(app.test_client(), text_size="large", next=back).location == "/"


def test_without_a_next_field_the_referrer_says_where_back_is(app):
    browser = app.test_client()
    fields = hidden_fields(browser.get("/accounts/sign-in").get_data(as_text=True), "/accounts/preferences")
    done = browser.post(
        "/accounts/preferences",
        data=fields | {"next": "", "text_size": "large"},
        headers={"Referer": "http://localhost/accounts/sign-in/password?next=/"},
    )
    assert done.location == "/accounts/sign-in/password"


def test_who_is_signed_in_finds_it_on_every_phone(cast):
    here = cast.client("ruth")
    token = here.get("/session").json["csrf"]
    done = here.post(
        "/accounts/preferences",
        data={"csrf_token": token, "_key": "a-preference-key", "language": "en", "text_size": "large"},
    )
    assert done.status_code == 303
    there = cast.client("ruth")
    assert there.get("/session").json["language"] == "en"
