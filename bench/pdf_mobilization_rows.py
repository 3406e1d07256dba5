"""The same invented call-up roster for both sides of the comparison, without starting the application."""

from datetime import datetime, timedelta

from pdf_roster_rows import GIVEN, SURNAMES, UNITS

from webapp.domain.mobilization.rules import AnswerSource, SheetCopy, Stay
from webapp.domain.mobilization.sheets import CallUpFacts, Expected, RosterSheet, roster_sheet
from webapp.domain.rosters.sheets import Said

PRINTED = (1, "2022-05-12 20:58", "张敏")
ADDRESS = "https://linli.example/mobilization/sheets/0190a1b2c3d4e5f6a7b8c9/muster"
MUSTER = datetime(2022, 5, 12, 21, 30)  # noqa: DTZ001 - the county's clock, as sheets have it
ROLES = ("带队", "搬运", "登记", "采样", "维持秩序", "驾驶")


def roster_of(count: int, *, copy: SheetCopy = SheetCopy.WORKING, is_drill: bool = False) -> RosterSheet:
    """The roster of so many people in six roles; every seventh is there already, every tenth is led by somebody."""
    facts = CallUpFacts(
        copy=copy,
        unit_line="邻水县鼎屏镇北辰社区居民委员会",
        hotline="0826-3220013",
        place=Said("北辰社区", "Beichen Community"),
        number="Z20220512-01",
        title="夜间转运物资,北门分装",
        caller="张国强",
        phone="0826-3220111",
        starts_at=MUSTER,
        ends_at=MUSTER + timedelta(hours=6),
        point="北门岗亭",
        landmark="菜鸟驿站旁,红色帐篷",
        bring="身份证、雨衣、水杯",
        stay=Stay.BETWEEN,
        sleeps="社区活动室",
        eats="食堂 22:30",
        is_drill=is_drill,
    )
    people = []
    for index in range(count):
        role = index % len(ROLES)
        people.append(
            Expected(
                key=str(index),
                place=role + 1,
                role=ROLES[role],
                team=Said(UNITS[index % len(UNITS)]),
                name=SURNAMES[index % len(SURNAMES)] + GIVEN[index * 7 % len(GIVEN)],
                pinyin=f"{index:05}",
                phone=f"139{index * 7919 % 100000000:08}",
                answered_at=MUSTER - timedelta(minutes=47 - index % 30),
                answered_by=AnswerSource.SMS,
                eta_at=MUSTER - timedelta(minutes=index % 25),
                arrived_at=MUSTER - timedelta(minutes=5) if index % 7 == 3 else None,
                assigned_to="一组 / 李志强" if index % 10 == 4 else "",
            )
        )
    return roster_sheet(facts, people)
