"""What the board shows has changed: its version rises, and whoever polls it asks again."""

from typing import Any

from sqlalchemy import bindparam, update

from webapp.base.prepared import Prepared
from webapp.domain.mobilization.models import CallUp

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
