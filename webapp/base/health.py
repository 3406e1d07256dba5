"""Whether the database answers, and how far the outbox is behind."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from webapp.base import db, outbox


@db.reading
def _look() -> dict[str, Any]:
    revision = db.connection().execute(text("SELECT version_num FROM alembic_version")).scalar()
    return {
        "status": "ok",
        "database": db.kind(),
        "schema_revision": revision,
        "outbox_depth": outbox.depth(),
    }


def check() -> dict[str, Any]:
    """`status` is "ok" or "unavailable"; with it the database kind, schema revision and outbox depth."""
    try:
        return _look()
    except DBAPIError:
        return {"status": "unavailable", "database": db.kind(), "schema_revision": None, "outbox_depth": None}
