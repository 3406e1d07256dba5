"""The volunteers of 北辰社区 as an office's list has them, its organisations and teams. Made from a fixed seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from stdnum.cn import ric

from webapp.demo.community import COMPOUNDS, SEED
from webapp.demo.names import invented_name
from webapp.domain.volunteers.rules import Society

SOCIETIES = {
    Society.COMMUNITY: "社区",
    Society.SOCIAL_ORGANISATION: "社会组织",
    Society.SOCIAL_WORKER: "社会工作者",
    Society.VOLUNTEER: "社区志愿者",
    Society.CHARITY: "公益慈善资源",
}


@dataclass(frozen=True)
class Group:
    """An organisation, or a team with the organisation that it belongs to."""

    name: str
    name_en: str
    society: Society
    organisation: str = ""


ORGANISATIONS = (
    Group("邻水县晨曦社会工作服务中心", "Morning Light Social Work Centre", Society.SOCIAL_WORKER),
    Group("邻水县同心志愿者协会", "Common Heart Volunteers' Association", Society.SOCIAL_ORGANISATION),
    Group("邻水县众行公益慈善会", "Zhongxing Charity", Society.CHARITY),
    Group("邻水县水务局", "Linshui Water Bureau", Society.COMMUNITY),
)
TEAMS = (
    Group("红马甲志愿服务队", "Red Vests", Society.VOLUNTEER),
    Group("党员先锋队", "Vanguard Team", Society.COMMUNITY, "邻水县水务局"),
    Group("晨曦社工队", "Morning Light Social Workers", Society.SOCIAL_WORKER, "邻水县晨曦社会工作服务中心"),
    Group("同心运输队", "Common Heart Drivers", Society.SOCIAL_ORGANISATION, "邻水县同心志愿者协会"),
    Group("众行物资队", "Zhongxing Supplies", Society.CHARITY, "邻水县众行公益慈善会"),
    Group("夕阳红守望队", "Evening Glow Watch", Society.VOLUNTEER),
)
RED_VESTS = TEAMS[0].name
VOLUNTEER_HEADS = (
    "姓名",
    "手机号",
    "证件号码",
    "小区",
    "楼栋",
    "队伍",
    "单位",
    "五社",
    "会什么",
    "语言",
    "证书",
    "备注",
)


@dataclass(frozen=True)
class Listed:
    """A volunteer of the list; `has_signed_in` says whether they have come into Linli with their phone."""

    name: str
    phone: str
    compound: str
    building: int
    team: Group
    tasks: tuple[str, ...]
    certificate: str = ""
    id_number: str = ""
    note: str = ""
    has_signed_in: bool = True


LEAD = "15400000301"
VOLUNTEER = "15400000302"
LISTED = 54
# Of ten, so many have signed in once; the others are known from the list only.
SIGNED_IN_OF_TEN = 8
TASKS = {
    "delivery": "送菜上门",
    "carrying": "搬运装卸",
    "order": "值守和维持秩序",
    "desk": "登记、打电话、用电脑",
    "driving": "开车",
    "care": "照顾老人和孩子",
}
# In the sealed compound help comes from those who live there; every fourth volunteer does.
SEALED_COMPOUND = "北辰花园"
OPEN_COMPOUNDS = ("书香苑", "滨河小区", "农机厂家属院", "丝绸厂宿舍", "翠屏雅居", "御景新城")


@dataclass(frozen=True)
class Newcomer:
    """Somebody who signs up by themselves and is not in the list."""

    name: str
    phone: str
    tasks: tuple[str, ...]
    decision: str = ""


NEWCOMERS = (
    Newcomer("周雨欣", "15400000371", ("desk", "care")),
    Newcomer("蒋浩然", "15400000372", ("carrying",)),
    Newcomer("冉海波", "15400000373", ("driving", "carrying")),
    Newcomer("甘小蓉", "15400000374", ("care",), "ask_back"),
    Newcomer("包志鹏", "15400000375", ("order",), "refuse"),
)


def listed() -> Iterator[Listed]:
    """Everybody on the list: the two of the story first."""
    random = Random(f"{SEED} volunteers")  # noqa: S311 - the same volunteers each time
    yield Listed("邓建华", LEAD, "书香苑", 2, TEAMS[0], ("order", "carrying"), note="队长")
    yield Listed("郑红梅", VOLUNTEER, "滨河小区", 1, TEAMS[0], ("delivery", "order"))
    for number in range(2, LISTED):
        compound = SEALED_COMPOUND if number % 4 == 0 else random.choice(OPEN_COMPOUNDS)
        buildings = next(len(each.buildings) for each in COMPOUNDS if each.name == compound)
        tasks = tuple(random.sample(sorted(TASKS), random.choice((1, 2, 2, 3))))
        certificate = ""
        if number % 6 == 1:
            certificate = f"核酸采样（证号 CY-{2018 + number % 4}-{1000 + number}，至2099年12月）"
        elif number % 9 == 4:
            certificate = f"消毒（证号 XD-{1000 + number}）"
        elif number % 13 == 3:
            certificate = f"医护（证号 YH-{1000 + number}，至2099年12月）"
        has_phone_of_another = number == 3
        yield Listed(
            name=invented_name(random, random.choice(("grown", "grown", "young", "old"))),
            # A couple with one phone: two people, whom the head is shown as possible duplicates.
            phone=VOLUNTEER if has_phone_of_another else f"154000003{number + 1:02d}",
            compound=compound,
            building=random.randint(1, buildings),
            team=TEAMS[number % len(TEAMS)],
            tasks=tasks,
            certificate=certificate,
            id_number=_id_number(random, number) if number % 5 == 0 else "",
            has_signed_in=not has_phone_of_another and number % 10 < SIGNED_IN_OF_TEN,
        )


def volunteer_names() -> dict[str, str]:
    """Who stands first behind each phone of the list and of those who signed up by themselves."""
    names: dict[str, str] = {}
    for each in (*listed(), *NEWCOMERS):
        names.setdefault(each.phone, each.name)
    return names


def _id_number(random: Random, number: int) -> str:
    """A number with a real area code and birth year 2099: nobody has it."""
    bare = f"5116232099{random.randint(1, 12):02d}{random.randint(1, 28):02d}{number:03d}"
    return bare + str(ric.calc_check_digit(f"{bare}0"))


def volunteer_rows() -> Iterator[tuple[str, ...]]:
    """The list as the office sends it."""
    for each in listed():
        yield (
            each.name,
            each.phone,
            each.id_number,
            each.compound,
            f"{each.building}栋",
            each.team.name,
            each.team.organisation,
            SOCIETIES[each.team.society],
            "、".join(TASKS[task] for task in each.tasks),
            "四川话、普通话",
            each.certificate,
            each.note,
        )
