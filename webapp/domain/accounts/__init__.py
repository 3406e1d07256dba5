"""Accounts: users, their sign-ins and codes, and the appointments of staff."""
