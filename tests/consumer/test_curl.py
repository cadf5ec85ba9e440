"""The page's shell example, run unchanged except for its ports."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_the_same_in_a_shell(tmp_path):
    script = Path(__file__).with_name("login.sh").read_text()
    script = script.replace("8000", free_port()).replace("9090", free_port())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    _, login, _, _, refused, _, _, rung, off, posted, late = answers(done.stdout)
    assert (login["verified"], login["number"]) == (True, "+79161234567")
    assert (refused["status"], refused["errorCode"]) == ("rpcError", 6)
    assert [call["outcome"] for call in rung["calls"]] == ["UNAVAILABLE"]
    assert (off["call"]["state"], off["nextAction"]) == ("undelivered", "restart")
    [event] = posted["events"]
    assert (event["type"], event["data"]["call"]) == ("verification.undelivered", off["call"])
    assert event["headers"]["webhook-id"] == event["id"]
    assert late["callback"]["httpStatus"] == 200


def answers(text):
    found = []
    while text := text.lstrip():
        answer, end = json.JSONDecoder().raw_decode(text)
        found.append(answer)
        text = text[end:]
    return found
