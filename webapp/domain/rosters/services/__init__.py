"""Use-cases of rosters: each module one part; what others call is named here."""

from webapp.domain.rosters.services.certificates import issue_certificate, revoke_certificate
from webapp.domain.rosters.services.day import Noted, check_in, check_out, renew_code, write_note
from webapp.domain.rosters.services.hours import ask_correction, decide_correction, tidy_shifts
from webapp.domain.rosters.services.links import make_link, revoke_link
from webapp.domain.rosters.services.roll_call import Called, Typed, save_roll_call
from webapp.domain.rosters.services.walk_ins import add_walk_in

__all__ = [
    "Called",
    "Noted",
    "Typed",
    "add_walk_in",
    "ask_correction",
    "check_in",
    "check_out",
    "decide_correction",
    "issue_certificate",
    "make_link",
    "renew_code",
    "revoke_certificate",
    "revoke_link",
    "save_roll_call",
    "tidy_shifts",
    "write_note",
]
