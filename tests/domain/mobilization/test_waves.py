"""Who is asked first and how many are enough: checked against brute force, simulation and plain reason."""

from datetime import UTC, datetime, timedelta
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webapp.domain.mobilization import waves
from webapp.domain.mobilization.rules import Because, Certainty
from webapp.domain.mobilization.waves import Candidate, History, PastCall, Prior, Silent, Tempo

NOW = datetime(2026, 11, 24, 12, 43, tzinfo=UTC)
TEMPO = Tempo()
USUAL = waves.evening(0.0, answers=0, silent=(), tempo=TEMPO)


def by_hand(open_count: int, chances: list[float]) -> float:
    """The chance of at least so many yeses, over all ways that it can go."""
    return sum(
        prod(chance if yes else 1 - chance for chance, yes in zip(chances, answers, strict=True))
        for answers in product((True, False), repeat=len(chances))
        if sum(answers) >= open_count
    )


# --- the count ----------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.floats(0.01, 0.97), min_size=1, max_size=9), st.integers(1, 6))
def test_the_chance_to_fill_is_that_of_all_ways_it_can_go(chances, open_count):
    assert waves.chance_to_fill(open_count, chances, USUAL) == pytest.approx(
        by_hand(open_count, chances), abs=1e-12
    )


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.floats(0.05, 0.9), min_size=1, max_size=9), st.integers(1, 4), st.floats(0.3, 0.97))
def test_a_wave_is_the_smallest_that_reaches_the_target(chances, open_count, target):
    size = waves.size(open_count, chances, target, USUAL)
    assert size.chance == pytest.approx(by_hand(open_count, chances[: size.people]), abs=1e-12)
    if size.chance < target:
        assert size.people == len(chances)
    elif size.people:
        assert by_hand(open_count, chances[: size.people - 1]) < target


def test_evenings_that_differ_are_weighed_one_by_one():
    night = waves.evening(0.2, answers=0, silent=(), tempo=TEMPO)
    chances = [0.3, 0.5, 0.2, 0.4]
    expected = sum(
        weight * by_hand(2, [min(chance * factor, waves.MOST_CHANCE) for chance in chances])
        for factor, weight in zip(night.factors, night.weights, strict=True)
    )
    assert waves.chance_to_fill(2, chances, night) == pytest.approx(expected)


def test_a_unit_comes_whole_or_not_at_all():
    asked = waves.Asked(units=(3,))
    assert waves.chance_to_fill(3, (), USUAL, asked) == pytest.approx(waves.UNIT_CHANCE)
    assert waves.chance_to_fill(4, [0.5], USUAL, asked) == pytest.approx(waves.UNIT_CHANCE * 0.5)


def test_a_county_is_counted_in_a_moment_and_stays_a_chance():
    chances = [0.2 + 0.0001 * (each % 1000) for each in range(9000)]
    size = waves.size(500, chances, 0.95, waves.evening(0.15, answers=0, silent=(), tempo=TEMPO))
    assert 0.95 <= size.chance < 0.96
    assert 1900 < size.people < 2900


def test_nothing_is_asked_for_no_places_and_nobody_without_people():
    assert waves.size(0, [0.5], 0.9, USUAL) == (0, 1.0)
    assert waves.size(2, [], 0.9, USUAL) == (0, 0.0)


def test_people_who_never_answer_are_not_all_woken_for_one_place():
    size = waves.size(1, [0.001] * 5000, 0.95, USUAL)
    assert size.people == waves.MOST_BESIDES + waves.MOST_PER_PLACE


# --- history ------------------------------------------------------------------------------------------------


def first_wave(history: list[History]) -> int:
    """How many are asked first for ten places, of people with these histories."""
    prior = waves.prior_of(history)
    size = waves.next_wave(
        open_count=10,
        since=None,
        window=600,
        target=0.8,
        chances=[waves.chance_of(each, prior) for each in history],
        silent=(),
        units=(),
        night=USUAL,
        tempo=TEMPO,
    )
    assert size is not None
    return size.people


def test_the_first_wave_is_larger_where_people_said_yes_less_often_and_nothing_else_differs():
    often = first_wave([History(calls=6, yeses=4)] * 300)
    seldom = first_wave([History(calls=6, yeses=1)] * 300)
    never_called = first_wave([History()] * 300)
    assert often < never_called < seldom or often < seldom
    assert 12 <= often <= 25
    assert seldom >= 2.5 * often


def test_one_persons_history_moves_their_own_chance_and_little_else():
    prior = waves.prior_of([History(4, 4)] * 10 + [History(4, 0)] * 30)
    assert waves.chance_of(History(4, 4), prior) > waves.chance_of(History(4, 1), prior) + 0.2
    assert waves.chance_of(History(40, 36), prior) == pytest.approx(0.9, abs=0.1)
    assert waves.chance_of(History(), prior) == prior.mean


def test_a_drill_tells_half_as_much_as_a_call():
    prior = Prior(0.25, 4)
    assert waves.chance_of(History(drills=4, drill_yeses=4), prior) == waves.chance_of(
        History(calls=2, yeses=2), prior
    )


def test_without_any_call_the_prior_is_that_of_a_cold_list():
    for pool in ([], [History()] * 500):
        prior = waves.prior_of(pool)
        assert prior.mean == pytest.approx(waves.COLD_CHANCE)
        assert prior.strength == waves.STRENGTH


@pytest.mark.parametrize(("mean", "strength"), [(0.25, 2.0), (0.4, 6.0), (0.2, 20.0)])
def test_the_pool_gives_mean_and_strength_of_its_own_prior(mean, strength):
    dice = np.random.default_rng(7)
    rates = dice.beta(mean * strength, (1 - mean) * strength, 6000)
    pool = [History(8, int(dice.binomial(8, rate))) for rate in rates]
    prior = waves.prior_of(pool)
    assert prior.mean == pytest.approx(mean, abs=0.01)
    assert prior.strength == pytest.approx(strength, rel=0.15)


def test_a_pool_that_always_or_never_says_yes_breaks_nothing():
    for yeses in (0, 5):
        prior = waves.prior_of([History(5, yeses)] * 50)
        assert waves.LEAST_STRENGTH <= prior.strength <= waves.MOST_STRENGTH
        assert 0 < waves.chance_of(History(5, yeses), prior) < 1


# --- how fast, and what kind of evening ---------------------------------------------------------------------


def test_the_curve_goes_through_the_measured_delays():
    dice = np.random.default_rng(3)
    tempo = waves.tempo_of((90 * np.exp(0.5 * dice.standard_normal(2000))).tolist(), window=600)
    assert tempo.median == pytest.approx(90, rel=0.06)
    assert tempo.spread == pytest.approx(0.5, rel=0.06)
    assert waves.tempo_of([], window=600).median == pytest.approx(waves.MEDIAN_SECONDS)


def test_a_shorter_window_needs_more_people():
    def people(window: float) -> int:
        size = waves.next_wave(
            open_count=10,
            since=None,
            window=window,
            target=0.8,
            chances=[0.25] * 400,
            silent=(),
            units=(),
            night=USUAL,
            tempo=TEMPO,
        )
        assert size is not None
        return size.people

    assert people(300) > 1.2 * people(600) > people(1800)


def test_who_is_silent_counts_the_less_the_longer_they_are():
    chances = [
        float(waves.still([Silent(0.4, seconds)], USUAL, TEMPO, 600)[0, 0])
        for seconds in (0.0, 120.0, 300.0, 600.0, 3600.0)
    ]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == pytest.approx(waves.within(0.4, TEMPO, 600))
    assert chances[-1] < 0.02


def test_silence_is_reckoned_as_it_goes_with_people():
    dice = np.random.default_rng(11)
    people, ever, asked_for = 400_000, TEMPO.ever(0.3), 240.0
    draw = dice.random(people)
    yes, answers = draw < ever, draw < ever * (1 + waves.NOES_PER_YES)
    delay = TEMPO.median * np.exp(TEMPO.spread * dice.standard_normal(people))
    silent = ~(answers & (delay <= asked_for))
    came = yes & (delay > asked_for) & (delay <= asked_for + 600)
    expected = float(waves.still([Silent(0.3, asked_for)], USUAL, TEMPO, 600)[0, 0])
    assert came[silent].mean() == pytest.approx(expected, abs=0.003)


def test_who_says_later_is_awake():
    said, silent = waves.still([Silent(0.1, 400, says_later=True), Silent(0.1, 400)], USUAL, TEMPO, 600)[:, 0]
    assert said > 3 * silent


def test_many_answers_say_that_it_is_a_good_evening_and_silence_that_it_is_not():
    silent = [Silent(0.25, 300.0)] * 150

    def factor(answers: int) -> float:
        night = waves.evening(0.2, answers=answers, silent=silent, tempo=TEMPO)
        return float(night.factors @ night.weights)

    assert factor(5) < 0.9 * factor(20)
    assert factor(20) < factor(60)
    assert factor(60) > 1.1


def test_past_call_ups_tell_how_much_evenings_differ():
    dice = np.random.default_rng(5)

    def spread(true: float) -> float:
        past = []
        for _ in range(60):
            rate = 0.25 * np.exp(true * dice.standard_normal() - true**2 / 2)
            past.append(PastCall(75.0, 300 * 0.25 * 0.75, int(dice.binomial(300, rate))))
        return waves.evening_spread(past)

    assert spread(0.0) < 0.08
    assert spread(0.3) == pytest.approx(0.3, abs=0.08)
    assert waves.evening_spread([]) > waves.EVENING_SPREAD


# --- when the next wave goes out ----------------------------------------------------------------------------


def turn(**more):
    return waves.next_wave(
        **(
            {
                "open_count": 2,
                "since": 200.0,
                "window": 600.0,
                "target": 0.8,
                "chances": [0.3] * 60,
                "silent": [Silent(0.3, 200.0)] * 12,
                "units": (),
                "night": USUAL,
                "tempo": TEMPO,
            }
            | more
        )
    )


def test_while_enough_are_awaited_nobody_else_is_disturbed():
    assert turn() is None


def test_in_the_first_third_of_the_window_a_wave_is_not_topped_up():
    assert turn(since=100.0, silent=[]) is None
    assert turn(since=200.0, silent=[]) is not None


def test_a_wave_that_will_not_do_is_topped_up_by_what_is_missing():
    topped = turn(silent=[Silent(0.3, 200.0)] * 3)
    anew = turn(silent=[])
    assert 0 < topped.people < anew.people


def test_at_the_reply_by_the_next_wave_goes_out_and_counts_on_late_answers():
    late = [Silent(0.3, 600.0)] * 40
    next_one = turn(since=600.0, silent=late)
    assert 0 < next_one.people < turn(since=600.0, silent=[]).people


def test_a_full_role_stops_calling():
    assert turn(open_count=0, since=None, silent=[]) is None
    assert turn(open_count=-1, since=900.0, silent=[]) is None


def test_who_is_in_a_hurry_does_not_wait_for_the_silent():
    hurried = turn(since=10.0, is_hurried=True)
    assert hurried is not None
    assert hurried.people > turn(silent=[]).people


def test_the_surer_it_should_be_the_more_people_are_asked():
    people = [turn(since=None, silent=[], target=waves.TARGETS[each]).people for each in Certainty]
    assert people == sorted(people, reverse=True)
    assert len(set(people)) == 3


# --- in which order -----------------------------------------------------------------------------------------

candidate = Candidate(
    person_id=1,
    skills=frozenset(),
    steps=0,
    is_limited=False,
    said_available=False,
    chance=0.25,
    last_called_at=None,
    stood_down_count=0,
)


def order(*candidates: Candidate, skill: str | None = None, kept_for=(), scarce=()) -> list[int]:
    """The people in the order in which they are asked; the first of the list has person id 1, and so on."""
    numbered = [each._replace(person_id=number) for number, each in enumerate(candidates, 1)]
    ranked = waves.rank(
        numbered,
        skill=skill,
        kept_for=frozenset(kept_for),
        scarce=frozenset(scarce),
        usual=0.25,
        now=NOW,
    )
    return [each.person_id for each in ranked]


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.mark.parametrize(
    ("later", "sooner"),
    [
        (candidate._replace(steps=1), candidate),
        (candidate._replace(is_limited=True), candidate),
        (candidate, candidate._replace(said_available=True)),
        (candidate._replace(chance=0.1), candidate),
        (candidate._replace(last_called_at=days_ago(2)), candidate),
        (candidate._replace(last_called_at=days_ago(2)), candidate._replace(last_called_at=days_ago(9))),
        # Whoever came in vain was promised to be disturbed less.
        (
            candidate._replace(last_called_at=days_ago(9), stood_down_count=2),
            candidate._replace(last_called_at=days_ago(9)),
        ),
        # Near goes before rested.
        (
            candidate._replace(steps=1, last_called_at=None),
            candidate._replace(last_called_at=days_ago(1), is_limited=True),
        ),
    ],
)
def test_who_is_asked_before_whom(later, sooner):
    assert order(later, sooner) == [2, 1]


def test_a_sampler_carries_only_when_nobody_else_is_left():
    sampler = candidate._replace(skills=frozenset({"sampling"}), last_called_at=None)
    carrier = candidate._replace(last_called_at=days_ago(1), is_limited=True)
    assert order(sampler, carrier, scarce={"sampling"}) == [2, 1]
    assert order(sampler, carrier, kept_for={"sampling"}) == [2, 1]
    assert order(sampler, carrier) == [1, 2]
    # For sampling itself nothing is spent.
    assert order(sampler, carrier, skill="sampling", scarce={"sampling"}) == [1, 2]


def test_nearer_people_come_first_even_if_they_must_be_spent():
    sampler = candidate._replace(skills=frozenset({"sampling"}))
    assert order(candidate._replace(steps=1), sampler, scarce={"sampling"}) == [2, 1]


def test_each_is_told_why():
    ranked = waves.rank(
        [
            candidate._replace(person_id=1, skills=frozenset({"sampling"}), said_available=True),
            candidate._replace(
                person_id=2, skills=frozenset({"sampling", "medical"}), steps=1, last_called_at=days_ago(20)
            ),
        ],
        skill="sampling",
        kept_for=frozenset(),
        scarce=frozenset({"medical"}),
        usual=0.25,
        now=NOW,
    )
    assert ranked[0].because == (
        Because.LIVES_HERE,
        Because.HAS_SKILL,
        Because.READY,
        Because.AVAILABLE,
        Because.NEVER_CALLED,
    )
    assert ranked[1].because == (
        Because.NEXT_AREA,
        Because.HAS_SKILL,
        Because.READY,
        Because.OTHERS_USED_UP,
        Because.LONG_NOT_CALLED,
    )
    # What stands with a summons has room for all that can be said.
    assert len(",".join(Because)) <= 120


def test_scarce_is_what_few_of_the_pool_can_do():
    assert waves.scarce_skills({"sampling": 10, "delivery": 60}, 100) == {"sampling"}


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.integers(1, 40), st.integers(1, 60))
def test_when_the_places_fill_is_no_earlier_for_fewer_people(open_count, people):
    chances = [0.3] * people
    at = waves.fills_after(open_count, chances, TEMPO, longest=7200)
    more = waves.fills_after(open_count, [*chances, 0.3], TEMPO, longest=7200)
    if at is not None:
        assert more is not None
        assert more <= at + 5
        assert sum(TEMPO.ever(each) for each in chances) * TEMPO.share(at) >= open_count
