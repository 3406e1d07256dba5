"""Waves 第n批通知: who is asked first, and how many are enough. Pure; docs/mobilization.md says it in plain words.

Each person's chance of a yes comes from their own answers (a Beta posterior over a prior that the pool itself
gives). How fast people answer is a lognormal curve. How much one evening differs from another is a factor on
everybody's chance, with a spread that past call-ups give; within a call-up the answers so far say which evening it
is. The number of people who come is then a Poisson binomial under each evening, computed exactly, and a wave is the
smallest number of people with whom the chance that all open places fill reaches the target.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from math import erf, exp, log, sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from webapp.domain.mobilization.rules import Because, Certainty

Floats = npt.NDArray[np.float64]

# How surely the places are to fill within one reply window: 稳妥 / 一般 / 少打扰.
TARGETS: Mapping[Certainty, float] = {
    Certainty.SURE: 0.95,
    Certainty.NORMAL: 0.80,
    Certainty.GENTLE: 0.60,
}

# A quarter of a cold call list answers (facts.md), four of five of them with yes and most in time: what is believed
# before anybody was ever called, and as how many calls that counts.
COLD_CHANCE, COLD_WEIGHT = 0.2, 12.0
# A drill at a quiet hour is half as telling as a call.
DRILL_WEIGHT = 0.5
# How alike people are, in calls that the pool's own rate is worth beside a person's history.
STRENGTH, LEAST_STRENGTH, MOST_STRENGTH = 4.0, 1.0, 40.0

# Half of those who will answer have done so after four minutes, two thirds between 1.6 and 10.
MEDIAN_SECONDS, SPREAD = 240.0, 0.9
# How many answers the assumed curve is worth beside measured ones.
TEMPO_WEIGHT = 20.0
# Who says no, for each who says yes.
NOES_PER_YES = 0.25
LATER_CHANCE = 0.4
UNIT_CHANCE = 0.5

# How much one evening differs from another (the standard deviation of the logarithm of everybody's chance), and
# how many past call-ups this guess is worth.
EVENING_SPREAD, EVENING_WEIGHT, MOST_EVENING_SPREAD = 0.15, 4.0, 0.6
# The factor's logarithm in standard deviations, with the weights of a t-distribution: the spread is an estimate.
_NODES: Floats = np.linspace(-3.5, 3.5, 15)
_FREEDOM = 8.0
_NODE_WEIGHTS: Floats = (1 + _NODES**2 / _FREEDOM) ** (-(_FREEDOM + 1) / 2)

MOST_CHANCE = 0.98
# Before the reply-by a wave is topped up, but not in its first third, and only where it is clearly too small.
TOP_UP_AFTER, TOP_UP = 0.3, 0.75
# From so many silent people on the normal curve is never as wrong as this.
MANY, ROUGHLY = 30, 0.1
# A wave for so many places asks at most this many people, however seldom they answer.
MOST_PER_PLACE, MOST_BESIDES = 12, 20

# Fairness: the days since somebody was called, up to this; who was called and sent home is spared as if that had
# been so much later ("next time we will disturb you less").
MOST_DAYS = 60
SPARED_DAYS, MOST_SPARED = 7, 3
LONG_AGO_DAYS = 14
# A skill is scarce when at most this share of the pool has it.
SCARCE_SHARE = 0.1
# Who says yes less than half as often as the pool is asked after the others.
SELDOM = 0.5


# --- how likely somebody comes ------------------------------------------------------------------------------


class History(NamedTuple):
    """How often somebody was called and said yes within the window, and the same of drills."""

    calls: int = 0
    yeses: int = 0
    drills: int = 0
    drill_yeses: int = 0

    @property
    def asked(self) -> float:
        """How many calls this is worth."""
        return self.calls + DRILL_WEIGHT * self.drills

    @property
    def said_yes(self) -> float:
        """How many yeses this is worth."""
        return self.yeses + DRILL_WEIGHT * self.drill_yeses


@dataclass(frozen=True)
class Prior:
    """What is believed of somebody without a history: a Beta with this mean, worth `strength` calls."""

    mean: float = COLD_CHANCE
    strength: float = STRENGTH


def prior_of(pool: Iterable[History]) -> Prior:
    """The prior that the pool's own history gives (empirical Bayes, method of moments for a beta-binomial).

    The mean is the pool's rate, drawn towards that of a cold list by as many calls as `COLD_WEIGHT`. The strength follows
    from how much more people differ than chance alone would have it: with Var(yᵢ/nᵢ) = m(1-m)/nᵢ·(1+(nᵢ-1)ρ),
    ρ is solved from the weighted sum of squares, drawn towards the usual one, and strength = 1/ρ - 1.
    """
    counts = Counter((each.asked, each.said_yes) for each in pool)
    asked = sum(n * times for (n, _), times in counts.items())
    said_yes = sum(yes * times for (_, yes), times in counts.items())
    mean = (said_yes + COLD_CHANCE * COLD_WEIGHT) / (asked + COLD_WEIGHT)
    if not asked:
        return Prior(mean)
    rate = said_yes / asked
    seen = spread = usual = 0.0
    for (n, yes), times in counts.items():
        # A history of less than two calls cannot tell people apart.
        if n > 1:
            share = 1 - n / asked
            seen += times * n * (yes / n - rate) ** 2
            usual += times * share * rate * (1 - rate)
            spread += times * share * rate * (1 - rate) * (n - 1)
    at_first = 1 / (STRENGTH + 1)
    # The usual one counts as much as a hundred second calls.
    weight = 100 * rate * (1 - rate)
    alike = (seen - usual + weight * at_first) / (spread + weight) if spread + weight else at_first
    least, most = 1 / (MOST_STRENGTH + 1), 1 / (LEAST_STRENGTH + 1)
    return Prior(mean, 1 / min(max(alike, least), most) - 1)


def chance_of(history: History, prior: Prior) -> float:
    """The chance that this person says yes within the usual window: the mean of the Beta posterior."""
    return (prior.mean * prior.strength + history.said_yes) / (prior.strength + history.asked)


# --- how fast ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tempo:
    """How fast those answer who answer: lognormal. `window` is the reply window that histories speak of."""

    median: float = MEDIAN_SECONDS
    spread: float = SPREAD
    window: float = 600.0

    def share(self, seconds: float) -> float:
        """Which share of the answers has come after so many seconds."""
        if seconds <= 0:
            return 0.0
        return 0.5 * (1 + erf(log(seconds / self.median) / self.spread / sqrt(2)))

    @cached_property
    def _in_time(self) -> float:
        return max(self.share(self.window), 0.05)

    def ever(self, chance: float) -> float:
        """The chance of a yes at any time, of somebody whose chance within the window is `chance`."""
        return min(chance / self._in_time, MOST_CHANCE)


def tempo_of(delays: Sequence[float], *, window: float) -> Tempo:
    """The curve through measured delays (seconds from summons to yes), drawn towards the usual one.

    Late answers belong to it: without them the curve would say that everybody has answered at the reply-by.
    """
    logs = [log(max(each, 1.0)) for each in delays]
    n = len(logs)
    mean = (sum(logs) + TEMPO_WEIGHT * log(MEDIAN_SECONDS)) / (n + TEMPO_WEIGHT)
    squares = sum((each - mean) ** 2 for each in logs)
    spread = sqrt((squares + TEMPO_WEIGHT * SPREAD**2) / (n + TEMPO_WEIGHT))
    return Tempo(exp(mean), max(spread, 0.2), window)


# --- what kind of evening ----------------------------------------------------------------------------------


class PastCall(NamedTuple):
    """A call-up that is over: how many yeses were expected within the windows, their variance, how many came."""

    expected: float
    variance: float
    came: int


def evening_spread(past: Iterable[PastCall]) -> float:
    """How much evenings differ beyond chance, from call-ups that are over (method of moments on came/expected)."""
    total, weight = EVENING_WEIGHT * EVENING_SPREAD**2, EVENING_WEIGHT
    for each in past:
        if each.expected >= 3:
            # A large call tells the evening well, a small one is mostly chance.
            noise = each.variance / each.expected**2
            trust = 1 / (1 + noise / EVENING_SPREAD**2)
            total += trust * ((each.came / each.expected - 1) ** 2 - noise)
            weight += trust
    # What the usual evening is, and how wide they lie, is itself known from `weight` evenings only.
    return min(sqrt(max(total / weight * (1 + 2 / weight), 0.0)), MOST_EVENING_SPREAD)


class Silent(NamedTuple):
    """Somebody asked before who has not answered: their chance when asked, and the seconds since."""

    chance: float
    seconds: float
    says_later: bool = False


@dataclass(frozen=True)
class Evening:
    """The evenings that this may be, and how likely each is. `factors` multiply everybody's chance."""

    factors: Floats
    weights: Floats


def evening(spread: float, *, answers: int, silent: Sequence[Silent], tempo: Tempo) -> Evening:
    """The evenings by what is known of past ones, weighed by how this call-up is answered so far.

    Under a factor f a yes or no has the likelihood f (what does not depend on f falls out), and silence after t
    seconds 1 - f·a·G(t), with a the chance of any answer.
    """
    if spread <= 0:
        return Evening(np.ones(1), np.ones(1))
    factors = np.exp(spread * _NODES - spread**2 / 2)
    likely = np.log(_NODE_WEIGHTS) + answers * np.log(factors)
    if silent:
        shares = {after: tempo.share(after) for after in _instants(silent)}
        heard = np.array(
            [tempo.ever(each.chance) * (1 + NOES_PER_YES) * shares[each.seconds] for each in silent]
        )
        likely += np.log1p(-np.minimum(np.outer(factors, heard), MOST_CHANCE)).sum(axis=1)
    weights = np.exp(likely - likely.max())
    return Evening(factors, weights / weights.sum())


# --- how many are enough -----------------------------------------------------------------------------------


def within(chance: float, tempo: Tempo, seconds: float) -> float:
    """The chance of a yes within so many seconds from being asked now."""
    return tempo.ever(chance) * tempo.share(seconds)


def still(silent: Sequence[Silent], night: Evening, tempo: Tempo, seconds: float) -> Floats:
    """The chances that people silent until now say yes within so many seconds: a row per person, a column per evening.

    With y the chance of a yes and a of any answer ever, and the evening's factor f:
    f·y·(G(t+s) - G(t)) / (1 - f·a·G(t)). Who said "later" is awake and has the call before them.
    """
    if not silent:
        return np.empty((0, len(night.factors)))
    ahead = max(seconds, 0.0)
    shares = {after: (tempo.share(after), tempo.share(after + ahead)) for after in _instants(silent)}
    ever = np.array([tempo.ever(one.chance) for one in silent])
    before, then = np.array([shares[one.seconds] for one in silent]).T
    later = np.array([LATER_CHANCE * tempo.share(ahead) if one.says_later else 0.0 for one in silent])
    answers = np.minimum(np.outer(ever * (1 + NOES_PER_YES), night.factors), MOST_CHANCE)
    chances = np.outer(ever * (then - before), night.factors) / (1 - answers * before[:, None])
    found: Floats = np.maximum(chances, later[:, None])
    return found


def _instants(silent: Sequence[Silent]) -> set[float]:
    """People of one wave were asked at one instant: the curve is read once for all of them."""
    return {one.seconds for one in silent}


class _Count:
    """How many come, under each evening: a Poisson binomial, exact, with all beyond `open_count` in its last cell."""

    def __init__(self, open_count: int, night: Evening) -> None:
        self._night = night
        self._odds: Floats = np.zeros((len(night.factors), open_count + 1))
        self._odds[:, 0] = 1.0

    def add(self, chance: float) -> None:
        """One more person who comes with this chance on a usual evening."""
        self.add_by_evening(self._night.factors * chance)

    def add_by_evening(self, chances: Floats) -> None:
        """One more person, with the chance under each evening."""
        moved = self._odds[:, :-1] * np.minimum(chances, MOST_CHANCE)[:, None]
        self._odds[:, :-1] -= moved
        self._odds[:, 1:] += moved

    def add_unit(self, people: int, chance: float) -> None:
        """A team that comes whole or not at all."""
        kept = self._odds * (1 - chance)
        last = self._odds.shape[1] - 1
        for count in range(last + 1):
            kept[:, min(count + people, last)] += self._odds[:, count] * chance
        self._odds = kept

    @property
    def full(self) -> float:
        """The chance that all open places fill."""
        return float(self._night.weights @ self._odds[:, -1])


@dataclass(frozen=True)
class Asked:
    """What is under way for one role: the chances of who was asked before (see `still`), and teams not answered yet."""

    silent: Floats | None = None
    units: tuple[int, ...] = ()


def chance_to_fill(
    open_count: int, chances: Iterable[float], night: Evening, asked: Asked = Asked()
) -> float:
    """The chance that these people and those asked before fill the open places. Chances: within the window."""
    count = _counted(open_count, night, asked)
    for chance in chances:
        count.add(chance)
    return count.full


class Size(NamedTuple):
    """How many of the ranked are asked, and how surely the places fill with them and with those asked before."""

    people: int
    chance: float


def size(
    open_count: int, chances: Sequence[float], target: float, night: Evening, asked: Asked = Asked()
) -> Size:
    """The smallest number of the ranked people with whom the chance reaches the target; all (capped) if none does."""
    if open_count <= 0:
        return Size(0, 1.0)
    count = _counted(open_count, night, asked)
    most = min(len(chances), MOST_BESIDES + MOST_PER_PLACE * open_count)
    people = 0
    while people < most and count.full < target:
        count.add(chances[people])
        people += 1
    return Size(people, count.full)


def _counted(open_count: int, night: Evening, asked: Asked) -> _Count:
    count = _Count(open_count, night)
    for chances in asked.silent if asked.silent is not None else ():
        count.add_by_evening(chances)
    for people in asked.units:
        count.add_unit(people, UNIT_CHANCE)
    return count


def next_wave(
    *,
    open_count: int,
    since: float | None,
    window: float,
    target: float,
    chances: Sequence[float],
    silent: Sequence[Silent],
    units: Sequence[int],
    night: Evening,
    tempo: Tempo,
    is_hurried: bool = False,
) -> Size | None:
    """How many of the ranked (with these chances) are asked now; None: nobody, those asked before are waited for.

    `since` are the seconds since the last wave, None before the first. At the reply-by the next wave goes out;
    before it, once the answers show that it would be needed anyway: when the chance that those still silent
    fill the places within another window falls under `TOP_UP` of the target. Whoever is in a hurry does not
    count on the silent and wants to be sure.
    """
    if open_count <= 0:
        return None
    asked = Asked(still(silent, night, tempo, window), tuple(units))
    if is_hurried:
        target, asked = TARGETS[Certainty.SURE], Asked()
    elif since is not None and since < window:
        if since < TOP_UP_AFTER * window:
            return None
        if _is_surely_enough(open_count, TOP_UP * target, night, asked):
            return None
        if chance_to_fill(open_count, (), night, asked) >= TOP_UP * target:
            return None
    found = size(open_count, [within(each, tempo, window) for each in chances], target, night, asked)
    return found if found.people or found.chance < target else None


def _is_surely_enough(open_count: int, target: float, night: Evening, asked: Asked) -> bool:
    """Whether the silent are so many that the exact count need not be made: by the normal curve, with a margin."""
    if asked.silent is None or len(asked.silent) < MANY:
        return False
    means = asked.silent.sum(axis=0)
    spreads = np.sqrt((asked.silent * (1 - asked.silent)).sum(axis=0)) + 1e-9
    steps = ((means - open_count + 0.5) / spreads).tolist()
    chances = [0.5 * (1 + erf(each / sqrt(2))) for each in steps]
    return float(night.weights @ np.array(chances)) >= target + ROUGHLY


def fills_after(open_count: int, chances: Iterable[float], tempo: Tempo, *, longest: float) -> float | None:
    """After how many seconds the places are expected to be full (in the mean); None: not within the longest."""
    ever = sum(tempo.ever(chance) for chance in chances)
    low, high = 0.0, longest
    if ever * tempo.share(high) < open_count:
        return None
    while high - low > 5:
        middle = (low + high) / 2
        low, high = (low, middle) if ever * tempo.share(middle) >= open_count else (middle, high)
    return high


# --- who is asked first ------------------------------------------------------------------------------------


class Candidate(NamedTuple):
    """Somebody who may be asked. `steps`: 0 lives in the area that calls, 1 in the next area around it, and so on."""

    person_id: int
    skills: frozenset[str]
    steps: int
    is_limited: bool
    said_available: bool
    chance: float
    last_called_at: datetime | None
    stood_down_count: int


class Ranked(NamedTuple):
    """A candidate in turn, with why."""

    person_id: int
    chance: float
    steps: int
    because: tuple[Because, ...]


def scarce_skills(holders: Mapping[str, int], people: int) -> frozenset[str]:
    """The skills that few of the pool have."""
    return frozenset(code for code, count in holders.items() if count <= SCARCE_SHARE * people)


def rank(
    candidates: Iterable[Candidate],
    *,
    skill: str | None,
    kept_for: frozenset[str],
    scarce: frozenset[str],
    usual: float,
    now: datetime,
) -> list[Ranked]:
    """The candidates in the order in which they are asked.

    The nearest area first; in it those whose skills nobody else needs (`kept_for`: what open roles of the same
    call-up ask for, `scarce`: what few can do); then who is ready before limited, who said they can before who
    said nothing, who answers before who seldom does, and who was called least lately.
    """
    keys = []
    for each in candidates:
        others = each.skills - {skill} if skill else each.skills
        spent = 2 if others & kept_for else 1 if others & scarce else 0
        seldom = each.chance < SELDOM * usual
        keys.append(
            (
                (
                    each.steps,
                    spent,
                    each.is_limited,
                    not each.said_available,
                    seldom,
                    -days_spared(each, now),
                    each.person_id,
                ),
                each,
            )
        )
    keys.sort(key=_first)
    return [
        Ranked(each.person_id, each.chance, each.steps, _because(each, skill, spent=bool(key[1]), now=now))
        for key, each in keys
    ]


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def days_spared(each: Candidate, now: datetime) -> float:
    """For how many days somebody was left in peace; being called in vain counts as having been called later."""
    if each.last_called_at is None:
        return float(MOST_DAYS)
    days = (now - each.last_called_at) / timedelta(days=1)
    if days >= MOST_DAYS:
        return float(MOST_DAYS)
    return max(days, 0.0) - SPARED_DAYS * min(each.stood_down_count, MOST_SPARED)


def _because(each: Candidate, skill: str | None, *, spent: bool, now: datetime) -> tuple[Because, ...]:
    if each.last_called_at is None:
        turn: tuple[Because, ...] = (Because.NEVER_CALLED,)
    elif now - each.last_called_at >= timedelta(days=LONG_AGO_DAYS):
        turn = (Because.LONG_NOT_CALLED,)
    else:
        turn = ()
    return (
        _codes(
            _NEAR[min(each.steps, len(_NEAR) - 1)],
            has_skill=skill is not None,
            spent=spent,
            is_limited=each.is_limited,
            said_available=each.said_available,
        )
        + turn
    )


_NEAR = (Because.LIVES_HERE, Because.NEXT_AREA, Because.FURTHER_AWAY)


@cache
def _codes(
    near: Because,
    *,
    has_skill: bool,
    spent: bool,
    is_limited: bool,
    said_available: bool,
) -> tuple[Because, ...]:
    codes = [near]
    if has_skill:
        codes.append(Because.HAS_SKILL)
    codes.append(Because.LIMITED if is_limited else Because.READY)
    if said_available:
        codes.append(Because.AVAILABLE)
    if spent:
        codes.append(Because.OTHERS_USED_UP)
    return tuple(codes)
