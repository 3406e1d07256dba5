"""Households behind doors, their members, and residents who wait to be confirmed."""
