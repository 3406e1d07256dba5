from webapp.base.actor import Actor, Grant
from webapp.base.permissions import Permission, Role

COMMUNITY = Grant(Role.COMMUNITY_HEAD, 3, "1.2.3.")


def test_an_appointment_reaches_its_area_and_all_below():
    alice = Actor.user(1, 1, (COMMUNITY,))
    assert alice.can(Permission.ROUND_MANAGE, "1.2.3.")
    assert alice.can(Permission.ROUND_MANAGE, "1.2.3.9.4.")


def test_an_appointment_never_reaches_beside_or_above():
    alice = Actor.user(1, 1, (COMMUNITY,))
    assert not alice.can(Permission.ROUND_MANAGE, "1.2.4.")
    assert not alice.can(Permission.ROUND_MANAGE, "1.2.")
    assert not alice.can(Permission.ROUND_MANAGE, "")


def test_whoever_is_signed_in_may_order_and_a_visitor_may_not():
    assert Actor.user(1, None, ()).has(Permission.ORDER_PLACE)
    assert not Actor.anonymous("x").has(Permission.ORDER_PLACE)


def test_paths_inside_another_path_are_said_once():
    both = Actor.user(1, 1, (Grant(Role.COMMUNITY_HEAD, 3, "1.2.3."), Grant(Role.TOWN_DISPATCHER, 2, "1.2.")))
    assert both.paths(Permission.ROUND_SEE) == ("1.2.",)
    assert both.paths(Permission.ROUND_MANAGE) == ("1.2.3.",)


def test_administrators_manage_and_do_not_read_households():
    adam = Actor.user(1, 1, (Grant(Role.ADMINISTRATOR, 1, "1."),))
    assert adam.has(Permission.STAFF_MANAGE)
    assert not adam.has(Permission.HOUSEHOLD_LIST)
