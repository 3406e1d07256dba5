"""Signing in by one-time code, through the services on a real database."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests.factories import make_deed
from webapp.base import clock, db, outbox
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import NotAllowed, RuleBroken, TooMany
from webapp.base.outbox import OutboxMessage
from webapp.domain.accounts import queries, services
from webapp.domain.accounts.models import SignIn, SignInCode, TextSize, User
from webapp.domain.accounts.services import Preferences

pytestmark = pytest.mark.db

PHONE = "13800138000"
HERE = "203.0.113.7"
BROWSER = Actor.anonymous("browser")


def count(model) -> int:
    return db.reading(lambda: db.connection().execute(select(func.count()).select_from(model)).scalar_one())()


def ask(phone=PHONE, *, per_address=30, address=HERE, **deed):
    return services.request_code(
        deed=make_deed(BROWSER, **deed),
        phone=phone,
        language="zh_Hans",
        address=address,
        per_address=per_address,
    )


def newest_code() -> str:
    """The code in the newest message, as the worker reads it."""
    due = outbox.take_due(now=clock.now() + timedelta(seconds=1), limit=100, may_repeat=False)
    code = due[-1].secret
    assert code is not None
    return code


def enter(code, *, phone=PHONE, address=HERE, preferences=None, **deed):
    return services.sign_in_with_code(
        deed=make_deed(BROWSER, **deed),
        phone=phone,
        code=code,
        address=address,
        preferences=preferences or Preferences(),
    )


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_code_signs_in_and_makes_the_account_with_the_chosen_type_size(in_app):
    ask("138 0013 8000")
    code = newest_code()
    assert count(User) == 0
    new = enter(code, preferences=Preferences.of(language="en", text_size="xlarge", theme="dark"))
    found = queries.load_signed_in(token=new.token, now=clock.now())
    assert found is not None
    assert (found.language, found.text_size, found.theme) == ("en", "xlarge", "dark")
    assert found.actor.is_signed_in
    assert not found.actor.is_staff
    verbs = db.reading(lambda: db.connection().execute(select(AuditEntry.verb)).scalars().all())()
    assert verbs == ["request_code", "sign_in"]


def test_the_second_sign_in_finds_the_same_account_and_leaves_its_settings(in_app):
    ask()
    enter(newest_code(), preferences=Preferences(text_size=TextSize.LARGE))
    ask()
    new = enter(newest_code(), preferences=Preferences(text_size=TextSize.NORMAL))
    found = queries.load_signed_in(token=new.token, now=clock.now())
    assert found is not None
    assert found.text_size == "large"
    assert (count(User), count(SignIn)) == (1, 2)


def test_neither_code_nor_token_is_stored_in_clear(in_app):
    ask()
    code = newest_code()
    new = enter(code)
    stored = db.reading(
        lambda: [
            tuple(row)
            for model in (SignInCode, SignIn, OutboxMessage, User)
            for row in db.connection().execute(select(model.__table__))
        ]
    )()
    assert stored
    text = repr(stored)
    assert code not in [str(value) for row in stored for value in row]
    assert f"'{code}'" not in text
    assert new.token not in text
    assert PHONE not in text


def test_a_code_is_used_once(in_app):
    ask()
    code = newest_code()
    enter(code)
    with pytest.raises(RuleBroken) as refused:
        enter(code)
    assert (refused.value.code, refused.value.field) == ("code_wrong", "code")
    assert count(SignIn) == 1


def test_a_repeated_request_signs_the_same_browser_in_again_and_makes_no_second_row(in_app):
    ask()
    code = newest_code()
    first = enter(code, key="the-same-key")
    second = enter(code, key="the-same-key")
    assert count(SignIn) == 1
    assert first.sign_in_id == second.sign_in_id
    assert queries.load_signed_in(token=second.token, now=clock.now()) is not None
    assert queries.load_signed_in(token=first.token, now=clock.now()) is None


def test_a_repeat_after_signing_out_or_much_later_signs_nobody_in(in_app):
    ask()
    code = newest_code()
    new = enter(code, key="the-same-key")
    with clock.set_for_test(clock.now() + timedelta(minutes=11)), pytest.raises(RuleBroken):
        enter(code, key="the-same-key")
    actor = queries.load_signed_in(token=new.token, now=clock.now()).actor
    services.sign_out(deed=make_deed(actor), sign_in_id=new.sign_in_id)
    with pytest.raises(RuleBroken):
        enter(code, key="the-same-key")
    assert count(SignIn) == 0


def test_another_key_with_the_used_code_is_refused_like_a_wrong_one(in_app):
    ask()
    code = newest_code()
    enter(code, key="the-first-key")
    with pytest.raises(RuleBroken) as refused:
        enter(code, key="the-other-key")
    assert refused.value.code == "code_wrong"


def test_after_five_wrong_tries_the_right_code_is_dead(in_app):
    ask()
    code = newest_code()
    for _ in range(5):
        with pytest.raises(RuleBroken):
            enter(wrong(code))
    with pytest.raises(RuleBroken):
        enter(code)
    assert count(SignIn) == 0


def test_the_fifth_try_may_still_be_right(in_app):
    ask()
    code = newest_code()
    for _ in range(4):
        with pytest.raises(RuleBroken):
            enter(wrong(code))
    enter(code)
    assert count(SignIn) == 1


def test_a_code_is_over_after_five_minutes(in_app):
    ask()
    code = newest_code()
    with (
        clock.set_for_test(clock.now() + timedelta(minutes=5, seconds=1)),
        pytest.raises(RuleBroken) as refused,
    ):
        enter(code)
    assert refused.value.code == "code_wrong"


def test_a_new_code_replaces_the_old_one(in_app):
    ask()
    old = newest_code()
    with clock.set_for_test(clock.now() + timedelta(seconds=61)):
        ask()
        new = newest_code()
        if old != new:
            with pytest.raises(RuleBroken):
                enter(old)
        enter(new)


def test_a_code_of_another_phone_does_not_fit(in_app):
    ask()
    code = newest_code()
    ask("13900139000")
    other = newest_code()
    if code != other:
        with pytest.raises(RuleBroken):
            enter(code, phone="13900139000")


def test_a_second_code_within_a_minute_is_refused_with_the_seconds_left(in_app):
    ask()
    with clock.set_for_test(clock.now() + timedelta(seconds=20)), pytest.raises(TooMany) as refused:
        ask()
    assert refused.value.code == "code_sent_already"
    assert 38 <= refused.value.retry_after <= 41
    assert count(OutboxMessage) == 1


def test_a_repeated_request_sends_one_message(in_app):
    for _ in range(40):
        ask(key="the-same-key")
    assert count(OutboxMessage) == 1


def test_impatient_taps_do_not_use_up_the_hour(in_app):
    start = clock.now().replace(minute=0, second=10)
    with clock.set_for_test(start):
        ask()
        for _ in range(10):
            with pytest.raises(TooMany):
                ask()
    with clock.set_for_test(start + timedelta(seconds=61)):
        ask()
    assert count(OutboxMessage) == 2


def test_a_phone_gets_five_codes_an_hour_and_ten_a_day(in_app):
    day = clock.now().replace(hour=1, minute=0, second=10)
    for number in range(5):
        with clock.set_for_test(day + timedelta(minutes=2 * number)):
            ask()
    with clock.set_for_test(day + timedelta(minutes=12)), pytest.raises(TooMany) as refused:
        ask()
    assert refused.value.code == "too_many"
    assert 2800 <= refused.value.retry_after <= 2880
    for number in range(5):
        with clock.set_for_test(day + timedelta(hours=2, minutes=2 * number)):
            ask()
    with clock.set_for_test(day + timedelta(hours=5)), pytest.raises(TooMany):
        ask()
    assert count(OutboxMessage) == 10


def test_an_address_may_not_ask_for_code_after_code(in_app):
    for number in range(3):
        ask(f"1380013800{number}", per_address=3)
    with pytest.raises(TooMany):
        ask("13800138009", per_address=3)
    ask("13800138009", per_address=3, address="198.51.100.9")


def test_codes_that_are_used_do_not_count_against_the_address_of_a_whole_courtyard(in_app):
    for number in range(6):
        phone = f"1380013800{number}"
        ask(phone, per_address=3)
        enter(newest_code(), phone=phone)
    assert count(SignIn) == 6


def test_an_address_is_locked_after_twenty_wrong_codes_even_with_the_right_one(in_app):
    now = clock.now().replace(minute=1, second=0)
    with clock.set_for_test(now):
        for number in range(4):
            phone = f"1380013800{number}"
            ask(phone)
            code = newest_code()
            for _ in range(5):
                with pytest.raises(RuleBroken):
                    enter(wrong(code), phone=phone)
        ask("13900139000")
        with pytest.raises(TooMany) as refused:
            enter(newest_code(), phone="13900139000")
        assert 3400 <= refused.value.retry_after <= 3540


def test_a_blocked_account_is_told_so_only_after_the_right_code(in_app, make):
    user = make.user("阻止")
    db.writing(
        lambda: db.connection().execute(update(User).where(User.id == user.id).values(blocked_at=clock.now()))
    )()
    assert queries.load_signed_in(token=user.token, now=clock.now()) is None
    ask(user.phone)
    code = newest_code()
    with pytest.raises(RuleBroken):
        enter(wrong(code), phone=user.phone)
    with pytest.raises(NotAllowed) as refused:
        enter(code, phone=user.phone)
    assert refused.value.code == "account_blocked"


def test_a_number_that_is_none_uses_nothing_up(in_app):
    with pytest.raises(RuleBroken):
        ask("12345")
    assert (count(OutboxMessage), count(SignInCode)) == (0, 0)


def test_known_and_unknown_phones_cost_the_same_statements_and_no_look_at_the_users(in_app, make, queries):
    seen = []
    for phone in (make.user("已知").phone, PHONE):
        queries.statements.clear()
        ask(phone)
        asked = list(queries.statements)
        code = newest_code()
        queries.statements.clear()
        with pytest.raises(RuleBroken):
            enter(wrong(code), phone=phone)
        seen.append((asked, list(queries.statements)))
    assert seen[0] == seen[1]
    assert seen[0][0]
    assert not any("users" in each for part in seen[0] for each in part)


def test_tidying_removes_what_is_over_and_nothing_else(in_app, make):
    user = make.user("在")
    ask()
    assert services.tidy_sign_ins(now=clock.now()) == 0
    assert services.tidy_sign_ins(now=clock.now() + timedelta(minutes=7)) == 1
    assert queries.load_signed_in(token=user.token, now=clock.now()) is not None
    assert services.tidy_sign_ins(now=clock.now() + timedelta(days=31)) == 1
