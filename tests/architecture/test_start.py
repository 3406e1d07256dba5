"""What must keep the application from starting does, as a process; /healthz tells what is running."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import ROOT, SECRET
from webapp import create_app
from webapp.web import guard

STRONG = "Zk3v9QeXw7Tn2LpRb6YcHs8MdJf4Ua1GoBiEiC5x"


def start(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LINLI_", "SECRET_"))}
    return subprocess.run(
        [sys.executable, "-c", "import wsgi; print('started')"],
        cwd=ROOT,
        env=kept | {"LINLI_DATA_DIR": str(tmp_path)} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("secret", ["", "hunter2", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"])
def test_production_does_not_start_with_a_weak_secret(tmp_path: Path, secret: str) -> None:
    done = start(tmp_path, LINLI_ENV="production", SECRET_KEY=secret)
    assert done.returncode != 0
    assert "started" not in done.stdout
    assert "SECRET_KEY is missing or weak" in done.stderr
    assert not secret or secret not in done.stderr.splitlines()[-1]


def test_production_starts_with_a_strong_secret(tmp_path: Path) -> None:
    done = start(tmp_path, LINLI_ENV="production", SECRET_KEY=STRONG)
    assert (done.returncode, done.stdout.strip()) == (0, "started"), done.stderr


def test_a_view_without_a_mark_keeps_the_application_from_starting(session_app: Flask) -> None:
    settings = {name: session_app.config[name] for name in ("DATA_DIR", "SQLALCHEMY_DATABASE_URI")}
    app = create_app({"TESTING": True, "SECRET_KEY": SECRET, "CRYPTO_KEYS": (SECRET,), **settings})
    guard.ensure_marked(app)
    app.add_url_rule("/forgotten", endpoint="forgotten", view_func=lambda: "")
    with pytest.raises(RuntimeError, match="forgotten"):
        guard.ensure_marked(app)


@pytest.mark.db
def test_health_tells_database_schema_and_outbox(app: Flask) -> None:
    answer = app.test_client().get("/healthz")
    told = answer.json
    assert answer.status_code == 200
    assert told["status"] == "ok"
    assert told["database"] == (
        "postgresql" if "postgresql" in app.config["SQLALCHEMY_DATABASE_URI"] else "sqlite"
    )
    newest = max((ROOT / "migrations/versions").glob("*.py")).read_text(encoding="utf-8")
    assert f'revision = "{told["schema_revision"]}"' in newest.replace("'", '"').replace(
        "revision: str", "revision"
    )
    assert told["outbox_depth"] == 0
