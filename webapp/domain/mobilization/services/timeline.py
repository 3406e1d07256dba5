"""The timeline of a call-up 时间线: a line for what a person or the engine did, in the transaction that did it."""

import json
from datetime import datetime
from typing import Any

from webapp.base import db
from webapp.domain.mobilization.models import CallUpEvent
from webapp.domain.mobilization.rules import EventKind

_events: Any = CallUpEvent.__table__


def note_event(
    kind: EventKind,
    *,
    call_up_id: int,
    at: datetime,
    by: str,
    role_id: int | None = None,
    wave_id: int | None = None,
    **facts: Any,
) -> None:
    """Write a line; `by` is the key of who did it, `facts` are small plain values without names or phones."""
    db.connection().execute(
        _events.insert().inline(),
        {
            "call_up_id": call_up_id,
            "at": at,
            "kind": kind,
            "role_id": role_id,
            "wave_id": wave_id,
            "by": by,
            "facts": json.dumps(facts, ensure_ascii=False, default=str),
        },
    )
