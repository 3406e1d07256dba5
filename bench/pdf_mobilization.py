"""Prints a call-up roster with our own code: python bench/pdf_mobilization.py 500 OUT.pdf — one process, imports included."""

import sys
from datetime import datetime
from pathlib import Path

from pdf import printing_app


def main(count: int, target: str) -> None:
    """Print the roster of `count` people."""
    from pdf_mobilization_rows import ADDRESS, PRINTED, roster_of  # noqa: PLC0415, I001 - its import is part of what is measured
    from webapp.domain.rosters.sheets import Printing  # noqa: PLC0415 - its import is part of what is measured
    from webapp.web import pdf, qr  # noqa: PLC0415 - its import is part of what is measured

    version, printed_at, printed_by = PRINTED
    with printing_app().app_context():
        printed = pdf.render(
            "mobilization/pdf/roster.html",
            language="zh_Hans",
            sheet=roster_of(count),
            printing=Printing(version, datetime.fromisoformat(printed_at), printed_by),
            qr=qr.data_uri(ADDRESS),
        )
    Path(target).write_bytes(printed.bytes)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
