"""Deeds of people: who stands behind a user, and staff with person, account and appointment at once."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import func, literal, select, update

from webapp.base import audit, crypto, db, requests
from webapp.base.db import UtcDateTime, writing
from webapp.base.deed import Deed
from webapp.base.errors import RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Role
from webapp.domain.accounts import rules as accounts_rules
from webapp.domain.accounts import services as accounts
from webapp.domain.accounts.models import User
from webapp.domain.accounts.services import Preferences
from webapp.domain.people import rules
from webapp.domain.people.models import Person, PersonPhone

NAME_LENGTH = 60

_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_users: Any = User.__table__


def ensure_person(*, user_id: int, name: str, now: datetime, is_invented: bool = False) -> int:
    """The person behind the user, made under this name if nobody is known yet; a known name stays.

    The number that the user signs in with counts as proved. No deed of its own: for services that have
    claimed one.
    """
    connection = db.connection()
    user = connection.execute(
        select(_users.c.person_id, _users.c.phone, _users.c.phone_index, _users.c.phone_tail)
        .where(_users.c.id == user_id)
        .with_for_update()
    ).one()
    person_id: int | None = user.person_id
    if person_id is None:
        pinyin, initials = rules.pinyin_keys(name)
        person_id = connection.execute(
            _people.insert().returning(_people.c.id),
            {
                "public_id": new_public_id(),
                "name": rules.clean_name(name),
                "name_key": rules.name_key(name),
                "pinyin_key": pinyin,
                "initials_key": initials,
                "version": 1,
                "is_invented": is_invented,
                "created_at": now,
            },
        ).scalar_one()
        connection.execute(update(_users).where(_users.c.id == user_id).values(person_id=person_id))
    proved = connection.execute(
        update(_phones)
        .where(_phones.c.person_id == person_id, _phones.c.phone_index == user.phone_index)
        .values(verified_at=func.coalesce(_phones.c.verified_at, literal(now, UtcDateTime)))
    )
    if proved.rowcount == 0:
        connection.execute(
            _phones.insert(),
            {
                "person_id": person_id,
                # Encrypted anew: the same bytes in two tables would say that two rows hold one number.
                "phone": crypto.encrypt(crypto.decrypt(user.phone)),
                "phone_index": user.phone_index,
                "phone_tail": user.phone_tail,
                "position": 0,
                "verified_at": now,
            },
        )
    return int(person_id)


def register_staff(
    *,
    deed: Deed,
    name: str,
    phone: str,
    role: Role,
    area_code: str,
    unit: str | None = None,
    ends_at: datetime | None = None,
    password: str | None = None,
    is_invented: bool = False,
) -> int:
    """Person, account and appointment of a member of staff in one transaction; returns the appointment's id.

    Again with the same role and area changes its end and unit; a given password replaces the one before.
    Raises NotFound for an area where the actor may not manage staff.
    """
    number = accounts_rules.normalise_phone(phone)
    password_hash = accounts.hash_password(phone=number, password=password) if password else None
    return _register_staff(
        deed=deed,
        name=name,
        phone=number,
        role=role,
        area_code=area_code,
        unit=unit,
        ends_at=ends_at,
        password_hash=password_hash,
        is_invented=is_invented,
    )


@writing
def _register_staff(
    *,
    deed: Deed,
    name: str,
    phone: str,
    role: Role,
    area_code: str,
    unit: str | None,
    ends_at: datetime | None,
    password_hash: str | None,
    is_invented: bool,
) -> int:
    claim = requests.claim(deed)
    if claim.is_repeat and claim.object_id is not None:
        return claim.object_id
    area = accounts.area_to_manage(deed, area_code)
    name = rules.clean_name(name)
    if not name:
        raise RuleBroken("name_missing", field="name")
    if len(name) > NAME_LENGTH:
        raise RuleBroken("text_too_long", field="name", maximum=NAME_LENGTH)
    if role is Role.RESIDENT:
        raise RuleBroken("role_not_appointed", field="role")
    if ends_at is not None and ends_at <= deed.now:
        raise RuleBroken("ends_in_the_past", field="ends_at")
    user_id = accounts.ensure_user(phone=phone, preferences=Preferences(), now=deed.now)
    person_id = ensure_person(user_id=user_id, name=name, now=deed.now, is_invented=is_invented)
    if password_hash is not None:
        db.connection().execute(
            update(_users).where(_users.c.id == user_id).values(password_hash=password_hash)
        )
    appointment_id = accounts.write_appointment(
        deed, user_id=user_id, role=role, area_id=area.id, unit=unit, ends_at=ends_at
    )
    audit.record(
        deed,
        "register_staff",
        "appointment",
        appointment_id,
        area_path=area.path,
        user_id=user_id,
        person_id=person_id,
        role=role.value,
        ends_at=ends_at,
        with_password=password_hash is not None,
    )
    requests.settle(claim, outcome="appointed", object_id=appointment_id)
    return appointment_id


class Listed(Protocol):
    """Somebody of a list: known by `id`, or new without one. `phones`: blind index → the number where it is new."""

    id: int | None
    name: str
    id_number: str | None
    id_index: str | None
    born_on: date | None
    phones: dict[str, str | None]


def write_listed(people: Sequence[Listed], *, now: datetime, is_invented: bool) -> None:
    """Persons of a list with their new numbers, inside the transaction of an import; who is new gets an `id`.

    Of who is known the row is raised (which locks it), and an ID number that the list brought is kept.
    """
    connection = db.connection()
    new = [each for each in people if each.id is None]
    for each in people:
        if each.id is None:
            continue
        changed: dict[str, Any] = {"version": _people.c.version + 1}
        if each.id_number is not None:
            changed |= {
                "id_number": crypto.encrypt(each.id_number),
                "id_index": each.id_index,
                "born_on": each.born_on,
            }
        connection.execute(update(_people).where(_people.c.id == each.id).values(changed))
    if new:
        ids = connection.execute(
            _people.insert().returning(_people.c.id, sort_by_parameter_order=True),
            [_listed_row(each, now=now, is_invented=is_invented) for each in new],
        ).scalars()
        for each, person_id in zip(new, ids, strict=True):
            each.id = person_id
    phones = [
        {
            "person_id": each.id,
            "phone": crypto.encrypt(number),
            "phone_index": index,
            "phone_tail": number[-4:],
            "position": position,
        }
        for each in people
        for position, (index, number) in enumerate(each.phones.items())
        if number is not None
    ]
    if phones:
        connection.execute(_phones.insert(), phones)


def _listed_row(each: Listed, *, now: datetime, is_invented: bool) -> dict[str, Any]:
    pinyin, initials = rules.pinyin_keys(each.name)
    return {
        "public_id": new_public_id(),
        "name": each.name,
        "name_key": rules.name_key(each.name),
        "pinyin_key": pinyin,
        "initials_key": initials,
        "version": 1,
        "is_invented": is_invented,
        "id_number": crypto.encrypt(each.id_number) if each.id_number else None,
        "id_index": each.id_index,
        "born_on": each.born_on,
        "created_at": now,
    }
