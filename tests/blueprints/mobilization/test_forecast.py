"""The pages of the forecast and of the kinds of teams: what they say, for whom, and what bad input leaves behind."""

import re

import pytest

from webapp.base import db
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.models import TeamType, TeamTypeRole
from webapp.domain.mobilization.queries.team_types import list_team_types

pytestmark = pytest.mark.db

ADDRESS = "/mobilization/forecast"
TYPES = "/mobilization/team-types"


@pytest.fixture
def kept(app):
    """Kinds of teams belong to the schema: what a test makes or changes is put back."""
    with app.app_context():
        before = list_team_types(with_closed=True)
    yield before

    @db.writing
    def back():
        session, known = db.session(), {each.id: each for each in before}
        for row in session.query(TeamType).all():
            session.query(TeamTypeRole).filter_by(team_type_id=row.id).delete()
            if row.id not in known:
                session.delete(row)
                continue
            row.name, row.name_en, row.closed_at = known[row.id].name, known[row.id].name_en, None
            for role in known[row.id].roles:
                session.add(
                    TeamTypeRole(
                        team_type_id=row.id,
                        position=role.position,
                        name=role.name,
                        name_en=role.name_en,
                        skill_code=role.skill_code,
                        needed_count=role.needed_count,
                    )
                )

    with app.app_context():
        back()


def post(client, path, data):
    token = client.get("/session").json["csrf"]
    return client.post(path, data={"csrf_token": token, "_key": new_public_id()} | data)


def page(cast, name, path=ADDRESS):
    response = cast.client(name).get(path)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def card(html, title):
    """The text of the card of one kind of team."""
    found = re.search(rf"<h2>{title}</h2>(.*?)</section>", html, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def two_gates(cast, make):
    """Two who keep order beside bob, one at the desk: one gate team; the next lacks two."""
    for name, skill in (("秩序甲", "order"), ("秩序乙", "order"), ("登记甲", "desk")):
        make.reservist(make.user(name), area=cast.building, skills=(skill,))


def test_the_page_says_how_many_teams_can_go_and_who_is_missing(cast, make):
    two_gates(cast, make)
    said = card(page(cast, "alice"), "卡口值守队")
    assert said.startswith("1 队现在就能出")
    assert "还差值守1人、登记1人，就能再出1队" in said
    html = page(cast, "alice")
    assert re.search(r'<svg[^>]*role="img"[^>]*aria-label="卡口值守队今后72小时：现在 1 队', html)
    assert "还没有召集过" in html, "nothing is said of who would come where nobody knows"
    assert "储备 7 人，现在能来 7 人" in html


def test_the_scenario_says_before_and_after_and_that_nothing_was_changed(cast, make):
    two_gates(cast, make)
    html = page(cast, "alice", f"{ADDRESS}?area={cast.community.public_id}&sealed={cast.building.public_id}")
    assert "假设封了：3栋" in html
    assert "什么也没改" in html
    said = card(html, "卡口值守队")
    assert said.startswith("0 队现在就能出 · 没封时 1 队")
    assert "封控区里面（3栋）能出 1 队，只在里面用" in said
    assert re.search(rf'value="{cast.building.public_id}" selected', html)


def test_a_dispatcher_sees_the_areas_below_and_goes_down(cast, make):
    two_gates(cast, make)
    html = page(cast, "dora")
    link = re.search(rf'href="([^"]*area={cast.community.public_id})"', html)[1]
    assert "北辰社区" in page(cast, "dora", link)
    assert cast.client("alice").get(f"{ADDRESS}?area={cast.town.public_id}").status_code == 404
    assert cast.client("dora").get(f"{ADDRESS}?sealed={cast.building.public_id}x").status_code == 404


def test_an_area_without_anybody_says_what_to_do_next(cast):
    html = page(cast, "olga")
    assert "还没有人在储备库" in html
    assert 'href="/mobilization/reserve"' in html


def test_the_lead_of_a_team_sees_the_team(cast):
    html = page(cast, "tess")
    assert "红马甲" in html
    assert "储备 2 人" in html
    assert "鲍伯" not in html


# --- kinds of teams -----------------------------------------------------------------------------------------


def form(**more):
    return {
        "name": "转运队",
        "name_en": "moving team",
        "role-0": "开车",
        "skill-0": "driving",
        "count-0": "1",
        "role-2": "搬运",
        "skill-2": "carrying",
        "count-2": "6",
    } | more


def test_the_county_makes_a_kind_of_team_changes_it_and_puts_it_out_of_use(cast, kept):
    erin = cast.client("erin")
    assert post(erin, TYPES, form()).status_code == 303
    html = page(cast, "alice", TYPES)
    assert "转运队" in html
    assert "每队 7 人：开车 1、搬运 6" in html
    assert "转运队" in page(cast, "alice"), "the forecast counts it at once"
    with cast.app.app_context():
        made = next(each for each in list_team_types() if each.name == "转运队")
    address = f"{TYPES}/{made.public_id}"
    assert post(erin, address, form(**{"count-2": "4"})).status_code == 303
    assert "每队 5 人" in page(cast, "alice", TYPES)
    assert post(erin, f"{address}/close", {}).status_code == 303
    assert "转运队" not in page(cast, "alice")
    assert "已停用" in page(cast, "alice", TYPES)
    assert post(erin, f"{address}/close", {"open": "1"}).status_code == 303
    assert "转运队" in page(cast, "alice")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"count-0": "many"}, "count-0"),
        ({"count-0": "0"}, None),
        ({"count-0": "99999"}, "count-0"),
        ({"skill-2": "juggling"}, "skill-1"),
        ({"role-2": "", "count-2": "3"}, "role-1"),
        ({"name": "核酸采样队"}, "name"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(cast, kept, more, field):
    refused = post(cast.client("erin"), TYPES, form(**more))
    assert refused.status_code == 422
    html = refused.get_data(as_text=True)
    assert 'value="moving team"' in html
    assert 'value="开车"' in html
    if field:
        assert re.search(rf'<(?:input|select) id="{field}"[^>]*aria-invalid="true"', html)
    with cast.app.app_context():
        assert list_team_types(with_closed=True) == kept
