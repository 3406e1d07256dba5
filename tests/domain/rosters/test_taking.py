"""Taking, waiting, being offered a place, leaving: the rows after it, the counts, the messages, the audit."""

import json
import subprocess
import sys
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from tests.processes import ROOT, environment
from webapp.base import clock, db
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, Gone, NotFound, RuleBroken
from webapp.base.outbox import OutboxMessage
from webapp.domain.areas import services as areas
from webapp.domain.areas.queries import list_zone_classes
from webapp.domain.rosters import services
from webapp.domain.rosters.models import Attendance, Shift, Signup
from webapp.domain.rosters.queries import taking
from webapp.domain.rosters.rules import Evidence, Mark, SignupSource, SignupState
from webapp.domain.rosters.services import placing
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import PledgeKind

pytestmark = pytest.mark.db

_signups: Any = Signup.__table__
_shifts: Any = Shift.__table__
_commitments: Any = Commitment.__table__
_messages: Any = OutboxMessage.__table__
_audit: Any = AuditEntry.__table__


def at(days: int, hour: int, minute: int = 0) -> datetime:
    day = clock.day(clock.now()) + timedelta(days=days)
    return clock.instant(datetime.combine(day, time(hour, minute)))


@pytest.fixture
def noon():
    """Noon of tomorrow: nothing here depends on when the tests run."""
    return at(1, 12)


@pytest.fixture
def world(cast, make, in_app):
    return World(cast, make)


class World:
    def __init__(self, cast, make):
        self.cast, self.make = cast, make
        self.post = make.post(cast.community, name="北门卡口")

    def shift(self, **columns):
        values = {"starts_at": at(4, 14), "hours": 4, "maximum_count": 1, "wanted_count": 1} | columns
        return self.make.shift(self.post, **values)

    def do(self, act, who, shift, now, **values):
        deed = make_deed(self.cast.actor(who), now=now)
        return act(deed=deed, shift_public_id=shift.public_id, **values)

    def take(self, who, shift, now, **values):
        return self.do(services.take_shift, who, shift, now, **values)

    @db.reading
    def states(self, shift):
        rows = db.connection().execute(
            select(_signups.c.person_id, _signups.c.state)
            .where(_signups.c.shift_id == shift.id)
            .order_by(_signups.c.id)
        )
        names = {user.person_id: name for name, user in self.cast.people.items()}
        return {names[row.person_id]: str(row.state) for row in rows}

    @db.reading
    def counts(self, shift):
        return tuple(
            db.connection()
            .execute(select(_shifts.c.taken_count, _shifts.c.waiting_count).where(_shifts.c.id == shift.id))
            .one()
        )

    @db.reading
    def told(self):
        """Template and number of each message, in the order of writing."""
        rows = db.connection().execute(
            select(_messages.c.template, _messages.c.parameters, _messages.c.due_at).order_by(_messages.c.id)
        )
        return [(row.template, json.loads(row.parameters), row.due_at) for row in rows]

    @db.reading
    def commitments(self):
        return list(
            db.connection().execute(
                select(_commitments.c.person_id, _commitments.c.starts_at, _commitments.c.ends_at).order_by(
                    _commitments.c.id
                )
            )
        )


def code_of(call, *values, **more):
    with pytest.raises((RuleBroken, Conflict, Gone)) as refused:
        call(*values, **more)
    return refused.value.code


def test_a_place_is_taken_with_time_count_audit_and_no_message(world, noon):
    shift = world.shift()
    found = world.take("vera", shift, noon)
    assert found.state is SignupState.PLACED
    assert world.states(shift) == {"vera": "placed"}
    assert world.counts(shift) == (1, 0)
    (time_taken,) = world.commitments()
    assert (time_taken.starts_at, time_taken.ends_at) == (at(4, 14), at(4, 18))
    assert world.told() == []

    @db.reading
    def verbs():
        return list(db.connection().execute(select(_audit.c.verb)).scalars())

    assert verbs() == ["take_shift"]


def test_the_same_key_answers_the_same_signup_also_after_leaving(world, noon):
    shift = world.shift()
    deed = make_deed(world.cast.actor("vera"), now=noon)
    first = services.take_shift(deed=deed, shift_public_id=shift.public_id)
    assert services.take_shift(deed=deed, shift_public_id=shift.public_id) == first
    world.do(services.leave_shift, "vera", shift, noon)
    again = services.take_shift(deed=deed, shift_public_id=shift.public_id)
    assert (again.public_id, again.state) == (first.public_id, SignupState.LEFT)
    assert world.counts(shift) == (0, 0)


def test_who_is_on_it_is_not_put_on_it_twice(world, noon):
    shift = world.shift(maximum_count=3, wanted_count=3)
    world.take("vera", shift, noon)
    assert code_of(world.take, "vera", shift, noon) == "already_on_it"
    assert world.counts(shift) == (1, 0)


def test_a_full_shift_offers_the_queue_with_one_tap(world, noon):
    shift = world.shift()
    world.take("vera", shift, noon)
    with pytest.raises(Conflict) as refused:
        world.take("viktor", shift, noon)
    assert refused.value.code == "shift_full"
    assert refused.value.params["confirm"] == {"or_wait": "1"}
    assert world.take("viktor", shift, noon, or_wait=True).state is SignupState.WAITING
    assert world.counts(shift) == (1, 1)


def test_overlap_and_rest_are_refused(world, noon):
    world.take("vera", world.shift(), noon)
    assert code_of(world.take, "vera", world.shift(starts_at=at(4, 16)), noon) == "overlaps"
    assert code_of(world.take, "vera", world.shift(starts_at=at(5, 4)), noon) == "no_rest"


@pytest.mark.parametrize(
    ("who", "columns", "code"),
    [
        ("ruth", {}, "not_a_volunteer"),
        ("alice", {}, "not_a_volunteer"),
        ("zoe", {"newcomers_welcome": False}, "newcomer_not_yet"),
        ("zoe", {"handles_household_data": True}, "newcomer_not_yet"),
    ],
)
def test_posts_that_are_not_for_everybody(world, make, noon, who, columns, code):
    shift = make.shift(make.post(world.cast.community, **columns), starts_at=at(4, 14))
    assert code_of(world.take, who, shift, noon) == code


def test_a_minor_and_who_made_no_pledge(world, make, noon):
    young, silent = make.user("小明"), make.user("无诺")
    make.volunteer(young, area=world.cast.building, age_group="minor", guardian_name="大明")
    make.volunteer(silent, area=world.cast.building, pledges=(PledgeKind.HEALTH,))
    world.cast.people.update(young=young, silent=silent)
    adults = make.shift(make.post(world.cast.community, adults_only=True), starts_at=at(4, 14))
    doors = make.shift(make.post(world.cast.community, handles_household_data=True), starts_at=at(4, 14))
    assert code_of(world.take, "young", adults, noon) == "adults_only"
    assert code_of(world.take, "silent", doors, noon) == "pledge_missing"
    assert world.take("silent", adults, noon).state is SignupState.PLACED


def test_a_shift_of_another_community_is_not_there(world, noon):
    with pytest.raises(NotFound):
        world.take("fern", world.shift(), noon)


def test_what_is_over_takes_nobody(world, noon):
    assert code_of(world.take, "vera", world.shift(starts_at=at(1, 7), hours=5), noon) == "shift_over"


def test_who_joins_a_shift_that_runs_gives_the_rest_of_it(world, noon):
    shift = world.shift(starts_at=at(1, 10))
    world.take("vera", shift, noon)
    (time_taken,) = world.commitments()
    assert (time_taken.starts_at, time_taken.ends_at) == (noon, at(1, 14))


def test_the_cordon_has_two_sides(world, make, noon):
    classes = {each.code: each.id for each in list_zone_classes()}
    areas.set_zone(
        deed=make_deed(world.cast.actor("alice")),
        public_id=world.cast.building.public_id,
        zone_class_id=classes["sealed"],
        reason="一例阳性",
        notice="第12号通告",
    )
    inside = make.shift(make.post(world.cast.building), starts_at=at(4, 14))
    # vera lives in the sealed building, viktor does not.
    assert code_of(world.take, "viktor", inside, noon) == "inside_cordon"
    assert code_of(world.take, "vera", world.shift(), noon) == "outside_cordon"
    assert world.take("vera", inside, noon).state is SignupState.PLACED


# --- places that are kept for a skill -----------------------------------------------------------------------


def test_a_kept_place_goes_to_who_has_the_skill(world, noon):
    shift = world.shift(maximum_count=2, wanted_count=2, skills={"sampling": 1})
    world.take("vera", shift, noon)
    with pytest.raises(RuleBroken) as refused:
        world.take("tess", shift, noon)
    assert refused.value.code == "skill_missing"
    # The name is said in both languages, and the queue for the place for anybody is one tap away.
    assert refused.value.params["skill"] == ("核酸采样", "take samples")
    assert refused.value.params["confirm"] == {"or_wait": "1"}
    world.take("viktor", shift, noon)

    @db.reading
    def kept():
        return dict(
            db.connection()
            .execute(
                select(_signups.c.person_id, _signups.c.skill_code).where(_signups.c.shift_id == shift.id)
            )
            .all()
        )

    people = world.cast.people
    assert kept() == {people["vera"].person_id: None, people["viktor"].person_id: "sampling"}
    assert world.counts(shift) == (2, 0)


# --- the queue ----------------------------------------------------------------------------------------------


def full_with_queue(world, noon, *waiting):
    shift = world.shift()
    world.take("vera", shift, noon)
    for minute, who in enumerate(waiting):
        world.take(who, shift, noon + timedelta(minutes=minute), or_wait=True)
    return shift


def test_what_falls_free_is_offered_to_the_first_until_a_time(world, noon):
    shift = full_with_queue(world, noon, "viktor", "tess")
    later = noon + timedelta(hours=1)
    world.do(services.leave_shift, "vera", shift, later)
    assert world.states(shift) == {"vera": "left", "viktor": "offered", "tess": "waiting"}
    assert world.counts(shift) == (1, 1)
    ((template, said, due_at),) = world.told()
    assert template == "shift_offered"
    assert said["accept_by"] == (later + timedelta(hours=2)).isoformat()
    assert due_at == later
    # While it holds nobody else gets the place.
    assert code_of(world.take, "zoe", shift, later) == "shift_full"
    assert world.do(services.accept_offer, "viktor", shift, later).state is SignupState.PLACED
    assert world.counts(shift) == (1, 1)


def test_an_offer_that_lapsed_is_free_for_the_next_without_any_worker(world, noon):
    shift = full_with_queue(world, noon, "viktor")
    world.do(services.leave_shift, "vera", shift, noon)
    too_late = noon + timedelta(hours=3)
    assert code_of(world.do, services.accept_offer, "viktor", shift, too_late) == "offer_over"
    assert world.take("zoe", shift, too_late).state is SignupState.PLACED
    assert world.states(shift) == {"vera": "left", "viktor": "expired", "zoe": "placed"}
    assert world.counts(shift) == (1, 0)


def test_the_queue_goes_before_who_comes_now(world, noon):
    shift = full_with_queue(world, noon, "viktor", "tess")
    world.do(services.leave_shift, "vera", shift, noon)
    # viktor's offer has lapsed, but tess waits: zoe stands behind her.
    too_late = noon + timedelta(hours=3)
    assert code_of(world.take, "zoe", shift, too_late) == "shift_full"
    services.tidy_offers(now=too_late)
    assert world.states(shift) == {"vera": "left", "viktor": "expired", "tess": "offered"}


def test_the_worker_offers_to_the_next_and_closes_the_queue_of_what_is_over(world, noon):
    shift = full_with_queue(world, noon, "viktor", "tess")
    world.do(services.leave_shift, "vera", shift, noon)
    services.tidy_offers(now=noon + timedelta(hours=3))
    assert world.states(shift) == {"vera": "left", "viktor": "expired", "tess": "offered"}
    assert [template for template, _, _ in world.told()] == ["shift_offered", "shift_offered"]
    services.tidy_offers(now=at(4, 18))
    assert world.states(shift)["tess"] == "expired"
    assert world.counts(shift) == (0, 0)
    assert world.commitments() == []


def test_who_no_longer_fits_is_passed_over_and_keeps_waiting(world, make, noon):
    shift = full_with_queue(world, noon, "viktor", "tess")
    other = make.shift(world.post, starts_at=at(4, 15))
    make.signup(other, world.cast.people["viktor"])
    world.do(services.leave_shift, "vera", shift, noon)
    assert world.states(shift) == {"vera": "left", "viktor": "waiting", "tess": "offered"}


def test_an_offer_in_the_night_is_written_in_the_morning(world):
    noon = at(1, 12)
    shift = full_with_queue(world, noon, "viktor")
    world.do(services.leave_shift, "vera", shift, at(1, 23))
    ((_, said, due_at),) = world.told()
    assert due_at == at(2, 8)
    assert said["accept_by"] == at(2, 9).isoformat()


def test_without_time_to_ask_the_place_is_for_whoever_comes(world, noon):
    shift = full_with_queue(world, noon, "viktor")
    world.do(services.leave_shift, "vera", shift, at(4, 13, 30))
    assert world.counts(shift) == (0, 1)
    assert world.take("zoe", shift, at(4, 13, 31)).state is SignupState.PLACED


def test_waiting_where_a_place_came_free_takes_it(world, noon):
    shift = world.shift()
    assert world.do(services.wait_for_shift, "vera", shift, noon).state is SignupState.PLACED


WORKER = """
import sys
from datetime import datetime
from webapp import create_app
from webapp.domain.rosters import services
with create_app().app_context():
    services.tidy_offers(now=datetime.fromisoformat(sys.argv[1]))
"""


def test_a_worker_that_is_killed_on_the_way_loses_nothing(world, make, noon, database_url, tmp_path):
    shifts = []
    for n in range(40):
        shift = world.shift(starts_at=at(3 + 2 * n, 14))
        make.signup(
            shift, world.cast.people["viktor"], state=SignupState.OFFERED, accept_by=noon, source="waitlist"
        )
        make.signup(shift, world.cast.people["tess"], state=SignupState.WAITING, waiting_since=noon)
        shifts.append(shift)

    def done():
        return sum(world.states(shift)["viktor"] == "expired" for shift in shifts)

    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, (noon + timedelta(hours=1)).isoformat()],
        cwd=ROOT,
        env=environment(database_url, tmp_path),
    )
    try:
        while done() == 0:
            assert worker.poll() is None
        worker.kill()
    finally:
        worker.kill()
        worker.wait()
    before = done()
    print(f"killed after {before} of {len(shifts)}")
    services.tidy_offers(now=noon + timedelta(hours=1))
    # Each shift was settled once: the place went on to the next, who was told once.
    assert {tuple(world.states(shift).values()) for shift in shifts} == {("expired", "offered")}
    assert {world.counts(shift) for shift in shifts} == {(1, 0)}
    assert len(world.commitments()) == len(world.told()) == len(shifts)


# --- leaving ------------------------------------------------------------------------------------------------


def test_leaving_in_time_is_without_a_word(world, noon):
    shift = world.shift()
    world.take("vera", shift, noon)
    world.do(services.leave_shift, "vera", shift, noon)
    assert world.states(shift) == {"vera": "left"}
    assert world.told() == []
    assert world.commitments() == []
    assert code_of(world.do, services.leave_shift, "vera", shift, noon) == "not_on_it"
    assert world.take("vera", shift, noon).state is SignupState.PLACED


def test_leaving_late_tells_the_lead_or_the_head(world, make, noon):
    led = make.post(world.cast.community, lead_person_id=world.cast.people["bob"].person_id)
    for post in (led, world.post):
        shift = make.shift(post, starts_at=at(4, 14), hours=4)
        make.signup(shift, world.cast.people["vera"])
        world.do(services.leave_shift, "vera", shift, at(4, 9))
        assert world.states(shift) == {"vera": "dropped_out"}
    # bob leads the first post; nobody leads the second, so alice, who heads the community, is told.
    told = world.told()
    assert [(template, said["name"]) for template, said, _ in told] == [("shift_dropped", "薇拉")] * 2
    assert phones(world) == [world.cast.people[name].phone for name in ("bob", "alice")]


@db.reading
def phones(world):
    from webapp.base import crypto  # noqa: PLC0415

    rows = db.connection().execute(select(_messages.c.address).order_by(_messages.c.id)).scalars()
    return [crypto.decrypt(each) for each in rows]


def test_no_to_a_place_that_staff_gave_is_no_drop_out(world, make, noon):
    shift = world.shift()
    make.signup(shift, world.cast.people["vera"], source=SignupSource.STAFF, confirmed_at=None)
    world.do(services.leave_shift, "vera", shift, at(4, 9))
    assert world.states(shift) == {"vera": "left"}
    assert [template for template, _, _ in world.told()] == ["shift_dropped"]


def test_confirming_a_place_that_staff_gave(world, make, noon):
    shift = world.shift()
    make.signup(shift, world.cast.people["vera"], source=SignupSource.STAFF, confirmed_at=None)
    world.do(services.confirm_place, "vera", shift, noon)
    world.do(services.leave_shift, "vera", shift, at(4, 9))
    # Now it was a promise.
    assert world.states(shift) == {"vera": "dropped_out"}


def test_who_is_on_duty_is_relieved_and_does_not_leave(world, make):
    shift = world.shift(starts_at=at(1, 10))
    make.signup(shift, world.cast.people["vera"])

    @db.writing
    def arrive():
        db.session().add(
            Attendance(
                public_id="arrived",
                shift_id=shift.id,
                person_id=world.cast.people["vera"].person_id,
                mark=Mark.PRESENT,
                arrived_at=at(1, 10),
                arrived_from=Evidence.CHECK_IN,
                marked_at=at(1, 10),
            )
        )

    arrive()
    assert code_of(world.do, services.leave_shift, "vera", shift, at(1, 11)) == "on_duty"


# --- what staff do with a place -----------------------------------------------------------------------------


def test_an_override_needs_a_rule_that_gives_way(world, make, noon):
    placed = db.writing(placing.place)
    near = world.shift(starts_at=at(4, 19), hours=3)
    make.signup(near, world.cast.people["viktor"])
    early = world.shift(starts_at=at(5, 6))
    person = world.cast.people["viktor"].person_id
    deed = make_deed(world.cast.actor("alice"), now=noon)
    values = {"person_id": person, "source": SignupSource.STAFF}
    assert code_of(placed, deed, shift_id=early.id, **values) == "no_rest"
    placed(deed, shift_id=early.id, override_reason="没有别人", **values)

    @db.reading
    def overrides():
        return list(
            db.connection().execute(
                select(_signups.c.override_reason, _signups.c.overridden_by).order_by(_signups.c.id)
            )
        )

    assert [tuple(row) for row in overrides()] == [(None, None), ("没有别人", deed.actor.key)]
    # In two places at once is nobody, whatever the reason.
    over = world.shift(starts_at=at(4, 20), hours=3)
    assert code_of(placed, deed, shift_id=over.id, override_reason="没有别人", **values) == "overlaps"
    # Where no rule had to give way there is no mark on the roster.
    placed(deed, shift_id=world.shift(starts_at=at(9, 14)).id, override_reason="没有别人", **values)
    assert tuple(overrides()[-1]) == (None, None)


def test_who_waits_and_is_given_the_place_leaves_the_queue(world, noon):
    shift = full_with_queue(world, noon, "viktor")

    @db.writing
    def larger():
        db.connection().execute(update(_shifts).where(_shifts.c.id == shift.id).values(maximum_count=2))

    larger()
    db.writing(placing.place)(
        make_deed(world.cast.actor("alice"), now=noon),
        shift_id=shift.id,
        person_id=world.cast.people["viktor"].person_id,
        source=SignupSource.STAFF,
    )
    assert world.states(shift) == {"vera": "placed", "viktor": "placed"}
    assert world.counts(shift) == (2, 0)


# --- the list -----------------------------------------------------------------------------------------------


def test_what_fits_comes_near_first_and_only_once(world, make, noon):
    near = make.shift(make.post(world.cast.compound), starts_at=at(6, 14))
    far = [make.shift(world.post, starts_at=at(3 + n, 14)) for n in range(3)]
    page = taking.list_shifts(actor=world.cast.actor("vera"), now=noon, only_fitting=True)
    assert [line.public_id for line in page.lines] == [near.public_id, *(each.public_id for each in far)]
    assert [line.is_near for line in page.lines] == [True, False, False, False]


def test_all_shows_why_something_does_not_fit(world, make, noon):
    taken = world.shift()
    make.signup(taken, world.cast.people["vera"])
    world.shift(starts_at=at(4, 16))
    world.shift(starts_at=at(6, 14), skills={"sampling": 1})
    page = taking.list_shifts(actor=world.cast.actor("vera"), now=noon, only_fitting=False)
    assert [(line.state, line.reason and line.reason.code) for line in page.lines] == [
        (SignupState.PLACED, None),
        (None, "overlaps"),
        (None, "skill_missing"),
    ]
    fits = taking.list_shifts(actor=world.cast.actor("vera"), now=noon, only_fitting=True)
    assert fits.lines == ()


@pytest.mark.parametrize("only_fitting", [True, False])
def test_pages_by_key_show_each_shift_once(world, make, noon, only_fitting):
    made = {make.shift(world.post, starts_at=at(3 + n // 2, 7)).public_id for n in range(25)}
    seen, after = [], None
    for _ in range(9):
        page = taking.list_shifts(
            actor=world.cast.actor("vera"), now=noon, only_fitting=only_fitting, after=after, limit=4
        )
        seen += [line.public_id for line in page.lines]
        after = page.after
        if after is None:
            break
    assert after is None
    assert len(seen) == 25
    assert set(seen) == made


@pytest.mark.parametrize("after", ["", "x", "1.2", "9.99999999999999999999.1", "1..", "-1.5.5"])
def test_a_forged_key_is_the_first_page(world, noon, after):
    shift = world.shift()
    page = taking.list_shifts(actor=world.cast.actor("vera"), now=noon, only_fitting=True, after=after)
    assert [line.public_id for line in page.lines] == [shift.public_id]


def test_a_lapsed_offer_counts_as_free_in_the_list(world, noon):
    shift = full_with_queue(world, noon, "viktor")
    world.do(services.leave_shift, "vera", shift, noon)
    actor = world.cast.actor("zoe")

    def free(now):
        (line,) = taking.list_shifts(actor=actor, now=now, only_fitting=False).lines
        return line.free, taking.get_shift(actor=actor, public_id=shift.public_id, now=now).free

    assert free(noon) == (0, 0)
    assert free(noon + timedelta(hours=3)) == (1, 1)


def test_the_team_s_posts_elsewhere_are_shown(world, make, noon):
    elsewhere = make.post(world.cast.other_community, team=world.cast.team)
    shift = make.shift(elsewhere, starts_at=at(4, 14))
    make.shift(make.post(world.cast.other_community), starts_at=at(4, 14))
    for who, shown in (("vera", [shift.public_id]), ("viktor", [])):
        page = taking.list_shifts(actor=world.cast.actor(who), now=noon, only_fitting=False)
        assert [line.public_id for line in page.lines] == shown


@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize("view", ["fits", "all", "mine"])
def test_the_lists_ask_the_same_whatever_their_length(world, make, noon, queries, rows, view):
    for n in range(rows):
        columns = {"maximum_count": 1, "wanted_count": 1, "skills": {"sampling": 1}}
        shift = make.shift(world.post, starts_at=at(3 + n, 14), **columns)
        if view == "mine":
            make.signup(shift, world.cast.people["vera"])
    actor = world.cast.actor("vera")
    queries.statements.clear()
    if view == "mine":
        assert len(taking.list_own_shifts(actor=actor, now=noon).lines) == rows
        assert queries.count == 4
    else:
        taking.list_shifts(actor=actor, now=noon, only_fitting=view == "fits")
        # One more to call by name the skill that somebody lacks.
        assert queries.count == (3 if view == "fits" else 4)
