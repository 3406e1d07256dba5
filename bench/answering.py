"""Answering a call-up behind a link, against the one-query page; and that not one place too many was given."""

import statistics
from typing import Any

from sqlalchemy import func, select

from bench import fill_answers, load
from bench.pages import run_reference
from bench.report import say
from bench.stage import Stage
from webapp.base import db
from webapp.domain.mobilization.models import CallUpRole, Summons
from webapp.domain.volunteers.models import Commitment

PAIRS, SECONDS = 15, 0.6
# A county where every community calls up 60 people, some of them more than it needs.
CALL_UPS, PEOPLE, PLACES = 335, 60, 55


def measure(stage: Stage) -> dict[str, float]:
    """Answers per second over one-query pages per second (median of pairs), with the same server."""
    evening = fill_answers.evening(stage.app, call_ups=CALL_UPS, people=PEOPLE, places=PLACES)
    stage.analyze()
    web, one_query = stage.serve(), stage.serve_reference()
    presses = (fill_answers.press(each) for each in evening.asked)
    ratios, speeds, coming = [], [], 0
    for is_warm in (False, *[True] * PAIRS):
        base = run_reference(one_query.port, SECONDS)
        stretch = load.run(web.port, presses, seconds=SECONDS)
        coming += sum(_is_coming(each) for each in stretch.answers)
        if is_warm and stretch.seconds > SECONDS / 2:
            ratios.append(stretch.per_second / base)
            speeds.append(stretch.per_second)
    say(f"{stage.kind}: {len(ratios)} pairs, {coming} coming")
    return {
        "answer_vs_one_query": statistics.median(ratios),
        "answer_per_second": statistics.median(speeds),
        "answer_overfull": float(_wrong(stage, coming)),
    }


def _is_coming(answer: load.Answer) -> bool:
    """An answer with a receipt that says what came of it; anything else is no figure but a fault."""
    if answer.status != 200 or b"linli-receipt:" not in answer.head.lower():
        raise SystemExit(f"an answer was answered {answer.status}: {answer.text[:300]}")
    return '"coming"' in answer.text


def _wrong(stage: Stage, coming: int) -> int:
    """Places beyond those wanted, and any difference between answers, summonses, time that is taken and counts."""
    roles: Any = CallUpRole.__table__
    summonses: Any = Summons.__table__
    commitments: Any = Commitment.__table__
    with stage.app.app_context(), db.db.engine.connect() as connection:
        held = dict(
            connection.execute(
                select(summonses.c.role_id, func.count())
                .where(summonses.c.state == "coming")
                .group_by(summonses.c.role_id)
            ).all()
        )
        wrong = abs(sum(held.values()) - coming)
        for row in connection.execute(select(roles.c.id, roles.c.taken_count, roles.c.wanted_count)):
            wrong += abs(row.taken_count - held.get(row.id, 0)) + max(0, row.taken_count - row.wanted_count)
        times = connection.execute(select(func.count()).select_from(commitments)).scalar_one()
    return wrong + abs(int(times) - sum(held.values()))
