"""A shift made of those who mustered 编班: their places, their presence, so that the hours count as any other hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, select, update

from webapp.base import audit, clock, db, requests
from webapp.base.db import is_any, writing
from webapp.base.deed import Deed
from webapp.base.errors import Gone, LinliError, RuleBroken
from webapp.domain.mobilization.models import CallUpRole, Summons
from webapp.domain.mobilization.queries import muster as queries
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.queries.muster import Line
from webapp.domain.mobilization.rules import CallUpState, MusterState
from webapp.domain.mobilization.services.answers import lock_people
from webapp.domain.mobilization.services.board import touch_board
from webapp.domain.rosters import rules as roster_rules
from webapp.domain.rosters.models import Attendance, Post, Shift
from webapp.domain.rosters.queries import day, places
from webapp.domain.rosters.queries import posts as post_queries
from webapp.domain.rosters.queries.takers import load_me
from webapp.domain.rosters.rules import (
    Evidence,
    Mark,
    Numbers,
    PostKind,
    Protection,
    ShiftState,
    SignupSource,
    Stretch,
)
from webapp.domain.rosters.services.evidence import attendance_of, settle, write_attendance
from webapp.domain.rosters.services.placing import place_locked
from webapp.domain.rosters.services.posts import PostPlan, write_post
from webapp.domain.rosters.services.shifts import ShiftPlan, write_shift
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind

_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_posts: Any = Post.__table__
_shifts: Any = Shift.__table__
_attendances: Any = Attendance.__table__
_commitments: Any = Commitment.__table__

NAME_LENGTH = 60
# Whoever stands at the point is there: which side of a cordon they live on, and whether they are on the list of
# volunteers, was asked when they were called. Rest and hours give way with the call-up as the reason, and show ※.
_WAIVED = frozenset({"not_a_volunteer", "newcomer_not_yet", "inside_cordon", "outside_cordon"})
# A call-up over days becomes a shift a day.
LONGEST = roster_rules.LONGEST_SHIFT
_FROM_THE_START = timedelta(hours=12)


@dataclass(frozen=True)
class MadeShift:
    """The shift, how many were placed on it, and whom a rule refused (name, code)."""

    shift: str
    placed: int
    refused: tuple[tuple[str, str], ...]


@writing
def make_shift(*, deed: Deed, call_up: str, role: str = "", post: str = "", new_post: str = "") -> MadeShift:
    """Put those who are here and have a place (of one role, or all) onto a shift of this post, or of a new one.

    A second press adds who came since to the same shift. The time that the call-up took of each becomes the
    shift's; what of it lies after the shift stays. Raises RuleBroken nobody_here, call_up_over, post_missing;
    NotFound for a post or community that is not the actor's to roster.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return MadeShift(_public_id(claim.object_id), 0, ())
    row = scope.managed_call_up(deed.actor, call_up)
    if row.state is CallUpState.DRAFT:
        raise RuleBroken("call_up_not_started")
    if row.state is CallUpState.CLOSED:
        raise Gone("call_up_closed")
    if deed.now >= row.ends_at:
        raise RuleBroken("call_up_over")
    here = _here(row, role, deed.now)
    lock_people(each.person_id for each in here)
    touch_board(row.id)
    # Again, now that nobody else changes them.
    here = [each for each in _here(row, role, deed.now) if each.person_id in {one.person_id for one in here}]
    if not here:
        raise RuleBroken("nobody_here")
    shift_id = _shift_for(deed, row, here, role=role, post=post, new_post=new_post)
    placed, refused = [], []
    for each in here:
        try:
            _hand_over(deed, row, each, shift_id)
        except LinliError as broken:
            refused.append((each.name, broken.code))
        else:
            placed.append(each)
    if not placed:
        raise RuleBroken("nobody_placed", name=refused[0][0], count=len(refused))
    _note(row.id, placed, shift_id)
    requests.settle(claim, outcome="made", object_id=shift_id)
    audit.record(
        deed,
        "make_shift_of_muster",
        "call_up",
        row.id,
        area_path=row.area_path,
        shift_id=shift_id,
        placed=len(placed),
        refused=[code for _, code in refused],
    )
    return MadeShift(_public_id(shift_id), len(placed), tuple(refused))


def _public_id(shift_id: int | None) -> str:
    return str(
        db.connection().execute(select(_shifts.c.public_id).where(_shifts.c.id == shift_id)).scalar_one()
    )


def _here(row: Any, role: str, now: datetime) -> list[Line]:
    """Who is here with a place, and on no shift of this call-up that goes on."""
    a = _attendances.c
    on_shift = set(
        db.connection()
        .execute(
            select(a.person_id)
            .join(_shifts, _shifts.c.id == a.shift_id)
            .join(_roles, _roles.c.shift_id == _shifts.c.id)
            .where(_roles.c.call_up_id == row.id, _shifts.c.ends_at > now)
        )
        .scalars()
    )
    return [
        each
        for each in queries.lines_of(row.id, now=now)
        if each.is_here
        and not each.is_extra
        and (not role or each.role == role)
        and each.person_id not in on_shift
    ]


def _shift_for(deed: Deed, row: Any, here: Sequence[Line], *, role: str, post: str, new_post: str) -> int:
    """The shift that goes on already, with as many more places, or a new one at the chosen post."""
    mine = [_roles.c.call_up_id == row.id] + ([_roles.c.public_id == role] if role else [])
    connection = db.connection()
    going_on: int | None = connection.execute(
        select(_shifts.c.id)
        .join(_roles, _roles.c.shift_id == _shifts.c.id)
        .where(
            *mine,
            _shifts.c.ends_at > deed.now,
            is_any(_shifts.c.state, ShiftState.OPEN),
            _shifts.c.maximum_count + len(here) <= roster_rules.MOST_PLACES,
        )
        .order_by(_shifts.c.id.desc())
        .limit(1)
    ).scalar()
    if going_on is not None:
        post_queries.managed_post(deed.actor, _post_of(going_on))
        c = _shifts.c
        connection.execute(
            update(_shifts)
            .where(c.id == going_on)
            .values(
                wanted_count=c.wanted_count + len(here),
                maximum_count=c.maximum_count + len(here),
                version=c.version + 1,
            )
        )
        return going_on
    if not post:
        post = _new_post(deed, row, new_post)
    starts_at = row.starts_at
    if deed.now > starts_at + _FROM_THE_START:
        starts_at = deed.now.replace(second=0, microsecond=0)
    ends_at = min(row.ends_at, starts_at + LONGEST)
    plan = ShiftPlan(
        Stretch(starts_at, ends_at, clock.day(starts_at)), Numbers(len(here), len(here), len(here))
    )
    return write_shift(deed, post=post, plan=plan, state=ShiftState.OPEN)[0]


def _post_of(shift_id: int) -> str:
    return str(
        db.connection()
        .execute(
            select(_posts.c.public_id)
            .join(_shifts, _shifts.c.post_id == _posts.c.id)
            .where(_shifts.c.id == shift_id)
        )
        .scalar_one()
    )


def _new_post(deed: Deed, row: Any, name: str) -> str:
    """A post at the muster point, in the community of the call-up."""
    name = " ".join(name.split())
    if not name:
        raise RuleBroken("post_missing", field="new_post")
    terms = post_queries.get_terms_of(actor=deed.actor, area_path=row.area_path)
    plan = PostPlan(
        name=name,
        kind=PostKind.OTHER,
        place=row.muster_point,
        protection=Protection.NONE,
        instructions=row.title,
        phone=row.phone,
    )
    return write_post(deed, area=terms.area, plan=plan)[1]


def _hand_over(deed: Deed, row: Any, line: Line, shift_id: int) -> None:
    """The time that the call-up took of this person becomes the shift's, and they are present on it."""
    shift = places.shift_now(shift_id=shift_id)
    me = load_me(person_id=line.person_id, now=deed.now, since=shift.stretch.starts_at)
    if not me.is_volunteer and shift.handles_household_data:
        raise RuleBroken("pledge_missing")
    c = _commitments.c
    mine = and_(is_any(c.kind, CommitmentKind.CALL_UP), c.reference_id == line.id)
    connection = db.connection()
    before = connection.execute(select(_commitments).where(mine)).one_or_none()
    if before is not None:
        if before.ends_at > shift.stretch.ends_at:
            connection.execute(update(_commitments).where(mine).values(starts_at=shift.stretch.ends_at))
        else:
            connection.execute(delete(_commitments).where(mine))
    try:
        place_locked(
            deed,
            places.shift_now(shift_id=shift_id),
            person_id=line.person_id,
            source=SignupSource.STAFF,
            override_reason=row.number,
            is_confirmed=True,
            waived=_WAIVED,
        )
    except LinliError:
        if before is not None:
            connection.execute(delete(_commitments).where(mine))
            connection.execute(_commitments.insert().inline(), dict(before._mapping))  # noqa: SLF001 - its public name
        raise
    write_attendance(
        deed,
        shift_id,
        line.person_id,
        attendance_of(shift_id, line.person_id),
        mark=Mark.PRESENT,
        arrived_at=line.arrived_at,
        arrived_from=line.arrived_from or Evidence.ROLL_CALL,
        is_walk_in=line.is_walk_in,
    )


def _note(call_up_id: int, placed: Sequence[Line], shift_id: int) -> None:
    """Whose role has which shift now, and that these people are on duty there."""
    connection = db.connection()
    name = connection.execute(
        select(_posts.c.name).join(_shifts, _shifts.c.post_id == _posts.c.id).where(_shifts.c.id == shift_id)
    ).scalar_one()
    connection.execute(
        update(_roles)
        .where(
            _roles.c.call_up_id == call_up_id, _roles.c.public_id.in_(sorted({each.role for each in placed}))
        )
        .values(shift_id=shift_id)
    )
    s = _summonses.c
    for each in placed:
        connection.execute(
            update(_summonses)
            .where(s.id == each.id)
            .values(
                muster=MusterState.ON_DUTY,
                assigned_to=each.assigned_to or str(name)[:NAME_LENGTH],
                version=s.version + 1,
            )
        )


def leave_shift(deed: Deed, summons: Any, *, at: datetime, evidence: Evidence) -> None:
    """Who leaves the muster leaves the shift that was made of it; inside the caller's transaction."""
    a = _attendances.c
    shift_id = (
        db.connection()
        .execute(
            select(a.shift_id)
            .join(_roles, _roles.c.shift_id == a.shift_id)
            .where(
                _roles.c.id == summons.role_id,
                a.person_id == summons.person_id,
                a.arrived_at.is_not(None),
                a.left_at.is_(None),
            )
        )
        .scalar()
    )
    if shift_id is None:
        return
    shift = day.lock_shift(shift_id)
    before = attendance_of(shift_id, summons.person_id)
    left_at = max(before.arrived_at, at)
    attendance_id = write_attendance(
        deed, shift_id, summons.person_id, before, left_at=left_at, left_from=evidence
    )
    settle(deed, shift, [attendance_id])
