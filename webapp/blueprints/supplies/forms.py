"""The shape of what is typed for orders, rounds and bags. Bags make the fields, so they are read by name."""

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time

from werkzeug.datastructures import MultiDict

from webapp.base import clock
from webapp.base.errors import RuleBroken
from webapp.domain.supplies.rules import BagPlan, DeliveryWindow, RoundKind, Wish
from webapp.domain.supplies.services import ItemPlan, RoundPlan

COUNT, PRICE_VERSION, NO_SUBSTITUTE = "count-", "price_version-", "no_substitute-"


def number(text: str, *, code: str, field: str | None = None, longest: int = 9) -> int:
    """A whole number of any script's digits (１ is 1); raises RuleBroken with `code` for all else."""
    text = text.strip()
    if not text.isdecimal() or len(text) > longest:
        raise RuleBroken(code, field=field)
    return int(text)


def read_wishes(form: Mapping[str, str]) -> list[Wish]:
    """The lines that were chosen; an empty field is none. Prices are never read, only their versions."""
    wishes = []
    for name, text in form.items():
        if not name.startswith(COUNT) or not text.strip():
            continue
        bag = name.removeprefix(COUNT)
        version = form.get(PRICE_VERSION + bag, "")
        wishes.append(
            Wish(
                round_bag=bag,
                count=number(text, code="count_wrong", field=name, longest=3),
                price_version=int(version) if version.isdecimal() and len(version) < 10 else 0,
                no_substitute=NO_SUBSTITUTE + bag in form,
            )
        )
    return wishes


def read_yuan(text: str, *, field: str) -> int:
    """Yuan as they are typed (30, 30.5, 30。50, ¥30) as fen; empty is free. Raises RuleBroken("price_wrong")."""
    text = (
        unicodedata.normalize("NFKC", text)
        .replace("。", ".")
        .strip()
        .removeprefix("¥")
        .removesuffix("元")
        .strip()
    )
    if not text:
        return 0
    whole, _dot, part = text.partition(".")
    part = part.ljust(2, "0")
    if not (whole or "0").isdecimal() or not part.isdecimal() or len(part) > 2 or len(whole) > 5:
        raise RuleBroken("price_wrong", field=field)
    return int(whole or "0") * 100 + int(part)


def _moment(on: str, at: str, *, field: str) -> datetime:
    try:
        day = date.fromisoformat(on.strip())
        wall = time.fromisoformat(unicodedata.normalize("NFKC", at).strip())
    except ValueError as error:
        raise RuleBroken("time_wrong", field=field) from error
    return clock.instant(datetime.combine(day, wall.replace(tzinfo=None)))


def read_plan(form: MultiDict[str, str]) -> RoundPlan:
    """A round as the head typed it; what no field can say raises RuleBroken on the field."""
    try:
        kind, part = RoundKind(form.get("kind", "")), DeliveryWindow(form.get("delivery_window", ""))
    except ValueError as error:
        raise RuleBroken("bad_request") from error
    try:
        delivers_on = date.fromisoformat(form.get("delivers_on", "").strip())
    except ValueError as error:
        raise RuleBroken("time_wrong", field="delivers_on") from error
    opens_at = None
    if form.get("opens_time", "").strip():
        opens_at = _moment(form.get("opens_on", ""), form.get("opens_time", ""), field="opens_time")
    bags = tuple(_bag_plan(form, bag, kind) for bag in form.getlist("bag"))
    # All ticked means the community, also where a building is added tomorrow.
    areas = tuple(form.getlist("building")) if form.get("whole") != "1" else ()
    if form.get("whole") != "1" and not areas:
        raise RuleBroken("no_buildings", field="building")
    return RoundPlan(
        area=form.get("area", ""),
        kind=kind,
        delivers_on=delivers_on,
        delivery_window=part,
        opens_at=opens_at,
        cuts_off_at=_moment(
            form.get("cuts_off_on", ""), form.get("cuts_off_time", ""), field="cuts_off_time"
        ),
        household_limit=_limit(form, "household_limit"),
        bags=bags,
        areas=areas,
        takes_money_at_door=form.get("takes_money_at_door") == "1",
    )


def _limit(form: Mapping[str, str], field: str) -> int:
    limit = number(form.get(field, ""), code="count_wrong", field=field, longest=2)
    if not limit:
        raise RuleBroken("count_wrong", field=field)
    return limit


def _bag_plan(form: Mapping[str, str], bag: str, kind: RoundKind) -> BagPlan:
    capacity = form.get(f"capacity-{bag}", "").strip()
    is_limited = kind is RoundKind.LIMITED
    if is_limited and not capacity:
        raise RuleBroken("capacity_missing", field=f"capacity-{bag}")
    return BagPlan(
        bag=bag,
        price_fen=read_yuan(form.get(f"price-{bag}", ""), field=f"price-{bag}"),
        capacity=number(capacity, code="count_wrong", field=f"capacity-{bag}", longest=6)
        if is_limited
        else None,
        household_limit=_limit(form, f"limit-{bag}"),
    )


ITEM_ROWS = 12


def read_items(form: Mapping[str, str]) -> list[ItemPlan]:
    """What is in a bag: rows of name, spec, how many, unit; a row without a name is left out."""
    items = []
    for row in range(ITEM_ROWS):
        name = form.get(f"item-{row}", "").strip()[:40]
        if not name:
            continue
        field = f"quantity-{row}"
        quantity = number(form.get(field, ""), code="count_wrong", field=field, longest=4)
        if not quantity:
            raise RuleBroken("count_wrong", field=field)
        items.append(
            ItemPlan(
                name=name,
                name_en=form.get(f"item_en-{row}", "").strip()[:60] or None,
                spec=form.get(f"spec-{row}", "").strip()[:40],
                unit=form.get(f"unit-{row}", "").strip()[:12] or "份",
                quantity=quantity,
            )
        )
    return items
