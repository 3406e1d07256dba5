"""Shifts of those who roster them: made once, copied once, moved with their people, called off, filled by hand."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db, outbox
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, LinliError, NotAllowed, NotFound, RuleBroken
from webapp.base.outbox import OutboxMessage
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Shift, ShiftSkill, ShiftTemplate, Signup
from webapp.domain.rosters.queries import candidates, places, risks, week
from webapp.domain.rosters.queries import posts as post_queries
from webapp.domain.rosters.rules import (
    Numbers,
    PostKind,
    Protection,
    Risk,
    ShiftState,
    SignupState,
    Stretch,
)
from webapp.domain.rosters.services import assigning, placing, posts, shifts
from webapp.domain.rosters.services.posts import PostPlan, TemplatePlan
from webapp.domain.rosters.services.shifts import ShiftPlan
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import Availability
from webapp.web import messages

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]


HOUR = timedelta(hours=1)


def rows(model):
    @db.reading
    def read():
        table = model.__table__
        return db.connection().execute(select(table).order_by(*table.primary_key.columns)).all()

    return read()


def deed(cast, name, **values):
    return make_deed(cast.actor(name), **values)


def tomorrow(number=1):
    return clock.day(clock.now()) + timedelta(days=number)


def wall(day, hour):
    return clock.instant(datetime.combine(day, time(hour)))


def stretch(day, start, hours):
    return Stretch(wall(day, start), wall(day, start) + timedelta(hours=hours), day)


def plan(day, start=18, hours=5, numbers=None, lead=""):
    return ShiftPlan(stretch(day, start, hours), numbers or Numbers(1, 2, 3), lead)


def post_plan(**changes):
    values = {
        "name": "东门卡口",
        "kind": PostKind.GATE,
        "place": "东门岗亭",
        "protection": Protection.LEVEL_1,
    } | changes
    return PostPlan(**values)


def refusal(call, *args, **kwargs):
    with pytest.raises(LinliError) as refused:
        call(*args, **kwargs)
    return refused.value.code


def templates_of_messages():
    return sorted(row.template for row in rows(OutboxMessage))


# --- posts --------------------------------------------------------------------------------------------------


def test_a_post_is_made_with_its_lead_found_by_name_and_leaves_a_line_in_the_log(cast):
    made = posts.make_post(
        deed=deed(cast, "alice"),
        area=cast.community.public_id,
        plan=post_plan(lead="薇拉", phone="0826-3221100"),
    )
    view = post_queries.get_post(actor=cast.actor("alice"), public_id=made)
    assert (view.lead_name, view.phone, view.may_manage) == ("薇拉", "0826-3221100", True)
    assert [row.verb for row in rows(AuditEntry)] == ["make_post"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "post_name_missing"),
        ({"place": ""}, "post_place_missing"),
        ({"name": "很" * 61}, "text_too_long"),
        ({"suit_minutes": 900}, "suit_minutes_wrong"),
        ({"phone": "打我"}, "phone_unclear"),
        ({"lead": "没有这个人"}, "lead_unknown"),
    ],
)
def test_a_post_that_is_refused(cast, changes, code):
    assert (
        refusal(
            posts.make_post,
            deed=deed(cast, "alice"),
            area=cast.community.public_id,
            plan=post_plan(**changes),
        )
        == code
    )


def test_two_of_one_name_are_told_apart(cast, make):
    namesake = make.user("薇拉")
    make.volunteer(namesake, area=cast.building)
    area = cast.community.public_id
    assert (
        refusal(posts.make_post, deed=deed(cast, "alice"), area=area, plan=post_plan(lead="薇拉"))
        == "lead_ambiguous"
    )
    made = posts.make_post(
        deed=deed(cast, "alice"),
        area=area,
        plan=post_plan(lead="薇拉", lead_choice=namesake.person_public_id),
    )
    # Saved again without choosing again, the lead stays.
    posts.change_post(deed=deed(cast, "alice"), post=made, plan=post_plan(lead="薇拉", place="新岗亭"))
    assert post_queries.get_post(actor=cast.actor("alice"), public_id=made).place == "新岗亭"


def test_a_name_stands_once_in_an_area(cast):
    area = cast.community.public_id
    posts.make_post(deed=deed(cast, "alice"), area=area, plan=post_plan())
    assert (
        refusal(posts.make_post, deed=deed(cast, "alice"), area=area, plan=post_plan()) == "post_name_taken"
    )


def test_a_post_with_shifts_to_come_is_not_closed(cast, make):
    post = make.post(cast.community)
    shift = make.shift(post)
    assert refusal(posts.close_post, deed=deed(cast, "alice"), post=post.public_id) == "post_has_shifts"
    shifts.cancel_shift(deed=deed(cast, "alice", reason="不需要了"), shift=shift.public_id)
    posts.close_post(deed=deed(cast, "alice"), post=post.public_id)
    assert (
        refusal(shifts.make_shift, deed=deed(cast, "alice"), post=post.public_id, plan=plan(tomorrow()))
        == "post_closed"
    )


def test_a_team_lead_makes_posts_of_the_own_team_only(cast, make):
    other = make.team("别的队", area=cast.community)
    area = cast.community.public_id
    with pytest.raises(RuleBroken):
        posts.make_post(deed=deed(cast, "tess"), area=area, plan=post_plan())
    with pytest.raises(NotFound):
        posts.make_post(deed=deed(cast, "tess"), area=area, plan=post_plan(team=other.public_id))
    made = posts.make_post(deed=deed(cast, "tess"), area=area, plan=post_plan(team=cast.team.public_id))
    assert post_queries.get_post(actor=cast.actor("tess"), public_id=made).may_manage


@pytest.mark.parametrize(
    ("name", "sees", "manages"),
    [
        ("alice", True, True),
        ("bob", True, False),
        ("dora", True, False),
        ("erin", True, False),
        ("charlie", False, False),
        ("olga", False, False),
        ("tess", False, False),
        ("ruth", False, False),
        ("vera", False, False),
    ],
)
def test_who_sees_a_post_of_the_community(cast, make, name, sees, manages):
    post = make.post(cast.community)
    actor = cast.actor(name)
    found = post_queries.list_posts(actor=actor).posts
    assert bool(found) is sees
    if not sees:
        with pytest.raises(NotFound):
            post_queries.get_post(actor=actor, public_id=post.public_id)
    elif not manages:
        with pytest.raises(NotAllowed):
            post_queries.get_managed_post(actor=actor, public_id=post.public_id)


def test_posts_are_paged_by_key(cast, make):
    made = {
        make.post(cast.community, name=f"岗{number}", position=number % 2).public_id for number in range(7)
    }
    found, after = [], None
    while True:
        page = post_queries.list_posts(actor=cast.actor("alice"), after=after, limit=3)
        found += [each.public_id for each in page.posts]
        if (after := page.after) is None:
            break
    assert (len(found), set(found)) == (7, made)


# --- recurring shifts ---------------------------------------------------------------------------------------


def test_shifts_are_made_from_templates_once(cast, make):
    post = make.post(cast.community)
    make.template(post, skills={"driving": 1})
    make.template(post, start_minute=23 * 60, length_minutes=480, weekdays=0b0000001)
    first = rules.monday_of(tomorrow(8))
    span = {"area": cast.community.public_id, "first": first, "last": first + timedelta(days=6)}
    assert shifts.make_shifts(deed=deed(cast, "alice"), **span) == shifts.Made(8, 0)
    assert shifts.make_shifts(deed=deed(cast, "alice"), **span) == shifts.Made(0, 8)
    made = rows(Shift)
    assert {row.state for row in made} == {ShiftState.DRAFT}
    assert {row.starts_at - row.leave_by for row in made} == {timedelta(hours=12)}
    assert len(rows(ShiftSkill)) == 7
    night = max(made, key=lambda row: row.ends_at - row.starts_at)
    assert (night.day, clock.day(night.ends_at)) == (first, first + timedelta(days=1))


def test_what_was_called_off_is_not_made_again(cast, make):
    post = make.post(cast.community)
    make.template(post)
    span = {"area": cast.community.public_id, "first": tomorrow(), "last": tomorrow()}
    shifts.make_shifts(deed=deed(cast, "alice"), **span)
    shifts.cancel_shift(deed=deed(cast, "alice", reason="不需要"), shift=rows(Shift)[0].public_id)
    assert shifts.make_shifts(deed=deed(cast, "alice"), **span).made_count == 0


def test_templates_in_a_county_whose_clocks_change(cast, make):
    clock.configure("Europe/Berlin")
    make.template(make.post(cast.community), start_minute=150, length_minutes=240)
    spring = date(2027, 3, 28)
    span = {
        "area": cast.community.public_id,
        "first": spring - timedelta(days=1),
        "last": spring + timedelta(days=1),
    }
    assert shifts.make_shifts(deed=deed(cast, "alice"), **span).made_count == 3
    assert [f"{clock.here(row.starts_at):%H:%M}" for row in rows(Shift)] == ["02:30", "03:30", "02:30"]
    assert shifts.make_shifts(deed=deed(cast, "alice"), **span).made_count == 0
    # Copied a day on, a shift has the time that its own clocks showed.
    original = rows(Shift)[0]
    to = date(2027, 3, 31)
    shifts.copy_shift(deed=deed(cast, "alice"), shift=original.public_id, to=to)
    assert f"{clock.here(rows(Shift)[-1].starts_at):%m-%d %H:%M}" == "03-31 02:30"


def test_a_template_that_was_used_keeps_its_shifts_when_its_times_change(cast, make):
    template = make.template(make.post(cast.community))
    span = {"area": cast.community.public_id, "first": tomorrow(), "last": tomorrow()}
    shifts.make_shifts(deed=deed(cast, "alice"), **span)
    posts.change_template(
        deed=deed(cast, "alice"),
        template=template.public_id,
        plan=TemplatePlan(127, 12 * 60, 360, Numbers(2, 3, 4, {"driving": 1})),
    )
    assert [row.ended_at is None for row in rows(ShiftTemplate)] == [False, True]
    shifts.make_shifts(deed=deed(cast, "alice"), **span)
    assert [row.maximum_count for row in rows(Shift)] == [3, 4]
    assert (
        refusal(posts.end_template, deed=deed(cast, "alice"), template=template.public_id) == "template_ended"
    )


# --- single shifts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "numbers", "code"),
    [
        (1, Numbers(1, 2, 501), "too_many_places"),
        (1, Numbers(3, 2, 4), "counts_order"),
        (-1, Numbers(1, 2, 3), "shift_in_the_past"),
    ],
)
def test_a_shift_that_is_refused(cast, make, day, numbers, code):
    post = make.post(cast.community)
    wanted = plan(tomorrow(day), numbers=numbers)
    assert refusal(shifts.make_shift, deed=deed(cast, "alice"), post=post.public_id, plan=wanted) == code
    assert rows(Shift) == []


def test_the_same_press_makes_one_shift_and_the_same_time_is_refused(cast, make):
    post = make.post(cast.community)
    pressed = deed(cast, "alice")
    first = shifts.make_shift(deed=pressed, post=post.public_id, plan=plan(tomorrow()))
    assert shifts.make_shift(deed=pressed, post=post.public_id, plan=plan(tomorrow())) == first
    assert (
        refusal(shifts.make_shift, deed=deed(cast, "alice"), post=post.public_id, plan=plan(tomorrow()))
        == "shift_there_already"
    )
    assert len(rows(Shift)) == 1


def test_a_week_is_copied_once(cast, make):
    post = make.post(cast.community)
    for day in (1, 2):
        make.shift(post, starts_at=wall(tomorrow(day), 7), skills={"driving": 1})
    days = {"first": tomorrow(1), "last": tomorrow(7), "to": tomorrow(8)}
    area = cast.community.public_id
    assert shifts.copy_days(deed=deed(cast, "alice"), area=area, **days) == shifts.Made(2, 0)
    assert shifts.copy_days(deed=deed(cast, "alice"), area=area, **days) == shifts.Made(0, 2)
    assert (len(rows(Shift)), len(rows(ShiftSkill))) == (4, 4)
    assert (
        refusal(shifts.copy_days, deed=deed(cast, "alice"), area=area, **days | {"to": tomorrow(3)})
        == "copy_onto_itself"
    )


def test_drafts_of_a_week_are_published_at_once(cast, make):
    post = make.post(cast.community)
    for hour in (7, 12):
        make.shift(post, starts_at=wall(tomorrow(), hour), hours=4, state=ShiftState.DRAFT)
    days = {"first": tomorrow(), "last": tomorrow(6)}
    area = cast.community.public_id
    assert shifts.publish_days(deed=deed(cast, "alice"), area=area, **days) == 2
    assert {row.state for row in rows(Shift)} == {ShiftState.OPEN}
    assert refusal(shifts.publish_days, deed=deed(cast, "alice"), area=area, **days) == "no_drafts"


def test_moving_a_shift_moves_its_people_and_tells_each_once(cast, make):
    shift = make.shift(make.post(cast.community))
    for name in ("vera", "viktor"):
        make.signup(shift, cast.people[name])
    wanted = plan(tomorrow(), start=12)
    shifts.change_shift(deed=deed(cast, "alice"), shift=shift.public_id, version=1, plan=wanted)
    assert {row.starts_at for row in rows(Commitment)} == {wanted.stretch.starts_at}
    assert {row.confirmed_at for row in rows(Signup)} == {None}
    assert templates_of_messages() == ["shift_moved", "shift_moved"]
    assert (
        refusal(shifts.change_shift, deed=deed(cast, "alice"), shift=shift.public_id, version=1, plan=wanted)
        == "shift_changed_meanwhile"
    )


def test_a_time_that_would_harm_somebody_is_refused_and_nothing_moves(cast, make):
    post = make.post(cast.community)
    shift, other = make.shift(post), make.shift(post, starts_at=wall(tomorrow(), 18))
    for each in (shift, other):
        make.signup(each, cast.people["vera"])
    before = rows(Commitment)
    for start in (17, 19):
        assert (
            refusal(
                shifts.change_shift,
                deed=deed(cast, "alice"),
                shift=shift.public_id,
                version=1,
                plan=plan(tomorrow(), start=start, hours=3),
            )
            == "times_harm"
        )
    assert rows(Commitment) == before
    assert rows(OutboxMessage) == []


def test_numbers_do_not_fall_below_who_is_there(cast, make):
    shift = make.shift(make.post(cast.community))
    for name in ("vera", "viktor"):
        make.signup(shift, cast.people[name])
    wanted = plan(tomorrow(), start=7, numbers=Numbers(1, 1, 1))
    assert (
        refusal(shifts.change_shift, deed=deed(cast, "alice"), shift=shift.public_id, version=1, plan=wanted)
        == "maximum_below_taken"
    )


def test_more_places_go_to_the_queue_first(cast, make):
    shift = make.shift(
        make.post(cast.community), starts_at=wall(tomorrow(3), 12), maximum_count=1, wanted_count=1
    )
    make.signup(shift, cast.people["vera"])
    make.signup(
        shift, cast.people["viktor"], state=SignupState.WAITING, waiting_since=clock.now(), confirmed_at=None
    )
    with clock.set_for_test(wall(tomorrow(), 10)):
        shifts.change_shift(
            deed=deed(cast, "alice"),
            shift=shift.public_id,
            version=1,
            plan=plan(tomorrow(3), start=12, numbers=Numbers(1, 2, 2)),
        )
    assert [row.state for row in rows(Signup)] == [SignupState.PLACED, SignupState.OFFERED]


def test_calling_off_frees_everybodys_time_and_tells_each_once(cast, make):
    shift = make.shift(make.post(cast.community))
    for name in ("vera", "viktor"):
        make.signup(shift, cast.people[name])
    make.signup(
        shift, cast.people["zoe"], state=SignupState.WAITING, waiting_since=clock.now(), confirmed_at=None
    )
    assert (
        refusal(shifts.cancel_shift, deed=deed(cast, "alice", reason=" "), shift=shift.public_id)
        == "reason_missing"
    )
    pressed = deed(cast, "alice", reason="暴雨")
    shifts.cancel_shift(deed=pressed, shift=shift.public_id)
    shifts.cancel_shift(deed=pressed, shift=shift.public_id)
    assert {row.state for row in rows(Signup)} == {SignupState.CANCELLED}
    assert rows(Commitment) == []
    (row,) = rows(Shift)
    assert (row.state, row.taken_count, row.waiting_count, row.cancel_reason) == (
        ShiftState.CANCELLED,
        0,
        0,
        "暴雨",
    )
    assert templates_of_messages() == ["shift_cancelled"] * 3
    assert (
        refusal(shifts.cancel_shift, deed=deed(cast, "alice", reason="x"), shift=shift.public_id)
        == "shift_cancelled_already"
    )


# --- people -------------------------------------------------------------------------------------------------


def put(cast, shift, name, *, by="alice", reason=None):
    assigning.assign(
        deed=deed(cast, by, reason=reason), shift=shift.public_id, person=cast.people[name].person_public_id
    )


def test_somebody_is_put_on_a_shift_told_and_asked_to_say_yes(cast, make):
    shift = make.shift(make.post(cast.community))
    put(cast, shift, "vera")
    (signup,) = rows(Signup)
    assert (signup.state, signup.confirmed_at, signup.override_reason) == (SignupState.PLACED, None, None)
    assert templates_of_messages() == ["shift_given"]
    with pytest.raises(Conflict):
        put(cast, shift, "vera")


def test_a_rule_gives_way_to_a_reason_and_the_roster_says_so(cast, make):
    shift = make.shift(make.post(cast.community), skills={"sampling": 2})
    with pytest.raises(RuleBroken) as refused:
        put(cast, shift, "vera")
    assert refused.value.code == "skill_missing"
    put(cast, shift, "vera", reason="现场有护士带")
    (signup,) = rows(Signup)
    assert (signup.override_reason, signup.overridden_by) == ("现场有护士带", cast.actor("alice").key)
    found = week.get_week(actor=cast.actor("bob"), monday=rules.monday_of(tomorrow()), now=clock.now())
    (name,) = found.shifts[0].names
    assert (name.is_override, name.override_reason, name.overridden_by) == (True, "现场有护士带", "艾丽")


def test_nobody_is_put_beyond_the_maximum_or_in_two_places_whatever_the_reason(cast, make):
    post = make.post(cast.community)
    full = make.shift(post, maximum_count=1, wanted_count=1)
    make.signup(full, cast.people["viktor"])
    with pytest.raises((Conflict, RuleBroken)):
        put(cast, full, "vera", reason="必须")
    second = make.shift(post, starts_at=wall(tomorrow(), 9))
    with pytest.raises(RuleBroken) as refused:
        put(cast, second, "viktor", reason="必须")
    assert refused.value.code == "overlaps"


def test_a_team_lead_puts_only_people_of_the_team(cast, make):
    shift = make.shift(make.post(cast.community, team=cast.team))
    put(cast, shift, "vera", by="tess")
    with pytest.raises(NotFound):
        put(cast, shift, "viktor", by="tess")
    with pytest.raises(NotFound):
        put(cast, shift, "fern")
    draft = make.shift(make.post(cast.community), state=ShiftState.DRAFT)
    assert refusal(put, cast, draft, "vera") == "publish_first"


def test_who_is_taken_off_is_told_and_their_time_is_free(cast, make):
    shift = make.shift(make.post(cast.community))
    signup = make.signup(shift, cast.people["vera"])
    with pytest.raises(NotFound):
        assigning.remove(deed=deed(cast, "charlie"), signup=signup.public_id)
    assert assigning.remove(deed=deed(cast, "alice"), signup=signup.public_id) == shift.public_id
    assert [row.state for row in rows(Signup)] == [SignupState.REMOVED]
    assert (rows(Commitment), rows(Shift)[0].taken_count) == ([], 0)
    assert templates_of_messages() == ["shift_removed"]


def test_candidates_come_by_fit_with_the_reason_against_the_others(cast, make):
    shift = make.shift(make.post(cast.building), skills={"sampling": 1}, maximum_count=1, wanted_count=1)
    busy = make.shift(make.post(cast.community), starts_at=wall(tomorrow(), 8))
    make.signup(busy, cast.people["tess"])
    found = {
        each.name: each
        for each in candidates.candidates_of(actor=cast.actor("alice"), shift_id=shift.id, now=clock.now())
    }
    assert next(iter(found)) == "维克"
    assert found["维克"].fits
    assert [each.code for each in found["薇拉"].broken] == ["skill_missing"]
    assert found["薇拉"].may_be_overridden
    assert "overlaps" in {each.code for each in found["泰思"].broken}
    assert not found["泰思"].may_be_overridden
    assert "芬恩" not in found
    assert found["薇拉"].steps < found["维克"].steps
    assert found["薇拉"].availability is Availability.UNKNOWN
    own = candidates.candidates_of(actor=cast.actor("tess"), shift_id=shift.id, now=clock.now())
    assert {each.name for each in own} == {"泰思", "薇拉"}


def test_everybody_who_fits_is_asked_once(cast, make):
    shift = make.shift(make.post(cast.community, newcomers_welcome=False))
    pressed = deed(cast, "alice")
    assert assigning.ask_everybody(deed=pressed, shift=shift.public_id) == 3
    assert assigning.ask_everybody(deed=pressed, shift=shift.public_id) == 0
    assert (
        refusal(assigning.ask_everybody, deed=deed(cast, "alice"), shift=shift.public_id) == "asked_already"
    )
    assert templates_of_messages() == ["shift_asked"] * 3


# --- at risk ------------------------------------------------------------------------------------------------


def test_risks_are_the_same_in_sql_and_in_the_rules(cast, make):
    lead = cast.people["vera"].person_id
    post, unled = make.post(cast.community, lead_person_id=lead), make.post(cast.community)
    short = make.shift(post)
    good = make.shift(post, starts_at=wall(tomorrow(), 12))
    make.signup(good, cast.people["vera"])
    quiet = make.shift(post, starts_at=wall(tomorrow(), 18))
    make.signup(quiet, cast.people["viktor"], confirmed_at=None)
    without = make.shift(unled, starts_at=wall(tomorrow(), 19))
    make.signup(without, cast.people["tess"])
    dropped = make.shift(post, starts_at=wall(tomorrow(), 20))
    make.signup(dropped, cast.people["zoe"])
    make.signup(
        dropped,
        cast.people["fern"],
        state=SignupState.DROPPED_OUT,
        ended_at=clock.now() - timedelta(minutes=61),
    )
    make.shift(post, starts_at=wall(tomorrow(9), 7))
    page = risks.list_risks(actor=cast.actor("alice"), now=clock.now())
    assert {each.public_id: each.risks for each in page.shifts} == {
        short.public_id: (Risk.SHORT,),
        quiet.public_id: (Risk.UNCONFIRMED,),
        without.public_id: (Risk.LEAD_MISSING,),
        dropped.public_id: (Risk.DROPPED_OUT,),
    }
    assert [each.starts_at for each in page.shifts] == sorted(each.starts_at for each in page.shifts)
    assert (
        week.get_week(
            actor=cast.actor("alice"), monday=rules.monday_of(tomorrow()), now=clock.now()
        ).risk_count
        == 4
    )
    assert risks.list_risks(actor=cast.actor("charlie"), now=clock.now()).shifts == ()
    first = risks.list_risks(actor=cast.actor("alice"), now=clock.now(), limit=3)
    rest = risks.list_risks(actor=cast.actor("alice"), now=clock.now(), after=first.after, limit=3)
    assert [each.public_id for each in (*first.shifts, *rest.shifts)] == [
        each.public_id for each in page.shifts
    ]


def test_the_head_hears_of_an_empty_place_once_and_only_after_an_hour(cast, make):
    now = clock.now()
    shift = make.shift(make.post(cast.community))
    make.signup(shift, cast.people["vera"], state=SignupState.DROPPED_OUT, ended_at=now)
    assert assigning.alarm_heads(now=now + timedelta(minutes=59)) == 0
    assert assigning.alarm_heads(now=now + timedelta(minutes=61)) == 1
    assert assigning.alarm_heads(now=now + timedelta(minutes=62)) == 0
    assert templates_of_messages() == ["shift_still_empty"]


@pytest.mark.parametrize("name", ["alice", "bob", "tess"])
def test_a_week_costs_the_same_statements_whatever_is_in_it(cast, make, queries, name):
    monday = rules.monday_of(tomorrow(8))
    post = make.post(cast.community, team=cast.team)

    def count():
        actor = cast.actor(name)
        queries.statements.clear()
        found = week.get_week(actor=actor, monday=monday, now=clock.now())
        return queries.count, len(found.shifts)

    make.signup(make.shift(post, starts_at=wall(monday, 7)), cast.people["vera"])
    one = count()
    for number in range(1, 7):
        for hour in (7, 13):
            shift = make.shift(post, starts_at=wall(monday + timedelta(days=number), hour))
            make.signup(shift, cast.people["viktor"])
    assert count() == (one[0], 13)
    assert one == (3, 1)


def test_a_week_is_paged_by_key(cast, make):
    monday = rules.monday_of(tomorrow(8))
    post = make.post(cast.community)
    made = [make.shift(post, starts_at=wall(monday + timedelta(days=n), 7)).public_id for n in range(5)]
    asked = {"actor": cast.actor("alice"), "monday": monday, "now": clock.now(), "limit": 2}
    found, after = [], None
    while True:
        page = week.get_week(**asked, after=after)
        found += [each.public_id for each in page.shifts]
        if (after := page.after) is None:
            break
    assert found == made


def test_nobody_takes_a_place_at_a_time_that_was_moved_meanwhile(cast, make):
    shift = make.shift(make.post(cast.community))

    @db.writing
    def take(**changes):
        seen = replace(places.shift_now(shift_id=shift.id), **changes)
        return placing.count_in(seen, places_taken=1, waited=0)

    assert not take(stretch=stretch(tomorrow(), 8, 5))
    assert rows(Shift)[0].taken_count == 0
    assert take()


def test_what_is_told_about_shifts_fits_one_message_and_says_who_writes(cast, make):
    post = make.post(cast.community, name="北门卡口", lead_person_id=cast.people["viktor"].person_id)
    moved, called_off, given = (make.shift(post, starts_at=wall(tomorrow(n), 7)) for n in (1, 3, 5))
    for each in (moved, called_off):
        make.signup(each, cast.people["vera"])
    shifts.change_shift(deed=deed(cast, "alice"), shift=moved.public_id, version=1, plan=plan(tomorrow()))
    shifts.cancel_shift(deed=deed(cast, "alice", reason="今天下午起有暴雨和大风"), shift=called_off.public_id)
    put(cast, given, "vera")
    assigning.ask_everybody(deed=deed(cast, "alice"), shift=given.public_id)
    assigning.remove(deed=deed(cast, "alice"), signup=rows(Signup)[-1].public_id)
    make.signup(given, cast.people["zoe"], state=SignupState.DROPPED_OUT, ended_at=clock.now() - 2 * HOUR)
    assigning.alarm_heads(now=clock.now())
    now = clock.now()
    due = outbox.take_due(now=now, limit=99, may_repeat=False)
    assert {each.template for each in due} == {
        "shift_moved",
        "shift_cancelled",
        "shift_given",
        "shift_asked",
        "shift_removed",
        "shift_still_empty",
    }
    for each in due:
        for language, start in (("zh_Hans", "【邻里·北辰社区】"), ("en", "[Linli · Beichen Community]")):
            text = messages.render(each.template, each.parameters, language=language, now=now)
            assert len(text) <= messages.LONGEST[language], (len(text), text)
            assert text.startswith(start)
            assert text.endswith("0826-3220013")
