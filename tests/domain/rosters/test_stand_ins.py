"""Stand-ins, swaps, relief and reminders: the place stays with its person until somebody has taken it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.domain.rosters.test_taking import World, at, code_of, phones
from tests.factories import make_deed
from webapp.base import db
from webapp.base.errors import NotFound
from webapp.domain.people.models import Person
from webapp.domain.rosters import services
from webapp.domain.rosters.models import Attendance, Signup, StandIn
from webapp.domain.rosters.queries import stand_ins, taking
from webapp.domain.rosters.rules import Evidence, Mark, SignupSource
from webapp.domain.volunteers.models import Commitment

pytestmark = pytest.mark.db

_people: Any = Person.__table__
_signups: Any = Signup.__table__
_searches: Any = StandIn.__table__
_attendances: Any = Attendance.__table__
_commitments: Any = Commitment.__table__


@pytest.fixture
def noon():
    return at(1, 12)


@pytest.fixture
def world(cast, make, in_app):
    return World(cast, make)


def held(world, who, shift, **columns):
    return world.make.signup(shift, world.cast.people[who], **columns)


def deed_of(world, who, now):
    return make_deed(world.cast.actor(who), now=now)


@db.reading
def public_id_of(world, who):
    return (
        db.connection()
        .execute(select(_people.c.public_id).where(_people.c.id == world.cast.people[who].person_id))
        .scalar_one()
    )


def ask(world, who, signup, now, to=None):
    return services.ask_stand_in(
        deed=deed_of(world, who, now),
        signup_public_id=signup.public_id,
        to=to and public_id_of(world, to),
    )


def take_over(world, who, search, now):
    return services.take_over(deed=deed_of(world, who, now), public_id=search.public_id)


@db.reading
def searches():
    rows = db.connection().execute(select(_searches.c.state).order_by(_searches.c.id)).scalars()
    return [str(each) for each in rows]


# --- stand-in -----------------------------------------------------------------------------------------------


def test_the_place_is_held_until_somebody_takes_it(world, noon):
    shift = world.shift()
    search = ask(world, "vera", held(world, "vera", shift), noon)
    assert world.states(shift) == {"vera": "placed"}
    assert world.counts(shift) == (1, 0)
    done = take_over(world, "viktor", search, noon)
    assert (done.state, done.shift_public_id) == ("taken", shift.public_id)
    assert world.states(shift) == {"vera": "replaced", "viktor": "placed"}
    assert world.counts(shift) == (1, 0)
    assert [row.person_id for row in world.commitments()] == [world.cast.people["viktor"].person_id]
    # Who asked is told, by name.
    ((template, said, _),) = world.told()
    assert (template, said["name"]) == ("stand_in_found", "维克")
    assert code_of(take_over, world, "tess", search, noon) == "stand_in_over"


def test_an_open_search_is_a_place_that_fits_in_the_list(world, noon):
    shift = world.shift()
    search = ask(world, "vera", held(world, "vera", shift), noon)
    (line,) = taking.list_shifts(actor=world.cast.actor("viktor"), now=noon, only_fitting=True).lines
    assert (line.public_id, line.stand_in, line.free) == (shift.public_id, search.public_id, 0)
    # Not for who asks, and not for whom it does not fit.
    assert taking.list_shifts(actor=world.cast.actor("vera"), now=noon, only_fitting=True).lines == ()
    world.make.signup(world.shift(), world.cast.people["viktor"])
    assert taking.list_shifts(actor=world.cast.actor("viktor"), now=noon, only_fitting=True).lines == ()


def test_one_person_is_asked_by_name_and_nobody_else_may_take_it(world, noon):
    shift = world.shift()
    search = ask(world, "vera", held(world, "vera", shift), noon, to="tess")
    assert [template for template, _, _ in world.told()] == ["stand_in_asked"]
    assert phones(world) == [world.cast.people["tess"].phone]
    with pytest.raises(NotFound):
        take_over(world, "viktor", search, noon)
    assert taking.list_shifts(actor=world.cast.actor("viktor"), now=noon, only_fitting=True).lines == ()
    (asked,) = taking.list_own_shifts(actor=world.cast.actor("tess"), now=noon).asked
    assert (asked.public_id, asked.name) == (search.public_id, "薇拉")
    take_over(world, "tess", search, noon)
    assert world.states(shift) == {"vera": "replaced", "tess": "placed"}


def test_saying_no_leaves_the_place_where_it_is(world, noon):
    shift = world.shift()
    search = ask(world, "vera", held(world, "vera", shift), noon, to="tess")
    services.refuse_search(deed=deed_of(world, "tess", noon), public_id=search.public_id)
    assert world.states(shift) == {"vera": "placed"}
    assert [template for template, _, _ in world.told()] == ["stand_in_asked", "stand_in_refused"]
    # Asked again, of everybody.
    ask(world, "vera", held_of(world, "vera", shift), noon)
    assert searches() == ["refused", "open"]


def held_of(world, who, shift):
    @db.reading
    def read():
        return (
            db.connection()
            .execute(
                select(_signups.c.id, _signups.c.public_id).where(
                    _signups.c.shift_id == shift.id,
                    _signups.c.person_id == world.cast.people[who].person_id,
                    _signups.c.state == "placed",
                )
            )
            .one()
        )

    return read()


def test_only_people_of_the_team_or_the_post_can_be_asked_and_only_by_their_name(world, noon):
    shift = world.shift()
    signup = held(world, "vera", shift)
    own = stand_ins.get_own_place(actor=world.cast.actor("vera"), signup_public_id=signup.public_id, now=noon)
    # tess is of the same team; viktor never stood at this post.
    assert [each.name for each in stand_ins.find_colleagues(own=own, name="泰", now=noon)] == ["泰思"]
    assert stand_ins.find_colleagues(own=own, name="维克", now=noon) == ()
    assert code_of(ask, world, "vera", signup, noon, to="viktor") == "person_unknown"
    held(world, "viktor", world.shift(starts_at=at(-3, 14)))
    assert [each.name for each in stand_ins.find_colleagues(own=own, name="维克", now=noon)] == ["维克"]
    assert stand_ins.find_colleagues(own=own, name=" ", now=noon) == ()


def test_who_cannot_have_the_place_is_not_asked(world, noon):
    held(world, "tess", world.shift(starts_at=at(4, 15)))
    signup = held(world, "vera", world.shift())
    assert code_of(ask, world, "vera", signup, noon, to="tess") == "other_cannot"


def test_oneself_is_no_stand_in(world, noon):
    shift = world.shift()
    signup = held(world, "vera", shift)
    assert code_of(ask, world, "vera", signup, noon, to="vera") == "stand_in_is_oneself"
    search = ask(world, "vera", signup, noon)
    assert code_of(take_over, world, "vera", search, noon) == "stand_in_is_oneself"
    assert code_of(ask, world, "vera", signup, noon) == "already_asked"


def test_after_it_began_nobody_is_looked_for_like_this(world, noon):
    signup = held(world, "vera", world.shift(starts_at=at(1, 11)))
    assert code_of(ask, world, "vera", signup, noon) == "shift_has_begun"


def test_a_kept_place_stays_with_the_skill(world, noon):
    shift = world.shift(maximum_count=2, wanted_count=2, skills={"sampling": 1})
    world.take("viktor", shift, noon)
    world.take("vera", shift, noon)
    search = ask(world, "viktor", held_of(world, "viktor", shift), noon)
    assert code_of(take_over, world, "tess", search, noon) == "skill_missing"
    assert world.states(shift) == {"viktor": "placed", "vera": "placed"}


def test_withdrawn_is_withdrawn(world, noon):
    shift = world.shift()
    search = ask(world, "vera", held(world, "vera", shift), noon)
    with pytest.raises(NotFound):
        services.withdraw_search(deed=deed_of(world, "viktor", noon), public_id=search.public_id)
    services.withdraw_search(deed=deed_of(world, "vera", noon), public_id=search.public_id)
    assert code_of(take_over, world, "viktor", search, noon) == "stand_in_over"


def test_leaving_and_the_end_of_the_shift_close_the_search(world, noon):
    first, second = world.shift(), world.shift(starts_at=at(6, 14))
    for shift in (first, second):
        ask(world, "vera", held(world, "vera", shift), noon)
    world.do(services.leave_shift, "vera", first, noon)
    assert searches() == ["over", "open"]
    services.tidy_searches(now=at(6, 18))
    assert searches() == ["over", "over"]


def test_who_waits_and_stands_in_leaves_the_queue(world, noon):
    shift = world.shift()
    world.take("vera", shift, noon)
    world.take("viktor", shift, noon, or_wait=True)
    search = ask(world, "vera", held_of(world, "vera", shift), noon)
    take_over(world, "viktor", search, noon)
    assert world.states(shift) == {"vera": "replaced", "viktor": "placed"}
    assert world.counts(shift) == (1, 0)


# --- swap ---------------------------------------------------------------------------------------------------


def ask_swap(world, who, signup, wanted, now):
    return services.ask_swap(
        deed=deed_of(world, who, now),
        signup_public_id=signup.public_id,
        wanted_public_id=wanted.public_id,
    )


def test_a_swap_moves_both_places_at_once(world, noon):
    mine, theirs = world.shift(), world.shift(starts_at=at(5, 15))
    search = ask_swap(world, "vera", held(world, "vera", mine), held(world, "viktor", theirs), noon)
    assert (world.states(mine), world.states(theirs)) == ({"vera": "placed"}, {"viktor": "placed"})
    take_over(world, "viktor", search, noon)
    assert world.states(mine) == {"vera": "replaced", "viktor": "placed"}
    assert world.states(theirs) == {"viktor": "replaced", "vera": "placed"}
    assert world.counts(mine) == world.counts(theirs) == (1, 0)
    assert {(row.person_id, row.starts_at) for row in world.commitments()} == {
        (world.cast.people["viktor"].person_id, at(4, 14)),
        (world.cast.people["vera"].person_id, at(5, 15)),
    }
    assert [template for template, _, _ in world.told()] == ["swap_asked", "swap_done"]


def test_two_shifts_that_overlap_can_be_swapped(world, noon):
    # Each gives up the one for the other: neither is ever in two places.
    mine, theirs = world.shift(), world.shift(starts_at=at(4, 16))
    search = ask_swap(world, "vera", held(world, "vera", mine), held(world, "viktor", theirs), noon)
    take_over(world, "viktor", search, noon)
    assert world.states(mine)["viktor"] == world.states(theirs)["vera"] == "placed"


def test_a_swap_with_oneself_is_refused(world, noon):
    mine, other = held(world, "vera", world.shift()), held(world, "vera", world.shift(starts_at=at(6, 14)))
    assert code_of(ask_swap, world, "vera", mine, other, noon) == "swap_with_oneself"
    assert code_of(ask_swap, world, "vera", mine, mine, noon) == "swap_with_oneself"
    assert searches() == []


def test_a_swap_that_does_not_fit_both_is_refused(world, noon):
    mine, theirs = held(world, "vera", world.shift()), held(world, "viktor", world.shift(starts_at=at(6, 14)))
    held(world, "viktor", world.shift(starts_at=at(4, 16)))
    assert code_of(ask_swap, world, "vera", mine, theirs, noon) == "other_cannot"
    held(world, "vera", world.shift(starts_at=at(6, 16)))
    assert code_of(ask_swap, world, "vera", mine, theirs, noon) == "overlaps"


def test_a_swap_whose_other_side_has_changed_is_refused(world, noon):
    mine, theirs = world.shift(), world.shift(starts_at=at(6, 14))
    search = ask_swap(world, "vera", held(world, "vera", mine), held(world, "viktor", theirs), noon)
    world.do(services.leave_shift, "viktor", theirs, noon)
    assert code_of(take_over, world, "viktor", search, noon) == "swap_gone"
    assert world.states(mine) == {"vera": "placed"}


def test_swaps_are_looked_for_among_places_that_fit_my_time(world, noon):
    signup = held(world, "vera", world.shift())
    fits = held(world, "viktor", world.shift(starts_at=at(6, 14)))
    held(world, "tess", world.shift(starts_at=at(7, 14)))
    held(world, "vera", world.shift(starts_at=at(7, 15)))
    own = stand_ins.get_own_place(actor=world.cast.actor("vera"), signup_public_id=signup.public_id, now=noon)
    assert [each.signup for each in stand_ins.list_swaps(own=own, now=noon)] == [fits.public_id]


# --- relief -------------------------------------------------------------------------------------------------


@pytest.fixture
def duty(world, make):
    """vera has been at the gate since 11:00; bob leads it."""
    post = make.post(world.cast.community, lead_person_id=world.cast.people["bob"].person_id)
    shift = make.shift(post, starts_at=at(1, 11), hours=4, maximum_count=1, wanted_count=1)
    signup = held(world, "vera", shift)

    @db.writing
    def arrive():
        db.connection().execute(
            _attendances.insert().values(
                public_id="arrived",
                shift_id=shift.id,
                person_id=world.cast.people["vera"].person_id,
                mark=Mark.PRESENT,
                arrived_at=at(1, 11),
                arrived_from=Evidence.CHECK_IN,
                was_offline=False,
                is_doubtful=False,
                is_walk_in=False,
                marked_at=at(1, 11),
                version=1,
            )
        )

    arrive()
    return shift, signup


def test_relief_alarms_the_lead_and_the_nearest_at_once(world, duty, noon):
    shift, signup = duty
    held(world, "tess", world.shift(starts_at=at(1, 12), hours=2))
    services.ask_relief(deed=deed_of(world, "vera", noon), signup_public_id=signup.public_id)
    told = world.told()
    # viktor could come; tess stands elsewhere, zoe is not accepted yet.
    assert [template for template, _, _ in told] == ["relief_needed", "relief_asked"]
    assert phones(world) == [world.cast.people[name].phone for name in ("bob", "viktor")]
    assert all(due_at == noon for _, _, due_at in told)
    # Nobody asks why, and nothing is lost: she is still on the shift.
    assert world.states(shift) == {"vera": "placed"}
    (line,) = taking.list_shifts(actor=world.cast.actor("viktor"), now=noon, only_fitting=True).lines
    assert line.public_id == shift.public_id


def test_who_relieves_has_the_place_from_now_on(world, duty, noon):
    shift, signup = duty
    search = services.ask_relief(deed=deed_of(world, "vera", noon), signup_public_id=signup.public_id)
    later = noon + timedelta(minutes=20)
    take_over(world, "viktor", search, later)
    assert world.states(shift) == {"vera": "replaced", "viktor": "placed"}
    people = world.cast.people
    assert {row.person_id: (row.starts_at, row.ends_at) for row in world.commitments()} == {
        people["vera"].person_id: (at(1, 11), later),
        people["viktor"].person_id: (later, at(1, 15)),
    }

    @db.reading
    def left_at():
        return (
            db.connection()
            .execute(
                select(_attendances.c.left_at).where(_attendances.c.person_id == people["vera"].person_id)
            )
            .scalar_one()
        )

    assert left_at() == later
    assert [template for template, _, _ in world.told()][-2:] == ["stand_in_found", "relief_found"]


def test_relief_is_for_who_is_on_duty_now(world, noon):
    signup = held(world, "vera", world.shift())
    refused = code_of(
        services.ask_relief, deed=deed_of(world, "vera", noon), signup_public_id=signup.public_id
    )
    assert refused == "not_on_duty"


def test_an_older_search_becomes_the_relief(world, duty):
    _, signup = duty
    ask(world, "vera", signup, at(1, 10))
    services.ask_relief(deed=deed_of(world, "vera", at(1, 12)), signup_public_id=signup.public_id)
    assert searches() == ["over", "open"]


# --- reminders ----------------------------------------------------------------------------------------------


def reminders(world, now):
    before = len(world.told())
    services.remind(now=now)
    return [said for template, said, _ in world.told()[before:] if template == "shift_reminder"]


def test_each_is_reminded_the_evening_before_and_two_hours_before_once_each(world, noon):
    shift = world.shift(maximum_count=3, wanted_count=3)
    for who in ("vera", "viktor"):
        world.take(who, shift, noon)
    assert reminders(world, at(3, 17, 59)) == []
    assert len(reminders(world, at(3, 18))) == 2
    assert reminders(world, at(3, 18, 1)) == []
    world.do(services.leave_shift, "viktor", shift, at(4, 8))
    found = reminders(world, at(4, 12))
    assert [said["until"] for said in found] == [at(4, 14).isoformat(" ")]
    assert reminders(world, at(4, 12, 1)) == []


def test_nobody_is_reminded_at_night_or_of_what_they_did_just_now(world, noon):
    early = world.shift(starts_at=at(4, 7))
    world.take("vera", early, noon)
    assert len(reminders(world, at(3, 18))) == 1
    late = world.shift(starts_at=at(4, 14))
    world.take("viktor", late, at(3, 20))
    assert reminders(world, at(3, 20, 1)) == []
    assert reminders(world, at(4, 5)) == []
    assert len(reminders(world, at(4, 12))) == 1


def test_who_was_called_off_or_waits_is_not_reminded(world, noon):
    shift = world.shift()
    world.take("vera", shift, noon)
    world.take("viktor", shift, noon, or_wait=True)
    assert len(reminders(world, at(3, 18))) == 1
    assert phones(world)[-1] == world.cast.people["vera"].phone


def test_a_stand_in_by_staff_source_stays_a_stand_in(world, noon):
    shift = world.shift()
    signup = held(world, "vera", shift, source=SignupSource.STAFF, confirmed_at=None)
    take_over(world, "viktor", ask(world, "vera", signup, noon), noon)

    @db.reading
    def sources():
        rows = db.connection().execute(select(_signups.c.source).order_by(_signups.c.id)).scalars()
        return [str(each) for each in rows]

    assert sources() == ["staff", "stand_in"]
