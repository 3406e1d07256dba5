"""Many sign-ups at the same moment, over HTTP against two server processes: one row for each person, the last use once."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from bench import fill, load
from tests.clients import at_once
from tests.factories import make_deed
from webapp.base import db
from webapp.base.actor import Actor, Grant
from webapp.base.audit import AuditEntry
from webapp.base.ids import new_public_id
from webapp.base.permissions import Role
from webapp.domain.accounts.models import User
from webapp.domain.volunteers import services
from webapp.domain.volunteers.models import Pledge, TeamInvitation, Volunteer, VolunteerSkill
from webapp.domain.volunteers.queries.teams import token_of
from webapp.domain.volunteers.rules import Society, VolunteerState
from webapp.domain.volunteers.services import Name

pytestmark = pytest.mark.db


@db.reading
def count(model: Any, *conditions: Any) -> int:
    return int(
        db.connection()
        .execute(select(func.count()).select_from(model.__table__).where(*conditions))
        .scalar_one()
    )


def sign_up(community: fill.Community, browser: fill.Browser, *, invitation: str = "") -> bytes:
    form = {
        "name": browser.name,
        "community": community.public_id,
        "skills": "delivery",
        "when": "weekend_morning",
        "age": "adult",
        "health": "y",
        "confidentiality": "y",
        "invitation": invitation,
    }
    return load.post(
        "/volunteers/join",
        urlencode(form),
        cookie=browser.cookie,
        key=new_public_id(),
        csrf=browser.csrf,
    )


def plain_names(browsers: tuple[fill.Browser, ...]) -> list[fill.Browser]:
    """Names without digits: a name with digits is refused."""
    signs = "零一二三四五六七八九"
    return [
        replace(each, name="人" + "".join(signs[int(sign)] for sign in str(each.person_id)))
        for each in browsers
    ]


def test_one_person_on_many_phones_is_one_volunteer(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=2)
    first, second = plain_names(community.residents)

    @db.writing
    def one_person() -> None:
        users: Any = User.__table__
        db.connection().execute(
            update(users).where(users.c.id == second.user_id).values(person_id=first.person_id)
        )

    # Two accounts of one person, each open on five phones.
    one_person()
    answers = at_once(ports, [sign_up(community, each) for _ in range(5) for each in (first, second)], folder)
    assert Counter(answer.status for answer in answers) == {200: 10}
    assert all(answer.receipt for answer in answers)
    assert count(Volunteer) == 1
    assert count(VolunteerSkill) == 1
    assert count(Pledge) == 2
    assert count(AuditEntry, AuditEntry.verb == "sign_up") == 1


def test_the_last_uses_of_an_invitation_are_given_once(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=60)
    head = community.head
    actor = Actor.user(
        head.user_id, head.person_id, (Grant(Role.COMMUNITY_HEAD, community.id, community.path),)
    )
    team = services.make_team(
        deed=make_deed(actor), area=community.public_id, named=Name("突击队", "", Society.VOLUNTEER)
    )
    public_id = services.make_invitation(deed=make_deed(actor), team=team, days=1, use_limit=7)
    token = token_of(public_id)
    answers = at_once(
        ports,
        [sign_up(community, each, invitation=token) for each in plain_names(community.residents)],
        folder,
    )
    assert Counter(answer.status for answer in answers) == {200: 7, 410: 53}
    assert {answer.code for answer in answers if answer.status == 410} == {"invitation_used_up"}
    assert count(Volunteer) == count(Volunteer, Volunteer.state == VolunteerState.ACCEPTED) == 7
    assert count(TeamInvitation, TeamInvitation.used_count == 7) == 1
