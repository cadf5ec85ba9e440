"""The front page: every outcome, as text for a terminal and as a page for a browser."""

from collections.abc import Iterator, Mapping

from flask import Request, Response, render_template

from verify_service.sandbox.outcomes import Outcome
from verify_service.sandbox.phone.pages import HEADERS
from verify_service.sandbox.table import ORDINARY, SERIES, Table
from verify_service.sandbox.vocabulary import PATH

TEXT = """\
Simulator of the provider's Flash Call API. No real call is placed: the number selects the outcome.

Place a call (sandbox-access-key is the default key):

  curl -s {root}{path} \\
    -H 'X-Authorization: AccessKey sandbox-access-key' -H 'Content-Type: application/json' \\
    -d '{{"number": "79990000001", "code": 1234, "timeout": 30000}}'

A phone that rings, in a browser: {root}/phone

Read what happened

  GET    /sandbox/calls               all calls with their callbacks, the newest last; arguments:
                                      number, after (a cursor), wait (seconds), callbacks=1
  GET    /sandbox/calls/<requestId>   one call; a number stands for its newest call
  GET    /sandbox/outcomes            the table below as JSON

Set what happens (JSON, with Content-Type: application/json)

  POST   /sandbox/next                script the next call to a number, or to any; fields:
                                      number, outcome (a name of the table), times, answerAfter,
                                      callbackAfter, callbackFormat, statuses, timestamps, from,
                                      requestId, httpStatus, headers, body
  GET    /sandbox/next                list the script's lines
  DELETE /sandbox/next                remove them
  POST   /sandbox/callbacks           send a callback now; fields: call (a requestId or a number),
                                      status, timestamp, appKey, number, requestId, format
  DELETE /sandbox/calls               remove the calls
  POST   /sandbox/reset               remove calls, script and waiting callbacks

  curl -s {root}/sandbox/next -H 'Content-Type: application/json' \\
    -d '{{"number": "+79161234567", "outcome": "UNAVAILABLE"}}'
  curl -s '{root}/sandbox/calls?number=79990000001&wait=5'
  curl -s -X POST {root}/sandbox/reset

Numbers

{table}

Any other number: {otherwise}.
"""

# The first two of a number's last four digits -> what its section of the page is about.
SECTIONS = {
    "00": "The call is placed",
    "01": "The call is refused with an errorCode",
    "02": "The call is refused with a status word",
    "03": "The answer is unusual, or fails",
    "04": "The callback is unusual, or wrong",
}


def show(table: Table, request: Request) -> Response:
    """Return the page for a client that prefers HTML, the text for any other."""
    root = request.host_url.rstrip("/")
    if request.accept_mimetypes.best_match(["text/plain", "text/html"]) == "text/html":
        sections = list(_sections(table.numbers))
        page = render_template("outcomes.html", sections=sections, root=root, otherwise=ORDINARY)
        response = Response(page, mimetype="text/html", headers=HEADERS)
    else:
        response = Response(_text(table, root), mimetype="text/plain")
    response.vary.add("Accept")
    return response


def _sections(numbers: Mapping[str, Outcome]) -> Iterator[tuple[str, list[tuple[str, Outcome]]]]:
    for begin, title in SECTIONS.items():
        rows = [each for each in numbers.items() if each[0].startswith(SERIES + begin)]
        yield title, [(_spaced(number), outcome) for number, outcome in rows]


def _spaced(number: str) -> str:
    """Return a number of the series as people write it: +7 999 000 01 06."""
    return f"+{number[0]} {number[1:4]} {number[4:7]} {number[7:9]} {number[9:]}"


def _text(table: Table, root: str) -> str:
    lines = "\n".join(
        f"  +{number}  {outcome.name:<25}  {outcome.meaning}"
        for number, outcome in table.numbers.items()
    )
    return TEXT.format(root=root, path=PATH, table=lines, otherwise=ORDINARY.meaning)
