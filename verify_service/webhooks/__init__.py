"""Delivers events to the addresses of the login flows."""
