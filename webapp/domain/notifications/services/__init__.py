"""Deeds of notifications."""

from webapp.domain.notifications.services.notify import Notice, Told, notify

__all__ = ["Notice", "Told", "notify"]
