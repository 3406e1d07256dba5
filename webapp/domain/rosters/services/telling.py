"""Telling people about shifts: in their inbox and by SMS, in their language, in the name of the community."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webapp.base.deed import Deed
from webapp.base.ids import new_public_id
from webapp.domain.notifications.services import Notice, notify


def tell(
    deed: Deed,
    template: str,
    said: Mapping[int, Mapping[str, Any]],
    *,
    area_path: str,
    address: str,
    due_at: datetime | None = None,
    until: datetime | None = None,
    **common: Any,
) -> int:
    """Tell each person of `said` (person id → what is theirs to read); returns how many get an SMS.

    `address` is the page where it goes on. Each call is news, also when the same was said of the same shift before.
    """
    reference = f"shift:{new_public_id()}"
    told = notify(
        deed,
        [
            Notice(
                person_id=person_id,
                template=template,
                reference=reference,
                parameters={**common, **theirs},
                address=address,
                due_at=due_at,
                until=until,
            )
            for person_id, theirs in said.items()
        ],
        area_path=area_path,
    )
    return len(told.sms)


def page_of(shift_public_id: str) -> str:
    """The page of a shift, where whoever is on it or may take it goes on."""
    return f"/rosters/shifts/{shift_public_id}"


OWN_SHIFTS = "/rosters/shifts?view=mine"
