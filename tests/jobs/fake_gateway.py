"""An SMS gateway that misbehaves on request; a program of its own: python fake_gateway.py JOURNAL.

The path says how it answers; every message that it read goes to the journal as a line of JSON. Prints its port.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

JOURNAL = Path(sys.argv[1])
_lock = threading.Lock()
_seen: dict[str, int] = {}


class Gateway(BaseHTTPRequestHandler):
    """/ok · /status/N · /first/N (once per id, then ok) · /slow/SECONDS · /cut · /first-cut · /half · /drip"""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        line = {
            "id": body["id"],
            "to": body["to"],
            "text": body["text"],
            "key": self.headers["Idempotency-Key"],
            "authorization": self.headers["Authorization"],
        }
        with _lock:
            times = _seen[body["id"]] = _seen.get(body["id"], 0) + 1
            with JOURNAL.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(line, ensure_ascii=False) + "\n")
        _, how, *more = self.path.split("/")
        if how == "status" or (how == "first" and times == 1):
            self._answer(int(more[0]))
        elif how == "slow":
            time.sleep(float(more[0]))
            self._answer(200)
        elif how == "cut" or (how == "first-cut" and times == 1):
            self.close_connection = True
        elif how == "half":
            self._begin(200, 100)
            self.wfile.write(b"{")
            self.close_connection = True
        elif how == "drip":
            self._begin(200, 100)
            for _ in range(100):
                self.wfile.write(b" ")
                time.sleep(0.1)
        else:
            self._answer(202)

    def _begin(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if 300 <= status < 400:
            self.send_header("Location", "/ok")
        self.end_headers()

    def _answer(self, status: int) -> None:
        self._begin(status, 2)
        self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
