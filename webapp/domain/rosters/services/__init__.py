"""Use-cases of rosters: each module one part; what others call is named here."""

from webapp.domain.rosters.services.assigning import alarm_heads
from webapp.domain.rosters.services.certificates import issue_certificate, revoke_certificate
from webapp.domain.rosters.services.day import Noted, check_in, check_out, renew_code, write_note
from webapp.domain.rosters.services.hours import ask_correction, decide_correction, tidy_shifts
from webapp.domain.rosters.services.links import make_link, revoke_link
from webapp.domain.rosters.services.merging import move_shifts
from webapp.domain.rosters.services.reminding import remind
from webapp.domain.rosters.services.roll_call import Called, Typed, save_roll_call
from webapp.domain.rosters.services.stand_ins import (
    Search,
    ask_relief,
    ask_stand_in,
    ask_swap,
    refuse_search,
    take_over,
    tidy_searches,
    withdraw_search,
)
from webapp.domain.rosters.services.taking import (
    Standing,
    accept_offer,
    confirm_place,
    leave_shift,
    take_shift,
    tidy_offers,
    wait_for_shift,
)
from webapp.domain.rosters.services.walk_ins import add_walk_in

__all__ = [
    "Called",
    "Noted",
    "Search",
    "Standing",
    "Typed",
    "accept_offer",
    "add_walk_in",
    "alarm_heads",
    "ask_correction",
    "ask_relief",
    "ask_stand_in",
    "ask_swap",
    "check_in",
    "check_out",
    "confirm_place",
    "decide_correction",
    "issue_certificate",
    "leave_shift",
    "make_link",
    "move_shifts",
    "refuse_search",
    "remind",
    "renew_code",
    "revoke_certificate",
    "revoke_link",
    "save_roll_call",
    "take_over",
    "take_shift",
    "tidy_offers",
    "tidy_searches",
    "tidy_shifts",
    "wait_for_shift",
    "withdraw_search",
    "write_note",
]
