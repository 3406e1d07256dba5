"""A county at full size, from a seed: 18,000 volunteers, 1,932 teams, 120 organisations, 26,000 cadres, a week of shifts.

This is load, and it is inserted row by row through Core, because importers and services that take each person by
themselves would need hours. The demo is loaded otherwise. Every row is made as the services make it, and a test
puts one of each table beside one that a service wrote. Nobody of it exists: names are put together at random, and
the phone numbers begin with 142 and 143, prefixes that no Chinese operator has been given.

Who volunteers signed up on a phone and was accepted; who is a cadre was registered as staff, seconded with an end.
The week begins on the Monday after the load and is published; nobody has taken a place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from sqlalchemy import func, insert, select

from webapp.base import audit, clock, crypto, db, requests
from webapp.base.actor import Actor
from webapp.base.db import reading, within, writing
from webapp.base.errors import RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Role
from webapp.base.requests import Request
from webapp.demo.load import DIVISIONS, import_areas
from webapp.demo.names import invented_name
from webapp.demo.rounds import deed
from webapp.domain.accounts.models import Appointment, TextSize, Theme, User
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import short_name
from webapp.domain.mobilization.models import ReserveDay, Reservist, ReservistSkill
from webapp.domain.mobilization.rules import Category, EnrolSource, Readiness
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import name_key, pinyin_keys
from webapp.domain.rosters.models import Post, Shift, ShiftSkill, ShiftTemplate, TemplateSkill
from webapp.domain.rosters.rules import PostKind, Protection, ShiftState, days_of, leave_deadline, stretch_on
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Organisation,
    Pledge,
    SkillCertificate,
    Team,
    TeamLead,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.rules import (
    PLEDGE_VERSION,
    AgeGroup,
    Availability,
    Half,
    PledgeKind,
    Society,
    Stretch,
    VolunteerState,
    slots_of,
)

COUNTY_CODE = "511623000000"
SYSTEM = Actor.system("demo-scale")
SECONDED_FOR = timedelta(days=30)
CHUNK = 2000
# A city's communities are larger than a village's; the town of the county's offices is the city.
CITY = "鼎屏镇"
Say = Callable[[str], None]

TASKS = (("delivery", 30), ("order", 26), ("carrying", 22), ("desk", 18), ("care", 12), ("driving", 11))
LANGUAGES = (
    ("sichuanese", 80),
    ("mandarin", 55),
    ("english", 4),
    ("sign_language", 1),
    ("cantonese", 1),
    ("yi", 1),
)
SOCIETIES = (
    (Society.VOLUNTEER, 62),
    (Society.COMMUNITY, 12),
    (Society.SOCIAL_WORKER, 12),
    (Society.SOCIAL_ORGANISATION, 9),
    (Society.CHARITY, 5),
)
STATES = (
    (VolunteerState.ACCEPTED, 94),
    (VolunteerState.APPLIED, 4),
    (VolunteerState.ASKED_BACK, 1),
    (VolunteerState.REFUSED, 1),
)
# The reserve: how ready people are, what cadres can do besides, and how often somebody says yes when asked.
READINESS = (
    (Readiness.READY, 84),
    (Readiness.LIMITED, 8),
    (Readiness.RESTING, 5),
    (Readiness.AWAY, 3),
)
CADRE_SKILLS = (("order", 40), ("desk", 35), ("carrying", 25), ("driving", 22), ("delivery", 15))
CADRE_CERTIFIED = (("sampling", 2), ("nursing", 1), ("disinfection", 2))
HELD_MORE_THAN_NEEDED = 1.2
TEAM_STEMS = (
    "红马甲 党员先锋 巾帼 夕阳红 青年突击 退役军人 暖心 邻里守望 平安 送菜 消杀 物资转运 敲门 助老 心理关爱 交通引导 便民 "
    "爱心车 应急 网格 楼栋 护苗 清洁 宣传 采样引导 环卫 医护 家长 教师 店主 农机 民兵"
).split()
ORGANISATION_STEMS = "晨曦 同心 春晖 众行 守望 和邻 益家 青禾 向阳 暖阳 橙心 微光 连心 善行 启明 安康 乐邻 归雁 聚力 同行".split()
ORGANISATION_KINDS = (
    ("社会工作服务中心", Society.SOCIAL_WORKER),
    ("志愿者协会", Society.SOCIAL_ORGANISATION),
    ("义工联合会", Society.SOCIAL_ORGANISATION),
    ("公益慈善会", Society.CHARITY),
    ("应急救援队", Society.SOCIAL_ORGANISATION),
    ("心理援助中心", Society.SOCIAL_WORKER),
)
UNITS = (
    "县水务局 县教育局 县住建局 县财政局 县民政局 县农业农村局 县交通运输局 县自然资源局 县税务局 县供电公司 县人社局 县文旅局 "
    "县林业局 县应急局 县审计局 县司法局 县统计局 县医保局 县融媒体中心 县档案馆"
).split()


@dataclass(frozen=True)
class PostShape:
    """A post that communities have: (name, English, kind, place, protection), what it needs, and how often it is found."""

    name: str
    name_en: str
    kind: PostKind
    place: str
    protection: Protection
    skill: str | None
    start_minute: int
    length_minutes: int
    weight: int
    handles_household_data: bool = False
    newcomers_welcome: bool = True
    adults_only: bool = False
    suit_minutes: int | None = None


POSTS = (
    PostShape("北门卡口", "North gate", PostKind.GATE, "北门岗亭", Protection.LEVEL_1, None, 420, 300, 20),
    PostShape("南门卡口", "South gate", PostKind.GATE, "南门岗亭", Protection.LEVEL_1, None, 1080, 300, 12),
    PostShape("夜间值守", "Night watch", PostKind.GATE, "北门岗亭", Protection.LEVEL_1, None, 1380, 480, 8, adults_only=True),
    PostShape(
        "送菜到户", "Bags to the doors", PostKind.DELIVERY, "物资点", Protection.LEVEL_1, "delivery", 720, 360, 20,
        handles_household_data=True, newcomers_welcome=False,
    ),
    PostShape("物资搬运", "Loading supplies", PostKind.SUPPLIES, "社区广场", Protection.NONE, "carrying", 420, 300, 12),
    PostShape(
        "核酸采样", "Sampling", PostKind.SAMPLING, "社区广场", Protection.LEVEL_2, "sampling", 420, 300, 14,
        newcomers_welcome=False, adults_only=True, suit_minutes=240,
    ),
    PostShape("采样秩序", "Sampling queue", PostKind.SAMPLING, "社区广场", Protection.LEVEL_1, "order", 420, 300, 10),
    PostShape(
        "环境消毒", "Disinfection", PostKind.DISINFECTION, "各楼栋", Protection.LEVEL_2, "disinfection", 720, 300, 10,
        newcomers_welcome=False, adults_only=True, suit_minutes=180,
    ),
    PostShape(
        "上门医护", "Nursing at home", PostKind.CARE, "社区卫生站", Protection.LEVEL_2, "nursing", 720, 300, 8,
        handles_household_data=True, newcomers_welcome=False, adults_only=True, suit_minutes=240,
    ),
    PostShape(
        "热线值班", "Hotline", PostKind.HOTLINE, "社区办公室", Protection.NONE, "desk", 720, 360, 10,
        handles_household_data=True, newcomers_welcome=False,
    ),
)  # fmt: skip
CERTIFIED = frozenset({"sampling", "disinfection", "nursing"})


@dataclass(frozen=True)
class Amounts:
    """How much of everything; the county in May 2022 (product.md)."""

    volunteers: int = 18_000
    teams: int = 1_932
    organisations: int = 120
    cadres: int = 26_000
    places: int = 6_000

    def share(self, part: float) -> "Amounts":
        """The same county, smaller."""
        return Amounts(
            *(
                max(1, round(amount * part))
                for amount in (self.volunteers, self.teams, self.organisations, self.cadres, self.places)
            )
        )


@dataclass
class Place:
    """A community with its weight, and how much of each thing it gets."""

    id: int
    path: str
    name: str
    town_id: int
    town_path: str
    weight: float
    volunteers: int = 0
    teams: int = 0
    cadres: int = 0
    places: int = 0
    team_rows: list["TeamRow"] = field(default_factory=list)
    needed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TeamRow:
    """A team as its members need it."""

    id: int
    name: str
    area_id: int
    society: Society
    organisation_id: int | None


class Rows:
    """Collects rows by table, with ids of their own, and inserts a table's when there are enough of them."""

    def __init__(self) -> None:
        self._rows: dict[Any, list[dict[str, Any]]] = {}
        self._next: dict[Any, Iterator[int]] = {}
        self._written: dict[Any, None] = {}

    def add(self, model: Any, **columns: Any) -> int:
        """One row; every column of the table is named. Returns its id where it has one."""
        table = model.__table__
        if "id" in table.c:
            if table not in self._next:
                top = db.connection().execute(select(func.max(table.c.id))).scalar()
                self._next[table] = count((top or 0) + 1)
            columns["id"] = next(self._next[table])
        if "public_id" in table.c:
            columns["public_id"] = new_public_id()
        self._rows.setdefault(table, []).append(columns)
        return int(columns.get("id", 0))

    def write(self) -> None:
        """Insert what has been collected, in the order in which tables need each other."""
        connection = db.connection()
        for table in db.Model.metadata.sorted_tables:
            rows = self._rows.pop(table, [])
            for start in range(0, len(rows), CHUNK):
                connection.execute(insert(table).inline(), rows[start : start + CHUNK])
            if rows and "id" in table.c:
                self._written[table] = None

    def settle_ids(self) -> None:
        """Let the database count on from the ids that were used."""
        for table in self._written:
            db.count_on(table)


@reading
def is_here() -> bool:
    """Whether a county was made in this database."""
    found = db.connection().execute(
        select(Request.id).where(Request.actor_key == SYSTEM.key, Request.client_id == "demo-scale")
    )
    return found.first() is not None


def scale(*, seed: int, amounts: Amounts | None = None, say: Say) -> Amounts:
    """Make the county; raises RuleBroken("already_scaled") where there is one. Returns what was made.

    The division table comes through its importer; all else is one transaction.
    """
    if is_here():
        raise RuleBroken("already_scaled")
    amounts = amounts or Amounts()
    now = clock.now()
    say("areas 区划")
    import_areas(DIVISIONS, now)
    _make(seed=seed, amounts=amounts, now=now, say=say)
    return amounts


@writing
def _make(*, seed: int, amounts: Amounts, now: datetime, say: Say) -> None:
    claim = requests.claim(deed(SYSTEM, "scale", now))
    random = Random(f"county {seed}")  # noqa: S311 - the same county each time is the point
    rows = Rows()
    places = _places(random, amounts)
    county = _county()
    say(f"{amounts.organisations} organisations 社会组织, {amounts.teams} teams 队伍")
    _teams(rows, random, amounts, places, county, now)
    say(f"{amounts.places} places of a week 班次名额")
    _week(rows, random, places, now)
    rows.write()
    phones = count(0)
    say(f"{amounts.volunteers} volunteers 志愿者")
    for place in places:
        _volunteers(rows, random, place, phones, now)
        rows.write()
    say(f"{amounts.cadres} cadres 下沉干部")
    phones = count(0)
    for place in places:
        _cadres(rows, random, place, phones, now)
        rows.write()
    rows.settle_ids()
    audit.record(deed(SYSTEM, "scale", now), "scale_demo", "area", county[0], area_path=county[1], seed=seed)
    requests.settle(claim, outcome="scaled", object_id=county[0])


# --- areas --------------------------------------------------------------------------------------------------


def _county() -> tuple[int, str]:
    row = db.connection().execute(select(Area.id, Area.path).where(Area.code == COUNTY_CODE)).one()
    return row.id, row.path


def _places(random: Random, amounts: Amounts) -> list[Place]:
    """The communities with their share of everything: larger in the city, never nothing where there is enough."""
    connection = db.connection()
    county_path = _county()[1]
    towns = connection.execute(
        select(Area.id, Area.path, Area.name)
        .where(within(Area.path, county_path), Area.level == "town")
        .order_by(Area.path)
    ).all()
    found = []
    for row in connection.execute(
        select(Area.id, Area.path, Area.name)
        .where(within(Area.path, county_path), Area.level == "community")
        .order_by(Area.path)
    ):
        town = next(each for each in towns if row.path.startswith(each.path))
        weight = random.uniform(0.6, 1.6) * (3.0 if town.name == CITY else 1.0)
        found.append(Place(row.id, row.path, short_name(row.name), town.id, town.path, weight))
    weights = [place.weight for place in found]
    shares = {
        name: _split(getattr(amounts, name), weights) for name in ("volunteers", "teams", "cadres", "places")
    }
    for number, place in enumerate(found):
        for name, share in shares.items():
            setattr(place, name, share[number])
    return found


def _split(amount: int, weights: list[float]) -> list[int]:
    """The amount by weight, to the last one: shares by largest remainder."""
    whole = sum(weights)
    exact = [amount * weight / whole for weight in weights]
    parts = [int(each) for each in exact]
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def _chosen(random: Random, weighted: tuple[tuple[Any, int], ...]) -> Any:
    return random.choices([each for each, _weight in weighted], [weight for _each, weight in weighted])[0]


# --- organisations and teams --------------------------------------------------------------------------------


def _teams(
    rows: Rows, random: Random, amounts: Amounts, places: list[Place], county: tuple[int, str], now: datetime
) -> None:
    names = [
        (f"邻水县{stem}{kind}", society)
        for kind, society in ORGANISATION_KINDS
        for stem in ORGANISATION_STEMS
    ]
    random.shuffle(names)
    organisations = []
    for name, society in names[: amounts.organisations]:
        organisation_id = rows.add(
            Organisation,
            area_id=county[0],
            area_path=county[1],
            name=name,
            name_en=None,
            society=society,
            created_at=now,
            closed_at=None,
        )
        organisations.append((organisation_id, society))
    for place in places:
        stems = random.sample(TEAM_STEMS, min(place.teams, len(TEAM_STEMS)))
        stems += [f"第{number}" for number in range(len(stems) + 1, place.teams + 1)]
        for stem in stems:
            name = f"{place.name}{stem}志愿服务队"
            place.team_rows.append(_team(rows, random, place, name, organisations, now))


def _team(
    rows: Rows,
    random: Random,
    place: Place,
    name: str,
    organisations: list[tuple[int, Society]],
    now: datetime,
) -> TeamRow:
    organisation_id, society = None, _chosen(random, SOCIETIES)
    if organisations and random.random() < 0.3:
        organisation_id, society = random.choice(organisations)
    team_id = rows.add(
        Team,
        area_id=place.id,
        area_path=place.path,
        organisation_id=organisation_id,
        name=name,
        name_en=None,
        society=society,
        created_at=now,
        closed_at=None,
    )
    return TeamRow(team_id, name, place.id, society, organisation_id)


# --- people -------------------------------------------------------------------------------------------------


def _person(rows: Rows, random: Random, phone: str, now: datetime) -> tuple[int, int, str, str]:
    """A person with an account, as signing in with a code and giving a name makes them."""
    name = invented_name(random, random.choices(("old", "grown", "young"), (15, 55, 30))[0])
    pinyin, initials = pinyin_keys(name)
    index = crypto.blind_index("phone", phone)
    person_id = rows.add(
        Person,
        name=name,
        name_key=name_key(name),
        pinyin_key=pinyin,
        initials_key=initials,
        version=1,
        is_invented=True,
        id_number=None,
        id_index=None,
        born_on=None,
        merged_into_id=None,
        created_at=now,
    )
    rows.add(
        PersonPhone,
        person_id=person_id,
        phone=crypto.encrypt(phone),
        phone_index=index,
        phone_tail=phone[-4:],
        position=0,
        verified_at=now,
    )
    user_id = rows.add(
        User,
        person_id=person_id,
        phone=crypto.encrypt(phone),
        phone_index=index,
        phone_tail=phone[-4:],
        password_hash=None,
        language="zh_Hans",
        text_size=TextSize.NORMAL,
        theme=Theme.SYSTEM,
        created_at=now,
        blocked_at=None,
    )
    return person_id, user_id, name, pinyin


def _appoint(
    rows: Rows,
    user_id: int,
    role: Role,
    area_id: int,
    *,
    unit: str | None,
    ends_at: datetime | None,
    now: datetime,
) -> None:
    rows.add(
        Appointment,
        user_id=user_id,
        role=role,
        area_id=area_id,
        unit=unit,
        starts_at=now,
        ends_at=ends_at,
        ended_at=None,
        made_by=SYSTEM.key,
    )


def _volunteers(rows: Rows, random: Random, place: Place, phones: Iterator[int], now: datetime) -> None:
    leaderless = list(place.team_rows)
    # Who has what the community's posts need: hardly more than it needs in a day.
    certified = [
        code
        for code, needed in sorted(place.needed.items())
        for _ in range(max(1, round(needed / 7 * HELD_MORE_THAN_NEEDED)))
    ]
    for _ in range(place.volunteers):
        phone = f"143{next(phones):08d}"
        person_id, user_id, name, pinyin = _person(rows, random, phone, now)
        state = VolunteerState.ACCEPTED if leaderless else _chosen(random, STATES)
        team, is_lead = None, bool(leaderless)
        if is_lead:
            team = leaderless.pop()
        elif state is VolunteerState.ACCEPTED and place.team_rows and random.random() < 0.7:
            team = random.choice(place.team_rows)
        is_decided = state is not VolunteerState.APPLIED
        applied_at = now - timedelta(days=random.randint(2, 12), minutes=random.randint(0, 600))
        volunteer_id = rows.add(
            Volunteer,
            person_id=person_id,
            name=name,
            pinyin_key=pinyin,
            phone_tail=phone[-4:],
            state=state,
            society=team.society if team else _chosen(random, SOCIETIES),
            organisation_id=team.organisation_id if team else None,
            team_id=team.id if team else None,
            area_id=place.id,
            area_path=place.path,
            age_group=AgeGroup.ADULT,
            guardian_name=None,
            note=None,
            invitation_id=None,
            applied_at=applied_at,
            decided_at=applied_at + timedelta(hours=2) if is_decided else None,
            decided_by=SYSTEM.key if is_decided else None,
            decision_note=_note(state),
            answer=None,
            merged_into_id=None,
            version=2 if is_decided else 1,
        )
        if team is not None and is_lead:
            rows.add(TeamLead, team_id=team.id, person_id=person_id, since=now)
            _appoint(rows, user_id, Role.TEAM_LEAD, team.area_id, unit=team.name, ends_at=None, now=now)
        _abilities(
            rows, random, volunteer_id, certified, is_accepted=state is VolunteerState.ACCEPTED, now=now
        )
        for kind in PledgeKind:
            rows.add(
                Pledge, volunteer_id=volunteer_id, kind=kind, version=PLEDGE_VERSION, pledged_at=applied_at
            )
        if state is VolunteerState.ACCEPTED:
            _reservist(
                rows,
                random,
                place,
                _Enrolled(
                    person_id,
                    name,
                    pinyin,
                    phone[-4:],
                    Category((team.society if team else Society.VOLUNTEER).value),
                    None,
                    team,
                ),
                now,
            )


def _note(state: VolunteerState) -> str | None:
    return {VolunteerState.REFUSED: "人手已够", VolunteerState.ASKED_BACK: "您会开车吗？"}.get(state)


def _abilities(
    rows: Rows,
    random: Random,
    volunteer_id: int,
    certified: list[str],
    *,
    is_accepted: bool,
    now: datetime,
) -> None:
    skills = {_chosen(random, TASKS) for _ in range(random.choice((1, 2, 2, 3)))}
    skills |= {code for code, weight in LANGUAGES if random.random() * 100 < weight}
    if certified and is_accepted:
        skill = certified.pop()
        skills.add(skill)
        rows.add(
            SkillCertificate,
            volunteer_id=volunteer_id,
            skill_code=skill,
            number=f"CY-{random.randint(2015, 2022)}-{random.randint(1000, 9999)}",
            expires_on=clock.day(now) + timedelta(days=random.randint(30, 900)),
            created_at=now,
        )
    for code in sorted(skills):
        rows.add(VolunteerSkill, volunteer_id=volunteer_id, skill_code=code)
    when = random.sample(list(Stretch), random.choice((1, 2, 2, 3, 4)))
    for weekday, half in slots_of(when):
        rows.add(
            AvailabilitySlot,
            volunteer_id=volunteer_id,
            weekday=weekday,
            half=half,
            state=Availability.AVAILABLE,
        )


def _cadres(rows: Rows, random: Random, place: Place, phones: Iterator[int], now: datetime) -> None:
    """A head who stays, and people seconded from the county's offices until a day."""
    for number in range(place.cadres):
        phone = f"142{next(phones):08d}"
        person_id, user_id, name, pinyin = _person(rows, random, phone, now)
        unit = None if number == 0 else random.choice(UNITS)
        category = Category.COMMUNITY if number == 0 else Category.CADRE
        enrolled = _Enrolled(person_id, name, pinyin, phone[-4:], category, unit, None)
        _reservist(rows, random, place, enrolled, now)
        if number == 0:
            _appoint(rows, user_id, Role.COMMUNITY_HEAD, place.id, unit=None, ends_at=None, now=now)
            continue
        _appoint(
            rows,
            user_id,
            Role.GRID_WORKER,
            place.id,
            unit=unit,
            ends_at=now + SECONDED_FOR + timedelta(days=random.randint(0, 30)),
            now=now,
        )


# --- the reserve --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Enrolled:
    person_id: int
    name: str
    pinyin: str
    phone_tail: str
    category: Category
    unit: str | None
    team: TeamRow | None


def _reservist(rows: Rows, random: Random, place: Place, who: _Enrolled, now: datetime) -> None:
    """Somebody of the reserve with a past: calls, drills, and a rate of saying yes that is their own."""
    says_yes = random.betavariate(1.4, 2.8)
    calls, drills = min(9, int(random.expovariate(0.5))), random.choice((0, 1, 1, 2, 3))
    yeses = sum(random.random() < says_yes for _ in range(calls))
    drill_yeses = sum(random.random() < min(0.97, says_yes * 1.2) for _ in range(drills))
    called_at = now - timedelta(hours=random.randint(20, 24 * 40)) if calls else None
    drilled_at = now - timedelta(days=random.randint(20, 300)) if drills else None
    answered_at = max(
        (at for at, said in ((called_at, yeses), (drilled_at, drill_yeses)) if at and said), default=None
    )
    readiness = _chosen(random, READINESS)
    reservist_id = rows.add(
        Reservist,
        person_id=who.person_id,
        name=who.name,
        pinyin_key=who.pinyin,
        phone_tail=who.phone_tail,
        category=who.category,
        unit=who.unit,
        team_id=who.team.id if who.team else None,
        organisation_id=who.team.organisation_id if who.team else None,
        area_id=place.id,
        area_path=place.path,
        readiness=readiness,
        away_until=now + timedelta(days=random.randint(1, 14)) if readiness is Readiness.AWAY else None,
        note=None,
        source=EnrolSource.IMPORT if who.category is Category.CADRE else EnrolSource.STAFF,
        enrolled_at=now,
        left_at=None,
        call_count=calls,
        yes_count=yeses,
        drill_count=drills,
        drill_yes_count=drill_yeses,
        stood_down_count=sum(random.random() < 0.2 for _ in range(calls - yeses)),
        last_called_at=called_at,
        last_answered_at=answered_at,
        last_mustered_at=called_at if yeses else None,
        last_drilled_at=drilled_at,
        version=1,
    )
    if who.category is Category.CADRE:
        for code, weight in (*CADRE_SKILLS, *CADRE_CERTIFIED):
            if random.random() * 100 < weight:
                rows.add(ReservistSkill, reservist_id=reservist_id, skill_code=code)
    if random.random() < 0.15:
        today = clock.day(now)
        for number in random.sample(range(28), random.randint(2, 10)):
            rows.add(
                ReserveDay,
                reservist_id=reservist_id,
                day=today + timedelta(days=number // 2),
                half=list(Half)[number % 2],
                state=random.choice((Availability.AVAILABLE, Availability.NOT_AVAILABLE)),
                said_at=now,
            )


# --- the week -----------------------------------------------------------------------------------------------


def _week(rows: Rows, random: Random, places: list[Place], now: datetime) -> None:
    """Posts, their recurring shifts, and the shifts of the week: as many wanted places as the community gets."""
    monday = clock.day(now) + timedelta(days=7 - clock.day(now).weekday())
    # The demo's community may have posts of its own already.
    taken = {tuple(row) for row in db.connection().execute(select(Post.area_id, Post.name))}
    for place in places:
        left, position, shapes, again = place.places, 0, list(POSTS), 1
        while left:
            if not shapes:
                shapes, again = list(POSTS), again + 1
            shape = random.choices(shapes, [each.weight for each in shapes])[0]
            shapes.remove(shape)
            if again > 1 or (place.id, shape.name) in taken:
                again = max(again, 2)
                shape = replace(shape, name=f"{shape.name}{again}", name_en=f"{shape.name_en} {again}")
            left -= _post(rows, random, place, shape, position, left, monday, now)
            position += 1


def _post(
    rows: Rows,
    random: Random,
    place: Place,
    shape: PostShape,
    position: int,
    left: int,
    monday: date,
    now: datetime,
) -> int:
    """A post with its recurring shift and the week's shifts; returns how many places it wants."""
    # Some days of the week for one or two people; the last post takes what is left of the community's places.
    wanted = random.choice((1, 1, 2, 2, 3)) if left >= 3 else 1
    days = min(left // wanted, random.choice((3, 4, 5, 7)), 7)
    weekdays = sum(1 << day for day in sorted(random.sample(range(7), days)))
    post_id = rows.add(
        Post,
        area_id=place.id,
        area_path=place.path,
        team_id=None,
        name=shape.name,
        name_en=shape.name_en,
        kind=shape.kind,
        place=shape.place,
        instructions="",
        protection=shape.protection,
        suit_minutes=shape.suit_minutes,
        lead_person_id=None,
        phone=None,
        handles_household_data=shape.handles_household_data,
        adults_only=shape.adults_only,
        newcomers_welcome=shape.newcomers_welcome,
        position=position,
        code_version=1,
        created_at=now,
        closed_at=None,
    )
    numbers = {
        "minimum_count": max(1, wanted - 1),
        "wanted_count": wanted,
        "maximum_count": wanted + random.choice((0, 1, 2)),
    }
    template_id = rows.add(
        ShiftTemplate,
        post_id=post_id,
        weekdays=weekdays,
        start_minute=shape.start_minute,
        length_minutes=shape.length_minutes,
        **numbers,
        created_at=now,
        ended_at=None,
    )
    if shape.skill:
        rows.add(TemplateSkill, template_id=template_id, skill_code=shape.skill, needed_count=wanted)
    for day in days_of(monday, monday + timedelta(days=6), weekdays=weekdays):
        stretch = stretch_on(day, start_minute=shape.start_minute, length_minutes=shape.length_minutes)
        shift_id = rows.add(
            Shift,
            post_id=post_id,
            area_path=place.path,
            template_id=template_id,
            day=stretch.day,
            starts_at=stretch.starts_at,
            ends_at=stretch.ends_at,
            leave_by=leave_deadline(stretch.starts_at),
            **numbers,
            taken_count=0,
            waiting_count=0,
            state=ShiftState.OPEN,
            lead_person_id=None,
            created_at=now,
            cancelled_at=None,
            cancel_reason=None,
            asked_at=None,
            called_at=None,
            closed_at=None,
            version=2,
        )
        if shape.skill:
            rows.add(
                ShiftSkill, shift_id=shift_id, skill_code=shape.skill, needed_count=wanted, taken_count=0
            )
    if shape.skill in CERTIFIED:
        place.needed[shape.skill] = place.needed.get(shape.skill, 0) + wanted * days
    return wanted * days
