"""A slow provider: answers each call after a second, thousands at once."""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from itertools import count  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
from gevent.pywsgi import WSGIServer  # noqa: E402

SECONDS = 1.0
_ids = count()


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer as the provider's page does, late."""
    call = json.load(environ["wsgi.input"])
    gevent.sleep(SECONDS)
    body = json.dumps({"requestId": f"bench-{next(_ids)}", "from": f"7917913{call['code']}"})
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body.encode()]


if __name__ == "__main__":
    WSGIServer(("127.0.0.1", int(sys.argv[1])), answer, log=None, backlog=2048).serve_forever()
