"""Organisations and teams: made, renamed, closed; and who leads a team."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Role
from webapp.domain.accounts import services as accounts
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.models import Organisation, Team, TeamLead, Volunteer
from webapp.domain.volunteers.queries import lists
from webapp.domain.volunteers.queries import teams as queries
from webapp.domain.volunteers.rules import Society, VolunteerState

_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_leads: Any = TeamLead.__table__
_organisations: Any = Organisation.__table__


@dataclass(frozen=True)
class Name:
    """What an organisation or a team is called, and through which society it helps."""

    name: str
    name_en: str
    society: Society


def _named(given: Name) -> dict[str, Any]:
    name = rules.ensure_text(given.name, field="name", missing="name_missing", maximum=rules.NAME_LENGTH)
    name_en = " ".join(given.name_en.split())
    if len(name_en) > rules.NAME_LENGTH:
        raise RuleBroken("text_too_long", field="name_en", maximum=rules.NAME_LENGTH)
    return {"name": name, "name_en": name_en or None, "society": given.society}


def _insert(table: Any, deed: Deed, area: Any, values: dict[str, Any]) -> int:
    """A new row; raises RuleBroken where the area has one of this name."""
    connection = db.connection()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    new_id: int | None = connection.execute(
        dialect.insert(table)
        .values(
            public_id=new_public_id(),
            area_id=area.id,
            area_path=area.path,
            created_at=deed.now,
            **values,
        )
        .on_conflict_do_nothing(index_elements=["area_id", "name"])
        .returning(table.c.id)
    ).scalar()
    if new_id is None:
        raise RuleBroken("name_taken", field="name")
    return new_id


def _change(table: Any, row_id: int, values: dict[str, Any]) -> None:
    # A savepoint, because PostgreSQL lets nothing more happen in a transaction after a refused statement.
    try:
        with db.connection().begin_nested():
            db.connection().execute(update(table).where(table.c.id == row_id).values(**values))
    except IntegrityError as error:
        raise RuleBroken("name_taken", field="name") from error


def _public_id(table: Any, row_id: int | None) -> str:
    found: str = db.connection().execute(select(table.c.public_id).where(table.c.id == row_id)).scalar_one()
    return found


# --- organisations ------------------------------------------------------------------------------------------


@writing
def make_organisation(*, deed: Deed, area: str, named: Name) -> str:
    """A new organisation of an area; returns its public id."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(_organisations, claim.object_id)
    place = queries.find_area_to_manage(actor=deed.actor, public_id=area)
    new_id = _insert(_organisations, deed, place, _named(named))
    audit.record(deed, "make_organisation", "organisation", new_id, area_path=place.path)
    requests.settle(claim, outcome="made", object_id=new_id)
    return _public_id(_organisations, new_id)


@writing
def rename_organisation(*, deed: Deed, public_id: str, named: Name) -> None:
    """Another name or society; volunteers and teams keep what they belong to."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_organisation(actor=deed.actor, public_id=public_id, to_manage=True)
    _change(_organisations, row.id, _named(named))
    audit.record(
        deed, "rename_organisation", "organisation", row.id, area_path=row.area_path, before=row.name
    )
    requests.settle(claim, outcome="renamed", object_id=row.id)


@writing
def close_organisation(*, deed: Deed, public_id: str, is_closed: bool) -> None:
    """Nobody joins it any more, or it is open again; who belongs to it stays, so that past hours keep their place."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_organisation(actor=deed.actor, public_id=public_id, to_manage=True)
    db.connection().execute(
        update(_organisations)
        .where(_organisations.c.id == row.id)
        .values(closed_at=deed.now if is_closed else None)
    )
    verb = "close_organisation" if is_closed else "reopen_organisation"
    audit.record(deed, verb, "organisation", row.id, area_path=row.area_path)
    requests.settle(claim, outcome="closed" if is_closed else "open", object_id=row.id)


# --- teams --------------------------------------------------------------------------------------------------


def _organisation_id(deed: Deed, public_id: str) -> int | None:
    if not public_id:
        return None
    try:
        row = queries.find_organisation(actor=deed.actor, public_id=public_id)
    except NotFound:
        row = None
    if row is None:
        raise RuleBroken("organisation_missing", field="organisation")
    found: int = row.id
    return found


@writing
def make_team(*, deed: Deed, area: str, named: Name, organisation: str = "") -> str:
    """A new team of an area, of an organisation or of none; returns its public id."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(_teams, claim.object_id)
    place = queries.find_area_to_manage(actor=deed.actor, public_id=area)
    values = _named(named) | {"organisation_id": _organisation_id(deed, organisation)}
    new_id = _insert(_teams, deed, place, values)
    audit.record(deed, "make_team", "team", new_id, area_path=place.path)
    requests.settle(claim, outcome="made", object_id=new_id)
    return _public_id(_teams, new_id)


@writing
def rename_team(*, deed: Deed, public_id: str, named: Name, organisation: str = "") -> None:
    """Another name, society or organisation; the members' own follow."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_team(actor=deed.actor, public_id=public_id, to_manage=True)
    values = _named(named) | {"organisation_id": _organisation_id(deed, organisation)}
    _change(_teams, row.id, values)
    db.connection().execute(
        update(_volunteers)
        .where(_volunteers.c.team_id == row.id)
        .values(society=values["society"], organisation_id=values["organisation_id"])
    )
    audit.record(deed, "rename_team", "team", row.id, area_path=row.area_path, before=row.name)
    requests.settle(claim, outcome="renamed", object_id=row.id)


@writing
def close_team(*, deed: Deed, public_id: str, is_closed: bool) -> None:
    """Nobody joins, leads or rosters it any more, or it is open again; its members stay until they are moved."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_team(actor=deed.actor, public_id=public_id, to_manage=True)
    if is_closed:
        people = db.connection().execute(select(_leads.c.person_id).where(_leads.c.team_id == row.id))
        for person_id in people.scalars().all():
            _end_lead(deed, team=row, person_id=person_id)
    db.connection().execute(
        update(_teams).where(_teams.c.id == row.id).values(closed_at=deed.now if is_closed else None)
    )
    verb = "close_team" if is_closed else "reopen_team"
    audit.record(deed, verb, "team", row.id, area_path=row.area_path)
    requests.settle(claim, outcome="closed" if is_closed else "open", object_id=row.id)


# --- leads --------------------------------------------------------------------------------------------------


def _member(team: Any, volunteer: str) -> Any:
    row = (
        db.connection()
        .execute(
            select(_volunteers.c.id, _volunteers.c.person_id, _volunteers.c.state).where(
                _volunteers.c.public_id == volunteer, _volunteers.c.team_id == team.id
            )
        )
        .one_or_none()
    )
    if row is None:
        raise RuleBroken("not_in_team", field="volunteer")
    return row


@writing
def name_lead(*, deed: Deed, team: str, volunteer: str) -> None:
    """An accepted member leads the team: a row, and the role at the team's area for each way they sign in."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_team(actor=deed.actor, public_id=team, to_manage=True)
    if row.closed_at is not None:
        raise Conflict("team_closed")
    member = _member(row, volunteer)
    if member.state != VolunteerState.ACCEPTED:
        raise RuleBroken("lead_not_accepted", field="volunteer")
    users = lists.list_users(person_id=member.person_id)
    if not users:
        raise RuleBroken("lead_without_account", field="volunteer")
    connection = db.connection()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(
        dialect.insert(_leads)
        .values(team_id=row.id, person_id=member.person_id, since=deed.now)
        .on_conflict_do_nothing(index_elements=["team_id", "person_id"])
    )
    for user_id in users:
        accounts.write_appointment(
            deed, user_id=user_id, role=Role.TEAM_LEAD, area_id=row.area_id, unit=row.name, ends_at=None
        )
    audit.record(deed, "name_lead", "team", row.id, area_path=row.area_path, volunteer_id=member.id)
    requests.settle(claim, outcome="named", object_id=row.id)


@writing
def end_lead(*, deed: Deed, team: str, volunteer: str) -> None:
    """A lead leads the team no more; NotFound where they did not."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.find_team(actor=deed.actor, public_id=team, to_manage=True)
    person_id = (
        db.connection()
        .execute(select(_volunteers.c.person_id).where(_volunteers.c.public_id == volunteer))
        .scalar()
    )
    if person_id is None or not _end_lead(deed, team=row, person_id=person_id):
        raise NotFound
    requests.settle(claim, outcome="ended", object_id=row.id)


def _end_lead(deed: Deed, *, team: Any, person_id: int) -> bool:
    """End leading this team, and the role at its area unless another team there is still led."""
    gone = db.connection().execute(
        delete(_leads).where(_leads.c.team_id == team.id, _leads.c.person_id == person_id)
    )
    if gone.rowcount == 0:
        return False
    others = [
        each
        for each in queries.list_led_teams(person_id=person_id)
        if each.area_id == team.area_id and each.closed_at is None
    ]
    if not others:
        for user_id in lists.list_users(person_id=person_id, with_blocked=True):
            accounts.close_appointment(deed, user_id=user_id, role=Role.TEAM_LEAD, area_id=team.area_id)
    audit.record(deed, "end_lead", "team", team.id, area_path=team.area_path, person_id=person_id)
    return True


def end_all_leads(deed: Deed, *, person_id: int) -> None:
    """Whoever leaves, is refused or moves to another team leads none any more; part of a deed that was claimed."""
    for team in queries.list_led_teams(person_id=person_id):
        _end_lead(deed, team=team, person_id=person_id)
