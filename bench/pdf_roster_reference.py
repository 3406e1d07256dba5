"""The yardstick for printed rosters: ReportLab's `LongTable` with the same rows, columns, heads, pages and QR code.

    python bench/pdf_roster_reference.py 500 OUT.pdf

A fresh process per figure: imports, the embedded TrueType (fonts-wqy-microhei) and everything else included.
"""

import sys

from pdf_roster_rows import ADDRESS, PRINTED, sign_in_sheet_of
from pdf_table_reference import Drawing, draw

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
WALK_INS = 5


def main(count: int, target: str) -> None:
    """Print the sign-in sheet of `count` people."""
    sheet = sign_in_sheet_of(count)
    facts, post, leader = sheet.facts, sheet.post, sheet.leaders[0]
    rows = [
        (str(number), f"{row.starts}–{row.ends}", row.name, row.unit.zh, row.task.zh, row.phone, *[""] * 5)
        for number, row in enumerate(sheet.rows, 1)
    ]
    rows += [(str(len(sheet.rows) + number + 1), "现场加入", *[""] * 9) for number in range(WALK_INS)]
    draw(
        Drawing(
            address=ADDRESS,
            unit_line=facts.unit_line,
            title=f"北辰社区 {post.name.zh} 值班签到表 5月12日(周四)",
            made=f"工作版 · 第{PRINTED[0]}版 · 打印时间 {PRINTED[1]} · 打印人 {PRINTED[2]}",
            facts=[
                (
                    f"带班 {leader.name} {leader.phone} · 岗位负责人 {post.lead} {post.lead_phone} · "
                    f"{post.instructions} · 防护等级 一级"
                )
            ],
            foot=f"异常请打 {facts.hotline} · 含个人电话,用后交回社区,禁止拍照转发",
            above=30,
            heads=HEADS,
            widths=WIDTHS,
            rows=rows,
            thick=[number for number, row in enumerate(sheet.rows, 1) if row.begins_shift],
            centred=[(0, 2), (5, 9)],
            closing=[
                f"应到 {sheet.due} 人 · 实到______人 · 盒饭______份(清真______)· 防护服______套 · 扫右上角的码补录点名。",
                "交班人签字________________ · 接班人签字________________ · 时间____________ · 交接事项"
                + "_" * 32,
            ],
        ),
        target,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
