"""Reads of one reservist: for whoever leads the reserve, and for the person."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, case, exists, or_, select

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission, Role
from webapp.domain.accounts.models import Appointment, User
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import sealed_paths
from webapp.domain.areas.rules import ancestor_paths, short_name, side_of
from webapp.domain.mobilization.models import (
    CallUp,
    CallUpRole,
    ReserveDay,
    Reservist,
    ReservistSkill,
    Summons,
)
from webapp.domain.mobilization.queries.pool import in_reserve
from webapp.domain.mobilization.queries.reserve import Choice, volunteers_skills
from webapp.domain.mobilization.queries.scope import visible_call_ups, visible_reservists
from webapp.domain.mobilization.rules import (
    DAYS_AHEAD,
    Category,
    EnrolSource,
    MusterState,
    Readiness,
    SummonsState,
    is_frozen,
    readiness_now,
)
from webapp.domain.notifications.queries.reach import Reach, reach_of
from webapp.domain.people.models import Person
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Commitment,
    Organisation,
    Skill,
    Team,
    Volunteer,
)
from webapp.domain.volunteers.queries.scope import area_paths, can_at
from webapp.domain.volunteers.rules import (
    NOON,
    AgeGroup,
    Availability,
    CommitmentKind,
    Half,
    VolunteerState,
    halves_between,
)

HISTORY = 40

_areas: Any = Area.__table__
_parent: Any = _areas.alias("parent")
_people: Any = Person.__table__
_users: Any = User.__table__
_appointments: Any = Appointment.__table__
_reservists: Any = Reservist.__table__
_own_skills: Any = ReservistSkill.__table__
_days: Any = ReserveDay.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_volunteers: Any = Volunteer.__table__
_slots: Any = AvailabilitySlot.__table__
_commitments: Any = Commitment.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__
_skills: Any = Skill.__table__


@dataclass(frozen=True)
class SkillLine:
    """Something that a reservist can do today, and whether it stands only here (else with the volunteer)."""

    code: str
    name_zh: str
    name_en: str
    is_own: bool


@dataclass(frozen=True)
class HalfDay:
    """One half of one day: what counts, since when it cannot be changed by the person any more, and what takes it.

    `said` is what was said of this very half-day, else what the week of the volunteer says; `is_of_the_day` tells
    which. `taken` are the kinds of what takes time then.
    """

    day: date
    half: Half
    begins_at: datetime
    said: Availability
    is_of_the_day: bool
    week: Availability
    taken: tuple[CommitmentKind, ...]
    is_frozen: bool

    @property
    def state(self) -> Availability:
        """One of the four states: what is taken comes before what was said."""
        return Availability.COMMITTED if self.taken else self.said


@dataclass(frozen=True)
class HistoryLine:
    """A summons of the past or of now. `public_id` of the call-up only where the reader sees it."""

    call_up: str | None
    title: str
    number: str
    area_name: str
    role: str
    is_drill: bool
    state: SummonsState
    muster: MusterState | None
    starts_at: datetime
    sent_at: datetime
    answered_at: datetime | None
    arrived_at: datetime | None


@dataclass(frozen=True)
class ReservistView:
    """A reservist with all that a head reads before changing anything."""

    id: int
    public_id: str
    person_id: int
    person: str
    name: str
    phone_tail: str
    category: Category
    unit: str | None
    team_id: int | None
    team_public_id: str | None
    team_name: str | None
    team_name_en: str | None
    organisation_name: str | None
    organisation_name_en: str | None
    area_id: int
    area_public_id: str
    area_path: str
    area_name: str
    parent_name: str | None
    readiness: Readiness
    away_until: datetime | None
    note: str | None
    source: EnrolSource
    enrolled_at: datetime
    call_count: int
    yes_count: int
    drill_count: int
    drill_yes_count: int
    stood_down_count: int
    last_called_at: datetime | None
    last_answered_at: datetime | None
    last_mustered_at: datetime | None
    last_drilled_at: datetime | None
    version: int
    volunteer: str | None
    volunteer_id: int | None
    is_inside: bool
    may_manage: bool
    skills: tuple[SkillLine, ...]
    reach: Reach


_NOT_SHOWN = frozenset({"team_path"})


def _one() -> Any:
    return select(
        _reservists.c.id,
        _reservists.c.public_id,
        _reservists.c.person_id,
        _people.c.public_id.label("person"),
        _reservists.c.name,
        _reservists.c.phone_tail,
        _reservists.c.category,
        _reservists.c.unit,
        _reservists.c.team_id,
        _teams.c.public_id.label("team_public_id"),
        _teams.c.name.label("team_name"),
        _teams.c.name_en.label("team_name_en"),
        _teams.c.area_path.label("team_path"),
        _organisations.c.name.label("organisation_name"),
        _organisations.c.name_en.label("organisation_name_en"),
        _reservists.c.area_id,
        _areas.c.public_id.label("area_public_id"),
        _reservists.c.area_path,
        _areas.c.name.label("area_name"),
        _parent.c.name.label("parent_name"),
        _reservists.c.readiness,
        _reservists.c.away_until,
        _reservists.c.note,
        _reservists.c.source,
        _reservists.c.enrolled_at,
        _reservists.c.call_count,
        _reservists.c.yes_count,
        _reservists.c.drill_count,
        _reservists.c.drill_yes_count,
        _reservists.c.stood_down_count,
        _reservists.c.last_called_at,
        _reservists.c.last_answered_at,
        _reservists.c.last_mustered_at,
        _reservists.c.last_drilled_at,
        _reservists.c.version,
        _volunteers.c.public_id.label("volunteer"),
        _volunteers.c.id.label("volunteer_id"),
    ).select_from(
        _reservists.join(_people, _people.c.id == _reservists.c.person_id)
        .join(_areas, _areas.c.id == _reservists.c.area_id)
        .outerjoin(_parent, _parent.c.id == _areas.c.parent_id)
        .outerjoin(_teams, _teams.c.id == _reservists.c.team_id)
        .outerjoin(_organisations, _organisations.c.id == _reservists.c.organisation_id)
        .outerjoin(_volunteers, _volunteers.c.person_id == _reservists.c.person_id)
    )


@reading
def get_reservist(*, actor: Actor, public_id: str, now: datetime) -> ReservistView:
    """One reservist of the actor's; NotFound outside, and for who has left."""
    return _view(
        actor,
        _one().where(_reservists.c.public_id == public_id, visible_reservists(actor), in_reserve()),
        now,
    )


@reading
def get_own(*, actor: Actor, now: datetime) -> ReservistView | None:
    """The reservist that the signed-in person is; None for who is not in the reserve."""
    if actor.person_id is None:
        return None
    try:
        return _view(
            actor,
            _one().where(_reservists.c.person_id == actor.person_id, _reservists.c.left_at.is_(None)),
            now,
        )
    except NotFound:
        return None


def _view(actor: Actor, statement: Any, now: datetime) -> ReservistView:
    row = db.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    values = {name: value for name, value in row._mapping.items() if name not in _NOT_SHOWN}  # noqa: SLF001 - SQLAlchemy's documented mapping
    readiness = readiness_now(row.readiness, row.away_until, at=now)
    values |= {
        "readiness": readiness,
        "away_until": row.away_until if readiness is Readiness.AWAY else None,
    }
    return ReservistView(
        **values,
        is_inside=bool(side_of(row.area_path, sealed_paths(now))),
        may_manage=can_at(actor, Permission.RESERVE_MANAGE, row.area_path, row.team_path),
        skills=_skills_of(row.id, row.person_id, clock.day(now)),
        reach=reach_of([row.person_id])[row.person_id],
    )


def _skills_of(reservist_id: int, person_id: int, today: date) -> tuple[SkillLine, ...]:
    own = select(_own_skills.c.skill_code).where(_own_skills.c.reservist_id == reservist_id)
    says = volunteers_skills(today).where(_volunteers.c.person_id == person_id).subquery()
    said = select(says.c.skill_code)
    rows = db.connection().execute(
        select(
            _skills.c.code,
            _skills.c.name_zh,
            _skills.c.name_en,
            case((_skills.c.code.in_(said), 0), else_=1).label("is_own"),
        )
        .where(or_(_skills.c.code.in_(own), _skills.c.code.in_(said)))
        .order_by(_skills.c.position)
    )
    return tuple(SkillLine(row.code, row.name_zh, row.name_en, bool(row.is_own)) for row in rows)


# --- half-days ----------------------------------------------------------------------------------------------


def half_begins(day: date, half: Half) -> datetime:
    """The instant at which a half-day begins on the county's clocks."""
    return clock.instant(datetime.combine(day, time(0 if half is Half.MORNING else NOON)))


@reading
def list_half_days(
    *, reservist_id: int, person_id: int, now: datetime, freeze: timedelta
) -> tuple[HalfDay, ...]:
    """The half-days of the coming fortnight of a reservist whom the actor has loaded, today's first. Three statements."""
    connection = db.connection()
    first = clock.day(now)
    days = [first + timedelta(days=number) for number in range(DAYS_AHEAD)]
    week = {
        (row.weekday, Half(row.half)): Availability(row.state)
        for row in connection.execute(
            select(_slots.c.weekday, _slots.c.half, _slots.c.state)
            .join(_volunteers, _volunteers.c.id == _slots.c.volunteer_id)
            .where(_volunteers.c.person_id == person_id)
        )
    }
    said = {
        (row.day, Half(row.half)): Availability(row.state)
        for row in connection.execute(
            select(_days.c.day, _days.c.half, _days.c.state).where(
                _days.c.reservist_id == reservist_id, _days.c.day >= first, _days.c.day <= days[-1]
            )
        )
    }
    taken = _taken(person_id, days)
    found = []
    for day in days:
        for half in Half:
            begins_at = half_begins(day, half)
            usual = week.get((day.weekday(), half), Availability.UNKNOWN)
            found.append(
                HalfDay(
                    day=day,
                    half=half,
                    begins_at=begins_at,
                    said=said.get((day, half), usual),
                    is_of_the_day=(day, half) in said,
                    week=usual,
                    taken=tuple(taken.get((day, half), ())),
                    is_frozen=is_frozen(begins_at, now=now, freeze=freeze),
                )
            )
    return tuple(found)


def _taken(person_id: int, days: list[date]) -> dict[tuple[date, Half], list[CommitmentKind]]:
    start = half_begins(days[0], Half.MORNING)
    end = half_begins(days[-1] + timedelta(days=1), Half.MORNING)
    found: dict[tuple[date, Half], list[CommitmentKind]] = {}
    for row in db.connection().execute(
        select(_commitments.c.starts_at, _commitments.c.ends_at, _commitments.c.kind)
        .where(
            _commitments.c.person_id == person_id,
            _commitments.c.ends_at > start,
            _commitments.c.starts_at < end,
        )
        .order_by(_commitments.c.starts_at)
    ):
        for key in halves_between(clock.here(row.starts_at), clock.here(row.ends_at)):
            kinds = found.setdefault(key, [])
            if row.kind not in kinds:
                kinds.append(CommitmentKind(row.kind))
    return found


# --- history ------------------------------------------------------------------------------------------------


@reading
def list_history(*, actor: Actor, person_id: int) -> tuple[HistoryLine, ...]:
    """The last summonses of a reservist whom the actor has loaded, newest first."""
    rows = db.connection().execute(
        select(
            case((visible_call_ups(actor), _call_ups.c.public_id)).label("call_up"),
            _call_ups.c.title,
            _call_ups.c.number,
            _areas.c.name.label("area_name"),
            _roles.c.name.label("role"),
            _call_ups.c.is_drill,
            _summonses.c.state,
            _summonses.c.muster,
            _call_ups.c.starts_at,
            _summonses.c.sent_at,
            _summonses.c.answered_at,
            _summonses.c.arrived_at,
        )
        .select_from(
            _summonses.join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
            .join(_roles, _roles.c.id == _summonses.c.role_id)
            .join(_areas, _areas.c.id == _call_ups.c.area_id)
        )
        .where(_summonses.c.person_id == person_id)
        .order_by(_summonses.c.id.desc())
        .limit(HISTORY)
    )
    return tuple(HistoryLine(**row._mapping) for row in rows)  # noqa: SLF001 - as above


# --- who may join -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """As what somebody may stand in the reserve: a volunteer who was accepted, or appointed staff."""

    person_id: int
    name: str
    pinyin_key: str
    phone_tail: str
    category: Category
    unit: str | None
    team_id: int | None
    organisation_id: int | None
    area_id: int
    area_path: str


# Who is called, and not who calls: heads and dispatchers join by their own tick.
CALLED_STAFF = (Role.GRID_WORKER, Role.BUILDING_LEAD)
ANY_STAFF = (*CALLED_STAFF, Role.COMMUNITY_HEAD, Role.TOWN_DISPATCHER, Role.COUNTY_DISPATCHER)


def _fits() -> Any:
    """The condition: a volunteer who was accepted and is of age."""
    return and_(
        is_any(_volunteers.c.state, VolunteerState.ACCEPTED),
        is_any(_volunteers.c.age_group, AgeGroup.ADULT),
    )


def _holds(now: datetime) -> Any:
    """The condition: an appointment that holds now."""
    return and_(
        _appointments.c.ended_at.is_(None),
        or_(_appointments.c.ends_at.is_(None), _appointments.c.ends_at > now),
    )


def volunteers_standing(*conditions: Any) -> list[Standing]:
    """Accepted adult volunteers who are not in the reserve, for a reader that adds its scope. Inside a door."""
    there = exists().where(
        _reservists.c.person_id == _volunteers.c.person_id, _reservists.c.left_at.is_(None)
    )
    rows = db.connection().execute(
        select(
            _volunteers.c.person_id,
            _volunteers.c.name,
            _volunteers.c.pinyin_key,
            _volunteers.c.phone_tail,
            _volunteers.c.society,
            _volunteers.c.team_id,
            _volunteers.c.organisation_id,
            _volunteers.c.area_id,
            _volunteers.c.area_path,
        )
        .where(_fits(), ~there, *conditions)
        .order_by(_volunteers.c.pinyin_key, _volunteers.c.id)
    )
    return [
        Standing(
            person_id=row.person_id,
            name=row.name,
            pinyin_key=row.pinyin_key,
            phone_tail=row.phone_tail,
            category=Category(row.society.value),
            unit=None,
            team_id=row.team_id,
            organisation_id=row.organisation_id,
            area_id=row.area_id,
            area_path=row.area_path,
        )
        for row in rows
    ]


def staff_standing(*conditions: Any, roles: tuple[Role, ...], now: datetime) -> list[Standing]:
    """Appointed staff of these roles who are not in the reserve, each once, for a reader that adds its scope."""
    there = exists().where(_reservists.c.person_id == _users.c.person_id, _reservists.c.left_at.is_(None))
    rows = db.connection().execute(
        select(
            _people.c.id.label("person_id"),
            _people.c.name,
            _people.c.pinyin_key,
            _users.c.phone_tail,
            _appointments.c.unit,
            _appointments.c.ends_at,
            _areas.c.id.label("area_id"),
            _areas.c.path.label("area_path"),
        )
        .select_from(
            _appointments.join(_users, _users.c.id == _appointments.c.user_id)
            .join(_people, _people.c.id == _users.c.person_id)
            .join(_areas, _areas.c.id == _appointments.c.area_id)
        )
        .where(
            _holds(now),
            is_any(_appointments.c.role, *roles),
            _users.c.blocked_at.is_(None),
            ~there,
            *conditions,
        )
        .order_by(_people.c.pinyin_key, _people.c.id, _appointments.c.id)
    )
    found: dict[int, Standing] = {}
    for row in rows:
        # Who has several appointments stands where the first of them is. Seconded: from a unit, until a day.
        is_seconded = bool(row.unit) and row.ends_at is not None
        found.setdefault(
            row.person_id,
            Standing(
                person_id=row.person_id,
                name=row.name,
                pinyin_key=row.pinyin_key,
                phone_tail=row.phone_tail,
                category=Category.CADRE if is_seconded else Category.COMMUNITY,
                unit=row.unit,
                team_id=None,
                organisation_id=None,
                area_id=row.area_id,
                area_path=row.area_path,
            ),
        )
    return list(found.values())


@reading
def own_standing(*, actor: Actor, now: datetime) -> Standing | None:
    """As what the signed-in person may join the reserve; None: neither an accepted volunteer nor staff."""
    if actor.person_id is None:
        return None
    found = volunteers_standing(_volunteers.c.person_id == actor.person_id) or staff_standing(
        _people.c.id == actor.person_id, roles=ANY_STAFF, now=now
    )
    return found[0] if found else None


# --- for services -------------------------------------------------------------------------------------------


@reading
def find_to_change(*, actor: Actor, public_id: str) -> Any:
    """A reservist whom the actor leads, the person locked first. Inside a writing door.

    NotFound outside and for who has left, NotAllowed for who only sees.
    """
    connection = db.connection()
    seen = connection.execute(
        select(_reservists.c.person_id).where(
            _reservists.c.public_id == public_id, visible_reservists(actor), in_reserve()
        )
    ).scalar()
    if seen is None:
        raise NotFound
    lock_person(seen)
    row = connection.execute(
        select(_reservists, _teams.c.area_path.label("team_path"))
        .select_from(_reservists.outerjoin(_teams, _teams.c.id == _reservists.c.team_id))
        .where(_reservists.c.public_id == public_id)
    ).one()
    if not can_at(actor, Permission.RESERVE_MANAGE, row.area_path, row.team_path):
        raise NotAllowed
    return row


def lock_person(person_id: int) -> None:
    """Lock the person: whatever takes their time or places them waits. Lock order: person, then the rest."""
    db.connection().execute(
        _people.update().where(_people.c.id == person_id).values(version=_people.c.version + 1)
    )


@reading
def find_own(*, actor: Actor) -> Any:
    """The row of the signed-in reservist, the person locked first; NotFound("not_in_reserve"). Inside a writing door."""
    if actor.person_id is None:
        raise NotFound("not_in_reserve")
    lock_person(actor.person_id)
    row = (
        db.connection()
        .execute(
            select(_reservists).where(
                _reservists.c.person_id == actor.person_id, _reservists.c.left_at.is_(None)
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound("not_in_reserve")
    return row


# --- editing ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Terms:
    """What may be written about a reservist: open teams around, areas of the actor, all skills."""

    teams: tuple[Choice, ...]
    areas: tuple[Choice, ...]
    skills: tuple[Choice, ...]


@reading
def get_managed(*, actor: Actor, public_id: str, now: datetime) -> ReservistView:
    """One reservist whom the actor leads; NotFound outside, NotAllowed for who only sees."""
    found = get_reservist(actor=actor, public_id=public_id, now=now)
    if not found.may_manage:
        raise NotAllowed
    return found


@reading
def list_terms(*, actor: Actor, reservist: ReservistView) -> Terms:
    """The choices of the form of a reservist whom the actor has loaded. Areas: the community with all below it."""
    connection = db.connection()
    above = ancestor_paths(reservist.area_path)
    teams = connection.execute(
        select(_teams.c.public_id, _teams.c.name, _teams.c.name_en)
        .where(
            or_(
                _teams.c.id == reservist.team_id,
                and_(
                    _teams.c.closed_at.is_(None),
                    or_(_teams.c.area_path.in_(above), within(_teams.c.area_path, reservist.area_path)),
                ),
            )
        )
        .order_by(_teams.c.area_path, _teams.c.name)
    )
    community = (
        connection.execute(
            select(_areas.c.path).where(_areas.c.path.in_(above), _areas.c.level == "community")
        ).scalar()
        or reservist.area_path
    )
    areas = connection.execute(
        select(_areas.c.public_id, _areas.c.name, _areas.c.name_en, _parent.c.name.label("parent"))
        .select_from(_areas.outerjoin(_parent, _parent.c.id == _areas.c.parent_id))
        .where(
            or_(
                _areas.c.id == reservist.area_id,
                and_(
                    within(_areas.c.path, community),
                    within(_areas.c.path, *area_paths(actor, Permission.RESERVE_MANAGE)),
                ),
            )
        )
        .order_by(_areas.c.path)
    )
    skills = connection.execute(
        select(_skills.c.code, _skills.c.name_zh, _skills.c.name_en).order_by(_skills.c.position)
    )
    return Terms(
        teams=tuple(Choice(*row) for row in teams),
        areas=tuple(
            Choice(row.public_id, f"{short_name(row.parent or '')} {short_name(row.name)}".strip(), None)
            for row in areas
        ),
        skills=tuple(Choice(*row) for row in skills),
    )
