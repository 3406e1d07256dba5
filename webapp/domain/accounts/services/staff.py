"""Appointments 任职."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import NotFound
from webapp.base.ids import new_public_id
from webapp.base.permissions import Permission, Role
from webapp.domain.accounts import rules
from webapp.domain.accounts.models import Appointment, User
from webapp.domain.accounts.services.parts import index_of_phone
from webapp.domain.areas.models import Area

_users: Any = User.__table__
_appointments: Any = Appointment.__table__
_areas: Any = Area.__table__


def write_appointment(
    deed: Deed, *, user_id: int, role: Role, area_id: int, unit: str | None, ends_at: datetime | None
) -> int:
    """A role at an area in a deed that somebody has claimed; the same again changes its end and unit."""
    connection = db.connection()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    written: int = connection.execute(
        dialect.insert(_appointments)
        .values(
            public_id=new_public_id(),
            user_id=user_id,
            role=role,
            area_id=area_id,
            unit=unit,
            starts_at=deed.now,
            ends_at=ends_at,
            made_by=deed.actor.key,
        )
        .on_conflict_do_update(
            index_elements=["user_id", "role", "area_id"],
            index_where=_appointments.c.ended_at.is_(None),
            set_={"unit": unit, "ends_at": ends_at},
        )
        .returning(_appointments.c.id)
    ).scalar_one()
    return written


def close_appointment(deed: Deed, *, user_id: int, role: Role, area_id: int) -> int | None:
    """End a role at an area in a deed that somebody has claimed; its id, or None where the user does not hold it."""
    ended: int | None = (
        db.connection()
        .execute(
            update(_appointments)
            .where(
                _appointments.c.user_id == user_id,
                _appointments.c.role == role,
                _appointments.c.area_id == area_id,
                _appointments.c.ended_at.is_(None),
            )
            .values(ended_at=deed.now)
            .returning(_appointments.c.id)
        )
        .scalar()
    )
    return ended


@writing
def end_appointment(*, deed: Deed, phone: str, role: Role, area_code: str) -> None:
    """End a role now; NotFound when the user of this phone does not hold it there."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    area = area_to_manage(deed, area_code)
    user_id = (
        db.connection()
        .execute(
            select(_users.c.id).where(_users.c.phone_index == index_of_phone(rules.normalise_phone(phone)))
        )
        .scalar()
    )
    ended = None if user_id is None else close_appointment(deed, user_id=user_id, role=role, area_id=area.id)
    if ended is None:
        raise NotFound
    audit.record(deed, "end_appointment", "appointment", ended, area_path=area.path, role=role.value)
    requests.settle(claim, outcome="ended", object_id=ended)


def area_to_manage(deed: Deed, area_code: str) -> Any:
    """Id and path of the area; NotFound when it is missing or the actor may not manage staff there."""
    area = (
        db.connection()
        .execute(select(_areas.c.id, _areas.c.path).where(_areas.c.code == area_code))
        .one_or_none()
    )
    if area is None or not deed.actor.can(Permission.STAFF_MANAGE, area.path):
        raise NotFound
    return area
