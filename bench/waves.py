"""Waves of a call-up: how fast they are ranked, answered and sent; each figure has a function of its own.

A function takes a fresh stage (one database of either kind) and answers with its figures by name; `@figure` puts
it on the list. `python -m bench waves` runs them all on both databases.
"""

from collections.abc import Callable

from bench import answering, board, forecast, sending, wave
from bench.report import say
from bench.stage import KINDS, Stage, databases

Measure = Callable[[Stage], dict[str, float]]
FIGURES: dict[str, Measure] = {}


def figure(measure: Measure) -> Measure:
    """Put a function on the list; its name names its database."""
    FIGURES[measure.__name__] = measure
    return measure


@figure
def forecast_county(stage: Stage) -> dict[str, float]:
    """What every community can field in each of 72 hours, from the tables of the full county."""
    return forecast.measure(stage)


@figure
def rank_18000(stage: Stage) -> dict[str, float]:
    """One wave for 300 places of three roles, from a pool of 18,000."""
    return wave.measure(stage)


@figure
def answer(stage: Stage) -> dict[str, float]:
    """Answers behind links in 335 communities that call up at once, against the one-query page."""
    return answering.measure(stage)


@figure
def board_304(stage: Stage) -> dict[str, float]:
    """What the boards of head and wall cost while nothing changes."""
    return board.measure(stage)


@figure
def send(stage: Stage) -> dict[str, float]:
    """Messages per second of the worker over a bare client's at the same local endpoint."""
    return sending.measure(stage)


def run() -> dict[str, dict[str, float]]:
    """All figures, for both databases."""
    found: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        with databases(kind) as made:
            for name, measure in FIGURES.items():
                say(f"waves {kind} {name}")
                for value, each in measure(made.make(name)).items():
                    found.setdefault(value, {})[kind] = each
    return found
