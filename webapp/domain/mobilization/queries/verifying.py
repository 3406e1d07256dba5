"""Whose numbers the office may ask whether they work: the reservists that the actor looks after."""

from typing import Any

from sqlalchemy import Select, select

from webapp.base.actor import Actor
from webapp.base.permissions import Permission
from webapp.domain.mobilization.models import Reservist
from webapp.domain.mobilization.queries.pool import in_reserve
from webapp.domain.mobilization.queries.scope import visible_reservists

_reservists: Any = Reservist.__table__


def people_looked_after(*, actor: Actor) -> Select[Any]:
    """Person ids of the reserve that the actor manages, for a query that goes on with them."""
    return select(_reservists.c.person_id).where(
        visible_reservists(actor, Permission.RESERVE_MANAGE), in_reserve()
    )
