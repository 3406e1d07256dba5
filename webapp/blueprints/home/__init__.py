"""The first page: what holds at one's door today, the round, the order, whom to call."""

from flask import Blueprint

bp = Blueprint("home", __name__)

from webapp.blueprints.home import routes  # noqa: E402, F401 - routes register themselves on bp
