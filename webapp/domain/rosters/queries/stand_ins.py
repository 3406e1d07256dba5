"""Searches for a stand-in: one of them as its people see it, whom one can ask, whose place one could swap for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotFound, RuleBroken
from webapp.domain.areas.queries import Place, get_place
from webapp.domain.people.models import Person
from webapp.domain.people.rules import name_key
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Post, Shift, Signup, StandIn
from webapp.domain.rosters.queries import places
from webapp.domain.rosters.queries.places import ShiftNow, SignupNow
from webapp.domain.rosters.queries.takers import Me, load_me
from webapp.domain.rosters.queries.taking import may_see
from webapp.domain.rosters.rules import LIVE, ShiftState, SignupState, StandInKind, StandInState, Stretch
from webapp.domain.volunteers.models import AvailabilitySlot, Volunteer
from webapp.domain.volunteers.rules import Availability, Half, VolunteerState

_stand_ins: Any = StandIn.__table__
_signups: Any = Signup.__table__
_shifts: Any = Shift.__table__
_posts: Any = Post.__table__
_people: Any = Person.__table__
_volunteers: Any = Volunteer.__table__
_slots: Any = AvailabilitySlot.__table__

MOST_FOUND = 8
MOST_PLACES = 20
MOST_CALLED = 5
_LOOKED_AT = 40
# Who stood at a post within this time belongs to its people.
_KNOWN = timedelta(days=60)
_SWAPS_WITHIN = timedelta(days=14)


@dataclass(frozen=True)
class StandInNow:
    """A search as it stands inside this transaction."""

    id: int
    public_id: str
    signup_id: int
    kind: StandInKind
    state: StandInState
    to_person_id: int | None
    wanted_signup_id: int | None


_columns = (
    _stand_ins.c.id,
    _stand_ins.c.public_id,
    _stand_ins.c.signup_id,
    _stand_ins.c.kind,
    _stand_ins.c.state,
    _stand_ins.c.to_person_id,
    _stand_ins.c.wanted_signup_id,
)


def _now(row: Any) -> StandInNow:
    return StandInNow(
        id=row.id,
        public_id=row.public_id,
        signup_id=row.signup_id,
        kind=StandInKind(row.kind),
        state=StandInState(row.state),
        to_person_id=row.to_person_id,
        wanted_signup_id=row.wanted_signup_id,
    )


def stand_in_now(public_id: str) -> StandInNow:
    """The search as it stands; NotFound where there is none."""
    row = db.connection().execute(select(*_columns).where(_stand_ins.c.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound
    return _now(row)


def open_search(signup_id: int) -> StandInNow | None:
    """The open search for this sign-up, if any."""
    row = (
        db.connection()
        .execute(
            select(*_columns).where(
                _stand_ins.c.signup_id == signup_id, is_any(_stand_ins.c.state, StandInState.OPEN)
            )
        )
        .one_or_none()
    )
    return None if row is None else _now(row)


# --- one search ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShiftBrief:
    """A shift in a search, in few words."""

    public_id: str
    starts_at: datetime
    ends_at: datetime
    post: str
    post_en: str | None


@dataclass(frozen=True)
class StandInView:
    """A search as one of its people sees it.

    `is_asker`: it is the reader's own. `reason` says why the reader cannot take it; `wanted` is the reader's own
    shift that a swap asks for. `other` is who took it, or whom it was put to.
    """

    public_id: str
    kind: StandInKind
    state: StandInState
    asker: str
    other: str | None
    shift: ShiftBrief
    wanted: ShiftBrief | None
    place: Place
    is_asker: bool
    is_mine_alone: bool
    reason: RuleBroken | None


_wanted: Any = aliased(Signup.__table__, name="wanted")
_taken: Any = aliased(Signup.__table__, name="taken")
_wanted_shift: Any = aliased(Shift.__table__, name="wanted_shift")
_wanted_post: Any = aliased(Post.__table__, name="wanted_post")
_asker: Any = aliased(Person.__table__, name="asker")
_other: Any = aliased(Person.__table__, name="other")


def _brief(row: Any, prefix: str) -> ShiftBrief:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's documented name
    return ShiftBrief(
        public_id=values[f"{prefix}_public_id"],
        starts_at=values[f"{prefix}_starts_at"],
        ends_at=values[f"{prefix}_ends_at"],
        post=values[f"{prefix}_post"],
        post_en=values[f"{prefix}_post_en"],
    )


def _brief_columns(shifts: Any, posts: Any, prefix: str) -> tuple[Any, ...]:
    return (
        shifts.c.public_id.label(f"{prefix}_public_id"),
        shifts.c.starts_at.label(f"{prefix}_starts_at"),
        shifts.c.ends_at.label(f"{prefix}_ends_at"),
        posts.c.name.label(f"{prefix}_post"),
        posts.c.name_en.label(f"{prefix}_post_en"),
    )


@reading
def get_stand_in(*, actor: Actor, public_id: str, now: datetime) -> StandInView:
    """A search, for who asks, for whom it is put to, and where it is open for whoever sees the shift."""
    row = (
        db.connection()
        .execute(
            select(
                *_columns,
                _signups.c.person_id,
                _signups.c.shift_id,
                _asker.c.name.label("asker"),
                _other.c.name.label("other"),
                _wanted.c.shift_id.label("wanted_shift_id"),
                *_brief_columns(_shifts, _posts, "shift"),
                *_brief_columns(_wanted_shift, _wanted_post, "wanted"),
            )
            .select_from(
                _stand_ins.join(_signups, _signups.c.id == _stand_ins.c.signup_id)
                .join(_shifts, _shifts.c.id == _signups.c.shift_id)
                .join(_posts, _posts.c.id == _shifts.c.post_id)
                .join(_asker, _asker.c.id == _signups.c.person_id)
                .outerjoin(_wanted, _wanted.c.id == _stand_ins.c.wanted_signup_id)
                .outerjoin(_wanted_shift, _wanted_shift.c.id == _wanted.c.shift_id)
                .outerjoin(_wanted_post, _wanted_post.c.id == _wanted_shift.c.post_id)
                .outerjoin(_taken, _taken.c.id == _stand_ins.c.taken_signup_id)
                .outerjoin(
                    _other, _other.c.id == func.coalesce(_taken.c.person_id, _stand_ins.c.to_person_id)
                )
            )
            .where(_stand_ins.c.public_id == public_id)
        )
        .one_or_none()
    )
    if row is None or actor.person_id is None:
        raise NotFound
    is_asker = row.person_id == actor.person_id
    is_mine_alone = row.to_person_id == actor.person_id
    shift = places.shift_now(shift_id=row.shift_id)
    me = load_me(person_id=actor.person_id, now=now, since=shift.stretch.starts_at)
    if not is_asker and not is_mine_alone:
        is_open = row.to_person_id is None and row.state in {StandInState.OPEN, StandInState.TAKEN}
        if not is_open or not may_see(actor, me, area_path=shift.area_path, team_id=shift.team_id):
            raise NotFound
    reason = None
    if not is_asker and row.state == StandInState.OPEN and row.wanted_signup_id is None:
        held = places.signup_now(signup_id=row.signup_id)
        reason = against(me, shift, held, now=now)
    return StandInView(
        public_id=row.public_id,
        kind=StandInKind(row.kind),
        state=StandInState(row.state),
        asker=row.asker,
        other=row.other,
        shift=_brief(row, "shift"),
        wanted=None if row.wanted_shift_id is None else _brief(row, "wanted"),
        place=get_place(shift.area_path),
        is_asker=is_asker,
        is_mine_alone=is_mine_alone,
        reason=reason,
    )


def against(
    me: Me, shift: ShiftNow, held: SignupNow, *, now: datetime, giving_up: Sequence[int] = ()
) -> RuleBroken | None:
    """Why this person cannot take over that place, None where they can."""
    standing = places.live_signup(shift_id=shift.id, person_id=me.person_id)
    if standing is not None and standing.state is SignupState.PLACED:
        return RuleBroken("already_on_it")
    gone = [held, *([standing] if standing else [])]
    opening = shift.opening(me, from_at=now, without=gone)
    taken = me.without(*giving_up, *([standing.id] if standing else []))
    reason = rules.reason_against(me.taker, opening, taken, now=now)
    if reason is not None:
        places.named(reason)
    return reason


# --- asking -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnPlace:
    """A place that the reader holds, for which they look for somebody."""

    signup: SignupNow
    shift: ShiftNow
    place: Place
    me: Me


@reading
def get_own_place(*, actor: Actor, signup_public_id: str, now: datetime) -> OwnPlace:
    """The actor's own sign-up with its shift; NotFound for anybody else's, and for one that is over."""
    signup = places.signup_now(public_id=signup_public_id)
    if signup.person_id != actor.person_id or not signup.is_live:
        raise NotFound
    shift = places.shift_now(shift_id=signup.shift_id)
    me = load_me(person_id=signup.person_id, now=now, since=shift.stretch.starts_at)
    return OwnPlace(signup, shift, get_place(shift.area_path), me)


@dataclass(frozen=True)
class Colleague:
    """Somebody of the team or the post."""

    person_id: int
    public_id: str
    name: str


def _colleagues(own: OwnPlace, now: datetime) -> Select[Any]:
    """The people of the reader's team, of the post's team, and who stood at the post lately."""
    teams = [each for each in (own.me.team_id, own.shift.team_id) if each is not None]
    stood = (
        select(_signups.c.person_id)
        .join(_shifts, _shifts.c.id == _signups.c.shift_id)
        .where(
            _shifts.c.post_id == own.shift.post_id,
            _shifts.c.starts_at > now - _KNOWN,
            is_any(_signups.c.state, *LIVE, SignupState.REPLACED),
        )
    )
    return (
        select(_people.c.id, _people.c.public_id, _people.c.name)
        .join(_volunteers, _volunteers.c.person_id == _people.c.id)
        .where(
            _people.c.id != own.me.person_id,
            is_any(_volunteers.c.state, VolunteerState.ACCEPTED, VolunteerState.APPLIED),
            or_(_volunteers.c.team_id.in_(teams), _people.c.id.in_(stood)),
        )
    )


@reading
def find_colleagues(*, own: OwnPlace, name: str, now: datetime) -> tuple[Colleague, ...]:
    """Those of the team or the post whose name, or its pinyin, begins like this. No phone is shown."""
    key = name_key(name)
    if not key:
        return ()
    low = key.lower()
    found = (
        _colleagues(own, now)
        .where(
            or_(
                and_(_people.c.name_key >= key, _people.c.name_key < key + "\U0010ffff"),
                and_(_people.c.pinyin_key >= low, _people.c.pinyin_key < low + "~"),
                and_(_people.c.initials_key >= low, _people.c.initials_key < low + "~"),
            )
        )
        .order_by(_people.c.name_key, _people.c.id)
        .limit(MOST_FOUND)
    )
    return tuple(Colleague(*row) for row in db.connection().execute(found))


def colleague(own: OwnPlace, public_id: str, now: datetime) -> Colleague:
    """The one of the team or the post with this id; RuleBroken person_unknown."""
    row = db.connection().execute(_colleagues(own, now).where(_people.c.public_id == public_id)).one_or_none()
    if row is None:
        raise RuleBroken("person_unknown", field="to")
    return Colleague(*row)


@dataclass(frozen=True)
class SwapChoice:
    """Somebody else's place that the reader could have for theirs."""

    signup: str
    name: str
    shift: ShiftBrief


@reading
def list_swaps(*, own: OwnPlace, now: datetime) -> tuple[SwapChoice, ...]:
    """Places that others of the community hold in the next two weeks, soonest first, and that fit the reader's time."""
    here = own.me.here or own.shift.area_path
    rows = db.connection().execute(
        select(
            _signups.c.public_id.label("signup"),
            _people.c.name,
            _shifts.c.day,
            *_brief_columns(_shifts, _posts, "shift"),
        )
        .select_from(
            _posts.join(_shifts, _shifts.c.post_id == _posts.c.id)
            .join(_signups, _signups.c.shift_id == _shifts.c.id)
            .join(_people, _people.c.id == _signups.c.person_id)
        )
        .where(
            or_(within(_posts.c.area_path, here), _posts.c.id == own.shift.post_id),
            _shifts.c.starts_at > now,
            _shifts.c.starts_at < now + _SWAPS_WITHIN,
            is_any(_shifts.c.state, ShiftState.OPEN),
            is_any(_signups.c.state, SignupState.PLACED),
            _signups.c.person_id != own.me.person_id,
            _shifts.c.id != own.shift.id,
        )
        .order_by(case((_posts.c.id == own.shift.post_id, 0), else_=1), _shifts.c.starts_at, _signups.c.id)
        .limit(MOST_PLACES * 4)
    )
    taken = own.me.without(own.signup.id)
    chosen = []
    for row in rows:
        try:
            rules.ensure_time_allows(Stretch(row.shift_starts_at, row.shift_ends_at, row.day), taken)
        except RuleBroken:
            continue
        chosen.append(SwapChoice(row.signup, row.name, _brief(row, "shift")))
        if len(chosen) == MOST_PLACES:
            break
    return tuple(chosen)


# --- who could come now -------------------------------------------------------------------------------------


def nearest(shift: ShiftNow, held: SignupNow, now: datetime) -> list[int]:
    """The people who could relieve somebody now: who waits for the shift, who said they have time, who lives near.

    At most five, each of whom the rules allow to take the place over.
    """
    local = clock.here(now)
    half = Half.MORNING if local.hour < 12 else Half.AFTERNOON
    waiting = select(_signups.c.person_id).where(
        _signups.c.shift_id == shift.id, is_any(_signups.c.state, SignupState.WAITING)
    )
    here = places.community_path(shift.area_path)
    teams = [] if shift.team_id is None else [shift.team_id]
    slot = (
        select(_slots.c.state)
        .where(
            _slots.c.volunteer_id == _volunteers.c.id,
            _slots.c.weekday == local.weekday(),
            _slots.c.half == half,
        )
        .correlate(_volunteers)
        .scalar_subquery()
    )
    rows = db.connection().execute(
        select(_volunteers.c.person_id)
        .where(
            or_(within(_volunteers.c.area_path, here), _volunteers.c.team_id.in_(teams)),
            is_any(_volunteers.c.state, VolunteerState.ACCEPTED),
            _volunteers.c.person_id != held.person_id,
            func.coalesce(slot, "") != Availability.NOT_AVAILABLE,
        )
        .order_by(
            case((_volunteers.c.person_id.in_(waiting), 0), else_=1),
            case((slot == Availability.AVAILABLE, 0), else_=1),
            case((within(_volunteers.c.area_path, shift.area_path), 0), else_=1),
            _volunteers.c.id,
        )
        .limit(_LOOKED_AT)
    )
    found: list[int] = []
    for (person_id,) in rows.all():
        me = load_me(person_id=person_id, now=now, since=shift.stretch.starts_at)
        if against(me, shift, held, now=now) is None:
            found.append(person_id)
        if len(found) == MOST_CALLED:
            break
    return found
