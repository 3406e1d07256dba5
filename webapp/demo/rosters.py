"""Posts and shifts of the demo: two days that are over and counted, a published week with gaps, drafts after it.

Volunteers take their shifts themselves, as they would on their phones; what a rule forbids is not taken. Each deed
has a key that is the same each time, so a load that was interrupted goes on where it stopped.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import LinliError
from webapp.demo.community import SEED
from webapp.demo.make_files import STAFF_TOLD, compound_code
from webapp.demo.rounds import deed
from webapp.demo.volunteer_list import RED_VESTS, SEALED_COMPOUND, VOLUNTEER
from webapp.demo.volunteers import Loaded, Taker
from webapp.domain.areas.models import Area
from webapp.domain.people.models import Person
from webapp.domain.rosters import services
from webapp.domain.rosters.models import Shift, Signup
from webapp.domain.rosters.queries.duty import duty_day
from webapp.domain.rosters.rules import (
    DutyKind,
    Mark,
    Numbers,
    PostKind,
    Protection,
    ShiftState,
    SignupState,
)
from webapp.domain.rosters.services import duty, posts, shifts

EVERY_DAY = 127
MORNING, AFTERNOON, EVENING, NIGHT = (420, 300), (720, 360), (1080, 300), (1380, 480)
PAST_DAYS, PUBLISHED_DAYS, DRAFT_DAYS = 2, 7, 3
# Of a hundred wanted places, so many stay empty for the head to fill; and how many people are asked for each place.
EMPTY_OF_HUNDRED = 18
ASKED = 8


@dataclass(frozen=True)
class PostShape:
    """A post as the head types it, with its recurring shifts: (start, length) → numbers."""

    plan: posts.PostPlan
    times: dict[tuple[int, int], Numbers]
    team: str = ""
    compound: str = ""


POSTS = (
    PostShape(
        posts.PostPlan(
            name="北门卡口",
            lead="何勇",
            name_en="North gate",
            kind=PostKind.GATE,
            place="北门岗亭",
            protection=Protection.LEVEL_1,
            instructions="查通行证，登记进出；120、119、110 先开门后登记。",
            phone="0826-0000121",
        ),
        {
            MORNING: Numbers(1, 2, 3),
            AFTERNOON: Numbers(1, 2, 3),
            EVENING: Numbers(1, 2, 2),
        },
    ),
    PostShape(
        posts.PostPlan(
            name="夜间待命",
            name_en="Night stand-by",
            kind=PostKind.GATE,
            place="社区办公室",
            protection=Protection.LEVEL_1,
            instructions="有人敲门或来电就去，其余时间可以休息。",
            phone="0826-0000122",
            adults_only=True,
        ),
        {NIGHT: Numbers(1, 1, 2)},
    ),
    PostShape(
        posts.PostPlan(
            name="送菜到户",
            lead="唐海燕",
            name_en="Bags to the doors",
            kind=PostKind.DELIVERY,
            place="社区物资点",
            protection=Protection.LEVEL_1,
            instructions="按配送单从上往下送；敲门不进门，放下就走。",
            phone="0826-0000123",
            handles_household_data=True,
            newcomers_welcome=False,
        ),
        {MORNING: Numbers(2, 4, 6, {"delivery": 2}), AFTERNOON: Numbers(1, 3, 4, {"delivery": 1})},
    ),
    PostShape(
        posts.PostPlan(
            name="核酸采样",
            lead="冯斌",
            name_en="Sampling",
            kind=PostKind.SAMPLING,
            place="社区广场",
            protection=Protection.LEVEL_2,
            instructions="穿二级防护，一次不超过四小时。",
            suit_minutes=240,
            phone="0826-0000124",
            adults_only=True,
            newcomers_welcome=False,
        ),
        {MORNING: Numbers(2, 2, 3, {"sampling": 2})},
    ),
    PostShape(
        posts.PostPlan(
            name="核酸采样队列",
            lead="冯斌",
            name_en="Sampling queue",
            kind=PostKind.SAMPLING,
            place="社区广场",
            protection=Protection.LEVEL_1,
            instructions="隔一米排队，老人和孕妇先做。",
            phone="0826-0000124",
        ),
        {MORNING: Numbers(2, 3, 5)},
    ),
    PostShape(
        posts.PostPlan(
            name="热线值班",
            lead="邓小琼",
            name_en="Hotline",
            kind=PostKind.HOTLINE,
            place="社区办公室",
            protection=Protection.NONE,
            instructions="接听、登记、转给负责的人；不答应办不到的事。",
            phone="0826-0000125",
            handles_household_data=True,
            newcomers_welcome=False,
        ),
        {
            MORNING: Numbers(1, 1, 2, {"desk": 1}),
            AFTERNOON: Numbers(1, 1, 2, {"desk": 1}),
            EVENING: Numbers(1, 1, 1, {"desk": 1}),
        },
    ),
    PostShape(
        posts.PostPlan(
            name="消毒",
            lead="唐海燕",
            name_en="Disinfection",
            kind=PostKind.DISINFECTION,
            place="各楼栋公共区域",
            protection=Protection.LEVEL_2,
            instructions="先门把手和电梯，后地面；药水按 1:100 配。",
            suit_minutes=180,
            phone="0826-0000126",
            adults_only=True,
        ),
        {AFTERNOON: Numbers(1, 2, 2, {"disinfection": 1})},
    ),
    PostShape(
        posts.PostPlan(
            name="滨河小区门岗",
            lead="邓建华",
            name_en="Riverside gate",
            kind=PostKind.GATE,
            place="滨河小区大门",
            protection=Protection.LEVEL_1,
            instructions="红马甲志愿服务队负责。",
            phone="0826-0000127",
        ),
        {MORNING: Numbers(1, 1, 2), AFTERNOON: Numbers(1, 1, 2), EVENING: Numbers(1, 1, 1)},
        team=RED_VESTS,
    ),
    PostShape(
        posts.PostPlan(
            name="北辰花园送菜",
            lead="何勇",
            name_en="Bags in Beichen Garden",
            kind=PostKind.DELIVERY,
            place="北辰花园物业",
            protection=Protection.LEVEL_1,
            instructions="封控区内，由住在里面的志愿者送。",
            phone="0826-0000128",
            handles_household_data=True,
            newcomers_welcome=False,
        ),
        {MORNING: Numbers(1, 2, 3), AFTERNOON: Numbers(1, 2, 3)},
        compound=SEALED_COMPOUND,
    ),
)


@dataclass(frozen=True)
class Open:
    """A shift as it can be taken."""

    id: int
    public_id: str
    starts_at: datetime
    ends_at: datetime
    wanted: int


def load(*, head: Actor, area: str, loaded: Loaded, now: datetime) -> None:
    """Posts, shifts, who is on them, what happened so far, who looks for a stand-in, and who is on duty."""
    random = Random(f"{SEED} rosters")  # noqa: S311 - the same week each time
    today = clock.day(now)
    then = now - timedelta(days=PAST_DAYS + 2)
    _make_posts(head, area, loaded.teams, then)
    first, last = today - timedelta(days=PAST_DAYS), today + timedelta(days=PUBLISHED_DAYS - 1)
    shifts.make_shifts(deed=deed(head, "shifts", then), area=area, first=first, last=last)
    shifts.publish_days(deed=deed(head, "publish", then), area=area, first=first, last=last)
    made = _shifts()
    _fill(random, made, loaded.takers, then)
    _call_the_rolls(head, [each for each in made if each.ends_at < now - timedelta(hours=2)])
    services.tidy_shifts(now=now)
    coming = [each for each in made if each.starts_at > now + timedelta(hours=30)]
    _queue(coming, loaded.takers, now - timedelta(hours=2))
    _searches(coming, loaded.takers, now - timedelta(hours=1))
    shifts.make_shifts(
        deed=deed(head, "drafts", now),
        area=area,
        first=last + timedelta(days=1),
        last=last + timedelta(days=DRAFT_DAYS),
    )
    _duties(head, area, today, now)


def _make_posts(head: Actor, area: str, teams: dict[str, str], now: datetime) -> None:
    for number, shape in enumerate(POSTS):
        place = _area_id(compound_code(shape.compound)) if shape.compound else ""
        plan = posts.PostPlan(
            **{
                **{name: getattr(shape.plan, name) for name in posts.PostPlan.__dataclass_fields__},
                "team": teams.get(shape.team, ""),
                "place_area": place,
            }
        )
        post = posts.make_post(deed=deed(head, f"post-{number}", now), area=area, plan=plan)
        for order, ((start, length), numbers) in enumerate(shape.times.items()):
            posts.make_template(
                deed=deed(head, f"template-{number}-{order}", now),
                post=post,
                plan=posts.TemplatePlan(EVERY_DAY, start, length, numbers),
            )


@reading
def _area_id(code: str) -> str:
    found: str = db.connection().execute(select(Area.public_id).where(Area.code == code)).scalar_one()
    return found


@reading
def _shifts() -> list[Open]:
    rows = db.connection().execute(
        select(Shift.id, Shift.public_id, Shift.starts_at, Shift.ends_at, Shift.wanted_count)
        .where(Shift.state == ShiftState.OPEN)
        .order_by(Shift.starts_at, Shift.id)
    )
    return [Open(*row) for row in rows]


# --- who is on them -----------------------------------------------------------------------------------------


def _fill(random: Random, made: list[Open], takers: list[Taker], now: datetime) -> None:
    """Each wanted place is taken by who has taken least and may, a few stay empty; busy people are asked less."""
    load_of = dict.fromkeys((taker.listed.phone for taker in takers), 0)
    for number, shift in enumerate(made):
        for place in range(shift.wanted):
            if random.random() * 100 < EMPTY_OF_HUNDRED:
                continue
            asked = sorted(takers, key=lambda taker: (load_of[taker.listed.phone], random.random()))[:ASKED]
            for taker in asked:
                key = f"take-{number}-{place}-{taker.listed.phone[-3:]}"
                try:
                    services.take_shift(deed=deed(taker.actor, key, now), shift_public_id=shift.public_id)
                except LinliError:
                    # Rests, lives on the other side, has not the skill: the next one is asked.
                    continue
                load_of[taker.listed.phone] += 1
                break


@reading
def _placed(shift_id: int) -> list[Any]:
    return list(
        db.connection().execute(
            select(Signup.public_id, Signup.person_id, Person.public_id.label("person"))
            .join(Person, Person.id == Signup.person_id)
            .where(Signup.shift_id == shift_id, Signup.state == SignupState.PLACED)
            .order_by(Signup.id)
        )
    )


def _call_the_rolls(head: Actor, over: list[Open]) -> None:
    """The head ticked who was there, and when they left; of every ninth person nobody knows."""
    for number, shift in enumerate(over):
        lines = [
            services.Typed(
                shift=shift.public_id,
                person=row.person,
                mark=Mark.PRESENT,
                version=0,
                arrived=_wall(shift.starts_at),
                left=_wall(shift.ends_at),
            )
            for order, row in enumerate(_placed(shift.id))
            if (number + order) % 9
        ]
        if lines:
            services.save_roll_call(
                deed=deed(head, f"roll-call-{number}", shift.ends_at + timedelta(minutes=20)),
                lines=lines,
                shift=shift.public_id,
            )


def _wall(moment: datetime) -> time:
    return clock.here(moment).time().replace(tzinfo=None)


def _queue(coming: list[Open], takers: list[Taker], now: datetime) -> None:
    """Two people wait for a shift that is full."""
    for shift in coming:
        waiting = 0
        for taker in takers:
            try:
                standing = services.take_shift(
                    deed=deed(taker.actor, f"wait-{shift.id}-{taker.listed.phone[-3:]}", now),
                    shift_public_id=shift.public_id,
                    or_wait=True,
                )
            except LinliError:
                continue
            if standing.state is not SignupState.WAITING:
                # It was not full: what was taken here is a place more, and the next shift is tried.
                break
            waiting += 1
            if waiting == 2:
                return


def _searches(coming: list[Open], takers: list[Taker], now: datetime) -> None:
    """One looks for a stand-in among all; another one asks the volunteer of the story for a swap."""
    by_person = {taker.actor.person_id: taker for taker in takers}
    places = [(shift, row) for shift in coming for row in _placed(shift.id) if row.person_id in by_person]
    story = next((taker for taker in takers if taker.listed.phone == VOLUNTEER), None)
    asked = False
    for number, (_shift, row) in enumerate(places):
        taker = by_person[row.person_id]
        if taker is story or asked:
            continue
        asked = _succeeds(
            services.ask_stand_in,
            deed=deed(taker.actor, f"stand-in-{number}", now),
            signup_public_id=row.public_id,
        )
    wanted = [row for _shift, row in places if story is not None and row.person_id == story.actor.person_id]
    for number, (_shift, row) in enumerate(places):
        taker = by_person[row.person_id]
        for order, other in enumerate(wanted):
            if taker is not story and _succeeds(
                services.ask_swap,
                deed=deed(taker.actor, f"swap-{number}-{order}", now),
                signup_public_id=row.public_id,
                wanted_public_id=other.public_id,
            ):
                return


def _succeeds(service: Any, **arguments: Any) -> bool:
    try:
        service(**arguments)
    except LinliError:
        return False
    return True


# --- duty ---------------------------------------------------------------------------------------------------


def _duties(head: Actor, area: str, today: date, now: datetime) -> None:
    """Leader, medical and hotline round the clock, from yesterday on; after a week somebody has to write on."""
    by_name = {name: phone for phone, name, _role, _area in STAFF_TOLD}
    plans = (
        (DutyKind.LEADER, "李春梅", 0, 4),
        (DutyKind.LEADER, "何勇", 4, 4),
        (DutyKind.MEDICAL, "唐海燕", 0, 7),
        (DutyKind.HOTLINE, "邓小琼", 0, 5),
        (DutyKind.HOTLINE, "冯斌", 5, 3),
    )
    for number, (kind, name, after, days) in enumerate(plans):
        starts_at, ends_at = duty_day(today + timedelta(days=after - 1))
        duty.add_duty(
            deed=deed(head, f"duty-{number}", now),
            area=area,
            plan=duty.DutyPlan(kind, starts_at, ends_at, name, by_name[name], days),
        )
