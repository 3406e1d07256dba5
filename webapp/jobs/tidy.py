"""Periodic tidying. Every instant is obeyed by the readers already; this only removes what nobody reads."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from webapp.base import files, jobs, limits, outbox, requests
from webapp.domain.accounts import services as accounts
from webapp.domain.mobilization.services import closing, muster
from webapp.domain.rosters import services as rosters
from webapp.domain.supplies import services as supplies

log = logging.getLogger("linli.worker")

COUNTERS_KEPT = timedelta(days=2)
REQUESTS_KEPT = timedelta(days=90)
MESSAGES_KEPT = timedelta(days=30)
JOBS_KEPT = timedelta(days=1)

STEPS: dict[str, Callable[[datetime], object]] = {
    "sign_ins": lambda now: accounts.tidy_sign_ins(now=now),
    "counters": lambda now: limits.sweep(before=now - COUNTERS_KEPT),
    "requests": lambda now: requests.sweep(before=now - REQUESTS_KEPT),
    "messages": lambda now: outbox.sweep(before=now - MESSAGES_KEPT),
    "files": lambda now: files.sweep(now=now),
    "jobs": lambda now: jobs.sweep(before=now - JOBS_KEPT),
    "merged_orders": lambda now: supplies.tidy_merged_orders(now=now),
    "rounds": lambda now: supplies.tidy_rounds(now=now),
    "shifts": lambda now: rosters.tidy_shifts(now=now),
    "shift_offers": lambda now: rosters.tidy_offers(now=now),
    "stand_ins": lambda now: rosters.tidy_searches(now=now),
    "shift_reminders": lambda now: rosters.remind(now=now),
    "empty_places": lambda now: rosters.alarm_heads(now=now),
    "muster": lambda now: muster.tidy_muster(now=now),
    "call_up_books": lambda now: closing.close_books(now=now),
}


def tidy(now: datetime) -> dict[str, object]:
    """Run every step; one that fails is logged and does not keep the others from running."""
    done: dict[str, object] = {}
    for name, step in STEPS.items():
        try:
            done[name] = step(now)
        except Exception:
            log.exception("tidy_failed", extra={"step": name})
    return done
