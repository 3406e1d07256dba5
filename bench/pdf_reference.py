"""The yardstick for printed sheets: ReportLab's `LongTable` with the same rows, columns, heads, pages and QR code.

    python bench/pdf_reference.py 500 OUT.pdf

A fresh process per figure: imports, the embedded TrueType (fonts-wqy-microhei) and everything else included.
"""

import sys
from pathlib import Path

import segno
from pdf_orders import PRINTED, run_sheet_of
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    LongTable,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Spacer,
)

FONT = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
HEADS = ("序", "楼层", "房号", "收货人", "尾号", "品名×数量", "件数", "送法", "结果(勾一项)", "昨日还在")
WIDTHS = (8, 10, 16, 16, 14, 38, 10, 26, 32, 16)
MARGIN, TOP, HEAD, FOOT, ROW, BAND = 12, 12, 30, 7, 8, 7  # millimetres, as in webapp/web/pdf


def main(count: int, target: str) -> None:
    """Print the run sheet of `count` doors."""
    sheet = run_sheet_of(count)
    facts = sheet.facts
    pdfmetrics.registerFont(TTFont("Hei", FONT))
    matrix = segno.make(facts.address, micro=False, error="m").matrix

    class Numbered(Canvas):
        """A canvas that writes page x of y, in the building and over all, once all pages are known."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.kept = []
            self.beginForm("qr")
            module = 20 * mm / len(matrix)
            for line, row in enumerate(matrix):
                for place, dark in enumerate(row):
                    if dark:
                        self.rect(
                            place * module,
                            (len(matrix) - line - 1) * module,
                            module,
                            module,
                            stroke=0,
                            fill=1,
                        )
            self.endForm()

        def showPage(self):  # noqa: N802 - ReportLab calls it so
            self.kept.append(dict(self.__dict__))
            self._startPage()

        def save(self):
            buildings = [state["building"] for state in self.kept]
            for number, state in enumerate(self.kept, 1):
                self.__dict__.update(state)
                building = state["building"]
                inside = number - buildings.index(building)
                self.setFont("Hei", 9)
                self.drawCentredString(
                    A4[0] / 2,
                    MARGIN * mm,
                    f"第{inside}页/共{buildings.count(building)}页 · 全套{number}/{len(buildings)} · 异常请打 {facts.hotline}",
                )
                super().showPage()
            super().save()

    def head_of(building):
        def draw(canvas, _document):
            canvas.building = building.name
            top = A4[1] - TOP * mm
            canvas.setFont("Hei", 10)
            canvas.drawString(MARGIN * mm, top - 4 * mm, facts.unit_line)
            canvas.setFont("Hei", 16)
            title = f"第{facts.number}轮 配送单 · {building.name} · 5月12日{facts.window}"
            canvas.drawString(MARGIN * mm, top - 12 * mm, title)
            canvas.setFont("Hei", 9)
            canvas.drawString(
                MARGIN * mm, top - 18 * mm, f"第{PRINTED[0]}版 · 打印时间 {PRINTED[1]} · 打印人 {PRINTED[2]}"
            )
            canvas.setFont("Hei", 10)
            canvas.drawString(
                MARGIN * mm,
                top - 27 * mm,
                f"配送员____________ · 出发时间________ · {building.households}户/{building.pieces}件 · "
                f"调度电话 {facts.hotline} · 走法:从上往下 / 电梯",
            )
            canvas.saveState()
            canvas.translate(A4[0] - (MARGIN + 20) * mm, top - 20 * mm)
            canvas.doForm("qr")
            canvas.restoreState()

        return draw

    story = []
    templates = []
    for building in sheet.buildings:
        rows, heights = [HEADS], [7 * mm]
        style = [
            ("FONT", (0, 0), (-1, -1), "Hei", 10),
            ("FONT", (0, 0), (-1, 0), "Hei", 9),
            ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
            ("BOX", (0, 0), (-1, -1), 2, colors.black),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("ALIGN", (0, 0), (4, -1), "CENTER"),
            ("ALIGN", (6, 0), (6, -1), "CENTER"),
            ("ALIGN", (8, 0), (9, -1), "CENTER"),
            ("LEFTPADDING", (0, 0), (-1, -1), 1),
            ("RIGHTPADDING", (0, 0), (-1, -1), 1),
        ]
        for unit in building.units:
            style += [
                ("SPAN", (0, len(rows)), (-1, len(rows))),
                ("ALIGN", (0, len(rows)), (0, len(rows)), "LEFT"),
            ]
            rows.append((f"{unit.name} · {unit.households}户 · {unit.pieces}件", *[""] * 9))
            heights.append(BAND * mm)
            for stop in unit.stops:
                if stop.begins_floor:
                    style.append(("LINEABOVE", (0, len(rows)), (-1, len(rows)), 2, colors.black))
                rows.append(
                    (
                        str(stop.position),
                        f"{stop.floor}楼",
                        stop.door,
                        f"{stop.surname}*",
                        stop.phone_tail,
                        " ".join(f"{item.name}×{item.count}" for item in stop.goods),
                        str(stop.pieces),
                        stop.delivery,
                        "□交 □放 □没 □拒",
                        "□",  # Micro Hei has no ☐; ours draws the same square for it
                    )
                )
                heights.append(ROW * mm)
        table = LongTable(
            rows, colWidths=[width * mm for width in WIDTHS], rowHeights=heights, repeatRows=1, style=style
        )
        closing = LongTable(
            [
                [f"敲门没有动静的独居户:房号____________,马上打 {facts.hotline}"],
                ["余货______件 · 配送员签字________________ · 回收人签字________________"],
                ["扫码补录:全部送到,除了____________________________________"],
            ],
            colWidths=[186 * mm],
            rowHeights=[8 * mm] * 3,
            style=[("FONT", (0, 0), (-1, -1), "Hei", 10), ("LEFTPADDING", (0, 0), (-1, -1), 0)],
        )
        frame = Frame(
            MARGIN * mm,
            (MARGIN + FOOT) * mm,
            186 * mm,
            (273 - HEAD - FOOT) * mm,
            leftPadding=0,
            rightPadding=0,
            topPadding=0,
            bottomPadding=0,
        )
        templates.append(PageTemplate(id=building.name, frames=[frame], onPage=head_of(building)))
        if story:
            story += [NextPageTemplate(building.name), PageBreak()]
        story += [table, Spacer(1, 2 * mm), closing]
    document = BaseDocTemplate(target, pagesize=A4)
    document.addPageTemplates(templates)
    document.build(story, canvasmaker=Numbered)


if __name__ == "__main__":
    if not Path(FONT).exists():
        raise SystemExit(
            "The yardstick prints with WenQuanYi Micro Hei: install the package fonts-wqy-microhei."
        )
    main(int(sys.argv[1]), sys.argv[2])
