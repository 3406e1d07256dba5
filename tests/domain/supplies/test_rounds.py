"""A round from draft to done: who may, in which order, what closes, who gets what is left."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken
from webapp.domain.supplies import services
from webapp.domain.supplies.models import Bag, BagItem, Order, OrderLine, Round, RoundBag, RoundBuilding
from webapp.domain.supplies.queries import head
from webapp.domain.supplies.rules import BagPlan, DeliveryWindow, RoundKind, RoundState, Wish

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]


@db.reading
def rows(model):
    table = model.__table__
    return db.connection().execute(select(table).order_by(*table.primary_key.columns)).all()


def place(cast, name, household, the_round, count=1, **overrides):
    return services.place_order(
        deed=make_deed(cast.actor(name), **overrides),
        round_public_id=the_round if isinstance(the_round, str) else the_round.public_id,
        household_public_id=household.public_id,
        lines=(Wish(rows(RoundBag)[-1].public_id, count, 1),),
    )


@pytest.fixture
def bag(cast):
    return services.save_bag(
        deed=make_deed(cast.actor("alice")),
        area_public_id=cast.community.public_id,
        bag_public_id=None,
        name="蔬菜包A",
        name_en="Bag A",
        is_basic=True,
        is_offered=True,
        items=[services.ItemPlan("土豆", "", "斤", 2), services.ItemPlan("鸡蛋", "30枚", "板", 1)],
    )


def plan(cast, bag, **changes):
    now = clock.now()
    values = {
        "area": cast.community.public_id,
        "kind": RoundKind.REGISTRATION,
        "delivers_on": clock.day(now + timedelta(days=1)),
        "delivery_window": DeliveryWindow.MORNING,
        "opens_at": None,
        "cuts_off_at": now + timedelta(hours=4),
        "household_limit": 2,
        "bags": (BagPlan(bag, 3000, None, 2),),
    } | changes
    return services.RoundPlan(**values)


def make_open(cast, bag, **changes):
    alice = cast.actor("alice")
    public_id = services.make_round(deed=make_deed(alice), plan=plan(cast, bag, **changes))
    services.open_round(deed=make_deed(alice), round_public_id=public_id)
    return public_id


STEPS = [
    services.open_round,
    services.close_round,
    services.start_packing,
    services.send_out_round,
    services.finish_round,
]


def test_a_round_goes_from_draft_to_done_one_step_after_the_other(cast, bag):
    alice = cast.actor("alice")
    public_id = services.make_round(deed=make_deed(alice), plan=plan(cast, bag))
    seen = [rows(Round)[0].state]
    for position, step in enumerate(STEPS):
        for other in STEPS[:position] + STEPS[position + 1 :]:
            with pytest.raises(Conflict) as refused:
                other(deed=make_deed(alice), round_public_id=public_id)
            assert refused.value.code == "round_state_wrong"
        step(deed=make_deed(alice), round_public_id=public_id)
        seen.append(rows(Round)[0].state)
    assert seen == [
        RoundState.DRAFT,
        RoundState.OPEN,
        RoundState.CLOSED,
        RoundState.PACKING,
        RoundState.OUT,
        RoundState.DONE,
    ]
    verbs = [entry.verb for entry in rows(AuditEntry) if entry.kind == "round"]
    assert verbs == [
        "make_round",
        "open_round",
        "close_round",
        "pack_round",
        "send_out_round",
        "finish_round",
    ]


def test_pressing_twice_is_one_step(cast, bag):
    public_id = services.make_round(deed=make_deed(cast.actor("alice")), plan=plan(cast, bag))
    for _ in range(2):
        services.open_round(
            deed=make_deed(cast.actor("alice"), key="pressed-twice"), round_public_id=public_id
        )
    assert rows(Round)[0].state == RoundState.OPEN


def test_opening_writes_down_how_many_live_in_each_building(cast, bag):
    make_open(cast, bag)
    counts = {row.area_id: (row.household_count, row.ordered_count) for row in rows(RoundBuilding)}
    assert counts == {cast.building.id: (1, 0), cast.other_building.id: (1, 0)}


def test_a_round_may_serve_some_buildings_only(cast, bag):
    public_id = make_open(cast, bag, areas=(cast.building.public_id,))
    assert [row.area_id for row in rows(RoundBuilding)] == [cast.building.id]
    place(cast, "ruth", cast.household, public_id)
    with pytest.raises(RuleBroken) as refused:
        place(cast, "rita", cast.neighbours, public_id)
    assert refused.value.code == "round_does_not_serve"


def test_a_round_belongs_to_a_community_and_to_nothing_below_it(cast, bag):
    with pytest.raises(NotFound):
        services.make_round(
            deed=make_deed(cast.actor("alice")), plan=plan(cast, bag, area=cast.building.public_id)
        )


@pytest.mark.parametrize("area", ["foreign_building", "other_community"])
def test_nothing_of_another_community_gets_into_a_round(cast, bag, area):
    with pytest.raises(NotFound):
        services.make_round(
            deed=make_deed(cast.actor("alice")),
            plan=plan(cast, bag, areas=(getattr(cast, area).public_id,)),
        )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cuts_off_at": timedelta(hours=-1)}, "cut_off_in_the_past"),
        ({"opens_at": timedelta(hours=5)}, "cut_off_before_opening"),
        ({"bags": ()}, "no_bags"),
        ({"kind": RoundKind.LIMITED}, "capacity_missing"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(cast, bag, changes, code):
    changes = {
        name: clock.now() + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    with pytest.raises(RuleBroken) as refused:
        services.make_round(deed=make_deed(cast.actor("alice")), plan=plan(cast, bag, **changes))
    assert refused.value.code == code
    assert rows(Round) == []


@pytest.mark.parametrize(
    ("name", "error"), [("bob", NotAllowed), ("dora", NotAllowed), ("charlie", NotFound), ("ruth", NotFound)]
)
def test_only_the_head_of_the_community_leads_its_rounds(cast, bag, name, error):
    public_id = make_open(cast, bag)
    with pytest.raises(error):
        services.close_round(deed=make_deed(cast.actor(name)), round_public_id=public_id)
    with pytest.raises(NotFound):
        services.make_round(deed=make_deed(cast.actor(name)), plan=plan(cast, bag))


def test_closing_a_registration_buys_what_was_registered_and_the_late_wait(cast, bag):
    public_id = make_open(cast, bag)
    place(cast, "ruth", cast.household, public_id, 2)
    with clock.set_for_test(clock.now() + timedelta(hours=4, minutes=6)):
        services.close_round(deed=make_deed(cast.actor("alice")), round_public_id=public_id)
        (round_bag,) = rows(RoundBag)
        assert (round_bag.capacity, round_bag.taken_count) == (2, 2)
        late = place(cast, "rita", cast.neighbours, public_id)
    assert late.is_late
    assert late.is_waiting


def test_a_form_opened_before_an_early_cut_off_still_counts_within_the_grace(cast, bag):
    public_id = make_open(cast, bag)
    opened_at = clock.now()
    place(cast, "ruth", cast.household, public_id)
    services.close_round(deed=make_deed(cast.actor("alice")), round_public_id=public_id)
    honoured = services.place_order(
        deed=make_deed(cast.actor("rita")),
        round_public_id=public_id,
        household_public_id=cast.neighbours.public_id,
        lines=(Wish(rows(RoundBag)[0].public_id, 1, 1),),
        opened_at=opened_at,
    )
    assert not honoured.is_waiting
    assert rows(RoundBag)[0].capacity is None
    services.tidy_rounds(now=clock.now() + timedelta(minutes=6))
    (round_bag,) = rows(RoundBag)
    assert (round_bag.capacity, round_bag.taken_count) == (2, 2)


def test_what_a_late_household_waits_for_comes_when_the_head_has_more(cast, bag):
    public_id = make_open(cast, bag)
    place(cast, "ruth", cast.household, public_id)
    services.close_round(deed=make_deed(cast.actor("alice")), round_public_id=public_id)
    place(cast, "rita", cast.neighbours, public_id)
    services.change_round_bag(
        deed=make_deed(cast.actor("alice")),
        round_public_id=public_id,
        round_bag_public_id=rows(RoundBag)[0].public_id,
        price_fen=3000,
        capacity=5,
    )
    assert [row.given_count for row in rows(OrderLine)] == [1, 1]
    assert rows(RoundBag)[0].taken_count == 2


def test_capacity_never_falls_below_what_is_taken(cast, bag):
    public_id = make_open(cast, bag, kind=RoundKind.LIMITED, bags=(BagPlan(bag, 0, 5, 2),))
    place(cast, "ruth", cast.household, public_id, 2)
    with pytest.raises(RuleBroken) as refused:
        services.change_round_bag(
            deed=make_deed(cast.actor("alice")),
            round_public_id=public_id,
            round_bag_public_id=rows(RoundBag)[0].public_id,
            price_fen=0,
            capacity=1,
        )
    assert refused.value.code == "capacity_below_taken"


def test_the_worker_closes_after_cut_off_and_grace_and_gives_what_is_left(cast, make):
    now = clock.now()
    the_round = make.round(cast.community, bags=({"capacity": 1},), cuts_off_at=now - timedelta(seconds=200))
    late = place(cast, "ruth", cast.household, the_round)
    assert late.is_waiting
    assert services.tidy_rounds(now=now) == 0
    assert services.tidy_rounds(now=now + timedelta(seconds=101)) == 1
    assert services.tidy_rounds(now=now + timedelta(seconds=102)) == 0
    assert rows(Round)[0].state == RoundState.CLOSED
    assert rows(OrderLine)[0].given_count == 1
    assert rows(RoundBag)[0].taken_count == 1


def test_closing_early_moves_the_cut_off(cast, bag):
    public_id = make_open(cast, bag)
    services.close_round(deed=make_deed(cast.actor("alice")), round_public_id=public_id)
    assert rows(Round)[0].cuts_off_at <= clock.now()


def test_the_figures_of_a_round_add_up(cast, bag):
    public_id = make_open(cast, bag, kind=RoundKind.LIMITED, bags=(BagPlan(bag, 0, 1, 2),))
    place(cast, "ruth", cast.household, public_id)
    place(cast, "rita", cast.neighbours, public_id)
    view = head.get_round(actor=cast.actor("alice"), public_id=public_id)
    assert (view.household_count, view.ordered_count, view.not_yet_count, view.waiting_count) == (2, 2, 0, 1)
    assert [(each.taken, each.capacity, each.waiting) for each in view.bags] == [(1, 1, 1)]
    part = head.get_round(actor=cast.actor("bob"), public_id=public_id)
    assert part.bags == ()


def test_the_buildings_page_by_key_and_each_leads_to_its_doors(cast, bag):
    public_id = make_open(cast, bag)
    place(cast, "ruth", cast.household, public_id)
    alice = cast.actor("alice")
    view = head.get_round(actor=alice, public_id=public_id)
    first = head.list_buildings(actor=alice, view=view, limit=1)
    second = head.list_buildings(actor=alice, view=view, limit=1, after=first.after)
    assert [each.name for each in (*first.buildings, *second.buildings)] == ["3栋", "10栋"]
    assert second.after is None
    doors = head.list_doors(actor=alice, view=view, building=cast.building.public_id)
    assert [(each.door, each.number is not None) for each in doors.doors] == [("3栋2单元501", True)]
    not_yet = head.list_doors(actor=alice, view=view, building=cast.building.public_id, has_ordered=False)
    assert not_yet.doors == ()
    with pytest.raises(NotFound):
        head.list_doors(actor=alice, view=view, building=cast.foreign_building.public_id)


@pytest.mark.parametrize("name", ["charlie", "olga", "ruth", "adam"])
def test_a_round_is_invisible_from_elsewhere(cast, bag, name):
    public_id = make_open(cast, bag)
    with pytest.raises(NotFound):
        head.get_round(actor=cast.actor(name), public_id=public_id)
    assert head.list_rounds(actor=cast.actor(name)).rounds == ()


def test_a_bag_is_changed_with_what_is_in_it(cast, bag):
    again = services.save_bag(
        deed=make_deed(cast.actor("alice")),
        area_public_id=cast.community.public_id,
        bag_public_id=bag,
        name="蔬菜包B",
        name_en=None,
        is_basic=False,
        is_offered=False,
        items=[services.ItemPlan("白菜", "", "棵", 1)],
    )
    assert again == bag
    assert [row.name for row in rows(Bag)] == ["蔬菜包B"]
    assert [row.name for row in rows(BagItem)] == ["白菜"]


def test_a_bag_of_another_community_is_not_found(cast, bag):
    with pytest.raises(NotFound):
        services.save_bag(
            deed=make_deed(cast.actor("charlie")),
            area_public_id=cast.other_community.public_id,
            bag_public_id=bag,
            name="x",
            name_en=None,
            is_basic=False,
            is_offered=True,
            items=[services.ItemPlan("白菜", "", "棵", 1)],
        )


def test_a_draft_can_be_thrown_away_and_an_open_round_not(cast, bag):
    alice = cast.actor("alice")
    draft = services.make_round(deed=make_deed(alice), plan=plan(cast, bag))
    services.discard_round(deed=make_deed(alice), round_public_id=draft)
    public_id = make_open(cast, bag)
    with pytest.raises(Conflict):
        services.discard_round(deed=make_deed(alice), round_public_id=public_id)
    assert [row.number for row in rows(Round)] == [1, 2]
    assert rows(Order) == []


def test_the_new_round_starts_from_the_last_one(cast, bag):
    make_open(cast, bag, areas=(cast.building.public_id,), household_limit=3)
    preset = head.get_preset(actor=cast.actor("alice"), area=cast.community.public_id)
    assert preset.last.household_limit == 3
    assert {each.name: each.is_chosen for each in preset.buildings} == {
        "北辰花园 3栋": True,
        "北辰花园 10栋": False,
    }
