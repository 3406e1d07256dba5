"""gunicorn gthread against granian on the same pages: the measurement behind the choice of a server.

Not a part of `make bench`: granian is no dependency. Where it is installed (GRANIAN=path of its program, with
Linli's packages beside it), `python -m bench.server` prints requests per second of both.
"""

import os
import shutil
import socket
import statistics
import subprocess

from bench import fill, load, pages
from bench.stage import WEB_PROCESSES, WEB_THREADS, Stage, databases
from tests.processes import ROOT, Program, environment, wait_until_up

PAIRS = 7
SECONDS = 1.0


def serve_with_granian(stage: Stage, program: str) -> Program:
    """The application under granian's WSGI server with as many processes and threads."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = stage.directory / "granian.log"
    arguments = [program, "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    arguments += ["--workers", str(WEB_PROCESSES), "--blocking-threads", str(WEB_THREADS)]
    arguments += ["--log-level", "warning", "wsgi:app"]
    with log.open("ab") as out:
        process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=environment(stage.url, stage.directory),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    served = Program("granian", process, log, port=port)
    stage.ending.callback(served.stop)
    wait_until_up(served)
    return served


def main() -> None:
    """Print both, page by page."""
    program = os.environ.get("GRANIAN") or shutil.which("granian")
    if program is None:
        raise SystemExit("granian is not installed here; nothing to compare.")
    with databases("sqlite") as made:
        stage = made.make("server")
        with stage.app.app_context():
            community = fill.community(stage.app, households=300)
            fill.shelf(community, bags=pages.BAGS, number=11)
        servers = {"gunicorn gthread": stage.serve(), "granian": serve_with_granian(stage, program)}
        for path in (pages.HOME, pages.ORDER_PAGE, "/offline"):
            speeds: dict[str, list[float]] = {name: [] for name in servers}
            for _ in range(PAIRS):
                for name, server in servers.items():
                    requests = pages.requests(path, community.residents)
                    stretch = load.run(server.port, requests, seconds=SECONDS)
                    speeds[name].append(stretch.per_second)
            medians = {name: statistics.median(each) for name, each in speeds.items()}
            ratio = medians["granian"] / medians["gunicorn gthread"]
            print(f"{path:<22} {medians}  granian ÷ gunicorn {ratio:.2f}")


if __name__ == "__main__":
    main()
