"""How the web server is started, the same in run, tests and bench; gunicorn reads its hook from this file.

Each of gunicorn's processes accepts from a socket of its own: with one socket for all, connections that are
kept open pile up in one process while the other idles. Whoever starts gunicorn opens the sockets, so that
callers of a process that died wait for the next one instead of being refused.
"""

import socket
import sys
from collections.abc import Sequence
from typing import Any

BACKLOG = 2048


def open_sockets(host: str, port: int, count: int) -> list[socket.socket]:
    """So many listening sockets on one address, among which the kernel deals out the callers; OSError when taken."""
    family, kind, protocol, _name, where = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # Sockets that share an address would share it with a second server, too.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(where)
        where = probe.getsockname()
    opened = []
    for _ in range(count):
        each = socket.socket(family, kind, protocol)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        each.bind(where)
        each.listen(BACKLOG)
        opened.append(each)
    return opened


def arguments(sockets: Sequence[socket.socket], *, threads: int) -> list[str]:
    """gunicorn's command line, without the application: one process for each socket."""
    line = [sys.executable, "-m", "gunicorn", "--config", __file__, "--worker-class", "gthread"]
    for each in sockets:
        line += ["--bind", f"fd://{each.fileno()}"]
    line += ["--workers", str(len(sockets)), "--threads", str(threads)]
    return [*line, "--timeout", "60", "--log-level", "warning", "--no-control-socket"]


def pre_fork(server: Any, worker: Any) -> None:
    """gunicorn's hook: the new process gets the socket that no living process has."""
    taken = {id(each.sockets[0]) for each in server.WORKERS.values()}
    free = [each for each in server.LISTENERS if id(each) not in taken]
    worker.sockets = (free or server.LISTENERS)[:1]
