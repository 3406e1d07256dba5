"""What a resident's phone has to fetch, in bytes that fail a build, and how long that takes, which is only printed.

Sizes are of the files and pages as they are served; the first visit is what went over the wire of a proxy, heads
included, to a browser with nothing in its cache, until the service worker has what it keeps.
"""

import gzip
import os
import re
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from bench import fill
from bench.stage import databases
from tests.e2e.phones import PHONE, Link, kept_paths, until

HOME, ORDER_PAGE = "/", "/supplies/orders/new"
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
DIST = Path(__file__).resolve().parent.parent / "webapp/static/dist"
# 400 kbit/s and 400 ms of round trip; a new connection costs one for TCP and one for TLS.
SLOW_3G = {"handshake": 0.8, "delay": 0.4, "rate": 50_000}
RUNS = 5
VITALS = """() => new Promise((done) => {
    const found = {lcp: 0, shift: 0, blocked: 0};
    const watch = (type, each) =>
        new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({type, buffered: true});
    watch("largest-contentful-paint", (entry) => { found.lcp = entry.startTime; });
    watch("layout-shift", (entry) => { found.shift += entry.hadRecentInput ? 0 : entry.value; });
    watch("longtask", (entry) => { found.blocked += Math.max(0, entry.duration - 50); });
    setTimeout(() => done(found), 500);
})"""


def run() -> dict[str, float]:
    """Sizes, the first visit, and the printed times."""
    with databases("sqlite") as made:
        stage = made.make("bytes")
        with stage.app.app_context():
            community = fill.community(stage.app, households=300)
            fill.shelf(community, bags=(10**6, 10**6, 10**6), number=11)
        resident = community.residents[7]
        client = stage.app.test_client(use_cookies=False)
        pages = {
            path: client.get(path, headers={"Cookie": resident.cookie}).get_data(as_text=True)
            for path in (HOME, ORDER_PAGE)
        }
        for path, text in pages.items():
            if "data-user" not in text:
                raise SystemExit(f"{path} came back signed out")
        found = sizes(pages) | files()
        server = stage.serve()
        name, value = resident.cookie.split("=", 1)
        with browser() as chromium:
            found |= first_visit(chromium, server.port, name, value)
            found |= times(chromium, server.port, name, value)
    return found


def sizes(pages: dict[str, str]) -> dict[str, float]:
    """The largest of the pages without its inline style, and that style, each packed by gzip."""
    bare = {path: len(packed(STYLE.sub("<style></style>", text))) for path, text in pages.items()}
    style = STYLE.search(pages[HOME])
    return {
        "html_gzip": max(bare.values()),
        "html_gzip_home": bare[HOME],
        "html_gzip_order": bare[ORDER_PAGE],
        "css_gzip": len(packed(style[1])) if style else 0,
    }


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), 9, mtime=0)


def files() -> dict[str, float]:
    """The built scripts as brotli: what every page has, the service worker, and the largest island of a page."""
    found = {path.name.split(".")[0]: path.stat().st_size for path in DIST.glob("*.js.br")}
    islands = [size for name, size in found.items() if name not in {"app", "sw"}]
    return {
        "app_js_brotli": found["app"],
        "sw_js_brotli": found["sw"],
        "page_js_brotli": max(islands),
    }


@contextmanager
def browser() -> Iterator[Browser]:
    """The Chromium of the machine, without flags."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path)
        yield chromium
        chromium.close()


def _visit(chromium: Browser, link: Link, name: str, value: str) -> BrowserContext:
    context = chromium.new_context(viewport=PHONE)
    context.add_cookies([{"name": name, "value": value, "url": link.url}])
    return context


def first_visit(chromium: Browser, port: int, name: str, value: str) -> dict[str, float]:
    """Bytes and requests of a home page on a phone that was never here."""
    link = Link(port)
    context = _visit(chromium, link, name, value)
    try:
        page = context.new_page()
        page.goto(link.url + HOME)
        page.wait_for_function(
            "async () => (await navigator.serviceWorker.ready).active.state === 'activated'"
        )
        quiet = link.seen("requests")
        page.wait_for_timeout(500)
        until(lambda: link.seen("requests") == quiet or page.wait_for_timeout(500))
        return {"first_visit": link.seen("bytes"), "first_visit_requests": link.seen("requests")}
    finally:
        context.close()
        link.close()


def times(chromium: Browser, port: int, name: str, value: str) -> dict[str, float]:
    """Largest paint cold on slow 3G and warm on a dead link; blocking and shift with a quarter of the CPU."""
    cold, warm, blocked, shifts = [], [], [], []
    for _ in range(RUNS):
        link = Link(port)
        context = _visit(chromium, link, name, value)
        try:
            page = context.new_page()
            link.order(**SLOW_3G)
            page.goto(link.url + HOME)
            cold.append(page.evaluate(VITALS)["lcp"] / 1000)
            page.wait_for_function(
                "async () => (await navigator.serviceWorker.ready).active.state === 'activated'"
            )
            link.order()
            page.goto(link.url + HOME)
            until(lambda page=page: HOME in kept_paths(page))
            link.order(link="blackhole")
            page.goto(link.url + HOME)
            warm.append(page.evaluate(VITALS)["lcp"] / 1000)
            link.order()
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
            page.goto(link.url + ORDER_PAGE)
            vitals = page.evaluate(VITALS)
            blocked.append(vitals["blocked"])
            shifts.append(vitals["shift"])
        finally:
            context.close()
            link.close()
    middle: Any = statistics.median
    return {
        "lcp_cold_3g_s": middle(cold),
        "lcp_warm_dead_link_s": middle(warm),
        "total_blocking_ms_cpu_4": middle(blocked),
        "layout_shift": middle(shifts),
    }
