"""Teams, organisations and invitations on the head's pages, and the poster on paper."""

import io
from typing import Any

import pytest
from pypdf import PdfReader

from tests.conftest import Cast, QueryCounter
from tests.factories import Factory, make_deed
from tests.lint import hidden_fields
from webapp.domain.volunteers import services

pytestmark = pytest.mark.db
TEAMS, ORGANISATIONS = "/volunteers/teams", "/volunteers/organisations"


def page(browser: Any, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def send(browser: Any, path: str, action: str, **fields: str) -> Any:
    return browser.post(action, data=hidden_fields(page(browser, path), action) | fields)


@pytest.mark.parametrize("url", [TEAMS, ORGANISATIONS])
def test_made_renamed_closed_opened(cast: Cast, url: str) -> None:
    browser = cast.client("alice")
    made = send(browser, f"{url}/new", url, name="先锋", society="charity")
    assert made.status_code == 303
    path = made.location
    again = send(browser, f"{url}/new", url, name="先锋", society="charity")
    assert (again.status_code, again.headers["Linli-Answer"]) == (422, "name_taken")
    assert 'value="先锋"' in again.get_data(as_text=True)
    assert send(browser, f"{url}/new", url, name="", society="charity").status_code == 422
    assert send(browser, f"{url}/new", url, name="队", society="nonsense").status_code == 422
    assert send(browser, path, path, name="先锋二队", society="charity").status_code == 303
    assert "先锋二队" in page(browser, f"{url}?q=先锋")
    assert send(browser, path, f"{path}/close").status_code == 303
    assert "先锋二队" not in page(browser, url)
    assert "先锋二队" in page(browser, f"{url}?closed=1")
    assert send(browser, path, f"{path}/close").status_code == 303
    assert "先锋二队" in page(browser, url)


@pytest.mark.parametrize("url", [TEAMS, ORGANISATIONS])
def test_a_list_costs_the_same_with_one_and_twenty(
    cast: Cast, make: Factory, queries: QueryCounter, url: str
) -> None:
    browser = cast.client("alice")
    make.organisation("第一", area=cast.community)

    def cost() -> int:
        queries.statements.clear()
        page(browser, url)
        return queries.count

    before = cost()
    for number in range(20):
        make.organisation(f"组织{number}", area=cast.community)
        make.team(f"队{number}", area=cast.community)
    assert cost() == before


def test_a_lead_is_named_and_ended(cast: Cast) -> None:
    browser, path = cast.client("alice"), f"{TEAMS}/{cast.team.public_id}"
    vera = cast.volunteers["vera"].public_id
    bad = send(browser, path, f"{path}/leads", volunteer=cast.volunteers["viktor"].public_id)
    assert (bad.status_code, bad.headers["Linli-Answer"]) == (422, "not_in_team")
    assert send(browser, path, f"{path}/leads", volunteer=vera).status_code == 303
    assert page(cast.client("vera"), path).count("薇拉") >= 2
    assert send(browser, path, f"{path}/leads/{vera}/end").status_code == 303
    page(cast.client("vera"), path, 403)


def test_the_lead_sees_members_and_may_not_change(cast: Cast) -> None:
    path = f"{TEAMS}/{cast.team.public_id}"
    shown = page(cast.client("tess"), path)
    assert "薇拉" in shown
    assert f"{path}/close" not in shown
    assert f"{path}/leads" not in shown


def test_an_invitation_is_made_shown_printed_and_taken_back(cast: Cast) -> None:
    browser, path = cast.client("alice"), f"{TEAMS}/{cast.team.public_id}/invitations"
    for field, value, code in (
        ("days", "61", "invitation_days"),
        ("use_limit", "0", "invitation_uses"),
        ("use_limit", "many", "invalid"),
    ):
        bad = send(browser, path, path, **({"days": "7", "use_limit": "30"} | {field: value}))
        assert (bad.status_code, bad.headers["Linli-Answer"]) == (422, code)
        assert f'id="{field}-error"' in bad.get_data(as_text=True)
    made = send(browser, path, path, days="7", use_limit="30")
    assert made.status_code == 303
    shown = page(browser, made.location)
    assert 'class="qr"' in shown
    assert "http://linli.test/volunteers/invitations/" in shown
    token = shown.split("http://linli.test/volunteers/invitations/")[1].split('"')[0]
    assert cast.client(None).get(f"/volunteers/invitations/{token}").status_code == 200
    assert send(browser, made.location, f"{made.location}/revoke").status_code == 303
    assert 'class="qr"' not in page(browser, made.location)
    assert cast.client(None).get(f"/volunteers/invitations/{token}").status_code == 410


@pytest.mark.parametrize(("language", "words"), [("zh_Hans", "请您来帮忙"), ("en", "We need your help")])
def test_the_poster_is_one_page_with_name_words_and_code(cast: Cast, language: str, words: str) -> None:
    with cast.app.app_context():
        invitation = services.make_invitation(
            deed=make_deed(cast.actor("alice")), team=cast.team.public_id, days=7, use_limit=30
        )
    browser = cast.client("alice")
    csrf = browser.get("/session").json["csrf"]
    form = {"language": language, "csrf_token": csrf, "_key": "key-of-the-form"}
    assert browser.post("/accounts/preferences", data=form).status_code == 303
    answer = browser.get(f"{TEAMS}/{cast.team.public_id}/invitations/{invitation}/poster.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    document = PdfReader(io.BytesIO(answer.data))
    assert len(document.pages) == 1
    text = document.pages[0].extract_text()
    assert words in text
    assert "红马甲" in text
    assert "北辰社区居民委员会" in text
    assert "0826-3220013" in text
    assert len(document.pages[0].images) == 1
