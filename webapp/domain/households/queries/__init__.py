"""Reads of households: one's own, and the place a page stands in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from webapp.base import clock, crypto, db
from webapp.base.actor import Actor
from webapp.base.db import UtcDateTime, is_any, reading
from webapp.base.permissions import Role
from webapp.base.prepared import Prepared
from webapp.domain.accounts.models import Appointment, User
from webapp.domain.areas.models import Area
from webapp.domain.areas.queries import Place, get_place
from webapp.domain.areas.rules import short_name
from webapp.domain.households import rules
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.people.models import Person
from webapp.domain.people.rules import mask_name

_households: Any = Household.__table__
_members: Any = Member.__table__
_doors: Any = Door.__table__
_areas: Any = Area.__table__
_appointments: Any = Appointment.__table__
_users: Any = User.__table__
_leads: Any = aliased(Person.__table__, name="leads")


@dataclass(frozen=True)
class OwnHousehold:
    """A household of the signed-in person: confirmed, or said by them and waiting 待核实.

    `door_text` is 3栋2单元501, or what they wrote while the door is not known. The building lead's name is
    masked (张*), the phone is for calling; both are None where nobody is appointed to the building.
    """

    id: int
    public_id: str
    state: HouseholdState
    member_state: MemberState
    area_id: int
    area_path: str
    building_name: str
    door_text: str
    door_short: str
    community_name: str
    lead_name: str | None
    lead_phone: str | None
    joined_at: datetime
    decided_at: datetime | None
    reason: str | None

    @property
    def is_confirmed(self) -> bool:
        """Whether the person may act for the household; else it gets one basic bag and nobody's data."""
        return self.member_state is MemberState.CONFIRMED and self.state is HouseholdState.LISTED


# A community is at most three steps above a building (grid, compound), and a stated household may stand at it.
_up = [_areas.alias(f"up_{step}") for step in range(1, 5)]
_now = bindparam("now", type_=UtcDateTime)
# The id of the community that `own_homes` ends at.
COMMUNITY_ID = func.coalesce(*(_above.c.id for _above in reversed(_up)), _areas.c.id)
IS_OWN = and_(
    _members.c.person_id == bindparam("person"),
    is_any(_members.c.state, MemberState.WAITING, MemberState.CONFIRMED),
    is_any(_households.c.state, HouseholdState.LISTED, HouseholdState.STATED),
)


def own_homes() -> Any:
    """The join of members, households, areas, doors and the areas above, for statements with `IS_OWN`."""
    joined = (
        _members.join(_households, _households.c.id == _members.c.household_id)
        .join(_areas, _areas.c.id == _households.c.area_id)
        .outerjoin(_doors, _doors.c.id == _households.c.door_id)
    )
    below = _areas
    for above in _up:
        joined = joined.outerjoin(
            above,
            and_(above.c.id == below.c.parent_id, ~is_any(below.c.level, "community", "town", "county")),
        )
        below = above
    return joined


OWN_COLUMNS = (
    _households.c.id,
    _households.c.public_id,
    _households.c.state,
    _households.c.area_id,
    _households.c.area_path,
    _households.c.stated_door,
    _households.c.split_no,
    _areas.c.name.label("building"),
    _areas.c.level,
    _doors.c.unit,
    _doors.c.number,
    _members.c.id.label("member_id"),
    _members.c.state.label("member_state"),
    _members.c.joined_at,
    _members.c.decided_at,
    _members.c.reason,
    func.coalesce(*(_above.c.name for _above in reversed(_up)), _areas.c.name).label("community"),
    _appointments.c.id.label("lead_id"),
    _leads.c.name.label("lead_name"),
    _users.c.phone.label("lead_phone"),
)
# A confirmed home before a waiting one, then the older one.
OWN_ORDER = (_members.c.state, _members.c.id, _appointments.c.id)


def own_homes_with_leads() -> Any:
    """As `own_homes`, with the leads of the buildings that there are at `now`, for `OWN_COLUMNS`."""
    return (
        own_homes()
        .outerjoin(
            _appointments,
            and_(
                _appointments.c.area_id == _households.c.area_id,
                _appointments.c.role == Role.BUILDING_LEAD,
                _appointments.c.ended_at.is_(None),
                _appointments.c.starts_at <= _now,
                or_(_appointments.c.ends_at.is_(None), _appointments.c.ends_at > _now),
            ),
        )
        .outerjoin(_users, and_(_users.c.id == _appointments.c.user_id, _users.c.blocked_at.is_(None)))
        .outerjoin(_leads, _leads.c.id == _users.c.person_id)
    )


_own = Prepared(select(*OWN_COLUMNS).select_from(own_homes_with_leads()).where(IS_OWN).order_by(*OWN_ORDER))


@reading
def list_own(*, actor: Actor) -> tuple[OwnHousehold, ...]:
    """The households that the signed-in person belongs to or waits for, the confirmed ones first. One statement."""
    if actor.person_id is None:
        return ()
    return own_households(_own.all({"person": actor.person_id, "now": clock.now()}))


def own_households(rows: Iterable[Any]) -> tuple[OwnHousehold, ...]:
    """The households of rows with `OWN_COLUMNS` in `OWN_ORDER`: a household with the first of its leads."""
    found: dict[int, OwnHousehold] = {}
    for row in rows:
        if row.member_id not in found:
            found[row.member_id] = _own_household(row)
    return tuple(found.values())


def _own_household(row: Any) -> OwnHousehold:
    if row.number is None:
        text = f"{row.building if row.level == 'building' else ''}{row.stated_door or ''}"
        short = row.stated_door or ""
    else:
        text = rules.door_label(row.building, row.unit, row.number, split_no=row.split_no)
        short = rules.door_short(row.building, row.unit, row.number, split_no=row.split_no)
    return OwnHousehold(
        id=row.id,
        public_id=row.public_id,
        state=HouseholdState(row.state),
        member_state=MemberState(row.member_state),
        area_id=row.area_id,
        area_path=row.area_path,
        building_name=row.building,
        door_text=text,
        door_short=short,
        community_name=short_name(row.community),
        lead_name=mask_name(row.lead_name) if row.lead_name else None,
        lead_phone=crypto.decrypt(row.lead_phone) if row.lead_phone else None,
        joined_at=row.joined_at,
        decided_at=row.decided_at,
        reason=row.reason,
    )


_first_path = (
    select(_households.c.area_path)
    .join(_members, _members.c.household_id == _households.c.id)
    .where(IS_OWN)
    .order_by(_members.c.state, _members.c.id)
    .limit(1)
)


@reading
def get_place_of(*, actor: Actor) -> Place:
    """The place that the actor's pages stand in: where an appointment is held, else the own home, else nowhere."""
    if actor.grants:
        return get_place(actor.grants[0].area_path)
    path = None
    if actor.person_id is not None:
        path = db.connection().execute(_first_path, {"person": actor.person_id}).scalar()
    return get_place(path or "")
