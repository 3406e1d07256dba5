"""GET /healthz."""

from flask import Response, jsonify

from webapp.base import health
from webapp.blueprints.health import bp
from webapp.web.guard import public


@bp.get("/healthz")
@public
def show_health() -> tuple[Response, int]:
    """Status, database kind, schema revision and outbox depth; 503 when the database does not answer."""
    found = health.check()
    response = jsonify(found)
    response.headers["Cache-Control"] = "no-store"
    return response, 200 if found["status"] == "ok" else 503
