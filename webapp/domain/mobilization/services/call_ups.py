"""Writing a call-up: a new draft, changing it, throwing it away. Nothing is sent from here."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from webapp.base import audit, clock, db, requests
from webapp.base.db import is_any, within, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_number, new_public_id
from webapp.domain.areas.models import Area
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpCategory, CallUpRole
from webapp.domain.mobilization.queries import call_ups as queries
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.queries.call_ups import Terms
from webapp.domain.mobilization.rules import CallUpState, Category, Certainty, Stay

_call_ups: Any = CallUp.__table__
_categories: Any = CallUpCategory.__table__
_roles: Any = CallUpRole.__table__
_areas: Any = Area.__table__

# What the work is called where nobody in particular is needed; data for people, like the names of skills.
ANYBODY = "人手"
CODES = range(1000, 10000)


@dataclass(frozen=True)
class RolePlan:
    """A role as it is typed: what it is called (empty: as the skill), who can do it (None: anybody), how many."""

    name: str
    skill: str | None
    count: int


@dataclass(frozen=True)
class CallUpPlan:
    """A call-up as its head typed it; `place` and `widest` are public ids of areas, empty for the calling one."""

    title: str
    roles: Sequence[RolePlan]
    starts_at: datetime
    ends_at: datetime
    place: str = ""
    muster_point: str = ""
    landmark: str = ""
    map_url: str = ""
    bring: str = ""
    stay: Stay = Stay.FREE
    sleeps: str = ""
    eats: str = ""
    caller_name: str = ""
    phone: str = ""
    categories: frozenset[Category] = frozenset()
    certainty: Certainty = Certainty.NORMAL
    reply_minutes: int = 10
    widest: str = ""
    is_drill: bool = False
    is_announced: bool = False
    quiet_reason: str = ""


def _text(text: str, field: str, maximum: int, *, code: str | None = None) -> str:
    """Without outer spaces; RuleBroken with `code` when it must not be empty and is."""
    text = " ".join(text.split())
    if code is not None and not text:
        raise RuleBroken(code, field=field)
    if len(text) > maximum:
        raise RuleBroken("text_too_long", field=field, maximum=maximum)
    return text


def _phone(text: str) -> str:
    text = _text(text, "phone", 30, code="call_up_phone_missing")
    if not set(text) <= set("0123456789 -+()") or sum(each.isdecimal() for each in text) < 3:
        raise RuleBroken("call_up_phone_wrong", field="phone")
    return text


def _values(plan: CallUpPlan, terms: Terms, *, now: datetime) -> dict[str, Any]:
    """The columns that the plan fills in. Raises RuleBroken on the field that it is about."""
    title = _text(plan.title, "title", 60, code="call_up_title_missing")
    rules.ensure_places([each.count for each in plan.roles])
    rules.ensure_times(
        starts_at=plan.starts_at, ends_at=plan.ends_at, reply_minutes=plan.reply_minutes, now=now
    )
    quiet_reason = _text(plan.quiet_reason, "quiet_reason", 200) or None
    if plan.is_drill and quiet_reason is not None:
        raise RuleBroken("drill_never_at_night", field="quiet_reason")
    widest = dict(zip((each.public_id for each in terms.tiers), terms.tier_paths, strict=True))
    if plan.widest and plan.widest not in widest:
        raise NotFound
    return {
        "title": title,
        "starts_at": plan.starts_at,
        "ends_at": plan.ends_at,
        "muster_point": _text(plan.muster_point, "muster_point", 60, code="muster_point_missing"),
        "landmark": _text(plan.landmark, "landmark", 120),
        "map_url": rules.map_link(plan.map_url),
        "bring": _text(plan.bring, "bring", 120),
        "stay": plan.stay,
        "sleeps": _text(plan.sleeps, "sleeps", 120),
        "eats": _text(plan.eats, "eats", 120),
        "caller_name": _text(plan.caller_name, "caller_name", 60) or terms.caller_name,
        "phone": _phone(plan.phone or terms.phone),
        "certainty": plan.certainty,
        "reply_minutes": plan.reply_minutes,
        "tier_path": terms.area_path,
        "widest_path": widest.get(plan.widest, terms.area_path),
        "quiet_reason": quiet_reason,
        "is_drill": plan.is_drill,
        "is_announced": plan.is_drill and plan.is_announced,
    }


def _place(plan: CallUpPlan, terms: Terms) -> dict[str, Any]:
    """Where the muster is: a part of the area that calls, or all of it. Raises NotFound for another one."""
    row = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.path).where(
                _areas.c.public_id == (plan.place or terms.area), within(_areas.c.path, terms.area_path)
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return {"area_id": row.id, "area_path": row.path}


def _write_parts(call_up_id: int, plan: CallUpPlan, terms: Terms) -> None:
    """The roles and categories of a draft, anew."""
    connection = db.connection()
    skills = {each.public_id: each.name for each in terms.skills}
    rows = []
    for position, role in enumerate(plan.roles, 1):
        if role.skill is not None and role.skill not in skills:
            raise RuleBroken("skill_unknown", field=f"skill_{position}")
        name = _text(role.name, f"role_{position}", 40)
        rows.append(
            {
                "public_id": new_public_id(),
                "call_up_id": call_up_id,
                "position": position,
                "name": name or (skills[role.skill] if role.skill else ANYBODY),
                "skill_code": role.skill,
                "wanted_count": role.count,
                "taken_count": 0,
            }
        )
    connection.execute(insert(_roles).inline(), rows)
    if plan.categories and len(plan.categories) < len(Category):
        connection.execute(
            insert(_categories).inline(),
            [{"call_up_id": call_up_id, "category": each} for each in sorted(plan.categories)],
        )


def _new_code() -> str:
    """A code of four digits that no live call-up has."""
    c = _call_ups.c
    taken = set(
        db.connection()
        .execute(
            select(c.code).where(
                is_any(c.state, CallUpState.DRAFT, CallUpState.RUNNING, CallUpState.PAUSED, CallUpState.ENDED)
            )
        )
        .scalars()
    )
    free = [str(code) for code in CODES if str(code) not in taken]
    if not free:
        raise Conflict("too_many_call_ups")
    return secrets.choice(free)


def _public_id(call_up_id: int | None) -> str:
    found = (
        db.connection()
        .execute(select(_call_ups.c.public_id).where(_call_ups.c.id == call_up_id))
        .scalar_one_or_none()
    )
    if found is None:
        raise NotFound
    return str(found)


@writing
def make_call_up(*, deed: Deed, area: str, plan: CallUpPlan) -> str:
    """Write a draft for the area (a community, town or county); returns its public id. Nobody is told.

    NotFound for an area that is not the actor's to call for.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(claim.object_id)
    terms = queries.get_terms(actor=deed.actor, area=area)
    values = _values(plan, terms, now=deed.now) | _place(plan, terms)
    public_id = new_public_id()
    call_up_id = (
        db.connection()
        .execute(
            insert(_call_ups).returning(_call_ups.c.id),
            {
                "public_id": public_id,
                "number": f"{clock.day(deed.now):%m%d}-{new_number()}",
                "code": _new_code(),
                "state": CallUpState.DRAFT,
                "created_at": deed.now,
                "created_by": deed.actor.key,
                "wall_number": 0,
                "code_version": 1,
                "version": 1,
                "board_version": 1,
            }
            | values,
        )
        .scalar_one()
    )
    _write_parts(call_up_id, plan, terms)
    requests.settle(claim, outcome="made", object_id=call_up_id)
    audit.record(
        deed,
        "make_call_up",
        "call_up",
        call_up_id,
        area_path=values["area_path"],
        is_drill=plan.is_drill,
        places=sum(each.count for each in plan.roles),
    )
    return public_id


def _lock_draft(deed: Deed, public_id: str) -> Any:
    """The row, held until the transaction ends. Raises Conflict when it is no draft any more."""
    row = scope.managed_call_up(deed.actor, public_id)
    locked = (
        db.connection()
        .execute(
            update(_call_ups)
            .where(_call_ups.c.id == row.id, _call_ups.c.state == CallUpState.DRAFT)
            .values(version=_call_ups.c.version + 1)
            .returning(_call_ups.c.id)
        )
        .scalar()
    )
    if locked is None:
        now = (
            db.connection()
            .execute(select(_call_ups.c.state).where(_call_ups.c.id == row.id))
            .scalar_one_or_none()
        )
        if now is None:
            raise NotFound
        raise Conflict("call_up_moved_on", state=now)
    return row


@writing
def change_call_up(*, deed: Deed, call_up: str, plan: CallUpPlan) -> None:
    """Write a draft anew, whole. Raises Conflict("call_up_moved_on") once it was started."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _lock_draft(deed, call_up)
    terms = queries.get_terms_of(actor=deed.actor, path=row.area_path)
    values = _values(plan, terms, now=deed.now) | _place(plan, terms)
    connection = db.connection()
    connection.execute(update(_call_ups).where(_call_ups.c.id == row.id).values(**values))
    connection.execute(delete(_roles).where(_roles.c.call_up_id == row.id))
    connection.execute(delete(_categories).where(_categories.c.call_up_id == row.id))
    _write_parts(row.id, plan, terms)
    requests.settle(claim, outcome="changed", object_id=row.id)
    audit.record(deed, "change_call_up", "call_up", row.id, area_path=values["area_path"])


@writing
def discard_call_up(*, deed: Deed, call_up: str) -> None:
    """Throw a draft away: nobody was told of it. Raises Conflict("call_up_moved_on") once it was started."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _lock_draft(deed, call_up)
    connection = db.connection()
    places = connection.execute(
        select(func.sum(_roles.c.wanted_count)).where(_roles.c.call_up_id == row.id)
    ).scalar_one()
    connection.execute(delete(_roles).where(_roles.c.call_up_id == row.id))
    connection.execute(delete(_categories).where(_categories.c.call_up_id == row.id))
    connection.execute(delete(_call_ups).where(_call_ups.c.id == row.id))
    requests.settle(claim, outcome="discarded", object_id=None)
    audit.record(
        deed,
        "discard_call_up",
        "call_up",
        row.id,
        area_path=row.area_path,
        places=int(places or 0),
    )
