"""Call-ups over HTTP: a head on a phone at 20:43, a town's dispatcher, a grid worker who looks on, a team's lead."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.models import CallUp, CallUpRole
from webapp.domain.mobilization.rules import CallUpState, SummonsState
from webapp.domain.mobilization.services import engine, units

pytestmark = pytest.mark.db

EVENING = datetime(2026, 11, 24, 12, 43, tzinfo=UTC)  # 20:43 in the county
CALL_UPS = CallUp.__table__
ROLES = CallUpRole.__table__


@pytest.fixture(autouse=True)
def _evening():
    with clock.set_for_test(EVENING):
        yield


def post(client, path, data=None, *, key=None, **headers):
    token = client.get("/session").json["csrf"]
    data = {"csrf_token": token, "_key": key or new_public_id()} | (data or {})
    return client.post(path, data=data, headers=headers)


def text(response):
    return response.get_data(as_text=True)


def form_of(cast, **changes):
    """Title, one role, where: the rest as the empty form has it at 20:43."""
    page = text(cast.client("alice").get("/mobilization/call-ups/new"))
    given = dict(re.findall(r'<input id="(\w+)" name="\1"[^>]*? value="([^"]*)"', page))
    chosen = dict(re.findall(r'type="radio" name="(\w+)" value="(\w*)" checked', page))
    picked = {
        name: value
        for name, options in re.findall(r'<select id="(\w+)"[^>]*>(.*?)</select>', page, re.DOTALL)
        for value in re.findall(r'<option value="([^"]*)" selected', options)
    }
    typed = {"title": "搬运物资", "count_1": "2", "muster_point": "北门岗亭"}
    return {"area": cast.community.public_id} | given | chosen | picked | typed | changes


def draft_of(cast, **changes):
    made = post(cast.client("alice"), "/mobilization/call-ups", form_of(cast, **changes))
    assert made.status_code == 303, text(made)
    return made.location.split("/")[-2]


@db.reading
def row_of(public_id):
    return db.connection().execute(select(CALL_UPS).where(CALL_UPS.c.public_id == public_id)).one()


def reserve(make, cast, count=30):
    for number in range(count):
        make.reservist(make.user(f"储备{number}"), area=cast.community)


# --- a head at 20:43 ----------------------------------------------------------------------------------------


def test_a_head_calls_two_people_with_a_title_a_role_and_a_place(make, cast, in_app):
    reserve(make, cast)
    alice = cast.client("alice")
    public_id = draft_of(cast)
    row = row_of(public_id)
    # At 20:43 it begins at 21:00, for four hours, five minutes to answer, as far as the town.
    assert clock.here(row.starts_at).strftime("%H:%M") == "21:00"
    assert (row.ends_at - row.starts_at, row.reply_minutes) == (timedelta(hours=4), 5)
    assert row.widest_path == cast.town.path
    check = text(alice.get(f"/mobilization/call-ups/{public_id}/check"))
    told = re.search(r"先通知 (\d+) 人，预计 \d\d:\d\d 到齐；够了自动停。", check)
    assert told, check
    assert "【邻里·北辰社区】" in check
    started = post(alice, f"/mobilization/call-ups/{public_id}/start")
    assert started.status_code == 303, text(started)
    engine.run_due(clock.now())
    page = text(alice.get(started.location))
    assert f"已通知 {told.group(1)}" in page
    assert "0 / 2" in page
    assert "20:48 前答复" in page
    waves = text(alice.get(f"/mobilization/call-ups/{public_id}/waves"))
    assert "第1批通知" in waves
    assert "住在本地" in waves


def test_a_drill_is_marked_on_each_of_its_pages(make, cast, in_app):
    public_id = draft_of(cast, drill="unannounced")
    alice = cast.client("alice")
    band = 'id="drill-band"'
    assert band in text(alice.get(f"/mobilization/call-ups/{public_id}/check"))
    assert post(alice, f"/mobilization/call-ups/{public_id}/start").status_code == 303
    for page in ("", "/waves", "/numbers", "/units"):
        assert band in text(alice.get(f"/mobilization/call-ups/{public_id}{page}")), page
    assert "【演练】 搬运物资" in text(alice.get("/mobilization/call-ups"))
    row = row_of(public_id)
    assert (row.is_drill, row.is_announced) == (True, False)
    real = make.call_up(cast.community)
    assert band not in text(alice.get(f"/mobilization/call-ups/{real.public_id}"))


def test_the_roles_of_a_kind_of_team_are_taken_over_with_one_tap(cast, in_app):
    alice = cast.client("alice")
    page = text(alice.get("/mobilization/call-ups/new"))
    address = re.search(r'href="([^"]*team_type=[^"]*)" data-roles="([^"]*)"', page)
    filled = text(alice.get(address.group(1).replace("&amp;", "&")))
    assert re.search(r'id="count_1"[^>]*value="\d+"', filled)
    assert re.search(r'id="role_2"[^>]*value="[^"]+"', filled)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"title": " "}, "title", "为什么事召集"),
        ({"count_1": ""}, "count_1", "至少一种任务"),
        ({"count_1": "两个"}, "count_1", "请写数字"),
        ({"count_1": "0"}, "count_1", "请写数字"),
        ({"count_2": "", "skill_2": "driving"}, "count_2", "请写数字"),
        ({"start": "20:43"}, "start", "已经过了"),
        ({"start": "半夜"}, "start", None),
        ({"day": "2026-02-30"}, "day", None),
        ({"hours": "-4"}, "hours", "结束时间比开始早"),
        ({"reply_minutes": "60"}, "reply_minutes", "来不及答复"),
        ({"map_url": "http://x.cn"}, "map_url", "https://"),
        ({"muster_point": ""}, "muster_point", "在哪里集合"),
        ({"drill": "announced", "quiet_reason": "夜里练"}, "quiet_reason", "演练不在夜里"),
    ],
)
def test_bad_input_is_said_on_its_field_and_the_typing_stays(cast, in_app, changes, field, said):
    response = post(
        cast.client("alice"), "/mobilization/call-ups", form_of(cast, landmark="红帐篷旁", **changes)
    )
    assert response.status_code == 422
    page = text(response)
    assert f'href="#{field}"' in page
    assert said is None or said in page
    assert 'value="红帐篷旁"' in page


def test_the_phones_outbox_gets_the_field_and_the_sentence(cast, in_app):
    refused = post(
        cast.client("alice"), "/mobilization/call-ups", form_of(cast, title=""), Accept="application/json"
    )
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "call_up_title_missing")
    key = new_public_id()
    good = [
        post(
            cast.client("alice"), "/mobilization/call-ups", form_of(cast), key=key, Accept="application/json"
        )
        for _ in range(2)
    ]
    assert [each.headers["Linli-Receipt"] for each in good] == [key, key]
    assert good[0].json["location"] == good[1].json["location"]


def test_before_anything_is_sent_it_says_who_cannot_be_reached_and_why(make, cast, in_app):
    silent = make.user("无号")
    make.reservist(silent, area=cast.community)
    forget_phones(silent)
    page = text(cast.client("alice").get(f"/mobilization/call-ups/{draft_of(cast, count_1='40')}/check"))
    assert "要 40 人，能叫的只有" in page
    assert "可能凑不齐" in page
    assert "没有电话: 1" in page
    assert "无号" in page


@db.writing
def forget_phones(user):
    from webapp.domain.accounts.models import User  # noqa: PLC0415
    from webapp.domain.people.models import PersonPhone  # noqa: PLC0415

    connection = db.connection()
    phones, users = PersonPhone.__table__, User.__table__
    connection.execute(phones.delete().where(phones.c.person_id == user.person_id))
    connection.execute(users.update().where(users.c.id == user.id).values(blocked_at=clock.now()))


def test_the_check_reads_the_same_number_of_times_for_forty_people_and_a_hundred(make, cast, in_app, queries):
    reserve(make, cast, 40)
    public_id, alice = draft_of(cast), cast.client("alice")

    def cost():
        before = queries.count
        assert alice.get(f"/mobilization/call-ups/{public_id}/check").status_code == 200
        return queries.count - before

    cost()
    few = cost()
    reserve(make, cast, 60)
    assert cost() == few


def test_at_night_the_reason_is_asked_where_it_is_started(make, cast, in_app):
    with clock.set_for_test(EVENING + timedelta(hours=2)):
        alice = cast.client("alice")
        public_id = draft_of(cast)
        path = f"/mobilization/call-ups/{public_id}"
        assert "为什么要在夜里叫人" in text(alice.get(f"{path}/check"))
        refused = post(alice, f"{path}/start")
        assert refused.status_code == 422
        assert "没有通知任何人" in text(refused)
        assert row_of(public_id).state == CallUpState.DRAFT
        assert post(alice, f"{path}/start", {"quiet_reason": "夜里到货"}).status_code == 303


def test_a_sealed_place_is_said_first(make, cast, in_app):
    from webapp.domain.areas import services as areas  # noqa: PLC0415
    from webapp.domain.areas.queries import list_zone_classes  # noqa: PLC0415

    compound = make.area("封控小区", level="compound", parent=cast.community)
    areas.set_zone(
        deed=make_deed(cast.actor("alice")),
        public_id=compound.public_id,
        zone_class_id={each.code: each.id for each in list_zone_classes()}["sealed"],
        reason="一例阳性",
        notice="第12号通告",
    )
    page = text(
        cast.client("alice").get(f"/mobilization/call-ups/{draft_of(cast, place=compound.public_id)}/check")
    )
    assert page.index("这里是封控区") < page.index("先通知")


# --- steering -----------------------------------------------------------------------------------------------


def test_of_two_who_press_at_once_the_second_sees_the_truth(make, cast, in_app):
    path = f"/mobilization/call-ups/{make.call_up(cast.community).public_id}"
    assert post(cast.client("alice"), f"{path}/pause").status_code == 303
    assert "已暂停 · 艾丽" in text(cast.client("alice").get(f"{path}/waves"))
    second = post(cast.client("dora"), f"{path}/pause")
    assert second.status_code == 409
    page = text(second)
    assert "刚才有人先操作了" in page
    assert "已暂停" in page
    assert "继续召集" in page


def test_pressing_what_disturbs_people_without_a_reason_is_refused(make, cast, in_app):
    path = f"/mobilization/call-ups/{make.call_up(cast.community).public_id}"
    for step in ("hurry", "widen", "end"):
        refused = post(cast.client("alice"), f"{path}/{step}", {"seen": "0"})
        assert refused.status_code == 422, step
        assert "请写明" in text(refused) or "为什么" in text(refused)


def test_other_numbers_while_it_runs(make, cast, in_app):
    made = make.call_up(cast.community)
    path, alice = f"/mobilization/call-ups/{made.public_id}", cast.client("alice")
    make.summons(made, cast.reservists["vera"].person_id, state=SummonsState.COMING)
    role = re.search(r'name="wanted_(\w+)"', text(alice.get(f"{path}/numbers"))).group(1)
    typed = {f"seen_{role}": "2", "certainty": "normal"}
    refused = post(alice, f"{path}/numbers", typed | {f"wanted_{role}": "abc"})
    assert refused.status_code == 422
    assert 'value="abc"' in text(refused)
    assert post(alice, f"{path}/numbers", typed | {f"wanted_{role}": "7"}).status_code == 303
    late = post(cast.client("dora"), f"{path}/numbers", typed | {f"wanted_{role}": "9"})
    assert late.status_code == 409
    # The form asks about what stands now, and keeps what was typed.
    assert f'name="seen_{role}" value="7"' in text(late)
    assert 'value="9"' in text(late)
    assert wanted_of(made) == 7


@db.reading
def wanted_of(made):
    return (
        db.connection().execute(select(ROLES.c.wanted_count).where(ROLES.c.id == made.roles[0])).scalar_one()
    )


def test_editing_leads_to_what_can_be_edited(make, cast, in_app):
    alice = cast.client("alice")
    running = make.call_up(cast.community)
    path = f"/mobilization/call-ups/{running.public_id}"
    assert alice.get(f"{path}/edit").location.endswith("/numbers")
    assert alice.get(f"{path}/check").location.endswith(path)
    closed = make.call_up(cast.community, state=CallUpState.CLOSED)
    assert alice.get(f"/mobilization/call-ups/{closed.public_id}/numbers").status_code == 303
    public_id = draft_of(
        cast, skill_1="driving", map_url="https://map.qq.com/a", widest=cast.county.public_id
    )
    page = text(alice.get(f"/mobilization/call-ups/{public_id}/edit"))
    assert 'value="https://map.qq.com/a"' in page
    assert '<option value="driving" selected>' in page
    again = post(alice, f"/mobilization/call-ups/{public_id}", form_of(cast, title="清理道路"))
    assert again.status_code == 303
    assert "清理道路" in text(alice.get(again.location))


# --- who looks on -------------------------------------------------------------------------------------------


def test_the_figures_cost_two_queries_while_nothing_changes(make, cast, in_app, queries):
    made = make.call_up(cast.community)
    alice = cast.client("alice")
    path = f"/mobilization/call-ups/{made.public_id}/now?state=running"
    headers = {"HX-Request": "true"}
    first = alice.get(path, headers=headers)
    assert first.status_code == 200
    assert 'id="call-up-now"' in text(first)
    before = queries.count
    same = alice.get(path, headers=headers | {"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    assert queries.count - before <= 2
    post(alice, f"/mobilization/call-ups/{made.public_id}/pause")
    changed = alice.get(path, headers=headers | {"If-None-Match": first.headers["ETag"]})
    assert changed.headers["HX-Redirect"].endswith(made.public_id)


def test_what_comes_next_is_said_with_its_number_and_area(make, cast, in_app):
    reserve(make, cast)
    made = make.call_up(cast.community, roles=((None, 3),))
    engine.run_due(clock.now())
    alice = cast.client("alice")
    said = text(alice.get(f"/mobilization/call-ups/{made.public_id}/next", headers={"HX-Request": "true"}))
    assert re.search(r"20:53 第2批，再通知 \d+ 人，北辰社区", said), said


def test_a_grid_worker_sees_and_has_no_buttons(make, cast, in_app):
    path = f"/mobilization/call-ups/{make.call_up(cast.community).public_id}"
    page = text(cast.client("bob").get(path))
    assert "0 / 2" in page
    for step in ("pause", "hurry", "widen", "end", "numbers", "units"):
        assert f'action="{path}/{step}"' not in page
        assert f'href="{path}/{step}"' not in page
    assert post(cast.client("bob"), f"{path}/pause").status_code == 403
    assert cast.client("charlie").get(path).status_code == 404


def test_a_lead_finds_the_own_people_and_no_figures(make, cast, in_app):
    made = make.call_up(cast.community)
    make.summons(made, cast.reservists["vera"].person_id)
    page = text(cast.client("tess").get(f"/mobilization/call-ups/{made.public_id}"))
    assert "您只看得到自己队里的人" in page
    assert "call-up-now" not in page


def test_a_towns_dispatcher_first_says_for_which_area(cast, in_app):
    dora = cast.client("dora")
    page = text(dora.get("/mobilization/call-ups/new"))
    assert "为哪里召集" in page
    for area in (cast.town, cast.community, cast.other_community):
        assert f"area={area.public_id}" in page
    assert cast.other_town.public_id not in page
    made = post(dora, "/mobilization/call-ups", form_of(cast))
    assert made.status_code == 303
    assert cast.client("alice").get(made.location).status_code == 200
    assert cast.client("charlie").get(made.location).status_code == 404


# --- a team as a unit ---------------------------------------------------------------------------------------


def ask_the_team(make, cast, **columns):
    made = make.call_up(cast.community, roles=((None, 4),), **columns)
    alice = cast.client("alice")
    path = f"/mobilization/call-ups/{made.public_id}/units"
    page = text(alice.get(path))
    role = re.search(r'name="role" value="(\w+)"', page).group(1)
    typed = {"team": cast.team.public_id, "role": role, "count": "2"}
    done = post(alice, path, typed)
    assert done.status_code == 303, text(done)
    return made


@db.reading
def unit_of(made):
    from webapp.domain.mobilization.models import Unit  # noqa: PLC0415

    table = Unit.__table__
    return db.connection().execute(select(table).where(table.c.call_up_id == made.id)).one()


def test_a_lead_answers_by_the_link_and_ticks_names(make, cast, in_app):
    made = ask_the_team(make, cast)
    path = f"/mobilization/units/{units.token_of(unit_of(made).public_id)}"
    lead = cast.client(None)
    # Looking answers nothing: a preview robot may open it as often as it likes.
    for _ in range(2):
        page = lead.get(path)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "您的队能来吗" in text(page)
    assert unit_of(made).answered_at is None
    too_many = post(lead, path, {"count": "9"})
    assert too_many.status_code == 422
    assert "只缺 4 人了" in text(too_many)
    assert 'value="9"' in text(too_many)
    assert post(lead, path, {"count": "2"}).status_code == 303
    page = text(lead.get(path))
    assert "您答复了：来 2 人" in page
    nobody = post(lead, f"{path}/members")
    assert nobody.status_code == 422
    members = re.findall(r'name="members" value="(\w+)"', page)
    named = post(lead, f"{path}/members", {"members": members[:1]})
    assert named.status_code == 303
    assert "已报 1 人姓名" in text(lead.get(path))
    assert "2 人来" in text(cast.client("alice").get(f"/mobilization/call-ups/{made.public_id}"))


def test_a_silent_lead_is_called_and_the_answer_written_down(make, cast, in_app):
    made = ask_the_team(make, cast)
    path = f"/mobilization/call-ups/{made.public_id}"
    bob = cast.client("bob")
    assert "电话里说来几人" not in text(bob.get(path))
    with clock.set_for_test(EVENING + timedelta(minutes=6)):
        page = text(bob.get(path))
        assert "电话里说来几人" in page
        assert f"tel:{cast.people['tess'].phone}" in page
        answer = post(bob, f"{path}/units/{unit_of(made).public_id}", {"count": "1"})
        assert answer.status_code == 303
    assert unit_of(made).promised_count == 1


def test_a_forged_link_is_nothing(cast, in_app):
    for token in ("A" * 22, "x", "call-ups"):
        assert cast.client(None).get(f"/mobilization/units/{token}").status_code == 404
