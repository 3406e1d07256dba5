"""What a cut-off and the worker do to a round: count what is bought, give what is free, settle merged households."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, literal, literal_column, select, update
from sqlalchemy.orm import aliased

from webapp.base import audit, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, writing
from webapp.base.deed import Deed
from webapp.base.ids import new_public_id
from webapp.domain.areas.models import Area
from webapp.domain.households.models import Household, HouseholdState
from webapp.domain.supplies import rules
from webapp.domain.supplies.models import Order, Round, RoundArea, RoundBag, RoundBuilding
from webapp.domain.supplies.queries import loads
from webapp.domain.supplies.rules import OrderState, Step
from webapp.domain.supplies.services.orders import cancel_standing
from webapp.domain.supplies.services.stock import INSERTS, count_order, promote, tell, uncount_order

_rounds: Any = Round.__table__
_round_areas: Any = RoundArea.__table__
_round_bags: Any = RoundBag.__table__
_round_buildings: Any = RoundBuilding.__table__
_orders: Any = Order.__table__
_households: Any = Household.__table__
_areas: Any = Area.__table__


def advance(round_id: int, step: Step, values: dict[str, Any]) -> bool:
    """Move the round from one state to the next; False when somebody did it before."""
    before, after = rules.STEPS[step]
    changed = db.connection().execute(
        update(_rounds)
        .where(_rounds.c.id == round_id, _rounds.c.state == before)
        .values(state=after, **values)
    )
    return changed.rowcount == 1


def settle_closed(deed: Deed, the_round: loads.RoundNow, *, is_counted: bool) -> None:
    """After the cut-off: settle merged households, count what is bought, give what is free to the queue."""
    move_merged_orders(deed, loads.merged_orders(round_id=the_round.id))
    bags = loads.bag_ids_of(the_round.id)
    loads.lock_bags(bags)
    if is_counted:
        count_capacity(the_round.id)
    promote(deed, the_round, bags)
    tally(the_round.id)


def count_capacity(round_id: int) -> None:
    """What was registered is what is bought; the bags are locked."""
    db.connection().execute(
        update(_round_bags)
        .where(_round_bags.c.round_id == round_id, _round_bags.c.capacity.is_(None))
        .values(capacity=_round_bags.c.taken_count)
    )


def tally(round_id: int) -> None:
    """Count again, building by building, what each order has counted so far."""
    connection = db.connection()
    real: Any = aliased(Household.__table__, name="real")
    connection.execute(
        select(_round_buildings.c.area_id)
        .where(_round_buildings.c.round_id == round_id)
        .order_by(_round_buildings.c.area_id)
        .with_for_update(key_share=True)
    ).all()
    compound: Any = aliased(Area.__table__, name="compound")
    served = (
        select(
            literal(round_id),
            _areas.c.id,
            func.coalesce(compound.c.sort_key, "") + "/" + _areas.c.sort_key,
            literal(0),
            literal(0),
        )
        .select_from(
            _rounds.join(_round_areas, _round_areas.c.round_id == _rounds.c.id)
            .join(
                _areas,
                and_(
                    _areas.c.path >= _round_areas.c.area_path,
                    _areas.c.path < _round_areas.c.area_path + "~",
                    _areas.c.level == "building",
                ),
            )
            .outerjoin(compound, compound.c.id == _areas.c.parent_id)
        )
        .where(_rounds.c.id == round_id)
        .distinct()
    )
    names = ["round_id", "area_id", "sort_key", "household_count", "ordered_count"]
    connection.execute(
        INSERTS[connection.dialect.name](_round_buildings)
        .from_select(names, served)
        .on_conflict_do_update(
            index_elements=["round_id", "area_id"], set_={"sort_key": literal_column("excluded.sort_key")}
        )
    )
    ordered = (
        select(func.count())
        .select_from(
            _orders.join(_households, _households.c.id == _orders.c.household_id).join(
                real, real.c.id == func.coalesce(_households.c.merged_into_id, _households.c.id)
            )
        )
        .where(
            _orders.c.round_id == round_id,
            is_any(_orders.c.state, OrderState.LIVE),
            real.c.area_id == _round_buildings.c.area_id,
        )
    )
    listed = (
        select(func.count())
        .select_from(_households)
        .where(
            _households.c.area_id == _round_buildings.c.area_id, _households.c.state == HouseholdState.LISTED
        )
    )
    # Who is not in the office's list counts only while they have an order, so that "not yet" stays true.
    stated = ordered.where(real.c.state != HouseholdState.LISTED)
    connection.execute(
        update(_round_buildings)
        .where(_round_buildings.c.round_id == round_id)
        .values(
            ordered_count=ordered.correlate(_round_buildings).scalar_subquery(),
            household_count=listed.correlate(_round_buildings).scalar_subquery()
            + stated.correlate(_round_buildings).scalar_subquery(),
        )
    )


def move_merged_orders(deed: Deed, merged: Sequence[loads.MergedOrder]) -> int:
    """Give each order to the household that its own was merged into, or cancel it where that one has one."""
    connection = db.connection()
    for each in merged:
        order = loads.order_by_id(each.id)
        the_round = loads.round_by_id(each.round_id)
        stated, real = loads.household_by_id(each.household_id), loads.household_by_id(each.into_id)
        if each.has_own:
            why = replace(deed, reason="merged")
            cancel_standing(why, order, the_round, stated)
            receiver = loads.receiver_of(household_id=real.id, person_id=each.placed_by_person_id)
            tell(deed, "order_merged", receiver, the_round, number=order.number)
            continue
        connection.execute(update(_orders).where(_orders.c.id == order.id).values(household_id=real.id))
        uncount_order(the_round.id, stated)
        count_order(the_round.id, real)
        audit.record(
            deed, "move_order", "order", order.id, area_path=real.area_path, of=stated.id, to=real.id
        )
    return len(merged)


def _system_deed(job: str, now: datetime) -> Deed:
    return Deed(actor=Actor.system(job), client_id=new_public_id(), fingerprint="", now=now, source="worker")


@writing
def tidy_merged_orders(*, now: datetime) -> int:
    """Move the orders of merged households to the real ones; returns how many. Repeating changes nothing."""
    return move_merged_orders(_system_deed("tidy_merged_orders", now), loads.merged_orders())


@writing
def _tidy_round(round_id: int, now: datetime) -> bool:
    if not advance(round_id, Step.CLOSE, {"closed_at": now}):
        return False
    deed = _system_deed("tidy_rounds", now)
    the_round = loads.round_by_id(round_id)
    audit.record(deed, "close_round", "round", round_id, area_path=the_round.area_path)
    settle_closed(deed, the_round, is_counted=True)
    return True


@writing
def _tidy_counts(round_id: int) -> None:
    loads.lock_bags(loads.bag_ids_of(round_id))
    count_capacity(round_id)


def tidy_rounds(*, now: datetime) -> int:
    """Close each round whose cut-off and grace are over; returns how many. Each in its own transaction.

    Rounds that a head closed early are counted when their grace is over.
    """
    for round_id in loads.rounds_to_count(now=now):
        _tidy_counts(round_id)
    return sum(_tidy_round(round_id, now) for round_id in loads.rounds_past_grace(now=now))
