"""Prints a sign-in sheet with our own code: python bench/pdf_roster.py 500 OUT.pdf — one process, imports included."""

import sys
from datetime import datetime
from pathlib import Path

from pdf import printing_app


def main(count: int, target: str) -> None:
    """Print the sign-in sheet of `count` people."""
    from pdf_roster_rows import ADDRESS, PRINTED, sign_in_sheet_of  # noqa: PLC0415, I001 - its import is part of what is measured
    from webapp.domain.rosters.sheets import Printing  # noqa: PLC0415 - its import is part of what is measured
    from webapp.web import pdf, qr  # noqa: PLC0415 - its import is part of what is measured

    version, printed_at, printed_by = PRINTED
    with printing_app().app_context():
        printed = pdf.render(
            "rosters/pdf/sign_in.html",
            language="zh_Hans",
            sheet=sign_in_sheet_of(count),
            printing=Printing(version, datetime.fromisoformat(printed_at), printed_by),
            qr=qr.data_uri(ADDRESS),
        )
    Path(target).write_bytes(printed.bytes)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
