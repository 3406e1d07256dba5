"""Shifts on a phone: taken without a network, the queue with one tap, a swap and a relief between two people."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.e2e.phones import PATIENCE, entries, ready, until
from webapp.base import clock

FITS = "/rosters/shifts"


@pytest.fixture
def helpers(house, resident, neighbour):
    """Both live in the building and are accepted volunteers."""
    for each in (resident, neighbour):
        house.make.volunteer(each.user, area=house.building)
    return resident, neighbour


@pytest.fixture
def post(house):
    return house.make.post(house.community)


def shift_of(house, post, *, days=4, **columns):
    values = {
        "starts_at": clock.now() + timedelta(days=days),
        "hours": 3,
        "maximum_count": 1,
        "wanted_count": 1,
    }
    return house.make.shift(post, **values | columns)


def signups(house, shift):
    return house.ask(
        "SELECT group_concat(state) FROM (SELECT state FROM signups WHERE shift_id = ? ORDER BY id)", shift.id
    )


def as_person(house, make_phone, who):
    phone = make_phone()
    phone.context.clear_cookies()
    house.sign_in(phone.context, who.user)
    return phone


def press(page, text):
    page.get_by_role("button", name=text).click()


def test_from_the_list_to_a_place_in_three_taps(house, phone, helpers, post):
    shift = shift_of(house, post)
    page = phone.open(FITS)
    page.locator(f"a[href$='/{shift.public_id}']").click()
    ready(page)
    press(page, "报名这一班")
    expect(page.locator("main .badge").first).to_have_text("已报名", timeout=PATIENCE)
    assert signups(house, shift) == "placed"


def test_a_shift_taken_without_network_is_taken_once_when_it_is_back(house, phone, helpers, post):
    shift = shift_of(house, post)
    page = phone.open(f"{FITS}/{shift.public_id}")
    ready(page)
    phone.context.set_offline(True)
    press(page, "报名这一班")
    expect(page.locator("form[data-outbox] [data-stand].warn")).to_be_visible(timeout=PATIENCE)
    expect(phone.unsent()).to_be_visible()
    assert signups(house, shift) is None
    phone.context.set_offline(False)
    until(lambda: entries(page) == [])
    until(lambda: signups(house, shift) == "placed")


def test_the_last_place_is_gone_and_the_queue_is_one_tap_away(house, phone, helpers, post):
    shift = shift_of(house, post)
    page = phone.open(f"{FITS}/{shift.public_id}")
    ready(page)
    # Somebody else was faster, while this page stood open.
    house.make.signup(shift, helpers[1].user)
    press(page, "报名这一班")
    expect(page.locator("form[data-outbox] [data-stand]")).to_contain_text("候补", timeout=PATIENCE)
    press(page, "同意")
    until(lambda: signups(house, shift) == "placed,waiting")
    expect(page.locator("main .badge").first).to_have_text("候补第 1 位", timeout=PATIENCE)


def test_two_people_swap_their_shifts(house, make_phone, helpers, post):
    first, second = helpers
    mine, theirs = shift_of(house, post), shift_of(house, post, days=6)
    signup = house.make.signup(mine, first.user)
    house.make.signup(theirs, second.user)
    page = as_person(house, make_phone, first).open(f"/rosters/signups/{signup.public_id}/swap")
    ready(page)
    page.locator("input[name=wanted]").first.check()
    press(page, "问对方换不换")
    expect(page.locator("main .badge").first).to_contain_text("换班中", timeout=PATIENCE)
    other = as_person(house, make_phone, second).open(f"{FITS}?view=mine")
    other.get_by_text("换班吗").click()
    ready(other)
    press(other, "同意换")
    until(lambda: signups(house, mine) == "replaced,placed")
    assert signups(house, theirs) == "replaced,placed"


def test_relief_is_one_tap_and_the_next_one_takes_over(house, make_phone, helpers, post):
    first, second = helpers
    shift = shift_of(house, post, starts_at=clock.now() - timedelta(hours=1))
    house.make.signup(shift, first.user)
    page = as_person(house, make_phone, first).open(f"{FITS}/{shift.public_id}")
    ready(page)
    press(page, "我需要换下来")
    expect(page.locator("main .badge").first).to_contain_text("在等人接", timeout=PATIENCE)
    other = as_person(house, make_phone, second).open(FITS)
    other.locator("a[href*='/rosters/stand-ins/']").first.click()
    ready(other)
    press(other, "我来接")
    until(lambda: signups(house, shift) == "replaced,placed")
