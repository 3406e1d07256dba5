"""Kinds of teams 队伍类型: made, changed, put out of use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.forecast import Need, ensure_needs
from webapp.domain.mobilization.models import TeamType, TeamTypeRole
from webapp.domain.mobilization.queries import team_types as queries
from webapp.domain.volunteers.models import Skill

NAME_LENGTH, NAME_EN_LENGTH = 40, 60
MOST_PEOPLE = 200

_types: Any = TeamType.__table__
_roles: Any = TeamTypeRole.__table__
_skills: Any = Skill.__table__


@dataclass(frozen=True)
class RolePlan:
    """A role as it is typed; `skill_code` empty: anybody."""

    name: str
    name_en: str
    skill_code: str
    needed_count: int


def _text(text: str, *, field: str, longest: int) -> str:
    text = " ".join(text.split())
    if len(text) > longest:
        raise RuleBroken("text_too_long", field=field, maximum=longest)
    return text


def _named(text: str, *, field: str, longest: int) -> str:
    text = _text(text, field=field, longest=longest)
    if not text:
        raise RuleBroken("name_missing", field=field)
    return text


def _role_rows(roles: Sequence[RolePlan]) -> list[dict[str, Any]]:
    """The rows of the roles; raises RuleBroken with the field of the line that is wrong, from 0."""
    ensure_needs([Need(place, role.skill_code, role.needed_count) for place, role in enumerate(roles)])
    known = set(db.connection().scalars(select(_skills.c.code)).all())
    rows = []
    for place, role in enumerate(roles):
        if role.skill_code and role.skill_code not in known:
            raise RuleBroken("skill_unknown", field=f"skill-{place}")
        if not 1 <= role.needed_count <= MOST_PEOPLE:
            raise RuleBroken("places_wrong", field=f"count-{place}")
        name = _named(role.name, field=f"role-{place}", longest=NAME_LENGTH)
        rows.append(
            {
                "position": place + 1,
                "name": name,
                "name_en": _text(role.name_en, field=f"role_en-{place}", longest=NAME_EN_LENGTH) or name,
                "skill_code": role.skill_code or None,
                "needed_count": role.needed_count,
            }
        )
    return rows


def _ensure_free(name: str, *, but: str | None) -> None:
    same = select(_types.c.public_id).where(_types.c.name == name)
    if db.connection().execute(same).scalar() not in {None, but}:
        raise RuleBroken("team_type_exists", field="name", name=name)


@writing
def save_team_type(
    *, deed: Deed, public_id: str | None, name: str, name_en: str, roles: Sequence[RolePlan]
) -> str:
    """Make a kind of team (`public_id` None) or change it; returns its public id.

    Raises NotAllowed below the whole county, NotFound, RuleBroken: name_missing, text_too_long, team_type_exists,
    roles_missing, roles_too_many, skill_unknown, places_wrong.
    """
    claim = requests.claim(deed)
    connection = db.connection()
    if claim.is_repeat:
        return str(
            connection.execute(select(_types.c.public_id).where(_types.c.id == claim.object_id)).scalar_one()
        )
    queries.ensure_may_edit(deed.actor)
    name = _named(name, field="name", longest=NAME_LENGTH)
    values = {"name": name, "name_en": _text(name_en, field="name_en", longest=NAME_EN_LENGTH) or name}
    rows = _role_rows(roles)
    _ensure_free(name, but=public_id)
    if public_id is None:
        public_id = new_public_id()
        last = connection.execute(select(func.coalesce(func.max(_types.c.position), 0))).scalar_one()
        type_id = connection.execute(
            insert(_types).returning(_types.c.id), {"public_id": public_id, "position": last + 1, **values}
        ).scalar_one()
    else:
        type_id = queries.get_team_type(public_id=public_id).id
        connection.execute(update(_types).where(_types.c.id == type_id).values(values))
        connection.execute(delete(_roles).where(_roles.c.team_type_id == type_id))
    connection.execute(insert(_roles), [{"team_type_id": type_id, **row} for row in rows])
    requests.settle(claim, outcome="saved", object_id=type_id)
    audit.record(deed, "save_team_type", "team_type", type_id, name=name, roles=len(rows))
    return public_id


@writing
def close_team_type(*, deed: Deed, public_id: str, is_closed: bool) -> None:
    """Put a kind of team out of use, or into use again; nothing that was counted or called by it changes."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    queries.ensure_may_edit(deed.actor)
    found = queries.get_team_type(public_id=public_id)
    db.connection().execute(
        update(_types).where(_types.c.id == found.id).values(closed_at=deed.now if is_closed else None)
    )
    requests.settle(claim, outcome="closed" if is_closed else "opened", object_id=found.id)
    audit.record(deed, "close_team_type" if is_closed else "reopen_team_type", "team_type", found.id)
