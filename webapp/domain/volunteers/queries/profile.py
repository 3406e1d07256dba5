"""What a volunteer sees of themselves: what they said, what they can do and when, and what was decided."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from webapp.base import clock, crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import NotFound
from webapp.domain.accounts.models import User
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths, short_name
from webapp.domain.people.models import Person
from webapp.domain.people.rules import mask_phone
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Commitment,
    Organisation,
    Pledge,
    Skill,
    SkillCertificate,
    Team,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.rules import (
    AgeGroup,
    Availability,
    CommitmentKind,
    Half,
    PledgeKind,
    SkillKind,
    Society,
    VolunteerState,
)

COMING = timedelta(days=7)

_areas: Any = Area.__table__
_people: Any = Person.__table__
_users: Any = User.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__
_skills: Any = Skill.__table__
_own_skills: Any = VolunteerSkill.__table__
_certificates: Any = SkillCertificate.__table__
_slots: Any = AvailabilitySlot.__table__
_pledges: Any = Pledge.__table__
_commitments: Any = Commitment.__table__


@dataclass(frozen=True)
class OwnVolunteer:
    """The volunteer that the signed-in person is; `skills` are what they ticked, certified ones included."""

    id: int
    public_id: str
    person_id: int
    name: str
    state: VolunteerState
    society: Society
    area_id: int
    area_path: str
    area_name: str
    team_id: int | None
    team_name: str | None
    team_name_en: str | None
    organisation_name: str | None
    organisation_name_en: str | None
    age_group: AgeGroup
    decision_note: str | None
    answer: str | None
    applied_at: datetime
    skills: frozenset[str]
    pledges: frozenset[PledgeKind]

    @property
    def is_live(self) -> bool:
        """Whether they count as somebody who helps or wants to."""
        return self.state in rules.LIVE_STATES


_columns = (
    _volunteers.c.id,
    _volunteers.c.public_id,
    _volunteers.c.person_id,
    _volunteers.c.name,
    _volunteers.c.state,
    _volunteers.c.society,
    _volunteers.c.area_id,
    _volunteers.c.area_path,
    _areas.c.name.label("area_name"),
    _volunteers.c.team_id,
    _teams.c.name.label("team_name"),
    _teams.c.name_en.label("team_name_en"),
    _organisations.c.name.label("organisation_name"),
    _organisations.c.name_en.label("organisation_name_en"),
    _volunteers.c.age_group,
    _volunteers.c.decision_note,
    _volunteers.c.answer,
    _volunteers.c.applied_at,
)


@reading
def get_own(*, actor: Actor) -> OwnVolunteer | None:
    """The volunteer behind the signed-in person in whatever state, or None where they never signed up."""
    if actor.person_id is None:
        return None
    connection = db.connection()
    row: Any = connection.execute(
        select(*_columns)
        .select_from(
            _volunteers.join(_areas, _areas.c.id == _volunteers.c.area_id)
            .outerjoin(_teams, _teams.c.id == _volunteers.c.team_id)
            .outerjoin(_organisations, _organisations.c.id == _volunteers.c.organisation_id)
        )
        .where(_volunteers.c.person_id == actor.person_id)
    ).one_or_none()
    if row is None:
        return None
    skills = connection.execute(
        select(_own_skills.c.skill_code).where(_own_skills.c.volunteer_id == row.id)
    ).scalars()
    pledges = connection.execute(select(_pledges.c.kind).where(_pledges.c.volunteer_id == row.id)).scalars()
    return OwnVolunteer(
        **row._mapping,  # noqa: SLF001 - SQLAlchemy's documented mapping
        skills=frozenset(skills),
        pledges=frozenset(PledgeKind(each) for each in pledges),
    )


# --- skills -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SkillChoice:
    """A skill of the table."""

    code: str
    kind: SkillKind
    name_zh: str
    name_en: str


@reading
def list_skills(*kinds: SkillKind) -> tuple[SkillChoice, ...]:
    """The skills of these kinds (all without one), in their order."""
    statement = select(_skills.c.code, _skills.c.kind, _skills.c.name_zh, _skills.c.name_en)
    if kinds:
        statement = statement.where(_skills.c.kind.in_(kinds))
    return tuple(SkillChoice(*row) for row in db.connection().execute(statement.order_by(_skills.c.position)))


@dataclass(frozen=True)
class CertificateRow:
    """A certificate of one's own."""

    public_id: str
    skill_code: str
    skill_zh: str
    skill_en: str
    number: str | None
    expires_on: date | None
    is_valid: bool


@reading
def list_certificates(*, volunteer_id: int, today: date) -> tuple[CertificateRow, ...]:
    """The certificates of a volunteer whom the actor has loaded, the valid ones first."""
    rows = db.connection().execute(
        select(
            _certificates.c.public_id,
            _certificates.c.skill_code,
            _skills.c.name_zh,
            _skills.c.name_en,
            _certificates.c.number,
            _certificates.c.expires_on,
        )
        .join(_skills, _skills.c.code == _certificates.c.skill_code)
        .where(_certificates.c.volunteer_id == volunteer_id)
        .order_by(_skills.c.position, _certificates.c.id)
    )
    found = [CertificateRow(*row, is_valid=rules.is_valid(row.expires_on, today=today)) for row in rows]
    return tuple(sorted(found, key=lambda each: not each.is_valid))


# --- time ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HalfDay:
    """A half-day of the week: what was said of it, and on which of the coming days time is taken then."""

    weekday: int
    half: Half
    said: Availability
    taken_on: tuple[date, ...]

    @property
    def state(self) -> Availability:
        """One of the four states; what is taken comes before what was said."""
        return Availability.COMMITTED if self.taken_on else self.said


@reading
def list_half_days(*, volunteer_id: int, person_id: int, now: datetime) -> tuple[HalfDay, ...]:
    """The fourteen half-days of the week of a volunteer whom the actor has loaded, with the coming seven days."""
    connection = db.connection()
    said = {
        (row.weekday, Half(row.half)): Availability(row.state)
        for row in connection.execute(select(_slots).where(_slots.c.volunteer_id == volunteer_id))
    }
    until = now + COMING
    taken: dict[tuple[int, Half], list[date]] = {}
    rows = connection.execute(
        select(_commitments.c.starts_at, _commitments.c.ends_at)
        .where(
            _commitments.c.person_id == person_id,
            _commitments.c.ends_at > now,
            _commitments.c.starts_at < until,
        )
        .order_by(_commitments.c.starts_at)
    )
    first, last = clock.day(now), clock.day(until)
    for row in rows:
        for day, half in rules.halves_between(clock.here(row.starts_at), clock.here(row.ends_at)):
            days = taken.setdefault((day.weekday(), half), [])
            if first <= day < last and day not in days:
                days.append(day)
    return tuple(
        HalfDay(
            weekday,
            half,
            said.get((weekday, half), Availability.UNKNOWN),
            tuple(taken.get((weekday, half), ())),
        )
        for weekday in range(7)
        for half in Half
    )


@reading
def count_coming(*, person_id: int, now: datetime, kind: CommitmentKind | None = None) -> int:
    """How many stretches of a person's time are taken from now on, for a service that knows whose they are."""
    statement = select(_commitments.c.id).where(
        _commitments.c.person_id == person_id, _commitments.c.ends_at > now
    )
    if kind is not None:
        statement = statement.where(_commitments.c.kind == kind)
    return len(db.connection().execute(statement).all())


# --- signing up ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asker:
    """Who is about to sign up: the proved number, masked, and the name where somebody knows it."""

    phone: str
    name: str


@reading
def get_asker(*, actor: Actor) -> Asker:
    """The signed-in user as the sign-up shows them; raises NotFound for a visitor."""
    row = (
        db.connection()
        .execute(
            select(_users.c.phone, _people.c.name)
            .select_from(_users.outerjoin(_people, _people.c.id == _users.c.person_id))
            .where(_users.c.id == actor.user_id)
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return Asker(phone=mask_phone(crypto.decrypt(row.phone)), name=row.name or "")


@dataclass(frozen=True)
class LivingPlace:
    """Where somebody says they live: the community, and the building where it is known."""

    community_id: int
    community_public_id: str
    community_name: str
    community_name_en: str | None
    community_path: str
    building_public_id: str | None


@reading
def find_living_place(*, path: str) -> LivingPlace | None:
    """The community of an area path, and its building where the path reaches one; None above all communities."""
    rows = db.connection().execute(
        select(
            _areas.c.id, _areas.c.public_id, _areas.c.name, _areas.c.name_en, _areas.c.path, _areas.c.level
        ).where(_areas.c.path.in_(ancestor_paths(path)), _areas.c.level.in_(["community", "building"]))
    )
    found = {row.level: row for row in rows}
    community = found.get("community")
    if community is None:
        return None
    return LivingPlace(
        community_id=community.id,
        community_public_id=community.public_id,
        community_name=short_name(community.name),
        community_name_en=community.name_en,
        community_path=community.path,
        building_public_id=found["building"].public_id if "building" in found else None,
    )


@reading
def get_living_place(*, public_id: str) -> LivingPlace | None:
    """The same of an area that a poster or a choice names; None for an unknown one."""
    path = db.connection().execute(select(_areas.c.path).where(_areas.c.public_id == public_id)).scalar()
    return None if path is None else find_living_place(path=path)
