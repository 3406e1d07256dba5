"""A volunteer's pages at the county's full load: the list, one shift, taking one; against the one-query page."""

import statistics
from collections.abc import Iterator

from sqlalchemy import func, select

from bench import fill_shifts, load
from bench.fill_shifts import County
from bench.pages import check, count_queries, requests, run_reference
from bench.report import say
from bench.stage import KINDS, Databases, Stage, databases
from webapp.base import db
from webapp.domain.rosters.models import Shift, Signup
from webapp.domain.volunteers.models import Commitment

# A volunteer's pages are pages.
PART_OF = "pages"
PAIRS = 15
SECONDS = 0.6
COMMUNITIES, PEOPLE, PLACES = 335, 18_000, 6_000
FITS, ALL, MINE = "/rosters/shifts", "/rosters/shifts?view=all", "/rosters/shifts?view=mine"


def run() -> dict[str, dict[str, float]]:
    """All figures, for both databases."""
    found: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        with databases(kind) as made:
            for name, value in _of(made).items():
                found.setdefault(name, {})[kind] = value
    return found


def _of(made: Databases) -> dict[str, float]:
    stage = made.make("county")
    with stage.app.app_context():
        county = fill_shifts.county(stage.app, communities=COMMUNITIES, people=PEOPLE, places=PLACES)
    stage.analyze()
    say(f"{made.kind}: {len(county.volunteers)} volunteers filled")
    found: dict[str, float] = {}
    for name, path in {"shifts": FITS, "all_shifts": ALL, "own_shifts": MINE}.items():
        people = county.volunteers[:: PEOPLE // 5]
        found[f"queries_{name}"] = max(count_queries(stage.app, path, each) for each in people)
    return found | _ratios(stage, county)


def _takes(county: County) -> Iterator[bytes]:
    """Every volunteer once, from one community to the next."""
    step = PEOPLE // COMMUNITIES
    for start in range(step):
        for number in range(start, len(county.volunteers), step):
            yield fill_shifts.take(county.volunteers[number], county.endless[number])


def _ratios(stage: Stage, county: County) -> dict[str, float]:
    web, one_query = stage.serve(), stage.serve_reference()
    browsers = county.volunteers[:: PEOPLE // 300]
    pages = {"shifts": FITS, "all_shifts": ALL, "own_shifts": MINE}
    takes = _takes(county)
    ratios: dict[str, list[float]] = {name: [] for name in (*pages, "take_shift")}
    speeds: dict[str, list[float]] = {name: [] for name in ("one_query", *ratios)}
    placed = 0
    for warm in (True, *[False] * PAIRS):
        base = run_reference(one_query.port, SECONDS)
        speed: dict[str, float] = {}
        for name, path in pages.items():
            stretch = load.run(web.port, requests(path, browsers), seconds=SECONDS)
            check(path, stretch.answers, browsers)
            speed[name] = stretch.per_second
        stretch = load.run(web.port, takes, seconds=SECONDS)
        placed += sum(_is_placed(answer) for answer in stretch.answers)
        speed["take_shift"] = stretch.per_second
        if warm:
            continue
        speeds["one_query"].append(base)
        for name, each in speed.items():
            speeds[name].append(each)
            ratios[name].append(each / base)
    found = {f"{name}_vs_one_query": statistics.median(each) for name, each in ratios.items()}
    found["overfull"] = _overfull(stage, placed)
    for name, each in speeds.items():
        found[f"{name}_per_second"] = statistics.median(each)
    say(f"{stage.kind}: {found}")
    return found


def _is_placed(answer: load.Answer) -> bool:
    """An answer with a receipt that says so; anything else is no figure but a fault."""
    if answer.status != 200 or b"linli-receipt:" not in answer.head.lower() or '"placed"' not in answer.text:
        raise SystemExit(f"taking a shift answered {answer.status}: {answer.text[:300]}")
    return True


def _overfull(stage: Stage, placed: int) -> int:
    """Places beyond the maximum, and any difference between answers, sign-ups, time that is taken and counts."""
    shifts, signups, commitments = Shift.__table__, Signup.__table__, Commitment.__table__
    with stage.app.app_context(), db.db.engine.connect() as connection:
        held = dict(
            connection.execute(
                select(signups.c.shift_id, func.count())
                .where(signups.c.state == "placed")
                .group_by(signups.c.shift_id)
            ).all()
        )
        wrong = 0
        for row in connection.execute(select(shifts.c.id, shifts.c.taken_count, shifts.c.maximum_count)):
            wrong += abs(row.taken_count - held.get(row.id, 0)) + max(0, row.taken_count - row.maximum_count)
        times = connection.execute(select(func.count()).select_from(commitments)).scalar_one()
        stored = connection.execute(
            select(func.count())
            .select_from(signups)
            .join(shifts, shifts.c.id == signups.c.shift_id)
            .where(shifts.c.maximum_count == 500)
        ).scalar_one()
    return wrong + abs(times - sum(held.values())) + abs(stored - placed)
