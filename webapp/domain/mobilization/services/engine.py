"""The engine of a call-up: whom it would ask now (`plan`), and one step of asking them (`advance`, `run_due`).

Choosing reads thousands of people and happens outside the transaction. The step itself is one transaction: it
holds the people chosen (ascending), then the call-up's row if that is still what was read, and looks again at what
may have changed: places taken, answers, other call-ups, other duties. A step that dies leaves nothing behind.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from webapp.base import audit, clock, crypto, db, outbox
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.ids import hash_token, new_public_id
from webapp.base.outbox import Rank
from webapp.domain.mobilization import rules, waves
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, Summons, Wave
from webapp.domain.mobilization.queries import engine as queries
from webapp.domain.mobilization.queries.engine import CallUpNow, Learned, Progress, RoleNow
from webapp.domain.mobilization.queries.pool import Pool, PoolPerson, load_pool
from webapp.domain.mobilization.rules import (
    Because,
    CallUpState,
    Certainty,
    EventKind,
    NotAsked,
    Readiness,
    ShortBecause,
    SummonsState,
)
from webapp.domain.mobilization.services.board import touch_board
from webapp.domain.mobilization.services.timeline import note_event
from webapp.domain.mobilization.waves import Candidate, Evening, History, Ranked
from webapp.domain.notifications.queries.reach import Reach, reach_of
from webapp.domain.notifications.rules import Channel, WhyNot
from webapp.domain.notifications.services import Notice, notify
from webapp.domain.people.models import Person
from webapp.domain.volunteers.rules import Availability

log = logging.getLogger("linli.waves")

# How often a role with open places is looked at before its reply-by, and when nobody is left to ask.
LOOK_AGAIN, LOOK_AGAIN_SHORT = timedelta(minutes=1), timedelta(minutes=5)
# So soon before the end nobody is called any more.
LAST_CALL = timedelta(minutes=15)
# Beside the chosen the next in turn are held, for those whom somebody else has taken meanwhile.
SPARE, SPARE_SHARE = 5, 0.1

_people: Any = Person.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_waves: Any = Wave.__table__
_summonses: Any = Summons.__table__
_reservists: Any = Reservist.__table__

_CHANNELS = (Channel.SMS, Channel.PUSH, Channel.STAFF)
_SHORT = {
    NotAsked.ASKED: ShortBecause.ALL_ASKED,
    NotAsked.SUMMONED: ShortBecause.ALL_BUSY,
    NotAsked.BUSY: ShortBecause.ALL_BUSY,
    NotAsked.AWAY: ShortBecause.ALL_RESTING,
    NotAsked.RESTING: ShortBecause.ALL_RESTING,
    NotAsked.NOT_AVAILABLE: ShortBecause.ALL_RESTING,
    NotAsked.WRONG_SIDE: ShortBecause.WRONG_SIDE,
}


# --- what would be done -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chosen:
    """Somebody whom the next wave asks. Without a `channel` no message reaches them: they stand on the call list."""

    person_id: int
    reservist_id: int
    chance: float
    because: tuple[Because, ...]
    channel: Channel | None
    why_no_sms: WhyNot | None


@dataclass(frozen=True)
class RolePlan:
    """What the engine would do now for one role.

    `chosen` are asked in the next wave, in turn (empty: nobody is asked now, and `is_waiting` says whether those
    asked before are waited for). `chance` is how surely the open places fill, `target` how surely they should.
    `expected_at`: when they are expected to be full. `candidates`: how many could be asked as far as the calling
    reaches. `not_asked`: how many of the reserve there are not asked, and why.
    """

    role_id: int
    name: str
    skill_code: str | None
    wanted: int
    open: int
    chosen: tuple[Chosen, ...]
    is_waiting: bool
    chance: float
    target: float
    tier_path: str
    expected_at: datetime | None
    candidates: int
    not_asked: Mapping[NotAsked, int]
    short_because: ShortBecause | None
    # The next in turn after the chosen.
    spare: tuple[Chosen, ...] = ()

    @property
    def by_message(self) -> tuple[Chosen, ...]:
        """Those whom a message reaches."""
        return tuple(each for each in self.chosen if each.channel)

    @property
    def by_phone(self) -> tuple[Chosen, ...]:
        """Those for the call list."""
        return tuple(each for each in self.chosen if not each.channel)


@dataclass(frozen=True)
class Plan:
    """What the engine would do now. `quiet_until`: nobody is asked before that instant. `reply_by` of the next wave."""

    call_up_id: int
    public_id: str
    now: datetime
    reply_by: datetime
    quiet_until: datetime | None
    roles: tuple[RolePlan, ...]
    evening: Evening
    learned: Learned

    @property
    def asked(self) -> int:
        """How many people the next wave asks by a message."""
        return sum(len(role.by_message) for role in self.roles)

    @property
    def channels(self) -> Mapping[Channel, int]:
        """By which way they are reached: the first that works of SMS, push, staff channel."""
        return Counter(each.channel for role in self.roles for each in role.chosen if each.channel)

    @property
    def sms_count(self) -> int:
        """How many SMS the next wave costs."""
        return self.channels.get(Channel.SMS, 0)

    @property
    def by_phone(self) -> tuple[Chosen, ...]:
        """Whom no message reaches."""
        return tuple(each for role in self.roles for each in role.by_phone)


def target_of(certainty: Certainty) -> float:
    """How surely the places are to fill."""
    return waves.TARGETS[certainty]


@reading
def plan(*, call_up_id: int, now: datetime) -> Plan:
    """What the engine would do for this call-up now, in whatever state it is; reads only. Raises NotFound."""
    return _plan(queries.load_call_up(call_up_id=call_up_id, now=now), now, ignores_quiet=True)


def _quiet_until(row: Any, now: datetime) -> datetime | None:
    if row.quiet_reason and not row.is_drill:
        return None
    return rules.quiet_ends(clock.here(now))


class _Pools:
    """The pools of the tiers, each read once and only when the calling gets there."""

    def __init__(self, call_up: CallUpNow, now: datetime) -> None:
        self._call_up = call_up
        self._now = now
        self._pools: dict[str, Pool] = {}
        self._reach: dict[int, Reach] = {}
        self._steps: dict[str, int] = {}

    def of(self, tier: str) -> Pool:
        """Everybody of the reserve there."""
        if tier not in self._pools:
            row = self._call_up.row
            self._pools[tier] = load_pool(
                tier_path=tier,
                starts_at=max(row.starts_at, self._now),
                ends_at=row.ends_at,
                now=self._now,
                call_up_id=row.id,
            )
        return self._pools[tier]

    def reach(self, person_ids: Sequence[int]) -> Mapping[int, Reach]:
        """How these are reached."""
        missing = [each for each in person_ids if each not in self._reach]
        if missing:
            self._reach.update(reach_of(missing))
        return self._reach

    def steps(self, path: str) -> int:
        """How far an area is from the one that calls: 0 in it, 1 in the next around it, and so on."""
        found = self._steps.get(path)
        if found is None:
            ladder = self._call_up.ladder
            found = next((step for step, tier in enumerate(ladder) if path.startswith(tier)), len(ladder))
            self._steps[path] = found
        return found


def _plan(call_up: CallUpNow, now: datetime, *, ignores_quiet: bool = False) -> Plan:
    row = call_up.row
    learned = queries.learn(widest_path=row.widest_path, is_drill=row.is_drill)
    night = _evening(call_up.progress, learned, now)
    quiet_until = _quiet_until(row, now)
    is_held = quiet_until is not None and not ignores_quiet
    pools = _Pools(call_up, now)
    spoken_for: set[int] = set()
    found: dict[int, RolePlan] = {}
    for role in _in_order(call_up.progress.roles):
        made = _plan_role(call_up, role, pools, night, learned, spoken_for, now, is_held=is_held)
        spoken_for |= {each.person_id for each in made.chosen}
        found[role.id] = made
    return Plan(
        call_up_id=row.id,
        public_id=row.public_id,
        now=now,
        reply_by=now + timedelta(minutes=row.reply_minutes),
        quiet_until=quiet_until,
        roles=tuple(found[role.id] for role in call_up.progress.roles),
        evening=night,
        learned=learned,
    )


def _in_order(roles: Iterable[RoleNow]) -> list[RoleNow]:
    """Roles that need a skill choose before those that anybody can do."""
    return sorted(roles, key=lambda role: (role.skill_code is None, role.id))


def _evening(progress: Progress, learned: Learned, now: datetime) -> Evening:
    silent = [each.as_silent(now) for found in progress.silent.values() for each in found if each.is_reached]
    return waves.evening(learned.evening_spread, answers=progress.answers, silent=silent, tempo=learned.tempo)


def _turn(
    call_up: CallUpNow,
    role: RoleNow,
    progress: Progress,
    learned: Learned,
    night: Evening,
    now: datetime,
    chances: Sequence[float],
) -> waves.Size | None:
    """The decision about one role's next wave, as things stand in `progress`."""
    since: float | None = None
    is_hurried = False
    if role.sent_at is not None and role.reply_by is not None:
        since = call_up.window if role.reply_by <= now else (now - role.sent_at).total_seconds()
        if since < 0:
            # The clock jumped back: neither wait for it to come there again, nor call it the end of the window.
            since = waves.TOP_UP_AFTER * call_up.window
        is_hurried = call_up.hurried_at is not None and call_up.hurried_at > role.sent_at
    return waves.next_wave(
        open_count=role.open_count,
        since=since,
        window=call_up.window,
        target=target_of(Certainty(call_up.row.certainty)),
        chances=chances,
        silent=[each.as_silent(now) for each in progress.silent.get(role.id, ()) if each.is_reached],
        units=progress.units.get(role.id, ()),
        night=night,
        tempo=learned.tempo,
        is_hurried=is_hurried,
    )


def _plan_role(
    call_up: CallUpNow,
    role: RoleNow,
    pools: _Pools,
    night: Evening,
    learned: Learned,
    spoken_for: set[int],
    now: datetime,
    *,
    is_held: bool,
) -> RolePlan:
    target = target_of(Certainty(call_up.row.certainty))
    nothing = RolePlan(
        role_id=role.id,
        name=role.name,
        skill_code=role.skill_code,
        wanted=role.wanted_count,
        open=role.open_count,
        chosen=(),
        is_waiting=False,
        chance=1.0,
        target=target,
        tier_path=call_up.tiers[0],
        expected_at=None,
        candidates=0,
        not_asked={},
        short_because=None,
    )
    if role.open_count <= 0:
        return nothing
    if now >= call_up.row.ends_at - LAST_CALL:
        return replace(nothing, chance=0.0, short_because=ShortBecause.NO_TIME)
    if _turn(call_up, role, call_up.progress, learned, night, now, ()) is None:
        return replace(nothing, is_waiting=True, short_because=_as_before(role))
    if is_held:
        return replace(nothing, chance=0.0, short_because=ShortBecause.QUIET_HOURS)
    return _choose(call_up, role, pools, night, learned, spoken_for, now, nothing)


def _as_before(role: RoleNow) -> ShortBecause | None:
    return ShortBecause(role.short_because) if role.short_because else None


def _choose(
    call_up: CallUpNow,
    role: RoleNow,
    pools: _Pools,
    night: Evening,
    learned: Learned,
    spoken_for: set[int],
    now: datetime,
    nothing: RolePlan,
) -> RolePlan:
    """The smallest wave that reaches the target, from the nearest tier that gives it; else all that there are."""
    made = nothing
    for tier in call_up.tiers:
        pool = pools.of(tier)
        ranked, not_asked = _rank(call_up, role, pool, pools, learned, spoken_for, now)
        # Who is beyond what any wave would ask need not be looked up.
        most = waves.MOST_BESIDES + waves.MOST_PER_PLACE * role.open_count
        near = ranked[: 2 * most + SPARE]
        reach = pools.reach([each.person_id for each in near])
        turn = [_chosen(each, pool.people[each.person_id], reach[each.person_id]) for each in near]
        reached = [each.chance for each in turn if each.channel]
        size = _turn(call_up, role, call_up.progress, learned, night, now, reached)
        if size is None:
            return replace(nothing, is_waiting=True, candidates=len(ranked), not_asked=not_asked)
        count = _prefix(turn, size.people)
        spare = SPARE + int(SPARE_SHARE * count)
        is_all = size.people == len(reached)
        is_short = size.chance < nothing.target and is_all
        made = replace(
            nothing,
            chosen=tuple(turn[:count]),
            spare=tuple(turn[count : count + spare]),
            chance=size.chance,
            # As far as anybody chosen lives, which may be nearer than the calling looked.
            tier_path=call_up.ladder[
                max((each.steps for each in near[:count]), default=call_up.ladder.index(call_up.tiers[0]))
            ],
            candidates=len(ranked),
            not_asked=not_asked,
            expected_at=_expected_at(role, turn[:count], learned, now, call_up.row.ends_at),
            short_because=_short(role, pool, not_asked) if is_short else None,
        )
        if not is_short:
            break
    return made


def _prefix(turn: Sequence[Chosen], people: int) -> int:
    """How many of the turn until so many whom a message reaches are in; all, where there are no more of them."""
    reached = 0
    for count, each in enumerate(turn):
        if reached == people:
            return count
        reached += each.channel is not None
    return len(turn)


def _expected_at(
    role: RoleNow, chosen: Sequence[Chosen], learned: Learned, now: datetime, ends_at: datetime
) -> datetime | None:
    seconds = waves.fills_after(
        role.open_count,
        [each.chance for each in chosen if each.channel],
        learned.tempo,
        longest=max((ends_at - now).total_seconds(), 0.0),
    )
    return None if seconds is None else now + timedelta(seconds=seconds)


def _chosen(each: Ranked, person: PoolPerson, reach: Reach) -> Chosen:
    channel = next((way for way in _CHANNELS if way in reach.channels), None)
    because = each.because if channel else (*each.because, Because.BY_PHONE)
    return Chosen(each.person_id, person.reservist_id, each.chance, because, channel, reach.because)


def _rank(
    call_up: CallUpNow,
    role: RoleNow,
    pool: Pool,
    pools: _Pools,
    learned: Learned,
    spoken_for: set[int],
    now: datetime,
) -> tuple[list[Ranked], Mapping[NotAsked, int]]:
    place = pool.side_of(call_up.row.area_path)
    not_asked: Counter[NotAsked] = Counter()
    holders: Counter[str] = Counter()
    chances: dict[History, float] = {}
    candidates = []
    starts_at = call_up.row.starts_at
    for person in pool.people.values():
        holders.update(person.skills)
        because = _why_not(call_up, role, person, place, starts_at)
        if because is not None:
            not_asked[because] += 1
            continue
        if person.person_id in spoken_for:
            continue
        history = History(person.call_count, person.yes_count, person.drill_count, person.drill_yes_count)
        chance = chances.get(history)
        if chance is None:
            chance = chances[history] = waves.chance_of(history, learned.prior)
        candidates.append(
            Candidate(
                person.person_id,
                person.skills,
                pools.steps(person.area_path),
                person.readiness is Readiness.LIMITED,
                person.availability is Availability.AVAILABLE,
                chance,
                person.last_called_at,
                person.stood_down_count,
            )
        )
    kept_for = frozenset(
        each.skill_code
        for each in call_up.progress.roles
        if each.skill_code and each.id != role.id and each.open_count > 0
    )
    ranked = waves.rank(
        candidates,
        skill=role.skill_code,
        kept_for=kept_for,
        scarce=waves.scarce_skills(holders, len(pool.people)),
        usual=learned.prior.mean,
        now=now,
    )
    return ranked, not_asked


def _why_not(
    call_up: CallUpNow, role: RoleNow, person: PoolPerson, place: str, starts_at: datetime
) -> NotAsked | None:
    """Why somebody is not asked for this role; None: they may be. What cannot change tonight goes first."""
    if call_up.categories and person.category not in call_up.categories:
        return NotAsked.CATEGORY
    if role.skill_code is not None and role.skill_code not in person.skills:
        return NotAsked.SKILL
    if person.person_id in call_up.asked:
        return NotAsked.ASKED
    if person.side not in ("", place):
        # Out of a sealed area nobody gets; into one they may, and are told so first.
        return NotAsked.WRONG_SIDE
    if person.is_away(starts_at) or (person.readiness is Readiness.AWAY and person.away_until is None):
        return NotAsked.AWAY
    if person.readiness is Readiness.RESTING:
        return NotAsked.RESTING
    if person.availability is Availability.NOT_AVAILABLE:
        return NotAsked.NOT_AVAILABLE
    if person.is_summoned:
        return NotAsked.SUMMONED
    if person.is_committed:
        return NotAsked.BUSY
    return None


def _short(role: RoleNow, pool: Pool, not_asked: Mapping[NotAsked, int]) -> ShortBecause:
    """Why nobody is left to ask: what keeps most of those who could."""
    counted: Counter[ShortBecause] = Counter()
    for why, count in not_asked.items():
        if why in _SHORT:
            counted[_SHORT[why]] += count
    if not counted:
        is_known = role.skill_code is None or any(
            role.skill_code in person.skills for person in pool.people.values()
        )
        return ShortBecause.ALL_ASKED if is_known and pool.people else ShortBecause.NOBODY_CAN
    return max(counted, key=lambda why: (counted[why], why))


# --- doing it -----------------------------------------------------------------------------------------------


def run_due(now: datetime) -> int:
    """One step of each call-up at which something is due; returns how many moved. One that breaks stops no other."""
    moved = 0
    for public_id in queries.list_due(now=now):
        try:
            moved += advance(public_id=public_id, now=now)
        except Exception:
            log.exception("wave_broke", extra={"call_up": public_id})
            _put_off(public_id=public_id, now=now)
    return moved


@writing
def _put_off(*, public_id: str, now: datetime) -> None:
    """Look again a little later, so that what is broken is not tried twice a second."""
    db.connection().execute(
        update(_call_ups)
        .where(_call_ups.c.public_id == public_id, is_any(_call_ups.c.state, CallUpState.RUNNING))
        .values(next_at=now + LOOK_AGAIN)
    )


def advance(*, public_id: str, now: datetime) -> bool:
    """One step of one running call-up: lapse who is silent, send the waves that are due. False: nothing was done.

    Of two workers that try at once one does it; a call-up that is paused or over is left alone.
    """
    call_up, made = _look(public_id=public_id, now=now)
    return made is not None and _advance(call_up=call_up, made=made, now=now)


@reading
def _look(*, public_id: str, now: datetime) -> tuple[CallUpNow, Plan | None]:
    call_up = queries.load_call_up(public_id=public_id, now=now)
    due = call_up.row.next_at
    is_due = due is not None and (due <= now or due > now + queries.FURTHEST)
    if call_up.row.state is not CallUpState.RUNNING or not is_due:
        return call_up, None
    return call_up, _plan(call_up, now)


@writing
def _advance(*, call_up: CallUpNow, made: Plan, now: datetime) -> bool:
    row = call_up.row
    held = [each for role in made.roles for each in (*role.chosen, *role.spare)]
    _hold({each.person_id for each in held})
    changed = db.connection().execute(
        update(_call_ups)
        .where(
            _call_ups.c.id == row.id,
            _call_ups.c.version == row.version,
            is_any(_call_ups.c.state, CallUpState.RUNNING),
        )
        .values(version=_call_ups.c.version + 1)
    )
    if changed.rowcount != 1:
        return False
    deed = Deed(
        actor=Actor.system("mobilization.engine"),
        client_id=new_public_id(),
        fingerprint="",
        now=now,
        source="worker",
    )
    lapsed = _lapse(row.id, now)
    progress = queries.load_progress(call_up_id=row.id, now=now)
    step = _Step(deed, call_up, made, progress)
    sent = [step.send(role) for role in made.roles]
    step.write()
    tier_path = min((each for each in sent if each), key=len, default=row.tier_path)
    if len(tier_path) < len(row.tier_path):
        note_event(EventKind.TIER, call_up_id=row.id, at=now, by=deed.actor.key, tier=tier_path)
    else:
        tier_path = row.tier_path
    db.connection().execute(
        update(_call_ups)
        .where(_call_ups.c.id == row.id)
        .values(tier_path=tier_path, next_at=step.next_at(made.quiet_until))
    )
    if lapsed or any(sent) or step.has_news:
        touch_board(row.id)
    return True


def take_back_unsent(deed: Deed, row: Any) -> int:
    """Whoever was chosen, but whose message has not left yet, is not summoned after all; returns how many.

    Inside the transaction that ends the call-up and holds its row.
    """
    s = _summonses.c
    connection = db.connection()
    waiting = connection.execute(
        select(s.id, s.public_id).where(s.call_up_id == row.id, is_any(s.state, SummonsState.WAITING))
    ).all()
    references = {f"summons:{each.public_id}": each.id for each in waiting}
    back = outbox.withdraw_unsent(_template(row), list(references))
    if back:
        connection.execute(
            update(_summonses)
            .where(s.id.in_([references[each] for each in back]))
            .values(state=SummonsState.STOOD_DOWN, stood_down_at=deed.now, version=s.version + 1)
        )
    return len(back)


def _template(row: Any) -> str:
    return "call_up_drill" if row.is_drill else "call_up"


def _hold(person_ids: set[int]) -> None:
    """Hold these people until the transaction ends, in ascending order: nobody else takes their time meanwhile."""
    if not person_ids:
        return
    mine = _people.c.id.in_(sorted(person_ids))
    connection = db.connection()
    connection.execute(select(_people.c.id).where(mine).order_by(_people.c.id).with_for_update()).all()
    connection.execute(update(_people).where(mine).values(version=_people.c.version + 1))


def _lapse(call_up_id: int, now: datetime) -> int:
    """Who did not answer in time is missing; what they answer later is kept all the same."""
    s = _summonses.c
    return (
        db.connection()
        .execute(
            update(_summonses)
            .where(
                s.call_up_id == call_up_id,
                is_any(s.state, SummonsState.WAITING, SummonsState.LATER),
                s.reply_by <= now,
            )
            .values(state=SummonsState.MISSED, version=s.version + 1)
        )
        .rowcount
    )


class _Step:
    """The waves of one step, gathered role by role and written together."""

    def __init__(self, deed: Deed, call_up: CallUpNow, made: Plan, progress: Progress) -> None:
        self._deed = deed
        self._call_up = call_up
        self._made = made
        self._roles = {role.id: role for role in progress.roles}
        self._progress = progress
        self._night = _evening(progress, made.learned, deed.now)
        self._taken = self._taken_meanwhile()
        self._summonses: list[dict[str, Any]] = []
        self._asked: list[tuple[Chosen, RolePlan, str]] = []
        self._is_cut = False
        self.has_news = False

    def _taken_meanwhile(self) -> set[int]:
        row = self._call_up.row
        ids = {each.person_id for role in self._made.roles for each in (*role.chosen, *role.spare)}
        if not ids:
            return set()
        starts_at = max(row.starts_at, self._deed.now)
        return queries.busy_of(ids, starts_at=starts_at, ends_at=row.ends_at) | queries.summoned_of(
            ids, call_up_id=row.id, starts_at=starts_at, ends_at=row.ends_at
        )

    def send(self, plan: RolePlan) -> str | None:
        """The role's wave as things stand now; returns the tier it reaches, None when nobody is asked."""
        role = self._roles[plan.role_id]
        tier = self._ask(role, plan)
        self._explain(role, plan)
        return tier

    def _ask(self, role: RoleNow, plan: RolePlan) -> str | None:
        if not plan.chosen or role.open_count <= 0:
            return None
        turn = [each for each in (*plan.chosen, *plan.spare) if each.person_id not in self._taken]
        reached = [each.chance for each in turn if each.channel]
        size = _turn(
            self._call_up, role, self._progress, self._made.learned, self._night, self._deed.now, reached
        )
        if size is None:
            return None
        # Where the reading had found no more people, those left are asked also for less than the target.
        count = _prefix(turn, size.people)
        chosen = turn[:count]
        if size.chance < plan.target <= plan.chance:
            self._is_cut = True
        if not chosen:
            return None
        self._write_wave(role, plan, chosen, size.chance)
        return plan.tier_path

    def _explain(self, role: RoleNow, plan: RolePlan) -> None:
        before = role.short_because
        because = plan.short_because if role.open_count > 0 else None
        if because == before:
            return
        self.has_news = True
        db.connection().execute(update(_roles).where(_roles.c.id == role.id).values(short_because=because))
        if because is not None:
            self._note(EventKind.SHORT, role_id=role.id, because=str(because), open=role.open_count)

    def _note(self, kind: EventKind, **more: Any) -> None:
        note_event(kind, call_up_id=self._call_up.row.id, at=self._deed.now, by=self._deed.actor.key, **more)

    def _write_wave(self, role: RoleNow, plan: RolePlan, chosen: Sequence[Chosen], chance: float) -> None:
        row, now = self._call_up.row, self._deed.now
        by_phone = sum(each.channel is None for each in chosen)
        wave_id: int = (
            db.connection()
            .execute(
                insert(_waves)
                .values(
                    public_id=new_public_id(),
                    call_up_id=row.id,
                    role_id=role.id,
                    number=role.waves + 1,
                    tier_path=plan.tier_path,
                    open_count=role.open_count,
                    asked_count=len(chosen),
                    target_permille=round(plan.target * 1000),
                    chance_permille=round(chance * 1000),
                    sent_at=now,
                    reply_by=self._made.reply_by,
                )
                .returning(_waves.c.id)
            )
            .scalar_one()
        )
        self._note(
            EventKind.WAVE,
            role_id=role.id,
            wave_id=wave_id,
            number=role.waves + 1,
            asked=len(chosen),
            by_phone=by_phone,
            open=role.open_count,
            chance=round(chance, 3),
            target=plan.target,
            tier=plan.tier_path,
        )
        for each in chosen:
            public_id = new_public_id()
            self._summonses.append(
                {
                    "public_id": public_id,
                    "call_up_id": row.id,
                    "role_id": role.id,
                    "wave_id": wave_id,
                    "person_id": each.person_id,
                    "token_hash": hash_token(crypto.blind_index("summons", public_id)),
                    "state": SummonsState.WAITING,
                    "because": ",".join(each.because),
                    "chance_permille": round(each.chance * 1000),
                    "channel": each.channel,
                    "sent_at": now,
                    "reply_by": self._made.reply_by,
                    "listed_at": None if each.channel else now,
                    "is_walk_in": False,
                    "version": 1,
                }
            )
            self._asked.append((each, plan, public_id))
            self._taken.add(each.person_id)

    def write(self) -> None:
        """The summonses, the history, the messages: a fixed number of statements."""
        if not self._summonses:
            return
        row, now = self._call_up.row, self._deed.now
        connection = db.connection()
        connection.execute(insert(_summonses).inline(), self._summonses)
        person_ids = [each.person_id for each, _plan, _id in self._asked]
        # That they were called counts at once for fairness; what they answered, when the books are closed.
        called = {"last_drilled_at" if row.is_drill else "last_called_at": now}
        connection.execute(
            update(_reservists).where(_reservists.c.person_id.in_(person_ids)).values(**called)
        )
        with_code = queries.share_a_phone_with_open(person_ids)
        notify(self._deed, self._notices(with_code), area_path=row.area_path)
        audit.record(
            self._deed,
            "send_wave",
            "call_up",
            row.id,
            area_path=row.area_path,
            asked=len(person_ids),
        )

    def _notices(self, with_code: set[int]) -> Iterable[Notice]:
        row = self._call_up.row
        said = {
            "starts_at": row.starts_at.isoformat(),
            "point": row.muster_point,
            "caller": row.caller_name,
            "phone": row.phone,
            "stay": str(row.stay),
            "is_sealed": queries.is_sealed(row.area_path, self._deed.now),
        }
        for each, plan, public_id in self._asked:
            yield Notice(
                person_id=each.person_id,
                template=_template(row),
                reference=f"summons:{public_id}",
                parameters=said
                | {"task": plan.name, "reply_code": row.code if each.person_id in with_code else None},
                address=f"/mobilization/summonses/{public_id}",
                is_drill=row.is_drill,
                rank=Rank.CALL,
                until=row.ends_at,
            )

    def next_at(self, quiet_until: datetime | None) -> datetime | None:
        """When the engine looks again: a reply-by, a look at how it goes, the end of the quiet hours; None: never."""
        now, row = self._deed.now, self._call_up.row
        instants = [
            max(each.reply_by, now)
            for found in self._progress.silent.values()
            for each in found
            if each.state in {SummonsState.WAITING, SummonsState.LATER}
        ]
        if self._summonses:
            instants.append(self._made.reply_by)
        if any(role.open_count > 0 for role in self._roles.values()) and now < row.ends_at - LAST_CALL:
            if self._is_cut:
                instants.append(now)
            elif quiet_until is not None and not (row.quiet_reason and not row.is_drill):
                instants.append(quiet_until)
            else:
                is_awaited = bool(self._summonses) or bool(instants)
                instants.append(now + (LOOK_AGAIN if is_awaited else LOOK_AGAIN_SHORT))
        return min(instants, default=None)
