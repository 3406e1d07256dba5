"""Check-in, roll call, hand-over, the ledger: what is written of a day, by whom, and what it is worth."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.errors import Conflict, Gone, LinliError, NotAllowed, NotFound
from webapp.domain.rosters import rules, services
from webapp.domain.rosters.models import Attendance, HoursEntry, Shift, Signup
from webapp.domain.rosters.queries import certificates, day, hours, wall
from webapp.domain.rosters.queries.hours import By
from webapp.domain.rosters.rules import (
    EntryKind,
    EntryState,
    Evidence,
    LinkKind,
    Mark,
    SignupSource,
    SignupState,
)
from webapp.domain.rosters.services import Typed
from webapp.domain.rosters.services.day import check_out_for_relief
from webapp.domain.volunteers.models import Volunteer
from webapp.domain.volunteers.rules import VolunteerState

pytestmark = pytest.mark.db
START = datetime(2026, 5, 12, 10, 0, tzinfo=UTC)  # 18:00 in the county
END = START + timedelta(hours=5)


@pytest.fixture
def team_post(cast, make):
    return make.post(cast.community, name="北门卡口", team=cast.team)


@pytest.fixture
def shift(cast, make, team_post):
    """18:00–23:00 with vera and viktor."""
    made = make.shift(team_post, starts_at=START, hours=5, maximum_count=3)
    make.signup(made, cast.people["vera"])
    make.signup(made, cast.people["viktor"])
    return made


def code(post) -> str:
    return day.code_of(post.public_id, 1)


def arrive(cast, shift, who="vera", *, at=START, phone_at=None, key=None, word=None):
    return services.check_in(
        deed=make_deed(cast.actor(who), now=at, key=key),
        shift=shift.public_id,
        code=word or code(shift.post),
        phone_at=phone_at,
    )


def leave(cast, shift, who="vera", *, at, phone_at=None, word=None):
    return services.check_out(
        deed=make_deed(cast.actor(who), now=at), shift=shift.public_id, code=word, phone_at=phone_at
    )


def call(cast, shift, who, marks, *, at=START, versions=None, **times):
    """Roll call by tess: person name → mark."""
    lines = [
        Typed(
            shift.public_id,
            person(cast, name),
            mark,
            (versions or {}).get(name, version(cast, shift, name)),
            **times,
        )
        for name, mark in marks.items()
    ]
    return services.save_roll_call(
        deed=make_deed(cast.actor(who), now=at), shift=shift.public_id, lines=lines
    )


@db.reading
def rows(model, *conditions):
    return list(db.session().execute(select(model).where(*conditions).order_by(model.id)).scalars())


def person(cast, name) -> str:
    from webapp.domain.people.models import Person  # noqa: PLC0415

    return rows(Person, Person.id == cast.people[name].person_id)[0].public_id


def evidence(cast, shift, name):
    found = rows(
        Attendance, Attendance.shift_id == shift.id, Attendance.person_id == cast.people[name].person_id
    )
    return found[0] if found else None


def version(cast, shift, name) -> int:
    found = evidence(cast, shift, name)
    return found.version if found else 0


def minutes(cast, name) -> int:
    found = rows(
        HoursEntry,
        HoursEntry.person_id == cast.people[name].person_id,
        HoursEntry.state == EntryState.STANDS,
    )
    return sum(each.minutes for each in found)


def the_shift(shift):
    return rows(Shift, Shift.id == shift.id)[0]


def code_of_error(call) -> str:
    with pytest.raises(LinliError) as caught:
        call()
    return caught.value.code


# --- check-in -----------------------------------------------------------------------------------------------


def test_checking_in_and_out_writes_both_times_and_a_second_press_changes_nothing(in_app, cast, shift):
    arrive(cast, shift, at=START - timedelta(minutes=10), key="first-press")
    arrive(cast, shift, at=START - timedelta(minutes=10), key="first-press")
    arrive(cast, shift, at=START + timedelta(hours=1))
    leave(cast, shift, at=END - timedelta(minutes=30))
    leave(cast, shift, at=END)
    (found,) = rows(Attendance, Attendance.shift_id == shift.id)
    assert (found.mark, found.arrived_from, found.left_from) == (
        Mark.PRESENT,
        Evidence.CHECK_IN,
        Evidence.CHECK_IN,
    )
    assert found.arrived_at == START - timedelta(minutes=10)
    assert found.left_at == END - timedelta(minutes=30)


def test_the_window_opens_an_hour_before_and_ends_with_the_shift(in_app, cast, shift):
    early = START - timedelta(minutes=61)
    assert code_of_error(lambda: arrive(cast, shift, at=early)) == "check_in_not_yet"
    late = END + timedelta(seconds=1)
    assert code_of_error(lambda: arrive(cast, shift, at=late)) == "check_in_over"
    assert evidence(cast, shift, "vera") is None
    arrive(cast, shift, at=START - timedelta(minutes=60))


def test_a_forged_code_is_not_found_and_an_old_one_is_gone(in_app, cast, shift):
    old = code(shift.post)
    with pytest.raises(NotFound) as caught:
        arrive(cast, shift, word="222222")
    assert caught.value.code == "check_in_code_wrong"
    services.renew_code(deed=make_deed(cast.actor("tess")), post=shift.post.public_id)
    with pytest.raises(Gone) as caught:
        arrive(cast, shift, word=old)
    assert caught.value.code == "code_renewed"
    arrive(cast, shift, word=day.code_of(shift.post.public_id, 2))


@pytest.mark.parametrize(
    "write",
    [
        lambda word: word.lower(),
        lambda word: f" {word[:3]}-{word[3:]} ",
        lambda word: f"http://linli.test/rosters/check-in/anything/{word}/",
        lambda word: "".join(chr(ord(sign) + 0xFEE0) for sign in word),
    ],
)
def test_the_code_is_read_as_it_is_typed_or_scanned(in_app, cast, shift, write):
    arrive(cast, shift, word=write(code(shift.post)))
    assert evidence(cast, shift, "vera").mark is Mark.PRESENT


def test_who_has_no_place_on_the_shift_cannot_check_in(in_app, cast, shift):
    with pytest.raises(NotFound):
        arrive(cast, shift, "zoe")


# --- the phone's clock --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "now", "expected"),
    [
        (timedelta(minutes=2), timedelta(hours=3), (timedelta(minutes=2), True, False)),
        (timedelta(hours=-2), timedelta(hours=3), (timedelta(hours=3), True, True)),
        (timedelta(hours=4), timedelta(hours=3), (timedelta(hours=3), True, True)),
        (timedelta(hours=3, seconds=90), timedelta(hours=3), (timedelta(hours=3), False, False)),
        (None, timedelta(hours=3), (timedelta(hours=3), False, False)),
        (timedelta(minutes=5), timedelta(hours=12), (timedelta(minutes=5), True, False)),
    ],
)
def test_the_phones_time_counts_only_when_it_is_plausible(in_app, cast, shift, phone, now, expected):
    arrive(cast, shift, at=START + now, phone_at=None if phone is None else START + phone)
    found = evidence(cast, shift, "vera")
    assert (found.arrived_at - START, found.was_offline, found.is_doubtful) == expected


def test_more_than_twelve_hours_on_the_phone_is_too_long(in_app, cast, shift):
    late = START + timedelta(hours=13)
    assert code_of_error(lambda: arrive(cast, shift, at=late, phone_at=START)) == "check_in_over"


def test_what_lay_on_the_phone_replaces_what_the_rule_had_closed(in_app, cast, shift):
    arrive(cast, shift)
    services.tidy_shifts(now=END + timedelta(hours=2))
    assert minutes(cast, "vera") == 300
    leave(cast, shift, at=END + timedelta(hours=5), phone_at=END - timedelta(hours=1))
    assert evidence(cast, shift, "vera").left_from is Evidence.CHECK_IN
    assert minutes(cast, "vera") == 240
    assert [each.minutes for each in rows(HoursEntry)] == [300, -60]


# --- leaving ------------------------------------------------------------------------------------------------


def test_a_forgotten_check_out_ends_with_the_shift_and_says_so(in_app, cast, shift):
    arrive(cast, shift)
    before, after = END + timedelta(hours=2, seconds=-1), END + timedelta(hours=2)
    (line,) = [each for each in lines(cast, shift, before) if each.arrived_at]
    assert line.left_at is None
    (line,) = [each for each in lines(cast, shift, after) if each.arrived_at]
    assert (line.left_at, line.left_from) == (END, Evidence.RULE), "readers do not wait for the job"
    assert services.tidy_shifts(now=before) == 0
    assert services.tidy_shifts(now=after) == 1
    assert evidence(cast, shift, "vera").left_from is Evidence.RULE
    assert minutes(cast, "vera") == 300


def lines(cast, shift, now):
    return day.get_roll_call(actor=cast.actor("tess"), public_id=shift.public_id, now=now).lines


def test_time_after_the_end_counts_only_with_the_code_of_the_post(in_app, cast, shift):
    arrive(cast, shift)
    arrive(cast, shift, "viktor")
    leave(cast, shift, at=END + timedelta(minutes=30))
    leave(cast, shift, "viktor", at=END + timedelta(minutes=30), word=code(shift.post))
    services.tidy_shifts(now=END + timedelta(hours=2))
    assert (minutes(cast, "vera"), minutes(cast, "viktor")) == (300, 330)


def test_nobody_leaves_who_has_not_come(in_app, cast, shift):
    assert code_of_error(lambda: leave(cast, shift, at=END)) == "not_checked_in"


def test_relief_ends_the_stretch_and_who_takes_over_is_counted_from_then(in_app, cast, shift):
    arrive(cast, shift)
    at = START + timedelta(hours=2)

    @db.writing
    def relieve():
        return check_out_for_relief(
            deed=make_deed(cast.actor("vera"), now=at),
            shift_id=shift.id,
            person_id=cast.people["vera"].person_id,
        )

    assert relieve() is True
    assert relieve() is False
    services.tidy_shifts(now=END + timedelta(hours=2))
    assert minutes(cast, "vera") == 120


# --- roll call ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "error"),
    [("alice", None), ("tess", None), ("dora", NotAllowed), ("vera", NotAllowed)]
    + [(name, NotFound) for name in ("bob", "charlie", "olga", "zoe", "fern", "ruth", "adam")],
)
def test_who_may_call_the_roll(in_app, cast, shift, who, error):
    if error is None:
        assert call(cast, shift, who, {"vera": Mark.PRESENT}).present == 1
        return
    with pytest.raises(error):
        call(cast, shift, who, {"vera": Mark.PRESENT})
    assert evidence(cast, shift, "vera") is None


def test_the_leads_of_shift_and_post_may_call_the_roll_without_any_office(in_app, cast, make):
    people = cast.people
    led_post = make.post(cast.community, lead_person_id=people["zoe"].person_id)
    led_shift = make.shift(led_post, starts_at=START, lead_person_id=people["ruth"].person_id)
    make.signup(led_shift, people["vera"])
    for who in ("zoe", "ruth"):
        day.get_roll_call(actor=cast.actor(who), public_id=led_shift.public_id, now=START)
    with pytest.raises(NotFound):
        day.get_roll_call(actor=cast.actor("tess"), public_id=led_shift.public_id, now=START)
    # A post without a lead is not led by who has no person.
    with pytest.raises(NotFound):
        day.get_roll_call(actor=cast.actor("fern"), public_id=led_shift.public_id, now=START)


def test_no_tick_is_no_no_show(in_app, cast, shift):
    called = call(cast, shift, "tess", {"vera": Mark.PRESENT})
    assert (called.present, called.absent, called.unknown) == (1, 0, 1)
    services.tidy_shifts(now=END + timedelta(hours=3))
    assert evidence(cast, shift, "viktor") is None
    called = call(cast, shift, "tess", {"viktor": Mark.ABSENT}, at=END + timedelta(hours=4))
    assert called.absent == 1
    assert (minutes(cast, "vera"), minutes(cast, "viktor")) == (300, 0)


def test_a_stale_roll_call_overwrites_nothing_and_says_what_changed(in_app, cast, shift):
    arrive(cast, shift, "vera", at=START + timedelta(minutes=20))
    with pytest.raises(Conflict) as caught:
        call(
            cast,
            shift,
            "tess",
            {"vera": Mark.ABSENT, "viktor": Mark.PRESENT},
            versions={"vera": 0, "viktor": 0},
            at=START + timedelta(minutes=30),
        )
    (line,) = caught.value.params["changed"]
    assert (line.name, line.late_minutes) == ("薇拉", 20)
    assert evidence(cast, shift, "vera").mark is Mark.PRESENT
    assert evidence(cast, shift, "viktor") is None


def test_the_shift_closes_when_everything_is_known(in_app, cast, shift):
    arrive(cast, shift)
    call(cast, shift, "tess", {"viktor": Mark.ABSENT})
    assert the_shift(shift).closed_at is None
    leave(cast, shift, at=END + timedelta(minutes=1))
    assert the_shift(shift).closed_at is not None
    assert minutes(cast, "vera") == 300


def test_times_from_paper_are_read_over_midnight(in_app, cast, make, team_post):
    night = make.shift(team_post, starts_at=START + timedelta(hours=5), hours=8)  # 23:00–07:00
    make.signup(night, cast.people["vera"])
    call(
        cast,
        night,
        "tess",
        {"vera": Mark.PRESENT},
        at=END + timedelta(hours=9),
        arrived=time(23, 30),
        left=time(6, 0),
    )
    found = evidence(cast, night, "vera")
    assert found.arrived_at == END + timedelta(minutes=30)
    assert found.left_at == END + timedelta(hours=7)
    assert minutes(cast, "vera") == 390


@pytest.mark.parametrize(
    ("times", "error"),
    [
        ({"arrived": time(12)}, "time_outside_shift"),
        ({"arrived": time(20), "left": time(19)}, "time_order"),
        ({"arrived": time(22), "left": time(23)}, "time_in_future"),
    ],
)
def test_impossible_times_are_refused(in_app, cast, shift, times, error):
    at = START + timedelta(hours=3)
    assert code_of_error(lambda: call(cast, shift, "tess", {"vera": Mark.PRESENT}, at=at, **times)) == error
    assert evidence(cast, shift, "vera") is None


def test_hours_are_real_hours_on_the_night_of_a_clock_change(in_app, cast, make):
    clock.configure("Europe/Berlin")
    start = datetime(2026, 10, 24, 23, tzinfo=ZoneInfo("Europe/Berlin"))
    post = make.post(cast.community)
    night = make.shift(post, starts_at=start.astimezone(UTC), hours=9)  # 23:00–07:00 on the clocks
    make.signup(night, cast.people["vera"])
    end = start.astimezone(UTC) + timedelta(hours=9)
    call(cast, night, "alice", {"vera": Mark.PRESENT}, at=end + timedelta(hours=1), left=time(7))
    assert minutes(cast, "vera") == 9 * 60
    (entry,) = rows(HoursEntry)
    assert entry.worked_on == date(2026, 10, 24)


# --- walk-ins -----------------------------------------------------------------------------------------------


def join(cast, shift, who="tess", *, at=START, **facts):
    return services.add_walk_in(deed=make_deed(cast.actor(who), now=at), shift=shift.public_id, **facts)


def test_somebody_new_joins_by_name_and_phone_and_is_an_applied_volunteer(in_app, cast, shift):
    at = START + timedelta(minutes=30)
    join(cast, shift, name="王新", phone="13912345678", at=at)
    (volunteer,) = rows(Volunteer, Volunteer.name == "王新")
    assert volunteer.state is VolunteerState.APPLIED
    (signup,) = rows(Signup, Signup.person_id == volunteer.person_id)
    assert (signup.state, signup.source) == (SignupState.PLACED, SignupSource.WALK_IN)
    (found,) = rows(Attendance)
    assert (found.is_walk_in, found.mark, found.arrived_at) == (True, Mark.PRESENT, at)
    assert the_shift(shift).taken_count == 3
    # The same name and phone is the same person, who is on the shift already.
    assert code_of_error(lambda: join(cast, shift, name="王 新", phone="+86 13912345678", at=at)) == (
        "already_on_shift"
    )


def test_a_full_shift_takes_a_walk_in_only_with_the_leads_reason(in_app, cast, make, team_post):
    full = make.shift(team_post, starts_at=START, lead_person_id=cast.people["vera"].person_id)
    make.signup(full, cast.people["vera"])
    make.signup(full, cast.people["viktor"])
    zoe = cast.volunteers["zoe"].public_id
    assert code_of_error(lambda: join(cast, full, volunteer=zoe)) == "shift_full"
    assert code_of_error(lambda: join(cast, full, "vera", volunteer=zoe, reason="人多")) == "shift_full"
    join(cast, full, volunteer=zoe, reason="核酸排队人多")
    found = the_shift(full)
    assert (found.taken_count, found.maximum_count) == (3, 3)
    (signup,) = rows(Signup, Signup.shift_id == full.id, Signup.source == SignupSource.WALK_IN)
    assert (signup.override_reason, signup.overridden_by) == ("核酸排队人多", "泰思")


def test_nobody_joins_in_two_places_at_once(in_app, cast, make, shift, team_post):
    other = make.shift(make.post(cast.community), starts_at=START)
    zoe = cast.volunteers["zoe"].public_id
    join(cast, other, "alice", volunteer=zoe)
    assert code_of_error(lambda: join(cast, shift, "alice", volunteer=zoe, reason="缺人")) == "overlaps"


def test_who_waited_and_came_has_the_place(in_app, cast, make, shift):
    make.signup(shift, cast.people["zoe"], state=SignupState.WAITING, waiting_since=START)
    join(cast, shift, volunteer=cast.volunteers["zoe"].public_id)
    found = the_shift(shift)
    assert (found.taken_count, found.waiting_count) == (3, 0)
    assert len(rows(Signup, Signup.person_id == cast.people["zoe"].person_id)) == 1


# --- the ledger ---------------------------------------------------------------------------------------------


def test_evidence_that_changes_after_closing_is_a_correction_beside_the_first_line(in_app, cast, shift):
    call(cast, shift, "tess", {"vera": Mark.PRESENT})
    services.tidy_shifts(now=END + timedelta(hours=2))
    call(cast, shift, "tess", {"vera": Mark.ABSENT}, at=END + timedelta(hours=3))
    call(
        cast, shift, "tess", {"vera": Mark.PRESENT}, at=END + timedelta(hours=4), arrived=time(20), left=None
    )
    assert [(each.kind, each.minutes) for each in rows(HoursEntry)] == [
        (EntryKind.EVIDENCE, 300),
        (EntryKind.CORRECTION, -300),
        (EntryKind.CORRECTION, 180),
    ]


def closed(cast, shift):
    call(cast, shift, "tess", {"vera": Mark.PRESENT})
    services.tidy_shifts(now=END + timedelta(hours=2))
    return evidence(cast, shift, "vera").public_id


def ask(cast, attendance, who, wanted, reason="多站了一小时"):
    return services.ask_correction(
        deed=make_deed(cast.actor(who)), attendance=attendance, minutes=wanted, reason=reason
    )


def test_a_correction_is_asked_by_the_volunteer_and_confirmed_by_another(in_app, cast, shift):
    attendance = closed(cast, shift)
    entry = ask(cast, attendance, "vera", 360)
    assert minutes(cast, "vera") == 300
    assert code_of_error(lambda: ask(cast, attendance, "vera", 400)) == "correction_waits"
    with pytest.raises(NotFound):
        services.decide_correction(deed=make_deed(cast.actor("vera")), entry=entry, is_accepted=True)
    services.decide_correction(deed=make_deed(cast.actor("tess")), entry=entry, is_accepted=True)
    assert minutes(cast, "vera") == 360
    with pytest.raises(Conflict):
        services.decide_correction(deed=make_deed(cast.actor("alice")), entry=entry, is_accepted=False)


def test_nobody_confirms_their_own_hours(in_app, cast, make, shift):
    make.signup(shift, cast.people["tess"])
    call(cast, shift, "alice", {"tess": Mark.PRESENT})
    services.tidy_shifts(now=END + timedelta(hours=2))
    entry = ask(cast, evidence(cast, shift, "tess").public_id, "tess", 360)
    assert minutes(cast, "tess") == 300, "a lead's own hours wait too"
    with pytest.raises(NotAllowed):
        services.decide_correction(deed=make_deed(cast.actor("tess")), entry=entry, is_accepted=True)
    services.decide_correction(deed=make_deed(cast.actor("alice")), entry=entry, is_accepted=False)
    assert minutes(cast, "tess") == 300


def test_strangers_correct_nothing_and_a_reason_is_needed(in_app, cast, shift):
    attendance = closed(cast, shift)
    for who in ("viktor", "charlie", "fern"):
        with pytest.raises((NotFound, NotAllowed)):
            ask(cast, attendance, who, 360)
    assert code_of_error(lambda: ask(cast, attendance, "vera", 360, " ")) == "reason_missing"
    assert code_of_error(lambda: ask(cast, attendance, "vera", 300)) == "correction_unchanged"
    assert code_of_error(lambda: ask(cast, attendance, "vera", 1441)) == "hours_wrong"


def test_totals_add_up_over_people_teams_and_societies_and_stay_in_scope(in_app, cast, shift):
    call(cast, shift, "tess", {"vera": Mark.PRESENT, "viktor": Mark.PRESENT})
    services.tidy_shifts(now=END + timedelta(hours=2))
    span = {"from_on": date(2026, 5, 1), "to_on": date(2026, 5, 31)}

    def totals(who, by):
        found = hours.list_totals(actor=cast.actor(who), by=by, **span)
        return found.minutes, {each.name or each.key: each.minutes for each in found.rows}

    assert totals("alice", By.PEOPLE) == (600, {"薇拉": 300, "维克": 300})
    assert totals("alice", By.TEAMS) == (600, {"红马甲": 300, "": 300})
    assert totals("dora", By.SOCIETIES) == (600, {"volunteer": 600})
    assert totals("dora", By.ORGANISATIONS)[0] == 600
    assert totals("tess", By.PEOPLE) == (300, {"薇拉": 300}), "a team's lead sees the team"
    assert totals("charlie", By.PEOPLE) == (0, {})
    assert (
        hours.list_totals(
            actor=cast.actor("alice"), by=By.PEOPLE, from_on=date(2026, 6, 1), to_on=date(2026, 6, 2)
        ).rows
        == ()
    )
    for by in By:
        paged, after = [], None
        while True:
            page = hours.list_totals(actor=cast.actor("alice"), by=by, limit=1, after=after, **span)
            paged += page.rows
            after = page.after
            if after is None:
                break
        assert tuple(paged) == hours.list_totals(actor=cast.actor("alice"), by=by, **span).rows


@pytest.mark.parametrize("seed", range(12))
def test_the_ledger_is_what_the_evidence_says(in_app, cast, make, team_post, seed):
    """Random presses, roll calls, reliefs and closings: what stands and nobody asked for equals the evidence."""
    dice = random.Random(seed)
    made = [
        make.shift(team_post, starts_at=START + timedelta(hours=6 * number), hours=5, maximum_count=3)
        for number in range(2)
    ]
    names = ("vera", "viktor", "tess")
    for each in made:
        for name in names:
            make.signup(each, cast.people[name])
    now = START - timedelta(minutes=70)
    for _ in range(40):
        now += timedelta(minutes=dice.randrange(1, 60))
        target, name = dice.choice(made), dice.choice(names)
        phone_at = dice.choice([None, now - timedelta(minutes=dice.randrange(600))])
        deed = dice.choice(["arrive", "leave", "call", "close", "ask"])
        try:
            if deed == "arrive":
                arrive(cast, target, name, at=now, phone_at=phone_at)
            elif deed == "leave":
                word = dice.choice([None, code(team_post)])
                leave(cast, target, name, at=now, phone_at=phone_at, word=word)
            elif deed == "call":
                times = {"arrived": clock.here(now - timedelta(minutes=dice.randrange(120))).time()}
                call(
                    cast, target, "alice", {name: dice.choice(list(Mark))}, at=now, **dice.choice([{}, times])
                )
            elif deed == "ask":
                found = evidence(cast, target, name)
                if found:
                    ask(cast, found.public_id, "alice", dice.randrange(0, 400))
            else:
                services.tidy_shifts(now=now)
        except LinliError:
            continue
    services.tidy_shifts(now=max(now, START + timedelta(hours=14)))
    for target in made:
        stored = the_shift(target)
        assert stored.closed_at is not None
        for found in rows(Attendance, Attendance.shift_id == target.id):
            entries = rows(HoursEntry, HoursEntry.attendance_id == found.id)
            standing = [each for each in entries if each.state is EntryState.STANDS]
            worth = rules.credited_minutes(
                mark=found.mark,
                starts_at=stored.starts_at,
                ends_at=stored.ends_at,
                arrived_at=found.arrived_at,
                left_at=found.left_at,
            )
            asked = any(each.decided_by for each in standing)
            by_evidence = sum(each.minutes for each in standing if each.decided_by is None)
            assert sum(each.minutes for each in standing) >= 0
            assert by_evidence == worth or (asked and by_evidence >= worth)
            assert sum(each.kind is EntryKind.EVIDENCE for each in entries) <= 1
            if found.left_from is Evidence.RULE:
                assert worth <= 300


def test_closing_twice_writes_no_hours_twice(in_app, cast, shift):
    closed(cast, shift)

    @db.writing
    def forget():
        # As if the note that the shift is closed had been lost.
        db.session().get(Shift, shift.id).closed_at = None

    forget()
    assert services.tidy_shifts(now=END + timedelta(hours=3)) == 1
    assert minutes(cast, "vera") == 300
    assert len(rows(HoursEntry)) == 1


# --- notes, the wall, certificates --------------------------------------------------------------------------


def test_a_note_is_read_by_the_next_shift_at_the_post(in_app, cast, make, shift, team_post):
    after = make.shift(team_post, starts_at=END, hours=5)
    make.signup(after, cast.people["viktor"])
    services.write_note(
        deed=make_deed(cast.actor("vera"), now=END - timedelta(minutes=5)),
        shift=shift.public_id,
        text="钥匙在岗亭抽屉里",
    )
    own = day.list_own_day(actor=cast.actor("viktor"), now=END)
    read = {each.shift.public_id: [note.text for note in each.notes] for each in own}
    assert read[after.public_id] == ["钥匙在岗亭抽屉里"]
    assert (
        code_of_error(
            lambda: services.write_note(
                deed=make_deed(cast.actor("fern")), shift=shift.public_id, text="我也来"
            )
        )
        == "not_found"
    )


def test_the_wall_says_who_is_here_with_surnames_only(in_app, cast, make, shift, team_post):
    token = services.make_link(
        deed=make_deed(cast.actor("alice")), kind=LinkKind.WALL, subject=team_post.public_id
    )
    later = make.shift(team_post, starts_at=END, hours=5)
    arrive(cast, shift)
    found = wall.get_wall(token=token, now=START + timedelta(hours=1))
    assert [each.name for each in found.here] == ["薇*"]
    assert [each.name for each in found.arriving] == ["维*"]
    assert [(each.starts_at, each.missing) for each in found.open_places] == [(END, 2)]
    assert later.id
    soon = wall.get_wall(token=token, now=END - timedelta(minutes=20))
    assert [each.name for each in soon.leaving] == ["薇*"]
    services.revoke_link(deed=make_deed(cast.actor("alice")), kind=LinkKind.WALL, subject=team_post.public_id)
    with pytest.raises(Gone):
        wall.get_wall(token=token, now=START)
    with pytest.raises(NotFound):
        wall.get_wall(token="x" * 22, now=START)


def issue(cast, who="vera", **asked):
    values = {"volunteer": None, "from_on": None, "to_on": None, "language": "zh_Hans"} | asked
    draft = certificates.draft(actor=cast.actor(who), **values)
    from webapp.base.ids import new_number, new_public_id  # noqa: PLC0415

    return draft.same or services.issue_certificate(
        deed=make_deed(cast.actor(who)),
        draft=draft,
        public_id=new_public_id(),
        number=f"20260513-{new_number()}",
        pdf=b"%PDF-1.7 nobody looks inside",
    )


def test_the_same_request_is_the_same_certificate_until_it_is_taken_back(in_app, cast, shift):
    assert code_of_error(lambda: issue(cast)) == "no_hours"
    closed(cast, shift)
    first = issue(cast)
    assert issue(cast) == first
    assert issue(cast, "alice", volunteer=cast.volunteers["vera"].public_id) == first
    view = certificates.get_certificate(actor=cast.actor("vera"), public_id=first)
    public = certificates.verify(token=view.token)
    assert (public.name, public.minutes, public.shift_count) == ("薇拉", 300, 1)
    assert public.revoked_at is None
    with pytest.raises(NotFound):
        certificates.get_certificate(actor=cast.actor("viktor"), public_id=first)
    with pytest.raises(NotAllowed):
        services.revoke_certificate(deed=make_deed(cast.actor("vera")), certificate=first)
    services.revoke_certificate(deed=make_deed(cast.actor("alice"), reason="填错"), certificate=first)
    assert certificates.verify(token=view.token).revoked_at is not None
    assert issue(cast) != first
