"""Reads of call-ups for their head: where one can be made, a draft, the running page, the waves, the list."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from webapp.base import crypto, db
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading, within
from webapp.base.errors import NotFound
from webapp.base.permissions import Permission
from webapp.domain.accounts.models import User
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import get_place, sealed_paths
from webapp.domain.areas.rules import ancestor_paths, short_name, side_of
from webapp.domain.mobilization.models import (
    CallUp,
    CallUpCategory,
    CallUpEvent,
    CallUpRole,
    Reservist,
    Summons,
    Unit,
    Wave,
)
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.queries.team_types import TypeView, list_team_types
from webapp.domain.mobilization.rules import (
    CallUpState,
    Category,
    Certainty,
    EventKind,
    MusterState,
    ShortBecause,
    Stay,
    SummonsState,
    UnitState,
)
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.volunteers.models import Skill, Team, TeamLead, Volunteer
from webapp.domain.volunteers.queries.scope import area_paths
from webapp.domain.volunteers.rules import VolunteerState

PAGE = 20
MOST_PLACES_TO_CHOOSE = 300
MOST_AREAS_TO_CHOOSE = 400
# Levels at which calling begins and to which it climbs.
TIERS = ("community", "town", "county")

_call_ups: Any = CallUp.__table__
_categories: Any = CallUpCategory.__table__
_roles: Any = CallUpRole.__table__
_waves: Any = Wave.__table__
_events: Any = CallUpEvent.__table__
_summonses: Any = Summons.__table__
_units: Any = Unit.__table__
_reservists: Any = Reservist.__table__
_areas: Any = Area.__table__
_skills: Any = Skill.__table__
_teams: Any = Team.__table__
_leads: Any = TeamLead.__table__
_volunteers: Any = Volunteer.__table__
_people: Any = Person.__table__
_users: Any = User.__table__
_phones: Any = PersonPhone.__table__


@dataclass(frozen=True)
class Choice:
    """Something that can be chosen by its public id (or code)."""

    public_id: str
    name: str
    name_en: str | None = None


# --- where a call-up can be made ----------------------------------------------------------------------------


@reading
def list_areas(*, actor: Actor) -> tuple[Choice, ...]:
    """The communities, towns and counties for which the actor makes call-ups, the widest first."""
    rows = db.connection().execute(
        select(_areas.c.public_id, _areas.c.name, _areas.c.name_en)
        .where(
            is_any(_areas.c.level, *TIERS),
            within(_areas.c.path, *area_paths(actor, Permission.CALL_UP_MANAGE)),
        )
        .order_by(case({"county": 1, "town": 2}, value=_areas.c.level, else_=3), _areas.c.path)
        .limit(MOST_AREAS_TO_CHOOSE)
    )
    return tuple(Choice(row.public_id, short_name(row.name), row.name_en) for row in rows)


@dataclass(frozen=True)
class Terms:
    """What the form of a call-up offers in an area.

    `tiers` are the areas from the own one upward, to which the calling may climb; `places` what lies in the
    area, where the muster may be.
    """

    area: str
    area_path: str
    name: str
    name_en: str | None
    tiers: tuple[Choice, ...]
    tier_paths: tuple[str, ...]
    places: tuple[Choice, ...]
    skills: tuple[Choice, ...]
    team_types: tuple[TypeView, ...]
    caller_name: str
    phone: str


@reading
def get_terms(*, actor: Actor, area: str) -> Terms:
    """What can be chosen for a call-up of this area; NotFound where the actor makes none."""
    row = (
        db.connection()
        .execute(
            select(_areas).where(
                _areas.c.public_id == area,
                is_any(_areas.c.level, *TIERS),
                within(_areas.c.path, *area_paths(actor, Permission.CALL_UP_MANAGE)),
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return _terms(actor, row)


@reading
def get_terms_of(*, actor: Actor, path: str) -> Terms:
    """The same for the lowest of these areas in which the path lies."""
    row = (
        db.connection()
        .execute(
            select(_areas)
            .where(_areas.c.path.in_(ancestor_paths(path)), is_any(_areas.c.level, *TIERS))
            .order_by(_areas.c.path.desc())
            .limit(1)
        )
        .one()
    )
    return _terms(actor, row)


def _terms(actor: Actor, row: Any) -> Terms:
    connection = db.connection()
    tiers = connection.execute(
        select(_areas.c.public_id, _areas.c.name, _areas.c.name_en, _areas.c.path)
        .where(_areas.c.path.in_(ancestor_paths(row.path)), is_any(_areas.c.level, *TIERS))
        .order_by(_areas.c.path.desc())
    ).all()
    places = (
        connection.execute(
            select(_areas.c.public_id, _areas.c.name, _areas.c.name_en)
            .where(within(_areas.c.path, row.path), _areas.c.path != row.path)
            .order_by(_areas.c.path)
            .limit(MOST_PLACES_TO_CHOOSE)
        ).all()
        if row.level == "community"
        else []
    )
    name = connection.execute(select(_people.c.name).where(_people.c.id == actor.person_id)).scalar()
    return Terms(
        area=row.public_id,
        area_path=row.path,
        name=short_name(row.name),
        name_en=row.name_en,
        tiers=tuple(Choice(each.public_id, short_name(each.name), each.name_en) for each in tiers),
        tier_paths=tuple(each.path for each in tiers),
        places=tuple(Choice(*each) for each in places),
        skills=list_skills(),
        team_types=list_team_types(),
        caller_name=name or "",
        phone=get_place(row.path).hotline or "",
    )


@reading
def list_skills() -> tuple[Choice, ...]:
    """What can be asked of a role."""
    rows = db.connection().execute(
        select(_skills.c.code, _skills.c.name_zh, _skills.c.name_en).order_by(_skills.c.position)
    )
    return tuple(Choice(*row) for row in rows)


# --- one call-up as it was written --------------------------------------------------------------------------


@dataclass(frozen=True)
class RoleView:
    """A role of a call-up with how it is filled.

    `asked` are all who were summoned for it, `coming` hold a place (`arrived` of them are there), `held` are
    places that a unit promised and has not named yet, `silent` have not answered, `cannot` said no or dropped.
    """

    id: int
    public_id: str
    name: str
    skill: str | None
    skill_zh: str | None
    skill_en: str | None
    wanted: int
    taken: int
    short_because: ShortBecause | None
    asked: int = 0
    coming: int = 0
    arrived: int = 0
    held: int = 0
    silent: int = 0
    queued: int = 0
    cannot: int = 0

    @property
    def is_open(self) -> bool:
        """Whether somebody is still looked for."""
        return self.taken < self.wanted


@dataclass(frozen=True)
class WaveView:
    """A wave of a role."""

    public_id: str
    role_id: int
    number: int
    tier_path: str
    open: int
    asked: int
    target_permille: int
    chance_permille: int
    sent_at: datetime
    reply_by: datetime
    yes: int = 0
    cannot: int = 0
    silent: int = 0


@dataclass(frozen=True)
class UnitView:
    """A team that was called as a unit. `phone` is the lead's, shown once the office should call."""

    public_id: str
    team: str
    team_en: str | None
    lead: str
    role: str
    state: UnitState
    asked: int
    promised: int
    named: int
    sent_at: datetime
    reply_by: datetime
    is_to_call: bool
    phone: str | None


@dataclass(frozen=True)
class CallUpView:
    """A call-up with all that its head needs for the next quarter of an hour."""

    id: int
    public_id: str
    number: str
    code: str
    title: str
    state: CallUpState
    is_drill: bool
    is_announced: bool
    area_id: int
    area_path: str
    area_name: str
    area_name_en: str | None
    starts_at: datetime
    ends_at: datetime
    muster_point: str
    landmark: str
    map_url: str | None
    bring: str
    stay: Stay
    sleeps: str
    eats: str
    caller_name: str
    phone: str
    certainty: Certainty
    reply_minutes: int
    quiet_reason: str | None
    started_at: datetime | None
    next_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    tier: Choice
    tier_path: str
    widest: Choice
    widest_path: str
    next_tier: Choice | None
    categories: frozenset[Category]
    roles: tuple[RoleView, ...]
    latest: Mapping[int, WaveView]
    listed_count: int
    version: int
    board_version: int
    is_sealed: bool
    may_manage: bool
    sees_whole: bool

    @property
    def wanted(self) -> int:
        """Places in all."""
        return sum(each.wanted for each in self.roles)

    @property
    def taken(self) -> int:
        """Places that are taken or held."""
        return sum(each.taken for each in self.roles)

    @property
    def tag(self) -> str:
        """What the page shows has changed when this has."""
        return f"{self.id}-{self.version}-{self.board_version}"


_THERE = (MusterState.ARRIVED, MusterState.ON_DUTY, MusterState.DEPARTED)


@reading
def get_call_up(*, actor: Actor, public_id: str, now: datetime) -> CallUpView:
    """A call-up that the actor sees; NotFound outside. Who sees only lines of a team gets no figures."""
    row = scope.find_call_up(actor, public_id)
    return _view(actor, row, now)


@reading
def get_managed(*, actor: Actor, public_id: str, now: datetime) -> CallUpView:
    """The same for who steers it; NotAllowed for who only sees it."""
    return _view(actor, scope.managed_call_up(actor, public_id), now)


def _view(actor: Actor, row: Any, now: datetime) -> CallUpView:
    connection = db.connection()
    whole = scope.sees_whole(actor, row.id)
    named = {
        each.path: Choice(each.public_id, short_name(each.name), each.name_en)
        for each in connection.execute(
            select(_areas.c.path, _areas.c.public_id, _areas.c.name, _areas.c.name_en, _areas.c.level)
            .where(_areas.c.path.in_({*ancestor_paths(row.area_path), row.tier_path, row.widest_path}))
            .order_by(_areas.c.path)
        )
    }
    nowhere = Choice("", "")
    above = [path for path in ancestor_paths(row.tier_path) if path != row.tier_path and path in named]
    return CallUpView(
        id=row.id,
        public_id=row.public_id,
        number=row.number,
        code=row.code,
        title=row.title,
        state=CallUpState(row.state),
        is_drill=row.is_drill,
        is_announced=row.is_announced,
        area_id=row.area_id,
        area_path=row.area_path,
        area_name=named.get(row.area_path, nowhere).name,
        area_name_en=named.get(row.area_path, nowhere).name_en,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        muster_point=row.muster_point,
        landmark=row.landmark,
        map_url=row.map_url,
        bring=row.bring,
        stay=Stay(row.stay),
        sleeps=row.sleeps,
        eats=row.eats,
        caller_name=row.caller_name,
        phone=row.phone,
        certainty=Certainty(row.certainty),
        reply_minutes=row.reply_minutes,
        quiet_reason=row.quiet_reason,
        started_at=row.started_at,
        next_at=row.next_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        tier=named.get(row.tier_path, nowhere),
        tier_path=row.tier_path,
        widest=named.get(row.widest_path, nowhere),
        widest_path=row.widest_path,
        next_tier=named[above[-1]] if above else None,
        categories=frozenset(
            connection.execute(
                select(_categories.c.category).where(_categories.c.call_up_id == row.id)
            ).scalars()
        ),
        roles=_role_views(row.id, with_figures=whole),
        latest=_latest_waves(row.id) if whole else {},
        listed_count=_count_listed(row.id, now) if whole else 0,
        version=row.version,
        board_version=row.board_version,
        is_sealed=bool(side_of(row.area_path, sealed_paths(now))),
        may_manage=scope.may_manage(actor, row.area_path),
        sees_whole=whole,
    )


def _role_views(call_up_id: int, *, with_figures: bool) -> tuple[RoleView, ...]:
    connection = db.connection()
    counted: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    if with_figures:
        s = _summonses.c
        for each in connection.execute(
            select(s.role_id, s.state, s.muster, func.count().label("how_many"))
            .where(s.call_up_id == call_up_id)
            .group_by(s.role_id, s.state, s.muster)
        ):
            figures = counted[each.role_id]
            figures["asked"] += each.how_many
            figures[_FIGURE[SummonsState(each.state)]] += each.how_many
            if each.muster in _THERE:
                figures["arrived"] += each.how_many
        for each in connection.execute(
            select(_units.c.role_id, func.sum(_units.c.promised_count - _units.c.named_count).label("held"))
            .where(_units.c.call_up_id == call_up_id, _units.c.state == UnitState.COMING)
            .group_by(_units.c.role_id)
        ):
            counted[each.role_id]["held"] = int(each.held)
    rows = connection.execute(
        select(_roles, _skills.c.name_zh, _skills.c.name_en)
        .select_from(_roles.outerjoin(_skills, _skills.c.code == _roles.c.skill_code))
        .where(_roles.c.call_up_id == call_up_id)
        .order_by(_roles.c.position)
    )
    return tuple(
        RoleView(
            id=row.id,
            public_id=row.public_id,
            name=row.name,
            skill=row.skill_code,
            skill_zh=row.name_zh,
            skill_en=row.name_en,
            wanted=row.wanted_count,
            taken=row.taken_count,
            short_because=row.short_because,
            **{name: count for name, count in counted[row.id].items() if name != "none"},
        )
        for row in rows
    )


_FIGURE = {
    SummonsState.WAITING: "silent",
    SummonsState.LATER: "silent",
    SummonsState.MISSED: "silent",
    SummonsState.COMING: "coming",
    SummonsState.QUEUED: "queued",
    SummonsState.CANNOT: "cannot",
    SummonsState.DROPPED: "cannot",
    SummonsState.STOOD_DOWN: "none",
}


def _wave(row: Any, **more: int) -> WaveView:
    return WaveView(
        public_id=row.public_id,
        role_id=row.role_id,
        number=row.number,
        tier_path=row.tier_path,
        open=row.open_count,
        asked=row.asked_count,
        target_permille=row.target_permille,
        chance_permille=row.chance_permille,
        sent_at=row.sent_at,
        reply_by=row.reply_by,
        **more,
    )


def _latest_waves(call_up_id: int) -> dict[int, WaveView]:
    rows = db.connection().execute(
        select(_waves).where(_waves.c.call_up_id == call_up_id).order_by(_waves.c.number)
    )
    return {row.role_id: _wave(row) for row in rows}


def _count_listed(call_up_id: int, now: datetime) -> int:
    """How many stand on the call list and have not answered."""
    people = (
        db.connection()
        .execute(
            select(func.count())
            .select_from(_summonses)
            .where(
                _summonses.c.call_up_id == call_up_id,
                _summonses.c.listed_at.is_not(None),
                is_any(_summonses.c.state, SummonsState.WAITING, SummonsState.LATER, SummonsState.MISSED),
            )
        )
        .scalar_one()
    )
    return people + sum(each.is_to_call for each in list_units(call_up_id=call_up_id, now=now))


@reading
def get_place_choice(terms: Terms, draft: CallUpView) -> str:
    """The public id of the place that a draft names, as the form chooses it: empty for the whole area."""
    if draft.area_path == terms.area_path:
        return ""
    found = db.connection().execute(select(_areas.c.public_id).where(_areas.c.id == draft.area_id))
    return str(found.scalar_one())


@reading
def count_waves(call_up_id: int) -> int:
    """How many waves went out."""
    found: int = (
        db.connection()
        .execute(select(func.count()).select_from(_waves).where(_waves.c.call_up_id == call_up_id))
        .scalar_one()
    )
    return found


@reading
def list_tiers(view: CallUpView) -> Mapping[str, Choice]:
    """The areas in which the call-up lies, by path."""
    return {
        each.path: Choice(each.public_id, short_name(each.name), each.name_en)
        for each in db.connection().execute(
            select(_areas.c.path, _areas.c.public_id, _areas.c.name, _areas.c.name_en).where(
                _areas.c.path.in_({*ancestor_paths(view.area_path), view.tier_path, view.widest_path})
            )
        )
    }


MOST_NAMES = 200


@reading
def names_of(*, actor: Actor, person_ids: Collection[int]) -> Mapping[int, str]:
    """The names of those reservists among these people whom the actor sees; others are only counted."""
    wanted = sorted(person_ids)[:MOST_NAMES]
    rows = db.connection().execute(
        select(_reservists.c.person_id, _reservists.c.name).where(
            _reservists.c.person_id.in_(wanted), scope.visible_reservists(actor)
        )
    )
    return {row.person_id: row.name for row in rows}


# --- is there something new? --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Glance:
    """What tells whether a page is still true."""

    tag: str
    state: CallUpState


@reading
def glance(*, actor: Actor, public_id: str) -> Glance:
    """One query: the versions of a call-up that the actor sees whole; NotFound outside."""
    c = _call_ups.c
    row = (
        db.connection()
        .execute(
            select(c.id, c.version, c.board_version, c.state).where(
                c.public_id == public_id, scope.whole_call_ups(actor)
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return Glance(f"{row.id}-{row.version}-{row.board_version}", CallUpState(row.state))


# --- waves and timeline -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chosen:
    """Somebody who was chosen in a wave, why, and what they answered."""

    person: str
    phone_tail: str
    wave: str | None
    role_id: int
    unit: str | None
    because: tuple[str, ...]
    chance_permille: int | None
    state: SummonsState
    answered_at: datetime | None
    is_walk_in: bool


@dataclass(frozen=True)
class EventView:
    """A line of the timeline; `name` is the person's who pressed, None where Linli or a link's bearer did it."""

    at: datetime
    kind: EventKind
    role_id: int | None
    by: str
    name: str | None
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class WavesPage:
    """All waves, the people of one page of them, and the timeline."""

    waves: tuple[WaveView, ...]
    chosen: tuple[Chosen, ...]
    events: tuple[EventView, ...]
    after: str | None
    tiers: Mapping[str, Choice]


CHOSEN_PAGE = 60


@reading
def list_waves(
    *, actor: Actor, public_id: str, wave: str | None = None, after: str | None = None
) -> WavesPage:
    """The waves of a call-up that the actor sees whole, whom they chose (of one wave or of all), what happened."""
    connection = db.connection()
    row = connection.execute(
        select(_call_ups.c.id, _call_ups.c.widest_path, _call_ups.c.area_path).where(
            _call_ups.c.public_id == public_id, scope.whole_call_ups(actor)
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    s = _summonses.c
    counted: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in connection.execute(
        select(s.wave_id, s.state, func.count().label("how_many"))
        .where(s.call_up_id == row.id, s.wave_id.is_not(None))
        .group_by(s.wave_id, s.state)
    ):
        counted[each.wave_id][_ANSWER[SummonsState(each.state)]] += each.how_many
    waves = connection.execute(
        select(_waves).where(_waves.c.call_up_id == row.id).order_by(_waves.c.id)
    ).all()
    statement = (
        select(
            s.id,
            s.public_id,
            s.role_id,
            s.because,
            s.chance_permille,
            s.state,
            s.answered_at,
            s.is_walk_in,
            _people.c.name,
            _reservists.c.phone_tail,
            _waves.c.public_id.label("wave"),
            _teams.c.name.label("unit"),
        )
        .select_from(
            _summonses.join(_people, _people.c.id == s.person_id)
            .outerjoin(_reservists, _reservists.c.person_id == s.person_id)
            .outerjoin(_waves, _waves.c.id == s.wave_id)
            .outerjoin(_units, _units.c.id == s.unit_id)
            .outerjoin(_teams, _teams.c.id == _units.c.team_id)
        )
        .where(s.call_up_id == row.id)
        .order_by(s.id)
        .limit(CHOSEN_PAGE + 1)
    )
    if wave is not None:
        statement = statement.where(_waves.c.public_id == wave)
    if after is not None:
        last = connection.execute(select(s.id).where(s.public_id == after, s.call_up_id == row.id)).scalar()
        if last is None:
            raise NotFound
        statement = statement.where(s.id > last)
    found = connection.execute(statement).all()
    paths = {each.tier_path for each in waves} | {row.widest_path}
    return WavesPage(
        waves=tuple(
            _wave(each, **{name: counted[each.id][name] for name in ("yes", "cannot", "silent")})
            for each in waves
        ),
        chosen=tuple(
            Chosen(
                person=each.name,
                phone_tail=each.phone_tail or "",
                wave=each.wave,
                role_id=each.role_id,
                unit=each.unit,
                because=tuple(code for code in each.because.split(",") if code),
                chance_permille=each.chance_permille,
                state=SummonsState(each.state),
                answered_at=each.answered_at,
                is_walk_in=each.is_walk_in,
            )
            for each in found[:CHOSEN_PAGE]
        ),
        events=_events_of(row.id),
        after=found[CHOSEN_PAGE - 1].public_id if len(found) > CHOSEN_PAGE else None,
        tiers={
            each.path: Choice(each.public_id, short_name(each.name), each.name_en)
            for each in connection.execute(select(_areas).where(_areas.c.path.in_(paths)))
        },
    )


_ANSWER = {
    SummonsState.WAITING: "silent",
    SummonsState.LATER: "silent",
    SummonsState.MISSED: "silent",
    SummonsState.COMING: "yes",
    SummonsState.QUEUED: "yes",
    SummonsState.CANNOT: "cannot",
    SummonsState.DROPPED: "cannot",
    SummonsState.STOOD_DOWN: "none",
}
MOST_EVENTS = 200


def _events_of(call_up_id: int) -> tuple[EventView, ...]:
    connection = db.connection()
    rows = connection.execute(
        select(_events)
        .where(_events.c.call_up_id == call_up_id)
        .order_by(_events.c.id.desc())
        .limit(MOST_EVENTS)
    ).all()
    users = {int(row.by.removeprefix("user:")) for row in rows if row.by.startswith("user:")}
    names = {
        f"user:{each.id}": each.name
        for each in connection.execute(
            select(_users.c.id, _people.c.name)
            .join(_people, _people.c.id == _users.c.person_id)
            .where(_users.c.id.in_(users))
        )
    }
    return tuple(
        EventView(
            at=row.at,
            kind=EventKind(row.kind),
            role_id=row.role_id,
            by=row.by,
            name=names.get(row.by),
            facts=json.loads(row.facts),
        )
        for row in rows
    )


# --- the list -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CallUpLine:
    """A call-up as a row of the list. A team's lead sees no figures of others: `taken` is None."""

    public_id: str
    number: str
    title: str
    state: CallUpState
    is_drill: bool
    area_name: str
    area_name_en: str | None
    starts_at: datetime
    ends_at: datetime
    muster_point: str
    wanted: int | None
    taken: int | None


@dataclass(frozen=True)
class CallUpPage:
    """Call-ups, those that run first, then the newest."""

    call_ups: tuple[CallUpLine, ...]
    older: str | None


LIVE = (CallUpState.RUNNING, CallUpState.PAUSED, CallUpState.ENDED)


@reading
def list_call_ups(*, actor: Actor, before: str | None = None, limit: int = PAGE) -> CallUpPage:
    """The call-ups that the actor sees: those that go on first, then drafts and past ones, the newest first."""
    connection = db.connection()
    c = _call_ups.c
    rank = case((is_any(c.state, *LIVE), 0), (c.state == CallUpState.DRAFT, 1), else_=2)
    counts = (
        select(
            _roles.c.call_up_id,
            func.sum(_roles.c.wanted_count).label("wanted"),
            func.sum(_roles.c.taken_count).label("taken"),
        )
        .group_by(_roles.c.call_up_id)
        .subquery()
    )
    statement = (
        select(
            _call_ups,
            rank.label("rank"),
            _areas.c.name.label("area_name"),
            _areas.c.name_en.label("area_name_en"),
            counts.c.wanted,
            counts.c.taken,
            scope.whole_call_ups(actor).label("is_whole"),
        )
        .select_from(
            _call_ups.join(_areas, _areas.c.id == c.area_id).outerjoin(counts, counts.c.call_up_id == c.id)
        )
        .where(scope.visible_call_ups(actor))
        .order_by(rank, c.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        last = connection.execute(
            select(c.id, rank.label("rank")).where(c.public_id == before, scope.visible_call_ups(actor))
        ).one_or_none()
        if last is None:
            raise NotFound
        statement = statement.where(or_(rank > last.rank, and_(rank == last.rank, c.id < last.id)))
    rows = connection.execute(statement).all()
    return CallUpPage(
        call_ups=tuple(
            CallUpLine(
                public_id=row.public_id,
                number=row.number,
                title=row.title,
                state=CallUpState(row.state),
                is_drill=row.is_drill,
                area_name=short_name(row.area_name),
                area_name_en=row.area_name_en,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                muster_point=row.muster_point,
                wanted=int(row.wanted) if row.is_whole and row.wanted is not None else None,
                taken=int(row.taken) if row.is_whole and row.taken is not None else None,
            )
            for row in rows[:limit]
        ),
        older=rows[limit - 1].public_id if len(rows) > limit else None,
    )


@reading
def count_running(*, actor: Actor) -> int:
    """How many call-ups that the actor sees go on now, for the home page."""
    found: int = (
        db.connection()
        .execute(
            select(func.count())
            .select_from(_call_ups)
            .where(is_any(_call_ups.c.state, *LIVE), scope.visible_call_ups(actor))
        )
        .scalar_one()
    )
    return found


# --- teams as units -----------------------------------------------------------------------------------------


@reading
def list_units(*, call_up_id: int, now: datetime) -> tuple[UnitView, ...]:
    """The teams that were called as units, in order.

    From half of its time to answer on, a silent unit is to be called: then the lead's phone is there.
    """
    phone = (
        select(_phones.c.phone)
        .where(_phones.c.person_id == _units.c.person_id)
        .order_by(_phones.c.position, _phones.c.id)
        .limit(1)
        .scalar_subquery()
    )
    rows = db.connection().execute(
        select(
            _units,
            _teams.c.name.label("team"),
            _teams.c.name_en.label("team_en"),
            _people.c.name.label("lead"),
            _roles.c.name.label("role"),
            phone.label("phone"),
        )
        .select_from(
            _units.join(_teams, _teams.c.id == _units.c.team_id)
            .join(_people, _people.c.id == _units.c.person_id)
            .join(_roles, _roles.c.id == _units.c.role_id)
        )
        .where(_units.c.call_up_id == call_up_id)
        .order_by(_units.c.id)
    )
    found = []
    for row in rows:
        due = row.sent_at + (row.reply_by - row.sent_at) / 2
        is_to_call = row.state == UnitState.WAITING and now >= due
        found.append(
            UnitView(
                public_id=row.public_id,
                team=row.team,
                team_en=row.team_en,
                lead=row.lead,
                role=row.role,
                state=UnitState(row.state),
                asked=row.asked_count,
                promised=row.promised_count,
                named=row.named_count,
                sent_at=row.sent_at,
                reply_by=row.reply_by,
                is_to_call=is_to_call,
                phone=crypto.decrypt(row.phone) if is_to_call and row.phone is not None else None,
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class TeamChoice:
    """A team that can be called as a unit, with how many it has and who leads it."""

    public_id: str
    name: str
    name_en: str | None
    members: int
    lead: str | None


@reading
def list_teams_to_call(*, actor: Actor, call_up: CallUpView) -> tuple[TeamChoice, ...]:
    """The open teams of the area that calls, not called yet, the largest first."""
    called = select(_units.c.team_id).where(_units.c.call_up_id == call_up.id)
    members = (
        select(func.count())
        .select_from(_volunteers)
        .where(_volunteers.c.team_id == _teams.c.id, _volunteers.c.state == VolunteerState.ACCEPTED)
        .correlate(_teams)
        .scalar_subquery()
    )
    lead = (
        select(func.min(_people.c.name))
        .select_from(_leads.join(_people, _people.c.id == _leads.c.person_id))
        .where(_leads.c.team_id == _teams.c.id)
        .correlate(_teams)
        .scalar_subquery()
    )
    rows = db.connection().execute(
        select(
            _teams.c.public_id,
            _teams.c.name,
            _teams.c.name_en,
            members.label("members"),
            lead.label("lead"),
        )
        .where(
            within(_teams.c.area_path, call_up.tier_path),
            within(_teams.c.area_path, *area_paths(actor, Permission.CALL_UP_MANAGE)),
            _teams.c.closed_at.is_(None),
            _teams.c.id.not_in(called),
        )
        .order_by(members.desc(), _teams.c.id)
        .limit(100)
    )
    return tuple(TeamChoice(*row) for row in rows)
