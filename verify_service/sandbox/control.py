"""Controls a running simulator from a test in Python, and returns what happened in it.

sandbox = SandboxControl("http://127.0.0.1:9090")
sandbox.next_call("+79161234567", "UNAVAILABLE")
...  # have the service place the call
assert sandbox.wait_for_callback("+79161234567").status == "UNAVAILABLE"
"""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import requests

from verify_service.sandbox.calls import Call, Callback
from verify_service.sandbox.outcomes import Timestamp

__all__ = [
    "Call",
    "Callback",
    "NothingFound",
    "Refused",
    "SandboxControl",
    "SandboxError",
    "Unreachable",
]

# Seconds in which a simulator answers. A reset waits for callbacks that are being sent.
ANSWER_SECONDS = 10.0
# Seconds that the simulator lets one request wait.
LONGEST_WAIT = 30.0
# Calls that an error message lists.
LISTED = 10


class SandboxError(Exception):
    """The simulator cannot do what a test asked for. The message says what to do."""


class Unreachable(SandboxError):
    """No simulator answers at the address."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(
            f"no simulator answers at {url} ({problem}); "
            "start one: python -m verify_service.sandbox"
        )


class Refused(SandboxError):
    """The simulator refused the request; the message says what is allowed."""


class NothingFound(SandboxError):
    """There is no such call or callback; the message lists the newest calls."""


class SandboxControl:
    """A client of one simulator. Thread-safe; keeps no connection open.

    Numbers can have any spelling. Durations are seconds. A cursor is the position of a call or a
    callback among all of them: `after=call` selects only later ones.

    Every method raises:
        Unreachable: No simulator answers.
        Refused: The simulator refuses the request.
    """

    def __init__(self, url: str) -> None:
        """Use the simulator at `url`, with or without the provider's `/api` at its end."""
        self._url = url.rstrip("/").removesuffix("/api")

    def calls(self, number: str | None = None) -> list[Call]:
        """Return all calls, or those to `number`, the oldest first; also refused ones."""
        return self._calls(number)[0]

    def last_call(self, number: str | None = None) -> Call:
        """Return the newest call.

        Raises:
            NothingFound: There is none.
        """
        calls = self.calls(number)
        if not calls:
            raise self._nothing_found(f"no call to {number or 'any number'} yet")
        return calls[-1]

    def next_call(
        self,
        number: str | None = None,
        status: str | None = None,
        *,
        error_code: int | None = None,
        word: str | None = None,
        outcome: str | None = None,
        times: int = 1,
        answer_after: float | None = None,
        callback_after: float | None = None,
        statuses: Sequence[str] | None = None,
        timestamps: Sequence[Timestamp] | None = None,
        callback_format: str | None = None,
        caller: str | None = None,
        request_id: str | int | None = None,
        without: Collection[str] = (),
        http_status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> None:
        """Script the next `times` calls to `number`, or to any number.

        Args:
            status, error_code, word, outcome: At most one of them: a call status, an error code,
                an error word, or any other name of the simulator's table.
                Without one, the other arguments change the usual outcome.
            answer_after: Before the answer.
            callback_after: From the answer to the first callback.
            statuses, timestamps: One for each callback; `[]` for no callbacks.
            callback_format: How the callbacks carry their fields: `json`, `jsonAsForm`,
                `jsonAsText`, `jsonWithoutType`, `jsonWithMark`, `form`, `multipart` or `get`.
            caller: The calling number, instead of one that ends in the code.
            without: `from`, `requestId`, or both: they are left out of the answer.
            body: A string, sent as it is, or an object or a list, sent as JSON.
        """
        names = [status, None if error_code is None else f"errorCode {error_code}", word, outcome]
        chosen = [name for name in names if name is not None]
        if len(chosen) > 1:
            raise Refused(f"one outcome for a call, not {len(chosen)}: {', '.join(chosen)}")
        line = _given(
            number=number,
            times=times,
            outcome=chosen[0] if chosen else None,
            answerAfter=answer_after,
            callbackAfter=callback_after,
            statuses=None if statuses is None else list(statuses),
            timestamps=None if timestamps is None else list(timestamps),
            callbackFormat=callback_format,
            requestId=request_id,
            httpStatus=http_status,
            headers=None if headers is None else dict(headers),
            body=body,
            **{"from": caller},
        )
        self._ask("POST", "/sandbox/next", line | dict.fromkeys(without))

    def clear_script(self) -> None:
        """Remove all scripted calls."""
        self._ask("DELETE", "/sandbox/next")

    def wait_for_call(
        self,
        number: str | None = None,
        *,
        after: Call | Callback | int | None = None,
        timeout: float = 5.0,
    ) -> Call:
        """Return the newest call; where there is none, wait for the first one.

        Args:
            after: Select only later calls.

        Raises:
            NothingFound: There was none within `timeout`.
        """
        calls, _ = self._calls(number, _cursor(after), wait=timeout)
        if not calls:
            raise self._nothing_found(f"no call to {number or 'any number'} within {timeout:g} s")
        return calls[-1]

    def wait_for_callback(
        self,
        number: str | None = None,
        status: str | None = None,
        *,
        after: Call | Callback | int | None = None,
        timeout: float = 5.0,
    ) -> Callback:
        """Return the newest callback about a call to `number`, or wait for the first one.

        It has been sent, and `http_status` is the receiver's answer.

        Args:
            status: Select only callbacks with this status.
            after: Select only later callbacks.

        Raises:
            NothingFound: There was none within `timeout`.
        """
        until, first = time.monotonic() + timeout, _cursor(after)
        cursor, left = first, timeout
        while True:
            calls, cursor = self._calls(number, cursor, callbacks=True, wait=left)
            found = _matching(calls, status, first)
            if found:
                return max(found, key=lambda callback: callback.cursor)
            left = until - time.monotonic()
            if left <= 0:
                callback = f"callback {status}" if status else "callback"
                about = f"no {callback} about {number or 'any number'}"
                raise self._nothing_found(f"{about} within {timeout:g} s")

    def send_callback(
        self,
        call: Call | str,
        status: str,
        *,
        timestamp: Timestamp | None = None,
        app_key: str | None = None,
        number: str | None = None,
        request_id: str | int | None = None,
        callback_format: str | None = None,
    ) -> Callback:
        """Send a callback now; return it with the receiver's answer.

        Args:
            call: The call; or its requestId; or a number, which selects its newest call.
            timestamp: Unix time in seconds, instead of the current one; a text is sent as it is.
            app_key, number, request_id: Instead of the true values.
            callback_format: As for `next_call`.
        """
        selected = call.request_id if isinstance(call, Call) else call
        if selected is None:
            raise Refused("the call was refused: there is no call that a callback can be about")
        body = _given(
            call=selected,
            status=status,
            timestamp=timestamp,
            appKey=app_key,
            number=number,
            requestId=request_id,
            format=callback_format,
        )
        return Callback.from_json(self._ask("POST", "/sandbox/callbacks", body)["callback"])

    def reset(self) -> None:
        """Remove calls and script. No earlier callback is sent afterwards."""
        self._ask("POST", "/sandbox/reset")

    def _nothing_found(self, reason: str) -> NothingFound:
        calls = self.calls()
        earlier = len(calls) - LISTED
        listed = [f"{earlier} earlier"] if earlier > 0 else []
        listed += map(str, calls[-LISTED:])
        return NothingFound(f"{reason}; calls so far: {', '.join(listed) or 'none'}")

    def _calls(
        self, number: str | None, after: int = 0, *, callbacks: bool = False, wait: float = 0.0
    ) -> tuple[list[Call], int]:
        """Return the selected calls and the current cursor; wait for the first call."""
        until = time.monotonic() + wait
        while True:
            left = max(0.0, until - time.monotonic())
            seconds = min(left, LONGEST_WAIT)
            query = _given(
                number=number, after=after, callbacks=int(callbacks), wait=f"{seconds:.3f}"
            )
            answer = self._ask("GET", "/sandbox/calls", query=query, wait=seconds)
            if answer["calls"] or left <= LONGEST_WAIT:
                return [Call.from_json(each) for each in answer["calls"]], answer["cursor"]

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        wait: float = 0.0,
    ) -> Any:
        # A session for each request: the simulator closes every connection.
        with requests.Session() as session:
            # Neither a proxy variable nor a .netrc applies.
            session.trust_env = False
            try:
                timeout = wait + ANSWER_SECONDS
                url = self._url + path
                answer = session.request(method, url, json=body, params=query, timeout=timeout)
                found = answer.json()
            except requests.RequestException as error:
                raise Unreachable(self._url, type(error).__name__) from None
        match found:
            case {"status": "ok"}:
                return found
            case {"status": str(), "error": str(reason)}:
                raise Refused(reason)
            case _:
                raise Unreachable(self._url, "another program answers")


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _matching(calls: Sequence[Call], status: str | None, after: int) -> list[Callback]:
    callbacks = [callback for call in calls for callback in call.callbacks]
    return [each for each in callbacks if each.cursor > after and status in {None, each.status}]


def _cursor(after: Call | Callback | int | None) -> int:
    if after is None:
        return 0
    return after if isinstance(after, int) else after.cursor
