import pytest


@pytest.fixture(scope="session")
def verify_sandbox_settings():
    return {"START_COOLDOWNS": "0", "LOCK_AFTER_FAILURES": "3"}
