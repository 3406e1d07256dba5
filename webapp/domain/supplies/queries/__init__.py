"""Reads of supplies: `loads` for services, `resident` and `head` for pages, `paper` for printed sheets."""
