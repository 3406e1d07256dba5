"""A person with a phone: what the tests press and read, in one place."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Error, Page, expect

ORDER_FORM = "/supplies/orders/new"
ORDERS = "/supplies/orders"
PHONE = {"width": 360, "height": 740}
FORM = f"form[data-outbox][action='{ORDERS}']"
STAND = f"{FORM} [data-stand]"
PATIENCE = 15_000


class Link:
    """The network between the phone and the server: a fault proxy process."""

    def __init__(self, target: int, host: str = "localhost") -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("fault_proxy.py")), str(target)],
            stdout=subprocess.PIPE,
            text=True,
        )
        port, control = map(int, self.process.stdout.readline().split())
        self.url = f"http://{host}:{port}"
        self.port = port
        self._control = socket.create_connection(("127.0.0.1", control), timeout=10)
        self._answers = self._control.makefile()

    def order(self, **orders: Any) -> dict[str, int]:
        """Break or mend the link; no arguments: all is well again."""
        return self._say(orders)

    def seen(self, what: str) -> int:
        """How often a request ("POST /path") or a fault ("cut /path") was seen."""
        return self._say("seen").get(what, 0)

    def _say(self, message: Any) -> dict[str, int]:
        self._control.sendall(json.dumps(message).encode() + b"\n")
        found: dict[str, int] = json.loads(self._answers.readline())
        return found

    def close(self) -> None:
        self._answers.close()
        self._control.close()
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


class Phone:
    """A browser context with the moves of a resident."""

    def __init__(self, context: BrowserContext, link: Link) -> None:
        self.context = context
        self.link = link
        self.page = context.pages[0] if context.pages else context.new_page()

    def open(self, path: str, page: Page | None = None) -> Page:
        page = page or self.page
        page.goto(self.link.url + path)
        return page

    def open_form(self) -> Page:
        """The order form with its scripts at work."""
        self.open(ORDER_FORM)
        ready(self.page)
        return self.page

    def choose(self, count: int = 1) -> None:
        """So many of the first bag."""
        self.page.locator(f"{FORM} input[type=number], {FORM} input[type=radio][data-name]").first.wait_for()
        number = self.page.locator(f"{FORM} input[type=number]")
        if number.count():
            number.first.fill(str(count))
        else:
            self.page.locator(f"{FORM} input[type=radio][value='{count}']").first.check()

    def press(self) -> None:
        self.page.locator(f"{FORM} .button:not(.second):not([data-step]):not([data-stand] *)").last.click()

    def order(self) -> None:
        self.choose()
        self.press()

    def unsent(self, page: Page | None = None) -> Any:
        return (page or self.page).locator("#unsent")

    def expect_waiting(self) -> None:
        """The try is over, and the page says that it is not sent yet."""
        expect(self.page.locator("form[data-busy]")).to_have_count(0, timeout=PATIENCE)
        expect(self.page.locator(f"{STAND}.warn")).to_be_visible(timeout=PATIENCE)
        expect(self.unsent()).to_be_visible()

    def expect_sent(self, page: Page | None = None) -> None:
        """Nothing waits on this phone any more, and the page says nothing else."""
        page = page or self.page
        until(lambda: entries(page) == [])
        expect(self.unsent(page)).to_be_hidden(timeout=PATIENCE)

    def wait_for_worker(self) -> None:
        """The service worker controls the page and has kept this address."""
        self.page.wait_for_function("() => navigator.serviceWorker.controller !== null", timeout=PATIENCE)

    def keep(self, path: str) -> None:
        """Visit until the phone has a copy of the page for a day without network."""
        self.open(path)
        self.wait_for_worker()
        self.page.reload()
        until(lambda: path in kept_paths(self.page))


def kept_paths(page: Page) -> list[str]:
    """The pages that this phone keeps, of whoever was here."""
    found: list[str] = ask(
        page,
        """async () => {
            const names = (await caches.keys()).filter((name) => name.startsWith("linli-pages"));
            const requests = names.map(async (name) => (await caches.open(name)).keys());
            return (await Promise.all(requests)).flat().map(({ url }) => new URL(url).pathname);
        }""",
    )
    return found


def until(holds: Callable[[], bool], seconds: float = PATIENCE / 1000) -> None:
    """Wait for something that is true soon."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.05)


def ready(page: Page) -> None:
    page.wait_for_function("() => window.linli && window.linli.forms", timeout=PATIENCE)


def ask(page: Page, script: str) -> Any:
    """Ask a page that may be on its way to the next one: a sent order takes the person to it."""
    for _ in range(20):
        try:
            page.wait_for_function("() => window.linli", timeout=PATIENCE)
            return page.evaluate(script)
        except Error as error:
            if "navigation" not in str(error) and "closed" not in str(error):
                raise
            page.wait_for_timeout(100)
    raise AssertionError("the page never came to rest")


def entries(page: Page) -> list[dict[str, Any]]:
    """Everything that waits on this phone, whoever it belongs to."""
    found: list[dict[str, Any]] = ask(page, "() => window.linli.store.all()")
    return found


def send_now(page: Page) -> None:
    """What the button "send again" does."""
    ask(page, "() => window.linli.sendNow()")


def close_quietly(context: BrowserContext) -> None:
    with suppress(Exception):
        context.close()
