"""A head's decisions about volunteers, where they belong, and the reveal of a phone number."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import update

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.notifications.services import Notice, notify
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.models import Volunteer
from webapp.domain.volunteers.queries import lists as queries
from webapp.domain.volunteers.queries import profile, teams
from webapp.domain.volunteers.rules import Decision, Society, VolunteerState
from webapp.domain.volunteers.services.teams import end_all_leads

_volunteers: Any = Volunteer.__table__


def _to_decide(deed: Deed, public_id: str, version: int) -> Any:
    row = queries.find_to_decide(actor=deed.actor, public_id=public_id)
    rules.ensure_not_oneself(person_id=row.person_id, actor_person_id=deed.actor.person_id)
    if row.version != version:
        raise Conflict("volunteer_changed")
    return row


def _decide(deed: Deed, row: Any, decision: Decision, note: str | None) -> None:
    state = rules.decided(VolunteerState(row.state), decision)
    db.connection().execute(
        update(_volunteers)
        .where(_volunteers.c.id == row.id)
        .values(
            state=state,
            decided_at=deed.now,
            decided_by=deed.actor.key,
            decision_note=note,
            answer=None,
            version=row.version + 1,
        )
    )


def _tell(deed: Deed, template: str, row: Any) -> None:
    """Tell the volunteer in their inbox and by SMS; who has no number is told when they are met."""
    notice = Notice(
        person_id=row.person_id,
        template=template,
        reference=f"volunteer:{new_public_id()}",
        address="/volunteers/me",
    )
    notify(deed, [notice], area_path=row.area_path)


@writing
def accept(*, deed: Deed, public_id: str, version: int) -> None:
    """The volunteer belongs from now on and may take what fits them."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _to_decide(deed, public_id, version)
    _decide(deed, row, Decision.ACCEPT, None)
    audit.record(deed, "accept_volunteer", "volunteer", row.id, area_path=row.area_path)
    _tell(deed, "volunteer_accepted", row)
    requests.settle(claim, outcome="accepted", object_id=row.id)


@writing
def refuse(*, deed: Deed, public_id: str, version: int, reason: str) -> None:
    """The volunteer does not belong, or no more; they read the reason. Not while they stand on a roster."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _to_decide(deed, public_id, version)
    reason = rules.ensure_text(reason, field="reason", missing="reason_missing")
    rules.ensure_nothing_promised(count=profile.count_coming(person_id=row.person_id, now=deed.now))
    _decide(deed, row, Decision.REFUSE, reason)
    end_all_leads(deed, person_id=row.person_id)
    audit.record(
        replace(deed, reason=reason), "refuse_volunteer", "volunteer", row.id, area_path=row.area_path
    )
    _tell(deed, "volunteer_refused", row)
    requests.settle(claim, outcome="refused", object_id=row.id)


@writing
def ask_back(*, deed: Deed, public_id: str, version: int, question: str) -> None:
    """The head asks; the volunteer answers on their own page and waits again."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _to_decide(deed, public_id, version)
    question = rules.ensure_text(question, field="question", missing="question_missing")
    _decide(deed, row, Decision.ASK_BACK, question)
    audit.record(deed, "ask_volunteer_back", "volunteer", row.id, area_path=row.area_path)
    _tell(deed, "volunteer_asked", row)
    requests.settle(claim, outcome="asked_back", object_id=row.id)


@writing
def place_volunteer(
    *,
    deed: Deed,
    public_id: str,
    version: int,
    team: str = "",
    organisation: str = "",
    society: Society | None = None,
) -> None:
    """Put a volunteer into a team, which says organisation and society too; without a team those are chosen.

    Leaving a team ends leading it.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _to_decide(deed, public_id, version)
    if row.state not in rules.LIVE_STATES:
        raise Conflict("volunteer_decided")
    values = _belonging(deed, team, organisation, society)
    if values["team_id"] != row.team_id:
        end_all_leads(deed, person_id=row.person_id)
    db.connection().execute(
        update(_volunteers).where(_volunteers.c.id == row.id).values(**values, version=row.version + 1)
    )
    audit.record(
        deed,
        "place_volunteer",
        "volunteer",
        row.id,
        area_path=row.area_path,
        team_id=values["team_id"],
        organisation_id=values["organisation_id"],
        society=str(values["society"]),
    )
    requests.settle(claim, outcome="placed", object_id=row.id)


def _belonging(deed: Deed, team: str, organisation: str, society: Society | None) -> dict[str, Any]:
    if team:
        try:
            found = teams.find_team(actor=deed.actor, public_id=team, to_manage=True)
        except NotFound:
            found = None
        if found is None or found.closed_at is not None:
            raise RuleBroken("team_missing", field="team")
        return {
            "team_id": found.id,
            "organisation_id": found.organisation_id,
            "society": found.society,
        }
    organisation_id, said = None, society or Society.VOLUNTEER
    if organisation:
        try:
            chosen = teams.find_organisation(actor=deed.actor, public_id=organisation)
        except NotFound:
            chosen = None
        if chosen is None or chosen.closed_at is not None:
            raise RuleBroken("organisation_missing", field="organisation")
        organisation_id, said = chosen.id, society or chosen.society
    return {"team_id": None, "organisation_id": organisation_id, "society": said}


@dataclass(frozen=True)
class Revealed:
    """A phone number in clear, for the one who gave a reason."""

    phone: str


@writing
def reveal_phone(*, deed: Deed, public_id: str, reason: str) -> Revealed:
    """The volunteer's number to one who sees them; who looked, when and why stands in the audit log."""
    claim = requests.claim(deed)
    row = queries.find_to_reveal(actor=deed.actor, public_id=public_id)
    reason = rules.ensure_text(reason, field="reason", missing="reason_missing")
    contact = queries.find_contact(person_id=row.person_id)
    if contact is None:
        raise NotFound("no_phone")
    if not claim.is_repeat:
        audit.record(
            replace(deed, reason=reason), "reveal_phone", "volunteer", row.id, area_path=row.area_path
        )
        requests.settle(claim, outcome="revealed", object_id=row.id)
    return Revealed(contact[0])
