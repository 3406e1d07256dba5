"""One code, many requests at once, over HTTP from several processes against two server processes."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.lint import hidden_fields
from tests.processes import Program, serve_web, wait_until_up
from webapp.base import clock, db, outbox
from webapp.base.outbox import OutboxMessage
from webapp.domain.accounts.models import SignIn, User

pytestmark = [pytest.mark.db, pytest.mark.crash]
CLIENT = Path(__file__).with_name("code_client.py")
PHONE = "13800138000"


@pytest.fixture
def servers(app, database_url: str, tmp_path: Path) -> Iterator[list[Program]]:
    url = database_url.replace("+psycopg", "")
    programs = []
    for name in ("one", "two"):
        directory = tmp_path / name
        directory.mkdir()
        programs.append(serve_web(name, url, directory))
    wait_until_up(*programs)
    yield programs
    for program in programs:
        program.stop()


def count(app, model) -> int:
    with app.app_context():
        return db.reading(
            lambda: db.connection().execute(select(func.count()).select_from(model)).scalar_one()
        )()


def race(cookie: str, posts: list[tuple[str, dict[str, str]]], *, clients: int = 4) -> Counter:
    begins_at = time.time() + 2.0
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                str(CLIENT),
                json.dumps({"begins_at": begins_at, "cookie": cookie, "posts": posts[number::clients]}),
            ],
            stdout=subprocess.PIPE,
        )
        for number in range(clients)
    ]
    statuses: Counter = Counter()
    for process in processes:
        out, _ = process.communicate(timeout=120)
        statuses.update(json.loads(out))
    return statuses


def browser_with_code(app) -> tuple[str, dict[str, str], str]:
    """A browser that asked for a code: its cookie, the fields of the code form, and the code."""
    browser = app.test_client()
    page = browser.get("/accounts/sign-in").get_data(as_text=True)
    asked = browser.post(
        "/accounts/sign-in", data=hidden_fields(page, "/accounts/sign-in") | {"phone": PHONE}
    )
    form = hidden_fields(browser.get(asked.location).get_data(as_text=True), "/accounts/sign-in/code")
    with app.app_context():
        (message,) = outbox.take_due(now=clock.now() + timedelta(seconds=1), limit=9, may_repeat=False)
    assert message.secret is not None
    return f"linli={browser.get_cookie('linli').value}", form, message.secret


def test_one_code_used_by_many_at_once_signs_in_once(app, servers):
    cookie, form, code = browser_with_code(app)
    posts = [
        (f"{servers[n % 2].base}/accounts/sign-in/code", form | {"code": code, "_key": f"another-key-{n}"})
        for n in range(16)
    ]
    statuses = race(cookie, posts)
    assert statuses == {303: 1, 422: 15}
    assert (count(app, SignIn), count(app, User)) == (1, 1)


def test_one_key_sent_by_many_at_once_is_one_sign_in(app, servers):
    cookie, form, code = browser_with_code(app)
    posts = [(f"{servers[n % 2].base}/accounts/sign-in/code", form | {"code": code}) for n in range(4)]
    statuses = race(cookie, posts)
    assert statuses == {303: 4}
    assert (count(app, SignIn), count(app, User)) == (1, 1)


def test_guessing_in_parallel_gets_no_more_than_five_tries(app, servers):
    cookie, form, code = browser_with_code(app)
    guesses = [f"{(int(code) + n) % 10**6:06d}" for n in range(1, 20)]
    posts = [
        (f"{servers[n % 2].base}/accounts/sign-in/code", form | {"code": guess, "_key": f"guess-key-{n}"})
        for n, guess in enumerate(guesses)
    ]
    assert race(cookie, posts) == {422: 19}
    right = [(f"{servers[0].base}/accounts/sign-in/code", form | {"code": code, "_key": "the-right-one"})]
    assert race(cookie, right, clients=1) == {422: 1}
    assert count(app, SignIn) == 0


def test_many_requests_for_a_code_send_one_message(app, servers):
    browser = app.test_client()
    page = browser.get("/accounts/sign-in").get_data(as_text=True)
    fields = hidden_fields(page, "/accounts/sign-in") | {"phone": PHONE}
    cookie = f"linli={browser.get_cookie('linli').value}"
    posts = [
        (f"{servers[n % 2].base}/accounts/sign-in", fields | {"_key": f"asking-key-{n}"}) for n in range(12)
    ]
    assert race(cookie, posts) == {303: 1, 429: 11}
    assert count(app, OutboxMessage) == 1
