"""How doors are read from lists: 3-2-501, 3栋2单元501, 三号楼, 2单元5楼501, or building, stairwell and room apart."""

import re
import unicodedata
from dataclasses import dataclass

from webapp.base.errors import RuleBroken
from webapp.domain.areas.rules import building_key, with_digits

_NUMERAL = "〇零一二两三四五六七八九十百"
_BUILDING = r"(?:号楼栋|号楼|号栋|楼栋|栋楼|栋|幢|座|#楼|#)"
# A building's words come with a number or a letter; what stands before them is the compound's name.
_WORDED = re.compile(
    rf"(?P<compound>[^\d#]{{2,20}}?)?第?(?P<building>\d{{1,3}}[A-Z]?|[A-Z]\d{{0,2}}){_BUILDING}"
)
_LEADING_BUILDING = re.compile(rf"第?(?P<building>\d{{1,3}}[A-Z]?|[A-Z]\d{{0,2}}){_BUILDING}[-,]?")
_FLOOR_AS_BUILDING = re.compile(r"(?P<building>\d{1,3})楼(?=\w{1,2}(?:单元|门|梯))")
_UNIT = re.compile(r"第?(?P<unit>\d{1,2}|[A-Z])(?:单元|单|门|梯)[-,]?")
_FLOOR = re.compile(r"第?(?P<floor>-?\d{1,2})(?:楼|层|F)[-,]?")
_NUMBER = re.compile(r"(?:[A-Z]?\d{1,5}[A-Z]?|[AB]\d{1,3}|-\d{3,4})(?:-\d{1,2})?")
_TAIL = re.compile(r"(?<=[0-9A-Z])(?:号房|房间|室|号|房|户)$")
_DASHES = re.compile(r"[-‐-―/\\_~]+")
_SEPARATED = re.compile(r"[0-9A-Z]{1,5}#?(?:-[0-9A-Z]{1,6}){1,3}")
_NOTHING = frozenset({"", "-", "/", "无", "没有", "空", "0"})
DOOR_LENGTH = 20


@dataclass(frozen=True)
class ReadDoor:
    """A door as it was understood; `building` and `number` are empty where the row has none."""

    compound: str
    building: str
    unit: str
    floor: int | None
    number: str


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).replace(" ", "").upper()
    # 负一楼, B1: below the ground
    return text.replace("负", "-").replace("地下", "-")


def _digits(text: str) -> str:
    """Numerals as digits, but only where a door's words follow: 百合苑 stays a name."""
    run = rf"[{_NUMERAL}]+"
    if re.fullmatch(rf"-?{run}", text):
        return with_digits(text)
    return re.sub(
        rf"{run}(?=(?:号楼|号栋|栋|幢|座|单元|门|梯|楼|层|室|号|房|#|-|$))",
        lambda found: with_digits(found.group()),
        text,
    )


def floor_of(number: str) -> int | None:
    """The floor that a door's number tells: 501 → 5, 1203 → 12, 5-1 → 5, -101 → -1; None where it tells none."""
    if found := re.fullmatch(r"(\d{1,2})-\d{1,2}", number):
        return int(found.group(1))
    if found := re.match(r"(?:-|B)(\d)\d{2}", number):
        return -int(found.group(1))
    if found := re.match(r"[A-Z]?(\d{3,4})(?!\d)", number):
        return int(found.group(1)[:-2])
    return None


def read_unit(text: str) -> str:
    """A stairwell as it is stored: 二单元, 2门 and 2 are "2"; nothing is ""."""
    plain = _digits(_plain(text))
    if plain in _NOTHING:
        return ""
    found = re.fullmatch(r"第?(\d{1,2}|[A-Z])(?:单元|单|门|梯)?", plain)
    if found is None:
        raise RuleBroken("unit_unclear", field="unit", text=text)
    return found.group(1).lstrip("0") or "0"


def read_floor(text: str) -> int | None:
    """A floor: 5, 5楼, 五层, 负一; None for nothing."""
    plain = _digits(_plain(text))
    if plain in _NOTHING:
        return None
    found = re.fullmatch(r"第?(-?\d{1,2})(?:楼|层|F)?", plain)
    if found is None:
        raise RuleBroken("floor_unclear", field="floor", text=text)
    return int(found.group(1))


def read_door(
    text: str, *, building: str = "", unit: str = "", floor: str = "", compound: str = ""
) -> ReadDoor:
    """Read a door's cell with the cells beside it. Raises RuleBroken with the column that was not understood."""
    own_building, own_unit, own_compound = _read_building(building)
    known_unit = read_unit(unit) or own_unit
    known_floor = read_floor(floor)
    found = _read_text(text, building=own_building, unit=known_unit)
    if own_building and found.building and building_key(own_building) != building_key(found.building):
        raise RuleBroken("door_building_differs", field="door", text=text, building=building)
    if known_unit and found.unit and known_unit != found.unit:
        raise RuleBroken("door_unit_differs", field="door", text=text, unit=unit or building)
    number = found.number
    if known_floor is not None and re.fullmatch(r"\d{1,2}", number):
        number = f"{known_floor}-{int(number)}"
    if len(number) > DOOR_LENGTH:
        raise RuleBroken("door_unclear", field="door", text=text)
    return ReadDoor(
        compound=compound or own_compound or found.compound,
        building=own_building or found.building,
        unit=known_unit or found.unit,
        floor=known_floor if known_floor is not None else found.floor,
        number=number,
    )


def _read_building(text: str) -> tuple[str, str, str]:
    """(building, stairwell, compound) of a building's cell: 3栋, 3, 3栋2单元, 北辰花园3栋, 综合楼."""
    plain = _digits(_plain(text))
    if plain in _NOTHING:
        return "", "", ""
    unit = ""
    if (found := _UNIT.search(plain)) and found.end() == len(plain) and found.start() > 0:
        unit, plain = found.group("unit"), plain[: found.start()]
    if (found := _WORDED.fullmatch(plain)) and found.group("compound"):
        compound = found.group("compound")
        return plain[len(compound) :], unit, compound
    return (plain if unit or plain != _plain(text) else text.strip()), unit, ""


def _read_text(text: str, *, building: str, unit: str) -> ReadDoor:
    plain = _digits(_plain(text))
    if plain in _NOTHING:
        return ReadDoor("", "", "", None, "")
    dashed = _TAIL.sub("", _DASHES.sub("-", plain))
    if _SEPARATED.fullmatch(dashed):
        return _read_dashed(text, dashed.replace("#", "").split("-"), building=building, unit=unit)
    return _read_words(text, dashed, building=building)


def _read_dashed(text: str, parts: list[str], *, building: str, unit: str) -> ReadDoor:
    """3-2-501, 3-501, 2-501 beside a building, 5-1 beside a stairwell, 3-2-5-1."""
    head: list[str] = []
    if len(parts[-1]) <= 2 and (len(parts) == 4 or building):
        # Flats counted on each floor: 5-1 is the first one on the fifth.
        head, number = parts[:-2], "-".join(parts[-2:])
    else:
        head, number = parts[:-1], parts[-1]
    if len(head) > 2:
        raise RuleBroken("door_unclear", field="door", text=text)
    if len(head) == 2:
        own_building, own_unit = head
    elif len(head) == 1 and building:
        own_building, own_unit = "", head[0]
        if unit and unit != own_unit and building_key(building) == building_key(head[0]):
            own_building, own_unit = head[0], ""
    else:
        own_building, own_unit = (head[0] if head else ""), ""
    number = re.sub(r"^0+(?=\d{3})", "", number)
    return ReadDoor("", own_building.lstrip("0"), own_unit.lstrip("0"), floor_of(number), number)


def _read_words(text: str, plain: str, *, building: str) -> ReadDoor:
    compound = own_building = own_unit = ""
    floor = None
    rest = plain
    if found := _LEADING_BUILDING.match(rest):
        own_building, rest = found.group().rstrip("-,").removeprefix("第"), rest[found.end() :]
    elif found := _FLOOR_AS_BUILDING.match(rest):
        own_building, rest = found.group("building"), rest[found.end() :]
    elif found := _WORDED.match(rest):
        compound = found.group("compound") or ""
        own_building, rest = (
            found.group()[len(compound) :].removeprefix("第"),
            rest[found.end() :].lstrip("-,"),
        )
    if found := _UNIT.match(rest):
        own_unit, rest = found.group("unit").lstrip("0"), rest[found.end() :]
    elif found := re.fullmatch(r"(\d{1,2}|[A-Z])-(\d{3,4}[A-Z]?)", rest):
        own_unit, rest = found.group(1).lstrip("0"), found.group(2)
    if found := _FLOOR.match(rest):
        floor, rest = int(found.group("floor")), rest[found.end() :]
    rest = re.sub(r"^0+(?=\d{3})", "", rest)
    if floor is not None and re.fullmatch(r"\d{1,2}", rest):
        rest = f"{floor}-{int(rest)}"
    if rest and floor is not None and floor_of(rest) not in {None, floor}:
        # 3楼501 where no building is named: people say 楼 for the building too.
        if own_building or building or own_unit:
            raise RuleBroken("door_floor_differs", field="door", text=text)
        own_building, floor = str(floor), None
    if (
        rest
        and not _NUMBER.fullmatch(rest)
        and (not (own_building or building) or not re.search(r"\d", rest))
    ):
        raise RuleBroken("door_unclear", field="door", text=text)
    return ReadDoor(compound, own_building, own_unit, floor if floor is not None else floor_of(rest), rest)
