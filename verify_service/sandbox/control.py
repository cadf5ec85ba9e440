"""Steers a running simulator from a test, and tells what happened in it.

sandbox = SandboxControl("http://127.0.0.1:9090")
sandbox.next_call("+79161234567", "UNAVAILABLE")
...  # have the service place the call
assert sandbox.wait_for_callback("+79161234567").status == "UNAVAILABLE"
"""

import time
from collections.abc import Collection, Mapping, Sequence

from verify_service.sandbox.remote import Remote
from verify_service.sandbox.seen import (
    Call,
    Callback,
    NothingCame,
    Refused,
    SandboxError,
    Unreachable,
    listed,
)

__all__ = [
    "Call",
    "Callback",
    "NothingCame",
    "Refused",
    "SandboxControl",
    "SandboxError",
    "Unreachable",
]


class SandboxControl:
    """A client of one simulator. Safe to share between threads; keeps nothing open.

    Numbers in any spelling. Durations in seconds. A cursor is the place of a call or a callback
    among all that happened: `after=call` means only what came after that call.

    Raises, from every method:
        Unreachable: no simulator answers.
        Refused: it does not take the request; the message says what is allowed.
    """

    def __init__(self, url: str) -> None:
        """`url`: the simulator's address, with the provider's `/api` at its end or without."""
        self._remote = Remote(url.rstrip("/").removesuffix("/api"))

    def calls(self, number: str | None = None) -> list[Call]:
        """All calls, or those to `number`, the oldest first; refused ones too."""
        return self._remote.calls(number, 0, False, 0)[0]

    def last_call(self, number: str | None = None) -> Call:
        """The newest call.

        Raises:
            NothingCame: there is none.
        """
        calls = self.calls(number)
        if not calls:
            raise NothingCame(f"no call to {number or 'anybody'} yet; {self._so_far()}")
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
        timestamps: Sequence[int] | None = None,
        caller: str | None = None,
        request_id: str | int | None = None,
        without: Collection[str] = (),
        http_status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> None:
        """Say what happens to the next `times` calls to `number`, or to anybody.

        Args:
            status, error_code, word, outcome: At most one: a call status, an error code or an
                error word of the provider's page, or any name of the simulator's table. Without,
                the rest changes what would have happened anyway.
            statuses, timestamps: Of the callbacks, one each; `[]` for none.
            callback_after: From the answer to the first callback.
            caller: The number that calls, whatever the code.
            without: `from`, `requestId`, or both: left out of the answer.
            body: Text, sent as it is, or an object or a list, sent as JSON.
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
            requestId=request_id,
            httpStatus=http_status,
            headers=None if headers is None else dict(headers),
            body=body,
            **{"from": caller},
        )
        self._remote.ask("POST", "/sandbox/next", line | dict.fromkeys(without))

    def wait_for_call(
        self,
        number: str | None = None,
        *,
        after: Call | Callback | int | None = None,
        timeout: float = 5.0,
    ) -> Call:
        """The newest call; where there is none, the first one to come.

        Args:
            after: Only a call that came after this.

        Raises:
            NothingCame: not within `timeout`.
        """
        calls, _ = self._remote.calls(number, _cursor(after), False, timeout)
        if not calls:
            wanted = f"no call to {number or 'anybody'} within {timeout:g} s"
            raise NothingCame(f"{wanted}; {self._so_far()}")
        return calls[-1]

    def wait_for_callback(
        self,
        number: str | None = None,
        status: str | None = None,
        *,
        after: Call | Callback | int | None = None,
        timeout: float = 5.0,
    ) -> Callback:
        """The newest callback about a call to `number`; where there is none, the first to come.

        It has been sent by then, and `http_status` says what the receiver made of it.

        Args:
            status: Only a callback with this status.
            after: Only a callback that was sent after this.

        Raises:
            NothingCame: not within `timeout`.
        """
        until, since = time.monotonic() + timeout, _cursor(after)
        cursor = since
        while True:
            left = max(0.0, until - time.monotonic())
            calls, cursor = self._remote.calls(number, cursor, True, left)
            if fitting := _fitting(calls, status, since):
                return max(fitting, key=lambda callback: callback.cursor)
            if left <= 0:
                wanted = f"no callback {status or ''}".rstrip()
                told = f"{wanted} about {number or 'anybody'} within {timeout:g} s"
                raise NothingCame(f"{told}; {self._so_far()}")

    def send_callback(
        self,
        call: Call | str,
        status: str,
        *,
        timestamp: int | None = None,
        app_key: str | None = None,
        number: str | None = None,
        request_id: str | int | None = None,
    ) -> Callback:
        """Send a callback now, and tell what came of it.

        Args:
            call: The call; or its requestId; or a number, for the newest call to it.
            timestamp: Unixtime, instead of now.
            app_key, number, request_id: Instead of the truth.
        """
        meant = call.request_id if isinstance(call, Call) else call
        if meant is None:
            raise Refused("the call was refused: nothing rang that a callback could be about")
        body = _given(
            call=meant,
            status=status,
            timestamp=timestamp,
            appKey=app_key,
            number=number,
            requestId=request_id,
        )
        return Callback.from_json(self._remote.ask("POST", "/sandbox/callbacks", body)["callback"])

    def reset(self) -> None:
        """Forget calls and script. After it nothing comes any more of what was before."""
        self._remote.ask("POST", "/sandbox/reset")

    def _so_far(self) -> str:
        return f"calls so far: {listed(self.calls())}"


def _given(**fields: object) -> dict[str, object]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}


def _fitting(calls: Sequence[Call], status: str | None, since: int) -> list[Callback]:
    return [
        callback
        for call in calls
        for callback in call.callbacks
        if callback.cursor > since and status in {None, callback.status}
    ]


def _cursor(after: Call | Callback | int | None) -> int:
    if after is None:
        return 0
    return after if isinstance(after, int) else after.cursor
