"""The call-up on paper over HTTP: what stands on which copy, in which order, for whom; versions, reasons, the worker."""

import io
import json
import re
from datetime import timedelta

import pypdf
import pytest
from sqlalchemy import select, update

from webapp.base import clock, db, jobs
from webapp.base.audit import AuditEntry
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.models import CallAttempt, MobilizationSheet, Reservist, Summons, Unit
from webapp.domain.mobilization.rules import (
    AnswerSource,
    CallResult,
    CallUpState,
    MusterState,
    SummonsState,
    UnitState,
)
from webapp.domain.people.models import Person
from webapp.domain.rosters.rules import Evidence
from webapp.jobs import registry

pytestmark = pytest.mark.db

FULL_WIDTH = str.maketrans("\uff1a\uff0c\uff08\uff09\uff1b", ":,();")
PHONE = re.compile(r"1[3-9]\d{9}")


def post(client, path, data=None, *, key=None):
    token = client.get("/session").json["csrf"]
    return client.post(path, data={"csrf_token": token, "_key": key or new_public_id()} | (data or {}))


def read(cast, model, *conditions):
    @db.reading
    def rows():
        table = model.__table__
        return db.connection().execute(select(table).where(*conditions).order_by(table.c.id)).all()

    with cast.app.app_context():
        return rows()


def write(cast, *statements):
    @db.writing
    def run():
        for statement in statements:
            db.connection().execute(statement)

    with cast.app.app_context():
        run()


def pages(response) -> list[str]:
    assert response.mimetype == "application/pdf", response.get_data(as_text=True)
    document = pypdf.PdfReader(io.BytesIO(response.get_data()))
    return [
        "\n".join(" ".join(line.split()) for line in page.extract_text().translate(FULL_WIDTH).splitlines())
        for page in document.pages
    ]


def address(call_up):
    return f"/mobilization/call-ups/{call_up.public_id}/sheets"


def printed(client, call_up, **form):
    """The PDF that a print leads to, page by page."""
    response = post(client, address(call_up), form)
    assert response.status_code == 303, response.get_data(as_text=True)
    return pages(client.get(response.headers["Location"]))


@pytest.fixture
def call_up(cast, make):
    """Carrying and sampling: vera and viktor come, bob was asked, fern is silent and on the call list of tess."""
    made = make.call_up(
        cast.community, roles=(("delivery", 9), ("sampling", 3)), bring="雨衣、水杯", title="夜间转运"
    )
    now = clock.now()
    people = cast.reservists
    make.summons(
        made,
        people["vera"].person_id,
        state=SummonsState.COMING,
        answer_source=AnswerSource.LINK,
        eta_at=now + timedelta(minutes=20),
    )
    make.summons(made, people["viktor"].person_id, role=1, state=SummonsState.COMING)
    make.summons(made, people["bob"].person_id)
    make.summons(made, people["fern"].person_id, listed_at=now, listed_to_id=cast.people["tess"].person_id)
    write(
        cast,
        *(
            update(Reservist.__table__)
            .where(Reservist.__table__.c.id == people[name].id)
            .values(pinyin_key=name)
            for name in people
        ),
    )
    return made


def row_of(text, name):
    return next(line for line in text.splitlines() if name in line)


# --- the roster ---------------------------------------------------------------------------------------------


def test_the_roster_has_the_columns_the_facts_the_walk_ins_and_the_foot(cast, call_up):
    (page,) = printed(cast.client("alice"), call_up, kind="roster")
    lines = page.splitlines()
    assert lines[0] == "邻水县鼎屏镇北辰社区居民委员会"
    assert lines[1] == "北辰社区应急队伍召集花名册(集结点名签到表)"
    assert lines[2].startswith("公示版 · 第1版 · 打印时间 ")
    assert lines[2].endswith("打印人 艾丽")
    assert "事由 夜间转运 · 召集单位/召集人 艾丽 0826-3220013" in lines[3]
    assert "集结点 北门岗亭 (菜鸟驿站旁) · 携带 雨衣、水杯 · 可以回家" in lines[4]
    assert "序号 姓名 单位/队伍 任务角色 应答 预计到达 实到时间 本人签名 编入岗位/组长 离开时间" in page
    assert page.count("现场加入") == 5
    assert "应到 2 人 · 实到______人 · 未到______人 · 到位率______ %(截至____时____分)" in page
    assert "点名人签字" in page
    assert "带队负责人签字" in page
    assert "含个人信息,仅限本次点名使用,用后交回社区,禁止拍照转发" in page
    assert "第1页/共1页 · 异常请打 0826-3220013" in page
    assert "演练" not in page
    assert "鲍伯" not in page, "who did not say yes is not expected"


def test_the_wall_copy_has_no_phones_and_the_working_copy_has_all_of_them_for_a_reason(cast, call_up):
    alice = cast.client("alice")
    (wall,) = printed(alice, call_up, kind="roster")
    assert not PHONE.search(wall)
    refused = post(alice, address(call_up), {"kind": "roster", "copy": "working"})
    assert refused.status_code == 422
    said = refused.get_data(as_text=True)
    assert 'aria-invalid="true"' in said
    assert re.search(r'value="working"\s+checked', said), "what was chosen is kept"
    (working,) = printed(alice, call_up, kind="roster", copy="working", reason="集结点名")
    assert "工作版" in working
    for name in ("vera", "viktor"):
        assert cast.people[name].phone in row_of(working, cast.people[name].phone)
    assert len(PHONE.findall(working)) == 2
    assert [
        (entry.verb, entry.reason, json.loads(entry.facts)["copy"])
        for entry in read(cast, AuditEntry, AuditEntry.__table__.c.kind == "mobilization_sheet")
    ] == [
        ("print_mobilization_sheet", None, "wall"),
        ("print_mobilization_sheet", "集结点名", "working"),
    ]
    assert not any(PHONE.search(entry.facts) for entry in read(cast, AuditEntry))


def test_rows_go_by_role_then_team_then_pinyin(cast, make, call_up):
    other = make.team("蓝马甲", area=cast.community)
    for number, (name, team) in enumerate(
        (("丙", other), ("乙", cast.team), ("甲", cast.team), ("丁", None))
    ):
        user = make.user(name)
        write(
            cast,
            update(Person.__table__)
            .where(Person.__table__.c.id == user.person_id)
            .values(pinyin_key=str(9 - number)),
        )
        make.reservist(user, area=cast.community, team=team)
        make.summons(call_up, user.person_id, state=SummonsState.COMING)
    sheets = "\n".join(printed(cast.client("alice"), call_up, kind="roster"))
    names = [found[1] for found in re.finditer(r"^\d+ (\S+) ", sheets, re.MULTILINE)]
    # 红马甲 before 蓝马甲 before those of no team; among those of a team by pinyin: vera has none.
    assert names[:6] == ["薇拉", "甲", "乙", "丙", "丁", "维克"]


def test_who_came_who_joined_and_what_a_unit_has_not_named_stands_there(cast, make, call_up):
    now = clock.now()
    s, u = Summons.__table__, Unit.__table__
    there = {"muster": MusterState.ON_DUTY, "arrived_at": now, "arrived_from": Evidence.ROLL_CALL}
    write(
        cast,
        update(s)
        .where(s.c.person_id == cast.people["vera"].person_id)
        .values(assigned_to="一组 李志强", **there),
        u.insert().values(
            public_id=new_public_id(),
            call_up_id=call_up.id,
            role_id=call_up.roles[0],
            team_id=cast.team.id,
            person_id=cast.people["tess"].person_id,
            token_hash="x",
            state=UnitState.COMING,
            asked_count=2,
            promised_count=2,
            named_count=0,
            sent_at=now,
            reply_by=now,
        ),
    )
    walker = make.user("路人")
    make.summons(
        call_up,
        walker.person_id,
        role=1,
        state=SummonsState.COMING,
        is_walk_in=True,
        answer_source=AnswerSource.WALK_IN,
        **there,
    )
    (page,) = printed(cast.client("alice"), call_up, kind="roster")
    clock_now = f"{clock.here(now):%H:%M}"
    assert page.count("整队") == 2
    assert "应到 5 人" in page
    assert "一组 李志强" in page
    assert page.count("现场加入") == 6
    assert clock_now in row_of(page, "路人")


def test_a_drill_says_so_in_the_title_and_across_the_head_of_every_page(cast, make):
    drill = make.call_up(cast.community, is_drill=True, roles=((None, 40),))
    for number in range(14):
        make.summons(drill, make.user(f"某{number}").person_id, state=SummonsState.COMING)
    for kind in ("roster", "summary"):
        sheets = printed(cast.client("alice"), drill, kind=kind)
        for page in sheets:
            assert "【演练】北辰社区" in page
            assert "【演练】 拉动演练,不是真的召集 【演练】" in page
    assert len(printed(cast.client("alice"), drill, kind="roster")) == 2
    (english, _second) = printed(cast.client("alice"), drill, kind="roster", language="en")
    assert "[DRILL]Beichen Community" in english.replace("[DRILL] ", "[DRILL]")


def test_the_sheet_of_a_team_has_the_team_and_the_lead_gets_no_other(cast, make, call_up):
    part = f"team:{cast.team.public_id}"
    (page,) = printed(cast.client("alice"), call_up, kind="roster", part=part)
    assert "红马甲" in page.splitlines()[3]
    assert "薇拉" in page
    assert "维克" not in page
    assert "应到 1 人" in page
    tess = cast.client("tess")
    (hers,) = printed(tess, call_up, kind="roster", copy="working", part=part, reason="点名")
    assert cast.people["vera"].phone in hers
    assert "打印人 泰思" in hers
    for form in (
        {"kind": "roster"},
        {"kind": "summary"},
        {"kind": "roster", "part": f"team:{make.team('蓝马甲', area=cast.community).public_id}"},
    ):
        assert post(tess, address(call_up), form).status_code == 404
    assert (
        post(cast.client("alice"), address(call_up), {"kind": "roster", "part": "team:x"}).status_code == 404
    )


def test_the_code_of_the_roster_opens_the_roll_call_of_that_sheet(cast, make, call_up):
    alice = cast.client("alice")
    post(alice, address(call_up), {"kind": "roster", "part": f"team:{cast.team.public_id}"})
    post(alice, address(call_up), {"kind": "roster"})
    ours, whole = read(cast, MobilizationSheet)
    target = alice.get(f"/mobilization/sheets/{ours.public_id}/muster").headers["Location"]
    assert f"/mobilization/call-ups/{call_up.public_id}/muster" in target
    roll = alice.get(target).get_data(as_text=True)
    assert "薇拉" in roll
    assert "维克" not in roll, "the sheet was of the team"
    key = next(row.public_id for row in read(cast, Summons) if row.person_id == cast.people["vera"].person_id)
    marked = {f"was-{key}": "unknown|||", f"mark-{key}": "present", f"version-{key}": "1"}
    action = re.search(r'action="([^"]*/muster[^"]*)"', roll)[1].replace("&amp;", "&")
    saved = post(alice, action, marked)
    assert saved.headers["Location"].endswith(target.split("/mobilization")[1])
    (vera,) = (row for row in read(cast, Summons) if row.public_id == key)
    assert vera.arrived_at is not None, "paper comes back into the ledger"
    roll = alice.get(f"/mobilization/sheets/{whole.public_id}/muster", follow_redirects=True)
    assert "维克" in roll.get_data(as_text=True)
    assert cast.client("charlie").get(f"/mobilization/sheets/{ours.public_id}/muster").status_code == 404


def test_the_roll_call_of_a_sheet_stands_in_the_order_of_the_sheet(cast, make, call_up):
    for name, pinyin, team in (("赵一", "a", None), ("钱二", "b", cast.team)):
        user = make.user(name)
        write(
            cast,
            update(Person.__table__).where(Person.__table__.c.id == user.person_id).values(pinyin_key=pinyin),
        )
        make.reservist(user, area=cast.community, team=team)
        make.summons(call_up, user.person_id, state=SummonsState.COMING)
    alice = cast.client("alice")
    post(alice, address(call_up), {"kind": "roster"})
    (sheet,) = read(cast, MobilizationSheet)
    roll = alice.get(f"/mobilization/sheets/{sheet.public_id}/muster", follow_redirects=True)
    said = roll.get_data(as_text=True)
    assert said.index("薇拉") < said.index("钱二") < said.index("赵一")


# --- the list for the phone ---------------------------------------------------------------------------------


def test_the_list_for_the_phone_has_who_is_silent_their_number_and_the_calls_so_far(cast, call_up):
    summons = next(row for row in read(cast, Summons) if row.person_id == cast.people["fern"].person_id)
    now = clock.now()
    write(
        cast,
        CallAttempt.__table__.insert().values(
            summons_id=summons.id, number=1, result=CallResult.NO_ANSWER, called_at=now, called_by="user:1"
        ),
    )
    alice = cast.client("alice")
    assert post(alice, address(call_up), {"kind": "call_list"}).status_code == 422, "it has phones: a reason"
    assert post(alice, address(call_up), {"kind": "call_list", "copy": "wall"}).status_code == 404
    (page,) = printed(alice, call_up, kind="call_list", reason="打电话")
    assert "北辰社区召集电话通知单" in page
    assert "序号 姓名 队伍 / 任务角色 联系电话 第1次(时间/结果) 第2次(时间/结果) 答复 打电话人" in page
    row = row_of(page, "芬恩")
    assert cast.people["fern"].phone in row
    assert f"{clock.here(now):%H:%M} 没打通" in row
    assert "能来" in row
    assert "薇拉" not in page
    tess = cast.client("tess")
    part = f"caller:{cast.people['tess'].person_public_id}"
    (hers,) = printed(tess, call_up, kind="call_list", part=part, reason="打电话")
    assert "芬恩" in hers
    assert "泰思" in hers.splitlines()[3]
    assert post(tess, address(call_up), {"kind": "call_list", "reason": "x"}).status_code == 404
    office = post(alice, address(call_up), {"kind": "call_list", "part": "caller:office", "reason": "x"})
    assert office.status_code == 422, "the office has nobody to call"
    assert "没有要打电话的人了" in office.get_data(as_text=True)


def test_who_answered_leaves_the_list(cast, call_up):
    s = Summons.__table__
    write(
        cast,
        update(s)
        .where(s.c.person_id == cast.people["fern"].person_id)
        .values(state=SummonsState.CANNOT, answered_at=clock.now()),
    )
    refused = post(cast.client("alice"), address(call_up), {"kind": "call_list", "reason": "x"})
    assert refused.status_code == 422


# --- the summary and the report -----------------------------------------------------------------------------


def test_the_summary_is_one_page_with_figures_that_add_up_and_the_leads(cast, call_up):
    alice = cast.client("alice")
    (page,) = printed(alice, call_up, kind="summary")
    assert "召集情况汇总" in page
    assert "泰思" in page
    assert not PHONE.search(page)
    together = row_of(page, "合计")
    assert together.split()[1:6] == ["12", "2", "0", "0", "2"]
    (working,) = printed(alice, call_up, kind="summary", copy="working", reason="报指挥部")
    assert PHONE.findall(working) == [cast.people["tess"].phone]


def test_the_report_waits_for_the_end_and_then_has_the_chart_and_the_timeline(cast, make, call_up):
    alice = cast.client("alice")
    refused = post(alice, address(call_up), {"kind": "report"})
    assert refused.status_code == 422
    assert "还在召集" in refused.get_data(as_text=True)
    ended = make.call_up(cast.community, state=CallUpState.ENDED, ended_at=clock.now())
    make.summons(ended, cast.people["vera"].person_id, state=SummonsState.COMING)
    sheets = printed(alice, ended, kind="report")
    assert "召集结束报告" in sheets[0]
    assert "任务1" in sheets[0]
    assert "横轴" in sheets[0]
    assert any("事项" in page for page in sheets)
    english = printed(alice, ended, kind="report", language="en")
    assert "end report" in english[0]


def test_a_draft_has_nothing_to_print(cast, make):
    draft = make.call_up(cast.community, state=CallUpState.DRAFT)
    alice = cast.client("alice")
    assert "还没有可打印的" not in alice.get(address(draft)).get_data(as_text=True)
    for kind in ("roster", "summary", "report"):
        assert post(alice, address(draft), {"kind": kind}).status_code == 422


# --- versions -----------------------------------------------------------------------------------------------


def test_the_same_content_is_never_made_twice_and_other_content_is_the_next_version(
    cast, make, call_up, monkeypatch
):
    alice = cast.client("alice")
    first = post(alice, address(call_up), {"kind": "roster"}).headers["Location"]
    with monkeypatch.context() as patch:
        patch.setattr("webapp.web.pdf.render", lambda *_args, **_more: pytest.fail("made again"))
        assert post(alice, address(call_up), {"kind": "roster"}).headers["Location"] == first
        assert post(cast.client("bob"), address(call_up), {"kind": "roster"}).headers["Location"] == first
    assert len(read(cast, MobilizationSheet)) == 1
    s = Summons.__table__
    of_vera = update(s).where(s.c.person_id == cast.people["vera"].person_id)
    write(cast, of_vera.values(assigned_to="二组"))
    assert "第2版" in printed(alice, call_up, kind="roster")[0]
    write(cast, of_vera.values(assigned_to=None))
    assert "第3版" in printed(alice, call_up, kind="roster")[0], (
        "back to the first is a change for who holds the second"
    )
    (old, *_rest) = read(cast, MobilizationSheet)
    page = alice.get(f"/mobilization/sheets/{old.public_id}").get_data(as_text=True)
    assert "后来又打印了第3版" in page


def test_a_working_copy_of_somebody_else_is_another_printing(cast, call_up):
    form = {"kind": "roster", "copy": "working", "reason": "点名"}
    (alices,) = printed(cast.client("alice"), call_up, **form)
    (bobs,) = printed(cast.client("bob"), call_up, **form)
    assert "打印人 艾丽" in alices
    assert "打印人 鲍伯" in bobs


def test_a_working_copy_is_not_opened_by_its_address_alone(cast, call_up):
    alice = cast.client("alice")
    form = {"kind": "roster", "copy": "working", "reason": "点名"}
    location = post(alice, address(call_up), form).headers["Location"]
    assert alice.get(location).mimetype == "application/pdf"
    bare = location.split("?")[0]
    assert alice.get(bare).status_code == 303
    assert alice.get(f"{bare}?pass=x").status_code == 303
    assert cast.client("charlie").get(location).status_code == 404
    with clock.set_for_test(clock.now() + timedelta(minutes=25)):
        assert alice.get(location).status_code == 303, "after a while the reason is asked for again"


# --- the worker, fonts, languages ---------------------------------------------------------------------------


def many(cast, call_up, count):
    @db.writing
    def run():
        now, connection = clock.now(), db.connection()
        for number in range(count):
            person = connection.execute(
                Person.__table__.insert().returning(Person.__table__.c.id),
                {
                    "public_id": new_public_id(),
                    "name": f"队员{number}",
                    "name_key": "",
                    "pinyin_key": f"{number:04}",
                    "initials_key": "",
                    "version": 1,
                    "is_invented": True,
                    "created_at": now,
                },
            ).scalar_one()
            connection.execute(
                Summons.__table__.insert(),
                {
                    "public_id": new_public_id(),
                    "call_up_id": call_up.id,
                    "role_id": call_up.roles[0],
                    "person_id": person,
                    "token_hash": f"{number}",
                    "state": "coming",
                    "because": "",
                    "sent_at": now,
                    "reply_by": now,
                    "answered_at": now,
                    "slip_code": f"{number:06}",
                    "is_walk_in": False,
                    "version": 1,
                },
            )

    with cast.app.app_context():
        run()


def test_a_long_roster_is_made_by_the_worker_and_the_page_polls(cast, make):
    call_up = make.call_up(cast.community, roles=((None, 500),))
    many(cast, call_up, 210)
    alice = cast.client("alice")
    form = {"kind": "roster", "copy": "working", "reason": "点名"}
    asked = post(alice, address(call_up), form)
    assert "<progress" in alice.get(asked.headers["Location"]).get_data(as_text=True)
    fragment = alice.get(asked.headers["Location"], headers={"HX-Request": "true"})
    assert "<html" not in fragment.get_data(as_text=True)
    assert cast.client("bob").get(asked.headers["Location"]).status_code == 404
    with cast.app.app_context():
        job = jobs.take(now=clock.now())
        assert job.kind == "mobilization.sheet"
        jobs.finish(job_id=job.id, now=clock.now(), result=registry.handler_of(job.kind)(job))
    done = alice.get(asked.headers["Location"])
    sheets = pages(alice.get(done.headers["Location"]))
    assert sum(page.count("队员") for page in sheets) == 210
    assert "打印人 艾丽" in sheets[0]
    assert f"第{len(sheets)}页/共{len(sheets)}页" in sheets[-1]
    again = post(alice, address(call_up), form)
    assert "/jobs/" not in again.headers["Location"], "it is there already"


def test_a_missing_character_fails_with_the_name(cast, call_up):
    people = Person.__table__
    write(
        cast,
        update(people).where(people.c.id == cast.people["vera"].person_id).values(name="张\U000323af"),
    )
    refused = post(cast.client("alice"), address(call_up), {"kind": "roster"})
    assert refused.status_code == 422
    assert "U+323AF" in refused.get_data(as_text=True)
    assert read(cast, MobilizationSheet) == []


def test_english_sheets_speak_english(cast, call_up):
    alice = cast.client("alice")
    for form in (
        {"kind": "roster"},
        {"kind": "summary"},
        {"kind": "call_list", "reason": "calls"},
    ):
        (page,) = printed(alice, call_up, language="en", **form)
        assert "Beichen Community" in page
        rest = page
        for said in (
            "邻水县鼎屏镇北辰社区居民委员会",
            "夜间转运",
            "艾丽",
            "北门岗亭",
            "菜鸟驿站旁",
            "雨衣、水杯",
            "红马甲",
            "任务",
            *(user for user in ("薇拉", "维克", "泰思", "芬恩")),
        ):
            rest = rest.replace(said, "")
        assert not re.search(r"[\u4e00-\u9fff]", rest), re.findall(r".*[\u4e00-\u9fff].*", rest)


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "poster"},
        {"kind": "roster", "copy": "secret"},
        {"kind": "summary", "part": "team:x"},
        {"kind": "report", "copy": "working", "reason": "x"},
    ],
)
def test_what_is_nowhere_is_not_found(cast, call_up, form):
    assert post(cast.client("alice"), address(call_up), form).status_code == 404


def test_the_page_offers_what_the_reader_may_print(cast, call_up):
    alice = cast.client("alice").get(address(call_up)).get_data(as_text=True)
    for kind in ("roster", "call_list", "summary"):
        assert f"kind={kind}" in alice
    assert "kind=report" not in alice
    tess = cast.client("tess").get(address(call_up)).get_data(as_text=True)
    assert "kind=roster" in tess
    assert "kind=summary" not in tess
    form = cast.client("tess").get(f"{address(call_up)}?kind=roster").get_data(as_text=True)
    assert f'name="part" value="team:{cast.team.public_id}"' in form
    printed(cast.client("alice"), call_up, kind="roster")
    assert "第 1 版" in cast.client("alice").get(address(call_up)).get_data(as_text=True)
    assert "第 1 版" not in cast.client("tess").get(address(call_up)).get_data(as_text=True)
