"""Volunteers, posts and shifts written row by row through Core: one community of any size, or the full county.

As in `bench.fill`, everybody here is invented and numbered, and none of this is the demo.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import select

from bench import load
from bench.fill import Browser, Browsers, Community, Writer, signed_in_person
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.areas.models import Area
from webapp.domain.rosters.models import Post, Shift, ShiftSkill, Signup
from webapp.domain.rosters.rules import PostKind, Protection, ShiftState, SignupSource, SignupState
from webapp.domain.volunteers.models import Commitment, Pledge, Volunteer, VolunteerSkill
from webapp.domain.volunteers.rules import (
    PLEDGE_VERSION,
    AgeGroup,
    CommitmentKind,
    PledgeKind,
    Society,
    VolunteerState,
)

_areas: Any = Area.__table__

SKILLS = ("carrying", "delivery", "order", "desk", "driving", "care")


@dataclass(frozen=True)
class MadeShift:
    """A shift: the id inside, and the public one."""

    id: int
    public_id: str


def _volunteer(writer: Writer, browser: Browser, area_id: int, area_path: str, number: int) -> int:
    now = clock.now()
    volunteer = writer.add(
        Volunteer,
        person_id=browser.person_id,
        name=browser.name,
        pinyin_key=f"zhi{number:06d}",
        phone_tail="0000",
        state=VolunteerState.ACCEPTED,
        society=Society.VOLUNTEER,
        area_id=area_id,
        area_path=area_path,
        age_group=AgeGroup.ADULT,
        applied_at=now,
        decided_at=now,
    )
    for n in range(2):
        writer.add(VolunteerSkill, volunteer_id=volunteer, skill_code=SKILLS[(number + n) % len(SKILLS)])
    for kind in PledgeKind:
        writer.add(Pledge, volunteer_id=volunteer, kind=kind, version=PLEDGE_VERSION, pledged_at=now)
    return volunteer


def _post(writer: Writer, area_id: int, area_path: str, name: str, **columns: Any) -> int:
    values = {
        "kind": PostKind.GATE,
        "place": "北门岗亭",
        "protection": Protection.NONE,
        "name_en": name.replace("卡口", "Gate "),
        "created_at": clock.now(),
    } | columns
    return writer.add(Post, area_id=area_id, area_path=area_path, name=name, **values)


def _shift(
    writer: Writer,
    post_id: int,
    area_path: str,
    starts_at: datetime,
    *,
    maximum: int,
    hours: float = 5,
    skills: dict[str, int] | None = None,
    **columns: Any,
) -> MadeShift:
    public_id = new_public_id()
    values = {
        "minimum_count": 1,
        "wanted_count": maximum,
        "state": ShiftState.OPEN,
        "created_at": clock.now(),
    } | columns
    shift = writer.add(
        Shift,
        public_id=public_id,
        post_id=post_id,
        area_path=area_path,
        day=clock.day(starts_at),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
        leave_by=starts_at - timedelta(hours=12),
        maximum_count=maximum,
        **values,
    )
    for code, needed in (skills or {}).items():
        writer.add(ShiftSkill, shift_id=shift, skill_code=code, needed_count=needed)
    return MadeShift(shift, public_id)


def _place(writer: Writer, shift: MadeShift, browser: Browser, starts_at: datetime, hours: float) -> None:
    now = clock.now()
    signup = writer.add(
        Signup,
        shift_id=shift.id,
        person_id=browser.person_id,
        state=SignupState.PLACED,
        source=SignupSource.SELF,
        created_at=now,
        confirmed_at=now,
    )
    writer.add(
        Commitment,
        person_id=browser.person_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
        kind=CommitmentKind.SHIFT,
        reference_id=signup,
    )


def at(days: int, hour: int) -> datetime:
    """So many days from today at this hour on the county's clocks."""
    return clock.instant(datetime.combine(clock.day(clock.now()) + timedelta(days=days), time(hour)))


@db.writing
def volunteers(made: Community, people: Sequence[Browser]) -> None:
    """Make these residents accepted volunteers who live in their buildings."""
    writer = Writer()
    rows = db.connection().execute(select(_areas.c.id, _areas.c.path).where(_areas.c.id.in_(made.buildings)))
    paths = {row.id: row.path for row in rows}
    for number, browser in enumerate(people):
        _volunteer(writer, browser, browser.building_id, paths[browser.building_id], number)
    writer.write()


@db.writing
def shifts(
    made: Community,
    starts: Sequence[datetime],
    *,
    maximum: int = 3,
    hours: float = 5,
    name: str = "卡口",
    skills: dict[str, int] | None = None,
) -> list[MadeShift]:
    """A post of the community with an open shift at each of these times."""
    writer = Writer()
    post = _post(writer, made.id, made.path, f"{name}{new_public_id()[-6:]}")
    found = [
        _shift(writer, post, made.path, start, maximum=maximum, hours=hours, skills=skills)
        for start in starts
    ]
    writer.write()
    return found


@dataclass(frozen=True)
class County:
    """The full load: who is signed in, and an open shift without end in each of their communities."""

    volunteers: tuple[Browser, ...]
    endless: tuple[MadeShift, ...]
    """For `volunteers`, one by one: a shift of theirs that takes everybody."""


PLACES_PER_SHIFT = 3
BUILDINGS = 6


@db.writing
def county(app: Flask, *, communities: int, people: int, places: int) -> County:
    """So many volunteers over so many communities, and a week with so many places, half of them taken."""
    writer, browsers = Writer(), Browsers(app)
    county_path = "80."
    top = writer.add(
        Area,
        code="county",
        name="测试县",
        level="county",
        parent_id=None,
        path=county_path,
        sort_key=county_path,
        hotline_phone="0826-1234567",
    )
    town = writer.add(
        Area, code="town", name="测试镇", level="town", parent_id=top, path="80.1.", sort_key="80.1."
    )
    found: list[Browser] = []
    endless: list[MadeShift] = []
    number = made_places = 0
    for n in range(communities):
        path = f"80.1.{n:04d}."
        home = writer.add(
            Area,
            code=path,
            name=f"第{n}社区",
            level="community",
            parent_id=town,
            path=path,
            sort_key=path,
            hotline_phone="0826-3220013",
        )
        compound = writer.add(
            Area,
            code=f"{path}c",
            name="小区",
            level="compound",
            parent_id=home,
            path=f"{path}1.",
            sort_key=f"{path}1.",
        )
        buildings = [
            (
                writer.add(
                    Area,
                    code=f"{path}b{each}",
                    name=f"{each}栋",
                    level="building",
                    parent_id=compound,
                    path=f"{path}1.{each}.",
                    sort_key=f"{path}1.{each}.",
                ),
                f"{path}1.{each}.",
            )
            for each in range(1, BUILDINGS + 1)
        ]
        here: list[Browser] = []
        while number < people * (n + 1) // communities:
            browser = signed_in_person(writer, browsers, f"志愿{number:05d}", 60_000_000 + number)
            _volunteer(writer, browser, *buildings[number % BUILDINGS], number)
            here.append(browser)
            number += 1
        posts = [
            _post(writer, home, path, f"北门卡口{n}"),
            _post(writer, compound, f"{path}1.", f"小区卡口{n}"),
        ]
        paths = [path, f"{path}1."]
        wanted = places * (n + 1) // communities
        turn = 0
        while made_places < wanted:
            day, hour = 1 + turn % 7, (7, 12, 18)[turn // 7 % 3]
            starts, which = at(day, hour), turn % 2
            placed = here[turn % len(here) : turn % len(here) + PLACES_PER_SHIFT // 2]
            shift = _shift(
                writer,
                posts[which],
                paths[which],
                starts,
                maximum=PLACES_PER_SHIFT,
                taken_count=len(placed),
                skills={SKILLS[turn % len(SKILLS)]: 1} if turn % 3 == 0 else None,
            )
            for each in placed:
                _place(writer, shift, each, starts, 5)
            made_places += PLACES_PER_SHIFT
            turn += 1
        all_day = _shift(writer, posts[0], path, at(12, 8), maximum=500, hours=4)
        found += here
        endless += [all_day] * len(here)
    writer.write()
    return County(tuple(found), tuple(endless))


def take(browser: Browser, shift: MadeShift, *, key: str | None = None, or_wait: bool = False) -> bytes:
    """报名 as the outbox of this phone sends it, with a fresh key unless one is given."""
    return load.post(
        f"/rosters/shifts/{shift.public_id}/take",
        urlencode({"or_wait": "1"} if or_wait else {}),
        cookie=browser.cookie,
        key=key or new_public_id(),
        csrf=browser.csrf,
    )


def act(browser: Browser, shift: MadeShift, deed: str) -> bytes:
    """Another deed about a shift: leave, wait, accept."""
    return load.post(
        f"/rosters/shifts/{shift.public_id}/{deed}",
        "",
        cookie=browser.cookie,
        key=new_public_id(),
        csrf=browser.csrf,
    )
