"""A remembered cookie is as good as a checked one, and no better."""

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from tests.conftest import Cast

pytestmark = pytest.mark.db


def test_signing_out_elsewhere_holds_at_once_for_a_remembered_cookie(cast: Cast):
    here, there = cast.client("ruth"), cast.client("ruth")
    assert here.get("/accounts/me").status_code == 200
    assert here.get("/accounts/me").status_code == 200
    csrf = there.get("/session").json["csrf"]
    there.post("/accounts/sign-out-everywhere", data={"csrf_token": csrf, "_key": "sign-out-key"})
    assert here.get("/accounts/me").status_code == 303


def test_a_cookie_with_another_signature_is_nobody(app: Flask, cast: Cast):
    browser = cast.client("ruth")
    assert browser.get("/accounts/me").status_code == 200
    cookie = browser.get_cookie("linli")
    browser.set_cookie("linli", cookie.value[:-4] + ("aaaa" if cookie.value[-4:] != "aaaa" else "bbbb"))
    assert browser.get("/accounts/me").status_code == 303


def test_what_one_view_writes_into_a_session_stays_out_of_the_remembered_one(app: Flask):
    browser, copy = app.test_client(), app.test_client()
    browser.get("/accounts/sign-in")
    copy.set_cookie("linli", browser.get_cookie("linli").value)
    sessions = app.session_interface
    with app.test_request_context(
        headers={"Cookie": f"linli={browser.get_cookie('linli').value}"}
    ) as context:
        first = sessions.open_session(app, context.request)
        first["sign_in_phone"] = "13900000000"
        assert "sign_in_phone" not in sessions.open_session(app, context.request)


def test_the_token_of_a_form_is_one_that_flask_wtf_takes(app: Flask, cast: Cast):
    browser = cast.client("ruth")
    browser.get("/accounts/me")
    page = browser.get("/accounts/me").get_data(as_text=True)
    token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    with browser.session_transaction() as session:
        raw = session["csrf_token"]
    assert URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").loads(token) == raw
    form = {"csrf_token": token, "_key": "a-key-of-a-form", "text_size": "large"}
    assert browser.post("/accounts/preferences", data=form).status_code == 303
    assert (
        browser.post("/accounts/preferences", data=form | {"csrf_token": token[:-3] + "xxx"}).status_code
        == 400
    )
