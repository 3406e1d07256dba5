"""The hot rows: stock that is taken and put back, the queue that gets it, the counts of buildings, and who is told."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import audit, outbox
from webapp.base.deed import Deed
from webapp.base.prepared import Prepared
from webapp.domain.areas.models import Area
from webapp.domain.supplies import rules
from webapp.domain.supplies.models import OrderLine, RoundBag, RoundBuilding
from webapp.domain.supplies.queries import loads
from webapp.domain.supplies.rules import Waiting

_round_bags: Any = RoundBag.__table__
_round_buildings: Any = RoundBuilding.__table__
_lines: Any = OrderLine.__table__
_areas: Any = Area.__table__


INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

_count_building = Prepared(
    {
        name: build(_round_buildings)
        .values(
            round_id=bindparam("round"),
            area_id=bindparam("area"),
            sort_key=select(_areas.c.sort_key).where(_areas.c.id == bindparam("area")).scalar_subquery(),
            household_count=1,
            ordered_count=1,
        )
        .on_conflict_do_update(
            index_elements=["round_id", "area_id"],
            set_={
                "ordered_count": _round_buildings.c.ordered_count + 1,
                "household_count": _round_buildings.c.household_count + bindparam("unlisted"),
            },
        )
        for name, build in INSERTS.items()
    }
)

_uncount_building = Prepared(
    update(_round_buildings)
    .where(
        _round_buildings.c.round_id == bindparam("round"),
        _round_buildings.c.area_id == bindparam("area"),
        _round_buildings.c.ordered_count > 0,
    )
    .values(
        ordered_count=_round_buildings.c.ordered_count - 1,
        household_count=_round_buildings.c.household_count - bindparam("unlisted"),
    )
)

take = Prepared(
    update(_round_bags)
    .where(
        _round_bags.c.id == bindparam("bag"),
        or_(
            _round_bags.c.capacity.is_(None),
            _round_bags.c.taken_count + bindparam("count") <= _round_bags.c.capacity,
        ),
    )
    .values(taken_count=_round_bags.c.taken_count + bindparam("count"))
)

put_back = Prepared(
    update(_round_bags)
    .where(_round_bags.c.id == bindparam("bag"))
    .values(taken_count=_round_bags.c.taken_count - bindparam("count"))
)

_give_line = Prepared(
    update(_lines)
    .where(_lines.c.id == bindparam("line"))
    .values(
        given_count=_lines.c.given_count + bindparam("count"),
        # Still short: keeps its place in the queue. Complete: leaves it.
        waiting_since=case(
            (_lines.c.given_count + bindparam("count") < _lines.c.wanted_count, _lines.c.waiting_since),
            else_=None,
        ),
    )
)


def count_order(round_id: int, household: loads.HouseholdNow) -> None:
    """One more household of the building has ordered; who is not in the list counts as one more household."""
    _count_building.send(
        {"round": round_id, "area": household.area_id, "unlisted": 0 if household.is_confirmed else 1}
    )


def uncount_order(round_id: int, household: loads.HouseholdNow) -> None:
    """Take back what `count_order` counted."""
    _uncount_building.run(
        {"round": round_id, "area": household.area_id, "unlisted": 0 if household.is_confirmed else 1}
    )


def take_up_to(round_bag_id: int, count: int) -> int:
    """Take `count` of the bag, or what is left of it. The conditional update is the sale."""
    if take.run({"bag": round_bag_id, "count": count}):
        return count
    # The row is locked before it is read again: a bag that somebody gives back in this moment is either seen
    # here, or its giver sees this line in the queue. Without the lock both would look away.
    stock = loads.lock_bags([round_bag_id])[round_bag_id]
    left = rules.free_count(capacity=stock.capacity, taken=stock.taken, wanted=count)
    if left:
        take.run({"bag": round_bag_id, "count": left})
    return left


def tell(
    deed: Deed,
    template: str,
    receiver: loads.Receiver | None,
    the_round: loads.RoundNow,
    **parameters: Any,
) -> str | None:
    """Put a message about an order into the outbox and return its id; without a phone, they are told at the door."""
    if receiver is None:
        return None
    return outbox.enqueue(
        deed,
        template,
        phone=receiver.phone,
        language=receiver.language,
        community=the_round.community,
        community_en=the_round.community_en,
        hotline=the_round.hotline,
        delivers_on=the_round.delivers_on.isoformat(),
        delivery_window=str(the_round.delivery_window),
        cuts_off_at=the_round.cuts_off_at.isoformat(),
        **parameters,
    )


def promote(
    deed: Deed, the_round: loads.RoundNow, round_bag_ids: Sequence[int], *, untold: int | None = None
) -> int:
    """Give what is free of these bags to the first in the queue and tell them; returns how many bags.

    `untold` is the order that is being placed: it is told by its own message.
    """
    dealt = 0
    for stock in loads.lock_bags(sorted(round_bag_ids)).values():
        if stock.capacity is None:
            # A registration round that is still open: nobody waits for stock, only those who came too late.
            continue
        free = stock.capacity - stock.taken
        if free <= 0:
            continue
        queued = {line.line_id: line for line in loads.queue(stock.id, most=free)}
        given = rules.deal([Waiting(line.line_id, line.missing) for line in queued.values()], free)
        for line_id, count in given:
            _give_line.run({"line": line_id, "count": count})
            line = queued[line_id]
            if line.order_id != untold:
                receiver = loads.receiver_of(
                    household_id=line.household_id, person_id=line.placed_by_person_id
                )
                tell(
                    deed,
                    "given",
                    receiver,
                    the_round,
                    number=line.order_number,
                    bags=[[line.bag_name, count]],
                )
            audit.record(
                deed,
                "give_bag",
                "order",
                line.order_id,
                area_path=the_round.area_path,
                bag=stock.id,
                count=count,
            )
        total = sum(count for _, count in given)
        if total:
            take.run({"bag": stock.id, "count": total})
            dealt += total
    return dealt
