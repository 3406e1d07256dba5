"""Signing up on a phone: the phone first, one page, nothing typed is lost; invitations and what each is over by."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tests.conftest import Cast
from tests.factories import make_deed
from tests.lint import hidden_fields
from webapp.base import clock, db
from webapp.domain.volunteers import services
from webapp.domain.volunteers.models import TeamInvitation, Volunteer
from webapp.domain.volunteers.queries.teams import token_of
from webapp.domain.volunteers.rules import VolunteerState

pytestmark = pytest.mark.db
URL = "/volunteers/join"
ANSWERS = {
    "name": "诺拉",
    "skills": ["delivery", "care"],
    "when": ["weekend_morning"],
    "age": "adult",
    "health": "y",
    "confidentiality": "y",
}


def page(browser: Any, path: str = URL, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def send(cast: Cast, browser: Any, *, invitation: str = "", **changes: Any) -> Any:
    path = f"{URL}?area={cast.community.public_id}&invitation={invitation}"
    return browser.post(URL, data=hidden_fields(page(browser, path), URL) | ANSWERS | changes)


def invite(cast: Cast, **values: Any) -> str:
    with cast.app.app_context():
        public_id = services.make_invitation(
            deed=make_deed(cast.actor("alice")),
            team=cast.team.public_id,
            **({"days": 7, "use_limit": 30} | values),
        )
        return token_of(public_id)


def change(cast: Cast, model: Any, condition: Any, **values: Any) -> None:
    with cast.app.app_context():
        db.writing(
            lambda: db.connection().execute(update(model.__table__).where(condition).values(**values))
        )()


def test_a_visitor_is_asked_for_the_phone_and_comes_back(cast: Cast) -> None:
    token = invite(cast)
    browser = cast.client(None)
    shown = page(browser, f"{URL}?invitation={token}")
    fields = hidden_fields(shown, "/accounts/sign-in")
    assert fields["next"] == f"{URL}?invitation={token}"
    sent = browser.post("/accounts/sign-in", data=fields | {"phone": "13712345678"})
    assert sent.status_code == 303
    assert token in sent.location


def test_who_has_a_home_answers_on_one_page(cast: Cast) -> None:
    shown = page(cast.client("ruth"))
    assert "北辰社区" in shown
    assert "如诗" in shown
    assert f'<option selected value="{cast.building.public_id}">' in shown
    assert shown.count('name="skills"') == 6
    assert shown.count('name="when"') == 4


def test_who_has_none_chooses_the_community_first(cast: Cast) -> None:
    shown = page(cast.client("nora"))
    assert 'name="area"' in shown
    assert 'name="skills"' not in shown


def test_the_answer_page_leads_straight_to_the_shifts(cast: Cast) -> None:
    browser = cast.client("nora")
    answer = send(cast, browser)
    assert (answer.status_code, answer.location) == (303, "/volunteers/joined")
    assert answer.headers["Linli-Receipt"]
    assert 'href="/rosters/shifts"' in page(browser, "/volunteers/joined")
    assert browser.get(URL).location == "/volunteers/me"
    assert "诺拉" in page(cast.client("alice"), "/volunteers?state=applied")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"skills": []}, "skill_not_chosen", "skills"),
        ({"when": []}, "time_missing", "when"),
        ({"when": ["at midnight"]}, "time_missing", "when"),
        ({"age": "minor"}, "minors_not_taken", "age"),
        ({"age": "child"}, "too_young", "age"),
        ({"age": ""}, "invalid", "age"),
        ({"health": ""}, "pledge_not_made", "health"),
        ({"confidentiality": ""}, "pledge_not_made", "confidentiality"),
    ],
)
def test_what_is_refused_stands_at_its_question_and_the_typing_stays(
    cast: Cast, changes: dict[str, Any], code: str, field: str
) -> None:
    browser = cast.client("ruth")
    answer = send(cast, browser, building=cast.building.public_id, **changes)
    shown = answer.get_data(as_text=True)
    assert (answer.status_code, answer.headers["Linli-Answer"]) == (422, code)
    assert f'id="{field}-error"' in shown
    assert f'href="#{field}"' in shown
    assert f'<option selected value="{cast.building.public_id}">' in shown
    if field != "skills":
        assert 'value="delivery" checked' in shown
    if field != "when":
        assert 'value="weekend_morning" checked' in shown


def test_a_name_is_asked_only_of_who_has_none(cast: Cast) -> None:
    assert 'id="name"' not in page(cast.client("ruth"))


def test_where_sixteen_is_allowed_the_parent_is_asked_for(cast: Cast) -> None:
    cast.app.config["VOLUNTEERS_FROM_16"] = True
    try:
        browser = cast.client("ruth")
        assert 'name="guardian_name"' in page(browser)
        answer = send(cast, browser, age="minor")
        assert answer.headers["Linli-Answer"] == "consent_missing"
        assert send(cast, browser, age="minor", guardian_name="妈妈").status_code == 303
    finally:
        cast.app.config["VOLUNTEERS_FROM_16"] = False
    assert 'name="guardian_name"' not in page(cast.client("rita"))


def test_the_outbox_gets_its_answer_as_json_and_a_repeat_is_the_same(cast: Cast) -> None:
    browser = cast.client("ruth")
    csrf = browser.get("/session").json["csrf"]
    headers = {"Accept": "application/json", "X-CSRFToken": csrf, "Idempotency-Key": "key-of-the-phone"}
    body = ANSWERS | {"community": cast.community.public_id}
    for _ in range(2):
        answer = browser.post(URL, data=body, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (200, "signed_up")
        assert answer.headers["Linli-Receipt"] == "key-of-the-phone"


def test_who_was_refused_reads_why(cast: Cast) -> None:
    change(
        cast,
        Volunteer,
        Volunteer.id == cast.volunteers["zoe"].id,
        state=VolunteerState.REFUSED,
        decision_note="人已经够了",
    )
    browser = cast.client("zoe")
    assert browser.get(URL).location == "/volunteers/me"
    assert "人已经够了" in page(browser, "/volunteers/me")


# --- invitations --------------------------------------------------------------------------------------------


def test_whoever_scans_the_code_is_led_the_shortest_way(cast: Cast) -> None:
    token = invite(cast)
    path = f"/volunteers/invitations/{token}"
    visitor = page(cast.client(None), path)
    assert "红马甲" in visitor
    assert hidden_fields(visitor, "/accounts/sign-in")["next"] == f"{URL}?invitation={token}"
    assert f"{URL}?invitation={token}" in page(cast.client("ruth"), path)
    assert hidden_fields(page(cast.client("zoe"), path), path)
    assert "/rosters/shifts" in page(cast.client("vera"), path)


def test_the_last_place_went_to_somebody_and_what_was_typed_goes_without(cast: Cast) -> None:
    token = invite(cast, use_limit=1)
    late = cast.client("ruth")
    fields = hidden_fields(page(late, f"{URL}?invitation={token}"), URL)
    assert send(cast, cast.client("rita"), invitation=token).status_code == 303
    answer = late.post(URL, data=fields | ANSWERS)
    shown = answer.get_data(as_text=True)
    assert (answer.status_code, answer.headers["Linli-Answer"]) == (410, "invitation_used_up")
    assert 'value="care" checked' in shown
    again = hidden_fields(shown, URL)
    assert again["invitation"] == ""
    assert late.post(URL, data=again | ANSWERS).status_code == 303


def test_each_way_of_being_over_has_its_own_answer(cast: Cast) -> None:
    tokens = [invite(cast) for _ in range(3)]
    change(
        cast,
        TeamInvitation,
        TeamInvitation.public_id == tokens[0][:22],
        expires_at=clock.now() - timedelta(minutes=1),
    )
    change(cast, TeamInvitation, TeamInvitation.public_id == tokens[1][:22], revoked_at=clock.now())
    change(cast, TeamInvitation, TeamInvitation.public_id == tokens[2][:22], used_count=30)
    codes = []
    for token in tokens:
        answer = cast.client(None).get(f"/volunteers/invitations/{token}")
        assert answer.status_code == 410
        codes.append(answer.headers["Linli-Answer"])
    assert codes == ["invitation_expired", "invitation_revoked", "invitation_used_up"]
    for forged in (f"{tokens[0][:-1]}~", tokens[0][:22], "x", "%E4%B8%AD" * 5):
        answer = cast.client(None).get(f"/volunteers/invitations/{forged}")
        assert (answer.status_code, answer.headers["Linli-Answer"]) == (404, "invitation_forged")


def test_a_volunteer_joins_with_one_press(cast: Cast) -> None:
    token = invite(cast)
    path = f"/volunteers/invitations/{token}"
    browser = cast.client("zoe")
    answer = browser.post(path, data=hidden_fields(page(browser, path), path))
    assert (answer.status_code, answer.location) == (303, "/volunteers/joined")
    assert "红马甲" in page(browser, "/volunteers/joined")
