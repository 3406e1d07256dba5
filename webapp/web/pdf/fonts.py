"""Which font draws which character, how wide it is, and a font file with just those characters.

HarfBuzz answers from the mapped font file: a font of 20 MB with 65,535 glyphs costs a few milliseconds, where
reading it in Python costs seconds.  It is the same library that WeasyPrint lays text out with.
"""

import contextlib
import ctypes
import functools
import io
import shutil
import struct
import subprocess
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib.sfnt import SFNTReader, SFNTWriter

from webapp.base.errors import LinliError

SPACES = " \u2002\u2003\u3000"  # a narrow one, half an em, an em, the Chinese one
EM = 1000  # all widths in this package are thousandths of the font size

# Regular and bold of the Chinese fonts that the systems we install on carry; face 2 of Noto CJK is SC.
KNOWN_FONTS: tuple[tuple[str, str], ...] = (
    (
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc#2",
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc#2",
    ),
    (
        "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc#2",
        "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Bold.ttc#2",
    ),
    (
        "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc#2",
        "/usr/share/fonts/noto-cjk/NotoSansCJK-Bold.ttc#2",
    ),
    (
        "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc#2",
        "/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc#2",
    ),
)
# The empty box to tick is missing in Chinese fonts; their white square is the same drawing.
DRAWN_AS = {"☐": "□"}
# Layout tables are dropped: without kerning a line is as wide as the sum of its characters.
DROPPED_TABLES = (
    "GSUB",
    "GPOS",
    "GDEF",
    "BASE",
    "JSTF",
    "kern",
    "vhea",
    "vmtx",
    "VORG",
    "DSIG",
    "morx",
    "feat",
)

_POINTER, _UINT, _INT = ctypes.c_void_p, ctypes.c_uint, ctypes.c_int
_HARFBUZZ = {
    "hb_blob_create_from_file_or_fail": (_POINTER, [ctypes.c_char_p]),
    "hb_blob_create": (_POINTER, [ctypes.c_char_p, _UINT, _INT, _POINTER, _POINTER]),
    "hb_blob_get_data": (_POINTER, [_POINTER, ctypes.POINTER(_UINT)]),
    "hb_blob_destroy": (None, [_POINTER]),
    "hb_face_create": (_POINTER, [_POINTER, _UINT]),
    "hb_face_destroy": (None, [_POINTER]),
    "hb_face_get_upem": (_UINT, [_POINTER]),
    "hb_face_get_glyph_count": (_UINT, [_POINTER]),
    "hb_face_reference_blob": (_POINTER, [_POINTER]),
    "hb_face_reference_table": (_POINTER, [_POINTER, _UINT]),
    "hb_blob_get_length": (_UINT, [_POINTER]),
    "hb_font_create": (_POINTER, [_POINTER]),
    "hb_font_destroy": (None, [_POINTER]),
    "hb_font_get_nominal_glyph": (_INT, [_POINTER, _UINT, ctypes.POINTER(_UINT)]),
    "hb_font_get_glyph_h_advance": (_INT, [_POINTER, _UINT]),
    "hb_set_add": (None, [_POINTER, _UINT]),
}
_HARFBUZZ_SUBSET = {
    "hb_subset_input_create_or_fail": (_POINTER, []),
    "hb_subset_input_destroy": (None, [_POINTER]),
    "hb_subset_input_unicode_set": (_POINTER, [_POINTER]),
    "hb_subset_input_set": (_POINTER, [_POINTER, _INT]),
    "hb_subset_input_set_flags": (None, [_POINTER, _UINT]),
    "hb_subset_or_fail": (_POINTER, [_POINTER, _POINTER]),
}
_DROP_TABLE_TAG = 3
_NO_HINTING, _NOTDEF_OUTLINE = 0x1, 0x40
_MEMORY_DUPLICATE = 0


class FontsMissing(LinliError):
    """The machine has no font or library to print Chinese with; `packages` says what to install or set right."""

    status = 503

    def __init__(self, packages: str) -> None:
        super().__init__("pdf_no_fonts", packages=packages)


@functools.cache
def _libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    suffix = ".0.dylib" if sys.platform == "darwin" else ".so.0"
    try:
        loaded = ctypes.CDLL(f"libharfbuzz{suffix}"), ctypes.CDLL(f"libharfbuzz-subset{suffix}")
    except OSError as error:
        raise FontsMissing("libharfbuzz0b, libharfbuzz-subset0") from error
    for library, functions in zip(loaded, (_HARFBUZZ, _HARFBUZZ_SUBSET), strict=True):
        for name, (result, arguments) in functions.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    return loaded


def _tag(name: str) -> int:
    return int.from_bytes(name.encode("ascii"), "big")


class Face:
    """One face of a font file, open for the life of the process (the file is mapped, not read)."""

    def __init__(self, path: str, index: int = 0) -> None:
        self.path, self.index = path, index
        self._hb, self._hb_subset = _libraries()
        blob = self._hb.hb_blob_create_from_file_or_fail(path.encode())
        if not blob:
            raise FontsMissing(f"LINLI_PDF_FONT: {path}")
        self._face = self._hb.hb_face_create(blob, index)
        self._hb.hb_blob_destroy(blob)
        self._font = self._hb.hb_font_create(self._face)
        self._units = self._hb.hb_face_get_upem(self._face)
        self._advances: dict[str, int | None] = {}
        if not self._hb.hb_face_get_glyph_count(self._face):
            raise FontsMissing(f"LINLI_PDF_FONT: {path}")

    def has_outlines(self) -> bool:
        """True where the glyphs are drawings that can be embedded, not pictures."""
        for name in ("CFF ", "glyf"):
            blob = self._hb.hb_face_reference_table(self._face, _tag(name))
            length = self._hb.hb_blob_get_length(blob)
            self._hb.hb_blob_destroy(blob)
            if length:
                return True
        return False

    def advance(self, character: str) -> int | None:
        """The width of a character in thousandths of the font size; None where the font does not draw it."""
        if character not in self._advances:
            glyph = _UINT()
            found = self._hb.hb_font_get_nominal_glyph(self._font, ord(character), ctypes.byref(glyph))
            width = (
                self._hb.hb_font_get_glyph_h_advance(self._font, glyph) * EM / self._units if found else None
            )
            self._advances[character] = None if width is None else round(width)
        if self._advances[character] is None and character in DRAWN_AS:
            self._advances[character] = self.advance(DRAWN_AS[character])
        return self._advances[character]

    def subset(self, characters: Iterable[str]) -> bytes:
        """A font file with exactly these characters."""
        wanted = sorted(set(characters))
        drawn = {DRAWN_AS.get(character, character) for character in wanted} | set(wanted)
        settings = self._hb_subset.hb_subset_input_create_or_fail()
        unicodes = self._hb_subset.hb_subset_input_unicode_set(settings)
        for character in sorted(drawn):
            self._hb.hb_set_add(unicodes, ord(character))
        dropped = self._hb_subset.hb_subset_input_set(settings, _DROP_TABLE_TAG)
        for name in DROPPED_TABLES:
            self._hb.hb_set_add(dropped, _tag(name))
        self._hb_subset.hb_subset_input_set_flags(settings, _NO_HINTING | _NOTDEF_OUTLINE)
        small = self._hb_subset.hb_subset_or_fail(self._face, settings)
        self._hb_subset.hb_subset_input_destroy(settings)
        if not small:
            raise FontsMissing(f"LINLI_PDF_FONT: {self.path}")
        blob = self._hb.hb_face_reference_blob(small)
        length = _UINT()
        data = ctypes.string_at(self._hb.hb_blob_get_data(blob, ctypes.byref(length)), length.value)
        self._hb.hb_blob_destroy(blob)
        self._hb.hb_face_destroy(small)
        return _with_aliases(data, wanted)


def _with_aliases(data: bytes, wanted: list[str]) -> bytes:
    """The same font, where ☐ and its like point to the glyph that draws them."""
    if not set(wanted) & DRAWN_AS.keys():
        return data
    hb, _ = _libraries()
    blob = hb.hb_blob_create(data, len(data), _MEMORY_DUPLICATE, None, None)
    face = hb.hb_face_create(blob, 0)
    font = hb.hb_font_create(face)
    glyph = _UINT()
    glyphs: dict[int, int] = {}
    for character in wanted:
        for drawn in (character, DRAWN_AS.get(character, character)):
            if hb.hb_font_get_nominal_glyph(font, ord(drawn), ctypes.byref(glyph)):
                glyphs[ord(character)] = glyph.value
                break
    hb.hb_font_destroy(font)
    hb.hb_face_destroy(face)
    hb.hb_blob_destroy(blob)
    groups = b"".join(struct.pack(">LLL", code, code, glyphs[code]) for code in sorted(glyphs))
    # One Unicode subtable of format 12: (version 0, 1 table) (platform 3, encoding 10, offset 12) (format, …).
    table = struct.pack(">HHHHL", 0, 1, 3, 10, 12)
    table += struct.pack(">HHLLL", 12, 0, 16 + len(groups), 0, len(glyphs)) + groups
    # Table by table: TTFont would load the code of every table to copy their bytes.
    source = SFNTReader(io.BytesIO(data))
    out = io.BytesIO()
    target = SFNTWriter(out, len(source.tables), source.sfntVersion)
    for name in source.keys():  # noqa: SIM118  # not a dict
        target[name] = table if name == "cmap" else source[name]
    target.close()
    return out.getvalue()


@functools.cache
def open_face(name: str) -> Face:
    """Open `path` or `path#face`."""
    path, _, index = name.partition("#")
    if not Path(path).is_file() or not (index or "0").isdecimal():
        raise FontsMissing(f"LINLI_PDF_FONT: {name}")
    return Face(path, int(index or 0))


@functools.cache
def faces_with(character: str) -> tuple[str, ...]:
    """Installed fonts that draw a character, as fontconfig knows them: `path#face`, in a stable order."""
    program = shutil.which("fc-list")
    if not program:
        return ()
    pattern = f":charset={ord(character):x}"
    listed = subprocess.run(  # noqa: S603  # a fixed program, a list of arguments, no shell
        [program, pattern, "-f", "%{file}#%{index}\n"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    names = sorted(set(listed.stdout.split("\n")) - {""})
    # Regular cuts before bold and oblique ones; indexes above 16 bits are instances of variable fonts.
    plain = [name for name in names if int(name.rpartition("#")[2] or 0) < 65536]
    return tuple(sorted(plain, key=lambda name: ("bold" in name.lower() or "oblique" in name.lower(), name)))


def _default_pair() -> tuple[str, str]:
    for regular, bold in KNOWN_FONTS:
        if Path(regular.partition("#")[0]).exists():
            return regular, bold
    for name in faces_with("邻"):
        if open_face(name).has_outlines():
            return name, ""
    raise FontsMissing("fonts-noto-cjk")


class Fonts:
    """The fonts of a document: the first that draws a character is used, whatever is installed comes last."""

    def __init__(self, extra: str = "") -> None:
        """`extra`: LINLI_PDF_FONT, one or more `path` or `path#face`, separated by commas, tried first."""
        names = [name.strip() for name in extra.split(",") if name.strip()]
        bold = ""
        if names:
            with contextlib.suppress(FontsMissing):
                names.append(_default_pair()[0])
        else:
            regular, bold = _default_pair()
            names.append(regular)
        self.faces = [open_face(name) for name in names]
        # Spaces are drawn by the font around them, so one font sets all text and the others only single signs.
        self.base = next((face for face in self.faces if face.advance(" ") is not None), self.faces[0])
        self.bold = open_face(bold) if bold and Path(bold.partition("#")[0]).exists() else None
        self._found: dict[str, Face | None] = {}
        self._widths: dict[tuple[str, bool], int] = {}
        self._spaces: dict[bool, Spaces] = {}

    def face_of(self, character: str) -> Face | None:
        """The font that draws a character; None where no installed font does."""
        if character not in self._found:
            self._found[character] = self._search(character)
        return self._found[character]

    def _search(self, character: str) -> Face | None:
        if character.isspace():
            return self.base if self.base.advance(character) is not None else None
        for face in self.faces:
            if face.advance(character) is not None:
                return face
        for name in faces_with(character):
            try:
                face = open_face(name)
            except FontsMissing:
                continue
            if face.has_outlines() and face.advance(character) is not None:
                self.faces.append(face)
                return face
        return None

    def advance(self, character: str, *, strong: bool = False) -> int:
        """The width of a character as it will be printed; a full square where no font draws it."""
        if strong and self.bold is not None and (width := self.bold.advance(character)) is not None:
            return width
        face = self.face_of(character)
        return EM if face is None else face.advance(character) or 0

    def width(self, text: str, *, strong: bool = False) -> int:
        """The width of a text; remembered, because sheets say the same things in every row."""
        key = (text, strong)
        if key not in self._widths:
            self._widths[key] = sum(self.advance(character, strong=strong) for character in text)
        return self._widths[key]

    def missing(self, characters: Iterable[str]) -> tuple[str, ...]:
        """The characters that no installed font draws."""
        return tuple(sorted(c for c in set(characters) if not c.isspace() and self.face_of(c) is None))

    def spaces(self, *, strong: bool = False) -> "Spaces":
        """The spaces that can be printed."""
        if strong not in self._spaces:
            widths: dict[int, str] = {}
            for space in SPACES:
                if self.base.advance(space):
                    widths.setdefault(self.advance(space, strong=strong), space)
            narrow, *wider = ((space, width) for width, space in widths.items())
            self._spaces[strong] = Spaces((narrow, *sorted(wider, key=lambda pair: -pair[1])))
        return self._spaces[strong]

    def files(self, characters: Iterable[str]) -> list["FontFile"]:
        """Font files for exactly these characters: the one of the text, its bold cut, and those of single signs."""
        groups: dict[int, list[str]] = {}
        for character in sorted(set(characters)):
            face = self.face_of(character)
            if face is not None:
                groups.setdefault(self.faces.index(face), []).append(character)
        base = self.faces.index(self.base)
        text = groups.pop(base, [" "])
        files = [FontFile("Linli", "normal", self.base.subset(text), "")]
        if self.bold is not None:
            bold = [c for c in text if self.bold.advance(c) is not None]
            files.append(FontFile("Linli", "bold", self.bold.subset(bold), ""))
        for number in sorted(groups):
            signs = "".join(groups[number])
            files.append(FontFile(f"Linli {number}", "normal", self.faces[number].subset(signs), signs))
        return files


@dataclass(frozen=True, eq=False)
class Spaces:
    """The spaces of a font with their widths: the plain one first, then from the widest."""

    widths: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class FontFile:
    """A font of one document; `signs` are the characters that only this one draws, none for that of the text."""

    family: str
    weight: str
    content: bytes
    signs: str


@functools.cache
def _printed_as(character: str) -> str:
    """The character itself, a plain space for an odd one, nothing for marks that draw nothing."""
    kind = unicodedata.category(character)
    if kind == "Zs":
        return character if character in SPACES else " "
    if character == "\n" or kind in {"Zl", "Zp"}:
        return "\n"
    if character == "\t":
        return " "
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return "" if kind in {"Cc", "Cf"} or is_selector else character


def printable(text: str) -> str:
    """The text as it can be printed: composed, without control marks and variation selectors, plain spaces."""
    if text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFC", text)
    changed = {ord(c): _printed_as(c) for c in set(text) if _printed_as(c) != c}
    return text.translate(changed) if changed else text
