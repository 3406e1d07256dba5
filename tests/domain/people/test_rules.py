"""Names and phone numbers."""

import pytest

from webapp.base.errors import RuleBroken
from webapp.domain.people import rules


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("13800138000", ("13800138000",)),
        ("１３８００１３８０００", ("13800138000",)),
        ("138 0013 8000", ("13800138000",)),
        ("138-0013-8000", ("13800138000",)),
        ("+86 13800138000", ("13800138000",)),
        ("13800138000.0", ("13800138000",)),
        ("13800138000、0826-3222222/13900139000", ("13800138000", "0826-3222222", "13900139000")),
        ("13800138000 13900139000", ("13800138000", "13900139000")),
        ("13800138000(女儿),3222222", ("13800138000", "3222222")),
        ("手机:13800138000;座机：0826-3222222转801", ("13800138000", "0826-3222222-801")),
        ("13800138000/13800138000", ("13800138000",)),
        ("", ()),
        ("  ", ()),
        ("没有", ()),
    ],
)
def test_a_cell_may_hold_several_numbers(cell, numbers) -> None:
    assert rules.read_phones(cell) == numbers


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1.38001E+10", "phone_damaged"),
        ("1380013800", "phone_unclear"),
        ("23800138000", "phone_unclear"),
        ("123", "phone_unclear"),
    ],
)
def test_what_is_no_number_is_told(cell, code) -> None:
    with pytest.raises(RuleBroken) as refusal:
        rules.read_phones(cell)
    assert (refusal.value.code, refusal.value.params["text"]) == (code, cell)


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        ("张三", "zhangsan", "zs"),
        ("单雄信", "shanxiongxin", "sxx"),
        ("曾国华", "zengguohua", "zgh"),
        ("欧阳娜娜", "ouyangnana", "oynn"),
        ("尉迟恭", "yuchigong", "ycg"),
        ("吕蒙", "lvmeng", "lm"),
        ("重庆", "chongqing", "cq"),
        ("阿卜杜拉·买买提", "abudulamaimaiti", "abdlmmt"),
        ("John Smith", "johnsmith", "johnsmith"),
    ],
)
def test_pinyin_and_initials(name, pinyin, initials) -> None:
    assert rules.pinyin_keys(name) == (pinyin, initials)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("张 三", "张三"),
        ("张\u3000三", "张三"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉.买买提", "阿卜杜拉·买买提"),
        ("John  Smith", "John Smith"),
        ("J. Smith", "J. Smith"),
    ],
)
def test_names_are_stored_in_one_way(typed, stored) -> None:
    assert rules.clean_name(typed.replace("\u3000", " ")) == stored


def test_names_compare_without_spaces_width_and_case() -> None:
    assert rules.name_key("Ｊｏｈｎ smith") == rules.name_key("john Smith")


@pytest.mark.parametrize(
    ("name", "masked"),
    [("张三", "张*"), ("欧阳锋", "欧阳*"), ("欧阳", "欧*"), ("阿卜杜拉·买买提", "阿卜杜拉*"), ("", "")],
)
def test_a_masked_name_is_the_surname_and_a_star(name, masked) -> None:
    assert rules.mask_name(name) == masked


@pytest.mark.parametrize(
    ("number", "masked"), [("13800138000", "138****8000"), ("0826-3222222", "****2222"), ("12", "****")]
)
def test_masked_numbers(number, masked) -> None:
    assert rules.mask_phone(number) == masked
