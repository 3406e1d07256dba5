"""Who would take a place: all that the rules ask of a person, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, String, bindparam, cast, literal_column, null, or_, select, union_all
from sqlalchemy.orm import aliased

from webapp.base import clock
from webapp.base.db import Id, UtcDateTime, is_any, reading
from webapp.base.prepared import Prepared
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import zoned
from webapp.domain.areas.rules import cordons, side_of
from webapp.domain.rosters.models import Shift, Signup, StandIn
from webapp.domain.rosters.rules import LIVE, SignupState, StandInKind, StandInState, Stretch, Taker
from webapp.domain.volunteers.models import (
    Commitment,
    Pledge,
    Skill,
    SkillCertificate,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.rules import AgeGroup, CommitmentKind, SkillKind, VolunteerState

_volunteers: Any = Volunteer.__table__
_own_skills: Any = VolunteerSkill.__table__
_skills: Any = Skill.__table__
_certificates: Any = SkillCertificate.__table__
_pledges: Any = Pledge.__table__
_commitments: Any = Commitment.__table__
_areas: Any = Area.__table__
_shifts: Any = Shift.__table__
_signups: Any = Signup.__table__
_stand_ins: Any = StandIn.__table__

# What the time rules can ask for: six days in a row and the rest before them.
LOOKS_BACK = timedelta(days=8)


@dataclass(frozen=True)
class Me:
    """A person as the rules and the list of shifts know them.

    `here` is the path of the community where they live; `taken` maps the sign-up (None: other features) to the
    time that it takes. `cordon` is what is sealed now, for `areas.rules.side_of`.
    """

    person_id: int
    taker: Taker
    name: str = ""
    home_path: str = ""
    here: str = ""
    team_id: int | None = None
    taken: tuple[Stretch, ...] = ()
    own: dict[int, Stretch] = field(default_factory=dict)
    cordon: tuple[str, ...] = ()

    @property
    def is_volunteer(self) -> bool:
        """Whether they are on the list of volunteers at all."""
        return self.taker.state is not None

    def without(self, *signup_ids: int) -> tuple[Stretch, ...]:
        """The time that is taken when these sign-ups are given up."""
        gone = [self.own[each] for each in signup_ids if each in self.own]
        return tuple(each for each in self.taken if each not in gone)


def _row(
    kind: str,
    *,
    code: Any = None,
    text: Any = None,
    path: Any = None,
    here: Any = None,
    number: Any = None,
    day: Any = None,
    starts_at: Any = None,
    ends_at: Any = None,
) -> tuple[Any, ...]:
    def column(value: Any, type_: Any, name: str) -> Any:
        return (cast(null(), type_) if value is None else cast(value, type_)).label(name)

    return (
        literal_column(f"'{kind}'", String).label("kind"),
        column(code, String(40), "code"),
        column(text, String(80), "text"),
        column(path, String(400), "path"),
        column(here, String(400), "here"),
        column(number, Id, "number"),
        (cast(null(), Date) if day is None else day).label("day"),
        (cast(null(), UtcDateTime) if starts_at is None else starts_at).label("starts_at"),
        (cast(null(), UtcDateTime) if ends_at is None else ends_at).label("ends_at"),
    )


_person = bindparam("person", type_=_volunteers.c.person_id.type)
# Communities do not overlap, so the one above a path is the last that sorts before it.
_community = (
    select(_areas.c.path)
    .where(_areas.c.level == "community", _areas.c.path <= _volunteers.c.area_path)
    .order_by(_areas.c.path.desc())
    .limit(1)
    .scalar_subquery()
)
_mine = select(_volunteers.c.id).where(_volunteers.c.person_id == _person).scalar_subquery()
_sealed = zoned.subquery()
_parts = (
    select(
        *_row(
            "volunteer",
            code=cast(_volunteers.c.state, String)
            + literal_column("':'")
            + cast(_volunteers.c.age_group, String),
            text=_volunteers.c.name,
            path=_volunteers.c.area_path,
            here=_community,
            number=_volunteers.c.team_id,
        )
    ).where(_volunteers.c.person_id == _person),
    select(
        *_row(
            "skill",
            code=_own_skills.c.skill_code,
            text=_skills.c.kind,
            number=_certificates.c.id,
            day=_certificates.c.expires_on,
        )
    )
    .select_from(
        _own_skills.join(_skills, _skills.c.code == _own_skills.c.skill_code).outerjoin(
            _certificates,
            (_certificates.c.volunteer_id == _own_skills.c.volunteer_id)
            & (_certificates.c.skill_code == _own_skills.c.skill_code),
        )
    )
    .where(_own_skills.c.volunteer_id == _mine),
    select(*_row("pledge", code=_pledges.c.kind)).where(_pledges.c.volunteer_id == _mine),
    select(
        *_row(
            "time",
            code=_commitments.c.kind,
            number=_commitments.c.reference_id,
            starts_at=_commitments.c.starts_at,
            ends_at=_commitments.c.ends_at,
        )
    ).where(
        _commitments.c.person_id == _person,
        _commitments.c.ends_at > bindparam("since", type_=UtcDateTime),
    ),
    select(*_row("zone", path=_sealed.c.path, number=_sealed.c.is_sealed)),
)
_me_prepared = Prepared(union_all(*_parts))
# What a list marks: how the reader stands to a shift, and where they could stand in for somebody. Few rows each.
_asker: Any = aliased(Signup.__table__, name="asker")
_reader_prepared = Prepared(
    union_all(
        *_parts,
        select(
            *_row("mine", code=_signups.c.state, number=_signups.c.shift_id, starts_at=_signups.c.accept_by)
        )
        .select_from(_signups.join(_shifts, _shifts.c.id == _signups.c.shift_id))
        .where(
            _signups.c.person_id == _person,
            is_any(_signups.c.state, *LIVE),
            _shifts.c.ends_at > bindparam("now", type_=UtcDateTime),
        ),
        select(
            *_row(
                "search",
                code=_asker.c.skill_code,
                text=_stand_ins.c.public_id,
                number=_asker.c.shift_id,
            )
        )
        .select_from(_stand_ins.join(_asker, _asker.c.id == _stand_ins.c.signup_id))
        .where(
            is_any(_stand_ins.c.state, StandInState.OPEN),
            is_any(_stand_ins.c.kind, StandInKind.STAND_IN, StandInKind.RELIEF),
            or_(_stand_ins.c.to_person_id.is_(None), _stand_ins.c.to_person_id == _person),
            _asker.c.person_id != _person,
        ),
    )
)


@reading
def load_me(*, person_id: int, now: datetime, since: datetime | None = None) -> Me:
    """The person with what is theirs and what is sealed now; one statement.

    `since` is the start of the shift in question, where it may lie in the past.
    """
    looks_back = min(now, since or now) - LOOKS_BACK
    return _read(person_id, _me_prepared.all({"person": person_id, "since": looks_back, "now": now}))


@dataclass(frozen=True)
class Reader:
    """A person who reads a list: themselves, how they stand to shifts (state, until when an offer holds), and the
    searches for a stand-in that they could answer (public id, skill of the place), both by the shift's id.
    """

    me: Me
    signups: Mapping[int, tuple[SignupState, datetime | None]]
    searches: Mapping[int, tuple[str, str | None]]


@reading
def load_reader(*, person_id: int, now: datetime) -> Reader:
    """As `load_me`, with what a list of shifts marks for this person; one statement."""
    rows = _reader_prepared.all({"person": person_id, "since": now - LOOKS_BACK, "now": now})
    signups = {row.number: (SignupState(row.code), row.starts_at) for row in rows if row.kind == "mine"}
    searches = {row.number: (row.text, row.code) for row in rows if row.kind == "search"}
    return Reader(_read(person_id, rows), signups, searches)


def _read(person_id: int, rows: Sequence[Any]) -> Me:
    volunteer: Any = None
    skills: dict[str, date] = {}
    pledges: list[str] = []
    own: dict[int, Stretch] = {}
    taken: list[Stretch] = []
    zones: list[tuple[str, bool]] = []
    for row in rows:
        kind = row.kind
        if kind == "volunteer":
            volunteer = row
        elif kind == "skill":
            until = _counts_until(row)
            skills[row.code] = max(until, skills.get(row.code, date.min))
        elif kind == "pledge":
            pledges.append(row.code)
        elif kind == "time":
            stretch = Stretch(row.starts_at, row.ends_at, clock.day(row.starts_at))
            taken.append(stretch)
            if row.code == CommitmentKind.SHIFT:
                own[row.number] = stretch
        elif kind == "zone":
            zones.append((row.path, bool(row.number)))
    cordon = cordons(zones) if zones else ()
    if volunteer is None:
        return Me(person_id, Taker(None), taken=tuple(taken), own=own, cordon=cordon)
    state, _, age = volunteer.code.partition(":")
    home = volunteer.path
    here = volunteer.here if volunteer.here and home.startswith(volunteer.here) else home
    return Me(
        person_id,
        Taker(
            state=VolunteerState(state),
            is_adult=age == AgeGroup.ADULT,
            pledges=frozenset(pledges),
            skills=skills,
            side=side_of(home, cordon) if cordon else "",
        ),
        name=volunteer.text,
        home_path=home,
        here=here,
        team_id=volunteer.number,
        taken=tuple(taken),
        own=own,
        cordon=cordon,
    )


def _counts_until(row: Any) -> date:
    if row.text != SkillKind.CERTIFIED:
        return date.max
    if row.number is None:
        return date.min
    day: date | None = row.day
    return date.max if day is None else day
