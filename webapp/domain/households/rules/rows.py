"""How a row of a household list is understood: place, door, people with their phones, how to deliver."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from webapp.base.errors import RuleBroken
from webapp.domain.households.rules import NAME_LENGTH
from webapp.domain.households.rules.doors import read_door
from webapp.domain.people.rules import clean_name, read_phones

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "grid": ("网格", "所属网格", "网格名称"),
    "compound": ("小区", "院落", "小区名称", "小区院落", "院子"),
    "building": ("楼栋", "栋", "幢", "号楼", "楼号", "栋号", "幢号", "楼栋号", "楼栋名称", "楼幢"),
    "unit": ("单元", "单元号", "梯", "门洞", "stairwell"),
    "floor": ("楼层", "层", "所在楼层"),
    "door": (
        "门牌",
        "门牌号",
        "房号",
        "室",
        "室号",
        "房间号",
        "房间",
        "门号",
        "地址",
        "住址",
        "住房",
        "room",
        "address",
    ),
    "household": ("户", "分户", "户别", "第几户", "split"),
    "name": ("姓名", "住户", "户主", "成员", "住户姓名", "居民姓名", "人员", "家庭成员", "names", "member"),
    "phone": ("电话", "手机", "手机号", "手机号码", "联系电话", "电话号码", "联系方式", "phones", "mobile"),
    "note": ("送法", "送货备注", "送菜备注", "配送备注", "delivery_note"),
}
REQUIRED = (("building", "door"),)
MEMBERS_IN_A_CELL = 20
_PARTS = re.compile(r"[、,，;；/／|｜\n\r]+")
_REMARK = re.compile(r"[(（\[【][^)）\]】]*[)）\]】]?")
_EMPTY_HOME = frozenset({"无", "空", "空户", "空房", "空置", "无人", "-", "/"})


@dataclass(frozen=True)
class ReadPerson:
    """A person of a row with the phone numbers that may be theirs."""

    name: str
    phones: tuple[str, ...]


@dataclass(frozen=True)
class ReadRow:
    """A row as it was understood. Without `number` it tells of a building or more, without people of a door."""

    grid: str
    compound: str
    building: str
    unit: str
    floor: int | None
    number: str
    split_no: int
    people: tuple[ReadPerson, ...]
    note: str


def read_row(cells: Mapping[str, str]) -> ReadRow:
    """Understand one row; raises RuleBroken with the column and the code of what was not understood."""

    def cell(name: str) -> str:
        return cells.get(name, "")

    door = read_door(
        cell("door"),
        building=cell("building"),
        unit=cell("unit"),
        floor=cell("floor"),
        compound=cell("compound"),
    )
    people = _read_people(cell("name"), cell("phone"))
    if not door.building and (door.number or people):
        raise RuleBroken("building_missing", field="building" if "building" in cells else "door")
    if people and not door.number:
        raise RuleBroken("door_missing", field="door")
    if not any((cell("grid"), door.compound, door.building)):
        raise RuleBroken("building_missing", field="building" if "building" in cells else "door")
    for name, maximum in (("grid", 80), ("compound", 80), ("building", 80), ("note", 60)):
        if len(cell(name)) > maximum:
            raise RuleBroken("text_too_long", field=name, maximum=maximum)
    return ReadRow(
        grid=cell("grid"),
        compound=door.compound,
        building=door.building,
        unit=door.unit,
        floor=door.floor,
        number=door.number,
        split_no=_read_split(cell("household")),
        people=people,
        note=cell("note"),
    )


def _read_split(text: str) -> int:
    plain = text.removeprefix("第").removesuffix("户") or "1"
    if not re.fullmatch(r"[1-9]", plain):
        raise RuleBroken("split_unclear", field="household", text=text)
    return int(plain)


def _read_people(names: str, phones: str) -> tuple[ReadPerson, ...]:
    read = [clean_name(part) for part in _PARTS.split(_REMARK.sub("", names))]
    found = list(dict.fromkeys(name for name in read if name and name not in _EMPTY_HOME))
    if len(found) > MEMBERS_IN_A_CELL:
        raise RuleBroken("name_unclear", field="name", text=names[:40])
    for name in found:
        if len(name) > NAME_LENGTH or re.search(r"[\d?？�=<>]", name) or not name.isprintable():
            raise RuleBroken("name_unclear", field="name", text=name)
    numbers = read_phones(phones)
    if not found:
        if numbers:
            raise RuleBroken("name_missing", field="name")
        return ()
    if len(numbers) == len(found):
        return tuple(ReadPerson(name, (number,)) for name, number in zip(found, numbers, strict=True))
    # Nobody can tell whose they are: they stay with the first, whom one calls about the household.
    return (ReadPerson(found[0], numbers), *(ReadPerson(name, ()) for name in found[1:]))
