"""What is remembered for some seconds: for readers only, and until somebody of this process changes it."""

from collections.abc import Iterator

import pytest

from webapp.base import db, remembered
from webapp.base.remembered import Remembered

pytestmark = pytest.mark.db


@pytest.fixture
def asked() -> Iterator[list[str]]:
    remembered.configure(60)
    yield []
    remembered.configure(0)


@pytest.fixture
def lengths(asked: list[str]) -> Remembered[str, int]:
    def load(text: str) -> int:
        asked.append(text)
        return len(text)

    return Remembered(load)


def test_a_second_reader_is_answered_from_memory(lengths, asked, in_app):
    assert (lengths.get("ab"), lengths.get("ab"), lengths.get("c")) == (2, 2, 1)
    assert asked == ["ab", "c"]


def test_whoever_writes_asks_the_database(lengths, asked, in_app):
    lengths.get("ab")
    db.writing(lambda: lengths.get("ab"))()
    assert asked == ["ab", "ab"]


def test_what_was_changed_here_is_forgotten_at_once(lengths, asked, in_app):
    lengths.get("ab")
    lengths.forget()
    lengths.get("ab")
    assert asked == ["ab", "ab"]


def test_nothing_is_older_than_it_may_be(lengths, asked, in_app, monkeypatch):
    lengths.get("ab")
    monkeypatch.setattr(remembered.time, "monotonic", lambda: 10.0**9)
    lengths.get("ab")
    assert asked == ["ab", "ab"]


def test_memory_is_bounded(lengths, asked, in_app, monkeypatch):
    monkeypatch.setattr(remembered, "MOST", 2)
    for text in ("a", "b", "c", "a"):
        lengths.get(text)
    assert asked == ["a", "b", "c", "a"]
