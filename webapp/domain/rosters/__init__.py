"""Rosters: posts and shifts, who takes them, the solver that fills them, evidence, hours and paper."""
