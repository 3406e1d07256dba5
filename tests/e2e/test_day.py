"""The day on a phone: check-in without a network and through a link that loses answers, roll call, paper that came back."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.e2e.phones import PATIENCE, entries, kept_paths, ready, send_now, until
from webapp.base import clock
from webapp.base.permissions import Role
from webapp.domain.rosters.queries import day

MINE = "/rosters/my-shift"


@pytest.fixture
def shift(house, resident):
    """A shift that began ten minutes ago, with the resident on it."""
    house.make.volunteer(resident.user, area=house.building)
    made = house.make.shift(
        house.make.post(house.community), starts_at=clock.now() - timedelta(minutes=10), hours=5
    )
    house.make.signup(made, resident.user)
    return made


@pytest.fixture
def code(house, shift):
    with house.app.app_context():
        return day.code_of(shift.post.public_id, 1)


def evidence(house, shift):
    """How many rows, and what they say."""
    count = house.ask("SELECT count(*) FROM attendances WHERE shift_id = ?", shift.id)
    marks = house.ask(
        "SELECT group_concat(mark || ' ' || was_offline || ' ' || is_doubtful) FROM attendances WHERE shift_id = ?",
        shift.id,
    )
    return count, marks


def form_of(shift, what="check-in"):
    return f"form[action='/rosters/shifts/{shift.public_id}/{what}']"


def check_in(page, shift, code):
    page.locator(f"{form_of(shift)} input[name=code]").fill(code)
    page.locator(f"{form_of(shift)} button.button").first.click()


def expect_waiting(page, shift):
    expect(page.locator("form[data-busy]")).to_have_count(0, timeout=PATIENCE)
    expect(page.locator(f"{form_of(shift)} [data-stand].warn")).to_be_visible(timeout=PATIENCE)


def test_a_check_in_without_network_survives_a_reload_and_is_written_once(house, phone, shift, code):
    phone.keep(MINE)
    assert MINE in kept_paths(phone.page)
    phone.context.set_offline(True)
    phone.page.reload()
    ready(phone.page)
    check_in(phone.page, shift, code.lower())
    expect_waiting(phone.page, shift)
    phone.page.reload()
    ready(phone.page)
    assert evidence(house, shift)[0] == 0
    (entry,) = entries(phone.page)
    assert re.search(r"phone_at=20\d\d-", entry["body"]), "the moment of the press goes along"
    phone.context.set_offline(False)
    phone.expect_sent()
    assert evidence(house, shift) == (1, "present 0 0")


def test_what_lay_on_the_phone_for_long_carries_the_phones_time(house, make_phone, shift, code):
    phone = make_phone(service_workers="block")
    page = phone.open(MINE)
    ready(page)
    # A phone whose press was five minutes ago: its clock then is the phone's own.
    page.evaluate(
        "() => { const now = Date.now; const real = Date;"
        " window.Date = class extends real { constructor(...given) { super(...(given.length ? given : [now() - 3e5])); } }; }"
    )
    check_in(page, shift, code)
    until(lambda: evidence(house, shift)[0] == 1)
    assert evidence(house, shift) == (1, "present 1 0")
    late = house.ask(
        "SELECT (julianday(marked_at) - julianday(arrived_at)) * 1440 FROM attendances WHERE shift_id = ?",
        shift.id,
    )
    assert 4.9 < late < 6


def test_a_reply_lost_after_the_commit_makes_one_row(house, make_phone, shift, code):
    phone = make_phone(service_workers="block")
    page = phone.open(MINE)
    ready(page)
    path = f"/rosters/shifts/{shift.public_id}/check-in"
    # Chromium itself sends a POST again when a warm connection dies: two replies are lost.
    phone.link.order(faults=[{"method": "POST", "path": path, "action": "cut", "times": 2}])
    check_in(page, shift, code)
    until(lambda: evidence(house, shift)[0] == 1)
    while phone.link.seen(f"cut {path}") < 2:
        send_now(page)
    send_now(page)
    phone.expect_sent()
    assert phone.link.seen(f"POST {path}") >= 3
    assert evidence(house, shift)[0] == 1
    audited = house.ask(
        "SELECT count(*) FROM audit_entries WHERE verb = 'check_in' AND object_id = ?", shift.id
    )
    assert audited == 1


def test_a_wrong_code_comes_back_with_the_reason_and_can_be_changed(house, phone, shift, code):
    page = phone.open(MINE)
    ready(page)
    check_in(page, shift, "222222")
    expect(page.locator(f"{form_of(shift)} [data-stand].bad")).to_contain_text("签到码", timeout=PATIENCE)
    check_in(page, shift, code)
    until(lambda: evidence(house, shift)[0] == 1)
    phone.expect_sent()


@pytest.fixture
def lead_phone(house, make_phone):
    """The phone of the community's head."""
    phone = make_phone(service_workers="block")
    phone.context.clear_cookies()
    house.sign_in(phone.context, house.staff[Role.COMMUNITY_HEAD])
    return phone


def test_roll_call_without_network_is_saved_once_and_a_stale_one_overwrites_nothing(
    house, lead_phone, make_phone, shift, code
):
    page = lead_phone.open(f"/rosters/shifts/{shift.public_id}/roll-call")
    ready(page)
    lead_phone.context.set_offline(True)
    page.get_by_text("没到", exact=True).first.click()
    page.get_by_role("button", name="保存点名").click()
    expect(page.locator(f"{form_of(shift, 'roll-call')} [data-stand].warn")).to_be_visible(timeout=PATIENCE)
    # Meanwhile the volunteer has checked in.
    phone = make_phone(service_workers="block")
    own = phone.open(MINE)
    ready(own)
    check_in(own, shift, code)
    until(lambda: evidence(house, shift)[0] == 1)
    lead_phone.context.set_offline(False)
    refused = page.locator(f"{form_of(shift, 'roll-call')} [data-stand].bad")
    expect(refused).to_contain_text("没有覆盖任何内容", timeout=PATIENCE)
    assert evidence(house, shift) == (1, "present 0 0")
    refused.get_by_role("button").click()
    until(lambda: evidence(house, shift) == (1, "absent 0 0"))
    lead_phone.expect_sent()


def test_paper_comes_back_with_two_taps(house, lead_phone, shift):
    sheet = house.make.roster_sheet(shift)
    page = lead_phone.open(f"/rosters/sheets/{sheet.public_id}/roll-call")
    ready(page)
    page.get_by_text("全部按排班到了，除了…").click()
    page.get_by_role("button", name="保存：其他人都到了").click()
    until(lambda: evidence(house, shift) == (1, "present 0 0"))
