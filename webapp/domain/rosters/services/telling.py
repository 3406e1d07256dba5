"""Telling people about shifts: one message each, in their language, with the community first and its number last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from webapp.base import crypto, db, outbox
from webapp.base.deed import Deed
from webapp.domain.accounts.models import User
from webapp.domain.areas import queries as areas
from webapp.domain.people.models import PersonPhone

_users: Any = User.__table__
_phones: Any = PersonPhone.__table__
DEFAULT_LANGUAGE = "zh_Hans"


@dataclass(frozen=True)
class Receiver:
    """A phone that a message goes to, and the language that its owner reads."""

    phone: str
    language: str


def receivers_of(person_ids: Iterable[int]) -> dict[int, Receiver]:
    """Whom to reach these people by: the number they sign in with, else the first that is known. Two statements."""
    wanted = sorted(set(person_ids))
    found: dict[int, Receiver] = {}
    if not wanted:
        return found
    connection = db.connection()
    for row in connection.execute(
        select(_users.c.person_id, _users.c.phone, _users.c.language)
        .where(_users.c.person_id.in_(wanted), _users.c.blocked_at.is_(None))
        .order_by(_users.c.id)
    ):
        found.setdefault(row.person_id, Receiver(crypto.decrypt(row.phone), row.language))
    left = [each for each in wanted if each not in found]
    if left:
        for row in connection.execute(
            select(_phones.c.person_id, _phones.c.phone)
            .where(_phones.c.person_id.in_(left))
            .order_by(_phones.c.position, _phones.c.id)
        ):
            found.setdefault(row.person_id, Receiver(crypto.decrypt(row.phone), DEFAULT_LANGUAGE))
    return found


def tell(
    deed: Deed, template: str, said: Mapping[int, Mapping[str, Any]], *, area_path: str, **common: Any
) -> int:
    """One message to each person of `said` (person id → what is theirs to read); returns how many have a phone."""
    receivers = receivers_of(said)
    place = areas.get_place(area_path)
    for person_id, receiver in sorted(receivers.items()):
        outbox.enqueue(
            deed,
            template,
            phone=receiver.phone,
            language=receiver.language,
            community=place.community_name or place.area_name,
            community_en=place.community_name_en,
            hotline=place.hotline,
            **common,
            **said[person_id],
        )
    return len(receivers)
