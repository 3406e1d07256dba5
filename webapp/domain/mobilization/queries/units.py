"""Reads of a team that was called as a unit: for its lead, behind the secret link, and for the office."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import Gone, NotFound
from webapp.base.ids import hash_token
from webapp.base.permissions import Permission
from webapp.domain.areas.queries import sealed_paths
from webapp.domain.areas.rules import side_of
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, Summons, Unit
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.rules import CallUpState, Stay, SummonsState, UnitState
from webapp.domain.people.models import Person
from webapp.domain.volunteers.models import Commitment, Team, Volunteer
from webapp.domain.volunteers.rules import VolunteerState

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_units: Any = Unit.__table__
_teams: Any = Team.__table__
_summonses: Any = Summons.__table__
_reservists: Any = Reservist.__table__
_volunteers: Any = Volunteer.__table__
_people: Any = Person.__table__
_commitments: Any = Commitment.__table__

MOST_MEMBERS = 300


@reading
def find_by_token(token: str) -> Any:
    """The row of the unit behind the lead's link; NotFound for a forged one."""
    row = (
        db.connection().execute(select(_units).where(_units.c.token_hash == hash_token(token))).one_or_none()
    )
    if row is None:
        raise NotFound
    return row


@reading
def find_for_office(actor: Actor, unit: str) -> Any:
    """The unit's id, its call-up's id and public id, for who works through the call list of the whole call-up."""
    row = (
        db.connection()
        .execute(
            select(_units.c.id, _units.c.call_up_id, _call_ups.c.public_id.label("call_up"))
            .join(_call_ups, _call_ups.c.id == _units.c.call_up_id)
            .where(_units.c.public_id == unit, scope.whole_call_ups(actor, Permission.CALL_LIST))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row


def is_sealed(path: str, now: datetime) -> bool:
    """Whether who goes there cannot leave for now."""
    return bool(side_of(path, sealed_paths(now)))


@dataclass(frozen=True)
class Member:
    """Somebody of the team: what they answered to this call-up, whether their time is taken elsewhere."""

    person_id: int
    public_id: str
    name: str
    state: SummonsState | None
    is_named: bool
    is_busy: bool


@reading
def list_members(unit: Any, *, now: datetime) -> tuple[Member, ...]:
    """Who belongs to the team, by name: accepted volunteers and reservists who have not left. Four statements."""
    connection = db.connection()
    row = connection.execute(
        select(_call_ups.c.starts_at, _call_ups.c.ends_at).where(_call_ups.c.id == unit.call_up_id)
    ).one()
    belongs = (
        select(_volunteers.c.person_id)
        .where(_volunteers.c.team_id == unit.team_id, _volunteers.c.state == VolunteerState.ACCEPTED)
        .union(
            select(_reservists.c.person_id).where(
                _reservists.c.team_id == unit.team_id, _reservists.c.left_at.is_(None)
            )
        )
    )
    people = connection.execute(
        select(_people.c.id, _people.c.public_id, _people.c.name)
        .where(_people.c.id.in_(belongs), _people.c.merged_into_id.is_(None))
        .order_by(_people.c.pinyin_key, _people.c.id)
        .limit(MOST_MEMBERS)
    ).all()
    summoned = {
        each.person_id: each
        for each in connection.execute(
            select(_summonses.c.id, _summonses.c.person_id, _summonses.c.state, _summonses.c.unit_id).where(
                _summonses.c.call_up_id == unit.call_up_id, _summonses.c.person_id.in_(belongs)
            )
        )
    }
    own = {each.id for each in summoned.values()}
    busy = {
        each.person_id
        for each in connection.execute(
            select(_commitments.c.person_id, _commitments.c.kind, _commitments.c.reference_id).where(
                _commitments.c.person_id.in_(belongs),
                _commitments.c.ends_at > max(now, row.starts_at),
                _commitments.c.starts_at < row.ends_at,
            )
        )
        if not (each.kind == "call_up" and each.reference_id in own)
    }
    return tuple(
        Member(
            person_id=each.id,
            public_id=each.public_id,
            name=each.name,
            state=SummonsState(there.state) if there is not None else None,
            is_named=there is not None and there.unit_id == unit.id and there.state == SummonsState.COMING,
            is_busy=each.id in busy,
        )
        for each in people
        for there in [summoned.get(each.id)]
    )


@dataclass(frozen=True)
class UnitPage:
    """What the lead reads: the call-up in short, what was asked, what stands, who can be ticked."""

    public_id: str
    team: str
    team_en: str | None
    state: UnitState
    asked: int
    promised: int
    named: int
    open: int
    reply_by: datetime
    role: str
    title: str
    number: str
    area_path: str
    is_drill: bool
    starts_at: datetime
    ends_at: datetime
    muster_point: str
    landmark: str
    map_url: str | None
    bring: str
    stay: Stay
    sleeps: str
    eats: str
    caller_name: str
    phone: str
    is_sealed: bool
    is_over: bool
    members: tuple[Member, ...]


@reading
def get_unit(*, token: str, now: datetime) -> UnitPage:
    """The page behind the lead's link. NotFound for a forged one, Gone where the call-up is closed or long over."""
    unit = find_by_token(token)
    row = (
        db.connection()
        .execute(
            select(
                _call_ups,
                _roles.c.name.label("role"),
                _roles.c.wanted_count,
                _roles.c.taken_count,
                _teams.c.name.label("team"),
                _teams.c.name_en.label("team_en"),
            )
            .select_from(
                _call_ups.join(_roles, _roles.c.id == unit.role_id).join(_teams, _teams.c.id == unit.team_id)
            )
            .where(_call_ups.c.id == unit.call_up_id)
        )
        .one()
    )
    if row.state == CallUpState.CLOSED or now >= row.ends_at + rules.LINK_LASTS:
        raise Gone("link_expired")
    over = row.state == CallUpState.STOOD_DOWN or unit.state == UnitState.STOOD_DOWN
    return UnitPage(
        public_id=unit.public_id,
        team=row.team,
        team_en=row.team_en,
        state=UnitState.STOOD_DOWN if over else UnitState(unit.state),
        asked=unit.asked_count,
        promised=unit.promised_count,
        named=unit.named_count,
        open=row.wanted_count - row.taken_count,
        reply_by=unit.reply_by,
        role=row.role,
        title=row.title,
        number=row.number,
        area_path=row.area_path,
        is_drill=row.is_drill,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        muster_point=row.muster_point,
        landmark=row.landmark,
        map_url=row.map_url,
        bring=row.bring,
        stay=Stay(row.stay),
        sleeps=row.sleeps,
        eats=row.eats,
        caller_name=row.caller_name,
        phone=row.phone,
        is_sealed=is_sealed(row.area_path, now),
        is_over=over or now >= row.ends_at,
        members=list_members(unit, now=now),
    )
