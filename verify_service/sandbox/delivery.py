"""Posts one callback to the receiver and says what came of it."""

from collections.abc import Mapping

import requests

# Seconds to connect, and of silence while waiting for the answer. Well below a client's deadline:
# a callback that goes first makes the answer to the call wait.
TIMEOUT = (1.0, 3.0)


def deliver(url: str, payload: Mapping[str, int | str | None]) -> tuple[int | None, str | None]:
    """POST `payload` as JSON, once.

    Returns:
        The receiver's HTTP status and None, or None and the class name of the error. Never raises.
    """
    # A session for each: on a kept connection that the receiver is just closing, the callback would
    # be lost, and there is no second try.
    with requests.Session() as session:
        session.trust_env = False
        try:
            # Streamed: the body of the answer means nothing here and may never end.
            with session.post(
                url, json=payload, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as response:
                return response.status_code, None
        except Exception as error:  # whatever its class, that is the result
            return None, type(error).__name__
