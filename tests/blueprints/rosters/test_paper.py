"""Rosters on paper over HTTP: what stands on which copy, versions, reasons, the worker, workbooks."""

import io
import json
import re
from datetime import datetime, time, timedelta
from typing import Any

import openpyxl
import pypdf
import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from webapp.base import clock, db, jobs
from webapp.base.audit import AuditEntry
from webapp.base.ids import new_public_id
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import Post, RosterSheet, Shift, Signup
from webapp.domain.rosters.rules import DutyKind, Protection, ShiftState, SignupState, monday_of
from webapp.domain.rosters.services.duty import DutyPlan, add_duty
from webapp.jobs import registry

pytestmark = pytest.mark.db

FULL_WIDTH = str.maketrans("\uff1a\uff0c\uff08\uff09\uff1b", ":,();")
QR = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB4iG8MwAAAABJRU5ErkJggg=="
PHONE = re.compile(r"1[3-9]\d{9}")


def post(client, path, data=None, *, key=None):
    token = client.get("/session").json["csrf"]
    return client.post(path, data={"csrf_token": token, "_key": key or new_public_id()} | (data or {}))


def at(days: int, hour: int) -> datetime:
    return clock.instant(datetime.combine(monday() + timedelta(days=days), time(hour)))


def monday():
    """Next week's, so that nothing depends on the day of the test."""
    return monday_of(clock.day(clock.now())) + timedelta(days=7)


def read(cast, model, *conditions):
    @db.reading
    def rows():
        table: Any = model.__table__
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


def printed(client, **form):
    """The PDF that a print leads to, page by page."""
    response = post(client, "/rosters/sheets", form)
    assert response.status_code == 303, response.get_data(as_text=True)
    return pages(client.get(response.headers["Location"]))


@pytest.fixture
def gate(cast, make):
    return make.post(
        cast.community,
        name="北门卡口",
        name_en="North gate",
        place="北门岗亭",
        instructions="查验出入",
        protection=Protection.LEVEL_1,
        phone="0826-3220014",
        lead_person_id=cast.people["bob"].person_id,
    )


@pytest.fixture
def week(cast, make, gate):
    """Thursday morning: vera by an exception and viktor; Friday evening: nobody; Thursday night: vera."""
    morning = make.shift(gate, starts_at=at(3, 7), minimum_count=1, maximum_count=5)
    night = make.shift(gate, starts_at=at(4, 23), hours=8)
    empty = make.shift(gate, starts_at=at(4, 18), hours=5, minimum_count=2)
    make.signup(morning, cast.people["vera"], override_reason="昨晚夜班,人手不足", overridden_by="艾丽")
    make.signup(morning, cast.people["viktor"])
    make.signup(night, cast.people["vera"], skill_code="delivery")
    with cast.app.app_context():
        add_duty(
            deed=make_deed(cast.actor("alice")),
            area=cast.community.public_id,
            plan=DutyPlan(DutyKind.LEADER, at(0, 8), at(1, 8), "张国强", "0826-3220111", days=7),
        )
    return {"morning": morning, "night": night, "empty": empty}


def week_form(cast, **more):
    return {"kind": "week", "from": monday().isoformat(), "area": cast.community.public_id} | more


def sign_in_form(gate, **more):
    day = (monday() + timedelta(days=3)).isoformat()
    return {"kind": "sign_in", "from": day, "post": gate.public_id} | more


# --- what stands on it --------------------------------------------------------------------------------------


def test_the_week_says_who_stands_where_who_leads_what_is_missing_and_why_a_rule_was_set_aside(cast, week):
    (page,) = printed(cast.client("alice"), **week_form(cast))
    first = monday()
    last = first + timedelta(days=6)
    assert page.splitlines()[0] == "邻水县鼎屏镇北辰社区居民委员会"
    assert f"北辰社区疫情防控值班(排班)表 {first.month}月{first.day}日—{last.month}月{last.day}日" in page
    assert "公示版 · 第1版" in page
    assert "打印人 艾丽" in page
    assert "带班领导(24小时电话):张国强 0826-3220111" in page
    assert "值班电话:0826-3220013" in page
    assert re.search(r"北门卡口 07:00–12:00 薇拉※ 维克", page)
    assert re.search(r"18:00–23:00 缺2人", page)
    assert "次日07:00" in page
    assert re.search(r"※ 薇拉,周四 07:00 北门卡口,破例:昨晚夜班,人手不足\(艾丽\)", page)
    assert "第1页/共1页 · 异常请打 0826-3220013" in page


def test_a_cell_names_three_and_counts_the_rest_and_every_name_stands_whole(cast, make, gate):
    shift = make.shift(gate, starts_at=at(0, 7), maximum_count=9, wanted_count=9)
    for name in ("一一", "二二", "三三", "四四", "五五"):
        make.signup(shift, make.user(name))
    (page,) = printed(cast.client("alice"), **week_form(cast))
    shown = [name for name in ("一一", "二二", "三三", "四四", "五五") if name in page]
    assert len(shown) == 3
    assert "+2" in page


def test_the_sign_in_sheet_has_the_columns_the_walk_ins_and_the_foot(cast, gate, week):
    (page,) = printed(cast.client("alice"), **sign_in_form(gate))
    day = monday() + timedelta(days=3)
    assert f"北辰社区 北门卡口 值班签到表 {day.month}月{day.day}日(周四)" in page
    assert "带班 张国强 0826-3220111 · 岗位负责人 鲍伯 0826-3220014 · 查验出入 · 防护等级 一级" in page
    heads = "序号 班次 姓名 单位/队伍 岗位分工 签到时间 本人签名 签退时间 用餐 备注"
    assert heads in page
    assert re.search(r"\d 07:00–12:00 薇拉 红马甲 ※1", page)
    assert re.search(r"\d 07:00–12:00 维克", page)
    assert page.count("现场加入") == 5
    assert "应到 2 人 · 实到______人 · 盒饭______份(清真______)· 防护服______套".replace(
        " ", ""
    ) in page.replace(" ", "")
    for words in ("交班人签字", "接班人签字", "交接事项", "扫右上角的码", "※1 薇拉,破例:昨晚夜班"):
        assert words in page


def test_only_the_working_copy_has_phones_of_people_and_says_that_it_comes_back(cast, gate, week):
    alice = cast.client("alice")
    phones = {cast.people[name].phone for name in ("vera", "viktor")}
    for form in (week_form(cast), sign_in_form(gate)):
        wall = "\n".join(printed(alice, **form))
        assert not PHONE.search(wall), "a wall copy has no phone of a person"
        working = "\n".join(printed(alice, **form, copy="working", reason="点名"))
        assert phones <= set(PHONE.findall(working))
        assert "联系电话" in working
        assert "工作版" in working
        assert "用后交回社区" in working
    assert cast.people["bob"].phone in working, "whoever leads the post can be called"
    team = {"kind": "team", "from": monday().isoformat(), "team": cast.team.public_id}
    tess = cast.client("tess")
    assert not PHONE.search("\n".join(printed(tess, **team)))
    working = "\n".join(printed(tess, **team, copy="working", reason="点名"))
    assert set(PHONE.findall(working)) == {cast.people["vera"].phone, cast.people["tess"].phone}


def test_the_codes_open_the_roll_call_of_this_very_sheet(cast, gate, week, monkeypatch):
    addresses = []
    monkeypatch.setattr(
        "webapp.web.qr.data_uri",
        lambda address: addresses.append(address) or QR,
    )
    printed(cast.client("alice"), **sign_in_form(gate))
    printed(cast.client("alice"), **week_form(cast))
    sign_in, week_sheet = (row.public_id for row in read(cast, RosterSheet))
    assert addresses == [
        f"http://linli.test/rosters/sheets/{sign_in}/roll-call",
        f"http://linli.test/rosters/sheets/{week_sheet}",
    ]


def test_a_persons_week_is_theirs_to_print_without_a_right(cast, week):
    vera = cast.client("vera")
    form = {"kind": "person", "from": monday().isoformat()}
    (page,) = printed(vera, **form, volunteer=cast.volunteers["vera"].public_id)
    assert "北辰社区 薇拉 排班单" in page
    assert "2个班" in page
    assert "维克" not in page
    assert not PHONE.search(page)
    somebody = post(vera, "/rosters/sheets", form | {"volunteer": cast.volunteers["viktor"].public_id})
    assert somebody.status_code == 404
    working = form | {"volunteer": cast.volunteers["vera"].public_id, "copy": "working", "reason": "x"}
    assert post(vera, "/rosters/sheets", working).status_code == 403


def test_a_shift_that_was_called_off_stands_on_no_sign_in_sheet_and_as_such_in_the_week(cast, gate, week):
    shifts = Shift.__table__
    write(cast, update(shifts).where(shifts.c.id == week["morning"].id).values(state=ShiftState.CANCELLED))
    (page,) = printed(cast.client("alice"), **week_form(cast))
    assert re.search(r"07:00–12:00 取消", page)
    refused = post(cast.client("alice"), "/rosters/sheets", sign_in_form(gate))
    assert refused.status_code == 422
    assert "没有可打印的" in refused.get_data(as_text=True)


def test_drafts_and_those_who_only_wait_stand_on_no_paper(cast, make, gate):
    shift = make.shift(gate, starts_at=at(3, 7))
    make.signup(
        shift, cast.people["vera"], state=SignupState.WAITING, waiting_since=clock.now(), confirmed_at=None
    )
    make.shift(gate, starts_at=at(3, 13), state=ShiftState.DRAFT)
    (page,) = printed(cast.client("alice"), **sign_in_form(gate))
    assert "薇拉" not in page
    assert "13:00" not in page
    assert "缺1人" in page


def test_english_sheets_speak_english(cast, gate, week):
    (page,) = printed(cast.client("alice"), **sign_in_form(gate, language="en"))
    assert "Beichen Community North gate duty sign-in sheet" in page
    assert "Wall copy · version 1" in page
    assert "缺" not in page


# --- pages --------------------------------------------------------------------------------------------------


def test_no_row_is_split_every_page_repeats_the_heads_and_counts(cast, make, gate):
    shift = make.shift(gate, starts_at=at(3, 7), maximum_count=60, wanted_count=60)
    names = [
        f"古丽努尔·买买提艾力{sign}"
        for sign in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒"
    ]
    for name in names:
        make.signup(shift, make.user(name))
    sheets = printed(cast.client("alice"), **sign_in_form(gate))
    assert len(sheets) > 2
    numbers = []
    for number, page in enumerate(sheets, 1):
        assert f"第{number}页/共{len(sheets)}页" in page
        assert "序号 班次 姓名" in page
        numbers += [int(found) for found in re.findall(r"^(\d+) 07:00–12:00", page, re.MULTILINE)]
        for name in names:
            # Name and number of a row stand on the same page: both halves of a name that was wrapped, too.
            assert page.count(f"买买提艾力{name[-1]}") in {0, 1}
        assert page.count("古丽努尔·") == sum(f"力{name[-1]}" in page.replace("\n", "") for name in names)
    assert numbers == list(range(1, len(names) + 1))


def test_all_glyphs_are_embedded_and_a_missing_one_fails_by_name(cast, make, gate, week):
    alice = cast.client("alice")
    response = post(alice, "/rosters/sheets", sign_in_form(gate))
    document = pypdf.PdfReader(io.BytesIO(alice.get(response.headers["Location"]).get_data()))
    for page in document.pages:
        for reference in page["/Resources"]["/Font"].values():
            font = reference.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert "/FontFile2" in font or "/FontFile3" in font
    people = Person.__table__
    write(
        cast,
        update(people).where(people.c.id == cast.people["vera"].person_id).values(name="张\U000323af"),
    )
    refused = post(alice, "/rosters/sheets", sign_in_form(gate))
    assert refused.status_code == 422
    assert "U+323AF" in refused.get_data(as_text=True)


# --- versions -----------------------------------------------------------------------------------------------


def test_the_same_content_is_the_same_version_and_is_not_rendered_again(cast, gate, week, monkeypatch):
    alice = cast.client("alice")
    first = post(alice, "/rosters/sheets", sign_in_form(gate)).headers["Location"]
    monkeypatch.setattr("webapp.web.pdf.render", lambda *_args, **_more: pytest.fail("rendered again"))
    assert post(alice, "/rosters/sheets", sign_in_form(gate)).headers["Location"] == first
    assert post(cast.client("bob"), "/rosters/sheets", sign_in_form(gate)).headers["Location"] == first
    assert len(read(cast, RosterSheet)) == 1


def test_a_reprint_marks_what_changed_and_going_back_is_a_change_too(cast, make, gate, week):
    alice = cast.client("alice")
    assert "第1版" in printed(alice, **sign_in_form(gate))[0]
    signups = Signup.__table__
    gone = update(signups).where(
        signups.c.shift_id == week["morning"].id, signups.c.person_id == cast.people["viktor"].person_id
    )
    make.signup(week["morning"], cast.people["zoe"])  # on the list of people who are there, viktor leaves
    write(cast, gone.values(state=SignupState.LEFT, ended_at=clock.now()))
    (second,) = printed(alice, **sign_in_form(gate))
    assert "第2版" in second
    assert "第1版之后的改动 · 其中1行已去掉" in second
    lines = second.splitlines()
    assert next(line for line in lines if "佐伊" in line).endswith("改")
    assert not next(line for line in lines if re.match(r"\d+ 07:00–12:00 薇拉", line)).endswith("改")
    write(
        cast,
        gone.values(state=SignupState.PLACED, ended_at=None),
        update(signups)
        .where(signups.c.person_id == cast.people["zoe"].person_id)
        .values(state=SignupState.LEFT, ended_at=clock.now()),
    )
    (third,) = printed(alice, **sign_in_form(gate))
    assert "第3版" in third, "whoever holds version 2 must see that it is no longer so"
    assert next(line for line in third.splitlines() if "维克" in line).endswith("改")
    (week_row,) = (line for line in printed(alice, **week_form(cast))[0].splitlines() if "维克" in line)
    assert not week_row.endswith("改"), "another sheet has versions of its own"


def test_the_other_language_is_another_printing_of_the_same_content_and_marks_nothing(cast, gate, week):
    alice = cast.client("alice")
    printed(alice, **sign_in_form(gate))
    (english,) = printed(alice, **sign_in_form(gate, language="en"))
    assert "version 2" in english
    assert "Changed row" not in english
    assert "第1版" in printed(alice, **sign_in_form(gate))[0]


def test_what_the_code_opens_says_whether_it_is_the_newest(cast, make, gate, week):
    alice = cast.client("alice")
    printed(alice, **sign_in_form(gate))
    (first,) = read(cast, RosterSheet)
    page = alice.get(f"/rosters/sheets/{first.public_id}").get_data(as_text=True)
    assert "第1版，是最新打印的" in page
    make.signup(week["morning"], cast.people["zoe"], state=SignupState.LEFT, ended_at=clock.now())
    write(cast, update(Post.__table__).values(instructions="查验出入和通行证"))
    printed(alice, **sign_in_form(gate))
    page = alice.get(f"/rosters/sheets/{first.public_id}").get_data(as_text=True)
    assert "后来又打印了第2版" in page


# --- working copies -----------------------------------------------------------------------------------------


def taken(cast):
    verbs = ("print_roster", "hand_out_roster", "ask_for_roster")
    entries = read(cast, AuditEntry, AuditEntry.__table__.c.verb.in_(verbs))
    return [(entry.verb, entry.reason, json.loads(entry.facts)["copy"]) for entry in entries]


def test_a_working_copy_needs_a_reason_and_each_that_is_taken_is_written_down(cast, gate, week):
    alice = cast.client("alice")
    form = sign_in_form(gate, copy="working")
    refused = post(alice, "/rosters/sheets", form)
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.get_data(as_text=True)
    assert re.search(r'value="working"\s+checked', refused.get_data(as_text=True))
    assert f'value="{form["from"]}"' in refused.get_data(as_text=True), "what was typed is kept"
    assert taken(cast) == []
    printed(alice, **form, reason="北门点名")
    printed(alice, **form, reason="再点一次")
    post(alice, "/rosters/sheets", form | {"reason": "导出", "format": "xlsx"})
    assert taken(cast) == [
        ("print_roster", "北门点名", "working"),
        ("hand_out_roster", "再点一次", "working"),
        ("hand_out_roster", "导出", "working"),
    ]
    assert not any(PHONE.search(entry.facts) for entry in read(cast, AuditEntry))


def test_a_working_copy_carries_the_name_of_who_took_it(cast, gate, make, week):
    write(cast, update(Post.__table__).where(Post.__table__.c.id == gate.id).values(team_id=cast.team.id))
    form = sign_in_form(gate, copy="working", reason="点名")
    (alices,) = printed(cast.client("alice"), **form)
    (tesss,) = printed(cast.client("tess"), **form)
    assert "打印人 艾丽" in alices
    assert "打印人 泰思" in tesss
    assert "改" not in tesss.split("备注")[1]


def test_a_working_copy_is_not_opened_by_its_address_alone(cast, gate, week):
    alice = cast.client("alice")
    location = post(alice, "/rosters/sheets", sign_in_form(gate, copy="working", reason="点名")).headers[
        "Location"
    ]
    assert alice.get(location).mimetype == "application/pdf"
    bare = location.split("?")[0]
    assert alice.get(bare).status_code == 303
    assert alice.get(f"{bare}?pass=x").status_code == 303
    assert cast.client("bob").get(location).status_code == 403
    assert cast.client("charlie").get(location).status_code == 404
    with clock.set_for_test(clock.now() + timedelta(minutes=25)):
        assert alice.get(location).status_code == 303, "after a while the reason is asked for again"


# --- the worker ---------------------------------------------------------------------------------------------


def test_a_long_sheet_is_made_by_the_worker_and_the_page_polls(cast, make, gate):
    shift = make.shift(gate, starts_at=at(3, 7), maximum_count=300, wanted_count=300)

    @db.writing
    def many():
        now, connection = clock.now(), db.connection()
        people, signups = Person.__table__, Signup.__table__
        for number in range(210):
            person = connection.execute(
                people.insert().returning(people.c.id),
                {
                    "public_id": new_public_id(),
                    "name": f"志愿{number}",
                    "name_key": "",
                    "pinyin_key": f"{number:04}",
                    "initials_key": "",
                    "version": 1,
                    "is_invented": True,
                    "created_at": now,
                },
            ).scalar_one()
            connection.execute(
                signups.insert(),
                {
                    "public_id": new_public_id(),
                    "shift_id": shift.id,
                    "person_id": person,
                    "state": "placed",
                    "source": "self",
                    "created_at": now,
                },
            )

    with cast.app.app_context():
        many()
    alice = cast.client("alice")
    form = sign_in_form(gate, copy="working", reason="点名")
    asked = post(alice, "/rosters/sheets", form)
    waiting = alice.get(asked.headers["Location"])
    assert waiting.status_code == 200
    assert "<progress" in waiting.get_data(as_text=True)
    fragment = alice.get(asked.headers["Location"], headers={"HX-Request": "true"})
    assert "<html" not in fragment.get_data(as_text=True)
    assert cast.client("bob").get(asked.headers["Location"]).status_code == 404
    with cast.app.app_context():
        job = jobs.take(now=clock.now())
        assert job.kind == "rosters.sheet"
        jobs.finish(job_id=job.id, now=clock.now(), result=registry.handler_of(job.kind)(job))
    done = alice.get(asked.headers["Location"])
    sheets = pages(alice.get(done.headers["Location"]))
    assert "".join(sheets).count("07:00–12:00") == 210
    assert "打印人 艾丽" in sheets[0]
    assert [entry[0] for entry in taken(cast)] == ["ask_for_roster", "print_roster"]
    again = post(alice, "/rosters/sheets", form)
    assert "/jobs/" not in again.headers["Location"], "it is there already"


# --- workbooks ----------------------------------------------------------------------------------------------


def workbook(response):
    assert response.status_code == 200, response.get_data(as_text=True)
    return openpyxl.load_workbook(io.BytesIO(response.get_data()))


def cells(book):
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_workbooks_carry_the_same_rows_as_text_and_phones_only_as_working_copies(cast, gate, week):
    alice = cast.client("alice")
    team = {"kind": "team", "from": monday().isoformat(), "team": cast.team.public_id}
    for form in (week_form(cast), sign_in_form(gate), team):
        wall = cells(workbook(post(alice, "/rosters/sheets", form | {"format": "xlsx"})))
        assert any("薇拉" in cell.value for cell in wall)
        assert not any(PHONE.search(cell.value) for cell in wall)
        assert {cell.data_type for cell in wall} == {"s"}
        given = form | {"format": "xlsx", "copy": "working", "reason": "导出"}
        working = cells(workbook(post(alice, "/rosters/sheets", given)))
        phones = [cell for cell in working if cell.value == cast.people["vera"].phone]
        assert phones
        assert phones[0].data_type == "s"


def test_nothing_in_a_workbook_is_a_formula(cast, make, gate):
    shift = make.shift(gate, starts_at=at(3, 7), maximum_count=9, wanted_count=9)
    evil = ["=HYPERLINK(1)", "+1+1", "-2", "@SUM(A1)"]
    for name in evil:
        make.signup(shift, make.user(name))
    book = workbook(post(cast.client("alice"), "/rosters/sheets", sign_in_form(gate, format="xlsx")))
    found = [cell for cell in cells(book) if cell.value in evil]
    assert len(found) == len(evil)
    assert {cell.data_type for cell in found} == {"s"}
    assert all(cell.quotePrefix for cell in found)


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "poster"},
        {"kind": "week", "from": "tomorrow"},
        {"kind": "week", "from": "9999-12-31"},
        {"kind": "week", "copy": "secret"},
        {"kind": "sign_in"},
        {"kind": "team", "team": "nothing"},
        {"kind": "person", "volunteer": "nobody"},
    ],
)
def test_what_is_nowhere_is_not_found(cast, form):
    assert post(cast.client("alice"), "/rosters/sheets", form).status_code == 404


def test_the_page_offers_what_the_reader_may_print(cast, make, gate, week):
    alice = cast.client("alice").get("/rosters/sheets?kind=sign_in").get_data(as_text=True)
    assert "北门卡口" in alice
    assert 'value="working"' in alice
    assert re.search(r'value="wall"\s+checked', alice), (
        "the copy without phones is the one that is offered first"
    )
    bob = cast.client("bob").get("/rosters/sheets?kind=sign_in").get_data(as_text=True)
    assert "北门卡口" in bob
    assert 'value="working"' not in bob
    tess = cast.client("tess").get("/rosters/sheets?kind=sign_in").get_data(as_text=True)
    assert "北门卡口" not in tess, "a post of no team is not the team lead's"
    printed(cast.client("alice"), **week_form(cast))
    listed = cast.client("alice").get("/rosters/sheets").get_data(as_text=True)
    assert "公示版" in listed
    assert "第1版" not in cast.client("charlie").get("/rosters/sheets").get_data(as_text=True)
    person = cast.volunteers["vera"].public_id
    page = cast.client("alice").get(f"/rosters/sheets?kind=person&volunteer={person}")
    assert "薇拉" in page.get_data(as_text=True)
    assert cast.client("charlie").get(f"/rosters/sheets?kind=person&volunteer={person}").status_code == 404


def test_a_dispatcher_chooses_the_community_before_the_post(cast, make, gate, week):
    make.post(cast.other_community, name="南门卡口")
    dora = cast.client("dora")
    communities = dora.get("/rosters/sheets?kind=sign_in").get_data(as_text=True)
    assert "北门卡口" not in communities
    assert re.search(rf'href="[^"]*area={cast.community.public_id}', communities)
    page = dora.get(f"/rosters/sheets?kind=sign_in&area={cast.community.public_id}").get_data(as_text=True)
    assert "北门卡口" in page
    assert "南门卡口" not in page
    assert 'value="working"' not in page, "phones are printed by who leads"


def test_the_week_on_the_screen_leads_to_the_week_on_paper(cast, gate, week):
    alice = cast.client("alice")
    screen = alice.get(f"/rosters/week?from={monday().isoformat()}").get_data(as_text=True)
    links = re.findall(r'href="(/rosters/sheets\?kind=week[^"]*)"', screen)
    assert links
    page = alice.get(links[0].replace("&amp;", "&")).get_data(as_text=True)
    assert f'value="{monday().isoformat()}"' in page
    assert f'value="{cast.community.public_id}" selected' in page
