"""What an import of reservists reads: areas and teams of the list, and who of a list stands in the reserve."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from webapp.base import db
from webapp.base.db import reading
from webapp.domain.areas.rules import name_key
from webapp.domain.mobilization.models import Reservist, ReservistSkill
from webapp.domain.volunteers.queries.imports import list_groups

_reservists: Any = Reservist.__table__
_own_skills: Any = ReservistSkill.__table__


@dataclass(frozen=True)
class KnownReservist:
    """The row of somebody who stands or stood in the reserve, and their own skills."""

    row: Any
    skills: frozenset[str]


@reading
def list_teams(*, path: str) -> dict[str, Any]:
    """The open teams of the area, of those below and above it, by name; a nearer one goes before one above."""
    _organisations, teams = list_groups(path=path)
    return {name_key(row.name): row for row in teams}


@reading
def find_reservists(*, person_ids: Sequence[int]) -> dict[int, KnownReservist]:
    """Who of these people stands or stood in the reserve, by person."""
    connection = db.connection()
    rows = connection.execute(select(_reservists).where(_reservists.c.person_id.in_(person_ids))).all()
    skills: dict[int, set[str]] = {}
    for row in connection.execute(
        select(_own_skills.c.reservist_id, _own_skills.c.skill_code).where(
            _own_skills.c.reservist_id.in_([row.id for row in rows])
        )
    ):
        skills.setdefault(row.reservist_id, set()).add(row.skill_code)
    return {row.person_id: KnownReservist(row, frozenset(skills.get(row.id, ()))) for row in rows}
