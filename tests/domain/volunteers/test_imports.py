"""Lists of volunteers: compared, taken, taken again, and what offices get wrong in them."""

import io
from datetime import date

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select
from stdnum.cn import ric

from tests.factories import make_deed
from webapp.base import clock, crypto, db
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.volunteers.models import (
    Organisation,
    Pledge,
    SkillCertificate,
    Team,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.queries import imports as queries
from webapp.domain.volunteers.rules import AgeGroup, Society, VolunteerState
from webapp.domain.volunteers.services import imports

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]
CODE = "511623100013"
HEAD = "姓名,手机号,证件号码,住址,楼栋,单位,队伍,五社,会什么,语言,证书,监护人,备注\n"


def id_number(born: str, serial: str = "001") -> str:
    """A number with its check digit; the person does not exist."""
    bare = f"511623{born}{serial}"
    return bare + ric.calc_check_digit(bare + "0")


def take(content, actor=None, code=CODE, **options):
    problems = []
    if isinstance(content, str):
        content = content.encode()
    tally = imports.import_volunteers(
        deed=make_deed(actor or Actor.system("test")),
        area_code=code,
        file=io.BytesIO(content),
        reject=lambda _sheet, _row, problem: problems.append((problem.line, problem.column, problem.code)),
        **options,
    )
    return str(tally), problems


def look(content, code=CODE, **options):
    problems = []
    shown = imports.preview(
        setting=imports.Setting(
            area=queries.get_area_for_import(actor=Actor.system("test"), code=code),
            minors_allowed=options.pop("minors_allowed", False),
            is_invented=options.pop("is_invented", False),
            today=clock.day(clock.now()),
        ),
        file=io.BytesIO(content.encode() if isinstance(content, str) else content),
        reject=lambda _sheet, _row, problem: problems.append((problem.line, problem.column, problem.code)),
    )
    return shown, problems


@db.reading
def rows(statement):
    return db.connection().execute(statement).all()


def taken(*names) -> dict:
    """The volunteers of these names (all without one) by name."""
    statement = select(Volunteer.__table__).order_by(Volunteer.id)
    if names:
        statement = statement.where(Volunteer.name.in_(names))
    return {row.name: row for row in rows(statement)}


@db.reading
def count(model) -> int:
    return db.connection().execute(select(func.count()).select_from(model.__table__)).scalar_one()


LIST = (
    HEAD
    + "张三,１３８００１３８０００,,北辰花园3栋2单元501,,邻水县义工联合会,北辰先锋队,志愿者,送菜、搬运,四川话,,,早上有空\n"
    + "李四,13800138001,,,3栋,邻水县义工联合会,北辰先锋队,社工,登记、打电话、用电脑,,核酸采样(证号 CY-2021-8，至2099年5月),,\n"
    + "王五,0826-3222222,,老粮站后面,,,,,吹口哨,,,,\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_is_taken_and_taken_again_without_change(cast, encoding, delimiter) -> None:
    content = LIST.replace(",", delimiter).encode(encoding)
    assert take(content) == ("added 3, changed 0, unchanged 0, rejected 0", [])
    people = taken("张三", "李四", "王五")
    assert {row.state for row in people.values()} == {VolunteerState.ACCEPTED}
    assert people["张三"].area_id == cast.building.id == people["李四"].area_id
    assert people["王五"].area_id == cast.community.id
    assert [people[name].society for name in ("张三", "李四", "王五")] == [
        Society.VOLUNTEER,
        Society.SOCIAL_WORKER,
        Society.VOLUNTEER,
    ]
    assert people["张三"].phone_tail == "8000"
    assert people["张三"].pinyin_key == "zhangsan"
    assert people["张三"].note == "早上有空"
    assert people["张三"].team_id == people["李四"].team_id is not None
    assert people["张三"].decided_by == "system:test"
    counts = [count(model) for model in (Person, PersonPhone, Volunteer, VolunteerSkill, Team, Organisation)]
    assert take(content) == ("added 0, changed 0, unchanged 3, rejected 0", [])
    assert counts == [
        count(model) for model in (Person, PersonPhone, Volunteer, VolunteerSkill, Team, Organisation)
    ]


def test_skills_languages_and_certificates_are_understood(cast) -> None:
    take(LIST)
    people = taken()
    skills = rows(select(VolunteerSkill.volunteer_id, VolunteerSkill.skill_code))
    by_name = {
        name: {row.skill_code for row in skills if row.volunteer_id == people[name].id}
        for name in ("张三", "李四", "王五")
    }
    assert by_name == {
        "张三": {"delivery", "carrying", "sichuanese"},
        "李四": {"desk", "sampling"},
        "王五": set(),
    }
    [certificate] = rows(
        select(SkillCertificate.number, SkillCertificate.expires_on).where(
            SkillCertificate.volunteer_id == people["李四"].id
        )
    )
    assert tuple(certificate) == ("CY-2021-8", date(2099, 5, 31))


def test_a_team_hangs_on_its_organisation_and_what_is_known_is_found(cast, make) -> None:
    county = make.team("县消防志愿队", area=cast.county)
    take(
        HEAD
        + "张三,13800138000,,,,义工联合会,先锋队,,,,,,\n李四,13800138001,,,,,红马甲,,,,,,\n"
        + "王五,13800138002,,,,,县消防志愿队,,,,,,\n"
    )
    people = taken()
    [team] = rows(select(Team.__table__).where(Team.name == "先锋队"))
    [organisation] = rows(select(Organisation.__table__))
    assert (team.organisation_id, team.area_path, organisation.name) == (
        organisation.id,
        cast.community.path,
        "义工联合会",
    )
    assert people["李四"].team_id == cast.team.id
    assert people["王五"].team_id == county.id


def test_one_column_for_unit_and_team(cast) -> None:
    take(
        "姓名,手机号,单位/队伍\n张三,13800138000,县水务局\n李四,13800138001,平安队\n王五,13800138002,红马甲\n"
    )
    people = taken()
    assert people["张三"].organisation_id is not None
    assert people["张三"].team_id is None
    assert people["李四"].team_id is not None
    assert people["王五"].team_id == cast.team.id


def test_nobody_who_is_imported_has_pledged(cast) -> None:
    before = count(Pledge)
    take(LIST)
    assert count(Pledge) == before


def test_the_same_phone_five_times_is_answered_clearly(cast) -> None:
    content = HEAD + "".join(
        f"{name},13800138000,,,,,,,{skill},,,,\n"
        for name, skill in [("张三", ""), ("张三", "送菜"), ("李四", ""), ("王五", ""), ("张 三", "")]
    )
    shown, problems = look(content)
    assert problems == []
    assert [(each.line, each.kind) for each in shown.outcomes] == [
        (2, "added"),
        (3, "changed"),
        (4, "added"),
        (5, "added"),
        (6, "unchanged"),
    ]
    remarks = {
        each.line: [(remark.code, dict(remark.params), remark.text) for remark in each.remarks]
        for each in shown.outcomes
    }
    assert remarks[2] == []
    assert remarks[3] == [("same_as_line", {"line": 2}, "")]
    assert remarks[4] == [("phone_shared", {}, "张三")]
    assert remarks[5] == [("phone_shared", {}, "张三、李四")]
    assert remarks[6] == [("same_as_line", {"line": 2}, ""), ("phone_shared", {}, "李四、王五")]
    assert shown.counts == {"added": 3, "changed": 1, "unchanged": 1, "rejected": 0, "phone_shared": 3}
    assert take(content)[0] == "added 3, changed 1, unchanged 1, rejected 0"
    assert len(taken("张三", "李四", "王五")) == 3
    assert count(Person) == len(cast.people) + 3


def test_the_dry_run_says_what_the_import_then_does(cast, monkeypatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    take(HEAD + "张三,13800138000,,,,,,,,,,,\n")
    content = (
        HEAD
        + "张三,13800138000,,,3栋,,先锋队,,送菜,,,,\n"
        + "李四,13800138001,,,,,先锋队,,,,,,\n"
        + "李四,13800138001,,,,,,,,,,,\n"
        + "赵六,,,,,,,,,,,,\n"
        + "王五,13800138002,,,99栋,,,,,,,,\n"
        + "李四,13800138001,,,,,,,,,,,会做饭\n"
    )
    shown, problems = look(content)
    assert {each.line: (each.kind, each.changes) for each in shown.outcomes} == {
        2: ("changed", ("address", "team", "skills")),
        3: ("added", ()),
        4: ("unchanged", ()),
        7: ("changed", ("note",)),
    }
    assert problems == [(5, "手机号", "phone_missing"), (6, "楼栋", "building_not_listed")]
    assert shown.new_teams == ["先锋队"]
    assert (count(Team), len(taken("李四"))) == (1, 0)
    tally, refused = take(content)
    assert tally == "added 1, changed 2, unchanged 1, rejected 2"
    assert refused == problems
    people = taken("张三", "李四")
    assert people["张三"].area_id == cast.building.id
    assert people["李四"].note == "会做饭"


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (",13800138000,,", "姓名", "name_missing"),
        ("张三1,13800138000,,", "姓名", "name_unclear"),
        ("张三,,,", "手机号", "phone_missing"),
        ("张三,12345,,", "手机号", "phone_unclear"),
        ("张三,1.38E+10,,", "手机号", "phone_damaged"),
        ("张三,13800138000,5.11623E+17,", "证件号码", "id_damaged"),
        ("张三,13800138000,511623,", "证件号码", "id_unclear"),
        (
            f"张三,13800138000,{id_number('19900101')[:-1]}{'1' if id_number('19900101')[-1] != '1' else '2'},",
            "证件号码",
            "id_check_digit",
        ),
        (f"张三,13800138000,{id_number('19900230')},", "证件号码", "id_birthday"),
        (f"张三,13800138000,{id_number('20990101')},", "证件号码", "id_invented"),
        ("张三,13800138000,,消防队员", "五社", "society_unknown"),
    ],
)
def test_a_bad_row_is_refused_by_itself(cast, row, column, code) -> None:
    content = f"姓名,手机号,证件号码,五社\n{row}\n李四,13800138009,,\n"
    assert take(content) == ("added 1, changed 0, unchanged 0, rejected 1", [(2, column, code)])


def test_the_error_file_re_imports_once_corrected(cast) -> None:
    from webapp.base.tables import ErrorFile  # noqa: PLC0415 - only here

    out = io.StringIO()
    files = []

    def reject(sheet, row, problem):
        if not files:
            files.append(ErrorFile(out, heads=sheet.original_heads))
        files[0].add(row.original, problem, "so geht es nicht")

    content = "姓名,手机号,身高\n张三,138,180\n"
    imports.import_volunteers(
        deed=make_deed(Actor.system("test")), area_code=CODE, file=io.BytesIO(content.encode()), reject=reject
    )
    written = out.getvalue()
    assert "张三,138,180,2,手机号,phone_unclear" in written
    assert take(written.replace(",138,", ",13800138000,"))[0] == "added 1, changed 0, unchanged 0, rejected 0"


def test_id_numbers_are_encrypted_found_again_and_tell_the_age(cast) -> None:
    number = id_number("19900101")
    content = f"姓名,手机号,证件号码\n张三,13800138000,{number}\n"
    take(content)
    [person] = rows(select(Person.__table__).where(Person.name == "张三"))
    assert crypto.decrypt(person.id_number) == number
    assert number.encode() not in bytes(person.id_number)
    assert person.id_index == crypto.blind_index("id", number)
    assert person.born_on == date(1990, 1, 1)
    # The same person on another list, with another phone.
    assert take(content.replace("13800138000", "13900139000"))[0].startswith("added 0, changed 1")
    assert take(f"姓名,手机号,证件号码\n李四,13800138000,{number}\n")[1] == [(2, "证件号码", "id_of_another")]
    # Same name and phone with another number is somebody else.
    other = id_number("19900102")
    assert take(f"姓名,手机号,证件号码\n张三,13800138000,{other}\n")[0].startswith("added 1")


def test_the_standard_vectors_are_read(cast) -> None:
    content = "姓名,手机号,证件号码\n张三,13800138000,１１０１０５１９４９１２３１００２Ｘ\n"
    content += "李四,13800138001,440524 18800101 0014\n"
    tally, problems = take(content)
    # The second one was born in 1880: no birthday of anybody alive.
    assert (tally, problems) == (
        "added 1, changed 0, unchanged 0, rejected 1",
        [(3, "证件号码", "id_birthday")],
    )


@pytest.mark.parametrize(
    ("age", "minors_allowed", "guardian", "code"),
    [
        (15, True, "张父", "too_young"),
        (17, False, "张父", "minors_not_taken"),
        (17, True, "", "consent_missing"),
        (17, True, "张父", None),
        (18, False, "", None),
    ],
)
def test_age_is_that_of_the_id_number(cast, age, minors_allowed, guardian, code) -> None:
    today = clock.day(clock.now())
    number = id_number(f"{today.year - age}0101")
    content = f"姓名,手机号,证件号码,监护人\n张三,13800138000,{number},{guardian}\n"
    _tally, problems = take(content, minors_allowed=minors_allowed)
    assert [problem[2] for problem in problems] == ([code] if code else [])
    if code is None:
        assert taken("张三")["张三"].age_group == (AgeGroup.MINOR if age < 18 else AgeGroup.ADULT)


def test_invented_people_have_birth_year_2099_and_no_age(cast) -> None:
    content = f"姓名,手机号,证件号码\n张三,15400138000,{id_number('20990101')}\n李四,15400138001,{id_number('19900101')}\n"
    tally, problems = take(content, is_invented=True)
    assert (tally, problems) == (
        "added 1, changed 0, unchanged 0, rejected 1",
        [(3, "证件号码", "id_invented")],
    )
    [person] = rows(select(Person.__table__).where(Person.name == "张三"))
    assert (person.is_invented, person.born_on) == (True, None)


def workbook(*lines) -> bytes:
    book = Workbook()
    for line in lines:
        book.active.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_taken_and_an_id_that_is_a_number_is_refused_by_name(cast) -> None:
    good = id_number("19900101")
    content = workbook(
        ["北辰社区志愿者花名册"],
        ["姓名", "手机号", "证件号码", "身高"],
        ["张三", 13800138000, good, 180],
        ["李四", "13800138001", int(id_number("19910101", "002")[:17] + "0"), None],
    )
    said = []
    tally = imports.import_volunteers(
        deed=make_deed(Actor.system("test")),
        area_code=CODE,
        file=io.BytesIO(content),
        reject=lambda _sheet, row, problem: said.append(
            (row.line, problem.code, dict(problem.params), row.original[2])
        ),
    )
    assert str(tally) == "added 1, changed 0, unchanged 0, rejected 1"
    # What the error file repeats cannot be taken for a whole number again.
    assert said == [(4, "id_damaged_of", {"name": "李四"}, said[0][3])]
    assert "E+17" in said[0][3]
    shown, _problems = look(content)
    assert (shown.form, shown.unknown) == ("XLSX", ["身高"])


def test_english_heads_and_codes_are_understood(cast) -> None:
    content = (
        "name;phone;area_code;building;team;society;skills\n"
        f"Li Lei;13800138000;{cast.community.public_id};;;;\n"
        f"Han Mei;13800138001;{CODE};10;Red vests;social_worker;bring bags to doors, driving\n"
    )
    assert take(content) == (
        "added 1, changed 0, unchanged 0, rejected 1",
        [(2, "area_code", "area_outside")],
    )
    assert taken("Han Mei")["Han Mei"].area_id == cast.other_building.id


def test_a_resident_with_this_phone_and_name_is_the_same_person(cast) -> None:
    ruth = cast.people["ruth"]
    before = count(Person)
    take(f"姓名,手机号\n如诗,{ruth.phone}\n")
    assert count(Person) == before
    assert taken("如诗")["如诗"].person_id == ruth.person_id


def test_who_applied_is_accepted_and_who_was_refused_or_has_left_stays_so(cast, make) -> None:
    people = cast.people
    make.volunteer(people["ruth"], area=cast.building, state=VolunteerState.REFUSED)
    make.volunteer(people["ralf"], area=cast.building, state=VolunteerState.LEFT)
    content = "姓名,手机号\n" + "".join(
        f"{name},{people[key].phone}\n"
        for name, key in (("佐伊", "zoe"), ("如诗", "ruth"), ("如富", "ralf"), ("芬恩", "fern"))
    )
    shown, _problems = look(content)
    assert [(each.kind, each.changes) for each in shown.outcomes] == [("changed", ("state",))]
    assert take(content) == (
        "added 0, changed 1, unchanged 0, rejected 3",
        [
            (3, "姓名", "volunteer_was_refused"),
            (4, "姓名", "volunteer_has_left"),
            (5, "姓名", "volunteer_elsewhere"),
        ],
    )
    assert taken("佐伊")["佐伊"].state == VolunteerState.ACCEPTED


def test_an_ambiguous_building_is_refused_in_its_column_and_left_open_in_an_address(cast, make) -> None:
    elsewhere = make.area("书香苑", level="compound", parent=cast.grid)
    make.area("3栋", level="building", parent=elsewhere)
    content = (
        "姓名,手机号,小区,楼栋,住址\n张三,13800138000,,3,\n李四,13800138001,书香苑,3,\n"
        "王五,13800138002,,,3栋2单元501\n赵六,13800138003,,,鼎屏镇书香苑3栋\n"
    )
    shown, problems = look(content)
    assert problems == [(2, "楼栋", "building_ambiguous")]
    assert [[remark.code for remark in each.remarks] for each in shown.outcomes] == [
        [],
        ["address_not_matched"],
        [],
    ]
    take(content)
    people = taken("李四", "王五", "赵六")
    assert people["李四"].area_path.startswith(elsewhere.path)
    assert people["王五"].area_id == cast.community.id
    assert people["赵六"].area_id == people["李四"].area_id


def test_only_who_decides_there_takes_lists(cast) -> None:
    for person, refusal in (
        ("bob", NotFound),
        ("charlie", NotFound),
        ("dora", NotAllowed),
        ("tess", NotFound),
        ("ruth", NotFound),
    ):
        with pytest.raises(refusal):
            take(LIST, actor=cast.actor(person))
    assert take(LIST, actor=cast.actor("alice"))[0].startswith("added 3")
    assert [area.code for area in queries.list_import_areas(actor=cast.actor("alice"))] == [CODE]
    assert queries.list_import_areas(actor=cast.actor("dora")) == ()


def test_the_import_leaves_lines_in_the_log(cast) -> None:
    take(LIST)
    take(HEAD + "张三,13800138000,,,,,,,,,,,现在没空\n")
    verbs = [row.verb for row in rows(select(AuditEntry.verb).order_by(AuditEntry.id))]
    assert verbs == [
        "make_organisation",
        "make_team",
        "import_volunteers",
        "change_volunteer",
        "import_volunteers",
    ]
    facts = " ".join(row.facts for row in rows(select(AuditEntry.facts)))
    assert "张三" not in facts
    assert "138" not in facts


def test_a_file_without_names_is_refused_whole(cast) -> None:
    with pytest.raises(RuleBroken) as refusal:
        take("手机号,地址\n13800138000,x\n")
    assert refusal.value.code == "file_columns_missing"


def test_a_town_takes_a_list_over_several_communities_by_code(cast) -> None:
    content = "姓名,手机号,区划代码\n张三,13800138000,511623100013\n李四,13800138001,511623100001\n"
    assert take(content, code="511623100000")[0] == "added 2, changed 0, unchanged 0, rejected 0"
    people = taken("张三", "李四")
    assert people["张三"].area_id == cast.community.id
    assert people["李四"].area_id == cast.other_community.id
