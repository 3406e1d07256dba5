"""Volunteers: who they are, what they can do, when they can, to whom they belong, and whose time is taken."""
