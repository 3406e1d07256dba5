from datetime import timedelta

import pytest

from webapp.base import clock, limits
from webapp.base.errors import TooMany

pytestmark = pytest.mark.db
MINUTE = timedelta(minutes=1)


def test_the_limit_is_the_last_that_passes_and_the_refusal_says_how_long(in_app):
    now = clock.now().replace(second=20, microsecond=0)
    for _ in range(3):
        limits.hit(key="a", limit=3, window=MINUTE, now=now)
    with pytest.raises(TooMany) as caught:
        limits.hit(key="a", limit=3, window=MINUTE, now=now)
    assert caught.value.retry_after == 40


def test_the_next_window_starts_anew(in_app):
    now = clock.now()
    limits.hit(key="a", limit=1, window=MINUTE, now=now)
    assert limits.hit(key="a", limit=1, window=MINUTE, now=now + MINUTE) == 1


def test_keys_do_not_share_their_counts(in_app):
    now = clock.now()
    limits.hit(key="a", limit=1, window=MINUTE, now=now)
    assert limits.hit(key="b", limit=1, window=MINUTE, now=now) == 1


def test_old_windows_are_swept(in_app):
    now = clock.now()
    limits.hit(key="a", limit=1, window=MINUTE, now=now - timedelta(days=3))
    limits.hit(key="a", limit=1, window=MINUTE, now=now)
    assert limits.sweep(before=now - timedelta(days=2)) == 1
