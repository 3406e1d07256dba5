"""What is pushed is shown and opens its page; a phone says whether it can ring; the inbox is there without network."""

import json
from typing import Any
from urllib.parse import parse_qs

from playwright.sync_api import Page, expect

from tests.e2e.phones import PATIENCE, Phone, until
from tests.factories import make_deed
from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.ids import new_public_id
from webapp.domain.notifications.services import Notice, notify

CONTACTS = "/notifications/contacts"
INBOX = "/notifications"
PUSHED = {
    "id": "0123456789abcdefghijkl",
    "title": "邻里·北辰社区",
    "body": "紧急召集：今晚21:00北门岗亭",
    "page": "/notifications",
    "lang": "zh-Hans",
}
# A browser whose push service answers. Chrome's own cannot be reached from where the tests run.
ANSWERS = """
  let made = null;
  const subscription = {
    endpoint: "https://fcm.googleapis.com/fcm/send/one-two-three-four",
    toJSON() { return { endpoint: this.endpoint, keys: { p256dh: "B" + "A".repeat(86), auth: "A".repeat(22) } }; },
    async unsubscribe() { made = null; return true; },
  };
  PushManager.prototype.subscribe = async function (options) {
    window.askedWith = options;
    return (made = subscription);
  };
  PushManager.prototype.getSubscription = async () => made;
"""


def _push(phone: Phone, page: Page, data: str) -> None:
    """As a push service delivers it, by the browser's own tools."""
    tools = phone.context.new_cdp_session(page)
    found: list[str] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(each["registrationId"] for each in event["registrations"]),
    )
    tools.send("ServiceWorker.enable")
    for _ in range(100):
        if found:
            break
        page.wait_for_timeout(50)
    tools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": phone.link.url, "registrationId": found[0], "data": data},
    )


def _shown(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(
        """async () => {
            const registration = await navigator.serviceWorker.ready;
            const all = await registration.getNotifications();
            return all.map(({ title, body, data, tag }) => ({ title, body, page: data, id: tag }));
        }"""
    )
    return found


def _ready(phone: Phone) -> Page:
    phone.context.grant_permissions(["notifications"], origin=phone.link.url)
    page = phone.open("/accounts/me")
    phone.wait_for_worker()
    return page


def test_what_is_pushed_is_shown_once(phone):
    page = _ready(phone)
    for _ in range(2):
        _push(phone, page, json.dumps(PUSHED))
    until(lambda: _shown(page) != [])
    assert _shown(page) == [{key: PUSHED[key] for key in ("title", "body", "page", "id")}]


def test_what_nobody_can_read_is_still_said(phone):
    page = _ready(phone)
    _push(phone, page, "not json")
    until(lambda: _shown(page) != [])
    assert _shown(page)[0]["title"] == "邻里 Linli"


def _opened_by_a_press(phone: Phone, target: str) -> str:
    """Which address a press on a notification opens; the browser lets only people open windows, so it is overheard."""
    worker = phone.context.service_workers[0]
    opened: str = worker.evaluate(
        """async (target) => {
            await self.registration.showNotification("x", { data: target });
            const [notification] = (await self.registration.getNotifications()).slice(-1);
            let opened = "";
            self.clients.openWindow = async (address) => (opened = address);
            self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
            return opened;
        }""",
        target,
    )
    return opened


def test_a_press_opens_pages_of_our_own_only(phone):
    _ready(phone)
    assert _opened_by_a_press(phone, "/mobilization/summonses/one") == (
        f"{phone.link.url}/mobilization/summonses/one"
    )
    for foreign in ("https://evil.example/x", "//evil.example/x", "javascript:alert(1)"):
        assert _opened_by_a_press(phone, foreign) == "/notifications"


def test_who_signs_out_is_not_told_on_this_phone_any_more(phone):
    page = _ready(phone)
    worker = phone.context.service_workers[0]
    worker.evaluate(
        """() => {
            self.ended = 0;
            const subscription = { unsubscribe: async () => (self.ended += 1) };
            Object.getPrototypeOf(self.registration.pushManager).getSubscription = async () => subscription;
        }"""
    )
    page.get_by_role("button", name="大字", exact=True).first.click()
    page.wait_for_load_state()
    assert worker.evaluate("() => self.ended") == 0
    page.get_by_role("button", name="退出登录", exact=True).click()
    page.wait_for_url("**/accounts/sign-in")
    until(lambda: worker.evaluate("() => self.ended") == 1)


def test_a_phone_whose_push_service_is_away_says_so(phone):
    page = _ready(phone)
    phone.open(CONTACTS)
    ask = page.locator("[data-when=ask] button")
    expect(ask).to_be_visible(timeout=PATIENCE)
    ask.click()
    expect(page.locator("[data-when=failed]")).to_be_visible(timeout=PATIENCE)
    expect(ask).to_be_hidden()


def test_a_phone_that_can_ring_hands_over_its_address(phone):
    phone.context.add_init_script(ANSWERS)
    page = _ready(phone)
    phone.open(CONTACTS)
    sent: list[str] = []

    def hear(route: Any) -> None:
        sent.append(route.request.post_data or "")
        route.fulfill(status=204)

    phone.context.route("**/notifications/push", hear)
    page.locator("[data-when=ask] button").click()
    until(lambda: sent != [])
    form = parse_qs(sent[0])
    assert form["endpoint"] == ["https://fcm.googleapis.com/fcm/send/one-two-three-four"]
    assert (len(form["p256dh"][0]), len(form["auth"][0])) == (87, 22)
    assert form["csrf_token"]
    assert form["_key"]
    asked = page.evaluate("() => window.askedWith")
    assert asked["userVisibleOnly"] is True
    assert len(asked["applicationServerKey"]) == 87


def test_over_plain_http_one_line_says_what_is_missing(make_phone):
    phone = make_phone(host="linli.test")
    page = phone.open(CONTACTS)
    expect(page.locator("[data-when=none]")).to_be_visible()
    expect(page.locator("[data-when=ask]")).to_be_hidden()


def test_the_inbox_is_there_without_network(phone, house, resident):
    with house.app.app_context():
        _tell(house, resident)
    page = _ready(phone)
    phone.keep(INBOX)
    phone.context.set_offline(True)
    phone.open(INBOX)
    expect(page.locator("article")).to_have_count(1)
    expect(page.locator("article")).to_contain_text("已接收您当志愿者")
    # What needs the network is not offered; the page itself may be there.
    expect(page.get_by_role("button", name="打开看")).to_have_count(0)
    expect(page.get_by_role("link", name="打开看")).to_be_visible()


@db.writing
def _tell(house: Any, resident: Any) -> None:
    notice = Notice(
        person_id=resident.user.person_id,
        template="volunteer_accepted",
        reference=f"volunteer:{new_public_id()}",
        address="/volunteers/me",
    )
    notify(make_deed(Actor.system("test")), [notice], area_path=house.community.path)
