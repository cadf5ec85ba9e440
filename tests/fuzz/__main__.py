"""``make fuzz``: Schemathesis against the running service; FUZZ adds options of `schemathesis run`.

Exits with 0 only if nothing was found, and enough was tried to find something.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.system.house import ROOT, House, running

RUNS = {"examples,coverage,fuzzing": 120, "stateful": 120}
"""Phases, and how many examples of each operation, or scenarios. The second has a run of its own:
after the others Schemathesis ends it early."""
LEAST = 2_000


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output.txt"
        with running(output) as house:
            codes = [_run(house, Path(folder), *each) for each in RUNS.items()]
        events = list(_events(output.read_text()))
    complaints = list(_complaints(events))
    print(*complaints, sep="\n")
    return max(*codes, int(bool(complaints)))


def _run(house: House, folder: Path, phases: str, examples: int) -> int:
    # The last of two options counts: FUZZ="--seed 2" runs other examples.
    options = ["--checks", "all", "--seed", "1", "--phases", phases]
    options += ["--max-examples", str(examples), "--workers", "2"]
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(ROOT / "tests/fuzz/schemathesis.toml")),
            *("run", f"{house.web}/openapi.json", *options, *sys.argv[1:]),
        ],
        cwd=folder,
        env=os.environ | {"FUZZED_SANDBOX": house.sandbox, "PYTHONPATH": str(ROOT)},
        check=False,
    ).returncode


def _events(output: str) -> Iterator[dict[str, Any]]:
    for line in output.splitlines():
        at = line.find('{"')
        if at >= 0 and '"event": "' in line:
            yield json.loads(line[at:])


def _complaints(events: list[dict[str, Any]]) -> Iterator[str]:
    """Print the answers by operation; return what invalidates the run or is wrong in the
    service."""
    requests = [each for each in events if each["event"] == "request"]
    answers = Counter((str(each.get("rule")), each["http"]) for each in requests)
    rules = sorted({rule for rule, _ in answers})
    for rule in rules:
        counts = (f"{n} × {http}" for (each, http), n in sorted(answers.items()) if each == rule)
        print(f"{rule:30} {', '.join(counts)}")
    approved = sum(each.get("verdict") == "right" for each in requests)
    print(f"{len(requests)} requests, {approved} approvals")
    if len(requests) < LEAST:
        yield f"Too few requests: at least {LEAST} were to be made."
    if not approved:
        yield "Nobody was ever verified."
    # This installation has no path secret, so every other path has a request that succeeds.
    for rule in {rule.rstrip("/") for rule in rules} - {"None", "/callbacks/flashcall/<secret>"}:
        if not any(answers[rule, http] for http in (200, 201, 204)):
            yield f"{rule} was never answered with success."
    for each in events:
        if each["event"] == "bug":
            yield f"A bug: {each['error']} at {each['where']}"


sys.exit(main())
