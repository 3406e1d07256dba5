"""Reads of rosters, one module per part; imported by module."""
