"""Which function does which kind of long work; imported by name when the first such job comes."""

import importlib
from collections.abc import Callable
from typing import Any

from webapp.base.jobs import JobView

Handler = Callable[[JobView], dict[str, Any] | None]

HANDLERS = {
    "households.import": "webapp.jobs.imports:run",
    "mobilization.import": "webapp.jobs.imports:run",
    "mobilization.sheet": "webapp.jobs.mobilization_sheets:run",
    "rosters.fill": "webapp.jobs.fills:run",
    "rosters.sheet": "webapp.jobs.roster_sheets:run",
    "supplies.sheet": "webapp.jobs.sheets:run",
    "volunteers.import": "webapp.jobs.imports:run",
}


def handler_of(kind: str) -> Handler:
    """The function for this kind of work; raises LookupError for a kind nobody knows."""
    if kind not in HANDLERS:
        raise LookupError(kind)
    module, _colon, name = HANDLERS[kind].partition(":")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler
