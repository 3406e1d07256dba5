"""The reserve of the full county, written in bulk through Core: everybody invented and numbered, none of it the demo."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from bench.stage import Stage
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import segment
from webapp.domain.mobilization.models import ReserveDay, Reservist, ReservistSkill
from webapp.domain.mobilization.rules import Category, EnrolSource, Readiness
from webapp.domain.people.models import Person
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Commitment,
    SkillCertificate,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.rules import (
    AgeGroup,
    Availability,
    CommitmentKind,
    Half,
    Society,
    VolunteerState,
)

TOWNS, COMMUNITIES, VOLUNTEERS, CADRES, SHIFT_PLACES = 25, 335, 18_000, 26_000, 2_600
TASKS = ("carrying", "delivery", "order", "desk", "driving", "care")
CERTIFIED = ("sampling", "nursing", "disinfection")
AT_ONCE = 5_000


@dataclass(frozen=True)
class County:
    """Where the county's areas lie: paths of the whole, of its towns and of its communities."""

    path: str
    towns: tuple[str, ...]
    communities: tuple[str, ...]


def fill_county(stage: Stage, *, seed: int = 1) -> County:
    """335 communities in 25 towns with 18,000 volunteers and 26,000 cadres in the reserve; 2,600 places taken."""
    with stage.app.app_context():
        county = db.writing(_fill)(random.Random(seed))
    stage.analyze()
    return county


def _write(model: Any, rows: Sequence[dict[str, Any]]) -> None:
    table = model.__table__
    defaults = {
        column.name: column.default.arg
        for column in table.columns
        if column.default and column.default.is_scalar
    }
    if "public_id" in table.c:
        rows = [{"public_id": new_public_id(), **row} for row in rows]
    for start in range(0, len(rows), AT_ONCE):
        db.connection().execute(insert(table), [{**defaults, **row} for row in rows[start : start + AT_ONCE]])


def _area(name: str, level: str, path: str, parent: Any, number: int) -> Any:
    values = {
        "public_id": new_public_id(),
        "code": f"B{level}{number}",
        "name": name,
        "level": level,
        "parent_id": parent.id if parent is not None else None,
        "path": path,
        "sort_key": f"{number:06}",
    }
    return db.connection().execute(insert(Area.__table__).returning(Area.__table__), values).one()


def _fill(dice: random.Random) -> County:
    county = _area("某县", "county", segment(1), None, 1)
    towns = [_area(f"第{n}镇", "town", county.path + segment(n), county, n) for n in range(1, TOWNS + 1)]
    places = [
        _area(f"第{n}社区", "community", (town := towns[n % TOWNS]).path + segment(n), town, n)
        for n in range(1, COMMUNITIES + 1)
    ]
    count = VOLUNTEERS + CADRES
    now = clock.now()
    _write(
        Person,
        [
            {
                "id": number,
                "name": f"队员{number}",
                "name_key": f"队员{number}",
                "pinyin_key": f"{number:06}",
                "initials_key": "",
                "is_invented": True,
                "created_at": now,
            }
            for number in range(1, count + 1)
        ],
    )
    homes = [dice.choice(places) for _ in range(count)]
    _volunteers(dice, homes[:VOLUNTEERS], now)
    _reservists(dice, homes, now)
    _taken(dice, count, now)
    for model in (Person, Volunteer, Reservist):
        db.count_on(model.__table__)
    return County(county.path, tuple(each.path for each in towns), tuple(each.path for each in places))


def _volunteers(dice: random.Random, homes: Sequence[Any], now: Any) -> None:
    numbers = range(1, len(homes) + 1)
    _write(
        Volunteer,
        [
            {
                "id": number,
                "person_id": number,
                "name": f"队员{number}",
                "pinyin_key": f"{number:06}",
                "phone_tail": "0000",
                "state": VolunteerState.ACCEPTED,
                "society": Society.VOLUNTEER,
                "area_id": home.id,
                "area_path": home.path,
                "age_group": AgeGroup.ADULT,
                "applied_at": now,
            }
            for number, home in zip(numbers, homes, strict=True)
        ],
    )
    skills, certificates, slots = [], [], []
    for number in numbers:
        known = dice.sample(TASKS, dice.choice((1, 2, 2, 3)))
        if dice.random() < 0.12:
            certified = dice.choice(CERTIFIED)
            known.append(certified)
            certificates.append(
                {
                    "volunteer_id": number,
                    "skill_code": certified,
                    "expires_on": clock.day(now) + timedelta(days=dice.choice((-30, 200, 400))),
                    "created_at": now,
                }
            )
        skills += [{"volunteer_id": number, "skill_code": code} for code in known]
        if dice.random() < 0.6:
            slots += [
                {
                    "volunteer_id": number,
                    "weekday": weekday,
                    "half": half,
                    "state": dice.choice((Availability.AVAILABLE, Availability.NOT_AVAILABLE)),
                }
                for weekday in range(7)
                for half in Half
            ]
    _write(VolunteerSkill, skills)
    _write(SkillCertificate, certificates)
    _write(AvailabilitySlot, slots)


def _reservists(dice: random.Random, homes: Sequence[Any], now: Any) -> None:
    rows, skills, days = [], [], []
    for number, home in enumerate(homes, 1):
        readiness = dice.choices(
            (Readiness.READY, Readiness.LIMITED, Readiness.RESTING, Readiness.AWAY), (80, 8, 6, 6)
        )[0]
        calls, drills = dice.randrange(6), dice.randrange(4)
        rows.append(
            {
                "id": number,
                "person_id": number,
                "name": f"队员{number}",
                "pinyin_key": f"{number:06}",
                "phone_tail": "0000",
                "category": Category.VOLUNTEER if number <= VOLUNTEERS else Category.CADRE,
                "area_id": home.id,
                "area_path": home.path,
                "readiness": readiness,
                "away_until": now + timedelta(hours=dice.randrange(1, 200))
                if readiness is Readiness.AWAY
                else None,
                "source": EnrolSource.IMPORT,
                "enrolled_at": now,
                "call_count": calls,
                "yes_count": dice.randint(0, calls),
                "drill_count": drills,
                "drill_yes_count": dice.randint(0, drills),
            }
        )
        if number > VOLUNTEERS and dice.random() < 0.5:
            skills.append({"reservist_id": number, "skill_code": dice.choice(TASKS + CERTIFIED)})
        if dice.random() < 0.05:
            days += [
                {
                    "reservist_id": number,
                    "day": clock.day(now) + timedelta(days=1),
                    "half": half,
                    "state": Availability.NOT_AVAILABLE,
                    "said_at": now,
                }
                for half in Half
            ]
    _write(Reservist, rows)
    _write(ReservistSkill, skills)
    _write(ReserveDay, days)


def _taken(dice: random.Random, count: int, now: Any) -> None:
    rows = []
    for number, person in enumerate(dice.sample(range(1, count + 1), SHIFT_PLACES), 1):
        begins = now + timedelta(hours=dice.randrange(72))
        rows.append(
            {
                "person_id": person,
                "starts_at": begins,
                "ends_at": begins + timedelta(hours=5),
                "kind": CommitmentKind.SHIFT,
                "reference_id": number,
            }
        )
    _write(Commitment, rows)
