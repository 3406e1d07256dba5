"""What a round allows, as tables over plain values."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from webapp.base.errors import Conflict, RuleBroken
from webapp.domain.supplies.rules import (
    STEPS,
    BagPlan,
    Offer,
    Ordering,
    OrderPhase,
    OrderState,
    RoundKind,
    RoundState,
    Standing,
    Step,
    Waiting,
    Wish,
    can_change,
    deal,
    ensure_round_plan,
    ensure_takes_orders,
    free_count,
    lines_of,
    next_step,
    order_phase,
    ordering_state,
    yuan,
)

CUT = datetime(2022, 5, 11, 12, 0, tzinfo=UTC)
OPENS = CUT - timedelta(hours=10)


def minutes(count):
    return CUT + timedelta(minutes=count)


@pytest.mark.parametrize(
    ("now", "opened", "expected"),
    [
        (-601, None, Ordering.NOT_YET),
        (-601, -602, Ordering.NOT_YET),
        (-1, None, Ordering.OPEN),
        (0, None, Ordering.OPEN),
        (1, None, Ordering.LATE),
        (1, -1, Ordering.GRACE),
        (1, 0, Ordering.GRACE),
        (5, 0, Ordering.GRACE),
        (5, 0.1, Ordering.LATE),
        (5.1, 0, Ordering.LATE),
        (5.1, -300, Ordering.LATE),
    ],
)
@pytest.mark.parametrize("state", [RoundState.OPEN, RoundState.CLOSED])
def test_the_instant_decides_and_not_the_state(state, now, opened, expected):
    found = ordering_state(
        state=state,
        opens_at=OPENS,
        cuts_off_at=CUT,
        grace_seconds=300,
        now=minutes(now),
        opened_at=None if opened is None else minutes(opened),
    )
    assert found is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (RoundState.DRAFT, Ordering.NOT_YET),
        (RoundState.PACKING, Ordering.OVER),
        (RoundState.OUT, Ordering.OVER),
        (RoundState.DONE, Ordering.OVER),
        (RoundState.CANCELLED, Ordering.OVER),
    ],
)
def test_states_in_which_nothing_is_taken(state, expected):
    found = ordering_state(
        state=state, opens_at=OPENS, cuts_off_at=CUT, grace_seconds=300, now=minutes(-1), opened_at=None
    )
    assert found is expected
    with pytest.raises(Conflict):
        ensure_takes_orders(found)


def test_who_may_still_change():
    may = {pair for pair in product(Ordering, (False, True)) if can_change(pair[0], is_assisted=pair[1])}
    assert may == {
        (Ordering.OPEN, False),
        (Ordering.OPEN, True),
        (Ordering.GRACE, False),
        (Ordering.GRACE, True),
        (Ordering.LATE, True),
    }


A = Offer(1, "a", "A", 3000, 2, 2, is_basic=True)
B = Offer(2, "b", "B", 5000, 1, 3, is_basic=False)


def lines(*wishes, limit=4, is_confirmed=True, standing=None):
    return lines_of(wishes, [B, A], round_limit=limit, is_confirmed=is_confirmed, standing=standing)


def test_lines_come_in_the_order_of_the_bags_at_the_price_that_was_read():
    found = lines(Wish("b", 1, 1), Wish("a", 2, 2, no_substitute=True))
    assert [(line.offer.id, line.count, line.price_fen, line.no_substitute) for line in found] == [
        (1, 2, 3000, True),
        (2, 1, 5000, False),
    ]


@pytest.mark.parametrize(
    ("wishes", "options", "code"),
    [
        ([], {}, "nothing_chosen"),
        ([Wish("a", 0, 2)], {}, "nothing_chosen"),
        ([Wish("a", -1, 2)], {}, "count_wrong"),
        ([Wish("x", 1, 1)], {}, "bag_not_in_round"),
        ([Wish("a", 1, 2), Wish("a", 1, 2)], {}, "bag_not_in_round"),
        ([Wish("a", 3, 2)], {}, "over_bag_limit"),
        ([Wish("a", 2, 2), Wish("b", 3, 1)], {}, "over_round_limit"),
        ([Wish("a", 2, 2)], {"is_confirmed": False}, "only_basic_bag"),
        ([Wish("b", 1, 1)], {"is_confirmed": False}, "only_basic_bag"),
    ],
)
def test_wishes_that_are_refused(wishes, options, code):
    with pytest.raises(RuleBroken) as refused:
        lines(*wishes, **options)
    assert refused.value.code == code


@pytest.mark.parametrize("version", [1, 3, 0])
def test_another_price_than_the_one_read_is_asked_again(version):
    with pytest.raises(Conflict) as refused:
        lines(Wish("a", 1, version))
    assert refused.value.code == "price_changed"
    assert refused.value.params == {"price": "30.00", "confirm": {"price_version-a": "2"}}


def test_what_does_not_grow_keeps_the_price_it_was_ordered_at():
    standing = {1: Standing(2, 2500, 1)}
    assert lines(Wish("a", 1, 1), standing=standing)[0].price_fen == 2500
    with pytest.raises(Conflict):
        lines(Wish("a", 2, 1), standing={1: Standing(1, 2500, 1)})
    assert lines(Wish("a", 2, 2), standing={1: Standing(1, 2500, 1)})[0].price_fen == 3000


@pytest.mark.parametrize(
    ("capacity", "taken", "wanted", "expected"),
    [(None, 999, 3, 3), (5, 5, 1, 0), (5, 4, 2, 1), (5, 0, 2, 2), (0, 0, 1, 0)],
)
def test_what_can_still_be_given(capacity, taken, wanted, expected):
    assert free_count(capacity=capacity, taken=taken, wanted=wanted) == expected


@pytest.mark.parametrize(
    ("queue", "free", "expected"),
    [
        ([(1, 1), (2, 1)], 1, [(1, 1)]),
        ([(1, 2), (2, 1)], 1, [(1, 1)]),
        ([(1, 2), (2, 1)], 3, [(1, 2), (2, 1)]),
        ([(1, 2), (2, 1)], 9, [(1, 2), (2, 1)]),
        ([], 3, []),
        ([(1, 1)], 0, []),
    ],
)
def test_the_first_in_the_queue_is_served_first(queue, free, expected):
    assert deal([Waiting(*each) for each in queue], free) == expected


def test_the_steps_form_one_chain():
    chain = [RoundState.DRAFT]
    while (step := next_step(chain[-1])) is not None:
        chain.append(STEPS[step][1])
    assert chain == [
        RoundState.DRAFT,
        RoundState.OPEN,
        RoundState.CLOSED,
        RoundState.PACKING,
        RoundState.OUT,
        RoundState.DONE,
    ]
    assert next_step(RoundState.CANCELLED) is None
    assert set(STEPS) == set(Step)


@pytest.mark.parametrize(
    ("state", "given", "expected"),
    [
        (RoundState.OPEN, 1, OrderPhase.RECEIVED),
        (RoundState.OPEN, 0, OrderPhase.WAITING),
        (RoundState.CLOSED, 1, OrderPhase.RECEIVED),
        (RoundState.CLOSED, 0, OrderPhase.WAITING),
        (RoundState.PACKING, 1, OrderPhase.PACKING),
        (RoundState.PACKING, 0, OrderPhase.NOT_GIVEN),
        (RoundState.OUT, 1, OrderPhase.OUT),
        (RoundState.OUT, 0, OrderPhase.NOT_GIVEN),
        (RoundState.DONE, 2, OrderPhase.DONE),
        (RoundState.CANCELLED, 1, OrderPhase.CANCELLED),
    ],
)
def test_a_household_reads_what_is_so(state, given, expected):
    assert order_phase(order=OrderState.LIVE, round_state=state, wanted=2, given=given) is expected
    cancelled = order_phase(order=OrderState.CANCELLED, round_state=state, wanted=2, given=given)
    assert cancelled is OrderPhase.CANCELLED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"now": minutes(0)}, "cut_off_in_the_past"),
        ({"opens_at": CUT}, "cut_off_before_opening"),
        ({"bags": []}, "no_bags"),
        ({"kind": RoundKind.LIMITED}, "capacity_missing"),
    ],
)
def test_plans_that_are_refused(changes, code):
    plan = {
        "kind": RoundKind.REGISTRATION,
        "opens_at": OPENS,
        "cuts_off_at": CUT,
        "now": OPENS,
        "bags": [BagPlan("a", 0, None, 1)],
    }
    ensure_round_plan(**plan)
    with pytest.raises(RuleBroken) as refused:
        ensure_round_plan(**(plan | changes))
    assert refused.value.code == code


@pytest.mark.parametrize(("fen", "said"), [(0, "0.00"), (5, "0.05"), (3050, "30.50")])
def test_fen_as_yuan(fen, said):
    assert yuan(fen) == said
