"""What the solver is asked, read from the tables: the shifts of a proposal and everybody who may stand there."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from webapp.base import clock, db
from webapp.base.db import is_any, reading, within
from webapp.base.errors import RuleBroken
from webapp.domain.areas import queries as areas
from webapp.domain.areas.rules import side_of
from webapp.domain.rosters import solver
from webapp.domain.rosters.models import (
    Fill,
    FillCell,
    FillPost,
    HoursEntry,
    Post,
    Shift,
    ShiftSkill,
    Signup,
)
from webapp.domain.rosters.rules import (
    HOLDS_A_PLACE,
    EntryState,
    ShiftState,
    Stretch,
    ensure_time_allows,
)
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Commitment,
    Pledge,
    Skill,
    SkillCertificate,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.rules import (
    PLEDGE_VERSION,
    AgeGroup,
    Availability,
    CommitmentKind,
    Half,
    PledgeKind,
    SkillKind,
    VolunteerState,
)

AROUND = timedelta(days=8)
RECENT = timedelta(days=7)
PAST = timedelta(days=90)
FOR_EVER = date(9999, 12, 31)
MAY_TAKE = (VolunteerState.ACCEPTED, VolunteerState.APPLIED, VolunteerState.ASKED_BACK)

# Words that a post may ask for and a volunteer may have; see solver.Shift.traits.
ADULT, ACCEPTED, WELL, DISCREET = "adult", "accepted", "well", "discreet"
AREA = "area"

_fills: Any = Fill.__table__
_fill_posts: Any = FillPost.__table__
_cells: Any = FillCell.__table__
_posts: Any = Post.__table__
_shifts: Any = Shift.__table__
_needs: Any = ShiftSkill.__table__
_signups: Any = Signup.__table__
_hours: Any = HoursEntry.__table__
_volunteers: Any = Volunteer.__table__
_skills: Any = Skill.__table__
_has: Any = VolunteerSkill.__table__
_certificates: Any = SkillCertificate.__table__
_slots: Any = AvailabilitySlot.__table__
_pledges: Any = Pledge.__table__
_commitments: Any = Commitment.__table__


@dataclass
class _Known:
    """What is collected of one person before the solver's value is made."""

    skills: set[str] = field(default_factory=set)
    lapses: dict[str, date] = field(default_factory=dict)
    committed: list[Stretch] = field(default_factory=list)
    planned: int = 0
    past: int = 0
    recent: int = 0
    pledged: set[str] = field(default_factory=set)
    available: set[int] = field(default_factory=set)
    not_available: set[int] = field(default_factory=set)


def span(fill: Any) -> tuple[datetime, datetime]:
    """From the first midnight to the one after the last day, on the county's clocks."""
    start = clock.instant(datetime.combine(fill.from_on, time()))
    return start, clock.instant(datetime.combine(fill.to_on + timedelta(days=1), time()))


def shifts_of(fill: Any) -> ColumnElement[bool]:
    """The condition: shifts of the proposal's posts within its days, not called off."""
    start, end = span(fill)
    return and_(
        _shifts.c.post_id.in_(select(_fill_posts.c.post_id).where(_fill_posts.c.fill_id == fill.id)),
        _shifts.c.starts_at >= start,
        _shifts.c.starts_at < end,
        is_any(_shifts.c.state, ShiftState.DRAFT, ShiftState.OPEN),
    )


@reading
def load_problem(*, fill_id: int, now: datetime) -> solver.Problem:
    """Everything the solver needs for this proposal; shifts that began already are not filled any more.

    Asked of every volunteer of the proposal's area (of its team, if it is a team's): the same facts that
    `rules.ensure_can_take` looks at when somebody presses the button.
    """
    fill = db.connection().execute(select(_fills).where(_fills.c.id == fill_id)).one()
    sealed = areas.sealed_paths(now)
    shifts = _shifts_to_fill(fill, now, sealed)
    people = _people(fill, now, sealed)
    return solver.Problem(
        shifts=shifts,
        people=people,
        taken=_seats_taken(fill, now),
        locked=_seats_locked(fill, {each.id for each in shifts}),
        seed=fill.id,
    )


def _shifts_to_fill(fill: Any, now: datetime, sealed: tuple[str, ...]) -> tuple[solver.Shift, ...]:
    connection = db.connection()
    rows = connection.execute(
        select(
            _shifts.c.id,
            _shifts.c.starts_at,
            _shifts.c.ends_at,
            _shifts.c.day,
            _shifts.c.minimum_count,
            _shifts.c.wanted_count,
            _posts.c.area_path,
            _posts.c.team_id,
            _posts.c.adults_only,
            _posts.c.handles_household_data,
            _posts.c.newcomers_welcome,
        )
        .join(_posts, _posts.c.id == _shifts.c.post_id)
        .where(shifts_of(fill), _shifts.c.starts_at > now)
        .order_by(_shifts.c.starts_at, _shifts.c.id)
    ).all()
    needs: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for need in connection.execute(
        select(_needs.c.shift_id, _needs.c.skill_code, _needs.c.needed_count)
        .join(_shifts, _shifts.c.id == _needs.c.shift_id)
        .where(shifts_of(fill))
        .order_by(_needs.c.shift_id, _needs.c.skill_code)
    ):
        needs[need.shift_id].append((need.skill_code, need.needed_count))
    return tuple(
        solver.Shift(
            id=row.id,
            stretch=Stretch(row.starts_at, row.ends_at, row.day),
            minimum=row.minimum_count,
            wanted=row.wanted_count,
            skills=tuple(needs[row.id]),
            pools=frozenset({AREA if row.team_id is None else f"team:{row.team_id}"}),
            traits=_traits_asked(row),
            side=side_of(row.area_path, sealed),
            area_path=row.area_path,
            half_days=solver.half_days(Stretch(row.starts_at, row.ends_at, row.day), clock.zone()),
        )
        for row in rows
    )


def _traits_asked(post: Any) -> frozenset[str]:
    asked = {WELL}
    if post.adults_only:
        asked.add(ADULT)
    if post.handles_household_data:
        asked |= {DISCREET, ACCEPTED}
    if not post.newcomers_welcome:
        asked.add(ACCEPTED)
    return frozenset(asked)


def _seats_taken(fill: Any, now: datetime) -> tuple[solver.Seat, ...]:
    rows = db.connection().execute(
        select(_signups.c.shift_id, _signups.c.person_id, _signups.c.skill_code)
        .join(_shifts, _shifts.c.id == _signups.c.shift_id)
        .where(shifts_of(fill), _shifts.c.starts_at > now, is_any(_signups.c.state, *HOLDS_A_PLACE))
        .order_by(_signups.c.id)
    )
    return tuple(solver.Seat(row.shift_id, row.person_id, row.skill_code) for row in rows)


def _seats_locked(fill: Any, shifts: set[int]) -> tuple[solver.Seat, ...]:
    rows = db.connection().execute(
        select(_cells.c.shift_id, _cells.c.person_id, _cells.c.skill_code)
        .where(_cells.c.fill_id == fill.id, _cells.c.is_locked)
        .order_by(_cells.c.shift_id, _cells.c.person_id)
    )
    return tuple(
        solver.Seat(row.shift_id, row.person_id, row.skill_code) for row in rows if row.shift_id in shifts
    )


def _asked(fill: Any) -> ColumnElement[bool]:
    """The volunteers who may be given something."""
    mine = (
        _volunteers.c.team_id == fill.team_id
        if fill.team_id is not None
        else within(_volunteers.c.area_path, fill.area_path)
    )
    return and_(mine, is_any(_volunteers.c.state, *MAY_TAKE))


def _people(fill: Any, now: datetime, sealed: tuple[str, ...]) -> tuple[solver.Person, ...]:
    rows = (
        db.connection()
        .execute(
            select(
                _volunteers.c.id,
                _volunteers.c.person_id,
                _volunteers.c.state,
                _volunteers.c.age_group,
                _volunteers.c.team_id,
                _volunteers.c.area_path,
            )
            .where(_asked(fill))
            .order_by(_volunteers.c.person_id)
        )
        .all()
    )
    known = _known(fill, now)
    return tuple(_person(row, known[row.person_id], sealed) for row in rows)


def _person(row: Any, known: _Known, sealed: tuple[str, ...]) -> solver.Person:
    is_accepted = row.state == VolunteerState.ACCEPTED
    traits = {
        ADULT: row.age_group == AgeGroup.ADULT,
        ACCEPTED: is_accepted,
        WELL: PledgeKind.HEALTH in known.pledged,
        DISCREET: PledgeKind.CONFIDENTIALITY in known.pledged,
    }
    return solver.Person(
        id=row.person_id,
        # Places for a skill are for who has been accepted; a newcomer's word is not yet looked at.
        skills=frozenset(known.skills) if is_accepted else frozenset(),
        lapses=tuple(sorted(known.lapses.items())),
        committed=tuple(sorted(known.committed)),
        past_minutes=known.past,
        recent_minutes=known.recent,
        planned_minutes=known.planned,
        pools=frozenset({AREA} | ({f"team:{row.team_id}"} if row.team_id is not None else set())),
        traits=frozenset(name for name, has in traits.items() if has),
        side=side_of(row.area_path, sealed),
        home_path=row.area_path,
        available=frozenset(known.available),
        not_available=frozenset(known.not_available),
    )


def _known(fill: Any, now: datetime) -> dict[int, _Known]:
    known: dict[int, _Known] = defaultdict(_Known)
    _read_skills(fill, known)
    _read_promises(fill, known)
    _read_time(fill, now, known)
    return known


def _read_skills(fill: Any, known: dict[int, _Known]) -> None:
    """Skills by word; a certified one counts until its latest certificate ends, without one not at all."""
    expires = func.max(func.coalesce(_certificates.c.expires_on, FOR_EVER)).label("expires_on")
    rows = db.connection().execute(
        select(_volunteers.c.person_id, _has.c.skill_code, _skills.c.kind, expires)
        .select_from(
            _has.join(_volunteers, _volunteers.c.id == _has.c.volunteer_id)
            .join(_skills, _skills.c.code == _has.c.skill_code)
            .outerjoin(
                _certificates,
                and_(
                    _certificates.c.volunteer_id == _has.c.volunteer_id,
                    _certificates.c.skill_code == _has.c.skill_code,
                ),
            )
        )
        .where(_asked(fill), or_(_skills.c.kind != SkillKind.CERTIFIED, _certificates.c.id.is_not(None)))
        .group_by(_volunteers.c.person_id, _has.c.skill_code, _skills.c.kind)
    )
    for row in rows:
        person = known[row.person_id]
        person.skills.add(row.skill_code)
        if row.kind == SkillKind.CERTIFIED and row.expires_on < FOR_EVER:
            person.lapses[row.skill_code] = row.expires_on


def _read_promises(fill: Any, known: dict[int, _Known]) -> None:
    connection = db.connection()
    for row in connection.execute(
        select(_volunteers.c.person_id, _pledges.c.kind)
        .join(_pledges, _pledges.c.volunteer_id == _volunteers.c.id)
        .where(_asked(fill), _pledges.c.version == PLEDGE_VERSION)
    ):
        known[row.person_id].pledged.add(row.kind)
    for row in connection.execute(
        select(_volunteers.c.person_id, _slots.c.weekday, _slots.c.half, _slots.c.state)
        .join(_slots, _slots.c.volunteer_id == _volunteers.c.id)
        .where(_asked(fill))
    ):
        person = known[row.person_id]
        number = row.weekday * 2 + (row.half == Half.AFTERNOON)
        (person.available if row.state == Availability.AVAILABLE else person.not_available).add(number)


def _read_time(fill: Any, now: datetime, known: dict[int, _Known]) -> None:
    connection = db.connection()
    start, end = span(fill)
    for row in connection.execute(
        select(_volunteers.c.person_id, _commitments.c.starts_at, _commitments.c.ends_at, _commitments.c.kind)
        .join(_commitments, _commitments.c.person_id == _volunteers.c.person_id)
        .where(_asked(fill), _commitments.c.ends_at > start - AROUND, _commitments.c.starts_at < end + AROUND)
    ):
        stretch = Stretch(row.starts_at, row.ends_at, clock.day(row.starts_at))
        known[row.person_id].committed.append(stretch)
        if row.kind == CommitmentKind.SHIFT and row.starts_at > now:
            known[row.person_id].planned += int(stretch.length.total_seconds() // 60)
    today = clock.day(now)
    for row in connection.execute(
        select(_hours.c.person_id, _hours.c.worked_on, func.sum(_hours.c.minutes).label("minutes"))
        .join(_volunteers, _volunteers.c.person_id == _hours.c.person_id)
        .where(_asked(fill), _hours.c.state == EntryState.STANDS, _hours.c.worked_on > today - PAST)
        .group_by(_hours.c.person_id, _hours.c.worked_on)
    ):
        person = known[row.person_id]
        if row.worked_on > today - RECENT:
            person.recent += row.minutes
        person.past += row.minutes


@dataclass(frozen=True)
class Weighed:
    """Somebody for a shift: the skill place they would fill, their minutes so far, and the rule against it if any."""

    person_id: int
    minutes: int
    skill: str | None
    code: str | None
    params: dict[str, Any]


def weigh(asked: solver.Problem, seats: list[solver.Seat], shift_id: int) -> list[Weighed]:
    """Everybody who may be asked for the shift and is not on it, in a proposal that gives these seats.

    Who fits first; among those the one with the least work.
    """
    shifts = {each.id: each for each in asked.shifts}
    shift = shifts[shift_id]
    there = {each.person_id for each in (*seats, *asked.taken) if each.shift_id == shift_id}
    given: dict[int, list[Stretch]] = defaultdict(list)
    for seat in seats:
        if seat.shift_id in shifts:
            given[seat.person_id].append(shifts[seat.shift_id].stretch)
    free = _free_places(shift, [*seats, *asked.taken])
    found = []
    for person in asked.people:
        if person.id in there or not person.pools & shift.pools:
            continue
        mine = given[person.id]
        minutes = person.past_minutes + person.recent_minutes + person.planned_minutes
        minutes += sum(int(each.length.total_seconds() // 60) for each in mine)
        try:
            skill = _place_for(person, shift, [*person.committed, *mine], free)
        except RuleBroken as broken:
            found.append(Weighed(person.id, minutes, None, broken.code, broken.params))
        else:
            found.append(Weighed(person.id, minutes, skill, None, {}))
    return sorted(found, key=lambda each: (each.code is not None, each.minutes, each.person_id))


def _free_places(shift: solver.Shift, seats: list[solver.Seat]) -> dict[str | None, int]:
    """How many of the wanted places nobody has: for each skill, and (None) for anybody."""
    here = [each for each in seats if each.shift_id == shift.id]
    free: dict[str | None, int] = {
        code: places - sum(each.skill == code for each in here) for code, places in shift.skills
    }
    general = shift.wanted - sum(places for _code, places in shift.skills)
    free[None] = general - sum(each.skill is None for each in here)
    return free


def _place_for(
    person: solver.Person, shift: solver.Shift, taken: list[Stretch], free: dict[str | None, int]
) -> str | None:
    for trait, rule in (
        (ADULT, "adults_only"),
        (WELL, "pledge_missing"),
        (DISCREET, "pledge_missing"),
        (ACCEPTED, "newcomer_not_yet"),
    ):
        if trait in shift.traits - person.traits:
            raise RuleBroken(rule)
    if shift.side != person.side:
        raise RuleBroken("inside_cordon" if shift.side else "outside_cordon")
    if shift.half_days & person.not_available:
        raise RuleBroken("said_not_available")
    ensure_time_allows(shift.stretch, taken)
    lapsed = {code for code, last in person.lapses if last < shift.stretch.day}
    for code, places in free.items():
        if code is not None and places > 0 and code in person.skills - lapsed:
            return code
    if free[None] > 0:
        return None
    kept = next((code for code, places in free.items() if code is not None and places > 0), None)
    raise RuleBroken("skill_missing", skill=kept) if kept else RuleBroken("shift_full")
