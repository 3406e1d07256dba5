"""Volunteers 志愿者: sign-up, profile, the list, teams, invitations."""

from flask import Blueprint

bp = Blueprint("volunteers", __name__, url_prefix="/volunteers")

from webapp.blueprints.volunteers import (  # noqa: E402, F401 - they register on bp
    deciding,
    duplicates,
    imports,
    invitations,
    join,
    me,
    teams,
)
