"""Who may do what kind of thing: roles held at an area, and what each role permits there."""

from enum import StrEnum


class Role(StrEnum):
    """A role 角色 that a person holds at an area through an appointment."""

    RESIDENT = "resident"
    BUILDING_LEAD = "building_lead"
    GRID_WORKER = "grid_worker"
    COMMUNITY_HEAD = "community_head"
    TOWN_DISPATCHER = "town_dispatcher"
    COUNTY_DISPATCHER = "county_dispatcher"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """One kind of deed or view that a view function asks for."""

    HOME_SEE = "home_see"
    PROFILE_EDIT = "profile_edit"
    HOUSEHOLD_JOIN = "household_join"
    ORDER_PLACE = "order_place"
    HOUSEHOLD_LIST = "household_list"
    HOUSEHOLD_IMPORT = "household_import"
    RESIDENCE_CONFIRM = "residence_confirm"
    ROUND_SEE = "round_see"
    ROUND_MANAGE = "round_manage"
    SHEET_PRINT = "sheet_print"
    ORDER_ASSIST = "order_assist"
    AREA_SEE = "area_see"
    ZONE_CHANGE = "zone_change"
    STAFF_MANAGE = "staff_manage"


_SIGNED_IN = frozenset(
    {Permission.HOME_SEE, Permission.PROFILE_EDIT, Permission.HOUSEHOLD_JOIN, Permission.ORDER_PLACE}
)
_DISPATCHER = frozenset(
    {Permission.ROUND_SEE, Permission.HOUSEHOLD_LIST, Permission.AREA_SEE, Permission.ZONE_CHANGE}
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    # Whoever is signed in is a resident; which households are theirs is a question of rows.
    Role.RESIDENT: _SIGNED_IN,
    Role.BUILDING_LEAD: frozenset({Permission.RESIDENCE_CONFIRM, Permission.HOUSEHOLD_LIST}),
    Role.GRID_WORKER: frozenset(
        {Permission.RESIDENCE_CONFIRM, Permission.HOUSEHOLD_LIST, Permission.ROUND_SEE, Permission.AREA_SEE}
    ),
    Role.COMMUNITY_HEAD: frozenset(
        {
            Permission.RESIDENCE_CONFIRM,
            Permission.HOUSEHOLD_LIST,
            Permission.HOUSEHOLD_IMPORT,
            Permission.ROUND_SEE,
            Permission.ROUND_MANAGE,
            Permission.SHEET_PRINT,
            Permission.ORDER_ASSIST,
            Permission.AREA_SEE,
            Permission.ZONE_CHANGE,
        }
    ),
    Role.TOWN_DISPATCHER: _DISPATCHER,
    Role.COUNTY_DISPATCHER: _DISPATCHER,
    Role.ADMINISTRATOR: frozenset({Permission.AREA_SEE, Permission.STAFF_MANAGE}),
}
SIGNED_IN_PERMISSIONS = ROLE_PERMISSIONS[Role.RESIDENT]
