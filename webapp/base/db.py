"""The database: one declarative base, the column types, and the only two doors.

`reading` opens a short autocommit connection; `writing` opens a transaction (BEGIN IMMEDIATE on SQLite,
READ COMMITTED on PostgreSQL), commits it as its last act and repeats the whole function when the database
says busy, deadlock or serialization failure. This module alone asks which database it is.
"""

import fcntl
import functools
import os
import random
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Enum,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    and_,
    bindparam,
    event,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from webapp.base.errors import LinliError
from webapp.base.ids import PUBLIC_ID_LENGTH

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS = 8
BUSY_TIMEOUT_MS = 5000
_RETRIED_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
_AFTER_ANY_SEGMENT = "~"

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Model(DeclarativeBase):
    """Base of every model. `personal_columns` lists what retention and destruction must walk."""

    metadata = MetaData(naming_convention=NAMING)
    personal_columns: tuple[str, ...] = ()


db = SQLAlchemy(
    model_class=Model,
    # Readers are in autocommit and writers end their transactions: there is nothing to roll back at each return.
    engine_options={
        "pool_pre_ping": False,
        "pool_reset_on_return": None,
        "pool_size": 16,
        "max_overflow": 16,
    },
    disable_autonaming=True,
)


# --- column types -------------------------------------------------------------------------------------------

Id = BigInteger().with_variant(Integer(), "sqlite")
PublicId = String(PUBLIC_ID_LENGTH).with_variant(String(PUBLIC_ID_LENGTH, collation="C"), "postgresql")
SortText = String(400).with_variant(String(400, collation="C"), "postgresql")
Fen = BigInteger().with_variant(Integer(), "sqlite")
Ciphertext = LargeBinary


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in and out; on SQLite fixed-width text, so that comparing text compares time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time reached the database")
        value = value.astimezone(UTC)
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromisoformat(value)
        moment: datetime = value
        return moment.astimezone(UTC)


def word(enum: type[StrEnum], name: str) -> Enum:
    """A StrEnum stored by value as text with a named CHECK."""
    return Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows for which `where` (plain SQL that both databases read alike) holds."""
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def within(column: Any, *paths: str) -> ColumnElement[bool]:
    """The rows whose area path is one of these areas or below, as a range that an index can serve."""
    if not paths:
        return text("1 = 0")  # type: ignore[return-value]  # a text clause is a condition too
    ranges = [and_(column >= path, column < path + _AFTER_ANY_SEGMENT) for path in paths]
    return ranges[0] if len(ranges) == 1 else or_(*ranges)


def one_of(column: Any, name: str, size: int) -> ColumnElement[bool]:
    """`column IN (…)` with a fixed number of parameters: on hot paths a list of any length costs more than the query."""
    condition: ColumnElement[bool] = column.in_(
        [bindparam(f"{name}_{number}", type_=column.type) for number in range(size)]
    )
    return condition


def is_any(column: Any, *words: str) -> ColumnElement[bool]:
    """`column` is one of these words of our own code, written into the SQL and never bound.

    SQLAlchemy spells an IN list anew at each execution. SQLite prepares a statement anew at each execution when
    a partial index hangs on a bound value, and that costs ten times what the statement does.
    """
    for each in words:
        if not each.replace("_", "").isalnum():
            raise ValueError("only words of our own code are written into SQL")
    return or_(*(column == literal_column(f"'{each!s}'") for each in words))


def values_of(name: str, values: Sequence[Any], size: int) -> dict[str, Any]:
    """The parameters of `one_of`; what is left over is NULL, which equals nothing."""
    if len(values) > size:
        raise ValueError(f"more than {size} values for {name}")
    return {f"{name}_{number}": values[number] if number < len(values) else None for number in range(size)}


# --- engine -------------------------------------------------------------------------------------------------


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: a read that becomes a write fails at once on SQLite,
    # so writers say BEGIN IMMEDIATE and readers say nothing.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # an answered order survives a power cut
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.execute("PRAGMA cache_size = -16000")  # 16 MB a connection: the hot pages of a county
    cursor.execute(
        "PRAGMA wal_autocheckpoint = 4000"
    )  # an order touches some twenty pages, many of them again
    cursor.close()


def _prepare_postgresql(dbapi_connection: Any, _record: Any) -> None:
    # As above: asking for autocommit at each read would cost more than the read's own round trip.
    dbapi_connection.autocommit = True


_PREPARE = {"sqlite": _prepare_sqlite, "postgresql": _prepare_postgresql}
_BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN"}


def take_write_lock(connection: Connection) -> None:
    """Begin a writing transaction in the database itself; first in each `connection.begin()` that writes.

    No listener does this by itself: one on the engine would slow down every statement of every reader.
    """
    connection.exec_driver_sql(_BEGIN[connection.dialect.name])


@contextmanager
def rebuilding(connection: Connection) -> Iterator[None]:
    """For migrations: SQLite changes a table by building it anew, and the old one may go while rows still name it.

    Raises RuntimeError when a row then names something that is not there; PostgreSQL alters tables in place.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.rollback()
    try:
        yield
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if lost:
            raise RuntimeError(f"rows name something that is not there: {lost[:5]}")
    finally:
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.rollback()


def prepare(engine: Engine) -> None:
    """Give the engine its habits: readers say nothing, writers begin."""
    event.listen(engine, "connect", _PREPARE[engine.dialect.name])


def count_on(table: Any) -> None:
    """After rows were inserted with ids of their own: let PostgreSQL count on from the highest; SQLite does so anyway."""
    conn = connection()
    if conn.dialect.name == "postgresql":
        highest = select(func.max(table.c.id)).scalar_subquery()
        conn.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), highest)))


def kind() -> str:
    """`sqlite` or `postgresql`."""
    return db.engine.dialect.name


# --- the two doors ------------------------------------------------------------------------------------------


@dataclass
class _Door:
    connection: Connection
    is_writing: bool
    orm: Session | None = None
    after_commit: list[Callable[[], None]] = field(default_factory=list)


_open_door: ContextVar[_Door | None] = ContextVar("open_door", default=None)


def _door() -> _Door:
    door = _open_door.get()
    if door is None:
        raise RuntimeError("the database is reached only through reading() and writing()")
    return door


def is_writing() -> bool:
    """Whether a writing transaction is open here."""
    door = _open_door.get()
    return door is not None and door.is_writing


def connection() -> Connection:
    """The Core connection of the open door."""
    return _door().connection


def session() -> Session:
    """The ORM session on the connection of the open door."""
    door = _door()
    if door.orm is None:
        door.orm = Session(bind=door.connection, expire_on_commit=False, autoflush=True)
    return door.orm


def flush() -> None:
    """Send what the ORM session has collected, so that Core statements see it."""
    door = _door()
    if door.orm is not None:
        door.orm.flush()


def after_commit(call: Callable[[], None]) -> None:
    """Run `call` once the transaction is committed; it must not fail the deed, which already stands."""
    _door().after_commit.append(call)


@contextmanager
def _read_door() -> Iterator[None]:
    with db.engine.connect() as conn:
        door = _Door(connection=conn, is_writing=False)
        token = _open_door.set(door)
        try:
            yield
        finally:
            _open_door.reset(token)
            if door.orm is not None:
                door.orm.close()


def reading(function: Callable[P, T]) -> Callable[P, T]:
    """Decorator of public queries: join the door that is open, or open a short autocommit read."""

    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        if _open_door.get() is not None:
            return function(*args, **kwargs)
        with _read_door():
            return function(*args, **kwargs)

    return inside


def _is_retried(error: Exception | None) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    original = error.orig
    if isinstance(original, sqlite3.OperationalError):
        return "locked" in str(original) or "busy" in str(original)
    return getattr(original, "sqlstate", None) in _RETRIED_SQLSTATES


class _Call:
    """A service that was called on a thread of this process, with that thread's context, and what came of it."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._context = copy_context()
        self._after_commit: list[Callable[[], None]] = []
        self._result: Any = None
        self.error: Exception | None = None
        self.is_done = False

    def run(self, connection: Connection) -> None:
        """Do it inside the connection's transaction."""
        self._context.run(self._through_the_door, connection)

    def _through_the_door(self, connection: Connection) -> None:
        door = _Door(connection=connection, is_writing=True)
        token = _open_door.set(door)
        try:
            self._result = self._function()
            flush()
        finally:
            _open_door.reset(token)
            if door.orm is not None:
                door.orm.close()
        self._after_commit = door.after_commit

    def answer(self) -> Any:
        """What the service returned or raised; back on the caller's thread."""
        if self.error is not None:
            raise self.error
        for call in self._after_commit:
            call()
        return self._result


def _commit(calls: Sequence[_Call]) -> None:
    """Do these calls one after the other in one transaction; only what a refused one wrote is taken back."""
    with db.engine.connect() as connection:
        with connection.begin():
            take_write_lock(connection)
            for call in calls:
                connection.exec_driver_sql("SAVEPOINT call")
                try:
                    call.run(connection)
                except LinliError as refusal:
                    call.error = refusal
                    connection.exec_driver_sql("ROLLBACK TO call")
                connection.exec_driver_sql("RELEASE call")
        for call in calls:
            call.is_done = True


def _commit_alone(call: _Call) -> None:
    """Do the call in a transaction of its own."""
    call.error = None
    try:
        with db.engine.connect() as connection, connection.begin():
            take_write_lock(connection)
            call.run(connection)
    except Exception as error:  # noqa: BLE001 - raised again on the caller's thread
        call.error = error
    call.is_done = True


class _Writers:
    """Those who write to one SQLite database.

    One at a time in each process, and processes queue at a file: a busy SQLite lets writers sleep up to 0.1 s
    between tries, and the unlucky ones wait for seconds. Whoever's turn it is also does what others of the
    process wait for: a commit waits for the disk, and they wait once.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._waiting: deque[_Call] = deque()
        self._file = -1

    def commit(self, call: _Call) -> None:
        """Return when the call is done, by this thread or by another."""
        self._waiting.append(call)
        with self._lock:
            if call.is_done:
                return
            with self._turn():
                calls = [self._waiting.popleft() for _ in range(len(self._waiting))]
                if call not in calls:
                    # Whoever took it has died on the way; nothing of it was committed.
                    calls.append(call)
                if len(calls) > 1:
                    with suppress(Exception):
                        _commit(calls)
                for each in calls:
                    if not each.is_done:
                        # Alone, or all were taken back because something broke: each by itself, then.
                        _commit_alone(each)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._path == ":memory:":
            yield
            return
        if self._file < 0:
            self._file = os.open(f"{self._path}-writers", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


_writers: dict[str, _Writers] = {}


def _committer() -> Callable[[_Call], None]:
    if kind() != "sqlite":
        return _commit_alone
    path = db.engine.url.database or ":memory:"
    return (_writers.get(path) or _writers.setdefault(path, _Writers(path))).commit


def writing(function: Callable[P, T]) -> Callable[P, T]:
    """Decorator of public services: one transaction, committed at the end, repeated whole when it must be.

    A service inside a service would commit half a deed: nesting raises.
    """

    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        if _open_door.get() is not None:
            raise RuntimeError(f"{function.__qualname__} was called inside another door")
        commit = _committer()
        for attempt in range(1, ATTEMPTS + 1):
            call = _Call(functools.partial(function, *args, **kwargs))
            commit(call)
            if attempt == ATTEMPTS or not _is_retried(call.error):
                break
            time.sleep(random.uniform(0.002, 0.01) * 2**attempt)  # noqa: S311 - jitter, not a secret
        answer: T = call.answer()
        return answer

    return inside
