"""Standing down and closing: whoever is not needed is thanked, whoever is near is received, and the books say so."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.conftest import Cast
from tests.factories import Factory, MadeCallUp, MadeSummons, make_deed
from webapp.base import clock, db, outbox
from webapp.base.actor import Actor
from webapp.base.errors import Conflict, NotAllowed, NotFound
from webapp.base.outbox import OutboxMessage, Outgoing
from webapp.domain.mobilization.models import CallUp, CallUpEvent, CallUpRole, Reservist, Summons, Unit
from webapp.domain.mobilization.queries import report
from webapp.domain.mobilization.queries.muster import get_to_let_go
from webapp.domain.mobilization.rules import (
    Answer,
    AnswerSource,
    CallUpState,
    MusterState,
    Reply,
    SummonsState,
    UnitState,
)
from webapp.domain.mobilization.services import answers, closing, muster
from webapp.domain.mobilization.services.stand_down import stand_down
from webapp.domain.notifications.models import InboxItem
from webapp.domain.rosters.rules import Evidence
from webapp.domain.volunteers.models import Commitment

pytestmark = pytest.mark.db

COMING, STOOD_DOWN = SummonsState.COMING, SummonsState.STOOD_DOWN


@pytest.fixture(autouse=True)
def _in_app(in_app: Any) -> None:
    """Services and queries are called directly."""


@db.reading
def all_of(statement: Any) -> list[Any]:
    return list(db.connection().execute(statement))


def row(made: MadeSummons) -> Any:
    return all_of(select(Summons.__table__).where(Summons.id == made.id))[0]


def call_up_of(made: MadeCallUp) -> Any:
    return all_of(select(CallUp.__table__).where(CallUp.id == made.id))[0]


def role_of(made: MadeCallUp, number: int = 0) -> Any:
    return all_of(select(CallUpRole.__table__).where(CallUpRole.id == made.roles[number]))[0]


def reservist(cast: Cast, name: str) -> Any:
    return all_of(select(Reservist.__table__).where(Reservist.id == cast.reservists[name].id))[0]


def person(cast: Cast, name: str) -> int:
    return cast.people[name].person_id


def told() -> list[int]:
    return sorted(
        each.person_id
        for each in all_of(select(InboxItem.__table__).where(InboxItem.template == "stand_down"))
    )


def deed_of(cast: Cast, name: str, **more: Any) -> Any:
    return make_deed(cast.actor(name), **more)


def there(at: Any) -> dict[str, Any]:
    return {"muster": MusterState.ARRIVED, "arrived_at": at, "arrived_from": Evidence.CHECK_IN}


def test_who_said_yes_is_thanked_who_is_near_is_received_and_who_said_no_hears_nothing(
    cast: Cast, make: Factory
) -> None:
    now = clock.now()
    made = make.call_up(cast.community, roles=((None, 9),), starts_at=now + timedelta(hours=1))
    vera = make.summons(made, person(cast, "vera"), state=COMING, eta_at=now + timedelta(hours=1))
    tess = make.summons(made, person(cast, "tess"), state=COMING, **there(now))
    bob = make.summons(made, person(cast, "bob"), state=COMING, eta_at=now + timedelta(minutes=10))
    viktor = make.summons(made, person(cast, "viktor"), state=SummonsState.QUEUED)
    fern = make.summons(made, person(cast, "fern"), state=SummonsState.CANNOT)
    silent = make.summons(made, make.user("不答的").person_id)
    lapsed = make.summons(made, make.user("没看见的").person_id, reply_by=now - timedelta(minutes=1))
    before = get_to_let_go(actor=cast.actor("alice"), public_id=made.public_id, now=now).roles[0]
    assert (before.coming, before.silent, before.received) == (2, 1, 2)
    done = stand_down(deed=deed_of(cast, "alice"), call_up=made.public_id)
    assert (done.let_go, done.received) == (3, 2)
    assert [row(each).state for each in (vera, viktor, silent)] == [STOOD_DOWN] * 3
    assert [row(each).state for each in (tess, bob)] == [COMING, COMING]
    assert row(fern).state is SummonsState.CANNOT
    assert row(lapsed).state is SummonsState.WAITING
    assert told() == sorted([person(cast, "vera"), person(cast, "viktor"), silent.person_id])
    assert all_of(select(Commitment.__table__).where(Commitment.person_id == person(cast, "vera"))) == []
    assert role_of(made).taken_count == 2
    assert (call_up_of(made).state, call_up_of(made).next_at) == (CallUpState.STOOD_DOWN, None)
    assert reservist(cast, "vera").stood_down_count == 1
    assert reservist(cast, "viktor").stood_down_count == 1
    assert reservist(cast, "fern").stood_down_count == 0
    with pytest.raises(Conflict, match="call_up_moved_on"):
        stand_down(deed=deed_of(cast, "alice"), call_up=made.public_id)


def test_the_same_press_stands_down_once(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    make.summons(made, person(cast, "vera"), state=COMING, eta_at=clock.now() + timedelta(hours=1))
    deed = deed_of(cast, "alice")
    first = stand_down(deed=deed, call_up=made.public_id)
    assert stand_down(deed=deed, call_up=made.public_id) == first
    assert reservist(cast, "vera").stood_down_count == 1


def test_one_role_is_stood_down_and_the_other_goes_on(cast: Cast, make: Factory) -> None:
    made = make.call_up(
        cast.community, roles=((None, 2), (None, 2)), starts_at=clock.now() + timedelta(hours=1)
    )
    vera = make.summons(made, person(cast, "vera"), state=COMING, role=0)
    viktor = make.summons(made, person(cast, "viktor"), state=COMING, role=1)
    stand_down(deed=deed_of(cast, "alice"), call_up=made.public_id, role=role_of(made).public_id)
    assert (row(vera).state, row(viktor).state) == (STOOD_DOWN, COMING)
    assert told() == [person(cast, "vera")]
    assert call_up_of(made).state is CallUpState.RUNNING
    assert (role_of(made).wanted_count, role_of(made).taken_count) == (0, 0), "no open place, no wave"
    assert (role_of(made, 1).wanted_count, role_of(made, 1).taken_count) == (2, 1)


def test_a_message_that_still_waits_is_taken_back_and_nobody_is_disturbed_twice(
    cast: Cast, make: Factory
) -> None:
    made = make.call_up(cast.community, roles=((None, 9),))
    waits = make.summons(made, person(cast, "vera"))
    went = make.summons(made, person(cast, "viktor"))
    _enqueue([waits, went])
    outbox.take_due(now=clock.now(), limit=1, may_repeat=True)
    first = all_of(select(OutboxMessage.__table__).where(OutboxMessage.state == "sending"))[0].reference
    stand_down(deed=deed_of(cast, "alice"), call_up=made.public_id)
    left = all_of(select(OutboxMessage.__table__).where(OutboxMessage.template == "call_up"))
    assert [each.reference for each in left] == [first]
    reached = [each for each in (waits, went) if f"summons:{each.public_id}" == first]
    assert told() == [each.person_id for each in reached]
    assert [row(each).state for each in (waits, went)] == [STOOD_DOWN, STOOD_DOWN]


@db.writing
def _enqueue(summonses: list[MadeSummons]) -> None:
    outbox.enqueue_many(
        make_deed(Actor.system("test")),
        [
            Outgoing(
                template="call_up",
                address=f"1380000000{number}",
                language="zh_Hans",
                reference=f"summons:{each.public_id}",
            )
            for number, each in enumerate(summonses)
        ],
    )


def test_a_unit_that_promised_people_is_let_go_with_its_places(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, roles=((None, 9),), starts_at=clock.now() + timedelta(hours=1))
    _promise(cast, made)
    stand_down(deed=deed_of(cast, "alice"), call_up=made.public_id)
    unit = all_of(select(Unit.__table__))[0]
    assert (unit.state, unit.promised_count) == (UnitState.STOOD_DOWN, 0)
    assert role_of(made).taken_count == 0
    assert told() == [person(cast, "tess")]


@db.writing
def _promise(cast: Cast, made: MadeCallUp) -> None:
    now = clock.now()
    session = db.session()
    session.add(
        Unit(
            public_id="unit".ljust(22, "0"),
            call_up_id=made.id,
            role_id=made.roles[0],
            team_id=cast.team.id,
            person_id=person(cast, "tess"),
            token_hash="0" * 64,
            state=UnitState.COMING,
            asked_count=5,
            promised_count=5,
            sent_at=now,
            reply_by=now + timedelta(minutes=10),
        )
    )
    role = session.get(CallUpRole, made.roles[0])
    assert role is not None
    role.taken_count = 5


def test_after_a_stand_down_a_yes_takes_no_place(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    vera = make.summons(made, person(cast, "vera"), reply_by=clock.now() - timedelta(minutes=1))
    stand_down(deed=deed_of(cast, "alice"), call_up=made.public_id)
    with pytest.raises(Exception, match="call_up_stood_down"):
        answers.answer(
            deed=deed_of(cast, "vera"),
            answer=Answer(Reply.COMING),
            source=AnswerSource.APP,
            public_id=vera.public_id,
        )
    done = muster.check_in(deed=deed_of(cast, "vera"), call_up=made.public_id, code=_code(made))
    assert done.has_place, "whoever stands there all the same is received and counted"


def _code(made: MadeCallUp) -> str:
    from webapp.domain.mobilization.queries.muster import code_of  # noqa: PLC0415 - one use

    return code_of(made.public_id, 1)


@pytest.mark.parametrize(("name", "refusal"), [("bob", NotAllowed), ("charlie", NotFound)])
def test_only_who_steers_it_stands_it_down(cast: Cast, make: Factory, name, refusal) -> None:
    made = make.call_up(cast.community)
    with pytest.raises(refusal):
        stand_down(deed=deed_of(cast, name), call_up=made.public_id)


# --- closing ------------------------------------------------------------------------------------------------


def test_every_yes_ends_mustered_let_go_or_overdue_and_the_history_is_written_once(
    cast: Cast, make: Factory
) -> None:
    now = clock.now()
    made = make.call_up(
        cast.community,
        roles=((None, 9),),
        state=CallUpState.ENDED,
        started_at=now - timedelta(hours=20),
        starts_at=now - timedelta(hours=19),
        ends_at=now - timedelta(hours=13),
    )
    sent = {"sent_at": now - timedelta(hours=20), "reply_by": now - timedelta(hours=19, minutes=50)}
    early = {"answered_at": now - timedelta(hours=19, minutes=55)} | sent
    late = {"answered_at": now - timedelta(hours=19)} | sent
    came = there(now - timedelta(hours=19))
    vera = make.summons(made, person(cast, "vera"), state=COMING, **early, **came)
    tess = make.summons(made, person(cast, "tess"), state=COMING, **early)
    bob = make.summons(made, person(cast, "bob"), state=COMING, **late, **came)
    viktor = make.summons(made, person(cast, "viktor"), state=SummonsState.QUEUED, **early)
    fern = make.summons(made, person(cast, "fern"), **sent)
    assert closing.close_books(now=now) == 1
    assert closing.close_books(now=now) == 0
    assert call_up_of(made).state is CallUpState.CLOSED
    assert row(vera).muster is MusterState.DEPARTED
    assert row(vera).departed_at == call_up_of(made).ends_at
    assert (row(tess).state, row(tess).muster) == (COMING, MusterState.OVERDUE)
    assert row(viktor).state is STOOD_DOWN
    assert row(fern).state is SummonsState.MISSED
    assert told() == [], "twelve hours after the end nobody is woken to be thanked"
    found = {name: reservist(cast, name) for name in ("vera", "tess", "bob", "viktor", "fern")}
    assert {name: (each.call_count, each.yes_count) for name, each in found.items()} == {
        "vera": (1, 1),
        "tess": (1, 1),
        "bob": (1, 0),  # after the window: missing
        "viktor": (1, 1),
        "fern": (1, 0),
    }
    assert all((each.drill_count, each.drill_yes_count) == (0, 0) for each in found.values())
    assert found["vera"].last_mustered_at == row(vera).arrived_at
    assert found["tess"].last_mustered_at is None
    assert found["fern"].last_called_at == row(fern).sent_at
    assert found["fern"].last_answered_at is None
    assert found["bob"].last_answered_at == row(bob).answered_at


def test_a_drill_feeds_its_own_pair_of_counts(cast: Cast, make: Factory) -> None:
    now = clock.now()
    made = make.call_up(cast.community, is_drill=True, started_at=now - timedelta(hours=1))
    make.summons(made, person(cast, "vera"), state=COMING)
    make.summons(made, person(cast, "viktor"))
    closing.close_call_up(deed=deed_of(cast, "alice"), call_up=made.public_id)
    vera, viktor = reservist(cast, "vera"), reservist(cast, "viktor")
    assert (vera.drill_count, vera.drill_yes_count, vera.call_count) == (1, 1, 0)
    assert (viktor.drill_count, viktor.drill_yes_count) == (1, 0)
    assert vera.last_drilled_at is not None
    assert vera.last_called_at is None


def test_who_was_let_go_unasked_and_who_walked_in_count_as_no_call(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, roles=((None, 9),))
    make.summons(made, person(cast, "vera"))
    muster.check_in(deed=deed_of(cast, "viktor"), call_up=made.public_id, code=_code(made))
    stand_down(deed=deed_of(cast, "alice"), call_up=made.public_id)
    closing.close_call_up(deed=deed_of(cast, "alice"), call_up=made.public_id)
    vera, viktor = reservist(cast, "vera"), reservist(cast, "viktor")
    assert (vera.call_count, vera.last_called_at) == (0, None)
    assert (viktor.call_count, viktor.yes_count) == (0, 0)
    assert viktor.last_mustered_at is not None


def test_closing_before_the_end_thanks_who_waits_and_frees_their_time(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, roles=((None, 1),))
    make.summons(made, person(cast, "vera"), state=COMING)
    make.summons(made, person(cast, "viktor"), state=SummonsState.QUEUED)
    closing.close_call_up(deed=deed_of(cast, "alice"), call_up=made.public_id)
    assert told() == [person(cast, "viktor")]
    assert all_of(select(Commitment.__table__)) == []
    with pytest.raises(Conflict, match="call_up_moved_on"):
        closing.close_call_up(deed=deed_of(cast, "alice"), call_up=made.public_id)


def test_the_books_close_by_themselves_when_everybody_has_left(cast: Cast, make: Factory) -> None:
    now = clock.now()
    made = make.call_up(
        cast.community,
        state=CallUpState.ENDED,
        started_at=now - timedelta(hours=2),
        starts_at=now - timedelta(hours=1),
    )
    make.summons(made, person(cast, "vera"), state=COMING, **there(now - timedelta(hours=1)))
    assert closing.close_books(now=now) == 0, "somebody is still there"
    muster.check_out(deed=deed_of(cast, "vera"), call_up=made.public_id, code=_code(made))
    assert closing.close_books(now=clock.now()) == 1


def test_a_call_up_that_runs_is_not_closed_before_its_time(cast: Cast, make: Factory) -> None:
    make.call_up(cast.community)
    make.call_up(cast.community, state=CallUpState.DRAFT)
    assert closing.close_books(now=clock.now()) == 0


# --- report -------------------------------------------------------------------------------------------------


def test_the_report_says_what_was_wanted_before_a_role_was_stood_down(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community, roles=((None, 5),), starts_at=clock.now() + timedelta(hours=1))
    make.summons(made, person(cast, "vera"), state=COMING)
    make.summons(made, person(cast, "tess"), state=COMING, **there(clock.now()))
    stand_down(deed=deed_of(cast, "alice"), call_up=made.public_id, role=role_of(made).public_id)
    found = report.get_report(actor=cast.actor("alice"), public_id=made.public_id, now=clock.now())
    only = found.roles[0]
    assert (only.wanted, only.said_yes, only.mustered, only.stood_down) == (5, 2, 1, 1)
    assert not found.is_final
    assert [each.total for each in found.curves] == [2, 2, 1]
    team = found.organisations[0]
    assert (team.name, team.summoned, team.said_yes, team.mustered) == ("红马甲", 2, 2, 1)
    with pytest.raises(NotFound):
        report.get_report(actor=cast.actor("tess"), public_id=made.public_id, now=clock.now())


def test_the_figures_of_closed_books_stand_when_the_messages_are_forgotten(cast: Cast, make: Factory) -> None:
    made = make.call_up(cast.community)
    silent = make.summons(made, person(cast, "vera"))
    _enqueue([silent])
    message = outbox.take_due(now=clock.now(), limit=1, may_repeat=True)[0]
    outbox.settle(message=message, state=outbox.MessageState.SENT, now=clock.now())
    closing.close_call_up(deed=deed_of(cast, "alice"), call_up=made.public_id)
    actor = cast.actor("alice")
    before = report.get_report(actor=actor, public_id=made.public_id, now=clock.now())
    assert (before.score.notified, before.score.acknowledged) == (1, 0)
    outbox.sweep(before=clock.now() + timedelta(days=1))
    after = report.get_report(actor=actor, public_id=made.public_id, now=clock.now())
    assert after.score == before.score
    assert after.is_final
    assert all_of(select(CallUpEvent.__table__))
