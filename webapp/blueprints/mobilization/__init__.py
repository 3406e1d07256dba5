"""Reserve force and mobilization 储备库 · 召集: the reserve, the forecast, call-ups, answers, the muster, paper."""

from flask import Blueprint

bp = Blueprint("mobilization", __name__, url_prefix="/mobilization")

# The routes register themselves on bp.
from webapp.blueprints.mobilization import (  # noqa: E402, F401
    answers,
    board,
    call_list,
    call_ups,
    check_in,
    forecast,
    imports,
    muster,
    own,
    own_summonses,
    reserve,
    sheets,
    slips,
    stand_down,
    steering,
    team_types,
    units_head,
    wall,
)
