"""The forecast against brute force and against a flow of another hand; what is missing for the next team."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ortools.graph.python import max_flow

from webapp.base.errors import RuleBroken
from webapp.domain.mobilization.forecast import (
    HOURS,
    Need,
    People,
    Short,
    chance_of,
    ensure_needs,
    field_teams,
    hours_from,
    rate_of,
    spans_of,
)

SKILLS = ("sampling", "desk", "driving")


def people_of(skills, *, groups=None, free=None, chance=None):
    """People by what they can do; all in one group, free in the one hour there is and sure to come."""
    sets = sorted(set(skills), key=sorted)
    return People(
        groups=np.array(groups if groups is not None else [0] * len(skills), dtype=np.int64),
        sets=np.array([sets.index(each) for each in skills], dtype=np.int64),
        skill_sets=tuple(sets),
        free=np.array(free if free is not None else [[True]] * len(skills), dtype=np.bool_).reshape(
            len(skills), -1
        )
        if skills
        else np.zeros((0, 1), dtype=np.bool_),
        chance=np.array(chance if chance is not None else [1000] * len(skills), dtype=np.int64),
    )


def teams_now(needs, skills):
    return field_teams(needs, people_of(skills), groups=1)[0]


def by_hand(needs, skills):
    """The most teams, by trying for each whether everybody can be given a place."""

    def fits(places, left):
        if not places:
            return True
        skill = places[0]
        return any(
            fits(places[1:], left[:number] + left[number + 1 :])
            for number, person in enumerate(left)
            if skill is None or skill in person
        )

    teams = 0
    while fits([need.skill for need in needs for _ in range(need.count * (teams + 1))], list(skills)):
        teams += 1
    return teams


def by_flow(needs, skills, teams):
    """How many places of so many teams a flow of another hand fills."""
    flow = max_flow.SimpleMaxFlow()
    source, sink = 0, 1
    for number, need in enumerate(needs):
        flow.add_arc_with_capacity(2 + number, sink, need.count * teams)
    for number, person in enumerate(skills):
        node = 2 + len(needs) + number
        flow.add_arc_with_capacity(source, node, 1)
        for place, need in enumerate(needs):
            if need.skill is None or need.skill in person:
                flow.add_arc_with_capacity(node, 2 + place, 1)
    assert flow.solve(source, sink) == flow.OPTIMAL
    return flow.optimal_flow()


a_person = st.frozensets(st.sampled_from(SKILLS))
some_needs = st.lists(
    st.tuples(st.sampled_from((*SKILLS, None)), st.integers(1, 3)), min_size=1, max_size=4
).map(lambda pairs: [Need(number, skill, count) for number, (skill, count) in enumerate(pairs, 1)])


@given(some_needs, st.lists(a_person, max_size=7))
def test_the_forecast_equals_brute_force(needs, skills):
    assert teams_now(needs, skills).now == by_hand(needs, skills)


@given(some_needs, st.lists(a_person, max_size=60))
def test_the_forecast_equals_a_flow(needs, skills):
    teams = teams_now(needs, skills).now
    size = sum(need.count for need in needs)
    assert by_flow(needs, skills, teams) == teams * size
    assert by_flow(needs, skills, teams + 1) < (teams + 1) * size


@given(some_needs, st.lists(a_person, max_size=20))
def test_who_is_missing_makes_one_team_more_and_fewer_do_not(needs, skills):
    found = teams_now(needs, skills)
    skill_of = {need.key: need.skill for need in needs}
    added = [frozenset({skill_of[each.roles[0]]} - {None}) for each in found.short for _ in range(each.count)]
    assert added
    assert teams_now(needs, [*skills, *added]).now == found.now + 1
    size = sum(need.count for need in needs)
    lacking = (found.now + 1) * size - by_flow(needs, skills, found.now + 1)
    assert len(added) == lacking, "nobody is asked for whom the next team does not need"
    assert all(len(each.roles) == 1 for each in found.short) or len(added) == 1


@given(some_needs, st.lists(a_person, max_size=20))
def test_one_person_for_any_role_that_is_named_is_enough_where_one_is_missing(needs, skills):
    found = teams_now(needs, skills)
    named = {role for each in found.short for role in each.roles}
    one = sum(each.count for each in found.short) == 1
    for need in needs:
        helped = teams_now(needs, [*skills, frozenset({need.skill} - {None})]).now > found.now
        assert helped == (one and need.key in named)


def test_five_people_in_teams_of_two_are_two_teams():
    found = teams_now([Need(1, None, 2)], [frozenset()] * 5)
    assert found.now == 2
    assert found.short == (Short((1,), 1),)


def test_a_person_with_two_skills_fills_one_place():
    needs = [Need(1, "sampling", 1), Need(2, "driving", 1)]
    assert teams_now(needs, [frozenset({"sampling", "driving"})]).now == 0
    assert teams_now(needs, [frozenset({"sampling", "driving"})] * 2).now == 1
    assert teams_now(needs, [frozenset({"sampling", "driving"}), frozenset({"driving"})]).now == 1


def test_adding_up_skills_would_promise_too_much():
    needs = [Need(1, "sampling", 2), Need(2, "desk", 2)]
    both = [frozenset({"sampling", "desk"})] * 2
    assert min(2 // 2, 2 // 2) == 1, "what a sum of skills says"
    found = teams_now(needs, both)
    assert found.now == 0
    assert found.short == (Short((1,), 1), Short((2,), 1))


def test_nobody_at_all_is_no_team_and_all_are_missing():
    found = teams_now([Need(1, "sampling", 2), Need(2, None, 1)], [])
    assert found.now == 0
    assert found.expected_now == 0
    assert sum(each.count for each in found.short) == 3


def test_each_group_and_each_hour_has_its_own_figure():
    needs = [Need(1, "sampling", 1), Need(2, None, 1)]
    who = [frozenset({"sampling"}), frozenset(), frozenset({"sampling"}), frozenset()]
    people = people_of(
        who, groups=[0, 0, 1, 1], free=[[True, True, False], [True, False, True], [True] * 3, [True] * 3]
    )
    first, second = field_teams(needs, people, groups=2)
    assert first.possible == (1, 0, 0)
    assert second.possible == (1, 1, 1)


def test_who_rarely_comes_counts_as_rarely_and_is_never_rounded_up():
    needs = [Need(1, None, 2)]
    people = people_of([frozenset()] * 8, chance=[700] * 8)
    (found,) = field_teams(needs, people, groups=1)
    assert (found.now, found.expected_now) == (4, 2)
    (sure,) = field_teams(needs, people_of([frozenset()] * 8, chance=[749] * 8), groups=1)
    assert sure.expected_now == 2


@given(some_needs, st.lists(st.tuples(a_person, st.integers(0, 1000)), max_size=20))
def test_never_more_are_expected_than_there_are(needs, pairs):
    people = people_of([skills for skills, _ in pairs], chance=[chance for _, chance in pairs])
    (found,) = field_teams(needs, people, groups=1)
    assert found.expected_now <= found.now


def test_a_drill_weighs_half_and_own_answers_move_away_from_the_pool():
    assert chance_of(calls=0, yes=0, drills=0, drill_yes=0, rate=0.5) == 500
    real = chance_of(calls=4, yes=4, drills=0, drill_yes=0, rate=0.5)
    drilled = chance_of(calls=0, yes=0, drills=4, drill_yes=4, rate=0.5)
    assert 500 < drilled < real < 1000
    assert chance_of(calls=0, yes=0, drills=4, drill_yes=0, rate=0.5) < 500
    assert rate_of([(2, 1, 0, 0), (0, 0, 4, 2)]) == 0.5
    assert rate_of([(0, 0, 0, 0)]) is None


def test_hours_begin_now_and_then_with_every_full_hour():
    now = datetime(2026, 11, 24, 12, 43, tzinfo=UTC)
    edges = hours_from(now)
    assert len(edges) == HOURS + 1
    assert edges[0] == now
    assert edges[1] == datetime(2026, 11, 24, 13, tzinfo=UTC)
    assert edges[-1] - edges[1] == timedelta(hours=HOURS - 1)
    assert spans_of((2, 2, 1), edges) == ((edges[0], edges[2], 2), (edges[2], edges[3], 1))


@pytest.mark.parametrize(
    ("needs", "code"),
    [
        ([], "roles_missing"),
        ([Need(1, None, 0)], "roles_missing"),
        ([Need(number, None, 1) for number in range(9)], "roles_too_many"),
    ],
)
def test_what_is_no_team_is_refused(needs, code):
    with pytest.raises(RuleBroken) as refusal:
        ensure_needs(needs)
    assert refusal.value.code == code


def test_what_is_asked_is_the_worst_of_all_sets_of_roles():
    """The figure is the smallest quotient over the sets of roles: said here once more, in plain words."""
    needs = [Need(1, "sampling", 2), Need(2, "desk", 1), Need(3, "driving", 1)]
    skills = [frozenset({"sampling"})] * 9 + [frozenset({"desk", "driving"})] * 3
    worst = min(
        sum(any(need.skill in person for need in some) for person in skills)
        // sum(need.count for need in some)
        for size in (1, 2, 3)
        for some in combinations(needs, size)
    )
    assert teams_now(needs, skills).now == worst == 1
