"""Tables as offices send them: read in a stream whatever their size, and written so that Excel is safe.

Text in UTF-8 with or without BOM or GB18030, by content, with comma, semicolon or tab; or an Excel workbook.
Chinese or English heads, perhaps under a title line. A file that cannot be read is refused whole; of one that
can, every bad row stands alone.
"""

import csv
import io
import re
import unicodedata
import zipfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, BinaryIO, Protocol, TextIO
from xml.etree.ElementTree import ParseError

from webapp.base.errors import RuleBroken

_CHUNK = 1 << 16
_LINE_LIMIT = 1 << 16
_LINES_IN_A_CELL = 20
_HEAD_WITHIN_LINES = 10
_DELIMITERS = ",;\t"
ERROR_COLUMNS = ("error_line", "error_column", "error_code", "error_message")
WORKBOOK = "xlsx"
# A workbook is a zip archive: a small one may unpack to more than any memory holds.
_UNPACKED_LIMIT = 400 << 20
_WIDEST = 200
# A spreadsheet keeps 15 digits of a number.
_EXACT_BELOW = 10**15

# Full-width digits, letters and the signs that numbers and doors are written with; punctuation stays as it is.
_HALF_WIDTH = {
    code: code - 0xFEE0
    for code in (
        *range(0xFF10, 0xFF1A),
        *range(0xFF21, 0xFF3B),
        *range(0xFF41, 0xFF5B),
        *map(ord, "＃＊＋－．／＿＝＠"),
    )
}
_HALF_WIDTH |= dict.fromkeys((0x3000, 0x00A0, 0x2002, 0x2003, 0x2009), 0x20)
_HALF_WIDTH |= dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x202C, 0x202D, 0x202E))
_SPACES = re.compile(r"\s+")
_IN_BRACKETS = re.compile(r"[(\uff08\[【][^)\uff09\]】]*[)\uff09\]】]")
_FORMULA = re.compile(r"[=+\-@\t\r]")


@dataclass(frozen=True)
class Problem:
    """What could not be understood: where, and the code of the sentence that says so."""

    line: int
    column: str | None
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One row: the known cells by their column's name, tidied, and the row as it came.

    `numbers` names the columns whose cell a workbook holds as a number: what has more than 15 digits has lost
    some of them there.
    """

    line: int
    cells: Mapping[str, str]
    original: Sequence[str]
    problem: Problem | None = None
    numbers: frozenset[str] = frozenset()


def tidy(text: str) -> str:
    """The text with full-width digits, letters and spaces made plain, invisible signs gone, spaces single."""
    return _SPACES.sub(" ", text.translate(_HALF_WIDTH)).strip()


def neutralise(cell: str) -> str:
    """The cell as text that no spreadsheet takes for a formula; reading it again takes the mark off."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _plain(cell: str) -> str:
    if len(cell) > 1 and cell[0] == "'" and _FORMULA.match(cell[1]):
        cell = cell[1:]
    return tidy(cell)


def head_key(text: str) -> str:
    """A column head for comparing: without spaces, remarks in brackets, stars and case."""
    bare = _IN_BRACKETS.sub("", unicodedata.normalize("NFKC", tidy(text)))
    return bare.replace(" ", "").strip("*:").casefold()


# --- encoding -----------------------------------------------------------------------------------------------


def _decodes(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    rare = chinese = 0
    reader = io.TextIOWrapper(file, encoding=encoding, errors="strict")
    try:
        while text := reader.read(_CHUNK):
            if "\0" in text:
                return False
            if encoding == "gb18030":
                strange = [sign for sign in text if sign > "\x7f"]
                chinese += len(strange)
                rare += sum(not _is_everyday(sign) for sign in strange)
    except UnicodeDecodeError:
        return False
    finally:
        reader.detach()
        file.seek(0)
    # GB18030 gives a meaning to nearly any bytes. Real Chinese text is nearly all GB 2312; a file in another
    # encoding comes out as rare characters and is refused rather than stored as rubbish.
    return rare * 5 <= chinese


def _is_everyday(sign: str) -> bool:
    try:
        sign.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def detect_encoding(file: BinaryIO) -> str:
    """The encoding of the whole file, or "xlsx"; raises RuleBroken when it is empty or nothing we can read."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if not start:
        raise RuleBroken("file_empty", field="file")
    if start.startswith(b"PK\x03\x04"):
        return WORKBOOK
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise RuleBroken("file_is_old_workbook", field="file")
    for encoding in ("utf-8-sig", "gb18030"):
        if _decodes(file, encoding):
            return encoding
    raise RuleBroken("file_encoding", field="file")


# --- reading ------------------------------------------------------------------------------------------------


def _lines(file: TextIO) -> Iterator[tuple[int, str | None]]:
    """Physical lines with their numbers; None stands for one too long to be a row, which is skipped."""
    number = 0
    while line := file.readline(_LINE_LIMIT):
        number += 1
        if line.endswith(("\n", "\r")) or len(line) < _LINE_LIMIT:
            yield number, line
            continue
        while (rest := file.readline(_LINE_LIMIT)) and not rest.endswith(("\n", "\r")):
            pass
        yield number, None


def _is_open(line: str, delimiter: str) -> bool:
    """Whether a quoted cell that begins in the text is not closed in it."""
    if '"' not in line:
        return False
    inside = False
    at_start = True
    position = 0
    while position < len(line):
        sign = line[position]
        if inside:
            if sign == '"':
                if line[position + 1 : position + 2] == '"':
                    position += 1
                else:
                    inside = False
        elif sign == '"' and at_start:
            inside = True
        at_start = not inside and sign == delimiter
        position += 1
    return inside


def _records(file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Rows of cells with the line they begin on; None for a row that cannot be read.

    A quote that is never closed costs its own row and no other, which is why csv.reader sees one at a time.
    """
    ahead: deque[tuple[int, str | None]] = deque()
    source = _lines(file)

    def following() -> tuple[int, str | None] | None:
        return ahead.popleft() if ahead else next(source, None)

    while (item := following()) is not None:
        number, line = item
        if line is None:
            yield number, None
            continue
        if _is_open(line, delimiter):
            taken: list[tuple[int, str | None]] = []
            whole = line
            while _is_open(whole, delimiter) and len(taken) < _LINES_IN_A_CELL:
                more = following()
                if more is None:
                    break
                taken.append(more)
                if more[1] is None:
                    break
                whole += more[1]
            if _is_open(whole, delimiter):
                ahead.extendleft(reversed(taken))
                yield number, None
                continue
            line = whole
        yield number, next(csv.reader([line], delimiter=delimiter), [])


@dataclass(frozen=True)
class _Cells:
    """A row of cells as text; `numbers` are the places of those that are numbers in a workbook."""

    texts: list[str]
    numbers: frozenset[int] = frozenset()


class _Source(Protocol):
    """Where rows come from: lines of text, or a sheet of a workbook."""

    def heads(self) -> Generator[tuple[int, list[str]], None, None]:
        """The lines in which the heads are looked for."""

    def rows(self) -> Iterator[tuple[int, _Cells | None]]:
        """Every row with its line; None for one that cannot be read."""


class _Text:
    """Delimited text; the delimiter is that of the head line."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self.delimiter = ","

    def _open(self) -> io.TextIOWrapper:
        self._file.seek(0)
        return io.TextIOWrapper(self._file, encoding=self._encoding, newline="")

    def heads(self) -> Generator[tuple[int, list[str]], None, None]:
        text = self._open()
        filled = 0
        try:
            for number, line in _lines(text):
                if line is None or not line.strip(" \t\r\n,;"):
                    continue
                filled += 1
                if filled > _HEAD_WITHIN_LINES:
                    break
                self.delimiter = max(_DELIMITERS, key=line.count)
                yield number, next(csv.reader([line], delimiter=self.delimiter), [])
        finally:
            text.detach()

    def rows(self) -> Iterator[tuple[int, _Cells | None]]:
        text = self._open()
        try:
            for line, cells in _records(text, self.delimiter):
                yield line, None if cells is None else _Cells(cells)
        finally:
            text.detach()


class _Workbook:
    """A sheet of a workbook, read row by row; the first sheet whose heads fit is the one."""

    delimiter = ""

    def __init__(self, file: BinaryIO) -> None:
        from openpyxl import load_workbook  # noqa: PLC0415 - a quarter of a second that text files need not wait

        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                unpacked = sum(each.file_size for each in archive.infolist())
            if unpacked > _UNPACKED_LIMIT:
                raise RuleBroken("file_unpacks_too_large", field="file")
            file.seek(0)
            self._book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except (
            zipfile.BadZipFile,
            KeyError,
            ValueError,
            OSError,
            ParseError,
            AttributeError,
            TypeError,
        ) as error:
            raise RuleBroken("file_workbook_broken", field="file") from error
        self._sheet: Any = None

    def heads(self) -> Generator[tuple[int, list[str]], None, None]:
        for sheet in self._book.worksheets:
            self._sheet = sheet
            filled = 0
            for line, cells in self.rows():
                if cells is None or not any(text.strip() for text in cells.texts):
                    continue
                filled += 1
                if filled > _HEAD_WITHIN_LINES:
                    break
                yield line, cells.texts

    def rows(self) -> Iterator[tuple[int, _Cells | None]]:
        # What a sheet says of its own size is often wrong; without it the rows themselves count.
        self._sheet.reset_dimensions()
        try:
            for line, values in enumerate(self._sheet.iter_rows(values_only=True), 1):
                cells = list(values[:_WIDEST])
                while cells and cells[-1] is None:
                    cells.pop()
                yield (
                    line,
                    _Cells(
                        [_as_text(value) for value in cells],
                        frozenset(place for place, value in enumerate(cells) if _is_number(value)),
                    ),
                )
        except (zipfile.BadZipFile, KeyError, ValueError, ParseError, EOFError) as error:
            raise RuleBroken("file_workbook_broken", field="file") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_text(value: Any) -> str:
    """A cell of a workbook as text; a number that has lost digits stays recognisable as such."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return str(value.date() if not (value.hour or value.minute or value.second) else value)
    if isinstance(value, date):
        return value.isoformat()
    if _is_number(value):
        if abs(value) >= _EXACT_BELOW:
            return f"{float(value):.14E}"
        return str(int(value)) if value == int(value) else repr(value)
    return str(value)


class Sheet:
    """A table that can be read: its encoding, delimiter and columns are known, its rows stream.

    `columns` maps our names to the heads that mean them; `required` are groups of which each needs one.
    Raises RuleBroken for a file that cannot be read; nothing has been taken from it then.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        columns: Mapping[str, Iterable[str]],
        required: Sequence[Sequence[str]],
    ) -> None:
        self._columns = {head_key(head): name for name, heads in columns.items() for head in (name, *heads)}
        self._required = required
        self.encoding = detect_encoding(file)
        self._source: _Text | _Workbook = (
            _Workbook(file) if self.encoding == WORKBOOK else _Text(file, self.encoding)
        )
        self._head_line, self.heads = self._find_head(self._source)
        self.delimiter = self._source.delimiter
        self.known: dict[str, int] = {}
        self.unknown: list[str] = []
        self._own: list[int] = []
        for index, head in enumerate(self.heads):
            name = self._columns.get(head_key(head))
            if head_key(head) in ERROR_COLUMNS:
                continue
            self._own.append(index)
            if name is not None and name not in self.known:
                self.known[name] = index
            elif tidy(head):
                self.unknown.append(tidy(head))
        self.original_heads = [self.heads[index] for index in self._own]

    @property
    def form(self) -> str:
        """What the file is, for people: UTF-8, GB18030 or XLSX."""
        return "UTF-8" if self.encoding.startswith("utf-8") else self.encoding.upper()

    def head_of(self, name: str | None) -> str | None:
        """What the file itself calls our column."""
        return tidy(self.heads[self.known[name]]) if name in self.known else name

    def _find_head(self, source: _Source) -> tuple[int, list[str]]:
        """The line of the heads: the first of the first lines that has what is needed."""
        missing: list[str] = []
        filled = 0
        with closing(source.heads()) as lines:
            for number, heads in lines:
                filled += 1
                names = {self._columns.get(head_key(head)) for head in heads}
                lacking = [group[0] for group in self._required if not names.intersection(group)]
                if not lacking:
                    return number, heads
                if not missing or len(lacking) < len(missing):
                    missing = lacking
        if not filled:
            raise RuleBroken("file_empty", field="file")
        raise RuleBroken("file_columns_missing", field="file", columns=", ".join(missing))

    def rows(self) -> Iterator[Row]:
        """Every row below the heads that is not blank."""
        for line, cells in self._source.rows():
            if line <= self._head_line:
                continue
            if cells is None:
                yield Row(line, {}, [], Problem(line, None, "row_unreadable"))
                continue
            if any(text.strip() for text in cells.texts):
                yield self._row(line, cells)

    def _row(self, line: int, cells: _Cells) -> Row:
        texts = cells.texts
        original = [texts[index] if index < len(texts) else "" for index in self._own]
        known = {
            name: _plain(texts[index]) if index < len(texts) else "" for name, index in self.known.items()
        }
        problem = None
        if any(text.strip() for text in texts[len(self.heads) :]):
            problem = Problem(line, None, "row_cells", {"found": len(texts), "wanted": len(self.heads)})
        numbers = frozenset(name for name, index in self.known.items() if index in cells.numbers)
        return Row(line, known, original, problem, numbers)


# --- writing ------------------------------------------------------------------------------------------------


class ErrorFile:
    """Rows that were not taken, with line, column, code and sentence: CSV with BOM that re-imports as it is."""

    def __init__(self, file: TextIO, *, heads: Sequence[str]) -> None:
        file.write("\ufeff")
        self._writer = csv.writer(file, lineterminator="\r\n")
        self._writer.writerow([*map(neutralise, heads), *ERROR_COLUMNS])
        self._width = len(heads)

    def add(self, original: Sequence[str], problem: Problem, message: str) -> None:
        """One row as it came, and what is wrong with it."""
        cells = [*original, *[""] * (self._width - len(original))]
        remarks = [str(problem.line), problem.column or "", problem.code, message]
        self._writer.writerow([*map(neutralise, cells), *map(neutralise, remarks)])
