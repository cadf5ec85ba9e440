"""Phones for tests: the HTTP requests of the phone's page."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from .harness import PATIENCE, Sandbox


class Phone:
    """One open phone: reads its events, and decides."""

    def __init__(self, sandbox: Sandbox, number: str | None, events: requests.Response) -> None:
        self._sandbox = sandbox
        self._number = number
        self._lines = events.iter_lines(chunk_size=1, decode_unicode=True)

    def next(self) -> Any:
        """What it shows next; fails where nothing comes."""
        for line in self._lines:
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))
        raise AssertionError("the stream has ended")

    def until_ringing(self) -> Any:
        """The call that rings, once one does."""
        while True:
            for call in self.next()["calls"]:
                if call["status"] is None:
                    return call

    def until_ended(self, status: str) -> Any:
        """What it shows, once the newest call has this status."""
        while True:
            shown = self.next()
            if shown["calls"] and shown["calls"][0]["status"] == status:
                return shown

    def decide(self, call: str, status: str) -> requests.Response:
        return post(self._sandbox, "decide", {"call": call, "status": status})

    def set_mode(self, mode: str) -> None:
        number = {"number": self._number} if self._number else {}
        assert post(self._sandbox, "mode", {"mode": mode, **number}).status_code == 200


def post(sandbox: Sandbox, path: str, body: Any, origin: str | None = None) -> requests.Response:
    """Send a request as the phone's page does, or with the Origin of another page."""
    headers = {"Origin": origin or sandbox.root}
    return sandbox.request("POST", f"/phone/{path}", json=body, headers=headers)


def key_of(sandbox: Sandbox) -> str:
    return str(post(sandbox, "open", {}).json()["key"])


@contextmanager
def phone(sandbox: Sandbox, number: str | None = None) -> Iterator[Phone]:
    """An open phone; by then it shows what there is."""
    query = {"key": key_of(sandbox)} | ({"number": number} if number else {})
    url = f"{sandbox.root}/phone/events"
    with requests.get(url, params=query, stream=True, timeout=PATIENCE) as events:
        assert events.status_code == 200, events.text
        opened = Phone(sandbox, number, events)
        opened.next()
        yield opened
