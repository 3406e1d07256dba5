"""Ruled sheets of many rows: measured, wrapped and cut into pages before WeasyPrint sees them.

A row is one line of text, its cells set apart by plain spaces that were chosen by measuring; the rules are drawn
behind it when the layout is done.  That is three to five times faster than table cells, no row is ever split, and
every page knows its x of y.  All lengths are millimetres.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from .fonts import EM, Fonts, Spaces, printable

SHEET_WIDTH, SHEET_HEIGHT = 186.0, 273.0  # A4 portrait without margins of 12
BODY_SIZE, HEAD_SIZE = 10.0, 9.0  # points
ROW_HEIGHT, HEAD_HEIGHT, BAND_HEIGHT = 8.0, 7.0, 7.0
LINE_HEIGHT = 4.2  # of the second and further lines of a row
PADDING = 0.7
THIN, THICK, BOX = 0.2, 0.7, 0.35
BAR_WIDTH, BAR_GAP = 1.2, 0.8  # beside a changed row, outside the table
ROWS = "rows"  # the class of the element that the rules are drawn behind
PICTURE = "linli-picture:"
_POINT = 25.4 / 72
_CLOSE = 28  # 0.1 mm at 10 points, in thousandths of the font size
# A line does not begin with these and does not end with those.
_NOT_FIRST = frozenset("。、】》」』×,.;:!?)]%…*\uff0c\uff1b\uff1a\uff01\uff1f\uff09")
_NOT_LAST = frozenset("【《「『([#☐\uff08")


@dataclass(frozen=True)
class Column:
    """A column: its width, what stands over it, and where its text stands (left, center, right)."""

    width: float
    label: str
    align: str = "center"


class Boxed(str):
    """A line of a cell that is printed in a box of its own, so that a photocopy still shows it."""

    __slots__ = ()


def _plain(text: object) -> str:
    """The text as it is read: what a template's words have escaped already is escaped once more when it is printed."""
    if type(text) is str or isinstance(text, Boxed):
        return text
    if isinstance(text, Markup):
        return text.unescape()
    return "" if text is None else str(text)


@dataclass(frozen=True)
class _Part:
    """A line of a cell: what stands there, where it begins and how wide it is in thousandths of the font size."""

    text: str
    target: float
    width: int
    is_boxed: bool = False


@dataclass(frozen=True)
class _Row:
    lines: tuple[str, ...]
    height: float
    kind: str  # "row", "strong", "band", "note"
    is_thick: bool = False
    keep: str = ""  # "next" or "previous": stays on the page of its neighbour
    group: str = ""  # printed over the rest of a group that goes on on the next page
    is_changed: bool = False
    boxes: tuple[tuple[float, float, float], ...] = ()  # left, top in the row, width in millimetres

    @property
    def is_wide(self) -> bool:
        """Whether one text goes over all columns."""
        return self.kind in {"band", "note"}


@dataclass(frozen=True)
class Page:
    """A page of a table: `number` of `count` in the table, `overall_number` of `overall_count` in the document."""

    table: "Table"
    number: int
    count: int
    overall_number: int
    overall_count: int
    body: Markup

    @property
    def about(self) -> Any:
        """What the table is about."""
        return self.table.about

    @property
    def is_last(self) -> bool:
        """True on the page that carries the signatures."""
        return self.number == self.count


@dataclass
class Table:
    """Rows under one head, cut into pages; made by `Paper.table`, filled by the template."""

    fonts: Fonts
    columns: Sequence[Column]
    about: Any
    above: float
    below: float
    closing: float
    row_height: float
    width: float = SHEET_WIDTH
    height: float = SHEET_HEIGHT
    _rows: list[_Row] = field(default_factory=list)
    _group: str = ""
    _cells: dict[tuple[int, Any, str], list[_Part]] = field(default_factory=dict)

    def row(
        self,
        *cells: object,
        strong: bool = False,
        thick: bool = False,
        keep: str = "",
        changed: bool = False,
        height: float = 0,
    ) -> str:
        """Add a row; `thick` draws a thick line over it, `changed` a bar beside it. Answers nothing, so that a
        template may print it.

        A cell is a text, or a tuple of lines of which some may be `Boxed`.
        """
        texts: list[Any] = [
            tuple(map(_plain, cell)) if isinstance(cell, tuple) else _plain(cell) for cell in cells
        ]
        kind = "strong" if strong else "row"
        self._rows.append(
            self._ruled(texts, kind, height or self.row_height, is_thick=thick, keep=keep, is_changed=changed)
        )
        return ""

    def band(self, text: object, again: object = "") -> str:
        """Add a line over all columns that begins a group; `again` is printed where the group goes on on a new page."""
        self._group = printable(_plain(again))
        self._rows.append(self._band(printable(_plain(text)), keep="next", is_thick=True))
        return ""

    def note(self, text: object, *, thick: bool = False) -> str:
        """Add a line over all columns that says something about the rows above it."""
        self._group = ""
        self._rows.append(self._band(printable(_plain(text)), kind="note", is_thick=thick))
        return ""

    def _band(self, text: str, *, kind: str = "band", keep: str = "", is_thick: bool = False) -> _Row:
        strong = kind == "band"
        lines = wrap(self.fonts, text, self._units(self.width - 2 * PADDING, BODY_SIZE), strong=strong)
        indent, _ = _gap(round(self._units(PADDING, BODY_SIZE)), self.fonts.spaces(strong=strong))
        return _Row(
            tuple(indent + line for line in lines),
            max(BAND_HEIGHT, len(lines) * LINE_HEIGHT + 2),
            kind,
            is_thick=is_thick,
            keep=keep,
            group=self._group,
        )

    def _units(self, millimetres: float, size: float) -> float:
        """Millimetres as thousandths of the font size."""
        return millimetres / (size * _POINT) * EM

    def _ruled(
        self,
        texts: list[Any],
        kind: str,
        least: float,
        *,
        is_thick: bool = False,
        keep: str = "",
        is_changed: bool = False,
    ) -> _Row:
        cells = [self._cell(index, text, kind) for index, text in enumerate(texts)]
        if len(cells) != len(self.columns):
            raise ValueError(f"A row of {len(cells)} cells for {len(self.columns)} columns.")
        count = max(map(len, cells))
        lines = [
            self._line([cell[number] for cell in cells if number < len(cell)], kind)
            for number in range(count)
        ]
        height = least if count == 1 else max(least, count * LINE_HEIGHT + 1.6)
        return _Row(
            tuple(lines),
            height,
            kind,
            is_thick=is_thick,
            keep=keep,
            group=self._group,
            is_changed=is_changed,
            boxes=_boxes(cells, (height - count * LINE_HEIGHT) / 2) if _has_box(texts) else (),
        )

    def _cell(self, index: int, text: Any, kind: str) -> list[_Part]:
        """The lines of a cell, wrapped and measured. Sheets repeat their cells, so kept."""
        # A box is no other text, but another line.
        about = text if isinstance(text, str) else tuple((each, isinstance(each, Boxed)) for each in text)
        key = (index, about, kind)
        if key not in self._cells:
            column, start = self.columns[index], sum(column.width for column in self.columns[:index])
            texts = (text,) if isinstance(text, str) else text or ("",)
            self._cells[key] = [
                part
                for each in texts
                for part in self._parts(column, start, str(each), kind, is_boxed=isinstance(each, Boxed))
            ]
        return self._cells[key]

    def _parts(
        self, column: Column, start: float, text: str, kind: str, *, is_boxed: bool
    ) -> Iterator[_Part]:
        strong, size = kind != "row", HEAD_SIZE if kind == "head" else BODY_SIZE
        room = self._units(column.width - 2 * PADDING, size)
        most = self._units(column.width - 2 * THIN, size)
        # A no-break space keeps a bag's name on one line; it is printed as a plain one.
        kept = NO_BREAK.join(printable(each) for each in text.split(NO_BREAK))
        for line in wrap(self.fonts, kept, room, most, strong=strong):
            part = line.replace(NO_BREAK, " ")
            width = self.fonts.width(part, strong=strong)
            yield _Part(part, self._target(column, start, width, size), width, is_boxed)

    def _line(self, parts: list[_Part], kind: str) -> str:
        """A line of a row: what each cell has on it, spaces between them."""
        spaces = self.fonts.spaces(strong=kind != "row")
        line, reached = "", 0.0
        for part in parts:
            if part.text:
                gap, gap_width = _gap(round(part.target - reached), spaces)
                line += gap + part.text
                reached += gap_width + part.width
        return line

    def _target(self, column: Column, start: float, width: float, size: float) -> float:
        """Where the text of a cell begins, from the left edge of the sheet."""
        if column.align == "left":
            return self._units(start + PADDING, size)
        if column.align == "right":
            return self._units(start + column.width - PADDING, size) - width
        return self._units(start + column.width / 2, size) - width / 2

    def head(self) -> _Row:
        """The row of labels that begins every page."""
        return self._ruled([column.label for column in self.columns], "head", HEAD_HEIGHT)

    def cut(self) -> list[list[_Row]]:
        """The rows of each page, the head first; the last page keeps room for the signatures."""
        head = self.head()
        room = self.height - self.above - self.below - head.height
        pages: list[list[_Row]] = [[]]
        used = 0.0
        rows = list(self._rows)
        for position, row in enumerate(rows):
            followers = _followers(rows, position)
            if pages[-1] and used + row.height + followers > room:
                pages.append(self._continued(rows, position))
                used = sum(other.height for other in pages[-1])
            pages[-1].append(row)
            used += row.height
        if used + self.closing > room:
            pages.append(self._carried(pages[-1]))
        return [[head, *page] for page in pages]

    def _continued(self, rows: list[_Row], position: int) -> list[_Row]:
        """The first rows of a page on which a group goes on: its name once more."""
        row = rows[position]
        goes_on = position > 0 and not row.is_wide and row.group and rows[position - 1].group == row.group
        return [self._band(row.group)] if goes_on else []

    def _carried(self, page: list[_Row]) -> list[_Row]:
        """Rows taken from a full page, so that the signatures never stand without a row."""
        count = min(3, len(page) - 1)
        while 0 < count < len(page) and (page[-count].keep == "previous" or page[-count - 1].keep == "next"):
            count += 1
        if count in {0, len(page)}:
            return []
        carried = page[-count:]
        del page[-count:]
        first = carried[0]
        return [self._band(first.group), *carried] if first.group and not first.is_wide else carried


def _has_box(texts: list[Any]) -> bool:
    """Whether any cell of a row has a boxed line."""
    return any(isinstance(cell, tuple) and any(isinstance(each, Boxed) for each in cell) for cell in texts)


def _boxes(cells: list[list[_Part]], top: float) -> tuple[tuple[float, float, float], ...]:
    """Where the boxed lines of a row stand: left on the sheet, top in the row, width."""
    unit = BODY_SIZE * _POINT / EM
    return tuple(
        (part.target * unit - PADDING, top + number * LINE_HEIGHT, part.width * unit + 2 * PADDING)
        for cell in cells
        for number, part in enumerate(cell)
        if part.is_boxed
    )


def _followers(rows: list[_Row], position: int) -> float:
    """The height of what must stand on the same page below a row."""
    height, row = 0.0, rows[position]
    for other in rows[position + 1 :]:
        if row.keep != "next" and other.keep != "previous":
            break
        height += other.height
        row = other
    return height


class Paper:
    """What a template of a printed sheet writes on: tables first, then their pages in order."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._tables: list[Table] = []
        self.page_count = 0
        self.rules: list[str] = []
        self.pictures: list[str] = []

    def column(self, width: float, label: str, align: str = "center") -> Column:
        """A column of a table."""
        return Column(width, label, align)

    def boxed(self, text: object) -> Boxed:
        """A line of a cell in a box."""
        return Boxed(_plain(text))

    def cell(self, lines: Iterable[str]) -> tuple[str, ...]:
        """A cell of these lines."""
        return tuple(lines)

    def table(
        self,
        columns: Sequence[Column],
        *,
        about: object = None,
        above: float = 30,
        below: float = 7,
        closing: float = 0,
        row_height: float = ROW_HEIGHT,
        landscape: bool = False,
    ) -> Table:
        """Begin a table on a new page: `above` and `below` are what the template prints on each page, `closing` once."""
        sheet_width, sheet_height = (SHEET_HEIGHT, SHEET_WIDTH) if landscape else (SHEET_WIDTH, SHEET_HEIGHT)
        width = sum(column.width for column in columns)
        if abs(width - sheet_width) > 0.01:
            raise ValueError(f"The columns are {width:g} mm wide together, the sheet is {sheet_width:g}.")
        table = Table(
            self._fonts,
            tuple(columns),
            about,
            above,
            below,
            closing,
            row_height,
            sheet_width,
            sheet_height,
        )
        self._tables.append(table)
        return table

    def pages(self) -> Iterator[Page]:
        """All pages of all tables, numbered in their table and over all."""
        cut = [(table, table.cut()) for table in self._tables]
        self.page_count = sum(len(pages) for _, pages in cut)
        overall = itertools.count(1)
        for table, pages in cut:
            for number, rows in enumerate(pages, 1):
                self.rules.append(_rules(table, rows))
                yield Page(table, number, len(pages), next(overall), self.page_count, _page_body(rows))

    def picture(self, data: str) -> str:
        """A short address for a data: address that stands on every page."""
        if data not in self.pictures:
            self.pictures.append(data)
        return f"{PICTURE}{self.pictures.index(data)}"

    def line(self, kind: str, text: str, width: float, *sizes: float, strong: bool = False) -> Markup:
        """A paragraph of class `kind` in the largest of `sizes` (points) that keeps it on one line, else the smallest."""
        text = printable(_plain(text))
        units = measure(self._fonts, text, strong=strong)
        size = next((size for size in sizes if units * size * _POINT / EM <= width), sizes[-1])
        return Markup('<p class="{}" style="font-size:{}pt">{}</p>').format(kind, f"{size:g}", text)

    def fits(self, texts: Iterable[str], width: float) -> bool:
        """True when each of the texts stands on one line of a column of this width."""
        room = width - 2 * THIN
        return all(measure(self._fonts, printable(text)) * BODY_SIZE * _POINT / EM <= room for text in texts)


def measure(fonts: Fonts, text: str, *, strong: bool = False) -> int:
    """The width of a text in thousandths of the font size."""
    return fonts.width(text, strong=strong)


def wrap(fonts: Fonts, text: str, room: float, most: float = 0.0, *, strong: bool = False) -> list[str]:
    """Break a text into lines of at most `room`; a short word that cannot be broken well may take up `most`.

    Breaks after spaces and hyphens and between Chinese characters, inside a word only where it is longer than a line.
    """
    if (
        text.isascii()
        and " " not in text
        and "\n" not in text
        and measure(fonts, text, strong=strong) <= max(room, most)
    ):
        return [text]
    lines = []
    for paragraph in text.split("\n"):
        if measure(fonts, paragraph, strong=strong) <= room:
            lines.append(paragraph)
            continue
        line = ""
        for piece in _pieces(fonts, paragraph, room, max(room, most), strong=strong):
            if line and measure(fonts, (line + piece).rstrip(), strong=strong) > room:
                lines.append(line.rstrip())
                line = ""
            line += piece.lstrip() if not line else piece
        lines.append(line.rstrip())
    return lines


NO_BREAK = "\u00a0"
# A break is welcome after a space, a hyphen, a Chinese colon and the dot of a name, never at a no-break space.
_WORDS = re.compile(r"[^\s\uff1a\u00b7-]*[-\uff1a\u00b7]|(?:\S|\u00a0)+|[^\S\u00a0]+")


def _pieces(fonts: Fonts, text: str, room: float, most: float, *, strong: bool) -> Iterator[str]:
    """What a line may be made of: whole words, and the characters of those that are too long."""
    for word in _WORDS.findall(text):
        width = measure(fonts, word, strong=strong)
        if width <= room or (width <= most and word.isascii()):
            yield word
            continue
        yield from _characters(word)


def _characters(word: str) -> Iterator[str]:
    """The breakable parts of a long word: Latin letters and digits stay together where they can."""
    part = ""
    for character in word:
        joins = part and (
            character in _NOT_FIRST
            or part[-1] in _NOT_LAST
            or part[-1] == "×"
            or (
                character.isascii()
                and character.isalnum()
                and part[-1].isascii()
                and part[-1].isalnum()
                and len(part) < 8
            )
        )
        if part and not joins:
            yield part
            part = ""
        part += character
    if part:
        yield part


@functools.lru_cache(maxsize=4096)
def _gap(width: int, spaces: Spaces) -> tuple[str, int]:
    """The fewest spaces that come within 0.1 mm of a width, or as close as they can, and how wide they are."""
    if width <= 0:
        return "", 0
    narrow, *wider = spaces.widths
    choices = []
    for count in range(9 if wider else width // narrow[1] + 2):
        gap, rest = narrow[0] * count, width - count * narrow[1]
        for space, size in wider:
            fitting = max(0, round(rest / size) if size == wider[-1][1] else rest // size)
            gap += space * fitting
            rest -= fitting * size
        off = abs(rest)
        choices.append((max(off, _CLOSE), len(gap), off, gap, width - rest))
    *_, gap, reached = min(choices)
    return gap, reached


def _page_body(rows: list[_Row]) -> Markup:
    """The rows of a page as HTML: one paragraph for rows of one kind and height that follow each other."""
    parts = []
    for (kind, height, lines), group in itertools.groupby(
        rows, key=lambda row: (row.kind, row.height, len(row.lines))
    ):
        if lines == 1:
            text = "\n".join(row.lines[0] for row in group)
            parts.append(f'<p class="{kind}" style="line-height:{height:g}mm">{escape(text)}</p>')
            continue
        style = f"line-height:{LINE_HEIGHT:g}mm;padding:{(height - lines * LINE_HEIGHT) / 2:g}mm 0"
        parts += [f'<p class="{kind}" style="{style}">{escape(chr(10).join(row.lines))}</p>' for row in group]
    # Every part is text that was escaped above, or a number.
    return Markup(f'<div class="{ROWS}">{"".join(parts)}</div>')  # noqa: S704


def _rules(table: Table, rows: list[_Row]) -> str:
    """The lines of a page as PDF operators, in millimetres down and right from the corner of its rows."""
    thin, thick, boxes, bars = [], [], [], []
    edges = [0.0, *itertools.accumulate(column.width for column in table.columns)]
    top = 0.0
    for is_wide, group in itertools.groupby(rows, key=lambda row: row.is_wide):
        start = top
        for row in group:
            (thick if row.is_thick or not top else thin).append(f"0 {top:g} m {table.width:g} {top:g} l")
            boxes += [
                f"{left:.2f} {top + down + 0.25:.2f} {width:.2f} {LINE_HEIGHT - 0.5:g} re"
                for left, down, width in row.boxes
            ]
            if row.is_changed:
                bars.append(f"{-BAR_GAP - BAR_WIDTH:g} {top:g} {BAR_WIDTH:g} {row.height:g} re")
            top += row.height
        thin += [f"{edge:g} {start:g} m {edge:g} {top:g} l" for edge in (edges[0], edges[-1])]
        if not is_wide:
            thin += [f"{edge:g} {start:g} m {edge:g} {top:g} l" for edge in edges[1:-1]]
    thick.append(f"0 {top:g} m {table.width:g} {top:g} l")
    drawn = [f"{THIN} w {' '.join(thin)} S {THICK} w {' '.join(thick)} S"]
    if boxes:
        drawn.append(f"{BOX} w {' '.join(boxes)} S")
    if bars:
        drawn.append(f"{' '.join(bars)} f")
    return " ".join(drawn)
