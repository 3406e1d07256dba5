"""Who may do what kind of thing: roles held at an area, and what each role permits there."""

from enum import StrEnum


class Role(StrEnum):
    """A role 角色 that a person holds at an area through an appointment."""

    RESIDENT = "resident"
    TEAM_LEAD = "team_lead"
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
    VOLUNTEER_APPLY = "volunteer_apply"
    SHIFT_TAKE = "shift_take"
    VOLUNTEER_SEE = "volunteer_see"
    VOLUNTEER_DECIDE = "volunteer_decide"
    ROSTER_SEE = "roster_see"
    ROSTER_MANAGE = "roster_manage"
    TEAM_ROSTER = "team_roster"
    ROSTER_FILL = "roster_fill"
    DUTY_EDIT = "duty_edit"
    HOURS_CONFIRM = "hours_confirm"
    PHONES_PRINT = "phones_print"
    INBOX_SEE = "inbox_see"
    RESERVE_OWN = "reserve_own"
    SUMMONS_ANSWER = "summons_answer"
    RESERVE_SEE = "reserve_see"
    RESERVE_MANAGE = "reserve_manage"
    CALL_UP_SEE = "call_up_see"
    CALL_UP_MANAGE = "call_up_manage"
    CALL_LIST = "call_list"
    MUSTER_MARK = "muster_mark"


_SIGNED_IN = frozenset(
    {
        Permission.HOME_SEE,
        Permission.PROFILE_EDIT,
        Permission.HOUSEHOLD_JOIN,
        Permission.ORDER_PLACE,
        Permission.VOLUNTEER_APPLY,
        Permission.SHIFT_TAKE,
        Permission.INBOX_SEE,
        Permission.RESERVE_OWN,
        Permission.SUMMONS_ANSWER,
    }
)
_DISPATCHER = frozenset(
    {
        Permission.ROUND_SEE,
        Permission.HOUSEHOLD_LIST,
        Permission.AREA_SEE,
        Permission.ZONE_CHANGE,
        Permission.VOLUNTEER_SEE,
        Permission.ROSTER_SEE,
        Permission.ROSTER_FILL,
        Permission.DUTY_EDIT,
        Permission.RESERVE_SEE,
        Permission.RESERVE_MANAGE,
        Permission.CALL_UP_SEE,
        Permission.CALL_UP_MANAGE,
        Permission.CALL_LIST,
        Permission.MUSTER_MARK,
    }
)
# What a team's lead may do with the team; which teams those are is a question of rows.
_TEAM_LEAD = frozenset(
    {
        Permission.VOLUNTEER_SEE,
        Permission.ROSTER_SEE,
        Permission.TEAM_ROSTER,
        Permission.ROSTER_FILL,
        Permission.HOURS_CONFIRM,
        Permission.PHONES_PRINT,
        Permission.RESERVE_SEE,
        Permission.CALL_UP_SEE,
        Permission.CALL_LIST,
        Permission.MUSTER_MARK,
    }
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    # Whoever is signed in is a resident and may be a volunteer; which households are theirs, and whether they are
    # on the list of volunteers, are questions of rows.
    Role.RESIDENT: _SIGNED_IN,
    Role.TEAM_LEAD: _TEAM_LEAD,
    Role.BUILDING_LEAD: frozenset({Permission.RESIDENCE_CONFIRM, Permission.HOUSEHOLD_LIST}),
    Role.GRID_WORKER: frozenset(
        {
            Permission.RESIDENCE_CONFIRM,
            Permission.HOUSEHOLD_LIST,
            Permission.ROUND_SEE,
            Permission.AREA_SEE,
            Permission.ROSTER_SEE,
            Permission.CALL_UP_SEE,
            Permission.CALL_LIST,
            Permission.MUSTER_MARK,
        }
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
            Permission.VOLUNTEER_SEE,
            Permission.VOLUNTEER_DECIDE,
            Permission.ROSTER_SEE,
            Permission.ROSTER_MANAGE,
            Permission.TEAM_ROSTER,
            Permission.ROSTER_FILL,
            Permission.DUTY_EDIT,
            Permission.HOURS_CONFIRM,
            Permission.PHONES_PRINT,
            Permission.RESERVE_SEE,
            Permission.RESERVE_MANAGE,
            Permission.CALL_UP_SEE,
            Permission.CALL_UP_MANAGE,
            Permission.CALL_LIST,
            Permission.MUSTER_MARK,
        }
    ),
    Role.TOWN_DISPATCHER: _DISPATCHER,
    Role.COUNTY_DISPATCHER: _DISPATCHER,
    Role.ADMINISTRATOR: frozenset({Permission.AREA_SEE, Permission.STAFF_MANAGE}),
}
SIGNED_IN_PERMISSIONS = ROLE_PERMISSIONS[Role.RESIDENT]
