"""Rules of people: how names are compared, found by pinyin and masked, and what phone numbers look like."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any

from pypinyin import Style, lazy_pinyin
from stdnum.cn import ric

from webapp.base.errors import RuleBroken

# Surnames that are read otherwise than the same sign elsewhere.
_SURNAMES = {
    "万俟": "mo qi", "尉迟": "yu chi", "长孙": "zhang sun", "澹台": "tan tai", "单于": "chan yu", "令狐": "ling hu",
    "单": "shan", "曾": "zeng", "区": "ou", "仇": "qiu", "解": "xie", "查": "zha", "朴": "piao", "翟": "zhai",
    "盖": "ge", "任": "ren", "缪": "miao", "覃": "qin", "冼": "xian", "洗": "xian", "尹": "yin", "种": "chong",
    "召": "shao", "折": "she", "黑": "he", "员": "yun", "逄": "pang", "乜": "nie", "宓": "mi", "隗": "wei",
    "葛": "ge", "华": "hua", "纪": "ji", "燕": "yan", "宁": "ning", "那": "na", "乐": "yue", "应": "ying",
    "於": "yu", "钭": "tou", "晁": "chao", "句": "gou", "秘": "bi", "繁": "po", "祭": "zhai", "佴": "nai",
}  # fmt: skip
# Signs that a name reads otherwise than the words that a dictionary knows them from (萝卜).
_IN_NAMES = {"卜": "bu"}
_COMPOUND = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "长孙",
        "宇文",
        "司徒",
        "令狐",
        "万俟",
        "夏侯",
        "轩辕",
        "端木",
        "独孤",
        "南宫",
        "西门",
        "澹台",
        "单于",
        "公冶",
        "申屠",
        "太史",
        "闻人",
        "濮阳",
        "淳于",
        "赫连",
        "钟离",
        "呼延",
        "百里",
        "东郭",
        "拓跋",
        "纳兰",
    ]
)
# The dot in names of several peoples 民族 is typed in many ways; one of them is right (GB/T 38962: U+00B7).
_DOTS = dict.fromkeys(map(ord, "•・‧∙⋅●．."), "·")

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"(0\d{2,3})?(\d{7,8})(?:[-转*x](\d{1,6}))?")
_PARTS = re.compile(r"[、,，;；/／|｜\n\r和]+")
_REMARK = re.compile(r"[(（\[【][^)）\]】]*[)）\]】]?")
_LABEL = re.compile(r"^[^\d+]*[:：]?")


def clean_name(text: str) -> str:
    """A name as it is stored: no spaces between Chinese signs, one middle dot, single spaces elsewhere."""
    name = " ".join(text.split())
    name = re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", name)
    if not re.search(r"[A-Za-z]", name):
        name = name.translate(_DOTS)
    return name


def name_key(name: str) -> str:
    """A name for comparing and searching: NFKC without spaces and case, the dot kept."""
    return unicodedata.normalize("NFKC", clean_name(name)).replace(" ", "").casefold()[:200]


def surname(name: str) -> str:
    """The surname: two signs where it is a compound one, the first part of a name with a dot."""
    name = clean_name(name)
    if "·" in name:
        return name.partition("·")[0]
    if name[:2] in _COMPOUND and len(name) > 2:
        return name[:2]
    return name[:1]


def mask_name(name: str) -> str:
    """Surname and star: 张*."""
    return f"{surname(name)}*" if name else ""


def mask_phone(number: str) -> str:
    """138****8000; of other numbers the last four stay."""
    if _MOBILE.fullmatch(number):
        return f"{number[:3]}****{number[-4:]}"
    return f"****{number[-4:]}" if len(number) > 4 else "****"


def _letters(signs: str) -> Any:
    # pypinyin takes a list of readings here; its published type says a text.
    return list(signs)


def pinyin_keys(name: str) -> tuple[str, str]:
    """Pinyin and initials for prefix search: 单雄信 → ("shanxiongxin", "sxx"); Latin letters stay."""
    plain = clean_name(name).replace("·", "")
    head = next((plain[:size] for size in (2, 1) if plain[:size] in _SURNAMES), "")
    syllables = _SURNAMES[head].split() if head else []
    rest = plain[len(head) :]
    read = lazy_pinyin(rest, style=Style.NORMAL, errors=_letters, v_to_u=False)
    if len(read) == len(rest):
        read = [_IN_NAMES.get(sign, syllable) for sign, syllable in zip(rest, read, strict=True)]
    syllables += read
    words = [re.sub(r"[^a-z0-9]", "", syllable.casefold()) for syllable in syllables]
    words = [word for word in words if word]
    return "".join(words)[:200], "".join(word[0] for word in words)[:60]


# --- phone numbers ------------------------------------------------------------------------------------------


def _one_phone(text: str) -> str | None:
    digits = re.sub(r"[\s.]", "", text)
    bare = digits.replace("-", "")
    for prefix in ("+86", "0086", "86"):
        if bare.startswith(prefix) and _MOBILE.fullmatch(bare.removeprefix(prefix)):
            return bare.removeprefix(prefix)
    if _MOBILE.fullmatch(bare):
        return bare
    # 0826-3222222, 08263222222-801, 3222222
    joined = re.sub(r"^(0\d{2,3})-", r"\1", digits)
    found = _LANDLINE.fullmatch(joined)
    if found is None:
        return None
    area, number, extension = found.groups()
    return (f"{area}-" if area else "") + number + (f"-{extension}" if extension else "")


def read_phones(cell: str) -> tuple[str, ...]:
    """The numbers of a cell: `13800138000、0826-3222222/13900139000`, remarks and labels left out.

    Raises RuleBroken("phone_damaged") for a number that a spreadsheet has rounded and RuleBroken("phone_unclear").
    """
    plain = unicodedata.normalize("NFKC", cell)
    found: list[str] = []
    for part in _PARTS.split(_REMARK.sub(" ", plain)):
        text = _LABEL.sub("", part).strip() if not re.match(r"\s*[+\d]", part) else part.strip()
        if not text:
            continue
        if re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", text):
            raise RuleBroken("phone_damaged", field="phone", text=text)
        # Excel writes a number cell as 13800138000.0
        text = re.sub(r"^(\d{11})\.0$", r"\1", text)
        whole = _one_phone(text)
        numbers = [whole] if whole else [_one_phone(piece) for piece in text.split()]
        for number in numbers:
            if number is None:
                raise RuleBroken("phone_unclear", field="phone", text=text)
            if number not in found:
                found.append(number)
    return tuple(found)


# --- ID numbers ---------------------------------------------------------------------------------------------

INVENTED_YEAR = 2099
_RESIDENT_ID = re.compile(r"\d{17}[\dX]")
# Passport, Hong Kong/Macau permit, foreigners' permanent residence card; 台胞证 has no letter and is asked for by name.
_OTHER_DOCUMENT = re.compile(r"[A-Z]{1,3}\d{7,12}")
_TAIWAN_PERMIT = re.compile(r"\d{8}(?:\d{2})?")
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+?\d+")


@dataclass(frozen=True)
class IdNumber:
    """The number of an identity document as it is stored; a resident ID tells the birthday."""

    number: str
    born_on: date | None = None


def read_id_number(text: str, *, today: date, kind: str = "", is_invented: bool = False) -> IdNumber:
    """Understand a document's number. Of a resident ID only check digit and birthday are looked at.

    Area codes come and go and say nothing about a person (GB 11643; facts.md, Identifiers). Invented people have
    birth year 2099 and no age: that year is accepted of nobody else, and nothing else of them.
    Raises RuleBroken: id_damaged (rounded by a spreadsheet), id_unclear, id_check_digit, id_birthday, id_invented.
    """
    plain = re.sub(r"[\s\-.·]", "", unicodedata.normalize("NFKC", text)).upper()
    if _ROUNDED.fullmatch(text.strip()):
        raise RuleBroken("id_damaged", field="id_no")
    if not _RESIDENT_ID.fullmatch(plain):
        permit = "台" in kind and _TAIWAN_PERMIT.fullmatch(plain)
        if is_invented or not (permit or _OTHER_DOCUMENT.fullmatch(plain)):
            raise RuleBroken("id_unclear", field="id_no")
        return IdNumber(plain)
    if ric.calc_check_digit(plain) != plain[-1]:
        raise RuleBroken("id_check_digit", field="id_no")
    try:
        born_on = date(int(plain[6:10]), int(plain[10:12]), int(plain[12:14]))
    except ValueError as error:
        raise RuleBroken("id_birthday", field="id_no") from error
    if is_invented != (born_on.year == INVENTED_YEAR):
        raise RuleBroken("id_invented", field="id_no")
    if is_invented:
        return IdNumber(plain)
    if born_on > today or born_on.year < 1900:
        raise RuleBroken("id_birthday", field="id_no")
    return IdNumber(plain, born_on)
