"""Signing in and out, and a person's own page 我的."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)

from webapp.blueprints.accounts import routes  # noqa: E402, F401 - routes register themselves on bp
