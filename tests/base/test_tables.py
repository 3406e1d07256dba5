"""Files as offices send them."""

import csv
import io

import pytest

from webapp.base.errors import RuleBroken
from webapp.base.tables import ErrorFile, Problem, Sheet, neutralise, tidy

COLUMNS = {"name": ("姓名",), "phone": ("电话", "手机"), "code": ("代码",)}


def sheet(content: bytes | str, required=(("name",),)) -> Sheet:
    if isinstance(content, str):
        content = content.encode()
    return Sheet(io.BytesIO(content), columns=COLUMNS, required=required)


TEXT = "姓名,电话\n张三,１３８０００００００1\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_line_ends_are_found_by_content(encoding, delimiter, ending) -> None:
    read = sheet(TEXT.replace(",", delimiter).replace("\n", ending).encode(encoding))
    assert [row.cells for row in read.rows()] == [{"name": "张三", "phone": "13800000001"}]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\n\n , ,\n", "file_empty"),
        (b"PK\x03\x04rest of a workbook", "file_is_workbook"),
        ("姓名,電話\n張三,1\n李四,2\n".encode("big5"), "file_encoding"),
        ("name,phone\n張家豪,1\n陳淑芬,2\n林志明,3\n".encode("big5"), "file_encoding"),
        ("name,phone\nJosé,1\n".encode("latin-1"), "file_encoding"),
        (TEXT.encode("utf-16"), "file_encoding"),
        (b"name,phone\nA\x00B,1\n", "file_encoding"),
        ("地点,时间\n这里,现在\n", "file_columns_missing"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(content, code) -> None:
    with pytest.raises(RuleBroken) as refusal:
        sheet(content)
    assert refusal.value.code == code


def test_a_rare_character_is_no_wrong_encoding() -> None:
    read = sheet("姓名,电话\n陈䶮,1\n吴𬭎,2\n张桂芳,3\n李建国,4\n王小明,5\n赵光辉,6\n".encode("gb18030"))
    assert [row.cells["name"] for row in read.rows()][:2] == ["陈䶮", "吴𬭎"]


def test_a_title_above_the_heads_is_passed_over() -> None:
    read = sheet("北辰社区住户花名册,,\n\n序号,姓名(必填),手机\n1,张三,139\n")
    assert [row.line for row in read.rows()] == [4]
    assert read.known == {"name": 1, "phone": 2}


def test_unknown_columns_are_named_and_of_two_equal_heads_the_first_counts() -> None:
    read = sheet("姓名,身高,姓名\n张三,180,李四\n")
    assert read.unknown == ["身高", "姓名"]
    assert next(read.rows()).cells == {"name": "张三"}


def test_a_quote_that_is_never_closed_costs_its_own_row_and_no_other() -> None:
    read = sheet('name,phone\nA,1\n"B,2\nC,3\nD,4\n')
    rows = list(read.rows())
    assert [(row.line, row.cells.get("name"), row.problem and row.problem.code) for row in rows] == [
        (2, "A", None),
        (3, None, "row_unreadable"),
        (4, "C", None),
        (5, "D", None),
    ]


def test_a_cell_of_several_lines_is_one_cell() -> None:
    rows = list(sheet('name,phone\n"A\nB",1\nC,2\n').rows())
    assert [(row.line, row.cells["name"]) for row in rows] == [(2, "A B"), (4, "C")]


def test_a_line_without_end_is_one_bad_row() -> None:
    rows = list(sheet("name,phone\n" + "x" * 200_000 + "\nB,2\n").rows())
    assert [row.problem and row.problem.code for row in rows] == ["row_unreadable", None]
    assert rows[1].cells["name"] == "B"


def test_a_row_with_more_cells_than_columns_is_a_problem() -> None:
    rows = list(sheet("name,phone\nA,1,x\nB,2,,\n").rows())
    assert [row.problem and row.problem.code for row in rows] == ["row_cells", None]


def test_blank_lines_are_no_rows_and_missing_cells_are_empty() -> None:
    rows = list(sheet("name,phone\n\n,,\nA\n").rows())
    assert [row.cells for row in rows] == [{"name": "A", "phone": ""}]


def test_the_error_file_re_imports_as_it_is() -> None:
    first = sheet("代码,姓名\n1,=SUM(A1)\n")
    row = next(first.rows())
    out = io.StringIO()
    ErrorFile(out, heads=first.original_heads).add(
        row.original, Problem(2, "姓名", "name_unclear"), "-not a name"
    )
    written = list(csv.reader(io.StringIO(out.getvalue().lstrip("\ufeff"))))
    assert written[1] == ["1", "'=SUM(A1)", "2", "姓名", "name_unclear", "'-not a name"]
    again = sheet(out.getvalue(), required=(("code",), ("name",)))
    assert next(again.rows()).cells == {"code": "1", "name": "=SUM(A1)"}
    assert again.original_heads == ["代码", "姓名"]
    assert again.unknown == []


@pytest.mark.parametrize("cell", ["=1+1", "+86", "-1", "@x", "\tx"])
def test_cells_that_a_spreadsheet_would_run_are_marked(cell) -> None:
    assert neutralise(cell) == f"'{cell}"


def test_tidying_keeps_punctuation_and_takes_invisible_signs() -> None:
    assert tidy("\u3000３栋\u200b（东）　２单元 ") == "3栋（东） 2单元"
