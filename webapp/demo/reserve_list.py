"""The seconded cadres of the demo as the county's office sends them: who goes where, from which unit, what they can do."""

from collections.abc import Iterator
from random import Random

from webapp.demo.community import COMPOUNDS, SEED
from webapp.demo.names import invented_name

RESERVE_HEADS = ("姓名", "手机号", "类别", "单位", "社区", "会什么", "备注")
UNITS = (
    "邻水县水务局",
    "邻水县教育科技和体育局",
    "邻水县财政局",
    "邻水县农业农村局",
    "邻水县交通运输局",
    "邻水县文化广播电视和旅游局",
)
# More than half to 北辰社区, the others to communities beside it.
BEICHEN = 26
NEIGHBOURS = ("南辰社区", "西辰社区", "东辰社区", "东苑社区")
CADRES = 42
SKILLS = (
    ("登记、打电话、用电脑", 45),
    ("值守和维持秩序", 40),
    ("搬运装卸", 35),
    ("开车", 30),
    ("送菜上门", 15),
    ("核酸采样", 8),
)


def reserve_rows() -> Iterator[tuple[str, ...]]:
    """One row for each cadre."""
    random = Random(f"{SEED} reserve")  # noqa: S311 - the same cadres each time
    grids = list(dict.fromkeys(compound.grid for compound in COMPOUNDS))
    for number in range(CADRES):
        place = grids[number % len(grids)] if number < BEICHEN else NEIGHBOURS[number % len(NEIGHBOURS)]
        skills = [name for name, weight in SKILLS if random.random() * 100 < weight]
        yield (
            invented_name(random, random.choice(("grown", "grown", "young"))),
            f"154000005{number + 1:02d}",
            "下沉干部",
            UNITS[number % len(UNITS)],
            place,
            "、".join(skills),
            "自带面包车" if number % 14 == 3 else "",
        )
