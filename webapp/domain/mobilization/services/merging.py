"""What becomes of the reserve and of summonses when two volunteers turn out to be one person."""

from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import aliased

from webapp.base import db
from webapp.base.deed import Deed
from webapp.domain.mobilization.models import (
    CallAttempt,
    CallUp,
    ReserveDay,
    Reservist,
    ReservistSkill,
    Summons,
)
from webapp.domain.mobilization.queries import answers as queries
from webapp.domain.mobilization.rules import CallUpState, MusterState, SummonsState
from webapp.domain.mobilization.services import answers
from webapp.domain.people.models import Person
from webapp.domain.volunteers.services.merging import Merge, mover

_reservists: Any = Reservist.__table__
_skills: Any = ReservistSkill.__table__
_days: Any = ReserveDay.__table__
_summonses: Any = Summons.__table__
_attempts: Any = CallAttempt.__table__
_call_ups: Any = CallUp.__table__
_people: Any = Person.__table__

_COUNTS = ("call_count", "yes_count", "drill_count", "drill_yes_count", "stood_down_count")
_LAST = ("last_called_at", "last_answered_at", "last_mustered_at", "last_drilled_at")
_STRENGTH = {
    SummonsState.COMING: 6,
    SummonsState.QUEUED: 5,
    SummonsState.LATER: 4,
    SummonsState.WAITING: 3,
    SummonsState.MISSED: 2,
}
_WAS_THERE = frozenset({MusterState.ARRIVED, MusterState.ON_DUTY, MusterState.DEPARTED})


@mover("reservists.person_id", "summonses.person_id")
def move_call_ups(deed: Deed, merge: Merge) -> None:
    """One reservist with the history of both, and one summons in each call-up: the one that got further."""
    _keep_one_summons(deed, merge)
    db.connection().execute(
        update(_summonses)
        .where(_summonses.c.person_id == merge.gone_person_id)
        .values(person_id=merge.person_id)
    )
    _unite_reservists(merge)


def _keep_one_summons(deed: Deed, merge: Merge) -> None:
    kept: Any = aliased(_summonses, name="kept")
    gone: Any = aliased(_summonses, name="gone")
    twice = (
        db.connection()
        .execute(
            select(kept.c.id.label("kept_id"), gone.c.id.label("gone_id"))
            .select_from(kept.join(gone, gone.c.call_up_id == kept.c.call_up_id))
            .where(kept.c.person_id == merge.person_id, gone.c.person_id == merge.gone_person_id)
            .order_by(kept.c.call_up_id)
        )
        .all()
    )
    for row in twice:
        own, other = (queries.summons_now(summons_id=each) for each in (row.kept_id, row.gone_id))
        weaker, stronger = (own, other) if _strength(other) > _strength(own) else (other, own)
        _join(deed, weaker, stronger)


def _strength(summons: queries.SummonsNow) -> tuple[bool, int]:
    return summons.muster in _WAS_THERE, _STRENGTH.get(summons.state, 1)


def _join(deed: Deed, weaker: queries.SummonsNow, stronger: queries.SummonsNow) -> None:
    """The calls that were made stay; a place that one human held twice is free for somebody else."""
    connection = db.connection()
    if weaker.is_coming:
        answers.free_place(deed, weaker)
    made = select(func.coalesce(func.max(_attempts.c.number), 0)).where(_attempts.c.summons_id == stronger.id)
    connection.execute(
        update(_attempts)
        .where(_attempts.c.summons_id == weaker.id)
        .values(summons_id=stronger.id, number=_attempts.c.number + connection.execute(made).scalar_one())
    )
    connection.execute(delete(_summonses).where(_summonses.c.id == weaker.id))
    # The engine looks at once, and so does the board.
    is_running = _call_ups.c.state == CallUpState.RUNNING
    connection.execute(
        update(_call_ups)
        .where(
            _call_ups.c.id == weaker.call_up_id,
            is_running,
            or_(_call_ups.c.next_at.is_(None), _call_ups.c.next_at > deed.now),
        )
        .values(next_at=deed.now)
    )
    connection.execute(
        update(_call_ups)
        .where(_call_ups.c.id == weaker.call_up_id)
        .values(board_version=_call_ups.c.board_version + 1)
    )


def _unite_reservists(merge: Merge) -> None:
    connection = db.connection()
    rows = {
        row.person_id: row
        for row in connection.execute(
            select(_reservists)
            .where(_reservists.c.person_id.in_([merge.person_id, merge.gone_person_id]))
            .order_by(_reservists.c.id)
            .with_for_update()
        )
    }
    gone = rows.get(merge.gone_person_id)
    if gone is None:
        return
    kept = rows.get(merge.person_id)
    if kept is None:
        person = connection.execute(
            select(_people.c.name, _people.c.pinyin_key).where(_people.c.id == merge.person_id)
        ).one()
        connection.execute(
            update(_reservists)
            .where(_reservists.c.id == gone.id)
            .values(
                person_id=merge.person_id,
                name=person.name,
                pinyin_key=person.pinyin_key,
                version=_reservists.c.version + 1,
            )
        )
        return
    _move_skills(kept.id, gone.id)
    _move_days(kept.id, gone.id)
    connection.execute(delete(_reservists).where(_reservists.c.id == gone.id))
    values: dict[str, Any] = {name: getattr(kept, name) + getattr(gone, name) for name in _COUNTS}
    for name in _LAST:
        values[name] = max(filter(None, (getattr(kept, name), getattr(gone, name))), default=None)
    values |= {
        "enrolled_at": min(kept.enrolled_at, gone.enrolled_at),
        "left_at": max(kept.left_at, gone.left_at) if kept.left_at and gone.left_at else None,
        "unit": kept.unit or gone.unit,
        "note": kept.note or gone.note,
        "team_id": kept.team_id or gone.team_id,
        "organisation_id": kept.organisation_id or gone.organisation_id,
        "version": _reservists.c.version + 1,
    }
    connection.execute(update(_reservists).where(_reservists.c.id == kept.id).values(values))


def _move_skills(kept_id: int, gone_id: int) -> None:
    connection = db.connection()
    own = select(_skills.c.skill_code).where(_skills.c.reservist_id == kept_id)
    connection.execute(
        delete(_skills).where(_skills.c.reservist_id == gone_id, _skills.c.skill_code.in_(own))
    )
    connection.execute(update(_skills).where(_skills.c.reservist_id == gone_id).values(reservist_id=kept_id))


def _move_days(kept_id: int, gone_id: int) -> None:
    """Of one half-day what was said last."""
    connection = db.connection()
    newer: Any = aliased(_days, name="newer")
    for loser, winner, is_newer in (
        (kept_id, gone_id, newer.c.said_at > _days.c.said_at),
        (gone_id, kept_id, newer.c.said_at >= _days.c.said_at),
    ):
        said = select(newer.c.reservist_id).where(
            newer.c.reservist_id == winner,
            newer.c.day == _days.c.day,
            newer.c.half == _days.c.half,
            is_newer,
        )
        connection.execute(delete(_days).where(and_(_days.c.reservist_id == loser, said.exists())))
    connection.execute(update(_days).where(_days.c.reservist_id == gone_id).values(reservist_id=kept_id))
