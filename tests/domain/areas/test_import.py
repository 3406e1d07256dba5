"""The division table, row by row."""

import io
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import NotAllowed, RuleBroken
from webapp.domain.areas.models import Area
from webapp.domain.areas.services import import_areas
from webapp.domain.households.models import Household

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]
DIVISIONS = Path(__file__).parents[3] / "webapp" / "demo" / "divisions_linshui_511623.csv"
HEAD = "code,name,level,parent_code\n"


def take(content: bytes | str, actor=None):
    problems = []
    if isinstance(content, str):
        content = content.encode()
    tally = import_areas(
        deed=make_deed(actor or Actor.system("test")),
        file=io.BytesIO(content),
        reject=lambda _sheet, _row, problem: problems.append((problem.line, problem.column, problem.code)),
    )
    return str(tally), problems


def areas() -> dict[str, Area]:
    @db.reading
    def load():
        return {area.code: area for area in db.session().scalars(select(Area))}

    return load()


def test_linshui_has_361_areas_and_taking_them_again_changes_nothing() -> None:
    assert take(DIVISIONS.read_bytes()) == ("added 361, changed 0, unchanged 0, rejected 0", [])
    assert take(DIVISIONS.read_bytes()) == ("added 0, changed 0, unchanged 361, rejected 0", [])
    found = areas()
    assert found["511623100013"].path.startswith(found["511623100000"].path)
    assert [area.code for area in found.values() if area.parent_id is None] == ["511623000000"]


def test_rows_may_come_in_any_order() -> None:
    head, *rows = DIVISIONS.read_text(encoding="utf-8").splitlines()
    straight = take("\n".join([head, *rows]))
    paths = {code: area.path for code, area in areas().items()}
    assert straight[0] == "added 361, changed 0, unchanged 0, rejected 0"
    take(HEAD + "X,别处,county,\n")
    assert paths.items() <= {code: area.path for code, area in areas().items()}.items()


def test_children_before_their_parents_hang_under_them_in_the_end() -> None:
    head, *rows = DIVISIONS.read_text(encoding="utf-8").splitlines()
    assert take("\n".join([head, *reversed(rows)])) == ("added 361, changed 0, unchanged 0, rejected 0", [])
    found = areas()
    assert all(
        area.parent_id is None or area.path.startswith(found[area.parent_code].path)
        for area in found.values()
    )
    assert sum(area.parent_id is None for area in found.values()) == 1


def test_a_parent_that_comes_with_a_later_file_takes_the_whole_subtree(make) -> None:
    take(HEAD + "C,社区,community,T\nB,3栋,building,C\n")
    root = areas()["C"]
    assert root.parent_id is None

    @db.writing
    def live_there():
        building = db.session().scalars(select(Area).where(Area.code == "B")).one()
        db.session().add(
            Household(
                public_id="h",
                area_id=building.id,
                area_path=building.path,
                state="stated",
                created_at=root_time,
            )
        )

    from webapp.base import clock  # noqa: PLC0415

    root_time = clock.now()
    live_there()
    assert take(HEAD + "T,镇,town,\n") == ("added 1, changed 0, unchanged 0, rejected 0", [])
    found = areas()
    assert found["C"].parent_id == found["T"].id
    assert found["B"].path.startswith(found["C"].path)
    assert found["C"].path.startswith(found["T"].path)

    @db.reading
    def household_path():
        return db.session().scalars(select(Household.area_path)).one()

    assert household_path() == found["B"].path


def test_an_area_moves_with_all_below_it() -> None:
    take(HEAD + "T1,一镇,town,\nT2,二镇,town,\nC,社区,community,T1\nB,3栋,building,C\n")
    assert take(HEAD + "C,社区,community,T2\n")[0] == "added 0, changed 1, unchanged 0, rejected 0"
    found = areas()
    assert found["C"].path.startswith(found["T2"].path)
    assert found["B"].path.startswith(found["C"].path)


def test_names_and_optional_columns_change_and_columns_that_are_not_there_stay() -> None:
    take("代码,名称,级别,上级代码,服务热线\nC,社区,社区,,0826-1\n")
    assert (
        take("code,name,level,parent_code\nC,北辰社区,社区,\n")[0]
        == "added 0, changed 1, unchanged 0, rejected 0"
    )
    assert (areas()["C"].name, areas()["C"].hotline_phone) == ("北辰社区", "0826-1")
    take("code,name,level,parent_code,hotline_phone\nC,北辰社区,社区,,\n")
    assert areas()["C"].hotline_phone is None


def test_a_ring_is_refused_wherever_it_closes() -> None:
    text, problems = take(HEAD + "A,甲,town,B\nB,乙,county,A\nC,丙,town,C\n")
    assert text == "added 1, changed 0, unchanged 0, rejected 2"
    assert [code for _line, _column, code in problems] == ["area_cycle", "area_cycle"]
    take(HEAD + "K,县,county,\nT,镇,town,K\nC,社区,community,T\n")
    assert take(HEAD + "K,县,county,C\n")[1] == [(2, "level", "area_level_order")]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",名,town,", ("code", "area_code_unclear")),
        ("5.11623E+11,名,town,", ("code", "area_code_damaged")),
        ("T,,town,", ("name", "name_missing")),
        ("T,名,大区,", ("level", "area_level_unknown")),
        ("T,名,county,K", ("level", "area_level_order")),
        ("T," + "名" * 81 + ",town,", ("name", "text_too_long")),
        ("T,名,town,K,zu viel", (None, "row_cells")),
        ('"T,名,town,K', (None, "row_unreadable")),
    ],
)
def test_a_bad_row_is_told_and_never_stops_the_rest(row, problem) -> None:
    text, problems = take(HEAD + f"K,县,county,\n{row}\nZ,末镇,town,K\n")
    assert text == "added 2, changed 0, unchanged 0, rejected 1"
    assert problems == [(3, *problem)]


def test_a_file_that_cannot_be_read_changes_nothing() -> None:
    with pytest.raises(RuleBroken) as refusal:
        take("一,二\n1,2\n")
    assert refusal.value.code == "file_columns_missing"
    assert areas() == {}


def test_only_the_shell_takes_divisions(cast) -> None:
    with pytest.raises(NotAllowed):
        take(HEAD + "K,县,county,\n", actor=cast.actor("adam"))


def test_an_import_leaves_a_line_in_the_log() -> None:
    take(HEAD + "K,县,county,\n")

    @db.reading
    def lines():
        return [(entry.verb, entry.facts) for entry in db.session().scalars(select(AuditEntry))]

    assert lines() == [("import_areas", '{"added":1,"changed":0}')]


def test_two_buildings_with_one_number_get_paths_of_their_own() -> None:
    take(
        HEAD
        + "C,社区,community,\nB1,3栋,building,C\nB2,三号楼,building,C\nB3,综合楼,building,C\nB4,食堂,building,C\n"
    )
    paths = [areas()[code].path for code in ("B1", "B2", "B3", "B4")]
    assert len(set(paths)) == 4
    assert paths[0].endswith(".00003.")
