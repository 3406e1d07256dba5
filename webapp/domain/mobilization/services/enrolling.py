"""Who comes into the reserve: by their own tick, by staff, all who fit in one go. Nobody stands in it twice."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select, update

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.models import Reservist
from webapp.domain.mobilization.queries import enrolling as queries
from webapp.domain.mobilization.queries.reserve_person import Standing, lock_person, own_standing
from webapp.domain.mobilization.rules import EnrolSource, Readiness
from webapp.domain.people.models import Person

CHUNK = 2000
_people: Any = Person.__table__
_reservists: Any = Reservist.__table__


@writing
def join_reserve(*, deed: Deed) -> None:
    """The signed-in person stands in the reserve from now on; who does already stays as they are.

    Raises RuleBroken("reserve_not_for_you") for who is neither an accepted volunteer of age nor appointed staff.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    if deed.actor.person_id is not None:
        lock_person(deed.actor.person_id)
    standing = own_standing(actor=deed.actor, now=deed.now)
    if standing is None:
        there = db.connection().execute(
            select(_reservists.c.id).where(
                _reservists.c.person_id == deed.actor.person_id, _reservists.c.left_at.is_(None)
            )
        )
        if there.first() is None:
            raise RuleBroken("reserve_not_for_you")
    else:
        write_reservists(deed, [standing], EnrolSource.SELF)
        audit.record(deed, "join_reserve", "person", standing.person_id, area_path=standing.area_path)
    requests.settle(claim, outcome="joined", object_id=deed.actor.person_id)


@writing
def enrol(*, deed: Deed, area: str, people: Collection[str], everybody: bool = False) -> int:
    """Take these people of an area into the reserve, or all who fit; how many came in.

    `people` are public ids of persons; who stands in the reserve already is passed over. Raises NotFound and
    NotAllowed by area, RuleBroken("nobody_chosen").
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return int(claim.outcome or 0)
    found = queries.find_area(actor=deed.actor, public_id=area)
    if not everybody and not people:
        raise RuleBroken("nobody_chosen", field="people")
    standing = queries.all_who_fit(path=found.path, now=deed.now, only=None if everybody else people)
    count = write_reservists(deed, standing, EnrolSource.STAFF)
    audit.record(deed, "enrol", "area", found.id, area_path=found.path, count=count, everybody=everybody)
    requests.settle(claim, outcome=str(count), object_id=found.id)
    return count


def write_reservists(deed: Deed, standing: Sequence[Standing], source: EnrolSource) -> int:
    """Put these people into the reserve, inside the transaction of a deed; who was in it once is back, with the past.

    The persons are locked first, lowest id first; who came in meanwhile is passed over. How many came in.
    """
    connection = db.connection()
    count = 0
    for start in range(0, len(standing), CHUNK):
        some = {each.person_id: each for each in standing[start : start + CHUNK]}
        ids = sorted(some)
        connection.execute(
            select(_people.c.id).where(_people.c.id.in_(ids)).order_by(_people.c.id).with_for_update()
        )
        known = {
            row.person_id: row.left_at is not None
            for row in connection.execute(
                select(_reservists.c.person_id, _reservists.c.left_at).where(_reservists.c.person_id.in_(ids))
            )
        }
        rows = []
        for person_id in ids:
            if person_id not in known:
                rows.append(_row(deed, some[person_id], source))
            elif known[person_id]:
                connection.execute(
                    update(_reservists)
                    .where(_reservists.c.person_id == person_id)
                    .values(
                        left_at=None,
                        enrolled_at=deed.now,
                        source=source,
                        version=_reservists.c.version + 1,
                        readiness=Readiness.READY,
                        away_until=None,
                        **_facts(some[person_id]),
                    )
                )
                count += 1
        if rows:
            connection.execute(_reservists.insert(), rows)
        count += len(rows)
    return count


def _facts(each: Standing) -> dict[str, Any]:
    return {
        "name": each.name,
        "pinyin_key": each.pinyin_key,
        "phone_tail": each.phone_tail,
        "category": each.category,
        "unit": each.unit,
        "team_id": each.team_id,
        "organisation_id": each.organisation_id,
        "area_id": each.area_id,
        "area_path": each.area_path,
    }


def _row(deed: Deed, each: Standing, source: EnrolSource) -> dict[str, Any]:
    return {
        "public_id": new_public_id(),
        "person_id": each.person_id,
        "readiness": Readiness.READY,
        "source": source,
        "enrolled_at": deed.now,
        "version": 1,
        **_facts(each),
    }
