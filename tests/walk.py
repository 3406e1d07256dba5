"""How each route is called by the tests that walk all of them: what it is about, and a good form for it."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.conftest import Cast
from tests.factories import Factory, make_deed
from webapp.domain.areas.queries import list_zone_classes
from webapp.domain.households.models import HouseholdState, MemberState
from webapp.domain.households.services import lists


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


# --- areas and households -----------------------------------------------------------------------------------


@call("GET /areas/<public_id>")
def the_community(world: World) -> Call:
    return {"public_id": world.cast.community.public_id}, {}


@call("GET /areas/<public_id> #building")
def the_building(world: World) -> Call:
    return {"public_id": world.cast.building.public_id}, {}


@call("POST /areas/<public_id>/zone")
def seal_a_new_building(world: World) -> Call:
    cast = world.cast
    building = world.make.area("新楼", level="building", parent=cast.compound)
    with cast.app.app_context():
        classes = {choice.code: choice.id for choice in list_zone_classes()}
    form = {"zone_class": str(classes["sealed"]), "reason": "一例阳性", "notice": "第12号通告"}
    return {"public_id": building.public_id}, form


@call("POST /households/join")
def state_a_home(world: World) -> Call:
    form = {"community": world.cast.community.public_id, "name": "某人", "stated_door": "老粮站后面第二家"}
    return {}, form


def _somebody_waits(world: World) -> str:
    cast = world.cast
    somebody = world.make.user("新人")
    made = world.make.household(
        cast.building,
        state=HouseholdState.STATED,
        stated_door="2单元901",
        members={somebody: MemberState.WAITING},
    )
    return made.public_id


@call("GET /households/confirmations/<public_id>")
def look_at_who_waits(world: World) -> Call:
    return {"public_id": _somebody_waits(world)}, {}


@call("POST /households/confirmations/<public_id>/confirm")
def confirm_as_own(world: World) -> Call:
    form = {"building": world.cast.building.public_id, "door": "2-901"}
    return {"public_id": _somebody_waits(world)}, form


@call("POST /households/confirmations/<public_id>/confirm #into")
def confirm_into(world: World) -> Call:
    return {"public_id": _somebody_waits(world)}, {"into": world.cast.household.public_id}


@call("POST /households/confirmations/<public_id>/refuse")
def refuse_somebody(world: World) -> Call:
    return {"public_id": _somebody_waits(world)}, {"reason": "不住这里"}


def _list_of_alice(world: World, *, is_taken: bool) -> Call:
    actor = world.cast.actor("alice")
    with world.cast.app.app_context():
        public_id = lists.receive_list(
            deed=make_deed(actor),
            community_code="511623100013",
            content="门牌,姓名\n3-2-901,张三\n门卫,李四\n".encode(),
            file_name="list.csv",
            language="en",
        )
        lists.run_short(public_id=public_id, actor=actor, say=lambda code, _params: code)
        if is_taken:
            public_id = lists.start_import(deed=make_deed(actor), public_id=public_id)
            lists.run_short(public_id=public_id, actor=actor, say=lambda code, _params: code)
    return {"public_id": public_id}, {}


@call("GET /households/imports/<public_id>", "POST /households/imports/<public_id>/take")
def a_list_that_was_read(world: World) -> Call:
    return _list_of_alice(world, is_taken=False)


@call("GET /households/imports/<public_id>/errors.csv")
def a_list_that_was_taken(world: World) -> Call:
    return _list_of_alice(world, is_taken=True)


def routes_of(app: Flask) -> set[str]:
    """Every rule of the application with its method, as the table writes them."""
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
