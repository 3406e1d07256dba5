from datetime import timedelta

import pytest

from webapp.base import clock
from webapp.base.errors import RuleBroken
from webapp.domain.accounts import rules


@pytest.mark.parametrize(
    "typed",
    [
        "13800138000",
        " 138 0013 8000 ",
        "138-0013-8000",
        "138 0013 8000",
        "+86 138 0013 8000",
        "0086-13800138000",
        "8613800138000",
        "(+86)13800138000",
    ],
)
def test_a_mobile_number_is_read_as_people_type_it(typed):
    assert rules.normalise_phone(typed) == "13800138000"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1380013800",
        "138001380001",
        "12800138000",
        "0826-3220013",
        "+1 415 555 0100",
        "١٣٨٠٠١٣٨٠٠٠",
        "abc",
    ],
)
def test_what_is_no_mobile_number_is_refused_on_its_field(typed):
    with pytest.raises(RuleBroken) as refused:
        rules.normalise_phone(typed)
    assert (refused.value.code, refused.value.field) == ("phone_not_mobile", "phone")


def test_a_code_may_have_full_width_digits_and_spaces():
    assert rules.normalise_code(" 123 456 ") == "123456"


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("nonsense", "unknown"),
    ],
)
def test_one_customer_is_one_address(address, block):
    assert rules.address_block(address) == block


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_too_short"),
        ("x" * 201, "password_too_long"),
        ("aaaaaaaaaaaaaa", "password_too_plain"),
        ("13800138000", "password_too_plain"),
        ("linli13800138000", "password_too_plain"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password, code):
    with pytest.raises(RuleBroken) as refused:
        rules.ensure_good_password(password, phone="13800138000")
    assert refused.value.code == code


def test_a_good_password_is_taken_whatever_width_its_letters_have():
    assert rules.normalise_password("Apfelbaum 7 x") == "Apfelbaum 7 x"
    rules.ensure_good_password("Apfelbaum 7 x", phone="13800138000")


def test_a_first_password_needs_a_sign_in_of_the_last_minutes():
    now = clock.now()
    rules.ensure_fresh(signed_in_at=now - timedelta(minutes=14), now=now)
    with pytest.raises(RuleBroken):
        rules.ensure_fresh(signed_in_at=now - timedelta(minutes=16), now=now)
