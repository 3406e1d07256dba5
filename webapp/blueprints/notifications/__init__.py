"""Notifications 通知: the inbox, how one is reached, what was replied, and the gateway's door."""

from flask import Blueprint

bp = Blueprint("notifications", __name__, url_prefix="/notifications")

# The routes register themselves on bp.
from webapp.blueprints.notifications import contacts, hooks, inbox, push, replies, verifying  # noqa: E402, F401
