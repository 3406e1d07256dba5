"""Volunteers of the demo: teams, the office's list through the importer, sign-ups with a phone, a head's decisions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import exists, select

from webapp.base import clock, crypto, db
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.ids import new_public_id
from webapp.demo.community import COMMUNITY_CODE
from webapp.demo.make_files import building_code
from webapp.demo.residents import actor_of, sign_in
from webapp.demo.rounds import deed
from webapp.demo.volunteer_list import (
    LEAD,
    NEWCOMERS,
    ORGANISATIONS,
    RED_VESTS,
    TEAMS,
    Listed,
    Newcomer,
    listed,
)
from webapp.domain.accounts import services as accounts
from webapp.domain.accounts.models import User
from webapp.domain.areas.models import Area
from webapp.domain.people.models import Person
from webapp.domain.volunteers import services
from webapp.domain.volunteers.models import Pledge, Volunteer
from webapp.domain.volunteers.rules import AgeAnswer, Stretch
from webapp.domain.volunteers.services import imports

EARLIER = timedelta(days=6)


@dataclass(frozen=True)
class Taker:
    """A volunteer who has signed in and takes shifts: as whom they act, and where they live."""

    listed: Listed
    actor: Actor


@dataclass(frozen=True)
class Loaded:
    """Who takes shifts, and the public ids of the teams by name."""

    takers: list[Taker]
    teams: dict[str, str]


def load(*, head: Actor, area: str, file: Path, refuse: Any, now: datetime) -> Loaded:
    """Everybody: the teams, the list, who signs in, and who waits for the head. Returns who takes shifts, and the teams."""
    then = now - EARLIER
    teams = _make_teams(head, area, then)
    with file.open("rb") as source:
        imports.import_volunteers(
            deed=deed(head, "volunteers", then),
            area_code=COMMUNITY_CODE,
            file=source,
            reject=refuse,
            is_invented=True,
        )
    buildings = _buildings()
    takers = []
    for each in listed():
        if each.has_signed_in:
            actor = _sign_up(
                each.name,
                each.phone,
                each.tasks,
                area=area,
                building=buildings[building_code(each.compound, each.building)],
                now=then + timedelta(hours=2),
            )
            if actor is not None:
                takers.append(Taker(each, actor))
    _name_lead(head, teams[RED_VESTS], takers, then + timedelta(hours=3))
    services.make_invitation(
        deed=deed(head, "invitation", now - timedelta(days=1)), team=teams[RED_VESTS], days=30, use_limit=20
    )
    for newcomer in NEWCOMERS:
        _join(head, newcomer, area=area, now=now - timedelta(hours=20))
    return Loaded(takers, teams)


@reading
def _buildings() -> dict[str, str]:
    rows = db.connection().execute(select(Area.code, Area.public_id).where(Area.level == "building"))
    return {row.code: row.public_id for row in rows}


def _make_teams(head: Actor, area: str, now: datetime) -> dict[str, str]:
    organisations = {
        group.name: services.make_organisation(
            deed=deed(head, f"organisation-{number}", now),
            area=area,
            named=services.Name(group.name, group.name_en, group.society),
        )
        for number, group in enumerate(ORGANISATIONS)
    }
    return {
        group.name: services.make_team(
            deed=deed(head, f"team-{number}", now),
            area=area,
            named=services.Name(group.name, group.name_en, group.society),
            organisation=organisations.get(group.organisation, ""),
        )
        for number, group in enumerate(TEAMS)
    }


def _sign_up(
    name: str, phone: str, tasks: tuple[str, ...], *, area: str, building: str, now: datetime
) -> Actor | None:
    """Sign in with a code and answer the five questions; None where no code can be had just now.

    Who did so before the load was interrupted need not do it again.
    """
    known = who_signed_up(phone)
    if known is not None:
        return known
    token = sign_in(phone)
    if token is None:
        return None
    actor = actor_of(token)
    services.sign_up(
        deed=deed(actor, f"sign-up-{phone}", now),
        answers=services.Answers(
            name=name,
            community=area,
            building=building,
            skills=tasks,
            when=tuple(Stretch),
            age=AgeAnswer.ADULT,
            guardian_name="",
            health=True,
            confidentiality=True,
        ),
        minors_allowed=False,
    )
    # Signing up has tied the account to its person.
    actor = actor_of(token)
    accounts.sign_out_everywhere(deed=deed(actor, new_public_id(), clock.now()))
    return actor


@reading
def who_signed_up(phone: str) -> Actor | None:
    """The volunteer with this phone who has an account and made the pledges."""
    row = (
        db.connection()
        .execute(
            select(User.id, User.person_id)
            .join(Volunteer, Volunteer.person_id == User.person_id)
            .where(
                User.phone_index == crypto.blind_index("phone", phone),
                exists().where(Pledge.volunteer_id == Volunteer.id),
            )
        )
        .one_or_none()
    )
    return None if row is None else Actor.user(row.id, row.person_id, ())


@reading
def _volunteer_of(person_id: int | None) -> Any:
    return (
        db.connection()
        .execute(
            select(Volunteer.public_id, Volunteer.version, Person.name)
            .join(Person, Person.id == Volunteer.person_id)
            .where(Volunteer.person_id == person_id)
        )
        .one()
    )


def _name_lead(head: Actor, team: str, takers: list[Taker], now: datetime) -> None:
    lead = next((taker for taker in takers if taker.listed.phone == LEAD), None)
    if lead is not None:
        volunteer = _volunteer_of(lead.actor.person_id).public_id
        services.name_lead(deed=deed(head, "team-lead", now), team=team, volunteer=volunteer)


def _join(head: Actor, newcomer: Newcomer, *, area: str, now: datetime) -> None:
    """Somebody new signs up; the head may have answered already."""
    actor = _sign_up(newcomer.name, newcomer.phone, newcomer.tasks, area=area, building="", now=now)
    if actor is None:
        return
    row = _volunteer_of(actor.person_id)
    decided = deed(head, f"decide-{newcomer.phone}", now + timedelta(hours=1))
    if newcomer.decision == "ask_back":
        services.ask_back(
            deed=decided, public_id=row.public_id, version=row.version, question="您白天几点到几点能来？"
        )
    elif newcomer.decision == "refuse":
        services.refuse(
            deed=decided, public_id=row.public_id, version=row.version, reason="您住在外县，现在过不来。"
        )
