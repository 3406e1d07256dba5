"""Lists of reservists: who is known joins, who is not is made, nobody is there twice, bad rows are kept."""

import io

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.errors import NotFound, RuleBroken
from webapp.domain.mobilization.models import Reservist, ReservistSkill
from webapp.domain.mobilization.queries import enrolling
from webapp.domain.mobilization.rules import Category, EnrolSource, Readiness
from webapp.domain.mobilization.services import reserve_imports as imports
from webapp.domain.people.models import Person, PersonPhone

pytestmark = pytest.mark.db
RESERVISTS = Reservist.__table__
CODE = "511623100013"


@db.reading
def rows(statement):
    return db.connection().execute(statement).all()


def count(model):
    return rows(select(func.count()).select_from(model))[0][0]


def named(name):
    found = rows(
        select(RESERVISTS)
        .join(Person.__table__, Person.id == RESERVISTS.c.person_id)
        .where(RESERVISTS.c.name == name)
    )
    assert len(found) == 1, found
    return found[0]


def skills_of(reservist):
    return {
        row.skill_code
        for row in rows(select(ReservistSkill.skill_code).where(ReservistSkill.reservist_id == reservist.id))
    }


def take(cast, text, *, who="alice", code=CODE, **options):
    """Take a list; returns the tally and the codes of the refused rows by line."""
    refused = []
    tally = imports.import_reservists(
        deed=make_deed(cast.actor(who)),
        area_code=code,
        file=io.BytesIO(text.encode("gb18030")),
        reject=lambda _sheet, _row, problem: refused.append((problem.line, problem.column, problem.code)),
        **options,
    )
    return tally, refused


def preview(cast, text):
    refused = []
    shown = imports.preview(
        setting=imports.Setting(
            area=enrolling.find_area(actor=cast.actor("alice"), code=CODE),
            is_invented=False,
            today=clock.day(clock.now()),
        ),
        file=io.BytesIO(text.encode()),
        reject=lambda _sheet, _row, problem: refused.append(problem.code),
    )
    return shown, refused


def test_somebody_new_is_made_with_all_that_the_row_says(make, cast, in_app):
    people = count(Person)
    tally, refused = take(
        cast,
        "姓名,手机号,类别,单位,队伍,社区,楼栋,会什么,备注\n"
        "何援,13800138000,下沉干部,县水务局,红马甲,北辰社区,3栋,开车、登记、跳伞,有车\n",
    )
    assert (tally.added, refused) == (1, [])
    row = named("何援")
    assert (row.category, row.unit, row.team_id, row.area_path, row.note) == (
        Category.CADRE,
        "县水务局",
        cast.team.id,
        cast.building.path,
        "有车",
    )
    assert (row.source, row.readiness, row.phone_tail) == (EnrolSource.IMPORT, Readiness.READY, "8000")
    assert skills_of(row) == {"driving", "desk"}
    assert count(Person) == people + 1
    phones = rows(select(PersonPhone.phone_tail).where(PersonPhone.person_id == row.person_id))
    assert [each.phone_tail for each in phones] == ["8000"]


def test_a_volunteer_comes_in_as_they_are_and_is_not_made_again(make, cast, in_app):
    user = make.user("沈志")
    make.volunteer(user, area=cast.other_building, team=cast.team, skills=("delivery",))
    people = count(Person)
    tally, _refused = take(cast, f"姓名,手机号,会什么\n沈志,{user.phone},送菜、开车\n")
    assert tally.added == 1
    row = named("沈志")
    assert row.person_id == user.person_id
    assert (row.team_id, row.area_path, row.category) == (
        cast.team.id,
        cast.other_building.path,
        Category.VOLUNTEER,
    )
    assert skills_of(row) == {"driving"}, "what stands with the volunteer is not said twice"
    assert count(Person) == people


def test_the_same_file_again_changes_nothing_and_an_older_one_takes_nothing_away(cast, in_app):
    first = "姓名,手机号,类别,单位,会什么\n何援,13800138000,下沉干部,县水务局,开车\n"
    take(cast, first)
    tally, _refused = take(cast, first)
    assert (tally.added, tally.changed, tally.unchanged) == (0, 0, 1)
    tally, _refused = take(cast, "姓名,手机号,会什么\n何援,13800138000,登记\n")
    assert tally.changed == 1
    row = named("何援")
    assert (row.unit, skills_of(row)) == ("县水务局", {"driving", "desk"})


def test_the_same_phone_with_another_name_is_somebody_else(cast, in_app):
    tally, _refused = take(cast, "姓名,手机号\n何援,13800138000\n何助,13800138000\n何援,13800138000\n")
    assert (tally.added, tally.unchanged) == (2, 1)
    assert named("何援").person_id != named("何助").person_id


def test_the_same_id_number_is_the_same_person_whatever_the_phone(cast, in_app):
    number = "11010519491231002X"
    take(cast, f"姓名,手机号,身份证号\n何援,13800138000,{number}\n")
    tally, refused = take(
        cast, f"姓名,手机号,身份证号\n何援,13900139000,{number}\n别人,13900139001,{number}\n"
    )
    assert (tally.added, tally.changed) == (0, 1)
    assert refused == [(3, "身份证号", "id_of_another")]
    phones = rows(select(PersonPhone.phone_tail).where(PersonPhone.person_id == named("何援").person_id))
    assert {each.phone_tail for each in phones} == {"8000", "9000"}


def test_bad_rows_stand_alone_and_are_told_by_line_and_column(cast, in_app):
    tally, refused = take(
        cast,
        "姓名,手机号,类别,社区\n"
        "好人,13800138000,志愿者,\n"
        "无号,,志愿者,\n"
        "怪类,13800138001,外星人,\n"
        ",13800138002,,\n"
        "外面,13800138003,,北街社区\n"
        "断号,12,,\n",
    )
    assert tally.added == 1
    assert refused == [
        (3, "手机号", "phone_missing"),
        (4, "类别", "category_unknown"),
        (5, "姓名", "name_missing"),
        (6, "社区", "area_outside"),
        (7, "手机号", "phone_unclear"),
    ]


def test_an_unknown_team_or_skill_is_left_out_and_said(cast, in_app):
    shown, refused = preview(cast, "姓名,手机号,队伍,会什么\n何援,13800138000,没有的队,开车、跳伞\n")
    assert refused == []
    (outcome,) = shown.outcomes
    assert {(remark.code, remark.text) for remark in outcome.remarks} == {
        ("team_not_known", "没有的队"),
        ("skill_not_known", "跳伞"),
    }
    assert outcome.phone == "138****8000"
    assert rows(select(RESERVISTS.c.id).where(RESERVISTS.c.name == "何援")) == [], "a preview changes nothing"


def test_who_left_is_back_with_the_past(cast, in_app):
    vera = cast.reservists["vera"]

    @db.writing
    def leave():
        db.connection().execute(
            RESERVISTS.update()
            .where(RESERVISTS.c.id == vera.id)
            .values(left_at=clock.now(), call_count=2, yes_count=1)
        )

    leave()
    tally, _refused = take(cast, f"姓名,手机号\n薇拉,{cast.people['vera'].phone}\n")
    assert tally.added == 1
    row = named("薇拉")
    assert (row.id, row.left_at, row.call_count, row.source) == (vera.id, None, 2, EnrolSource.IMPORT)


def test_who_stands_in_another_reserve_is_refused_there_and_taken_by_the_town(cast, in_app):
    text = f"姓名,手机号,单位\n芬恩,{cast.people['fern'].phone},县水务局\n"
    tally, refused = take(cast, text)
    assert (tally.added, tally.changed) == (0, 0)
    assert refused == [(2, "姓名", "reservist_elsewhere")]
    tally, refused = take(cast, text, who="dora", code="511623100000")
    assert (tally.changed, refused) == (1, [])
    assert named("芬恩").unit == "县水务局"


def test_a_town_spreads_its_list_by_community_name_or_code(cast, in_app):
    take(
        cast,
        f"姓名,手机号,社区\n何一,13800138001,北辰社区\n何二,13800138002,北街\n何三,13800138003,{CODE}\n何四,13800138004,\n",
        who="dora",
        code="511623100000",
    )
    assert named("何一").area_path == cast.community.path
    assert named("何二").area_path == cast.other_community.path
    assert named("何三").area_path == cast.community.path
    assert named("何四").area_path == cast.town.path


@pytest.mark.parametrize(("who", "error"), [("charlie", NotFound), ("tess", NotFound), ("ruth", NotFound)])
def test_only_who_leads_the_reserve_takes_lists(cast, in_app, who, error):
    before = count(Reservist)
    with pytest.raises(error):
        take(cast, "姓名,手机号\n何援,13800138000\n", who=who)
    assert count(Reservist) == before


def test_a_file_that_is_no_list_changes_nothing(cast, in_app):
    before = count(Reservist)
    with pytest.raises(RuleBroken):
        take(cast, "甲,乙\n1,2\n")
    assert count(Reservist) == before
