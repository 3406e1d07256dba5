"""Rounds of a head: made, opened, closed, packed, sent out, finished; prices and capacities."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, func, insert, literal, select, update

from webapp.base import audit, db, requests
from webapp.base.db import UtcDateTime, within, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.supplies import rules
from webapp.domain.supplies.models import Round, RoundArea, RoundBag
from webapp.domain.supplies.queries import loads
from webapp.domain.supplies.rules import BagPlan, DeliveryWindow, RoundKind, RoundState, Step
from webapp.domain.supplies.services.bags import ids_of_bags, managed_area
from webapp.domain.supplies.services.closing import (
    advance,
    count_capacity,
    move_merged_orders,
    settle_closed,
    tally,
)
from webapp.domain.supplies.services.stock import promote

_rounds: Any = Round.__table__
_round_areas: Any = RoundArea.__table__
_round_bags: Any = RoundBag.__table__
_areas: Any = Area.__table__


@dataclass(frozen=True)
class RoundPlan:
    """A round as the head plans it. `areas` are public ids of what it serves; empty: the whole community."""

    area: str
    kind: RoundKind
    delivers_on: date
    delivery_window: DeliveryWindow
    opens_at: datetime | None
    cuts_off_at: datetime
    household_limit: int
    bags: tuple[BagPlan, ...]
    areas: tuple[str, ...] = ()
    takes_money_at_door: bool = False


@writing
def make_round(*, deed: Deed, plan: RoundPlan) -> str:
    """Write a draft of a round with its bags and what it serves; returns its public id.

    NotFound for an area, bag or building that is not the actor's to manage.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _round_public_id(claim.object_id)
    connection = db.connection()
    area = managed_area(deed.actor, plan.area)
    opens_at = plan.opens_at or deed.now
    rules.ensure_round_plan(
        kind=plan.kind, opens_at=opens_at, cuts_off_at=plan.cuts_off_at, now=deed.now, bags=plan.bags
    )
    bag_ids = ids_of_bags(area.path, [each.bag for each in plan.bags])
    served = _served_areas(area, plan.areas)
    public_id = new_public_id()
    round_id = connection.execute(
        insert(_rounds).returning(_rounds.c.id),
        {
            "public_id": public_id,
            "area_id": area.id,
            "area_path": area.path,
            "number": _next_number(area.id),
            "kind": plan.kind,
            "state": RoundState.DRAFT,
            "delivers_on": plan.delivers_on,
            "delivery_window": plan.delivery_window,
            "opens_at": opens_at,
            "cuts_off_at": plan.cuts_off_at,
            "grace_seconds": GRACE_SECONDS,
            "household_limit": plan.household_limit,
            "takes_money_at_door": plan.takes_money_at_door,
            "created_at": deed.now,
        },
    ).scalar_one()
    connection.execute(
        insert(_round_areas).inline(),
        [{"round_id": round_id, "area_id": each.id, "area_path": each.path} for each in served],
    )
    connection.execute(
        insert(_round_bags).inline(),
        [
            {
                "public_id": new_public_id(),
                "round_id": round_id,
                "bag_id": bag_ids[each.bag],
                "position": position,
                "price_fen": each.price_fen,
                "price_version": 1,
                "capacity": each.capacity if plan.kind is RoundKind.LIMITED else None,
                "taken_count": 0,
                "household_limit": each.household_limit,
            }
            for position, each in enumerate(plan.bags)
        ],
    )
    requests.settle(claim, outcome="made", object_id=round_id)
    audit.record(deed, "make_round", "round", round_id, area_path=area.path, round_kind=str(plan.kind))
    return public_id


GRACE_SECONDS = 300


def _round_public_id(round_id: int | None) -> str:
    public_id: str = (
        db.connection().execute(select(_rounds.c.public_id).where(_rounds.c.id == round_id)).scalar_one()
    )
    return public_id


def _served_areas(area: Any, public_ids: Sequence[str]) -> list[Any]:
    if not public_ids:
        return [area]
    rows = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.path).where(
                _areas.c.public_id.in_(public_ids), within(_areas.c.path, area.path)
            )
        )
        .all()
    )
    if len(rows) != len(set(public_ids)):
        raise NotFound
    return list(rows)


def _next_number(area_id: int) -> int:
    # The area's row is locked, so that two heads who press at once get two numbers.
    connection = db.connection()
    connection.execute(
        select(_areas.c.id).where(_areas.c.id == area_id).with_for_update(key_share=True)
    ).one()
    highest = connection.execute(
        select(func.max(_rounds.c.number)).where(_rounds.c.area_id == area_id)
    ).scalar()
    return (highest or 0) + 1


def _step(
    deed: Deed, round_public_id: str, step: Step, values: dict[str, Any]
) -> tuple[loads.RoundNow, requests.Claim] | None:
    """Take the round one step further, once; None when this key already did it."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return None
    the_round = loads.round_for(
        actor=deed.actor, permission=Permission.ROUND_MANAGE, round_public_id=round_public_id
    )
    if not advance(the_round.id, step, values):
        raise Conflict("round_state_wrong")
    requests.settle(claim, outcome=str(step), object_id=the_round.id)
    audit.record(deed, f"{step}_round", "round", the_round.id, area_path=the_round.area_path)
    return the_round, claim


@writing
def open_round(*, deed: Deed, round_public_id: str) -> None:
    """Let the households order, and write down how many live in each building that is served."""
    done = _step(deed, round_public_id, Step.OPEN, {})
    if done is None:
        return
    the_round, _ = done
    if the_round.cuts_off_at <= deed.now:
        raise RuleBroken("cut_off_in_the_past")
    tally(the_round.id)


@writing
def close_round(*, deed: Deed, round_public_id: str) -> None:
    """Cut off 截单; before the cut-off it moves the cut-off to now.

    What was registered is what is bought, counted once the grace is over: a form that was opened before the
    cut-off still counts.
    """
    cut = case(
        (_rounds.c.cuts_off_at > deed.now, literal(deed.now, UtcDateTime)), else_=_rounds.c.cuts_off_at
    )
    done = _step(deed, round_public_id, Step.CLOSE, {"closed_at": deed.now, "cuts_off_at": cut})
    if done is None:
        return
    the_round, _ = done
    if the_round.opens_at >= deed.now:
        raise Conflict("not_open_yet")
    grace_ends = min(the_round.cuts_off_at, deed.now) + timedelta(seconds=the_round.grace_seconds)
    settle_closed(deed, the_round, is_counted=deed.now > grace_ends)


@writing
def start_packing(*, deed: Deed, round_public_id: str) -> None:
    """The bags are being packed 分拣: from now on no order changes."""
    done = _step(deed, round_public_id, Step.PACK, {"packing_at": deed.now})
    if done is not None:
        round_id = done[0].id
        move_merged_orders(deed, loads.merged_orders(round_id=round_id, is_packing=True))
        loads.lock_bags(loads.bag_ids_of(round_id))
        count_capacity(round_id)
        tally(round_id)


@writing
def send_out_round(*, deed: Deed, round_public_id: str) -> None:
    """The bags are on their way 配送."""
    _step(deed, round_public_id, Step.SEND_OUT, {"out_at": deed.now})


@writing
def finish_round(*, deed: Deed, round_public_id: str) -> None:
    """The round is done."""
    _step(deed, round_public_id, Step.FINISH, {"done_at": deed.now})


@writing
def discard_round(*, deed: Deed, round_public_id: str) -> None:
    """Throw away a draft that nobody could order from yet."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    the_round = loads.round_for(
        actor=deed.actor, permission=Permission.ROUND_MANAGE, round_public_id=round_public_id
    )
    changed = db.connection().execute(
        update(_rounds)
        .where(_rounds.c.id == the_round.id, _rounds.c.state == RoundState.DRAFT)
        .values(state=RoundState.CANCELLED)
    )
    if not changed.rowcount:
        raise Conflict("round_state_wrong")
    requests.settle(claim, outcome="discarded", object_id=the_round.id)
    audit.record(deed, "discard_round", "round", the_round.id, area_path=the_round.area_path)


@writing
def change_round_bag(
    *,
    deed: Deed,
    round_public_id: str,
    round_bag_public_id: str,
    price_fen: int,
    capacity: int | None,
) -> None:
    """Set the price and the capacity of a bag in a round that is not yet packed.

    A new price raises the price version, so that whoever read the old one is asked. More capacity goes to
    the queue at once; less than is taken is refused. A registration round has no capacity until it closes.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    the_round = loads.round_for(
        actor=deed.actor, permission=Permission.ROUND_MANAGE, round_public_id=round_public_id
    )
    if the_round.state not in {RoundState.DRAFT, RoundState.OPEN, RoundState.CLOSED}:
        raise Conflict("round_state_wrong")
    is_counted = the_round.kind is RoundKind.LIMITED or the_round.state is RoundState.CLOSED
    if is_counted and capacity is None:
        raise RuleBroken("capacity_missing", field="capacity")
    connection = db.connection()
    c = _round_bags.c
    before = connection.execute(
        select(c.id, c.price_fen, c.capacity, c.taken_count)
        .where(c.public_id == round_bag_public_id, c.round_id == the_round.id)
        .with_for_update(key_share=True)
    ).one_or_none()
    if before is None:
        raise NotFound
    if is_counted and capacity is not None and capacity < before.taken_count:
        raise RuleBroken("capacity_below_taken", field="capacity", taken=before.taken_count)
    if the_round.state is RoundState.CLOSED and price_fen != before.price_fen:
        raise RuleBroken("price_after_cut_off", field="price")
    connection.execute(
        update(_round_bags)
        .where(c.id == before.id)
        .values(
            price_fen=price_fen,
            price_version=c.price_version + (1 if price_fen != before.price_fen else 0),
            capacity=capacity if is_counted else None,
        )
    )
    requests.settle(claim, outcome="changed", object_id=before.id)
    audit.record(
        deed,
        "change_round_bag",
        "round_bag",
        before.id,
        area_path=the_round.area_path,
        price_fen=[before.price_fen, price_fen],
        capacity=[before.capacity, capacity],
    )
    if is_counted and the_round.state is not RoundState.DRAFT:
        promote(deed, the_round, [before.id])
