"""Two web servers on the database of this test run, each a process tree of its own on its own port."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Program, serve_web, wait_until_up


@pytest.fixture(scope="session")
def servers(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Program]]:
    """Two gunicorn servers with four threads each, as `make run` starts them, no lock in common but the database."""
    folder = tmp_path_factory.mktemp("servers")
    started = [serve_web(f"web-{n}", database_url, folder, processes=1, threads=4) for n in (1, 2)]
    try:
        wait_until_up(*started)
        assert len({program.process.pid for program in started}) == 2
        yield started
    finally:
        for program in started:
            program.stop()


@pytest.fixture
def ports(servers: list[Program]) -> list[int]:
    return [program.port for program in servers]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
