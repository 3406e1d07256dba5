"""What a head's pages say, put into words before the template."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.domain.supplies.queries.head import BagView, BuildingPage, DoorPage, HomeRound, Preset, RoundView
from webapp.domain.supplies.rules import RoundKind, RoundState, Step, yuan
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.words import gettext

_ENDPOINTS = {
    Step.OPEN: "supplies.open_round",
    Step.CLOSE: "supplies.close_round",
    Step.PACK: "supplies.start_packing",
    Step.SEND_OUT: "supplies.send_out_round",
    Step.FINISH: "supplies.finish_round",
}


def title(number: int, when: str) -> str:
    """第12轮 · 明天上午送."""
    return gettext("Round %(number)s · %(when)s", number=number, when=when)


def line(each: HomeRound, now: datetime) -> dict[str, Any]:
    """A round as a row of a list."""
    state, tone = words.round_state(each.state)
    return {
        "title": title(each.number, words.delivery(each.delivers_on, each.delivery_window, now=now)),
        "detail": words.said(each.community),
        "cut_off": gettext("cut-off %(at)s", at=words.moment(each.cuts_off_at, now=now)),
        "state": state,
        "tone": tone,
        "url": url_for("supplies.show_round", public_id=each.public_id),
    }


@dataclass(frozen=True)
class StepWords:
    """The next step as a button, and what it does."""

    url: str
    button: str
    said: str
    is_early: bool


def _step(view: RoundView, now: datetime) -> StepWords | None:
    step = view.step
    if step is None:
        return None
    buttons = {
        Step.OPEN: (gettext("Open the round"), gettext("The households can order from then on.")),
        Step.CLOSE: (gettext("Cut off now"), _close_words(view, now)),
        Step.PACK: (gettext("Begin packing"), gettext("From then on no order can be changed.")),
        Step.SEND_OUT: (gettext("Send out"), gettext("The households read: on the way.")),
        Step.FINISH: (gettext("Finish the round"), gettext("All bags are where they belong.")),
    }
    button, said = buttons[step]
    return StepWords(
        url=url_for(_ENDPOINTS[step], public_id=view.public_id),
        button=button,
        said=said,
        # Nothing opens a round again: closing it before its time takes a second tap.
        is_early=step is Step.CLOSE and now <= view.cuts_off_at,
    )


def _close_words(view: RoundView, now: datetime) -> str:
    if now <= view.cuts_off_at:
        return gettext(
            "It cuts off by itself at %(at)s. Pressed earlier, nobody can order any more from that moment.",
            at=words.moment(view.cuts_off_at, now=now),
        )
    ends = view.cuts_off_at + timedelta(seconds=view.grace_seconds)
    if now <= ends:
        return gettext(
            "Orders begun before the cut-off still arrive until %(at)s.", at=words.clock_time(ends)
        )
    return gettext("The time is over. Later orders wait in the queue.")


@dataclass(frozen=True)
class RoundWords:
    """A round in words."""

    public_id: str
    title: str
    state: str
    tone: str
    community: Any
    facts: tuple[tuple[str, Any], ...]
    bags: tuple[dict[str, Any], ...]
    step: StepWords | None
    discard_url: str | None
    sheets_url: str | None
    may_change_bags: bool
    watch_url: str
    is_live: bool


def round_words(view: RoundView, now: datetime) -> RoundWords:
    """A round in the office's words."""
    state, tone = words.round_state(view.state)
    may_change = view.may_manage and view.state in {RoundState.DRAFT, RoundState.OPEN, RoundState.CLOSED}
    kind = gettext("Registration: the purchase follows the count")
    if view.kind is RoundKind.LIMITED:
        kind = gettext("Limited: a fixed number of bags")
    return RoundWords(
        public_id=view.public_id,
        title=title(view.number, words.delivery(view.delivers_on, view.delivery_window, now=now)),
        state=state,
        tone=tone,
        community=words.said(view.community),
        facts=(
            (gettext("Delivery"), words.full_delivery(view.delivers_on, view.delivery_window)),
            (gettext("Opens"), words.moment(view.opens_at, now=now)),
            (gettext("Cut-off"), words.moment(view.cuts_off_at, now=now)),
            (gettext("Kind"), kind),
            (gettext("Limit"), gettext("At most %(limit)s for each household", limit=view.household_limit)),
        ),
        bags=tuple(
            {
                "public_id": bag.public_id,
                "name": words.said(bag.name, bag.name_en),
                "label": bag.name if words.is_chinese() or not bag.name_en else bag.name_en,
                "price": words.yuan(bag.price_fen),
                "price_typed": yuan(bag.price_fen),
                "capacity": "" if bag.capacity is None else bag.capacity,
                "has_capacity": view.kind is RoundKind.LIMITED or view.state is RoundState.CLOSED,
                "url": url_for(
                    "supplies.change_round_bag", public_id=view.public_id, round_bag=bag.public_id
                ),
            }
            for bag in view.bags
        ),
        step=_step(view, now),
        discard_url=url_for("supplies.discard_round", public_id=view.public_id)
        if view.may_manage and view.state is RoundState.DRAFT
        else None,
        sheets_url=url_for("supplies.show_sheets", public_id=view.public_id)
        if view.may_print and view.has_sheets
        else None,
        may_change_bags=may_change,
        watch_url=url_for("supplies.watch_round", public_id=view.public_id),
        is_live=view.state in {RoundState.OPEN, RoundState.CLOSED},
    )


def watch(view: RoundView, page: BuildingPage) -> dict[str, Any]:
    """The figures of a round: what a page asks for again and again."""
    return {
        "ordered": view.ordered_count,
        "not_yet": view.not_yet_count,
        "waiting": view.waiting_count,
        "all": view.household_count,
        "bags": [
            {
                "name": words.said(bag.name, bag.name_en),
                "taken": bag.taken,
                "capacity": "–" if bag.capacity is None else bag.capacity,
                "waiting": bag.waiting,
            }
            for bag in view.bags
        ],
        "buildings": [
            {
                "name": words.said(f"{each.compound} {each.name}" if each.compound else each.name),
                "url": url_for("supplies.show_building", public_id=view.public_id, building=each.public_id),
                "ordered": each.ordered_count,
                "not_yet": each.not_yet_count,
            }
            for each in page.buildings
        ],
        "older": page.after and url_for("supplies.show_round", public_id=view.public_id, after=page.after),
    }


def doors(view: RoundView, page: DoorPage, which: str, now: datetime) -> dict[str, Any]:
    """The doors of a building: who has ordered, who not yet, and ordering for them."""
    here = {"public_id": view.public_id, "building": page.building_public_id}
    may_order = view.may_assist and view.state in {RoundState.OPEN, RoundState.CLOSED}
    return {
        "title": words.said(page.building),
        "plain_title": page.building if words.is_chinese() else gettext("Building"),
        "round": title(view.number, words.delivery(view.delivers_on, view.delivery_window, now=now)),
        "back": url_for("supplies.show_round", public_id=view.public_id),
        "tabs": [
            (words_, url_for("supplies.show_building", which=key, **here), key == which)
            for key, words_ in (
                ("not_yet", gettext("Not yet")),
                ("ordered", gettext("Has ordered")),
                ("all", gettext("All doors")),
            )
        ],
        "doors": [
            {
                "door": words.said(each.door),
                "state": _door_state(each),
                "tone": "good" if each.order and each.given else "warn" if each.order else "plain",
                "number": each.number or "",
                "is_confirmed": each.is_confirmed,
                "url": url_for("supplies.show_order", public_id=each.order)
                if each.order
                else url_for("supplies.new_order", round=view.public_id, household=each.household)
                if may_order
                else None,
                "button": gettext("See") if each.order else gettext("Order for this home"),
            }
            for each in page.doors
        ],
        "older": page.after and url_for("supplies.show_building", which=which, after=page.after, **here),
    }


def _door_state(each: Any) -> str:
    if not each.order:
        return gettext("Not yet")
    if each.given < each.wanted:
        return gettext(
            "%(given)s given, %(waiting)s waiting", given=each.given, waiting=each.wanted - each.given
        )
    return gettext("Has ordered %(count)s", count=each.wanted)


def plan_form(
    preset: Preset, now: datetime, *, typed: Any = None, error: LinliError | None = None
) -> dict[str, Any]:
    """The form of a new round: what was typed, else the last round's terms, else sensible ones."""
    last = preset.last
    local = clock.here(now)
    tomorrow = (local + timedelta(days=1)).date()
    cut = clock.here(last.cuts_off_at).strftime("%H:%M") if last else "20:00"
    start = {
        "kind": str(last.kind if last else RoundKind.REGISTRATION),
        "delivers_on": tomorrow.isoformat(),
        "delivery_window": str(last.delivery_window if last else "morning"),
        "cuts_off_on": local.date().isoformat(),
        "cuts_off_time": cut,
        "opens_on": local.date().isoformat(),
        "opens_time": "",
        "household_limit": str(last.household_limit if last else 2),
        "takes_money_at_door": "1" if last and last.takes_money_at_door else "",
    }
    value = {name: typed.get(name, "") for name in start} if typed is not None else start
    before = {bag.bag: bag for bag in last.bags} if last else {}
    chosen = (
        set(typed.getlist("bag"))
        if typed is not None
        else set(before) or {each.public_id for each in preset.bags}
    )
    buildings = set(typed.getlist("building")) if typed is not None else None
    field = error.field if error else None
    return {
        "area": preset.area,
        "community": words.said(preset.community),
        "value": value,
        "field": field,
        "said": sentence(error.code, **error.params) if error else None,
        "whole": typed.get("whole") == "1"
        if typed is not None
        else all(each.is_chosen for each in preset.buildings),
        "windows": [(name, words.window(name)) for name in ("morning", "afternoon", "evening")],
        "kinds": [
            (
                "registration",
                gettext("Registration"),
                gettext("Everybody who registers gets one; you buy what was counted."),
            ),
            ("limited", gettext("Limited"), gettext("A fixed number; who comes after waits in a queue.")),
        ],
        "bags": [
            _bag_row(each, before.get(each.public_id), typed, each.public_id in chosen)
            for each in preset.bags
        ],
        "buildings": [
            (
                each.public_id,
                words.said(each.name),
                each.public_id in buildings if buildings is not None else each.is_chosen,
            )
            for each in preset.buildings
        ],
    }


def _bag_row(bag: BagView, before: Any, typed: Any, is_chosen: bool) -> dict[str, Any]:  # noqa: FBT001 - one caller, above
    def value(name: str, otherwise: Any) -> Any:
        return otherwise if typed is None else typed.get(f"{name}-{bag.public_id}", "")

    capacity = before.capacity if before and before.capacity is not None else ""
    return {
        "public_id": bag.public_id,
        "name": words.said(bag.name, bag.name_en),
        "is_chosen": is_chosen,
        "price": value("price", yuan(before.price_fen) if before else ""),
        "capacity": value("capacity", capacity),
        "limit": value("limit", before.household_limit if before else 1),
    }


def bag_line(bag: BagView) -> dict[str, Any]:
    """A bag as a row."""
    return {
        "name": words.said(bag.name, bag.name_en),
        "detail": ", ".join(f"{item.name} {item.quantity}{item.unit}" for item in bag.items),
        "url": url_for("supplies.edit_bag", public_id=bag.public_id),
        "state": gettext("Offered") if bag.is_offered else gettext("Not offered"),
        "tone": "good" if bag.is_offered else "plain",
    }


def bag_form(area: str, bag: BagView | None, rows: int, typed: Mapping[str, str] | None) -> dict[str, Any]:
    """The form of a bag with what was typed, or what stands."""
    if typed is not None:
        value: Mapping[str, Any] = typed
    elif bag is not None:
        value = {
            "name": bag.name,
            "name_en": bag.name_en or "",
            "is_basic": "1" if bag.is_basic else "",
            "is_offered": "1" if bag.is_offered else "",
        }
        for row, item in enumerate(bag.items):
            value |= {
                f"item-{row}": item.name,
                f"item_en-{row}": item.name_en or "",
                f"spec-{row}": item.spec,
                f"unit-{row}": item.unit,
                f"quantity-{row}": str(item.quantity),
            }
    else:
        value = {"is_offered": "1"}
    fields = ("item", "quantity", "unit", "spec", "item_en")
    return {
        "area": area,
        "title": gettext("Change the bag") if bag else gettext("New bag"),
        "action": url_for("supplies.save_bag", public_id=bag.public_id)
        if bag
        else url_for("supplies.make_bag"),
        "name": value.get("name", ""),
        "name_en": value.get("name_en", ""),
        "is_basic": value.get("is_basic") == "1",
        "is_offered": value.get("is_offered") == "1",
        "rows": [(row, {name: value.get(f"{name}-{row}", "") for name in fields}) for row in range(rows)],
    }
