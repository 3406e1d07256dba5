"""Rosters 排班: posts, shifts, taking them, filling the week, the day, hours and paper."""

from flask import Blueprint

bp = Blueprint("rosters", __name__, url_prefix="/rosters")

# The routes register themselves on bp.
from webapp.blueprints.rosters import (  # noqa: E402, F401
    assigning,
    calendars,
    certificates,
    day,
    duties,
    fills,
    hours,
    paper,
    posts,
    risks,
    roll_call,
    shifts,
    stand_ins,
    taking,
    wall,
    week,
)
