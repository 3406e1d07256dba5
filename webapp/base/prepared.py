"""Statements of hot pages, compiled once and given to the driver ready made."""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from webapp.base import db


class Prepared:
    """A hot statement, compiled once per database and handed to the driver without further ado.

    SQLAlchemy's work for each execution costs more than these statements do. Types are converted as it would,
    errors are its own, and whoever listens at the engine's cursor hears of it. `columns` are the names that an
    INSERT without values of its own is given; a statement that databases spell differently comes by name.
    """

    def __init__(self, statement: Any, *columns: str) -> None:
        self._statement = statement
        self._columns = list(columns) or None
        self._ready: dict[str, _Ready] = {}

    def all(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The rows, with the statement's columns as attributes."""
        found: list[Any] = self._do(parameters, lambda ready, cursor: ready.rows(cursor.fetchall()))
        return found

    def scalar(self, parameters: Mapping[str, Any]) -> Any:
        """The first column of the first row; None without one."""
        rows = self.all(parameters)
        return rows[0][0] if rows else None

    def run(self, parameters: Mapping[str, Any]) -> int:
        """How many rows the statement changed."""
        changed: int = self._do(parameters, lambda _ready, cursor: cursor.rowcount)
        return changed

    def send(self, parameters: Mapping[str, Any]) -> None:
        """Run it where nobody waits for the answer: in a block of `together`, with the others of the block."""
        queue = _queue.get()
        if queue is None:
            self.run(parameters)
        else:
            queue.append((self, parameters))

    def _do(self, parameters: Mapping[str, Any], take: Callable[["_Ready", Any], Any]) -> Any:
        conn = db.connection()
        ready = self._for(conn)
        return _execute(conn, ready.sql, ready.bind(parameters), lambda cursor: take(ready, cursor))

    def _for(self, conn: Connection) -> "_Ready":
        name = conn.dialect.name
        ready = self._ready.get(name)
        if ready is None:
            by_name = isinstance(self._statement, Mapping)
            statement = self._statement[name] if by_name else self._statement
            ready = self._ready[name] = _Ready(statement, conn.dialect, self._columns)
        return ready


_Queue = list[tuple[Prepared, Mapping[str, Any]]]
_queue: ContextVar[_Queue | None] = ContextVar("queue", default=None)
_joined: dict[tuple[tuple[Prepared, ...], Prepared | None], str] = {}


class Together:
    """The statements of one block of `together`."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._queue: _Queue = []

    def end(self, last: Prepared, parameters: Mapping[str, Any]) -> int:
        """Send all that waits, and after it an UPDATE with a condition; returns how many rows that one changed.

        For the hot row, which is locked only once all the others are written.
        """
        if self._conn.dialect.name == "sqlite":
            return last.run(parameters)
        changed: int = self._send(last, parameters)
        return changed

    def _send(self, last: Prepared | None = None, parameters: Mapping[str, Any] | None = None) -> Any:
        queue, self._queue[:] = list(self._queue), []
        key = tuple(each for each, _ in queue), last
        statements = [each._for(self._conn) for each in key[0]]  # noqa: SLF001 - of this module
        values = {
            f"s{n}_{name}": value
            for n, (each, (_, given)) in enumerate(zip(statements, queue, strict=True))
            for name, value in each.bind(given).items()
        }
        if last is not None:
            values |= last._for(self._conn).bind(parameters or {})  # noqa: SLF001
        if key not in _joined:
            _joined[key] = self._join(statements, last)
        return _execute(self._conn, _joined[key], values, lambda cursor: cursor.rowcount)

    def _join(self, statements: "list[_Ready]", last: Prepared | None) -> str:
        texts = [each.sql.replace("%(", f"%(s{n}_") for n, each in enumerate(statements)]
        if last is None:
            return f"WITH {', '.join(f's{n} AS ({text})' for n, text in enumerate(texts))} SELECT 1"
        sql = last._for(self._conn).sql  # noqa: SLF001
        if not texts:
            return sql
        # PostgreSQL runs what the last statement asks about before it looks for the last statement's rows.
        parts = ", ".join(f"s{n} AS ({text} RETURNING 1)" for n, text in enumerate(texts))
        written = " + ".join(f"(SELECT count(*) FROM s{n})" for n in range(len(texts)))  # noqa: S608 - numbers
        return f"WITH {parts} {sql} AND {written} >= 0"


@contextmanager
def together() -> Iterator[Together]:
    """What is sent in this block goes to PostgreSQL as one statement at its end: one round trip instead of many.

    So nothing in the block sees what another has sent, and no two change the same row. SQLite has no trips to save.
    """
    conn = db.connection()
    block = Together(conn)
    if conn.dialect.name == "sqlite":
        yield block
        return
    token = _queue.set(block._queue)  # noqa: SLF001 - of this module
    try:
        yield block
    finally:
        _queue.reset(token)
    if block._queue:  # noqa: SLF001
        block._send()  # noqa: SLF001


def _execute(conn: Connection, sql: str, values: Any, take: Callable[[Any], Any]) -> Any:
    cursor: Any = conn.connection.cursor()
    try:
        events = conn.engine.dispatch
        for listener in events.before_cursor_execute:
            listener(conn, cursor, sql, values, None, False)
        cursor.execute(sql, values)
        for listener in events.after_cursor_execute:
            listener(conn, cursor, sql, values, None, False)
        return take(cursor)
    except conn.dialect.loaded_dbapi.Error as error:
        # As SQLAlchemy does: a connection whose server has gone is never handed out again.
        is_lost = conn.dialect.is_disconnect(error, cursor.connection, cursor)
        if is_lost:
            conn.invalidate(error)
        raise DBAPIError.instance(
            sql,
            None,
            error,
            conn.dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=conn.dialect,
        ) from error
    finally:
        cursor.close()


class _Ready:
    """A statement as one driver takes it."""

    def __init__(self, statement: Any, dialect: Dialect, columns: list[str] | None) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
        if compiled.post_compile_params:
            raise ValueError("a prepared statement has no expanding parameters: use is_any and one_of")
        self.sql = str(compiled)
        self._constants: dict[str, Any] = compiled.construct_params(_check=False)
        for column in (*compiled.insert_prefetch, *compiled.update_prefetch):
            self._constants[column.key] = column.default.arg
        self._converters = {
            name: convert
            for name, convert in compiled._bind_processors.items()  # noqa: SLF001 - as below
            if convert is not None
        }
        self._order = list(compiled.positiontup) if compiled.positional else None
        names = [column.keyname for column in compiled._result_columns]  # noqa: SLF001
        row: Any = namedtuple("PreparedRow", names)  # type: ignore[misc]  # noqa: PYI024 - names are known at run time
        self._make = row._make
        readers = [
            column.type._cached_result_processor(dialect, None)  # noqa: SLF001
            for column in compiled._result_columns  # noqa: SLF001
        ]
        self._readers = [(place, read) for place, read in enumerate(readers) if read is not None]

    def bind(self, parameters: Mapping[str, Any]) -> Any:
        """The parameters as the driver wants them."""
        values = self._constants | dict(parameters)
        for name, convert in self._converters.items():
            values[name] = convert(values[name])
        return values if self._order is None else [values[name] for name in self._order]

    def rows(self, found: list[Any]) -> list[Any]:
        """The driver's rows with their types."""
        made = []
        for row in found:
            cells = list(row)
            for place, read in self._readers:
                cells[place] = read(cells[place])
            made.append(self._make(cells))
        return made
