"""Many volunteers at once, over HTTP, from four client processes against two server processes."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from bench import fill, fill_shifts
from bench.fill_shifts import MadeShift, at
from tests.clients import at_once
from tests.races.test_orders import statuses
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.rosters import services
from webapp.domain.rosters.models import Shift, ShiftSkill, Signup
from webapp.domain.volunteers.models import Commitment

pytestmark = pytest.mark.db

_signups: Any = Signup.__table__
_shifts: Any = Shift.__table__
_needs: Any = ShiftSkill.__table__
_commitments: Any = Commitment.__table__


@db.reading
def states(shift: MadeShift) -> dict[str, int]:
    """How many sign-ups of the shift stand how."""
    rows = db.connection().execute(
        select(_signups.c.state, func.count())
        .where(_signups.c.shift_id == shift.id)
        .group_by(_signups.c.state)
    )
    return {str(state): count for state, count in rows}


@db.reading
def counts(shift: MadeShift) -> tuple[int, int]:
    """The counted places and the counted queue."""
    row = (
        db.connection()
        .execute(select(_shifts.c.taken_count, _shifts.c.waiting_count).where(_shifts.c.id == shift.id))
        .one()
    )
    return row.taken_count, row.waiting_count


@db.reading
def holds_as_committed() -> bool:
    """Whether exactly the sign-ups that hold a place take somebody's time."""
    connection = db.connection()
    held = set(
        connection.execute(select(_signups.c.id).where(_signups.c.state.in_(["placed", "offered"]))).scalars()
    )
    return held == set(connection.execute(select(_commitments.c.reference_id)).scalars())


def test_three_hundred_volunteers_and_one_place(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=300)
    fill_shifts.volunteers(community, community.residents)
    (shift,) = fill_shifts.shifts(community, [at(2, 8)], maximum=1)
    takes = [fill_shifts.take(each, shift) for each in community.residents]
    answers = at_once(ports, takes, folder)
    assert statuses(answers) == {200: 1, 409: 299}
    refused = [answer for answer in answers if answer.status == 409]
    # Each of them is offered the queue with one tap.
    assert {answer.code for answer in refused} == {"shift_full"}
    assert all(answer.body["confirm"] == {"or_wait": "1"} for answer in refused)
    assert states(shift) == {"placed": 1}
    assert counts(shift) == (1, 0)
    waits = [
        fill_shifts.take(each, shift, or_wait=True)
        for each, answer in zip(community.residents, answers, strict=True)
        if answer.status == 409
    ]
    answers = at_once(ports, waits, folder)
    assert statuses(answers) == {200: 299}
    assert all(answer.receipt for answer in answers)
    assert states(shift) == {"placed": 1, "waiting": 299}
    assert counts(shift) == (1, 299)
    assert holds_as_committed()


def test_two_shifts_at_the_same_time_by_one_person(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=40)
    fill_shifts.volunteers(community, community.residents)
    first, second = (fill_shifts.shifts(community, [at(2, hour)], maximum=500)[0] for hour in (8, 10))
    takes = [fill_shifts.take(each, shift) for each in community.residents for shift in (first, second)]
    answers = at_once(ports, takes, folder)
    assert statuses(answers) == {200: 40, 422: 40}
    assert {answer.code for answer in answers if answer.status == 422} == {"overlaps"}
    assert states(first).get("placed", 0) + states(second).get("placed", 0) == 40
    assert holds_as_committed()


def test_the_same_key_fifty_times_is_one_signup(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=1)
    fill_shifts.volunteers(community, community.residents)
    (shift,) = fill_shifts.shifts(community, [at(2, 8)], maximum=5)
    request = fill_shifts.take(community.residents[0], shift, key=new_public_id())
    answers = at_once(ports, [request] * 50, folder)
    assert statuses(answers) == {200: 50}
    assert all(answer.body == answers[0].body for answer in answers)
    assert states(shift) == {"placed": 1}
    assert counts(shift) == (1, 0)


def test_places_kept_for_a_skill_go_to_nobody_else(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=120)
    fill_shifts.volunteers(community, community.residents)
    (shift,) = fill_shifts.shifts(community, [at(2, 8)], maximum=10, skills={"driving": 4})
    # Two skills in a row of six: a third of them can drive.
    drivers = {each.person_id for n, each in enumerate(community.residents) if "driving" in _skills_of(n)}
    answers = at_once(ports, [fill_shifts.take(each, shift) for each in community.residents], folder)
    assert statuses(answers)[200] == 10
    assert {answer.code for answer in answers if answer.status != 200} <= {"shift_full", "skill_missing"}
    with_skill, without = _placed(shift)
    assert len(with_skill) == 4
    assert with_skill <= drivers
    assert len(without) == 6
    assert counts(shift) == (10, 0)


def _skills_of(number: int) -> set[str]:
    return {fill_shifts.SKILLS[(number + n) % len(fill_shifts.SKILLS)] for n in range(2)}


@db.reading
def _placed(shift: MadeShift) -> tuple[set[int], set[int]]:
    rows = (
        db.connection()
        .execute(
            select(_signups.c.person_id, _signups.c.skill_code).where(
                _signups.c.shift_id == shift.id, _signups.c.state == "placed"
            )
        )
        .all()
    )
    taken = (
        db.connection()
        .execute(select(_needs.c.taken_count).where(_needs.c.shift_id == shift.id))
        .scalar_one()
    )
    kept = {row.person_id for row in rows if row.skill_code}
    assert taken == len(kept)
    return kept, {row.person_id for row in rows if not row.skill_code}


def test_what_falls_free_is_offered_to_each_once(in_app: Flask, ports: list[int], folder: Path) -> None:
    community = fill.community(in_app, households=80)
    fill_shifts.volunteers(community, community.residents)
    (shift,) = fill_shifts.shifts(community, [at(3, 8)], maximum=10)
    placed, waiting, late = community.residents[:10], community.residents[10:60], community.residents[60:]
    assert statuses(at_once(ports, [fill_shifts.take(each, shift) for each in placed], folder)) == {200: 10}
    queue = [fill_shifts.take(each, shift, or_wait=True) for each in waiting]
    assert statuses(at_once(ports, queue, folder)) == {200: 50}
    # Everybody who has a place leaves while others come for the first time: the queue goes before them.
    leaves = [fill_shifts.act(each, shift, "leave") for each in placed]
    comes = [fill_shifts.take(each, shift) for each in late[:10]]
    answers = at_once(
        ports, [request for pair in zip(leaves, comes, strict=True) for request in pair], folder
    )
    assert Counter(answer.status for answer in answers)[200] >= 10
    services.tidy_offers(now=clock.now())
    found = states(shift)
    assert found["left"] == 10
    assert found.get("placed", 0) + found.get("offered", 0) == 10
    assert counts(shift) == (10, found["waiting"])
    assert holds_as_committed()
