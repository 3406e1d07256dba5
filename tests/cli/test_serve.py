"""`flask --app wsgi serve` as people meet it: real processes, real signals."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.processes import ROOT, environment, serve_all, wait_until_up

pytestmark = pytest.mark.crash
SECONDS = 15.0


def until(question, seconds=SECONDS):
    """Ask until the answer is yes; fails after some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


@pytest.fixture(scope="module")
def migrated(tmp_path_factory) -> tuple[str, Path]:
    """An empty database at the newest schema."""
    directory = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{directory / 'linli.sqlite3'}"
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT,
        env=environment(url, directory),
        check=True,
        capture_output=True,
    )
    return url, directory


@pytest.fixture
def served(migrated):
    program = serve_all(*migrated)
    wait_until_up(program)
    yield program
    program.stop()


def child(program, word):
    """The web server or the worker, directly below the supervisor."""
    for each in psutil.Process(program.process.pid).children():
        try:
            if word in each.cmdline():
                return each
        except psutil.NoSuchProcess:
            continue
    return None


def answer(program):
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=SECONDS)
    connection.request("GET", "/healthz")
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def gone(processes):
    return not [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_ends_everything_cleanly(served, number):
    below = served.children()
    assert len(below) >= 4
    served.process.send_signal(number)
    assert served.process.wait(SECONDS) == 0
    assert gone(below)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port), timeout=1)


def test_ctrl_c_for_the_whole_terminal_ends_everything_cleanly(served):
    below = served.children()
    os.killpg(served.process.pid, signal.SIGINT)
    assert served.process.wait(SECONDS) == 0
    assert gone(below)


def test_a_killed_web_server_comes_back_and_nobody_is_refused_meanwhile(served):
    first = child(served, "gunicorn")
    first.kill()
    assert answer(served) == 200
    second = until(lambda: child(served, "gunicorn"))
    assert second.pid != first.pid
    until(lambda: "ended (signal SIGKILL); starting it again" in served.log.read_text(encoding="utf-8"))


def test_a_killed_worker_comes_back(served):
    first = until(lambda: child(served, "worker"))
    first.kill()
    second = until(lambda: (now := child(served, "worker")) and now.pid != first.pid and now)
    assert second.is_running()
    assert served.process.poll() is None


def test_a_killed_supervisor_leaves_no_orphan(served):
    below = served.children()
    assert len(below) >= 4
    served.process.kill()
    served.process.wait()
    until(lambda: gone(below))


def test_a_taken_port_is_said_and_nothing_stays_behind(migrated):
    url, directory = migrated
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "serve"],
            cwd=ROOT,
            env=environment(url, directory, {"PORT": port}),
            capture_output=True,
            text=True,
            timeout=SECONDS * 2,
            check=False,
        )
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
