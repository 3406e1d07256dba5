"""The pages of signing in, as a browser uses them: plain forms, no JavaScript."""

import re
from datetime import timedelta

import pytest

from tests.factories import make_deed
from tests.lint import hidden_fields
from webapp.base import clock, outbox
from webapp.base.actor import Actor
from webapp.base.outbox import MessageState
from webapp.domain.accounts import services
from webapp.web.errors import sentence

pytestmark = pytest.mark.db

PHONE = "13800138000"
GOOD = "Apfelbaum im Garten 7"


@pytest.fixture
def browser(app):
    return app.test_client()


def page_of(response) -> str:
    return response.get_data(as_text=True)


def post(browser, path, form_page=None, *, action=None, headers=None, **fields):
    """Send the form of a page as a browser does: with its hidden fields."""
    page = page_of(browser.get(form_page or path))
    return browser.post(path, data=hidden_fields(page, action or path) | fields, headers=headers)


def newest_code(app) -> str:
    with app.app_context():
        (message,) = outbox.take_due(now=clock.now() + timedelta(seconds=1), limit=9, may_repeat=False)
        outbox.settle(message=message, state=MessageState.SENT, now=clock.now())
    assert message.secret is not None
    return message.secret


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def sign_in(app, browser, *, phone=PHONE, query=""):
    """Both steps; returns the last answer."""
    asked = post(browser, "/accounts/sign-in", f"/accounts/sign-in{query}", phone=phone)
    assert asked.status_code == 303
    return post(browser, "/accounts/sign-in/code", asked.location, code=newest_code(app))


def who(browser) -> str | None:
    return browser.get("/session").json["user"]


def test_phone_and_code_sign_in_and_lead_to_the_wanted_page(app, browser):
    assert who(browser) is None
    done = sign_in(app, browser, query="?next=/accounts/me")
    assert (done.status_code, done.location) == (303, "/accounts/me")
    assert done.headers["Linli-Receipt"]
    assert who(browser)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://example.com/",
        "//example.com/",
        "/\\example.com",
        "/%0d%0aLocation:x",
        "\t//example.com",
        "javascript:alert(1)",
        "/no/such/page",
        "/accounts/sign-out",
    ],
)
def test_after_signing_in_nobody_is_sent_to_another_site_or_a_page_that_is_none(app, browser, wanted):
    browser.get("/accounts/sign-in", query_string={"next": wanted})
    asked = post(browser, "/accounts/sign-in", phone=PHONE, next=wanted)
    done = post(browser, "/accounts/sign-in/code", asked.location, code=newest_code(app), next=wanted)
    assert (done.status_code, done.location) == (303, "/")


def test_signing_in_begins_a_new_session_with_a_new_csrf_token(app, browser):
    before = browser.get("/session").json["csrf"]
    with browser.session_transaction() as session:
        session["planted"] = "by somebody else"
        raw_before = session["csrf_token"]
    sign_in(app, browser)
    browser.get("/session")
    with browser.session_transaction() as session:
        assert "planted" not in session
        assert "sign_in_phone" not in session
        assert session["csrf_token"] != raw_before
        assert session.permanent
        kept = dict(session)
    assert before
    assert "remember_token" not in {cookie for cookie in ("remember_token",) if browser.get_cookie(cookie)}
    assert PHONE not in repr(kept)


def test_two_pages_that_are_asked_for_at_once_after_signing_in_take_each_others_forms(cast):
    browser, other = cast.client("ruth"), cast.client("ruth")
    browser.post(
        "/accounts/sign-out", data=hidden_fields(page_of(browser.get("/accounts/me")), "/accounts/sign-out")
    )
    with browser.session_transaction() as session:
        cookie = dict(session)
    with other.session_transaction() as session:
        session.clear()
        session.update(cookie)
    form = hidden_fields(page_of(browser.get("/accounts/sign-in")), "/accounts/sign-in")
    # The other page was on its way with the same cookie, and its answer came last: its session is the browser's.
    other.get("/accounts/sign-in")
    with other.session_transaction() as session:
        cookie = dict(session)
    with browser.session_transaction() as session:
        session.clear()
        session.update(cookie)
    answer = browser.post("/accounts/sign-in", data=form | {"phone": PHONE})
    assert answer.headers.get("Linli-Answer") != "csrf"
    assert answer.status_code == 303


def test_a_wrong_code_keeps_what_was_typed_and_says_why_at_the_field(app, browser):
    asked = post(browser, "/accounts/sign-in", phone=PHONE)
    code = newest_code(app)
    refused = post(browser, "/accounts/sign-in/code", asked.location, code=wrong(code))
    assert refused.status_code == 422
    assert refused.headers["Linli-Answer"] == "code_wrong"
    assert f'value="{wrong(code)}"' in page_of(refused)
    assert 'id="code-error"' in page_of(refused)
    done = browser.post(
        "/accounts/sign-in/code",
        data=hidden_fields(page_of(refused), "/accounts/sign-in/code") | {"code": code},
    )
    assert done.status_code == 303


def test_the_key_of_a_refused_try_may_be_used_again(app, browser):
    """Going back in the browser shows the old form with its old key."""
    asked = post(browser, "/accounts/sign-in", phone=PHONE)
    code = newest_code(app)
    fields = hidden_fields(page_of(browser.get(asked.location)), "/accounts/sign-in/code")
    assert browser.post("/accounts/sign-in/code", data=fields | {"code": wrong(code)}).status_code == 422
    assert browser.post("/accounts/sign-in/code", data=fields | {"code": code}).status_code == 303


def test_a_post_that_chromium_sends_twice_signs_in_once(app, browser):
    asked = post(browser, "/accounts/sign-in", phone=PHONE)
    code = newest_code(app)
    fields = hidden_fields(page_of(browser.get(asked.location)), "/accounts/sign-in/code") | {"code": code}
    cookie = browser.get_cookie("linli").value
    assert browser.post("/accounts/sign-in/code", data=fields).status_code == 303
    again = app.test_client()
    again.set_cookie("linli", cookie)
    assert again.post("/accounts/sign-in/code", data=fields).status_code == 303
    assert who(again)
    other_browser = app.test_client()
    with other_browser.session_transaction() as session:
        session["sign_in_phone"] = PHONE
    token = other_browser.get("/session").json["csrf"]
    stolen = other_browser.post("/accounts/sign-in/code", data=fields | {"csrf_token": token})
    assert stolen.status_code == 422
    assert who(other_browser) is None


def test_without_a_token_or_a_key_nothing_happens(app, browser):
    fields = hidden_fields(page_of(browser.get("/accounts/sign-in")), "/accounts/sign-in")
    for missing in ("csrf_token", "_key"):
        rest = {name: value for name, value in fields.items() if name != missing}
        assert browser.post("/accounts/sign-in", data=rest | {"phone": PHONE}).status_code == 400
    with app.app_context():
        assert outbox.depth() == 0


def test_what_is_no_phone_is_refused_with_the_typing_kept(browser):
    refused = post(browser, "/accounts/sign-in", phone="0826-3220013")
    assert refused.status_code == 422
    assert 'value="0826-3220013"' in page_of(refused)
    assert refused.headers["Linli-Answer"] == "phone_not_mobile"
    assert post(browser, "/accounts/sign-in", phone="").status_code == 422


def test_asking_twice_in_a_minute_says_how_long_to_wait_and_where_the_code_goes(browser):
    post(browser, "/accounts/sign-in", phone=PHONE)
    refused = post(browser, "/accounts/sign-in", phone=PHONE)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["Linli-Answer"] == "code_sent_already"
    assert "/accounts/sign-in/code" in page_of(refused)
    assert 'id="refused"' in page_of(refused)
    assert re.search(r"\d+ 秒后", page_of(refused))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 秒"), (90, "90 秒"), (91, "2 分钟"), (3480, "58 分钟"), (5401, "2 小时"), (86_000, "24 小时")],
)
def test_how_long_to_wait_is_said_in_words_and_never_too_short(app, seconds, said):
    with app.test_request_context():
        assert said in sentence("too_many", retry_after=seconds)


def test_a_json_asker_gets_json(browser):
    page = page_of(browser.get("/accounts/sign-in"))
    headers = {"Accept": "application/json", "Idempotency-Key": "a-key-of-the-phone"}
    token = {"csrf_token": hidden_fields(page, "/accounts/sign-in")["csrf_token"]}
    refused = browser.post("/accounts/sign-in", data=token | {"phone": "12"}, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (422, "phone_not_mobile")
    assert list(refused.json["fields"]) == ["phone"]
    done = browser.post("/accounts/sign-in", data=token | {"phone": PHONE}, headers=headers)
    assert (done.status_code, done.headers["Linli-Receipt"]) == (200, "a-key-of-the-phone")


def test_a_known_and_an_unknown_phone_get_the_same_answers(app, cast, queries):
    def bare(response) -> tuple:
        text = page_of(response)
        for value in sorted(hidden_fields(text).values() if "<form" in text else [], key=len, reverse=True):
            text = text.replace(value, "·") if value else text
        names = sorted({name for name, _ in response.headers} - {"X-Request-Id"})
        return response.status_code, names, len(text.split("<footer")[0]), text.split("<main")[-1].count("<")

    seen = []
    for phone in (cast.people["ruth"].phone, "13700000000"):
        browser = app.test_client()
        answers = []
        queries.statements.clear()
        asked = post(browser, "/accounts/sign-in", phone=phone)
        code = newest_code(app)
        form = browser.get(asked.location)
        refused = post(browser, "/accounts/sign-in/code", asked.location, code=wrong(code))
        password = post(browser, "/accounts/sign-in/password", phone=phone, password="nonsense nonsense")
        answers = [bare(each) for each in (asked, form, refused, password)]
        seen.append((answers, list(queries.statements)))
    assert seen[0] == seen[1]
    assert [each[0] for each in seen[0][0]] == [303, 200, 422, 422]


def test_staff_sign_in_by_password(app, cast, browser):
    alice = cast.people["alice"]
    with app.app_context():
        services.set_password(deed=make_deed(Actor.system("shell")), phone=alice.phone, password=GOOD)
    refused = post(browser, "/accounts/sign-in/password", phone=alice.phone, password="nonsense nonsense")
    assert refused.status_code == 422
    assert "nonsense" not in page_of(refused)
    assert f'value="{alice.phone}"' in page_of(refused)
    done = post(browser, "/accounts/sign-in/password", phone=alice.phone, password=GOOD)
    assert done.status_code == 303
    assert who(browser) == alice.public_id


def test_the_code_page_without_a_phone_asks_for_the_phone(browser):
    assert browser.get("/accounts/sign-in/code").location == "/accounts/sign-in?next=/"


def test_the_code_field_is_what_phones_fill_in_by_themselves(app, browser):
    asked = post(browser, "/accounts/sign-in", phone=PHONE)
    page = page_of(browser.get(asked.location))
    field = page[page.index('id="code"') - 200 : page.index('id="code"') + 300]
    assert 'autocomplete="one-time-code"' in field
    assert 'inputmode="numeric"' in field
    assert "138****8000" in page
    assert PHONE not in page


def test_sign_in_pages_are_kept_nowhere(browser):
    for path in ("/accounts/sign-in", "/accounts/sign-in/password", "/session"):
        assert browser.get(path).headers["Cache-Control"] == "no-store"


def test_signing_out_ends_the_session_also_when_it_is_pressed_twice(cast):
    browser = cast.client("ruth")
    cookie = browser.get_cookie("linli").value
    token = browser.get("/session").json["csrf"]
    first = browser.post("/accounts/sign-out", data={"csrf_token": token, "_key": "sign-out-key"})
    assert (first.status_code, first.location) == (303, "/accounts/sign-in")
    assert who(browser) is None
    old = cast.app.test_client()
    old.set_cookie("linli", cookie)
    assert who(old) is None


def test_signing_out_everywhere_ends_every_browser(cast):
    here, there = cast.client("ruth"), cast.client("ruth")
    token = here.get("/session").json["csrf"]
    here.post("/accounts/sign-out-everywhere", data={"csrf_token": token, "_key": "sign-out-key"})
    assert who(there) is None


def test_what_was_chosen_before_signing_in_holds_afterwards_and_nothing_else_is_changed(app, browser):
    sign_in(app, browser)
    post(browser, "/accounts/preferences", "/accounts/me", language="en", theme="dark")
    post(browser, "/accounts/sign-out", "/accounts/me")

    phone = app.test_client()
    post(phone, "/accounts/preferences", "/accounts/sign-in", text_size="xlarge")
    with clock.set_for_test(clock.now() + timedelta(minutes=2)):
        sign_in(app, phone)
    page = page_of(phone.get("/accounts/me"))
    assert 'data-text-size="xlarge"' in page
    assert 'lang="en"' in page
    assert 'data-theme="dark"' in page

    other = app.test_client()
    with clock.set_for_test(clock.now() + timedelta(minutes=4)):
        sign_in(app, other)
    assert 'data-text-size="xlarge"' in page_of(other.get("/accounts/me"))
