from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import bindparam, column, select, text, update

from webapp.base import db, limits
from webapp.base.limits import RateCounter
from webapp.base.prepared import Prepared, together

pytestmark = pytest.mark.db
counters = RateCounter.__table__
found = select(counters.c.key, counters.c.window_at, counters.c.count).where(
    counters.c.key == bindparam("key")
)
prepared = Prepared(found)


@db.reading
def both(key: str):
    return db.connection().execute(found, {"key": key}).all(), prepared.all({"key": key})


def test_it_answers_as_the_statement_itself_does(in_app):
    limits.hit(key="a", limit=9, window=timedelta(hours=1), now=datetime(2026, 5, 12, 8, tzinfo=UTC))
    ours, made = both("a")
    assert [tuple(row) for row in ours] == [tuple(row) for row in made]
    assert made[0].window_at == datetime(2026, 5, 12, 8, tzinfo=UTC)
    assert both("b") == ([], [])


def test_whoever_counts_statements_counts_these_too(in_app, queries):
    queries.statements.clear()
    both("a")
    assert queries.count == 2


def test_an_unknown_column_is_an_error_and_the_connection_goes_on(in_app):
    broken = Prepared(select(column("no_such_column")).select_from(counters))
    with pytest.raises(Exception, match="no_such_column"):
        db.reading(lambda: broken.all({}))()
    assert both("a") == ([], [])


def test_what_is_sent_together_is_one_statement_where_that_saves_trips(in_app, queries):
    at = datetime(2026, 5, 12, 8, tzinfo=UTC)
    put = Prepared(counters.insert().inline(), "key", "window_at", "count")
    queries.statements.clear()

    @db.writing
    def write() -> None:
        with together():
            for key in ("a", "b"):
                put.send({"key": key, "window_at": at, "count": 7})

    write()
    assert queries.count == (2 if db.kind() == "sqlite" else 1)
    assert [each[0].count for each in (both("a")[1], both("b")[1])] == [7, 7]


def test_the_hot_row_is_changed_after_all_that_was_sent_and_says_whether_it_was(in_app, queries):
    at = datetime(2026, 5, 12, 8, tzinfo=UTC)
    put = Prepared(counters.insert().inline(), "key", "window_at", "count")
    take = Prepared(
        update(counters)
        .where(counters.c.key == bindparam("hot"), counters.c.count < bindparam("limit"))
        .values(count=counters.c.count + 1)
    )

    @db.writing
    def write(key: str) -> int:
        with together() as rest:
            put.send({"key": key, "window_at": at, "count": 1})
            return rest.end(take, {"hot": "hot", "limit": 2})

    db.writing(lambda: put.run({"key": "hot", "window_at": at, "count": 1}))()
    queries.statements.clear()
    assert [write("a"), write("b")] == [1, 0]
    assert queries.count == (4 if db.kind() == "sqlite" else 2)
    assert [both(key)[1][0].count for key in ("hot", "a", "b")] == [2, 1, 1]


def test_what_is_refused_together_is_not_written(in_app):
    at = datetime(2026, 5, 12, 8, tzinfo=UTC)
    put = Prepared(counters.insert().inline(), "key", "window_at", "count")

    @db.writing
    def write() -> None:
        with together():
            put.send({"key": "a", "window_at": at, "count": 7})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert both("a") == ([], [])


def test_a_connection_whose_server_closed_it_is_not_handed_out_again(in_app):
    if db.kind() == "sqlite":
        pytest.skip("SQLite has no server that could go")

    @db.reading
    def own_pid() -> int:
        return db.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()

    @db.reading
    def lose_it() -> None:
        pid = own_pid()
        with db.db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        prepared.all({"key": "a"})

    with pytest.raises(Exception, match=r"terminat|closed|lost"):
        lose_it()
    for _ in range(20):
        assert both("a") == ([], [])
