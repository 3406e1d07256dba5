"""Goals, the table of figures beside them, and bench/results.json."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results.json"
AT_LEAST, AT_MOST = "at least", "at most"
# What the machine of the specification takes for `loop`; goals in seconds scale with it.
LOOP_SECONDS = 0.30


@dataclass(frozen=True)
class Goal:
    """A figure that should be at least or at most this; `by_kind` where the databases differ."""

    how: str
    value: float
    by_kind: tuple[tuple[str, float], ...] = ()

    def of(self, kind: str | None) -> float:
        return dict(self.by_kind).get(kind or "", self.value)

    def is_met(self, value: float, kind: str | None) -> bool:
        return value >= self.of(kind) if self.how == AT_LEAST else value <= self.of(kind)


GOALS = {
    "pages": {
        "home_vs_one_query": Goal(AT_LEAST, 0.4),
        "order_page_vs_one_query": Goal(AT_LEAST, 0.4),
        "queries_home": Goal(AT_MOST, 5),
        "queries_order": Goal(AT_MOST, 5),
        "queries_spread": Goal(AT_MOST, 0),
        "growth_10x": Goal(AT_MOST, 1.2),
        "shifts_vs_one_query": Goal(AT_LEAST, 0.4),
        "all_shifts_vs_one_query": Goal(AT_LEAST, 0.4),
        "own_shifts_vs_one_query": Goal(AT_LEAST, 0.4),
        "take_shift_vs_one_query": Goal(AT_LEAST, 0.3),
        "queries_shifts": Goal(AT_MOST, 5),
        "queries_all_shifts": Goal(AT_MOST, 5),
        "queries_own_shifts": Goal(AT_MOST, 5),
        "overfull": Goal(AT_MOST, 0),
    },
    "orders": {
        "order_vs_one_query": Goal(AT_LEAST, 0.3),
        "hot_vs_spread": Goal(AT_LEAST, 0.8, (("postgresql", 0.6),)),
        "oversold": Goal(AT_MOST, 0),
        "errors": Goal(AT_MOST, 0),
    },
    "pdf": {
        "run_sheet_500_vs_reportlab": Goal(AT_MOST, 4),
        "run_sheet_5000_vs_reportlab": Goal(AT_MOST, 4),
        "run_sheet_peak_mb_500": Goal(AT_MOST, 150),
        "roster_500_vs_reportlab": Goal(AT_MOST, 4),
        "roster_5000_vs_reportlab": Goal(AT_MOST, 4),
        "mobilization_500_vs_reportlab": Goal(AT_MOST, 4),
        "growth_500_to_5000": Goal(AT_MOST, 11),
        "roster_peak_mb_500": Goal(AT_MOST, 150),
    },
    "peers": {
        "shift_list_vs_juntagrico": Goal(AT_LEAST, 50),
        "take_shift_vs_juntagrico": Goal(AT_LEAST, 5),
    },
    "solver": {
        "fill_community_s": Goal(AT_MOST, 2),
        "community_fairness_gap_permille": Goal(AT_MOST, 20),
        "fill_county_s": Goal(AT_MOST, 60),
        "coverage_vs_bound": Goal(AT_LEAST, 0.999),
        "greedy_vs_bound": Goal(AT_MOST, 0.97),
        "county_scarce_share": Goal(AT_LEAST, 0.3),
        "county_holders_per_scarce_place": Goal(AT_MOST, 1.2),
    },
    "waves": {
        "rank_18000_s": Goal(AT_MOST, 2),
        "send_vs_endpoint": Goal(AT_LEAST, 0.5),
        "answer_vs_one_query": Goal(AT_LEAST, 0.3),
        "forecast_county_s": Goal(AT_MOST, 5),
        "board_304_bytes": Goal(AT_MOST, 400),
        "board_304_queries": Goal(AT_MOST, 2),
        "sim_places_vs_blast": Goal(AT_LEAST, 1),
        "sim_people_vs_blast": Goal(AT_MOST, 0.5),
        "sim_minutes_later": Goal(AT_MOST, 5),
        "sim_calibration_first": Goal(AT_MOST, 3),
        "sim_calibration_all": Goal(AT_MOST, 3),
    },
    "bytes": {
        "html_gzip": Goal(AT_MOST, 5_000),
        "css_gzip": Goal(AT_MOST, 4_000),
        "app_js_brotli": Goal(AT_MOST, 20_000),
        "sw_js_brotli": Goal(AT_MOST, 5_000),
        "page_js_brotli": Goal(AT_MOST, 8_000),
        "first_visit": Goal(AT_MOST, 40_000),
        "first_visit_requests": Goal(AT_MOST, 9),
    },
}


def say(text: str) -> None:
    """A line on the way; the table comes last."""
    print(f"  {text}", file=sys.stderr, flush=True)


def loop() -> float:
    """Seconds of a fixed pure-Python loop: how fast this machine is right now."""
    began = time.perf_counter()
    total = 0
    for n in range(5_000_000):
        total += n & 7
    return time.perf_counter() - began


def write(part: str, figures: dict[str, Any]) -> None:
    """Put the figures of one part into results.json; all others stay."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results[part] = results.get(part, {}) | {name: _rounded(value) for name, value in figures.items()}
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def table(part: str, figures: dict[str, Any]) -> str:
    """The part's figures with their goals; nothing here fails anything."""
    goals = GOALS.get(part, {})
    lines = [f"{part:<42} {'sqlite':>12} {'postgresql':>12}   goal"]
    for name, value in figures.items():
        kinds = value if isinstance(value, dict) else {None: value}
        goal = goals.get(name)
        cells = []
        for kind, each in kinds.items():
            mark = "" if goal is None else " ✓" if goal.is_met(each, kind) else " ✗"
            cells.append(f"{_rounded(each)}{mark}")
        said = "" if goal is None else f"{goal.how} {' / '.join(str(goal.of(kind)) for kind in kinds)}"
        lines.append(f"  {name:<40} {cells[0]:>12} {cells[1] if len(cells) > 1 else '':>12}   {said}")
    return "\n".join(lines)
