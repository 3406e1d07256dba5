"""Reads of posts: lists, one with its templates, and who may lead it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, tuple_

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import reading, within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission, Role
from webapp.domain.accounts.models import Appointment, User
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths, short_name
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import name_key
from webapp.domain.rosters.models import Post, ShiftTemplate, TemplateSkill
from webapp.domain.rosters.queries.scope import staff_paths, team_paths, visible
from webapp.domain.rosters.rules import PostKind, Protection
from webapp.domain.volunteers.models import Skill, Team, TeamLead, Volunteer
from webapp.domain.volunteers.rules import VolunteerState

PAGE = 30
MOST_LEADS = 8
MOST_PLACES_TO_CHOOSE = 300

_posts: Any = Post.__table__
_templates: Any = ShiftTemplate.__table__
_template_skills: Any = TemplateSkill.__table__
_teams: Any = Team.__table__
_leads: Any = TeamLead.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_areas: Any = Area.__table__
_skills: Any = Skill.__table__
_volunteers: Any = Volunteer.__table__
_users: Any = User.__table__
_appointments: Any = Appointment.__table__


# --- scope --------------------------------------------------------------------------------------------------


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The posts that the actor sees: staff those of their areas, a team's lead the team's, a grid worker the community's."""
    grids = [grant.area_path for grant in actor.grants if grant.role is Role.GRID_WORKER]
    seen = visible(actor, Permission.ROSTER_SEE, path=_posts.c.area_path, team_id=_posts.c.team_id)
    if not grids:
        return seen
    above = sorted({path for grid in grids for path in ancestor_paths(grid)})
    communities = select(_areas.c.path).where(_areas.c.level == "community", _areas.c.path.in_(above))
    return or_(seen, _posts.c.area_path.in_(communities))


def managed_by(actor: Actor) -> ColumnElement[bool]:
    """The posts that the actor rosters: a head those of the area, a team's lead those of the team."""
    led = select(_leads.c.team_id).where(_leads.c.person_id == actor.person_id)
    return or_(
        within(_posts.c.area_path, *staff_paths(actor, Permission.ROSTER_MANAGE)),
        and_(
            within(_posts.c.area_path, *team_paths(actor, Permission.TEAM_ROSTER)), _posts.c.team_id.in_(led)
        ),
    )


# --- where posts can be made --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """Something that can be chosen by its public id."""

    public_id: str
    name: str
    name_en: str | None = None


def sees_community(actor: Actor, permission: Permission) -> ColumnElement[bool]:
    """Communities where the actor has posts to see (or to make): the own ones, those of the teams, a grid worker's."""
    led = (
        select(_teams.c.area_path)
        .join(_leads, _leads.c.team_id == _teams.c.id)
        .where(_leads.c.person_id == actor.person_id, _teams.c.closed_at.is_(None))
    )
    conditions = [within(_areas.c.path, *staff_paths(actor, permission))]
    if team_paths(actor, Permission.TEAM_ROSTER):
        conditions.append(_areas.c.path.in_(led))
    if permission is Permission.ROSTER_SEE:
        grids = [grant.area_path for grant in actor.grants if grant.role is Role.GRID_WORKER]
        conditions.append(
            _areas.c.path.in_(sorted({path for grid in grids for path in ancestor_paths(grid)}))
        )
    return or_(*conditions)


@reading
def list_communities(*, actor: Actor, permission: Permission = Permission.ROSTER_SEE) -> tuple[Choice, ...]:
    """The communities whose rosters the actor sees, or with ROSTER_MANAGE those where posts can be made."""
    rows = db.connection().execute(
        select(_areas.c.public_id, _areas.c.name, _areas.c.name_en)
        .where(_areas.c.level == "community", sees_community(actor, permission))
        .order_by(_areas.c.path)
        .limit(400)
    )
    return tuple(Choice(row.public_id, short_name(row.name), row.name_en) for row in rows)


@dataclass(frozen=True)
class PostTerms:
    """What the form of a post offers in a community. `is_team_only`: the actor may make posts of these teams only."""

    area: str
    area_path: str
    community: str
    community_en: str | None
    places: tuple[Choice, ...]
    teams: tuple[Choice, ...]
    is_team_only: bool


@reading
def get_terms(*, actor: Actor, area: str) -> PostTerms:
    """The places and teams of a community where the actor makes posts; NotFound for every other."""
    return _terms(actor, _areas.c.public_id == area)


@reading
def get_terms_of(*, actor: Actor, area_path: str) -> PostTerms:
    """The same for the community in which the path lies."""
    return _terms(actor, _areas.c.path.in_(ancestor_paths(area_path)))


def _terms(actor: Actor, condition: ColumnElement[bool]) -> PostTerms:
    connection = db.connection()
    row = connection.execute(
        select(_areas.c.public_id, _areas.c.path, _areas.c.name, _areas.c.name_en).where(
            condition, _areas.c.level == "community", sees_community(actor, Permission.ROSTER_MANAGE)
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    is_head = actor.can(Permission.ROSTER_MANAGE, row.path)
    teams = select(_teams.c.public_id, _teams.c.name, _teams.c.name_en).where(
        within(_teams.c.area_path, row.path), _teams.c.closed_at.is_(None)
    )
    if not is_head:
        led = select(_leads.c.team_id).where(_leads.c.person_id == actor.person_id)
        teams = teams.where(_teams.c.id.in_(led))
    places = connection.execute(
        select(_areas.c.public_id, _areas.c.name, _areas.c.name_en)
        .where(within(_areas.c.path, row.path), _areas.c.path != row.path)
        .order_by(_areas.c.path)
        .limit(MOST_PLACES_TO_CHOOSE)
    )
    return PostTerms(
        area=row.public_id,
        area_path=row.path,
        community=short_name(row.name),
        community_en=row.name_en,
        places=tuple(Choice(*each) for each in places),
        teams=tuple(
            Choice(*each)
            for each in connection.execute(teams.order_by(_teams.c.name, _teams.c.id).limit(200))
        ),
        is_team_only=not is_head,
    )


# --- posts --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PostLine:
    """A post as a row of a list."""

    public_id: str
    name: str
    name_en: str | None
    kind: PostKind
    place: str
    team: str | None
    team_en: str | None
    is_closed: bool


@dataclass(frozen=True)
class PostPage:
    """Posts by area, in the office's order; `after` continues."""

    posts: tuple[PostLine, ...]
    after: str | None


@reading
def list_posts(
    *, actor: Actor, area: str | None = None, after: str | None = None, limit: int = PAGE
) -> PostPage:
    """The posts that the actor sees, of one area or of all, the closed ones last in each; paged by key."""
    connection = db.connection()
    key = (_posts.c.area_path, _posts.c.position, _posts.c.id)
    statement = (
        select(*_line_columns)
        .select_from(_posts.outerjoin(_teams, _teams.c.id == _posts.c.team_id))
        .where(visible_to(actor))
        .order_by(*key)
        .limit(limit + 1)
    )
    if area is not None:
        path = connection.execute(select(_areas.c.path).where(_areas.c.public_id == area)).scalar()
        if path is None:
            raise NotFound
        statement = statement.where(within(_posts.c.area_path, path))
    if after is not None:
        last = connection.execute(
            select(*key).where(_posts.c.public_id == after, visible_to(actor))
        ).one_or_none()
        if last is None:
            raise NotFound
        statement = statement.where(tuple_(*key) > tuple_(*last))
    rows = connection.execute(statement).all()
    return PostPage(
        posts=tuple(_line(row) for row in rows[:limit]),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
    )


@reading
def list_managed(*, actor: Actor, area: str | None = None) -> tuple[Choice, ...]:
    """The open posts that the actor rosters, of one area or of all, to choose one of."""
    statement = select(_posts.c.public_id, _posts.c.name, _posts.c.name_en).where(
        managed_by(actor), _posts.c.closed_at.is_(None)
    )
    if area:
        path = select(_areas.c.path).where(_areas.c.public_id == area).scalar_subquery()
        statement = statement.where(_posts.c.area_path >= path, _posts.c.area_path < path + "~")
    rows = db.connection().execute(
        statement.order_by(_posts.c.area_path, _posts.c.position, _posts.c.id).limit(MOST_PLACES_TO_CHOOSE)
    )
    return tuple(Choice(*row) for row in rows)


_line_columns = (
    _posts.c.public_id,
    _posts.c.name,
    _posts.c.name_en,
    _posts.c.kind,
    _posts.c.place,
    _posts.c.closed_at,
    _teams.c.name.label("team"),
    _teams.c.name_en.label("team_en"),
)


def _line(row: Any) -> PostLine:
    return PostLine(
        public_id=row.public_id,
        name=row.name,
        name_en=row.name_en,
        kind=row.kind,
        place=row.place,
        team=row.team,
        team_en=row.team_en,
        is_closed=row.closed_at is not None,
    )


@dataclass(frozen=True)
class TemplateView:
    """A recurring shift of a post."""

    public_id: str
    post: str
    weekdays: int
    start_minute: int
    length_minutes: int
    minimum_count: int
    wanted_count: int
    maximum_count: int
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PostView:
    """A post with all that stands about it; `may_manage` says whether the actor rosters it."""

    id: int
    public_id: str
    area: str
    area_path: str
    area_name: str
    name: str
    name_en: str | None
    kind: PostKind
    place: str
    instructions: str
    protection: Protection
    suit_minutes: int | None
    lead_name: str | None
    phone: str | None
    team: str | None
    team_name: str | None
    team_name_en: str | None
    handles_household_data: bool
    adults_only: bool
    newcomers_welcome: bool
    is_closed: bool
    may_manage: bool
    templates: tuple[TemplateView, ...]


@reading
def get_post(*, actor: Actor, public_id: str) -> PostView:
    """A post with its templates; NotFound where the actor sees none of it. Three statements."""
    row = (
        db.connection()
        .execute(
            select(
                _posts,
                _areas.c.public_id.label("area"),
                _areas.c.name.label("area_name"),
                _teams.c.public_id.label("team"),
                _teams.c.name.label("team_name"),
                _teams.c.name_en.label("team_name_en"),
                _people.c.name.label("lead_name"),
                managed_by(actor).label("may_manage"),
            )
            .select_from(
                _posts.join(_areas, _areas.c.id == _posts.c.area_id)
                .outerjoin(_teams, _teams.c.id == _posts.c.team_id)
                .outerjoin(_people, _people.c.id == _posts.c.lead_person_id)
            )
            .where(_posts.c.public_id == public_id, visible_to(actor))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return PostView(
        id=row.id,
        public_id=row.public_id,
        area=row.area,
        area_path=row.area_path,
        area_name=short_name(row.area_name),
        name=row.name,
        name_en=row.name_en,
        kind=row.kind,
        place=row.place,
        instructions=row.instructions,
        protection=row.protection,
        suit_minutes=row.suit_minutes,
        lead_name=row.lead_name,
        phone=row.phone,
        team=row.team,
        team_name=row.team_name,
        team_name_en=row.team_name_en,
        handles_household_data=row.handles_household_data,
        adults_only=row.adults_only,
        newcomers_welcome=row.newcomers_welcome,
        is_closed=row.closed_at is not None,
        may_manage=bool(row.may_manage),
        templates=_templates_of(row.id, row.public_id),
    )


def _templates_of(post_id: int, post: str) -> tuple[TemplateView, ...]:
    connection = db.connection()
    rows = connection.execute(
        select(_templates)
        .where(_templates.c.post_id == post_id, _templates.c.ended_at.is_(None))
        .order_by(_templates.c.start_minute, _templates.c.id)
    ).all()
    skills: dict[int, dict[str, int]] = {}
    for each in connection.execute(
        select(_template_skills)
        .join(_templates, _templates.c.id == _template_skills.c.template_id)
        .where(_templates.c.post_id == post_id, _templates.c.ended_at.is_(None))
        .order_by(_template_skills.c.skill_code)
    ):
        skills.setdefault(each.template_id, {})[each.skill_code] = each.needed_count
    return tuple(
        TemplateView(
            public_id=row.public_id,
            post=post,
            weekdays=row.weekdays,
            start_minute=row.start_minute,
            length_minutes=row.length_minutes,
            minimum_count=row.minimum_count,
            wanted_count=row.wanted_count,
            maximum_count=row.maximum_count,
            skills=skills.get(row.id, {}),
        )
        for row in rows
    )


@reading
def get_template(*, actor: Actor, public_id: str) -> tuple[PostView, TemplateView]:
    """A recurring shift with its post; NotFound outside, NotAllowed where the actor does not roster the post."""
    post = (
        db.connection()
        .execute(
            select(_posts.c.public_id)
            .join(_templates, _templates.c.post_id == _posts.c.id)
            .where(_templates.c.public_id == public_id, _templates.c.ended_at.is_(None), visible_to(actor))
        )
        .scalar()
    )
    if post is None:
        raise NotFound
    view = get_post(actor=actor, public_id=post)
    if not view.may_manage:
        raise NotAllowed
    return view, next(each for each in view.templates if each.public_id == public_id)


@reading
def get_managed_post(*, actor: Actor, public_id: str) -> PostView:
    """A post that the actor rosters; NotFound where they do not see it, NotAllowed where they only do."""
    view = get_post(actor=actor, public_id=public_id)
    if not view.may_manage:
        raise NotAllowed
    return view


def managed_post(actor: Actor, public_id: str) -> Any:
    """The row of a post to change, locked; NotFound outside the actor's sight, NotAllowed without the right."""
    row = (
        db.connection()
        .execute(
            select(_posts, managed_by(actor).label("may_manage"))
            .where(_posts.c.public_id == public_id, visible_to(actor))
            .with_for_update(of=_posts)
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    if not row.may_manage:
        raise NotAllowed
    return row


@dataclass(frozen=True)
class SkillChoice:
    """A skill that places can ask for."""

    code: str
    kind: str
    name_zh: str
    name_en: str


@reading
def list_skills() -> tuple[SkillChoice, ...]:
    """All skills in their order."""
    rows = db.connection().execute(
        select(_skills.c.code, _skills.c.kind, _skills.c.name_zh, _skills.c.name_en).order_by(
            _skills.c.position
        )
    )
    return tuple(SkillChoice(row.code, str(row.kind), row.name_zh, row.name_en) for row in rows)


# --- who may lead -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LeadChoice:
    """A person who may lead, told from others of the same name by the end of the number."""

    person_id: int
    public_id: str
    name: str
    phone_tail: str | None


@reading
def find_leads(*, area_path: str, name: str, public_id: str | None = None) -> tuple[LeadChoice, ...]:
    """Volunteers of the area and staff at it or above whose name is this, else begins like this; or the one of that id."""
    key = name_key(name)
    if not key and not public_id:
        return ()
    helps = select(_volunteers.c.person_id).where(
        within(_volunteers.c.area_path, area_path), _volunteers.c.state == VolunteerState.ACCEPTED
    )
    serves = (
        select(_users.c.person_id)
        .select_from(
            _appointments.join(_users, _users.c.id == _appointments.c.user_id).join(
                _areas, _areas.c.id == _appointments.c.area_id
            )
        )
        .where(
            _appointments.c.ended_at.is_(None),
            _users.c.person_id.is_not(None),
            or_(within(_areas.c.path, area_path), _areas.c.path.in_(ancestor_paths(area_path))),
        )
    )
    tail = (
        select(_phones.c.phone_tail)
        .where(_phones.c.person_id == _people.c.id)
        .order_by(_phones.c.position, _phones.c.id)
        .limit(1)
        .scalar_subquery()
    )
    found = select(
        _people.c.id, _people.c.public_id, _people.c.name, _people.c.name_key, tail.label("tail")
    ).where(
        _people.c.merged_into_id.is_(None),
        or_(_people.c.id.in_(helps), _people.c.id.in_(serves)),
    )
    if public_id:
        found = found.where(_people.c.public_id == public_id)
    else:
        found = found.where(_people.c.name_key >= key, _people.c.name_key < key + "\U0010ffff")
    rows = db.connection().execute(found.order_by(_people.c.name_key, _people.c.id).limit(MOST_LEADS)).all()
    exact = [row for row in rows if row.name_key == key]
    return tuple(LeadChoice(row.id, row.public_id, row.name, row.tail) for row in exact or rows)
