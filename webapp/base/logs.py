"""Log lines as JSON: what happened, when, under which request id; never bodies, phones or tokens."""

import json
import logging
from datetime import UTC, datetime

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


class JsonLines(logging.Formatter):
    """One JSON object per line with the record's extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of this record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        extra = vars(record)
        line.update({name: extra[name] for name in extra.keys() - _OWN})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return _encode(line)
