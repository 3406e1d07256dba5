"""Printed sheets, by text, by embedded glyphs, and by what is refused."""

import io
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import jinja2
import pypdf
import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from pypdf.generic import ContentStream

from webapp.domain.supplies.sheets import (
    Kit,
    KitItem,
    Printing,
    RoundFacts,
    SheetLine,
    SheetOrder,
    pack_sheet,
    pick_sheet,
    run_sheet,
)
from webapp.web import pdf, qr
from webapp.web.pdf.fonts import Fonts, printable
from webapp.web.pdf.paper import LINE_HEIGHT, SHEET_HEIGHT, Column, Paper, Table, measure, wrap

ROOT = Path(__file__).resolve().parents[2]
FACTS = RoundFacts(
    number=12,
    delivers_on=date(2022, 5, 12),
    window="上午",
    unit_line="邻水县鼎屏镇北辰社区居民委员会",
    hotline="0826-1234567",
    address="https://linli.example/supplies/rounds/abc",
)
KITS = (
    Kit(1, "A包", (KitItem("大白菜", "2.5kg", "棵", 1), KitItem("土豆", "1kg", "袋", 2))),
    Kit(2, "B包", (KitItem("大白菜", "2.5kg", "棵", 3),)),
    Kit(3, "鸡蛋", (KitItem("鸡蛋", "30枚", "板", 1),)),
)
PRINTING = Printing(2, datetime(2022, 5, 11, 20, 14), "张敏")  # noqa: DTZ001 - local time, as printed
NOBODY_HAS_IT = "\U000323af"  # the last sign of the newest block: no font here draws it
HEADS = ("序", "楼层", "房号", "收货人", "尾号", "品名×数量", "件数", "送法", "结果(勾一项)", "昨日还在")


def orders(count: int, *, buildings: int = 2, **overrides) -> list[SheetOrder]:
    made = []
    for index in range(count):
        building, inside = 3 + index % buildings * 7, index // buildings
        unit, door = 1 + inside % 2, inside // 2
        number = f"{1 + door // 3}{1 + door % 3:02}"
        values = {
            "number": f"K{index:03}",
            "building_name": f"{building}栋",
            "unit": f"{unit}单元",
            "floor": 1 + door // 3,
            "door": number,
            "short_door": f"{building}-{unit}-{number}",
            "surname": "张王李赵"[index % 4],
            "phone_tail": f"{8000 + index}",
            "lines": (SheetLine(1 + index % 2, 1 + index % 3), SheetLine(3, index % 2)),
            "delivery": ("", "放门口", "到了请打电话,不要按门铃")[index % 3],
            "total_fen": 3000 + index,
        }
        made.append(SheetOrder(**values | overrides))
    return made


@pytest.fixture(scope="session")
def translations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("translations")
    target = folder / "zh_Hans/LC_MESSAGES/messages.mo"
    target.parent.mkdir(parents=True)
    source = ROOT / "webapp/translations/zh_Hans/LC_MESSAGES/messages.po"
    with source.open("rb") as text, target.open("wb") as compiled:
        write_mo(compiled, read_po(text, locale="zh_Hans"))
    return folder


@pytest.fixture
def paper_app(translations: Path) -> Flask:
    """An application with our templates and words, and nothing else: printing needs no more."""
    app = Flask("webapp", root_path=str(ROOT / "webapp"))
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(translations)
    Babel(app)
    return app


Print = Callable[..., pdf.Rendered]


@pytest.fixture
def print_sheet(paper_app: Flask) -> Print:
    def print_(template: str, sheet, *, language: str = "zh_Hans", **context) -> pdf.Rendered:
        with paper_app.app_context():
            return pdf.render(
                f"supplies/pdf/{template}.html",
                language=language,
                sheet=sheet,
                qr=qr.data_uri(FACTS.address),
                **{"printing": PRINTING} | context,
            )

    return print_


@pytest.fixture
def print_template(paper_app: Flask) -> Callable[[str], pdf.Rendered]:
    def print_(source: str) -> pdf.Rendered:
        paper_app.jinja_loader = jinja2.DictLoader({"sheet.html": source})
        with paper_app.app_context():
            return pdf.render("sheet.html", language="zh_Hans")

    return print_


def reader(rendered: pdf.Rendered) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(rendered.bytes))


FULL_WIDTH = str.maketrans("\uff1a\uff0c\uff08\uff09", ":,()")


def texts(rendered: pdf.Rendered) -> list[str]:
    """The text of each page line by line, with single spaces and one kind of punctuation."""
    pages = [page.extract_text().translate(FULL_WIDTH) for page in reader(rendered).pages]
    return ["\n".join(" ".join(line.split()) for line in page.splitlines()) for page in pages]


def embedded(rendered: pdf.Rendered) -> dict[str, tuple[TTFont | None, dict[int, str], set[int]]]:
    """Of each font of a PDF: the embedded file, its glyphs as text, and the glyphs that are drawn."""
    fonts: dict[str, tuple[TTFont | None, dict[int, str], set[int]]] = {}
    document = reader(rendered)
    for page in document.pages:
        drawn: dict[str, set[int]] = {}
        current = ""
        for operands, operator in ContentStream(page.get_contents(), document).operations:
            if operator == b"Tf":
                current = str(operands[0])
            elif operator in {b"Tj", b"TJ"}:
                parts = operands[0] if operator == b"TJ" else operands
                for part in parts:
                    if isinstance(part, pypdf.generic.ByteStringObject | pypdf.generic.TextStringObject):
                        data = part.original_bytes
                        glyphs = {int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)}
                        drawn.setdefault(current, set()).update(glyphs)
        for name, reference in page["/Resources"]["/Font"].items():
            font = reference.get_object()
            base = str(font["/BaseFont"])
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            file = descriptor.get("/FontFile2") or descriptor.get("/FontFile3")
            opened = TTFont(io.BytesIO(file.get_object().get_data())) if file else None
            pairs = re.findall(rb"<([0-9a-f]{4})> <([0-9a-f]+)>", font["/ToUnicode"].get_object().get_data())
            texts_of = {
                int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in pairs
            }
            known = fonts.setdefault(base, (opened, {}, set()))
            known[1].update(texts_of)
            known[2].update(drawn.get(name, set()))
    return fonts


def has_ink(font: TTFont, glyph: int) -> bool:
    glyphs = font.getGlyphSet()
    pen = BoundsPen(glyphs)
    glyphs[font.getGlyphName(glyph)].draw(pen)
    return pen.bounds is not None


# By text


def test_every_page_of_a_run_sheet_has_its_head_its_columns_and_its_foot(print_sheet: Print):
    sheet = run_sheet(FACTS, KITS, orders(150))
    printed = print_sheet("run_sheet", sheet)
    pages = texts(printed)
    assert len(pages) == printed.pages > 4
    numbers = {"3栋": [], "10栋": []}
    for overall, page in enumerate(pages, 1):
        lines = page.splitlines()
        assert lines[0] == FACTS.unit_line
        building = re.fullmatch(r"第12轮 配送单 · (\d+栋) · 5月12日上午", lines[1])[1]
        assert lines[2] == "第2版 · 打印时间 2022-05-11 20:14 · 打印人 张敏"
        assert "75户/" in lines[3]
        assert "调度电话 0826-1234567 · 走法:从上往下 / 电梯" in lines[3]
        assert lines[4].split() == list(HEADS)
        number, count, whole, all_pages = map(
            int, re.search(r"第(\d+)页/共(\d+)页 · 全套(\d+)/(\d+) · 异常请打 0826-1234567", page).groups()
        )
        assert (whole, all_pages) == (overall, len(pages))
        numbers[building].append((number, count))
    for counted in numbers.values():
        assert counted == [(number, len(counted)) for number in range(1, len(counted) + 1)]
    first, second = len(numbers["3栋"]), len(pages)
    assert all("· 3栋 ·" in page for page in pages[:first]), "3栋 comes before 10栋, each from a new page"
    assert all("· 10栋 ·" in page for page in pages[first:second])


def test_every_order_stands_once_on_the_run_sheet_with_all_that_the_courier_needs(print_sheet: Print):
    made = orders(60)
    text = "\n".join(texts(print_sheet("run_sheet", run_sheet(FACTS, KITS, made))))
    for order in made:
        goods = " ".join(
            f"{kit.name}×{line.quantity}"
            for kit in KITS
            for line in order.lines
            if line.kit_id == kit.id and line.quantity
        )
        pieces = sum(line.quantity for line in order.lines)
        pattern = (
            rf"^\d+ {order.floor}楼 {order.short_door} {order.surname}\* {order.phone_tail} "
            rf"{re.escape(goods)} {pieces}( 放门口| 到了请打电话,)? ☐交 ☐放 ☐没 ☐拒 ☐$"
        )
        assert len(re.findall(pattern, text, re.MULTILINE)) == 1, pattern
    assert text.count("到了请打电话,") == text.count("\n不要按门铃\n") == 20, (
        "long words wrap and are not cut"
    )


def test_subtotals_stand_at_the_head_of_each_unit_and_follow_it_over_the_page(print_sheet: Print):
    sheet = run_sheet(FACTS, KITS, orders(150))
    text = "\n".join(texts(print_sheet("run_sheet", sheet)))
    for building in sheet.buildings:
        for unit in building.units:
            assert text.count(f"\n{unit.name} · {unit.households}户 · {unit.pieces}件\n") >= 1
    assert "1单元(续)" in text


def test_signatures_stand_once_per_building_on_its_last_page(print_sheet: Print):
    pages = texts(print_sheet("run_sheet", run_sheet(FACTS, KITS, orders(150))))
    for page in pages:
        number, count = re.search(r"第(\d+)页/共(\d+)页", page).groups()
        for sentence in (
            "敲门没有动静的独居户:房号",
            "余货",
            "配送员签字",
            "回收人签字",
            "扫码补录:全部送到,除了",
        ):
            assert (sentence in page) == (number == count)
        assert re.search(r"^\d+ \d+楼 ", page, re.MULTILINE), "no page is without a household"


def test_money_stands_on_paper_only_where_it_is_taken_at_the_door(print_sheet: Print):
    made = orders(8)
    free = "\n".join(texts(print_sheet("run_sheet", run_sheet(FACTS, KITS, made))))
    assert "元" not in free.replace("单元", "")
    assert "30.0" not in free
    paid = run_sheet(replace(FACTS, takes_money_at_door=True), KITS, made)
    text = "\n".join(texts(print_sheet("run_sheet", paid)))
    assert "应收(元)" in text
    for order in made:
        assert f"{order.total_fen / 100:.2f}" in text
    assert "应收60.04元" in text, "the subtotal of a unit"
    assert "应收120.12元" in text, "the building's total above the signature"


def test_the_packing_list_adds_up_at_its_head_and_at_its_foot(print_sheet: Print):
    sheet = pack_sheet(FACTS, KITS, orders(40, buildings=1))
    (part,) = sheet.parts
    pages = texts(print_sheet("packing", sheet))
    text = "\n".join(pages)
    total = f"合计 40户 {' '.join(map(str, part.counts))} {part.pieces}"
    lines = text.splitlines()
    assert lines[4] == "序 单元 房号 收货人 A包 B包 鸡蛋 件数 装好 备注"
    assert lines[5] == total
    assert lines.count(total) == 2
    for unit in part.units:
        subtotal = f"{unit.name} 小计 {unit.households}户 {' '.join(map(str, unit.counts))} {unit.pieces}"
        assert lines.count(subtotal) == 2
    for page in pages:
        assert "序 单元 房号 收货人 A包 B包 鸡蛋 件数 装好 备注" in page


def test_the_packing_list_says_what_must_not_be_swapped(print_sheet: Print):
    lines = (SheetLine(1, 1, no_substitute=True), SheetLine(3, 1))
    made = [orders(1)[0], replace(orders(1)[0], door="102", lines=lines)]
    made.append(replace(made[0], door="103", lines=lines[:1]))
    text = "\n".join(texts(print_sheet("packing", pack_sheet(FACTS, KITS, made))))
    assert "101 张* 1 1 ☐\n" in text
    assert "102 张* 1 1 2 ☐ 不接受替换:A包" in text
    assert re.search(r"103 张\* 1 1 ☐ 不接受替换$", text, re.MULTILINE)


def test_seven_bags_make_two_packing_sheets_that_say_so(print_sheet: Print):
    kits = tuple(Kit(number, f"货{number}") for number in range(1, 8))
    lines = tuple(SheetLine(kit.id, 1) for kit in kits)
    first, second = texts(print_sheet("packing", pack_sheet(FACTS, kits, orders(1, lines=lines))))
    assert "第1张/共2张" in first
    assert "货1 货2 货3 货4 货5 货6 件数" in first
    assert "第2张/共2张" in second
    assert "收货人 货7 件数" in second


def test_the_picking_list_says_what_must_come(print_sheet: Print):
    sheet = pick_sheet(FACTS, KITS, orders(6))
    (text,) = texts(print_sheet("picking", sheet))
    assert "第12轮 总拣单(按品种) · 5月12日上午" in text
    assert "序 品名 规格 单位 应到 实到 短缺 破损 处理/签字" in text
    for row in sheet.rows:
        assert f"\n{row.position} {row.name} {row.spec} {row.unit} {row.due}\n" in text
    for word in ("收货人", "复核人", "送货人", "车牌", "到货时间", "第1页/共1页"):
        assert word in text


def test_a_sheet_without_anybody_says_so(print_sheet: Print):
    assert texts(print_sheet("run_sheet", run_sheet(FACTS, KITS, []))) == ["没有要送的户。"]


def test_an_english_sheet_has_no_chinese_and_a_chinese_sheet_no_english(print_sheet: Print):
    facts = replace(FACTS, unit_line="Beichen Community", window="morning", takes_money_at_door=True)
    kits = tuple(Kit(number, f"Bag {number}") for number in range(1, 8))
    lines = (SheetLine(1, 1, no_substitute=True), *(SheetLine(number, 1) for number in range(2, 8)))
    plain = {
        "lines": lines,
        "surname": "Li",
        "unit": "1",
        "delivery": "",
        "building_name": "House 3",
        "short_door": "3-1-101",
    }
    made = orders(30, **plain)
    english = {"language": "en", "printing": replace(PRINTING, printed_by="Li Min")}
    templates = (("run_sheet", run_sheet), ("packing", pack_sheet), ("picking", pick_sheet))
    for template, build in templates:
        text = "\n".join(texts(print_sheet(template, build(facts, kits, made), **english)))
        assert not re.findall(r"[\u3400-\u9fff]", text), template
    local = replace(FACTS, takes_money_at_door=True)
    kits = tuple(Kit(number, f"货{number}") for number in range(1, 8))
    for template, build in templates:
        made = orders(30, lines=lines)
        text = "\n".join(texts(print_sheet(template, build(local, kits, made))))
        assert not re.findall(r"[A-Za-z]{2,}", text), template


def test_rules_are_drawn_behind_the_rows_and_thick_ones_over_each_floor(print_sheet: Print):
    made = [
        replace(order, floor=floor)
        for order, floor in zip(orders(6, buildings=1), (3, 3, 2, 2, 1, 2), strict=True)
    ]
    sheet = run_sheet(FACTS, KITS, made)
    (page,) = reader(print_sheet("run_sheet", sheet)).pages
    drawing = page["/Contents"][0].get_object().get_data().decode()
    place, thin, thick = re.fullmatch(r"q (.*) cm 0\.2 w (.*) S 0\.7 w (.*) S Q", drawing).groups()
    millimetre = 72 / 25.4
    expected = [millimetre, 0, 0, -millimetre, 12 * millimetre, (297 - 12 - 30) * millimetre]
    assert [float(number) for number in place.split()] == pytest.approx(expected, abs=0.02)
    floors = sum(stop.begins_floor for unit in sheet.buildings[0].units for stop in unit.stops)
    assert floors == 5
    assert len(re.findall(r" m 186 [\d.]+ l", thick)) == 1 + 2 + floors + 1, "head, units, floors, end"
    bottom = 7 + 2 * 7 + sum(8 if order.delivery in {"", "放门口"} else 10 for order in made)
    assert thick.endswith(f"0 {bottom} m 186 {bottom} l")
    edges = {float(x) for x in re.findall(r"([\d.]+) [\d.]+ m \1 [\d.]+ l", thin)}
    assert edges == {0, 8, 18, 34, 50, 64, 102, 112, 138, 170, 186}, "the widths of words.md"


# By embedded glyphs


def test_all_fonts_are_embedded_and_no_character_is_drawn_as_a_box(print_sheet: Print):
    made = orders(30)
    made[0] = replace(made[0], surname="䶮")
    made[1] = replace(made[1], surname="𬭎", delivery="㛃、⼀")
    printed = print_sheet("run_sheet", run_sheet(FACTS, KITS, made))
    fonts = embedded(printed)
    assert fonts
    for name, (file, texts_of, drawn) in fonts.items():
        assert re.fullmatch(r"/[A-Z]{6}\+Linli(-\d|-Bold)?", name), f"{name} is not one of ours"
        assert file is not None, f"{name} is not embedded"
        assert 0 not in drawn, f"{name} draws .notdef"
        assert drawn
        for glyph in drawn:
            assert has_ink(file, glyph) or not texts_of[glyph].strip(), (
                f"{texts_of[glyph]!r} is empty in {name}"
            )
    text = "\n".join(texts(printed))
    for sign in ("䶮*", "𬭎*", "㛃"):
        assert sign in text


def test_a_font_of_the_office_is_tried_first_and_a_rare_name_prints(
    paper_app: Flask, print_sheet: Print, tmp_path: Path
):
    paper_app.config["PDF_FONT"] = str(own_font(tmp_path / "own.ttf", NOBODY_HAS_IT))
    printed = print_sheet("run_sheet", run_sheet(FACTS, KITS, orders(3, surname=NOBODY_HAS_IT)))
    assert f"{NOBODY_HAS_IT}*" in texts(printed)[0]
    holders = [
        (file, glyph)
        for file, texts_of, drawn in embedded(printed).values()
        for glyph in drawn
        if texts_of[glyph] == NOBODY_HAS_IT
    ]
    assert len(holders) == 1
    assert has_ink(*holders[0])


def own_font(path: Path, character: str) -> Path:
    """A TrueType font with one square sign."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for point in ((900, 0), (900, 800), (100, 800)):
        pen.lineTo(point)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "sign"])
    builder.setupCharacterMap({ord(character): "sign"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "sign": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "sign": (1000, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Own", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200)
    builder.setupPost()
    builder.save(path)
    return path


def test_the_qr_code_carries_the_address_and_is_stored_once(print_sheet: Print):
    printed = print_sheet("run_sheet", run_sheet(FACTS, KITS, orders(150)))
    images = {
        image.indirect_reference.idnum: image.image for page in reader(printed).pages for image in page.images
    }
    assert len(images) == 1
    (image,) = images.values()
    import segno  # noqa: PLC0415 - the comparison alone needs it

    matrix = segno.make(FACTS.address, micro=False, error="m").matrix
    scale = image.width // len(matrix)
    seen = [
        [image.convert("L").getpixel((x * scale + 1, y * scale + 1)) < 128 for x in range(len(matrix))]
        for y in range(len(matrix))
    ]
    assert seen == [[bool(dark) for dark in row] for row in matrix]


def test_a_qr_code_on_a_page_is_named_and_its_name_is_escaped():
    drawing = str(qr.svg(FACTS.address, label='<"3栋">'))
    assert 'role="img" aria-label="&lt;&#34;3栋&#34;&gt;"' in drawing
    assert drawing.startswith("<svg ")
    assert drawing.rstrip().endswith("</svg>")


# What is refused


def test_a_character_that_no_font_has_is_refused_with_its_line(print_sheet: Print):
    made = orders(6)
    made[3] = replace(made[3], surname=NOBODY_HAS_IT)
    with pytest.raises(pdf.MissingGlyph) as refused:
        print_sheet("run_sheet", run_sheet(FACTS, KITS, made))
    assert refused.value.characters == (NOBODY_HAS_IT,)
    (place,) = refused.value.places
    assert f"{made[3].short_door} {NOBODY_HAS_IT}* {made[3].phone_tail}" in place
    assert (refused.value.status, refused.value.code) == (422, "pdf_missing_glyph")
    assert refused.value.params["characters"] == f"{NOBODY_HAS_IT} (U+323AF)"


@pytest.mark.parametrize("setting", ["/nowhere/font.ttf", f"{__file__}", f"{__file__}#x", "/etc#9"])
def test_a_font_setting_that_is_no_font_is_named(paper_app: Flask, print_sheet: Print, setting: str):
    paper_app.config["PDF_FONT"] = setting
    with pytest.raises(pdf.FontsMissing) as refused:
        print_sheet("run_sheet", run_sheet(FACTS, KITS, orders(1)))
    assert (refused.value.status, refused.value.code) == (503, "pdf_no_fonts")
    assert setting.partition("#")[0] in refused.value.params["packages"]


def test_marks_that_draw_nothing_do_not_stop_a_sheet():
    assert printable("张\u200b\ufe00三\U000e0101\u00a0\u2009李\t王") == "张三  李 王"
    assert printable("e\u0301") == "é"
    assert printable("第1页\n第2页") == "第1页\n第2页"


def test_a_sheet_fetches_nothing(print_template: Callable[[str], pdf.Rendered]):
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"

        def listen() -> None:
            try:
                asked.append(server.accept())
            except TimeoutError:
                return

        listener = threading.Thread(target=listen)
        listener.start()
        secret = Path(__file__).as_uri()
        print_template(
            f'<html><head><link rel="stylesheet" href="{address}"><style>@import "{address}"; '
            f'p {{ background: url({address}) }}</style></head><body><p>邻<img src="{address}"><img src="{secret}">'
            "</body></html>"
        )
        listener.join()
    assert not asked


def test_a_sheet_that_does_not_fit_its_pages_is_an_error_not_a_cut(
    print_template: Callable[[str], pdf.Rendered],
):
    with pytest.raises(RuntimeError, match="cut into 1 pages and came out as 2"):
        print_template(
            "<html><head></head><body>{% set table = paper.table([paper.column(186, '邻')]) %}"
            "{{ table.row('居') }}{% for page in paper.pages() %}<p style='break-after: page'>{{ page.body }}</p>"
            "<p>里</p>{% endfor %}</body></html>"
        )


def test_columns_that_are_not_as_wide_as_the_sheet_are_an_error():
    with pytest.raises(ValueError, match="180 mm"):
        Paper(Fonts()).table([Column(180, "序")])


# Always the same


def test_the_same_sheet_is_the_same_file_in_every_process(translations: Path, tmp_path: Path):
    files = []
    for seed in ("1", "2"):
        target = tmp_path / f"{seed}.pdf"
        environment = os.environ | {"PYTHONHASHSEED": seed, "LINLI_BENCH_TRANSLATIONS": str(translations)}
        command = [sys.executable, str(ROOT / "bench/pdf.py"), "30", str(target)]
        subprocess.run(command, env=environment, check=True, timeout=120)
        files.append(target.read_bytes())
    assert files[0].startswith(b"%PDF-")
    assert files[0] == files[1]


# Measuring, wrapping, cutting


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    return Fonts()


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        ("A包×1", 10_000, ["A包×1"]),
        ("", 1000, [""]),
        ("A包×1 鸡蛋×2", 6000, ["A包×1", "鸡蛋×2"]),
        ("到了请打电话,不要按门铃", 6000, ["到了请打电", "话,不要按门", "铃"]),
        ("(听力不好)", 3000, ["(听力", "不好)"]),
        ("上\n下", 9000, ["上", "下"]),
        ("use the back door", 4900, ["use the", "back door"]),
        ("不接受替换\uff1a儿童营养包", 8000, ["不接受替换\uff1a", "儿童营养包"]),
        ("Gluten-free", 4400, ["Gluten-", "free"]),
    ],
)
def test_text_is_wrapped_at_words_and_signs(fonts: Fonts, text: str, room: float, lines: list[str]):
    assert wrap(fonts, text, room) == lines


def test_wrapping_loses_nothing_and_keeps_to_the_room(fonts: Fonts):
    long = "放门口。家里有狗,请先打电话(听力不好) Mr Smith-Jones 13800138000 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    for room in range(2000, 30_000, 700):
        lines = wrap(fonts, long, room)
        assert "".join(lines).replace(" ", "") == long.replace(" ", "")
        widest = max(measure(fonts, line) for line in lines)
        assert widest <= max(room, 8 * 700), (room, lines)


COLUMNS = (Column(8, "序"), Column(38, "品名", "left"), Column(14, "应收", "right"), Column(126, "备注"))


def filled(fonts: Fonts, count: int, closing: float = 35) -> Table:
    table = Paper(fonts).table(COLUMNS, closing=closing)
    for unit in range(1, 4):
        table.band(f"{unit}单元", again=f"{unit}单元(续)")
        for door in range(count):
            table.row(
                door,
                "A包×1 鸡蛋×2 大米×1 土豆×12" if door % 4 == 0 else "A包×1",
                "30.50",
                "到",
                thick=door % 3 == 0,
            )
        table.row("", "小计", "", "", strong=True, keep="previous")
    return table


@pytest.mark.parametrize("count", [1, 5, 6, 7, 8, 9, 10, 11, 23, 60])
@pytest.mark.parametrize("closing", [0, 35, 120])
def test_pages_are_never_too_full_and_cut_where_a_reader_would(fonts: Fonts, count: int, closing: float):
    table = filled(fonts, count, closing)
    pages = table.cut()
    room = SHEET_HEIGHT - table.above - table.below
    for page in pages:
        assert page[0].kind == "head"
        assert sum(row.height for row in page) <= room + 1e-9
        assert len(page) > 1, "a page has rows"
        assert page[-1].kind != "band", "a group's name does not stand alone below"
        assert page[1].keep != "previous", "a sum is not torn from its rows"
    assert sum(row.height for row in pages[-1]) + closing <= room + 1e-9
    rows = [row for page in pages for row in page if row.kind == "row"]
    assert len(rows) == 3 * count
    for page in pages[1:]:
        assert page[1].kind == "band", "a page that goes on says in which group"


@pytest.mark.parametrize("strong", [False, True])
def test_every_cell_stands_where_its_column_says(fonts: Fonts, strong: bool):  # noqa: FBT001 - a table of cases
    columns = (Column(8, "序"), Column(38, "品名", "left"), Column(16, "应收", "right"), Column(124, "备注"))
    edges = (0.0, 8.0, 46.0, 62.0, 186.0)
    table = Paper(fonts).table(columns)
    for number in range(1, 130, 8):
        table.row(number, f"䶮包×{number}", f"{number * 7.5:.2f}", "放门口" * (number % 5 + 1), strong=strong)
    for row in table.cut()[0][1:]:
        (line,) = row.lines
        position, cells = 0.0, []
        for part in re.findall(r"\s+|\S+", line):
            width = fonts.width(part, strong=strong) / 1000 * 10 * 25.4 / 72
            if part.strip():
                cells.append((position, position + width))
            position += width
        (first, second, third, fourth) = cells
        assert sum(first) / 2 == pytest.approx(4, abs=0.4), "less than an em is left for spaces"
        assert second[0] == pytest.approx(edges[1] + 0.7, abs=0.4)
        assert third[1] == pytest.approx(edges[3] - 0.7, abs=0.15)
        assert sum(fourth) / 2 == pytest.approx(124, abs=0.15)
        for (left, right), low, high in zip(cells, edges, edges[1:], strict=False):
            assert low < left < right < high


def test_a_row_grows_with_its_longest_cell(fonts: Fonts):
    table = Paper(fonts).table(COLUMNS)
    table.row(1, "A包×1 鸡蛋×2 大米×1 土豆×12 胡萝卜×3", "", "")
    (row,) = table.cut()[0][1:]
    first, second, third = row.lines
    assert first.split() == ["1", "A包×1", "鸡蛋×2"]
    assert second.split() == ["大米×1", "土豆×12"]
    assert third.split() == ["胡萝卜×3"]
    assert row.height == pytest.approx(3 * LINE_HEIGHT + 1.6)


def test_a_bag_with_a_space_in_its_name_stays_together(print_sheet: Print):
    kits = (Kit(1, "蔬菜包A"), Kit(2, "鸡蛋 30枚"))
    made = [replace(order, lines=(SheetLine(1, 1), SheetLine(2, 1))) for order in orders(6, buildings=1)]
    text = "\n".join(texts(print_sheet("run_sheet", run_sheet(FACTS, kits, made)))).replace("\u00a0", " ")
    assert text.count("蔬菜包A×1") == 6
    assert text.count("鸡蛋 30枚×1") == 6
