"""Signing up: five answers and two pledges, one row for each person however often they send them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.base import audit, clock, db, limits, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, RuleBroken, SignInRequired
from webapp.base.ids import new_public_id
from webapp.domain.accounts.models import User
from webapp.domain.households.queries.joining import find_building
from webapp.domain.households.rules import ensure_name
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.people.rules import name_key
from webapp.domain.people.services import ensure_person
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.models import AvailabilitySlot, Pledge, Volunteer, VolunteerSkill
from webapp.domain.volunteers.queries import profile as queries
from webapp.domain.volunteers.queries import teams
from webapp.domain.volunteers.queries.teams import InvitationView
from webapp.domain.volunteers.rules import (
    PLEDGE_VERSION,
    AgeAnswer,
    AgeGroup,
    Availability,
    Half,
    PledgeKind,
    SkillKind,
    Society,
    Stretch,
    VolunteerState,
)
from webapp.domain.volunteers.services.invitations import put_into, use

_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_users: Any = User.__table__
_volunteers: Any = Volunteer.__table__
_skills: Any = VolunteerSkill.__table__
_slots: Any = AvailabilitySlot.__table__
_pledges: Any = Pledge.__table__


@dataclass(frozen=True)
class Answers:
    """What somebody answers; `community` and `building` are public ids, the building may stay unknown."""

    name: str
    community: str
    building: str
    skills: Sequence[str]
    when: Sequence[Stretch]
    age: AgeAnswer
    guardian_name: str
    health: bool
    confidentiality: bool


@dataclass(frozen=True)
class SignedUp:
    """What came of a sign-up; `is_new` is False where the person had signed up before, on whatever phone."""

    public_id: str
    state: VolunteerState
    is_new: bool


@dataclass(frozen=True)
class _Checked:
    skills: tuple[str, ...]
    slots: tuple[tuple[int, Half], ...]
    area_id: int
    area_path: str


@writing
def sign_up(*, deed: Deed, answers: Answers, minors_allowed: bool, invitation: str = "") -> SignedUp:
    """The signed-in person as a volunteer: APPLIED, or ACCEPTED into the team whose valid invitation they bring.

    Who is on the list already is answered with what stands there. Who left comes back under the same row. Raises
    RuleBroken with the field, Conflict("volunteer_refused_before") for who was told no, Gone for an invitation
    that is over.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _again(claim.object_id, is_new=claim.outcome == "signed_up")
    if deed.actor.user_id is None:
        raise SignInRequired
    limits.spend(
        key=f"volunteer_sign_ups:{deed.actor.user_id}",
        limit=rules.SIGN_UPS_PER_DAY,
        window=timedelta(days=1),
        now=deed.now,
    )
    invited = teams.get_invitation(token=invitation, now=deed.now) if invitation else None
    checked = _check(answers)
    name = ensure_name(answers.name)
    person_id = _person(deed, deed.actor.user_id, name)
    age_group, guardian = _age(answers, person_id, clock.day(deed.now), minors_allowed=minors_allowed)
    rules.ensure_pledges(health=answers.health, confidentiality=answers.confidentiality)
    values = {
        "state": VolunteerState.ACCEPTED if invited else VolunteerState.APPLIED,
        "society": invited.society if invited else Society.VOLUNTEER,
        "organisation_id": invited.organisation_id if invited else None,
        "team_id": invited.team_id if invited else None,
        "invitation_id": invited.id if invited else None,
        "area_id": checked.area_id,
        "area_path": checked.area_path,
        "age_group": age_group,
        "guardian_name": guardian,
        "applied_at": deed.now,
        "decided_at": deed.now if invited else None,
        "decided_by": f"invitation:{invited.id}" if invited else None,
        "decision_note": None,
        "answer": None,
    }
    volunteer_id = _insert(person_id, values)
    if volunteer_id is None:
        volunteer_id, is_new = _known(deed, person_id, values, invited)
        if not is_new:
            # Who stands there from a list has never been asked.
            if not _has_pledged(volunteer_id):
                _write_answers(deed, volunteer_id, checked)
            requests.settle(claim, outcome="known", object_id=volunteer_id)
            return _again(volunteer_id, is_new=False)
    _write_answers(deed, volunteer_id, checked)
    audit.record(
        deed,
        "sign_up",
        "volunteer",
        volunteer_id,
        area_path=checked.area_path,
        person_id=person_id,
        age_group=age_group.value,
        invitation_id=invited.id if invited else None,
    )
    requests.settle(claim, outcome="signed_up", object_id=volunteer_id)
    if invited:
        use(invited, deed.now)
    return _again(volunteer_id, is_new=True)


def _again(volunteer_id: int | None, *, is_new: bool) -> SignedUp:
    row = (
        db.connection()
        .execute(select(_volunteers.c.public_id, _volunteers.c.state).where(_volunteers.c.id == volunteer_id))
        .one()
    )
    return SignedUp(row.public_id, VolunteerState(row.state), is_new=is_new)


def _check(answers: Answers) -> _Checked:
    """Shape and place of the answers, in the order in which the page asks."""
    place = queries.get_living_place(public_id=answers.community)
    if place is None:
        raise RuleBroken("community_missing", field="community")
    building = (
        find_building(path=place.community_path, public_id=answers.building) if answers.building else None
    )
    known = [each.code for each in queries.list_skills(SkillKind.TASK)]
    return _Checked(
        skills=rules.ensure_tasks(answers.skills, known=known),
        slots=rules.slots_of(answers.when),
        area_id=building.id if building else place.community_id,
        area_path=building.path if building else place.community_path,
    )


def _age(
    answers: Answers, person_id: int, today: date, *, minors_allowed: bool
) -> tuple[AgeGroup, str | None]:
    born_on = db.connection().execute(select(_people.c.born_on).where(_people.c.id == person_id)).scalar()
    guardian = " ".join(answers.guardian_name.split())[: rules.GUARDIAN_LENGTH]
    group = rules.ensure_old_enough(
        age=rules.answered_age(answers.age, born_on=born_on, today=today),
        minors_allowed=minors_allowed,
        has_consent=bool(guardian),
    )
    return group, guardian if group is AgeGroup.MINOR else None


def _person(deed: Deed, user_id: int, name: str) -> int:
    """The person behind the user: known, found on an imported list of volunteers, or new.

    A list has the number as a hint; the code has proved it. Together with the name it is the same person,
    unless an account stands behind that one already.
    """
    connection = db.connection()
    user = connection.execute(
        select(_users.c.person_id, _users.c.phone_index).where(_users.c.id == user_id).with_for_update()
    ).one()
    if user.person_id is None:
        listed = (
            connection.execute(
                select(_people.c.id)
                .distinct()
                .join(_phones, _phones.c.person_id == _people.c.id)
                .join(_volunteers, _volunteers.c.person_id == _people.c.id)
                .where(
                    _phones.c.phone_index == user.phone_index,
                    _people.c.name_key == name_key(name),
                    _people.c.merged_into_id.is_(None),
                    ~exists(select(1).where(_users.c.person_id == _people.c.id)),
                )
            )
            .scalars()
            .all()
        )
        if len(listed) == 1:
            connection.execute(update(_users).where(_users.c.id == user_id).values(person_id=listed[0]))
    return ensure_person(user_id=user_id, name=name, now=deed.now)


def _insert(person_id: int, values: dict[str, Any]) -> int | None:
    """A new row; None where the person has one already, perhaps since a moment ago on another phone."""
    connection = db.connection()
    person = connection.execute(
        select(_people.c.name, _people.c.pinyin_key).where(_people.c.id == person_id)
    ).one()
    tail = connection.execute(
        select(_phones.c.phone_tail)
        .where(_phones.c.person_id == person_id)
        .order_by(_phones.c.verified_at.is_(None), _phones.c.position, _phones.c.id)
        .limit(1)
    ).scalar_one()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    found: int | None = connection.execute(
        dialect.insert(_volunteers)
        .values(
            public_id=new_public_id(),
            person_id=person_id,
            name=person.name,
            pinyin_key=person.pinyin_key,
            phone_tail=tail,
            version=1,
            **values,
        )
        .on_conflict_do_nothing(index_elements=["person_id"])
        .returning(_volunteers.c.id)
    ).scalar()
    return found


def _known(
    deed: Deed, person_id: int, values: dict[str, Any], invited: InvitationView | None
) -> tuple[int, bool]:
    """What becomes of a person who has a row: it answers, joins the inviting team, or comes back to life."""
    connection = db.connection()
    connection.execute(update(_people).where(_people.c.id == person_id).values(version=_people.c.version + 1))
    row = connection.execute(select(_volunteers).where(_volunteers.c.person_id == person_id)).one()
    if row.state == VolunteerState.REFUSED:
        raise Conflict("volunteer_refused_before", reason=row.decision_note or "–")
    if row.state == VolunteerState.LEFT:
        connection.execute(
            update(_volunteers)
            .where(_volunteers.c.id == row.id)
            .values(**values, version=_volunteers.c.version + 1)
        )
        return row.id, True
    if invited is not None and row.state != VolunteerState.MERGED and row.team_id is None:
        put_into(deed, row, invited)
    return row.id, False


def _write_answers(deed: Deed, volunteer_id: int, checked: _Checked) -> None:
    """Skills, half-days and pledges; of somebody who comes back the newer answers count."""
    connection = db.connection()
    tasks = [each.code for each in queries.list_skills(SkillKind.TASK)]
    connection.execute(
        delete(_skills).where(_skills.c.volunteer_id == volunteer_id, _skills.c.skill_code.in_(tasks))
    )
    connection.execute(delete(_slots).where(_slots.c.volunteer_id == volunteer_id))
    connection.execute(
        _skills.insert(), [{"volunteer_id": volunteer_id, "skill_code": code} for code in checked.skills]
    )
    connection.execute(
        _slots.insert(),
        [
            {
                "volunteer_id": volunteer_id,
                "weekday": weekday,
                "half": half,
                "state": Availability.AVAILABLE,
            }
            for weekday, half in checked.slots
        ],
    )
    write_pledges(deed, volunteer_id)


def _has_pledged(volunteer_id: int) -> bool:
    found = db.connection().execute(
        select(_pledges.c.kind).where(_pledges.c.volunteer_id == volunteer_id).limit(1)
    )
    return found.first() is not None


def write_pledges(deed: Deed, volunteer_id: int) -> None:
    """Both promises in today's wording; made again they keep the day of the first time."""
    connection = db.connection()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(
        dialect.insert(_pledges)
        .values(
            [
                {
                    "volunteer_id": volunteer_id,
                    "kind": kind,
                    "version": PLEDGE_VERSION,
                    "pledged_at": deed.now,
                }
                for kind in PledgeKind
            ]
        )
        .on_conflict_do_nothing(index_elements=["volunteer_id", "kind", "version"])
    )
