"""Numbers and wall-clock times of shifts, and what is at risk, as tables; the zone is set to one with daylight saving."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from webapp.base import clock
from webapp.base.errors import RuleBroken
from webapp.domain.rosters import rules
from webapp.domain.rosters.rules import Numbers, Risk, RiskStep, Standing

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
NIGHT = {"start_minute": 23 * 60, "length_minutes": 8 * 60}


@pytest.fixture
def berlin():
    clock.configure("Europe/Berlin")
    yield
    clock.configure("Asia/Shanghai")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        (Numbers(1, 2, 3), None),
        (Numbers(0, 0, 1), None),
        (Numbers(500, 500, 500), None),
        (Numbers(1, 2, 501), "too_many_places"),
        (Numbers(0, 0, 0), "no_places"),
        (Numbers(3, 2, 4), "counts_order"),
        (Numbers(1, 5, 4), "counts_order"),
        (Numbers(1, 2, 3, {"sampling": 2, "driving": 1}), None),
        (Numbers(1, 2, 3, {"sampling": 2, "driving": 2}), "skills_over_maximum"),
    ],
)
def test_numbers_of_a_shift(numbers, code):
    if code is None:
        rules.ensure_numbers(numbers)
        return
    with pytest.raises(RuleBroken) as refused:
        rules.ensure_numbers(numbers)
    assert refused.value.code == code


def test_a_night_shift_runs_over_midnight_and_belongs_to_the_day_on_which_it_starts():
    night = rules.stretch_on(date(2026, 5, 31), **NIGHT)
    assert (night.starts_at, night.ends_at) == (at("2026-05-31T15:00"), at("2026-05-31T23:00"))
    assert night.day == date(2026, 5, 31)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 7), (AUTUMN, 9), (date(2026, 6, 1), 8)])
def test_a_night_on_which_the_clocks_change_is_shorter_or_longer(berlin, day, hours):
    night = rules.stretch_on(day - timedelta(days=1), **NIGHT)
    assert night.length == timedelta(hours=hours)
    assert clock.here(night.ends_at).time() == time(7)


def test_a_time_that_the_clocks_skip_means_as_much_later(berlin):
    early = rules.stretch_on(SPRING, start_minute=150, length_minutes=240)
    assert clock.here(early.starts_at).time() == time(3, 30)
    assert clock.here(early.ends_at).time() == time(6, 30)


def test_a_shift_whose_end_would_come_before_its_skipped_start_keeps_its_length(berlin):
    odd = rules.stretch_on(SPRING, start_minute=150, length_minutes=45)
    assert odd.length == timedelta(minutes=45)
    assert odd.starts_at == at("2026-03-29T01:30")


def test_a_time_that_comes_twice_means_the_first(berlin):
    stretch = rules.stretch_on(AUTUMN, start_minute=150, length_minutes=240)
    assert stretch.starts_at == at("2026-10-25T00:30")
    assert stretch.length == timedelta(hours=5)


@pytest.mark.parametrize(
    ("start", "end", "next_day", "code"),
    [
        ((18, 0), (12, 0), False, "ends_before_start"),
        ((18, 0), (18, 0), False, "ends_before_start"),
        ((8, 0), (9, 0), True, "shift_too_long"),
        ((2, 30), (8, 0), False, "time_skipped"),
        ((1, 0), (2, 15), False, "time_skipped"),
    ],
)
def test_times_that_are_typed_wrong(berlin, start, end, next_day, code):
    with pytest.raises(RuleBroken) as refused:
        rules.typed_stretch(SPRING, start=time(*start), end=time(*end), ends_next_day=next_day)
    assert refused.value.code == code


def test_a_day_and_a_night_may_be_one_shift():
    stretch = rules.typed_stretch(date(2026, 5, 9), start=time(8), end=time(8), ends_next_day=True)
    assert stretch.length == timedelta(hours=24)
    assert rules.typed_recurrence(start=time(23), end=time(7), ends_next_day=True) == (1380, 480)


def test_days_of_a_span_go_over_the_end_of_a_month():
    assert rules.days_of(date(2028, 2, 28), date(2028, 3, 1), weekdays=127) == [
        date(2028, 2, 28),
        date(2028, 2, 29),
        date(2028, 3, 1),
    ]
    assert rules.days_of(date(2026, 8, 31), date(2026, 9, 6), weekdays=0b1000001) == [
        date(2026, 8, 31),
        date(2026, 9, 6),
    ]
    assert rules.monday_of(date(2026, 3, 1)) == date(2026, 2, 23)


@pytest.mark.parametrize(("last", "is_good"), [(1, True), (31, True), (32, False), (0, False)])
def test_a_span_is_at_most_a_month(last, is_good):
    first = date(2026, 5, 1)
    if is_good:
        rules.ensure_span(first, first + timedelta(days=last - 1))
    else:
        with pytest.raises(RuleBroken):
            rules.ensure_span(first, first + timedelta(days=last - 1))


NOW = at("2026-05-12T04:00")


def standing(**changes):
    values = {
        "starts_at": NOW + timedelta(hours=10),
        "ends_at": NOW + timedelta(hours=15),
        "minimum_count": 2,
        "wanted_count": 3,
        "taken_count": 3,
        "unconfirmed_count": 0,
        "has_lead": True,
        "dropped_out_at": None,
        "asked_at": None,
    } | changes
    return Standing(**values)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("changes", "risks"),
    [
        ({}, ()),
        ({"taken_count": 1}, (Risk.SHORT,)),
        ({"taken_count": 2}, ()),
        ({"taken_count": 1, "starts_at": NOW + 49 * HOUR, "ends_at": NOW + 50 * HOUR}, ()),
        ({"taken_count": 1, "starts_at": NOW - 2 * HOUR, "ends_at": NOW}, ()),
        ({"unconfirmed_count": 1}, (Risk.UNCONFIRMED,)),
        ({"has_lead": False}, (Risk.LEAD_MISSING,)),
        ({"taken_count": 2, "dropped_out_at": NOW - HOUR}, (Risk.DROPPED_OUT,)),
        ({"taken_count": 2, "dropped_out_at": NOW - HOUR + timedelta(seconds=1)}, ()),
        ({"taken_count": 3, "dropped_out_at": NOW - 2 * HOUR}, ()),
    ],
)
def test_what_is_at_risk(changes, risks):
    assert rules.risks_of(standing(**changes), now=NOW) == risks


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"taken_count": 1}, RiskStep.ASK),
        ({"taken_count": 1, "asked_at": NOW - HOUR}, RiskStep.ASSIGN),
        ({"taken_count": 1, "asked_at": NOW - 4 * HOUR}, RiskStep.ASK),
        ({"taken_count": 1, "starts_at": NOW + HOUR / 4}, RiskStep.ASSIGN),
        ({"taken_count": 0, "starts_at": NOW - HOUR}, RiskStep.CANCEL),
        ({"unconfirmed_count": 1}, RiskStep.ASSIGN),
    ],
)
def test_a_shift_at_risk_has_one_next_step(changes, step):
    shift = standing(**changes)
    assert rules.next_step(shift, rules.risks_of(shift, now=NOW), now=NOW) is step
