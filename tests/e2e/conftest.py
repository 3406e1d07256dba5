"""The processes of `make run` on a database of their own, people with phones, and a breakable link to them."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from tests.conftest import migrate
from tests.e2e.phones import PHONE, Link, Phone, close_quietly
from tests.factories import Factory, MadeArea, MadeHousehold, MadeRound, MadeUser
from tests.processes import SECRET, Program, serve_all, wait_until_up
from webapp import create_app
from webapp.base.permissions import Role
from webapp.domain.households.models import HouseholdState, MemberState

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
# A name that is neither localhost nor an address of this machine is no secure context over plain http.
PLAIN_HTTP_HOST = "linli.test"
COOKIE = "linli"


@dataclass(frozen=True)
class Resident:
    """Somebody with a phone, alone behind a door."""

    user: MadeUser
    household: MadeHousehold


@dataclass
class House:
    """The running application, and a shortcut to its database for what a test must know for sure."""

    program: Program
    app: Flask
    file: Path
    make: Factory
    community: MadeArea
    building: MadeArea
    round: MadeRound
    staff: dict[Role, MadeUser]
    _doors: Iterator[int] = field(default_factory=lambda: count(101))

    @property
    def url(self) -> str:
        return f"http://localhost:{self.program.port}"

    def resident(self, name: str = "如诗") -> Resident:
        """A new person with a household of their own."""
        user = self.make.user(name)
        household = self.make.household(
            self.building, unit="1", number=str(next(self._doors)), members={user: MemberState.CONFIRMED}
        )
        return Resident(user, household)

    def ask(self, statement: str, *values: Any) -> Any:
        """One figure from the database, past the application."""
        with closing(sqlite3.connect(self.file, timeout=10)) as connection:
            return connection.execute(statement, values).fetchone()[0]

    def orders_of(self, resident: Resident) -> int:
        return int(self.ask("SELECT count(*) FROM orders WHERE household_id = ?", resident.household.id))

    @cached_property
    def readers(self) -> dict[str, MadeUser]:
        """Who is there for the whole run: a resident who has ordered, one who waits, one without a home, staff."""
        resident, waiting = self.resident("如诗"), self.make.user("王等")
        self.make.household(
            self.building,
            state=HouseholdState.STATED,
            stated_door="1单元302",
            members={waiting: MemberState.WAITING},
        )
        self.order(resident)
        return self.staff | {"resident": resident.user, "waiting": waiting, "no_home": self.make.user("诺拉")}

    def set_reading(self, user: MadeUser, language: str, size: str) -> None:
        self.change("UPDATE users SET language = ?, text_size = ? WHERE id = ?", language, size, user.id)

    def change(self, statement: str, *values: Any) -> None:
        """One change past the application, for a state that a test starts from."""
        with closing(sqlite3.connect(self.file, timeout=10)) as connection, connection:
            connection.execute(statement, values)

    def order(self, resident: Resident) -> None:
        """The resident orders one of the first bag, as the outbox on a phone sends it."""
        cookie = self.cookie(resident.user)
        session = httpx.get(f"{self.url}/session", headers={"Cookie": f"{COOKIE}={cookie}"})
        headers = {
            # The token for forms belongs to the session that this very answer set.
            "Cookie": f"{COOKIE}={session.cookies.get(COOKIE, cookie)}",
            "X-CSRFToken": session.json()["csrf"],
            "Idempotency-Key": f"test-{resident.user.id}-{time.time_ns()}",
            "Accept": "application/json",
        }
        body = {
            "round": self.round.public_id,
            "household": resident.household.public_id,
            f"count-{self.round.bags[0]}": "1",
            f"price_version-{self.round.bags[0]}": str(
                self.ask("SELECT price_version FROM round_bags WHERE public_id = ?", self.round.bags[0])
            ),
        }
        answer = httpx.post(f"{self.url}/supplies/orders", data=body, headers=headers)
        assert answer.status_code == 200, answer.text

    def cookie(self, user: MadeUser) -> str:
        """The cookie of a browser on which this person is signed in."""
        serializer = self.app.session_interface.get_signing_serializer(self.app)
        value: str = serializer.dumps({"_user_id": user.token, "_fresh": True, "_permanent": True})
        return value

    def sign_in(self, context: BrowserContext, user: MadeUser, host: str = "localhost") -> None:
        cookie = {"name": COOKIE, "value": self.cookie(user), "domain": host, "path": "/", "httpOnly": True}
        context.add_cookies([cookie])


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The processes of `make run`, with a community that has a head, a building and an open round."""
    directory = tmp_path_factory.mktemp("house")
    file = directory / "linli.sqlite3"
    url = f"sqlite:///{file}"
    migrate(url, directory)
    app = create_app(
        {
            "SECRET_KEY": SECRET,
            "CRYPTO_KEYS": (SECRET,),
            "SQLALCHEMY_DATABASE_URI": url,
            "DATA_DIR": directory,
            "SESSION_COOKIE_SECURE": False,
            "TESTING": True,
        }
    )
    made = furnish(Factory(app))
    program = serve_all(url, directory)
    try:
        wait_until_up(program)
        yield House(program, app, file, Factory(app), *made)
    finally:
        program.stop()


def furnish(make: Factory) -> tuple[MadeArea, MadeArea, MadeRound, dict[Role, MadeUser]]:
    county = make.area("邻水县", level="county", name_en="Linshui County")
    town = make.area("鼎屏镇", level="town", parent=county, name_en="Dingping Town")
    community = make.area(
        "北辰社区",
        level="community",
        parent=town,
        name_en="Beichen Community",
        office_name="邻水县鼎屏镇北辰社区居民委员会",
        hotline_phone="0826-3220013",
        building_word="栋",
    )
    grid = make.area("第一网格", level="grid", parent=community, name_en="Grid 1")
    compound = make.area("北辰花园", level="compound", parent=grid, name_en="Beichen Garden")
    building = make.area("3栋", level="building", parent=compound, name_en="Building 3")
    staff = {
        role: make.user(name, roles={role: area})
        for role, name, area in (
            (Role.COMMUNITY_HEAD, "艾丽", community),
            (Role.BUILDING_LEAD, "楼栋长", building),
            (Role.GRID_WORKER, "鲍伯", grid),
            (Role.TOWN_DISPATCHER, "朵拉", town),
            (Role.COUNTY_DISPATCHER, "艾琳", county),
            (Role.ADMINISTRATOR, "亚当", county),
        )
    }
    bags = ({"name": "蔬菜包A", "household_limit": 2}, {"name": "蔬菜包B", "household_limit": 2})
    round_ = make.round(community, buildings=(building,), bags=bags)
    return community, building, round_, staff


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The machine's own Chromium; nothing is downloaded."""
    arguments = [f"--host-resolver-rules=MAP {PLAIN_HTTP_HOST} 127.0.0.1"]
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    yield launched
    launched.close()


@pytest.fixture
def resident(house: House) -> Resident:
    return house.resident()


@pytest.fixture
def neighbour(house: House) -> Resident:
    return house.resident("丽塔")


@pytest.fixture
def orders(house: House, resident: Resident) -> Callable[..., int]:
    """How many orders the database holds for the resident, or for somebody else."""
    return lambda who=None: house.orders_of(who or resident)


@pytest.fixture
def sign_in(house: House) -> Callable[[BrowserContext, Resident], None]:
    return lambda context, who: house.sign_in(context, who.user)


@pytest.fixture
def make_phone(house: House, browser: Browser, resident: Resident) -> Iterator[Callable[..., Phone]]:
    """Phones of the resident, each on a link of its own; `host` and Playwright's context options may be given."""
    endings: list[Callable[[], None]] = []

    def make(host: str = "localhost", **options: Any) -> Phone:
        link = Link(house.program.port, host)
        context = browser.new_context(viewport=PHONE, locale="zh-CN", **options)
        endings.append(lambda: close_quietly(context))
        # The link ends first: a context that waits for an answer that never comes does not close.
        endings.append(link.close)
        house.sign_in(context, resident.user, host)
        return Phone(context, link)

    yield make
    for end in reversed(endings):
        end()


@pytest.fixture
def phone(make_phone: Callable[..., Phone]) -> Phone:
    return make_phone()


@pytest.fixture
def restartable_phone(
    house: House, playwright: Playwright, resident: Resident, tmp_path: Path
) -> Iterator[Callable[[], Phone]]:
    """A phone whose browser can be closed and started again on the same profile."""
    link = Link(house.program.port)
    started: list[BrowserContext] = []

    def start() -> Phone:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=CHROMIUM, viewport=PHONE
        )
        started.append(context)
        house.sign_in(context, resident.user)
        return Phone(context, link)

    yield start
    for context in started:
        close_quietly(context)
    link.close()
