"""Files as offices send them."""

import csv
import io
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook

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
        (b"PK\x03\x04rest of a workbook", "file_workbook_broken"),
        (b"\xd0\xcf\x11\xe0an old one", "file_is_old_workbook"),
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


def workbook(*rows, before=()) -> bytes:
    """A workbook whose last sheet has these rows."""
    book = Workbook()
    for title in before:
        book.create_sheet(title, 0).append(["说明", "请勿改动"])
    for row in rows:
        book.worksheets[-1].append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_read_as_text_is() -> None:
    read = sheet(
        workbook(
            ["花名册"], ["序号", "姓名", "电话"], [1, "张三", "１３８ 0000 0001"], [None, None], [2, "李四"]
        )
    )
    assert (read.form, read.delimiter, read.encoding) == ("XLSX", "", "xlsx")
    assert [(row.line, row.cells) for row in read.rows()] == [
        (3, {"name": "张三", "phone": "138 0000 0001"}),
        (5, {"name": "李四", "phone": ""}),
    ]
    assert read.unknown == ["序号"]
    assert [row.original for row in read.rows()] == [["1", "张三", "１３８ 0000 0001"], ["2", "李四", ""]]


def test_the_sheet_of_a_workbook_whose_heads_fit_is_the_one() -> None:
    read = sheet(workbook(["姓名"], ["张三"], before=["说明"]))
    assert [row.cells for row in read.rows()] == [{"name": "张三"}]


def test_numbers_of_a_workbook_are_known_as_such_and_lost_digits_stay_visible() -> None:
    cells = ["张三", 13800000001, 511623209901012345, 1.5, datetime(2026, 5, 1), True, date(2026, 5, 2)]  # noqa: DTZ001
    read = Sheet(
        io.BytesIO(workbook(["姓名", "电话", "代码", "身高", "到期", "在岗", "起"], cells)),
        columns=COLUMNS,
        required=(("name",),),
    )
    row = next(read.rows())
    assert row.cells == {"name": "张三", "phone": "13800000001", "code": "5.11623209901012E+17"}
    assert row.numbers == {"phone", "code"}
    assert row.original[3:] == ["1.5", "2026-05-01", "True", "2026-05-02"]


def test_a_workbook_without_the_heads_or_without_rows_is_refused() -> None:
    with pytest.raises(RuleBroken) as refusal:
        sheet(workbook(["地点"], ["这里"]))
    assert refusal.value.code == "file_columns_missing"
    with pytest.raises(RuleBroken) as refusal:
        sheet(workbook())
    assert refusal.value.code == "file_empty"


def test_an_archive_that_is_no_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(RuleBroken) as refusal:
        sheet(out.getvalue())
    assert refusal.value.code == "file_workbook_broken"


def test_a_workbook_that_unpacks_without_end_is_refused(monkeypatch) -> None:
    monkeypatch.setattr("webapp.base.tables._UNPACKED_LIMIT", 1000)
    with pytest.raises(RuleBroken) as refusal:
        sheet(workbook(["姓名"], ["张三"]))
    assert refusal.value.code == "file_unpacks_too_large"


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
