"""Ordering vegetable bags, and the rounds, bags and sheets of those who bring them."""

from flask import Blueprint

bp = Blueprint("supplies", __name__, url_prefix="/supplies")

# The routes register themselves on bp.
from webapp.blueprints.supplies import bags, rounds, routes, sheets  # noqa: E402, F401
