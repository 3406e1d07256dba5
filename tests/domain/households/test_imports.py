"""Household lists: previewed, taken, taken again."""

import io

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.domain.areas.models import Area
from webapp.domain.households.models import Door, Household, HouseholdState, Member
from webapp.domain.households.services import imports
from webapp.domain.people.models import Person, PersonPhone

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]
HEAD = "网格,小区,楼栋,单元,房号,户,姓名,电话,送法\n"


def take(content, actor=None, code="511623100013", **options):
    problems = []
    if isinstance(content, str):
        content = content.encode()
    tally = imports.import_households(
        deed=make_deed(actor or Actor.system("test")),
        community_code=code,
        file=io.BytesIO(content),
        reject=lambda _sheet, _row, problem: problems.append((problem.line, problem.column, problem.code)),
        **options,
    )
    return str(tally), problems


def homes() -> list[tuple]:
    """(compound or above, building, unit, number, split, name, phones) of everybody."""

    @db.reading
    def load():
        parent = Area.__table__.alias("parent")
        rows = db.connection().execute(
            select(
                parent.c.name.label("above"),
                Area.name.label("building"),
                Door.unit,
                Door.number,
                Household.split_no,
                Person.id,
                Person.name,
                PersonPhone.phone,
            )
            .select_from(Household.__table__)
            .join(Door.__table__, Door.id == Household.door_id)
            .join(Area.__table__, Area.id == Household.area_id)
            .join(parent, parent.c.id == Area.parent_id)
            .join(Member.__table__, Member.household_id == Household.id)
            .join(Person.__table__, Person.id == Member.person_id)
            .outerjoin(PersonPhone.__table__, PersonPhone.person_id == Person.id)
            .where(Person.is_invented.is_(False), Household.state == HouseholdState.LISTED)
            .order_by(Person.id, PersonPhone.position)
        )
        found: dict = {}
        for row in rows:
            key = (row.id,)
            entry = found.setdefault(
                key, [(row.above, row.building, row.unit, row.number, row.split_no, row.name), []]
            )
            if row.phone is not None:
                entry[1].append(crypto.decrypt(row.phone))
        return [(*place, tuple(phones)) for place, phones in found.values()]

    return load()


def count(model) -> int:
    @db.reading
    def load():
        return db.connection().execute(select(func.count()).select_from(model.__table__)).scalar_one()

    return load()


LIST = (
    HEAD
    + "第一网格,北辰花园,3栋,2单元,501,,张三,13800138000、0826-3222222,\n"
    + "第一网格,北辰花园,3栋,2单元,501,,李四,,\n"
    + "第一网格,北辰花园,3栋,2单元,501,2,王五,13900139000,敲门重一点\n"
    + "第二网格,书香苑,1栋,,101,,赵六,,\n"
    + "第二网格,书香苑,1栋,,102,,,,\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_list_is_taken_and_taken_again_without_change(cast, encoding) -> None:
    assert take(LIST.encode(encoding)) == ("added 5, changed 0, unchanged 0, rejected 0", [])
    assert [home[5] for home in homes()] == ["张三", "李四", "王五", "赵六"]
    counts = [count(model) for model in (Area, Door, Household, Member, Person, PersonPhone)]
    assert take(LIST.encode(encoding)) == ("added 0, changed 0, unchanged 5, rejected 0", [])
    assert [count(model) for model in (Area, Door, Household, Member, Person, PersonPhone)] == counts


def test_what_a_row_says_is_what_is_stored(cast) -> None:
    take(LIST)
    assert homes() == [
        ("北辰花园", "3栋", "2", "501", 1, "张三", ("13800138000", "0826-3222222")),
        ("北辰花园", "3栋", "2", "501", 1, "李四", ()),
        ("北辰花园", "3栋", "2", "501", 2, "王五", ("13900139000",)),
        ("书香苑", "1栋", "", "101", 1, "赵六", ()),
    ]


def test_the_community_that_is_there_is_used_and_not_made_again(cast) -> None:
    areas = count(Area)
    assert take("门牌,姓名\n3-2-601,张三\n")[0] == "added 1, changed 0, unchanged 0, rejected 0"
    assert count(Area) == areas
    assert homes()[0][:2] == ("北辰花园", "3栋")


def test_one_door_written_in_five_ways_is_one_door(cast) -> None:
    rows = [
        "3-2-601,张三",
        "3栋2单元601,张三",
        "三号楼二单元六〇一室,张三",
        "３幢２单元６０１,张三",
        "3栋2单元6楼601,张三",
    ]
    assert take("门牌,姓名\n" + "\n".join(rows))[0] == "added 1, changed 0, unchanged 4, rejected 0"
    assert len(homes()) == 1


def test_a_new_phone_is_a_change_and_no_number_is_lost(cast) -> None:
    take("门牌,姓名,电话\n3-2-601,张三,13800138000\n")
    assert (
        take("门牌,姓名,电话\n3-2-601,张三,13900139000\n")[0] == "added 0, changed 1, unchanged 0, rejected 0"
    )
    assert homes()[0][6] == ("13800138000", "13900139000")


def test_a_delivery_note_and_a_floor_are_changes(cast) -> None:
    take("门牌,姓名\n3-2-601,张三\n")
    assert take("门牌,姓名,送法\n3-2-601,张三,放门口\n")[0] == "added 0, changed 1, unchanged 0, rejected 0"
    assert take("门牌,姓名,楼层\n3-2-601,张三,7\n")[0] == "added 0, changed 1, unchanged 0, rejected 0"
    assert take("门牌,姓名,楼层\n3-2-601,张三,7\n")[0] == "added 0, changed 0, unchanged 1, rejected 0"


def test_a_bad_row_stops_nothing_and_says_where(cast) -> None:
    text, problems = take("门牌,姓名,电话\n3-2-601,张三,1\n门卫,李四,\n3-2-602,王五,13800138000\n")
    assert text == "added 1, changed 0, unchanged 0, rejected 2"
    assert problems == [(2, "电话", "phone_unclear"), (3, "门牌", "door_unclear")]


def test_two_buildings_of_one_number_need_their_compound(cast) -> None:
    take("小区,楼栋,房号,姓名\n书香苑,3栋,101,张三\n")
    _text, problems = take("楼栋,房号,姓名\n3栋,102,李四\n")
    assert problems == [(2, "楼栋", "building_ambiguous")]
    assert take("小区,楼栋,房号,姓名\n书香苑,三号楼,102,李四\n")[0].startswith("added 1")
    assert [home[0] for home in homes()] == ["书香苑", "书香苑"]


def test_a_wrong_grid_makes_no_second_building(cast) -> None:
    areas = count(Area)
    assert take("网格,楼栋,房号,姓名\n第九网格,3栋,101,张三\n")[1] == [(2, "网格", "grid_differs")]
    assert take("网格,小区,楼栋,房号,姓名\n第九网格,北辰花园,3栋,101,张三\n")[1] == [
        (2, "网格", "grid_differs")
    ]
    assert count(Area) == areas
    # A compound may reach over two grids with other buildings in each.
    assert take("网格,小区,楼栋,房号,姓名\n第九网格,北辰花园,30栋,101,张三\n")[1] == []


def test_a_building_of_a_compound_in_no_grid_is_the_same_building(cast) -> None:
    take("小区,楼栋,房号,姓名\n新苑,20栋,101,张三\n")
    assert take("网格,楼栋,房号,姓名\n第一网格,20栋,101,张三\n") == (
        "added 0, changed 0, unchanged 1, rejected 0",
        [],
    )
    assert take("网格,小区,楼栋,房号,姓名\n第一网格,新苑,20栋,101,张三\n") == (
        "added 0, changed 1, unchanged 0, rejected 0",
        [],
    )


def test_a_building_known_without_its_compound_moves_into_it(cast) -> None:
    take("楼栋,房号,姓名\n7栋,101,张三\n")
    assert (
        take("小区,楼栋,房号,姓名\n北辰花园,7栋,101,张三\n")[0]
        == "added 0, changed 1, unchanged 0, rejected 0"
    )
    assert homes()[0][:2] == ("北辰花园", "7栋")

    @db.reading
    def paths():
        return (
            db.connection()
            .execute(
                select(Household.area_path, Area.path)
                .join(Area.__table__, Area.id == Household.area_id)
                .where(Area.name == "7栋")
            )
            .one()
        )

    assert paths()[0] == paths()[1]


def test_a_home_that_somebody_stated_gives_way_to_the_list(cast, make) -> None:
    from webapp.domain.households.services import joining  # noqa: PLC0415

    take("门牌\n3-2-601\n")
    joining.state_household(
        deed=make_deed(cast.actor("nora")),
        name="诺拉",
        community=cast.community.public_id,
        building=cast.building.public_id,
        unit="2",
        number="601",
    )
    assert take("门牌,姓名\n3-2-601,张三\n")[0] == "added 1, changed 0, unchanged 0, rejected 0"
    assert homes()[0][4:6] == (1, "张三")


def test_people_of_a_demo_are_marked_as_invented(cast) -> None:
    take("门牌,姓名\n3-2-601,张三\n", is_invented=True)
    assert homes() == []


def test_over_several_batches_nothing_is_doubled(cast, monkeypatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    assert take(LIST) == ("added 5, changed 0, unchanged 0, rejected 0", [])
    assert take(LIST) == ("added 0, changed 0, unchanged 5, rejected 0", [])
    assert [home[5] for home in homes()] == ["张三", "李四", "王五", "赵六"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "file_empty"),
        ("姓名,电话\n张三,1\n", "file_columns_missing"),
        ("door,name\nJosé,1\n".encode("latin-1"), "file_encoding"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(cast, content, code) -> None:
    before = [count(model) for model in (Area, Door, Household, Person, AuditEntry)]
    with pytest.raises(RuleBroken) as refusal:
        take(content)
    assert refusal.value.code == code
    assert [count(model) for model in (Area, Door, Household, Person, AuditEntry)] == before


@pytest.mark.parametrize(
    ("who", "error"),
    [("charlie", NotFound), ("olga", NotFound), ("ruth", NotFound), ("bob", NotFound), ("dora", NotAllowed)],
)
def test_only_the_head_takes_lists_and_only_at_home(cast, who, error) -> None:
    with pytest.raises(error):
        take(LIST, actor=cast.actor(who))


def test_the_head_takes_lists_and_it_is_written_down(cast) -> None:
    take(LIST, actor=cast.actor("alice"))

    @db.reading
    def lines():
        return [(entry.verb, entry.area_path) for entry in db.session().scalars(select(AuditEntry))]

    assert lines() == [("import_households", cast.community.path)]


def test_an_unknown_community_is_told(cast) -> None:
    with pytest.raises(NotFound) as refusal:
        take(LIST, code="511623999999")
    assert refusal.value.code == "community_unknown"


def test_the_preview_changes_nothing_and_says_what_it_read(cast) -> None:
    before = count(Area)
    shown = imports.preview(
        file=io.BytesIO((LIST + "第一网格,,门卫,,,,张三,,\n").replace("送法", "身高").encode("gb18030"))
    )
    assert count(Area) == before
    assert (shown.encoding, shown.unknown) == ("GB18030", ["身高"])
    assert (shown.row_count, shown.understood_count, shown.problem_count) == (6, 5, 1)
    assert shown.counts == {
        "grids": 2,
        "compounds": 2,
        "buildings": 2,
        "doors": 3,
        "households": 3,
        "people": 4,
        "phones": 3,
    }
    assert shown.first[0] == {
        "line": 2,
        "grid": "第一网格",
        "compound": "北辰花园",
        "door": "3栋2单元501",
        "floor": 5,
        "people": [{"name": "张三", "phones": ["138****8000", "****2222"]}],
    }
    assert [(problem.line, problem.column, problem.code) for problem in shown.problems] == [
        (7, "房号", "door_missing")
    ]
