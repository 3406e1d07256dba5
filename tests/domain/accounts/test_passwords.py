"""Passwords of staff, through the services on a real database."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, update

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.errors import NotAllowed, NotFound, RuleBroken, TooMany
from webapp.domain.accounts import queries as account_queries
from webapp.domain.accounts import services
from webapp.domain.accounts.models import SignIn, User

pytestmark = pytest.mark.db

HERE = "203.0.113.7"
BROWSER = Actor.anonymous("browser")
GOOD = "Apfelbaum im Garten 7"
OTHER = "Birnbaum am Zaun 8"


def shell():
    return make_deed(Actor.system("shell"))


def set_password(phone: str, password: str = GOOD) -> None:
    services.set_password(deed=shell(), phone=phone, password=password)


def enter(phone: str, password: str, *, address: str = HERE, **deed):
    return services.sign_in_with_password(
        deed=make_deed(BROWSER, **deed), phone=phone, password=password, address=address
    )


def stored_hash(user_id: int) -> str:
    return db.reading(
        lambda: db.connection().execute(select(User.password_hash).where(User.id == user_id)).scalar_one()
    )()


def sign_in_count(user_id: int) -> int:
    return db.reading(
        lambda: (
            db.connection()
            .execute(select(func.count()).select_from(SignIn).where(SignIn.user_id == user_id))
            .scalar_one()
        )
    )()


def change(cast, name: str, *, current: str = "", new: str = GOOD, key: str | None = None) -> None:
    found = account_queries.load_signed_in(token=cast.people[name].token, now=clock.now())
    services.change_password(
        deed=make_deed(found.actor, key=key), sign_in_id=found.sign_in_id, current=current, new=new
    )


def test_phone_and_password_sign_in(in_app, cast):
    alice = cast.people["alice"]
    set_password(alice.phone)
    new = enter(f" {alice.phone[:3]} {alice.phone[3:]}", GOOD)
    found = account_queries.load_signed_in(token=new.token, now=clock.now())
    assert found.user_public_id == alice.public_id
    assert found.has_password
    assert found.actor.is_staff


def test_a_full_width_keyboard_types_the_same_password(in_app, cast):
    set_password(cast.people["alice"].phone)
    enter(cast.people["alice"].phone, "Apfelbaum im Garten 7")


@pytest.mark.parametrize("whose", ["a wrong password", "no password", "an unknown phone"])
def test_what_does_not_fit_is_one_answer(in_app, cast, whose):
    alice = cast.people["alice"]
    if whose == "a wrong password":
        set_password(alice.phone)
    phone = "13700000000" if whose == "an unknown phone" else alice.phone
    with pytest.raises(RuleBroken) as refused:
        enter(phone, OTHER)
    assert (refused.value.code, refused.value.field, refused.value.params) == (
        "password_wrong",
        "password",
        {},
    )


def test_the_three_that_do_not_fit_cost_the_same_statements_and_one_argon2_check_each(
    in_app, cast, queries, monkeypatch
):
    checks = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda self, *args: (checks.append(args[0][:30]), verify(self, *args))[1]
    )
    set_password(cast.people["alice"].phone)
    seen = []
    for phone in (cast.people["alice"].phone, cast.people["bob"].phone, "13700000000"):
        queries.statements.clear()
        checks.clear()
        with pytest.raises(RuleBroken):
            enter(phone, OTHER)
        seen.append((list(queries.statements), list(checks)))
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0][1]) == 1


def test_ten_wrong_passwords_lock_the_phone_from_every_address(in_app, cast):
    phone = cast.people["alice"].phone
    set_password(phone)
    with clock.set_for_test(clock.now().replace(minute=0, second=1)):
        for number in range(10):
            with pytest.raises(RuleBroken):
                enter(phone, OTHER, address=f"203.0.113.{number}")
        with pytest.raises(TooMany) as refused:
            enter(phone, GOOD, address="198.51.100.1")
        assert 800 <= refused.value.retry_after <= 900
    with clock.set_for_test(clock.now().replace(minute=15, second=1)):
        enter(phone, GOOD)


def test_ten_wrong_passwords_lock_the_address_for_every_phone(in_app, cast):
    set_password(cast.people["alice"].phone)
    with clock.set_for_test(clock.now().replace(minute=0, second=1)):
        for number in range(10):
            with pytest.raises(RuleBroken):
                enter(f"1370000000{number}", OTHER)
        with pytest.raises(TooMany):
            enter(cast.people["alice"].phone, GOOD)


def test_right_passwords_do_not_count(in_app, cast):
    phone = cast.people["alice"].phone
    set_password(phone)
    for _ in range(12):
        enter(phone, GOOD)


def test_a_repeat_signs_the_same_browser_in_again(in_app, cast):
    alice = cast.people["alice"]
    set_password(alice.phone)
    first = enter(alice.phone, GOOD, key="the-same-key")
    second = enter(alice.phone, GOOD, key="the-same-key")
    assert first.sign_in_id == second.sign_in_id
    assert sign_in_count(alice.id) == 1


def test_a_hash_of_old_parameters_is_renewed_when_it_is_used(in_app, cast):
    alice = cast.people["alice"]
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(GOOD)
    db.writing(
        lambda: db.connection().execute(update(User).where(User.id == alice.id).values(password_hash=old))
    )()
    enter(alice.phone, GOOD)
    assert stored_hash(alice.id) != old
    enter(alice.phone, GOOD)


def test_a_blocked_account_is_not_signed_in(in_app, cast):
    alice = cast.people["alice"]
    set_password(alice.phone)
    db.writing(
        lambda: db.connection().execute(
            update(User).where(User.id == alice.id).values(blocked_at=clock.now())
        )
    )()
    with pytest.raises(NotAllowed):
        enter(alice.phone, GOOD)


def test_changing_the_password_needs_the_present_one_and_signs_other_browsers_out(in_app, cast):
    alice = cast.people["alice"]
    change(cast, "alice")
    other = enter(alice.phone, GOOD)
    with pytest.raises(RuleBroken) as refused:
        change(cast, "alice", current=OTHER, new=OTHER)
    assert (refused.value.code, refused.value.field) == ("password_wrong", "current")
    change(cast, "alice", current=GOOD, new=OTHER)
    assert account_queries.load_signed_in(token=other.token, now=clock.now()) is None
    assert account_queries.load_signed_in(token=alice.token, now=clock.now()) is not None
    with pytest.raises(RuleBroken):
        enter(alice.phone, GOOD)
    enter(alice.phone, OTHER)


def test_a_repeated_change_is_done_once(in_app, cast):
    change(cast, "alice", key="the-same-key")
    change(cast, "alice", key="the-same-key")


def test_a_first_password_needs_a_fresh_sign_in(in_app, cast):
    with clock.set_for_test(clock.now() + timedelta(minutes=16)), pytest.raises(RuleBroken) as refused:
        change(cast, "alice")
    assert refused.value.code == "sign_in_not_fresh"
    assert stored_hash(cast.people["alice"].id) is None


def test_residents_have_no_password(in_app, cast):
    with pytest.raises(NotAllowed):
        change(cast, "ruth")


def test_the_shell_sets_passwords_of_known_phones_only(in_app, cast):
    with pytest.raises(NotFound):
        set_password("13700000000")
    with pytest.raises(NotAllowed):
        services.set_password(
            deed=make_deed(cast.actor("adam")), phone=cast.people["bob"].phone, password=GOOD
        )
    set_password(cast.people["bob"].phone)
    assert sign_in_count(cast.people["bob"].id) == 0
