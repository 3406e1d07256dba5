"""An SMS gateway that takes everything at once: `python -m bench.endpoint` prints its port.

One thread, no framework, so that whoever sends is measured and not this. GET /stats tells how many different ids came,
how many calls, and the seconds between the first and the last.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field


@dataclass
class Heard:
    """What came since the last reset."""

    ids: set[str] = field(default_factory=set)
    calls: int = 0
    first: float = 0.0
    last: float = 0.0


_heard = Heard()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            body = await reader.readexactly(length)
            if head.startswith(b"GET /reset"):
                vars(_heard).update(vars(Heard()))
                answer, status = b"{}", b"200 OK"
            elif head.startswith(b"GET"):
                stats = {"ids": len(_heard.ids), "calls": _heard.calls, "seconds": _heard.last - _heard.first}
                answer, status = json.dumps(stats).encode(), b"200 OK"
            else:
                _heard.ids.add(json.loads(body)["id"])
                _heard.calls += 1
                _heard.last = time.perf_counter()
                _heard.first = _heard.first or _heard.last
                answer, status = b'{"state":"Pending"}', b"202 Accepted"
            writer.write(
                b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: "
                + str(len(answer)).encode() + b"\r\n\r\n" + answer
            )  # fmt: skip
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
