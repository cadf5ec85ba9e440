"""Every key name of the store. All keys of one number share the hash tag, hence one slot."""

from __future__ import annotations

from verify_service.ids import Address


def slot(tag: str) -> str:
    """Return the hash tag that scripts build further keys of the same slot from."""
    return f"{{{tag}}}"


def number(tag: str) -> str:
    """What a number may still do. Lives as long as any limit remembers it."""
    return f"n:{slot(tag)}"


def verification(address: Address) -> str:
    """One verification. Lives until an hour after its end."""
    return f"v:{slot(address.tag)}:{address.own}"


WIDE = "wide"
"""The hash tag of what concerns all numbers."""


def limit(name: str, place: str) -> str:
    """A wide limit's counters for one place. Lives as long as its longest window."""
    return f"l:{slot(WIDE)}:{name}:{place}"


def conversion(place: str) -> str:
    """What the conversion guard counts of a prefix or a country. Lives for its hour."""
    return f"c:{slot(WIDE)}:{place}"


def guesses() -> str:
    """Right and wrong guesses over all numbers. Lives for an hour."""
    return f"f:{slot(WIDE)}"


def rules() -> str:
    """What is blocked, allowed and under alarm. Lives a day longer than the last of it."""
    return f"r:{slot(WIDE)}"


def pause() -> str:
    """Whether all calls are paused. Lives as long as the pause."""
    return f"p:{slot(WIDE)}"


def claim(name: str) -> str:
    """An Idempotency-Key, by its digest. In a slot of its own: it may come with any number."""
    return f"i:{slot(name)}"


def breaker() -> str:
    """Whether calls are paused because the provider fails. Lives for minutes."""
    return f"b:{slot(WIDE)}"


def reported(own: str) -> str:
    """What a start's word to the breaker came to. Lives for a minute."""
    return f"b:{slot(WIDE)}:{own}"


def probe() -> str:
    """Written by whoever asks whether Redis takes writes. Lives for a second."""
    return "i:probe"


def call(tag: str, request: str) -> str:
    """Whom a requestId belongs to; ten minutes only while no call claims it."""
    return f"call:{slot(tag)}:{request}"
