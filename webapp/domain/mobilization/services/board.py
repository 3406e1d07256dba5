"""What the board shows has changed: its version rises, and whoever polls it asks again."""

from typing import Any

from sqlalchemy import bindparam, update

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Gone, RuleBroken
from webapp.base.ids import hash_token
from webapp.base.prepared import Prepared
from webapp.domain.mobilization.models import CallUp
from webapp.domain.mobilization.queries import board as queries
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.rules import CallUpState

_call_ups: Any = CallUp.__table__

_raise_version = Prepared(
    update(_call_ups)
    .where(_call_ups.c.id == bindparam("call_up"))
    .values(board_version=_call_ups.c.board_version + 1)
)


def touch_board(call_up_id: int) -> None:
    """Raise the board's version of this call-up, inside the transaction of the deed.

    A thousand answers meet at this row: do it last, after the places were taken, so that it is held as short as
    can be.
    """
    _raise_version.send({"call_up": call_up_id})


@writing
def make_wall(*, deed: Deed, call_up: str) -> None:
    """A new secret address for the wall; the one before shows nothing any more. Gone once the books are closed."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = scope.managed_call_up(deed.actor, call_up)
    if row.state is CallUpState.DRAFT:
        raise RuleBroken("call_up_not_started")
    if row.state is CallUpState.CLOSED:
        raise Gone("call_up_closed")
    token = queries.wall_token(row.public_id, row.wall_number + 1)
    db.connection().execute(
        update(_call_ups)
        .where(_call_ups.c.id == row.id, _call_ups.c.wall_number == row.wall_number)
        .values(wall_number=row.wall_number + 1, wall_token_hash=hash_token(token))
    )
    requests.settle(claim, outcome="made", object_id=row.id)
    audit.record(deed, "make_wall", "call_up", row.id, area_path=row.area_path)


@writing
def revoke_wall(*, deed: Deed, call_up: str) -> None:
    """Take the address of the wall back."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = scope.managed_call_up(deed.actor, call_up)
    db.connection().execute(update(_call_ups).where(_call_ups.c.id == row.id).values(wall_token_hash=None))
    requests.settle(claim, outcome="revoked", object_id=row.id)
    audit.record(deed, "revoke_wall", "call_up", row.id, area_path=row.area_path)
