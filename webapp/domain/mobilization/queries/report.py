"""The end report of a call-up 结束报告, and what a drill 拉动演练 scored, beside earlier ones of the area."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import and_, exists, func, or_, select

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading
from webapp.base.errors import NotFound
from webapp.base.outbox import MessageState, OutboxMessage
from webapp.base.permissions import Permission
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import (
    CallUp,
    CallUpEvent,
    CallUpRole,
    Reservist,
    Summons,
    Wave,
)
from webapp.domain.mobilization.queries import board, scope
from webapp.domain.mobilization.queries.board import RoleLine
from webapp.domain.mobilization.rules import (
    CallUpState,
    Category,
    EventKind,
    Figures,
    Score,
    SummonsState,
)
from webapp.domain.volunteers.models import Organisation, Team

_call_ups: Any = CallUp.__table__
_events: Any = CallUpEvent.__table__
_roles: Any = CallUpRole.__table__
_reservists: Any = Reservist.__table__
_summonses: Any = Summons.__table__
_waves: Any = Wave.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__
_messages: Any = OutboxMessage.__table__

EARLIER = 6
# What comes long after the start is no part of the curve: it would squeeze the first minutes to nothing.
CURVE_LASTS = timedelta(hours=6)


@dataclass(frozen=True)
class Curve:
    """One line of the chart: (minutes since the start, how many by then), as steps."""

    name: str
    points: tuple[tuple[float, int], ...]

    @property
    def total(self) -> int:
        """How many in the end."""
        return self.points[-1][1]


@dataclass(frozen=True)
class OrganisationLine:
    """How an organisation, team or office did: asked, said yes, came. `name` is None for who belongs to none."""

    name: str | None
    category: Category | None
    summoned: int
    said_yes: int
    mustered: int


@dataclass(frozen=True)
class RoleFill:
    """How a role was filled: `wanted` as it was before it was stood down."""

    name: str
    wanted: int
    said_yes: int
    mustered: int
    stood_down: int
    figures: Figures


@dataclass(frozen=True)
class EventLine:
    """A line of the timeline."""

    at: datetime
    kind: EventKind
    role: str | None
    by: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Earlier:
    """An earlier drill of the area, as its books were closed."""

    public_id: str
    number: str
    title: str
    started_at: datetime
    score: Score


@dataclass(frozen=True)
class Report:
    """The end report. Until the books are closed it is as of now, and says so (`is_final`)."""

    public_id: str
    number: str
    title: str
    area_path: str
    state: CallUpState
    is_drill: bool
    is_announced: bool
    caller_name: str
    muster_point: str
    started_at: datetime
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    closed_at: datetime | None
    is_final: bool
    as_of: datetime
    figures: Figures
    score: Score
    answer_minutes: float | None
    muster_minutes: float | None
    wave_count: int
    stood_down: int
    extra: int
    curves: tuple[Curve, ...]
    roles: tuple[RoleFill, ...]
    organisations: tuple[OrganisationLine, ...]
    events: tuple[EventLine, ...]
    earlier: tuple[Earlier, ...]


def _asked() -> Any:
    """Who was asked by us: no walk-ins."""
    return _summonses.c.is_walk_in.is_(False)


def _reached() -> Any:
    """Who was reached by some way: a message went out and did not come back, or they answered, or a call was answered.

    Messages are forgotten after a month; by then the books are closed and the figures stand in them.
    """
    s, m = _summonses.c, _messages.c
    went = exists(
        select(m.id).where(
            m.reference == "summons:" + s.public_id,
            is_any(m.state, MessageState.SENT),
            m.undelivered_at.is_(None),
        )
    )
    return or_(s.answered_at.is_not(None), went)


def _in_time() -> Any:
    s = _summonses.c
    return and_(s.answered_at.is_not(None), s.answered_at <= s.reply_by)


def _said_yes() -> Any:
    """Said yes within their time; who then could not is no yes any more."""
    s = _summonses.c
    return and_(
        _in_time(), is_any(s.state, SummonsState.COMING, SummonsState.QUEUED, SummonsState.STOOD_DOWN)
    )


def score_of(call_up_id: int) -> Score:
    """What the call-up came to as things stand now; one statement."""
    s = _summonses.c

    def how_many(name: str, condition: Any) -> Any:
        return func.count(s.id).filter(condition).label(name)

    row = (
        db.connection()
        .execute(
            select(
                func.count(s.id).label("summoned"),
                how_many("notified", _reached()),
                how_many("acknowledged", _in_time()),
                how_many("said_yes", _said_yes()),
                how_many("mustered", and_(_said_yes(), s.arrived_at.is_not(None))),
            ).where(s.call_up_id == call_up_id, _asked())
        )
        .one()
    )
    return Score(row.summoned, row.notified, row.acknowledged, row.said_yes, row.mustered)


def _frozen(facts: str) -> Score | None:
    said = json.loads(facts)
    names = ("summoned", "notified", "acknowledged", "said_yes", "mustered")
    return Score(*(int(said[name]) for name in names)) if set(names) <= set(said) else None


@reading
def get_report(*, actor: Actor, public_id: str, now: datetime) -> Report:
    """The report of a call-up that the actor sees whole; NotFound for a draft. Nine statements, at any size."""
    connection = db.connection()
    row = connection.execute(
        select(_call_ups).where(
            _call_ups.c.public_id == public_id, scope.whole_call_ups(actor, Permission.CALL_UP_SEE)
        )
    ).one_or_none()
    if row is None or row.state is CallUpState.DRAFT:
        raise NotFound
    events = _events_of(row.id)
    closing = next((each for each in events if each.kind is EventKind.CLOSED), None)
    frozen = None if closing is None else _frozen(json.dumps(dict(closing.facts)))
    as_of = row.closed_at or now
    lines = board.role_lines(row.id, as_of)
    s = _summonses.c
    people = connection.execute(
        select(
            s.role_id,
            s.state,
            s.sent_at,
            s.reply_by,
            s.answered_at,
            s.arrived_at,
            s.is_walk_in,
            s.stood_down_at,
            _said_yes().label("said_yes"),
        ).where(s.call_up_id == row.id)
    ).all()
    waves: int = connection.execute(
        select(func.count()).select_from(_waves).where(_waves.c.call_up_id == row.id)
    ).scalar_one()
    asked = [each for each in people if not each.is_walk_in]
    return Report(
        public_id=row.public_id,
        number=row.number,
        title=row.title,
        area_path=row.area_path,
        state=row.state,
        is_drill=row.is_drill,
        is_announced=row.is_announced,
        caller_name=row.caller_name,
        muster_point=row.muster_point,
        started_at=row.started_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at,
        closed_at=row.closed_at,
        is_final=row.state is CallUpState.CLOSED,
        as_of=as_of,
        figures=sum((each.figures for each in lines), Figures()),
        score=frozen or score_of(row.id),
        answer_minutes=_typical(
            [(each.answered_at - each.sent_at) for each in asked if each.answered_at is not None]
        ),
        muster_minutes=_typical(
            [(each.arrived_at - row.started_at) for each in people if each.arrived_at is not None]
        ),
        wave_count=waves,
        stood_down=sum(
            each.state is SummonsState.STOOD_DOWN and each.answered_at is not None for each in people
        ),
        extra=sum(each.arrived_at is not None and each.state is not SummonsState.COMING for each in people),
        curves=_curves(row, people, asked, as_of),
        roles=_fills(lines, people, events, _role_ids(row.id)),
        organisations=_organisations_of(row.id),
        events=events,
        earlier=_earlier(row) if row.is_drill else (),
    )


def _typical(spans: Sequence[timedelta]) -> float | None:
    """The median in minutes; None of nothing."""
    return median(each.total_seconds() / 60 for each in spans) if spans else None


def _curves(row: Any, people: Sequence[Any], asked: Sequence[Any], as_of: datetime) -> tuple[Curve, ...]:
    start = row.started_at
    last = max(
        (
            each
            for one in people
            for each in (one.sent_at, one.answered_at, one.arrived_at)
            if each is not None
        ),
        default=start,
    )
    end = min(
        max(last, start + timedelta(minutes=1)), start + CURVE_LASTS, max(as_of, start + timedelta(minutes=1))
    )
    lines = {
        "notified": [each.sent_at for each in asked],
        "acknowledged": [each.answered_at for each in asked if each.answered_at is not None],
        "mustered": [each.arrived_at for each in people if each.arrived_at is not None],
    }
    return tuple(
        Curve(name, tuple(rules.curve(instants, start=start, end=end))) for name, instants in lines.items()
    )


def _role_ids(call_up_id: int) -> dict[str, tuple[int, int]]:
    rows = db.connection().execute(
        select(_roles.c.public_id, _roles.c.id, _roles.c.position).where(_roles.c.call_up_id == call_up_id)
    )
    return {row.public_id: (row.id, row.position) for row in rows}


def _fills(
    lines: Sequence[RoleLine],
    people: Sequence[Any],
    events: Sequence[EventLine],
    ids: Mapping[str, tuple[int, int]],
) -> tuple[RoleFill, ...]:
    # The numbers before the first stand-down of a role; later ones only repeat what was left.
    before: dict[str, int] = {}
    for each in events:
        if each.kind is EventKind.STOOD_DOWN:
            for position, wanted in each.facts.get("wanted", {}).items():
                before.setdefault(str(position), int(wanted))
    found = []
    for line in lines:
        role_id, position = ids[line.public_id]
        mine = [each for each in people if each.role_id == role_id]
        found.append(
            RoleFill(
                name=line.name,
                wanted=max(line.figures.wanted, before.get(str(position), 0)),
                said_yes=sum(each.state in rules.SAID_YES or bool(each.said_yes) for each in mine),
                mustered=sum(each.arrived_at is not None for each in mine),
                stood_down=sum(
                    each.state is SummonsState.STOOD_DOWN and each.answered_at is not None for each in mine
                ),
                figures=line.figures,
            )
        )
    return tuple(found)


def _organisations_of(call_up_id: int) -> tuple[OrganisationLine, ...]:
    s, r = _summonses.c, _reservists.c
    name = func.coalesce(_organisations.c.name, _teams.c.name, r.unit)
    rows = db.connection().execute(
        select(
            name.label("name"),
            r.category,
            func.count(s.id).label("summoned"),
            func.count(s.id)
            .filter(
                or_(
                    is_any(s.state, SummonsState.COMING, SummonsState.QUEUED),
                    and_(is_any(s.state, SummonsState.STOOD_DOWN), s.answered_at.is_not(None)),
                )
            )
            .label("said_yes"),
            func.count(s.id).filter(s.arrived_at.is_not(None)).label("mustered"),
        )
        .select_from(
            _summonses.outerjoin(_reservists, r.person_id == s.person_id)
            .outerjoin(_teams, _teams.c.id == r.team_id)
            .outerjoin(
                _organisations,
                _organisations.c.id == func.coalesce(r.organisation_id, _teams.c.organisation_id),
            )
        )
        .where(s.call_up_id == call_up_id)
        .group_by(name, r.category)
        .order_by(func.count(s.id).desc(), name)
    )
    return tuple(
        OrganisationLine(row.name, row.category, row.summoned, row.said_yes, row.mustered) for row in rows
    )


def _events_of(call_up_id: int) -> tuple[EventLine, ...]:
    e = _events.c
    rows = db.connection().execute(
        select(e.at, e.kind, e.by, e.facts, _roles.c.name.label("role"))
        .select_from(_events.outerjoin(_roles, _roles.c.id == e.role_id))
        .where(e.call_up_id == call_up_id)
        .order_by(e.at, e.id)
    )
    return tuple(
        EventLine(row.at, EventKind(row.kind), row.role, row.by, json.loads(row.facts)) for row in rows
    )


def _earlier(row: Any) -> tuple[Earlier, ...]:
    """The drills of the same area whose books were closed before this one began, the newest first."""
    c, e = _call_ups.c, _events.c
    rows = db.connection().execute(
        select(c.public_id, c.number, c.title, c.started_at, e.facts)
        .select_from(_call_ups.join(_events, e.call_up_id == c.id))
        .where(
            c.area_path == row.area_path,
            c.is_drill.is_(True),
            is_any(c.state, CallUpState.CLOSED),
            is_any(e.kind, EventKind.CLOSED),
            c.started_at < row.started_at,
        )
        .order_by(c.started_at.desc(), c.id.desc())
        .limit(EARLIER)
    )
    found = []
    for each in rows:
        score = _frozen(each.facts)
        if score is not None:
            found.append(Earlier(each.public_id, each.number, each.title, each.started_at, score))
    return tuple(found)
