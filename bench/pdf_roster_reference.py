"""The yardstick for printed rosters: ReportLab's `LongTable` with the same rows, columns, heads, pages and QR code.

    python bench/pdf_roster_reference.py 500 OUT.pdf

A fresh process per figure: imports, the embedded TrueType (fonts-wqy-microhei) and everything else included.
"""

import sys
from pathlib import Path

import segno
from pdf_roster_rows import ADDRESS, PRINTED, sign_in_sheet_of
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, LongTable, PageTemplate, Spacer

FONT = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
HEADS = (
    "序号",
    "班次",
    "姓名",
    "单位/队伍",
    "岗位分工",
    "联系电话",
    "签到时间",
    "本人签名",
    "签退时间",
    "用餐",
    "备注",
)
WIDTHS = (10, 24, 20, 38, 26, 30, 22, 34, 22, 14, 33)
MARGIN, HEAD, FOOT, ROW, WIDTH, HEIGHT = 12, 30, 7, 11, 273, 186  # millimetres, as in webapp/web/pdf
WALK_INS = 5
PAGE = landscape(A4)


def main(count: int, target: str) -> None:
    """Print the sign-in sheet of `count` people."""
    sheet = sign_in_sheet_of(count)
    facts, post = sheet.facts, sheet.post
    pdfmetrics.registerFont(TTFont("Hei", FONT))
    matrix = segno.make(ADDRESS, micro=False, error="m").matrix

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
                    PAGE[0] / 2,
                    MARGIN * mm,
                    f"第{number}页/共{len(self.kept)}页 · 异常请打 {facts.hotline} · 含个人电话,用后交回社区,禁止拍照转发",
                )
                super().showPage()
            super().save()

    def head(canvas, _document):
        top = PAGE[1] - MARGIN * mm
        leader = sheet.leaders[0]
        canvas.setFont("Hei", 10)
        canvas.drawString(MARGIN * mm, top - 4 * mm, facts.unit_line)
        canvas.setFont("Hei", 16)
        canvas.drawString(MARGIN * mm, top - 12 * mm, f"北辰社区 {post.name.zh} 值班签到表 5月12日(周四)")
        canvas.setFont("Hei", 9)
        canvas.drawString(
            MARGIN * mm,
            top - 18 * mm,
            f"工作版 · 第{PRINTED[0]}版 · 打印时间 {PRINTED[1]} · 打印人 {PRINTED[2]}",
        )
        canvas.setFont("Hei", 10)
        canvas.drawString(
            MARGIN * mm,
            top - 27 * mm,
            f"带班 {leader.name} {leader.phone} · 岗位负责人 {post.lead} {post.lead_phone} · "
            f"{post.instructions} · 防护等级 一级",
        )
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
        ("ALIGN", (0, 0), (2, -1), "CENTER"),
        ("ALIGN", (5, 0), (9, -1), "CENTER"),
        ("LEFTPADDING", (0, 0), (-1, -1), 1),
        ("RIGHTPADDING", (0, 0), (-1, -1), 1),
    ]
    rows, heights = [HEADS], [7 * mm]
    for number, row in enumerate(sheet.rows, 1):
        if row.begins_shift:
            style.append(("LINEABOVE", (0, number), (-1, number), 2, colors.black))
        rows.append(
            (
                str(number),
                f"{row.starts}–{row.ends}",
                row.name,
                row.unit.zh,
                row.task.zh,
                row.phone,
                *[""] * 5,
            )
        )
        heights.append(ROW * mm)
    for number in range(WALK_INS):
        rows.append((str(len(sheet.rows) + number + 1), "现场加入", *[""] * 9))
        heights.append(ROW * mm)
    table = LongTable(
        rows, colWidths=[width * mm for width in WIDTHS], rowHeights=heights, repeatRows=1, style=style
    )
    closing = LongTable(
        [
            [
                f"应到 {sheet.due} 人 · 实到______人 · 盒饭______份(清真______)· 防护服______套 · 扫右上角的码补录点名。"
            ],
            [
                "交班人签字________________ · 接班人签字________________ · 时间____________ · 交接事项"
                + "_" * 32
            ],
        ],
        colWidths=[WIDTH * mm],
        rowHeights=[7.5 * mm] * 2,
        style=[("FONT", (0, 0), (-1, -1), "Hei", 10), ("LEFTPADDING", (0, 0), (-1, -1), 0)],
    )
    frame = Frame(
        MARGIN * mm,
        (MARGIN + FOOT) * mm,
        WIDTH * mm,
        (HEIGHT - HEAD - FOOT) * mm,
        leftPadding=0,
        rightPadding=0,
        topPadding=0,
        bottomPadding=0,
    )
    document = BaseDocTemplate(target, pagesize=PAGE)
    document.addPageTemplates([PageTemplate(id="sheet", frames=[frame], onPage=head)])
    document.build([table, Spacer(1, 1.5 * mm), closing], canvasmaker=Numbered)


if __name__ == "__main__":
    if not Path(FONT).exists():
        raise SystemExit(
            "The yardstick prints with WenQuanYi Micro Hei: install the package fonts-wqy-microhei."
        )
    main(int(sys.argv[1]), sys.argv[2])
