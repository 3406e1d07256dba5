"""Reads of shifts for those who roster them: one with who is on it, and what changing it must lock first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, cast, func, select

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading
from webapp.base.errors import Conflict, NotAllowed, NotFound
from webapp.domain.accounts.models import User
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import Post, Shift, ShiftSkill, Signup
from webapp.domain.rosters.queries.posts import managed_by, visible_to
from webapp.domain.rosters.rules import LIVE, ShiftState, SignupState, SkillPlaces, Stretch
from webapp.domain.volunteers.models import Commitment, Volunteer
from webapp.domain.volunteers.rules import CommitmentKind, VolunteerState

_shifts: Any = Shift.__table__
_shift_skills: Any = ShiftSkill.__table__
_signups: Any = Signup.__table__
_posts: Any = Post.__table__
_people: Any = Person.__table__
_users: Any = User.__table__
_overriders: Any = _people.alias("overrider")
_lead: Any = _people.alias("shift_lead")
_post_lead: Any = _people.alias("post_lead")
_volunteers: Any = Volunteer.__table__
_commitments: Any = Commitment.__table__

# What the time rules can ask for: six days in a row and the rest beside them.
LOOKS_AROUND = timedelta(days=8)


# An override names its actor as `user:12`; readers want the person behind it.
overrider = case(
    (
        _signups.c.overridden_by.startswith("user:", autoescape=True),
        select(_overriders.c.name)
        .select_from(_users.join(_overriders, _overriders.c.id == _users.c.person_id))
        .where(_users.c.id == cast(func.substr(_signups.c.overridden_by, 6), _users.c.id.type))
        .correlate(_signups)
        .scalar_subquery(),
    ),
    else_=None,
).label("overrider")


@dataclass(frozen=True)
class OnShift:
    """Somebody on a shift, or in its queue."""

    public_id: str
    person_id: int
    person: str
    name: str
    volunteer: str | None
    state: SignupState
    is_newcomer: bool
    is_confirmed: bool
    skill_code: str | None
    override_reason: str | None
    overridden_by: str | None


@dataclass(frozen=True)
class ShiftView:
    """A shift as those who roster it see it."""

    id: int
    public_id: str
    post: str
    post_id: int
    post_name: str
    post_name_en: str | None
    post_phone: str | None
    post_lead: str | None
    area_path: str
    team_id: int | None
    day: date
    starts_at: datetime
    ends_at: datetime
    minimum_count: int
    wanted_count: int
    maximum_count: int
    taken_count: int
    waiting_count: int
    state: ShiftState
    lead: str | None
    lead_person: str | None
    asked_at: datetime | None
    cancel_reason: str | None
    is_closed: bool
    version: int
    may_manage: bool
    skills: tuple[SkillPlaces, ...]
    people: tuple[OnShift, ...]

    @property
    def stretch(self) -> Stretch:
        """The time that it takes."""
        return Stretch(self.starts_at, self.ends_at, self.day)


@reading
def get_shift(*, actor: Actor, public_id: str) -> ShiftView:
    """A shift with everybody on it and in its queue; NotFound where the actor sees none of it. Three statements."""
    row = (
        db.connection()
        .execute(
            select(
                _shifts,
                _posts.c.public_id.label("post"),
                _posts.c.name.label("post_name"),
                _posts.c.name_en.label("post_name_en"),
                _posts.c.phone.label("post_phone"),
                _posts.c.team_id,
                _post_lead.c.name.label("post_lead"),
                _lead.c.name.label("lead"),
                _lead.c.public_id.label("lead_person"),
                managed_by(actor).label("may_manage"),
            )
            .select_from(
                _shifts.join(_posts, _posts.c.id == _shifts.c.post_id)
                .outerjoin(_lead, _lead.c.id == _shifts.c.lead_person_id)
                .outerjoin(_post_lead, _post_lead.c.id == _posts.c.lead_person_id)
            )
            .where(_shifts.c.public_id == public_id, visible_to(actor))
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return ShiftView(
        id=row.id,
        public_id=row.public_id,
        post=row.post,
        post_id=row.post_id,
        post_name=row.post_name,
        post_name_en=row.post_name_en,
        post_phone=row.post_phone,
        post_lead=row.post_lead,
        area_path=row.area_path,
        team_id=row.team_id,
        day=row.day,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        minimum_count=row.minimum_count,
        wanted_count=row.wanted_count,
        maximum_count=row.maximum_count,
        taken_count=row.taken_count,
        waiting_count=row.waiting_count,
        state=row.state,
        lead=row.lead,
        lead_person=row.lead_person,
        asked_at=row.asked_at,
        cancel_reason=row.cancel_reason,
        is_closed=row.closed_at is not None,
        version=row.version,
        may_manage=bool(row.may_manage),
        skills=_skills_of(row.id),
        people=list_people(row.id),
    )


@reading
def get_managed_shift(*, actor: Actor, public_id: str) -> ShiftView:
    """A shift that the actor rosters; NotFound where they do not see it, NotAllowed where they only do."""
    view = get_shift(actor=actor, public_id=public_id)
    if not view.may_manage:
        raise NotAllowed
    return view


def _skills_of(shift_id: int) -> tuple[SkillPlaces, ...]:
    rows = db.connection().execute(
        select(_shift_skills.c.skill_code, _shift_skills.c.needed_count, _shift_skills.c.taken_count)
        .where(_shift_skills.c.shift_id == shift_id)
        .order_by(_shift_skills.c.skill_code)
    )
    return tuple(SkillPlaces(*row) for row in rows)


def list_people(shift_id: int) -> tuple[OnShift, ...]:
    """Who is on a shift in the order in which they came, then the queue. For callers that have scoped the shift."""
    rows = (
        db.connection()
        .execute(
            select(
                _signups,
                _people.c.public_id.label("person"),
                _people.c.name,
                _volunteers.c.public_id.label("volunteer"),
                _volunteers.c.state.label("volunteer_state"),
                overrider,
            )
            .select_from(
                _signups.join(_people, _people.c.id == _signups.c.person_id).outerjoin(
                    _volunteers, _volunteers.c.person_id == _signups.c.person_id
                )
            )
            .where(_signups.c.shift_id == shift_id, is_any(_signups.c.state, *LIVE))
            .order_by(_signups.c.waiting_since, _signups.c.id)
        )
        .all()
    )
    found = [
        OnShift(
            public_id=row.public_id,
            person_id=row.person_id,
            person=row.person,
            name=row.name,
            volunteer=row.volunteer,
            state=row.state,
            is_newcomer=row.volunteer_state in {VolunteerState.APPLIED, VolunteerState.ASKED_BACK},
            is_confirmed=row.confirmed_at is not None,
            skill_code=row.skill_code,
            override_reason=row.override_reason,
            overridden_by=row.overrider or row.overridden_by,
        )
        for row in rows
    ]
    # Databases differ in where they put rows without a time; the queue stands last on both.
    return tuple(sorted(found, key=lambda each: each.state is SignupState.WAITING))


# --- for services: rows to change ---------------------------------------------------------------------------


@dataclass(frozen=True)
class HeldShift:
    """A shift that is locked, with everybody on it locked before: row, post, and the live sign-ups by person."""

    id: int
    public_id: str
    post_id: int
    post_name: str
    post_name_en: str | None
    area_path: str
    starts_at: datetime
    ends_at: datetime
    minimum_count: int
    maximum_count: int
    taken_count: int
    state: ShiftState
    is_closed: bool
    version: int
    signups: Mapping[int, Any] = field(default_factory=dict)


def hold_people(person_ids: Sequence[int]) -> None:
    """Lock the time of these people, by ascending id: whoever takes somebody's time does this first."""
    if not person_ids:
        return
    connection = db.connection()
    wanted = sorted(set(person_ids))
    connection.execute(
        select(_people.c.id).where(_people.c.id.in_(wanted)).order_by(_people.c.id).with_for_update()
    ).all()
    connection.execute(_people.update().where(_people.c.id.in_(wanted)).values(version=_people.c.version + 1))


def managed_id(actor: Actor, public_id: str) -> int:
    """The row of a shift that the actor rosters; NotFound outside their sight, NotAllowed without the right."""
    found = (
        db.connection()
        .execute(
            select(_shifts.c.id, managed_by(actor).label("may_manage"))
            .join(_posts, _posts.c.id == _shifts.c.post_id)
            .where(_shifts.c.public_id == public_id, visible_to(actor))
        )
        .one_or_none()
    )
    if found is None:
        raise NotFound
    if not found.may_manage:
        raise NotAllowed
    return int(found.id)


def hold_shift(actor: Actor, public_id: str, *, also: Sequence[int] = ()) -> HeldShift:
    """Lock everybody on the shift (and `also`), then the shift: person before shift, as everywhere.

    NotFound outside the actor's sight, NotAllowed without the right, Conflict("shift_changed_meanwhile") when
    somebody came on it between the look and the lock.
    """
    connection = db.connection()
    shift_id = managed_id(actor, public_id)
    live = select(_signups).where(_signups.c.shift_id == shift_id, is_any(_signups.c.state, *LIVE))
    before = {row.person_id for row in connection.execute(live)}
    hold_people([*before, *also])
    row = connection.execute(
        select(
            _shifts,
            _posts.c.name.label("post_name"),
            _posts.c.name_en.label("post_name_en"),
        )
        .join(_posts, _posts.c.id == _shifts.c.post_id)
        .where(_shifts.c.id == shift_id)
        .with_for_update(of=_shifts)
    ).one()
    signups = {each.person_id: each for each in connection.execute(live.order_by(_signups.c.id))}
    if not set(signups) <= before | set(also):
        raise Conflict("shift_changed_meanwhile")
    return HeldShift(
        id=row.id,
        public_id=row.public_id,
        post_id=row.post_id,
        post_name=row.post_name,
        post_name_en=row.post_name_en,
        area_path=row.area_path,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        minimum_count=row.minimum_count,
        maximum_count=row.maximum_count,
        taken_count=row.taken_count,
        state=row.state,
        is_closed=row.closed_at is not None,
        version=row.version,
        signups=signups,
    )


def taken_time(
    person_ids: Sequence[int], *, around: Stretch, but: Sequence[int] = ()
) -> dict[int, list[Stretch]]:
    """What is taken of these people's time near the stretch, by person, without the sign-ups `but`."""
    found: dict[int, list[Stretch]] = {each: [] for each in person_ids}
    rows = db.connection().execute(
        select(_commitments)
        .where(
            _commitments.c.person_id.in_(person_ids),
            _commitments.c.ends_at > around.starts_at - LOOKS_AROUND,
            _commitments.c.starts_at < around.ends_at + LOOKS_AROUND,
        )
        .order_by(_commitments.c.starts_at)
    )
    for row in rows:
        if row.kind != CommitmentKind.SHIFT or row.reference_id not in but:
            stretch = Stretch(row.starts_at, row.ends_at, clock.day(row.starts_at))
            found[row.person_id].append(stretch)
    return found


def names_of(person_ids: Sequence[int]) -> str:
    """The names of these people, at most three, for a sentence."""
    names = (
        db.connection()
        .execute(select(_people.c.name).where(_people.c.id.in_(person_ids)).order_by(_people.c.id).limit(3))
        .scalars()
    )
    return "、".join(names)
