"""The readiness forecast of the full county: 44,000 reservists, 335 communities, 72 hours, all kinds of teams."""

import statistics
import time

from bench.fill_reserve import CADRES, COMMUNITIES, VOLUNTEERS, fill_county
from bench.stage import Stage
from webapp.base import clock, db
from webapp.domain.areas.rules import ancestor_paths
from webapp.domain.mobilization.forecast import HOURS
from webapp.domain.mobilization.queries import forecast
from webapp.domain.mobilization.queries.team_types import list_team_types

RUNS = 5


def measure(stage: Stage) -> dict[str, float]:
    """Seconds from the tables to the figures of every community; and those of reading alone."""
    county = fill_county(stage)
    numbers = {path: number for number, path in enumerate(county.communities)}
    everything, reading = [], []
    with stage.app.app_context():
        for _ in range(RUNS):
            began = time.perf_counter()
            crowd, loaded, teams = db.reading(_forecast)(county.path, numbers)
            everything.append(time.perf_counter() - began)
            reading.append(loaded)
            if len(crowd.people) != VOLUNTEERS + CADRES:
                raise AssertionError(f"only {len(crowd.people)} reservists were counted")
            if not any(each.now for kind in teams for each in kind):
                raise AssertionError("no community fields a team")
            if {len(each.possible) for kind in teams for each in kind} != {HOURS}:
                raise AssertionError("not all hours were counted")
            if {len(kind) for kind in teams} != {COMMUNITIES}:
                raise AssertionError("not all communities were counted")
    return {
        "forecast_county_s": statistics.median(everything),
        "forecast_reading_s": statistics.median(reading),
    }


def _forecast(path, numbers):
    began = time.perf_counter()
    crowd, _rate = forecast.load_crowd(tier_path=path, now=clock.now())
    loaded = time.perf_counter() - began
    known: dict[str, int] = {}

    def group_of(person):
        if person.area_path not in known:
            known[person.area_path] = next(
                numbers[each] for each in ancestor_paths(person.area_path) if each in numbers
            )
        return known[person.area_path] if not person.side else None

    return crowd, loaded, crowd.teams(list_team_types(), group_of, groups=len(numbers))
