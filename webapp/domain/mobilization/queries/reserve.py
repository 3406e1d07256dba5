"""Reads of the reserve 储备库 for those who lead it: the list, its figures, and what it may be narrowed to."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)

from webapp.base import clock, crypto, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import sealed_paths, zoned
from webapp.domain.areas.rules import cordons, short_name, side_of
from webapp.domain.mobilization.models import Reservist, ReservistSkill
from webapp.domain.mobilization.queries.pool import in_reserve
from webapp.domain.mobilization.queries.scope import visible_reservists
from webapp.domain.mobilization.rules import Category, Readiness
from webapp.domain.notifications.models import Contact
from webapp.domain.notifications.rules import ContactState
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import name_key
from webapp.domain.volunteers.models import Skill, SkillCertificate, Team, Volunteer, VolunteerSkill
from webapp.domain.volunteers.queries.scope import area_paths
from webapp.domain.volunteers.rules import SkillKind, VolunteerState

PAGE = 50
# Levels of areas that a list is narrowed to; a building is found through its grid.
_CHOSEN_LEVELS = ("town", "community", "grid")
MOST_CHOICES = 400

_areas: Any = Area.__table__
_parent: Any = _areas.alias("parent")
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_contacts: Any = Contact.__table__
_reservists: Any = Reservist.__table__
_own_skills: Any = ReservistSkill.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_skills: Any = Skill.__table__
_has: Any = VolunteerSkill.__table__
_certificates: Any = SkillCertificate.__table__


@dataclass(frozen=True)
class Filter:
    """What the list is narrowed to; empty fields narrow nothing. `inside`: on which side of a cordon."""

    text: str = ""
    category: Category | None = None
    skill: str = ""
    readiness: Readiness | None = None
    team: str = ""
    area: str = ""
    inside: bool | None = None
    reachable: bool | None = None


@dataclass(frozen=True)
class ReserveRow:
    """A reservist in a list: of the phone only the last four digits. `skills` are codes that count today.

    `parent_name` is the compound of a building: 2栋 alone says nothing.
    """

    public_id: str
    name: str
    phone_tail: str
    category: Category
    readiness: Readiness
    away_until: datetime | None
    unit: str | None
    area_name: str
    parent_name: str | None
    team_name: str | None
    team_name_en: str | None
    is_inside: bool
    is_reachable: bool
    call_count: int
    yes_count: int
    last_called_at: datetime | None
    skills: tuple[str, ...]


@dataclass(frozen=True)
class ReservePage:
    """A page of the reserve; `after` is the public id after which the next begins; `counts` are those of the filter."""

    rows: tuple[ReserveRow, ...]
    after: str | None
    counts: dict[Readiness, int]

    @property
    def count(self) -> int:
        """How many the filter finds, whatever their readiness."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Choice:
    """Something that the list may be narrowed to."""

    key: str
    name: str
    name_en: str | None


@dataclass(frozen=True)
class Choices:
    """Skills, teams and areas of the actor's reserve, and what is sealed now."""

    skills: tuple[Choice, ...] = ()
    teams: tuple[Choice, ...] = ()
    areas: tuple[Choice, ...] = ()
    skill_names: dict[str, tuple[str, str]] = field(default_factory=dict)
    cordon: tuple[str, ...] = ()


def effective_readiness(now: datetime) -> ColumnElement[Any]:
    """How ready somebody is now: who was away until then is ready again."""
    back = and_(is_any(_reservists.c.readiness, Readiness.AWAY), _reservists.c.away_until <= now)
    return case((back, literal(Readiness.READY.value)), else_=cast(_reservists.c.readiness, String))


def reachable() -> ColumnElement[bool]:
    """Those whom a message reaches: a number that works and is wanted, or a channel that was proved."""
    number = exists().where(
        _phones.c.person_id == _reservists.c.person_id,
        _phones.c.failing_since.is_(None),
        _phones.c.opted_out_at.is_(None),
    )
    channel = exists().where(
        _contacts.c.person_id == _reservists.c.person_id,
        is_any(_contacts.c.state, ContactState.VERIFIED),
    )
    return or_(number, channel)


def inside(cordon: tuple[str, ...]) -> ColumnElement[bool]:
    """Those inside a cordon, as `areas.rules.side_of` tells it: the innermost zone decides."""
    condition: ColumnElement[bool] = false()
    for each in sorted(cordon, key=lambda path: len(path.lstrip("!"))):
        here = within(_reservists.c.area_path, each.lstrip("!"))
        condition = and_(condition, ~here) if each.startswith("!") else or_(condition, here)
    return condition


def _narrowed(wanted: Filter, cordon: tuple[str, ...], now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.category is not None:
        found.append(_reservists.c.category == wanted.category)
    if wanted.skill:
        found.append(_can(wanted.skill, clock.day(now)))
    if wanted.team:
        team = select(_teams.c.id).where(_teams.c.public_id == wanted.team).scalar_subquery()
        found.append(_reservists.c.team_id == team)
    if wanted.area:
        path = select(_areas.c.path).where(_areas.c.public_id == wanted.area).scalar_subquery()
        found.append(and_(_reservists.c.area_path >= path, _reservists.c.area_path < path + "~"))
    if wanted.inside is not None:
        found.append(inside(cordon) if wanted.inside else ~inside(cordon))
    if wanted.reachable is not None:
        found.append(reachable() if wanted.reachable else ~reachable())
    if wanted.text:
        found.append(_matches(wanted.text))
    return found


def _matches(text: str) -> ColumnElement[bool]:
    """The beginning of a name, of its pinyin or initials; four last digits of a phone, or the whole number."""
    key = name_key(text)
    digits = "".join(sign for sign in key if sign.isdigit())
    if digits and digits == key.replace("-", ""):
        if len(digits) <= 4:
            return _starts(_reservists.c.phone_tail, digits)
        owner = select(_phones.c.person_id).where(
            _phones.c.phone_index == crypto.blind_index("phone", digits)
        )
        condition: ColumnElement[bool] = _reservists.c.person_id.in_(owner)
        return condition
    columns = (_people.c.pinyin_key, _people.c.initials_key) if key.isascii() else (_people.c.name_key,)
    named = select(_people.c.id).where(or_(*(_starts(column, key) for column in columns)))
    called: ColumnElement[bool] = _reservists.c.person_id.in_(named)
    return called


def _starts(column: Any, key: str) -> ColumnElement[bool]:
    return and_(column >= key, column < key + "\U0010ffff")


def _can(skill: str, today: date) -> ColumnElement[bool]:
    own = select(_own_skills.c.reservist_id).where(_own_skills.c.skill_code == skill)
    says = volunteers_skills(today).where(_has.c.skill_code == skill).subquery()
    return or_(_reservists.c.id.in_(own), _reservists.c.person_id.in_(select(says.c.person_id)))


def volunteers_skills(today: date) -> Any:
    """(person_id, skill_code): what accepted volunteers can do today, certified skills with a valid certificate only."""
    valid = exists().where(
        _certificates.c.volunteer_id == _has.c.volunteer_id,
        _certificates.c.skill_code == _has.c.skill_code,
        or_(_certificates.c.expires_on.is_(None), _certificates.c.expires_on >= today),
    )
    return (
        select(_volunteers.c.person_id, _has.c.skill_code)
        .select_from(
            _has.join(_volunteers, _volunteers.c.id == _has.c.volunteer_id).join(
                _skills, _skills.c.code == _has.c.skill_code
            )
        )
        .where(
            is_any(_volunteers.c.state, VolunteerState.ACCEPTED),
            or_(_skills.c.kind != SkillKind.CERTIFIED, valid),
        )
    )


@reading
def list_reservists(
    *,
    actor: Actor,
    wanted: Filter,
    now: datetime,
    cordon: tuple[str, ...] | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> ReservePage:
    """A page of the actor's reserve by pinyin, and how many are how ready.

    Two statements, whatever there is, and a third one where nobody says what is sealed now (`cordon`).
    """
    connection = db.connection()
    cordon = sealed_paths(now) if cordon is None else cordon
    readiness = effective_readiness(now)
    conditions = [visible_reservists(actor), in_reserve(), *_narrowed(wanted, cordon, now)]
    counts: dict[Readiness, int] = dict.fromkeys(Readiness, 0)
    for word, count in connection.execute(
        select(readiness, func.count()).select_from(_reservists).where(*conditions).group_by(readiness)
    ):
        counts[Readiness(word)] = count
    if wanted.readiness is not None:
        conditions.append(readiness == wanted.readiness.value)
    rows = _rows(conditions, after, limit + 1, now)
    page = rows[:limit]
    return ReservePage(
        rows=tuple(_row(row, skills, cordon, now) for row, skills in page),
        after=page[-1][0].public_id if len(rows) > limit else None,
        counts=counts,
    )


def _rows(
    conditions: list[Any], after: str | None, limit: int, now: datetime
) -> list[tuple[Any, tuple[str, ...]]]:
    """The rows of the page with their skills, in one statement: a line for each skill."""
    order = (_reservists.c.pinyin_key, _reservists.c.id)
    wanted = select(_reservists.c.id).where(*conditions).order_by(*order).limit(limit)
    if after is not None:
        last: Any = _reservists.alias("last")
        key = select(last.c.pinyin_key, last.c.id).where(last.c.public_id == after).subquery()
        wanted = wanted.join(key, tuple_(*order) > tuple_(key.c.pinyin_key, key.c.id))
    # The page is found first and only then looked up: a county sorts 44,000 names, not their teams and skills.
    found = wanted.subquery()
    on_page = select(found.c.id)
    own = select(_own_skills.c.reservist_id, _own_skills.c.skill_code).where(
        _own_skills.c.reservist_id.in_(on_page)
    )
    people = select(_reservists.c.person_id).where(_reservists.c.id.in_(on_page))
    said = volunteers_skills(clock.day(now)).where(_volunteers.c.person_id.in_(people)).subquery()
    says = select(_reservists.c.id, said.c.skill_code).join(said, said.c.person_id == _reservists.c.person_id)
    can = own.union(says).subquery()
    rows = db.connection().execute(
        select(
            _reservists.c.id,
            _reservists.c.public_id,
            _reservists.c.name,
            _reservists.c.phone_tail,
            _reservists.c.category,
            _reservists.c.readiness,
            _reservists.c.away_until,
            _reservists.c.unit,
            _reservists.c.area_path,
            _reservists.c.call_count,
            _reservists.c.yes_count,
            _reservists.c.last_called_at,
            _areas.c.name.label("area_name"),
            case((_areas.c.level == "building", _parent.c.name)).label("parent_name"),
            _teams.c.name.label("team_name"),
            _teams.c.name_en.label("team_name_en"),
            case((reachable(), 1), else_=0).label("is_reachable"),
            can.c.skill_code,
        )
        .select_from(
            _reservists.join(_areas, _areas.c.id == _reservists.c.area_id)
            .outerjoin(_parent, _parent.c.id == _areas.c.parent_id)
            .outerjoin(_teams, _teams.c.id == _reservists.c.team_id)
            .outerjoin(can, can.c.reservist_id == _reservists.c.id)
        )
        .where(_reservists.c.id.in_(on_page))
        .order_by(*order, can.c.skill_code)
    )
    grouped: dict[int, tuple[Any, list[str]]] = {}
    for row in rows:
        codes = grouped.setdefault(row.id, (row, []))[1]
        if row.skill_code is not None:
            codes.append(row.skill_code)
    return [(row, tuple(codes)) for row, codes in grouped.values()]


def _row(row: Any, skills: tuple[str, ...], cordon: tuple[str, ...], now: datetime) -> ReserveRow:
    is_back = row.readiness is Readiness.AWAY and row.away_until <= now
    return ReserveRow(
        public_id=row.public_id,
        name=row.name,
        phone_tail=row.phone_tail,
        category=row.category,
        readiness=Readiness.READY if is_back else row.readiness,
        away_until=None if is_back else row.away_until,
        unit=row.unit,
        area_name=row.area_name,
        parent_name=row.parent_name,
        team_name=row.team_name,
        team_name_en=row.team_name_en,
        is_inside=bool(side_of(row.area_path, cordon)),
        is_reachable=bool(row.is_reachable),
        call_count=row.call_count,
        yes_count=row.yes_count,
        last_called_at=row.last_called_at,
        skills=skills,
    )


@reading
def list_choices(*, actor: Actor, now: datetime) -> Choices:
    """What the list may be narrowed to: all skills; the open teams and the areas of the actor. One statement.

    What is sealed now comes along, because the list needs it and another statement costs more.
    """
    paths = area_paths(actor, Permission.RESERVE_SEE)
    reserve_teams = select(_reservists.c.team_id).where(visible_reservists(actor))
    nothing = cast(null(), String)
    sealing = zoned.subquery()
    rows = db.connection().execute(
        union_all(
            select(
                literal("skill").label("what"),
                cast(_skills.c.position, String).label("sort"),
                cast(_skills.c.code, String).label("key"),
                cast(_skills.c.name_zh, String).label("name"),
                cast(_skills.c.name_en, String).label("name_en"),
            ),
            select(
                literal("team"),
                cast(_teams.c.area_path, String),
                cast(_teams.c.public_id, String),
                cast(_teams.c.name, String),
                cast(_teams.c.name_en, String),
            ).where(_teams.c.closed_at.is_(None), _teams.c.id.in_(reserve_teams)),
            select(
                literal("area"),
                cast(_areas.c.path, String),
                cast(_areas.c.public_id, String),
                cast(_areas.c.name, String),
                nothing,
            ).where(within(_areas.c.path, *paths), _areas.c.level.in_(_CHOSEN_LEVELS)),
            select(
                literal("zone"),
                cast(sealing.c.path, String),
                cast(sealing.c.is_sealed, String),
                nothing,
                nothing,
            ),
        ),
        {"now": now},
    )
    found: dict[str, list[tuple[str, Choice]]] = {"skill": [], "team": [], "area": []}
    zones = []
    for row in rows:
        if row.what == "zone":
            zones.append((row.sort, row.key == "1"))
            continue
        name = short_name(row.name) if row.what == "area" else row.name
        sort = f"{int(row.sort):05d}" if row.what == "skill" else row.sort
        found[row.what].append((sort, Choice(row.key, name, row.name_en)))

    def ordered(what: str) -> tuple[Choice, ...]:
        return tuple(choice for _sort, choice in sorted(found[what], key=lambda pair: pair[0]))[:MOST_CHOICES]

    skills = ordered("skill")
    return Choices(
        skills=skills,
        teams=ordered("team"),
        areas=ordered("area"),
        skill_names={each.key: (each.name, each.name_en or "") for each in skills},
        cordon=cordons(zones),
    )
