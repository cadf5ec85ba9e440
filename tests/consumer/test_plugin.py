"""The promises of the plugin beyond the logins of `test_login.py`."""

import signal
import subprocess
import sys
import time

import pytest
import requests

pytest_plugins = ["pytester"]
NUMBER = "+79161234567"


@pytest.mark.parametrize("_", range(2))
def test_each_test_starts_without_data(verify_sandbox, _):
    """Three starts in ten minutes are the limit of a number; the other test had them too."""
    assert verify_sandbox.calls() == []
    for _ in range(3):
        verify_sandbox.client.start(NUMBER)
    assert len(verify_sandbox.calls(NUMBER)) == 3
    verify_sandbox.next_call(NUMBER, status="UNAVAILABLE")  # the next test does not get this script


def test_a_failure_shows_the_services_output(pytester):
    pytester.makepyfile(
        f"""
        def test_login(verify_sandbox):
            verify_sandbox.client.start("{NUMBER}")
            assert verify_sandbox.last_call().code == "0000"
        """
    )
    done = pytester.runpytest_subprocess()
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*verify-service log*", '*"event": "request"*'])


def test_a_wrong_setting_is_named(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def verify_sandbox_settings():
            return {"COLDOWNS": "0"}

        def test_login(verify_sandbox):
            pass
        """
    )
    done = pytester.runpytest_subprocess()
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["verify-service did not start.", "*'COLDOWNS' is no setting*"])


def test_an_unused_plugin_costs_nothing():
    """pytest loads the plugin in every run: that starts nothing and imports almost nothing."""
    program = """
import sys, pytest
before = set(sys.modules)
import verify_service.testing.plugin
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert set(done.stdout.split()) <= {"verify_service"} | sys.stdlib_module_names


def test_it_ends_with_its_parent(tmp_path):
    """Also if a test run is killed."""
    script = f"""
from pathlib import Path
import time
from verify_service.testing.stack import running
with running({{}}, Path({str(tmp_path / "log")!r})) as stack:
    print(stack.url, flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as run:
        url = run.stdout.readline().strip()
        assert requests.get(f"{url}/healthz", timeout=10).ok
        run.send_signal(signal.SIGKILL)
    until = time.monotonic() + 30
    while answers(url):
        assert time.monotonic() < until
        time.sleep(0.05)


def answers(url):
    try:
        return requests.get(f"{url}/healthz", timeout=10).ok
    except requests.ConnectionError:
        return False
