import gzip

import pytest
from flask.testing import FlaskClient

from webapp.web.packing import Packer

SHEET = b"body{color:#085c32}.card{padding:1rem}" * 40


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a page without the sheet" * 50,
        SHEET,
        b"<style>" + SHEET + b"</style><p>" + "您好".encode() * 500,
        b"<style>" + SHEET + b"</style>" + SHEET,
    ],
)
def test_what_is_packed_is_what_was_said(body):
    assert gzip.decompress(Packer(SHEET).pack(body)) == body


def test_the_sheet_is_packed_in_each_page():
    page = b"<style>" + SHEET + b"</style>"
    assert len(Packer(SHEET).pack(page)) < len(page) / 5


def test_a_page_leaves_packed_only_for_whom_it_can_be_read(app):
    browser = FlaskClient(app)  # the linting client reads plain pages
    packed = browser.get("/accounts/sign-in", headers={"Accept-Encoding": "gzip"})
    plain = browser.get("/accounts/sign-in")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert b"<h1" in gzip.decompress(packed.data)
