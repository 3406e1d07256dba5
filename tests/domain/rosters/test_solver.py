"""The solver: against trying everything, against the rules of a click, and case by case."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.rosters.solving import (
    HERE,
    MONDAY,
    any_problem,
    best_score,
    ensure_holds,
    make_person,
    make_problem,
    make_shift,
    score_of,
    seats_of,
    stretch,
)
from webapp.domain.rosters.rules import GapReason, SolverStatus, Stretch
from webapp.domain.rosters.solver import Gap, Seat, half_days, solve
from webapp.domain.rosters.solver.board import Board
from webapp.domain.rosters.solver.exact import Effort, Model
from webapp.domain.rosters.solver.flow import least_price
from webapp.domain.rosters.solver.improve import Improver
from webapp.domain.rosters.solver.parts import parts
from webapp.domain.rosters.solver.roster import Roster
from webapp.domain.rosters.solver.search import Search

MORNING, AFTERNOON, EVENING, NIGHT = (7, 5), (12, 6), (18, 5), (23, 8)
CHECKED = settings(derandomize=True, deadline=None, max_examples=150)


def week(*, people: int, shifts: int):
    """A problem of a community's size with more wanted than there are hands for some skills."""
    times = [(day, hours) for day in range(7) for hours in (MORNING, AFTERNOON, EVENING, NIGHT)]
    made = [
        make_shift(
            number,
            stretch(times[number * 5 % 28][0], *times[number * 5 % 28][1]),
            minimum=1,
            wanted=2 + number % 3,
            skills=((("sampling", 1),), (("delivery", 1),), ())[number % 3],
        )
        for number in range(shifts)
    ]
    helpers = [
        make_person(
            100 + number,
            *(["sampling"] if number % 9 == 0 else ["delivery"] if number % 4 == 0 else []),
            past_minutes=60 * (number * 7 % 23),
        )
        for number in range(people)
    ]
    return make_problem(made, helpers)


@CHECKED
@given(st.integers(min_value=0, max_value=10**9))
def test_no_proposal_covers_more_than_the_one_given(seed):
    problem = any_problem(seed)
    solution = solve(problem)
    ensure_holds(problem, solution)
    assert solution.status is SolverStatus.OPTIMAL
    assert solution.gap_permille == 0
    assert score_of(problem, solution.seats) == best_score(problem)


@settings(CHECKED, max_examples=40)
@given(st.integers(min_value=0, max_value=10**9))
def test_the_model_alone_finds_the_best_too(seed):
    problem = any_problem(seed)
    board = Board(problem)
    model = Model(Roster(board), range(len(board.shifts)))
    model.cover()
    answer = model.solve([], Effort(20, 20, 1, 1))
    assert answer is not None
    assert answer.is_proven
    assert score_of(problem, [board.seat(*pair) for pair in answer.seats]) == best_score(problem)


@settings(CHECKED, max_examples=25)
@given(
    st.integers(min_value=0, max_value=6),
    st.lists(st.integers(1, 2), min_size=8, max_size=8),
    st.integers(0, 13),
)
def test_six_days_in_a_row_are_the_most_and_are_used(days_before, wanted, refused):
    shifts = [
        make_shift(day, stretch(day, 8, 2), wanted=count, half_days=frozenset({2 * day % 14}))
        for day, count in enumerate(wanted)
    ]
    before = tuple(stretch(-1 - back, 8, 2) for back in range(days_before))
    people = [make_person(100, committed=before), make_person(101, not_available=frozenset({refused}))]
    problem = make_problem(shifts, people)
    solution = solve(problem)
    ensure_holds(problem, solution)
    assert score_of(problem, solution.seats) == best_score(problem, each=8)


def test_a_part_too_large_for_one_model_is_mended_around_its_gaps(monkeypatch):
    # What the search alone leaves open is found by setting free the neighbourhood of each gap.
    monkeypatch.setattr("webapp.domain.rosters.solver.improve.WHOLE_PAIRS", 0)
    for seed in range(30):
        problem = any_problem(seed)
        board = Board(problem)
        for part in parts(board):
            part.bound = (99, 99, 99)
            found = Improver(board, ends=float("inf"), seed=1, parts=1).improve(part, [])
            assert not found.is_proven
            roster = Roster(board)
            for place, person in found.seats:
                assert roster.has_room(place)
                assert roster.fits(person, board.places[place].shift)
                roster.sit(place, person)
            # Nothing that one more person could simply take is left.
            for place in (place for shift in part.shifts for place in board.of_shift[shift]):
                kind = board.places[place]
                assert not roster.has_room(place) or not any(roster.fits(p, kind.shift) for p in kind.people)


def test_minimum_comes_before_wanted():
    problem = make_problem(
        [
            make_shift(1, stretch(0, *MORNING), minimum=0, wanted=3),
            make_shift(2, stretch(0, *MORNING), minimum=2, wanted=2),
        ],
        [make_person(1), make_person(2)],
    )
    assert {seat.shift_id for seat in solve(problem).seats} == {2}


def test_never_more_than_wanted():
    problem = make_problem(
        [make_shift(1, stretch(0, *MORNING), minimum=1, wanted=2)], [make_person(each) for each in range(5)]
    )
    solution = solve(problem)
    assert len(solution.seats) == 2
    assert solution.gaps == ()


def test_a_scarce_skill_is_not_wasted_on_a_place_for_anybody():
    # Both general places come first in time; the only sampler is least loaded, and the day has but one shift for her.
    problem = make_problem(
        [
            make_shift(1, stretch(0, *MORNING), wanted=2, minimum=2),
            make_shift(2, stretch(0, *AFTERNOON), skills=(("sampling", 1),)),
        ],
        [make_person(1, "sampling"), make_person(2, past_minutes=6000), make_person(3, past_minutes=6000)],
    )
    solution = solve(problem)
    assert Seat(2, 1, "sampling") in solution.seats
    assert solution.wanted_missing == 0


def test_who_has_the_skill_fills_its_place_and_not_a_general_one_beside_it():
    problem = make_problem(
        [make_shift(1, stretch(0, *MORNING), minimum=0, wanted=2, skills=(("sampling", 1),))],
        [make_person(1, "sampling")],
    )
    solution = solve(problem)
    assert solution.seats == (Seat(1, 1, "sampling"),)
    assert solution.gaps == (Gap(1, None, 1, GapReason.ALL_TAKEN),)


def test_of_two_equal_covers_the_one_with_more_skill_places_is_given():
    problem = make_problem(
        [
            make_shift(1, stretch(0, *MORNING), minimum=0),
            make_shift(2, stretch(0, *MORNING), minimum=0, skills=(("sampling", 1),)),
        ],
        [make_person(1, "sampling")],
    )
    assert solve(problem).seats == (Seat(2, 1, "sampling"),)


def test_a_lapsed_certificate_does_not_count():
    shift = make_shift(1, stretch(2, *MORNING), skills=(("sampling", 1),))
    until_tuesday = make_person(1, "sampling", lapses=(("sampling", MONDAY + timedelta(days=1)),))
    until_wednesday = make_person(2, "sampling", lapses=(("sampling", MONDAY + timedelta(days=2)),))
    assert solve(make_problem([shift], [until_tuesday])).gaps[0].reason is GapReason.NOBODY_WITH_SKILL
    assert len(solve(make_problem([shift], [until_wednesday])).seats) == 1


def test_locked_seats_stay_and_the_rest_is_solved_around_them():
    shifts = [make_shift(1, stretch(0, *MORNING), wanted=2), make_shift(2, stretch(0, *AFTERNOON), wanted=1)]
    locked = (Seat(1, 1), Seat(1, 2))
    problem = make_problem(shifts, [make_person(each) for each in (1, 2, 3)], locked=locked)
    solution = solve(problem)
    ensure_holds(problem, solution)
    assert solution.seats == (*locked, Seat(2, 3))


def test_a_locked_seat_stays_even_where_a_rule_would_object():
    at = stretch(0, *MORNING)
    person = make_person(1, committed=(stretch(0, 6, 3),), not_available=frozenset({0}))
    problem = make_problem([make_shift(1, at, half_days=frozenset({0}))], [person], locked=(Seat(1, 1),))
    assert solve(problem).seats == (Seat(1, 1),)


def test_who_took_the_shift_already_is_counted_and_not_given_again():
    shift = make_shift(1, stretch(0, *MORNING), wanted=2, skills=(("sampling", 1),))
    people = [make_person(1, "sampling", committed=(shift.stretch,)), make_person(2), make_person(3)]
    problem = make_problem([shift], people, taken=(Seat(1, 1, "sampling"),))
    solution = solve(problem)
    assert [(seat.shift_id, seat.skill) for seat in solution.seats] == [(1, None)]
    assert solution.seats[0].person_id != 1
    assert (solution.filled, solution.bound, solution.gaps) == (2, 2, ())


def test_the_time_of_a_shift_taken_elsewhere_counts_once():
    # Five hours stand already, once as commitment and once as seat; five more make ten.
    taken = make_shift(1, stretch(0, *MORNING))
    person = make_person(1, committed=(taken.stretch,))
    problem = make_problem([taken, make_shift(2, stretch(0, *EVENING))], [person], taken=(Seat(1, 1),))
    assert solve(problem).seats == (Seat(2, 1),)


def test_commitments_elsewhere_are_kept_with_their_rest():
    person = make_person(1, committed=(stretch(0, 20, 3),))
    shifts = [make_shift(1, stretch(1, 9, 2)), make_shift(2, stretch(1, 10, 2))]
    # The call-up ends at 23 on Monday: from ten on Tuesday there are eleven hours of rest.
    assert solve(make_problem(shifts, [person])).seats == (Seat(2, 1),)


def test_ten_hours_in_any_24_over_midnight():
    shifts = [
        make_shift(1, stretch(0, 14, 5)),
        make_shift(2, stretch(0, 23, 4)),
        make_shift(3, stretch(1, 14, 2)),
    ]
    problem = make_problem(shifts, [make_person(1)])
    solution = solve(problem)
    ensure_holds(problem, solution)
    # 9 hours of Monday and its night; Tuesday 14:00 to 16:00 would be eleven in the 24 hours before 16:00 less
    # what lies before them: allowed by that count, and eleven hours after the night.
    assert score_of(problem, solution.seats) == best_score(problem)
    assert len(solution.seats) == 3


def test_a_shift_longer_than_ten_hours_is_given_to_nobody():
    solution = solve(make_problem([make_shift(1, stretch(0, 8, 12))], [make_person(1)]))
    assert solution.seats == ()
    assert solution.gaps[0].reason is GapReason.ALL_RESTING


@pytest.mark.parametrize(
    ("on", "gives"),
    [(datetime(2027, 3, 28, tzinfo=UTC).date(), 1), (datetime(2027, 10, 31, tzinfo=UTC).date(), 0)],
)
def test_on_the_night_of_a_clock_change_real_hours_count(on, gives):
    # 21:00 to 07:30 on the clock is nine and a half hours in spring and eleven and a half in autumn.
    zone = ZoneInfo("Europe/Berlin")
    eve = on - timedelta(days=1)
    start = datetime(eve.year, eve.month, eve.day, 21, tzinfo=zone).astimezone(UTC)
    end = datetime(on.year, on.month, on.day, 7, 30, tzinfo=zone).astimezone(UTC)
    night = Stretch(start, end, eve)
    assert len(solve(make_problem([make_shift(1, night)], [make_person(1)])).seats) == gives
    assert half_days(night, zone) == {11, 12}


def test_the_half_days_of_a_stretch():
    zone = ZoneInfo("Asia/Shanghai")

    def at(day, hour, hours):
        found = stretch(day, hour, hours)
        return Stretch(found.starts_at - timedelta(hours=8), found.ends_at - timedelta(hours=8), found.day)

    assert half_days(at(0, 7, 5), zone) == {0}
    assert half_days(at(0, 7, 6), zone) == {0, 1}
    assert half_days(at(1, 12, 6), zone) == {3}
    assert half_days(at(6, 23, 8), zone) == {13, 0}
    assert half_days(at(0, 0, 24), zone) == {0, 1}


def test_who_said_no_is_not_asked_and_who_said_yes_comes_before_who_said_nothing():
    shift = make_shift(1, stretch(0, *MORNING), half_days=frozenset({0}))
    people = [
        make_person(1, not_available=frozenset({0})),
        make_person(2),
        make_person(3, available=frozenset({0})),
    ]
    assert solve(make_problem([shift], people)).seats == (Seat(1, 3),)


def test_who_lives_near_comes_first_where_loads_are_equal():
    shift = make_shift(1, stretch(0, *MORNING), area_path="00001.00002.")
    people = [make_person(1, home_path="00001.00003.00001."), make_person(2, home_path="00001.00002.00009.")]
    assert solve(make_problem([shift], people)).seats == (Seat(1, 2),)


def test_who_has_less_is_given_more():
    shifts = [make_shift(number, stretch(number, *MORNING)) for number in range(4)]
    people = [make_person(1, past_minutes=300, recent_minutes=300, planned_minutes=300), make_person(2)]
    solution = solve(make_problem(shifts, people))
    assert [len(seats_of(solution, person)) for person in (1, 2)] == [
        0,
        4,
    ] or solution.fairness.gap_permille == 0
    assert solution.fairness.most_minutes - solution.fairness.least_minutes <= 300


def test_a_community_of_sixty_is_proven_and_fair():
    problem = week(people=60, shifts=40)
    told = []
    solution = solve(problem, progress=told.append)
    ensure_holds(problem, solution)
    assert solution.status is SolverStatus.OPTIMAL
    assert solution.fairness.gap_permille <= 20
    assert solution.fairness.bound <= solution.fairness.price
    assert told == sorted(set(told))
    assert told[-1] == 100


def test_the_same_question_has_the_same_answer_whatever_its_order():
    problem = week(people=30, shifts=28)
    turned = make_problem(problem.shifts[::-1], problem.people[::-1])
    first, second, third = solve(problem), solve(problem, workers=1), solve(turned)
    assert first.seats == second.seats == third.seats
    assert first.gaps == second.gaps == third.gaps


def test_without_any_time_there_is_no_proposal_and_it_says_so():
    problem = make_problem(
        [make_shift(1, stretch(0, *MORNING), wanted=2)],
        [make_person(1), make_person(2)],
        locked=(Seat(1, 2),),
    )
    solution = solve(problem, limit_seconds=0)
    assert solution.status is SolverStatus.NONE
    assert solution.seats == (Seat(1, 2),)
    assert solution.gaps == (Gap(1, None, 1, GapReason.TIME_LIMIT),)
    assert solution.gap_permille > 0


def test_when_time_ends_without_proof_the_status_says_so_with_the_distance(monkeypatch):
    # Of three shifts in a row the flow, which looks at pairs of times, hopes for more than the rules allow.
    monkeypatch.setattr("webapp.domain.rosters.solver.work.MENDING", 0)
    shifts = [make_shift(number, stretch(0, 6 + 6 * number, 4)) for number in range(3)]
    problem = make_problem(shifts, [make_person(1)])
    solution = solve(problem)
    ensure_holds(problem, solution)
    assert solution.status is SolverStatus.FEASIBLE
    assert (solution.filled, solution.bound, solution.gap_permille) == (2, 3, 334)
    monkeypatch.undo()
    assert solve(problem).status is SolverStatus.OPTIMAL


REASONS = [
    (GapReason.NOBODY_THERE, {"pools": frozenset({"elsewhere"})}),
    (GapReason.NOBODY_THERE, {"traits": frozenset()}),
    (GapReason.NOBODY_WITH_SKILL, {"skills": frozenset()}),
    (GapReason.OTHER_SIDE_OF_CORDON, {"side": "sealed"}),
    (GapReason.ALL_RESTING, {"committed": (stretch(-1, 22, 4),)}),
    (GapReason.ALL_TAKEN, {"committed": (stretch(0, 11, 2),)}),
    (GapReason.NOT_AVAILABLE, {"not_available": frozenset({0})}),
]


@pytest.mark.parametrize(("reason", "overrides"), REASONS)
def test_each_gap_has_its_reason(reason, overrides):
    shift = make_shift(
        1,
        stretch(0, *MORNING),
        skills=(("sampling", 1),),
        traits=frozenset({"adult"}),
        half_days=frozenset({0}),
    )
    person = make_person(1, "sampling", **({"traits": frozenset({"adult"})} | overrides))
    assert solve(make_problem([shift], [person])).gaps == (Gap(1, "sampling", 1, reason),)


def test_a_reason_takes_in_those_before_it():
    shift = make_shift(1, stretch(0, *MORNING))
    resting = make_person(1, committed=(stretch(-1, 22, 4),))
    taken = make_person(2, committed=(stretch(0, 11, 2),))
    assert solve(make_problem([shift], [resting, taken])).gaps[0].reason is GapReason.ALL_TAKEN


def test_nobody_stands_where_pools_and_cordon_forbid_it():
    shift = make_shift(1, stretch(0, *MORNING), wanted=3, pools=frozenset({"team"}), side="sealed")
    people = [
        make_person(1, pools=frozenset({"team"}), side="sealed"),
        make_person(2, pools=frozenset({"team"})),
        make_person(3, pools=HERE, side="sealed"),
    ]
    assert solve(make_problem([shift], people)).seats == (Seat(1, 1),)


def test_nothing_to_fill_is_answered():
    solution = solve(make_problem([], []))
    assert (solution.status, solution.seats, solution.gaps) == (SolverStatus.OPTIMAL, (), ())


@pytest.mark.parametrize(
    "problem",
    [
        make_problem([make_shift(1, stretch(0, *MORNING))] * 2, []),
        make_problem([], [make_person(1), make_person(1)]),
        make_problem(
            [make_shift(1, stretch(0, *MORNING))], [make_person(1)], locked=(Seat(1, 1, "sampling"),)
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(problem):
    with pytest.raises(ValueError, match=r"twice|no place"):
        solve(problem)


def test_a_shift_goes_on_through_a_third_where_handing_over_ends():
    # Only the first two have the skill. The loaded one can be freed if the other passes her general shift on.
    shifts = [
        make_shift(1, stretch(0, *MORNING), skills=(("sampling", 1),)),
        make_shift(2, stretch(0, *MORNING), pools=frozenset({"team"})),
    ]
    people = [
        make_person(1, "sampling", past_minutes=3000),
        make_person(2, "sampling", pools=frozenset({"here", "team"})),
        make_person(3, past_minutes=600, pools=frozenset({"team"})),
    ]
    board = Board(make_problem(shifts, people))
    roster, search = Roster(board), Search(board, lambda: False)
    roster.sit(board.of_shift[0][0], 0)
    roster.sit(board.of_shift[1][0], 1)
    search.even_out(roster, [0, 1], with_wishes=False)
    assert roster.load == [3300, 300, 600]
    search.relay(roster, [0, 1], lambda: False)
    assert roster.load == [3000, 300, 900]
    assert roster.score([0, 1]) == (2, 2, 1)


@settings(CHECKED, max_examples=60)
@given(st.integers(min_value=0, max_value=10**9))
def test_no_roster_that_fills_the_same_places_is_fairer_than_the_bound(seed):
    problem = any_problem(seed)
    solution = solve(problem)
    assert solution.fairness.bound <= solution.fairness.price
    board = Board(problem)
    for part in parts(board):
        own = {board.shifts[shift].id for shift in part.shifts}
        seats = [seat for seat in solution.seats if seat.shift_id in own]
        if not seats:
            continue
        place = {
            (board.shifts[kind.shift].id, kind.skill): number for number, kind in enumerate(board.places)
        }
        pairs = [(place[seat.shift_id, seat.skill], board.person_number[seat.person_id]) for seat in seats]
        model = Model(Roster(board), part.shifts)
        model.keep_filled(pairs)
        model.minimise(model.price)
        answer = model.solve(pairs, Effort(20, 5, 1, 1))
        assert answer is not None
        least = min(board.load[person] for person in part.people)
        bound = least_price(board, Counter(number for number, _ in pairs), least)
        roster = Roster(board)
        for pair in answer.seats:
            roster.sit(*pair)
        assert bound <= roster.price(part.people, least)
