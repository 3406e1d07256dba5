"""Placing, changing and cancelling orders; the stock, the queue and what is told."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken
from webapp.base.outbox import OutboxMessage
from webapp.base.permissions import Role
from webapp.domain.households.models import HouseholdState, MemberState
from webapp.domain.supplies import services
from webapp.domain.supplies.models import Order, OrderLine, RoundBag, RoundBuilding
from webapp.domain.supplies.rules import OrderState, RoundState, Wish

pytestmark = pytest.mark.db


@db.reading
def rows(model, **where):
    statement = select(model.__table__)
    for name, value in where.items():
        statement = statement.where(getattr(model, name) == value)
    return db.connection().execute(statement.order_by(model.__table__.c.id)).all()


@db.reading
def buildings(the_round):
    table = RoundBuilding.__table__
    statement = select(table).where(table.c.round_id == the_round.id)
    return {row.area_id: row for row in db.connection().execute(statement)}


@db.reading
def ensure_books_balance():
    """Every bag taken is a line that has it, and never more than there are."""
    given = (
        select(OrderLine.round_bag_id, func.sum(OrderLine.given_count).label("given"))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.state == OrderState.LIVE)
        .group_by(OrderLine.round_bag_id)
    )
    by_bag = {row.round_bag_id: row.given for row in db.connection().execute(given)}
    for bag in db.connection().execute(select(RoundBag.__table__)):
        assert bag.taken_count == by_bag.get(bag.id, 0)
        assert bag.capacity is None or bag.taken_count <= bag.capacity


@pytest.fixture
def books(in_app):
    yield
    ensure_books_balance()


def wish(the_round, count=1, *, bag=0, price_version=1, **more):
    return Wish(round_bag=the_round.bags[bag], count=count, price_version=price_version, **more)


def place(cast, name, the_round, *wishes, household=None, opened_at=None, **overrides):
    home = household or {"ruth": cast.household, "ralf": cast.household, "rita": cast.neighbours}[name]
    return services.place_order(
        deed=make_deed(cast.actor(name), **overrides),
        round_public_id=the_round.public_id,
        household_public_id=home.public_id,
        lines=wishes or (wish(the_round),),
        opened_at=opened_at,
    )


def templates():
    return [row.template for row in rows(OutboxMessage)]


def test_an_order_takes_the_stock_leaves_a_line_and_a_message(cast, make, books):
    the_round = make.round(cast.community, bags=({"capacity": 5},), buildings=(cast.building,))
    placed = place(cast, "ruth", the_round, wish(the_round, 2, no_substitute=True))
    assert not placed.is_waiting
    (order,) = rows(Order)
    assert (order.number, order.public_id, order.total_fen) == (placed.number, placed.public_id, 6000)
    (line,) = rows(OrderLine)
    assert (line.wanted_count, line.given_count, line.no_substitute, line.waiting_since) == (2, 2, True, None)
    (bag,) = rows(RoundBag)
    assert bag.taken_count == 2
    assert buildings(the_round)[cast.building.id].ordered_count == 1
    (entry,) = rows(AuditEntry, verb="place_order")
    assert entry.object_id == order.id
    (message,) = rows(OutboxMessage)
    assert message.template == "ordered"
    assert json.loads(message.parameters)["number"] == placed.number


def test_an_order_takes_about_ten_statements(cast, make, books, queries):
    the_round = make.round(cast.community)
    actor = cast.actor("ruth")
    queries.statements.clear()
    services.place_order(
        deed=make_deed(actor),
        round_public_id=the_round.public_id,
        household_public_id=cast.household.public_id,
        lines=(wish(the_round),),
    )
    assert queries.count <= 10


def test_the_same_key_is_the_same_order(cast, make, books):
    the_round = make.round(cast.community)
    first = place(cast, "ruth", the_round, key="the-same-key-twice")
    again = place(cast, "ruth", the_round, key="the-same-key-twice")
    assert again == first
    assert len(rows(Order)) == 1
    assert templates() == ["ordered"]


def test_a_key_with_another_body_is_refused(cast, make, books):
    the_round = make.round(cast.community)
    place(cast, "ruth", the_round, key="the-same-key-twice")
    with pytest.raises(RuleBroken) as refused:
        place(cast, "ruth", the_round, key="the-same-key-twice", fingerprint="other")
    assert refused.value.code == "key_reused"


def test_a_repeat_of_an_order_that_was_cancelled_says_so(cast, make, books):
    the_round = make.round(cast.community)
    placed = place(cast, "ruth", the_round, key="the-same-key-twice")
    services.cancel_order(deed=make_deed(cast.actor("ruth")), order_public_id=placed.public_id)
    with pytest.raises(Conflict) as refused:
        place(cast, "ruth", the_round, key="the-same-key-twice")
    assert refused.value.code == "order_changed_since"


def test_the_second_member_learns_of_the_order_that_stands(cast, make, books):
    the_round = make.round(cast.community)
    placed = place(cast, "ruth", the_round)
    with pytest.raises(Conflict) as refused:
        place(cast, "ralf", the_round, wish(the_round, 2))
    assert refused.value.code == "already_ordered"
    assert refused.value.params["confirm"] == {"order": placed.public_id, "version": "1"}
    assert [line.wanted_count for line in rows(OrderLine)] == [1]


def test_the_last_bag_is_sold_once_and_the_next_waits(cast, make, books):
    the_round = make.round(cast.community, bags=({"capacity": 1},))
    assert not place(cast, "ruth", the_round).is_waiting
    assert place(cast, "rita", the_round).is_waiting
    assert [(line.given_count, line.waiting_since is None) for line in rows(OrderLine)] == [
        (1, True),
        (0, False),
    ]
    assert templates() == ["ordered", "waiting"]


def test_half_of_a_wish_is_given_and_the_rest_waits(cast, make, books):
    the_round = make.round(cast.community, bags=({"capacity": 1},))
    assert place(cast, "ruth", the_round, wish(the_round, 2)).is_waiting
    (line,) = rows(OrderLine)
    assert (line.wanted_count, line.given_count) == (2, 1)


def test_a_cancelled_bag_goes_to_the_first_in_the_queue_and_tells_them(cast, make, books):
    the_round = make.round(cast.community, bags=({"capacity": 1},), buildings=(cast.building,))
    nora = make.household(cast.building, number="601", members={cast.people["nora"]: MemberState.CONFIRMED})
    placed = place(cast, "ruth", the_round)
    second = place(cast, "rita", the_round)
    place(cast, "nora", the_round, household=nora)
    services.cancel_order(deed=make_deed(cast.actor("ralf")), order_public_id=placed.public_id)
    given = {row.order_id: row.given_count for row in rows(OrderLine)}
    by_number = {row.public_id: row.id for row in rows(Order)}
    assert given[by_number[second.public_id]] == 1
    assert sum(given.values()) == 1
    assert templates().count("given") == 1
    assert buildings(the_round)[cast.building.id].ordered_count == 1


def test_a_smaller_order_frees_a_bag_for_the_queue(cast, make, books):
    the_round = make.round(cast.community, bags=({"capacity": 2},))
    placed = place(cast, "ruth", the_round, wish(the_round, 2))
    place(cast, "rita", the_round)
    changed = services.change_order(
        deed=make_deed(cast.actor("ralf")),
        order_public_id=placed.public_id,
        version=1,
        lines=(wish(the_round, 1),),
    )
    assert changed.number == placed.number
    assert [(row.wanted_count, row.given_count) for row in rows(OrderLine)] == [(1, 1), (1, 1)]


def test_a_change_of_what_somebody_changed_meanwhile_is_refused(cast, make, books):
    the_round = make.round(cast.community)
    placed = place(cast, "ruth", the_round)
    change = {"order_public_id": placed.public_id, "version": 1, "lines": (wish(the_round, 2),)}
    services.change_order(deed=make_deed(cast.actor("ruth")), **change)
    with pytest.raises(Conflict) as refused:
        services.change_order(deed=make_deed(cast.actor("ralf")), **change)
    assert refused.value.code == "changed_meanwhile"
    assert refused.value.params["confirm"] == {"version": "2"}


def test_a_repeated_change_is_answered_again(cast, make, books):
    the_round = make.round(cast.community)
    placed = place(cast, "ruth", the_round)
    for _ in range(2):
        changed = services.change_order(
            deed=make_deed(cast.actor("ruth"), key="the-change-key"),
            order_public_id=placed.public_id,
            version=1,
            lines=(wish(the_round, 2),),
        )
    assert changed.public_id == placed.public_id
    assert [row.version for row in rows(Order)] == [2]


@pytest.mark.parametrize(
    ("count", "limits", "code"),
    [
        (3, {"household_limit": 2}, "over_bag_limit"),
        (0, {}, "nothing_chosen"),
    ],
)
def test_limits_hold(cast, make, books, count, limits, code):
    the_round = make.round(cast.community, bags=(limits,), household_limit=9)
    with pytest.raises(RuleBroken) as refused:
        place(cast, "ruth", the_round, wish(the_round, count))
    assert refused.value.code == code
    assert rows(Order) == []


def test_the_limit_of_the_round_counts_all_bags(cast, make, books):
    the_round = make.round(cast.community, bags=({"name": "A"}, {"name": "B"}), household_limit=2)
    with pytest.raises(RuleBroken) as refused:
        place(cast, "ruth", the_round, wish(the_round, 2), wish(the_round, 1, bag=1))
    assert refused.value.code == "over_round_limit"


def test_who_waits_to_be_confirmed_may_have_one_basic_bag(cast, make, books):
    the_round = make.round(cast.community, bags=({"name": "A"}, {"name": "B"}), buildings=(cast.building,))
    home = cast.waiting_household
    with pytest.raises(RuleBroken) as refused:
        place(cast, "wang", the_round, wish(the_round, 2), household=home)
    assert refused.value.code == "only_basic_bag"
    with pytest.raises(RuleBroken) as refused:
        place(cast, "wang", the_round, wish(the_round, 1, bag=1), household=home)
    assert refused.value.code == "only_basic_bag"
    place(cast, "wang", the_round, household=home)
    counted = buildings(the_round)[cast.building.id]
    assert (counted.household_count, counted.ordered_count) == (3, 1)


@pytest.mark.parametrize("name", ["rita", "remo", "wang", "charlie", "adam"])
def test_nobody_orders_for_a_foreign_household(cast, make, books, name):
    the_round = make.round(cast.community)
    with pytest.raises(NotFound):
        place(cast, name, the_round, household=cast.household)


def test_who_may_only_look_may_not_order(cast, make, books):
    the_round = make.round(cast.community)
    with pytest.raises(NotAllowed):
        place(cast, "dora", the_round, household=cast.household)


def test_the_head_orders_for_a_household(cast, make, books):
    the_round = make.round(cast.community)
    place(cast, "alice", the_round, household=cast.household)
    (order,) = rows(Order)
    assert (order.channel, order.placed_by_person_id) == ("assisted", None)
    assert templates() == ["ordered"]


def test_a_round_of_another_community_is_not_found(cast, make, books):
    the_round = make.round(cast.other_community)
    with pytest.raises(NotFound):
        place(cast, "ruth", the_round)


def test_a_building_that_is_not_served_is_told(cast, make, books):
    the_round = make.round(cast.community)

    @db.writing
    def only_the_other():
        from webapp.domain.supplies.models import RoundArea  # noqa: PLC0415

        area = cast.other_building
        db.connection().execute(RoundArea.__table__.update().values(area_id=area.id, area_path=area.path))

    only_the_other()
    with pytest.raises(RuleBroken) as refused:
        place(cast, "ruth", the_round)
    assert refused.value.code == "round_does_not_serve"
    place(cast, "rita", the_round)


def test_a_price_that_changed_is_asked_again(cast, make, books):
    the_round = make.round(cast.community)
    services.change_round_bag(
        deed=make_deed(cast.actor("alice")),
        round_public_id=the_round.public_id,
        round_bag_public_id=the_round.bags[0],
        price_fen=2550,
        capacity=None,
    )
    with pytest.raises(Conflict) as refused:
        place(cast, "ruth", the_round)
    assert refused.value.code == "price_changed"
    assert refused.value.params["price"] == "25.50"
    assert refused.value.params["confirm"] == {f"price_version-{the_round.bags[0]}": "2"}
    place(cast, "ruth", the_round, wish(the_round, price_version=2))
    assert [row.price_fen for row in rows(OrderLine)] == [2550]


def test_a_form_opened_before_the_cut_off_is_honoured_within_the_grace(cast, make, books):
    now = clock.now()
    the_round = make.round(cast.community, cuts_off_at=now - timedelta(minutes=4))
    placed = place(cast, "ruth", the_round, opened_at=now - timedelta(minutes=5))
    assert not placed.is_waiting
    assert not placed.is_late


@pytest.mark.parametrize("opened", [None, timedelta(minutes=3), timedelta(minutes=7)])
def test_who_comes_too_late_is_queued(cast, make, books, opened):
    now = clock.now()
    cut = now - (timedelta(minutes=6) if opened == timedelta(minutes=7) else timedelta(minutes=4))
    the_round = make.round(cast.community, cuts_off_at=cut)
    placed = place(cast, "ruth", the_round, opened_at=now - opened if opened else None)
    assert placed.is_waiting
    assert placed.is_late
    assert [row.given_count for row in rows(OrderLine)] == [0]


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"state": RoundState.PACKING}, "round_over"),
        ({"state": RoundState.CANCELLED}, "round_over"),
        ({"opens_at": timedelta(hours=1)}, "not_open_yet"),
    ],
)
def test_a_round_that_takes_no_orders_says_why(cast, make, books, columns, code):
    columns = {
        name: clock.now() + value if isinstance(value, timedelta) else value
        for name, value in columns.items()
    }
    the_round = make.round(cast.community, **columns)
    with pytest.raises(Conflict) as refused:
        place(cast, "ruth", the_round)
    assert refused.value.code == code


def test_after_the_cut_off_only_staff_change_and_cancel_with_a_reason(cast, make, books):
    the_round = make.round(cast.community)
    placed = place(cast, "ruth", the_round)
    with clock.set_for_test(clock.now() + timedelta(hours=5)):
        for deed in (make_deed(cast.actor("ruth")),):
            with pytest.raises(Conflict) as refused:
                services.cancel_order(deed=deed, order_public_id=placed.public_id)
            assert refused.value.code == "too_late_to_change"
        with pytest.raises(RuleBroken) as broken:
            services.cancel_order(deed=make_deed(cast.actor("alice")), order_public_id=placed.public_id)
        assert broken.value.code == "reason_missing"
        services.cancel_order(
            deed=make_deed(cast.actor("alice"), reason="搬走了"), order_public_id=placed.public_id
        )
    (order,) = rows(Order)
    assert (order.state, order.cancel_reason) == ("cancelled", "搬走了")


def test_after_a_cancelled_order_the_household_may_order_again(cast, make, books):
    the_round = make.round(cast.community)
    placed = place(cast, "ruth", the_round)
    services.cancel_order(deed=make_deed(cast.actor("ruth")), order_public_id=placed.public_id)
    place(cast, "ruth", the_round)
    assert [row.state for row in rows(Order)] == ["cancelled", "live"]


@pytest.mark.parametrize("name", ["rita", "remo", "charlie"])
def test_nobody_touches_a_foreign_order(cast, make, books, name):
    the_round = make.round(cast.community)
    placed = place(cast, "ruth", the_round)
    with pytest.raises(NotFound):
        services.cancel_order(deed=make_deed(cast.actor(name)), order_public_id=placed.public_id)


def merge(cast):
    @db.writing
    def write():
        from webapp.domain.households.models import Household  # noqa: PLC0415

        db.connection().execute(
            Household.__table__.update()
            .where(Household.__table__.c.id == cast.waiting_household.id)
            .values(state=HouseholdState.MERGED, merged_into_id=cast.household.id)
        )

    write()


def test_the_order_of_a_merged_household_moves_to_the_real_one(cast, make, books):
    the_round = make.round(cast.community, buildings=(cast.building,))
    place(cast, "wang", the_round, household=cast.waiting_household)
    merge(cast)
    with pytest.raises(Conflict) as refused:
        place(cast, "ruth", the_round)
    assert refused.value.code == "already_ordered"
    assert services.tidy_merged_orders(now=clock.now()) == 1
    assert services.tidy_merged_orders(now=clock.now()) == 0
    (order,) = rows(Order)
    assert order.household_id == cast.household.id
    counted = buildings(the_round)[cast.building.id]
    assert (counted.household_count, counted.ordered_count) == (2, 1)


def test_the_order_of_a_merged_household_is_cancelled_where_the_real_one_has_one(cast, make, books):
    the_round = make.round(cast.community, bags=({"capacity": 2},))
    place(cast, "wang", the_round, household=cast.waiting_household)
    place(cast, "ruth", the_round)
    merge(cast)
    services.tidy_merged_orders(now=clock.now())
    assert [row.state for row in rows(Order)] == ["cancelled", "live"]
    assert templates()[-1] == "order_merged"
    assert [row.taken_count for row in rows(RoundBag)] == [1]


def test_a_role_elsewhere_gives_no_right_here(cast, make, books):
    the_round = make.round(cast.community)
    other = make.user("别处", roles={Role.COMMUNITY_HEAD: cast.other_community})
    cast.people["other"] = other
    with pytest.raises(NotFound):
        place(cast, "other", the_round, household=cast.household)
