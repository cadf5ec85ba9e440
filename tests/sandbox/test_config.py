"""Settings that cannot work are refused with their name, and keys are not shown."""

from typing import Any

import pytest

from verify_service.sandbox import SandboxConfig


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"access_key": ""}, "access key"),
        ({"access_key": "two words"}, "access key"),
        ({"access_key": "ключ"}, "access key"),
        ({"app_key": ""}, "app key"),
        ({"callback_url": ""}, "callback URL"),
        ({"callback_url": "127.0.0.1:8000/callbacks"}, "callback URL"),
        ({"callback_url": "ftp://host/"}, "callback URL"),
        ({"callback_url": "http:///callbacks"}, "callback URL"),
        ({"callback_url": "http://[::1/"}, "callback URL"),
        ({"callback_delay": -0.1}, "callback delay"),
        ({"callback_delay": float("nan")}, "callback delay"),
        ({"callback_delay": float("inf")}, "callback delay"),
        *(
            ({name: seconds}, name.replace("_", " "))
            for name in ("slow_answer", "drip", "late_callback")
            for seconds in (-1, float("nan"), float("inf"))
        ),
        ({"hang": 0}, "hang"),
        ({"hang": 601}, "hang"),
        ({"hang": float("nan")}, "hang"),
        ({"caller_prefix": ""}, "caller prefix"),
        ({"caller_prefix": "+7917"}, "caller prefix"),
        ({"caller_prefix": "1" * 12}, "caller prefix"),
    ],
    ids=str,
)
def test_bad_settings(settings: dict[str, Any], complaint: str) -> None:
    """The message begins with the name of the setting."""
    with pytest.raises(ValueError, match=f"^{complaint}:"):
        SandboxConfig(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"access_key": "user:password"},
        {"callback_url": "https://example.org/callbacks/flashcall/secret"},
        {"callback_delay": 0},
        {"slow_answer": 0, "drip": 0, "late_callback": 0, "hang": 0.01},
        {"hang": 600},
        {"caller_prefix": "1" * 11},
    ],
    ids=str,
)
def test_good_settings(settings: dict[str, Any]) -> None:
    """The edges of what works."""
    assert SandboxConfig(**settings)


def test_keys_are_not_shown() -> None:
    """A config that is logged shows no key."""
    shown = repr(SandboxConfig(access_key="alpha", app_key="beta"))
    assert "alpha" not in shown
    assert "beta" not in shown


def test_the_default_key_is_a_test_key() -> None:
    """A service recognizes a simulator's key by its beginning, and refuses it in production."""
    assert SandboxConfig().access_key.startswith("sandbox-")
