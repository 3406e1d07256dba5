"""Use-cases of rosters: each module one part; what others call is named here."""

from webapp.domain.rosters.services.day import Noted, check_in, check_out, renew_code, write_note
from webapp.domain.rosters.services.links import make_link, revoke_link

__all__ = [
    "Noted",
    "check_in",
    "check_out",
    "renew_code",
    "write_note",
    "make_link",
    "revoke_link",
]
