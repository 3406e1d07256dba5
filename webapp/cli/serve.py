"""`flask --app wsgi serve`: web server and worker in front of the terminal, until one signal ends both.

The supervisor owns the listening sockets, one for each web process, and hands them down, so a restarted web
server keeps its address and callers wait in the queue instead of being refused. A child that dies is started
again; when the supervisor itself is killed, the kernel ends the children.
"""

import ctypes
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from webapp.cli import web_server

POLL_SECONDS = 0.2
STEADY_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 10.0
FIRST_ANSWER_SECONDS = 120.0  # an old machine under load
GRACE_SECONDS = 20.0
ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, never bound by this line
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """A program that must be running, with its restarts."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    inherited: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    pause: float = field(default=0.5)

    def start(self) -> None:
        """Start it in a session of its own: Ctrl-C reaches the supervisor only, which then stops it."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own programs
            self.arguments,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            pass_fds=self.inherited,
            start_new_session=True,
            preexec_fn=_die_with_the_supervisor(),  # noqa: PLW1509 - the supervisor has one thread
        )

    def watch(self) -> None:
        """Start it again when it has died, after a pause that grows while it keeps dying at once."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.restart_at:
                self.start()
        elif self.process.poll() is not None:
            if now - self.started_at > STEADY_SECONDS:
                self.pause = 0.5
            click.echo(
                f"{self.name} ended ({_ending(self.process.returncode)}); starting it again.", err=True
            )
            self.process = None
            self.restart_at = now + self.pause
            self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)

    def signal(self, number: int) -> None:
        """Send a signal to it and whatever it started."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                self.process.poll()

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self.process is not None and self.process.poll() is None


@click.command("serve")
@with_appcontext
def serve() -> None:
    """Run web server and worker until Ctrl-C or SIGTERM."""
    config = current_app.config
    stop = _StopRequest()
    with ExitStack() as ending:
        listeners = _listen(config["HOST"], config["PORT"], config["WEB_PROCESSES"])
        for each in listeners:
            ending.enter_context(each)
        listener = listeners[0]
        address = _public_address(config, listener.getsockname()[1])
        environment = os.environ | {
            "HOST": config["HOST"],
            "PORT": str(listener.getsockname()[1]),
            "LINLI_PUBLIC_URL": address,
        }
        inherited = tuple(each.fileno() for each in listeners)
        web = Child("web server", _web_arguments(config, listeners), environment, inherited)
        worker = Child("worker", [sys.executable, "-m", "flask", "--app", "wsgi", "worker"], environment)
        children = (web, worker)
        try:
            for child in children:
                child.start()
            if _wait_for_first_answer(config, listener, web, stop):
                _announce(config, address, _reach(listener))
                while not stop.is_asked:
                    time.sleep(POLL_SECONDS)
                    for child in children:
                        child.watch()
        finally:
            _end(children, stop)


cli = serve


class _StopRequest:
    """Counts the signals that ask for an end; the second one does not wait for answers in progress."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: object) -> None:
        self.count += 1

    @property
    def is_asked(self) -> bool:
        return self.count > 0


def _die_with_the_supervisor() -> Callable[[], None] | None:
    """What a child does between fork and exec so that a killed supervisor leaves no orphan (Linux)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    supervisor = os.getpid()

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor:
            os._exit(1)

    return ask_kernel


def _listen(host: str, port: int, count: int) -> list[socket.socket]:
    """The listening sockets; a taken or forbidden address ends the command with a sentence."""
    try:
        return web_server.open_sockets(host, port, count)
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with PORT=… or HOST=…"
        ) from error


def _web_arguments(config: dict[str, Any], listeners: Sequence[socket.socket]) -> list[str]:
    """The gunicorn command line."""
    arguments = web_server.arguments(listeners, threads=config["WEB_THREADS"])
    arguments += ["--graceful-timeout", str(int(GRACE_SECONDS - 5))]
    if config["TLS_CERT"]:
        arguments += ["--certfile", config["TLS_CERT"], "--keyfile", config["TLS_KEY"]]
    return [*arguments, "wsgi:app"]


def _public_address(config: dict[str, Any], port: int) -> str:
    """The address people are told: as set, else one that reaches this machine from where it listens."""
    if os.environ.get("LINLI_PUBLIC_URL"):
        return str(config["PUBLIC_URL"])
    host = config["HOST"]
    if host in ANY_ADDRESS:
        host = _address_in_the_local_network()
    if ":" in host:
        host = f"[{host}]"
    scheme = "https" if config["TLS_CERT"] else "http"
    return f"{scheme}://{host}:{port}"


def _address_in_the_local_network() -> str:
    """The address of the interface that leads out; choosing a route for a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _wait_for_first_answer(
    config: dict[str, Any], listener: socket.socket, web: Child, stop: _StopRequest
) -> bool:
    """Wait until the web server answers; False when it was asked to stop meanwhile."""
    deadline = time.monotonic() + FIRST_ANSWER_SECONDS
    while not stop.is_asked:
        if not web.is_running:
            raise click.ClickException("The web server did not start; the reason stands above.")
        if time.monotonic() > deadline:
            raise click.ClickException(f"The web server gave no answer within {FIRST_ANSWER_SECONDS:.0f} s.")
        if _answers(config, listener):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _reach(listener: socket.socket) -> tuple[str, int]:
    """Host and port at which this machine itself reaches the web server."""
    host, port = listener.getsockname()[:2]
    if host in ANY_ADDRESS:
        host = "::1" if listener.family == socket.AF_INET6 else "127.0.0.1"
    return host, port


def _answers(config: dict[str, Any], listener: socket.socket) -> bool:
    host, port = _reach(listener)
    if config["TLS_CERT"]:
        # We ask ourselves over loopback; whether the certificate bears this name is not the question.
        trusting = ssl._create_unverified_context()  # noqa: S323, SLF001
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=5, context=trusting
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _announce(config: dict[str, Any], address: str, reach: tuple[str, int]) -> None:
    """Print where it is and, outside production, how to sign in."""
    click.echo(f"\nLinli 邻里 is running 已启动: {address}")
    if os.environ.get("LINLI_PUBLIC_URL"):
        click.echo(f"It listens on {reach[0]} port {reach[1]}; LINLI_PUBLIC_URL has to lead there.")
    sign_ins = Path(config["DATA_DIR"]) / "demo.txt"
    if not config["IS_PRODUCTION"] and sign_ins.is_file():
        click.echo(f"\n{sign_ins.read_text(encoding='utf-8').strip()}")
    click.echo("\nCtrl-C ends it. 按 Ctrl-C 停止。\n")


def _end(children: tuple[Child, ...], stop: _StopRequest) -> None:
    """Ask every child to finish what it is answering; insist after the grace or a second signal."""
    for child in children:
        if child.process is not None:
            child.process.terminate()
    asked = stop.count
    deadline = time.monotonic() + GRACE_SECONDS
    while any(child.is_running for child in children) and time.monotonic() < deadline and stop.count == asked:
        time.sleep(POLL_SECONDS / 4)
    for child in children:
        child.signal(signal.SIGKILL)
        if child.process is not None:
            child.process.wait()


def _ending(code: int) -> str:
    return f"exit {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
