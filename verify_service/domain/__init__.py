"""The rules of phone verification: the standard library alone, but for numbers.py."""
