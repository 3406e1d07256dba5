"""The processes of `make run`, started by tests and benchmarks: gunicorn gthread servers, the worker, or all in front."""

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from webapp.cli import web_server

ROOT = Path(__file__).resolve().parent.parent
SECRET = "a-secret-for-tests-with-more-than-32-characters"
START_SECONDS = 60.0
END_SECONDS = 20.0


@dataclass
class Program:
    """One started program with everything that it starts; `log` is where both of its outputs go."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0
    listeners: Sequence[socket.socket] = field(default=(), repr=False)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def children(self) -> list[psutil.Process]:
        """Every living process below this one."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> None:
        """End it and all below it, gently first."""
        below = self.children()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for child in below:
            if child.is_running():
                child.kill()
        for listener in self.listeners:
            listener.close()

    def kill(self) -> None:
        """What a power cut does: SIGKILL to it and all below it at once.

        All are frozen first: one that is being started meanwhile would survive, and keep the address.
        """
        psutil.Process(self.process.pid).suspend()
        frozen: set[psutil.Process] = set()
        while below := set(self.children()) - frozen:
            for each in below:
                with suppress(psutil.NoSuchProcess):
                    each.suspend()
            frozen |= below
        for each in frozen:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.kill()
        self.process.wait()


def environment(url: str, data_dir: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of the programs: this database, this directory, nothing else of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LINLI_")}
    return (
        kept
        | {
            "DATABASE_URL": url,
            "LINLI_DATA_DIR": str(data_dir),
            "SECRET_KEY": SECRET,
            "LINLI_PUBLIC_URL": "http://linli.test",
            "HOST": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
        }
        | dict(more or {})
    )


def fixed_port() -> int:
    """A free port that the kernel gives nobody by itself: a server that is started again finds it free again.

    From the kernel's own range even a caller who tries while nobody listens may be given it.
    """
    for port in random.sample(range(20_000, 30_000), 50):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def serve_web(
    name: str,
    url: str,
    data_dir: Path,
    *,
    processes: int = 1,
    threads: int = 4,
    target: str = "wsgi:app",
    more: Mapping[str, str] | None = None,
) -> Program:
    """A web server as `make run` starts it (gunicorn gthread on inherited sockets), on a free port."""
    listeners = web_server.open_sockets("127.0.0.1", 0, processes)
    arguments = [*web_server.arguments(listeners, threads=threads), target]
    program = _start(name, arguments, environment(url, data_dir, more), data_dir, listeners)
    program.port = listeners[0].getsockname()[1]
    return program


def start_worker(url: str, data_dir: Path, *, more: Mapping[str, str] | None = None) -> Program:
    """The worker as `make run` starts it."""
    arguments = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    return _start("worker", arguments, environment(url, data_dir, more), data_dir)


def serve_all(url: str, data_dir: Path, *, port: int = 0, more: Mapping[str, str] | None = None) -> Program:
    """What `make run` leaves in front of the terminal: the supervisor with web server and worker.

    On a free port unless one is given.
    """
    arguments = [sys.executable, "-m", "flask", "--app", "wsgi", "serve"]
    program = _start(
        "serve", arguments, environment(url, data_dir, {"PORT": str(port)} | dict(more or {})), data_dir
    )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and program.process.poll() is None:
        # The announced address is LINLI_PUBLIC_URL; the port is in what the children inherited.
        for child in program.children():
            try:
                found = re.fullmatch(r"\d+", child.environ().get("PORT", ""))
            except psutil.Error:
                continue
            if found and found.group() != "0":
                program.port = int(found.group())
                return program
        time.sleep(0.05)
    program.stop()
    raise AssertionError(f"serve did not start:\n{program.log.read_text(encoding='utf-8')[-3000:]}")


def wait_until_up(*programs: Program) -> None:
    """Wait until each of the web servers answers /healthz."""
    deadline = time.monotonic() + START_SECONDS
    for program in programs:
        while not _answers(program.port):
            if program.process.poll() is not None or time.monotonic() > deadline:
                text = program.log.read_text(encoding="utf-8")[-3000:]
                program.stop()
                raise AssertionError(f"{program.name} did not start:\n{text}")
            time.sleep(0.05)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _start(
    name: str,
    arguments: list[str],
    environ: dict[str, str],
    data_dir: Path,
    listeners: Sequence[socket.socket] = (),
) -> Program:
    log = data_dir / f"{name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=[each.fileno() for each in listeners],
            start_new_session=True,
        )
    return Program(name, process, log, listeners=listeners)


def kill_hard(process: psutil.Process) -> None:
    """SIGKILL to one process; already dead is dead."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return
