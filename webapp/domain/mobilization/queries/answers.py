"""What answering a summons needs to see: inside the transaction of the answer in few prepared statements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, bindparam, cast, literal_column, null, or_, select, union_all

from webapp.base import clock, db
from webapp.base.db import Id, UtcDateTime, is_any
from webapp.base.errors import NotFound, RuleBroken
from webapp.base.ids import hash_token
from webapp.base.prepared import Prepared
from webapp.domain.areas.queries import zoned
from webapp.domain.areas.rules import cordons, side_of
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, ReservistSkill, Summons
from webapp.domain.mobilization.rules import CallUpState, MusterState, SummonsState, asks_again_at
from webapp.domain.notifications.models import InboxItem
from webapp.domain.volunteers.models import Commitment, Skill, SkillCertificate, Volunteer, VolunteerSkill
from webapp.domain.volunteers.rules import SkillKind

_summonses: Any = Summons.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_reservists: Any = Reservist.__table__
_own_skills: Any = ReservistSkill.__table__
_commitments: Any = Commitment.__table__
_items: Any = InboxItem.__table__
_volunteers: Any = Volunteer.__table__
_volunteer_skills: Any = VolunteerSkill.__table__
_skills: Any = Skill.__table__
_certificates: Any = SkillCertificate.__table__

# How many of a queue are looked at for somebody whose time is still free.
MOST_LOOKED_AT = 20


@dataclass(frozen=True)
class SummonsNow:
    """A summons as it stands inside this transaction, with what the rules need of its call-up, role and person."""

    id: int
    public_id: str
    state: SummonsState
    muster: MusterState | None
    person_id: int
    unit_id: int | None
    role_id: int
    reply_by: datetime
    call_up_id: int
    call_up: str
    call_up_state: CallUpState
    is_drill: bool
    area_path: str
    starts_at: datetime
    ends_at: datetime
    wanted: int
    taken: int
    home_path: str

    @property
    def is_coming(self) -> bool:
        """Whether the person holds a place."""
        return self.state is SummonsState.COMING

    @property
    def has_room(self) -> bool:
        """Whether the role seemed to have a place when it was read."""
        return self.taken < self.wanted


_select = select(
    _summonses.c.id,
    _summonses.c.public_id,
    _summonses.c.state,
    _summonses.c.muster,
    _summonses.c.person_id,
    _summonses.c.unit_id,
    _summonses.c.role_id,
    _summonses.c.reply_by,
    _summonses.c.call_up_id,
    _call_ups.c.public_id.label("call_up"),
    _call_ups.c.state.label("call_up_state"),
    _call_ups.c.is_drill,
    _call_ups.c.area_path,
    _call_ups.c.starts_at,
    _call_ups.c.ends_at,
    _roles.c.wanted_count,
    _roles.c.taken_count,
    _reservists.c.area_path.label("home_path"),
).select_from(
    _summonses.join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
    .join(_roles, _roles.c.id == _summonses.c.role_id)
    .outerjoin(_reservists, _reservists.c.person_id == _summonses.c.person_id)
)
_by_token = Prepared(_select.where(_summonses.c.token_hash == bindparam("token")))
_by_public_id = Prepared(_select.where(_summonses.c.public_id == bindparam("summons")))
_by_id = Prepared(_select.where(_summonses.c.id == bindparam("summons")))
_queue = Prepared(
    _select.where(_summonses.c.role_id == bindparam("role"), is_any(_summonses.c.state, SummonsState.QUEUED))
    .order_by(_summonses.c.answered_at, _summonses.c.id)
    .limit(MOST_LOOKED_AT)
)


def _summons(row: Any) -> SummonsNow:
    return SummonsNow(
        id=row.id,
        public_id=row.public_id,
        state=SummonsState(row.state),
        muster=None if row.muster is None else MusterState(row.muster),
        person_id=row.person_id,
        unit_id=row.unit_id,
        role_id=row.role_id,
        reply_by=row.reply_by,
        call_up_id=row.call_up_id,
        call_up=row.call_up,
        call_up_state=CallUpState(row.call_up_state),
        is_drill=bool(row.is_drill),
        area_path=row.area_path,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        wanted=row.wanted_count,
        taken=row.taken_count,
        home_path=row.home_path or "",
    )


def summons_now(
    *, token: str | None = None, public_id: str | None = None, summons_id: int | None = None
) -> SummonsNow:
    """The summons as it stands, by its link's token, its public id or its id; NotFound where there is none."""
    if token is not None:
        rows = _by_token.all({"token": hash_token(token)})
    elif public_id is not None:
        rows = _by_public_id.all({"summons": public_id})
    else:
        rows = _by_id.all({"summons": summons_id})
    if not rows:
        raise NotFound
    return _summons(rows[0])


def queue(role_id: int) -> list[SummonsNow]:
    """Who said yes when the role was full, the first first."""
    return [_summons(row) for row in _queue.all({"role": role_id})]


_sealed = zoned.subquery()
# The person's time that meets the call-up's, and what is sealed now: one statement.
_hindrances = Prepared(
    union_all(
        select(
            literal_column("'time'", String).label("what"),
            cast(_commitments.c.kind, String).label("text"),
            _commitments.c.starts_at.label("time_starts_at"),
            _commitments.c.reference_id.label("number"),
        ).where(
            _commitments.c.person_id == bindparam("person"),
            _commitments.c.ends_at > bindparam("from_at", type_=UtcDateTime),
            _commitments.c.starts_at < bindparam("until", type_=UtcDateTime),
        ),
        select(
            literal_column("'zone'", String),
            _sealed.c.path,
            cast(null(), UtcDateTime),
            cast(_sealed.c.is_sealed, Id),
        ),
    )
)


@dataclass(frozen=True)
class Hindrance:
    """What stands against a yes: time that is taken already (kind, from when), and the sealed area of the place.

    `sealed` is empty where the place is open, or where the person is inside the same cordon anyway.
    """

    taken: tuple[tuple[str, int, datetime], ...]
    sealed: str


def hindrance_of(summons: SummonsNow, *, now: datetime) -> Hindrance:
    """What stands against a yes to this summons; the person's other commitments, never the summons' own."""
    rows = _hindrances.all(
        {
            "person": summons.person_id,
            "from_at": max(now, summons.starts_at),
            "until": summons.ends_at,
            "now": now,
        }
    )
    return _hindrance(summons, rows)


def _hindrance(summons: SummonsNow, rows: Sequence[Any]) -> Hindrance:
    taken = tuple(
        (row.text, row.number, row.time_starts_at)
        for row in rows
        if row.what == "time" and (row.text, row.number) != ("call_up", summons.id)
    )
    cordon = cordons([(row.text, bool(row.number)) for row in rows if row.what == "zone"])
    place = side_of(summons.area_path, cordon)
    return Hindrance(taken, "" if place == side_of(summons.home_path, cordon) else place)


def _with_hindrances(condition: Any) -> Prepared:
    """The summons, the person's time that meets it and what is sealed, in one statement for who presses 能来."""
    columns = list(_select.selected_columns)

    def row(what: str, text: Any = None, starts_at: Any = None, number: Any = None) -> list[Any]:
        """A row that is no summons: its own columns, and nothing in those of a summons."""
        return [
            *(cast(null(), column.type).label(column.key) for column in columns),
            literal_column(f"'{what}'", String).label("what"),
            cast(null() if text is None else text, String).label("text"),
            (cast(null(), UtcDateTime) if starts_at is None else starts_at).label("time_starts_at"),
            cast(null() if number is None else number, Id).label("number"),
        ]

    return Prepared(
        union_all(
            _select.add_columns(
                literal_column("'summons'", String).label("what"),
                cast(null(), String).label("text"),
                cast(null(), UtcDateTime).label("time_starts_at"),
                cast(null(), Id).label("number"),
            ).where(condition),
            select(*row("time", _commitments.c.kind, _commitments.c.starts_at, _commitments.c.reference_id))
            .select_from(
                _summonses.join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id).join(
                    _commitments, _commitments.c.person_id == _summonses.c.person_id
                )
            )
            .where(
                condition,
                _commitments.c.ends_at > bindparam("now", type_=UtcDateTime),
                _commitments.c.ends_at > _call_ups.c.starts_at,
                _commitments.c.starts_at < _call_ups.c.ends_at,
            ),
            select(*row("zone", _sealed.c.path, None, _sealed.c.is_sealed)),
        )
    )


_pressed_by_token = _with_hindrances(_summonses.c.token_hash == bindparam("token"))
_pressed_by_public_id = _with_hindrances(_summonses.c.public_id == bindparam("summons"))


def pressed(
    *, token: str | None = None, public_id: str | None = None, now: datetime
) -> tuple[SummonsNow, Hindrance]:
    """The summons that somebody says yes to, and what stands against it; NotFound where there is none."""
    if token is not None:
        rows = _pressed_by_token.all({"token": hash_token(token), "now": now})
    else:
        rows = _pressed_by_public_id.all({"summons": public_id, "now": now})
    found = next((row for row in rows if row.what == "summons"), None)
    if found is None:
        raise NotFound
    summons = _summons(found)
    return summons, _hindrance(summons, rows)


# --- other roles of the same call-up ------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenRole:
    """Another role of the call-up with a free place, which this person can fill."""

    id: int
    public_id: str
    name: str
    wanted: int
    taken: int


_can_do = Prepared(
    select(_roles.c.id, _roles.c.public_id, _roles.c.name, _roles.c.wanted_count, _roles.c.taken_count)
    .where(
        _roles.c.call_up_id == bindparam("call_up"),
        or_(
            _roles.c.skill_code.is_(None),
            _roles.c.skill_code.in_(
                select(_own_skills.c.skill_code)
                .join(_reservists, _reservists.c.id == _own_skills.c.reservist_id)
                .where(_reservists.c.person_id == bindparam("person"))
            ),
            _roles.c.skill_code.in_(
                select(_volunteer_skills.c.skill_code)
                .join(_volunteers, _volunteers.c.id == _volunteer_skills.c.volunteer_id)
                .join(_skills, _skills.c.code == _volunteer_skills.c.skill_code)
                .outerjoin(
                    _certificates,
                    and_(
                        _certificates.c.volunteer_id == _volunteer_skills.c.volunteer_id,
                        _certificates.c.skill_code == _volunteer_skills.c.skill_code,
                    ),
                )
                .where(
                    _volunteers.c.person_id == bindparam("person"),
                    or_(
                        _skills.c.kind != SkillKind.CERTIFIED,
                        and_(
                            _certificates.c.id.is_not(None),
                            or_(
                                _certificates.c.expires_on.is_(None),
                                _certificates.c.expires_on >= bindparam("today"),
                            ),
                        ),
                    ),
                )
            ),
        ),
    )
    .order_by(_roles.c.position)
)


def roles_for(*, call_up_id: int, person_id: int, now: datetime) -> list[OpenRole]:
    """The roles of a call-up that a person can fill, full or not, in their order."""
    rows = _can_do.all({"call_up": call_up_id, "person": person_id, "today": clock.day(now)})
    return [OpenRole(*row) for row in rows]


def in_role(summons: SummonsNow, role: str, *, now: datetime) -> SummonsNow:
    """The summons as if it had been for this role; RuleBroken role_not_for_you for one they cannot fill."""
    for each in roles_for(call_up_id=summons.call_up_id, person_id=summons.person_id, now=now):
        if each.public_id == role:
            return replace(summons, role_id=each.id, wanted=each.wanted, taken=each.taken)
    raise RuleBroken("role_not_for_you")


# --- what messages about answers say ------------------------------------------------------------------------


def said_of(call_up_id: int) -> Any:
    """What a message says of a call-up: its row."""
    return db.connection().execute(select(_call_ups).where(_call_ups.c.id == call_up_id)).one()


@dataclass(frozen=True)
class Later:
    """Somebody who said "later" and is to be asked once more."""

    public_id: str
    person_id: int
    call_up_id: int
    reply_by: datetime


def later_due(now: datetime) -> list[Later]:
    """Who said "later", is half-way to the end of their window and was not asked again yet."""
    asked = (
        select(_items.c.id)
        .where(
            _items.c.person_id == _summonses.c.person_id,
            _items.c.template == "call_up_again",
            _items.c.reference == literal_column("'summons:'", String) + _summonses.c.public_id,
        )
        .exists()
    )
    rows = db.connection().execute(
        select(
            _summonses.c.public_id,
            _summonses.c.person_id,
            _summonses.c.call_up_id,
            _summonses.c.reply_by,
            _summonses.c.answered_at,
        )
        .join(_call_ups, _call_ups.c.id == _summonses.c.call_up_id)
        .where(
            is_any(_summonses.c.state, SummonsState.LATER),
            _summonses.c.reply_by > now,
            is_any(_call_ups.c.state, CallUpState.RUNNING, CallUpState.PAUSED),
            ~asked,
        )
        .order_by(_summonses.c.id)
    )
    return [
        Later(row.public_id, row.person_id, row.call_up_id, row.reply_by)
        for row in rows
        if row.answered_at is None or asks_again_at(answered_at=row.answered_at, reply_by=row.reply_by) <= now
    ]
