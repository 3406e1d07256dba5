"""The call list 电话通知单: who is silent or unreachable, split over the teams' leads and the office, with numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading
from webapp.base.errors import NotFound
from webapp.base.permissions import Permission
from webapp.domain.areas.queries import sealed_paths
from webapp.domain.areas.rules import side_of
from webapp.domain.mobilization.models import CallAttempt, CallUp, CallUpRole, Reservist, Summons
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.rules import UNANSWERED, CallResult, CallUpState, CannotReason, SummonsState
from webapp.domain.notifications.queries import reach
from webapp.domain.people.models import Person
from webapp.domain.volunteers.models import Team

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_attempts: Any = CallAttempt.__table__
_people: Any = Person.__table__
_reservists: Any = Reservist.__table__
_teams: Any = Team.__table__

MOST_SHOWN = 60
LIVE = (CallUpState.RUNNING, CallUpState.PAUSED)


@dataclass(frozen=True)
class CallLine:
    """One person to be called: who, for what, on which number, and what calls came to so far."""

    public_id: str
    version: int
    person_id: int
    name: str
    team: str | None
    team_en: str | None
    role: str
    state: SummonsState
    cannot_reason: CannotReason | None
    caller: str | None
    is_office: bool
    phone: str | None
    attempt_count: int
    last_result: CallResult | None
    last_at: datetime | None
    is_unreachable: bool

    @property
    def is_open(self) -> bool:
        """Whether nobody knows yet if they come."""
        return self.state in UNANSWERED


@dataclass(frozen=True)
class CallListView:
    """The list of one call-up as this actor calls it."""

    call_up_id: int
    public_id: str
    title: str
    number: str
    is_drill: bool
    state: CallUpState
    area_path: str
    starts_at: datetime
    ends_at: datetime
    muster_point: str
    landmark: str
    bring: str
    is_sealed: bool
    is_whole: bool
    open_count: int
    done_count: int
    lines: tuple[CallLine, ...]
    after: str | None


def _lines(call_up_id: int, visible: Any) -> Any:
    callers = _people.alias("callers")
    calls = (
        select(
            _attempts.c.summons_id,
            func.count().label("attempt_count"),
            func.max(_attempts.c.number).label("last_number"),
        )
        .group_by(_attempts.c.summons_id)
        .subquery("calls")
    )
    last = _attempts.alias("last")
    return (
        select(
            _summonses.c.id,
            _summonses.c.public_id,
            _summonses.c.version,
            _summonses.c.person_id,
            _summonses.c.state,
            _summonses.c.cannot_reason,
            _summonses.c.listed_to_id,
            _summonses.c.channel,
            _people.c.name,
            _teams.c.name.label("team"),
            _teams.c.name_en.label("team_en"),
            _roles.c.name.label("role"),
            callers.c.name.label("caller"),
            calls.c.attempt_count,
            last.c.result,
            last.c.called_at,
        )
        .select_from(
            _summonses.join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
            .join(_people, _people.c.id == _summonses.c.person_id)
            .join(_roles, _roles.c.id == _summonses.c.role_id)
            .outerjoin(_reservists, _reservists.c.person_id == _summonses.c.person_id)
            .outerjoin(_teams, _teams.c.id == _reservists.c.team_id)
            .outerjoin(callers, callers.c.id == _summonses.c.listed_to_id)
            .outerjoin(calls, calls.c.summons_id == _summonses.c.id)
            .outerjoin(last, and_(last.c.summons_id == _summonses.c.id, last.c.number == calls.c.last_number))
        )
        .where(_summonses.c.call_up_id == call_up_id, _summonses.c.listed_at.is_not(None), visible)
    )


@reading
def get_call_list(
    *, actor: Actor, public_id: str, now: datetime, part: str = "mine", after: str | None = None
) -> CallListView:
    """The list as the actor calls it, who was called least first; NotFound where they see no line of the call-up.

    `part`: `mine` are a lead's own team members, or the office's where one is no lead; `all` is everybody listed.
    A lead without more rights sees the own team's people only, whatever `part` says.
    """
    row = scope.find_call_up(actor, public_id, Permission.CALL_LIST)
    connection = db.connection()
    visible = scope.visible_summonses(actor, Permission.CALL_LIST)
    is_whole = scope.sees_whole(actor, row.id, Permission.CALL_LIST)
    if is_whole and part != "all":
        # The office calls who was given to no lead; a head who leads a team calls that one too.
        visible = and_(
            visible,
            or_(_summonses.c.listed_to_id.is_(None), _summonses.c.listed_to_id == actor.person_id),
        )
    is_open = is_any(_summonses.c.state, *UNANSWERED)
    counts = connection.execute(
        select(func.count(), func.coalesce(func.sum(case((is_open, 1), else_=0)), 0))
        .select_from(_summonses.join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id))
        .where(_summonses.c.call_up_id == row.id, _summonses.c.listed_at.is_not(None), visible)
    ).one()
    statement = _lines(row.id, visible)
    if after is not None:
        last_id = connection.execute(
            select(_summonses.c.id).where(_summonses.c.public_id == after, _summonses.c.call_up_id == row.id)
        ).scalar()
        if last_id is None:
            raise NotFound
        statement = statement.where(_summonses.c.id > last_id)
    rows = connection.execute(statement.order_by(_summonses.c.id).limit(MOST_SHOWN + 1)).all()
    shown = rows[:MOST_SHOWN]
    numbers = _numbers([each.person_id for each in shown])
    lines = [_line(each, numbers) for each in shown]
    # Who still has to be called comes first, who was tried least before who was tried just now.
    lines.sort(key=lambda each: (not each.is_open, each.attempt_count))
    cordon = sealed_paths(now)
    return CallListView(
        call_up_id=row.id,
        public_id=row.public_id,
        title=row.title,
        number=row.number,
        is_drill=bool(row.is_drill),
        state=CallUpState(row.state),
        area_path=row.area_path,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        muster_point=row.muster_point,
        landmark=row.landmark,
        bring=row.bring,
        is_sealed=bool(side_of(row.area_path, cordon)),
        is_whole=is_whole,
        open_count=int(counts[1]),
        done_count=int(counts[0]) - int(counts[1]),
        lines=tuple(lines),
        after=shown[-1].public_id if len(rows) > MOST_SHOWN else None,
    )


def _numbers(person_ids: list[int]) -> Mapping[int, str]:
    """The number to call each on: the one messages go to."""
    found = reach.receivers_of(person_ids) if person_ids else {}
    return {
        person_id: crypto.decrypt(receiver.number.phone)
        for person_id, receiver in found.items()
        if receiver.number is not None
    }


def _line(row: Any, numbers: Mapping[int, str]) -> CallLine:
    return CallLine(
        public_id=row.public_id,
        version=row.version,
        person_id=row.person_id,
        name=row.name,
        team=row.team,
        team_en=row.team_en,
        role=row.role,
        state=SummonsState(row.state),
        cannot_reason=None if row.cannot_reason is None else CannotReason(row.cannot_reason),
        caller=row.caller,
        is_office=row.listed_to_id is None,
        phone=numbers.get(row.person_id),
        attempt_count=row.attempt_count or 0,
        last_result=None if row.result is None else CallResult(row.result),
        last_at=row.called_at,
        is_unreachable=row.channel is None,
    )


def callable_summons(actor: Actor, public_id: str) -> Any:
    """The id, person and call-up of a summons that the actor may call about; NotFound for others."""
    row = (
        db.connection()
        .execute(
            select(
                _summonses.c.id,
                _summonses.c.person_id,
                _summonses.c.version,
                _call_ups.c.public_id.label("call_up"),
            )
            .select_from(_summonses.join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id))
            .where(_summonses.c.public_id == public_id, scope.visible_summonses(actor, Permission.CALL_LIST))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row


def number_index(person_id: int) -> str | None:
    """How the number that the list shows for a person is found; None where none is known."""
    number = _numbers([person_id]).get(person_id)
    return crypto.blind_index("phone", number) if number else None
