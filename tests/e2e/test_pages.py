"""Every page that a role can reach, in both languages, as axe, a narrow screen and doubled type see it."""

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.exceptions import HTTPException

from tests.e2e.conftest import House
from tests.e2e.phones import PHONE, until
from webapp.base.permissions import Role

AXE = (Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
RUN_AXE = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.map(({id, help, nodes}) => `${id}: ${help} — ${nodes.map((node) => node.html).join(" | ")}`);
}"""
WIDEST = """() => [...document.querySelectorAll("main *")]
    .map((part) => [part.getBoundingClientRect().right, part])
    .sort(([one], [two]) => two - one)[0][1].outerHTML.slice(0, 300)"""
NARROW = {"width": 320, "height": 640}
VISITOR, RESIDENT, WAITING, NO_HOME = "visitor", "resident", "waiting", "no_home"
READERS = (
    VISITOR,
    RESIDENT,
    WAITING,
    NO_HOME,
    Role.COMMUNITY_HEAD,
    Role.BUILDING_LEAD,
    Role.GRID_WORKER,
    Role.TOWN_DISPATCHER,
    Role.ADMINISTRATOR,
)
# Without an argument in the address, and not linked from everywhere.
ALSO = ("/style-guide", "/outbox", "/offline", "/households/join")
FILES = (".pdf", ".csv", ".xlsx", ".ics")
NO_PAGES = ("/static/", "/healthz", "/session", "/sw.js", "/manifest.webmanifest")
# Bold white on the green that everybody knows has 6.6:1; all else has 7:1.
GREEN_FILLS = [".button:not(.second, .danger, .quiet)", ".plate"]
PRESSED = (
    ".button, .tabs a, .foot button, .choice, .tel, summary, select, "
    ".field input:not([type=radio], [type=checkbox])"
)


@contextmanager
def reading(
    house: House, browser: Browser, reader: str, language: str, size: str = "normal", **options: Any
) -> Iterator[Page]:
    """A page of this reader, in the language and size that their profile, or a visitor's cookies, ask for."""
    context = browser.new_context(viewport=PHONE, service_workers="block", **options)
    try:
        if reader != VISITOR:
            house.set_reading(house.readers[reader], language, size)
            house.sign_in(context, house.readers[reader])
        chosen = {"linli_language": language, "linli_text_size": size}
        context.add_cookies(
            [{"name": name, "value": each, "url": house.url} for name, each in chosen.items()]
        )
        yield context.new_page()
    finally:
        context.close()


def endpoint_of(house: House, path: str) -> str | None:
    """The view behind an address of our own; None for files and what is no page."""
    if path.startswith(NO_PAGES) or path.endswith(FILES):
        return None
    try:
        endpoint, _arguments = house.app.url_map.bind("localhost").match(path, method="GET")
    except HTTPException:
        return None
    return str(endpoint)


def walk(house: House, page: Page) -> Iterator[str]:
    """Go through every page that can be reached by links, one address for each view."""
    waiting, seen = deque(["/", *ALSO, *arguments_free(house)]), set()
    while waiting:
        path = waiting.popleft()
        endpoint = endpoint_of(house, urlsplit(path).path)
        if endpoint is None or endpoint in seen:
            continue
        seen.add(endpoint)
        answer = page.goto(house.url + path)
        assert answer is not None
        if answer.headers.get("content-type", "").startswith("text/html") and answer.status == 200:
            waiting.extend(
                page.eval_on_selector_all("a[href^='/']", "(all) => all.map((a) => a.getAttribute('href'))")
            )
            yield path


def arguments_free(house: House) -> list[str]:
    return sorted(
        rule.rule for rule in house.app.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments
    )


# A head has some eighty pages, each looked at by axe and at two widths.
@pytest.mark.timeout(420)
@pytest.mark.parametrize(
    ("language", "theme", "size"), [("zh_Hans", "light", "normal"), ("en", "dark", "xlarge")]
)
@pytest.mark.parametrize("reader", READERS)
def test_every_page_of(reader, language, theme, size, house, browser):
    """axe finds nothing, nothing scrolls sideways at 320 px or with doubled type, nothing is said to the console."""
    faults: list[str] = []
    with reading(house, browser, reader, language, size, color_scheme=theme) as page:
        page.on(
            "console",
            lambda said: said.type == "error" and faults.append(f"{page.url} console: {said.text}"),
        )
        page.on("pageerror", lambda error: faults.append(f"{page.url} script: {error}"))
        count = 0
        for path in walk(house, page):
            count += 1
            faults += [f"{path} {fault}" for fault in look_at(page)]
        # Walking meets pages that are not this reader's; that they say so is no fault.
        faults = [fault for fault in faults if not re.search(r"status of 40[134]", fault)]
    assert not faults, "\n".join(faults)
    assert count >= (8 if reader != VISITOR else 5)


def look_at(page: Page) -> list[str]:
    page.evaluate(AXE)
    faults: list[str] = page.evaluate(RUN_AXE)
    for size, viewport in (("", NARROW), ("34px", PHONE)):
        page.set_viewport_size(viewport)
        page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", size)
        width = page.evaluate("() => document.documentElement.scrollWidth")
        if width > viewport["width"]:
            what = page.evaluate(WIDEST)
            faults.append(
                f"scrolls sideways: {width} px of {viewport['width']} {'doubled type' if size else ''}: {what}"
            )
    page.set_viewport_size(PHONE)
    page.evaluate("() => { document.documentElement.style.fontSize = ''; }")
    return faults


@pytest.mark.parametrize(("size", "least"), [("normal", 48), ("large", 56), ("xlarge", 64)])
def test_what_is_pressed_is_large_enough(size, least, house, browser):
    with reading(house, browser, RESIDENT, "zh_Hans", size) as page:
        for path in ("/", "/supplies/orders", "/accounts/me", "/style-guide?text_size=" + size):
            page.goto(house.url + path)
            small = page.evaluate(
                """([parts, least]) => [...document.querySelectorAll(parts)]
                    .filter((part) => part.checkVisibility() && part.getBoundingClientRect().height < least - 0.5)
                    .map((part) => part.outerHTML)""",
                [PRESSED, least],
            )
            assert not small, f"{path}: {small}"


def test_text_keeps_seven_to_one_by_day_and_night(house, browser):
    for theme in ("light", "dark"):
        with reading(house, browser, RESIDENT, "zh_Hans") as page:
            page.goto(f"{house.url}/style-guide?theme={theme}")
            page.evaluate(AXE)
            found = page.evaluate(
                """async (fills) => {
                    const rules = {"color-contrast-enhanced": {enabled: true}};
                    const where = {include: document, exclude: fills};
                    const found = await axe.run(where, {rules, runOnly: ["color-contrast-enhanced"]});
                    const nodes = found.violations.flatMap(({nodes}) => nodes);
                    return nodes.map((node) => node.html + node.failureSummary);
                }""",
                GREEN_FILLS,
            )
            assert found == [], theme


def test_an_order_by_keyboard_alone(house, browser):
    somebody = house.resident("键盘")
    with reading(house, browser, VISITOR, "zh_Hans") as page:
        house.sign_in(page.context, somebody.user)
        page.goto(house.url + "/")
        tab_to(page, "a[href^='/supplies/orders/new']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/supplies/orders/new*")
        page.wait_for_function("() => window.linli && window.linli.forms")
        tab_to(page, "form[data-outbox] input[type=number]")
        page.keyboard.type("1")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowDown")
        tab_to(page, "form[data-outbox] > .button")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/supplies/orders/\w{10,}"))
    assert house.orders_of(somebody) == 1


def test_an_order_takes_three_taps_and_from_the_poster_at_most_ten(house, browser):
    somebody = house.resident("大字")
    taps = 0

    def tap(selector: str) -> None:
        nonlocal taps
        taps += 1
        page.locator(selector).first.tap()

    with reading(house, browser, VISITOR, "zh_Hans", "xlarge", has_touch=True) as page:
        page.goto(house.url + "/")
        tap("main a[href^='/accounts/sign-in']")
        tap("[name=phone]")
        page.keyboard.type(somebody.user.phone)
        tap("main form:has([name=phone]) > .button")
        tap("[name=code]")
        page.keyboard.type(code_sent_to(house, somebody.user.phone))
        tap("main form:has([name=code]) > .button")
        page.wait_for_url(house.url + "/")
        signed_in = taps
        tap("main a.button[href^='/supplies/orders/new']")
        tap("form[data-outbox] [data-step='1']")
        tap("form[data-outbox] > .button")
        page.wait_for_url(re.compile(r"/supplies/orders/\w{15,}"))
    assert house.orders_of(somebody) == 1
    assert taps - signed_in == 3
    assert taps <= 10


def code_sent_to(house: House, phone: str) -> str:
    """The code as the console of a development server shows it."""
    found: list[str] = []

    def is_there() -> bool:
        text = house.program.log.read_text(encoding="utf-8")
        found.extend(re.findall(rf"{phone}\D.*?(\d{{6}})", text)[-1:])
        return bool(found)

    until(is_there)
    return found[-1]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the first such element has the focus; whatever has it on the way must show it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        state = page.evaluate(
            """(selector) => {
                const focused = document.activeElement;
                const style = getComputedStyle(focused);
                const shown = style.outlineStyle !== "none" || focused.matches("body");
                return [focused.matches(selector), shown, focused.outerHTML.slice(0, 200)];
            }""",
            selector,
        )
        assert state[1], f"focus is invisible on {state[2]}"
        if state[0]:
            return
    pytest.fail(f"{selector} cannot be reached by Tab")


def test_the_app_can_be_installed(restartable_phone):
    phone = restartable_phone()
    phone.open("/")
    phone.wait_for_worker()
    devtools = phone.context.new_cdp_session(phone.page)
    assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    assert devtools.send("Page.getAppManifest")["errors"] == []
