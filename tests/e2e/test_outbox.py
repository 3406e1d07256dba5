"""The outbox that cannot lie. Each test ends with the same question to the database: exactly one order?"""

import re
import threading
import time

import httpx
from playwright.sync_api import expect

from tests.e2e.phones import (
    FORM,
    ORDER_FORM,
    ORDERS,
    PATIENCE,
    STAND,
    Phone,
    entries,
    kept_paths,
    ready,
    send_now,
    until,
)
from webapp.base.permissions import Role

BUSY = {"method": "POST", "path": ORDERS, "action": "answer", "status": 503}
CAPTIVE = {
    "action": "answer",
    "status": 200,
    "body": "<!doctype html><title>Free Wi-Fi</title><form action=/login><input name=user></form>",
    "times": 1000,
}


def test_an_order_made_without_network_survives_a_reload_and_goes_out(phone, orders):
    phone.keep(ORDER_FORM)
    phone.context.set_offline(True)
    ready(phone.page)
    phone.choose()
    began = time.perf_counter()
    phone.press()
    phone.expect_waiting()
    print(f"tap to 'not sent yet', offline: {(time.perf_counter() - began) * 1000:.0f} ms")
    phone.page.reload()
    ready(phone.page)
    phone.expect_waiting()
    assert orders() == 0
    began = time.perf_counter()
    phone.context.set_offline(False)
    phone.expect_sent()
    print(f"network back to sent: {(time.perf_counter() - began) * 1000:.0f} ms")
    assert orders() == 1


def test_an_order_survives_a_restart_of_the_browser(restartable_phone, orders):
    phone = restartable_phone()
    phone.open_form()
    phone.context.set_offline(True)
    phone.order()
    phone.expect_waiting()
    phone.context.close()
    assert orders() == 0
    phone = restartable_phone()
    phone.open("/")
    phone.expect_sent()
    assert orders() == 1


def test_a_reply_lost_after_the_commit_makes_no_second_order(make_phone, orders):
    # Without a service worker, whose sync event would try again at once.
    phone = make_phone(service_workers="block")
    phone.open_form()
    # Chromium itself sends a POST again when a warm connection dies: two replies are lost.
    phone.link.order(faults=[{"method": "POST", "path": ORDERS, "action": "cut", "times": 2}])
    phone.order()
    phone.expect_waiting()
    assert orders() == 1
    while phone.link.seen(f"cut {ORDERS}") < 2:
        send_now(phone.page)
    send_now(phone.page)
    phone.expect_sent()
    assert phone.link.seen(f"POST {ORDERS}") >= 3
    assert orders() == 1


def test_503_twice_is_waiting_and_never_a_refusal(phone, orders):
    phone.open_form()
    phone.link.order(
        faults=[{"method": "POST", "path": ORDERS, "action": "answer", "status": 503, "times": 2}]
    )
    phone.order()
    phone.expect_waiting()
    send_now(phone.page)
    phone.expect_waiting()
    assert [entry["state"] for entry in entries(phone.page)] == ["waiting"]
    assert orders() == 0
    send_now(phone.page)
    phone.expect_sent()
    assert phone.link.seen(f"answer {ORDERS}") == 2
    assert orders() == 1


def test_a_tab_killed_in_flight_leaves_one_order(phone, orders):
    phone.open_form()
    phone.link.order(faults=[{"method": "POST", "path": ORDERS, "action": "hold", "times": 1}])
    phone.order()
    until(lambda: phone.link.seen(f"hold {ORDERS}") == 1 and orders() == 1)
    phone.page.close()
    phone.page = phone.context.new_page()
    phone.open("/")
    phone.expect_sent()
    assert phone.link.seen(f"POST {ORDERS}") == 2
    assert orders() == 1


def test_two_tabs_and_ten_flushes_send_one_entry_once(phone, orders):
    phone.open_form()
    other = phone.context.new_page()
    phone.open("/", other)
    phone.link.order(link="refuse")
    phone.order()
    phone.expect_waiting()
    phone.link.order()
    for page in (phone.page, other):
        page.evaluate("() => { for (let n = 0; n < 5; n += 1) window.linli.sendNow(); }")
    phone.expect_sent(other)
    send_now(other)
    assert phone.link.seen(f"POST {ORDERS}") == 1
    assert orders() == 1


def test_without_a_session_the_order_is_kept_until_the_person_signs_in_again(
    phone, orders, sign_in, resident
):
    phone.open_form()
    phone.context.clear_cookies()
    phone.order()
    phone.expect_waiting()
    expect(phone.page.locator(f"{STAND} a[href='/accounts/sign-in']")).to_be_visible(timeout=PATIENCE)
    assert orders() == 0
    phone.open("/accounts/sign-in")
    expect(phone.page.locator("#said-kept")).to_contain_text("1", timeout=PATIENCE)
    sign_in(phone.context, resident)
    phone.open("/")
    phone.expect_sent()
    assert orders() == 1


def test_another_person_on_the_phone_neither_sees_nor_sends_it(phone, orders, sign_in, resident, neighbour):
    phone.open_form()
    phone.link.order(link="refuse")
    phone.order()
    phone.expect_waiting()
    phone.link.order()
    phone.context.clear_cookies()
    sign_in(phone.context, neighbour)
    phone.open("/outbox")
    ready_list(phone)
    send_now(phone.page)
    expect(phone.page.locator("#entries li")).to_have_count(0)
    expect(phone.unsent()).to_be_hidden()
    assert len(entries(phone.page)) == 1
    assert (orders(), orders(neighbour)) == (0, 0)
    phone.context.clear_cookies()
    sign_in(phone.context, resident)
    phone.open("/outbox")
    phone.expect_sent()
    assert (orders(), orders(neighbour)) == (1, 0)


def test_without_a_service_worker_the_queue_works_from_page_load_alone(make_phone, orders):
    phone = make_phone(service_workers="block")
    phone.open_form()
    phone.link.order(link="refuse")
    phone.order()
    phone.expect_waiting()
    assert orders() == 0
    phone.link.order()
    phone.open("/")
    phone.expect_sent()
    assert orders() == 1


def test_a_captive_portal_that_answers_200_is_not_believed(phone, orders):
    phone.open_form()
    phone.link.order(faults=[CAPTIVE | {"method": "POST", "path": ORDERS}])
    phone.order()
    phone.expect_waiting()
    phone.link.order(faults=[CAPTIVE | {"method": method, "path": path} for method, path in PORTAL])
    send_now(phone.page)
    phone.expect_waiting()
    assert [entry["state"] for entry in entries(phone.page)] == ["waiting"]
    assert orders() == 0
    phone.link.order()
    send_now(phone.page)
    phone.expect_sent()
    assert orders() == 1


PORTAL = (("POST", ORDERS), ("GET", "/session"))


def test_two_hundred_posts_with_one_key_are_one_order(phone, orders):
    phone.open_form()
    phone.choose()
    body = phone.page.evaluate(
        """(form) => {
            const data = new FormData(document.querySelector(form));
            data.delete("_key");
            return Object.fromEntries(data);
        }""",
        FORM,
    )
    csrf = phone.page.evaluate("async () => (await (await fetch('/session')).json()).csrf")
    cookies = {cookie["name"]: cookie["value"] for cookie in phone.context.cookies()}
    key = "one-key-for-two-hundred"
    headers = {
        "Idempotency-Key": key,
        "Accept": "application/json",
        "X-CSRFToken": csrf,
    }
    answers: list[httpx.Response] = []

    def post_many(count):
        with httpx.Client(base_url=phone.link.url, cookies=cookies, headers=headers, timeout=60) as client:
            answers.extend(client.post(ORDERS, data=body) for _ in range(count))

    threads = [threading.Thread(target=post_many, args=(10,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 200
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["Linli-Receipt"] for answer in answers} == {key}
    assert len({answer.json()["location"] for answer in answers}) == 1
    assert orders() == 1


def test_over_plain_http_the_order_and_the_outbox_work(make_phone, orders):
    phone = make_phone(host="linli.test")
    phone.open_form()
    assert phone.page.evaluate(
        "() => [isSecureContext, 'serviceWorker' in navigator, 'locks' in navigator]"
    ) == [
        False,
        False,
        False,
    ]
    expect(phone.page.locator("#insecure")).to_be_visible()
    phone.link.order(link="refuse")
    phone.order()
    phone.expect_waiting()
    assert orders() == 0
    phone.link.order()
    for _ in range(5):
        phone.page.evaluate("() => { window.linli.sendNow(); }")
    phone.expect_sent()
    assert phone.link.seen(f"POST {ORDERS}") == 1
    assert orders() == 1


def test_with_all_pages_closed_the_service_worker_sends_at_a_sync_event(phone, orders):
    phone.keep("/")
    phone.open_form()
    devtools = phone.context.new_cdp_session(phone.page)
    found = {}
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated", lambda event: found.update(event["registrations"][0])
    )
    devtools.send("ServiceWorker.enable")
    until(lambda: phone.page.wait_for_timeout(50) or "registrationId" in found)
    phone.link.order(link="refuse")
    phone.order()
    phone.expect_waiting()
    phone.page.goto("about:blank")
    phone.link.order()
    devtools.send(
        "ServiceWorker.dispatchSyncEvent",
        {
            "origin": phone.link.url,
            "registrationId": found["registrationId"],
            "tag": "outbox",
            "lastChance": True,
        },
    )
    until(lambda: phone.page.wait_for_timeout(50) or orders() == 1)
    phone.open("/")
    phone.expect_sent()
    assert orders() == 1


def test_a_refusal_is_shown_with_its_reason_and_what_was_typed(phone, orders):
    phone.open_form()
    phone.choose(0)
    phone.press()
    expect(phone.page.locator(f"{STAND}.bad")).to_be_visible(timeout=PATIENCE)
    assert [entry["state"] for entry in entries(phone.page)] == ["rejected"]
    phone.open("/outbox")
    expect(phone.page.locator("#entries li")).to_have_count(1)
    phone.page.locator("[data-at=edit]").click()
    ready(phone.page)
    expect(phone.page.locator(f"{STAND}.bad")).to_be_visible(timeout=PATIENCE)
    phone.order()
    phone.expect_sent()
    assert orders() == 1


def test_nobody_signs_out_of_what_is_not_sent_and_pages_go_with_the_person(phone, orders):
    phone.keep("/")
    phone.open_form()
    phone.link.order(link="refuse")
    phone.order()
    phone.expect_waiting()
    phone.link.order(
        faults=[{"method": "POST", "path": ORDERS, "action": "answer", "status": 503, "times": 99}]
    )
    phone.open("/accounts/me")
    ready(phone.page)
    leave = phone.page.locator("form[data-sign-out] .button")
    leave.click()
    expect(phone.page.locator("#said-out")).to_be_visible(timeout=PATIENCE)
    assert phone.page.url.endswith("/accounts/me")
    phone.link.order()
    send_now(phone.page)
    phone.expect_sent()
    leave.click()
    phone.page.wait_for_url(re.compile("(?!.*accounts/me)"), timeout=PATIENCE)
    until(lambda: not kept_paths(phone.page))
    assert orders() == 1


def test_a_page_from_the_phone_says_since_when_and_shows_no_stock(phone):
    phone.keep("/")
    phone.keep(ORDER_FORM)
    phone.context.set_offline(True)
    phone.open(ORDER_FORM)
    expect(phone.page.locator("#said-saved")).to_be_visible(timeout=PATIENCE)
    for live in phone.page.locator(".live").all():
        expect(live).to_be_hidden()
    phone.open("/style-guide?text_size=large")
    expect(phone.page.locator("[data-offline] h1")).to_be_visible()
    phone.context.set_offline(False)
    phone.open(ORDER_FORM)
    expect(phone.page.locator("#said-saved")).to_be_hidden(timeout=PATIENCE)


def ready_list(phone: Phone) -> None:
    phone.page.wait_for_function("() => window.linli", timeout=PATIENCE)


def test_a_new_price_is_agreed_to_with_one_tap(phone, orders, house, resident):
    phone.open_form()
    phone.link.order(link="refuse")
    phone.order()
    phone.expect_waiting()
    bag = house.round.bags[0]
    house.change(
        "UPDATE round_bags SET price_fen = 3500, price_version = price_version + 1 WHERE public_id = ?", bag
    )
    phone.link.order()
    send_now(phone.page)
    expect(phone.page.locator(f"{STAND}.bad")).to_contain_text("35", timeout=PATIENCE)
    assert orders() == 0
    phone.page.locator(f"{STAND} button").click()
    phone.expect_sent()
    assert orders() == 1
    paid = house.ask("SELECT total_fen FROM orders WHERE household_id = ?", resident.household.id)
    assert paid == 3500


def test_a_second_order_of_the_household_is_refused_and_one_tap_changes_the_first(
    phone, orders, house, resident
):
    phone.open_form()
    phone.link.order(link="refuse")
    phone.choose(2)
    phone.press()
    phone.expect_waiting()
    house.order(resident)
    phone.link.order()
    send_now(phone.page)
    expect(phone.page.locator(f"{STAND}.bad")).to_be_visible(timeout=PATIENCE)
    assert orders() == 1
    phone.page.locator(f"{STAND} button").click()
    phone.expect_sent()
    assert orders() == 1
    count = house.ask(
        "SELECT sum(wanted_count) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.household_id = ?",
        resident.household.id,
    )
    assert count == 2


def test_a_new_version_waits_until_the_person_says_so(phone):
    phone.keep("/")
    phone.open_form()
    phone.choose()
    worker = phone.page.evaluate("async () => (await fetch('/sw.js')).text()")
    head = {"Content-Type": "text/javascript", "Cache-Control": "no-cache"}
    newer = {"action": "answer", "status": 200, "headers": head, "body": worker + "\n// newer"}
    phone.link.order(faults=[newer | {"method": "GET", "path": "/sw.js", "times": 99}])
    phone.page.evaluate("async () => { await (await navigator.serviceWorker.getRegistration()).update(); }")
    offer = phone.page.locator("#said-update")
    expect(offer).to_be_visible(timeout=PATIENCE)
    offer.locator("button").click()
    taken_over = "async () => (await navigator.serviceWorker.getRegistration()).waiting === null"
    until(lambda: phone.page.evaluate(taken_over))
    # The form that is being filled in was not loaded away.
    expect(phone.page.locator(f"{FORM} input[type=number]").first).to_have_value("1")


def test_a_long_form_is_kept_as_a_draft_of_its_writer(browser, house):
    context = browser.new_context(service_workers="block")
    try:
        house.sign_in(context, house.staff[Role.COMMUNITY_HEAD])
        page = context.new_page()
        page.goto(house.url + "/supplies/rounds/new")
        ready(page)
        limit = page.locator("[name=household_limit]")
        assert limit.input_value() != "3"
        limit.fill("3")
        kept = """async () => {
            const open = indexedDB.open("linli");
            await new Promise((done) => { open.onsuccess = done; });
            const all = open.result.transaction("drafts").objectStore("drafts").getAll();
            await new Promise((done) => { all.onsuccess = done; });
            open.result.close();
            return all.result.length;
        }"""
        until(lambda: page.evaluate(kept) == 1)
        page.goto(house.url + "/")
        page.goto(house.url + "/supplies/rounds/new")
        expect(limit).to_have_value("3", timeout=PATIENCE)
    finally:
        context.close()


def test_without_scripts_a_form_that_the_browser_sends_twice_is_one_order(make_phone, orders):
    phone = make_phone(java_script_enabled=False)
    # The warm connection dies with the reply on it, and Chromium sends the POST again by itself.
    phone.link.order(faults=[{"method": "POST", "path": ORDERS, "action": "cut"}])
    phone.open(ORDER_FORM)
    phone.choose()
    phone.press()
    phone.page.wait_for_url(re.compile(r"/supplies/orders/\w{15,}"))
    assert phone.link.seen(f"POST {ORDERS}") == 2
    assert orders() == 1


def test_who_signed_out_elsewhere_does_not_keep_reading(phone, house, resident):
    phone.keep("/")
    assert kept_paths(phone.page)
    house.change("DELETE FROM sign_ins WHERE user_id = ?", resident.user.id)
    phone.open("/")
    expect(phone.page.locator("html[data-user]")).to_have_count(0, timeout=PATIENCE)
