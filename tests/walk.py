"""How each route is called by the tests that walk all of them: what it is about, and a good form for it."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.conftest import Cast
from tests.factories import Factory


class World:
    """What a route is called about; made anew for each call, so that no call meets what another one did."""

    def __init__(self, cast: Cast, make: Factory) -> None:
        self.cast, self.make = cast, make

    def round(self, **columns: Any) -> Any:
        cast = self.cast
        return self.make.round(
            cast.community,
            buildings=(cast.building, cast.other_building),
            bags=({"name": "蔬菜包A", "capacity": 50},),
            **columns,
        )


Call = tuple[dict[str, str], dict[str, str]]
"""The values of the rule's variables, and the form."""

CALLS: dict[str, Callable[[World], Call]] = {}


def call(*keys: str) -> Callable[[Callable[[World], Call]], Callable[[World], Call]]:
    """How these routes are called; without one a route is called without variables and with an empty form."""

    def note(function: Callable[[World], Call]) -> Callable[[World], Call]:
        for key in keys:
            CALLS[key] = function
        return function

    return note


def nothing(_world: World) -> Call:
    return {}, {}


@call("POST /accounts/preferences")
def large_type(_world: World) -> Call:
    return {}, {"text_size": "large", "next": "/style-guide"}


def routes_of(app: Flask) -> set[str]:
    """Every rule of the application with its method, as the table writes them."""
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
