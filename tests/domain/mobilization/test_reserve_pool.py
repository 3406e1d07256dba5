"""What the engine and the forecast know of everybody in the reserve, read in one go."""

from datetime import datetime, time, timedelta

import pytest

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.domain.areas import queries as areas
from webapp.domain.areas.services import set_zone
from webapp.domain.mobilization.models import ReserveDay
from webapp.domain.mobilization.queries.pool import load_pool
from webapp.domain.mobilization.rules import CallUpState, Category, Readiness, SummonsState
from webapp.domain.volunteers.models import AvailabilitySlot, Commitment, SkillCertificate
from webapp.domain.volunteers.rules import Availability, CommitmentKind, Half, VolunteerState

pytestmark = pytest.mark.db


def tomorrow(hour: int) -> datetime:
    day = clock.day(clock.now()) + timedelta(days=1)
    return clock.instant(datetime.combine(day, time(hour)))


def pool_of(area, **asked):
    span = {"starts_at": tomorrow(8), "ends_at": tomorrow(11)} | asked
    return load_pool(tier_path=area.path, now=clock.now(), **span)


def add(*rows):
    @db.writing
    def write():
        db.session().add_all(rows)

    write()


def slot(volunteer, half, state, *, on):
    return AvailabilitySlot(volunteer_id=volunteer.id, weekday=on.weekday(), half=half, state=state)


def said(reservist, half, state, *, on):
    return ReserveDay(reservist_id=reservist.id, day=on, half=half, state=state, said_at=clock.now())


def test_a_tier_holds_its_own_people_and_nobody_else_s(cast, in_app):
    def names(area):
        people = {made.person_id: name for name, made in cast.reservists.items()}
        return {people[person_id] for person_id in pool_of(area).people}

    assert names(cast.community) == {"tess", "vera", "viktor", "bob"}
    assert names(cast.grid) == {"tess", "vera", "viktor", "bob"}
    assert names(cast.building) == {"tess", "vera"}
    assert names(cast.town) == {"tess", "vera", "viktor", "bob", "fern"}
    assert names(cast.other_town) == set()


def test_skills_are_the_volunteers_and_the_reservists_own(cast, in_app):
    pool = pool_of(cast.community)
    assert pool.people[cast.people["vera"].person_id].skills == {"delivery"}
    assert pool.people[cast.people["viktor"].person_id].skills == {"sampling"}
    assert pool.people[cast.people["bob"].person_id].skills == {"order"}
    assert pool.people[cast.people["tess"].person_id].skills == frozenset()


def test_a_certificate_counts_on_the_day_of_the_call_up_and_not_after_its_end(make, cast, in_app):
    @db.writing
    def ends_tomorrow():
        db.connection().execute(
            SkillCertificate.__table__.update().values(expires_on=clock.day(clock.now()) + timedelta(days=1))
        )

    ends_tomorrow()
    viktor = cast.people["viktor"].person_id
    assert pool_of(cast.community).people[viktor].skills == {"sampling"}
    later = {"starts_at": tomorrow(8) + timedelta(days=1), "ends_at": tomorrow(9) + timedelta(days=1)}
    assert pool_of(cast.community, **later).people[viktor].skills == frozenset()


def test_skills_of_somebody_who_is_not_accepted_yet_do_not_count(make, cast, in_app):
    applied = make.user("新来")
    make.volunteer(applied, area=cast.community, skills=("delivery",), state=VolunteerState.APPLIED)
    make.reservist(applied, area=cast.community)
    assert pool_of(cast.community).people[applied.person_id].skills == frozenset()


@pytest.mark.parametrize("state", [VolunteerState.LEFT, VolunteerState.REFUSED])
def test_who_was_told_no_or_went_is_not_asked_but_a_cadre_is(make, cast, in_app, state):
    gone, cadre = make.user("走了"), make.user("干部")
    for user, category in ((gone, Category.VOLUNTEER), (cadre, Category.CADRE)):
        make.volunteer(user, area=cast.community, state=state)
        make.reservist(user, area=cast.community, category=category)
    left = make.user("退出")
    make.reservist(left, area=cast.community, left_at=clock.now())
    people = pool_of(cast.community).people
    assert gone.person_id not in people
    assert left.person_id not in people
    assert cadre.person_id in people


def test_only_those_who_can_do_one_of_the_skills_asked_for(cast, in_app):
    people = pool_of(cast.community, skills=["sampling", "order", "flying"]).people
    assert set(people) == {cast.people["viktor"].person_id, cast.people["bob"].person_id}
    assert pool_of(cast.community, skills=["flying"]).people == {}


def test_a_day_goes_before_the_week_and_silence_is_unknown(make, cast, in_app):
    on = clock.day(tomorrow(8))
    vera, viktor, tess = (cast.volunteers[name] for name in ("vera", "viktor", "tess"))
    add(
        slot(vera, Half.MORNING, Availability.AVAILABLE, on=on),
        slot(vera, Half.AFTERNOON, Availability.AVAILABLE, on=on),
        slot(viktor, Half.MORNING, Availability.NOT_AVAILABLE, on=on),
        slot(viktor, Half.AFTERNOON, Availability.AVAILABLE, on=on),
        said(cast.reservists["viktor"], Half.MORNING, Availability.AVAILABLE, on=on),
        said(cast.reservists["vera"], Half.AFTERNOON, Availability.NOT_AVAILABLE, on=on),
        slot(tess, Half.MORNING, Availability.AVAILABLE, on=on + timedelta(days=1)),
    )
    pool = pool_of(cast.community, starts_at=tomorrow(9), ends_at=tomorrow(18))
    assert pool.halves == ((on, Half.MORNING), (on, Half.AFTERNOON))

    def of(name):
        return pool.people[cast.people[name].person_id]

    assert of("vera").halves == (Availability.AVAILABLE, Availability.NOT_AVAILABLE)
    assert of("vera").availability is Availability.NOT_AVAILABLE
    assert of("viktor").halves == (Availability.AVAILABLE, Availability.AVAILABLE)
    assert of("viktor").availability is Availability.AVAILABLE
    assert of("tess").availability is Availability.UNKNOWN
    assert of("bob").availability is Availability.UNKNOWN
    morning = pool_of(cast.community).people[cast.people["vera"].person_id]
    assert morning.availability is Availability.AVAILABLE


def test_every_half_of_a_fortnight_is_read(make, cast, in_app):
    first = clock.day(tomorrow(0))
    add(
        *(
            said(cast.reservists["bob"], half, state, on=first + timedelta(days=day))
            for day in range(14)
            for half, state in (
                (Half.MORNING, Availability.AVAILABLE),
                (Half.AFTERNOON, Availability.NOT_AVAILABLE),
            )
        )
    )
    pool = pool_of(cast.community, starts_at=tomorrow(0), ends_at=tomorrow(0) + timedelta(days=14))
    halves = pool.people[cast.people["bob"].person_id].halves
    assert halves == (Availability.AVAILABLE, Availability.NOT_AVAILABLE) * 14


def test_time_that_is_taken_elsewhere_is_seen(cast, in_app):
    vera, viktor = cast.people["vera"].person_id, cast.people["viktor"].person_id
    for number, (person, begins, ends) in enumerate(
        [(vera, tomorrow(10), tomorrow(12)), (viktor, tomorrow(11), tomorrow(12))]
    ):
        add(
            Commitment(
                person_id=person,
                starts_at=begins,
                ends_at=ends,
                kind=CommitmentKind.SHIFT,
                reference_id=number + 1,
            )
        )
    pool = pool_of(cast.community)
    assert pool.taken == {vera: [(tomorrow(10), tomorrow(12))]}
    assert pool.people[vera].is_committed
    assert not pool.people[viktor].is_committed, "ends when the other begins"


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (SummonsState.WAITING, True),
        (SummonsState.LATER, True),
        (SummonsState.QUEUED, True),
        (SummonsState.MISSED, True),
        (SummonsState.CANNOT, False),
        (SummonsState.STOOD_DOWN, False),
    ],
)
def test_another_call_up_at_the_same_time_is_seen_until_it_lets_go(make, cast, in_app, state, counts):
    other = make.call_up(cast.town, starts_at=tomorrow(10), ends_at=tomorrow(14))
    vera = cast.people["vera"].person_id
    make.summons(other, vera, state=state)
    assert pool_of(cast.community).people[vera].is_summoned is counts
    assert not pool_of(cast.community, call_up_id=other.id).people[vera].is_summoned
    assert not pool_of(cast.community, starts_at=tomorrow(14), ends_at=tomorrow(18)).people[vera].is_summoned


def test_a_call_up_that_is_over_asks_nobody(make, cast, in_app):
    over = make.call_up(cast.town, starts_at=tomorrow(8), ends_at=tomorrow(11), state=CallUpState.STOOD_DOWN)
    vera = cast.people["vera"].person_id
    make.summons(over, vera)
    assert not pool_of(cast.community).people[vera].is_summoned


def test_the_side_of_the_cordon_is_that_of_the_home(make, cast, in_app):
    sealed = next(choice for choice in areas.list_zone_classes() if choice.code == "sealed")
    set_zone(
        deed=make_deed(cast.actor("alice")),
        public_id=cast.building.public_id,
        zone_class_id=sealed.id,
        reason="一例阳性",
        notice="第1号通告",
    )
    people = pool_of(cast.community).people
    assert people[cast.people["vera"].person_id].side == cast.building.path
    assert people[cast.people["viktor"].person_id].side == ""


def test_history_and_readiness_come_along(make, cast, in_app):
    user = make.user("老兵")
    at = clock.now() - timedelta(days=3)
    until = clock.now() + timedelta(days=2)
    make.reservist(
        user,
        area=cast.community,
        readiness=Readiness.AWAY,
        away_until=until,
        call_count=4,
        yes_count=3,
        drill_count=2,
        drill_yes_count=1,
        stood_down_count=1,
        last_called_at=at,
    )
    person = pool_of(cast.community).people[user.person_id]
    assert (person.call_count, person.yes_count) == (4, 3)
    assert (person.drill_count, person.drill_yes_count, person.stood_down_count) == (2, 1, 1)
    assert person.last_called_at == at
    assert person.readiness is Readiness.AWAY
    assert person.is_away(clock.now())
    assert not person.is_away(until)


def test_who_is_back_before_it_begins_is_ready(make, cast, in_app):
    back = tomorrow(7)
    user = make.user("回来")
    make.reservist(user, area=cast.community, readiness=Readiness.AWAY, away_until=back)
    assert pool_of(cast.community).people[user.person_id].readiness is Readiness.READY
    early = {"starts_at": back - timedelta(hours=1), "ends_at": tomorrow(11)}
    person = pool_of(cast.community, **early).people[user.person_id]
    assert (person.readiness, person.away_until) == (Readiness.AWAY, back)


def test_the_statements_do_not_grow_with_the_people(make, cast, queries, in_app):
    pool_of(cast.community)
    first = queries.count
    for number in range(20):
        user = make.user(f"储备{number}")
        make.volunteer(user, area=cast.community, skills=("delivery",))
        make.reservist(user, area=cast.community, skills=("order",))
    queries.statements.clear()
    assert len(pool_of(cast.community).people) == 24
    assert queries.count == first <= 10
