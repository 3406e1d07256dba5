"""What 北辰社区 looks like in the demo: compounds, buildings, doors and who lives behind them.

Made from a fixed seed, so that every demo is the same. The people are invented. Their phone numbers begin with
154, one of the prefixes that no Chinese operator has been given (as are 142, 143, 161, 164 and 194), so that no
message and no call can reach anybody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from webapp.demo.names import invented_name, invented_surname

COMMUNITY_CODE = "511623100013"
SEED = 20220509


@dataclass(frozen=True)
class Shape:
    """How a building is built: stairwells, floors, doors on each floor."""

    units: int
    floors: int
    doors: int


WALK_UP = Shape(units=3, floors=6, doors=2)
LONG_WALK_UP = Shape(units=4, floors=6, doors=2)
SEVEN_FLOORS = Shape(units=2, floors=7, doors=2)
SMALL_LIFT = Shape(units=2, floors=11, doors=2)
NINE_FLOORS = Shape(units=3, floors=9, doors=2)
TOWER = Shape(units=2, floors=18, doors=2)
SIXTEEN_FLOORS = Shape(units=2, floors=16, doors=2)


@dataclass(frozen=True)
class Compound:
    """A compound 小区 with its grid and its buildings; `shared` is how often two households share a door."""

    name: str
    name_en: str
    grid: str
    buildings: tuple[Shape, ...]
    shared: float = 0.0


COMPOUNDS = (
    Compound(
        "北辰花园",
        "Beichen Garden",
        "第一网格",
        (SMALL_LIFT, SMALL_LIFT, NINE_FLOORS, NINE_FLOORS, SMALL_LIFT) * 2,
    ),
    Compound("书香苑", "Scholars' Court", "第一网格", (NINE_FLOORS, NINE_FLOORS, SMALL_LIFT, SMALL_LIFT) * 2),
    Compound("滨河小区", "Riverside", "第二网格", (SIXTEEN_FLOORS, NINE_FLOORS, SMALL_LIFT) * 3),
    Compound(
        "邮政家属院",
        "Post Office Yard",
        "第二网格",
        (WALK_UP, SEVEN_FLOORS, WALK_UP, SEVEN_FLOORS),
        shared=0.02,
    ),
    Compound(
        "农机厂家属院", "Farm Machinery Yard", "第三网格", (WALK_UP, LONG_WALK_UP, WALK_UP) * 2, shared=0.03
    ),
    Compound(
        "丝绸厂宿舍", "Silk Mill Yard", "第三网格", (LONG_WALK_UP, WALK_UP, LONG_WALK_UP) * 2, shared=0.05
    ),
    Compound("翠屏雅居", "Cuiping Residence", "第四网格", (SMALL_LIFT, TOWER, NINE_FLOORS) * 3),
    Compound("御景新城", "Yujing New Town", "第四网格", (TOWER, SIXTEEN_FLOORS) * 4),
)
EMPTY_SHARE = 0.025
NOTED_SHARE = 0.04
NOTES = ("敲重一点", "放门口", "不要敲门", "先打电话", "走得慢请等等")


@dataclass(frozen=True)
class Resident:
    """A member of a household with the phones that the office's list knows."""

    name: str
    phones: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """A household behind a door."""

    compound: Compound
    building: int
    unit: int
    floor: int
    number: str
    split: int
    members: tuple[Resident, ...]
    note: str = ""

    @property
    def door(self) -> tuple[str, int, int, str]:
        """What tells its door from all others."""
        return self.compound.name, self.building, self.unit, self.number


# The families of the story, as the office's list has them; residents.py says who of them signs in.
TOLD: dict[tuple[str, int, int, str], tuple[Resident, ...]] = {
    ("北辰花园", 3, 2, "501"): (
        Resident("张桂芳", ("15400000101",)),
        Resident("张建国", ("15400000102", "15400000103")),
    ),
    ("北辰花园", 3, 1, "302"): (Resident("周明华", ("15400000104",)),),
    ("北辰花园", 3, 1, "601"): (
        Resident("陈䶮", ("15400000105",)),
        Resident("陈光明", ("15400000106",)),
    ),
    ("北辰花园", 3, 3, "402"): (Resident("吴𬭎", ("15400000107",)),),
}


def families() -> Iterator[Family]:
    """Every household of the community, building by building, from the ground up."""
    random = Random(SEED)  # noqa: S311 - the same demo each time is the point
    serial = iter(random.sample(range(10_000_000, 99_999_999), 12_000))
    for compound in COMPOUNDS:
        for building, shape in enumerate(compound.buildings, 1):
            for unit, floor, door in _doors(shape):
                number = f"{floor}{door:02d}"
                told = TOLD.get((compound.name, building, unit, number))
                if told:
                    yield Family(compound, building, unit, floor, number, 1, told)
                    continue
                if random.random() < EMPTY_SHARE:
                    continue
                households = 2 if random.random() < compound.shared else 1
                for split in range(1, households + 1):
                    members = _members(random, serial)
                    note = random.choice(NOTES) if random.random() < NOTED_SHARE else ""
                    yield Family(compound, building, unit, floor, number, split, members, note)


def _doors(shape: Shape) -> Iterator[tuple[int, int, int]]:
    for unit in range(1, shape.units + 1):
        for floor in range(1, shape.floors + 1):
            for door in range(1, shape.doors + 1):
                yield unit, floor, door


def _members(random: Random, serial: Iterator[int]) -> tuple[Resident, ...]:
    """An old person alone, an old couple, a family, or a young couple."""
    surname = invented_surname(random)
    kind = random.choices(("alone", "couple", "family", "young"), (14, 26, 40, 20))[0]
    first = "old" if kind in {"alone", "couple"} else "grown" if kind == "family" else "young"
    names = [invented_name(random, first, surname)]
    if kind == "couple":
        names.append(invented_name(random, "old"))
    elif kind == "family":
        names += [invented_name(random, "grown"), invented_name(random, "young", surname)]
        if random.random() < 0.3:
            names.append(invented_name(random, "old", surname))
    elif kind == "young":
        names.append(invented_name(random, "young"))
    members = []
    for position, name in enumerate(dict.fromkeys(names)):
        # The office knows a phone of nearly every household; of some people two, of children none.
        chance = (0.96, 0.45, 0.05, 0.2)[position]
        count = (2 if random.random() < 0.05 else 1) if random.random() < chance else 0
        members.append(Resident(name, tuple(f"154{next(serial):08d}" for _ in range(count))))
    return tuple(members)
