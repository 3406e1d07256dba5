"""Key rotation: every encrypted column, found through the metadata, re-encrypted with the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import LargeBinary, select, update

from webapp.base import crypto, db
from webapp.base.db import Model, writing

BATCH = 500


@dataclass(frozen=True)
class Progress:
    """How far one column is: rows written anew, rows that were new already, rows no known key can read."""

    table: str
    column: str
    changed: int
    unchanged: int
    unreadable: int


def encrypted_columns() -> list[Any]:
    """Every column that holds ciphertext."""
    return [
        column
        for table in Model.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    ]


def rotate(*, batch: int = BATCH) -> Iterator[Progress]:
    """Re-encrypt all columns, batch by batch, each in its own transaction; yields each column's sums.

    Stopped half-way it starts again with what is left: a row under the newest key is not touched.
    """
    for column in encrypted_columns():
        last: Any = None
        sums = [0, 0, 0]
        while True:
            last, counts, is_over = _rotate_batch(column, last, batch)
            sums = [total + count for total, count in zip(sums, counts, strict=True)]
            if is_over:
                break
        yield Progress(column.table.name, column.name, *sums)


@writing
def _rotate_batch(column: Any, last: Any, batch: int) -> tuple[Any, tuple[int, int, int], bool]:
    connection = db.connection()
    key = next(iter(column.table.primary_key.columns))
    chosen = select(key, column).where(column.is_not(None)).order_by(key).limit(batch)
    if last is not None:
        chosen = chosen.where(key > last)
    rows = connection.execute(chosen).all()
    changed = unchanged = unreadable = 0
    for row_key, ciphertext in rows:
        if crypto.vault().is_newest(ciphertext):
            unchanged += 1
            continue
        try:
            renewed = crypto.encrypt(crypto.decrypt(ciphertext))
        except (KeyError, InvalidTag):
            unreadable += 1
            continue
        # Only the value that was read: somebody may have changed the row since.
        done = connection.execute(
            update(column.table).where(key == row_key, column == ciphertext).values({column.name: renewed})
        )
        changed += done.rowcount
    return (rows[-1][0] if rows else last), (changed, unchanged, unreadable), len(rows) < batch
