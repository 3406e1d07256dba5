"""Who could be put on a shift: those who fit, the nearest and least burdened first, and why the others do not."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import RuleBroken
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import sealed_paths
from webapp.domain.areas.rules import ancestor_paths, side_of
from webapp.domain.people.models import Person
from webapp.domain.people.rules import name_key
from webapp.domain.rosters import rules, solver
from webapp.domain.rosters.models import HoursEntry, Signup
from webapp.domain.rosters.queries.places import ShiftNow, shift_now
from webapp.domain.rosters.queries.scope import staff_paths
from webapp.domain.rosters.queries.takers import Me
from webapp.domain.rosters.rules import HOLDS_A_PLACE, EntryState, Stretch, Taker
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Commitment,
    Pledge,
    Skill,
    SkillCertificate,
    TeamLead,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.rules import (
    AgeGroup,
    Availability,
    Half,
    SkillKind,
    VolunteerState,
)

MOST_LOOKED_AT = 600
MAY_HELP = (VolunteerState.ACCEPTED, VolunteerState.APPLIED, VolunteerState.ASKED_BACK)
LOOKS_AROUND = timedelta(days=8)
RECENT = timedelta(days=7)

_volunteers: Any = Volunteer.__table__
_people: Any = Person.__table__
_own_skills: Any = VolunteerSkill.__table__
_skills: Any = Skill.__table__
_certificates: Any = SkillCertificate.__table__
_pledges: Any = Pledge.__table__
_commitments: Any = Commitment.__table__
_slots: Any = AvailabilitySlot.__table__
_hours: Any = HoursEntry.__table__
_signups: Any = Signup.__table__
_leads: Any = TeamLead.__table__
_areas: Any = Area.__table__


@dataclass(frozen=True)
class Candidate:
    """Somebody for a shift. `broken` are the rules against it; empty: they fit.

    `steps` is how far they live from the post, in steps of areas that the two do not share; `minutes` what they
    worked in the last seven days and are planned for around the shift.
    """

    person_id: int
    person: str
    volunteer: str
    name: str
    home: str
    is_newcomer: bool
    is_in_team: bool
    availability: Availability
    steps: int
    minutes: int
    broken: tuple[RuleBroken, ...]

    @property
    def fits(self) -> bool:
        """Whether no rule is against it."""
        return not self.broken

    @property
    def may_be_overridden(self) -> bool:
        """Whether a head may put them there all the same, with a reason."""
        return bool(self.broken) and all(each.code in rules.OVERRIDABLE for each in self.broken)


@dataclass
class _Known:
    skills: dict[str, date] = field(default_factory=dict)
    pledges: set[str] = field(default_factory=set)
    taken: list[Stretch] = field(default_factory=list)
    said: dict[int, str] = field(default_factory=dict)
    minutes: int = 0


_ORDER = {Availability.AVAILABLE: 0, Availability.UNKNOWN: 1, Availability.NOT_AVAILABLE: 2}


def _own(actor: Actor) -> ColumnElement[bool]:
    """The volunteers whom the actor rosters: a head's of the area, a team lead's of the team."""
    led = select(_leads.c.team_id).where(_leads.c.person_id == actor.person_id)
    return or_(
        within(_volunteers.c.area_path, *staff_paths(actor, Permission.ROSTER_MANAGE)),
        _volunteers.c.team_id.in_(led),
    )


def _near(shift: ShiftNow) -> ColumnElement[bool]:
    """The volunteers of the post's community, of the area where it stands, and of its team."""
    here = (
        select(_areas.c.path)
        .where(_areas.c.path.in_(ancestor_paths(shift.area_path)), _areas.c.level == "community")
        .scalar_subquery()
    )
    return or_(
        and_(_volunteers.c.area_path >= here, _volunteers.c.area_path < here + "~"),
        within(_volunteers.c.area_path, shift.area_path),
        _volunteers.c.team_id == shift.team_id,
    )


def _asked(actor: Actor, shift: ShiftNow, name: str | None) -> ColumnElement[bool]:
    """The volunteers in question, without those who are on the shift; with a name, those who are called so."""
    there = select(_signups.c.person_id).where(
        _signups.c.shift_id == shift.id, is_any(_signups.c.state, *HOLDS_A_PLACE)
    )
    condition = and_(
        is_any(_volunteers.c.state, *MAY_HELP),
        _own(actor),
        _near(shift),
        _volunteers.c.person_id.not_in(there),
    )
    if name:
        key = name_key(name)
        people = select(_people.c.id).where(
            or_(
                and_(_people.c.name_key >= key, _people.c.name_key < key + "\U0010ffff"),
                and_(_people.c.pinyin_key >= key, _people.c.pinyin_key < key + "\U0010ffff"),
            )
        )
        condition = and_(condition, _volunteers.c.person_id.in_(people))
    return condition


@reading
def candidates_of(
    *, actor: Actor, shift_id: int, now: datetime, name: str | None = None
) -> tuple[Candidate, ...]:
    """`list_candidates` of a shift that the caller has scoped."""
    return list_candidates(actor=actor, shift=shift_now(shift_id=shift_id), now=now, name=name)


@reading
def list_candidates(
    *, actor: Actor, shift: ShiftNow, now: datetime, name: str | None = None
) -> tuple[Candidate, ...]:
    """Everybody who could be put on the shift, who fits first: available, near, with the least work.

    The rules are those of a volunteer's own press. Eight statements whatever there is; at most 600 people are
    looked at, by name from among more.
    """
    connection = db.connection()
    asked = _asked(actor, shift, name)
    rows = connection.execute(
        select(_volunteers, _people.c.public_id.label("person"), _areas.c.name.label("home"))
        .select_from(
            _volunteers.join(_people, _people.c.id == _volunteers.c.person_id).join(
                _areas, _areas.c.id == _volunteers.c.area_id
            )
        )
        .where(asked)
        .order_by(_volunteers.c.pinyin_key, _volunteers.c.id)
        .limit(MOST_LOOKED_AT)
    ).all()
    if not rows:
        return ()
    known = _known(asked, shift, now)
    cordon = sealed_paths(now)
    halves = solver.half_days(shift.stretch, clock.zone())
    found = [_candidate(row, known[row.id], shift, cordon, halves, now) for row in rows]
    return tuple(
        sorted(
            found,
            key=lambda each: (
                not each.fits,
                not each.may_be_overridden,
                _ORDER.get(each.availability, 1),
                not each.is_in_team,
                each.steps,
                each.minutes,
                each.person_id,
            ),
        )
    )


def _candidate(
    row: Any, known: _Known, shift: ShiftNow, cordon: tuple[str, ...], halves: frozenset[int], now: datetime
) -> Candidate:
    taker = Taker(
        state=VolunteerState(row.state),
        is_adult=row.age_group == AgeGroup.ADULT,
        pledges=frozenset(known.pledges),
        skills=known.skills,
        side=side_of(row.area_path, cordon),
    )
    me = Me(row.person_id, taker, home_path=row.area_path, taken=tuple(known.taken), cordon=cordon)
    opening = shift.opening(me, from_at=now)
    said = {known.said.get(half) for half in halves}
    availability = Availability.UNKNOWN
    if Availability.NOT_AVAILABLE in said:
        availability = Availability.NOT_AVAILABLE
    elif said == {Availability.AVAILABLE}:
        availability = Availability.AVAILABLE
    return Candidate(
        person_id=row.person_id,
        person=row.person,
        volunteer=row.public_id,
        name=row.name,
        home=row.home,
        is_newcomer=row.state != VolunteerState.ACCEPTED,
        is_in_team=shift.team_id is not None and row.team_id == shift.team_id,
        availability=availability,
        steps=_steps(shift.area_path, row.area_path),
        minutes=known.minutes,
        broken=tuple(rules.broken_rules(taker, opening, known.taken, now=now)),
    )


def _steps(post: str, home: str) -> int:
    """How many steps of areas lie between the two: 0 where one lies in the other."""
    ours, theirs = post.split(".")[:-1], home.split(".")[:-1]
    shared = 0
    for one, other in zip(ours, theirs, strict=False):
        if one != other:
            break
        shared += 1
    return min(len(ours), len(theirs)) - shared


def _known(asked: ColumnElement[bool], shift: ShiftNow, now: datetime) -> dict[int, _Known]:
    """What the rules and the order ask of these people, by volunteer."""
    known: dict[int, _Known] = defaultdict(_Known)
    connection = db.connection()
    for row in connection.execute(
        select(
            _volunteers.c.id,
            _own_skills.c.skill_code,
            _skills.c.kind,
            _certificates.c.id.label("certificate"),
            _certificates.c.expires_on,
        )
        .select_from(
            _volunteers.join(_own_skills, _own_skills.c.volunteer_id == _volunteers.c.id)
            .join(_skills, _skills.c.code == _own_skills.c.skill_code)
            .outerjoin(
                _certificates,
                and_(
                    _certificates.c.volunteer_id == _own_skills.c.volunteer_id,
                    _certificates.c.skill_code == _own_skills.c.skill_code,
                ),
            )
        )
        .where(asked)
    ):
        skills = known[row.id].skills
        skills[row.skill_code] = max(_counts_until(row), skills.get(row.skill_code, date.min))
    for row in connection.execute(
        select(_volunteers.c.id, _pledges.c.kind)
        .join(_pledges, _pledges.c.volunteer_id == _volunteers.c.id)
        .where(asked)
    ):
        known[row.id].pledges.add(row.kind)
    for row in connection.execute(
        select(_volunteers.c.id, _slots.c.weekday, _slots.c.half, _slots.c.state)
        .join(_slots, _slots.c.volunteer_id == _volunteers.c.id)
        .where(asked)
    ):
        known[row.id].said[row.weekday * 2 + (row.half == Half.AFTERNOON)] = row.state
    _read_time(asked, shift, now, known)
    return known


def _counts_until(row: Any) -> date:
    """The last day on which a skill counts: a certified one as long as its certificate, without one never."""
    if row.kind != SkillKind.CERTIFIED:
        return date.max
    if row.certificate is None:
        return date.min
    day: date | None = row.expires_on
    return date.max if day is None else day


def _read_time(asked: ColumnElement[bool], shift: ShiftNow, now: datetime, known: dict[int, _Known]) -> None:
    connection = db.connection()
    for row in connection.execute(
        select(_volunteers.c.id, _commitments.c.starts_at, _commitments.c.ends_at)
        .join(_commitments, _commitments.c.person_id == _volunteers.c.person_id)
        .where(
            asked,
            _commitments.c.ends_at > shift.stretch.starts_at - LOOKS_AROUND,
            _commitments.c.starts_at < shift.stretch.ends_at + LOOKS_AROUND,
        )
    ):
        stretch = Stretch(row.starts_at, row.ends_at, clock.day(row.starts_at))
        known[row.id].taken.append(stretch)
        if row.starts_at > now:
            known[row.id].minutes += int(stretch.length / timedelta(minutes=1))
    for row in connection.execute(
        select(_volunteers.c.id, func.sum(_hours.c.minutes).label("minutes"))
        .join(_hours, _hours.c.person_id == _volunteers.c.person_id)
        .where(
            asked,
            is_any(_hours.c.state, EntryState.STANDS),
            _hours.c.worked_on > clock.day(now - RECENT),
        )
        .group_by(_volunteers.c.id)
    ):
        known[row.id].minutes += row.minutes


def who_fits(found: Sequence[Candidate]) -> list[Candidate]:
    """Those whom a message may reach: no rule is against it, and they did not say that they cannot."""
    return [each for each in found if each.fits and each.availability is not Availability.NOT_AVAILABLE]


@reading
def is_own(*, actor: Actor, shift: ShiftNow, person_id: int) -> bool:
    """Whether this person is among those whom the actor could put on the shift, whatever the rules say."""
    found = select(_volunteers.c.id).where(
        _volunteers.c.person_id == person_id,
        _own(actor),
        _near(shift),
        is_any(_volunteers.c.state, *MAY_HELP),
    )
    return db.connection().execute(found).first() is not None
