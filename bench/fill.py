"""Communities of any size, written row by row through Core: measuring needs 30,000 households in seconds.

The demo is loaded by importers and services; this is not the demo. Everybody here is invented and numbered.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import func, insert, select, text, update

from bench import load
from webapp.base import clock, crypto, db
from webapp.base.ids import hash_token, new_number, new_public_id, new_token
from webapp.base.permissions import Role
from webapp.domain.accounts.models import Appointment, SignIn, TextSize, Theme, User
from webapp.domain.areas.models import Area, Zone, ZoneClass
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.supplies.models import (
    Bag,
    BagItem,
    Order,
    OrderLine,
    Round,
    RoundArea,
    RoundBag,
    RoundBuilding,
)
from webapp.domain.supplies.rules import (
    DeliveryWindow,
    OrderChannel,
    OrderState,
    RoundKind,
    RoundState,
)

DOORS_PER_BUILDING = 50
BUILDINGS_PER_COMPOUND = 8


@dataclass(frozen=True)
class Browser:
    """A phone or desk on which somebody is signed in: what it sends, and whose name its pages carry."""

    name: str
    cookie: str
    csrf: str
    user_id: int
    person_id: int
    household: str = ""
    """Public id of the household; empty for staff."""
    building_id: int = 0
    household_id: int = 0


@dataclass(frozen=True)
class Shelf:
    """A round with its bags: public ids, and the ids inside."""

    id: int
    public_id: str
    bags: tuple[str, ...]
    bag_ids: tuple[int, ...]


@dataclass(frozen=True)
class Community:
    """A filled community."""

    id: int
    public_id: str
    path: str
    name: str
    head: Browser
    residents: tuple[Browser, ...]
    buildings: tuple[int, ...]


class Writer:
    """Collects rows by table with ids of its own, and writes each table at once."""

    def __init__(self) -> None:
        self.rows: dict[Any, list[dict[str, Any]]] = {}
        self.next_id: dict[Any, int] = {}

    def add(self, model: Any, **columns: Any) -> int:
        table = model.__table__
        if "id" in table.c:
            if table not in self.next_id:
                top = db.connection().execute(select(func.max(table.c.id))).scalar()
                self.next_id[table] = (top or 0) + 1
            columns["id"] = self.next_id[table]
            self.next_id[table] += 1
        if "public_id" in table.c:
            columns.setdefault("public_id", new_public_id())
        for column in table.c:
            # Core executemany takes its columns from the first row: every row names them all.
            if column.name not in columns:
                default = column.default
                columns[column.name] = default.arg if default is not None and default.is_scalar else None
        self.rows.setdefault(table, []).append(columns)
        return int(columns.get("id", 0))

    def write(self) -> None:
        connection = db.connection()
        for table in db.Model.metadata.sorted_tables:
            rows = self.rows.pop(table, [])
            for start in range(0, len(rows), 5000):
                connection.execute(insert(table), rows[start : start + 5000])
            if rows and "id" in table.c and connection.dialect.name == "postgresql":
                connection.execute(
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}"
                    )
                )


class Browsers:
    """Signs people in as the application does: a row for the session, a signed cookie, a token for forms."""

    def __init__(self, app: Flask) -> None:
        serializer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert serializer is not None
        self._serializer = serializer
        self._csrf = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token")
        self._cookie = app.config["SESSION_COOKIE_NAME"]

    def open(self, token: str) -> tuple[str, str]:
        """The Cookie header and the X-CSRFToken of a browser whose session has this token."""
        raw = secrets.token_hex(20)
        session = {"_user_id": token, "_fresh": True, "_permanent": True, "csrf_token": raw}
        return f"{self._cookie}={self._serializer.dumps(session)}", str(self._csrf.dumps(raw))


def signed_in_person(writer: Writer, browsers: Browsers, name: str, serial: int) -> Browser:
    """A person with a phone who is signed in; `serial` makes the number."""
    now = clock.now()
    phone = f"170{serial:08d}"
    packed, index = crypto.encrypt(phone), crypto.blind_index("phone", phone)
    person_id = writer.add(
        Person,
        name=name,
        name_key=name,
        pinyin_key=f"zhu{serial:05d}",
        initials_key=f"z{serial:05d}",
        is_invented=True,
        created_at=now,
    )
    writer.add(
        PersonPhone,
        person_id=person_id,
        phone=packed,
        phone_index=index,
        phone_tail=phone[-4:],
        verified_at=now,
    )
    user_id = writer.add(
        User,
        person_id=person_id,
        phone=packed,
        phone_index=index,
        phone_tail=phone[-4:],
        language="zh_Hans",
        text_size=TextSize.NORMAL,
        theme=Theme.SYSTEM,
        created_at=now,
    )
    token = new_token()
    writer.add(
        SignIn,
        token_hash=hash_token(token),
        user_id=user_id,
        created_at=now,
        expires_at=now + timedelta(days=30),
    )
    cookie, csrf = browsers.open(token)
    return Browser(name=name, cookie=cookie, csrf=csrf, user_id=user_id, person_id=person_id)


@db.writing
def community(app: Flask, *, households: int, serial: int = 1) -> Community:
    """A community with so many households, one signed-in member each, a head, building leads and a zone."""
    writer, browsers, now = Writer(), Browsers(app), clock.now()
    base = f"9{serial:03d}"

    def area(name: str, level: str, parent: int | None, path: str, **columns: Any) -> int:
        code = f"{base}{path}"
        return writer.add(
            Area, code=code, name=name, level=level, parent_id=parent, path=path, sort_key=path, **columns
        )

    county_path = f"{base}0."
    town_path = f"{county_path}0001."
    path = f"{town_path}0001."
    county = area(f"测试县{serial}", "county", None, county_path, hotline_phone="0826-1234567")
    town = area(f"测试镇{serial}", "town", county, town_path)
    name = f"测试社区{serial}"
    home = area(
        name,
        "community",
        town,
        path,
        name_en=f"Bench Community {serial}",
        office_name=f"测试县测试镇{name}居民委员会",
        hotline_phone="0826-3220013",
        building_word="栋",
    )
    grid = area("第一网格", "grid", home, f"{path}0001.")
    zone_class = (
        db.connection().execute(select(ZoneClass.__table__.c.id).order_by(ZoneClass.__table__.c.id)).scalar()
    )
    if zone_class is not None:
        writer.add(
            Zone,
            area_id=home,
            zone_class_id=zone_class,
            started_at=now - timedelta(days=2),
            reason="量速度",
            notice="测字1号",
            set_by="bench",
        )
    number = serial * 1_000_000
    head = signed_in_person(writer, browsers, f"主任{serial}", number)
    _appoint(writer, head, Role.COMMUNITY_HEAD, home)
    residents: list[Browser] = []
    buildings: list[int] = []
    compound, building, building_path = 0, 0, ""
    for n in range(households):
        if n % DOORS_PER_BUILDING == 0:
            order = len(buildings)
            compound_path = f"{path}0001.{order // BUILDINGS_PER_COMPOUND + 1:04d}."
            if order % BUILDINGS_PER_COMPOUND == 0:
                compound = area(
                    f"第{order // BUILDINGS_PER_COMPOUND + 1}小区", "compound", grid, compound_path
                )
            building_path = f"{compound_path}{order % BUILDINGS_PER_COMPOUND + 1:04d}."
            building = area(f"{order + 1}栋", "building", compound, building_path)
            buildings.append(building)
            lead = signed_in_person(writer, browsers, f"楼长{serial}-{order + 1}", number + 500_000 + order)
            _appoint(writer, lead, Role.BUILDING_LEAD, building)
        person = signed_in_person(writer, browsers, f"住户{serial}-{n:05d}", number + n + 1)
        residents.append(_household(writer, person, building, building_path, n % DOORS_PER_BUILDING))
    writer.write()
    public_id = (
        db.connection()
        .execute(select(Area.__table__.c.public_id).where(Area.__table__.c.id == home))
        .scalar_one()
    )
    return Community(home, public_id, path, name, head, tuple(residents), tuple(buildings))


def _appoint(writer: Writer, browser: Browser, role: Role, area_id: int) -> None:
    writer.add(
        Appointment,
        user_id=browser.user_id,
        role=role,
        area_id=area_id,
        starts_at=clock.now() - timedelta(days=1),
        made_by="bench",
    )


def _household(writer: Writer, person: Browser, building: int, path: str, n: int) -> Browser:
    now = clock.now()
    unit, floor = n // 25 + 1, n % 25 // 2 + 1
    number = f"{floor}{n % 2 + 1:02d}"
    sort_key = f"{unit:03d}.{floor:03d}.{number:>05}"
    door = writer.add(
        Door, building_id=building, unit=str(unit), floor=floor, number=number, sort_key=sort_key
    )
    public_id = new_public_id()
    household = writer.add(
        Household,
        public_id=public_id,
        area_id=building,
        area_path=path,
        door_id=door,
        sort_key=sort_key,
        state=HouseholdState.LISTED,
        created_at=now,
    )
    writer.add(
        Member,
        household_id=household,
        person_id=person.person_id,
        state=MemberState.CONFIRMED,
        joined_at=now,
    )
    return replace(person, household=public_id, building_id=building, household_id=household)


@db.writing
def shelf(made: Community, *, bags: Sequence[int], number: int, limit: int = 2) -> Shelf:
    """An open limited round of the community; `bags` are the capacities."""
    writer, now = Writer(), clock.now()
    public_id = new_public_id()
    round_id = writer.add(
        Round,
        public_id=public_id,
        area_id=made.id,
        area_path=made.path,
        number=number,
        kind=RoundKind.LIMITED,
        state=RoundState.OPEN,
        delivers_on=clock.day(now + timedelta(days=1)),
        delivery_window=DeliveryWindow.MORNING,
        opens_at=now - timedelta(hours=1),
        cuts_off_at=now + timedelta(hours=8),
        household_limit=limit,
        created_at=now,
    )
    writer.add(RoundArea, round_id=round_id, area_id=made.id, area_path=made.path)
    per_building = len(made.residents) // len(made.buildings)
    for order, building in enumerate(made.buildings):
        writer.add(
            RoundBuilding,
            round_id=round_id,
            area_id=building,
            sort_key=f"{order:06d}",
            household_count=per_building,
        )
    names, ids = [], []
    for position, capacity in enumerate(bags):
        bag = writer.add(
            Bag,
            area_id=made.id,
            area_path=made.path,
            name=f"蔬菜包{number}-{position + 1}",
            name_en=f"Bag {number}-{position + 1}",
            is_basic=position == 0,
            position=position,
            created_at=now,
        )
        for place, (thing, unit) in enumerate((("土豆", "斤"), ("白菜", "棵"), ("鸡蛋", "个"))):
            writer.add(
                BagItem, bag_id=bag, position=place, name=thing, spec="", unit=unit, quantity=2 + place
            )
        names.append(new_public_id())
        ids.append(
            writer.add(
                RoundBag,
                public_id=names[-1],
                round_id=round_id,
                bag_id=bag,
                position=position,
                price_fen=3000,
                capacity=capacity,
                household_limit=limit,
            )
        )
    writer.write()
    return Shelf(round_id, public_id, tuple(names), tuple(ids))


@db.writing
def orders(made: Community, round_: Shelf, *, share: float) -> int:
    """Standing orders of the first `share` of each building's households: one bag each. Returns how many."""
    writer, now = Writer(), clock.now()
    per_building: dict[int, list[Browser]] = {}
    for resident in made.residents:
        per_building.setdefault(resident.building_id, []).append(resident)
    bags, buildings = RoundBag.__table__, RoundBuilding.__table__
    count = 0
    for building, residents in per_building.items():
        chosen = residents[: int(len(residents) * share)]
        for resident in chosen:
            count += 1
            order = writer.add(
                Order,
                client_id=f"bench:{round_.id}:{resident.user_id}",
                area_id=made.id,
                numbered_on=clock.day(now) - timedelta(days=round_.id % 300 + 1),
                number=_number(),
                round_id=round_.id,
                household_id=resident.household_id,
                state=OrderState.LIVE,
                channel=OrderChannel.APP,
                placed_by=f"user:{resident.user_id}",
                placed_by_person_id=resident.person_id,
                placed_at=now,
                total_fen=3000,
                is_late=False,
            )
            writer.add(
                OrderLine,
                order_id=order,
                round_bag_id=round_.bag_ids[0],
                wanted_count=1,
                given_count=1,
                price_fen=3000,
                price_version=1,
                no_substitute=False,
            )
        db.connection().execute(
            update(buildings)
            .where(buildings.c.round_id == round_.id, buildings.c.area_id == building)
            .values(ordered_count=len(chosen))
        )
    writer.write()
    db.connection().execute(
        update(bags).where(bags.c.id == round_.bag_ids[0]).values(taken_count=bags.c.taken_count + count)
    )
    return count


@db.writing
def another_member(app: Flask, browser: Browser, *, serial: int) -> Browser:
    """A second signed-in member of the same household."""
    writer = Writer()
    person = signed_in_person(writer, Browsers(app), f"{browser.name}的家人", serial)
    writer.add(
        Member,
        household_id=browser.household_id,
        person_id=person.person_id,
        state=MemberState.CONFIRMED,
        position=1,
        joined_at=clock.now(),
    )
    writer.write()
    return replace(
        person,
        household=browser.household,
        building_id=browser.building_id,
        household_id=browser.household_id,
    )


def order(browser: Browser, round_: Shelf, *, bag: int = 0, count: int = 1, key: str | None = None) -> bytes:
    """An order as the outbox of this phone sends it, with a fresh key unless one is given."""
    public_id = round_.bags[bag]
    body = {
        "household": browser.household,
        "round": round_.public_id,
        f"count-{public_id}": str(count),
        f"price_version-{public_id}": "1",
    }
    return load.post(
        "/supplies/orders",
        urlencode(body),
        cookie=browser.cookie,
        key=key or new_public_id(),
        csrf=browser.csrf,
    )


_taken: set[str] = set()


def _number() -> str:
    """A number that is not yet given on its day."""
    while True:
        number = new_number()
        if number not in _taken:
            _taken.add(number)
            return number
