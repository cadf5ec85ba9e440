"""The client as the settings describe it."""

from __future__ import annotations

from typing import Any

import pytest

from verify_service.store.connection import connect


def _options(url: str, **more: Any) -> dict[str, Any]:
    with connect(url, pool=4, timeout=0.5, **more) as client:
        options: dict[str, Any] = client.connection_pool.connection_kwargs
        return options


def test_a_certificate_is_verified_unless_told_otherwise() -> None:
    """`rediss://` verifies authority and name by default."""
    options = _options("rediss://redis.example:6380/0")
    assert options["ssl_cert_reqs"] == "required"
    assert options["ssl_check_hostname"] is True
    assert "ssl_ca_certs" not in options


def test_a_private_authority_can_be_named() -> None:
    """The file goes to TLS, and verification stays on."""
    options = _options("rediss://redis.example", ca_file="/etc/ca.pem")
    assert options["ssl_ca_certs"] == "/etc/ca.pem"
    assert options["ssl_cert_reqs"] == "required"


def test_verification_can_be_turned_off() -> None:
    """By an explicit setting only."""
    options = _options("rediss://redis.example", verify=False)
    assert options["ssl_cert_reqs"] == "none"
    assert options["ssl_check_hostname"] is False


@pytest.mark.parametrize("url", ["redis://127.0.0.1", "unix:///tmp/redis.sock"])
def test_what_has_no_tls_gets_no_option_of_it(url: str) -> None:
    """The settings of TLS mean nothing there."""
    assert not [name for name in _options(url, ca_file="x") if name.startswith("ssl")]


def test_nothing_is_repeated_by_the_client_itself() -> None:
    """A lost reply may hide a script that ran."""
    with connect("redis://127.0.0.1", pool=4, timeout=0.5) as client:
        assert client.connection_pool.connection_kwargs["retry"].get_retries() == 0
        assert client.connection_pool.max_connections == 4
