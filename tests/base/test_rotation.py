"""Keys change: everything under the newest one, whenever it is stopped, and still found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import crypto, db, outbox, rotation
from webapp.base.actor import Actor
from webapp.base.outbox import OutboxMessage
from webapp.base.rotation import encrypted_columns, rotate
from webapp.domain.accounts.models import User

pytestmark = pytest.mark.db

OLD = "a-secret-for-tests-with-more-than-32-characters"
NEW = "another-secret-for-tests-that-is-long-enough-too"
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def new_key(in_app):
    """A newer key in front of the old one."""
    yield lambda *secrets: crypto.configure(secrets or (NEW, OLD))
    crypto.configure((OLD,))


@db.reading
def phones() -> list[bytes]:
    return list(db.connection().execute(select(User.phone).order_by(User.id)).scalars())


def totals() -> tuple[int, int, int]:
    done = list(rotate(batch=2))
    return (
        sum(each.changed for each in done),
        sum(each.unchanged for each in done),
        sum(each.unreadable for each in done),
    )


def test_every_encrypted_column_is_found():
    assert {(column.table.name, column.name) for column in encrypted_columns()} >= {
        ("users", "phone"),
        ("person_phones", "phone"),
        ("outbox_messages", "address"),
        ("outbox_messages", "secret"),
    }


def test_all_rows_come_under_the_newest_key_and_say_what_they_said(make, new_key):
    users = [make.user(f"人{number}") for number in range(5)]
    db.writing(
        lambda: outbox.enqueue(
            make_deed(Actor.system("test")), "code", phone=users[0].phone, language="en", secret="123456"
        )
    )()
    new_key()
    before = crypto.blind_index("phone", users[0].phone)
    assert totals() == (5 + 5 + 2, 0, 0)
    assert [crypto.decrypt(each) for each in phones()] == [user.phone for user in users]
    assert all(crypto.vault().is_newest(each) for each in phones())
    secret = db.reading(lambda: db.connection().execute(select(OutboxMessage.secret)).scalar_one())()
    assert crypto.decrypt(secret) == "123456"
    assert crypto.blind_index("phone", users[0].phone) == before
    assert totals() == (0, 12, 0)


def test_stopped_half_way_it_goes_on_with_the_rest(make, new_key):
    for number in range(4):
        make.user(f"人{number}")
    new_key()
    steps = rotate(batch=1)
    first = next(steps)
    steps.close()
    changed, unchanged, unreadable = totals()
    assert (changed + first.changed, unchanged, unreadable) == (8, first.changed, 0)


def test_a_row_whose_key_is_gone_is_counted_and_left(make, new_key):
    make.user("人")
    before = phones()
    new_key(NEW)
    assert totals() == (0, 0, 2)
    assert phones() == before


def test_a_value_that_somebody_changes_meanwhile_is_not_overwritten(make, new_key, monkeypatch):
    user = make.user("人")
    new_key()
    changed = []
    encrypt = crypto.encrypt

    def change_first(text: str) -> bytes:
        if not changed:
            changed.append(encrypt("13900000001"))
            db.connection().execute(User.__table__.update().values(phone=changed[0]))
        return encrypt(text)

    monkeypatch.setattr(rotation.crypto, "encrypt", change_first)
    list(rotate())
    assert [crypto.decrypt(each) for each in phones()] == ["13900000001"]
    assert user.phone != "13900000001"


def test_the_shell_reports_numbers_last_and_fails_when_rows_are_unreadable(
    make, new_key, database_url, tmp_path
):
    make.user("人")

    def shell(keys: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "DATABASE_URL": database_url,
            "LINLI_DATA_DIR": str(tmp_path),
            "SECRET_KEY": OLD,
            "LINLI_CRYPTO_KEYS": keys,
        }
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "crypto", "rotate"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    lost = shell(NEW)
    assert lost.returncode == 1
    assert lost.stdout.splitlines()[-1] == "changed 0 unchanged 0 unreadable 2"
    done = shell(f"{NEW},{OLD}")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "changed 2 unchanged 0 unreadable 0")
