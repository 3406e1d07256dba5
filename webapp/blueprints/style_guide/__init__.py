"""The page that shows every component in every state, size and theme."""

from flask import Blueprint

bp = Blueprint("style_guide", __name__, url_prefix="/style-guide")

from webapp.blueprints.style_guide import routes  # noqa: E402, F401 - the routes need the blueprint
