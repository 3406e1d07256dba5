"""A ruled landscape sheet by ReportLab's `LongTable`: repeated heads, page x of y, an embedded TrueType, a QR code.

What both yardsticks of landscape sheets are drawn with; each runs in a fresh process, imports and font included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import segno
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, LongTable, PageTemplate, Spacer

FONT = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
MARGIN, FOOT, ROW, WIDTH, HEIGHT = 12, 7, 11, 273, 186  # millimetres, as in webapp/web/pdf
PAGE = landscape(A4)


@dataclass(frozen=True)
class Drawing:
    """What is drawn. `facts` are lines below the title, `above` is the height of the head; `thick` are numbers of
    rows over which a thick line stands, `centred` pairs of first and last columns whose text is centred.
    """

    address: str
    unit_line: str
    title: str
    made: str
    facts: Sequence[str]
    foot: str
    above: float
    heads: Sequence[str]
    widths: Sequence[float]
    rows: Sequence[Sequence[str]]
    thick: Sequence[int]
    centred: Sequence[tuple[int, int]]
    closing: Sequence[str]


def draw(drawing: Drawing, target: str) -> None:
    """Write the PDF."""
    if not Path(FONT).exists():
        raise SystemExit(
            "The yardstick prints with WenQuanYi Micro Hei: install the package fonts-wqy-microhei."
        )
    pdfmetrics.registerFont(TTFont("Hei", FONT))
    matrix = segno.make(drawing.address, micro=False, error="m").matrix

    class Numbered(Canvas):
        """A canvas that writes page x of y once all pages are known."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.kept = []
            self.beginForm("qr")
            module = 20 * mm / len(matrix)
            for line, row in enumerate(matrix):
                for place, dark in enumerate(row):
                    if dark:
                        left, down = place * module, (len(matrix) - line - 1) * module
                        self.rect(left, down, module, module, stroke=0, fill=1)
            self.endForm()

        def showPage(self):  # noqa: N802 - ReportLab calls it so
            self.kept.append(dict(self.__dict__))
            self._startPage()

        def save(self):
            for number, state in enumerate(self.kept, 1):
                self.__dict__.update(state)
                self.setFont("Hei", 9)
                self.drawCentredString(
                    PAGE[0] / 2, MARGIN * mm, f"第{number}页/共{len(self.kept)}页 · {drawing.foot}"
                )
                super().showPage()
            super().save()

    def head(canvas, _document):
        top = PAGE[1] - MARGIN * mm
        canvas.setFont("Hei", 10)
        canvas.drawString(MARGIN * mm, top - 4 * mm, drawing.unit_line)
        canvas.setFont("Hei", 16)
        canvas.drawString(MARGIN * mm, top - 12 * mm, drawing.title)
        canvas.setFont("Hei", 9)
        canvas.drawString(MARGIN * mm, top - 18 * mm, drawing.made)
        canvas.setFont("Hei", 10)
        for number, line in enumerate(drawing.facts):
            canvas.drawString(MARGIN * mm, top - (27 + 6 * number) * mm, line)
        canvas.saveState()
        canvas.translate(PAGE[0] - (MARGIN + 20) * mm, top - 20 * mm)
        canvas.doForm("qr")
        canvas.restoreState()

    style = [
        ("FONT", (0, 0), (-1, -1), "Hei", 10),
        ("FONT", (0, 0), (-1, 0), "Hei", 9),
        ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("BOX", (0, 0), (-1, -1), 2, colors.black),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        *(("ALIGN", (first, 0), (last, -1), "CENTER") for first, last in drawing.centred),
        ("LEFTPADDING", (0, 0), (-1, -1), 1),
        ("RIGHTPADDING", (0, 0), (-1, -1), 1),
        *(("LINEABOVE", (0, number), (-1, number), 2, colors.black) for number in drawing.thick),
    ]
    table = LongTable(
        [tuple(drawing.heads), *map(tuple, drawing.rows)],
        colWidths=[width * mm for width in drawing.widths],
        rowHeights=[7 * mm, *[ROW * mm] * len(drawing.rows)],
        repeatRows=1,
        style=style,
    )
    closing = LongTable(
        [[line] for line in drawing.closing],
        colWidths=[WIDTH * mm],
        rowHeights=[7.5 * mm] * len(drawing.closing),
        style=[("FONT", (0, 0), (-1, -1), "Hei", 10), ("LEFTPADDING", (0, 0), (-1, -1), 0)],
    )
    frame = Frame(
        MARGIN * mm,
        (MARGIN + FOOT) * mm,
        WIDTH * mm,
        (HEIGHT - drawing.above - FOOT) * mm,
        leftPadding=0,
        rightPadding=0,
        topPadding=0,
        bottomPadding=0,
    )
    document = BaseDocTemplate(target, pagesize=PAGE)
    document.addPageTemplates([PageTemplate(id="sheet", frames=[frame], onPage=head)])
    document.build([table, Spacer(1, 1.5 * mm), closing], canvasmaker=Numbered)
