"""What a volunteer sees: shifts that can be taken with the reason why one does not fit, their own, and one shift."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select, tuple_, union
from sqlalchemy.orm import aliased

from webapp.base import crypto
from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, is_any, one_of, reading, values_of
from webapp.base.errors import NotFound, RuleBroken
from webapp.base.permissions import Permission
from webapp.base.prepared import Prepared
from webapp.domain.accounts.models import User
from webapp.domain.areas.queries import Place, get_place
from webapp.domain.areas.rules import ancestor_paths, side_of
from webapp.domain.households.queries import get_place_of
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Attendance, Post, Shift, ShiftSkill, Signup, StandIn
from webapp.domain.rosters.queries.places import ShiftNow
from webapp.domain.rosters.queries.takers import Me, Reader, load_me, load_reader
from webapp.domain.rosters.rules import (
    HOLDS_A_PLACE,
    LIVE,
    Opening,
    Protection,
    ShiftState,
    SignupSource,
    SignupState,
    SkillPlaces,
    StandInKind,
    StandInState,
    Stretch,
)
from webapp.domain.volunteers.models import Skill

_shifts: Any = Shift.__table__
_posts: Any = Post.__table__
_needs: Any = ShiftSkill.__table__
_skills: Any = Skill.__table__
_signups: Any = Signup.__table__
_stand_ins: Any = StandIn.__table__
_attendances: Any = Attendance.__table__
_people: Any = Person.__table__
_users: Any = User.__table__
_phones: Any = PersonPhone.__table__

PAGE = 30
# Of how many shifts the first ones that fit are shown; and how often that is done for one page.
_LOOKED_AT = 60
_MOST_LOOKS = 2
_MOST_ABOVE = 4
_KEPT = timedelta(days=1)


def sees(me: Me, *, area_path: str, team_id: int | None) -> bool:
    """Whether a volunteer is shown a post: of the own community, of the places above it, of the own team."""
    if me.team_id is not None and me.team_id == team_id:
        return True
    return bool(me.here) and (area_path.startswith(me.here) or me.here.startswith(area_path))


def may_see(actor: Actor, me: Me, *, area_path: str, team_id: int | None) -> bool:
    """Whether the actor is shown the shifts of a post: as a volunteer, as a resident of the community, or as staff."""
    if sees(me, area_path=area_path, team_id=team_id) or actor.can(Permission.ROSTER_SEE, area_path):
        return True
    if me.is_volunteer:
        return False
    here = get_place_of(actor=actor).community_path
    return here is not None and area_path.startswith(here)


def ensure_sees(actor: Actor, me: Me, shift: ShiftNow) -> None:
    """NotFound where the shift is not the actor's to see."""
    if not may_see(actor, me, area_path=shift.area_path, team_id=shift.team_id):
        raise NotFound


@dataclass(frozen=True, slots=True)
class ShiftLine:
    """A shift as a volunteer reads it in a list.

    `reason` says why it does not fit, None where it does. `state` is how the reader stands to it. `stand_in` is an
    open search for somebody who takes a place on it.
    """

    public_id: str
    starts_at: datetime
    ends_at: datetime
    day: date
    post: str
    post_en: str | None
    is_near: bool
    lacking: int
    free: int
    state: SignupState | None
    accept_by: datetime | None
    stand_in: str | None
    reason: RuleBroken | None


@dataclass(frozen=True)
class ShiftPage:
    """Shifts for one reader: the near ones first, then by time; `after` continues."""

    me: Me
    place: Place
    lines: tuple[ShiftLine, ...]
    after: str | None


# Searches for stand-ins that the reader could answer, by shift: there are few at any time.
_asker: Any = aliased(Signup.__table__, name="asker")
_asked_for = (
    select(
        _asker.c.shift_id,
        func.min(_stand_ins.c.public_id).label("public_id"),
        func.min(_asker.c.skill_code).label("skill_code"),
    )
    .select_from(_stand_ins.join(_asker, _asker.c.id == _stand_ins.c.signup_id))
    .where(
        is_any(_stand_ins.c.state, StandInState.OPEN),
        is_any(_stand_ins.c.kind, StandInKind.STAND_IN, StandInKind.RELIEF),
        or_(_stand_ins.c.to_person_id.is_(None), _stand_ins.c.to_person_id == bindparam("person")),
        _asker.c.person_id != bindparam("person"),
    )
    .group_by(_asker.c.shift_id)
    .subquery("asked_for")
)
_lapsed = (
    select(func.count())
    .where(
        _signups.c.shift_id == _shifts.c.id,
        is_any(_signups.c.state, SignupState.OFFERED),
        _signups.c.accept_by <= bindparam("now", type_=UtcDateTime),
    )
    .correlate(_shifts)
    .scalar_subquery()
)


def _in_sight(posts: Any) -> tuple[Any, Any, Any]:
    """What makes a post one of the reader's: it lies in their community, above it, or belongs to their team."""
    return (
        and_(posts.c.area_path >= bindparam("here"), posts.c.area_path < bindparam("here_end")),
        one_of(posts.c.area_path, "above", _MOST_ABOVE),
        posts.c.team_id == bindparam("team"),
    )


def _listing(posts: Any, *in_sight: Any) -> Any:
    """The statement of a list, over the posts for which this holds: a page of shifts, then what belongs to each."""
    # Nearest first: what lies in the compound (or building) of the reader's home, or what their own team does.
    far = case(
        (and_(posts.c.area_path >= bindparam("near"), posts.c.area_path < bindparam("near_end")), 0),
        (posts.c.team_id == bindparam("team"), 0),
        else_=1,
    )
    page = (
        select(
            _shifts.c.id,
            _shifts.c.public_id,
            _shifts.c.starts_at,
            _shifts.c.ends_at,
            _shifts.c.day,
            _shifts.c.wanted_count,
            _shifts.c.maximum_count,
            _shifts.c.taken_count,
            posts.c.name,
            posts.c.name_en,
            posts.c.area_path,
            posts.c.handles_household_data,
            posts.c.adults_only,
            posts.c.newcomers_welcome,
            far.label("far"),
        )
        .select_from(posts.join(_shifts, _shifts.c.post_id == posts.c.id))
        .where(
            *in_sight,
            # A shift takes at most a day: what begins before that is over.
            _shifts.c.starts_at > bindparam("since", type_=UtcDateTime),
            _shifts.c.ends_at > bindparam("now", type_=UtcDateTime),
            is_any(_shifts.c.state, ShiftState.OPEN),
            tuple_(far, _shifts.c.starts_at, _shifts.c.id)
            > tuple_(
                bindparam("after_far", type_=_needs.c.needed_count.type),
                bindparam("after_at", type_=UtcDateTime),
                bindparam("after_id", type_=_shifts.c.id.type),
            ),
        )
        .order_by(far, _shifts.c.starts_at, _shifts.c.id)
        .limit(bindparam("limit", type_=_needs.c.needed_count.type))
        .subquery("page")
    )
    lapsed = (
        select(func.count())
        .where(
            _signups.c.shift_id == page.c.id,
            is_any(_signups.c.state, SignupState.OFFERED),
            _signups.c.accept_by <= bindparam("now", type_=UtcDateTime),
        )
        .correlate(page)
        .scalar_subquery()
    )
    return (
        select(
            page,
            lapsed.label("lapsed"),
            _needs.c.skill_code,
            _needs.c.needed_count,
            _needs.c.taken_count.label("skill_taken"),
        )
        .select_from(page.outerjoin(_needs, _needs.c.shift_id == page.c.id))
        .order_by(page.c.far, page.c.starts_at, page.c.id, _needs.c.skill_code)
    )


# PostgreSQL plans an OR anew at each execution, which costs more than the statement; SQLite plans nothing twice.
_seen = union(
    *(
        select(
            _posts.c.id,
            _posts.c.name,
            _posts.c.name_en,
            _posts.c.area_path,
            _posts.c.team_id,
            _posts.c.handles_household_data,
            _posts.c.adults_only,
            _posts.c.newcomers_welcome,
        ).where(condition)
        for condition in _in_sight(_posts)
    )
).subquery("seen")
_list = Prepared({"sqlite": _listing(_posts, or_(*_in_sight(_posts))), "postgresql": _listing(_seen)})


@reading
def list_shifts(
    *, actor: Actor, now: datetime, only_fitting: bool, after: str | None = None, limit: int = PAGE
) -> ShiftPage:
    """The shifts that the actor could take, or with `only_fitting` those that fit; paged by key.

    At most five statements with the sign-in, at any size and for any reason. A person who is no volunteer sees what
    their community looks for, each with the reason not_a_volunteer.
    """
    reader = load_reader(person_id=actor.person_id or 0, now=now)
    me = reader.me
    place = get_place(me.home_path) if me.is_volunteer else get_place_of(actor=actor)
    here = me.here or place.community_path
    if not here:
        return ShiftPage(me, place, (), None)
    key = _read_key(after)
    lines: list[ShiftLine] = []
    size = _LOOKED_AT if only_fitting else limit
    for _ in range(_MOST_LOOKS if only_fitting else 1):
        found = _groups(_list.all(_list_parameters(me, here, now, key, size + 1)))
        for number, group in enumerate(found[:size], start=1):
            line = _line(reader, group, now)
            key = (group[0].far, group[0].starts_at, group[0].id)
            if not only_fitting or (line.reason is None and line.state is None):
                lines.append(line)
            if len(lines) == limit:
                is_last = number == len(found)
                return ShiftPage(me, place, _named(lines), None if is_last else _written(key))
        if len(found) <= size:
            return ShiftPage(me, place, _named(lines), None)
    return ShiftPage(me, place, _named(lines), _written(key))


_Key = tuple[int, datetime, int]
_FIRST: _Key = (-1, datetime(1970, 1, 1, tzinfo=UTC), 0)


def _read_key(text: str | None) -> _Key:
    far, _, rest = (text or "").partition(".")
    at, _, id_ = rest.partition(".")
    if not (far.isdecimal() and at.isdecimal() and id_.isdecimal()) or len(at) > 17 or len(id_) > 15:
        return _FIRST
    return int(far[:1]), datetime.fromtimestamp(int(at) / 1_000_000, tz=UTC), int(id_)


def _written(key: _Key) -> str:
    return f"{key[0]}.{round(key[1].timestamp() * 1_000_000)}.{key[2]}"


def _list_parameters(me: Me, here: str, now: datetime, key: _Key, limit: int) -> dict[str, Any]:
    near = _compound(me.home_path, here)
    above = [path for path in ancestor_paths(here) if path != here]
    return {
        "person": me.person_id,
        "here": here,
        "here_end": here + "~",
        "near": near,
        "near_end": near + "~",
        "team": me.team_id,
        "now": now,
        "since": now - rules.DAY,
        "after_far": key[0],
        "after_at": key[1],
        "after_id": key[2],
        "limit": limit,
    } | values_of("above", above[-_MOST_ABOVE:], _MOST_ABOVE)


def _compound(home: str, here: str) -> str:
    """The path that counts as near: what is above the own building, inside the community; nothing for others."""
    if not home.startswith(here) or home == here:
        return "~"
    parent = ancestor_paths(home)[-2]
    return parent if len(parent) > len(here) else home


def _groups(rows: Sequence[Any]) -> list[list[Any]]:
    groups: list[list[Any]] = []
    last = None
    for row in rows:
        if row.id == last:
            groups[-1].append(row)
        else:
            groups.append([row])
            last = row.id
    return groups


def _opening(me: Me, rows: Sequence[Any], *, taken: int) -> Opening:
    first = rows[0]
    return Opening(
        state=ShiftState.OPEN,
        stretch=Stretch(first.starts_at, first.ends_at, first.day),
        maximum=first.maximum_count,
        taken=taken,
        skills=()
        if first.skill_code is None
        else tuple(SkillPlaces(row.skill_code, row.needed_count, row.skill_taken) for row in rows),
        handles_household_data=bool(first.handles_household_data),
        adults_only=bool(first.adults_only),
        newcomers_welcome=bool(first.newcomers_welcome),
        side=side_of(first.area_path, me.cordon) if me.cordon else "",
    )


def _line(reader: Reader, rows: Sequence[Any], now: datetime) -> ShiftLine:
    first, me = rows[0], reader.me
    taken = first.taken_count - first.lapsed
    state, accept_by = reader.signups.get(first.id, (None, None))
    stand_in, kept_for = reader.searches.get(first.id, (None, None))
    reason = None
    if state is None:
        opening = _opening(me, rows, taken=taken)
        reason = rules.reason_against(me.taker, opening, me.taken, now=now)
        if reason is not None and stand_in is not None and reason.code in rules.WAITED_FOR:
            reason = _reason_to_stand_in(me, opening, kept_for)
    return ShiftLine(
        first.public_id,
        first.starts_at,
        first.ends_at,
        first.day,
        first.name,
        first.name_en,
        first.far == 0,
        max(0, first.wanted_count - taken),
        max(0, first.maximum_count - taken),
        state,
        accept_by,
        stand_in,
        reason,
    )


_skill_names = Prepared(select(_skills.c.code, _skills.c.name_zh, _skills.c.name_en))


def _named(lines: Sequence[ShiftLine]) -> tuple[ShiftLine, ...]:
    """The lines with the skills in their reasons by name; one statement, and none where nothing is refused for a skill."""
    lacking = [line.reason for line in lines if line.reason is not None and "skill" in line.reason.params]
    if lacking:
        names = {row.code: (row.name_zh, row.name_en) for row in _skill_names.all({})}
        for reason in lacking:
            reason.params["skill"] = names.get(reason.params["skill"], reason.params["skill"])
    return tuple(lines)


def _reason_to_stand_in(me: Me, opening: Opening, skill: str | None) -> RuleBroken | None:
    """Why the reader cannot take over the place that somebody holds there, on a shift that is full."""
    if skill is None or me.taker.skills.get(skill, date.min) >= opening.stretch.day:
        return None
    return RuleBroken("skill_missing", skill=skill)


def _with_name(reason: RuleBroken, rows: Sequence[Any]) -> RuleBroken:
    names = {row.skill_code: (row.name_zh, row.skill_en) for row in rows}
    code = reason.params["skill"]
    return RuleBroken(reason.code, skill=names.get(code, code))


# --- one's own shifts ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A shift that the reader is on, waits for, or was on until it was called off."""

    public_id: str
    signup: str
    starts_at: datetime
    ends_at: datetime
    day: date
    post: str
    post_en: str | None
    state: SignupState
    is_cancelled: bool
    is_confirmed: bool
    accept_by: datetime | None
    position: int
    search: StandInKind | None
    has_arrived: bool
    has_left: bool


@dataclass(frozen=True, slots=True)
class AskedLine:
    """Somebody asks the reader to take over a place, or to swap for one of theirs."""

    public_id: str
    kind: StandInKind
    name: str
    starts_at: datetime
    ends_at: datetime
    post: str
    post_en: str | None


@dataclass(frozen=True)
class OwnShifts:
    """我的班: what the reader has promised, and what others ask of them."""

    me: Me
    place: Place
    lines: tuple[OwnLine, ...]
    asked: tuple[AskedLine, ...]


_ahead: Any = aliased(Signup.__table__, name="ahead")
_position = (
    select(func.count())
    .where(
        _ahead.c.shift_id == _signups.c.shift_id,
        is_any(_ahead.c.state, SignupState.WAITING),
        tuple_(_ahead.c.waiting_since, _ahead.c.id) <= tuple_(_signups.c.waiting_since, _signups.c.id),
    )
    .correlate(_signups)
    .scalar_subquery()
)
_own_columns = (
    _signups.c.public_id.label("signup"),
    _signups.c.state,
    _signups.c.source,
    _signups.c.confirmed_at,
    _signups.c.accept_by,
    _position.label("position"),
    _stand_ins.c.kind.label("search"),
    _stand_ins.c.public_id.label("search_public_id"),
    _attendances.c.arrived_at,
    _attendances.c.left_at,
)


def _with_own(joined: Any) -> Any:
    return joined.outerjoin(
        _stand_ins,
        and_(_stand_ins.c.signup_id == _signups.c.id, is_any(_stand_ins.c.state, StandInState.OPEN)),
    ).outerjoin(
        _attendances,
        and_(
            _attendances.c.shift_id == _signups.c.shift_id, _attendances.c.person_id == _signups.c.person_id
        ),
    )


_own = Prepared(
    select(
        _shifts.c.public_id,
        _shifts.c.starts_at,
        _shifts.c.ends_at,
        _shifts.c.day,
        _posts.c.name,
        _posts.c.name_en,
        *_own_columns,
    )
    .select_from(
        _with_own(
            _signups.join(_shifts, _shifts.c.id == _signups.c.shift_id).join(
                _posts, _posts.c.id == _shifts.c.post_id
            )
        )
    )
    .where(
        _signups.c.person_id == bindparam("person"),
        is_any(_signups.c.state, *LIVE, SignupState.CANCELLED),
        _shifts.c.ends_at > bindparam("since", type_=UtcDateTime),
    )
    .order_by(_shifts.c.starts_at, _shifts.c.id, _signups.c.id)
    .limit(PAGE * 2)
)
_asked_of_me = Prepared(
    select(
        _stand_ins.c.public_id,
        _stand_ins.c.kind,
        _people.c.name.label("asker"),
        _shifts.c.starts_at,
        _shifts.c.ends_at,
        _posts.c.name,
        _posts.c.name_en,
    )
    .select_from(
        _stand_ins.join(_signups, _signups.c.id == _stand_ins.c.signup_id)
        .join(_shifts, _shifts.c.id == _signups.c.shift_id)
        .join(_posts, _posts.c.id == _shifts.c.post_id)
        .join(_people, _people.c.id == _signups.c.person_id)
    )
    .where(
        _stand_ins.c.to_person_id == bindparam("person"),
        is_any(_stand_ins.c.state, StandInState.OPEN),
        _shifts.c.ends_at > bindparam("now", type_=UtcDateTime),
    )
    .order_by(_shifts.c.starts_at, _stand_ins.c.id)
    .limit(PAGE)
)


@reading
def list_own_shifts(*, actor: Actor, now: datetime) -> OwnShifts:
    """What the actor has promised from yesterday on, soonest first, and what others ask of them."""
    me = load_me(person_id=actor.person_id or 0, now=now)
    place = get_place(me.home_path) if me.is_volunteer else get_place_of(actor=actor)
    lines = tuple(
        OwnLine(
            public_id=row.public_id,
            signup=row.signup,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            day=row.day,
            post=row.name,
            post_en=row.name_en,
            state=SignupState(row.state),
            is_cancelled=row.state == SignupState.CANCELLED,
            is_confirmed=row.confirmed_at is not None,
            accept_by=row.accept_by,
            position=row.position,
            search=None if row.search is None else StandInKind(row.search),
            has_arrived=row.arrived_at is not None,
            has_left=row.left_at is not None,
        )
        for row in _own.all({"person": me.person_id, "since": now - _KEPT})
    )
    asked = tuple(
        AskedLine(
            public_id=row.public_id,
            kind=StandInKind(row.kind),
            name=row.asker,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            post=row.name,
            post_en=row.name_en,
        )
        for row in _asked_of_me.all({"person": me.person_id, "now": now})
    )
    return OwnShifts(me, place, lines, asked)


# --- one shift ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShiftView:
    """A shift with all that its page says to this reader."""

    public_id: str
    starts_at: datetime
    ends_at: datetime
    leave_by: datetime
    day: date
    state: ShiftState
    cancel_reason: str | None
    wanted: int
    lacking: int
    free: int
    post: str
    post_en: str | None
    place_name: str
    instructions: str
    protection: Protection
    suit_minutes: int | None
    phone: str | None
    lead_name: str | None
    lead_phone: str | None
    skills: tuple[tuple[str, str, int], ...]
    area_path: str
    me: Me
    place: Place
    signup: str | None
    my_state: SignupState | None
    source: SignupSource | None
    is_confirmed: bool
    accept_by: datetime | None
    position: int
    search: StandInKind | None
    search_public_id: str | None
    has_arrived: bool
    has_left: bool
    stand_in: str | None
    reason: RuleBroken | None
    may_wait: bool

    @property
    def is_over(self) -> bool:
        """Whether it was called off."""
        return self.state is ShiftState.CANCELLED


_lead: Any = aliased(Person.__table__, name="lead")
_lead_signs_in = (
    select(_users.c.phone)
    .where(_users.c.person_id == _lead.c.id)
    .order_by(_users.c.id)
    .limit(1)
    .correlate(_lead)
    .scalar_subquery()
)
_lead_listed = (
    select(_phones.c.phone)
    .where(_phones.c.person_id == _lead.c.id)
    .order_by(_phones.c.position, _phones.c.id)
    .limit(1)
    .correlate(_lead)
    .scalar_subquery()
)
_show = Prepared(
    select(
        _shifts.c.id,
        _shifts.c.public_id,
        _shifts.c.state.label("shift_state"),
        _shifts.c.starts_at,
        _shifts.c.ends_at,
        _shifts.c.leave_by,
        _shifts.c.day,
        _shifts.c.cancel_reason,
        _shifts.c.wanted_count,
        _shifts.c.maximum_count,
        _shifts.c.taken_count,
        _lapsed.label("lapsed"),
        _posts.c.name,
        _posts.c.name_en,
        _posts.c.place,
        _posts.c.instructions,
        _posts.c.protection,
        _posts.c.suit_minutes,
        _posts.c.phone,
        _posts.c.area_path,
        _posts.c.team_id,
        _posts.c.handles_household_data,
        _posts.c.adults_only,
        _posts.c.newcomers_welcome,
        _lead.c.name.label("lead_name"),
        _lead.c.id.label("lead_id"),
        func.coalesce(_lead_signs_in, _lead_listed).label("lead_phone"),
        *(each.label("my_state") if each is _signups.c.state else each for each in _own_columns),
        _asked_for.c.public_id.label("stand_in"),
        _asked_for.c.skill_code.label("stand_in_skill"),
        _needs.c.skill_code,
        _needs.c.needed_count,
        _needs.c.taken_count.label("skill_taken"),
        _skills.c.name_zh,
        _skills.c.name_en.label("skill_en"),
    )
    .select_from(
        _with_own(
            _shifts.join(_posts, _posts.c.id == _shifts.c.post_id)
            .outerjoin(_lead, _lead.c.id == func.coalesce(_shifts.c.lead_person_id, _posts.c.lead_person_id))
            .outerjoin(
                _signups,
                and_(
                    _signups.c.shift_id == _shifts.c.id,
                    _signups.c.person_id == bindparam("person"),
                    or_(
                        is_any(_signups.c.state, *LIVE),
                        and_(
                            is_any(_shifts.c.state, ShiftState.CANCELLED),
                            is_any(_signups.c.state, SignupState.CANCELLED),
                        ),
                    ),
                ),
            )
        )
        .outerjoin(_asked_for, _asked_for.c.shift_id == _shifts.c.id)
        .outerjoin(_needs, _needs.c.shift_id == _shifts.c.id)
        .outerjoin(_skills, _skills.c.code == _needs.c.skill_code)
    )
    .where(_shifts.c.public_id == bindparam("shift"))
    .order_by(_signups.c.id, _needs.c.skill_code)
)


@reading
def get_shift(*, actor: Actor, public_id: str, now: datetime) -> ShiftView:
    """A shift as the actor reads it; NotFound for whoever it is not meant for, and while it is a draft.

    Four statements with the sign-in.
    """
    rows = _show.all({"shift": public_id, "person": actor.person_id or 0, "now": now})
    if not rows:
        raise NotFound
    first = rows[0]
    rows = [row for row in rows if row.signup == first.signup]
    me = load_me(person_id=actor.person_id or 0, now=now, since=first.starts_at)
    if first.signup is None:
        if first.shift_state != ShiftState.OPEN:
            raise NotFound
        if not may_see(actor, me, area_path=first.area_path, team_id=first.team_id):
            raise NotFound
    taken = first.taken_count - first.lapsed
    reason, may_wait = None, False
    if first.signup is None:
        opening = _opening(me, rows, taken=taken)
        reason = rules.reason_against(me.taker, opening, me.taken, now=now)
        may_wait = reason is not None and rules.can_wait(me.taker, opening, me.taken, now=now)
        if reason is not None and "skill" in reason.params:
            reason = _with_name(reason, rows)
    stand_in = first.stand_in
    if stand_in and (first.my_state is not None or me.taker.state is None):
        stand_in = None
    return ShiftView(
        public_id=first.public_id,
        starts_at=first.starts_at,
        ends_at=first.ends_at,
        leave_by=first.leave_by,
        day=first.day,
        state=ShiftState(first.shift_state),
        cancel_reason=first.cancel_reason,
        wanted=first.wanted_count,
        lacking=max(0, first.wanted_count - taken),
        free=max(0, first.maximum_count - taken),
        post=first.name,
        post_en=first.name_en,
        place_name=first.place,
        instructions=first.instructions,
        protection=Protection(first.protection),
        suit_minutes=first.suit_minutes,
        phone=first.phone,
        lead_name=first.lead_name,
        lead_phone=_lead_phone(first, me),
        skills=()
        if first.skill_code is None
        else tuple((row.name_zh, row.skill_en, row.needed_count) for row in rows),
        area_path=first.area_path,
        me=me,
        place=get_place(first.area_path),
        signup=first.signup,
        my_state=None if first.my_state is None else SignupState(first.my_state),
        source=None if first.source is None else SignupSource(first.source),
        is_confirmed=first.confirmed_at is not None,
        accept_by=first.accept_by,
        position=first.position or 0,
        search=None if first.search is None else StandInKind(first.search),
        search_public_id=first.search_public_id,
        has_arrived=first.arrived_at is not None,
        has_left=first.left_at is not None,
        stand_in=stand_in,
        reason=reason,
        may_wait=may_wait,
    )


def _lead_phone(row: Any, me: Me) -> str | None:
    """The number of whoever leads, for those who are on the shift, and not for the lead."""
    if row.my_state is None or SignupState(row.my_state) not in HOLDS_A_PLACE or row.lead_phone is None:
        return None
    return None if row.lead_id == me.person_id else crypto.decrypt(row.lead_phone)
