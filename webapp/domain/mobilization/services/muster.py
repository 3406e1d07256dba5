"""The muster 集结: set out, check in at the point, roll call, walk-ins, replacement, welfare checks, who is overdue.

Locks as in `answers`: person → call-up (its board) → role → summons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, case, delete, func, insert, literal, select, update

from webapp.base import audit, clock, crypto, db, requests
from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, is_any, reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, Gone, NotAllowed, NotFound, RuleBroken
from webapp.base.ids import hash_token, new_public_id
from webapp.base.permissions import ROLE_PERMISSIONS, Permission
from webapp.domain.accounts.models import Appointment, User
from webapp.domain.accounts.rules import normalise_phone
from webapp.domain.areas.models import Area
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, Summons
from webapp.domain.mobilization.queries import answers as answer_queries
from webapp.domain.mobilization.queries import muster as queries
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.queries.board import overdue, welfare_due
from webapp.domain.mobilization.queries.muster import Line
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallUpState,
    CannotReason,
    Mark,
    MusterState,
    Reply,
    SummonsState,
)
from webapp.domain.mobilization.services.answers import (
    lock_for_answer,
    lock_people,
    slip_code_of,
    take_answer,
)
from webapp.domain.mobilization.services.board import touch_board
from webapp.domain.mobilization.services.shift_making import leave_shift
from webapp.domain.notifications.services.notify import Notice, notify
from webapp.domain.people import rules as people_rules
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.rosters import rules as roster_rules
from webapp.domain.rosters.rules import Evidence
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_reservists: Any = Reservist.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_users: Any = User.__table__
_appointments: Any = Appointment.__table__
_areas: Any = Area.__table__
_commitments: Any = Commitment.__table__

NAME_LENGTH = 60
POST_LENGTH = 60
MOST_MORE = 200
LIVE = frozenset({CallUpState.RUNNING, CallUpState.PAUSED, CallUpState.ENDED, CallUpState.STOOD_DOWN})


@dataclass(frozen=True)
class Typed:
    """What a roll call says of one line. A time is as written, on the county's clocks; None: none was written."""

    summons: str
    mark: Mark
    version: int
    arrived: time | None = None
    left: time | None = None
    assigned_to: str = ""


@dataclass(frozen=True)
class Received:
    """What came of a press at the point: whether there was a place, and the instant that counts."""

    summons: str
    has_place: bool
    at: datetime
    was_offline: bool = False
    is_doubtful: bool = False


def name_of(deed: Deed) -> str:
    """Who acts, as the roll and the checks keep it."""
    name = db.connection().execute(select(_people.c.name).where(_people.c.id == deed.actor.person_id))
    return str(name.scalar() or deed.actor.key)[:80]


def _call_up(call_up_id: int) -> Any:
    return db.connection().execute(select(_call_ups).where(_call_ups.c.id == call_up_id)).one()


def _summons(summons_id: int) -> Any:
    return db.connection().execute(select(_summonses).where(_summonses.c.id == summons_id)).one()


def ensure_live(call_up: Any) -> None:
    """Raises RuleBroken for a call-up that has not begun, Gone for one whose books are closed."""
    if call_up.state is CallUpState.DRAFT:
        raise RuleBroken("call_up_not_started")
    if call_up.state is CallUpState.CLOSED:
        raise Gone("call_up_closed")


# --- on the way ---------------------------------------------------------------------------------------------


@writing
def set_out(*, deed: Deed, public_id: str | None = None, token: str | None = None) -> str:
    """已出发: the person is on the way; by their link's token, or in the app as themselves. Returns the summons.

    Who is there already stays there. NotFound for somebody else's, Conflict no_place for who has no place.
    """
    claim = requests.claim(deed)
    s = _summonses.c
    if token is not None:
        found = select(_summonses).where(s.token_hash == hash_token(token))
    else:
        found = select(_summonses).where(s.public_id == public_id, s.person_id == (deed.actor.person_id or 0))
    row = db.connection().execute(found).one_or_none()
    if row is None:
        raise NotFound
    if claim.is_repeat:
        return str(row.public_id)
    ensure_live(_call_up(row.call_up_id))
    if row.state is not SummonsState.COMING:
        raise Conflict("no_place")
    db.connection().execute(
        update(_summonses)
        .where(s.id == row.id, is_any(s.state, SummonsState.COMING), s.arrived_at.is_(None))
        .values(
            muster=MusterState.EN_ROUTE,
            left_for_at=func.coalesce(s.left_for_at, literal(deed.now, UtcDateTime)),
            version=s.version + 1,
        )
    )
    requests.settle(claim, outcome="set_out", object_id=row.id)
    audit.record(deed, "set_out", "summons", row.id)
    touch_board(row.call_up_id)
    return str(row.public_id)


# --- at the point -------------------------------------------------------------------------------------------


def _told(call_up: Any, phone_at: datetime | None, now: datetime) -> roster_rules.Told:
    told = roster_rules.believed(
        phone_at=phone_at,
        now=now,
        opens_at=call_up.started_at,
        closes_at=call_up.ends_at + rules.BOOKS_CLOSE_AFTER,
    )
    if told is None:
        raise Gone("check_in_over")
    return told


@writing
def check_in(
    *,
    deed: Deed,
    call_up: str,
    code: str,
    token: str = "",
    slip: str = "",
    phone_at: datetime | None = None,
) -> Received:
    """扫码签到: with the code at the point, as oneself, by one's link's token or by the code on one's slip.

    Whoever is there is received: without a place they get an open one, and where none is open they are counted
    as extra and the head is told. A reservist or volunteer who was not called joins on the spot. `phone_at` is
    when the phone says that the button was pressed, as in rosters. NotFound for a forged code or a slip that is
    not of this call-up, Gone for an old code or closed books.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _again(claim, deed)
    row = queries.find_by_code(call_up, code)
    told = _told(row, phone_at, deed.now)
    slip = people_rules.clean_name(slip).replace(" ", "").upper()
    own = queries.own_summons(row.id, person_id=deed.actor.person_id, token=token, slip=slip)
    if own is None:
        if token or slip or deed.actor.person_id is None:
            raise NotFound("slip_unknown")
        if not queries.may_join(deed.actor.person_id):
            raise RuleBroken("not_summoned")
        person_id = deed.actor.person_id
    else:
        person_id = own.person_id
    done = receive(deed, row, person_id, told=told, evidence=Evidence.CHECK_IN)
    requests.settle(claim, outcome="received", object_id=done)
    return _received(done, told)


def _again(claim: requests.Claim, deed: Deed) -> Received:
    return _received(claim.object_id or 0, roster_rules.Told(deed.now))


def _received(summons_id: int, told: roster_rules.Told) -> Received:
    row = _summons(summons_id)
    return Received(
        summons=row.public_id,
        has_place=row.state is SummonsState.COMING,
        at=row.arrived_at or told.at,
        was_offline=told.was_offline,
        is_doubtful=told.is_doubtful,
    )


def receive(
    deed: Deed,
    call_up: Any,
    person_id: int,
    *,
    told: roster_rules.Told,
    evidence: Evidence,
    role_id: int | None = None,
) -> int:
    """Write that somebody is at the point, whatever stood about them before; returns the summons' id.

    Inside the caller's transaction. Nobody is sent away: without an open place, or with another duty at this
    time, they are there as extra. Who is there already stays as they are.
    """
    ensure_live(call_up)
    lock_people([person_id])
    connection = db.connection()
    s = _summonses.c
    before = connection.execute(
        select(_summonses).where(s.call_up_id == call_up.id, s.person_id == person_id)
    ).one_or_none()
    if before is not None and before.arrived_at is not None and before.departed_at is None:
        return int(before.id)
    touch_board(call_up.id)
    summons_id = before.id if before is not None else _join(deed, call_up, person_id, told, role_id)
    has_place = before is not None and before.state is SummonsState.COMING
    if not has_place:
        has_place = _take_any_place(deed, call_up, summons_id, person_id, told.at)
    connection.execute(
        update(_summonses)
        .where(s.id == summons_id)
        .values(
            muster=case(
                (is_any(s.state, SummonsState.COMING), _here()),
                else_=None,
            ),
            arrived_at=told.at,
            arrived_from=evidence,
            departed_at=None,
            welfare_due_at=told.at + rules.WELFARE_EVERY,
            version=s.version + 1,
        )
    )
    audit.record(
        deed,
        "arrive",
        "summons",
        summons_id,
        area_path=call_up.area_path,
        has_place=has_place,
        at=told.at,
        evidence=str(evidence),
        was_offline=told.was_offline,
        is_doubtful=told.is_doubtful,
        state_before=None if before is None else str(before.state),
    )
    if not has_place:
        _tell_extra(deed, call_up, summons_id, person_id)
    return int(summons_id)


def _here() -> Any:
    """Who is there: on duty where they know their post, else arrived."""
    return case(
        (_summonses.c.assigned_to.is_not(None), MusterState.ON_DUTY.value), else_=MusterState.ARRIVED.value
    )


def _join(deed: Deed, call_up: Any, person_id: int, told: roster_rules.Told, role_id: int | None) -> int:
    """The summons of a walk-in, as one who waits; nobody sent it."""
    public_id = new_public_id()
    if role_id is None:
        role_id = _role_for(call_up.id, person_id, deed.now)
    new_id: int = (
        db.connection()
        .execute(
            insert(_summonses).returning(_summonses.c.id),
            {
                "public_id": public_id,
                "call_up_id": call_up.id,
                "role_id": role_id,
                "person_id": person_id,
                "token_hash": hash_token(crypto.blind_index("summons", public_id)),
                "state": SummonsState.QUEUED,
                "because": "",
                "sent_at": told.at,
                "reply_by": told.at,
                "answered_at": told.at,
                "answer_source": AnswerSource.WALK_IN,
                "answered_by": name_of(deed),
                "is_walk_in": True,
                "version": 1,
            },
        )
        .scalar_one()
    )
    return new_id


def _role_for(call_up_id: int, person_id: int, now: datetime) -> int:
    """The role that somebody joins: the first with a place that they can fill, else the first of all."""
    open_to_them = answer_queries.roles_for(call_up_id=call_up_id, person_id=person_id, now=now)
    for each in open_to_them:
        if each.taken < each.wanted:
            return each.id
    if open_to_them:
        return open_to_them[0].id
    first: int = (
        db.connection()
        .execute(
            select(_roles.c.id)
            .where(_roles.c.call_up_id == call_up_id)
            .order_by(_roles.c.position, _roles.c.id)
            .limit(1)
        )
        .scalar_one()
    )
    return first


def _take_any_place(deed: Deed, call_up: Any, summons_id: int, person_id: int, at: datetime) -> bool:
    """Give somebody who is there the place of their role, or of another that they can fill; False where none is open."""
    row = _summons(summons_id)
    if at < call_up.ends_at and _is_booked(person_id, max(at, call_up.starts_at), call_up.ends_at):
        return False
    others = answer_queries.roles_for(call_up_id=call_up.id, person_id=person_id, now=deed.now)
    for role_id in [row.role_id, *(each.id for each in others if each.id != row.role_id)]:
        if take_place(role_id):
            _seat(deed, call_up, row, role_id, at)
            return True
    return False


def take_place(role_id: int) -> bool:
    """Count one more at this role, if it has a place."""
    taken = db.connection().execute(
        update(_roles)
        .where(_roles.c.id == role_id, _roles.c.taken_count < _roles.c.wanted_count)
        .values(taken_count=_roles.c.taken_count + 1)
    )
    return bool(taken.rowcount)


def _is_booked(person_id: int, starts_at: datetime, ends_at: datetime) -> bool:
    c = _commitments.c
    found = select(c.id).where(c.person_id == person_id, c.ends_at > starts_at, c.starts_at < ends_at)
    return db.connection().execute(found.limit(1)).first() is not None


def _seat(deed: Deed, call_up: Any, row: Any, role_id: int, at: datetime) -> None:
    """The place is counted: write whose it is, and that their time is taken."""
    connection = db.connection()
    said_yes = row.state in rules.SAID_YES and row.answered_at is not None
    connection.execute(
        update(_summonses)
        .where(_summonses.c.id == row.id)
        .values(
            state=SummonsState.COMING,
            role_id=role_id,
            slip_code=slip_code_of(row.id),
            answered_at=row.answered_at if said_yes else at,
            answer_source=row.answer_source if said_yes else AnswerSource.WALK_IN,
            answered_by=row.answered_by if said_yes else name_of(deed),
            eta_at=func.coalesce(_summonses.c.eta_at, literal(at, UtcDateTime)),
            cannot_reason=None,
            stood_down_at=None,
        )
    )
    if at < call_up.ends_at:
        connection.execute(
            insert(_commitments).inline(),
            {
                "person_id": row.person_id,
                "starts_at": max(at, call_up.starts_at),
                "ends_at": call_up.ends_at,
                "kind": CommitmentKind.CALL_UP,
                "reference_id": row.id,
            },
        )


@writing
def check_out(
    *, deed: Deed, call_up: str, code: str, token: str = "", phone_at: datetime | None = None
) -> Received:
    """离开: the person leaves the muster, with the code at the point; a second press changes nothing."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _again(claim, deed)
    row = queries.find_by_code(call_up, code)
    told = _told(row, phone_at, deed.now)
    own = queries.own_summons(row.id, person_id=deed.actor.person_id, token=token)
    if own is None or own.arrived_at is None:
        raise Conflict("not_checked_in")
    depart(deed, row, own, at=max(told.at, own.arrived_at))
    requests.settle(claim, outcome="left", object_id=own.id)
    touch_board(row.id)
    return _received(own.id, told)


def depart(deed: Deed, call_up: Any, summons: Any, *, at: datetime) -> None:
    """Write that somebody left, once; inside the caller's transaction, who touches the board."""
    s = _summonses.c
    db.connection().execute(
        update(_summonses)
        .where(s.id == summons.id, s.arrived_at.is_not(None), s.departed_at.is_(None))
        .values(
            muster=case((is_any(s.state, SummonsState.COMING), MusterState.DEPARTED.value), else_=None),
            departed_at=at,
            welfare_due_at=None,
            version=s.version + 1,
        )
    )
    give_rest_back(summons.id, at)
    leave_shift(deed, summons, at=at, evidence=Evidence.CHECK_IN)
    audit.record(deed, "depart", "summons", summons.id, area_path=call_up.area_path, at=at)


def give_rest_back(summons_id: int, at: datetime) -> None:
    """Who left has their time back from then on."""
    c = _commitments.c
    mine = and_(is_any(c.kind, CommitmentKind.CALL_UP), c.reference_id == summons_id)
    connection = db.connection()
    connection.execute(delete(_commitments).where(mine, c.starts_at >= at))
    connection.execute(update(_commitments).where(mine, c.ends_at > at).values(ends_at=at))


@writing
def renew_code(*, deed: Deed, call_up: str) -> None:
    """A new code for the point: posters with the old one no longer check anybody in."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = scope.managed_call_up(deed.actor, call_up)
    ensure_live(row)
    db.connection().execute(
        update(_call_ups).where(_call_ups.c.id == row.id).values(code_version=_call_ups.c.code_version + 1)
    )
    requests.settle(claim, outcome="renewed", object_id=row.id)
    audit.record(deed, "renew_code", "call_up", row.id, area_path=row.area_path)


# --- roll call ----------------------------------------------------------------------------------------------


@writing
def save_muster(*, deed: Deed, call_up: str, lines: Sequence[Typed]) -> int:
    """Save what the roll call says 保存点名; returns how many lines changed.

    A line that somebody else has changed meanwhile raises Conflict muster_changed with those lines, and nothing
    is saved: two phones never overwrite each other without a word.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return int((claim.outcome or "saved:0").removeprefix("saved:"))
    row = scope.find_call_up(deed.actor, call_up, Permission.MUSTER_MARK)
    ensure_live(row)
    among = scope.visible_summonses(deed.actor, Permission.MUSTER_MARK)
    known = {each.summons: each for each in queries.lines_of(row.id, now=deed.now, among=among)}
    changes: list[tuple[Line, dict[str, Any], Mark]] = []
    overtaken: list[Line] = []
    for typed in lines:
        line = known.get(typed.summons)
        if line is None:
            raise Conflict("muster_changed", changed=())
        values = _marked(row, line, typed, deed.now)
        if not values:
            continue
        if line.version != typed.version:
            overtaken.append(line)
        changes.append((line, values, typed.mark))
    s = _summonses.c
    if not overtaken:
        for line, values, _ in changes:
            done = db.connection().execute(
                update(_summonses)
                .where(s.id == line.id, s.version == line.version, s.state == line.state)
                .values(**values, version=s.version + 1)
            )
            if not done.rowcount:
                overtaken.append(line)
            elif values.get("departed_at") is not None:
                give_rest_back(line.id, values["departed_at"])
                leave_shift(deed, line, at=values["departed_at"], evidence=Evidence.ROLL_CALL)
    if overtaken:
        raise Conflict("muster_changed", changed=tuple(overtaken))
    requests.settle(claim, outcome=f"saved:{len(changes)}", object_id=row.id)
    audit.record(
        deed,
        "call_roll",
        "call_up",
        row.id,
        area_path=row.area_path,
        marks={line.id: [str(line.mark), str(said)] for line, _, said in changes},
    )
    if changes:
        touch_board(row.id)
    return len(changes)


def _marked(call_up: Any, line: Line, typed: Typed, now: datetime) -> dict[str, Any]:
    """What is to be written for a line; empty where it says what is known already."""
    assigned_to = " ".join(typed.assigned_to.split())[:POST_LENGTH] or None
    values: dict[str, Any] = {} if assigned_to == line.assigned_to else {"assigned_to": assigned_to}
    if typed.mark is not Mark.PRESENT:
        if typed.mark is line.mark:
            return values
        is_absent = typed.mark is Mark.ABSENT
        back = MusterState.OVERDUE if is_absent else MusterState.EN_ROUTE if line.left_for_at else None
        return values | {
            "muster": None if line.is_extra else back,
            "left_for_at": None if is_absent else line.left_for_at,
            "arrived_at": None,
            "arrived_from": None,
            "departed_at": None,
            "welfare_due_at": None,
        }
    arrived_at = _instant(call_up, typed.arrived, line.arrived_at, now) or line.arrived_at or now
    departed_at = _instant(call_up, typed.left, line.departed_at, now)
    if max(filter(None, (arrived_at, departed_at))) > now:
        raise RuleBroken("time_in_future", name=line.name)
    if departed_at is not None and departed_at < arrived_at:
        raise RuleBroken("time_order", name=line.name)
    if line.mark is Mark.PRESENT and (arrived_at, departed_at) == (line.arrived_at, line.departed_at):
        if values and not line.is_extra and line.is_here:
            values["muster"] = MusterState.ON_DUTY if assigned_to else MusterState.ARRIVED
        return values
    state = MusterState.ON_DUTY if assigned_to else MusterState.ARRIVED
    same_arrival = arrived_at == line.arrived_at
    return values | {
        "muster": None if line.is_extra else MusterState.DEPARTED if departed_at else state,
        "arrived_at": arrived_at,
        "arrived_from": line.arrived_from if same_arrival else Evidence.ROLL_CALL,
        "departed_at": departed_at,
        "welfare_due_at": None
        if departed_at
        else line.welfare_due_at
        if same_arrival and line.welfare_due_at
        else arrived_at + rules.WELFARE_EVERY,
    }


def _instant(call_up: Any, written: time | None, known: datetime | None, now: datetime) -> datetime | None:
    """The instant of a written time: the latest that is not to come; the known one where it says the same minute."""
    if written is None:
        return None
    if known is not None and clock.here(known).strftime("%H:%M") == written.strftime("%H:%M"):
        return known
    today = clock.day(now)
    candidates = [
        clock.instant(datetime.combine(today - timedelta(days=back), written.replace(fold=fold)))
        for back in range((now - call_up.started_at).days + 2)
        for fold in (0, 1)
    ]
    inside = [each for each in candidates if call_up.started_at - timedelta(minutes=1) <= each <= now]
    if not inside:
        raise RuleBroken("time_outside_muster", time=written.strftime("%H:%M"))
    return max(inside)


# --- walk-ins, more places, replacement ---------------------------------------------------------------------


@writing
def add_walk_in(
    *,
    deed: Deed,
    call_up: str,
    role: str = "",
    reservist: str = "",
    name: str = "",
    phone: str = "",
    slip: str = "",
    phone_at: datetime | None = None,
) -> Received:
    """现场加入: somebody who is there and was not on the roll, by name from the reserve, by slip, or name and phone.

    Known people are found by both, an unknown one is written down. They get a place if one is open; else they are
    there as extra. Raises Conflict already_here, RuleBroken walk_in_missing, name_missing, slip_unknown.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _again(claim, deed)
    row = scope.find_call_up(deed.actor, call_up, Permission.MUSTER_MARK)
    ensure_live(row)
    told = _told(row, phone_at, deed.now)
    person_id = _person_of(deed, row, reservist=reservist, name=name, phone=phone, slip=slip)
    s = _summonses.c
    here = select(s.id).where(
        s.call_up_id == row.id,
        s.person_id == person_id,
        s.arrived_at.is_not(None),
        s.departed_at.is_(None),
    )
    if db.connection().execute(here).first() is not None:
        raise Conflict("already_here")
    done = receive(
        deed, row, person_id, told=told, evidence=Evidence.ROLL_CALL, role_id=_role_id(row.id, role)
    )
    requests.settle(claim, outcome="joined", object_id=done)
    return _received(done, told)


def _role_id(call_up_id: int, role: str) -> int | None:
    if not role:
        return None
    found: int | None = (
        db.connection()
        .execute(select(_roles.c.id).where(_roles.c.call_up_id == call_up_id, _roles.c.public_id == role))
        .scalar()
    )
    if found is None:
        raise NotFound
    return found


def _person_of(deed: Deed, call_up: Any, *, reservist: str, name: str, phone: str, slip: str) -> int:
    connection = db.connection()
    if reservist:
        found: int | None = connection.execute(
            select(_reservists.c.person_id).where(
                _reservists.c.public_id == reservist, queries.near(deed.actor, call_up)
            )
        ).scalar()
        if found is None:
            raise NotFound
        return found
    slip = people_rules.clean_name(slip).replace(" ", "").upper()
    if slip:
        own = queries.own_summons(call_up.id, slip=slip)
        if own is None:
            raise RuleBroken("slip_unknown", field="slip")
        return int(own.person_id)
    if not name.strip() or not phone.strip():
        raise RuleBroken("walk_in_missing", field="name")
    return _by_name_and_phone(deed, name, phone)


def _by_name_and_phone(deed: Deed, name: str, phone: str) -> int:
    name = people_rules.clean_name(name)
    if not name:
        raise RuleBroken("name_missing", field="name")
    if len(name) > NAME_LENGTH:
        raise RuleBroken("text_too_long", field="name", maximum=NAME_LENGTH)
    number = normalise_phone(phone)
    index = crypto.blind_index("phone", number)
    connection = db.connection()
    person_id: int | None = connection.execute(
        select(_people.c.id)
        .join(_phones, _phones.c.person_id == _people.c.id)
        .where(
            _phones.c.phone_index == index,
            _people.c.name_key == people_rules.name_key(name),
            _people.c.merged_into_id.is_(None),
        )
        .order_by(_people.c.id)
        .limit(1)
    ).scalar()
    if person_id is not None:
        return person_id
    pinyin, initials = people_rules.pinyin_keys(name)
    person_id = connection.execute(
        insert(_people).returning(_people.c.id),
        {
            "public_id": new_public_id(),
            "name": name,
            "name_key": people_rules.name_key(name),
            "pinyin_key": pinyin,
            "initials_key": initials,
            "version": 1,
            "is_invented": False,
            "created_at": deed.now,
        },
    ).scalar_one()
    connection.execute(
        insert(_phones).inline(),
        {
            "person_id": person_id,
            "phone": crypto.encrypt(number),
            "phone_index": index,
            "phone_tail": number[-4:],
            "position": 0,
            "verified_at": None,
        },
    )
    return int(person_id)


@writing
def raise_places(*, deed: Deed, call_up: str, role: str, count: int) -> int:
    """So many more places for a role 再要 n 人; who is there without one gets the first. Returns how many of them did.

    What is left is called for: the engine looks at once while the call-up runs. Raises RuleBroken places_wrong.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return int((claim.outcome or "seated:0").removeprefix("seated:"))
    row = scope.managed_call_up(deed.actor, call_up)
    ensure_live(row)
    role_id = _role_id(row.id, role)
    if role_id is None:
        raise NotFound
    if not 0 < count <= MOST_MORE:
        raise RuleBroken("places_wrong", field="count", maximum=MOST_MORE)
    s = _summonses.c
    extra = (
        select(_summonses)
        .where(
            s.role_id == role_id,
            s.state != SummonsState.COMING,
            s.arrived_at.is_not(None),
            s.departed_at.is_(None),
        )
        .order_by(s.arrived_at, s.id)
    )
    connection = db.connection()
    lock_people(each.person_id for each in connection.execute(extra))
    _wake(row.id, deed.now)
    raised = connection.execute(
        update(_roles)
        .where(_roles.c.id == role_id, _roles.c.wanted_count + count <= rules.MOST_PLACES)
        .values(wanted_count=_roles.c.wanted_count + count)
    )
    if not raised.rowcount:
        raise RuleBroken("places_wrong", field="count", maximum=rules.MOST_PLACES)
    seated = 0
    for each in connection.execute(extra).all():
        if _is_booked(each.person_id, max(each.arrived_at, row.starts_at), row.ends_at):
            continue
        if not take_place(role_id):
            break
        _seat(deed, row, each, role_id, each.arrived_at)
        connection.execute(
            update(_summonses).where(s.id == each.id).values(muster=_here(), version=s.version + 1)
        )
        seated += 1
    requests.settle(claim, outcome=f"seated:{seated}", object_id=role_id)
    audit.record(
        deed,
        "raise_places",
        "call_up",
        row.id,
        area_path=row.area_path,
        role_id=role_id,
        count=count,
        seated=seated,
    )
    return seated


def _wake(call_up_id: int, now: datetime) -> None:
    """The board has changed, and the engine looks at once if the call-up runs."""
    c = _call_ups.c
    db.connection().execute(
        update(_call_ups)
        .where(c.id == call_up_id)
        .values(
            board_version=c.board_version + 1,
            next_at=case((is_any(c.state, CallUpState.RUNNING), literal(now, UtcDateTime)), else_=c.next_at),
        )
    )


@writing
def replace_missing(*, deed: Deed, summons: str) -> str:
    """Give the place of somebody who has not come back, so that somebody else is called 换人. If they come after all,
    they are received. Returns the call-up. Raises RuleBroken mustered_already for who is there, Conflict no_place
    for who has none.
    """
    claim = requests.claim(deed)
    line = _visible(deed, summons)
    if claim.is_repeat:
        return str(line.call_up)
    if line.state is not SummonsState.COMING:
        raise Conflict("no_place")
    now = answer_queries.summons_now(summons_id=line.id)
    take_answer(
        deed,
        lock_for_answer(now),
        Answer(Reply.CANNOT, reason=CannotReason.OTHER),
        source=AnswerSource.CALL_LIST,
        claim=claim,
        by=name_of(deed),
    )
    return str(line.call_up)


def _visible(deed: Deed, summons: str) -> Any:
    """A summons whose line the actor may mark: NotFound outside, NotAllowed for who only sees it."""
    s = _summonses.c
    found = (
        select(_summonses, _call_ups.c.area_path, _call_ups.c.public_id.label("call_up"))
        .join(_call_ups, _call_ups.c.id == s.call_up_id)
        .where(s.public_id == summons)
    )
    connection = db.connection()
    row = connection.execute(
        found.where(scope.visible_summonses(deed.actor, Permission.MUSTER_MARK))
    ).one_or_none()
    if row is not None:
        return row
    if connection.execute(found.where(scope.visible_summonses(deed.actor))).first() is not None:
        raise NotAllowed
    raise NotFound


# --- welfare checks -----------------------------------------------------------------------------------------


@writing
def check_welfare(*, deed: Deed, summons: str) -> str:
    """Somebody has seen that this person is well 问候过了; the next check is due in four hours. By a name, at a time.

    Returns the call-up.
    """
    claim = requests.claim(deed)
    row = _visible(deed, summons)
    if claim.is_repeat:
        return str(row.call_up)
    if row.arrived_at is None or row.departed_at is not None:
        raise Conflict("not_checked_in")
    s = _summonses.c
    db.connection().execute(
        update(_summonses)
        .where(s.id == row.id, s.departed_at.is_(None))
        .values(
            welfare_checked_at=deed.now,
            welfare_checked_by=name_of(deed),
            welfare_due_at=deed.now + rules.WELFARE_EVERY,
            version=s.version + 1,
        )
    )
    requests.settle(claim, outcome="checked", object_id=row.id)
    audit.record(deed, "check_welfare", "summons", row.id, area_path=row.area_path)
    touch_board(row.call_up_id)
    return str(row.call_up)


# --- by the clock -------------------------------------------------------------------------------------------


def heads_of(call_up: Any, now: datetime) -> list[int]:
    """Whom a call-up's alarms go to: who wrote it, if a person, else who holds an appointment to steer it there."""
    connection = db.connection()
    kind, _, number = str(call_up.created_by).partition(":")
    if kind == "user" and number.isdecimal():
        person_id = connection.execute(
            select(_users.c.person_id).where(_users.c.id == int(number), _users.c.blocked_at.is_(None))
        ).scalar()
        if person_id is not None:
            return [int(person_id)]
    a = _appointments.c
    rows = connection.execute(
        select(_users.c.person_id, a.role)
        .select_from(
            _appointments.join(_users, _users.c.id == a.user_id).join(_areas, _areas.c.id == a.area_id)
        )
        .where(
            _areas.c.path == call_up.area_path,
            a.ended_at.is_(None),
            a.starts_at <= now,
            _users.c.person_id.is_not(None),
            _users.c.blocked_at.is_(None),
        )
        .order_by(_users.c.person_id)
    )
    return [row.person_id for row in rows if Permission.CALL_UP_MANAGE in ROLE_PERMISSIONS[row.role]]


def _tell_heads(deed: Deed, call_up: Any, template: str, reference: str, **said: Any) -> None:
    notify(
        deed,
        [
            Notice(
                person_id=each,
                template=template,
                reference=reference,
                parameters={"title": call_up.title, **said},
                address=f"/mobilization/call-ups/{call_up.public_id}/muster",
                is_drill=call_up.is_drill,
            )
            for each in heads_of(call_up, deed.now)
        ],
        area_path=call_up.area_path,
    )


def _tell_extra(deed: Deed, call_up: Any, summons_id: int, person_id: int) -> None:
    name = db.connection().execute(select(_people.c.name).where(_people.c.id == person_id)).scalar_one()
    _tell_heads(deed, call_up, "muster_extra", f"extra:{summons_id}", name=name)


def tidy_muster(*, now: datetime) -> int:
    """Write down who is overdue, and tell the heads of them, of welfare checks nobody made, and of long duty.

    The readers know all of it by the clock; this is for those who are not looking. Returns how many are overdue anew.
    """
    return sum(_tidy_call_up(call_up_id=each, now=now) for each in _to_tidy(now))


@reading
def _to_tidy(now: datetime) -> list[int]:
    s, c = _summonses.c, _call_ups.c
    late = and_(overdue(now), func.coalesce(s.muster, "") != MusterState.OVERDUE.value)
    unchecked = welfare_due(now - rules.WELFARE_GRACE)
    long = and_(s.arrived_at <= now - rules.LONG_DUTY, s.departed_at.is_(None))
    rows = db.connection().execute(
        select(c.id)
        .where(
            is_any(c.state, *sorted(LIVE)),
            c.starts_at < now + timedelta(days=1),
            select(s.id).where(s.call_up_id == c.id, late | unchecked | long).exists(),
        )
        .order_by(c.id)
    )
    return list(rows.scalars())


@writing
def _tidy_call_up(*, call_up_id: int, now: datetime) -> int:
    deed = Deed(actor=Actor.system("mobilization.muster"), client_id=new_public_id(), fingerprint="", now=now)
    connection = db.connection()
    touch_board(call_up_id)
    call_up = _call_up(call_up_id)
    s = _summonses.c
    due = func.coalesce(s.eta_at, literal(call_up.starts_at, UtcDateTime))
    late = connection.execute(
        update(_summonses)
        .where(
            s.call_up_id == call_up_id,
            is_any(s.state, SummonsState.COMING),
            s.arrived_at.is_(None),
            due < now - rules.GRACE,
            func.coalesce(s.muster, "") != MusterState.OVERDUE.value,
        )
        .values(muster=MusterState.OVERDUE, version=s.version + 1)
        .returning(s.id)
    ).all()
    if late:
        _tell_heads(
            deed,
            call_up,
            "muster_overdue",
            f"overdue:{call_up.id}:{max(row.id for row in late)}",
            count=len(late),
        )
    _alarm(deed, call_up, "welfare_overdue", "welfare", s.welfare_due_at, now - rules.WELFARE_GRACE)
    _alarm(deed, call_up, "long_duty", "long", s.arrived_at, now - rules.LONG_DUTY)
    return len(late)


def _alarm(deed: Deed, call_up: Any, template: str, word: str, column: Any, before: datetime) -> None:
    """Tell the heads once of everybody for whom this instant has passed; again only when somebody is added."""
    s = _summonses.c
    row = (
        db.connection()
        .execute(
            select(func.count().label("people"), func.max(column).label("latest")).where(
                s.call_up_id == call_up.id,
                s.arrived_at.is_not(None),
                s.departed_at.is_(None),
                column <= before,
            )
        )
        .one()
    )
    if row.people:
        _tell_heads(
            deed, call_up, template, f"{word}:{call_up.id}:{int(row.latest.timestamp())}", count=row.people
        )
