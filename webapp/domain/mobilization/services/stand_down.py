"""Standing a call-up down 解除召集, whole or one role: whoever said yes and is not needed is thanked and let go.

Who is there, or so near that a message would meet them at the gate, is received and counted instead. Who said no
hears nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, literal, not_, select, update

from webapp.base import audit, db, outbox, requests
from webapp.base.db import UtcDateTime, is_any, writing
from webapp.base.deed import Deed
from webapp.base.errors import NotFound
from webapp.base.outbox import Rank
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, Summons, Unit
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.rules import CallUpState, EventKind, SummonsState, UnitState
from webapp.domain.mobilization.services.board import touch_board
from webapp.domain.mobilization.services.timeline import note_event
from webapp.domain.notifications.services.notify import Notice, notify
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_units: Any = Unit.__table__
_reservists: Any = Reservist.__table__
_commitments: Any = Commitment.__table__

_AT_ONCE = 5000


@dataclass(frozen=True)
class StoodDown:
    """What came of it: how many were let go, and how many are there or so near that they are received."""

    let_go: int
    received: int


@writing
def stand_down(*, deed: Deed, call_up: str, role: str = "") -> StoodDown:
    """Let go whoever is not needed any more, of the whole call-up or of one role, and tell them so.

    After it nobody is summoned: the engine's next step finds another state (or, of a role, no open place). A wave
    that went out a moment before is met here; what of it still waits to be sent is taken back, and who never got
    a message gets none now. Conflict("call_up_moved_on") when it is stood down or closed already.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        let_go, received = (int(each) for each in (claim.outcome or "0 0").split())
        return StoodDown(let_go, received)
    row = _lock(deed, call_up)
    roles = _roles_of(row.id, role)
    wanted = {each.position: each.wanted_count for each in roles}
    ids = [each.id for each in roles]
    s = _summonses.c
    due = func.coalesce(s.eta_at, literal(row.starts_at, UtcDateTime))
    near = due.between(deed.now - rules.GRACE, deed.now + rules.NEARLY_THERE)
    coming = _let_go(deed, ids, SummonsState.COMING, s.arrived_at.is_(None), not_(near))
    queued = _let_go(deed, ids, SummonsState.QUEUED, s.arrived_at.is_(None))
    silent = [
        *_let_go(deed, ids, SummonsState.WAITING, s.reply_by > deed.now, answered_at=None),
        *_let_go(deed, ids, SummonsState.LATER, s.reply_by > deed.now, answered_at=None),
    ]
    free_time([each.id for each in coming])
    leads, unnamed = _let_units_go(deed, ids)
    freed = Counter(each.role_id for each in coming) + unnamed
    was_enough = all(each.taken_count >= each.wanted_count for each in roles)
    for each in roles:
        values: dict[str, Any] = {"taken_count": _roles.c.taken_count - freed[each.id]}
        if role:
            values |= {"wanted_count": _roles.c.taken_count - freed[each.id], "short_because": None}
        db.connection().execute(update(_roles).where(_roles.c.id == each.id).values(**values))
    if not role:
        db.connection().execute(
            update(_call_ups)
            .where(_call_ups.c.id == row.id)
            .values(
                state=CallUpState.STOOD_DOWN,
                next_at=None,
                ended_at=func.coalesce(_call_ups.c.ended_at, literal(deed.now, UtcDateTime)),
            )
        )
    template = "call_up_drill" if row.is_drill else "call_up"
    back = outbox.withdraw_unsent(template, [f"summons:{each.public_id}" for each in silent])
    told = [*coming, *queued, *(each for each in silent if f"summons:{each.public_id}" not in back)]
    thank(deed, row, told, leads, was_enough=was_enough)
    if not row.is_drill:
        _count_for_fairness([each.person_id for each in (*coming, *queued)])
    received = _received(ids)
    facts: dict[str, Any] = {
        "let_go": len(coming) + len(queued),
        "silent": len(silent),
        "told": len(told) + len(leads),
        "received": received,
        "wanted": wanted,
    } | ({"reason": deed.reason} if deed.reason else {})
    note_event(
        EventKind.STOOD_DOWN,
        call_up_id=row.id,
        at=deed.now,
        by=deed.actor.key,
        role_id=ids[0] if role else None,
        **facts,
    )
    let_go = len(coming) + len(queued) + len(silent)
    requests.settle(claim, outcome=f"{let_go} {received}", object_id=row.id)
    audit.record(
        deed,
        "stand_down",
        "call_up",
        row.id,
        area_path=row.area_path,
        role_id=ids[0] if role else None,
        let_go=let_go,
        received=received,
    )
    touch_board(row.id)
    return StoodDown(let_go, received)


def _lock(deed: Deed, public_id: str) -> Any:
    """The row as it stands now, held until the transaction ends: a wave is before it or never."""
    found = scope.managed_call_up(deed.actor, public_id)
    row = (
        db.connection()
        .execute(
            update(_call_ups)
            .where(_call_ups.c.id == found.id)
            .values(version=_call_ups.c.version + 1)
            .returning(_call_ups)
        )
        .one()
    )
    rules.ensure_step("stand_down", CallUpState(row.state))
    return row


def _roles_of(call_up_id: int, role: str) -> Sequence[Any]:
    statement = select(_roles).where(_roles.c.call_up_id == call_up_id).order_by(_roles.c.id)
    if role:
        statement = statement.where(_roles.c.public_id == role)
    rows = db.connection().execute(statement.with_for_update()).all()
    if not rows:
        raise NotFound
    return rows


def _let_go(
    deed: Deed, roles: Sequence[int], state: SummonsState, *conditions: Any, **values: Any
) -> Sequence[Any]:
    """Stand these down who are in this state at this moment; an answer that comes in between is before it or after."""
    s = _summonses.c
    return (
        db.connection()
        .execute(
            update(_summonses)
            .where(s.role_id.in_(roles), is_any(s.state, state), *conditions)
            .values(
                state=SummonsState.STOOD_DOWN,
                muster=None,
                stood_down_at=deed.now,
                version=s.version + 1,
                **values,
            )
            .returning(s.id, s.public_id, s.person_id, s.role_id)
        )
        .all()
    )


def free_time(summons_ids: Sequence[int]) -> None:
    """Give these people their time back."""
    c = _commitments.c
    for start in range(0, len(summons_ids), _AT_ONCE):
        db.connection().execute(
            delete(_commitments).where(
                is_any(c.kind, CommitmentKind.CALL_UP),
                c.reference_id.in_(summons_ids[start : start + _AT_ONCE]),
            )
        )


def _let_units_go(deed: Deed, roles: Sequence[int]) -> tuple[Sequence[Any], Counter[int]]:
    """Stand down the units that were asked or promised people whose names nobody has; their leads, and the places freed."""
    u = _units.c
    connection = db.connection()
    rows = connection.execute(
        select(_units)
        .where(u.role_id.in_(roles), is_any(u.state, UnitState.WAITING, UnitState.COMING))
        .order_by(u.id)
        .with_for_update()
    ).all()
    over = [
        each for each in rows if each.state == UnitState.WAITING or each.promised_count > each.named_count
    ]
    freed: Counter[int] = Counter()
    for each in over:
        freed[each.role_id] += each.promised_count - each.named_count
        is_there = each.state == UnitState.COMING and each.named_count > 0
        connection.execute(
            update(_units)
            .where(u.id == each.id)
            .values(
                state=UnitState.COMING if is_there else UnitState.STOOD_DOWN, promised_count=u.named_count
            )
        )
    live = [each for each in over if each.state == UnitState.COMING or each.reply_by > deed.now]
    return live, freed


def thank(
    deed: Deed, call_up: Any, summonses: Sequence[Any], units: Sequence[Any] = (), *, was_enough: bool
) -> None:
    """不用来了，谢谢您: to these people and to the leads of these units, inside the caller's transaction."""
    said = {
        "title": call_up.title,
        "starts_at": call_up.starts_at.isoformat(),
        "is_enough": was_enough,
    }
    notices = [
        Notice(
            person_id=each.person_id,
            template="stand_down",
            reference=f"summons:{each.public_id}",
            parameters=said,
            address=f"/mobilization/summonses/{each.public_id}",
            is_drill=call_up.is_drill,
            is_vital=True,
            rank=Rank.CALL,
            until=call_up.ends_at,
        )
        for each in summonses
    ] + [
        Notice(
            person_id=each.person_id,
            template="stand_down",
            reference=f"unit:{each.public_id}",
            parameters=said,
            is_drill=call_up.is_drill,
            is_vital=True,
            rank=Rank.CALL,
            until=call_up.ends_at,
        )
        for each in units
    ]
    notify(deed, notices, area_path=call_up.area_path)


def _count_for_fairness(person_ids: Sequence[int]) -> None:
    """Who said yes and was let go is called later than others next time."""
    r = _reservists.c
    for start in range(0, len(person_ids), _AT_ONCE):
        db.connection().execute(
            update(_reservists)
            .where(r.person_id.in_(person_ids[start : start + _AT_ONCE]))
            .values(stood_down_count=r.stood_down_count + 1)
        )


def _received(roles: Sequence[int]) -> int:
    """How many still come, or are there: they are met at the point."""
    s = _summonses.c
    found: int = (
        db.connection()
        .execute(
            select(func.count()).where(
                s.role_id.in_(roles),
                is_any(s.state, SummonsState.COMING) | s.arrived_at.is_not(None),
                s.departed_at.is_(None),
            )
        )
        .scalar_one()
    )
    return found
