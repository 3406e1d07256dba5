"""Households: joining, confirming, the office's lists: /households."""

from flask import Blueprint

bp = Blueprint("households", __name__, url_prefix="/households")

from webapp.blueprints.households import confirmations, imports, routes  # noqa: E402, F401 - they register on bp
