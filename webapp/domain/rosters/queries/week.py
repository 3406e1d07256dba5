"""The week of a community: its shifts by day and post, who is on them, what is missing. Two statements at any size."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select, tuple_

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotFound
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import short_name
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import Post, Shift, ShiftTemplate, Signup
from webapp.domain.rosters.queries.posts import managed_by, sees_community, visible_to
from webapp.domain.rosters.queries.risks import at_risk
from webapp.domain.rosters.queries.shifts import overrider
from webapp.domain.rosters.rules import HOLDS_A_PLACE, ShiftState, SignupState
from webapp.domain.volunteers.models import Volunteer
from webapp.domain.volunteers.rules import VolunteerState

PAGE = 200
WEEK = timedelta(days=7)

_shifts: Any = Shift.__table__
_posts: Any = Post.__table__
_templates: Any = ShiftTemplate.__table__
_signups: Any = Signup.__table__
_people: Any = Person.__table__
_volunteers: Any = Volunteer.__table__
_areas: Any = Area.__table__


class Show(StrEnum):
    """Which shifts of the week: all, 缺人的班, 已排, 待发布."""

    ALL = "all"
    SHORT = "short"
    FILLED = "filled"
    DRAFT = "draft"


@dataclass(frozen=True)
class Name:
    """Somebody who holds a place: ※ when a rule was overridden for them, 新 when they only applied."""

    name: str
    is_override: bool
    is_newcomer: bool
    is_confirmed: bool
    is_offered: bool
    override_reason: str | None
    overridden_by: str | None


@dataclass(frozen=True)
class WeekShift:
    """A shift of the week."""

    public_id: str
    post: str
    post_name: str
    post_name_en: str | None
    place: str
    day: date
    starts_at: datetime
    ends_at: datetime
    minimum_count: int
    wanted_count: int
    maximum_count: int
    taken_count: int
    waiting_count: int
    state: ShiftState
    may_manage: bool
    names: tuple[Name, ...]


@dataclass(frozen=True)
class Week:
    """A page of a community's week; `after` continues. Counts are of the whole week."""

    area: str
    area_path: str
    community: str
    community_en: str | None
    monday: date
    show: Show
    shifts: tuple[WeekShift, ...]
    after: str | None
    short_count: int
    filled_count: int
    draft_count: int
    risk_count: int
    post_count: int
    template_count: int
    may_manage: bool


def _span(monday: date) -> tuple[datetime, datetime]:
    first = clock.instant(datetime.combine(monday, time()))
    return first, clock.instant(datetime.combine(monday + WEEK, time()))


def _of_the_week(monday: date) -> ColumnElement[bool]:
    first, last = _span(monday)
    return and_(_shifts.c.starts_at >= first, _shifts.c.starts_at < last)


_SHOWN: dict[Show, ColumnElement[bool]] = {
    Show.ALL: is_any(_shifts.c.state, ShiftState.DRAFT, ShiftState.OPEN),
    Show.SHORT: and_(
        is_any(_shifts.c.state, ShiftState.OPEN), _shifts.c.taken_count < _shifts.c.wanted_count
    ),
    Show.FILLED: and_(
        is_any(_shifts.c.state, ShiftState.OPEN), _shifts.c.taken_count >= _shifts.c.wanted_count
    ),
    Show.DRAFT: is_any(_shifts.c.state, ShiftState.DRAFT),
}


def _here(actor: Actor, monday: date, now: datetime, area: str | None, post: str | None) -> Any:
    """The community (or the post's) with the figures of its week; None where the actor sees several and names none."""
    joined = _shifts.join(_posts, _posts.c.id == _shifts.c.post_id)

    def count(condition: ColumnElement[bool], name: str) -> Any:
        return (
            select(func.count())
            .select_from(joined)
            .where(
                _shifts.c.area_path >= _areas.c.path,
                _shifts.c.area_path < _areas.c.path + "~",
                visible_to(actor),
                condition,
            )
            .correlate(_areas)
            .scalar_subquery()
            .label(name)
        )

    def count_posts(table: Any, condition: ColumnElement[bool], name: str) -> Any:
        return (
            select(func.count())
            .select_from(table)
            .where(
                _posts.c.area_path >= _areas.c.path,
                _posts.c.area_path < _areas.c.path + "~",
                _posts.c.closed_at.is_(None),
                condition,
            )
            .correlate(_areas)
            .scalar_subquery()
            .label(name)
        )

    in_week = _of_the_week(monday)
    templated = _posts.join(_templates, _templates.c.post_id == _posts.c.id)
    statement = (
        select(
            _areas.c.public_id,
            _areas.c.path,
            _areas.c.name,
            _areas.c.name_en,
            count(and_(in_week, _SHOWN[Show.SHORT]), "short"),
            count(and_(in_week, _SHOWN[Show.FILLED]), "filled"),
            count(and_(in_week, _SHOWN[Show.DRAFT]), "drafts"),
            count(at_risk(now), "risks"),
            count_posts(_posts, managed_by(actor), "managed"),
            count_posts(templated, and_(managed_by(actor), _templates.c.ended_at.is_(None)), "templates"),
        )
        .where(_areas.c.level == "community", sees_community(actor, Permission.ROSTER_SEE))
        .order_by(_areas.c.path)
        .limit(2)
    )
    if area is not None:
        statement = statement.where(_areas.c.public_id == area)
    elif post is not None:
        stands: Any = _posts.alias("stands")
        statement = statement.where(
            exists().where(
                stands.c.public_id == post,
                stands.c.area_path >= _areas.c.path,
                stands.c.area_path < _areas.c.path + "~",
            )
        )
    rows = db.connection().execute(statement).all()
    if not rows and (area is not None or post is not None):
        raise NotFound
    return rows[0] if len(rows) == 1 else None


@reading
def get_week(
    *,
    actor: Actor,
    monday: date,
    now: datetime,
    area: str | None = None,
    post: str | None = None,
    show: Show = Show.ALL,
    after: str | None = None,
    limit: int = PAGE,
) -> Week | None:
    """The week from that Monday in a community; None where the actor sees several (or none) and names none.

    NotFound for a community that the actor does not see. Three statements, whatever there is.
    """
    here = _here(actor, monday, now, area, post)
    if here is None:
        return None
    key = (_shifts.c.starts_at, _shifts.c.id)
    statement = (
        select(
            _shifts,
            _posts.c.public_id.label("post"),
            _posts.c.name,
            _posts.c.name_en,
            _posts.c.place,
            managed_by(actor).label("may_manage"),
        )
        .join(_posts, _posts.c.id == _shifts.c.post_id)
        .where(within(_shifts.c.area_path, here.path), visible_to(actor), _of_the_week(monday), _SHOWN[show])
        .order_by(*key)
        .limit(limit + 1)
    )
    if post:
        statement = statement.where(_posts.c.public_id == post)
    if after:
        last: Any = _shifts.alias("last")
        statement = statement.where(
            tuple_(*key)
            > select(last.c.starts_at, last.c.id).where(last.c.public_id == after).scalar_subquery()
        )
    rows = db.connection().execute(statement).all()
    names = _names([row.id for row in rows[:limit]])
    return Week(
        area=here.public_id,
        area_path=here.path,
        community=short_name(here.name),
        community_en=here.name_en,
        monday=monday,
        show=show,
        shifts=tuple(_shift(row, names.get(row.id, [])) for row in rows[:limit]),
        after=rows[limit - 1].public_id if len(rows) > limit else None,
        short_count=here.short,
        filled_count=here.filled,
        draft_count=here.drafts,
        risk_count=here.risks,
        post_count=here.managed,
        template_count=here.templates,
        may_manage=bool(here.managed) or actor.can(Permission.ROSTER_MANAGE, here.path),
    )


def _shift(row: Any, names: list[Name]) -> WeekShift:
    return WeekShift(
        public_id=row.public_id,
        post=row.post,
        post_name=row.name,
        post_name_en=row.name_en,
        place=row.place,
        day=row.day,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        minimum_count=row.minimum_count,
        wanted_count=row.wanted_count,
        maximum_count=row.maximum_count,
        taken_count=row.taken_count,
        waiting_count=row.waiting_count,
        state=row.state,
        may_manage=bool(row.may_manage),
        names=tuple(names),
    )


def _names(shift_ids: list[int]) -> dict[int, list[Name]]:
    found: dict[int, list[Name]] = {}
    rows = db.connection().execute(
        select(
            _signups.c.shift_id,
            _signups.c.state,
            _signups.c.override_reason,
            overrider,
            _signups.c.confirmed_at,
            _people.c.name,
            _volunteers.c.state.label("volunteer_state"),
        )
        .select_from(
            _signups.join(_people, _people.c.id == _signups.c.person_id).outerjoin(
                _volunteers, _volunteers.c.person_id == _signups.c.person_id
            )
        )
        .where(_signups.c.shift_id.in_(shift_ids), is_any(_signups.c.state, *HOLDS_A_PLACE))
        .order_by(_signups.c.id)
    )
    for row in rows:
        found.setdefault(row.shift_id, []).append(
            Name(
                name=row.name,
                is_override=row.override_reason is not None,
                is_newcomer=row.volunteer_state in {VolunteerState.APPLIED, VolunteerState.ASKED_BACK},
                is_confirmed=row.confirmed_at is not None,
                is_offered=row.state is SignupState.OFFERED,
                override_reason=row.override_reason,
                overridden_by=row.overrider,
            )
        )
    return found
