"""`python -m bench [PART …]`: measure, print a table with goals, write bench/results.json part by part.

Never fails on a figure; fails when what it measures is wrong (a page signed out, an order refused).
"""

import importlib
import sys
import time

from bench import report

PARTS = ("pages", "orders", "pdf", "bytes", "peers")


def main() -> None:
    """Run the parts that are named, all without a name."""
    names = sys.argv[1:] or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise SystemExit(f"No such part: {', '.join(unknown)}. There are: {', '.join(PARTS)}.")
    tables = []
    for name in names:
        part = importlib.import_module(f"bench.{name}")
        report.say(f"{name} …")
        began = time.perf_counter()
        figures = part.run()
        figures["part_seconds"] = time.perf_counter() - began
        figures["loop_seconds"] = report.loop()
        report.write(name, figures)
        tables.append(report.table(name, figures))
    print("\n\n".join(tables))


if __name__ == "__main__":
    main()
