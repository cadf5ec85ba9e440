import os
import subprocess
import sys
from pathlib import Path

import pytest

LOGIN = [sys.executable, Path(__file__).with_name("terminal.py")]
NUMBER = "+79161234567"


@pytest.fixture
def login(verify_sandbox):
    variables = {"VERIFY_URL": verify_sandbox.url, "VERIFY_ACCESS_KEY": verify_sandbox.access_key}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(LOGIN, env=os.environ | variables, **pipes) as process:
        yield process


def test_a_login_in_another_process(login, verify_sandbox):
    print(NUMBER, file=login.stdin, flush=True)
    call = verify_sandbox.wait_for_call(NUMBER, timeout=10)
    shown, _ = login.communicate(call.code, timeout=10)
    assert "Welcome!" in shown
