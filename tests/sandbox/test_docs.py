"""The table of docs/sandbox.md is generated from the code, and its examples work."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.speed import slow
from verify_service.sandbox import SandboxConfig
from verify_service.sandbox.table import Table, markdown

from .harness import PATIENCE, Receiver, Sandbox

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
BEGIN, END = "<!-- The table is made from the code: make docs -->\n", "<!-- end of the table -->"
ADDRESS = "http://127.0.0.1:9090"
CALLBACKS = "http://127.0.0.1:8000/callbacks/flashcall"
NEVER_THE_SAME = {"requestId", "placedAt", "timestamp"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


START, *EXAMPLES = blocks("sh")


def test_the_table_is_the_codes() -> None:
    """`make docs` writes it."""
    table = TEXT.partition(BEGIN)[2].partition(END)[0]
    assert table.strip() == markdown(Table(SandboxConfig())).strip(), "run: make docs"


def make_docs(house: Path, page: str) -> tuple[int, str]:
    """What `make docs` leaves of a page, and its exit status."""
    (house / "docs").mkdir()
    (house / "docs/metrics.md").write_text((ROOT / "docs/metrics.md").read_text("utf-8"), "utf-8")
    (house / ".venv").mkdir()
    (house / "docs/sandbox.md").write_text(page, "utf-8")
    command = ["make", "-f", ROOT / "Makefile", "-o", ".venv/.ready-to-run", "docs", "VENV=.venv"]
    done = subprocess.run(
        [*command, f"BIN={Path(sys.executable).parent}"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    return done.returncode, (house / "docs/sandbox.md").read_text("utf-8")


@pytest.mark.slow
def test_make_docs(tmp_path: Path) -> None:
    """It replaces the table and changes nothing else."""
    page = TEXT.partition(BEGIN)[0] + BEGIN + "| old |\n" + END + TEXT.partition(END)[2]
    assert make_docs(tmp_path, page) == (0, TEXT)


@pytest.mark.slow
def test_make_docs_without_an_end(tmp_path: Path) -> None:
    """Without the end mark the page is not changed."""
    page = TEXT.replace(END, "")
    status, left = make_docs(tmp_path, page)
    assert status != 0
    assert left == page


@pytest.fixture
@slow
def documented(receiver: Receiver) -> Iterator[Sandbox]:
    """The simulator, started as the text says, on a port of this run's."""
    command = shlex.split(START.replace(CALLBACKS, receiver.url))
    assert command[0] == "python"
    with subprocess.Popen(
        [sys.executable, *command[1:], "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            yield Sandbox(process.stdout.readline().split()[-1].removesuffix("/api"))
        finally:
            process.terminate()


def test_the_examples(documented: Sandbox) -> None:
    """Run in their order, they print what the page shows."""
    answers = blocks("json")
    assert len(EXAMPLES) == len(answers)
    for example, shown in zip(EXAMPLES, answers, strict=True):
        script = example.replace(ADDRESS, documented.root)
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True
        )
        assert comparable(json.loads(done.stdout)) == comparable(json.loads(shown)), example


def comparable(value: Any) -> Any:
    """Without what differs from run to run, but with its type."""
    if isinstance(value, list):
        return [comparable(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: type(each) if name in NEVER_THE_SAME else comparable(each)
        for name, each in value.items()
    }


def test_the_python_example(calling: Sandbox, receiver: Receiver) -> None:
    """It runs unchanged."""
    [example] = blocks("python")
    placing: list[threading.Thread] = []

    def place_a_call(number: str) -> None:
        placing.append(threading.Thread(target=calling.place, args=(number,)))
        placing[0].start()

    program = example.replace(ADDRESS, calling.root)
    exec(program, {"place_a_call": place_a_call})  # noqa: S102 - our own text
    placing[0].join(PATIENCE)
    assert [each["status"] for each in receiver.came] == ["UNAVAILABLE", "ANSWERED"]
