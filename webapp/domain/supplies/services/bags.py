"""Bags with what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from webapp.base import audit, db, requests
from webapp.base.actor import Actor
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.supplies.models import Bag, BagItem

_bags: Any = Bag.__table__
_items: Any = BagItem.__table__
_areas: Any = Area.__table__


def managed_area(actor: Actor, public_id: str) -> Any:
    """The community that the actor manages rounds for; raises NotFound for every other, and for areas below it.

    Bags and rounds are a community's: a household finds its rounds by the community that it lives in.
    """
    row = (
        db.connection()
        .execute(select(_areas.c.id, _areas.c.path, _areas.c.level).where(_areas.c.public_id == public_id))
        .one_or_none()
    )
    if row is None or row.level != "community" or not actor.can(Permission.ROUND_MANAGE, row.path):
        raise NotFound
    return row


def ids_of_bags(area_path: str, public_ids: Sequence[str]) -> dict[str, int]:
    """Row ids of these bags of the area; raises NotFound when one is not its own."""
    rows = db.connection().execute(
        select(_bags.c.public_id, _bags.c.id).where(
            _bags.c.public_id.in_(public_ids), _bags.c.area_path == area_path
        )
    )
    found = {row.public_id: row.id for row in rows}
    if set(public_ids) != found.keys() or len(set(public_ids)) != len(public_ids):
        raise NotFound
    return found


@dataclass(frozen=True)
class ItemPlan:
    """One line of what is in a bag."""

    name: str
    spec: str
    unit: str
    quantity: int
    name_en: str | None = None


@writing
def save_bag(
    *,
    deed: Deed,
    area_public_id: str,
    bag_public_id: str | None,
    name: str,
    name_en: str | None,
    is_basic: bool,
    is_offered: bool,
    items: Sequence[ItemPlan],
) -> str:
    """Write a bag with its contents, or change it; returns its public id."""
    claim = requests.claim(deed)
    connection = db.connection()
    c = _bags.c
    if claim.is_repeat:
        public_id: str = connection.execute(select(c.public_id).where(c.id == claim.object_id)).scalar_one()
        return public_id
    area = managed_area(deed.actor, area_public_id)
    if not items:
        raise RuleBroken("bag_is_empty", field="items")
    values = {"name": name, "name_en": name_en, "is_basic": is_basic, "is_offered": is_offered}
    if bag_public_id is None:
        public_id = new_public_id()
        highest = connection.execute(select(func.max(c.position)).where(c.area_path == area.path)).scalar()
        bag_id = connection.execute(
            insert(_bags).returning(c.id),
            {
                "public_id": public_id,
                "area_id": area.id,
                "area_path": area.path,
                "position": 0 if highest is None else highest + 1,
                "created_at": deed.now,
            }
            | values,
        ).scalar_one()
    else:
        public_id = bag_public_id
        bag_id = ids_of_bags(area.path, [public_id])[public_id]
        connection.execute(update(_bags).where(c.id == bag_id).values(**values))
        connection.execute(delete(_items).where(_items.c.bag_id == bag_id))
    connection.execute(
        insert(_items).inline(),
        [
            {
                "bag_id": bag_id,
                "position": position,
                "name": item.name,
                "name_en": item.name_en,
                "spec": item.spec,
                "unit": item.unit,
                "quantity": item.quantity,
            }
            for position, item in enumerate(items)
        ],
    )
    requests.settle(claim, outcome="saved", object_id=bag_id)
    audit.record(deed, "save_bag", "bag", bag_id, area_path=area.path, items=len(items))
    return public_id
