"""The call list and the page of unclear SMS, as those who call have them before them."""

from typing import Any

import pytest
from sqlalchemy import select

from webapp.base import clock, db
from webapp.base.audit import AuditEntry
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.models import CallAttempt, Summons
from webapp.domain.mobilization.rules import SummonsState

pytestmark = pytest.mark.db

_summonses: Any = Summons.__table__
_attempts: Any = CallAttempt.__table__
_audit: Any = AuditEntry.__table__


@pytest.fixture
def listed(cast, make):
    call_up = make.call_up(cast.community)
    return call_up, make.summons(call_up, cast.people["viktor"].person_id, listed_at=clock.now())


def rows(app, statement):
    with app.app_context(), db.db.engine.connect() as connection:
        return connection.execute(statement).all()


def post(client, address, **form):
    csrf = client.get("/session").json["csrf"]
    return client.post(address, data=form | {"_key": new_public_id(), "csrf_token": csrf})


def test_the_page_shows_the_number_stays_on_the_phone_and_is_written_down(app, cast, listed):
    call_up, _summons = listed
    response = cast.client("alice").get(f"/mobilization/call-ups/{call_up.public_id}/call-list")
    page = response.get_data(as_text=True)
    assert f"tel:{cast.people['viktor'].phone}" in page
    assert "维克" in page
    assert response.headers["X-Offline"] == "keep"
    (line,) = rows(app, select(_audit).where(_audit.c.verb == "open_call_list"))
    assert (line.actor_key, line.object_id) == (cast.actor("alice").key, call_up.id)


def test_an_empty_list_shows_no_number_and_writes_nothing_down(app, cast, make):
    call_up = make.call_up(cast.community)
    assert (
        cast.client("alice").get(f"/mobilization/call-ups/{call_up.public_id}/call-list").status_code == 200
    )
    assert rows(app, select(_audit).where(_audit.c.verb == "open_call_list")) == []


def test_one_press_notes_the_call_and_the_answer_and_leads_to_the_next(app, cast, listed):
    call_up, summons = listed
    response = post(
        cast.client("alice"),
        f"/mobilization/summonses/{summons.public_id}/calls",
        result="coming",
        eta="20",
        seen="1",
        call_up=call_up.public_id,
    )
    assert response.status_code == 303
    assert response.headers["Location"].endswith(f"/mobilization/call-ups/{call_up.public_id}/call-list")
    (row,) = rows(app, select(_summonses).where(_summonses.c.id == summons.id))
    assert (row.state, row.answered_by) == (SummonsState.COMING, cast.actor("alice").key)
    assert len(rows(app, select(_attempts))) == 1


def test_a_refused_press_keeps_the_page_and_says_why(app, cast, make, listed):
    call_up, summons = listed
    other = make.call_up(cast.community)
    make.summons(other, cast.people["viktor"].person_id, state=SummonsState.COMING)
    address = f"/mobilization/summonses/{summons.public_id}/calls"
    response = post(cast.client("alice"), address, result="coming", call_up=call_up.public_id)
    assert (response.status_code, response.headers["Linli-Answer"]) == (422, "call_up_overlap")
    assert "维克" in response.get_data(as_text=True)
    unsaid = post(cast.client("alice"), address, result="perhaps", call_up=call_up.public_id)
    assert (unsaid.status_code, unsaid.headers["Linli-Answer"]) == (422, "reply_missing")
    assert rows(app, select(_attempts)) == []


def test_an_unclear_sms_is_settled_in_two_taps(app, cast, make):
    call_up = make.call_up(cast.community)
    summons = make.summons(call_up, cast.people["vera"].person_id)
    sms = make.sms_reply(cast.community, text="我请好假就来", phone=cast.people["vera"].phone)
    client = cast.client("alice")
    page = client.get("/notifications/replies").get_data(as_text=True)
    assert "我请好假就来" in page
    assert summons.public_id in page
    (line,) = rows(app, select(_audit).where(_audit.c.verb == "open_sms_replies"))
    assert line.actor_key == cast.actor("alice").key
    response = post(
        client,
        f"/notifications/replies/{sms.public_id}/settle",
        summons=summons.public_id,
        reply="coming",
    )
    assert response.status_code == 303
    (row,) = rows(app, select(_summonses).where(_summonses.c.id == summons.id))
    assert row.state is SummonsState.COMING
    assert "我请好假就来" not in client.get("/notifications/replies").get_data(as_text=True)


def test_what_another_has_settled_meanwhile_is_said(cast, make):
    sms = make.sms_reply(cast.community)
    address = f"/notifications/replies/{sms.public_id}/settle"
    assert post(cast.client("alice"), address).status_code == 303
    response = post(cast.client("erin"), address)
    assert (response.status_code, response.headers["Linli-Answer"]) == (409, "reply_settled")
