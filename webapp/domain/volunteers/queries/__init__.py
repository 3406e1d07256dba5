"""Reads of volunteers, one module per part; imported by module."""
