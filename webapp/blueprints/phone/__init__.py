"""The web face of the phone as an app: what it keeps, what waits, how it is installed."""

from flask import Blueprint

bp = Blueprint("phone", __name__)

from webapp.blueprints.phone import routes  # noqa: E402, F401 - the routes need the blueprint
