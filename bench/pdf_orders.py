"""The same invented round for both sides of the comparison, without starting the application.

Importing anything below `webapp` imports its factory and with it every feature; what a sheet costs is asked here,
so the package is entered without its own `__init__`.
"""

import sys
import types
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if "webapp" not in sys.modules:
    package = types.ModuleType("webapp")
    package.__path__ = [str(ROOT / "webapp")]
    sys.modules["webapp"] = package

from webapp.domain.supplies.sheets import Kit, KitItem, RoundFacts, RunSheet, SheetLine, SheetOrder, run_sheet  # noqa: E402 - after the path is set

DOORS_PER_BUILDING, UNITS, DOORS_PER_FLOOR = 125, 3, 4
PRINTED = (1, "2022-05-11 20:14", "张敏")
FACTS = RoundFacts(
    number=12,
    delivers_on=date(2022, 5, 12),
    window="上午",
    unit_line="邻水县鼎屏镇北辰社区居民委员会",
    hotline="0826-3220110",
    address="https://linli.example/supplies/rounds/0190a1b2c3d4e5f6a7b8c9",
)
KITS = (
    Kit(1, "A包", (KitItem("大白菜", "2.5kg", "棵", 1), KitItem("土豆", "1kg", "袋", 2))),
    Kit(2, "B包", (KitItem("大白菜", "2.5kg", "棵", 2), KitItem("猪肉", "500g", "份", 1))),
    Kit(3, "鸡蛋", (KitItem("鸡蛋", "30枚", "板", 1),)),
)
SURNAMES = (
    "张王李赵刘陈杨黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
)
DELIVERY = ("", "", "放门口", "敲重一点", "", "先打电话")


def orders(count: int) -> list[SheetOrder]:
    """So many doors, 125 to a building of three stairwells."""
    made = []
    doors = -(-DOORS_PER_BUILDING // UNITS)
    for index in range(count):
        building, inside = divmod(index, DOORS_PER_BUILDING)
        unit, door = divmod(inside, doors)
        floor, place = divmod(door, DOORS_PER_FLOOR)
        lines = [SheetLine(1 + index % 2, 1 + index % 3 // 2, no_substitute=index % 7 == 0)]
        if index % 3 == 0:
            lines.append(SheetLine(3, 1))
        number = f"{floor + 1}{place + 1:02}"
        made.append(
            SheetOrder(
                number=f"K{index:04}",
                building_name=f"{building + 1}栋",
                unit=f"{unit + 1}单元",
                floor=floor + 1,
                door=number,
                short_door=f"{building + 1}-{unit + 1}-{number}",
                surname=SURNAMES[index % len(SURNAMES)],
                phone_tail=f"{index * 37 % 10000:04}",
                lines=tuple(lines),
                delivery=DELIVERY[index % len(DELIVERY)],
            )
        )
    return made


def run_sheet_of(count: int) -> RunSheet:
    """The run sheet of so many doors."""
    return run_sheet(FACTS, KITS, orders(count))
