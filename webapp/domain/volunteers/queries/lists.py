"""Reads of volunteers for those who decide about them and those who lead their teams."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.accounts.models import User
from webapp.domain.areas.models import Area
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import name_key
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.models import Organisation, Skill, Team, Volunteer, VolunteerSkill
from webapp.domain.volunteers.queries.scope import area_paths, can_at, visible_volunteers
from webapp.domain.volunteers.rules import AgeGroup, Decision, Society, VolunteerState

PAGE = 50
MERGES_FOLLOWED = 5
_GONE = tuple(state for state in VolunteerState if state not in rules.LIVE_STATES)

_areas: Any = Area.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_users: Any = User.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__
_skills: Any = Skill.__table__
_own_skills: Any = VolunteerSkill.__table__


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    return visible_volunteers(actor)


@dataclass(frozen=True)
class VolunteerRow:
    """A volunteer in a list: of the phone only the last four digits."""

    public_id: str
    name: str
    state: VolunteerState
    phone_tail: str
    area_name: str
    team_name: str | None
    team_name_en: str | None
    applied_at: datetime
    skills: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class VolunteerPage:
    """A page of volunteers, and the public id after which the next begins."""

    rows: tuple[VolunteerRow, ...]
    after: str | None


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; empty fields narrow nothing. Without a state it shows who is not gone."""

    text: str = ""
    state: VolunteerState | None = None
    team: str | None = None
    skill: str | None = None


@reading
def list_volunteers(
    *, actor: Actor, wanted: Filter, after: str | None = None, limit: int = PAGE
) -> VolunteerPage:
    """A page of the actor's volunteers by pinyin; `after` is the public id of the last one of the page before.

    Two statements, one more with `after`, however long the page.
    """
    connection = db.connection()
    conditions = [_visible_to(actor), *_narrowed(wanted)]
    if after is not None:
        last = connection.execute(
            select(_volunteers.c.pinyin_key, _volunteers.c.id).where(
                _volunteers.c.public_id == after, _visible_to(actor)
            )
        ).one_or_none()
        if last is None:
            raise NotFound
        conditions.append(tuple_(_volunteers.c.pinyin_key, _volunteers.c.id) > tuple_(*last))
    source = _volunteers
    if wanted.text:
        source = _volunteers.join(_people, _people.c.id == _volunteers.c.person_id)
    # The page is found first and only then looked up: a county sorts 18,000 names, not their teams and areas.
    found = (
        select(_volunteers.c.id)
        .select_from(source)
        .where(*conditions)
        .order_by(_volunteers.c.pinyin_key, _volunteers.c.id)
        .limit(limit + 1)
    )
    rows = connection.execute(
        select(
            _volunteers.c.id,
            _volunteers.c.public_id,
            _volunteers.c.name,
            _volunteers.c.state,
            _volunteers.c.phone_tail,
            _volunteers.c.applied_at,
            _areas.c.name.label("area_name"),
            _teams.c.name.label("team_name"),
            _teams.c.name_en.label("team_name_en"),
        )
        .select_from(
            _volunteers.join(_areas, _areas.c.id == _volunteers.c.area_id).outerjoin(
                _teams, _teams.c.id == _volunteers.c.team_id
            )
        )
        .where(_volunteers.c.id.in_(found))
        .order_by(_volunteers.c.pinyin_key, _volunteers.c.id)
    ).all()
    skills = _skills_of([row.id for row in rows[:limit]])
    return VolunteerPage(
        rows=tuple(
            VolunteerRow(
                public_id=row.public_id,
                name=row.name,
                state=VolunteerState(row.state),
                phone_tail=row.phone_tail,
                area_name=row.area_name,
                team_name=row.team_name,
                team_name_en=row.team_name_en,
                applied_at=row.applied_at,
                skills=tuple(skills.get(row.id, ())),
            )
            for row in rows[:limit]
        ),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
    )


def _narrowed(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state is None:
        # Said as what is left out: an index on the state would be chosen, and nearly everybody is live.
        found.append(_volunteers.c.state.not_in(_GONE))
    else:
        found.append(_volunteers.c.state == wanted.state)
    if wanted.team:
        team = select(_teams.c.id).where(_teams.c.public_id == wanted.team).scalar_subquery()
        found.append(_volunteers.c.team_id == team)
    if wanted.skill:
        can = select(_own_skills.c.volunteer_id).where(_own_skills.c.skill_code == wanted.skill)
        found.append(_volunteers.c.id.in_(can))
    if wanted.text:
        found.append(_matches(wanted.text))
    return found


def _matches(text: str) -> ColumnElement[bool]:
    """The beginning of a name, of its pinyin or initials; four last digits of a phone, or the whole number."""
    key = name_key(text)
    digits = "".join(sign for sign in key if sign.isdigit())
    if digits and digits == key.replace("-", ""):
        if len(digits) <= 4:
            return _starts(_volunteers.c.phone_tail, digits)
        owner = select(_phones.c.person_id).where(
            _phones.c.phone_index == crypto.blind_index("phone", digits)
        )
        condition: ColumnElement[bool] = _volunteers.c.person_id.in_(owner)
        return condition
    columns = (_people.c.pinyin_key, _people.c.initials_key) if key.isascii() else (_people.c.name_key,)
    return or_(*(_starts(column, key) for column in columns))


def _starts(column: Any, key: str) -> ColumnElement[bool]:
    # A range, not LIKE: an index serves it on both databases, whatever their collation.
    return and_(column >= key, column < key + "\U0010ffff")


def _skills_of(ids: list[int]) -> dict[int, list[tuple[str, str]]]:
    rows = db.connection().execute(
        select(_own_skills.c.volunteer_id, _skills.c.name_zh, _skills.c.name_en)
        .join(_skills, _skills.c.code == _own_skills.c.skill_code)
        .where(_own_skills.c.volunteer_id.in_(ids))
        .order_by(_own_skills.c.volunteer_id, _skills.c.position)
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row.volunteer_id, []).append((row.name_zh, row.name_en))
    return found


@reading
def count_by_state(*, actor: Actor) -> dict[VolunteerState, int]:
    """How many volunteers of the actor stand in each state."""
    rows = db.connection().execute(
        select(_volunteers.c.state, func.count()).where(_visible_to(actor)).group_by(_volunteers.c.state)
    )
    return {VolunteerState(state): count for state, count in rows}


# --- one of them --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VolunteerView:
    """A volunteer on a head's or a lead's page. `phone` is masked; a reveal is a deed of its own."""

    id: int
    public_id: str
    person_id: int
    name: str
    state: VolunteerState
    society: Society
    area_path: str
    area_name: str
    parent_name: str | None
    team_id: int | None
    team_public_id: str | None
    team_name: str | None
    team_name_en: str | None
    organisation_public_id: str | None
    organisation_name: str | None
    organisation_name_en: str | None
    age_group: AgeGroup
    guardian_name: str | None
    applied_at: datetime
    decided_at: datetime | None
    decision_note: str | None
    answer: str | None
    phone_tail: str
    version: int
    may_decide: bool
    skills: tuple[tuple[str, str], ...]

    def may(self, decision: Decision) -> bool:
        """Whether the reader can take this decision now."""
        return self.may_decide and rules.can_decide(self.state, decision)


_parent: Any = _areas.alias("parent")


@reading
def get_volunteer(*, actor: Actor, public_id: str) -> VolunteerView:
    """One volunteer of the actor's; NotFound outside. Of a merged one, whom it was merged into."""
    row = (
        db.connection()
        .execute(_one().where(_volunteers.c.public_id == public_id, _visible_to(actor)))
        .first()
    )
    for _ in range(MERGES_FOLLOWED):
        if row is None or row.merged_into_id is None:
            break
        row = db.connection().execute(_one().where(_volunteers.c.id == row.merged_into_id)).first()
    if row is None:
        raise NotFound
    return VolunteerView(
        **{name: value for name, value in row._mapping.items() if name not in _NOT_SHOWN},  # noqa: SLF001 - SQLAlchemy's documented mapping
        may_decide=can_at(actor, Permission.VOLUNTEER_DECIDE, row.area_path, row.team_path),
        skills=tuple(_skills_of([row.id]).get(row.id, ())),
    )


_NOT_SHOWN = frozenset({"team_path", "merged_into_id"})


def _one() -> Any:
    return select(
        _volunteers.c.id,
        _volunteers.c.public_id,
        _volunteers.c.person_id,
        _volunteers.c.name,
        _volunteers.c.state,
        _volunteers.c.society,
        _volunteers.c.area_path,
        _areas.c.name.label("area_name"),
        _parent.c.name.label("parent_name"),
        _volunteers.c.team_id,
        _teams.c.public_id.label("team_public_id"),
        _teams.c.name.label("team_name"),
        _teams.c.name_en.label("team_name_en"),
        _teams.c.area_path.label("team_path"),
        _organisations.c.public_id.label("organisation_public_id"),
        _organisations.c.name.label("organisation_name"),
        _organisations.c.name_en.label("organisation_name_en"),
        _volunteers.c.age_group,
        _volunteers.c.guardian_name,
        _volunteers.c.applied_at,
        _volunteers.c.decided_at,
        _volunteers.c.decision_note,
        _volunteers.c.answer,
        _volunteers.c.phone_tail,
        _volunteers.c.version,
        _volunteers.c.merged_into_id,
    ).select_from(
        _volunteers.join(_areas, _areas.c.id == _volunteers.c.area_id)
        .outerjoin(_parent, _parent.c.id == _areas.c.parent_id)
        .outerjoin(_teams, _teams.c.id == _volunteers.c.team_id)
        .outerjoin(_organisations, _organisations.c.id == _volunteers.c.organisation_id)
    )


@reading
def find_to_decide(*, actor: Actor, public_id: str) -> Any:
    """A volunteer whom the actor may decide about, with the person locked first (lock order: person, then the rest).

    NotFound outside, NotAllowed for who only sees. Inside a writing door.
    """
    connection = db.connection()
    seen = connection.execute(
        select(_volunteers.c.person_id).where(_volunteers.c.public_id == public_id, _visible_to(actor))
    ).scalar()
    if seen is None:
        raise NotFound
    connection.execute(_people.update().where(_people.c.id == seen).values(version=_people.c.version + 1))
    row = connection.execute(
        select(
            _volunteers.c.id,
            _volunteers.c.public_id,
            _volunteers.c.person_id,
            _volunteers.c.name,
            _volunteers.c.state,
            _volunteers.c.area_path,
            _volunteers.c.team_id,
            _volunteers.c.version,
            _teams.c.area_path.label("team_path"),
        )
        .select_from(_volunteers.outerjoin(_teams, _teams.c.id == _volunteers.c.team_id))
        .where(_volunteers.c.public_id == public_id)
    ).one()
    if not can_at(actor, Permission.VOLUNTEER_DECIDE, row.area_path, row.team_path):
        raise NotAllowed
    return row


@reading
def find_to_reveal(*, actor: Actor, public_id: str) -> Any:
    """Id, place and numbers of a volunteer of the actor's, the numbers as ciphertext; NotFound outside."""
    row = (
        db.connection()
        .execute(
            select(_volunteers.c.id, _volunteers.c.person_id, _volunteers.c.area_path).where(
                _volunteers.c.public_id == public_id, _visible_to(actor)
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row


@reading
def find_contact(*, person_id: int) -> tuple[str, str] | None:
    """Number and language under which a person is told something, for a service; the number of the sign-in first."""
    connection = db.connection()
    user = connection.execute(
        select(_users.c.phone, _users.c.language)
        .where(_users.c.person_id == person_id, _users.c.blocked_at.is_(None))
        .order_by(_users.c.id)
    ).first()
    if user is not None:
        return crypto.decrypt(user.phone), user.language
    phone = connection.execute(
        select(_phones.c.phone).where(_phones.c.person_id == person_id).order_by(_phones.c.position)
    ).scalar()
    return None if phone is None else (crypto.decrypt(phone), "zh_Hans")


@reading
def list_users(*, person_id: int, with_blocked: bool = False) -> tuple[int, ...]:
    """The ways in which a person signs in, for a service."""
    statement = select(_users.c.id).where(_users.c.person_id == person_id).order_by(_users.c.id)
    if not with_blocked:
        statement = statement.where(_users.c.blocked_at.is_(None))
    return tuple(db.connection().execute(statement).scalars())


@reading
def decides_anywhere(*, actor: Actor) -> bool:
    """Whether the actor decides about volunteers in some area."""
    return bool(area_paths(actor, Permission.VOLUNTEER_DECIDE))
