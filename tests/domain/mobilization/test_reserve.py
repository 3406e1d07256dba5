"""The reserve: who sees whom, how ready somebody is and who says so, half-days near at hand, who comes in and who goes."""

import json
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken
from webapp.base.permissions import Role
from webapp.domain.accounts.models import Appointment
from webapp.domain.areas import queries as areas
from webapp.domain.areas.services import set_zone
from webapp.domain.mobilization.models import ReserveDay, Reservist, ReservistSkill
from webapp.domain.mobilization.queries import enrolling as enrol_queries
from webapp.domain.mobilization.queries import reserve as queries
from webapp.domain.mobilization.queries import reserve_person
from webapp.domain.mobilization.queries.reserve import Filter
from webapp.domain.mobilization.rules import Category, EnrolSource, Readiness, SummonsState
from webapp.domain.mobilization.services import enrolling
from webapp.domain.mobilization.services import reserve as services
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.volunteers.models import AvailabilitySlot, Commitment
from webapp.domain.volunteers.rules import AgeGroup, Availability, CommitmentKind, Half, VolunteerState

pytestmark = pytest.mark.db

FREEZE = timedelta(hours=48)
RESERVISTS = Reservist.__table__
PEOPLE = Person.__table__


@db.reading
def rows(statement):
    return db.connection().execute(statement).all()


def row_of(public_id):
    (found,) = rows(select(Reservist.__table__).where(RESERVISTS.c.public_id == public_id))
    return found


@db.writing
def write(*made):
    db.session().add_all(made)


@db.writing
def change(table, where, **values):
    db.connection().execute(table.update().where(where).values(**values))


def last_entry(verb):
    found = rows(select(AuditEntry).where(AuditEntry.verb == verb).order_by(AuditEntry.id.desc()))
    return found[0] if found else None


def listed(cast, name, **wanted):
    page = queries.list_reservists(actor=cast.actor(name), wanted=Filter(**wanted), now=clock.now())
    public = {made.public_id: each for each, made in cast.reservists.items()}
    return [public.get(row.public_id, row.name) for row in page.rows]


# --- who sees whom ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("alice", {"tess", "vera", "viktor", "bob"}),
        ("dora", {"tess", "vera", "viktor", "bob", "fern"}),
        ("erin", {"tess", "vera", "viktor", "bob", "fern"}),
        ("charlie", {"fern"}),
        ("tess", {"tess", "vera"}),
        ("olga", set()),
        ("bob", set()),
        ("ruth", set()),
    ],
)
def test_staff_see_the_reserve_of_their_areas_and_a_lead_the_team(cast, in_app, who, seen):
    assert set(listed(cast, who)) == seen
    for name, made in cast.reservists.items():
        try:
            reserve_person.get_reservist(actor=cast.actor(who), public_id=made.public_id, now=clock.now())
        except NotFound:
            assert name not in seen
        else:
            assert name in seen


def test_who_left_or_was_told_no_is_not_listed(make, cast, in_app):
    change(RESERVISTS, RESERVISTS.c.id == cast.reservists["bob"].id, left_at=clock.now())
    gone = make.user("走了")
    make.volunteer(gone, area=cast.community, state=VolunteerState.REFUSED)
    reservist = make.reservist(gone, area=cast.community)
    assert set(listed(cast, "alice")) == {"tess", "vera", "viktor"}
    with pytest.raises(NotFound):
        reserve_person.get_reservist(
            actor=cast.actor("alice"), public_id=reservist.public_id, now=clock.now()
        )


# --- the list -----------------------------------------------------------------------------------------------


def test_the_list_is_narrowed_by_each_of_its_filters(make, cast, in_app):
    seal(cast, cast.building)
    for name, values in (
        ("bob", {"readiness": Readiness.RESTING, "unit": "县水务局"}),
        ("viktor", {"readiness": Readiness.AWAY, "away_until": clock.now() + timedelta(days=1)}),
    ):
        change(RESERVISTS, RESERVISTS.c.id == cast.reservists[name].id, **values)
    change(
        PersonPhone.__table__,
        PersonPhone.person_id == cast.people["vera"].person_id,
        opted_out_at=clock.now(),
    )
    assert listed(cast, "alice", category=Category.COMMUNITY) == ["bob"]
    assert listed(cast, "alice", skill="sampling") == ["viktor"]
    assert listed(cast, "alice", skill="order") == ["bob"]
    assert listed(cast, "alice", readiness=Readiness.RESTING) == ["bob"]
    assert listed(cast, "alice", readiness=Readiness.AWAY) == ["viktor"]
    assert set(listed(cast, "alice", team=cast.team.public_id)) == {"tess", "vera"}
    assert set(listed(cast, "alice", area=cast.building.public_id)) == {"tess", "vera"}
    assert set(listed(cast, "alice", inside=True)) == {"tess", "vera"}
    assert set(listed(cast, "alice", inside=False)) == {"viktor", "bob"}
    assert listed(cast, "alice", reachable=False) == ["vera"]
    assert set(listed(cast, "alice", reachable=True)) == {"tess", "viktor", "bob"}
    assert listed(cast, "alice", text="薇") == ["vera"]
    assert listed(cast, "alice", text=cast.people["bob"].phone) == ["bob"]
    assert listed(cast, "alice", text="nobody") == []
    assert listed(cast, "alice", category=Category.COMMUNITY, readiness=Readiness.READY) == []


def seal(cast, area):
    sealed = next(choice for choice in areas.list_zone_classes() if choice.code == "sealed")
    set_zone(
        deed=make_deed(cast.actor("alice")),
        public_id=area.public_id,
        zone_class_id=sealed.id,
        reason="一例阳性",
        notice="第1号通告",
    )


def test_the_figures_count_who_is_how_ready_and_who_is_back_is_ready(cast, in_app):
    now = clock.now()
    for name, until in (("bob", now + timedelta(days=1)), ("viktor", now - timedelta(minutes=1))):
        change(
            RESERVISTS,
            RESERVISTS.c.id == cast.reservists[name].id,
            readiness=Readiness.AWAY,
            away_until=until,
        )
    page = queries.list_reservists(actor=cast.actor("alice"), wanted=Filter(), now=now)
    assert page.counts == {
        Readiness.READY: 3,
        Readiness.LIMITED: 0,
        Readiness.RESTING: 0,
        Readiness.AWAY: 1,
    }
    assert page.count == 4
    assert {row.name: row.readiness for row in page.rows}["维克"] is Readiness.READY
    narrowed = queries.list_reservists(
        actor=cast.actor("alice"), wanted=Filter(readiness=Readiness.AWAY), now=now
    )
    assert [row.name for row in narrowed.rows] == ["鲍伯"]
    assert narrowed.count == 4, "the figures stay, so that one sees what else there is"


def test_pages_are_cut_by_key_and_hold_everybody_once(make, cast, in_app):
    for number in range(7):
        user = make.user(f"王{'一二三四五六七'[number]}")
        make.reservist(user, area=cast.community, skills=("order", "desk"))
    seen, after = [], None
    while True:
        page = queries.list_reservists(
            actor=cast.actor("alice"), wanted=Filter(), now=clock.now(), after=after, limit=3
        )
        seen += [row.public_id for row in page.rows]
        after = page.after
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 11
    pinyin = [row_of(public_id).pinyin_key for public_id in seen]
    assert pinyin == sorted(pinyin)


def test_a_row_says_skills_team_and_whether_a_message_reaches_them(make, cast, in_app):
    (row,) = queries.list_reservists(
        actor=cast.actor("alice"), wanted=Filter(text="维克"), now=clock.now()
    ).rows
    assert row.skills == ("sampling",)
    assert row.is_reachable
    assert not row.is_inside
    assert row.phone_tail == cast.people["viktor"].phone[-4:]
    assert row.team_name is None


def test_the_list_asks_as_much_for_one_as_for_many(make, cast, queries, in_app):
    from webapp.domain.mobilization.queries import reserve  # noqa: PLC0415 - the fixture has the name

    alice = cast.actor("alice")
    queries.statements.clear()
    choices = reserve.list_choices(actor=alice, now=clock.now())
    reserve.list_reservists(actor=alice, wanted=Filter(), now=clock.now(), cordon=choices.cordon)
    few = queries.count
    for number in range(20):
        make.reservist(make.user(f"多{number}"), area=cast.community, skills=("order",), team=cast.team)
    queries.statements.clear()
    choices = reserve.list_choices(actor=alice, now=clock.now())
    page = reserve.list_reservists(actor=alice, wanted=Filter(), now=clock.now(), cordon=choices.cordon)
    assert len(page.rows) == 24
    assert queries.count == few == 3, "with sign-in and place the page asks five times"


def test_the_choices_know_what_is_sealed(cast, in_app):
    assert queries.list_choices(actor=cast.actor("alice"), now=clock.now()).cordon == ()
    seal(cast, cast.building)
    found = queries.list_choices(actor=cast.actor("alice"), now=clock.now())
    assert found.cordon == areas.sealed_paths(clock.now()) == (cast.building.path,)
    assert [each.name for each in found.teams] == ["红马甲"]
    assert {each.name for each in found.areas} == {"北辰社区", "第一网格"}


# --- one person ---------------------------------------------------------------------------------------------


def view(cast, who, name):
    return reserve_person.get_reservist(
        actor=cast.actor(who), public_id=cast.reservists[name].public_id, now=clock.now()
    )


def test_the_page_of_a_person_says_where_skills_come_from_and_who_leads(make, cast, in_app):
    write(ReservistSkill(reservist_id=cast.reservists["vera"].id, skill_code="driving"))
    vera = view(cast, "alice", "vera")
    assert {(each.code, each.is_own) for each in vera.skills} == {("delivery", False), ("driving", True)}
    assert vera.may_manage
    assert vera.volunteer == cast.volunteers["vera"].public_id
    assert not view(cast, "tess", "vera").may_manage
    assert view(cast, "dora", "vera").may_manage


def test_the_half_days_of_a_fortnight_take_the_day_before_the_week_and_time_taken_before_both(cast, in_app):
    now = clock.now()
    today = clock.day(now)
    vera, on = cast.reservists["vera"], today + timedelta(days=5)
    write(
        AvailabilitySlot(
            volunteer_id=cast.volunteers["vera"].id,
            weekday=on.weekday(),
            half=Half.MORNING,
            state=Availability.AVAILABLE,
        ),
        ReserveDay(
            reservist_id=vera.id,
            day=on + timedelta(days=7),
            half=Half.MORNING,
            state=Availability.NOT_AVAILABLE,
            said_at=now,
        ),
        Commitment(
            person_id=vera.person_id,
            starts_at=reserve_person.half_begins(on, Half.AFTERNOON) + timedelta(hours=6),
            ends_at=reserve_person.half_begins(on + timedelta(days=1), Half.MORNING) + timedelta(hours=2),
            kind=CommitmentKind.SHIFT,
            reference_id=1,
        ),
    )
    halves = {
        (each.day, each.half): each
        for each in reserve_person.list_half_days(
            reservist_id=vera.id, person_id=vera.person_id, now=now, freeze=FREEZE
        )
    }
    assert len(halves) == 28
    assert min(halves)[0] == today
    usual = halves[on, Half.MORNING]
    assert (usual.state, usual.is_of_the_day) == (Availability.AVAILABLE, False)
    own = halves[on + timedelta(days=7), Half.MORNING]
    assert (own.state, own.is_of_the_day, own.week) == (
        Availability.NOT_AVAILABLE,
        True,
        Availability.AVAILABLE,
    )
    for key in ((on, Half.AFTERNOON), (on + timedelta(days=1), Half.MORNING)):
        assert halves[key].state is Availability.COMMITTED
        assert halves[key].taken == (CommitmentKind.SHIFT,)
    assert halves[on + timedelta(days=1), Half.AFTERNOON].state is Availability.UNKNOWN
    for each in halves.values():
        assert each.is_frozen is (each.begins_at < now + FREEZE)


def test_history_shows_every_summons_and_links_only_what_the_reader_may_open(make, cast, in_app):
    person = cast.people["vera"].person_id
    foreign = make.call_up(cast.other_community, title="他社区")
    own = make.call_up(cast.community, title="本社区", is_drill=True)
    make.summons(foreign, person, state=SummonsState.CANNOT)
    make.summons(own, person, state=SummonsState.MISSED)
    first, second = reserve_person.list_history(actor=cast.actor("alice"), person_id=person)
    assert (first.title, first.call_up, first.is_drill) == ("本社区", own.public_id, True)
    assert first.state is SummonsState.MISSED
    assert (second.title, second.call_up, second.state) == ("他社区", None, SummonsState.CANNOT)


# --- readiness ----------------------------------------------------------------------------------------------


def test_a_head_writes_readiness_with_a_reason_that_stands_in_the_log(cast, in_app):
    vera = cast.reservists["vera"]
    services.set_readiness(
        deed=make_deed(cast.actor("alice")),
        public_id=vera.public_id,
        readiness=Readiness.RESTING,
        away_until=None,
        reason=" 连续 值班两天 ",
    )
    assert row_of(vera.public_id).readiness is Readiness.RESTING
    entry = last_entry("set_readiness")
    assert (entry.reason, entry.object_id) == ("连续 值班两天", vera.id)
    assert json.loads(entry.facts)["before"] == "ready"


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_a_head_changes_no_readiness(cast, in_app, reason):
    with pytest.raises(RuleBroken) as refusal:
        services.set_readiness(
            deed=make_deed(cast.actor("alice")),
            public_id=cast.reservists["vera"].public_id,
            readiness=Readiness.RESTING,
            away_until=None,
            reason=reason,
        )
    assert refusal.value.code == "reason_missing"
    assert row_of(cast.reservists["vera"].public_id).readiness is Readiness.READY


@pytest.mark.parametrize(("who", "error"), [("tess", NotAllowed), ("charlie", NotFound), ("ruth", NotFound)])
def test_who_does_not_lead_the_reserve_writes_nothing_there(cast, in_app, who, error):
    deeds = (
        lambda deed, public_id: services.set_readiness(
            deed=deed, public_id=public_id, readiness=Readiness.RESTING, away_until=None, reason="累"
        ),
        lambda deed, public_id: services.set_days(
            deed=deed, public_id=public_id, said={}, reason="", freeze=FREEZE
        ),
        lambda deed, public_id: services.edit_reservist(
            deed=deed, public_id=public_id, facts=services.Facts(category=Category.CADRE)
        ),
        lambda deed, public_id: services.take_out(deed=deed, public_id=public_id, reason="走了"),
        lambda deed, public_id: services.reveal_reservist_phone(
            deed=deed, public_id=public_id, reason="打电话"
        ),
    )
    before = row_of(cast.reservists["vera"].public_id)
    for act in deeds:
        with pytest.raises(error):
            act(make_deed(cast.actor(who)), cast.reservists["vera"].public_id)
    assert row_of(cast.reservists["vera"].public_id) == before


def test_a_change_on_an_old_page_is_refused(cast, in_app):
    vera = cast.reservists["vera"].public_id
    version = row_of(vera).version
    services.set_readiness(
        deed=make_deed(cast.actor("dora")),
        public_id=vera,
        readiness=Readiness.LIMITED,
        away_until=None,
        reason="脚伤",
        version=version,
    )
    with pytest.raises(Conflict):
        services.set_readiness(
            deed=make_deed(cast.actor("alice")),
            public_id=vera,
            readiness=Readiness.READY,
            away_until=None,
            reason="好了",
            version=version,
        )
    assert row_of(vera).readiness is Readiness.LIMITED


def test_somebody_says_how_ready_they_are_and_comes_back_by_themselves(cast, in_app):
    now = clock.now()
    until = now + timedelta(days=2)
    services.set_own_readiness(deed=make_deed(cast.actor("vera")), readiness=Readiness.AWAY, away_until=until)
    row = row_of(cast.reservists["vera"].public_id)
    assert (row.readiness, row.away_until) == (Readiness.AWAY, until)
    own = reserve_person.get_own(actor=cast.actor("vera"), now=now)
    assert (own.readiness, own.away_until) == (Readiness.AWAY, until)
    later = reserve_person.get_own(actor=cast.actor("vera"), now=until)
    assert (later.readiness, later.away_until) == (Readiness.READY, None)
    services.set_own_readiness(
        deed=make_deed(cast.actor("vera")), readiness=Readiness.READY, away_until=until
    )
    assert row_of(cast.reservists["vera"].public_id).away_until is None


@pytest.mark.parametrize(
    ("days", "code"), [(None, "away_until_missing"), (-1, "away_until_past"), (400, "away_until_far")]
)
def test_away_needs_a_day_that_makes_sense(cast, in_app, days, code):
    until = None if days is None else clock.now() + timedelta(days=days)
    with pytest.raises(RuleBroken) as refusal:
        services.set_own_readiness(
            deed=make_deed(cast.actor("vera")), readiness=Readiness.AWAY, away_until=until
        )
    assert refusal.value.code == code
    assert row_of(cast.reservists["vera"].public_id).readiness is Readiness.READY


# --- half-days ----------------------------------------------------------------------------------------------


def day_in(days):
    return clock.day(clock.now()) + timedelta(days=days)


def said_of(name, cast):
    return {
        (row.day, row.half): row.state
        for row in rows(
            select(ReserveDay.__table__).where(ReserveDay.reservist_id == cast.reservists[name].id)
        )
    }


def test_somebody_says_when_they_can_come_and_says_it_again(cast, in_app):
    on = day_in(5)
    deed = make_deed(cast.actor("vera"))
    said = {(on, Half.MORNING): Availability.AVAILABLE, (on, Half.AFTERNOON): Availability.NOT_AVAILABLE}
    assert services.set_own_days(deed=deed, said=said, freeze=FREEZE) == 2
    assert said_of("vera", cast) == said
    assert services.set_own_days(deed=deed, said=said, freeze=FREEZE) == 0, "the same key is the same deed"
    again = {(on, Half.MORNING): Availability.UNKNOWN}
    services.set_own_days(deed=make_deed(cast.actor("vera")), said=again, freeze=FREEZE)
    assert said_of("vera", cast) == {(on, Half.AFTERNOON): Availability.NOT_AVAILABLE}


def test_what_the_week_says_anyway_has_no_row_and_follows_the_week(cast, in_app):
    on = day_in(5)
    write(
        AvailabilitySlot(
            volunteer_id=cast.volunteers["vera"].id,
            weekday=on.weekday(),
            half=Half.MORNING,
            state=Availability.AVAILABLE,
        )
    )
    for state, kept in (
        (Availability.AVAILABLE, {}),
        (Availability.NOT_AVAILABLE, {(on, Half.MORNING): Availability.NOT_AVAILABLE}),
        (Availability.AVAILABLE, {}),
    ):
        services.set_own_days(
            deed=make_deed(cast.actor("vera")), said={(on, Half.MORNING): state}, freeze=FREEZE
        )
        assert said_of("vera", cast) == kept


def noon(days=0):
    return clock.instant(datetime.combine(day_in(days), time(12)))


def test_near_at_hand_a_person_changes_nothing_and_a_head_with_a_reason(cast, in_app):
    with clock.set_for_test(noon()):
        near = {(day_in(1), Half.MORNING): Availability.AVAILABLE}
        with pytest.raises(RuleBroken) as refusal:
            services.set_own_days(deed=make_deed(cast.actor("vera")), said=near, freeze=FREEZE)
        assert (refusal.value.code, refusal.value.params) == ("days_frozen", {"hours": 48})
        vera = cast.reservists["vera"].public_id
        with pytest.raises(RuleBroken):
            services.set_days(
                deed=make_deed(cast.actor("alice")), public_id=vera, said=near, reason=" ", freeze=FREEZE
            )
        assert said_of("vera", cast) == {}
        services.set_days(
            deed=make_deed(cast.actor("alice")),
            public_id=vera,
            said=near,
            reason="本人来电",
            freeze=FREEZE,
        )
        assert said_of("vera", cast) == near
        entry = last_entry("set_reserve_days")
        assert entry.reason == "本人来电"
        assert json.loads(entry.facts)["within_freeze"] == 1


def test_the_freeze_ends_to_the_minute_and_is_a_setting(cast, in_app):
    on = day_in(2)
    begins = reserve_person.half_begins(on, Half.AFTERNOON)
    said = {(on, Half.AFTERNOON): Availability.AVAILABLE}
    with (
        clock.set_for_test(begins - FREEZE + timedelta(minutes=1)),
        pytest.raises(RuleBroken, match="days_frozen"),
    ):
        services.set_own_days(deed=make_deed(cast.actor("vera")), said=said, freeze=FREEZE)
    with clock.set_for_test(begins - FREEZE - timedelta(minutes=1)):
        services.set_own_days(deed=make_deed(cast.actor("vera")), said=said, freeze=FREEZE)
    with clock.set_for_test(begins - timedelta(hours=2)):
        services.set_own_days(
            deed=make_deed(cast.actor("vera")),
            said={(on, Half.AFTERNOON): Availability.NOT_AVAILABLE},
            freeze=timedelta(hours=1),
        )
    assert said_of("vera", cast) == {(on, Half.AFTERNOON): Availability.NOT_AVAILABLE}


def test_the_same_word_about_a_frozen_half_day_is_no_change(cast, in_app):
    with clock.set_for_test(noon()):
        on = day_in(1)
        write(
            ReserveDay(
                reservist_id=cast.reservists["vera"].id,
                day=on,
                half=Half.MORNING,
                state=Availability.AVAILABLE,
                said_at=clock.now(),
            )
        )
        far = {(day_in(6), Half.MORNING): Availability.AVAILABLE}
        services.set_own_days(
            deed=make_deed(cast.actor("vera")),
            said={(on, Half.MORNING): Availability.AVAILABLE, **far},
            freeze=FREEZE,
        )
        assert said_of("vera", cast) == {(on, Half.MORNING): Availability.AVAILABLE, **far}


@pytest.mark.parametrize(("days", "code"), [(-1, "day_past"), (14, "day_far"), (90, "day_far")])
def test_a_day_outside_the_fortnight_is_refused_whole(cast, in_app, days, code):
    said = {
        (day_in(5), Half.MORNING): Availability.AVAILABLE,
        (day_in(days), Half.MORNING): Availability.AVAILABLE,
    }
    with pytest.raises(RuleBroken) as refusal:
        services.set_own_days(deed=make_deed(cast.actor("vera")), said=said, freeze=FREEZE)
    assert refusal.value.code == code
    assert said_of("vera", cast) == {}


# --- what is known ------------------------------------------------------------------------------------------


def test_a_head_writes_what_is_known_and_moves_somebody(cast, in_app):
    bob = cast.reservists["bob"]
    services.edit_reservist(
        deed=make_deed(cast.actor("alice")),
        public_id=bob.public_id,
        facts=services.Facts(
            category=Category.CADRE,
            unit=" 县 水务局 ",
            team=cast.team.public_id,
            area=cast.building.public_id,
            note="有车",
            skills=["driving", "flying"],
        ),
    )
    row = row_of(bob.public_id)
    assert (row.category, row.unit, row.team_id, row.area_path, row.note) == (
        Category.CADRE,
        "县 水务局",
        cast.team.id,
        cast.building.path,
        "有车",
    )
    skills = rows(select(ReservistSkill.skill_code).where(ReservistSkill.reservist_id == bob.id))
    assert [each.skill_code for each in skills] == ["driving"]


def test_a_head_moves_nobody_out_of_her_areas_nor_into_a_foreign_team(make, cast, in_app):
    foreign = make.team("外队", area=cast.other_community)
    for facts in (
        services.Facts(category=Category.CADRE, area=cast.other_community.public_id),
        services.Facts(category=Category.CADRE, team=foreign.public_id),
    ):
        with pytest.raises(RuleBroken):
            services.edit_reservist(
                deed=make_deed(cast.actor("alice")),
                public_id=cast.reservists["bob"].public_id,
                facts=facts,
            )
    assert row_of(cast.reservists["bob"].public_id).category is Category.COMMUNITY


def test_the_number_is_shown_for_a_reason_and_the_look_is_written_down(cast, in_app):
    bob = cast.reservists["bob"]
    with pytest.raises(RuleBroken):
        services.reveal_reservist_phone(
            deed=make_deed(cast.actor("alice")), public_id=bob.public_id, reason=""
        )
    assert last_entry("reveal_phone") is None
    deed = make_deed(cast.actor("alice"))
    for _ in range(2):
        phone = services.reveal_reservist_phone(deed=deed, public_id=bob.public_id, reason="通知集合")
        assert phone == cast.people["bob"].phone
    entries = rows(select(AuditEntry).where(AuditEntry.verb == "reveal_phone"))
    assert [(entry.object_id, entry.reason) for entry in entries] == [(bob.id, "通知集合")]


# --- coming in and going ------------------------------------------------------------------------------------


def test_an_accepted_volunteer_joins_with_one_tick_and_only_once(make, cast, in_app):
    user = make.user("新友")
    make.volunteer(user, area=cast.building, team=cast.team)
    for _ in range(2):
        enrolling.join_reserve(deed=make_deed(actor_of(user, in_app)))
    (row,) = rows(select(Reservist.__table__).where(RESERVISTS.c.person_id == user.person_id))
    assert (row.source, row.team_id, row.area_path) == (EnrolSource.SELF, cast.team.id, cast.building.path)
    assert row.category is Category.VOLUNTEER


def actor_of(user, app):
    from webapp.domain.accounts.queries import load_signed_in  # noqa: PLC0415 - as the cast does

    return load_signed_in(token=user.token, now=clock.now()).actor


@pytest.mark.parametrize(
    "columns",
    [
        {"state": VolunteerState.APPLIED},
        {"state": VolunteerState.REFUSED},
        {"age_group": AgeGroup.MINOR, "guardian_name": "家长"},
    ],
)
def test_who_is_not_accepted_or_not_of_age_does_not_join(make, cast, in_app, columns):
    user = make.user("新友")
    make.volunteer(user, area=cast.building, **columns)
    assert reserve_person.own_standing(actor=actor_of(user, in_app), now=clock.now()) is None
    with pytest.raises(RuleBroken) as refusal:
        enrolling.join_reserve(deed=make_deed(actor_of(user, in_app)))
    assert refusal.value.code == "reserve_not_for_you"
    assert rows(select(RESERVISTS.c.id).where(RESERVISTS.c.person_id == user.person_id)) == []


def test_staff_join_as_what_they_are(make, cast, in_app):
    seconded = make.user("何下沉", roles={Role.GRID_WORKER: cast.grid})
    change(
        Appointment.__table__,
        Appointment.user_id == seconded.id,
        unit="县水务局",
        ends_at=clock.now() + timedelta(days=30),
    )
    enrolling.join_reserve(deed=make_deed(actor_of(seconded, in_app)))
    enrolling.join_reserve(deed=make_deed(cast.actor("lead")))
    found = {
        row.person_id: row
        for row in rows(select(Reservist.__table__).where(RESERVISTS.c.source == EnrolSource.SELF))
    }
    assert found[seconded.person_id].category is Category.CADRE
    assert found[seconded.person_id].unit == "县水务局"
    lead = found[cast.people["lead"].person_id]
    assert (lead.category, lead.area_path) == (Category.COMMUNITY, cast.building.path)


def test_who_comes_back_has_the_past_and_is_ready(cast, in_app):
    vera = cast.reservists["vera"]
    change(RESERVISTS, RESERVISTS.c.id == vera.id, call_count=3, yes_count=2, readiness=Readiness.RESTING)
    services.leave_reserve(deed=make_deed(cast.actor("vera")))
    assert row_of(vera.public_id).left_at is not None
    assert reserve_person.get_own(actor=cast.actor("vera"), now=clock.now()) is None
    enrolling.join_reserve(deed=make_deed(cast.actor("vera")))
    row = row_of(vera.public_id)
    assert (row.left_at, row.readiness, row.call_count, row.yes_count) == (None, Readiness.READY, 3, 2)


def test_who_is_expected_at_a_call_up_does_not_leave_before_saying_so(make, cast, in_app):
    call_up = make.call_up(cast.community)
    make.summons(call_up, cast.people["vera"].person_id, state=SummonsState.COMING)
    with pytest.raises(Conflict) as refusal:
        services.leave_reserve(deed=make_deed(cast.actor("vera")))
    assert refusal.value.code == "still_called_up"
    with pytest.raises(Conflict):
        services.take_out(
            deed=make_deed(cast.actor("alice")),
            public_id=cast.reservists["vera"].public_id,
            reason="调走",
        )
    assert row_of(cast.reservists["vera"].public_id).left_at is None
    services.take_out(
        deed=make_deed(cast.actor("alice")), public_id=cast.reservists["viktor"].public_id, reason="调走"
    )
    assert last_entry("leave_reserve").reason == "调走"


def test_all_who_fit_come_in_at_once_and_nobody_twice(make, cast, in_app):
    before = rows(select(func.count()).select_from(RESERVISTS))[0][0]
    plain, young, applied = make.user("合适"), make.user("未成年"), make.user("待审")
    make.volunteer(plain, area=cast.building)
    make.volunteer(young, area=cast.building, age_group=AgeGroup.MINOR, guardian_name="家长")
    make.volunteer(applied, area=cast.building, state=VolunteerState.APPLIED)
    both = make.user("两样", roles={Role.BUILDING_LEAD: cast.other_building})
    make.volunteer(both, area=cast.building)
    area = enrol_queries.find_area(actor=cast.actor("alice"), public_id=cast.community.public_id)
    candidates = enrol_queries.list_candidates(area=area, now=clock.now())
    names = {each.standing.name for each in (*candidates.volunteers, *candidates.staff)}
    # 楼栋长 leads a building; bob and the volunteers of the cast stand in the reserve already.
    assert names == {"合适", "两样", "楼栋长"}
    assert candidates.count == 3
    deed = make_deed(cast.actor("alice"))
    for _ in range(2):
        count = enrolling.enrol(deed=deed, area=cast.community.public_id, people=(), everybody=True)
        assert count == 3
    assert rows(select(func.count()).select_from(RESERVISTS))[0][0] == before + 3
    again = make_deed(cast.actor("alice"))
    assert enrolling.enrol(deed=again, area=cast.community.public_id, people=(), everybody=True) == 0
    (row,) = rows(select(Reservist.__table__).where(RESERVISTS.c.person_id == both.person_id))
    assert row.category is Category.VOLUNTEER


def test_one_by_one_only_those_of_the_area_come_in(make, cast, in_app):
    here, there = make.user("这里"), make.user("那里")
    make.volunteer(here, area=cast.building)
    make.volunteer(there, area=cast.other_community)
    public = {row.id: row.public_id for row in rows(select(PEOPLE.c.id, PEOPLE.c.public_id))}
    count = enrolling.enrol(
        deed=make_deed(cast.actor("alice")),
        area=cast.community.public_id,
        people=[public[here.person_id], public[there.person_id], "nobody"],
    )
    assert count == 1
    with pytest.raises(RuleBroken):
        enrolling.enrol(deed=make_deed(cast.actor("alice")), area=cast.community.public_id, people=())
    for who, error in (("charlie", NotFound), ("tess", NotFound), ("bob", NotFound)):
        with pytest.raises(error):
            enrolling.enrol(
                deed=make_deed(cast.actor(who)), area=cast.community.public_id, people=(), everybody=True
            )
