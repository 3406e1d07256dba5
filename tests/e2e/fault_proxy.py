"""A proxy process between the browser and the server that breaks what a bad network breaks.

`python fault_proxy.py TARGET_PORT` prints two ports, its own and the one that takes orders, one JSON object
per line: {"link": …, "handshake": seconds, "delay": seconds, "rate": bytes per second of the whole link,
"faults": [{"method", "path", "action", …}]}. Each order, and "seen", is answered by what went through so far.

link    pass | refuse (connections are reset) | blackhole (nothing ever comes back)
action  cut (the server answers, its reply is lost: both ends are killed) | drop (killed before the server)
        hold (the server answers, the reply waits for ever) | answer (with the fault's own "status", "body")
times   how often the fault happens: once, unless it says more
"""

import asyncio
import json
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

HEAD_END = b"\r\n\r\n"
CHUNK = 1400
MAX_HEAD = 1 << 16


class Proxy:
    """One link to one server, with the faults that were ordered."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.writers: set[asyncio.StreamWriter] = set()
        self.seen: Counter[str] = Counter()
        self.wire = asyncio.Lock()
        self.orders: dict[str, Any] = {}
        self.set_orders({})

    def set_orders(self, orders: dict[str, Any]) -> None:
        """Take new orders; connections made under the old ones are killed, as a changed network does."""
        self.orders = {"link": "pass", "handshake": 0, "delay": 0, "rate": 0, "faults": []} | orders
        for writer in self.writers:
            writer.transport.abort()

    def fault_for(self, method: str, path: str) -> dict[str, Any] | None:
        for fault in self.orders["faults"]:
            if fault["method"] == method and fault["path"] == path and fault.get("times", 1) > 0:
                fault["times"] = fault.get("times", 1) - 1
                return dict(fault)
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            await asyncio.sleep(self.orders["handshake"])
            while await self.exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.writers.discard(writer)
            writer.transport.abort()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its reply; answers whether the connection lives on."""
        if self.orders["link"] == "refuse":
            return False
        request, method, path = await read_request(reader)
        self.seen[f"{method} {path}"] += 1
        if self.orders["link"] == "blackhole":
            await asyncio.Event().wait()
        fault = self.fault_for(method, path)
        action = fault["action"] if fault else "pass"
        if fault:
            self.seen[f"{action} {path}"] += 1
        if action == "drop":
            return False
        reply = canned(fault) if fault and action == "answer" else await self.ask(request)
        if action == "cut":
            return False
        if action == "hold":
            await asyncio.Event().wait()
        await self.trickle(writer, reply)
        return True

    async def ask(self, request: bytes) -> bytes:
        """The server's whole reply: it has committed when this returns."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers.add(writer)
        try:
            writer.write(request)
            await writer.drain()
            reply = await reader.read()
        finally:
            self.writers.discard(writer)
            writer.close()
        if not reply:
            raise ConnectionError
        return keep_open(reply)

    async def trickle(self, writer: asyncio.StreamWriter, reply: bytes) -> None:
        """Hand the reply over at the pace of the link, which all connections share chunk by chunk."""
        self.seen["requests"] += 1
        self.seen["bytes"] += len(reply)
        await asyncio.sleep(self.orders["delay"])
        rate = self.orders["rate"]
        if not rate:
            writer.write(reply)
        for start in range(0, len(reply) if rate else 0, CHUNK):
            async with self.wire:
                await asyncio.sleep(CHUNK / rate)
                writer.write(reply[start : start + CHUNK])
        await writer.drain()

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while line := await reader.readline():
                orders = json.loads(line)
                if orders != "seen":
                    self.set_orders(orders)
                writer.write(json.dumps(self.seen).encode() + b"\n")
                await writer.drain()
        writer.close()


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, str, str]:
    """The request as it goes to the server (one connection each), its method and its path."""
    head = await reader.readuntil(HEAD_END)
    lines = head[: -len(HEAD_END)].split(b"\r\n")
    method, address, _version = lines[0].decode("latin-1").split(" ", 2)
    kept = [line for line in lines[1:] if not line.lower().startswith((b"connection:", b"proxy-connection:"))]
    lengths = [line for line in kept if line.lower().startswith(b"content-length:")]
    body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
    request = b"\r\n".join([lines[0], *kept, b"Connection: close"]) + HEAD_END + body
    return request, method, address.split("?")[0]


def keep_open(reply: bytes) -> bytes:
    """The reply as the browser sees it: the connection stays warm; one that dies warm is the worst."""
    head, _, body = reply.partition(HEAD_END)
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    names = {line.split(b":")[0].lower() for line in lines[1:]}
    status = int(lines[0].split()[1])
    if not names & {b"content-length", b"transfer-encoding"} and status not in {204, 304}:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + HEAD_END + body


def canned(fault: dict[str, Any]) -> bytes:
    body = fault.get("body", "").encode()
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(body)} | fault.get(
        "headers", {}
    )
    lines = [f"HTTP/1.1 {fault['status']} Fault", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + HEAD_END + body


async def main(target: int) -> None:
    proxy = Proxy(target)
    link = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=MAX_HEAD)
    control = await asyncio.start_server(proxy.obey, "127.0.0.1", 0)
    print(link.sockets[0].getsockname()[1], control.sockets[0].getsockname()[1], flush=True)
    async with link, control:
        await asyncio.gather(link.serve_forever(), control.serve_forever())


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1])))
