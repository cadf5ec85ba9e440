"""Requests to a running simulator."""

import time
from collections.abc import Mapping
from typing import Any

import requests

from verify_service.sandbox.seen import Call, Refused, Unreachable

SLACK = 10.0
"""Seconds in which a simulator answers; a reset lets callbacks under way arrive."""

LONGEST_WAIT = 30.0
"""Seconds that it lets one request wait."""


class Remote:
    """A simulator, by its address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        wait: float = 0.0,
    ) -> Any:
        """Its answer to a request that may wait for so many seconds.

        Raises:
            Unreachable: there is none.
            Refused: it says no.
        """
        # A session for each: the simulator closes every connection, so there is nothing to keep.
        with requests.Session() as session:
            # A developer's proxy or .netrc has no say in what a test does.
            session.trust_env = False
            try:
                answer = session.request(
                    method, self._url + path, json=body, params=query, timeout=wait + SLACK
                )
                told = answer.json()
            except requests.RequestException as error:
                raise Unreachable(self._url, type(error).__name__) from None
        match told:
            case {"status": "ok"}:
                return told
            case {"status": str(), "error": str(reason)}:
                raise Refused(reason)
            case _:
                raise Unreachable(self._url, "something else does")

    def calls(
        self, number: str | None, after: int, callbacks: bool, timeout: float
    ) -> tuple[list[Call], int]:
        """Calls, or calls with callbacks, after a cursor; and the cursor of now.

        Where there is none yet, waits up to `timeout` seconds for one.
        """
        until = time.monotonic() + timeout
        while True:
            left = max(0.0, until - time.monotonic())
            wait = min(left, LONGEST_WAIT)
            query = {"after": str(after), "callbacks": str(int(callbacks)), "wait": f"{wait:.3f}"}
            if number is not None:
                query["number"] = number
            answer = self.ask("GET", "/sandbox/calls", query=query, wait=wait)
            if answer["calls"] or left <= LONGEST_WAIT:
                return [Call.from_json(each) for each in answer["calls"]], answer["cursor"]
