"""The roster solver: a community's week and the county's, against what cannot be exceeded and against a greedy hand.

    python -m bench solver

The county is made from a seed: 335 communities in 17 towns, 1,932 teams, 18,000 volunteers, 6,000 places in a week.
Most volunteers offer one to three days. A third of the places need a skill; in each town, on each day and for each
such skill there are at most 1.2 people who have it, may come and offered the day, for each place that needs it.
Half of them can do something else as well, and all of them could be spent on a general place of their team.

The bound is a flow of its own, in this file: one shift a person a day, no rest between days. The greedy hand goes
through the shifts by time, takes places for skills first, and gives each to the nearest, then least loaded person
whom the rules of a click allow.
"""

import random
import statistics
import time
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

from ortools.graph.python import max_flow

from bench import report
from webapp.base.errors import RuleBroken
from webapp.domain.rosters.rules import SolverStatus, Stretch, ensure_time_allows
from webapp.domain.rosters.solver import Person, Problem, Shift, solve

MONDAY = date(2026, 11, 30)
OFFSET = timedelta(hours=8)
TIMES = {"morning": (7, 5), "afternoon": (12, 6), "evening": (18, 5), "night": (23, 8)}
HALVES = {"morning": (0,), "afternoon": (1,), "evening": (1,), "night": (1, 2)}
COMMUNITY_RUNS, COUNTY_RUNS = 7, 3
VOLUNTEERS, PLACES, COMMUNITIES, TOWNS, TEAMS = 18_000, 6_000, 335, 17, 1_932
SKILLS = ("sampling", "medical", "disinfection")
HOLDERS_PER_PLACE = 1.2
HOLDERS, TWO_SKILLS = 0.09, 0.12


def run() -> dict[str, Any]:
    """All figures of this part."""
    figures: dict[str, Any] = {}
    figures |= _community()
    figures |= _county()
    return figures


def _community() -> dict[str, Any]:
    seconds, gaps = [], []
    for seed in range(1, COMMUNITY_RUNS + 1):
        problem = community(seed)
        began = time.perf_counter()
        solution = solve(problem, limit_seconds=60, workers=2)
        seconds.append(time.perf_counter() - began)
        gaps.append(solution.fairness.gap_permille)
        if solution.status is not SolverStatus.OPTIMAL:
            raise AssertionError(f"the coverage of community {seed} is not proven: {solution.status}")
        ensure_allowed(problem, [(seat.shift_id, seat.person_id, seat.skill) for seat in solution.seats])
    return {
        "fill_community_s": statistics.median(seconds),
        "fill_community_worst_s": max(seconds),
        "community_fairness_gap_permille": max(gaps),
    }


def _county() -> dict[str, Any]:
    problem = county(seed=1)
    bound = most(problem)
    share, holders = scarcity(problem)
    began = time.perf_counter()
    by_hand = greedy(problem)
    greedy_seconds = time.perf_counter() - began
    ensure_allowed(problem, by_hand)
    told: list[int] = []
    seconds = []
    for _ in range(COUNTY_RUNS):
        began = time.perf_counter()
        solution = solve(problem, limit_seconds=60, workers=2, progress=told.append)
        seconds.append(time.perf_counter() - began)
        report.say(f"county: {seconds[-1]:.1f} s, {solution.filled} of {bound}")
    ensure_allowed(problem, [(seat.shift_id, seat.person_id, seat.skill) for seat in solution.seats])
    if len(set(told)) < 20:
        raise AssertionError(f"nobody was told how far it is: {told}")
    return {
        "fill_county_s": statistics.median(seconds),
        "coverage_vs_bound": len(solution.seats) / bound,
        "greedy_vs_bound": len(by_hand) / bound,
        "county_is_proven": int(solution.status is SolverStatus.OPTIMAL),
        "county_gap_permille": solution.gap_permille,
        "county_fairness_gap_permille": solution.fairness.gap_permille,
        "county_volunteers": len(problem.people),
        "county_places": sum(shift.wanted for shift in problem.shifts),
        "county_scarce_share": share,
        "county_holders_per_scarce_place": holders,
        "greedy_s": greedy_seconds,
    }


def stretch(day: int, time_of_day: str) -> Stretch:
    """A stretch of the week in China."""
    hour, hours = TIMES[time_of_day]
    on = MONDAY + timedelta(days=day)
    start = datetime(on.year, on.month, on.day, hour, tzinfo=UTC) - OFFSET
    return Stretch(start, start + timedelta(hours=hours), on)


def halves(day: int, time_of_day: str) -> frozenset[int]:
    """The half-days of the week that it touches."""
    return frozenset((2 * day + half) % 14 for half in HALVES[time_of_day])


def community(seed: int) -> Problem:
    """60 volunteers and 40 shifts: skills, stated half-days, hours that some already have."""
    dice = random.Random(seed)
    pool = frozenset({"community"})
    shifts = []
    for number in range(40):
        day, time_of_day = (
            number % 7,
            dice.choice(("morning", "morning", "afternoon", "afternoon", "evening", "night")),
        )
        wanted = dice.choice((2, 3, 4))
        skill = dice.choice(("sampling", "delivery", None, None))
        shifts.append(
            Shift(
                id=number,
                stretch=stretch(day, time_of_day),
                minimum=dice.choice((1, 2)),
                wanted=wanted,
                skills=() if skill is None else ((skill, 1),),
                pools=pool,
                area_path="00001.00002.",
                half_days=halves(day, time_of_day),
            )
        )
    people = []
    for number in range(60):
        days = dice.sample(range(14), 10)
        refused = dice.choice((0, 2, 4, 6))
        people.append(
            Person(
                id=number,
                skills=frozenset(
                    skill for skill, odds in (("sampling", 0.1), ("delivery", 0.2)) if dice.random() < odds
                ),
                past_minutes=dice.choice((0, 0, 300, 600, 1200, 2400)),
                pools=pool,
                home_path=f"00001.00002.{dice.randrange(5):05d}.",
                available=frozenset(days[refused:]),
                not_available=frozenset(days[:refused]),
            )
        )
    return Problem(tuple(shifts), tuple(people))


class County:
    """Makes the county around a perfect week that it then forgets: all places can be filled, if one looks ahead."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.people: list[Person] = []
        self.offering: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.week: dict[int, list[Stretch]] = defaultdict(list)
        self.shifts: list[Shift] = []
        self.left = PLACES

    def make(self) -> Problem:
        for number in range(VOLUNTEERS):
            self._add_person(number)
        self._need_skills()
        while self.left > 0:
            self._need_hands(self.dice.randrange(TEAMS), self.dice.randrange(7))
        return Problem(tuple(self.shifts), tuple(self.people))

    def _add_person(self, number: int) -> None:
        dice = self.dice
        team = number % TEAMS
        home = team % COMMUNITIES
        days = dice.sample(range(7), dice.choice((1, 1, 2, 2, 3)))
        skills: list[str] = []
        if dice.random() < HOLDERS:
            skills = dice.sample(SKILLS, 2 if dice.random() < TWO_SKILLS else 1)
        offered = {2 * day + half for day in days for half in (0, 1)}
        for day in days:
            self.offering[team, day].append(number)
        self.people.append(
            Person(
                id=number,
                skills=frozenset(skills),
                past_minutes=60 * dice.randrange(40),
                recent_minutes=60 * dice.choice((0, 0, 5, 6, 11)),
                pools=frozenset({f"team:{team}", f"community:{home}", f"town:{home % TOWNS}"}),
                home_path=f"{home % TOWNS:05d}.{home:05d}.{number % 7:05d}.",
                available=frozenset(half for half in sorted(offered) if dice.random() < 0.7),
                not_available=frozenset(range(14)) - offered,
            )
        )

    def _need_skills(self) -> None:
        """In each town, day and skill as many places as there are people for it, divided by 1.2; hands beside them."""
        holders: dict[tuple[int, int, str], list[int]] = defaultdict(list)
        for (team, day), numbers in sorted(self.offering.items()):
            for number in numbers:
                for skill in sorted(self.people[number].skills):
                    holders[team % COMMUNITIES % TOWNS, day, skill].append(number)
        for (town, day, skill), numbers in sorted(holders.items()):
            self.dice.shuffle(numbers)
            wanted = ceil(len(numbers) / HOLDERS_PER_PLACE)
            for number in numbers:
                team = number % TEAMS
                pool = self.dice.choice((f"team:{team}", f"community:{team % COMMUNITIES}", f"town:{town}"))
                time_of_day = self.dice.choice(("afternoon", "afternoon", "evening", "morning"))
                if wanted and self._plan(number, stretch(day, time_of_day)):
                    wanted -= 1
                    self._add_shift(team, day, time_of_day, pool, 1, skill)
                    self._need_hands(team, day)

    def _need_hands(self, team: int, day: int) -> None:
        """General places of a team or its community for a few of the people who are not planned on that day."""
        dice = self.dice
        time_of_day = dice.choice(("morning", "morning", "morning", "afternoon", "evening", "night"))
        wanted = min(self.left, dice.choice((1, 2, 3)))
        found = 0
        for number in self.offering[team, day]:
            person = self.people[number]
            # In the perfect week nobody with a skill stands where anybody could.
            if found < wanted and not person.skills and time_allowed(person, day, time_of_day):
                found += self._plan(number, stretch(day, time_of_day))
        if found:
            pool = dice.choice((f"team:{team}", f"team:{team}", f"community:{team % COMMUNITIES}"))
            self._add_shift(team, day, time_of_day, pool, found, None)

    def _plan(self, number: int, at: Stretch) -> bool:
        """Put it into the perfect week, one shift a day."""
        if any(each.day == at.day for each in self.week[number]) or not _allows(at, self.week[number]):
            return False
        self.week[number].append(at)
        return True

    def _add_shift(
        self, team: int, day: int, time_of_day: str, pool: str, wanted: int, skill: str | None
    ) -> None:
        home = team % COMMUNITIES
        self.left -= wanted
        self.shifts.append(
            Shift(
                id=len(self.shifts),
                stretch=stretch(day, time_of_day),
                minimum=1,
                wanted=wanted,
                skills=() if skill is None else ((skill, wanted),),
                pools=frozenset({pool}),
                area_path=f"{home % TOWNS:05d}.{home:05d}.",
                half_days=halves(day, time_of_day),
            )
        )


def time_allowed(person: Person, day: int, time_of_day: str) -> bool:
    """Whether the person offered all of it."""
    return not person.not_available & halves(day, time_of_day)


def county(seed: int) -> Problem:
    """The county of that seed."""
    return County(seed).make()


def candidates(problem: Problem) -> dict[tuple[int, str | None], list[Person]]:
    """Who may stand on each kind of places of each shift (by id), rest and load aside."""
    members: dict[str, list[Person]] = defaultdict(list)
    for person in problem.people:
        for pool in person.pools:
            members[pool].append(person)
    found = {}
    for shift in problem.shifts:
        asked = {person.id: person for pool in shift.pools for person in members[pool]}.values()
        able = [
            person
            for person in asked
            if shift.traits <= person.traits
            and shift.side == person.side
            and not person.not_available & shift.half_days
        ]
        for skill, _ in kinds(shift):
            found[shift.id, skill] = [person for person in able if skill is None or skill in person.skills]
    return found


def kinds(shift: Shift) -> list[tuple[str | None, int]]:
    """The kinds of places of a shift, those for skills first, and how many."""
    return [*shift.skills, (None, shift.wanted - sum(count for _, count in shift.skills))]


def most(problem: Problem) -> int:
    """Places that can be filled at most, if everybody does one shift a day."""
    graph = max_flow.SimpleMaxFlow()
    able = candidates(problem)
    days: dict[tuple[int, date], int] = {}
    nodes = 2
    for shift in problem.shifts:
        for skill, count in kinds(shift):
            here, nodes = nodes, nodes + 1
            graph.add_arc_with_capacity(here, 1, count)
            for person in able[shift.id, skill]:
                key = (person.id, shift.stretch.day)
                if key not in days:
                    days[key], nodes = nodes, nodes + 1
                    graph.add_arc_with_capacity(0, days[key], 1)
                graph.add_arc_with_capacity(days[key], here, 1)
    if graph.solve(0, 1) != graph.OPTIMAL:
        raise AssertionError("the flow has no optimum")
    return int(graph.optimal_flow())


def scarcity(problem: Problem) -> tuple[float, float]:
    """The share of places in markets with at most 1.2 eligible people a place, and their people by their places.

    A market is a town, a day and a skill: everybody in it could stand on some of its places.
    """
    able = candidates(problem)
    places: Counter[tuple[str, date, str]] = Counter()
    people: dict[tuple[str, date, str], set[int]] = defaultdict(set)
    for shift in problem.shifts:
        for skill, count in shift.skills:
            market = (shift.area_path.split(".")[0], shift.stretch.day, skill)
            places[market] += count
            people[market] |= {person.id for person in able[shift.id, skill]}
    scarce = [market for market in places if len(people[market]) <= HOLDERS_PER_PLACE * places[market]]
    held = sum(places[market] for market in scarce)
    return held / sum(shift.wanted for shift in problem.shifts), sum(len(people[m]) for m in scarce) / held


def greedy(problem: Problem) -> list[tuple[int, int, str | None]]:
    """What a careful hand does without looking ahead."""
    able = candidates(problem)
    taken: dict[int, list[Stretch]] = defaultdict(list)
    load = {p.id: p.past_minutes + p.recent_minutes + p.planned_minutes for p in problem.people}
    seats = []
    for shift in sorted(problem.shifts, key=lambda each: (each.stretch, each.id)):
        for skill, count in kinds(shift):
            nearest = sorted(able[shift.id, skill], key=lambda p: (_way(p, shift), load[p.id], p.id))
            for person in nearest:
                if count and _allows(shift.stretch, taken[person.id]):
                    count -= 1  # noqa: PLW2901 - counts down what is open
                    taken[person.id].append(shift.stretch)
                    load[person.id] += shift.stretch.length // timedelta(minutes=1)
                    seats.append((shift.id, person.id, skill))
    return seats


def _way(person: Person, shift: Shift) -> int:
    return 0 if person.home_path.startswith(shift.area_path) else 1


def _allows(new: Stretch, taken: list[Stretch]) -> bool:
    try:
        ensure_time_allows(new, taken)
    except RuleBroken:
        return False
    return True


def ensure_allowed(problem: Problem, seats: list[tuple[int, int, str | None]]) -> None:
    """Every seat once more by the rules of a click, by who may stand there, and by the places there are."""
    shifts = {shift.id: shift for shift in problem.shifts}
    able = {key: {person.id for person in people} for key, people in candidates(problem).items()}
    standing = {person.id: person.committed for person in problem.people}
    weeks: dict[int, list[Stretch]] = defaultdict(list)
    for shift_id, person_id, skill in seats:
        if person_id not in able[shift_id, skill]:
            raise AssertionError(f"{person_id} may not be on {shift_id}")
        weeks[person_id].append(shifts[shift_id].stretch)
    for person_id, week in weeks.items():
        for number, each in enumerate(week):
            ensure_time_allows(each, [*standing[person_id], *week[:number], *week[number + 1 :]])
    there = Counter((shift_id, skill) for shift_id, _, skill in seats)
    for shift in shifts.values():
        if any(there[shift.id, skill] > count for skill, count in kinds(shift)):
            raise AssertionError(f"{shift.id} has more people than places")
