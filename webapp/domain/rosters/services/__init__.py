"""Use-cases of rosters: each module one part; what others call is named here."""

from webapp.domain.rosters.services.links import make_link, revoke_link

__all__ = [
    "make_link",
    "revoke_link",
]
