"""Answering through a link and in the app, the slip, and what each page says to whom."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.lint import hidden_fields
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.areas import services as areas
from webapp.domain.areas.queries import list_zone_classes
from webapp.domain.mobilization.models import CallUp, CallUpRole, Summons
from webapp.domain.mobilization.queries.slips import token_of
from webapp.domain.mobilization.rules import AnswerSource, CallUpState, SummonsState

pytestmark = pytest.mark.db

_summonses: Any = Summons.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__


def link(summons):
    return f"/mobilization/answer/{summons.token}"


def press(client, address, reply, *, key=None, headers=None, **form):
    return client.post(
        address, data=form | {"reply": reply, "_key": key or new_public_id()}, headers=headers or {}
    )


def row_of(app, summons):
    with app.app_context(), db.db.engine.connect() as connection:
        return connection.execute(select(_summonses).where(_summonses.c.id == summons.id)).one()


def change(app, table, row_id, **values):
    with app.app_context():

        @db.writing
        def write():
            db.connection().execute(update(table).where(table.c.id == row_id).values(**values))

        write()


@pytest.fixture
def asked(cast, make):
    call_up = make.call_up(
        cast.community,
        bring="手电、雨衣",
        sleeps="睡北辰小学体育馆",
        eats="管晚饭和夜宵",
        map_url="https://map.example/x",
    )
    return call_up, make.summons(call_up, cast.people["vera"].person_id)


# --- the link -----------------------------------------------------------------------------------------------


def test_the_link_shows_all_that_one_must_know_and_answers_nothing(app, cast, asked):
    _call_up, summons = asked
    response = cast.client(None).get(link(summons))
    page = response.get_data(as_text=True)
    assert response.status_code == 200
    for words in (
        "搬运物资",
        "北门岗亭",
        "菜鸟驿站旁",
        "手电、雨衣",
        "睡北辰小学体育馆",
        "管晚饭和夜宵",
        "艾丽",
    ):
        assert words in page
    assert "tel:08263220013" in page
    assert 'href="https://map.example/x"' in page
    # Whose it is, and no more of the name.
    assert "薇*" in page
    assert "薇拉" not in page
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert row_of(app, summons).state is SummonsState.WAITING


def test_one_press_answers_without_signing_in_and_gives_the_slip(app, cast, asked):
    _call_up, summons = asked
    client = cast.client(None)
    form = hidden_fields(client.get(link(summons)).get_data(as_text=True), link(summons))
    response = client.post(link(summons), data=form | {"reply": "coming", "eta": "20"})
    assert response.status_code == 303
    assert response.headers["Location"].endswith(link(summons))
    row = row_of(app, summons)
    assert (row.state, row.answer_source) == (SummonsState.COMING, AnswerSource.LINK)
    page = client.get(link(summons)).get_data(as_text=True)
    assert row.slip_code in page
    assert "<svg" in page


def test_a_browser_without_cookies_answers_too(app, cast, asked):
    _call_up, summons = asked
    assert press(app.test_client(use_cookies=False), link(summons), "coming").status_code == 303
    assert row_of(app, summons).state is SummonsState.COMING


def test_the_same_key_from_two_browsers_is_one_answer(app, cast, asked):
    call_up, summons = asked
    key = new_public_id()
    for _ in range(2):
        assert press(app.test_client(), link(summons), "coming", key=key, eta="20").status_code == 303
    with app.app_context(), db.db.engine.connect() as connection:
        found = select(_roles.c.taken_count).where(_roles.c.id == call_up.roles[0])
        assert connection.execute(found).scalar_one() == 1


def test_the_outbox_gets_its_receipt(cast, asked):
    _call_up, summons = asked
    key = new_public_id()
    response = press(
        cast.client(None),
        link(summons),
        "coming",
        key=key,
        headers={"Accept": "application/json", "Idempotency-Key": key},
    )
    assert (response.status_code, response.headers["Linli-Receipt"]) == (200, key)
    assert response.json["code"] == "coming"


def test_a_forged_link_is_404_for_looking_and_for_pressing(cast, asked):
    _call_up, summons = asked
    client = cast.client(None)
    for token in (summons.token[::-1], "x", "A" * 22):
        assert client.get(f"/mobilization/answer/{token}").status_code == 404
        assert press(client, f"/mobilization/answer/{token}", "coming").status_code == 404


def test_an_expired_link_says_whom_to_call(app, cast, asked):
    call_up, summons = asked
    change(app, _call_ups, call_up.id, state=CallUpState.CLOSED, closed_at=clock.now())
    client = cast.client(None)
    response = client.get(link(summons))
    assert response.status_code == 410
    assert "0826-3220013" in response.get_data(as_text=True)
    assert press(client, link(summons), "coming").status_code == 410
    assert row_of(app, summons).state is SummonsState.WAITING


def test_a_link_a_week_after_the_end_is_expired(app, cast, asked):
    call_up, summons = asked
    over = clock.now() - timedelta(days=7, minutes=1)
    change(app, _call_ups, call_up.id, starts_at=over - timedelta(hours=4), ends_at=over)
    assert cast.client(None).get(link(summons)).status_code == 410


def test_after_a_stand_down_the_page_thanks_and_a_press_changes_nothing(app, cast, asked):
    call_up, summons = asked
    change(app, _call_ups, call_up.id, state=CallUpState.STOOD_DOWN)
    client = cast.client(None)
    page = client.get(link(summons))
    assert page.status_code == 200
    assert 'value="coming"' not in page.get_data(as_text=True)
    assert press(client, link(summons), "coming").status_code == 410
    assert row_of(app, summons).state is SummonsState.WAITING


def test_a_press_without_an_answer_is_refused_with_the_page(cast, asked):
    _call_up, summons = asked
    response = press(cast.client(None), link(summons), "perhaps")
    assert response.status_code == 422
    assert response.headers["Linli-Answer"] == "reply_missing"
    assert "搬运物资" in response.get_data(as_text=True)


def test_full_thanks_and_offers_what_is_still_needed(app, cast, make):
    call_up = make.call_up(cast.community, roles=((None, 1), ("delivery", 2)))
    make.summons(call_up, cast.people["viktor"].person_id, state=SummonsState.COMING)
    summons = make.summons(call_up, cast.people["vera"].person_id)
    client = cast.client(None)
    press(client, link(summons), "coming")
    page = client.get(link(summons)).get_data(as_text=True)
    assert row_of(app, summons).state is SummonsState.QUEUED
    assert "任务2" in page
    with app.app_context(), db.db.engine.connect() as connection:
        other = connection.execute(
            select(_roles.c.public_id).where(_roles.c.id == call_up.roles[1])
        ).scalar_one()
    assert other in page
    press(client, link(summons), "coming", role=other)
    row = row_of(app, summons)
    assert (row.state, row.role_id) == (SummonsState.COMING, call_up.roles[1])


def test_a_sealed_place_says_so_first_and_needs_the_tick(app, cast, make):
    call_up = make.call_up(cast.compound)
    with app.app_context():
        classes = {each.code: each.id for each in list_zone_classes()}
        from tests.factories import make_deed  # noqa: PLC0415

        areas.set_zone(
            deed=make_deed(cast.actor("alice")),
            public_id=cast.compound.public_id,
            zone_class_id=classes["sealed"],
            reason="一例阳性",
            notice="第12号通告",
        )
    summons = make.summons(call_up, cast.people["fern"].person_id)
    client = cast.client(None)
    assert 'name="knows_sealed"' in client.get(link(summons)).get_data(as_text=True)
    response = press(client, link(summons), "coming")
    assert (response.status_code, response.headers["Linli-Answer"]) == (422, "sealed_tick")
    assert row_of(app, summons).state is SummonsState.WAITING
    # The outbox is told what one tap agrees to.
    refusal = press(client, link(summons), "coming", headers={"Accept": "application/json"})
    assert refusal.json["confirm"] == {"knows_sealed": "1"}
    assert press(client, link(summons), "coming", knows_sealed="1").status_code == 303
    assert row_of(app, summons).knows_sealed_at is not None


def test_a_drill_says_so_on_each_of_its_pages(cast, make):
    call_up = make.call_up(cast.community, is_drill=True)
    summons = make.summons(call_up, cast.people["vera"].person_id, state=SummonsState.COMING)
    client = cast.client("vera")
    for address in (
        link(summons),
        f"/mobilization/summonses/{summons.public_id}",
        "/mobilization/summonses",
        f"/mobilization/slips/{token_of(summons.public_id)}",
    ):
        assert "【演练】" in client.get(address).get_data(as_text=True), address


# --- in the app ---------------------------------------------------------------------------------------------


def test_ones_own_summonses_are_kept_on_the_phone_and_answered_there(app, cast, asked):
    _call_up, summons = asked
    client = cast.client("vera")
    listed = client.get("/mobilization/summonses")
    assert summons.public_id in listed.get_data(as_text=True)
    page = client.get(f"/mobilization/summonses/{summons.public_id}")
    assert (listed.headers["X-Offline"], page.headers["X-Offline"]) == ("keep", "keep")
    csrf = client.get("/session").json["csrf"]
    address = f"/mobilization/summonses/{summons.public_id}/answer"
    response = press(client, address, "coming", eta="30", csrf_token=csrf)
    assert response.status_code == 303
    row = row_of(app, summons)
    assert (row.state, row.answer_source) == (SummonsState.COMING, AnswerSource.APP)
    assert row.slip_code in client.get(f"/mobilization/summonses/{summons.public_id}").get_data(as_text=True)


def test_somebody_elses_summons_is_nothing(cast, asked):
    _call_up, summons = asked
    client = cast.client("viktor")
    assert client.get(f"/mobilization/summonses/{summons.public_id}").status_code == 404
    csrf = client.get("/session").json["csrf"]
    address = f"/mobilization/summonses/{summons.public_id}/answer"
    assert press(client, address, "coming", csrf_token=csrf).status_code == 404
    assert summons.public_id not in client.get("/mobilization/summonses").get_data(as_text=True)


# --- the slip -----------------------------------------------------------------------------------------------


def test_a_slip_is_verified_by_its_code_and_by_its_number(app, cast, asked):
    _call_up, summons = asked
    press(cast.client(None), link(summons), "coming")
    code = row_of(app, summons).slip_code
    gate = cast.client(None)
    by_qr = gate.get(f"/mobilization/slips/{token_of(summons.public_id)}").get_data(as_text=True)
    by_code = gate.get(f"/mobilization/slips?code=%20{code.lower()[:2]}%20{code.lower()[2:]}").get_data(
        as_text=True
    )
    for page in (by_qr, by_code):
        assert code in page
        assert "薇*" in page
        assert "薇拉" not in page
        assert cast.people["vera"].phone not in page
        assert 'class="notice good"' in page


def test_a_slip_that_was_given_back_or_never_given_does_not_hold(app, cast, asked):
    _call_up, summons = asked
    client = cast.client(None)
    address = f"/mobilization/slips/{token_of(summons.public_id)}"
    assert client.get(address).status_code == 404
    press(client, link(summons), "coming")
    press(client, link(summons), "cannot")
    page = client.get(address).get_data(as_text=True)
    assert 'class="notice bad"' in page


def test_a_forged_slip_is_nothing(cast, asked):
    _call_up, summons = asked
    press(cast.client(None), link(summons), "coming")
    client = cast.client(None)
    token = token_of(summons.public_id)
    for forged in (token[::-1], summons.public_id, token[:-4] + "AAAA", "x"):
        assert client.get(f"/mobilization/slips/{forged}").status_code == 404
    assert client.get("/mobilization/slips?code=22222").status_code == 404


def test_a_slip_of_a_call_up_that_is_over_or_stood_down_says_so(app, cast, asked):
    call_up, summons = asked
    client = cast.client(None)
    press(client, link(summons), "coming")
    address = f"/mobilization/slips/{token_of(summons.public_id)}"
    change(app, _call_ups, call_up.id, state=CallUpState.STOOD_DOWN)
    assert 'class="notice bad"' in client.get(address).get_data(as_text=True)
    over = clock.now() - timedelta(hours=4)
    change(app, _call_ups, call_up.id, starts_at=over - timedelta(hours=4), ends_at=over)
    assert 'class="notice bad"' in client.get(address).get_data(as_text=True)


def test_codes_are_not_tried_by_the_hundred(cast):
    client = cast.client(None)
    statuses = {client.get("/mobilization/slips?code=ABCDE").status_code for _ in range(45)}
    assert statuses == {404, 429}
