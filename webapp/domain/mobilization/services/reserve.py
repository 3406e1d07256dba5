"""What a reservist says of themselves, and what whoever leads the reserve writes about them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update

from webapp.base import audit, db, requests
from webapp.base.db import is_any, within, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import ReserveDay, Reservist, ReservistSkill
from webapp.domain.mobilization.queries import reserve_person as queries
from webapp.domain.mobilization.rules import Category, Readiness
from webapp.domain.volunteers.models import Commitment, Skill, Team
from webapp.domain.volunteers.queries.lists import find_contact
from webapp.domain.volunteers.queries.scope import area_paths
from webapp.domain.volunteers.rules import Availability, CommitmentKind, Half, ensure_text

Said = Mapping[tuple[date, Half], Availability]

_areas: Any = Area.__table__
_reservists: Any = Reservist.__table__
_own_skills: Any = ReservistSkill.__table__
_days: Any = ReserveDay.__table__
_skills: Any = Skill.__table__
_teams: Any = Team.__table__
_commitments: Any = Commitment.__table__


def with_reason(deed: Deed, reason: str) -> Deed:
    """The deed with why it is done, in one line; raises RuleBroken("reason_missing") without one."""
    return replace(deed, reason=ensure_text(reason, field="reason", missing="reason_missing"))


def _touch(reservist_id: int, **values: Any) -> None:
    db.connection().execute(
        update(_reservists)
        .where(_reservists.c.id == reservist_id)
        .values(version=_reservists.c.version + 1, **values)
    )


def _ensure_unchanged(row: Any, version: int | None) -> None:
    if version is not None and row.version != version:
        raise Conflict("reservist_changed")


# --- readiness ----------------------------------------------------------------------------------------------


@writing
def set_readiness(
    *,
    deed: Deed,
    public_id: str,
    readiness: Readiness,
    away_until: datetime | None,
    reason: str,
    version: int | None = None,
) -> None:
    """A head or dispatcher says how ready somebody is, and why."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_to_change(actor=deed.actor, public_id=public_id)
    _ensure_unchanged(row, version)
    _set_readiness(with_reason(deed, reason), row, readiness, away_until)
    requests.settle(claim, outcome="set", object_id=row.id)


@writing
def set_own_readiness(*, deed: Deed, readiness: Readiness, away_until: datetime | None) -> None:
    """Somebody of the reserve says how ready they are."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_own(actor=deed.actor)
    _set_readiness(deed, row, readiness, away_until)
    requests.settle(claim, outcome="set", object_id=row.id)


def _set_readiness(deed: Deed, row: Any, readiness: Readiness, away_until: datetime | None) -> None:
    until = rules.ensure_readiness(readiness, away_until=away_until, now=deed.now)
    _touch(row.id, readiness=readiness, away_until=until)
    audit.record(
        deed,
        "set_readiness",
        "reservist",
        row.id,
        area_path=row.area_path,
        before=row.readiness,
        readiness=readiness,
        until=until,
    )


# --- half-days ----------------------------------------------------------------------------------------------


@writing
def set_days(*, deed: Deed, public_id: str, said: Said, reason: str, freeze: timedelta) -> int:
    """A head or dispatcher writes when somebody can come; within the freeze with a reason. How many half-days changed.

    `said` names half-days: available, not available, or unknown (then the week of the volunteer counts again).
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return 0
    row = queries.find_to_change(actor=deed.actor, public_id=public_id)
    changed = _set_days(with_reason(deed, reason) if reason else deed, row, said, freeze=freeze)
    requests.settle(claim, outcome="set", object_id=row.id)
    return changed


@writing
def set_own_days(*, deed: Deed, said: Said, freeze: timedelta) -> int:
    """Somebody of the reserve says when they can come. Raises RuleBroken("days_frozen") for a half-day near at hand."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return 0
    row = queries.find_own(actor=deed.actor)
    changed = _set_days(deed, row, said, freeze=freeze)
    requests.settle(claim, outcome="set", object_id=row.id)
    return changed


def _set_days(deed: Deed, row: Any, said: Said, *, freeze: timedelta) -> int:
    """What differs from what counts now is written; what says the same as before is no change, also when frozen."""
    known = {
        (each.day, each.half): each
        for each in queries.list_half_days(
            reservist_id=row.id, person_id=row.person_id, now=deed.now, freeze=freeze
        )
    }
    outside = [key for key in said if key not in known]
    if outside:
        raise RuleBroken("day_past" if min(outside)[0] < min(known)[0] else "day_far", days=rules.DAYS_AHEAD)
    changes = {
        key: state
        for key, state in said.items()
        if state is not known[key].said or (state is known[key].week and known[key].is_of_the_day)
    }
    moving = [key for key, state in changes.items() if state is not known[key].said]
    begin = [known[key].begins_at for key in moving]
    rules.ensure_days_open(begin, now=deed.now, freeze=freeze, reason=deed.reason)
    connection = db.connection()
    for day, half in changes:
        connection.execute(
            delete(_days).where(_days.c.reservist_id == row.id, _days.c.day == day, _days.c.half == half)
        )
    rows = [
        {"reservist_id": row.id, "day": day, "half": half, "state": state, "said_at": deed.now}
        for (day, half), state in changes.items()
        # What the week says anyway needs no row of its own, and goes along when the week changes.
        if state is not Availability.UNKNOWN and state is not known[day, half].week
    ]
    if rows:
        connection.execute(_days.insert(), rows)
    if changes:
        _touch(row.id)
        audit.record(
            deed,
            "set_reserve_days",
            "reservist",
            row.id,
            area_path=row.area_path,
            days={f"{day} {half}": str(state) for (day, half), state in changes.items()},
            within_freeze=sum(known[key].is_frozen for key in moving),
        )
    return len(moving)


# --- what is known of them ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Facts:
    """What a head writes about a reservist; public ids are empty for none."""

    category: Category
    unit: str = ""
    team: str = ""
    area: str = ""
    note: str = ""
    skills: Collection[str] = ()


@writing
def edit_reservist(*, deed: Deed, public_id: str, facts: Facts, version: int | None = None) -> None:
    """Category, unit, team, place, own skills and note, all at once.

    Raises Conflict("reservist_changed"), RuleBroken: area_not_yours, team_unknown, text_too_long.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_to_change(actor=deed.actor, public_id=public_id)
    _ensure_unchanged(row, version)
    for name, text, maximum in (
        ("unit", facts.unit, rules.UNIT_LENGTH),
        ("note", facts.note, rules.RESERVE_NOTE_LENGTH),
    ):
        if len(text) > maximum:
            raise RuleBroken("text_too_long", field=name, maximum=maximum)
    area_id, area_path = _area(deed, row, facts.area)
    team_id, organisation_id = _team(row, facts.team, area_path)
    _touch(
        row.id,
        category=facts.category,
        unit=" ".join(facts.unit.split()) or None,
        note=" ".join(facts.note.split()) or None,
        area_id=area_id,
        area_path=area_path,
        team_id=team_id,
        organisation_id=organisation_id,
    )
    codes = _set_skills(row.id, facts.skills)
    audit.record(
        deed,
        "edit_reservist",
        "reservist",
        row.id,
        area_path=area_path,
        category=facts.category,
        team_id=team_id,
        skills=codes,
        moved=area_path != row.area_path,
    )
    requests.settle(claim, outcome="edited", object_id=row.id)


def _area(deed: Deed, row: Any, public_id: str) -> tuple[int, str]:
    """Where they stand from now on: an area of the actor's, or where they stood."""
    if not public_id:
        return row.area_id, row.area_path
    area = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.path).where(
                _areas.c.public_id == public_id,
                or_(
                    within(_areas.c.path, *area_paths(deed.actor, Permission.RESERVE_MANAGE)),
                    _areas.c.id == row.area_id,
                ),
            )
        )
        .one_or_none()
    )
    if area is None:
        raise RuleBroken("area_not_yours", field="area")
    return area.id, area.path


def _team(row: Any, public_id: str, area_path: str) -> tuple[int | None, int | None]:
    """(team, organisation): an open team of the area, of one above it, or the one they are in."""
    if not public_id:
        return None, row.organisation_id if row.team_id is None else None
    near = or_(_teams.c.area_path.in_(ancestor_paths(area_path)), within(_teams.c.area_path, area_path))
    team = (
        db.connection()
        .execute(
            select(_teams.c.id, _teams.c.organisation_id).where(
                _teams.c.public_id == public_id,
                or_(_teams.c.id == row.team_id, and_(_teams.c.closed_at.is_(None), near)),
            )
        )
        .one_or_none()
    )
    if team is None:
        raise RuleBroken("team_unknown", field="team")
    return team.id, team.organisation_id


def _set_skills(reservist_id: int, wanted: Collection[str]) -> list[str]:
    connection = db.connection()
    known = set(connection.execute(select(_skills.c.code)).scalars())
    codes = sorted(known & set(wanted))
    connection.execute(delete(_own_skills).where(_own_skills.c.reservist_id == reservist_id))
    if codes:
        connection.execute(
            _own_skills.insert(), [{"reservist_id": reservist_id, "skill_code": code} for code in codes]
        )
    return codes


# --- leaving ------------------------------------------------------------------------------------------------


def _leave(deed: Deed, row: Any) -> None:
    promised = db.connection().execute(
        select(func.count())
        .select_from(_commitments)
        .where(
            _commitments.c.person_id == row.person_id,
            is_any(_commitments.c.kind, CommitmentKind.CALL_UP),
            _commitments.c.ends_at > deed.now,
        )
    )
    if promised.scalar_one():
        raise Conflict("still_called_up")
    _touch(row.id, left_at=deed.now)
    audit.record(deed, "leave_reserve", "reservist", row.id, area_path=row.area_path)


@writing
def leave_reserve(*, deed: Deed) -> None:
    """Somebody leaves the reserve; raises Conflict("still_called_up") while they are expected somewhere."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_own(actor=deed.actor)
    _leave(deed, row)
    requests.settle(claim, outcome="left", object_id=row.id)


@writing
def take_out(*, deed: Deed, public_id: str, reason: str) -> None:
    """A head or dispatcher takes somebody out of the reserve, and says why."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_to_change(actor=deed.actor, public_id=public_id)
    _leave(with_reason(deed, reason), row)
    requests.settle(claim, outcome="left", object_id=row.id)


# --- the number ---------------------------------------------------------------------------------------------


@writing
def reveal_reservist_phone(*, deed: Deed, public_id: str, reason: str) -> str:
    """The number of a reservist to one who leads the reserve; who looked, when and why stands in the audit log."""
    claim = requests.claim(deed)
    row = queries.find_to_change(actor=deed.actor, public_id=public_id)
    told = with_reason(deed, reason)
    contact = find_contact(person_id=row.person_id)
    if contact is None:
        raise NotFound("no_phone")
    if not claim.is_repeat:
        audit.record(told, "reveal_phone", "reservist", row.id, area_path=row.area_path)
        requests.settle(claim, outcome="revealed", object_id=row.id)
    return contact[0]
