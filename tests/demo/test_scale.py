"""A county at a fiftieth of its size: the amounts, the seed, and rows that are those of the services."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.errors import RuleBroken
from webapp.base.permissions import Role
from webapp.demo import scale as county
from webapp.domain.accounts.models import Appointment, User
from webapp.domain.mobilization.models import ReserveDay, Reservist, ReservistSkill
from webapp.domain.mobilization.queries.pool import load_pool
from webapp.domain.mobilization.rules import Category
from webapp.domain.mobilization.services import enrolling, reserve
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.services import register_staff
from webapp.domain.rosters.models import Post, Shift, ShiftSkill, ShiftTemplate, TemplateSkill
from webapp.domain.rosters.rules import Numbers, PostKind, Protection, ShiftState
from webapp.domain.rosters.services import posts, shifts
from webapp.domain.volunteers import services as volunteers
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Organisation,
    Pledge,
    Team,
    TeamLead,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.rules import AgeAnswer, Availability, Half, Society, Stretch

pytestmark = pytest.mark.db
SMALL = county.Amounts().share(0.02)


@db.reading
def one(statement) -> Any:
    return db.connection().execute(statement).first()


@db.reading
def number(statement) -> int:
    return db.connection().execute(statement).scalar_one()


@db.reading
def names(seed_table) -> list[str]:
    return list(db.connection().execute(select(seed_table.name).order_by(seed_table.id)).scalars())


def made(seed: int = 1) -> county.Amounts:
    return county.scale(seed=seed, amounts=SMALL, say=lambda _step: None)


def test_the_county_has_all_that_was_asked_for(in_app) -> None:
    made()
    assert number(select(func.count()).select_from(Volunteer)) == SMALL.volunteers == 360
    assert number(select(func.count()).select_from(Team)) == SMALL.teams
    assert number(select(func.count()).select_from(Organisation)) == SMALL.organisations
    staff = select(func.count()).select_from(Appointment).where(Appointment.role != Role.TEAM_LEAD)
    assert number(staff) == SMALL.cadres
    assert number(select(func.sum(Shift.wanted_count))) == SMALL.places
    assert number(select(func.count()).select_from(Person)) == SMALL.volunteers + SMALL.cadres
    first, last = one(select(func.min(Shift.day), func.max(Shift.day)))
    assert (first - clock.day(clock.now())).days in range(1, 8)
    assert (last - first).days <= 6
    phones = number(select(func.count(PersonPhone.phone_index.distinct())))
    assert phones == SMALL.volunteers + SMALL.cadres


def test_it_is_made_once(in_app) -> None:
    made()
    with pytest.raises(RuleBroken) as refusal:
        made()
    assert refusal.value.code == "already_scaled"


def test_the_full_county_adds_up() -> None:
    weights = [1.0 + number % 7 for number in range(335)]
    for amount in (18_000, 1_932, 26_000, 6_000):
        parts = county._split(amount, weights)
        assert sum(parts) == amount
        assert min(parts) > 0


def shape(row: Any) -> dict[str, str]:
    """What a row looks like: of each column whether it is set, and with what kind of thing."""
    return {name: type(value).__name__ for name, value in row._mapping.items()}


def test_its_rows_are_those_that_services_write(app, cast) -> None:
    with app.app_context():
        ids = _by_services(cast)
        before = {model: number(select(func.max(model.id))) for model in ids if hasattr(model, "id")}
        county.scale(seed=1, amounts=SMALL, say=lambda _step: None)
        differing = {}
        for model, condition in ids.items():
            table = model.__table__
            theirs = one(select(table).where(condition))
            assert theirs is not None, model
            ours = one(_comparable(table, model, before.get(model)))
            assert ours is not None, model
            if shape(ours) != shape(theirs):
                differing[table.name] = {
                    name: (kind, shape(theirs)[name])
                    for name, kind in shape(ours).items()
                    if shape(theirs)[name] != kind
                }
        assert differing == {}


def _comparable(table: Any, model: Any, before: int | None) -> Any:
    """A row of the county that stands for the same thing as the service's."""
    wanted = select(table)
    if before is not None:
        wanted = wanted.where(table.c.id > before)
    if model is Volunteer:
        wanted = wanted.where(table.c.state == "accepted", table.c.team_id.is_not(None))
        wanted = wanted.where(table.c.organisation_id.is_not(None))
    if model is Reservist:
        # Without a past, as somebody who has just come in.
        wanted = wanted.where(table.c.call_count == 0, table.c.drill_count == 0, table.c.readiness != "away")
        wanted = wanted.where(table.c.organisation_id.is_not(None))
    if model is Team:
        wanted = wanted.where(table.c.organisation_id.is_not(None))
    if model is Appointment:
        wanted = wanted.where(table.c.role == Role.GRID_WORKER)
    if model is Post:
        wanted = wanted.where(table.c.suit_minutes.is_not(None))
    return wanted


def _by_services(cast: Any) -> dict[Any, Any]:
    """One row of each table, written by the services; how to find each."""
    alice = cast.actor("alice")
    appointment = register_staff(
        deed=make_deed(cast.actor("adam")),
        name="何下沉",
        phone="15400009001",
        role=Role.GRID_WORKER,
        area_code="511623100013",
        unit="县水务局",
        ends_at=clock.now() + timedelta(days=30),
    )
    user_id = number(select(Appointment.user_id).where(Appointment.id == appointment))
    area = cast.community.public_id
    organisation = volunteers.make_organisation(
        deed=make_deed(alice), area=area, named=volunteers.Name("义工会", "", Society.CHARITY)
    )
    team = volunteers.make_team(
        deed=make_deed(alice),
        area=area,
        named=volunteers.Name("先锋队", "", Society.CHARITY),
        organisation=organisation,
    )
    signed_up = volunteers.sign_up(
        deed=make_deed(cast.actor("nora")),
        answers=volunteers.Answers(
            name="诺拉",
            community=area,
            building="",
            skills=("delivery",),
            when=(Stretch.WEEKDAY_MORNING,),
            age=AgeAnswer.ADULT,
            guardian_name="",
            health=True,
            confidentiality=True,
        ),
        minors_allowed=False,
    )
    volunteers.accept(deed=make_deed(alice), public_id=signed_up.public_id, version=1)
    volunteers.place_volunteer(deed=make_deed(alice), public_id=signed_up.public_id, version=2, team=team)
    volunteers.name_lead(deed=make_deed(alice), team=team, volunteer=signed_up.public_id)
    post = posts.make_post(
        deed=make_deed(alice),
        area=area,
        plan=posts.PostPlan(
            name="核酸采样",
            name_en="Sampling",
            kind=PostKind.SAMPLING,
            place="广场",
            protection=Protection.LEVEL_2,
            suit_minutes=240,
        ),
    )
    posts.make_template(
        deed=make_deed(alice),
        post=post,
        plan=posts.TemplatePlan(127, 420, 300, Numbers(1, 2, 2, {"sampling": 2})),
    )
    day = clock.day(clock.now()) + timedelta(days=1)
    shifts.make_shifts(deed=make_deed(alice), area=area, first=day, last=day)
    shifts.publish_days(deed=make_deed(alice), area=area, first=day, last=day)
    reservist = _reservist(cast, signed_up.public_id)
    volunteer_id = number(select(Volunteer.id).where(Volunteer.public_id == signed_up.public_id))
    post_id = number(select(Post.id).where(Post.public_id == post))
    template_id = number(select(ShiftTemplate.id).where(ShiftTemplate.post_id == post_id))
    shift_id = number(select(Shift.id).where(Shift.post_id == post_id))
    person_id = number(select(User.person_id).where(User.id == user_id))
    return {
        Person: Person.id == person_id,
        PersonPhone: PersonPhone.person_id == person_id,
        User: User.id == user_id,
        Appointment: Appointment.id == appointment,
        Organisation: Organisation.public_id == organisation,
        Team: Team.public_id == team,
        TeamLead: TeamLead.team_id == number(select(Team.id).where(Team.public_id == team)),
        Volunteer: Volunteer.id == volunteer_id,
        VolunteerSkill: VolunteerSkill.volunteer_id == volunteer_id,
        AvailabilitySlot: AvailabilitySlot.volunteer_id == volunteer_id,
        Pledge: Pledge.volunteer_id == volunteer_id,
        Post: Post.id == post_id,
        ShiftTemplate: ShiftTemplate.id == template_id,
        TemplateSkill: TemplateSkill.template_id == template_id,
        Shift: Shift.id == shift_id,
        ShiftSkill: ShiftSkill.shift_id == shift_id,
        Reservist: Reservist.id == reservist,
        ReservistSkill: ReservistSkill.reservist_id == reservist,
        ReserveDay: ReserveDay.reservist_id == reservist,
    }


def _reservist(cast: Any, volunteer: str) -> int:
    """The volunteer in the reserve, with a skill and a half-day of their own, as the services write them."""
    alice = cast.actor("alice")
    enrolling.enrol(deed=make_deed(alice), area=cast.community.public_id, people=(), everybody=True)
    found = one(
        select(Reservist.id, Reservist.public_id)
        .join(Volunteer, Volunteer.person_id == Reservist.person_id)
        .where(Volunteer.public_id == volunteer)
    )
    on = clock.day(clock.now()) + timedelta(days=5)
    reserve.set_days(
        deed=make_deed(alice),
        public_id=found.public_id,
        said={(on, Half.MORNING): Availability.NOT_AVAILABLE},
        reason="",
        freeze=timedelta(hours=48),
    )
    team = one(
        select(Team.public_id).join(Reservist, Reservist.team_id == Team.id).where(Reservist.id == found.id)
    )
    reserve.edit_reservist(
        deed=make_deed(alice),
        public_id=found.public_id,
        facts=reserve.Facts(category=Category.CHARITY, team=team.public_id, skills=("driving",)),
    )
    return int(found.id)


def test_a_community_that_has_posts_already_keeps_them(app, cast, make) -> None:
    for each in county.POSTS:
        make.post(cast.community, name=each.name)
    with app.app_context():
        county.scale(seed=1, amounts=county.Amounts().share(0.1), say=lambda _step: None)
        there = number(select(func.count()).select_from(Post).where(Post.area_id == cast.community.id))
    assert there > len(county.POSTS)


def test_the_same_seed_makes_the_same_county(in_app, monkeypatch) -> None:
    made(seed=7)
    first = names(Person), names(Team), names(Organisation)
    from tests.conftest import empty  # noqa: PLC0415 - only here

    empty(in_app)
    made(seed=7)
    assert (names(Person), names(Team), names(Organisation)) == first
    empty(in_app)
    made(seed=8)
    assert names(Person) != first[0]


def test_the_command_makes_it_and_refuses_production(app) -> None:
    shell = app.test_cli_runner()
    answer = shell.invoke(args=["demo", "scale", "--seed", "3", "--share", "0.01"])
    assert answer.exit_code == 0, answer.output
    assert "volunteers=180" in answer.output
    assert shell.invoke(args=["demo", "scale"]).exit_code == 1
    app.config["IS_PRODUCTION"] = True
    try:
        assert "Production" in shell.invoke(args=["demo", "scale"]).output
    finally:
        app.config["IS_PRODUCTION"] = False


def test_its_reserve_is_all_cadres_and_all_accepted_volunteers_with_a_past(in_app) -> None:
    made()
    accepted = number(select(func.count()).select_from(Volunteer).where(Volunteer.state == "accepted"))
    assert number(select(func.count()).select_from(Reservist)) == accepted + SMALL.cadres
    now = clock.now()
    pool = load_pool(tier_path="", starts_at=now, ends_at=now + timedelta(hours=4), now=now)
    assert len(pool.people) == accepted + SMALL.cadres
    people = pool.people.values()
    # At this size most cadres head a community, and a head brings no skill.
    assert sum(bool(each.skills) for each in people) > len(people) / 2
    assert {each.category for each in people} >= {Category.CADRE, Category.COMMUNITY, Category.VOLUNTEER}
    rates = sorted(each.yes_count / each.call_count for each in people if each.call_count >= 4)
    assert rates[0] < 0.2 < rates[-1]
    assert all((each.last_called_at is None) is (each.call_count == 0) for each in people)


def test_its_shifts_are_open_and_its_scarce_people_hold_certificates(in_app) -> None:
    made()
    assert number(select(func.count()).select_from(Shift).where(Shift.state != ShiftState.OPEN)) == 0
    certified = number(
        select(func.count())
        .select_from(VolunteerSkill)
        .where(VolunteerSkill.skill_code.in_(sorted(county.CERTIFIED)))
    )
    assert certified > 0
