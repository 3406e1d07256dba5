"""`flask accounts set-password` as a shell runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import make_deed
from webapp.base.actor import Actor
from webapp.domain.accounts import services

pytestmark = pytest.mark.db

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "a-secret-for-tests-with-more-than-32-characters"
GOOD = "Apfelbaum im Garten 7"


def shell(database_url: str, data_dir: Path, phone: str, password: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "LINLI_DATA_DIR": str(data_dir),
        "SECRET_KEY": SECRET,
    }
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "accounts", "set-password", phone],
        cwd=ROOT,
        env=environment,
        input=f"{password}\n{password}\n",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_shell_sets_a_password_that_signs_in(in_app, cast, database_url, tmp_path):
    alice = cast.people["alice"]
    done = shell(database_url, tmp_path, alice.phone, GOOD)
    assert done.returncode == 0, done.stderr
    assert GOOD not in done.stdout + done.stderr
    services.sign_in_with_password(
        deed=make_deed(Actor.anonymous("b")), phone=alice.phone, password=GOOD, address="203.0.113.7"
    )


def test_a_weak_password_or_an_unknown_phone_is_refused_with_a_sentence(in_app, cast, database_url, tmp_path):
    for phone, password in ((cast.people["alice"].phone, "short"), ("13700000000", GOOD)):
        refused = shell(database_url, tmp_path, phone, password)
        assert refused.returncode == 1
        assert "Error: " in refused.stderr
        assert "Traceback" not in refused.stderr
