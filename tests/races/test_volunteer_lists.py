"""The same list of volunteers taken by several presses at the same moment, over HTTP against two server processes."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from bench import fill, load
from tests.clients import at_once
from tests.factories import make_deed
from tests.processes import Program
from webapp.base import db, files
from webapp.base.actor import Actor, Grant
from webapp.base.ids import new_public_id
from webapp.base.permissions import Role
from webapp.domain.areas.models import Area
from webapp.domain.people.models import Person
from webapp.domain.volunteers.models import Team, Volunteer, VolunteerSkill
from webapp.domain.volunteers.services import lists

pytestmark = pytest.mark.db
ROWS, PRESSES = 150, 8


@db.reading
def count(model: Any, *conditions: Any) -> int:
    return int(
        db.connection()
        .execute(select(func.count()).select_from(model.__table__).where(*conditions))
        .scalar_one()
    )


@db.reading
def code_of(area_id: int) -> str:
    return str(db.connection().execute(select(Area.code).where(Area.id == area_id)).scalar_one())


def test_eight_presses_take_a_list_once(
    in_app: Flask, servers: list[Program], ports: list[int], folder: Path
) -> None:
    # The list is kept where the servers look for it.
    files.configure(servers[0].log.parent)
    community = fill.community(in_app, households=1)
    head = community.head
    actor = Actor.user(
        head.user_id, head.person_id, (Grant(Role.COMMUNITY_HEAD, community.id, community.path),)
    )
    names = "张王李赵陈刘杨黄周吴"
    content = "姓名,手机号,队伍,会什么\n" + "".join(
        f"{names[n % 10]}{names[n // 10 % 10]}{names[n // 100]},1380000{n:04d},第{n % 7}队,送菜\n"
        for n in range(ROWS)
    )
    people = count(Person)
    public_id = lists.receive_list(
        deed=make_deed(actor),
        area_code=code_of(community.id),
        content=content.encode(),
        file_name="list.csv",
        language="zh_Hans",
        minors_allowed=False,
    )
    lists.run_short(public_id=public_id, actor=actor, say=lambda code, _params: code)
    presses = [
        load.post(
            f"/volunteers/imports/{public_id}/take",
            "",
            cookie=head.cookie,
            key=new_public_id(),
            csrf=head.csrf,
        )
        for _ in range(PRESSES)
    ]
    answers = at_once(ports, presses, folder)
    assert Counter(answer.status for answer in answers) == {200: PRESSES}
    assert count(Person) == people + ROWS
    assert count(Volunteer) == ROWS
    assert count(VolunteerSkill) == ROWS
    assert count(Team) == 7
