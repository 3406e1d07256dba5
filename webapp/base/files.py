"""Files by content: the SHA-256 is the name on disk, a row says whose it is and how long it is kept."""

import hashlib
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Index, String, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base import db
from webapp.base.db import Id, Model, UtcDateTime, reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import NotFound

FRESH = timedelta(hours=1)
SWEPT_AT_ONCE = 500


class StoredFile(Model):
    """A stored file 文件: what kind, how large, who made it, until when it is kept."""

    __tablename__ = "files"
    __table_args__ = (UniqueConstraint("sha256", "kind"), Index("ix_files_kept_until", "kept_until"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(BigInteger)
    owner_key: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    kept_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


_files: Any = StoredFile.__table__
_directory: Path | None = None


def configure(directory: Path) -> None:
    """Set where files live; create_app calls this once."""
    global _directory  # noqa: PLW0603 - the data directory belongs to the process
    _directory = directory / "files"


def _path(sha256: str) -> Path:
    if _directory is None:
        raise RuntimeError("files.configure was not called")
    return _directory / sha256[:2] / sha256


def put(content: bytes) -> str:
    """Write the bytes to disk, whole or not at all, and return their SHA-256; repeating it changes nothing."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = _path(sha256)
    if path.exists():
        # Fresh again, so that no sweep takes it before its row is written.
        os.utime(path)
        return sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    return sha256


def register(deed: Deed, *, sha256: str, kind: str, kept_until: datetime | None = None) -> int:
    """Write the row of a file that `put` stored, in this transaction; returns its id, also for a known one.

    A known one is kept until the later of both ends; without an end it is kept for good.
    """
    connection = db.connection()
    known = connection.execute(
        select(_files.c.id, _files.c.kept_until).where(_files.c.sha256 == sha256, _files.c.kind == kind)
    ).one_or_none()
    if known is not None:
        if known.kept_until is not None and (kept_until is None or kept_until > known.kept_until):
            connection.execute(update(_files).where(_files.c.id == known.id).values(kept_until=kept_until))
        return int(known.id)
    new_id: int = connection.execute(
        _files.insert().returning(_files.c.id),
        {
            "sha256": sha256,
            "kind": kind,
            "size": _path(sha256).stat().st_size,
            "owner_key": deed.actor.key,
            "created_at": deed.now,
            "kept_until": kept_until,
        },
    ).scalar_one()
    return new_id


@reading
def content(file_id: int) -> bytes:
    """The bytes of a registered file. The caller has checked who may see it; raises NotFound if it is gone."""
    sha256 = db.connection().execute(select(_files.c.sha256).where(_files.c.id == file_id)).scalar()
    if sha256 is None or not _path(sha256).exists():
        raise NotFound
    return _path(sha256).read_bytes()


def sweep(*, now: datetime) -> int:
    """Forget the files whose time is over, row and bytes; returns how many rows."""
    gone = _forget(now=now)
    for sha256 in _without_row(sorted(set(gone))):
        _path(sha256).unlink(missing_ok=True)
    return len(gone)


@writing
def _forget(*, now: datetime) -> list[str]:
    connection = db.connection()
    over = connection.execute(
        select(_files.c.id, _files.c.sha256).where(_files.c.kept_until < now).limit(SWEPT_AT_ONCE)
    ).all()
    # What was stored again a moment ago is about to get its row renewed.
    quiet = [row for row in over if not _is_fresh(row.sha256, now)]
    connection.execute(
        delete(_files).where(_files.c.id.in_([row.id for row in quiet]), _files.c.kept_until < now)
    )
    return [row.sha256 for row in quiet]


def _is_fresh(sha256: str, now: datetime) -> bool:
    path = _path(sha256)
    return path.exists() and path.stat().st_mtime > (now - FRESH).timestamp()


@reading
def _without_row(hashes: list[str]) -> list[str]:
    kept = set(db.connection().execute(select(_files.c.sha256).where(_files.c.sha256.in_(hashes))).scalars())
    return [sha256 for sha256 in hashes if sha256 not in kept]
