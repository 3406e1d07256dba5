"""Supplies: bags, delivery rounds, orders with their waitlist, and the printed sheets."""
