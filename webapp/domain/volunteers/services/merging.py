"""Two volunteers who are one person become one; or somebody says that they are two, and nobody asks again.

Whatever points to the person or the volunteer who goes is moved: every foreign key that the tables have, also of
features that this one does not know. Where both stand in one place, a feature says how that is solved (`mover`).
Old links go on to who stays.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, UniqueConstraint, and_, delete, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from webapp.base import audit, db, requests
from webapp.base.db import Model, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.domain.households.models import Member, MemberState
from webapp.domain.notifications.services.inbox import recount
from webapp.domain.notifications.services.merging import unite_inboxes
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.volunteers.models import Commitment, NotTheSame, SkillCertificate, Volunteer
from webapp.domain.volunteers.queries import merging as queries
from webapp.domain.volunteers.rules import AgeGroup, VolunteerState

_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_members: Any = Member.__table__
_volunteers: Any = Volunteer.__table__
_certificates: Any = SkillCertificate.__table__
_commitments: Any = Commitment.__table__
_apart: Any = NotTheSame.__table__

_STRENGTH = {MemberState.LISTED: 1, MemberState.WAITING: 2, MemberState.CONFIRMED: 3}


@dataclass(frozen=True)
class Merge:
    """Who stays and who goes, as people and as volunteers."""

    person_id: int
    gone_person_id: int
    volunteer_id: int
    gone_volunteer_id: int


Mover = Callable[[Deed, Merge], None]
_movers: list[tuple[Mover, frozenset[str]]] = []


def mover(*columns: str) -> Callable[[Mover], Mover]:
    """Register a function that moves these columns (`table.column`) itself, in the transaction of the merge."""

    def note(function: Mover) -> Mover:
        _movers.append((function, frozenset(columns)))
        return function

    return note


@mover("inbox_items.person_id", "contacts.person_id")
def _move_messages(_deed: Deed, merge: Merge) -> None:
    unite_inboxes(kept_person_id=merge.person_id, gone_person_id=merge.gone_person_id)


def columns_to(target: str) -> list[tuple[Table, str]]:
    """Every column of every table that is a foreign key to `target` (`people.id`), whoever's table it is."""
    return [
        (table, column.name)
        for table in Model.metadata.sorted_tables
        for column in table.c
        for key in column.foreign_keys
        if key.target_fullname == target
    ]


def handled_columns() -> frozenset[str]:
    """The columns that registered functions move."""
    return frozenset().union(*(columns for _function, columns in _movers))


# --- the two deeds ------------------------------------------------------------------------------------------


@writing
def merge_volunteers(*, deed: Deed, stays: str, goes: str) -> None:
    """Two volunteers become the one that stays, with all that both have; the other's links lead on to it.

    Raises NotFound and NotAllowed by area; Conflict("merged_already") where one of them was merged meanwhile;
    RuleBroken: merge_with_itself, id_numbers_differ (then they are two people), merge_overlaps(at) where both have
    promised the same time at different places.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    if stays == goes:
        raise RuleBroken("merge_with_itself")
    kept, gone = _hold(deed, stays), _hold(deed, goes)
    _lock([kept.person_id, gone.person_id])
    # What was read before the lock may be what another head has just merged.
    kept, gone = _hold(deed, stays), _hold(deed, goes)
    if VolunteerState.MERGED in {kept.state, gone.state}:
        raise Conflict("merged_already")
    merge = Merge(kept.person_id, gone.person_id, kept.id, gone.id)
    _unite_people(merge)
    _move_phones(merge)
    _move_members(deed, merge)
    for function, _columns in _movers:
        function(deed, merge)
    own = {"person_phones.person_id", "members.person_id", "volunteers.person_id"}
    _move_all("people.id", merge.person_id, merge.gone_person_id, without=own | handled_columns())
    recount(merge.person_id)
    _ensure_in_one_place(deed, merge)
    _move_apart(merge)
    _drop_repeated_certificates(merge)
    own = {"volunteers_not_the_same.volunteer_id", "volunteers_not_the_same.other_id"}
    _move_all("volunteers.id", merge.volunteer_id, merge.gone_volunteer_id, without=own | handled_columns())
    _unite_volunteers(kept, gone)
    audit.record(
        deed,
        "merge_volunteers",
        "volunteer",
        kept.id,
        area_path=kept.area_path,
        merged=gone.id,
        state=gone.state,
    )
    requests.settle(claim, outcome="merged", object_id=kept.id)


@writing
def keep_apart(*, deed: Deed, first: str, second: str) -> None:
    """Two volunteers are two people; they are not shown as possible duplicates any more."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    if first == second:
        raise NotFound
    rows = sorted((_hold(deed, first), _hold(deed, second)), key=lambda row: int(row.id))
    if VolunteerState.MERGED in {row.state for row in rows}:
        raise Conflict("merged_already")
    low, high = rows
    _lock([low.person_id, high.person_id])
    if not _are_apart(low.id, high.id):
        _write_apart(low.id, high.id, decided_by=deed.actor.key, decided_at=deed.now)
    audit.record(deed, "keep_volunteers_apart", "volunteer", low.id, area_path=low.area_path, other=high.id)
    requests.settle(claim, outcome="apart", object_id=low.id)


def _are_apart(low: int, high: int) -> bool:
    known = exists().where(_apart.c.volunteer_id == low, _apart.c.other_id == high)
    return bool(db.connection().execute(select(known)).scalar_one())


def _write_apart(low: int, high: int, *, decided_by: str, decided_at: datetime) -> None:
    db.connection().execute(
        insert(_apart),
        {"volunteer_id": low, "other_id": high, "decided_by": decided_by, "decided_at": decided_at},
    )


def _hold(deed: Deed, public_id: str) -> Any:
    return queries.find_to_merge(actor=deed.actor, public_id=public_id)


def _lock(person_ids: list[int]) -> None:
    """The lower id first, as everybody does who locks two people."""
    for person_id in sorted(person_ids):
        db.connection().execute(
            update(_people).where(_people.c.id == person_id).values(version=_people.c.version + 1)
        )


# --- people -------------------------------------------------------------------------------------------------


def _unite_people(merge: Merge) -> None:
    connection = db.connection()
    rows = {
        row.id: row
        for row in connection.execute(
            select(_people.c.id, _people.c.id_number, _people.c.id_index, _people.c.born_on).where(
                _people.c.id.in_([merge.person_id, merge.gone_person_id])
            )
        )
    }
    kept, gone = rows[merge.person_id], rows[merge.gone_person_id]
    if kept.id_index is not None and gone.id_index is not None and kept.id_index != gone.id_index:
        raise RuleBroken("id_numbers_differ")
    if kept.born_on is not None and gone.born_on is not None and kept.born_on != gone.born_on:
        raise RuleBroken("id_numbers_differ")
    connection.execute(
        update(_people)
        .where(_people.c.id == gone.id)
        .values(merged_into_id=kept.id, id_number=None, id_index=None, born_on=None)
    )
    known = {"born_on": kept.born_on or gone.born_on}
    if kept.id_index is None:
        known |= {"id_number": gone.id_number, "id_index": gone.id_index}
    connection.execute(update(_people).where(_people.c.id == kept.id).values(known))


def _move_phones(merge: Merge) -> None:
    """The numbers of both, each once; a number that either has proved stays proved."""
    connection = db.connection()
    own = {
        row.phone_index: row
        for row in connection.execute(select(_phones).where(_phones.c.person_id == merge.person_id))
    }
    position = max((row.position for row in own.values()), default=-1)
    theirs = select(_phones).where(_phones.c.person_id == merge.gone_person_id).order_by(_phones.c.position)
    for row in connection.execute(theirs).all():
        same = own.get(row.phone_index)
        if same is None:
            position += 1
            connection.execute(
                update(_phones)
                .where(_phones.c.id == row.id)
                .values(person_id=merge.person_id, position=position)
            )
            continue
        known = {
            "verified_at": same.verified_at or row.verified_at,
            # Who wanted no messages at this number still wants none.
            "opted_out_at": same.opted_out_at or row.opted_out_at,
        }
        connection.execute(update(_phones).where(_phones.c.id == same.id).values(known))
        connection.execute(delete(_phones).where(_phones.c.id == row.id))


def _move_members(deed: Deed, merge: Merge) -> None:
    """In a household in which both live, the surer of the two rows stays and the other one ends."""
    connection = db.connection()
    rows = connection.execute(
        select(_members)
        .where(
            _members.c.person_id.in_([merge.person_id, merge.gone_person_id]),
            _members.c.state.in_(list(_STRENGTH)),
        )
        .order_by(_members.c.household_id, _members.c.id)
        .with_for_update()
    ).all()
    by_household: dict[int, list[Any]] = {}
    for row in rows:
        by_household.setdefault(row.household_id, []).append(row)
    for same in by_household.values():
        surest = max(
            same, key=lambda row: (_STRENGTH[MemberState(row.state)], row.person_id == merge.person_id)
        )
        for row in same:
            if row.id != surest.id:
                connection.execute(
                    update(_members)
                    .where(_members.c.id == row.id)
                    .values(state=MemberState.ENDED, decided_at=deed.now, decided_by=deed.actor.key)
                )
    connection.execute(
        update(_members).where(_members.c.person_id == merge.gone_person_id).values(person_id=merge.person_id)
    )


def _ensure_in_one_place(deed: Deed, merge: Merge) -> None:
    """Nobody is in two places: what both have promised for the same time must be solved by a person first."""
    one: Any = aliased(_commitments, name="one")
    other: Any = aliased(_commitments, name="other")
    at = (
        db.connection()
        .execute(
            select(func.min(one.c.starts_at))
            .select_from(one.join(other, and_(other.c.person_id == one.c.person_id, other.c.id != one.c.id)))
            .where(
                one.c.person_id == merge.person_id,
                one.c.ends_at > deed.now,
                one.c.starts_at < other.c.ends_at,
                other.c.starts_at < one.c.ends_at,
            )
        )
        .scalar()
    )
    if at is not None:
        raise RuleBroken("merge_overlaps", at=at)


# --- volunteers ---------------------------------------------------------------------------------------------


def _move_apart(merge: Merge) -> None:
    """Of whom the one who goes was told apart, the one who stays is told apart too."""
    connection = db.connection()
    rows = connection.execute(
        select(_apart).where(
            (_apart.c.volunteer_id == merge.gone_volunteer_id)
            | (_apart.c.other_id == merge.gone_volunteer_id)
        )
    ).all()
    connection.execute(
        delete(_apart).where(
            (_apart.c.volunteer_id == merge.gone_volunteer_id)
            | (_apart.c.other_id == merge.gone_volunteer_id)
        )
    )
    for row in rows:
        other = row.other_id if row.volunteer_id == merge.gone_volunteer_id else row.volunteer_id
        low, high = sorted((other, merge.volunteer_id))
        if low != high and not _are_apart(low, high):
            _write_apart(low, high, decided_by=row.decided_by, decided_at=row.decided_at)


def _drop_repeated_certificates(merge: Merge) -> None:
    """The same certificate on both sides is one."""
    connection = db.connection()
    rows = connection.execute(
        select(
            _certificates.c.id,
            _certificates.c.volunteer_id,
            _certificates.c.skill_code,
            _certificates.c.number,
            _certificates.c.expires_on,
        ).where(_certificates.c.volunteer_id.in_([merge.volunteer_id, merge.gone_volunteer_id]))
    ).all()
    own = {
        (row.skill_code, row.number, row.expires_on) for row in rows if row.volunteer_id == merge.volunteer_id
    }
    repeated = [
        row.id
        for row in rows
        if row.volunteer_id == merge.gone_volunteer_id and (row.skill_code, row.number, row.expires_on) in own
    ]
    connection.execute(delete(_certificates).where(_certificates.c.id.in_(repeated)))


def _unite_volunteers(kept: Any, gone: Any) -> None:
    """What the one who stays leaves open is taken from the one who goes; whoever of them is accepted is."""
    connection = db.connection()
    values: dict[str, Any] = {
        "note": kept.note or gone.note,
        "applied_at": min(kept.applied_at, gone.applied_at),
        "version": _volunteers.c.version + 1,
    }
    if kept.team_id is None and gone.team_id is not None:
        values |= {"team_id": gone.team_id, "organisation_id": gone.organisation_id, "society": gone.society}
    elif kept.organisation_id is None and kept.team_id is None:
        values |= {"organisation_id": gone.organisation_id}
    if gone.area_path != kept.area_path and gone.area_path.startswith(kept.area_path):
        # Said more exactly.
        values |= {"area_id": gone.area_id, "area_path": gone.area_path}
    if gone.age_group == AgeGroup.MINOR and gone.guardian_name:
        values |= {"age_group": AgeGroup.MINOR, "guardian_name": gone.guardian_name}
    waits = {VolunteerState.APPLIED, VolunteerState.ASKED_BACK, VolunteerState.LEFT}
    if gone.state == VolunteerState.ACCEPTED and kept.state in waits:
        values |= {
            "state": VolunteerState.ACCEPTED,
            "decided_at": gone.decided_at,
            "decided_by": gone.decided_by,
            "decision_note": None,
        }
    connection.execute(
        update(_volunteers)
        .where(_volunteers.c.id == gone.id)
        .values(state=VolunteerState.MERGED, merged_into_id=kept.id, version=_volunteers.c.version + 1)
    )
    connection.execute(update(_volunteers).where(_volunteers.c.id == kept.id).values(values))


# --- whatever else points there -----------------------------------------------------------------------------


def _move_all(target: str, kept: int, gone: int, *, without: Iterable[str]) -> None:
    """Let every row that names the one name the other; of rows that would then be there twice one stays."""
    connection = db.connection()
    for table, column in columns_to(target):
        if f"{table.name}.{column}" in without:
            continue
        for others in _unique_beside(table, column):
            twin = table.alias("twin")
            same = [twin.c[name] == table.c[name] for name in others]
            connection.execute(
                delete(table).where(table.c[column] == gone, exists().where(twin.c[column] == kept, *same))
            )
        connection.execute(update(table).where(table.c[column] == gone).values({column: kept}))


def _unique_beside(table: Table, column: str) -> list[list[str]]:
    """The columns that, together with this one, may stand in a table only once."""
    keys = [[each.name for each in table.primary_key.columns]]
    keys += [
        [each.name for each in constraint.columns]
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    keys += [[each.name for each in index.columns] for index in table.indexes if index.unique]
    return [[name for name in key if name != column] for key in keys if column in key]
