"""The only source of the time. Everything stored is aware UTC; the county's zone is for people."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_offset = timedelta(0)
_zone = ZoneInfo("Asia/Shanghai")


def configure(zone: str) -> None:
    """Set the county's time zone; create_app calls this once."""
    global _zone  # noqa: PLW0603 - one county, one zone, like the clock
    _zone = ZoneInfo(zone)


def zone() -> ZoneInfo:
    """The county's time zone, for pure rules that reckon with wall-clock times."""
    return _zone


def here(moment: datetime) -> datetime:
    """The same instant on the county's clocks."""
    return moment.astimezone(_zone)


def day(moment: datetime) -> date:
    """The county's calendar day of an instant."""
    return moment.astimezone(_zone).date()


def instant(wall_time: datetime) -> datetime:
    """The instant of a naive wall-clock time in the county, as aware UTC."""
    return wall_time.replace(tzinfo=_zone).astimezone(UTC)


def now() -> datetime:
    """The server's time as aware UTC, to the microsecond."""
    return datetime.now(UTC) + _offset


@contextmanager
def set_for_test(moment: datetime) -> Iterator[None]:
    """Inside the block the clock starts at `moment` and runs on; only tests call this."""
    global _offset  # noqa: PLW0603 - one process-wide clock is the point
    before = _offset
    _offset = moment - datetime.now(UTC)
    try:
        yield
    finally:
        _offset = before
