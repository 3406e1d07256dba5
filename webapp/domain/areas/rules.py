"""Rules of areas: names that sort as people count, paths, levels, and what a change of zone needs."""

import re
import unicodedata
from collections.abc import Iterable

from webapp.base.errors import RuleBroken

SEGMENT_DIGITS = 5
# Segments below this carry the area's own number (3栋 → 3), so that paths sort as buildings are counted;
# those from here on are given in turn.
FIRST_FREE_SEGMENT = 36**3
LAST_SEGMENT = 36**SEGMENT_DIGITS - 1
DEFAULT_BUILDING_WORD = "栋"

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NUMERALS = {
    sign: value
    for value, signs in enumerate(("〇零", "一", "二两", "三", "四", "五", "六", "七", "八", "九"))
    for sign in signs
}
_TENS = {"十": 10, "百": 100, "千": 1000}
_NUMERAL_RUN = re.compile("[〇零一二两三四五六七八九十百千]+")
_NUMBER = re.compile(r"\d+")
_DIVISION_CODE = re.compile(r"\d{12}")
# What a building is called after its number, longest first.
BUILDING_WORDS = ("号楼栋", "号楼", "号栋", "号院", "楼栋", "栋楼", "栋", "幢", "座", "号", "楼", "#")
_AFTER_BUILDING = re.compile(rf"({'|'.join(map(re.escape, BUILDING_WORDS))})+$")
LEVEL_WORDS = {
    "county": ("县", "区县", "县区", "区", "县级市", "county", "district"),
    "town": ("镇", "乡", "乡镇", "街道", "乡镇街道", "镇街", "town", "township", "street", "subdistrict"),
    "community": ("社区", "村", "居委会", "村委会", "村社区", "村社", "community", "village"),
    "grid": ("网格", "grid"),
    "compound": ("小区", "院落", "院子", "compound"),
    "building": ("楼栋", "楼", "栋", "幢", "号楼", "building"),
}


def numeral(text: str) -> int:
    """The value of Chinese numerals, counted (二十三) or spelled (五〇一)."""
    if not any(sign in _TENS for sign in text):
        return int("".join(str(_NUMERALS[sign]) for sign in text))
    total = digit = 0
    for sign in text:
        if sign in _TENS:
            total += (digit or 1) * _TENS[sign]
            digit = 0
        else:
            digit = _NUMERALS[sign]
    return total + digit


def with_digits(text: str) -> str:
    """The text with each run of Chinese numerals as digits."""
    return _NUMERAL_RUN.sub(lambda run: str(numeral(run.group())), text)


def natural_key(text: str) -> str:
    """A key that sorts as people count: 3栋 before 10栋, 三号楼 before 十号楼."""
    plain = with_digits(unicodedata.normalize("NFKC", text)).casefold().replace(" ", "")
    return _NUMBER.sub(lambda run: run.group().zfill(6), plain)[:120]


def name_key(text: str) -> str:
    """A name for comparing: NFKC, without spaces and case."""
    return unicodedata.normalize("NFKC", text).replace(" ", "").casefold()


def short_name(name: str) -> str:
    """A community as people say it: 北辰社区, where the division table writes 北辰社区居委会."""
    for office in ("居民委员会", "村民委员会", "居委会", "村委会"):
        bare = name.removesuffix(office)
        if bare != name and bare:
            return (
                bare
                if bare.endswith(("社区", "村"))
                else bare + ("村" if office.startswith("村") else "社区")
            )
    return name


def building_key(name: str) -> str:
    """What tells one building from another: 3, 3栋, 三号楼, 第3幢 and 3# are the same; 综合楼 stays a name."""
    plain = unicodedata.normalize("NFKC", name).replace(" ", "").upper().removeprefix("第")
    bare = _AFTER_BUILDING.sub("", plain)
    if not bare:
        return plain.casefold()
    number = numeral(bare) if _NUMERAL_RUN.fullmatch(bare) else None
    if number is not None:
        return str(number)
    if re.fullmatch(r"0*\d+", bare):
        return str(int(bare))
    if re.fullmatch(r"[A-Z]\d{0,3}|\d+[A-Z]|\d+-\d+", bare):
        return bare.casefold()
    return plain.casefold()


def building_name(text: str, *, word: str | None) -> str:
    """A building's name for people: a bare number gets the area's word (栋, 幢, 号楼), anything else stays."""
    plain = text.strip()
    bare = re.sub(r"(#|#楼)$", "", unicodedata.normalize("NFKC", plain)).casefold().lstrip("0")
    key = building_key(plain)
    if re.fullmatch(r"[0-9a-z]{1,4}", key) and key == bare:
        return f"{key.upper()}{word or DEFAULT_BUILDING_WORD}"
    return plain


def level_of(text: str, *, levels: Iterable[tuple[str, str, str]]) -> str:
    """The code of the level that a cell means; `levels` are (code, Chinese name, English name) as stored.

    Raises RuleBroken("area_level_unknown").
    """
    wanted = name_key(text)
    known = {word: code for code, words in LEVEL_WORDS.items() for word in words}
    for code, name_zh, name_en in levels:
        known |= {name_key(each): code for each in (code, name_zh, name_en)}
    if wanted not in known:
        raise RuleBroken("area_level_unknown", field="level", level=text)
    return known[wanted]


# --- paths --------------------------------------------------------------------------------------------------


def segment(number: int) -> str:
    """One step of a path: five digits in base 36 and a point."""
    if not 0 <= number <= LAST_SEGMENT:
        raise ValueError(number)
    digits = []
    for _ in range(SEGMENT_DIGITS):
        number, rest = divmod(number, 36)
        digits.append(_DIGITS[rest])
    return "".join(reversed(digits)) + "."


def own_number(*, code: str, name: str, level: str) -> int | None:
    """The number that the area itself carries, for its segment: of its division code or in its name."""
    if level == "building":
        key = building_key(name)
        found = _NUMBER.match(key)
        return int(found.group()) if found and int(found.group()) < FIRST_FREE_SEGMENT else None
    if _DIVISION_CODE.fullmatch(code):
        return {
            "county": int(code[:6]) % FIRST_FREE_SEGMENT,
            "town": int(code[6:9]),
            "community": int(code[9:]),
        }.get(level)
    found = _NUMBER.search(with_digits(name))
    return int(found.group()) if found and 0 < int(found.group()) < FIRST_FREE_SEGMENT else None


def ancestor_paths(path: str) -> tuple[str, ...]:
    """The paths of the area and of all above it, from the top."""
    steps = path.split(".")[:-1]
    return tuple(".".join(steps[: count + 1]) + "." for count in range(len(steps)))


# --- zones --------------------------------------------------------------------------------------------------


def ensure_zone_text(*, reason: str, notice: str) -> tuple[str, str]:
    """Reason and notice without outer spaces; raises RuleBroken when one is missing or too long."""
    reason, notice = reason.strip(), notice.strip()
    if not reason:
        raise RuleBroken("zone_reason_missing", field="reason")
    if not notice:
        raise RuleBroken("zone_notice_missing", field="notice")
    if len(reason) > 200:
        raise RuleBroken("text_too_long", field="reason", maximum=200)
    if len(notice) > 120:
        raise RuleBroken("text_too_long", field="notice", maximum=120)
    return reason, notice


def cordons(zoned: Iterable[tuple[str, bool]]) -> tuple[str, ...]:
    """What `side_of` compares with, from (path, whether it is sealed): the sealed areas, and with "!" before its
    path what was opened again inside one.
    """
    known = sorted(zoned)
    sealed = [path for path, is_sealed in known if is_sealed]
    return tuple(
        path if is_sealed else f"!{path}"
        for path, is_sealed in known
        if is_sealed or any(path.startswith(each) for each in sealed)
    )


def side_of(path: str, cordon: Iterable[str]) -> str:
    """On which side of the cordon a path lies: the innermost sealed area that it is in, empty for outside."""
    nearest = max((each for each in cordon if path.startswith(each.lstrip("!"))), key=_depth, default="")
    return "" if nearest.startswith("!") else nearest


def _depth(path: str) -> int:
    return len(path.lstrip("!"))
