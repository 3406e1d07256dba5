"""Proposals of the solver as who rosters sees them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotFound
from webapp.base.jobs import Job, JobState
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.people.models import Person
from webapp.domain.rosters import solver
from webapp.domain.rosters.models import Fill, FillCell, FillGap, FillPost, Post, Shift, ShiftSkill, Signup
from webapp.domain.rosters.queries import scope
from webapp.domain.rosters.queries.problem import MAY_TAKE, load_problem, shifts_of, weigh
from webapp.domain.rosters.rules import (
    HOLDS_A_PLACE,
    FillState,
    GapReason,
    SolverStatus,
)
from webapp.domain.volunteers.models import Skill, Team, Volunteer
from webapp.domain.volunteers.queries.scope import led_teams

PAGE = 20
SHIFTS = 60

_fills: Any = Fill.__table__
_fill_posts: Any = FillPost.__table__
_cells: Any = FillCell.__table__
_gaps: Any = FillGap.__table__
_posts: Any = Post.__table__
_shifts: Any = Shift.__table__
_needs: Any = ShiftSkill.__table__
_signups: Any = Signup.__table__
_people: Any = Person.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_skills: Any = Skill.__table__
_areas: Any = Area.__table__
_jobs: Any = Job.__table__


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    return scope.visible(actor, Permission.ROSTER_FILL, path=_fills.c.area_path, team_id=_fills.c.team_id)


@dataclass(frozen=True)
class FillLine:
    """A proposal as one line."""

    public_id: str
    area: str
    team: str | None
    from_on: date
    to_on: date
    state: FillState
    asked_at: datetime


@dataclass(frozen=True)
class FillPage:
    """Proposals, newest first; `older` continues them."""

    fills: tuple[FillLine, ...]
    older: str | None


@dataclass(frozen=True)
class FillView:
    """A proposal with what the solver said of it; see models.Fill."""

    id: int
    public_id: str
    area_path: str
    area: str
    team_id: int | None
    team: str | None
    from_on: date
    to_on: date
    state: FillState
    job_state: JobState | None
    progress: int | None
    solver_status: SolverStatus | None
    gap_permille: int | None
    minimum_missing: int | None
    wanted_missing: int | None
    seconds: int | None
    asked_by: str
    version: int


@dataclass(frozen=True)
class CellView:
    """Somebody on a shift in the proposal."""

    person: str
    name: str
    is_newcomer: bool
    skill_zh: str | None
    skill_en: str | None
    is_locked: bool
    override_reason: str | None
    is_placed: bool
    refused_code: str | None


@dataclass(frozen=True)
class GapView:
    """Places that stay empty, and why."""

    missing: int
    skill_zh: str | None
    skill_en: str | None
    reason: GapReason


@dataclass(frozen=True)
class FillShift:
    """A shift in the proposal: who is on it already, who would come, what stays empty."""

    public_id: str
    post: str
    post_en: str | None
    starts_at: datetime
    ends_at: datetime
    day: date
    minimum: int
    wanted: int
    taken: tuple[str, ...]
    cells: tuple[CellView, ...]
    gaps: tuple[GapView, ...]


@dataclass(frozen=True)
class FillShifts:
    """Shifts of a proposal in order of time; `later` is the key that continues them."""

    shifts: tuple[FillShift, ...]
    later: str | None


@dataclass(frozen=True)
class PostChoice:
    """A post that a proposal may be about, with how many of its places are empty in the span."""

    id: int
    public_id: str
    name: str
    name_en: str | None
    area: str


@dataclass(frozen=True)
class Candidate:
    """Somebody who could be put on a shift by hand; `code` is the rule against it, None where nothing speaks against."""

    person_id: int
    public_id: str
    name: str
    planned_minutes: int
    code: str | None
    params: dict[str, Any]


@reading
def list_fills(*, actor: Actor, before: str | None = None) -> FillPage:
    """The proposals that the actor may see, newest first."""
    after = () if before is None else (_fills.c.id < _id_of(actor, before),)
    rows = (
        db.connection()
        .execute(
            select(
                _fills.c.public_id,
                _fills.c.from_on,
                _fills.c.to_on,
                _fills.c.state,
                _fills.c.asked_at,
                _areas.c.name.label("area"),
                _teams.c.name.label("team"),
            )
            .join(_areas, _areas.c.id == _fills.c.area_id)
            .outerjoin(_teams, _teams.c.id == _fills.c.team_id)
            .where(_visible_to(actor), *after)
            .order_by(_fills.c.id.desc())
            .limit(PAGE + 1)
        )
        .all()
    )
    shown = rows[:PAGE]
    return FillPage(
        tuple(FillLine(**row._mapping) for row in shown),  # noqa: SLF001 - SQLAlchemy's public accessor
        shown[-1].public_id if len(rows) > PAGE else None,
    )


def _id_of(actor: Actor, public_id: str) -> int:
    found: int | None = (
        db.connection()
        .execute(select(_fills.c.id).where(_fills.c.public_id == public_id, _visible_to(actor)))
        .scalar()
    )
    if found is None:
        raise NotFound
    return found


@reading
def get_fill(*, actor: Actor, public_id: str) -> FillView:
    """One proposal; NotFound outside the actor's areas and teams."""
    row = (
        db.connection()
        .execute(
            select(
                _fills.c.id,
                _fills.c.public_id,
                _fills.c.area_path,
                _areas.c.name.label("area"),
                _fills.c.team_id,
                _teams.c.name.label("team"),
                _fills.c.from_on,
                _fills.c.to_on,
                _fills.c.state,
                _jobs.c.state.label("job_state"),
                _jobs.c.progress,
                _fills.c.solver_status,
                _fills.c.gap_permille,
                _fills.c.minimum_missing,
                _fills.c.wanted_missing,
                _fills.c.seconds,
                _fills.c.asked_by,
                _fills.c.version,
            )
            .join(_areas, _areas.c.id == _fills.c.area_id)
            .outerjoin(_teams, _teams.c.id == _fills.c.team_id)
            .outerjoin(_jobs, _jobs.c.public_id == _fills.c.job_public_id)
            .where(_fills.c.public_id == public_id, _visible_to(actor))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return FillView(**row._mapping)  # noqa: SLF001 - as above


@reading
def list_shifts(
    *, fill: FillView, only_gaps: bool = False, after: str | None = None, limit: int = SHIFTS
) -> FillShifts:
    """The shifts of a proposal by time, with names and gaps; `only_gaps` those where something stays empty."""
    connection = db.connection()
    conditions = [shifts_of(fill)]
    if only_gaps:
        conditions.append(_shifts.c.id.in_(select(_gaps.c.shift_id).where(_gaps.c.fill_id == fill.id)))
    if after is not None:
        last = connection.execute(
            select(_shifts.c.starts_at, _shifts.c.id).where(_shifts.c.public_id == after)
        ).one_or_none()
        if last is None:
            raise NotFound
        conditions.append(
            or_(
                _shifts.c.starts_at > last.starts_at,
                and_(_shifts.c.starts_at == last.starts_at, _shifts.c.id > last.id),
            )
        )
    rows = connection.execute(
        _shift_rows().where(*conditions).order_by(_shifts.c.starts_at, _shifts.c.id).limit(limit + 1)
    ).all()
    shown = rows[:limit]
    return FillShifts(_whole(fill, shown), shown[-1].public_id if len(rows) > limit else None)


@reading
def get_shift(*, fill: FillView, shift_public_id: str) -> FillShift:
    """One shift of a proposal; NotFound for a shift that it is not about."""
    rows = (
        db.connection()
        .execute(_shift_rows().where(shifts_of(fill), _shifts.c.public_id == shift_public_id))
        .all()
    )
    if not rows:
        raise NotFound
    return _whole(fill, rows)[0]


def _shift_rows() -> Select[Any]:
    return select(
        _shifts.c.id,
        _shifts.c.public_id,
        _posts.c.name,
        _posts.c.name_en,
        _shifts.c.starts_at,
        _shifts.c.ends_at,
        _shifts.c.day,
        _shifts.c.minimum_count,
        _shifts.c.wanted_count,
    ).join(_posts, _posts.c.id == _shifts.c.post_id)


def _whole(fill: FillView, rows: Sequence[Any]) -> tuple[FillShift, ...]:
    """The shifts with who is on them and what stays empty; three statements, however many there are."""
    ids = [row.id for row in rows]
    cells, taken, gaps = _cells_of(fill.id, ids), _taken_of(ids), _gaps_of(fill.id, ids)
    return tuple(
        FillShift(
            public_id=row.public_id,
            post=row.name,
            post_en=row.name_en,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            day=row.day,
            minimum=row.minimum_count,
            wanted=row.wanted_count,
            taken=tuple(taken[row.id]),
            cells=tuple(cells[row.id]),
            gaps=tuple(gaps[row.id]),
        )
        for row in rows
    )


@reading
def list_skill_names() -> dict[str, tuple[str, str]]:
    """What each skill is called, in Chinese and in English."""
    rows = db.connection().execute(select(_skills.c.code, _skills.c.name_zh, _skills.c.name_en))
    return {row.code: (row.name_zh, row.name_en) for row in rows}


def _cells_of(fill_id: int, shift_ids: list[int]) -> dict[int, list[CellView]]:
    found: dict[int, list[CellView]] = defaultdict(list)
    for row in db.connection().execute(
        select(
            _cells.c.shift_id,
            _people.c.public_id.label("person"),
            _people.c.name,
            (_volunteers.c.decided_at.is_(None) & (_volunteers.c.state != "accepted")).label("is_newcomer"),
            _skills.c.name_zh,
            _skills.c.name_en,
            _cells.c.is_locked,
            _cells.c.override_reason,
            _cells.c.signup_id,
            _cells.c.refused_code,
        )
        .join(_people, _people.c.id == _cells.c.person_id)
        .outerjoin(_volunteers, _volunteers.c.person_id == _cells.c.person_id)
        .outerjoin(_skills, _skills.c.code == _cells.c.skill_code)
        .where(_cells.c.fill_id == fill_id, _cells.c.shift_id.in_(shift_ids))
        .order_by(_people.c.pinyin_key, _people.c.id)
    ):
        found[row.shift_id].append(
            CellView(
                person=row.person,
                name=row.name,
                is_newcomer=bool(row.is_newcomer),
                skill_zh=row.name_zh,
                skill_en=row.name_en,
                is_locked=row.is_locked,
                override_reason=row.override_reason,
                is_placed=row.signup_id is not None,
                refused_code=row.refused_code,
            )
        )
    return found


def _taken_of(shift_ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for row in db.connection().execute(
        select(_signups.c.shift_id, _people.c.name)
        .join(_people, _people.c.id == _signups.c.person_id)
        .where(_signups.c.shift_id.in_(shift_ids), is_any(_signups.c.state, *HOLDS_A_PLACE))
        .order_by(_signups.c.id)
    ):
        found[row.shift_id].append(row.name)
    return found


def _gaps_of(fill_id: int, shift_ids: list[int]) -> dict[int, list[GapView]]:
    found: dict[int, list[GapView]] = defaultdict(list)
    for row in db.connection().execute(
        select(_gaps.c.shift_id, _gaps.c.missing_count, _gaps.c.reason, _skills.c.name_zh, _skills.c.name_en)
        .outerjoin(_skills, _skills.c.code == _gaps.c.skill_code)
        .where(_gaps.c.fill_id == fill_id, _gaps.c.shift_id.in_(shift_ids))
        .order_by(_gaps.c.shift_id, _gaps.c.skill_code)
    ):
        found[row.shift_id].append(
            GapView(missing=row.missing_count, skill_zh=row.name_zh, skill_en=row.name_en, reason=row.reason)
        )
    return found


@dataclass(frozen=True)
class FillArea:
    """Where a proposal can be asked for: an area of the actor's, or a team that they lead there."""

    area_public_id: str
    area: str
    team_public_id: str | None
    team: str | None


@reading
def list_fill_areas(*, actor: Actor) -> tuple[FillArea, ...]:
    """The areas and teams for which the actor may ask for a proposal, the actor's own first."""
    connection = db.connection()
    held = {
        grant.area_id
        for grant in actor.grants
        if grant.area_path in scope.staff_paths(actor, Permission.ROSTER_FILL)
    }
    rows = connection.execute(
        select(_areas.c.public_id, _areas.c.name).where(_areas.c.id.in_(held)).order_by(_areas.c.path)
    ).all()
    found = [FillArea(row.public_id, row.name, None, None) for row in rows]
    leads = led_teams(actor)
    found += [
        FillArea(row.area_public_id, row.area, row.public_id, row.name)
        for row in connection.execute(
            select(
                _areas.c.public_id.label("area_public_id"),
                _areas.c.name.label("area"),
                _teams.c.public_id,
                _teams.c.name,
            )
            .join(_areas, _areas.c.id == _teams.c.area_id)
            .where(
                _teams.c.id.in_(leads),
                within(_teams.c.area_path, *scope.team_paths(actor, Permission.ROSTER_FILL)),
            )
            .order_by(_teams.c.name, _teams.c.id)
        )
    ]
    return tuple(found)


@reading
def list_posts(*, actor: Actor, area_public_id: str, team_public_id: str | None) -> tuple[PostChoice, ...]:
    """The open posts of an area or team that a proposal there may be about; NotFound where none may be asked for."""
    area = find_subject(actor=actor, area_public_id=area_public_id, team_public_id=team_public_id)
    rows = db.connection().execute(
        select(_posts.c.id, _posts.c.public_id, _posts.c.name, _posts.c.name_en, _areas.c.name.label("area"))
        .join(_areas, _areas.c.id == _posts.c.area_id)
        .where(
            within(_posts.c.area_path, area.area_path),
            *(() if area.team_id is None else (_posts.c.team_id == area.team_id,)),
            _posts.c.closed_at.is_(None),
        )
        .order_by(_posts.c.area_path, _posts.c.position, _posts.c.id)
    )
    return tuple(PostChoice(**row._mapping) for row in rows)  # noqa: SLF001 - as above


@reading
def may_fill(*, actor: Actor, area_public_id: str) -> bool:
    """Whether the actor may ask for a proposal for all of this area."""
    try:
        find_subject(actor=actor, area_public_id=area_public_id, team_public_id=None)
    except NotFound:
        return False
    return True


@dataclass(frozen=True)
class Subject:
    """The area, and team if any, of a proposal to be."""

    area_id: int
    area_path: str
    team_id: int | None


@reading
def find_subject(*, actor: Actor, area_public_id: str, team_public_id: str | None) -> Subject:
    """The area and team that the actor may roster; NotFound for any other."""
    area = _areas.c.path.label("area_path"), _areas.c.id.label("area_id")
    if team_public_id is None:
        row = (
            db.connection()
            .execute(
                select(*area).where(
                    _areas.c.public_id == area_public_id,
                    within(_areas.c.path, *scope.staff_paths(actor, Permission.ROSTER_FILL)),
                )
            )
            .one_or_none()
        )
        if row is None:
            raise NotFound
        return Subject(row.area_id, row.area_path, None)
    row = (
        db.connection()
        .execute(
            select(*area, _teams.c.id.label("team_id"))
            .join(_areas, _areas.c.id == _teams.c.area_id)
            .where(
                _teams.c.public_id == team_public_id,
                _areas.c.public_id == area_public_id,
                scope.visible(actor, Permission.ROSTER_FILL, path=_teams.c.area_path, team_id=_teams.c.id),
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return Subject(row.area_id, row.area_path, row.team_id)


@reading
def list_candidates(*, fill: FillView, shift_public_id: str, now: datetime) -> tuple[Candidate, ...]:
    """Everybody who may be asked for this shift and is not on it: who fits first, then by how much they have.

    NotFound for a shift that the proposal is not about, or that began already.
    """
    connection = db.connection()
    shift_id = connection.execute(
        select(_shifts.c.id).where(_shifts.c.public_id == shift_public_id, shifts_of(fill))
    ).scalar()
    asked = load_problem(fill_id=fill.id, now=now)
    if shift_id is None or all(each.id != shift_id for each in asked.shifts):
        raise NotFound
    rows = connection.execute(
        select(_people.c.id, _people.c.public_id, _people.c.name).where(
            _people.c.id.in_(
                select(_volunteers.c.person_id).where(is_any(_volunteers.c.state, *MAY_TAKE), _asked_of(fill))
            )
        )
    )
    people = {row.id: row for row in rows}
    found = []
    for each in weigh(asked, seats_of(fill.id), shift_id):
        row = people.get(each.person_id)
        if row is not None:
            found.append(Candidate(row.id, row.public_id, row.name, each.minutes, each.code, each.params))
    return tuple(found)


def seats_of(fill_id: int) -> list[solver.Seat]:
    """The seats of a proposal as it stands."""
    rows = db.connection().execute(
        select(_cells.c.shift_id, _cells.c.person_id, _cells.c.skill_code)
        .where(_cells.c.fill_id == fill_id)
        .order_by(_cells.c.shift_id, _cells.c.person_id)
    )
    return [solver.Seat(*row) for row in rows]


def _asked_of(fill: FillView) -> ColumnElement[bool]:
    if fill.team_id is not None:
        mine: ColumnElement[bool] = _volunteers.c.team_id == fill.team_id
        return mine
    return within(_volunteers.c.area_path, fill.area_path)


@reading
def count_cells(*, fill_id: int) -> tuple[int, int, int]:
    """Of a proposal's cells: all, those that became sign-ups, those that a rule no longer allowed."""
    row = (
        db.connection()
        .execute(
            select(func.count(), func.count(_cells.c.signup_id), func.count(_cells.c.refused_code)).where(
                _cells.c.fill_id == fill_id
            )
        )
        .one()
    )
    return row[0], row[1], row[2]
