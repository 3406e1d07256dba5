"""Phones as processes of their own: `python -m tests.clients JOB.json` sends what the job says and prints the answers.

Two ways. `at_once`: every request once, over so many connections, all processes starting at the same instant.
`stubborn`: like the outbox on a phone, each request again with the same key until its own server answers it.
"""

import base64
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import load
from tests.processes import ROOT

READY_SECONDS = 3.0
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Got:
    """What one request was answered, in the end; `tries` is how often it was sent."""

    tag: int
    status: int
    receipt: str
    code: str
    body: dict[str, Any]
    tries: int = 1


def at_once(
    ports: Sequence[int],
    requests: Sequence[bytes],
    folder: Path,
    *,
    processes: int = 4,
    connections: int = 16,
) -> list[Got]:
    """Send every request once, from several processes that start together, each to the next of the servers."""
    start_at = time.time() + READY_SECONDS
    jobs = [
        {
            "mode": "at_once",
            "ports": [ports[n % len(ports)]],
            "connections": connections,
            "start_at": start_at,
            "requests": [[tag, _packed(request)] for tag, request in enumerate(requests)][n::processes],
        }
        for n in range(processes)
    ]
    return _finish([_begin(job, folder, n) for n, job in enumerate(jobs)])


def _packed(request: bytes) -> str:
    return base64.b64encode(request).decode()


def begin_stubborn(
    port: int,
    requests: Sequence[bytes],
    folder: Path,
    *,
    processes: int,
    connections: int,
    seconds: float,
    pause: float,
) -> list[subprocess.Popen[bytes]]:
    """Start processes that send their share of the requests until each is answered by the server itself.

    Each of the connections rests for `pause` seconds after an answer, as people do.
    """
    jobs = [
        {
            "mode": "stubborn",
            "ports": [port],
            "connections": connections,
            "seconds": seconds,
            "pause": pause,
            "requests": [[tag, _packed(request)] for tag, request in enumerate(requests)][n::processes],
        }
        for n in range(processes)
    ]
    return [_begin(job, folder, n) for n, job in enumerate(jobs)]


def finish(started: list[subprocess.Popen[bytes]]) -> list[Got]:
    """The answers of started processes."""
    return _finish(started)


def _begin(job: dict[str, Any], folder: Path, number: int) -> subprocess.Popen[bytes]:
    path = folder / f"client-{number}-{time.monotonic_ns()}.json"
    path.write_text(json.dumps(job), encoding="ascii")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.clients", str(path)], cwd=ROOT, stdout=subprocess.PIPE
    )


def _finish(started: list[subprocess.Popen[bytes]]) -> list[Got]:
    found: list[Got] = []
    for process in started:
        out, _ = process.communicate(timeout=170)
        assert process.returncode == 0, "a client process failed"
        found += [Got(**each) for each in json.loads(out)]
    return sorted(found, key=lambda got: got.tag)


def _got(tag: int, status: int, head: bytes, body: bytes, tries: int = 1) -> dict[str, Any]:
    headers = {}
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower().decode()] = value.strip().decode()
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    return {
        "tag": tag,
        "status": status,
        "receipt": headers.get("linli-receipt", ""),
        "code": headers.get("linli-answer", ""),
        "body": told,
        "tries": tries,
    }


# --- inside the process -------------------------------------------------------------------------------------


def _run_at_once(job: dict[str, Any]) -> list[dict[str, Any]]:
    tags = [tag for tag, _ in job["requests"]]
    requests = [base64.b64decode(request) for _, request in job["requests"]]
    time.sleep(max(0.0, job["start_at"] - time.time()))
    stretch = load.run(job["ports"][0], iter(requests), connections=job["connections"])
    return [
        _got(tags[answer.tag], answer.status, answer.head, answer.text.encode()) for answer in stretch.answers
    ]


def _run_stubborn(job: dict[str, Any]) -> list[dict[str, Any]]:
    waiting = [(tag, base64.b64decode(request)) for tag, request in reversed(job["requests"])]
    until = time.monotonic() + job["seconds"]
    answers: list[dict[str, Any]] = []
    lock = threading.Lock()

    def phone() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                tag, request = waiting.pop()
            tries = 0
            while time.monotonic() < until:
                tries += 1
                answer = _try(job["ports"][0], request)
                if answer is not None and _settles(answer):
                    with lock:
                        answers.append(_got(tag, answer.status, answer.head, answer.text.encode(), tries))
                    time.sleep(job["pause"])
                    break
                time.sleep(PAUSE_SECONDS)

    phones = [threading.Thread(target=phone) for _ in range(job["connections"])]
    for each in phones:
        each.start()
    for each in phones:
        each.join()
    return answers


def _settles(answer: load.Answer) -> bool:
    """Only a receipt, or a refusal of our own, ends an entry of the outbox."""
    head = answer.head.lower()
    return b"\r\nlinli-receipt:" in head or b"\r\nlinli-answer:" in head


def _try(port: int, request: bytes) -> load.Answer | None:
    wire = None
    try:
        wire = load.Wire(port, timeout=30)
        wire.send(request, 0)
        while True:
            answer = wire.read()
            if answer is not None:
                return answer
    except (OSError, http.client.HTTPException):
        return None
    finally:
        if wire is not None:
            wire.close()


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="ascii"))
    run = {"at_once": _run_at_once, "stubborn": _run_stubborn}[job["mode"]]
    print(json.dumps(run(job)))


if __name__ == "__main__":
    main()
