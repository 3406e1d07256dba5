"""Printed sheets against ReportLab: the run sheet of 500 and of 5,000 doors, each in a fresh process.

    python bench/pdf.py            the figures
    python bench/pdf.py 500 OUT    one sheet, as the figures time it

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


def run() -> dict[str, Any]:
    """All figures of this part."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"LINLI_BENCH_TRANSLATIONS": str(_translations(Path(folder)))}
        for doors, runs in RUNS.items():
            ours, theirs, peaks, their_peaks, processor = [], [], [], [], []
            for _ in range(runs):
                seconds, used, peak = _process("pdf_reference.py", doors, folder, environment)
                theirs.append(seconds)
                their_peaks.append(peak)
                seconds, ours_used, peak = _process("pdf.py", doors, folder, environment)
                ours.append(seconds)
                peaks.append(peak)
                processor.append(ours_used / used)
            pairs = [mine / other for mine, other in zip(ours, theirs, strict=True)]
            figures[f"run_sheet_{doors}_vs_reportlab"] = round(statistics.median(pairs), 2)
            figures[f"run_sheet_{doors}_vs_reportlab_processor"] = round(statistics.median(processor), 2)
            figures[f"run_sheet_{doors}_s"] = round(statistics.median(ours), 2)
            figures[f"reportlab_{doors}_s"] = round(statistics.median(theirs), 2)
            figures[f"peak_mb_{doors}"] = round(max(peaks))
            figures[f"reportlab_peak_mb_{doors}"] = round(max(their_peaks))
            figures[f"kb_{doors}"] = round((Path(folder) / f"pdf.py-{doors}.pdf").stat().st_size / 1024)
            figures[f"reportlab_kb_{doors}"] = round(
                (Path(folder) / f"pdf_reference.py-{doors}.pdf").stat().st_size / 1024
            )
    figures["growth_10x"] = round(figures["run_sheet_5000_s"] / figures["run_sheet_500_s"], 1)
    return figures


def _process(script: str, doors: int, folder: str, environment: dict[str, str]) -> tuple[float, float, float]:
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


def one(doors: int, target: str) -> None:
    """Print the run sheet of so many doors with our own code."""
    from pdf_orders import FACTS, PRINTED, run_sheet_of  # noqa: PLC0415, I001 - its import is part of what is measured
    from flask import Flask  # noqa: PLC0415 - its import is part of what is measured
    from flask_babel import Babel  # noqa: PLC0415 - its import is part of what is measured
    from jinja2 import StrictUndefined  # noqa: PLC0415 - its import is part of what is measured
    from webapp.domain.supplies.sheets import Printing  # noqa: PLC0415 - its import is part of what is measured
    from webapp.web import pdf, qr  # noqa: PLC0415 - its import is part of what is measured

    app = Flask("webapp", root_path=str(ROOT / "webapp"))
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = os.environ.get("LINLI_BENCH_TRANSLATIONS", "translations")
    Babel(app)
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
