"""What becomes of shifts, evidence and hours when two volunteers turn out to be one person."""

from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import aliased

from webapp.base import db
from webapp.base.db import is_any
from webapp.base.deed import Deed
from webapp.domain.rosters.models import Attendance, HoursEntry, SecretLink, Signup, StandIn
from webapp.domain.rosters.queries import places
from webapp.domain.rosters.rules import LIVE, LinkKind, SignupState, StandInState
from webapp.domain.rosters.services import placing
from webapp.domain.volunteers.services.merging import Merge, mover

_signups: Any = Signup.__table__
_stand_ins: Any = StandIn.__table__
_attendances: Any = Attendance.__table__
_hours: Any = HoursEntry.__table__
_links: Any = SecretLink.__table__

_STRENGTH = {SignupState.WAITING: 1, SignupState.OFFERED: 2, SignupState.PLACED: 3}


@mover("signups.person_id", "stand_ins.to_person_id", "attendances.person_id", "hours_entries.person_id")
def move_shifts(deed: Deed, merge: Merge) -> None:
    """One place on each shift, searches that are not for oneself, and hours that are counted once."""
    _keep_one_place(deed, merge)
    _move_hours(merge)
    connection = db.connection()
    for column in (_signups.c.person_id, _stand_ins.c.to_person_id):
        connection.execute(
            update(column.table).where(column == merge.gone_person_id).values({column.name: merge.person_id})
        )
    _withdraw_searches_for_oneself(deed, merge)
    connection.execute(
        update(_links)
        .where(_links.c.kind == LinkKind.CALENDAR_VOLUNTEER, _links.c.subject_id == merge.gone_volunteer_id)
        .values(subject_id=merge.volunteer_id)
    )


def _keep_one_place(deed: Deed, merge: Merge) -> None:
    """Where both stand on a shift, the stronger of the two sign-ups stays; the other's place is free again."""
    kept: Any = aliased(_signups, name="kept")
    gone: Any = aliased(_signups, name="gone")
    twice = (
        db.connection()
        .execute(
            select(kept.c.id.label("kept_id"), gone.c.id.label("gone_id"))
            .select_from(kept.join(gone, gone.c.shift_id == kept.c.shift_id))
            .where(
                kept.c.person_id == merge.person_id,
                gone.c.person_id == merge.gone_person_id,
                is_any(kept.c.state, *LIVE),
                is_any(gone.c.state, *LIVE),
            )
            .order_by(kept.c.shift_id)
        )
        .all()
    )
    for row in twice:
        own, other = (places.signup_now(signup_id=each) for each in (row.kept_id, row.gone_id))
        weaker = own if _STRENGTH[own.state] < _STRENGTH[other.state] else other
        state = SignupState.REMOVED if weaker.holds_a_place else SignupState.STOPPED_WAITING
        placing.free(deed, signup_id=weaker.id, state=state)


def _move_hours(merge: Merge) -> None:
    """Evidence of both from one shift is not added up: that of who goes stays behind with its hours."""
    connection = db.connection()
    own = select(_attendances.c.shift_id).where(_attendances.c.person_id == merge.person_id)
    connection.execute(
        update(_attendances)
        .where(_attendances.c.person_id == merge.gone_person_id, _attendances.c.shift_id.not_in(own))
        .values(person_id=merge.person_id)
    )
    moved = select(_attendances.c.id).where(_attendances.c.person_id == merge.person_id)
    connection.execute(
        update(_hours)
        .where(_hours.c.person_id == merge.gone_person_id, _hours.c.attendance_id.in_(moved))
        .values(person_id=merge.person_id)
    )


def _withdraw_searches_for_oneself(deed: Deed, merge: Merge) -> None:
    """Nobody stands in for themselves and nobody swaps with themselves."""
    asker: Any = aliased(_signups, name="asker")
    wanted: Any = aliased(_signups, name="wanted")
    own = (
        select(_stand_ins.c.id)
        .select_from(
            _stand_ins.join(asker, asker.c.id == _stand_ins.c.signup_id).outerjoin(
                wanted, wanted.c.id == _stand_ins.c.wanted_signup_id
            )
        )
        .where(
            asker.c.person_id == merge.person_id,
            _stand_ins.c.state == StandInState.OPEN,
            or_(
                _stand_ins.c.to_person_id == merge.person_id,
                and_(wanted.c.id.is_not(None), wanted.c.person_id == merge.person_id),
            ),
        )
    )
    ids = db.connection().execute(own).scalars().all()
    db.connection().execute(
        update(_stand_ins)
        .where(_stand_ins.c.id.in_(ids))
        .values(state=StandInState.WITHDRAWN, answered_at=deed.now)
    )
