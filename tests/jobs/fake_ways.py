"""Endpoints that lose, delay and repeat, as a program of its own: python fake_ways.py JOURNAL FILE. Prints its port.

SMSGate (`/MODE/messages`), a push service (`/MODE/push/…`) and a robot (`/MODE/robot`) in one. Each call goes to
the journal. While FILE holds a word, that is the mode of every call, whatever the path says.
"""

import base64
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

JOURNAL, MODE = Path(sys.argv[1]), Path(sys.argv[2])
_lock = threading.Lock()
_taken: set[str] = set()


class Endpoint(BaseHTTPRequestHandler):
    """ok · status-N · lose (takes it, first answer lost) · late (answers after half a second) · away (hangs up unread)"""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        said = MODE.read_text(encoding="utf-8").strip() if MODE.exists() else ""
        mode = said or self.path.split("/")[1]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if mode == "status-503":
            self._answer(503)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_push = "/push/" in self.path
        told = {"raw": base64.b64encode(body).decode()} if is_push else json.loads(body)
        name = headers.get("topic") or str(told.get("id", ""))
        with _lock:
            is_new = name not in _taken
            if not mode.startswith("status-"):
                _taken.add(name)
            line = {"path": self.path, "id": name, "is_new": is_new, "body": told, "headers": headers}
            with JOURNAL.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(line, ensure_ascii=False) + "\n")
        if mode.startswith("status-"):
            self._answer(int(mode[7:]))
        elif mode == "lose" and is_new:
            self.close_connection = True
        elif not is_new and self.path.endswith("/messages"):
            self._answer(409)
        else:
            time.sleep(0.5 if mode == "late" else 0)
            self._answer(202 if not is_push else 201)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        if 300 <= status < 400:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
