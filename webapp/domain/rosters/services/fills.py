"""Filling the roster 自动排一版: ask the solver, change what it proposes, lock, solve again, publish once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import delete, func, select, update

from webapp.base import audit, db, jobs, requests
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.people.models import Person
from webapp.domain.rosters import solver
from webapp.domain.rosters.models import Fill, FillCell, FillGap, FillPost, Post, Shift
from webapp.domain.rosters.queries import fills
from webapp.domain.rosters.queries.fills import FillView
from webapp.domain.rosters.queries.problem import load_problem, shifts_of, weigh
from webapp.domain.rosters.rules import OVERRIDABLE, FillState, ShiftState, SignupSource
from webapp.domain.rosters.services import taking, telling

JOB = "rosters.fill"
MOST_DAYS = 14
PEOPLE_AT_ONCE = 20
# What somebody said of their week may give way too, to who asked them.
MAY_GIVE_WAY = OVERRIDABLE | {"said_not_available"}

_fills: Any = Fill.__table__
_fill_posts: Any = FillPost.__table__
_cells: Any = FillCell.__table__
_gaps: Any = FillGap.__table__
_posts: Any = Post.__table__
_shifts: Any = Shift.__table__
_people: Any = Person.__table__


@writing
def ask_for_fill(
    *,
    deed: Deed,
    area_public_id: str,
    team_public_id: str | None,
    from_on: date,
    to_on: date,
    post_public_ids: Sequence[str],
) -> str:
    """Ask the worker for a proposal for these posts and days; returns its public id.

    Raises RuleBroken fill_span_backwards, fill_span_too_long(days), posts_missing, no_shifts_to_fill.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id_of(claim.object_id)
    if to_on < from_on:
        raise RuleBroken("fill_span_backwards", field="to_on")
    if (to_on - from_on).days >= MOST_DAYS:
        raise RuleBroken("fill_span_too_long", field="to_on", days=MOST_DAYS)
    subject = fills.find_subject(
        actor=deed.actor, area_public_id=area_public_id, team_public_id=team_public_id
    )
    offered = fills.list_posts(actor=deed.actor, area_public_id=area_public_id, team_public_id=team_public_id)
    posts = [each.id for each in offered if each.public_id in set(post_public_ids)]
    if not posts:
        raise RuleBroken("posts_missing", field="posts")
    connection = db.connection()
    public_id = new_public_id()
    fill = connection.execute(
        _fills.insert().returning(_fills.c.id, _fills.c.from_on, _fills.c.to_on),
        {
            "public_id": public_id,
            "area_id": subject.area_id,
            "area_path": subject.area_path,
            "team_id": subject.team_id,
            "from_on": from_on,
            "to_on": to_on,
            "state": FillState.ASKED,
            "job_public_id": jobs.enqueue(deed, JOB, fill=public_id, what="solve"),
            "asked_by": deed.actor.key,
            "asked_at": deed.now,
            "version": 1,
        },
    ).one()
    connection.execute(_fill_posts.insert(), [{"fill_id": fill.id, "post_id": each} for each in posts])
    if not connection.execute(select(_shifts.c.id).where(shifts_of(fill)).limit(1)).first():
        raise RuleBroken("no_shifts_to_fill", field="from_on")
    audit.record(
        deed,
        "ask_for_fill",
        "fill",
        fill.id,
        area_path=subject.area_path,
        posts=len(posts),
        from_on=from_on,
        to_on=to_on,
    )
    requests.settle(claim, outcome="asked", object_id=fill.id)
    return public_id


def _public_id_of(fill_id: int | None) -> str:
    found: str = (
        db.connection().execute(select(_fills.c.public_id).where(_fills.c.id == fill_id)).scalar_one()
    )
    return found


def _change(
    deed: Deed, public_id: str, verb: str, *, states: tuple[FillState, ...], **facts: Any
) -> tuple[requests.Claim, FillView]:
    """Claim, load, lock the proposal and check its state; the frame of every change to one."""
    claim = requests.claim(deed)
    db.connection().execute(
        update(_fills).where(_fills.c.public_id == public_id).values(version=_fills.c.version + 1)
    )
    fill = fills.get_fill(actor=deed.actor, public_id=public_id)
    if not claim.is_repeat:
        if fill.state not in states:
            raise Conflict("fill_moved_on")
        audit.record(deed, verb, "fill", fill.id, area_path=fill.area_path, **facts)
        requests.settle(claim, outcome=verb, object_id=fill.id)
    return claim, fill


@writing
def solve_again(*, deed: Deed, public_id: str) -> None:
    """Solve anew around the locked cells; what is not locked is thrown away. Conflict fill_moved_on when it went out."""
    claim, fill = _change(deed, public_id, "solve_again", states=(FillState.PROPOSED, FillState.FAILED))
    if claim.is_repeat:
        return
    job = jobs.enqueue(deed, JOB, fill=public_id, what="solve")
    db.connection().execute(
        update(_fills).where(_fills.c.id == fill.id).values(state=FillState.ASKED, job_public_id=job)
    )


@writing
def discard_fill(*, deed: Deed, public_id: str) -> None:
    """Put the proposal aside; nobody was told of it. Conflict fill_moved_on when it went out already."""
    claim, fill = _change(
        deed,
        public_id,
        "discard_fill",
        states=(FillState.ASKED, FillState.SOLVING, FillState.PROPOSED, FillState.FAILED),
    )
    if not claim.is_repeat:
        db.connection().execute(
            update(_fills).where(_fills.c.id == fill.id).values(state=FillState.DISCARDED)
        )


@writing
def lock_cell(
    *, deed: Deed, public_id: str, shift_public_id: str, person_public_id: str, is_locked: bool
) -> None:
    """Keep somebody where they are when the solver runs again, or let them move."""
    claim, fill = _change(
        deed, public_id, "lock_cell" if is_locked else "unlock_cell", states=(FillState.PROPOSED,)
    )
    if claim.is_repeat:
        return
    shift_id, person_id = _cell(fill, shift_public_id, person_public_id)
    db.connection().execute(
        update(_cells).where(*_is_cell(fill, shift_id, person_id)).values(is_locked=is_locked)
    )


@writing
def remove_cell(*, deed: Deed, public_id: str, shift_public_id: str, person_public_id: str) -> None:
    """Take somebody off a shift of the proposal; the place shows as empty until it is filled again."""
    claim, fill = _change(deed, public_id, "remove_cell", states=(FillState.PROPOSED,))
    if claim.is_repeat:
        return
    shift_id, person_id = _cell(fill, shift_public_id, person_public_id)
    db.connection().execute(delete(_cells).where(*_is_cell(fill, shift_id, person_id)))
    _count_missing(fill)


@writing
def add_cell(*, deed: Deed, public_id: str, shift_public_id: str, person_public_id: str) -> None:
    """Put somebody on a shift of the proposal and lock them there.

    A rule that speaks against it is raised as it is; with a reason in the deed those of MAY_GIVE_WAY are
    overridden 破例. No proposal goes beyond the wanted number.
    """
    claim, fill = _change(
        deed, public_id, "add_cell", states=(FillState.PROPOSED,), overrides=deed.reason is not None
    )
    if claim.is_repeat:
        return
    shift_id = _shift(fill, shift_public_id)
    asked = load_problem(fill_id=fill.id, now=deed.now)
    if all(each.id != shift_id for each in asked.shifts):
        raise NotFound
    person_id = (
        db.connection().execute(select(_people.c.id).where(_people.c.public_id == person_public_id)).scalar()
    )
    weighed = next(
        (each for each in weigh(asked, fills.seats_of(fill.id), shift_id) if each.person_id == person_id),
        None,
    )
    if weighed is None:
        raise NotFound
    if weighed.code is not None and (deed.reason is None or weighed.code not in MAY_GIVE_WAY):
        raise RuleBroken(weighed.code, field="person", **weighed.params)
    db.connection().execute(
        _cells.insert(),
        {
            "fill_id": fill.id,
            "shift_id": shift_id,
            "person_id": weighed.person_id,
            "skill_code": weighed.skill,
            "is_locked": True,
            "override_reason": deed.reason if weighed.code is not None else None,
        },
    )
    _count_missing(fill)


def _shift(fill: FillView, shift_public_id: str) -> int:
    found: int | None = (
        db.connection()
        .execute(select(_shifts.c.id).where(_shifts.c.public_id == shift_public_id, shifts_of(fill)))
        .scalar()
    )
    if found is None:
        raise NotFound
    return found


def _cell(fill: FillView, shift_public_id: str, person_public_id: str) -> tuple[int, int]:
    row = (
        db.connection()
        .execute(
            select(_cells.c.shift_id, _cells.c.person_id)
            .join(_people, _people.c.id == _cells.c.person_id)
            .join(_shifts, _shifts.c.id == _cells.c.shift_id)
            .where(
                _cells.c.fill_id == fill.id,
                _people.c.public_id == person_public_id,
                _shifts.c.public_id == shift_public_id,
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row.shift_id, row.person_id


def _is_cell(fill: FillView, shift_id: int, person_id: int) -> tuple[Any, ...]:
    return _cells.c.fill_id == fill.id, _cells.c.shift_id == shift_id, _cells.c.person_id == person_id


def _count_missing(fill: FillView) -> None:
    """What stays empty after a change by hand: the solver's figures and reasons no longer hold for those shifts."""
    connection = db.connection()
    given = select(func.count()).where(_cells.c.fill_id == fill.id, _cells.c.shift_id == _shifts.c.id)
    rows = connection.execute(
        select(
            _shifts.c.id,
            _shifts.c.minimum_count,
            _shifts.c.wanted_count,
            (_shifts.c.taken_count + given.scalar_subquery()).label("there"),
        ).where(shifts_of(fill))
    ).all()
    connection.execute(
        update(_fills)
        .where(_fills.c.id == fill.id)
        .values(
            minimum_missing=sum(max(0, row.minimum_count - row.there) for row in rows),
            wanted_missing=sum(max(0, row.wanted_count - row.there) for row in rows),
        )
    )
    filled = [row.id for row in rows if row.there >= row.wanted_count]
    connection.execute(delete(_gaps).where(_gaps.c.fill_id == fill.id, _gaps.c.shift_id.in_(filled)))


@writing
def publish_fill(*, deed: Deed, public_id: str) -> None:
    """Let the proposal go out, once: its shifts are open, the worker places everybody and tells each once."""
    claim, fill = _change(deed, public_id, "publish_fill", states=(FillState.PROPOSED,))
    if claim.is_repeat:
        return
    connection = db.connection()
    connection.execute(
        update(_shifts)
        .where(shifts_of(fill), is_any(_shifts.c.state, ShiftState.DRAFT))
        .values(state=ShiftState.OPEN, version=_shifts.c.version + 1)
    )
    job = jobs.enqueue(deed, JOB, fill=public_id, what="publish", by=deed.actor.key)
    connection.execute(
        update(_fills).where(_fills.c.id == fill.id).values(state=FillState.PUBLISHING, job_public_id=job)
    )


# --- the worker's part --------------------------------------------------------------------------------------


def solve(
    *,
    public_id: str,
    now: datetime,
    limit_seconds: float,
    workers: int,
    progress: Callable[[int], None],
) -> str:
    """Solve a proposal that was asked for and keep the answer; returns the solver's status.

    Nothing is locked while it thinks. A proposal that was discarded meanwhile stays discarded.
    """
    fill_id = _begin(public_id=public_id)
    if fill_id is None:
        return "moved_on"
    asked = load_problem(fill_id=fill_id, now=now)
    answer = solver.solve(asked, limit_seconds=limit_seconds, workers=workers, progress=progress)
    _keep(fill_id=fill_id, asked=asked, answer=answer, now=now)
    return str(answer.status)


@writing
def _begin(*, public_id: str) -> int | None:
    found: int | None = (
        db.connection()
        .execute(
            update(_fills)
            .where(
                _fills.c.public_id == public_id,
                is_any(_fills.c.state, FillState.ASKED, FillState.SOLVING),
            )
            .values(state=FillState.SOLVING)
            .returning(_fills.c.id)
        )
        .scalar()
    )
    return found


@writing
def _keep(*, fill_id: int, asked: solver.Problem, answer: solver.Solution, now: datetime) -> None:
    connection = db.connection()
    kept = connection.execute(
        update(_fills)
        .where(_fills.c.id == fill_id, is_any(_fills.c.state, FillState.SOLVING))
        .values(
            state=FillState.PROPOSED,
            solver_status=answer.status,
            gap_permille=answer.gap_permille,
            minimum_missing=answer.minimum_missing,
            wanted_missing=answer.wanted_missing,
            seconds=round(answer.seconds),
            solved_at=now,
            version=_fills.c.version + 1,
        )
    )
    if kept.rowcount == 0:
        return
    locked = set(asked.locked)
    connection.execute(delete(_cells).where(_cells.c.fill_id == fill_id, _cells.c.is_locked.is_(False)))
    connection.execute(delete(_gaps).where(_gaps.c.fill_id == fill_id))
    cells = [
        {"fill_id": fill_id, "shift_id": seat.shift_id, "person_id": seat.person_id, "skill_code": seat.skill}
        | {"is_locked": False}
        for seat in answer.seats
        if seat not in locked
    ]
    if cells:
        connection.execute(_cells.insert(), cells)
    gaps = [
        {
            "fill_id": fill_id,
            "shift_id": gap.shift_id,
            "skill_code": gap.skill or "",
            "missing_count": gap.missing,
            "reason": gap.reason,
        }
        for gap in answer.gaps
    ]
    if gaps:
        connection.execute(_gaps.insert(), gaps)


def publish(*, public_id: str, by: str, now: datetime, progress: Callable[[int], None]) -> tuple[int, int]:
    """Place everybody of a proposal that goes out; returns how many places were given and how many no longer could be.

    Each person's places and their one message are one transaction with others': killed and begun again it goes on
    where it stopped, and nobody is told twice.
    """
    fill_id = _going_out(public_id=public_id)
    if fill_id is None:
        return 0, 0
    while True:
        left = _publish_some(fill_id=fill_id, by=by, now=now)
        every, placed, refused = fills.count_cells(fill_id=fill_id)
        if not left:
            return placed, refused
        progress(100 * (placed + refused) // every)


@reading
def _going_out(*, public_id: str) -> int | None:
    found: int | None = (
        db.connection()
        .execute(
            select(_fills.c.id).where(
                _fills.c.public_id == public_id, is_any(_fills.c.state, FillState.PUBLISHING)
            )
        )
        .scalar()
    )
    return found


@writing
def _publish_some(*, fill_id: int, by: str, now: datetime) -> bool:
    """The next people of the proposal; False when it was the last, and the proposal is published."""
    connection = db.connection()
    todo = (_cells.c.fill_id == fill_id, _cells.c.signup_id.is_(None), _cells.c.refused_code.is_(None))
    people = (
        select(_cells.c.person_id).where(*todo).distinct().order_by(_cells.c.person_id).limit(PEOPLE_AT_ONCE)
    )
    rows = connection.execute(
        select(
            _cells.c.shift_id,
            _cells.c.person_id,
            _cells.c.override_reason,
            _shifts.c.starts_at,
            _posts.c.name.label("post"),
            _posts.c.name_en.label("post_en"),
            _posts.c.area_path,
        )
        .join(_shifts, _shifts.c.id == _cells.c.shift_id)
        .join(_posts, _posts.c.id == _shifts.c.post_id)
        .where(*todo, _cells.c.person_id.in_(people))
        .order_by(_cells.c.person_id, _shifts.c.starts_at, _shifts.c.id)
    ).all()
    if not rows:
        connection.execute(
            update(_fills)
            .where(_fills.c.id == fill_id)
            .values(state=FillState.PUBLISHED, published_at=now, version=_fills.c.version + 1)
        )
        return False
    for person_id, group in groupby(rows, key=attrgetter("person_id")):
        _place_one(fill_id, person_id, list(group), by=by, now=now)
    return True


def _place_one(fill_id: int, person_id: int, cells: list[Any], *, by: str, now: datetime) -> None:
    placed = []
    for cell in cells:
        deed = Deed(
            # The deed is that of who published; the worker only carries it out.
            actor=replace(Actor.system("fill"), key=by),
            client_id=f"fill-{fill_id}-{cell.shift_id}-{person_id}",
            fingerprint="fill",
            now=now,
            on_behalf_of=person_id,
            reason=cell.override_reason,
            source="worker",
        )
        outcome: dict[str, Any]
        try:
            # What was written before a rule said no must not stay.
            with db.connection().begin_nested():
                signup = taking.place(
                    deed,
                    shift_id=cell.shift_id,
                    person_id=person_id,
                    source=SignupSource.SOLVER,
                    override_reason=cell.override_reason,
                )
        except (RuleBroken, Conflict) as refused:
            outcome = {"refused_code": refused.code}
        else:
            outcome = {"signup_id": signup.id}
            placed.append(cell)
        db.connection().execute(
            update(_cells)
            .where(
                _cells.c.fill_id == fill_id,
                _cells.c.shift_id == cell.shift_id,
                _cells.c.person_id == person_id,
            )
            .values(**outcome)
        )
    if placed:
        first = placed[0]
        telling.tell(
            deed,
            "rostered",
            {
                person_id: {
                    "count": len(placed),
                    "starts_at": first.starts_at,
                    "post": first.post,
                    "post_en": first.post_en,
                }
            },
            area_path=first.area_path,
            address=telling.OWN_SHIFTS,
        )
