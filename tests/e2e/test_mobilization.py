"""One evening: the head calls up, somebody answers on a second phone, checks in at the point, and the wall shows it."""

import time
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.e2e.phones import PATIENCE, PHONE, close_quietly, entries, ready, until
from webapp.base import clock, crypto
from webapp.base.permissions import Role
from webapp.domain.mobilization.queries.muster import code_of
from webapp.domain.mobilization.rules import SummonsState
from webapp.domain.mobilization.services import engine

CALL_UP_OF_SUMMONS = (
    "SELECT summonses.public_id FROM summonses JOIN call_ups ON call_ups.id = summonses.call_up_id"
    " WHERE call_ups.public_id = ? AND summonses.person_id = ?"
)


@pytest.fixture
def reservist(house, resident):
    """The resident stands in the reserve; nobody else of these tests does."""
    house.make.reservist(resident.user, area=house.building)
    return resident


@pytest.fixture
def screen(house, browser):
    """Browsers of others than the resident: the head's, the wall's."""
    opened = []

    def open_as(user=None, **options):
        context = browser.new_context(**{"viewport": PHONE, "locale": "zh-CN"} | options)
        opened.append(context)
        if user is not None:
            house.sign_in(context, user)
        return context.new_page()

    yield open_as
    for context in opened:
        close_quietly(context)


def press(page, text):
    page.get_by_role("button", name=text, exact=True).first.click()


def call_up_by(house, page):
    """The head writes a call-up, looks at what it will do, and starts it; returns its public id."""
    begins = clock.here(clock.now() + timedelta(hours=2))
    page.goto(f"{house.url}/mobilization/call-ups/new?area={house.community.public_id}")
    ready(page)
    page.fill("[name=title]", "搬运物资")
    page.fill("[name=count_1]", "1")
    page.fill("[name=day]", begins.date().isoformat())
    page.fill("[name=start]", f"{begins:%H:%M}")
    page.fill("[name=muster_point]", "北门岗亭")
    press(page, "发出前检查")
    page.wait_for_url("**/check", timeout=PATIENCE)
    public_id = page.url.rstrip("/").split("/")[-2]
    ready(page)
    reason = page.locator("[name=quiet_reason]")
    if reason.count():
        reason.fill("夜里到货")
    press(page, "开始召集")
    page.wait_for_url(f"**/call-ups/{public_id}", timeout=PATIENCE)
    return public_id


def summons_of(house, public_id, user):
    """The summons of this person, once a wave has reached them."""

    def is_there():
        with house.app.app_context():
            engine.run_due(clock.now())
        return bool(house.ask(f"SELECT count(*) FROM ({CALL_UP_OF_SUMMONS})", public_id, user.person_id))

    until(is_there)
    return house.ask(CALL_UP_OF_SUMMONS, public_id, user.person_id)


def test_from_the_call_to_the_wall(house, phone, reservist, screen):
    head = screen(house.staff[Role.COMMUNITY_HEAD])
    call_up = call_up_by(house, head)
    summons = summons_of(house, call_up, reservist.user)
    with house.app.app_context():
        token = crypto.blind_index("summons", summons)
        code = code_of(call_up, 1)
    # The link of the message, on a phone where nobody is signed in.
    phone.context.clear_cookies()
    page = phone.open(f"/mobilization/answer/{token}")
    page.locator("button[name=reply][value=coming]").first.click()
    expect(page.locator("#slip .figure")).to_be_visible(timeout=PATIENCE)
    slip = page.locator("#slip .figure").inner_text()
    # The head puts the board on the wall.
    head.goto(f"{house.url}/mobilization/call-ups/{call_up}/wall")
    press(head, "生成地址")
    address = head.locator("main a[href*='/mobilization/wall/']").get_attribute("href")
    wall = screen(viewport={"width": 1280, "height": 800})
    wall.goto(house.url + "/mobilization/wall/" + address.rsplit("/", 1)[-1])
    expect(wall.locator("#board")).to_contain_text("到位率 0%（说能来的 1 人，到了 0 人）", timeout=PATIENCE)
    # On the way, then at the point by the slip.
    page.locator("form[action$='/set-out'] button.button").click()
    expect(wall.locator("#board")).to_contain_text("在路上 1", timeout=PATIENCE)
    phone.open(f"/mobilization/check-in/{call_up}/{code}")
    page.fill("[name=slip]", slip.lower())
    press(page, "我到了，签到")
    pressed = time.monotonic()
    expect(wall.locator("#board")).to_contain_text("到位率 100%", timeout=PATIENCE)
    seconds = time.monotonic() - pressed
    print(f"a change is on the wall after {seconds:.1f} s")
    expect(page.locator("main")).to_contain_text("已签到", timeout=PATIENCE)
    # A wall that hears nothing any more says so, and stops saying so.
    expect(wall.locator("#old")).to_be_hidden()
    wall.context.set_offline(True)
    expect(wall.locator("#old")).to_be_visible(timeout=2 * PATIENCE)
    wall.context.set_offline(False)
    expect(wall.locator("#old")).to_be_hidden(timeout=2 * PATIENCE)
    # And the books: stood down, closed, reported.
    head.goto(f"{house.url}/mobilization/call-ups/{call_up}/stand-down")
    press(head, "解除召集")
    head.goto(f"{house.url}/mobilization/call-ups/{call_up}/stand-down")
    head.locator("summary", has_text="归档").click()
    press(head, "归档")
    head.wait_for_url("**/report", timeout=PATIENCE)
    expect(head.locator("#curve svg polyline")).to_have_count(3)
    assert house.ask("SELECT muster FROM summonses WHERE public_id = ?", summons) == "departed"


def test_a_check_in_without_network_is_kept_and_written_once(house, phone, resident):
    """The person is on the roll; the code was scanned while there was still a network."""
    made = house.make.call_up(house.community, started_at=clock.now() - timedelta(minutes=30))
    summons = house.make.summons(made, resident.user.person_id, state=SummonsState.COMING)
    with house.app.app_context():
        code = code_of(made.public_id, 1)
    page = phone.open(f"/mobilization/check-in/{made.public_id}/{code}")
    ready(page)
    phone.context.set_offline(True)
    press(page, "我到了，签到")
    until(lambda: len(entries(page)) == 1)
    assert house.ask("SELECT arrived_at IS NULL FROM summonses WHERE id = ?", summons.id)
    phone.context.set_offline(False)
    phone.expect_sent()
    assert house.ask("SELECT muster || ' ' || version FROM summonses WHERE id = ?", summons.id) == "arrived 2"
