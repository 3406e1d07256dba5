"""What an import of volunteers reads: the area, its buildings and teams, and who of a list is known already."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_, select

from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.db import reading, within
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths, short_name
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.volunteers.models import (
    Organisation,
    Skill,
    SkillCertificate,
    Team,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.queries.scope import area_paths
from webapp.domain.volunteers.rules import SkillKind
from webapp.domain.volunteers.sheets import KnownSkill

_areas: Any = Area.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__
_skills: Any = Skill.__table__
_own_skills: Any = VolunteerSkill.__table__
_certificates: Any = SkillCertificate.__table__


@dataclass(frozen=True)
class ImportArea:
    """An area into which a list of volunteers is taken: a community, or more at the shell."""

    id: int
    code: str
    name: str
    path: str


@reading
def get_area_for_import(*, actor: Actor, code: str) -> ImportArea:
    """The area of this code; NotFound outside the actor's areas, NotAllowed without the right to decide."""
    row = (
        db.connection()
        .execute(
            select(_areas.c.id, _areas.c.code, _areas.c.name, _areas.c.path).where(_areas.c.code == code)
        )
        .one_or_none()
    )
    if row is None or not _is_below(row.path, area_paths(actor, Permission.VOLUNTEER_SEE)):
        raise NotFound("community_unknown")
    if not _is_below(row.path, area_paths(actor, Permission.VOLUNTEER_DECIDE)):
        raise NotAllowed
    return ImportArea(row.id, row.code, short_name(row.name), row.path)


def _is_below(path: str, paths: Iterable[str]) -> bool:
    return any(path.startswith(each) for each in paths)


@reading
def list_import_areas(*, actor: Actor) -> tuple[ImportArea, ...]:
    """The communities into which the actor may take lists."""
    rows = db.connection().execute(
        select(_areas.c.id, _areas.c.code, _areas.c.name, _areas.c.path)
        .where(
            _areas.c.level == "community",
            within(_areas.c.path, *area_paths(actor, Permission.VOLUNTEER_DECIDE)),
        )
        .order_by(_areas.c.path)
    )
    return tuple(ImportArea(row.id, row.code, short_name(row.name), row.path) for row in rows)


@reading
def list_known_skills() -> tuple[KnownSkill, ...]:
    """Every skill as cells may name it."""
    rows = db.connection().execute(
        select(_skills.c.code, _skills.c.kind, _skills.c.name_zh, _skills.c.name_en).order_by(
            _skills.c.position
        )
    )
    return tuple(KnownSkill(row.code, SkillKind(row.kind), (row.name_zh, row.name_en)) for row in rows)


@reading
def list_places(*, path: str) -> list[Any]:
    """(id, code, name, level, path) of the area and of all below it."""
    return list(
        db.connection().execute(
            select(_areas.c.id, _areas.c.code, _areas.c.name, _areas.c.level, _areas.c.path)
            .where(within(_areas.c.path, path))
            .order_by(_areas.c.path)
        )
    )


@reading
def list_groups(*, path: str) -> tuple[list[Any], list[Any]]:
    """The open organisations and teams of the area, of those below and of those above it."""
    connection = db.connection()
    found = []
    for table in (_organisations, _teams):
        columns = [table.c.id, table.c.name, table.c.society, table.c.area_path]
        if table is _teams:
            columns.append(table.c.organisation_id)
        found.append(
            list(
                connection.execute(
                    select(*columns)
                    .where(
                        or_(within(table.c.area_path, path), table.c.area_path.in_(ancestor_paths(path))),
                        table.c.closed_at.is_(None),
                    )
                    .order_by(table.c.area_path, table.c.id)
                )
            )
        )
    return found[0], found[1]


@dataclass(frozen=True)
class KnownPerson:
    """Somebody who has one of the phones or ID numbers of a list, and the volunteer that they are, if any."""

    id: int
    name: str
    name_key: str
    id_index: str | None
    born_on: date | None
    phones: frozenset[str]
    volunteer: Any
    skills: frozenset[str]
    certificates: frozenset[tuple[str, str | None, date | None]]


@reading
def find_people(
    *, phone_indexes: Iterable[str], id_indexes: Iterable[str], for_update: bool
) -> list[KnownPerson]:
    """Everybody who has one of these phones or ID numbers and was not merged away.

    `for_update` holds their rows, lowest id first, so that nobody merges or changes them meanwhile.
    """
    connection = db.connection()
    with_phone = select(_phones.c.person_id).where(_phones.c.phone_index.in_(sorted(set(phone_indexes))))
    ids = set(connection.execute(with_phone).scalars())
    ids |= set(
        connection.execute(
            select(_people.c.id).where(_people.c.id_index.in_(sorted(set(id_indexes))))
        ).scalars()
    )
    wanted = select(
        _people.c.id, _people.c.name, _people.c.name_key, _people.c.id_index, _people.c.born_on
    ).where(_people.c.id.in_(sorted(ids)), _people.c.merged_into_id.is_(None))
    wanted = wanted.order_by(_people.c.id)
    people = connection.execute(wanted.with_for_update() if for_update else wanted).all()
    ids = {row.id for row in people}
    phones: dict[int, set[str]] = {}
    for row in connection.execute(
        select(_phones.c.person_id, _phones.c.phone_index).where(_phones.c.person_id.in_(sorted(ids)))
    ):
        phones.setdefault(row.person_id, set()).add(row.phone_index)
    volunteers = {
        row.person_id: row
        for row in connection.execute(select(_volunteers).where(_volunteers.c.person_id.in_(sorted(ids))))
    }
    volunteer_ids = sorted(row.id for row in volunteers.values())
    skills: dict[int, set[str]] = {}
    for row in connection.execute(
        select(_own_skills.c.volunteer_id, _own_skills.c.skill_code).where(
            _own_skills.c.volunteer_id.in_(volunteer_ids)
        )
    ):
        skills.setdefault(row.volunteer_id, set()).add(row.skill_code)
    certificates: dict[int, set[tuple[str, str | None, date | None]]] = {}
    for row in connection.execute(
        select(
            _certificates.c.volunteer_id,
            _certificates.c.skill_code,
            _certificates.c.number,
            _certificates.c.expires_on,
        ).where(_certificates.c.volunteer_id.in_(volunteer_ids))
    ):
        certificates.setdefault(row.volunteer_id, set()).add((row.skill_code, row.number, row.expires_on))
    return [
        KnownPerson(
            id=row.id,
            name=row.name,
            name_key=row.name_key,
            id_index=row.id_index,
            born_on=row.born_on,
            phones=frozenset(phones.get(row.id, ())),
            volunteer=(volunteer := volunteers.get(row.id)),
            skills=frozenset(skills.get(volunteer.id, ())) if volunteer else frozenset(),
            certificates=frozenset(certificates.get(volunteer.id, ())) if volunteer else frozenset(),
        )
        for row in people
    ]
