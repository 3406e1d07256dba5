"""Rosters 排班: posts, shifts, taking them, filling the week, the day, hours and paper."""

from flask import Blueprint

bp = Blueprint("rosters", __name__, url_prefix="/rosters")
