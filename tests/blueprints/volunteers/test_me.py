"""A volunteer's own page: one card at a time, plain forms, what is refused stays as it was typed."""

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import Cast
from tests.factories import Factory, make_deed
from tests.lint import hidden_fields
from webapp.base import clock
from webapp.domain.volunteers import services

pytestmark = pytest.mark.db
URL = "/volunteers/me"


def page(browser: Any, path: str = URL) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def send(browser: Any, path: str, action: str | None = None, **fields: Any) -> Any:
    action = action or path
    return browser.post(action, data=hidden_fields(page(browser, path), action) | fields)


def test_the_next_card_is_the_first_that_is_empty(cast: Cast) -> None:
    browser = cast.client("vera")
    shown = page(browser)
    assert "/volunteers/me/when" in shown.split('id="next"')[1].split("</section>")[0]
    assert send(browser, f"{URL}/when", **{"slot-0-morning": "available"}).location == URL
    shown = page(browser)
    assert "/volunteers/me/languages" in shown.split('id="next"')[1].split("</section>")[0]


def test_skills_and_languages_are_ticks(cast: Cast) -> None:
    browser = cast.client("vera")
    assert 'value="delivery" checked' in page(browser, f"{URL}/skills")
    answer = send(browser, f"{URL}/skills", skills=["driving", "care"])
    assert (answer.status_code, answer.location) == (303, URL)
    shown = page(browser, f"{URL}/skills")
    assert 'value="driving" checked' in shown
    assert 'value="delivery" checked' not in shown
    refused = send(browser, f"{URL}/skills")
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "skill_not_chosen")
    assert send(browser, f"{URL}/languages", skills=["yi"]).status_code == 303
    assert 'value="yi" checked' in page(browser, f"{URL}/languages")


def test_a_certificate_is_added_and_taken_off(cast: Cast) -> None:
    browser = cast.client("vera")
    yesterday = (clock.day(clock.now()) - timedelta(days=1)).isoformat()
    path = f"{URL}/certificates"
    refused = send(browser, path, skill="nursing", number="川A77", expires_on=yesterday)
    shown = refused.get_data(as_text=True)
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "certificate_ended")
    assert 'value="川A77"' in shown
    assert yesterday in shown
    assert send(browser, path, skill="nursing", number="川A77", expires_on="").status_code == 303
    assert "川A77" in page(browser, path)
    nonsense = send(browser, path, skill="nursing", number="川A78", expires_on="31.12.2026")
    assert (nonsense.status_code, nonsense.headers["Linli-Answer"]) == (422, "invalid")
    action = next(
        part.split('"')[0] for part in page(browser, path).split('action="') if "/remove" in part[:90]
    )
    assert send(browser, path, action).status_code == 303
    assert "川A77" not in page(browser, path)


def test_the_week_shows_what_is_taken(cast: Cast, make: Factory) -> None:
    make.signup(make.shift(make.post(cast.community)), cast.people["vera"])
    browser = cast.client("vera")
    assert "已有安排" in page(browser, f"{URL}/when")
    fields = {f"slot-{day}-{half}": "not_available" for day in range(7) for half in ("morning", "afternoon")}
    assert send(browser, f"{URL}/when", **fields).status_code == 303
    assert page(browser, f"{URL}/when").count('value="not_available" selected') == 14
    assert (
        send(browser, f"{URL}/when", **{"slot-0-morning": "whenever", "slot-9-x": "available"}).status_code
        == 303
    )
    assert page(browser, f"{URL}/when").count('value="unknown" selected') == 14


def test_a_question_is_answered_on_the_own_page(cast: Cast) -> None:
    with cast.app.app_context():
        services.ask_back(
            deed=make_deed(cast.actor("alice")),
            public_id=cast.volunteers["zoe"].public_id,
            version=1,
            question="周末能来吗",
        )
    browser = cast.client("zoe")
    assert "周末能来吗" in page(browser)
    refused = send(browser, URL, f"{URL}/answer", answer="  ")
    assert refused.status_code == 422
    assert send(browser, URL, f"{URL}/answer", answer="可以来").status_code == 303
    assert "可以来" in page(browser)
    assert "可以来" in page(cast.client("alice"), f"/volunteers/{cast.volunteers['zoe'].public_id}")


def test_leaving_waits_until_shifts_are_given_back(cast: Cast, make: Factory) -> None:
    browser = cast.client("vera")
    action = f"{URL}/leave"
    fields = hidden_fields(page(browser), action)
    make.signup(make.shift(make.post(cast.community)), cast.people["vera"])
    refused = browser.post(action, data=fields)
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (409, "still_on_shifts")
    other = cast.client("viktor")
    assert send(other, URL, action).status_code == 303
    assert 'href="/volunteers/join"' in page(other)


def test_who_came_from_a_list_is_asked_for_the_pledges_first(cast: Cast, make: Factory) -> None:
    cast.people["listed"] = make.user("名单")
    make.volunteer(cast.people["listed"], area=cast.community, pledges=())
    browser = cast.client("listed")
    assert "/volunteers/me/pledges" in page(browser).split('id="next"')[1].split("</section>")[0]
    refused = send(browser, f"{URL}/pledges", health="y")
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "pledge_not_made")
    assert 'value="y" checked' in refused.get_data(as_text=True)
    assert send(browser, f"{URL}/pledges", health="y", confidentiality="y").status_code == 303
    assert "/volunteers/me/pledges" not in page(browser)
