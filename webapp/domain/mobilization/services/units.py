"""Teams called as units 整队召集: the lead says how many come, then ticks their names. Never more than the role wants.

Places are held for a promise as soon as it is made: the role's `taken_count` counts them. Naming somebody turns a
held place into theirs. Locks: people → call-up → unit → role.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, update

from webapp.base import audit, clock, crypto, db, requests
from webapp.base.db import within, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, Gone, NotFound, RuleBroken
from webapp.base.ids import hash_token, new_public_id
from webapp.base.outbox import Rank
from webapp.base.permissions import Permission
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpRole, Summons, Unit
from webapp.domain.mobilization.queries import answers as answer_queries
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.queries import units as queries
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallUpState,
    EventKind,
    Reply,
    SummonsState,
    UnitState,
)
from webapp.domain.mobilization.services import answers
from webapp.domain.mobilization.services.timeline import note_event
from webapp.domain.notifications.services.notify import Notice, notify
from webapp.domain.volunteers.models import Team, TeamLead
from webapp.domain.volunteers.queries.scope import area_paths

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_units: Any = Unit.__table__
_teams: Any = Team.__table__
_leads: Any = TeamLead.__table__

# In these states a member's place is theirs to have; who said no said it themselves.
_MAY_BE_NAMED = frozenset(
    {SummonsState.WAITING, SummonsState.LATER, SummonsState.MISSED, SummonsState.QUEUED}
)


def token_of(unit: str) -> str:
    """The secret of the lead's link."""
    return crypto.blind_index("call_up_unit", unit)


def _lock_call_up(call_up_id: int) -> Any:
    """Hold the call-up; its board shows something else afterwards."""
    return (
        db.connection()
        .execute(
            update(_call_ups)
            .where(_call_ups.c.id == call_up_id)
            .values(board_version=_call_ups.c.board_version + 1)
            .returning(_call_ups)
        )
        .one()
    )


def _wake(call_up: Any, deed: Deed) -> None:
    """Something fell open: the engine looks at once."""
    if call_up.state == CallUpState.RUNNING:
        db.connection().execute(
            update(_call_ups).where(_call_ups.c.id == call_up.id).values(next_at=deed.now)
        )


def _ensure_live(call_up: Any, deed: Deed) -> None:
    if call_up.state == CallUpState.CLOSED or deed.now >= call_up.ends_at + rules.LINK_LASTS:
        raise Gone("link_expired")
    if call_up.state == CallUpState.STOOD_DOWN:
        raise Gone("call_up_stood_down")
    if deed.now >= call_up.ends_at:
        raise Gone("call_up_over")


# --- asking -------------------------------------------------------------------------------------------------


@writing
def ask_unit(*, deed: Deed, call_up: str, team: str, role: str, count: int) -> str:
    """Ask a team's lead how many of the team come for this role; returns the unit's public id.

    Raises NotFound for a team or role that is not there to ask, Conflict call_up_moved_on, unit_asked_already;
    RuleBroken team_without_lead, call_up_places_wrong.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(claim.object_id)
    found = scope.managed_call_up(deed.actor, call_up)
    connection = db.connection()
    chosen = connection.execute(
        select(_teams.c.id, _teams.c.public_id).where(
            _teams.c.public_id == team,
            _teams.c.closed_at.is_(None),
            within(_teams.c.area_path, *area_paths(deed.actor, Permission.CALL_UP_MANAGE)),
        )
    ).one_or_none()
    the_role = connection.execute(
        select(_roles.c.id, _roles.c.name).where(_roles.c.public_id == role, _roles.c.call_up_id == found.id)
    ).one_or_none()
    if chosen is None or the_role is None:
        raise NotFound
    row = _lock_call_up(found.id)
    rules.ensure_step("change", CallUpState(row.state))
    _ensure_live(row, deed)
    rules.ensure_not_quiet(here=clock.here(deed.now), is_drill=row.is_drill, reason=row.quiet_reason)
    if not 0 < count <= rules.MOST_PLACES:
        raise RuleBroken("call_up_places_wrong", field="count", maximum=rules.MOST_PLACES)
    if connection.execute(
        select(_units.c.id).where(_units.c.call_up_id == row.id, _units.c.team_id == chosen.id)
    ).scalar():
        raise Conflict("unit_asked_already")
    lead = connection.execute(
        select(_leads.c.person_id)
        .where(_leads.c.team_id == chosen.id)
        .order_by(_leads.c.since, _leads.c.person_id)
        .limit(1)
    ).scalar()
    if lead is None:
        raise RuleBroken("team_without_lead", field="team")
    public_id = new_public_id()
    reply_by = min(deed.now + timedelta(minutes=row.reply_minutes), max(row.starts_at, deed.now))
    unit_id = connection.execute(
        insert(_units).returning(_units.c.id),
        {
            "public_id": public_id,
            "call_up_id": row.id,
            "role_id": the_role.id,
            "team_id": chosen.id,
            "person_id": lead,
            "token_hash": hash_token(token_of(public_id)),
            "state": UnitState.WAITING,
            "asked_count": count,
            "promised_count": 0,
            "named_count": 0,
            "sent_at": deed.now,
            "reply_by": max(reply_by, deed.now + timedelta(minutes=1)),
        },
    ).scalar_one()
    notify(
        deed,
        [
            Notice(
                person_id=lead,
                template="call_unit",
                reference=f"call_up_unit:{public_id}",
                parameters={
                    "title": row.title,
                    "starts_at": row.starts_at.isoformat(),
                    "muster_point": row.muster_point,
                    "count": count,
                    "is_drill": row.is_drill,
                    "link": f"/mobilization/units/{token_of(public_id)}",
                },
                address=f"/mobilization/units/{token_of(public_id)}",
                is_drill=row.is_drill,
                rank=Rank.CALL,
            )
        ],
        area_path=row.area_path,
    )
    note_event(
        EventKind.UNIT,
        call_up_id=row.id,
        at=deed.now,
        by=deed.actor.key,
        role_id=the_role.id,
        unit=public_id,
        asked=count,
    )
    requests.settle(claim, outcome="asked", object_id=unit_id)
    audit.record(deed, "ask_unit", "call_up_unit", unit_id, area_path=row.area_path, asked=count)
    return public_id


def _public_id(unit_id: int | None) -> str:
    found = db.connection().execute(select(_units.c.public_id).where(_units.c.id == unit_id))
    return str(found.scalar_one())


# --- how many come ------------------------------------------------------------------------------------------


def _take(role_id: int, extra: int) -> None:
    """Hold so many more places of the role, or give so many back. Raises RuleBroken unit_too_many when they are gone."""
    done = db.connection().execute(
        update(_roles)
        .where(
            _roles.c.id == role_id,
            _roles.c.taken_count + extra <= _roles.c.wanted_count,
            _roles.c.taken_count + extra >= 0,
        )
        .values(taken_count=_roles.c.taken_count + extra)
    )
    if done.rowcount:
        return
    row = (
        db.connection()
        .execute(select(_roles.c.wanted_count, _roles.c.taken_count).where(_roles.c.id == role_id))
        .one()
    )
    raise RuleBroken("unit_too_many", field="count", open=row.wanted_count - row.taken_count)


def _lock_unit(unit_id: int) -> Any:
    return db.connection().execute(select(_units).where(_units.c.id == unit_id).with_for_update()).one()


@writing
def answer_unit(*, deed: Deed, token: str, count: int) -> None:
    """How many of the team come (0: none), by the lead's link; it may be said anew.

    Places are held for them at once. Raises NotFound for a forged link, Gone where it is over, RuleBroken
    unit_too_many with how many places are open, below_named when more have been named already.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    unit = queries.find_by_token(token)
    _answer(deed, claim, unit.id, unit.call_up_id, count)


@writing
def answer_unit_by_phone(*, deed: Deed, unit: str, count: int) -> str:
    """The same, written down by the office after a call; returns the call-up's public id."""
    claim = requests.claim(deed)
    found = queries.find_for_office(deed.actor, unit)
    if not claim.is_repeat:
        _answer(deed, claim, found.id, found.call_up_id, count)
    return str(found.call_up)


def _answer(deed: Deed, claim: requests.Claim, unit_id: int, call_up_id: int, count: int) -> None:
    call_up = _lock_call_up(call_up_id)
    _ensure_live(call_up, deed)
    row = _lock_unit(unit_id)
    if row.state == UnitState.STOOD_DOWN:
        raise Gone("call_up_stood_down")
    if not 0 <= count <= rules.MOST_PLACES:
        raise RuleBroken("call_up_places_wrong", field="count", maximum=rules.MOST_PLACES)
    if count < row.named_count:
        raise RuleBroken("below_named", field="count", named=row.named_count)
    if count > row.promised_count and call_up.state == CallUpState.ENDED:
        raise Conflict("call_up_ended")
    if count != row.promised_count:
        _take(row.role_id, count - row.promised_count)
    db.connection().execute(
        update(_units)
        .where(_units.c.id == unit_id)
        .values(
            state=UnitState.COMING if count else UnitState.CANNOT,
            promised_count=count,
            answered_at=deed.now,
        )
    )
    if count < row.promised_count or not count:
        _wake(call_up, deed)
    note_event(
        EventKind.UNIT,
        call_up_id=call_up_id,
        at=deed.now,
        by=deed.actor.key,
        role_id=row.role_id,
        unit=row.public_id,
        promised=count,
    )
    requests.settle(claim, outcome="answered", object_id=unit_id)
    audit.record(deed, "answer_unit", "call_up_unit", unit_id, area_path=call_up.area_path, promised=count)


# --- who comes ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NotNamed:
    """A member who was ticked and cannot have the place: whose name, and the code of why."""

    name: str
    code: str


@dataclass(frozen=True)
class Named:
    """How many were named now, and who could not be."""

    count: int
    refused: tuple[NotNamed, ...]


@writing
def name_members(*, deed: Deed, token: str, members: Sequence[str], knows_sealed: bool = False) -> Named:
    """Tick who of the team comes (public ids of people); each gets a place that is held, and is told.

    More names than were promised take open places. Who is committed elsewhere, or said no, is left out and
    named in the answer. Raises NotFound, Gone, RuleBroken unit_too_many, sealed_tick, Conflict call_up_ended.
    """
    claim = requests.claim(deed)
    unit = queries.find_by_token(token)
    if claim.is_repeat:
        return Named(count=int(claim.outcome or 0), refused=())
    chosen = [each for each in queries.list_members(unit, now=deed.now) if each.public_id in set(members)]
    if len(chosen) != len(set(members)):
        raise NotFound
    answers.lock_people(each.person_id for each in chosen)
    call_up = _lock_call_up(unit.call_up_id)
    _ensure_live(call_up, deed)
    row = _lock_unit(unit.id)
    if row.state == UnitState.STOOD_DOWN:
        raise Gone("call_up_stood_down")
    if call_up.state == CallUpState.ENDED and not row.promised_count:
        raise Conflict("call_up_ended")
    if queries.is_sealed(call_up.area_path, deed.now) and not knows_sealed:
        raise RuleBroken("sealed_tick", field="knows_sealed", confirm={"knows_sealed": "1"})
    ready, refused = _ready(deed, call_up, row, chosen)
    held = row.promised_count - row.named_count
    if len(ready) > held:
        if call_up.state == CallUpState.ENDED:
            raise Conflict("call_up_ended")
        _take(row.role_id, len(ready) - held)
    if ready:
        db.connection().execute(
            update(_units)
            .where(_units.c.id == row.id)
            .values(
                state=UnitState.COMING,
                promised_count=max(row.promised_count, row.named_count + len(ready)),
                named_count=row.named_count + len(ready),
                answered_at=deed.now,
            )
        )
    saying = Answer(Reply.COMING, knows_sealed=knows_sealed)
    for summons in ready:
        answers.take_answer(
            deed,
            summons,
            saying,
            source=AnswerSource.UNIT,
            by=f"person:{row.person_id}",
            has_place=True,
        )
    _tell_named(deed, call_up, ready)
    note_event(
        EventKind.UNIT,
        call_up_id=call_up.id,
        at=deed.now,
        by=deed.actor.key,
        role_id=row.role_id,
        unit=row.public_id,
        named=len(ready),
    )
    requests.settle(claim, outcome=str(len(ready)), object_id=row.id)
    audit.record(deed, "name_members", "call_up_unit", row.id, area_path=call_up.area_path, named=len(ready))
    return Named(count=len(ready), refused=tuple(refused))


def _ready(
    deed: Deed, call_up: Any, unit: Any, chosen: Sequence[queries.Member]
) -> tuple[list[answer_queries.SummonsNow], list[NotNamed]]:
    """A summons in this unit for each who can have a place; nobody is summoned to two things at once."""
    connection = db.connection()
    now: dict[int, Any] = {
        row.person_id: row
        for row in connection.execute(
            select(
                _summonses.c.id,
                _summonses.c.person_id,
                _summonses.c.state,
                _summonses.c.unit_id,
                _summonses.c.role_id,
            ).where(
                _summonses.c.call_up_id == call_up.id,
                _summonses.c.person_id.in_([each.person_id for each in chosen]),
            )
        )
    }
    ready: list[answer_queries.SummonsNow] = []
    refused: list[NotNamed] = []
    for member in chosen:
        there = now.get(member.person_id)
        if there is not None and SummonsState(there.state) not in _MAY_BE_NAMED:
            is_coming = there.state == SummonsState.COMING
            refused.append(NotNamed(member.name, "already_coming" if is_coming else "said_no_already"))
            continue
        summons_id = there.id if there is not None else _summon(deed, call_up, unit, member.person_id)
        if there is not None:
            connection.execute(
                update(_summonses)
                .where(_summonses.c.id == summons_id)
                .values(unit_id=unit.id, role_id=unit.role_id)
            )
        summons = answer_queries.summons_now(summons_id=summons_id)
        if answer_queries.hindrance_of(summons, now=deed.now).taken:
            refused.append(NotNamed(member.name, "busy_elsewhere"))
            # Nobody keeps a summons that was never theirs to answer, and who had one keeps it as it was.
            _take_back(summons_id, there)
            continue
        ready.append(summons)
    return ready, refused


def _summon(deed: Deed, call_up: Any, unit: Any, person_id: int) -> int:
    public_id = new_public_id()
    made: int = (
        db.connection()
        .execute(
            insert(_summonses).returning(_summonses.c.id),
            {
                "public_id": public_id,
                "call_up_id": call_up.id,
                "role_id": unit.role_id,
                "unit_id": unit.id,
                "person_id": person_id,
                "token_hash": hash_token(crypto.blind_index("summons", public_id)),
                "state": SummonsState.WAITING,
                "because": "unit",
                "sent_at": deed.now,
                "reply_by": unit.reply_by,
                "is_walk_in": False,
                "version": 1,
            },
        )
        .scalar_one()
    )
    return made


def _take_back(summons_id: int, before: Any) -> None:
    connection = db.connection()
    if before is None:
        connection.execute(_summonses.delete().where(_summonses.c.id == summons_id))
    else:
        connection.execute(
            update(_summonses)
            .where(_summonses.c.id == summons_id)
            .values(unit_id=before.unit_id, role_id=before.role_id)
        )


def _tell_named(deed: Deed, call_up: Any, named: Sequence[answer_queries.SummonsNow]) -> None:
    notify(
        deed,
        [
            Notice(
                person_id=each.person_id,
                template="call_named",
                reference=f"summons:{each.public_id}",
                parameters={
                    "title": call_up.title,
                    "starts_at": call_up.starts_at.isoformat(),
                    "muster_point": call_up.muster_point,
                    "is_drill": call_up.is_drill,
                },
                address=f"/mobilization/summonses/{each.public_id}",
                is_drill=call_up.is_drill,
                is_vital=True,
                rank=Rank.CALL,
            )
            for each in named
        ],
        area_path=call_up.area_path,
    )
