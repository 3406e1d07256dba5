"""Printed sheets against ReportLab: run sheet, sign-in sheet, call-up roster of 500 and 5,000 rows, in fresh processes.

    python bench/pdf.py            the figures
    python bench/pdf.py 500 OUT    one run sheet, as the figures time it; pdf_roster.py prints a sign-in sheet, and
                                   pdf_mobilization.py a call-up roster

Each figure is a whole process: interpreter, imports, opening the fonts, subsets, layout, file. Nothing is warm but
the operating system's file cache; stored PDFs are off, no font is cached on disk. Runs of both sides alternate; the
ratio is the median over the pairs, once by the clock and once by the seconds of the processor, which other work on
the machine does not stretch.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RUNS = {500: 7, 5000: 5}
Measured = tuple[float, float, float]
"""Seconds on the clock, seconds of the processor, peak megabytes."""


def run() -> dict[str, Any]:
    """All figures of this part."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"LINLI_BENCH_TRANSLATIONS": str(_translations(Path(folder)))}
        for name, ours, reference in (
            ("run_sheet", "pdf.py", "pdf_reference.py"),
            ("roster", "pdf_roster.py", "pdf_roster_reference.py"),
            ("mobilization", "pdf_mobilization.py", "pdf_mobilization_reference.py"),
        ):
            for rows, runs in RUNS.items():
                pairs = [
                    (
                        _process(reference, rows, folder, environment),
                        _process(ours, rows, folder, environment),
                    )
                    for _ in range(runs)
                ]
                figures |= _figures(name, rows, pairs)
                for script, label in ((ours, "kb"), (reference, "reportlab_kb")):
                    size = (Path(folder) / f"{script}-{rows}.pdf").stat().st_size
                    figures[f"{name}_{label}_{rows}"] = round(size / 1024)
    figures["growth_10x"] = round(figures["run_sheet_5000_s"] / figures["run_sheet_500_s"], 1)
    figures["growth_500_to_5000"] = round(figures["roster_5000_s"] / figures["roster_500_s"], 1)
    return figures


def _figures(name: str, rows: int, pairs: list[tuple[Measured, Measured]]) -> dict[str, float]:
    """Ratios are medians over pairs of processes that ran one after the other."""
    median = statistics.median
    return {
        f"{name}_{rows}_vs_reportlab": round(median(ours[0] / theirs[0] for theirs, ours in pairs), 2),
        f"{name}_{rows}_vs_reportlab_processor": round(
            median(ours[1] / theirs[1] for theirs, ours in pairs), 2
        ),
        f"{name}_{rows}_s": round(median(ours[0] for _, ours in pairs), 2),
        f"{name}_reportlab_{rows}_s": round(median(theirs[0] for theirs, _ in pairs), 2),
        f"{name}_peak_mb_{rows}": round(max(ours[2] for _, ours in pairs)),
        f"{name}_reportlab_peak_mb_{rows}": round(max(theirs[2] for theirs, _ in pairs)),
    }


def _process(script: str, doors: int, folder: str, environment: dict[str, str]) -> Measured:
    """Seconds on the clock, seconds of the processor and peak megabytes of one whole process."""
    target = Path(folder) / f"{script}-{doors}.pdf"
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, str(HERE / script), str(doors), str(target)], env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{script} {doors} ended with {child.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _translations(folder: Path) -> Path:
    """The Chinese catalogue, compiled as the build does it."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - the printing process does not need it
    from babel.messages.pofile import read_po  # noqa: PLC0415 - the printing process does not need it

    source = ROOT / "webapp/translations/zh_Hans/LC_MESSAGES/messages.po"
    target = folder / "translations/zh_Hans/LC_MESSAGES/messages.mo"
    target.parent.mkdir(parents=True)
    with source.open("rb") as text, target.open("wb") as compiled:
        write_mo(compiled, read_po(text, locale="zh_Hans"))
    return folder / "translations"


def printing_app() -> Any:
    """An application with our templates and words and nothing else: printing needs no more."""
    from flask import Flask  # noqa: PLC0415 - its import is part of what is measured
    from flask_babel import Babel  # noqa: PLC0415 - its import is part of what is measured
    from jinja2 import StrictUndefined  # noqa: PLC0415 - its import is part of what is measured

    app = Flask("webapp", root_path=str(ROOT / "webapp"))
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = os.environ.get("LINLI_BENCH_TRANSLATIONS", "translations")
    Babel(app)
    return app


def one(doors: int, target: str) -> None:
    """Print the run sheet of so many doors with our own code."""
    from pdf_orders import FACTS, PRINTED, run_sheet_of  # noqa: PLC0415, I001 - its import is part of what is measured
    from webapp.domain.supplies.sheets import Printing  # noqa: PLC0415 - its import is part of what is measured
    from webapp.web import pdf, qr  # noqa: PLC0415 - its import is part of what is measured

    app = printing_app()
    version, printed_at, printed_by = PRINTED
    with app.app_context():
        printed = pdf.render(
            "supplies/pdf/run_sheet.html",
            language="zh_Hans",
            sheet=run_sheet_of(doors),
            printing=Printing(version, datetime.fromisoformat(printed_at), printed_by),
            qr=qr.data_uri(FACTS.address),
        )
    Path(target).write_bytes(printed.bytes)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one(int(sys.argv[1]), sys.argv[2])
    else:
        print(json.dumps(run(), indent=2))
