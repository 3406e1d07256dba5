"""Volunteers who may be one person: found by a phone that both have, shown side by side."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select, tuple_
from sqlalchemy.orm import aliased

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading, within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.accounts.models import User
from webapp.domain.areas.models import Area
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import mask_phone
from webapp.domain.volunteers.models import (
    Commitment,
    NotTheSame,
    Organisation,
    Pledge,
    Skill,
    SkillCertificate,
    Team,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.queries.scope import area_paths
from webapp.domain.volunteers.rules import Society, VolunteerState

PAGE = 50

_areas: Any = Area.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_users: Any = User.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__
_skills: Any = Skill.__table__
_own_skills: Any = VolunteerSkill.__table__
_certificates: Any = SkillCertificate.__table__
_pledges: Any = Pledge.__table__
_commitments: Any = Commitment.__table__
_apart: Any = NotTheSame.__table__

_above: Any = aliased(_areas, name="above")
_first: Any = aliased(_volunteers, name="first")
_second: Any = aliased(_volunteers, name="second")
_first_phone: Any = aliased(_phones, name="first_phone")
_second_phone: Any = aliased(_phones, name="second_phone")


@dataclass(frozen=True)
class Pair:
    """Two volunteers with a phone in common; `is_same_name` makes it likely that they are one."""

    first: str
    first_name: str
    second: str
    second_name: str
    phone_tail: str
    is_same_name: bool


@dataclass(frozen=True)
class PairPage:
    """A page of pairs, and where the next begins."""

    pairs: tuple[Pair, ...]
    after: str | None


def _decided_by(actor: Actor, table: Any) -> ColumnElement[bool]:
    return within(table.c.area_path, *area_paths(actor, Permission.VOLUNTEER_DECIDE))


@reading
def list_duplicates(*, actor: Actor, after: str | None = None, limit: int = PAGE) -> PairPage:
    """Pairs of the actor's volunteers who share a phone and of whom nobody said that they are two people."""
    low, high = _read_key(after)
    rows = (
        db.connection()
        .execute(
            select(
                _first.c.id.label("first_id"),
                _second.c.id.label("second_id"),
                _first.c.public_id.label("first"),
                _first.c.name.label("first_name"),
                _second.c.public_id.label("second"),
                _second.c.name.label("second_name"),
                func.min(_first_phone.c.phone_tail).label("phone_tail"),
            )
            .select_from(
                _first.join(_first_phone, _first_phone.c.person_id == _first.c.person_id)
                .join(
                    _second_phone,
                    and_(
                        _second_phone.c.phone_index == _first_phone.c.phone_index,
                        _second_phone.c.person_id != _first_phone.c.person_id,
                    ),
                )
                .join(
                    _second,
                    and_(_second.c.person_id == _second_phone.c.person_id, _second.c.id > _first.c.id),
                )
            )
            .where(
                _decided_by(actor, _first),
                _decided_by(actor, _second),
                _first.c.state != VolunteerState.MERGED,
                _second.c.state != VolunteerState.MERGED,
                ~exists().where(_apart.c.volunteer_id == _first.c.id, _apart.c.other_id == _second.c.id),
                tuple_(_first.c.id, _second.c.id) > tuple_(low, high),
            )
            .group_by(
                _first.c.id,
                _second.c.id,
                _first.c.public_id,
                _first.c.name,
                _second.c.public_id,
                _second.c.name,
            )
            .order_by(_first.c.id, _second.c.id)
            .limit(limit + 1)
        )
        .all()
    )
    shown = rows[:limit]
    return PairPage(
        pairs=tuple(
            Pair(
                row.first,
                row.first_name,
                row.second,
                row.second_name,
                row.phone_tail,
                row.first_name == row.second_name,
            )
            for row in shown
        ),
        after=f"{shown[-1].first_id}.{shown[-1].second_id}" if len(rows) > limit else None,
    )


def _read_key(text: str | None) -> tuple[int, int]:
    low, _, high = (text or "").partition(".")
    if not (low.isdecimal() and high.isdecimal()) or max(len(low), len(high)) > 18:
        return 0, 0
    return int(low), int(high)


@dataclass(frozen=True)
class Side:
    """One of two volunteers, as whoever decides compares them."""

    public_id: str
    name: str
    state: VolunteerState
    society: Society
    area_name: str
    team_name: str | None
    team_name_en: str | None
    organisation_name: str | None
    organisation_name_en: str | None
    applied_at: datetime
    note: str | None
    phones: tuple[str, ...]
    has_id_number: bool
    born_on: date | None
    account_count: int
    has_pledged: bool
    skills: tuple[tuple[str, str], ...]
    certificate_count: int
    coming_count: int


@reading
def get_pair(*, actor: Actor, first: str, second: str, now: datetime) -> tuple[Side, Side]:
    """Two volunteers side by side; NotFound where one is not the actor's or they are one and the same."""
    if first == second:
        raise NotFound
    return _side(actor, first, now), _side(actor, second, now)


def _side(actor: Actor, public_id: str, now: datetime) -> Side:
    connection = db.connection()
    row = connection.execute(
        select(
            _volunteers.c.id,
            _volunteers.c.public_id,
            _volunteers.c.person_id,
            _volunteers.c.name,
            _volunteers.c.state,
            _volunteers.c.society,
            _volunteers.c.applied_at,
            _volunteers.c.note,
            _areas.c.name.label("area_name"),
            _above.c.name.label("compound_name"),
            _teams.c.name.label("team_name"),
            _teams.c.name_en.label("team_name_en"),
            _organisations.c.name.label("organisation_name"),
            _organisations.c.name_en.label("organisation_name_en"),
            _people.c.born_on,
            _people.c.id_index.is_not(None).label("has_id_number"),
        )
        .select_from(
            _volunteers.join(_people, _people.c.id == _volunteers.c.person_id)
            .join(_areas, _areas.c.id == _volunteers.c.area_id)
            .outerjoin(_above, and_(_above.c.id == _areas.c.parent_id, _above.c.level == "compound"))
            .outerjoin(_teams, _teams.c.id == _volunteers.c.team_id)
            .outerjoin(_organisations, _organisations.c.id == _volunteers.c.organisation_id)
        )
        .where(
            _volunteers.c.public_id == public_id,
            _volunteers.c.state != VolunteerState.MERGED,
            within(_volunteers.c.area_path, *area_paths(actor, Permission.VOLUNTEER_DECIDE)),
        )
    ).one_or_none()
    if row is None:
        raise NotFound

    def count(table: Any, condition: Any) -> int:
        found: int = connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()
        return found

    phones = connection.execute(
        select(_phones.c.phone).where(_phones.c.person_id == row.person_id).order_by(_phones.c.position)
    ).scalars()
    skills = connection.execute(
        select(_skills.c.name_zh, _skills.c.name_en)
        .join(_own_skills, _own_skills.c.skill_code == _skills.c.code)
        .where(_own_skills.c.volunteer_id == row.id)
        .order_by(_skills.c.position)
    )
    return Side(
        public_id=row.public_id,
        name=row.name,
        state=VolunteerState(row.state),
        society=Society(row.society),
        area_name=f"{row.compound_name} {row.area_name}" if row.compound_name else row.area_name,
        team_name=row.team_name,
        team_name_en=row.team_name_en,
        organisation_name=row.organisation_name,
        organisation_name_en=row.organisation_name_en,
        applied_at=row.applied_at,
        note=row.note,
        phones=tuple(mask_phone(crypto.decrypt(phone)) for phone in phones),
        has_id_number=bool(row.has_id_number),
        born_on=row.born_on,
        account_count=count(_users, _users.c.person_id == row.person_id),
        has_pledged=count(_pledges, _pledges.c.volunteer_id == row.id) > 0,
        skills=tuple((skill.name_zh, skill.name_en) for skill in skills),
        certificate_count=count(_certificates, _certificates.c.volunteer_id == row.id),
        coming_count=count(
            _commitments, and_(_commitments.c.person_id == row.person_id, _commitments.c.ends_at > now)
        ),
    )


def find_to_merge(*, actor: Actor, public_id: str) -> Any:
    """A volunteer's row inside a writing door; NotFound outside the actor's areas, NotAllowed for who only sees."""
    row = (
        db.connection().execute(select(_volunteers).where(_volunteers.c.public_id == public_id)).one_or_none()
    )
    sees = area_paths(actor, Permission.VOLUNTEER_SEE)
    if row is None or not any(row.area_path.startswith(path) for path in sees):
        raise NotFound
    if not any(row.area_path.startswith(path) for path in area_paths(actor, Permission.VOLUNTEER_DECIDE)):
        raise NotAllowed
    return row
