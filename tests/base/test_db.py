import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from webapp.base import clock, db
from webapp.base.errors import RuleBroken
from webapp.base.limits import RateCounter

pytestmark = pytest.mark.db
counters = RateCounter.__table__
AT = datetime(2026, 5, 12, tzinfo=UTC)


def put(key: str, count: int = 1) -> None:
    db.connection().execute(insert(counters).values(key=key, window_at=AT, count=count))


@db.reading
def found(key: str) -> int | None:
    return db.connection().execute(select(counters.c.count).where(counters.c.key == key)).scalar()


def test_a_service_commits_as_its_last_act(in_app):
    db.writing(lambda: put("a"))()
    assert found("a") == 1


def test_a_service_that_raises_changes_nothing(in_app):
    def fail() -> None:
        put("a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.writing(fail)()
    assert found("a") is None


def test_a_service_inside_a_service_is_refused(in_app):
    with pytest.raises(RuntimeError, match="inside another door"):
        db.writing(db.writing(lambda: put("a")))()


def test_a_query_joins_the_transaction_that_is_open(in_app):
    def write_and_read() -> int | None:
        put("a", 7)
        return found("a")

    assert db.writing(write_and_read)() == 7


def test_the_database_is_not_reached_outside_a_door(in_app):
    with pytest.raises(RuntimeError, match="only through"):
        db.connection()


def test_a_write_after_a_read_survives_a_commit_from_another_connection_in_between(in_app):
    # On SQLite a read transaction that turns into a write fails at once when somebody committed meanwhile.
    assert found("a") is None
    other = threading.Thread(target=lambda: in_another_context(in_app, lambda: put("other")))
    other.start()
    other.join()
    db.writing(lambda: put("a"))()
    assert found("a") == found("other") == 1


def in_another_context(app, build) -> None:
    with app.app_context():
        db.writing(build)()


def test_writers_at_the_same_time_lose_nothing(in_app):
    db.writing(lambda: put("sum", 0))()

    def add() -> None:
        db.connection().execute(
            counters.update().where(counters.c.key == "sum").values(count=counters.c.count + 1)
        )

    threads = [threading.Thread(target=in_another_context, args=(in_app, add)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found("sum") == 8


def held_until_others_wait(in_app, others):
    """Write while these wait for their turn, so that their turn comes at once; returns what each raised."""
    begun, go_on, raised = threading.Event(), threading.Event(), {}

    def hold() -> None:
        begun.set()
        go_on.wait(10)

    def call(name, function) -> None:
        try:
            in_another_context(in_app, function)
        except Exception as error:  # noqa: BLE001 - looked at below
            raised[name] = error

    first = threading.Thread(target=in_another_context, args=(in_app, hold))
    first.start()
    begun.wait(10)
    threads = [threading.Thread(target=call, args=each) for each in others.items()]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    go_on.set()
    for thread in (first, *threads):
        thread.join()
    return raised


def test_a_refusal_takes_back_its_own_deed_and_no_other(in_app):
    def refuse() -> None:
        put("refused")
        raise RuleBroken("nothing_chosen")

    raised = held_until_others_wait(
        in_app, {"a": lambda: put("a"), "refused": refuse, "b": lambda: put("b"), "c": lambda: put("c")}
    )
    assert {name: type(error) for name, error in raised.items()} == {"refused": RuleBroken}
    assert [found(key) for key in ("a", "refused", "b", "c")] == [1, None, 1, 1]


def test_what_breaks_takes_nobody_with_it(in_app):
    def twice() -> None:
        put("twice")
        put("twice")

    raised = held_until_others_wait(in_app, {"a": lambda: put("a"), "twice": twice, "b": lambda: put("b")})
    assert {name: type(error) for name, error in raised.items()} == {"twice": IntegrityError}
    assert [found(key) for key in ("a", "twice", "b")] == [1, None, 1]


def test_each_deed_is_followed_by_what_it_asked_for_on_its_own_thread(in_app):
    seen = {}

    def follow(key) -> None:
        put(key)
        db.after_commit(lambda: seen.__setitem__(key, threading.get_ident()))

    raised = held_until_others_wait(in_app, {key: lambda key=key: follow(key) for key in "abc"})
    assert not raised
    assert len(set(seen.values())) == 3


def test_a_service_is_repeated_whole_when_the_database_says_deadlock(in_app):
    class Deadlock(Exception):
        sqlstate = "40P01"

    tries = []

    def sometimes() -> None:
        put("a")
        tries.append(1)
        if len(tries) == 1:
            from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - the error the driver would raise

            raise OperationalError("UPDATE", {}, Deadlock())

    db.writing(sometimes)()
    assert len(tries) == 2
    assert found("a") == 1


def test_a_broken_constraint_is_not_repeated(in_app):
    tries = []

    def twice() -> None:
        tries.append(1)
        put("a")
        put("a")

    with pytest.raises(IntegrityError):
        db.writing(twice)()
    assert len(tries) == 1


def test_what_follows_the_commit_runs_after_it_and_not_without_it(in_app):
    seen = []

    def good() -> None:
        put("a")
        db.after_commit(lambda: seen.append(found("a")))

    def bad() -> None:
        db.after_commit(lambda: seen.append("never"))
        raise ZeroDivisionError

    db.writing(good)()
    with pytest.raises(ZeroDivisionError):
        db.writing(bad)()
    assert seen == [1]


def test_times_come_back_aware_and_compare_as_times(in_app):
    def write() -> None:
        for hours, key in ((0, "early"), (1, "late")):
            db.connection().execute(
                insert(counters).values(
                    key=key, window_at=AT + timedelta(hours=hours, microseconds=5), count=1
                )
            )

    db.writing(write)()

    @db.reading
    def later():
        rows = db.connection().execute(
            select(counters.c.key, counters.c.window_at).where(
                counters.c.window_at > AT + timedelta(minutes=30)
            )
        )
        return rows.all()

    ((key, moment),) = later()
    assert key == "late"
    assert moment == AT + timedelta(hours=1, microseconds=5)
    assert moment.tzinfo is not None


def test_a_naive_time_never_reaches_the_database(in_app):
    def write() -> None:
        naive = clock.now().replace(tzinfo=None)
        db.connection().execute(insert(counters).values(key="a", window_at=naive, count=1))

    with pytest.raises(Exception, match="naive"):
        db.writing(write)()


def test_foreign_keys_are_enforced(in_app):
    def write() -> None:
        db.connection().execute(
            text("INSERT INTO round_areas (round_id, area_id, area_path) VALUES (1, 1, 'x')")
        )

    with pytest.raises(IntegrityError):
        db.writing(write)()
