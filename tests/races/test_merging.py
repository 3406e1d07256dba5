"""Two heads who merge the same pair crosswise at the same moment, over HTTP against two server processes."""

from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select

from bench import fill, load
from bench.fill import Browser, Community
from tests.clients import at_once
from webapp.base import clock, crypto, db
from webapp.base.audit import AuditEntry
from webapp.base.ids import new_public_id
from webapp.base.permissions import Role
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.volunteers.models import Volunteer
from webapp.domain.volunteers.rules import AgeGroup, Society, VolunteerState

pytestmark = pytest.mark.db
PAIRS = 20

_volunteers: Any = Volunteer.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_audit: Any = AuditEntry.__table__


@db.writing
def pairs_and_a_second_head(app: Flask, community: Community) -> tuple[list[tuple[str, str]], Browser]:
    """Two volunteers of each two residents, the second one's number known of both; and a colleague of the head."""
    writer, now = fill.Writer(), clock.now()
    colleague = fill.signed_in_person(writer, fill.Browsers(app), "副主任", 990_000)
    fill._appoint(writer, colleague, Role.COMMUNITY_HEAD, community.id)
    made = []
    for number in range(PAIRS):
        pair = community.residents[2 * number : 2 * number + 2]
        names = []
        for resident in pair:
            names.append(new_public_id())
            writer.add(
                Volunteer,
                public_id=names[-1],
                person_id=resident.person_id,
                name=resident.name,
                pinyin_key="x",
                phone_tail="0000",
                state=VolunteerState.ACCEPTED,
                society=Society.VOLUNTEER,
                area_id=community.id,
                area_path=community.path,
                age_group=AgeGroup.ADULT,
                applied_at=now,
            )
            writer.add(
                PersonPhone,
                person_id=resident.person_id,
                phone=crypto.encrypt(f"1390000{number:04d}"),
                phone_index=crypto.blind_index("phone", f"1390000{number:04d}"),
                phone_tail=f"{number:04d}",
                position=1,
            )
        made.append((names[0], names[1]))
    writer.write()
    return made, colleague


def merge(browser: Browser, first: str, second: str, *, stays: str) -> bytes:
    return load.post(
        f"/volunteers/duplicates/{first}/{second}/merge",
        urlencode({"stays": stays}),
        cookie=browser.cookie,
        key=new_public_id(),
        csrf=browser.csrf,
    )


@db.reading
def count(table: Any, *conditions: Any) -> int:
    return int(
        db.connection().execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
    )


def test_two_heads_merge_crosswise(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=2 * PAIRS)
    pairs, colleague = pairs_and_a_second_head(in_app, community)
    requests = []
    for first, second in pairs:
        # Each head keeps another one of the two, and presses twice.
        for browser, stays in ((community.head, first), (colleague, second)) * 2:
            requests.append(merge(browser, first, second, stays=stays))
    answers = at_once(ports, requests, folder)
    assert Counter(answer.status for answer in answers) == {200: PAIRS, 409: 3 * PAIRS}
    assert {answer.code for answer in answers if answer.status == 409} == {"merged_already"}
    for number in range(PAIRS):
        of_pair = answers_of(answers, number)
        assert Counter(answer.status for answer in of_pair) == {200: 1, 409: 3}
    assert count(_volunteers, _volunteers.c.state == VolunteerState.MERGED) == PAIRS
    assert count(_people, _people.c.merged_into_id.is_not(None)) == PAIRS
    assert count(_audit, _audit.c.verb == "merge_volunteers") == PAIRS
    gone = select(_volunteers.c.person_id).where(_volunteers.c.state == VolunteerState.MERGED)
    assert count(_phones, _phones.c.person_id.in_(gone)) == 0
    stays = select(_volunteers.c.person_id).where(_volunteers.c.state == VolunteerState.ACCEPTED)
    assert count(_phones, _phones.c.person_id.in_(stays)) == 3 * PAIRS


def answers_of(answers: list[Any], number: int) -> list[Any]:
    """The four answers about one pair; the clients were told them in this order."""
    return [answer for answer in answers if answer.tag // 4 == number]
