"""Statements of hot pages, compiled once and given to the driver ready made."""

from collections import namedtuple
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select
from sqlalchemy.engine import Dialect

from webapp.base import db


class Prepared:
    """A SELECT of a hot page, compiled once per database and handed to the driver without further ado.

    SQLAlchemy's work for each execution costs more than these statements do. Types are converted as it would,
    and whoever listens at the engine's cursor hears of it.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._ready: dict[str, _Ready] = {}

    def all(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The rows, with the statement's columns as attributes."""
        conn = db.connection()
        ready = self._ready.get(conn.dialect.name)
        if ready is None:
            ready = self._ready[conn.dialect.name] = _Ready(self._statement, conn.dialect)
        values = ready.bind(parameters)
        cursor: Any = conn.connection.cursor()
        try:
            events = conn.engine.dispatch
            for listener in events.before_cursor_execute:
                listener(conn, cursor, ready.sql, values, None, False)
            cursor.execute(ready.sql, values)
            for listener in events.after_cursor_execute:
                listener(conn, cursor, ready.sql, values, None, False)
            return ready.rows(cursor.fetchall())
        except conn.dialect.loaded_dbapi.Error as error:
            # As SQLAlchemy does: a connection whose server has gone is never handed out again.
            if conn.dialect.is_disconnect(error, cursor.connection, cursor):
                conn.invalidate(error)
            raise
        finally:
            cursor.close()


class _Ready:
    """A statement as one driver takes it."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        if compiled.post_compile_params:
            raise ValueError("a prepared statement has no expanding parameters: use is_any and one_of")
        self.sql = str(compiled)
        self._constants: dict[str, Any] = compiled.construct_params(_check=False)
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
