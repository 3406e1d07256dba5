"""Bytes that fail a build: what a resident's phone fetches, against the same goals that `make bench` prints."""

import httpx

from bench import bytes as measured
from bench.report import GOALS
from tests.e2e.conftest import COOKIE


def test_what_a_resident_fetches_keeps_its_budget(house, browser, resident):
    cookie = house.cookie(resident.user)
    pages = {}
    for path in (measured.HOME, measured.ORDER_PAGE):
        answer = httpx.get(house.url + path, headers={"Cookie": f"{COOKIE}={cookie}"})
        assert "data-user" in answer.text
        assert answer.headers["Content-Encoding"] == "gzip"
        pages[path] = answer.text
    found = measured.sizes(pages) | measured.files()
    found |= measured.first_visit(browser, house.program.port, COOKIE, cookie)
    over = {
        name: (found[name], goal.value) for name, goal in GOALS["bytes"].items() if found[name] > goal.value
    }
    assert over == {}
