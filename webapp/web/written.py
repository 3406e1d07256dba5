"""What people write by hand into a field: a time as it stands on paper."""

import re
import unicodedata
from datetime import time

from webapp.base.errors import RuleBroken

_TIME = re.compile(r"(\d{1,2}):?(\d{2})?")


def read_written_time(text: str) -> time | None:
    """A time as it stands on paper: 0700, 700, 7:00, 7点30, 24:00; None for an empty field."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("点", ":").rstrip(":时分")
    if not plain:
        return None
    if re.fullmatch(r"\d{3}", plain):
        plain = f"0{plain}"
    found = _TIME.fullmatch(plain)
    if found is None:
        raise RuleBroken("time_wrong")
    hour, minute = int(found[1]), int(found[2] or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise RuleBroken("time_wrong")
    return time(hour % 24, minute)
