"""`python -m bench [PART …]`: measure, print a table with goals, write bench/results.json part by part.

Never fails on a figure; fails when what it measures is wrong (a page signed out, an order refused).
"""

import importlib
import sys
import time

from bench import report

PARTS = ("pages", "shifts", "orders", "pdf", "solver", "waves", "mobilize", "bytes", "peers")


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
        # Some parts only fill another one: a volunteer's pages are pages.
        whole = getattr(part, "PART_OF", name)
        prefix = "" if whole == name else f"{name}_"
        figures[f"{prefix}part_seconds"] = time.perf_counter() - began
        figures[f"{prefix}loop_seconds"] = report.loop()
        report.write(whole, figures)
        tables.append(report.table(whole, figures))
    print("\n\n".join(tables))


if __name__ == "__main__":
    main()
