"""What volunteers change of themselves, one card at a time."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import delete, func, select, update

from webapp.base import audit, clock, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.people.models import Person
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    SkillCertificate,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.queries import profile as queries
from webapp.domain.volunteers.queries.profile import OwnVolunteer
from webapp.domain.volunteers.rules import Availability, Half, SkillKind, VolunteerState
from webapp.domain.volunteers.services.signing_up import write_pledges
from webapp.domain.volunteers.services.teams import end_all_leads

_people: Any = Person.__table__
_volunteers: Any = Volunteer.__table__
_skills: Any = VolunteerSkill.__table__
_certificates: Any = SkillCertificate.__table__
_slots: Any = AvailabilitySlot.__table__


def _own(deed: Deed) -> OwnVolunteer:
    """The actor's own volunteer, the person locked first; NotFound for who is none, or is one no more."""
    if deed.actor.person_id is not None:
        db.connection().execute(
            update(_people).where(_people.c.id == deed.actor.person_id).values(version=_people.c.version + 1)
        )
    own = queries.get_own(actor=deed.actor)
    if own is None or not own.is_live:
        raise NotFound("not_a_volunteer")
    return own


def _touched(deed: Deed, own: OwnVolunteer, verb: str, **facts: Any) -> None:
    db.connection().execute(
        update(_volunteers).where(_volunteers.c.id == own.id).values(version=_volunteers.c.version + 1)
    )
    audit.record(deed, verb, "volunteer", own.id, area_path=own.area_path, **facts)


@writing
def set_skills(*, deed: Deed, kind: SkillKind, codes: Collection[str]) -> None:
    """What the volunteer can do of this kind: tasks or languages; what is not named is not theirs any more."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    own = _own(deed)
    if kind is SkillKind.CERTIFIED:
        raise RuleBroken("certificate_needed", field="skills")
    known = [each.code for each in queries.list_skills(kind)]
    wanted = (
        rules.ensure_tasks(codes, known=known)
        if kind is SkillKind.TASK
        else tuple(code for code in known if code in codes)
    )
    connection = db.connection()
    connection.execute(
        delete(_skills).where(_skills.c.volunteer_id == own.id, _skills.c.skill_code.in_(known))
    )
    if wanted:
        connection.execute(
            _skills.insert(), [{"volunteer_id": own.id, "skill_code": code} for code in wanted]
        )
    _touched(deed, own, "set_skills", skill_kind=kind.value, codes=list(wanted))
    requests.settle(claim, outcome="set", object_id=own.id)


@writing
def add_certificate(*, deed: Deed, skill: str, number: str, expires_on: date | None) -> str:
    """A certificate for a skill that needs one; the same number again changes until when it holds."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _certificate_public_id(claim.object_id)
    own = _own(deed)
    if skill not in {each.code for each in queries.list_skills(SkillKind.CERTIFIED)}:
        raise RuleBroken("skill_not_chosen", field="skill")
    number = " ".join(number.split())
    if len(number) > rules.NUMBER_LENGTH:
        raise RuleBroken("text_too_long", field="number", maximum=rules.NUMBER_LENGTH)
    rules.ensure_valid_until(expires_on, today=clock.day(deed.now))
    connection = db.connection()
    same = connection.execute(
        select(_certificates.c.id).where(
            _certificates.c.volunteer_id == own.id,
            _certificates.c.skill_code == skill,
            func.coalesce(_certificates.c.number, "") == number,
        )
    ).scalar()
    if same is None:
        certificate_id = _insert_certificate(deed, own, skill, number, expires_on)
    else:
        certificate_id = same
        connection.execute(
            update(_certificates).where(_certificates.c.id == same).values(expires_on=expires_on)
        )
    if skill not in own.skills:
        connection.execute(_skills.insert(), {"volunteer_id": own.id, "skill_code": skill})
    _touched(deed, own, "add_certificate", skill=skill, expires_on=expires_on)
    requests.settle(claim, outcome="added", object_id=certificate_id)
    return _certificate_public_id(certificate_id)


def _insert_certificate(
    deed: Deed, own: OwnVolunteer, skill: str, number: str, expires_on: date | None
) -> int:
    connection = db.connection()
    count = connection.execute(
        select(func.count()).select_from(_certificates).where(_certificates.c.volunteer_id == own.id)
    ).scalar_one()
    if count >= rules.CERTIFICATES_EACH:
        raise RuleBroken("too_many_certificates", maximum=rules.CERTIFICATES_EACH)
    new_id: int = connection.execute(
        _certificates.insert().returning(_certificates.c.id),
        {
            "public_id": new_public_id(),
            "volunteer_id": own.id,
            "skill_code": skill,
            "number": number or None,
            "expires_on": expires_on,
            "created_at": deed.now,
        },
    ).scalar_one()
    return new_id


def _certificate_public_id(certificate_id: int | None) -> str:
    found: str = (
        db.connection()
        .execute(select(_certificates.c.public_id).where(_certificates.c.id == certificate_id))
        .scalar_one()
    )
    return found


@writing
def remove_certificate(*, deed: Deed, public_id: str) -> None:
    """A certificate is taken off; with the last one of a skill the skill goes too."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    own = _own(deed)
    connection = db.connection()
    skill = connection.execute(
        delete(_certificates)
        .where(_certificates.c.public_id == public_id, _certificates.c.volunteer_id == own.id)
        .returning(_certificates.c.skill_code)
    ).scalar()
    if skill is None:
        raise NotFound
    left = connection.execute(
        select(_certificates.c.id).where(
            _certificates.c.volunteer_id == own.id, _certificates.c.skill_code == skill
        )
    ).first()
    if left is None:
        connection.execute(
            delete(_skills).where(_skills.c.volunteer_id == own.id, _skills.c.skill_code == skill)
        )
    _touched(deed, own, "remove_certificate", skill=skill)
    requests.settle(claim, outcome="removed", object_id=own.id)


@writing
def set_half_days(*, deed: Deed, said: Mapping[tuple[int, Half], Availability]) -> None:
    """What the volunteer says of each half-day of the week; what is not named, or unknown, has no row."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    own = _own(deed)
    connection = db.connection()
    connection.execute(delete(_slots).where(_slots.c.volunteer_id == own.id))
    rows = [
        {"volunteer_id": own.id, "weekday": weekday, "half": half, "state": state}
        for (weekday, half), state in said.items()
        if state in {Availability.AVAILABLE, Availability.NOT_AVAILABLE}
    ]
    if rows:
        connection.execute(_slots.insert(), rows)
    _touched(deed, own, "set_half_days", count=len(rows))
    requests.settle(claim, outcome="set", object_id=own.id)


@writing
def make_pledges(*, deed: Deed, health: bool, confidentiality: bool) -> None:
    """Both promises, for somebody who came from a list and was never asked."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    own = _own(deed)
    rules.ensure_pledges(health=health, confidentiality=confidentiality)
    write_pledges(deed, own.id)
    _touched(deed, own, "make_pledges", version=rules.PLEDGE_VERSION)
    requests.settle(claim, outcome="pledged", object_id=own.id)


@writing
def answer_question(*, deed: Deed, text: str) -> None:
    """The answer to the head's question; the volunteer waits for the decision again."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    own = _own(deed)
    text = rules.ensure_text(text, field="answer", missing="answer_missing")
    changed = db.connection().execute(
        update(_volunteers)
        .where(_volunteers.c.id == own.id, _volunteers.c.state == VolunteerState.ASKED_BACK)
        .values(state=VolunteerState.APPLIED, answer=text)
    )
    if changed.rowcount != 1:
        raise Conflict("not_asked")
    _touched(deed, own, "answer_question")
    requests.settle(claim, outcome="answered", object_id=own.id)


@writing
def leave(*, deed: Deed) -> None:
    """The volunteer goes; shifts that they still hold come first, so that nobody waits for them in vain."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    own = _own(deed)
    rules.ensure_nothing_promised(count=queries.count_coming(person_id=own.person_id, now=deed.now))
    end_all_leads(deed, person_id=own.person_id)
    db.connection().execute(
        update(_volunteers)
        .where(_volunteers.c.id == own.id)
        .values(state=VolunteerState.LEFT, team_id=None, decided_at=deed.now, decided_by=deed.actor.key)
    )
    _touched(deed, own, "leave")
    requests.settle(claim, outcome="left", object_id=own.id)
