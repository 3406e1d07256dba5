"""Rate limits: one counter table, fixed windows, one upsert per hit."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, Integer, String, delete, update
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


_count_alone = writing(_count)


def _window(window: timedelta, now: datetime) -> tuple[datetime, int]:
    """When the window that holds `now` began, and how many seconds of it are left."""
    seconds = int(window.total_seconds())
    elapsed = int(now.timestamp()) % seconds
    return now.replace(microsecond=0) - timedelta(seconds=elapsed), seconds - elapsed


def hit(*, key: str, limit: int, window: timedelta, now: datetime) -> int:
    """Count one more under `key`, in a transaction of its own so that a refused deed is counted too.

    Returns the count in this window; raises TooMany with the seconds to wait when it is over `limit`.
    """
    began_at, left = _window(window, now)
    count = _count_alone(key, began_at)
    if count > limit:
        raise TooMany(retry_after=left)
    return count


def spend(*, key: str, limit: int, window: timedelta, now: datetime) -> int:
    """As `hit`, in the open transaction: a deed that is refused after all has spent nothing."""
    began_at, left = _window(window, now)
    count = _count(key, began_at)
    if count > limit:
        raise TooMany(retry_after=left)
    return count


def give_back(*, key: str, window: timedelta, now: datetime) -> None:
    """Take one off the count of this window, in the open transaction: the attempt was an honest one."""
    began_at, _left = _window(window, now)
    db.connection().execute(
        update(_counters)
        .where(_counters.c.key == key, _counters.c.window_at == began_at, _counters.c.count > 0)
        .values(count=_counters.c.count - 1)
    )


@writing
def sweep(*, before: datetime) -> int:
    """Delete the windows that began before the instant; returns how many."""
    return db.connection().execute(delete(_counters).where(_counters.c.window_at < before)).rowcount
