"""Areas and the change of a zone."""

import pytest

from tests.lint import hidden_fields
from webapp.domain.areas.queries import list_zone_classes

pytestmark = pytest.mark.db


def page(browser, path, status=200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def change(cast, browser, code="sealed", **fields):
    path = f"/areas/{cast.community.public_id}"
    with cast.app.app_context():
        class_id = next(choice.id for choice in list_zone_classes() if choice.code == code)
    form = hidden_fields(page(browser, path), f"{path}/zone")
    form |= {"zone_class": str(class_id), "reason": "一例阳性", "notice": "第12号通告"}
    return browser.post(f"{path}/zone", data=form | fields)


def test_a_head_comes_to_her_community_and_what_lies_below(cast) -> None:
    shown = page(cast.client("alice"), "/areas")
    assert f"/areas/{cast.community.public_id}" in shown
    assert "第一网格" in shown
    assert "北街社区" not in shown
    assert "北街社区" in page(cast.client("dora"), "/areas")


def test_a_zone_is_changed_and_stands_in_the_history(cast) -> None:
    alice = cast.client("alice")
    answer = change(cast, alice)
    assert (answer.status_code, answer.location) == (303, f"/areas/{cast.community.public_id}")
    assert change(cast, alice, code="controlled").status_code == 303
    shown = page(alice, f"/areas/{cast.community.public_id}")
    assert shown.index("管控区") < shown.rindex("封控区")
    assert shown.count("第12号通告") == 3
    assert "管控区" in page(alice, f"/areas/{cast.building.public_id}")


@pytest.mark.parametrize("field", ["reason", "notice", "zone_class"])
def test_what_is_missing_is_said_and_the_rest_stays(cast, field) -> None:
    answer = change(cast, cast.client("alice"), **{field: ""})
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in shown
    assert ("一例阳性" in shown) == (field != "reason")


def test_the_same_class_again_is_refused_on_its_field(cast) -> None:
    alice = cast.client("alice")
    change(cast, alice)
    answer = change(cast, alice)
    assert (answer.status_code, answer.headers["Linli-Answer"]) == (422, "zone_unchanged")


def test_somebody_was_faster(cast) -> None:
    alice = cast.client("alice")
    change(cast, cast.client("dora"))
    answer = change(cast, alice, code="controlled", seen="")
    shown = answer.get_data(as_text=True)
    assert (answer.status_code, answer.headers["Linli-Answer"]) == (409, "zone_changed_meanwhile")
    assert "一例阳性" in shown
    form = hidden_fields(shown, f"/areas/{cast.community.public_id}/zone")
    assert form["seen"]


def test_a_grid_worker_sees_her_grid_without_the_form(cast) -> None:
    shown = page(cast.client("bob"), f"/areas/{cast.building.public_id}")
    assert 'name="zone_class"' not in shown


def test_long_lists_have_pages(cast, make) -> None:
    for number in range(1, 60):
        make.area(f"{number}栋", level="building", parent=cast.compound, sort_key=f"{number:06d}")
    shown = page(cast.client("alice"), f"/areas/{cast.compound.public_id}")
    after = next(part.split('"')[0] for part in shown.split("after=")[1:])
    rest = page(cast.client("alice"), f"/areas/{cast.compound.public_id}?after={after}")
    assert "59栋" in rest
    assert "59栋" not in shown
    page(cast.client("alice"), f"/areas/{cast.compound.public_id}?after=nothing", status=404)
