"""How a row of a volunteers' list is understood: who it is, where they live, to whom they belong, what they can do."""

import calendar
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from webapp.base.errors import RuleBroken
from webapp.domain.households.rules.doors import read_door
from webapp.domain.people.rules import IdNumber, clean_name, read_id_number, read_phones
from webapp.domain.volunteers.rules import (
    GUARDIAN_LENGTH,
    NAME_LENGTH,
    NOTE_LENGTH,
    NUMBER_LENGTH,
    SkillKind,
    Society,
)

PERSON_NAME_LENGTH = 60
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("姓名", "志愿者姓名", "志愿者", "人员姓名", "full_name"),
    "phone": ("手机号", "手机", "手机号码", "电话", "联系电话", "电话号码", "联系方式", "mobile"),
    "id_no": ("证件号码", "证件号", "身份证", "身份证号", "身份证号码", "id", "id_number"),
    "id_type": ("证件类型", "证件种类"),
    "area_code": ("区划代码", "社区代码", "区域代码", "网格代码"),
    "address": ("住址", "地址", "家庭住址", "现住址", "居住地址", "详细地址", "住在哪里"),
    "compound": ("小区", "院落", "小区名称"),
    "building": ("楼栋", "栋", "幢", "楼号", "栋号", "楼栋号", "楼栋名称"),
    "organisation": ("单位", "组织", "所属组织", "所属单位", "工作单位", "社会组织", "organization"),
    "team": ("队伍", "服务队", "志愿队", "所属队伍", "志愿服务队", "队"),
    "unit": ("单位/队伍", "队伍/单位", "单位或队伍"),
    "society": ("五社", "类别", "身份类别", "五社类别", "人员类别"),
    "skills": ("会什么", "技能", "特长", "专长", "能做什么", "skill"),
    "languages": ("语言", "会说", "language"),
    "certificates": ("证书", "资格证", "资格证书", "持证", "certificate"),
    "certificate_number": ("证书编号", "证号", "证书号"),
    "certificate_until": ("证书到期", "有效期至", "证书有效期", "到期"),
    "guardian_name": ("监护人", "监护人姓名", "同意的家长", "guardian"),
    "note": ("备注", "说明", "remark", "notes"),
}
REQUIRED = (("name",), ("phone",))

_SEPARATORS = frozenset("、,，;；/／|｜\n")
_OPENING, _CLOSING = frozenset("(（[【"), frozenset(")）]】")
_DATE = re.compile(r"(?<![A-Za-z0-9-])(20\d{2})\s*[-./年]\s*(\d{1,2})(?:\s*[-./月]\s*(\d{1,2})\s*日?|\s*月)?")
_DOCUMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]{3,59}")
_NAME_END = re.compile(r"[\s:：(（\[【]")
_AREA_CODE = re.compile(r"\d{6,12}(?:-[0-9A-Za-z-]+)?")
# Words of the office for what the table of skills calls otherwise.
_ALSO: Mapping[str, tuple[str, ...]] = {
    "carrying": ("搬运", "搬货", "装卸", "搬东西", "卸货"),
    "delivery": ("送菜", "配送", "送货", "送物资", "送货上门"),
    "order": ("值守", "维持秩序", "卡口", "守门", "秩序维护", "站岗"),
    "desk": ("登记", "电话", "打电话", "电脑", "用电脑", "录入", "信息录入", "热线"),
    "driving": ("司机", "驾驶", "会开车", "驾驶员", "c1"),
    "care": ("照顾老人", "照顾孩子", "陪护", "助老", "护理老人"),
    "sampling": ("采样", "采样员", "核酸", "采核酸", "核酸采样员"),
    "nursing": ("护士", "医生", "医务", "医务人员", "护理"),
    "counselling": ("心理", "心理咨询", "心理咨询师", "心理疏导"),
    "disinfection": ("消杀", "消毒消杀", "环境消杀"),
    "mandarin": ("国语",),
    "sichuanese": ("四川方言", "川话", "本地话"),
    "cantonese": ("粤语", "白话"),
    "english": ("英文",),
    "sign_language": ("手语翻译",),
}
_SOCIETIES: Mapping[Society, tuple[str, ...]] = {
    Society.COMMUNITY: ("社区", "居委会", "村委会", "社区工作者", "网格员"),
    Society.SOCIAL_ORGANISATION: ("社会组织", "社团", "协会"),
    Society.SOCIAL_WORKER: ("社会工作者", "社工"),
    Society.VOLUNTEER: ("志愿者", "社区志愿者", "志愿服务"),
    Society.CHARITY: ("慈善", "社会慈善资源", "慈善资源", "公益慈善", "公益慈善资源"),
}


@dataclass(frozen=True)
class KnownSkill:
    """A skill of the table, as cells may name it."""

    code: str
    kind: SkillKind
    names: tuple[str, ...]


@dataclass(frozen=True)
class ReadCertificate:
    """A certificate as a cell tells it; without an end it holds for good."""

    skill_code: str
    number: str | None
    expires_on: date | None


@dataclass(frozen=True)
class Remark:
    """Something about a row that is taken: the code of a sentence, what fills it, and the data it is about."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class ReadVolunteer:
    """A row as it was understood; what the row does not say is empty or None."""

    name: str
    phones: tuple[str, ...]
    id_number: IdNumber | None = None
    area_code: str = ""
    compound: str = ""
    building: str = ""
    is_building_sure: bool = False
    organisation: str = ""
    team: str = ""
    unit: str = ""
    society: Society | None = None
    skills: tuple[str, ...] = ()
    certificates: tuple[ReadCertificate, ...] = ()
    guardian_name: str = ""
    note: str = ""
    remarks: tuple[Remark, ...] = ()


def _key(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace(" ", "").casefold()


class Words:
    """What the cells of a list may call our skills."""

    def __init__(self, skills: Iterable[KnownSkill]) -> None:
        self._by_key: dict[str, KnownSkill] = {}
        self._with_separators: list[tuple[str, str]] = []
        for skill in skills:
            for name in (skill.code, *skill.names, *_ALSO.get(skill.code, ())):
                self._by_key[_key(name)] = skill
                if _SEPARATORS.intersection(name):
                    self._with_separators.append((name, skill.code))

    def find(self, word: str) -> KnownSkill | None:
        """The skill that a word names."""
        return self._by_key.get(_key(word))

    def parts(self, cell: str) -> Iterator[str]:
        """The entries of a cell; what stands in brackets belongs to its entry."""
        for name, code in self._with_separators:
            cell = cell.replace(name, code)
        entry, depth = "", 0
        for sign in cell:
            depth += (sign in _OPENING) - (sign in _CLOSING)
            if sign in _SEPARATORS and depth <= 0:
                yield entry
                entry, depth = "", 0
            else:
                entry += sign
        yield entry


def read_row(
    cells: Mapping[str, str],
    *,
    numbers: Iterable[str] = (),
    words: Words,
    today: date,
    is_invented: bool = False,
) -> ReadVolunteer:
    """Understand one row; raises RuleBroken with the column and the code of what was not understood.

    `numbers` names the columns whose cell is a number in a workbook: an ID there has lost digits.
    """

    def cell(name: str) -> str:
        return cells.get(name, "")

    name = clean_name(cell("name"))
    if not name:
        raise RuleBroken("name_missing", field="name")
    if len(name) > PERSON_NAME_LENGTH or re.search(r"[\d?？�=<>、,，;；]", name) or not name.isprintable():
        raise RuleBroken("name_unclear", field="name", text=name[:40])
    phones = read_phones(cell("phone"))
    if not phones:
        raise RuleBroken("phone_missing", field="phone")
    id_number = None
    if "id_no" in numbers:
        raise RuleBroken("id_damaged_of", field="id_no", name=name)
    if cell("id_no"):
        id_number = read_id_number(cell("id_no"), today=today, kind=cell("id_type"), is_invented=is_invented)
    for column, maximum in (
        ("organisation", NAME_LENGTH),
        ("team", NAME_LENGTH),
        ("unit", NAME_LENGTH),
        ("note", NOTE_LENGTH),
        ("guardian_name", GUARDIAN_LENGTH),
    ):
        if len(cell(column)) > maximum:
            raise RuleBroken("text_too_long", field=column, maximum=maximum)
    remarks: list[Remark] = []
    skills = _read_skills(cell("skills"), words, remarks) + _read_skills(cell("languages"), words, remarks)
    certificates = _read_certificates(cells, words, remarks)
    code, compound, building, is_sure = _read_place(cells, remarks)
    return ReadVolunteer(
        name=name,
        phones=phones,
        id_number=id_number,
        area_code=code,
        compound=compound,
        building=building,
        is_building_sure=is_sure,
        organisation=cell("organisation"),
        team=cell("team"),
        unit=cell("unit"),
        society=_read_society(cell("society")),
        skills=tuple(dict.fromkeys((*skills, *(each.skill_code for each in certificates)))),
        certificates=certificates,
        guardian_name=clean_name(cell("guardian_name")),
        note=cell("note"),
        remarks=tuple(remarks),
    )


def _read_society(text: str) -> Society | None:
    if not text:
        return None
    wanted = _key(text)
    for society, names in _SOCIETIES.items():
        if wanted in {society.value, society.value.replace("_", ""), *map(_key, names)}:
            return society
    raise RuleBroken("society_unknown", field="society", text=text[:40])


def _read_skills(text: str, words: Words, remarks: list[Remark]) -> tuple[str, ...]:
    found = []
    unknown = []
    for part in words.parts(text):
        word = part.strip()
        if not word:
            continue
        skill = words.find(word)
        if skill is None:
            unknown.append(word)
        else:
            found.append(skill.code)
    if unknown:
        remarks.append(Remark("skill_not_known", text="、".join(unknown)[:80]))
    return tuple(found)


def _read_certificates(
    cells: Mapping[str, str], words: Words, remarks: list[Remark]
) -> tuple[ReadCertificate, ...]:
    found = []
    for part in words.parts(cells.get("certificates", "")):
        entry = part.strip()
        if not entry:
            continue
        name = _NAME_END.split(entry, maxsplit=1)[0]
        skill = words.find(name) or words.find(name.removesuffix("证"))
        if skill is None or skill.kind is not SkillKind.CERTIFIED:
            remarks.append(Remark("certificate_not_known", text=entry[:80]))
            continue
        rest = entry[len(name) :]
        until = _read_until(rest)
        number = _DOCUMENT.search(_DATE.sub(" ", rest))
        found.append(ReadCertificate(skill.code, number.group()[:NUMBER_LENGTH] if number else None, until))
    if len(found) == 1:
        # One certificate with its number and end in columns of their own.
        number_cell, until_cell = cells.get("certificate_number", ""), cells.get("certificate_until", "")
        only = found[0]
        found = [
            ReadCertificate(
                only.skill_code,
                only.number or (number_cell[:NUMBER_LENGTH] or None),
                only.expires_on or _read_until(until_cell),
            )
        ]
    return tuple(found)


def _read_until(text: str) -> date | None:
    found = _DATE.search(text)
    if found is None:
        return None
    year, month = int(found.group(1)), int(found.group(2))
    try:
        day = int(found.group(3) or calendar.monthrange(year, month)[1])
        return date(year, month, day)
    except ValueError as error:
        raise RuleBroken("certificate_date", field="certificates", text=found.group()) from error


def _read_place(cells: Mapping[str, str], remarks: list[Remark]) -> tuple[str, str, str, bool]:
    """(area code, compound, building, whether a column of its own names the building)."""
    code, address = cells.get("area_code", ""), cells.get("address", "")
    compound, building = cells.get("compound", ""), cells.get("building", "")
    if not code and _AREA_CODE.fullmatch(address):
        code, address = address, ""
    if building:
        door = read_door("", building=building, compound=compound)
        return code, door.compound, door.building, True
    if address:
        try:
            door = read_door(address, compound=compound)
        except RuleBroken:
            remarks.append(Remark("address_not_matched", text=address[:80]))
            return code, compound, "", False
        if not door.building:
            remarks.append(Remark("address_not_matched", text=address[:80]))
        return code, door.compound, door.building, False
    return code, compound, "", False
