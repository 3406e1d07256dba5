"""What taking and giving up places needs to see inside its transaction, in few statements that are built once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select

from webapp.base import db
from webapp.base.db import UtcDateTime, is_any
from webapp.base.errors import LinliError, NotFound
from webapp.base.permissions import Role
from webapp.base.prepared import Prepared
from webapp.domain.accounts.models import Appointment, User
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths, side_of
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import Post, Shift, ShiftSkill, Signup
from webapp.domain.rosters.queries.takers import Me
from webapp.domain.rosters.rules import (
    HOLDS_A_PLACE,
    LIVE,
    Opening,
    ShiftState,
    SignupSource,
    SignupState,
    SkillPlaces,
    Stretch,
)
from webapp.domain.volunteers.models import Skill, TeamLead

_shifts: Any = Shift.__table__
_posts: Any = Post.__table__
_needs: Any = ShiftSkill.__table__
_signups: Any = Signup.__table__
_users: Any = User.__table__
_people: Any = Person.__table__
_skills: Any = Skill.__table__
_areas: Any = Area.__table__
_appointments: Any = Appointment.__table__
_leads: Any = TeamLead.__table__

# How many of a queue are looked at for somebody to whom a freed place still fits.
MOST_LOOKED_AT = 40
MOST_IN_CHARGE = 5


@dataclass(frozen=True)
class ShiftNow:
    """A shift as it stands inside this transaction, with what the rules and messages need of its post."""

    id: int
    public_id: str
    state: ShiftState
    stretch: Stretch
    leave_by: datetime
    maximum: int
    taken: int
    waiting: int
    skills: tuple[SkillPlaces, ...]
    handles_household_data: bool
    adults_only: bool
    newcomers_welcome: bool
    post_id: int
    post: str
    post_en: str | None
    post_phone: str | None
    area_path: str
    team_id: int | None
    lead_person_id: int | None

    def opening(
        self,
        me: Me,
        *,
        from_at: datetime | None = None,
        without: Sequence["SignupNow"] = (),
        plus: int = 0,
    ) -> Opening:
        """The shift for the rules: as if the sign-ups in `without` were gone and `plus` more places taken.

        `from_at` is when somebody would join one that has begun.
        """
        stretch = self.stretch
        if from_at is not None and stretch.starts_at < from_at < stretch.ends_at:
            stretch = Stretch(from_at, stretch.ends_at, stretch.day)
        gone = [each for each in without if each.holds_a_place]
        skills = self.skills
        if gone and skills:
            freed = Counter(each.skill_code for each in gone)
            skills = tuple(
                SkillPlaces(each.code, each.needed, each.taken - freed[each.code]) for each in skills
            )
        return Opening(
            state=self.state,
            stretch=stretch,
            maximum=self.maximum,
            taken=self.taken - len(gone) + plus,
            skills=skills,
            handles_household_data=self.handles_household_data,
            adults_only=self.adults_only,
            newcomers_welcome=self.newcomers_welcome,
            side=side_of(self.area_path, me.cordon) if me.cordon else "",
        )


_shift_columns = select(
    _shifts.c.id,
    _shifts.c.public_id,
    _shifts.c.state,
    _shifts.c.day,
    _shifts.c.starts_at,
    _shifts.c.ends_at,
    _shifts.c.leave_by,
    _shifts.c.maximum_count,
    _shifts.c.taken_count,
    _shifts.c.waiting_count,
    _shifts.c.lead_person_id,
    _posts.c.id.label("post_id"),
    _posts.c.name.label("post"),
    _posts.c.name_en.label("post_en"),
    _posts.c.phone,
    _posts.c.area_path,
    _posts.c.team_id,
    _posts.c.lead_person_id.label("post_lead_id"),
    _posts.c.handles_household_data,
    _posts.c.adults_only,
    _posts.c.newcomers_welcome,
    _needs.c.skill_code,
    _needs.c.needed_count,
    _needs.c.taken_count.label("skill_taken"),
).select_from(
    _shifts.join(_posts, _posts.c.id == _shifts.c.post_id).outerjoin(
        _needs, _needs.c.shift_id == _shifts.c.id
    )
)
_by_public_id = Prepared(
    _shift_columns.where(_shifts.c.public_id == bindparam("shift")).order_by(_needs.c.skill_code)
)
_by_id = Prepared(_shift_columns.where(_shifts.c.id == bindparam("shift")).order_by(_needs.c.skill_code))
_lock = Prepared(select(_shifts.c.id).where(_shifts.c.id == bindparam("shift")).with_for_update())


def shift_now(*, public_id: str | None = None, shift_id: int | None = None) -> ShiftNow:
    """The shift as it stands; NotFound where there is none."""
    rows = _by_id.all({"shift": shift_id}) if public_id is None else _by_public_id.all({"shift": public_id})
    if not rows:
        raise NotFound
    first = rows[0]
    return ShiftNow(
        id=first.id,
        public_id=first.public_id,
        state=ShiftState(first.state),
        stretch=Stretch(first.starts_at, first.ends_at, first.day),
        leave_by=first.leave_by,
        maximum=first.maximum_count,
        taken=first.taken_count,
        waiting=first.waiting_count,
        skills=tuple(
            SkillPlaces(row.skill_code, row.needed_count, row.skill_taken)
            for row in rows
            if row.skill_code is not None
        ),
        handles_household_data=bool(first.handles_household_data),
        adults_only=bool(first.adults_only),
        newcomers_welcome=bool(first.newcomers_welcome),
        post_id=first.post_id,
        post=first.post,
        post_en=first.post_en,
        post_phone=first.phone,
        area_path=first.area_path,
        team_id=first.team_id,
        lead_person_id=first.lead_person_id or first.post_lead_id,
    )


def lock_shift(shift_id: int) -> ShiftNow:
    """The shift, which nobody else changes until this transaction ends; people are locked before it, never after."""
    _lock.all({"shift": shift_id})
    return shift_now(shift_id=shift_id)


@dataclass(frozen=True)
class SignupNow:
    """A sign-up as it stands inside this transaction."""

    id: int
    public_id: str
    shift_id: int
    person_id: int
    state: SignupState
    source: SignupSource
    skill_code: str | None
    confirmed_at: datetime | None
    accept_by: datetime | None

    @property
    def is_live(self) -> bool:
        """Whether it holds a place or waits."""
        return self.state in LIVE

    @property
    def holds_a_place(self) -> bool:
        """Whether it counts among the places of its shift."""
        return self.state in HOLDS_A_PLACE

    def is_lapsed(self, now: datetime) -> bool:
        """Whether it is an offer that was not accepted in time."""
        return self.accept_by is not None and self.accept_by <= now


_signup_columns = (
    _signups.c.id,
    _signups.c.public_id,
    _signups.c.shift_id,
    _signups.c.person_id,
    _signups.c.state,
    _signups.c.source,
    _signups.c.skill_code,
    _signups.c.confirmed_at,
    _signups.c.accept_by,
)
_is_live = is_any(_signups.c.state, *LIVE)
_live = Prepared(
    select(*_signup_columns).where(
        _signups.c.shift_id == bindparam("shift"), _signups.c.person_id == bindparam("person"), _is_live
    )
)
_one = Prepared(select(*_signup_columns).where(_signups.c.id == bindparam("signup")))
_one_public = Prepared(select(*_signup_columns).where(_signups.c.public_id == bindparam("signup")))
_lapsed = Prepared(
    select(*_signup_columns)
    .where(
        _signups.c.shift_id == bindparam("shift"),
        is_any(_signups.c.state, SignupState.OFFERED),
        _signups.c.accept_by <= bindparam("now", type_=UtcDateTime),
    )
    .order_by(_signups.c.id)
)
_queue = Prepared(
    select(*_signup_columns)
    .where(_signups.c.shift_id == bindparam("shift"), is_any(_signups.c.state, SignupState.WAITING))
    .order_by(_signups.c.waiting_since, _signups.c.id)
    .limit(MOST_LOOKED_AT)
)


def _signup(row: Any) -> SignupNow:
    return SignupNow(
        id=row.id,
        public_id=row.public_id,
        shift_id=row.shift_id,
        person_id=row.person_id,
        state=SignupState(row.state),
        source=SignupSource(row.source),
        skill_code=row.skill_code,
        confirmed_at=row.confirmed_at,
        accept_by=row.accept_by,
    )


def live_signup(*, shift_id: int, person_id: int) -> SignupNow | None:
    """The person's live sign-up on this shift, if any."""
    rows = _live.all({"shift": shift_id, "person": person_id})
    return _signup(rows[0]) if rows else None


def signup_now(*, signup_id: int | None = None, public_id: str | None = None) -> SignupNow:
    """A sign-up as it stands; NotFound where there is none."""
    rows = _one.all({"signup": signup_id}) if public_id is None else _one_public.all({"signup": public_id})
    if not rows:
        raise NotFound
    return _signup(rows[0])


def lapsed_offers(*, shift_id: int, now: datetime) -> list[SignupNow]:
    """The offers on this shift that nobody accepted in time and that still hold their places."""
    return [_signup(row) for row in _lapsed.all({"shift": shift_id, "now": now})]


def queue(shift_id: int) -> list[SignupNow]:
    """The queue of a shift, the first first."""
    return [_signup(row) for row in _queue.all({"shift": shift_id})]


def named(refusal: LinliError) -> LinliError:
    """The refusal with the skill's name in both languages where it carries a skill's code."""
    code = refusal.params.get("skill")
    if isinstance(code, str):
        row = (
            db.connection()
            .execute(select(_skills.c.name_zh, _skills.c.name_en).where(_skills.c.code == code))
            .one_or_none()
        )
        if row is not None:
            refusal.params["skill"] = (row.name_zh, row.name_en)
    return refusal


# --- whom to write to ---------------------------------------------------------------------------------------


def name_of(person_id: int) -> str:
    """What the person is called."""
    name: str = db.connection().execute(select(_people.c.name).where(_people.c.id == person_id)).scalar_one()
    return name


def person_id_of(public_id: str) -> int | None:
    """The person with this public id; None where there is none."""
    found: int | None = (
        db.connection().execute(select(_people.c.id).where(_people.c.public_id == public_id)).scalar()
    )
    return found


def people_in_charge(shift: ShiftNow, now: datetime) -> list[int]:
    """Who is told when a place of the shift falls empty: its lead, else the team's leads, else the heads there."""
    if shift.lead_person_id is not None:
        return [shift.lead_person_id]
    connection = db.connection()
    if shift.team_id is not None:
        leads = connection.execute(
            select(_leads.c.person_id)
            .where(_leads.c.team_id == shift.team_id)
            .order_by(_leads.c.since, _leads.c.person_id)
            .limit(MOST_IN_CHARGE)
        ).scalars()
        found = list(leads)
        if found:
            return found
    return heads_of(shift, now)


def heads_of(shift: ShiftNow, now: datetime) -> list[int]:
    """The heads of the community where the shift lies, who hold that appointment now."""
    heads = (
        db.connection()
        .execute(
            select(_users.c.person_id)
            .select_from(
                _appointments.join(_users, _users.c.id == _appointments.c.user_id).join(
                    _areas, _areas.c.id == _appointments.c.area_id
                )
            )
            .where(
                _appointments.c.role == Role.COMMUNITY_HEAD,
                _appointments.c.ended_at.is_(None),
                _appointments.c.starts_at <= now,
                or_(_appointments.c.ends_at.is_(None), _appointments.c.ends_at > now),
                _areas.c.path.in_(ancestor_paths(shift.area_path)),
                _users.c.person_id.is_not(None),
                _users.c.blocked_at.is_(None),
            )
            .order_by(_users.c.person_id)
            .distinct()
            .limit(MOST_IN_CHARGE)
        )
        .scalars()
    )
    return list(heads)


def community_path(area_path: str) -> str:
    """The path of the community that a post lies in; its own path where it lies above all communities."""
    path = (
        db.connection()
        .execute(
            select(_areas.c.path).where(
                _areas.c.level == "community", _areas.c.path.in_(ancestor_paths(area_path))
            )
        )
        .scalar()
    )
    return path or area_path
