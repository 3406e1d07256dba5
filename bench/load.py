"""A client so light that two cores measure the server: one thread, raw sockets, keep-alive connections."""

import gzip
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Answer:
    """One answer: its status, the bytes of its head and body, and how long it took."""

    status: int
    head: bytes
    raw: bytes
    seconds: float
    tag: int = 0

    @property
    def text(self) -> str:
        """The body as text, unpacked when it came compressed."""
        packed = b"content-encoding: gzip" in self.head.lower()
        return (gzip.decompress(self.raw) if packed else self.raw).decode()


@dataclass
class Slice:
    """What one connection pool got through in one stretch of time."""

    seconds: float
    answers: list[Answer] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.answers) / self.seconds


def get(path: str, *, cookie: str | None = None, accept: str = "text/html") -> bytes:
    """A GET as a phone sends it."""
    lines = [f"GET {path} HTTP/1.1", "Host: linli.test", f"Accept: {accept}", "Accept-Encoding: gzip"]
    if cookie:
        lines.append(f"Cookie: {cookie}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path: str, body: str, *, cookie: str, key: str, csrf: str) -> bytes:
    """A POST as the outbox on the phone sends it."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: linli.test",
        "Accept: application/json",
        "Accept-Encoding: gzip",
        f"Cookie: {cookie}",
        f"Idempotency-Key: {key}",
        f"X-CSRFToken: {csrf}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body.encode())}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Wire:
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self.port = port
        self.timeout = timeout
        self.socket = self._connect()
        self.got = bytearray()
        self.began = 0.0
        self.tag = 0
        self.request = b""

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def send(self, request: bytes, tag: int) -> None:
        self.request, self.tag = request, tag
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> Answer | None:
        """The answer when all of it is here."""
        block = self.socket.recv(1 << 16)
        if not block:
            raise ConnectionError(f"the server hung up after {bytes(self.got[:200])!r}")
        self.got += block
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self.got[:end])
        length = _length(head)
        if length is None:
            if not self.got.endswith(b"0\r\n\r\n"):
                return None
            body = _unchunk(bytes(self.got[end + 4 :]))
        elif len(self.got) < end + 4 + length:
            return None
        else:
            body = bytes(self.got[end + 4 : end + 4 + length])
        self.got.clear()
        answer = Answer(int(head[9:12]), head, body, time.perf_counter() - self.began, self.tag)
        if b"connection: close" in head.lower():
            self.socket.close()
            self.socket = self._connect()
        return answer

    def close(self) -> None:
        self.socket.close()


def _length(head: bytes) -> int | None:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0 if head[9:12] in {b"204", b"304"} else None


def _unchunk(text: bytes) -> bytes:
    parts, at = [], 0
    while True:
        end = text.index(b"\r\n", at)
        size = int(text[at:end], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(text[end + 2 : end + 2 + size])
        at = end + 4 + size


def run(
    port: int,
    requests: Iterator[bytes],
    *,
    connections: int = 16,
    seconds: float | None = None,
    done: Callable[[Answer], None] | None = None,
) -> Slice:
    """Send the requests over so many connections, each as soon as its last answer is there.

    Ends when the time is over or the requests are; answers on their way are waited for and counted.
    """
    selector = selectors.DefaultSelector()
    wires = [Wire(port) for _ in range(connections)]
    began = time.perf_counter()
    until = None if seconds is None else began + seconds
    answers: list[Answer] = []
    busy = 0
    tag = 0

    def feed(wire: Wire) -> bool:
        nonlocal tag
        if until is not None and time.perf_counter() >= until:
            return False
        request = next(requests, None)
        if request is None:
            return False
        wire.send(request, tag)
        tag += 1
        return True

    try:
        for wire in wires:
            if feed(wire):
                selector.register(wire.socket, selectors.EVENT_READ, wire)
                busy += 1
        while busy:
            for key, _ in selector.select(timeout=60):
                wire = key.data
                before = wire.socket
                answer = wire.read()
                if answer is None:
                    continue
                answers.append(answer)
                if done is not None:
                    done(answer)
                if wire.socket is not before:
                    selector.unregister(before)
                    selector.register(wire.socket, selectors.EVENT_READ, wire)
                if not feed(wire):
                    selector.unregister(wire.socket)
                    busy -= 1
        return Slice(time.perf_counter() - began, answers)
    finally:
        for wire in wires:
            wire.close()
        selector.close()
