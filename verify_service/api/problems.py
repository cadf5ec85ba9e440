"""What can be wrong with a request before it reaches a use case."""

from __future__ import annotations


class Problem(Exception):
    """The root of these."""


class WrongMediaType(Problem):
    """The Content-Type is not JSON."""


class NotJson(Problem):
    """The body is empty or broken JSON."""


class InvalidAccessKey(Problem):
    """No key, or an unknown one."""


class InvalidAppKey(Problem):
    """The callback's ``appKey`` is missing or unknown."""


class InvalidMetricsToken(Problem):
    """The token of ``/metrics`` is missing or wrong."""
