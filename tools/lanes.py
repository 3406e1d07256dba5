"""Run the lanes of tests and print the seconds of each: `lanes.py [LANE …] [-- pytest arguments]`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from prepare import BROWSERS, ROOT

LONGEST_SECONDS = 15 * 60
NOTHING_COLLECTED = 5


@dataclass(frozen=True)
class Lane:
    """One pytest run; `minutes` is what it should take at most on two cores."""

    minutes: int
    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)


BOTH_CORES = ["-n", "2", "--dist", "worksteal"]
LANES = {
    "fast": Lane(4, [*BOTH_CORES, "-m", "not crash", "--ignore=tests/e2e"]),
    "postgresql": Lane(
        6,
        [*BOTH_CORES, "-m", "db and not crash", "--ignore=tests/e2e"],
        {"LINLI_TEST_DATABASE": "postgresql"},
    ),
    "e2e": Lane(10, ["tests/e2e", "-m", "not crash"]),
    # A file stays on one core: what it kills, and waits for, is made once for all of its tests.
    "crash": Lane(4, ["-n", "2", "--dist", "loadfile", "-m", "crash"]),
}


def main() -> int:
    """Run what is asked for, all lanes without a name; 1 when one of them failed or found no test."""
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    names, extra = words[:split] or list(LANES), words[split + 1 :]
    unknown = [name for name in names if name not in LANES]
    if unknown:
        print(f"No such lane: {', '.join(unknown)}. There are: {', '.join(LANES)}.")
        return 2
    lines, failed = [], False
    for name in names:
        lane = LANES[name]
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        code = run(lane, extra)
        seconds = time.monotonic() - began
        failed |= code != 0
        outcome = {0: "passed", NOTHING_COLLECTED: "FAILED: no test found"}.get(code, f"FAILED ({code})")
        over = f", over its {lane.minutes} min" if seconds > lane.minutes * 60 else ""
        lines.append(f"  {name:<11} {seconds:6.0f} s  {outcome}{over}")
    print("\nLanes:", *lines, sep="\n")
    return int(failed)


def run(lane: Lane, extra: list[str]) -> int:
    """The exit code of pytest; a lane that hangs is ended with everything that it started."""
    environment = os.environ | lane.environment
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser:
        environment.setdefault("CHROMIUM", browser)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--durations=5", *lane.arguments, *extra],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"No end after {LONGEST_SECONDS // 60} minutes; stopped.")
        return 1
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
