import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass
class FakeGateway:
    port: int
    journal: Path

    def url(self, how: str) -> str:
        return f"http://127.0.0.1:{self.port}/{how}"

    def received(self) -> list[dict[str, Any]]:
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def fake_gateway(tmp_path: Path) -> Iterator[FakeGateway]:
    """A gateway process that answers as its path says."""
    journal = tmp_path / "gateway.jsonl"
    program = Path(__file__).with_name("fake_gateway.py")
    with subprocess.Popen([sys.executable, str(program), str(journal)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield FakeGateway(int(process.stdout.readline()), journal)
        finally:
            process.kill()


@dataclass
class FakeWays:
    port: int
    journal: Path
    mode: Path

    def url(self, mode: str, rest: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{mode}{rest}"

    def turn(self, mode: str) -> None:
        """From now on every call is answered like this."""
        self.mode.write_text(mode, encoding="utf-8")

    def received(self) -> list[dict[str, Any]]:
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def fake_ways(tmp_path: Path) -> Iterator[FakeWays]:
    """SMSGate, a push service and a robot as one process that loses, delays and repeats."""
    journal, mode = tmp_path / "ways.jsonl", tmp_path / "ways.mode"
    program = Path(__file__).with_name("fake_ways.py")
    arguments = [sys.executable, str(program), str(journal), str(mode)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield FakeWays(int(process.stdout.readline()), journal, mode)
        finally:
            process.kill()
