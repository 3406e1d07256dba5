"""What the engine reads of a call-up before it chooses: places, who was asked, what past call-ups teach."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from webapp.base import db
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotFound
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import sealed_paths
from webapp.domain.areas.rules import ancestor_paths, side_of
from webapp.domain.mobilization.models import (
    CallUp,
    CallUpCategory,
    CallUpEvent,
    CallUpRole,
    Reservist,
    Summons,
    Unit,
    Wave,
)
from webapp.domain.mobilization.queries.pool import LIVE_CALL_UPS, in_reserve
from webapp.domain.mobilization.rules import (
    UNANSWERED,
    CallUpState,
    Category,
    EventKind,
    SummonsState,
    UnitState,
)
from webapp.domain.mobilization.waves import (
    History,
    PastCall,
    Prior,
    Silent,
    Tempo,
    evening_spread,
    prior_of,
    tempo_of,
)
from webapp.domain.people.models import PersonPhone
from webapp.domain.volunteers.models import Commitment

# The levels at which calling stops and climbs.
TIERS = ("community", "town", "county")
# What past call-ups teach is read from the latest ones.
PAST_CALL_UPS, PAST_ANSWERS = 40, 2000
MOST_DUE = 50
# Further ahead nothing is ever due: quiet hours last eleven hours. What stands there, a clock that jumped wrote.
FURTHEST = timedelta(hours=13)

_call_ups: Any = CallUp.__table__
_categories: Any = CallUpCategory.__table__
_roles: Any = CallUpRole.__table__
_waves: Any = Wave.__table__
_summonses: Any = Summons.__table__
_units: Any = Unit.__table__
_events: Any = CallUpEvent.__table__
_reservists: Any = Reservist.__table__
_areas: Any = Area.__table__
_commitments: Any = Commitment.__table__
_phones: Any = PersonPhone.__table__

_SAID_YES = (
    SummonsState.COMING,
    SummonsState.QUEUED,
    SummonsState.DROPPED,
    SummonsState.STOOD_DOWN,
)


@dataclass(frozen=True)
class RoleNow:
    """A role with its places; `waves` so far, and when the last one went out and was to be answered."""

    id: int
    name: str
    skill_code: str | None
    wanted_count: int
    taken_count: int
    short_because: str | None
    waves: int = 0
    sent_at: datetime | None = None
    reply_by: datetime | None = None

    @property
    def open_count(self) -> int:
        """Places that nobody has taken."""
        return self.wanted_count - self.taken_count


@dataclass(frozen=True)
class SilentNow:
    """Somebody who was asked for a role and has not answered."""

    role_id: int
    state: SummonsState
    sent_at: datetime
    reply_by: datetime
    chance: float
    is_reached: bool

    def as_silent(self, now: datetime) -> Silent:
        """As the model of waves wants it."""
        seconds = max((now - self.sent_at).total_seconds(), 0.0)
        return Silent(self.chance, seconds, says_later=self.state is SummonsState.LATER)


@dataclass(frozen=True)
class Progress:
    """What changes while people answer: `silent` by role, how many answered, people of units not answered yet."""

    roles: tuple[RoleNow, ...]
    silent: Mapping[int, tuple[SilentNow, ...]]
    answers: int
    units: Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class CallUpNow:
    """A call-up as the engine sees it.

    `ladder` are the paths from the area that calls to the widest that may be called: community, town, county.
    `tiers` are those of them from where the calling has come to.
    """

    row: Any
    ladder: tuple[str, ...]
    categories: frozenset[Category]
    progress: Progress
    asked: frozenset[int]
    hurried_at: datetime | None

    @property
    def tiers(self) -> tuple[str, ...]:
        """The areas that may be called from now on, each inside the next."""
        return tuple(path for path in self.ladder if len(path) <= len(self.row.tier_path)) or self.ladder[-1:]

    @property
    def window(self) -> float:
        """Seconds to answer."""
        return float(self.row.reply_minutes * 60)


@dataclass(frozen=True)
class Learned:
    """What past call-ups and the pool teach: a prior, how fast people answer, how much evenings differ."""

    prior: Prior
    tempo: Tempo
    evening_spread: float


@reading
def list_due(*, now: datetime) -> list[str]:
    """The call-ups (public ids) at which something is due, those that wait longest first."""
    c = _call_ups.c
    found = db.connection().execute(
        select(c.public_id)
        .where(
            is_any(c.state, CallUpState.RUNNING),
            (c.next_at <= now) | (c.next_at > now + FURTHEST),
        )
        .order_by(c.next_at, c.id)
        .limit(MOST_DUE)
    )
    return list(found.scalars())


@reading
def load_call_up(*, public_id: str | None = None, call_up_id: int | None = None, now: datetime) -> CallUpNow:
    """The call-up with its places, tiers and everybody asked; raises NotFound. Nine statements."""
    connection = db.connection()
    named = _call_ups.c.id == call_up_id if public_id is None else _call_ups.c.public_id == public_id
    row = connection.execute(select(_call_ups).where(named)).one_or_none()
    if row is None:
        raise NotFound
    categories = connection.execute(
        select(_categories.c.category).where(_categories.c.call_up_id == row.id)
    ).scalars()
    asked = connection.execute(
        select(_summonses.c.person_id)
        .where(_summonses.c.call_up_id == row.id)
        .union(_asked_by_their_lead(row.id, now))
    ).scalars()
    hurried_at = connection.execute(
        select(func.max(_events.c.at)).where(
            _events.c.call_up_id == row.id,
            is_any(_events.c.kind, EventKind.HURRIED, EventKind.WIDENED),
        )
    ).scalar()
    return CallUpNow(
        row=row,
        ladder=_ladder(row.area_path, row.widest_path),
        categories=frozenset(Category(each) for each in categories),
        progress=load_progress(call_up_id=row.id, now=now),
        asked=frozenset(asked),
        hurried_at=hurried_at,
    )


def _asked_by_their_lead(call_up_id: int, now: datetime) -> Any:
    """The reservists of teams whose lead has still to say who comes: nobody asks them beside the lead."""
    u = _units.c
    still = or_(
        and_(u.state == UnitState.WAITING, u.reply_by > now),
        and_(u.state == UnitState.COMING, u.named_count < u.promised_count),
    )
    teams = select(u.team_id).where(u.call_up_id == call_up_id, still)
    return select(_reservists.c.person_id).where(_reservists.c.team_id.in_(teams))


def _ladder(first: str, widest: str) -> tuple[str, ...]:
    """The areas to call, each inside the next: the first, then what is a community, town or county around it."""
    above = [path for path in reversed(ancestor_paths(first)) if path != first and path.startswith(widest)]
    if not above:
        return (first,)
    rows = db.connection().execute(select(_areas.c.path, _areas.c.level).where(_areas.c.path.in_(above)))
    levels = {row.path: row.level for row in rows}
    return (first, *(path for path in above if levels[path] in TIERS or path == widest))


@reading
def load_progress(*, call_up_id: int, now: datetime) -> Progress:
    """Places, who is silent, how many answered, units: four statements; inside a writing, as it is then."""
    connection = db.connection()
    last = (
        select(
            _waves.c.role_id,
            func.count().label("waves"),
            func.max(_waves.c.sent_at).label("sent_at"),
            func.max(_waves.c.reply_by).label("reply_by"),
        )
        .where(_waves.c.call_up_id == call_up_id)
        .group_by(_waves.c.role_id)
        .subquery()
    )
    roles = tuple(
        RoleNow(
            row.id,
            row.name,
            row.skill_code,
            row.wanted_count,
            row.taken_count,
            row.short_because,
            row.waves or 0,
            row.sent_at,
            row.reply_by,
        )
        for row in connection.execute(
            select(_roles, last.c.waves, last.c.sent_at, last.c.reply_by)
            .outerjoin(last, last.c.role_id == _roles.c.id)
            .where(_roles.c.call_up_id == call_up_id)
            .order_by(_roles.c.position)
        )
    )
    s = _summonses.c
    silent: dict[int, list[SilentNow]] = defaultdict(list)
    for row in connection.execute(
        select(s.role_id, s.state, s.sent_at, s.reply_by, s.chance_permille, s.channel).where(
            s.call_up_id == call_up_id, is_any(s.state, *UNANSWERED), s.wave_id.is_not(None)
        )
    ):
        silent[row.role_id].append(
            SilentNow(
                row.role_id,
                SummonsState(row.state),
                row.sent_at,
                row.reply_by,
                (row.chance_permille or 0) / 1000,
                row.channel is not None,
            )
        )
    answers: int = connection.execute(
        select(func.count()).where(
            s.call_up_id == call_up_id,
            s.wave_id.is_not(None),
            s.channel.is_not(None),
            s.answered_at.is_not(None),
            s.state != SummonsState.LATER,
        )
    ).scalar_one()
    units: dict[int, list[int]] = defaultdict(list)
    for role_id, people in connection.execute(
        select(_units.c.role_id, _units.c.asked_count).where(
            _units.c.call_up_id == call_up_id,
            is_any(_units.c.state, UnitState.WAITING),
            _units.c.reply_by > now,
        )
    ):
        units[role_id].append(people)
    return Progress(
        roles=roles,
        silent={role_id: tuple(found) for role_id, found in silent.items()},
        answers=answers,
        units={role_id: tuple(found) for role_id, found in units.items()},
    )


@reading
def learn(*, widest_path: str, is_drill: bool) -> Learned:
    """What the reserve of the widest area and the latest call-ups that are closed teach. Three statements."""
    connection = db.connection()
    r = _reservists.c
    counts = (r.call_count, r.yes_count, r.drill_count, r.drill_yes_count)
    pool: list[History] = []
    for *history, people in connection.execute(
        select(*counts, func.count()).where(within(r.area_path, widest_path), in_reserve()).group_by(*counts)
    ):
        pool += [History(*history)] * people
    s, c = _summonses.c, _call_ups.c
    latest = (
        select(c.id)
        .where(is_any(c.state, CallUpState.CLOSED), c.is_drill.is_(is_drill))
        .order_by(c.id.desc())
        .limit(PAST_CALL_UPS)
    )
    # Who was let go before the window was over has not been asked to the end.
    let_go = and_(s.answered_at.is_(None), s.stood_down_at.is_not(None), s.stood_down_at < s.reply_by)
    asked = and_(s.call_up_id.in_(latest), s.wave_id.is_not(None), s.channel.is_not(None), ~let_go)
    in_time = and_(s.answered_at.is_not(None), s.answered_at <= s.reply_by, is_any(s.state, *_SAID_YES))
    past = [
        PastCall(float(row.expected or 0) / 1000, float(row.variance or 0) / 1_000_000, int(row.came or 0))
        for row in connection.execute(
            select(
                func.sum(s.chance_permille).label("expected"),
                func.sum(s.chance_permille * (1000 - s.chance_permille)).label("variance"),
                func.sum(case((in_time, 1), else_=0)).label("came"),
            )
            .where(asked)
            .group_by(s.call_up_id)
        )
    ]
    # Late ones too: a curve through those in time only would say that nobody ever answers late.
    answers = connection.execute(
        select(s.sent_at, s.answered_at, s.reply_by)
        .where(asked, s.answered_at.is_not(None), is_any(s.state, *_SAID_YES))
        .order_by(s.id.desc())
        .limit(PAST_ANSWERS)
    ).all()
    windows = sorted((row.reply_by - row.sent_at).total_seconds() for row in answers)
    tempo = tempo_of(
        [(row.answered_at - row.sent_at).total_seconds() for row in answers],
        window=windows[len(windows) // 2] if windows else Tempo().window,
    )
    return Learned(prior=prior_of(pool), tempo=tempo, evening_spread=evening_spread(past))


def is_sealed(path: str, now: datetime) -> bool:
    """Whether a place lies inside a sealed area, which nobody leaves for now."""
    return bool(side_of(path, sealed_paths(now)))


def busy_of(person_ids: Collection[int], *, starts_at: datetime, ends_at: datetime) -> set[int]:
    """Whose time is taken somewhere between the two, of these; inside the writer's transaction, after they are held."""
    found = db.connection().execute(
        select(_commitments.c.person_id).where(
            _commitments.c.person_id.in_(person_ids),
            _commitments.c.ends_at > starts_at,
            _commitments.c.starts_at < ends_at,
        )
    )
    return set(found.scalars())


def summoned_of(
    person_ids: Collection[int], *, call_up_id: int, starts_at: datetime, ends_at: datetime
) -> set[int]:
    """Who of these was asked by this call-up, or by another live one at overlapping times and may still come."""
    live = (
        SummonsState.WAITING,
        SummonsState.LATER,
        SummonsState.COMING,
        SummonsState.QUEUED,
        SummonsState.MISSED,
    )
    elsewhere = and_(
        is_any(_call_ups.c.state, *LIVE_CALL_UPS),
        _call_ups.c.ends_at > starts_at,
        _call_ups.c.starts_at < ends_at,
        is_any(_summonses.c.state, *live),
    )
    found = db.connection().execute(
        select(_summonses.c.person_id)
        .join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
        .where(
            _summonses.c.person_id.in_(person_ids),
            (_summonses.c.call_up_id == call_up_id) | elsewhere,
        )
    )
    return set(found.scalars())


def share_a_phone_with_open(person_ids: Sequence[int]) -> set[int]:
    """Who of these has, on one of their numbers, more than one summons that waits for an answer.

    Their SMS carries the call-up's code, or a bare "1" would say yes to nobody knows which.
    """
    own, other = _phones.alias("own"), _phones.alias("other")
    waits = (SummonsState.WAITING, SummonsState.LATER, SummonsState.MISSED)
    found = db.connection().execute(
        select(own.c.person_id)
        .join(other, other.c.phone_index == own.c.phone_index)
        .join(_summonses, _summonses.c.person_id == other.c.person_id)
        .join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
        .where(
            own.c.person_id.in_(person_ids),
            is_any(_call_ups.c.state, *LIVE_CALL_UPS),
            is_any(_summonses.c.state, *waits),
        )
        .group_by(own.c.person_id)
        .having(func.count(_summonses.c.id.distinct()) > 1)
    )
    return set(found.scalars())
