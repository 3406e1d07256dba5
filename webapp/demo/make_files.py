"""Write the demo's area, household, staff, volunteer and reserve files anew: `python -m webapp.demo.make_files`.

They are what an office would send: UTF-8 with BOM, Chinese heads, several phones in a cell.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from random import Random

from webapp.demo.community import COMMUNITY_CODE, COMPOUNDS, SEED, Family, families
from webapp.demo.names import invented_name
from webapp.demo.reserve_list import RESERVE_HEADS, reserve_rows
from webapp.demo.volunteer_list import VOLUNTEER_HEADS, volunteer_rows

FOLDER = Path(__file__).parent
AREAS = FOLDER / "areas_beichen.csv"
HOUSEHOLDS = FOLDER / "households_beichen.csv"
AREA_HEADS = ("代码", "名称", "级别", "上级代码", "英文名称", "单位名称", "服务热线", "楼栋称呼")
STAFF = FOLDER / "staff_beichen.csv"
VOLUNTEERS = FOLDER / "volunteers_beichen.csv"
RESERVE = FOLDER / "reserve_dingping.csv"
STAFF_HEADS = ("phone", "name", "role", "area_code")
HOUSEHOLD_HEADS = ("网格", "小区", "楼栋", "单元", "楼层", "房号", "户", "姓名", "电话", "送法")
# No local number begins with 0, so these reach nobody; 0826 is Guang'an's area code.
COUNTY_HOTLINE = "0826-0000000"
TOWN_HOTLINE = "0826-0000100"
COMMUNITY_HOTLINE = "0826-0000113"


def area_rows() -> Iterator[tuple[str, ...]]:
    """The county, town and community with what people read of them, then grids, compounds and buildings."""
    yield "511623000000", "邻水县", "县", "511600000000", "Linshui County", "", COUNTY_HOTLINE, "栋"
    yield (
        "511623100000",
        "鼎屏镇",
        "镇",
        "511623000000",
        "Dingping Town",
        "邻水县鼎屏镇人民政府",
        TOWN_HOTLINE,
        "",
    )
    office = "邻水县鼎屏镇北辰社区居民委员会"
    name = "北辰社区居委会"
    yield COMMUNITY_CODE, name, "社区", "511623100000", "Beichen Community", office, COMMUNITY_HOTLINE, ""
    grids = list(dict.fromkeys(compound.grid for compound in COMPOUNDS))
    for number, grid in enumerate(grids, 1):
        yield grid_code(grid), grid, "网格", COMMUNITY_CODE, f"Grid {number}", "", "", ""
    for compound in COMPOUNDS:
        code = compound_code(compound.name)
        yield code, compound.name, "小区", grid_code(compound.grid), compound.name_en, "", "", ""
        for building in range(1, len(compound.buildings) + 1):
            yield building_code(compound.name, building), f"{building}栋", "楼栋", code, "", "", "", ""


def grid_code(grid: str) -> str:
    """The office's own code of a grid."""
    grids = list(dict.fromkeys(compound.grid for compound in COMPOUNDS))
    return f"{COMMUNITY_CODE}-{grids.index(grid) + 1}"


def compound_code(name: str) -> str:
    """The office's own code of a compound, below its grid's."""
    number, compound = next(each for each in enumerate(COMPOUNDS, 1) if each[1].name == name)
    return f"{grid_code(compound.grid)}-{number:02d}"


def building_code(compound: str, building: int) -> str:
    """The office's own code of a building, below its compound's."""
    return f"{compound_code(compound)}-{building:02d}"


def household_rows() -> Iterator[tuple[str, ...]]:
    """One row for each member; those of one household stand together."""
    for family in families():
        for member in family.members:
            yield (*_door(family), member.name, "、".join(member.phones), family.note)


# The building lead of the story stands among STAFF_TOLD; every other building has one too.
LED_IN_THE_STORY = ("北辰花园", 3)
STAFF_TOLD = (
    ("15400000001", "王志远", "county_dispatcher", "511623000000"),
    ("15400000002", "林晓东", "administrator", "511623000000"),
    ("15400000003", "赵光辉", "town_dispatcher", "511623100000"),
    ("15400000004", "李春梅", "community_head", COMMUNITY_CODE),
    ("15400000005", "何勇", "grid_worker", f"{COMMUNITY_CODE}-1"),
    ("15400000006", "唐海燕", "grid_worker", f"{COMMUNITY_CODE}-2"),
    ("15400000007", "冯斌", "grid_worker", f"{COMMUNITY_CODE}-3"),
    ("15400000008", "邓小琼", "grid_worker", f"{COMMUNITY_CODE}-4"),
)


def staff_rows() -> Iterator[tuple[str, ...]]:
    """Who works for the county, the town, the community, its grids and its buildings."""
    yield from STAFF_TOLD
    yield "15400000009", "罗素珍", "building_lead", building_code(*LED_IN_THE_STORY)
    random = Random(SEED)  # noqa: S311 - the same names each time
    serial = count(15400000201)
    for compound in COMPOUNDS:
        for building in range(1, len(compound.buildings) + 1):
            if (compound.name, building) != LED_IN_THE_STORY:
                name = invented_name(random, random.choice(("old", "grown")))
                yield str(next(serial)), name, "building_lead", building_code(compound.name, building)


def _door(family: Family) -> tuple[str, ...]:
    compound = family.compound
    unit = f"{family.unit}单元"
    return (
        compound.grid,
        compound.name,
        f"{family.building}栋",
        unit,
        str(family.floor),
        family.number,
        str(family.split),
    )


def write(path: Path, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """One file."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        writer.writerows(rows)


if __name__ == "__main__":
    write(AREAS, AREA_HEADS, area_rows())
    write(HOUSEHOLDS, HOUSEHOLD_HEADS, household_rows())
    write(STAFF, STAFF_HEADS, staff_rows())
    write(VOLUNTEERS, VOLUNTEER_HEADS, volunteer_rows())
    write(RESERVE, RESERVE_HEADS, reserve_rows())
