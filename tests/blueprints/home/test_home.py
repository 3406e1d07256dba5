"""What the home page shows first: to whom is called, and to who calls."""

from datetime import timedelta

import pytest

from webapp.base import clock
from webapp.domain.mobilization.rules import CallUpState, SummonsState

pytestmark = pytest.mark.db


def home(cast, who: str) -> str:
    return cast.client(who).get("/").get_data(as_text=True)


def test_who_is_called_reads_it_first_and_answers_in_one_tap(cast, make):
    call_up = make.call_up(cast.community, title="搬运物资")
    summons = make.summons(call_up, cast.people["vera"].person_id)
    page = home(cast, "vera")
    assert f"/mobilization/summonses/{summons.public_id}" in page
    assert "搬运物资" in page
    assert "请答复" in page
    assert "搬运物资" not in home(cast, "viktor")


def test_a_drill_says_so_on_the_home_page_too(cast, make):
    make.summons(make.call_up(cast.community, is_drill=True), cast.people["vera"].person_id)
    assert "【演练】" in home(cast, "vera")


@pytest.mark.parametrize("state", [SummonsState.CANNOT, SummonsState.DROPPED, SummonsState.STOOD_DOWN])
def test_what_is_settled_is_not_on_the_home_page(state, cast, make):
    make.summons(make.call_up(cast.community, title="搬运物资"), cast.people["vera"].person_id, state=state)
    assert "搬运物资" not in home(cast, "vera")


def test_what_is_over_is_not_on_the_home_page(cast, make):
    now = clock.now()
    call_up = make.call_up(
        cast.community,
        title="搬运物资",
        starts_at=now - timedelta(hours=5),
        ends_at=now - timedelta(hours=1),
    )
    make.summons(call_up, cast.people["vera"].person_id)
    assert "搬运物资" not in home(cast, "vera")


def test_a_head_sees_that_people_are_being_called_and_another_community_does_not(cast, make):
    make.call_up(cast.community)
    make.call_up(cast.community, state=CallUpState.DRAFT)
    assert "正在召集" in home(cast, "alice")
    assert "正在召集" not in home(cast, "charlie")
    assert "正在召集" not in home(cast, "ruth")


def test_the_inbox_is_a_tab_or_a_row(cast):
    for who in ("ruth", "alice"):
        assert home(cast, who).count('href="/notifications"') == 1, who
