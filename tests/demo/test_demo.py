"""The demo: files that the generator writes, loaded by importers and services, also in two halves."""

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from webapp.base import clock, db
from webapp.demo import load as demo
from webapp.demo import make_files
from webapp.demo.community import COMPOUNDS, families
from webapp.demo.rounds import open_round_times
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import is_exercise
from webapp.domain.households.models import Household, HouseholdState
from webapp.domain.rosters.models import Duty, HoursEntry, Post, Shift, Signup, StandIn
from webapp.domain.rosters.rules import ShiftState, SignupState, StandInKind, StandInState
from webapp.domain.supplies.models import Order, OrderLine, Round
from webapp.domain.volunteers.models import Organisation, Team, TeamLead, Volunteer
from webapp.domain.volunteers.rules import VolunteerState

STEPS = (
    "areas 区划",
    "households 住户",
    "staff 工作人员",
    "residents 居民",
    "volunteers 志愿者",
    "shifts 排班",
    "reserve and call-ups 储备与召集",
    "orders 订菜",
)


@pytest.mark.parametrize(
    ("path", "heads", "rows"),
    [
        (make_files.AREAS, make_files.AREA_HEADS, make_files.area_rows),
        (make_files.HOUSEHOLDS, make_files.HOUSEHOLD_HEADS, make_files.household_rows),
        (make_files.STAFF, make_files.STAFF_HEADS, make_files.staff_rows),
        (make_files.VOLUNTEERS, make_files.VOLUNTEER_HEADS, make_files.volunteer_rows),
        (make_files.RESERVE, make_files.RESERVE_HEADS, make_files.reserve_rows),
    ],
    ids=["areas", "households", "staff", "volunteers", "reserve"],
)
def test_the_files_are_what_the_generator_writes(path, heads, rows, tmp_path):
    make_files.write(tmp_path / "again.csv", heads, rows())
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()


def test_the_community_has_the_size_of_a_real_one():
    assert len(COMPOUNDS) == 8
    assert sum(len(compound.buildings) for compound in COMPOUNDS) == 60
    assert 2_900 <= sum(1 for _ in families()) <= 3_100
    assert all(2 <= shape.units <= 4 for compound in COMPOUNDS for shape in compound.buildings)
    assert all(6 <= shape.floors <= 18 for compound in COMPOUNDS for shape in compound.buildings)


def test_nobody_in_the_demo_can_be_called_and_nobody_has_an_id_number():
    phones = [phone for family in families() for member in family.members for phone in member.phones]
    assert len(phones) > 3_000
    assert len(set(phones)) == len(phones)
    assert all(re.fullmatch(r"154\d{8}", phone) for phone in phones)
    assert all(row[0].startswith("154000") for row in make_files.staff_rows())
    text = make_files.HOUSEHOLDS.read_text(encoding="utf-8-sig")
    assert not re.search(r"\d{15}", text)


def test_volunteers_of_the_demo_are_invented_too_and_two_of_them_share_a_phone():
    rows = list(make_files.volunteer_rows())
    assert len(rows) == 54
    assert all(re.fullmatch(r"154\d{8}", row[1]) for row in rows)
    numbers = [row[2] for row in rows if row[2]]
    assert len(numbers) > 5
    assert all(re.fullmatch(r"511623" + "2099" + r"\d{7}[\dX]", number) for number in numbers)
    assert len({row[1] for row in rows}) == 53


def test_some_doors_are_shared_some_cells_hold_two_phones_and_some_names_are_rare():
    homes = list(families())
    assert len({family.door for family in homes}) < len(homes)
    assert any(len(member.phones) > 1 for family in homes for member in family.members)
    names = {member.name for family in homes for member in family.members}
    assert {"陈䶮", "吴𬭎"} <= names


@pytest.mark.parametrize("hour", [0, 3, 8, 12, 15, 16, 19, 23])
def test_whenever_it_is_loaded_there_are_hours_left_to_order_for_tomorrow(hour):
    now = clock.instant(datetime(2022, 5, 12, hour, 30))  # noqa: DTZ001 - a wall time
    opens_at, cuts_off_at, _window = open_round_times(now)
    assert opens_at < now
    assert timedelta(hours=3) < cuts_off_at - now < timedelta(hours=24)


class PowerCut(Exception):
    """Stands for whatever ends a first run in the middle."""


@pytest.mark.db
@pytest.mark.parametrize("last", [-3, -2, -1], ids=["at_the_shifts", "at_the_reserve", "at_the_orders"])
def test_a_load_that_is_cut_off_is_finished_by_the_next_one(app, last):
    said = []

    def cut(step):
        said.append(step)
        if step == STEPS[last]:
            raise PowerCut

    with app.app_context():
        with pytest.raises(PowerCut):
            demo.load(say=cut)
        assert not demo.is_done()
        began_at = demo.began_at()
    runner = app.test_cli_runner()
    first = runner.invoke(args=["demo", "load", "--if-empty"])
    assert first.exit_code == 0, first.output
    assert tuple(said) == STEPS[: len(STEPS) + 1 + last]
    with app.app_context():
        assert demo.is_done()
        assert demo.began_at() == began_at
        assert demo.COMMUNITY_CODE == "511623100013"
        assert is_exercise()
        connection = db.db.session.connection()

        def count(column, *conditions):
            return connection.execute(select(func.count(column)).where(*conditions)).scalar_one()

        assert count(Area.id, Area.level == "building") == 60
        assert count(Area.id, Area.level == "community") == 335
        assert 2_900 <= count(Household.id, Household.state == HouseholdState.LISTED) <= 3_100
        assert count(Household.id, Household.state == HouseholdState.STATED) == 2
        states = connection.execute(select(Round.state).order_by(Round.number)).scalars().all()
        assert [str(state) for state in states] == ["out", "open"]
        orders = count(Order.id)
        assert 450 <= orders <= 650
        assert count(OrderLine.id, OrderLine.waiting_since.is_not(None)) > 5
        _look_at_volunteers_and_shifts(count)
        assert times_in_another_shape() == []
    again = runner.invoke(args=["demo", "load", "--if-empty"])
    assert (again.exit_code, again.output) == (0, "")
    with app.app_context():
        assert db.db.session.execute(select(func.count(Order.id))).scalar_one() == orders

    text = (app.config["DATA_DIR"] / "demo.txt").read_text(encoding="utf-8")
    sign_ins = re.findall(r"^  (154\d{8})  (\w{6}-\w{6})  ", text, re.MULTILINE)
    assert len(sign_ins) == 6
    for phone, password in sign_ins:
        client = app.test_client()
        client.get("/accounts/sign-in/password")
        answer = client.post(
            "/accounts/sign-in/password",
            data={"phone": phone, "password": password, "_key": f"demo-test-{phone}"} | csrf(client),
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, "/"), answer.get_data(as_text=True)


def _look_at_volunteers_and_shifts(count):
    """Sixty volunteers, a week with gaps, somebody who waits, looks for a stand-in, wants to swap; duty; hours."""
    assert count(Volunteer.id, Volunteer.state == VolunteerState.ACCEPTED) == 54
    assert count(Volunteer.id, Volunteer.state == VolunteerState.APPLIED) == 3
    assert count(Volunteer.id) == 59
    assert count(Team.id) == 6
    assert count(Organisation.id) == 4
    assert count(TeamLead.person_id) == 1
    assert count(Post.id) == 9
    wanted, taken = db.db.session.execute(
        select(func.sum(Shift.wanted_count), func.sum(Shift.taken_count)).where(
            Shift.state == ShiftState.OPEN
        )
    ).one()
    assert wanted * 0.6 < taken < wanted * 0.95
    assert count(Shift.id, Shift.state == ShiftState.DRAFT) > 20
    assert count(Signup.id, Signup.state == SignupState.WAITING) == 2
    assert count(StandIn.id, StandIn.state == StandInState.OPEN) == 2
    assert count(StandIn.id, StandIn.kind == StandInKind.SWAP) == 1
    assert count(Duty.id) == 23
    assert count(HoursEntry.id) > 25


def times_in_another_shape():
    """Columns of time on SQLite with text that does not compare as time; PostgreSQL has a type for it."""
    found = []
    connection = db.db.session.connection()
    if connection.dialect.name != "sqlite":
        return found
    for table in db.Model.metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, db.UtcDateTime):
                other = connection.exec_driver_sql(
                    f'SELECT count(*) FROM "{table.name}" WHERE "{column.name}" IS NOT NULL '
                    f"AND \"{column.name}\" NOT LIKE '____-__-__T__:__:__.______Z'"
                ).scalar_one()
                if other:
                    found.append(f"{table.name}.{column.name}: {other}")
    return found


def csrf(client):
    """The token that a form of this browser carries."""
    page = client.get("/accounts/sign-in").get_data(as_text=True)
    return {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', page)[1]}


@pytest.mark.db
def test_data_of_another_origin_is_left_alone(app, cast):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["demo", "load", "--if-empty"]).exit_code == 0
    refused = runner.invoke(args=["demo", "load"])
    assert refused.exit_code == 1
    assert "empty database" in refused.output
    with app.app_context():
        assert demo.began_at() is None


def test_production_gets_no_demo(app):
    app.config["IS_PRODUCTION"] = True
    try:
        runner = app.test_cli_runner()
        assert runner.invoke(args=["demo", "load"]).exit_code == 1
        assert runner.invoke(args=["demo", "load", "--if-empty"]).exit_code == 0
        with app.app_context():
            assert demo.is_empty()
    finally:
        app.config["IS_PRODUCTION"] = False
