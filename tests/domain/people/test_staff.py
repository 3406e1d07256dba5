"""Staff: person, account and appointment at once."""

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import db
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import NotFound, RuleBroken
from webapp.base.permissions import Role
from webapp.domain.accounts.models import Appointment, User
from webapp.domain.people import queries, services
from webapp.domain.people.models import Person, PersonPhone

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]
PHONE = "15400009904"


def register(cast, actor=None, **overrides):
    values = {
        "deed": make_deed(actor or Actor.system("test")),
        "name": "李 春梅",
        "phone": PHONE,
        "role": Role.GRID_WORKER,
        "area_code": "511623100013",
    } | overrides
    return services.register_staff(**values)


def load():
    @db.reading
    def read():
        row = (
            db.connection()
            .execute(
                select(
                    Person.__table__.c.name, Person.__table__.c.initials_key, User.__table__.c.password_hash
                )
                .join(User.__table__, User.__table__.c.person_id == Person.__table__.c.id)
                .where(User.__table__.c.phone_tail == PHONE[-4:])
            )
            .one()
        )
        phones = (
            db.connection()
            .execute(
                select(func.count())
                .select_from(PersonPhone.__table__)
                .where(
                    PersonPhone.__table__.c.phone_tail == PHONE[-4:],
                    PersonPhone.__table__.c.verified_at.is_not(None),
                )
            )
            .scalar_one()
        )
        appointments = (
            db.connection()
            .execute(
                select(Appointment.__table__.c.role, Appointment.__table__.c.unit).where(
                    Appointment.__table__.c.ended_at.is_(None),
                    Appointment.__table__.c.made_by == "system:test",
                )
            )
            .all()
        )
        return row, phones, [tuple(each) for each in appointments]

    return read()


def test_one_deed_makes_person_account_and_appointment(cast) -> None:
    register(cast, unit="县水务局", password="four random words 7")
    row, phones, appointments = load()
    assert (row.name, row.initials_key) == ("李春梅", "lcm")
    assert row.password_hash.startswith("$argon2")
    assert phones == 1
    assert appointments == [("grid_worker", "县水务局")]


def test_again_changes_the_unit_and_makes_nobody_twice(cast) -> None:
    register(cast)
    register(cast, unit="县水务局")
    register(cast, role=Role.BUILDING_LEAD, name="别的名字")
    row, phones, appointments = load()
    assert row.name == "李春梅"
    assert phones == 1
    assert sorted(appointments) == [("building_lead", None), ("grid_worker", "县水务局")]


def test_the_same_request_twice_is_one_appointment(cast) -> None:
    deed = make_deed(Actor.system("test"))
    assert register(cast, deed=deed) == register(cast, deed=deed)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": " "}, "name_missing"),
        ({"role": Role.RESIDENT}, "role_not_appointed"),
        ({"phone": "123"}, "phone_not_mobile"),
        ({"password": "short"}, "password_too_short"),
    ],
)
def test_wrong_values_are_refused_and_leave_nothing(cast, wrong, code) -> None:
    with pytest.raises(RuleBroken) as refusal:
        register(cast, **wrong)
    assert refusal.value.code == code

    @db.reading
    def users():
        return set(db.session().scalars(select(User.phone_tail)))

    assert PHONE[-4:] not in users()


@pytest.mark.parametrize("who", ["alice", "bob", "charlie", "ruth"])
def test_only_whoever_manages_staff_there_may(cast, who) -> None:
    with pytest.raises(NotFound):
        register(cast, actor=cast.actor(who))


def test_the_administrator_reaches_the_own_county_and_no_further(cast, make) -> None:
    assert register(cast, actor=cast.actor("adam"))
    make.area("别的县", level="county", code="511602000000")
    with pytest.raises(NotFound):
        register(cast, actor=cast.actor("adam"), area_code="511602000000")


def test_it_leaves_a_line(cast) -> None:
    register(cast)

    @db.reading
    def verbs():
        return list(db.session().scalars(select(AuditEntry.verb)))

    assert verbs() == ["register_staff"]


def test_the_own_person_with_proved_numbers(cast) -> None:
    own = queries.get_own(actor=cast.actor("ruth"))
    assert (own.name, own.phones) == ("如诗", (cast.people["ruth"].phone,))
    with pytest.raises(NotFound):
        queries.get_own(actor=Actor.anonymous("x"))
