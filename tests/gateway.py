"""An SMS gateway that removes duplicates, as a process: `python -m tests.gateway FILE` prints its port.

Every call is written to FILE, also a repeated one; a phone would have rung once per id. Each call is answered
slowly, so that a worker that is killed leaves calls whose result nobody knows.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.processes import ROOT

ANSWER_SECONDS = 0.02


@contextmanager
def gateway(file: Path) -> Iterator[str]:
    """A running gateway; gives its address."""
    file.touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.gateway", str(file)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}/messages"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def calls(file: Path) -> list[dict[str, Any]]:
    """Everything that arrived, in the order of arrival."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    file, lock = Path(sys.argv[1]), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body["key"] = self.headers["Idempotency-Key"]
            with lock, file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(body, ensure_ascii=False) + "\n")
            time.sleep(ANSWER_SECONDS)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_words: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
