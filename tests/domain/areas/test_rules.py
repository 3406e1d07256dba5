"""Names, paths and levels of areas."""

import pytest

from webapp.base.errors import RuleBroken
from webapp.domain.areas import rules


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三", 3),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("二十三", 23),
        ("一百零二", 102),
        ("五〇一", 501),
        ("两", 2),
    ],
)
def test_numerals(text, value) -> None:
    assert rules.numeral(text) == value


def test_names_sort_as_people_count() -> None:
    names = ["10栋", "3栋", "二号楼", "十一号楼", "1栋"]
    assert sorted(names, key=rules.natural_key) == ["1栋", "二号楼", "3栋", "10栋", "十一号楼"]


@pytest.mark.parametrize(
    "name", ["3", "3栋", "三号楼", "3幢", "第3栋", "3#", "３号楼", "3#楼", "03栋", "三栋"]
)
def test_one_building_has_many_names(name) -> None:
    assert rules.building_key(name) == "3"


@pytest.mark.parametrize(
    ("name", "key"), [("A座", "a"), ("综合楼", "综合楼"), ("12栋", "12"), ("3A栋", "3a"), ("楼", "楼")]
)
def test_other_buildings_stay_apart(name, key) -> None:
    assert rules.building_key(name) == key


@pytest.mark.parametrize(
    ("text", "word", "name"),
    [
        ("3", "幢", "3幢"),
        ("3", None, "3栋"),
        ("03", "栋", "3栋"),
        ("3号楼", "幢", "3号楼"),
        ("3#", "栋", "3栋"),
        ("综合楼", "栋", "综合楼"),
    ],
)
def test_a_bare_number_gets_the_word_of_the_place(text, word, name) -> None:
    assert rules.building_name(text, word=word) == name


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("北辰社区居委会", "北辰社区"),
        ("双河村村委会", "双河村"),
        ("南街居民委员会", "南街社区"),
        ("北辰社区", "北辰社区"),
    ],
)
def test_a_community_is_called_as_people_call_it(name, short) -> None:
    assert rules.short_name(name) == short


LEVELS = [("county", "县", "county"), ("building", "楼栋", "building"), ("compound", "院坝", "yard")]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("县", "county"),
        ("楼栋", "building"),
        ("院坝", "compound"),
        ("小区", "compound"),
        ("BUILDING", "building"),
    ],
)
def test_levels_are_known_by_code_by_usual_words_and_by_the_words_of_the_place(text, level) -> None:
    assert rules.level_of(text, levels=LEVELS) == level


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(RuleBroken) as refusal:
        rules.level_of("大区", levels=LEVELS)
    assert (refusal.value.code, refusal.value.field) == ("area_level_unknown", "level")


def test_segments_have_one_width_and_sort_by_number() -> None:
    segments = [rules.segment(number) for number in (0, 3, 35, 36, 46656, rules.LAST_SEGMENT)]
    assert segments == sorted(segments)
    assert {len(segment) for segment in segments} == {6}
    with pytest.raises(ValueError, match="-1"):
        rules.segment(-1)


def test_the_own_number_of_an_area() -> None:
    assert rules.own_number(code="511623100013", name="北辰社区", level="community") == 13
    assert rules.own_number(code="511623100000", name="鼎屏镇", level="town") == 100
    assert rules.own_number(code="x-1", name="第一网格", level="grid") == 1
    assert rules.own_number(code="x-2", name="三号楼", level="building") == 3
    assert rules.own_number(code="x-3", name="综合楼", level="building") is None


def test_ancestors_are_the_prefixes_of_a_path() -> None:
    assert rules.ancestor_paths("00001.00002.00003.") == ("00001.", "00001.00002.", "00001.00002.00003.")
    assert rules.ancestor_paths("") == ()


@pytest.mark.parametrize(
    ("reason", "notice", "code"),
    [
        (" ", "n", "zone_reason_missing"),
        ("r", " ", "zone_notice_missing"),
        ("r" * 201, "n", "text_too_long"),
        ("r", "n" * 121, "text_too_long"),
    ],
)
def test_a_zone_needs_a_reason_and_a_notice(reason, notice, code) -> None:
    with pytest.raises(RuleBroken) as refusal:
        rules.ensure_zone_text(reason=reason, notice=notice)
    assert refusal.value.code == code
