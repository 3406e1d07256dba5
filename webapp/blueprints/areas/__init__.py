"""Areas and zones: /areas."""

from flask import Blueprint

bp = Blueprint("areas", __name__, url_prefix="/areas")

from webapp.blueprints.areas import routes  # noqa: E402, F401 - routes register themselves on bp
