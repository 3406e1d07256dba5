"""Each changing request is done once: its key is claimed inside the transaction of the deed.

A refused deed rolls its claim back, so a key settles only what happened. A repeat finds the claim and the
object, never stored HTML.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base import db
from webapp.base.db import Id, Model, UtcDateTime, reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import RuleBroken
from webapp.base.prepared import Prepared


class Request(Model):
    """A key that was claimed: by whom, for which body, and which object came of it."""

    __tablename__ = "requests"
    __table_args__ = (
        UniqueConstraint("actor_key", "client_id"),
        Index("ix_requests_claimed_at", "claimed_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    actor_key: Mapped[str] = mapped_column(String(80))
    client_id: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(40))
    object_id: Mapped[int | None] = mapped_column(Id)


@dataclass(frozen=True)
class Claim:
    """The hold on a key. `is_repeat` means the deed was done before and `object_id` is what came of it."""

    id: int
    is_repeat: bool
    outcome: str | None = None
    object_id: int | None = None


_requests: Any = Request.__table__
_values: dict[str, Any] = {
    "actor_key": bindparam("actor"),
    "client_id": bindparam("key"),
    "fingerprint": bindparam("body"),
    "claimed_at": bindparam("at"),
}
_target = ["actor_key", "client_id"]
_claims = Prepared(
    {
        "sqlite": sqlite.insert(_requests)
        .values(**_values)
        .on_conflict_do_nothing(index_elements=_target)
        .returning(_requests.c.id),
        "postgresql": postgresql.insert(_requests)
        .values(**_values)
        .on_conflict_do_nothing(index_elements=_target)
        .returning(_requests.c.id),
    }
)
_found = select(_requests.c.id, _requests.c.fingerprint, _requests.c.outcome, _requests.c.object_id).where(
    _requests.c.actor_key == bindparam("actor"), _requests.c.client_id == bindparam("key")
)
_settled = Prepared(
    update(_requests)
    .where(_requests.c.id == bindparam("claim"))
    .values(outcome=bindparam("result"), object_id=bindparam("object"))
)


def claim(deed: Deed) -> Claim:
    """Hold the deed's key for this transaction, or learn what came of it before.

    Raises RuleBroken("key_reused") when the same key comes with another body.
    """
    new_id = _claims.scalar(
        {"actor": deed.actor.key, "key": deed.client_id, "body": deed.fingerprint, "at": deed.now}
    )
    if new_id is not None:
        return Claim(id=new_id, is_repeat=False)
    row = db.connection().execute(_found, {"actor": deed.actor.key, "key": deed.client_id}).one()
    if row.fingerprint != deed.fingerprint:
        raise RuleBroken("key_reused")
    return Claim(id=row.id, is_repeat=True, outcome=row.outcome, object_id=row.object_id)


@reading
def is_claimed(deed: Deed) -> bool:
    """Whether this very deed was done before; lets a repeat pass a limit that it was counted under already."""
    row = db.connection().execute(_found, {"actor": deed.actor.key, "key": deed.client_id}).one_or_none()
    return row is not None and row.fingerprint == deed.fingerprint


@writing
def sweep(*, before: datetime) -> int:
    """Forget the keys that were claimed before the instant; returns how many."""
    return db.connection().execute(delete(_requests).where(_requests.c.claimed_at < before)).rowcount


def settle(claim: Claim, *, outcome: str, object_id: int | None) -> None:
    """Write what came of the claimed deed, for whoever repeats it."""
    _settled.send({"claim": claim.id, "result": outcome, "object": object_id})
