"""Use-cases of the mobilization: each module one part; what others call is named here."""

from webapp.domain.mobilization.services.merging import move_call_ups

__all__ = ["move_call_ups"]
