"""From a poster's code to the first shift on one phone: sign-in, five answers, two pledges, a place, in two minutes."""

import json
import time
from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.e2e.phones import PATIENCE, PHONE, until
from tests.factories import make_deed
from webapp.base import clock
from webapp.base.actor import Actor, Grant
from webapp.base.permissions import Role
from webapp.domain.volunteers import services
from webapp.domain.volunteers.queries.teams import token_of

TWO_MINUTES = 120.0
MOST_TAPS = 16


class Hand:
    """One thumb that counts its taps; a field that is typed into costs one."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps = page, 0

    def press(self, text: str) -> None:
        self.taps += 1
        self.page.get_by_role("button", name=text, exact=True).click()

    def follow(self, text: str) -> None:
        self.taps += 1
        self.page.get_by_role("link", name=text, exact=True).click()

    def tick(self, text: str) -> None:
        self.taps += 1
        self.page.get_by_label(text).check()

    def write(self, label: str, text: str) -> None:
        self.taps += 1
        self.page.get_by_label(label).fill(text)


def code_for(house, phone: str) -> str:
    """The newest code that the worker has sent to the phone, as its message says it."""
    file = house.file.parent / "console_sms.jsonl"

    def newest() -> str | None:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        sent = [json.loads(line) for line in lines]
        texts = [each["text"] for each in sent if each["to"] == phone and "登录码" in each["text"]]
        return texts[-1] if texts else None

    until(lambda: newest() is not None)
    return "".join(sign for sign in newest().split("登录码")[1][:6])


def test_a_newcomer_comes_by_a_poster_and_has_a_shift_within_two_minutes(house, browser) -> None:
    starts = clock.now() + timedelta(days=6)
    post = house.make.post(house.community)
    shift = house.make.shift(post, starts_at=starts, hours=3)
    team = house.make.team("突击队", area=house.community)
    head = house.staff[Role.COMMUNITY_HEAD]
    grant = Grant(Role.COMMUNITY_HEAD, house.community.id, house.community.path)
    with house.app.app_context():
        invitation = services.make_invitation(
            deed=make_deed(Actor.user(head.id, head.person_id, (grant,))),
            team=team.public_id,
            days=7,
            use_limit=5,
        )
        token = token_of(invitation)
    context = browser.new_context(viewport=PHONE, locale="zh-CN")
    page = context.new_page()
    hand, began = Hand(page), time.monotonic()
    try:
        page.goto(f"{house.url}/volunteers/invitations/{token}")
        expect(page.locator(".plate")).to_have_text("突击队")
        hand.write("手机号", "13755556666")
        hand.press("获取验证码")
        hand.write("短信里的登录码", code_for(house, "13755556666"))
        hand.press("登录")
        hand.write("您的姓名", "新来")
        hand.tick("送菜上门")
        hand.tick("周末上午")
        hand.tick("18 岁以上")
        hand.tick("我身体健康")
        hand.tick("我都不外传")
        hand.press("报名")
        expect(page.locator("h1")).to_have_text("您是志愿者", timeout=PATIENCE)
        hand.follow("看可报名的班")
        hand.taps += 1
        page.locator(f"a[href$='/{shift.public_id}']").click()
        hand.press("报名这一班")
        expect(page.locator("main .badge").first).to_have_text("已报名", timeout=PATIENCE)
    finally:
        context.close()
    assert time.monotonic() - began < TWO_MINUTES
    assert hand.taps <= MOST_TAPS
    assert (
        house.ask(
            "SELECT v.state || ' ' || t.name FROM volunteers v JOIN teams t ON t.id = v.team_id WHERE v.name = '新来'"
        )
        == "accepted 突击队"
    )
    assert house.ask("SELECT count(*) FROM signups WHERE shift_id = ? AND state = 'placed'", shift.id) == 1
    assert house.ask("SELECT used_count FROM team_invitations WHERE public_id = ?", invitation) == 1
