"""Programs that these tests need and that no Python package has."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str) -> str:
    """Return a program's path. Without it the test is skipped; where CI=true, it fails."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if path is None:
        missing = f"{name} is not installed; .ci/run installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return path
