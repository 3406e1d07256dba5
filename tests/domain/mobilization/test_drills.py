"""Drills 拉动演练: the same machine, scored on notification, answer and assembly, beside earlier ones of the area."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.conftest import Cast
from tests.factories import Factory, MadeCallUp, make_deed
from webapp.base import clock, db
from webapp.domain.mobilization.models import CallUp
from webapp.domain.mobilization.queries import report
from webapp.domain.mobilization.rules import MusterState, Score, SummonsState
from webapp.domain.mobilization.services import closing
from webapp.domain.mobilization.services.stand_down import stand_down
from webapp.domain.notifications.models import InboxItem
from webapp.domain.rosters.rules import Evidence

pytestmark = pytest.mark.db


@pytest.fixture(autouse=True)
def _in_app(in_app: Any) -> None:
    """Services and queries are called directly."""


def person(cast: Cast, name: str) -> int:
    return cast.people[name].person_id


def a_drill(cast: Cast, make: Factory, *, hours_ago: float, **columns: Any) -> MadeCallUp:
    """A drill to which vera answered in time and came, viktor too late, bob said no, and tess nothing."""
    started = clock.now() - timedelta(hours=hours_ago)
    made = make.call_up(
        cast.community,
        roles=((None, 4),),
        is_drill=True,
        started_at=started,
        starts_at=started + timedelta(minutes=30),
        ends_at=started + timedelta(hours=12 + hours_ago),
        **columns,
    )
    sent = {"sent_at": started, "reply_by": started + timedelta(minutes=10)}
    in_time = {"answered_at": started + timedelta(minutes=4)} | sent
    too_late = {"answered_at": started + timedelta(minutes=20)} | sent
    came = {
        "muster": MusterState.ARRIVED,
        "arrived_at": started + timedelta(minutes=25),
        "arrived_from": Evidence.CHECK_IN,
    }
    make.summons(made, person(cast, "vera"), state=SummonsState.COMING, **in_time, **came)
    make.summons(made, person(cast, "viktor"), state=SummonsState.COMING, **too_late, **came)
    make.summons(made, person(cast, "bob"), state=SummonsState.CANNOT, **in_time)
    make.summons(made, person(cast, "tess"), **sent)
    return made


def test_a_drill_is_scored_with_what_each_figure_is_of(cast: Cast, make: Factory) -> None:
    made = a_drill(cast, make, hours_ago=1)
    found = report.get_report(actor=cast.actor("alice"), public_id=made.public_id, now=clock.now())
    assert found.score == Score(summoned=4, notified=3, acknowledged=2, said_yes=1, mustered=1)
    assert (found.score.notified_share, found.score.acknowledged_share, found.score.mustered_share) == (
        75,
        67,
        100,
    )
    assert Score().mustered_share is None
    assert found.answer_minutes == 4
    assert found.muster_minutes == 25


def test_a_drill_is_compared_with_the_earlier_ones_of_its_area(cast: Cast, make: Factory) -> None:
    first = a_drill(cast, make, hours_ago=72)
    second = a_drill(cast, make, hours_ago=48)
    foreign = make.call_up(cast.other_community, is_drill=True, started_at=clock.now() - timedelta(hours=60))
    real = make.call_up(cast.community, started_at=clock.now() - timedelta(hours=60))
    for made, head in ((first, "alice"), (second, "alice"), (foreign, "charlie"), (real, "alice")):
        closing.close_call_up(deed=make_deed(cast.actor(head)), call_up=made.public_id)
    latest = a_drill(cast, make, hours_ago=1)
    found = report.get_report(actor=cast.actor("alice"), public_id=latest.public_id, now=clock.now())
    assert [each.public_id for each in found.earlier] == [second.public_id, first.public_id]
    assert found.earlier[0].score == Score(4, 3, 2, 1, 1)
    assert (
        report.get_report(actor=cast.actor("alice"), public_id=real.public_id, now=clock.now()).earlier == ()
    )


def test_the_end_of_a_drill_is_marked_and_reaches_nobody_but_its_people(cast: Cast, make: Factory) -> None:
    made = a_drill(cast, make, hours_ago=0.1)
    stand_down(deed=make_deed(cast.actor("alice")), call_up=made.public_id)
    items = _items()
    assert {each.template for each in items} <= {"stand_down"}
    assert all(each.is_drill for each in items)
    assert {each.person_id for each in items} <= {
        person(cast, name) for name in ("vera", "viktor", "bob", "tess")
    }
    assert person(cast, "bob") not in {each.person_id for each in items}, "who said no hears nothing"


@db.reading
def _items() -> list[Any]:
    assert db.connection().execute(select(CallUp.is_drill)).scalar()
    return list(db.connection().execute(select(InboxItem.__table__)))
