"""XLSX from plain rows: every cell is text, nothing is ever a formula, phones keep their digits."""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.worksheet.worksheet import Worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LINE = Side(style="thin", color="000000")
_BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
# XML knows no control characters, and a spreadsheet that carries one does not open.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
_LOOKS_LIKE_FORMULA = ("=", "+", "-", "@", "\t", "\r")
MILLIMETRES_A_CHARACTER = 1.9


@dataclass
class Page:
    """A worksheet: lines over the table, heads with widths in millimetres, rows, lines under it."""

    name: str
    above: Sequence[str]
    columns: Sequence[tuple[str, float]]
    rows: Iterable[Sequence[str]]
    below: Sequence[str] = field(default=())


def workbook(pages: Iterable[Page]) -> bytes:
    """The workbook as bytes, ready to be printed in landscape with its head on every page."""
    book = Workbook()
    book.remove(book.active)
    for page in pages:
        _fill(book.create_sheet(_NOT_IN_NAMES.sub(" ", page.name)[:31] or "1"), page)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(sheet: Worksheet, page: Page) -> None:
    at = 1
    for number, text in enumerate(page.above):
        _write(sheet.cell(at, 1), text).font = Font(bold=number == 0, size=14 if number == 0 else 10)
        at += 1
    for index, (label, width) in enumerate(page.columns, 1):
        cell = _write(sheet.cell(at, index), label)
        cell.font, cell.border = Font(bold=True), _BORDER
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        sheet.column_dimensions[cell.column_letter].width = width / MILLIMETRES_A_CHARACTER
    head = at
    for row in page.rows:
        at += 1
        for index, text in enumerate(row, 1):
            cell = _write(sheet.cell(at, index), text)
            cell.border, cell.alignment = _BORDER, Alignment(vertical="center", wrap_text=True)
    for text in page.below:
        at += 1
        _write(sheet.cell(at, 1), text)
    sheet.freeze_panes = sheet.cell(head + 1, 1)
    sheet.print_title_rows = f"{head}:{head}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _write(cell: Cell, text: str) -> Cell:
    """Write text and nothing else: what looks like a formula or a number stays the text that it is."""
    cell.value = _UNPRINTABLE.sub("", str(text))
    cell.data_type = "s"
    cell.number_format = "@"
    if cell.value.startswith(_LOOKS_LIKE_FORMULA):
        cell.quotePrefix = True  # also for the program that the workbook is saved from
    return cell
