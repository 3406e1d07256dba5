"""The reserve of the demo, and what has happened with it: a drill and a call-up of the days before, each to its end.

The cadres come through the importer, volunteers and staff by the head's ticks, and the past is played: the engine
sends its waves at the instants that it would have chosen, people answer by their links each in their own way, the
head calls the roll, stands down and closes the books.
"""

import heapq
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from webapp.base import clock, crypto, db, outbox
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import RuleBroken
from webapp.base.ids import hash_token
from webapp.base.outbox import MessageState
from webapp.demo.community import SEED
from webapp.demo.rounds import deed
from webapp.demo.volunteer_list import VOLUNTEER
from webapp.demo.volunteers import who_signed_up
from webapp.domain.areas.models import Area
from webapp.domain.mobilization.models import CallUp, Reservist, Summons
from webapp.domain.mobilization.queries import enrolling as queries
from webapp.domain.mobilization.queries import muster as muster_queries
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallUpState,
    CannotReason,
    Category,
    Certainty,
    Mark,
    Readiness,
    Reply,
    SummonsState,
)
from webapp.domain.mobilization.services import (
    answers,
    call_ups,
    closing,
    engine,
    enrolling,
    muster,
    reserve,
    reserve_imports,
    stand_down,
    steering,
)
from webapp.domain.mobilization.services.call_ups import CallUpPlan, RolePlan
from webapp.domain.people.models import Person
from webapp.domain.volunteers.rules import Availability, Half

TOWN_CODE = "511623100000"
EVERY_NTH_LEAD = 3
SYSTEM = Actor.system("demo")
FREEZE = timedelta(hours=48)
# What a call list of people who were never called answers, and how soon; each person's own way is around it.
SAYS_YES, SAYS_NO = 0.3, 0.25
MEAN_MINUTES = 4.0


def load(*, head: Actor, area: str, file: Path, refuse: Any, now: datetime) -> None:
    """The reserve, then the drill of five days ago and the call-up of two days ago."""
    then = now - timedelta(days=5, hours=12)
    with file.open("rb") as source:
        reserve_imports.import_reservists(
            deed=deed(SYSTEM, "reserve", then),
            area_code=TOWN_CODE,
            file=source,
            reject=refuse,
            is_invented=True,
        )
    _enrol(head, area, then)
    _play(head, area, _drill(now), key="drill", now=now)
    _play(head, area, _call_up(now), key="call-up", now=now)
    _say(now)


def _enrol(head: Actor, area: str, now: datetime) -> None:
    """All volunteers who fit, the grid workers, and some of those who lead a building."""
    found = queries.find_area(actor=head, public_id=area)
    candidates = queries.list_candidates(area=found, now=now)
    leads = [each for each in candidates.staff if _is_building(each.standing.area_id)]
    staff = [each for each in candidates.staff if each not in leads] + leads[::EVERY_NTH_LEAD]
    people = [each.person for each in (*candidates.volunteers, *staff)]
    if people:
        enrolling.enrol(deed=deed(head, "enrol", now), area=area, people=people)


@reading
def _is_building(area_id: int) -> bool:
    level = db.connection().execute(select(Area.level).where(Area.id == area_id)).scalar_one()
    return bool(level == "building")


def _say(now: datetime) -> None:
    """The volunteer of the story says when she can be called, a cadre is away, another one rests."""
    vera = who_signed_up(VOLUNTEER)
    if vera is not None:
        first = clock.day(now) + timedelta(days=3)
        said = {
            (first + timedelta(days=number), half): Availability.AVAILABLE
            for number in range(0, 9, 2)
            for half in Half
        }
        reserve.set_own_days(deed=deed(vera, "reserve-days", now), said=said, freeze=FREEZE)
    for number, public_id in enumerate(_cadres()[:3]):
        reserve.set_readiness(
            deed=deed(SYSTEM, f"readiness-{number}", now),
            public_id=public_id,
            readiness=(Readiness.AWAY, Readiness.RESTING, Readiness.LIMITED)[number],
            away_until=now + timedelta(days=3) if number == 0 else None,
            reason=("回单位开会", "连续值守两天", "脚伤未好，只能登记")[number],
        )


@reading
def _cadres() -> list[str]:
    rows = db.connection().execute(
        select(Reservist.public_id).where(Reservist.category == Category.CADRE).order_by(Reservist.id)
    )
    return list(rows.scalars())


# --- what happened ------------------------------------------------------------------------------------------


def _at(now: datetime, *, days_ago: int, hour: int, minute: int) -> datetime:
    day = clock.day(now) - timedelta(days=days_ago)
    return clock.instant(datetime.combine(day, time(hour, minute)))


@dataclass(frozen=True)
class _Evening:
    """A call-up and the instant at which its head presses the button."""

    plan: CallUpPlan
    at: datetime


def _drill(now: datetime) -> _Evening:
    at = _at(now, days_ago=5, hour=19, minute=30)
    return _Evening(
        CallUpPlan(
            title="夜间拉动演练",
            roles=(RolePlan("值守", "order", 5), RolePlan("登记", "desk", 3)),
            starts_at=at + timedelta(minutes=40),
            ends_at=at + timedelta(hours=2),
            muster_point="社区广场",
            landmark="老粮站对面",
            bring="红马甲、口罩",
            caller_name="李春梅",
            phone="0826-0000113",
            certainty=Certainty.NORMAL,
            reply_minutes=10,
            is_drill=True,
            is_announced=True,
        ),
        at,
    )


def _call_up(now: datetime) -> _Evening:
    at = _at(now, days_ago=2, hour=20, minute=43)
    return _Evening(
        CallUpPlan(
            title="连夜卸菜分装",
            roles=(RolePlan("搬运", "carrying", 4), RolePlan("登记", "desk", 2), RolePlan("装袋", None, 5)),
            starts_at=at + timedelta(minutes=32),
            ends_at=at + timedelta(hours=3),
            muster_point="北门岗亭",
            landmark="菜鸟驿站旁边",
            bring="手套、口罩",
            eats="社区食堂有夜宵",
            caller_name="李春梅",
            phone="0826-0000113",
            certainty=Certainty.GENTLE,
            reply_minutes=5,
            quiet_reason="菜车提前到了",
        ),
        at,
    )


def _play(head: Actor, area: str, evening: _Evening, *, key: str, now: datetime) -> None:
    """From the first press to the closed books."""
    plan, at = evening.plan, evening.at
    public_id = call_ups.make_call_up(
        deed=deed(head, f"{key}-make", at - timedelta(minutes=6)), area=area, plan=plan
    )
    if _state(public_id) is CallUpState.CLOSED:
        return
    steering.start_call_up(deed=deed(head, f"{key}-start", at), call_up=public_id)
    _call(public_id, plan, key, at)
    _call_roll(head, public_id, plan, key)
    over = plan.ends_at - timedelta(minutes=10)
    stand_down.stand_down(deed=deed(head, f"{key}-stand-down", over), call_up=public_id)
    _deliver(over)
    closing.close_call_up(
        deed=deed(head, f"{key}-close", plan.ends_at + timedelta(minutes=20)), call_up=public_id
    )
    _deliver(now)


@reading
def _state(public_id: str) -> CallUpState:
    found: CallUpState = (
        db.connection().execute(select(CallUp.state).where(CallUp.public_id == public_id)).scalar_one()
    )
    return found


def _call(public_id: str, plan: CallUpPlan, key: str, at: datetime) -> None:
    """Waves and answers in the order of time, until it begins."""
    waiting: list[tuple[datetime, str, Answer]] = []
    asked: set[str] = set()
    moment = at
    while moment < plan.starts_at:
        engine.advance(public_id=public_id, now=moment)
        _deliver(moment)
        for summons, name, sent_at in _new(public_id, asked):
            asked.add(summons)
            reply = _reply(f"{key} {name}")
            if reply is not None:
                heapq.heappush(waiting, (sent_at + reply[0], summons, reply[1]))
        due = [each for each in (_next_at(public_id), waiting[0][0] if waiting else None) if each is not None]
        if not due:
            return
        moment = max(moment, min(due))
        while waiting and waiting[0][0] <= moment:
            when, summons, said = heapq.heappop(waiting)
            _answer(summons, said, when)


def _reply(who: str) -> tuple[timedelta, Answer] | None:
    """What somebody does: answers after some minutes, or nothing at all."""
    random = Random(f"{SEED} {who}")  # noqa: S311 - the same answers each time
    chance = random.random()
    after = timedelta(minutes=min(18.0, random.expovariate(1 / MEAN_MINUTES)), seconds=20)
    if chance < SAYS_YES:
        return after, Answer(reply=Reply.COMING, eta_minutes=random.choice((10, 20, 30)), knows_sealed=True)
    if chance < SAYS_YES + SAYS_NO:
        return after, Answer(reply=Reply.CANNOT, reason=random.choice(list(CannotReason)))
    return None


def _answer(summons: str, said: Answer, at: datetime) -> None:
    token = crypto.blind_index("summons", summons)
    bearer = Actor(kind="token", key=f"summons:{hash_token(token)[:16]}")
    # Whoever has a shift at that time is refused, and stays silent.
    with suppress(RuleBroken):
        answers.answer(
            deed=deed(bearer, f"answer-{summons}", at), answer=said, source=AnswerSource.LINK, token=token
        )


@reading
def _new(public_id: str, asked: set[str]) -> list[tuple[str, str, datetime]]:
    rows = db.connection().execute(
        select(Summons.public_id, Person.name, Summons.sent_at)
        .join(CallUp, CallUp.id == Summons.call_up_id)
        .join(Person, Person.id == Summons.person_id)
        .where(CallUp.public_id == public_id, Summons.state == SummonsState.WAITING)
        .order_by(Summons.id)
    )
    return [(row.public_id, row.name, row.sent_at) for row in rows if row.public_id not in asked]


@reading
def _next_at(public_id: str) -> datetime | None:
    found: datetime | None = (
        db.connection().execute(select(CallUp.next_at).where(CallUp.public_id == public_id)).scalar_one()
    )
    return found


def _call_roll(head: Actor, public_id: str, plan: CallUpPlan, key: str) -> None:
    """A quarter of an hour after it began: nearly all are there, each at a minute of their own."""
    at = plan.starts_at + timedelta(minutes=15)
    shown = muster_queries.get_muster(actor=head, public_id=public_id, now=at)
    typed = []
    for line in shown.lines:
        random = Random(f"{SEED} {key} {line.summons}")  # noqa: S311 - somebody is always missing
        if random.random() < 0.07:
            continue
        arrived = clock.here(plan.starts_at + timedelta(minutes=random.randint(-9, 12)))
        typed.append(
            muster.Typed(
                summons=line.summons,
                mark=Mark.PRESENT,
                version=line.version,
                arrived=arrived.time().replace(second=0, microsecond=0),
            )
        )
    if typed:
        muster.save_muster(deed=deed(head, f"{key}-roll", at), call_up=public_id, lines=typed)


def _deliver(at: datetime) -> None:
    """The demo is its own SMS gateway, also of what was written in the past."""
    while messages := outbox.take_due(now=at, limit=500, may_repeat=True):
        for message in messages:
            outbox.settle(message=message, state=MessageState.SENT, now=at)
