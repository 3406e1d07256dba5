"""Who is on a shift and who could be, put into words before the template."""

from collections.abc import Mapping, Sequence
from typing import Any

from webapp.blueprints.rosters import said
from webapp.domain.rosters.queries.candidates import Candidate
from webapp.domain.rosters.queries.shifts import ShiftView
from webapp.domain.rosters.rules import SignupState
from webapp.domain.volunteers.rules import Availability
from webapp.web import words
from webapp.web.words import gettext

SHOWN = 30


def people(shift: ShiftView, skills: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Everybody on the shift and in its queue."""
    return [
        {
            "public_id": each.public_id,
            "name": words.said(each.name),
            "plain": each.name,
            "mark": "※" if each.override_reason else "",
            "why": gettext(
                "Exception: %(reason)s (%(by)s)", reason=each.override_reason, by=each.overridden_by
            )
            if each.override_reason
            else None,
            "is_new": each.is_newcomer,
            "skill": skills.get(each.skill_code, each.skill_code) if each.skill_code else None,
            "standing": _standing(each.state, is_confirmed=each.is_confirmed),
        }
        for each in shift.people
    ]


def _standing(state: SignupState, *, is_confirmed: bool) -> tuple[str, str]:
    if state is SignupState.WAITING:
        return gettext("In the queue"), "plain"
    if state is SignupState.OFFERED:
        return gettext("Offered, no answer yet"), "warn"
    if not is_confirmed:
        return gettext("Not confirmed yet"), "warn"
    return gettext("Comes"), "good"


def candidates(found: Sequence[Candidate], skills: Mapping[str, Any]) -> dict[str, Any]:
    """Who fits, and who does not with the reason; the first thirty of each, more by name."""
    fitting = [each for each in found if each.fits]
    others = [each for each in found if not each.fits]
    return {
        "fitting": [_candidate(each, skills) for each in fitting[:SHOWN]],
        "others": [_candidate(each, skills) for each in others[:SHOWN]],
        "fitting_count": len(fitting),
        "hidden_count": max(0, len(fitting) - SHOWN) + max(0, len(others) - SHOWN),
    }


def _candidate(each: Candidate, skills: Mapping[str, Any]) -> dict[str, Any]:
    notes: list[Any] = []
    if each.is_in_team:
        notes.append(gettext("of the team"))
    if each.availability is Availability.AVAILABLE:
        notes.append(gettext("said they can then"))
    elif each.availability is Availability.NOT_AVAILABLE:
        notes.append(gettext("said they cannot then"))
    notes.append(gettext("%(hours)s h this week", hours=round(each.minutes / 60)))
    return {
        "person": each.person,
        "name": words.said(each.name),
        "plain": each.name,
        "home": words.said(each.home),
        "is_new": each.is_newcomer,
        "notes": gettext(", ").join(notes),
        "reasons": [said.reason(broken, skills) for broken in each.broken],
        "may_override": each.may_be_overridden,
    }
