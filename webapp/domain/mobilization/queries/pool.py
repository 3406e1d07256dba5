"""The pool 储备库: everybody of the reserve whom a call-up could ask or a forecast could count, read at once.

A county has 44,000 reservists, and a wave is chosen from all of them: so a fixed number of statements, sums in the
database instead of rows, plain tuples instead of objects, and no lock. What changes between this read and the
summons is looked at again by who writes it.
"""

import gc
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, or_, select, true

from webapp.base import clock, db
from webapp.base.db import is_any, reading, within
from webapp.domain.areas.queries import sealed_paths
from webapp.domain.areas.rules import side_of
from webapp.domain.mobilization.models import CallUp, ReserveDay, Reservist, ReservistSkill, Summons
from webapp.domain.mobilization.rules import (
    CallUpState,
    Category,
    Readiness,
    SummonsState,
    readiness_now,
)
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Commitment,
    Skill,
    SkillCertificate,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.rules import Availability, Half, SkillKind, VolunteerState, halves_between

_NOTHING: frozenset[str] = frozenset()
# A sum of powers of two has 63 bits in both databases, and a half-day takes two of them.
MOST_HALVES = 30
_MOST_SKILLS = 60
# What two bits say: the number is the place.
_READ = (Availability.UNKNOWN, Availability.AVAILABLE, Availability.NOT_AVAILABLE)
# Who has been told no, or has gone: not asked as a volunteer any more. A seconded cadre is asked all the same.
NOT_ASKED = (VolunteerState.REFUSED, VolunteerState.LEFT, VolunteerState.MERGED)
LIVE_CALL_UPS = (CallUpState.RUNNING, CallUpState.PAUSED, CallUpState.ENDED)
LIVE_SUMMONSES = (
    SummonsState.WAITING,
    SummonsState.LATER,
    SummonsState.COMING,
    SummonsState.QUEUED,
    SummonsState.MISSED,
)

_reservists: Any = Reservist.__table__
_own_skills: Any = ReservistSkill.__table__
_days: Any = ReserveDay.__table__
_call_ups: Any = CallUp.__table__
_summonses: Any = Summons.__table__
_volunteers: Any = Volunteer.__table__
_told_no: Any = _volunteers.alias("told_no")
_skills: Any = Skill.__table__
_has: Any = VolunteerSkill.__table__
_certificates: Any = SkillCertificate.__table__
_slots: Any = AvailabilitySlot.__table__
_commitments: Any = Commitment.__table__


class PoolPerson(NamedTuple):
    """One reservist. `skills` are those that count on the day of the span (certificates looked at).

    `halves` holds one word for each half-day of `Pool.halves`: what was said for that day, else for that day of the
    week. Who is away until before the span is ready. `is_committed`: some of the span is taken, see `Pool.taken` for
    which. `is_summoned`: a live call-up at overlapping times has asked them. `side` is the sealed area that they are
    in, "" outside.
    """

    person_id: int
    reservist_id: int
    area_path: str
    category: Category
    readiness: Readiness
    away_until: datetime | None
    team_id: int | None
    skills: frozenset[str]
    halves: tuple[Availability, ...]
    is_committed: bool
    is_summoned: bool
    side: str
    call_count: int
    yes_count: int
    drill_count: int
    drill_yes_count: int
    stood_down_count: int
    last_called_at: datetime | None

    @property
    def availability(self) -> Availability:
        """What they said of the whole span: not available for some of it, available for all of it, or unknown."""
        if Availability.NOT_AVAILABLE in self.halves:
            return Availability.NOT_AVAILABLE
        return Availability.UNKNOWN if Availability.UNKNOWN in self.halves else Availability.AVAILABLE

    def is_away(self, at: datetime) -> bool:
        """Whether they are away at this instant; who said until when is back by itself."""
        return self.away_until is not None and self.away_until > at


@dataclass(frozen=True)
class Pool:
    """All reservists of a tier. `people` by person id; `halves` are the half-days that the span touches.

    `taken` lists, of those who have any, the stretches (from, to) of their time that overlap the span.
    """

    people: dict[int, PoolPerson]
    halves: tuple[tuple[date, Half], ...]
    taken: dict[int, list[tuple[datetime, datetime]]]
    cordon: tuple[str, ...]

    def side_of(self, path: str) -> str:
        """On which side of the cordon an area lies, as `PoolPerson.side` says it."""
        return side_of(path, self.cordon)


def in_reserve() -> ColumnElement[bool]:
    """The reservists who stand in the reserve: have not left it, nor were told no as volunteers."""
    # Few were told no: found once, not looked for at each of 44,000 rows.
    gone = select(_told_no.c.person_id).where(is_any(_told_no.c.state, *NOT_ASKED))
    return and_(
        _reservists.c.left_at.is_(None),
        or_(is_any(_reservists.c.category, Category.CADRE), _reservists.c.person_id.not_in(gone)),
    )


def busy_between(starts_at: datetime, ends_at: datetime) -> Select[Any]:
    """The person ids whose time is taken somewhere between the two instants, by whatever feature."""
    return select(_commitments.c.person_id).where(
        _commitments.c.ends_at > starts_at, _commitments.c.starts_at < ends_at
    )


def summoned_between(starts_at: datetime, ends_at: datetime, *, other_than: int | None = None) -> Select[Any]:
    """The person ids whom live call-ups at overlapping times have asked and not let go (another than this one)."""
    statement = (
        select(_summonses.c.person_id)
        .join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
        .where(
            is_any(_call_ups.c.state, *LIVE_CALL_UPS),
            _call_ups.c.ends_at > starts_at,
            _call_ups.c.starts_at < ends_at,
            is_any(_summonses.c.state, *LIVE_SUMMONSES),
        )
    )
    return statement if other_than is None else statement.where(_call_ups.c.id != other_than)


@reading
def load_pool(
    *,
    tier_path: str,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    skills: Collection[str] | None = None,
    call_up_id: int | None = None,
) -> Pool:
    """Everybody who stands in the reserve at this area or below, with what speaks for and against asking them.

    Nine statements whatever there is. `skills` leaves out who has none of these. `call_up_id`: its own summonses
    do not count as another call-up's. Nobody is left out for being tired, away, taken or unreachable: who asks
    must be able to say why somebody is not asked.
    """
    halves = halves_between(clock.here(starts_at), clock.here(ends_at))[:MOST_HALVES]
    with without_collector():
        people = _People(tier_path)
        taken = people.taken(starts_at, ends_at)
        summoned = set(
            db.connection().scalars(summoned_between(starts_at, ends_at, other_than=call_up_id)).all()
        )
        cordon = sealed_paths(now)
        facts = _Facts(
            can=people.skills(on=clock.day(starts_at), only=skills),
            week=people.week(halves),
            days=people.days(halves),
            count=len(halves),
            cordon=cordon,
            taken=taken,
            summoned=summoned,
            starts_at=starts_at,
        )
        found = {
            row.person_id: facts.person(row) for row in people.rows() if skills is None or row.id in facts.can
        }
    return Pool(people=found, halves=halves, taken=taken, cordon=cordon)


@contextmanager
def without_collector() -> Iterator[None]:
    """A block that makes tens of thousands of values which all live on: looking for dead ones costs more than making them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Facts:
    """What is known of everybody, and one person's value of it; a county knows few places and few sets of half-days."""

    def __init__(
        self,
        *,
        can: dict[int, frozenset[str]],
        week: dict[int, int],
        days: dict[int, int],
        count: int,
        cordon: tuple[str, ...],
        taken: Collection[int],
        summoned: Collection[int],
        starts_at: datetime,
    ) -> None:
        self.can, self._week, self._days, self._count = can, week, days, count
        self._cordon, self._taken, self._summoned = cordon, taken, summoned
        self._starts_at = starts_at
        self._words: dict[int, tuple[Availability, ...]] = {}
        self._sides: dict[str, str] = {}

    def person(self, row: Any) -> PoolPerson:
        reservist_id, person_id, path = row.id, row.person_id, row.area_path
        mask = _over(self._week.get(reservist_id, 0), self._days.get(reservist_id, 0))
        halves = self._words.get(mask)
        if halves is None:
            halves = self._words[mask] = tuple(_READ[mask >> 2 * place & 3] for place in range(self._count))
        readiness = row.readiness
        if readiness is Readiness.AWAY:
            readiness = readiness_now(readiness, row.away_until, at=self._starts_at)
        side = self._sides.get(path)
        if side is None:
            side = self._sides[path] = side_of(path, self._cordon)
        return PoolPerson(
            person_id,
            reservist_id,
            path,
            row.category,
            readiness,
            row.away_until if readiness is Readiness.AWAY else None,
            row.team_id,
            self.can.get(reservist_id, _NOTHING),
            halves,
            person_id in self._taken,
            person_id in self._summoned,
            side,
            row.call_count,
            row.yes_count,
            row.drill_count,
            row.drill_yes_count,
            row.stood_down_count,
            row.last_called_at,
        )


class _People:
    """The statements, each over the reservists of one tier, each keyed by the reservist's id."""

    def __init__(self, tier_path: str) -> None:
        self._here = within(_reservists.c.area_path, tier_path)
        self._tier_path = tier_path

    def rows(self) -> Sequence[Any]:
        return (
            db.connection()
            .execute(
                select(
                    _reservists.c.id,
                    _reservists.c.person_id,
                    _reservists.c.area_path,
                    _reservists.c.category,
                    _reservists.c.readiness,
                    _reservists.c.away_until,
                    _reservists.c.team_id,
                    _reservists.c.call_count,
                    _reservists.c.yes_count,
                    _reservists.c.drill_count,
                    _reservists.c.drill_yes_count,
                    _reservists.c.stood_down_count,
                    _reservists.c.last_called_at,
                ).where(self._here, in_reserve())
            )
            .all()
        )

    def skills(self, *, on: date, only: Collection[str] | None) -> dict[int, frozenset[str]]:
        """What each can do on that day, of `only` these: the accepted volunteer's skills, and the reservist's own."""
        connection = db.connection()
        kinds: dict[str, SkillKind] = {
            row.code: row.kind for row in connection.execute(select(_skills.c.code, _skills.c.kind))
        }
        codes = sorted(kinds if only is None else set(only) & set(kinds))
        if not codes:
            return {}
        certified = [code for code in codes if kinds[code] is SkillKind.CERTIFIED]
        spoken = [code for code in codes if kinds[code] is not SkillKind.CERTIFIED]
        mine = _reservists.join(_volunteers, _volunteers.c.person_id == _reservists.c.person_id)
        accepted = is_any(_volunteers.c.state, VolunteerState.ACCEPTED)
        own = _reservists.join(_own_skills, _own_skills.c.reservist_id == _reservists.c.id)
        says = mine.join(_has, _has.c.volunteer_id == _volunteers.c.id)
        holds = (
            select(_certificates.c.volunteer_id, _certificates.c.skill_code)
            .where(or_(_certificates.c.expires_on.is_(None), _certificates.c.expires_on >= on))
            .distinct()
            .subquery()
        )
        shows = says.join(
            holds,
            and_(holds.c.volunteer_id == _has.c.volunteer_id, holds.c.skill_code == _has.c.skill_code),
        )
        found: dict[int, frozenset[str]] = {}
        for source, column, asked, condition in (
            (own, _own_skills.c.skill_code, codes, true()),
            (says, _has.c.skill_code, spoken, accepted),
            (shows, _has.c.skill_code, certified, accepted),
        ):
            for first in range(0, len(asked), _MOST_SKILLS):
                some = asked[first : first + _MOST_SKILLS]
                names: dict[int, frozenset[str]] = {}
                bits = {code: 1 << place for place, code in enumerate(some)}
                rows = connection.execute(
                    select(_reservists.c.id, _sum(case(bits, value=column, else_=0)))
                    .select_from(source)
                    .where(self._here, condition)
                    .group_by(_reservists.c.id)
                ).all()
                for reservist_id, mask in rows:
                    if not mask:
                        continue
                    if mask not in names:
                        names[mask] = frozenset(code for place, code in enumerate(some) if mask >> place & 1)
                    known = found.get(reservist_id)
                    found[reservist_id] = names[mask] if known is None else known | names[mask]
        return found

    def week(self, halves: Sequence[tuple[date, Half]]) -> dict[int, int]:
        """What the week of the volunteer's profile says of these half-days, as a mask of two bits each."""
        places: dict[tuple[int, Half], int] = defaultdict(int)
        for place, (day, half) in enumerate(halves):
            places[day.weekday(), half] += 1 << 2 * place
        value = case(
            *(
                (and_(_slots.c.weekday == weekday, is_any(_slots.c.half, half)), bits)
                for (weekday, half), bits in places.items()
            ),
            else_=0,
        )
        statement = (
            select(_reservists.c.id, _sum(value * _said(_slots.c.state)).label("mask"))
            .select_from(
                _reservists.join(_volunteers, _volunteers.c.person_id == _reservists.c.person_id).join(
                    _slots, _slots.c.volunteer_id == _volunteers.c.id
                )
            )
            .where(self._here, _slots.c.weekday.in_({weekday for weekday, _half in places}))
            .group_by(_reservists.c.id)
        )
        return {row.id: row.mask for row in db.connection().execute(statement).all()}

    def days(self, halves: Sequence[tuple[date, Half]]) -> dict[int, int]:
        """What was said of these very half-days."""
        value = case(
            *(
                (and_(_days.c.day == day, is_any(_days.c.half, half)), 1 << 2 * place)
                for place, (day, half) in enumerate(halves)
            ),
            else_=0,
        )
        statement = (
            select(_reservists.c.id, _sum(value * _said(_days.c.state)).label("mask"))
            .select_from(_reservists.join(_days, _days.c.reservist_id == _reservists.c.id))
            .where(self._here, _days.c.day >= halves[0][0], _days.c.day <= halves[-1][0])
            .group_by(_reservists.c.id)
        )
        return {row.id: row.mask for row in db.connection().execute(statement).all()}

    def taken(self, starts_at: datetime, ends_at: datetime) -> dict[int, list[tuple[datetime, datetime]]]:
        """The stretches of these people's time that overlap the span."""
        found: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
        rows = db.connection().execute(
            select(_commitments.c.person_id, _commitments.c.starts_at, _commitments.c.ends_at)
            .join(_reservists, _reservists.c.person_id == _commitments.c.person_id)
            .where(self._here, _commitments.c.ends_at > starts_at, _commitments.c.starts_at < ends_at)
            .order_by(_commitments.c.starts_at)
        )
        for person_id, begins, ends in rows:
            found[person_id].append((begins, ends))
        return dict(found)


def _said(state: Any) -> Any:
    return case((is_any(state, Availability.AVAILABLE), 1), else_=2)


def _sum(value: Any) -> Any:
    # PostgreSQL sums whole numbers to a decimal, which costs more to read than the sum itself.
    return cast(func.sum(value), BigInteger)


def _over(week: int, day: int) -> int:
    """What was said of the day itself goes before the week: its pairs of bits replace those of the week."""
    if not day:
        return week
    said = day | day >> 1
    said &= int("01" * MOST_HALVES, 2)
    return week & ~(said * 3) | day
