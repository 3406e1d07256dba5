"""The head's pages: the list and its fragment, decisions that say what stood in their way, numbers with a reason."""

from typing import Any

import pytest
from sqlalchemy import update

from tests.conftest import Cast, QueryCounter
from tests.factories import Factory
from tests.lint import hidden_fields
from webapp.base import db
from webapp.domain.volunteers.models import Volunteer
from webapp.domain.volunteers.rules import VolunteerState

pytestmark = pytest.mark.db


def page(browser: Any, path: str, status: int = 200, **headers: str) -> str:
    answer = browser.get(path, headers=headers)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def of(cast: Cast, name: str) -> str:
    return f"/volunteers/{cast.volunteers[name].public_id}"


def decide(cast: Cast, browser: Any, name: str, verb: str, **fields: str) -> Any:
    path = of(cast, name)
    return browser.post(f"{path}/{verb}", data=hidden_fields(page(browser, path), f"{path}/{verb}") | fields)


def test_the_list_is_a_page_and_a_fragment(cast: Cast) -> None:
    browser = cast.client("alice")
    whole = page(browser, "/volunteers")
    assert "<h1>" in whole
    assert "薇拉" in whole
    assert cast.people["vera"].phone not in whole
    assert cast.people["vera"].phone[-4:] in whole
    part = page(browser, "/volunteers?skill=sampling", **{"HX-Request": "true"})
    assert part.strip().startswith('<div id="volunteers"')
    assert "维克" in part
    assert "薇拉" not in part
    assert "薇拉" not in page(browser, "/volunteers?q=nobody&state=nonsense")


def test_the_lead_of_a_team_decides_nothing(cast: Cast) -> None:
    shown = page(cast.client("tess"), of(cast, "vera"))
    for action in ("accept", "refuse", "ask-back", "place"):
        assert f"{of(cast, 'vera')}/{action}" not in shown
    assert f"{of(cast, 'vera')}/reveal" in shown


def test_pages_follow_each_other(cast: Cast, make: Factory) -> None:
    for number in range(55):
        make.volunteer(make.user(f"新人{number:02}"), area=cast.community)
    browser = cast.client("alice")
    first = page(browser, "/volunteers")
    link = next(part.split('"')[0] for part in first.split('href="') if part.startswith("/volunteers?after="))
    second = page(browser, link)
    names = [f"新人{number:02}" for number in range(55)]
    assert all((name in first) != (name in second) for name in names)


def test_the_page_of_the_list_costs_the_same_with_one_and_twenty(
    cast: Cast, make: Factory, queries: QueryCounter
) -> None:
    browser = cast.client("alice")

    def cost() -> int:
        queries.statements.clear()
        page(browser, "/volunteers")
        return queries.count

    before = cost()
    for number in range(20):
        make.volunteer(make.user(f"新人{number}"), area=cast.community, skills=("care", "driving"))
    assert cost() == before


def test_accepting_asking_and_refusing(cast: Cast) -> None:
    browser = cast.client("alice")
    empty = decide(cast, browser, "zoe", "ask-back", question=" ")
    assert (empty.status_code, empty.headers["Linli-Answer"]) == (422, "question_missing")
    assert decide(cast, browser, "zoe", "ask-back", question="能开车吗").location == of(cast, "zoe")
    assert "能开车吗" in page(browser, of(cast, "zoe"))
    assert decide(cast, browser, "zoe", "accept").status_code == 303
    no_reason = decide(cast, browser, "zoe", "refuse", reason="")
    assert (no_reason.status_code, no_reason.headers["Linli-Answer"]) == (422, "reason_missing")
    assert decide(cast, browser, "zoe", "refuse", reason="没有来过").status_code == 303
    assert "没有来过" in page(browser, of(cast, "zoe"))


def test_who_was_slower_sees_what_happened_and_keeps_the_typing(cast: Cast) -> None:
    browser, path = cast.client("alice"), of(cast, "zoe")
    fields = hidden_fields(page(browser, path), f"{path}/refuse")
    assert decide(cast, browser, "zoe", "accept").status_code == 303
    late = browser.post(f"{path}/refuse", data=fields | {"reason": "我的理由"})
    shown = late.get_data(as_text=True)
    assert (late.status_code, late.headers["Linli-Answer"]) == (409, "volunteer_changed")
    assert "我的理由" in shown
    assert (
        browser.post(
            f"{path}/refuse", data=hidden_fields(shown, f"{path}/refuse") | {"reason": "我的理由"}
        ).status_code
        == 303
    )


def test_a_volunteer_is_put_into_a_team(cast: Cast) -> None:
    browser = cast.client("alice")
    assert decide(cast, browser, "viktor", "place", team=cast.team.public_id).status_code == 303
    assert "维克" in page(browser, f"/volunteers/teams/{cast.team.public_id}")
    bad = decide(cast, browser, "viktor", "place", team="nothing")
    assert (bad.status_code, bad.headers["Linli-Answer"]) == (422, "team_missing")


def test_a_number_is_shown_after_a_reason_and_kept_nowhere(cast: Cast) -> None:
    browser, path = cast.client("tess"), of(cast, "vera")
    shown = page(browser, path)
    number = cast.people["vera"].phone
    assert number not in shown
    fields = hidden_fields(shown, f"{path}/reveal")
    refused = browser.post(f"{path}/reveal", data=fields | {"reason": " "})
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "reason_missing")
    assert number not in refused.get_data(as_text=True)
    got = browser.post(f"{path}/reveal", data=fields | {"reason": "今晚的班"})
    assert got.status_code == 200
    assert f"tel:{number}" in got.get_data(as_text=True)
    assert got.headers["Cache-Control"] == "no-store"
    part = browser.post(
        f"{path}/reveal",
        data=hidden_fields(page(browser, path), f"{path}/reveal") | {"reason": "再打一次"},
        headers={"HX-Request": "true"},
    ).get_data(as_text=True)
    assert part.strip().startswith('<section class="card" id="phone"')
    assert f"tel:{number}" in part


def test_the_link_of_a_merged_volunteer_leads_on(cast: Cast) -> None:
    with cast.app.app_context():
        db.writing(
            lambda: db.connection().execute(
                update(Volunteer.__table__)
                .where(Volunteer.id == cast.volunteers["zoe"].id)
                .values(state=VolunteerState.MERGED, merged_into_id=cast.volunteers["vera"].id)
            )
        )()
    answer = cast.client("alice").get(of(cast, "zoe"))
    assert (answer.status_code, answer.location) == (302, of(cast, "vera"))
    assert cast.client("charlie").get(of(cast, "zoe")).status_code == 404
