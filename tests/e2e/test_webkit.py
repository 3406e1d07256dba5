"""The outbox on WebKit, the nearest thing to an iPhone that runs here; skipped where Debian's
webkit2gtk-driver and xvfb are not installed. Spoken to over plain WebDriver: one dependency less."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import COOKIE, House, Resident
from tests.e2e.phones import FORM, ORDER_FORM, ORDERS, Link, until

BROWSERS = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
pytestmark = pytest.mark.skipif(
    not (shutil.which("WebKitWebDriver") and shutil.which("Xvfb") and BROWSERS),
    reason="webkit2gtk-driver or xvfb is not installed",
)


ANSWER_MS = 5000


class WebKit:
    """A session of WebKit's driver: the five commands that these tests need."""

    def __init__(self, port: int) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        options = {"binary": str(BROWSERS[-1]), "args": ["--automation"]}
        wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
        until(self._is_up, 30)
        self.path = f"/session/{self._post('/session', wanted)['sessionId']}"
        self._post(f"{self.path}/timeouts", {"script": ANSWER_MS})

    def _is_up(self) -> bool:
        try:
            return self.client.get("/status").status_code == 200
        except httpx.TransportError:
            return False

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    def open(self, url: str) -> None:
        self._post(f"{self.path}/url", {"url": url})

    def cookie(self, name: str, value: str) -> None:
        self._post(f"{self.path}/cookie", {"cookie": {"name": name, "value": value, "path": "/"}})

    def ask(self, script: str) -> Any:
        """What an asynchronous function body returns; None when the page was left before it could answer."""
        text = f"const done = arguments[0]; (async () => {{ {script} }})().then(done, (error) => done(String(error)));"
        answer = self.client.post(f"{self.path}/execute/async", json={"script": text, "args": []})
        if answer.status_code == 500 and answer.json()["value"]["error"] == "script timeout":
            return None
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    def close(self) -> None:
        self.client.delete(self.path)
        self.client.close()


@pytest.fixture
def webkit(tmp_path: Path) -> Iterator[WebKit]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    reading, writing = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x900x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        display = told.readline().strip()
    home = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": f":{display}"}
    driver = subprocess.Popen(
        ["WebKitWebDriver", f"--port={port}"], env=os.environ | home, stderr=subprocess.DEVNULL
    )
    session = None
    try:
        session = WebKit(port)
        yield session
    finally:
        if session:
            session.close()
        for process in (driver, screen):
            process.terminate()
            process.wait(10)


def test_the_outbox_on_webkit(webkit: WebKit, house: House, resident: Resident):
    link = Link(house.program.port)
    try:
        webkit.open(link.url + "/offline")
        webkit.cookie(COOKIE, house.cookie(resident.user))
        webkit.open(link.url + ORDER_FORM)
        until(lambda: webkit.ask("return Boolean(window.linli && window.linli.forms)") is True)
        link.order(link="refuse")
        webkit.ask(
            f"""document.querySelector("{FORM} input[type=number]").value = "1";
            document.querySelector("{FORM} > .button").click();"""
        )
        waiting = "return (await window.linli.store.all()).map((entry) => [entry.state, entry.why])"
        until(lambda: webkit.ask(waiting) == [["waiting", "network"]])
        assert "1" in webkit.ask("return document.getElementById('unsent').textContent")
        assert house.orders_of(resident) == 0
        # The reply to the first try is lost after the commit; the second gets the same order again.
        link.order(faults=[{"method": "POST", "path": ORDERS, "action": "cut", "times": 2}])
        webkit.ask("await window.linli.sendNow()")
        until(lambda: house.orders_of(resident) == 1)
        assert webkit.ask(waiting) != []
        while link.seen(f"cut {ORDERS}") < 2:
            webkit.ask("await window.linli.sendNow()")
        webkit.ask("window.linli.sendNow()")
        until(lambda: webkit.ask("return (await window.linli?.store.all())?.length") == 0)
        assert house.orders_of(resident) == 1
    finally:
        link.close()
