"""Printed sheets: a template in, a PDF out, with its own fonts inside and nothing fetched from anywhere."""

import gc
import html
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import flask
from babel.dates import format_date, format_skeleton
from flask_babel import force_locale

from webapp.base.errors import RuleBroken

from .fonts import FontFile, Fonts, FontsMissing, printable
from .paper import PICTURE, ROWS, Paper

__all__ = ["FontsMissing", "MissingGlyph", "Rendered", "render"]

_FONT_ADDRESS = "linli-font:"
_POINTS_PER_MM, _POINTS_PER_PIXEL = 72 / 25.4, 0.75
_rendering = threading.Lock()


@dataclass(frozen=True)
class Rendered:
    """A finished PDF and its number of pages."""

    bytes: bytes
    pages: int


class MissingGlyph(RuleBroken):
    """No installed font draws these characters; `places` are the lines of the sheet in which they stand."""

    def __init__(self, characters: tuple[str, ...], places: tuple[str, ...]) -> None:
        codes = ", ".join(f"{character} (U+{ord(character):04X})" for character in characters)
        super().__init__("pdf_missing_glyph", characters=codes, places="; ".join(places))
        self.characters, self.places = characters, places


def render(
    template: str, *, language: str, progress: Callable[[int], None] | None = None, **context: object
) -> Rendered:
    """Print a template. It writes on `paper`, may use `day(date)` and `weekday(date)`; `language` is zh_Hans or en.

    The same template and context give the same bytes on the same machine. Raises MissingGlyph where a
    character could only be printed as a box, and FontsMissing where the machine cannot print Chinese at all.
    """
    fonts = Fonts(flask.current_app.config.get("PDF_FONT") or "")
    paper = Paper(fonts)

    def day(value: date) -> str:
        return format_skeleton("MMMd", value, locale=language)

    def weekday(value: date) -> str:
        return format_date(value, "EEE", locale=language)

    with force_locale(language):
        # Not flask.render_template: what pages get from the request has no place on paper, and the worker has none.
        page = flask.current_app.jinja_env.get_template(template).render(
            paper=paper, day=day, weekday=weekday, language=language.replace("_", "-"), **context
        )
    page = printable(page)
    characters = set(html.unescape(page))
    if missing := fonts.missing(characters):
        raise MissingGlyph(missing, _places(page, missing))
    if progress:
        progress(20)
    with _rendering:
        was_enabled = gc.isenabled()
        gc.disable()  # boxes live as long as the document: looking for dead ones costs a fifth of the layout
        try:
            return _laid_out(page, fonts.files(characters - {"\n"}), paper, progress)
        finally:
            if was_enabled:
                gc.enable()


def _laid_out(
    page: str, files: list[FontFile], paper: Paper, progress: Callable[[int], None] | None
) -> Rendered:
    # Loading WeasyPrint costs half a second: the web server pays it at the first sheet, not at its start.
    from weasyprint import HTML  # noqa: PLC0415
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
    from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415

    class OnlyOurs(URLFetcher):
        """Serves the document's own fonts and inline pictures; everything else is refused, never fetched."""

        def fetch(self, url, headers=None):
            if url.startswith(_FONT_ADDRESS):
                return URLFetcherResponse(
                    url, files[int(url.removeprefix(_FONT_ADDRESS))].content, {"Content-Type": "font/otf"}
                )
            if url.startswith(PICTURE):
                return super().fetch(paper.pictures[int(url.removeprefix(PICTURE))], headers)
            if url.startswith("data:"):
                return super().fetch(url, headers)
            raise ValueError(f"A printed sheet fetches nothing: {url}")

    page = _with_fonts(page, files)
    document = HTML(string=page, url_fetcher=OnlyOurs(), base_url=None).render(
        font_config=FontConfiguration()
    )
    if paper.page_count and len(document.pages) != paper.page_count:
        raise RuntimeError(
            f"The sheet was cut into {paper.page_count} pages and came out as {len(document.pages)}."
        )
    if progress:
        progress(60)

    def finish(document, pdf) -> None:
        _refuse_boxes(pdf)
        _draw_rules(document, pdf, paper.rules)

    return Rendered(document.write_pdf(finisher=finish), len(document.pages))


def _with_fonts(page: str, files: list[FontFile]) -> str:
    """The page with its fonts; signs of another font stand in an element of their own.

    Left to itself, the layout would draw the spaces after such a sign from that font too, which may have none.
    """
    style = "".join(
        f'@font-face{{font-family:"{file.family}";font-weight:{file.weight};src:url({_FONT_ADDRESS}{number})}}'
        for number, file in enumerate(files)
    )
    head, body = page.split("</head>", 1)
    for number, file in enumerate(files):
        if file.signs:
            style += f'.sign-{number}{{font-family:"{file.family}";font-weight:normal}}'
            pattern = re.compile(f"(<[^>]*>)|([{re.escape(file.signs)}]+)")
            body = pattern.sub(rf'\1<span class="sign-{number}">\2</span>', body)
            body = body.replace(f'<span class="sign-{number}"></span>', "")
    return f'{head}<style>html{{font-family:"Linli"}}{style}</style></head>{body}'


def _refuse_boxes(pdf) -> None:
    """The last guard: a font that draws a character as a missing glyph has an encoding of its own."""
    for thing in pdf.objects:
        if (
            isinstance(thing, dict)
            and thing.get("Subtype") == "/Type0"
            and thing.get("Encoding") != "/Identity-H"
        ):
            raise RuntimeError("A character would be printed as a box.")


def _draw_rules(document, pdf, rules: list[str]) -> None:
    """Draw the lines of each page behind its rows, wherever the layout has put them.

    As borders or pictures they would cost a third of the layout: a page has sixty.
    """
    import pydyf  # noqa: PLC0415 - comes with WeasyPrint

    pages = [thing for thing in pdf.objects if isinstance(thing, dict) and thing.get("Type") == "/Page"]
    for page, target, lines in zip(document.pages, pages, rules, strict=bool(rules)):
        rows = next(
            box
            for box in page._page_box.descendants()  # noqa: SLF001 - WeasyPrint tells the places of boxes nowhere else
            if box.element is not None and box.element.get("class") == ROWS
        )
        left, down = rows.position_x * _POINTS_PER_PIXEL, (page.height - rows.position_y) * _POINTS_PER_PIXEL
        place = f"q {_POINTS_PER_MM:.6f} 0 0 {-_POINTS_PER_MM:.6f} {left:.4f} {down:.4f} cm"
        drawing = pydyf.Stream([f"{place} {lines} Q".encode()], compress=True)
        pdf.add_object(drawing)
        target["Contents"] = pydyf.Array([drawing.reference, target["Contents"]])


_HIDDEN = re.compile(r"<(style|head)\b.*?</\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def _places(page: str, missing: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of the sheet that carry a missing character, shortened."""
    text = html.unescape(_TAG.sub("\n", _HIDDEN.sub("", page)))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    found = dict.fromkeys(line for line in lines if any(character in line for character in missing))
    return tuple(line if len(line) <= 60 else line[:59] + "…" for line in found)[:10]
