"""How each route is called by the tests that walk all of them: what it is about, and a good form for it."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

from flask import Flask

from tests.conftest import Cast
from tests.factories import Factory, MadeHousehold, MadeRound, MadeShift, make_deed
from webapp.base import clock, db, outbox
from webapp.base.actor import Actor
from webapp.base.ids import new_public_id
from webapp.base.outbox import MessageState, OutboxMessage, Outgoing, Way
from webapp.domain.areas.queries import list_zone_classes
from webapp.domain.households.models import HouseholdState, MemberState
from webapp.domain.households.services import lists
from webapp.domain.mobilization.queries import board as board_queries
from webapp.domain.mobilization.queries import call_ups as call_up_queries
from webapp.domain.mobilization.queries import muster as muster_queries
from webapp.domain.mobilization.queries import paper as mobilization_paper
from webapp.domain.mobilization.queries import slips as slip_queries
from webapp.domain.mobilization.queries import units as unit_queries
from webapp.domain.mobilization.rules import CallUpState, MusterState, SheetCopy, SummonsState
from webapp.domain.mobilization.rules import SheetKind as MobilizationSheetKind
from webapp.domain.mobilization.services import board as boards
from webapp.domain.mobilization.services import paper as mobilization_printing
from webapp.domain.mobilization.services import reserve_lists
from webapp.domain.mobilization.services import units as call_up_units
from webapp.domain.notifications import services as notifications
from webapp.domain.notifications.models import Contact
from webapp.domain.notifications.queries import inbox
from webapp.domain.notifications.services import Notice, notify
from webapp.domain.rosters import services as rosters
from webapp.domain.rosters.queries import certificates as certificate_queries
from webapp.domain.rosters.queries import day as day_queries
from webapp.domain.rosters.queries import duty as duty_queries
from webapp.domain.rosters.queries import fills as fill_queries
from webapp.domain.rosters.queries import hours as hours_queries
from webapp.domain.rosters.queries import paper as roster_paper
from webapp.domain.rosters.rules import (
    Copy,
    DutyKind,
    Evidence,
    LinkKind,
    Mark,
    RosterSheetKind,
    ShiftState,
    SignupSource,
    SignupState,
    monday_of,
)
from webapp.domain.rosters.services import Typed, fills
from webapp.domain.rosters.services import duty as roster_duty
from webapp.domain.rosters.services import links as roster_links
from webapp.domain.rosters.services import paper as roster_printing
from webapp.domain.supplies import services
from webapp.domain.supplies.queries import paper
from webapp.domain.supplies.rules import RoundState, SheetKind, Wish
from webapp.domain.volunteers import services as volunteering
from webapp.domain.volunteers.queries.teams import token_of
from webapp.domain.volunteers.rules import Society, VolunteerState
from webapp.domain.volunteers.services import Name
from webapp.domain.volunteers.services import lists as volunteer_lists


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


# --- orders, rounds, bags -----------------------------------------------------------------------------------


@call("GET /supplies/orders/new", "GET /supplies/rounds")
def while_a_round_is_open(world: World) -> Call:
    world.round()
    return {}, {}


def _order_form(world: World, household: MadeHousehold) -> Call:
    made = world.round()
    form = {
        "round": made.public_id,
        "household": household.public_id,
        f"count-{made.bags[0]}": "1",
        f"price_version-{made.bags[0]}": "1",
    }
    return {}, form


@call("POST /supplies/orders")
def order_for_501(world: World) -> Call:
    return _order_form(world, world.cast.household)


@call("POST /supplies/orders #waiting")
def order_for_who_waits(world: World) -> Call:
    return _order_form(world, world.cast.waiting_household)


@call("POST /supplies/orders #neighbours")
def order_for_the_neighbours(world: World) -> Call:
    return _order_form(world, world.cast.neighbours)


def _placed(world: World) -> tuple[MadeRound, services.Placed]:
    cast, made = world.cast, world.round()
    with cast.app.app_context():
        placed = services.place_order(
            deed=make_deed(cast.actor("ruth")),
            round_public_id=made.public_id,
            household_public_id=cast.household.public_id,
            lines=(Wish(made.bags[0], 1, 1),),
        )
    return made, placed


@call("GET /supplies/orders/<public_id>", "GET /supplies/orders/<public_id>/change")
def an_order_of_501(world: World) -> Call:
    return {"public_id": _placed(world)[1].public_id}, {}


@call("POST /supplies/orders/<public_id>/change")
def one_more(world: World) -> Call:
    made, placed = _placed(world)
    bag = made.bags[0]
    return {"public_id": placed.public_id}, {"version": "1", f"count-{bag}": "2", f"price_version-{bag}": "1"}


@call("POST /supplies/orders/<public_id>/cancel")
def cancel_with_a_reason(world: World) -> Call:
    return {"public_id": _placed(world)[1].public_id}, {"version": "1", "reason": "不在家"}


@call(
    "GET /supplies/rounds/<public_id>",
    "GET /supplies/rounds/<public_id>/watch",
    "POST /supplies/rounds/<public_id>/close",
    "GET /supplies/rounds/<public_id>/sheets",
)
def an_open_round(world: World) -> Call:
    return {"public_id": world.round().public_id}, {}


@call("POST /supplies/rounds/<public_id>/open", "POST /supplies/rounds/<public_id>/discard")
def a_draft(world: World) -> Call:
    return {"public_id": world.round(state=RoundState.DRAFT).public_id}, {}


@call("POST /supplies/rounds/<public_id>/pack")
def a_closed_round(world: World) -> Call:
    return {"public_id": world.round(state=RoundState.CLOSED).public_id}, {}


@call("POST /supplies/rounds/<public_id>/send-out")
def a_packed_round(world: World) -> Call:
    return {"public_id": world.round(state=RoundState.PACKING).public_id}, {}


@call("POST /supplies/rounds/<public_id>/finish")
def a_round_on_its_way(world: World) -> Call:
    return {"public_id": world.round(state=RoundState.OUT).public_id}, {}


@call("GET /supplies/rounds/<public_id>/buildings/<building>")
def the_doors_of_3(world: World) -> Call:
    return {"public_id": world.round().public_id, "building": world.cast.building.public_id}, {}


@call("GET /supplies/rounds/<public_id>/buildings/<building> #foreign")
def the_doors_of_a_foreign_building(world: World) -> Call:
    return {"public_id": world.round().public_id, "building": world.cast.foreign_building.public_id}, {}


def _bag(world: World) -> str:
    cast = world.cast
    with cast.app.app_context():
        return services.save_bag(
            deed=make_deed(cast.actor("alice")),
            area_public_id=cast.community.public_id,
            bag_public_id=None,
            name="蔬菜包A",
            name_en="Bag A",
            is_basic=True,
            is_offered=True,
            items=[services.ItemPlan("土豆", "", "斤", 2)],
        )


@call("POST /supplies/rounds")
def a_plan(world: World) -> Call:
    bag = _bag(world)
    tomorrow = clock.day(clock.now() + timedelta(days=1)).isoformat()
    form = {
        "area": world.cast.community.public_id,
        "kind": "registration",
        "delivers_on": tomorrow,
        "delivery_window": "morning",
        "cuts_off_on": tomorrow,
        "cuts_off_time": "08:00",
        "household_limit": "2",
        "bag": bag,
        f"limit-{bag}": "2",
        "whole": "1",
    }
    return {}, form


@call("POST /supplies/rounds/<public_id>/bags/<round_bag>")
def more_of_a_bag(world: World) -> Call:
    made = world.round()
    return {"public_id": made.public_id, "round_bag": made.bags[0]}, {"price": "30", "capacity": "60"}


@call("POST /supplies/rounds/<public_id>/sheets")
def print_a_run_sheet(world: World) -> Call:
    return {"public_id": _placed(world)[0].public_id}, {"kind": "run"}


@call("GET /supplies/rounds/<public_id>/sheets/<kind>.pdf")
def a_printed_run_sheet(world: World) -> Call:
    made, actor = _placed(world)[0], world.cast.actor("alice")
    with world.cast.app.app_context():
        subject = paper.get_subject(
            actor=actor, round_public_id=made.public_id, kind=SheetKind.RUN, building=None
        )
        prepared = paper.prepare(
            subject=subject, language="zh_Hans", window="上午", address="http://linli.test"
        )
        services.record_sheet(
            deed=make_deed(actor),
            prepared=prepared,
            language="zh_Hans",
            printed_by="艾丽",
            pdf=b"%PDF-1.7 nobody looks inside",
        )
    return {"public_id": made.public_id, "kind": "run"}, {}


@call("GET /supplies/rounds/<public_id>/sheets/jobs/<job>")
def a_sheet_that_alice_waits_for(world: World) -> Call:
    made, actor = _placed(world)[0], world.cast.actor("alice")
    with world.cast.app.app_context():
        subject = paper.get_subject(
            actor=actor, round_public_id=made.public_id, kind=SheetKind.RUN, building=None
        )
        job = services.ask_for_sheet(
            deed=make_deed(actor), subject=subject, language="zh_Hans", printed_by="艾丽"
        )
    return {"public_id": made.public_id, "job": job}, {}


@call("POST /supplies/bags")
def a_new_bag(world: World) -> Call:
    return {}, {"area": world.cast.community.public_id, "name": "新包", "item-0": "白菜", "quantity-0": "1"}


@call("GET /supplies/bags/<public_id>")
def a_bag(world: World) -> Call:
    return {"public_id": _bag(world)}, {}


@call("POST /supplies/bags/<public_id>")
def a_better_bag(world: World) -> Call:
    return {"public_id": _bag(world)}, {"name": "新包", "item-0": "白菜", "quantity-0": "1"}


# --- posts, recurring shifts, the week ----------------------------------------------------------------------

_NUMBERS = {"minimum": "1", "wanted": "2", "maximum": "3"}


def _post_form(world: World) -> dict[str, str]:
    return {
        "area": world.cast.community.public_id,
        "name": f"西门卡口{new_public_id()}",
        "kind": "gate",
        "place": "西门岗亭",
        "protection": "none",
        "newcomers_welcome": "1",
    }


def _shift_form() -> dict[str, str]:
    return {"day": (clock.day(clock.now()) + timedelta(days=2)).isoformat(), "when": "evening"} | _NUMBERS


@call("POST /rosters/posts")
def a_new_post(world: World) -> Call:
    return {}, _post_form(world)


@call("POST /rosters/posts #team")
def a_new_post_of_the_team(world: World) -> Call:
    return {}, _post_form(world) | {"team": world.cast.team.public_id}


@call(
    "GET /rosters/posts/<public_id>",
    "GET /rosters/posts/<public_id>/edit",
    "GET /rosters/posts/<public_id>/templates/new",
    "POST /rosters/posts/<public_id>/close",
    "POST /rosters/posts/<public_id>/reopen",
)
def a_post(world: World) -> Call:
    return {"public_id": world.make.post(world.cast.community).public_id}, {}


@call("GET /rosters/posts/<public_id> #team", "POST /rosters/posts/<public_id>/close #team")
def a_post_of_tess(world: World) -> Call:
    return {"public_id": world.make.post(world.cast.community, team=world.cast.team).public_id}, {}


@call("POST /rosters/posts/<public_id>")
def a_better_post(world: World) -> Call:
    return a_post(world)[0], _post_form(world)


@call("POST /rosters/posts/<public_id>/templates")
def a_recurring_shift(world: World) -> Call:
    return a_post(world)[0], {"weekdays": "0", "when": "morning"} | _NUMBERS


@call("GET /rosters/templates/<public_id>", "POST /rosters/templates/<public_id>/end")
def its_template(world: World) -> Call:
    return {"public_id": world.make.template(world.make.post(world.cast.community)).public_id}, {}


@call("POST /rosters/templates/<public_id>")
def a_better_template(world: World) -> Call:
    return its_template(world)[0], {"weekdays": "1", "when": "night"} | _NUMBERS


@call("POST /rosters/shifts")
def a_single_shift(world: World) -> Call:
    return {}, _shift_form() | {"post": world.make.post(world.cast.community).public_id}


@call("GET /rosters/shifts/<public_id>/edit", "GET /rosters/shifts/<public_id>/assign")
def a_shift_to_roster(world: World) -> Call:
    return {"public_id": world.make.shift(world.make.post(world.cast.community)).public_id}, {}


@call("GET /rosters/shifts/<public_id>/assign #team")
def a_shift_of_the_team(world: World) -> Call:
    post = world.make.post(world.cast.community, team=world.cast.team)
    return {"public_id": world.make.shift(post).public_id}, {}


@call("POST /rosters/shifts/<public_id>/edit")
def a_better_shift(world: World) -> Call:
    return a_shift_to_roster(world)[0], _shift_form() | {"version": "1"}


@call("POST /rosters/shifts/<public_id>/cancel")
def call_a_shift_off(world: World) -> Call:
    return a_shift_to_roster(world)[0], {"reason": "下大雨"}


@call("POST /rosters/shifts/<public_id>/copy")
def copy_a_shift(world: World) -> Call:
    return a_shift_to_roster(world)[0], {"to": (clock.day(clock.now()) + timedelta(days=3)).isoformat()}


@call("POST /rosters/shifts/<public_id>/publish")
def publish_a_shift(world: World) -> Call:
    shift = world.make.shift(world.make.post(world.cast.community), state=ShiftState.DRAFT)
    return {"public_id": shift.public_id}, {}


@call("POST /rosters/shifts/<public_id>/assign")
def put_vera_on_a_shift(world: World) -> Call:
    volunteer = world.make.user("志愿者")
    world.make.volunteer(volunteer, area=world.cast.building)
    return a_shift_to_roster(world)[0], {"person": volunteer.person_public_id}


@call("POST /rosters/shifts/<public_id>/assign #team")
def put_somebody_of_the_team_on_its_shift(world: World) -> Call:
    volunteer = world.make.user("志愿者")
    world.make.volunteer(volunteer, area=world.cast.building, team=world.cast.team)
    return a_shift_of_the_team(world)[0], {"person": volunteer.person_public_id}


@call("POST /rosters/shifts/<public_id>/ask")
def ask_who_fits(world: World) -> Call:
    return a_shift_to_roster(world)[0], {}


@call("POST /rosters/signups/<public_id>/remove")
def take_somebody_off(world: World) -> Call:
    shift = world.make.shift(world.make.post(world.cast.community))
    return {"public_id": world.make.signup(shift, world.make.user("志愿者")).public_id}, {}


def _some_days(world: World, **more: str) -> dict[str, str]:
    first = clock.day(clock.now()) + timedelta(days=1)
    last = first + timedelta(days=6)
    return {"area": world.cast.community.public_id, "first": str(first), "last": str(last)} | more


@call("POST /rosters/week/make")
def make_a_week(world: World) -> Call:
    world.make.template(world.make.post(world.cast.community))
    return {}, _some_days(world)


@call("POST /rosters/week/copy")
def copy_a_week(world: World) -> Call:
    world.make.shift(world.make.post(world.cast.community))
    return {}, _some_days(world, to=str(clock.day(clock.now()) + timedelta(days=8)))


@call("POST /rosters/week/publish")
def publish_a_week(world: World) -> Call:
    world.make.shift(world.make.post(world.cast.community), state=ShiftState.DRAFT)
    return {}, _some_days(world)


def routes_of(app: Flask) -> set[str]:
    """Every rule of the application with its method, as the table writes them."""
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }


# --- proposals for the roster -------------------------------------------------------------------------------


def _next_week() -> dict[str, str]:
    tomorrow = clock.day(clock.now()) + timedelta(days=1)
    return {"from_on": tomorrow.isoformat(), "to_on": (tomorrow + timedelta(days=6)).isoformat()}


@call("POST /rosters/fills")
def ask_for_a_roster(world: World) -> Call:
    post = world.make.post(world.cast.community)
    world.make.shift(post)
    return {}, {"place": world.cast.community.public_id, "posts": post.public_id} | _next_week()


def _proposal(world: World, *, is_locked: bool = False) -> tuple[str, str, str]:
    """A proposal of alice's that was worked out: its id, its shift and somebody on it."""
    cast, span = world.cast, _next_week()
    post = world.make.post(cast.community)
    shift = world.make.shift(post)
    actor = cast.actor("alice")
    with cast.app.app_context():
        public_id = fills.ask_for_fill(
            deed=make_deed(actor),
            area_public_id=cast.community.public_id,
            team_public_id=None,
            from_on=date.fromisoformat(span["from_on"]),
            to_on=date.fromisoformat(span["to_on"]),
            post_public_ids=[post.public_id],
        )
        fills.solve(
            public_id=public_id, now=clock.now(), limit_seconds=10, workers=1, progress=lambda _percent: None
        )
        found = fill_queries.get_shift(
            fill=fill_queries.get_fill(actor=actor, public_id=public_id), shift_public_id=shift.public_id
        )
        person = found.cells[0].person
        if is_locked:
            fills.lock_cell(
                deed=make_deed(actor),
                public_id=public_id,
                shift_public_id=shift.public_id,
                person_public_id=person,
                is_locked=True,
            )
    return public_id, shift.public_id, person


@call(
    "GET /rosters/fills/<public_id>",
    "GET /rosters/fills/<public_id>/progress",
    "POST /rosters/fills/<public_id>/solve",
    "POST /rosters/fills/<public_id>/publish",
    "POST /rosters/fills/<public_id>/discard",
)
def a_proposal(world: World) -> Call:
    return {"public_id": _proposal(world)[0]}, {}


@call("GET /rosters/fills/<public_id>/shifts/<shift>")
def a_shift_of_a_proposal(world: World) -> Call:
    public_id, shift, _person = _proposal(world)
    return {"public_id": public_id, "shift": shift}, {}


@call("POST /rosters/fills/<public_id>/lock", "POST /rosters/fills/<public_id>/remove")
def somebody_in_a_proposal(world: World) -> Call:
    public_id, shift, person = _proposal(world)
    return {"public_id": public_id}, {"shift": shift, "person": person}


@call("POST /rosters/fills/<public_id>/unlock")
def somebody_locked_in_a_proposal(world: World) -> Call:
    public_id, shift, person = _proposal(world, is_locked=True)
    return {"public_id": public_id}, {"shift": shift, "person": person}


@call("POST /rosters/fills/<public_id>/add")
def somebody_taken_off_and_put_on_again(world: World) -> Call:
    public_id, shift, person = _proposal(world)
    with world.cast.app.app_context():
        fills.remove_cell(
            deed=make_deed(world.cast.actor("alice")),
            public_id=public_id,
            shift_public_id=shift,
            person_public_id=person,
        )
    return {"public_id": public_id}, {"shift": shift, "person": person}


# --- taking shifts ------------------------------------------------------------------------------------------


def _shift(world: World, **columns: Any) -> MadeShift:
    post = world.make.post(world.cast.community)
    return world.make.shift(post, **{"maximum_count": 30, "wanted_count": 30} | columns)


@call(
    "GET /rosters/shifts/<public_id>",
    "POST /rosters/shifts/<public_id>/take",
    "POST /rosters/shifts/<public_id>/wait",
)
def an_open_shift(world: World) -> Call:
    return {"public_id": _shift(world).public_id}, {}


@call("POST /rosters/shifts/<public_id>/accept")
def a_shift_offered_to_vera(world: World) -> Call:
    shift = _shift(world)
    world.make.signup(
        shift,
        world.cast.people["vera"],
        state=SignupState.OFFERED,
        accept_by=clock.now() + timedelta(hours=1),
    )
    return {"public_id": shift.public_id}, {}


@call("POST /rosters/shifts/<public_id>/confirm", "POST /rosters/shifts/<public_id>/leave")
def a_shift_given_to_vera(world: World) -> Call:
    shift = _shift(world)
    world.make.signup(shift, world.cast.people["vera"], source=SignupSource.STAFF, confirmed_at=None)
    return {"public_id": shift.public_id}, {}


@call(
    "GET /rosters/signups/<public_id>/stand-in",
    "POST /rosters/signups/<public_id>/stand-in",
    "GET /rosters/signups/<public_id>/swap",
)
def a_place_of_vera(world: World) -> Call:
    return {"public_id": world.make.signup(_shift(world), world.cast.people["vera"]).public_id}, {}


@call("POST /rosters/signups/<public_id>/swap")
def a_place_of_vera_against_one_of_viktor(world: World) -> Call:
    signup = world.make.signup(_shift(world), world.cast.people["vera"])
    other = _shift(world, starts_at=clock.now() + timedelta(days=4))
    wanted = world.make.signup(other, world.cast.people["viktor"])
    return {"public_id": signup.public_id}, {"wanted": wanted.public_id}


@call("POST /rosters/signups/<public_id>/relief")
def vera_on_duty(world: World) -> Call:
    shift = _shift(world, starts_at=clock.now() - timedelta(hours=1))
    return {"public_id": world.make.signup(shift, world.cast.people["vera"]).public_id}, {}


def _search(world: World, to: str | None) -> Call:
    signup = world.make.signup(_shift(world), world.cast.people["viktor"])
    return {"public_id": world.make.stand_in(signup, to=world.cast.people[to] if to else None).public_id}, {}


@call(
    "GET /rosters/stand-ins/<public_id>",
    "POST /rosters/stand-ins/<public_id>/take",
    "POST /rosters/stand-ins/<public_id>/withdraw",
)
def viktor_asks_everybody(world: World) -> Call:
    return _search(world, None)


@call("POST /rosters/stand-ins/<public_id>/refuse", "GET /rosters/stand-ins/<public_id> #vera")
def viktor_asks_vera(world: World) -> Call:
    return _search(world, "vera")


# --- lists of volunteers, and who is there twice ------------------------------------------------------------


def _volunteers_of_alice(world: World, *, is_taken: bool) -> Call:
    actor = world.cast.actor("alice")
    number = new_public_id()[-6:]
    with world.cast.app.app_context():
        public_id = volunteer_lists.receive_list(
            deed=make_deed(actor),
            area_code="511623100013",
            content=f"姓名,手机号,备注\n张三,13800138000,{number}\n李四,12,\n".encode(),
            file_name="list.csv",
            language="en",
            minors_allowed=False,
        )
        volunteer_lists.run_short(public_id=public_id, actor=actor, say=lambda code, _params: code)
        if is_taken:
            public_id = volunteer_lists.start_import(deed=make_deed(actor), public_id=public_id)
            volunteer_lists.run_short(public_id=public_id, actor=actor, say=lambda code, _params: code)
    return {"public_id": public_id}, {}


@call("GET /volunteers/imports/<public_id>", "POST /volunteers/imports/<public_id>/take")
def volunteers_that_were_compared(world: World) -> Call:
    return _volunteers_of_alice(world, is_taken=False)


@call("GET /volunteers/imports/<public_id>/errors.csv")
def volunteers_that_were_taken(world: World) -> Call:
    return _volunteers_of_alice(world, is_taken=True)


def _twins(world: World) -> Call:
    first, second = (world.make.user("薇拉") for _ in range(2))
    one = world.make.volunteer(first, area=world.cast.building)
    other = world.make.volunteer(second, area=world.cast.building)
    world.make.phone(first, second.phone)
    return {"first": one.public_id, "second": other.public_id}, {"stays": one.public_id}


@call(
    "GET /volunteers/duplicates/<first>/<second>",
    "POST /volunteers/duplicates/<first>/<second>/merge",
    "POST /volunteers/duplicates/<first>/<second>/apart",
)
def two_volunteers_with_one_phone(world: World) -> Call:
    return _twins(world)


@call("GET /volunteers/duplicates")
def a_pair_is_there(world: World) -> Call:
    _twins(world)
    return {}, {}


# --- paper, calendars, duty -----------------------------------------------------------------------------------


def _staffed_post(world: World) -> tuple[Any, str]:
    """A post without a team with a shift tomorrow that vera and viktor are on, and that day."""
    cast, make = world.cast, world.make
    post = make.post(cast.community)
    shift = make.shift(post)
    make.signup(shift, cast.people["vera"])
    make.signup(shift, cast.people["viktor"])
    return post, (clock.day(clock.now()) + timedelta(days=1)).isoformat()


@call("POST /rosters/sheets")
def print_a_wall_copy(world: World) -> Call:
    post, day = _staffed_post(world)
    return {}, {"kind": "sign_in", "copy": "wall", "from": day, "post": post.public_id}


@call("POST /rosters/sheets #working")
def print_a_working_copy(world: World) -> Call:
    post, day = _staffed_post(world)
    form = {"kind": "sign_in", "copy": "working", "from": day, "post": post.public_id, "reason": "点名"}
    return {}, form


@call("POST /rosters/sheets #team")
def print_a_team(world: World) -> Call:
    _post, day = _staffed_post(world)
    form = {"kind": "team", "copy": "working", "from": day, "team": world.cast.team.public_id}
    return {}, form | {"reason": "点名"}


@call("POST /rosters/sheets #person")
def print_veras_week(world: World) -> Call:
    _post, day = _staffed_post(world)
    return {}, {"kind": "person", "from": day, "volunteer": world.cast.volunteers["vera"].public_id}


def _ask(post: Any, day: str) -> roster_paper.Ask:
    return roster_paper.Ask(RosterSheetKind.SIGN_IN, Copy.WALL, date.fromisoformat(day), post=post.public_id)


@call("GET /rosters/sheets/<public_id>", "GET /rosters/sheets/<public_id>.pdf")
def a_printed_roster(world: World) -> Call:
    post, day = _staffed_post(world)
    actor = world.cast.actor("alice")
    with world.cast.app.app_context():
        subject = roster_paper.get_subject(actor=actor, ask=_ask(post, day))
        prepared = roster_paper.prepare(subject=subject, language="zh_Hans", printed_by=actor.key)
        public_id = roster_printing.record_sheet(
            deed=make_deed(actor), prepared=prepared, language="zh_Hans", printed_by="艾丽", pdf=b"%PDF-"
        )
    return {"public_id": public_id}, {}


@call("GET /rosters/sheets/jobs/<job>")
def a_roster_of_alices_that_is_being_made(world: World) -> Call:
    post, day = _staffed_post(world)
    actor = world.cast.actor("alice")
    with world.cast.app.app_context():
        subject = roster_paper.get_subject(actor=actor, ask=_ask(post, day))
        job = roster_printing.ask_for_sheet(
            deed=make_deed(actor), subject=subject, language="zh_Hans", printed_by="艾丽"
        )
    return {"job": job}, {}


@call("GET /rosters/calendars/<token>.ics")
def veras_calendar(world: World) -> Call:
    actor = world.cast.actor("vera")
    with world.cast.app.app_context():
        token = roster_links.make_link(
            deed=make_deed(actor),
            kind=LinkKind.CALENDAR_VOLUNTEER,
            subject=world.cast.volunteers["vera"].public_id,
        )
    return {"token": token}, {}


@call(
    "GET /rosters/calendars/<kind>/<public_id>",
    "POST /rosters/calendars/<kind>/<public_id>",
    "POST /rosters/calendars/<kind>/<public_id>/revoke",
)
def the_teams_calendar(world: World) -> Call:
    return {"kind": "team", "public_id": world.cast.team.public_id}, {}


@call("GET /rosters/calendars/<kind>/<public_id> #own")
def veras_own_calendar(world: World) -> Call:
    return {"kind": "volunteer", "public_id": world.cast.volunteers["vera"].public_id}, {}


def _duty_form(world: World, *, days_ahead: int) -> dict[str, str]:
    first = clock.day(clock.now()) + timedelta(days=days_ahead)
    return {
        "area": world.cast.community.public_id,
        "kind": "leader",
        "name": "张国强",
        "phone": "0826-3220110",
        "starts_on": first.isoformat(),
        "starts_time": "08:00",
        "ends_on": (first + timedelta(days=1)).isoformat(),
        "ends_time": "08:00",
    }


def _duty(world: World, *, days_ahead: int) -> str:
    cast = world.cast
    starts = clock.instant(datetime.combine(clock.day(clock.now()) + timedelta(days=days_ahead), time(8)))
    plan = roster_duty.DutyPlan(DutyKind.LEADER, starts, starts + timedelta(days=1), "张国强", "0826-3220110")
    with cast.app.app_context():
        actor = cast.actor("alice")
        roster_duty.add_duty(deed=make_deed(actor), area=cast.community.public_id, plan=plan)
        area = duty_queries.get_area(actor=actor, public_id=cast.community.public_id)
        found = duty_queries.list_duties(area_id=area.id, since=starts, until=starts + timedelta(hours=1))
    return found[0].public_id


# Each call writes somewhere in the year that no call before it wrote: the table is walked with many people.
_days_ahead = count(10, 2)
_weeks_ahead = count(700, 21)


@call("POST /rosters/duties")
def put_somebody_on_duty(world: World) -> Call:
    return {}, _duty_form(world, days_ahead=next(_days_ahead))


@call("POST /rosters/duties/copy")
def copy_a_week_of_duties(world: World) -> Call:
    ahead = next(_weeks_ahead)
    _duty(world, days_ahead=ahead)
    monday = monday_of(clock.day(clock.now()) + timedelta(days=ahead + 7))
    return {}, {"area": world.cast.community.public_id, "from": monday.isoformat()}


@call("GET /rosters/duties/<public_id>", "POST /rosters/duties/<public_id>/remove")
def a_duty(world: World) -> Call:
    return {"public_id": _duty(world, days_ahead=next(_days_ahead))}, {}


@call("POST /rosters/duties/<public_id>")
def change_a_duty(world: World) -> Call:
    ahead = next(_days_ahead)
    return {"public_id": _duty(world, days_ahead=ahead)}, _duty_form(world, days_ahead=ahead)


# --- volunteers, teams, invitations -------------------------------------------------------------------------


@call("POST /volunteers/join")
def five_answers_and_two_pledges(world: World) -> Call:
    form = {
        "name": "某人",
        "community": world.cast.community.public_id,
        "skills": "delivery",
        "when": "weekend_morning",
        "age": "adult",
        "health": "y",
        "confidentiality": "y",
    }
    return {}, form


@call("POST /volunteers/me/answer")
def an_answer(_world: World) -> Call:
    return {}, {"answer": "周末都可以"}


@call("POST /volunteers/me/skills")
def driving_too(_world: World) -> Call:
    return {}, {"skills": "driving"}


@call("POST /volunteers/me/certificates")
def a_certificate_without_end(_world: World) -> Call:
    return {}, {"skill": "nursing", "number": "A1"}


@call("POST /volunteers/me/pledges")
def both_pledges(_world: World) -> Call:
    return {}, {"health": "y", "confidentiality": "y"}


@call("POST /volunteers/me/certificates/<public_id>/remove")
def the_certificate_of_viktor(world: World) -> Call:
    cast = world.cast
    with cast.app.app_context():
        public_id = volunteering.add_certificate(
            deed=make_deed(cast.actor("viktor")), skill="nursing", number="B2", expires_on=None
        )
    return {"public_id": public_id}, {}


def _newcomer(world: World, *, in_team: bool = False) -> str:
    cast = world.cast
    made = world.make.volunteer(
        world.make.user("新人"),
        area=cast.community,
        team=cast.team if in_team else None,
        state=VolunteerState.ACCEPTED if in_team else VolunteerState.APPLIED,
    )
    return made.public_id


@call("GET /volunteers/<public_id>", "POST /volunteers/<public_id>/accept")
def a_newcomer(world: World) -> Call:
    return {"public_id": _newcomer(world)}, {"version": "1"}


@call("POST /volunteers/<public_id>/refuse", "POST /volunteers/<public_id>/reveal")
def a_newcomer_and_a_reason(world: World) -> Call:
    return {"public_id": _newcomer(world)}, {"version": "1", "reason": "要问一下"}


@call("GET /volunteers/<public_id> #member", "POST /volunteers/<public_id>/reveal #member")
def somebody_of_the_team(world: World) -> Call:
    return {"public_id": world.cast.volunteers["vera"].public_id}, {"reason": "今晚的班"}


@call("POST /volunteers/<public_id>/ask-back")
def a_newcomer_and_a_question(world: World) -> Call:
    return {"public_id": _newcomer(world)}, {"version": "1", "question": "周末能来吗?"}


@call("POST /volunteers/<public_id>/place")
def a_newcomer_into_the_team(world: World) -> Call:
    return {"public_id": _newcomer(world)}, {"version": "1", "team": world.cast.team.public_id}


@call("POST /volunteers/organisations", "POST /volunteers/teams")
def a_new_name(world: World) -> Call:
    form = {
        "area": world.cast.community.public_id,
        "name": f"新的{next(_days_ahead)}",
        "society": "volunteer",
    }
    return {}, form


@call(
    "GET /volunteers/organisations/<public_id>",
    "POST /volunteers/organisations/<public_id>",
    "POST /volunteers/organisations/<public_id>/close",
)
def an_organisation(world: World) -> Call:
    cast = world.cast
    with cast.app.app_context():
        public_id = volunteering.make_organisation(
            deed=make_deed(cast.actor("alice")),
            area=cast.community.public_id,
            named=Name(f"志愿者协会{next(_days_ahead)}", "", Society.VOLUNTEER),
        )
    return {"public_id": public_id}, {"name": f"改名{next(_days_ahead)}", "society": "charity"}


@call(
    "GET /volunteers/organisations/<public_id> #county",
    "POST /volunteers/organisations/<public_id> #county",
)
def an_organisation_of_the_county(world: World) -> Call:
    made = world.make.organisation(f"县协会{next(_days_ahead)}", area=world.cast.county)
    return {"public_id": made.public_id}, {"name": "改名", "society": "charity"}


@call(
    "GET /volunteers/teams/<public_id>",
    "GET /volunteers/teams/<public_id>/invitations",
)
def the_team_of_tess(world: World) -> Call:
    return {"public_id": world.cast.team.public_id}, {}


@call(
    "GET /volunteers/teams/<public_id> #other",
    "POST /volunteers/teams/<public_id>",
    "POST /volunteers/teams/<public_id>/close",
)
def another_team(world: World) -> Call:
    made = world.make.team(f"另一队{next(_days_ahead)}", area=world.cast.community)
    return {"public_id": made.public_id}, {"name": f"改名{next(_days_ahead)}", "society": "volunteer"}


@call("POST /volunteers/teams/<public_id>/leads")
def a_new_lead(world: World) -> Call:
    return {"public_id": world.cast.team.public_id}, {"volunteer": _newcomer(world, in_team=True)}


@call("POST /volunteers/teams/<public_id>/leads/<volunteer>/end")
def a_lead_who_was_named(world: World) -> Call:
    cast, volunteer = world.cast, _newcomer(world, in_team=True)
    with cast.app.app_context():
        volunteering.name_lead(
            deed=make_deed(cast.actor("alice")), team=cast.team.public_id, volunteer=volunteer
        )
    return {"public_id": cast.team.public_id, "volunteer": volunteer}, {}


@call("POST /volunteers/teams/<public_id>/invitations")
def a_week_and_thirty_people(world: World) -> Call:
    return {"public_id": world.cast.team.public_id}, {"days": "7", "use_limit": "30"}


def _invitation(world: World) -> str:
    cast = world.cast
    with cast.app.app_context():
        return volunteering.make_invitation(
            deed=make_deed(cast.actor("alice")), team=cast.team.public_id, days=7, use_limit=30
        )


@call(
    "GET /volunteers/teams/<public_id>/invitations/<invitation>",
    "GET /volunteers/teams/<public_id>/invitations/<invitation>/poster.pdf",
    "POST /volunteers/teams/<public_id>/invitations/<invitation>/revoke",
)
def an_invitation_of_the_team(world: World) -> Call:
    return {"public_id": world.cast.team.public_id, "invitation": _invitation(world)}, {}


@call("GET /volunteers/invitations/<token>")
def a_code_that_was_scanned(world: World) -> Call:
    with world.cast.app.app_context():
        return {"token": token_of(_invitation(world))}, {}


@call("POST /volunteers/invitations/<token>")
def a_code_of_the_team(world: World) -> Call:
    with world.cast.app.app_context():
        return {"token": token_of(_invitation(world))}, {}


# --- the day, hours, certificates ---------------------------------------------------------------------------


def _running(world: World, **columns: Any) -> MadeShift:
    """A shift of a post of the team that began an hour ago, with vera on it."""
    post = world.make.post(world.cast.community, team=world.cast.team)
    start = clock.now() - timedelta(hours=1)
    shift = world.make.shift(post, **{"starts_at": start, "maximum_count": 9, "wanted_count": 9} | columns)
    world.make.signup(shift, world.cast.people["vera"])
    return shift


def _code(world: World, shift: MadeShift) -> str:
    with world.cast.app.app_context():
        return day_queries.code_of(shift.post.public_id, 1)


@call("GET /rosters/check-in/<post>/<code>")
def the_code_of_a_post(world: World) -> Call:
    shift = _running(world)
    return {"post": shift.post.public_id, "code": _code(world, shift)}, {}


@call("POST /rosters/shifts/<public_id>/check-in")
def vera_is_there(world: World) -> Call:
    shift = _running(world)
    return {"public_id": shift.public_id}, {"code": _code(world, shift)}


@call("POST /rosters/shifts/<public_id>/check-out")
def vera_goes(world: World) -> Call:
    shift = _running(world)
    with world.cast.app.app_context():
        rosters.check_in(
            deed=make_deed(world.cast.actor("vera")), shift=shift.public_id, code=_code(world, shift)
        )
    return {"public_id": shift.public_id}, {}


@call(
    "POST /rosters/shifts/<public_id>/notes",
    "GET /rosters/shifts/<public_id>/roll-call",
    "POST /rosters/shifts/<public_id>/roll-call",
    "GET /rosters/shifts/<public_id>/walk-ins",
)
def a_shift_that_runs(world: World) -> Call:
    return {"public_id": _running(world).public_id}, {"text": "钥匙在岗亭"}


@call("POST /rosters/shifts/<public_id>/walk-ins")
def somebody_new_joins(world: World) -> Call:
    number = next(_days_ahead)
    return {"public_id": _running(world).public_id}, {"name": f"新人{number}", "phone": f"137{number:08d}"}


@call(
    "GET /rosters/posts/<public_id>/code",
    "GET /rosters/posts/<public_id>/code.pdf",
    "POST /rosters/posts/<public_id>/code/renew",
    "POST /rosters/posts/<public_id>/wall",
    "POST /rosters/posts/<public_id>/wall/revoke",
)
def a_post_with_a_code(world: World) -> Call:
    post = world.make.post(world.cast.community, team=world.cast.team)
    return {"public_id": post.public_id}, {}


@call("GET /rosters/wall/<token>")
def the_wall_of_a_post(world: World) -> Call:
    post = _running(world).post
    with world.cast.app.app_context():
        token = rosters.make_link(
            deed=make_deed(world.cast.actor("alice")), kind=LinkKind.WALL, subject=post.public_id
        )
    return {"token": token}, {}


@call("GET /rosters/sheets/<public_id>/roll-call", "POST /rosters/sheets/<public_id>/roll-call")
def a_sheet_that_came_back(world: World) -> Call:
    return {"public_id": world.make.roster_sheet(_running(world)).public_id}, {}


@call("GET /rosters/hours/<by>")
def hours_of_people(_world: World) -> Call:
    return {"by": "people"}, {}


@call("GET /rosters/hours/<by>.<ending>")
def hours_of_teams(_world: World) -> Call:
    return {"by": "teams", "ending": "xlsx"}, {}


@call("GET /rosters/hours/people/<volunteer>")
def hours_of_vera(world: World) -> Call:
    return {"volunteer": world.cast.volunteers["vera"].public_id}, {}


def _worked(world: World) -> str:
    """vera's evidence of a shift whose hours are written."""
    shift = _running(world, starts_at=clock.now() - timedelta(hours=9))
    with world.cast.app.app_context():
        call = day_queries.get_roll_call(
            actor=world.cast.actor("alice"), public_id=shift.public_id, now=clock.now()
        )
        lines = [Typed(shift.public_id, call.lines[0].person, Mark.PRESENT, 0)]
        rosters.save_roll_call(deed=make_deed(world.cast.actor("alice")), shift=shift.public_id, lines=lines)
        ledger = hours_queries.get_own_hours(actor=world.cast.actor("vera"))
    return ledger.worked[0].attendance


@call("POST /rosters/hours/attendances/<attendance>/corrections")
def an_hour_less(world: World) -> Call:
    return {"attendance": _worked(world)}, {"hours": "4:00", "reason": "早走了"}


@call("POST /rosters/hours/corrections/<entry>/decide")
def an_hour_more_that_vera_asked_for(world: World) -> Call:
    with world.cast.app.app_context():
        entry = rosters.ask_correction(
            deed=make_deed(world.cast.actor("vera")),
            attendance=_worked(world),
            minutes=360,
            reason="多站了一小时",
        )
    return {"entry": entry}, {"answer": "accept"}


@call("POST /rosters/certificates")
def hours_to_certify(world: World) -> Call:
    _worked(world)
    return {}, {}


@call("POST /rosters/certificates #volunteer")
def hours_of_vera_to_certify(world: World) -> Call:
    _worked(world)
    return {}, {"volunteer": world.cast.volunteers["vera"].public_id}


def _certificate(world: World) -> str:
    _worked(world)
    with world.cast.app.app_context():
        draft = certificate_queries.draft(
            actor=world.cast.actor("vera"), volunteer=None, from_on=None, to_on=None, language="zh_Hans"
        )
        return rosters.issue_certificate(
            deed=make_deed(world.cast.actor("vera")),
            draft=draft,
            public_id=new_public_id(),
            number=f"20260513-{next(_days_ahead)}",
            pdf=b"%PDF-1.7 nobody looks inside",
        )


@call(
    "GET /rosters/certificates/<public_id>",
    "GET /rosters/certificates/<public_id>.pdf",
    "POST /rosters/certificates/<public_id>/revoke",
)
def a_certificate_of_vera(world: World) -> Call:
    return {"public_id": _certificate(world)}, {"reason": "填错了"}


@call("GET /rosters/verify/<token>")
def a_certificate_that_is_checked(world: World) -> Call:
    with world.cast.app.app_context():
        return {"token": certificate_queries.token_of(_certificate(world))}, {}


# --- kinds of teams -----------------------------------------------------------------------------------------


@call("GET /mobilization/team-types/<public_id>", "POST /mobilization/team-types/<public_id>")
def a_kind_of_team(_world: World) -> Call:
    return {"public_id": "teamtype00000000000001"}, {}


@call("POST /mobilization/team-types/<public_id>/close")
def a_kind_of_team_that_stays_in_use(_world: World) -> Call:
    return {"public_id": "teamtype00000000000001"}, {"open": "1"}


# --- the inbox and contacts ---------------------------------------------------------------------------------


@db.writing
def _tell_vera(world: World) -> None:
    about = Notice(
        person_id=world.cast.people["vera"].person_id,
        template="volunteer_accepted",
        reference=new_public_id(),
        address="/volunteers/me",
    )
    notify(make_deed(Actor.system("test")), [about], area_path=world.cast.community.path)


@call("POST /notifications/<public_id>/open")
def something_said_to_vera(world: World) -> Call:
    with world.cast.app.app_context():
        _tell_vera(world)
        return {"public_id": inbox.list_items(actor=world.cast.actor("vera")).items[0].public_id}, {}


@call("POST /notifications/push")
def a_browser_that_rings(_world: World) -> Call:
    endpoint = f"https://fcm.googleapis.com/fcm/send/{new_public_id()}"
    return {}, {"endpoint": endpoint, "p256dh": "B" + "A" * 86, "auth": "A" * 22}


@call("POST /notifications/contacts/channels")
def a_group_of_staff(_world: World) -> Call:
    return {}, {"address": f"feishu://{new_public_id()}{new_public_id()}", "label": "值班群"}


@call(
    "POST /notifications/contacts/<public_id>/test",
    "POST /notifications/contacts/<public_id>/confirm",
    "POST /notifications/contacts/<public_id>/remove",
)
def a_channel_of_alice(world: World) -> Call:
    with world.cast.app.app_context():
        public_id = notifications.add_channel(
            deed=make_deed(world.cast.actor("alice")),
            address=f"feishu://{new_public_id()}{new_public_id()}",
            label="值班群",
            allowed=("feishu",),
            has_mail=False,
        )
        _sent_a_test(public_id)
        # At most five channels: those of the calls before.
        _remove_all_but(world, public_id)
    return {"public_id": public_id}, {}


@db.writing
def _sent_a_test(contact: str) -> None:
    message = Outgoing(
        template="contact_test",
        address="feishu://x",
        language="zh_Hans",
        way=Way.STAFF,
        reference=f"contact:{contact}",
    )
    outbox.enqueue_many(make_deed(Actor.system("test")), [message])
    messages = OutboxMessage.__table__
    db.connection().execute(
        messages.update().where(messages.c.reference == f"contact:{contact}").values(state=MessageState.SENT)
    )


@db.writing
def _remove_all_but(world: World, contact: str) -> None:
    contacts = Contact.__table__
    db.connection().execute(contacts.delete().where(contacts.c.public_id != contact))


@call("POST /notifications/reservists/<public_id>/verify")
def vera_of_the_reserve(world: World) -> Call:
    return {"public_id": world.cast.reservists["vera"].public_id}, {}


# --- printed sheets of a call-up ----------------------------------------------------------------------------


def _called(world: World) -> str:
    cast = world.cast
    call_up = world.make.call_up(cast.community, roles=((None, 3),))
    world.make.summons(call_up, cast.reservists["vera"].person_id, state=SummonsState.COMING)
    world.make.summons(call_up, cast.reservists["viktor"].person_id)
    return call_up.public_id


def _sheet_of_alice(world: World, *, copy: SheetCopy) -> str:
    actor, now = world.cast.actor("alice"), clock.now()
    ask = mobilization_paper.Ask(_called(world), MobilizationSheetKind.ROSTER, copy)
    with world.cast.app.app_context():
        subject = mobilization_paper.get_subject(actor=actor, ask=ask)
        prepared = mobilization_paper.prepare(actor=actor, subject=subject, language="zh_Hans", now=now)
        return mobilization_printing.record_sheet(
            deed=make_deed(actor, reason="点名"),
            prepared=prepared,
            language="zh_Hans",
            printed_by="艾丽",
            pdf=b"%PDF-1.7 nobody looks inside",
        )


@call("GET /mobilization/call-ups/<public_id>/sheets")
def a_call_up_to_print(world: World) -> Call:
    return {"public_id": _called(world)}, {}


@call("POST /mobilization/call-ups/<public_id>/sheets")
def print_its_roster(world: World) -> Call:
    return {"public_id": _called(world)}, {"kind": "roster"}


@call("POST /mobilization/call-ups/<public_id>/sheets #team")
def print_the_roster_of_the_team(world: World) -> Call:
    return {"public_id": _called(world)}, {"kind": "roster", "part": f"team:{world.cast.team.public_id}"}


@call("POST /mobilization/call-ups/<public_id>/sheets #working")
def print_its_working_copy(world: World) -> Call:
    return {"public_id": _called(world)}, {"kind": "roster", "copy": "working", "reason": "点名"}


@call(
    "GET /mobilization/sheets/<public_id>",
    "GET /mobilization/sheets/<public_id>.pdf",
    "GET /mobilization/sheets/<public_id>/muster",
)
def a_printed_call_up(world: World) -> Call:
    return {"public_id": _sheet_of_alice(world, copy=SheetCopy.WALL)}, {}


@call("GET /mobilization/sheets/<public_id> #working")
def a_printed_working_copy(world: World) -> Call:
    return {"public_id": _sheet_of_alice(world, copy=SheetCopy.WORKING)}, {}


@call("GET /mobilization/sheets/jobs/<job>")
def a_long_roster_that_alice_waits_for(world: World) -> Call:
    actor = world.cast.actor("alice")
    ask = mobilization_paper.Ask(_called(world), MobilizationSheetKind.ROSTER, SheetCopy.WALL)
    with world.cast.app.app_context():
        subject = mobilization_paper.get_subject(actor=actor, ask=ask)
        job = mobilization_printing.ask_for_sheet(
            deed=make_deed(actor), subject=subject, language="zh_Hans", printed_by="艾丽"
        )
    return {"job": job}, {}


# --- call-ups, as their head works with them ----------------------------------------------------------------


def _typed_call_up(world: World) -> dict[str, str]:
    begins = clock.here(clock.now() + timedelta(hours=2))
    return {
        "area": world.cast.community.public_id,
        "title": "搬运物资",
        "count_1": "2",
        "skill_1": "",
        "day": begins.date().isoformat(),
        "start": f"{begins:%H:%M}",
        "hours": "4",
        "muster_point": "北门岗亭",
        "stay": "free",
        "certainty": "normal",
        "reply_minutes": "10",
    }


@call("POST /mobilization/call-ups")
def write_a_call_up(world: World) -> Call:
    return {}, _typed_call_up(world)


@call(
    "GET /mobilization/call-ups/<public_id>/edit",
    "GET /mobilization/call-ups/<public_id>/check",
    "POST /mobilization/call-ups/<public_id>/start",
    "POST /mobilization/call-ups/<public_id>/discard",
)
def a_draft_of_the_community(world: World) -> Call:
    made = world.make.call_up(world.cast.community, state=CallUpState.DRAFT, quiet_reason="夜里到货")
    return {"public_id": made.public_id}, {}


@call("POST /mobilization/call-ups/<public_id>")
def write_a_draft_anew(world: World) -> Call:
    return a_draft_of_the_community(world)[0], _typed_call_up(world)


@call(
    "GET /mobilization/call-ups/<public_id>",
    "GET /mobilization/call-ups/<public_id>/now",
    "GET /mobilization/call-ups/<public_id>/next",
    "GET /mobilization/call-ups/<public_id>/waves",
    "GET /mobilization/call-ups/<public_id>/numbers",
    "GET /mobilization/call-ups/<public_id>/units",
    "POST /mobilization/call-ups/<public_id>/pause",
)
def a_call_up_that_runs(world: World) -> Call:
    return {"public_id": world.make.call_up(world.cast.community).public_id}, {}


@call("POST /mobilization/call-ups/<public_id>/resume")
def a_paused_call_up(world: World) -> Call:
    return {"public_id": world.make.call_up(world.cast.community, state=CallUpState.PAUSED).public_id}, {}


def _a_call_up_that_waits(world: World) -> Any:
    return world.make.call_up(
        world.cast.community, quiet_reason="夜里到货", next_at=clock.now() + timedelta(hours=1)
    )


@call("POST /mobilization/call-ups/<public_id>/hurry", "POST /mobilization/call-ups/<public_id>/end")
def press_with_a_reason(world: World) -> Call:
    return {"public_id": _a_call_up_that_waits(world).public_id}, {"reason": "sooner", "seen": "0"}


@call("POST /mobilization/call-ups/<public_id>/widen")
def call_further_away(world: World) -> Call:
    form = {"reason_text": "本地人手不够", "seen": world.cast.community.public_id}
    return {"public_id": _a_call_up_that_waits(world).public_id}, form


@call("POST /mobilization/call-ups/<public_id>/numbers")
def be_more_sure(world: World) -> Call:
    return {"public_id": world.make.call_up(world.cast.community).public_id}, {"certainty": "sure"}


def _a_role_of(world: World, call_up: Any) -> str:
    with world.cast.app.app_context():
        view = call_up_queries.get_call_up(
            actor=world.cast.actor("alice"), public_id=call_up.public_id, now=clock.now()
        )
    return view.roles[0].public_id


@call("POST /mobilization/call-ups/<public_id>/units")
def call_a_team(world: World) -> Call:
    made = world.make.call_up(world.cast.community, quiet_reason="夜里到货")
    form = {"team": world.cast.team.public_id, "role": _a_role_of(world, made), "count": "2"}
    return {"public_id": made.public_id}, form


def _an_asked_team(world: World) -> tuple[str, str]:
    values, form = call_a_team(world)
    with world.cast.app.app_context():
        unit = call_up_units.ask_unit(
            deed=make_deed(world.cast.actor("alice")),
            call_up=values["public_id"],
            team=form["team"],
            role=form["role"],
            count=2,
        )
    return values["public_id"], unit


@call("POST /mobilization/call-ups/<public_id>/units/<unit>")
def what_the_lead_said_on_the_phone(world: World) -> Call:
    call_up, unit = _an_asked_team(world)
    return {"public_id": call_up, "unit": unit}, {"count": "1"}


@call("GET /mobilization/units/<token>", "POST /mobilization/units/<token>")
def the_leads_link(world: World) -> Call:
    return {"token": call_up_units.token_of(_an_asked_team(world)[1])}, {"count": "1"}


@call("POST /mobilization/units/<token>/members")
def the_lead_ticks_a_name(world: World) -> Call:
    cast = world.cast
    with cast.app.app_context():
        token = call_up_units.token_of(_an_asked_team(world)[1])
        unit = unit_queries.get_unit(token=token, now=clock.now())
    vera = next(each for each in unit.members if each.name == "薇拉")
    return {"token": token}, {"members": vera.public_id}


# --- the muster, the board, standing down -------------------------------------------------------------------


def _mustering(world: World, **columns: Any) -> tuple[Any, Any]:
    """A call-up to which vera said yes, and her summons."""
    call_up = world.make.call_up(
        world.cast.community, roles=((None, 3),), next_at=clock.now() + timedelta(hours=1)
    )
    vera = world.cast.people["vera"].person_id
    return call_up, world.make.summons(call_up, vera, state=SummonsState.COMING, **columns)


def _there() -> dict[str, Any]:
    return {
        "muster": MusterState.ARRIVED,
        "arrived_at": clock.now(),
        "arrived_from": Evidence.ROLL_CALL,
        "welfare_due_at": clock.now(),
    }


@call(
    "GET /mobilization/call-ups/<public_id>/muster",
    "GET /mobilization/call-ups/<public_id>/muster/walk-ins",
    "GET /mobilization/call-ups/<public_id>/code",
    "POST /mobilization/call-ups/<public_id>/code",
    "GET /mobilization/call-ups/<public_id>/board",
    "GET /mobilization/call-ups/<public_id>/wall",
    "POST /mobilization/call-ups/<public_id>/wall",
    "POST /mobilization/call-ups/<public_id>/wall/revoke",
    "GET /mobilization/call-ups/<public_id>/stand-down",
    "POST /mobilization/call-ups/<public_id>/stand-down",
    "POST /mobilization/call-ups/<public_id>/close",
    "GET /mobilization/call-ups/<public_id>/report",
)
def a_call_up_that_musters(world: World) -> Call:
    return {"public_id": _mustering(world)[0].public_id}, {}


@call("POST /mobilization/call-ups/<public_id>/muster")
def the_roll_says_that_vera_is_there(world: World) -> Call:
    call_up, summons = _mustering(world)
    key = summons.public_id
    form = {f"was-{key}": "unknown|||", f"mark-{key}": "present", f"version-{key}": "1"}
    return {"public_id": call_up.public_id}, form


@call("POST /mobilization/call-ups/<public_id>/muster/walk-ins")
def viktor_came_too(world: World) -> Call:
    form = {"reservist": world.cast.reservists["viktor"].public_id}
    return {"public_id": _mustering(world)[0].public_id}, form


@call("POST /mobilization/call-ups/<public_id>/places")
def more_places(world: World) -> Call:
    made = _mustering(world)[0]
    return {"public_id": made.public_id}, {"role": _a_role_of(world, made), "count": "1"}


@call("POST /mobilization/summonses/<public_id>/replace", "POST /mobilization/summonses/<public_id>/set-out")
def vera_is_awaited(world: World) -> Call:
    return {"public_id": _mustering(world)[1].public_id}, {}


@call("POST /mobilization/summonses/<public_id>/welfare")
def vera_is_asked_how_she_is(world: World) -> Call:
    return {"public_id": _mustering(world, **_there())[1].public_id}, {}


@call("GET /mobilization/call-ups/<public_id>/shift", "POST /mobilization/call-ups/<public_id>/shift")
def a_shift_of_somebody_new(world: World) -> Call:
    # Vera is on the call-ups of all the other calls at the same time, and nobody is booked twice.
    made = world.make.call_up(world.cast.community)
    world.make.summons(made, world.make.user("新来的").person_id, state=SummonsState.COMING, **_there())
    return {"public_id": made.public_id}, {"new_post": f"临时岗{made.code}"}


@call("GET /mobilization/wall/<token>")
def a_wall(world: World) -> Call:
    made = _mustering(world)[0]
    actor = world.cast.actor("alice")
    with world.cast.app.app_context():
        boards.make_wall(deed=make_deed(actor), call_up=made.public_id)
        token = board_queries.find_wall(actor=actor, public_id=made.public_id).token
    return {"token": token or ""}, {}


@call("GET /mobilization/check-in/<public_id>/<code>", "POST /mobilization/check-in/<public_id>/<code>")
def at_the_point(world: World) -> Call:
    made = _mustering(world)[0]
    with world.cast.app.app_context():
        return {"public_id": made.public_id, "code": muster_queries.code_of(made.public_id, 1)}, {}


@call("POST /mobilization/answer/<token>/set-out")
def vera_sets_out_by_her_link(world: World) -> Call:
    return {"token": _mustering(world)[1].token}, {}


# --- answering a call-up ------------------------------------------------------------------------------------


def _asked(world: World, **columns: Any) -> Any:
    call_up = world.make.call_up(world.cast.community)
    return world.make.summons(call_up, world.cast.people["vera"].person_id, **columns)


@call("GET /mobilization/answer/<token>")
def show_answer(world: World) -> Call:
    return {"token": _asked(world).token}, {}


@call("POST /mobilization/answer/<token>")
def answer_call_up(world: World) -> Call:
    return {"token": _asked(world).token}, {"reply": "cannot"}


@call("GET /mobilization/summonses/<public_id>")
def show_summons(world: World) -> Call:
    return {"public_id": _asked(world, state=SummonsState.COMING).public_id}, {}


@call("POST /mobilization/summonses/<public_id>/answer")
def answer_summons(world: World) -> Call:
    return {"public_id": _asked(world).public_id}, {"reply": "cannot", "reason": "work"}


@call("GET /mobilization/slips/<token>")
def show_slip(world: World) -> Call:
    return {"token": slip_queries.token_of(_asked(world, state=SummonsState.COMING).public_id)}, {}


# --- the reserve --------------------------------------------------------------------------------------------


def _reservist(world: World, *, member: bool = False) -> str:
    """Somebody new of the reserve, so that no call meets what another one did."""
    cast = world.cast
    user = world.make.user("储备员")
    made = world.make.reservist(
        user,
        area=cast.building if member else cast.other_building,
        team=cast.team if member else None,
    )
    return made.public_id


@call(
    "GET /mobilization/reserve/<public_id>",
    "GET /mobilization/reserve/<public_id>/edit",
    "POST /mobilization/reserve/<public_id>/days",
)
def a_reservist_without_a_team(world: World) -> Call:
    return {"public_id": _reservist(world)}, {}


@call("GET /mobilization/reserve/<public_id> #member")
def a_reservist_of_the_team(world: World) -> Call:
    return {"public_id": _reservist(world, member=True)}, {}


@call("POST /mobilization/reserve/<public_id>/edit")
def what_is_known_of_a_reservist(world: World) -> Call:
    form = {"category": "cadre", "unit": "县水务局", "skills": "driving", "note": "有车"}
    return {"public_id": _reservist(world)}, form


@call("POST /mobilization/reserve/<public_id>/readiness")
def somebody_rests(world: World) -> Call:
    return {"public_id": _reservist(world)}, {"readiness": "resting", "reason": "连续值班两天"}


@call("POST /mobilization/reserve/<public_id>/leave", "POST /mobilization/reserve/<public_id>/reveal")
def a_reservist_and_why(world: World) -> Call:
    return {"public_id": _reservist(world)}, {"reason": "搬走了"}


@call("POST /mobilization/reserve/enrol")
def all_who_fit(world: World) -> Call:
    return {}, {"area": world.cast.community.public_id, "everybody": "1"}


@call("POST /mobilization/me/readiness")
def i_am_limited(_world: World) -> Call:
    return {}, {"readiness": "limited"}


def _reserve_list_of_alice(world: World, *, is_taken: bool) -> Call:
    actor = world.cast.actor("alice")
    with world.cast.app.app_context():
        public_id = reserve_lists.receive_list(
            deed=make_deed(actor),
            area_code="511623100013",
            content="姓名,手机号,类别\n何援,15400007001,下沉干部\n无号,,下沉干部\n".encode(),
            file_name="list.csv",
            language="en",
        )
        reserve_lists.run_short(public_id=public_id, actor=actor, say=lambda code, _params: code)
        if is_taken:
            public_id = reserve_lists.start_import(deed=make_deed(actor), public_id=public_id)
            reserve_lists.run_short(public_id=public_id, actor=actor, say=lambda code, _params: code)
    return {"public_id": public_id}, {}


@call(
    "GET /mobilization/reserve/imports/<public_id>",
    "POST /mobilization/reserve/imports/<public_id>/take",
)
def a_reserve_list_that_was_compared(world: World) -> Call:
    return _reserve_list_of_alice(world, is_taken=False)


@call("GET /mobilization/reserve/imports/<public_id>/errors.csv")
def a_reserve_list_that_was_taken(world: World) -> Call:
    return _reserve_list_of_alice(world, is_taken=True)


@call("GET /mobilization/call-ups/<public_id>/call-list")
def show_call_list(world: World) -> Call:
    call_up = world.make.call_up(world.cast.community)
    world.make.summons(call_up, world.cast.people["vera"].person_id, listed_at=clock.now())
    return {"public_id": call_up.public_id}, {}


@call("POST /mobilization/summonses/<public_id>/calls")
def record_call(world: World) -> Call:
    return {"public_id": _asked(world, listed_at=clock.now()).public_id}, {"result": "no_answer"}


@call("POST /mobilization/summonses/<public_id>/calls #viktor")
def record_call_to_somebody_of_no_team(world: World) -> Call:
    call_up = world.make.call_up(world.cast.community)
    summons = world.make.summons(call_up, world.cast.people["viktor"].person_id, listed_at=clock.now())
    return {"public_id": summons.public_id}, {"result": "no_answer"}


@call("POST /notifications/replies/<public_id>/settle")
def settle_reply(world: World) -> Call:
    return {"public_id": world.make.sms_reply(world.cast.community, text="我看看").public_id}, {}
