"""Duty rosters 值班: who is there round the clock, with a number that answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from webapp.base import audit, clock, crypto, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import NotAllowed, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.areas.models import Area
from webapp.domain.people.models import Person
from webapp.domain.people.rules import clean_name, read_phones
from webapp.domain.rosters.models import Duty
from webapp.domain.rosters.queries import duty as queries
from webapp.domain.rosters.rules import DutyKind, Stretch, ensure_duty

_duties: Any = Duty.__table__
_areas: Any = Area.__table__
_people: Any = Person.__table__

MOST_DAYS = 7
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class DutyPlan:
    """Who is to be on duty; with `days` the same again on each following day, at the same hours of the clock."""

    kind: DutyKind
    starts_at: datetime
    ends_at: datetime
    name: str
    phone: str
    days: int = 1


@writing
def add_duty(*, deed: Deed, area: str, plan: DutyPlan) -> int:
    """Write somebody into the duty roster of an area; returns how many duties came of it.

    Raises NotFound and NotAllowed outside the actor's areas; RuleBroken as `rules.ensure_duty`, phone_unclear,
    duty_days_wrong. All days or none.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return claim.object_id or 0
    about = _area_to_edit(deed, area)
    if not 1 <= plan.days <= MOST_DAYS:
        raise RuleBroken("duty_days_wrong", field="days", maximum=MOST_DAYS)
    name, phone = _checked(plan)
    for number in range(plan.days):
        shift = timedelta(days=number)
        _insert(
            deed,
            about,
            _Row(plan.kind, _on_clocks(plan.starts_at, shift), _on_clocks(plan.ends_at, shift), name, phone),
        )
    requests.settle(claim, outcome="added", object_id=plan.days)
    audit.record(
        deed,
        "add_duty",
        "area",
        about.id,
        area_path=about.path,
        duty=str(plan.kind),
        starts_at=plan.starts_at,
        days=plan.days,
    )
    return plan.days


@writing
def change_duty(*, deed: Deed, public_id: str, plan: DutyPlan) -> None:
    """Change a duty; `plan.days` says nothing here. Refusals as in `add_duty`."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    about, old = queries.get_duty(actor=deed.actor, public_id=public_id)
    _lock(about)
    name, phone = _checked(plan)
    others = _others(about, plan.kind, plan.starts_at, plan.ends_at, but=old.id)
    ensure_duty(_stretch(plan.starts_at, plan.ends_at), others, name=name, phone=phone)
    db.connection().execute(
        update(_duties)
        .where(_duties.c.id == old.id)
        .values(
            kind=plan.kind,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            name=name,
            phone=crypto.encrypt(phone),
            written_by=_name(deed),
            written_at=deed.now,
        )
    )
    requests.settle(claim, outcome="changed", object_id=old.id)
    audit.record(deed, "change_duty", "duty", old.id, area_path=about.path, duty=str(plan.kind))


@writing
def remove_duty(*, deed: Deed, public_id: str) -> None:
    """Take a duty out of the roster."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    about, old = queries.get_duty(actor=deed.actor, public_id=public_id)
    db.connection().execute(delete(_duties).where(_duties.c.id == old.id))
    requests.settle(claim, outcome="removed", object_id=old.id)
    audit.record(
        deed, "remove_duty", "duty", old.id, area_path=about.path, duty=str(old.kind), starts_at=old.starts_at
    )


@writing
def copy_duties(*, deed: Deed, area: str, to: date) -> int:
    """Copy the week before the Monday `to` into it, day by day at the same hours of the clock.

    What stands there already stays, and what would overlap it is left out; returns how many were copied.
    Raises RuleBroken("duty_nothing_to_copy") where the week before is empty.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return claim.object_id or 0
    about = _area_to_edit(deed, area)
    begins, _ = queries.duty_day(to)
    before, _ = queries.duty_day(to - WEEK)
    # Those that begin in the week; one from the week before it that still runs is not this week's.
    old = [
        each
        for each in queries.list_duties(area_id=about.id, since=before, until=begins)
        if each.starts_at >= before
    ]
    if not old:
        raise RuleBroken("duty_nothing_to_copy")
    copied = 0
    for each in old:
        row = _Row(
            each.kind, _on_clocks(each.starts_at, WEEK), _on_clocks(each.ends_at, WEEK), each.name, each.phone
        )
        if not _is_in_the_way(about, row):
            _insert(deed, about, row)
            copied += 1
    requests.settle(claim, outcome="copied", object_id=copied)
    audit.record(deed, "copy_duties", "area", about.id, area_path=about.path, to=to, copied=copied)
    return copied


@dataclass(frozen=True)
class _Row:
    kind: DutyKind
    starts_at: datetime
    ends_at: datetime
    name: str
    phone: str


def _area_to_edit(deed: Deed, public_id: str) -> queries.DutyArea:
    about = queries.get_area(actor=deed.actor, public_id=public_id)
    if not about.may_edit:
        raise NotAllowed
    _lock(about)
    return about


def _lock(about: queries.DutyArea) -> None:
    """Two who write the same roster follow each other, so that no two duties of a kind overlap."""
    db.connection().execute(select(_areas.c.id).where(_areas.c.id == about.id).with_for_update())


def _checked(plan: DutyPlan) -> tuple[str, str]:
    """Name and number as they are stored."""
    numbers = read_phones(plan.phone)
    return clean_name(plan.name)[:60], "、".join(numbers)


def _on_clocks(moment: datetime, later: timedelta) -> datetime:
    """The same hour of the county's clocks some days later, also over a change of the clocks."""
    return clock.instant(clock.here(moment).replace(tzinfo=None) + later)


def _stretch(starts_at: datetime, ends_at: datetime) -> Stretch:
    return Stretch(starts_at, ends_at, clock.day(starts_at))


def _others(
    about: queries.DutyArea, kind: DutyKind, since: datetime, until: datetime, *, but: int = 0
) -> Iterable[Stretch]:
    near = queries.list_duties(area_id=about.id, since=since, until=until)
    return [_stretch(each.starts_at, each.ends_at) for each in near if each.kind is kind and each.id != but]


def _is_in_the_way(about: queries.DutyArea, row: _Row) -> bool:
    new = _stretch(row.starts_at, row.ends_at)
    return any(new.overlaps(each) for each in _others(about, row.kind, row.starts_at, row.ends_at))


def _insert(deed: Deed, about: queries.DutyArea, row: _Row) -> None:
    others = _others(about, row.kind, row.starts_at, row.ends_at)
    ensure_duty(_stretch(row.starts_at, row.ends_at), others, name=row.name, phone=row.phone)
    db.connection().execute(
        _duties.insert().inline(),
        {
            "public_id": new_public_id(),
            "area_id": about.id,
            "area_path": about.path,
            "kind": row.kind,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "name": row.name,
            "phone": crypto.encrypt(row.phone),
            "written_by": _name(deed),
            "written_at": deed.now,
        },
    )


def _name(deed: Deed) -> str:
    name = db.connection().execute(select(_people.c.name).where(_people.c.id == deed.actor.person_id))
    return str(name.scalar() or deed.actor.key)[:80]
