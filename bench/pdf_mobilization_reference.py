"""The yardstick for call-up rosters: ReportLab's `LongTable` with the same rows, columns, heads, pages and QR code.

python bench/pdf_mobilization_reference.py 500 OUT.pdf
"""

import sys

from pdf_mobilization_rows import ADDRESS, PRINTED, roster_of
from pdf_table_reference import Drawing, draw

HEADS = (
    "序号",
    "姓名",
    "单位/队伍",
    "任务角色",
    "联系电话",
    "应答",
    "预计到达",
    "实到时间",
    "本人签名",
    "编入岗位/组长",
    "离开时间",
)
WIDTHS = (10, 20, 40, 26, 30, 18, 20, 20, 34, 34, 21)
WALK_INS = 5


def main(count: int, target: str) -> None:
    """Print the roster of `count` people."""
    sheet = roster_of(count)
    facts = sheet.facts
    rows = []
    for number, row in enumerate(sheet.rows, 1):
        person = row.person
        rows.append(
            (
                str(number),
                person.name,
                person.team.zh,
                person.role,
                person.phone,
                f"{person.answered_at:%H:%M}",
                f"{person.eta_at:%H:%M}",
                f"{person.arrived_at:%H:%M}" if person.arrived_at else "",
                "",
                person.assigned_to,
                "",
            )
        )
    rows += [(str(len(sheet.rows) + number + 1), "现场加入", *[""] * 9) for number in range(WALK_INS)]
    draw(
        Drawing(
            address=ADDRESS,
            unit_line=facts.unit_line,
            title="北辰社区应急队伍召集花名册(集结点名签到表)",
            made=f"工作版 · 第{PRINTED[0]}版 · 打印时间 {PRINTED[1]} · 打印人 {PRINTED[2]}",
            facts=[
                f"召集编号 {facts.number} · 事由 {facts.title} · 召集人 {facts.caller} {facts.phone}",
                (
                    f"集结时间 5月12日(周四) {facts.starts_at:%H:%M} · 集结点 {facts.point}({facts.landmark}) · "
                    f"带 {facts.bring} · 轮班之间可以回家 · 住 {facts.sleeps} · 吃 {facts.eats}"
                ),
            ],
            foot=f"异常请打 {facts.hotline} · 含个人信息,仅限本次点名使用,用后交回社区,禁止拍照转发",
            above=36,
            heads=HEADS,
            widths=WIDTHS,
            rows=rows,
            thick=[number for number, row in enumerate(sheet.rows, 1) if row.begins_role],
            centred=[(0, 1), (4, 8), (10, 10)],
            closing=[
                f"应到 {sheet.due} 人 · 实到______人 · 未到______人 · 到位率______%(截至____时____分) · 扫右上角的码补录点名。",
                "点名人签字________________ · 带队负责人签字________________",
                "含个人信息,仅限本次点名使用,用后交回社区,禁止拍照转发",
            ],
        ),
        target,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
