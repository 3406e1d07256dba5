"""Rate limits: one counter table, fixed windows, one upsert per hit."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, Integer, String, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base import db
from webapp.base.db import Model, UtcDateTime, writing
from webapp.base.errors import TooMany


class RateCounter(Model):
    """How often something happened under a key in the window that began at `window_at`."""

    __tablename__ = "rate_counters"
    __table_args__ = (Index("ix_rate_counters_window_at", "window_at"),)

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    window_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


_counters: Any = RateCounter.__table__


@writing
def _count(key: str, window_at: datetime) -> int:
    connection = db.connection()
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(_counters).values(key=key, window_at=window_at, count=1)
    counted: int = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["key", "window_at"], set_={"count": _counters.c.count + 1}
        ).returning(_counters.c.count)
    ).scalar_one()
    return counted


def hit(*, key: str, limit: int, window: timedelta, now: datetime) -> int:
    """Count one more under `key`, in a transaction of its own so that a refused deed is counted too.

    Returns the count in this window; raises TooMany with the seconds to wait when it is over `limit`.
    """
    seconds = int(window.total_seconds())
    elapsed = int(now.timestamp()) % seconds
    count = _count(key, now.replace(microsecond=0) - timedelta(seconds=elapsed))
    if count > limit:
        raise TooMany(retry_after=seconds - elapsed)
    return count


@writing
def sweep(*, before: datetime) -> int:
    """Delete the windows that began before the instant; returns how many."""
    return db.connection().execute(delete(_counters).where(_counters.c.window_at < before)).rowcount
