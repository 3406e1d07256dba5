"""The wave engine against a blast and against a fixed fill count and interval, on people with hidden answers.

    python -m bench mobilize

Nothing here stands on a database: what is simulated are the people; who is asked when decide the functions of
`webapp.domain.mobilization.waves`, with what they would know in the field (counts of calls and drills, delays of
past answers, how past call-ups went) and nothing else.

The world of a seed: a town's reserve of 720 (18,000 volunteers over 25 towns) with hidden rates, of whom on average a
quarter ever say yes to a call; 12 past call-ups and 3 drills, each on an evening of its own that moved everybody's
rate; delays are lognormal with a median of four minutes, for each yes there is 0.3 of a no, and the rest say
nothing. In the same world with the same answers:

- blast: everybody at once;
- fixed: a fill count with an interval, as BlackBerry AtHoc's guide describes it ("Define fill counts and
  escalation": a group at a time, in order, 6 minutes each, until the count of yeses is reached); groups are
  communities of 54;
- waves: the engine's own rule, looked at once a minute as the engine does.

Everybody is asked by the one who wants the places filled for an hour; a yes after the last place is an
over-acceptance: somebody who must be told that they are not needed.
"""

import os
import statistics
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from math import erf, exp, log, sqrt
from typing import Any, NamedTuple

import numpy as np

from bench import report
from webapp.domain.mobilization import waves
from webapp.domain.mobilization.rules import Certainty
from webapp.domain.mobilization.waves import History, PastCall, Prior, Silent, Tempo

PART_OF = "waves"

RUNS, SIDE_RUNS = 10_000, 300
HOUR, LOOK_SECONDS, WINDOW = 3600.0, 60.0, 600.0
GROUP, INTERVAL = 54, 360.0


class World(NamedTuple):
    """What is true of the people and hidden from the engine."""

    people: int = 720
    mean: float = 0.25
    strength: float = 4.0
    median: float = 240.0
    spread: float = 0.9
    noes: float = 0.3
    evening: float = 0.15
    calls: float = 3.0
    drills: float = 1.5
    # How tonight is; None: an evening like the others.
    tonight: float | None = None


class Case(NamedTuple):
    """A call-up in a world."""

    name: str
    places: int
    world: World
    certainty: Certainty = Certainty.NORMAL
    runs: int = SIDE_RUNS


CASES = (
    Case("", 60, World(), runs=RUNS),
    Case("sure_", 60, World(), Certainty.SURE),
    Case("gentle_", 60, World(), Certainty.GENTLE),
    Case("few_", 6, World(people=120)),
    Case("scarce_", 60, World(people=200)),
    Case("bad_evening_", 60, World(tonight=0.6)),
    Case("no_history_", 60, World(calls=0, drills=0)),
)


SIDE_FIGURES = ("places_vs_blast", "people_vs_blast", "minutes_later", "minutes_waves", "over_waves")


@dataclass
class Town:
    """One seed's people in the order in which they are asked, with what the engine knows of them."""

    yes: Any
    no: Any
    delay: Any
    chances: list[float]
    tempo: Tempo
    evening_spread: float

    @property
    def people(self) -> int:
        return len(self.chances)


class Outcome(NamedTuple):
    """How one way of calling went: `full_at` is the second of the last place, None when it stayed open."""

    filled: int
    asked: int
    full_at: float | None
    over: int


@dataclass
class Run:
    """One seed: the three ways, and for each wave whether it was the first, what it promised, and what came."""

    blast: Outcome
    fixed: Outcome
    waves: Outcome
    promises: list[tuple[bool, float, bool]] = field(default_factory=list)


def run() -> dict[str, Any]:
    """All figures of this part."""
    figures: dict[str, Any] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for case in CASES:
            runs = list(pool.map(partial(play, case), range(case.runs), chunksize=50))
            found = summary(runs)
            figures |= {
                f"sim_{case.name}{name}": value
                for name, value in found.items()
                if not case.name or name in SIDE_FIGURES
            }
            report.say(
                f"{case.name or 'town_'}: {found['filled_waves']:.2f} of {case.places}, "
                f"{found['people_vs_blast']:.0%} of the blast's people, {found['minutes_later']:.1f} min later"
            )
    return figures


def summary(runs: Sequence[Run]) -> dict[str, float]:
    """The figures of a case: means over its runs, medians for minutes, calibration in points of a hundred."""
    found: dict[str, float] = {}
    for name, of in (("blast", _blast), ("fixed", _fixed), ("waves", _waves)):
        outcomes = [of(each) for each in runs]
        found[f"filled_{name}"] = statistics.fmean(each.filled for each in outcomes)
        found[f"people_{name}"] = statistics.fmean(each.asked for each in outcomes)
        found[f"over_{name}"] = statistics.fmean(each.over for each in outcomes)
        minutes = [each.full_at / 60 for each in outcomes if each.full_at is not None]
        found[f"full_{name}"] = len(minutes) / len(outcomes)
        found[f"minutes_{name}"] = statistics.median(minutes) if minutes else HOUR / 60
    later = [
        (each.waves.full_at - each.blast.full_at) / 60
        for each in runs
        if each.waves.full_at is not None and each.blast.full_at is not None
    ]
    found["places_vs_blast"] = found["filled_waves"] / found["filled_blast"]
    found["people_vs_blast"] = found["people_waves"] / found["people_blast"]
    found["minutes_later"] = statistics.median(later) if later else 0.0
    promises = [each for run in runs for each in run.promises]
    found["calibration_first"] = _points(each for each in promises if each[0])
    found["calibration_all"] = _points(promises)
    found["runs"] = len(runs)
    return found


def _points(promises: Iterable[tuple[bool, float, bool]]) -> float:
    """By how many points of a hundred what was promised differs from what came, in the mean."""
    each = list(promises)
    return 100 * abs(
        statistics.fmean(chance for _, chance, _ in each) - statistics.fmean(came for *_, came in each)
    )


def _blast(run: Run) -> Outcome:
    return run.blast


def _fixed(run: Run) -> Outcome:
    return run.fixed


def _waves(run: Run) -> Outcome:
    return run.waves


def play(case: Case, seed: int) -> Run:
    """The three ways of calling in the world of this seed."""
    town = town_of(case.world, seed)
    outcome, promises = by_waves(town, case)
    return Run(blast(town, case.places), fixed(town, case.places), outcome, promises)


# --- the people ---------------------------------------------------------------------------------------------


def town_of(world: World, seed: int) -> Town:
    """The people of a seed: what they will do is drawn, and what is known of them is counted as in the field."""
    dice = np.random.default_rng(seed)
    ever = dice.beta(world.mean * world.strength, (1 - world.mean) * world.strength, world.people)
    in_time = 0.5 * (1 + erf(log(WINDOW / world.median) / world.spread / sqrt(2)))

    def evening() -> float:
        return exp(world.evening * dice.standard_normal() - world.evening**2 / 2)

    def past(share: float, times: int) -> tuple[Any, Any, list[tuple[int, int]]]:
        called, came = np.zeros(world.people, int), np.zeros(world.people, int)
        sums = []
        for _ in range(times):
            odds = np.minimum(ever * evening(), 0.98) * in_time
            asked = dice.random(world.people) < share / times
            yes = asked & (dice.random(world.people) < odds)
            called += asked
            came += yes
            sums.append((int(asked.sum()), int(yes.sum())))
        return called, came, sums

    calls, yeses, sums = past(world.calls, 12)
    drills, drill_yeses, _ = past(world.drills, 3)
    histories = [
        History(*each)
        for each in zip(calls.tolist(), yeses.tolist(), drills.tolist(), drill_yeses.tolist(), strict=True)
    ]
    prior = waves.prior_of(histories)
    chances = _chances(histories, prior)
    delays = world.median * np.exp(world.spread * dice.standard_normal(200 if world.calls else 0))
    tonight = evening() if world.tonight is None else world.tonight
    draw = dice.random(world.people)
    yes = draw < np.minimum(ever * tonight, 0.98)
    no = ~yes & (draw < np.minimum(ever * tonight * (1 + world.noes), 0.99))
    delay = world.median * np.exp(world.spread * dice.standard_normal(world.people))
    # Near and far, rested and tired have nothing to do with answering here; only the seldom ones come last.
    order = dice.permutation(world.people)
    seldom = np.array(chances)[order] < waves.SELDOM * prior.mean
    order = np.concatenate([order[~seldom], order[seldom]])
    return Town(
        yes=yes[order],
        no=no[order],
        delay=delay[order],
        chances=[chances[each] for each in order],
        tempo=waves.tempo_of([each for each in delays.tolist() if each < HOUR], window=WINDOW),
        evening_spread=waves.evening_spread(
            PastCall(asked * prior.mean, asked * prior.mean * (1 - prior.mean), came) for asked, came in sums
        ),
    )


def _chances(histories: Sequence[History], prior: Prior) -> list[float]:
    known = {each: waves.chance_of(each, prior) for each in set(histories)}
    return [known[each] for each in histories]


# --- three ways of calling ----------------------------------------------------------------------------------


def _outcome(town: Town, asked_at: Any, asked: int, places: int) -> Outcome:
    came = np.sort((asked_at[:asked] + town.delay[:asked])[town.yes[:asked]])
    came = came[came <= HOUR]
    return Outcome(
        filled=min(len(came), places),
        asked=asked,
        full_at=float(came[places - 1]) if len(came) >= places else None,
        over=max(len(came) - places, 0),
    )


def blast(town: Town, places: int) -> Outcome:
    """Everybody at once."""
    return _outcome(town, np.zeros(town.people), town.people, places)


def fixed(town: Town, places: int) -> Outcome:
    """A group after the other, each for the interval, until as many have said yes as are wanted."""
    asked_at = np.zeros(town.people)
    asked, now = 0, 0.0
    while asked < town.people and now < HOUR:
        group = slice(asked, min(asked + GROUP, town.people))
        asked_at[group] = now
        asked = group.stop
        now += INTERVAL
        if int((town.yes[:asked] & (asked_at[:asked] + town.delay[:asked] <= now)).sum()) >= places:
            break
    return _outcome(town, asked_at, asked, places)


def by_waves(town: Town, case: Case) -> tuple[Outcome, list[tuple[bool, float, bool]]]:
    """The engine's rule, once a minute: at most one wave at a time, topped up, the next at its reply-by."""
    asked_at = np.zeros(town.people)
    answers_at = np.full(town.people, np.inf)
    target = waves.TARGETS[case.certainty]
    asked, sent_at = 0, None
    promises = []
    now = 0.0
    while now <= HOUR:
        due = answers_at[:asked]
        open_count = case.places - int((town.yes[:asked] & (due <= now)).sum())
        if open_count <= 0:
            break
        size = None
        since = None if sent_at is None else now - sent_at
        if since is None or since >= waves.TOP_UP_AFTER * WINDOW:
            waiting = np.nonzero(due > now)[0]
            silent = [Silent(town.chances[each], float(now - asked_at[each])) for each in waiting]
            night = waves.evening(
                town.evening_spread, answers=asked - len(waiting), silent=silent, tempo=town.tempo
            )
            size = waves.next_wave(
                open_count=open_count,
                since=since,
                window=WINDOW,
                target=target,
                chances=town.chances[asked:],
                silent=silent,
                units=(),
                night=night,
                tempo=town.tempo,
            )
        if size is not None and size.people:
            new = slice(asked, asked + size.people)
            asked_at[new] = now
            answers_at[new] = np.where(town.yes[new] | town.no[new], now + town.delay[new], np.inf)
            asked, sent_at = new.stop, now
            came = town.yes[:asked] & (answers_at[:asked] > now) & (answers_at[:asked] <= now + WINDOW)
            promises.append((len(promises) == 0, size.chance, int(came.sum()) >= open_count))
        now += LOOK_SECONDS
    return _outcome(town, asked_at, asked, case.places), promises
