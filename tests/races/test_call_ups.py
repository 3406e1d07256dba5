"""One role, many leads of teams and many people at once; two heads who press at the same instant."""

from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select

from bench import fill, load
from tests.clients import at_once
from tests.factories import Factory, MadeArea, make_deed
from tests.races.test_orders import statuses
from webapp.base import clock, db
from webapp.base.actor import Actor, Grant
from webapp.base.ids import new_public_id
from webapp.base.permissions import Role
from webapp.domain.mobilization.models import CallUpEvent, CallUpRole, Summons, Unit
from webapp.domain.mobilization.queries import call_ups as queries
from webapp.domain.mobilization.rules import CallUpState
from webapp.domain.mobilization.services import units

pytestmark = pytest.mark.db

_roles: Any = CallUpRole.__table__
_units: Any = Unit.__table__
_summonses: Any = Summons.__table__
_events: Any = CallUpEvent.__table__

TEAMS, PROMISED, PEOPLE, PLACES = 30, 3, 40, 50


def press(browser: fill.Browser, path: str, **typed: str) -> bytes:
    return load.post(path, urlencode(typed), cookie=browser.cookie, key=new_public_id(), csrf=browser.csrf)


def head_of(community: fill.Community) -> Actor:
    grant = Grant(Role.COMMUNITY_HEAD, community.id, community.path)
    return Actor.user(community.head.user_id, community.head.person_id, (grant,))


def area_of(community: fill.Community) -> MadeArea:
    return MadeArea(community.id, community.public_id, community.path, community.name)


@db.reading
def held(role_id: int) -> tuple[int, int, int]:
    """Places that are counted, promised by units, and held by people who come by themselves."""
    connection = db.connection()
    taken = connection.execute(select(_roles.c.taken_count).where(_roles.c.id == role_id)).scalar_one()
    promised = connection.execute(
        select(func.coalesce(func.sum(_units.c.promised_count), 0)).where(_units.c.role_id == role_id)
    ).scalar_one()
    coming = connection.execute(
        select(func.count())
        .select_from(_summonses)
        .where(
            _summonses.c.role_id == role_id, _summonses.c.state == "coming", _summonses.c.unit_id.is_(None)
        )
    ).scalar_one()
    return int(taken), int(promised), int(coming)


def test_leads_and_people_at_once_never_overfill_a_role(
    in_app: Flask, make: Factory, ports: list[int], folder: Path
) -> None:
    community = fill.community(in_app, households=PEOPLE)
    head, area = head_of(community), area_of(community)
    made = make.call_up(area, roles=((None, PLACES),), quiet_reason="夜里到货")
    view = queries.get_call_up(actor=head, public_id=made.public_id, now=clock.now())
    asked = []
    for number in range(TEAMS):
        team = make.team(f"第{number}队", area=area, leads=(make.user(f"队长{number}"),))
        asked.append(
            units.ask_unit(
                deed=make_deed(head),
                call_up=made.public_id,
                team=team.public_id,
                role=view.roles[0].public_id,
                count=PROMISED,
            )
        )
    own = [make.summons(made, each.person_id) for each in community.residents]
    presses = [
        press(community.head, f"/mobilization/units/{units.token_of(unit)}", count=str(PROMISED))
        for unit in asked
    ]
    presses += [
        press(browser, f"/mobilization/answer/{summons.token}", reply="coming", eta="10", knows_sealed="1")
        for browser, summons in zip(community.residents, own, strict=True)
    ]
    answers = at_once(ports, presses[::2] + presses[1::2], folder)
    assert set(statuses(answers)) <= {200, 422}
    refused = Counter(answer.code for answer in answers if answer.status == 422)
    assert set(refused) <= {"unit_too_many"}
    taken, promised, coming = held(made.roles[0])
    assert taken == promised + coming
    # Whoever was refused found fewer places than a team needs; people filled what was left.
    assert PLACES - PROMISED < taken <= PLACES
    assert promised == PROMISED * (TEAMS - refused["unit_too_many"])


def test_of_heads_who_press_at_once_one_does_it(
    in_app: Flask, make: Factory, ports: list[int], folder: Path
) -> None:
    community = fill.community(in_app, households=1)
    made = make.call_up(area_of(community), state=CallUpState.DRAFT, quiet_reason="夜里到货")
    path = f"/mobilization/call-ups/{made.public_id}/start"
    answers = at_once(ports, [press(community.head, path) for _ in range(12)], folder)
    assert statuses(answers) == {200: 1, 409: 11}
    assert {answer.code for answer in answers if answer.status == 409} == {"call_up_moved_on"}
    assert count_events(made.id, "started") == 1


@db.reading
def count_events(call_up_id: int, kind: str) -> int:
    found: int = (
        db.connection()
        .execute(
            select(func.count())
            .select_from(_events)
            .where(_events.c.call_up_id == call_up_id, _events.c.kind == kind)
        )
        .scalar_one()
    )
    return found
