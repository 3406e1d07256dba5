"""Who is signed in, and which appointments hold."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import NotFound, RuleBroken
from webapp.base.permissions import Permission, Role
from webapp.domain.accounts import queries as account_queries
from webapp.domain.accounts import services
from webapp.domain.accounts.models import Appointment
from webapp.domain.accounts.services import Preferences
from webapp.domain.people.services import register_staff

pytestmark = pytest.mark.db

BEICHEN = "511623100013"


def appoint(actor, phone, *, role=Role.GRID_WORKER, area_code=BEICHEN, **more):
    return register_staff(
        deed=make_deed(actor), name="小陈", phone=phone, role=role, area_code=area_code, **more
    )


def load(cast, name, **later):
    return account_queries.load_signed_in(
        token=cast.people[name].token, now=clock.now() + timedelta(**(later or {"seconds": 0}))
    )


def test_the_signed_in_person_is_loaded_in_one_statement_however_many_roles(in_app, cast, queries):
    appoint(cast.actor("adam"), cast.people["alice"].phone)
    appoint(cast.actor("adam"), cast.people["alice"].phone, role=Role.BUILDING_LEAD)
    queries.statements.clear()
    found = load(cast, "alice")
    assert queries.count == 1
    assert {grant.role for grant in found.actor.grants} == {
        Role.COMMUNITY_HEAD,
        Role.GRID_WORKER,
        Role.BUILDING_LEAD,
    }
    assert found.actor.person_id == cast.people["alice"].person_id


def test_an_unknown_or_expired_token_is_nobody(in_app, cast):
    assert account_queries.load_signed_in(token="nonsense", now=clock.now()) is None
    assert load(cast, "ruth", days=31) is None


def test_an_appointment_reaches_the_area_and_below_but_neither_beside_nor_above(in_app, cast):
    bob = cast.actor("bob")
    assert bob.can(Permission.RESIDENCE_CONFIRM, cast.building.path)
    assert not bob.can(Permission.RESIDENCE_CONFIRM, cast.community.path)
    assert not bob.can(Permission.RESIDENCE_CONFIRM, cast.foreign_building.path)


def test_an_appointment_with_an_end_is_over_at_that_instant(in_app, cast):
    ends_at = clock.now() + timedelta(hours=2)
    appoint(cast.actor("adam"), cast.people["ruth"].phone, ends_at=ends_at, unit="县农业农村局")
    assert load(cast, "ruth").actor.is_staff
    late = account_queries.load_signed_in(token=cast.people["ruth"].token, now=ends_at)
    assert late is not None
    assert not late.actor.is_staff


def test_appointing_again_changes_the_end_and_makes_no_second_row(in_app, cast):
    adam, phone = cast.actor("adam"), cast.people["ruth"].phone
    first = appoint(adam, phone, ends_at=clock.now() + timedelta(hours=2))
    assert appoint(adam, phone) == first
    assert load(cast, "ruth", hours=3).actor.is_staff
    number = db.reading(
        lambda: (
            db.connection()
            .execute(
                select(func.count())
                .select_from(Appointment)
                .where(Appointment.user_id == cast.people["ruth"].id)
            )
            .scalar_one()
        )
    )()
    assert number == 1


def test_an_ended_appointment_holds_no_longer_and_can_be_given_anew(in_app, cast):
    adam, phone = cast.actor("adam"), cast.people["bob"].phone
    appoint(adam, phone)
    services.end_appointment(deed=make_deed(adam), phone=phone, role=Role.GRID_WORKER, area_code=BEICHEN)
    assert [grant.area_id for grant in load(cast, "bob").actor.grants] == [cast.grid.id]
    with pytest.raises(NotFound):
        services.end_appointment(deed=make_deed(adam), phone=phone, role=Role.GRID_WORKER, area_code=BEICHEN)
    appoint(adam, phone)
    assert len(load(cast, "bob").actor.grants) == 2


def test_a_phone_that_nobody_has_yet_gets_an_account(in_app, cast):
    appoint(Actor.system("shell"), "137 0000 0000")
    with pytest.raises(RuleBroken):
        services.sign_in_with_password(
            deed=make_deed(Actor.anonymous("b")),
            phone="13700000000",
            password="x" * 12,
            address="203.0.113.7",
        )
    entry = db.reading(
        lambda: db.connection().execute(select(AuditEntry.verb, AuditEntry.area_path, AuditEntry.facts)).one()
    )()
    assert entry.verb == "register_staff"
    assert entry.area_path == cast.community.path
    assert "13700000000" not in entry.facts


def test_signing_out_ends_one_browser_and_everywhere_ends_all(in_app, cast):
    found = load(cast, "ruth")
    services.sign_out(deed=make_deed(found.actor), sign_in_id=load(cast, "rita").sign_in_id)
    assert load(cast, "rita") is not None
    services.sign_out(deed=make_deed(found.actor), sign_in_id=found.sign_in_id)
    assert load(cast, "ruth") is None
    rita = load(cast, "rita")
    services.sign_out_everywhere(deed=make_deed(rita.actor))
    assert load(cast, "rita") is None


def test_preferences_are_kept_and_what_linli_does_not_know_is_left_out(in_app, cast):
    ruth = cast.actor("ruth")
    services.change_preferences(
        deed=make_deed(ruth), preferences=Preferences.of(language="en", text_size="large", theme="dark")
    )
    services.change_preferences(
        deed=make_deed(ruth), preferences=Preferences.of(language="tlh", text_size="huge", theme="pink")
    )
    found = load(cast, "ruth")
    assert (found.language, found.text_size, found.theme) == ("en", "large", "dark")
