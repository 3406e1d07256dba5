"""The same invented sign-in sheet for both sides of the comparison, without starting the application."""

import sys
import types
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if "webapp" not in sys.modules:
    package = types.ModuleType("webapp")
    package.__path__ = [str(ROOT / "webapp")]
    sys.modules["webapp"] = package

from webapp.domain.rosters.rules import Copy, PostKind, Protection  # noqa: E402 - after the path is set
from webapp.domain.rosters.sheets import (  # noqa: E402 - after the path is set
    DutyLine,
    Facts,
    OnShift,
    Said,
    SheetPost,
    SheetShift,
    SignInSheet,
    sign_in_sheet,
)

PRINTED = (1, "2022-05-11 20:14", "张敏")
ADDRESS = "https://linli.example/rosters/sheets/0190a1b2c3d4e5f6a7b8c9/roll-call"
DAY = date(2022, 5, 12)
HOURS = (("07:00", "12:00"), ("12:00", "18:00"), ("18:00", "23:00"))
PEOPLE_A_SHIFT = 40
SURNAMES = (
    "张王李赵刘陈杨黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
)
GIVEN = ("伟", "秀英", "娜", "志强", "敏", "建国", "婷婷", "军", "洋", "晓东", "春梅")
UNITS = ("红马甲志愿服务队", "蓝天救援队", "鼎屏镇机关", "老兵志愿服务队", "")
TASKS = ("", "登记", "查验", "测温", "搬运")


def sign_in_sheet_of(count: int) -> SignInSheet:
    """The sign-in sheet of so many people, in shifts of forty."""
    shifts = []
    for number, first in enumerate(range(0, count, PEOPLE_A_SHIFT)):
        starts, ends = HOURS[number % len(HOURS)]
        people = tuple(
            OnShift(
                key=str(index),
                name=SURNAMES[index % len(SURNAMES)] + GIVEN[index * 7 % len(GIVEN)],
                pinyin=f"{index:05}",
                unit=Said(UNITS[index % len(UNITS)]),
                task=Said(TASKS[index // 3 % len(TASKS)]),
                phone=f"139{index * 7919 % 100000000:08}",
            )
            for index in range(first, min(count, first + PEOPLE_A_SHIFT))
        )
        shifts.append(SheetShift(f"s{number:04}", DAY, starts, ends, False, 0, people))
    post = SheetPost(
        key="p",
        name=Said("北门卡口"),
        place="北门岗亭",
        kind=PostKind.GATE,
        instructions="查验出入,有生命危险先开门后登记",
        protection=Protection.LEVEL_1,
        phone="0826-3220110",
        lead="欧阳建国",
        lead_phone="13912345678",
        shifts=tuple(shifts),
    )
    facts = Facts(
        copy=Copy.WORKING,
        unit_line="邻水县鼎屏镇北辰社区居民委员会",
        hotline="0826-3220013",
        place=Said("北辰社区"),
        first=DAY,
    )
    return sign_in_sheet(facts, post, leaders=(DutyLine("张国强", "0826-3220111"),))
