"""Walks tests/access.toml: every route, everybody of the cast, the status that stands in the table.

The table is written by hand and nothing here looks at a decorator, so a view that forgets its permission or its
row scope shows up as a number that is not the written one.
"""

import tomllib
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import Cast
from tests.factories import Factory
from tests.walk import CALLS, World, nothing, routes_of
from webapp import create_app
from webapp.base.ids import new_public_id

pytestmark = pytest.mark.db

TABLE = tomllib.loads((Path(__file__).parent.parent / "access.toml").read_text(encoding="utf-8"))
PEOPLE: list[str] = TABLE["people"]
ROUTES: dict[str, list[int]] = TABLE["routes"]


def test_every_route_stands_in_the_table_and_nothing_else_does(session_app: Flask) -> None:
    routes = {key.split(" #")[0] for key in ROUTES}
    found = routes_of(session_app)
    assert sorted(found - routes) == [], "write these into tests/access.toml, by hand"
    assert sorted(routes - found) == [], "these are no routes any more"


def test_every_line_names_everybody() -> None:
    assert {key: len(line) for key, line in ROUTES.items() if len(line) != len(PEOPLE)} == {}


def test_a_route_that_nobody_wrote_down_is_found(monkeypatch: pytest.MonkeyPatch, session_app: Flask) -> None:
    app = create_app(
        {"TESTING": True, **{name: session_app.config[name] for name in ("SECRET_KEY", "DATA_DIR")}}
    )
    app.add_url_rule("/probe", view_func=lambda: "", endpoint="probe")
    assert "GET /probe" in routes_of(app) - {key.split(" #")[0] for key in ROUTES}


@pytest.mark.parametrize("key", sorted(ROUTES))
def test_everybody_gets_the_written_status(key: str, cast: Cast, make: Factory) -> None:
    method, rule = key.split(" #", maxsplit=1)[0].split(" ", 1)
    world = World(cast, make)
    got = []
    for person in PEOPLE:
        values, form = CALLS.get(key, nothing)(world)
        path = rule
        for name, value in values.items():
            path = path.replace(f"<{name}>", value)
        assert "<" not in path, f"{key}: nobody said what {path} is called with"
        client = cast.client(None if person == "visitor" else person)
        if method == "GET":
            got.append(client.get(path).status_code)
        else:
            csrf = client.get("/session").json["csrf"]
            got.append(
                client.post(path, data=form | {"csrf_token": csrf, "_key": new_public_id()}).status_code
            )
    differing = {
        person: f"written {written}, got {status}"
        for person, written, status in zip(PEOPLE, ROUTES[key], got, strict=True)
        if written != status
    }
    assert differing == {}, key
