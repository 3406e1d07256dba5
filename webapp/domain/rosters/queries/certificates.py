"""Reads of certificates of service 志愿服务证明: what one would say, whose it is, and what its public page shows."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, select

from webapp.base import crypto, db, files
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.base.ids import hash_token
from webapp.base.permissions import Permission
from webapp.domain.areas.queries import get_place
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import HoursEntry, ServiceCertificate
from webapp.domain.rosters.queries.scope import visible
from webapp.domain.rosters.rules import EntryState
from webapp.domain.volunteers.models import Volunteer

_certificates: Any = ServiceCertificate.__table__
_entries: Any = HoursEntry.__table__
_people: Any = Person.__table__
_volunteers: Any = Volunteer.__table__

LONGEST_TOKEN = 64
SHOWN = 20


@dataclass(frozen=True)
class Draft:
    """What a certificate would say now, and the public id of one that says exactly this already."""

    person_id: int
    name: str
    office_name: str
    area_path: str
    minutes: int
    shift_count: int
    from_on: date
    to_on: date
    language: str
    same: str | None


@dataclass(frozen=True)
class CertificateView:
    """A certificate: exactly what it says, and for who holds it the way to its public page."""

    public_id: str
    number: str
    person_id: int
    name: str
    office_name: str
    minutes: int
    shift_count: int
    from_on: date
    to_on: date
    language: str
    issued_at: datetime
    revoked_at: datetime | None
    may_revoke: bool = False
    token: str | None = None


def token_of(public_id: str) -> str:
    """The token of a certificate's public page: 128 bits under the server's key; only its hash is stored."""
    return crypto.blind_index("service_certificate", public_id)


_columns = [
    _certificates.c.public_id,
    _certificates.c.number,
    _certificates.c.person_id,
    _certificates.c.name,
    _certificates.c.office_name,
    _certificates.c.minutes,
    _certificates.c.shift_count,
    _certificates.c.from_on,
    _certificates.c.to_on,
    _certificates.c.language,
    _certificates.c.issued_at,
    _certificates.c.revoked_at,
]


def _says(condition: Any) -> Any:
    """A condition as a column."""
    return case((condition, 1), else_=0)


def _whose(actor: Actor, volunteer: str | None) -> Any:
    """The person whose certificate it is: the actor, or a volunteer of the actor's area."""
    connection = db.connection()
    v = _volunteers.c
    if volunteer is None:
        row = connection.execute(
            select(_people.c.id, _people.c.name, v.area_path)
            .select_from(_people.outerjoin(_volunteers, v.person_id == _people.c.id))
            .where(_people.c.id == (actor.person_id or 0))
        ).one_or_none()
        if row is None or row.area_path is None:
            raise RuleBroken("no_hours")
        return row
    for permission, refusal in ((Permission.ROSTER_MANAGE, None), (Permission.VOLUNTEER_SEE, NotAllowed)):
        row = connection.execute(
            select(v.person_id.label("id"), v.name, v.area_path).where(
                v.public_id == volunteer, visible(actor, permission, path=v.area_path, team_id=v.team_id)
            )
        ).one_or_none()
        if row is not None and refusal is not None:
            raise refusal
        if row is not None:
            return row
    raise NotFound


@reading
def draft(
    *,
    actor: Actor,
    volunteer: str | None,
    from_on: date | None,
    to_on: date | None,
    language: str,
) -> Draft:
    """What a certificate over the span would say; without a span from the first to the last day with hours.

    Raises RuleBroken no_hours, span_backwards; NotFound and NotAllowed for who may not ask for this volunteer.
    """
    whose = _whose(actor, volunteer)
    if from_on is not None and to_on is not None and to_on < from_on:
        raise RuleBroken("span_backwards", field="to_on")
    e = _entries.c
    per_shift = (
        select(func.sum(e.minutes).label("minutes"), func.max(e.worked_on).label("worked_on"))
        .where(e.person_id == whose.id, e.state == EntryState.STANDS)
        .group_by(e.attendance_id)
    )
    if from_on is not None:
        per_shift = per_shift.where(e.worked_on >= from_on)
    if to_on is not None:
        per_shift = per_shift.where(e.worked_on <= to_on)
    shifts = per_shift.having(func.sum(e.minutes) > 0).subquery("shifts")
    row = (
        db.connection()
        .execute(
            select(
                func.coalesce(func.sum(shifts.c.minutes), 0).label("minutes"),
                func.count().label("shift_count"),
                func.min(shifts.c.worked_on).label("first_on"),
                func.max(shifts.c.worked_on).label("last_on"),
            )
        )
        .one()
    )
    if not row.minutes:
        raise RuleBroken("no_hours")
    place = get_place(whose.area_path)
    values = {
        "person_id": whose.id,
        "name": whose.name,
        "office_name": (place.unit_line or "")[:80],
        "minutes": int(row.minutes),
        "shift_count": row.shift_count,
        "from_on": from_on or row.first_on,
        "to_on": to_on or row.last_on,
        "language": language,
    }
    return Draft(area_path=whose.area_path, same=find_same(values), **values)


def find_same(values: dict[str, Any]) -> str | None:
    """The certificate that says exactly this and was not revoked."""
    c = _certificates.c
    found: str | None = (
        db.connection()
        .execute(
            select(c.public_id)
            .where(c.revoked_at.is_(None), *(c[name] == value for name, value in values.items()))
            .order_by(c.id)
            .limit(1)
        )
        .scalar()
    )
    return found


@reading
def get_certificate(*, actor: Actor, public_id: str) -> CertificateView:
    """A certificate for its person, or for who sees the volunteer; with the token of its public page."""
    v = _volunteers.c
    row = (
        db.connection()
        .execute(
            select(
                *_columns,
                _says(visible(actor, Permission.VOLUNTEER_SEE, path=v.area_path, team_id=v.team_id)).label(
                    "sees"
                ),
                _says(visible(actor, Permission.ROSTER_MANAGE, path=v.area_path, team_id=v.team_id)).label(
                    "manages"
                ),
            )
            .select_from(_certificates.outerjoin(_volunteers, v.person_id == _certificates.c.person_id))
            .where(_certificates.c.public_id == public_id)
        )
        .one_or_none()
    )
    if row is None or not (row.person_id == actor.person_id or row.sees):
        raise NotFound
    return _view(row, may_revoke=bool(row.manages), token=token_of(row.public_id))


def _view(row: Any, *, may_revoke: bool = False, token: str | None = None) -> CertificateView:
    facts = {column.name: getattr(row, column.name) for column in _columns}
    return CertificateView(**facts, may_revoke=may_revoke, token=token)


@reading
def list_own_certificates(*, actor: Actor) -> list[CertificateView]:
    """The actor's certificates, the newest first."""
    rows = db.connection().execute(
        select(*_columns)
        .where(_certificates.c.person_id == (actor.person_id or 0))
        .order_by(_certificates.c.id.desc())
        .limit(SHOWN)
    )
    return [_view(row) for row in rows]


@reading
def get_pdf(*, actor: Actor, public_id: str) -> tuple[str, bytes]:
    """The number and the stored PDF of a certificate that the actor may see; a revoked one is not handed out."""
    view = get_certificate(actor=actor, public_id=public_id)
    if view.revoked_at is not None:
        raise NotFound
    file_id = (
        db.connection()
        .execute(select(_certificates.c.file_id).where(_certificates.c.public_id == public_id))
        .scalar()
    )
    return view.number, files.content(file_id or 0)


@reading
def verify(*, token: str) -> CertificateView:
    """What the public page of a certificate shows: what it says, and whether it was revoked. NotFound for a forged one."""
    if not token or len(token) > LONGEST_TOKEN:
        raise NotFound("certificate_unknown")
    row = (
        db.connection()
        .execute(select(*_columns).where(_certificates.c.token_hash == hash_token(token)))
        .one_or_none()
    )
    if row is None:
        raise NotFound("certificate_unknown")
    return _view(row)
