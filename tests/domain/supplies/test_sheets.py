"""The three sheets as values: grouped, sorted, added up, and silent about what must not stand on paper."""

from dataclasses import fields, replace
from datetime import date

import pytest

from webapp.domain.supplies.sheets import (
    Kit,
    KitCount,
    KitItem,
    PickRow,
    RoundFacts,
    RunStop,
    SheetLine,
    SheetOrder,
    content_hash,
    natural_key,
    pack_sheet,
    pick_sheet,
    run_sheet,
)

FACTS = RoundFacts(
    number=12,
    delivers_on=date(2022, 5, 12),
    window="上午",
    unit_line="邻水县鼎屏镇北辰社区居民委员会",
    hotline="0826-1234567",
    address="https://linli.example/supplies/rounds/abc",
)
CABBAGE, PORK = KitItem("大白菜", "2.5kg", "棵", 1), KitItem("猪肉", "500g", "份", 1)
A = Kit(1, "A包", (CABBAGE, KitItem("土豆", "1kg", "袋", 2)))
B = Kit(2, "B包", (replace(CABBAGE, quantity=3), PORK))
EGGS, RICE = Kit(3, "鸡蛋", (KitItem("鸡蛋", "30枚", "板", 1),)), Kit(4, "大米")
KITS = (A, B, EGGS, RICE)


def order(door: str = "3-2-501", *lines: SheetLine, **overrides) -> SheetOrder:
    building, unit, number = door.split("-")
    values = {
        "number": f"K{door}",
        "building_name": f"{building}栋",
        "unit": f"{unit}单元",
        "floor": int(number[:-2]),
        "door": number,
        "short_door": door,
        "surname": "张",
        "phone_tail": "8000",
        "lines": lines or (SheetLine(A.id, 1),),
    }
    return SheetOrder(**values | overrides)


def stops(sheet) -> list[RunStop]:
    return [stop for building in sheet.buildings for unit in building.units for stop in unit.stops]


def test_numbers_in_names_are_read_as_numbers():
    names = ["10栋", "3栋", "3栋附楼", "A2", "A10", "1-2", "1-10", "", "栋"]
    assert sorted(names, key=natural_key) == ["", "1-2", "1-10", "3栋", "3栋附楼", "10栋", "A2", "A10", "栋"]


def test_items_of_all_bags_are_added_up_in_the_order_of_the_bags():
    orders = [
        order("3-1-101", SheetLine(A.id, 2)),
        order("3-1-102", SheetLine(B.id, 1), SheetLine(EGGS.id, 1)),
        order("10-1-101", SheetLine(A.id, 1)),
    ]
    sheet = pick_sheet(FACTS, KITS, orders)
    assert sheet.rows == (
        PickRow(1, "大白菜", "2.5kg", "棵", 3 * 1 + 1 * 3),
        PickRow(2, "土豆", "1kg", "袋", 6),
        PickRow(3, "猪肉", "500g", "份", 1),
        PickRow(4, "鸡蛋", "30枚", "板", 1),
    )
    assert (sheet.households, sheet.pieces) == (3, 5)
    assert sheet.kits == (KitCount("A包", 3), KitCount("B包", 1), KitCount("鸡蛋", 1))


def test_the_same_item_in_another_size_is_another_row():
    other = Kit(9, "C包", (replace(CABBAGE, spec="5kg"),))
    sheet = pick_sheet(FACTS, (A, other), [order("3-1-101", SheetLine(A.id, 1), SheetLine(9, 1))])
    assert [(row.name, row.spec, row.due) for row in sheet.rows if row.name == "大白菜"] == [
        ("大白菜", "2.5kg", 1),
        ("大白菜", "5kg", 1),
    ]


def test_a_bag_without_contents_is_picked_as_itself():
    sheet = pick_sheet(FACTS, KITS, [order("3-1-101", SheetLine(RICE.id, 4))])
    assert sheet.rows == (PickRow(1, "大米", "", "", 4),)


def test_orders_that_get_nothing_are_on_no_sheet():
    waiting = order("3-1-102", SheetLine(A.id, 0))
    given = order("3-1-101")
    assert pick_sheet(FACTS, KITS, [waiting, given]).households == 1
    assert [stop.door for stop in stops(run_sheet(FACTS, KITS, [waiting, given]))] == ["3-1-101"]
    assert pack_sheet(FACTS, KITS, [waiting]).parts == ()


def test_a_bag_that_is_not_of_the_round_is_an_error_with_the_order_in_it():
    with pytest.raises(ValueError, match="K3-2-501"):
        run_sheet(FACTS, KITS, [order("3-2-501", SheetLine(77, 1))])


def test_the_way_goes_by_building_unit_floor_from_the_top_and_door():
    doors = ["10-1-101", "3-2-501", "3-2-1001", "3-1-201", "3-1-202", "3-1-1101", "3-10-101"]
    way = [stop.door for stop in stops(run_sheet(FACTS, KITS, map(order, doors)))]
    assert way == ["3-1-1101", "3-1-201", "3-1-202", "3-2-1001", "3-2-501", "3-10-101", "10-1-101"]


def test_the_way_may_go_from_the_bottom_up():
    doors = ["3-1-1101", "3-1-201", "3-1-102", "3-1-101"]
    sheet = run_sheet(replace(FACTS, top_down=False), KITS, map(order, doors))
    assert [stop.door for stop in stops(sheet)] == ["3-1-101", "3-1-102", "3-1-201", "3-1-1101"]


def test_a_floor_begins_once_in_each_unit():
    doors = ["3-1-501", "3-1-502", "3-1-401", "3-2-401"]
    sheet = run_sheet(FACTS, KITS, map(order, doors))
    assert [stop.begins_floor for stop in stops(sheet)] == [True, False, True, True]


def test_positions_run_through_a_building_and_begin_anew_in_the_next():
    doors = ["3-1-501", "3-2-501", "10-1-101"]
    assert [stop.position for stop in stops(run_sheet(FACTS, KITS, map(order, doors)))] == [1, 2, 1]


def test_units_and_buildings_know_their_households_and_pieces():
    orders = [
        order("3-1-101", SheetLine(A.id, 2)),
        order("3-1-102", SheetLine(B.id, 1)),
        order("3-2-101", SheetLine(EGGS.id, 3)),
    ]
    (building,) = run_sheet(FACTS, KITS, orders).buildings
    assert (building.households, building.pieces) == (3, 6)
    assert [(unit.name, unit.households, unit.pieces) for unit in building.units] == [
        ("1单元", 2, 3),
        ("2单元", 1, 3),
    ]


def test_goods_of_a_stop_stand_in_the_order_of_the_bags_and_are_added_up():
    twice = order(
        "3-1-101", SheetLine(EGGS.id, 1), SheetLine(A.id, 1), SheetLine(EGGS.id, 2, no_substitute=True)
    )
    (stop,) = stops(run_sheet(FACTS, KITS, [twice]))
    assert stop.goods == (KitCount("A包", 1), KitCount("鸡蛋", 3))
    assert stop.pieces == 4


def test_a_sort_key_of_the_office_goes_before_the_name():
    orders = [order("3-1-101", building_sort="0002"), order("10-1-101", building_sort="0001")]
    assert [building.name for building in run_sheet(FACTS, KITS, orders).buildings] == ["10栋", "3栋"]


def test_doors_have_a_form_without_the_building():
    sheet = run_sheet(
        FACTS,
        KITS,
        [order("12-2-1203"), order("12-2-101", short_door="后门"), order("12-2-102", short_door="")],
    )
    assert [stop.door_in_building for stop in stops(sheet)] == ["2-1203", "后门", "102"]
    assert sheet.buildings[0].doors == ("12-2-1203", "后门", "102")


def test_a_house_without_floors_or_units_is_one_group():
    orders = [order("3-1-101", unit="", floor=None), order("3-1-102", unit="", floor=None)]
    (building,) = run_sheet(FACTS, KITS, orders).buildings
    assert [(unit.name, unit.households) for unit in building.units] == [("", 2)]


def test_money_stands_only_in_a_round_that_takes_it_at_the_door():
    orders = [order("3-1-101", total_fen=3050), order("3-1-102", total_fen=1)]
    (free,) = run_sheet(FACTS, KITS, orders).buildings
    assert free.due_fen is None
    assert {stop.due_fen for unit in free.units for stop in unit.stops} == {None}
    (paid,) = run_sheet(replace(FACTS, takes_money_at_door=True), KITS, orders).buildings
    assert (paid.due_fen, paid.units[0].due_fen) == (3051, 3051)
    assert [stop.due_fen for stop in paid.units[0].stops] == [3050, 1]


def test_the_way_of_handing_over_is_printed_and_the_door_alone_may_be_enough():
    asked = order("3-1-101", delivery="敲重一点")
    assert stops(run_sheet(FACTS, KITS, [asked]))[0].delivery == "敲重一点"
    (stop,) = stops(run_sheet(replace(FACTS, shows_surnames=False), KITS, [asked]))
    assert (stop.surname, stop.phone_tail) == ("", "8000")


def test_packing_has_a_column_for_each_bag_that_somebody_gets():
    orders = [
        order("3-1-101", SheetLine(A.id, 2), SheetLine(EGGS.id, 1)),
        order("3-2-101", SheetLine(A.id, 1)),
    ]
    (part,) = pack_sheet(FACTS, KITS, orders).parts
    assert part.goods == ("A包", "鸡蛋")
    assert (part.households, part.counts, part.pieces) == (2, (3, 1), 4)
    assert [(unit.name, unit.households, unit.counts, unit.pieces) for unit in part.units] == [
        ("1单元", 1, (2, 1), 3),
        ("2单元", 1, (1, 0), 1),
    ]
    assert [row.counts for unit in part.units for row in unit.rows] == [(2, 1), (1, 0)]


def test_the_seventh_bag_begins_a_second_sheet_of_the_same_households():
    kits = tuple(Kit(number, f"货{number}") for number in range(1, 9))
    lines = tuple(SheetLine(number, number) for number in range(1, 9))
    sheet = pack_sheet(FACTS, kits, [order("3-1-101", *lines), order("10-1-101", SheetLine(8, 1))])
    assert [(part.building, part.number, part.count, part.goods) for part in sheet.parts] == [
        ("3栋", 1, 2, tuple(f"货{number}" for number in range(1, 7))),
        ("3栋", 2, 2, ("货7", "货8")),
        ("10栋", 1, 2, tuple(f"货{number}" for number in range(1, 7))),
        ("10栋", 2, 2, ("货7", "货8")),
    ]
    assert sheet.parts[1].counts == (7, 8)
    assert {part.pieces for part in sheet.parts[:2]} == {36}, "件数 counts all bags, on each sheet"
    assert sheet.parts[2].counts == (0,) * 6


def test_what_must_not_be_swapped_is_named():
    orders = [
        order("3-1-101", SheetLine(A.id, 1, no_substitute=True)),
        order("3-1-102", SheetLine(A.id, 1, no_substitute=True), SheetLine(B.id, 1)),
        order("3-1-103", SheetLine(A.id, 1), SheetLine(B.id, 0, no_substitute=True)),
    ]
    (part,) = pack_sheet(FACTS, KITS, orders).parts
    rows = part.units[0].rows
    assert [(row.no_substitute, row.is_all_without_substitute) for row in rows] == [
        (("A包",), True),
        (("A包",), False),
        ((), False),
    ]


def test_the_hash_follows_the_content_and_not_the_order_of_the_rows():
    orders = [order("3-1-101"), order("3-1-102")]
    one = content_hash(run_sheet(FACTS, KITS, orders))
    assert one == content_hash(run_sheet(FACTS, KITS, orders[::-1]))
    assert one != content_hash(run_sheet(FACTS, KITS, [*orders, order("3-1-103")]))
    assert one != content_hash(run_sheet(replace(FACTS, hotline="120"), KITS, orders))
    assert one != content_hash(pack_sheet(FACTS, KITS, orders))
    assert len(one) == 64


def test_a_stop_has_no_place_for_a_price_a_kind_of_bag_or_a_reason():
    assert {field.name for field in fields(RunStop)} == {
        "position",
        "floor",
        "door",
        "door_in_building",
        "surname",
        "phone_tail",
        "goods",
        "pieces",
        "delivery",
        "due_fen",
        "begins_floor",
    }


def test_one_building_alone_is_the_same_as_in_the_round():
    orders = [order("3-1-101"), order("10-1-101"), order("3-2-201")]
    whole = run_sheet(FACTS, KITS, orders)
    alone = run_sheet(FACTS, KITS, [each for each in orders if each.building_name == "3栋"])
    assert alone.buildings == whole.buildings[:1]
