"""Volunteers 志愿者: sign-up, profile, the list, teams, invitations."""

from flask import Blueprint

bp = Blueprint("volunteers", __name__, url_prefix="/volunteers")
