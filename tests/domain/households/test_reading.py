"""Doors and rows as lists write them."""

import pytest

from webapp.base.errors import RuleBroken
from webapp.domain.areas.rules import building_key
from webapp.domain.households import rules
from webapp.domain.households.rules.doors import floor_of, read_door, read_floor, read_unit
from webapp.domain.households.rules.rows import read_row


@pytest.mark.parametrize(
    ("text", "beside", "building", "unit", "floor", "number"),
    [
        ("3-2-501", {}, "3", "2", 5, "501"),
        ("３－２－５０１", {}, "3", "2", 5, "501"),
        ("3—2—501", {}, "3", "2", 5, "501"),
        ("3/2/501", {}, "3", "2", 5, "501"),
        ("3-2-0501", {}, "3", "2", 5, "501"),
        ("3-2-1203", {}, "3", "2", 12, "1203"),
        ("3栋2单元501", {}, "3", "2", 5, "501"),
        ("3 栋 2 单元 501 号", {}, "3", "2", 5, "501"),
        ("三栋二单元五〇一", {}, "3", "2", 5, "501"),
        ("三栋二单元五零一室", {}, "3", "2", 5, "501"),
        ("十二栋一单元302", {}, "12", "1", 3, "302"),
        ("三号楼", {}, "3", "", None, ""),
        ("3幢", {}, "3", "", None, ""),
        ("3号楼2门501", {}, "3", "2", 5, "501"),
        ("3#2-501", {}, "3", "2", 5, "501"),
        ("3栋501", {}, "3", "", 5, "501"),
        ("3-501", {}, "3", "", 5, "501"),
        ("A栋1203", {}, "a", "", 12, "1203"),
        ("3楼501", {}, "3", "", 5, "501"),
        ("3楼2单元501", {}, "3", "2", 5, "501"),
        ("2单元5楼501", {"building": "3"}, "3", "2", 5, "501"),
        ("2-501", {"building": "3"}, "3", "2", 5, "501"),
        ("501", {"building": "3栋", "unit": "2"}, "3", "2", 5, "501"),
        ("501", {"building": "三号楼", "unit": "二单元"}, "3", "2", 5, "501"),
        ("501A", {"building": "3"}, "3", "", 5, "501A"),
        ("", {"building": "3栋2单元"}, "3", "2", None, ""),
        ("501", {"building": "3", "floor": "6"}, "3", "", 6, "501"),
        ("负101", {"building": "3"}, "3", "", -1, "-101"),
        ("门面3", {"building": "3"}, "3", "", None, "门面3"),
        # Flats counted on each floor, as in Sichuan.
        ("3-2-5-1", {}, "3", "2", 5, "5-1"),
        ("5-1", {"building": "3", "unit": "2"}, "3", "2", 5, "5-1"),
        ("3栋2单元5楼1号", {}, "3", "2", 5, "5-1"),
        ("1", {"building": "3", "floor": "五楼"}, "3", "", 5, "5-1"),
        ("201", {"building": "综合楼"}, "综合楼", "", 2, "201"),
    ],
)
def test_doors(text, beside, building, unit, floor, number) -> None:
    read = read_door(text, **beside)
    assert (building_key(read.building), read.unit, read.floor, read.number) == (
        building,
        unit,
        floor,
        number,
    )


@pytest.mark.parametrize(
    ("text", "beside", "compound"),
    [
        ("北辰花园3栋2单元501", {}, "北辰花园"),
        ("", {"building": "百合苑3栋"}, "百合苑"),
        ("3-2-501", {"compound": "书香苑"}, "书香苑"),
    ],
)
def test_a_compound_in_front_of_the_building_is_found(text, beside, compound) -> None:
    read = read_door(text, **beside)
    assert (read.compound, building_key(read.building)) == (compound, "3")


@pytest.mark.parametrize(
    ("text", "beside", "code", "field"),
    [
        ("门卫", {"building": "3"}, "door_unclear", "door"),
        ("哪里", {}, "door_unclear", "door"),
        ("1-2-3-4-5", {}, "door_unclear", "door"),
        ("3-2-501", {"building": "4栋"}, "door_building_differs", "door"),
        ("3-2-501", {"unit": "1"}, "door_unit_differs", "door"),
        ("3栋2单元5楼601", {}, "door_floor_differs", "door"),
        ("501", {"building": "3", "unit": "东边"}, "unit_unclear", "unit"),
        ("501", {"building": "3", "floor": "顶"}, "floor_unclear", "floor"),
    ],
)
def test_what_is_not_understood_is_told_with_its_column(text, beside, code, field) -> None:
    with pytest.raises(RuleBroken) as refusal:
        read_door(text, **beside)
    assert (refusal.value.code, refusal.value.field) == (code, field)


@pytest.mark.parametrize(
    ("number", "floor"),
    [
        ("501", 5),
        ("1203", 12),
        ("5-1", 5),
        ("-101", -1),
        ("B101", -1),
        ("12", None),
        ("门面3", None),
        ("501A", 5),
    ],
)
def test_the_floor_is_in_the_number(number, floor) -> None:
    assert floor_of(number) == floor


@pytest.mark.parametrize(
    ("text", "unit"),
    [("2", "2"), ("02", "2"), ("二单元", "2"), ("2门", "2"), ("A单元", "A"), ("无", ""), ("", ""), ("/", "")],
)
def test_stairwells(text, unit) -> None:
    assert read_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "floor"), [("5", 5), ("五楼", 5), ("十二层", 12), ("负一", -1), ("5F", 5), ("", None)]
)
def test_floors(text, floor) -> None:
    assert read_floor(text) == floor


def test_doors_are_said_in_two_ways() -> None:
    assert rules.door_label("3栋", "2", "501") == "3栋2单元501"
    assert rules.door_short("3栋", "2", "501") == "3-2-501"
    assert rules.door_label("3栋", "", "501") == "3栋501"
    assert rules.door_short("三号楼", "", "501") == "3-501"
    assert rules.door_label("3栋", "2", "501", split_no=2) == "3栋2单元501(2)"
    assert rules.door_label("3栋", "2", "501", split_no=rules.STATED_SPLIT) == "3栋2单元501"
    assert rules.door_short("A座", "", "1203") == "A-1203"


def test_doors_sort_by_stairwell_floor_and_number() -> None:
    doors = [
        ("1", 10, "1001"),
        ("1", 2, "201"),
        ("2", 1, "101"),
        ("1", -1, "-101"),
        ("1", 2, "202"),
        ("10", 1, "101"),
    ]
    assert sorted(doors, key=lambda door: rules.door_sort_key(*door)) == [
        ("1", -1, "-101"),
        ("1", 2, "201"),
        ("1", 2, "202"),
        ("1", 10, "1001"),
        ("2", 1, "101"),
        ("10", 1, "101"),
    ]


# --- rows ---------------------------------------------------------------------------------------------------


def people(**cells):
    read = read_row({"door": "3-2-501"} | cells)
    return [(person.name, person.phones) for person in read.people]


def test_several_names_and_several_phones_in_a_cell() -> None:
    assert people(name="张三、李四", phone="13800138000、13900139000") == [
        ("张三", ("13800138000",)),
        ("李四", ("13900139000",)),
    ]
    assert people(name="张三,李四", phone="13800138000") == [("张三", ("13800138000",)), ("李四", ())]
    assert people(name="张三(户主)", phone="13800138000/0826-3222222") == [
        ("张三", ("13800138000", "0826-3222222"))
    ]
    assert people(name="张　三".replace("\u3000", " ")) == [("张三", ())]
    assert people(name="张三、张三") == [("张三", ())]


@pytest.mark.parametrize("name", ["空", "无", "空户", "", "-"])
def test_an_empty_home_has_nobody(name) -> None:
    assert people(name=name) == []


def test_which_household_behind_the_door() -> None:
    assert [
        read_row({"door": "3-2-501", "household": text}).split_no for text in ("", "1", "2", "第2户")
    ] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("cells", "code", "field"),
    [
        ({"door": "501", "name": "张三"}, "building_missing", "door"),
        ({"building": "", "door": "501"}, "building_missing", "building"),
        ({"building": "3", "door": "", "name": "张三"}, "door_missing", "door"),
        ({"door": "3-2-501", "phone": "13800138000"}, "name_missing", "name"),
        ({"door": "3-2-501", "name": "张3"}, "name_unclear", "name"),
        ({"door": "3-2-501", "name": "张三", "phone": "1.38E+10"}, "phone_damaged", "phone"),
        ({"door": "3-2-501", "name": "张三", "household": "51162300"}, "split_unclear", "household"),
        ({"door": "", "building": ""}, "building_missing", "building"),
        ({"door": "3-2-501", "note": "x" * 61}, "text_too_long", "note"),
    ],
)
def test_rows_that_are_not_understood(cells, code, field) -> None:
    with pytest.raises(RuleBroken) as refusal:
        read_row(cells)
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_a_row_may_tell_of_a_building_or_a_door_only() -> None:
    assert read_row({"grid": "第一网格", "compound": "北辰花园", "building": "", "door": ""}).building == ""
    assert read_row({"building": "3栋", "door": ""}).number == ""
    assert read_row({"building": "3栋", "door": "501"}).people == ()
