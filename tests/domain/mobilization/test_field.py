"""What an area can field, read from the reserve: half-days, readiness, time that is taken, the cordon, drills."""

from datetime import timedelta

import pytest

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.domain.areas.models import Zone, ZoneClass
from webapp.domain.mobilization.models import ReserveDay, Reservist, TeamType, TeamTypeRole
from webapp.domain.mobilization.queries.forecast import get_forecast, list_own_places, list_to_seal
from webapp.domain.mobilization.queries.team_types import list_team_types, may_edit
from webapp.domain.mobilization.rules import Readiness, SummonsState
from webapp.domain.mobilization.services.team_types import RolePlan, close_team_type, save_team_type
from webapp.domain.volunteers.rules import Availability, Half

pytestmark = pytest.mark.db

NOW = clock.now().replace(hour=4, minute=43, second=0, microsecond=0) + timedelta(days=1)  # 12:43 here


@pytest.fixture
def gate_team(app):
    """A kind of team of its own for the test: two people for a gate, one of whom writes; taken back afterwards."""

    @db.writing
    def made():
        kind = TeamType(public_id="forecastteamtype000001", name="测试队", name_en="test team", position=0)
        db.session().add(kind)
        db.session().flush()
        for position, skill in enumerate(("order", "desk"), 1):
            db.session().add(
                TeamTypeRole(
                    team_type_id=kind.id,
                    position=position,
                    name=f"角色{position}",
                    name_en=f"role {position}",
                    skill_code=skill,
                    needed_count=1,
                )
            )
        return kind.id

    @db.writing
    def gone():
        session = db.session()
        session.query(TeamTypeRole).filter_by(team_type_id=kind_id).delete()
        session.query(TeamType).filter_by(id=kind_id).delete()

    with app.app_context():
        kind_id = made()
    yield kind_id
    with app.app_context():
        gone()


@pytest.fixture
def pair(cast, make, gate_team):
    """One who can keep order and one who can write, beside those of the cast (bob keeps order)."""

    def person(name, area, *skills, **columns):
        return make.reservist(make.user(name), area=area, skills=skills, **columns)

    return {
        "order": person("秩序甲", cast.building, "order"),
        "desk": person("登记甲", cast.building, "desk"),
        "both": person("都会", cast.other_building, "order", "desk"),
    }


def found(cast, name="alice", area=None, sealed=None, now=NOW):
    area = area or cast.community
    with cast.app.app_context():
        return get_forecast(actor=cast.actor(name), public_id=area.public_id, sealed=sealed, now=now)


def gate(forecast):
    return next(each for each in forecast.fields if each.type.name == "测试队")


def change(cast, made, **columns):
    @db.writing
    def write():
        db.session().query(Reservist).filter_by(id=made.id).update(columns)

    with cast.app.app_context():
        write()


def say(cast, made, day, half, state):
    @db.writing
    def write():
        db.session().add(ReserveDay(reservist_id=made.id, day=day, half=half, state=state, said_at=NOW))

    with cast.app.app_context():
        write()


def test_nobody_counts_twice_and_who_is_missing_for_the_next_team_is_named(cast, pair):
    # Keeps order: bob, 秩序甲, 都会; writes: 登记甲, 都会.
    own = gate(found(cast)).own
    assert own.now == 2
    assert [(each.roles, each.count) for each in own.short] == [((1,), 1), ((2,), 1)]
    assert own.possible == (2,) * 72


def test_who_rests_or_is_away_is_not_counted_and_comes_back_by_the_hour(cast, pair):
    change(cast, pair["desk"], readiness=Readiness.RESTING)
    assert gate(found(cast)).own.possible == (1,) * 72
    back = NOW + timedelta(hours=5)
    change(cast, pair["desk"], readiness=Readiness.AWAY, away_until=back)
    possible = gate(found(cast)).own.possible
    # 17:43 is after 17:00 and before 18:00: whoever is back within an hour is counted from the next one.
    assert possible[:6] == (1,) * 6
    assert possible[6:] == (2,) * 66
    counted = found(cast).counted
    assert (counted.all, counted.away, counted.resting) == (7, 1, 0)


def test_a_half_day_that_somebody_said_no_to_is_not_theirs(cast, pair):
    day = clock.day(NOW + timedelta(days=1))
    say(cast, pair["desk"], day, Half.MORNING, Availability.NOT_AVAILABLE)
    forecast = found(cast)
    possible = gate(forecast).own.possible
    tomorrow = [
        count
        for count, edge in zip(possible, forecast.edges, strict=False)
        if clock.day(edge) == day and clock.here(edge).hour < 12
    ]
    assert tomorrow == [1] * 12
    assert possible.count(1) == 12


def test_time_that_is_taken_is_taken_here_too(cast, make, pair):
    call_up = make.call_up(
        cast.community, starts_at=NOW + timedelta(hours=2), ends_at=NOW + timedelta(hours=4)
    )
    make.summons(call_up, pair["desk"].person_id, state=SummonsState.COMING)
    possible = gate(found(cast)).own.possible
    # 14:43 to 16:43 touches the hours from 14:00, 15:00 and 16:00.
    assert possible[:6] == (2, 2, 1, 1, 1, 2)
    make.summons(call_up, pair["order"].person_id, state=SummonsState.WAITING)
    assert gate(found(cast)).own.possible[:6] == (2, 2, 1, 1, 1, 2), "who was only asked is still free"


def seal(cast, area):
    @db.writing
    def write():
        session = db.session()
        strictest = session.query(ZoneClass).filter_by(code="sealed").first()
        session.add(
            Zone(
                area_id=area.id,
                zone_class_id=strictest.id,
                started_at=NOW - timedelta(hours=1),
                reason="一例",
                notice="第1号",
                set_by="test",
            )
        )

    with cast.app.app_context():
        write()


def test_who_is_inside_counts_inside_only_and_the_scenario_says_so_before(cast, pair):
    # 3栋 sealed: 秩序甲, 登记甲 (and tess, vera) inside; 都会 and bob outside.
    scenario = found(cast, sealed=cast.building.public_id)
    assert gate(scenario).own.now == 1
    assert [(place.name, teams.now) for place, teams in gate(scenario).inside] == [("3栋", 1)]
    assert [each.own.now for each in scenario.before if each.type.name == "测试队"] == [2]
    assert gate(found(cast)).own.now == 2, "nothing was changed"
    seal(cast, cast.building)
    real = found(cast)
    assert gate(real).own == gate(scenario).own
    assert gate(real).inside == gate(scenario).inside
    assert gate(found(cast, area=cast.building)).own.now == 1, (
        "the sealed building itself fields who is in it"
    )


def test_a_town_sees_its_communities_and_people_of_two_make_a_team_for_the_town(cast, make, pair):
    make.reservist(make.user("登记乙"), area=cast.other_community, skills=("desk",))
    change(cast, pair["desk"], readiness=Readiness.RESTING)
    town = found(cast, "dora", area=cast.town)
    kinds = [each.type.name for each in town.fields]
    below = {each.place.name: each.now[kinds.index("测试队")][0] for each in town.below}
    assert below == {"北辰社区": 1, "北街社区": 0}
    assert gate(town).own.now == 2
    county = found(cast, "erin", area=cast.county)
    assert {each.place.name for each in county.below} == {"鼎屏镇", "城北镇"}


def test_answers_and_drills_discount_what_is_expected_and_not_what_is_possible(cast, pair):
    assert found(cast).rate is None
    for name, made in pair.items():
        change(cast, made, drill_count=9, drill_yes_count=0 if name == "both" else 9)
    forecast = found(cast)
    assert forecast.rate == pytest.approx(2 / 3)
    own = gate(forecast).own
    assert own.now == 2
    assert own.expected_now == 1


def test_skills_stand_with_the_volunteer_or_the_reservist_and_a_lapsed_certificate_is_none(
    cast, make, gate_team
):
    sampling = next(each for each in found(cast).fields if each.type.name == "核酸采样队")
    assert sum(each.count for each in sampling.own.short) == 4, "viktor has a certificate, bob keeps order"
    late = found(cast, now=NOW + timedelta(days=400))
    sampling = next(each for each in late.fields if each.type.name == "核酸采样队")
    assert sum(each.count for each in sampling.own.short) == 5


def test_each_sees_the_areas_that_are_theirs(cast, pair):
    with cast.app.app_context():
        assert [each.name for each in list_own_places(actor=cast.actor("alice"))] == ["北辰社区"]
        (team,) = list_own_places(actor=cast.actor("tess"))
        assert team.name == "红马甲"
        names = {each.name for each in list_to_seal(place=list_own_places(actor=cast.actor("dora"))[0])}
        assert names == {"北辰社区", "北街社区"}
    assert found(cast, "tess", area=cast.team).counted.all == 2, "her team and nobody else"
    for name, area in (
        ("tess", cast.community),
        ("alice", cast.other_community),
        ("alice", cast.town),
        ("charlie", cast.building),
        ("olga", cast.town),
    ):
        with pytest.raises(NotFound):
            found(cast, name, area=area)
    with pytest.raises(NotFound):
        found(cast, sealed=cast.foreign_building.public_id)


def test_the_statements_do_not_grow_with_the_people(cast, make, pair, queries):
    queries.statements.clear()
    found(cast)
    few = queries.count
    for number in range(20):
        make.reservist(make.user(f"更多{number}"), area=cast.building, skills=("desk",))
    queries.statements.clear()
    found(cast)
    assert queries.count == few


# --- kinds of teams -----------------------------------------------------------------------------------------


def roles(*counts):
    return [RolePlan(f"角色{number}", "", "order", count) for number, count in enumerate(counts)]


def test_who_dispatches_the_whole_county_sets_the_kinds_of_teams(cast, gate_team):
    with cast.app.app_context():
        erin = cast.actor("erin")
        kind = next(each for each in list_team_types() if each.id == gate_team)
        deed = make_deed(erin)
        for _ in range(2):
            assert (
                save_team_type(
                    deed=deed, public_id=kind.public_id, name="门岗队", name_en="", roles=roles(3, 1)
                )
                == kind.public_id
            )
        changed = next(each for each in list_team_types() if each.id == gate_team)
        assert (changed.name, changed.name_en, changed.size) == ("门岗队", "门岗队", 4)
        close_team_type(deed=make_deed(erin), public_id=kind.public_id, is_closed=True)
        assert gate_team not in {each.id for each in list_team_types()}
        close_team_type(deed=make_deed(erin), public_id=kind.public_id, is_closed=False)
        assert gate_team in {each.id for each in list_team_types()}
        for name in ("alice", "dora", "adam", "tess"):
            assert not may_edit(actor=cast.actor(name))
            with pytest.raises(NotAllowed):
                save_team_type(
                    deed=make_deed(cast.actor(name)),
                    public_id=kind.public_id,
                    name="x",
                    name_en="",
                    roles=roles(1),
                )
            with pytest.raises(NotAllowed):
                close_team_type(deed=make_deed(cast.actor(name)), public_id=kind.public_id, is_closed=True)


@pytest.mark.parametrize(
    ("name", "some_roles", "code", "field"),
    [
        ("", roles(1), "name_missing", "name"),
        ("核酸采样队", roles(1), "team_type_exists", "name"),
        ("队" * 41, roles(1), "text_too_long", "name"),
        ("新队", [], "roles_missing", "roles"),
        ("新队", roles(0), "roles_missing", "roles"),
        ("新队", roles(201), "places_wrong", "count-0"),
        ("新队", roles(*[1] * 9), "roles_too_many", "roles"),
        ("新队", [RolePlan("甲", "", "juggling", 1)], "skill_unknown", "skill-0"),
        ("新队", [*roles(1), RolePlan(" ", "", "", 1)], "name_missing", "role-1"),
    ],
)
def test_what_is_no_kind_of_team_is_refused_and_nothing_is_written(cast, name, some_roles, code, field):
    with cast.app.app_context():
        before = list_team_types(with_closed=True)
        with pytest.raises(RuleBroken) as refusal:
            save_team_type(
                deed=make_deed(cast.actor("erin")), public_id=None, name=name, name_en="", roles=some_roles
            )
        assert (refusal.value.code, refusal.value.field) == (code, field)
        assert list_team_types(with_closed=True) == before
