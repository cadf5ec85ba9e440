"""Codes that are not the right one."""


def wrong(code: str) -> str:
    """Four other digits."""
    return str(1000 + (int(code) - 1000 + 1) % 9000)
