"""Rosters 排班: posts, shifts, taking them, filling the week, the day, hours and paper."""

from flask import Blueprint

bp = Blueprint("rosters", __name__, url_prefix="/rosters")

# The routes register themselves on bp.
from webapp.blueprints.rosters import fills  # noqa: E402, F401
from webapp.blueprints.rosters import stand_ins, taking  # noqa: E402, F401
from webapp.blueprints.rosters import calendars, duties, paper  # noqa: E402, F401
from webapp.blueprints.rosters import certificates, day, hours, roll_call, wall  # noqa: E402, F401
