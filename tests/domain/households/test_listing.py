"""The list of households: by door, by name, never beyond the own areas, never dearer for being long."""

import io

import pytest

from tests.factories import make_deed
from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.errors import NotFound
from webapp.domain.households.queries import joining, list_own, listing
from webapp.domain.households.services import imports

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]


def take(text: str) -> None:
    imports.import_households(
        deed=make_deed(Actor.system("test")),
        community_code="511623100013",
        file=io.BytesIO(text.encode()),
        reject=lambda *_: pytest.fail("a row was rejected"),
    )


@pytest.fixture
def many(cast) -> None:
    rows = [
        f"7-{unit}-{floor}0{door},住户{unit},138000{unit}{floor:02d}{door:02d}"
        for unit in (1, 2)
        for floor in range(1, 10)
        for door in (1, 2)
    ]
    take(
        "门牌,姓名,电话\n"
        + "\n".join(row.replace("住户1", "单雄信").replace("住户2", "曾国华") for row in rows)
        + "\n"
    )


def doors(page) -> list[str]:
    return [row.door_short for row in page.rows]


def test_pages_go_on_where_they_ended_and_repeat_nothing(cast, many) -> None:
    seen, after = [], None
    for _ in range(20):
        page = listing.list_households(actor=cast.actor("alice"), after=after, limit=7)
        seen += [row.public_id for row in page.rows]
        after = page.after
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 36 + 3


def test_a_building_is_shown_floor_by_floor(cast, many) -> None:
    building = next(
        each for each in listing.list_own_buildings(actor=cast.actor("alice")) if each.name.endswith("7栋")
    )
    page = listing.list_households(actor=cast.actor("alice"), area=building.public_id, limit=5)
    assert doors(page) == ["7-1-101", "7-1-102", "7-1-201", "7-1-202", "7-1-301"]


def test_phones_are_masked_and_names_are_for_the_staff_of_the_area(cast, many) -> None:
    page = listing.search_households(actor=cast.actor("alice"), text="7-1-101")
    assert [(member.name, member.phone) for member in page.rows[0].members] == [("单雄信", "138****0101")]


@pytest.mark.parametrize("text", ["单", "单雄", "shanx", "sxx", "SX", " 单 雄 信 "])
def test_names_are_found_by_their_beginning_pinyin_and_initials(cast, many, text) -> None:
    page = listing.search_households(actor=cast.actor("alice"), text=text)
    assert {member.name for row in page.rows for member in row.members} == {"单雄信"}
    assert len(page.rows) == 18


@pytest.mark.parametrize("text", ["雄信", "dan", "%", "_", "zz", "", "999"])
def test_what_is_not_the_beginning_of_a_name_finds_nothing(cast, many, text) -> None:
    assert listing.search_households(actor=cast.actor("alice"), text=text).rows == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [("7-2-901", ["7-2-901"]), ("七栋二单元901", ["7-2-901"]), ("901", ["7-1-901", "7-2-901"])],
)
def test_doors_are_found_however_they_are_written(cast, many, text, found) -> None:
    assert doors(listing.search_households(actor=cast.actor("alice"), text=text)) == found


def test_a_search_says_when_there_is_more(cast, many) -> None:
    page = listing.search_households(actor=cast.actor("alice"), text="单", limit=5)
    assert (len(page.rows), page.has_more) == (5, True)


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("alice", {"ruth", "rita", "wang"}),
        ("bob", {"ruth", "rita", "wang"}),
        ("lead", {"ruth", "wang"}),
        ("charlie", {"remo"}),
        ("dora", {"ruth", "rita", "wang", "remo"}),
        ("olga", set()),
        ("ruth", set()),
        ("adam", set()),
    ],
)
def test_everybody_sees_the_own_areas_and_nothing_beside(cast, who, seen) -> None:
    homes = {
        "ruth": cast.household.public_id,
        "rita": cast.neighbours.public_id,
        "remo": cast.foreign_household.public_id,
        "wang": cast.waiting_household.public_id,
    }
    page = listing.list_households(actor=cast.actor(who))
    assert {row.public_id for row in page.rows} == {homes[name] for name in seen}
    names = {"ruth": "如诗", "rita": "丽塔", "remo": "雷莫", "wang": "王等"}
    for name, text in names.items():
        found = listing.search_households(actor=cast.actor(who), text=text).rows
        assert bool(found) == (name in seen)


def test_areas_and_households_of_others_are_not_found(cast) -> None:
    alice = cast.actor("alice")
    for area in (cast.foreign_building, cast.other_community, cast.town):
        with pytest.raises(NotFound):
            listing.list_households(actor=alice, area=area.public_id)
    with pytest.raises(NotFound):
        listing.list_households(actor=alice, after=cast.foreign_household.public_id)
    with pytest.raises(NotFound):
        listing.list_households(actor=alice, area="nothing")


def test_the_number_of_statements_does_not_grow(cast, many, queries) -> None:
    alice = cast.actor("alice")
    counts = []
    for limit in (1, 30):
        queries.statements.clear()
        page = listing.list_households(actor=alice, limit=limit)
        listing.list_households(actor=alice, limit=limit, after=page.after, area=cast.community.public_id)
        counts.append(queries.count)
    assert counts == [5, 5]


def test_a_page_reads_along_the_index_and_sorts_and_scans_nothing(cast, many, queries) -> None:
    if db.kind() != "sqlite":
        pytest.skip("the plan is read in SQLite's words")
    alice = cast.actor("alice")
    page = listing.list_households(actor=alice, limit=3)
    queries.statements.clear()
    listing.list_households(actor=alice, limit=3, after=page.after, area=cast.community.public_id)
    listing.search_households(actor=alice, text="7-1-101")
    joining.list_waiting(actor=alice)
    list_own(actor=cast.actor("ruth"))
    statements = [each for each in queries.statements if each.startswith("SELECT")]
    rows = next(each for each in statements if "LIMIT" in each)

    @db.reading
    def plan(statement: str) -> str:
        values = (1,) * statement.count("?")
        found = db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return " ".join(row[-1] for row in found)

    assert "households USING INDEX ix_households_area_path (area_path" in plan(rows)
    assert "TEMP B-TREE" not in plan(rows)
    assert [each for each in statements if "SCAN" in plan(each)] == []
