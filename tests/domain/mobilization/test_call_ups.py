"""Call-ups as their head works with them: who sees which, what may be written, what stands before anything is sent."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken
from webapp.base.permissions import Permission
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, Reservist, Summons
from webapp.domain.mobilization.queries import call_ups as call_up_queries
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.rules import (
    CallUpState,
    CannotReason,
    Category,
    ShortBecause,
    Stay,
    SummonsState,
)
from webapp.domain.mobilization.services import call_ups as services
from webapp.domain.mobilization.services import engine
from webapp.domain.mobilization.services.call_ups import CallUpPlan, RolePlan

pytestmark = pytest.mark.db

AUDIT = AuditEntry.__table__
CALL_UPS = CallUp.__table__
SUMMONSES = Summons.__table__
RESERVISTS = Reservist.__table__


@db.reading
def seen(actor, call_up):
    try:
        scope.find_call_up(actor, call_up.public_id)
    except NotFound:
        return False
    return True


@db.reading
def people_seen(actor):
    joined = SUMMONSES.join(CALL_UPS, CALL_UPS.c.id == SUMMONSES.c.call_up_id)
    return set(
        db.connection()
        .execute(select(SUMMONSES.c.person_id).select_from(joined).where(scope.visible_summonses(actor)))
        .scalars()
    )


def test_staff_see_the_call_ups_of_their_areas_and_nobody_else_does(make, cast, in_app):
    running = make.call_up(cast.community)
    for name in ("alice", "bob", "dora", "erin"):
        assert seen(cast.actor(name), running), name
    for name in ("charlie", "olga", "lead", "ruth", "vera", "adam", "tess"):
        assert not seen(cast.actor(name), running), name


def test_a_draft_is_seen_by_those_who_may_start_it(make, cast, in_app):
    draft = make.call_up(cast.community, state=CallUpState.DRAFT)
    for name in ("alice", "dora", "erin"):
        assert seen(cast.actor(name), draft), name
    for name in ("bob", "charlie", "olga", "tess"):
        assert not seen(cast.actor(name), draft), name


def test_a_towns_call_up_is_not_for_its_communities(make, cast, in_app):
    running = make.call_up(cast.town)
    for name in ("dora", "erin"):
        assert seen(cast.actor(name), running), name
    for name in ("alice", "bob", "charlie", "olga"):
        assert not seen(cast.actor(name), running), name


def test_a_teams_lead_sees_of_a_call_up_the_lines_of_the_team(make, cast, in_app):
    running = make.call_up(cast.community)
    vera, viktor = cast.reservists["vera"].person_id, cast.reservists["viktor"].person_id
    make.summons(running, vera)
    make.summons(running, viktor)
    tess = cast.actor("tess")
    assert seen(tess, running)
    assert people_seen(tess) == {vera}
    assert people_seen(cast.actor("bob")) == {vera, viktor}
    assert people_seen(cast.actor("charlie")) == set()
    with in_app.app_context():
        whole = db.reading(lambda name: scope.sees_whole(cast.actor(name), running.id))
        assert (whole("tess"), whole("bob"), whole("alice"), whole("charlie")) == (False, True, True, False)


def test_who_sees_a_call_up_may_not_yet_steer_it(make, cast, in_app):
    running = make.call_up(cast.community)
    steer = db.reading(scope.managed_call_up)
    for name in ("alice", "dora", "erin"):
        assert steer(cast.actor(name), running.public_id).id == running.id
    with pytest.raises(NotAllowed):
        steer(cast.actor("bob"), running.public_id)
    with pytest.raises(NotFound):
        steer(cast.actor("charlie"), running.public_id)
    find = db.reading(scope.find_call_up)
    assert find(cast.actor("bob"), running.public_id, Permission.CALL_LIST).id == running.id


def test_reservists_are_seen_by_home_or_by_team(cast, in_app):
    @db.reading
    def names(actor):
        return set(
            db.connection()
            .execute(select(RESERVISTS.c.name).where(scope.visible_reservists(actor)))
            .scalars()
        )

    assert names(cast.actor("alice")) == {"泰思", "薇拉", "维克", "鲍伯"}
    assert names(cast.actor("dora")) == names(cast.actor("alice")) | {"芬恩"}
    assert names(cast.actor("tess")) == {"泰思", "薇拉"}
    assert names(cast.actor("charlie")) == {"芬恩"}
    for name in ("olga", "bob", "ruth", "lead", "adam"):
        assert names(cast.actor(name)) == set(), name


# --- rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "ends"),
    [
        ("2026-11-24T20:59", None),
        ("2026-11-24T21:00", "2026-11-25T08:00"),
        ("2026-11-24T23:59", "2026-11-25T08:00"),
        ("2026-11-25T00:00", "2026-11-25T08:00"),
        ("2026-11-25T07:59", "2026-11-25T08:00"),
        ("2026-11-25T08:00", None),
    ],
)
def test_quiet_hours_last_from_nine_to_eight(here, ends):
    found = rules.quiet_ends(datetime.fromisoformat(here))
    assert found == (None if ends is None else datetime.fromisoformat(ends))


@pytest.mark.parametrize(
    ("hour", "starts_in", "is_drill", "reason", "code"),
    [
        (20, 1, False, None, None),
        (22, 1, False, None, "quiet_reason_missing"),
        (22, 1, False, "夜里到货", None),
        # It waits until the hours are over, and begins after that.
        (22, 14, False, None, None),
        (22, 14, True, None, None),
        (22, 1, True, None, "drill_never_at_night"),
        (10, 1, True, "夜里到货", "drill_never_at_night"),
    ],
)
def test_who_calls_in_the_quiet_hours_says_why_and_a_drill_never_does(
    hour, starts_in, is_drill, reason, code
):
    here = datetime(2026, 11, 24, hour, tzinfo=UTC)

    def try_it():
        rules.ensure_may_call(
            here=here, starts_at=here + timedelta(hours=starts_in), is_drill=is_drill, reason=reason
        )

    if code is None:
        try_it()
    else:
        with pytest.raises(RuleBroken) as caught:
            try_it()
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", None),
        (
            "  https://uri.amap.com/marker?position=106.9,30.3 ",
            "https://uri.amap.com/marker?position=106.9,30.3",
        ),
        ("https://map.qq.com:443/x", "https://map.qq.com:443/x"),
    ],
)
def test_a_link_to_a_map_is_kept(text, kept):
    assert rules.map_link(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "http://map.qq.com/x",
        "javascript:alert(1)",
        "//map.qq.com/x",
        "https://",
        "https://localhost/x",
        "https://a@map.qq.com/x",
        "https://map.qq.com:8443/x",
        "https://map.qq.com/a b",
        'https://map.qq.com/"onclick',
        "https://map.qq.com:port/",
        "https://map.qq.com/" + "x" * 300,
        "北门",
    ],
)
def test_what_is_no_plain_https_link_is_refused(text):
    with pytest.raises(RuleBroken) as caught:
        rules.map_link(text)
    assert caught.value.code == "map_link_wrong"


# --- writing ------------------------------------------------------------------------------------------------


def plan_of(now, **changes):
    values = {
        "title": "搬运物资",
        "roles": (RolePlan("", None, 2),),
        "starts_at": now + timedelta(hours=1),
        "ends_at": now + timedelta(hours=5),
        "muster_point": "北门岗亭",
    }
    return CallUpPlan(**(values | changes))


def write(cast, name="alice", *, area=None, **changes):
    deed = make_deed(cast.actor(name))
    return services.make_call_up(
        deed=deed, area=(area or cast.community).public_id, plan=plan_of(deed.now, **changes)
    )


def view_of(cast, public_id, name="alice"):
    return call_up_queries.get_call_up(actor=cast.actor(name), public_id=public_id, now=clock.now())


def test_a_title_a_role_and_the_time_are_enough(cast, in_app):
    view = view_of(cast, write(cast))
    assert view.state is CallUpState.DRAFT
    assert (view.tier_path, view.widest_path) == (cast.community.path, cast.community.path)
    assert (view.caller_name, view.phone) == ("艾丽", "0826-3220013")
    assert [(each.name, each.wanted, each.taken) for each in view.roles] == [("人手", 2, 0)]
    assert re.fullmatch(r"\d{4}-[2-9A-Z]{5}", view.number)
    assert re.fullmatch(r"[1-9]\d{3}", view.code)


def test_a_role_is_called_as_its_skill_where_nobody_named_it(cast, in_app):
    view = view_of(cast, write(cast, roles=(RolePlan("", "driving", 1), RolePlan("带队", "order", 1))))
    assert [each.name for each in view.roles] == ["开车", "带队"]


def test_the_same_key_writes_one_draft(cast, in_app):
    deed = make_deed(cast.actor("alice"))
    plan = plan_of(deed.now)
    first = services.make_call_up(deed=deed, area=cast.community.public_id, plan=plan)
    assert services.make_call_up(deed=deed, area=cast.community.public_id, plan=plan) == first


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": "  "}, "call_up_title_missing"),
        ({"title": "搬" * 61}, "text_too_long"),
        ({"roles": ()}, "call_up_roles_missing"),
        ({"roles": (RolePlan("", None, 1),) * 9}, "too_many_roles"),
        ({"roles": (RolePlan("", None, 0),)}, "call_up_places_wrong"),
        ({"roles": (RolePlan("", None, 2001),)}, "call_up_places_wrong"),
        ({"roles": (RolePlan("", "flying", 1),)}, "skill_unknown"),
        ({"starts_at": timedelta(minutes=-1)}, "start_in_the_past"),
        ({"starts_at": timedelta(days=31)}, "start_too_far"),
        ({"ends_at": timedelta(minutes=59)}, "call_up_ends_before_start"),
        ({"ends_at": timedelta(days=9)}, "call_up_too_long"),
        ({"starts_at": timedelta(minutes=9)}, "reply_after_start"),
        ({"reply_minutes": 7}, "bad_request"),
        ({"muster_point": ""}, "muster_point_missing"),
        ({"map_url": "http://map.qq.com"}, "map_link_wrong"),
        ({"phone": "请打电话"}, "call_up_phone_wrong"),
        ({"is_drill": True, "quiet_reason": "夜里演练"}, "drill_never_at_night"),
    ],
)
def test_what_cannot_be_is_refused_on_its_field(cast, in_app, changes, code):
    now = clock.now()
    changes = {
        name: now + value if isinstance(value, timedelta) else value for name, value in changes.items()
    }
    with pytest.raises(RuleBroken) as caught:
        write(cast, **changes)
    assert caught.value.code == code
    assert caught.value.field is not None or code == "bad_request"


def test_more_places_than_people_are_allowed(cast, in_app):
    view = view_of(cast, write(cast, roles=(RolePlan("", None, 500),)))
    plan = engine.plan(call_up_id=view.id, now=clock.now())
    assert plan.roles[0].candidates < plan.roles[0].wanted == 500
    assert plan.roles[0].chance < plan.roles[0].target


def test_a_role_nobody_has_is_said_before_anything_is_sent(cast, in_app):
    view = view_of(cast, write(cast, roles=(RolePlan("", "tibetan", 1),)))
    plan = engine.plan(call_up_id=view.id, now=clock.now())
    assert (plan.roles[0].candidates, plan.roles[0].short_because) == (0, ShortBecause.NOBODY_CAN)


def test_it_may_climb_as_far_as_the_county_and_lie_in_a_part_of_the_community(cast, in_app):
    view = view_of(cast, write(cast, widest=cast.county.public_id, place=cast.building.public_id))
    assert (view.area_path, view.tier_path) == (cast.building.path, cast.community.path)
    assert view.widest_path == cast.county.path


@pytest.mark.parametrize("field", ["place", "widest"])
def test_places_and_areas_of_others_are_not_there(cast, in_app, field):
    with pytest.raises(NotFound):
        write(cast, **{field: cast.other_community.public_id})


@pytest.mark.parametrize(
    ("name", "area"), [("charlie", "community"), ("alice", "town"), ("bob", "community")]
)
def test_nobody_calls_for_an_area_that_is_not_theirs(cast, in_app, name, area):
    with pytest.raises(NotFound):
        write(cast, name, area=getattr(cast, area))


def test_a_town_dispatcher_calls_for_a_community_below_and_its_head_sees_it(cast, in_app):
    public_id = write(cast, "dora")
    assert view_of(cast, public_id).may_manage
    own = write(cast, "dora", area=cast.town, phone="0826-3221000")
    assert view_of(cast, own, "dora").tier_path == cast.town.path
    with pytest.raises(NotFound):
        view_of(cast, own, "alice")


def test_a_draft_is_written_anew_whole(cast, in_app):
    public_id = write(cast, categories=frozenset({Category.CADRE}))
    deed = make_deed(cast.actor("dora"))
    services.change_call_up(
        deed=deed,
        call_up=public_id,
        plan=plan_of(deed.now, title="清理道路", roles=(RolePlan("", "driving", 3),), stay=Stay.STAYS),
    )
    view = view_of(cast, public_id)
    assert (view.title, view.stay, view.categories) == ("清理道路", Stay.STAYS, frozenset())
    assert [(each.skill, each.wanted) for each in view.roles] == [("driving", 3)]


def test_what_was_started_is_no_draft_any_more(make, cast, in_app):
    running = make.call_up(cast.community)
    for service, more in (
        (services.change_call_up, {"plan": plan_of(clock.now())}),
        (services.discard_call_up, {}),
    ):
        with pytest.raises(Conflict) as caught:
            service(deed=make_deed(cast.actor("alice")), call_up=running.public_id, **more)
        assert caught.value.code == "call_up_moved_on"


def test_a_draft_that_is_thrown_away_is_gone_and_was_noted(cast, in_app):
    public_id = write(cast, categories=frozenset({Category.CADRE}))
    services.discard_call_up(deed=make_deed(cast.actor("alice")), call_up=public_id)
    with pytest.raises(NotFound):
        view_of(cast, public_id)
    assert "discard_call_up" in verbs()


@db.reading
def verbs():
    return list(db.connection().execute(select(AUDIT.c.verb).order_by(AUDIT.c.id)).scalars())


# --- the running page and the list --------------------------------------------------------------------------


def test_figures_count_each_person_once(make, cast, in_app):
    made = make.call_up(cast.community, roles=((None, 3), ("order", 1)))
    people = {name: each.person_id for name, each in cast.reservists.items()}
    make.summons(made, people["vera"], state=SummonsState.COMING)
    make.summons(made, people["viktor"], state=SummonsState.CANNOT, cannot_reason=CannotReason.ILL)
    make.summons(made, people["tess"])
    make.summons(made, people["bob"], role=1, state=SummonsState.COMING)
    view = view_of(cast, made.public_id)
    first, second = view.roles
    assert (first.taken, first.asked, first.coming, first.silent, first.cannot) == (1, 3, 1, 1, 1)
    assert (second.taken, second.asked, second.is_open) == (1, 1, False)
    assert (view.wanted, view.taken, view.latest[first.id].number) == (4, 2, 1)


def test_the_running_page_costs_the_same_for_one_and_for_twenty(make, cast, in_app, queries):
    made = make.call_up(cast.community, roles=((None, 30),))
    actor = cast.actor("alice")

    def cost():
        before = queries.count
        view_of(cast, made.public_id)
        call_up_queries.list_waves(actor=actor, public_id=made.public_id)
        call_up_queries.list_call_ups(actor=actor)
        return queries.count - before

    make.summons(made, cast.reservists["vera"].person_id)
    few = cost()
    for _ in range(20):
        make.summons(made, make.reservist(make.user("某人"), area=cast.community).person_id)
        make.call_up(cast.community)
    assert cost() == few


def test_what_runs_comes_first_and_pages_go_on_by_key(make, cast, in_app):
    old = make.call_up(cast.community, state=CallUpState.CLOSED)
    draft = make.call_up(cast.community, state=CallUpState.DRAFT)
    running = [make.call_up(cast.community) for _ in range(2)]
    actor, seen, before = cast.actor("alice"), [], None
    while True:
        page = call_up_queries.list_call_ups(actor=actor, before=before, limit=2)
        seen += [each.public_id for each in page.call_ups]
        before = page.older
        if before is None:
            break
    assert seen == [running[1].public_id, running[0].public_id, draft.public_id, old.public_id]
    assert call_up_queries.count_running(actor=actor) == 2
    assert call_up_queries.count_running(actor=cast.actor("charlie")) == 0


def test_a_lead_gets_no_figures_of_others(make, cast, in_app):
    made = make.call_up(cast.community)
    make.summons(made, cast.reservists["vera"].person_id)
    (line,) = call_up_queries.list_call_ups(actor=cast.actor("tess")).call_ups
    assert (line.wanted, line.taken) == (None, None)
    view = view_of(cast, made.public_id, "tess")
    assert (view.sees_whole, view.may_manage, view.roles[0].asked) == (False, False, 0)
    with pytest.raises(NotFound):
        call_up_queries.list_waves(actor=cast.actor("tess"), public_id=made.public_id)
    with pytest.raises(NotFound):
        call_up_queries.glance(actor=cast.actor("tess"), public_id=made.public_id)
