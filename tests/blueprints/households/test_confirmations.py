"""Confirming homes: what the list says beside what was said, and three answers."""

import pytest

from tests.factories import make_deed
from tests.lint import hidden_fields
from webapp.domain.households.services import joining

pytestmark = pytest.mark.db


@pytest.fixture
def path(cast) -> str:
    with cast.app.app_context():
        public_id = joining.state_household(
            deed=make_deed(cast.actor("nora")),
            name="诺拉",
            community=cast.community.public_id,
            building=cast.building.public_id,
            unit="2",
            number="501",
        )
    return f"/households/confirmations/{public_id}"


def page(browser, path, status=200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def test_it_shows_what_was_said_the_phone_and_the_list(cast, path) -> None:
    shown = page(cast.client("lead"), path)
    assert "诺拉" in shown
    assert f"tel:{cast.people['nora'].phone}" in shown
    assert "如诗、如富" in shown


def test_into_the_household_of_the_list(cast, path) -> None:
    lead = cast.client("lead")
    fields = hidden_fields(page(lead, path), f"{path}/confirm")
    answer = lead.post(f"{path}/confirm", data=fields | {"into": cast.household.public_id})
    assert (answer.status_code, answer.location) == (303, "/households/confirmations")
    assert "3栋2单元501" in page(cast.client("nora"), "/accounts/me")
    page(lead, path, status=409)


def test_a_door_can_be_looked_up_and_taken(cast, path) -> None:
    alice = cast.client("alice")
    shown = page(alice, f"{path}?building={cast.other_building.public_id}&door=1-1203")
    assert "丽塔" in shown
    assert "10栋1单元1203" in shown
    fields = hidden_fields(shown, f"{path}/confirm")
    answer = alice.post(
        f"{path}/confirm",
        data=fields | {"into": "", "building": cast.other_building.public_id, "door": "1-1203"},
    )
    assert answer.status_code == 303
    assert "10栋1单元1203(2)" in page(cast.client("nora"), "/accounts/me")


def test_a_door_that_is_not_understood_is_said_on_its_field(cast, path) -> None:
    shown = page(cast.client("alice"), f"{path}?building={cast.other_building.public_id}&door=gate")
    assert 'aria-invalid="true"' in shown
    assert 'value="gate"' in shown


def test_a_door_of_another_community_is_not_looked_up(cast, path) -> None:
    shown = page(cast.client("alice"), f"{path}?building={cast.foreign_building.public_id}&door=1-101")
    assert "雷莫" not in shown


def test_a_home_without_a_door_needs_one(cast) -> None:
    lead = cast.client("lead")
    path = f"/households/confirmations/{cast.waiting_household.public_id}"
    shown = page(lead, path)
    assert "<details open>" in shown
    fields = hidden_fields(shown, f"{path}/refuse")
    answer = lead.post(f"{path}/confirm", data=fields | {"building": "", "door": ""})
    assert (answer.status_code, answer.headers["Linli-Answer"]) == (422, "door_needed")
    answer = lead.post(
        f"{path}/confirm", data=fields | {"building": cast.building.public_id, "door": "1单元302"}
    )
    assert answer.status_code == 303


def test_nobody_waiting_says_what_to_do(cast) -> None:
    assert 'class="empty"' in page(cast.client("charlie"), "/households/confirmations")
